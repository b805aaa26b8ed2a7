"""Nothing of a real eligibility text is dropped, in Markdown or HTML, and what was parsed once is parsed the same again."""

from __future__ import annotations

import html
import json
import lzma
import re
from collections import Counter
from pathlib import Path

import pytest

from registry_sync.sources.markup import html_lines, markdown_lines
from registry_sync.trials.criteria import parse
from registry_sync.trials.record import Criterion
from tests.edits.as_html import html_of
from tests.edits.outline import outline

WORD = re.compile(r"[^\W\d_]{2,}|\d+")
SIGNS = re.compile(r"(?<!-)[<>]|[≤≥±%]")
CIRCLED = re.compile("[\u2460-\u2473]")
_AHEAD = 24
IN_HEADINGS = frozenset(
    "inclusion exclusion non criteria criterion key main major general subject subjects patient patients participant participants study "
    "overall abbreviated eligibility additional other common specific selection the for of and to".split()
)
"""What a heading says by its group alone; all else that it says is its section."""
ROMAN = frozenset("ii iii iv vi vii viii ix xi xii xiii xiv xv xvi xvii xviii xix xx".split())


@pytest.fixture(scope="module")
def texts(shared_data: Path) -> dict[str, str]:
    with lzma.open(shared_data / "ctgov-records.jsonl.xz", "rt", encoding="utf-8") as file:
        studies = [json.loads(line)["protocolSection"] for line in file]
    found = {study["identificationModule"]["nctId"]: (study.get("eligibilityModule") or {}).get("eligibilityCriteria") for study in studies}
    return {trial: text for trial, text in found.items() if text}


def bare(text: str) -> str:
    """The text without Markdown's escapes and comments, its entities resolved: no reading of lines or lists."""
    return CIRCLED.sub(" ", html.unescape(html.unescape(re.sub(r"\\+(?=[^\w\s])", "", text.replace("<!-- -->", " ")))))


def words_in(criteria: tuple[Criterion, ...]) -> list[str]:
    """The words of the criteria in their order, the section's where one begins."""
    said: list[str] = []
    place: tuple[str | None, str | None] = (None, None)
    for criterion in criteria:
        if (criterion.group, criterion.section) != place:
            place = (criterion.group, criterion.section)
            said += WORD.findall(f" {criterion.section or ''} ")
        said += WORD.findall(criterion.text)
    return said


def dropped(source: str, criteria: tuple[Criterion, ...]) -> tuple[list[str], list[str]]:
    """The source's words that the criteria lack in their place, and theirs that the source has not."""
    said, place, lost = words_in(criteria), 0, []
    sections = section_words(criteria)
    for word in WORD.findall(source):
        ahead = next((step for step in range(_AHEAD) if said[place + step : place + step + 1] == [word]), None)
        if ahead is not None and all(one in sections for one in said[place : place + ahead]):
            place += ahead + 1  # a section is said once more where its group begins
        else:
            lost.append(word)
    return lost, said[place:]


def section_words(criteria: tuple[Criterion, ...]) -> frozenset[str]:
    return frozenset(word for criterion in criteria for word in WORD.findall(criterion.section or ""))


def unexplained(source: str, criteria: tuple[Criterion, ...]) -> list[str]:
    """The words that are gone and are neither a number or letter of a list, nor said by a group or section."""
    lost, extra = dropped(source, criteria)
    sections = section_words(criteria)
    marks = (word for word in lost if not (word.isdigit() and len(word) <= 2) and word.lower() not in ROMAN)
    left = [word for word in marks if word.lower() not in IN_HEADINGS and word not in sections]
    return left + [f"invented {word}" for word in extra if word not in sections]


EMPTY_SECTIONS = {"NCT02204020": {"Post", "transplant"}}
"""Trials with a heading right above another: its words are nowhere."""


def test_markdown_drops_nothing(texts: dict[str, str]) -> None:
    assert len(texts) > 850
    for trial, text in texts.items():
        left = set(unexplained(bare(text), parse(markdown_lines(text))))
        assert left == EMPTY_SECTIONS.get(trial, set()), trial


def test_signs_are_kept_too(texts: dict[str, str]) -> None:
    for trial, text in texts.items():
        source = Counter(SIGNS.findall(bare(text)))
        kept = Counter(sign for one in parse(markdown_lines(text)) for sign in SIGNS.findall(one.text))
        assert not source - kept, trial


def test_the_check_itself_finds_a_word_that_is_lost(texts: dict[str, str]) -> None:
    found = 0
    for text in list(texts.values())[:200]:
        criteria = parse(markdown_lines(text))
        longest = max(criteria, key=lambda one: len(one.text))
        words = [word for word in WORD.findall(longest.text) if len(word) > 6]
        if len(words) > 3:
            cut = longest.text.replace(words[2], " ", 1)
            other = tuple(Criterion(c.group, c.section, c.depth, c.kind, cut if c is longest else c.text) for c in criteria)
            found += bool(unexplained(bare(text), other))
    assert found > 150


def test_html_says_the_same_as_markdown(texts: dict[str, str]) -> None:
    compared = 0
    for trial, text in texts.items():
        written = html_of(outline(text))
        if written is None:
            continue
        compared += 1
        markdown, other = parse(markdown_lines(text)), parse(html_lines(written.replace("\\<", "<")))  # without hard line breaks
        assert [(c.group, c.section, c.kind, c.text) for c in other] == [(c.group, c.section, c.kind, c.text) for c in markdown], trial
    assert compared > 300


def written_anew(criteria: tuple[Criterion, ...]) -> str:
    """The criteria as Markdown: a heading for each group, a bullet for each item, a paragraph for each note."""
    out: list[str] = []
    group: str | None = None
    for criterion in criteria:
        if criterion.group != group:
            group = criterion.group
            out.append(f"\n{'Inclusion/Exclusion' if group is None else group.capitalize()} Criteria:\n")
        escaped = re.sub(r"([\\*_`<>#&])", r"\\\1", criterion.text)
        out.append(f"\n{escaped}\n" if criterion.kind == "note" else f"{'    ' * criterion.depth}* {escaped}")
    return "\n".join(out)


def letters(criterion: Criterion) -> tuple[str | None, list[str]]:
    """Its group and words; a number at the beginning of an item may be taken for that of the list."""
    return criterion.group, WORD.findall(re.sub(r"^\W*\d{1,2}\W", "", criterion.text))


def test_what_was_parsed_is_parsed_the_same_again(texts: dict[str, str]) -> None:
    for trial, text in texts.items():
        once = parse(markdown_lines(text))
        twice = parse(markdown_lines(written_anew(once)))
        thrice = parse(markdown_lines(written_anew(twice)))
        assert [(c.group, c.kind, c.text) for c in thrice] == [(c.group, c.kind, c.text) for c in twice], trial
        assert [letters(c) for c in twice] == [letters(c) for c in once], trial
