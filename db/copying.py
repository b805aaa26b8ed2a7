"""Copies of a history: made while others write, opened and counted before they get their name, safe on the disk when they have it."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from db import reading, rights, steps, texts
from db.connection import APPLICATION_ID, History, clear_errors
from registry_sync.errors import Damaged, DatabaseError

UNFINISHED = ".unfinished"
"""How the name of a copy ends until it is whole."""
FOLDER = "backups"
"""Where copies stand, beside the history."""
_BESIDE = ("", "-journal", "-wal", "-shm")
"""How the names end of a database and of what SQLite lays beside it."""
_EXPORT = re.compile(r"\..+\.(\d+)" + re.escape(UNFINISHED) + r"(?:\.rows)?")
"""What an export is called until it is whole, and what its rows are until they are a table, with the number of its process."""
_PAGES = 2_000
"""Pages that are copied in one go: in between a wish to stop is heard."""


_HEAD = 72
"""Octets at the beginning of a database, up to what says whose it is (https://www.sqlite.org/fileformat2.html, 1.3)."""


def copy_to(history: History, target: Path, between: Callable[[], object] = lambda: None, *, as_it_is: bool = False) -> dict[str, int]:
    """A consistent copy of the whole history, also while others write to it; how many rows each table has in it.

    Nobody who writes waits for it: all of it is read in one transaction. The copy is opened and checked, and is on the disk, before it
    gets its name; a copy that fails leaves nothing. ``between``: called between two parts, and may raise. ``as_it_is``: with texts that are
    none. Raises DatabaseError.
    """
    unfinished = target.with_name(target.name + UNFINISHED)
    with removed_when_it_fails(unfinished):
        counts = _copy(history, unfinished, between)
        _verify_copy(history, unfinished, counts, as_it_is=as_it_is)
        put_in_place(unfinished, target)
    return counts


@contextlib.contextmanager
def removed_when_it_fails(unfinished: Path) -> Iterator[None]:
    """Make an empty file that only its owner may read; it does not outlive what goes wrong in the block. Raises DatabaseError."""
    try:
        remove(unfinished)
        unfinished.touch(0o600)
        yield
    except BaseException as error:
        with contextlib.suppress(OSError):
            remove(unfinished)
        if isinstance(error, OSError):
            said = f"{unfinished.parent}: cannot be written ({error.strerror}); nothing is left there"
            raise DatabaseError(said, about=str(unfinished)) from error
        raise


def _copy(history: History, target: Path, between: Callable[[], object]) -> dict[str, int]:
    """Copy what one transaction sees."""
    with history.clear_errors(), clear_errors(target), contextlib.closing(sqlite3.connect(target)) as copy:
        history.connection.execute("BEGIN")
        try:
            counts = count(history.connection)
            history.connection.backup(copy, pages=_PAGES, progress=lambda *_: between())
        finally:
            history.connection.execute("ROLLBACK")
        copy.execute("PRAGMA journal_mode = DELETE")
    return counts


def _verify_copy(history: History, copy: Path, counts: dict[str, int], *, as_it_is: bool) -> None:
    """Raise DatabaseError when a copy is not sound; one that says so of what was copied, when that is not either."""
    try:
        verify(copy, counts, steps.taken(history.connection), as_it_is=as_it_is)
    except DatabaseError as error:
        with history.clear_errors():
            of_its_own = fault(history.connection) or (None if as_it_is else texts.first(history.connection))
        if of_its_own is None:
            raise
        do = "`registry-sync check` names all that is damaged; restore a backup: no copy was made"
        raise Damaged(f"{history.path}: is damaged: {of_its_own}; {do}", about=str(history.path)) from error


def verify(path: Path, counts: dict[str, int] | None = None, schema: list[str] | None = None, *, as_it_is: bool = False) -> None:
    """Open a file by itself and see that it is a sound history. Raises DatabaseError, which says what is wrong with it.

    ``counts``: how many rows each of its tables must have; ``schema``: the steps that it must have taken. ``as_it_is``: texts that are none
    are no hindrance.
    """
    with clear_errors(path), contextlib.closing(read_only(path)) as connection:
        application_id = connection.execute("PRAGMA application_id").fetchone()[0]
        if application_id != APPLICATION_ID and counts is None:
            raise DatabaseError(f"{path}: is no database of this program", about=str(path))
        problem = fault(connection) or (None if as_it_is else texts.first(connection))
        if problem:
            raise DatabaseError(f"{path}: is not sound ({problem})", about=str(path))
        if schema is not None and steps.taken(connection) != schema:
            raise DatabaseError(f"{path}: the copy has another schema than what it was copied from", about=str(path))
        if counts is not None and count(connection) != counts:
            raise DatabaseError(f"{path}: the copy has not as many rows as what it was copied from", about=str(path))


def is_sound(path: Path) -> bool:
    """Is a copy a sound history? One that cannot be opened just now is taken for one."""
    try:
        verify(path)
    except DatabaseError as error:
        code = getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF
        return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM)
    return True


def fault(connection: sqlite3.Connection) -> str | None:
    """What is wrong with a file as a whole: its pages and indexes, and the references between its rows; ``None`` when it is sound."""
    verdict = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if verdict != "ok":
        return " ".join(str(verdict).split())
    broken = connection.execute("PRAGMA foreign_key_check").fetchmany(1)
    return f"rows of {broken[0][0]} refer to what is not there" if broken else None


def read_only(path: Path) -> sqlite3.Connection:
    """A connection that writes nothing."""
    return reading.connect(path, mode="mode=ro")


def count(connection: sqlite3.Connection) -> dict[str, int]:
    """How many rows each table has."""
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
    return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for (name,) in rows.fetchall()}  # noqa: S608


def put_in_place(finished: Path, target: Path) -> None:
    """Give a file its name, when all of it is on the disk: whoever looks finds what was there before, or the whole of it."""
    sync_to_disk(finished)
    rights.give(finished, target)
    finished.replace(target)
    sync_to_disk(target.parent)


def sync_to_disk(path: Path) -> None:
    """Return when a file, or what a folder lists, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(path: Path) -> None:
    """Remove a database that is not finished, with what SQLite may have laid beside it."""
    for beside in _BESIDE:
        Path(f"{path}{beside}").unlink(missing_ok=True)


def left_over(database: Path) -> list[Path]:
    """What a backup, a restore or an export left beside a history that was killed: it may hold whatever the history held."""
    folder = database.parent
    named = re.compile(
        rf"{re.escape(database.name)}\.(?:restoring(?:{re.escape(UNFINISHED)}\.before-.+\.backup)?|before-.+\.backup)"
        rf"|{re.escape(database.stem)}-\d{{8}}T\d{{6}}Z(?:-\d+)?\.db"
    )
    found = set(folder.glob(f"{database.name}.restoring{UNFINISHED}.before-*.backup"))
    for path in (*folder.glob(f"*{UNFINISHED}*"), *folder.glob(f"{FOLDER}/*{UNFINISHED}*")):
        export = _EXPORT.fullmatch(path.name)
        name = path.name.removesuffix(UNFINISHED)
        if (name != path.name and named.fullmatch(name)) or (export and not is_running(int(export[1]))):
            found.add(path)
    return sorted(found)


def remove_left_over(database: Path) -> int:
    """Remove it; how many files. The caller sees to it that no backup and no restore is at work."""
    found = left_over(database)
    for path in found:
        remove(path)
    return len(found)


def is_running(process: int) -> bool:
    """Is there a process of this number?"""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def belongs_to(path: Path, database: Path) -> bool:
    """Is this a name of the program's own beside a history: what SQLite lays there, a lock, what is not finished, the folder of copies?"""
    path, database = (Path(os.path.realpath(each)) for each in (path, database))
    if path.parent != database.parent:
        return False
    rest = path.name.removeprefix(database.name)
    return path.name == FOLDER or (rest != path.name and (rest in _BESIDE or rest.endswith((".lock", UNFINISHED))))


def in_the_way(database: Path) -> str | None:
    """What stands where the folder of copies belongs, and what to do about it; ``None``: nothing does."""
    folder = database.parent / FOLDER
    if folder.is_dir() or not (folder.exists() or folder.is_symlink()):
        return None
    what = "is a link that leads nowhere" if folder.is_symlink() and not folder.exists() else "is a file"
    return f"{folder}: {what}, and the copies belong into a folder of that name; move it away"


def is_cut(path: Path, octets: int | None = None) -> bool:
    """Is a file of ours shorter than it says of itself, or than the ``octets`` that it once had? Raises OSError."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    page, pages = int.from_bytes(head[16:18], "big"), int.from_bytes(head[28:32], "big")
    return path.stat().st_size < max((65536 if page == 1 else page) * pages, octets or 0)


def is_ours(path: Path) -> bool:
    """Is this a file that this program made as a history, whatever state it is in?"""
    if not path.is_file():
        return False  # whoever opens a pipe waits for who writes into it
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    return head.startswith(b"SQLite format 3\0") and int.from_bytes(head[68:72], "big") == APPLICATION_ID
