"""A trial-finder site on loopback: pages that copy a record once and then go their own way, with labels of their own.

The page says what such pages say and how they say it: who launched the trial and when (the registry's first-submitted
date), when the site last looked ("Current as of"), one status word, and "Not reported" where it has nothing.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from html import escape
from http import HTTPStatus

from registry_sync.demo.server import LoopbackServer
from registry_sync.demo.wire import HTML, Reply, Request, text
from registry_sync.trials.record import trial_id

SITE = "Trial Harbour"

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_NOT_REPORTED = "Not reported"
_OPENED = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class ListingFacts:
    """What a listing says of a trial, in its own words; ``None``: it has nothing to say there."""

    title: str
    sponsor: str
    first_submitted: date
    refreshed: date
    status: str = "Recruiting"
    inclusion: tuple[str, ...] = ()
    exclusion: tuple[str, ...] = ()
    sex: str = "ALL"
    city: str | None = None
    country: str | None = None
    summary: str | None = None
    keywords: str | None = None
    launched: date | None = None
    updated: date | None = None
    completion: date | None = None


class Listing(LoopbackServer):
    """The site. ``maintenance`` and ``instead`` put one page before all others, with status 200, as careless sites do.

    A trial's page has an ETag and a Last-Modified (of a clock that goes a minute on with each ``put``), and is answered with 304 to
    those who have it already.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._facts: dict[str, ListingFacts] = {}
        self._instead: str | None = None
        self._robots: str | None = None
        self._clock = _OPENED
        self._modified: dict[str, datetime] = {}
        self._validated = (True, True)

    def put(self, trial: str, facts: ListingFacts) -> None:
        """Show this of the trial from now on. Raises UsageError when the id is malformed."""
        with self._lock:
            self._facts[trial_id(trial)] = facts
            self._clock += timedelta(minutes=1)
            self._modified[trial_id(trial)] = self._clock

    def remove(self, trial: str) -> None:
        """Show this trial no more (404). Raises KeyError when it was not shown."""
        with self._lock:
            del self._facts[trial_id(trial)]

    def facts(self, trial: str) -> ListingFacts:
        """What the page says at this time. Raises KeyError."""
        with self._lock:
            return self._facts[trial_id(trial)]

    def maintenance(self, on: bool = True) -> None:
        """Put the maintenance page before every other page, or take it away."""
        self.instead(_maintenance_page() if on else None)

    def instead(self, page: str | None) -> None:
        """Put this HTML before every other page, or take it away."""
        with self._lock:
            self._instead = page

    def validators(self, *, etag: bool, last_modified: bool) -> None:
        """What pages can be asked by (RFC 9110, section 8.8); with neither, each request gets the whole page."""
        with self._lock:
            self._validated = (etag, last_modified)

    def robots(self, rules: str | None) -> None:
        """What ``/robots.txt`` says (RFC 9309); ``None``: there is none."""
        with self._lock:
            self._robots = rules

    def url_of(self, trial: str) -> str:
        """The address of this trial's page, whether there is one or not."""
        return f"{self.url}/trials/{trial_id(trial)}"

    def answer(self, request: Request) -> Reply:
        """One page."""
        if request.method not in ("GET", "HEAD"):
            return text(HTTPStatus.METHOD_NOT_ALLOWED, "Method Not Allowed")
        with self._lock:
            if request.path == "/robots.txt":
                return text(HTTPStatus.NOT_FOUND, "Not Found") if self._robots is None else text(HTTPStatus.OK, self._robots)
            if self._instead is not None:
                return _html(HTTPStatus.OK, self._instead)
            trial = request.path.removeprefix("/trials/")
            facts, modified, (etag, last_modified) = self._facts.get(trial), self._modified.get(trial, _OPENED), self._validated
        if facts is None:
            return _html(HTTPStatus.NOT_FOUND, _page("Nothing here", ["<h1>There is no page at this address</h1>"]))
        page = _html(HTTPStatus.OK, trial_page(trial, facts))
        return _conditional(request, page, _etag(page) if etag else None, modified if last_modified else None)


def trial_page(trial: str, facts: ListingFacts) -> str:
    """The page of one trial as HTML."""
    return _page(
        facts.title,
        [
            f'<nav><a href="/">Search</a> / <span>Trial {escape(trial)}</span></nav>',
            f"<h1>{escape(facts.title)}</h1>",
            f"<p>Launched by {escape(facts.sponsor.upper())} · {_short(facts.first_submitted)}</p>",
            "<h2>Trial Information</h2>",
            f"<p>Current as of {_long(facts.refreshed)}</p>",
            f"<p>{escape(facts.status)}</p>",
            *_section("Keywords", facts.keywords),
            *_section(f"{SITE} Summary", facts.summary),
            *_section("Gender", facts.sex),
            *_criteria(facts),
            f"<h2>About {escape(facts.sponsor)}</h2>",
            f"<p>{SITE} shows this trial as the sponsor registered it and has no tie with the sponsor.</p>",
            *_section("Locations", _place(facts)),
            *_section("Patients applied", "0 patients applied"),
            *_timeline(facts),
        ],
    )


def _section(label: str, value: str | None) -> list[str]:
    return [] if value is None else [f"<h3>{escape(label)}</h3>", f"<p>{escape(value)}</p>"]


def _criteria(facts: ListingFacts) -> list[str]:
    if not facts.inclusion and not facts.exclusion:
        return []
    groups = (("Inclusion Criteria:", facts.inclusion), ("Exclusion Criteria:", facts.exclusion))
    items = [line for heading, texts in groups if texts for line in (heading, *_numbered(texts))]
    return ["<h3>Eligibility criteria</h3>", "<ul>", *(f"<li>{escape(line)}</li>" for line in items), "</ul>"]


def _numbered(texts: Iterable[str]) -> list[str]:
    return [f"{number}. {line}" for number, line in enumerate(texts, start=1)]


def _place(facts: ListingFacts) -> str | None:
    # City, state, country: the state's comma stands even where there is no state.
    return None if facts.country is None else f"{facts.city or ''}, , {facts.country}"


def _timeline(facts: ListingFacts) -> list[str]:
    rows = (
        ("First submit", facts.first_submitted),
        ("Trial launched", facts.launched),
        ("Trial updated", facts.updated),
        ("Estimated completion", facts.completion),
    )
    return ["<h3>Timeline</h3>", "<dl>", *(f"<dt>{label}</dt><dd>{_short(day)}</dd>" for label, day in rows), "</dl>"]


def _short(day: date | None) -> str:
    return _NOT_REPORTED if day is None else f"{_MONTHS[day.month - 1][:3]} {day.day}, {day.year}"


def _long(day: date) -> str:
    return f"{_MONTHS[day.month - 1]} {day.day:02d}, {day.year}"


def _maintenance_page() -> str:
    sentences = [f"<h1>{SITE} is getting a new coat of paint</h1>", "<p>We are working on our site and will be back shortly.</p>"]
    return _page("Back soon", sentences)


def _page(title: str, body: Iterable[str]) -> str:
    head = f'<head><meta charset="utf-8"><title>{escape(title)} | {SITE}</title></head>'
    return "\n".join(["<!DOCTYPE html>", '<html lang="en">', head, "<body>", f"<header>{SITE}</header>", *body, "</body>", "</html>", ""])


def _etag(page: Reply) -> str:
    # Weak, since the compressed page has the same one.
    return f'W/"{hashlib.sha256(page.body).hexdigest()[:16]}"'


def _conditional(request: Request, page: Reply, etag: str | None, modified: datetime | None) -> Reply:
    """The page with what it can be asked by, or 304 for those who have it; the ETag decides where both are sent (RFC 9110, 13.2.2)."""
    headers = [("ETag", etag)] if etag else []
    headers += [("Last-Modified", format_datetime(modified, usegmt=True))] if modified else []
    known = request.header("If-None-Match")
    unchanged = known == etag if etag and known else _not_modified_since(request.header("If-Modified-Since"), modified)
    return Reply(HTTPStatus.NOT_MODIFIED, headers=tuple(headers)) if unchanged else replace(page, headers=tuple(headers))


def _not_modified_since(header: str | None, modified: datetime | None) -> bool:
    if header is None or modified is None:
        return False
    try:
        return modified <= parsedate_to_datetime(header)
    except (ValueError, TypeError):
        return False


def _html(status: int, page: str) -> Reply:
    return Reply(status, page.encode(), HTML)
