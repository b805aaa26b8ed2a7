"""The words of trial-finder pages as data: ``finders/words.toml``, read once, when the first page is."""

from __future__ import annotations

import threading
import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

FOLDER = Path(__file__).parent / "finders"
WORDS = "words.toml"

Status = Literal[
    "RECRUITING", "NOT_YET_RECRUITING", "ACTIVE_NOT_RECRUITING", "ENROLLING_BY_INVITATION", "COMPLETED", "SUSPENDED", "TERMINATED",
    "WITHDRAWN", "UNKNOWN", "WITHHELD", "AVAILABLE", "NO_LONGER_AVAILABLE", "TEMPORARILY_NOT_AVAILABLE", "APPROVED_FOR_MARKETING",
]  # fmt: skip
"""The registry's tokens (ClinicalTrials.gov, API v2, enumeration ``Status``)."""
ALL_STATUSES: tuple[str, ...] = Status.__args__  # type: ignore[attr-defined]

Value = Literal[
    "brief_title", "official_title", "lead_sponsor", "overall_status", "sex", "minimum_age", "maximum_age", "healthy_volunteers", "phases",
    "study_type", "enrollment", "conditions", "keywords", "locations", "start_date", "primary_completion_date", "completion_date",
    "first_submit_date", "first_post_date", "last_update_submit_date", "last_update_post_date", "status_verified_date", "criteria",
]  # fmt: skip
"""The fields of a record that a page can state."""
VALUES: tuple[str, ...] = Value.__args__  # type: ignore[attr-defined]

Structure = Literal["ages", "launched_by", "refreshed", "registration", "other_ids", "none", "section"]
"""What else a label can mean.

``ages``: one label for both limits; ``launched_by``: who brought the trial to the registry, and the day; ``refreshed``: the day of
which the site's copy is; ``registration``: the number by which the site files the trial; ``other_ids``: its other numbers; ``none``: a
label whose value is not kept, it ends the value before it; ``section``: opens a part of the page and has no value of its own.
"""
MEANINGS: tuple[str, ...] = (*VALUES, *Structure.__args__)  # type: ignore[attr-defined]


Column = Literal["facility", "city", "state", "zip", "country", "place", "status", "none"]
"""What a column of a table of sites holds. ``place``: town and country, or more, in one; ``none``: nothing that is kept."""


class Several(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words for the status that cover several of the registry's tokens; ``beside_a_label``: alone they may be anything."""

    words: list[str]
    covers: list[Status] = []
    covers_all_but: list[Status] = []
    beside_a_label: bool = False

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens covered, in the registry's order."""
        return tuple(one for one in ALL_STATUSES if one in self.covers or (self.covers_all_but and one not in self.covers_all_but))


class Walls(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words of a line behind which a site keeps the rest of a list: what to do, what to be, how much there is, and of what."""

    acts: list[str]
    gates: list[str]
    wholes: list[str]
    lists: list[str]


class SearchFrame(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words of the lines around what a search has found: how much, by what, and on which of several pages."""

    counts: list[str]
    filters: list[str]
    paging: list[str]


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words that may stand beside an id that a page presents as its own, and headings of the parts where it does."""

    names: list[str]
    trial: list[str]
    besides: list[str]
    sentence: list[str]
    headings: list[str]
    makers: list[str]


class Vocabulary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file, as it is written."""

    nothing: list[str]
    cut_off: list[str]
    buttons: list[str]
    helps: list[str]
    folds: list[str]
    paraphrase: list[str]
    selection: list[str]
    other_trials: list[str]
    related: list[str]
    beside: list[str]
    steps: list[str]
    elsewhere: list[str]
    menu: list[str]
    advertisements: list[str]
    ways: list[str]
    search_results: list[str]
    searches: list[str]
    search_frame: SearchFrame
    identity: Identity
    facilities: list[str]
    walls: Walls
    labels: dict[Value | Structure, list[str]]
    columns: dict[Column, list[str]]
    states: dict[str, dict[str, str]]
    statuses: dict[Status, list[str]]
    statuses_beside_a_label: dict[Status, list[str]]
    several: list[Several]


_READING = threading.Lock()


def common() -> Vocabulary:
    """The words that are the same on all sites; from any thread, read by one alone (msgspec takes in a type for one at a time only)."""
    with _READING:
        return _common()


@cache
def _common() -> Vocabulary:
    return msgspec.convert(tomllib.loads((FOLDER / WORDS).read_text(encoding="utf-8")), Vocabulary)
