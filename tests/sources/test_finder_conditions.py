"""What a page names: its trial in short, its conditions, and phases in the words of another register."""

from __future__ import annotations

import pytest

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


@pytest.mark.parametrize(
    ("heading", "title"), [("ASPREE", "ASPREE"), ("SURMOUNT-1", "SURMOUNT-1"), ("Finder", None), ("Overview", None), ("FAQ", None)]
)
def test_a_heading_may_be_the_trials_short_name(heading: str, title: str | None) -> None:
    assert listing(f"<h1>{heading}</h1>{ID}{BODY}").record.brief_title == title


@pytest.mark.parametrize(
    "part",
    [
        "<h2>Conditions</h2><p>Healthy Volunteers</p><h2>Sponsor</h2><p>A Clinic</p>",
        "<p>Conditions</p><p>Healthy Volunteers</p><p>Sponsor</p><p>A Clinic</p>",
        "<dl><dt>Condition</dt><dd>Healthy Volunteers</dd><dt>Phase</dt><dd>Phase 1</dd></dl>",
        "<table><tr><th>Condition</th><td>Healthy Volunteers</td></tr></table>",
        "<h2>Conditions</h2><ul><li>Healthy Volunteers</li></ul>",
        "<p>Condition: Healthy Volunteers</p>",
    ],
)
def test_healthy_volunteers_may_be_the_condition(part: str) -> None:
    said = listing(HEAD + ID + part)
    assert said.record.conditions == ("Healthy Volunteers",)
    assert said.record.healthy_volunteers is None


def test_healthy_volunteers_among_conditions_and_as_a_label_below_them() -> None:
    both = listing(f"{HEAD}{ID}<h2>Conditions</h2><ul><li>Asthma</li><li>Healthy Volunteers</li></ul>")
    assert both.record.conditions == ("Asthma", "Healthy Volunteers")
    for asked in ("<h2>Healthy volunteers</h2><p>No</p>", "<p>Healthy volunteers</p><p>No</p>", "<p>Healthy volunteers: No</p>"):
        said = listing(f"{HEAD}{ID}<h2>Conditions</h2><p>Asthma</p>{asked}")
        assert (said.record.conditions, said.record.healthy_volunteers) == (("Asthma",), False)


@pytest.mark.parametrize(
    ("words", "phases"),
    [
        ("Therapeutic confirmatory (Phase III)", ("PHASE3",)),
        ("Therapeutic confirmatory - Phase III", ("PHASE3",)),
        ("Therapeutic exploratory (Phase II)", ("PHASE2",)),
        ("Human pharmacology (Phase I) - First administration to humans", ("PHASE1",)),
        ("Phase II and Phase III (Integrated)", ("PHASE2", "PHASE3")),
        ("Therapeutic touch", None),
        ("Therapeutic confirmatory (Phase III) in adults", None),
    ],
)
def test_phases_in_the_words_of_the_european_register(words: str, phases: tuple[str, ...] | None) -> None:
    for form in ("<p>Trial phase: {}</p>", "<p>Trial phase</p><p>{}</p>", "<p>{}</p>"):
        assert listing(HEAD + ID + "<p>Gender: All</p>" + form.format(words)).record.phases == phases
