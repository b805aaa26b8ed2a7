"""What a notice says of deadlines when it goes: of each how it stands then, and nothing of one that is no longer so."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from msgspec.structs import replace

from db import aliases, duties
from db.connection import History
from db.duties import Duty
from jobs.duties import MET, TOLD, TOPIC, today
from jobs.surroundings import Surroundings
from registry_sync.trials.changes import KeptChange


def still_so(around: Surroundings, history: History, changes: Sequence[KeptChange], *, counted_anew: bool) -> list[KeptChange]:
    """The changes, oldest first, with the last one of each deadline alone, and none where that is not so any more or is as it was at first.

    ``counted_anew``: the days to a deadline are counted from today.
    """
    day = today(around)
    of_deadlines = [change for change in changes if change.topic == TOPIC and change.detail]
    first = {_what(change): change for change in reversed(of_deadlines)}
    last = {_what(change): change for change in of_deadlines}
    known = {trial: _duties(history, trial) for trial in {change.trial for change in of_deadlines}}
    told = []
    for change in changes:
        what = _what(change)
        if what not in last:
            told.append(change)
            continue
        duty = known[change.trial].get(what[1])
        if change.id == last[what].id and _is_so(change, duty, day, first[what]):
            told.append(_as_it_goes(change, duty, day if counted_anew else None))
    return told


def _what(change: KeptChange) -> tuple[str, str]:
    """The trial, and which of its deadlines a change is about; none of what is about something else."""
    return change.trial, duties.key_of(change.detail or {}) if change.topic == TOPIC else ""


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
    is_over = change.after == "due soon" and duty.due is not None and duty.due < day.isoformat()
    return duty.state == change.after and duty.due == _by(change) and not is_done and not is_over


def _as_it_goes(change: KeptChange, duty: Duty | None, day: datetime.date | None) -> KeptChange:
    """With the days counted from ``day``; what is met without the day by which it was due, when that has moved since."""
    detail = change.detail or {}
    if change.after not in TOLD:
        if duty is None or duty.due == _by(change):
            return change
        return replace(change, detail={name: value for name, value in detail.items() if name not in ("by", "earliest")})
    return replace(change, detail={**detail, "as_of": day.isoformat()}) if day else change
