"""The only place that opens SQLite.

Every connection has foreign keys on, a write-ahead log, and waits for other writers; every write is one transaction that
begins with BEGIN IMMEDIATE, since a deferred one fails half the time when two processes write.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from db import reading, steps
from registry_sync.errors import Damaged, DatabaseError, NoHistory, OlderSchema

if TYPE_CHECKING:
    import sqlite_utils

APPLICATION_ID = 0x52675379
"""Written into the file's header ("RgSy"), so that nobody takes another program's file for a history, or the reverse."""
WAIT_FOR_OTHERS = 10.0
"""Seconds that a write waits for another process's write before it gives up."""

_READ_ONLY = "cannot be written: the file or its folder is read-only; let this user write both"

Row = dict[str, Any]
Connection = sqlite3.Connection
T = TypeVar("T")


class History:
    """An open history file. Not shared between threads: each opens its own, or has one from ``db.readers`` for a while.

    ``begins``: its file was not there before it was opened, or was empty. ``lies_still``: it is read as it lies there (``open_read_only``).
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, *, reads_only: bool = False, lacking: Sequence[str] = ()) -> None:
        self.path = path
        self.connection = connection
        self.lacking = lacking
        self.begins = False
        self.lies_still = False
        self._together = False
        self._reads_only = reads_only
        self._found: tuple[int, dict[str, Any]] = (0, {})

    @cached_property
    def db(self) -> sqlite_utils.Database:
        """The same connection in the hands of sqlite-utils."""
        import sqlite_utils

        return sqlite_utils.Database(self.connection, execute_plugins=False)

    def __enter__(self) -> History:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()

    def check_writable(self) -> None:
        """Raise DatabaseError when this file cannot be written; nothing is written."""
        if self.lies_still:
            raise DatabaseError(f"{self.path}: {_READ_ONLY}", about=str(self.path))
        with self.clear_errors():
            is_for_looking = self.connection.execute("PRAGMA query_only").fetchone()[0]
            self.connection.execute("PRAGMA query_only = OFF")
            try:
                self.connection.execute("BEGIN IMMEDIATE")
                self.connection.execute("ROLLBACK")
            finally:
                self.connection.execute(f"PRAGMA query_only = {is_for_looking}")

    def rows(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> list[Row]:
        """What a question finds, as dicts."""
        with self.clear_errors():
            cursor = self.connection.execute(sql, parameters)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def one(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> Row | None:
        """The first row that a question finds."""
        found = self.rows(sql, parameters)
        return found[0] if found else None

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is kept, or nothing. Inside ``together`` a part of that one."""
        with self.clear_errors():
            if self._together:
                with self._bracket("SAVEPOINT part", "RELEASE part", "ROLLBACK TO part; RELEASE part"):
                    yield self.connection
            else:
                with self._bracket("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"):
                    yield self.connection

    def write_one(self, sql: str, parameters: Sequence[Any] | dict[str, Any]) -> int:
        """One statement as a transaction of its own; how many rows it wrote."""
        with self.clear_errors():
            return self.connection.execute(sql, parameters).rowcount

    @contextlib.contextmanager
    def relaxed(self) -> Iterator[None]:
        """Writes that outlive this process without waiting for the disk; a power cut may undo those since the last other write."""
        self.connection.execute("PRAGMA synchronous = NORMAL")
        try:
            yield
        finally:
            self.connection.execute("PRAGMA synchronous = FULL")

    def changed_elsewhere(self) -> int:
        """A number that is another one after every write of another connection."""
        return int(self.connection.execute("PRAGMA data_version").fetchone()[0])

    def until_written(self, name: str, find: Callable[[], T]) -> T:
        """What ``find`` finds. In a history for reading alone it is looked for once, and anew after a write of another connection."""
        if not self._reads_only:
            return find()
        written = self.changed_elsewhere()
        if self._found[0] != written:
            self._found = (written, {})
        if name not in self._found[1]:
            self._found[1][name] = find()
        found: T = self._found[1][name]
        return found

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """One transaction for many writes, each of which is still whole or nothing: the disk is waited for once.

        Others who write wait for its end, so it must be short: well under WAIT_FOR_OTHERS. Inside another one a part of that.
        """
        if self._together:
            with self.write():
                yield
            return
        with self.clear_errors(), self._bracket("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"):
            self._together = True
            try:
                yield
            finally:
                self._together = False

    @contextlib.contextmanager
    def _bracket(self, begin: str, keep: str, undo: str) -> Iterator[None]:
        self.connection.execute(begin)
        try:
            yield
            self.connection.execute(keep)
        except BaseException:
            if self.connection.in_transaction:
                for statement in undo.split("; "):
                    self.connection.execute(statement)
            raise

    @contextlib.contextmanager
    def clear_errors(self) -> Iterator[None]:
        """Turn what SQLite says of the file and its surroundings into one line; a mistake of ours stays an exception."""
        with clear_errors(self.path, self.lacking):
            yield


@contextlib.contextmanager
def clear_errors(path: Path, lacking: Sequence[str] = ()) -> Iterator[None]:
    """See ``History.clear_errors``; ``lacking``: the steps that the file has not taken."""
    try:
        yield
    except UnicodeDecodeError as error:  # SQLite's own words on a schema
        raise Damaged(f"{path}: is damaged: its schema is no text; restore a backup", about=str(path)) from error
    except sqlite3.DatabaseError as error:
        if lacking and str(error).startswith(("no such table: ", "no such column: ")):
            raise OlderSchema(f"{path}: is of an older registry-sync; the next command brings it up to date", about=str(path)) from error
        sentence = _sentence(error)
        if sentence is None:
            raise
        raise DatabaseError(f"{path}: {sentence}", about=str(path)) from error


def portions(ids: Sequence[int], most: int = 500) -> Iterator[str]:
    """Ids in lists of so many at most, as JSON: of rows that are read so a portion stands in memory, and nobody is held up between two."""
    for first in range(0, len(ids), most):
        yield json.dumps(ids[first : first + most])


def _sentence(error: sqlite3.DatabaseError) -> str | None:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_ERROR and str(error).startswith("no such table: "):
        return f"is damaged ({error}); run `registry-sync check`, and restore a backup"
    return {
        sqlite3.SQLITE_BUSY: f"is locked by another process for more than {WAIT_FOR_OTHERS:.0f} seconds; end that process, or try again",
        sqlite3.SQLITE_LOCKED: "is locked by another connection; try again",
        sqlite3.SQLITE_READONLY: _READ_ONLY,
        sqlite3.SQLITE_FULL: "the disk is full; make room and run this again: what was stored before is whole",
        sqlite3.SQLITE_IOERR: "cannot be read or written: the disk is full or failing; make room and try again: what was stored is whole",
        sqlite3.SQLITE_CANTOPEN: "cannot be opened: check the path and the rights of its folder",
        sqlite3.SQLITE_NOTADB: "is no SQLite database; name the right file with --database",
        sqlite3.SQLITE_CORRUPT: reading.DAMAGED,
        sqlite3.SQLITE_PERM: "may not be opened: check the file's rights",
        sqlite3.SQLITE_AUTH: "may not be opened: check the file's rights",
    }.get(code)


def open_history(path: Path, *, create: bool = False, shared: bool = False) -> History:
    """Open the history, bring its schema up to date (with a backup before), and return it.

    ``create``: make the file when there is none, and a history of an empty one, which else is refused: something was lost there.
    ``shared``: for reading alone, in one thread after another. Raises DatabaseError, with what to do: no such file, not a database,
    another program's, a newer program's, locked, read-only, disk full.
    """
    if not path.exists():
        if not create:
            raise _no_such(path)
        check_may_begin(path)
        make_private(path)
    _refuse_folder(path)
    with clear_errors(path):
        connection = reading.connect(path, timeout=WAIT_FOR_OTHERS, isolation_level=None, check_same_thread=not shared)
    history = History(path, connection, reads_only=shared)
    try:
        with clear_errors(path):
            history.begins = _identify(history, may_be_empty=create)
            _prepare(history)
            if shared:
                connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return history


def open_to_look(path: Path, *, as_it_lies: bool = False) -> History:
    """Open a history of which nothing shall change, its schema neither, while others may write to it.

    ``as_it_lies``: one that cannot be written, too.

    ``lacking`` has the steps that it has not taken; a question about what came with them raises OlderSchema. Raises DatabaseError as
    ``open_history`` does, and for an empty file.
    """
    if not path.exists():
        raise _no_such(path)
    _refuse_folder(path)
    with clear_errors(path):
        connection = reading.connect(path, mode="mode=rw", timeout=WAIT_FOR_OTHERS, isolation_level=None)
    history = History(path, connection)
    try:
        with clear_errors(path):
            _identify(history, may_be_empty=False)
            taken = steps.taken(connection)
            history.lacking = [name for name in steps.known() if name not in taken]
            connection.execute("PRAGMA query_only = ON")
    except BaseException as error:
        connection.close()
        if as_it_lies and _cannot_be_written(error):
            return open_read_only(path)
        raise
    return history


def open_read_only(path: Path) -> History:
    """Open a history that cannot be written, as it lies there, on a medium that is read-only, say. Raises DatabaseError."""
    log = Path(f"{path}-wal")
    if log.exists() and log.stat().st_size:
        raise DatabaseError(f"{path}: was not closed, and cannot be written; copy it with {log.name} to another folder", about=str(path))
    with clear_errors(path):
        connection = reading.connect(path, mode="mode=ro&immutable=1", isolation_level=None)
    history = History(path, connection)
    history.lies_still = True
    try:
        with clear_errors(path):
            _identify(history, may_be_empty=False)
            if steps.taken(connection) != steps.known():
                raise DatabaseError(f"{path}: is of an older program, and cannot be written; copy it to another folder", about=str(path))
    except BaseException:
        connection.close()
        raise
    return history


def open_for_reading(path: Path) -> History:
    """The history, for who writes nothing; as it lies there, when it cannot be written. Raises DatabaseError."""
    try:
        return open_history(path)
    except DatabaseError as error:
        if not _cannot_be_written(error):
            raise
    return open_read_only(path)


def _cannot_be_written(error: BaseException) -> bool:
    return getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)


def open_to_watch(path: Path) -> sqlite3.Connection:
    """A connection that asks for ``data_version`` alone: unchecked, and waiting for nobody. Raises sqlite3.Error."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=0, isolation_level=None)


def _refuse_folder(path: Path) -> None:
    if path.is_dir():
        raise DatabaseError(f"{path}: is a folder; name a file with --database", about=str(path))


def _no_such(path: Path) -> NoHistory:
    return NoHistory(f"{path}: there is no such database; run `registry-sync init`, or name one with --database", about=str(path))


def check_may_begin(path: Path) -> None:
    """Raise DatabaseError where there is no folder for a new history."""
    if not path.parent.is_dir():
        raise DatabaseError(f"{path}: its folder does not exist; make it first", about=str(path))


def make_private(path: Path) -> None:
    """An empty file that only its owner may read, whatever the umask: an address beside a disease's trial is health data."""
    with contextlib.suppress(OSError):  # what hinders it is said by SQLite in a moment
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))


def _identify(history: History, *, may_be_empty: bool) -> bool:
    """Refuse a file that another program made, or that nobody has filled, before a single byte of it changes; is it empty?"""
    application_id = history.connection.execute("PRAGMA application_id").fetchone()[0]
    empty: bool = history.connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if application_id != APPLICATION_ID and not (application_id == 0 and empty):
        raise DatabaseError(
            f"{history.path}: belongs to another program; name this program's file with --database", about=str(history.path)
        )
    if empty and not may_be_empty:
        said = "is empty: it holds no history; restore a backup, or begin a new one with `registry-sync init`"
        raise NoHistory(f"{history.path}: {said}", about=str(history.path))
    known = steps.known()
    unknown = [name for name in steps.taken(history.connection) if name not in known]
    if unknown:
        raise DatabaseError(
            f"{history.path}: was written by a newer registry-sync (it has {', '.join(unknown)}); install that version",
            about=str(history.path),
        )
    return empty


def _prepare(history: History) -> None:
    connection = history.connection
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")  # what is deleted, names and addresses among it, is gone from the file
    connection.execute(f"PRAGMA busy_timeout = {int(WAIT_FOR_OTHERS * 1000)}")
    if steps.taken(connection) != steps.known():
        from db.migrations import bring_up_to_date  # loads sqlite-utils: only when there is a step to take

        bring_up_to_date(history)
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
