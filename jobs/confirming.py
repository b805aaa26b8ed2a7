"""The holder of an address is asked by mail whether a subscription is wanted, and says yes by the link in it.

A mail is queued in the transaction that keeps the subscription, and sent by a delivery as notices are: it survives whatever dies in
between, and a repeat carries the same identity and the same link.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from db import confirmations, keys, subscriptions
from db.confirmations import Asking, Queued
from db.connection import History, Row
from db.register import Register
from db.subscriptions import Consent
from db.wishes import settle
from jobs.lock import Desk
from jobs.reports import ADDRESS, DeliverReport, Problem
from jobs.surroundings import Surroundings, as_stamp, from_stamp, log
from jobs.waits import next_try
from jobs.wishes import period_end_of
from registry_sync.errors import RegistrySyncError, Stopped
from registry_sync.notices.interface import Channel, Notice, Outcome, Refused, Retry, Sent
from registry_sync.notices.route import Subscription
from registry_sync.sources.ctgov_search import Search


def ask(
    around: Surroundings,
    history: History,
    wanted: Subscription,
    trials: Sequence[str],
    *,
    search: Search | None = None,
    instead: bool = False,
) -> tuple[Row, Queued | None]:
    """Keep a mail address's subscription as one that its holder has not confirmed, and queue the mail that asks; its row in the listing.

    What became of the mail is ``None`` where none is needed, since the holder's or an operator's consent is there, or none can be
    written, since the settings name no public address of the web pages. ``instead`` takes effect with the confirmation.
    """
    with history.together():
        row = keep(around, history, wanted, trials, search=search, instead=instead)
        settle(history, wanted.address, now=around.now(), period_end=period_end_of(around.settings.schedule))
        return row, queue(around, history, row, instead=instead)


def keep(
    around: Surroundings,
    history: History,
    wanted: Subscription,
    trials: Sequence[str],
    *,
    search: Search | None = None,
    instead: bool = False,
    register: Register | None = None,
) -> Row:
    """Keep a subscription that its holder has not confirmed, and ask nobody; its row in the listing. What waits stays as it is."""
    from registry_sync.notices.confirm import wording

    consent = Consent(wording(wanted.language), None, None)
    now = around.stamp()
    return subscriptions.add(history, wanted, trials, consent=consent, now=now, search=search, instead=instead, register=register)


def queue(around: Surroundings, history: History, row: Row, *, instead: bool = False) -> Queued | None:
    """Queue the mail that asks for a subscription in the listing; see ``ask``."""
    if row["state"] == "active" or not around.settings.web.url:
        return None
    with history.write() as connection:
        return confirmations.queue(connection, row["id"], around.now(), instead=instead)


def asked(around: Surroundings, history: History, token: str) -> Asking | None:
    """What a link asks about; ``None`` when it is nobody's, was used, or has expired."""
    from registry_sync.notices.tokens import read_confirm_token

    identity = read_confirm_token(keys.links(history), token)
    return confirmations.usable(history, identity, around.now()) if identity else None


def confirm(around: Surroundings, history: History, token: str) -> Subscription | None:
    """The holder says yes by a link: the subscription is active; ``None`` when the link cannot be used (any more)."""
    from registry_sync.notices.confirm import wording

    with history.together():
        asking = asked(around, history, token)
        if asking is None:
            return None
        address = confirmations.confirm(history, asking.id, wording(asking.subscription.language), around.now())
        if address is None:
            return None
        settle(history, address, now=around.now(), period_end=period_end_of(around.settings.schedule))
    return asking.subscription


def prepare(around: Surroundings, history: History, desk: Desk) -> bool:
    """Free what dead deliveries had claimed, take back what nobody needs any more; may a mail be sent now?"""
    claimants = confirmations.claimants(history)
    if claimants:
        confirmations.free_claims(history, desk.nobody_at(claimants))
    confirmations.tidy(history, around.now())
    return bool(around.settings.web.url) and confirmations.is_due(history, around.now())


def send(around: Surroundings, history: History, by: int, channel: Channel, report: DeliverReport, lock: threading.Lock) -> bool:
    """Send what is due; False when the mail server as a whole cannot be used now. Raises Stopped.

    ``lock`` is held while the report is written, which other threads write, too.
    """
    if not around.settings.web.url:
        return True
    last: Asking | None = None
    while not around.stop.is_set():
        asking = confirmations.claim(history, by, around.now(), last)
        if asking is None and last is None:
            return True
        last = asking  # after the last one: once more from the first, which may have had to wait until now
        if asking is None:
            continue
        done = False
        try:
            outcome = _send(around, history, asking, channel)
            done = True
        finally:
            if not done:
                confirmations.give_back(history, by, asking.id)
        with lock:
            _note(around, history, by, asking, outcome, report)
        if isinstance(outcome, Retry) and outcome.channel_down:
            return False
    return True


def _send(around: Surroundings, history: History, asking: Asking, channel: Channel) -> Outcome:
    try:
        return channel.send(_notice(around, history, asking))
    except Stopped:
        raise
    except RegistrySyncError as error:
        return Retry(str(error))
    except Exception as error:
        # a fault in one mail must not hold up the others
        log.exception("a mail that asks for a confirmation")
        return Retry(f"could not be written or sent ({type(error).__name__})")


def _notice(around: Surroundings, history: History, asking: Asking) -> Notice:
    from registry_sync.notices import access
    from registry_sync.notices import confirm as wording
    from registry_sync.notices.tokens import confirm_token, manage_token

    web_url = around.settings.web.url
    key = keys.links(history)
    to: dict[str, Any] = {
        "id": asking.id,
        "address": asking.subscription.address,
        "language": asking.subscription.language,
        "created_at": asking.created_at,
        "web_url": web_url,
    }
    if asking.kind != "confirm":
        link = f"{web_url.rstrip('/')}/manage/{manage_token(key, asking.id)}"
        return access.AccessNotice(**to, link=link, already=asking.kind == "already")
    return wording.ConfirmNotice(
        **to,
        link=f"{web_url.rstrip('/')}/confirm/{confirm_token(key, asking.id)}",
        until=as_stamp(from_stamp(asking.created_at) + confirmations.VALID),
    )


def _note(around: Surroundings, history: History, by: int, asking: Asking, outcome: Outcome, report: DeliverReport) -> None:
    match outcome:
        case Sent():
            confirmations.sent(history, asking.id, around.stamp())
            report.sent += 1
        case Refused(reason, brief):
            if confirmations.park(history, by, asking.id, reason):
                report.failed += 1
                report.problems.append(_problem(asking, reason, brief))
        case Retry(reason, after, channel_down, _, brief):
            ours = confirmations.again(history, by, asking.id, next_try(around, asking.attempts, after), reason)
            report.retrying += ours
            if ours or channel_down:
                report.problems.append(Problem(reason, brief or reason) if channel_down else _problem(asking, reason, brief))


def _problem(asking: Asking, reason: str, brief: str | None) -> Problem:
    address, what = asking.subscription.address, _to_be(asking)
    return Problem(f"{address}, {what}: {reason}", f"{ADDRESS}, {what}: {(brief or reason).replace(address, ADDRESS)}")


def _to_be(asking: Asking) -> str:
    return "to be asked for a confirmation" if asking.kind == "confirm" else "to be sent a link to what it is told"
