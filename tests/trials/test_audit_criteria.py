"""Criteria of a listing beside the registry's: marks and sub-headings are decoration, words are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_sync.trials.audit import Past, audit
from registry_sync.trials.audit_text import unmarked
from registry_sync.trials.listing import Listing
from registry_sync.trials.record import Criterion
from tests.trials.records import criterion, record

ITEMS = ("Adults of 18 years or older", "Dry eyes for at least 6 months", "Signed consent", "No surgery within 12 weeks")
MARKS = ("1. ", "(i) ", "a. ", "1.", "2) ", "(3) ", "• ", "2.1. ", "1. (i) ", "A) ", "B. ", "iv. ", "10. a. ")


def verdict(on_page: tuple[Criterion, ...], in_registry: tuple[Criterion, ...]) -> str:
    rows = audit(Listing(record(criteria=on_page)), (Past("2026-02-03", "2026-02-03T06:17:04Z", record(criteria=in_registry)),))
    (row,) = [row for row in rows if row.field == "criteria"]
    return row.verdict


def inclusion(*texts: str, section: str | None = None) -> tuple[Criterion, ...]:
    return tuple(criterion("inclusion", text, section=section) for text in texts)


@given(st.lists(st.sampled_from(MARKS), min_size=len(ITEMS), max_size=len(ITEMS)))
def test_a_mark_that_one_side_has_before_an_item_is_no_difference(marks: list[str]) -> None:
    marked = inclusion(*(mark + text for mark, text in zip(marks, ITEMS, strict=True)))
    assert verdict(marked, inclusion(*ITEMS)) == "agrees"
    assert verdict(inclusion(*ITEMS), marked) == "agrees"


@given(st.sampled_from(MARKS), st.sampled_from(range(len(ITEMS))))
def test_a_marked_item_that_says_something_else_contradicts(mark: str, place: int) -> None:
    changed = list(ITEMS)
    changed[place] = mark + changed[place].replace("18", "21").replace("6 months", "3 months").replace("Signed", "No").replace("12", "24")
    assert verdict(inclusion(*changed), inclusion(*ITEMS)) == "contradicts"


@pytest.mark.parametrize(
    "text", ["1.5 mg daily", "18 years", "5-HT3 antagonists", "i.e. tablets", "- 5 dioptres", "e.g. asthma", "E. coli", "2-4 weeks", ""]
)
def test_what_is_no_mark_stays(text: str) -> None:
    assert unmarked(text) == text


def test_two_species_are_two_things() -> None:
    assert verdict(inclusion("Infection", "E. coli infection"), inclusion("Infection", "S. coli infection")) != "agrees"


@pytest.mark.parametrize("name", ["For Part B:", "Part B:", "For children:", "Cohort 2:", "Controls:"])
def test_a_sub_heading_written_as_an_item_is_no_criterion(name: str) -> None:
    sections = (*inclusion(*ITEMS[:2]), *inclusion(*ITEMS[2:], section=name.rstrip(":")))
    flat = inclusion(*ITEMS[:2], name, *ITEMS[2:])
    assert verdict(flat, sections) == "agrees"
    assert verdict(sections, flat) == "agrees"
    assert verdict(flat, inclusion(*ITEMS)) == "agrees"


def test_a_sub_heading_hides_no_item_that_is_missing() -> None:
    sections = (*inclusion(*ITEMS[:2]), *inclusion(*ITEMS[2:], section="Part B"))
    assert verdict(inclusion(*ITEMS[:2], "For Part B:", ITEMS[2]), sections) == "contradicts"


def test_a_list_written_on_one_line_in_the_registry_may_stand_on_several() -> None:
    flat = "Any of: asthma, as seen by a doctor. ii. Eczema on both hands. iii. Hay fever in two years"
    lines = ("Any of: asthma, as seen by a doctor.", "Eczema on both hands.", "Hay fever in two years")
    assert verdict(inclusion(*ITEMS, *lines), inclusion(*ITEMS, flat)) == "agrees"
    assert verdict(inclusion(*ITEMS, *lines[:2], "Hay fever in three years"), inclusion(*ITEMS, flat)) == "contradicts"


HEADING = "EXCLUSION CRITERIA for G1, G2 and G3."


def exclusion(*texts: str, section: str | None = None) -> tuple[Criterion, ...]:
    return tuple(criterion("exclusion", text, section=section) for text in texts)


def test_a_heading_of_the_group_written_as_an_item_is_no_criterion() -> None:
    headed = (*inclusion(*ITEMS), *exclusion("Asthma", "Eczema", section="for G1, G2 and G3"))
    as_item = (*inclusion(*ITEMS), *exclusion(HEADING, "Asthma", "Eczema"))
    assert verdict(as_item, headed) == "agrees"
    assert verdict(headed, as_item) == "agrees"
    other = (*inclusion(*ITEMS), *exclusion("EXCLUSION CRITERIA for G4 and G5.", "Asthma", "Eczema"))
    assert verdict(other, headed) == "contradicts"


def test_a_heading_of_the_other_group_among_the_items_is_told() -> None:
    headed = (*inclusion(*ITEMS), *exclusion("Asthma", "Eczema", section="for G1, G2 and G3"))
    assert verdict((*inclusion(*ITEMS, HEADING), *exclusion("Asthma", "Eczema")), headed) == "contradicts"


def test_the_name_of_the_group_before_an_item_is_no_part_of_it() -> None:
    named = (*inclusion(*ITEMS), *exclusion("Exclusion criteria: Asthma, in the last 12 months"))
    assert verdict(named, (*inclusion(*ITEMS), *exclusion("Asthma, in the last 12 months"))) == "agrees"
    assert verdict(named, (*inclusion(*ITEMS), *exclusion("Asthma, in the last 18 months"))) == "contradicts"


LONG = "Participants with a confirmed diagnosis of relapsed or refractory dry eye disease, as seen by a specialist, including:"


def test_a_long_line_that_introduces_a_list_is_a_criterion() -> None:
    note = criterion("inclusion", LONG, kind="note")
    assert verdict(inclusion(*ITEMS), (note, *inclusion(*ITEMS))) == "contradicts"
    assert verdict((note, *inclusion(*ITEMS)), (note, *inclusion(*ITEMS))) == "agrees"
    assert verdict(inclusion(LONG, *ITEMS), (note, *inclusion(*ITEMS))) == "agrees"


@pytest.mark.parametrize(
    "text",
    [
        "Participants:",
        "All patients with dry eyes:",
        "Candidates who satisfy all of the following criteria and consent to take part may be considered eligible for this study:",
    ],
)
def test_a_short_line_or_one_that_only_says_that_criteria_follow_may_be_missing(text: str) -> None:
    note = criterion("inclusion", text, kind="note")
    assert verdict(inclusion(*ITEMS), (note, *inclusion(*ITEMS))) == "agrees"
    assert verdict((note, *inclusion(*ITEMS)), inclusion(*ITEMS)) == "agrees"


def test_an_introduction_said_twice_and_reworded_once_is_told() -> None:
    note = criterion("inclusion", "A history of dry eyes of 3 months or more:", kind="note")
    other = criterion("inclusion", "A history of dry eyes of 6 months or more:", kind="note")
    assert verdict((note, *inclusion(*ITEMS), other), (note, *inclusion(*ITEMS), note)) == "contradicts"


COUNTS = ("{n}. ", "{n}) ", "({n}) ", "{a}. ", "({a}) ", "{n}. {n}. ")


def counted(form: str, texts: tuple[str, ...], first: int = 1) -> str:
    """The lines in one text, with a count before each but the first."""
    rows = [form.format(n=number, a="abcdefgh"[number - 1]) + text for number, text in enumerate(texts, start=first)]
    return " ".join((texts[0], *rows[1:]))


@given(st.sampled_from(COUNTS), st.sampled_from(range(len(ITEMS) - 1)), st.booleans())
def test_a_list_in_one_text_is_the_same_as_on_lines(form: str, apart: int, is_registrys: bool) -> None:
    lines = inclusion(*ITEMS)
    text = (*inclusion(*ITEMS[:apart]), *inclusion(counted(form, ITEMS[apart:])))
    assert (verdict(lines, text) if is_registrys else verdict(text, lines)) == "agrees"


@given(st.sampled_from(COUNTS), st.sampled_from(range(len(ITEMS))), st.booleans())
def test_a_list_in_one_text_with_one_item_reworded_does_not_agree(form: str, place: int, is_registrys: bool) -> None:
    changed = list(ITEMS)
    changed[place] = changed[place].replace("18", "21").replace("6 months", "3 months").replace("Signed", "No").replace("12", "24")
    lines, text = inclusion(*ITEMS), inclusion(counted(form, tuple(changed)))
    assert (verdict(lines, text) if is_registrys else verdict(text, lines)) != "agrees"


@pytest.mark.parametrize("more", [" or 3.", ", C.", ", 7)", " (iv)"])
def test_a_number_that_counts_nothing_is_a_word(more: str) -> None:
    lines = ("Dry eyes", "Asthma of grade 2", "Signed consent")
    text = inclusion(f"Dry eyes 2. Asthma of grade 2{more} 3. Signed consent")
    assert verdict(text, inclusion(*lines)) != "agrees"
    assert verdict(inclusion(f"Dry eyes 2. Signed consent 3. Asthma of grade 2{more}"), inclusion(lines[0], lines[2], lines[1])) != "agrees"
