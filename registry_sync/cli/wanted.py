"""What the commands that look back have in common: days, times and the clock as they are typed, and which trial is meant."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from registry_sync.errors import UsageError

if TYPE_CHECKING:
    from db.connection import History

Command = TypeVar("Command", bound=Callable[..., Any])

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def by_clock(default: str, help_: str) -> Callable[[Command], Command]:
    """Give a command the option ``--clock``."""
    return click.option("--clock", type=click.Choice(["registry", "seen"]), default=default, show_default=True, help=help_)


def of_source(command: Command) -> Command:
    """Give a command the option ``--source``, the registry unless a page is named."""
    return click.option("--source", metavar="NAME", default="ctgov", show_default=True, help="`ctgov`, or a page's URL.")(command)


def moment(text: str, name: str) -> str:
    """A day or a time (RFC 3339; without an offset UTC) as it is kept; raises UsageError, which calls it ``name``."""
    import datetime

    written = text.strip()
    try:
        if not re.match(rf"{_DAY.pattern}(?:[T ]|$)", written, re.ASCII):
            raise ValueError(written)
        at = datetime.datetime.fromisoformat(written)
        if at.tzinfo is None:
            at = at.replace(tzinfo=datetime.UTC)
        at = at.astimezone(datetime.UTC)
        return f"{at.year:04}-{at:%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{name} {text!r} is no date: give one such as 2026-02-01", about=text) from error


def day(text: str, name: str) -> str:
    """A day; raises UsageError, which calls it ``name``."""
    import datetime

    written = text.strip()
    try:
        if not _DAY.fullmatch(written):
            raise ValueError(written)
        return datetime.date.fromisoformat(written).isoformat()
    except ValueError as error:
        raise UsageError(f"{name} {text!r} is no date: give one such as 2026-02-03", about=text) from error


def must_be_known(history: History, trial: str) -> None:
    """Raise UsageError for a trial that was never watched."""
    from db.history import is_known

    if not is_known(history, trial):
        raise UsageError(f"{trial}: nothing is known of this trial; watch it first: registry-sync watch add {trial}", about=trial)


def must_be_source(history: History, source: str, trial: str | None) -> None:
    """Raise UsageError for a source of which nothing is known, or nothing of this trial."""
    from db.history import is_source

    if not is_source(history, source, trial):
        of_it = f"{trial}: " if trial else ""
        raise UsageError(f"{of_it}{source!r} is no source that was ever watched: give `ctgov`, or the URL of a page", about=source)


def not_seen(history: History, trial: str, source: str, on: str | None, clock: Any) -> UsageError:
    """The error for a source of which no version is held, or none that stood on a day; raises UsageError for what is no source."""
    from db import lookback

    must_be_source(history, source, trial)
    first = lookback.first_day(history, trial, source, clock)
    if first is None:
        return UsageError(f"{trial}: {source} was not seen yet; run `registry-sync sync {trial}`", about=trial)
    return UsageError(f"{trial}: no version stood on {on}: the first one held of {source} is of {first}", about=trial)
