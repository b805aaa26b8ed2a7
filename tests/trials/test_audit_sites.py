"""What sites write otherwise without saying anything else."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from registry_sync.trials.audit import Past, audit
from registry_sync.trials.listing import Listing
from registry_sync.trials.record import Criterion, Enrollment, Location, Record
from tests.trials.records import criterion, record
from tests.trials.test_audit import page, past, verdict, word


def inclusion(*texts: str) -> tuple[Criterion, ...]:
    return tuple(criterion("inclusion", text) for text in texts)


REGISTRY = inclusion("Age of 18 years or older", "Neutrophil count of at least 1.0 x 10^9/L", "Signed consent")


def test_a_sign_of_multiplication_is_an_x() -> None:
    shown = inclusion("Age of 18 years or older", "Neutrophil count of at least 1.0 \u00d7 10^9/L", "Signed consent")
    assert word("criteria", shown, REGISTRY) == "agrees"
    wrong = inclusion("Age of 18 years or older", "Neutrophil count of at least 1.5 \u00d7 10^9/L", "Signed consent")
    assert word("criteria", wrong, REGISTRY) == "contradicts"


def test_items_that_run_together_with_their_numbers_are_the_same() -> None:
    shown = inclusion("Age of 18 years or older", "Neutrophil count of at least 1.0 x 10^9/L 3. Signed consent")
    found = verdict(page(criteria=shown), past(record(criteria=REGISTRY)), "criteria")
    assert found.verdict == "agrees"


def test_a_remark_of_the_page_contradicts_nothing() -> None:
    remark = criterion("inclusion", "This is not intended to hold all considerations.", kind="note")
    assert word("criteria", (*REGISTRY, remark), REGISTRY) == "agrees"


def test_a_twin_may_count_other_people() -> None:
    versions = past(record(enrollment=Enrollment(312, "ESTIMATED")))
    shown = page(enrollment=Enrollment(120, None))
    assert verdict(shown, versions, "enrollment").verdict == "contradicts"
    twin = replace(shown, follows=("2023-501234-11-00",))
    (row,) = [row for row in audit(twin, versions) if row.field == "enrollment"]
    assert row.verdict == "incomparable"


TITLE = "A Study of Zelvotinib Plus Rituximab in Adults With Relapsed Marginal Zone Lymphoma"


def titled(text: str) -> str:
    return verdict(Listing(record(brief_title=text)), past(record(brief_title=TITLE)), "brief_title").verdict


def test_a_title_in_plain_words_or_a_shorter_one_cannot_be_compared() -> None:
    assert titled("A Study of Zelvotinib and Rituximab in People with Marginal Zone Lymphoma") == "incomparable"
    assert (
        titled("A trial to compare zelvotinib plus rituximab with placebo plus rituximab in people with marginal zone lymphoma")
        != "contradicts"
    )
    assert titled("A Study of Zelvotinib in Lymphoma") == "incomparable"


def test_a_title_with_another_word_in_the_place_of_one_contradicts() -> None:
    assert titled(TITLE.replace("Adults", "Adolescents")) == "contradicts"
    assert titled(TITLE.replace("Marginal Zone", "Follicular")) == "contradicts"


def test_an_item_without_a_word_is_judged_like_any_other() -> None:
    """The registry sends what trial teams type."""
    from registry_sync.trials.critical import critical_words

    assert critical_words("") == ()
    assert critical_words("-") == ()


@pytest.mark.parametrize(
    ("own", "shown"),
    [
        (
            Location(facility="Pulmonology Institute, Carmel Medical Center", city="Haifa", country="Israel"),
            Location(facility="Pulmonology Institute", city="Carmel Medical Center", state="Haifa", country="Israel"),
        ),
        (
            Location(facility="Emory", city="Decatur", state="Georgia", country="United States"),
            Location(facility="Emory", city="Decatur", country="Georgia"),
        ),
        (Location(city="Manchester", country="United Kingdom"), Location(city="Manchester", country="England")),
        (Location(city="Copenhagen", country="Denmark"), Location(city="2100 Copenhagen", country="Denmark")),
        (Location(city="Copenhagen", country="Denmark"), Location(city="DK-2100 Copenhagen", country="Denmark")),
        (
            Location(facility="Johns Hopkins", city="Baltimore, MD", country="United States"),
            Location(facility="Johns Hopkins", city="Baltimore", state="MD", country="United States"),
        ),
    ],
)
def test_a_place_is_read_so_that_its_town_is_the_registrys(own: Location, shown: Location) -> None:
    now = Past("2026-02-01", "2026-02-02T06:00:00Z", Record(trial="NCT00000001", locations=(own,)))
    (row,) = (row for row in audit(Listing(record=Record(trial="NCT00000001", locations=(shown,))), [now]) if row.field == "locations")
    assert row.verdict == "agrees", row


@pytest.mark.parametrize(
    ("own", "shown"),
    [
        (Location(city="London", country="United Kingdom"), Location(city="London", country="Canada")),
        (Location(city="Copenhagen", country="Denmark"), Location(city="Aarhus", country="Denmark")),
        (Location(city="Tbilisi", country="Georgia"), Location(city="Atlanta", country="Georgia")),
    ],
)
def test_another_town_or_country_is_another_place(own: Location, shown: Location) -> None:
    now = Past("2026-02-01", "2026-02-02T06:00:00Z", Record(trial="NCT00000001", locations=(own,)))
    (row,) = (row for row in audit(Listing(record=Record(trial="NCT00000001", locations=(shown,))), [now]) if row.field == "locations")
    assert row.verdict == "contradicts", row
