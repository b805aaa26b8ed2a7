"""What goes over a loopback connection: a request, a reply, and the exchange of the two on a socket."""

from __future__ import annotations

import gzip
import socket
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from http import HTTPStatus

TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"
JSON = "application/json"

_SMALLEST_COMPRESSED = 256
_WITHOUT_BODY = frozenset((HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED))


@dataclass(frozen=True)
class Request:
    """One request as it came: ``path`` and ``query`` are decoded, names of ``headers`` are in lower case."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """A header by its name in any case; ``None`` when it was not sent."""
        return self.headers.get(name.lower())

    def parameter(self, name: str) -> str | None:
        """The first query parameter of this name; ``None`` when it was not sent."""
        return next((value for key, value in self.query if key == name), None)

    @property
    def accepts_gzip(self) -> bool:
        """Does the client ask for gzip (RFC 9110, 12.5.3)?"""
        for coding in (self.header("accept-encoding") or "").lower().replace(" ", "").split(","):
            name, _, weight = coding.partition(";q=")
            if name in ("gzip", "*"):
                return not weight or weight.strip("0.") != ""
        return False


@dataclass(frozen=True)
class Reply:
    """What a server answers; the lengths and the date are added on the way out."""

    status: int = 200
    body: bytes = b""
    content_type: str = TEXT
    headers: tuple[tuple[str, str], ...] = ()

    def gzipped(self) -> Reply:
        """The same reply, compressed."""
        encoding = (("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding"))
        return replace(self, body=gzip.compress(self.body, compresslevel=6, mtime=0), headers=self.headers + encoding)

    def head(self, *, length: int | None = None, close: bool = False) -> bytes:
        """The status line and the headers; ``length`` is what Content-Length says when it is not the body's."""
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = "Scripted"
        lines = [f"HTTP/1.1 {self.status} {phrase}", f"Date: {formatdate(usegmt=True)}"]
        if self.status not in _WITHOUT_BODY:
            lines += [f"Content-Type: {self.content_type}", f"Content-Length: {len(self.body) if length is None else length}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if close:
            lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")


def text(status: int, message: str) -> Reply:
    """A plain sentence."""
    return Reply(status, message.encode())


class Exchange:
    """One request and the connection on which it is answered; ``closing`` ends the connection afterwards."""

    def __init__(self, request: Request, connection: socket.socket, answer: Callable[[Request], Reply]) -> None:
        self.request = request
        self.closing = False
        self._connection = connection
        self._answer = answer

    def reply(self) -> Reply:
        """What the server would answer without a fault, compressed when the client asks for it."""
        reply = self._answer(self.request)
        worth_it = len(reply.body) >= _SMALLEST_COMPRESSED
        return reply.gzipped() if worth_it and self.request.accepts_gzip else reply

    def send(self, data: bytes) -> None:
        """Bytes as they are."""
        self._connection.sendall(data)

    def send_reply(self, reply: Reply) -> None:
        """Head and body in one write: in two, the second would wait for the client's delayed acknowledgement."""
        self.send(reply.head(close=self.closing) + (b"" if self.request.method == "HEAD" else reply.body))

    def reset(self) -> None:
        """End the connection the hard way, so that the client sees a reset and no orderly end."""
        self.closing = True
        with suppress(OSError):
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._connection.close()
