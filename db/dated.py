"""What changed, in the order of one of the two clocks: of any length, and read by portions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from db import aliases
from db.clocks import Clock, days, unknown_by
from db.connection import History, Row, portions
from db.history import kept_values
from registry_sync.trials.changes import KeptChange


class DatedChange(KeptChange, frozen=True, kw_only=True):
    """A kept change, and the day by the registry's clock (see ``clocks.days``), in the precision of the registry's date.

    ``at_latest``: it had come about by that day, and nobody knows when (see ``clocks.at_latest``).
    """

    day: str
    at_latest: bool = False


_DATED = """
SELECT *, CASE WHEN undated THEN substr(first_seen, 1, 10) ELSE registry_date END AS day,
       backfilled AND NOT of_earlier AND undated AS at_latest
FROM (
    SELECT change.*, version.backfilled AS of_earlier,
           CASE WHEN change.backfilled THEN version.seen_at ELSE change.seen_at END AS first_seen,
           change.registry_date IS NULL OR NOT version.backfilled AND version.registry_version IS NULL AND change.registry_date = (
               SELECT earlier.registry_date FROM version AS earlier
               WHERE earlier.trial = version.trial AND earlier.source = version.source AND earlier.number < version.number
               ORDER BY earlier.number DESC LIMIT 1
           ) AS undated
    FROM change JOIN version ON version.id = change.version_id
)
"""
_SINCE_THE_DAY = "day || CASE length(day) WHEN 4 THEN '-12-31' WHEN 7 THEN '-31' ELSE '' END >= :since_day"
_OF_UNKNOWN = ("overall_status", "last_known_status")
"""Fields that change when the registry turns a trial to UNKNOWN, which it does without a date (see ``clocks.unknown_by``)."""
_MAY_BE_SINCE = """id IN (SELECT id FROM change WHERE registry_date >= :since_day
    UNION ALL SELECT id FROM change WHERE registry_date IN (substr(:since_day, 1, 7), substr(:since_day, 1, 4))
    UNION ALL SELECT id FROM change WHERE seen_at >= :since_day)"""
"""What was seen live and may be dated on a day or later, by indexes: its day is the registry's date, or the day on which it was seen."""


def changes(
    history: History,
    *,
    trial: str | None = None,
    since: str | None = None,
    source: str | None = None,
    backfilled: bool = False,
    housekeeping: bool = False,
    clock: Clock = "seen",
) -> Iterator[DatedChange]:
    """What changed, newest first: the registry's changes and the listings' news, or with ``source`` a page's own differences.

    ``trial``: under any of the ids that the registry merged. ``since``: a UTC time, ISO 8601; what was seen at that time or later,
    or by the registry's clock what it dates on that day or later (of a month without a day: what may be). What was seen live is
    placed by when it was seen, or by its day at the registry; what was backfilled always by that day, but in the order of the versions
    of a trial where their dates go back.
    """
    conditions = ["source = :source AND topic != 'listing'" if source else "(source = 'ctgov' OR topic = 'listing')"]
    ids = aliases.family(history, trial) if trial else []
    if trial:
        conditions.append("trial IN (SELECT value FROM json_each(:ids))")
    if since and clock == "seen":
        conditions.append("seen_at >= :since")
    elif since:
        dated = f"({_SINCE_THE_DAY} OR field IN {_OF_UNKNOWN})"
        conditions += [dated] if backfilled else [dated, _MAY_BE_SINCE]
    if not backfilled:
        conditions.append("backfilled = 0")
    if not housekeeping:
        conditions.append("significance != 'housekeeping'")
    values = {"since": since, "since_day": (since or "")[:10], "source": source, "ids": json.dumps(ids)}
    wanted = " AND ".join(conditions)
    for some in portions(_in_order(history, wanted, values, clock, backfilled=backfilled)):
        rows = history.rows(f"SELECT * FROM ({_DATED}) WHERE id IN (SELECT value FROM json_each(?))", (some,))  # noqa: S608 - no value
        found = {row["id"]: row for row in _with_the_day_of_unknown(history, rows)}
        for row in (found[each] for each in json.loads(some) if each in found):
            yield DatedChange(**kept_values(row), day=row["day"], at_latest=bool(row["at_latest"]))


def _with_the_day_of_unknown(history: History, rows: Sequence[Row]) -> Sequence[Row]:
    """The same, with the day by which it was UNKNOWN where the registry dated another thing."""
    of_unknown = [row for row in rows if row["field"] in _OF_UNKNOWN]
    stood = _days_of(history, [row["version_id"] for row in of_unknown])
    for row in of_unknown:
        if by := stood[row["version_id"]][1]:
            row |= {"day": by, "at_latest": row["backfilled"]}
    return rows


def _in_order(history: History, wanted: str, values: dict[str, Any], clock: Clock, *, backfilled: bool) -> list[int]:
    """The ids, the newest first."""
    if clock == "seen" and not backfilled:
        sql = f"SELECT id FROM change WHERE {wanted} ORDER BY seen_at DESC, id DESC"  # noqa: S608 - no value is in the text
        return [row[0] for row in history.connection.execute(sql, values)]
    rows = history.connection.execute(
        f"SELECT id, version_id, backfilled, registry_date, seen_at, day, field FROM ({_DATED}) WHERE {wanted}",  # noqa: S608 - no value
        values,
    ).fetchall()
    since = values["since_day"] if clock == "registry" else ""
    return [place[-1] for place in sorted(_places(history, rows, clock, since), reverse=True)]


def _places(history: History, rows: Sequence[Sequence[Any]], clock: Clock, since: str) -> Iterator[tuple[Any, ...]]:
    """By what changes are put in order, the newest last, with the id at the end; of UNKNOWN, what was so ``since`` a day.

    The ids of one trial's backfilled changes are in the order of its versions.
    """
    placed = (version for _, version, backfilled, *_, field in rows if backfilled or clock == "registry" or field in _OF_UNKNOWN)
    stood = _days_of(history, list(placed))
    for id_, version, backfilled, registry_date, seen_at, day, field in rows:
        version_from, unknown = stood.get(version, ("", ""))
        by = unknown if field in _OF_UNKNOWN else ""
        if field in _OF_UNKNOWN and f"{by or day}-99" < since:
            continue
        stood_from = by or (version_from if backfilled or (clock == "registry" and registry_date is not None) else day)
        if clock == "registry":
            yield stood_from, not backfilled, id_
        else:
            yield stood_from if backfilled else seen_at, id_


def _days_of(history: History, ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """From which day the versions of the lines that these are of stood, by the registry's clock, and by which one they were UNKNOWN."""
    if not ids:
        return {}
    rows = history.rows(
        """SELECT id, trial, source, registry_date, seen_at, backfilled, registry_version,
                  json_extract(headline, '$.overall_status') AS status
           FROM version
           WHERE (trial, source) IN (SELECT trial, source FROM version WHERE id IN (SELECT value FROM json_each(?)))
           ORDER BY trial, source, number""",
        (json.dumps(list(dict.fromkeys(ids))),),
    )
    found: dict[int, tuple[str, str]] = {}
    for _, group in groupby(rows, key=lambda row: (row["trial"], row["source"])):
        line = list(group)
        stood = days(line, "registry")
        found |= zip((row["id"] for row in line), zip(stood, unknown_by(line, stood), strict=True), strict=True)
    return found
