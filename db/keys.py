"""What this installation signs with: made with the file, kept in it."""

from __future__ import annotations

from db.connection import History


def links(history: History) -> str:
    """The key of the links in mails, in hexadecimal digits."""
    row = history.one("SELECT value FROM secret WHERE name = 'links'")
    assert row is not None  # noqa: S101 - made with the schema
    return str(row["value"])
