"""A source or a page in trouble: opened once, counted, closed once."""

from __future__ import annotations

import sqlite3

from db.connection import History, Row


def trouble(connection: sqlite3.Connection, source: str, error: str, now: str) -> bool:
    """Note that a source is in trouble, inside the caller's transaction; is this the first time since it was well?"""
    count = connection.execute("SELECT times FROM incident WHERE source = ? AND closed_at IS NULL", (source,)).fetchone()
    if count is None:
        connection.execute("INSERT INTO incident (source, opened_at, last_at, error) VALUES (?, ?, ?, ?)", (source, now, now, error))
        return True
    connection.execute(
        "UPDATE incident SET times = times + 1, last_at = ?, error = ? WHERE source = ? AND closed_at IS NULL", (now, error, source)
    )
    return False


def well(connection: sqlite3.Connection, source: str, now: str) -> bool:
    """Note that a source is well; was it in trouble?"""
    return connection.execute("UPDATE incident SET closed_at = ? WHERE source = ? AND closed_at IS NULL", (now, source)).rowcount > 0


def open_ones(history: History) -> list[Row]:
    """The incidents that are open, oldest first."""
    return history.rows("SELECT source, opened_at, last_at, times, error FROM incident WHERE closed_at IS NULL ORDER BY opened_at")
