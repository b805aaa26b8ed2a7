"""The mail that asks the holder of an address whether news of trials is wanted, and the wording that is consented to.

It goes to an address that anybody may have typed. So it says neither which trials nor which disease: the page behind its link does.
"""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import TYPE_CHECKING

from registry_sync.notices.clean import one_line
from registry_sync.notices.compose import WIRE, ascii_domain, boundary, environment, mail_address
from registry_sync.notices.i18n import translator
from registry_sync.notices.interface import Every, Kind, Notice, Role, TrialNews

if TYPE_CHECKING:
    from datetime import datetime

_VERSION = "holder-2"
"""Counted up with every change of the wording in ``consent``."""


class Letter(Notice, frozen=True, kw_only=True):
    """A mail that tells no news, to an address that anybody may have typed: ``link`` leads on, ``web_url`` is the pages' public address."""

    kind: Kind = "email"
    role: Role = "reader"
    every: Every = "now"
    news: tuple[TrialNews, ...] = ()
    link: str
    web_url: str


class ConfirmNotice(Letter, frozen=True, kw_only=True):
    """Asks for a yes: ``link`` leads to the page that takes it, until ``until`` (UTC)."""

    until: str


def consent(language: str) -> str:
    """What its holder consents to, word for word."""
    return translator(language).gettext(
        "Tell me by mail when these trials change. I agree that my address and what I asked for are kept for this, although they may "
        "tell something about my health. I can stop at any time, by the link in each mail."
    )


def wording(language: str) -> str:
    """The same as it is kept as the proof of consent: with its version and its language."""
    return f"{_VERSION} {translator(language).language}: {consent(language)}"


def mail(notice: ConfirmNotice, *, sender: str, reply_to: str, now: datetime) -> EmailMessage:
    """The whole mail with its headers, to be flattened with ``WIRE``; a repeat differs in ``Date`` alone."""
    t = translator(notice.language)
    told = {
        "link": notice.link,
        "until": t.date(notice.until[:10]),
        "privacy": f"{notice.web_url.rstrip('/')}/privacy",
    }
    subject = t.gettext("Please confirm that you want news of trials")
    return letter(notice, "confirm", "confirmation", subject, told, sender=sender, reply_to=reply_to, now=now)


def letter(
    notice: Notice, template: str, kind: str, subject: str, told: dict[str, str], *, sender: str, reply_to: str, now: datetime
) -> EmailMessage:
    """A mail from a template that tells no news: what is ``told`` in it, and with ``kind`` in its identity."""
    name, address = parseaddr(sender)
    domain = ascii_domain(address.rpartition("@")[2]) or "localhost"
    t = translator(notice.language)
    told = {"subject": subject, "sender": one_line(name) or address, **told}
    message = EmailMessage(policy=SMTP)
    message["From"] = mail_address(address, one_line(name))
    message["To"] = mail_address(notice.address)
    if reply_to:
        message["Reply-To"] = mail_address(reply_to)
    message["Subject"] = subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{kind}.{notice.id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    text, html = (
        environment().get_template(f"{template}.{form}.j2").render(told, t=t, _=t.gettext, language=t.language) for form in ("txt", "html")
    )
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    message["Content-Language"] = t.language
    message.set_boundary(boundary(notice.id))
    message.policy = WIRE
    return message
