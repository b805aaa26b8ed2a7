"""A page that says two things of one field says neither."""

from __future__ import annotations

import pytest

from registry_sync.sources.finder import read_page
from registry_sync.sources.interface import Found
from registry_sync.trials.listing import Listing, Subject
from tests.sources.finder_pages import TRIAL, URL, whole


def listing(content: str) -> Listing:
    found = read_page(Subject(TRIAL), URL, whole(f"<p>NCT ID: {TRIAL}</p>{content}"), None)
    assert isinstance(found, Found), found
    assert found.listing is not None
    return found.listing


# a word without a label counts where a page says what its trial is: at its top
TABLE = "<table><tr><th>Recruitment status</th><td>Recruiting</td></tr><tr><th>Minimum age</th><td>18 Years</td></tr></table>"


@pytest.mark.parametrize("before", ["<p>Recruitment status: Completed</p>", "<p>Completed</p>", "<div><span>Completed</span></div>"])
def test_two_statuses_are_none(before: str) -> None:
    for content in (before + TABLE, *([TABLE + before] if ":" in before else [])):
        said = listing(content)
        assert (said.record.overall_status, said.statuses, said.how.get("overall_status")) == (None, (), "unclear")
        assert said.record.minimum_age == "18 Years"


@pytest.mark.parametrize("before", ["Status: Recruiting", "Now recruiting", "Status: Open to enrollment", "Status: Active"])
def test_the_same_status_twice_is_one(before: str) -> None:
    said = listing(f"<p>{before}</p>{TABLE}")
    assert (said.record.overall_status or said.statuses, said.how.get("overall_status")) != (None, "unclear")
    assert "RECRUITING" in (said.record.overall_status, *said.statuses)


@pytest.mark.parametrize(
    ("field", "lines"),
    [
        ("minimum_age", ("Minimum age: 21 Years",)),
        ("minimum_age", ("Age range: 21 Years to 70 Years",)),
        ("sex", ("Sex: All", "Gender: Female")),
        ("enrollment", ("Enrollment: 40", "Number of participants: 60")),
        ("start_date", ("Start date: 2025-01-02", "Study start: 2025-02-03")),
        ("maximum_age", ("Age range: 18 Years to 70 Years", "Age limits: 18 Years to 75 Years")),
    ],
)
def test_two_values_of_a_field_are_none(field: str, lines: tuple[str, ...]) -> None:
    said = listing("".join(f"<p>{line}</p>" for line in lines) + TABLE)
    assert (getattr(said.record, field), said.how.get(field)) == (None, "unclear")


def test_the_same_in_less_detail_is_no_other_value() -> None:
    said = listing(f"<p>Ages: 18 Years and older</p><p>Start date: 2025-01</p><p>Start date: 2025-01-02</p>{TABLE}")
    assert said.record.minimum_age == "18 Years"
    assert said.record.start_date is not None
    assert said.how == {}


@pytest.mark.parametrize("name", ["Sponsored", "Advertisement", "Promoted"])
def test_an_advertisement_is_not_the_trials(name: str) -> None:
    for heading in (f"<h3>{name}</h3>", f"<p>{name}</p>", name):
        advert = f"<aside>{heading}<p>Recruitment status: Completed</p><p>Minimum age: 40 Years</p></aside>"
        for content in (advert + TABLE, TABLE + advert):
            said = listing(content)
            assert (said.record.overall_status, said.record.minimum_age) == ("RECRUITING", "18 Years")


def test_an_aside_of_facts_is_the_trials() -> None:
    assert listing(f"<h1>Drops for dry eyes</h1><aside><h3>Key facts</h3>{TABLE}</aside>").record.overall_status == "RECRUITING"


def test_the_status_of_a_place_is_the_places() -> None:
    said = listing(f"{TABLE}<h2>Locations</h2><p>Oslo, Norway</p><p>Status: Completed</p><p>Bergen, Norway</p><p>Withdrawn</p>")
    assert said.record.overall_status == "RECRUITING"


def test_a_scale_of_all_statuses_does_not_unsay_the_labelled_one() -> None:
    scale = "".join(f"<p>{status}</p>" for status in ("Not yet recruiting", "Recruiting", "Completed"))
    assert listing(scale + TABLE).record.overall_status == "RECRUITING"
    said = listing(scale + "<p>Sex: All</p>")
    assert (said.record.overall_status, said.statuses) == (None, ())
