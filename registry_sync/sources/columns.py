"""Tables of criteria: where the columns below the names of the groups end; rows of a number and a criterion as a list."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from registry_sync.sources.blocks import Block
from registry_sync.sources.finder_values import is_value_of
from registry_sync.sources.labels import ELIGIBILITY_FACTS, Words, is_criteria_heading
from registry_sync.trials.criteria import Line, heading

_FEWEST_WORDS = 3
_NUMBER = re.compile(r"[(\[]?(\d{1,3})[.)\]:]{0,2}")
_HEADS_NUMBERS = re.compile(r"(?:#|\u2116|n[or]?\.?|nos?\.?|numbers?|s\.? ?no\.?|sr\.? ?no\.?|id)", re.IGNORECASE)
_HEADS_CRITERIA = re.compile(
    r"(?:the )?(?:eligibility )?(?:criteri(?:a|on)|descriptions?|requirements?|items?|details?|texts?)(?: descriptions?| texts?)?",
    re.IGNORECASE,
)
_FEWEST_NUMBERED = 2
_MOST_LINES_BETWEEN = 2


def names_group(block: Block) -> bool:
    """Is this a heading of inclusion or exclusion criteria, and no criterion that speaks of them ("Not meeting inclusion criteria")?"""
    if not is_criteria_heading(block.text):
        return False
    return "clusion" not in block.text.lower() or heading(Line(0, None, block.text, block.level > 0)) is not None


def begins_another_field(row: Sequence[Block], words: Words) -> bool:
    """Does this row, below the names of both groups, name groups again, or a field with its value ("Sponsor", "Example Hospital")?

    A criterion may be a label's words ("Healthy volunteers"), or speak of the criteria.
    """
    first, others = row[0], row[1:]
    if all(names_group(block) for block in row):
        return True
    meaning = words.label_meaning(first.text)
    if meaning is None or first.cell or any(other.cell == first.cell for other in others):
        return False
    return meaning not in ELIGIBILITY_FACTS or any(is_value_of(meaning, other.text, words) for other in others)


def heads_columns(row: Sequence[Block], labels: Sequence[Block], words: Words) -> bool:
    """Is this one line across all columns of the table that these labels head, and a heading of criteria below it ("Part B")?"""
    if len(row) != 1 or row[0].row or row[0].nesting != labels[0].nesting or not row[0].nesting:
        return False
    text = row[0].text
    return words.label_meaning(text) is None and (text.endswith(":") or heading(Line(0, None, text)) is not None)


def as_items(rows: Sequence[Sequence[Block]], labels: Sequence[Block]) -> Sequence[Sequence[Block]]:
    """Several rows that hold a criterion in each cell, these as items; what heads or introduces others is none."""
    if len(rows) < 2 or not any(is_criteria_heading(label.text) for label in labels):
        return rows
    return [[replace(one, marker="*") if _may_be_item(one) and _has_cells_of_one(row) else one for one in row] for row in rows]


def _has_cells_of_one(row: Sequence[Block]) -> bool:
    return row[0].cells > 1 and len({block.cell for block in row}) == len(row)


def _may_be_item(block: Block) -> bool:
    return block.marker is None and len(block.text.split()) > _FEWEST_WORDS and not block.text.endswith((":", " if"))


def numbered_as_lists(blocks: Sequence[Block]) -> Sequence[Block]:
    """The blocks, with tables of two columns, a number and a criterion, as lists below the headings of their groups.

    So is a table below such a heading, and one whose first row, or a line across it, is one; what else heads its columns says nothing.
    """
    if not any(block.cells == 2 and block.cell == 0 and _NUMBER.fullmatch(block.text) for block in blocks):
        return blocks
    rows = [list(run) for _, run in itertools.groupby(blocks, key=lambda block: (block.row or -1, block.nesting))]
    unused = itertools.count(1 + max(block.outline for block in blocks))
    told: list[Block] = []
    at = 0
    while at < len(rows):
        end = _end_of_numbered(rows, at)
        if end > at and (_is_below_group(told) or any(names_group(block) for row in rows[at:end] for block in row)):
            told += _as_list(rows[at:end], next(unused))
        else:
            end = at + 1
            told += rows[at]
        at = end
    return told


def _is_below_group(told: Sequence[Block]) -> bool:
    """Is the last of these blocks, or the one above it, the heading of a group?"""
    near = told[-_MOST_LINES_BETWEEN:]
    return any(map(names_group, near)) and (names_group(near[-1]) or not near[-1].level)


def _end_of_numbered(rows: Sequence[Sequence[Block]], start: int) -> int:
    """The place behind the table of numbered criteria that begins at ``start``; the same place where none does."""
    place, numbers = start, 0
    if not _heads_numbered(rows[start]) and not _is_numbered(rows[start]):
        return start
    while place < len(rows) and rows[place][0].nesting == rows[start][0].nesting:
        row = rows[place]
        if _is_numbered(row):
            numbers += 1
        elif not _heads_numbered(row) and not (row[0].row == 0 and all(names_group(block) for block in row)):
            break
        place += 1
    return place if numbers >= (1 if _heads_numbered(rows[start]) else _FEWEST_NUMBERED) else start


def _is_numbered(row: Sequence[Block]) -> bool:
    first = row[0]
    return first.cells == 2 and first.cell == 0 and len(row) > 1 and row[1].cell == 1 and _NUMBER.fullmatch(first.text) is not None


def _heads_numbered(row: Sequence[Block]) -> bool:
    """Is this the first row of such a table ("#", "Criterion"), or one without a name for the numbers?"""
    name = row[-1]
    if name.cells != 2 or name.cell != 1 or not (names_group(name) or _HEADS_CRITERIA.fullmatch(name.text)):
        return False
    return len(row) == 1 or (len(row) == 2 and row[0].cell == 0 and _HEADS_NUMBERS.fullmatch(row[0].text) is not None)


def _as_list(rows: Sequence[Sequence[Block]], outline: int) -> Iterator[Block]:
    for row in rows:
        if _is_numbered(row):
            first, *others = (replace(block, row=0, cell=0, cells=0, outline=outline) for block in row[1:])
            yield replace(first, kind="item", marker=row[0].text)
            yield from (replace(block, depth=block.depth + (block.kind == "item")) for block in others)
        else:
            yield from (replace(block, row=0, cell=0, cells=0, kind="text") for block in row if names_group(block))
