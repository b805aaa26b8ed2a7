"""Who hears of what: subscriptions, their state, and the consent behind them."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from db import searches, stops, watches
from db.aliases import shown_under
from db.connection import History, Row
from db.register import Register
from registry_sync.notices.route import Subscription
from registry_sync.sources.ctgov_search import Search, from_json

_FOLLOWS = """(every_trial
    OR EXISTS (SELECT 1 FROM subscription_trial WHERE subscription_id = subscription.id AND subscription_trial.trial = wanted.trial)
    OR EXISTS (SELECT 1 FROM subscription_search JOIN search_trial USING (search_id)
               WHERE subscription_id = subscription.id AND search_trial.trial = wanted.trial))"""
"""Does a ``subscription`` follow ``wanted.trial``?"""


_LIVE = "(state != 'stopped' OR stopped_why = 'bounces')"
"""Not stopped by anybody's wish: refusals stop what is sent, not what is wanted."""
HOLDER = "holder"
"""Who gave consent, when the holder of the address did so by the mailed link."""


class Consent(msgspec.Struct, frozen=True):
    """The proof of consent: to which wording, asked when, given when (UTC; ``None``: not yet), and who says so.

    ``by``: the operator who vouched, or the holder by the mailed link.
    """

    wording: str
    by: str | None
    confirmed_at: str | None


def add(
    history: History,
    wanted: Subscription,
    trials: Sequence[str],
    *,
    consent: Consent,
    now: str,
    search: Search | None = None,
    instead: bool = False,
    register: Register | None = None,
) -> Row:
    """Keep a subscription to these trials, or to all that ``search`` finds (neither: to all that is watched); its row in ``listing``.

    The same wish of the same address is one subscription, not two: it is brought up to date. Consent that was given makes it active; else
    it is pending. ``instead``: the address's other subscriptions to just these trials, or this search, end. ``register``: of many that
    are kept in one transaction.
    """
    register = register or Register(history)
    with history.write() as connection:
        search_id = searches.know(connection, search, now) if search else None
        subscription_id = register.find(wanted, trials, search_id)
        if subscription_id is None:
            subscription_id = _insert(connection, wanted, consent, now, everything=not trials and search is None)
            register.enter(subscription_id, wanted, trials, search_id)
        else:
            _bring_up_to_date(connection, subscription_id, wanted, consent)
        if consent.confirmed_at:
            stops.forget(connection, wanted.address, by_holder=consent.by == HOLDER)
        if instead and consent.confirmed_at:
            for other in _to_the_same(connection, wanted.address, trials, search_id):
                if other != subscription_id:
                    _mark_stopped(connection, other, "replaced", now)
        if search_id is not None:
            connection.execute("INSERT INTO subscription_search VALUES (?, ?) ON CONFLICT DO NOTHING", (subscription_id, search_id))
        if trials:
            these = json.dumps(list(trials))
            watches.know_all(connection, these, now)
            connection.execute(
                "INSERT INTO subscription_trial SELECT ?, value FROM json_each(?) WHERE true ON CONFLICT DO NOTHING",
                (subscription_id, these),
            )
    return listing(history, subscription_id)[0]


def _insert(connection: sqlite3.Connection, wanted: Subscription, consent: Consent, now: str, *, everything: bool) -> int:
    cursor = connection.execute(
        """INSERT INTO subscription (address, kind, role, every_trial, topics, countries, least, every, timezone, language,
                                     secret_env, stop_token, hold, state, created_at, asked_at, consent_wording, consent_by, confirmed_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
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
            int(wanted.hold),
            "active" if consent.confirmed_at else "pending",
            now,
            now,
            consent.wording,
            consent.by,
            consent.confirmed_at,
        ),
    )
    assert cursor.lastrowid is not None  # noqa: S101 - an INSERT has one
    return cursor.lastrowid


def _bring_up_to_date(connection: sqlite3.Connection, subscription_id: int, wanted: Subscription, consent: Consent) -> None:
    """Consent that is there is not taken away by asking again."""
    if consent.confirmed_at:
        connection.execute(
            """UPDATE subscription SET state = 'active', consent_wording = ?, consent_by = ?, confirmed_at = ?,
               stopped_at = NULL, stopped_why = NULL, bulletin = NULL WHERE id = ?""",
            (consent.wording, consent.by, consent.confirmed_at, subscription_id),
        )
    connection.execute(
        "UPDATE subscription SET language = ?, timezone = ?, secret_env = ?, hold = ? WHERE id = ?",
        (wanted.language, wanted.timezone, wanted.secret_env, int(wanted.hold), subscription_id),
    )


def _to_the_same(connection: sqlite3.Connection, address: str, trials: Sequence[str], search_id: int | None) -> list[int]:
    """The subscriptions of an address to just these trials, or this search, or everything."""
    rows = connection.execute(
        """SELECT id, (SELECT group_concat(trial) FROM (SELECT trial FROM subscription_trial
                       WHERE subscription_id = subscription.id ORDER BY trial)),
                  (SELECT search_id FROM subscription_search WHERE subscription_id = subscription.id)
           FROM subscription WHERE address = ? AND every_trial = ?""",
        (address, int(not trials and search_id is None)),
    )
    theirs = ",".join(sorted(set(trials))) or None
    return [row[0] for row in rows if (row[1], row[2]) == (theirs, search_id)]


def kept_as(
    history: History, wanted: Subscription, trials: Sequence[str], search: Search | None, register: Register | None = None
) -> Row | None:  # fmt: skip
    """The subscription by which this address wants, or wanted, the same of the same: ``id``, ``state``, ``stopped_at``, ``stopped_why``."""
    found = _same(history, wanted, trials, search, register)
    return history.one("SELECT id, state, stopped_at, stopped_why FROM subscription WHERE id = ?", (found,)) if found is not None else None


def _same(
    history: History, wanted: Subscription, trials: Sequence[str], search: Search | None, register: Register | None = None
) -> int | None:  # fmt: skip
    known = history.one("SELECT id FROM search WHERE query = ?", (search.to_json(),)) if search else None
    if search and known is None:
        return None
    return (register or Register(history)).find(wanted, trials, known["id"] if known else None)


def following(history: History, trial: str) -> Iterator[Subscription]:
    """The active subscriptions that follow this trial, those of one address in a row: by its id, by a search, or as all that is watched."""
    cursor = history.connection.execute(
        f"""WITH wanted (trial) AS (VALUES (?))
            SELECT {_COLUMNS} FROM subscription, wanted WHERE state = 'active' AND {_FOLLOWS} ORDER BY address, id""",  # noqa: S608 - no value is in it
        (trial,),
    )
    return map(_read, cursor)


def behind(history: History, notices: Iterable[str]) -> dict[str, dict[str, list[Subscription]]]:
    """By notice and by trial that it tells of: the active subscriptions of its address that follow this trial now, and those that refusals
    have stopped: nothing is sent for these, and what waits is not given up.

    What was told under an id that was merged since is followed by the new one.
    """
    ids = json.dumps(list(notices))
    trials = history.rows(
        """SELECT DISTINCT notice_id, change.trial FROM notice_change JOIN change ON change.id = change_id
           WHERE notice_id IN (SELECT value FROM json_each(?))""",
        (ids,),
    )
    shown = {trial: shown_under(history.connection, [trial])[0] for trial in {row["trial"] for row in trials}}
    asked = [[row["notice_id"], row["trial"], trial] for row in trials for trial in {row["trial"], shown[row["trial"]]}]
    cursor = history.connection.execute(
        f"""WITH wanted (notice_id, told, trial) AS
                (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]') FROM json_each(?))
            SELECT DISTINCT notice_id, told, {_COLUMNS} FROM wanted JOIN notice ON notice.id = notice_id
            JOIN subscription ON subscription.address = notice.address
                AND (subscription.state = 'active' OR (subscription.state = 'stopped' AND stopped_why = 'bounces'))
            WHERE {_FOLLOWS} ORDER BY subscription.id""",  # noqa: S608 - no value is in it
        (json.dumps(asked),),
    )
    found: dict[str, dict[str, list[Subscription]]] = {}
    for notice_id, told, *row in cursor:
        found.setdefault(notice_id, {}).setdefault(told, []).append(_read(row))
    return found


def alike(history: History, subscription_id: int) -> list[Subscription]:
    """The active subscriptions of the same address to the same trials, or search, or everything; this one among them when it is active."""
    row = history.one("SELECT address, every_trial FROM subscription WHERE id = ?", (subscription_id,))
    assert row is not None  # noqa: S101 - it was just kept
    trials = [each["trial"] for each in history.rows("SELECT trial FROM subscription_trial WHERE subscription_id = ?", (subscription_id,))]
    search = history.one("SELECT search_id FROM subscription_search WHERE subscription_id = ?", (subscription_id,))
    ids = _to_the_same(history.connection, row["address"], trials, search["search_id"] if search else None)
    cursor = history.connection.execute(
        f"SELECT {_COLUMNS} FROM subscription WHERE state = 'active' AND id IN (SELECT value FROM json_each(?)) ORDER BY id",  # noqa: S608
        (json.dumps(ids),),
    )
    return [_read(each) for each in cursor]


def beside(history: History, subscription_id: int) -> list[Subscription]:
    """The other active subscriptions of the same address by which it hears of all the trials that this one follows."""
    cursor = history.connection.execute(
        f"""WITH mine AS (SELECT * FROM subscription WHERE id = ?)
            SELECT {_COLUMNS} FROM subscription
            WHERE state = 'active' AND address = (SELECT address FROM mine) AND id != (SELECT id FROM mine) AND (
                every_trial
                OR EXISTS (SELECT 1 FROM subscription_search AS theirs JOIN subscription_search AS ours USING (search_id)
                           WHERE theirs.subscription_id = subscription.id AND ours.subscription_id = (SELECT id FROM mine))
                OR (EXISTS (SELECT 1 FROM subscription_trial WHERE subscription_id = (SELECT id FROM mine))
                    AND NOT EXISTS (SELECT 1 FROM subscription_trial AS ours WHERE ours.subscription_id = (SELECT id FROM mine)
                                    AND NOT EXISTS (SELECT 1 FROM subscription_trial AS theirs
                                                    WHERE theirs.subscription_id = subscription.id AND theirs.trial = ours.trial))))
            ORDER BY id""",  # noqa: S608 - no value is in it
        (subscription_id,),
    )
    return [_read(each) for each in cursor]


def telling(history: History, address: str, trials: Sequence[str], search: Search | None) -> list[Subscription]:
    """The active subscriptions by which an address hears of all of these trials, or of what this search finds (neither: all watched)."""
    cursor = history.connection.execute(
        f"""SELECT {_COLUMNS} FROM subscription WHERE state = 'active' AND address = :address AND (
                every_trial
                OR EXISTS (SELECT 1 FROM subscription_search JOIN search ON search.id = search_id
                           WHERE subscription_id = subscription.id AND query = :query)
                OR (:trials != '[]' AND NOT EXISTS (
                    SELECT 1 FROM json_each(:trials) AS ours WHERE NOT EXISTS (
                        SELECT 1 FROM subscription_trial WHERE subscription_id = subscription.id AND trial = ours.value))))
            ORDER BY id""",  # noqa: S608 - no value is in it
        {"address": address, "trials": json.dumps(list(trials)), "query": search.to_json() if search else None},
    )
    return [_read(each) for each in cursor]


def same(history: History, wanted: Subscription, trials: Sequence[str], search: Search | None) -> Subscription | None:
    """The subscription of this address by which it wants, or wanted, the same of the same."""
    found = _same(history, wanted, trials, search)
    return by_id(history, found) if found is not None else None


def change(history: History, subscription_id: int, wanted: Subscription) -> None:
    """Tell by this subscription what ``wanted`` says, as often, and in its language, of what it follows."""
    history.write_one(
        "UPDATE subscription SET topics = ?, countries = ?, least = ?, every = ?, timezone = ?, language = ? WHERE id = ?",
        (
            json.dumps(sorted(wanted.topics)),
            json.dumps(sorted(wanted.countries)),
            wanted.least,
            wanted.every,
            wanted.timezone,
            wanted.language,
            subscription_id,
        ),
    )


def forget_unasked(connection: sqlite3.Connection, subscription_id: int) -> None:
    """Delete, inside the caller's transaction, a subscription that waits for a yes which nobody is asked for."""
    connection.execute(
        """DELETE FROM subscription WHERE id = ? AND state = 'pending'
           AND NOT EXISTS (SELECT 1 FROM confirmation WHERE subscription_id = subscription.id)""",
        (subscription_id,),
    )


def by_id(history: History, subscription_id: int) -> Subscription:
    """A subscription that is known to be there."""
    row = history.connection.execute(f"SELECT {_COLUMNS} FROM subscription WHERE id = ?", (subscription_id,)).fetchone()  # noqa: S608
    return _read(row)


def is_kept(history: History, subscription_id: int) -> bool:
    """Is anything held on this subscription?"""
    return history.one("SELECT 1 FROM subscription WHERE id = ?", (subscription_id,)) is not None


def listing(history: History, subscription_id: int | None = None, *, address: str | None = None) -> list[Row]:
    """All subscriptions, one, or those of an address, with self-explaining keys; ``query``: the search that one follows, as shown."""
    only = "IS NOT :value"
    if address is not None:
        only = "IN (SELECT id FROM subscription WHERE address = :value)"
    elif subscription_id is not None:
        only = "= :value"
    values = {"value": subscription_id if address is None else address}
    trials: dict[int, list[str]] = {}
    for row in history.rows(
        f"SELECT subscription_id, trial FROM subscription_trial WHERE subscription_id {only} ORDER BY trial",  # noqa: S608 - no value is in it
        values,
    ):
        trials.setdefault(row["subscription_id"], []).append(row["trial"])
    queries = {
        row["subscription_id"]: row
        for row in history.rows(
            f"""SELECT subscription_id, query, watched FROM subscription_search JOIN search ON search.id = search_id
                WHERE subscription_id {only}""",  # noqa: S608 - no value is in it
            values,
        )
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
            "hold": bool(row["hold"]),
            "created_at": row["created_at"],
            "asked_at": row["asked_at"],
            "confirmed_at": row["confirmed_at"],
            "consent_by": row["consent_by"],
            "consent_wording": row["consent_wording"],
            "stopped_at": row["stopped_at"],
            "stopped_why": row["stopped_why"],
        }
        for row in history.rows(f"SELECT * FROM subscription WHERE id {only} ORDER BY id", values)  # noqa: S608 - no value is in it
    ]


def stop(history: History, address: str, trials: Iterable[str], *, why: stops.Why, now: str) -> int:
    """Stop what an address hears of these trials, or (none named) of all; how many subscriptions that touched.

    A subscription to several trials only loses the ones named; one to everything, or to what a search finds, loses none.
    """
    wanted = list(trials)
    with history.write() as connection:
        rows = connection.execute(
            f"SELECT id, every_trial FROM subscription WHERE address = ? AND {_LIVE}",  # noqa: S608 - no value is in it
            (address,),
        ).fetchall()
        stopped = [row[0] for row in rows if not wanted]
        touched = len(stopped)
        for subscription_id, every_trial in rows if wanted else ():
            if every_trial:
                continue  # a subscription to everything, as one to a search, is stopped as a whole, not by one trial
            gone = connection.execute(
                "DELETE FROM subscription_trial WHERE subscription_id = ? AND trial IN (SELECT value FROM json_each(?))",
                (subscription_id, json.dumps(wanted)),
            ).rowcount
            touched += bool(gone)
            if gone and not connection.execute("SELECT 1 FROM subscription_trial WHERE subscription_id = ?", (subscription_id,)).fetchone():
                stopped.append(subscription_id)
        _mark_all_stopped(connection, stopped, address, why, now)
    return touched


def take_out(history: History, subscription_id: int, trials: Iterable[str]) -> None:
    """Tell no more of these trials by one subscription that names its trials; where none would be left, nothing is taken out."""
    wanted = json.dumps(list(trials))
    with history.write() as connection:
        connection.execute(
            """DELETE FROM subscription_trial WHERE subscription_id = :id AND trial IN (SELECT value FROM json_each(:wanted))
               AND EXISTS (SELECT 1 FROM subscription_trial AS other WHERE other.subscription_id = :id
                           AND other.trial NOT IN (SELECT value FROM json_each(:wanted)))""",
            {"id": subscription_id, "wanted": wanted},
        )


def stop_search(history: History, address: str, search: Search, *, why: stops.Why, now: str) -> int:
    """Stop the subscriptions of an address to what a search finds; how many."""
    with history.write() as connection:
        rows = connection.execute(
            f"""SELECT subscription.id FROM subscription JOIN subscription_search ON subscription_id = subscription.id
               JOIN search ON search.id = search_id WHERE address = ? AND {_LIVE} AND query = ?""",  # noqa: S608 - no value is in it
            (address, search.to_json()),
        ).fetchall()
        _mark_all_stopped(connection, [row[0] for row in rows], address, why, now)
    return len(rows)


def stop_one(history: History, subscription_id: int, *, why: stops.Why, now: str) -> str | None:
    """Stop one subscription; its address, or ``None`` when there is no such subscription any more."""
    with history.write() as connection:
        row = connection.execute("SELECT address FROM subscription WHERE id = ?", (subscription_id,)).fetchone()
        if row is None:
            return None
        # also of one that is stopped already, by the operator or by refusals: from now on it is its holder's wish, which nobody's outweighs
        _mark_all_stopped(connection, [subscription_id], row[0], why, now)
        connection.execute("UPDATE subscription SET stopped_why = ? WHERE id = ? AND stopped_why IS NOT 'holder'", (why, subscription_id))
        return str(row[0])


def of_older_token(history: History, token: str) -> int | None:
    """The subscription that a secret belongs to which mails carried before links were signed."""
    row = history.one("SELECT id FROM subscription WHERE stop_token = ?", (token,))
    return row["id"] if row else None


def bounced(connection: sqlite3.Connection, address: str, most: int, now: str) -> int:
    """Stop all that an address hears when so many of its notices in a row were refused for good; how many subscriptions that stopped.

    Refusals before the last notice that arrived, or before consent was last given, do not count.
    """
    row = connection.execute(
        """SELECT count(*) FROM notice WHERE address = :address AND state = 'failed'
           AND failed_at > coalesce((SELECT max(sent_at) FROM notice WHERE address = :address AND state = 'sent'), '')
           AND failed_at >= coalesce((SELECT max(confirmed_at) FROM subscription WHERE address = :address AND state = 'active'), '')""",
        {"address": address},
    ).fetchone()
    if row[0] < most:
        return 0
    return connection.execute(
        "UPDATE subscription SET state = 'stopped', stopped_at = ?, stopped_why = 'bounces' WHERE address = ? AND state = 'active'",
        (now, address),
    ).rowcount


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


def _mark_all_stopped(connection: sqlite3.Connection, ids: Iterable[int], address: str, why: stops.Why, now: str) -> None:
    for subscription_id in ids:
        _mark_stopped(connection, subscription_id, why, now)
        stops.note(connection, address, why, now)


def _mark_stopped(connection: sqlite3.Connection, subscription_id: int, why: str, now: str) -> None:
    connection.execute(
        f"UPDATE subscription SET state = 'stopped', stopped_at = ?, stopped_why = ? WHERE id = ? AND {_LIVE}",  # noqa: S608
        (now, why, subscription_id),
    )


_COLUMNS = """subscription.id, subscription.address, subscription.kind, role, topics, countries, least, subscription.every, timezone,
language, stop_token, secret_env, hold, subscription.state = 'stopped'"""


def _read(row: Sequence[Any]) -> Subscription:
    id_, address, kind, role, topics, countries, least, every, timezone, language, stop_token, secret_env, hold, stopped = row
    return Subscription(
        id=id_,
        address=address,
        kind=kind,
        role=role,
        topics=_names(topics),
        countries=_names(countries),
        least=least,
        every=every,
        timezone=timezone,
        language=language,
        stop_token=stop_token,
        secret_env=secret_env,
        hold=bool(hold),
        bounced=bool(stopped),
    )


@lru_cache(maxsize=256)
def _names(text: str) -> frozenset[str]:
    return frozenset(json.loads(text))
