"""One pull of everything watched: fetch (in parallel), decide and route (pure), store (one transaction for each trial).

Fetching knows no database: each source is asked in a thread of its own, and what comes is handed over to the thread that holds the
history (``jobs.lanes``). ``jobs.pull`` says what is asked of the registry, ``jobs.store`` what becomes of what came.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from db import absences, aliases, duties, incidents, looks, outbox, runs, watches
from db.connection import History
from jobs import health
from jobs.lanes import Intake, Lane
from jobs.lock import only_one
from jobs.pull import Desk, RegistryPull
from jobs.reports import DeliverReport, SourceReport, SyncReport
from jobs.surroundings import Surroundings, log
from registry_sync.errors import AlreadyRunning, DatabaseError, UsageError
from registry_sync.hosts import site_of
from registry_sync.sources.http import Client
from registry_sync.sources.interface import CTGOV

if TYPE_CHECKING:
    from db.pages import Page

__all__ = ["JOB", "SourceReport", "SyncReport", "sync"]

JOB = "sync"


class Wanted(msgspec.Struct, frozen=True):
    """What is to be asked: trials at the registry (``only``: these, else everything watched), and pages (of trials, or all)."""

    only: tuple[str, ...]
    pages: tuple[Page, ...]
    registry: bool
    full: bool


def sync(
    around: Surroundings,
    *,
    trials: Sequence[str] = (),
    full: bool = False,
    registry: bool = True,
    pages: bool = True,
    then_deliver: bool = True,
    job: str = JOB,
    patience: float = 0.0,
) -> SyncReport:
    """Pull what is watched (or only ``trials``), record what changed, queue the notices, and deliver them.

    ``full``: ask for every record whole, whatever the short cuts; ``patience``: seconds to wait for another sync to end; ``job``: the
    name of this run in the table of runs.
    Raises UsageError for a trial that is not watched, AlreadyRunning when another sync runs, DatabaseError. What a source or
    page does wrong is in the report, never an exception.
    """
    with only_one(around.database, JOB, patience=patience, wait=around.pause), around.open() as history:
        wanted = _wanted(history, trials, registry=registry, pages=pages, full=full)
        report = SyncReport(started=around.stamp())
        run = runs.begin(history, job, report.started)
        outcome = "failed"
        try:
            _pull(around, history, wanted, report)
            _deadlines(around, history, report, everything=not wanted.only)
            outcome = "stopped" if report.stopped else "partial" if report.is_partial else "done"
        except KeyboardInterrupt:
            outcome = "stopped"
            raise
        finally:
            report.finished = around.stamp()
            runs.end(history, run, report.finished, outcome, report.as_kept())
        unsent = outbox.counts(history, around.stamp())
        something_due = bool(unsent["due"]) or health.is_due(around, history)
    if then_deliver and not around.stop.is_set():
        report.delivery = _deliver(around) if something_due else DeliverReport(waiting=unsent["waiting"])
        report.finished = around.stamp()
    return report


def _deadlines(around: Surroundings, history: History, report: SyncReport, *, everything: bool) -> None:
    """What is owed by now, where a coordinator may hear of it; whatever goes wrong with that is named, and the delivery goes on."""
    if report.stopped or not duties.hears(history):
        return
    from jobs.duties import Looked, look  # loads the rules: only when somebody hears of what follows from them

    in_trouble = any(source.trouble or source.failed for source in report.sources if source.source == CTGOV)
    looked = Looked()
    try:
        look(around, history, report.started, looked, asked=everything and not in_trouble)
    except DatabaseError as error:
        report.problems.append(f"deadlines could not be looked at: {error}")
    except Exception as error:
        from db import damage  # loads what `check` looks for: only when something is wrong

        damaged = damage.of(history)
        if damaged is None:
            log.exception("deadlines could not be looked at")
        report.problems.append(
            f"deadlines could not be looked at{f': {damaged}' if damaged else f' ({type(error).__name__}); please report it'}"
        )
    report.count((looked.changes, looked.notices))
    report.fail(looked.failed)


def _deliver(around: Surroundings) -> DeliverReport:
    """What was stored is stored: a delivery that is held up is named in the report, and the next one carries on."""
    from jobs.deliver import deliver  # loads mail, templates and catalogues: only when something is due

    try:
        return deliver(around)
    except AlreadyRunning as error:
        return DeliverReport(problems=[str(error)])


def _wanted(history: History, trials: Sequence[str], *, registry: bool, pages: bool, full: bool) -> Wanted:
    only = tuple(aliases.current_ids(history, trials))
    not_watched = looks.not_watched(history, only)
    if not_watched:
        raise UsageError(
            f"{', '.join(not_watched)} is not watched; run `registry-sync watch add {' '.join(not_watched)}` first", about=not_watched[0]
        )
    their_pages = _pages(history, only) if pages else ()
    if not registry:  # a page is laid beside what the registry says now, so that is asked first
        only = tuple(dict.fromkeys(page.trial for page in their_pages))
        return Wanted(only, their_pages, bool(only), full)
    return Wanted(only, their_pages, looks.anything_watched(history), full)


def _pages(history: History, trials: Sequence[str]) -> tuple[Page, ...]:
    if not watches.pages(history):
        return ()
    from db.pages import every  # loads what judges a page: only when there is one

    return tuple(every(history, trials))


# --- fetch -------------------------------------------------------------------------------------------------------------


def _registry_lanes(around: Surroundings, history: History, client: Client, wanted: Wanted, report: SyncReport, desk: Desk) -> list[Lane]:
    if not wanted.registry:
        return []
    pull = RegistryPull(around, history, client, report, desk, only=wanted.only, full=wanted.full)
    return [Lane(pull.tasks(), pull.take)]


def _page_lanes(around: Surroundings, history: History, client: Client, wanted: Wanted, report: SyncReport, desk: Desk) -> list[Lane]:
    """One lane for each site, so that one is asked for one page at a time, and they side by side."""
    if not wanted.pages:
        return []
    from jobs import pages  # loads the parsers of HTML and of robots.txt: only when there is a page
    from jobs.listings import Listings
    from registry_sync.sources import finder
    from registry_sync.sources.profiles import load_profiles

    listings = Listings(around, history, report, desk.store)
    profiles = load_profiles(around.profiles)
    finder.prepare()
    rules = pages.SiteRules(client)
    lanes = []
    for site, watched in pages.by_site(wanted.pages).items():
        pull = pages.HostPull(
            site,
            watched,
            around=around,
            history=history,
            client=client,
            report=report,
            listings=listings,
            profiles=profiles,
            rules=rules,
        )
        lanes.append(Lane(pull.tasks(), pull.take))
    return lanes


def _pull(around: Surroundings, history: History, wanted: Wanted, report: SyncReport) -> None:
    settings = around.settings.http
    client = Client(
        contact=settings.contact, timeout=settings.timeout, attempts=settings.attempts, requests_per_minute=settings.requests_per_minute
    )
    report.missing = absences.every(history)
    desk = Desk(around, history, report)
    watched = looks.count_watched(history, looks.Wanted(None, report.started, wanted.only or None))
    around.progress.begin("Asking", watched + len(wanted.pages))
    intake = Intake(around, desk)
    try:
        for lanes in (_registry_lanes, _page_lanes):  # what a page is laid beside comes first
            if not report.stopped:
                report.stopped = not intake.run(lanes(around, history, client, wanted, report, desk))
    finally:
        intake.abandon()
        client.close()
        intake.let_end()
        around.progress.end()
    if not report.stopped:
        _note_health(around, history, report, everything=not wanted.only)


def _note_health(around: Surroundings, history: History, report: SyncReport, *, everything: bool) -> None:
    """One incident for each source that is in trouble; an id that the registry does not know is none."""
    pages = [source for source in report.sources if source.source != CTGOV]
    if incidents.open_ones(history):
        with history.write() as connection:
            incidents.let_go(connection, sorted({site_of(url) for _, url in watches.pages(history)}), around.stamp())
    for source in report.sources:
        if source.source == CTGOV:
            health.note_registry(around, history, source, everything=everything)
        if source.trouble is None and not source.failed and (everything or source.source != CTGOV):
            with history.write() as connection:
                looks.all_of(connection, source.source, around.stamp())
    by_site: dict[str, list[SourceReport]] = {}
    for page in pages:
        by_site.setdefault(site_of(page.source), []).append(page)
    for site, theirs in by_site.items():
        health.note_site(around, history, site, theirs)
