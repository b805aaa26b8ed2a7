"""What is asked of the registry, in which order, so that thousands of trials cost a few requests.

1. The time of its data: when that has not moved, everything that was settled then still is.
2. Each search that is watched: what it finds is watched, and shows a glance at each.
3. A glance (status and dates) at each trial that is not settled yet, in requests of about 500 ids.
4. The whole record of each trial that a glance shows changed, of which nothing is held, or whose turn it is: a glance does not show what
   the registry corrects in silence, so within a week every record is asked for whole.

Each step is chosen by what the database says when it begins, so that a sync that was cut off is carried on by the next one. Memory holds
the ids of a few thousand trials, and the studies under way.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from db import looks
from db.connection import History
from jobs.reports import SourceReport, SyncReport
from jobs.surroundings import Surroundings
from registry_sync.errors import BadStatus, FetchError, Refused, TooSlow
from registry_sync.plural import count
from registry_sync.sources import ctgov
from registry_sync.sources.http import Client, Meter
from registry_sync.sources.interface import CTGOV, Glanced, Gone

if TYPE_CHECKING:
    from db import searches
    from jobs.store import Store
    from registry_sync.sources.ctgov_search import Search

Task = Iterator[Any]
"""What one thread asks, one thing after the other; everything that it yields is handed to ``take`` in the thread of the history."""

_AT_ONCE = 10_000
_WHOLE_SEARCH = 0.9
"""A search that ends with a smaller part of what the registry had counted was cut short; the data may be refreshed in between."""
_LATE_AT_MOST = datetime.timedelta(days=3)
"""A machine of the registry may be behind by so much; a release that is older by more is believed: the clock was wrong before."""


def _is_a_little_older(stamp: str, newest: str) -> bool:
    try:
        behind = datetime.datetime.fromisoformat(newest) - datetime.datetime.fromisoformat(stamp)
    except (ValueError, TypeError):
        return False
    return datetime.timedelta(0) < behind <= _LATE_AT_MOST


class Desk:
    """Where what the sources say is taken in; set up when the first thing comes, since what reads and compares takes a while to load."""

    def __init__(self, around: Surroundings, history: History, report: SyncReport) -> None:
        self._made = (around, history, report)
        self._store: Store | None = None

    @property
    def store(self) -> Store:
        """The one that takes in."""
        if self._store is None:
            from jobs.store import Store

            self._store = Store(*self._made)
        return self._store

    def load(self) -> None:
        """Set it up now: while something is asked for, there is time."""
        _ = self.store

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """One transaction for all that is taken in during the block; when it fails, nothing of that is kept, settled or counted."""
        _, history, report = self._made
        changes, notices, merged = report.changes, report.notices, len(report.merged)
        if self._store is not None:
            self._store.begin()
        try:
            with history.together():
                yield
                if self._store is not None:
                    self._store.settle()
        except BaseException:
            report.changes, report.notices = changes, notices
            del report.merged[merged:]
            if self._store is not None:
                self._store.undo()
            raise

    def end(self, source: SourceReport, watched: int, *, everything: bool) -> None:
        """Judge what the registry did not show of so many watched trials."""
        if self._store is not None:
            self._store.end(source, watched, everything=everything)


class _Release:
    """What the registry says of its data; ``error``: why it did not say."""

    def __init__(self, stamp: str | None, error: FetchError | None = None) -> None:
        self.stamp = stamp
        self.error = error


class RegistryPull:
    """The registry's part of a sync. ``tasks`` are run one after the other; what each yields is taken before the next one begins.

    ``only``: of what is watched only these trials, and no search; ``full``: every record whole, whatever the short cuts.
    """

    def __init__(
        self,
        around: Surroundings,
        history: History,
        client: Client,
        report: SyncReport,
        desk: Desk,
        *,
        only: Sequence[str],
        full: bool,
    ) -> None:
        self._around = around
        self._history = history
        self._client = client
        self._report = report
        self._source = SourceReport(CTGOV)
        self._desk = desk
        report.sources.append(self._source)
        self._only = tuple(only) or None
        self._full = full
        self._down: FetchError | None = None
        self._settled_in: str | None = None
        self._no_time = ""
        self._totals: dict[int, int] = {}
        self._came: dict[int, int] = {}
        self._renamed: list[tuple[int, str, str]] = []
        self._glances: dict[str, bytes] = {}
        self._same: list[str] = []
        self._doubted: list[str] = []

    def tasks(self) -> Iterator[Task]:
        """What is to be asked next, chosen by what came of the questions before."""
        yield self._metered(self._ask_release)
        if self._down is None and self._only is None and looks.anything_searched(self._history):
            from db import searches

            for stored in searches.pending(self._history, None if self._full else self._settled_in):
                yield self._search(stored)
        pending = looks.count(self._history, self._wanted)
        self._source.checked += looks.count_watched(self._history, self._wanted) - pending
        if self._down is not None:
            self._fail_all(self._down)
            return
        if not pending:
            if self._settled_in is not None and self._source.requests == 1:
                self._report.released = self._settled_in
            return
        all_whole = pending <= ctgov.WHOLE_AT_ONCE  # one request either way
        if not all_whole:
            yield from self._glance_tasks()
        for trials in self._chunks(
            lambda after: looks.to_ask(self._history, self._wanted, after=after, most=_AT_ONCE, all_pending=all_whole)
        ):
            yield self._metered(self._whole(trials))
        self._watch_what_is_not_merged()
        watched = looks.count_watched(self._history, looks.Wanted(None, self._around.stamp()))
        self._desk.end(self._source, watched, everything=self._only is None)
        if self._no_time and self._source.answered:
            self._around.say(self._no_time)

    def take(self, seen: Any) -> None:
        """Take in what a task yielded."""
        match seen:
            case _Release():
                self._note_release(seen)
            case _Soon():
                self._desk.load()
            case Glanced() | _Unseen():
                self._note_glance(seen)
            case _Page():
                self._note_page(seen)
            case _SearchFailed():
                self._source.fail(str(seen.search), seen.error, at_fault=True)
            case _:
                self._source.checked += 1
                self._desk.store.take(seen, self._source)
                self._around.progress.step(seen.trial)

    def _whole(self, trials: list[str]) -> Callable[[Meter], Task]:
        def ask(meter: Meter) -> Task:
            yield _Soon()
            yield from ctgov.fetch(meter, self._url, trials)

        return ask

    @property
    def _url(self) -> str:
        return self._around.settings.ctgov.url

    @property
    def _wanted(self) -> looks.Wanted:
        return looks.Wanted(self._settled_in, self._around.stamp(), self._only, self._full)

    def _metered(self, ask: Callable[[Meter], Task]) -> Task:
        meter = self._client.meter()
        try:
            yield from ask(meter)
        finally:
            self._source.requests += meter.requests
            self._source.bytes += meter.bytes

    def _chunks(self, following: Callable[[str], Any]) -> Iterator[Any]:
        """Some thousand trials at a time, in the order of their ids."""
        after = ""
        while chunk := following(after):
            yield chunk
            after = max(chunk)

    # --- 1. the release

    def _ask_release(self, meter: Meter) -> Iterator[_Release]:
        try:
            _, stamp = ctgov.release(meter, self._url)
            yield _Release(stamp)
        except FetchError as error:
            yield _Release(None, error)

    def _note_release(self, said: _Release) -> None:
        """Without an answer nothing counts as settled; when nobody answers at all, nothing more is asked.

        A site of several machines may serve older data for a while after a release: to take these in would tell changes backwards, so
        what was settled in the newer data stays settled.
        """
        self._report.release = self._settled_in = said.stamp
        newest = looks.newest_release(self._history)
        if said.stamp is not None and newest is not None and _is_a_little_older(said.stamp, newest):
            older = f"serves data of {said.stamp}, older than those of {newest} that it served before: they are not taken in"
            self._around.say(f"ClinicalTrials.gov {older}")
            self._settled_in, self._full = newest, False
        if isinstance(said.error, Refused | TooSlow):
            self._down = said.error
        elif said.stamp is None:
            why = said.error or "it names no time"
            self._no_time = f"ClinicalTrials.gov does not say of when its data are ({why}), so every record was asked for"

    def _fail_all(self, error: FetchError) -> None:
        everything = looks.Wanted(None, self._around.stamp(), self._only)
        for trials in self._chunks(lambda after: looks.to_ask(self._history, everything, after=after, most=_AT_ONCE)):
            self._source.checked += len(trials)
            for trial in trials:
                self._source.fail(trial, str(error), at_fault=True)

    # --- 2. searches

    def _search(self, stored: searches.Stored) -> Task:
        def ask(meter: Meter) -> Task:
            try:
                for page in ctgov.search(meter, self._url, stored.search.params()):
                    yield _Page(stored, page)
                yield _Page(stored, None)
            except FetchError as error:
                hint = "; check it, or remove it (registry-sync watch remove --query)" if _is_refusal(error) else ""
                yield _SearchFailed(stored.search, f"{error}{hint}")

        return self._metered(ask)

    def _note_page(self, page: _Page) -> None:
        from db import searches

        stored, now, release = page.stored, self._around.stamp(), self._report.release
        if page.page is None:
            total, came = self._totals.get(stored.id), self._came.get(stored.id, 0)
            if total is not None and came < _WHOLE_SEARCH * total:
                self._source.fail(str(stored.search), f"the registry counted {count(total, 'trial')} and sent {came}", at_fault=True)
                return
            with self._history.write() as connection:
                searches.finished(connection, stored.id, release, total, now)
            return
        total = page.page.total
        if total is not None and stored.id not in self._totals:
            self._totals[stored.id] = total
            if not stored.complete:
                from registry_sync.sources.ctgov_search import requests_to_record

                cost = f"{count(total, 'trial')}, which may take {count(requests_to_record(total), 'request')} to record"
                self._around.say(f"search {stored.search}: {cost if total else 'no trial yet'}")
        shown = page.page.glances
        self._source.answered = True
        self._came[stored.id] = self._came.get(stored.id, 0) + len(shown)
        known = looks.known_glances(self._history, shown)
        renamed = searches.renamed(self._history, page.page.aliases, now)
        self._renamed += [(stored.id, new_id, old) for new_id, old in renamed.items()]
        with self._history.write() as connection:
            new = set(searches.found(connection, stored.id, [renamed.get(trial, trial) for trial in shown], now))
            if release is not None:
                looks.glanced(connection, [trial for trial, seen in shown.items() if known.get(trial) == seen], release, now)
            changed = {trial for trial, seen in shown.items() if trial in known and known[trial] != seen}
            # one that was watched before is told as found with its record, one that has another id now as merged
            looks.doubt(connection, sorted({*changed, *new, *renamed.values()}))

    def _watch_what_is_not_merged(self) -> None:
        """A find that names an alias which has a record of its own all the same is another trial: the next sync records it."""
        if not self._renamed:
            return
        from db import searches

        records = looks.known_glances(self._history, [old for _, _, old in self._renamed])
        with self._history.write() as connection:
            for search_id, new, old in self._renamed:
                if old in records:
                    searches.found(connection, search_id, [new], self._around.stamp())

    # --- 3. glances

    def _glance_tasks(self) -> Iterator[Task]:
        for known in self._chunks(lambda after: looks.to_glance(self._history, self._wanted, after=after, most=_AT_ONCE)):
            self._glances = known
            yield self._metered(self._glance(list(known)))
            with self._history.write() as connection:
                looks.glanced(connection, self._same, self._report.release, self._around.stamp())
                looks.doubt(connection, self._doubted)
            self._source.checked += len(self._same)
            self._same, self._doubted, self._glances = [], [], {}

    def _glance(self, trials: list[str]) -> Callable[[Meter], Task]:
        def ask(meter: Meter) -> Task:
            for seen in ctgov.glance(meter, self._url, trials):
                yield _Unseen(seen.trial) if isinstance(seen, Gone) else seen

        return ask

    def _note_glance(self, seen: Glanced | _Unseen) -> None:
        if isinstance(seen, _Unseen):
            self._doubted.append(seen.trial)
            return
        self._source.answered = True
        for trial, shown in seen.shown.items():
            same = self._glances.get(trial) == shown
            (self._same if same else self._doubted).append(trial)
            if same:
                self._around.progress.step(trial)
        if self._doubted:
            self._desk.load()


class _Soon:
    """Whole records are asked for now."""


class _Unseen:
    """A trial that a glance did not show under its id; only its whole record can tell why."""

    def __init__(self, trial: str) -> None:
        self.trial = trial


class _Page:
    """A page of a search; ``None``: that was all."""

    def __init__(self, stored: searches.Stored, page: ctgov.SearchPage | None) -> None:
        self.stored = stored
        self.page = page


class _SearchFailed:
    def __init__(self, search: Search, error: str) -> None:
        self.search = search
        self.error = error


def _is_refusal(error: FetchError) -> bool:
    return isinstance(error, BadStatus) and 400 <= error.status < 429
