"""What people asked for by the forms of the web pages, from the answer to them until it is worked off.

What is put in here is the same work for every address: how long the answer takes tells nothing of what is kept on one.
"""

from __future__ import annotations

import sqlite3
from typing import Literal

from db.connection import History, Row

Kind = Literal["subscribe", "manage"]


def add(history: History, kind: Kind, address: str, wish: str | None, now: str) -> None:
    """Keep a form."""
    history.write_one("INSERT INTO form (kind, address, wish, created_at) VALUES (?, ?, ?, ?)", (kind, address, wish, now))


def oldest(history: History, after: int = 0) -> Row | None:
    """The form that waits the longest, of those that came ``after`` another."""
    return history.one("SELECT * FROM form WHERE id > ? ORDER BY id LIMIT 1", (after,))


def take(connection: sqlite3.Connection, form: int) -> bool:
    """Take a form out, inside the caller's transaction; False when another process has done so."""
    return connection.execute("DELETE FROM form WHERE id = ?", (form,)).rowcount > 0


def of_address(history: History, address: str) -> list[Row]:
    """What waits of one address, oldest first."""
    return history.rows("SELECT id, kind, wish, created_at FROM form WHERE address = ? ORDER BY id", (address,))


def age_out(history: History, before: str) -> int:
    """Let go of forms that came before this stamp (UTC): nobody waits for their mails any more. How many there were."""
    with history.write() as connection:
        return connection.execute("DELETE FROM form WHERE created_at < ?", (before,)).rowcount


def erase(connection: sqlite3.Connection, address: str) -> None:
    """Delete what waits of one address, inside the caller's transaction."""
    connection.execute("DELETE FROM form WHERE address = ?", (address,))
