"""Two versions of a trial, by number or by day."""

from __future__ import annotations

from db import history as versions
from db import lookback
from db.connection import History
from db.history import Version
from registry_sync.sources.interface import CTGOV
from registry_sync.trials.record import to_json
from registry_sync.web import asked
from registry_sync.web.problems import bad_request, nothing

LARGEST = 8_000_000
"""Bytes of a record, about, up to which it is laid beside another one: the time that this takes grows with them."""
TOO_LONG = "These versions are too long to be compared here. Ask for each of them whole, by its day."


def is_too_long(*versions: Version) -> bool:
    """Is one of these so long that to compare it would keep others waiting?"""
    return any(len(to_json(version.record)) > LARGEST for version in versions)


def pair(history: History, trial: str, start: str | None, end: str | None) -> tuple[Version, Version]:
    """The two versions of the registry's record, each a number or a day; the last two where none is named. Raises HTTPException.

    Where only the later one is named, the one before it is the other.
    """
    if start is None:
        if end is not None:
            named = _version(history, trial, end, "to")
            return versions.before(history, named) or named, named
        earlier, last = lookback.neighbours(history, trial, CTGOV)
        if last is None:
            raise nothing(NOT_SEEN)
        return earlier or last, last
    before = _version(history, trial, start, "from")
    after = _version(history, trial, end, "to") if end is not None else lookback.latest(history, trial, CTGOV)
    assert after is not None  # noqa: S101 - there is one, since there is the one before
    if before.trial == after.trial and before.number > after.number:
        raise bad_request("from is later than to.")
    return before, after


NOT_SEEN = "The registry's record has not been seen yet."


def standing(history: History, trial: str, day: str) -> Version:
    """The version that stood at the end of a day (UTC) by the registry's dates. Raises HTTPException before the first."""
    found = lookback.standing(history, trial, CTGOV, day, "registry")
    if found is None:
        raise nothing(f"No version that is held stood on {day}.")
    return found


def _version(history: History, trial: str, text: str, name: str) -> Version:
    if not (text.isascii() and text.isdigit()):
        return standing(history, trial, asked.day(text, name))
    found = lookback.numbered(history, trial, CTGOV, int(text[:9]))
    if found is None:
        raise nothing(f"There is no version {text[:9]}.")
    return found
