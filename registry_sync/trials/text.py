"""When are two texts the same to a reader? White space, Unicode forms, dashes and quotes do not count."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\uff0d"
_SINGLE_QUOTES = "\u2018\u2019\u201a\u201b\u00b4\u0060\u2032"
_DOUBLE_QUOTES = "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb"
_INVISIBLE = "\u00ad\u200b\u200c\u200d\ufeff\u2060"
_SAME: dict[int, str | None] = {
    **{ord(char): "-" for char in _DASHES},
    **{ord(char): "'" for char in _SINGLE_QUOTES},
    **{ord(char): '"' for char in _DOUBLE_QUOTES},
    **{ord(char): None for char in _INVISIBLE},
    0x00B5: "\u03bc",  # the micro sign and the Greek letter
}
_ODD = re.compile(f"[{''.join(map(chr, _SAME))}]")
_HAS_SIGN = re.compile(r"[<>\u2264\u2265=] ")
_BLANK_BEFORE_SIGN = re.compile(r"(?<=[<>\u2264\u2265=]) (?=\d)")


@lru_cache(maxsize=16384)
def key(text: str) -> str:
    """What is compared: two texts with the same key read the same. Case counts.

    Unicode forms NFC and NFD are one (UAX #15); compatibility forms are not, since a superscript 2 is no 2.
    """
    folded = text.replace("`", "'") if text.isascii() else _folded(text)
    folded = " ".join(folded.replace(">=", "\u2265").replace("<=", "\u2264").split())
    return _BLANK_BEFORE_SIGN.sub("", folded) if _HAS_SIGN.search(folded) else folded


def _folded(text: str) -> str:
    """What ``key`` folds beyond ASCII, where the backtick is all that there is to fold."""
    return _ODD.sub(_same, unicodedata.normalize("NFC", text)).replace("\u2026", "...")


def _same(found: re.Match[str]) -> str:
    return _SAME[ord(found[0])] or ""


def caseless(text: str) -> str:
    """The key without case: a difference in case alone is housekeeping."""
    return key(text).casefold()


_WORD = re.compile(r"\d+(?:[.,]\d+)*|\w+|[^\w\s]")


@lru_cache(maxsize=16384)
def words(text: str) -> tuple[str, ...]:
    """The words, numbers and signs of a text, without case, as they are compared for likeness."""
    return tuple(_WORD.findall(caseless(text)))
