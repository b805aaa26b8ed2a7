"""What a comparison of a listing with the registry gives: a verdict for each field, and what follows of them all."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import msgspec

from registry_sync.trials import dates
from registry_sync.trials.record import Record

Word = Literal["agrees", "outdated", "contradicts", "unstated", "incomparable"]
"""``outdated``: the listing says what the registry said before; ``contradicts``: the registry never said so; ``unstated``: the page does
not say; ``incomparable``: it says so in a way that cannot be compared."""
State = Literal["agrees", "behind", "contradicts"]


class Past(msgspec.Struct, frozen=True):
    """One version that the registry had of a trial: its date there (``None``: not known), when it was seen (UTC), and what it said."""

    registry_date: str | None
    seen_at: str
    record: Record


class Difference(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One item of a list in which a listing differs from what the registry says now, in the shapes of ``show --json``.

    ``missing``: the listing lacks it; ``extra``: the registry does not have it; ``changed``: it reads otherwise; ``moved``: it stands
    in the wrong group of the criteria. ``group`` is the listing's, and the registry's for what is missing. ``since``: the day on
    which the registry gave up what the listing still says; ``None`` where it never said so.
    """

    what: Literal["missing", "extra", "changed", "moved"]
    registry: Any = None
    listing: Any = None
    group: str | None = None
    since: str | None = None


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a listing beside the registry's, both in the shapes of ``show --json``.

    A status that covers several of the registry's stands under ``listing`` in the page's words. ``since``: the day on which an
    outdated listing fell behind; ``None`` for every other verdict, and where the versions held do not reach so far back. ``reason``:
    why it is incomparable or unstated, in a few words. ``was``: what the registry said before, and the listing says still; ``None``
    where that is no single version's. ``items``: for lists, what differs.
    """

    field: str
    verdict: Word
    registry: Any = None
    listing: Any = None
    since: str | None = None
    reason: str | None = None
    was: Any = None
    items: tuple[Difference, ...] = ()


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule finds of a field that neither agrees nor stood so in an earlier version."""

    verdict: Word
    since: str | None = None
    reason: str | None = None
    was: Any = None
    items: tuple[Difference, ...] = ()


def days_behind(verdict: Verdict, today: datetime.date) -> int | None:
    """For how many days an outdated field has been so; ``None`` where that is not known."""
    passed = dates.slip(_whole_day(verdict.since), today.isoformat()) if verdict.since else None
    return None if passed is None or passed.days is None else max(0, passed.days)


def overall(verdicts: Sequence[Verdict]) -> State:
    """What a page is as a whole: one field that contradicts decides, then one that is outdated."""
    words = {verdict.verdict for verdict in verdicts}
    return "contradicts" if "contradicts" in words else "behind" if "outdated" in words else "agrees"


def wrong(verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    """The fields that are outdated or contradict, in the order of the table of fields."""
    return tuple(verdict.field for verdict in verdicts if verdict.verdict in ("outdated", "contradicts"))


def earlier(past: Sequence[Past], looked_at: Callable[[Record], Any]) -> Iterator[tuple[int, Record]]:
    """The versions before the last one, newest first, each with its place; of neighbours that say the same the newest one only."""
    known = looked_at(past[-1].record)
    for place in range(len(past) - 2, -1, -1):
        value = looked_at(past[place].record)
        if value is not known and value != known:
            known = value
            yield place, past[place].record


def fell_behind(past: Sequence[Past], place: int) -> str:
    """The day on which what version ``place`` said was given up: the registry's date of the next one, else the day it was seen.

    A step that the registry takes silently (UNKNOWN) leaves its date as it was: it counts from the day on which it was seen, where
    that is a later one (backfilled versions are all seen at once).
    """
    said, gave_up = past[place], past[place + 1]
    silent = gave_up.registry_date == said.registry_date and gave_up.seen_at[:10] > said.seen_at[:10]
    return gave_up.seen_at[:10] if silent or not gave_up.registry_date else gave_up.registry_date


def _whole_day(date: str | None) -> str | None:
    return date + "-01" * (2 - date.count("-")) if date else None
