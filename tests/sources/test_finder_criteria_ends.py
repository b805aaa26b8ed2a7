"""Where the criteria of a page end, and which of its lines are none: counts, ways to elsewhere, other trials, rows of a table."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from registry_sync.sources.finder import read_page
from registry_sync.sources.interface import Found
from registry_sync.trials.listing import Subject
from tests.sources.finder_pages import EXCLUSION, INCLUSION, TRIAL, URL, whole
from tests.sources.test_finder_criteria import BOTH, GROUPS, items, row, table

HEADS = "<tr><th>Inclusion Criteria</th><th>Exclusion Criteria</th></tr>"
LISTS = "".join(f"<h3>{name}</h3>{items(texts)}" for name, texts in GROUPS)


def read(content: str, end: str = "<h2>Locations</h2><p>Oslo, , Norway</p>") -> tuple[list[tuple[str | None, str]], str | None]:
    """The criteria of such a page, and why they are not compared."""
    start = f"<h1>Eye drops against dryness</h1><p>{TRIAL}</p><p>Status: Recruiting</p><h2>Eligibility criteria</h2>"
    found = read_page(Subject(TRIAL), URL, whole(start + content + end), "utf-8")
    assert isinstance(found, Found), found
    assert found.listing is not None
    return [(one.group, one.text) for one in found.record.criteria or ()], found.listing.how.get("criteria")


MENU = ("Home", "About us", "Find a trial", "Contact", "Privacy policy")
LINKED = [f"<a href='/{name}'>{name}</a>" for name in MENU]


@pytest.mark.parametrize(
    "behind",
    [
        items(LINKED),
        items(MENU),
        "".join(f"<p>{link}</p>" for link in LINKED),
        f"<div>{' | '.join(LINKED)}</div>",
        f"<p>{' | '.join(MENU)}</p>",
        items(["<a href='/a'>Eye drops in Oslo</a>", "<a href='/b'>How trials work</a>"]),
        "<p>See also: <a href='/a'>Eye drops in Oslo</a></p>",
        "<p>See also</p>" + items(["<a href='/a'>Eye drops in Oslo</a>"]),
        items(["See also: Eye drops in Oslo"]),
        "<h4>Other trials</h4>" + items(["<a href='/a'>Eye drops within 12 months</a>"]),
        "<p>Other trials</p><p>NCT07654321 Eye drops</p>",
        "<p>Similar studies</p><p>Eye gel in children</p><p>Recruiting</p>",
        "<p><a href='/r'>View this trial on ClinicalTrials.gov</a></p>",
        items(["<a href='/r'>More details on ClinicalTrials.gov</a>"]),
    ],
)
def test_what_leads_elsewhere_behind_the_last_list_is_no_criterion(behind: str) -> None:
    assert read(LISTS + behind, end="") == (list(BOTH), None)


def test_links_within_the_criteria_are_criteria() -> None:
    linked = "".join(f"<h3>{name}</h3>{items([f'<a href=/x>{text}</a>' for text in texts])}" for name, texts in GROUPS)
    assert read(linked) == (list(BOTH), None)
    some = f"<h3>Inclusion criteria</h3>{items([INCLUSION[0], *(f'<a href=/x>{text}</a>' for text in INCLUSION[1:])])}"
    assert read(f"{some}<h3>Exclusion criteria</h3>{items(EXCLUSION)}") == (list(BOTH), None)


def test_a_line_that_refers_to_something_between_two_lists_ends_neither() -> None:
    content = f"{LISTS}<p>See also: the list above</p>{items(['Any other disease of the eye that needs treatment'])}"
    assert ("exclusion", "Any other disease of the eye that needs treatment") in read(content)[0]


@pytest.mark.parametrize("heading", ["<h4>{}</h4>", "<p>{}</p>", "<p><b>{}:</b></p>"])
@pytest.mark.parametrize("name", ["Other trials", "Other clinical studies", "Participation in other trials"])
def test_criteria_about_other_trials_end_nothing(heading: str, name: str) -> None:
    about = heading.format(name) + items(["Participation in another trial within 30 days"])
    said, how = read(f"{LISTS}{about}<h4>Eyes</h4>{items(['Asthma'])}")
    assert how is None
    assert [one for one in said if not one[1].startswith((name, "Eyes"))] == [
        *BOTH,
        ("exclusion", "Participation in another trial within 30 days"),
        ("exclusion", "Asthma"),
    ]


@pytest.mark.parametrize("name", ["{} (2)", "{} (2 criteria)", "{} <span>2</span>", "{} [2]:"])
def test_a_count_behind_a_heading_is_no_name(name: str) -> None:
    heads = [name.format("Inclusion criteria"), name.format("Exclusion criteria")]
    content = f"<h3>{heads[0]}</h3>{items(INCLUSION[:2])}<h3>{heads[1]}</h3>{items(EXCLUSION)}"
    found = read_page(Subject(TRIAL), URL, whole(f"<p>{TRIAL}</p><p>Status: Recruiting</p>{content}"), "utf-8")
    assert isinstance(found, Found)
    assert [(one.group, one.section) for one in found.record.criteria or ()] == [("inclusion", None)] * 2 + [("exclusion", None)] * 2


@pytest.mark.parametrize("count", ["(45)", "(3 of 9)", "<span>12</span>"])
def test_a_heading_that_counts_more_than_stand_below_it_says_that_the_list_is_cut(count: str) -> None:
    content = f"<h3>Inclusion criteria {count}</h3>{items(INCLUSION)}<h3>Exclusion criteria</h3>{items(EXCLUSION)}"
    assert read(content) == ([], "cut_off")


@pytest.mark.parametrize(
    "words",
    [
        *("View full eligibility on ClinicalTrials.gov", "Read more", "Show all criteria", "Full criteria"),
        *("Full eligibility criteria on ClinicalTrials.gov", "For full eligibility criteria, see ClinicalTrials.gov"),
    ],
)
@pytest.mark.parametrize("form", ["<ul><li>{}</li></ul>", "<p>{}</p>", "<a href='/all'>{}</a>", "<button>{}</button>"])
def test_words_that_lead_to_the_rest_say_that_the_list_is_cut(form: str, words: str) -> None:
    assert read(LISTS + form.format(words)) == ([], "cut_off")


def test_a_link_at_the_end_of_an_item_says_that_it_is_cut() -> None:
    assert read(f"<h3>Inclusion criteria</h3>{items([*INCLUSION, 'Eye surgery of the <a href=/x>Read more</a>'])}") == ([], "cut_off")


def test_criteria_far_longer_than_the_registry_takes_are_not_kept() -> None:
    assert read(f"<h3>Inclusion criteria</h3>{items([*INCLUSION, 'word and more ' * 4_000])}") == ([], "unclear")
    said, how = read(f"<h3>Inclusion criteria</h3>{items([*INCLUSION, 'word and more ' * 1_000])}")
    assert (len(said), how) == (len(INCLUSION) + 1, None)


# two columns


@pytest.mark.parametrize("first", ["healthy subjects", "Age", "Treatment:", "Medical conditions", "Not meeting the exclusion criteria"])
def test_a_list_of_one_item_in_a_column_is_that_item_whatever_it_says(first: str) -> None:
    both = [("inclusion", first), ("exclusion", "Asthma")]
    assert read(table(HEADS, row(items([first]), items(["Asthma"])))) in ((both, None), ([], "headings_lost"))
    assert read(table(HEADS, row(items([first, "Adults"]), items(["Asthma"])))) == ([both[0], ("inclusion", "Adults"), both[1]], None)


@pytest.mark.parametrize("first", ["healthy subjects", "Age", "Not meeting the exclusion criteria"])
def test_a_cell_of_one_item_is_that_item_where_it_is_no_field(first: str) -> None:
    assert read(table(HEADS, row(first, "Asthma"))) == ([("inclusion", first), ("exclusion", "Asthma")], None)


def test_fields_below_two_columns_are_fields() -> None:
    pairs = zip(INCLUSION[:2], EXCLUSION, strict=True)
    content = table(HEADS, *(row(*pair) for pair in pairs), row("Sex", "All"), row("Sponsor", "Example Hospital"))
    assert read(content) == ([("inclusion", INCLUSION[0]), ("inclusion", INCLUSION[1]), *BOTH[-2:]], None)


def test_a_closing_line_below_the_list_of_a_column_is_the_sites() -> None:
    note = "<p>Please contact the study team with questions.</p>"
    assert read(table(HEADS, row(items(INCLUSION) + note, items(EXCLUSION) + note))) == (list(BOTH), None)


@pytest.mark.parametrize("cell", ["{}", "<ul><li>{}</li><li>Consent</li></ul>"])
def test_a_row_of_one_cell_heads_the_rows_of_both_columns_below_it(cell: str) -> None:
    parts = (("Part A", "Adults", "Asthma"), ("For part B:", "Children", "Eczema"))
    rows = (f"<tr><td colspan='2'>{name}</td></tr>{row(cell.format(one), cell.format(other))}" for name, one, other in parts)
    said, how = read(table(HEADS, *rows))
    assert how is None
    assert [one for one in said if one[1] != "Consent"] == [
        ("inclusion", "Adults"),
        ("inclusion", "Children"),
        ("exclusion", "Asthma"),
        ("exclusion", "Eczema"),
    ]


# tables of a number and a criterion

HEADINGS = (
    "",
    "<tr><th>#</th><th>Criterion</th></tr>",
    "<tr><th>No.</th><th>Description</th></tr>",
    "<tr><td>Nr</td><td>Eligibility criteria</td></tr>",
    "<tr><th></th><th>Criteria</th></tr>",
)


def numbered_rows(texts: Sequence[str], form: str = "{}") -> tuple[str, ...]:
    return tuple(row(form.format(number), text) for number, text in enumerate(texts, start=1))


@pytest.mark.parametrize("head", HEADINGS)
@pytest.mark.parametrize("form", ["{}", "{}.", "({})"])
def test_rows_of_a_number_and_a_criterion_are_a_list(head: str, form: str) -> None:
    content = "".join(f"<h3>{name}</h3>{table(head, *numbered_rows(texts, form))}" for name, texts in GROUPS)
    assert read(content) == (list(BOTH), None)


@pytest.mark.parametrize("number", ["<th>#</th>", "<th>No.</th>", "<th></th>"])
def test_the_name_of_the_group_may_head_the_column_of_its_criteria(number: str) -> None:
    content = "".join(table(f"<tr>{number}<th>{name}</th></tr>", *numbered_rows(texts)) for name, texts in GROUPS)
    assert read(content) == (list(BOTH), None)
    one = (f"<tr>{number}<th>Criterion</th></tr>", *(part for name, texts in GROUPS for part in (across(name), *numbered_rows(texts))))
    assert read(table(*one)) == (list(BOTH), None)


def across(name: str) -> str:
    return f"<tr><td colspan='2'>{name}</td></tr>"


@pytest.mark.parametrize("head", HEADINGS[1:])
def test_a_table_of_one_numbered_criterion_is_a_list_of_one(head: str) -> None:
    content = "".join(f"<h3>{name}</h3>{table(head, *numbered_rows(texts[:1]))}" for name, texts in GROUPS)
    assert read(content) == ([("inclusion", INCLUSION[0]), ("exclusion", EXCLUSION[0])], None)


def test_a_list_within_a_numbered_row_stays_in_its_place() -> None:
    rows = (row("1", f"<p>Any of:</p>{items(['Asthma', 'Eczema'])}"), row("2", "Surgery of the eye"))
    said, how = read(f"<h3>Inclusion criteria</h3>{items(INCLUSION)}<h3>Exclusion criteria</h3>{table(*rows)}")
    assert how is None
    assert said[len(INCLUSION) :] == [("exclusion", text) for text in ("Any of:", "Asthma", "Eczema", "Surgery of the eye")]


def test_a_numbered_table_of_something_else_is_left_as_it_is() -> None:
    sites = table("<tr><th>#</th><th>Site</th></tr>", *numbered_rows(["Oslo, , Norway", "Bergen, , Norway"]))
    assert read(f"{LISTS}<h2>Locations</h2>{sites}", end="") == (list(BOTH), None)
    assert read(f"{LISTS}<h2>Contacts</h2>{table(*numbered_rows(['Contact A', 'Contact B']))}", end="") == (list(BOTH), None)


# a list in one paragraph


@pytest.mark.parametrize("end", ["consent to take part in the study", "weight of 50 kg", "consent."])
def test_a_group_is_named_where_its_list_begins_again_in_the_paragraph(end: str) -> None:
    content = f"<p>Inclusion Criteria: 1. Adults 2. Dry eyes 3. A {end} Exclusion Criteria: 1. Asthma 2. Eczema 3. Surgery</p>"
    said, how = read(content)
    assert how is None
    assert {group for group, text in said if "Asthma" in text or "Surgery" in text} == {"exclusion"}
    assert ("inclusion", f"A {end}") in said


def test_a_criterion_about_the_criteria_of_a_study_stays_whole() -> None:
    content = "<p>Inclusion Criteria: 1. Adults 2. Those meeting the Inclusion Criteria: 1. of the main study</p>"
    assert all(group == "inclusion" for group, _ in read(content)[0])
