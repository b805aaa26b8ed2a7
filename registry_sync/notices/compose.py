"""A notice -> a mail, a webhook's JSON, a short text for chat.

Registry text reaches a mail's body only: escaped in HTML, one line at a time in text. Headers are made of our own words, of ids
and dates, so that no record can add a header or tell of a disease on a locked screen.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from registry_sync.notices import english, fitting
from registry_sync.notices.clean import block, cut, one_line
from registry_sync.notices.i18n import Translator, translator
from registry_sync.notices.interface import Notice
from registry_sync.notices.marking import Run
from registry_sync.notices.story import MOST_ITEMS, Story, safe_url, story, subject
from registry_sync.notices.wording import summary
from registry_sync.trials.changes import KeptChange

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["change_json", "html", "mail", "post", "short", "stop_links", "subject", "text"]

WIRE = SMTP.clone(max_line_length=998)
"""How a mail is flattened: the default policy folds header URLs beyond about 76 characters and breaks them (RFC 5322 allows 998)."""

MOST_STORIES = 50
"""Trials told in full in one mail; further ones are told by their subject, so that no digest grows too large to be accepted."""

MOST_SUBJECTS = 500
"""Further trials that are named, with their subject and where to read on; of still further ones the number is told."""

_MOST_ITEMS_OF_ALL = 400
_WIDTH = 76
LONGEST_SHORT = 1500
"""Characters of the news in short."""

_LEAST_WORDS = 20
"""Characters from which the beginning of a sentence says something."""

_ID_CHARACTERS = re.compile(r"[^A-Za-z0-9._-]+")
_TEMPLATES = Path(__file__).resolve().parent / "templates"


@dataclass(frozen=True)
class StopLinks:
    """How this recipient's mails can be stopped: a ``mailto:`` URL, and a web URL that takes one click (RFC 8058)."""

    mailto: str | None = None
    web: str | None = None


def mail(notice: Notice, *, sender: str, reply_to: str, unsubscribe: str, web_url: str, now: datetime) -> EmailMessage:
    """The whole mail, text and HTML, with its headers; ``as_bytes()`` gives it in the form for the wire.

    ``sender``: an address or ``Name <address>``; ``reply_to`` and ``unsubscribe``: mailboxes or empty; ``web_url``: the public
    address of the web pages or empty; ``now``: aware, for the Date header alone, so that a repeat differs in nothing else.
    """
    name, address = parseaddr(sender)
    domain = ascii_domain(address.rpartition("@")[2]) or "localhost"
    links = stop_links(notice, unsubscribe, web_url)
    stop = stop_by(notice, unsubscribe, web_url, reply_to or address)
    message = EmailMessage(policy=SMTP)
    message["From"] = mail_address(address, one_line(name))
    message["To"] = mail_address(notice.address)
    if reply_to:
        message["Reply-To"] = mail_address(reply_to)
    message["Subject"] = subject(notice)
    message["Date"] = format_datetime(now)
    _identify(message, notice, domain)
    message["Auto-Submitted"] = "auto-generated"
    message["List-Id"] = f"<trial-alerts.{domain}>"
    if links.web or links.mailto:
        message["List-Unsubscribe"] = ", ".join(f"<{link}>" for link in (links.web, links.mailto) if link)
    if links.web:
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(text(notice, stop_by=stop, web_url=web_url), cte="quoted-printable")
    message.add_alternative(html(notice, stop_by=stop, web_url=web_url), subtype="html", cte="quoted-printable")
    message["Content-Language"] = translator(notice.language).language
    message.set_boundary(boundary(notice.id))
    message.policy = WIRE
    return message


def boundary(identity: str) -> str:
    """What parts the alternatives of a mail: the same on every repeat of a notice."""
    return f"=_{hashlib.sha256(identity.encode()).hexdigest()[:32]}"


def text(notice: Notice, *, stop_by: str | None = None, web_url: str = "") -> str:
    """The plain text of a mail. ``stop_by``: a ``mailto:`` or web URL by which the recipient can stop the mails."""
    return _render("mail.txt.j2", notice, stop_by, web_url)


def html(notice: Notice, *, stop_by: str | None = None, web_url: str = "") -> str:
    """The mail as a whole HTML document, which a browser shows as well: no picture, no script, nothing fetched."""
    return _render("mail.html.j2", notice, stop_by, web_url)


def stop_links(notice: Notice, unsubscribe: str, web_url: str) -> StopLinks:
    """Where List-Unsubscribe leads: the web page and the mailbox, as far as the settings have them."""
    if not notice.stop_token:
        return StopLinks()
    mailto = f"mailto:{quote(unsubscribe, safe='@')}?subject={quote(f'unsubscribe {notice.stop_token}')}" if unsubscribe else None
    return StopLinks(mailto=mailto, web=f"{web_url.rstrip('/')}/stop/{notice.stop_token}" if web_url else None)


def stop_by(notice: Notice, unsubscribe: str, web_url: str, mailbox: str) -> str:
    """What the foot of a mail offers: the web page, else the mailbox that a program reads, else one (``mailbox``) that a person reads."""
    links = stop_links(notice, unsubscribe, web_url)
    return links.web or links.mailto or f"mailto:{mailbox}"


def post(notice: Notice) -> bytes:
    """A webhook's body: ``{"id", "trial", "title", "url", "changes"}``, changes as in ``changes --json``; and ``note`` where there is one.

    A digest of several trials has ``null`` for trial, title and URL: each of its changes names its own trial. A post has a bound
    (``fitting``): what was shortened carries ``cut``, and ``more`` counts the changes that are left out.
    """
    only = notice.news[0] if len(notice.news) == 1 else None
    title = only.named if only else None
    head = {
        "id": notice.id,
        "trial": only.trial if only else None,
        "title": cut(title, fitting.LONGEST_TITLE) if title else title,
        "url": safe_url(only.url) if only else None,
    }
    note = cut(notice.note, fitting.LONGEST_NOTE) if notice.note else None
    changes, left_out = fitting.as_many_as_fit([change for news in notice.news for change in news.changes], change_json)
    return fitting.encoded(
        {
            **head,
            "changes": changes,
            **({"more": left_out} if left_out else {}),
            **({"note": note} if note else {}),
            **({"cut": True} if (head["title"], note) != (title, notice.note or None) else {}),
        }
    )


def change_json(change: KeptChange) -> dict[str, Any]:
    """A change with the keys and in the order of ``changes --json``; its ``summary`` is English."""
    return {
        "id": change.id,
        "trial": change.trial,
        "source": change.source,
        "field": change.field,
        "topic": change.topic,
        "operation": change.operation,
        "before": change.before,
        "after": change.after,
        "group": change.group,
        "significance": change.significance,
        "reader_significance": change.reader_significance,
        "summary": summary(change),
        "registry_date": change.registry_date,
        "seen_at": change.seen_at,
        **({} if change.detail is None else {"detail": change.detail}),
    }


def short(notice: Notice, limit: int = LONGEST_SHORT) -> str:
    """The news in short, for chat, push and SMS; its title is ``subject``. At most ``limit`` characters, with where to read on."""
    t = translator(notice.language)
    note = _noted(notice.note, t) if notice.note else ""
    stories = [story(news, notice.role, notice.language, most_items=0) for news in notice.news[:MOST_STORIES]]
    unnamed = len(notice.news) - len(stories) + notice.more
    if len(stories) == 1 and not unnamed:
        return _with_the_link(note, stories[0], limit)
    if note:
        note = f"{cut(note, max(_LEAST_WORDS, limit // 3))}\n\n"
    told = ["\n".join(filter(None, (each.subject, each.text, each.url))) for each in stories]
    links = [each.url or each.trial for each in stories]
    room = limit - len(note)
    named = _as_many_as_fit(told, unnamed, t, room) or _as_many_as_fit(links, unnamed, t, room)
    return cut(note + (named or ", ".join(each.trial for each in stories)), max(1, limit))


def _with_the_link(note: str, told: Story, limit: int) -> str:
    """One story within so many characters: its words give way before its link does."""
    link = f"\n{told.url}" if told.url and len(told.url) <= limit else ""
    room = limit - len(link)
    text = told.text
    if note:
        if len(note) + 2 + len(text) > room:
            note = cut(note, max(room // 3, room - 2 - len(text)))
        text = f"{note}\n\n{text}"
    if link and room < _LEAST_WORDS:
        return link.strip()
    return cut(text, max(1, room)) + link


def _noted(note: str, t: Translator) -> str:
    """The operator's words, of which it is said that they are that."""
    return t.gettext("A note from the sender: {note}").format(note=block(note))


def _as_many_as_fit(parts: Sequence[str], unnamed: int, t: Translator, limit: int) -> str:
    """The first of these parts and the number of the others; empty where not even the first one fits."""
    for number in range(len(parts), 0, -1):
        more = len(parts) - number + unnamed
        ending = [t.ngettext("And news about {n} more trial.", "And news about {n} more trials.", more).format(n=more)] if more else []
        text = "\n\n".join((*parts[:number], *ending))
        if len(text) <= limit:
            return text
    return ""


def _identify(message: EmailMessage, notice: Notice, domain: str) -> None:
    """Identity and thread: the same id on every repeat, and mails on one trial answer to a common root (RFC 5322, 3.6.4)."""
    message["Message-ID"] = f"<notice.{_id_part(notice.id)}@{domain}>"
    trials = {news.trial for news in notice.news}
    if len(trials) == 1:
        root = f"<trial.{_id_part(trials.pop())}@{domain}>"
        message["In-Reply-To"] = root
        message["References"] = root


def _id_part(identity: str) -> str:
    return _ID_CHARACTERS.sub("-", identity).strip(".-") or "none"


def mail_address(address: str, name: str = "") -> Address:
    """An address for a header, its domain in the letters of ASCII."""
    user, _, domain = address.rpartition("@")
    return Address(display_name=name, username=user, domain=ascii_domain(domain))


def ascii_domain(domain: str) -> str:
    """A domain as it is written on the wire; as it is where there is no such form."""
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return domain


def _render(template: str, notice: Notice, stop: str | None, web_url: str) -> str:
    t = translator(notice.language)
    stories, rest = _stories(notice)
    seen = max((news.seen_at[:10] for news in notice.news), default=notice.created_at[:10])
    return environment().get_template(template).render(
        t=t,
        _=t.gettext,
        subject=subject(notice),
        language=t.language,
        reader=notice.role == "reader",
        stories=stories,
        several=len(notice.news) > 1,
        rest=rest[:MOST_SUBJECTS],
        unnamed=max(0, len(rest) - MOST_SUBJECTS) + notice.more,
        more_url=safe_url(web_url),
        note=_noted(notice.note, t) if notice.note else None,
        checked=t.date(seen) if notice.role == "reader" else seen,
        stop_by=stop,
        stop_on_the_web=stop is not None and not stop.startswith("mailto:"),
        manage=f"{web_url.rstrip('/')}/manage" if web_url else None,
        stop_mailbox=_mailbox(stop),
        stop_subject=f"unsubscribe {notice.stop_token}" if notice.stop_token and stop and "subject=" in stop else None,
    )  # fmt: skip


def _stories(notice: Notice) -> tuple[list[Story], list[Story]]:
    """The stories told in full, and those of which only subject and address are."""
    full = notice.news[:MOST_STORIES]
    each = min(MOST_ITEMS, max(1, _MOST_ITEMS_OF_ALL // max(1, len(full))))
    stories = [story(news, notice.role, notice.language, most_items=each) for news in full]
    rest = [story(news, notice.role, notice.language, most_items=0) for news in notice.news[MOST_STORIES:]]
    return stories, rest


def _mailbox(stop_by: str | None) -> str:
    return (stop_by or "").removeprefix("mailto:").partition("?")[0]


@lru_cache(maxsize=1)
def environment() -> Environment:
    """What templates of mails are read with: HTML is escaped, an unknown name is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["wrap"] = _wrapped
    environment.filters["marks"] = _marks
    environment.filters["english"] = english.marked
    environment.filters["parted"] = english.parted
    return environment


def _wrapped(words: str, first: str = "", further: str = "") -> str:
    """Text in lines of 76 characters; paragraphs stay, and no URL or long word is broken."""
    lines = []
    for number, line in enumerate(words.splitlines() or [""]):
        start = first if number == 0 else further
        lines.append(
            fill(line, _WIDTH, initial_indent=start, subsequent_indent=further, break_long_words=False, break_on_hyphens=False)
            or start.rstrip()
        )
    return "\n".join(lines)


def _marks(runs: Sequence[Run]) -> str:
    """Marked words for text mail: ``[-what went-]`` and ``{+what came+}``."""
    shown = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}
    return "".join(shown[mark].format(words) for words, mark in runs)
