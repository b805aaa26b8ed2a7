"""Sends what is due from the outbox.

A notice is claimed, handed to its channel, and marked sent once the server took it. When the process dies in between, the
claim is free as soon as the next delivery begins, and the repeat carries the same identity.

What the operator is to hear of the service itself goes last and over the same connection: it holds up no subscriber's notice.
"""

from __future__ import annotations

import datetime
import random
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from db import absences, outbox, runs, slips, subscriptions
from db import history as versions
from db.connection import History
from db.outbox import Waiting
from jobs import health
from jobs.lock import only_one
from jobs.reports import DeliverReport
from jobs.surroundings import Surroundings, as_stamp, log
from registry_sync.errors import RegistrySyncError, Stopped
from registry_sync.notices.address import masked
from registry_sync.notices.interface import Channel, Notice, Outcome, Refused, Retry, Sent, TrialNews
from registry_sync.sources import ctgov

if TYPE_CHECKING:
    from email.message import EmailMessage

    from registry_sync.notices.email import MailChannel

JOB = "deliver"
WAITS = (60, 300, 900, 3600, 4 * 3600, 12 * 3600, 24 * 3600)
"""Seconds before the next try after the first, second, ... failure; the last one for ever: a notice is never given up in silence."""
PATIENCE = 20.0
"""Seconds to wait for another delivery to end: what was queued after it looked must not wait for the next round."""

Channels = Mapping[str, Channel]


def open_channels(around: Surroundings) -> Channels:
    """A channel for each kind of address."""
    from registry_sync.notices.chat import ChatChannel
    from registry_sync.notices.webhook import WebhookChannel

    settings = around.settings
    return {
        "email": mail_channel(around),
        "webhook": WebhookChannel(settings.webhook, timeout=settings.http.timeout, now=lambda: around.now().timestamp()),
        "chat": ChatChannel(settings.webhook),
    }


def mail_channel(around: Surroundings) -> MailChannel:
    """The mail server of the settings."""
    from registry_sync.notices import compose, operator
    from registry_sync.notices.email import MailChannel

    smtp, web_url, now = around.settings.smtp, around.settings.web.url, around.now()

    def write(notice: Notice) -> EmailMessage:
        if isinstance(notice, operator.OperatorNotice):
            return operator.mail(notice, sender=smtp.sender, now=now)
        return compose.mail(notice, sender=smtp.sender, reply_to=smtp.reply_to, unsubscribe=smtp.unsubscribe, web_url=web_url, now=now)

    return MailChannel(smtp, compose=write, wait=around.pause, clock=time.monotonic)


def deliver(around: Surroundings, *, channels: Callable[[Surroundings], Channels] = open_channels) -> DeliverReport:
    """Send everything that is due, oldest first, and then what the operator is to hear; one recipient's failure stops nobody else's.

    What fails on the way to the operator is in the report's problems, not in its numbers.

    Raises AlreadyRunning when another delivery does not end within PATIENCE seconds, DatabaseError.
    """
    report = DeliverReport()
    with only_one(around.database, JOB, patience=PATIENCE, wait=around.pause), around.open() as history:
        outbox.release_claims(history)
        due = outbox.counts(history, around.stamp())["due"]
        if due or health.is_due(around, history):
            run = runs.begin(history, JOB, around.stamp())
            around.progress.begin("Sending", due)
            try:
                _send_all(around, history, channels(around), report)
            finally:
                around.progress.end()
                runs.end(history, run, around.stamp(), "partial" if report.is_partial else "done", report.as_json())
        report.waiting = outbox.counts(history, around.stamp())["waiting"]
    return report


def _send_all(around: Surroundings, history: History, channels: Channels, report: DeliverReport) -> None:
    open_kinds = set(channels)
    began = around.stamp()
    try:
        while open_kinds and not around.stop.is_set():
            # due when this run began: what fails in it is not tried twice
            waiting = outbox.claim_next(history, began, sorted(open_kinds))
            if waiting is None:
                break
            around.progress.step()
            outcome = _send(around, history, channels, waiting)
            _note(around, history, waiting, outcome, report)
            if isinstance(outcome, Retry) and outcome.channel_down:
                open_kinds.discard(waiting.kind)
        if "email" in open_kinds and not around.stop.is_set() and health.is_due(around, history):
            report.problems += health.tell(around, history, channels["email"])
    finally:
        for channel in channels.values():
            channel.close()


def _send(around: Surroundings, history: History, channels: Channels, waiting: Waiting) -> Outcome | None:
    notice = compose_notice(around, history, waiting)
    if not notice.news:
        return None
    try:
        return channels[waiting.kind].send(notice)
    except RegistrySyncError as error:
        if isinstance(error, Stopped):
            raise
        return Retry(str(error))
    except Exception as error:
        # a fault in writing or sending one notice must not hold up the others, nor lose this one
        log.exception("notice %s to %s", waiting.id, waiting.kind)
        return Retry(f"could not be written or sent ({type(error).__name__})")


def _note(around: Surroundings, history: History, waiting: Waiting, outcome: Outcome | None, report: DeliverReport) -> None:
    match outcome:
        case None:
            outbox.cancel(history, waiting.id)
        case Sent():
            outbox.sent(history, waiting.id, around.stamp())
            report.sent += 1
        case Refused(reason):
            outbox.park(history, waiting.id, reason)
            report.failed += 1
            report.problems.append(_named(waiting, reason))
        case Retry(reason, after, channel_down):
            seconds = max(after or 0.0, WAITS[min(waiting.attempts, len(WAITS)) - 1] * random.uniform(0.9, 1.1))
            next_try = around.now() + datetime.timedelta(seconds=min(seconds, WAITS[-1]))
            outbox.again(history, waiting.id, as_stamp(next_try), reason)
            report.retrying += 1
            report.problems.append(reason if channel_down else _named(waiting, reason))


def _named(waiting: Waiting, reason: str) -> str:
    """The reason with the address it is about, where it does not say so itself."""
    address = masked(waiting.address)
    return reason if address in reason else f"{address}: {reason}"


def compose_notice(around: Surroundings, history: History, waiting: Waiting) -> Notice:
    """Everything that a channel needs to write this notice; its news are empty when nothing is left to tell."""
    subscription = subscriptions.by_id(history, waiting.subscription_id)
    changes = outbox.changes_of(history, waiting.id)
    moved, absent = slips.of_notice(history, waiting.id), absences.every(history)
    news = []
    for trial, (first, last) in sorted(outbox.versions_of(history, waiting.id).items()):
        version = versions.by_id(history, last)
        earlier = versions.before(history, versions.by_id(history, first))
        of_trial = tuple(change for change in changes if change.trial == trial)
        news.append(
            TrialNews(
                trial=trial,
                url=ctgov.study_url(around.settings.ctgov.url, trial),
                registry_date=None if earlier and earlier.registry_date == version.registry_date else version.registry_date,
                seen_at=max(version.seen_at, *(change.seen_at for change in of_trial)),
                changes=of_trial,
                record=version.record,
                before=earlier.record if earlier else None,
                slips=moved.get(trial, {}),
                into=absent[trial].into if trial in absent else None,
            )
        )
    return Notice(
        id=waiting.id,
        address=waiting.address,
        kind=subscription.kind,
        role=subscription.role,
        language=subscription.language,
        every=subscription.every,
        created_at=waiting.created_at,
        news=tuple(news),
        stop_token=subscription.stop_token,
        secret_env=subscription.secret_env,
    )
