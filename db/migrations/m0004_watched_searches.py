"""A search may be followed by a subscription and be watched no more, and says when it was last run."""

from __future__ import annotations

from sqlite_utils import Database

SCHEMA = (
    # 0: kept for the subscriptions that follow it, and not asked
    "ALTER TABLE search ADD COLUMN watched INTEGER NOT NULL DEFAULT 1",
    # UTC: when it was last run to its end
    "ALTER TABLE search ADD COLUMN looked_at TEXT",
    "CREATE INDEX subscription_search_by_search ON subscription_search (search_id)",
)


def step(db: Database) -> None:
    """Add the columns."""
    for statement in SCHEMA:
        db.execute(statement)
