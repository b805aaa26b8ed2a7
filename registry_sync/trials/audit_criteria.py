"""The eligibility criteria of a listing beside the registry's, item by item.

What the registry's own comparison tells counts, but for case, punctuation and typography. Only the groups that the listing states
are compared. A listing may stand between two versions, with some items of an earlier one and others of today's: it is outdated as
long as the registry has said each of its items, and did without each that it lacks, and it fell behind with the first of these steps.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import replace

from registry_sync.trials import criteria_joints, criteria_pairs
from registry_sync.trials.align import SAME_ITEM, likeness
from registry_sync.trials.audit_text import Words, bare_forms, is_cut, read, read_item, telling, unmarked
from registry_sync.trials.critical import critical_words, differ_critically
from registry_sync.trials.headings import Heading, Line, heading, is_part_of_study
from registry_sync.trials.listing import Listing
from registry_sync.trials.record import Criterion, Record
from registry_sync.trials.text import words
from registry_sync.trials.verdicts import Difference, Judgement, Past, earlier, fell_behind

_Items = tuple[Criterion, ...]
_WHAT = {"changed": "changed", "added": "extra", "removed": "missing", "moved": "moved"}
_COUNTS = re.compile(r"\d{1,2}(?:\.\d{1,2}){0,2}|[a-z]|[ivx]{1,5}")
_JOINTS = frozenset(("and", "or"))
_MOST_WORDS_OF_A_HEADING = 11
_MOST_TELLING_WORDS_OF_A_HEADING = 5


class _Held(msgspec.Struct, frozen=True):
    """What a list has, by group; a list that does not name its groups has each item on both sides.

    The mark before an item ("(i)", "2.") is the page's, or the record's own, and no part of what it says: where only one side has it, the
    item is the same.
    """

    by_group: frozenset[tuple[str | None, Words]]
    of_any: frozenset[Words]
    bare: frozenset[tuple[str | None, Words]]
    bare_of_any: frozenset[Words]
    sections: frozenset[Words]

    def has(self, group: str | None, text: str) -> bool:
        """Is it there, in this group or in none?"""
        words = read_item(text)
        if _is_among(self.by_group, self.of_any, group, words) or _is_among(self.bare, self.bare_of_any, group, words):
            return True
        return any(_is_among(self.by_group, self.of_any, group, read_item(bare)) for bare in _bare(group, text))

    def heads(self, item: Criterion) -> bool:
        """Is this a heading of some of the items, which the other side has, or may have, as the name of a section, or a mark alone?"""
        if _COUNTS.fullmatch(item.text.strip(" ().:")):
            return True
        return _heads_some(item.text) or read(item.text.rstrip(" :")) in self.sections or self._has_as_heading(item)

    def _has_as_heading(self, item: Criterion) -> bool:
        """Does the other side have this line ("EXCLUSION CRITERIA for G1 and G2"), in whose group it stands, as the heading that it is?"""
        found = _as_heading(item.group, item.text)
        return found is not None and not found.rest and (not found.section or read(found.section) in self.sections)


def _as_heading(group: str | None, text: str) -> Heading | None:
    """What a line of this group says as a heading of the same group; ``None``: it is none, or a sentence, which stays as a note."""
    found = heading(Line(0, None, unmarked(text)))
    return found if found is not None and not found.sentence and found.group is not None and found.group == group else None


def _bare(group: str | None, text: str) -> tuple[str, ...]:
    """An item without the marks before it, and without the name of its group ("Exclusion criteria: asthma")."""
    found = _as_heading(group, text) if "lus" in text.lower() else None
    return (*bare_forms(text), *((found.rest, *bare_forms(found.rest)) if found is not None and found.rest else ()))


def _is_among(by_group: frozenset[tuple[str | None, Words]], of_any: frozenset[Words], group: str | None, words: Words) -> bool:
    return (words in of_any) if group is None else (group, words) in by_group or (None, words) in by_group


def _heads_some(text: str) -> bool:
    """Does this name a part of the study, or whom the items below it concern, and nothing else ("For Part B:")?"""
    if is_part_of_study(unmarked(text).strip(" :.")):
        return True
    found = heading(Line(0, None, unmarked(text))) if text.rstrip().endswith((":", "\uff1a")) else None
    return found is not None and not found.sentence and not found.rest


def same(record: Record, listing: Listing) -> bool:
    """Does the listing say what this version says, in the groups that it states?"""
    theirs, mine = _comparable(record, listing)
    if not theirs or not mine:
        return False
    left = _left(theirs, mine)
    if not any(left):
        return True
    return _bag(left[0]) == _bag(left[1]) and not _differences(*left)


def _bag(items: _Items) -> Counter[str]:
    """The words of these items; other words are another text, whichever items they stand in, and a closer look is dear."""
    telling_ones = (item for item in items if item.kind == "item" or any(criteria_pairs.told((item,), ())))
    return Counter(word for item in telling_ones for word in read(item.text) if word not in _JOINTS)


def differences(record: Record, listing: Listing) -> tuple[Difference, ...]:
    """What differs, item by item: what reads otherwise, what stands in the wrong group, what is too much, what is missing."""
    return _differences(*_left(*_comparable(record, listing)))


def otherwise(listing: Listing, past: Sequence[Past]) -> Judgement:
    """The verdict on criteria that no version had as a whole."""
    now = past[-1].record
    theirs, mine = _comparable(now, listing)
    if all(item.group is None for item in mine) and any(item.group for item in theirs):
        return Judgement(verdict="incomparable", reason="headings lost")
    places = _last_said(differences(now, listing), listing, past)
    if not places:
        return Judgement(verdict="agrees")
    items = tuple(difference if at is None else replace(difference, since=fell_behind(past, at)) for difference, at in places)
    known = [at for _, at in places if at is not None]
    if len(known) == len(items):
        return Judgement(verdict="outdated", since=fell_behind(past, min(known)), items=items)
    if 2 * sum(item.what == "extra" for item in items) > len(mine):
        return Judgement(verdict="incomparable", reason="in words of its own", items=items)
    telling_ones = [item for item in items if _kind(item, theirs, mine) is None]
    if not telling_ones:
        kinds = [_kind(item, theirs, mine) for item in items]
        reason = next((kind for kind in ("cut off", "reworded") if kind in kinds), None)
        return Judgement(verdict="incomparable", reason=reason, items=items) if reason else Judgement(verdict="agrees")
    if 2 * len(mine) < len(theirs) and all(item.what == "missing" for item in telling_ones):
        return Judgement(verdict="incomparable", reason="shows some of the criteria", items=items)
    return Judgement(verdict="contradicts", items=items)


def _comparable(record: Record, listing: Listing) -> tuple[_Items, _Items]:
    """The items of either side that can be compared: of the groups that the listing states, and no remarks outside of all groups."""
    theirs, mine = record.criteria or (), listing.record.criteria or ()
    stated = {item.group for item in mine} - {None}
    if not stated:
        return theirs, mine
    if any(item.group for item in theirs):
        theirs = tuple(item for item in theirs if item.group in stated or (item.group is None and item.kind == "item"))
    return theirs, tuple(item for item in mine if item.group is not None or item.kind == "item")


def _held(items: Iterable[Criterion]) -> _Held:
    rows = tuple(items)
    keys = frozenset((item.group, read_item(item.text)) for item in rows)
    bare = frozenset((item.group, read_item(form)) for item in rows for form in _bare(item.group, item.text))
    sections = frozenset(read(item.section) for item in rows if item.section)
    return _Held(keys, frozenset(text for _, text in keys), bare, frozenset(text for _, text in bare), sections)


def _left(theirs: _Items, mine: _Items) -> tuple[_Items, _Items]:
    """What either side has and the other has not."""
    their_keys, my_keys = _held(theirs), _held(mine)
    left = tuple(item for item in theirs if not my_keys.has(item.group, item.text) and not my_keys.heads(item))
    came = tuple(item for item in mine if not their_keys.has(item.group, item.text) and not their_keys.heads(item))
    if not left or not came:
        return left, came
    same = {id(item) for item in (*criteria_joints.spread(left, mine), *criteria_joints.spread(came, theirs))}
    return tuple(item for item in left if id(item) not in same), tuple(item for item in came if id(item) not in same)


def _differences(theirs: _Items, mine: _Items) -> tuple[Difference, ...]:
    return tuple(
        Difference(what=_WHAT[told.operation], registry=told.before, listing=told.after, group=told.group)  # type: ignore[arg-type]
        for told in criteria_pairs.told(theirs, mine)
        if told.operation != "changed" or not _read_the_same(told.before or "", told.after or "")
    )


def _read_the_same(one: str, other: str) -> bool:
    """But for marks that one of them has."""
    first, second = read_item(one), read_item(other)
    return first == second or second in map(read_item, bare_forms(one)) or first in map(read_item, bare_forms(other))


def _last_said(found: Sequence[Difference], listing: Listing, past: Sequence[Past]) -> list[tuple[Difference, int | None]]:
    """Each difference with the place of the last version that was as the listing is in this; ``None``: no version was."""
    places: dict[int, int] = {}
    for place, record in earlier(past, lambda record: record.criteria):
        if record.criteria and len(places) < len(found):
            held = _held(_comparable(record, listing)[0])
            places.update((index, place) for index, one in enumerate(found) if index not in places and _said_so(one, held))
    return [(one, places.get(index)) for index, one in enumerate(found)]


def _said_so(found: Difference, held: _Held) -> bool:
    if found.what == "missing":
        return not held.has(found.group, found.registry)
    whole = held.has(found.group, found.listing)
    return whole or all(held.has(found.group, line) for line in found.listing.split("\n"))


def _kind(found: Difference, theirs: _Items, mine: _Items) -> str | None:
    """What makes this difference no contradiction; ``None``: nothing does."""
    if found.what == "changed":
        return _kind_of_change(*_without_a_mark(found.registry or "", found.listing or ""))
    if found.what == "moved":
        return None
    text, side = (found.registry, theirs) if found.what == "missing" else (found.listing, mine)
    kinds = {item.kind for item in side if item.text == text}
    return "remark" if kinds == {"note"} and not _tells(found.what, text or "", theirs) else None


def _tells(what: str, note: str, theirs: _Items) -> bool:
    """Does a note that only one side has say more than a heading? The page's own does where it is a line of the registry's, reworded."""
    if what == "missing":
        return bool(critical_words(note)) or _states_criterion(note)
    return any(likeness(words(note), words(item.text)) >= SAME_ITEM and differ_critically(item.text, note) for item in theirs)


def _states_criterion(note: str) -> bool:
    """Is this more than a heading: does it introduce a list, and say for long of whom it is?"""
    if not note.rstrip().endswith((":", "\uff1a")) or len(note.split()) <= _MOST_WORDS_OF_A_HEADING:
        return False
    return len(set(telling(note)) - criteria_pairs.GENERIC) > _MOST_TELLING_WORDS_OF_A_HEADING


def _kind_of_change(registry: str, listing: str) -> str | None:
    if is_cut(listing, registry):
        return "cut off"
    return "reworded" if telling(registry) == telling(listing) and not differ_critically(registry, listing) else None


def _without_a_mark(registry: str, listing: str) -> tuple[str, str]:
    """Both texts, without the mark before the one where the other has none."""
    bare = unmarked(registry), unmarked(listing)
    return bare if registry in bare or listing in bare else (registry, listing)
