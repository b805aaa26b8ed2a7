"""An id proves a page only where it is presented as the page's own: under another heading, whatever that says, it proves nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_sync.sources.finder import read_page
from registry_sync.sources.interface import Found, Unreadable
from registry_sync.trials.listing import Subject
from tests.sources.finder_pages import TRIAL, URL

TITLE = "Intranasal Exampline Drops in Adults With Dryness of the Eye After Surgery"
EU_CT = "2023-512345-17-00"
KNOWN = Subject(TRIAL, ids=("EXA-DRY-0042", EU_CT), titles=(TITLE,))
FIRST_LOOK = Subject(TRIAL)
SUBJECTS = (KNOWN, FIRST_LOOK)
REST = (
    "<p>Status: Completed</p><p>Sex: Female</p><h2>Eligibility</h2><h3>Inclusion Criteria</h3><ul><li>Runners over 60 years</li></ul>"
    "<h3>Exclusion Criteria</h3><ul><li>Knee surgery</li></ul>"
)
OTHER = f"<h1>Knee Exercises Against Stiffness in Older Runners</h1>{REST}"
HEADINGS = (
    *("Linked trials", "Companion study", "Sub-study of", "Parent trial", "References", "Cited trials", "Follow-up of", "Extension of"),
    *("Master protocol", "Feeder study", "Core study", "Lead-in study", "Trending", "Previously viewed", "Pipeline", "See all"),
    *("Control data from", "Registry study", "Publications", "More information", "Documents", "Something nobody thought of"),
)
BELOW = (
    "<h3>{0}</h3><p>{1}</p>",
    "<h3>{0}</h3><ul><li>{1}</li></ul>",
    "<h3>{0}</h3><p>NCT ID: {1}</p>",
    "<h3>{0}</h3><p>Completed</p><p>NCT ID: {1}</p>",
    "<h3>{0}</h3><p>{1} · Completed · Phase 2</p>",
    "<p>{0}</p><p>{1}</p>",
    "<p>{0}:</p><p>NCT ID: {1}</p>",
    "<p><b>{0}</b> {1}</p>",
    "<p>{0}: {1}</p>",
    "<p>{0} {1}</p>",
    "<ul><li>{0}</li><li>{1}</li></ul>",
    "<dl><dt>{0}</dt><dd>{1}</dd></dl>",
    "<table><tr><th>{0}</th><td>{1}</td></tr></table>",
    "<h3>{0}</h3><p>{2}</p><p>{1}</p>",
    "<h3>{0}</h3><h4>{2}</h4><p>NCT ID: {1}</p>",
)


def answer(content: str, subject: Subject, window: str = "Finder") -> Found | Unreadable:
    page = f"<!DOCTYPE html><html><head><meta charset='utf-8'><title>{window}</title></head><body>{content}</body></html>"
    return read_page(subject, URL, page.encode(), None)


@pytest.mark.parametrize("below", BELOW)
@pytest.mark.parametrize("heading", HEADINGS)
def test_what_stands_under_another_heading_makes_no_page_the_trials(heading: str, below: str) -> None:
    for subject in SUBJECTS:
        for number in ("", "<p>ISRCTN12345678</p>", "<p>Trial ID: ISRCTN12345678</p>"):
            part = below.format(heading, TRIAL, TITLE)
            assert isinstance(answer(f"{number}{OTHER}{part}", subject), Unreadable)
            assert isinstance(answer(OTHER.replace("</h1>", f"</h1>{part}{number}"), subject), Unreadable)


@pytest.mark.parametrize("id_", [EU_CT, "EXA-DRY-0042"])
@pytest.mark.parametrize("heading", HEADINGS)
def test_nor_does_another_id_of_the_trial(heading: str, id_: str) -> None:
    for below in BELOW[:2] + BELOW[5:6] + BELOW[8:13]:
        assert isinstance(answer(OTHER + below.format(heading, id_), KNOWN), Unreadable)


@given(st.lists(st.text(st.characters(categories=("L",)), min_size=2, max_size=8), min_size=2, max_size=5).map(" ".join))
def test_no_word_has_to_be_known(heading: str) -> None:
    made_up = f"Zq{heading}"
    for below in ("<h3>{0}</h3><p>{1}</p>", "<dl><dt>{0}</dt><dd>{1}</dd></dl>", "<p>{0} {1}</p>"):
        assert isinstance(answer(OTHER + below.format(made_up, TRIAL), FIRST_LOOK), Unreadable)


LAY = "Drops for dry eyes"
PRESENTED = (
    f"<h1>{LAY}</h1><p>{TRIAL}</p>{REST}",
    f"<p>{TRIAL}</p><h1>{LAY}</h1>{REST}",
    f"<h1>{LAY} ({TRIAL})</h1>{REST}",
    f"<h1>{TRIAL}: {LAY}</h1>{REST}",
    f"<h1>{TRIAL}</h1><h2>{LAY}</h2>{REST}",
    f"<h1>Clinical Trial Details for {TRIAL}</h1><h2>{LAY}</h2>{REST}",
    f"<h1>{LAY}</h1><p>Completed</p><p>Phase 2</p><p>{TRIAL}</p>{REST}",
    f"<h1>{LAY}</h1><div><span>Completed</span><span>Phase 2</span><span>{TRIAL}</span></div>{REST}",
    f"<h1>{LAY}</h1><p>Example University</p><p>{TRIAL}</p>{REST}",
    f"<h1>{LAY}</h1>{REST}<h3>Trial ID</h3><p>{TRIAL}</p>",
    f"<h1>{LAY}</h1>{REST}<h3>Study Details</h3><dl><dt>NCT Number</dt><dd>{TRIAL}</dd></dl>",
    f"<h1>{LAY}</h1>{REST}<h3>Facts for doctors</h3><p>Phase: Phase 2</p><p>NCT Number: {TRIAL}</p>",
    f"<h1>{LAY}</h1>{REST}<h3>Identifiers</h3><p>{TRIAL}</p><p>H00016378</p>",
    f"<h1>{LAY}</h1>{REST}<p>ClinicalTrials.gov: {TRIAL}</p>",
    f"<div>{LAY}</div><div>{TRIAL}</div><div>Status</div><div>Completed</div><div>Sex</div><div>Female</div>",
)


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("page", PRESENTED)
def test_in_its_usual_places_an_id_proves_the_page(page: str, subject: Subject) -> None:
    found = answer(page, subject)
    assert isinstance(found, Found), found
    assert found.record.overall_status == "COMPLETED"


CARD = f"<h3>Otherine Tablets in Children With Redness</h3>{REST}"


@pytest.mark.parametrize(
    "above",
    [
        "<h1>{0} was not found</h1><h2>Try one of these</h2>",
        "<h1>Sorry, {0} was removed</h1><p>You may like:</p>",
        "<h1>Trial {0} is unavailable</h1><p>Popular right now</p>",
        "<h1>No exact match for {0}</h1><p>Showing the closest result</p>",
        "<h1>{0}</h1><p>0 results. Showing results for: eyes</p>",
        "<h1>{0}</h1><p>This trial was not found. Here is something else:</p>",
        "<h1>{0}: page not found</h1>",
        "<h1>{0} ikke fundet</h1>",
        "<h1>We could not find {0}</h1>",
        "<h1>Did you mean another trial than {0}?</h1>",
        "<h1>The study {0} could not be loaded</h1>",
        "<h1>Trial finder</h1><p>Filters</p><p>Trial ID: {0}</p><p>Sort by relevance</p>",
        "<h1>Trial finder</h1><p>{0} ×</p><p>Clear filters</p>",
        "<h1>Trial finder</h1><p>Filters</p><p>Status: Any</p><p>NCT ID: {0}</p><p>Apply filters</p>",
        "<h1>Subscribe to {0}</h1>",
        "<h1>Sign up for {0}</h1>",
        "<h1>Share {0}</h1>",
        "<h1>Print {0}</h1>",
        "<h1>Contact us about {0}</h1>",
    ],
)
def test_a_page_that_only_speaks_of_the_id_is_unreadable(above: str) -> None:
    for subject in SUBJECTS:
        for window in ("Finder", f"{TRIAL} | Finder"):
            refused = answer(above.format(TRIAL) + CARD, subject, window)
            assert isinstance(refused, Unreadable)
            assert refused.reason


def test_a_sentence_in_the_heading_is_said_to_be_one() -> None:
    refused = answer(f"<h1>{TRIAL} was not found</h1>{CARD}", KNOWN)
    assert isinstance(refused, Unreadable)
    assert "no such page" in refused.reason


@pytest.mark.parametrize(
    "content",
    [
        f"<h1>Knee Exercises</h1><h3>Linked</h3>{f'<p>{TRIAL}</p>' * 20_000}",
        f"<h3>Linked</h3><p>{TRIAL}</p>" * 10_000,
        f"<h1>{f'{TRIAL} - ' * 20_000}</h1>",
        f"<p>{'clinicaltrials.gov/' * 20_000}</p><p>{TRIAL}</p>",
        f"{'<p>ISRCTN12345678</p>' * 20_000}{f'<p>Linked</p><p>{TRIAL}</p>' * 300}",
    ],
    ids="lines headings heading addresses numbers".split(),
)
def test_many_ids_are_looked_at_in_seconds(content: str) -> None:
    assert isinstance(answer(content, KNOWN), Unreadable)
