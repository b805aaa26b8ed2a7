"""Scripted trouble for a loopback server: what goes wrong, for which paths, and how often.

Each verb takes ``path`` (a prefix; all paths when left out) and ``times`` (so many requests, then the server is well
again; ``None``: until ``clear``). Faults are used up in the order in which they were scripted, so that
``fail(500)`` and then ``fail(429, retry_after=3)`` make two different answers in a row.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from registry_sync.demo.wire import HTML, JSON, Exchange, Reply, text

_MEGABYTE = 2**20
_BLOCK = b" " * 2**16
_PATIENCE = 60.0

_PAGE = b"<!DOCTYPE html><html><head><title>One moment</title></head><body><h1>One moment, please</h1></body></html>"


class Hold:
    """A request that gets no answer until it is released."""

    def __init__(self) -> None:
        self._reached = threading.Event()
        self._released = threading.Event()

    def wait_until_reached(self, timeout: float = _PATIENCE) -> None:
        """Return once a request is being held. Raises TimeoutError when none comes in ``timeout`` seconds."""
        if not self._reached.wait(timeout):
            raise TimeoutError(f"no request came to be held within {timeout:g} s")

    def release(self) -> None:
        """Let held requests go on, and hold no more."""
        self._released.set()

    def hold(self, seconds: float | None = None) -> bool:
        """Called by the server: wait for the release, ``seconds`` at most; was it released?"""
        self._reached.set()
        return self._released.wait(seconds)


@dataclass
class _Scripted:
    path: str
    left: int | None
    play: Callable[[Exchange], None]


class Faults:
    """The faults of one server, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._scripted: list[_Scripted] = []
        self._holds: list[Hold] = []

    def fail(self, status: int, *, path: str = "/", times: int | None = 1, retry_after: int | str | None = None) -> None:
        """Answer with this status; ``retry_after``: seconds, or an HTTP date."""
        headers = () if retry_after is None else (("Retry-After", str(retry_after)),)
        reply = replace(text(status, f"scripted answer {status}"), headers=headers)
        self._add(path, times, lambda exchange: exchange.send_reply(reply))

    def html_instead(self, *, path: str = "/", times: int | None = 1) -> None:
        """Answer 200 with a web page, as a proxy or a guard against robots does."""
        self._add(path, times, lambda exchange: exchange.send_reply(Reply(200, _PAGE, HTML)))

    def redirect_to(self, url: str, *, path: str = "/", times: int | None = 1, status: int = 302) -> None:
        """Send the client elsewhere."""
        reply = Reply(status, headers=(("Location", url),))
        self._add(path, times, lambda exchange: exchange.send_reply(reply))

    def redirect_loop(self, *, path: str = "/", times: int | None = None) -> None:
        """Send the client to and fro between two addresses."""
        self._add(path, times, _send_to_and_fro)

    def truncated_gzip(self, *, path: str = "/", times: int | None = 1) -> None:
        """Half of the compressed answer, with a Content-Length that fits the half: only gzip itself can tell."""
        self._add(path, times, _send_half_of_gzip)

    def huge(self, megabytes: int, *, path: str = "/", times: int | None = 1) -> None:
        """A well-formed JSON answer of this size after decompression; compressed when the client asks for gzip."""
        self._add(path, times, lambda exchange: _send_huge(exchange, megabytes))

    def wrong_length(self, *, path: str = "/", times: int | None = 1, by: int = 100) -> None:
        """A Content-Length that promises ``by`` bytes more than come before the end of the connection."""

        def play(exchange: Exchange) -> None:
            exchange.closing = True
            reply = exchange.reply()
            exchange.send(reply.head(length=max(0, len(reply.body) + by), close=True) + reply.body)

        self._add(path, times, play)

    def cut(self, *, path: str = "/", times: int | None = 1, after: int | None = None) -> None:
        """Reset the connection after so many bytes of the answer; half of it when not given, ``0``: before the first."""

        def play(exchange: Exchange) -> None:
            reply = exchange.reply()
            whole = reply.head() + reply.body
            exchange.send(whole[: len(reply.head()) + len(reply.body) // 2 if after is None else after])
            exchange.reset()

        self._add(path, times, play)

    def hang(self, *, path: str = "/", times: int | None = 1) -> Hold:
        """No answer until the hold is released, then the right one."""
        hold = self._new_hold()

        def play(exchange: Exchange) -> None:
            hold.hold()
            exchange.send_reply(exchange.reply())

        self._add(path, times, play)
        return hold

    def drip(self, *, path: str = "/", times: int | None = 1, every: float = 0.05, headers: bool = False) -> Hold:
        """The right answer one byte at a time, ``every`` so many seconds; from the status line on with ``headers``.

        A timeout for each read never ends it: only a deadline for the whole answer does. Released, the rest comes at once.
        """
        hold = self._new_hold()

        def play(exchange: Exchange) -> None:
            reply = exchange.reply()
            head = reply.head()
            exchange.send(b"" if headers else head)
            slow = head + reply.body if headers else reply.body
            for position in range(len(slow)):
                if hold.hold(every):
                    exchange.send(slow[position:])
                    return
                exchange.send(slow[position : position + 1])

        self._add(path, times, play)
        return hold

    def clear(self) -> None:
        """Forget every fault that is left, and let held requests go."""
        with self._lock:
            self._scripted.clear()
            holds, self._holds = self._holds, []
        for hold in holds:
            hold.release()

    def take(self, path: str) -> Callable[[Exchange], None] | None:
        """Called by the server: the fault for a request to this path, which is used up by it."""
        with self._lock:
            scripted = next((one for one in self._scripted if path.startswith(one.path)), None)
            if scripted is None:
                return None
            if scripted.left is not None:
                scripted.left -= 1
                if scripted.left <= 0:
                    self._scripted.remove(scripted)
            return scripted.play

    def _add(self, path: str, times: int | None, play: Callable[[Exchange], None]) -> None:
        with self._lock:
            self._scripted.append(_Scripted(path, times, play))

    def _new_hold(self) -> Hold:
        hold = Hold()
        with self._lock:
            self._holds.append(hold)
        return hold


def _send_to_and_fro(exchange: Exchange) -> None:
    path = exchange.request.path
    other = path.removesuffix("/again") if path.endswith("/again") else path + "/again"
    exchange.send_reply(Reply(302, headers=(("Location", other),)))


def _send_half_of_gzip(exchange: Exchange) -> None:
    reply = exchange.reply()
    if ("Content-Encoding", "gzip") not in reply.headers:
        reply = reply.gzipped()
    exchange.send_reply(replace(reply, body=reply.body[: len(reply.body) // 2]))


def _send_huge(exchange: Exchange, megabytes: int) -> None:
    start, end = b'{"studies": [', b"]}"
    blocks = megabytes * _MEGABYTE // len(_BLOCK)
    if exchange.request.accepts_gzip:
        squeeze = zlib.compressobj(wbits=31)
        parts = [squeeze.compress(part) for part in (start, *[_BLOCK] * blocks, end)]
        body = b"".join([*parts, squeeze.flush()])
        exchange.send_reply(Reply(200, body, JSON, (("Content-Encoding", "gzip"),)))
        return
    length = len(start) + blocks * len(_BLOCK) + len(end)
    exchange.send(Reply(200, b"", JSON).head(length=length) + start)
    for _ in range(blocks):
        exchange.send(_BLOCK)
    exchange.send(end)
