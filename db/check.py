"""Everything that is kept, looked at piece by piece: is the file sound, do its rows fit together, does each version come back?"""

from __future__ import annotations

import hashlib
import json
import zoneinfo
from collections.abc import Iterator
from typing import Any

import msgspec

from db import history as versions
from db import packing, schema, unparsed
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
        lacking = schema.faults(history.connection)
        yield from (Fault(f"the file is damaged: {what}", str(history.path), RESTORE) for what in lacking)
        for row in history.connection.execute("PRAGMA foreign_key_check") if not lacking else ():
            yield Fault(f"it refers to a row of {row[2]} that is not there", f"row {row[1]} of {row[0]}", RESTORE)
    except DatabaseError as error:
        yield Fault(str(error), str(history.path), RESTORE)


_VERSION = "'version ' || number || ' of ' || trial || ' at ' || source"
_YEAR = "[12][0-9][0-9][0-9]"
_STAMP = f"{_YEAR}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]*Z"
_ROWS = (
    (
        "it tells nothing: none of its changes is there",
        "'notice ' || id",
        "notice WHERE state != 'cancelled' AND NOT EXISTS (SELECT 1 FROM notice_change WHERE notice_id = notice.id)",
    ),
    (
        "its values are no JSON",
        "'change ' || id",
        """change WHERE NOT json_valid(coalesce("before", 'null')) OR NOT json_valid(coalesce("after", 'null'))
           OR NOT json_valid(coalesce(detail, 'null'))""",
    ),
    (
        "it belongs to a version of another source",
        "'change ' || change.id",
        "change JOIN version ON version.id = version_id WHERE change.source != version.source AND topic != 'listing'",
    ),
    (
        "it belongs to a version of another trial",
        "'change ' || change.id",
        """change JOIN version ON version.id = version_id LEFT JOIN alias AS mine ON mine.old = change.trial
           LEFT JOIN alias AS its ON its.old = version.trial
           WHERE change.trial != version.trial AND coalesce(mine.trial, change.trial) != coalesce(its.trial, version.trial)
           AND (mine.old IS NOT NULL
                OR change.trial NOT IN (SELECT trial FROM change WHERE field = 'registry' AND "after" = '"merged"'))""",
    ),
    (
        "it is packed against a version that came later, or of another source",
        "'version ' || number || ' of ' || trial || ' at ' || source",
        """(SELECT version.* FROM version JOIN version AS other ON other.id = version.base
            WHERE other.id >= version.id OR other.source != version.source)""",
    ),
    (
        "its headline, or what it carried over, is no JSON",
        _VERSION,
        "version WHERE NOT json_valid(headline) OR NOT json_valid(carried)",
    ),
    (
        "its dates cannot be read",
        _VERSION,
        f"""version WHERE NOT (registry_date IS NULL OR registry_date GLOB '{_YEAR}' OR registry_date GLOB '{_YEAR}-[01][0-9]'
            OR registry_date GLOB '{_YEAR}-[01][0-9]-[0-3][0-9]') OR seen_at NOT GLOB '{_STAMP}'""",
    ),
    ("it is not known how its texts are marked", _VERSION, "version WHERE markup NOT IN ('markdown', 'html')"),
    (
        "it has another date than its version",
        "'change ' || change.id",
        f"""change JOIN version ON version.id = version_id
            WHERE change.registry_date != version.registry_date OR change.seen_at NOT GLOB '{_STAMP}'""",
    ),
    (
        "it says that it is from before the installation, and it is not",
        "'change ' || change.id",
        """change JOIN version ON version.id = version_id WHERE change.backfilled AND NOT version.backfilled AND NOT EXISTS (
               SELECT 1 FROM version AS earlier WHERE earlier.trial = version.trial AND earlier.source = version.source
               AND earlier.number = version.number - 1 AND earlier.backfilled)""",
    ),
    (
        "it was sent, and it is not known when",
        "'notice ' || id",
        "notice WHERE state = 'sent' AND sent_at IS NULL",
    ),
    (
        "what it wants cannot be read",
        "'subscription ' || id",
        "subscription WHERE NOT json_valid(topics) OR NOT json_valid(countries)",
    ),
    (
        "no version of it is kept, and it was looked at",
        "trial",
        """look WHERE release IS NOT NULL AND NOT EXISTS (SELECT 1 FROM version WHERE version.trial = look.trial)
           AND trial NOT IN (SELECT trial FROM absence) AND trial NOT IN (SELECT trial FROM unparsed)
           AND trial NOT IN (SELECT old FROM alias)""",
    ),
    (
        "the number that the next one gets was given before",
        "'the table ' || name",
        """sqlite_sequence WHERE seq < CASE name WHEN 'version' THEN (SELECT max(id) FROM version)
               WHEN 'change' THEN (SELECT max(id) FROM change) WHEN 'subscription' THEN (SELECT max(id) FROM subscription) ELSE 0 END""",
    ),
    (
        "it is not there, or is none",
        "'the key ' || name",
        """(SELECT 'stops' AS name UNION SELECT 'links') AS key
           WHERE NOT EXISTS (SELECT 1 FROM secret WHERE secret.name = key.name AND length(value) >= 32 AND value NOT GLOB '*[^0-9a-f]*')""",
    ),
)


def of_the_rows(history: History) -> Iterator[Fault]:
    """Rows that do not fit together, beyond what the file itself can tell."""
    for what, where, table in _ROWS:
        try:
            for row in history.connection.execute(f"SELECT {where} FROM {table}"):  # noqa: S608 - no value is in it
                yield Fault(what, row[0], RESTORE)
        except DatabaseError as error:
            yield Fault(str(error), str(history.path), RESTORE)
    for number, zone in history.connection.execute("SELECT id, timezone FROM subscription").fetchall():
        if not is_a_zone(zone):
            yield Fault(f"its time zone {zone} is not known", f"subscription {number}", RESTORE)


def is_a_zone(name: str) -> bool:
    """Is this the name of a time zone?"""
    try:
        zoneinfo.ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        return False
    return True


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
                      headline, program, changes AS kept, (SELECT count(*) FROM change WHERE version_id = version.id) AS changes
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
