"""Which trials are watched, and which trial-finder pages show them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence

from db import absences
from db.connection import History, Row


def add(history: History, trials: Iterable[str], pages: Sequence[str], now: str) -> list[str]:
    """Watch these trials by hand, and these pages of the (one) trial; the trials that were not watched before."""
    trials = list(dict.fromkeys(trials))
    ids = json.dumps(trials)
    with history.write() as connection:
        unknown = set(_not_watched(connection, trials))
        know_all(connection, ids, now)
        connection.execute(
            """INSERT INTO watch (trial, added_at) SELECT value, ? FROM json_each(?) WHERE true
               ON CONFLICT (trial) DO UPDATE SET typed = 1 WHERE NOT typed""",
            (now, ids),
        )
        connection.execute("UPDATE search_trial SET dropped = 0 WHERE dropped AND trial IN (SELECT value FROM json_each(?))", (ids,))
        look_anew(connection, unknown)
        for trial in trials:
            for url in pages:
                connection.execute("INSERT INTO page (trial, url, added_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (trial, url, now))
    return [trial for trial in trials if trial in unknown]


def remove(history: History, trials: Iterable[str]) -> list[str]:
    """Stop watching these trials and their pages; what was recorded stays. The trials that were not watched.

    A search that found one of them does not bring it back.
    """
    trials = list(dict.fromkeys(trials))
    with history.write() as connection:
        unknown = _not_watched(connection, trials)
        ids = json.dumps(list(set(trials) - set(unknown)))
        connection.execute("UPDATE search_trial SET dropped = 1 WHERE trial IN (SELECT value FROM json_each(?))", (ids,))
        for table in ("watch", "page"):
            connection.execute(f"DELETE FROM {table} WHERE trial IN (SELECT value FROM json_each(?))", (ids,))  # noqa: S608 - the names are ours
    return unknown


def remove_page(history: History, trial: str, url: str) -> bool:
    """Stop looking at one page; was it watched?"""
    with history.write() as connection:
        return connection.execute("DELETE FROM page WHERE trial = ? AND url = ?", (trial, url)).rowcount > 0


def trials(history: History) -> list[str]:
    """The trials watched, in the order of their ids."""
    return [row["trial"] for row in history.rows("SELECT trial FROM watch ORDER BY trial")]


def watched(history: History, trials: Iterable[str]) -> set[str]:
    """Those of these ids that are watched themselves, whatever they were merged into."""
    rows = history.rows("SELECT trial FROM watch WHERE trial IN (SELECT value FROM json_each(?))", (json.dumps(list(trials)),))
    return {row["trial"] for row in rows}


def pages(history: History) -> list[tuple[str, str]]:
    """The pages watched: trial and URL."""
    return [(row["trial"], row["url"]) for row in history.rows("SELECT trial, url FROM page ORDER BY trial, id")]


def pages_of(history: History, trial: str) -> list[str]:
    """The pages of one trial that are watched."""
    return [row["url"] for row in history.rows("SELECT url FROM page WHERE trial = ? ORDER BY id", (trial,))]


def added(history: History) -> list[Row]:
    """The trials watched, in the order of their ids, and whether each was ``typed`` or only found by a search."""
    rows = history.rows("SELECT trial, added_at, typed FROM watch ORDER BY trial")
    return [{**row, "typed": bool(row["typed"])} for row in rows]


def listing(history: History) -> list[Row]:
    """Each watched trial with its status, title, pages and when it was last seen changed.

    ``listings``: how each page stands beside the registry (``standing``), when it was last read, and why it was not since.
    ``absent_since``: from when on the registry has not shown it, ``absence``: the state of that (see ``presence.Absence``); both ``None``
    where it does.
    """
    rows = history.rows(
        """SELECT current_status.*, watch.added_at FROM current_status JOIN watch ON watch.trial = current_status.trial
           ORDER BY current_status.trial"""
    )
    by_trial: dict[str, list[Row]] = {}
    for page in _standings(history):
        by_trial.setdefault(page.pop("trial"), []).append(page)
    missing = absences.every(history)
    return [
        {
            "trial": row["trial"],
            "brief_title": row["brief_title"],
            "overall_status": row["overall_status"],
            "pages": [page["url"] for page in by_trial.get(row["trial"], [])],
            "listings": by_trial.get(row["trial"], []),
            "versions": row["versions"] or 0,
            "registry_date": row["registry_date"],
            "changed_at": row["seen_at"],
            "added_at": row["added_at"],
            "absent_since": absent.since if (absent := missing.get(row["trial"])) else None,
            "absence": absent.state if absent else None,
        }
        for row in rows
    ]


def _standings(history: History) -> list[Row]:
    """The pages watched, each with how it stands; ``reason``: why it could not be read, ``None`` where it could."""
    return history.rows(
        """SELECT trial, url, json_extract(standing, '$.word') AS standing, read_at,
                  nullif(json_extract(standing, '$.reason'), '') AS reason
           FROM page ORDER BY trial, id"""
    )


def know(connection: sqlite3.Connection, trial: str, now: str) -> None:
    """Make the row that everything on a trial hangs on."""
    connection.execute("INSERT INTO trial (id, known_since) VALUES (?, ?) ON CONFLICT DO NOTHING", (trial, now))


def know_all(connection: sqlite3.Connection, ids: str, now: str) -> None:
    """The same for many; ``ids``: a JSON list."""
    connection.execute(
        "INSERT INTO trial (id, known_since) SELECT value, ? FROM json_each(?) WHERE true ON CONFLICT DO NOTHING", (now, ids)
    )


def look_anew(connection: sqlite3.Connection, trials: Iterable[str]) -> None:
    """Forget when these were looked at: nobody did while they were not watched, and a glance would not show all that has changed."""
    connection.execute("DELETE FROM look WHERE trial IN (SELECT value FROM json_each(?))", (json.dumps(list(trials)),))


def news(history: History, trial: str) -> bool:
    """Is it still to be told that a search found this trial?"""
    return history.one("SELECT 1 FROM watch WHERE trial = ? AND news = 1", (trial,)) is not None


def news_told(connection: sqlite3.Connection, trial: str) -> None:
    """Note that it is told, inside the caller's transaction."""
    connection.execute("UPDATE watch SET news = 0 WHERE trial = ? AND news = 1", (trial,))


def _not_watched(connection: sqlite3.Connection, trials: Sequence[str]) -> list[str]:
    rows = connection.execute("SELECT trial FROM watch WHERE trial IN (SELECT value FROM json_each(?))", (json.dumps(list(trials)),))
    watched = {row[0] for row in rows}
    return [trial for trial in trials if trial not in watched]
