"""What feeds, calendars and programs may read: of what is watched, with nothing about subscribers.

``state`` and ``state_of`` tell in one question whether anything that such an answer is made of has changed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from db import absences, aliases, keys, revisions, watches
from db.connection import History, Row
from db.history import kept_change, marks
from registry_sync.sources.ctgov_search import Search
from registry_sync.trials.changes import KeptChange
from registry_sync.trials.text import caseless

DATES = ("start_date", "primary_completion_date", "completion_date")

_MANY = 50
"""Trials beyond which their changes are walked through by their ids, too."""
_WATCHED = """(+change.trial IN (SELECT trial FROM watch)
    OR +change.trial IN (SELECT old FROM alias WHERE alias.trial IN (SELECT trial FROM watch)))"""
"""The plus: changes are walked through by their ids until there are enough, not gathered trial by trial and sorted."""
_NEWEST = """version.id = (SELECT id FROM version AS newest WHERE newest.trial = watch.trial AND newest.source = 'ctgov'
                  ORDER BY number DESC LIMIT 1)"""
_TITLED = """coalesce(CASE WHEN version.trial != change.trial THEN
    (SELECT headline FROM version AS own WHERE own.trial = change.trial AND own.source = 'ctgov' ORDER BY number DESC LIMIT 1) END,
    version.headline)"""
"""What a change tells of an entry that was merged into another one, and led to that one's version, is of the first one's title."""

UNPUBLISHED = "deadlines"
"""The topic of which nothing is public."""


class State(msgspec.Struct, frozen=True):
    """How far something has come: ``key`` is another one after every change, ``at`` when the newest came (UTC)."""

    key: str
    at: str | None

    def __add__(self, other: State) -> State:
        """Of both together."""
        return State(f"{self.key}|{other.key}", max(filter(None, (self.at, other.at)), default=None))


class Scope(msgspec.Struct, frozen=True):
    """Which trials: these ``ids``, or what these ``searches`` found; with neither all that are watched."""

    ids: tuple[str, ...] | None = None
    searches: tuple[int, ...] | None = None


class Told(msgspec.Struct, frozen=True):
    """A change, and the trial's title as it was then."""

    change: KeptChange
    title: str | None


class Planned(msgspec.Struct, frozen=True):
    """The dates of a watched trial as its newest version has them; ``headline``: see ``db.history.HEADLINE``.

    ``absent_since``: since when the registry has not shown it, as two looks found; else empty.
    """

    trial: str
    headline: dict[str, Any]
    seen_at: str
    absent_since: str = ""


def installation(history: History) -> uuid.UUID:
    """What tells this installation's entries from all others': made of the key that was made with the file, which it does not give away."""
    digest = hmac.new(bytes.fromhex(keys.links(history)), b"feeds", hashlib.sha256).digest()
    return uuid.UUID(bytes=digest[:16], version=4)


def state(history: History) -> State:
    """Of everything that is watched."""
    row = history.one(
        f"""SELECT {revisions.columns()}, (SELECT max(id) FROM change) AS change, (SELECT max(id) FROM version) AS version,
                  (SELECT count(*) FROM watch) AS watches, (SELECT max(rowid) FROM watch) AS watch,
                  (SELECT count(*) FROM alias) AS aliases, (SELECT group_concat(trial || state || since) FROM absence) AS absences,
                  (SELECT coalesce(max(found_at), '') || ' ' || count(*) FROM search_trial WHERE NOT dropped) AS finds_at,
                  (SELECT count(*) || coalesce(max(id), '') FROM search WHERE watched) AS searches,
                  (SELECT max(seen_at) FROM change) AS changed_at, (SELECT seen_at FROM version ORDER BY id DESC LIMIT 1) AS seen_at,
                  (SELECT max(since) FROM alias) AS merged_at,
                  (SELECT max(added_at) FROM search WHERE watched) AS wanted_at,
                  (SELECT added_at FROM watch ORDER BY rowid DESC LIMIT 1) AS added_at"""  # noqa: S608 - no value is in the text
    )
    assert row is not None  # noqa: S101 - it has one row
    return _as_state(row)


def state_of(history: History, ids: Sequence[str]) -> State:
    """Of one trial under all of its ids."""
    these = marks(ids)
    row = history.one(
        f"""SELECT {revisions.columns(these)}, (SELECT max(id) FROM change WHERE trial IN ({these})) AS change,
                   (SELECT max(id) FROM version WHERE trial IN ({these})) AS version,
                   (SELECT max(seen_at) FROM version WHERE trial IN ({these})) AS seen_at,
                   (SELECT seen_at FROM change WHERE trial IN ({these}) ORDER BY id DESC LIMIT 1) AS changed_at,
                   (SELECT group_concat(trial || state || since) FROM absence WHERE trial IN ({these})) AS absences""",  # noqa: S608
        [*ids] * 7,
    )
    assert row is not None  # noqa: S101 - it has one row
    return _as_state({**row, "ids": ",".join(ids)})


def state_of_pages(history: History, ids: Sequence[str], *, by_day: bool = False) -> State:
    """Of the pages on other sites about a trial: which there are, how each stands, and when it was last read; ``by_day``: on which day."""
    rows = history.rows(f"SELECT url, standing, added_at, read_at FROM page WHERE trial IN ({marks(ids)}) ORDER BY id", list(ids))  # noqa: S608
    times = [row[name] for row in rows for name in ("added_at", "read_at") if row[name]]
    if by_day:
        rows = [{**row, "read_at": (row["read_at"] or "")[:10]} for row in rows]
    return State(json.dumps([list(row.values()) for row in rows]), max(times, default=None))


def _as_state(row: Row) -> State:
    times = [time for name, value in row.items() if name.endswith("_at") and (time := str(value or "").partition(" ")[0])]
    return State("|".join(str(value) for value in row.values()), max(times, default=None))


def ids_of(history: History, trial: str) -> tuple[str, ...]:
    """Every id of a trial that is watched, the current one first; empty when it is not."""
    ids = aliases.family(history, trial)
    return tuple(ids) if watches.watched(history, ids) else ()


def searches_for(history: History, condition: str | None, search: Search | None) -> tuple[int, ...]:
    """The watched searches for a condition, or this very one."""
    rows = history.rows("SELECT id, query FROM search WHERE watched ORDER BY id")
    if search is not None:
        return tuple(row["id"] for row in rows if row["query"] == search.to_json())
    wanted = caseless(condition or "")
    return tuple(row["id"] for row in rows if caseless(json.loads(row["query"]).get("cond", "")) == wanted)


def changes(
    history: History,
    scope: Scope,
    *,
    most: int,
    topics: Sequence[str] = (),
    for_readers: bool = False,
    before_id: int | None = None,
    after_id: int | None = None,
    since: str | None = None,
    backfilled: bool = False,
    housekeeping: bool = False,
) -> list[Told]:
    """The newest changes at the registry and news of listings, newest first; with ``after_id`` the oldest after that one, oldest first.

    ``for_readers``: what a reader is told, not what is housekeeping to them. What is owed (``UNPUBLISHED``) is for coordinators alone.
    """
    conditions = ["(change.source = 'ctgov' OR change.topic = 'listing')", f"change.topic != '{UNPUBLISHED}'", *_of_scope(scope)]
    values: dict[str, Any] = {"before_id": before_id, "after_id": after_id, "since": since, "most": most, **_values(scope, topics)}
    conditions += ["change.id < :before_id"] if before_id is not None else []
    conditions += ["change.id > :after_id"] if after_id is not None else []
    conditions += ["change.seen_at >= :since"] if since is not None else []
    conditions += ["change.topic IN (SELECT value FROM json_each(:topics))"] if topics else []
    conditions += [] if backfilled else ["NOT change.backfilled"]
    if for_readers:
        conditions.append(
            """CASE WHEN change.topic = 'listing' THEN change.significance ELSE change.reader_significance END IN ('major', 'minor')"""
        )
    elif not housekeeping:
        conditions.append("change.significance != 'housekeeping'")
    rows = history.rows(
        f"""SELECT change.*, coalesce(json_extract({_TITLED}, '$.brief_title'), '') AS title
            FROM change JOIN version ON version.id = change.version_id WHERE {" AND ".join(conditions)}
            ORDER BY change.id {"ASC" if after_id is not None else "DESC"} LIMIT :most""",  # noqa: S608 - no value is in the text
        values,
    )
    return [Told(kept_change(row), row["title"] or None) for row in rows]


def _of_scope(scope: Scope) -> list[str]:
    if scope.ids is not None:
        of_ids = "change.trial IN (SELECT value FROM json_each(:ids))"
        return [f"+{of_ids}" if len(scope.ids) > _MANY else of_ids]
    if scope.searches is None:
        return [_WATCHED]
    finds = "SELECT trial FROM search_trial WHERE NOT dropped AND search_id IN (SELECT value FROM json_each(:searches))"
    of_finds = f"(change.trial IN ({finds}) OR change.trial IN (SELECT old FROM alias WHERE alias.trial IN ({finds})))"  # noqa: S608
    return [of_finds, _WATCHED]


def _values(scope: Scope, topics: Sequence[str] = ()) -> dict[str, str]:
    return {"ids": json.dumps(scope.ids), "searches": json.dumps(scope.searches), "topics": json.dumps(list(topics))}


# --- dates -------------------------------------------------------------------------------------------------------------


def planned(history: History, scope: Scope) -> list[Planned]:
    """The newest version's dates of these trials, in the order of their ids."""
    conditions = []
    if scope.ids is not None:
        conditions.append("watch.trial IN (SELECT value FROM json_each(:ids))")
    elif scope.searches is not None:
        conditions.append(
            """watch.trial IN (SELECT trial FROM search_trial WHERE NOT dropped
                               AND search_id IN (SELECT value FROM json_each(:searches)))"""
        )
    rows = history.rows(
        f"""SELECT watch.trial, version.headline, version.seen_at
            FROM watch JOIN version ON {_NEWEST}
            WHERE {" AND ".join(conditions) or "1"} ORDER BY watch.trial""",  # noqa: S608 - no value is in the text
        _values(scope),
    )
    gone = {trial: found.since for trial, found in absences.every(history).items() if found.state == "absent"}
    return [Planned(row["trial"], msgspec.json.decode(row["headline"]), row["seen_at"], gone.get(row["trial"], "")) for row in rows]


def moves(history: History, trials: Iterable[str]) -> dict[tuple[str, str], tuple[int, str]]:
    """By trial and field of ``DATES``: how often the date has become another one, over the versions held, and when it last did (UTC)."""
    rows = history.connection.execute(
        """SELECT trial, seen_at, json_extract(headline, '$.start_date'), json_extract(headline, '$.primary_completion_date'),
                  json_extract(headline, '$.completion_date')
           FROM version WHERE source = 'ctgov' AND trial IN (SELECT value FROM json_each(?)) ORDER BY trial, number""",
        (json.dumps(list(trials)),),
    )
    found: dict[tuple[str, str], tuple[int, str]] = {}
    last: dict[tuple[str, str], str | None] = {}
    for trial, seen_at, *dates in rows:
        for field, date in zip(DATES, dates, strict=True):
            place = (trial, field)
            if place not in last:
                found[place] = (0, seen_at)
            elif last[place] != date:
                found[place] = (found[place][0] + 1, seen_at)
            last[place] = date
    return found
