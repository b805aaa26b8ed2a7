"""Is a trial's record in the registry: found by a search, gone, back, merged into another. Pure.

A record that is not found once may be the registry's own trouble: it counts as gone when a look on another day (UTC) does not find
it either, some hours later. An alias needs no second look: the registry itself says where the record went.
"""

from __future__ import annotations

import datetime
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from registry_sync.trials.changes import Change
from registry_sync.trials.record import Record
from registry_sync.trials.significance import judged_alone

FIELD = "registry"
State = Literal["missing", "absent", "merged"]


class Absence(msgspec.Struct, frozen=True):
    """A record that did not come under its id: ``since`` when (UTC, ISO 8601), told of or not (``missing``), and where it went."""

    since: str
    state: State
    into: str | None = None


def not_found(known: Absence | None, now: str) -> tuple[Absence, str | None]:
    """The registry does not know the id: what to keep, and the word of what is told (``absent``), if anything is."""
    if known is None:
        return Absence(now, "missing"), None
    if known.state == "missing" and known.since[:10] < now[:10] and _hours(known.since, now) >= _APART:
        return Absence(known.since, "absent"), "absent"
    return known, None


_APART = 6
"""Hours between the two looks: midnight may lie between two of one outage."""


def _hours(since: str, now: str) -> float:
    return (datetime.datetime.fromisoformat(now) - datetime.datetime.fromisoformat(since)).total_seconds() / 3600


def moved(known: Absence | None, into: str, now: str) -> tuple[Absence, str | None]:
    """The registry answers with another id: what to keep, and the word of what is told (``merged``), if anything is."""
    if known is not None and known.state == "merged" and known.into == into:
        return known, None
    return Absence(known.since if known else now, "merged", into), "merged"


def found(record: Record) -> Change:
    """The change that a search found a trial that it did not find before, judged."""
    return judged_alone(Change(field=FIELD, topic=FIELD, operation="changed", before="absent", after="found"), record)


def since_joined(changes: tuple[Change, ...], old: str, new: str) -> tuple[Change, ...]:
    """What differs between the last record under one id and the first under the id that it was merged into, as it is to be told.

    The status is told, since it may be another than people know. Nobody knows when the rest came to differ, or whether it is another's
    wording of the same: that is housekeeping.
    """
    silent = {"significance": "housekeeping", "reader_significance": "untold"}
    return tuple(_between(change, old, new) if change.topic == "status" else replace(change, **silent) for change in changes)


def between(changes: tuple[Change, ...], old: str, new: str) -> tuple[Change, ...]:
    """The same of two records that were both known: their statuses."""
    return tuple(_between(change, old, new) for change in changes if change.topic == "status")


def of_two_entries(changes: tuple[Change, ...], old: str, new: str) -> tuple[Change, ...]:
    """What differs between any two records that were merged, so that no date is said to have moved and no number to have grown."""
    return tuple(_between(change, old, new) if _is_beside(change) else change for change in changes)


def _is_beside(change: Change) -> bool:
    return change.topic in ("status", "timeline") or change.field == "enrollment"


def _between(change: Change, old: str, new: str) -> Change:
    return replace(change, detail={"entries": [old, new]})


def entries(change: Change) -> tuple[str, str] | None:
    """The ids of the two records that ``before`` and ``after`` are of, where they differ since they were merged: neither was changed."""
    found: Any = change.detail.get("entries") if change.detail is not None and _is_beside(change) else None
    return (str(found[0]), str(found[1])) if isinstance(found, list | tuple) and len(found) == 2 else None


def is_merger(change: Change) -> bool:
    """Does this tell that a record was merged into another?"""
    return change.topic == FIELD and change.after == "merged"


def told(known: Absence | None, word: str, record: Record) -> Change | None:
    """The change to ``word`` (``present``, ``absent``, ``merged``), judged; ``None`` where it was never told that the record had gone."""
    before = "present" if known is None or known.state == "missing" else known.state
    if before == word:
        return None
    return judged_alone(Change(field=FIELD, topic=FIELD, operation="changed", before=before, after=word), record)
