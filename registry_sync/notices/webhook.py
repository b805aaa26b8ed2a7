"""Webhooks: a signed JSON POST after the Standard Webhooks headers, to addresses that are checked before they are connected to.

A webhook's address was given by somebody else: it may name a service inside the operator's network. The name is resolved here,
every address is judged, and the connection is made to an address that was judged, not to a second answer of the name server.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NewConnectionError

from registry_sync import __version__
from registry_sync.errors import UsageError
from registry_sync.hosts import Resolve, is_public, resolve
from registry_sync.notices import compose
from registry_sync.notices.address import classify, masked, scrubbed
from registry_sync.notices.clean import cut, one_line
from registry_sync.notices.deadline import Deadline
from registry_sync.notices.interface import Ahead, Notice, Outcome, Refused, Retry, Sent, nothing_ahead
from registry_sync.plural import count
from registry_sync.settings import Webhook

LONGEST_ANSWER = 65_536
"""Bytes of an answer that are read: the status is what counts."""

_WAIT_AT_MOST = 7 * 24 * 3600.0
_FOR_NOW = frozenset({401, 403, 407, 408, 425, 429})
"""Answers below 500 that may be others tomorrow: a secret or a clock that is wrong, haste. Of the rest 404 and 410 say that it is gone."""
_MOST_ADDRESSES = 4

_deadline: ContextVar[Deadline] = ContextVar("deadline")


class WebhookChannel:
    """Webhooks as a Channel.

    ``timeout``: seconds for one post, all in all; ``now``: the Unix time; ``environ`` holds signing secrets; ``ca_file``: an own
    certificate authority, empty for the usual ones; ``body`` makes the JSON of a notice.
    """

    def __init__(
        self,
        settings: Webhook,
        *,
        timeout: float,
        now: Callable[[], float],
        environ: Mapping[str, str] = os.environ,
        ca_file: str = "",
        body: Callable[[Notice], bytes] = compose.post,
        resolver: Resolve = resolve,
    ) -> None:
        self._settings = settings
        self._timeout = timeout
        self._now = now
        self._environ = environ
        self._ca_file = ca_file
        self._body = body
        self._resolve = resolver

    def send(self, notice: Notice, ahead: Ahead = nothing_ahead) -> Outcome:  # noqa: ARG002 - nothing is made ahead
        """Post the notice to its address."""
        try:
            body = self._body(notice)
            headers = self._headers(notice, body)
        except _CannotSignError as trouble:
            return Retry(str(trouble))
        except Exception as error:  # whatever a notice may hold, the others are still sent
            return Retry(f"the post could not be written: {one_line(str(error)) or type(error).__name__}")
        try:
            return self._post(notice.address, body, headers)
        except UsageError as error:
            return Refused(str(error))
        except Exception as error:  # a notice stays queued whatever happened
            return Retry(self._why(notice.address, error))

    def close(self) -> None:
        """Nothing is held open between posts: two notices seldom go to the same place."""

    def _post(self, url: str, body: bytes, headers: dict[str, str]) -> Outcome:
        kind, _ = classify(url)
        if kind != "webhook":
            return Refused("this is no webhook's address")
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        try:
            addresses = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            return Retry(f"{masked(url)}: the name cannot be resolved: {_first_words(error)}", silent=True)
        allowed = [each for each in dict.fromkeys(addresses) if self._settings.allow_private or is_public(each)]
        if not allowed:
            return Refused(f"{masked(url)}: leads to a private or loopback address, which webhook.allow_private does not allow")
        with Deadline(self._timeout) as deadline:
            _deadline.set(deadline)
            return self._to_one_of(allowed[:_MOST_ADDRESSES], url, body, headers, deadline)

    def _to_one_of(self, addresses: list[str], url: str, body: bytes, headers: dict[str, str], deadline: Deadline) -> Outcome:
        """The first address that takes a connection; once one did, the outcome is its own."""
        for number, address in enumerate(addresses, start=1):
            try:
                return self._to(address, url, body, headers, connect_timeout=self._timeout / len(addresses))
            except (requests.RequestException, HTTPError, OSError, ValueError) as error:
                if deadline.passed:
                    return Retry(f"{masked(url)}: no whole answer within {count(deadline.seconds, 'second')}")
                if number == len(addresses) or not isinstance(error, requests.ConnectTimeout | requests.ConnectionError):
                    return Retry(self._why(url, error), silent=_never_connected(error))
        raise AssertionError("there is always an address")

    def _to(self, address: str, url: str, body: bytes, headers: dict[str, str], *, connect_timeout: float) -> Outcome:
        with requests.Session() as session:
            # No proxy and no .netrc from the environment: a proxy would connect to an address that nobody has judged.
            session.trust_env = False
            session.mount("http://", _Pinned(address))
            session.mount("https://", _Pinned(address))
            verify: bool | str = self._ca_file or True
            timeouts = (connect_timeout, self._timeout)
            with session.post(
                url, data=body, headers=headers, auth=_basic(url), timeout=timeouts, allow_redirects=False, stream=True, verify=verify
            ) as response:
                _read_a_little(response)
                return self._judged(url, response)

    def _headers(self, notice: Notice, body: bytes) -> dict[str, str]:
        """The Standard Webhooks headers: the id that repeats keep, the time of this try, the signature when there is a secret."""
        timestamp = str(int(self._now()))
        identity = one_line(notice.id)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"registry-sync/{__version__}",
            "webhook-id": identity,
            "webhook-timestamp": timestamp,
        }
        if notice.secret_env:
            headers["webhook-signature"] = signatures(self._secrets(notice.secret_env), identity, timestamp, body)
        return headers

    def _secrets(self, name: str) -> list[bytes]:
        # Unsigned, the post would be refused for good by a receiver that checks: better to wait until the variable is right.
        value = self._environ.get(name, "")
        if not value.strip():
            raise _CannotSignError(f"the environment variable {one_line(name)} with the signing secret is not set")
        trouble = unusable_secret(name, value)
        if trouble:
            raise _CannotSignError(trouble)
        return [secret_bytes(each) for each in value.split()]

    def _judged(self, url: str, response: requests.Response) -> Outcome:
        status = response.status_code
        if status in range(200, 300):
            return Sent()
        reason = f"{masked(url)} answered {status}"
        if status in _FOR_NOW or status >= 500:
            return Retry(reason, after=_retry_after(response.headers.get("Retry-After"), self._now()))
        if status in range(400, 500):
            return Refused(reason)
        return Retry(f"{reason}, and redirects are not followed" if status in range(300, 400) else reason)

    def _why(self, url: str, error: BaseException) -> str:
        return cut(f"{masked(url)}: {scrubbed(_first_words(error), url)}", 240)


class _CannotSignError(Exception):
    """A post cannot be signed."""


def signature(secret: bytes, identity: str, timestamp: str, body: bytes) -> str:
    """``v1,`` and the base64 of HMAC-SHA256 over ``id.timestamp.body`` (Standard Webhooks, symmetric)."""
    signed = f"{identity}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode('ascii')}"


def signatures(secrets: Iterable[bytes], identity: str, timestamp: str, body: bytes) -> str:
    """One signature for each secret, a blank between: while secrets change, a receiver takes the one that it knows."""
    return " ".join(signature(secret, identity, timestamp, body) for secret in dict.fromkeys(secrets))


def secret_bytes(text: str) -> bytes:
    """A secret as ``whsec_`` and base64, or as it is. Raises ValueError when the base64 is none, or of nothing."""
    if text.startswith(("whsk_", "whpk_")):
        raise ValueError("is half of a pair of keys: a secret that both sides know is needed, such as whsec_ and base64")
    if not text.startswith("whsec_"):
        return text.encode()
    try:
        secret = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError:
        secret = b""
    if not secret:
        raise ValueError("is no base64 after whsec_")
    return secret


def unusable_secret(name: str, value: str) -> str | None:
    """What is wrong with the first secret in this variable that cannot be used, and where it stands; never the secret itself."""
    secrets = value.split()
    for position, secret in enumerate(secrets, start=1):
        try:
            secret_bytes(secret)
        except ValueError as error:
            which = f"the signing secret {position} of {len(secrets)}" if len(secrets) > 1 else "the signing secret"
            return f"{which} in {one_line(name)} {'cannot be encoded' if isinstance(error, UnicodeError) else error}"
    return None


class _WatchedHttp(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        _deadline.get().watch(self.sock)


class _WatchedHttps(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        _deadline.get().watch(self.sock)


class _WatchedHttpPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHttp


class _WatchedHttpsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHttps


class _Pinned(HTTPAdapter):
    """Connects to one address, whatever the name resolves to by now; name, certificate and Host header stay the URL's."""

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _WatchedHttpPool, "https": _WatchedHttpsPool}

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: bool | str, cert: str | tuple[str, str] | None = None
    ) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        name = host["host"].strip("[]")
        pinned = {**host, "host": self._address}
        if host["scheme"] != "https":
            return pinned, pool
        return pinned, {**pool, "server_hostname": name, "assert_hostname": name}

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        request.headers["Host"] = urlsplit(request.url or "").netloc.rpartition("@")[2]
        return super().send(request, *args, **kwargs)


def _basic(url: str) -> HTTPBasicAuth | None:
    """User and password of the URL, for Basic authentication in UTF-8 (RFC 7617): requests leaves out a user without a password."""
    parts = urlsplit(url)
    if not parts.username and not parts.password:
        return None
    return HTTPBasicAuth(unquote(parts.username or "").encode(), unquote(parts.password or "").encode())


def _read_a_little(response: requests.Response) -> None:
    """Take a short answer off the wire; a long or broken one is cut off: the status has said all that counts."""
    with suppress(HTTPError, OSError):
        response.raw.read(LONGEST_ANSWER, decode_content=False)


def _retry_after(value: str | None, now: float) -> float | None:
    """Seconds from ``Retry-After``, given in seconds or as a date (RFC 9110, 10.2.3); at most a week."""
    if not value:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _WAIT_AT_MOST)
    try:
        seconds = parsedate_to_datetime(text).timestamp() - now
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(0.0, seconds), _WAIT_AT_MOST)


def _never_connected(error: BaseException) -> bool:
    """Was there no connection at all? What else fails may be the fault of one address of many at a host."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, requests.ConnectTimeout) or isinstance(reason, NewConnectionError)


def _first_words(error: BaseException) -> str:
    """The innermost reason of nested HTTP errors, in one line."""
    text = str(error)
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if "CERTIFICATE_VERIFY_FAILED" in text or "doesn't match" in text:
        return "its certificate is not trusted"
    if isinstance(error, requests.ConnectionError):
        return "no connection, or it broke before an answer came"
    return cut(one_line(getattr(error, "strerror", None) or text), 160) or type(error).__name__
