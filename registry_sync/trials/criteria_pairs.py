"""Two versions of the eligibility criteria -> which items are the same, and what happened to the others.

Items of one group that read the same are the same wherever they stand; what is left is paired by its words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from registry_sync.trials.align import (
    SAME_ITEM,
    SAME_ITEM_ACROSS,
    likeness,
    likeness_of_grown,
    take_alike,
    take_equal,
    take_splits,
)
from registry_sync.trials.critical import differ_critically
from registry_sync.trials.record import Criterion
from registry_sync.trials.text import key, words

Operation = Literal["changed", "added", "removed", "moved"]
_TELLING = 20
"""Characters by which the place of a piece in its whole is found."""
_Items = tuple[Criterion, ...]
GENERIC = frozenset(
    "a an and applicable apply are at be both can criteria criterion do eligible enrolled entry exclusion following for from fulfil "
    "fulfill have if in included inclusion individuals is join key list main may meet meeting met must of part participant "
    "participants participate patient patients people subject subjects study take the their these they this those to trial who will "
    "with you".split()
)
"""The words of sentences that only say that a list follows,"""
_GOES_WITHOUT_SAYING = {
    "inclusion": GENERIC | {"all", "each", "every"},
    "exclusion": GENERIC | {"any", "cannot", "either", "excluded", "not", "one", "or"},
}
"""and those that say of a side what holds there anyway: all is asked for, any keeps out. On the other side they change the rule."""
_LIST_END = re.compile(r"(?:[ .;,]+and)?[ .;,]*$", re.IGNORECASE)
_OR_END = re.compile(r"[ .;,]+(?:and/)?or[ .;,]*$", re.IGNORECASE)


class Told(msgspec.Struct, frozen=True):
    """One thing that happened to the criteria. The pieces of a split or merged item stand on a line each."""

    operation: Operation
    before: str | None
    after: str | None
    group: str | None


def told(first: _Items, second: _Items) -> Iterator[Told]:
    """What happened between two versions: reworded (and split, merged), moved, added, removed."""
    before, after = list(first), list(second)
    key_of = _keys(first, second)
    pairs: list[tuple[_Items, _Items]] = []
    take_equal(before, after, lambda item: (item.group, key_of(item)))
    crossed = take_equal(before, after, key_of)
    pairs += [((one,), pieces) for one, pieces in take_splits(before, after, _text, _one_side)]
    pairs += [(pieces, (one,)) for one, pieces in take_splits(after, before, _text, _one_side)]
    pairs += [((left,), (came,)) for left, came in take_alike(before, after, _alike, least=SAME_ITEM)]
    crossed += take_alike(before, after, lambda a, b: likeness(words(a.text), words(b.text)), least=SAME_ITEM_ACROSS)
    pairs += [((left,), (came,)) for left, came in crossed if _one_side(left, came) and key_of(left) != key_of(came)]

    pairs = [(olds, news) for olds, news in pairs if not _as_a_heading(olds, news)]
    before, after = ([item for item in side if not _introduces(item)] for side in (before, after))
    position = {id(item): index for index, item in enumerate(second)}
    reworded = [(news[0], Told("changed", _joined(olds, news), _joined(news, olds), news[0].group)) for olds, news in pairs]
    yield from (change for _, change in sorted(reworded, key=lambda entry: position[id(entry[0])]))
    yield from (Told("moved", left.text, came.text, came.group) for left, came in crossed if not _one_side(left, came))
    yield from (Told("added", None, item.text, item.group) for item in after)
    yield from (Told("removed", item.text, None, item.group) for item in before)


def _as_a_heading(olds: _Items, news: _Items) -> bool:
    """Is one introduction only reworded, as a heading is? What it asks ("all", "two of the following") must be the same."""
    before, after = _joined(olds, news), _joined(news, olds)
    return all(_introduces(item) for item in (*olds, *news)) and not differ_critically(before, after)


def _introduces(item: Criterion) -> bool:
    """Is this a note that only says that criteria follow? It comes and goes as a heading does."""
    text = [word for word in words(item.text) if word.isalnum()]
    return item.kind == "note" and bool(text) and _GOES_WITHOUT_SAYING.get(item.group or "", GENERIC).issuperset(text)


def _keys(first: _Items, second: _Items) -> Callable[[Criterion], str]:
    """What is compared of a criterion: the full stop, semicolon or "and" at its end belongs to the list, not to what it says.

    An "or" does only where the list has as many before and after: there they moved along; where one is new, or gone, the logic changed.
    """
    ends = [Counter(item.group for item in side if _OR_END.search(key(item.text))) for side in (first, second)]
    loose = {group for group, number in ends[0].items() if ends[1][group] == number}

    def key_of(item: Criterion) -> str:
        text = _LIST_END.sub("", key(item.text))
        return _LIST_END.sub("", _OR_END.sub("", text)) if item.group in loose else text

    return key_of


def _text(item: Criterion) -> str:
    return item.text


def _joined(items: _Items, others: _Items) -> str:
    """All the text of one side: the pieces of a split item on a line each, in the order in which the whole has them."""
    if len(items) > 1:
        whole = " ".join(item.text.casefold() for item in others)
        places = [_place(item.text.casefold(), whole) for item in items]
        if -1 not in places:
            items = tuple(item for _, item in sorted(zip(places, items, strict=True), key=lambda pair: pair[0]))
    return "\n".join(item.text for item in items)


def _place(piece: str, whole: str) -> int:
    found = whole.find(piece.rstrip(" .;,"))
    return found if found >= 0 else whole.find(piece[:_TELLING])


def _one_side(first: Criterion, second: Criterion) -> bool:
    """On the same side; a record that does not name its groups is on both, so that naming them moves nothing."""
    return first.group == second.group or first.group is None or second.group is None


def _alike(first: Criterion, second: Criterion) -> float:
    return likeness_of_grown(words(first.text), words(second.text)) if _one_side(first, second) else 0.0
