"""Real pages' visible text, wrapped in several markups, and the registry's real eligibility texts."""

from __future__ import annotations

import csv
import html
import json
import lzma
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from registry_sync.sources.finder import read_page
from registry_sync.sources.interface import Found, Unreadable
from registry_sync.sources.markup import html_lines, markdown_lines
from registry_sync.trials.criteria import Line
from registry_sync.trials.record import Location, Record
from tests.sources.finder_pages import in_breaks, in_one_column, in_one_list, in_pre

TRIAL = "NCT06805448"
URL = "https://listing.example.org/trials/NCT06805448"
WHOLE_PAGE = "clinconnect.NCT06805448.whole-page.txt"
SECTIONS = (
    *("Trial Information", "Keywords", "ClinConnect Summary", "Gender", "Eligibility criteria", "Locations", "Patients applied"),
    *("Timeline", "First submit", "Trial launched", "Trial updated", "Estimated completion"),
)
WORDS = re.compile(r"\w+")


def lines_of(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def is_label(line: str) -> bool:
    return line in SECTIONS or line.startswith("About ")


def paragraphs(text: str) -> str:
    return "".join(f"<p>{html.escape(line)}</p>" for line in lines_of(text))


def headings_and_lists(text: str) -> str:
    parts = []
    for number, line in enumerate(lines_of(text)):
        tag = "h1" if number == 2 else "h2" if is_label(line) else "li" if line.startswith("•") else "p"
        parts.append(f"<{tag}>{html.escape(line)}</{tag}>")
    return re.sub(r"((?:<li>.*?</li>)+)", r"<ul>\1</ul>", "".join(parts))


def definitions(text: str) -> str:
    tagged = (("dt" if is_label(line) else "dd", html.escape(line)) for line in lines_of(text))
    return "<dl>" + "".join(f"<{tag}>{line}</{tag}>" for tag, line in tagged) + "</dl>"


def rows(text: str) -> str:
    parts, opened = [], False
    for line in lines_of(text):
        if is_label(line):
            parts.append(f"{'</td></tr>' if opened else ''}<tr><th>{html.escape(line)}</th><td>")
            opened = True
        else:
            parts.append(f"<div>{html.escape(line)}</div>")
    head = next(index for index, part in enumerate(parts) if part.startswith("<tr>"))
    return "".join(parts[:head]) + "<table>" + "".join(parts[head:]) + "</td></tr></table>"


def divs(text: str) -> str:
    return "<div>" + "".join(f"<div><div>{html.escape(line)}</div></div>" for line in lines_of(text)) + "</div>"


def spans(text: str) -> str:
    return "<br>".join(f"<span>{html.escape(line)}</span>" for line in lines_of(text))


def breaks(text: str) -> str:
    return in_breaks(lines_of(text))


def one_column(text: str) -> str:
    return in_one_column(lines_of(text))


def pre(text: str) -> str:
    return in_pre(text.splitlines())


def one_list(text: str) -> str:
    return in_one_list(lines_of(text))


def nothing(text: str) -> str:
    return text


MARKUPS = (paragraphs, headings_and_lists, definitions, rows, divs, spans, breaks, one_column, pre, one_list, nothing)


@pytest.mark.parametrize("markup", MARKUPS)
def test_the_page_that_the_project_began_with_is_read_in_any_markup(shared_data: Path, markup: Callable[[str], str]) -> None:
    text = (shared_data / "finder-pages" / WHOLE_PAGE).read_text(encoding="utf-8")
    found = read_page(TRIAL, URL, markup(text).encode(), None)
    assert isinstance(found, Found), found
    said = found.record
    assert said.brief_title == lines_of(text)[2]
    assert said.lead_sponsor == "RIGSHOSPITALET, DENMARK"
    assert said.overall_status == "RECRUITING"
    assert counts(said) == (5, 9)
    assert all(one.kind == "item" and one.depth == 0 for one in said.criteria or ())
    assert said.sex == "ALL"
    assert said.locations == (Location(city="Copenhagen", country="Denmark"),)
    assert said.first_submit_date == "2025-01-27"
    stated = {name for name in Record.__struct_fields__ if getattr(said, name) is not None}
    assert stated == {
        "trial", "brief_title", "lead_sponsor", "overall_status", "criteria", "sex", "locations", "first_submit_date",
    }  # fmt: skip
    plainly = read_page(TRIAL, URL, paragraphs(text).encode(), None)
    assert isinstance(plainly, Found)
    assert said == plainly.record


def counts(record: Record) -> tuple[int, int]:
    groups = Counter(one.group for one in record.criteria or () if one.kind == "item")
    return groups["inclusion"], groups["exclusion"]


def trial_of(name: str, text: str) -> str:
    found = re.search(r"NCT\d{8}", name + text)
    return found[0] if found else "NCT00000001"


def test_a_careful_readers_status_and_counts_hold(shared_data: Path) -> None:
    folder = shared_data / "finder-pages"
    checked = 0
    with (folder / "EXPECT.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            text = (folder / row["file"]).read_text(encoding="utf-8")
            answer = read_page(trial_of(row["file"], text), URL, paragraphs(text).encode(), None)
            if row["registry_status_equivalent"] == "absent":  # neither an id nor a status: nothing proves whose page it is
                assert isinstance(answer, Unreadable), row
                continue
            assert isinstance(answer, Found), (row, answer)
            assert answer.record.overall_status == row["registry_status_equivalent"], row
            if row["n_inclusion"].isdigit():
                assert counts(answer.record) == (int(row["n_inclusion"]), int(row["n_exclusion"])), row
            else:
                assert counts(answer.record) == (0, 0), row
            checked += 1
    assert checked >= 5


def test_every_sample_page_is_read_or_refused_with_a_reason(shared_data: Path) -> None:
    for path in sorted((shared_data / "finder-pages").glob("*.*")):
        body = path.read_bytes()
        answer = read_page(trial_of(path.name, body.decode("utf-8", "replace")), URL, body, None)
        assert isinstance(answer, Found) or answer.reason, path.name


# the registry's eligibility texts


def eligibility_texts(shared_data: Path) -> Iterator[tuple[str, str]]:
    with lzma.open(shared_data / "ctgov-records.jsonl.xz", "rt", encoding="utf-8") as file:
        for line in file:
            protocol = json.loads(line).get("protocolSection", {})
            if text := protocol.get("eligibilityModule", {}).get("eligibilityCriteria"):
                yield protocol["identificationModule"]["nctId"], text


def html_texts(shared_data: Path) -> Iterator[tuple[str, str]]:
    def strings(value: Any) -> Iterator[str]:
        if isinstance(value, dict | list):
            for inner in value.values() if isinstance(value, dict) else value:
                yield from strings(inner)
        elif isinstance(value, str) and re.search(r"<(?:p|ul|ol|li|br)\b", value):
            yield value

    with lzma.open(shared_data / "history" / "version-patches.jsonl.xz", "rt", encoding="utf-8") as file:
        for line in file:
            step = json.loads(line)
            yield from ((step["nct"], text) for text in strings(step["operations"]))


def words_lost(source: str, lines: tuple[Line, ...]) -> list[str]:
    """The words of ``source`` that the lines do not have in their place; an invented word is told, too."""
    kept = iter([word for line in lines for word in WORDS.findall(f"{line.marker or ''} {line.text}")] + [""])
    lost, following = [], next(kept)
    for word in WORDS.findall(source):
        if word == following:
            following = next(kept)
        else:
            lost.append(word)
    return [*lost, f"invented {following}"] if following else lost


def test_the_registrys_markdown_loses_no_word(shared_data: Path) -> None:
    seen = 0
    for trial, text in eligibility_texts(shared_data):
        source = (
            re.sub("([\u2460-\u2473])", r"\1 ", text).replace("\\", "").replace("<!-- -->", "")
        )  # a number in a circle is a mark of its own
        lost = words_lost(html.unescape(html.unescape(source)), markdown_lines(text))
        assert all(re.fullmatch(r"\d{1,2}", word) for word in lost), (trial, lost)  # of two numbers before an item one is kept
        assert len(lost) <= 15, (trial, lost)
        seen += 1
    assert seen > 850


def test_the_version_historys_html_loses_no_word(shared_data: Path) -> None:
    seen = 0
    for trial, text in html_texts(shared_data):
        source = html.unescape(re.sub(r"<[^>]+>", " ", text))
        lines = tuple(Line(line.depth, None, line.text) for line in html_lines(text))  # an ol's numbers are in no text
        lost = words_lost(source, lines)
        assert all(re.fullmatch(r"\d{1,2}|[a-z]{1,4}", word) for word in lost), (trial, lost)
        assert len(lost) <= 40, (trial, lost)
        seen += 1
    assert seen > 80


def test_no_eligibility_text_keeps_markup(shared_data: Path) -> None:
    for trial, text in eligibility_texts(shared_data):
        for line in markdown_lines(text):
            assert not re.search(r"\\[<>\[\]*]|&(?:lt|gt|amp);|^[*•] ", line.text), (trial, line)
