"""Who stopped, as a keyed hash of the address: it outlives what was held on the address, and names nobody.

The key is made with the file and stays in it. Who has the whole file can try an address; who has an export cannot.
"""

from __future__ import annotations

import sqlite3
from typing import Literal

from db.connection import History

Why = Literal["holder", "operator"]


def mark(key: str, address: str) -> str:
    """The keyed hash of an address in its normal spelling (HMAC-SHA256, RFC 2104), in hexadecimal digits."""
    import hmac  # loads the hashes: only for who stops, or begins

    return hmac.new(bytes.fromhex(key), address.encode("utf-8", "surrogatepass"), "sha256").hexdigest()


def mark_of(connection: sqlite3.Connection, address: str) -> str:
    """The keyed hash of an address in this file."""
    return mark(connection.execute("SELECT value FROM secret WHERE name = 'stops'").fetchone()[0], address)


def note(connection: sqlite3.Connection, address: str, why: Why, now: str) -> None:
    """Note that an address stopped, inside the caller's transaction; that its holder did outweighs that the operator did."""
    connection.execute(
        """INSERT INTO stop (mark, at, why) VALUES (?, ?, ?)
           ON CONFLICT (mark) DO UPDATE SET at = excluded.at, why = CASE WHEN why = 'holder' THEN why ELSE excluded.why END""",
        (mark_of(connection, address), now, why),
    )


def forget(connection: sqlite3.Connection, address: str, *, by_holder: bool) -> None:
    """Consent was given anew. What its holder stopped, only its holder starts again."""
    connection.execute("DELETE FROM stop WHERE mark = ? AND (? OR why != 'holder')", (mark_of(connection, address), by_holder))


def stopped(history: History, address: str) -> tuple[str, Why] | None:
    """When an address stopped (UTC), and by whose wish; ``None`` when it did not, or has confirmed anew."""
    row = history.one("SELECT at, why FROM stop WHERE mark = ?", (mark_of(history.connection, address),))
    return (row["at"], row["why"]) if row else None
