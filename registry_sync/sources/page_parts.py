"""The blocks of a page -> this trial's part of it in reading order, and its labels with their values."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from registry_sync.sources.blocks import Block
from registry_sync.sources.labels import (
    FIELD_LABELS,
    LABELS,
    PAGE_LABELS,
    SECTION,
    is_criteria_heading,
    label_key,
    label_meaning,
    opens_about,
    opens_other_trials,
)
from registry_sync.sources.markers import strip_bullets

TRIAL_ID = re.compile(r"(?<![A-Za-z0-9])NCT\d{8}(?!\d)", re.IGNORECASE)
_MOST_WORDS_BESIDE_AN_ID = 4


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


def laid_out(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The blocks as a reader takes them: a table whose first row names its columns by column, a page that is one list as text."""
    return tuple(_by_columns(_unlisted(blocks)))


def _unlisted(blocks: Sequence[Block]) -> list[Block]:
    """The same, with the items of a list that holds the page's own labels as lines of text."""
    labels: dict[int, list[str]] = {}
    leading: dict[int, str | None] = {}
    for block in blocks:
        if block.outline and block.depth == 0 and block.kind == "item":
            meaning = label_meaning(block.text)
            leading.setdefault(block.outline, meaning)
            if meaning is not None:
                labels.setdefault(block.outline, []).append(meaning)
    pages = {
        outline
        for outline, meanings in labels.items()
        if leading[outline] in PAGE_LABELS or (len(set(meanings)) > 1 and PAGE_LABELS.intersection(meanings))
    }
    return [_as_text(block) if block.outline in pages else block for block in blocks]


def _as_text(block: Block) -> Block:
    if block.depth == 0:
        return replace(block, kind="text" if block.kind == "item" else block.kind, marker=None, outline=0)
    return replace(block, depth=block.depth - 1)


def _by_columns(blocks: Sequence[Block]) -> Iterator[Block]:
    """Where a row holds only labels and the next ones their values, each column becomes a row: the label and its values."""
    rows = [list(group) for _, group in itertools.groupby(blocks, key=lambda block: block.row or -1)]
    unused = itertools.count(1 + max((block.row for block in blocks), default=0))
    at = 0
    while at < len(rows):
        head = rows[at]
        below = _values_below(rows, at) if _names_columns(head) else []
        values = [block for row in below for block in row]
        for label in head if values else ():
            if any(letter.isalpha() for letter in label.text):
                column = [label, *(value for value in values if value.cell == label.cell)]
                number = next(unused)
                yield from (replace(block, row=number, cell=int(block is not label), cells=2) for block in column)
        if not values:
            yield from head
        at += 1 + len(below)


def _values_below(rows: Sequence[Sequence[Block]], at: int) -> Sequence[Sequence[Block]]:
    """The rows of values below the labels of a row; only one where its cells hold whole lists, since all is said in it."""
    end = at + 1
    while end < len(rows) and _fits(rows[at], rows[end]):
        end += 1
        if len({block.cell for block in rows[at + 1]}) < len(rows[at + 1]):
            break
    return rows[at + 1 : end]


def _names_columns(row: Sequence[Block]) -> bool:
    """Is this a row of labels, each in a cell of its own and none twice? A column of numbers needs none."""
    if row[0].cells < 2 or len({block.cell for block in row}) < len(row):
        return False
    named = [block for block in row if any(letter.isalpha() for letter in block.text)]
    names = {label_meaning(block.text) or label_key(block.text) for block in named}
    return len(named) > 1 and len(names) == len(named) and all(_is_label(block) for block in named)


def _is_label(block: Block) -> bool:
    return label_meaning(block.text) is not None or is_criteria_heading(block.text)


def _fits(labels: Sequence[Block], values: Sequence[Block]) -> bool:
    """Is this a row of values below those labels?"""
    same = values[0].cells == labels[0].cells and values[0].nesting == labels[0].nesting
    return same and {value.cell for value in values} <= {label.cell for label in labels} and not any(_is_label(value) for value in values)


def begins_about(block: Block) -> bool:
    """Is this "About the sponsor", alone or as the first run of its block?"""
    return opens_about(block.text) or (len(block.parts) > 1 and block.kind != "item" and opens_about(block.parts[0]))


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
    """The blocks as labels and values, in reading order."""
    return tuple(_with_answers([piece for block in blocks for piece in parted(block)]))


def _with_answers(found: Sequence[Piece]) -> list[Piece]:
    """The same, with "Accepts healthy volunteers" below "Volunteers" as the answer that it is, though it may be a label too."""
    answered = list(found[:1])
    for before, piece in itertools.pairwise(found):
        is_answer = before.meaning == piece.meaning == "healthy_volunteers" and answered[-1].meaning is not None
        answered.append(replace(piece, meaning=None) if is_answer else piece)
    return answered


def parted(block: Block) -> Iterator[Piece]:
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
    if other.kind == "term" or begins_about(other) or opens_other_trials(other.text):
        return True
    return bool(mine.row) and other.row != mine.row and mine.cells > 1
