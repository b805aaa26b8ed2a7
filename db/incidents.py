"""A source in trouble, the registry or a trial-finder site: opened once, counted, closed once; and whether the operator heard of either."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from db.connection import History, Row
from registry_sync.sources.interface import CTGOV

if TYPE_CHECKING:
    from registry_sync.notices.operator import Incident

Part = Literal["opening", "closing"]
DELIVERY = "delivery"
"""The outbox, as something that can be in trouble."""
IN_PART = f"{CTGOV}, in part"
"""Some of what the registry sends, as a source in trouble beside the registry as a whole; a site's name is its scheme, host and port."""


def trouble(connection: sqlite3.Connection, source: str, error: str, now: str, *, told_at: str | None = None) -> bool:
    """Note that a source is in trouble, inside the caller's transaction; is this the first time since it was well?

    ``told_at``: when nobody is to be told any more (UTC).
    """
    count = connection.execute("SELECT times FROM incident WHERE source = ? AND closed_at IS NULL", (source,)).fetchone()
    if count is None:
        connection.execute(
            "INSERT INTO incident (source, opened_at, last_at, error, opening_told_at) VALUES (?, ?, ?, ?, ?)",
            (source, now, now, error, told_at),
        )
        return True
    connection.execute(
        "UPDATE incident SET times = times + 1, last_at = ?, error = ? WHERE source = ? AND closed_at IS NULL", (now, error, source)
    )
    return False


def well(connection: sqlite3.Connection, source: str, now: str, *, told_at: str | None = None) -> bool:
    """Note that a source is well, inside the caller's transaction; was it in trouble? ``told_at`` as in ``trouble``."""
    closed = connection.execute(
        "UPDATE incident SET closed_at = ?, closing_told_at = ? WHERE source = ? AND closed_at IS NULL", (now, told_at, source)
    )
    return closed.rowcount > 0


def let_go(connection: sqlite3.Connection, sites: Sequence[str], now: str) -> None:
    """Close what is open of sites of which no page is watched any more, inside the caller's transaction: there is nothing to tell of it."""
    connection.execute(
        """UPDATE incident SET closed_at = :now, opening_told_at = coalesce(opening_told_at, :now), closing_told_at = :now
           WHERE closed_at IS NULL AND source LIKE 'http%' AND source NOT IN (SELECT value FROM json_each(:sites))""",
        {"now": now, "sites": json.dumps(list(sites))},
    )


def is_open(history: History, source: str) -> bool:
    """Is this source in trouble?"""
    return history.one("SELECT 1 FROM incident WHERE source = ? AND closed_at IS NULL", (source,)) is not None


def open_ones(history: History) -> list[Row]:
    """The incidents that are open, oldest first."""
    return history.rows("SELECT source, opened_at, last_at, times, error FROM incident WHERE closed_at IS NULL ORDER BY opened_at")


def closed_since(history: History, since: str) -> list[Row]:
    """The sources that were in trouble and are well again since then (UTC), each once."""
    return history.rows(
        """SELECT source FROM incident WHERE closed_at >= ? AND source NOT IN (SELECT source FROM incident WHERE closed_at IS NULL)
           GROUP BY source ORDER BY min(id)""",
        (since,),
    )


_UNTOLD = """
SELECT id, source, opened_at, times, error, closed_at, 'opening' AS part, opened_at AS happened_at FROM incident
WHERE opening_told_at IS NULL
UNION ALL
SELECT id, source, opened_at, times, error, closed_at, 'closing', max(opened_at, closed_at) FROM incident
WHERE closed_at IS NOT NULL AND closing_told_at IS NULL
"""


def untold(history: History) -> list[tuple[Incident, Part]]:
    """What the operator has not heard of, in the order in which it happened; an incident's opening before its closing."""
    from registry_sync.notices.operator import Incident  # loads all that writes mails: only when one is to be written

    rows = history.rows(f"{_UNTOLD} ORDER BY happened_at, part DESC, id")
    found: list[tuple[Incident, Part]] = []
    for row in rows:
        part, _ = row.pop("part"), row.pop("happened_at")
        found.append((Incident(**row), part))
    return found


def count_untold(history: History) -> int:
    """How many mails that is."""
    return len(history.rows(_UNTOLD))


def newest_untold(history: History) -> str | None:
    """When the newest of it happened (UTC); ``None`` when the operator has heard of everything."""
    row = history.one(f"SELECT max(happened_at) AS at FROM ({_UNTOLD})")  # noqa: S608 - no value is in the text
    return row["at"] if row else None


def told(history: History, incident_id: int, part: Part, now: str) -> None:
    """The operator's mail server took it."""
    with history.write() as connection:
        connection.execute(f"UPDATE incident SET {part}_told_at = ? WHERE id = ?", (now, incident_id))  # noqa: S608 - one of two names


def nobody_to_tell(history: History, now: str) -> None:
    """There is no operator any more who is to hear of what is untold."""
    with history.write() as connection:
        connection.execute("UPDATE incident SET opening_told_at = ? WHERE opening_told_at IS NULL", (now,))
        connection.execute("UPDATE incident SET closing_told_at = ? WHERE closed_at IS NOT NULL AND closing_told_at IS NULL", (now,))
