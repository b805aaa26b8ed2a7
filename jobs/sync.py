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

from db import absences, incidents, runs, watches
from db import history as versions
from db.connection import History
from jobs import tell
from jobs.deliver import DeliverReport, deliver
from jobs.lock import only_one
from jobs.surroundings import Surroundings, log
from registry_sync.errors import AlreadyRunning, BadContent, Damaged, DatabaseError, Stopped, UsageError
from registry_sync.sources import ctgov, finder
from registry_sync.sources.http import Client, Meter
from registry_sync.sources.interface import CTGOV, Failed, Found, Gone, Moved, Observation, Unreadable
from registry_sync.trials import presence
from registry_sync.trials.decide import Baseline, Changed, Decision, Incomplete, Unchanged, decide
from registry_sync.trials.presence import Absence

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
    missing: dict[str, Absence] = field(default_factory=dict)
    """Trials that the registry did not show when last asked, as they stood when this sync began."""

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


_Seen = Observation | ctgov.Sent
"""What is handed over: the registry's studies as they came, since most say what they said before and need no reading."""
_Task = Iterator[_Seen]
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


def _metered(source: SourceReport, meter: Meter, fetch: Any) -> _Task:
    try:
        yield from fetch(meter)
    finally:
        source.requests += meter.requests
        source.bytes += meter.bytes


def _pages(client: Client, pages: list[tuple[str, str]], reports: dict[str, SourceReport]) -> _Task:
    for trial, url in pages:
        yield from _metered(reports[url], client.meter(), lambda meter, trial=trial, url=url: [finder.fetch_page(meter, trial, url)])


def _pull(around: Surroundings, history: History, wanted: Wanted, report: SyncReport) -> None:
    settings = around.settings.http
    client = Client(
        contact=settings.contact, timeout=settings.timeout, attempts=settings.attempts, requests_per_minute=settings.requests_per_minute
    )
    report.missing = absences.every(history)
    tasks = _tasks(around, client, wanted, report)
    by_source = {source.source: source for source in report.sources}
    seen: queue.Queue[_Seen | BaseException | None] = queue.Queue(maxsize=1000)
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


def _fetch(task: _Task, seen: queue.Queue[_Seen | BaseException | None]) -> None:
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
    seen: queue.Queue[_Seen | BaseException | None],
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


def _store(around: Surroundings, history: History, seen: _Seen, source: SourceReport, report: SyncReport) -> None:
    missing = report.missing.get(seen.trial) if seen.source == CTGOV else None
    if not isinstance(seen, Found | ctgov.Sent):
        _note_failure(seen, source)
        if isinstance(seen, Gone | Moved) and seen.source == CTGOV:
            _count(report, tell.no_record(around, history, seen, missing))
        return
    try:
        held = _held_payload(history, seen) if isinstance(seen, ctgov.Sent) else None
        decision = _by_payloads(held, seen.payload) if held is not None else None
        if isinstance(decision, Unchanged):
            if missing is not None:
                _count(report, tell.back(around, history, seen.trial, missing))
            return
        observation = ctgov.read(seen) if isinstance(seen, ctgov.Sent) else seen
        if isinstance(observation, Failed):
            _note_failure(observation, source)
            return
        if decision is None:
            known = versions.latest(history, seen.trial, seen.source)
            decision = decide(known.record if known else None, observation.record, complete=observation.source == CTGOV)
    except Damaged as error:
        source.failed.append({"trial": seen.trial, "error": str(error)})
        return
    except DatabaseError:
        raise
    except Exception as error:
        # a fault of ours with one record must not keep the others from being looked at
        log.exception("%s at %s could not be compared", seen.trial, seen.source)
        source.failed.append({"trial": seen.trial, "error": f"could not be compared ({type(error).__name__}); please report it"})
        return
    if isinstance(decision, Incomplete):
        source.failed.append({"trial": observation.trial, "error": decision.reason})
        source.troubles += 1
        return
    if isinstance(decision, Unchanged):
        if missing is not None:
            _count(report, tell.back(around, history, seen.trial, missing))
        return
    changes = decision.changes if isinstance(decision, Changed) else ()
    with history.write() as connection:
        version = versions.add_version(
            history,
            trial=observation.trial,
            source=observation.source,
            record=observation.record if observation.source == CTGOV else decision.record,  # a page's: with what is carried over
            payload=observation.payload,
            registry_date=observation.registry_date,
            seen_at=around.stamp(),
            carried=decision.carried if isinstance(decision, Changed) else (),
        )
        if missing is not None:
            absences.forget(connection, observation.trial)
            again = presence.told(missing, "present", observation.record)
            changes = (again, *changes) if again else changes
        queued = tell.keep(
            around,
            history,
            connection,
            changes,
            trial=observation.trial,
            source=observation.source,
            version=version,
            registry_date=observation.registry_date,
        )
    if isinstance(decision, Baseline):
        source.baselines += 1
        return
    source.changed += 1
    if observation.source == CTGOV:
        _count(report, (sum(change.significance != "housekeeping" for change in changes), queued))


def _count(report: SyncReport, kept: tuple[int, int]) -> None:
    report.changes += kept[0]
    report.notices += kept[1]


def _held_payload(history: History, seen: ctgov.Sent) -> bytes | None:
    """What came for the version held; ``None`` when there is none that comes back: the kept record may do so all the same."""
    try:
        return versions.latest_payload(history, seen.trial, seen.source)
    except Damaged:
        return None


def _by_payloads(held: bytes, sent: bytes) -> Decision | None:
    """What a study that came amounts to beside the one that came for the last version; ``None`` when one of them cannot be read.

    Both are read by this program. The kept record may be an older program's reading: beside it, every text that is read better now
    would be told as a change. (A page's last version is its kept record all the same: what the page had gone silent about is
    carried over in it and stands in no payload.)
    """
    try:
        pair = ctgov.differing(held, sent)
    except BadContent:
        return None
    return decide(*pair, complete=True) if pair else Unchanged()


def _note_failure(observation: Gone | Moved | Unreadable | Failed, source: SourceReport) -> None:
    source.failed.append({"trial": observation.trial, "error": _reason(observation)})
    source.troubles += isinstance(observation, Failed | Unreadable)


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
