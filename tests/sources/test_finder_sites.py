"""What other sites put on their pages: whose status it is, where the criteria end, which labels they use."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_sync.errors import SettingsError
from registry_sync.sources import vocabulary
from registry_sync.sources.finder import read_page
from registry_sync.sources.interface import Found
from registry_sync.sources.profiles import load_profiles
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


def test_a_title_that_speaks_of_centres_heads_no_list_of_sites() -> None:
    assert status(f"<h1>Find a trial</h1><h2>{TITLE} in Two Centres</h2><p>{TRIAL}</p><p>Status: Recruiting</p>{PHASE}") == "RECRUITING"
    assert status(f"{TOP}<h2>Contacts and study status</h2><p>Status: Recruiting</p>{PHASE}") == "RECRUITING"


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
    assert whose(f"<h1>{TITLE}</h1><p>EudraCT number: 2018-004427-37</p>", *ids)
    assert whose(f"<h1>{TITLE}</h1><p>IRB number: 217664</p>", "205123")
    assert not whose(f"<h1>{TITLE}</h1><p>Protocol number: DRO-EYE-302</p>", *ids)
    assert not whose(f"<h1>{TITLE}</h1><p>EU CT number: 2022-509999-33-00</p>", *ids)


@pytest.mark.parametrize("id_", ["NCT IDNCT01234567", "NCT 01234567", "<b>NCT ID</b>NCT01234567"])
def test_an_id_may_be_glued_to_its_label_or_written_with_a_blank(id_: str) -> None:
    assert status(f"<h1>{TITLE}</h1><p>{id_}</p>{STATUS}") == "COMPLETED"


def test_a_follow_up_study_names_its_parent_first() -> None:
    assert status(f"<p>Follow-up of NCT09999999</p><h1>{TITLE}</h1><p>ClinicalTrials.gov ID: {TRIAL}</p>{STATUS}") == "COMPLETED"


# --- where the criteria begin and end ----------------------------------------------------------------------------------------

WANTED = ("Age of 18 years or older", "Dry eyes for at least 6 months", "Signed consent")
BARRED = ("Contact lenses in daily use", "Eye surgery within 12 months", "Use of other eye drops")


def items(*texts: str) -> str:
    return f"<ul>{''.join(f'<li>{text}</li>' for text in texts)}</ul>"


BOTH = f"<h3>Inclusion criteria</h3>{items(*WANTED)}<h3>Exclusion criteria</h3>{items(*BARRED)}"
ALL = (*(("inclusion", text) for text in WANTED), *(("exclusion", text) for text in BARRED))


def criteria(content: str) -> tuple[tuple[str | None, str], ...] | None:
    """The items; notes are no criteria."""
    found = listing(TOP + STATUS + content).record.criteria
    return None if found is None else tuple((one.group, one.text) for one in found if one.kind == "item")


@pytest.mark.parametrize(
    "line",
    [
        "If you are interested in this study, please contact us.", "Eligibility last updated 3/15/24.", "Source: ClinicalTrials.gov",
        "Updated on 12 May 2026. Study ID: NCT01234567", "Talk to your doctor about this trial.", "Subscribe to our newsletter",
        "Do you have questions? Call 1-800-555-0100", "\u00a9 2026 Example Health", "Other protocol-defined criteria may exist.",
        "Once the trial is over, the results are published.", "The study doctor will decide whether you can take part",
    ],
)  # fmt: skip
def test_a_line_below_the_lists_is_no_criterion(line: str) -> None:
    assert criteria(f"{BOTH}<p>{line}</p>") == ALL
    assert criteria(f"{BOTH}<p>{line}</p><h3>Locations</h3><p>Oslo, Norway</p>") == ALL


def test_whom_the_trial_is_open_to_is_no_criterion_but_an_age() -> None:
    page = BOTH.replace("<ul>", "<p>Open to people ages 18-75</p><ul>", 1)
    assert criteria(page) == ALL
    record = listing(TOP + STATUS + page).record
    assert (record.minimum_age, record.maximum_age) == ("18 Years", "75 Years")


@pytest.mark.parametrize("tag", ["p", "h4"])
@pytest.mark.parametrize(
    "heading",
    ["Medical Conditions", "Conditions", "Sponsor", "Status", "Phase", "Participants", "Treatment", "Contact", "Overview", "Diagnosis"],
)
def test_a_sub_heading_that_is_a_label_too_does_not_end_the_criteria(heading: str, tag: str) -> None:
    below = f"<{tag}>{heading}</{tag}>{items(*BARRED[1:])}"
    said = listing(f"{TOP}{STATUS}<h3>Inclusion criteria</h3>{items(*WANTED)}<h3>Exclusion criteria</h3>{items(BARRED[0])}{below}").record
    assert [one.text for one in said.criteria or () if one.kind == "item"] == [*WANTED, *BARRED]
    assert (said.conditions, said.lead_sponsor, said.phases, said.enrollment) == (None, None, None, None)


def test_a_label_of_the_page_below_the_criteria_ends_them() -> None:
    page = f"{BOTH}<h3>Conditions</h3>{items('Dry eye disease of grown people', 'Tears that do not come at all')}"
    assert criteria(page) == ALL
    assert criteria(f"{BOTH}<h4>Locations</h4>{items('Example Hospital, Oslo, Norway', 'Another Hospital, Bergen, Norway')}") == ALL


@pytest.mark.parametrize("word", ["None", "Collapse"])
def test_a_short_criterion_among_others_is_kept(word: str) -> None:
    assert ("exclusion", word) in (criteria(BOTH.replace(items(*BARRED), items(BARRED[0], word, BARRED[1]))) or ())


@pytest.mark.parametrize(
    ("wanted", "barred"),
    [
        ("You may qualify if:", "You may not qualify if:"),
        ("You may be able to join if you", "You may not be able to join if you"),
        ("You can join if\u2026", "You CAN'T join if..."),
        ("Who can participate", "Who cannot participate"),
    ],
)
def test_groups_may_be_named_in_words_for_patients(wanted: str, barred: str) -> None:
    assert criteria(f"<h3>{wanted}</h3>{items(*WANTED)}<h3>{barred}</h3>{items(*BARRED)}") == ALL


def test_of_a_short_list_and_the_full_one_the_full_one_counts() -> None:
    key = f"<h3>Key inclusion criteria</h3>{items(WANTED[0])}<h3>Key exclusion criteria</h3>{items(BARRED[0])}"
    assert criteria(f"{key}<h2>Full eligibility criteria</h2>{BOTH}") == ALL


def test_escapes_of_markdown_are_no_text() -> None:
    page = BOTH.replace("Age of 18", "1\\. Age of 18").replace("6 months", "6\\.0 months")
    assert [text for _, text in criteria(page) or ()][:2] == [WANTED[0], "Dry eyes for at least 6.0 months"]


# --- labels and values -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "token"),
    [
        ("This study has been completed.", "COMPLETED"),
        ("This study is currently recruiting participants.", "RECRUITING"),
        ("This study is ongoing, but not recruiting participants.", "ACTIVE_NOT_RECRUITING"),
        ("This trial is not recruiting", "not RECRUITING"),
        ("Recruiting in 3 countries", "RECRUITING"),
        ("Recruiting, last verified May 2025", "RECRUITING"),
        ("Suspended - temporarily", "SUSPENDED"),
        ("In set-up", "NOT_YET_RECRUITING"),
        ("Opening soon", "NOT_YET_RECRUITING"),
    ],
)
def test_a_status_beside_its_label_may_be_a_sentence(words: str, token: str) -> None:
    assert status(f"{TOP}<h3>Status</h3><p>{words}</p>{PHASE}") == token


@pytest.mark.parametrize("words", ["No longer accepting patients", "Stopped recruiting", "Full"])
def test_what_is_no_longer_recruiting_is_not_recruiting(words: str) -> None:
    covered = listing(f"{TOP}<h3>Status</h3><p>{words}</p>{PHASE}").statuses
    assert {"ACTIVE_NOT_RECRUITING", "COMPLETED"} <= set(covered)
    assert not {"RECRUITING", "NOT_YET_RECRUITING"} & set(covered)


@pytest.mark.parametrize(
    "words",
    [
        "between 18 and 75 years of age", "Between 18 Years - 75 Years", "From 18 to 75 years", "18 y - 75 y", "Min: 18, Max: 75",
        "18 to 75 years old, inclusive", "ages 18-75",
    ],
)  # fmt: skip
def test_ages_in_many_words(words: str) -> None:
    record = listing(f"{TOP}{STATUS}<p>Ages: {words}</p>").record
    assert (record.minimum_age, record.maximum_age) == ("18 Years", "75 Years")


@pytest.mark.parametrize("words", ["Female or Male", "Both males and females", "Everyone", "M/F"])
def test_both_sexes_in_many_words(words: str) -> None:
    assert listing(f"{TOP}{STATUS}<p>Sex: {words}</p>").record.sex == "ALL"


@pytest.mark.parametrize("words", ["Therapeutic confirmatory (Phase III)", "Phase III (phase 3)"])
def test_a_phase_said_twice(words: str) -> None:
    assert listing(f"{TOP}{STATUS}<p>Trial phase: {words}</p>").record.phases == ("PHASE3",)
    assert listing(f"{TOP}{STATUS}<p>Trial phase: Phase II (phase 3)</p>").record.phases is None


@pytest.mark.parametrize("label", ["Enrollment Goal", "Est. Enrollment", "Expected Enrollment", "Study size"])
def test_labels_of_the_enrolment(label: str) -> None:
    found = listing(f"{TOP}{STATUS}<p>{label}: 312</p>").record.enrollment
    assert found is not None
    assert found.count == 312


def test_values_above_their_labels_are_not_given_to_the_labels_above_them() -> None:
    dates = ("Apr 3, 2023", "Study start", "Nov 30, 2026", "Primary completion", "May 2028", "Study completion")
    lines = "".join(f"<p>{line}</p>" for line in dates)
    pairs = "".join(f"<div><b>{day}</b><span>{label}</span></div>" for day, label in zip(dates[::2], dates[1::2], strict=True))
    for part in (lines, pairs):
        record = listing(f"{TOP}{STATUS}<h3>Timeline</h3>{part}").record
        said = [one and one.date for one in (record.start_date, record.primary_completion_date, record.completion_date)]
        assert said == ["2023-04-03", "2026-11-30", "2028-05"]
    assert listing(f"{TOP}{STATUS}<p>Example Firm</p><p>Sponsor</p><p>Phase 3</p><p>Phase</p>").record.lead_sponsor in (
        None,
        "Example Firm",
    )


@pytest.mark.parametrize("form", ["<h3>{}</h3><h3>{}</h3>", "<dl><dt>{}</dt><dt>{}</dt></dl>"])
def test_values_may_be_written_as_their_labels_are(form: str) -> None:
    rows = {"Status": "Completed", "Sex": "Female", "Enrollment": "312", "Study Start": "2024-01-02"}
    record = listing(TOP + "".join(form.format(*row) for row in rows.items()) + "<h3>Sponsor</h3><h3>Locations</h3>").record
    assert (record.overall_status, record.sex, record.lead_sponsor) == ("COMPLETED", "FEMALE", None)
    assert record.enrollment is not None
    assert record.start_date is not None


def test_many_lines_of_a_part_on_eligibility_are_criteria_without_headings() -> None:
    lines = [*WANTED[:2], *BARRED]
    for part in ("".join(f"<p>{line}</p>" for line in lines), items(*lines)):
        page = f"{TOP}<h2>Recruitment & Eligibility</h2><h3>Status</h3><p>Completed</p>{part}<h2>Study & Design</h2>"
        assert listing(page).how["criteria"] == "headings_lost"


def test_a_kind_of_sponsor_is_no_name() -> None:
    assert listing(f"{TOP}{STATUS}<p>Sponsor: Industry</p>").record.lead_sponsor is None
    assert listing(f"{TOP}{STATUS}<p>Sponsor: Industry Example Ltd</p>").record.lead_sponsor == "Industry Example Ltd"


@pytest.mark.parametrize("call", ["Know someone who could benefit? Share", "Follow", "Sign up for alerts"])
def test_calls_of_the_site_are_no_conditions(call: str) -> None:
    page = f"{TOP}{STATUS}<h3>Conditions</h3><p>Dry Eye</p><p>Tears</p><p>{call}</p>{PHASE}"
    assert listing(page).record.conditions == ("Dry Eye", "Tears")


def test_an_empty_label_in_a_profile_is_named(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('name = "Own"\nhosts = ["own.example.org"]\n[labels]\n"" = "conditions"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=r'labels\."": expected words of the site, not an empty text'):
        load_profiles(tmp_path)


NO_BADGES = {"inclusion", "available"}  # a heading of criteria, the words of an error page
BARE = sorted({one for words in vocabulary.common().statuses.values() for one in words if not NO_BADGES & set(one.split())})
RUNS = st.sampled_from(["patients who", "of the trial", "We say so", "and", "see below", "in one country"])


@given(word=st.sampled_from(BARE), tag=st.sampled_from(["b", "em", "a", "span", "strong", "i"]), before=RUNS, after=RUNS)
def test_no_word_in_running_text_is_ever_a_status(word: str, tag: str, before: str, after: str) -> None:
    sentence = f"<p>{before} <{tag}>{word.capitalize()}</{tag}> {after}</p>"
    assert status(TOP + sentence + PHASE) is None
    assert status(TOP + "<h3>Trial Information</h3>" + sentence + PHASE) is None


@given(word=st.sampled_from(BARE), form=st.sampled_from(["<p>{}</p>", "<div><span>{}</span></div>", "<h2>{}</h2>", "<span>{}</span><br>"]))
def test_every_status_reads_as_a_badge_as_it_does_beside_its_label(word: str, form: str) -> None:
    badge = status(TOP + form.format(word.capitalize()) + PHASE)
    assert badge == status(f"{TOP}<p>Overall status: {word}</p>{PHASE}")
    assert badge is not None


@pytest.mark.parametrize(
    "above",
    [
        "<header><p>Find trials, Recruiting now, About</p></header>",
        "<div><a>Home</a> <a>Recruiting trials</a></div>",
        "<div>Home / Recruiting trials / Diabetes</div>",
        "",
    ],
)
def test_a_badge_right_above_the_title_counts_whatever_stands_above_it(above: str) -> None:
    page = f"{above}<div>Completed</div><h1>Eye drops against dryness in grown people</h1><p>NCT ID: {TRIAL}</p><p>Sex: All</p>"
    found = read_page(Subject(TRIAL), URL, f"<html><body>{page}</body></html>".encode(), None)
    assert isinstance(found, Found)
    assert found.record.overall_status == "COMPLETED"


@pytest.mark.parametrize("head", ["<h1>Search results</h1>", "<title>Search results | Trial Harbour</title>", "<h1>Søgeresultater</h1>"])
def test_a_search_that_found_this_trial_alone_is_not_its_page(head: str) -> None:
    page = f"<html>{head}<body><div><h3>{TITLE}</h3><p>NCT ID: {TRIAL}</p><p>Status: Completed</p><p>Sex: All</p></div></body></html>"
    assert not isinstance(read_page(Subject(TRIAL, titles=(TITLE,)), URL, page.encode(), None), Found)
