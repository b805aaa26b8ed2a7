"""The public pages' way to answer: made once for what is kept, and not sent again to who has it already."""

from __future__ import annotations

import datetime
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from db import catalogue
from db.connection import History
from jobs.surroundings import from_stamp
from registry_sync import __version__
from registry_sync.notices.i18n import languages
from registry_sync.web.pages import around_of, language_of, page

MOST_KEPT = 32 * 2**20
"""Bytes of pages that are kept as they were sent."""
NAMES = {"en": "English", "da": "Dansk"}
"""What speakers of a language call it."""

_STARTED = datetime.datetime.now(datetime.UTC)


class _Kept:
    """The bodies of pages as they were sent, the last ones; for all threads."""

    def __init__(self) -> None:
        self._bodies: OrderedDict[tuple[str, ...], bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, key: tuple[str, ...]) -> bytes | None:
        with self._lock:
            found = self._bodies.get(key)
            if found is not None:
                self._bodies.move_to_end(key)
            return found

    def put(self, key: tuple[str, ...], body: bytes) -> None:
        with self._lock:
            if key in self._bodies:
                return
            self._bodies[key] = body
            self._size += len(body)
            while self._size > MOST_KEPT:
                _, oldest = self._bodies.popitem(last=False)
                self._size -= len(oldest)


_kept = _Kept()


def answer(request: Request, make: Callable[[History], Response], trials: Sequence[str] = (), history: History | None = None) -> Response:
    """What ``make`` makes; or that nothing is new (304), by the newest of everything that is kept, or of what is on these ``trials``."""
    around = around_of(request)
    if history is None:
        with around.open() as opened:
            return answer(request, make, trials, opened)
    stamp = catalogue.stamp(history, trials)
    now = around.now()
    language = language_of(request)
    parts = (stamp.mark, now.date().isoformat(), language, _root(request), __version__)
    etag = f'W/"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"'
    changed = max(from_stamp(stamp.at) if stamp.at else _STARTED, now.replace(hour=0, minute=0, second=0, microsecond=0))
    headers = {
        "ETag": etag,
        "Last-Modified": format_datetime(changed.astimezone(datetime.UTC), usegmt=True),
        "Cache-Control": "public, no-cache",
        "Vary": "Accept-Language",
        "Content-Language": language,
    }
    if _is_known(request, etag, changed):
        return Response(status_code=304, headers=headers)
    key = (str(around.database), request.url.path, request.url.query, etag)
    body = _kept.get(key)
    if body is None:
        made = make(history)
        if made.status_code != 200:
            return made
        body = bytes(made.body)
        _kept.put(key, body)
    return HTMLResponse(body, headers=headers)


def _is_known(request: Request, etag: str, changed: datetime.datetime) -> bool:
    """Has the client what it would get (RFC 9110, 13.2.2)?"""
    given = request.headers.get("if-none-match")
    if given is not None:
        return given.strip() == "*" or etag in (each.strip() for each in given.split(","))
    try:
        since = parsedate_to_datetime(request.headers.get("if-modified-since", ""))
        return changed.replace(microsecond=0) <= since
    except (TypeError, ValueError):
        return False


def public(request: Request, name: str, **values: Any) -> Response:
    """A public page, with what its links need."""
    return page(request, name, href=_Links(request), others=_in_other_languages(request), **values)


class _Links:
    """Addresses of pages; the language that a reader has chosen goes with them."""

    def __init__(self, request: Request) -> None:
        self._root = _root(request)
        chosen = request.query_params.get("lang")
        self._chosen = {"lang": chosen} if chosen in languages() else {}

    @property
    def chosen(self) -> str:
        """The language that the address asks for, if any: a form must pass it on."""
        return self._chosen.get("lang", "")

    def __call__(self, *parts: str, **query: Any) -> str:
        """The address of a page: its parts, of which no one need be a word of ours."""
        path = "/".join(quote(part, safe="") for part in parts)
        asked = urlencode({name.rstrip("_"): value for name, value in {**query, **self._chosen}.items() if value not in ("", None, False)})
        return f"{self._root}/{path}{'?' if asked else ''}{asked}"


def _in_other_languages(request: Request) -> list[tuple[str, str, str]]:
    """Of each language that there is beside this page's: its code, its name, and the query of the same page in it."""
    given = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    shown = language_of(request)
    return [(each, NAMES.get(each, each), f"?{urlencode([*given, ('lang', each)])}") for each in languages() if each != shown]


def _root(request: Request) -> str:
    return urlsplit(around_of(request).settings.web.url).path.rstrip("/")


def elsewhere(request: Request, trial: str) -> Response:
    """To the same page of the id that this record has now, by an address that holds wherever the pages stand."""
    rest = request.url.path.split("/")[3:]
    location = "../" * len(rest) + "/".join(quote(part, safe="") for part in (trial, *rest))
    query = f"?{request.url.query}" if request.url.query else ""
    return Response(status_code=303, headers={"Location": location + query, "Cache-Control": "no-cache"})
