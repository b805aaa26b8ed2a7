"""An overall deadline for a conversation over sockets.

Timeouts of sockets are for one read: a server that sends a byte now and then holds a sender for ever. When the deadline
passes, the watched sockets are shut, and whoever reads from them gets an end of file. One thread watches over all of them: a thread for
each mail would cost more than the mail.
"""

from __future__ import annotations

import heapq
import itertools
import socket
import threading
import time
from contextlib import suppress
from types import TracebackType


class Deadline:
    """``with Deadline(seconds) as deadline: deadline.watch(sock)``; afterwards ``passed`` says whether it struck."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.passed = False
        self.over = False
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Deadline:
        _WATCHMAN.add(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._lock:
            self.over = True
            self._sockets.clear()

    def watch(self, sock: socket.socket | None) -> None:
        """Shut this socket, too, when time is up; at once when it is up already."""
        if sock is None:
            return
        with self._lock:
            if not any(sock is known for known in self._sockets):
                self._sockets.append(sock)
            if self.passed:
                _shut(sock)

    def strike(self) -> None:
        """Time is up, unless the conversation is over."""
        with self._lock:
            if self.over:
                return
            self.passed = True
            for sock in self._sockets:
                _shut(sock)


class _Watchman:
    """The thread that strikes deadlines; it is started by the first one and ends when there has been none for a while."""

    def __init__(self) -> None:
        self._queue: list[tuple[float, int, Deadline]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, deadline: Deadline) -> None:
        """Strike this deadline when its time is up."""
        at = time.monotonic() + deadline.seconds
        with self._changed:
            first = not self._queue or at < self._queue[0][0]
            heapq.heappush(self._queue, (at, next(self._numbers), deadline))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._watch, name="deadlines", daemon=True)
                self._thread.start()
            elif first:
                self._changed.notify()

    def _watch(self) -> None:
        while True:
            with self._changed:
                while self._queue and self._queue[0][2].over:
                    heapq.heappop(self._queue)
                if not self._queue:
                    self._thread = None
                    return
                seconds = self._queue[0][0] - time.monotonic()
                if seconds > 0:
                    self._changed.wait(seconds)
                    continue
                _, _, deadline = heapq.heappop(self._queue)
            deadline.strike()


_WATCHMAN = _Watchman()


def _shut(sock: socket.socket) -> None:
    # The plain socket's own shutdown: that of an SSL socket takes the session away from the thread that reads from it.
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
