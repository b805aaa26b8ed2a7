"""How many of the real records a generated test takes: some in every run, three times as many in `make soak` (``REAL=3``)."""

from __future__ import annotations

import os

REAL = int(os.environ.get("REAL", "1"))


def every(so_manieth: int) -> int:
    """One of so many records is taken; of fewer where more are wanted."""
    return max(1, so_manieth // REAL)
