"""Listens, and answers until it is asked to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from db.readers import Readers
from jobs.surroundings import Surroundings, log
from registry_sync.errors import SettingsError
from registry_sync.web.app import application

MOST_AT_ONCE = 200
"""Connections; who comes beyond that is asked to come again."""
PATIENCE = 10.0
"""Seconds in which the head of a request must have come."""
TO_FINISH = 6
"""Seconds after a signal in which answers under way may come to their end."""


def listen(address: str) -> socket.socket:
    """A socket at HOST:PORT, or [HOST]:PORT. Raises SettingsError with what hinders it."""
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, int(port)), family=family, backlog=128)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise SettingsError(f"web.listen {address}: cannot listen there: {why}", about="web.listen") from error
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else a body waits 40 ms for the client to acknowledge its head
    return listener


def serve(around: Surroundings, listener: socket.socket) -> None:
    """Answer at this socket until SIGTERM or SIGINT, or ``around.stop``; in a thread that is not the main one, until the latter."""
    readers = Readers(around.database)
    try:
        asyncio.run(_serve(around, readers, listener))
    finally:
        readers.close()


async def _serve(around: Surroundings, readers: Readers, listener: socket.socket) -> None:
    config = uvicorn.Config(
        application(around, readers),
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_AT_ONCE,
        timeout_graceful_shutdown=TO_FINISH,
    )
    await _Server(config, around).serve(sockets=[listener])


class _Server(uvicorn.Server):
    """Ends in peace: uvicorn's own sends itself the signal once more, which would end the process by it."""

    def __init__(self, config: uvicorn.Config, around: Surroundings) -> None:
        super().__init__(config)
        self._around = around

    async def on_tick(self, counter: int) -> bool:
        """Is it time to end? Asked ten times a second."""
        return await super().on_tick(counter) or self._around.stop.is_set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Hear SIGTERM and SIGINT while the block runs."""
        try:
            before = {number: signal.signal(number, self._asked) for number in (signal.SIGTERM, signal.SIGINT)}
        except ValueError:  # another thread hears them
            yield
            return
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _asked(self, number: int, frame: Any) -> None:
        log.info("asked to stop (%s)", signal.Signals(number).name)
        self.handle_exit(number, frame)


class _Protocol(H11Protocol):
    """Cuts off who takes too long over the head of a request, which uvicorn's own waits for without end."""

    _limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody has come."""
        super().connection_made(transport)
        self._begin()

    def data_received(self, data: bytes) -> None:
        """Something has come: the clock runs until it is a request."""
        self._begin()
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        """Somebody has gone."""
        self._end()
        super().connection_lost(exc)

    def _begin(self) -> None:
        if self._limit is None and (self.cycle is None or self.cycle.response_complete):
            self._limit = self.loop.call_later(PATIENCE, self._cut_off)

    def _end(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def _cut_off(self) -> None:
        self._limit = None
        if not self.transport.is_closing():
            self.transport.close()
