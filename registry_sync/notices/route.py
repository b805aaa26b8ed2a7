"""(the changes of one trial, the subscriptions) -> who is to hear what, and when. Pure.

One address hears of a trial once, whatever the number of its subscriptions, and never the same change twice.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence

import msgspec

from registry_sync.notices.interface import Every, Kind, Role
from registry_sync.trials.changes import Change
from registry_sync.trials.countries import country_key

READER_TOPICS = frozenset({"status", "timeline", "criteria", "places", "design", "results", "identity", "registry"})
COORDINATOR_TOPICS = READER_TOPICS | {"listing", "deadlines"}


class Subscription(msgspec.Struct, frozen=True):
    """Who hears of what: see INTERFACE's ``subscribe``. ``topics`` and ``countries`` are empty for the role's default and for all."""

    id: int
    address: str
    kind: Kind
    role: Role = "reader"
    topics: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    least: str = "minor"
    every: Every = "now"
    timezone: str = "UTC"
    language: str = "en"
    stop_token: str = ""
    secret_env: str | None = None


class Planned(msgspec.Struct, frozen=True):
    """A notice to be queued: for whom, about which of the changes (their positions), due when (UTC)."""

    key: str
    subscription: Subscription
    positions: tuple[int, ...]
    due: datetime.datetime


def route(
    trial: str,
    version: str,
    changes: Sequence[Change],
    subscriptions: Iterable[Subscription],
    *,
    now: datetime.datetime,
    period_end: Callable[[Every, str], datetime.datetime],
) -> tuple[Planned, ...]:
    """The notices that follow from one trial's changes; ``subscriptions`` are the active ones that follow this trial.

    ``version`` makes the key of a notice sent at once unique. ``period_end(every, timezone)`` is when the running day or
    week of a digest ends. Where an address has several subscriptions, the coordinator's voice and the earliest send win.
    """
    by_address: dict[str, list[Subscription]] = {}
    for subscription in subscriptions:
        by_address.setdefault(subscription.address, []).append(subscription)
    planned = []
    for address, several in by_address.items():
        planned += _for_address(trial, version, address, several, changes, now, period_end)
    return tuple(planned)


def _for_address(
    trial: str,
    version: str,
    address: str,
    several: list[Subscription],
    changes: Sequence[Change],
    now: datetime.datetime,
    period_end: Callable[[Every, str], datetime.datetime],
) -> list[Planned]:
    told: set[int] = set()
    planned = []
    for every in ("now", "day", "week"):
        here = [subscription for subscription in several if subscription.every == every]
        wanted = {position for subscription in here for position, change in enumerate(changes) if wants(subscription, change)} - told
        if not wanted:
            continue
        voice = _voice([subscription for subscription in here if any(wants(subscription, changes[position]) for position in wanted)])
        told |= wanted
        if every == "now":
            key, due = f"now {trial} {version} {address}", now
        else:
            due = period_end(every, voice.timezone)
            key = f"{every} {due:%Y-%m-%dT%H:%MZ} {address}"
        planned.append(Planned(key, voice, tuple(sorted(wanted)), due))
    return planned


def _voice(several: list[Subscription]) -> Subscription:
    """Whose voice, language and stop link the one notice has: a coordinator's before a reader's, the older before the newer."""
    return min(several, key=lambda subscription: (subscription.role != "coordinator", subscription.id))


def wants(subscription: Subscription, change: Change) -> bool:
    """Is this change told to this subscriber?"""
    topics = subscription.topics or (COORDINATOR_TOPICS if subscription.role == "coordinator" else READER_TOPICS)
    if change.topic not in topics or not _in_countries(subscription, change):
        return False
    matters = significance(subscription, change)
    if matters == "housekeeping":
        # a field of another topic that is housekeeping is told only to those who asked for housekeeping by name
        return "housekeeping" in topics and subscription.least == "minor"
    return matters == "major" or (matters == "minor" and subscription.least == "minor")


def significance(subscription: Subscription, change: Change) -> str:
    """How much this change matters to this subscriber: a site that opens in a country that they follow is major to a reader."""
    if subscription.role == "coordinator" or change.topic == "listing":  # only who asks for listings hears of them
        return change.significance
    matters = change.reader_significance
    opens = change.field == "locations" and bool(change.after) and change.after["status"] == "RECRUITING"
    if matters == "minor" and opens and subscription.countries and not (change.before and change.before["status"] == "RECRUITING"):
        return "major"
    return matters


def _in_countries(subscription: Subscription, change: Change) -> bool:
    if change.field != "locations" or not subscription.countries:
        return True
    places = [place for place in (change.before, change.after) if place]
    wanted = {country_key(country) for country in subscription.countries}
    return any(country_key(place["country"]) in wanted for place in places)
