"""Real pages' visible text, wrapped in several markups, and the registry's real eligibility texts."""

from __future__ import annotations

import csv
import html
import itertools
import json
import lzma
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from registry_sync.sources.finder import read_page
from registry_sync.sources.finder_titles import titles_agree
from registry_sync.sources.interface import Found, Unreadable
from registry_sync.sources.labels import common_words, is_criteria_heading
from registry_sync.sources.markup import html_lines, markdown_lines
from registry_sync.sources.profiles import load_profiles
from registry_sync.sources.registers import id_key, proves
from registry_sync.trials.criteria import Line, parse
from registry_sync.trials.listing import Subject
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
    found = read_page(Subject(TRIAL), URL, markup(text).encode(), None)
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
    plainly = read_page(Subject(TRIAL), URL, paragraphs(text).encode(), None)
    assert isinstance(plainly, Found)
    assert said == plainly.record


def counts(record: Record) -> tuple[int, int]:
    groups = Counter(one.group for one in record.criteria or () if one.kind == "item")
    return groups["inclusion"], groups["exclusion"]


def trial_of(name: str, text: str) -> str:
    found = re.search(r"NCT\d{8}", name + text)
    return found[0] if found else "NCT00000001"


def headed(text: str) -> str:
    """Labels as headings, lines with a bullet as items."""
    parts = []
    for line in text_lines(text):
        bare = line.lstrip("•- ").strip()
        if common_words().label_meaning(line) or is_criteria_heading(line):
            parts.append(f"<h3>{html.escape(line)}</h3>")
        elif line.startswith("•"):
            parts.append(f"<li>{html.escape(bare)}</li>")
        else:
            parts.append(f"<div>{html.escape(line)}</div>")
    return re.sub(r"((?:<li>.*?</li>)+)", r"<ul>\1</ul>", "".join(parts))


def text_lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def subject_of(name: str, text: str) -> Subject:
    """The trial as its record would give it: ids of other registers, and the title, of which the page shows a near one."""
    ids = tuple(re.findall(r"20\d\d-5\d{5}-\d\d-\d\d", text))
    return Subject(trial_of(name, text), ids=ids, titles=(re.sub(r" \(\S+\)$", "", text_lines(text)[0]),))


ANY_MARKUP = (paragraphs, headed, divs, spans, breaks, one_column, pre, one_list, nothing)


@pytest.mark.parametrize("markup", ANY_MARKUP)
def test_a_careful_readers_status_and_counts_hold(shared_data: Path, markup: Callable[[str], str]) -> None:
    folder = shared_data / "finder-pages"
    profiles = load_profiles()
    with (folder / "EXPECT.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(rows) >= 7
    for row in rows:
        text = (folder / row["file"]).read_text(encoding="utf-8")
        if "NCT" in row["file"] and "NCT" not in text:
            text += f"\n{trial_of(row['file'], text)}\n"  # the sample is the page's beginning; the whole page shows its id
        url = address_of(folder, row["file"])
        answer = read_page(subject_of(row["file"], text), url, markup(text).encode(), None, profiles.of(url))
        if row["note"].startswith("no NCT number"):
            assert isinstance(answer, Unreadable), row
            continue
        assert isinstance(answer, Found), (row, answer)
        assert answer.listing is not None
        expected = row["registry_status_equivalent"]
        assert answer.record.overall_status == (None if expected == "absent" else expected), row
        if row["n_inclusion"].isdigit():
            assert counts(answer.record) == (int(row["n_inclusion"]), int(row["n_exclusion"])), row
        else:
            assert answer.record.criteria is None, row
            assert answer.listing.how.get("criteria") == ("headings_lost" if row["n_inclusion"] == "unknown" else None), row


def address_of(folder: Path, name: str) -> str:
    with (folder / "PROVENANCE.tsv").open(encoding="utf-8") as file:
        return next((row["origin"] for row in csv.DictReader(file, delimiter="\t") if row["file"] == name), URL)


@pytest.mark.parametrize("markup", ANY_MARKUP)
def test_a_page_built_on_the_trials_other_registration_says_so(shared_data: Path, markup: Callable[[str], str]) -> None:
    for path in sorted((shared_data / "finder-pages").glob("ASSIX-CTIS.*.txt")):
        text = path.read_text(encoding="utf-8")
        subject = subject_of(path.name, text)
        found = read_page(subject, URL, markup(text).encode(), None)
        assert isinstance(found, Found), found
        assert found.listing is not None
        assert found.listing.follows == subject.ids
        assert found.listing.how["sex"] == "not_reported"
        assert isinstance(read_page(Subject(subject.trial), URL, markup(text).encode(), None), Unreadable)


def test_the_whole_page_says_when_it_was_copied_and_what_it_does_not_know(shared_data: Path) -> None:
    text = (shared_data / "finder-pages" / WHOLE_PAGE).read_text(encoding="utf-8")
    profile = load_profiles().of("https://clinconnect.io/trials/" + TRIAL)
    for markup in MARKUPS:
        found = read_page(Subject(TRIAL), URL, markup(text).encode(), None, profile)
        assert isinstance(found, Found), found
        assert found.listing is not None
        assert found.listing.site == "ClinConnect"
        assert found.listing.refreshed == "2025-07-01"
        assert found.listing.how["keywords"] == "run_together"
        assert found.listing.how["completion_date"] == "not_reported"
        assert found.listing.follows == ()


def test_every_sample_page_is_read_or_refused_with_a_reason(shared_data: Path) -> None:
    profiles = load_profiles()
    for path in sorted((shared_data / "finder-pages").glob("*.*")):
        body = path.read_bytes()
        url = address_of(shared_data / "finder-pages", path.name)
        answer = read_page(Subject(trial_of(path.name, body.decode("utf-8", "replace"))), url, body, None, profiles.of(url))
        assert isinstance(answer, Found) or answer.reason, path.name


def test_no_two_trials_of_the_registry_share_a_title_or_an_id_that_proves(shared_data: Path, report: list[str]) -> None:
    titles: dict[str, list[str]] = {}
    ids: dict[str, set[str]] = {}
    with lzma.open(shared_data / "ctgov-records.jsonl.xz", "rt", encoding="utf-8") as file:
        for line in file:
            named = json.loads(line).get("protocolSection", {}).get("identificationModule", {})
            titles[named["nctId"]] = [named[key] for key in ("briefTitle", "officialTitle") if key in named]
            for id_ in (named.get("orgStudyIdInfo", {}), *named.get("secondaryIdInfos", ())):
                if "id" in id_ and proves(id_["id"]):
                    ids.setdefault(id_key(id_["id"]), set()).add(named["nctId"])
    assert all(len(trials) == 1 for trials in ids.values())
    same = [
        (one, other)
        for one, other in itertools.combinations(titles, 2)
        if titles[one][:1] != titles[other][:1] and titles[one][:1] and titles[other][:1] and titles_agree(titles[one][0], titles[other][0])
    ]
    report.append(f"titles: {len(same)} of {len(titles)} real trials have a title that is taken for another one's")
    assert len(same) <= 2


# the registry's eligibility texts


def eligibility_texts(shared_data: Path) -> Iterator[tuple[str, str]]:
    with lzma.open(shared_data / "ctgov-records.jsonl.xz", "rt", encoding="utf-8") as file:
        for line in file:
            protocol = json.loads(line).get("protocolSection", {})
            if text := protocol.get("eligibilityModule", {}).get("eligibilityCriteria"):
                yield protocol["identificationModule"]["nctId"], text


def bullets(lines: tuple[Line, ...]) -> str:
    return "".join(f"<p>{html.escape(('• ' if line.marker else '') + line.text)}</p>" for line in lines)


def lists(lines: tuple[Line, ...]) -> str:
    parts = (f"<ul><li>{html.escape(line.text)}</li></ul>" if line.marker else f"<p>{html.escape(line.text)}</p>" for line in lines)
    return "".join(parts).replace("</ul><ul>", "")


@pytest.mark.parametrize("form", [bullets, lists])
def test_the_registrys_own_criteria_on_a_page_are_neither_lost_nor_doubted(
    shared_data: Path, form: Callable[[tuple[Line, ...]], str], report: list[str]
) -> None:
    seen = read = 0
    for trial, text in eligibility_texts(shared_data):
        lines = markdown_lines(text)
        page = f"<p>{trial}</p><p>Status: Recruiting</p><h2>Eligibility Criteria</h2>{form(lines)}<h2>Locations</h2><p>Oslo, Norway</p>"
        found = read_page(Subject(trial), URL, page.encode(), None)
        assert isinstance(found, Found), (trial, found)
        assert found.listing is not None
        assert found.listing.how.get("criteria") in (None, "headings_lost", "cut_off"), trial
        wanted = [one.text for one in parse(lines) if common_words().is_stated(one.text)]
        seen += 1
        read += [one.text for one in found.record.criteria or ()] == wanted
    report.append(f"criteria: {read} of {seen} registry texts shown on a page with {form.__name__} are read line by line as they were")
    assert read > 0.96 * seen


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
