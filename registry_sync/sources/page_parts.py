"""The blocks of a page -> this trial's part of it, its eligibility criteria, and its labels with their values."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from registry_sync.sources.blocks import Block
from registry_sync.sources.labels import (
    CRITERIA,
    FIELD_LABELS,
    LABELS,
    SECTION,
    is_chrome,
    is_criteria_heading,
    is_cut_off,
    label_key,
    label_meaning,
    opens_about,
    opens_other_trials,
)
from registry_sync.sources.markers import strip_bullets
from registry_sync.sources.markup import block_lines, plain_lines
from registry_sync.trials.criteria import Line

TRIAL_ID = re.compile(r"(?<![A-Za-z0-9])NCT\d{8}(?!\d)", re.IGNORECASE)
_MOST_WORDS_BESIDE_AN_ID = 4
_BULLETED_LINE = re.compile(r"^\s*(?:[•*●▪·–-]|\d{1,2}[.)])\s", re.MULTILINE)


def trial_ids(blocks: Sequence[Block]) -> frozenset[str]:
    """Every NCT id that the page shows."""
    return frozenset(found.upper() for block in blocks for found in TRIAL_ID.findall(block.text))


def own_blocks(blocks: Sequence[Block], trial: str) -> tuple[Block, ...]:
    """The blocks that tell of ``trial``: without "Similar trials" and without what follows another trial's id.

    What is doubtful is left out: a field too few is only not stated, another trial's status would be a false alarm.
    """
    kept: list[Block] = []
    others_from: int | None = None
    ends_at_level = 0
    for index, block in enumerate(blocks):
        shown = _shown_id(block)
        if shown == trial:
            others_from = None
        elif others_from is not None:
            if ends_at_level and 0 < block.level <= ends_at_level and label_meaning(block.text) is not None:
                others_from = None
        elif block.kind != "item" and opens_other_trials(block.text):
            others_from, ends_at_level = index, block.level
        elif shown is not None and not _names_second_id(blocks, index):
            others_from, ends_at_level = index, 0
        if others_from is None:
            kept.append(block)
    return tuple(kept)


def leading_trial(blocks: Sequence[Block]) -> str | None:
    """The first trial that the page presents by its id: another one than the watched means a list, or that other's page."""
    for index, block in enumerate(blocks):
        if opens_other_trials(block.text):
            return None
        shown = _shown_id(block)
        if shown is not None and not _names_second_id(blocks, index):
            return shown
    return None


def _shown_id(block: Block) -> str | None:
    """The trial that a short block such as "NCT ID: NCT01234567", or a title with an id, is about."""
    found = {str(id_).upper() for id_ in TRIAL_ID.findall(block.text)}
    if len(found) != 1 or (block.level != 1 and len(TRIAL_ID.sub(" ", block.text).split()) > _MOST_WORDS_BESIDE_AN_ID):
        return None
    return found.pop()


def _names_second_id(blocks: Sequence[Block], index: int) -> bool:
    """Does this id stand in a list of ids of the same trial (an alias, an extension), below a label that says so?"""
    key = label_key(blocks[index].text.partition(":")[0])
    above = next((label_key(block.text) for block in reversed(blocks[max(0, index - 4) : index]) if label_meaning(block.text)), "")
    return any(word in name for name in (key, above) for word in ("secondary", "identifiers", "other", "alias"))


@dataclass(frozen=True)
class CriteriaSection:
    """Where the eligibility criteria stand among the blocks, their lines, and whether the page cuts them off."""

    start: int
    end: int
    lines: tuple[Line, ...]
    cut_off: bool


def criteria_section(blocks: Sequence[Block]) -> CriteriaSection | None:
    """The eligibility criteria; the first section that has an inclusion or exclusion heading, else the first at all."""
    found: CriteriaSection | None = None
    past = 0
    for index, block in enumerate(blocks):
        if index < past or not _opens_criteria(block):
            continue
        section = _section_from(blocks, index)
        past = section.end
        if any(is_criteria_heading(line.text) for line in section.lines):
            return section
        if section.lines and found is None:
            found = section
    return found


def _opens_criteria(block: Block) -> bool:
    return _opens_with_heading(block) or label_meaning(block.text) == CRITERIA


def _opens_with_heading(block: Block) -> bool:
    """Is this the heading "Inclusion criteria" itself, below no label of the whole?"""
    return is_criteria_heading(block.text) and label_meaning(block.text) is None and (block.kind != "item" or ":" in block.text)


def _section_from(blocks: Sequence[Block], start: int) -> CriteriaSection:
    """The section that the block at ``start`` opens."""
    first = start if _opens_with_heading(blocks[start]) else start + 1
    end = next((index for index in range(start + 1, len(blocks)) if _ends_criteria(blocks, start, index)), len(blocks))
    content = [block for block in blocks[first:end] if not is_chrome(block.text)]
    cut_off = any(is_cut_off(block.text) for block in content) or bool(content and content[-1].text.endswith(("...", "…")))
    return CriteriaSection(start, end, _lines(content), cut_off)


def _ends_criteria(blocks: Sequence[Block], start: int, index: int) -> bool:
    """Does the section that opens at ``start`` end before ``index``?"""
    opening, block = blocks[start], blocks[index]
    if is_criteria_heading(block.text):
        return False
    if opening.kind == "term" and block.kind == "term":
        return True
    if _leaves_row(blocks, start, block):
        return True
    if block.kind == "item":
        return False  # an item that says only "Age" is a criterion
    if block.kind == "heading":
        return not opening.level or block.level <= opening.level or label_meaning(block.text) is not None or opens_about(block.text)
    meaning = label_meaning(block.text)
    return (meaning is not None and block.marker is None) or _opens_about(block) or opens_other_trials(block.text)


def _opens_about(block: Block) -> bool:
    """Is this "About the sponsor", alone or as the first run of its block?"""
    return opens_about(block.text) or (len(block.parts) > 1 and block.kind != "item" and opens_about(block.parts[0]))


def _leaves_row(blocks: Sequence[Block], start: int, block: Block) -> bool:
    """In a table: does ``block`` stand beyond the row that holds the section's content?

    That is the label's own row, or, below a label that fills its row, the next one.
    """
    row = blocks[start].row
    if not row:
        return False
    following = blocks[start + 1].row
    criteria_rows = row if blocks[start].cells > 1 or not following else following
    return block.row > max(row, criteria_rows) or block.row == 0


def _lines(content: Sequence[Block]) -> tuple[Line, ...]:
    """The section's lines: from the page's own lists, or from the bullets and numbers in the text."""
    lines = block_lines([piece for block in content for piece in _spread(block)])
    base = min((line.depth for line in lines), default=0)
    return tuple(Line(line.depth - base, line.marker, line.text, line.heading) for line in lines)


def _spread(block: Block) -> Iterator[Block]:
    """A block as its own lines, where the line breaks of the source are its only structure (``white-space: pre-line``)."""
    if block.raw and len(_BULLETED_LINE.findall(block.raw)) > 1:
        for line in plain_lines(block.raw):
            yield replace(block, text=line.text, depth=block.depth + line.depth, marker=line.marker, raw="")
    else:
        yield block


@dataclass(frozen=True)
class Piece:
    """A run of text that is a label or a value. ``meaning`` is the label's (see labels.py), ``None`` for a value.

    ``joined``: this value stands in the same block as the label before it.
    """

    text: str
    meaning: str | None
    block: Block
    joined: bool = False


def pieces(blocks: Sequence[Block]) -> tuple[Piece, ...]:
    """The blocks as labels and values, in reading order; a table whose first row names its columns is read by column."""
    return tuple(_by_columns(_with_answers([piece for block in blocks for piece in _parted(block)])))


def _with_answers(found: Sequence[Piece]) -> list[Piece]:
    """The same, with "Accepts healthy volunteers" below "Volunteers" as the answer that it is, though it may be a label too."""
    answered = list(found[:1])
    for before, piece in itertools.pairwise(found):
        is_answer = before.meaning == piece.meaning == "healthy_volunteers" and answered[-1].meaning is not None
        answered.append(replace(piece, meaning=None) if is_answer else piece)
    return answered


def _parted(block: Block) -> Iterator[Piece]:
    """A block as pieces: a label, a value, "Sex: All", or runs of which some are labels."""
    whole = label_meaning(block.text)
    if whole is not None:
        yield Piece(block.text, whole, block)
        return
    label, colon, value = block.text.partition(":")
    if colon and value.strip() and (meaning := LABELS.get(label_key(label))) is not None:
        yield Piece(label, meaning, block)
        yield Piece(value.strip(), None, block, joined=True)
        return
    if len(block.parts) > 1 and block.kind != "item" and any(label_meaning(part) for part in block.parts):
        yield from _runs(block)
        return
    if len(block.parts) > 1 and block.kind == "item" and label_meaning(block.parts[0]):
        yield Piece(block.parts[0], label_meaning(block.parts[0]), block)
        yield Piece(" ".join(block.parts[1:]), None, block, joined=True)
        return
    yield Piece(strip_bullets(block.text)[1] or block.text, None, block)


def _runs(block: Block) -> Iterator[Piece]:
    """The runs of a block, each a label or the whole text up to the next one."""
    value: list[str] = []
    for part in block.parts:
        meaning = label_meaning(part)
        if meaning is None:
            value.append(part)
            continue
        if value:
            yield Piece(" ".join(value), None, block, joined=True)
            value = []
        yield Piece(part, meaning, block)
    if value:
        yield Piece(" ".join(value), None, block, joined=True)


def _by_columns(found: Sequence[Piece]) -> Iterator[Piece]:
    """Where a row holds only labels and the next one as many values, each label stands before its own value."""
    index = 0
    while index < len(found):
        row = _row_at(found, index)
        values = _row_at(found, index + len(row)) if len(row) > 1 and all(piece.meaning for piece in row) else []
        if values and len({piece.block.cell for piece in row}) == len(row) and _fits(row, values):
            for label in row:
                yield label
                yield from (replace(value, joined=True) for value in values if value.block.cell == label.block.cell)
            index += len(row) + len(values)
            continue
        yield from row or found[index : index + 1]
        index += max(len(row), 1)


def _row_at(found: Sequence[Piece], index: int) -> list[Piece]:
    """The pieces of the table row that begins at ``index``; empty outside a table."""
    if index >= len(found) or not found[index].block.row:
        return []
    row = found[index].block.row
    end = index
    while end < len(found) and found[end].block.row == row:
        end += 1
    return list(found[index:end])


def _fits(labels: Sequence[Piece], values: Sequence[Piece]) -> bool:
    return values[0].block.cells == labels[0].block.cells and not any(value.meaning for value in values)


@dataclass(frozen=True)
class Labelled:
    """A label with the pieces up to the next one. ``doubtful``: another label without a value stands right before it."""

    meaning: str
    label: str
    values: tuple[Piece, ...]
    doubtful: bool


def labelled(found: Sequence[Piece]) -> tuple[Labelled, ...]:
    """Every label of the page with its values, in reading order."""
    places = [index for index, piece in enumerate(found) if piece.meaning is not None]
    rows: list[Labelled] = []
    for place, following in itertools.pairwise([*places, len(found)]):
        label = found[place]
        before = found[place - 1] if place else None
        doubtful = before is not None and before.meaning in FIELD_LABELS and not _shares_row_only(before, label)
        values = _values(label, found[place + 1 : following])
        rows.append(Labelled(label.meaning or SECTION, label.text, values, doubtful and not any(value.joined for value in values[:1])))
    return tuple(rows)


def _shares_row_only(before: Piece, label: Piece) -> bool:
    """Did the label before stand in a table row of its own, so that its missing value is an empty cell?"""
    return bool(label.block.row) and before.block.row != label.block.row and before.block.cells > 1


def _values(label: Piece, following: Sequence[Piece]) -> tuple[Piece, ...]:
    """The pieces that belong to a label: up to a heading of its rank, the next term, the end of its row, "About ..."."""
    kept: list[Piece] = []
    for piece in following:
        if _is_beyond(label, piece):
            break
        kept.append(piece)
    return tuple(kept)


def _is_beyond(label: Piece, piece: Piece) -> bool:
    if piece.joined:
        return False
    mine, other = label.block, piece.block
    if other.kind == "heading" and (not mine.level or other.level <= mine.level):
        return True
    if other.kind == "term" or _opens_about(other) or opens_other_trials(other.text):
        return True
    return bool(mine.row) and other.row != mine.row and mine.cells > 1
