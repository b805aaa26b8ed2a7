"""What a trial-finder page says is read whatever its markup; what it does not surely say is not stated."""

from __future__ import annotations

import codecs
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_sync.sources.finder import read_page
from registry_sync.sources.interface import Found, Unreadable
from registry_sync.trials.listing import Subject
from registry_sync.trials.record import Dated, Enrollment, Location, Record
from tests.sources.finder_pages import (
    CRITERIA,
    EXCLUSION,
    INCLUSION,
    MARKUPS,
    PAGE,
    TRIAL,
    URL,
    Facts,
    paragraphs,
    visible_lines,
    whole,
)
from tests.waiting import costs_its_share

IDENTITY = f"<p>{TRIAL}</p>"


def record(content: str) -> Record:
    """The record of a page of this trial that holds ``content``."""
    found = read_page(Subject(TRIAL), URL, whole(IDENTITY + content), "utf-8")
    assert isinstance(found, Found), found
    return found.record


def pairs(*facts: tuple[str, str]) -> str:
    return "<p>Status</p><p>Recruiting</p>" + "".join(f"<p>{label}</p><p>{value}</p>" for label, value in facts)


# the same text in every markup


@pytest.mark.parametrize("markup", MARKUPS)
def test_every_markup_of_the_same_text_gives_the_same_record(markup: Callable[[Facts], str]) -> None:
    page = whole(markup(PAGE))
    found = read_page(Subject(TRIAL), URL, page, None)
    assert isinstance(found, Found)
    assert found.payload == page
    said = found.record
    assert said.brief_title == "Eye Drops Against Dryness in Grown People"
    assert said.lead_sponsor == "EXAMPLE HOSPITAL, NORWAY"
    assert said.overall_status == "RECRUITING"
    assert said.sex == "ALL"
    assert said.first_submit_date == "2025-01-27"
    assert said.locations == (Location(city="Oslo", country="Norway"), Location(city="Bergen", state="Vestland", country="Norway"))
    assert [(one.group, one.depth, one.kind, one.text) for one in said.criteria or ()] == [
        *(("inclusion", 0, "item", text) for text in INCLUSION),
        *(("exclusion", 0, "item", text) for text in EXCLUSION),
    ]
    for name in ("start_date", "completion_date", "keywords", "conditions", "last_update_post_date"):
        assert getattr(said, name) is None, name
    plainly = read_page(Subject(TRIAL), URL, whole(paragraphs(PAGE)), None)
    assert isinstance(plainly, Found)
    assert said == plainly.record


def test_a_page_of_plain_text_is_read_by_its_lines() -> None:
    found = read_page(Subject(TRIAL), URL, "\n\n".join(visible_lines(PAGE)).encode(), None)
    plainly = read_page(Subject(TRIAL), URL, whole(paragraphs(PAGE)), None)
    assert isinstance(found, Found)
    assert isinstance(plainly, Found)
    assert found.record == plainly.record


@pytest.mark.parametrize("markup", MARKUPS)
def test_a_timeline_with_its_values_gives_its_dates(markup: Callable[[Facts], str]) -> None:
    timeline: Facts = (
        ("First submit", ("Jan 27, 2025",)),
        ("Trial launched", ("Jan 21, 2025",)),
        ("Trial updated", ("Feb 3, 2025",)),
        ("Estimated completion", ("Dec 31, 2025",)),
    )
    found = read_page(Subject(TRIAL), URL, whole(markup((*PAGE[:-4], *timeline))), None)
    assert isinstance(found, Found)
    assert found.record.completion_date == Dated("2025-12-31", "ESTIMATED")
    assert found.record.first_submit_date == "2025-01-27"
    assert found.record.start_date is None
    assert found.record.last_update_post_date is None


# statuses


@pytest.mark.parametrize(
    ("words", "token"),
    [
        ("Recruiting", "RECRUITING"),
        ("RECRUITING", "RECRUITING"),
        ("Authorised, recruiting", "RECRUITING"),
        ("Not yet recruiting", "NOT_YET_RECRUITING"),
        ("NOT_YET_RECRUITING", "NOT_YET_RECRUITING"),
        ("Active, not recruiting", "ACTIVE_NOT_RECRUITING"),
        ("Active Not-enrolling", "ACTIVE_NOT_RECRUITING"),
        ("Enrolling by invitation", "ENROLLING_BY_INVITATION"),
        ("Completed", "COMPLETED"),
        ("Terminated (too few people)", "TERMINATED"),
        ("Withdrawn", "WITHDRAWN"),
        ("Suspended", "SUSPENDED"),
        ("Unknown status", "UNKNOWN"),
    ],
)
def test_a_status_is_read_in_any_spelling(words: str, token: str) -> None:
    assert record(f"<h3>Recruitment status</h3><p>{words}</p>").overall_status == token
    assert record(f"<p>Status: {words}</p>").overall_status == token
    assert record(f"<p>Gender: All</p><span>{words}</span>").overall_status == token


@pytest.mark.parametrize("words", ["Active", "Closed", "Ended", "Not recruiting", "Sometimes"])
def test_a_status_that_may_mean_several_is_not_stated(words: str) -> None:
    assert record(f"<p>Status: {words}</p><p>Gender: All</p>").overall_status is None


def test_a_site_that_recruits_is_no_trial_that_recruits() -> None:
    assert record("<p>Gender: All</p><h2>Locations</h2><p>Oslo, Norway</p><p>Recruiting</p>").overall_status is None


# values


@pytest.mark.parametrize(
    ("label", "value", "field", "expected"),
    [
        ("Sex", "Female", "sex", "FEMALE"),
        ("Gender", "Both", "sex", "ALL"),
        ("Minimum age", "18 years", "minimum_age", "18 Years"),
        ("Minimum age", "1 Year", "minimum_age", "1 Year"),
        ("Maximum age", "30 weeks", "maximum_age", "30 Weeks"),
        ("Healthy volunteers", "No", "healthy_volunteers", False),
        ("Volunteers", "Accepts Healthy Volunteers", "healthy_volunteers", True),
        ("Phase", "Phase 1/2", "phases", ("PHASE1", "PHASE2")),
        ("Phase", "PHASE2/PHASE3", "phases", ("PHASE2", "PHASE3")),
        ("Phase", "II", "phases", ("PHASE2",)),
        ("Phase", "Early Phase 1", "phases", ("EARLY_PHASE1",)),
        ("Phase", "Not Applicable", "phases", ("NA",)),
        ("Enrollment", "1,200 participants", "enrollment", Enrollment(1200, None)),
        ("Estimated enrollment", "40", "enrollment", Enrollment(40, "ESTIMATED")),
        ("Enrolment", "37 (actual)", "enrollment", Enrollment(37, "ACTUAL")),
        ("Lead Sponsor", "Example Hospital", "lead_sponsor", "Example Hospital"),
        ("Condition", "Dry Eye", "conditions", ("Dry Eye",)),
        ("Conditions", "Dry Eye; Sicca", "conditions", ("Dry Eye", "Sicca")),
        ("Start date", "2025-01-27", "start_date", Dated("2025-01-27", None)),
        ("Study start (Actual)", "27 January 2025", "start_date", Dated("2025-01-27", "ACTUAL")),
        ("Start date", "Jan 27, 2025 (Estimated)", "start_date", Dated("2025-01-27", "ESTIMATED")),
        ("Primary completion", "July 01, 2025", "primary_completion_date", Dated("2025-07-01", None)),
        ("Estimated completion", "January 2025", "completion_date", Dated("2025-01", "ESTIMATED")),
        ("Study completion date", "12/2025", "completion_date", Dated("2025-12", None)),
        ("First submitted", "Sept. 3rd, 2024", "first_submit_date", "2024-09-03"),
    ],
)
def test_a_value_beside_its_label_is_read(label: str, value: str, field: str, expected: object) -> None:
    assert getattr(record(pairs((label, value))), field) == expected
    assert getattr(record(f"<p>Status: Recruiting</p><p><b>{label}:</b> {value}</p>"), field) == expected


@pytest.mark.parametrize(
    ("value", "limits"),
    [
        ("18 Years and older", ("18 Years", None)),
        ("18+", ("18 Years", None)),
        ("18 Years to 75 Years (Adult, Older Adult)", ("18 Years", "75 Years")),
        ("6 to 17 years old", ("6 Years", "17 Years")),
        ("6 - 18 months", ("6 Months", "18 Months")),
        ("Up to 65 years", (None, "65 Years")),
        ("17 Years and younger", (None, "17 Years")),
        ("adults", (None, None)),
    ],
)
def test_one_label_may_hold_both_age_limits(value: str, limits: tuple[str | None, str | None]) -> None:
    said = record(pairs(("Ages", value)))
    assert (said.minimum_age, said.maximum_age) == limits


@pytest.mark.parametrize("nothing", ["Not reported", "Not available", "N/A", "-", "Not specified", ""])
@pytest.mark.parametrize(
    ("label", "field"),
    [
        ("Gender", "sex"),
        ("Minimum age", "minimum_age"),
        ("Lead Sponsor", "lead_sponsor"),
        ("Conditions", "conditions"),
        ("Start date", "start_date"),
        ("Enrollment", "enrollment"),
        ("Locations", "locations"),
        ("Eligibility criteria", "criteria"),
    ],
)
def test_words_for_nothing_leave_the_field_not_stated(nothing: str, label: str, field: str) -> None:
    assert getattr(record(pairs((label, nothing), ("Phase", "Phase 2"))), field) is None


def test_a_place_is_a_city_and_a_country() -> None:
    places = "".join(
        f"<li>{place}</li>"
        for place in (
            "Copenhagen, , Denmark",
            "Example Clinic, Boston, Massachusetts, 02114, United States",
            "Seoul, Korea, Republic of",
            "Call us to hear more",
        )
    )
    assert record(f"<p>Status: Recruiting</p><h2>Locations</h2><ul>{places}</ul>").locations == (
        Location(city="Copenhagen", country="Denmark"),
        Location(facility="Example Clinic", city="Boston", state="Massachusetts", zip="02114", country="United States"),
        Location(city="Seoul", country="Korea, Republic of"),
    )


def test_the_cells_of_a_row_are_one_place() -> None:
    rows = "<tr><td>Oslo</td><td>Viken</td><td>Norway</td></tr><tr><td>Rome</td><td></td><td>Italy</td></tr>"
    assert record(f"<p>Status: Recruiting</p><h2>Locations</h2><table>{rows}</table>").locations == (
        Location(city="Oslo", state="Viken", country="Norway"),
        Location(city="Rome", country="Italy"),
    )


def test_several_conditions_in_one_run_are_not_told_apart() -> None:
    assert record(pairs(("Conditions", "Diabetes, Type 2, Dry Eye"))).conditions is None
    assert record("<p>Status: Recruiting</p><h3>Conditions</h3><ul><li>Diabetes, Type 2</li><li>Dry Eye</li></ul>").conditions == (
        "Diabetes, Type 2",
        "Dry Eye",
    )


@pytest.mark.parametrize(
    "launched",
    [
        "<p>Launched by</p><p>EXAMPLE HOSPITAL</p><p>Jan 27, 2025</p>",
        "<p>Launched by <b>EXAMPLE HOSPITAL</b> · Jan 27, 2025</p>",
        "<p><span>Launched by</span><span>EXAMPLE HOSPITAL</span><span>· Jan 27, 2025</span></p>",
        "<p><span>Launched by</span> <span>EXAMPLE HOSPITAL</span> <span>Jan 27, 2025</span></p>",
        "<p>Launched by EXAMPLE HOSPITAL Jan 27, 2025</p>",
        "<p>Launched by EXAMPLE HOSPITAL, 27 January 2025</p>",
        "<p>Launched by EXAMPLE HOSPITAL (2025-01-27)</p>",
        "<p>Launched by</p><p>EXAMPLE HOSPITAL</p><p>·</p><p>Jan 27, 2025</p>",
        "<table><tr><th>Launched by</th><td>EXAMPLE HOSPITAL Jan 27, 2025</td></tr></table>",
    ],
)
def test_who_launched_the_trial_and_when_it_was_first_submitted(launched: str) -> None:
    said = record(f"<p>Eye drops against dryness</p>{launched}<p>Recruiting</p>")
    assert (said.brief_title, said.lead_sponsor, said.first_submit_date) == ("Eye drops against dryness", "EXAMPLE HOSPITAL", "2025-01-27")
    assert said.start_date is None


def test_a_name_with_a_dot_in_it_stays_whole_where_no_date_follows() -> None:
    assert record("<p>Status: Recruiting</p><p>Launched by Hospital A · Hospital B</p>").lead_sponsor == "Hospital A · Hospital B"


def test_a_sponsor_in_a_sentence_of_its_own_is_read() -> None:
    assert record("<p>Status: Recruiting</p><p>Research Sponsored by Example Company</p>").lead_sponsor == "Example Company"


# dates in doubt


@pytest.mark.parametrize("value", ["03/04/2025", "31 February 2025", "soon", "Jan 2025 or later", "2025", "13/2025"])
def test_a_date_in_doubt_is_not_stated(value: str) -> None:
    assert record(pairs(("Start date", value))).start_date is None


def test_labels_that_stand_together_leave_open_whose_date_follows() -> None:
    said = record("<p>Status: Recruiting</p><p>Start date</p><p>Estimated completion</p><p>Jan 1, 2025</p><p>Dec 31, 2025</p>")
    assert (said.start_date, said.completion_date) == (None, None)


def test_dates_that_stand_before_their_labels_are_not_given_to_the_next_one() -> None:
    dates = "<p>Jan 1, 2025</p><p>Start date</p><p>Dec 31, 2025</p><p>Estimated completion</p>"
    said = record(f"<p>Status: Recruiting</p>{dates}")
    assert (said.start_date, said.completion_date) == (Dated("2025-01-01", None), Dated("2025-12-31", "ESTIMATED"))
    said = record(f"<p>Status: Recruiting</p><p>Opened</p>{dates}")
    assert (said.start_date, said.completion_date) == (None, None)


def test_a_table_whose_first_row_names_its_columns_is_read_by_column() -> None:
    said = record(
        "<table><tr><th>Status</th><th>Start date</th><th>Estimated completion</th></tr>"
        "<tr><td>Completed</td><td>2025-01-02</td><td>2026-03</td></tr></table>"
    )
    assert said.overall_status == "COMPLETED"
    assert said.start_date == Dated("2025-01-02", None)
    assert said.completion_date == Dated("2026-03", "ESTIMATED")


def test_an_empty_cell_does_not_take_the_next_rows_label() -> None:
    rows = "<tr><th>Status</th><td>Recruiting</td></tr><tr><th>Sponsor</th><td></td></tr><tr><th>Colour</th><td>Red</td></tr>"
    said = record(f"<table>{rows}</table>")
    assert said.lead_sponsor is None


def test_a_heading_after_an_empty_label_is_not_its_value() -> None:
    assert record("<p>Status: Recruiting</p><h3>Lead sponsor</h3><h3>Something else entirely</h3>").lead_sponsor is None


# criteria


def test_headings_and_nested_lists_of_the_page_are_kept() -> None:
    said = record(
        "<p>Status: Recruiting</p><h2>Eligibility</h2><h3>Inclusion criteria</h3><ul><li>Adults</li><li>One of these:<ul><li>Dry eye</li>"
        "<li>Red eye</li></ul></li></ul><h3>Exclusion criteria</h3><ol><li>Age</li></ol><h2>Timeline</h2><p>No end is planned.</p>"
    )
    assert [(one.group, one.depth, one.text) for one in said.criteria or ()] == [
        ("inclusion", 0, "Adults"),
        ("inclusion", 0, "One of these:"),
        ("inclusion", 1, "Dry eye"),
        ("inclusion", 1, "Red eye"),
        ("exclusion", 0, "Age"),
    ]


@pytest.mark.parametrize("end", ["See 8 more", "Show more", "+ 3 more", "..."])
def test_criteria_that_the_page_cuts_off_are_not_stated(end: str) -> None:
    criteria = f"<h2>Eligibility criteria</h2><ul><li>Inclusion Criteria:</li><li>Adults</li></ul><p>{end}</p>"
    assert record(f"<p>Status: Recruiting</p>{criteria}").criteria is None


def test_places_that_the_page_cuts_off_are_not_stated() -> None:
    assert record("<p>Status: Recruiting</p><h2>Locations</h2><p>Oslo, , Norway</p><button>See 8 more</button>").locations is None


def test_the_paragraph_after_the_criteria_is_none() -> None:
    items = "".join(f"<p>{line}</p>" for line in CRITERIA)
    said = record(f"<p>Status: Recruiting</p><p>Eligibility criteria</p>{items}<p>About the Sponsor</p><p>A large house.</p>")
    assert [one.text for one in said.criteria or ()] == [*INCLUSION, *EXCLUSION]


# another trial on the same page


@pytest.mark.parametrize(
    "others",
    [
        "<h2>Similar trials</h2><h3>Nose drops</h3><p>Gender: Male</p><p>Phase: Phase 3</p>",
        "<div>Related clinical trials</div><div>Gender</div><div>Male</div><div>Phase 3</div>",
        "<p>NCT07654321</p><p>Gender</p><p>Male</p><p>Phase 3</p>",
    ],
)
def test_another_trials_facts_do_not_leak(others: str) -> None:
    said = record(f"<p>Status: Recruiting</p>{others}")
    assert (said.sex, said.phases) == (None, None)


def test_what_follows_the_other_trials_under_a_heading_of_its_own_is_read() -> None:
    said = record("<p>Status: Recruiting</p><h2>Similar trials</h2><p>Gender: Male</p><h2>Locations</h2><p>Oslo, , Norway</p>")
    assert said.sex is None
    assert said.locations == (Location(city="Oslo", country="Norway"),)


# pages that are not this trial's


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"%PDF-1.7 ...", "not a web page"),
        (b'{"status": "Recruiting"}', "not a web page"),
        (b"<html><body><script>build()</script></body></html>", "no text"),
        (b"<h1>We will be back soon</h1><p>The site is being maintained.</p>", "a maintenance page"),
        (b"<h1>A trial of other things</h1><p>NCT07654321</p><p>Status: Recruiting</p>", "NCT07654321 and not NCT01234567"),
        (b"<p>NCT07654321</p><p>Status: Recruiting</p><p>People of NCT01234567 may go on to this trial of ours.</p>", "about NCT07654321"),
        (b"<p>Recruiting</p><p>NCT07654321</p><p>Completed</p><p>NCT01234567</p>", "a list of trials"),
        (b"<h1>The page of NCT01234567 is not here</h1><p>Sorry.</p>", "none of the fields"),
    ],
)
def test_a_page_that_is_not_this_trials_is_unreadable_with_a_reason(body: bytes, reason: str) -> None:
    answer = read_page(Subject(TRIAL), URL, body, None)
    assert isinstance(answer, Unreadable)
    assert reason in answer.reason


def test_a_status_alone_proves_nothing() -> None:
    assert isinstance(read_page(Subject(TRIAL), URL, b"<p>Active Not-enrolling</p><p>Gender: All</p>", None), Unreadable)


@pytest.mark.parametrize(
    "hidden",
    ["<p hidden>{}</p>", "<p style='display: none'>{}</p>", "<script>{}</script>", "<style>{}</style>", "<noscript>{}</noscript>",
     "<template><p>{}</p></template>", "<!-- {} -->", "<select><option>{}</option></select>", "<nav>{}</nav>"],
)  # fmt: skip
def test_what_no_reader_sees_is_not_read(hidden: str) -> None:
    said = record("<p>Gender: All</p>" + hidden.format("Status: Recruiting"))
    assert said.overall_status is None


# encodings


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        ("Sjögren".encode(), "utf-8"),
        ("Sjögren".encode("latin-1"), "iso-8859-1"),
        ("Sjögren".encode("latin-1"), None),
        (b"<meta charset='windows-1252'>" + "Sjögren".encode("cp1252"), None),
        (codecs.BOM_UTF8 + "Sjögren".encode(), "iso-8859-1"),
        ("Sjögren".encode("utf-16"), None),
        ("Sjögren".encode("utf-16-le"), None),
        ("Sjögren".encode("utf-16-be"), "utf-16-be"),
        ("Sjögren".encode(), "no-such-charset"),
        ("Sjögren".encode(), "punycode"),
    ],
)
def test_a_page_is_read_in_its_encoding(body: bytes, charset: str | None) -> None:
    mark = codecs.BOM_UTF8 if body.startswith(codecs.BOM_UTF8) else codecs.BOM_UTF16_LE if body.startswith(codecs.BOM_UTF16_LE) else b""
    rest = f"<p>{TRIAL}</p><p>Status: Recruiting</p><p>Condition: "
    codec = "utf-16-le" if b"\x00" in body and body[:1] != b"\x00" else "utf-16-be" if b"\x00" in body else "ascii"
    found = read_page(Subject(TRIAL), URL, mark + rest.encode(codec) + body.removeprefix(mark), charset)
    assert isinstance(found, Found), found
    assert found.record.conditions == ("Sjögren",)


def test_broken_bytes_are_replaced() -> None:
    found = read_page(Subject(TRIAL), URL, b"<p>NCT01234567</p><p>Status: Recruiting</p><p>Condition: Dry\xff eye</p>", "utf-8")
    assert isinstance(found, Found)
    assert found.record.conditions == ("Dry\ufffd eye",)


# hostile pages


@given(st.binary(max_size=400), st.sampled_from([None, "utf-8", "utf-16", "idna", "x"]))
def test_no_bytes_raise(body: bytes, charset: str | None) -> None:
    assert isinstance(read_page(Subject(TRIAL), URL, body, charset), Found | Unreadable)


FRAGMENTS = (
    *("<p>", "</p>", "<table><tr>", "<td>", "</td>", "<th>", "<tr>", "</table>", "<dl><dt>", "<dd>", "</dl>", "<ul><li>", "</ul>", "<br>"),
    *("<h2>", "</h2>", "<span>", "Gender", "All", "Status", "Recruiting", "Start date", "2025-01-01", "Eligibility criteria", ":", " "),
    *("Inclusion criteria:", "• 1. adults", "Locations", "Oslo, , Norway", "NCT01234567", "NCT07654321", "Launched by", "Conditions"),
    *("Launched by X · Jan 27, 2025", "Similar trials", "See 8 more", "Not reported"),
)


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=40))
def test_no_arrangement_of_labels_raises(parts: list[str]) -> None:
    answer = read_page(Subject(TRIAL), URL, "".join(parts).encode(), None)
    if isinstance(answer, Found):
        assert answer.record.trial == TRIAL
        assert answer.record.sex in (None, "ALL")
        assert answer.record.start_date in (None, Dated("2025-01-01", None))


@pytest.mark.parametrize(
    ("before", "again", "times", "after"),
    [
        ("", "<div>", 5_000, "deep"),
        ("", "<p>a<b>b</b></p>", 50_000, ""),
        ("", "<p>Gender</p>", 50_000, ""),
        ("<p>", "<b>Gender</b>", 50_000, ""),
        ("", "<p>Inclusion criteria:</p>", 30_000, ""),
        ("<table>", "<tr><th>Gender</th><th>Status</th></tr>", 20_000, ""),
        ("<table><tr><th>Inclusion criteria</th><th>Exclusion criteria</th></tr>", "<tr><td>a</td><td>b</td></tr>", 20_000, ""),
        ("<table>", "<tr><td rowspan=65534>a</td><td rowspan=65534>b</td></tr>", 20_000, ""),
        ("", "<table><tr><td>Inclusion criteria</td><td>a", 1_000, ""),
        ("<pre>", "Gender\n", 50_000, ""),
        ("<pre>Inclusion criteria:\n", "  - a\n", 30_000, ""),
        ("<ul>", "<li>Locations</li><li>Gender</li>", 20_000, ""),
        ("<p>Launched by ", "· ", 200_000, "</p>"),
        ("<p>Locations</p><p>", ",", 500_000, "</p>"),
    ],
    ids="deep tags labels runs headings rows columns spans tables pre items-in-pre items dots commas".split(),
)
def test_a_page_made_to_be_slow_takes_no_more_than_its_share_of_time(before: str, again: str, times: int, after: str) -> None:
    def read(size: int) -> None:
        assert record(f"<p>Status: Recruiting</p>{before}{again * size}{after}").overall_status == "RECRUITING"

    assert costs_its_share(read, times // 8, times)
