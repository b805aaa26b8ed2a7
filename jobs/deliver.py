"""Sends what is due from the outbox.

A notice is claimed, handed to its channel, and marked sent once the server took it. Any number of processes may do so at once. When one
dies in between, what it had claimed is free as soon as the next delivery begins, and the repeat carries the same identity.

Mails that ask for a confirmation, and what else comes of the forms of the web pages, go before other mails, since somebody waits for them.

What the operator is to hear of the service itself goes last and over the same connection: it holds up no subscriber's notice.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from db import buckets, confirmations, outbox, runs
from db.connection import History
from db.outbox import Waiting
from jobs import asking, confirming, health, wishes
from jobs.lock import Desk, desk_of
from jobs.reports import ADDRESS, DeliverReport, Problem
from jobs.surroundings import Surroundings, log
from jobs.waits import next_try
from registry_sync.errors import RegistrySyncError, Stopped
from registry_sync.notices.address import masked
from registry_sync.notices.interface import STOPPED, Channel, Notice, Outcome, Refused, Retry, Sent

if TYPE_CHECKING:
    from jobs.writing import NotOurs, WritingDesk
    from registry_sync.notices.email import MailChannel

JOB = "deliver"
AT_ONCE = 50
"""Notices that one delivery claims at a time: so many at most come twice after a power cut."""
LANES = {"email": 1, "webhook": 6, "chat": 2}
"""How many notices of a kind are under way at once: mails go over one connection, posts to many places."""
MANY_REFUSE = 5
"""Recipients that a mail server must have refused in one run, and more than it took, before that is taken for its own fault."""
GIVE_UP = 20
"""Mails refused in one run, and none taken, after which no further one is tried in it."""
MOST_BOUNCES = 3
"""So many notices in a row that an address refuses for good stop what it hears."""

_OF_POLICY = re.compile(r"\b5\.7\.\d{1,3}\b")

Channels = Mapping[str, Channel]
_Outcome: TypeAlias = "Outcome | NotOurs | None"
"""``None``: nothing is left to tell."""


def open_channels(around: Surroundings) -> Channels:
    """A channel for each kind of address."""
    from registry_sync.notices.chat import ChatChannel
    from registry_sync.notices.webhook import WebhookChannel

    settings = around.settings
    return {
        "email": mail_channel(around, _Pace(around, "smtp", settings.smtp.per_minute).take),
        "webhook": WebhookChannel(settings.webhook, timeout=settings.http.timeout, now=lambda: around.now().timestamp()),
        "chat": ChatChannel(settings.webhook),
    }


def mail_channel(around: Surroundings, pace: Callable[[], object]) -> MailChannel:
    """The mail server of the settings; ``pace`` returns when the next mail may go."""
    from registry_sync.notices.email import MailChannel
    from registry_sync.notices.wire import Writer

    smtp = around.settings.smtp
    writer = Writer(
        sender=smtp.sender, reply_to=smtp.reply_to, unsubscribe=smtp.unsubscribe, web_url=around.settings.web.url, now=around.now()
    )
    return MailChannel(smtp, write=writer.write, pace=pace)


class _Pace:
    """The limit of a minute, shared by all processes: drawn in lots of two seconds, of which a process that dies loses the rest."""

    def __init__(self, around: Surroundings, name: str, per_minute: int) -> None:
        self._around = around
        self._name = name
        self._per_minute = per_minute
        self._lot = max(1, per_minute // 30)
        self._left = 0

    def take(self) -> None:
        """Return when one more may be sent. Raises Stopped."""
        while not self._left:
            with self._around.open() as history:
                self._left, wait = buckets.take(history, self._name, self._per_minute, time.time(), self._lot)
            if not self._left:
                self._around.pause(wait)
        self._left -= 1


def deliver(around: Surroundings, *, channels: Callable[[Surroundings], Channels] = open_channels) -> DeliverReport:
    """Send everything that is due, oldest first, and then what the operator is to hear; one recipient's failure stops nobody else's.

    What fails on the way to the operator is in the report's problems, not in its numbers.

    Raises DatabaseError, AlreadyRunning when as many deliveries run as there may be.
    """
    report = DeliverReport()
    with around.open() as history, desk_of(around.database, JOB) as desk:
        outbox.free_claims(history, desk.nobody_at(outbox.claimants(history) | {desk.number}))
        due = outbox.counts(history, around.stamp())["due"]
        asking.work_off(around, history)
        asks = confirming.prepare(around, history, desk)
        if not due:
            health.note_delivery(around, history)
        if due or asks or health.is_due(around, history):
            run = runs.begin(history, JOB, around.stamp(), alone=False)
            around.progress.begin("Sending", due)
            try:
                _send_all(around, history, desk, channels(around), report, asks=asks)
            finally:
                around.progress.end()
                runs.end(history, run, around.stamp(), "partial" if report.is_partial else "done", report.as_json())
        report.asking = confirmations.waiting(history)
        report.waiting = outbox.counts(history, around.stamp())["waiting"] + report.asking
    return report


def send_asked(around: Surroundings, *, channels: Callable[[Surroundings], Channels] = open_channels) -> DeliverReport:
    """Work off what was asked for by forms, and send the mails that come of it and no others: somebody waits for them.

    What cannot be sent now is sent by a delivery. Raises DatabaseError, AlreadyRunning.
    """
    report = DeliverReport()
    with around.open() as history, desk_of(around.database, JOB) as desk:
        asking.work_off(around, history)
        if confirming.prepare(around, history, desk):
            opened = channels(around)
            try:
                confirming.send(around, history, desk.number, opened["email"], report, threading.Lock())
            finally:
                for channel in opened.values():
                    channel.close()
        report.waiting = confirmations.waiting(history)
    return report


def _send_all(around: Surroundings, history: History, desk: Desk, channels: Channels, report: DeliverReport, *, asks: bool) -> None:
    # due when this run began: what fails in it is not tried twice
    run = _Run(around, desk, channels, report, began=around.stamp())
    try:
        kinds = outbox.kinds_due(history, run.began)
        if asks:
            kinds.setdefault("email", 1)
        lanes = [kind for kind, due in kinds.items() for _ in range(min(due, LANES.get(kind, 0)))]
        if len(lanes) == 1:
            run.lane(lanes[0], history)
        elif lanes:
            _side_by_side(run, lanes)
        run.judge(history)
        health.note_delivery(around, history)
        if "email" not in run.down and not around.stop.is_set() and health.is_due(around, history):
            report.problems += health.tell(around, history, channels["email"])
    finally:
        for channel in channels.values():
            channel.close()


def _side_by_side(run: _Run, lanes: Sequence[str]) -> None:
    """Each lane in a thread of its own: a receiver that says nothing holds up its own lane alone."""
    from concurrent.futures import ThreadPoolExecutor

    def lane(kind: str) -> None:
        with run.around.open() as history:
            run.lane(kind, history)

    with ThreadPoolExecutor(len(lanes), thread_name_prefix="deliver") as threads:
        ended = [threads.submit(lane, kind) for kind in lanes]
    for each in ended:
        each.result()


class _Run:
    """One delivery: what its lanes share.

    ``down``: kinds of which no further notice is tried in this run; of hosts that cannot be reached no further one is tried either.
    """

    def __init__(self, around: Surroundings, desk: Desk, channels: Channels, report: DeliverReport, *, began: str) -> None:
        self.around = around
        self.began = began
        self.down: set[str] = set()
        self._silent: set[str] = set()
        self._reached: set[str] = set()
        self._refusals: list[tuple[Waiting, str]] = []
        self._desk = desk
        self._channels = channels
        self._report = report
        self._lock = threading.Lock()

    def lane(self, kind: str, history: History) -> None:
        """Send what is due of one kind, beside the other lanes of this kind."""
        from jobs.writing import WritingDesk  # loads what writes news: only when there is some

        if kind == "email" and not confirming.send(self.around, history, self._desk.number, self._channels[kind], self._report, self._lock):
            self.down.add(kind)
        writing = WritingDesk(self.around, history, by=self._desk.number)
        most = AT_ONCE if LANES[kind] == 1 else 1  # what one lane has claimed, another that is free cannot send
        while kind not in self.down and not self.around.stop.is_set():
            batch = outbox.claim(history, self._desk.number, self.began, [kind], most)
            if not batch:
                break
            with history.relaxed():
                self._send_batch(history, writing, batch)

    def _send_batch(self, history: History, writing: WritingDesk, batch: Sequence[Waiting]) -> None:
        """Send what was claimed; what is not come to, since its channel is down or the process is to stop, is given back untried."""
        left = {waiting.id for waiting in batch}
        writing.begin(batch)
        try:
            for waiting, following in zip(batch, [*batch[1:], None], strict=True):
                if self.around.stop.is_set() or waiting.kind in self.down:
                    break
                outcome = self._send(writing, waiting, following)
                left.discard(waiting.id)
                if isinstance(outcome, Retry) and outcome.channel_down:
                    self.down.add(waiting.kind)
                with self._lock:
                    self.around.progress.step()
                    self._learn(waiting, outcome)
                    _note(self.around, history, self._desk.number, waiting, outcome, self._report)
        finally:
            if left:
                outbox.give_back(history, self._desk.number, left)

    def _learn(self, waiting: Waiting, outcome: _Outcome) -> None:
        """Keep who was reached and who refused; a mail server that refuses everybody is not asked for all the others."""
        if waiting.kind == "email" and isinstance(outcome, Sent):
            self._reached.add(waiting.address)
        elif isinstance(outcome, Refused) and outcome.reason != STOPPED:
            self._refusals.append((waiting, outcome.reason))
            if not self._reached and sum(each.kind == "email" for each, _ in self._refusals) >= GIVE_UP:
                self.down.add("email")

    def _refuses_most(self) -> bool:
        refused = {waiting.address for waiting, _ in self._refusals if waiting.kind == "email"}
        return len(refused) >= MANY_REFUSE and len(refused) > len(self._reached)

    def judge(self, history: History) -> None:
        """What follows from the refusals of this run: addresses that refuse too much stop, unless the mail server refused most of them."""
        if self._refuses_most():
            mails = [waiting for waiting, _ in self._refusals if waiting.kind == "email"]
            for waiting, reason in self._refusals:
                if waiting.kind == "email":
                    outbox.unpark(history, waiting.id, next_try(self.around, waiting.attempts, None), reason)
            self._report.failed -= len(mails)
            self._report.retrying += len(mails)
            refused = {waiting.address for waiting in mails}
            said = f"the mail server refused {len(refused)} of {len(refused | self._reached)} recipients"
            self._report.problems.append(f"{said}, which is taken for its own fault: these notices wait, and are tried again")
        for address in dict.fromkeys(waiting.address for waiting, _ in self._refusals):
            if wishes.stop_for_bounces(self.around, history, address, MOST_BOUNCES):
                said = f"{MOST_BOUNCES} notices in a row were refused for good; it is stopped"
                said = f"{said}. When it is right again: registry-sync subscribe, and registry-sync outbox retry"
                self._report.problems.append(Problem(f"{masked(address)}: {said}", f"{_hidden(address)}: {said}"))

    def _send(self, writing: WritingDesk, waiting: Waiting, following: Waiting | None) -> _Outcome:
        host = urlsplit(waiting.address).netloc.rpartition("@")[2] if waiting.kind == "webhook" else ""
        if host in self._silent:
            return Retry(f"{host} could not be reached for the notice before this one")
        outcome = _send(self._channels, writing, waiting, following)
        if host and isinstance(outcome, Retry) and outcome.silent:
            self._silent.add(host)
        return outcome


def _send(channels: Channels, writing: WritingDesk, waiting: Waiting, following: Waiting | None) -> _Outcome:
    try:
        notice = writing.notice(waiting)
        if not isinstance(notice, Notice):
            return notice
        return channels[waiting.kind].send(notice, lambda: writing.ahead(following) if following else None)
    except RegistrySyncError as error:
        if isinstance(error, Stopped):
            raise
        return Retry(str(error))
    except Exception as error:
        # a fault in writing or sending one notice must not hold up the others, nor lose this one
        log.exception("notice %s to %s", waiting.id, waiting.kind)
        return Retry(f"could not be written or sent ({type(error).__name__})")


def _note(around: Surroundings, history: History, by: int, waiting: Waiting, outcome: _Outcome, report: DeliverReport) -> None:
    """Keep what became of a notice. What another delivery has claimed meanwhile is left to it, unless a server took it here."""
    match outcome:
        case None:
            outbox.cancel(history, by, waiting.id)
        case Sent():
            outbox.sent(history, waiting.id, around.stamp())
            report.sent += 1
        case Refused(reason, brief):
            if outbox.park(history, by, waiting.id, reason, around.stamp() if _is_about_the_address(reason) else None):
                report.failed += 1
                report.problems.append(_named(waiting, reason, brief))
        case Retry(reason, after, channel_down, _, brief):
            ours = outbox.again(history, by, waiting.id, next_try(around, waiting.attempts, after), reason)
            report.retrying += ours
            if ours or channel_down:
                report.problems.append(Problem(reason, brief or reason) if channel_down else _named(waiting, reason, brief))


def _is_about_the_address(reason: str) -> bool:
    """A refusal of policy (enhanced code 5.7.x, RFC 3463) is about the sender, and one that nobody was asked for is about nothing."""
    return reason != STOPPED and _OF_POLICY.search(reason) is None


def _named(waiting: Waiting, reason: str, brief: str | None) -> Problem:
    """The reason with the address it is about, where it does not say so itself; in a log, with the notice it is about."""
    address, hidden = masked(waiting.address), _hidden(waiting.address)
    brief = (brief or reason).replace(waiting.address, hidden)
    logged = brief if hidden in brief else f"{hidden}: {brief}"
    return Problem(reason if address in reason else f"{address}: {reason}", f"notice {waiting.id[:8]}, {logged}")


def _hidden(address: str) -> str:
    """An address as a log has it: that of a person not at all."""
    return masked(address) if "://" in address else ADDRESS
