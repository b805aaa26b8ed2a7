"""An overall deadline for a conversation over sockets.

Timeouts of sockets are for one read: a server that sends a byte now and then holds a sender for ever. When the deadline
passes, the watched sockets are shut, and whoever reads from them gets an end of file.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType


class Deadline:
    """``with Deadline(seconds) as deadline: deadline.watch(sock)``; afterwards ``passed`` says whether it struck."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.passed = False
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._strike)
        self._timer.daemon = True

    def __enter__(self) -> Deadline:
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._timer.cancel()

    def watch(self, sock: socket.socket | None) -> None:
        """Shut this socket, too, when time is up; at once when it is up already."""
        if sock is None:
            return
        with self._lock:
            if not any(sock is known for known in self._sockets):
                self._sockets.append(sock)
            if self.passed:
                _shut(sock)

    def _strike(self) -> None:
        with self._lock:
            self.passed = True
            for sock in self._sockets:
                _shut(sock)


def _shut(sock: socket.socket) -> None:
    # The plain socket's own shutdown: that of an SSL socket takes the session away from the thread that reads from it.
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
