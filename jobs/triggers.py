"""Standard cron lines as APScheduler triggers, and what they are asked: when next, was one missed, when does a period end.

APScheduler's own reading of a crontab line differs from cron's: 0 is Monday there, a restricted day of month *and* day of
week must both fit (in cron either does), and a fixed time fires twice in the night when the clocks go back.
"""

from __future__ import annotations

import datetime
from typing import Any
from zoneinfo import ZoneInfo

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger

from registry_sync import cron
from registry_sync.notices.interface import Every

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class StandardCron(BaseTrigger):  # type: ignore[misc]  # apscheduler has no types
    """A crontab(5) line in a time zone."""

    def __init__(self, line: str, timezone: str) -> None:
        minute, hour, day, month, weekday = cron.fields(line)
        shared = {"minute": _list(minute), "hour": _list(hour), "month": _list(month), "timezone": ZoneInfo(timezone)}
        names = ",".join(cron.WEEKDAYS[number] for number in sorted(weekday)) if weekday is not None else None
        if day is not None and names is not None:
            self._inner: Any = OrTrigger([CronTrigger(day=_list(day), **shared), CronTrigger(day_of_week=names, **shared)])
        else:
            self._inner = CronTrigger(day=_list(day), day_of_week=names or "*", **shared)
        self._every_hour = hour is None
        self._line = line

    def __str__(self) -> str:
        return f"cron[{self._line}]"

    def get_next_fire_time(self, previous_fire_time: datetime.datetime | None, now: datetime.datetime) -> datetime.datetime | None:
        """The next time, or ``None`` when there is none (30 February)."""
        found: datetime.datetime | None = self._inner.get_next_fire_time(previous_fire_time, now)
        while found is not None and found.fold and not self._every_hour:
            # the hour that comes twice when the clocks go back: what names its hour fires in the first of the two only
            found = self._inner.get_next_fire_time(None, found.astimezone(datetime.UTC) + datetime.timedelta(minutes=1))
        return found


def _list(numbers: frozenset[int] | None) -> str:
    return "*" if numbers is None else ",".join(map(str, sorted(numbers)))


def next_after(line: str, timezone: str, moment: datetime.datetime) -> datetime.datetime | None:
    """The first time after ``moment`` at which the line fires, in UTC."""
    found = StandardCron(line, timezone).get_next_fire_time(None, moment + datetime.timedelta(seconds=1))
    return found.astimezone(datetime.UTC) if found is not None else None


def was_missed(line: str, timezone: str, last: datetime.datetime | None, now: datetime.datetime) -> bool:
    """Should a job have run between its last run and now? One that never ran is due."""
    if last is None:
        return True
    due = next_after(line, timezone, last)
    return due is not None and due <= now


def period_end(every: Every, timezone: str, now: datetime.datetime, *, digest: str, week_ends: str) -> datetime.datetime:
    """When the running day or week of a digest ends, in UTC: when the digest's cron line first fires from a midnight on.

    That is each midnight in the reader's time zone, for weekly digests the one with which ``week_ends`` begins. So a line that fires
    many times a day ends no more than one period a day, and one that leaves days out ends the period on the next day that it does not.
    """
    is_week = every == "week"
    today = now.astimezone(ZoneInfo(timezone)).date()
    begins = today - datetime.timedelta(days=(today.weekday() - _WEEKDAYS.index(week_ends)) % 7 if is_week else 0)
    ends = _first_from(begins, digest, timezone)
    if ends is not None and ends <= now:
        ends = _first_from(begins + datetime.timedelta(days=7 if is_week else 1), digest, timezone)
    return ends or now


def _first_from(day: datetime.date, line: str, timezone: str) -> datetime.datetime | None:
    midnight = datetime.datetime.combine(day, datetime.time(), ZoneInfo(timezone))
    return next_after(line, timezone, midnight.astimezone(datetime.UTC) - datetime.timedelta(seconds=1))
