"""How often each page was asked for, how that ended, and how long it took: counted since the start, by the page's pattern."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator

WITHIN = (0.005, 0.025, 0.1, 0.5, 2.5)
"""Seconds: the bounds of the histogram's buckets."""

_Sample = tuple[dict[str, str], float]
_BEYOND = "+Inf"


class Counts:
    """One thread counts; any may read."""

    def __init__(self) -> None:
        self._ends: Counter[tuple[str, int]] = Counter()
        self._buckets: Counter[tuple[str, int]] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def count(self, page: str, status: int, seconds: float) -> None:
        """A request for this page (method and pattern) got an answer with this status, which began after so long."""
        self._ends[page, status] += 1
        self._buckets[page, bisect_left(WITHIN, seconds)] += 1
        self._seconds[page] += seconds

    def ends(self) -> list[_Sample]:
        """How many requests there were, by page and status."""
        return [({"page": page, "status": str(status)}, number) for (page, status), number in sorted(self._ends.copy().items())]

    def durations(self) -> Iterator[tuple[str, dict[str, str], float]]:
        """The samples of a histogram by page, each behind its suffix."""
        seconds, buckets = self._seconds.copy(), self._buckets.copy()
        for page in sorted(seconds):
            total = 0
            for place, bound in enumerate((*map(str, WITHIN), _BEYOND)):
                total += buckets[page, place]
                yield "_bucket", {"page": page, "le": bound}, total
            yield "_sum", {"page": page}, seconds[page]
            yield "_count", {"page": page}, total
