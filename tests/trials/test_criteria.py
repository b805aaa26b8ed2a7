"""Lines of an eligibility text become groups of nested items."""

from __future__ import annotations

import pytest

from registry_sync.trials.criteria import Line, heading, parse


def item(text: str, depth: int = 0) -> Line:
    return Line(depth, "*", text)


def plain(text: str) -> Line:
    return Line(0, None, text)


def shape(lines: list[Line]) -> list[tuple[str | None, str | None, int, str, str]]:
    return [(c.group, c.section, c.depth, c.kind, c.text) for c in parse(lines)]


def test_two_groups_of_items() -> None:
    assert shape([plain("Inclusion Criteria:"), item("Adults"), plain("Exclusion Criteria:"), item("Pregnancy"), item("Smoking")]) == [
        ("inclusion", None, 0, "item", "Adults"),
        ("exclusion", None, 0, "item", "Pregnancy"),
        ("exclusion", None, 0, "item", "Smoking"),
    ]


@pytest.mark.parametrize(
    ("text", "group", "section"),
    [
        ("Inclusion Criteria:", "inclusion", None),
        ("INCLUSION CRITERIA", "inclusion", None),
        ("Key Inclusion Criteria:", "inclusion", None),
        ("exclusion criteria :", "exclusion", None),
        ("Exclusion criteria.", "exclusion", None),
        ("Inclusion:", "inclusion", None),
        ("SUBJECT EXCLUSION CRITERIA:", "exclusion", None),
        ("Exclusion Criteria (to randomization):", "exclusion", "to randomization"),
        ("Inclusion Criteria - Cohort Expansion Phase:", "inclusion", "Cohort Expansion Phase"),
        ("Part D Abbreviated Inclusion Criteria", "inclusion", "Part D Abbreviated"),
        ("Exclusion Criteria for all groups:", "exclusion", "for all groups"),
        ("EXCLUSION CRITERIA for G1, G2 and G3.", "exclusion", "for G1, G2 and G3"),
        ('Criteria for non-inclusion in the "control" group:', "exclusion", 'in the "control" group'),
        ("Inclusion/Exclusion Criteria:", None, None),
    ],
)
def test_headings_in_their_spellings(text: str, group: str | None, section: str | None) -> None:
    found = heading(plain(text))
    assert found is not None
    assert found.group == group
    assert (found.section or "").replace("/", "").strip() == (section or "")


@pytest.mark.parametrize(
    "text",
    [
        "Other protocol-defined inclusion/exclusion criteria may apply.",
        "Not fulfilling inclusion criteria",
        "Any exclusion criteria included in the drug labelling",
        "Pregnancy is not a criterion for exclusion.",
        "Inclusion in another trial",
        "Period of exclusion for another study",
        "Measurable disease per RECIST 1.1 criteria",
        "",
    ],
)
def test_sentences_that_are_no_headings(text: str) -> None:
    assert heading(item(text)) is None
    assert heading(plain(text)) is None


def test_a_heading_that_is_a_list_item_among_its_items() -> None:
    lines = [item("Inclusion Criteria:"), item("Adults"), item("Exclusion Criteria:"), item("Smoking")]
    assert [(c.group, c.text) for c in parse(lines)] == [("inclusion", "Adults"), ("exclusion", "Smoking")]


def test_items_nested_below_a_heading_item_start_at_depth_0() -> None:
    lines = [item("Key Inclusion Criteria:"), item("One of these", 1), item("Stage III", 2), item("Stage IV", 2)]
    assert [(c.depth, c.text) for c in parse(lines)] == [(0, "One of these"), (1, "Stage III"), (1, "Stage IV")]


def test_what_stands_behind_a_heading_on_its_line_is_kept() -> None:
    assert shape([plain("Exclusion Criteria: none")]) == [("exclusion", None, 0, "item", "none")]
    assert shape([plain("Exclusion Criteria- none")]) == [("exclusion", None, 0, "item", "none")]
    assert shape([plain("Inclusion criteria: Adults – 18 to 65")]) == [("inclusion", None, 0, "item", "Adults – 18 to 65")]


def test_a_sentence_that_names_the_group_is_kept_as_a_note() -> None:
    lines = [plain("Patients must meet all of the following inclusion criteria:"), item("Adults")]
    assert (
        shape(lines)
        == [
            ("inclusion", None, 0, "note", "Patients must meet all of the following inclusion criteria:"),
            ("inclusion", None, 0, "item", "Adults"),
        ]
        or shape(lines)[0][3] == "note"
    )
    assert [c.group for c in parse(lines)] == ["inclusion", "inclusion"]


def test_sections_keep_the_group_above_them() -> None:
    lines = [plain("Exclusion Criteria:"), plain("Parents:"), item("No phone"), plain("Children:"), item("Asthma")]
    assert [(c.group, c.section, c.text) for c in parse(lines)] == [
        ("exclusion", "Parents", "No phone"),
        ("exclusion", "Children", "Asthma"),
    ]


def test_a_line_with_a_number_is_no_section_that_would_hide_a_change() -> None:
    lines = [plain("Inclusion Criteria:"), plain("Adults aged 18 and over with one of:"), item("Asthma")]
    assert [(c.kind, c.section) for c in parse(lines)] == [("note", None), ("item", None)]


def test_lines_without_bullets_are_items_and_what_introduces_them_is_a_note() -> None:
    lines = [plain("Inclusion Criteria:"), plain("All of these:"), plain("Adults"), plain("Able to consent")]
    assert [(c.kind, c.text) for c in parse(lines)] == [("note", "All of these:"), ("item", "Adults"), ("item", "Able to consent")]


def test_no_headings_at_all_gives_no_group() -> None:
    assert [c.group for c in parse([item("Adults"), item("No asthma")])] == [None, None]


def test_nothing_gives_nothing() -> None:
    assert parse([]) == ()


def test_paragraphs_beside_a_list_are_items_unless_they_introduce_or_close_it() -> None:
    lines = [
        plain("Inclusion Criteria:"),
        plain("Adults who can consent"),
        plain("Meets one of these:"),
        item("Asthma"),
        plain("Other protocol-defined criteria may apply"),
        plain("Note: see the protocol"),
    ]
    assert [c.kind for c in parse(lines)] == ["item", "note", "item", "note", "note"]
