"""Records that came and cannot be used: kept as they came, so that nothing that a source said is lost, and named until they can."""

from __future__ import annotations

import sqlite3

from db import packing
from db.connection import History, Row
from registry_sync.errors import Damaged


def keep(connection: sqlite3.Connection, trial: str, source: str, payload: bytes, error: str, now: str) -> None:
    """Keep what came, inside the caller's transaction; one for each trial and source, the newest. The same one again adds nothing."""
    blob, codec = packing.pack(payload)
    connection.execute(
        """INSERT INTO unparsed (trial, source, seen_at, error, payload, codec) VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT (trial, source) DO UPDATE SET seen_at = excluded.seen_at, error = excluded.error, payload = excluded.payload,
                                                     codec = excluded.codec
           WHERE payload != excluded.payload OR error != excluded.error""",
        (trial, source, now, error, blob, codec),
    )


def forget(connection: sqlite3.Connection, trial: str, source: str) -> None:
    """Note that the record can be used again, inside the caller's transaction."""
    connection.execute("DELETE FROM unparsed WHERE trial = ? AND source = ?", (trial, source))


def every(history: History) -> list[Row]:
    """Which there are, without what came."""
    return history.rows("SELECT trial, source, seen_at, error FROM unparsed ORDER BY trial, source")


def payload(history: History, trial: str, source: str) -> bytes | None:
    """What came, byte for byte; ``None`` when there is none. Raises Damaged."""
    row = history.one("SELECT payload, codec FROM unparsed WHERE trial = ? AND source = ?", (trial, source))
    try:
        return packing.unpack(row["payload"], row["codec"]) if row else None
    except packing.UnpackError as error:
        raise Damaged(f"{history.path}: the unusable record of {trial} at {source} is {error}", about=str(history.path)) from error
