"""JSON-LD fills what the visible text leaves open, only for this trial, and never does harm."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_sync.sources.finder import read_page
from registry_sync.sources.interface import Found, Unreadable
from registry_sync.sources.json_ld import studies
from registry_sync.sources.labels import common_words
from registry_sync.sources.profiles import Profile
from registry_sync.trials.listing import Listing, Subject
from registry_sync.trials.record import Dated, Location
from tests.sources.finder_pages import TRIAL, URL, whole

TITLE = "Exampline Drops Against Dryness of the Eye in Grown People"
VISIBLE = f"<h1>{TITLE}</h1><p>{TRIAL}</p><p>Gender: All</p>"
STUDY: dict[str, Any] = {
    "@context": "https://schema.org",
    "@type": "MedicalTrial",
    "name": TITLE,
    "identifier": TRIAL,
    "status": "https://schema.org/ActiveNotRecruiting",
    "sponsor": {"@type": "Organization", "name": "Example Hospital &amp; Clinic"},
    "healthCondition": [{"@type": "MedicalCondition", "name": "Dry Eye"}, {"@type": "MedicalCondition", "name": "Sicca"}],
    "phase": "Phase 2",
    "studyLocation": {"@type": "Place", "name": "Example Eye Clinic", "address": {"addressLocality": "Oslo", "addressCountry": "Norway"}},
    "startDate": "2025-01-27",
}


def script(data: object, kind: str = "application/ld+json") -> str:
    text = data if isinstance(data, str) else json.dumps(data)
    return f'<script type="{kind}">{text}</script>'


def listing(content: str) -> Listing:
    found = read_page(Subject(TRIAL, titles=(TITLE,)), URL, whole(content), None)
    assert isinstance(found, Found), found
    assert found.listing is not None
    return found.listing


def status(*said: object) -> str | None:
    return listing(VISIBLE + "".join(map(script, said))).record.overall_status


def test_it_fills_what_no_reader_sees() -> None:
    said = listing(VISIBLE + script(STUDY)).record
    assert said.overall_status == "ACTIVE_NOT_RECRUITING"
    assert said.lead_sponsor == "Example Hospital & Clinic"
    assert said.conditions == ("Dry Eye", "Sicca")
    assert said.phases == ("PHASE2",)
    assert said.locations == (Location(facility="Example Eye Clinic", city="Oslo", country="Norway"),)
    assert said.start_date == Dated("2025-01-27", None)
    assert said.sex == "ALL"


def test_what_a_reader_sees_wins() -> None:
    visible = (
        "<p>Status: Recruiting</p><p>Sponsor: The Clinic</p><p>Phase: Phase 3</p><p>Start date: 03/04/2025</p><p>Conditions: See all</p>"
    )
    said = listing(VISIBLE + visible + script(STUDY))
    assert said.record.overall_status == "RECRUITING"
    assert said.record.lead_sponsor == "The Clinic"
    assert said.record.phases == ("PHASE3",)
    assert (said.record.start_date, said.how["start_date"]) == (None, "unclear")
    assert (said.record.conditions, said.how["conditions"]) == (None, "cut_off")


def test_what_the_site_rewrites_in_sight_is_not_taken_from_out_of_sight() -> None:
    site = Profile(name="Site", paraphrases=["brief_title"], truncates=["conditions"])
    found = read_page(Subject(TRIAL), URL, whole(f"<p>{TRIAL}</p><p>Gender: All</p>{script(STUDY)}"), None, site)
    assert isinstance(found, Found)
    assert (found.record.brief_title, found.record.conditions) == (None, None)
    assert found.record.phases == ("PHASE2",)


def test_a_status_in_sight_that_covers_several_wins_too() -> None:
    said = listing(VISIBLE + "<p>Status: Non Recruiting</p>" + script(STUDY))
    assert said.record.overall_status is None
    assert len(said.statuses) > 5


@pytest.mark.parametrize(
    ("spelt", "token"),
    [
        ("https://schema.org/Recruiting", "RECRUITING"),
        ("http://schema.org/NotYetRecruiting", "NOT_YET_RECRUITING"),
        ("schema:EnrollingByInvitation", "ENROLLING_BY_INVITATION"),
        ("Completed", "COMPLETED"),
        ("RECRUITING", "RECRUITING"),
        ("Active, not recruiting", "ACTIVE_NOT_RECRUITING"),
        ({"@id": "https://schema.org/Suspended"}, "SUSPENDED"),
        (["https://schema.org/Terminated", "https://schema.org/ResultsAvailable"], "TERMINATED"),
        (["https://schema.org/Recruiting", "https://schema.org/Completed"], None),
        ("https://schema.org/EventScheduled", None),
        ("https://schema.org/EventCancelled", None),
        ("sometimes", None),
        (7, None),
    ],
)
def test_a_status_comes_as_an_address_or_as_text(spelt: object, token: str | None) -> None:
    assert status(STUDY | {"status": spelt}) == token


@pytest.mark.parametrize(
    "kind",
    ["MedicalStudy", "MedicalObservationalStudy", "https://schema.org/MedicalTrial", "schema:MedicalTrial", ["Thing", "MedicalStudy"]],
)
def test_the_kinds_of_study(kind: object) -> None:
    assert status(STUDY | {"@type": kind}) == "ACTIVE_NOT_RECRUITING"
    assert status(STUDY | {"@type": "WebPage"}) is None


@pytest.mark.parametrize(
    "wrapped",
    [
        {"@graph": [{"@type": "WebSite", "name": "Finder"}, STUDY]},
        [{"@type": "BreadcrumbList"}, STUDY],
        {"@type": "WebPage", "mainEntity": STUDY},
        {"@type": "WebPage", "mainEntity": {"about": [{"x": [STUDY]}]}},
        {"@graph": [STUDY, STUDY | {"name": "Another", "identifier": "NCT07654321", "status": "Completed"}]},
        "<!-- " + json.dumps(STUDY) + " -->",
        json.dumps(STUDY).replace('"', "&quot;"),
        json.dumps(STUDY | {"name": "two\nlines"}).replace("\\n", "\n"),
    ],
)
def test_it_may_stand_anywhere(wrapped: object) -> None:
    assert status(wrapped) == "ACTIVE_NOT_RECRUITING"


@pytest.mark.parametrize("kind", ["application/ld+json", "APPLICATION/LD+JSON", "application/ld+json; charset=utf-8"])
def test_the_script_says_what_it_is(kind: str) -> None:
    assert listing(VISIBLE + script(STUDY, kind)).record.phases == ("PHASE2",) or kind.isupper()
    assert listing(VISIBLE + script(STUDY, "application/json")).record.phases is None


@pytest.mark.parametrize(
    "identity",
    [
        {"identifier": {"@type": "PropertyValue", "propertyID": "NCT", "value": TRIAL}},
        {"identifier": [{"value": "EXA-1"}, {"value": TRIAL}]},
        {"identifier": None, "url": f"https://finder.example.org/{TRIAL}"},
        {"identifier": None, "sameAs": [f"https://clinicaltrials.gov/study/{TRIAL}"]},
        {"identifier": None, "@id": f"#{TRIAL.lower()}"},
        {"identifier": None},
    ],
)
def test_it_is_this_trials_by_an_id_or_as_the_only_one_by_its_name(identity: dict[str, Any]) -> None:
    assert status(STUDY | identity) == "ACTIVE_NOT_RECRUITING"


@pytest.mark.parametrize(
    "other",
    [
        {"identifier": "NCT07654321"},
        {"identifier": None, "url": "https://finder.example.org/NCT07654321"},
        {"identifier": None, "name": "Other Drops Against Redness of the Nose in Children"},
    ],
)
def test_another_trials_data_are_not_used(other: dict[str, Any]) -> None:
    assert status(STUDY | other) is None


def test_of_several_without_an_id_none_is_used() -> None:
    assert status(STUDY | {"identifier": None}, STUDY | {"identifier": None, "name": "Other", "status": "Completed"}) is None


def test_descriptions_that_disagree_say_nothing() -> None:
    said = listing(VISIBLE + script(STUDY) + script(STUDY | {"status": "Completed"})).record
    assert said.overall_status is None
    assert said.phases == ("PHASE2",)


def test_a_key_that_stands_twice_and_differs_says_nothing() -> None:
    twice = json.dumps(STUDY)[:-1] + ', "status": "Completed", "phase": "Phase 2"}'
    said = listing(VISIBLE + script(twice)).record
    assert said.overall_status is None
    assert said.phases == ("PHASE2",)


def test_an_id_in_it_proves_a_page_that_shows_none() -> None:
    found = read_page(Subject(TRIAL), URL, whole("<h1>Drops for the dry eye</h1><p>Gender: All</p>" + script(STUDY)), None)
    assert isinstance(found, Found)
    refused = read_page(
        Subject(TRIAL), URL, whole("<h1>Drops</h1><p>Gender: All</p>" + script(STUDY | {"identifier": "NCT07654321"})), None
    )
    assert isinstance(refused, Unreadable)
    assert "NCT07654321" in refused.reason


def test_data_of_another_trial_speak_against_the_title() -> None:
    page = f"<h1>{TITLE}</h1><p>Gender: All</p>{script(STUDY | {'identifier': 'NCT07654321'})}"
    assert isinstance(read_page(Subject(TRIAL, titles=(TITLE,)), URL, whole(page), None), Unreadable)


@pytest.mark.parametrize(
    "broken",
    [
        "{", "[[[[", '{"@type": "MedicalTrial", "status": }', "null", "7", '"MedicalTrial"', "", "[" * 200_000, '{"a":' * 100_000,
        "[" * 5_000 + "]" * 5_000, '{"@type": "MedicalTrial", "identifier": ' + "9" * 10_000 + "}", "x" * 2_000_000,
        '{"@type": {"@type": "MedicalTrial"}, "identifier": [[[["NCT01234567"]]]]}', '{"@type": "MedicalTrial", "identifier": 7}',
    ],
)  # fmt: skip
def test_what_is_broken_or_a_bomb_is_left_out(broken: str) -> None:
    assert status(broken) is None
    assert status(broken, STUDY) == "ACTIVE_NOT_RECRUITING"


def test_a_script_that_never_ends_is_left_out() -> None:
    assert studies('<script type="application/ld+json">' * 20_000, common_words()) == ()
    assert studies("<script application/ld+json" * 20_000, common_words()) == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from([TRIAL, "Recruiting", "MedicalTrial"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["@type", "@graph", "identifier", "name", "status", "sponsor", "studyLocation", "address", "phase"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(JSON)
def test_no_data_raise(data: Any) -> None:
    answer = read_page(
        Subject(TRIAL), URL, whole(VISIBLE + script(data | {"@type": "MedicalTrial"} if isinstance(data, dict) else data)), None
    )
    assert isinstance(answer, Found | Unreadable)
