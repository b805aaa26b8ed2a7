"""What a job works in: the settings, the clock, the wish to stop, and somebody to tell how far it is."""

from __future__ import annotations

import datetime
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec

from db.connection import History, open_history
from registry_sync.errors import Stopped
from registry_sync.settings import Settings

log = logging.getLogger("registry_sync")


class Progress(Protocol):
    """Who hears how far a job is."""

    def begin(self, what: str, total: int) -> None:
        """Some work begins that has this many steps."""
        ...

    def step(self, what: str = "") -> None:
        """One step is done."""
        ...

    def end(self) -> None:
        """The work is over."""
        ...


class Silent:
    """Tells nobody."""

    def begin(self, what: str, total: int) -> None:
        """Say nothing."""

    def step(self, what: str = "") -> None:
        """Say nothing."""

    def end(self) -> None:
        """Say nothing."""


def utc_now() -> datetime.datetime:
    """The time now, in UTC."""
    return datetime.datetime.now(datetime.UTC)


class Surroundings(msgspec.Struct, frozen=True):
    """Everything that a job takes from outside. ``stop`` is set when the process shall end: work under way ends soon, and whole."""

    settings: Settings
    now: Callable[[], datetime.datetime] = utc_now
    stop: threading.Event = msgspec.field(default_factory=threading.Event)
    progress: Progress = msgspec.field(default_factory=Silent)
    say: Callable[[str], object] = log.info
    """Hears, in one line, what a person should know before something long begins."""

    @property
    def database(self) -> Path:
        """The history file."""
        return Path(self.settings.database)

    @property
    def profiles(self) -> Path | None:
        """The folder with profiles of trial-finder sites beside those that come with the program, if there is one."""
        return Path(self.settings.pages.profiles) if self.settings.pages.profiles else None

    def open(self) -> History:
        """The history, open for this thread."""
        return open_history(self.database)

    def pause(self, seconds: float) -> None:
        """Wait; raises Stopped as soon as the process shall end."""
        if self.stop.wait(seconds):
            raise Stopped("asked to stop while waiting")

    def stamp(self) -> str:
        """The time now as it is kept: UTC, ISO 8601, whole seconds, with ``Z``."""
        return as_stamp(self.now())


def today(around: Surroundings, at: datetime.datetime | None = None) -> datetime.date:
    """The day by which days are counted for people, now or at another time: that of the schedule's time zone.

    Not that of an entry: the registry's dates, and how an entry stood on a day, are in UTC.
    """
    return (at or around.now()).astimezone(ZoneInfo(around.settings.schedule.timezone)).date()


def midnight(around: Surroundings) -> str:
    """When that day began, as it is kept."""
    return as_stamp(datetime.datetime.combine(today(around), datetime.time(), ZoneInfo(around.settings.schedule.timezone)))


def as_stamp(moment: datetime.datetime) -> str:
    """A time as it is kept: UTC, ISO 8601, whole seconds, with ``Z``."""
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_stamp(text: str) -> datetime.datetime:
    """The time that ``as_stamp`` wrote."""
    return datetime.datetime.fromisoformat(text)
