"""Facts whose value stands above its label ("40" over "Participants") -> the pieces with each label before its value.

Which of the two a page does is decided for a whole run of facts: by what its markup holds together, else by where the run begins and
ends and by what can be read. Where that is not sure, the labels are marked, and nothing is read beside them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec.structs import replace

from registry_sync.sources.finder_values import is_read, is_sponsor, is_value_of
from registry_sync.sources.labels import FIELD_LABELS, NONE, OTHER_IDS, REGISTRATION, Words
from registry_sync.sources.page_parts import Piece
from registry_sync.sources.registers import nct_ids

_Way = Literal["up", "down", "unsure"]

_PLACES = "locations"
_OF_TILES = FIELD_LABELS | {_PLACES}
_OF_DEFINITIONS = frozenset(("term", "definition"))
_IDS = frozenset((REGISTRATION, OTHER_IDS))
_MOST_LETTERS_OF_A_VALUE = 120
_MOST_BETWEEN = 3
"""Pieces between two labels of one run: a value, an unknown label and its value."""
_MOST_LINES_OF_A_TILE = 2
_ONE_ELEMENT = 1 << 31
_COUNT = re.compile(r"\d[\d,. ]*\+?")


def label_first(found: Sequence[Piece], words: Words) -> tuple[Piece, ...]:
    """The pieces, with each value that stands above its label behind it, as if both stood in one block."""
    ways: dict[int, _Way] = {}
    marks = _Marks(found)
    for run in _runs(found):
        ways |= _Run(found, run, words, marks).ways()
    if not ways or set(ways.values()) == {"down"}:
        return tuple(found)
    return tuple(_turned(found, ways))


def _runs(found: Sequence[Piece]) -> Iterator[list[int]]:
    """The places of labels that have at most a value, or a label that is not known and its value, between them."""
    run: list[int] = []
    last = -1
    for place, piece in enumerate(found):
        if piece.meaning is None:
            if run and (place - last > _MOST_BETWEEN or not is_value(piece)):
                yield run
                run = []
            continue
        if piece.meaning not in _OF_TILES or _has_value_behind(place, found):
            if run:
                yield run
            run = []
        else:
            run.append(place)
        last = place
    if run:
        yield run


def _has_value_behind(place: int, found: Sequence[Piece]) -> bool:
    """Is this surely a label before its value: with a colon, or glued to it?"""
    label, following = found[place], found[place + 1] if place + 1 < len(found) else None
    if label.text.endswith(":") or label.block.text.startswith(f"{label.text}:"):
        return True
    return following is not None and following.joined and following.block is label.block and len(label.block.parts) < 2


def is_value(piece: Piece) -> bool:
    """Can this be the value of a tile: short, no title, and something that can be read?"""
    if piece.meaning is not None or piece.block.level == 1 or len(piece.text) > _MOST_LETTERS_OF_A_VALUE:
        return False
    return not piece.text.endswith(":") and any(map(str.isalnum, piece.text))


class _Marks:
    """What is asked of many labels: by block, does it begin and end with a value; the ends of each list of terms, and whose a piece is."""

    def __init__(self, found: Sequence[Piece]) -> None:
        self.ends: dict[int, tuple[bool, bool]] = {}
        self.lists: list[tuple[int, int]] = []
        self.list_of: list[int] = []
        for place, piece in enumerate(found):
            begins, _ = self.ends.get(id(piece.block), (piece.meaning is None, None))
            self.ends[id(piece.block)] = begins, piece.meaning is None
            if place and {piece.block.kind, found[place - 1].block.kind} <= _OF_DEFINITIONS:
                self.lists[-1] = self.lists[-1][0], place
            else:
                self.lists.append((place, place))
            self.list_of.append(len(self.lists) - 1)


class _Run:
    """Labels that follow each other, and the way to the value of each."""

    def __init__(self, found: Sequence[Piece], places: Sequence[int], words: Words, marks: _Marks) -> None:
        self.found, self.places, self.words, self.marks = found, places, words, marks

    def ways(self) -> dict[int, _Way]:
        """The way of each label: what the markup says of it, else what those beside it say together."""
        ways: dict[int, _Way] = {}
        open_: list[int] = []
        for place in self.places:
            held = self._held(place)
            if held is None:
                open_.append(place)
                continue
            ways |= self._together(open_)
            open_ = []
            ways[place] = held
        return ways | self._together(open_)

    def _held(self, place: int) -> _Way | None:
        """The way in which the markup holds this label and one value together, and apart from what is around them."""
        if self.found[place].block.level and not (place and self.found[place - 1].block.level):
            return "down"  # a heading stands above what it heads
        if (element := self._in_element(place)) is not None:
            return element
        if self.found[place].block.kind == "term" and (defined := self._in_definitions(place)) is not None:
            return defined
        before, after = self._tie(place), self._tie(place + 1)
        if before > after and self._value(place - 1) is not None:
            return "up" if self._stands_apart(place - 1, -1, before) else None
        if after > before and self._value(place + 1) is not None:
            return "down" if self._stands_apart(place + 1, 1, after) else None
        return None

    def _in_element(self, place: int) -> _Way | None:
        """The way within one element that holds nothing but labels and values."""
        block = self.found[place].block
        following = self.found[place + 1].block if place + 1 < len(self.found) else None
        if block.breaks or (following is not None and following.breaks):
            return None  # what stands between two line breaks is no element
        begins, ends = self.marks.ends[id(block)]
        return None if begins == ends else "up" if begins else "down"

    def _in_definitions(self, place: int) -> _Way | None:
        """The way in a list of terms: it begins with a term, or with a definition and ends with a term."""
        first, last = self.marks.lists[self.marks.list_of[place]]
        if self.found[first].block.kind == "term":
            return "down"
        return "up" if self.found[last].block.kind == "term" else None

    def _tie(self, place: int) -> int:
        """How deep the element stands that holds the piece at this place and the one before; -1 at the ends of the page."""
        if not 0 < place < len(self.found):
            return -1
        block, before = self.found[place].block, self.found[place - 1].block
        return block.joint if block is not before else _ONE_ELEMENT if not block.breaks else before.joint

    def _stands_apart(self, place: int, step: int, tie: int) -> bool:
        """Do no more than the lines of one value stand in the element that a tie makes of a label and the value here?"""
        for lines in range(1, _MOST_LINES_OF_A_TILE + 1):
            beyond = place + lines * step
            if self._tie(beyond + 1 if step < 0 else beyond) < tie:
                return True
            if not 0 <= beyond < len(self.found) or self._value(beyond) is None:
                return False
        return False

    def _value(self, place: int) -> Piece | None:
        if not 0 <= place < len(self.found):
            return None
        piece = self.found[place]
        return piece if is_value(piece) and not (piece.joined and place and _has_value_behind(place - 1, self.found)) else None

    def _together(self, places: Sequence[int]) -> dict[int, _Way]:
        """The way of labels that the markup does not hold to one side: the same for all."""
        if not places:
            return {}
        above = {place: self._fits(place, place - 1) for place in places}
        below = {place: self._fits(place, place + 1) for place in places}
        first, last = places[0], places[-1]
        if self._value(first - 1) is None or (above[first] is False and nct_ids(self.found[first - 1].text)):
            return dict.fromkeys(places, "down")
        begins, ends = above[first] is False, below[last] is False
        telling = [place for place in places if self.found[place].meaning != _PLACES]
        ups = sum(above[place] is True and below[place] is False for place in telling)
        downs = sum(below[place] is True and above[place] is False for place in telling)
        if begins == ends:
            way: _Way | None = "up" if ups and not downs else "down" if downs and not ups else "unsure" if ups else None
        elif ends:
            way = "unsure" if downs and not ups else "up" if any(above[place] is True for place in places) else None
        else:
            way = "unsure" if ups and not downs else "down"
        if way == "up" and self._may_be_label(first - 2):
            way = "unsure"
        if way is not None:
            return dict.fromkeys(places, way)
        return {place: "unsure" if self._is_either(place, above[place], below[place]) else "down" for place in places}

    def _may_be_label(self, place: int) -> bool:
        """May this be a label that is not known, to which the value behind it belongs?"""
        piece = self._value(place)
        return piece is not None and not piece.joined and not piece.block.level and not nct_ids(piece.text)

    def _is_either(self, place: int, above: bool | None, below: bool | None) -> bool:
        """Do two values that differ stand beside this label, either of which may be its own?"""
        return above is True and below is True and self.found[place - 1].text.casefold() != self.found[place + 1].text.casefold()

    def _fits(self, place: int, beside: int) -> bool | None:
        """Can what stands beside a label be its value? ``None``: it may be anything."""
        value, meaning = self._value(beside), self.found[place].meaning or NONE
        if value is None:
            is_text = 0 <= beside < len(self.found) and self.found[beside].meaning is None
            return None if is_text and beside > place and not _is_typed(meaning) else False
        if not self.words.is_stated(value.text):
            return True
        if meaning in _IDS:
            return None
        if nct_ids(value.text):
            return False
        if meaning == "lead_sponsor":
            return None if is_sponsor(value.text) and not self.words.bare_status(value.text) else False
        if meaning == _PLACES:
            return True if _COUNT.fullmatch(value.text) else None
        if is_value_of(meaning, value.text, self.words):
            return True
        return False if _is_typed(meaning) else None


def _is_typed(meaning: str) -> bool:
    return meaning == "overall_status" or is_read(meaning)


def _turned(found: Sequence[Piece], ways: dict[int, _Way]) -> Iterator[Piece]:
    """The pieces in their new order; a label that is not known ends the value before it."""
    ups = {place for place, way in ways.items() if way == "up" and place and found[place - 1].meaning is None}
    unknown = {place for up in ups for place in _unknown_beside(up, ups, found)}
    for place, piece in enumerate(found):
        if place + 1 in ups or place + 1 in unknown:
            continue
        if place in ups or place in unknown:
            value = found[place - 1]
            yield replace(piece, meaning=piece.meaning or NONE)
            yield Piece(value.text, None, piece.block, joined=True)
        elif ways.get(place) == "unsure" or (ways.get(place) == "up" and piece.meaning is not None):
            yield replace(piece, unsure=True)
        else:
            yield piece


def _unknown_beside(place: int, ups: set[int], found: Sequence[Piece]) -> Iterator[int]:
    """The places of labels that are not known, of tiles that stand in one row with the label here."""
    shape = found[place - 1].block.joint, found[place].block.joint
    if place + 4 in ups and is_value(found[place + 2]):
        yield place + 2
    if shape[0] >= shape[1]:
        return
    for step in (2, -2):
        label = place + step
        while 0 < label < len(found) and is_value(found[label]) and is_value(found[label - 1]):
            inner, outer = found[label].block.joint, found[label - 1].block.joint
            if inner != shape[1] or outer >= inner:
                break
            yield label
            label += step
