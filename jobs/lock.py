"""One process at a time for one job, or several that know of each other: the operating system's lock on a file beside the database.

Everybody at work shares the lock of restores as long, so that none begins meanwhile. A process that dies leaves no lock behind. The file
says who holds it; it is not removed, since removing a locked file lets two in.
(The filelock package empties the file when it opens it, and with it the name of the holder.)
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from db import rights
from db.copying import is_running
from jobs.surroundings import as_stamp, utc_now
from registry_sync.errors import AlreadyRunning, DatabaseError

MOST_DESKS = 64
_BETWEEN_TRIES = 0.1
_TRIES = 5
_NAMES = {"run": "scheduler", "deliver": "delivery", "serve": "web server"}
_RESTORE = "restore"


@contextlib.contextmanager
def only_one(database: Path, job: str, *, patience: float = 0.0, wait: Callable[[float], object] = time.sleep) -> Iterator[None]:
    """Hold the lock of this job while the block runs.

    Waits up to ``patience`` seconds for another holder; then raises AlreadyRunning, which says who holds it and since when.
    """
    path = Path(f"{database}.{job}.lock")
    with _open(path) as file, _no_restore(database):
        waited = 0.0
        while not _take(file):
            if waited >= patience:
                raise AlreadyRunning(f"another {_NAMES.get(job, job)} is running: {_holder(file)}; it holds {path}", about=job)
            wait(_BETWEEN_TRIES)
            waited += _BETWEEN_TRIES
        _write(file, f"process {os.getpid()} since {as_stamp(utc_now())}\n")
        try:
            yield
        finally:
            _write(file, "")
            fcntl.flock(file, fcntl.LOCK_UN)


def at_work(database: Path, job: str) -> str | None:
    """Who says to hold the lock of this job, and since when, if there is such a process; the lock is not touched."""
    try:
        said = Path(f"{database}.{job}.lock").read_text(encoding="utf-8").strip()
    except OSError:
        return None
    holder = re.fullmatch(r"process (\d+) since .+", said)
    return said if holder and is_running(int(holder[1])) else None


class Desk:
    """One of the places at which several processes do the same job at once; what is claimed at a place is free when nobody sits there.

    ``with desk_of(database, job) as desk``: ``desk.number`` is this process's place, from 1 on.
    """

    def __init__(self, database: Path, job: str, number: int) -> None:
        self._database = database
        self._job = job
        self.number = number

    def nobody_at(self, numbers: Iterable[int]) -> list[int]:
        """Those of these places at which no process sits, this one's own among them: what was claimed there before belongs to nobody."""
        free = []
        for number in numbers:
            if number != self.number:
                with _open(_desk(self._database, self._job, number)) as file:
                    if not _take(file):
                        continue
                    fcntl.flock(file, fcntl.LOCK_UN)
            free.append(number)
        return free


@contextlib.contextmanager
def desk_of(database: Path, job: str) -> Iterator[Desk]:
    """Take the first free place for this job while the block runs. Raises AlreadyRunning when ``MOST_DESKS`` are taken, DatabaseError."""
    with _no_restore(database):
        for number in range(1, MOST_DESKS + 1):
            with _open(_desk(database, job, number)) as file:
                if not _take(file):
                    continue
                _write(file, f"process {os.getpid()} since {as_stamp(utc_now())}\n")
                try:
                    yield Desk(database, job, number)
                finally:
                    _write(file, "")
                    fcntl.flock(file, fcntl.LOCK_UN)
                return
    raise AlreadyRunning(f"another {_NAMES.get(job, job)} is running, and no more than {MOST_DESKS} may at once", about=job)


@contextlib.contextmanager
def alone(database: Path, *, wait: Callable[[float], object] = time.sleep) -> Iterator[None]:
    """Be the only one at work on a database while the block runs: every lock beside it is held, and whoever begins is refused.

    Raises AlreadyRunning, which names everybody who is at work.
    """
    with contextlib.ExitStack() as stack:
        mine = stack.enter_context(_open(_of_restores(database)))
        _take_from_all(mine, database, wait)
        _write(mine, f"process {os.getpid()} since {as_stamp(utc_now())}\n")
        stack.callback(_write, mine, "")
        _refuse_at_work(database, stack)
        yield


def _take_from_all(mine: IO[str], database: Path, wait: Callable[[float], object]) -> None:
    """Take what everybody at work shares, and who only tries to begin for a moment. Raises AlreadyRunning, which names who has it."""
    for _ in range(_TRIES):
        if _take(mine):
            return
        if _take(mine, shared=True):
            with contextlib.ExitStack() as looked_at:
                _refuse_at_work(database, looked_at)
            fcntl.flock(mine, fcntl.LOCK_UN)
            error = _in_use(["a process that has just begun"])
        else:
            error = AlreadyRunning(f"another restore is running: {_holder(mine)}", about=_RESTORE)
        wait(_BETWEEN_TRIES)
    raise error


def _refuse_at_work(database: Path, held: contextlib.ExitStack) -> None:
    """Raise AlreadyRunning where anybody is at work; else every lock but that of restores is ``held``."""
    busy = []
    for path in sorted(database.parent.glob(f"{database.name}.*.lock")):
        job = path.name.removeprefix(f"{database.name}.").removesuffix(".lock").partition("-")[0]
        if job != _RESTORE:
            file = held.enter_context(_open(path))
            if not _take(file):
                busy.append(f"the {_NAMES.get(job, job)} ({_holder(file)})")
    if busy:
        raise _in_use(busy)


def _in_use(by: Iterable[str]) -> AlreadyRunning:
    said = f"the database is in use by {', '.join(by)}; end it, and run this again: nothing was changed"
    return AlreadyRunning(said, about=_RESTORE)


@contextlib.contextmanager
def _no_restore(database: Path) -> Iterator[None]:
    """No restore begins while the block runs. Raises AlreadyRunning while one is under way."""
    with _open(_of_restores(database)) as file:
        if not _take(file, shared=True):
            said = f"the database is being restored: {_holder(file)}; try again when that is done"
            raise AlreadyRunning(said, about=_RESTORE)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)


def _of_restores(database: Path) -> Path:
    return Path(f"{database}.{_RESTORE}.lock")


def _desk(database: Path, job: str, number: int) -> Path:
    return Path(f"{database}.{job}.lock" if number == 1 else f"{database}.{job}-{number}.lock")


def _open(path: Path) -> IO[str]:
    try:
        file = path.open("a+", encoding="utf-8")
        rights.give(path, path.parent)
        return file
    except OSError as error:
        raise DatabaseError(
            f"{path}: cannot be made or opened ({error.strerror}); check the rights of its folder", about=str(path)
        ) from error


def _take(file: IO[str], *, shared: bool = False) -> bool:
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(file: IO[str], text: str) -> None:
    """Say who holds the lock. It is held all the same when the disk is full: what the work then needs says so better."""
    with contextlib.suppress(OSError):
        os.ftruncate(file.fileno(), 0)
        os.pwrite(file.fileno(), text.encode(), 0)


def _holder(file: IO[str]) -> str:
    file.seek(0)
    return file.read(200).strip() or "a process that has just begun"
