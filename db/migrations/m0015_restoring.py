"""What a restored database must not tell or send again, and what tells damage from age: how many changes came, and who read them."""

from __future__ import annotations

from sqlite_utils import Database

SCHEMA = (
    """CREATE TABLE told_before (
        mark TEXT PRIMARY KEY,           -- of an address and a change that was told to it: a keyed hash
        at TEXT NOT NULL,                -- UTC: when what had told it was replaced by a backup
        used INTEGER NOT NULL DEFAULT 0  -- 1: it was found again, and was not told; it is told the next time
    ) WITHOUT ROWID""",
    # 1: it waits until the operator lets go of what may have been sent (see `outbox release`)
    "ALTER TABLE confirmation ADD COLUMN held INTEGER NOT NULL DEFAULT 0",
    # how many changes were kept with it; fewer are damage
    "ALTER TABLE version ADD COLUMN changes INTEGER NOT NULL DEFAULT 0",
    "UPDATE version SET changes = (SELECT count(*) FROM change WHERE change.version_id = version.id)",
    # the version of the program that read it; NULL: one from before this was noted
    "ALTER TABLE version ADD COLUMN program TEXT",
    # names are compared without titles and degrees from now on: all trials are looked through once more
    "DELETE FROM tidied",
)


def step(db: Database) -> None:
    """Add the table and the columns."""
    for statement in SCHEMA:
        db.execute(statement)
