"""Several deliveries at once, notices that are held, what the operator is told, and stops that outlive what they stopped."""

from __future__ import annotations

import secrets

from sqlite_utils import Database

from db.stops import mark

SCHEMA = (
    # which delivery has claimed it (see jobs.lock.Desk)
    "ALTER TABLE notice ADD COLUMN claimed_by INTEGER",
    "ALTER TABLE notice ADD COLUMN every TEXT NOT NULL DEFAULT 'now'",
    # UTC: from when on it should be with its reader; the end of the period for a digest
    "ALTER TABLE notice ADD COLUMN due_at TEXT NOT NULL DEFAULT ''",
    # UTC: when it was refused for good
    "ALTER TABLE notice ADD COLUMN failed_at TEXT",
    # 1: somebody reads it before it is sent
    "ALTER TABLE notice ADD COLUMN held INTEGER NOT NULL DEFAULT 0",
    # what the operator says above the news
    "ALTER TABLE notice ADD COLUMN note TEXT",
    # the bulletin that told the operator that it was parked
    "ALTER TABLE notice ADD COLUMN bulletin TEXT",
    "UPDATE notice SET every = substr(key, 1, instr(key, ' ') - 1) WHERE key LIKE 'day %' OR key LIKE 'week %'",
    """UPDATE notice SET due_at = CASE WHEN every = 'now' THEN created_at
           ELSE replace(substr(key, instr(key, ' ') + 1, 17), 'Z', ':00Z') END""",
    "UPDATE notice SET failed_at = coalesce(claimed_at, next_try_at) WHERE state = 'failed'",
    "DROP INDEX notice_due",
    "CREATE INDEX notice_due ON notice (next_try_at, created_at) WHERE state = 'pending' AND NOT held",
    "CREATE INDEX notice_open ON notice (state) WHERE state != 'sent'",
    "CREATE INDEX notice_by_address ON notice (address)",
    # 1: its notices wait until the operator releases them
    "ALTER TABLE subscription ADD COLUMN hold INTEGER NOT NULL DEFAULT 0",
    # UTC: when consent was asked for
    "ALTER TABLE subscription ADD COLUMN asked_at TEXT",
    "UPDATE subscription SET asked_at = created_at",
    # the bulletin that told the operator that it was stopped
    "ALTER TABLE subscription ADD COLUMN bulletin TEXT",
    """CREATE TABLE bulletin (
        id TEXT PRIMARY KEY,
        kind TEXT NOT NULL CHECK (kind IN ('parked', 'well')),
        created_at TEXT NOT NULL,        -- UTC
        told_at TEXT                     -- UTC: when the operator's mail server took it
    ) WITHOUT ROWID""",
    """CREATE TABLE stop (
        mark TEXT PRIMARY KEY,           -- of an address: a keyed hash, which outlives what was held on it
        at TEXT NOT NULL,                -- UTC
        why TEXT NOT NULL                -- holder, operator
    ) WITHOUT ROWID""",
    """CREATE TABLE secret (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE bucket (
        name TEXT PRIMARY KEY,           -- what is sent through it
        level REAL NOT NULL,
        at REAL NOT NULL                 -- seconds since 1970
    ) WITHOUT ROWID""",
    "DROP VIEW waiting_to_be_sent",
    """CREATE VIEW waiting_to_be_sent AS
    SELECT notice.id, notice.address, group_concat(DISTINCT change.trial) AS trials, count(change.id) AS changes,
           CASE WHEN notice.held AND notice.state = 'pending' THEN 'held' ELSE notice.state END AS state,
           notice.attempts, notice.next_try_at, notice.last_error, notice.created_at
    FROM notice
    JOIN notice_change ON notice_change.notice_id = notice.id
    JOIN change ON change.id = notice_change.change_id
    WHERE notice.state IN ('pending', 'claimed')
    GROUP BY notice.id
    ORDER BY notice.next_try_at""",
)


def step(db: Database) -> None:
    """Add the columns and tables, make the installation's secrets, and mark the addresses whose holders have stopped."""
    for statement in SCHEMA:
        db.execute(statement)
    db.execute("INSERT INTO secret VALUES ('stops', ?), ('links', ?)", (secrets.token_hex(32), secrets.token_hex(32)))
    key = db.execute("SELECT value FROM secret WHERE name = 'stops'").fetchone()[0]
    stopped = db.execute(
        "SELECT address, max(stopped_at) FROM subscription WHERE state = 'stopped' AND stopped_why = 'holder' GROUP BY address"
    ).fetchall()
    for address, at in stopped:
        db.execute("INSERT INTO stop VALUES (?, ?, 'holder')", (mark(key, address), at))
