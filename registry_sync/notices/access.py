"""The mail with a link to all that its address is told. It goes to an address that anybody may have typed, and names no trial."""

from __future__ import annotations

from email.message import EmailMessage
from typing import TYPE_CHECKING

from registry_sync.notices.confirm import Letter, letter
from registry_sync.notices.i18n import translator

if TYPE_CHECKING:
    from datetime import datetime


class AccessNotice(Letter, frozen=True, kw_only=True):
    """``link`` leads to all that the address is told; ``already``: what was asked for is among it."""

    already: bool


def mail(notice: AccessNotice, *, sender: str, reply_to: str, now: datetime) -> EmailMessage:
    """The whole mail with its headers, to be flattened with ``WIRE``; a repeat differs in ``Date`` alone."""
    t = translator(notice.language)
    subject = t.gettext("You are told of this already") if notice.already else t.gettext("Your news of trials: see, change or stop it")
    told = {"link": notice.link, "manage": f"{notice.web_url.rstrip('/')}/manage", "already": "already" if notice.already else ""}
    return letter(notice, "access", "access", subject, told, sender=sender, reply_to=reply_to, now=now)
