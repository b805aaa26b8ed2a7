"""Two lists of items -> which is which: the same, changed, moved, added, removed. Order never counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

import msgspec

from registry_sync.trials.text import words

T = TypeVar("T")

SAME_ITEM = 0.5
"""Two texts that share half of their words are one item that was reworded."""
SAME_ITEM_ACROSS = 0.8
"""Across inclusion and exclusion more is asked: "pregnant" stands on both sides of many trials."""
_HELD = 0.9
_ENOUGH_WORDS = 4
_STOPS = (".", ";", ",")
ONE_OF_TWO = 0.85
"""Two neighbouring items whose words together are those of one: it was split, or they were merged."""


class Pairing(msgspec.Struct, Generic[T], frozen=True):
    """One line of the alignment: what was (none: added) and what is (none: removed); two where one was split or two merged."""

    before: tuple[T, ...]
    after: tuple[T, ...]


def likeness(first: Sequence[str], second: Sequence[str]) -> float:
    """The share of words in common, from 0 to 1 (Dice's coefficient over the words as a multiset)."""
    if not first or not second:
        return 0.0
    common = sum((Counter(first) & Counter(second)).values())
    return 2 * common / (len(first) + len(second))


def likeness_of_grown(first: Sequence[str], second: Sequence[str]) -> float:
    """Likeness that also knows an item which only grew, or was cut down: nearly all words of the shorter one stand in the longer one."""
    plain = likeness(first, second)
    short, long = sorted((tuple(first), tuple(second)), key=len)
    if plain >= SAME_ITEM or not short:
        return plain
    bare = short
    while bare and bare[-1] in _STOPS:
        bare = bare[:-1]
    if bare and long[: len(bare)] == bare:
        return SAME_ITEM
    held = sum((Counter(short) & Counter(long)).values()) / len(short)
    return SAME_ITEM if len(short) >= _ENOUGH_WORDS and held >= _HELD else plain


def take_equal(before: list[T], after: list[T], by: Callable[[T], Hashable]) -> list[tuple[T, T]]:
    """Pair off, as a multiset, what is equal by this key; the pairs leave both lists."""
    waiting: dict[Hashable, list[int]] = defaultdict(list)
    for index, item in enumerate(after):
        waiting[by(item)].append(index)
    pairs, taken, left = [], set(), []
    for item in before:
        indexes = waiting.get(by(item))
        if indexes:
            index = indexes.pop(0)
            taken.add(index)
            pairs.append((item, after[index]))
        else:
            left.append(item)
    before[:] = left
    after[:] = [item for index, item in enumerate(after) if index not in taken]
    return pairs


def take_alike(before: list[T], after: list[T], score: Callable[[T, T], float], least: float) -> list[tuple[T, T]]:
    """Pair off the likest first, down to ``least``; what pairs leaves both lists. Ties go to the nearer position."""
    scored = []
    for i, first in enumerate(before):
        for j, second in enumerate(after):
            value = score(first, second)
            if value >= least:
                scored.append((-value, abs(i - j), i, j))
    scored.sort()
    used_before: set[int] = set()
    used_after: set[int] = set()
    pairs = []
    for _, _, i, j in scored:
        if i not in used_before and j not in used_after:
            used_before.add(i)
            used_after.add(j)
            pairs.append((before[i], after[j]))
    before[:] = [item for index, item in enumerate(before) if index not in used_before]
    after[:] = [item for index, item in enumerate(after) if index not in used_after]
    return pairs


def take_splits(one: list[T], many: list[T], text: Callable[[T], str], together: Callable[[T, T], bool]) -> list[tuple[T, tuple[T, T]]]:
    """Find items of ``one`` whose words are those of two neighbours in ``many`` together (``together``: may these two be one?)."""
    found = []
    for item in list(one):
        whole = words(text(item))
        for index in range(len(many) - 1):
            first, second = many[index], many[index + 1]
            if not together(first, second) or not together(item, first):
                continue
            parts = words(text(first)), words(text(second))
            joined = likeness(whole, parts[0] + parts[1])
            if joined >= ONE_OF_TWO and joined > max(likeness(whole, part) for part in parts):
                found.append((item, (first, second)))
                one.remove(item)
                del many[index : index + 2]
                break
    return found
