"""Answers that say how fresh they are, so that asking again costs next to nothing (RFC 9110, sections 8.8 and 13).

The tag is made of numbers that the database keeps, not of the answer: what has not changed is not made again.
"""

from __future__ import annotations

import datetime
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from email.utils import format_datetime, parsedate_to_datetime

from starlette.requests import Request
from starlette.responses import Response

from db.public import State
from jobs.surroundings import from_stamp
from registry_sync import __version__
from registry_sync.web.pages import around_of

MOST_KEPT = 16 * 2**20
"""Bytes of answers that are kept as they were made."""

_LONGEST_HEADER = 4096


class _Made:
    """The last answers as they were made, for all threads: a calendar of thousands of dates takes a second."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], tuple[bytes, Mapping[str, str]]] = OrderedDict()
        self._size = 0

    def get(self, key: tuple[str, str]) -> Response | None:
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
        body, headers = found
        return Response(body, headers=headers)

    def put(self, key: tuple[str, str], made: Response) -> None:
        body = bytes(made.body)
        headers = {name: value for name, value in made.headers.items() if name not in ("content-length", "last-modified")}
        with self._lock:
            if key not in self._kept:
                self._kept[key] = (body, headers)
                self._size += len(body)
            while self._size > MOST_KEPT:
                _, (oldest, _) = self._kept.popitem(last=False)
                self._size -= len(oldest)


_made = _Made()


def answer(request: Request, state: State, make: Callable[[], Response], *more: object) -> Response:
    """304 when the client has this state already, else what ``make`` makes; ``more``: what that depends on beside state and address."""
    parts = (__version__, state.key, request.url.path, request.url.query, around_of(request).settings.web.url, *more)
    digest = hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()
    headers = {"ETag": f'W/"{digest[:24]}"', "Cache-Control": "public, no-cache"}
    modified = _last_modified(request, state)
    if modified is not None:
        headers["Last-Modified"] = format_datetime(modified, usegmt=True)
    if _is_known(request, headers["ETag"], modified):
        return Response(status_code=304, headers=headers)
    key = (str(around_of(request).database), digest)
    made = _made.get(key)
    if made is None:
        made = make()
        _made.put(key, made)
    for name, value in headers.items():
        made.headers.setdefault(name, value)
    return made


def _last_modified(request: Request, state: State) -> datetime.datetime | None:
    """When the newest came; not in its own second, in which still more may come."""
    at = from_stamp(state.at) if state.at else None
    return at if at is not None and at < around_of(request).now().replace(microsecond=0) else None


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
