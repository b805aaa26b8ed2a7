"""What was told since a backup was made is not told a second time when the registry is asked again after it was restored.

A restored history finds anew what changed since: which change was told to whom is known by keyed hashes, which name nobody. They are of
the single steps, since the next copy to come back may be from between two of them. They serve for what waits in the copy, for the first
change that is found, and for some days: what changes back and forth later is news.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import sys
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from db import stops
from db.connection import Connection, History
from db.duties import FIELD, key_of
from registry_sync.trials.record import FIELDS

if TYPE_CHECKING:
    from registry_sync.notices.route import Planned

DAYS = 7
"""How long a restored history holds back what was told: by then every source has been asked."""

_COLUMNS = 'change.trial, change.source, change.field, change."group", change."before", change."after", change.detail'
_OF_ITEMS = {"criteria", *(field.name for field in FIELDS if field.is_list)}
"""Fields of which a change is about one item; a change of any other is about all that it says."""
_NOT_AHEAD = "strftime('%Y-%m-%dT%H:%M:%SZ', ?, '+1 day')"
"""What is told later of a deadline was told by a clock that was ahead: by the right one it is told when it is so."""
_NOT_SENT = ("pending", "claimed", "failed", "cancelled")


class _What(NamedTuple):
    """What a change is about."""

    trial: str
    source: str
    field: str
    group: str | None


class _Step(NamedTuple):
    """From which value to which; ``None``: it was not stated."""

    before: Hashable
    after: Hashable


_Values = tuple[str | None, str | None]
"""Of a change, before and after, as JSON."""
Subject = tuple[str, _What]
"""An address, and what it was told about."""


@dataclasses.dataclass
class _Thread:
    """Steps that belong together: the place of the first one, where they begin and end, and every value on the way."""

    place: int
    begins: Hashable
    ends: Hashable
    values: set[Hashable]


class TakenOff(NamedTuple):
    """Of which waiting notices nothing is left, and what the others and these do not tell any more: one entry for each change."""

    cancelled: list[str]
    changes: list[Subject]


def note(restored: Connection, replaced: Connection, now: str) -> list[Subject]:
    """Keep of what the replaced history had told to whom what the restored one does not know.

    One entry for each change in which the restored one may find it again.
    """
    rows = replaced.execute(
        f"""SELECT DISTINCT notice.address, change.id, {_COLUMNS} FROM notice
            JOIN notice_change ON notice_change.notice_id = notice.id JOIN change ON change.id = notice_change.change_id
            WHERE notice.state = 'sent' AND change.id >= ? AND (change.field != ? OR change.seen_at <= {_NOT_AHEAD})
            ORDER BY change.id""",  # noqa: S608 - no value is in it
        (_first_unknown(restored, replaced), FIELD, now),
    )
    told: dict[Subject, list[_Step]] = {}
    marks = []
    for address, change_id, *columns in rows:
        if restored.execute("SELECT 1 FROM change WHERE id = ?", (change_id,)).fetchone():
            continue
        what, values = _about(*columns)
        step = _marked(restored, address, what, *values)
        told.setdefault((address, what), []).append(step)
        marks.append((_whose(restored, address, what), change_id, *step, now))
    # what the replaced one had itself held back, since it had come from a backup, was told before that
    held_back = replaced.execute("SELECT whose, change_id, before, after, at FROM told_before").fetchall()
    restored.execute("UPDATE told_before SET used = 0")
    restored.executemany(
        """INSERT INTO told_before (whose, change_id, before, after, at) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (whose, change_id) DO UPDATE SET at = max(at, excluded.at)""",
        [*held_back, *marks],
    )
    threads = {id(thread): (thread, about) for about, steps in told.items() for thread in _threads(about[1], steps).values()}
    return [about for thread, about in threads.values() if thread.begins != thread.ends]


def _first_unknown(restored: Connection, replaced: Connection) -> int:
    """The id of the first change that is only in the replaced history: two that come from one have what was before that in common."""
    here = (row[0] for row in restored.execute("SELECT id FROM change ORDER BY id"))
    mine = next(here, None)
    for (theirs,) in replaced.execute("SELECT id FROM change ORDER BY id"):
        while mine is not None and mine < theirs:
            mine = next(here, None)
        if mine != theirs:
            return int(theirs)
    return sys.maxsize


def take_off(connection: Connection, notices: Iterable[str], now: str) -> TakenOff:
    """Take off these notices, which waited in the copy, what their addresses were told since, or something later of the same."""
    done = TakenOff([], [])
    if connection.execute("SELECT 1 FROM told_before LIMIT 1").fetchone() is None:
        return done
    waiting = json.dumps(list(notices))
    for about, found in _waiting(connection, waiting).items():
        marks = _marks(connection, *about)
        if not marks:
            continue
        told, older = _told_since(about[1], found, marks, _told_here(connection, *about))
        done.changes.extend([about] * len(told))
        # what comes of it is not told either, when it is found: it stands among the steps that led to what was told last
        values = [(_whose(connection, *about), change_id, *found[change_id], now) for change_id in older]
        connection.executemany(
            "INSERT INTO told_before (whose, change_id, before, after, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", values
        )
        connection.execute(
            """DELETE FROM notice_change WHERE change_id IN (SELECT value FROM json_each(?)) AND notice_id IN
                   (SELECT id FROM notice WHERE address = ? AND state != 'sent' AND id IN (SELECT value FROM json_each(?)))""",
            (json.dumps(told), about[0], waiting),
        )
    if done.changes:
        rows = connection.execute(
            """UPDATE notice SET state = 'cancelled', held = 0, claimed_at = NULL WHERE state IN ('pending', 'claimed', 'failed')
               AND id IN (SELECT value FROM json_each(?)) AND NOT EXISTS (SELECT 1 FROM notice_change WHERE notice_id = notice.id)
               RETURNING id""",
            (waiting,),
        )
        done.cancelled.extend(row[0] for row in rows.fetchall())
    return done


def _waiting(connection: Connection, notices: str) -> dict[Subject, dict[int, _Step]]:
    """What these notices (JSON) tell that were not sent, by address and what it is about: the steps by their changes, oldest first."""
    found: dict[Subject, dict[int, _Step]] = {}
    for address, change_id, *columns in connection.execute(
        f"""SELECT DISTINCT notice.address, change.id, {_COLUMNS} FROM notice
            JOIN notice_change ON notice_change.notice_id = notice.id JOIN change ON change.id = notice_change.change_id
            WHERE notice.state != 'sent' AND notice.id IN (SELECT value FROM json_each(?)) ORDER BY change.id""",  # noqa: S608
        (notices,),
    ):
        what, values = _about(*columns)
        found.setdefault((address, what), {})[change_id] = _marked(connection, address, what, *values)
    return found


def _told_since(
    what: _What, waiting: Mapping[int, _Step], marks: Mapping[int, _Step], here: Mapping[int, _Step]
) -> tuple[list[int], list[int]]:
    """Which of these waiting changes are what was told, or are older than what was told of the same; those that are older."""
    told, older = [], []
    for change_id, step in waiting.items():
        others = {**marks, **here, **{each: waiting[each] for each in waiting if each < change_id}}
        others.pop(change_id, None)
        threads = _threads(what, [others[each] for each in sorted(others)])
        mine = {id(threads[key]) for key in _keys(what, step) if key in threads}
        later = {id(threads[key]) for each in marks if each > change_id for key in _keys(what, marks[each])}
        thread = _thread_of(threads, what, step)
        if mine & later:
            older.append(change_id)
        if mine & later or change_id in marks or (thread and thread.ends == step.after and step.before in thread.values):
            told.append(change_id)
    return told, older


def without(connection: Connection, planned: Iterable[Planned], change_ids: Sequence[int], now: datetime.datetime) -> Iterable[Planned]:
    """The notices without what their addresses were told before a restore; one with nothing else in it is none."""
    if connection.execute("SELECT 1 FROM told_before LIMIT 1").fetchone() is None:
        return planned
    oldest = (now - datetime.timedelta(days=DAYS)).strftime("%Y-%m-%dT%H:%M:%SZ")
    connection.execute("DELETE FROM told_before WHERE at < ?", (oldest,))
    return _left(connection, planned, _kept(connection, change_ids))


def age_out(history: History, now: datetime.datetime) -> None:
    """Delete what is held back no longer."""
    oldest = (now - datetime.timedelta(days=DAYS)).strftime("%Y-%m-%dT%H:%M:%SZ")
    history.write_one("DELETE FROM told_before WHERE at < ?", (oldest,))


def _left(connection: Connection, planned: Iterable[Planned], kept: dict[int, tuple[_What, _Values]]) -> list[Planned]:
    left: list[Planned] = []
    told: dict[Subject, dict[Hashable, _Thread]] = {}
    for plan in planned:
        for what in {kept[each][0] for each in plan.positions}:
            if (plan.address, what) not in told:
                told[plan.address, what] = _told(connection, plan.address, what)
        positions = tuple(each for each in plan.positions if not _was_told(connection, plan.address, *kept[each], told))
        if positions:
            left.append(msgspec.structs.replace(plan, positions=positions))
    connection.executemany("UPDATE told_before SET used = 1 WHERE whose = ?", [(_whose(connection, *each),) for each in told])
    return left


def _kept(connection: Connection, change_ids: Sequence[int]) -> dict[int, tuple[_What, _Values]]:
    """By position: what a change is about, and its two values."""
    rows = connection.execute(
        f"SELECT id, {_COLUMNS} FROM change WHERE id IN (SELECT value FROM json_each(?))",  # noqa: S608 - no value is in it
        (json.dumps(list(change_ids)),),
    )
    found = {change_id: _about(*columns) for change_id, *columns in rows}
    return {position: found[change_id] for position, change_id in enumerate(change_ids)}


def _about(
    trial: str, source: str, field: str, group: str | None, before: str | None, after: str | None, detail: str | None
) -> tuple[_What, _Values]:
    """What a change is about, and its two values. Of a deadline: that it stands so by which day, whatever was told before."""
    about = json.loads(detail) if detail is not None and field == FIELD else None
    if not isinstance(about, dict) or after is None:
        return _What(trial, source, field, group), (before, after)
    stands = json.loads(after)
    return _What(trial, source, field, f"{key_of(about)} {about.get('by') or ''} {stands}"), (None, after)


def _told(connection: Connection, address: str, what: _What) -> dict[Hashable, _Thread]:
    """What an address was told before a restore, and in this history: what that told itself may stand between the steps of the other."""
    steps = _marks(connection, address, what)
    if not steps:
        return {}
    steps |= _told_here(connection, address, what, but=("cancelled",))
    return _threads(what, [steps[change_id] for change_id in sorted(steps)])


def _marks(connection: Connection, address: str, what: _What) -> dict[int, _Step]:
    rows = connection.execute(
        "SELECT change_id, before, after FROM told_before WHERE whose = ? AND NOT used", (_whose(connection, address, what),)
    )
    return {change_id: _Step(*step) for change_id, *step in rows}


def _told_here(connection: Connection, address: str, what: _What, *, but: Sequence[str] = _NOT_SENT) -> dict[int, _Step]:
    """What this history tells an address itself, by its changes; of notices in these states it does not."""
    rows = connection.execute(
        """SELECT change.id, change."before", change."after" FROM change JOIN notice_change ON notice_change.change_id = change.id
           JOIN notice ON notice.id = notice_change.notice_id
           WHERE change.trial = ? AND change.source = ? AND change.field = ? AND change."group" IS ?
             AND notice.address = ? AND notice.state NOT IN (SELECT value FROM json_each(?))""",
        (*what, address, json.dumps(but)),
    )
    return {change_id: _marked(connection, address, what, *values) for change_id, *values in rows}


def _was_told(connection: Connection, address: str, what: _What, values: _Values, told: dict[Subject, dict[Hashable, _Thread]]) -> bool:
    """Is the second value the last that this address was told of, and did it know the first one?"""
    threads = told[address, what]
    if not threads:
        return False
    found = _marked(connection, address, what, *values)
    thread = _thread_of(threads, what, found)
    return thread is not None and thread.ends == found.after and found.before in thread.values


def _thread_of(threads: Mapping[Hashable, _Thread], what: _What, step: _Step) -> _Thread | None:
    return next((threads[key] for key in _keys(what, step) if key in threads), None)


def _threads(what: _What, steps: Iterable[_Step]) -> dict[Hashable, _Thread]:
    """What became of a field as a whole, or of each item of a list by itself, by the values that it had."""
    threads: dict[Hashable, _Thread] = {}
    for place, step in enumerate(steps):
        thread = _Thread(place, step.before, step.after, set(step))
        for key in _keys(what, step):
            if key in threads and threads[key] is not thread:
                earlier = threads[key]
                thread.values |= earlier.values
                if earlier.place < thread.place:
                    thread.place, thread.begins = earlier.place, earlier.begins
        for key in _keys(what, thread.values):
            threads[key] = thread
    return threads


def _keys(what: _What, values: Iterable[Hashable]) -> list[Hashable]:
    return [value for value in values if value is not None] if what.field in _OF_ITEMS else [what]


def _whose(connection: Connection, address: str, what: _What) -> str:
    return stops.mark_of(connection, json.dumps([address, *what]))


def _marked(connection: Connection, address: str, what: _What, *values: str | None) -> _Step:
    """The two values (JSON, or ``None``) as keyed hashes."""
    read = [None if value is None else json.loads(value) for value in values]
    return _Step(
        *(None if value is None else stops.mark_of(connection, json.dumps([address, *what, value], sort_keys=True)) for value in read)
    )
