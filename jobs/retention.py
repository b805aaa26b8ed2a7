"""What is past its time goes: subscriptions stopped long ago, contacts that the registry has taken down, and rows of old runs."""

from __future__ import annotations

import contextlib
import datetime
from typing import Any

import msgspec

from db import bulletins, contacts, erasure, forms, retold, runs
from db.connection import History
from jobs.surroundings import Surroundings, as_stamp, log
from registry_sync.errors import Damaged, DatabaseError
from registry_sync.plural import count

DAYS_OF_RUNS = 400
"""How long rows are kept of what jobs did, and of what the operator was told."""


DAYS_OF_FORMS = 7
"""How long a form is kept that cannot be worked off: as long as the link would hold that comes of it."""


class Kept(msgspec.Struct, frozen=True):
    """What went: subscriptions, versions out of which somebody was taken, rows of runs; ``faults``: the trials that could not be read."""

    subscriptions: int = 0
    contacts: int = 0
    runs: int = 0
    faults: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Part of the shape of ``backup --json``."""
        return {"subscriptions": self.subscriptions, "contacts": self.contacts, "runs": self.runs}


def tidy(around: Surroundings, history: History) -> Kept:
    """Take away what is past its time, in small transactions, and let nothing of it stand in the file. Doing it again takes nothing."""
    settings, now = around.settings.retention, around.now()
    stopped, taken = 0, 0
    faults: tuple[str, ...] = ()
    first = not contacts.redacted(history)
    if settings.stopped_subscriptions:
        stopped = erasure.age_out(history, as_stamp(now - datetime.timedelta(days=settings.stopped_subscriptions)))
    if settings.old_contacts:
        taken, faults = _old_contacts(around, history, as_stamp(now - datetime.timedelta(days=settings.old_contacts))[:10])
    before = as_stamp(now - datetime.timedelta(days=DAYS_OF_RUNS))
    old = runs.age_out(history, before) + bulletins.age_out(history, before)
    retold.age_out(history, now)
    dropped = forms.age_out(history, as_stamp(now - datetime.timedelta(days=DAYS_OF_FORMS)))
    if dropped:
        log.warning("%s of the web pages could not be worked off within %s days, and went", count(dropped, "form"), DAYS_OF_FORMS)
    if taken and first:
        _from_the_ground_up(history)
    erasure.settle(history)
    return Kept(stopped, taken, old, faults)


def _old_contacts(around: Surroundings, history: History, before: str) -> tuple[int, tuple[str, ...]]:
    """Take out who was taken down on this day or earlier; out of how many versions, and what could not be read."""
    taken = 0
    faults: list[str] = []
    trials = contacts.due(history, before)
    around.progress.begin("Looking for contacts taken down", len(trials))
    with history.relaxed(), contextlib.ExitStack() as stack:  # what a power cut undoes is done again the next night
        stack.callback(around.progress.end)
        for trial in trials:
            if around.stop.is_set():
                break
            try:
                taken += contacts.carry_out(history, contacts.plan(history, trial, before), around.stamp())
            except Damaged as error:
                faults.append(str(error))
                log.warning("%s: contacts that were taken down stay: %s", trial, error)
            around.progress.step(trial)
    return taken, tuple(faults)


def _from_the_ground_up(history: History) -> None:
    """Write the file anew, once: what was deleted before deleted things were overwritten may still stand in its free space."""
    try:
        erasure.overwrite(history)
    except DatabaseError as error:
        log.warning(
            "%s; what was deleted long ago may still be read from its free space: `registry-sync subscriber erase` rewrites it", error
        )
