"""One history in the place of another: the one that goes is held still, and whoever looks finds the one or the other, whole."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from db import copying, rights, schema, steps
from db.connection import History, clear_errors, open_history
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
    with clear_errors(path), contextlib.closing(copying.read_only(path)) as connection:
        taken = steps.taken(connection)
    unknown = [name for name in taken if name not in steps.known()]
    if unknown:
        said = f"{path}: was written by a newer registry-sync (it has {', '.join(unknown)}); install that version"
        raise DatabaseError(said, about=str(path))
    copying.verify(path)
    with clear_errors(path), contextlib.closing(copying.read_only(path)) as connection:
        lacking = schema.faults(connection)
    if lacking:
        further = f", and {count(len(lacking) - 1, 'further fault')}" if lacking[1:] else ""
        raise DatabaseError(f"{path}: is damaged ({lacking[0]}{further}); take another copy: nothing was changed", about=str(path))
    return taken


def prepare(backup: Path, path: Path) -> History:
    """A copy of the backup at a path of its own, brought up to this program's schema. Raises DatabaseError."""
    with clear_errors(path), contextlib.closing(copying.read_only(backup)) as source, contextlib.closing(sqlite3.connect(path)) as target:
        source.backup(target)
    history = open_history(path)
    for copy in path.parent.glob(f"{path.name}.before-*.backup"):
        copy.unlink()  # of a copy: the backup itself is where it was
    return history


def finish(history: History) -> None:
    """Close a prepared history so that all of it is in one file, and see that it is sound. Raises DatabaseError."""
    with history.clear_errors():
        history.connection.execute("PRAGMA journal_mode = DELETE")
    history.close()
    copying.verify(history.path)


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
            return f"it was written by a newer registry-sync (it has {', '.join(unknown)})" if unknown else copying.fault(connection)
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise DatabaseError(f"{path}: another program has it open; end that one, and run this again", about=str(path)) from error
        return str(error)


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
