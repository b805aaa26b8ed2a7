"""(the changes of one trial, the subscriptions) -> who is to hear what, and when. Pure.

One address hears of a trial once, whatever the number of its subscriptions, and never the same change twice.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, product

import msgspec

from registry_sync.notices.interface import Every, Kind, Role
from registry_sync.trials.changes import Change
from registry_sync.trials.countries import country_key

READER_TOPICS = frozenset({"status", "timeline", "criteria", "places", "design", "results", "identity", "registry"})
COORDINATOR_TOPICS = READER_TOPICS | {"listing", "deadlines"}
EVERY: tuple[Every, ...] = ("now", "day", "week")
"""The rhythms, from the earliest on."""


class Subscription(msgspec.Struct, frozen=True):
    """Who hears of what: see INTERFACE's ``subscribe``. ``topics`` and ``countries`` are empty for the role's default and for all.

    ``hold``: its notices wait until the operator has read and released them. ``bounced``: its address has refused so many that nothing more
    is sent to it; what waits is still wanted.
    """

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
    hold: bool = False
    bounced: bool = False

    @property
    def told_of(self) -> frozenset[str]:
        """The topics in force."""
        return self.topics or (COORDINATOR_TOPICS if self.role == "coordinator" else READER_TOPICS)


class Planned(msgspec.Struct, frozen=True):
    """A notice to be queued: for whom, about which of the changes (their positions), due when (UTC), and whether it waits for a yes.

    ``subscription_id`` and ``timezone`` are those of the subscription whose voice it has as things stand.
    """

    key: str
    address: str
    kind: Kind
    every: Every
    subscription_id: int
    positions: tuple[int, ...]
    due: datetime.datetime
    timezone: str = "UTC"
    hold: bool = False


PeriodEnd = Callable[[Every, str, datetime.datetime], datetime.datetime]
"""(rhythm, time zone, a moment in UTC) -> when the day or week of a digest ends that runs at that moment (UTC)."""


def route(
    trial: str,
    version: str,
    changes: Sequence[Change],
    subscriptions: Iterable[Subscription],
    *,
    now: datetime.datetime,
    period_end: PeriodEnd,
) -> Iterator[Planned]:
    """The notices that follow from one trial's changes.

    ``subscriptions`` are the active ones that follow this trial, those of one address in a row; none is held in memory longer than that.
    ``version`` makes the key of a notice sent at once unique. Where an address has several subscriptions, the coordinator's voice and the
    earliest send win; what one of them wants that is not held back waits for no other one's yes.
    """
    for address, several in groupby(subscriptions, lambda subscription: subscription.address):
        yield from _for_address(trial, version, address, list(several), changes, now, period_end)


def in_the_next_period(plan: Planned, period_end: PeriodEnd) -> Planned:
    """A digest's plan put off by a period: its own was over when the change came."""
    due = period_end(plan.every, plan.timezone, plan.due)
    key = _digest_key(plan.every, due, plan.address)
    return msgspec.structs.replace(plan, key=f"{key} held" if plan.hold else key, due=due)


def _for_address(
    trial: str,
    version: str,
    address: str,
    several: list[Subscription],
    changes: Sequence[Change],
    now: datetime.datetime,
    period_end: PeriodEnd,
) -> Iterator[Planned]:
    told: set[int] = set()
    for hold, every in product((False, True), EVERY):
        here = [each for each in several if each.every == every and each.hold == hold]
        wanted_by = {
            position: wishes
            for position, change in enumerate(changes)
            if position not in told and (wishes := [each for each in here if wants(each, change)])
        }
        if not wanted_by:
            continue
        told |= wanted_by.keys()
        first = voice(each for wishes in wanted_by.values() for each in wishes)
        due = now if every == "now" else period_end(every, first.timezone, now)
        key = f"now {trial} {version} {address}" if every == "now" else _digest_key(every, due, address)
        yield Planned(
            f"{key} held" if hold else key, address, first.kind, every, first.id, tuple(wanted_by), due, first.timezone, hold
        )  # fmt: skip


def _digest_key(every: Every, due: datetime.datetime, address: str) -> str:
    return f"{every} {due:%Y-%m-%dT%H:%MZ} {address}"


def voice(several: Iterable[Subscription]) -> Subscription:
    """Whose voice, language and stop link the one notice has: a coordinator's before a reader's, the older before the newer."""
    return min(several, key=lambda subscription: (subscription.role != "coordinator", subscription.id))


def wants(subscription: Subscription, change: Change) -> bool:
    """Is this change told to this subscriber?"""
    topics = subscription.told_of
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


def covers(one: Subscription, other: Subscription) -> bool:
    """Does the first, to the same trials, tell all that the second tells, no later, and in the same voice?"""
    return (
        one.role == other.role
        and one.told_of >= other.told_of
        and (one.least == "minor" or other.least == "major")
        and EVERY.index(one.every) <= EVERY.index(other.every)
        and (not one.countries or bool(other.countries and one.countries >= other.countries))
    )
