"""Who hears of what: subscriptions, their state, and the consent behind them."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterable, Sequence

import msgspec

from db import searches, watches
from db.connection import History, Row
from registry_sync.notices.route import Subscription
from registry_sync.sources.ctgov_search import Search, from_json

_FOLLOWS = """(every_trial
    OR EXISTS (SELECT 1 FROM subscription_trial WHERE subscription_id = subscription.id AND subscription_trial.trial = wanted.trial)
    OR EXISTS (SELECT 1 FROM subscription_search JOIN search_trial USING (search_id)
               WHERE subscription_id = subscription.id AND search_trial.trial = wanted.trial))"""
"""Does a ``subscription`` follow ``wanted.trial``?"""


class Consent(msgspec.Struct, frozen=True):
    """That someone vouched for, or gave, consent: the wording, who says so, and when it was confirmed (UTC)."""

    wording: str
    by: str
    confirmed_at: str


def add(
    history: History, wanted: Subscription, trials: Sequence[str], *, consent: Consent | None, now: str, search: Search | None = None
) -> Row:
    """Keep a subscription to these trials, or to all that ``search`` finds (neither: to all that is watched); its row in ``listing``.

    The same wish of the same address is one subscription, not two: it is brought up to date. ``consent`` makes it active; else
    it stays pending.
    """
    with history.write() as connection:
        search_id = searches.know(connection, search, now) if search else None
        subscription_id = _same(connection, wanted, trials, search_id)
        if subscription_id is None:
            subscription_id = _insert(connection, wanted, consent, now, everything=not trials and search is None)
        else:
            _bring_up_to_date(connection, subscription_id, wanted, consent)
        if search_id is not None:
            connection.execute("INSERT INTO subscription_search VALUES (?, ?) ON CONFLICT DO NOTHING", (subscription_id, search_id))
        for trial in trials:
            watches.know(connection, trial, now)
            connection.execute("INSERT INTO subscription_trial VALUES (?, ?) ON CONFLICT DO NOTHING", (subscription_id, trial))
    return next(row for row in listing(history) if row["id"] == subscription_id)


def _insert(connection: sqlite3.Connection, wanted: Subscription, consent: Consent | None, now: str, *, everything: bool) -> int:
    cursor = connection.execute(
        """INSERT INTO subscription (address, kind, role, every_trial, topics, countries, least, every, timezone, language,
                                     secret_env, stop_token, state, created_at, consent_wording, consent_by, confirmed_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            wanted.address,
            wanted.kind,
            wanted.role,
            int(everything),
            json.dumps(sorted(wanted.topics)),
            json.dumps(sorted(wanted.countries)),
            wanted.least,
            wanted.every,
            wanted.timezone,
            wanted.language,
            wanted.secret_env,
            secrets.token_urlsafe(24),
            "active" if consent else "pending",
            now,
            consent.wording if consent else None,
            consent.by if consent else None,
            consent.confirmed_at if consent else None,
        ),
    )
    assert cursor.lastrowid is not None  # noqa: S101 - an INSERT has one
    return cursor.lastrowid


def _bring_up_to_date(connection: sqlite3.Connection, subscription_id: int, wanted: Subscription, consent: Consent | None) -> None:
    if consent:
        connection.execute(
            """UPDATE subscription SET state = 'active', consent_wording = ?, consent_by = ?, confirmed_at = ?,
               stopped_at = NULL, stopped_why = NULL WHERE id = ?""",
            (consent.wording, consent.by, consent.confirmed_at, subscription_id),
        )
    connection.execute(
        "UPDATE subscription SET language = ?, timezone = ?, secret_env = ?, countries = ? WHERE id = ?",
        (wanted.language, wanted.timezone, wanted.secret_env, json.dumps(sorted(wanted.countries)), subscription_id),
    )


def _same(connection: sqlite3.Connection, wanted: Subscription, trials: Sequence[str], search_id: int | None) -> int | None:
    rows = connection.execute(
        """SELECT id, (SELECT group_concat(trial) FROM (SELECT trial FROM subscription_trial
                       WHERE subscription_id = subscription.id ORDER BY trial)),
                  (SELECT search_id FROM subscription_search WHERE subscription_id = subscription.id)
           FROM subscription WHERE address = ? AND role = ? AND topics = ? AND least = ? AND every = ? AND every_trial = ?""",
        (
            wanted.address,
            wanted.role,
            json.dumps(sorted(wanted.topics)),
            wanted.least,
            wanted.every,
            int(not trials and search_id is None),
        ),
    )
    theirs = ",".join(sorted(set(trials))) or None
    return next((row[0] for row in rows if (row[1], row[2]) == (theirs, search_id)), None)


def following(history: History, trial: str) -> list[Subscription]:
    """The active subscriptions that follow this trial: by its id, by a search that found it, or as everything that is watched."""
    rows = history.rows(
        f"""WITH wanted (trial) AS (VALUES (?))
            SELECT subscription.* FROM subscription, wanted WHERE state = 'active' AND {_FOLLOWS} ORDER BY id""",  # noqa: S608 - no value is in it
        (trial,),
    )
    return [_subscription(row) for row in rows]


def by_id(history: History, subscription_id: int) -> Subscription:
    """A subscription that is known to be there."""
    row = history.one("SELECT * FROM subscription WHERE id = ?", (subscription_id,))
    assert row is not None  # noqa: S101 - ids come from foreign keys
    return _subscription(row)


def listing(history: History) -> list[Row]:
    """All subscriptions, with self-explaining keys; ``query``: the search that one follows, as JSON output shows it."""
    trials: dict[int, list[str]] = {}
    for row in history.rows("SELECT subscription_id, trial FROM subscription_trial ORDER BY trial"):
        trials.setdefault(row["subscription_id"], []).append(row["trial"])
    queries = {
        row["subscription_id"]: row
        for row in history.rows("SELECT subscription_id, query, watched FROM subscription_search JOIN search ON search.id = search_id")
    }
    return [
        {
            "id": row["id"],
            "address": row["address"],
            "kind": row["kind"],
            "role": row["role"],
            "trials": "all" if row["every_trial"] else trials.get(row["id"], []),
            "query": json.loads(queries[row["id"]]["query"]) if row["id"] in queries else None,
            "query_is_watched": bool(queries[row["id"]]["watched"]) if row["id"] in queries else None,
            "topics": json.loads(row["topics"]),
            "countries": json.loads(row["countries"]),
            "least": row["least"],
            "every": row["every"],
            "timezone": row["timezone"],
            "language": row["language"],
            "state": row["state"],
            "created_at": row["created_at"],
            "confirmed_at": row["confirmed_at"],
            "consent_by": row["consent_by"],
            "stopped_at": row["stopped_at"],
            "stopped_why": row["stopped_why"],
        }
        for row in history.rows("SELECT * FROM subscription ORDER BY id")
    ]


def stop(history: History, address: str, trials: Iterable[str], *, why: str, now: str) -> int:
    """Stop what an address hears of these trials, or (none named) of all; what waits for it is cancelled. How many were stopped.

    A subscription to several trials only loses the ones named; one to everything, or to what a search finds, loses none.
    """
    wanted = list(trials)
    with history.write() as connection:
        rows = connection.execute(
            "SELECT id, every_trial FROM subscription WHERE address = ? AND state != 'stopped'", (address,)
        ).fetchall()
        stopped = 0
        for subscription_id, every_trial in rows:
            if wanted and not every_trial:
                marks = ",".join("?" * len(wanted))
                gone = connection.execute(
                    f"DELETE FROM subscription_trial WHERE subscription_id = ? AND trial IN ({marks})",  # noqa: S608 - question marks only
                    (subscription_id, *wanted),
                ).rowcount
                stopped += bool(gone)
                if connection.execute("SELECT 1 FROM subscription_trial WHERE subscription_id = ?", (subscription_id,)).fetchone():
                    continue
                if not gone:
                    continue
            elif wanted:
                continue  # a subscription to everything, as one to a search above, is stopped as a whole, not by one trial
            else:
                stopped += 1
            _mark_stopped(connection, subscription_id, why, now)
        _cancel_waiting(connection, address, wanted)
    return stopped


def stop_search(history: History, address: str, search: Search, *, why: str, now: str) -> int:
    """Stop the subscriptions of an address to what a search finds; what waits for it and nothing else of it wants is cancelled."""
    query = search.to_json()
    with history.write() as connection:
        rows = connection.execute(
            """SELECT subscription.id FROM subscription JOIN subscription_search ON subscription_id = subscription.id
               JOIN search ON search.id = search_id WHERE address = ? AND state != 'stopped' AND query = ?""",
            (address, query),
        ).fetchall()
        for row in rows:
            _mark_stopped(connection, row[0], why, now)
        trials = connection.execute("SELECT trial FROM search_trial JOIN search ON search.id = search_id WHERE query = ?", (query,))
        found = [row[0] for row in trials]
        if found:
            _cancel_waiting(connection, address, found)
    return len(rows)


def stop_by_token(history: History, token: str, *, why: str, now: str) -> str | None:
    """Stop the one subscription that this secret belongs to; its address, or ``None`` for a secret of nobody's."""
    with history.write() as connection:
        row = connection.execute("SELECT id, address FROM subscription WHERE stop_token = ?", (token,)).fetchone()
        if row is None:
            return None
        _mark_stopped(connection, row[0], why, now)
        connection.execute("UPDATE notice SET state = 'cancelled' WHERE subscription_id = ? AND state IN ('pending', 'failed')", (row[0],))
        return str(row[1])


def stopped_by_holder(history: History, address: str) -> str | None:
    """When the holder of this address stopped a subscription, if that was ever done and not confirmed anew (UTC)."""
    row = history.one(
        "SELECT max(stopped_at) AS at FROM subscription WHERE address = ? AND state = 'stopped' AND stopped_why = 'holder'", (address,)
    )
    return row["at"] if row else None


def covers_everything(history: History, address: str) -> bool:
    """Has this address a live subscription to all that is watched?"""
    return history.one("SELECT 1 FROM subscription WHERE address = ? AND every_trial AND state != 'stopped'", (address,)) is not None


def covering_search(history: History, address: str, trials: Sequence[str]) -> Search | None:
    """The search by which a live subscription of this address follows one of these trials, if there is one."""
    row = history.one(
        """SELECT query FROM subscription JOIN subscription_search ON subscription_id = subscription.id
           JOIN search ON search.id = subscription_search.search_id JOIN search_trial ON search_trial.search_id = search.id
           WHERE address = ? AND state != 'stopped' AND trial IN (SELECT value FROM json_each(?))""",
        (address, json.dumps(list(trials))),
    )
    return from_json(row["query"]) if row else None


def _mark_stopped(connection: sqlite3.Connection, subscription_id: int, why: str, now: str) -> None:
    connection.execute(
        "UPDATE subscription SET state = 'stopped', stopped_at = ?, stopped_why = ? WHERE id = ? AND state != 'stopped'",
        (now, why, subscription_id),
    )


def _cancel_waiting(connection: sqlite3.Connection, address: str, trials: list[str]) -> None:
    """A change of mind takes effect for what is not yet sent: take the stopped trials' changes out, and cancel what is empty then."""
    connection.execute(
        f"""DELETE FROM notice_change WHERE notice_id IN (SELECT id FROM notice WHERE address = :address AND state IN ('pending', 'failed'))
            AND change_id IN (SELECT id FROM change WHERE :all OR trial IN (SELECT value FROM json_each(:trials)))
            AND NOT EXISTS (SELECT 1 FROM subscription JOIN change AS wanted ON wanted.id = notice_change.change_id
                            WHERE subscription.address = :address AND subscription.state = 'active' AND {_FOLLOWS})""",  # noqa: S608 - as above
        {"address": address, "all": int(not trials), "trials": json.dumps(trials)},
    )
    connection.execute(
        """UPDATE notice SET state = 'cancelled' WHERE address = ? AND state IN ('pending', 'failed')
           AND NOT EXISTS (SELECT 1 FROM notice_change WHERE notice_id = notice.id)""",
        (address,),
    )


def _subscription(row: Row) -> Subscription:
    return Subscription(
        id=row["id"],
        address=row["address"],
        kind=row["kind"],
        role=row["role"],
        topics=frozenset(json.loads(row["topics"])),
        countries=frozenset(json.loads(row["countries"])),
        least=row["least"],
        every=row["every"],
        timezone=row["timezone"],
        language=row["language"],
        stop_token=row["stop_token"],
        secret_env=row["secret_env"],
    )
