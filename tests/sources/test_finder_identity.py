"""A page proves that it is this trial's before anything of it is recorded."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_sync.sources import registers
from registry_sync.sources.finder import read_page
from registry_sync.sources.finder_titles import titles_agree
from registry_sync.sources.interface import Found, Unreadable
from registry_sync.trials.listing import Listing, Subject
from tests.sources.finder_pages import MARKUPS, PAGE, TRIAL, URL, Facts, paragraphs, whole

TITLE = "Intranasal Exampline Drops in Adults With Dryness of the Eye After Surgery"
OFFICIAL = "A Randomised, Double-blind Phase II Trial of Exampline Nasal Drops (EX-1234) Against Post-surgical Dryness of the Eye"
EU_CT = "2023-512345-17-00"
SPONSORS = "EXA-DRY-0042"
SUBJECT = Subject(TRIAL, aliases=("NCT00000123",), ids=(SPONSORS, EU_CT, "R01EY012345", "17-294", "NCT07777777"), titles=(TITLE, OFFICIAL))
FACTS = "<p>Status</p><p>Recruiting</p><p>Gender: All</p><p>Phase: Phase 2</p>"


def answer(content: str, subject: Subject = SUBJECT) -> Found | Unreadable:
    return read_page(subject, URL, whole(content), None)


def listing(content: str, subject: Subject = SUBJECT) -> Listing:
    found = answer(content, subject)
    assert isinstance(found, Found), found
    assert found.listing is not None
    return found.listing


def reason(content: str, subject: Subject = SUBJECT) -> str:
    refused = answer(content, subject)
    assert isinstance(refused, Unreadable), refused
    return refused.reason


@pytest.mark.parametrize(
    "proof",
    [
        f"<p>NCT ID: {TRIAL}</p>",
        f"<p>{TRIAL.lower()}</p>",
        "<p>ClinicalTrials.gov Identifier: NCT00000123</p>",
        f"<p>This study is registered at ClinicalTrials.gov with the identifier {TRIAL}.</p>",
        f"<p>EU CT number: {EU_CT}</p>",
        "<p>EU CT number</p><p>2023-512345-17-01</p>",
        "<p>2023-512345-17</p>",
        f"<p>Protocol</p><p>{SPONSORS}</p>",
        "<p>Protocol</p><p>exa dry 0042</p>",
        f"<h1>{TITLE}</h1>",
        f"<p>{TITLE.upper()}</p>",
        f"<h1>{TITLE} (DRYSTAR)</h1>",
        f"<h1>EXA-7: {TITLE}</h1>",
        f"<h1>Drops for dry eyes after surgery</h1><p>Official title</p><p>{OFFICIAL}</p>",
        "<p>A Randomized, Double blind Phase 2 Study of Exampline nasal drops (EX-1234) against post-surgical dryness of the eye</p>",
    ],
)
def test_an_id_or_the_title_proves_a_page(proof: str) -> None:
    assert listing(proof + FACTS).record.overall_status == "RECRUITING"


@pytest.mark.parametrize(
    "claim",
    [
        "",
        "<h1>Trials of the eye</h1>",
        "<p>Grant: R01EY012345</p>",
        "<p>Protocol</p><p>17-294</p>",
        "<p>Intranasal Exampline Drops</p>",
        "<h1>Intranasal Exampline Drops in Children With Dryness of the Eye After Surgery</h1>",
        "<h1>Intranasal Otherine Drops in Adults With Dryness of the Eye After Surgery</h1>",
        f"<h1>{TITLE}: Part 2</h1>",
        f"<h1>{TITLE}, Extension</h1>",
        f"<h1>{OFFICIAL.replace('Phase II', 'Phase III')}</h1>",
        f"<h1>{OFFICIAL.replace('1234', '1235')}</h1>",
        f"<p>{TITLE.replace('With', 'Without')}</p>",
        f"<p>People who took part in {SPONSORS} may join.</p>",
        "<p>EU CT number: 2023-512345-18-00</p>",
        "<p>EXA-DRY-00421</p>",
    ],
)
def test_what_is_nearly_the_trials_proves_nothing(claim: str) -> None:
    assert TRIAL in reason(claim + FACTS)


@pytest.mark.parametrize(
    "sisters", [("STAR-1", "STAR-2"), ("Part 1", "Part 2"), ("Part A", "Part B"), ("10 mg", "20 mg"), ("Exampline", "Otherine")]
)
def test_sister_trials_are_told_apart_by_their_numbers_and_names(sisters: tuple[str, str]) -> None:
    one, other = (f"A Study of Drops in Participants With Dry Eyes After Surgery ({name})" for name in sisters)
    assert not titles_agree(one, other)
    assert titles_agree(one, one.upper())


WORDS = st.lists(
    st.sampled_from("Drops Eyes Dry 2 3 II Phase of the in Adults Children Exampline EX-12 (STAR-1) STAR-2: surgery's".split()), max_size=14
)


@given(WORDS, WORDS)
def test_agreement_of_titles_has_no_direction(one: list[str], other: list[str]) -> None:
    assert titles_agree(" ".join(one), " ".join(other)) == titles_agree(" ".join(other), " ".join(one))


def test_a_title_of_few_words_is_of_many_trials() -> None:
    generic = Subject(TRIAL, titles=("A Study of EX-1234 in Healthy Volunteers",))
    assert "does not show" in reason(f"<h1>{generic.titles[0]}</h1>{FACTS}", generic)


def test_before_the_registry_has_answered_only_the_nct_id_proves() -> None:
    for proof in (TITLE, EU_CT, SPONSORS):
        assert "does not show" in reason(f"<h1>{proof}</h1>{FACTS}", Subject(TRIAL))
    assert listing(f"<p>{TRIAL}</p>{FACTS}", Subject(TRIAL)).record.sex == "ALL"


@pytest.mark.parametrize(
    "other",
    [
        f"<p>NCT ID: NCT07654321</p><h1>{TITLE}</h1>",
        f"<h1>{TITLE}</h1><p>NCT07654321</p><p>EU CT number: {EU_CT}</p>",
        f"<p>NCT07777777</p><p>An extension of {TRIAL}.</p>",
    ],
)
def test_a_page_that_presents_another_trial_is_that_trials(other: str) -> None:
    assert "NCT0" in reason(other + FACTS)


def test_other_trials_in_the_text_do_not_unprove_a_page() -> None:
    text = "<p>The trial goes on from an earlier one, NCT07654321, in which few people took part.</p>"
    similar = "<h2>Similar trials</h2><p>NCT07654322</p><p>Status: Completed</p>"
    for proof in (f"<p>{TRIAL}</p>", f"<h1>{TITLE}</h1>", f"<p>Protocol: {SPONSORS}</p>"):
        assert listing(proof + FACTS + text + similar).record.overall_status == "RECRUITING"


def test_a_page_that_only_mentions_the_trial_is_another_ones() -> None:
    mention = f"<h1>Drops for ever</h1><p>This is an extension for participants who completed {TRIAL}.</p>"
    assert "only mentions" in reason(mention + FACTS)


def test_a_similar_trial_by_title_alone_proves_nothing() -> None:
    assert "does not show" in reason(f"<h1>Nose Drops in Children</h1>{FACTS}<h2>Similar trials</h2><h3>{TITLE}</h3><p>Recruiting</p>")


def test_a_list_of_trials_with_this_one_in_it_is_no_page_of_it() -> None:
    cards = "".join(f"<h3>{title}</h3><p>Status: {status}</p>" for title, status in ((TITLE, "Recruiting"), ("Other Drops", "Completed")))
    assert "several trials" in reason(cards)


def test_another_number_of_the_same_register_speaks_against_the_title() -> None:
    assert "2022-500001-11-00" in reason(f"<h1>{TITLE}</h1><p>Registration number: 2022-500001-11-00</p>{FACTS}")


def test_a_proved_page_without_a_field_is_unreadable() -> None:
    assert "none of the fields" in reason(f"<h1>{TITLE}</h1><p>{TRIAL}</p><p>Sorry.</p>")


def test_the_title_of_the_next_trial_in_a_list_is_not_read() -> None:
    first = f"<h3>{TITLE}</h3><p>{TRIAL}</p><p>Phase: Phase 2</p>"
    assert listing(first + "<h3>Other Drops Altogether</h3><p>Completed</p><p>NCT07654321</p>").record.overall_status is None


def test_the_label_of_other_ids_opens_no_other_trials() -> None:
    assert listing(f"<p>{TRIAL}</p><p>Other Trial IDs</p><p>{SPONSORS}</p><p>Gender</p><p>All</p>").record.sex == "ALL"


# twins


@pytest.mark.parametrize(
    ("shown", "ids", "follows"),
    [
        (f"<p>NCT ID: {TRIAL}</p>", (), ()),
        (f"<p>Registration Number</p><p>{EU_CT}</p>", (EU_CT,), (EU_CT,)),
        (f"<p>Registration Number: {EU_CT}</p><p>Secondary IDs: {TRIAL}</p>", (EU_CT,), (EU_CT,)),
        (f"<p>NCT number: {TRIAL}</p><p>EudraCT number: 2019-001234-25</p>", ("2019-001234-25",), ()),
        (f"<h1>{TITLE}</h1><p>ISRCTN12345678</p>", ("ISRCTN12345678",), ("ISRCTN12345678",)),
        (f"<h1>{TITLE}</h1><p>Trial ID: DRKS00012345</p>", ("DRKS00012345",), ("DRKS00012345",)),
        (f"<p>ISRCTN12345678</p><h1>{TITLE}</h1><p>ClinicalTrials.gov number: {TRIAL}</p>", ("ISRCTN12345678",), ("ISRCTN12345678",)),
        (f"<p>{TRIAL}</p><p>Other IDs: {SPONSORS}, U1111-1234-5678</p>", (SPONSORS,), ()),
        (f"<p>Identifiers</p><ul><li>{TRIAL}</li><li>{EU_CT}</li></ul>", (EU_CT,), ()),
    ],
)
def test_a_page_that_is_filed_by_another_register_follows_it(shown: str, ids: tuple[str, ...], follows: tuple[str, ...]) -> None:
    said = listing(shown + FACTS)
    assert (said.ids, said.follows) == (ids, follows)


@pytest.mark.parametrize(
    ("shown", "beside"),
    [
        (f"<p>NCT ID: {TRIAL}</p>", ()),
        (f"<p>{TRIAL} | {EU_CT}</p><h1>{TITLE}</h1>", (EU_CT,)),
        (f"<p>NCT ID: {TRIAL}</p><p>EU CT number: {EU_CT}</p>", (EU_CT,)),
        (f"<h1>{TITLE}</h1><p>EU CT: {EU_CT} · {TRIAL}</p>", (EU_CT,)),
        (f"<p>Identifiers</p><p>{TRIAL}</p><p>Secondary IDs: {EU_CT}</p>", ()),
        (f"<p>NCT ID: {TRIAL}</p><h2>Other study ID numbers</h2><ul><li>{SPONSORS}</li><li>{EU_CT}</li></ul>", ()),
        (f"<p>Registration Number: {EU_CT}</p><p>Secondary IDs: {TRIAL}</p>", ()),
        (f"<p>NCT ID: {TRIAL}</p><p>Protocol: {SPONSORS}</p>", ()),
    ],
)
def test_a_page_may_follow_another_registration_as_well(shown: str, beside: tuple[str, ...]) -> None:
    assert listing(shown + FACTS).beside == beside


@pytest.mark.parametrize("markup", MARKUPS)
def test_every_markup_of_the_same_text_gives_the_same_listing(markup: Callable[[Facts], str]) -> None:
    plainly, found = (read_page(SUBJECT, URL, whole(form(PAGE)), None) for form in (paragraphs, markup))
    assert isinstance(plainly, Found)
    assert isinstance(found, Found)
    assert found.listing == plainly.listing


@pytest.mark.parametrize(
    ("id_", "alone"),
    [
        ("2023-512345-17-00", True), ("2019-001234-25", True), ("ISRCTN12345678", True), ("ACTRN12612345678910", True),
        ("U1111-1234-5678", True), ("CTRI/2020/01/123456", True), ("EXA-DRY-0042", True), ("J2A-MC-ABCD", True), ("STUDY00001234", True),
        ("EudraCT 2019-001234-25", True),
        ("17-294", False), ("S2427", False), ("R01EY012345", False), ("1UG3OD012345", False), ("NCT01234567", False), ("COVID-19", False),
        ("STAR-1", False), ("DRYEYES2021", False), ("123456", False), ("", False), ("Institute", False),
    ],
)  # fmt: skip
def test_which_ids_prove_alone(id_: str, alone: bool) -> None:
    assert registers.proves(id_) is alone


@given(st.text(max_size=30))
def test_no_id_raises_or_finds_itself_in_another_word(id_: str) -> None:
    registers.proves(id_)
    wanted = registers.pattern((id_,))
    if wanted is not None and id_.isalnum() and id_.isascii():
        assert wanted.search(f"({id_})")
        assert not wanted.search(f"x{id_}x")
