"""Indexes for what grows: a subscription that goes looks for its notices, and a question about a day reads no change of another year."""

from __future__ import annotations

from sqlite_utils import Database

SCHEMA = (
    "CREATE INDEX notice_by_subscription ON notice (subscription_id)",
    # in the order in which they are sent
    "CREATE INDEX confirmation_due ON confirmation (created_at, id) WHERE state = 'pending' AND NOT held",
    "CREATE INDEX change_by_date ON change (registry_date)",
)


def step(db: Database) -> None:
    """Add the indexes."""
    for statement in SCHEMA:
        db.execute(statement)
