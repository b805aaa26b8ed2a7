"""A page that shows what a search has found proves nothing of the trial in it, whatever its heading; a trial's own page stays one."""

from __future__ import annotations

import pytest

from registry_sync.sources.finder import read_page
from registry_sync.sources.interface import Found, Unreadable
from registry_sync.sources.labels import frames_a_search, heads_a_search
from registry_sync.trials.listing import Subject
from tests.sources.finder_pages import TRIAL, URL

TITLE = "Intranasal Exampline Drops in Adults With Dryness of the Eye After Surgery"
SUBJECTS = (Subject(TRIAL, titles=(TITLE,)), Subject(TRIAL))
FOUND = (
    (TITLE, TRIAL, "Recruiting"),
    ("Otherine Tablets in Children With Redness", "NCT07654321", "Completed"),
    ("Knee Exercises", "NCT07654322", "Completed"),
)
CARDS = (
    "<h3>{0}</h3><p>NCT ID: {1}</p><p>Status: {2}</p>",
    "<div><a>{0}</a></div><div>{1}</div><div>{2}</div>",
    "<p>{1} · {2}</p><h2>{0}</h2><p>Phase: Phase 2</p>",
    "<li><p>{0}</p><p>{1}</p><p>Status: {2}</p></li>",
    "<tr><td>{0}</td><td>{1}</td><td>{2}</td></tr>",
)


def answer(content: str, subject: Subject, window: str = "Finder") -> Found | Unreadable:
    page = f"<!DOCTYPE html><html><head><meta charset='utf-8'><title>{window}</title></head><body>{content}</body></html>"
    return read_page(subject, URL, page.encode(), None)


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("above", ["", "<h1>Clinical trials</h1>", "<h1>Studies of the eye near you</h1>"])
@pytest.mark.parametrize("card", CARDS)
def test_several_cards_alike_are_no_page_of_the_first(card: str, above: str, subject: Subject) -> None:
    refused = answer(above + "".join(card.format(*one) for one in FOUND), subject)
    assert isinstance(refused, Unreadable)
    assert TRIAL in refused.reason


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize(
    ("above", "below"),
    [
        ("<p>1 result</p>", ""),
        ("<p>1 result</p><p>Sort by: Relevance</p>", ""),
        ("<h2>Filters</h2><p>Clear all</p>", "<p>Showing 1-1 of 1</p>"),
        ("<h1>Clinical trials</h1><p>Filter by</p>", "<p>Page 1 of 1</p>"),
        ("<p>1 trial</p><p>Refine your search</p>", ""),
        ("<p>Filters</p>", "<p>10 per page</p>"),
        ("<h1>Matching studies</h1>", ""),
    ],
)
@pytest.mark.parametrize("card", CARDS[:4])
def test_one_card_in_the_frame_of_a_search_is_no_page(card: str, above: str, below: str, subject: Subject) -> None:
    refused = answer(above + card.format(*FOUND[0]) + below, subject)
    assert isinstance(refused, Unreadable)
    assert "search" in refused.reason


OWN = (
    f"<p>NCT ID: {TRIAL}</p><p>Status: Recruiting</p><h2>Purpose</h2><p>It looks at drops.</p>"
    "<h2>Eligibility</h2><h3>Inclusion Criteria</h3>"
    "<ul><li>Grown people</li><li>Dry eyes</li></ul><h2>Sponsor</h2><p>Example Clinic</p>"
)
RELATED = "".join(CARDS[0].format(*one) for one in FOUND[1:])


@pytest.mark.parametrize("title", [f"<h1>{TITLE}</h1>", f"<h2>{TITLE}</h2>", f"<div>{TITLE}</div>", "<h1>Drops for dry eyes</h1>"])
@pytest.mark.parametrize(
    ("above", "below"),
    [
        ("<p>Back to 12 results</p>", ""),
        ("<h3>Filters</h3><p>Clear all</p>", "<h2>Publications</h2><p>Page 1 of 3</p>"),
        ("<p>12,345 trials</p>", "<h2>Locations</h2><p>Filter by country</p><p>Showing 1-10 of 45</p>"),
        ("", "<h2>Results</h2><p>3 results</p>"),
        ("", f"<h2>Andre forsøg</h2>{RELATED}"),
        ("", f"<h2>Similar trials</h2>{RELATED}"),
        ("", RELATED),
    ],
)
def test_a_trials_page_with_parts_of_a_search_stays_one(above: str, below: str, title: str) -> None:
    for subject in SUBJECTS:
        found = answer(above + title + OWN + below, subject)
        assert isinstance(found, Found), found
        assert found.record.overall_status == "RECRUITING"


def test_a_short_page_below_its_own_title_stays_one_among_cards() -> None:
    short = f"<h1>{TITLE}</h1>{CARDS[0].format(*FOUND[0])}{RELATED}"
    assert isinstance(answer(short, SUBJECTS[0]), Found)
    assert isinstance(answer(short.replace("<h1>", "<h4>").replace("</h1>", "</h4>"), SUBJECTS[0], f"{TITLE} | Finder"), Found)


@pytest.mark.parametrize(
    "line", [f"{TRIAL}, NCT07654321", f"{TRIAL} | NCT07654321", f"NCT ID: {TRIAL} / NCT07654321", f"Trial IDs {TRIAL} and NCT07654321"]
)
def test_of_two_ids_in_one_line_neither_is_proved(line: str) -> None:
    rest = f"<p>{line}</p><p>Status: Recruiting</p><p>Sponsor: Example Clinic</p>"
    for subject in SUBJECTS:
        assert isinstance(answer(f"<h1>Knees for all</h1>{rest}", subject), Unreadable)
    assert isinstance(answer(f"<h1>{TITLE}</h1>{rest}", SUBJECTS[0]), Found)
    assert isinstance(answer(f"<h1>Knees for all</h1>{rest}<p>ClinicalTrials.gov identifier: {TRIAL}</p>", SUBJECTS[0]), Found)


@pytest.mark.parametrize(
    ("line", "frame"),
    [
        ("1 result", "count"), ("3 Results:", "count"), ("1,234 trials", "count"), ("Showing 1–10 of 45", "paging"),
        ("Page 1 of 2", "paging"), ("Results per page: 10", "paging"), ("Filters", "filter"), ("Sort by: Relevance", "filter"),
        ("Filtering of blood", None), ("12 trials were done", None), ("Sorted eyes", None), ("0 results", None), ("", None),
    ],
)  # fmt: skip
def test_lines_of_the_frame_of_a_search(line: str, frame: str | None) -> None:
    assert frames_a_search(line) == frame


def test_what_heads_a_search() -> None:
    assert heads_a_search("Search Results:")
    assert not heads_a_search("Results of the trial")
