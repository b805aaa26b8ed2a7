"""Real version steps, given as the operations between two versions, put back into the two records as far as the operations tell.

The operations are those of JSON Patch (RFC 6902), one after the other, each with the old value beside the new one. What no
operation names is the same on both sides and is left out; an item of which only some parts are named gets made-up names for
the others, the same on both sides.
"""

from __future__ import annotations

import copy
import json
import lzma
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from registry_sync.sources.ctgov_record import record_from
from registry_sync.sources.markup import html_lines
from registry_sync.trials.changes import Change
from registry_sync.trials.criteria import parse
from registry_sync.trials.record import Criterion, Record
from registry_sync.trials.significance import judged

CRITERIA = "/protocolSection/eligibilityModule/eligibilityCriteria"
STATUS = "/protocolSection/statusModule/overallStatus"


@dataclass(frozen=True)
class VersionStep:
    """One step from a version of a trial to the next."""

    trial: str
    version: int
    status_module: dict[str, Any]
    operations: tuple[dict[str, Any], ...]

    def of(self, path: str) -> tuple[str, str] | None:
        """The old and the new value at one place, where the step has it."""
        found = [operation for operation in self.operations if operation["path"] == path]
        return (found[0]["old_value"], found[0]["new_value"]) if found else None


def read_steps(path: Path) -> dict[tuple[str, int], VersionStep]:
    """All steps, by trial and the number of the version that they lead to."""
    with lzma.open(path) as lines:
        rows = [json.loads(line) for line in lines]
    steps = [
        VersionStep(row["nct"], row["to_version"], (row.get("status_before") or {}).get("status_module", {}), tuple(row["operations"]))
        for row in rows
    ]
    return {(step.trial, step.version): step for step in steps}


def eligibility_changes(step: VersionStep) -> tuple[Change, ...]:
    """What the engine tells of an edit of the eligibility text, which the version history gives as HTML."""
    texts = step.of(CRITERIA)
    assert texts is not None, step
    before, after = (Record(trial=step.trial, criteria=_criteria(text)) for text in texts)
    return judged(before, after)


def all_changes(step: VersionStep) -> tuple[Change, ...]:
    """What the engine tells of all that a step's operations name."""
    records = [record_from(json.dumps(study).encode()) for study in studies(step)]
    texts = step.of(CRITERIA)
    if texts is not None:
        records = [msgspec.structs.replace(record, criteria=_criteria(text)) for record, text in zip(records, texts, strict=True)]
    return judged(*records)


def studies(step: VersionStep) -> tuple[dict[str, Any], dict[str, Any]]:
    """The two versions as API v2 would give them, without the eligibility text."""
    study = _Part()
    study.state({"protocolSection": {"identificationModule": {"nctId": step.trial}, "statusModule": step.status_module}})
    for operation in step.operations:
        if operation["path"] != CRITERIA:
            _apply(study, operation)
    before, after = study.both()
    return before, after


def _criteria(text: str) -> tuple[Criterion, ...]:
    return parse(html_lines(text))


class _Mark:
    """Stands where there is no value: ``_UNKNOWN``, no operation tells of it, it is the same on both sides; ``_ABSENT``, there is none."""


_UNKNOWN = _Mark()
_ABSENT = _Mark()


@dataclass(eq=False)
class _Part:
    """A place in both versions: a value, or keys, or items (``was``: the items of before, in their order; ``items``: those of now)."""

    before: Any = _UNKNOWN
    after: Any = _UNKNOWN
    keys: dict[str, _Part] = field(default_factory=dict)
    was: list[_Part] = field(default_factory=list)
    items: list[_Part] = field(default_factory=list)

    def at(self, way: list[str]) -> _Part:
        """The part at the end of a path."""
        part = self
        for name in way:
            part = part.item(int(name)) if name.isdigit() else part.keys.setdefault(name, _Part())
        return part

    def item(self, index: int) -> _Part:
        """The item that is now at this index; those before it, of which nothing is told, come into being."""
        self.extend_to(index + 1)
        return self.items[index]

    def extend_to(self, length: int) -> None:
        """Let there be so many items at least; nothing is told of the new ones."""
        while len(self.items) < length:
            self.items.append(_Part())
            self.was.append(self.items[-1])

    def state(self, value: Any) -> None:
        """Take in a value that stands on both sides for now, key by key."""
        if isinstance(value, dict):
            for name, inner in value.items():
                self.keys.setdefault(name, _Part()).state(inner)
        else:
            self.before = self.after = value

    def both(self, name: str = "") -> tuple[Any, Any]:
        """The value on either side; ``_ABSENT`` where there is none."""
        if self.before is not _UNKNOWN or self.after is not _UNKNOWN:
            return self.before, self.before if self.after is _UNKNOWN else self.after
        if self.was or self.items:
            return self._lists(name)
        sides = {key: part.both(key) for key, part in self.keys.items()}
        before, after = (
            {key: pair[side] for key, pair in sides.items() if pair[side] is not _ABSENT and pair[side] != {}} for side in (0, 1)
        )
        return before, after

    def _lists(self, name: str) -> tuple[list[Any], list[Any]]:
        """The two lists; items of which nothing is told are left out of both."""
        told = [part for part in (*self.was, *(item for item in self.items if item not in self.was)) if part.is_told]
        pairs = dict(zip(map(id, told), _named([part.both() for part in told], name), strict=True))
        before = [pairs[id(part)][0] for part in self.was if part.is_told]
        after = [pairs[id(part)][1] for part in self.items if part.is_told]
        return before, after

    @property
    def is_told(self) -> bool:
        """Does any operation name this item?"""
        return bool(self.before is not _UNKNOWN or self.after is not _UNKNOWN or self.keys)


def _value(given: Any) -> Any:
    return _ABSENT if given == {"__missing__": True} else copy.deepcopy(given)


def _apply(study: _Part, operation: dict[str, Any]) -> None:
    *way, last = operation["path"].strip("/").split("/")
    place, old, new = study.at(way), _value(operation["old_value"]), _value(operation["new_value"])
    if not last.isdigit():
        part = place.keys.setdefault(last, _Part())
        part.before = old if part.before is _UNKNOWN else part.before
        part.after = new
    elif operation["op"] == "add":
        if old is _ABSENT:
            place.extend_to(int(last))
        else:
            place.item(int(last)).before = old  # it moves on by one
        place.items.insert(int(last), _Part(_ABSENT, new))
    else:
        part = place.item(int(last))
        part.before = old if part.before is _UNKNOWN else part.before
        part.after = new
        if operation["op"] == "remove":
            place.items.remove(part)


_MADE_UP = {
    "locations": ("facility", "city", "country"),
    "armGroups": ("label",),
    "interventions": ("name",),
    "primaryOutcomes": ("measure",),
    "secondaryOutcomes": ("measure",),
    "overallOfficials": ("name",),
    "centralContacts": ("name",),
    "contacts": ("name",),
}
"""What makes an item that one item, and is made up where no operation says it."""


def _named(pairs: list[tuple[Any, Any]], name: str) -> list[tuple[Any, Any]]:
    """The pairs of items with what makes each of them that item, on both sides."""
    items = [[item for item in pair if isinstance(item, dict)] for pair in pairs]
    if name == "locations":
        _tell_places(items)
        _even_contacts(items)
    for number, sides in enumerate(items):
        for part in _MADE_UP.get(name, ()):
            if not any(part in item for item in sides):
                for item in sides:
                    item[part] = f"{part} {number}"
    return pairs


def _tell_places(sites: list[list[dict[str, Any]]]) -> None:
    """A site whose city is not told has the city that the other version, or a neighbour of the same name, tells."""
    countries = {item["country"] for sides in sites for item in sides if "country" in item} or {"Denmark"}
    cities: dict[str, str] = {}
    while True:
        cities |= {item["facility"]: item["city"] for sides in sites for item in sides if {"facility", "city"} <= item.keys()}
        untold = [sides for sides in sites if not any("city" in item for item in sides)]
        found = [(sides, cities[item["facility"]]) for sides in untold for item in sides if item.get("facility") in cities]
        if not found:
            break
        for sides, city in found:
            for item in sides:
                item["city"] = city
    for sides in sites:
        if len(countries) == 1 and not any("country" in item for item in sides):
            for item in sides:
                item["country"] = min(countries)


def _even_contacts(sites: list[list[dict[str, Any]]]) -> None:
    """Where some contacts are told by name alone, those of the other sites are cut to it too: the rest cannot be compared."""
    people = [person for sides in sites for item in sides for person in item.get("contacts", ())]
    if any("role" not in person for person in people):
        for person in people:
            for part in person.keys() - {"name"}:
                del person[part]
