"""Eligibility criteria in whatever part of a page they stand: none is lost without a word, and none is made up."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import pytest

from registry_sync.sources.finder import read_page
from registry_sync.sources.interface import Found
from registry_sync.trials.listing import Subject
from registry_sync.trials.record import Location, Record
from tests.sources.finder_pages import EXCLUSION, INCLUSION, TRIAL, URL, whole

GROUPS = (("Inclusion Criteria", INCLUSION), ("Exclusion Criteria", EXCLUSION))
BOTH = (*(("inclusion", text) for text in INCLUSION), *(("exclusion", text) for text in EXCLUSION))
START = f"<h1>Eye drops against dryness</h1><p>{TRIAL}</p><p>Status: Recruiting</p>"
Lines = Callable[[Sequence[str]], str]
NOTHING = ("Not reported", "N/A", "Not available", "None provided", "-", "Not reported.")


def record(content: str) -> Record:
    """The record of a page of this trial that holds ``content``."""
    found = read_page(Subject(TRIAL), URL, whole(START + content), "utf-8")
    assert isinstance(found, Found), found
    assert found.record.overall_status == "RECRUITING"
    return found.record


def criteria(content: str) -> tuple[tuple[str | None, str], ...] | None:
    """The criteria of such a page, as (group, text)."""
    said = record(content).criteria
    return None if said is None else tuple((one.group, one.text) for one in said)


def row(*cells: object) -> str:
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def table(*rows: str) -> str:
    return f"<table>{''.join(rows)}</table>"


def items(lines: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>"


def numbered_paragraphs(lines: Sequence[str]) -> str:
    return "".join(f"<p>{number}. {line}</p>" for number, line in enumerate(lines, start=1))


def numbered_breaks(lines: Sequence[str]) -> str:
    return "<br>".join(f"{number}. {line}" for number, line in enumerate(lines, start=1))


def rows_of(lines: Sequence[str]) -> str:
    return table(*(row(line) for line in lines))


def numbered_rows(lines: Sequence[str]) -> str:
    return table(*(row(number, line) for number, line in enumerate(lines, start=1)))


INSIDE: tuple[Lines, ...] = (numbered_paragraphs, numbered_breaks, items, rows_of, numbered_rows)
"""How a cell, or what stands below a heading, may hold the lines."""
AFTER = row("Colour", "Red")
"""A row whose label the program does not know."""


# tables


@pytest.mark.parametrize("lines", INSIDE)
@pytest.mark.parametrize("label", ["<th>{}</th>", "<td>{}</td>", "<td><b>{}:</b></td>"])
def test_rows_with_the_group_as_their_label_give_both_groups(lines: Lines, label: str) -> None:
    rows = [f"<tr>{label.format(name)}<td>{lines(texts)}</td></tr>" for name, texts in GROUPS]
    assert criteria(table(row("Sex", "All"), *rows, row("Location", "Oslo, , Norway"))) == BOTH
    assert criteria(table(*rows, AFTER) + "<p>We look forward to you.</p>") == BOTH


def test_a_row_that_names_the_whole_may_stand_above_the_groups() -> None:
    rows = (row(name, numbered_breaks(texts)) for name, texts in GROUPS)
    assert criteria(table("<tr><th colspan='2'>Eligibility criteria</th></tr>", *rows, AFTER)) == BOTH


def test_the_groups_as_full_rows_above_numbered_rows_give_both() -> None:
    rows = (
        f"<tr><th colspan='2'>{name}</th></tr>" + "".join(row(f"{number}.", text) for number, text in enumerate(texts, start=1))
        for name, texts in GROUPS
    )
    assert criteria(table(*rows, row("Sponsor", "Example Hospital"))) == BOTH


def test_a_label_may_reach_over_the_rows_of_its_group() -> None:
    rows = (
        f"<tr><td rowspan='{len(texts)}'>{name}</td>" + "<tr>".join(f"<td>{text}</td></tr>" for text in texts) for name, texts in GROUPS
    )
    assert criteria(table(*rows, AFTER)) == BOTH


def test_the_rows_below_a_label_may_leave_its_column_empty() -> None:
    rows = (row(name if place == 0 else "", text) for name, texts in GROUPS for place, text in enumerate(texts))
    assert criteria(table(*rows, AFTER)) == BOTH


@pytest.mark.parametrize("heading", ["", "<h2>Eligibility criteria</h2>"])
@pytest.mark.parametrize("lines", INSIDE[:3])
def test_two_columns_are_read_by_column(lines: Lines, heading: str) -> None:
    columns = table(row("Inclusion Criteria", "Exclusion Criteria"), row(lines(INCLUSION), lines(EXCLUSION)), AFTER)
    assert criteria(f"{heading}{columns}<h2>Locations</h2><p>Oslo, , Norway</p>") == BOTH


def test_two_columns_with_a_pair_in_each_row_are_read_by_column() -> None:
    pairs = list(itertools.zip_longest(INCLUSION, EXCLUSION, fillvalue=""))
    assert criteria(table(row("Inclusion", "Exclusion"), *(row(*pair) for pair in pairs))) == BOTH
    counted = (row(number, *pair) for number, pair in enumerate(pairs, start=1))
    assert criteria(table(row("#", "Inclusion", "Exclusion"), *counted)) == BOTH


def test_a_column_that_says_nothing_leaves_the_other() -> None:
    columns = table(row("Inclusion Criteria", "Exclusion Criteria"), row(items(INCLUSION), "Not reported"))
    assert criteria(columns) == BOTH[: len(INCLUSION)]


def test_a_group_with_its_list_in_each_cell_is_read_cell_by_cell() -> None:
    cells = (f"<h3>{name}</h3>{items(texts)}" for name, texts in GROUPS)
    assert criteria(table(row("<p>A menu</p>", *cells, "<p>Share it</p>"))) == BOTH


def test_a_table_with_one_line_in_each_row_gives_both() -> None:
    lines = [line for name, texts in GROUPS for line in (f"{name}:", *(f"{number}. {text}" for number, text in enumerate(texts, 1)))]
    assert criteria(rows_of(lines)) == BOTH


def test_a_group_beyond_the_table_or_beyond_another_field_is_found() -> None:
    first, second = (row(name, numbered_breaks(texts)) for name, texts in GROUPS)
    assert criteria(f"{table(first)}<h3>Exclusion Criteria</h3>{items(EXCLUSION)}") == BOTH
    said = record(table(first, row("Sex", "All"), second, row("Ages", "18 and older")))
    assert tuple((one.group, one.text) for one in said.criteria or ()) == BOTH
    assert (said.sex, said.minimum_age) == ("ALL", "18 Years")


@pytest.mark.parametrize(
    "content",
    [
        f"<div><div>Inclusion Criteria</div><div>Exclusion Criteria</div></div><div>{items(INCLUSION)}{items(EXCLUSION)}</div>",
        f"{items(['Inclusion Criteria', 'Exclusion Criteria'])}<div>{items(INCLUSION)}</div>",
        table(row("", "Inclusion Criteria", "Exclusion Criteria"), row("Part A", "Adults", "Children")),
    ],
    ids=["columns of a style sheet", "tabs", "a table of parts"],
)
def test_criteria_whose_group_is_open_are_not_stated(content: str) -> None:
    assert criteria(content) is None


# lists and preformatted text


@pytest.mark.parametrize("colon", ["", ":"])
def test_groups_as_items_that_hold_their_lists_give_both(colon: str) -> None:
    groups = [f"{name}{colon}{items(texts)}" for name, texts in GROUPS]
    said = record(items(["Sex: All", *groups, "Location: Oslo, , Norway"]))
    assert tuple((one.group, one.text) for one in said.criteria or ()) == BOTH
    assert (said.sex, said.locations) == ("ALL", (Location(city="Oslo", country="Norway"),))


def test_the_labels_of_a_page_that_is_one_list_end_the_criteria() -> None:
    lines = ("Inclusion Criteria", *INCLUSION, "Exclusion Criteria", *EXCLUSION)
    said = record(items(["Sex", "All", *lines, "Locations", "Oslo, , Norway", "Timeline", "Not reported"]))
    assert tuple((one.group, one.text) for one in said.criteria or ()) == BOTH
    assert (said.sex, said.locations) == ("ALL", (Location(city="Oslo", country="Norway"),))


def test_an_item_of_one_word_stays_a_criterion() -> None:
    said = record(f"<h3>Inclusion criteria</h3>{items(['Consent'])}<h3>Exclusion criteria</h3>{items(['Age', 'Sex: male'])}")
    assert [one.text for one in said.criteria or ()] == ["Consent", "Age", "Sex: male"]
    assert said.sex is None


def test_lines_of_a_pre_keep_their_nesting_and_their_wrapped_items() -> None:
    said = record(
        "<pre>\nInclusion criteria:\n  1. Adults with dry eyes\n     for six months\n"
        "  2. One of these:\n       - Red eyes\n       - Sore eyes\n\nExclusion criteria:\n\n"
        "  1. Contact lenses\n\nLocations\nOslo, , Norway\n</pre>"
    )
    assert [(one.group, one.depth, one.text) for one in said.criteria or ()] == [
        ("inclusion", 0, "Adults with dry eyes for six months"),
        ("inclusion", 0, "One of these:"),
        ("inclusion", 1, "Red eyes"),
        ("inclusion", 1, "Sore eyes"),
        ("exclusion", 0, "Contact lenses"),
    ]
    assert said.locations == (Location(city="Oslo", country="Norway"),)


# what states nothing


@pytest.mark.parametrize("nothing", NOTHING)
@pytest.mark.parametrize("form", ["<ul><li>{}</li></ul>", "<p>{}</p>"])
def test_a_group_that_says_nothing_has_no_criteria(nothing: str, form: str) -> None:
    said = form.format(nothing)
    heads = "<h2>Eligibility criteria</h2><h3>Inclusion criteria</h3>{}<h3>Exclusion criteria</h3>{}"
    assert criteria(heads.format(said, items(EXCLUSION))) == BOTH[len(INCLUSION) :]
    assert criteria(heads.format(items(INCLUSION), said)) == BOTH[: len(INCLUSION)]
    assert criteria(heads.format(said, said)) is None
    assert criteria(heads.format(items([nothing, *INCLUSION[1:]]), items(EXCLUSION))) == BOTH[1:]
    assert criteria(f"<p>Inclusion criteria: {nothing}</p><p>Exclusion criteria:</p>{items(EXCLUSION)}") == BOTH[len(INCLUSION) :]


@pytest.mark.parametrize(("name", "texts", "group"), [(*GROUPS[0], "inclusion"), (*GROUPS[1], "exclusion")])
def test_a_page_with_one_group_gives_that_one(name: str, texts: Sequence[str], group: str) -> None:
    assert criteria(f"<h2>Eligibility criteria</h2><h3>{name}</h3>{items(texts)}") == tuple((group, text) for text in texts)


def test_a_section_without_criteria_is_not_an_empty_list() -> None:
    assert criteria("<h2>Eligibility criteria</h2><p>Sex: All</p><h2>Locations</h2><p>Oslo, , Norway</p>") is None


# fields among the criteria

FACTS = ("Sex: All", "Ages: 18 and older", "Healthy volunteers: No")


LINES_OF_FACTS = (
    "".join(f"<p>{fact}</p>" for fact in FACTS),
    "<p><b>Sex:</b> All</p><p><b>Ages</b> 18 and older</p><div><span>Healthy volunteers</span><span>No</span></div>",
    "<br>".join(FACTS) + "<br>",
    "<dl><dt>Sex</dt><dd>All</dd><dt>Ages</dt><dd>18 and older</dd><dt>Healthy volunteers</dt><dd>No</dd></dl>",
)
ITEMS_OF_FACTS = (items(FACTS), items(["Sex", "All", "Ages", "18 and older", "Healthy volunteers", "No"]))


@pytest.mark.parametrize(
    ("above", "below"), [*((facts, "") for facts in (*LINES_OF_FACTS, *ITEMS_OF_FACTS)), *(("", facts) for facts in LINES_OF_FACTS)]
)
def test_labelled_lines_in_the_section_are_fields(above: str, below: str) -> None:
    groups = "".join(f"<h3>{name}</h3>{items(texts)}" for name, texts in GROUPS)
    said = record(f"<h2>Eligibility Criteria</h2>{above}{groups}{below}<h2>Locations</h2><p>Oslo, , Norway</p>")
    assert tuple((one.group, one.text) for one in said.criteria or ()) == BOTH
    assert (said.sex, said.minimum_age, said.maximum_age, said.healthy_volunteers) == ("ALL", "18 Years", None, False)


def test_a_labelled_line_within_a_group_is_a_criterion() -> None:
    lines = "<p>Inclusion criteria:</p><p>Age: 18 years or older</p><p>Dry eyes</p><p>Exclusion criteria:</p><p>Sex: male</p>"
    assert criteria(lines) == (("inclusion", "Age: 18 years or older"), ("inclusion", "Dry eyes"), ("exclusion", "Sex: male"))
