"""What came of asking for a page -> kept, laid beside the registry, and what is news of it queued, in one transaction for each page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from db import absences, lookback, pages
from db import history as versions
from db.connection import Connection, History
from db.history import Version
from db.pages import Page
from jobs import tell
from jobs.reports import SourceReport, SyncReport
from jobs.store import Store
from jobs.surroundings import Surroundings, log
from registry_sync.errors import Damaged, DatabaseError
from registry_sync.sources.interface import CTGOV, Failed, Forbidden, Found, Gone, NotModified, Observation, Unreadable
from registry_sync.trials import standing
from registry_sync.trials.audit import Past, audit
from registry_sync.trials.changes import Change
from registry_sync.trials.listing import Listing
from registry_sync.trials.standing import Standing


class Line(Sequence[Past]):
    """What the registry said of a trial, oldest first, under all of its ids; a version is read when it is looked at."""

    def __init__(self, history: History, trial: str) -> None:
        self._history = history
        self._ids = lookback.version_ids(history, trial, CTGOV)
        self._read: dict[int, Past | None] = {}

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, index: int) -> Past: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Past]: ...
    def __getitem__(self, index: int | slice) -> Past | Sequence[Past]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        return self._past(self._ids[index])

    def __iter__(self) -> Iterator[Past]:
        return (self._past(each) for each in self._ids)

    def _past(self, version_id: int) -> Past:
        past = self._read.get(version_id)
        if past is None:
            version = versions.by_id(self._history, version_id)
            past = self._read[version_id] = Past(version.registry_date, version.seen_at, version.record)
        return past


class Listings:
    """Takes in what the sites say of their pages, in the thread that holds the history open.

    ``stale``: trials whose record the registry did not give in this sync: a page may be ahead of what is held, so it is kept and not
    laid beside it. ``offline``: nothing could be reached at the registry; a site that cannot be reached either is not in trouble then.
    """

    def __init__(self, around: Surroundings, history: History, report: SyncReport, store: Store) -> None:
        self._around = around
        self._history = history
        self._report = report
        self._store = store
        registry = next((source for source in report.sources if source.source == CTGOV), None)
        self._stale = frozenset(absences.every(history)) | {failure["trial"] for failure in (registry.failed if registry else ())}
        self._offline = registry is not None and registry.trouble is not None and not registry.answered

    def take(self, page: Page, seen: Observation, source: SourceReport, *, reader: str) -> None:
        """Keep what one page brings, or name why it brings nothing; ``reader``: what read it."""
        source.checked += not isinstance(seen, Forbidden)
        try:
            self._take(page, seen, source, reader)
        except Damaged as error:
            source.fail(page.trial, str(error), at_fault=False)
        except DatabaseError:
            raise
        except Exception as error:
            # a fault of ours with one page must not keep the others from being looked at
            log.exception("%s could not be compared", page.url)
            source.fail(page.trial, f"could not be compared ({type(error).__name__}); please report it", at_fault=False)

    def _take(self, page: Page, seen: Observation, source: SourceReport, reader: str) -> None:
        if isinstance(seen, Found) and seen.listing is not None:
            reason = standing.lost_most(page.listing, seen.listing)
            seen = Unreadable(seen.trial, seen.source, reason) if reason else seen
        source.answered |= not isinstance(seen, Failed | Unreadable | Forbidden)
        match seen:
            case Found(listing=Listing() as listing):
                self._read(page, seen, listing, source, reader)
            case NotModified() if page.listing is not None:
                with self._history.write() as connection:
                    pages.was_not_modified(connection, page, self._around.stamp())
                    self._compare(connection, page, page.listing)
            case Forbidden():
                self._forbidden(page, seen, source)
            case _:
                self._failed(page, seen, source)

    def _read(self, page: Page, found: Found, listing: Listing, source: SourceReport, reader: str) -> None:
        with self._history.write() as connection:
            self._store.keep_page(found, source)
            pages.was_read(connection, page, listing, found.validators, reader, self._around.stamp())
            self._compare(connection, page, listing)

    def _compare(self, connection: Connection, page: Page, listing: Listing) -> None:
        now = self._around.stamp()
        held = versions.latest(self._history, page.trial, CTGOV)
        if held is None or page.trial in self._stale:
            pages.stands(connection, page, standing.well(page.standing), now)
            return
        stands, change = standing.compared(page.standing, audit(listing, Line(self._history, page.trial)), now)
        self._note(connection, page, stands, change, held)

    def _failed(self, page: Page, seen: Observation, source: SourceReport) -> None:
        reason, at_fault = _reason(seen)
        source.fail(page.trial, reason, at_fault=at_fault)
        if isinstance(seen, Failed) and self._offline:
            return
        stands, change = (standing.not_there if isinstance(seen, Gone) else standing.not_read)(page.standing, reason, self._around.stamp())
        with self._history.write() as connection:
            self._note(connection, page, stands, change, versions.latest(self._history, page.trial, CTGOV))

    def _forbidden(self, page: Page, seen: Forbidden, source: SourceReport) -> None:
        """Said once; after that the page is passed over in silence, and ``watch list``, ``audit`` and ``doctor`` show it."""
        if page.standing.forbidden:
            return
        source.fail(page.trial, f"{seen.reason}: it is passed over from now on, as long as the site says so", at_fault=False)
        with self._history.write() as connection:
            pages.stands(connection, page, standing.forbidden(page.standing, seen.reason), self._around.stamp())

    def _note(self, connection: Connection, page: Page, stands: Standing, change: Change | None, held: Version | None) -> None:
        """Write down how the page stands; what is news of a trial of which no record is held has nowhere to belong, and waits for one."""
        if held is None and change is not None:
            return
        pages.stands(connection, page, stands, self._around.stamp())
        if held is not None and change is not None:
            told = tell.listing(self._around, self._history, connection, change, page, held.id, sync=self._report.started)
            self._report.count(told)


def _reason(seen: Observation) -> tuple[str, bool]:
    match seen:
        case Gone():
            return standing.NOT_THERE, True
        case Unreadable():
            return f"{standing.NOT_MADE_OUT}: {seen.reason}", True
        case Failed():
            return seen.error, True
        case _:
            return "answered in a way that was not asked for", True
