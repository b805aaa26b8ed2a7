"""What thousands of trials, searches, aliases and the history before the installation need."""

from __future__ import annotations

import sqlite3

from sqlite_utils import Database

SCHEMA = """
-- JSON: what lists and views show of the record
ALTER TABLE version ADD COLUMN headline TEXT NOT NULL DEFAULT '{}';
-- how record is packed
ALTER TABLE version ADD COLUMN record_codec TEXT NOT NULL DEFAULT 'json';
-- the version that payload is packed against, if any
ALTER TABLE version ADD COLUMN base INTEGER REFERENCES version(id);
-- of the texts in a study's payload: 'markdown', or 'html'
ALTER TABLE version ADD COLUMN markup TEXT NOT NULL DEFAULT 'markdown';
-- loaded from the registry's own history
ALTER TABLE version ADD COLUMN backfilled INTEGER NOT NULL DEFAULT 0;
-- the registry's own number of it, from 0, where known
ALTER TABLE version ADD COLUMN registry_version INTEGER;

UPDATE version SET headline = json_object(
    'brief_title', json_extract(record, '$.brief_title'),
    'overall_status', json_extract(record, '$.overall_status'),
    'last_known_status', json_extract(record, '$.last_known_status'),
    'start_date', json_extract(record, '$.start_date'),
    'primary_completion_date', json_extract(record, '$.primary_completion_date'),
    'completion_date', json_extract(record, '$.completion_date'),
    'enrollment', json_extract(record, '$.enrollment'),
    'has_results', CASE json_type(record, '$.has_results') WHEN 'true' THEN json('true') WHEN 'false' THEN json('false') END
);

DROP VIEW listings;

DROP VIEW current_status;

CREATE VIEW current_status AS
SELECT watch.trial, json_extract(version.headline, '$.brief_title') AS brief_title,
       json_extract(version.headline, '$.overall_status') AS overall_status,
       json_extract(version.headline, '$.completion_date.date') AS completion_date,
       version.registry_date, version.seen_at, version.number AS versions
FROM watch LEFT JOIN version ON version.id = (
    SELECT id FROM version AS newest WHERE newest.trial = watch.trial AND newest.source = 'ctgov' ORDER BY number DESC LIMIT 1
);

CREATE VIEW listings AS
SELECT page.trial, page.url, json_extract(version.headline, '$.overall_status') AS listed_status,
       current_status.overall_status AS registry_status, version.seen_at AS changed_at
FROM page
LEFT JOIN current_status ON current_status.trial = page.trial
LEFT JOIN version ON version.id = (
    SELECT id FROM version AS newest WHERE newest.trial = page.trial AND newest.source = page.url ORDER BY number DESC LIMIT 1
);

CREATE TABLE look (
    trial TEXT PRIMARY KEY REFERENCES trial(id),
    release TEXT,                    -- the registry's data release in which it was last settled
    due_at TEXT NOT NULL,            -- UTC: when its whole record is to be asked for again, whatever a glance says
    glance BLOB                      -- of what a glance shows; NULL: the whole record is to be asked for
) WITHOUT ROWID;

CREATE TABLE search (
    id INTEGER PRIMARY KEY,
    query TEXT NOT NULL UNIQUE,      -- JSON: {"cond": "...", "locn": "..."}, in the order of the areas
    added_at TEXT NOT NULL,
    release TEXT,                    -- the data release in which it was last run to its end
    complete_at TEXT,                -- UTC: when it first was; what it found until then is no news
    total INTEGER                    -- how many trials the registry said
);

CREATE TABLE search_trial (
    search_id INTEGER NOT NULL REFERENCES search(id) ON DELETE CASCADE,
    trial TEXT NOT NULL REFERENCES trial(id),
    found_at TEXT NOT NULL,
    dropped INTEGER NOT NULL DEFAULT 0,  -- removed from the watch by hand: this search does not bring it back
    PRIMARY KEY (search_id, trial)
) WITHOUT ROWID;
CREATE INDEX search_trial_by_trial ON search_trial (trial);

CREATE TABLE subscription_search (
    subscription_id INTEGER NOT NULL REFERENCES subscription(id) ON DELETE CASCADE,
    search_id INTEGER NOT NULL REFERENCES search(id),
    PRIMARY KEY (subscription_id, search_id)
) WITHOUT ROWID;

-- by hand; 0: only a search found it
ALTER TABLE watch ADD COLUMN typed INTEGER NOT NULL DEFAULT 1;
-- 1: that a search found it is to be told with its first record
ALTER TABLE watch ADD COLUMN news INTEGER NOT NULL DEFAULT 0;

CREATE TABLE alias (
    old TEXT PRIMARY KEY REFERENCES trial(id),
    trial TEXT NOT NULL REFERENCES trial(id),   -- the id that the registry shows the record under now
    since TEXT NOT NULL                         -- UTC
) WITHOUT ROWID;
CREATE INDEX alias_by_trial ON alias (trial);

CREATE TABLE unparsed (
    trial TEXT NOT NULL REFERENCES trial(id),
    source TEXT NOT NULL,
    seen_at TEXT NOT NULL,           -- UTC: when it first came
    error TEXT NOT NULL,
    payload BLOB NOT NULL,           -- what came, packed
    codec TEXT NOT NULL,
    PRIMARY KEY (trial, source)
);

CREATE TABLE staged (
    trial TEXT NOT NULL REFERENCES trial(id),
    registry_version INTEGER NOT NULL,
    date TEXT NOT NULL,              -- the registry's date of this version
    payload BLOB NOT NULL,           -- one study with HTML texts, packed
    codec TEXT NOT NULL,
    PRIMARY KEY (trial, registry_version)
) WITHOUT ROWID;

-- UTC: when the operator heard
ALTER TABLE incident ADD COLUMN opening_told_at TEXT;
ALTER TABLE incident ADD COLUMN closing_told_at TEXT;

UPDATE incident SET opening_told_at = opened_at, closing_told_at = closed_at WHERE closed_at IS NOT NULL;
"""


def step(db: Database) -> None:
    """Take the step, a statement at a time: a script would end the transaction that all of it happens in."""
    statement = ""
    for line in SCHEMA.splitlines():
        statement += f"{line}\n"
        if line and sqlite3.complete_statement(statement):
            db.execute(statement)
            statement = ""
