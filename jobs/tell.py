"""Changes that a sync found -> kept, and the notices about them queued, in one transaction with what led to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from db import absences, outbox, retold, subscriptions, watches
from db import history as versions
from db.connection import Connection, History
from db.pages import Page
from jobs.surroundings import Surroundings, as_stamp
from jobs.wishes import period_end_of
from registry_sync.notices.route import Planned, Subscription, in_the_next_period, route
from registry_sync.sources.interface import CTGOV, Gone, Moved
from registry_sync.trials import presence, standing
from registry_sync.trials.changes import Change
from registry_sync.trials.presence import Absence


def keep(
    around: Surroundings,
    history: History,
    connection: Connection,
    changes: Sequence[Change],
    *,
    trial: str,
    source: str,
    version: int,
    registry_date: str | None,
    key: str = "",
    joins_since: str | None = None,
    heard: Sequence[frozenset[str]] = (),
) -> int:
    """Keep the changes that belong to a version and queue their notices; how many were queued.

    ``key`` tells notices apart that belong to one version: the trial may come and go and read the same. ``joins_since``, ``heard``: see
    ``queue``.
    What a page says otherwise than before is kept, and is no news of the trial; how it stands beside the registry (topic ``listing``) is
    news.
    """
    if not changes:
        return 0
    now = as_stamp(around.now())
    ids = versions.add_changes(connection, version, changes, trial=trial, source=source, registry_date=registry_date, seen_at=now)
    if source != CTGOV and changes[0].topic != standing.TOPIC:
        return 0
    following = subscriptions.following(history, trial)
    return queue(around, connection, f"{version}{key}", changes, ids, following, trial=trial, joins_since=joins_since, heard=heard)


def queue(
    around: Surroundings,
    connection: Connection,
    key: str,
    changes: Sequence[Change],
    ids: Sequence[int],
    following: Iterable[Subscription],
    *,
    trial: str,
    joins_since: str | None = None,
    heard: Sequence[frozenset[str]] = (),
) -> int:
    """Queue the notices about kept changes (``ids``: theirs, in the same order) for those of ``following`` who want them; how many.

    ``joins_since``: what waits about this trial since that time (UTC), and was not tried yet, takes them in. ``heard``: by change, the
    addresses that have heard it.
    """
    now, ends = around.now(), period_end_of(around.settings.schedule)
    joins = (trial, joins_since) if joins_since is not None else None
    routed = route(trial, key, changes, following, now=now, period_end=ends)
    planned = retold.without(connection, _without(routed, heard) if any(heard) else routed, ids, now)
    return outbox.queue(connection, planned, ids, as_stamp(now), joins=joins, later=lambda plan: in_the_next_period(plan, ends))


def _without(planned: Iterable[Planned], heard: Sequence[frozenset[str]]) -> Iterator[Planned]:
    for plan in planned:
        positions = tuple(each for each in plan.positions if plan.address not in heard[each])
        if positions:
            yield msgspec.structs.replace(plan, positions=positions)


def listing(
    around: Surroundings, history: History, connection: Connection, change: Change, page: Page, version: int, *, sync: str
) -> tuple[int, int]:
    """Keep the news of a listing, beside the registry's newest version; how many changes were kept and notices queued.

    What several listings of a trial bring in one sync (begun at ``sync``, UTC) is one notice, and part of the trial's own where one waits.
    """
    queued = keep(
        around,
        history,
        connection,
        (change,),
        trial=page.trial,
        source=page.url,
        version=version,
        registry_date=None,
        key=f" listings {sync}",
        joins_since=sync,
    )
    return 1, queued


def no_record(around: Surroundings, history: History, observation: Gone | Moved, known: Absence | None) -> tuple[int, int]:
    """Note that the registry did not show a trial that it has shown; how many changes were kept and notices queued.

    An id of which no version is held never was a record: there is nothing to tell.
    """
    held = versions.latest(history, observation.trial, CTGOV)
    if held is None:
        return 0, 0
    now = around.stamp()
    absence, word = presence.not_found(known, now) if isinstance(observation, Gone) else presence.moved(known, observation.to, now)
    change = presence.told(known, word, held.record) if word else None
    if absence == known:
        return 0, 0
    with history.write() as connection:
        absences.keep(connection, observation.trial, absence, now)
        queued = _keep_presence(around, history, connection, change, observation.trial, held.id) if change else 0
    return (1 if change else 0), queued


def back(around: Surroundings, history: History, trial: str, known: Absence) -> tuple[int, int]:
    """Note that a record is there again and reads as it did; how many changes were kept and notices queued."""
    held = versions.latest(history, trial, CTGOV)
    change = presence.told(known, "present", held.record) if held else None
    with history.write() as connection:
        absences.forget(connection, trial, around.stamp())
        queued = _keep_presence(around, history, connection, change, trial, held.id) if held and change else 0
    return (1 if change else 0), queued


def found(around: Surroundings, history: History, trial: str) -> tuple[int, int]:
    """Note that a search found a trial of which a version is held from before; how many changes were kept and notices queued."""
    held = versions.latest(history, trial, CTGOV)
    if held is None:
        return 0, 0
    with history.write() as connection:
        watches.news_told(connection, trial)
        queued = _keep_presence(around, history, connection, presence.found(held.record), trial, held.id)
    return 1, queued


def _keep_presence(around: Surroundings, history: History, connection: Connection, change: Change, trial: str, version: int) -> int:
    key = f" {change.after} {around.stamp()}"
    return keep(around, history, connection, (change,), trial=trial, source=CTGOV, version=version, registry_date=None, key=key)
