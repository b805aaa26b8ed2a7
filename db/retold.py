"""What was told since a backup was made is not told a second time when the registry is asked again after it was restored.

A restored history finds anew what changed since: which change was told to whom is known by keyed hashes, which name nobody. Each is good
once, and for some days: what changes back and forth later is news.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from db import stops
from db.connection import Connection, History
from db.duties import FIELD, key_of

if TYPE_CHECKING:
    from registry_sync.notices.route import Planned

DAYS = 7
"""How long a restored history holds back what was told: by then every source has been asked."""

_COLUMNS = 'change.trial, change.source, change.field, change."group", change."before", change."after", change.detail'
_What = tuple[str, str, str, str | None]


def note(restored: Connection, replaced: Connection, now: str) -> int:
    """Keep of what the replaced history had told to whom what the restored one will find again; how many changes these are."""
    newest = restored.execute("SELECT coalesce(max(id), 0) FROM change").fetchone()[0]
    rows = replaced.execute(
        f"""SELECT DISTINCT notice.address, change.id, {_COLUMNS} FROM notice
            JOIN notice_change ON notice_change.notice_id = notice.id JOIN change ON change.id = notice_change.change_id
            WHERE notice.state = 'sent' AND change.id > ? ORDER BY change.id""",  # noqa: S608 - no value is in it
        (newest,),
    )
    told: dict[tuple[str, _What], list[tuple[Any, Any]]] = {}
    for address, _, *columns in rows:
        what, (before, after) = _about(*columns)
        _go_on(told.setdefault((address, what), []), before, after)
    marks = [(_mark(restored, address, what, pair), now) for (address, what), pairs in told.items() for pair in pairs]
    # what the replaced one had itself held back, since it had come from a backup, was told before that
    held_back = replaced.execute("SELECT mark, at FROM told_before").fetchall()
    restored.executemany(
        "INSERT INTO told_before (mark, at) VALUES (?, ?) ON CONFLICT (mark) DO UPDATE SET at = excluded.at, used = 0", [*held_back, *marks]
    )
    return len(marks)


def without(connection: Connection, planned: Iterable[Planned], change_ids: Sequence[int], now: datetime.datetime) -> Iterable[Planned]:
    """The notices without what their addresses were told before a restore; one with nothing else in it is none."""
    if connection.execute("SELECT 1 FROM told_before LIMIT 1").fetchone() is None:
        return planned
    oldest = (now - datetime.timedelta(days=DAYS)).strftime("%Y-%m-%dT%H:%M:%SZ")
    connection.execute("DELETE FROM told_before WHERE at < ?", (oldest,))
    return _left(connection, planned, _kept(connection, change_ids))


def age_out(history: History, now: datetime.datetime) -> None:
    """Delete what is held back no longer."""
    oldest = (now - datetime.timedelta(days=DAYS)).strftime("%Y-%m-%dT%H:%M:%SZ")
    history.write_one("DELETE FROM told_before WHERE at < ?", (oldest,))


def _left(connection: Connection, planned: Iterable[Planned], kept: dict[int, tuple[_What, tuple[Any, Any]]]) -> list[Planned]:
    left: list[Planned] = []
    used: set[str] = set()
    for plan in planned:
        marks = {each: _mark(connection, plan.address, *kept[each]) for each in plan.positions}
        told = {
            mark
            for mark in marks.values()
            if connection.execute("SELECT 1 FROM told_before WHERE mark = ? AND NOT used", (mark,)).fetchone()
        }
        used |= told
        positions = tuple(each for each in plan.positions if marks[each] not in told)
        if positions:
            left.append(msgspec.structs.replace(plan, positions=positions))
    connection.executemany(
        "UPDATE told_before SET used = 1 WHERE mark = ?", [(mark,) for mark in used]
    )  # an address may have several notices
    return left


def _kept(connection: Connection, change_ids: Sequence[int]) -> dict[int, tuple[_What, tuple[Any, Any]]]:
    """By position: what a change is about, and its two values."""
    rows = connection.execute(
        f"SELECT id, {_COLUMNS} FROM change WHERE id IN (SELECT value FROM json_each(?))",  # noqa: S608 - no value is in it
        (json.dumps(list(change_ids)),),
    )
    found = {number: _about(*columns) for number, *columns in rows}
    return {position: found[change_id] for position, change_id in enumerate(change_ids)}


def _about(
    trial: str, source: str, field: str, group: str | None, before: str | None, after: str | None, detail: str | None
) -> tuple[_What, tuple[Any, Any]]:
    """What a change is about, and its two values. Of a deadline: which one, and how it stands by which day, whatever was told before."""
    about = _read(detail)
    if field != FIELD or not isinstance(about, dict):
        return (trial, source, field, group), (_read(before), _read(after))
    stands = _read(after)
    day = None if stands == "met" else about.get("by")
    return (trial, source, field, f"{key_of(about)} {day or ''}".rstrip()), (None, stands)


def _go_on(pairs: list[tuple[Any, Any]], before: Any, after: Any) -> None:
    """From A to B, and from B to C: what will be found again is from A to C."""
    for place, (first, last) in enumerate(pairs):
        if before is not None and last == before:
            del pairs[place]
            if first != after:
                pairs.append((first, after))
            return
    pairs.append((before, after))


def _read(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _mark(connection: Connection, address: str, what: _What, pair: tuple[Any, Any]) -> str:
    return stops.mark_of(connection, json.dumps([address, *what, *pair], sort_keys=True))
