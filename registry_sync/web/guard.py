"""What holds for every page: the headers, how much and how slowly a client may send, and one line in the log without address or token."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from db.readers import Readers
from jobs.surroundings import Surroundings, log
from registry_sync.web.counting import Counts
from registry_sync.web.problems import failed

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Of every answer; one that a page sets itself stays."""
LARGEST_BODY = 16 * 1024
"""Bytes: the forms of these pages and the posts of mail services have some hundred."""
LONGEST_ADDRESS = 16 * 1024
LARGEST_HEAD = 16 * 1024
"""Bytes of a request's headers. (uvicorn gives up on a head of that length only where it does not come at once.)"""
PATIENCE = 10.0
"""Seconds in which a body must have come."""

BUSY = "busy"
"""In a request's state: there are too many already, and this one is to come again."""
ANSWERED = "answered"
"""In the state of a request: the rest of it was no request, and has been answered as that."""

_OF_A_HEADER = 4
"""Bytes of a header beside its name and value: many short ones are a long head, too."""
_ALWAYS = "/healthz"
"""What is answered whoever else asks: whether the service is well is not to depend on how many there are."""
_FAULT = 500
_LATER = {"Retry-After": "5", "Connection": "close"}
_CLOSE = {"Connection": "close"}
_WHOLE_ADDRESS = re.compile(rb"https?://(?:[^/@]*@)?([\w.:\[\]-]+)(/.*)?", re.IGNORECASE | re.DOTALL)
_HOST = re.compile(rb"[\w.~%:\[\]-]*")
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST"})


class _TooLargeError(Exception):
    pass


class Guard:
    """Stands before the pages. A fault in one of them is a page that says so, and a line in the log."""

    def __init__(self, app: ASGIApp, around: Surroundings, readers: Readers, leave: Callable[[], object]) -> None:
        self._app = app
        self._leave = leave
        self._coming: set[asyncio.Timeout] = set()
        """Bodies of which not all is there."""
        self._counts = Counts()
        self._state = {"around": around, "readers": readers, "counts": self._counts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {}).update(self._state)
        _from_the_root(scope)
        began, status = time.monotonic(), 0

        async def guarded(message: Message) -> None:
            nonlocal status
            if scope["state"].get(ANSWERED):
                return
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                self._note(scope, status, time.monotonic() - began)
            await send(message)

        try:
            await self._answer(scope, receive, guarded)
        except Exception:
            if status != _FAULT:  # else it was said, to the client and in the log, before it came here
                log.exception("a page failed: %s", page_of(scope))
            if not status:
                await failed(Request(scope), _FAULT)(scope, receive, guarded)

    def leave(self) -> None:
        """The process is soon to end: wait for nothing any more that may take long."""
        for each in self._coming:
            each.reschedule(asyncio.get_running_loop().time())
        self._leave()

    def refusal(self, scope: Scope, status: int) -> Response:
        """The answer to what is no request, of which little is known. It ends the connection."""
        scope["state"].update(self._state)
        answer = failed(Request(scope), status, headers=_CLOSE)
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        self._note(scope, status, 0)
        return answer

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        page = page_of(scope)
        self._counts.count(page, status, seconds)
        log.info("%s %s, %s ms", page, status, round(seconds * 1000))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["state"].get(BUSY) and scope["path"] != _ALWAYS:
            await failed(Request(scope), 503, headers=_LATER)(scope, receive, send)
            return
        if not _is_host(scope) or _has_two_lengths(scope):
            await failed(Request(scope), 400, headers=_CLOSE)(scope, receive, send)
            return
        too_long = 414 if _address(scope) > LONGEST_ADDRESS else 431 if _head(scope) > LARGEST_HEAD else None
        if too_long is not None:
            await failed(Request(scope), too_long, headers=_CLOSE)(scope, receive, send)
            return
        if not _has_body(scope):
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(PATIENCE) as patience:
                self._coming.add(patience)
                try:
                    body = await _whole(scope, receive)
                finally:
                    self._coming.discard(patience)
        except _TooLargeError:
            await failed(Request(scope), 413, headers=_CLOSE)(scope, receive, send)
        except TimeoutError:
            await failed(Request(scope), 408, headers=_CLOSE)(scope, receive, send)
        else:
            if body is not None:
                await self._app(scope, _again(body, receive), send)


def _from_the_root(scope: Scope) -> None:
    """Where the request names a whole address (RFC 9112, 3.2.2), take its host for the one that is asked, and of the rest the path."""
    found = _WHOLE_ADDRESS.fullmatch(scope["raw_path"])
    if found is not None:
        raw = found[2] or b"/"
        headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
        scope.update(raw_path=raw, path=unquote(raw.decode("ascii")), headers=[(b"host", found[1]), *headers])


def _is_host(scope: Scope) -> bool:
    """Is what is asked for as a host one? If not, it is to be seen by nobody: as a part of an address it would be read as its path, too."""
    if all(_HOST.fullmatch(value) for name, value in scope["headers"] if name == b"host"):
        return True
    scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"host"]
    return False


def _has_body(scope: Scope) -> bool:
    """Does anything come behind the head? Whatever the method: what is not read is not to be taken in without end either."""
    headers = Headers(scope=scope)
    return scope["method"] == "POST" or "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _has_two_lengths(scope: Scope) -> bool:
    """Does it say twice how long its body is? Who hands it on may go by the other one (RFC 9112, 6.1), and take its end for a request."""
    headers = Headers(scope=scope)
    return "transfer-encoding" in headers and "content-length" in headers


def _address(scope: Scope) -> int:
    return len(scope["raw_path"]) + len(scope["query_string"])


def _head(scope: Scope) -> int:
    return sum(len(name) + len(value) + _OF_A_HEADER for name, value in scope["headers"])


async def _whole(scope: Scope, receive: Receive) -> bytes | None:
    """The body; ``None`` when the client has gone. Raises _TooLargeError before more is taken in than may be."""
    said = Headers(scope=scope).get("content-length", "")
    if said.isdigit() and int(said) > LARGEST_BODY:
        raise _TooLargeError
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += bytes(message.get("body", b""))
        if len(body) > LARGEST_BODY:
            raise _TooLargeError
        if not message.get("more_body", False):
            return body


def _again(body: bytes, receive: Receive) -> Receive:
    """What gives a body that was taken in already."""
    given = False

    async def give() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return give


def page_of(scope: Scope) -> str:
    """Which page was asked for, by its pattern: what stands in its place is a secret, or a stranger's text."""
    method = scope["method"] if scope["method"] in _METHODS else "?"
    return f"{method} {getattr(scope.get('route'), 'path', '?')}"
