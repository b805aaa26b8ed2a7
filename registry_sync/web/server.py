"""Listens, and answers until it is asked to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import http
import itertools
import re
import signal
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, cast

import h11
import uvicorn
from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

from db.readers import Readers
from jobs.surroundings import Surroundings, log
from registry_sync.errors import DatabaseError, SettingsError
from registry_sync.web.app import application
from registry_sync.web.clients import network
from registry_sync.web.guard import ANSWERED, BUSY, Guard

MOST_AT_ONCE = 200
"""Connections. Who comes beyond that takes the place of one that has still to send something; while none has, it is asked to come again."""
MOST_OF_ONE = 20
"""Connections of one client, who beyond that makes room also where it takes none of its answers."""
PATIENCE = 10.0
"""Seconds in which the head of a request must have come."""
PATIENCE_IN_TAKING = 30.0
"""Seconds in which a client must have taken something more of an answer that waits for it."""
ALLOCATIONS_BETWEEN_LOOKS = 1_000
"""What a request leaves behind is large, and a cycle: were it looked for as seldom as in a command, ten times what is in use would wait."""
TO_FINISH = 6
"""Seconds after a signal in which answers under way may come to their end."""
TO_SEND = 5
"""Seconds in which a mail may that is on its way then, and a body that has not come yet."""

_NUMBERS = itertools.count(1)
_OF_A_LINE = 1024
_ASKED = re.compile(rb"[A-Z]+ (?:(?i:https?)://[^/ ]*)?(/[!-~]*)")


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
    with contextlib.suppress(DatabaseError):  # who asks hears of it
        readers.settle()
    before = gc.get_threshold()
    gc.set_threshold(ALLOCATIONS_BETWEEN_LOOKS, 10, 10)
    try:
        asyncio.run(_serve(around, readers, listener))
    finally:
        gc.set_threshold(*before)
        readers.close()


async def _serve(around: Surroundings, readers: Readers, listener: socket.socket) -> None:
    app = application(around, readers)
    config = uvicorn.Config(
        app,
        http=partial(_Protocol, app),  # type: ignore[arg-type] # it is called, and no more
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=TO_FINISH,
    )
    await _Server(config, around, app.leave).serve(sockets=[listener])


class _Server(uvicorn.Server):
    """Ends in peace: uvicorn's own sends itself the signal once more, which would end the process by it."""

    def __init__(self, config: uvicorn.Config, around: Surroundings, leave: Callable[[], object]) -> None:
        super().__init__(config)
        self._around = around
        self._leave = leave

    async def on_tick(self, counter: int) -> bool:
        """Is it time to end? Asked ten times a second."""
        return await super().on_tick(counter) or self._around.stop.is_set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let what is under way come to its end."""
        leaving = asyncio.get_running_loop().call_later(TO_SEND, self._leave)
        try:
            await super().shutdown(sockets)
        finally:
            leaving.cancel()

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
    """Cuts off who is too slow, over the head of a request or in taking an answer, which uvicorn's own waits for without end.

    What is no request, and who is one too many, get an answer in the shape of all others.
    """

    _came = 0
    """The how manieth it is."""
    _limit: asyncio.TimerHandle | None = None
    _taking: asyncio.TimerHandle | None = None
    _line = b""
    """How the newest request begins."""

    def __init__(self, pages: Guard, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._pages = pages
        self.app = self._unless_too_many

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody has come."""
        super().connection_made(transport)
        self._came = next(_NUMBERS)
        self._make_room()
        transport.set_write_buffer_limits(high=0)  # writing pauses while anything waits for the client to take it
        self._begin()

    def data_received(self, data: bytes) -> None:
        """Something has come: the clock runs until it is a request."""
        self._begin()
        if len(self._line) < _OF_A_LINE:
            self._line += data[:_OF_A_LINE]
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._line = b""
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        """Somebody has gone."""
        self._end()
        self._end_taking()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """What came of the next request meanwhile is to become one soon."""
        super().on_response_complete()
        if self.conn.trailing_data[0] and not self.transport.is_closing():
            self._begin()

    def pause_writing(self) -> None:
        """An answer waits to be taken: the clock runs until it is."""
        super().pause_writing()
        self._watch_taking()

    def resume_writing(self) -> None:
        """All of it is taken."""
        self._end_taking()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's one sentence for all of them
        """Say that this is no request: too long a head or line, or none that can be understood."""
        error = sys.exc_info()[1]
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
            if status == http.HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE and b"\n" not in self.conn.trailing_data[0]:
                status = http.HTTPStatus.REQUEST_URI_TOO_LONG
            self._say_no(status)
        self.transport.close()

    def _say_no(self, status: int) -> None:
        under_way = self.cycle is not None and not self.cycle.response_complete
        answer = self._pages.refusal(cast("Scope", self.scope) if under_way else self._made_up(), status)
        parts = [
            h11.Response(status_code=status, headers=answer.raw_headers, reason=http.HTTPStatus(status).phrase),
            h11.Data(data=bytes(answer.body)),
            h11.EndOfMessage(),
        ]
        self.transport.write(b"".join(self.conn.send(part) or b"" for part in parts))
        if under_way:
            self.scope["state"][ANSWERED] = True
            self.cycle.disconnected = True  # so that what still works on it is no fault when it says nothing
            self.cycle.message_event.set()

    def _made_up(self) -> Scope:
        """What is known of a request that is none: whether it was a program's."""
        asked = _ASKED.match(self._line)
        path = asked[1].decode("ascii") if asked else "/"
        return {"type": "http", "method": "?", "path": path, "query_string": b"", "headers": [], "state": {}}

    async def _unless_too_many(self, scope: Any, receive: Any, send: Any) -> None:
        if len(self.connections) > MOST_AT_ONCE < len(self._open()) or len(self.tasks) > MOST_AT_ONCE < self._under_way():
            scope["state"][BUSY] = True
        await self._pages(scope, receive, send)

    def _open(self) -> list[_Protocol]:
        return [each for each in cast("set[_Protocol]", self.connections) if not each.transport.is_closing()]

    def _under_way(self) -> int:
        return sum(not task.done() for task in self.tasks)

    def _make_room(self) -> None:
        """Where there are too many, end the connection of who has most of them, so that nobody is shut out.

        Of those it is the oldest that is silent, or from which the rest of a request has not come: of its head or of its body.
        One that waits for its client to take an answer goes only where that one has more than its share.
        """
        if len(self.connections) <= MOST_AT_ONCE:
            return
        there = self._open()
        if len(there) <= MOST_AT_ONCE:
            return
        held = Counter(each._of() for each in there)
        silent = [each for each in there if each is not self and each._is_to_come()]
        waiting = [each for each in there if each._taking is not None and held[each._of()] > MOST_OF_ONE]
        for each in (silent, waiting):
            if each:
                max(each, key=lambda one: (held[one._of()], -one._came)).transport.abort()
                break

    def _is_to_come(self) -> bool:
        """Is it the client's turn: with a request, or with the rest of one?"""
        return self.cycle is None or self.cycle.response_complete or (self.cycle.more_body and not self.cycle.response_started)

    def _of(self) -> str:
        """Who it is that has come."""
        return network(self.client[0].partition("%")[0]) if self.client else ""

    def _should_upgrade(self) -> bool:
        return False  # to whatever else than HTTP: RFC 9110, 7.8, lets it be passed over

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

    def _watch_taking(self) -> None:
        self._end_taking()
        self._taking = self.loop.call_later(PATIENCE_IN_TAKING, self._is_taken, self.transport.get_write_buffer_size())

    def _is_taken(self, before: int) -> None:
        if self.transport.get_write_buffer_size() < before:
            self._watch_taking()
        else:
            self._taking = None
            log.info("an answer was not taken: its connection is cut")
            self.transport.abort()

    def _end_taking(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None
