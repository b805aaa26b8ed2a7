"""Notices as they go over the wire, many of them with the same news: what all of them share is written once.

A mail differs from its neighbour in its recipient, its identity and the link that stops it. So it is composed once for a recipient that
does not exist, and each further one is the same octets with those few places changed; the octets are those that ``compose.mail`` gives.
"""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict
from datetime import datetime
from email import quoprimime
from email.message import EmailMessage
from email.policy import SMTP

import msgspec
import msgspec.structs

from registry_sync.errors import UsageError
from registry_sync.notices import access, compose, confirm, operator
from registry_sync.notices.address import classify
from registry_sync.notices.interface import Notice, TrialNews

_MOST_FORMS = 16
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}@[a-z0-9.-]{1,190}")
"""An address that stands in a header as it is."""


class Wire(msgspec.Struct, frozen=True):
    """A mail as it is handed to a server; ``utf8``: it needs SMTPUTF8 (a local part beyond ASCII, RFC 6531)."""

    recipient: str
    octets: bytes
    utf8: bool = False


class _Form(msgspec.Struct, frozen=True):
    """A mail in pieces: octets, and between them the names of what stands there. ``news`` is held so that its identity is not reused."""

    pieces: tuple[bytes, ...]
    slots: tuple[int, ...]
    lines: tuple[str, ...]
    news: tuple[TrialNews, ...]


class Writer:
    """Writes the mails of one delivery; see ``compose.mail`` for what it is told."""

    def __init__(self, *, sender: str, reply_to: str, unsubscribe: str, web_url: str, now: datetime) -> None:
        self._with = {"sender": sender, "reply_to": reply_to, "unsubscribe": unsubscribe, "web_url": web_url, "now": now}
        self._sender = sender
        self._reply_to = reply_to
        self._now = now
        self._forms: OrderedDict[tuple[object, ...], _Form] = OrderedDict()

    def write(self, notice: Notice) -> Wire:
        """The mail of a notice. Raises UsageError when its address is no mail address."""
        if not _PLAIN_ADDRESS.fullmatch(notice.address) and classify(notice.address)[0] != "email":
            raise UsageError("this is no mail address")
        if isinstance(notice, operator.OperatorNotice):
            return _flat(operator.mail(notice, sender=self._sender, now=self._now))
        if isinstance(notice, confirm.ConfirmNotice):
            return _flat(confirm.mail(notice, sender=self._sender, reply_to=self._reply_to, now=self._now))
        if isinstance(notice, access.AccessNotice):
            return _flat(access.mail(notice, sender=self._sender, reply_to=self._reply_to, now=self._now))
        if not _PLAIN_ADDRESS.fullmatch(notice.address) or not notice.news:
            return _flat(compose.mail(notice, **self._with))  # type: ignore[arg-type]
        return Wire(notice.address, self._filled(self._form(notice), notice))

    def _form(self, notice: Notice) -> _Form:
        key = (*map(id, notice.news), notice.role, notice.language, notice.every, notice.note, len(notice.stop_token or ""))
        form = self._forms.pop(key, None) or self._made(notice)
        self._forms[key] = form
        if len(self._forms) > _MOST_FORMS:
            self._forms.popitem(last=False)
        return form

    def _made(self, notice: Notice) -> _Form:
        stand_in = msgspec.structs.replace(
            notice,
            id=secrets.token_hex(16),
            address=f"{secrets.token_hex(16)}@example.invalid",
            stop_token=_stand_in(len(notice.stop_token)) if notice.stop_token else None,
        )
        octets = compose.mail(stand_in, **self._with).as_bytes(policy=compose.WIRE)  # type: ignore[arg-type]
        lines: list[str] = []
        if stand_in.stop_token:
            web_or_mail = compose.stop_by(stand_in, self._with["unsubscribe"], self._with["web_url"], "")  # type: ignore[arg-type]
            for body in (compose.text, compose.html):
                lines += [line for line in body(stand_in, stop_by=web_or_mail).splitlines() if stand_in.stop_token in line]
        places: list[bytes] = [stand_in.address.encode(), stand_in.id.encode(), compose.boundary(stand_in.id).encode()]
        places += [_encoded(line) for line in lines]
        if stand_in.stop_token:
            places.append(stand_in.stop_token.encode())  # what is left of it: in the headers
        found = re.split(b"(" + b"|".join(map(re.escape, places)) + b")", octets)
        return _Form(
            tuple(found[::2]),
            tuple(places.index(piece) for piece in found[1::2]),
            tuple(line.replace(stand_in.stop_token or "", "\0") for line in lines),
            notice.news,
        )

    def _filled(self, form: _Form, notice: Notice) -> bytes:
        token = notice.stop_token or ""
        values = [notice.address.encode(), notice.id.encode(), compose.boundary(notice.id).encode()]
        values += [_encoded(line.replace("\0", token)) for line in form.lines]
        values.append(token.encode())
        pieces = [form.pieces[0]]
        for slot, piece in zip(form.slots, form.pieces[1:], strict=True):
            pieces += (values[slot], piece)
        return b"".join(pieces)


def _stand_in(length: int) -> str:
    return (secrets.token_hex(length) + "x" * length)[:length]


def _encoded(line: str) -> bytes:
    """A line of a body as it goes over the wire (RFC 2045, 6.7), without its end."""
    encoded = quoprimime.body_encode(line.encode("utf-8").decode("latin-1") + "\n", SMTP.max_line_length or 78)
    return encoded.removesuffix("\n").replace("\n", "\r\n").encode("ascii")


def _flat(message: EmailMessage) -> Wire:
    recipient = message["To"].addresses[0].addr_spec
    utf8 = not recipient.isascii()
    return Wire(recipient, message.as_bytes(policy=compose.WIRE.clone(utf8=utf8)), utf8)
