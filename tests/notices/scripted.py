"""A server on loopback that speaks from a script: for answers that no real server library would give."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from tests.waiting import PATIENCE, finish


class Scripted:
    """Each connection is handed to ``talk`` in its own thread; ``received`` keeps what talks append to it."""

    def __init__(self, talk: Callable[[socket.socket, list[bytes]], None]) -> None:
        self._talk = talk
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self.received: list[bytes] = []
        self.over = threading.Event()
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        # A thread that waits in accept is woken by a connection only: closing the listener does not do it.
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE):
            pass
        finish(self._accepting)
        self._listener.close()
        for line in self._open:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        finish(*self._threads)

    def _accept(self) -> None:
        while True:
            line, _ = self._listener.accept()
            if self.over.is_set():
                line.close()
                return
            self._open.append(line)
            thread = threading.Thread(target=self._serve, args=(line,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, line: socket.socket) -> None:
        with line, suppress(OSError):
            self._talk(line, self.received)


def drip(text: bytes, over: Callable[[], threading.Event]) -> Callable[[socket.socket, list[bytes]], None]:
    """Send ``text``, then a byte at a time for ever: no single read is late, and the answer never ends."""

    def talk(line: socket.socket, _received: list[bytes]) -> None:
        line.sendall(text)
        while not over().wait(0.02):
            line.sendall(b"x")

    return talk
