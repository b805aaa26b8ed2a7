"""The newest change of each trial that its page shows, whether mails to readers tell it or not; cards with the numbers of before."""

from __future__ import annotations

from pathlib import Path

from sqlite_utils import Database

from db.cards import make_all
from db.connection import History

SCHEMA = (
    "DROP INDEX change_told",
    """CREATE INDEX change_shown ON change (trial, id) WHERE source = 'ctgov' AND backfilled = 0 AND topic != 'deadlines'
       AND (significance != 'housekeeping' OR field IN ('brief_summary', 'detailed_description'))""",
)


def step(db: Database) -> None:
    """Replace the index, and make the cards anew."""
    for statement in SCHEMA:
        db.execute(statement)
    make_all(History(Path(), db.conn))
