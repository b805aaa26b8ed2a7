"""The registry's earlier versions and the oldest one seen live -> one line of versions, without a false change where the two meet."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from db import backfills
from db import history as versions
from db.backfills import Held, Line, Placed
from db.connection import History
from db.history import Version
from registry_sync.sources.ctgov_record import differing, record_from
from registry_sync.trials.changes import Change
from registry_sync.trials.record import Record
from registry_sync.trials.significance import judged


def plan(history: History, trial: str, seen: Version, seen_payload: bytes) -> Line | None:
    """What is to stand before ``seen``, the oldest version seen live (``seen_payload``: what came for it); ``None``: nothing new.

    The version of the registry that was seen live is not kept twice; only what led to it is told. Where the record seen live says
    something else than that version (the registry turns trials to UNKNOWN and mends places and posted dates in silence), the version is
    kept as well, and what the registry did since is told, housekeeping too. What only the two ways to mark a text lose is no difference.
    Later versions are left to what was seen live. Raises Damaged, BadContent.
    """
    return _Plan(history, trial, seen, seen_payload).line()


class _Plan:
    def __init__(self, history: History, trial: str, seen: Version, seen_payload: bytes) -> None:
        held = backfills.line(history, trial)
        self._history = history
        self._trial = trial
        self._seen = seen
        self._seen_payload = seen_payload
        self._known = next((each.registry_version for each in held if each.id == seen.id), None)
        self._rows: dict[int, Held] = {
            each.registry_version: each for each in held if each.backfilled and each.registry_version is not None
        }
        self._staged = {number: date for number, date in backfills.staged(history, trial).items() if number not in self._rows}
        self._records = {number: record_from(self._payload(number), "html") for number in self._staged}

    def line(self) -> Line | None:
        same = self._known if self._known is not None else self._same_version()
        earlier = self._earlier(same)
        placed, last = self._placed(earlier)
        live_version, changes = same, self._since(last) if last is not None else ()
        if same is not None and same in self._staged:
            silent = self._since(self._payload(same))
            led = self._placed([*earlier[-1:], same])[0][-1]
            if silent:
                placed, live_version, changes = [*placed, led], None, silent
            else:
                changes = led.changes
        if all(each.held is not None for each in placed) and live_version == self._known:
            return None
        return Line(placed, self._seen.id, live_version, changes)

    def _payload(self, number: int) -> bytes:
        held = self._rows.get(number)
        return versions.payload(self._history, held.id) if held else backfills.staged_payload(self._history, self._trial, number)

    # --- which is which ---

    def _same_version(self) -> int | None:
        """The staged version that was seen live: of those with one of its dates the likest one, of several the last."""
        mine, last = _dates(self._seen.record), max(self._rows, default=-1)
        alike = [
            number
            for number, record in self._records.items()
            if number > last and any(date is not None and date == other for date, other in zip(_dates(record), mine, strict=True))
        ]
        return min(alike, key=lambda number: (len(self._since(self._payload(number))), -number), default=None)

    def _earlier(self, same: int | None) -> list[int]:
        """The numbers of the versions before the one seen live."""
        every = sorted({*self._rows, *self._staged})
        if same is not None:
            return [number for number in every if number < same]
        last = max((*self._rows, *filter(self._is_dated_before, self._staged)), default=-1)
        return [number for number in every if number <= last]

    def _is_dated_before(self, number: int) -> bool:
        """Was this staged version posted before the one seen live (submitted, where one of the two does not say when it was posted)?"""
        dates = zip((self._staged[number], self._records[number].last_update_submit_date), _dates(self._seen.record), strict=True)
        return next((theirs < mine for theirs, mine in dates if theirs and mine), False)

    # --- what changed ---

    def _placed(self, numbers: Sequence[int]) -> tuple[list[Placed], bytes | None]:
        """The versions with what changed from each to the next, and what came for the last one."""
        placed: list[Placed] = []
        before: bytes | None = None
        for number in numbers:
            payload = self._payload(number)
            changes = _told(before, payload) if before is not None else ()
            held = self._rows.get(number)
            if held:
                placed.append(Placed(number, changes, registry_date=held.registry_date, held=held.id))
            else:
                record = replace(self._records[number], trial=self._trial)
                placed.append(Placed(number, changes, record, self._staged[number]))
            before = payload
        return placed, before

    def _since(self, payload: bytes) -> tuple[Change, ...]:
        """What changed from a version of the history to the one seen live."""
        pair = differing(payload, self._seen_payload, ("html", self._seen.markup))
        return judged(*pair) if pair else ()


def _told(before: bytes, after: bytes) -> tuple[Change, ...]:
    pair = differing(before, after, ("html", "html"))
    return judged(*pair) if pair else ()


def _dates(record: Record) -> tuple[str | None, str | None]:
    """When the version was posted, and when it was submitted."""
    return record.last_update_post_date.date if record.last_update_post_date else None, record.last_update_submit_date
