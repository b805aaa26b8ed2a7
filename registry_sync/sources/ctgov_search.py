"""A search of ClinicalTrials.gov as a person types it, as it is kept, and as the API takes it.

What is in an area is the registry's to understand (its API description calls it Essie expression syntax): ``OR``, ``AND`` and ``NOT``
in capitals, quoted phrases, parentheses. Only blanks are folded here.
"""

from __future__ import annotations

import json
import re
import shlex
import unicodedata
from collections.abc import Iterable
from math import ceil
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlencode

import msgspec

from registry_sync.errors import UsageError

if TYPE_CHECKING:
    from registry_sync.sources.http import Getter

AREAS: dict[str, str] = {
    "cond": "query.cond",
    "term": "query.term",
    "locn": "query.locn",
    "intr": "query.intr",
    "titles": "query.titles",
    "outc": "query.outc",
    "spons": "query.spons",
    "lead": "query.lead",
    "id": "query.id",
    "patient": "query.patient",
    "status": "filter.overallStatus",
    "advanced": "filter.advanced",
}
"""The areas of a search, in the order in which they are kept and shown, and the API's parameter for each."""

STATUSES = (
    "NOT_YET_RECRUITING", "RECRUITING", "ENROLLING_BY_INVITATION", "ACTIVE_NOT_RECRUITING", "SUSPENDED", "TERMINATED", "COMPLETED",
    "WITHDRAWN", "UNKNOWN", "WITHHELD", "AVAILABLE", "TEMPORARILY_NOT_AVAILABLE", "NO_LONGER_AVAILABLE", "APPROVED_FOR_MARKETING",
)  # fmt: skip
"""The statuses that the registry knows (``Status`` in its API description)."""

_LONGEST = 6_000
"""Bytes of a search in an address: of a request line's 7,500 this leaves the rest to fields, page size and page token."""
_FILTERS = frozenset({"status", "advanced"})
_ONLY_IDS = re.compile(r"NCT[0-9]{1,8}(?:[ ,]+NCT[0-9]{1,8})*", re.IGNORECASE)
_BLANKS = "\t\n\r"
_BAD_REQUEST = 400


class Search(msgspec.Struct, frozen=True):
    """One search: each area once, in the order of AREAS, with its text. Two that find the same by their spelling alone are equal."""

    areas: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return shlex.join(f"{area}={text}" for area, text in self.areas)

    @property
    def options(self) -> str:
        """The search as options of a command: ``--query cond=Sjogren --query locn=Denmark``."""
        return " ".join(f"--query {shlex.quote(f'{area}={text}')}" for area, text in self.areas)

    def as_dict(self) -> dict[str, str]:
        """The search as JSON output shows it: an object, area by area."""
        return dict(self.areas)

    def to_json(self) -> str:
        """The one spelling under which this search is kept."""
        return json.dumps(self.as_dict(), ensure_ascii=False, separators=(",", ":"))

    def params(self) -> dict[str, str]:
        """The API's parameters."""
        return {AREAS[area]: text.replace(",", "|") if area == "status" else text for area, text in self.areas}


def from_json(text: str) -> Search:
    """The search that ``to_json`` wrote."""
    return Search(tuple(json.loads(text).items()))


def search_from(options: Iterable[str]) -> Search:
    """The one search that these ``AREA=TEXT`` say together. Raises UsageError for what can be none."""
    texts: dict[str, str] = {}
    for option in options:
        name, equals, text = option.partition("=")
        area = name.strip().lower()
        if not equals or area not in AREAS:
            _refuse(option, f"is not AREA=TEXT with an area that can be searched; there are {', '.join(AREAS)}")
        if area in texts:
            _refuse(option, f"names {area} a second time; put both into one, such as {area}='A OR B'")
        texts[area] = _statuses(option, text) if area == "status" else _text(option, text)
    if not texts:
        raise UsageError("a search needs at least one --query AREA=TEXT")
    search = Search(tuple((area, texts[area]) for area in AREAS if area in texts))
    _check_whole(search)
    return search


def count(client: Getter, base_url: str, search: Search) -> int:
    """How many trials the registry says that this search finds: one request. Raises FetchError."""
    from registry_sync.errors import BadContent, BadStatus
    from registry_sync.sources.ctgov_pages import pages
    from registry_sync.sources.trouble import place

    url = f"{base_url.rstrip('/')}/api/v2/studies"
    asked = {**search.params(), "fields": "NCTId", "format": "json", "countTotal": "true", "pageSize": "1"}
    try:
        total = next(pages(client, url, asked, expected=1)).total_count
    except BadStatus as error:
        if error.status != _BAD_REQUEST:
            raise
        raise BadStatus(f"{error}: it does not understand the search {search}", about=error.about, status=error.status) from error
    if total is None:
        raise BadContent(f"{place(url)} does not say how many trials the search finds", about=place(url))
    return total


def requests_to_record(total: int) -> int:
    """How many requests a search takes that finds so many trials, with the first whole record of each."""
    from registry_sync.sources.ctgov import WHOLE_AT_ONCE
    from registry_sync.sources.ctgov_pages import LARGEST_PAGE

    return max(1, ceil(total / LARGEST_PAGE)) + ceil(total / WHOLE_AT_ONCE)


def _text(option: str, text: str) -> str:
    if any(not letter.isprintable() and letter not in _BLANKS and unicodedata.category(letter) != "Zs" for letter in text):
        _refuse(option, "holds a character that cannot be seen; type it anew")
    folded = unicodedata.normalize("NFC", " ".join(text.split()))
    if not folded:
        _refuse(option, "says nothing after the =")
    return folded


def _statuses(option: str, text: str) -> str:
    tokens = {token.upper() for token in re.split(r"[,|\s]+", _text(option, text)) if token}
    unknown = sorted(tokens - set(STATUSES))
    if unknown or not tokens:
        _refuse(option, f"{', '.join(unknown) or 'nothing'} is no status of the registry; there are {', '.join(STATUSES)}")
    return ",".join(status for status in STATUSES if status in tokens)


def _check_whole(search: Search) -> None:
    length = len(urlencode(search.params()))
    if length > _LONGEST:
        raise UsageError(f"this search is too long to be asked: {length:,} bytes of {_LONGEST:,}; make two of it", about=str(search)[:80])
    areas = search.as_dict()
    filters = sorted(_FILTERS & areas.keys())
    only_ids = next((area for area, text in areas.items() if area not in _FILTERS and _ONLY_IDS.fullmatch(text)), None)
    if filters and only_ids:
        raise UsageError(
            f"{only_ids} holds nothing but NCT ids, and the registry passes over {' and '.join(filters)} then; watch the ids themselves",
            about=str(search),
        )


def _refuse(option: str, why: str) -> NoReturn:
    shown = option if len(option) <= 60 else option[:60] + "..."
    raise UsageError(f"--query {shown!r} {why}", about=shown)
