"""A page of another trial, or of a search, on which the watched trial's id stands somewhere."""

from __future__ import annotations

import pytest

from registry_sync.sources.finder import read_page
from registry_sync.sources.interface import Found, Unreadable
from registry_sync.trials.listing import Subject
from tests.sources.finder_pages import TRIAL, URL

TITLE = "Intranasal Exampline Drops in Adults With Dryness of the Eye After Surgery"
KNOWN = Subject(TRIAL, titles=(TITLE,))
FIRST_LOOK = Subject(TRIAL)
OTHER = (
    "<h1>Knee Exercises Against Stiffness in Older Runners</h1><dl><dt>Status</dt><dd>Completed</dd><dt>Sponsor</dt><dd>Example Clinic</dd>"
    "<dt>Start date</dt><dd>2021-03-04</dd></dl><h2>Eligibility</h2><h3>Inclusion Criteria</h3><ul><li>Runners over 60 years</li>"
    "<li>Stiff knees</li></ul><h3>Exclusion Criteria</h3><ul><li>Knee surgery</li></ul>"
)
OWN = OTHER.replace("Knee Exercises Against Stiffness in Older Runners", TITLE)


def answer(content: str, subject: Subject, head: str = "Finder") -> Found | Unreadable:
    page = f"<!DOCTYPE html><html><head><meta charset='utf-8'><title>{head}</title></head><body>{content}</body></html>"
    return read_page(subject, URL, page.encode(), None)


MENTIONS = (
    f"<nav><a>Back to {TRIAL}</a></nav>{OTHER}",
    f"<p>Back to {TRIAL}</p>{OTHER}",
    f"<p>← Back to trial {TRIAL}</p>{OTHER}",
    f"<p>Home &gt; Trials &gt; {TRIAL}</p>{OTHER}",
    f"<p>Home / {TRIAL}</p>{OTHER}",
    f"<nav>Home / {TRIAL}</nav>{OTHER}",
    f"<ol><li>Home</li><li>Trials</li><li>{TRIAL}</li></ol>{OTHER}",
    f"<div>Home</div><div>›</div><div>Trials</div><div>›</div><div>{TRIAL}</div>{OTHER}",
    f"<a>‹ Back</a><div>{TRIAL}</div>{OTHER}",
    f"<p>« {TRIAL}</p>{OTHER}",
    f"<p>Trials you viewed: {TRIAL}</p>{OTHER}",
    f"{OTHER}<h2>Other trials by this sponsor</h2><p>NCT ID: {TRIAL}</p>",
    f"{OTHER}<h2>Similar studies</h2><div><p>{TRIAL}</p><p>{TITLE[:30]}</p></div>",
    f"<nav>Home &gt; Trials &gt; {TRIAL}</nav>{OTHER}",
    f"{OTHER}<footer>Recently viewed: {TRIAL}</footer>",
    f"{OTHER}<footer><p>See also {TRIAL}</p></footer>",
    f"{OTHER}<p>Recently viewed: {TRIAL}</p>",
    f"{OTHER}<p>See also {TRIAL}</p>",
    f"{OTHER}<h2>Related</h2><p>{TRIAL}</p>",
    f"{OTHER}<h2>Related</h2><ul><li>{TRIAL}</li></ul>",
    f"{OTHER}<p>Recently viewed</p><p>{TRIAL}</p>",
    f"{OTHER}<h2>You may also like</h2><h3>Nose drops</h3><p>NCT ID: {TRIAL}</p>",
    f"{OTHER}<p>Share: finder.example/{TRIAL}</p>",
    f"{OTHER}<p>finder.example/trials/{TRIAL}</p>",
    f"{OTHER}<p>Next: {TRIAL}</p>",
    f"{OTHER}<p>Previous trial {TRIAL}</p>",
    f"{OTHER}<p>People of {TRIAL} may not join, since the two would disturb each other.</p>",
)


@pytest.mark.parametrize("subject", [KNOWN, FIRST_LOOK])
@pytest.mark.parametrize("page", MENTIONS)
def test_a_mention_makes_no_page_the_trials(page: str, subject: Subject) -> None:
    found = answer(page, subject)
    assert isinstance(found, Unreadable), page
    assert TRIAL in found.reason


@pytest.mark.parametrize("page", MENTIONS)
def test_with_the_trials_title_the_same_page_is_the_trials(page: str) -> None:
    assert isinstance(answer(page.replace(OTHER, OWN), KNOWN), Found)


PRESENTED = (
    f"<div>Home</div><div>Share</div>{OTHER}<h1>About</h1><p>{TRIAL}</p>",
    f"<p>Trial ID: {TRIAL}</p>{OTHER}",
    f"{OTHER}<table><tr><th>NCT number</th><td>{TRIAL}</td></tr></table>",
    f"{OTHER}<p>{TRIAL}</p>",
    f"<h1>{TRIAL}</h1>{OTHER}",
    f"<h1>Knees for all ({TRIAL})</h1>{OTHER}",
    f"{OTHER}<p>View this study on ClinicalTrials.gov: https://clinicaltrials.gov/study/{TRIAL}</p>",
    f"{OTHER}<p>This trial is registered as {TRIAL}.</p>",
)


@pytest.mark.parametrize("subject", [KNOWN, FIRST_LOOK])
@pytest.mark.parametrize("page", PRESENTED)
def test_an_id_that_the_page_presents_proves_whatever_its_title(page: str, subject: Subject) -> None:
    assert isinstance(answer(page, subject), Found)


def test_the_title_of_the_window_may_present_the_id() -> None:
    for subject in (KNOWN, FIRST_LOOK):
        assert isinstance(answer(OTHER, subject, f"{TRIAL} | Finder"), Found)


@pytest.mark.parametrize("crumbs", [f"<p>Search / Trial {TRIAL}</p>", f"<nav>Search / Trial {TRIAL}</nav>"])
def test_bread_crumbs_that_name_a_trial_prove_until_its_title_is_known(crumbs: str) -> None:
    assert isinstance(answer(crumbs + OTHER, FIRST_LOOK), Found)
    assert isinstance(answer(crumbs + OTHER, KNOWN), Unreadable)
    assert isinstance(answer(crumbs + OWN, KNOWN), Found)


def test_bread_crumbs_prove_with_a_heading_that_may_be_the_title_in_other_words() -> None:
    crumbs = f"<p>Home &gt; Trials &gt; {TRIAL}</p>"
    akin = OTHER.replace("Knee Exercises Against Stiffness in Older Runners", "Exampline Drops for Dryness of the Eye")
    assert isinstance(answer(crumbs + akin, KNOWN), Found)
    assert isinstance(answer(crumbs + akin, FIRST_LOOK), Unreadable)


def test_other_trials_on_the_way_do_not_make_the_page_theirs() -> None:
    way = "<p>Back to NCT07654321</p><p>Recently viewed: NCT07654322</p>"
    assert isinstance(answer(f"<p>Trial ID: {TRIAL}</p>{OWN}{way}", KNOWN), Found)


@pytest.mark.parametrize("subject", [KNOWN, FIRST_LOOK])
@pytest.mark.parametrize(
    "lines",
    [
        (f"Search results for {TRIAL}", "1 trial found"),
        ("1 trial found",),
        (f"Results for {TRIAL}",),
        ("Clinical trials", f"12 studies found for {TRIAL}"),
        ("1 search result",),
    ],
)
def test_a_page_of_search_results_is_not_the_trials(lines: tuple[str, ...], subject: Subject) -> None:
    card = f"<h3>{TITLE}</h3><p>NCT ID: {TRIAL}</p><p>Status: Recruiting</p><p>Sponsor: Example Clinic</p>"
    for form in ("<h1>{}</h1>", "<p>{}</p>"):
        refused = answer("".join(form.format(line) for line in lines) + card, subject)
        assert isinstance(refused, Unreadable)
        assert "search" in refused.reason
    assert isinstance(answer(f"<p>← Back to search results</p>{card}<h2>Results</h2><p>No results found</p>", subject), Found)
