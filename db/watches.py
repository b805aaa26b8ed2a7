"""Which trials are watched, and which trial-finder pages show them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from db.connection import History, Row


def add(history: History, trials: Iterable[str], pages: Sequence[str], now: str) -> list[str]:
    """Watch these trials, and these pages of the (one) trial; the trials that were not watched before."""
    trials = list(dict.fromkeys(trials))
    with history.write() as connection:
        new = [trial for trial in trials if not _is_watched(connection, trial)]
        for trial in trials:
            know(connection, trial, now)
            connection.execute("INSERT INTO watch (trial, added_at) VALUES (?, ?) ON CONFLICT DO NOTHING", (trial, now))
            for url in pages:
                connection.execute("INSERT INTO page (trial, url, added_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (trial, url, now))
    return new


def remove(history: History, trials: Iterable[str]) -> list[str]:
    """Stop watching these trials and their pages; what was recorded stays. The trials that were not watched."""
    trials = list(dict.fromkeys(trials))
    with history.write() as connection:
        unknown = [trial for trial in trials if not _is_watched(connection, trial)]
        for trial in trials:
            connection.execute("DELETE FROM watch WHERE trial = ?", (trial,))
            connection.execute("DELETE FROM page WHERE trial = ?", (trial,))
    return unknown


def remove_page(history: History, trial: str, url: str) -> bool:
    """Stop looking at one page; was it watched?"""
    with history.write() as connection:
        return connection.execute("DELETE FROM page WHERE trial = ? AND url = ?", (trial, url)).rowcount > 0


def trials(history: History) -> list[str]:
    """The trials watched, in the order of their ids."""
    return [row["trial"] for row in history.rows("SELECT trial FROM watch ORDER BY trial")]


def pages(history: History) -> list[tuple[str, str]]:
    """The pages watched: trial and URL."""
    return [(row["trial"], row["url"]) for row in history.rows("SELECT trial, url FROM page ORDER BY trial, id")]


def listing(history: History) -> list[Row]:
    """Each watched trial with its status, title, pages and when it was last seen changed."""
    rows = history.rows(
        """SELECT current_status.*, watch.added_at FROM current_status JOIN watch ON watch.trial = current_status.trial
           ORDER BY current_status.trial"""
    )
    by_trial: dict[str, list[str]] = {}
    for trial, url in pages(history):
        by_trial.setdefault(trial, []).append(url)
    return [
        {
            "trial": row["trial"],
            "brief_title": row["brief_title"],
            "overall_status": row["overall_status"],
            "pages": by_trial.get(row["trial"], []),
            "versions": row["versions"] or 0,
            "registry_date": row["registry_date"],
            "changed_at": row["seen_at"],
            "added_at": row["added_at"],
        }
        for row in rows
    ]


def know(connection: sqlite3.Connection, trial: str, now: str) -> None:
    """Make the row that everything on a trial hangs on."""
    connection.execute("INSERT INTO trial (id, known_since) VALUES (?, ?) ON CONFLICT DO NOTHING", (trial, now))


def _is_watched(connection: sqlite3.Connection, trial: str) -> bool:
    return connection.execute("SELECT 1 FROM watch WHERE trial = ?", (trial,)).fetchone() is not None
