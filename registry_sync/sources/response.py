"""An answer, and what its type, encoding and first bytes say of it."""

from __future__ import annotations

import codecs
import email.utils
import re
from collections.abc import Mapping

import msgspec

from registry_sync.sources.folding import fold
from registry_sync.sources.interface import Validators

_NOT_TEXT = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "utf-7"})
_BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_LONGEST_VALIDATOR = 300
_ETAG = re.compile(r"""(?:W/)?"[\x21\x23-\x7e]*\"""")


class Response(msgspec.Struct, frozen=True):
    """An answer of status 2xx: whole, decompressed, under the cap; or one of status 304, without a body, to a question with validators.

    ``url`` is where it came from in the end, ``asked`` where the first request went, both without login and fragment; ``headers`` are
    found in any case.
    """

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes
    asked: str = ""

    @property
    def redirected(self) -> bool:
        """Did it come from another address than the one that was asked?"""
        return self.asked not in ("", self.url)

    @property
    def validators(self) -> Validators | None:
        """What to ask the same address by next time (RFC 9110, section 8.8); ``None``: the server gives nothing to ask by.

        Nor does an answer after a redirect: what it gives belongs to another address.
        """
        etag, modified = (fold(self.headers.get(name, "")) for name in ("ETag", "Last-Modified"))
        found = Validators(etag if _is_etag(etag) else None, modified if _is_date(modified) else None)
        return None if self.redirected or found == Validators() else found

    @property
    def content_type(self) -> str:
        """The media type in lower case, without parameters; empty when the server does not say."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def charset(self) -> str | None:
        """The encoding that the Content-Type names, when it is one that text can be decoded by."""
        named = re.search(r""";\s*charset\s*=\s*["']?([^\s;"']+)""", self.headers.get("Content-Type", ""), re.IGNORECASE)
        if named is None:
            return None
        try:
            found = codecs.lookup(named[1]).name
            b"x".decode(found, "replace")  # zlib, rot13 and others are codecs, and none of text
        except (LookupError, ValueError):
            return None
        return None if found.replace("_", "-") in _NOT_TEXT else found

    @property
    def is_html(self) -> bool:
        """Is it a web page, by its type or by how it begins?"""
        if self.content_type in ("text/html", "application/xhtml+xml"):
            return True
        beginning = self.body[:1024].removeprefix(codecs.BOM_UTF8).lstrip().lower()
        return beginning.startswith((b"<!doctype html", b"<html"))

    def text(self) -> str:
        """The body as text, by its byte order mark, its charset, or UTF-8; what cannot be decoded is replaced."""
        for mark, encoding in _BYTE_ORDER_MARKS:
            if self.body.startswith(mark):
                return self.body.decode(encoding, "replace")
        return self.body.decode(self.charset or "utf-8", "replace")


def conditions(validators: Validators) -> dict[str, str]:
    """The headers that ask for an answer only if it is another one (RFC 9110, sections 13.1.2 and 13.1.3)."""
    headers = {}
    if validators.etag is not None and _is_etag(validators.etag):
        headers["If-None-Match"] = validators.etag
    if validators.last_modified is not None and _is_date(validators.last_modified):
        headers["If-Modified-Since"] = validators.last_modified
    return headers


def _is_etag(text: str) -> bool:
    """Is it an entity tag as RFC 9110 writes it? A bare ``*`` would fit whatever the server has, for ever."""
    return len(text) <= _LONGEST_VALIDATOR and _ETAG.fullmatch(text) is not None


def _is_date(text: str) -> bool:
    if not (0 < len(text) <= _LONGEST_VALIDATOR and text.isascii() and text.isprintable()):
        return False
    try:
        return email.utils.parsedate_to_datetime(text) is not None
    except (ValueError, TypeError, OverflowError, IndexError):
        return False
