"""What a notice says of deadlines when it goes: of each how it stands then, and nothing of one that is no longer so."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from db import aliases, duties, runs
from db import history as versions
from db.connection import History
from db.duties import Duty
from jobs.duties import MET, TOLD, TOPIC
from jobs.restore import JOB as RESTORE
from jobs.surroundings import Surroundings, today
from registry_sync.trials.changes import KeptChange


def still_so(around: Surroundings, history: History, changes: Sequence[KeptChange], *, counted_anew: bool) -> list[KeptChange]:
    """The changes, oldest first, with the last one of each deadline alone: none that is not so any more, is put off, or is as at first.

    ``counted_anew``: the days to a deadline are counted from today.
    """
    day = today(around)
    duty_of = {change.id: duty for change, duty in _so(history, changes, day) if not _is_put_off(duty, day)}
    told = []
    for change in changes:
        if change.topic != TOPIC or not change.detail:
            told.append(change)
        elif change.id in duty_of:
            told.append(_as_it_goes(change, duty_of[change.id], day if counted_anew else None))
    return told


def hold_back(around: Surroundings, history: History, changes: Sequence[KeptChange]) -> None:
    """Note what is not told of these changes since coordinators have put it off: it is told when that is over, if it is so then."""
    day = today(around)
    for change, duty in _so(history, changes, day):
        if duty is not None and duty.told is not None and _is_put_off(duty, day):
            (now_is,) = aliases.current_ids(history, [change.trial])
            duties.hold_back(history, now_is, duty.key, duty.told)


def since(history: History, changes: Sequence[KeptChange]) -> list[KeptChange]:
    """What was found later of the deadlines that these changes tell of: of each the newest, where it is not among them."""
    last = {_what(change): change for change in changes if change.topic == TOPIC and change.detail}
    newest: list[KeptChange] = []
    for (trial, key), change in last.items():
        found = duties.newest_news(history, trial, key)
        newest += versions.changes_by_id(history, [found]) if found is not None and found > change.id else []
    return newest


def expected(history: History, address: str, changes: Sequence[KeptChange]) -> list[KeptChange]:
    """The changes without those that something is met of which this address was not told as due."""
    return [change for change in changes if not _is_met(change) or _awaits(history, address, change)]


def _is_met(change: KeptChange) -> bool:
    return change.topic == TOPIC and bool(change.detail) and change.after == duties.MET


def _awaits(history: History, address: str, change: KeptChange) -> bool:
    (trial,) = aliases.current_ids(history, [change.trial])
    _, key = _what(change)
    duty, restored = duties.duties(history, trial).get(key), runs.last(history, RESTORE)
    is_whole = duty is None or restored is None or restored["started_at"] < duty.first_seen_at
    return duties.awaits_met(history, trial, key, address, change_id=change.id, is_whole=is_whole)


def _so(history: History, changes: Sequence[KeptChange], day: datetime.date) -> Iterator[tuple[KeptChange, Duty | None]]:
    """The last change of each deadline that is still so, and how that stands."""
    of_deadlines = [change for change in changes if change.topic == TOPIC and change.detail]
    first = {_what(change): change for change in reversed(of_deadlines)}
    known = {trial: _duties(history, trial) for trial in {change.trial for change in of_deadlines}}
    for what, change in {_what(change): change for change in of_deadlines}.items():
        duty = known[change.trial].get(what[1])
        if _is_so(change, duty, day, first[what]):
            yield change, duty


def _is_put_off(duty: Duty | None, day: datetime.date) -> bool:
    return duty is not None and (duty.snoozed_until or "") > day.isoformat()


def _what(change: KeptChange) -> tuple[str, str]:
    """The trial, and which of its deadlines a change is about."""
    return change.trial, duties.key_of(change.detail or {})


def _duties(history: History, trial: str) -> dict[str, Duty]:
    (now_is,) = aliases.current_ids(history, [trial])
    return duties.duties(history, now_is)


def _by(change: KeptChange) -> str | None:
    return (change.detail or {}).get("by")


def _is_so(change: KeptChange, duty: Duty | None, day: datetime.date, first: KeptChange) -> bool:
    """Does a deadline stand as this change tells, by the newest look and by what coordinators have said, and otherwise than at first?"""
    if first.id != change.id and first.before == change.after and _by(first) == _by(change):
        return False
    if duty is None:
        return True
    if duty.told != change.after or duty.state == duties.NOT_OWED:
        return False
    is_done = duty.done_at is not None and duty.done_due == duty.due
    if change.after not in TOLD:
        # without a day it is what an update fulfilled, and another clock runs now
        return is_done or duty.state in MET or (_by(change) is None and duty.state not in TOLD)
    is_over = duty.due is not None and duty.due < day.isoformat()
    is_of_another_day = duty.due is not None and is_over != (change.after == "overdue")  # also where a clock was ahead
    return duty.state == change.after and duty.due == _by(change) and not is_done and not is_of_another_day


def _as_it_goes(change: KeptChange, duty: Duty | None, day: datetime.date | None) -> KeptChange:
    """With the days counted from ``day``; what is met without the day by which it was due, when that has moved since."""
    detail = change.detail or {}
    if duty is not None and duty.done_on and detail.get("done_on") not in (None, duty.done_on):
        detail = {**detail, "done_on": duty.done_on}  # a coordinator has named another day since
        change = replace(change, detail=detail)
    if change.after not in TOLD:
        if duty is None or duty.due == _by(change):
            return change
        return replace(change, detail={name: value for name, value in detail.items() if name not in ("by", "earliest")})
    return replace(change, detail={**detail, "as_of": day.isoformat()}) if day else change
