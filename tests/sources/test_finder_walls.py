"""A page that shows only some of the criteria, and says so in a line among them."""

from __future__ import annotations

import pytest

from registry_sync.sources.finder import read_page
from registry_sync.sources.interface import Found
from registry_sync.sources.labels import common_words
from registry_sync.trials.listing import Listing, Subject
from tests.sources.finder_pages import EXCLUSION, INCLUSION, TRIAL, URL, whole

WALLS = (
    "Sign in to view full eligibility criteria",
    "Log in to see all criteria",
    "Create a free account to see the full criteria.",
    "Upgrade now to unlock the rest",
    "Upgrade to premium to see the rest",
    "Subscribe to unlock all criteria",
    "All criteria are shown to you once you log in.",
    "To see the complete list of criteria, please sign in",
    "... and 3 more",
    "… and 12 more criteria",
    "Showing 2 of 5",
    "Showing 1-2 of 5 criteria",
    "2 of 5 shown",
    "Expand",
    "[more]",
    "Unlock",
    "Only the first 2 criteria are shown",
    "The complete list of criteria is available on request",
    "Members can view the complete eligibility list",
    "Contact us for the full list of criteria.",
    "Vis flere",
    "Log ind for at se alle kriterier",
    "Kontakt os for den fulde liste",
    "Melden Sie sich an, um alle Kriterien zu sehen",
    "Alle Einschlusskriterien anzeigen: bitte anmelden",
    "Connectez-vous pour voir tous les critères",
    "Inicie sesión para ver todos los criterios",
)
CRITERIA = (
    "Able to read and complete all study questionnaires",
    "Willing to comply with all study requirements",
    "All family members on the waiting list agree",
    "Access to a telephone for all visits",
    "Complete resection of the tumour",
    "Seen by a doctor for more than 6 months",
    "More than 3 of 5 criteria of dryness",
    "Meets all criteria of the 2016 classification",
    "Expanded disability score below 4",
    "Registered on the transplant list for more than a year",
)


def listing(content: str) -> Listing:
    found = read_page(Subject(TRIAL), URL, whole(f"<p>{TRIAL}</p><p>Status: Recruiting</p>{content}<h2>Sponsor</h2><p>A Clinic</p>"), None)
    assert isinstance(found, Found), found
    assert found.listing is not None
    return found.listing


def items(*texts: str) -> str:
    return "<ul>" + "".join(f"<li>{text}</li>" for text in texts) + "</ul>"


def both(inclusion: str, exclusion: str = items(*EXCLUSION)) -> str:
    return f"<h2>Eligibility</h2><h3>Inclusion Criteria</h3>{inclusion}<h3>Exclusion Criteria</h3>{exclusion}"


@pytest.mark.parametrize("wall", WALLS)
def test_items_behind_a_wall_are_not_removed(wall: str) -> None:
    for line in (f"<p>{wall}</p>", f"<div><a href='#'>{wall}</a></div>"):
        for content in (both(items(*INCLUSION) + line), both(items(*INCLUSION), items(*EXCLUSION) + line)):
            said = listing(content)
            assert (said.record.criteria, said.how.get("criteria")) == (None, "cut_off")
    said = listing(both(items(*INCLUSION, wall)))
    assert (said.record.criteria, said.how.get("criteria")) == (None, "cut_off")


@pytest.mark.parametrize("text", CRITERIA)
def test_a_criterion_with_such_words_is_no_wall(text: str) -> None:
    assert not common_words().is_cut_off(text)
    said = listing(both(items(*INCLUSION, text)))
    assert text in [one.text for one in said.record.criteria or ()]


def test_other_criteria_may_apply_hides_nothing() -> None:
    said = listing(both(items(*INCLUSION), items(*EXCLUSION) + "<p>Other criteria may apply.</p>"))
    assert len([one for one in said.record.criteria or () if one.kind == "item"]) == 5


@pytest.mark.parametrize("ending", ["…", "...", " [more]", " […]"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_item_that_is_cut_cuts_the_criteria(ending: str, place: int) -> None:
    texts = [text + ending if at == place else text for at, text in enumerate(INCLUSION)]
    for inclusion in (items(*texts), "".join(f"<p>• {text}</p>" for text in texts)):
        said = listing(both(inclusion))
        assert (said.record.criteria, said.how.get("criteria")) == (None, "cut_off")


def test_a_line_above_a_deeper_list_may_end_in_dots() -> None:
    said = listing(both("<ul><li>One of these...<ul><li>Dry eyes</li><li>Dry mouth</li></ul></li><li>Consent</li></ul>"))
    assert said.how.get("criteria") is None


@pytest.mark.parametrize("tag", ["ol", "ul", "p"])
def test_numbers_that_begin_again_are_a_lost_heading(tag: str) -> None:
    def numbered(texts: tuple[str, ...]) -> str:
        if tag in ("ol", "ul"):
            return f"<{tag}>{''.join(f'<li>{text}</li>' for text in texts)}</{tag}>"
        return "".join(f"<p>{number}. {text}</p>" for number, text in enumerate(texts, start=1))

    lost = listing(f"<h2>Eligibility</h2><h3>Inclusion Criteria</h3>{numbered(INCLUSION)}{numbered(EXCLUSION)}")
    assert (lost.record.criteria, lost.how.get("criteria")) == (None, "headings_lost")
    headed = listing(f"<h2>Eligibility</h2><h3>Inclusion Criteria</h3>{numbered(INCLUSION)}<p>For parents:</p>{numbered(EXCLUSION)}")
    assert headed.how.get("criteria") is None
    whole_ = listing(both(numbered(INCLUSION), numbered(EXCLUSION)))
    assert len(whole_.record.criteria or ()) == 5
