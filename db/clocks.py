"""The two clocks: from which day a version stood, by the registry's dates or by when this program saw it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from db.connection import Row
from registry_sync.trials.dates import first_day, last_day

Clock = Literal["registry", "seen"]


def days(line: Sequence[Row], clock: Clock) -> list[str]:
    """From which day (``2026-02-03``, UTC) each version of one line stood; never earlier than the one before it.

    ``line``: the versions of one trial at one source in their order, with ``registry_date``, ``seen_at``, ``backfilled`` and
    ``registry_version``.

    By the registry's clock a version counts from the registry's date. One that was seen live with the same date as the version before
    it is a change that the registry did not date (it turns a trial to UNKNOWN in silence): it counts from the day on which it was
    seen, as does a page's, which has no date; but not one that the registry's own history has. Of a date without day or month it is
    the first day that does not come before the version before it. Where the dates go back, the later version in the line is
    believed, and those before it stood no longer than that.

    By the other clock a version counts from the day on which it was seen: one that was backfilled never stood, since later ones in
    the line had been seen by then.
    """
    found = [row["seen_at"][:10] for row in line] if clock == "seen" else _by_the_registry(line)
    for index in range(len(found) - 2, -1, -1):
        found[index] = min(found[index], found[index + 1])
    return found


def at_latest(line: Sequence[Row]) -> list[bool]:
    """Of which versions of one line (see ``days``) it is only known that they stood by their day, by the registry's clock.

    It is so for the first version that was seen live when it counts from the day on which it was seen, and earlier ones were backfilled
    before it: nobody looked until then.
    """
    found = []
    before: Row | None = None
    for row in line:
        first_look = before is not None and bool(before["backfilled"]) and not row["backfilled"]
        found.append(first_look and (_is_silent(row, before) or _first_day(row["registry_date"], "") is None))
        before = row
    return found


def unknown_by(line: Sequence[Row], days: Sequence[str], entries: Sequence[str] = ()) -> list[str]:
    """By which day, at the latest, each version of one line was UNKNOWN where its own day (see ``days``) does not say it; else "".

    ``line``: with ``status`` and ``seen_at``. ``entries``: of which entry each is, where there are several.

    The registry turns a trial to UNKNOWN in silence, two years after its team confirmed it last, and leaves the date of that update: on
    that date the status was the one that is last known. It was UNKNOWN by the day on which it was seen, and before the next version.
    """
    found: list[str] = []
    known = ""  # since when it was UNKNOWN, as far as was seen
    for index, row in enumerate(line):
        if not _goes_on(line, index, entries):
            known = ""
        if row["status"] != "UNKNOWN":
            found.append("")
            continue
        known = min(known or "9999", _seen_as_unknown(line, days, index, entries))
        found.append(known if known > days[index] else "")
    return found


def _goes_on(line: Sequence[Row], index: int, entries: Sequence[str]) -> bool:
    """Is a version of the status and the entry of the one before it?"""
    same_entry = not entries or entries[index] == entries[index - 1]
    return index > 0 and same_entry and line[index]["status"] == line[index - 1]["status"]


def _seen_as_unknown(line: Sequence[Row], days: Sequence[str], index: int, entries: Sequence[str]) -> str:
    """The first day on which a version, or a later one that goes on with it, was seen; that of the next one if it comes before."""
    first: str = line[index]["seen_at"][:10]
    for later in range(index + 1, len(line)):
        if not _goes_on(line, later, entries):
            return min(first, days[later])
        first = min(first, line[later]["seen_at"][:10])
    return first


def _by_the_registry(line: Sequence[Row]) -> list[str]:
    found: list[str] = []
    before: Row | None = None
    for row in line:
        day = None if _is_silent(row, before) else _first_day(row["registry_date"], found[-1] if found else "")
        found.append(day or row["seen_at"][:10])
        before = row
    return found


def _is_silent(row: Row, before: Row | None) -> bool:
    """Is it a change that the registry did not date?"""
    same_date = row["registry_date"] == (before["registry_date"] if before else None)
    return same_date and not row["backfilled"] and row.get("registry_version") is None


def _first_day(date: str | None, not_before: str) -> str | None:
    """The first day that a registry date may mean, and that is not before another one; ``None`` for no date."""
    first, last = first_day(date), last_day(date)
    return min(max(first.isoformat(), not_before), last.isoformat()) if first and last else None
