"""Mails that ask the holder of an address whether a subscription is wanted."""

from __future__ import annotations

from sqlite_utils import Database

SCHEMA = (
    """CREATE TABLE confirmation (
        id TEXT PRIMARY KEY,             -- the mail's identity, and what its link is signed for
        subscription_id INTEGER NOT NULL REFERENCES subscription(id) ON DELETE CASCADE,
        state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'claimed', 'sent', 'failed', 'cancelled')),
        attempts INTEGER NOT NULL DEFAULT 0,
        next_try_at TEXT NOT NULL,       -- UTC
        last_error TEXT,
        created_at TEXT NOT NULL,        -- UTC: when it was asked for; its link expires by this
        sent_at TEXT,                    -- UTC: when the mail server took it
        used_at TEXT,                    -- UTC: when it was confirmed, by this link or another one
        instead INTEGER NOT NULL DEFAULT 0,  -- 1: what the address hears of the same trials otherwise ends when it is confirmed
        claimed_by INTEGER,              -- which delivery has claimed it (see jobs.lock.Desk)
        stopped_at TEXT                  -- UTC: when the subscription had been stopped by then; a later stop makes the link void
    )""",
    "CREATE INDEX confirmation_by_subscription ON confirmation (subscription_id)",
    "CREATE INDEX confirmation_open ON confirmation (state) WHERE state IN ('pending', 'claimed')",
)


def step(db: Database) -> None:
    """Add the table."""
    for statement in SCHEMA:
        db.execute(statement)
