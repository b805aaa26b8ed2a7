"""The newest change of each trial that its page shows: whether readers are told of it by mail does not matter there."""

from __future__ import annotations

from sqlite_utils import Database

SCHEMA = (
    "DROP INDEX change_told",
    """CREATE INDEX change_shown ON change (trial, id) WHERE source = 'ctgov' AND backfilled = 0 AND topic != 'deadlines'
       AND (significance != 'housekeeping' OR field IN ('brief_summary', 'detailed_description'))""",
)


def step(db: Database) -> None:
    """Replace the index."""
    for statement in SCHEMA:
        db.execute(statement)
