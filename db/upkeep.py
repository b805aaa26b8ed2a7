"""Is the file sound, does what is kept come back, and how much is in it?"""

from __future__ import annotations

import hashlib
from array import array
from dataclasses import dataclass

from db import history as versions
from db import texts, unparsed
from db.connection import History
from registry_sync.errors import Damaged
from registry_sync.plural import count

SAMPLE = 50
"""Versions that are unpacked, by chance, beside the newest one and the longest chain."""
_LONGEST_COUNTED = 255


@dataclass(frozen=True)
class Kept:
    """What ``check_kept`` found: how many versions and unusable records it unpacked, and one line for each that did not come back."""

    versions: int
    unparsed: int
    damaged: tuple[str, ...]


def problem(history: History) -> str | None:
    """What is wrong with the file: damaged pages, references that lead nowhere, texts that are none; ``None`` when it is sound."""
    verdict = history.one("PRAGMA quick_check")
    if verdict and verdict["quick_check"] != "ok":
        return f"is damaged: {verdict['quick_check']}; restore a backup"
    broken = history.rows("PRAGMA foreign_key_check")
    if broken:
        refer = "1 row refers" if len(broken) == 1 else f"{count(len(broken), 'row')} refer"
        return f"{refer} to what is not there (first in {broken[0]['table']}); restore a backup"
    with history.clear_errors():
        garbled = texts.first(history.connection)
    return f"is damaged: {garbled}; `registry-sync check` names all that is, and restore a backup" if garbled else None


def numbers(history: History) -> dict[str, int]:
    """How many trials are watched, versions kept, changes kept."""
    row = history.one(
        """SELECT (SELECT count(*) FROM watch) AS trials, (SELECT count(*) FROM version) AS versions,
                  (SELECT count(*) FROM change) AS changes"""
    )
    assert row is not None  # noqa: S101 - a question without a table has one row
    return {name: int(value) for name, value in row.items()}


def check_kept(history: History, most: int = SAMPLE) -> Kept:
    """Unpack ``most`` versions by chance, the newest one, all of the longest chain, and ``most`` of the records that cannot be used.

    A version's payload must come back, and its record with the hash that it was put in with.
    """
    ids = _sample(history, most)
    of_versions = [_version_problem(history, each) for each in ids]
    unusable = unparsed.every(history)[:most]
    of_unusable = [_unparsed_problem(history, row["trial"], row["source"]) for row in unusable]
    return Kept(len(ids), len(unusable), tuple(filter(None, (*of_versions, *of_unusable))))


def _sample(history: History, most: int) -> list[int]:
    by_chance = history.rows("SELECT id FROM version ORDER BY random() LIMIT ?", (most,))
    newest = history.rows("SELECT max(id) AS id FROM version HAVING max(id) IS NOT NULL")
    return sorted({row["id"] for row in (*by_chance, *newest)} | set(_longest_chain(history)))


def _longest_chain(history: History) -> list[int]:
    """The ids of the versions of the longest chain; none when nothing is packed against anything.

    A byte for each id, whatever the number of versions: what a version is packed against was put in before it.
    """
    row = history.one("SELECT coalesce(max(id), 0) AS id FROM version")
    depths = array("B", bytes(row["id"] + 1 if row else 1))
    deepest = 0
    with history.clear_errors():
        for each, base in history.connection.execute("SELECT id, base FROM version WHERE base < id ORDER BY id"):
            depths[each] = min(depths[base] + 1, _LONGEST_COUNTED)
            if depths[each] > depths[deepest]:
                deepest = each
    chain = history.rows(
        """WITH RECURSIVE chain (id, base, depth) AS (
               SELECT id, base, 0 FROM version WHERE id = :id
               UNION ALL
               SELECT version.id, version.base, depth + 1 FROM version JOIN chain ON version.id = chain.base WHERE depth < :most
           ) SELECT id FROM chain""",
        {"id": deepest, "most": _LONGEST_COUNTED},
    )
    return [row["id"] for row in chain]


def _version_problem(history: History, version_id: int) -> str | None:
    row = history.one("SELECT trial, source, number, content_hash FROM version WHERE id = ?", (version_id,))
    if row is None:
        return None  # gone since the sample was taken
    which = f"version {row['number']} of {row['trial']} at {row['source']}"
    try:
        versions.payload(history, version_id)
        record = versions.record_json(history, version_id)
    except Damaged as error:
        return f"{which} ({error.__cause__ or error})"
    if hashlib.sha256(record).hexdigest() != row["content_hash"]:
        return f"{which} (its record is not the one that was put in)"
    return None


def _unparsed_problem(history: History, trial: str, source: str) -> str | None:
    try:
        unparsed.payload(history, trial, source)
    except Damaged as error:
        return f"what came unreadable of {trial} at {source} ({error.__cause__})"
    return None
