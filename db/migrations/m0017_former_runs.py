"""A history that a backup took the place of stays known by its runs: a newer backup that comes back after it is of the same line."""

from __future__ import annotations

from sqlite_utils import Database


def step(db: Database) -> None:
    """Make the table."""
    db.execute(
        """CREATE TABLE former_run (
            id INTEGER NOT NULL,
            job TEXT NOT NULL,
            started_at TEXT NOT NULL,  -- UTC
            PRIMARY KEY (id, job, started_at)
        ) WITHOUT ROWID"""
    )
