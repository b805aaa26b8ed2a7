"""When each trial was last looked at in the registry, and what is still to be looked at. A row is about one trial, watched or not."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from db.connection import History

_PENDING = """
FROM watch LEFT JOIN look ON look.trial = watch.trial
WHERE (look.release IS NOT :release OR :everything) AND (:only IS NULL OR watch.trial IN (SELECT value FROM json_each(:only)))
"""
_NEEDS_ALL = "(look.glance IS NULL OR look.due_at <= :now OR :everything)"


class Wanted(msgspec.Struct, frozen=True):
    """What a sync is to look at.

    ``release``: the data release that the registry serves now (``None``: unknown, so that nothing counts as settled); ``now``: UTC;
    ``only``: of what is watched only these; ``everything``: whole records, whatever the short cuts.
    """

    release: str | None
    now: str
    only: Sequence[str] | None = None
    everything: bool = False

    def _values(self, **more: Any) -> dict[str, Any]:
        only = None if self.only is None else json.dumps(list(self.only))
        everything = self.everything or self.release is None
        return {"release": self.release, "now": self.now, "only": only, "everything": everything, **more}


class Settled(msgspec.Struct, frozen=True):
    """A trial whose record is known as the registry serves it; ``due_at``: when its whole record is to be asked for again (UTC)."""

    trial: str
    release: str | None
    due_at: str
    glance: bytes


def newest_release(history: History) -> str | None:
    """The newest data release in which anything was settled."""
    row = history.one("SELECT max(release) AS release FROM look")
    return row["release"] if row else None


def count(history: History, wanted: Wanted) -> int:
    """How many watched trials are not settled in this release."""
    row = history.one(f"SELECT count(*) AS n {_PENDING}", wanted._values())
    return int(row["n"]) if row else 0


def count_watched(history: History, wanted: Wanted) -> int:
    """How many trials are watched, of those that are wanted at all."""
    row = history.one(
        "SELECT count(*) AS n FROM watch WHERE :only IS NULL OR trial IN (SELECT value FROM json_each(:only))", wanted._values()
    )
    return int(row["n"]) if row else 0


def anything_watched(history: History) -> bool:
    """Is there a trial or a search to look at?"""
    return history.one("SELECT 1 FROM watch UNION ALL SELECT 1 FROM search WHERE watched LIMIT 1") is not None


def anything_searched(history: History) -> bool:
    """Is there a search to run?"""
    return history.one("SELECT 1 FROM search WHERE watched LIMIT 1") is not None


def not_watched(history: History, trials: Sequence[str]) -> list[str]:
    """Which of these are not watched, in their order."""
    watched = {
        row["trial"]
        for row in history.rows("SELECT trial FROM watch WHERE trial IN (SELECT value FROM json_each(?))", (json.dumps(list(trials)),))
    }
    return [trial for trial in trials if trial not in watched]


def to_glance(history: History, wanted: Wanted, *, after: str, most: int) -> dict[str, bytes]:
    """The next trials, in the order of their ids, of which a glance may be enough, with what the last one showed.

    Nothing when the release is unknown: what a glance shows is believed for one release only.
    """
    if wanted.everything or wanted.release is None:
        return {}
    rows = history.rows(
        f"SELECT watch.trial, look.glance {_PENDING} AND NOT {_NEEDS_ALL} AND watch.trial > :after ORDER BY watch.trial LIMIT :most",
        wanted._values(after=after, most=most),
    )
    return {row["trial"]: row["glance"] for row in rows}


def to_ask(history: History, wanted: Wanted, *, after: str, most: int, all_pending: bool = False) -> list[str]:
    """The next trials, in the order of their ids, whose whole record is to be asked for; ``all_pending``: a glance is never enough."""
    condition = "" if all_pending else f"AND {_NEEDS_ALL}"
    rows = history.rows(
        f"SELECT watch.trial {_PENDING} {condition} AND watch.trial > :after ORDER BY watch.trial LIMIT :most",
        wanted._values(after=after, most=most),
    )
    return [row["trial"] for row in rows]


def known_glances(history: History, trials: Iterable[str]) -> dict[str, bytes]:
    """What the last glance at each of these trials showed, where one is kept."""
    rows = history.rows(
        "SELECT trial, glance FROM look WHERE glance IS NOT NULL AND trial IN (SELECT value FROM json_each(?))", (json.dumps(list(trials)),)
    )
    return {row["trial"]: row["glance"] for row in rows}


def last_versions(history: History, trials: Iterable[str]) -> dict[str, str]:
    """When the last version of each of these trials was first seen, where one is held of the registry (UTC)."""
    rows = history.rows(
        """SELECT trial, seen_at, max(number) FROM version
           WHERE source = 'ctgov' AND trial IN (SELECT value FROM json_each(?)) GROUP BY trial""",
        (json.dumps(list(trials)),),
    )
    return {row["trial"]: row["seen_at"] for row in rows}


def settle(connection: sqlite3.Connection, settled: Iterable[Settled]) -> None:
    """Note that these trials are known whole, inside the caller's transaction (with the version, when there is a new one)."""
    connection.executemany(
        """INSERT INTO look (trial, release, due_at, glance) VALUES (?, ?, ?, ?)
           ON CONFLICT (trial) DO UPDATE SET release = excluded.release, due_at = excluded.due_at, glance = excluded.glance""",
        [(each.trial, each.release, each.due_at, each.glance) for each in settled],
    )


def glanced(connection: sqlite3.Connection, trials: Iterable[str], release: str | None, now: str) -> None:
    """Note that a glance showed what it showed before, inside the caller's transaction; but for those that are due for more."""
    connection.execute(
        "UPDATE look SET release = ? WHERE trial IN (SELECT value FROM json_each(?)) AND due_at > ?",
        (release, json.dumps(list(trials)), now),
    )


def doubt(connection: sqlite3.Connection, trials: Iterable[str]) -> None:
    """Note that the whole record of these trials is to be asked for, inside the caller's transaction."""
    connection.execute(
        "UPDATE look SET glance = NULL, release = NULL WHERE trial IN (SELECT value FROM json_each(?))", (json.dumps(list(trials)),)
    )


def all_of(connection: sqlite3.Connection, source: str, at: str) -> None:
    """Note that everything watched at a source was looked at; one row for each source, whatever the number of looks."""
    connection.execute(
        "INSERT INTO source (name, looked_at) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET looked_at = excluded.looked_at", (source, at)
    )
