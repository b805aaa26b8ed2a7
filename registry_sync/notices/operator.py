"""What the operator is told of the service itself: plain English, plain text, to the one address of ``[smtp] operator``.

What a source said (its error) and where it is (its URL) stand in the body only, on one line each; headers are our own words and ids.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from textwrap import fill

import msgspec

from registry_sync.notices.address import masked
from registry_sync.notices.clean import cut, one_line
from registry_sync.notices.compose import WIRE, ascii_domain, mail_address
from registry_sync.notices.interface import Notice

_WIDTH = 76
_LONGEST_ERROR = 1000
_LONGEST_REASON = 300
_MOST_NAMED = 50
_DELIVERY = "delivery"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


class Incident(msgspec.Struct, frozen=True):
    """A source in trouble, as it is kept: ``times`` syncs found it so, the last one with ``error``.

    Times are UTC, ISO 8601 with ``Z``; ``closed_at`` is ``None`` while it lasts.
    """

    id: int
    source: str
    opened_at: str
    times: int
    error: str
    closed_at: str | None = None


class OperatorNotice(Notice, frozen=True, kw_only=True):
    """A notice to the operator: it has words of its own, and no trial's news. ``answers``: the id of the notice that it continues."""

    subject: str
    words: str
    answers: str | None = None


class Bulletin(msgspec.Struct, frozen=True):
    """Something to be told beside incidents: ``parked``, or the line of a week that ended at ``created_at`` (``well``; UTC)."""

    id: str
    kind: str
    created_at: str


class Parked(msgspec.Struct, frozen=True):
    """A notice that was refused for good: to whom, and what was said."""

    id: str
    address: str
    reason: str


class State(msgspec.Struct, frozen=True):
    """How the service stands. ``changes`` and ``sent``: in the week told of; ``last_sync``: UTC, and whether that ``is_late``.

    ``troubles``: the sources in trouble; ``passed``: those that were in the week and are well again.
    """

    trials: int
    pages: int
    subscriptions: int
    changes: int
    sent: int
    last_sync: str | None
    waiting: int
    held: int
    parked: int
    troubles: tuple[str, ...]
    passed: tuple[str, ...] = ()
    is_late: bool = False


def parked(bulletin: Bulletin, notices: Sequence[Parked], stopped: Sequence[str], address: str) -> OperatorNotice:
    """That notices were refused for good, and which addresses were stopped for it."""
    paragraphs = []
    if notices:
        paragraphs.append(f"{_of(len(notices), 'notice was', 'notices were')} refused for good, and will not be tried again by itself:")
        paragraphs += [f"    {masked(each.address)}: {cut(one_line(each.reason), _LONGEST_REASON)}" for each in notices[:_MOST_NAMED]]
        if len(notices) > _MOST_NAMED:
            paragraphs.append(f"    and {len(notices) - _MOST_NAMED} more: registry-sync outbox --failed")
    if stopped:
        refused = f"{_of(len(stopped), 'address', 'addresses')} refused several notices in a row"
        paragraphs.append(
            f"{refused} and will be told nothing more until somebody subscribes {'it' if len(stopped) == 1 else 'them'} again:"
        )
        paragraphs += [f"    {masked(each)}" for each in stopped[:_MOST_NAMED]]
        if len(stopped) > _MOST_NAMED:
            paragraphs.append(f"    and {len(stopped) - _MOST_NAMED} more: registry-sync subscriptions")
    paragraphs.append("`registry-sync outbox --failed` lists what is parked; `registry-sync outbox retry` tries it again.")
    said = f"{_of(len(notices), 'notice was', 'notices were')} refused" if notices else "addresses were stopped"
    subject = f"registry-sync: {said}"
    return _notice(bulletin.id, address, subject, paragraphs, bulletin.created_at)


def weekly(bulletin: Bulletin, state: State, address: str) -> OperatorNotice:
    """The line of a week: that all is well, or what is not."""
    open_points = [f"{_name(source)[0]} is in trouble" for source in dict.fromkeys(state.troubles)]
    open_points += ["nothing was synced for more than two days"] if state.is_late else []
    open_points += [f"{_of(state.parked, 'notice is', 'notices are')} parked"] if state.parked else []
    open_points += [f"{_of(state.held, 'notice waits', 'notices wait')} for your yes"] if state.held else []
    watched = f"{_of(state.trials, 'trial', 'trials')} and {_of(state.pages, 'page', 'pages')} are watched"
    done = f"{_of(state.changes, 'change', 'changes')} seen, {_of(state.sent, 'notice', 'notices')} sent"
    last = _when(state.last_sync) if state.last_sync else "none yet"
    paragraphs = [
        f"In the week until {_when(bulletin.created_at)}: {done}.",
        f"{watched}, for {_of(state.subscriptions, 'subscription', 'subscriptions')}.",
        f"Last sync: {last}. {_of(state.waiting, 'notice waits', 'notices wait')} to be sent.",
        *(f"    {point}" for point in open_points),
        *(f"    {_name(source)[0]} was in trouble, and is well again" for source in state.passed),
    ]
    well = "all is well again" if state.passed else "all is well"
    subject = f"registry-sync: {_of(len(open_points), 'thing needs', 'things need') + ' you' if open_points else well}"
    return _notice(bulletin.id, address, subject, paragraphs, bulletin.created_at)


def _of(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def opening(incident: Incident, address: str) -> OperatorNotice:
    """That a source, or the delivery, is in trouble. It may be over when this is sent at last."""
    if incident.source == _DELIVERY:
        return _stuck(incident, address)
    name, url = _name(incident.source)
    paragraphs = [f"{name} has been in trouble since {_when(incident.opened_at)}.", url]
    if incident.closed_at is None:
        paragraphs += [
            f"{_syncs(incident.times)} met it so far. The last error:",
            _quoted(incident.error),
            "Meanwhile the last good versions stay, and subscribers hear nothing of this. The next sync tries again.",
            "You get one more mail, when it is well again. Until then `registry-sync doctor` says how it stands.",
        ]
    else:
        over = f"It has been over since {_when(incident.closed_at)}, before this mail could be sent; another mail says so."
        paragraphs += [
            f"{over} {_syncs(incident.times)} met it. The last error was:",
            _quoted(incident.error),
            "The last good versions stayed, and subscribers heard nothing of it.",
        ]
    return _notice(_id(incident, "opened"), address, f"registry-sync: {name} is in trouble", paragraphs, incident.opened_at)


def closing(incident: Incident, address: str) -> OperatorNotice:
    """That it is well again. The incident is closed."""
    name, url = _name(incident.source)
    closed_at = incident.closed_at or incident.opened_at
    if incident.source == _DELIVERY:
        return _flows_again(incident, closed_at, address)
    lasted = f"The trouble began at {_when(incident.opened_at)} and lasted {_lasted(incident.opened_at, closed_at)}."
    paragraphs = [
        f"{name} has been well again since {_when(closed_at)}.",
        url,
        f"{lasted} {_syncs(incident.times)} met it. The last error was:",
        _quoted(incident.error),
        "Subscribers heard nothing of it. What changed meanwhile is told from now on, as any change is.",
    ]
    opened = _id(incident, "opened")
    return _notice(_id(incident, "closed"), address, f"registry-sync: {name} is well again", paragraphs, closed_at, answers=opened)


def _stuck(incident: Incident, address: str) -> OperatorNotice:
    over = f"It has been over since {_when(incident.closed_at)}, before this mail could be sent." if incident.closed_at else ""
    paragraphs = [
        f"Notices are stuck: at {_when(incident.opened_at)} it was seen that what should be with its readers is not.",
        _quoted(incident.error),
        over
        or "Nothing is lost: each is tried again, and waits longer each time. `registry-sync outbox` says why, and what waits;"
        " once the cause is mended, `registry-sync outbox retry` and `registry-sync deliver` send it at once.",
    ]
    return _notice(_id(incident, "opened"), address, "registry-sync: notices are stuck", paragraphs, incident.opened_at)


def _flows_again(incident: Incident, closed_at: str, address: str) -> OperatorNotice:
    paragraphs = [
        f"Notices are no longer stuck since {_when(closed_at)}.",
        f"The trouble was seen at {_when(incident.opened_at)} and lasted {_lasted(incident.opened_at, closed_at)}.",
    ]
    opened = _id(incident, "opened")
    return _notice(_id(incident, "closed"), address, "registry-sync: notices arrive again", paragraphs, closed_at, answers=opened)


def mail(notice: OperatorNotice, *, sender: str, now: datetime) -> EmailMessage:
    """The whole mail with its headers, to be flattened with ``WIRE``; a repeat differs in ``Date`` and in how often so far."""
    name, address = parseaddr(sender)
    domain = ascii_domain(address.rpartition("@")[2]) or "localhost"
    message = EmailMessage(policy=SMTP)
    message["From"] = mail_address(address, one_line(name))
    message["To"] = mail_address(notice.address)
    message["Subject"] = notice.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{notice.id}@{domain}>"
    if notice.answers:
        message["In-Reply-To"] = f"<{notice.answers}@{domain}>"
        message["References"] = f"<{notice.answers}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(notice.words, cte="quoted-printable")
    message["Content-Language"] = "en"
    message.policy = WIRE
    return message


def _notice(identity: str, address: str, subject: str, paragraphs: list[str], at: str, answers: str | None = None) -> OperatorNotice:
    return OperatorNotice(
        id=identity,
        address=address,
        kind="email",
        role="coordinator",
        language="en",
        every="now",
        created_at=at,
        news=(),
        subject=subject,
        words="\n\n".join(_wrapped(paragraph) for paragraph in paragraphs if paragraph) + "\n",
        answers=answers,
    )


def _id(incident: Incident, what: str) -> str:
    """The same on every repeat; the number alone would be another installation's, too."""
    digest = hashlib.sha256(f"{incident.id} {incident.source} {incident.opened_at}".encode("utf-8", "replace")).hexdigest()
    return f"incident.{digest[:24]}.{what}"


def _name(source: str) -> tuple[str, str]:
    """What a subject may call it, and the URL where there is one: a site's name may be that of a disease."""
    if source == _DELIVERY:
        return "The delivery of notices", ""
    if source.startswith("ctgov"):
        return ("ClinicalTrials.gov" if source == "ctgov" else "A part of ClinicalTrials.gov"), ""
    return "A trial-finder site", one_line(source)


def _syncs(times: int) -> str:
    return "1 sync" if times == 1 else f"{times} syncs"


def _when(stamp: str) -> str:
    return f"{stamp[:10]} {stamp[11:16]} UTC"


def _lasted(begin: str, end: str) -> str:
    seconds = (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()
    for size, noun in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if seconds >= 2 * size or (size == _MINUTE and seconds >= size):
            number = round(seconds / size)
            return f"{number} {noun}{'' if number == 1 else 's'}"
    return "less than a minute"


def _quoted(error: str) -> str:
    return f"    {cut(one_line(error), _LONGEST_ERROR)}"


def _wrapped(paragraph: str) -> str:
    indent = paragraph[: len(paragraph) - len(paragraph.lstrip())]
    return fill(paragraph.strip(), _WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
