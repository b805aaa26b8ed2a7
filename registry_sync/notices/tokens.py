"""The signed links of mails: of those that stop one subscription, that confirm one, and that lead to all that an address is told.

A token is signed with the installation's key (itsdangerous: HMAC-SHA1 with a derived key), with a salt for each purpose: one that stops
confirms nothing. The one that stops names a subscription by its number, needs no login and does not expire, so that nothing about it has
to be kept: it is still understood when the subscription is long gone. The others name a mail that is kept, which says
whether its link may still be used. The forms of the web pages carry a signed time, so that none is sent in that was not fetched here.
"""

from __future__ import annotations

import re
from functools import lru_cache

from itsdangerous import BadSignature, Signer

IN_A_MAIL = re.compile(r"(?<![A-Za-z0-9_.-])(\d{1,18}\.[A-Za-z0-9_-]{27})(?![A-Za-z0-9_-])")
"""Such a token, one that stops, somewhere in a text."""
_STOP = "registry-sync stop"
_CONFIRM = "registry-sync confirm"
_AGENDA = "registry-sync agenda"
_MANAGE = "registry-sync manage"
_FORM = "registry-sync form"


def stop_token(key: str, subscription: int) -> str:
    """The token that stops this subscription; ``key``: the installation's, in hexadecimal digits."""
    return _signer(key, _STOP).sign(str(subscription)).decode("ascii")


def read_stop_token(key: str, token: str) -> int | None:
    """The subscription that a token stops; ``None`` for one that this installation has not signed."""
    try:
        return int(_unsigned(key, _STOP, token))
    except (BadSignature, ValueError):
        return None


def confirm_token(key: str, identity: str) -> str:
    """The token that confirms what the mail of this identity asks."""
    return _signer(key, _CONFIRM).sign(identity).decode("ascii")


def read_confirm_token(key: str, token: str) -> str | None:
    """The identity of the mail that a token came with; ``None`` for one that this installation has not signed."""
    try:
        return _unsigned(key, _CONFIRM, token).decode("ascii")
    except (BadSignature, ValueError):
        return None


def agenda_token(key: str) -> str:
    """The token that opens the calendar of what is owed."""
    return _signer(key, _AGENDA).sign("deadlines").decode("ascii")


def is_agenda_token(key: str, token: str) -> bool:
    """Has this installation signed it for that?"""
    return _signer(key, _AGENDA).validate(token.encode("utf-8", "replace"))


def manage_token(key: str, identity: str) -> str:
    """The token that leads to all that an address is told, of the mail of this identity."""
    return _signer(key, _MANAGE).sign(identity).decode("ascii")


def read_manage_token(key: str, token: str) -> str | None:
    """The identity of the mail that such a token came with; ``None`` for one that this installation has not signed."""
    try:
        return _unsigned(key, _MANAGE, token).decode("ascii")
    except (BadSignature, ValueError):
        return None


def form_token(key: str, kind: str, at: int) -> str:
    """The token of a form of this kind that is fetched ``at`` this time (seconds since 1970)."""
    return _signer(key, f"{_FORM} {kind}").sign(str(at)).decode("ascii")


def read_form_token(key: str, kind: str, token: str) -> int | None:
    """When a form of this kind was fetched; ``None`` for a token that this installation has not signed for one."""
    try:
        return int(_unsigned(key, f"{_FORM} {kind}", token))
    except (BadSignature, ValueError):
        return None


def _unsigned(key: str, salt: str, token: str) -> bytes:
    return _signer(key, salt).unsign(token.encode("utf-8", "replace"))


@lru_cache(maxsize=8)
def _signer(key: str, salt: str) -> Signer:
    return Signer(bytes.fromhex(key), salt=salt)
