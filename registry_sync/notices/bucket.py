"""A bucket of mails: so many a minute, and a minute's worth may be spent at once."""

from __future__ import annotations

from collections.abc import Callable

_MINUTE = 60.0


class Bucket:
    """``per_minute`` may be taken at once; each comes back after its share of a minute.

    ``clock``: seconds that only grow; ``wait``: called with seconds (it may raise to end the work).
    """

    def __init__(self, per_minute: int, *, clock: Callable[[], float], wait: Callable[[float], object]) -> None:
        self._size = float(per_minute)
        self._level = self._size
        self._clock = clock
        self._wait = wait
        self._filled_at = clock()

    def take(self) -> None:
        """Take one, and wait for it when the bucket is empty."""
        self._fill()
        if self._level < 1:
            self._wait((1 - self._level) * _MINUTE / self._size)
            self._fill()
        # A wait that ends a moment early must not make the next one owe it: never below nothing.
        self._level = max(0.0, self._level - 1)

    def _fill(self) -> None:
        now = self._clock()
        self._level = min(self._size, self._level + max(0.0, now - self._filled_at) * self._size / _MINUTE)
        self._filled_at = now
