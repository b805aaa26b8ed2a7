"""The blocks of a page -> this trial's part of it, and its labels with their values."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Sequence

import msgspec
from msgspec.structs import replace

from registry_sync.sources.badges import are_badges, are_facts
from registry_sync.sources.blocks import Block
from registry_sync.sources.finder_values import bare_phases, is_value_of
from registry_sync.sources.labels import (
    BEGINNING,
    ELIGIBILITY_FACTS,
    FIELD_LABELS,
    NONE,
    SECTION,
    Words,
    is_beside,
    is_criteria_heading,
    is_on_the_way,
    is_related,
    is_step,
    label_key,
    opens_about,
    opens_other_trials,
)
from registry_sync.sources.markers import strip_bullets
from registry_sync.sources.other_trials import begins_other_trials
from registry_sync.sources.registers import ANY_TRIAL_ID, nct_ids

_MOST_WORDS_BESIDE_AN_ID = 4
_MOST_LETTERS_OF_A_ROW = 120
_MOST_WORDS_OF_A_LABEL = 6
_GLUED = re.compile(r"(?<=[a-z)?])(?=[A-Z0-9])")
OF_ANOTHER = re.compile(
    r"\b(?:extension|long-term follow-?up|follow-?up (?:of|to|from)|"
    r"roll-?over|roll over|parent (?:study|trial)|previous|previously|prior|earlier|feeder|sub-?study|"
    r"complet(?:ed|ion of)|enrolled in|participat(?:ed|ion|ing) in|took part|treated in|people of|participants? (?:of|from)|"
    r"patients (?:of|from)|similar|related|companion|sister|see also|follows)\b",
    re.IGNORECASE,
)
"""How a text speaks of a trial that is not the page's own."""
_CRUMBS = re.compile(r"(?:^|\s)[/>›»→|]\s*(?:(?:clinical )?(?:trial|study):?\s+)?NCT\d{8}\s*$", re.IGNORECASE)
_IN_ADDRESS = re.compile(r"[\w-]/(?:[\w.~-]+/)*(?:[\w.~-]*-)?NCT\d{8}|[?&=]NCT\d{8}", re.IGNORECASE)
_MOST_BLOCKS_BELOW_RELATED = 6
_NO_HEADING = 7
_BARE_ID = re.compile(r"(?:(?:clinical )?(?:trial|study):?\s+)?NCT\d{8}", re.IGNORECASE)
_MOST_BLOCKS_BEFORE_AN_ID = 4
_NAMES = frozenset(("lead_sponsor", "conditions"))
_BETWEEN_FACTS = re.compile(r"\s*[|·•]\s*|;\s+")
_SIGN_BETWEEN = re.compile(r"^(?:[-–—=:]\s+)+(?=\S)")
_ANSWERS = frozenset(("healthy_volunteers",))


def trial_ids(blocks: Sequence[Block]) -> frozenset[str]:
    """Every NCT id that the page shows."""
    return frozenset(found for block in blocks if "NCT" in block.text.upper() for found in nct_ids(block.text))


def own_blocks(blocks: Sequence[Block], trials: Collection[str], words: Words) -> tuple[Block, ...]:
    """The blocks that tell of the trial (its ids are ``trials``): without "Similar trials" and what follows another trial's id.

    What is doubtful is left out: a field too few is only not stated, another trial's status would be a false alarm.
    """
    kept: list[Block] = []
    others_from: int | None = None
    ends_at_level = 0
    for index, block in enumerate(blocks):
        shown = shown_id(block, words)
        if shown in trials:
            if _is_below_related(blocks, index):
                continue
            others_from = None
        elif others_from is not None:
            if ends_at_level and 0 < block.level <= ends_at_level and words.label_meaning(block.text) is not None:
                others_from = None
        elif block.kind != "item" and (begins_other_trials(blocks, index, words) or (block.level > 1 and is_related(block.text))):
            others_from, ends_at_level = index, block.level
        elif shown is not None and not _names_second_id(blocks, index, words):
            others_from, ends_at_level = index, _rank_of_part(kept, words)
            _drop_title(kept, words)
        if others_from is None:
            kept.append(block)
    return tuple(kept)


def _rank_of_part(kept: Sequence[Block], words: Words) -> int:
    """The rank of the heading over another trial's own, where it is no label of the page: the part ends at the next one. 0: none."""
    levels = [block for block in kept if block.level]
    if not levels or words.label_meaning(levels[-1].text) is not None:
        return 0
    above = next((block for block in reversed(levels[:-1]) if block.level < levels[-1].level), None)
    return above.level if above is not None and above.level > 1 and words.label_meaning(above.text) is None else 0


def _drop_title(kept: list[Block], words: Words) -> None:
    """Leave out what stands between another trial's heading and its id, and its badges above that heading."""
    for place in range(len(kept) - 1, max(0, len(kept) - 1 - _MOST_BLOCKS_BEFORE_AN_ID), -1):
        if kept[place].level and words.label_meaning(kept[place].text) is None and not is_criteria_heading(kept[place].text):
            while place > 1 and are_badges(kept[place - 1], words) and words.label_meaning(kept[place - 2].text) is None:
                place -= 1
            del kept[place:]
            return


def leading_trial(blocks: Sequence[Block], trials: Collection[str], words: Words) -> str | None:
    """The first trial that the page presents by its id: another one than the watched means a list, or that other's page.

    A line that only leads to a trial presents none, nor does a trail of bread crumbs present the watched one (its ids are ``trials``).
    """
    for index, block in enumerate(blocks):
        if opens_other_trials(block.text):
            return None
        shown = shown_id(block, words)
        if shown is None or is_on_the_way(block.text) or _is_below_related(blocks, index):
            continue
        if shown in trials and (is_crumbs(block.text) or _is_in_address(block.text) or _ends_trail(blocks, index)):
            continue
        if not _names_second_id(blocks, index, words):
            return shown
    return None


def is_crumbs(text: str) -> bool:
    """Is this the way to a page in its site ("Home > Trials > NCT01234567")?"""
    return _CRUMBS.search(text) is not None


def _ends_trail(blocks: Sequence[Block], index: int) -> bool:
    """Is this the last of bread crumbs that are blocks of their own?"""
    return index > 0 and _BARE_ID.fullmatch(blocks[index].text) is not None and not blocks[index].level and is_step(blocks[index - 1].text)


def _is_in_address(text: str) -> bool:
    """Does an id stand in an address that is not the register's own?"""
    return _IN_ADDRESS.search(text) is not None and "clinicaltrials.gov/" not in text.casefold()


def _is_below_related(blocks: Sequence[Block], index: int) -> bool:
    """Does this block stand right below "Related", "Recently viewed" or the like?"""
    level = _NO_HEADING
    for block in reversed(blocks[max(0, index - _MOST_BLOCKS_BELOW_RELATED) : index]):
        if (is_beside(block.text) or opens_other_trials(block.text)) and (block.level < level if block.level else level == _NO_HEADING):
            return True
        if block.level:
            level = min(level, block.level)
        elif level == _NO_HEADING and block.kind not in ("item", "text"):
            return False
    return False


def shown_id(block: Block, words: Words) -> str | None:
    """The trial that a short block such as "NCT ID: NCT01234567", a line of facts, or a title with an id, is about."""
    if "NCT" not in block.text.upper():
        return None
    found = nct_ids(block.text)
    if len(found) == 1 and are_facts(block, block.text, words):
        return next(iter(found))
    if not block.level and OF_ANOTHER.search(block.text):
        return None
    if len(found) != 1 or (block.level != 1 and len(ANY_TRIAL_ID.sub(" ", block.text).split()) > _MOST_WORDS_BESIDE_AN_ID):
        return None
    return next(iter(found))


def _names_second_id(blocks: Sequence[Block], index: int, words: Words) -> bool:
    """Does this id stand in a list of ids of the same trial (an alias, an extension), below a label that says so?"""
    key = label_key(blocks[index].text.partition(":")[0])
    above = next((label_key(block.text) for block in reversed(blocks[max(0, index - 4) : index]) if words.label_meaning(block.text)), "")
    return any(word in name for name in (key, above) for word in ("secondary", "identifiers", "other", "alias"))


def begins_about(block: Block) -> bool:
    """Is this "About the sponsor", alone or as the first run of its block?"""
    return opens_about(block.text) or (len(block.parts) > 1 and block.kind != "item" and opens_about(block.parts[0]))


class Piece(msgspec.Struct, frozen=True):
    """A run of text that is a label or a value. ``meaning`` is the label's (see labels.py), ``None`` for a value.

    ``joined``: this value stands in the same block as the label before it. ``unsure``: of this label it is open where its value stands.
    """

    text: str
    meaning: str | None
    block: Block
    joined: bool = False
    unsure: bool = False


def pieces(blocks: Sequence[Block], words: Words) -> tuple[Piece, ...]:
    """The blocks as labels and values, in reading order."""
    told = (one for block in _unglued(blocks) if not words.is_help(block.text) for one in parted(_without_help(block, words), words))
    return tuple(_with_answers(list(told)))


def _unglued(blocks: Sequence[Block]) -> Iterator[Block]:
    """The same, with two elements between two line breaks apart, where no blank stands between them: each goes with another line."""
    for block, following in itertools.pairwise([*blocks, None]):
        if block is None:
            continue
        broken = block.breaks > 0 or (following is not None and following.breaks > 0)
        if broken and len(block.parts) == 2 and block.text == "".join(block.parts) and block.kind != "item":
            first, second = block.parts
            yield replace(block, text=first, parts=(first,), raw="")
            yield replace(block, text=second, parts=(second,), raw="", breaks=0, joint=block.joint - 1)
        else:
            yield block


def _without_help(block: Block, words: Words) -> Block:
    """The block without what explains its label, and is read aloud or shown on demand only."""
    if len(block.parts) < 2 or not any(map(words.is_help, block.parts)):
        return block
    parts = tuple(part for part in block.parts if not words.is_help(part))
    return replace(block, text=" ".join(parts), parts=parts)


def _with_answers(found: Sequence[Piece]) -> list[Piece]:
    """The same, with "Accepts healthy volunteers" below "Volunteers" as the answer that it is, though it may be a label too."""
    if not any(piece.meaning in _ANSWERS for piece in found):
        return list(found)
    answered = list(found[:1])
    for before, piece in itertools.pairwise(found):
        is_answer = piece.meaning in _ANSWERS and before.meaning == piece.meaning and answered[-1].meaning is not None
        answered.append(Piece(piece.text, None, piece.block, piece.joined) if is_answer else piece)
    return answered


def parted(block: Block, words: Words) -> Iterator[Piece]:
    """A block as pieces: a label, a value, "Sex: All", "SexAll", or runs of which some are labels."""
    text = block.text
    whole = words.label_meaning(text)
    if whole is not None:
        yield Piece(text, whole, block)
        return
    if (row := _several(block, words)) is not None:
        yield from row
        return
    label, colon, value = text.partition(":")
    if colon and value.strip() and (meaning := words.label_meaning(label)) is not None:
        yield Piece(label, meaning, block)
        yield Piece(value.strip(), None, block, joined=True)
        return
    if len(block.parts) > 1 and block.kind != "item" and any(words.label_meaning(part) for part in block.parts):
        yield from _runs(block, words)
        return
    if len(block.parts) > 1 and block.kind == "item" and words.label_meaning(block.parts[0]):
        yield Piece(block.parts[0], words.label_meaning(block.parts[0]), block)
        yield Piece(_behind(" ".join(block.parts[1:])), None, block, joined=True)
        return
    if len(block.parts) == 2 and (behind := words.label_meaning(block.parts[1])) and is_value_of(behind, block.parts[0], words):
        yield Piece(block.parts[0], None, block)
        yield Piece(block.parts[1], behind, block)
        return
    if len(text) <= _MOST_LETTERS_OF_A_ROW and text[:BEGINNING].lower() in words.beginnings and not words.bare_status(text):
        row = _without_a_sign(block, words)
        if row is not None:
            yield from row
            return
    yield Piece(text if text[:1].isalpha() else strip_bullets(text)[1] or text, None, block)


def _several(block: Block, words: Words) -> tuple[Piece, ...] | None:
    """The pieces of a line of several labels with a colon, by its elements or with signs between: "Status: Completed | Sex: All"."""
    if ":" not in block.text:
        return None
    if sum(part.endswith(":") and words.label_meaning(part) is not None for part in block.parts) > 1:
        return tuple(_runs(block, words, with_colon=True))
    facts = [fact.partition(":") for fact in _BETWEEN_FACTS.split(block.text) if fact]
    if not all(colon and value.strip() and _may_be_label(label) for label, colon, value in facts):
        return None
    meanings = [words.label_meaning(label) for label, _, _ in facts]
    if sum(meaning is not None for meaning in meanings) < 2:
        return None
    return tuple(
        piece
        for (label, _, value), meaning in zip(facts, meanings, strict=True)
        for piece in (Piece(f"{label}:", meaning or NONE, block), Piece(value.strip(), None, block, joined=True))
    )


def _may_be_label(text: str) -> bool:
    return len(text.split()) <= _MOST_WORDS_OF_A_LABEL


def _behind(text: str) -> str:
    """A value without the sign that stands between it and its label."""
    return _SIGN_BETWEEN.sub("", text)


def _without_a_sign(block: Block, words: Words) -> tuple[Piece, Piece] | None:
    """The label and value of "StatusRecruiting" or "Phase Phase 2": what stands behind the label must be one of its values.

    An item "Age 18 years" may be a criterion, and is left whole.
    """
    text = block.text
    for glued in itertools.islice(_GLUED.finditer(text), _MOST_WORDS_OF_A_LABEL):
        place = glued.start()
        meaning = words.label_meaning(text[:place])
        if meaning is not None and (is_value_of(meaning, text[place:], words) or meaning in _NAMES):
            return Piece(text[:place], meaning, block), Piece(text[place:], None, block, joined=True)
    first, *rest = text.split(" ", _MOST_WORDS_OF_A_LABEL + 1)
    if not rest or bare_phases(text) is not None:
        return None
    for taken in range(min(_MOST_WORDS_OF_A_LABEL, len(rest)), 0, -1):
        label = " ".join((first, *rest[: taken - 1]))
        value = _behind(" ".join(rest[taken - 1 :]))
        meaning = words.label_meaning(label)
        if block.kind == "item" and meaning in ELIGIBILITY_FACTS:
            return None
        if meaning is not None and is_value_of(meaning, value, words):
            return Piece(label, meaning, block), Piece(value, None, block, joined=True)
    return None


def _runs(block: Block, words: Words, *, with_colon: bool = False) -> Iterator[Piece]:
    """The runs of a block, each a label or the whole text up to the next one; ``with_colon``: an unknown one with a colon is a label."""
    value: list[str] = []
    follows = False
    for part in block.parts:
        meaning = words.label_meaning(part)
        if meaning is None and with_colon and part.endswith(":") and _may_be_label(part):
            meaning = NONE
        if meaning is None:
            value.append(part)
            continue
        if value:
            yield Piece(_alone(value, follows=follows), None, block, joined=follows)
            value = []
        follows = True
        yield Piece(part, meaning, block)
    if value:
        yield Piece(_alone(value, follows=follows), None, block, joined=True)


def _alone(runs: Sequence[str], *, follows: bool) -> str:
    """The text of a value without the signs between it and the labels on either side."""
    text = " ".join(runs)
    return (_behind(text).rstrip(" |·•;,") or text) if follows else text


class Labelled(msgspec.Struct, frozen=True):
    """A label with the pieces up to the next one.

    ``doubtful``: another label without a value stands right before it. ``place``: where the label stands among the pieces.
    """

    meaning: str
    label: str
    values: tuple[Piece, ...]
    doubtful: bool
    place: int = 0


def labelled(found: Sequence[Piece], words: Words) -> tuple[Labelled, ...]:
    """Every label of the page with its values, in reading order."""
    places = [index for index, piece in enumerate(found) if piece.meaning is not None]
    rows: list[Labelled] = []
    for place, following in itertools.pairwise([*places, len(found)]):
        label = found[place]
        before = found[place - 1] if place else None
        doubtful = before is not None and before.meaning in FIELD_LABELS and not _shares_row_only(before, label)
        values = _values(label, found[place + 1 : following], words)
        doubtful = label.unsure or (doubtful and not any(value.joined for value in values[:1]))
        rows.append(Labelled(label.meaning or SECTION, label.text, values, doubtful, place))
    return tuple(rows)


def _shares_row_only(before: Piece, label: Piece) -> bool:
    """Did the label before stand in a table row of its own, so that its missing value is an empty cell?"""
    return bool(label.block.row) and before.block.row != label.block.row and before.block.cells > 1


def _values(label: Piece, following: Sequence[Piece], words: Words) -> tuple[Piece, ...]:
    """The pieces that belong to a label: up to a heading of its rank, the next term, the end of its row, "About ..."."""
    kept: list[Piece] = []
    for piece in following:
        if label.meaning in FIELD_LABELS and not piece.joined and piece.text.endswith(":") and _may_be_label(piece.text):
            break  # a label, though it is not known
        if _is_beyond(label, piece) and (kept or not _is_value_in_kind(label, piece, words)):
            break
        kept.append(piece)
    return tuple(kept)


def _is_value_in_kind(label: Piece, piece: Piece, words: Words) -> bool:
    """Does a site write values as it writes labels: is this heading or term the value of the one before?"""
    same = label.block.kind == piece.block.kind and label.block.level == piece.block.level
    return same and piece.block.kind in ("heading", "term") and is_value_of(label.meaning or SECTION, piece.text, words)


def _is_beyond(label: Piece, piece: Piece) -> bool:
    if piece.joined:
        return False
    mine, other = label.block, piece.block
    if other.kind == "heading" and (not mine.level or other.level <= mine.level):
        return True
    if other.kind == "term" or begins_about(other) or opens_other_trials(other.text):
        return True
    return bool(mine.row) and other.row != mine.row and mine.cells > 1
