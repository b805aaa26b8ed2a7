"""A change of mind takes effect for what is not yet sent: what nobody wants any more goes, what is wanted at another time moves."""

from __future__ import annotations

import datetime
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from db import outbox, subscriptions
from db.connection import History
from db.history import kept_change
from registry_sync.notices.route import PeriodEnd, Planned, Subscription, route
from registry_sync.trials.changes import KeptChange


def settle(history: History, address: str, *, now: datetime.datetime, period_end: PeriodEnd) -> None:
    """Bring what waits for an address into line with its subscriptions, inside the caller's transaction.

    A notice that was refused for good stays where it is, without what is not wanted any more. What the operator has said of one holds:
    what was let go is not held again, and what a restore holds is not let go.
    """
    connection = history.connection
    rows = connection.execute(
        "SELECT id, key, every, state, held, note, verdict FROM notice WHERE address = ? AND state IN ('pending', 'failed')", (address,)
    ).fetchall()
    stamp = now.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for notice_id, key, every, state, held, note, verdict in rows:
        kept: set[int] = set()
        moved: dict[str, tuple[Planned, list[int]]] = {}
        held_now = False
        behind = subscriptions.behind(history, [notice_id]).get(notice_id, {})  # it may have taken in what has moved from another one
        for changes, plans in _planned_anew(connection, notice_id, behind, now, period_end):
            for plan in plans:
                told = [changes[position].id for position in plan.positions]
                if state == "failed" or (plan.every == every and (every == "now" or _is_same(key, plan.key))):
                    kept.update(told)
                    held_now |= plan.hold
                else:
                    moved.setdefault(plan.key, (plan, []))[1].extend(told)
        said = outbox.Said(note, verdict) if note or verdict else None
        for plan, told in moved.values():
            outbox.queue(connection, [replace(plan, positions=tuple(range(len(told))))], told, stamp, said=said)
        if verdict is None and held_now != bool(held):
            _hold(connection, notice_id, key, hold=held_now)
        _keep_only(connection, notice_id, kept)


def _is_same(key: str, planned: str) -> bool:
    """Is this the digest of the same address and period, held or not, or a further one of it?"""
    return key.removesuffix(" held").startswith(planned.removesuffix(" held"))


def _hold(connection: sqlite3.Connection, notice_id: str, key: str, *, hold: bool) -> None:
    """Hold a notice, or let it go; the note on it stays. Its key goes with that, where no other notice has it."""
    other = f"{key} held" if hold else key.removesuffix(" held")
    connection.execute("UPDATE notice SET held = ? WHERE id = ?", (int(hold), notice_id))
    connection.execute("UPDATE OR IGNORE notice SET key = ? WHERE id = ?", (other, notice_id))


def _planned_anew(
    connection: sqlite3.Connection,
    notice_id: str,
    behind: dict[str, list[Subscription]],
    now: datetime.datetime,
    period_end: PeriodEnd,
) -> Iterator[tuple[Sequence[KeptChange], list[Planned]]]:
    for trial, changes in _by_trial(connection, notice_id):
        plans = list(route(trial, f"moved {notice_id}", changes, behind.get(trial, ()), now=now, period_end=period_end))
        yield changes, plans


def _by_trial(connection: sqlite3.Connection, notice_id: str) -> list[tuple[str, list[KeptChange]]]:
    found: dict[str, list[KeptChange]] = {}
    cursor = connection.execute(
        "SELECT change.* FROM change JOIN notice_change ON change_id = change.id WHERE notice_id = ? ORDER BY change.id", (notice_id,)
    )
    names = [column[0] for column in cursor.description]
    for row in cursor.fetchall():
        change = kept_change(dict(zip(names, row, strict=True)))
        found.setdefault(change.trial, []).append(change)
    return list(found.items())


def _keep_only(connection: sqlite3.Connection, notice_id: str, changes: Iterable[int]) -> None:
    kept = list(changes)
    connection.execute(
        "DELETE FROM notice_change WHERE notice_id = ? AND change_id NOT IN (SELECT value FROM json_each(?))", (notice_id, json.dumps(kept))
    )
    if not kept:
        connection.execute("UPDATE notice SET state = 'cancelled', held = 0 WHERE id = ?", (notice_id,))
