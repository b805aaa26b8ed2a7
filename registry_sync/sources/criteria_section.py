"""The blocks of a page -> the lines of its eligibility criteria, and the blocks that state something else."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from registry_sync.sources.blocks import Block
from registry_sync.sources.columns import names_group, numbered_as_lists
from registry_sync.sources.criteria_ends import end_of_criteria, is_item, may_precede_heading
from registry_sync.sources.finder_values import ages_of_people
from registry_sync.sources.labels import (
    CRITERIA,
    ELIGIBILITY_FACTS,
    SECTION,
    Words,
    is_criteria_heading,
)
from registry_sync.sources.markers import strip_bullets
from registry_sync.sources.markup import block_lines, plain_lines
from registry_sync.sources.page_parts import parted
from registry_sync.trials.criteria import Line, heading
from registry_sync.trials.listing import How

_OF_THE_READER = re.compile(r"[\W\d]*(?:I|I'm|I\u2019m|You|Your|My|Are you|Do you|Have you)\b(?!\.)")
_FULL = re.compile(r"\W*(?:full|complete|detailed|all)\b", re.IGNORECASE)
_ESCAPED = re.compile(r"\\(?=[.*^<>\[\]()_~#+=-])")
_NUMBER = re.compile(r"\d{1,3}[.)]?|#")
_BULLETED_LINE = re.compile(r"^\s*(?:[•*●▪·]|[–-]{1,2}|\d{1,2}[.)])\s", re.MULTILINE)
_CUT = ("...", "…", "[more]", "(more)", "[…]", "[...]")
_COUNT = re.compile(
    r"(?P<name>.*\S)\s*[(\[](?P<count>\d{1,3})(?:\s*(?:of|/)\s*(?P<all>\d{1,3}))?(?:\s+(?:criteria|items|in total|total|shown))?[)\]]"
    r"(?P<colon>:?)",
    re.IGNORECASE,
)
_COUNT_ALONE = re.compile(r"[(\[]?(\d{1,3})[)\]]?:?")
_AT_THE_REGISTRY = re.compile(r"\b(?:on|at|see|visit)\s+(?:\w+\s+)?(?:www\.)?clinicaltrials\.gov\W*$", re.IGNORECASE)
_LISTED = re.compile(r"[(]?(\d{1,2})[.):]?")
_FEWEST_NUMBERED = 2
_FEWEST_ITEMS = 3
_FEWEST_LINES = 5
_MOST_WORDS_OF_A_HEADING = 8
_OF_THE_SITE = re.compile(
    r"\b(?:please contact|contact (?:us|the (?:study|trial|research|team|site)|our|your)|interested\b|newsletter|subscribe|sign up|"
    r"last (?:updated|reviewed|verified|modified|refreshed)|retrieved|copyright|all rights reserved|have (?:any )?questions|"
    r"questions (?:about|regarding)|"
    r"(?:please )?call (?:us|\+?\d)|(?:talk|speak) (?:to|with) (?:your|a) |your doctor|study (?:doctor|team) will|"
    r"share this|for more information|(?:on|at|see|visit) clinicaltrials\.gov|"
    r"learn more|download|privacy|NCT\d{8}|study id)|^\W*(?:updated?|source|data from|open to (?:people|participants|patients))\b|"
    r"\u00a9|\(c\) \d{4}",
    re.IGNORECASE,
)
"""How a site speaks of itself, its readers and its copy, and no protocol does outside of its lists."""
_FEWEST_WORDS = 3
_MOST_LETTERS_TO_SAY_SO = 500
_MOST_CLOSING_LINES = 2
_MOST_LETTERS = 50_000
"""The registry takes no more than 20,000 for all criteria of a trial: what has far more is no copy of them, and goes into no news."""


@dataclass(frozen=True)
class CriteriaSection:
    """The lines of the eligibility criteria, and the page's other blocks.

    ``how``: why they are no text of the record: cut off, in the site's own words, in columns that cannot be told apart, or
    without an end.
    ``groups``: those of which a heading stands; ``said_nothing``: how often a line says so ("-", "None"); ``is_selection``: the page
    says that there are more criteria than these. ``remarks``: what stands in no list beside criteria that do: sub-headings and closing
    lines, which are notes.
    """

    lines: tuple[Line, ...]
    how: How | None
    groups: frozenset[str]
    said_nothing: int
    is_selection: bool
    rest: tuple[Block, ...]
    remarks: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Span:
    """One stretch of the page that a label or heading of the criteria opens.

    ``content`` are the places of the blocks that state criteria, ``facts`` of those that state another field. ``is_full``: it says that
    these are all ("Full eligibility criteria").
    ``is_short``: a heading says that there are more criteria than stand below it ("Inclusion criteria (45)").
    """

    start: int
    end: int
    content: tuple[int, ...]
    facts: frozenset[int]
    lines: tuple[Line, ...]
    groups: frozenset[str]
    is_full: bool
    is_short: bool = False


def criteria_section(blocks: Sequence[Block], words: Words) -> CriteriaSection | None:
    """The eligibility criteria: the first stretch that has both groups, else the first of each, else the first at all."""
    blocks = numbered_as_lists(blocks)
    spans = _chosen([span for span in _spans(blocks, words) if span.lines])
    if not spans:
        return None
    content = [blocks[place] for span in spans for place in span.content]
    taken = {place for span in spans for place in range(span.start, span.end) if place not in span.facts}
    texts = [blocks[span.start].text for span in spans]
    texts += [block.text for block in content if block.marker is None and len(block.text) <= _MOST_LETTERS_TO_SAY_SO]
    said = "\n".join(texts).lower()
    return CriteriaSection(
        lines=tuple(line for span in spans for line in span.lines),
        how=_how(blocks, spans, content, said, words),
        groups=frozenset(group for span in spans for group in span.groups),
        said_nothing=sum(not words.is_stated(block.text) for block in content),
        is_selection=words.is_selection(said),
        rest=tuple(block for place, block in enumerate(blocks) if place not in taken),
        remarks=frozenset(blocks[place].text for span in spans for place in _remarks(blocks, span.content)),
    )


def _how(blocks: Sequence[Block], spans: Sequence[_Span], content: Sequence[Block], said: str, words: Words) -> How | None:
    is_cut = any(words.is_cut_off(block.text) for block in content)
    if is_cut or any(blocks[span.content[-1]].text.endswith(_CUT) for span in spans) or _has_cut_item(content):
        return "cut_off"
    if any(span.is_short for span in spans) or any(_ends_with_a_way(block, words) for block in content):
        return "cut_off"
    if words.is_paraphrase(said) or _speaks_for_the_reader(content):
        return "paraphrased"
    if _is_beside_each_other(content):
        return "headings_lost"
    if len({group for span in spans for group in span.groups}) == 1 and (_begins_again(spans) or _is_two_lists(content)):
        return "headings_lost"
    if sum(len(line.text) for span in spans for line in span.lines) > _MOST_LETTERS:
        return "unclear"
    return "unclear" if spans[-1].end == len(blocks) and _runs_on(content) else None


def _ends_with_a_way(block: Block, words: Words) -> bool:
    """Does a link or button at the end of this item lead to the rest of it ("... Read more")?"""
    return len(block.parts) > 1 and len(block.parts[-1].split()) > 1 and words.is_cut_off(block.parts[-1])


def _has_cut_item(content: Sequence[Block]) -> bool:
    """Does an item end in the middle, with nothing of its own below it?"""
    for block, following in itertools.pairwise(content):
        is_closed = following.depth <= block.depth and not names_group(block)
        if block.text.endswith(_CUT) and is_closed and (is_item(block) or is_item(following)):
            return True
    return False


def _is_two_lists(content: Sequence[Block]) -> bool:
    """Do two lists stand one right after the other, each with several items?"""
    outer = [block for block in content if not (block.outline and block.depth)]
    runs = [(outline, len(list(run))) for outline, run in itertools.groupby(outer, key=lambda block: block.outline)]
    return any(one[0] and other[0] and min(one[1], other[1]) >= _FEWEST_NUMBERED for one, other in itertools.pairwise(runs))


def _begins_again(spans: Sequence[_Span]) -> bool:
    """Do the numbers of the only group begin again without a line between, so that a heading may be lost?"""
    for span in spans:
        last = 0
        for line in span.lines:
            number = _LISTED.fullmatch(line.marker or "") if line.depth == 0 else None
            if number is not None and int(number[1]) == 1 and last >= _FEWEST_NUMBERED:
                return True
            if line.depth == 0:
                last = int(number[1]) if number is not None else 0
    return False


def _runs_on(content: Sequence[Block]) -> bool:
    """Does a list of criteria go on, to the end of the page, in lines that stand in no list? It does where other labels were lost."""
    items = [place for place, block in enumerate(content) if block.kind == "item" and block.outline]
    if len(items) < _FEWEST_ITEMS:
        return False
    behind = [block for block in content[items[-1] + 1 :] if block.marker is None and strip_bullets(block.text)[0] is None]
    return len(behind) > _MOST_CLOSING_LINES


def _speaks_for_the_reader(content: Sequence[Block]) -> bool:
    """Are most of the criteria sentences of the reader ("I am over 18")? A record speaks of patients."""
    spoken = sum(_OF_THE_READER.match(block.text) is not None and not names_group(block) for block in content)
    return spoken > 0 and 2 * spoken > sum(len(block.text.split()) > _FEWEST_WORDS for block in content)


def lost_headings(blocks: Sequence[Block], words: Words) -> bool:
    """Does a part of the page that is named by eligibility have a list, or many lines, without a heading of either group?"""
    if any(names_group(block) for block in blocks):
        return False
    inside, run, items = False, 0, 0
    for block in blocks:
        meaning = words.label_meaning(block.text)
        if meaning in (SECTION, CRITERIA):
            inside, run, items = "ligib" in block.text, 0, 0
            continue
        is_sentence = inside and meaning is None and len(block.text.split()) >= _FEWEST_WORDS
        run = run + 1 if is_sentence else 0
        items = items + 1 if is_sentence and is_item(block) else 0
        if items >= _FEWEST_ITEMS or run >= _FEWEST_LINES:
            return True
    return False


def _spans(blocks: Sequence[Block], words: Words) -> Iterator[_Span]:
    past = 0
    for index, block in enumerate(blocks):
        if index >= past and (words.label_meaning(block.text) == CRITERIA or _opens_with_heading(block, words)):
            span = _span_from(blocks, index, words)
            past = span.end
            yield span


def _chosen(spans: Sequence[_Span]) -> list[_Span]:
    """The stretches that hold the criteria; a site may show its fields between the two groups."""
    whole = [span for span in spans if {"inclusion", "exclusion"} <= span.groups]
    if whole:
        return [next((span for span in whole if span.is_full), whole[0])]
    found = {group: next((span for span in spans if group in span.groups), None) for group in ("inclusion", "exclusion")}
    apart = sorted((span for span in found.values() if span is not None), key=lambda span: span.start)
    headed = [span for span in spans if any(is_criteria_heading(line.text) for line in span.lines)]
    return apart or headed[:1] or list(spans[:1])


def _opens_with_heading(block: Block, words: Words) -> bool:
    """Is this the heading "Inclusion criteria" itself, below no label of the whole?"""
    if not names_group(block) or words.label_meaning(block.text) is not None:
        return False
    return block.kind != "item" or ":" in block.text or heading(Line(block.depth, block.marker, block.text)) is not None


def _span_from(blocks: Sequence[Block], start: int, words: Words) -> _Span:
    """The stretch that the block at ``start`` opens."""
    first = start if _opens_with_heading(blocks[start], words) else start + 1
    end = end_of_criteria(blocks, start, words)
    seen = [place for place in range(first, end) if not _is_of_the_site(blocks[place], words) or _is_among_items(blocks, place)]
    facts = _facts(blocks, seen, words)
    content = _without_site_lines(blocks, [place for place in seen if place not in facts], words)
    facts |= {place for place in set(seen).difference(content) if any(ages_of_people(blocks[place].text))}
    counted = [_counted(blocks[place]) for place in content]
    lines = _lines([block for block, _ in counted])
    groups = frozenset(found.group for line in lines if (found := heading(line)) is not None and found.group is not None)
    is_short = _is_short(lines, {block.text: count for block, count in counted if count})
    return _Span(start, end, content, facts, lines, groups, _FULL.match(blocks[start].text) is not None, is_short)


def _is_of_the_site(block: Block, words: Words) -> bool:
    """Is this a button, or a link to the trial's record at the registry?"""
    leads_to_record = block.linked and _AT_THE_REGISTRY.search(block.text) is not None and not words.is_cut_off(block.text)
    return leads_to_record or words.is_button(block.text)


def _counted(block: Block) -> tuple[Block, int]:
    """A heading without the number of criteria behind its name, and that number; 0 where it says none."""
    if not names_group(block):
        return block, 0
    apart = len(block.parts) > 1 and _COUNT_ALONE.fullmatch(block.parts[-1])
    found = _COUNT.fullmatch(block.text)
    if apart and block.text.endswith(block.parts[-1]):
        return replace(block, text=block.text.removesuffix(block.parts[-1]).rstrip(), parts=(), raw=""), int(apart[1])
    if found:
        return replace(block, text=found["name"] + found["colon"], parts=(), raw=""), int(found["all"] or found["count"])
    return block, 0


def _is_short(lines: Sequence[Line], counts: Mapping[str, int]) -> bool:
    """Does a heading, by its text in ``counts``, say that there are more criteria than the lines below it?"""
    said = have = 0
    for line in lines:
        found = heading(line)
        if line.text in counts or (found is not None and found.group is not None and not found.sentence):
            if said > have:
                return True
            said, have = counts.get(line.text, 0), 0
        else:
            have += 1
    return said > have


def _is_among_items(blocks: Sequence[Block], place: int) -> bool:
    """Does this item ("None", "Collapse") stand between others of its list?"""
    block = blocks[place]
    beside = [one for one in blocks[max(0, place - 1) : place + 2] if one is not block]
    return block.kind == "item" and bool(block.outline) and all(one.outline == block.outline for one in beside)


def _is_loose(block: Block) -> bool:
    """Does this line carry no bullet, where others do?"""
    return block.marker is None and not block.depth and not block.is_line_of_pre and not is_item(block) and block.cells < 2


def _without_site_lines(blocks: Sequence[Block], places: Sequence[int], words: Words) -> tuple[int, ...]:
    """Those of lists, without the lines between and below them in which the site speaks: whom to call, when it was updated.

    A line that keeps the rest of the list back stays: it says why the list is short.
    """
    if sum(is_item(blocks[place]) for place in places) < _FEWEST_ITEMS - 1:
        return tuple(places)

    last = {(blocks[place].row, blocks[place].cell): place for place in places if blocks[place].kind == "item"}

    def is_the_sites(place: int) -> bool:
        block = blocks[place]
        below_list = place > last.get((block.row, block.cell), place)
        return (_is_loose(block) or below_list) and _OF_THE_SITE.search(block.text) is not None and not words.is_cut_off(block.text)

    return tuple(place for place in places if not is_the_sites(place))


def _remarks(blocks: Sequence[Block], places: Sequence[int]) -> Iterator[int]:
    """The lines without a bullet right above and below items that have one, and behind the last of them."""
    items = [place for place in places if is_item(blocks[place])]
    if len(items) < _FEWEST_ITEMS - 1:
        return
    for at, place in enumerate(places):
        block = blocks[place]
        if not _is_loose(block) or at == 0 or block.text.endswith(":") or names_group(block):
            continue
        short = len(block.text.split()) <= _MOST_WORDS_OF_A_HEADING and not block.text.endswith((".", ";", ","))
        if place > items[-1] or (
            short and at + 1 < len(places) and is_item(blocks[places[at + 1]]) and may_precede_heading(blocks[places[at - 1]])
        ):
            yield place


def _facts(blocks: Sequence[Block], places: Sequence[int], words: Words) -> frozenset[int]:
    """The places of labelled lines ("Sex: All") before the first group, or below the last one's list: fields, no criteria."""
    heading_at = next((at for at, place in enumerate(places) if names_group(blocks[place])), None)
    found: set[int] = set()
    for at, place in enumerate(places[:heading_at]):
        if _states_fact(blocks[place], words):
            found.add(place)
        elif heading_at is not None and at + 1 < heading_at and _is_label_before_value(blocks[place], blocks[places[at + 1]], words):
            found.update((place, places[at + 1]))  # two items, "Sex" and "All"
    in_list = any(blocks[place].marker or strip_bullets(blocks[place].text)[0] for place in places)
    for place in reversed(places[heading_at or 0 :]):
        block = blocks[place]
        if not in_list or block.marker or block.depth or strip_bullets(block.text)[0] or not _states_fact(block, words):
            break
        found.add(place)
    return frozenset(found)


def _is_label_before_value(block: Block, following: Block, words: Words) -> bool:
    return words.label_meaning(block.text) is not None and words.label_meaning(following.text) is None


def _states_fact(block: Block, words: Words) -> bool:
    """Is this one line with a label of an eligibility field and its value?"""
    found = list(itertools.islice(parted(block, words), 2))
    return len(found) > 1 and found[0].meaning in ELIGIBILITY_FACTS


def _is_beside_each_other(content: Sequence[Block]) -> bool:
    """Do both headings stand together, so that it is open whose the criteria below are?

    So they do in columns that a style sheet makes, with two lists below, and in tabs, which are a list of their own.
    """
    for index, (block, following) in enumerate(itertools.pairwise(content)):
        if names_group(block) and names_group(following) and block.depth == following.depth:
            below = itertools.takewhile(lambda one: not names_group(one), content[index + 2 :])
            outlines = {one.outline for one in below} - {following.outline}
            return bool(outlines) if following.kind == "item" else len(outlines) > 1
    return False


def _lines(content: Sequence[Block]) -> tuple[Line, ...]:
    """The section's lines: from the page's own lists, or from the bullets and numbers in the text."""
    plain = [replace(one, text=_ESCAPED.sub("", one.text), raw=_ESCAPED.sub("", one.raw)) if "\\" in one.text else one for one in content]
    lines = block_lines(list(_numbered(_spread(plain))))
    base = min((line.depth for line in lines), default=0)
    return tuple(Line(line.depth - base, line.marker, line.text, line.heading) for line in lines)


def _spread(content: Sequence[Block]) -> Iterator[Block]:
    """The blocks as their own lines, where the line breaks of the source are the only structure (``pre``, ``pre-line``)."""
    for shown, group in itertools.groupby(content, key=lambda block: block.is_line_of_pre):
        if shown:
            run = list(group)
            raw = "\n".join(("\n" if block.breaks > 1 else "") + block.raw for block in run)
            for line in plain_lines(raw):
                yield replace(run[0], text=line.text, depth=run[0].depth + line.depth, marker=line.marker, raw="", breaks=0)
            continue
        for block in group:
            if len(_BULLETED_LINE.findall(block.raw)) > 1:
                for line in plain_lines(block.raw):
                    yield replace(block, text=line.text, depth=block.depth + line.depth, marker=line.marker, raw="")
            else:
                yield block


def _numbered(content: Iterable[Block]) -> Iterator[Block]:
    """The same, where a cell that holds only a number is the marker of the next cell."""
    number: Block | None = None
    for block in content:
        if block.cells > 1 and block.cell == 0 and _NUMBER.fullmatch(block.text):
            number = block
            continue
        yield replace(block, marker=number.text) if number and number.row == block.row else block
        number = None
