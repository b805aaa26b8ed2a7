"""What an export reads: all of it as it stood at one moment, and row after row, never as a whole.

``public``: of what is watched only, as the web pages show it. ``ids``: of these ids only (``ids_of``); ``None``: of all.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence

import msgspec

from db import aliases
from db.connection import History, Row
from db.history import kept_change
from db.public import UNPUBLISHED
from registry_sync.trials.changes import KeptChange

Ids = Sequence[str] | None

_WATCHED = """(trial IN (SELECT trial FROM watch)
    OR trial IN (SELECT old FROM alias WHERE alias.trial IN (SELECT trial FROM watch)))"""
_ASKED_FOR = "(:ids IS NULL OR trial IN (SELECT value FROM json_each(:ids)))"


class Kept(msgspec.Struct, frozen=True):
    """A change, and whether it was loaded from before the installation."""

    change: KeptChange
    backfilled: bool


@contextlib.contextmanager
def snapshot(history: History) -> Iterator[None]:
    """What is read inside is of one moment, whatever others write meanwhile; nobody waits for it."""
    with history.clear_errors():
        history.connection.execute("BEGIN")
        try:
            history.connection.execute("SELECT 1 FROM trial").fetchone()  # a transaction begins with the first that it reads
            yield
        finally:
            history.connection.execute("ROLLBACK")


def ids_of(history: History, trials: Sequence[str]) -> list[str]:
    """Every id under which something may be kept on these trials."""
    return list(dict.fromkeys(each for trial in trials for each in aliases.family(history, trial)))


def newest(history: History, ids: Ids, *, public: bool) -> Iterator[int]:
    """The newest version of each trial at the registry, in the order of their ids; of trials that were merged one."""
    cursor = history.connection.execute(
        f"""SELECT id FROM version WHERE source = 'ctgov' AND {_ASKED_FOR} AND {_WATCHED if public else "1"}
                AND NOT EXISTS (SELECT 1 FROM version AS later WHERE later.trial = version.trial AND later.source = 'ctgov'
                                AND later.number > version.number)
                AND (trial IN (SELECT trial FROM watch) OR NOT EXISTS (
                    SELECT 1 FROM alias JOIN version AS other ON other.trial = alias.trial AND other.source = 'ctgov'
                    WHERE alias.old = version.trial))
            ORDER BY trial""",  # noqa: S608 - no value is in it
        {"ids": _listed(ids)},
    )
    for row in cursor:
        yield row[0]


def versions(history: History, ids: Ids, *, public: bool) -> Iterator[Row]:
    """The versions held, line by line, each oldest first, without their records. ``public``: the registry's."""
    only = f"source = 'ctgov' AND {_WATCHED}" if public else "1"
    yield from _rows(
        history,
        f"""SELECT trial, source, number, registry_date, seen_at, json_extract(headline, '$.overall_status') AS overall_status,
                   backfilled, registry_version
            FROM version WHERE {_ASKED_FOR} AND {only} ORDER BY trial, source != 'ctgov', source, number""",  # noqa: S608 - no value
        ids,
    )


def changes(history: History, ids: Ids, *, public: bool) -> Iterator[Kept]:
    """All changes, housekeeping and what was backfilled too, in the order of their ids. ``public``: without the pages' own differences."""
    only = f"(source = 'ctgov' OR topic = 'listing') AND topic != '{UNPUBLISHED}' AND {_WATCHED}" if public else "1"
    for row in _rows(history, f"SELECT * FROM change WHERE {_ASKED_FOR} AND {only} ORDER BY id", ids):  # noqa: S608 - no value
        yield Kept(kept_change(row), bool(row["backfilled"]))


def with_pages(history: History, ids: Ids) -> list[str]:
    """The trials of which pages are watched."""
    return [row["trial"] for row in _rows(history, f"SELECT DISTINCT trial FROM page WHERE {_ASKED_FOR} ORDER BY trial", ids)]  # noqa: S608


def _listed(ids: Ids) -> str | None:
    return None if ids is None else json.dumps(list(ids))


def _rows(history: History, sql: str, ids: Ids) -> Iterator[Row]:
    cursor = history.connection.execute(sql, {"ids": _listed(ids)})
    names = [column[0] for column in cursor.description]
    for row in cursor:
        yield dict(zip(names, row, strict=True))
