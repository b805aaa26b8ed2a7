"""Which logins at the operator's page were ended before their time."""

from __future__ import annotations

from sqlite_utils import Database

SCHEMA = """CREATE TABLE ended_login (
    mark TEXT PRIMARY KEY,           -- a hash of its name, which opens nothing
    until TEXT NOT NULL              -- UTC: when it would have ended by itself
) WITHOUT ROWID"""


def step(db: Database) -> None:
    """Add the table."""
    db.execute(SCHEMA)
