"""Texts of a page whose signs beyond ASCII were lost on their way -> the registry's own, where all else is letter for letter the same.

A site that serves one encoding under the name of another shows "Sj?gren" or worse for "Sjögren". That is no other text. A sign that
decides (at least, at most, plus or minus) is never taken for another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec.structs import replace

from registry_sync.trials.listing import Listing
from registry_sync.trials.record import Record

_RUN = re.compile(r"(?:[^\x00-\x7f]|\?+)(?:[^\x00-\x7f]|[?\s](?=[^\x00-\x7f]|\?))*")
_DECIDES = frozenset("\u2264\u2265\u2266\u2267\u2260\u00b1\u2212\u00d7\u2192\u2190\u2191\u2193")
_TEXTS = ("brief_title", "official_title", "lead_sponsor")
_FEWEST_LETTERS = 4
_LISTS = ("conditions", "keywords")
_PARTS = ("facility", "city", "state")


def mended(listing: Listing, now: Record) -> Listing:
    """The listing with the registry's spelling of every text that differs from it in garbled signs alone."""
    record = listing.record
    if not any(_RUN.search(text) for text in _texts(record)):
        return listing
    known: dict[tuple[str, ...], list[str]] = {}
    for text in dict.fromkeys(_texts(now)):
        if _RUN.search(text) and sum(letter.isascii() and letter.isalpha() for letter in text) >= _FEWEST_LETTERS:
            known.setdefault(_plain_parts(text), []).append(text)
    if not known:
        return listing

    def spelt(text: str) -> str:
        meant = known.get(_plain_parts(text), ())
        return meant[0] if len(meant) == 1 and _same_signs(text, meant[0]) else text

    values: dict[str, Any] = {name: spelt(value) for name in _TEXTS if (value := getattr(record, name)) is not None}
    values |= {name: tuple(map(spelt, value)) for name in _LISTS if (value := getattr(record, name)) is not None}
    if record.locations is not None:
        values["locations"] = tuple(
            replace(site, **{part: spelt(text) for part in _PARTS if (text := getattr(site, part)) is not None})
            for site in record.locations
        )
    if record.criteria is not None:
        values["criteria"] = tuple(replace(one, text=spelt(one.text)) for one in record.criteria)
    return replace(listing, record=replace(record, **values))


def _texts(record: Record) -> Iterator[str]:
    yield from (value for name in _TEXTS if (value := getattr(record, name)) is not None)
    for name in _LISTS:
        yield from getattr(record, name) or ()
    for site in record.locations or ():
        yield from (text for part in _PARTS if (text := getattr(site, part)) is not None)
    yield from (one.text for one in record.criteria or ())


def _plain_parts(text: str) -> tuple[str, ...]:
    """What stands between the runs of other signs, and on which side of it they stand."""
    return tuple(" ".join(part.split()).casefold() for part in _RUN.split(text))


def _same_signs(text: str, own: str) -> bool:
    """Can the signs of ``text`` be what became of those of ``own``? One that decides is not made of another one, nor of a letter."""
    pairs: Iterable[tuple[str, str]] = zip(_RUN.findall(text), _RUN.findall(own), strict=True)
    return all(not (_DECIDES & set(shown)) or _DECIDES & set(shown) == _DECIDES & set(meant) for shown, meant in pairs)
