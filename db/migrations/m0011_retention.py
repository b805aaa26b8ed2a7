"""From which versions contacts were taken out that the registry has taken down, and which trials were looked through for them."""

from __future__ import annotations

from sqlite_utils import Database

SCHEMA = (
    # UTC: when people whom the registry had taken down were taken out of its payload, its record and its changes
    "ALTER TABLE version ADD COLUMN redacted_at TEXT",
    """CREATE TABLE tidied (
        trial TEXT PRIMARY KEY REFERENCES trial(id),
        versions INTEGER NOT NULL,       -- how many it had then
        newest INTEGER NOT NULL,         -- the last of them that was put in
        oldest TEXT                      -- the first day on which the registry took somebody down who is still kept; NULL: nobody is
    ) WITHOUT ROWID""",
)


def step(db: Database) -> None:
    """Add the column and the table."""
    for statement in SCHEMA:
        db.execute(statement)
