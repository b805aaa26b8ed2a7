"""How often a site is asked, and how long to wait before asking again."""

from __future__ import annotations

import email.utils
import math
import re
import threading
from collections.abc import Callable
from datetime import UTC

LONGEST_WAIT = 60.0
"""Seconds of Retry-After that are waited for; a longer wait is the next run's."""

_LONGEST_BACKOFF = 30.0
_FAR = 10.0**9


class Pace:
    """A bucket of requests for each host and port, which may be spent at once and is refilled evenly.

    A host that is slowed down gets its requests one by one besides, each so many seconds after the one before.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float]) -> None:
        self._capacity = float(per_minute)
        self._per_second = per_minute / 60
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}
        self._gaps: dict[str, float] = {}
        self._starts: dict[str, float] = {}

    def slow_down(self, host: str, seconds: float) -> None:
        """At least so many seconds between the starts of two requests to ``host``, the last one included; 0: no more."""
        with self._lock:
            if seconds > 0 and math.isfinite(seconds):
                self._gaps[host] = seconds
            else:
                self._gaps.pop(host, None)

    def take(self, host: str) -> float:
        """Seconds to wait before the next request to ``host``, which is counted from now on."""
        with self._lock:
            now = self._clock()
            left, since = self._buckets.get(host, (self._capacity, now))
            left = min(self._capacity, left + max(0.0, now - since) * self._per_second) - 1
            self._buckets[host] = (left, now)
            start = now + max(0.0, -left / self._per_second)
            if host in self._starts and host in self._gaps:
                start = max(start, self._starts[host] + self._gaps[host])
            self._starts[host] = start
        return start - now

    def began(self, host: str) -> None:
        """A request that had to wait starts now: waits may last longer than they were asked to."""
        with self._lock:
            self._starts[host] = max(self._starts.get(host, 0.0), self._clock())


def backoff(tries: int, retry_after: float | None, random: Callable[[], float]) -> float:
    """Seconds to wait after so many tries: about 1, 2, 4 and so on, never less than the site asks for.

    ``random`` gives a number from 0 to 1: many clients that failed together must not come back together.
    """
    doubled = min(_LONGEST_BACKOFF, 2.0 ** min(tries - 1, 10))
    return max(retry_after or 0.0, min(_LONGEST_BACKOFF, doubled * (0.75 + random() / 2)))


def retry_after(header: str | None, now: float) -> float | None:
    """Seconds that a Retry-After header asks for (RFC 9110, section 10.2.3: seconds, or a date); ``None``: nothing that can be read.

    ``now`` is in seconds since 1970.
    """
    if header is None:
        return None
    text = header.strip()
    if re.fullmatch(r"[0-9]+", text):
        return float(text) if len(text) < 10 else _FAR
    try:
        when = email.utils.parsedate_to_datetime(text)
        if when.tzinfo is None:
            when = when.replace(tzinfo=UTC)
        return max(0.0, when.timestamp() - now)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
