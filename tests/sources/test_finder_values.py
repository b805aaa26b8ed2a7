"""Absent, empty, "Not reported", cut off, rewritten and unclear are different things, and none of them is a value."""

from __future__ import annotations

import pytest

from registry_sync.sources.finder import read_page
from registry_sync.sources.interface import Found
from registry_sync.sources.profiles import Profile
from registry_sync.sources.vocabulary import ALL_STATUSES
from registry_sync.trials.listing import Listing, Subject
from registry_sync.trials.record import Dated
from tests.sources.finder_pages import TRIAL, URL, whole

START = f"<p>{TRIAL}</p><p>Phase: Phase 2</p>"


def listing(content: str, profile: Profile | None = None) -> Listing:
    found = read_page(Subject(TRIAL), URL, whole(START + content), None, profile)
    assert isinstance(found, Found), found
    assert found.listing is not None
    assert found.listing.record == found.record
    return found.listing


# one word for several statuses


@pytest.mark.parametrize("words", ["Non Recruiting", "Non-recruiting", "Not recruiting", "NOT_RECRUITING", "Not currently recruiting"])
@pytest.mark.parametrize("form", ["<p>Status: {}</p>", "<span>{}</span>", "<h3>Recruitment status</h3><p>{}</p>"])
def test_non_recruiting_covers_every_status_but_recruiting(words: str, form: str) -> None:
    said = listing(form.format(words))
    assert said.record.overall_status is None
    assert set(said.statuses) == set(ALL_STATUSES) - {"RECRUITING"}
    assert said.said["overall_status"] == words
    assert "overall_status" not in said.how


@pytest.mark.parametrize(
    ("words", "covered", "not_covered"),
    [
        ("Closed", "COMPLETED ACTIVE_NOT_RECRUITING TERMINATED WITHDRAWN SUSPENDED UNKNOWN", "RECRUITING NOT_YET_RECRUITING"),
        ("Closed to accrual", "ACTIVE_NOT_RECRUITING COMPLETED", "RECRUITING NOT_YET_RECRUITING"),
        ("No longer recruiting", "ACTIVE_NOT_RECRUITING COMPLETED TERMINATED", "RECRUITING NOT_YET_RECRUITING"),
        ("Ended", "COMPLETED TERMINATED", "RECRUITING ACTIVE_NOT_RECRUITING NOT_YET_RECRUITING"),
        ("Active", "RECRUITING ACTIVE_NOT_RECRUITING", "COMPLETED TERMINATED WITHDRAWN"),
        ("Ongoing", "RECRUITING ACTIVE_NOT_RECRUITING", "COMPLETED WITHDRAWN NOT_YET_RECRUITING"),
    ],
)
def test_a_word_for_several_statuses_covers_these(words: str, covered: str, not_covered: str) -> None:
    said = listing(f"<p>Status: {words}</p>")
    assert said.record.overall_status is None
    assert set(covered.split()) <= set(said.statuses)
    assert not set(not_covered.split()) & set(said.statuses)


@pytest.mark.parametrize(
    ("words", "token"),
    [
        ("Ongoing, recruitment ended", "ACTIVE_NOT_RECRUITING"),
        ("Authorised, recruitment pending", "NOT_YET_RECRUITING"),
        ("Open to accrual", "RECRUITING"),
        ("Temporarily closed to accrual", "SUSPENDED"),
        ("Anticipated", "NOT_YET_RECRUITING"),
        ("Recruiting complete, follow-up continuing", "ACTIVE_NOT_RECRUITING"),
        ("Recruiting complete, study complete", "COMPLETED"),
        ("Open public recruiting", "RECRUITING"),
        ("Prematurely Ended", "TERMINATED"),
        ("Temporary halt", "SUSPENDED"),
        ("Stopped early", "TERMINATED"),
    ],
)
def test_the_words_of_other_registers_are_known(words: str, token: str) -> None:
    said = listing(f"<p>Recruitment status</p><p>{words}</p>")
    assert said.record.overall_status == token
    assert said.statuses == ()
    assert said.said == {"overall_status": words}


def test_the_registrys_own_words_need_no_note() -> None:
    assert listing("<p>Status: Not yet recruiting</p>").said == {}


def test_a_status_that_nobody_knows_is_unclear() -> None:
    said = listing("<p>Status: In the pipeline</p>")
    assert (said.record.overall_status, said.statuses) == (None, ())
    assert said.how["overall_status"] == "unclear"
    assert said.said["overall_status"] == "In the pipeline"


# why there is no value


@pytest.mark.parametrize(
    ("content", "field", "how"),
    [
        ("", "sex", None),
        ("<p>Status: Recruiting</p>", "criteria", None),
        ("<table><tr><th>Gender</th><td></td></tr></table>", "sex", "empty"),
        ("<h2>Locations</h2><h2>Other</h2>", "locations", "empty"),
        ("<h2>Keywords</h2><h2>Eligibility criteria</h2><h2>Share</h2>", "criteria", "empty"),
        ("<p>Gender: Not specified</p>", "sex", "not_reported"),
        ("<p>Start date</p><p>Not reported</p>", "start_date", "not_reported"),
        ("<h2>Eligibility criteria</h2><p>Not available</p>", "criteria", "not_reported"),
        ("<h2>Locations</h2><p>No locations listed</p>", "locations", "not_reported"),
        ("<h2>Conditions</h2><ul><li>Dry Eye</li><li>See 8 more</li></ul>", "conditions", "cut_off"),
        ("<h2>Locations</h2><p>Oslo, Norway</p><p>+ 12 more</p>", "locations", "cut_off"),
        ("<h2>Eligibility criteria</h2><p>Inclusion Criteria:</p><ul><li>Adults</li></ul><p>Read more</p>", "criteria", "cut_off"),
        ("<h1>A Trial of Drops Against Dryness of…</h1>", "brief_title", "cut_off"),
        ("<p>Sponsor: The Institute of the Long...</p>", "lead_sponsor", "cut_off"),
        ("<p>Keywords</p><p>Tears Drops, Eye Dryness</p>", "keywords", "run_together"),
        ("<p>Gender: cats</p>", "sex", "unclear"),
        ("<p>Start date: 03/04/2025</p>", "start_date", "unclear"),
        ("<p>Ages: grown people</p>", "minimum_age", "unclear"),
        ("<p>Start date</p><p>Primary completion</p><p>Jan 1, 2025</p>", "primary_completion_date", "unclear"),
        ("<h2>Eligibility</h2><ul><li>People of age</li><li>With dry eyes</li><li>No red eyes</li></ul>", "criteria", "headings_lost"),
        (
            "<h2>Patient eligibility</h2><p>• Dry for months</p><p>• Over 18 years</p><p>• No lens on</p>",
            "criteria",
            "headings_lost",
        ),
        (
            "<h2>Criteria</h2><h3>Inclusion criteria</h3><h3>Exclusion criteria</h3><h2>Locations</h2>",
            "criteria",
            "headings_lost",
        ),
        (
            "<h2>Criteria</h2><h3>Inclusion Criteria</h3><ul><li>Adults</li></ul><h3>Exclusion Criteria</h3><h2>Dates</h2>",
            "criteria",
            "headings_lost",
        ),
        (
            "<h2>Criteria</h2><p>Simplified by AI</p><h3>Inclusion criteria</h3><ul><li>Over 18</li></ul>",
            "criteria",
            "paraphrased",
        ),
        ("<h2>Inclusion criteria</h2><p>I am 18 or older.</p><p>I have dry eyes.</p>", "criteria", "paraphrased"),
    ],
)
def test_a_field_without_a_value_says_why(content: str, field: str, how: str | None) -> None:
    said = listing(content)
    assert getattr(said.record, field) is None
    assert said.how.get(field) == how


def test_a_value_that_stands_anywhere_counts() -> None:
    said = listing("<p>Gender: Not reported</p><p>Sex: Female</p>")
    assert said.record.sex == "FEMALE"
    assert said.how == {}


def test_a_group_that_is_said_to_be_empty_is_no_lost_heading() -> None:
    said = listing("<h2>Criteria</h2><h3>Inclusion Criteria</h3><ul><li>Adults</li></ul><h3>Exclusion Criteria</h3><p>None</p>")
    assert [one.text for one in said.record.criteria or ()] == ["Adults"]
    assert "criteria" not in said.how


def test_a_selection_of_the_criteria_is_shown_and_not_compared() -> None:
    said = listing(
        "<h2>Key Requirements</h2><p>Listed below are some; there may be additional requirements to meet, as the study team will"
        " explain to all who ask for it in time.Participants Must:</p><p>Be over 18</p><p>Participants Must Not:</p><p>Wear lenses</p>"
    )
    assert [(one.group, one.text) for one in said.record.criteria or () if one.kind == "item" and one.group] == [
        ("inclusion", "Be over 18"),
        ("exclusion", "Wear lenses"),
    ]
    assert said.how["criteria"] == "paraphrased"


# dates


@pytest.mark.parametrize(
    ("value", "day_first", "expected"),
    [
        ("27/01/2025", None, "2025-01-27"),
        ("01/27/2025", None, "2025-01-27"),
        ("27-01-2025", None, "2025-01-27"),
        ("03/04/2025", True, "2025-04-03"),
        ("03/04/2025", False, "2025-03-04"),
        ("04/04/2025", None, "2025-04-04"),
        ("03.04.2025", None, "2025-04-03"),
        ("03/04/2025", None, None),
        ("31/02/2025", None, None),
        ("2025/01/27", None, "2025-01-27"),
        ("Monday, January 27, 2025", None, "2025-01-27"),
        ("27-Jan-2025", None, "2025-01-27"),
        ("Jan-2025", None, "2025-01"),
        ("January 2025", None, "2025-01"),
        ("2025-01-27T00:00:00.000Z", None, "2025-01-27"),
    ],
)
def test_a_date_of_numbers_is_read_where_it_is_sure(value: str, day_first: bool | None, expected: str | None) -> None:
    said = listing(f"<p>Start date: {value}</p>", Profile(name="A site", day_first=day_first))
    assert said.record.start_date == (Dated(expected, None) if expected else None)
    assert said.how.get("start_date") == (None if expected else "unclear")
    assert said.said["start_date"] == value


def test_whose_dates_they_are() -> None:
    said = listing(
        "<p>Launched by EXAMPLE HOSPITAL · Jan 27, 2025</p><p>Current as of July 01, 2025</p><p>First posted: Feb 3, 2025</p>"
        "<p>Last Updated: Feb 4, 2025</p><p>Trial launched</p><p>Jan 20, 2025</p>"
    )
    assert said.record.first_submit_date == "2025-01-27"
    assert said.refreshed == "2025-07-01"
    for name in ("first_post_date", "last_update_post_date", "start_date"):
        assert getattr(said.record, name) is None, name


# no sign between label and value


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("StatusRecruiting", "overall_status", "RECRUITING"),
        ("Recruitment StatusCompleted", "overall_status", "COMPLETED"),
        ("Age range18 Years and older", "minimum_age", "18 Years"),
        ("Ages6 to 17 years", "maximum_age", "17 Years"),
        ("SexAll", "sex", "ALL"),
        ("Sex Female", "sex", "FEMALE"),
        ("Study TypeInterventional", "study_type", "INTERVENTIONAL"),
        ("Start date January 27, 2025", "start_date", Dated("2025-01-27", None)),
        ("Estimated completion2026-12", "completion_date", Dated("2026-12", "ESTIMATED")),
        ("SponsorExample Hospital", "lead_sponsor", "Example Hospital"),
        ("Healthy Volunteers No", "healthy_volunteers", False),
    ],
)
def test_a_label_that_is_glued_to_its_value_is_read(text: str, field: str, value: object) -> None:
    assert getattr(listing(f"<div>{text}</div>").record, field) == value


@pytest.mark.parametrize("text", ["Status of things", "Age is no barrier", "Sponsored runs for All", "Agenda 18 Years", "Sexual health"])
def test_a_sentence_that_begins_like_a_label_is_none(text: str) -> None:
    said = listing(f"<p>{text}</p>")
    assert (said.record.overall_status, said.record.minimum_age, said.record.sex) == (None, None, None)
    assert said.how == {}


def test_stacked_bullets_are_no_part_of_a_criterion() -> None:
    lines = ("- Inclusion Criteria:", "- • 1. Dry eyes", "- • 2. Adults", "- Exclusion Criteria:", "- • 1. Lenses")
    said = listing("<h3>Eligibility criteria</h3>" + "".join(f"<p>{line}</p>" for line in lines))
    assert [(one.group, one.text) for one in said.record.criteria or ()] == [
        ("inclusion", "Dry eyes"),
        ("inclusion", "Adults"),
        ("exclusion", "Lenses"),
    ]


def test_sentences_that_say_who_can_join_are_the_headings_of_both_groups() -> None:
    said = listing(
        "<h2>Eligibility</h2><h3>You can join if…</h3><ul><li>Dry eyes</li></ul><h3>You CAN'T join if...</h3><ul><li>Lenses worn</li></ul>"
        "<h2>Location</h2>"
    )
    assert [(one.group, one.text) for one in said.record.criteria or () if one.kind == "item"] == [
        ("inclusion", "Dry eyes"),
        ("exclusion", "Lenses worn"),
    ]
    assert "criteria" not in said.how


@pytest.mark.parametrize("line", ["Sponsor: Example Hospital", "Trial ID: EXA-1", "Start date: 2025-01-01", "Last Updated"])
def test_a_line_with_a_label_of_the_page_ends_the_criteria(line: str) -> None:
    said = listing(f"<p>Inclusion Criteria:</p><p>Dry eyes</p><p>Exclusion Criteria:</p><p>Lenses worn</p><p>{line}</p>")
    assert [one.text for one in said.record.criteria or ()] == ["Dry eyes", "Lenses worn"]


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        (">=18 Years & <=75 Years", ("18 Years", "75 Years")),
        ("\u2265 18 and \u2264 75 years", ("18 Years", "75 Years")),
        ("18.0 Years - N/A", ("18 Years", None)),
        ("18 Years to no limit", ("18 Years", None)),
        ("18 years +", ("18 Years", None)),
    ],
)
def test_more_ways_to_write_two_limits(text: str, limits: tuple[str | None, str | None]) -> None:
    said = listing(f"<p>Age(s): {text.replace('<', '&lt;')}</p>").record
    assert (said.minimum_age, said.maximum_age) == limits


def test_the_country_may_stand_before_the_postal_code() -> None:
    sites = listing("<h2>Locations</h2><p>Boston, Massachusetts, United States, 02114</p>").record.locations or ()
    assert [(site.city, site.state, site.zip, site.country) for site in sites] == [("Boston", "Massachusetts", "02114", "United States")]


@pytest.mark.parametrize("heading", ["Age", "Sex", "Medical conditions", "<b>Age</b>"])
@pytest.mark.parametrize("item", ["<p>1. {}</p>", "<p>• {}</p>", "<ul><li>{}</li></ul>"])
def test_a_heading_within_a_group_is_no_label_of_the_page(heading: str, item: str) -> None:
    texts = ("Dry eyes for half a year", "Participants must be grown people of this sex")
    first, second = (item.format(text) for text in texts)
    said = listing(f"<h2>Inclusion Criteria</h2>{first}<p>{heading}</p>{second}<h2>Locations</h2><p>Oslo, Norway</p>")
    assert [one.text for one in said.record.criteria or () if one.text in texts] == list(texts)
    assert said.record.locations is not None


def test_a_fact_below_the_criteria_stays_a_fact() -> None:
    said = listing(
        "<h3>Inclusion Criteria</h3><ul><li>Dry eyes</li></ul><div>Sex</div><div>All</div><div>Conditions</div><div>Dry Eye</div>"
    )
    assert [one.text for one in said.record.criteria or ()] == ["Dry eyes"]
    assert (said.record.sex, said.record.conditions) == ("ALL", ("Dry Eye",))


@pytest.mark.parametrize(
    "content",
    [
        "<h3>Phase</h3><div>Phase 1</div><div>Phase 2</div>",
        "<h3>Phase</h3><ul><li>Phase 2</li><li>Phase 1</li></ul>",
        "<p>Phase: Phase 1/Phase 2</p>",
        "<p>Dry Eye</p><span>Phase 1</span> <span>Phase 2</span><p>Status: Recruiting</p>",
        "<p>Phase 1</p><p>Phase 2</p><h2>Locations</h2><p>Phase 3 Clinic, Oslo, Norway</p>",
    ],
)
def test_phases_may_stand_one_by_one(content: str) -> None:
    found = read_page(Subject(TRIAL), URL, whole(f"<p>{TRIAL}</p>{content}"), None)
    assert isinstance(found, Found)
    assert found.record.phases == ("PHASE1", "PHASE2")


def test_conditions_may_stand_line_by_line() -> None:
    assert listing("<h3>Conditions</h3><div>Dry Eye</div><div>Diabetes, Type 2</div><h3>Sex</h3>").record.conditions == (
        "Dry Eye",
        "Diabetes, Type 2",
    )
    prose = "<p>Condition</p><p>Dry Eye</p><p>This is a disease that many people have in old age.</p>"
    assert listing(prose).record.conditions == ("Dry Eye",)
