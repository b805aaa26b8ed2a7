"""Posts of a size that receivers take: long texts are cut, and of too many changes the number is told. Nothing goes in silence.

A record can hold a text of megabytes, a digest thousands of changes; a receiver refuses what is larger than it expects, and what it
refuses again and again is never told at all. ``changes --json`` has everything whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from registry_sync.notices.clean import ELLIPSIS, cut

T = TypeVar("T")

LONGEST_SIDE = 100_000
"""Characters of all texts in what a change was before, and in what it is after."""

LONGEST_TITLE = 1000
LONGEST_NOTE = 10_000

MOST_BYTES = 1_000_000
"""Bytes of all changes in a post."""

_SIDES = ("before", "after", "detail")
_CUTS = ((LONGEST_SIDE, LONGEST_SIDE), (MOST_BYTES, 20_000))
"""What has more bytes than the one is cut to sides of the other. A character takes six bytes at most: after the second all sides fit."""

_OF_A_VALUE = 10
"""Characters that a number, a key or a bracket is counted as: a list of empty things is long, too."""


def as_many_as_fit(changes: Sequence[T], as_json: Callable[[T], dict[str, Any]]) -> tuple[list[msgspec.Raw], int]:
    """The first changes that fit into a post, as JSON, at least one, and how many are left out; one that is too long is cut and says so."""
    kept: list[msgspec.Raw] = []
    size = 0
    for change in changes:
        text = _bounded(as_json(change))
        size += len(text) + 1
        if kept and size > MOST_BYTES:
            break
        kept.append(msgspec.Raw(text))
    return kept, len(changes) - len(kept)


def encoded(value: Any) -> bytes:
    """JSON in UTF-8; halves of a pair of code units, which no UTF-8 can hold, become question marks."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_encodable(value))


def _bounded(change: dict[str, Any]) -> bytes:
    text = encoded(change)
    for most, longest in _CUTS:
        if len(text) <= most:
            break
        sides = {name: _cut_to(change[name], longest) for name in _SIDES if name in change}
        if any(was_cut for _, was_cut in sides.values()):
            text = encoded({**change, **{name: value for name, (value, _) in sides.items()}, "cut": True})
    return text


def _cut_to(value: Any, longest: int) -> tuple[Any, bool]:
    """A value with so many characters at most, and whether anything was taken from it. Its shape stays: keys are kept, lists end early."""
    scissors = _Scissors(longest)
    return scissors.cut(value), scissors.used


class _Scissors:
    def __init__(self, left: int) -> None:
        self._left = left
        self.used = False

    def cut(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list | tuple):
            return self._list(value)
        self._left -= _OF_A_VALUE
        return {key: self.cut(each) for key, each in value.items()} if isinstance(value, dict) else value

    def _text(self, text: str) -> str:
        room, self._left = max(0, self._left), self._left - len(text) - _OF_A_VALUE
        if len(text) <= room:
            return text
        self.used = True
        return cut(text, room) if room > len(ELLIPSIS) else ELLIPSIS

    def _list(self, values: list[Any] | tuple[Any, ...]) -> list[Any]:
        kept = []
        for each in values:
            if self._left <= 0:
                self.used = True
                break
            kept.append(self.cut(each))
        return kept


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_encodable(key): _encodable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(each) for each in value]
    return value
