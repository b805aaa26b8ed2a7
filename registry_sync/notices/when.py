"""Registry dates as they are told: parsed without fear of odd text, and the distance between two of them in whole words."""

from __future__ import annotations

from datetime import MAXYEAR
from typing import Any, Literal, NamedTuple

from registry_sync.trials import dates

_WHOLE_MONTH_FROM = 28
"""Days from which a shift is told in months: month-end dates lie 28 to 31 days apart."""


class Shift(NamedTuple):
    """How far a date moved: ``amount`` is positive for later."""

    amount: int
    unit: Literal["days", "months", "years"]


def parse(text: Any) -> dates.RegistryDate | None:
    """``2026``, ``2026-12`` or ``2026-12-31``; ``None`` for everything else."""
    if not isinstance(text, str) or not text.isascii() or text != text.strip():
        return None
    try:
        return dates.parse(text)
    except ValueError:
        return None


def shift(before: Any, after: Any) -> Shift | None:
    """From one date to another, in the coarser precision of the two; ``None`` when that shows no movement.

    ``2025-12-31`` to ``2025-12`` is no movement, ``2025-12-31`` to ``2026-06`` is six months.
    """
    first, second = parse(before), parse(after)
    if first is None or second is None:
        return None
    if first.month is None or second.month is None:
        years = second.year - first.year
        return Shift(years, "years") if years else None
    slip = dates.slip(before, after)
    if slip is None:
        return None
    days, months = slip.days, slip.months
    if days is not None and abs(days) < _WHOLE_MONTH_FROM:
        return Shift(days, "days") if days else None
    if months is None:
        months = slip.nearest_months
    return Shift(months, "months") if months else None


def a_year_later(text: Any) -> str | None:
    """The same date one year on, in the same precision (29 February becomes the 28th)."""
    date = parse(text)
    if date is None or date.year == MAXYEAR:
        return None
    year = date.year + 1
    if date.month is None:
        return f"{year:04}"
    if date.day is None:
        return f"{year:04}-{date.month:02}"
    day = 28 if (date.month, date.day) == (2, 29) else date.day
    return f"{year:04}-{date.month:02}-{day:02}"
