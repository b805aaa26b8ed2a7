"""Who hears of what, as it is changed from outside: each change of mind is one transaction, and takes effect for what is not yet sent."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence

from db import stops, subscriptions
from db.connection import History, Row
from db.subscriptions import Consent
from db.wishes import settle
from jobs.surroundings import Surroundings
from registry_sync.notices.interface import Every
from registry_sync.notices.route import PeriodEnd, Subscription
from registry_sync.settings import Schedule
from registry_sync.sources.ctgov_search import Search


def period_end_of(schedule: Schedule) -> PeriodEnd:
    """When a digest's period ends, by the settings."""

    def ends(every: Every, timezone: str, moment: datetime.datetime) -> datetime.datetime:
        from jobs.triggers import period_end  # loads the scheduler: only for a digest

        return period_end(every, timezone, moment, digest=schedule.digest, week_ends=schedule.week_ends)

    return ends


def follow(
    around: Surroundings,
    history: History,
    wanted: Subscription,
    trials: Sequence[str],
    *,
    consent: Consent,
    search: Search | None = None,
    instead: bool = False,
) -> Row:
    """Keep a subscription (see ``db.subscriptions.add``); its row in the listing."""
    with history.together():
        row = subscriptions.add(history, wanted, trials, consent=consent, now=around.stamp(), search=search, instead=instead)
        settle_all(around, history, [wanted.address])
    return row


def stop(around: Surroundings, history: History, address: str, trials: Sequence[str], *, why: stops.Why) -> int:
    """Stop what an address hears of these trials, or (none named) of all; how many subscriptions that touched."""
    with history.together():
        touched = subscriptions.stop(history, address, trials, why=why, now=around.stamp())
        settle_all(around, history, [address])
    return touched


def stop_search(around: Surroundings, history: History, address: str, search: Search, *, why: stops.Why) -> int:
    """Stop what an address hears by a search; how many subscriptions that were."""
    with history.together():
        touched = subscriptions.stop_search(history, address, search, why=why, now=around.stamp())
        settle_all(around, history, [address])
    return touched


def stop_one(around: Surroundings, history: History, subscription_id: int, *, why: stops.Why = "holder") -> str | None:
    """Stop one subscription; its address, or ``None`` when nothing is held on it any more."""
    with history.together():
        address = subscriptions.stop_one(history, subscription_id, why=why, now=around.stamp())
        if address is not None:
            settle_all(around, history, [address])
    return address


def stop_for_bounces(around: Surroundings, history: History, address: str, most: int) -> int:
    """Stop all that an address hears once so many of its notices in a row were refused for good; how many subscriptions that were.

    What waits for it stays: nobody has said that it is not wanted.
    """
    with history.write() as connection:
        return subscriptions.bounced(connection, address, most, around.stamp())


def settle_all(around: Surroundings, history: History, addresses: Iterable[str]) -> None:
    """Bring what waits for these addresses into line with what they want now, inside the caller's transaction."""
    for address in addresses:
        settle(history, address, now=around.now(), period_end=period_end_of(around.settings.schedule))
