"""Two records of a trial -> what changed, one Change for each single value or list item.

What no reader would call a change gives none: white space, Unicode forms, order of lists. How much a change matters is
the table of ``significance.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Literal

import msgspec

from registry_sync.trials import criteria_pairs
from registry_sync.trials.align import SAME_ITEM, likeness, likeness_of_grown, take_alike, take_equal
from registry_sync.trials.countries import country_key
from registry_sync.trials.criteria_pairs import Operation
from registry_sync.trials.record import FIELDS, Field, Location, Record, plain
from registry_sync.trials.text import caseless, key, words

Significance = Literal["major", "minor", "housekeeping", "untold"]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One difference between two versions.

    ``before`` and ``after`` have the shapes of ``show --json`` (for a criterion its text, for another list one item);
    ``None`` is what was or is not stated. ``group`` is set for criteria alone: after a move, the new group.
    ``significance`` is the coordinator's, ``reader_significance`` the reader's (NEWS: major, minor, housekeeping, untold).
    ``detail``: of a listing's news, what it is about (see ``standing``), of two records that were merged, which (see ``presence``), as JSON
    has it.
    """

    field: str
    topic: str
    operation: Operation
    before: Any
    after: Any
    group: str | None = None
    significance: Significance = "minor"
    reader_significance: Significance = "minor"
    detail: dict[str, Any] | None = None


class KeptChange(Change, frozen=True, kw_only=True):
    """A change as it is kept: with its id, its trial, its source and its two dates.

    ``registry_date``: the registry's date of the version (``2026-02-03``); ``seen_at``: UTC, ISO 8601 with ``Z``.
    """

    id: int
    trial: str
    source: str
    registry_date: str | None
    seen_at: str


def compare(before: Record, after: Record) -> tuple[Change, ...]:
    """Everything that differs between two versions of one trial at one source, in the order of the table of fields.

    A list that is not stated counts as empty: a registry record leaves out what it has nothing of. A page's record
    must first be completed with what the page said before (``carried_over``), so that silence is no change.
    Significance is not judged here; ``significance.judged`` does.
    """
    if before == after:
        return ()
    return tuple(change for field in FIELDS for change in _differences(field, before, after))


def carried_over(before: Record, after: Record) -> Record:
    """A page's new record, with every field that it does not state taken from what it stated before."""
    silent = {field.name: getattr(before, field.name) for field in FIELDS if getattr(after, field.name) is None}
    if before.criteria and after.criteria:
        # a page that shows one side only: the section of the other is missing, not empty
        stated = {criterion.group for criterion in after.criteria}
        missing = tuple(criterion for criterion in before.criteria if criterion.group is not None and criterion.group not in stated)
        silent["criteria"] = after.criteria + missing if None not in stated else after.criteria
    return msgspec.structs.replace(after, **silent)


def unstated(record: Record) -> tuple[str, ...]:
    """The names of the fields that this record does not state."""
    return tuple(field.name for field in FIELDS if getattr(record, field.name) is None)


def _differences(field: Field, before: Record, after: Record) -> Iterator[Change]:
    first, second = getattr(before, field.name), getattr(after, field.name)
    if first is second or first == second:
        return
    if field.name == "criteria":
        for told in criteria_pairs.told(first or (), second or ()):
            yield _change(field, told.operation, told.before, told.after, told.group)
    elif field.is_list:
        yield from _item_changes(field, first or (), second or ())
    elif not _reads_the_same(field, first, second) and not _told_by_another(field, before, after):
        yield _change(field, "changed", first, second)


def _told_by_another(field: Field, before: Record, after: Record) -> bool:
    """Results that are posted, or taken down, are one event with two fields: ``has_results`` tells it."""
    if field.name != "results_first_post_date" or bool(before.has_results) == bool(after.has_results):
        return False
    return (before.results_first_post_date is None) == (not before.has_results)


def _reads_the_same(field: Field, first: Any, second: Any) -> bool:
    if first is None or second is None:
        return not first and not second and (field.kind in ("tokens", "text", "prose") or field.name == "has_results")
    if field.kind == "prose":
        return _BULLET.sub("", key(first)) == _BULLET.sub("", key(second))
    if field.kind == "text":
        return key(first) == key(second)
    if field.kind == "tokens":
        return sorted(first) == sorted(second)
    if field.kind == "value":
        return bool(_comparable(first) == _comparable(second))
    return bool(first == second)


_BULLET = re.compile(r"(?:(?<=\s)|^)[*\u2022\u00b7\u25aa\u25e6\u2023+-] ")
"""A mark of a list inside prose: which one it is says nothing."""


def _change(field: Field, operation: Operation, before: Any, after: Any, group: str | None = None) -> Change:
    return Change(
        field=field.name,
        topic=field.topic,
        operation=operation,
        before=plain(before),
        after=plain(after),
        group=group,
    )


def _comparable(item: Any) -> Any:
    """An item as it is compared: texts by what they read like, nested lists without order."""
    if isinstance(item, str):
        return key(item)
    if isinstance(item, msgspec.Struct):
        return tuple(_comparable(getattr(item, name)) for name in item.__struct_fields__)
    if isinstance(item, tuple):
        return tuple(sorted((_comparable(inner) for inner in item), key=repr))
    return item


# --- lists ------------------------------------------------------------------------------------------------------------


def _item_changes(field: Field, first: tuple[Any, ...], second: tuple[Any, ...]) -> Iterator[Change]:
    before, after = list(first), list(second)
    take_equal(before, after, _comparable)
    pairs = _take_same_identity(field, before, after)
    pairs += _take_likest(field, before, after)
    position = {id(item): index for index, item in enumerate(second)}
    for old, new in sorted(pairs, key=lambda pair: position[id(pair[1])]):
        yield _change(field, "changed", old, new)
    for item in after:
        yield _change(field, "added", None, item)
    for item in before:
        yield _change(field, "removed", item, None)


def _take_likest(field: Field, before: list[Any], after: list[Any]) -> list[tuple[Any, Any]]:
    """Pair off by likeness; sites country by country, since two of different countries are never one."""
    alike = _LIKENESS.get(field.name, _alike_by_words)
    if field.name != "locations":
        return take_alike(before, after, alike, least=SAME_ITEM)
    olds, news = _by_country(before), _by_country(after)
    pairs = [pair for country in olds.keys() & news.keys() for pair in take_alike(olds[country], news[country], alike, least=SAME_ITEM)]
    _drop_paired(before, after, pairs)
    return pairs


def _by_country(sites: list[Location]) -> dict[str, list[Location]]:
    groups: dict[str, list[Location]] = {}
    for site in sites:
        groups.setdefault(country_key(site.country), []).append(site)
    return groups


def _drop_paired(before: list[Any], after: list[Any], pairs: list[tuple[Any, Any]]) -> None:
    paired = {id(item) for pair in pairs for item in pair}
    before[:] = [item for item in before if id(item) not in paired]
    after[:] = [item for item in after if id(item) not in paired]


def _take_same_identity(field: Field, before: list[Any], after: list[Any]) -> list[tuple[Any, Any]]:
    """Pair off items whose identifying parts agree (and are there); of several with the same ones the likest."""
    olds, news = _by_identity(field, before), _by_identity(field, after)
    pairs = []
    for identity in olds.keys() & news.keys():
        pairs += take_alike(olds[identity], news[identity], lambda first, second: 1.0 + _alike_by_words(first, second), least=1.0)
    _drop_paired(before, after, pairs)
    return pairs


_KEYS: dict[str, Callable[[str], str]] = {"country": country_key}


def _by_identity(field: Field, items: list[Any]) -> dict[tuple[str, ...], list[Any]]:
    groups: dict[tuple[str, ...], list[Any]] = {}
    for item in items:
        identity = tuple(_KEYS.get(part, caseless)(getattr(item, part) or "") for part in field.identity)
        if any(identity):
            groups.setdefault(identity, []).append(item)
    return groups


def _all_words(item: Any) -> tuple[str, ...]:
    if isinstance(item, str):
        return words(item)
    if isinstance(item, msgspec.Struct):
        return tuple(word for name in item.__struct_fields__ for word in _all_words(getattr(item, name)))
    if isinstance(item, tuple):
        return tuple(word for inner in item for word in _all_words(inner))
    return ()


def _alike_by_words(first: Any, second: Any) -> float:
    return likeness(_all_words(first), _all_words(second))


def _alike_by_name(part: str) -> Callable[[Any, Any], float]:
    """The name decides; a description alone, long and alike in every arm of a trial, must not pair two of them."""

    def score(first: Any, second: Any) -> float:
        mine, theirs = getattr(first, part) or "", getattr(second, part) or ""
        by_name = likeness_of_grown(words(mine), words(theirs))
        return 1.0 + by_name if by_name >= SAME_ITEM else 0.9 * _same_rest(first, second, part)

    return score


def _same_rest(first: Any, second: Any, part: str) -> float:
    """1 where everything but the name reads the same and says something: a renamed item."""
    rest = [name for name in first.__struct_fields__ if name != part and name != "type"]
    mine = [_comparable(getattr(first, name)) for name in rest]
    return 1.0 if mine == [_comparable(getattr(second, name)) for name in rest] and any(mine) else 0.0


_GENERIC_FACILITY = (
    "research site",
    "investigational site",
    "investigative site",
    "local institution",
    "clinical site",
    "study site",
    "site",
    "clinical research site",
)


def _is_generic(facility: str | None) -> bool:
    name = caseless(facility or "").strip(" -#0123456789()")
    return not name or any(name == generic or name.startswith(generic + " ") for generic in _GENERIC_FACILITY)


def _alike_location(first: Location, second: Location) -> float:
    """A site that the registry renamed, respelled or gave another postal code; both are of one country.

    Two sites of another city are two sites, however alike their names: a network has "Research Site" in every town.
    """
    facility = likeness(words(first.facility or ""), words(second.facility or ""))
    city = caseless(first.city or "") == caseless(second.city or "")
    zip_ = bool(first.zip) and key(first.zip or "") == key(second.zip or "")
    same_contacts = bool(first.contacts) and _comparable(first.contacts) == _comparable(second.contacts)
    named = facility == 1.0 and not _is_generic(first.facility)
    if city and zip_ and _is_generic(first.facility) != _is_generic(second.facility):
        return 0.5  # a placeholder gets its name
    if city and zip_ and _letters_alike(first.facility, second.facility):
        return 0.5  # a short name whose letters were garbled, or mended
    if city and (facility >= SAME_ITEM or same_contacts):
        return 0.5 + facility / 4 + (0.2 if zip_ else 0)
    if zip_ and (facility >= SAME_ITEM or same_contacts):
        return 0.5 + facility / 4
    if named and (same_contacts or _letters_alike(first.city, second.city)):
        return 0.6
    return 0.0


def _letters_alike(first: str | None, second: str | None) -> bool:
    """Napoli and Naples, Sao Paulo and Să O Paulo: mostly the same letters, in the same order at the start."""
    mine, theirs = caseless(first or "").replace(" ", ""), caseless(second or "").replace(" ", "")
    pairs = [{text[i : i + 2] for i in range(len(text) - 1)} for text in (mine, theirs)]
    if not all(pairs):
        return False
    return mine[:2] == theirs[:2] and 2 * len(pairs[0] & pairs[1]) / (len(pairs[0]) + len(pairs[1])) >= 0.4


def _alike_contact(first: Any, second: Any) -> float:
    """The same mailbox or the same number is the same desk, whoever sits at it; else a name spelled a little otherwise."""
    for part in ("email", "phone"):
        mine, theirs = getattr(first, part, None), getattr(second, part, None)
        if mine and theirs and caseless(mine) == caseless(theirs):
            return 0.9
    return likeness(words(first.name or ""), words(second.name or ""))


_LIKENESS: dict[str, Callable[[Any, Any], float]] = {
    "locations": _alike_location,
    "central_contacts": _alike_contact,
    "overall_officials": _alike_contact,
    "arms": _alike_by_name("label"),
    "interventions": _alike_by_name("name"),
    "primary_outcomes": _alike_by_name("measure"),
    "secondary_outcomes": _alike_by_name("measure"),
    "other_outcomes": _alike_by_name("measure"),
}
