"""What the operator has said of a notice stays known: let go, taken back, or held by a restore until somebody has looked at it."""

from __future__ import annotations

from sqlite_utils import Database


def step(db: Database) -> None:
    """Add the column, and fill it in for what was dropped or held by a restore before there was one."""
    db.execute("ALTER TABLE notice ADD COLUMN verdict TEXT")  # released, dropped, restored; NULL: nobody has said anything
    db.execute("UPDATE notice SET verdict = 'dropped' WHERE state = 'cancelled' AND last_error = 'dropped by the operator'")
    db.execute("UPDATE notice SET verdict = 'restored' WHERE held AND last_error LIKE 'held by `restore`%'")
