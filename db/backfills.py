"""The registry's own earlier versions: kept as they come, then put into the line of the versions held, before those seen live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from db import history as versions
from db import packing
from db.connection import Connection, History
from db.history import Version
from db.packing import UnpackError
from registry_sync.errors import Damaged
from registry_sync.trials.changes import Change
from registry_sync.trials.record import Record

_SOURCE = "ctgov"


@dataclass(frozen=True)
class Held:
    """A version of the line: ``registry_version`` is the registry's own number of it, where known."""

    id: int
    number: int
    registry_version: int | None
    registry_date: str | None
    backfilled: bool


@dataclass(frozen=True)
class Placed:
    """A version that belongs into the line, and the changes that led to it.

    ``held``: its row, when it is in the line already; else it is staged, with this record and date.
    """

    registry_version: int
    changes: tuple[Change, ...]
    record: Record | None = None
    registry_date: str | None = None
    held: int | None = None


@dataclass(frozen=True)
class Line:
    """What is to stand before the oldest version seen live (``live``: its row), and what led to that one.

    ``live_version``: the registry's number of that one, where it has been found.
    """

    earlier: Sequence[Placed]
    live: int
    live_version: int | None
    live_changes: tuple[Change, ...]


def is_known(history: History, trial: str) -> bool:
    """Is this trial watched, or was it?"""
    row = history.one(
        "SELECT EXISTS (SELECT 1 FROM watch WHERE trial = :t) OR EXISTS (SELECT 1 FROM version WHERE trial = :t AND source = :s) AS known",
        {"t": trial, "s": _SOURCE},
    )
    return bool(row and row["known"])


def line(history: History, trial: str) -> list[Held]:
    """The versions of a trial at the registry, oldest first."""
    rows = history.rows(
        """SELECT id, number, registry_version, registry_date, backfilled FROM version WHERE trial = ? AND source = ?
           ORDER BY number""",
        (trial, _SOURCE),
    )
    return [Held(row["id"], row["number"], row["registry_version"], row["registry_date"], bool(row["backfilled"])) for row in rows]


def first_live(history: History, trial: str) -> Version | None:
    """The oldest version that was seen live."""
    held = next((each for each in line(history, trial) if not each.backfilled), None)
    return versions.by_id(history, held.id) if held else None


def counted(history: History, trial: str) -> tuple[int, int]:
    """How many versions of a trial are held, and how many changes were backfilled, without housekeeping."""
    held = len(line(history, trial))
    row = history.one(
        """SELECT count(*) AS n FROM change WHERE backfilled = 1 AND significance != 'housekeeping'
           AND version_id IN (SELECT id FROM version WHERE trial = ? AND source = ?)""",
        (trial, _SOURCE),
    )
    return held, row["n"] if row else 0


# --- staged: fetched, and not in the line yet ----------------------------------------------------------------------------


def stage(history: History, trial: str, number: int, date: str | None, payload: bytes) -> None:
    """Keep a version as it came; the same one again adds nothing. ``number`` is the registry's, ``date`` the registry's date of it."""
    blob, codec = packing.pack(payload)
    with history.write() as connection:
        connection.execute(
            "INSERT INTO staged (trial, registry_version, date, payload, codec) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (trial, number, date or "", blob, codec),
        )


def staged(history: History, trial: str) -> dict[int, str | None]:
    """The registry's numbers of the versions staged, and their dates."""
    rows = history.rows("SELECT registry_version, date FROM staged WHERE trial = ? ORDER BY registry_version", (trial,))
    return {row["registry_version"]: row["date"] or None for row in rows}


def staged_payload(history: History, trial: str, number: int) -> bytes:
    """What came, byte for byte. Raises Damaged when it cannot be unpacked."""
    row = history.one("SELECT payload, codec FROM staged WHERE trial = ? AND registry_version = ?", (trial, number))
    assert row is not None  # noqa: S101 - the number is one of ``staged``
    try:
        return packing.unpack(row["payload"], row["codec"])
    except UnpackError as error:
        raise Damaged(
            f"{history.path}: staged version {number} of {trial} is damaged ({error}); restore a backup", about=str(history.path)
        ) from error


def unstage(history: History, trial: str) -> None:
    """Let go of what is staged."""
    with history.write() as connection:
        connection.execute("DELETE FROM staged WHERE trial = ?", (trial,))


# --- into the line -------------------------------------------------------------------------------------------------------


def put(history: History, trial: str, planned: Line, *, seen_at: str) -> bool:
    """Put the earlier versions before the live ones, in one transaction; ``False`` when the line is not that of the plan any more.

    All versions are numbered anew from 1; their ids, on which notices hang, stay. The backfilled changes of this trial are made anew,
    in the order of the line. Nothing is left staged.
    """
    with history.write() as connection:
        before = line(history, trial)
        live = [held.id for held in before if not held.backfilled]
        kept = {placed.held for placed in planned.earlier if placed.held is not None}
        if not live or live[0] != planned.live or kept != {held.id for held in before if held.backfilled}:
            return False
        of_trial = (trial, _SOURCE)
        connection.execute(
            "DELETE FROM change WHERE backfilled = 1 AND version_id IN (SELECT id FROM version WHERE trial = ? AND source = ?)", of_trial
        )
        connection.execute(
            """UPDATE version SET changes = (SELECT count(*) FROM change WHERE version_id = version.id)
               WHERE trial = ? AND source = ?""",
            of_trial,
        )
        connection.execute("UPDATE version SET number = -number WHERE trial = ? AND source = ?", of_trial)  # no two alike at any instant
        base = None
        for number, placed in enumerate(planned.earlier, start=1):
            base = _put_one(history, connection, trial, placed, number, base, seen_at)
        for number, version_id in enumerate(live, start=len(planned.earlier) + 1):
            connection.execute("UPDATE version SET number = ? WHERE id = ?", (number, version_id))
        connection.execute("UPDATE version SET registry_version = ? WHERE id = ?", (planned.live_version, planned.live))
        date = next(held.registry_date for held in before if held.id == planned.live)
        _add_changes(connection, trial, planned.live, planned.live_changes, date, seen_at)
        connection.execute("DELETE FROM staged WHERE trial = ?", (trial,))
    return True


def _put_one(history: History, connection: Connection, trial: str, placed: Placed, number: int, base: int | None, seen_at: str) -> int:
    """Put one version under its number; its id."""
    version_id, date = placed.held, placed.registry_date
    if version_id is not None:
        connection.execute("UPDATE version SET number = ? WHERE id = ?", (number, version_id))
    else:
        assert placed.record is not None  # noqa: S101 - what is staged was read
        version_id = versions.insert_version(
            history,
            number=number,
            base=base,
            trial=trial,
            source=_SOURCE,
            record=placed.record,
            payload=staged_payload(history, trial, placed.registry_version),
            registry_date=date,
            seen_at=seen_at,
            markup="html",
            registry_version=placed.registry_version,
        )
    _add_changes(connection, trial, version_id, placed.changes, date, seen_at)
    return version_id


def _add_changes(
    connection: Connection, trial: str, version_id: int, changes: Sequence[Change], registry_date: str | None, seen_at: str
) -> None:
    ids = versions.add_changes(connection, version_id, changes, trial=trial, source=_SOURCE, registry_date=registry_date, seen_at=seen_at)
    connection.executemany("UPDATE change SET backfilled = 1 WHERE id = ?", [(each,) for each in ids])
