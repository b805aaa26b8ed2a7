"""Which searches are watched, and which trials they found.

What a search found stays its find, also when the trial leaves the search; a trial removed from the watch by hand (``dropped``) is
brought back by no search, until it is added by hand again or the searches that found it are removed.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence

import msgspec

from db import aliases, watches
from db.cards import folded
from db.connection import History, Row
from registry_sync.sources.ctgov_search import Search, from_json


class Stored(msgspec.Struct, frozen=True):
    """A watched search. ``complete``: it was run to its end before, so what it finds now is news; ``release``: of the last such run."""

    id: int
    search: Search
    complete: bool
    release: str | None


class Removed(msgspec.Struct, frozen=True):
    """What became of a search: ``trials`` no longer watched since only it had found them; ``followers``: subscriptions that stay."""

    trials: int
    followers: int


def add(history: History, search: Search, now: str) -> bool:
    """Watch a search; was it not watched before? It begins anew: what it finds until its first run ends is no news."""
    with history.write() as connection:
        search_id = know(connection, search, now)
        return (
            connection.execute(
                """UPDATE search SET watched = 1, added_at = ?, release = NULL, complete_at = NULL, total = NULL, looked_at = NULL
                   WHERE id = ? AND NOT watched""",
                (now, search_id),
            ).rowcount
            > 0
        )


def know(connection: sqlite3.Connection, search: Search, now: str) -> int:
    """The id of a search, kept (unwatched) from now on if it was not."""
    query = search.to_json()
    connection.execute("INSERT INTO search (query, added_at, watched) VALUES (?, ?, 0) ON CONFLICT DO NOTHING", (query, now))
    return int(connection.execute("SELECT id FROM search WHERE query = ?", (query,)).fetchone()[0])


def remove(history: History, search: Search) -> Removed | None:
    """Watch a search no more, nor the trials that were watched for it alone; their history is kept. ``None``: it was not watched.

    The search and its finds stay on record as long as a subscription follows it.
    """
    with history.write() as connection:
        row = connection.execute("SELECT id FROM search WHERE query = ? AND watched", (search.to_json(),)).fetchone()
        if row is None:
            return None
        found_by_it_alone = """SELECT watch.trial FROM watch JOIN search_trial ON search_trial.trial = watch.trial
            WHERE search_trial.search_id = :search AND NOT watch.typed AND NOT EXISTS (
                SELECT 1 FROM search_trial AS other JOIN search ON search.id = other.search_id
                WHERE other.trial = watch.trial AND other.search_id != :search AND search.watched AND NOT other.dropped)"""
        alone = json.dumps([each[0] for each in connection.execute(found_by_it_alone, {"search": row[0]})])
        for table in ("watch", "page"):
            connection.execute(f"DELETE FROM {table} WHERE trial IN (SELECT value FROM json_each(?))", (alone,))  # noqa: S608 - the names are ours
        connection.execute("UPDATE search SET watched = 0 WHERE id = ?", row)
        connection.execute("DELETE FROM search_trial WHERE search_id = ? AND dropped", row)
        followers = connection.execute(
            """SELECT count(*) FROM subscription_search JOIN subscription ON subscription.id = subscription_search.subscription_id
               WHERE search_id = ? AND state != 'stopped'""",
            row,
        ).fetchone()[0]
        _forget_unused(connection)
        return Removed(len(json.loads(alone)), followers)


def _forget_unused(connection: sqlite3.Connection) -> None:
    connection.execute(
        """DELETE FROM search WHERE NOT watched
           AND NOT EXISTS (SELECT 1 FROM subscription_search WHERE search_id = search.id)"""
    )


def is_watched(history: History, search: Search) -> bool:
    """Is exactly this search watched?"""
    return history.one("SELECT 1 FROM search WHERE query = ? AND watched", (search.to_json(),)) is not None


def every(history: History) -> list[Row]:
    """The searches watched, in the order of their adding; ``found``: how many trials the registry said when it was last run."""
    rows = history.rows("SELECT query, total AS found, added_at, looked_at FROM search WHERE watched ORDER BY id")
    return [{**row, "query": json.loads(row["query"])} for row in rows]


def finders(history: History) -> dict[str, list[dict[str, str]]]:
    """For each trial that a watched search found: the searches, as JSON output shows them."""
    queries = {row["id"]: json.loads(row["query"]) for row in history.rows("SELECT id, query FROM search WHERE watched")}
    found: dict[str, list[dict[str, str]]] = {}
    for row in history.rows("SELECT trial, search_id FROM search_trial WHERE NOT dropped ORDER BY search_id"):
        if row["search_id"] in queries:
            found.setdefault(row["trial"], []).append(queries[row["search_id"]])
    return found


def listing(history: History) -> list[Row]:
    """All that is watched: the trials, each with the searches that found it, then the searches (their ``trial`` is ``None``)."""
    found_by = finders(history)
    trials = [{**row, "found_by": found_by.get(row["trial"], [])} for row in watches.listing(history)]
    return trials + [{"trial": None, **row} for row in every(history)]


def on(history: History, condition: str) -> list[tuple[int, Search]]:
    """The watched searches for a condition, whatever its case, accents and quotation marks, with their ids."""
    wanted = folded(condition)
    rows = history.rows("SELECT id, query FROM search WHERE watched ORDER BY id")
    return [(row["id"], from_json(row["query"])) for row in rows if folded(json.loads(row["query"]).get("cond", "").strip('"')) == wanted]


def that_found(history: History, trials: Sequence[str]) -> set[str]:
    """Those of these trials that a watched search found."""
    rows = history.rows(
        """SELECT DISTINCT trial FROM search_trial JOIN search ON search.id = search_id
           WHERE watched AND trial IN (SELECT value FROM json_each(?))""",
        (json.dumps(list(trials)),),
    )
    return {row["trial"] for row in rows}


# --- for the sync ------------------------------------------------------------------------------------------------------


def pending(history: History, release: str | None) -> list[Stored]:
    """The watched searches that were not run to their end in this data release; all of them when it is not known (``None``)."""
    rows = history.rows(
        """SELECT id, query, complete_at, release FROM search
           WHERE watched AND (:release IS NULL OR release IS NOT :release) ORDER BY id""",
        {"release": release},
    )
    return [Stored(row["id"], from_json(row["query"]), row["complete_at"] is not None, row["release"]) for row in rows]


def renamed(history: History, shown: Mapping[str, Sequence[str]], now: str) -> dict[str, str]:
    """Which of these finds, each with the aliases that it names, are known here under another id; and under which.

    Such a find counts as that id: to ask for its record is what tells of the merger, with all that hangs on it. A trial that was removed
    by hand stays so under its new id, and there is nothing to ask and to tell.
    """
    former = aliases.former_ids(history, shown)
    if not former:
        return {}
    every_id = [old for ids in former.values() for old in ids]
    watched = watches.watched(history, every_id)
    rows = history.rows(
        "SELECT DISTINCT trial FROM search_trial WHERE dropped AND trial IN (SELECT value FROM json_each(?))", (json.dumps(every_id),)
    )
    dropped = {row["trial"] for row in rows}
    counts_as = {}
    for new, ids in former.items():
        known = [old for old in ids if old in watched] or [old for old in ids if old not in dropped]
        if known:
            counts_as[new] = known[0]
            continue
        for old in ids:
            with history.write():
                aliases.merge(history, old, new, now)
    return counts_as


def found(connection: sqlite3.Connection, search_id: int, trials: Sequence[str], now: str) -> list[str]:
    """Note what a search found, inside the caller's transaction, and watch it; the trials that were not watched before.

    ``trials`` are ids as the registry shows them; those known as merged count as the one they are now. A handful of statements,
    whatever their number. The first record of a newly watched trial is to be told as found (``watch.news``) when the search was
    complete before.
    """
    row = connection.execute("SELECT complete_at IS NOT NULL FROM search WHERE id = ? AND watched", (search_id,)).fetchone()
    if row is None:
        return []  # removed while it was run
    ids = json.dumps(aliases.shown_under(connection, trials))
    watches.know_all(connection, ids, now)
    finds = connection.execute(
        """INSERT INTO search_trial (search_id, trial, found_at, dropped)
           SELECT ?, value, ?, EXISTS (SELECT 1 FROM search_trial WHERE trial = value AND dropped) FROM json_each(?)
           WHERE true ON CONFLICT DO NOTHING RETURNING trial""",
        (search_id, now, ids),
    ).fetchall()
    is_news = bool(row[0])
    if is_news:
        _make_news(connection, [each[0] for each in finds])
    new = connection.execute(
        """INSERT INTO watch (trial, added_at, typed, news)
           SELECT trial, ?, 0, ? FROM search_trial
           WHERE search_id = ? AND NOT dropped AND trial IN (SELECT value FROM json_each(?))
           ON CONFLICT DO NOTHING RETURNING trial""",
        (now, is_news, search_id, ids),
    ).fetchall()
    watches.look_anew(connection, [each[0] for each in new])
    return [each[0] for each in new]


def _make_news(connection: sqlite3.Connection, finds: Sequence[str]) -> None:
    """Trials that another search brought in a moment ago, by its own first run, are news all the same to those who follow this one."""
    connection.execute(
        """UPDATE watch SET news = 1 WHERE NOT typed AND trial IN (SELECT value FROM json_each(?))
           AND NOT EXISTS (SELECT 1 FROM version WHERE version.trial = watch.trial AND source = 'ctgov')""",
        (json.dumps(finds),),
    )


def finished(connection: sqlite3.Connection, search_id: int, release: str | None, total: int | None, now: str) -> None:
    """Note that a search was run to its end, inside the caller's transaction; ``total``: how many trials the registry said."""
    connection.execute(
        """UPDATE search SET release = :release, total = coalesce(:total, total), complete_at = coalesce(complete_at, :now),
                             looked_at = :now
           WHERE id = :search AND watched""",
        {"release": release, "total": total, "now": now, "search": search_id},
    )
