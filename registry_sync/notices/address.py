"""Addresses: what kind they are, in one spelling, and how they are shown without their secrets."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

from registry_sync.errors import UsageError
from registry_sync.notices.interface import Kind

HIDDEN = "***"
_LONGEST = 2000
_LONGEST_MAILBOX = 254
_LONGEST_LOCAL_PART = 64
_LONGEST_LABEL = 63
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.+)", re.DOTALL)
_LOCAL_PART = re.compile(r"[^\s@<>()\[\]\\,;:\"]+")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_HOST = re.compile(r"localhost|(?:[a-z0-9-]{1,30}\.){1,4}[a-z]{2,12}|(?:\d{1,3}\.){3}\d{1,3}")
_PLAIN_PART = re.compile(r"[A-Za-z]{1,20}")
_SECRET_FROM = 4
"""Characters from which a part of an address is taken out of a log text: shorter ones would take words apart."""


def classify(address: str) -> tuple[Kind, str]:
    """What an address is (RFC 5321 mailbox, http(s) URL, Apprise URL) and its normal spelling.

    Blanks around and ``mailto:`` go; the domain of a mailbox becomes lower case ASCII (RFC 5890), and its local part lower
    case (where that is sure to be another case and no other letter): RFC 5321 lets a server tell cases apart, none in use does, and one
    person must not be two subscribers;
    scheme and host of a URL become lower case, a fragment goes. Raises UsageError for what is none of the three.
    """
    text = address.strip()
    if not text or len(text) > _LONGEST or any(_unseen(character) for character in text):
        raise _unusable(address)
    scheme = _SCHEME.fullmatch(text)
    if scheme is None:
        return "email", _mailbox(text.removeprefix("mailto:"), address)
    if scheme[1].lower() in ("http", "https"):
        return "webhook", _web(text, address)
    return "chat", f"{scheme[1].lower()}://{scheme[2]}"


def masked(address: str) -> str:
    """The address for people's eyes: mail addresses as they are, of URLs scheme, host and the first plain part of the path.

    A part of a path that may be a token, user and password, query and fragment are hidden. In an Apprise URL even the host may be a
    token; it is shown where it looks like the name of a host.
    """
    scheme = _SCHEME.fullmatch(address.strip())
    if scheme is None:
        return address
    try:
        parts = urlsplit(address.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return f"{scheme[1]}://{HIDDEN}"
    web = parts.scheme in ("http", "https")
    if not web and not (_HOST.fullmatch(host) and host in parts.netloc):
        return f"{scheme[1]}://{HIDDEN}"
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}{f':{port}' if port else ''}{_masked_path(parts)}"


def scrubbed(text: str, address: str) -> str:
    """A log text without the secrets of this address."""
    for secret in sorted(_secrets(address), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _mailbox(text: str, given: str) -> str:
    local, at, domain = text.rpartition("@")
    domain = _ascii(domain.rstrip(".").lower())
    well_formed = (
        at
        and len(local) <= _LONGEST_LOCAL_PART
        and len(local) + len(domain) < _LONGEST_MAILBOX
        and _LOCAL_PART.fullmatch(local)
        and not (local.startswith(".") or local.endswith(".") or ".." in local)
        and all(len(label) <= _LONGEST_LABEL and _LABEL.fullmatch(label) for label in domain.split("."))
    )
    composed = unicodedata.normalize("NFC", local)
    if not well_formed or composed.isascii() != local.isascii():  # a sign that only looks like a letter would be another's mailbox
        raise _unusable(given)
    return f"{''.join(map(_lower, composed))}@{domain}"


def _lower(character: str) -> str:
    """The small letter of a capital one; what has none that leads back to it stays: of a dotted capital I there would be two signs."""
    small = character.lower()
    return small if small.upper() == character else character


def _web(text: str, given: str) -> str:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _unusable(given) from None
    if not host or " " in text or "\\" in text or port == 0:
        raise _unusable(given)
    user, at, _ = parts.netloc.rpartition("@")
    place = f"[{host}]" if ":" in host else _ascii(host)
    if ":" not in host and not all(
        len(label) <= _LONGEST_LABEL and re.fullmatch(r"[a-z0-9_-]+", label) for label in place.rstrip(".").split(".")
    ):
        raise _unusable(given)
    netloc = f"{user}{at}{place}{f':{port}' if port is not None else ''}"
    path, query = (quote(part, safe="%/:?#[]@!$&'()*+,;=~-._") for part in (parts.path or "/", parts.query))
    return urlunsplit((parts.scheme.lower(), netloc, path, query, ""))


def _masked_path(parts: SplitResult) -> str:
    steps = [step for step in parts.path.split("/") if step]
    hidden = parts.query or parts.fragment or len(steps) > 1
    if not steps:
        return f"/{HIDDEN}" if hidden else parts.path
    if not _PLAIN_PART.fullmatch(steps[0]):
        return f"/{HIDDEN}"
    return f"/{steps[0]}/{HIDDEN}" if hidden else f"/{steps[0]}"


def _secrets(address: str) -> set[str]:
    """The parts of a URL that may be secret: user, password, path, query values, and a host that is no host's name."""
    scheme = _SCHEME.fullmatch(address.strip())
    if scheme is None:
        return set()
    pieces = [piece for piece in re.split(r"[/?&=@:#]+", scheme[2]) if len(piece) >= _SECRET_FROM]
    return {piece for piece in pieces if not _HOST.fullmatch(piece) and not _PLAIN_PART.fullmatch(piece)} | {address.strip()}


def _ascii(domain: str) -> str:
    try:
        return domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return domain


def _unseen(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _unusable(address: str) -> UsageError:
    # Only the beginning: a long or garbled address may be a secret in the wrong place.
    shown = masked(address.strip()) if "://" in address else address.strip()[:80]
    return UsageError(
        f"{shown!r} is no address: give a mail address, an http(s) URL, or an Apprise URL such as ntfy://topic", about="address"
    )
