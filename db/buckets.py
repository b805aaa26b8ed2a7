"""How much may be sent now, whichever processes send: a bucket for each way out, drawn from in one transaction."""

from __future__ import annotations

from db.connection import History
from registry_sync.notices.bucket import draw, full


def take(history: History, name: str, per_minute: int, now: float, most: int) -> tuple[int, float]:
    """Take up to ``most`` from a bucket; how many, and (none taken) after how many seconds to ask again. ``now``: seconds since 1970."""
    with history.write() as connection:
        row = connection.execute("SELECT level, at FROM bucket WHERE name = ?", (name,)).fetchone()
        level, at = row or (full(per_minute), now)
        drawn = draw(level, now - at, per_minute=per_minute, most=most)
        connection.execute(
            """INSERT INTO bucket (name, level, at) VALUES (?, ?, ?)
               ON CONFLICT (name) DO UPDATE SET level = excluded.level, at = excluded.at""",
            (name, drawn.level, now),
        )
    return drawn.taken, drawn.wait
