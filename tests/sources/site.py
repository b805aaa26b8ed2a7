"""A site on loopback whose every answer is prepared by the test, down to the bytes and their pace."""

from __future__ import annotations

import socketserver
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.waiting import finish

BETWEEN_DRIPS = 0.02


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    line: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    client: tuple[str, int]


class Visit:
    """One request under way, as an answer sees it."""

    def __init__(self, handler: BaseHTTPRequestHandler, site: Site, asked: Asked) -> None:
        self._handler = handler
        self.site = site
        self.asked = asked

    def write(self, data: bytes) -> None:
        self._handler.wfile.write(data)
        self._handler.wfile.flush()

    def drip(self, data: bytes) -> None:
        """Write one byte at a time, for as long as the site is open."""
        for byte in data:
            self.write(bytes((byte,)))
            if self.site.over.wait(BETWEEN_DRIPS):
                return

    def hang_up(self) -> None:
        self._handler.close_connection = True


Answer = Callable[[Visit], None]


def head(status: int = 200, headers: Mapping[str, str] | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status} Status", *(f"{name}: {value}" for name, value in (headers or {}).items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def answer(body: bytes | str = b"", status: int = 200, content_type: str = "application/json", **headers: str) -> Answer:
    """A whole answer; ``Content_Encoding="gzip"`` is a header, one of "" is left out."""
    data = body.encode() if isinstance(body, str) else body
    named = {"Content-Type": content_type, "Content-Length": str(len(data))}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    return raw(head(status, {name: value for name, value in named.items() if value}) + data)


def redirect(location: str, status: int = 302) -> Answer:
    return answer(status=status, Location=location)


def raw(data: bytes, *, hang_up: bool = False) -> Answer:
    """These bytes, then the end of the connection when ``hang_up``."""

    def write(visit: Visit) -> None:
        visit.write(data)
        if hang_up:
            visit.hang_up()

    return write


def dripped(data: bytes, *, at_once: bytes = b"") -> Answer:
    """First ``at_once``, then one byte after the other, with a pause between."""

    def write(visit: Visit) -> None:
        visit.write(at_once)
        visit.drip(data)
        visit.hang_up()

    return write


def silent(visit: Visit) -> None:
    """No answer at all."""
    visit.site.asked_and_waiting.set()
    visit.site.over.wait()
    visit.hang_up()


@dataclass
class Site:
    """The site: answers are used up in order, then ``always`` answers."""

    url: str
    answers: list[Answer] = field(default_factory=list)
    always: Answer | None = None
    asked: list[Asked] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    asked_and_waiting: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def prepare(self, *answers: Answer) -> None:
        self.answers += answers

    def visited(self, visit: Visit) -> None:
        with self._lock:
            self.asked.append(visit.asked)
            reply = self.answers.pop(0) if self.answers else self.always
        (reply or answer(status=599))(visit)

    @property
    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for them
    request_queue_size = 64
    site: Site

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what many tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        asked = Asked(self.requestline, parts.path, query, dict(self.headers.items()), self.client_address)
        self.server.site.visited(Visit(self, self.server.site, asked))

    def log_message(self, format: str, *args: Any) -> None:
        """Tests are quiet."""


def serve(context: ssl.SSLContext | None = None) -> Iterable[Site]:
    """An open site, for a fixture to yield from."""
    server = _Server(("127.0.0.1", 0), _Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    scheme = "https" if context else "http"
    server.site = Site(f"{scheme}://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=socketserver.BaseServer.serve_forever, args=(server, 0.01))
    thread.start()
    try:
        yield server.site
    finally:
        server.site.over.set()
        server.shutdown()
        finish(thread)
        server.server_close()
