"""One pull of everything watched: fetch (in parallel), decide and route (pure), store (one transaction for each trial).

Fetching knows no database. Nothing is told that is not stored: a version, its changes and the notices about them are written
together, so that a crash at any instant loses no notice, and a repeat finds nothing to tell twice.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from db import history as versions
from db import incidents, outbox, runs, subscriptions, watches
from db.connection import Connection, History
from jobs.deliver import DeliverReport, deliver
from jobs.lock import only_one
from jobs.surroundings import Surroundings, as_stamp, log
from jobs.triggers import period_end
from registry_sync.errors import AlreadyRunning, Stopped, UsageError
from registry_sync.notices.interface import Every
from registry_sync.notices.route import route
from registry_sync.sources import ctgov, finder
from registry_sync.sources.http import Client, Meter
from registry_sync.sources.interface import CTGOV, Failed, Found, Gone, Moved, Observation, Unreadable
from registry_sync.trials.decide import Baseline, Changed, Incomplete, Unchanged, decide

JOB = "sync"
_LOOK_FOR_STOP = 0.2
_NAMED = 5


@dataclass
class SourceReport:
    """What one source was asked and said. ``changed``: trials with a new version, the first ones left out.

    ``troubles``: what failed through the source's fault; an id that it does not know is none.
    """

    source: str
    requests: int = 0
    bytes: int = 0
    checked: int = 0
    changed: int = 0
    baselines: int = 0
    troubles: int = 0
    failed: list[dict[str, str]] = field(default_factory=list)


@dataclass
class SyncReport:
    """What a sync did; ``changes`` are the trials' own, without housekeeping, as ``changes`` lists them."""

    started: str
    finished: str = ""
    sources: list[SourceReport] = field(default_factory=list)
    changes: int = 0
    notices: int = 0
    delivery: DeliverReport = field(default_factory=DeliverReport)
    stopped: bool = False

    @property
    def is_partial(self) -> bool:
        """Did a source, a page or a delivery fail?"""
        return any(source.failed for source in self.sources) or self.delivery.is_partial

    def failures(self) -> list[str]:
        """One line for each thing that went wrong, however many trials it befell."""
        lines = []
        for source in self.sources:
            by_error: dict[str, list[str]] = {}
            for failure in source.failed:
                by_error.setdefault(failure["error"], []).append(failure["trial"])
            where = "" if source.source == CTGOV else f" at {source.source}"
            lines += [f"{_few(trials)}{where}: {error}" for error, trials in by_error.items()]
        return lines

    def as_json(self) -> dict[str, Any]:
        """The object of ``sync --json``."""
        return {
            "started": self.started,
            "finished": self.finished,
            "sources": [
                {
                    "source": source.source,
                    "requests": source.requests,
                    "bytes": source.bytes,
                    "checked": source.checked,
                    "changed": source.changed,
                    "failed": source.failed,
                }
                for source in self.sources
            ],
            "changes": self.changes,
            "notices": self.notices,
            "delivered": self.delivery.sent,
        }


def _few(trials: list[str]) -> str:
    """ "NCT1", "NCT1, NCT2 and NCT3", "NCT1, NCT2 and 198 more trials"."""
    if len(trials) <= _NAMED:
        return " and ".join(filter(None, (", ".join(trials[:-1]), trials[-1])))
    return f"{', '.join(trials[: _NAMED - 1])} and {len(trials) - _NAMED + 1} more trials"


@dataclass(frozen=True)
class Wanted:
    """What is to be asked: trials at the registry, and pages (trial and URL)."""

    trials: tuple[str, ...]
    pages: tuple[tuple[str, str], ...]


def sync(
    around: Surroundings,
    *,
    trials: Sequence[str] = (),
    registry: bool = True,
    pages: bool = True,
    then_deliver: bool = True,
    job: str = JOB,
    patience: float = 0.0,
) -> SyncReport:
    """Pull what is watched (or only ``trials``), record what changed, queue the notices, and deliver them.

    ``patience``: seconds to wait for another sync to end; ``job``: the name of this run in the table of runs.
    Raises UsageError for a trial that is not watched, AlreadyRunning when another sync runs, DatabaseError. What a source or
    page does wrong is in the report, never an exception.
    """
    with only_one(around.database, JOB, patience=patience, wait=around.pause), around.open() as history:
        wanted = _wanted(history, trials, registry=registry, pages=pages)
        report = SyncReport(started=around.stamp())
        run = runs.begin(history, job, report.started)
        outcome = "failed"
        try:
            _pull(around, history, wanted, report)
            outcome = "stopped" if report.stopped else "partial" if report.is_partial else "done"
        except KeyboardInterrupt:
            outcome = "stopped"
            raise
        finally:
            report.finished = around.stamp()
            runs.end(history, run, report.finished, outcome, report.as_json())
    if then_deliver and not around.stop.is_set():
        report.delivery = _deliver(around)
        report.finished = around.stamp()
    return report


def _deliver(around: Surroundings) -> DeliverReport:
    """What was stored is stored: a delivery that is held up is named in the report, and the next one carries on."""
    try:
        return deliver(around)
    except AlreadyRunning as error:
        return DeliverReport(problems=[str(error)])


def _wanted(history: History, trials: Sequence[str], *, registry: bool, pages: bool) -> Wanted:
    watched = watches.trials(history)
    not_watched = [trial for trial in trials if trial not in set(watched)]
    if not_watched:
        raise UsageError(
            f"{', '.join(not_watched)} is not watched; run `registry-sync watch add {' '.join(not_watched)}` first", about=not_watched[0]
        )
    chosen = tuple(dict.fromkeys(trials)) or tuple(watched)
    their_pages = tuple(page for page in watches.pages(history) if page[0] in set(chosen))
    return Wanted(chosen if registry else (), their_pages if pages else ())


# --- fetch -------------------------------------------------------------------------------------------------------------


_Task = Iterator[Observation]
"""What one thread asks, one after the other: the registry, or the pages of one host."""


def _tasks(around: Surroundings, client: Client, wanted: Wanted, report: SyncReport) -> list[_Task]:
    tasks: list[_Task] = []
    if wanted.trials:
        source = SourceReport(CTGOV)
        report.sources.append(source)
        tasks.append(_metered(source, client.meter(), lambda meter: ctgov.fetch(meter, around.settings.ctgov.url, wanted.trials)))
    by_host: dict[str, list[tuple[str, str]]] = {}
    for trial, url in wanted.pages:
        by_host.setdefault(urlsplit(url).netloc.lower(), []).append((trial, url))
    for host_pages in by_host.values():
        reports = {url: SourceReport(url) for _, url in host_pages}
        report.sources += reports.values()
        tasks.append(_pages(client, host_pages, reports))
    return tasks


def _metered(source: SourceReport, meter: Meter, fetch: Any) -> Iterator[Observation]:
    try:
        yield from fetch(meter)
    finally:
        source.requests += meter.requests
        source.bytes += meter.bytes


def _pages(client: Client, pages: list[tuple[str, str]], reports: dict[str, SourceReport]) -> Iterator[Observation]:
    for trial, url in pages:
        yield from _metered(reports[url], client.meter(), lambda meter, trial=trial, url=url: [finder.fetch_page(meter, trial, url)])


def _pull(around: Surroundings, history: History, wanted: Wanted, report: SyncReport) -> None:
    settings = around.settings.http
    client = Client(
        contact=settings.contact, timeout=settings.timeout, attempts=settings.attempts, requests_per_minute=settings.requests_per_minute
    )
    tasks = _tasks(around, client, wanted, report)
    by_source = {source.source: source for source in report.sources}
    seen: queue.Queue[Observation | BaseException | None] = queue.Queue(maxsize=1000)
    threads = [threading.Thread(target=_fetch, args=(task, seen), name=f"fetch-{number}", daemon=True) for number, task in enumerate(tasks)]
    around.progress.begin("Asking", len(wanted.trials) + len(wanted.pages))
    try:
        for thread in threads:
            thread.start()
        _store_all(around, history, seen, len(threads), by_source, report)
    finally:
        client.close()
        around.progress.end()
    if not report.stopped:
        _note_health(around, history, report)


def _fetch(task: _Task, seen: queue.Queue[Observation | BaseException | None]) -> None:
    """Run in a thread: hand over what a source says; ``None`` says that it has said all."""
    try:
        for observation in task:
            seen.put(observation)
    except Stopped:
        pass
    except BaseException as error:
        seen.put(error)
    finally:
        seen.put(None)


def _store_all(
    around: Surroundings,
    history: History,
    seen: queue.Queue[Observation | BaseException | None],
    running: int,
    by_source: dict[str, SourceReport],
    report: SyncReport,
) -> None:
    while running:
        if around.stop.is_set():
            report.stopped = True
            return
        try:
            item = seen.get(timeout=_LOOK_FOR_STOP)
        except queue.Empty:
            continue
        if item is None:
            running -= 1
        elif isinstance(item, BaseException):
            raise item
        else:
            source = by_source[item.source]
            source.checked += 1
            _store(around, history, item, source, report)
            around.progress.step(item.trial)


# --- decide, route, store ----------------------------------------------------------------------------------------------


def _store(around: Surroundings, history: History, observation: Observation, source: SourceReport, report: SyncReport) -> None:
    if not isinstance(observation, Found):
        source.failed.append({"trial": observation.trial, "error": _reason(observation)})
        source.troubles += isinstance(observation, Failed | Unreadable)
        return
    known = versions.latest(history, observation.trial, observation.source)
    try:
        decision = decide(known.record if known else None, observation.record, complete=observation.source == CTGOV)
    except Exception as error:
        # a fault of ours with one record must not keep the others from being looked at
        log.exception("%s at %s could not be compared", observation.trial, observation.source)
        source.failed.append({"trial": observation.trial, "error": f"could not be compared ({type(error).__name__}); please report it"})
        return
    if isinstance(decision, Incomplete):
        source.failed.append({"trial": observation.trial, "error": decision.reason})
        source.troubles += 1
        return
    if isinstance(decision, Unchanged):
        return
    now = around.now()
    with history.write() as connection:
        version = versions.add_version(
            connection,
            trial=observation.trial,
            source=observation.source,
            record=decision.record,
            payload=observation.payload,
            registry_date=observation.registry_date,
            seen_at=as_stamp(now),
            carried=decision.carried if isinstance(decision, Changed) else (),
        )
        queued = _store_changes(around, history, connection, version, observation, decision) if isinstance(decision, Changed) else 0
    if isinstance(decision, Baseline):
        source.baselines += 1
        return
    source.changed += 1
    if observation.source == CTGOV:
        report.changes += sum(change.significance != "housekeeping" for change in decision.changes)
        report.notices += queued


def _store_changes(
    around: Surroundings, history: History, connection: Connection, version: int, observation: Found, decision: Changed
) -> int:
    now = around.now()
    ids = versions.add_changes(
        connection,
        version,
        decision.changes,
        trial=observation.trial,
        source=observation.source,
        registry_date=observation.registry_date,
        seen_at=as_stamp(now),
    )
    if observation.source != CTGOV:
        return 0  # what a listing says of itself is no news of the trial
    schedule = around.settings.schedule

    def ends(every: Every, timezone: str) -> Any:
        return period_end(every, timezone, now, digest=schedule.digest, week_ends=schedule.week_ends)

    following = subscriptions.following(history, observation.trial)
    planned = route(observation.trial, str(version), decision.changes, following, now=now, period_end=ends)
    for notice in planned:
        outbox.queue(connection, notice, ids, as_stamp(now), as_stamp(notice.due))
    return len(planned)


def _reason(observation: Gone | Moved | Unreadable | Failed) -> str:
    match observation:
        case Gone():
            return "ClinicalTrials.gov does not know this id; check it, or stop watching it (registry-sync watch remove)"
        case Moved():
            return f"ClinicalTrials.gov has merged this id into {observation.to}; watch that one"
        case Unreadable():
            return f"unreadable, so the last good version stays: {observation.reason}"
        case Failed():
            return observation.error


def _note_health(around: Surroundings, history: History, report: SyncReport) -> None:
    """One incident for each source that is in trouble as a whole; an id that the registry does not know is none."""
    now = around.stamp()
    with history.write() as connection:
        for source in report.sources:
            if source.troubles and source.troubles == source.checked:
                if incidents.trouble(connection, source.source, source.failed[0]["error"], now):
                    log.info("%s is in trouble: %s", source.source, source.failed[0]["error"])
                continue
            if incidents.well(connection, source.source, now):
                log.info("%s is well again", source.source)
            if not source.failed:
                versions.looked_at(connection, source.source, now)
