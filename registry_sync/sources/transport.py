"""One request under way: its deadline, its socket, and how it is cut off.

The timeouts of requests are for each read: a server that sends one byte a second is never too slow for them. Here a
timer shuts the socket down when the whole request has lasted too long, and closing the client does the same at once.
"""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Literal

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

Cut = Literal["deadline", "closed"]

_under_way = threading.local()


class Attempt:
    """One request, from the look-up of the name to the last byte of the body, as a context manager of its thread.

    ``cut_by`` says, once it is cut off, by what. Whatever the cut makes of the read under way (an error, or an end that
    looks like a whole answer), the caller must look at ``cut_by`` before it believes the outcome.
    """

    def __init__(self, seconds: float) -> None:
        self.cut_by: Cut | None = None
        self._lock = threading.Lock()
        self._held: socket.socket | None = None
        self._over = False
        self._connected: queue.SimpleQueue[socket.socket | Exception | None] = queue.SimpleQueue()
        self._timer = threading.Timer(seconds, self.cut, ("deadline",))
        self._timer.daemon = True

    def __enter__(self) -> Attempt:
        _under_way.attempt = self
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._timer.cancel()
        _under_way.attempt = None
        with self._lock:
            self._over = True
            if self._held is not None:
                self._held.close()

    def cut(self, why: Cut) -> None:
        """End the request now, from any thread; too late is no error."""
        with self._lock:
            if self._over or self.cut_by is not None:
                return
            self.cut_by = why
            self._shut_down()
        self._connected.put(None)

    def hold(self, sock: socket.socket) -> None:
        """Make this the socket that a cut shuts down.

        A duplicate is held: wrapping a socket in TLS empties the object that was wrapped, and a handshake can be slow, too.
        """
        with self._lock:
            if self._held is None:
                self._held = socket.socket(fileno=os.dup(sock.fileno()))
            if self.cut_by is not None:
                self._shut_down()

    def connect(self, make: Callable[[], socket.socket]) -> socket.socket:
        """The socket that ``make`` connects, in a thread of its own: neither a name look-up nor a connect can be interrupted."""
        threading.Thread(target=self._make, args=(make,), daemon=True).start()
        outcome = self._connected.get()
        if outcome is None:
            raise ConnectionAbortedError("cut off while connecting")
        if isinstance(outcome, Exception):
            raise outcome
        try:
            self.hold(outcome)
        except OSError:
            outcome.close()
            raise
        return outcome

    def _make(self, make: Callable[[], socket.socket]) -> None:
        outcome: socket.socket | Exception
        try:
            outcome = make()
        except Exception as error:
            outcome = error
        with self._lock:
            wanted = self.cut_by is None and not self._over
            if wanted:
                self._connected.put(outcome)
        if not wanted and isinstance(outcome, socket.socket):
            outcome.close()

    def _shut_down(self) -> None:
        if self._held is not None:
            with contextlib.suppress(OSError):  # not connected any more
                self._held.shutdown(socket.SHUT_RDWR)


class _WatchedConnection(HTTPConnection):
    """A connection whose socket the attempt of this thread can shut down."""

    def _new_conn(self) -> socket.socket:
        attempt: Attempt = _under_way.attempt
        return attempt.connect(super()._new_conn)

    def request(self, *args: Any, **options: Any) -> None:
        if self.sock is not None:  # kept alive since an earlier request
            _under_way.attempt.hold(self.sock)
        super().request(*args, **options)


class _WatchedTlsConnection(_WatchedConnection, HTTPSConnection):
    """The same over TLS."""


class _WatchedPool(HTTPConnectionPool):
    ConnectionCls = _WatchedConnection


class _WatchedTlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTlsConnection


_POOLS = {"http": _WatchedPool, "https": _WatchedTlsPool}


class WatchedAdapter(HTTPAdapter):
    """The adapter of requests, over connections that an Attempt can cut off.

    Through a SOCKS proxy the connections are the proxy library's own: the timeouts are then those of each read.
    """

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Give the pools of this adapter the watched connections."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Give the pools behind an HTTP proxy the watched connections, too."""
        manager = super().proxy_manager_for(proxy, **options)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = _POOLS
        return manager

    def close(self) -> None:
        """Close the idle connections now; urllib3 leaves that to the collection of the pool, which an error's traceback can put off."""
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for key in manager.pools.keys():  # noqa: SIM118 - urllib3's container is not iterable
                pool = manager.pools.get(key)
                if pool is not None:
                    pool.close()
        super().close()
