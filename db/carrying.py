"""What a restored database must know of the time since its backup: who stopped, who was erased, and what was sent."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec

from db import entered, erasure, retold, stops
from db.connection import Connection, History

_FURTHER = ("sent", "failed", "cancelled")
HELD = "held by `restore`: it may have been sent after the backup was made"


class Carried(msgspec.Struct, frozen=True):
    """How much was carried over, and what cannot be.

    ``sent``: notices that were sent, refused or cancelled since; ``stopped``: subscriptions that were stopped, as a whole or in part;
    ``erased``: addresses; ``stops``: keyed hashes of addresses. ``later``: notices that were sent since and tell of what the backup does
    not know; ``told``: the changes in what was told since that are not told again, be it that they are found again or that they waited in
    the backup. ``lost``: subscriptions that were made
    since, and are not there. ``entered``: what people entered since.
    """

    sent: int = 0
    stopped: int = 0
    erased: int = 0
    stops: int = 0
    later: int = 0
    lost: int = 0
    told: int = 0
    entered: entered.Entered = entered.Entered()


def carry_over(history: History, replaced: History, now: str, *, has_keys: bool) -> Carried:
    """Bring a restored history up to what the one that it replaces knows of promises, in one transaction.

    ``has_keys``: the backup had the keys of its installation; one from before there were any takes those of the history that it replaces.
    """
    connection = history.connection
    with history.together():
        if not has_keys and _are_akin(connection, replaced.connection):
            _take_keys(connection, replaced.connection)
        same = _keys(connection) == _keys(replaced.connection)
        marks = _marks(connection, replaced.connection) if same else 0
        erased = _erased(history, replaced, now) if same else 0
        stopped = _stopped(connection, replaced.connection) + _stopped_by_mark(connection, replaced.connection)
        _answered(connection, replaced.connection)
        waiting, further = _sent(connection, replaced.connection)
        told = retold.note(connection, replaced.connection, now) if same else []
        taken_off = retold.take_off(connection, waiting, now) if same else retold.TakenOff([], [])
        known = set(told)
        untold = len(told) + sum(about not in known for about in taken_off.changes)
        is_later = same and entered.is_later(connection, replaced.connection)
        since = entered.carry(connection, replaced.connection) if is_later else entered.Entered()
        later, lost = _unknown(connection, replaced.connection)
        # whose subscription is there no more is known by the ids that were given; those of one that is not there are not
        entered.sequences(connection, replaced.connection, but=() if is_later else ("subscription",))
    sent = len(further.union(taken_off.cancelled))
    return Carried(sent, stopped, erased, marks, later, lost, untold, since)


def go_on(history: History, replaced: History) -> None:
    """Carry nothing over, and number what comes behind what the replaced history has numbered."""
    with history.write() as connection:
        entered.sequences(connection, replaced.connection, but=("subscription",))


def hold(history: History, now: str) -> int:
    """Hold what may have been sent since the backup until the operator has looked at it (see ``outbox release``); how many mails.

    A digest whose period has not ended yet was sent by nobody, and waits as before.
    """
    with history.write() as connection:
        entered.leap(connection)
        asking = connection.execute(
            """UPDATE confirmation SET state = 'pending', held = 1, last_error = ?, claimed_by = NULL
               WHERE NOT held AND state IN ('pending', 'claimed')""",
            (HELD,),
        ).rowcount
        return (
            asking
            + connection.execute(
                """UPDATE notice SET state = 'pending', held = 1, verdict = 'restored', last_error = ?, claimed_at = NULL, claimed_by = NULL
               WHERE NOT held AND due_at <= ? AND state IN ('pending', 'claimed')""",
                (HELD, now),
            ).rowcount
        )


def made_at(history: History) -> str | None:
    """When something was last done to a history (UTC): a backup of it was made after that, and before anything else."""
    row = history.one("SELECT max(max(started_at), coalesce(max(finished_at), '')) AS at FROM run")
    return row["at"] if row else None


def _keys(connection: Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT name, value FROM secret").fetchall())


def _tokens(connection: Connection) -> dict[str, dict[str, Any]]:
    """The subscriptions by what no two of any installation have alike."""
    cursor = connection.execute("SELECT stop_token, id, address, state, stopped_at, stopped_why, confirmed_at, bulletin FROM subscription")
    names = [column[0] for column in cursor.description]
    return {row[0]: dict(zip(names, row, strict=True)) for row in cursor}


def _are_akin(restored: Connection, replaced: Connection) -> bool:
    """Is one an earlier state of the other? They have a subscription in common, or the earlier one has none."""
    tokens = _tokens(restored)
    return not tokens or not tokens.keys().isdisjoint(_tokens(replaced))


def _take_keys(restored: Connection, replaced: Connection) -> None:
    restored.execute("DELETE FROM stop")
    restored.executemany("UPDATE secret SET value = ? WHERE name = ?", [(value, name) for name, value in _keys(replaced).items()])
    for address, at in restored.execute(
        "SELECT address, max(stopped_at) FROM subscription WHERE state = 'stopped' AND stopped_why = 'holder' GROUP BY address"
    ).fetchall():
        stops.note(restored, address, "holder", at)


def _marks(restored: Connection, replaced: Connection) -> int:
    """Who stopped since. A stop that was taken back since stays: it is for its holder to say so again."""
    again = {
        stops.mark_of(restored, address): at
        for address, at in restored.execute("SELECT address, max(confirmed_at) FROM subscription WHERE state = 'active' GROUP BY address")
    }
    new = 0
    for mark, at, why in replaced.execute("SELECT mark, at, why FROM stop").fetchall():
        if (again.get(mark) or "") > at:
            continue  # wanted since: the one that is replaced is the older one
        new += restored.execute("INSERT INTO stop (mark, at, why) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (mark, at, why)).rowcount
    return new


def _erased(history: History, replaced: History, now: str) -> int:
    """Erase addresses of which nothing is held any more: what is not there, and once was, was erased, or was past its time."""
    row = replaced.one("SELECT seq FROM sqlite_sequence WHERE name = 'subscription'")
    known, newest = _tokens(replaced.connection), row["seq"] if row else 0
    addresses = {each["address"] for each in known.values()}
    gone = {
        each["address"] for token, each in _tokens(history.connection).items() if token not in known and each["id"] <= newest
    } - addresses
    for address in sorted(gone):
        erasure.erase(history, address, now)
    return len(gone)


def _stopped(restored: Connection, replaced: Connection) -> int:
    """Stop what was stopped since, with the reason that was noted then; trials that were taken out of a subscription, too."""
    theirs, touched = _tokens(replaced), 0
    moved = dict(replaced.execute("SELECT old, trial FROM alias").fetchall())
    for token, mine in _tokens(restored).items():
        other = theirs.get(token)
        if other is None:
            continue
        if other["state"] == "stopped" and mine["state"] != "stopped" and (mine["confirmed_at"] or "") <= other["stopped_at"]:
            values = (other["stopped_at"], other["stopped_why"], mine["id"])
            restored.execute("UPDATE subscription SET state = 'stopped', stopped_at = ?, stopped_why = ? WHERE id = ?", values)
            touched += 1
        else:
            touched += _fewer_trials(restored, replaced, mine["id"], other["id"], moved)
    return touched


def _fewer_trials(restored: Connection, replaced: Connection, mine: int, theirs: int, moved: dict[str, str]) -> bool:
    sql = "SELECT trial FROM subscription_trial WHERE subscription_id = ?"
    left = {row[0] for row in replaced.execute(sql, (theirs,))}
    here = {row[0] for row in restored.execute(sql, (mine,))}
    gone = [trial for trial in here if not {trial, moved.get(trial)} & left]
    if not gone or not left:
        return False
    restored.execute(
        "DELETE FROM subscription_trial WHERE subscription_id = ? AND trial IN (SELECT value FROM json_each(?))", (mine, json.dumps(gone))
    )
    return True


def _stopped_by_mark(restored: Connection, replaced: Connection) -> int:
    """Stop what is active for an address that is marked as stopped, whichever installation's mark it is."""
    key, touched = _keys(replaced)["stops"], 0
    rows = restored.execute("SELECT id, address, confirmed_at, created_at FROM subscription WHERE state = 'active'").fetchall()
    for subscription_id, address, confirmed_at, created_at in rows:
        stop = replaced.execute("SELECT at, why FROM stop WHERE mark = ?", (stops.mark(key, address),)).fetchone()
        still = replaced.execute("SELECT 1 FROM subscription WHERE address = ? AND state = 'active'", (address,)).fetchone()
        if stop is None or still or (confirmed_at or created_at) > stop[0]:
            continue
        restored.execute(
            "UPDATE subscription SET state = 'stopped', stopped_at = ?, stopped_why = ? WHERE id = ?", (*stop, subscription_id)
        )
        stops.note(restored, address, stop[1], stop[0])
        touched += 1
    return touched


def _sent(restored: Connection, replaced: Connection) -> tuple[list[str], set[str]]:
    """Take over how notices that waited then stand since; one that was tried since waits as it waits there.

    Those that waited, and those that do not any more.
    """
    waiting = [row[0] for row in restored.execute("SELECT id FROM notice WHERE state IN ('pending', 'claimed', 'failed')").fetchall()]
    further = set()
    for notice_id in waiting:  # what is put apart comes to its end, and is looked up as well
        row = replaced.execute(
            """SELECT state, attempts, next_try_at, last_error, claimed_at, sent_at, failed_at, held, note, verdict
               FROM notice WHERE id = ?""",
            (notice_id,),
        ).fetchone()
        if row is None or (row[0] == "cancelled" and row[3] is None and _has_more(replaced, restored, notice_id)):
            continue  # that it came to nothing is by what it took in later, which is not known here
        state = "pending" if row[0] == "claimed" else row[0]  # nobody works on it: its claim is a dead one
        if state in _FURTHER:
            waiting += _apart(restored, replaced, notice_id)
            further.add(notice_id)
            if restored.execute("SELECT 1 FROM notice_change WHERE notice_id = ?", (notice_id,)).fetchone() is None:
                state = "cancelled"  # of what was sent nothing is known here
        restored.execute(
            """UPDATE notice SET state = ?, attempts = ?, next_try_at = ?, last_error = ?, claimed_at = ?, sent_at = ?, failed_at = ?,
                                 held = ?, note = ?, verdict = ?, claimed_by = NULL WHERE id = ?""",
            (state, *row[1:], notice_id),
        )
    for identity, *values in replaced.execute("SELECT id, state, attempts, last_error, sent_at, used_at FROM confirmation").fetchall():
        restored.execute(
            """UPDATE confirmation SET state = ?, attempts = ?, last_error = ?, sent_at = ?, used_at = coalesce(used_at, ?)
               WHERE id = ? AND state IN ('pending', 'claimed')""",
            ("pending" if values[0] == "claimed" else values[0], *values[1:], identity),
        )
    return waiting, further


def _has_more(one: Connection, other: Connection, notice_id: str) -> bool:
    """Does a notice tell changes in one history that it does not in the other?"""
    sql = "SELECT change_id FROM notice_change WHERE notice_id = ?"
    return not set(one.execute(sql, (notice_id,))) <= set(other.execute(sql, (notice_id,)))


def _apart(restored: Connection, replaced: Connection, notice_id: str) -> list[str]:
    """Put what a digest had taken in, that the replaced history did not tell when it sent it, into a notice of its own; its id."""
    sql = "SELECT change_id FROM notice_change WHERE notice_id = ?"
    there = """SELECT 1 FROM change WHERE id = ?1 AND NOT EXISTS (
                   SELECT 1 FROM notice_change JOIN notice ON notice.id = notice_id WHERE change_id = ?1 AND notice_id != ?2
                   AND address = (SELECT address FROM notice WHERE id = ?2) AND state IN ('pending', 'claimed', 'failed'))"""
    here = [row[0] for row in restored.execute(sql, (notice_id,))]
    unknown = [each for each in here if replaced.execute(there, (each, notice_id)).fetchone() is None]
    if not unknown:
        return []
    # always the same, so that what became of it is known by its id, too
    another = hashlib.sha256(json.dumps([notice_id, *unknown]).encode()).hexdigest()[:32]
    restored.execute(
        """INSERT INTO notice (id, key, subscription_id, address, kind, every, state, next_try_at, due_at, created_at, held)
           SELECT ?1, key || ' ' || ?1, subscription_id, address, kind, every, 'pending', due_at, due_at, created_at, held
           FROM notice WHERE id = ?2""",
        (another, notice_id),
    )
    restored.execute(
        "UPDATE notice_change SET notice_id = ? WHERE notice_id = ? AND change_id IN (SELECT value FROM json_each(?))",
        (another, notice_id, json.dumps(unknown)),
    )
    return [another]


def _answered(restored: Connection, replaced: Connection) -> None:
    """What is asked for over the web pages and has not been answered is what is there now."""
    sql = "SELECT kind, address, wish, created_at FROM form"
    here, there = restored.execute(sql).fetchall(), replaced.execute(sql).fetchall()
    for row in set(here) - set(there):
        restored.execute("DELETE FROM form WHERE kind = ? AND address = ? AND wish IS ? AND created_at = ?", row)
    restored.executemany(
        "INSERT INTO form (kind, address, wish, created_at) VALUES (?, ?, ?, ?)", [row for row in there if row not in set(here)]
    )


def _unknown(restored: Connection, replaced: Connection) -> tuple[int, int]:
    """How many notices were sent, and how many subscriptions made, of which a restored history knows nothing."""
    known = {row[0] for row in restored.execute("SELECT id FROM notice")}
    later = sum(row[0] not in known for row in replaced.execute("SELECT id FROM notice WHERE state = 'sent'"))
    lost = len(_tokens(replaced).keys() - _tokens(restored).keys())
    return later, lost
