"""Versions of trials and the changes between them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from db import packing
from db.connection import History, Row
from db.packing import UnpackError
from registry_sync.errors import Damaged
from registry_sync.trials.changes import Change, KeptChange
from registry_sync.trials.decide import content_hash
from registry_sync.trials.record import Record, from_json, plain, to_json

LONGEST_CHAIN = 16
"""How many payloads may be packed one against the other: the last one is unpacked by unpacking all of them."""
HEADLINE = (
    "brief_title", "overall_status", "last_known_status", "start_date", "primary_completion_date", "completion_date", "enrollment",
    "has_results",
)  # fmt: skip
"""The fields that stand unpacked beside each version, for lists, views and timelines."""

Markup = Literal["markdown", "html"]


@dataclass(frozen=True)
class Version:
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


def at(history: History, trial: str, source: str, date: str) -> Version | None:
    """The version that stood at the end of a day (UTC): by the registry's dates, where they tell.

    A version with the same registry date as the one before it is a change that the registry did not date (it turns a trial to
    UNKNOWN in silence): it counts from the day on which it was seen, as does a page's.
    """
    rows = history.rows(
        """SELECT id, substr(seen_at, 1, 10) AS seen_on, registry_date,
                  lag(registry_date) OVER (ORDER BY number) AS date_before
           FROM version WHERE trial = ? AND source = ? ORDER BY number""",
        (trial, source),
    )
    standing = None
    for row in rows:
        since = row["registry_date"] if row["registry_date"] and row["registry_date"] != row["date_before"] else row["seen_on"]
        if since <= date:
            standing = row["id"]
    return by_id(history, standing) if standing is not None else None


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
    """The versions held, oldest first, without their records."""
    condition = "AND source = :source" if source else ""
    return history.rows(
        f"""SELECT number, source, registry_date, seen_at, json_extract(headline, '$.overall_status') AS overall_status,
                   (SELECT count(*) FROM change WHERE change.version_id = version.id) AS changes
            FROM version WHERE trial = :trial {condition} ORDER BY source != 'ctgov', source, number""",  # noqa: S608 - no value is in the text
        {"trial": trial, "source": source},
    )


def payload(history: History, version_id: int) -> bytes:
    """What the source sent for this version, byte for byte. Raises Damaged when it cannot be unpacked."""
    chain = history.rows(
        """WITH RECURSIVE chain (id, base, payload, codec, depth) AS (
               SELECT id, base, payload, codec, 0 FROM version WHERE id = :id
               UNION ALL
               SELECT version.id, version.base, version.payload, version.codec, depth + 1
               FROM version JOIN chain ON version.id = chain.base WHERE depth < :most
           ) SELECT payload, codec FROM chain ORDER BY depth DESC""",
        {"id": version_id, "most": 10 * LONGEST_CHAIN},
    )
    content: bytes | None = None
    try:
        for row in chain:
            content = packing.unpack(row["payload"], row["codec"], content)
    except UnpackError as error:
        raise _damaged(history, version_id, error) from error
    assert content is not None  # noqa: S101 - ids come from foreign keys
    return content


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
    record_json = to_json(record)
    packed_record, record_codec = packing.pack_record(record_json, payload)
    values = plain(record)
    cursor = history.connection.execute(
        """INSERT INTO version (trial, source, number, registry_date, seen_at, content_hash, record, record_codec, carried, payload, codec,
                                base, headline, markup, backfilled, registry_version)
           VALUES (:trial, :source, :number, :registry_date, :seen_at, :content_hash, :record, :record_codec, :carried, :payload, :codec,
                   :base, :headline, :markup, :backfilled, :registry_version)""",
        {
            "trial": trial,
            "source": source,
            "number": number,
            "registry_date": registry_date,
            "seen_at": seen_at,
            "content_hash": content_hash(record),
            "record": packed_record,
            "record_codec": record_codec,
            "carried": json.dumps(list(carried)),
            "payload": blob,
            "codec": codec,
            "base": base if codec == packing.AGAINST_BASE else None,
            "headline": _json({name: values.get(name) for name in HEADLINE}),
            "markup": markup,
            "backfilled": registry_version is not None,
            "registry_version": registry_version,
        },
    )
    assert cursor.lastrowid is not None  # noqa: S101 - an INSERT has one
    return cursor.lastrowid


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
                                   significance, reader_significance, registry_date, seen_at)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
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
                registry_date,
                seen_at,
            ),
        )
        assert cursor.lastrowid is not None  # noqa: S101 - an INSERT has one
        ids.append(cursor.lastrowid)
    return ids


def changes(
    history: History,
    *,
    trial: str | None = None,
    since: str | None = None,
    source: str | None = None,
    backfilled: bool = False,
    housekeeping: bool = False,
) -> list[KeptChange]:
    """What changed, newest first: the registry's changes and the listings' news, or with ``source`` a page's own differences.

    ``since``: a UTC time, ISO 8601; what was seen at that time or later.
    """
    conditions = ["source = :source" if source else "(source = 'ctgov' OR topic = 'listing')"]
    if trial:
        conditions.append("trial = :trial")
    if since:
        conditions.append("seen_at >= :since")
    if not backfilled:
        conditions.append("backfilled = 0")
    if not housekeeping:
        conditions.append("significance != 'housekeeping'")
    rows = history.rows(
        f"SELECT * FROM change WHERE {' AND '.join(conditions)} ORDER BY id DESC",  # noqa: S608 - no value is in the text
        {"trial": trial, "since": since, "source": source},
    )
    return [kept_change(row) for row in rows]


def kept_change(row: Row) -> KeptChange:
    """A row of ``change`` as a value."""
    return KeptChange(
        id=row["id"],
        trial=row["trial"],
        source=row["source"],
        field=row["field"],
        topic=row["topic"],
        operation=row["operation"],
        before=_value(row["before"]),
        after=_value(row["after"]),
        group=row["group"],
        significance=row["significance"],
        reader_significance=row["reader_significance"],
        registry_date=row["registry_date"],
        seen_at=row["seen_at"],
    )


def is_known(history: History, trial: str) -> bool:
    """Is there anything on this trial, watched or not?"""
    return history.one("SELECT 1 FROM trial WHERE id = ?", (trial,)) is not None


def looked_at(connection: sqlite3.Connection, source: str, at: str) -> None:
    """Note that everything watched at a source was looked at; one row for each source, whatever the number of looks."""
    connection.execute(
        "INSERT INTO source (name, looked_at) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET looked_at = excluded.looked_at", (source, at)
    )


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _value(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _version(history: History, row: Row) -> Version:
    content = payload(history, row["id"]) if row["record_codec"] == packing.AGAINST_PAYLOAD else None
    try:
        record = from_json(packing.unpack_record(row["record"], row["record_codec"], content))
    except UnpackError as error:
        raise _damaged(history, row["id"], error) from error
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
