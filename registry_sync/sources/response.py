"""An answer, and what its type, encoding and first bytes say of it."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping

import msgspec

_NOT_TEXT = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "utf-7"})
_BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class Response(msgspec.Struct, frozen=True):
    """An answer of status 2xx: whole, decompressed, under the cap.

    ``url`` is where it came from in the end, without login and fragment; ``headers`` are found in any case.
    """

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes

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
