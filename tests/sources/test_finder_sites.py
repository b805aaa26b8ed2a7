"""What other sites put on their pages: whose status it is, where the criteria end, which labels they use."""

from __future__ import annotations

import pytest

from registry_sync.sources.finder import read_page
from registry_sync.sources.interface import Found
from registry_sync.sources.vocabulary import ALL_STATUSES
from registry_sync.trials.listing import Listing, Subject
from tests.sources.finder_pages import TRIAL, URL, whole

TITLE = "A Study of Eye Drops Against Dryness in Grown People"
TOP = f"<h1>{TITLE}</h1><p>{TRIAL}</p>"
PHASE = "<h3>Phase</h3><p>Phase 2</p>"
STATUS = "<h3>Status</h3><p>Completed</p>"


def listing(content: str) -> Listing:
    found = read_page(Subject(TRIAL), URL, whole(content), None)
    assert isinstance(found, Found), found
    assert found.listing is not None
    return found.listing


def status(content: str) -> str | None:
    """The registry's token; of several covered "not" the one that is not."""
    said = listing(content)
    if len(said.statuses) == len(ALL_STATUSES) - 1:
        return "not " + next(one for one in ALL_STATUSES if one not in said.statuses)
    return said.record.overall_status or (" ".join(said.statuses) or None)


# --- whose status it is ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sentence",
    [
        "<h3>Brief summary</h3><p>Patients who <b>completed</b> the parent study can enter.</p>",
        "<p>Patients who <em>Completed</em> the parent study can enter.</p>",
        '<p>This study was <a href="/g">terminated</a> in one country.</p>',
        '<p>Patients who <span style="color:red">Completed</span> the study</p>',
        "<p>Patients who<br>completed<br>the study</p>",
        "<p>We are <span>Recruiting</span> nurses</p>",
        "<ul><li>Patients who have <strong>withdrawn</strong></li></ul>",
    ],
)
def test_a_word_of_a_sentence_is_no_status(sentence: str) -> None:
    assert status(TOP + sentence + PHASE) is None
    assert status(TOP + PHASE + sentence) is None


@pytest.mark.parametrize(
    "part",
    [
        "<h3>Participant flow</h3><table><tr><td>Started</td><td>40</td></tr><tr><td>Completed</td><td>37</td></tr></table>",
        "<p>Results status</p><p>Completed</p>",
        "<h3>Sponsor status</h3><p>Terminated</p>",
        "<h3>Outcomes</h3><p>Withdrawn</p><p>Number of participants</p>",
        "<div><a>Terms</a><a>Suspended</a></div>",
        "<p>Not yet recruiting</p><p>Recruiting</p><p>Completed</p>",
        "<div><span>Not yet recruiting</span><span>Recruiting</span><span>Completed</span></div>",
        "<ol><li>Not yet recruiting</li><li>Recruiting</li><li>Completed</li></ol>",
    ],
)
def test_a_bare_word_counts_only_as_the_trial_s_own_badge(part: str) -> None:
    assert status(TOP + part + PHASE) is None
    assert status(TOP + PHASE + part) is None
    assert status(f"<span>Suspended</span>{TOP}{PHASE}<h3>Locations</h3><p>Oslo, Norway</p>{part}") == "SUSPENDED"


@pytest.mark.parametrize("menu", ["<div><p>Browse</p><p>Recruiting</p></div>", "<ul><li>Trials</li><li>Recruiting</li><li>Eyes</li></ul>"])
def test_a_menu_above_the_title_is_no_status(menu: str) -> None:
    assert status(menu + TOP + PHASE) is None
    assert status(menu + TOP + "<p>Completed</p>" + PHASE) == "COMPLETED"


@pytest.mark.parametrize(
    "page",
    [
        f"<span class=badge>Recruiting</span>{TOP}{PHASE}",
        f"{TOP}<p>Recruiting</p>{PHASE}",
        f"{TOP}<div><span>Phase 2</span><span>Recruiting</span></div><h3>Enrollment</h3><p>4</p>",
        f"<h1>{TITLE} <span>Recruiting</span></h1><p>{TRIAL}</p>{PHASE}",
        f"{TOP}<h3>Trial Information</h3><p>Current as of July 01, 2025</p><p>Recruiting</p>{PHASE}",
        f"{TOP}<h3>Status and phase</h3><p>Recruiting</p><p>Phase 2</p>",
    ],
)
def test_a_badge_beside_the_title_is_the_status(page: str) -> None:
    assert status(page) == "RECRUITING"


@pytest.mark.parametrize(
    "part",
    [
        "<h3>Locations</h3><p>Oslo, Norway</p><p>Status: Withdrawn</p>",
        "<h3>Locations</h3><h4>Norway</h4><h5>Oslo</h5><p>Status: Withdrawn</p>",
        "<h3>Where is it?</h3><table><tr><th>Location</th><th>Status</th></tr><tr><td>Oslo, Norway</td><td>Withdrawn</td></tr></table>",
        "<table><tr><th>Our Clinic</th><th>Status</th><th>Contact</th><tr><td>Oslo</td><td>Withdrawn</td><td>-</td></table>",
        "<table><tr><th>Status</th><th>Institution</th><th>Place</th><tr><td>Withdrawn</td><td>A</td><td>Oslo, Norway</td></table>",
        "<h3>Participating centres</h3><dl><dt>Centre</dt><dd>A</dd><dt>Recruitment status</dt><dd>Withdrawn</dd></dl>",
        "<h3>Documents</h3><p>Status: Available</p>",
        "<h3>IPD sharing</h3><p>Status</p><p>Withdrawn</p>",
        "<h3>Publication</h3><p>Status: Withdrawn</p>",
        "<h3>Regulatory approval</h3><p>Status</p><p>Withdrawn</p>",
        "<h3>Arms</h3><table><tr><th>Arm</th><th>Status</th></tr><tr><td>A: drops</td><td>Withdrawn</td></tr></table>",
    ],
)
def test_a_status_of_a_site_or_of_a_document_is_not_the_trial_s(part: str) -> None:
    assert status(TOP + part + PHASE) is None
    assert status(TOP + part + PHASE + "<p>Overall status: Completed</p>") == "COMPLETED"
    assert status(TOP + part + PHASE + STATUS) == "COMPLETED"
    assert status(TOP + STATUS + PHASE + part) == "COMPLETED"


def test_the_overall_status_wins_over_those_of_countries() -> None:
    countries = "<h3>Denmark</h3><p>Trial status</p><p>Ended</p><h3>Norway</h3><p>Trial status</p><p>Halted</p>"
    overall = "<h3>Overall trial status</h3><p>Ongoing, recruitment ended</p>"
    assert status(TOP + PHASE + countries + overall) == "ACTIVE_NOT_RECRUITING"


def test_of_two_statuses_the_more_exact_one_is_meant() -> None:
    both = "<p>Recruitment status</p><p>No longer recruiting</p><p>Overall study status</p><p>Completed</p>"
    assert status(TOP + both) == "COMPLETED"


@pytest.mark.parametrize("phrase", ["Open to enrolment", "Recruiting"])
def test_a_status_phrase_may_be_answered(phrase: str) -> None:
    assert status(f"{TOP}<h3>{phrase}</h3><p>No</p>{PHASE}") == "not RECRUITING"
    assert status(f"{TOP}<h3>{phrase}</h3><p>Yes</p>{PHASE}") == "RECRUITING"


# --- other trials, and whose page it is --------------------------------------------------------------------------------------

CARD = "<h3>Another Study of Drops</h3><p>{}</p><p>Status: Completed</p><p>Phase: Phase 1</p><p>Ages: 12 Years - 17 Years</p>"
OWN = "<h2>Details</h2><p>Status: Suspended</p><p>Phase: Phase 3</p><p>Ages: 18 Years - 75 Years</p>"


@pytest.mark.parametrize(
    "heading",
    [
        "You may also be interested in", "Similar trials", "Related studies", "Recommended for you", "People also viewed",
        "Other trials for dry eyes", "More from this sponsor", "Recently viewed", "Nearby trials", "Trials you may like",
    ],
)  # fmt: skip
def test_cards_of_other_trials_are_left_out_with_an_id_and_without(heading: str) -> None:
    for id_ in ("", "NCT09999999"):
        part = f"<aside><h2>{heading}</h2>{CARD.format(id_)}</aside>"
        for page in (TOP + OWN + part, TOP + part + OWN):
            record = listing(page).record
            assert (record.overall_status, record.phases, record.minimum_age) == ("SUSPENDED", ("PHASE3",), "18 Years")
    assert status(f"{TOP}<p>Enrollment: 312</p><h2>{heading}</h2><h3>Sister</h3><p>Completed</p>") is None


def test_a_part_with_another_trial_s_id_ends_at_the_next_heading_of_its_rank() -> None:
    assert status(f"{TOP}<h2>Look at this</h2>{CARD.format('NCT09999999')}{OWN}") == "SUSPENDED"


TITLES = (TITLE, f"{TITLE}: A Randomized Phase 2 Trial (DROPS-2)")


def whose(content: str, *ids: str) -> bool:
    """Is a page without the NCT id taken for this trial's?"""
    page = f"{content}<h3>Status</h3><p>Completed</p><h3>Phase</h3><p>Phase 1</p>"
    return isinstance(read_page(Subject(TRIAL, ids=ids, titles=TITLES), URL, whole(page), None), Found)


def test_a_sister_with_another_short_name_is_another_trial() -> None:
    assert whose(f"<h1>{TITLE}</h1>")
    assert whose(f"<h1>{TITLE} (DROPS-2)</h1>")
    assert not whose(f"<h1>{TITLE} (DROPS-3)</h1>")


def test_a_page_that_is_filed_by_another_number_of_the_same_form_is_another_trial_s() -> None:
    ids = ("DRO-EYE-301", "2023-501234-11-00")
    assert whose(f"<h1>{TITLE}</h1><p>Protocol number: DRO-EYE-301</p>", *ids)
    assert whose(f"<h1>{TITLE}</h1><p>Protocol number: 17/123</p>", *ids)
    assert whose(f"<h1>{TITLE}</h1><p>EU CT number: 2023-501234-11-01</p>", *ids)
    assert not whose(f"<h1>{TITLE}</h1><p>Protocol number: DRO-EYE-302</p>", *ids)
    assert not whose(f"<h1>{TITLE}</h1><p>EU CT number: 2022-509999-33-00</p>", *ids)


@pytest.mark.parametrize("id_", ["NCT IDNCT01234567", "NCT 01234567", "<b>NCT ID</b>NCT01234567"])
def test_an_id_may_be_glued_to_its_label_or_written_with_a_blank(id_: str) -> None:
    assert status(f"<h1>{TITLE}</h1><p>{id_}</p>{STATUS}") == "COMPLETED"


def test_a_follow_up_study_names_its_parent_first() -> None:
    assert status(f"<p>Follow-up of NCT09999999</p><h1>{TITLE}</h1><p>ClinicalTrials.gov ID: {TRIAL}</p>{STATUS}") == "COMPLETED"
