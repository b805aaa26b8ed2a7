"""Mails that ask the holder of an address whether a subscription is wanted: queued with it, sent by a delivery, confirmed by their link.

Who types an address may not be its holder. So there are limits for each address, whatever is asked of it, and a link is good for one
subscription, once, for a week, unless the subscription was stopped since.

Of the same kind are mails with a link to all that an address is told: they hang on one of its subscriptions, and go with the last one.
They have limits of their own, so that nobody shuts a holder out by asking for news in their name.
"""

from __future__ import annotations

import datetime
import json
import sqlite3
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from db import stops, subscriptions
from db.connection import History, Row
from registry_sync.notices.route import Subscription
from registry_sync.sources.ctgov_search import Search, from_json

APART = datetime.timedelta(minutes=10)
"""So long after one such mail an address gets no other one."""
MOST_A_DAY = 5
"""So many an address gets in 24 hours at most, but for links to all that it is told."""
MOST_LINKS_AN_HOUR = 3
MOST_LINKS_A_DAY = 10
"""So many of these links an address gets at most."""
VALID = datetime.timedelta(days=7)
"""So long after it was asked for a mail's link confirms."""
OPEN = datetime.timedelta(hours=1)
"""So long after it was sent a mail's link leads to all that its address is told."""

Queued = Literal["queued", "waiting", "too soon", "enough"]
"""What became of the wish for a mail: it is new in the queue; one waits there already; one was just asked for; there were enough today."""
Kind = Literal["confirm", "manage", "already"]
"""What a mail is for: to confirm; to see and change all that its address is told; the same, since what was asked for is told already."""

_HOUR = datetime.timedelta(hours=1)
_DAY = datetime.timedelta(days=1)
_LONGEST_WAIT = datetime.timedelta(hours=25)
"""A next try that lies further ahead was written by a clock that was wrong: it is due now."""
_UNSENT = "confirmation.state IN ('pending', 'claimed')"
_CLAIMED = f"confirmation.state = 'claimed' AND {_UNSENT}"
"""By the index ``confirmation_open``, which is found by the words of its own condition alone."""
_GOOD = "confirmation.used_at IS NULL AND confirmation.stopped_at IS subscription.stopped_at"
"""Does the link still stand for what was asked? Only its age is left out."""
_MADE = "confirmation.created_at <= :now"
"""What is dated after now was asked for under a clock that was wrong. It counts for no limit: it would shut its address out until then."""
_MAY_BE_TRIED = f"(next_try_at <= :now OR next_try_at > :ahead OR (confirmation.attempts = 0 AND NOT {_MADE}))"
_ITS = "subscription_id = :id AND confirmation.kind = 'confirm'"
_DUE = f"""SELECT confirmation.id FROM confirmation JOIN subscription ON subscription.id = subscription_id
    WHERE confirmation.state = 'pending' AND NOT confirmation.held AND {_MAY_BE_TRIED}
        AND (confirmation.created_at, confirmation.id) > (:after_at, :after)
        AND CASE confirmation.kind WHEN 'confirm' THEN {_GOOD} AND subscription.state != 'active' AND confirmation.created_at > :oldest
                                   ELSE confirmation.created_at > :day END
        AND NOT EXISTS (SELECT 1 FROM confirmation AS other JOIN subscription AS its ON its.id = other.subscription_id
                        WHERE its.address = subscription.address AND other.kind = confirmation.kind
                            AND (other.state = 'claimed' OR other.sent_at > :apart AND other.sent_at <= :now))
        AND (SELECT count(*) < iif(confirmation.kind = 'manage', {MOST_LINKS_A_DAY}, {MOST_A_DAY})
                 AND (confirmation.kind != 'manage' OR coalesce(sum(other.sent_at > :hour), 0) < {MOST_LINKS_AN_HOUR})
             FROM confirmation AS other JOIN subscription AS its ON its.id = other.subscription_id
             WHERE its.address = subscription.address AND other.sent_at > :day AND other.sent_at <= :now
                 AND (other.kind = 'manage') = (confirmation.kind = 'manage'))
    ORDER BY confirmation.created_at, confirmation.id LIMIT 1"""  # noqa: S608 - no value is in it
"""The oldest that may be sent now, of those that come after another one: it is found by the index ``confirmation_due``."""


class Asking(msgspec.Struct, frozen=True):
    """What a confirmation asks about: a subscription, and its trials or its search (neither: all that is watched). Times are UTC.

    Of a mail of another ``kind`` only the subscription's address and language count.
    """

    id: str
    kind: Kind
    created_at: str
    attempts: int
    subscription: Subscription
    trials: tuple[str, ...]
    search: Search | None


def queue(connection: sqlite3.Connection, subscription_id: int, now: datetime.datetime, *, instead: bool = False) -> Queued:
    """Put a mail about a subscription into the queue, inside the caller's transaction, unless its address has had enough of them."""
    import uuid  # loads what asks the system who it is: only for a mail

    row = connection.execute(
        f"""SELECT coalesce(sum({_ITS} AND {_UNSENT} AND {_GOOD} AND confirmation.created_at > :oldest), 0),
                   coalesce(sum({_ITS} AND {_GOOD} AND confirmation.created_at > :apart AND {_MADE}), 0),
                   coalesce(sum(confirmation.created_at > :day AND {_MADE} AND confirmation.kind != 'manage'), 0)
            FROM confirmation JOIN subscription ON subscription.id = subscription_id
            WHERE address = (SELECT address FROM subscription WHERE id = :id)""",  # noqa: S608 - no value is in it
        {"id": subscription_id, **_times(now)},
    ).fetchone()
    waiting, recent, today = row
    if waiting:
        return "waiting"
    if recent:
        return "too soon"
    if today >= MOST_A_DAY:
        return "enough"
    connection.execute(
        """INSERT INTO confirmation (id, subscription_id, next_try_at, created_at, stopped_at, instead)
           SELECT ?, id, ?, ?, stopped_at, ? FROM subscription WHERE id = ?""",
        (uuid.uuid4().hex, _stamp(now), _stamp(now), int(instead), subscription_id),
    )
    return "queued"


def queue_access(connection: sqlite3.Connection, address: str, kind: Literal["manage", "already"], now: datetime.datetime) -> Queued | None:
    """Put a mail into the queue with a link to all that an address is told, inside the caller's transaction, unless it has had enough.

    ``None``: no subscription is held on this address, and it gets no mail.
    """
    import uuid

    row = connection.execute(
        f"""SELECT (SELECT id FROM subscription WHERE address = :address
                    ORDER BY state = 'active' DESC, state = 'pending' DESC, id DESC LIMIT 1),
                   coalesce(sum(confirmation.kind = :kind AND {_UNSENT} AND confirmation.created_at > :day), 0),
                   coalesce(sum(confirmation.kind = :kind AND confirmation.created_at > :apart AND {_MADE}), 0),
                   coalesce(sum(confirmation.kind = :kind AND confirmation.created_at > :hour AND {_MADE}), 0),
                   coalesce(sum(confirmation.kind = :kind AND confirmation.created_at > :day AND {_MADE}), 0),
                   coalesce(sum(confirmation.kind != 'manage' AND confirmation.created_at > :day AND {_MADE}), 0)
            FROM confirmation JOIN subscription ON subscription.id = subscription_id WHERE address = :address""",  # noqa: S608 - no value
        {"address": address, "kind": kind, **_times(now)},
    ).fetchone()
    subscription, waits, recent, this_hour, of_kind, no_links = row
    if subscription is None:
        return None
    if waits:
        return "waiting"
    if recent:
        return "too soon"
    if kind == "manage" and (this_hour >= MOST_LINKS_AN_HOUR or of_kind >= MOST_LINKS_A_DAY):
        return "enough"
    if kind == "already" and (of_kind or no_links >= MOST_A_DAY):
        return "enough"
    connection.execute(
        "INSERT INTO confirmation (id, kind, subscription_id, next_try_at, created_at) VALUES (?, ?, ?, ?, ?)",
        (uuid.uuid4().hex, kind, subscription, _stamp(now), _stamp(now)),
    )
    return "queued"


def is_due(history: History, now: datetime.datetime) -> bool:
    """May one be sent now?"""
    if history.one(f"SELECT 1 FROM confirmation WHERE {_UNSENT} LIMIT 1") is None:  # noqa: S608 - no value is in it
        return False
    return history.one(_DUE, {**_times(now), **_after(None)}) is not None


def waiting(history: History) -> int:
    """How many are unsent, and not given up."""
    row = history.one(f"SELECT count(*) AS n FROM confirmation WHERE {_UNSENT}")  # noqa: S608 - no value is in it
    return int(row["n"]) if row else 0


def asked(history: History) -> tuple[int, str | None]:
    """How many forms and mails with a link wait (none that is held), and when the oldest of them was asked for (UTC)."""
    row = history.one(
        f"""SELECT count(*) AS n, min(created_at) AS since FROM (
                SELECT created_at FROM form UNION ALL SELECT created_at FROM confirmation WHERE {_UNSENT} AND NOT held)"""  # noqa: S608
    )
    return (int(row["n"]), row["since"]) if row else (0, None)


def claimants(history: History) -> set[int]:
    """The deliveries that hold claims, alive or not."""
    return {row["by"] for row in history.rows(f"SELECT DISTINCT claimed_by AS by FROM confirmation WHERE {_CLAIMED}")}  # noqa: S608


def free_claims(history: History, gone: Iterable[int]) -> None:
    """Free what these deliveries had claimed: their processes are gone."""
    with history.write() as connection:
        connection.execute(
            f"""UPDATE confirmation SET state = 'pending', claimed_by = NULL
               WHERE {_CLAIMED} AND claimed_by IN (SELECT value FROM json_each(?))""",  # noqa: S608 - no value is in it
            (json.dumps(list(gone)),),
        )


def tidy(history: History, now: datetime.datetime) -> None:
    """Take back what nobody needs any more, and give up what could not be sent before its link expired."""
    if not waiting(history):
        return
    with history.write() as connection:
        connection.execute(
            f"""UPDATE confirmation SET state = 'cancelled' WHERE state = 'pending' AND {_UNSENT} AND kind = 'confirm' AND EXISTS (
                    SELECT 1 FROM subscription WHERE subscription.id = subscription_id
                        AND (NOT ({_GOOD}) OR subscription.state = 'active'))"""  # noqa: S608 - no value is in it
        )
        connection.execute(
            f"""UPDATE confirmation SET state = 'failed', last_error = coalesce(last_error || '; ', '') || 'its link has expired unsent'
               WHERE state = 'pending' AND {_UNSENT} AND created_at <= iif(kind = 'confirm', :oldest, :day)""",  # noqa: S608 - no value is in it
            _times(now),
        )


def claim(history: History, by: int, now: datetime.datetime, after: Asking | None = None) -> Asking | None:
    """Claim, for one delivery, what is due the longest; ``None``: nothing is due.

    ``after``: of what comes behind that one, so that a delivery does not look again and again at what must wait.
    """
    with history.write() as connection:
        row = connection.execute(_DUE, {**_times(now), **_after(after)}).fetchone()
        if row is None:
            return None
        connection.execute("UPDATE confirmation SET state = 'claimed', claimed_by = ?, attempts = attempts + 1 WHERE id = ?", (by, row[0]))
        return _read(history, "confirmation.id = :id", {"id": row[0]})


def give_back(history: History, by: int, identity: str) -> None:
    """Free a claim that the delivery did not come to: as if nobody had tried."""
    _written(history, by, identity, "state = 'pending', attempts = attempts - 1")


def sent(history: History, identity: str, now: str) -> None:
    """The server took it, whoever has claimed it meanwhile; its link may have been used already."""
    history.write_one(
        "UPDATE confirmation SET state = 'sent', sent_at = ?, last_error = NULL, claimed_by = NULL WHERE id = ?", (now, identity)
    )


def again(history: History, by: int, identity: str, next_try_at: str, error: str) -> bool:
    """Not now: it waits, with the reason; was it still this delivery's?"""
    return _written(history, by, identity, "state = 'pending', next_try_at = ?, last_error = ?", next_try_at, error)


def park(history: History, by: int, identity: str, error: str) -> bool:
    """Never: it is kept, with the reason; was it still this delivery's?"""
    return _written(history, by, identity, "state = 'failed', last_error = ?", error)


def _written(history: History, by: int, identity: str, values: str, *given: str) -> bool:
    """Write what became of a mail that a delivery has claimed. What another has claimed since is the other's to write."""
    sql = f"UPDATE confirmation SET {values}, claimed_by = NULL WHERE id = ? AND state = 'claimed' AND claimed_by = ?"  # noqa: S608
    return history.write_one(sql, (*given, identity, by)) > 0


def usable(history: History, identity: str, now: datetime.datetime) -> Asking | None:
    """What a link asks about; ``None`` when it was used, has expired, or stands for nothing any more."""
    return _read(
        history,
        f"confirmation.id = :id AND confirmation.kind = 'confirm' AND {_GOOD} AND confirmation.created_at > :oldest",
        {"id": identity, **_times(now)},
    )


def accessible(history: History, identity: str, now: datetime.datetime) -> str | None:
    """The address that a mail's link leads to all of; ``None`` when it is too old, leads to something else, or nothing is held any more."""
    row = history.one(
        """SELECT address FROM confirmation JOIN subscription ON subscription.id = subscription_id
           WHERE confirmation.id = :id AND confirmation.kind != 'confirm' AND coalesce(sent_at, confirmation.created_at) > :open""",
        {"id": identity, "open": _stamp(now - OPEN)},
    )
    return row["address"] if row else None


def confirm(history: History, identity: str, wording: str, now: datetime.datetime) -> str | None:
    """The holder wants it: the subscription is active, whatever had stopped it; its address, or ``None`` when the link is not usable."""
    with history.write() as connection:
        asking = usable(history, identity, now)
        if asking is None:
            return None
        its = asking.subscription
        connection.execute(
            """UPDATE subscription SET state = 'active', consent_wording = ?, consent_by = ?, asked_at = ?, confirmed_at = ?,
               stopped_at = NULL, stopped_why = NULL, bulletin = NULL WHERE id = ?""",
            (wording, subscriptions.HOLDER, asking.created_at, _stamp(now), its.id),
        )
        if connection.execute("SELECT instead FROM confirmation WHERE id = ?", (identity,)).fetchone()[0]:
            others = [each.id for each in subscriptions.alike(history, its.id) if each.id != its.id]
            connection.execute(
                """UPDATE subscription SET state = 'stopped', stopped_at = ?, stopped_why = 'replaced'
                   WHERE id IN (SELECT value FROM json_each(?))""",
                (_stamp(now), json.dumps(others)),
            )
        stops.forget(connection, its.address, by_holder=True)
        connection.execute(
            "UPDATE confirmation SET used_at = ? WHERE subscription_id = ? AND used_at IS NULL AND kind = 'confirm'", (_stamp(now), its.id)
        )
    return its.address


def titles(history: History, trials: Iterable[str]) -> dict[str, str]:
    """By trial: its title as last seen, where there is one."""
    rows = history.rows(
        "SELECT trial, brief_title FROM current_status WHERE brief_title IS NOT NULL AND trial IN (SELECT value FROM json_each(?))",
        (json.dumps(list(trials)),),
    )
    return {row["trial"]: row["brief_title"] for row in rows}


def newest(history: History) -> dict[int, Row]:
    """By subscription: how the newest mail about it stands."""
    rows = history.rows(
        """SELECT subscription_id, state, created_at, attempts, next_try_at, last_error, sent_at, used_at
           FROM confirmation WHERE kind = 'confirm' ORDER BY created_at, rowid"""
    )
    return {row.pop("subscription_id"): row for row in rows}


def of_address(history: History, address: str) -> list[Row]:
    """All that is held of such mails to an address, oldest first."""
    return history.rows(
        """SELECT confirmation.id, confirmation.kind, subscription_id, confirmation.state, confirmation.created_at, attempts, next_try_at,
                  last_error, sent_at, used_at
           FROM confirmation JOIN subscription ON subscription.id = subscription_id
           WHERE address = ? ORDER BY confirmation.created_at, confirmation.rowid""",
        (address,),
    )


def _read(history: History, condition: str, parameters: dict[str, Any]) -> Asking | None:
    row = history.one(
        f"""SELECT confirmation.id, confirmation.kind, confirmation.created_at, attempts, subscription_id,
                (SELECT json_group_array(trial) FROM (SELECT trial FROM subscription_trial
                     WHERE subscription_trial.subscription_id = subscription.id ORDER BY trial)) AS trials,
                (SELECT query FROM subscription_search JOIN search ON search.id = search_id
                     WHERE subscription_search.subscription_id = subscription.id) AS query
            FROM confirmation JOIN subscription ON subscription.id = confirmation.subscription_id WHERE {condition}""",  # noqa: S608
        parameters,
    )
    if row is None:
        return None
    return Asking(
        id=row["id"],
        kind=row["kind"],
        created_at=row["created_at"],
        attempts=row["attempts"],
        subscription=subscriptions.by_id(history, row["subscription_id"]),
        trials=tuple(json.loads(row["trials"])),
        search=from_json(row["query"]) if row["query"] else None,
    )


def _times(now: datetime.datetime) -> dict[str, str]:
    before = {"now": datetime.timedelta(0), "oldest": VALID, "apart": APART, "hour": _HOUR, "day": _DAY, "ahead": -_LONGEST_WAIT}
    return {name: _stamp(now - since) for name, since in before.items()}


def _after(asking: Asking | None) -> dict[str, str]:
    return {"after_at": asking.created_at, "after": asking.id} if asking else {"after_at": "", "after": ""}


def _stamp(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
