"""Claimed notices -> what their channels write: the news as they are wanted now, in the voice of who wants them now.

What many notices share is read once: one change goes to thousands of addresses.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from db import absences, keys, outbox, slips, subscriptions
from db import history as versions
from db.connection import History
from db.history import Version
from db.outbox import Waiting
from jobs.surroundings import Surroundings
from registry_sync.notices.chains import net
from registry_sync.notices.compose import MOST_STORIES, MOST_SUBJECTS
from registry_sync.notices.duties import TOPIC
from registry_sync.notices.interface import STOPPED, Notice, Refused, TrialNews
from registry_sync.notices.route import Subscription, voice, wants
from registry_sync.notices.tokens import stop_token
from registry_sync.sources import ctgov
from registry_sync.sources.interface import CTGOV
from registry_sync.trials.changes import KeptChange
from registry_sync.trials.record import Record

_MOST_KEPT = 16
_MOST_TRIALS = MOST_STORIES + MOST_SUBJECTS

Value = TypeVar("Value")


class NotOurs:
    """What there is to write of a notice that this delivery has claimed no longer: nothing, and nothing is to become of it here."""


class WritingDesk:
    """Where the notices of one delivery are written; ``begin`` a batch, then ask for each of its notices."""

    def __init__(self, around: Surroundings, history: History, *, by: int) -> None:
        """``by``: the delivery that has claimed what is written here; 0: none, it is written to be looked at."""
        self._around = around
        self._history = history
        self._by = by
        self._absent = absences.every(history)
        self._key = keys.links(history)
        self._changes: _Kept[tuple[KeptChange, ...]] = _Kept()
        self._news: _Kept[tuple[tuple[TrialNews, ...], int]] = _Kept()
        self._standing: _Kept[list[KeptChange]] = _Kept()
        self._since: _Kept[list[KeptChange]] = _Kept()
        self._seen = -1
        self._batch: list[str] = []
        self._at_once = 1
        self._ours: set[str] = set()
        self._told: dict[str, tuple[int, ...]] = {}
        self._behind: dict[str, dict[str, list[Subscription]]] = {}
        self._ahead: tuple[str, int, Notice] | None = None

    def begin(self, batch: Sequence[Waiting]) -> None:
        """Read what these notices tell, and to whom."""
        self._batch = [waiting.id for waiting in batch]
        self._at_once = len(batch)
        self._read(self._batch)

    def _read(self, ids: Sequence[str]) -> None:
        self._seen = self._history.changed_elsewhere()
        self._ours = outbox.still_claimed(self._history, ids, self._by) if self._by else set(ids)
        self._told = outbox.change_ids(self._history, ids)
        self._behind = subscriptions.behind(self._history, ids)

    def _keep_up(self, notice_id: str) -> None:
        """Read anew what somebody else may have changed: of few notices while others write much, of more and more when they do not."""
        changed = self._history.changed_elsewhere() != self._seen
        if changed or notice_id not in self._told:
            self._at_once = 1 if changed else 4 * self._at_once
            at = self._batch.index(notice_id)
            self._read(self._batch[at : at + self._at_once])

    def ahead(self, waiting: Waiting) -> Notice | None:
        """The notice, made before its turn: it is still the one if nobody writes anything meanwhile. ``None`` when that cannot be said."""
        try:
            notice = self._made(waiting)
        except Exception:  # its turn will tell
            return None
        if not isinstance(notice, Notice):
            return None
        self._ahead = (waiting.id, self._seen, notice)
        return notice

    def notice(self, waiting: Waiting) -> Notice | Refused | NotOurs | None:
        """Everything that a channel needs to write this notice.

        ``None`` when nobody at its address wants any of it any more, or none of it is still so; Refused when its address has been stopped
        for refusing so many, and is not asked again. Raises Damaged when a record that it tells of does not come back.
        """
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead[:2] == (waiting.id, self._history.changed_elsewhere()):
            return ahead[2]
        return self._made(waiting)

    def _made(self, waiting: Waiting) -> Notice | Refused | NotOurs | None:
        self._keep_up(waiting.id)
        if waiting.id not in self._ours:
            return NotOurs()
        behind = self._behind.get(waiting.id, {})
        told = self._told.get(waiting.id, ())
        changes = self._changes.get(told, lambda: tuple(versions.changes_by_id(self._history, told)))
        wanted = [change for change in changes if any(wants(each, change) for each in behind.get(change.trial, ()))]
        wanted = self._still_so(waiting, self._with_what_came_since(waiting, wanted, behind))
        if waiting.every != "now" and waiting.kind != "webhook":
            wanted = _lasting(wanted)
        if not wanted:
            return None
        asking = {each.id: each for change in wanted for each in behind[change.trial] if wants(each, change) and not each.bounced}
        if not asking:
            return Refused(STOPPED)
        first = voice(asking.values())
        news, more = self._news_of(tuple(change.id for change in wanted), wanted, slim=first.kind == "webhook")
        return Notice(
            id=waiting.id,
            address=waiting.address,
            kind=first.kind,
            role=first.role,
            language=first.language,
            every=waiting.every,
            created_at=waiting.created_at,
            news=news,
            stop_token=stop_token(self._key, first.id),
            secret_env=first.secret_env,
            more=more,
            note=waiting.note,
        )

    def _with_what_came_since(
        self, waiting: Waiting, wanted: list[KeptChange], behind: Mapping[str, Sequence[Subscription]]
    ) -> list[KeptChange]:
        """With what was found of the same deadlines later and waits for the next digest: each is told as it stands when it goes, once."""
        if waiting.every == "now" or not self._by or not any(change.topic == TOPIC for change in wanted):
            return wanted
        from jobs.still import since

        later = self._since.get((tuple(change.id for change in wanted), self._seen), lambda: since(self._history, wanted))
        found = [
            change
            for change in later
            if any(wants(each, change) for each in behind.get(change.trial, ()))
            and outbox.take_over(self._history, waiting.id, waiting.address, change.id)
        ]
        return sorted([*wanted, *found], key=lambda change: change.id)

    def _still_so(self, waiting: Waiting, wanted: list[KeptChange]) -> list[KeptChange]:
        """What is told of deadlines is asked anew right before it is sent; what was sent stays as it was."""
        if not any(change.topic == TOPIC for change in wanted) or (not self._by and outbox.was_sent(self._history, waiting.id)):
            return wanted
        from jobs.still import expected, hold_back, still_so  # loads the rules: only where news of them waits

        kept = self._standing.get(
            (tuple(change.id for change in wanted), waiting.kind, self._seen),
            lambda: still_so(self._around, self._history, wanted, counted_anew=waiting.kind != "webhook"),
        )
        kept = expected(self._history, waiting.address, kept)
        gone = {change.id for change in wanted} - {change.id for change in kept}
        if gone and self._by:
            hold_back(self._around, self._history, wanted)
        if gone and kept and self._by:
            outbox.leave_out(self._history, waiting.id, gone)
        return kept

    def _news_of(self, ids: tuple[int, ...], changes: Sequence[KeptChange], *, slim: bool) -> tuple[tuple[TrialNews, ...], int]:
        return self._news.get((ids, slim), lambda: self._read_news(ids, changes, slim=slim))

    def _own_title(self, trial: str) -> str | None:
        """The last title of a trial under its own id; ``None`` where its versions went on under the other one."""
        own = versions.latest(self._history, trial, CTGOV)
        return own.record.brief_title or own.record.official_title if own else None

    def _read_news(self, ids: tuple[int, ...], changes: Sequence[KeptChange], *, slim: bool) -> tuple[tuple[TrialNews, ...], int]:
        """The news by trial, those with a new status first, then other major ones.

        ``slim``: a post of several trials tells every change and no record.
        """
        by_trial: dict[str, list[KeptChange]] = {}
        for change in changes:
            by_trial.setdefault(change.trial, []).append(change)
        order = sorted(by_trial, key=lambda trial: (min(map(_telling, by_trial[trial])), trial))
        told = order if slim else order[:_MOST_TRIALS]
        between = versions.spans(self._history, ids)
        moved = slips.of_changes(self._history, ids)
        news = []
        for trial in told:
            first, last = between[trial]
            version = versions.by_id(self._history, last)
            earlier = versions.before(self._history, versions.by_id(self._history, first))
            silent = earlier is not None and earlier.registry_date == version.registry_date
            news.append(
                TrialNews(
                    trial=trial,
                    url=ctgov.study_url(self._around.settings.ctgov.url, trial),
                    registry_date=None if silent else version.registry_date,
                    seen_at=max(version.seen_at, *(change.seen_at for change in by_trial[trial])),
                    changes=tuple(by_trial[trial]),
                    record=Record(trial=trial) if slim and len(told) > 1 else version.record,
                    before=_record(earlier) if not slim else None,
                    slips=moved.get(trial, {}),
                    into=self._absent[trial].into if trial in self._absent else None,
                    title=self._own_title(trial) if version.trial != trial else None,
                )
            )
        return tuple(news), len(order) - len(told)


def _lasting(changes: Sequence[KeptChange]) -> list[KeptChange]:
    """The changes of the trials of which, over the whole period, something is not as it was."""
    lasting = {change.trial for change in net(changes)}
    return [change for change in changes if change.trial in lasting]


def _telling(change: KeptChange) -> int:
    """0 for the news that nobody should miss in a long digest, to 2."""
    return 2 if change.significance != "major" else int(change.topic not in ("status", "registry"))


def _record(version: Version | None) -> Record | None:
    return version.record if version else None


class _Kept(Generic[Value]):
    """The values last asked for, by their keys: few, so that memory stays flat."""

    def __init__(self) -> None:
        self._values: OrderedDict[object, Value] = OrderedDict()

    def get(self, key: object, make: Callable[[], Value]) -> Value:
        """The value of this key, made when it is not at hand."""
        value = self._values.pop(key) if key in self._values else make()
        self._values[key] = value
        if len(self._values) > _MOST_KEPT:
            self._values.popitem(last=False)
        return value
