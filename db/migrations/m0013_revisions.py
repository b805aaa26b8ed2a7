"""How often something that is shown of a trial was written anew, or has left: what only grows shows by itself that it is new."""

from __future__ import annotations

from sqlite_utils import Database

SCHEMA = """CREATE TABLE revision (
    trial TEXT PRIMARY KEY,          -- '': of everything; '*': another file came into the place of this one
    number INTEGER NOT NULL,
    at TEXT NOT NULL,                -- UTC
    place TEXT                       -- of '*': which file that is, by device and number
) WITHOUT ROWID"""

_VERSION = ("trial", "number", "registry_date", "registry_version", "headline", "content_hash")
_CHANGE = ("trial", '"before"', '"after"', "detail", "backfilled")
NOTED = (
    (f"UPDATE OF {', '.join(_VERSION)} ON version", ("OLD.trial", "NEW.trial")),
    (f"UPDATE OF {', '.join(_CHANGE)} ON change", ("NEW.trial",)),
    ("DELETE ON change", ("OLD.trial",)),
    ("DELETE ON watch", ("OLD.trial",)),
    ("UPDATE OF trial ON page", ("OLD.trial", "NEW.trial")),
    ("DELETE ON page", ("OLD.trial",)),
    ("UPDATE ON alias", ("OLD.trial", "NEW.trial")),
    ("DELETE ON alias", ("OLD.old", "OLD.trial")),
    ("UPDATE ON search_trial WHEN OLD.dropped != NEW.dropped OR OLD.trial != NEW.trial", ()),
    ("DELETE ON search_trial", ()),
    ("UPDATE ON search WHEN OLD.watched != NEW.watched", ()),
)
"""What is noted, and of which trials beside everything. What is put in has an id, or a time, and needs no note."""


def step(db: Database) -> None:
    """Add the table, and what writes to it."""
    db.execute(SCHEMA)
    db.execute("INSERT INTO revision VALUES ('', 0, '', NULL), ('*', 0, '', NULL)")
    for number, (when, trials) in enumerate(NOTED, 1):
        event, _, condition = when.partition(" WHEN ")
        only = f"FOR EACH ROW WHEN {condition}" if condition else "FOR EACH ROW"
        db.execute(f"CREATE TRIGGER revision_{number} AFTER {event} {only} BEGIN {_noted(trials)} END")


def _noted(trials: tuple[str, ...]) -> str:
    added = "".join(
        f"INSERT INTO revision SELECT {trial}, 0, '', NULL WHERE NOT EXISTS (SELECT 1 FROM revision WHERE trial = {trial}); "  # noqa: S608
        for trial in trials
    )
    these = ", ".join((*trials, "''"))
    return f"{added}UPDATE revision SET number = number + 1, at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') WHERE trial IN ({these});"  # noqa: S608
