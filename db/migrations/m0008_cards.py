"""What trials are found by without unpacking their records, and the newest thing that is told of each."""

from __future__ import annotations

from pathlib import Path

from sqlite_utils import Database

from db.cards import make_all
from db.connection import History

SCHEMA = (
    """CREATE TABLE card (
        version_id INTEGER PRIMARY KEY REFERENCES version(id) ON DELETE CASCADE,  -- the newest of a trial at the registry
        words TEXT NOT NULL,             -- without case and accents: what is searched for words
        conditions TEXT NOT NULL,        -- JSON: as the record has them
        condition_keys TEXT NOT NULL,    -- each between two line ends, without case and accents
        countries TEXT NOT NULL,         -- JSON: as the record has them, each once
        country_keys TEXT NOT NULL       -- each between two line ends, one name for each country
    )""",
    """CREATE INDEX change_told ON change (trial, id) WHERE source = 'ctgov' AND backfilled = 0 AND significance != 'housekeeping'
       AND reader_significance != 'untold'""",
)


def step(db: Database) -> None:
    """Add the table and the index, and make a card of each trial."""
    for statement in SCHEMA:
        db.execute(statement)
    make_all(History(Path(), db.conn))
