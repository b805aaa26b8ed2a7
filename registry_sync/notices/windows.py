"""A long text with marked words, cut to what lies around each change, so that a mail shows the change and not a page of text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from registry_sync.notices.clean import ELLIPSIS
from registry_sync.notices.marking import Mark, Run

LONG_TEXT = 600
"""Characters from which a text is cut around its changes."""
MOST_SHOWN = 4000
"""Characters of one side that are shown of a text with many changes, about."""

_AROUND = 60
"""At least so much is shown on either side of a change, and from there to where the sentence begins or ends,"""
_AROUND_AT_MOST = 240
"""but no more than this."""
_LONGEST_CHANGE = 1500
_GAP = f" {ELLIPSIS} "
_SENTENCE_END = re.compile(r"[.;!?](?=\s)|\n")
_BEFORE_DIFFERENCE = 100


class View(NamedTuple):
    """Runs to be shown, and whether something of the text is left out."""

    runs: tuple[Run, ...]
    is_cut: bool


def around(runs: Sequence[Run]) -> View:
    """The runs of ``marking.marked``, cut where a side is longer than ``LONG_TEXT``: what stayed between changes far apart is left out.

    Two sides that differ still differ in what is shown: what stayed is cut on both sides alike, and a long changed stretch shows
    where it begins to differ.
    """
    if max(_length(runs, "removed"), _length(runs, "added")) <= LONG_TEXT:
        return View(tuple(runs), is_cut=False)
    shown: list[Run] = []
    last = len(runs) - 1
    for index, run in enumerate(_shorter_changes(runs)):
        text, mark = run
        shown.append((_cut_same(text, after_change=index > 0, before_change=index < last), "same") if mark == "same" else run)
        if mark == "same" and index < last and max(_length(shown, "removed"), _length(shown, "added")) > MOST_SHOWN:
            shown.append((ELLIPSIS, "same"))
            break
    return View(tuple(shown), is_cut=shown != list(runs))


def beginning(text: str) -> tuple[str, bool]:
    """A text that came or went as a whole: its first ``MOST_SHOWN`` characters, and whether it is longer."""
    if len(text) <= MOST_SHOWN:
        return text, False
    return _head(text, MOST_SHOWN, MOST_SHOWN) + _GAP.rstrip(), True


def _length(runs: Sequence[Run], mark: Mark) -> int:
    return sum(len(text) for text, each in runs if each in ("same", mark))


def _shorter_changes(runs: Sequence[Run]) -> Iterator[Run]:
    """The runs with what came and went cut where it is very long; a pair is cut so that its two texts still differ."""
    for index, (text, mark) in enumerate(runs):
        if mark == "same" or len(text) <= _LONGEST_CHANGE:
            yield text, mark
            continue
        other = _partner(runs, index)
        short, short_other = _middle_out(text), _middle_out(other)
        yield (short if short != short_other else _from_difference(text, other)), mark


def _partner(runs: Sequence[Run], index: int) -> str:
    """What stands in the other version where this changed run stands; empty where nothing does."""
    mark = runs[index][1]
    neighbour = index + 1 if mark == "removed" else index - 1
    if 0 <= neighbour < len(runs) and runs[neighbour][1] not in ("same", mark):
        return runs[neighbour][0]
    return ""


def _middle_out(text: str) -> str:
    if len(text) <= _LONGEST_CHANGE:
        return text
    part = _LONGEST_CHANGE // 2
    return f"{_head(text, part, part)}{_GAP}{_tail(text, part, part)}"


def _from_difference(text: str, other: str) -> str:
    """Two long words, or stretches, that begin and end alike: what lies around their first different character."""
    same = next((at for at, pair in enumerate(zip(text, other, strict=False)) if pair[0] != pair[1]), min(len(text), len(other)))
    start = max(0, same - _BEFORE_DIFFERENCE)
    end = start + _LONGEST_CHANGE // 2
    return f"{ELLIPSIS if start else ''}{text[start:end]}{ELLIPSIS if end < len(text) else ''}"


def _cut_same(text: str, *, after_change: bool, before_change: bool) -> str:
    """What stayed: its beginning when a change stands before it, its end when one follows; all of it when that saves nothing."""
    head = _head(text, _AROUND, _AROUND_AT_MOST) if after_change else ""
    tail = _tail(text, _AROUND, _AROUND_AT_MOST) if before_change else ""
    if len(head) + len(tail) + len(_GAP) >= len(text):
        return text
    gap = _GAP if head and tail else f"{ELLIPSIS} " if tail else f" {ELLIPSIS}"
    return f"{head.rstrip()}{gap}{tail.lstrip()}"


def _head(text: str, least: int, most: int) -> str:
    """The beginning: to the end of a sentence where one ends in time, else to a blank."""
    if len(text) <= most:
        return text
    end = _SENTENCE_END.search(text, least, most)
    if end:
        return text[: end.end()]
    blank = text.rfind(" ", least, most)
    return text[: blank if blank > 0 else most]


def _tail(text: str, least: int, most: int) -> str:
    """The end: from the beginning of a sentence where one begins in time, else from a blank."""
    if len(text) <= most:
        return text
    ends = [end for end in _SENTENCE_END.finditer(text, len(text) - most) if end.end() < len(text) - least]
    if ends:
        return text[ends[-1].end() :]
    blank = text.find(" ", len(text) - most, len(text) - least)
    return text[blank + 1 if blank > 0 else len(text) - most :]
