"""Connections that say in one line what of a damaged file cannot be read, wherever the question was asked.

SQLite hands out whatever octets stand in a text, and Python's module tells of those that are none in its own words, with the text in
them: that may be an address. The file's own damage it tells in a way that not every caller listens to.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from db import texts
from registry_sync.errors import Damaged, DatabaseError

DAMAGED = "is damaged; restore a backup (files named like it that end in .backup, or the backups folder)"
_GARBLED = re.compile(r"Could not decode to UTF-8 column '(.*?)' with text '", re.DOTALL)


class Reading(sqlite3.Connection):
    """A connection whose questions raise Damaged for a text that is none, and DatabaseError where the file itself is damaged."""

    path = Path()
    _named: str | None = None

    def execute(self, *question: Any) -> sqlite3.Cursor:
        """One question, or one thing to do."""
        return _Cursor(self).execute(*question)

    def executemany(self, *question: Any) -> sqlite3.Cursor:
        """One thing to do with many values."""
        return _Cursor(self).executemany(*question)

    def damaged(self, column: str | None) -> Damaged:
        """The error for a text that is none, with the row that it stands in."""
        if self._named is None:
            with contextlib.suppress(sqlite3.Error, UnicodeDecodeError):
                self._named = texts.first(self, column)
            self._named = self._named or f"a text in a column {column or 'of its schema'} is none (no UTF-8)"
        return Damaged(
            f"{self.path}: is damaged: {self._named}; run `registry-sync check`, which names all that is, and restore a backup",
            about=str(self.path),
        )


class _Cursor(sqlite3.Cursor):
    connection: Any

    def execute(self, *question: Any) -> sqlite3.Cursor:  # type: ignore[override]
        try:
            return super().execute(*question)
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise _clear(error, self.connection) from None

    def executemany(self, *question: Any) -> sqlite3.Cursor:  # type: ignore[override]
        try:
            return super().executemany(*question)
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise _clear(error, self.connection) from None

    def fetchone(self) -> Any:
        try:
            return super().fetchone()
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise _clear(error, self.connection) from None

    def fetchmany(self, size: int | None = None) -> list[Any]:
        try:
            return super().fetchmany(self.arraysize if size is None else size)
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise _clear(error, self.connection) from None

    def fetchall(self) -> list[Any]:
        try:
            return super().fetchall()
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise _clear(error, self.connection) from None

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        """Row after row without a step of Python's own for each of them, which would cost a third more."""
        try:
            yield from iter(super().__next__, None)
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise _clear(error, self.connection) from None

    def __next__(self) -> Any:
        try:
            return super().__next__()
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise _clear(error, self.connection) from None


def _clear(error: Exception, connection: Reading) -> Exception:
    """What is to be raised for it; the error itself where it tells of something else."""
    if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_CORRUPT:
        return DatabaseError(f"{connection.path}: {DAMAGED}", about=str(connection.path))
    garbled = _GARBLED.match(str(error))
    if garbled or isinstance(error, UnicodeDecodeError):
        return connection.damaged(garbled[1] if garbled else None)
    return error


def connect(path: Path, *, mode: str | None = None, **more: Any) -> Reading:
    """A connection to a file; ``mode``: what a URI says behind its question mark. Raises sqlite3.Error."""
    address = str(path) if mode is None else f"{path.absolute().as_uri()}?{mode}"
    connection = sqlite3.connect(address, uri=mode is not None, factory=Reading, **more)
    connection.path = path
    return connection
