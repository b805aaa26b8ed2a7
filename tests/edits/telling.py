"""What must be told of an edit, and whether it was: told with its operation and its words, and nothing besides."""

from __future__ import annotations

import enum
import html
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from registry_sync.trials.changes import Change


class _Unsaid(enum.Enum):
    ANY = "any"


ANY = _Unsaid.ANY
"""Stands for a value of which the edit says nothing."""


@dataclass(frozen=True)
class WordsOf:
    """Texts told as one: their words count, not the stops between them."""

    texts: tuple[str, ...]


@dataclass(frozen=True)
class Telling:
    """One change that must be told; ``before`` and ``after`` as raw text, or as the parts of an item that matter."""

    field: str
    operation: str
    before: Any = ANY
    after: Any = ANY
    group: Any = ANY
    significance: str | None = None
    reader: str | None = None

    def is_told_by(self, change: Change) -> bool:
        return (
            (self.field, self.operation) == (change.field, change.operation)
            and (self.group is ANY or self.group == change.group)
            and (self.significance is None or self.significance == change.significance)
            and (self.reader is None or self.reader == change.reader_significance)
            and agrees(self.before, change.before)
            and agrees(self.after, change.after)
        )


@dataclass(frozen=True)
class Expected:
    """One edit's news; several ``readings`` only where a careful person could tell it in either way."""

    readings: tuple[tuple[Telling, ...], ...]


def told(*tellings: Telling) -> Expected:
    """News that can be told in one way only."""
    return Expected((tellings,))


@dataclass(frozen=True)
class Verdict:
    """What was not told as it had to be, and what was told besides."""

    missing: tuple[Expected, ...]
    besides: tuple[Change, ...]

    @property
    def holds(self) -> bool:
        return not self.missing and not self.besides


def judge(expected: Iterable[Expected], changes: Sequence[Change]) -> Verdict:
    """Take every expected telling off what was told; what is left on either side is an error."""
    left, missing = list(changes), []
    for one in expected:
        for reading in one.readings:
            rest = _without(reading, left)
            if rest is not None:
                left = rest
                break
        else:
            missing.append(one)
    return Verdict(tuple(missing), tuple(left))


def _without(reading: tuple[Telling, ...], changes: Sequence[Change]) -> list[Change] | None:
    left = list(changes)
    for telling in reading:
        found = next((place for place, change in enumerate(left) if telling.is_told_by(change)), None)
        if found is None:
            return None
        del left[found]
    return left


def agrees(expected: Any, value: Any) -> bool:
    """Does this value say what was expected, to a reader? Of a dict only the expected keys are looked at."""
    if expected is ANY:
        return True
    if isinstance(expected, WordsOf):
        return isinstance(value, str) and _without_stops(" ".join(expected.texts)) == _without_stops(value)
    if isinstance(expected, str) and isinstance(value, str):
        return reading(expected) == reading(value)
    if isinstance(expected, dict) and isinstance(value, dict):
        return all(agrees(inner, value.get(name)) for name, inner in expected.items())
    return bool(expected == value)


# --- what a raw text reads like, written apart from the engine's own way ------------------------------------------------

_ESCAPE = re.compile(r"\\+(?=[^\w\s]|_|\s|$)")
_ALIKE = (("‐‑‒–—−", "-"), ("‘’´`", "'"), ("“”„", '"'), ("*_\u00ad\u200b\u200c\u200d", ""))
_FOLDED = str.maketrans({char: plain for chars, plain in _ALIKE for char in chars})
_TOKEN = re.compile(r"\w+|[^\w\s]")


def reading(text: str) -> tuple[str, ...]:
    """The words and signs of a raw text without escapes, entities and emphasis, and without the list's mark at its end."""
    for _ in range(3):
        text = html.unescape(_ESCAPE.sub("", text))
    tokens = _TOKEN.findall(unicodedata.normalize("NFC", text).translate(_FOLDED).replace("…", "..."))
    while tokens and tokens[-1] in ".;,":
        tokens.pop()
    return tuple(tokens)


def _without_stops(text: str) -> list[str]:
    return [token for token in reading(text) if token not in ".;,"]


def caseless(text: str) -> tuple[str, ...]:
    return tuple(token.casefold() for token in reading(text))


def likeness(first: str, second: str) -> float:
    """The share of words in common, 0 to 1: used to keep edits apart, never to judge."""
    one, two = Counter(caseless(first)), Counter(caseless(second))
    return 2 * sum((one & two).values()) / max(1, sum(one.values()) + sum(two.values()))
