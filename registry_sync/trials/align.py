"""Two lists of items -> which is which: the same, changed, moved, added, removed. Order never counts."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from typing import TypeVar

from registry_sync.trials.text import words

T = TypeVar("T")

SAME_ITEM = 0.5
"""Two texts that share half of their words are one item that was reworded."""
SAME_ITEM_ACROSS = 0.8
"""Across inclusion and exclusion more is asked: "pregnant" stands on both sides of many trials."""
_HELD = 0.9
_ENOUGH_WORDS = 4
_STOPS = (".", ";", ",")
_JOINTS = (*_STOPS, ":")
SAME_TOGETHER = 0.85
"""Neighbouring items whose words together are those of one: it was split, or they were merged."""
_MOST_PIECES = 8
_BETWEEN = frozenset(("and", "or", "with"))
"""Words of a whole that its pieces do not need."""
_MOST_PAIRS = 2_000_000
"""Items before times items after: beyond this nothing is paired by likeness, so that no record can take minutes."""


def likeness(first: Sequence[str], second: Sequence[str]) -> float:
    """The share of words in common, from 0 to 1 (Dice's coefficient over the words as a multiset)."""
    if not first or not second:
        return 0.0
    return 2 * _common(tuple(first), tuple(second)) / (len(first) + len(second))


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
    held = _common(short, long) / len(short)
    return SAME_ITEM if len(short) >= _ENOUGH_WORDS and held >= _HELD else plain


def _common(first: tuple[str, ...], second: tuple[str, ...]) -> int:
    """How many words both have, as multisets."""
    short, long = (_counted(first), _counted(second)) if len(first) <= len(second) else (_counted(second), _counted(first))
    return sum(min(number, long[word]) for word, number in short.items() if word in long)


@lru_cache(maxsize=16384)
def _counted(text: tuple[str, ...]) -> Counter[str]:
    return Counter(text)


def take_equal(before: list[T], after: list[T], by: Callable[[T], Hashable]) -> list[tuple[T, T]]:
    """Pair off, as a multiset, what is equal by this key; the pairs leave both lists."""
    waiting: dict[Hashable, deque[int]] = defaultdict(deque)
    for index, item in enumerate(after):
        waiting[by(item)].append(index)
    pairs, taken, left = [], set(), []
    for item in before:
        indexes = waiting.get(by(item))
        if indexes:
            index = indexes.popleft()
            taken.add(index)
            pairs.append((item, after[index]))
        else:
            left.append(item)
    before[:] = left
    after[:] = [item for index, item in enumerate(after) if index not in taken]
    return pairs


def take_alike(before: list[T], after: list[T], score: Callable[[T, T], float], least: float) -> list[tuple[T, T]]:
    """Pair off the likest first, down to ``least``; what pairs leaves both lists. Ties go to the nearer position.

    Of lists so long that this would take minutes (more than two million pairs) nothing is paired.
    """
    if not before or not after or len(before) * len(after) > _MOST_PAIRS:
        return []
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


def take_splits(one: list[T], many: list[T], text: Callable[[T], str], together: Callable[[T, T], bool]) -> list[tuple[T, tuple[T, ...]]]:
    """Find items of ``one`` whose words are those of two or more of ``many`` together (``together``: may these two be one?)."""
    found = []
    if len(one) * len(many) > _MOST_PAIRS:
        return []
    for item in list(one):
        near, far = _neighbours(item, many, text, together), _scattered(item, many, text, together)
        places = max(near, far, key=lambda places: _together(item, places, many, text))
        if places:
            found.append((item, tuple(many[place] for place in places)))
            one.remove(item)
            many[:] = [other for place, other in enumerate(many) if place not in places]
    return found


def _together(item: T, places: Sequence[int], many: Sequence[T], text: Callable[[T], str]) -> float:
    joined = tuple(word for place in places for word in _without_stops(text(many[place])))
    return likeness(_without_stops(text(item)), joined)


def _neighbours(item: T, many: Sequence[T], text: Callable[[T], str], together: Callable[[T, T], bool]) -> Sequence[int]:
    """Where in ``many`` the pieces of ``item`` stand, one after the other; empty when they do not."""
    whole = _without_stops(text(item))
    best, places = 0.0, range(0)
    for start, first in enumerate(many):
        begin = _without_stops(text(first))
        if not together(item, first) or 2 * _common(whole, begin) < max(1, len(begin)):
            continue  # no piece: half of its words at least are the whole's
        joined: tuple[str, ...] = ()
        likest = 0.0
        for end in range(start, min(start + _MOST_PIECES, len(many))):
            if not together(first, many[end]):
                break
            part = _without_stops(text(many[end]))
            joined, likest = joined + part, max(likest, likeness(whole, part))
            value = likeness(whole, joined)
            if end > start and value >= SAME_TOGETHER and value > max(likest, best):
                best, places = value, range(start, end + 1)
            if len(joined) > 2 * len(whole):
                break
    return places


def _scattered(item: T, many: Sequence[T], text: Callable[[T], str], together: Callable[[T, T], bool]) -> Sequence[int]:
    """Where the pieces stand that are wholly part of ``item`` and make it up together, wherever they are; empty when they do not."""
    whole = _without_stops(text(item))
    parts = {place: _without_stops(text(other)) for place, other in enumerate(many) if together(item, other)}
    places = [
        place for place, part in parts.items() if part and _common(part, whole) >= (_HELD if len(part) >= _ENOUGH_WORDS else 1) * len(part)
    ]
    said = {word for place in places for word in parts[place]}
    asked = set(whole) - _BETWEEN
    likest = max((likeness(whole, parts[place]) for place in places), default=1.0)
    covered = len(asked & said) >= _HELD * len(asked)
    return places if 2 <= len(places) <= _MOST_PIECES and covered and likest < _HELD else ()


@lru_cache(maxsize=16384)
def _without_stops(text: str) -> tuple[str, ...]:
    """The words of a text; what parts them changes when an item is split."""
    return tuple(word for word in words(text) if word not in _JOINTS)
