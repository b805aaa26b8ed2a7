"""How long something that could not be sent waits before it is tried again."""

from __future__ import annotations

import datetime
import random

from jobs.surroundings import Surroundings, as_stamp

WAITS = (60, 300, 900, 3600, 4 * 3600, 12 * 3600, 24 * 3600)
"""Seconds before the next try after the first, second, ... failure; the last one for ever: nothing is given up in silence."""


def wait_after(failures: int) -> int:
    """Seconds to wait after so many failures, one at least."""
    return WAITS[min(failures, len(WAITS)) - 1]


def next_try(around: Surroundings, failures: int, asked: float | None) -> str:
    """When to try again (UTC): not all at one moment, and not before what the other side has ``asked`` for (seconds), but within a day."""
    seconds = max(asked or 0.0, wait_after(failures) * random.uniform(0.9, 1.1))
    return as_stamp(around.now() + datetime.timedelta(seconds=min(seconds, WAITS[-1])))
