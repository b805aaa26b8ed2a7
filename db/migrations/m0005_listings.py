"""What pages said when they were last read, how they stand beside the registry, and what their sites ask of programs."""

from __future__ import annotations

from sqlite_utils import Database

SCHEMA = (
    # UTC: when it was last asked for, and when it last was the trial's page, read or not modified
    "ALTER TABLE page ADD COLUMN looked_at TEXT",
    "ALTER TABLE page ADD COLUMN read_at TEXT",
    # JSON: what it said then (registry_sync.trials.listing.Listing)
    "ALTER TABLE page ADD COLUMN listing TEXT",
    # JSON: beside the registry (registry_sync.trials.standing.Standing)
    "ALTER TABLE page ADD COLUMN standing TEXT NOT NULL DEFAULT '{}'",
    # by what the server tells whether it has changed; good for the reader that read it
    "ALTER TABLE page ADD COLUMN etag TEXT",
    "ALTER TABLE page ADD COLUMN last_modified TEXT",
    "ALTER TABLE page ADD COLUMN reader TEXT",
    # JSON: what a listing's news is about
    "ALTER TABLE change ADD COLUMN detail TEXT",
    """CREATE TABLE robots (
        host TEXT PRIMARY KEY,           -- scheme, host and port
        fetched_at TEXT NOT NULL,        -- UTC
        rules TEXT NOT NULL              -- JSON: what came of asking for robots.txt
    ) WITHOUT ROWID""",
    "DROP VIEW listings",
    """CREATE VIEW listings AS
    SELECT page.trial, page.url, json_extract(version.headline, '$.overall_status') AS listed_status,
           current_status.overall_status AS registry_status, version.seen_at AS changed_at, page.read_at,
           json_extract(page.standing, '$.word') AS standing
    FROM page
    LEFT JOIN current_status ON current_status.trial = page.trial
    LEFT JOIN version ON version.id = (
        SELECT id FROM version AS newest WHERE newest.trial = page.trial AND newest.source = page.url ORDER BY number DESC LIMIT 1
    )""",
)


def step(db: Database) -> None:
    """Add the columns and the table; the view shows more."""
    for statement in SCHEMA:
        db.execute(statement)
