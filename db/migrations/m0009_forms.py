"""What people ask for by the forms of the web pages, and mails with a link to all that an address is told."""

from __future__ import annotations

from sqlite_utils import Database

SCHEMA = (
    """CREATE TABLE form (
        id INTEGER PRIMARY KEY,
        kind TEXT NOT NULL CHECK (kind IN ('subscribe', 'manage')),
        address TEXT NOT NULL,
        wish TEXT,                       -- JSON: what is to be told, and how; of 'subscribe'
        created_at TEXT NOT NULL         -- UTC
    )""",
    # what the mail is for: to confirm a subscription; to manage all of its address; the same, since what was asked for is told already
    "ALTER TABLE confirmation ADD COLUMN kind TEXT NOT NULL DEFAULT 'confirm' CHECK (kind IN ('confirm', 'manage', 'already'))",
)


def step(db: Database) -> None:
    """Add the table and the column."""
    for statement in SCHEMA:
        db.execute(statement)
