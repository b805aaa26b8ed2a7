"""Standard cron lines as APScheduler triggers, and what they are asked: when next, was one missed, when does a period end.

APScheduler's own reading of a crontab line differs from cron's: 0 is Monday there, a restricted day of month *and* day of
week must both fit (in cron either does), and a fixed time fires twice in the night when the clocks go back.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
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
    return next(_fires(line, timezone, moment), None)


def was_missed(line: str, timezone: str, last: datetime.datetime | None, now: datetime.datetime) -> bool:
    """Should a job have run between its last run and now? One that never ran is due."""
    if last is None:
        return True
    due = next_after(line, timezone, last)
    return due is not None and due <= now


def period_end(every: Every, timezone: str, now: datetime.datetime, *, digest: str, week_ends: str) -> datetime.datetime:
    """When the running day or week of a digest ends: the next time of the digest's cron line, for weekly ones on ``week_ends``, UTC."""
    zone = ZoneInfo(timezone)
    for fires, _ in zip(_fires(digest, timezone, now), range(400), strict=False):
        if every != "week" or fires.astimezone(zone).weekday() == _WEEKDAYS.index(week_ends):
            return fires
    # a digest line that never falls on that day: the week ends with the day then
    return next_after(digest, timezone, now) or now


def _fires(line: str, timezone: str, moment: datetime.datetime) -> Iterator[datetime.datetime]:
    trigger = StandardCron(line, timezone)
    at = moment
    while True:
        found = trigger.get_next_fire_time(None, at + datetime.timedelta(seconds=1))
        if found is None:
            return
        at = found.astimezone(datetime.UTC)
        yield at
