"""How a text of the registry reads on a page: sites change its case, its punctuation, its accents and its typography."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from registry_sync.trials.text import key
from registry_sync.trials.text import words as words_of

Words = tuple[str, ...]

_NO_WORDS = frozenset(".,;:()[]{}'\"?!*|\\~") | {"\u2022", "\u00b7", "\u00ae", "\u2122", "\u00a9", "\u2020", "\u2021"}
_DROPPED = str.maketrans(
    {**dict.fromkeys("\u00ae\u2122\u00a9^"), "\u2044": "/", "\u00f8": "o", "\u00d8": "O", "\u00e6": "ae", "\u00c6": "AE"}
)
_STROKE = "\u0338"
"""The stroke that makes a sign its opposite (not equal): no accent."""
_THOUSANDS = re.compile(r"(?<=[0-9]),(?=[0-9]{3}\b)")
_TIMES = re.compile(r"(?<=[0-9])\s*[\u00d7*]\s*(?=10)")
_APOSTROPHE = re.compile(r"(?<=[^\W\d_])'(?=[^\W\d_])")
_HYPHEN = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_])")
_FILLERS = frozenset(
    "a an the of to for with in on at or and is are be been being have has had must should will can who whom that which this these those "
    "their patient participant subject individual people person study trial you your i my am all any".split()
)
_LEGAL_FORMS = frozenset(
    "inc incorporated ltd limited llc plc gmbh ag sa a/s as ab bv nv oy co corp corporation company the spa srl kg".split()
)
_ELLIPSES = ("...", "\u2026")
_MARK = re.compile(
    r"[(\uff08]?(?:\d{1,3}(?:\.\d{1,2}){0,3}|\d{0,2}[a-z]|[ivx]{1,5}|[IVX]{1,5}|[A-Z](?=[)\uff09]|\.\s*[A-Z]))[)\uff09.\u3001]+"
    r"(?:\s+(?=\S)|(?=[^\W\d_]{2}|[<>\u2264\u2265]))"
    r"|[*\u2022\u25e6\u25aa\u25cf\u00b7\u2013-]\s*(?=[^\W\d_]{2})"
)
"""A number, letter or bullet before an item: "1.", "(i)", "a)", "2.1.", but not the number of "1.5 mg"."""
_MOST_MARKS = 3


@lru_cache(maxsize=16384)
def read(text: str) -> Words:
    """The words, numbers and signs of a text as they are compared with a page's; superscripts and accents are lost on many."""
    plain = key(_TIMES.sub(" x ", text.translate(_DROPPED)))
    if not plain.isascii():
        parts = unicodedata.normalize("NFKD", plain)
        plain = key("".join(part for part in parts if part == _STROKE or not unicodedata.combining(part)).translate(_DROPPED))
    plain = _HYPHEN.sub(" ", _APOSTROPHE.sub("", _THOUSANDS.sub("", plain.replace("_", " "))))
    return tuple(word for word in words_of(plain) if word not in _NO_WORDS)


def read_item(text: str) -> Words:
    """The words of an item of a list; the "and" at its end belongs to the list."""
    found = read(text)
    return found[:-1] if found[-1:] == ("and",) else found


@lru_cache(maxsize=16384)
def bare_forms(text: str) -> tuple[str, ...]:
    """An item of a list without the first, and without each further number, letter or bullet that it still begins with.

    "1. (i) Age" is "(i) Age" and "Age".
    """
    forms: list[str] = []
    while len(forms) < _MOST_MARKS and (found := _MARK.match(text)):
        text = text[found.end() :]
        forms.append(text)
    return tuple(forms)


def unmarked(text: str) -> str:
    """An item of a list without any of these marks."""
    return next(reversed(bare_forms(text)), text)


def telling(text: str) -> Words:
    """The words that say something, in the alphabet's order: "Patients must have asthma" and "Asthma" say the same."""
    plain = (word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in read(text))
    return tuple(sorted(word for word in plain if word not in _FILLERS))


def name(text: str) -> Words:
    """The words of an organisation's name without its legal form."""
    found = read(text.replace("A/S", " ").replace("a/s", " "))
    return tuple(word for word in found if word not in _LEGAL_FORMS and word != "&") or found


def holds(long: Words, short: Words) -> bool:
    """Does ``short`` stand in ``long`` as whole words, one after the other?"""
    return bool(short) and any(long[at : at + len(short)] == short for at in range(len(long) - len(short) + 1))


def is_cut(text: str, whole: str) -> bool:
    """Is this the beginning of ``whole``, with a sign that more follows?"""
    bare = text.rstrip()
    for ending in _ELLIPSES:
        if bare.endswith(ending):
            begin = read(bare[: -len(ending)])
            return bool(begin) and "".join(read(whole)).startswith("".join(begin))
    return False
