"""The mail with a link to all that its address is told. It goes to an address that anybody may have typed, and names no trial."""

from __future__ import annotations

from email.message import EmailMessage
from typing import TYPE_CHECKING

from registry_sync.notices.confirm import letter
from registry_sync.notices.i18n import translator
from registry_sync.notices.interface import Notice

if TYPE_CHECKING:
    from datetime import datetime


class AccessNotice(Notice, frozen=True, kw_only=True):
    """``link`` leads to all that the address is told; ``already``: what was asked for is among it."""

    link: str
    web_url: str
    already: bool


def notice(identity: str, address: str, language: str, created_at: str, *, link: str, web_url: str, already: bool) -> AccessNotice:
    """The notice of this identity, the same on every repeat."""
    return AccessNotice(
        id=identity,
        address=address,
        kind="email",
        role="reader",
        language=language,
        every="now",
        created_at=created_at,
        news=(),
        link=link,
        web_url=web_url,
        already=already,
    )


def mail(notice: AccessNotice, *, sender: str, reply_to: str, now: datetime) -> EmailMessage:
    """The whole mail with its headers, to be flattened with ``WIRE``; a repeat differs in ``Date`` alone."""
    t = translator(notice.language)
    subject = t.gettext("You are told of this already") if notice.already else t.gettext("Your news of trials: see, change or stop it")
    told = {"link": notice.link, "manage": f"{notice.web_url.rstrip('/')}/manage", "already": "already" if notice.already else ""}
    return letter(notice, "access", "access", subject, told, sender=sender, reply_to=reply_to, now=now)
