"""What is asked of the trial-finder sites: robots.txt first, then the watched pages, one after the other at each host.

The registry is asked before: its record says by what a page can prove itself, and what the page is laid beside.
"""

from __future__ import annotations

import datetime
import hashlib
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from db import aliases, pages
from db import history as versions
from db.connection import History
from db.pages import Page
from jobs.listings import Listings
from jobs.pull import Task
from jobs.reports import SourceReport, SyncReport
from jobs.surroundings import Surroundings, from_stamp, log
from registry_sync import __version__
from registry_sync.errors import Stopped
from registry_sync.hosts import site_of
from registry_sync.sources import finder, robots
from registry_sync.sources.addresses import host_and_port
from registry_sync.sources.ctgov_record import own_ids
from registry_sync.sources.http import Client
from registry_sync.sources.interface import CTGOV, Failed, Forbidden, Observation
from registry_sync.sources.profiles import Profile, Profiles
from registry_sync.trials.listing import Subject

_MOST_IN_VAIN = 2
"""So many pages of a site are tried of which nobody answers."""
_RULES_HOLD = datetime.timedelta(hours=24)
"""So long what a site asked of programs is taken for what it asks (RFC 9309, section 2.4)."""


class Rules(msgspec.Struct, frozen=True):
    """What came of asking a site for robots.txt just now."""

    robots: robots.Robots


class SiteRules:
    """What sites ask of programs, as far as this sync knows; of a site to which a page redirects it is found out when that happens."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._known: dict[str, robots.Robots] = {}
        self._asking: dict[str, threading.Lock] = {}

    def keep(self, site: str, rules: robots.Robots) -> None:
        """Mind these rules from now on, and the pace that they ask for. Waits for no site: a transaction may be open."""
        with self._lock:
            self._known[site] = rules
        self._keep_pace(site, rules)

    def refusal(self, url: str) -> str | None:
        """Why this page must not be asked for, in words for a person; ``None``: it may be. Raises Stopped."""
        site = site_of(url)
        return (self._kept(site) or self._found_out(site)).refusal(url)

    def _kept(self, site: str) -> robots.Robots | None:
        with self._lock:
            return self._known.get(site)

    def _found_out(self, site: str) -> robots.Robots:
        """Ask the site; who needs to know the same meanwhile waits for that answer, and nobody else does."""
        with self._lock:
            asking = self._asking.setdefault(site, threading.Lock())
        with asking:
            known = self._kept(site)
            if known is not None:
                return known
            came = robots.fetch(self._client, f"{site}/")
            with self._lock:
                rules = self._known.setdefault(site, came)
            self._keep_pace(site, rules)
            return rules

    def _keep_pace(self, site: str, rules: robots.Robots) -> None:
        if rules.crawl_delay:
            self._client.slow_down(host_and_port(site), rules.crawl_delay)


class HostPull:
    """The pages of one site in a sync. ``tasks`` are run one after the other; what each yields is taken before the next one begins."""

    def __init__(
        self,
        site: str,
        watched: Sequence[Page],
        *,
        around: Surroundings,
        history: History,
        client: Client,
        report: SyncReport,
        listings: Listings,
        profiles: Profiles,
        rules: SiteRules,
    ) -> None:
        self._rules = rules
        self._site = site
        self._pages = {(page.trial, page.url): page for page in watched}
        self._around = around
        self._history = history
        self._client = client
        self._listings = listings
        self._profiles = profiles
        self._readers = {page.url: _reader(profiles.of(page.url)) for page in watched}
        self._reports = {page.url: SourceReport(page.url) for page in watched}
        report.sources += self._reports.values()
        self._robots: robots.Robots | None = None

    def tasks(self) -> Iterator[Task]:
        """What is to be asked of this site."""
        self._robots = self._kept_robots()
        if self._robots is None:
            yield self._ask_robots()
        wanted = [page for page in self._pages.values() if self._may_be_asked(page)]
        if wanted:
            yield self._ask_pages([(page, subject(self._history, page.trial)) for page in wanted])

    def take(self, seen: Any) -> None:
        """Take in what a task yielded."""
        if isinstance(seen, Rules):
            self._note_robots(seen.robots)
            return
        page, source = self._pages[seen.trial, seen.source], self._reports[seen.source]
        self._listings.take(page, seen, source, reader=self._readers[page.url])
        self._around.progress.step(seen.trial)

    def _kept_robots(self) -> robots.Robots | None:
        """What the site asked for, where that was not long ago."""
        kept = pages.robots(self._history, self._site)
        if kept is None or from_stamp(kept[1]) + _RULES_HOLD <= self._around.now():
            return None
        rules = _decoded(kept[0])
        if rules is not None:
            self._rules.keep(self._site, rules)
        return rules

    def _ask_robots(self) -> Task:
        meter = self._client.meter()
        first = next(iter(self._reports.values()))
        try:
            yield Rules(robots.fetch(meter, f"{self._site}/"))
        finally:
            first.requests += meter.requests
            first.bytes += meter.bytes

    def _note_robots(self, came: robots.Robots) -> None:
        """Rules that cannot be had now are those that were had before; where there were none, nothing is asked."""
        if came.status == "unreachable":
            kept = pages.robots(self._history, self._site)
            came = (_decoded(kept[0]) if kept else None) or came
        else:
            pages.keep_robots(self._history, self._site, msgspec.json.encode(came).decode(), self._around.stamp())
        self._robots = came
        self._rules.keep(self._site, came)

    def _may_be_asked(self, page: Page) -> bool:
        """Is this page to be asked for? What the site does not want is said once; without an answer about that nothing is asked."""
        reason = self._robots.refusal(page.url) if self._robots is not None else None
        if reason is None or self._robots is None:
            return True
        unknown = self._robots.status == "unreachable"
        self.take(Failed(page.trial, page.url, reason) if unknown else Forbidden(page.trial, page.url, reason))
        return False

    def _ask_pages(self, wanted: Sequence[tuple[Page, Subject]]) -> Task:
        """One page after the other; when nobody answers for several in a row, the others are left for the next sync."""
        down = 0
        for page, proof in wanted:
            if down >= _MOST_IN_VAIN:
                yield Failed(page.trial, page.url, f"{self._site} did not answer {down} times in a row: not asked for this page", down=True)
                continue
            meter, source = self._client.meter(), self._reports[page.url]
            profile = self._profiles.of(page.url)
            validators = page.validators if page.reader == self._readers[page.url] and page.listing is not None else None
            seen: Observation
            try:
                seen = finder.fetch_page(meter, proof, page.url, profile=profile, validators=validators, manners=self._rules)
            except Stopped:
                return
            except Exception as error:
                # a fault of ours with one page must not keep the others from being looked at
                log.exception("%s could not be read", page.url)
                seen = Failed(page.trial, page.url, f"could not be read ({type(error).__name__}); please report it")
            finally:
                source.requests += meter.requests
                source.bytes += meter.bytes
            down = down + 1 if isinstance(seen, Failed) and seen.down else 0
            yield seen


def subject(history: History, trial: str) -> Subject:
    """By what a page can prove that it is this trial's: what the registry's newest record says."""
    held = versions.latest(history, trial, CTGOV)
    if held is None:
        return Subject(trial)
    record = held.record
    return Subject(
        trial=trial,
        aliases=tuple(each for each in aliases.family(history, trial) if each != trial),
        ids=tuple(dict.fromkeys((*own_ids(versions.payload(history, held.id)), *(record.secondary_ids or ())))),
        titles=tuple(filter(None, (record.brief_title, record.official_title))),
    )


def by_site(watched: Sequence[Page]) -> dict[str, list[Page]]:
    """The pages by their site: scheme, host and port."""
    sites: dict[str, list[Page]] = {}
    for page in watched:
        sites.setdefault(site_of(page.url), []).append(page)
    return sites


def _decoded(kept: str) -> robots.Robots | None:
    try:
        return msgspec.json.decode(kept, type=robots.Robots)
    except msgspec.DecodeError:
        return None


def _reader(profile: Profile) -> str:
    """What reads a page: an unchanged page is read anew once the program or the site's profile has changed."""
    return f"{__version__} {hashlib.sha256(msgspec.json.encode(profile, order='sorted')).hexdigest()[:16]}"
