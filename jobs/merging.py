"""One id becomes another's alias: what those who follow it are told."""

from __future__ import annotations

from db import absences, subscriptions
from db import history as versions
from db.connection import History
from db.history import Version
from jobs import tell
from jobs.surroundings import Surroundings
from registry_sync.errors import BadContent, Damaged
from registry_sync.sources.ctgov_record import differing
from registry_sync.sources.interface import CTGOV, Moved
from registry_sync.trials import presence
from registry_sync.trials.changes import Change
from registry_sync.trials.presence import Absence
from registry_sync.trials.significance import judged


def merged(around: Surroundings, history: History, moved: Moved, known: Absence | None) -> tuple[int, int]:
    """Note that the registry shows a trial under another id; how many changes were kept and notices queued.

    Where both ids have versions of their own, no later one tells in which status the last record under the old id and the record of the
    other one differ. So it is told here, in one notice with the merger, to those who follow the old id and not the other.
    """
    old, new = versions.latest(history, moved.trial, CTGOV), versions.latest(history, moved.to, CTGOV)
    status = presence.between(_differing(history, old, new), moved.trial, moved.to) if old and new else ()
    absence, word = presence.moved(known, moved.to, around.stamp())
    change = presence.told(known, word, old.record) if old and word else None
    if new is None or change is None or not status:
        return tell.no_record(around, history, moved, known)
    changes = (change, *status)
    with history.write() as connection:
        stamp = around.stamp()
        absences.keep(connection, moved.trial, absence, stamp)
        ids = versions.add_changes(connection, new.id, changes, trial=moved.trial, source=CTGOV, registry_date=None, seen_at=stamp)
        queued = sum(_queue(around, history, moved, told, ids, only) for told, only in ((changes, True), (changes[:1], False)))
    return sum(each.significance != "housekeeping" for each in changes), queued


def _differing(history: History, old: Version, new: Version) -> tuple[Change, ...]:
    try:
        pair = differing(versions.payload(history, old.id), versions.payload(history, new.id))
    except (BadContent, Damaged):
        pair = (old.record, new.record)
    return judged(*pair) if pair else ()


def _queue(around: Surroundings, history: History, moved: Moved, changes: tuple[Change, ...], ids: list[int], only_the_old: bool) -> int:
    """Queue the notices for those who follow the old id ``only_the_old``, or the other one too; how many."""
    of_the_other = {subscription.address for subscription in subscriptions.following(history, moved.to)}
    following = [each for each in subscriptions.following(history, moved.trial) if (each.address in of_the_other) != only_the_old]
    return tell.queue(around, history.connection, f"into {moved.to} {around.stamp()}", changes, ids, following, trial=moved.trial)
