"""What a coordinator enters, and how each thing that is owed stood when it was last looked at."""

from __future__ import annotations

from sqlite_utils import Database

SCHEMA = (
    """CREATE TABLE event (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        trial TEXT NOT NULL REFERENCES trial(id),
        kind TEXT NOT NULL,              -- first-visit, recruitment-ended, halted, restarted, ended, amendment-approved
        date TEXT NOT NULL,              -- the day on which it happened
        country TEXT,                    -- the Member State it is about; NULL: all of them
        note TEXT,
        added_at TEXT NOT NULL,          -- UTC
        removed_at TEXT,                 -- UTC: entered by mistake; it stays for the record
        UNIQUE (trial, kind, date, country)
    )""",
    """CREATE TABLE law_answer (
        trial TEXT NOT NULL REFERENCES trial(id),
        law TEXT NOT NULL CHECK (law IN ('us', 'eu')),
        applies INTEGER NOT NULL,
        said_at TEXT NOT NULL,           -- UTC
        PRIMARY KEY (trial, law)
    )""",
    """CREATE TABLE duty (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        trial TEXT NOT NULL REFERENCES trial(id),
        key TEXT NOT NULL,               -- the rule, and the event that started its clock
        state TEXT NOT NULL,             -- when it was last looked at
        due TEXT,                        -- its last day then
        told TEXT,                       -- the state that its news told last; NULL: none yet
        first_seen_at TEXT NOT NULL,     -- UTC
        acknowledged_at TEXT,            -- UTC: when a coordinator said that it is known how it stands now
        done_at TEXT,                    -- UTC: when a coordinator said that it is done
        done_on TEXT,                    -- the day on which it was
        done_due TEXT,                   -- the last day that it had then: another one is another clock
        snoozed_until TEXT,              -- a day: no news of it before
        owner TEXT,
        UNIQUE (trial, key)
    )""",
    """CREATE TABLE duty_log (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        trial TEXT NOT NULL REFERENCES trial(id),
        key TEXT NOT NULL,
        at TEXT NOT NULL,                -- UTC
        what TEXT NOT NULL,              -- state, acknowledged, done, undone, snoozed, owner, event, answer, letter
        detail TEXT
    )""",
    "CREATE INDEX duty_log_by_trial ON duty_log (trial, id)",
    """CREATE TABLE letter (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        trial TEXT NOT NULL REFERENCES trial(id),
        url TEXT NOT NULL,               -- the listing page whose owner was written to
        sent_on TEXT NOT NULL,           -- a day
        fields TEXT NOT NULL,            -- JSON: the fields that were not right
        settled_on TEXT,                 -- the day on which none of them was wrong any more
        UNIQUE (trial, url, sent_on)
    )""",
)


def step(db: Database) -> None:
    """Add the tables."""
    for statement in SCHEMA:
        db.execute(statement)
