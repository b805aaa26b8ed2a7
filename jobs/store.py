"""What a source said of a trial -> decided, kept and routed, in one transaction for each trial.

Nothing is told that is not stored: a version, its changes and the notices about them are written together, so that a crash at any
instant loses no notice, and a repeat finds nothing to tell twice. That a trial is settled in a data release is written with its
version and its news, never before or without them.
"""

from __future__ import annotations

import datetime
import zlib

import msgspec.structs

from db import absences, aliases, looks, unparsed, watches
from db import history as versions
from db.connection import Connection, History
from jobs import merging, tell
from jobs.reports import TO_MEND, SourceReport, SyncReport
from jobs.surroundings import Surroundings, as_stamp, log
from registry_sync.errors import BadContent, Damaged, DatabaseError
from registry_sync.sources import ctgov
from registry_sync.sources.ctgov_batches import ids_of
from registry_sync.sources.ctgov_record import differing
from registry_sync.sources.interface import CTGOV, Failed, Found, Gone, Moved
from registry_sync.trials import presence
from registry_sync.trials.changes import Change
from registry_sync.trials.decide import Baseline, Changed, Decision, Incomplete, Unchanged, decide

Seen = ctgov.Sent | Moved | Gone | Failed
"""What is handed over: the registry's studies as they came, since most say what they said before and need no reading."""

_SOONEST, _LATEST = 36.0, 132.0
"""Hours after which a record that glances call unchanged is asked for whole, spread evenly: within a week, with a sync a day."""
_MANY = 10
"""So many trials, and more than half of all, do not leave the registry at once."""


def due_at(trial: str, now: datetime.datetime) -> str:
    """When the whole record is to be asked for again, whatever glances say (UTC): trials first seen together part by and by."""
    share = zlib.crc32(f"{trial} {now:%Y-%m-%d}".encode()) / 2**32
    return as_stamp(now + datetime.timedelta(hours=_SOONEST + share * (_LATEST - _SOONEST)))


class Store:
    """Takes in what the sources say, one thing after the other, in the thread that holds the history open."""

    def __init__(self, around: Surroundings, history: History, report: SyncReport) -> None:
        self.around = around
        self.history = history
        self.report = report
        self._unusable = {(row["trial"], row["source"]) for row in unparsed.every(history)}
        self._settled: list[looks.Settled] = []
        self._counted: list[tuple[SourceReport, Decision]] = []
        self._unshown: list[Gone | Failed] = []
        self._aliases = aliases.old_ids(history)

    def take(self, seen: Seen, source: SourceReport) -> None:
        """Keep what one observation brings, or name why it brings nothing."""
        try:
            self._take(seen, source)
        except Damaged as error:
            source.fail(seen.trial, str(error), at_fault=False)
            if isinstance(seen, ctgov.Sent):
                self._keep_unparsed(seen.trial, seen.source, seen.payload, str(error))
        except DatabaseError:
            raise
        except Exception as error:
            # a fault of ours with one record must not keep the others from being looked at
            log.exception("%s at %s could not be compared", seen.trial, seen.source)
            source.fail(seen.trial, f"could not be compared ({type(error).__name__}); please report it", at_fault=False)

    def keep_page(self, found: Found, source: SourceReport) -> None:
        """Keep what a page says, inside the caller's transaction; its differences are its own and told to nobody."""
        said = found.listing.said.get("overall_status") if found.listing else None
        record = found.record
        if found.listing is not None and found.listing.statuses and said:
            record = msgspec.structs.replace(record, overall_status=said)  # no token of the registry's means what it says
        known = versions.latest(self.history, found.trial, found.source)
        self._keep(msgspec.structs.replace(found, record=record), decide(known.record if known else None, record, complete=False), source)

    def end(self, source: SourceReport, watched: int, *, everything: bool) -> None:
        """Judge what the registry did not show: most of the ``watched`` trials at once is its own trouble, and no news of the trials.

        Those count of which nobody was told yet, whether a 404 of their own proves them gone or a whole answer did not hold them.
        ``everything``: all that is watched was asked for. Of many, a few that were asked for by name cannot tell which of the two it is.
        """
        unshown, self._unshown = self._unshown, []
        seen_at = looks.last_versions(self.history, [each.trial for each in unshown])
        told = {trial for trial in seen_at if self._state(trial) == "absent"}
        new = len(seen_at) - len(told)
        too_many = new >= _MANY and 2 * new > watched - len(told)
        for each in unshown:
            if each.trial in told:
                self._note_left(each.trial, is_news=not everything)
            elif too_many and each.trial in seen_at:
                source.fail(each.trial, f"ClinicalTrials.gov shows none of {new:,} trials any more: taken for its trouble", at_fault=True)
            elif isinstance(each, Failed):
                source.fail(each.trial, each.error, at_fault=False)
            elif each.trial not in seen_at:
                source.fail(each.trial, f"{TO_MEND}; check it, or stop watching it (registry-sync watch remove)", at_fault=False)
            else:
                self._judge_gone(each, source, seen_at[each.trial], conclude=everything or watched < _MANY)

    def _judge_gone(self, gone: Gone, source: SourceReport, seen_at: str, *, conclude: bool) -> None:
        told = tell.no_record(self.around, self.history, gone, self.report.missing.get(gone.trial)) if conclude else (0, 0)
        self.report.count(told)
        if told[0]:
            self._note_left(gone.trial, is_news=True)
        else:
            source.fail(gone.trial, self._not_there(gone.trial, seen_at, conclude=conclude), at_fault=False)

    def _note_left(self, trial: str, *, is_news: bool) -> None:
        """Once told, that a trial has left is no failure; it is said when it is news, or asked for."""
        missing = self.report.missing.get(trial)
        if is_news and missing is not None:
            self.report.left.append((trial, missing.since[:10]))

    def _not_there(self, trial: str, seen_at: str, *, conclude: bool) -> str:
        missing = self.report.missing.get(trial)
        if missing is not None and missing.state == "merged":
            return f"ClinicalTrials.gov does not show it any more, nor under {missing.into}; stop watching it (registry-sync watch remove)"
        follows = "told when another day confirms it" if conclude else "whether it has left is for a sync of all trials to find out"
        return f"ClinicalTrials.gov does not show it any more (its last version was recorded {seen_at[:10]}); {follows}"

    def _state(self, trial: str) -> str | None:
        missing = self.report.missing.get(trial)
        return missing.state if missing else None

    def begin(self) -> None:
        """What is taken in from now on is kept together, or not at all."""
        self._counted.clear()

    def settle(self) -> None:
        """Write down which trials are settled, with what was taken in."""
        if self._settled:
            with self.history.write() as connection:
                looks.settle(connection, self._settled)
            self._settled.clear()

    def undo(self) -> None:
        """What was taken in since it began is not kept: nothing of it is settled, and it does not count."""
        self._settled.clear()
        for source, decision in self._counted:
            _count(source, decision, -1)
        self._counted.clear()

    def _take(self, seen: Seen, source: SourceReport) -> None:
        source.answered |= not isinstance(seen, Failed) or seen.payload is not None
        match seen:
            case Gone() | Failed(absent=True):
                self._unshown.append(seen)
            case Moved():
                self._merge(seen, source)
            case Failed():
                self._note_failure(seen, source)
            case ctgov.Sent():
                self._take_study(seen, source)

    def _take_study(self, sent: ctgov.Sent, source: SourceReport) -> None:
        self._part(sent.trial)
        first = False
        try:
            held = versions.latest_payload(self.history, sent.trial, sent.source)
            first = held is None
        except Damaged:
            held = None  # the kept record may come back all the same
        decision = _by_payloads(held, sent.payload) if held is not None else None
        before = (ids_of(held)[0] if held is not None else None) or sent.trial
        joined = before != sent.trial  # the last record is that of the id that was merged into this one
        if isinstance(decision, Unchanged) and not joined:
            self._unchanged(sent.trial, sent.source, sent.payload)
            return
        observation = ctgov.read(sent)
        if isinstance(observation, Failed):
            self._note_failure(observation, source)
            return
        if decision is None:
            known = None if first else versions.latest(self.history, sent.trial, sent.source)
            decision = decide(known.record if known else None, observation.record, complete=True)
        if joined and not isinstance(decision, Incomplete):
            changes = decision.changes if isinstance(decision, Changed) else ()
            decision = Changed(observation.record, presence.since_joined(changes, before, sent.trial))
        self._keep(observation, decision, source, joined=joined)

    def _part(self, trial: str) -> None:
        """An id that was merged into another, and has a record of its own again, is a trial of its own again."""
        if trial in self._aliases:
            with self.history.write() as connection:
                aliases.part(connection, trial)
            self._aliases.discard(trial)

    def _keep(self, found: Found, decision: Decision, source: SourceReport, *, joined: bool = False) -> None:
        if isinstance(decision, Incomplete):
            source.fail(found.trial, decision.reason, at_fault=True)
            self._keep_unparsed(found.trial, found.source, found.payload, decision.reason)
            return
        if isinstance(decision, Unchanged):
            self._unchanged(found.trial, found.source, found.payload)
            return
        is_registry = found.source == CTGOV
        changes = decision.changes if isinstance(decision, Changed) else ()
        with self.history.write() as connection:
            version = versions.add_version(
                self.history,
                trial=found.trial,
                source=found.source,
                record=found.record if is_registry else decision.record,  # a page's: with what is carried over
                payload=found.payload,
                registry_date=found.registry_date,
                seen_at=self.around.stamp(),
                carried=decision.carried if isinstance(decision, Changed) else (),
            )
            if is_registry:
                looks.settle(connection, [self._settled_now(found.trial, found.payload)])
                changes = (*self._presence(found, connection), *changes)
                if (found.trial, found.source) in self._unusable:
                    unparsed.forget(connection, found.trial, found.source)
            queued = tell.keep(
                self.around,
                self.history,
                connection,
                changes,
                trial=found.trial,
                source=found.source,
                version=version,
                registry_date=None if joined else found.registry_date,
            )
        _count(source, decision, 1)
        self._counted.append((source, decision))
        if is_registry:
            self.report.count((sum(change.significance != "housekeeping" for change in changes), queued))

    def _presence(self, found: Found, connection: Connection) -> tuple[Change, ...]:
        """What is told of the record as a whole, with its new version: found by a search, or back again."""
        told: list[Change] = []
        if watches.news(self.history, found.trial):
            watches.news_told(connection, found.trial)
            told.append(presence.found(found.record))
        missing = self.report.missing.get(found.trial)
        if missing is not None:
            absences.forget(connection, found.trial, self.around.stamp())
            again = presence.told(missing, "present", found.record)
            told += [again] if again else []
        return tuple(told)

    def _unchanged(self, trial: str, source: str, payload: bytes) -> None:
        if source != CTGOV:
            return
        missing = self.report.missing.get(trial)
        if missing is not None:
            self.report.count(tell.back(self.around, self.history, trial, missing))
        if watches.news(self.history, trial):
            self.report.count(tell.found(self.around, self.history, trial))
        if (trial, source) in self._unusable:
            with self.history.write() as connection:
                unparsed.forget(connection, trial, source)
            self._unusable.discard((trial, source))
        self._settled.append(self._settled_now(trial, payload))

    def _settled_now(self, trial: str, payload: bytes) -> looks.Settled:
        return looks.Settled(trial, self.report.release, due_at(trial, self.around.now()), ctgov.glance_of(payload))

    def _merge(self, moved: Moved, source: SourceReport) -> None:
        """The registry shows the record under another id: everything kept and wished goes on under that one.

        Of an id that has versions, what has changed since is news for those who followed it before, and for nobody else.
        """
        study = ctgov.Sent(moved.to, moved.payload)
        has_versions = bool(looks.last_versions(self.history, [moved.to]))
        if has_versions:
            self.take(study, source)
        self.report.count(merging.merged(self.around, self.history, moved, self.report.missing.get(moved.trial)))
        with self.history.write():
            aliases.merge(self.history, moved.trial, moved.to, self.around.stamp())
        self.report.merged.append((moved.trial, moved.to))
        if not has_versions:
            self.take(study, source)

    def _note_failure(self, seen: Failed, source: SourceReport) -> None:
        source.fail(seen.trial, seen.error, at_fault=not seen.absent)
        if seen.payload is not None:
            self._keep_unparsed(seen.trial, seen.source, seen.payload, seen.error)

    def _keep_unparsed(self, trial: str, source: str, payload: bytes, error: str) -> None:
        with self.history.write() as connection:
            unparsed.keep(connection, trial, source, payload, error, self.around.stamp())
        self._unusable.add((trial, source))


def _count(source: SourceReport, decision: Decision, times: int) -> None:
    source.baselines += times * isinstance(decision, Baseline)
    source.changed += times * isinstance(decision, Changed)


def _by_payloads(held: bytes, sent: bytes) -> Decision | None:
    """What a study that came amounts to beside the one that came for the last version; ``None`` when one of them cannot be read.

    Both are read by this program. The kept record may be an older program's reading: beside it, every text that is read better now
    would be told as a change. (A page's last version is its kept record all the same: what the page had gone silent about is
    carried over in it and stands in no payload.)
    """
    try:
        pair = differing(held, sent)
    except BadContent:
        return None
    return decide(*pair, complete=True) if pair else Unchanged()
