"""The scheduler: runs the jobs by their cron lines, catches up once what was missed, one scheduler at a time.

APScheduler keeps the jobs in memory; what ran when is in our own table of runs, since a persistent job store loses missed runs.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from db import damage, runs
from jobs.backup import backup
from jobs.deliver import deliver
from jobs.lock import only_one
from jobs.reports import in_a_log
from jobs.surroundings import Surroundings, from_stamp, log, utc_now
from jobs.sync import SyncReport, sync
from jobs.triggers import StandardCron, was_missed
from registry_sync.errors import RegistrySyncError, Stopped
from registry_sync.plural import count

TO_FINISH = 6.0
"""Seconds after a signal in which work under way may come to its own end."""
TO_STOP = 2.5
"""Seconds in which it then breaks off between two transactions. Together less than 10, after which init systems kill."""
PATIENCE = 3600.0
"""Seconds that a scheduled sync waits for another one: at the start the registry and the pages are often due together."""


@dataclass(frozen=True)
class Job:
    """A name, a cron line, the work, and whether a missed run is caught up at the start."""

    name: str
    cron: str
    work: Callable[[Surroundings], str]
    catch_up: bool = True


def jobs(around: Surroundings) -> tuple[Job, ...]:
    """The jobs of the settings."""
    schedule = around.settings.schedule
    return (
        Job("sync", schedule.sync, _sync_registry),
        Job("pages", schedule.pages, _sync_pages),
        Job("deliver", schedule.deliver, _deliver, catch_up=False),
        Job("backup", schedule.backup, _backup),
    )


def _sync_registry(around: Surroundings) -> str:
    return _said(sync(around, pages=False, patience=PATIENCE))


def _sync_pages(around: Surroundings) -> str:
    return _said(sync(around, registry=False, job="pages", patience=PATIENCE))


def _deliver(around: Surroundings) -> str:
    report = deliver(around)
    for problem in report.problems:
        log.warning("deliver: %s", in_a_log(problem))
    return f"{report.sent} sent, {report.waiting} waiting" if report.sent or report.problems else ""


def _backup(around: Surroundings) -> str:
    return backup(around).said()


def _said(report: SyncReport) -> str:
    for line in report.failures():
        log.warning("%s", line)
    for problem in report.delivery.problems:
        log.warning("deliver: %s", in_a_log(problem))
    checked = sum(source.checked for source in report.sources)
    kept = f"{count(report.changes, 'change')}, {count(report.notices, 'notice')}"
    return f"{checked:,} looked at, {kept}, {report.delivery.sent:,} sent"


def run(around: Surroundings) -> None:
    """Run the schedule in the foreground until SIGTERM or SIGINT; what is under way is finished, or breaks off, within 10 seconds.

    Raises AlreadyRunning when another scheduler works on this database, DatabaseError when it cannot be used.
    """
    with around.open() as history:
        history.check_writable()  # a database that cannot be used is said at once, not in the middle of the night
    with only_one(around.database, "run"):
        # A handler may run between any two steps of this thread, in the middle of a line of the log too: it takes no lock. And a signal
        # that comes right before a wait does not end it: so it is the octet that a signal leaves behind which is waited for.
        asked, leaves = socket.socketpair()
        leaves.setblocking(False)
        heard: list[int] = []

        def asked_to_stop(number: int, _: FrameType | None) -> None:
            if heard:
                around.stop.set()  # asked twice: now
            heard.append(number)

        woken_before = signal.set_wakeup_fd(leaves.fileno(), warn_on_full_buffer=False)
        before = {number: signal.signal(number, asked_to_stop) for number in (signal.SIGTERM, signal.SIGINT)}
        working = _Working()
        scheduler = _scheduler(around, working)
        scheduler.start()
        log.info("running; database %s", around.database)
        try:
            while not heard:
                asked.recv(1)
            log.info("asked to stop (%s)", signal.Signals(heard[0]).name)
            scheduler.shutdown(wait=False)
            _end(around, working)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(woken_before)
            asked.close()
            leaves.close()


class _Working:
    """Which jobs are at work, so that the end can wait for them, and not for ever."""

    def __init__(self) -> None:
        self._idle = threading.Condition()
        self._names: list[str] = []

    def begin(self, name: str) -> None:
        with self._idle:
            self._names.append(name)

    def end(self, name: str) -> None:
        with self._idle:
            self._names.remove(name)
            self._idle.notify_all()

    def let_end(self, seconds: float) -> list[str]:
        """Wait for the end of all of them, or for so long; which are still at work."""
        with self._idle:
            self._idle.wait_for(lambda: not self._names, timeout=seconds)
            return list(self._names)


def _end(around: Surroundings, working: _Working) -> None:
    """Let what is under way finish; then ask it to break off; then leave it."""
    if working.let_end(TO_FINISH):
        around.stop.set()
        left = working.let_end(TO_STOP)
        if left:
            # every write is one transaction: what was not written is fetched, or sent, again by the next run
            log.warning("%s did not end in time and is left; the next run carries on", ", ".join(left))
            os._exit(0)
    around.stop.set()


def _scheduler(around: Surroundings, working: _Working) -> BackgroundScheduler:
    scheduler = BackgroundScheduler(
        executors={"default": ThreadPoolExecutor(8)},
        job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
        timezone=around.settings.schedule.timezone,
    )
    missed = _missed(around)
    for job in jobs(around):
        trigger = StandardCron(job.cron, around.settings.schedule.timezone)
        # what was missed is due now; as a job of its own it would have to be removed, which fails while the scheduler ends
        due = {"next_run_time": utc_now()} if job.name in missed else {}
        scheduler.add_job(_guarded, trigger, args=(job, around, working), id=job.name, name=job.name, **due)
    return scheduler


def _missed(around: Surroundings) -> set[str]:
    """The jobs that should have run since their last run; each is caught up once, however often it was missed."""
    missed = set()
    with around.open() as history:
        for job in jobs(around):
            last = runs.last(history, job.name, finished=True, now=around.stamp())
            began = from_stamp(last["started_at"]) if last else None
            if job.catch_up and was_missed(job.cron, around.settings.schedule.timezone, began, around.now()):
                missed.add(job.name)
    return missed


def _guarded(job: Job, around: Surroundings, working: _Working) -> None:
    """One run of a job in the scheduler's thread: what goes wrong is one line in the log, and the schedule goes on."""
    if around.stop.is_set():
        return
    working.begin(job.name)
    began = time.monotonic()
    try:
        said = job.work(around)
        if said:
            log.info("%s: %s (%.1f s)", job.name, said, time.monotonic() - began)
    except Stopped:
        log.info("%s: stopped", job.name)
    except RegistrySyncError as error:
        log.error("%s: %s", job.name, error)
    except Exception:
        damaged = damage.found(around.database)
        if damaged is None:
            log.exception("%s failed", job.name)
        else:
            log.error("%s: %s", job.name, damaged)
    finally:
        working.end(job.name)
