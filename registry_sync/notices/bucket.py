"""A bucket of mails: so many a minute, and a minute's worth may be spent at once. Pure: who keeps the level is somebody else."""

from __future__ import annotations

from typing import NamedTuple

_MINUTE = 60.0


class Draw(NamedTuple):
    """What came of drawing: how many were ``taken``, the ``level`` left, and (none taken) the seconds until there is one."""

    taken: int
    level: float
    wait: float


def full(per_minute: int) -> float:
    """The level that a bucket begins with."""
    return float(per_minute)


def draw(level: float, since: float, *, per_minute: int, most: int = 1) -> Draw:
    """Draw up to ``most`` from a bucket that had this level ``since`` seconds ago; each comes back after its share of a minute.

    A clock that was set back refills nothing; a limit that was lowered holds at once.
    """
    now = min(full(per_minute), max(0.0, level) + max(0.0, since) * per_minute / _MINUTE)
    taken = min(most, int(now + 1e-9))
    if taken or not most:
        return Draw(taken, max(0.0, now - taken), 0.0)
    return Draw(0, now, (1 - now) * _MINUTE / per_minute)
