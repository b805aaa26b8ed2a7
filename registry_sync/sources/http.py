"""A client for hostile sites: an overall deadline, a cap, a pace for each host, tries, and no trace of the user but the contact.

``Client`` may be used from several threads. Every failure is one of the children of FetchError, in one line for a person.
"""

from __future__ import annotations

import contextlib
import http.cookiejar
import os
import random as randomness
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from types import TracebackType
from typing import Protocol
from urllib.parse import quote

import msgspec
import urllib3
from requests import Request, RequestException, Session
from requests import Response as RawResponse

from registry_sync import __version__
from registry_sync.errors import BadContent, Stopped, TooSlow, Unwelcome
from registry_sync.sources import addresses, body, pace
from registry_sync.sources.interface import Validators
from registry_sync.sources.response import Response, conditions
from registry_sync.sources.transport import Attempt, WatchedAdapter
from registry_sync.sources.trouble import Trouble, duration, of_failure, of_status, place

__all__ = ["Client", "Getter", "Manners", "Meter", "Response"]

LARGEST_PAGE = 8 * 2**20
"""Bytes of one web page, decompressed: for ``max_bytes`` where pages are asked for."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PARTIAL = 206
_NOT_MODIFIED = 304
_LOOK_FOR_CLOSE = 0.2


class Manners(Protocol):
    """What a guest minds: a host is asked for one thing at a time, and a redirect is followed only where nothing speaks against it."""

    def refusal(self, url: str) -> str | None:
        """Why this address, to which a page redirects, must not be asked, in words for a person; ``None``: it may be."""
        ...


class Getter(Protocol):
    """What a source needs of a client."""

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        *,
        accept: str,
        validators: Validators | None = None,
        max_bytes: int | None = None,
        manners: Manners | None = None,
    ) -> Response:
        """The answer to a GET; raises FetchError's children and Stopped."""
        ...


class _Counts:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.requests = 0
        self.bytes = 0

    def add(self, *, requests: int = 0, size: int = 0) -> None:
        with self._lock:
            self.requests += requests
            self.bytes += size


class _Wish(msgspec.Struct, frozen=True, gc=False):
    """What a caller wants beside the address; ``conditions`` are headers."""

    accept: str
    conditions: Mapping[str, str]
    max_bytes: int
    counts: tuple[_Counts, ...]
    manners: Manners | None = None


class Client:
    """GET requests at a pace, with tries.

    ``timeout``: seconds for one request as a whole, from the name's look-up to the last byte; ``attempts``: tries of one
    address, the first included; ``requests_per_minute``: for each host and port, as a bucket; ``max_bytes``: of one body,
    decompressed. ``contact`` is named in the User-Agent unless it is empty. ``wait`` sleeps for a number of seconds and may raise
    Stopped; unless given, waits end early when the client is closed. ``clock`` is monotonic, ``now`` in seconds since 1970,
    ``random`` from 0 to 1.

    Proxies and a certificate bundle are taken from the environment, as requests does; netrc is not read, and loopback
    addresses are asked directly.
    """

    def __init__(
        self,
        *,
        contact: str,
        timeout: float,
        attempts: int,
        requests_per_minute: int,
        max_bytes: int = 64 * 2**20,
        wait: Callable[[float], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        random: Callable[[], float] = randomness.random,
    ) -> None:
        self._agent = f"registry-sync/{__version__}" + (f" (+{quote(contact, safe='@.+-_~:/')})" if contact else "")
        self._timeout = timeout
        self._attempts = attempts
        self._max_bytes = max_bytes
        self._now = now
        self._random = random
        self._pace = pace.Pace(requests_per_minute, clock)
        self._closed = threading.Event()
        self._wait = wait or self._wait_until_closed
        self._counts = _Counts()
        self._lock = threading.Lock()
        self._under_way: set[Attempt] = set()
        self._sessions: dict[threading.Thread, Session] = {}
        self._hosts: dict[str, threading.Lock] = {}
        self._verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True

    @property
    def requests(self) -> int:
        """Requests made so far: each try and each redirect is one."""
        return self._counts.requests

    @property
    def bytes(self) -> int:
        """Bytes of bodies received so far, as they were on the wire (compressed)."""
        return self._counts.bytes

    def meter(self) -> Meter:
        """This client for one caller, whose requests and bytes are counted apart as well."""
        return Meter(self)

    def slow_down(self, host_and_port: str, seconds: float) -> None:
        """From now on at least so many seconds between the starts of two requests to ``host:port``; 0: the bucket alone."""
        self._pace.slow_down(host_and_port, seconds)

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        *,
        accept: str,
        validators: Validators | None = None,
        max_bytes: int | None = None,
        manners: Manners | None = None,
    ) -> Response:
        """The answer to a GET of ``url`` with ``params`` added to its query.

        ``validators`` are those of an earlier answer's: the answer is of status 304, without a body, when the server says that
        nothing has changed since. They go to ``url`` alone and not where it redirects to: a notice that was put in a page's place
        years ago is not modified since yesterday either. ``max_bytes``: for this request, where the client's own cap is larger.
        ``manners``: see Manners.

        Raises Refused, TooSlow, TooLarge, BadStatus, BadRedirect, BadContent; Stopped once the client is closed, and whatever
        ``wait`` raises.
        """
        return self.counted_get(url, params, accept, validators, max_bytes, manners, (self._counts,))

    def counted_get(
        self,
        url: str,
        params: Mapping[str, str] | None,
        accept: str,
        validators: Validators | None,
        max_bytes: int | None,
        manners: Manners | None,
        counts: tuple[_Counts, ...],
    ) -> Response:
        """What ``get`` does, counted in each of ``counts``."""
        cap = self._max_bytes if max_bytes is None else min(max_bytes, self._max_bytes)
        wish = _Wish(accept, conditions(validators) if validators else {}, cap, counts, manners)
        for tries in count(1):
            try:
                return self._follow(addresses.address(url, params), wish)
            except Trouble as trouble:
                asked = trouble.retry_after
                if tries >= self._attempts or not trouble.again or (asked or 0) > pace.LONGEST_WAIT:
                    raise trouble.error(tries) from trouble
                seconds = pace.backoff(tries, asked, self._random)
            self._wait(seconds)
        raise AssertionError("unreachable")

    def close(self) -> None:
        """End the requests under way, whose callers get Stopped, and refuse later ones; from any thread, more than once.

        Not from a signal handler: the interrupted thread may hold the lock that this needs.
        """
        self._closed.set()
        with self._lock:
            attempts, sessions = tuple(self._under_way), tuple(self._sessions.values())
            self._sessions.clear()
        for attempt in attempts:
            attempt.cut("closed")
        for session in sessions:
            session.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _follow(self, url: str, wish: _Wish) -> Response:
        """One try: the request, and those to where it is redirected."""
        seen = [url]
        while True:
            self._keep_pace(url)
            with self._alone(url) if wish.manners is not None else contextlib.nullcontext():
                answer = self._ask(url, wish)
            if isinstance(answer, Response):
                return msgspec.structs.replace(answer, asked=addresses.without_login(seen[0]))
            try:
                url = addresses.next_address(seen, answer)
            except Trouble as trouble:
                trouble.url = url
                raise
            refusal = wish.manners.refusal(url) if wish.manners is not None else None
            if refusal is not None:
                unwelcome = Trouble(Unwelcome, f"redirects to {place(url)}: {refusal}", again=False)
                unwelcome.url = seen[-1]
                raise unwelcome
            seen.append(url)
            wish = msgspec.structs.replace(wish, conditions={})

    @contextlib.contextmanager
    def _alone(self, url: str) -> Iterator[None]:
        """Nobody else who minds his manners asks this host meanwhile. Raises Stopped when the client is closed while waiting."""
        with self._lock:
            host = self._hosts.setdefault(addresses.host_and_port(url), threading.Lock())
        while not host.acquire(timeout=_LOOK_FOR_CLOSE):
            if self._closed.is_set():
                raise _stopped(url)
        try:
            yield
        finally:
            host.release()

    def _keep_pace(self, url: str) -> None:
        host = addresses.host_and_port(url)
        seconds = self._pace.take(host)
        if seconds > 0:
            self._wait(seconds)
            self._pace.began(host)

    def _ask(self, url: str, wish: _Wish) -> Response | str:
        """One request: its answer, or the address that it redirects to."""
        attempt = self._register(url)
        trouble: Trouble | None = None
        answer: Response | str = ""
        try:
            with attempt:
                answer = self._exchange(url, wish)
        except Trouble as met:
            trouble = met
        except (RequestException, urllib3.exceptions.HTTPError, OSError, UnicodeError) as error:
            trouble = of_failure(error)
        except Exception:  # a socket shut down under a library's hands shows as anything
            if attempt.cut_by is None:
                raise
        finally:
            with self._lock:
                self._under_way.discard(attempt)
        if attempt.cut_by == "closed":
            raise _stopped(url)
        if attempt.cut_by == "deadline":
            trouble = Trouble(TooSlow, f"did not answer in full within {duration(self._timeout)}")
        if trouble is not None:
            trouble.url = url
            raise trouble
        return answer

    def _register(self, url: str) -> Attempt:
        attempt = Attempt(self._timeout)
        with self._lock:
            if self._closed.is_set():
                raise _stopped(url)
            self._under_way.add(attempt)
        return attempt

    def _exchange(self, url: str, wish: _Wish) -> Response | str:
        session = self._session()
        headers = {"User-Agent": self._agent, "Accept": wish.accept, "Accept-Encoding": body.ACCEPT_ENCODING, **wish.conditions}
        request = session.prepare_request(Request("GET", url, headers=headers))
        for each in wish.counts:
            each.add(requests=1)
        # the adapter, since Session.send reads and unpacks the whole body of a redirect, even of one that it must not follow
        answer = session.get_adapter(url).send(
            request, stream=True, timeout=(self._timeout, self._timeout), verify=self._verify, proxies=addresses.proxies(url)
        )
        with answer:
            return self._read(url, answer, wish)

    def _read(self, url: str, answer: RawResponse, wish: _Wish) -> Response | str:
        status = answer.status_code
        if status == _NOT_MODIFIED and wish.conditions:
            answer.raw.drain_conn()
            return Response(status, addresses.without_login(url), answer.headers, b"")
        if status in _REDIRECTS:
            return answer.headers.get("Location", "")
        if not 200 <= status < 300:
            raise of_status(status, pace.retry_after(answer.headers.get("Retry-After"), self._now()))
        if status == _PARTIAL:
            raise Trouble(BadContent, "answered with a part of what was asked for")

        def received(size: int) -> None:
            for each in wish.counts:
                each.add(size=size)

        content = body.read(answer.raw, wish.max_bytes, received)
        return Response(status, addresses.without_login(url), answer.headers, content)

    def _session(self) -> Session:
        """The session of this thread: requests does not promise that one can be shared."""
        thread = threading.current_thread()
        with self._lock:
            if thread in self._sessions:
                return self._sessions[thread]
            ended = [self._sessions.pop(other) for other in tuple(self._sessions) if not other.is_alive()]
            session = self._sessions[thread] = _new_session()
        for old in ended:
            old.close()
        return session

    def _wait_until_closed(self, seconds: float) -> None:
        if self._closed.wait(seconds):
            raise Stopped("stopped while waiting to ask again")


class Meter:
    """A client that counts what goes through it; pace, sessions and limits are those of the client it was made from."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._counts = _Counts()

    @property
    def requests(self) -> int:
        """Requests made through this meter."""
        return self._counts.requests

    @property
    def bytes(self) -> int:
        """Bytes of bodies received through this meter, as they were on the wire."""
        return self._counts.bytes

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        *,
        accept: str,
        validators: Validators | None = None,
        max_bytes: int | None = None,
        manners: Manners | None = None,
    ) -> Response:
        """What Client.get does."""
        return self._client.counted_get(url, params, accept, validators, max_bytes, manners, (self._client._counts, self._counts))


def _new_session() -> Session:
    session = Session()
    session.trust_env = False  # else a login from ~/.netrc goes to whatever site a page redirects to
    session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=()))
    for scheme in addresses.DEFAULT_PORTS:
        session.mount(f"{scheme}://", WatchedAdapter())
    return session


def _stopped(url: str) -> Stopped:
    return Stopped(f"stopped before {place(url)} answered", about=place(url))
