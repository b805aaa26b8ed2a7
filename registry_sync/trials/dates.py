"""Registry dates: a year, a month or a day, and never more precise than they were given."""

from __future__ import annotations

import datetime
import re

import msgspec

_DATE = re.compile(r"^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$")


class RegistryDate(msgspec.Struct, frozen=True, order=True):
    """A date of year, month or day precision; ``month`` and ``day`` are ``None`` where the registry does not say."""

    year: int
    month: int | None = None
    day: int | None = None


class Slip(msgspec.Struct, frozen=True):
    """How far a date moved: whole ``months`` where one side has no day, else ``days``; negative is earlier."""

    months: int | None = None
    days: int | None = None

    @property
    def nearest_months(self) -> int:
        """The slip to the nearest month, as it is told: 31 December to 30 June is six months, not five and a bit."""
        return self.months if self.months is not None else round((self.days or 0) / 30.44)


def parse(text: str) -> RegistryDate:
    """``2026``, ``2026-01`` or ``2026-01-15``. Raises ValueError for anything else, and for days that do not exist."""
    match = _DATE.match(text)
    if not match:
        raise ValueError(f"{text!r} is no registry date")
    year, month, day = (int(part) if part else None for part in match.groups())
    assert year is not None  # noqa: S101 - the pattern has it
    datetime.date(year, 1 if month is None else month, 1 if day is None else day)
    return RegistryDate(year, month, day)


def slip(before: str | None, after: str | None) -> Slip | None:
    """How far a date moved from ``before`` to ``after``; ``None`` when either is not stated or no date.

    Where both have a day the slip is in days; else in months (the registry takes a planned date as a month). A year alone counts
    as its January.
    """
    try:
        first, second = parse(before or ""), parse(after or "")
    except ValueError:
        return None
    if first.day is not None and second.day is not None:
        return Slip(days=(_as_date(second) - _as_date(first)).days)
    return Slip(months=(second.year - first.year) * 12 + (second.month or 1) - (first.month or 1))


def same_to_precision(before: str | None, after: str | None) -> bool:
    """Is one of the two only a more precise way to say the other? (``2027-01`` and ``2027-01-15``)"""
    if not before or not after or before == after:
        return False
    short, long = sorted((before, after), key=len)
    return long.startswith(short + "-")


def _as_date(date: RegistryDate) -> datetime.date:
    return datetime.date(date.year, date.month or 1, date.day or 1)
