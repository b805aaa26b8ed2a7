"""Is the schema of a file the one that its steps make? What was dropped by hand is damage that SQLite itself does not see."""

from __future__ import annotations

import contextlib
import sqlite3
from functools import cache

from db import steps

_Made = dict[tuple[str, str], tuple[str, ...]]


def faults(connection: sqlite3.Connection) -> list[str]:
    """What a file lacks of the tables, columns, indexes and views that belong to the steps that it has taken, one line each.

    What somebody added is no fault.
    """
    taken = steps.taken(connection)
    if not taken:
        return ["it does not say which steps its schema has taken"]
    known = steps.known()
    upto = known[: known.index(taken[-1]) + 1] if taken[-1] in known else known
    skipped = [f"it does not say that its schema has taken the step {name}" for name in upto if name not in taken]
    if skipped:
        return skipped
    there = _made(connection)
    found = []
    for (kind, name), parts in _expected(upto[-1]).items():
        theirs = there.get((kind, name))
        if theirs is None:
            found.append(f"the {kind} {name} is missing")
        elif kind == "table":
            found += [f"the column {part} of {name} is missing" for part in parts if part not in theirs]
        elif theirs != parts:
            found.append(f"the {kind} {name} is another one")
    return found


@cache
def _expected(last: str) -> _Made:
    """What the steps make, up to this one."""
    import sqlite_utils

    from db.migrations import STEPS

    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        later = steps.known()[steps.known().index(last) + 1 :]
        STEPS.apply(sqlite_utils.Database(connection, execute_plugins=False), stop_before=later[:1])
        return _made(connection)


def _made(connection: sqlite3.Connection) -> _Made:
    rows = connection.execute(
        """SELECT type, name, coalesce(sql, '') FROM sqlite_master
           WHERE type IN ('table', 'index', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY type DESC, name"""
    ).fetchall()
    return {(kind, name): _columns(connection, name) if kind == "table" else (" ".join(sql.split()),) for kind, name, sql in rows}


def _columns(connection: sqlite3.Connection, table: str) -> tuple[str, ...]:
    return tuple(row[1] for row in connection.execute(f'PRAGMA table_xinfo("{table}")'))
