"""Facts whose value stands above its label, and plain statements beside labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from registry_sync.sources.finder import read_page
from registry_sync.sources.interface import Found
from registry_sync.trials.listing import Listing, Subject
from registry_sync.trials.record import Dated, Enrollment
from tests.sources.finder_pages import TRIAL, URL, whole

Facts = Sequence[tuple[str, str]]
DATES: Facts = (("Phase 2", "Phase"), ("May 2021", "Start date"), ("June 2023", "Completion date"), ("40", "Enrollment"))


def listing(content: str) -> Listing:
    found = read_page(Subject(TRIAL), URL, whole(f"<h1>Some trial</h1><p>{TRIAL}</p>{content}"), None)
    assert isinstance(found, Found), found
    assert found.listing is not None
    return found.listing


def each(form: str) -> Callable[[Facts], str]:
    return lambda facts: "".join(form.format(value=value, label=label) for value, label in facts)


QUESTIONS = (
    "<h2>What is the status of this study?</h2><p>Recruiting</p><h2>When does the study start?</h2><p>22 June 2021</p>"
    "<h2>How many people will take part?</h2><p>40</p>"
)
HELD = [
    each("<div><b>{value}</b><br>{label}</div>"),
    each("<div><div>{value}</div><div>{label}</div></div>"),
    each("<div><b>{value}</b><span>{label}</span></div>"),
    lambda facts: f"<ul>{each('<li><b>{value}</b><br>{label}</li>')(facts)}</ul>",
    lambda facts: f"<dl>{each('<div><dd>{value}</dd><dt>{label}</dt></div>')(facts)}</dl>",
    lambda facts: f"<table>{each('<tr><td>{value}</td><td>{label}</td></tr>')(facts)}</table>",
]
LOOSE = [each("<p>{value}</p><p>{label}</p>"), each("<span>{value}<br>{label}</span>"), each("<h3>{value}</h3><p>{label}</p>")]


@pytest.mark.parametrize("form", [*HELD, *LOOSE])
def test_a_value_above_its_label_is_that_labels(form: Callable[[Facts], str]) -> None:
    said = listing(form(DATES)).record
    assert (said.phases, said.start_date, said.completion_date) == (("PHASE2",), Dated("2021-05", None), Dated("2023-06", None))
    assert said.enrollment == Enrollment(40, None)


@pytest.mark.parametrize("form", HELD)
def test_a_tile_whose_label_is_not_known_gives_its_value_to_no_other(form: Callable[[Facts], str]) -> None:
    said = listing(form((("Acme Ltd", "Sponsor"), ("Completed", "Status"), ("Recruiting", "Extension study"))) + "<p>Sex: All</p>").record
    assert (said.lead_sponsor, said.overall_status) == ("Acme Ltd", "COMPLETED")
    said = listing(form((("No", "Healthy volunteers"), ("Yes", "Placebo used"))) + "<p>Sex: All</p>").record
    assert said.healthy_volunteers is False


@pytest.mark.parametrize("form", LOOSE)
def test_where_nothing_tells_the_direction_nothing_is_read(form: Callable[[Facts], str]) -> None:
    said = listing(form((("No", "Healthy volunteers"), ("Yes", "Placebo used"))) + "<p>Sex: All</p>").record
    assert said.healthy_volunteers in (None, False)
    said = listing(form((("Acme Ltd", "Sponsor"), ("Completed", "Status"), ("Recruiting", "Extension study"))) + "<p>Sex: All</p>").record
    assert said.overall_status in (None, "COMPLETED")
    assert said.lead_sponsor in (None, "Acme Ltd")


def test_a_line_that_ends_in_a_colon_is_a_label_though_it_is_not_known() -> None:
    said = listing("<p>Status:</p><p>Recruiting</p><p>Planned visits:</p><p>40</p>")
    assert (said.record.overall_status, said.record.enrollment, said.how) == ("RECRUITING", None, {})


def test_a_term_that_is_not_known_costs_nothing() -> None:
    rows = (("Started", "1 Mar 2017"), ("Primary completion", "May 2021"), ("Study completion", "June 2021"))
    said = listing(f"<dl>{''.join(f'<dt>{label}</dt><dd>{value}</dd>' for label, value in rows)}</dl>").record
    assert (said.primary_completion_date, said.completion_date) == (Dated("2021-05", None), Dated("2021-06", None))


@pytest.mark.parametrize(
    "line",
    [
        "<p><strong>Status:</strong> Recruiting | <strong>Start date:</strong> 2021-06-22 | <strong>Enrollment:</strong> 40</p>",
        "<p>Status: Recruiting | Start date: 2021-06-22 | Visits: 7 | Enrollment: 40</p>",
        "<p>Status: Recruiting</p><ul><li><em>Start date</em> – 22 Jun 2021</li><li><em>Enrollment</em> – 40</li></ul>",
        "<p>Status: Recruiting</p><p>Start date – 22 Jun 2021</p><p>Enrollment - 40</p>",
        QUESTIONS,
    ],
)
def test_plain_statements(line: str) -> None:
    said = listing(line).record
    assert said.start_date is not None
    assert (said.overall_status, said.start_date.date, said.enrollment) == ("RECRUITING", "2021-06-22", Enrollment(40, None))


def test_who_runs_the_study_is_a_name_and_no_sentence() -> None:
    assert listing("<p>Sex: All</p><h2>Who is running the study?</h2><p>Acme Ltd</p>").record.lead_sponsor == "Acme Ltd"
    assert listing("<p>Sex: All</p><h2>Who is running the study?</h2><p>This study is run by doctors.</p>").record.lead_sponsor is None


def test_help_behind_a_label_is_not_its_value() -> None:
    form = "<div><span>{}</span><button>?</button><span>What does this mean?</span><div>{}</div></div>"
    said = listing(form.format("Age", "18 Years to 70 Years") + form.format("Sex", "All")).record
    assert (said.minimum_age, said.maximum_age, said.sex) == ("18 Years", "70 Years", "ALL")


@pytest.mark.parametrize(("inside", "how"), [("<ul><li>Adults of 18 years</li><li>Dry eyes for months</li></ul>", None), ("", "cut_off")])
def test_what_unfolds_criteria_cuts_them_off_only_where_they_are_not_there(inside: str, how: str | None) -> None:
    lists = f"<h3>Inclusion criteria</h3>{inside}<h3>Exclusion criteria</h3>{inside}"
    assert listing(f"<p>Sex: All</p><h2>Eligibility</h2><button>Expand all</button>{lists}<h2>Contact</h2>").how.get("criteria") == how


@pytest.mark.parametrize(
    "line", ["Age: 18 Years and older", "Ages: 18+", "Age: 18+ years", "Minimum age: 18 Years</p><p>Maximum age: None"]
)
def test_no_upper_limit_is_stated(line: str) -> None:
    said = listing(f"<p>Sex: All</p><p>{line}</p>")
    assert (said.record.maximum_age, said.unlimited, said.how.get("maximum_age")) == (None, ("maximum_age",), None)


@pytest.mark.parametrize("line", ["Ages: from 18 years", "Age: 18 Years to 70 Years", "Minimum age: 18 Years", "Maximum age: Not reported"])
def test_an_upper_limit_that_is_not_named_is_no_statement(line: str) -> None:
    assert listing(f"<p>Sex: All</p><p>{line}</p>").unlimited == ()
    assert listing("<p>Ages: 18+</p><p>Maximum age: 70 Years</p>").unlimited == ()
