"""Which watched trials the registry did not show under their id, since when, and whether it was told."""

from __future__ import annotations

from sqlite_utils import Database

SCHEMA = """
CREATE TABLE absence (
    trial TEXT PRIMARY KEY REFERENCES trial(id),
    since TEXT NOT NULL,             -- UTC: the first look that did not find it
    state TEXT NOT NULL CHECK (state IN ('missing', 'absent', 'merged')),  -- missing: not told yet
    "into" TEXT                      -- the id that it was merged into
)
"""


def step(db: Database) -> None:
    """Make the table."""
    db.execute(SCHEMA)
