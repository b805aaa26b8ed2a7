"""Lists that stand on one line become the lines that they would have been, and sentences that only count stay whole."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_sync.sources import inline_lists
from registry_sync.sources.markup import html_lines, markdown_lines, plain_lines
from registry_sync.trials.criteria import Line, parse
from registry_sync.trials.record import Criterion

Read = Callable[[str], tuple[Line, ...]]


def escaped(text: str) -> str:
    """The text as the registry's Markdown has it: signs that could be marks are escaped."""
    return re.sub(r"^(\s*)([-*+])|^(\s*\d+)([.)])", lambda found: f"{found[1] or found[3]}\\{found[2] or found[4]}", text)


def read(text: str) -> list[Criterion]:
    """The criteria of one paragraph, the same in Markdown, in HTML and in plain text."""
    first, *others = (parse(markdown_lines(escaped(text))), parse(html_lines(f"<p>{html.escape(text)}</p>")), parse(plain_lines(text)))
    assert all(other == first for other in others)
    return list(first)


def told(text: str) -> list[tuple[str | None, str]]:
    return [(criterion.group, criterion.text) for criterion in read(text)]


@pytest.mark.parametrize(
    "text",
    [
        "Inclusion Criteria: 1. Age 18 to 65. 2. Signed consent. Exclusion Criteria: 1. Pregnancy.",
        "Inclusion Criteria: 1) Age 18 to 65. 2) Signed consent. EXCLUSION CRITERIA: 1) Pregnancy.",
        "Inclusion criteria: a. Age 18 to 65. b. Signed consent. Exclusion criteria: a. Pregnancy.",
        "Inclusion criteria: i. Age 18 to 65. ii. Signed consent. Exclusion criteria: i. Pregnancy.",
        "Inclusion Criteria: (1) Age 18 to 65. (2) Signed consent. Exclusion Criteria: (1) Pregnancy.",
        "Inclusion Criteria: • Age 18 to 65. • Signed consent. Exclusion Criteria: • Pregnancy.",
        "Inclusion Criteria: - Age 18 to 65. - Signed consent. Exclusion Criteria: - Pregnancy.",
        "Key Inclusion Criteria: * Age 18 to 65. * Signed consent. Key Exclusion Criteria: * Pregnancy.",
    ],
)
def test_a_whole_list_on_one_line(text: str) -> None:
    assert told(text) == [("inclusion", "Age 18 to 65."), ("inclusion", "Signed consent."), ("exclusion", "Pregnancy.")]


@pytest.mark.parametrize("mark", ["* ", "1. ", "- ", "• ", "4) ", ""])
@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("Signed consent. 16. Weight below 50 kg. 17. Asthma", ["Signed consent.", "Weight below 50 kg.", "Asthma"]),
        ("Signed consent; 17) Weight below 50 kg; 18) Asthma", ["Signed consent;", "Weight below 50 kg;", "Asthma"]),
        ("Asthma ii. Eczema iii. Hay fever", ["Asthma", "Eczema", "Hay fever"]),
        ("Asthma b. Eczema c. Hay fever", ["Asthma", "Eczema", "Hay fever"]),
        ("Asthma, 2) eczema, 3) hay fever, 5) hives", ["Asthma,", "eczema,", "hay fever,", "hives"]),
        ("Asthma; ②eczema; ③hay fever", ["Asthma;", "eczema;", "hay fever"]),
        ("Asthma • Eczema • Hay fever", ["Asthma", "Eczema", "Hay fever"]),
        ("No steroids. • No biologics. • No smoking", ["No steroids.", "No biologics.", "No smoking"]),
    ],
)
def test_numbers_that_go_on_part_a_line_whatever_its_own_mark(mark: str, text: str, items: list[str]) -> None:
    lines = markdown_lines(f"Inclusion Criteria:\n\n{mark}{text}\n{mark}Adults")
    if mark:  # without a mark, the second line goes on with the first
        assert [line.text for line in lines[1:]] == [*items, "Adults"]
    else:
        assert [line.text for line in lines[1:]] == [*items[:-1], f"{items[-1]} Adults"]


@pytest.mark.parametrize(
    "sentence",
    [
        "Any of (1) asthma, (2) eczema or (3) hay fever",
        "Any of the following: 1. asthma; 2. eczema; 3. hay fever",
        "Patients with 1) asthma, 2) eczema, 3) hay fever",
        "Defined by: a) wheeze, b) cough, or c) both",
        "Toxicity of Grade 1. 2 weeks must have passed",
        "Treatment of Type 1. Others are allowed",
        "Seen at visit 2. Others may join later",
        "Heart failure above class 2. Infarction in the last year",
        "At least two (2) years of symptoms and three (3) visits",
        "A dose of 2.5 mg. 3.5 mg is allowed too",
        "Born after 1. 2. 1990",
        "Version 5.0. The newest one counts",
        "An illness (e.g. HIV infection) or its treatment (i.e. Tablets)",
        "Weight between 50 and 60. Those above may join",
        "Score (part 2) of 3 and (part 3) of 4",
        "Clearance of 60 mL/min/1•73 m2",
        "At least 3 weeks or • half-lives of the drug",
        "Age 18 - 65 years - both included",
        "Drug A* or drug B* within a month *see the list",
        "Vitamin D. No supplements",
        "E. coli, S. aureus or A. fumigatus",
        "Does not meet the Inclusion Criteria",
        "As stated in the Exclusion Criteria: see above",
        "Not all inclusion and Exclusion Criteria",
        "Phase 2. 3 cycles of treatment",
    ],
)
def test_a_sentence_that_only_counts_is_one_item(sentence: str) -> None:
    assert [line.text for line in markdown_lines(f"* {sentence}\n* Adults")] == [sentence, "Adults"]
    assert [line.text for line in html_lines(f"<ul><li>{html.escape(sentence)}</li><li>Adults</li></ul>")] == [sentence, "Adults"]


@pytest.mark.parametrize(
    ("item", "heading"),
    [
        ("A weight of 50 kg", "Exclusion Criteria"),
        ("A weight of 50 kg", "Exclusion Criteria:"),
        ("A weight of 50 kg.", "exclusion criteria:"),
        ("A weight of 50 kg", "EXCLUSION CRITERIA"),
        ("A weight of 50 kg;", "Key Exclusion Criteria:"),
    ],
)
@pytest.mark.parametrize("hidden", ["", "\u00ad"])
def test_a_heading_glued_to_the_last_item_begins_its_group(item: str, heading: str, hidden: str) -> None:
    glued = heading[:3] + hidden + heading[3:]
    lines = markdown_lines(f"Inclusion Criteria:\n\n* Adults\n* {item} {glued}\n* Pregnancy")
    assert [(c.group, c.text) for c in parse(lines)] == [("inclusion", "Adults"), ("inclusion", item), ("exclusion", "Pregnancy")]


def test_a_heading_of_a_part_is_not_torn_apart() -> None:
    for heading in (
        "Part C Inclusion Criteria:",
        "Pre-screening Inclusion Criteria:",
        "Donor Exclusion Criteria",
        "SUBJECT INCLUSION CRITERIA:",
    ):
        assert [line.text for line in markdown_lines(f"{heading}\n\n* Adults")] == [heading, "Adults"]
        if heading.endswith(":"):
            assert [line.text for line in markdown_lines(f"* {heading}\n* Adults")] == [heading, "Adults"]


def test_a_list_inside_an_item_stands_one_level_deeper() -> None:
    assert [(line.depth, line.text) for line in markdown_lines("* Any of: • Asthma • Eczema\n* Adults")] == [
        (0, "Any of:"),
        (1, "Asthma"),
        (1, "Eczema"),
        (0, "Adults"),
    ]


WORDS = st.sampled_from(
    "1. 2. 3) (1) (2) a. b. ii. i) • - * Asthma eczema of: with. and, Grade 2 Criteria: Exclusion Inclusion Criteria".split()
)


@given(st.lists(WORDS, max_size=24).map(" ".join))
def test_parting_takes_only_marks_away(text: str) -> None:
    parts = inline_lists.parted([Line(0, "*", text)] * 4)
    said = " ".join(part.text for part in parts)
    assert re.findall(r"[A-Za-z]{3,}|Grade 2", said) == re.findall(r"[A-Za-z]{3,}|Grade 2", " ".join([text] * 4))
    assert len(said) <= len(text) * 4 + 3


def test_parting_looks_at_every_sign_a_few_times_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work is counted in characters that are looked back at; four times the text must be about four times the work."""
    looked = 0
    whole = inline_lists._before

    def counted(text: str, end: int) -> str:
        nonlocal looked
        found = whole(text, end)
        looked += len(found)
        return found

    monkeypatch.setattr(inline_lists, "_before", counted)
    work = []
    for times in (400, 1600):
        looked = 0
        for phrase in ("asthma; 2) eczema. 3. Cough ", "of Exclusion Criteria: ", "one • two ", "(a) b (c "):
            inline_lists.parted([Line(0, "*", phrase * times)])
        work.append(looked)
    assert 0 < work[1] < 6 * work[0]


@given(st.one_of(st.text(), st.lists(WORDS, max_size=60).map(" ".join)))
def test_no_text_raises(text: str) -> None:
    for reader in (markdown_lines, plain_lines, html_lines):
        assert all(criterion.text and criterion.depth >= 0 for criterion in parse(reader(text)))


@pytest.mark.parametrize(
    "text",
    [
        "asthma, 2) eczema. 3. Cough; iv. hives • hay fever - cold * Flu " * 1_600,
        "of Exclusion Criteria: and Inclusion Criteria " * 2_200,
        "Patients who meet any of the following will be excluded if " * 1_700,
        "Inclusion Criteria: " + "(" * 100_000,
        "\x00\x1b\u2028 1. \ud800" * 20_000,
        "".join(f"{'  ' * level}* {level}. deep\n" for level in range(300)),
    ],
    ids=["lists", "headings", "sentences", "brackets", "controls", "deep"],
)
def test_a_line_as_long_as_it_likes_is_read(text: str) -> None:
    letters = re.compile("[A-Za-z]{4}")  # words long enough to be no mark
    said = [word for criterion in parse(plain_lines(text)) for word in letters.findall(f"{criterion.section or ''} {criterion.text}")]
    headings = [word for word in letters.findall(text) if word in ("Incl", "usio", "Excl", "Crit", "eria")]
    assert len(said) >= len(letters.findall(text)) - len(headings)
