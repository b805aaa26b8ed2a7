"""One history in the place of another: the one that goes is held still, and whoever looks finds the one or the other, whole."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from db import copying, mending, reading, rights, schema, steps, texts
from db.connection import History, clear_errors, open_history
from db.texts import Garbled
from registry_sync.errors import DatabaseError
from registry_sync.plural import count

_WAIT = 2.0
"""Seconds for whoever is about to close the file that is to be replaced."""
_BESIDE = ("", "-wal", "-journal")
"""What belongs to a database that was not closed; the file of shared memory is made anew from these."""


def check_backup(path: Path) -> list[str]:
    """The steps that a backup's schema has taken, when it can be restored. Raises DatabaseError with why it cannot."""
    if not path.exists():
        raise DatabaseError(f"{path}: there is no such file", about=str(path))
    if path.is_dir():
        raise DatabaseError(f"{path}: is a folder; name one of the copies in it", about=str(path))
    if not copying.is_ours(path):
        raise DatabaseError(f"{path}: is no database of this program; name a copy that `backup` made", about=str(path))
    with _as_a_copy(path), clear_errors(path), contextlib.closing(copying.read_only(path)) as connection:
        taken = steps.taken(connection)
    unknown = [name for name in taken if name not in steps.known()]
    if unknown:
        said = f"{path}: was written by a newer registry-sync (it has {', '.join(unknown)}); install that version"
        raise DatabaseError(said, about=str(path))
    with _as_a_copy(path):
        copying.verify(path, as_it_is=True)
        with clear_errors(path), contextlib.closing(copying.read_only(path)) as connection:
            lacking = schema.faults(connection)
    if lacking:
        further = f", and {count(len(lacking) - 1, 'further fault')}" if lacking[1:] else ""
        raise DatabaseError(f"{path}: is damaged ({lacking[0]}{further}); take another copy: nothing was changed", about=str(path))
    return taken


@contextlib.contextmanager
def _as_a_copy(path: Path) -> Iterator[None]:
    """Let what is damaged say that another copy is to be taken, and not what is to be done about a database. Raises DatabaseError."""
    try:
        yield
    except DatabaseError as error:
        if not any(words in str(error) for words in ("is damaged", "is not sound", "is no SQLite database")):
            raise
        raise DatabaseError(f"{path}: is damaged ({_why(error)}); take another copy: nothing was changed", about=str(path)) from error


def _why(error: DatabaseError) -> str:
    """What is wrong with a file, without what is to be done about it."""
    if str(error).endswith(reading.DAMAGED):
        return "its pages cannot be read"
    return str(error).removeprefix(f"{error.about}: ").removeprefix("is damaged: ").partition("; ")[0]


def prepare(backup: Path, path: Path) -> History:
    """A copy of the backup at a path of its own, brought up to this program's schema. Raises DatabaseError."""
    with clear_errors(path), contextlib.closing(copying.read_only(backup)) as source, contextlib.closing(sqlite3.connect(path)) as target:
        source.backup(target)
    with _as_a_copy(backup):
        history = open_history(path)
    for copy in path.parent.glob(f"{path.name}.before-*.backup"):
        copy.unlink()  # of a copy: the backup itself is where it was
    return history


def finish(history: History, *, as_it_is: bool = False) -> None:
    """Close a prepared history so that all of it is in one file, and see that it is sound. Raises DatabaseError.

    ``as_it_is``: but for texts that are none.
    """
    with history.clear_errors():
        history.connection.execute("PRAGMA journal_mode = DELETE")
    history.close()
    copying.verify(history.path, as_it_is=as_it_is)


@contextlib.contextmanager
def held_still(path: Path) -> Iterator[History]:
    """The history that is to be replaced: nobody else reads or writes it while the block runs, and all of it is in one file.

    Raises DatabaseError: in use, or it cannot be read (``is_beyond_reading`` tells which).
    """
    if not os.access(path, os.W_OK):
        raise DatabaseError(f"{path}: cannot be written: the file is read-only; nothing was changed", about=str(path))
    open_history(path).close()  # of an older program, too
    with clear_errors(path), contextlib.closing(sqlite3.connect(path, timeout=_WAIT, isolation_level=None)) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        try:
            mode = connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")  # in this mode the lock stays, and a copy cannot be made from within a transaction that may write
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            mode = "wal"
        if mode != "delete":
            raise DatabaseError(
                f"{path}: another program has it open; end that one, and run this again: nothing was changed", about=str(path)
            )
        yield History(path, connection)


def is_beyond_reading(path: Path) -> str | None:
    """Why nothing can be read from a file that should be a history; ``None`` when it is sound. Raises DatabaseError when it is in use."""
    try:
        if not copying.is_ours(path):
            return "it is no database of this program"
        with contextlib.closing(copying.read_only(path)) as connection:
            unknown = [name for name in steps.taken(connection) if name not in steps.known()]
            if unknown:
                return f"it was written by a newer registry-sync (it has {', '.join(unknown)})"
            of_the_schema = (str(each) for table in mending.NEVER for each in texts.of_table(connection, table))
            return copying.fault(connection) or next(of_the_schema, None)
    except DatabaseError as error:
        return _why(error)
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise DatabaseError(f"{path}: another program has it open; end that one, and run this again", about=str(path)) from error
        return str(error)


def garbled(history: History) -> list[Garbled]:
    """The texts of a history that are none."""
    with history.clear_errors():
        return list(texts.every(history.connection))


def mend(history: History, copy: History, garbled: list[Garbled]) -> None:
    """Let a history that is held still be read as far as it can be (see ``mending``)."""
    with history.clear_errors():
        mending.mend(history.connection, copy.connection, garbled)


def lay_aside(path: Path, target: Path) -> None:
    """Copy a file that cannot be read, octet for octet, with what belongs to it. Raises DatabaseError."""
    try:
        for beside in _BESIDE:
            source = Path(f"{path}{beside}")
            if source.exists():
                copy = Path(f"{target}{beside}")
                shutil.copyfile(source, copy)
                copy.chmod(0o600)
                rights.give(copy, path)
                copying.sync_to_disk(copy)
        copying.sync_to_disk(target.parent)
    except OSError as error:
        raise DatabaseError(f"{target}: cannot be written ({error.strerror}); nothing was changed", about=str(target)) from error


def replace(path: Path, new: Path) -> None:
    """Put a finished history in the place of another, or of none. What belonged to that one is no part of the new one."""
    for beside in ("-wal", "-shm", "-journal"):
        Path(f"{path}{beside}").unlink(missing_ok=True)
    copying.put_in_place(new, path)
