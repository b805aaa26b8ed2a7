"""Signs that were lost on their way to a page, and signs that decide."""

from __future__ import annotations

import pytest

from registry_sync.trials.garbled import mended
from registry_sync.trials.listing import Listing
from registry_sync.trials.record import Criterion, Location, Record

TRIAL = "NCT00000001"


def criteria(*texts: str) -> tuple[Criterion, ...]:
    return tuple(Criterion("inclusion", None, 0, "item", text) for text in texts)


def shown(own: str, page: str) -> str:
    now = Record(trial=TRIAL, criteria=criteria(own, "Signed consent"))
    listing = mended(Listing(record=Record(trial=TRIAL, criteria=criteria(page))), now)
    assert listing.record.criteria is not None
    return listing.record.criteria[0].text


@pytest.mark.parametrize(
    "page",
    [
        "Sj?gren's disease since 3 months",
        "Sj\ufffdgren's disease since 3 months",
        "Sj\u00c3\u00b6gren's disease since 3 months",
        "Sj\u0161gren's disease since 3 months",
    ],
)
def test_a_name_with_garbled_letters_is_the_registrys(page: str) -> None:
    own = "Sj\u00f6gren's disease since 3 months"
    assert shown(own, page) == own


@pytest.mark.parametrize("page", ["hypoglyc?mia", "hypoglyc\u00c3\u00a6mia", "hypoglyc\ufffdmia", "hypoglyc??mia"])
def test_one_garbled_letter_in_a_word_is_no_other_word(page: str) -> None:
    own = "Severe hypoglyc\u00e6mia within 6 months"
    assert shown(own, own.replace("hypoglyc\u00e6mia", page)) == own


@pytest.mark.parametrize("town", ["?rhus", "\ufffdrhus", "\u00c3\u2026rhus"])
def test_a_garbled_town_is_the_registrys(town: str) -> None:
    now = Record(trial=TRIAL, locations=(Location(city="\u00c5rhus", country="Denmark"),))
    listing = mended(Listing(record=Record(trial=TRIAL, locations=(Location(city=town, country="Denmark"),))), now)
    assert listing.record.locations == now.locations


def test_a_garbled_sign_that_decides_is_the_registrys() -> None:
    own = "Age \u2265 18 years"
    assert shown(own, "Age \u00e2\u2030\u00a5 18 years") == own
    assert shown(own, "Age ? 18 years") == own


def test_a_sign_that_decides_is_never_taken_for_another() -> None:
    own = "Age \u2265 18 years"
    assert shown(own, "Age \u2264 18 years") == "Age \u2264 18 years"


def test_another_number_is_another_text() -> None:
    assert shown("Sj\u00f6gren's disease since 3 months", "Sj?gren's disease since 6 months") == "Sj?gren's disease since 6 months"


def test_of_two_that_it_may_be_neither_is_taken() -> None:
    now = Record(trial=TRIAL, criteria=criteria("Factor \u03b1 raised", "Factor \u03b2 raised"))
    listing = Listing(record=Record(trial=TRIAL, criteria=criteria("Factor ? raised")))
    assert mended(listing, now) == listing
