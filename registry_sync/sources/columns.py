"""Tables whose first row names the groups of the criteria: where their columns end."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from registry_sync.sources.blocks import Block
from registry_sync.sources.finder_values import is_value_of
from registry_sync.sources.labels import ELIGIBILITY_FACTS, Words, is_criteria_heading
from registry_sync.trials.criteria import Line, heading

_FEWEST_WORDS = 3


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
