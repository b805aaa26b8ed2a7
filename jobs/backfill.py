"""The history before the installation: the registry's own earlier versions, put before those that were seen live.

Each version is kept as soon as it came, so that a call that was cut off is carried on by the next one. When all that can be had is
there, the line is made in one transaction. Nobody is notified.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from db import aliases, backfills, runs
from db import history as versions
from db.backfills import Held
from db.connection import History
from jobs.earlier import plan
from jobs.lock import only_one
from jobs.surroundings import Surroundings
from jobs.sync import sync
from registry_sync.errors import BadContent, Damaged, FetchError, Stopped, UsageError
from registry_sync.plural import count
from registry_sync.sources import ctgov_history
from registry_sync.sources.ctgov_batches import ids_of
from registry_sync.sources.ctgov_history import Listed, NoHistory, in_general
from registry_sync.sources.ctgov_record import record_from
from registry_sync.sources.http import Client
from registry_sync.trials.record import Record

JOB = "backfill"
_MOST_TROUBLES = 5
"""How many versions of a trial in a row may meet trouble before no more of it are asked for."""
_TRIALS_IN_TROUBLE = 2
"""How many trials have to meet it before trouble is taken to be the source's: one may have a fault of its own."""
_NOT_ASKED = "not asked, because "
_MOST_NAMES = 3
_MOST_KEPT = 20
_LONGEST_KEPT = 500
"""Lines, and characters of each, that the table of runs keeps of what went wrong."""


@dataclass
class TrialReport:
    """What became of one trial.

    ``loaded``: versions put into the line now, whenever they were fetched; ``held``: versions in it, all in all; ``changes``: the
    backfilled ones, without housekeeping; ``waiting``: versions fetched and not yet in the line; ``failed``: the registry's number of a
    version that could not be had (``None``: none could), and why.
    """

    trial: str
    loaded: int = 0
    held: int = 0
    changes: int = 0
    waiting: int = 0
    failed: list[dict[str, Any]] = field(default_factory=list)

    def fail(self, error: str, version: int | None = None) -> None:
        """Note a failure."""
        self.failed.append({"version": version, "error": error})


@dataclass
class BackfillReport:
    """What a backfill did; ``problem`` is what befell the source as a whole, so that no more was asked."""

    trials: list[TrialReport] = field(default_factory=list)
    problem: str | None = None
    stopped: bool = False

    @property
    def is_partial(self) -> bool:
        """Did something fail?"""
        return any(trial.failed for trial in self.trials)

    def failures(self) -> list[str]:
        """One line for each thing that went wrong, whatever the number of trials and versions that it befell."""
        faults: dict[str, _Fault] = {}
        for trial in self.trials:
            for failure in trial.failed:
                said = failure["error"]
                general = in_general(said.removeprefix(_NOT_ASKED), trial.trial)
                fault = faults.setdefault(general, _Fault(general))
                (fault.spared if said.startswith(_NOT_ASKED) else fault.met).append((trial.trial, failure["version"], said))
        return [fault.line() for fault in faults.values()]

    def as_json(self) -> list[dict[str, Any]]:
        """The list of ``backfill --json``."""
        return [vars(trial) for trial in self.trials]

    def as_kept(self) -> dict[str, Any]:
        """The same for the table of runs, in a few kilobytes at most: sums, and the first lines of what went wrong."""
        numbers = {name: sum(getattr(trial, name) for trial in self.trials) for name in ("loaded", "held", "changes", "waiting")}
        failures = self.failures()
        kept = [line[:_LONGEST_KEPT] for line in failures[:_MOST_KEPT]]
        return {"trials": len(self.trials), **numbers, "failures": kept, "failures_otherwise": len(failures) - len(kept)}


_Failure = tuple[str, int | None, str]
"""The trial, the version, what was said."""


class _Fault:
    """One thing that went wrong: what ``met`` it, and what was ``spared``, not asked for because of it."""

    def __init__(self, general: str) -> None:
        self.general = general
        self.met: list[_Failure] = []
        self.spared: list[_Failure] = []

    def line(self) -> str:
        """Whom it befell, what it is, and how much was not asked for."""
        befell = self.met or self.spared
        trials = list(dict.fromkeys(trial for trial, _, _ in befell))
        numbers = [number for _, number, _ in befell if number is not None]
        said = self.general if len(trials) > 1 else self.general.replace("NCT...", trials[0])
        if len(befell) == 1:
            said = befell[0][2]
        return f"{_named(trials, numbers)}: {said}{self._and_spared()}"

    def _and_spared(self) -> str:
        if not self.met:
            return ""
        versions = sum(number is not None for _, number, _ in self.spared)
        trials = len(self.spared) - versions
        counts = [count(each, f"more {noun}") for each, noun in ((versions, "version"), (trials, "trial")) if each]
        return f"; not asked for: {' and '.join(counts)}" if counts else ""


def _named(trials: Sequence[str], numbers: Sequence[int]) -> str:
    """Which trials and versions: "NCT1, version 3", "NCT1, 7 versions from 3 to 9", "NCT1 and NCT2", "9 versions of NCT1 and NCT2"."""
    if len(trials) == 1:
        few = f", version {numbers[0]}" if numbers else ""
        return trials[0] + (f", {len(numbers)} versions from {numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else few)
    shown = list(trials if len(trials) <= _MOST_NAMES else [*trials[: _MOST_NAMES - 1], f"{len(trials) - _MOST_NAMES + 1} others"])
    names = f"{', '.join(shown[:-1])} and {shown[-1]}"
    return f"{len(numbers)} versions of {names}" if numbers else names


class _Source:
    """What the trials so far say of the source as a whole; ``problem`` is what keeps the next ones from being asked."""

    def __init__(self) -> None:
        self.problem: str | None = None
        self._troubles = 0
        self._without = 0
        self._shows_histories = False

    def shows(self) -> None:
        """A trial's history is there."""
        self._shows_histories = True

    def met(self, error: FetchError | None, trial: str) -> None:
        """A trial met this, or nothing.

        Trouble that two in a row met is the source's, and so is a missing history where no trial's was there; the next ones would meet it.
        """
        is_trouble = error is not None and ctgov_history.is_trouble(error)
        self._troubles = self._troubles + 1 if is_trouble else 0
        self._without += isinstance(error, NoHistory) and not is_trouble
        if error is not None and (
            self._troubles == _TRIALS_IN_TROUBLE
            or (self._without == _TRIALS_IN_TROUBLE and not self._shows_histories)
            or ctgov_history.is_out_of_reach(error)
        ):
            self.problem = in_general(str(error), trial)


def backfill(around: Surroundings, trials: Sequence[str]) -> BackfillReport:
    """Load the registry's own versions of these trials from before the first one seen here.

    A trial of which nothing is held yet is synced first. What the registry does wrong is in the report. Raises UsageError for a trial
    that is not known, AlreadyRunning when another backfill, or a sync that is needed, cannot begin; DatabaseError.
    """
    with around.open() as history, only_one(around.database, JOB):
        ids = aliases.current_ids(history, trials)
        unknown = [trial for trial in ids if not backfills.is_known(history, trial)]
        if unknown:
            raise UsageError(
                f"{', '.join(unknown)} is not watched; run `registry-sync watch add {' '.join(unknown)}` first", about=unknown[0]
            )
        report = BackfillReport()
        run = runs.begin(history, JOB, around.stamp())
        outcome = "failed"
        try:
            _load(around, history, ids, report)
            outcome = "stopped" if report.stopped else "partial" if report.is_partial else "done"
        except KeyboardInterrupt:
            outcome = "stopped"
            raise
        finally:
            around.progress.end()
            runs.end(history, run, around.stamp(), outcome, report.as_kept())
    return report


def _load(around: Surroundings, history: History, trials: Sequence[str], report: BackfillReport) -> None:
    settings = around.settings.http
    errors = _baselines(around, history, trials)
    trials = aliases.current_ids(history, trials)  # a sync may find that two are one
    source = _Source()
    with Client(
        contact=settings.contact,
        timeout=settings.timeout,
        attempts=settings.attempts,
        requests_per_minute=settings.requests_per_minute,
        wait=around.pause,
    ) as client:
        for trial in trials:
            one = TrialReport(trial)
            report.trials.append(one)
            try:
                if source.problem:
                    one.fail(_NOT_ASKED + source.problem)
                elif backfills.first_live(history, trial) is None:
                    one.fail(errors.get(trial, "no version of it is held yet, so there is nothing to put earlier ones before"))
                else:
                    _Trial(around, history, client, one).load(source)
            except (Stopped, KeyboardInterrupt):
                report.stopped = True
            except (Damaged, BadContent) as error:
                one.fail(str(error))
            report.problem = source.problem
            one.held, one.changes = backfills.counted(history, trial)
            one.waiting = len(backfills.staged(history, trial))
            if report.stopped or around.stop.is_set():
                report.stopped = True
                return


def _baselines(around: Surroundings, history: History, trials: Sequence[str]) -> dict[str, str]:
    """See to it that a live version of each trial is held; why it is not, by trial."""
    new = [trial for trial in trials if all(held.backfilled for held in backfills.line(history, trial))]
    if not new:
        return {}
    synced = sync(around, trials=new, pages=False, then_deliver=False)
    return {failure["trial"]: failure["error"] for source in synced.sources for failure in source.failed}


class _Trial:
    """The work on one trial."""

    def __init__(self, around: Surroundings, history: History, client: Client, report: TrialReport) -> None:
        live = backfills.first_live(history, report.trial)
        assert live is not None  # noqa: S101 - asked before
        self._around = around
        self._history = history
        self._client = client
        self._url = around.settings.ctgov.url
        self._report = report
        self._trial = report.trial
        self._seen = live
        self._seen_payload = versions.payload(history, live.id)

    def load(self, source: _Source) -> None:
        """Fetch what is missing and put it into the line; ``source`` hears what was met. Raises Stopped, Damaged, BadContent."""
        try:
            listed = ctgov_history.versions(self._client, self._url, self._trial)
        except FetchError as error:
            self._report.fail(str(error))
            source.met(error, self._trial)
            return
        source.shows()
        missing = self._missing(listed)
        if missing and not self._has_place():
            self._report.fail(f"the version seen live has no date, so that the versions listed ({len(listed)}) cannot be placed before it")
            source.met(None, self._trial)
            return
        source.met(self._fetch(missing), self._trial)
        if backfills.staged(self._history, self._trial):
            self._put()

    # --- fetch ---

    def _missing(self, listed: Sequence[Listed]) -> list[Listed]:
        """The versions up to the oldest one seen live that are neither in the line nor staged.

        The one seen live itself is asked for whenever another one is: what led to it is then told anew.
        """
        line = backfills.line(self._history, self._trial)
        live_version = self._live_version(line)
        staged = backfills.staged(self._history, self._trial).keys()
        known = staged | {held.registry_version for held in line if held.backfilled}
        wanted = [each for each in listed if each.number not in known and self._may_be_earlier(each, live_version)]
        return wanted if staged or any(each.number != live_version for each in wanted) else []

    def _live_version(self, line: Sequence[Held]) -> int | None:
        """The registry's number of the version seen live, where an earlier call found it."""
        return next((held.registry_version for held in line if held.id == self._seen.id), None)

    def _has_place(self) -> bool:
        """Can it be told which versions came before the one seen live?"""
        record = self._seen.record
        dated = _posted(record) or record.last_update_submit_date
        return dated is not None or self._live_version(backfills.line(self._history, self._trial)) is not None

    def _may_be_earlier(self, listed: Listed, live_version: int | None) -> bool:
        """Is this the version that was seen live, or one before it, as far as the list tells? Its dates are of one kind or the other."""
        if live_version is not None:
            return listed.number <= live_version
        record = self._seen.record
        latest = max(filter(None, (_posted(record), record.last_update_submit_date)), default=None)
        return listed.date is None or latest is None or listed.date[: len(latest)] <= latest[: len(listed.date)]

    def _fetch(self, missing: Sequence[Listed]) -> FetchError | None:
        """Keep what comes, each version at once; the trouble that ended it, if some did."""
        names = {*aliases.family(self._history, self._trial), *ids_of(self._seen_payload)[1]}
        troubles = 0
        self._around.progress.begin(f"Loading versions of {self._trial}", len(missing))
        try:
            for place, listed in enumerate(missing, start=1):
                error = self._fetch_one(listed, names)
                troubles = troubles + 1 if error is not None and ctgov_history.is_trouble(error) else 0
                if error is not None and troubles == _MOST_TROUBLES:
                    for left in missing[place:]:
                        self._report.fail(_NOT_ASKED + in_general(str(error), self._trial), left.number)
                    return error
                self._around.progress.step(self._trial)
        finally:
            self._around.progress.end()
        return None

    def _fetch_one(self, listed: Listed, names: Collection[str]) -> FetchError | None:
        if self._around.stop.is_set():
            raise Stopped("asked to stop")
        try:
            payload = ctgov_history.version(self._client, self._url, self._trial, listed.number, names)
            record = record_from(payload, "html")
        except FetchError as error:
            self._report.fail(str(error), listed.number)
            return error
        backfills.stage(self._history, self._trial, listed.number, _posted(record) or listed.date, payload)
        return None

    # --- into the line ---

    def _put(self) -> None:
        planned = plan(self._history, self._trial, self._seen, self._seen_payload)
        if planned is None:
            backfills.unstage(self._history, self._trial)
        elif backfills.put(self._history, self._trial, planned, seen_at=self._around.stamp()):
            self._report.loaded = sum(placed.held is None for placed in planned.earlier)
        else:  # a sync found in between that the trial was merged with another
            self._report.fail("its versions changed meanwhile; run this again")


def _posted(record: Record) -> str | None:
    return record.last_update_post_date.date if record.last_update_post_date else None
