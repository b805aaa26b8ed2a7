"""Looking back at a trial under any of the ids that it has had, by either clock.

The registry merges records: an id may have a line of versions of its own beside that of the id that it is shown under now
(see ``aliases.merge``). Everything here takes any of these ids.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from db import absences, aliases, watches
from db import history as versions
from db.clocks import Clock, at_latest, days, unknown_by
from db.connection import History
from db.history import Version
from registry_sync.errors import Damaged
from registry_sync.trials.record import Record, from_json

if TYPE_CHECKING:
    from registry_sync.trials.presence import Absence

__all__ = [
    "Clock", "State", "absence", "entry_of", "first_day", "gone_since", "held_under", "is_shown", "is_watched", "latest", "line_of",
    "neighbours", "numbered", "of_its_entry", "standing", "states", "unknown_since",
]  # fmt: skip


@dataclass(frozen=True)
class State:
    """What one version of a line showed, from a day (``2026-02-03``, UTC) on. ``headline``: see ``db.history.HEADLINE``.

    ``at_latest``: it showed it by that day, and nobody knows since when (see ``clocks.at_latest``). ``is_joined``: it is the first that is
    held of its entry, and not known to be the source's first: what it showed may have stood before. ``entry``: the id under which the
    source showed it, which is another than the line's where it came from an entry that was merged into this one. ``unknown_by``: it is
    UNKNOWN, and was so by this day at the latest, not from its own day on (see ``clocks.unknown_by``); else empty.
    """

    day: str
    number: int
    headline: Mapping[str, Any]
    backfilled: bool = False
    at_latest: bool = False
    is_joined: bool = False
    entry: str = ""
    unknown_by: str = ""


def held_under(history: History, trial: str, source: str) -> list[str]:
    """The ids of this trial that have a line of versions at a source, the current one first."""
    ids = aliases.family(history, trial)
    rows = history.rows(
        f"SELECT DISTINCT trial FROM version WHERE trial IN ({versions.marks(ids)}) AND source = ?",  # noqa: S608 - no value is in the text
        [*ids, source],
    )
    held = {row["trial"] for row in rows}
    return [each for each in ids if each in held]


def version_ids(history: History, trial: str, source: str) -> list[int]:
    """The ids of all versions, oldest first: those of ids that were merged into the current one before its own."""
    held = held_under(history, trial, source)
    return [
        row["id"]
        for each in reversed(held)
        for row in history.rows("SELECT id FROM version WHERE trial = ? AND source = ? ORDER BY number", (each, source))
    ]


def line_of(history: History, trial: str, source: str) -> str | None:
    """The id whose line is meant by a version number: the one asked for when something is kept under it, else the current one."""
    held = held_under(history, trial, source)
    return trial if trial in held else held[0] if held else None


def latest(history: History, trial: str, source: str) -> Version | None:
    """The newest version, as the record is shown now."""
    held = held_under(history, trial, source)
    return versions.latest(history, held[0], source) if held else None


def standing(history: History, trial: str, source: str, day: str, clock: Clock) -> Version | None:
    """The version that stood at the end of a day (UTC); ``None`` before the first.

    Under an id that was merged later it is that id's own version, if it had one; else the current id's, else another's.
    """
    held = held_under(history, trial, source)
    merged = history.one("SELECT since FROM alias WHERE old = ?", (trial,))
    if merged and trial in held and day < merged["since"][:10]:
        held = [trial, *(each for each in held if each != trial)]
    for each in held:
        found = versions.at(history, each, source, day, clock)
        if found is not None:
            return found
    return None


def numbered(history: History, trial: str, source: str, number: int) -> Version | None:
    """The version of this number in the line of ``line_of``."""
    row = history.one(
        "SELECT id FROM version WHERE trial = ? AND source = ? AND number = ?", (line_of(history, trial, source), source, number)
    )
    return versions.by_id(history, row["id"]) if row else None


def neighbours(history: History, trial: str, source: str) -> tuple[Version | None, Version | None]:
    """The last two versions of the line of ``line_of``; ``None`` for what is not there."""
    line = line_of(history, trial, source)
    last = versions.latest(history, line, source) if line else None
    return (versions.before(history, last) if last else None), last


def first_day(history: History, trial: str, source: str, clock: Clock) -> str | None:
    """The day from which the first version held stood, over all ids."""
    firsts = [_days(history, each, source, clock)[0][1] for each in held_under(history, trial, source)]
    return min(firsts, default=None)


def is_watched(history: History, trial: str) -> bool:
    """Is this trial watched, under this id or the one that it has now?"""
    return bool(watches.watched(history, (trial, aliases.current(history, trial))))


def is_shown(history: History, version: Version) -> bool:
    """Does the registry show the record as this version has it: is it the newest, and not taken down, as far as is known?"""
    if gone_since(history, version.trial) is not None:
        return False
    held = held_under(history, version.trial, version.source)
    last = history.one(
        "SELECT id FROM version WHERE trial = ? AND source = ? ORDER BY number DESC LIMIT 1", (held[0] if held else "", version.source)
    )
    return last is not None and last["id"] == version.id


def absence(history: History, trial: str) -> Absence | None:
    """Since when the registry has not shown this trial under the id that it has now; ``None`` where it does, as far as is known."""
    found = absences.every(history).get(aliases.current(history, trial))
    return None if found is None or found.state == "merged" else found


def gone_since(history: History, trial: str) -> str | None:
    """Since when (UTC) the registry has not shown this trial any more, as two looks found; ``None`` where it does, or one did not yet."""
    found = absence(history, trial)
    return found.since if found is not None and found.state == "absent" else None


def states(history: History, version: Version, clock: Clock) -> list[State]:
    """What the line of this version showed, from its first version up to this one, oldest first.

    By the clock of this program, what was backfilled is left out: it never stood.
    """
    line = _days(history, version.trial, version.source, clock)
    by_then = at_latest([row for row, _ in line]) if clock == "registry" else [False] * len(line)
    others = _of_others(history, version.trial, version.source, [row for row, _ in line])
    entries = [others[row["id"]].trial if row["id"] in others else version.trial for row, _ in line]
    unknown = unknown_by([row for row, _ in line], [day for _, day in line], entries) if clock == "registry" else [""] * len(line)
    found: list[State] = []
    before: str | None = None
    for (row, day), unsure, entry, since in zip(line, by_then, entries, unknown, strict=True):
        record = others.get(row["id"], version.record)
        joined = clock == "registry" and entry != before and not _is_the_sources_first(row, record)
        before = entry
        if row["number"] <= version.number and not (clock == "seen" and row["backfilled"]):
            found.append(State(day, row["number"], json.loads(row["headline"]), bool(row["backfilled"]), unsure, joined, entry, since))
    return found


def unknown_since(history: History, version: Version, clock: Clock = "registry") -> str:
    """By which day, at the latest, a version was UNKNOWN where its own day does not say it (see ``clocks.unknown_by``); else empty."""
    return states(history, version, clock)[-1].unknown_by if version.record.overall_status == "UNKNOWN" else ""


def entry_of(history: History, version: Version) -> str:
    """The id under which the source showed this version: that of its line, or of an entry that was merged into that one."""
    row = {"id": version.id, "seen_at": version.seen_at}
    other = _of_others(history, version.trial, version.source, [row])
    return other[version.id].trial if other else version.trial


def of_its_entry(history: History, trial: str, version: int) -> set[int]:
    """The ids of the registry's versions in the line of this trial that are of the same entry as this one is."""
    line = history.rows("SELECT id, seen_at FROM version WHERE trial = ? AND source = 'ctgov'", (trial,))
    others = _of_others(history, trial, "ctgov", line)
    entries = {row["id"]: others[row["id"]].trial if row["id"] in others else trial for row in line}
    return {each for each, entry in entries.items() if entry == entries.get(version)}


def _of_others(history: History, trial: str, source: str, line: Sequence[Mapping[str, Any]]) -> dict[int, Record]:
    """Those of these versions (``id``, ``seen_at``) of a trial that are of an entry merged into it, with their records.

    Only what was held when the last entry was merged can be: the few trials that have such ids are the only ones of which records are read.
    """
    former = aliases.former(history, trial) if source == "ctgov" else []
    last = max((since for _, since in former), default="")
    found: dict[int, Record] = {}
    for row in line:
        if row["seen_at"] <= last:
            with contextlib.suppress(Damaged):  # whose record it is cannot be told; a timeline needs it for nothing else
                record = from_json(versions.record_json(history, row["id"]))
                found |= {row["id"]: record} if record.trial != trial else {}
    return found


def _is_the_sources_first(first: Mapping[str, Any], record: Record) -> bool:
    """Is the first version held the one with which the source began, as far as its own numbers or the record's first posting tell?"""
    posted = record.first_post_date
    return first["registry_version"] == 0 or (posted is not None and posted.date == first["registry_date"])


def _days(history: History, trial: str, source: str, clock: Clock) -> list[tuple[dict[str, Any], str]]:
    line = history.rows(
        """SELECT id, number, registry_date, seen_at, backfilled, registry_version, headline,
                  json_extract(headline, '$.overall_status') AS status
           FROM version WHERE trial = ? AND source = ? ORDER BY number""",
        (trial, source),
    )
    return list(zip(line, days(line, clock), strict=True))
