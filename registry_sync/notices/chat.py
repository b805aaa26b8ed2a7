"""Chat, push and SMS through Apprise URLs; Apprise is an optional extra and is loaded when the first one is needed.

Apprise tells why something failed in its log only, so the log is listened to while it sends.
"""

from __future__ import annotations

import importlib
import logging
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import ModuleType
from typing import Any

from registry_sync.errors import MissingExtra, install
from registry_sync.hosts import Resolve, leads_inside, resolve
from registry_sync.notices import compose
from registry_sync.notices.address import masked, scrubbed
from registry_sync.notices.clean import cut, one_line
from registry_sync.notices.interface import Ahead, Notice, Outcome, Refused, Retry, Sent, nothing_ahead
from registry_sync.settings import Webhook

_LOGGER = "apprise"
_LONGEST_REASON = 240
_NO_USE = "no address that Apprise can use"
_DISABLED = "is disabled on this system"
_LINE_BREAK = 2
_ROOM_FOR_A_COUNT = 12
"""Characters that Apprise puts, or keeps free, between a title and a text that are one message."""
_TRIES = 3
_LOADING = threading.Lock()
"""Notices are sent side by side, and what warnings are shown is one state of all threads."""

_COMMANDS = (
    (re.compile(r"(?<![\w.+-])@(?=\w)"), "@ "),  # @everyone; a mail address stays
    (re.compile(r"<(?=[@#!:/a-zA-Z])"), "‹"),  # <!channel>, <@U1>, <https://...|text>, <b>; "< 18" and "<18" stay
    (re.compile(r"\](?=[(\[:])"), "] "),  # [text](link)
    (re.compile(r"```"), "'''"),
)


def supported(url: str) -> bool:
    """Does Apprise know this URL's scheme, and can it use what the URL says? Nothing is sent. Raises MissingExtra."""
    return unusable(url) is None


def unusable(url: str) -> str | None:
    """Why Apprise can do nothing with this URL, in a few words without its secrets; ``None``: it can. Raises MissingExtra."""
    library = _apprise()
    with _listening() as heard:
        service = _service(library, url)
    return None if service is not None else _why_not(heard, url)


def inert(text: str) -> str:
    """The text without what chat services take for a command: mentions of everybody, links with a text of their own, code, markup.

    It goes out as plain text, and Apprise escapes it where a service wants HTML or Markdown; but some services read plain text
    as markup all the same (Discord, Slack, Mattermost), and registry text is anybody's.
    """
    for pattern, instead in _COMMANDS:
        text = pattern.sub(instead, text)
    return text


class ChatChannel:
    """Apprise URLs as a Channel; one URL for each notice.

    Services that post to a host of the URL's choice are webhooks by another name: the same setting binds them.
    """

    def __init__(self, settings: Webhook, *, resolver: Resolve = resolve) -> None:
        self._settings = settings
        self._resolve = resolver

    def send(self, notice: Notice, ahead: Ahead = nothing_ahead) -> Outcome:  # noqa: ARG002 - nothing is made ahead
        """Send the news in short."""
        try:
            library = _apprise()
        except MissingExtra as missing:
            return Retry(str(missing), channel_down=True)
        where = masked(notice.address)
        with _listening() as heard:
            try:
                service = _service(library, notice.address)
                if service is None:
                    return _not_to_be_used(where, heard, notice.address)
                if not self._settings.allow_private and _leads_inside(service, self._resolve):
                    return Refused(f"{where} leads to a private address, and [webhook] allow_private is false")
                title, body = _fitting(notice, service)
                # A service that counts otherwise gets a shorter text, never a second message.
                sent = service.notify(body=body, title=title, body_format=library.NotifyFormat.TEXT, overflow=library.OverflowMode.TRUNCATE)
            except Exception as error:  # plugins raise what they like; the notice stays queued
                reason = f"{where}: {scrubbed(one_line(str(error)) or type(error).__name__, notice.address)}"
                return Retry(cut(reason, _LONGEST_REASON), brief=f"{where}: {type(error).__name__}")
        if sent:
            return Sent()
        return Retry(cut(f"{where}: not taken{_because(heard, notice.address)}", _LONGEST_REASON), brief=f"{where}: not taken")

    def close(self) -> None:
        """Nothing is held open."""


def _service(library: ModuleType, url: str) -> Any:
    """What sends to this URL, or ``None``. Redirects are not followed, whatever the URL asks for: they could lead inside."""
    service = library.Apprise.instantiate(url, suppress_exceptions=True)
    if service is not None:
        service.redirects = False
    return service


def _not_to_be_used(where: str, heard: list[str], url: str) -> Outcome:
    """For good, but for a service whose own library is missing on this machine: that can be mended."""
    reason = cut(f"{where}: {_why_not(heard, url)}", _LONGEST_REASON)
    return Retry(reason) if any(_DISABLED in line for line in heard) else Refused(reason, f"{where}: {_NO_USE}")


def _why_not(heard: list[str], url: str) -> str:
    if any(_DISABLED in line for line in heard):
        return "what Apprise needs for this service is not installed on this machine; see its documentation"
    return f"{_NO_USE}{_because(heard, url)}"


def _fitting(notice: Notice, service: Any) -> tuple[str, str]:
    """Title and text within what the service takes in one message, the link whole."""
    longest_title, longest = int(service.title_maxlen), max(0, int(service.body_maxlen) - int(service.overflow_buffer))
    title = inert(compose.subject(notice))
    if longest_title > 0:
        title = cut(title, longest_title)
        if service.overflow_amalgamate_title:
            longest -= len(title) + _ROOM_FOR_A_COUNT
    else:
        longest -= len(title) + _LINE_BREAK
    longest = limit = min(compose.LONGEST_SHORT, longest)
    for _ in range(_TRIES):
        body = _in_lines(inert(compose.short(notice, limit)), int(service.body_max_line_count) - (longest_title <= 0))
        if len(body) <= longest:
            break
        limit -= len(body) - longest  # what makes a text inert can make it longer
    return title, body


def _in_lines(text: str, most: int) -> str:
    """The text in as few lines as a service shows, the last one, where to read on, by itself."""
    lines = [line for line in text.splitlines() if line]
    if most <= 0 or len(lines) <= most:
        return text
    return "\n".join([" ".join(lines[:-1]), lines[-1]] if most > 1 else [" ".join(lines)])


def _leads_inside(service: Any, resolver: Resolve) -> bool:
    """Has this service a host of the URL's own, inside the operator's network?"""
    chosen = any("{host}" in template for template in getattr(service, "templates", ()))
    host = getattr(service, "host", None)
    return bool(chosen and host) and leads_inside(str(host), int(getattr(service, "port", None) or 0), resolver)


def _apprise() -> ModuleType:
    """The library. Raises MissingExtra with the command that installs it."""
    try:
        with _LOADING, warnings.catch_warnings():
            # Its plugins are loaded at the first address, and some import what Python is about to drop: not the operator's concern.
            warnings.simplefilter("ignore", DeprecationWarning)
            library = importlib.import_module("apprise")
            _load_plugins(library)
    except ImportError:
        raise MissingExtra(f"chat and push addresses need an optional part: {install('chat')}", about=_LOGGER) from None
    return library


@lru_cache(maxsize=1)
def _load_plugins(library: ModuleType) -> None:
    """Once: the plugins, and what they log is kept from the terminal."""
    logger = logging.getLogger(_LOGGER)
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    library.Apprise.instantiate("json://localhost", suppress_exceptions=True)


class _Ear(logging.Handler):
    """Hears each thread's own warnings, where that thread listens.

    One for all of them, and for good: a handler that is taken away while another thread logs makes that thread pass over the next one.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard_by = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        heard: list[str] | None = getattr(self.heard_by, "heard", None)
        if heard is not None:
            heard.append(one_line(record.getMessage()))


@lru_cache(maxsize=1)
def _ear() -> _Ear:
    ear = _Ear()
    logging.getLogger(_LOGGER).addHandler(ear)
    return ear


@contextmanager
def _listening() -> Iterator[list[str]]:
    """The warnings that Apprise logs in this thread meanwhile."""
    heard: list[str] = []
    ear = _ear()
    ear.heard_by.heard = heard
    try:
        yield heard
    finally:
        ear.heard_by.heard = None


def _because(heard: list[str], address: str) -> str:
    """The last thing that was logged: plugins warn first in general, then in particular."""
    text = next((line for line in reversed(heard) if line), "")
    return f": {scrubbed(text, address)}" if text else ""
