"""Everything that is kept, looked at piece by piece: is the file sound, do its rows fit together, does each version come back?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import msgspec

from db import history as versions
from db import packing, schema, texts, unparsed
from db.connection import History, Row
from registry_sync.errors import Damaged, DatabaseError

RESTORE = "restore a backup in which `check` finds none of this"
_MOST_PAGES = 100
"""Damaged places of the file that are named one by one."""


class Fault(msgspec.Struct, frozen=True):
    """What is wrong, where, and what to do."""

    what: str
    where: str
    do: str


class Line(msgspec.Struct, frozen=True):
    """The versions of a trial at a source, oldest first, as rows without payload and record."""

    trial: str
    source: str
    versions: tuple[Row, ...]


class Read(msgspec.Struct, frozen=True):
    """A version as it came back: what the source sent, and the record as JSON."""

    row: Row
    payload: bytes
    record: bytes


def of_the_file(history: History) -> Iterator[Fault]:
    """Damaged pages and indexes, and references that lead nowhere."""
    try:
        for row in history.rows(f"PRAGMA integrity_check({_MOST_PAGES})"):
            if row["integrity_check"] != "ok":
                yield Fault(f"the file is damaged: {' '.join(row['integrity_check'].split())}", str(history.path), RESTORE)
        of_the_schema = list(texts.of_table(history.connection, texts.SCHEMA))
        yield from (Fault(f"the file is damaged: {each}", str(history.path), RESTORE) for each in of_the_schema)
        lacking = [] if of_the_schema else schema.faults(history.connection)
        yield from (Fault(f"the file is damaged: {what}", str(history.path), RESTORE) for what in lacking)
        for row in history.connection.execute("PRAGMA foreign_key_check") if not lacking else ():
            yield Fault(f"it refers to a row of {row[2]} that is not there", f"row {row[1]} of {row[0]}", RESTORE)
    except DatabaseError as error:
        yield Fault(str(error), str(history.path), RESTORE)


def numbers(history: History) -> dict[str, int]:
    """How much there is to look at."""
    row = history.one(
        """SELECT (SELECT count(*) FROM version) AS versions, (SELECT count(*) FROM change) AS changes,
                  (SELECT count(*) FROM notice) AS notices, (SELECT count(*) FROM version WHERE redacted_at IS NOT NULL) AS redacted"""
    )
    assert row is not None  # noqa: S101 - a question without a table has one row
    return {name: int(value) for name, value in row.items()}


def lines(history: History) -> Iterator[Line]:
    """All lines of versions, one after the other."""
    for trial, source in history.connection.execute("SELECT DISTINCT trial, source FROM version ORDER BY trial, source").fetchall():
        rows = history.rows(
            """SELECT id, trial, source, number, content_hash, base, codec, record_codec, markup, backfilled, redacted_at,
                      headline, program, registry_date, changes AS kept,
                      (SELECT count(*) FROM change WHERE version_id = version.id) AS changes
               FROM version WHERE trial = ? AND source = ? ORDER BY number""",
            (trial, source),
        )
        yield Line(trial, source, tuple(rows))


class Unpacker:
    """Reads the versions of a line one after the other: what the next one is packed against is mostly the one before."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._last: Read | None = None

    def read(self, row: Row) -> Read | Fault:
        """A version, or why it does not come back."""
        where = name_of(row)
        try:
            found = self._near(row) or self._far(row)
        except Damaged as error:
            self._last = None
            return Fault(f"it does not come back ({error.__cause__ or error})", where, RESTORE)
        self._last = found
        if hashlib.sha256(found.record).hexdigest() != row["content_hash"]:
            return Fault("its record is not the one that was put in", where, RESTORE)
        return found

    def _near(self, row: Row) -> Read | None:
        """Packed against the one that was read last, or against nothing."""
        last = self._last
        if row["base"] is not None and (last is None or last.row["id"] != row["base"]):
            return None
        packed = self._history.one("SELECT payload, record FROM version WHERE id = ?", (row["id"],))
        if packed is None:
            return None
        base = last if row["base"] is not None else None
        try:
            payload = packing.unpack(packed["payload"], row["codec"], base.payload if base else None)
            record = packing.unpack_record(packed["record"], row["record_codec"], payload, base.record if base else None)
        except packing.UnpackError:
            return None  # is said in the words of the long way
        return Read(row, payload, record)

    def _far(self, row: Row) -> Read:
        return Read(row, versions.payload(self._history, row["id"]), versions.record_json(self._history, row["id"]))


def changes_of(history: History, version_id: int) -> list[dict[str, Any]] | None:
    """The kept differences that led to a version, with their values; ``None`` when these are no JSON.

    News of the record as a whole and of listings are left out.
    """
    rows = history.rows(
        """SELECT id, trial, field, operation, "before", "after", "group", topic, significance, reader_significance FROM change
           WHERE version_id = ? AND topic NOT IN ('registry', 'listing', 'deadlines') ORDER BY id""",
        (version_id,),
    )
    try:
        for row in rows:
            for side in ("before", "after"):
                row[side] = None if row[side] is None else json.loads(row[side])
    except ValueError:
        return None
    return rows


def of_what_came_unreadable(history: History) -> Iterator[Fault]:
    """Records that could not be used when they came, and do not come back as they came."""
    for row in unparsed.every(history):
        try:
            unparsed.payload(history, row["trial"], row["source"])
        except Damaged as error:
            yield Fault(f"it does not come back ({error.__cause__})", f"what came unreadable of {row['trial']} at {row['source']}", RESTORE)


def name_of(row: Row) -> str:
    """A version, as people are told of it."""
    return f"version {row['number']} of {row['trial']} at {row['source']}"
