"""Trials that the registry merged: the id that a record had, and the id that it is shown under now."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from db import watches
from db.connection import History


def current(history: History, trial: str) -> str:
    """The id that the registry shows this record under, as far as is known here: its own where that is watched again."""
    return current_ids(history, [trial])[0]


def current_ids(history: History, trials: Iterable[str]) -> list[str]:
    """The same for several, each once, in their order."""
    return shown_under(history.connection, trials)


def shown_under(connection: sqlite3.Connection, trials: Iterable[str]) -> list[str]:
    """The same inside the caller's transaction."""
    trials = list(trials)
    rows = connection.execute(
        """SELECT old, trial FROM alias WHERE old IN (SELECT value FROM json_each(?))
           AND NOT EXISTS (SELECT 1 FROM watch WHERE watch.trial = old)""",
        (json.dumps(trials),),
    )
    now_is = dict(rows.fetchall())
    return list(dict.fromkeys(now_is.get(trial, trial) for trial in trials))


def family(history: History, trial: str) -> list[str]:
    """Every id under which something may be kept on this trial, the current one first."""
    now = current(history, trial)
    return [now, *(row["old"] for row in history.rows("SELECT old FROM alias WHERE trial = ? ORDER BY old", (now,)))]


def former(history: History, trial: str) -> list[tuple[str, str]]:
    """The ids that were merged into this one, and when that was seen (UTC), in that order."""
    rows = history.rows("SELECT old, since FROM alias WHERE trial = ? ORDER BY since, old", (trial,))
    return [(row["old"], row["since"]) for row in rows]


def old_ids(history: History) -> set[str]:
    """Every id that was merged into another: few."""
    return {row["old"] for row in history.rows("SELECT old FROM alias")}


def former_ids(history: History, shown: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """For ids as the registry shows them, with the aliases that each names: the other ids that this program knows their records by.

    Left out are ids that are watched, since the aliases of these are found by asking for them, and aliases shown as records of their own.
    """
    named = {alias for names in shown.values() for alias in names} - shown.keys()
    rows = history.rows("SELECT id FROM trial WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(list(named)),)) if named else []
    known = {row["id"] for row in rows}
    if not known:
        return {}
    watched = watches.watched(history, [new for new, names in shown.items() if known.intersection(names)])
    found = {
        new: [each for each in current_ids(history, [name for name in names if name in known]) if each != new]
        for new, names in shown.items()
        if new not in watched
    }
    return {new: ids for new, ids in found.items() if ids}


def merge(history: History, old: str, new: str, now: str) -> None:
    """Let everything that hangs on ``old`` go on under ``new``, inside the caller's transaction.

    The watch, its pages, what searches found and the subscriptions move; so does it that ``old`` was removed by hand, unless ``new`` is
    watched then. The versions move when nothing is held under ``new``, so that
    the next record is compared with them; else they stay, and are shown as the other branch of one history. Changes keep the id
    under which they were told.
    """
    connection = history.connection
    watches.know(connection, new, now)
    connection.execute("UPDATE alias SET trial = ? WHERE trial = ?", (new, old))
    connection.execute("DELETE FROM alias WHERE old = ?", (new,))
    connection.execute(
        "INSERT INTO alias (old, trial, since) VALUES (?, ?, ?) ON CONFLICT (old) DO UPDATE SET trial = excluded.trial", (old, new, now)
    )
    _move_watch(connection, old, new)
    dropped = connection.execute("SELECT max(dropped) FROM search_trial WHERE trial IN (?, ?)", (old, new)).fetchone()[0]
    for table in ("subscription_trial", "search_trial", "duty"):
        connection.execute(f"UPDATE OR IGNORE {table} SET trial = ? WHERE trial = ?", (new, old))  # noqa: S608 - the names are ours
        connection.execute(f"DELETE FROM {table} WHERE trial = ?", (old,))  # noqa: S608
    connection.execute(
        "UPDATE search_trial SET dropped = :dropped AND NOT EXISTS (SELECT 1 FROM watch WHERE trial = :new) WHERE trial = :new",
        {"dropped": bool(dropped), "new": new},
    )
    if connection.execute("SELECT 1 FROM version WHERE trial = ? AND source = 'ctgov'", (new,)).fetchone() is None:
        connection.execute("UPDATE version SET trial = ? WHERE trial = ? AND source = 'ctgov'", (new, old))
    for table in ("look", "staged"):
        connection.execute(f"DELETE FROM {table} WHERE trial = ?", (old,))  # noqa: S608
    connection.execute("DELETE FROM unparsed WHERE trial = ? AND source = 'ctgov'", (old,))


def part(connection: sqlite3.Connection, old: str) -> None:
    """The registry shows a record of its own under ``old`` again, inside the caller's transaction; what was moved stays where it is."""
    connection.execute("DELETE FROM alias WHERE old = ?", (old,))


def _move_watch(connection: sqlite3.Connection, old: str, new: str) -> None:
    connection.execute(
        """INSERT INTO watch (trial, added_at, typed, news) SELECT ?, added_at, typed, news FROM watch WHERE trial = ?
           ON CONFLICT (trial) DO UPDATE SET typed = max(typed, excluded.typed)""",
        (new, old),
    )
    connection.execute("DELETE FROM watch WHERE trial = ?", (old,))
    urls = [row[0] for row in connection.execute("SELECT url FROM page WHERE trial = ?", (old,))]
    connection.execute("UPDATE OR IGNORE page SET trial = ? WHERE trial = ?", (new, old))
    connection.execute("DELETE FROM page WHERE trial = ?", (old,))
    for url in urls:  # a page's history goes with it, unless the other id has one of its own
        if connection.execute("SELECT 1 FROM version WHERE trial = ? AND source = ?", (new, url)).fetchone() is None:
            connection.execute("UPDATE version SET trial = ? WHERE trial = ? AND source = ?", (new, old, url))
