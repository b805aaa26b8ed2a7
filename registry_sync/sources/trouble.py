"""What one try met, in words for a person; no address with its secrets, no text of a library."""

from __future__ import annotations

import errno
import http
import http.client
import os
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import requests
import urllib3

from registry_sync.errors import BadContent, BadStatus, FetchError, Refused, TooSlow

AGAIN = frozenset({408, 429, 500, 502, 503, 504})
"""The statuses that may be gone at the next try (RFC 9110, sections 15.5.9 and 15.6; RFC 6585, section 4)."""

_LONGEST_PATH = 100


class Trouble(Exception):  # noqa: N818 - it becomes an error when the tries are used up
    """A try that brought nothing.

    ``says`` completes the sentence that the place begins; ``hint`` is what follows from it; ``again``: may another try help?
    ``url`` is filled in by the client, and never shown whole.
    """

    def __init__(
        self, kind: type[FetchError], says: str, *, hint: str = "", again: bool = True, status: int = 0, retry_after: float | None = None
    ) -> None:
        super().__init__(says)
        self.kind = kind
        self.says = says
        self.hint = hint
        self.again = again
        self.status = status
        self.retry_after = retry_after
        self.url = ""

    def error(self, tries: int) -> FetchError:
        """The error to raise after so many tries."""
        about = place(self.url)
        message = f"{about} {self.says}"
        if tries > 1:
            message += f", tried {tries} times"
        if self.hint:
            message += f"; {self.hint}"
        if issubclass(self.kind, BadStatus):
            return self.kind(message, about=about, status=self.status, retry_after=self.retry_after)
        return self.kind(message, about=about)


def place(url: str) -> str:
    """Host and path of an address, for messages: without login, query and anything that a terminal would obey."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "an unusable address"
    where = quote(f"[{host}]" if ":" in host else host, safe="[]:.-_")
    path = quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~-._")
    if len(path) > _LONGEST_PATH:
        path = path[:_LONGEST_PATH] + "..."
    return (f"{where}:{port}" if port else where) + path


def of_status(status: int, retry_after: float | None) -> Trouble:
    """The trouble that an HTTP status is."""
    try:
        words = f"{status} ({http.HTTPStatus(status).phrase.lower()})"
    except ValueError:
        words = str(status)
    hint = f"it asks to wait {duration(retry_after)}" if retry_after else ""
    return Trouble(BadStatus, f"answered {words}", hint=hint, again=status in AGAIN, status=status, retry_after=retry_after)


def of_failure(error: Exception) -> Trouble:
    """The trouble that an exception before the body is."""
    chain = tuple(_chain(error))
    if any(isinstance(one, requests.exceptions.InvalidURL | urllib3.exceptions.LocationValueError | UnicodeError) for one in chain):
        return Trouble(Refused, "is not an address that can be asked", again=False)
    for one in chain:
        if isinstance(one, ssl.SSLCertVerificationError):
            return Trouble(Refused, f"shows a certificate that is not trusted ({one.verify_message})", again=False)
    if any(_is_timeout(one) for one in chain):
        return Trouble(TooSlow, "did not answer in time")
    if any(isinstance(one, requests.exceptions.ProxyError | urllib3.exceptions.ProxyError) for one in chain):
        return Trouble(Refused, "cannot be reached through the proxy", hint="see HTTP_PROXY, HTTPS_PROXY and NO_PROXY")
    if any(isinstance(one, socket.gaierror) for one in chain):
        return Trouble(Refused, "cannot be found", hint="check the address and the network")
    if any(isinstance(one, ssl.SSLError) for one in chain):
        return Trouble(Refused, "broke off the TLS handshake or its encrypted connection")
    if any(_is_no_http(one) for one in chain):
        return Trouble(BadContent, "did not answer in proper HTTP")
    return Trouble(Refused, _broken(chain))


def _is_timeout(error: BaseException) -> bool:
    if isinstance(error, urllib3.exceptions.NewConnectionError):  # a child of urllib3's timeouts, whatever the reason
        return False
    return isinstance(error, TimeoutError | requests.Timeout | urllib3.exceptions.TimeoutError)


def _is_no_http(error: BaseException) -> bool:
    if isinstance(error, http.client.RemoteDisconnected):  # a child of BadStatusLine, and a plain hang-up
        return False
    return isinstance(error, http.client.HTTPException | urllib3.exceptions.InvalidHeader)


def _broken(chain: tuple[BaseException, ...]) -> str:
    number = next((one.errno for one in chain if isinstance(one, OSError) and isinstance(one.errno, int)), None)
    if number == errno.ECONNREFUSED:
        return "refused the connection"
    if number in (errno.ECONNRESET, errno.EPIPE, None):
        return "broke off the connection before it answered in full"
    return f"cannot be reached ({os.strerror(number).lower()})"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what is behind it: libraries keep the cause in ``__cause__``, in ``__context__``, in ``reason`` or in ``args``."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        behind = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
        waiting += [each for each in behind if isinstance(each, BaseException)]


def duration(seconds: float) -> str:
    """A wait for a person: ``90 s``, ``15 min``, ``2 h``, ``3 d``."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{round(seconds / size)} {unit}"
    return f"{round(seconds)} s"
