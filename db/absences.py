"""Watched trials whose record the registry does not show under their id."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from db import revisions
from db.connection import History

if TYPE_CHECKING:
    from registry_sync.trials.presence import Absence


def every(history: History) -> dict[str, Absence]:
    """All of them, by trial: few."""
    rows = history.rows("""SELECT trial, since, state, "into" FROM absence""")
    if not rows:
        return {}
    from registry_sync.trials.presence import Absence  # loads what judges changes

    return {row["trial"]: Absence(row["since"], row["state"], row["into"]) for row in rows}


def keep(connection: sqlite3.Connection, trial: str, absence: Absence, now: str) -> None:
    """Note that the record was not there, inside the caller's transaction."""
    revisions.note(connection, trial, now)
    connection.execute(
        """INSERT INTO absence (trial, since, state, "into") VALUES (?, ?, ?, ?)
           ON CONFLICT (trial) DO UPDATE SET since = excluded.since, state = excluded.state, "into" = excluded."into" """,
        (trial, absence.since, absence.state, absence.into),
    )


def forget(connection: sqlite3.Connection, trial: str, now: str) -> None:
    """Note that the record is there, inside the caller's transaction."""
    revisions.note(connection, trial, now)
    connection.execute("DELETE FROM absence WHERE trial = ?", (trial,))
