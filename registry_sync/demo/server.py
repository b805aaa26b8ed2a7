"""The one HTTP server under the registry, the listing site and the webhook receiver: threads, loopback, a free port."""

from __future__ import annotations

import abc
import socket
import sys
import threading
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, cast
from urllib.parse import parse_qsl, unquote

from registry_sync.demo.faults import Faults
from registry_sync.demo.wire import Exchange, Reply, Request, text

HOST = "127.0.0.1"

_LONGEST_REQUEST_LINE = 8_000
_LARGEST_REQUEST_BODY = 16 * 2**20
_PATIENCE = 60.0


class LoopbackServer(abc.ABC):
    """A server on 127.0.0.1 that keeps what it was asked. Subclasses say in ``answer`` what they reply.

    The port is chosen by the system at the first ``start`` and kept: stopped and started again, the server is where it
    was. Usable as a context manager.
    """

    def __init__(self) -> None:
        self.faults = Faults()
        self._port = 0
        self._running: _Server | None = None
        self._thread: threading.Thread | None = None
        self._asked = threading.Condition()
        self._requests: list[Request] = []

    @abc.abstractmethod
    def answer(self, request: Request) -> Reply:
        """What to reply. Called from several threads."""

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``, without a slash at the end. Raises RuntimeError before the first start."""
        if not self._port:
            raise RuntimeError("this server was never started: it has no port yet")
        return f"http://{HOST}:{self._port}"

    @property
    def requests(self) -> tuple[Request, ...]:
        """Every request so far, in the order in which they came; those that met a fault, too."""
        with self._asked:
            return tuple(self._requests)

    def reset_log(self) -> None:
        """Forget the requests so far."""
        with self._asked:
            self._requests.clear()

    def wait_for_requests(self, count: int, timeout: float = _PATIENCE) -> tuple[Request, ...]:
        """The log, once it holds so many. Raises TimeoutError when it does not within ``timeout`` seconds."""
        with self._asked:
            if not self._asked.wait_for(lambda: len(self._requests) >= count, timeout):
                raise TimeoutError(f"{len(self._requests)} of {count} requests came within {timeout:g} s")
            return tuple(self._requests)

    def start(self) -> Self:
        """Listen. Raises OSError when the port is taken by now, RuntimeError when it listens already."""
        if self._running is not None:
            raise RuntimeError(f"{self.url} listens already")
        self._running = _Server((HOST, self._port), self)
        self._port = self._running.server_address[1]
        self._thread = threading.Thread(target=self._running.serve_forever, args=(0.02,), name=type(self).__name__, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Refuse connections from now on, end those that are open, let go of what is held. May be called twice."""
        running, thread = self._running, self._thread
        if running is None or thread is None:
            return
        running.shutdown()
        thread.join()
        self.faults.clear()
        running.end_connections()
        running.server_close()
        self._running = self._thread = None

    def keep(self, request: Request) -> None:
        """Called for each request as it comes."""
        with self._asked:
            self._requests.append(request)
            self._asked.notify_all()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    """Threads that are ended with the server: a keep-alive connection would otherwise outlive it."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], owner: LoopbackServer) -> None:
        super().__init__(address, _Handler)
        self.owner = owner
        self._open_lock = threading.Lock()
        self._open: dict[threading.Thread, socket.socket] = {}

    def server_bind(self) -> None:
        # The parent's way asks for the host's full name, which can take seconds where no resolver answers.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = HOST, self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(target=self._serve_connection, args=(request, client_address), daemon=True)
        with self._open_lock:
            self._open[thread] = request
        thread.start()

    def _serve_connection(self, request: Any, client_address: Any) -> None:
        try:
            self.process_request_thread(request, client_address)
        finally:
            with self._open_lock:
                self._open.pop(threading.current_thread(), None)

    def end_connections(self) -> None:
        with self._open_lock:
            still_open = dict(self._open)
        for connection in still_open.values():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in still_open:
            thread.join(_PATIENCE)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that leaves in the middle is what many tests are about, and no news; anything else is a fault of ours.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    raw_requestline: bytes
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_GET  # noqa: N815 - the names that http.server calls

    def _serve(self) -> None:
        owner = cast(_Server, self.server).owner
        body = self._read_body()
        request = self._request(body if isinstance(body, bytes) else b"")
        owner.keep(request)
        exchange = Exchange(request, self.connection, owner.answer)
        exchange.closing = self.close_connection or isinstance(body, Reply)
        if len(self.raw_requestline.rstrip(b"\r\n")) > _LONGEST_REQUEST_LINE:
            exchange.send_reply(text(HTTPStatus.REQUEST_URI_TOO_LONG, "Request-URI Too Long"))
        elif isinstance(body, Reply):
            exchange.send_reply(body)
        else:
            play = owner.faults.take(request.path)
            if play is None:
                exchange.send_reply(exchange.reply())
            else:
                play(exchange)
        self.close_connection = exchange.closing

    def _request(self, body: bytes) -> Request:
        path, _, query = self.path.partition("?")
        parameters = tuple(parse_qsl(query, keep_blank_values=True, errors="replace"))
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(self.command, unquote(path, errors="replace"), parameters, headers, body)

    def _read_body(self) -> bytes | Reply:
        """The request's body, or the reply that refuses it."""
        if self.headers.get("Transfer-Encoding"):
            return text(HTTPStatus.LENGTH_REQUIRED, "Length Required")
        stated = self.headers.get("Content-Length", "0").strip()
        if not (stated.isascii() and stated.isdigit()):
            return text(HTTPStatus.BAD_REQUEST, "Content-Length is no number")
        if len(stated) > len(str(_LARGEST_REQUEST_BODY)) or int(stated) > _LARGEST_REQUEST_BODY:
            return text(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Too large")
        return self.rfile.read(int(stated))

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: requests are kept, not printed."""
