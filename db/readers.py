"""Histories that stay open for reading from one question to the next, for a process that answers many: to open one costs a millisecond.

Each question is a transaction of its own, so that nobody who writes waits for a reader, and the log of writes does not grow.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from db import revisions, steps
from db.connection import History, open_history, open_to_watch
from registry_sync.errors import DatabaseError

MOST_FREE = 8
"""Histories that stay open while nobody reads in them."""

Mark = tuple[int, int]

_turns = itertools.count(1)
"""Of the whole process: who opens a file anew must not take what another reader of it has kept for its own."""


class Readers:
    """Opens one file for any number of threads. A file that takes its place is noticed, and so is a newer program's step."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._free: list[_Reader] = []
        self._lock = threading.Lock()
        self._closed = False
        self._watched: tuple[tuple[int, int] | None, sqlite3.Connection] | None = None
        self._turn = 0
        self._settled: tuple[int, int] | None = None

    @contextlib.contextmanager
    def open(self) -> Iterator[History]:
        """A history that nobody else reads in meanwhile; it cannot be written to. Raises DatabaseError as ``open_history`` does."""
        reader = self._take()
        is_sound = True
        try:
            yield reader.history
        except DatabaseError:
            is_sound = False
            raise
        finally:
            with self._lock:
                stays = is_sound and not self._closed and len(self._free) < MOST_FREE
                if stays:
                    self._free.append(reader)
            if not stays:
                reader.history.close()

    def mark(self) -> Mark | None:
        """Another one after every write to the file, whoever writes, and when another file is in its place; ``None``: not known just now.

        Found in some microseconds, without waiting for anybody. For one thread alone.
        """
        file = _file(self._path)
        try:
            if self._watched is None or self._watched[0] != file:
                self._unwatch()
                self._watched = (file, open_to_watch(self._path))
                self._turn = next(_turns)
            return self._turn, int(self._watched[1].execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.Error:
            return None

    def settle(self) -> None:
        """Note, once for each file, whether it took another's place. Raises DatabaseError as ``open_history`` does."""
        file = _file(self._path)
        if file == self._settled:
            return
        with open_history(self._path) as history:
            revisions.settle(history)
        self._settled = file

    def close(self) -> None:
        """Let go of the file, as soon as nobody reads in it."""
        with self._lock:
            self._closed = True
            free, self._free = self._free, []
        for reader in free:
            reader.history.close()
        self._unwatch()

    def _take(self) -> _Reader:
        file = _file(self._path)
        while True:
            with self._lock:
                reader = self._free.pop() if self._free else None
            if reader is None:
                self.settle()
                return _Reader(file, open_history(self._path, shared=True))
            if reader.file == file and reader.is_ours():
                return reader
            reader.history.close()

    def _unwatch(self) -> None:
        watched, self._watched = self._watched, None
        if watched is not None:
            watched[1].close()


class OfOneMoment(Readers):
    """The file as it stands now, for one reader after another: what others write from now on is not seen, and does not wait."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.settle()
        self._history = open_history(path, shared=True)
        self._reading = threading.RLock()
        with self._history.clear_errors():
            self._history.connection.execute("BEGIN")
            self._history.connection.execute("SELECT 1 FROM version LIMIT 1")  # not before something is read is the moment chosen

    @contextlib.contextmanager
    def open(self) -> Iterator[History]:
        """The history, once nobody else reads in it."""
        with self._reading:
            yield self._history

    def mark(self) -> Mark | None:
        """Never known: what is kept elsewhere may be of another moment."""
        return None

    def close(self) -> None:
        """Let go of the file."""
        super().close()
        self._history.close()


class _Reader:
    """An open history, and which file that is."""

    def __init__(self, file: tuple[int, int] | None, history: History) -> None:
        self.file = file
        self.history = history
        self._written = history.changed_elsewhere()

    def is_ours(self) -> bool:
        """Has it the steps that this program knows, after whatever was written since it was read in last?"""
        try:
            written = self.history.changed_elsewhere()
            if written != self._written and steps.taken(self.history.connection) != steps.known():
                return False
        except sqlite3.Error:
            return False
        self._written = written
        return True


def _file(path: Path) -> tuple[int, int] | None:
    """Which file stands there, whatever is in it."""
    try:
        found = os.stat(path)  # noqa: PTH116 - on the way of every answer
    except OSError:
        return None
    return found.st_dev, found.st_ino
