"""Versions of trials and the changes between them (see ``db.dated`` for these in their order)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

from db import aliases, cards, packing
from db.clocks import Clock, days
from db.connection import History, Row
from db.packing import UnpackError
from registry_sync import PROGRAM
from registry_sync.errors import Damaged
from registry_sync.trials.changes import Change, KeptChange
from registry_sync.trials.decide import content_hash
from registry_sync.trials.record import Record, from_json, to_json

LONGEST_CHAIN = 16
"""How many payloads may be packed one against the other: the last one is unpacked by unpacking all of them."""
HEADLINE = (
    "brief_title", "overall_status", "last_known_status", "start_date", "primary_completion_date", "completion_date", "enrollment",
    "has_results",
)  # fmt: skip
"""The fields that stand unpacked beside each version, for lists, views and timelines."""

_headlines = msgspec.json.Encoder()

Markup = Literal["markdown", "html"]


class Version(msgspec.Struct, frozen=True):
    """One kept version. ``markup``: how the texts of its payload are marked. ``backfilled``: loaded from the registry's own history."""

    id: int
    trial: str
    source: str
    number: int
    registry_date: str | None
    seen_at: str
    record: Record
    markup: Markup = "markdown"
    backfilled: bool = False


def latest(history: History, trial: str, source: str) -> Version | None:
    """The newest version of a trial at a source."""
    row = history.one("SELECT * FROM version WHERE trial = ? AND source = ? ORDER BY number DESC LIMIT 1", (trial, source))
    return _version(history, row) if row else None


def at(history: History, trial: str, source: str, date: str, clock: Clock = "registry") -> Version | None:
    """The version of this id's own line that stood at the end of a day (UTC), by one of the two clocks (see ``clocks.days``)."""
    line = history.rows(
        "SELECT id, registry_date, seen_at, backfilled, registry_version FROM version WHERE trial = ? AND source = ? ORDER BY number",
        (trial, source),
    )
    standing = [row["id"] for row, day in zip(line, days(line, clock), strict=True) if day <= date]
    return by_id(history, standing[-1]) if standing else None


def by_id(history: History, version_id: int) -> Version:
    """A version that is known to be there."""
    row = history.one("SELECT * FROM version WHERE id = ?", (version_id,))
    assert row is not None  # noqa: S101 - ids come from foreign keys
    return _version(history, row)


def before(history: History, version: Version) -> Version | None:
    """The version before this one."""
    row = history.one(
        "SELECT * FROM version WHERE trial = ? AND source = ? AND number = ?", (version.trial, version.source, version.number - 1)
    )
    return _version(history, row) if row else None


def versions(history: History, trial: str, source: str | None = None) -> list[Row]:
    """The versions held, without their records: line by line, the registry's first, each oldest first.

    What is kept under ids that were merged into this one is a line of its own, behind that of the current id.
    """
    ids = aliases.family(history, trial)
    rows = history.rows(
        f"""SELECT number, source, registry_date, seen_at, json_extract(headline, '$.overall_status') AS overall_status,
                   (SELECT count(*) FROM change WHERE change.version_id = version.id) AS changes, trial, backfilled, registry_version
            FROM version WHERE trial IN ({marks(ids)}) {"AND source = ?" if source else ""}
            ORDER BY source != 'ctgov', source, number""",  # noqa: S608 - no value is in the text
        [*ids, source] if source else ids,
    )
    for row in rows:
        row["backfilled"] = bool(row["backfilled"])
    return sorted(rows, key=lambda row: (row["source"] != "ctgov", ids.index(row["trial"])))


def payload(history: History, version_id: int) -> bytes:
    """What the source sent for this version, byte for byte. Raises Damaged when it cannot be unpacked."""
    content: bytes | None = None
    try:
        for row in _chain(history, version_id, "payload, codec"):
            content = packing.unpack(row["payload"], row["codec"], content)
    except UnpackError as error:
        raise _damaged(history, version_id, error) from error
    assert content is not None  # noqa: S101 - ids come from foreign keys
    return content


def record_json(history: History, version_id: int) -> bytes:
    """The record of this version as JSON, byte for byte. Raises Damaged when it cannot be unpacked."""
    chain = _chain(history, version_id, "payload, codec, record, record_codec")
    needed = len(chain) - 1  # from here on each record is packed against the one before
    while needed and chain[needed]["record_codec"] == packing.AGAINST_RECORD:
        needed -= 1
    needs_payload = chain[-1]["record_codec"] != packing.JSON
    content, record = None, None
    try:
        for index, row in enumerate(chain):
            content = packing.unpack(row["payload"], row["codec"], content) if needs_payload else None
            record = packing.unpack_record(row["record"], row["record_codec"], content, record) if index >= needed else None
    except UnpackError as error:
        raise _damaged(history, version_id, error) from error
    assert record is not None  # noqa: S101 - ids come from foreign keys
    return record


def _chain(history: History, version_id: int, columns: str) -> list[Row]:
    """This version and those that it is packed against, the one that stands alone first."""
    return history.rows(
        f"""WITH RECURSIVE chain (id, base, depth) AS (
               SELECT id, base, 0 FROM version WHERE id = :id
               UNION ALL
               SELECT version.id, version.base, depth + 1 FROM version JOIN chain ON version.id = chain.base WHERE depth < :most
           ) SELECT {columns} FROM chain JOIN version USING (id) ORDER BY depth DESC""",  # noqa: S608 - names of columns
        {"id": version_id, "most": 10 * LONGEST_CHAIN},
    )


def latest_payload(history: History, trial: str, source: str) -> bytes | None:
    """What the source sent for the newest version of a trial, byte for byte; ``None`` when there is none. Raises Damaged."""
    row = history.one("SELECT id FROM version WHERE trial = ? AND source = ? ORDER BY number DESC LIMIT 1", (trial, source))
    return payload(history, row["id"]) if row else None


def _damaged(history: History, version_id: int, error: UnpackError) -> Damaged:
    row = history.one("SELECT trial, source, number FROM version WHERE id = ?", (version_id,))
    which = f"version {row['number']} of {row['trial']} at {row['source']}" if row else f"version row {version_id}"
    return Damaged(f"{history.path}: {which} is damaged ({error}); restore a backup", about=str(history.path))


def add_version(
    history: History,
    *,
    trial: str,
    source: str,
    record: Record,
    payload: bytes,
    registry_date: str | None,
    seen_at: str,
    carried: Sequence[str] = (),
) -> int:
    """Keep a version behind all others of its trial and source, inside the caller's transaction; its id."""
    before = history.one("SELECT id, number FROM version WHERE trial = ? AND source = ? ORDER BY number DESC LIMIT 1", (trial, source))
    return insert_version(
        history,
        number=before["number"] + 1 if before else 1,
        base=before["id"] if before else None,
        trial=trial,
        source=source,
        record=record,
        payload=payload,
        registry_date=registry_date,
        seen_at=seen_at,
        carried=carried,
    )


def insert_version(
    history: History,
    *,
    number: int,
    base: int | None,
    trial: str,
    source: str,
    record: Record,
    payload: bytes,
    registry_date: str | None,
    seen_at: str,
    carried: Sequence[str] = (),
    markup: Markup = "markdown",
    registry_version: int | None = None,
) -> int:
    """Keep a version under a number that is free, packed against ``base`` where that pays, inside the caller's transaction; its id.

    ``registry_version``: the registry's own number of a version that is backfilled.
    """
    blob, codec = packing.pack(payload, _to_pack_against(history, base))
    if codec != packing.AGAINST_BASE:
        base = None
    written = to_json(record)
    packed_record, record_codec = packing.pack_record(written, payload, _record_to_pack_against(history, base))
    cursor = history.connection.execute(
        """INSERT INTO version (trial, source, number, registry_date, seen_at, content_hash, record, record_codec, carried, payload, codec,
                                base, headline, markup, backfilled, registry_version, program)
           VALUES (:trial, :source, :number, :registry_date, :seen_at, :content_hash, :record, :record_codec, :carried, :payload, :codec,
                   :base, :headline, :markup, :backfilled, :registry_version, :program)""",
        {
            "trial": trial,
            "source": source,
            "number": number,
            "registry_date": registry_date,
            "seen_at": seen_at,
            "content_hash": content_hash(written),
            "record": packed_record,
            "record_codec": record_codec,
            "carried": json.dumps(list(carried)),
            "payload": blob,
            "codec": codec,
            "base": base,
            "headline": headline_of(record),
            "markup": markup,
            "backfilled": registry_version is not None,
            "registry_version": registry_version,
            "program": PROGRAM,
        },
    )
    assert cursor.lastrowid is not None  # noqa: S101 - an INSERT has one
    if source == "ctgov" and registry_version is None:
        cards.put(history.connection, cursor.lastrowid, record, payload)
    return cursor.lastrowid


def headline_of(record: Record) -> str:
    """What stands of a record beside its version (see ``HEADLINE``), as JSON."""
    return _headlines.encode({name: getattr(record, name) for name in HEADLINE}).decode()


def _to_pack_against(history: History, base: int | None) -> bytes | None:
    """The payload of a version that another may be packed against: it comes back, and its own chain is short."""
    if base is None:
        return None
    row = history.one(
        """WITH RECURSIVE chain (base, depth) AS (
               SELECT base, 1 FROM version WHERE id = :id
               UNION ALL
               SELECT version.base, depth + 1 FROM version JOIN chain ON version.id = chain.base WHERE depth < :most
           ) SELECT max(depth) AS depth FROM chain""",
        {"id": base, "most": LONGEST_CHAIN},
    )
    if row is None or row["depth"] >= LONGEST_CHAIN:
        return None
    try:
        return payload(history, base)
    except Damaged:
        return None


def _record_to_pack_against(history: History, base: int | None) -> bytes | None:
    """The record of the version that the payload is packed against, when it comes back."""
    try:
        return record_json(history, base) if base is not None else None
    except Damaged:
        return None


def add_changes(
    connection: sqlite3.Connection,
    version_id: int,
    changes: Iterable[Change],
    *,
    trial: str,
    source: str,
    registry_date: str | None,
    seen_at: str,
) -> list[int]:
    """Keep the changes that led to a version, inside the caller's transaction; their ids in the same order."""
    ids = []
    for change in changes:
        cursor = connection.execute(
            """INSERT INTO change (trial, source, version_id, field, topic, operation, "before", "after", "group",
                                   significance, reader_significance, registry_date, seen_at, detail)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (
                trial,
                source,
                version_id,
                change.field,
                change.topic,
                change.operation,
                _json(change.before),
                _json(change.after),
                change.group,
                change.significance,
                change.reader_significance,
                None if change.topic in ("registry", "listing") else registry_date,  # the registry gives no date for it
                seen_at,
                _json(change.detail),
            ),
        )
        assert cursor.lastrowid is not None  # noqa: S101 - an INSERT has one
        ids.append(cursor.lastrowid)
    connection.execute("UPDATE version SET changes = changes + ? WHERE id = ?", (len(ids), version_id))
    return ids


def marks(values: Sequence[object]) -> str:
    """As many question marks as there are values, for a list in SQL."""
    return ", ".join("?" for _ in values)


def changes_by_id(history: History, ids: Iterable[int]) -> list[KeptChange]:
    """Changes, oldest first."""
    rows = history.rows("SELECT * FROM change WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id", (json.dumps(list(ids)),))
    return [kept_change(row) for row in rows]


def spans(history: History, ids: Iterable[int]) -> dict[str, tuple[int, int]]:
    """For each trial of these changes: the ids of the first and of the last version that they led to."""
    rows = history.rows(
        """SELECT trial, min(version_id) AS first, max(version_id) AS last FROM change
           WHERE id IN (SELECT value FROM json_each(?)) GROUP BY trial""",
        (json.dumps(list(ids)),),
    )
    return {row["trial"]: (row["first"], row["last"]) for row in rows}


def kept_change(row: Row) -> KeptChange:
    """A row of ``change`` as a value."""
    return KeptChange(**kept_values(row))


def kept_values(row: Row) -> dict[str, Any]:
    """The fields of that value."""
    found = {name: row[name] for name in KeptChange.__struct_fields__}
    return found | {name: _value(row[name]) for name in ("before", "after", "detail")}


def is_source(history: History, source: str, trial: str | None = None) -> bool:
    """Is this the registry, or a page (of this trial, under any of its ids) that is watched or of which something is held?"""
    if source == "ctgov":
        return True
    ids = aliases.family(history, trial) if trial else []
    of_trial = f"AND trial IN ({marks(ids)})" if trial else ""
    row = history.one(
        f"""SELECT EXISTS (SELECT 1 FROM page WHERE url = ? {of_trial})
                OR EXISTS (SELECT 1 FROM version WHERE source = ? {of_trial}) AS known""",  # noqa: S608 - no value is in the text
        [source, *ids, source, *ids],
    )
    return bool(row and row["known"])


def is_known(history: History, trial: str) -> bool:
    """Is there anything on this trial, watched or not?"""
    return history.one("SELECT 1 FROM trial WHERE id = ?", (trial,)) is not None


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _value(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _version(history: History, row: Row) -> Version:
    record = from_json(record_json(history, row["id"]))
    return Version(
        row["id"],
        row["trial"],
        row["source"],
        row["number"],
        row["registry_date"],
        row["seen_at"],
        record,
        row["markup"],
        bool(row["backfilled"]),
    )
