"""Notices from the moment a change is recorded until a server took them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Literal

import msgspec

from db.connection import History, Row, portions

if TYPE_CHECKING:
    from registry_sync.notices.interface import Every, Kind
    from registry_sync.notices.route import Planned

_AT_ONCE = 500
"""Notices that are queued by one statement: an address list of any length takes the same memory."""

_LAST_CHARACTER = "\U0010ffff"
_OPEN = "state != 'sent'"
"""Stands beside other conditions on the state: by these words the index ``notice_open`` is found, and all that was sent is not read."""
UNSENT = f"state IN ('pending', 'claimed') AND {_OPEN} AND NOT held"
"""What the outbox still has to bring to its reader."""
_AHEAD = """next_try_at > CASE WHEN every = 'now' OR attempts THEN strftime('%Y-%m-%dT%H:%M:%SZ', :now, '+25 hours')
                                 ELSE strftime('%Y-%m-%dT%H:%M:%SZ', :now, '+9 days') END
    AND (every = 'now' OR attempts OR created_at > :now OR next_try_at != due_at)"""
"""Does its next try lie further ahead than any wait is long? A clock that was wrong has written it, and it is due now.

A digest that was not tried yet waits for the end of its period, which may be further away than that: it goes by when it was made.
"""
_MAY_BE_TRIED = f"(next_try_at <= :now OR ({_AHEAD}))"


class Waiting(msgspec.Struct, frozen=True):
    """A claimed notice: what ``deliver`` needs to write it. ``next_try_at`` and ``row`` put it in its place among the others."""

    id: str
    address: str
    kind: Kind
    every: Every
    attempts: int
    created_at: str
    note: str | None
    next_try_at: str
    row: int


class Said(msgspec.Struct, frozen=True):
    """What the operator has said of a notice: the words above its news, and whether it was let go (``released``) or may not be yet.

    ``restored``: a restore has held it, since it may have been sent. What was said goes for these news alone: none are added to them.
    """

    note: str | None
    verdict: Literal["released", "restored"] | None

    def held(self, wished: bool) -> bool:
        """Is it held, where its subscription's own wish is this?"""
        return wished if self.verdict is None else self.verdict == "restored"


class _Held(msgspec.Struct, frozen=True):
    """A notice that has the key of one to be queued. ``open``: nobody has begun to write it, or has said anything of it."""

    id: str
    open: bool
    over: bool


def queue(
    connection: sqlite3.Connection,
    planned: Iterable[Planned],
    change_ids: Sequence[int],
    now: str,
    *,
    joins: tuple[str, str] | None = None,
    later: Callable[[Planned], Planned] | None = None,
    said: Said | None = None,
) -> int:
    """Put notices in the outbox, inside the transaction that records their changes; how many are new.

    A digest's running notice takes the changes in. ``joins``: a trial and a time (UTC): what waits for an address since then about that
    trial, and was not tried yet, takes them in, too. A notice that a delivery has begun to write, or that the operator has let go or taken
    back, takes nothing in any more: the changes go into one of their own, or, when its period is over, into the next period's (``later``).
    What the operator has ``said`` goes with the changes, which stand in notices of their own then.
    """
    new, plans = 0, iter(planned)
    while chunk := list(islice(plans, _AT_ONCE)):
        new += _queue_some(connection, chunk, change_ids, now, joins, later, said)
    return new


def _queue_some(
    connection: sqlite3.Connection,
    planned: list[Planned],
    change_ids: Sequence[int],
    now: str,
    joins: tuple[str, str] | None,
    later: Callable[[Planned], Planned] | None,
    said: Said | None,
) -> int:
    import uuid  # loads what asks the system who it is: only for a notice

    held = _with_key(connection, [plan.key for plan in planned])
    joined = _waiting_since(connection, planned, *joins) if joins else {}
    rows, told, again = [], [], []
    for plan in planned:
        known = held.get(plan.key)
        if known is None and plan.every == "now" and (plan.address, plan.hold) in joined:
            known = _Held(joined[plan.address, plan.hold], open=True, over=False)
        if known is not None and (said or not known.open):
            put_off = later(plan) if later and known.over and plan.every != "now" else _another(connection, plan)
            again.append(put_off)
            continue
        notice_id = known.id if known else uuid.uuid4().hex
        if known is None:
            due = plan.due.strftime("%Y-%m-%dT%H:%M:%SZ")
            stands = (said.held(plan.hold), said.note, said.verdict) if said else (plan.hold, None, None)
            rows.append((notice_id, plan.key, plan.subscription_id, plan.address, plan.kind, plan.every, due, due, now, *stands))
        told += [(notice_id, change_ids[position]) for position in plan.positions]
    connection.executemany(
        """INSERT INTO notice (id, key, subscription_id, address, kind, every, state, next_try_at, due_at, created_at, held, note, verdict)
           VALUES (?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?, ?, ?, ?)""",
        rows,
    )
    connection.executemany("INSERT INTO notice_change VALUES (?, ?) ON CONFLICT DO NOTHING", told)
    # a digest that was cancelled in this period and has something to tell again
    ids = [known.id for known in held.values() if known.open]
    connection.execute(
        "UPDATE notice SET state = 'pending' WHERE state = 'cancelled' AND id IN (SELECT value FROM json_each(?))", (json.dumps(ids),)
    )
    return len(rows) + (_queue_some(connection, again, change_ids, now, None, later, said) if again else 0)


def _with_key(connection: sqlite3.Connection, keys: list[str]) -> dict[str, _Held]:
    rows = connection.execute(
        """SELECT key, id, state IN ('pending', 'cancelled') AND attempts = 0 AND verdict IS NULL,
                  coalesce(sent_at, claimed_at, '') >= due_at FROM notice WHERE key IN (SELECT value FROM json_each(?))""",
        (json.dumps(keys),),
    )
    return {key: _Held(notice_id, bool(is_open), bool(over)) for key, notice_id, is_open, over in rows}


def _waiting_since(connection: sqlite3.Connection, planned: list[Planned], trial: str, since: str) -> dict[tuple[str, bool], str]:
    """By address, and whether it is held: the oldest notice sent at once that waits since then about the trial, and was not tried yet."""
    rows = connection.execute(
        """SELECT notice.address, notice.held, notice.id FROM notice
           JOIN notice_change ON notice_id = notice.id JOIN change ON change.id = change_id
           WHERE notice.address IN (SELECT value FROM json_each(?)) AND notice.state = 'pending' AND notice.attempts = 0
               AND notice.verdict IS NULL AND notice.every = 'now' AND change.trial = ? AND notice.created_at >= ?
           ORDER BY notice.rowid DESC""",
        (json.dumps([plan.address for plan in planned]), trial, since),
    )
    return {(address, bool(held)): notice_id for address, held, notice_id in rows}


def _another(connection: sqlite3.Connection, plan: Planned) -> Planned:
    """The same plan under the next free key."""
    number = 2
    while connection.execute("SELECT 1 FROM notice WHERE key = ?", (f"{plan.key} {number}",)).fetchone():
        number += 1
    return msgspec.structs.replace(plan, key=f"{plan.key} {number}")


def free_claims(history: History, gone: Iterable[int]) -> None:
    """Free what these deliveries had claimed: their processes are gone."""
    with history.write() as connection:
        connection.execute(
            f"""UPDATE notice SET state = 'pending', claimed_at = NULL, claimed_by = NULL
               WHERE state = 'claimed' AND {_OPEN} AND (claimed_by IS NULL OR claimed_by IN (SELECT value FROM json_each(?)))""",  # noqa: S608
            (json.dumps(list(gone)),),
        )


def claimants(history: History) -> set[int]:
    """The deliveries that hold claims, alive or not."""
    rows = history.rows(f"SELECT DISTINCT coalesce(claimed_by, 0) AS by FROM notice WHERE state = 'claimed' AND {_OPEN}")  # noqa: S608
    return {row["by"] for row in rows}


def kinds_due(history: History, now: str) -> dict[Kind, int]:
    """How many notices of each kind may be tried now."""
    rows = history.rows(
        f"SELECT kind, count(*) AS n FROM notice WHERE state = 'pending' AND NOT held AND {_MAY_BE_TRIED} GROUP BY kind",  # noqa: S608
        {"now": now},
    )
    return {row["kind"]: row["n"] for row in rows}


def claim(history: History, by: int, now: str, kinds: Sequence[str], most: int) -> list[Waiting]:
    """Claim, for one delivery, the notices of these kinds that are due the longest: at most so many, in their order."""
    with history.write() as connection:
        rows = connection.execute(
            f"""UPDATE notice SET state = 'claimed', claimed_at = :now, claimed_by = :by, attempts = attempts + 1,
                   next_try_at = iif({_AHEAD}, :now, next_try_at), due_at = iif({_AHEAD}, :now, due_at)
               WHERE id IN (SELECT id FROM notice WHERE state = 'pending' AND NOT held AND {_MAY_BE_TRIED}
                                AND kind IN (SELECT value FROM json_each(:kinds))
                            ORDER BY next_try_at, created_at, rowid LIMIT :most)
               RETURNING id, address, kind, every, attempts, created_at, note, next_try_at, rowid""",  # noqa: S608 - no value is in it
            {"now": now, "by": by, "kinds": json.dumps(list(kinds)), "most": most},
        ).fetchall()
    return sorted((Waiting(*row) for row in rows), key=lambda each: (each.next_try_at, each.created_at, each.row))


def give_back(history: History, by: int, ids: Iterable[str]) -> None:
    """Free claims of one delivery that it did not come to: as if nobody had tried."""
    with history.write() as connection:
        connection.execute(
            """UPDATE notice SET state = 'pending', claimed_at = NULL, claimed_by = NULL, attempts = attempts - 1
               WHERE state = 'claimed' AND claimed_by = ? AND id IN (SELECT value FROM json_each(?))""",
            (by, json.dumps(list(ids))),
        )


def change_ids(history: History, ids: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """By notice: the ids of the changes that it tells, oldest first."""
    found: dict[str, list[int]] = {}
    for row in history.connection.execute(
        """SELECT notice_id, change_id FROM notice_change WHERE notice_id IN (SELECT value FROM json_each(?))
           ORDER BY notice_id, change_id""",
        (json.dumps(list(ids)),),
    ):
        found.setdefault(row[0], []).append(row[1])
    return {notice_id: tuple(changes) for notice_id, changes in found.items()}


def still_claimed(history: History, ids: Iterable[str], by: int) -> set[str]:
    """Those of these notices that are still this delivery's to send."""
    rows = history.connection.execute(
        "SELECT id FROM notice WHERE state = 'claimed' AND claimed_by = ? AND id IN (SELECT value FROM json_each(?))",
        (by, json.dumps(list(ids))),
    )
    return {row[0] for row in rows}


def sent(history: History, notice_id: str, now: str) -> None:
    """The server took it: whoever has claimed it meanwhile must not send it once more."""
    history.write_one("UPDATE notice SET state = 'sent', sent_at = ?, last_error = NULL, claimed_by = NULL WHERE id = ?", (now, notice_id))


def again(history: History, by: int, notice_id: str, next_try_at: str, error: str) -> bool:
    """Not now: it waits, with the reason, unless its reader has stopped meanwhile; was it still this delivery's?"""
    return _written(history, by, notice_id, "state = 'pending', next_try_at = ?, last_error = ?, claimed_at = NULL", next_try_at, error)


def park(history: History, by: int, notice_id: str, error: str, now: str | None) -> bool:
    """Never: it is kept, with the reason, until somebody retries it; was it still this delivery's?

    ``now``: when its address refused it; ``None``: it was not asked.
    """
    return _written(history, by, notice_id, "state = 'failed', last_error = ?, failed_at = ?", error, now)


def _written(history: History, by: int, notice_id: str, values: str, *given: str | None) -> bool:
    """Write what became of a notice that a delivery has claimed. What another has claimed since is the other's to write."""
    sql = f"UPDATE notice SET {values}, claimed_by = NULL WHERE id = ? AND state = 'claimed' AND claimed_by = ?"  # noqa: S608
    return history.write_one(sql, (*given, notice_id, by)) > 0


def unpark(history: History, notice_id: str, next_try_at: str, error: str) -> None:
    """Not never after all: it waits, with the reason."""
    with history.write() as connection:
        connection.execute(
            "UPDATE notice SET state = 'pending', next_try_at = ?, last_error = ?, failed_at = NULL WHERE id = ? AND state = 'failed'",
            (next_try_at, error, notice_id),
        )


def leave_out(history: History, notice_id: str, changes: Iterable[int]) -> None:
    """These are not told by a notice: they are no longer so."""
    with history.write() as connection:
        connection.execute(
            "DELETE FROM notice_change WHERE notice_id = ? AND change_id IN (SELECT value FROM json_each(?))",
            (notice_id, json.dumps(list(changes))),
        )


def take_over(history: History, notice_id: str, address: str, change_id: int) -> bool:
    """Tell a change in this notice that waits in a later one of its address, which nobody has tried yet; is it told in this one?

    Not where the operator has let one of the two go, or put words above it: these are about what it told then.
    """
    unspoken = "(verdict IS NULL AND note IS NULL)"
    with history.write() as connection:
        if connection.execute("SELECT 1 FROM notice_change WHERE notice_id = ? AND change_id = ?", (notice_id, change_id)).fetchone():
            return True
        found = connection.execute(
            f"""SELECT notice.id FROM notice_change JOIN notice ON notice.id = notice_id
                WHERE change_id = ?1 AND address = ?2 AND state = 'pending' AND NOT held AND attempts = 0 AND notice_id != ?3
                    AND {unspoken} AND EXISTS (SELECT 1 FROM notice WHERE id = ?3 AND {unspoken})""",  # noqa: S608 - no value is in it
            (change_id, address, notice_id),
        ).fetchall()
        for (later,) in found:
            connection.execute("DELETE FROM notice_change WHERE notice_id = ? AND change_id = ?", (later, change_id))
            connection.execute("INSERT INTO notice_change VALUES (?, ?) ON CONFLICT DO NOTHING", (notice_id, change_id))
            connection.execute(
                "UPDATE notice SET state = 'cancelled' WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM notice_change WHERE notice_id = ?1)",
                (later,),
            )
        return bool(found)


def cancel(history: History, by: int, notice_id: str) -> bool:
    """Nothing is left to tell, or the reader stopped; was it still this delivery's?"""
    return _written(history, by, notice_id, "state = 'cancelled', claimed_at = NULL")


def retry(history: History, ids: Sequence[str], now: str) -> list[str]:
    """Make these (none named: all that is unsent and not held) due at once, parked or waiting; the ids named that are neither."""
    sql = f"""UPDATE notice SET state = 'pending', next_try_at = ?
              WHERE {_OPEN} AND (state = 'failed' OR (state = 'pending' AND NOT held))"""  # noqa: S608 - no value is in it
    with history.write() as connection:
        if not ids:
            connection.execute(sql, (now,))
            return []
        return [each for each in ids if not connection.execute(f"{sql} AND id = ?", (now, each)).rowcount]


def release(history: History, ids: Sequence[str], note: str | None) -> list[str]:
    """Let held notices go, with the operator's words above the news; the ids named that are not held.

    None named: all of them, and the mails that ask for consent and were held with them.
    """
    sql = f"""UPDATE notice SET held = 0, verdict = 'released', note = coalesce(?, note)
              WHERE held AND {_OPEN} AND state IN ('pending', 'failed')"""  # noqa: S608 - no value is in it
    with history.write() as connection:
        if not ids:
            connection.execute(sql, (note,))
            connection.execute("UPDATE confirmation SET held = 0 WHERE held")
            return []
        return [each for each in ids if not connection.execute(f"{sql} AND id = ?", (note, each)).rowcount]


def annotate(history: History, notice_id: str, note: str | None) -> bool:
    """Put the operator's words above the news of a held notice (``None`` takes them away); is there such a notice?"""
    with history.write() as connection:
        return connection.execute("UPDATE notice SET note = ? WHERE id = ? AND held", (note, notice_id)).rowcount > 0


def drop(history: History, ids: Sequence[str]) -> list[str]:
    """Take back held notices, which are never sent then; the ids named that are not held."""
    sql = """UPDATE notice SET state = 'cancelled', held = 0, verdict = 'dropped', last_error = 'dropped by the operator'
             WHERE held AND id = ?"""
    with history.write() as connection:
        return [each for each in ids if not connection.execute(sql, (each,)).rowcount]


def counts(history: History, now: str) -> dict[str, int]:
    """How many notices wait: ``failed`` (parked), ``waiting`` (unsent, neither parked nor held), ``held``.

    Of those that wait, ``due`` may be tried now, and ``due_before`` should be with their readers by now.
    """
    row = history.one(
        f"""SELECT coalesce(sum(state = 'failed'), 0) AS failed, coalesce(sum({UNSENT}), 0) AS waiting,
                   coalesce(sum({UNSENT} AND {_MAY_BE_TRIED}), 0) AS due,
                   coalesce(sum({UNSENT} AND due_at <= :now), 0) AS due_before,
                   coalesce(sum(state = 'pending' AND held), 0) AS held FROM notice WHERE {_OPEN}""",  # noqa: S608 - no value is in it
        {"now": now},
    )
    assert row is not None  # noqa: S101 - an aggregate has one row
    return {name: int(value) for name, value in row.items()}


def tried_in_vain(history: History) -> tuple[int, str]:
    """How many notices that wait were tried, and why most of them could not be sent; empty when none was."""
    rows = history.rows(
        f"SELECT last_error, count(*) AS n FROM notice WHERE {UNSENT} AND attempts AND last_error != '' GROUP BY 1 ORDER BY 2 DESC"  # noqa: S608
    )
    return sum(row["n"] for row in rows), rows[0]["last_error"] if rows else ""


def oldest(history: History, now: str) -> str | None:
    """Since when the oldest notice that should be with its reader is not (UTC); held and parked ones wait for a person and do not count."""
    sql = f"SELECT min(due_at) AS at FROM notice WHERE {UNSENT} AND due_at <= ?"  # noqa: S608 - no value is in it
    row = history.one(sql, (now,))
    return row["at"] if row else None


def known(history: History, notice_id: str) -> Waiting | None:
    """A notice, whatever its state, as ``deliver`` would have it."""
    rows = history.connection.execute(
        "SELECT id, address, kind, every, attempts, created_at, note, next_try_at, rowid FROM notice WHERE id = ?", (notice_id,)
    )
    row = rows.fetchone()
    return Waiting(*row) if row else None


def was_sent(history: History, notice_id: str) -> bool:
    """Has a server taken it?"""
    return history.one("SELECT 1 FROM notice WHERE id = ? AND state = 'sent'", (notice_id,)) is not None


def beginning_with(history: History, beginning: str) -> list[str]:
    """The ids of notices that begin so; of many, two."""
    rows = history.rows("SELECT id FROM notice WHERE id >= ? AND id < ? LIMIT 2", (beginning, f"{beginning}{_LAST_CHARACTER}"))
    return [row["id"] for row in rows]


Only = Literal["failed", "held"]

_ONLY = {
    "failed": f"{_OPEN} AND (state = 'failed' OR (state = 'pending' AND last_error IS NOT NULL))",
    "held": f"{_OPEN} AND state = 'pending' AND held",
}


def listing(history: History, only: Only | None = None, *, address: str | None = None) -> list[Row]:
    """What waits and what failed, oldest first, and what was sent or cancelled.

    ``only``: what was refused or could not be sent yet (``failed``), or what waits for the operator's yes (``held``).
    """
    return list(each(history, only, address=address))


def each(history: History, only: Only | None = None, *, address: str | None = None) -> Iterator[Row]:
    """The same one by one, however many they are: all that was ever sent may be among them."""
    wanted = [_ONLY[only]] if only else []
    wanted += ["address = :address"] if address is not None else []
    found = history.connection.execute(
        f"SELECT rowid FROM notice {'WHERE' if wanted else ''} {' AND '.join(wanted)} ORDER BY created_at, rowid",  # noqa: S608 - no value
        {"address": address},
    )
    for some in portions([row[0] for row in found]):
        for row in history.rows(_LISTED, (some,)):
            row["trials"] = sorted(filter(None, (row["trials"] or "").split(",")))
            yield row


_LISTED = """SELECT notice.id, notice.address, notice.kind, notice.every,
       CASE WHEN notice.held AND notice.state = 'pending' THEN 'held' ELSE notice.state END AS state,
       notice.attempts, notice.next_try_at, notice.last_error, notice.created_at, notice.sent_at, notice.note,
       (SELECT group_concat(DISTINCT change.trial) FROM notice_change JOIN change ON change.id = change_id
        WHERE notice_id = notice.id) AS trials
FROM notice WHERE notice.rowid IN (SELECT value FROM json_each(?)) ORDER BY notice.created_at, notice.rowid"""
