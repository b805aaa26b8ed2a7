"""The blocks of a page -> the lines of its eligibility criteria, and the blocks that state something else."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from registry_sync.sources.blocks import Block
from registry_sync.sources.finder_values import ages_of_people, is_value_of, location
from registry_sync.sources.labels import (
    CRITERIA,
    ELIGIBILITY_FACTS,
    NONE,
    PAGE_LABELS,
    REFRESHED,
    REGISTRATION,
    SECTION,
    Words,
    is_criteria_heading,
    opens_about,
    opens_other_trials,
)
from registry_sync.sources.markers import strip_bullets
from registry_sync.sources.markup import block_lines, plain_lines
from registry_sync.sources.page_parts import begins_about, parted
from registry_sync.trials.criteria import Line, heading
from registry_sync.trials.listing import How

_OF_THE_READER = re.compile(r"[\W\d]*(?:I|I'm|I\u2019m|You|Your|My|Are you|Do you|Have you)\b(?!\.)")
_FULL = re.compile(r"\W*(?:full|complete|detailed|all)\b", re.IGNORECASE)
_ESCAPED = re.compile(r"\\(?=[.*^<>\[\]()_~#+=-])")
_NUMBER = re.compile(r"\d{1,3}[.)]?|#")
_BULLETED_LINE = re.compile(r"^\s*(?:[•*●▪·]|[–-]{1,2}|\d{1,2}[.)])\s", re.MULTILINE)


_SOMETHING_ELSE = (PAGE_LABELS | {REGISTRATION, REFRESHED}) - {CRITERIA}
_CUT = ("...", "…", "[more]", "(more)", "[…]", "[...]")
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
    r"share this|for more information|"
    r"learn more|download|privacy|NCT\d{8}|study id)|^\W*(?:updated?|source|data from|open to (?:people|participants|patients))\b|"
    r"\u00a9|\(c\) \d{4}",
    re.IGNORECASE,
)
"""How a site speaks of itself, its readers and its copy, and no protocol does outside of its lists."""
_FEWEST_WORDS = 3
_MOST_LETTERS_TO_SAY_SO = 500
_MOST_CLOSING_LINES = 2


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
    """

    start: int
    end: int
    content: tuple[int, ...]
    facts: frozenset[int]
    lines: tuple[Line, ...]
    groups: frozenset[str]
    is_full: bool


def criteria_section(blocks: Sequence[Block], words: Words) -> CriteriaSection | None:
    """The eligibility criteria: the first stretch that has both groups, else the first of each, else the first at all."""
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
    if words.is_paraphrase(said) or _speaks_for_the_reader(content):
        return "paraphrased"
    if _is_beside_each_other(content):
        return "headings_lost"
    if len({group for span in spans for group in span.groups}) == 1 and (_begins_again(spans) or _is_two_lists(content)):
        return "headings_lost"
    return "unclear" if spans[-1].end == len(blocks) and _runs_on(content) else None


def _has_cut_item(content: Sequence[Block]) -> bool:
    """Does an item end in the middle, with nothing of its own below it?"""
    for block, following in itertools.pairwise(content):
        is_closed = following.depth <= block.depth and not is_criteria_heading(block.text)
        if block.text.endswith(_CUT) and is_closed and (_is_item(block) or _is_item(following)):
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
    spoken = sum(_OF_THE_READER.match(block.text) is not None and not is_criteria_heading(block.text) for block in content)
    return spoken > 0 and 2 * spoken > sum(len(block.text.split()) > _FEWEST_WORDS for block in content)


def lost_headings(blocks: Sequence[Block], words: Words) -> bool:
    """Does a part of the page that is named by eligibility have a list, or many lines, without a heading of either group?"""
    if any(is_criteria_heading(block.text) for block in blocks):
        return False
    inside, run, items = False, 0, 0
    for block in blocks:
        meaning = words.label_meaning(block.text)
        if meaning in (SECTION, CRITERIA):
            inside, run, items = "ligib" in block.text, 0, 0
            continue
        is_sentence = inside and meaning is None and len(block.text.split()) >= _FEWEST_WORDS
        run = run + 1 if is_sentence else 0
        items = items + 1 if is_sentence and _is_item(block) else 0
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
    if not is_criteria_heading(block.text) or words.label_meaning(block.text) is not None:
        return False
    return block.kind != "item" or ":" in block.text or heading(Line(block.depth, block.marker, block.text)) is not None


def _span_from(blocks: Sequence[Block], start: int, words: Words) -> _Span:
    """The stretch that the block at ``start`` opens."""
    first = start if _opens_with_heading(blocks[start], words) else start + 1
    end = _end_of_criteria(blocks, start, words)
    seen = [place for place in range(first, end) if not words.is_button(blocks[place].text) or _is_among_items(blocks, place)]
    facts = _facts(blocks, seen, words)
    content = _without_site_lines(blocks, [place for place in seen if place not in facts], words)
    facts |= {place for place in seen if place not in content and any(ages_of_people(blocks[place].text))}
    lines = _lines([blocks[place] for place in content])
    groups = frozenset(found.group for line in lines if (found := heading(line)) is not None and found.group is not None)
    return _Span(start, end, content, facts, lines, groups, _FULL.match(blocks[start].text) is not None)


def _is_among_items(blocks: Sequence[Block], place: int) -> bool:
    """Does this item ("None", "Collapse") stand between others of its list?"""
    block = blocks[place]
    beside = [one for one in blocks[max(0, place - 1) : place + 2] if one is not block]
    return block.kind == "item" and bool(block.outline) and all(one.outline == block.outline for one in beside)


def _is_loose(block: Block) -> bool:
    """Does this line carry no bullet, where others do?"""
    return block.marker is None and not block.depth and not block.is_line_of_pre and not _is_item(block) and block.cells < 2


def _without_site_lines(blocks: Sequence[Block], places: Sequence[int], words: Words) -> tuple[int, ...]:
    """Those of lists, without the lines between and below them in which the site speaks: whom to call, when it was updated.

    A line that keeps the rest of the list back stays: it says why the list is short.
    """
    if sum(_is_item(blocks[place]) for place in places) < _FEWEST_ITEMS - 1:
        return tuple(places)

    def is_the_sites(block: Block) -> bool:
        return _is_loose(block) and _OF_THE_SITE.search(block.text) is not None and not words.is_cut_off(block.text)

    return tuple(place for place in places if not is_the_sites(blocks[place]))


def _remarks(blocks: Sequence[Block], places: Sequence[int]) -> Iterator[int]:
    """The lines without a bullet right above and below items that have one, and behind the last of them."""
    items = [place for place in places if _is_item(blocks[place])]
    if len(items) < _FEWEST_ITEMS - 1:
        return
    for at, place in enumerate(places):
        block = blocks[place]
        if not _is_loose(block) or at == 0 or block.text.endswith(":") or is_criteria_heading(block.text):
            continue
        short = len(block.text.split()) <= _MOST_WORDS_OF_A_HEADING and not block.text.endswith((".", ";", ","))
        if place > items[-1] or (
            short and at + 1 < len(places) and _is_item(blocks[places[at + 1]]) and _may_precede_heading(blocks[places[at - 1]])
        ):
            yield place


def _may_precede_heading(block: Block) -> bool:
    """Is this an item, or what introduces one?"""
    return _is_item(block) or block.text.endswith(":") or is_criteria_heading(block.text)


def _end_of_criteria(blocks: Sequence[Block], start: int, words: Words) -> int:
    anchor = start  # the last heading: where the page leaves its place in a table, the criteria below it end
    for index in range(start + 1, len(blocks)):
        block = blocks[index]
        if is_criteria_heading(block.text):
            anchor = index
        elif not (_heads_criteria(blocks, index, blocks[anchor], words) or _list_goes_on(blocks, index, start, anchor, words)) and (
            _leaves_place(blocks, anchor, block)
            or _leaves_item(blocks[anchor], blocks[anchor + 1], block, words)
            or _ends_criteria(blocks[start], blocks[anchor], block, words)
        ):
            return index
    return len(blocks)


def _heads_criteria(blocks: Sequence[Block], index: int, anchor: Block, words: Words) -> bool:
    """Is this label, in the list of a group, a heading of some of its criteria ("Age", then a sentence), and no field of the page?"""
    block, before = blocks[index], blocks[index - 1]
    meaning = words.label_meaning(block.text)
    if meaning is None or block.row or block.kind == "term" or not is_criteria_heading(anchor.text):
        return False
    if block.level and not 0 < anchor.level < block.level:
        return False
    following = blocks[index + 1] if index + 1 < len(blocks) else None
    if following is None or words.label_meaning(following.text) is not None or not words.is_stated(following.text):
        return False
    bullet = strip_bullets(block.text)[0]
    if bullet and bullet == strip_bullets(before.text)[0] == strip_bullets(following.text)[0]:
        return meaning in ELIGIBILITY_FACTS or meaning == NONE
    if meaning in ELIGIBILITY_FACTS:
        return len(following.text.split()) > _FEWEST_WORDS and not is_value_of(meaning, following.text, words)
    in_list = _is_item(following) and (_is_item(before) or is_criteria_heading(before.text))
    return meaning == "conditions" and block.text.lower().startswith("medical") and in_list


def _list_goes_on(blocks: Sequence[Block], index: int, start: int, anchor: int, words: Words) -> bool:
    """Is this label, of a lower rank than the headings of the criteria, right between items of their list that are sentences?"""
    block, level = blocks[index], blocks[anchor].level or blocks[start].level
    if not level or 0 < block.level <= level or block.row or block.kind == "term" or words.label_meaning(block.text) is None:
        return False
    if not is_criteria_heading(blocks[anchor].text) or not _may_precede_heading(blocks[index - 1]):
        return False
    below = list(itertools.takewhile(_is_item, blocks[index + 1 :]))
    told = [
        one for one in below if len(one.text.split()) > _FEWEST_WORDS and location(one.text) is None and not words.label_meaning(one.text)
    ]
    return 2 * len(told) > len(below)


def _is_item(block: Block) -> bool:
    return block.kind == "item" or _BULLETED_LINE.match(block.text) is not None


def _ends_criteria(opening: Block, anchor: Block, block: Block, words: Words) -> bool:
    """Does the section that ``opening`` opens, and whose last heading is ``anchor``, end before ``block``?"""
    if anchor.kind == "term" and block.kind == "term":
        return True
    if block.kind == "item":
        return False  # an item that says only "Age" is a criterion
    if block.kind == "heading":
        return not opening.level or block.level <= opening.level or words.label_meaning(block.text) is not None or opens_about(block.text)
    meaning = words.label_meaning(block.text)
    if block.marker is None and (meaning is not None or _states_something_else(block, words)):
        return True
    return begins_about(block) or opens_other_trials(block.text)


def _states_something_else(block: Block, words: Words) -> bool:
    """Is this a line such as "Sponsor: Example Hospital", which is no criterion?"""
    label, colon, value = block.text.partition(":")
    return bool(colon and value.strip()) and words.label_meaning(label) in _SOMETHING_ELSE


def _leaves_place(blocks: Sequence[Block], place: int, block: Block) -> bool:
    """Does ``block`` stand beyond the part of a table or definition list that the heading at ``place`` is the label of?

    That part is the heading's own cell where its content is in it too, else the other cells of its row and what has no
    label of its own below them; for a heading that fills its row, the rows of the same shape as the next one.
    """
    anchor, first = blocks[place], blocks[place + 1]
    if block.nesting > anchor.nesting:
        return False
    if block.nesting < anchor.nesting:
        return first.nesting >= anchor.nesting
    if not anchor.row:
        return bool(block.row) and not first.row
    in_own_cell = (first.row, first.cell) == (anchor.row, anchor.cell)
    if block.row == anchor.row:
        return in_own_cell and block.cell != anchor.cell
    return in_own_cell or not block.row or block.cell == 0


def _leaves_item(anchor: Block, first: Block, block: Block, words: Words) -> bool:
    """Does ``block`` stand beside the list item that holds a heading and its list, with a label of its own ("Location: ...")?"""
    holds_list = anchor.kind == "item" and first.depth > anchor.depth
    return holds_list and block.kind == "item" and block.depth <= anchor.depth and next(parted(block, words)).meaning is not None


def _facts(blocks: Sequence[Block], places: Sequence[int], words: Words) -> frozenset[int]:
    """The places of labelled lines ("Sex: All") before the first group, or below the last one's list: fields, no criteria."""
    heading_at = next((at for at, place in enumerate(places) if is_criteria_heading(blocks[place].text)), None)
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
        if is_criteria_heading(block.text) and is_criteria_heading(following.text) and block.depth == following.depth:
            below = itertools.takewhile(lambda one: not is_criteria_heading(one.text), content[index + 2 :])
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
