"""Registry dates: a year, a month or a day, and never more precise than they were given."""

from __future__ import annotations

import calendar
import datetime
import re
from collections.abc import Iterable
from functools import lru_cache

import msgspec

_DATE = re.compile(r"^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$")

PUT_BACK_WITHIN = 7
"""Days after which a date that is put back to what it was is a new decision, no longer the mending of a slip of the pen."""


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


@lru_cache(maxsize=4096)
def parse(text: str) -> RegistryDate:
    """``2026``, ``2026-01`` or ``2026-01-15``. Raises ValueError for anything else, and for days that do not exist."""
    match = _DATE.match(text)
    if not match:
        raise ValueError(f"{text!r} is no registry date")
    year, month, day = (int(part) if part else None for part in match.groups())
    assert year is not None  # noqa: S101 - the pattern has it
    datetime.date(year, 1 if month is None else month, 1 if day is None else day)
    return RegistryDate(year, month, day)


def first_day(text: str | None) -> datetime.date | None:
    """The earliest day that a registry date may mean; ``None`` for what is no date."""
    try:
        return _as_date(parse(text or ""))
    except ValueError:
        return None


def last_day(text: str | None) -> datetime.date | None:
    """The latest day that a registry date may mean: the month's or the year's last, where it names no day."""
    try:
        date = parse(text or "")
    except ValueError:
        return None
    if date.day is not None:
        return _as_date(date)
    month = date.month or 12
    return datetime.date(date.year, month, calendar.monthrange(date.year, month)[1])


def months_after(day: datetime.date, months: int) -> datetime.date:
    """The same day so many months later, or the last of that month where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > datetime.MAXYEAR:
        return datetime.date.max
    return datetime.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


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


class Held(msgspec.Struct, frozen=True):
    """What one version held: a ``date`` in the registry's precision (``None``: not stated), and the day ``since`` when it stood so."""

    date: str | None
    since: str | None = None


class Slips(msgspec.Struct, frozen=True, kw_only=True):
    """How a date has moved over the versions held: ``later`` and ``earlier`` count its moves, from ``first`` to ``last``.

    ``since``: the day (``2024-03-11``) of the first version held that states the date; ``None`` where that day is not known.
    ``put_back``: the newest move only took back a date that had stood for a week at most.
    """

    first: str
    last: str
    later: int = 0
    earlier: int = 0
    since: str | None = None
    put_back: bool = False

    @property
    def times(self) -> int:
        """How often it moved, either way."""
        return self.later + self.earlier

    @property
    def net(self) -> Slip | None:
        """How far it moved in all, from the first date to the last; ``None`` when they are the same, or differ in precision only."""
        return slip(self.first, self.last) if _moved(self.first, self.last) else None


def slips(versions: Iterable[Held]) -> Slips | None:
    """How often and how far a date has moved, from the first version to the last; ``None`` when none states a date.

    A move is a step to another date, planned or actual. No move: the same date as a fact; the same date more or less precisely
    (``2027-01``, ``2027-01-15``); a version that states none. A date that stood for ``PUT_BACK_WITHIN`` days at most until the
    one before it came back was a slip of the pen: it counts neither way. One that was mended to a third date counts as it stood.
    """
    stood: list[Held] = []
    later: list[bool] = []
    put_back = False
    for held in versions:
        if not _is_date(held.date):
            continue
        if stood and not _moved(stood[-1].date, held.date):
            stood[-1] = Held(held.date, stood[-1].since)
            continue
        put_back = len(stood) > 1 and not _moved(stood[-2].date, held.date) and _within_days(stood[-1].since, held.since)
        if put_back:
            del stood[-1], later[-1]
            stood[-1] = Held(held.date, stood[-1].since)
            continue
        if stood:
            later.append(_is_later(stood[-1].date, held.date))
        stood.append(held)
    if not stood:
        return None
    return Slips(
        first=stood[0].date or "",
        last=stood[-1].date or "",
        later=sum(later),
        earlier=len(later) - sum(later),
        since=stood[0].since,
        put_back=put_back,
    )


def _is_date(text: str | None) -> bool:
    return slip(text, text) is not None


def _moved(before: str | None, after: str | None) -> bool:
    return not same_to_precision(before, after) and slip(before, after) not in (Slip(days=0), Slip(months=0))


def _is_later(before: str | None, after: str | None) -> bool:
    step = slip(before, after)
    return step is not None and (step.days or step.months or 0) > 0


def _within_days(first: str | None, second: str | None) -> bool:
    passed = slip(first, second)
    return passed is not None and passed.days is not None and 0 <= passed.days <= PUT_BACK_WITHIN


def _as_date(date: RegistryDate) -> datetime.date:
    return datetime.date(date.year, date.month or 1, date.day or 1)
