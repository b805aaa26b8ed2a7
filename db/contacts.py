"""People whom the registry has taken down, taken out of what is kept: the one exception to keeping every byte.

A trial is looked through when it has a new version, and when somebody's time has come. What it costs is read and packed before its one
transaction begins, so that nobody waits for more than the writing.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from db import history as versions
from db import packing
from db.connection import Connection, History, Row
from registry_sync.trials import people
from registry_sync.trials.decide import content_hash
from registry_sync.trials.people import People
from registry_sync.trials.record import from_json

_CTGOV = "ctgov"
_NOBODY = People()


class Packed(msgspec.Struct, frozen=True):
    """A version as it is to be kept from now on; ``headline``: ``None`` where it stays."""

    id: int
    payload: bytes
    codec: str
    base: int | None
    record: bytes
    record_codec: str
    content_hash: str
    headline: str | None
    redacted: bool


class Plan(msgspec.Struct, frozen=True):
    """What is to become of a trial's versions; ``oldest``: the first day on which somebody was taken down who stays for now."""

    trial: str
    versions: int
    newest: int
    packed: tuple[Packed, ...]
    gone: People
    oldest: str | None


def due(history: History, before: str) -> list[str]:
    """The trials to look through; ``before``: who was taken down on this day or earlier goes."""
    return [
        row["trial"]
        for row in history.rows(
            """SELECT kept.trial FROM (SELECT trial, count(*) AS n, max(id) AS newest FROM version GROUP BY trial) AS kept
               LEFT JOIN tidied ON tidied.trial = kept.trial
               WHERE n > 1 AND (tidied.trial IS NULL OR tidied.versions != n OR tidied.newest != kept.newest OR oldest <= ?)
               ORDER BY kept.trial""",
            (before,),
        )
    ]


def plan(history: History, trial: str, before: str) -> Plan:
    """What is to become of the versions of a trial; nothing is written. Raises Damaged when one of them does not come back."""
    rows = history.rows("SELECT id, source, number, base, registry_date, seen_at FROM version WHERE trial = ? ORDER BY number", (trial,))
    line = [row for row in rows if row["source"] == _CTGOV]
    gone, oldest = _taken_down(history, line, before)
    packed: list[Packed] = []
    if gone:
        latest = line[-1]["id"]
        desk = _Desk(history, gone, latest, {row["id"]: row["source"] for row in rows}, _last_of_each(rows))
        # what a version is packed against was put in before it: from the last one on, what is read is still as it was
        packed = [each for row in sorted(rows, key=lambda row: -row["id"]) if (each := desk.packed(row)) is not None]
    return Plan(trial, len(rows), max((row["id"] for row in rows), default=0), tuple(packed), gone, oldest)


def carry_out(history: History, planned: Plan, now: str) -> int:
    """Write it down, in one transaction; of how many versions somebody was taken out. Nothing happens when a version came meanwhile."""
    with history.write() as connection:
        row = connection.execute("SELECT count(*), max(id) FROM version WHERE trial = ?", (planned.trial,)).fetchone()
        if tuple(row) != (planned.versions, planned.newest):
            return 0
        for each in planned.packed:
            connection.execute(
                """UPDATE version SET payload = ?, codec = ?, base = ?, record = ?, record_codec = ?, content_hash = ?,
                                      headline = coalesce(?, headline),
                                      redacted_at = CASE WHEN ? THEN ? ELSE redacted_at END WHERE id = ?""",
                (
                    *(each.payload, each.codec, each.base, each.record, each.record_codec, each.content_hash, each.headline),
                    *(each.redacted, now, each.id),
                ),
            )
        if planned.gone:
            _out_of_changes(connection, planned.trial, planned.gone)
        connection.execute(
            """INSERT INTO tidied (trial, versions, newest, oldest) VALUES (?, ?, ?, ?)
               ON CONFLICT (trial) DO UPDATE SET versions = excluded.versions, newest = excluded.newest, oldest = excluded.oldest""",
            (planned.trial, planned.versions, planned.newest, planned.oldest),
        )
    return sum(each.redacted for each in planned.packed)


def _taken_down(history: History, line: list[Row], before: str) -> tuple[People, str | None]:
    """Who was taken down on a day up to ``before`` and is listed nowhere any more, and the first day of those whose time has not come."""
    if len(line) < 2:
        return _NOBODY, None
    every = [_listed(history, row["id"]) for row in line]
    if not people.together(every[:-1]) - every[-1]:
        return _NOBODY, None
    latest = line[-1]["id"]
    here = people.shown(_read(versions.payload(history, latest))) | people.shown(_read(versions.record_json(history, latest)))
    later, gone, oldest = here, _NOBODY, None
    for place in range(len(line) - 2, -1, -1):
        lost = every[place] - later  # the version behind this one is the first without them
        if lost:
            day = (line[place + 1]["registry_date"] or line[place + 1]["seen_at"])[:10]
            if day <= before:
                gone |= lost
            else:
                oldest = min(day, oldest or day)
        later |= every[place]
    if gone.names:
        answered = {name for row in line[:-1] for name in _answering(history, row["id"])}
        gone |= People(people.but_for_initials(answered, gone.names) - here.names)
    return gone, oldest


def _answering(history: History, version_id: int) -> frozenset[str]:
    sent, record = versions.payload(history, version_id), versions.record_json(history, version_id)
    return people.answering(_read(sent)) | people.answering(_read(record))


def _listed(history: History, version_id: int) -> People:
    found = people.listed(_read(versions.payload(history, version_id)))
    return found | people.listed(_read(versions.record_json(history, version_id)))


def _last_of_each(rows: list[Row]) -> frozenset[int]:
    """The newest version of each source: the next look is compared with its record."""
    return frozenset({row["source"]: row["id"] for row in rows}.values())


class _Desk:
    """Where versions are read, written without some people, and packed anew."""

    def __init__(self, history: History, gone: People, latest: int, sources: dict[int, str], last: frozenset[int]) -> None:
        self._history = history
        self._gone = gone
        self._latest = latest
        self._sources = sources
        self._last = last

    def packed(self, row: Row) -> Packed | None:
        """The version packed anew; ``None`` when it stays as it is."""
        before, after = self._both(row["id"])
        base = row["base"] if row["base"] in self._sources else None
        theirs = self._both(base) if base is not None else None
        if before == after and (theirs is None or theirs[0] == theirs[1]):
            return None
        content, record = after
        against = theirs[1] if theirs else None
        blob, codec = packing.pack(content, against[0] if against else None)
        if codec != packing.AGAINST_BASE:
            base, against = None, None
        packed_record, record_codec = packing.pack_record(record, content, against[1] if against else None)
        headline = versions.headline_of(from_json(record)) if before[1] != record else None
        return Packed(row["id"], blob, codec, base, packed_record, record_codec, content_hash(record), headline, before != after)

    def _both(self, version_id: int) -> tuple[tuple[bytes, bytes], tuple[bytes, bytes]]:
        """Payload and record of a version, as they are and as they are to be."""
        before = versions.payload(self._history, version_id), versions.record_json(self._history, version_id)
        if version_id == self._latest:
            return before, before
        of_page = self._sources[version_id] != _CTGOV
        content = self._page(before[0]) if of_page else self._json(before[0])
        return before, (content, before[1] if version_id in self._last else self._json(before[1]))

    def _json(self, content: bytes) -> bytes:
        value = _read(content)
        found = people.without(value, self._gone)
        return content if found is value else _written(found)

    def _page(self, content: bytes) -> bytes:
        """In the page's own encoding, or byte by byte: what is looked for reads the same in either."""
        for encoding in ("utf-8", "latin-1"):
            try:
                return people.page_without(content.decode(encoding), self._gone).encode(encoding, "xmlcharrefreplace")
            except UnicodeDecodeError:
                continue
        return content


def _out_of_changes(connection: Connection, trial: str, gone: People) -> None:
    for row in connection.execute('SELECT id, field, "before", "after", detail FROM change WHERE trial = ?', (trial,)).fetchall():
        held = [None if text is None else json.loads(text) for text in row[2:]]
        left = [people.without_in(row[1], held[0], gone), people.without_in(row[1], held[1], gone), people.without(held[2], gone)]
        if any(new is not old for new, old in zip(left, held, strict=True)):
            values = (None if value is None else _written(value).decode() for value in left)
            connection.execute('UPDATE change SET "before" = ?, "after" = ?, detail = ? WHERE id = ?', (*values, row[0]))


def _read(content: bytes) -> Any:
    """A JSON document; ``None`` for what is none, in which nobody is looked for."""
    try:
        return msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _written(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def redacted(history: History) -> int:
    """Of how many versions somebody was taken out."""
    row = history.one("SELECT count(*) AS n FROM version WHERE redacted_at IS NOT NULL")
    return int(row["n"]) if row else 0
