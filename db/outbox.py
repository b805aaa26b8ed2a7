"""Notices from the moment a change is recorded until a server took them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from db.connection import History, Row

if TYPE_CHECKING:
    from registry_sync.notices.route import Planned
    from registry_sync.trials.changes import KeptChange


class Waiting(msgspec.Struct, frozen=True):
    """A claimed notice: what ``deliver`` needs to write it."""

    id: str
    subscription_id: int
    address: str
    kind: str
    attempts: int
    created_at: str


def queue(
    connection: sqlite3.Connection, planned: Planned, change_ids: Sequence[int], now: str, due: str, *, joins: tuple[str, str] | None = None
) -> bool:
    """Put a notice in the outbox, inside the transaction that records its changes; is it a new one?

    A digest's running notice takes the changes in. ``joins``: a trial and a time (UTC): what waits for this address since then about that
    trial, and was not tried yet, takes them in, too.
    """
    import uuid  # loads what asks the system who it is: only for a notice

    held = connection.execute("SELECT id FROM notice WHERE key = ?", (planned.key,)).fetchone()
    if held is None and joins is not None and planned.subscription.every == "now":
        held = connection.execute(
            """SELECT notice.id FROM notice JOIN notice_change ON notice_id = notice.id JOIN change ON change.id = change_id
               WHERE notice.address = ? AND notice.state = 'pending' AND notice.attempts = 0 AND notice.key LIKE 'now %'
                   AND change.trial = ? AND notice.created_at >= ? ORDER BY notice.rowid LIMIT 1""",
            (planned.subscription.address, *joins),
        ).fetchone()
        if held is not None and planned.subscription.role == "coordinator":
            connection.execute("UPDATE notice SET subscription_id = ? WHERE id = ?", (planned.subscription.id, held[0]))
    notice_id = held[0] if held else uuid.uuid4().hex
    if held is None:
        connection.execute(
            """INSERT INTO notice (id, key, subscription_id, address, kind, state, next_try_at, created_at)
               VALUES (?, ?, ?, ?, ?, 'pending', ?, ?)""",
            (notice_id, planned.key, planned.subscription.id, planned.subscription.address, planned.subscription.kind, due, now),
        )
    connection.executemany(
        "INSERT INTO notice_change VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(notice_id, change_ids[position]) for position in planned.positions],
    )
    # a digest that was cancelled in this period and has something to tell again
    connection.execute("UPDATE notice SET state = 'pending' WHERE id = ? AND state = 'cancelled'", (notice_id,))
    return held is None


def release_claims(history: History) -> None:
    """Free what a process that is gone had claimed. Only for the holder of the delivery lock: nobody else can hold a claim then."""
    with history.write() as connection:
        connection.execute("UPDATE notice SET state = 'pending', claimed_at = NULL WHERE state = 'claimed'")


def claim_next(history: History, now: str, kinds: Sequence[str]) -> Waiting | None:
    """Claim the notice of these kinds that is due the longest; ``None`` when none is due."""
    marks = ",".join("?" * len(kinds))
    with history.write() as connection:
        row = connection.execute(
            f"""UPDATE notice SET state = 'claimed', claimed_at = ?, attempts = attempts + 1
                WHERE id = (SELECT id FROM notice WHERE state = 'pending' AND next_try_at <= ? AND kind IN ({marks})
                            ORDER BY next_try_at, created_at, rowid LIMIT 1)
                RETURNING id, subscription_id, address, kind, attempts, created_at""",  # noqa: S608 - question marks only
            (now, now, *kinds),
        ).fetchone()
    return Waiting(*row) if row else None


def changes_of(history: History, notice_id: str) -> list[KeptChange]:
    """The changes that a notice tells, oldest first."""
    from db.history import kept_change

    rows = history.rows(
        "SELECT change.* FROM change JOIN notice_change ON notice_change.change_id = change.id WHERE notice_id = ? ORDER BY change.id",
        (notice_id,),
    )
    return [kept_change(row) for row in rows]


def versions_of(history: History, notice_id: str) -> dict[str, tuple[int, int]]:
    """For each trial of a notice: the ids of the first and of the last version that its changes led to."""
    rows = history.rows(
        """SELECT change.trial, min(version_id) AS first, max(version_id) AS last FROM change
           JOIN notice_change ON notice_change.change_id = change.id WHERE notice_id = ? GROUP BY change.trial""",
        (notice_id,),
    )
    return {row["trial"]: (row["first"], row["last"]) for row in rows}


def sent(history: History, notice_id: str, now: str) -> None:
    """The server took it."""
    with history.write() as connection:
        connection.execute(
            "UPDATE notice SET state = 'sent', sent_at = ?, last_error = NULL, claimed_at = NULL WHERE id = ?", (now, notice_id)
        )


def again(history: History, notice_id: str, next_try_at: str, error: str) -> None:
    """Not now: it waits, with the reason."""
    with history.write() as connection:
        connection.execute(
            "UPDATE notice SET state = 'pending', next_try_at = ?, last_error = ?, claimed_at = NULL WHERE id = ?",
            (next_try_at, error, notice_id),
        )


def park(history: History, notice_id: str, error: str) -> None:
    """Never: it is kept, with the reason, until somebody retries it."""
    with history.write() as connection:
        connection.execute("UPDATE notice SET state = 'failed', last_error = ?, claimed_at = NULL WHERE id = ?", (error, notice_id))


def cancel(history: History, notice_id: str) -> None:
    """Nothing is left to tell, or the reader stopped."""
    with history.write() as connection:
        connection.execute("UPDATE notice SET state = 'cancelled', claimed_at = NULL WHERE id = ?", (notice_id,))


def retry(history: History, ids: Sequence[str], now: str) -> list[str]:
    """Make these (none named: all that is unsent) due at once, parked or waiting; the ids named that are not unsent or not known."""
    with history.write() as connection:
        if not ids:
            connection.execute("UPDATE notice SET state = 'pending', next_try_at = ? WHERE state IN ('pending', 'failed')", (now,))
            return []
        unknown = []
        for notice_id in ids:
            done = connection.execute(
                "UPDATE notice SET state = 'pending', next_try_at = ? WHERE id = ? AND state IN ('pending', 'failed')", (now, notice_id)
            ).rowcount
            if not done:
                unknown.append(notice_id)
        return unknown


def counts(history: History, now: str) -> dict[str, int]:
    """How many notices wait: ``failed`` (parked), ``retrying`` (tried and due later), ``waiting`` (all that is unsent and not parked)."""
    row = history.one(
        """SELECT coalesce(sum(state = 'failed'), 0) AS failed, coalesce(sum(state IN ('pending', 'claimed')), 0) AS waiting,
                  coalesce(sum(state IN ('pending', 'claimed') AND next_try_at <= ?), 0) AS due FROM notice""",
        (now,),
    )
    assert row is not None  # noqa: S101 - an aggregate has one row
    return {name: int(value) for name, value in row.items()}


def listing(history: History, *, failed_only: bool = False) -> list[Row]:
    """What waits and what failed, oldest first; without ``failed_only`` also what was sent or cancelled."""
    rows = history.rows(
        """SELECT notice.id, notice.address, notice.kind, notice.state, notice.attempts, notice.next_try_at, notice.last_error,
                  notice.created_at, notice.sent_at,
                  (SELECT group_concat(DISTINCT change.trial) FROM notice_change JOIN change ON change.id = change_id
                   WHERE notice_id = notice.id) AS trials
           FROM notice ORDER BY notice.created_at, notice.rowid"""
    )
    for row in rows:
        row["trials"] = sorted(filter(None, (row["trials"] or "").split(",")))
    if failed_only:
        rows = [row for row in rows if row["state"] == "failed" or (row["state"] == "pending" and row["last_error"])]
    return rows
