"""Logins at the operator's page are signed, and kept nowhere; those that were ended before their time are, until then."""

from __future__ import annotations

import hashlib

from db.connection import History


def end(history: History, name: str, now: str, until: str) -> None:
    """This login opens nothing from now on; ``until``: when it would have ended by itself."""
    with history.write() as connection:
        connection.execute("DELETE FROM ended_login WHERE until < ?", (now,))
        connection.execute("INSERT INTO ended_login VALUES (?, ?) ON CONFLICT DO NOTHING", (_mark(name), until))


def has_ended(history: History, name: str) -> bool:
    """Was this login ended?"""
    return history.one("SELECT 1 FROM ended_login WHERE mark = ?", (_mark(name),)) is not None


def _mark(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
