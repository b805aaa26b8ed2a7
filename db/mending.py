"""What can be read of a history in which some texts are none: its rows say there what a copy of it says, or are left out.

The file itself is not touched: tables that only this connection sees hide the damaged ones.
"""

from __future__ import annotations

from collections.abc import Iterable

from db import texts
from db.connection import Connection
from db.entered import is_later
from db.texts import Garbled
from registry_sync.errors import Damaged

NEVER = (texts.SCHEMA, "sqlite_sequence")
"""Tables of SQLite's own, which nothing can hide: a history in which a text of theirs is none is not read."""


def mend(damaged: Connection, copy: Connection, garbled: Iterable[Garbled]) -> None:
    """Let a connection see no text that is none. ``copy``: an earlier state of the same history, where each such row has its ids still."""
    found = list(garbled)
    for table in dict.fromkeys(each.table for each in found):
        name, keys = texts.quoted(table), ", ".join(map(texts.quoted, texts.keys_of(damaged, table)))
        damaged.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM main.{name}")  # noqa: S608 - the names are the schema's
        damaged.execute(f"CREATE INDEX temp.{texts.quoted(f'key of {table}')} ON {name} ({keys})")
    is_earlier = _is_earlier(copy, damaged)
    for each in found:
        _mend(damaged, copy, each, is_earlier=is_earlier)


def _is_earlier(copy: Connection, damaged: Connection) -> bool:
    try:
        return is_later(copy, damaged)
    except Damaged:
        return False


def _mend(damaged: Connection, copy: Connection, each: Garbled, *, is_earlier: bool) -> None:
    keys = texts.keys_of(damaged, each.table)
    table, column = texts.quoted(each.table), texts.quoted(each.column)
    where = " AND ".join(f"CAST({texts.quoted(key)} AS BLOB) IS CAST(? AS BLOB)" for key in keys)
    values = [bytes(value) if isinstance(value, bytes) else value for value in each.key]
    row = None
    if is_earlier and each.column not in keys and _numbers_once(copy, each.table):
        try:
            row = copy.execute(f"SELECT {column} FROM {table} WHERE {where}", values).fetchone()  # noqa: S608 - the names are the schema's
        except Damaged:
            row = None
    if row is None:
        damaged.execute(f"DELETE FROM temp.{table} WHERE {where}", values)  # noqa: S608
    else:
        damaged.execute(f"UPDATE temp.{table} SET {column} = ? WHERE {where}", (row[0], *values))  # noqa: S608


def _numbers_once(connection: Connection, table: str) -> bool:
    """Is a key of this table never given to another row?"""
    row = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchone()
    return row is not None and ("AUTOINCREMENT" in row[0] or "INTEGER PRIMARY KEY" not in row[0])
