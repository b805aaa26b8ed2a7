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
