"""What people ask for by the forms of the web pages: kept before they are answered, and worked off after.

The answer knows nothing of an address. What is kept on it decides afterwards which mail is queued, if any: one that asks for a
confirmation, one with a link to all that it is told, or one that says that it is told this already. A form is worked off in one
transaction, whichever process comes to it first: the one that took it in, or the next delivery.
"""

from __future__ import annotations

import msgspec

from db import aliases, confirmations, forms, subscriptions
from db.connection import History, Row
from jobs import confirming
from jobs.surroundings import Surroundings, log
from registry_sync.errors import RegistrySyncError
from registry_sync.notices.interface import Every
from registry_sync.notices.route import Subscription, covers
from registry_sync.sources.ctgov_search import from_json


class Wish(msgspec.Struct, frozen=True):
    """What a reader wants to be told of: trials, or what a ``search`` finds (as it is kept; with neither all that is watched); and how."""

    trials: tuple[str, ...] = ()
    search: str | None = None
    topics: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    least: str = "minor"
    every: Every = "now"
    timezone: str = "UTC"
    language: str = "en"


def subscribe(around: Surroundings, history: History, address: str, wish: Wish) -> None:
    """Keep that news is asked for at this address."""
    forms.add(history, "subscribe", address, msgspec.json.encode(wish).decode(), around.stamp())


def manage(around: Surroundings, history: History, address: str) -> None:
    """Keep that a link is asked for at this address to all that it is told."""
    forms.add(history, "manage", address, None, around.stamp())


def work_off(around: Surroundings, history: History) -> None:
    """Queue the mails that come of the forms that wait. One that cannot be worked off stays for the next delivery. Raises DatabaseError."""
    left = 0
    while not around.stop.is_set() and (form := forms.oldest(history, after=left)) is not None:
        try:
            with history.together():
                if forms.take(history.connection, form["id"]):
                    _work_off(around, history, form)
        except RegistrySyncError:
            raise
        except Exception:
            # a fault in one form must not hold up the others, nor what is sent beside them
            log.exception("a form could not be worked off, and waits")
            left = form["id"]


def _work_off(around: Surroundings, history: History, form: Row) -> None:
    if form["kind"] == "manage":
        confirmations.queue_access(history.connection, form["address"], "manage", around.now())
        return
    wish = msgspec.json.decode(form["wish"], type=Wish)
    wanted = Subscription(
        id=0,
        address=form["address"],
        kind="email",
        topics=frozenset(wish.topics),
        countries=frozenset(wish.countries),
        least=wish.least,
        every=wish.every,
        timezone=wish.timezone,
        language=wish.language,
    )
    trials = aliases.current_ids(history, wish.trials)
    search = from_json(wish.search) if wish.search else None
    if any(covers(each, wanted) for each in subscriptions.telling(history, wanted.address, trials, search)):
        confirmations.queue_access(history.connection, wanted.address, "already", around.now())
        return
    before = subscriptions.same(history, wanted, trials, search)
    if before is not None:
        wanted = msgspec.structs.replace(wanted, hold=before.hold)  # that somebody reads first is not the reader's to change
    row, queued = confirming.ask(around, history, wanted, trials, search=search)
    if queued == "enough":
        subscriptions.forget_unasked(history.connection, row["id"])
