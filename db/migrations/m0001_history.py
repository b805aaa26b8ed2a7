"""The first schema: trials, versions, changes, watches, subscriptions, notices, incidents, runs, and a view for each question."""

from __future__ import annotations

from sqlite_utils import Database

SCHEMA = """
CREATE TABLE trial (
    id TEXT PRIMARY KEY CHECK (id GLOB 'NCT[0-9]*'),
    known_since TEXT NOT NULL
);

CREATE TABLE watch (
    trial TEXT PRIMARY KEY REFERENCES trial(id),
    added_at TEXT NOT NULL
);

CREATE TABLE page (
    id INTEGER PRIMARY KEY,
    trial TEXT NOT NULL REFERENCES trial(id),
    url TEXT NOT NULL,
    added_at TEXT NOT NULL,
    UNIQUE (trial, url)
);

CREATE TABLE version (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    trial TEXT NOT NULL REFERENCES trial(id),
    source TEXT NOT NULL,            -- 'ctgov', or the URL of a page
    number INTEGER NOT NULL,         -- from 1 for each trial and source
    registry_date TEXT,              -- the registry's own date of this version
    seen_at TEXT NOT NULL,           -- UTC
    content_hash TEXT NOT NULL,      -- over what a reader can see
    record TEXT NOT NULL,            -- canonical, JSON
    carried TEXT NOT NULL DEFAULT '[]',  -- fields that the page no longer stated, kept from before
    payload BLOB NOT NULL,           -- what the source sent
    codec TEXT NOT NULL,             -- how payload is packed: 'zlib'
    UNIQUE (trial, source, number)
);

CREATE TABLE change (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    trial TEXT NOT NULL REFERENCES trial(id),
    source TEXT NOT NULL,
    version_id INTEGER NOT NULL REFERENCES version(id),
    field TEXT NOT NULL,
    topic TEXT NOT NULL,
    operation TEXT NOT NULL CHECK (operation IN ('changed', 'added', 'removed', 'moved')),
    "before" TEXT,                   -- JSON; NULL: was not stated
    "after" TEXT,                    -- JSON; NULL: is not stated
    "group" TEXT,                    -- of a criterion: inclusion, exclusion
    significance TEXT NOT NULL,
    reader_significance TEXT NOT NULL,
    registry_date TEXT,
    seen_at TEXT NOT NULL,
    backfilled INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX change_by_trial ON change (trial, source, id);
CREATE INDEX change_by_time ON change (seen_at);
CREATE INDEX change_by_version ON change (version_id);

CREATE TABLE subscription (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    address TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('email', 'webhook', 'chat')),
    role TEXT NOT NULL CHECK (role IN ('reader', 'coordinator')),
    every_trial INTEGER NOT NULL DEFAULT 0,   -- all that is watched
    topics TEXT NOT NULL DEFAULT '[]',        -- JSON; empty: the role's own
    countries TEXT NOT NULL DEFAULT '[]',     -- JSON; empty: all
    least TEXT NOT NULL CHECK (least IN ('minor', 'major')),
    every TEXT NOT NULL CHECK (every IN ('now', 'day', 'week')),
    timezone TEXT NOT NULL,
    language TEXT NOT NULL,
    secret_env TEXT,
    stop_token TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('pending', 'active', 'stopped')),
    created_at TEXT NOT NULL,
    consent_wording TEXT,
    consent_by TEXT,
    confirmed_at TEXT,
    stopped_at TEXT,
    stopped_why TEXT
);
CREATE INDEX subscription_by_address ON subscription (address);

CREATE TABLE subscription_trial (
    subscription_id INTEGER NOT NULL REFERENCES subscription(id) ON DELETE CASCADE,
    trial TEXT NOT NULL REFERENCES trial(id),
    PRIMARY KEY (subscription_id, trial)
) WITHOUT ROWID;
CREATE INDEX subscription_trial_by_trial ON subscription_trial (trial);

CREATE TABLE notice (
    id TEXT PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,        -- one for each address and trial in a sync, or address and period
    subscription_id INTEGER NOT NULL REFERENCES subscription(id),
    address TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'claimed', 'sent', 'failed', 'cancelled')),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_try_at TEXT NOT NULL,
    last_error TEXT,
    created_at TEXT NOT NULL,
    claimed_at TEXT,
    sent_at TEXT
);
CREATE INDEX notice_due ON notice (state, next_try_at);

CREATE TABLE notice_change (
    notice_id TEXT NOT NULL REFERENCES notice(id) ON DELETE CASCADE,
    change_id INTEGER NOT NULL REFERENCES change(id),
    PRIMARY KEY (notice_id, change_id)
) WITHOUT ROWID;
CREATE INDEX notice_change_by_change ON notice_change (change_id);

CREATE TABLE incident (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    opened_at TEXT NOT NULL,
    last_at TEXT NOT NULL,
    times INTEGER NOT NULL DEFAULT 1,
    error TEXT NOT NULL,
    closed_at TEXT
);
CREATE UNIQUE INDEX incident_open ON incident (source) WHERE closed_at IS NULL;

CREATE TABLE source (
    name TEXT PRIMARY KEY,
    looked_at TEXT NOT NULL          -- when everything watched there was last looked at without trouble
);

CREATE TABLE run (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job TEXT NOT NULL,
    started_at TEXT NOT NULL,
    finished_at TEXT,
    outcome TEXT,                    -- done, partial, failed, stopped, killed
    detail TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX run_by_job ON run (job, started_at);

CREATE VIEW current_status AS
SELECT watch.trial, json_extract(version.record, '$.brief_title') AS brief_title,
       json_extract(version.record, '$.overall_status') AS overall_status,
       json_extract(version.record, '$.completion_date.date') AS completion_date,
       version.registry_date, version.seen_at, version.number AS versions
FROM watch LEFT JOIN version ON version.id = (
    SELECT id FROM version AS newest WHERE newest.trial = watch.trial AND newest.source = 'ctgov' ORDER BY number DESC LIMIT 1
);

CREATE VIEW changes_of_the_last_month AS
SELECT id, trial, field, operation, "before", "after", "group", significance, reader_significance, registry_date, seen_at
FROM change
WHERE source = 'ctgov' AND backfilled = 0 AND significance != 'housekeeping'
  AND seen_at >= strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-1 month')
ORDER BY id DESC;

CREATE VIEW waiting_to_be_sent AS
SELECT notice.id, notice.address, group_concat(DISTINCT change.trial) AS trials, count(change.id) AS changes,
       notice.state, notice.attempts, notice.next_try_at, notice.last_error, notice.created_at
FROM notice
JOIN notice_change ON notice_change.notice_id = notice.id
JOIN change ON change.id = notice_change.change_id
WHERE notice.state IN ('pending', 'claimed')
GROUP BY notice.id
ORDER BY notice.next_try_at;

CREATE VIEW listings AS
SELECT page.trial, page.url, json_extract(version.record, '$.overall_status') AS listed_status,
       current_status.overall_status AS registry_status, version.seen_at AS changed_at
FROM page
LEFT JOIN current_status ON current_status.trial = page.trial
LEFT JOIN version ON version.id = (
    SELECT id FROM version AS newest WHERE newest.trial = page.trial AND newest.source = page.url ORDER BY number DESC LIMIT 1
);
"""


def step(db: Database) -> None:
    """Make the first tables and views."""
    for statement in SCHEMA.split(";\n\n"):
        for part in filter(None, map(str.strip, statement.split(";\n"))):
            db.execute(part)
