"""All that an address is told, in the hands of its holder: who has the link of a mail that went to it sees it, changes it and stops it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from db import confirmations, erasure, keys, subscriptions
from db.connection import History, Row
from db.wishes import settle
from jobs import wishes
from jobs.surroundings import Surroundings
from jobs.wishes import period_end_of
from registry_sync.notices.interface import Every
from registry_sync.notices.route import Subscription


class Change(msgspec.Struct, frozen=True):
    """What is to be told from now on by a subscription, how often, and in which language."""

    topics: frozenset[str]
    countries: frozenset[str]
    least: str
    every: Every
    timezone: str
    language: str


def address_of(around: Surroundings, history: History, token: str) -> str | None:
    """Whose link this is; ``None`` when it is nobody's, is too old, or nothing is held on the address any more."""
    from registry_sync.notices.tokens import read_manage_token

    identity = read_manage_token(keys.links(history), token)
    return confirmations.accessible(history, identity, around.now()) if identity else None


def live(history: History, address: str) -> list[Row]:
    """The subscriptions of an address that are not stopped, as listed; those that its own refusals have stopped among them."""
    rows = subscriptions.listing(history, address=address)
    return [row for row in rows if row["state"] != "stopped" or row["stopped_why"] == "bounces"]


def one(history: History, address: str, subscription_id: int) -> Row | None:
    """One of them."""
    return next((row for row in live(history, address) if row["id"] == subscription_id), None)


def change(
    around: Surroundings, history: History, address: str, subscription_id: int, wanted: Change, *, without: Collection[str] = ()
) -> bool:
    """Change one of the subscriptions of an address, also for what waits; False when there is no such one.

    ``without``: trials that it names and is to tell of no more; of one at least it goes on to tell.
    """
    with history.together():
        if one(history, address, subscription_id) is None:
            return False
        its = subscriptions.by_id(history, subscription_id)
        changed: Subscription = msgspec.structs.replace(its, **msgspec.structs.asdict(wanted))
        subscriptions.change(history, subscription_id, changed)
        subscriptions.take_out(history, subscription_id, without)
        settle(history, address, now=around.now(), period_end=period_end_of(around.settings.schedule))
    return True


def stop(around: Surroundings, history: History, address: str, subscription_id: int) -> bool:
    """Stop one of the subscriptions of an address; False when there is no such one."""
    return one(history, address, subscription_id) is not None and wishes.stop_one(around, history, subscription_id) is not None


def stop_all(around: Surroundings, history: History, address: str) -> None:
    """Stop all that an address is told."""
    wishes.stop(around, history, address, (), why="holder")


def held(history: History, address: str) -> dict[str, Any]:
    """All that is held on an address, as ``subscriber export`` writes it."""
    return erasure.held(history, address)


def erase(around: Surroundings, history: History, address: str) -> None:
    """Erase all that is held on an address but the keyed hash that keeps its stop."""
    erasure.erase_at_once(history, address, around.stamp())
