"""Answers that say how fresh they are (RFC 9110, sections 8.8 and 13): made once for what is kept, not sent again to who has them already.

The tag is made of numbers that the database keeps, not of the answer. While nothing at all is written to the database, not even these are
looked up again: the answer that was made last is the answer, and is given at once, in the event loop.
"""

from __future__ import annotations

import datetime
import functools
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

import registry_sync
from db import catalogue
from db.connection import History
from db.public import State
from db.readers import Mark
from jobs import surroundings
from jobs.surroundings import Surroundings, as_stamp, from_stamp
from registry_sync import __version__
from registry_sync.notices.i18n import ENGLISH, languages
from registry_sync.web.pages import around_of, language_of, page, readers_of

MOST_KEPT = 48 * 2**20
"""Bytes of answers that are kept as they were made."""
NAMES = {"en": "English", "da": "Dansk"}
"""What speakers of a language call it."""

_OF_A_PAGE = frozenset({"q", "condition", "country", "status", "page", "from", "to", "as"})
"""What makes a page another one, of what an address asks for."""
_ASKED_OF_A_PAGE = _OF_A_PAGE | {"all", "date", "trial", "on", "done", "lang"}
"""What a page can be asked for at all: whatever else stands in its address does not count."""
_PACKAGE = Path(registry_sync.__file__).resolve().parent
_MAKES_PAGES = frozenset({".py", ".j2", ".po", ".mo"})
_LONGEST_HEADER = 4096
_OVERHEAD = 2048
"""Bytes that an answer takes beside its body, about."""

_Key = tuple[str, str, bytes, str]


class _Made(msgspec.Struct, frozen=True):
    """An answer: ``whole`` as it was made (``None``: nobody wanted it yet), and ``unchanged`` for who has it.

    It holds on these ``days`` as long as the file has this ``mark``, and beyond that as long as it has this ``tag``.
    """

    tag: str
    modified: datetime.datetime | None
    unchanged: Response
    whole: Response | None
    mark: Mark | None
    days: tuple[datetime.date, datetime.date]

    def to(self, request: Request) -> Response | None:
        """What this client gets of it."""
        return self.unchanged if _is_known(request, self.tag, self.modified) else self.whole


def _size(key: _Key, made: _Made) -> int:
    return _OVERHEAD + sum(map(len, key)) + (len(made.whole.body) if made.whole is not None else 0)


class _Kept:
    """The last answers by what was asked for, for all threads."""

    def __init__(self) -> None:
        self._made: OrderedDict[_Key, _Made] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, key: _Key) -> _Made | None:
        with self._lock:
            found = self._made.get(key)
            if found is not None:
                self._made.move_to_end(key)
            return found

    def put(self, key: _Key, made: _Made) -> None:
        with self._lock:
            before = self._made.pop(key, None)
            self._made[key] = made
            self._size += _size(key, made) - (_size(key, before) if before is not None else 0)
            while self._size > MOST_KEPT:
                self._size -= _size(*self._made.popitem(last=False))


_kept = _Kept()


def page_at_once(make: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
    """The same of a page, which is no other one for what else stands in its address."""
    respond = at_once(make)

    @functools.wraps(make)
    async def of_what_counts(request: Request) -> Response:
        request.state.counting = urlencode(_asked(request)).encode()
        return await respond(request)

    return of_what_counts


def _asked(request: Request) -> list[tuple[str, str]]:
    """What an address asks of a page."""
    return [(name, value) for name, value in request.query_params.multi_items() if name in _ASKED_OF_A_PAGE]


def at_once(make: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that gives the answer it gave last as long as nothing was written to the database since; else ``make``'s, in a thread."""

    @functools.wraps(make)
    async def respond(request: Request) -> Response:
        mark = request.state.mark = readers_of(request).mark()
        made = _kept.get(_key(request))
        if made is not None and mark is not None and made.mark == mark and made.days == _days(around_of(request)):
            response = made.to(request)
            if response is not None:
                return response
        return await run_in_threadpool(make, request)

    return respond


def answer(
    request: Request,
    state: State,
    make: Callable[[], Response],
    *more: object,
    headers: Mapping[str, str] | None = None,
    of_the_day: bool = False,
    dated: bool = True,
) -> Response:
    """304 when the client has this state already, else what ``make`` makes; ``more``: what that depends on beside state and address.

    ``of_the_day``: it is another one tomorrow, be nothing new. Not ``dated``: who has only a date is not known to have this one.
    Only for an endpoint that is ``at_once``: it must depend on nothing else but the database and the day.
    """
    around = around_of(request)
    now = around.now()
    midnight = max(as_stamp(now.replace(hour=0, minute=0, second=0, microsecond=0)), surroundings.midnight(around))
    tag = _tag(request, state, (*more, *([midnight] if of_the_day else [])))
    began: str = request.app.state.began  # the settings and the program are as they are since then
    at = from_stamp(max(state.at or "", began, midnight if of_the_day else ""))
    is_over = at < now.replace(microsecond=0)  # in its own second still more may come
    modified = at if is_over and dated else None
    all_headers = {"ETag": tag, "Cache-Control": "public, no-cache", **(headers or {})}
    if modified is not None:
        all_headers["Last-Modified"] = format_datetime(modified, usegmt=True)
    key = _key(request)
    before = _kept.get(key)
    whole = before.whole if before is not None and before.tag == tag and before.modified == modified else None
    anything = request.headers.get("if-none-match", "").strip() == "*"  # of what there is: that is known once it is made
    if whole is None and (anything or not _is_known(request, tag, modified)):
        whole = make()
        if whole.status_code != 200:
            return whole
        for name, value in all_headers.items():
            whole.headers.setdefault(name, value)
    mark = request.state.mark if is_over else None
    made = _Made(tag, modified, Response(status_code=304, headers=all_headers), whole, mark, _days(around))
    _kept.put(key, made)
    return made.to(request) or made.unchanged


def _days(around: Surroundings) -> tuple[datetime.date, datetime.date]:
    """The day in UTC, and that of the schedule's time zone: an answer may go by either."""
    return around.now().date(), surroundings.today(around)


def shown(
    request: Request, history: History, make: Callable[[History], Response], trials: Sequence[str] = (), also: State | None = None
) -> Response:
    """The same of a page in the reader's language, by the newest of everything that is kept, or of what is on these ``trials``.

    ``also``: of what else it shows.
    """
    stamp, language = catalogue.stamp(history, trials), language_of(request)
    stamp = stamp + also if also is not None else stamp
    headers = {"Vary": "Accept-Language", "Content-Language": language}
    return answer(request, stamp, lambda: make(history), language, headers=headers, of_the_day=True, dated=is_dated(request))


def is_dated(request: Request) -> bool:
    """Does the date of an answer in the reader's language say which one it is?

    Its language is named by the address, or is that of who asks for none; in another one that the browser has chosen no answer has a date.
    """
    return language_of(request) == request.query_params.get("lang", ENGLISH)


def fixed(request: Request, body: bytes, media_type: str) -> Response:
    """What the program brings with it, whatever the database says: 304 to who has it."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    began = from_stamp(request.app.state.began)
    headers = {"ETag": tag, "Last-Modified": format_datetime(began, usegmt=True), "Cache-Control": "public, max-age=3600"}
    if _is_known(request, tag, began):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def _key(request: Request) -> _Key:
    counting: bytes | None = getattr(request.state, "counting", None)
    query = request.scope["query_string"] if counting is None else counting
    return around_of(request).settings.database, request.scope["path"], query, language_of(request)


def _tag(request: Request, state: State, more: Sequence[object]) -> str:
    settings = around_of(request).settings
    shown = settings.web.url, settings.ctgov.url, settings.smtp.sender
    parts = (_program(), state.key, *_key(request)[1:3], *shown, *more)
    return f'W/"{hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:24]}"'


@functools.cache
def _program() -> str:
    """Of this program as it is installed: who has an answer of another one, be it of the same release, does not have this one."""
    digest = hashlib.sha256(__version__.encode())
    for file in sorted(each for each in _PACKAGE.rglob("*") if each.suffix in _MAKES_PAGES):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _is_known(request: Request, tag: str, modified: datetime.datetime | None) -> bool:
    """Does the client hold this? Where it sends tags, its date does not matter."""
    tags = request.headers.get("if-none-match")
    if tags is not None:
        return len(tags) <= _LONGEST_HEADER and any(part.strip() in ("*", tag, tag.removeprefix("W/")) for part in tags.split(","))
    since = request.headers.get("if-modified-since")
    if since is None or modified is None or len(since) > _LONGEST_HEADER:
        return False
    try:
        known = parsedate_to_datetime(since)
    except (ValueError, TypeError, IndexError):
        return False
    return known.tzinfo is not None and modified <= known


def public(request: Request, name: str, **values: Any) -> Response:
    """A public page, with what its links need."""
    return page(
        request,
        name,
        href=links(request),
        others=_in_other_languages(request),
        canonical=_canonical(request),
        alternates=_alternates(request),
        by_mail=bool(around_of(request).settings.web.url),  # else no link could be mailed
        **values,
    )


def links(request: Request) -> Links:
    """The addresses of pages, for a page or an answer to this request."""
    return Links(request)


class Links:
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
        asked = urlencode({name.rstrip("_"): value for name, value in {**query, **self._chosen}.items() if value not in ("", None, False)})
        return f"{self.bare(*parts)}{'?' if asked else ''}{asked}"

    def bare(self, *parts: str) -> str:
        """The same without a query."""
        return f"{self._root}/{'/'.join(quote(part, safe='') for part in parts)}"


def _in_other_languages(request: Request) -> list[tuple[str, str, str]]:
    """Of each language that there is beside this page's: its code, its name, and the query of the same page in it."""
    given = [(name, value) for name, value in _asked(request) if name != "lang"]
    shown = language_of(request)
    return [(each, NAMES.get(each, each), f"?{urlencode([*given, ('lang', each)])}") for each in languages() if each != shown]


def _canonical(request: Request, lang: str | None = None) -> str:
    """The public address of this page, without what does not make it another one; of its form in a language.

    Empty where none is set, and of a page behind a link that is a secret.
    """
    if "token" in request.path_params:
        return ""
    base = around_of(request).settings.web.url.rstrip("/")
    chosen = links(request).chosen if lang is None else lang
    given = [(name, value) for name, value in request.query_params.multi_items() if name in _OF_A_PAGE and value]
    query = urlencode([*given, *([("lang", chosen)] if chosen else [])])
    return f"{base}{_path(request)}{'?' if query else ''}{query}" if base else ""


def _path(request: Request) -> str:
    """The path as it was asked for, in one spelling: a slash within a name is none between names."""
    raw: bytes = request.scope.get("raw_path") or quote(request.scope["path"]).encode()
    return "/".join(quote(unquote(part), safe="") for part in raw.decode("ascii", "replace").split("/"))


def _alternates(request: Request) -> list[tuple[str, str]]:
    """This page in each language, and in that of the reader's browser."""
    return [*((each, _canonical(request, each)) for each in languages()), ("x-default", _canonical(request, ""))]


def _root(request: Request) -> str:
    return urlsplit(around_of(request).settings.web.url).path.rstrip("/")


def elsewhere(request: Request, trial: str) -> Response:
    """To the same page of the id that this record has now, by an address that holds wherever the pages stand."""
    rest = request.url.path.split("/")[3:]
    location = "../" * len(rest) + "/".join(quote(part, safe="") for part in (trial, *rest))
    of_its_own = len(rest) == 2 and rest[0] == "versions" and "as" not in request.query_params  # that id's own count
    asked = [request.url.query, *([urlencode({"as": request.path_params["trial"].upper().strip()})] if of_its_own else [])]
    query = f"?{'&'.join(filter(None, asked))}" if any(asked) else ""
    return Response(status_code=303, headers={"Location": location + query, "Cache-Control": "no-cache"})
