"""What was told before a restore is kept step by step, so that any copy that comes back later can be compared with it."""

from __future__ import annotations

from sqlite_utils import Database

SCHEMA = (
    # from where to where all steps together led: that says nothing of a copy that was made between two of them
    "DROP TABLE told_before",
    """CREATE TABLE told_before (
        whose TEXT NOT NULL,             -- of an address and of what a change is about: a keyed hash
        change_id INTEGER NOT NULL,      -- the change that was told: ids only grow, so that this is the order of what was told
        before TEXT,                     -- of the address, of what it is about, and of the value: a keyed hash; NULL: not stated
        after TEXT,
        at TEXT NOT NULL,                -- UTC: when what had told it was replaced by a backup
        used INTEGER NOT NULL DEFAULT 0, -- 1: the next change was looked at; whatever comes after that is news
        PRIMARY KEY (whose, change_id)
    ) WITHOUT ROWID""",
)


def step(db: Database) -> None:
    """Make the table anew."""
    for statement in SCHEMA:
        db.execute(statement)
