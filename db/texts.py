"""Texts that are none: what a failing disk leaves in a text is no UTF-8 any more, and SQLite does not look.

The file as a whole is sound then, and so are its references: whoever reads the row is the first to stumble.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

_AT_ONCE = 500
SCHEMA = "sqlite_master"
"""The table in which SQLite keeps what its tables are."""
NAMES = {
    "version": "'version ' || number || ' of ' || trial || ' at ' || source",
    "change": "'change ' || id",
    "notice": "'notice ' || id",
    "subscription": "'subscription ' || id",
    "page": "'page ' || url || ' of ' || trial",
    "search": "'search ' || id",
    "event": "'event ' || id || ' of ' || trial",
    "letter": "'letter ' || id || ' of ' || trial",
    "robots": "'site ' || host",
    "secret": "'the key ' || name",
}
"""How people are told of a row; one of another table by its key."""


_NOTHING = "''"
_AND = " || ' ' || "


class Garbled(NamedTuple):
    """A text that is none: where, how people are told of its row, and the row's key, each part of it as its octets."""

    table: str
    column: str
    row: str
    key: tuple[Any, ...]

    def __str__(self) -> str:
        return f"{self.row}: {self.what}"

    @property
    def what(self) -> str:
        """What is wrong with it."""
        return f"the text in the column {self.column} of {self.table} is none (no UTF-8)"


class Octets(bytes):
    """What stands in a text, whatever it is."""

    @property
    def is_garbled(self) -> bool:
        """Is it no text?"""
        try:
            self.decode()
        except UnicodeDecodeError:
            return True
        return False

    def __str__(self) -> str:
        text = self.decode(errors="replace")
        return text if text.isprintable() else "".join(char if char.isprintable() else "\ufffd" for char in text)


class Row(NamedTuple):
    """A row as it stands there: how people are told of it, its key, and what is in the columns that were asked for.

    A text is ``Octets``; octets that are no text are empty, and are not read.
    """

    name: str
    key: tuple[Any, ...]
    cells: tuple[Any, ...]


def first(connection: sqlite3.Connection, column: str | None = None) -> str | None:
    """The first text that is none, as people are told of it; ``None``: all are sound. ``column``: rather one in a column of this name."""
    found = None
    for each in every(connection):
        if column in (None, each.column):
            return str(each)
        found = found or str(each)
    return found


def every(connection: sqlite3.Connection) -> Iterator[Garbled]:
    """Every text that is none, the schema's own first."""
    for table in (SCHEMA, *tables(connection)):
        yield from of_table(connection, table)


def of_table(connection: sqlite3.Connection, table: str) -> Iterator[Garbled]:
    """Every text of a table that is none."""
    columns = columns_of(connection, table)
    if columns and not _is_sound(connection, table, columns):
        for row in rows(connection, table, columns):
            for column, cell in zip(columns, row.cells, strict=True):
                if isinstance(cell, Octets) and cell.is_garbled:
                    yield Garbled(table, column, row.name, row.key)


def tables(connection: sqlite3.Connection) -> list[str]:
    """The names of the tables."""
    return [str(row[0]) for row in read(connection, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]


def columns_of(connection: sqlite3.Connection, table: str) -> list[str]:
    """The names of a table's columns."""
    return [str(row[0]) for row in read(connection, "SELECT name FROM pragma_table_xinfo(?, 'main')", table)]


def keys_of(connection: sqlite3.Connection, table: str) -> list[str]:
    """The columns by which a row of a table is known."""
    found = read(connection, "SELECT name FROM pragma_table_xinfo(?, 'main') WHERE pk ORDER BY pk", table)
    return [str(row[0]) for row in found] or ["rowid"]


def rows(connection: sqlite3.Connection, table: str, columns: Sequence[str]) -> Iterator[Row]:
    """The rows of a table, with these columns."""
    keys = keys_of(connection, table)
    generic = f"'row ' || {_AND.join(f'coalesce({quoted(key)}, {_NOTHING})' for key in keys)} || ' of {table}'"
    name = NAMES.get(table, "NULL")
    wanted = ", ".join((f"coalesce({name}, {generic})", *map(quoted, keys), *map(_unread, columns)))
    for row in read(connection, f"SELECT {wanted} FROM {quoted(table)}"):  # noqa: S608 - the names are the schema's
        yield Row(str(row[0]), row[1 : len(keys) + 1], row[len(keys) + 1 :])


def quoted(name: str) -> str:
    """A name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def tolerant(octets: bytes) -> str:
    """A text, or what is left of it: for a connection that is to read on in a damaged file."""
    return octets.decode(errors="replace")


def _unread(column: str) -> str:
    """What is in a column; of octets only that it is octets, since they may be long."""
    return f"CASE typeof({quoted(column)}) WHEN 'blob' THEN x'' ELSE {quoted(column)} END"


def _is_sound(connection: sqlite3.Connection, table: str, columns: Sequence[str]) -> bool:
    """Are all the texts of a table texts? As fast as they can be read."""
    # as one text for each row: a blank between two of them mends neither
    only = " || ' ' || ".join(f"CASE typeof({quoted(each)}) WHEN 'text' THEN {quoted(each)} ELSE '' END" for each in columns)
    cursor = sqlite3.Cursor(connection)
    try:
        cursor.execute(f"SELECT {only} FROM {quoted(table)}")  # noqa: S608 - the names are the schema's
        while cursor.fetchmany(_AT_ONCE):
            pass
    except sqlite3.OperationalError as error:
        if not str(error).startswith("Could not decode"):
            raise
        return False
    return True


def read(connection: sqlite3.Connection, question: str, *values: object) -> Iterator[tuple[Any, ...]]:
    """What a question finds, row by row, with ``Octets`` in the place of texts, whoever else asks this connection meanwhile."""
    cursor = sqlite3.Cursor(connection)
    cursor.execute(question, values)
    while True:
        before, connection.text_factory = connection.text_factory, Octets
        try:
            found = cursor.fetchmany(_AT_ONCE)
        finally:
            connection.text_factory = before
        if not found:
            return
        yield from found
