"""The blocks of a page -> the lines of its eligibility criteria, and the blocks that state something else."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from registry_sync.sources.blocks import Block
from registry_sync.sources.labels import (
    CRITERIA,
    ELIGIBILITY_FACTS,
    is_chrome,
    is_criteria_heading,
    is_cut_off,
    label_meaning,
    opens_about,
    opens_other_trials,
)
from registry_sync.sources.markers import strip_bullets
from registry_sync.sources.markup import block_lines, plain_lines
from registry_sync.sources.page_parts import begins_about, parted
from registry_sync.trials.criteria import Line, heading

_NUMBER = re.compile(r"\d{1,3}[.)]?|#")
_BULLETED_LINE = re.compile(r"^\s*(?:[•*●▪·–-]|\d{1,2}[.)])\s", re.MULTILINE)


@dataclass(frozen=True)
class CriteriaSection:
    """The lines of the eligibility criteria, whether the page leaves them in doubt (cut off, or columns that cannot be told
    apart), and the page's other blocks."""

    lines: tuple[Line, ...]
    doubtful: bool
    rest: tuple[Block, ...]


@dataclass(frozen=True)
class _Span:
    """One stretch of the page that a label or heading of the criteria opens.

    ``content`` are the places of the blocks that state criteria, ``facts`` of those that state another field.
    """

    start: int
    end: int
    content: tuple[int, ...]
    facts: frozenset[int]
    lines: tuple[Line, ...]
    groups: frozenset[str]


def criteria_section(blocks: Sequence[Block]) -> CriteriaSection | None:
    """The eligibility criteria: the first stretch that has both groups, else the first of each, else the first at all."""
    spans = _chosen([span for span in _spans(blocks) if span.lines])
    if not spans:
        return None
    content = [blocks[place] for span in spans for place in span.content]
    taken = {place for span in spans for place in range(span.start, span.end) if place not in span.facts}
    return CriteriaSection(
        lines=tuple(line for span in spans for line in span.lines),
        doubtful=any(is_cut_off(block.text) for block in content)
        or any(blocks[span.content[-1]].text.endswith(("...", "…")) for span in spans)
        or _is_beside_each_other(content),
        rest=tuple(block for place, block in enumerate(blocks) if place not in taken),
    )


def _spans(blocks: Sequence[Block]) -> Iterator[_Span]:
    past = 0
    for index, block in enumerate(blocks):
        if index >= past and (_opens_with_heading(block) or label_meaning(block.text) == CRITERIA):
            span = _span_from(blocks, index)
            past = span.end
            yield span


def _chosen(spans: Sequence[_Span]) -> list[_Span]:
    """The stretches that hold the criteria; a site may show its fields between the two groups."""
    whole = next((span for span in spans if {"inclusion", "exclusion"} <= span.groups), None)
    if whole is not None:
        return [whole]
    found = {group: next((span for span in spans if group in span.groups), None) for group in ("inclusion", "exclusion")}
    apart = sorted((span for span in found.values() if span is not None), key=lambda span: span.start)
    headed = [span for span in spans if any(is_criteria_heading(line.text) for line in span.lines)]
    return apart or headed[:1] or list(spans[:1])


def _opens_with_heading(block: Block) -> bool:
    """Is this the heading "Inclusion criteria" itself, below no label of the whole?"""
    if not is_criteria_heading(block.text) or label_meaning(block.text) is not None:
        return False
    return block.kind != "item" or ":" in block.text or heading(Line(block.depth, block.marker, block.text)) is not None


def _span_from(blocks: Sequence[Block], start: int) -> _Span:
    """The stretch that the block at ``start`` opens."""
    first = start if _opens_with_heading(blocks[start]) else start + 1
    end = _end_of_criteria(blocks, start)
    seen = [place for place in range(first, end) if not is_chrome(blocks[place].text)]
    facts = _facts(blocks, seen)
    content = tuple(place for place in seen if place not in facts)
    lines = _lines([blocks[place] for place in content])
    groups = frozenset(found.group for line in lines if (found := heading(line)) is not None and found.group is not None)
    return _Span(start, end, content, facts, lines, groups)


def _end_of_criteria(blocks: Sequence[Block], start: int) -> int:
    anchor = start  # the last heading: where the page leaves its place in a table, the criteria below it end
    for index in range(start + 1, len(blocks)):
        block = blocks[index]
        if is_criteria_heading(block.text):
            anchor = index
        elif (
            _leaves_place(blocks, anchor, block)
            or _leaves_item(blocks[anchor], blocks[anchor + 1], block)
            or _ends_criteria(blocks[start], blocks[anchor], block)
        ):
            return index
    return len(blocks)


def _ends_criteria(opening: Block, anchor: Block, block: Block) -> bool:
    """Does the section that ``opening`` opens, and whose last heading is ``anchor``, end before ``block``?"""
    if anchor.kind == "term" and block.kind == "term":
        return True
    if block.kind == "item":
        return False  # an item that says only "Age" is a criterion
    if block.kind == "heading":
        return not opening.level or block.level <= opening.level or label_meaning(block.text) is not None or opens_about(block.text)
    meaning = label_meaning(block.text)
    return (meaning is not None and block.marker is None) or begins_about(block) or opens_other_trials(block.text)


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


def _leaves_item(anchor: Block, first: Block, block: Block) -> bool:
    """Does ``block`` stand beside the list item that holds a heading and its list, with a label of its own ("Location: ...")?"""
    holds_list = anchor.kind == "item" and first.depth > anchor.depth
    return holds_list and block.kind == "item" and block.depth <= anchor.depth and next(parted(block)).meaning is not None


def _facts(blocks: Sequence[Block], places: Sequence[int]) -> frozenset[int]:
    """The places of labelled lines ("Sex: All") before the first group, or below the last one's list: fields, no criteria."""
    heading_at = next((at for at, place in enumerate(places) if is_criteria_heading(blocks[place].text)), None)
    found: set[int] = set()
    for at, place in enumerate(places[:heading_at]):
        if _states_fact(blocks[place]):
            found.add(place)
        elif heading_at is not None and at + 1 < heading_at and _is_label_before_value(blocks[place], blocks[places[at + 1]]):
            found.update((place, places[at + 1]))  # two items, "Sex" and "All"
    in_list = any(blocks[place].marker or strip_bullets(blocks[place].text)[0] for place in places)
    for place in reversed(places[heading_at or 0 :]):
        block = blocks[place]
        if not in_list or block.marker or block.depth or strip_bullets(block.text)[0] or not _states_fact(block):
            break
        found.add(place)
    return frozenset(found)


def _is_label_before_value(block: Block, following: Block) -> bool:
    return label_meaning(block.text) is not None and label_meaning(following.text) is None


def _states_fact(block: Block) -> bool:
    """Is this one line with a label of an eligibility field and its value?"""
    found = list(itertools.islice(parted(block), 2))
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
    lines = block_lines(list(_numbered(_spread(content))))
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
