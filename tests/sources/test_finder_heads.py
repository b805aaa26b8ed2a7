"""The head of a page: short facts beside the title, tabs, filters, and what stands near another trial's title."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_sync.sources.finder import read_page
from registry_sync.sources.interface import Found, Unreadable
from registry_sync.trials.listing import Listing, Subject
from tests.sources.finder_pages import TRIAL, URL, whole

TITLE = "Intranasal Exampline Drops in Adults With Dryness of the Eye After Surgery"
HEAD = f"<h1>{TITLE}</h1>"
ID = f"<p>NCT ID: {TRIAL}</p>"
BODY = "<p>Gender: All</p><h2>Purpose</h2><p>The trial looks at a new kind of drops.</p>"


def answer(content: str) -> Found | Unreadable:
    return read_page(Subject(TRIAL, titles=(TITLE,)), URL, whole(content), None)


def listing(content: str) -> Listing:
    found = answer(content)
    assert isinstance(found, Found), found
    assert found.listing is not None
    return found.listing


def status(content: str) -> str | None:
    said = listing(content)
    return said.record.overall_status or (",".join(said.statuses) or None)


@pytest.mark.parametrize(
    "head",
    [
        f"{HEAD}<p>Completed · Phase 2</p>{ID}",
        f"{HEAD}<p>{TRIAL} · Completed</p>",
        f"{HEAD}<p>{TRIAL} | Phase 2 | Completed | Interventional</p>",
        f"{HEAD}<p>NCT ID {TRIAL} / COMPLETED / PHASE 2</p>",
        f"{HEAD}{ID}<p>Completed • Updated Jan 3, 2026</p>",
        f"{HEAD}{ID}<p>Completed · Updated 3 days ago · All · 18 Years and older</p>",
        f"{HEAD}{ID}<p>Completed | Phase: Phase 2 | Sex: All</p>",
        f"{HEAD}{ID}<p>Status: Completed · Phase 2</p>",
        f"<p>Completed • Phase 2</p>{HEAD}{ID}",
        f"<div><span>Completed</span> <span>Phase 2</span></div>{HEAD}<p>Not Applicable</p>{ID}",
        f"{HEAD}<div><span>Not Applicable</span><span>Completed</span></div>{ID}",
        f"{HEAD}<div><b>{TRIAL}</b><i>N/A</i><i>Completed</i></div>",
        f"<div>{TITLE}</div><div>Completed · Phase 2</div>{ID}",
    ],
)
def test_a_status_among_other_short_facts_is_read(head: str) -> None:
    assert status(head + BODY) == "COMPLETED"
    assert status(head) == "COMPLETED"


TABS = ("Overview", "Eligibility", "Locations", "Contacts")


@pytest.mark.parametrize(
    "tabs",
    [
        f"<div>{' | '.join(f'<a>{tab}</a>' for tab in TABS)}</div>",
        f"<ul>{''.join(f'<li><a>{tab}</a></li>' for tab in TABS)}</ul>",
        "".join(f"<div>{tab}</div>" for tab in TABS),
        "".join(f"<button>{tab}</button>" for tab in TABS),
        f"<p>{' | '.join(TABS)}</p>",
    ],
)
@pytest.mark.parametrize(
    "badge", ["<p>Completed</p>", "<p>Completed · Phase 2</p>", "<div><span>Completed</span><span>Phase 2</span></div>"]
)
def test_tabs_open_no_part(tabs: str, badge: str) -> None:
    assert status(f"{HEAD}{ID}{tabs}{badge}{BODY}") == "COMPLETED"
    assert status(f"{tabs}{badge}{HEAD}{ID}{BODY}") == "COMPLETED"


@pytest.mark.parametrize(
    "part",
    [
        "<ul><li>Overview</li><li>Details</li><li>Eligibility</li><li>Completed</li></ul>",
        "<p>Overview</p><p>Details</p><p>Locations</p><p>Completed</p><p>Oslo, Norway</p>",
        "<h2>Overview</h2><h2>Contacts</h2><h2>Locations</h2><p>Completed</p>",
        "<p>Completed (1,234)</p>",
        "<ul><li>Completed (12)</li></ul>",
        "<p>Completed (1,234) · Phase 2 (45)</p>",
        "<h3>Status</h3><ul><li>Completed (3)</li><li>Recruiting (4)</li></ul>",
        "<h3>Status</h3><ul><li>Completed</li><li>Recruiting</li></ul>",
        "<p>Status: Completed | Recruiting | Suspended</p>",
        "<p>Completed | Recruiting | Suspended</p>",
        "<div><span>Completed</span><span>Recruiting</span></div>",
        "<p>Completed · we thank all who came</p>",
        "<p>Completed, Phase 2 and well done</p>",
        "<p>Completed / see our news</p>",
    ],
)
def test_what_is_no_badge_of_the_trial_says_no_status(part: str) -> None:
    assert status(f"{HEAD}{ID}{part}{BODY}") is None


@pytest.mark.parametrize(
    "card",
    [
        "<h3>Otherine Tablets in Children With Redness of the Ear</h3><p>Completed · Phase 3</p>",
        "<div>Otherine Tablets in Children With Redness of the Ear</div><div>Completed</div>",
        "<p>Completed</p><h3>Otherine Tablets in Children With Redness of the Ear</h3><p>NCT07654321</p>",
        "<h4>Otherine</h4><p>Completed · Phase 3</p>",
        "<p>Otherine Tablets in Children With Redness of the Ear</p><p>NCT07654321 · Completed</p>",
        "<li><a>Otherine Tablets in Children</a> <b>Completed</b> <b>Phase 3</b></li>",
    ],
)
@pytest.mark.parametrize(
    "above", ["<p>The trial looks at drops for the eye.</p>", "<h2>Summary</h2><p>The trial looks at drops for the eye.</p>"]
)
@pytest.mark.parametrize("heading", ["", "<h2>Andre forsøg</h2>", "<h2>Similar trials</h2>"])
def test_the_status_of_another_trials_card_is_not_the_trials(heading: str, above: str, card: str) -> None:
    said = listing(f"{HEAD}{ID}<p>Gender: All</p>{above}{heading}{card}{card}")
    assert (said.record.overall_status, said.statuses, said.record.phases) == (None, (), None)


SIGNS = (" · ", " | ", " • ", " / ", "·", "|")
FACTS = ("Phase 2", "Not Applicable", "Interventional", "All", "18 Years and older", "Jan 3, 2026", TRIAL, "2023-512345-17-00", "N/A")


@given(st.lists(st.sampled_from(FACTS), max_size=5), st.integers(0, 5), st.sampled_from(SIGNS), st.booleans())
def test_the_order_and_the_signs_of_short_facts_do_not_matter(facts: list[str], place: int, sign: str, is_above: bool) -> None:
    line = [*facts[:place], "Completed", *facts[place:]]
    for text in (f"<p>{sign.join(line)}</p>", f"<div>{''.join(f'<span>{fact}</span> ' for fact in line)}</div>"):
        assert status((text + HEAD if is_above else HEAD + text) + ID + BODY) == "COMPLETED"


@given(
    st.lists(st.sampled_from(FACTS), max_size=3),
    st.sampled_from(("we thank you", "read the news", "Example Clinic is glad")),
    st.sampled_from(SIGNS),
)
def test_a_line_with_other_words_says_no_status(facts: list[str], words: str, sign: str) -> None:
    assert status(f"{HEAD}{ID}<p>{sign.join(('Completed', *facts, words))}</p>{BODY}") is None


@pytest.mark.parametrize("rest", ["<p>Completed</p>", "<p>Completed · Phase 2</p>", "<p>Status: Completed</p>", "<p>Not recruiting</p>"])
def test_a_page_with_the_status_alone_is_a_listing(rest: str) -> None:
    assert status(HEAD + ID + rest)
