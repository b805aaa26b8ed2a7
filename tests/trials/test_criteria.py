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
        ("Post-transplant eligibility and exclusion criteria", None, "Post-transplant eligibility and"),
        ("B-Exclusion criteria", "exclusion", None),
        ("Exclusion Criteria\uff1a", "exclusion", None),
        ("Inclusion Criteria - Arms 1a, 1b and 2 only", "inclusion", "Arms 1a, 1b and 2 only"),
        ("Inclusion Criteria for Part 1: Run-in study", "inclusion", "for Part 1: Run-in study"),
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
    assert shape(lines) == [
        ("inclusion", None, 0, "note", "Patients must meet all of the following inclusion criteria:"),
        ("inclusion", None, 0, "item", "Adults"),
    ]


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("Participants Must:", "inclusion"),
        ("Participants must not:", "exclusion"),
        ("You may be able to join if you:", "inclusion"),
        ("You cannot join if you:", "exclusion"),
        ("You may not be able to join if", "exclusion"),
        ("To be eligible, you must meet all of these:", "inclusion"),
        ("Women were ineligible if they:", "exclusion"),
        ("Patients will be excluded if they meet any of these criteria:", "exclusion"),
        ("Participants who meet any of the following criteria will be disqualified:", "exclusion"),
        ("The presence of any of the following will exclude a participant:", "exclusion"),
        ("Any of the following will exclude a participant:", "exclusion"),
        ("Patients are not eligible if any of the exclusion criteria below are met:", "exclusion"),
    ],
)
def test_a_sentence_that_says_who_may_join_opens_a_group_and_stays_a_note(text: str, group: str) -> None:
    found = heading(plain(text))
    assert found is not None
    assert (found.group, found.sentence) == (group, True)
    assert shape([plain(text), item("Asthma")])[0] == (group, None, 0, "note", text)


@pytest.mark.parametrize(
    "text",
    [
        "Patients with treated asthma are eligible if all of these are met:",
        "Participants with eczema may be eligible if:",
        "Subjects must meet the following criteria to be tested again:",
    ],
)
def test_an_exception_inside_the_other_group_regroups_nothing(text: str) -> None:
    lines = [
        plain("Inclusion Criteria:"),
        item("Adults"),
        plain("Exclusion Criteria:"),
        item("Asthma"),
        plain(text),
        item("Mild"),
        item("Old"),
    ]
    assert [c.group for c in parse(lines)] == ["inclusion", *["exclusion"] * 4]


@pytest.mark.parametrize(
    "text", ["Patients who did not meet the inclusion criteria of the parent study:", "Women are excluded", "You must not smoke"]
)
def test_sentences_that_open_no_group(text: str) -> None:
    assert heading(plain(text)) is None
    assert heading(item(f"{text}:")) is None


def test_what_stands_before_the_only_named_group_exclusion_is_the_inclusion() -> None:
    lines = [plain("Children:"), item("Aged 4 to 6 years"), plain("Exclusion Criteria:"), item("Asthma")]
    assert [(c.group, c.section) for c in parse(lines)] == [("inclusion", "Children"), ("exclusion", None)]
    assert parse([plain("Inclusion Criteria:"), *lines]) == parse(lines)


def test_what_stands_before_a_named_inclusion_says_nothing_of_itself() -> None:
    lines = [plain("The study has two parts."), plain("Inclusion Criteria:"), item("Adults"), plain("Exclusion Criteria:"), item("Asthma")]
    assert [c.group for c in parse(lines)] == [None, "inclusion", "exclusion"]


@pytest.mark.parametrize(
    ("first", "second"), [("Cohort 1", "Cohort 2"), ("Part A only", "Part B only"), ("DISEASE GROUP", "CONTROL GROUP")]
)
def test_a_part_of_the_study_holds_both_groups_below_it(first: str, second: str) -> None:
    pair = [plain("Inclusion Criteria:"), item("Adults"), plain("Exclusion Criteria:"), item("Asthma")]
    assert [(c.section, c.group) for c in parse([plain(first), *pair, plain(second), *pair])] == [
        (first, "inclusion"),
        (first, "exclusion"),
        (second, "inclusion"),
        (second, "exclusion"),
    ]


def test_a_heading_that_says_a_number_is_told_too_for_it_may_change() -> None:
    text = "Inclusion Criteria for patients above 18 years:"
    assert shape([plain(text), item("Asthma")])[0] == ("inclusion", "for patients above 18 years", 0, "note", text)


def test_a_criterion_behind_a_heading_without_a_colon_is_no_part_of_it() -> None:
    assert shape([plain("Exclusion criteria Patients who smoked within the last 2 years")]) == [
        ("exclusion", None, 0, "item", "Patients who smoked within the last 2 years")
    ]


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
