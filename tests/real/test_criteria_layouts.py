"""Real criteria in the layouts of sites: what a page repeats never contradicts, and what it rewords never agrees."""

from __future__ import annotations

import json
import lzma
import re
from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace

from registry_sync.sources.ctgov_record import record_from
from registry_sync.sources.finder import read_page
from registry_sync.sources.interface import Found
from registry_sync.sources.markup import markdown_lines
from registry_sync.trials.audit import Past, audit
from registry_sync.trials.listing import Subject
from registry_sync.trials.record import Criterion, Record
from tests.real import criteria_layouts as site
from tests.real.criteria_layouts import Groups, Layout
from tests.real.share import every

URL = "https://listing.example.org/trial"
EVERY = every(12)
"""A layout is tried on one of so many records, each layout on others."""
DOUBTFUL = 1
"""NCT03630471: its first item is "Eligibility criteria:", which makes its list the page's own, and a line below it one of the list."""
BEHIND = "<h2>Locations</h2><p>Oslo, Norway</p>"
each_layout, each_cut_layout = (
    pytest.mark.parametrize(("number", "layout"), list(enumerate(layouts)), ids=[layout.__name__ for layout in layouts])
    for layouts in (site.LAYOUTS, site.CUT_LAYOUTS)
)
MARKS = ("{n}. ", "{n}) ", "({n}) ", "• {n}. ", "- • {n}. ", "• ")


@pytest.fixture(scope="module")
def records(shared_data: Path) -> list[tuple[Record, str]]:
    """Records with criteria, and the text as the registry has it."""
    found = []
    with lzma.open(shared_data / "ctgov-records.jsonl.xz", "rt", encoding="utf-8") as file:
        for line in file:
            text = json.loads(line).get("protocolSection", {}).get("eligibilityModule", {}).get("eligibilityCriteria")
            if text:
                found.append((record_from(line.encode()), text))
    return found


def verdict(record: Record, content: str) -> str:
    """What the audit says of the criteria of a page with this content."""
    page = f"<h1>Eye drops</h1><p>{record.trial}</p><p>Status: Recruiting</p><h2>Eligibility Criteria</h2>{content}"
    found = read_page(Subject(record.trial), URL, page.encode(), "utf-8")
    assert isinstance(found, Found), (record.trial, found)
    assert found.listing is not None
    rows = audit(found.listing, [Past("2026-02-03", "2026-02-03T06:17:04Z", record)])
    return next((row.verdict for row in rows if row.field == "criteria"), "nothing")


def headed(records: list[tuple[Record, str]], number: int) -> list[tuple[Record, Groups]]:
    """One of ``EVERY`` records that name both groups."""
    both = [(record, groups) for record, _ in records if (groups := site.groups_of(record.criteria or ())) is not None]
    return both[number % EVERY :: EVERY]


def page_of(layout: Layout, groups: Groups) -> str:
    """The site's own lines behind the last list are what some layouts are about: nothing else follows there."""
    return layout(groups) + ("" if "_then_" in layout.__name__ else BEHIND)


def reworded(criteria: tuple[Criterion, ...]) -> tuple[Criterion, ...]:
    """The same with a number of one item changed, or one item turned round."""
    items = [place for place, row in enumerate(criteria) if row.kind == "item" and len(row.text) > 30]
    place = next((place for place in items[len(items) // 2 :] if re.search(r"\d", criteria[place].text)), items[len(items) // 2])
    text = re.sub(r"\d", lambda digit: str((int(digit[0]) + 3) % 10), criteria[place].text)
    turned = re.sub(r"(riteria:) ", r"\1 never ", text, count=1) if "riteria: " in text else f"Never {text}"  # what is before is a heading
    changed = text if text != criteria[place].text else turned
    return tuple(replace(row, text=changed) if at == place else row for at, row in enumerate(criteria))


@each_layout
def test_a_page_that_repeats_the_criteria_never_contradicts(
    records: list[tuple[Record, str]], number: int, layout: Layout, report: list[str]
) -> None:
    found = Counter(verdict(record, page_of(layout, groups)) for record, groups in headed(records, number))
    report.append(f"criteria in the layout {layout.__name__}: {found['agrees']} of {found.total()} real records agree")
    assert found["contradicts"] + found["outdated"] + found["nothing"] <= DOUBTFUL, found
    assert found["agrees"] > 0.96 * found.total(), found


@each_layout
def test_a_page_that_rewords_one_item_does_not_agree(records: list[tuple[Record, str]], number: int, layout: Layout) -> None:
    for record, _ in headed(records, number + 1):
        if not any(len(row.text) > 30 and row.kind == "item" for row in record.criteria or ()):
            continue
        groups = site.groups_of(reworded(record.criteria or ()))
        assert groups is not None
        assert verdict(record, page_of(layout, groups)) != "agrees", record.trial


def test_a_list_in_one_paragraph_is_read_as_it_is_on_lines(records: list[tuple[Record, str]], report: list[str]) -> None:
    found: Counter[str] = Counter()
    for record, groups in headed(records, 0):
        found[verdict(record, page_of(site.one_paragraph_each, groups))] += 1
        if not any(len(row.text) > 30 and row.kind == "item" for row in record.criteria or ()):
            continue
        changed = site.groups_of(reworded(record.criteria or ()))
        assert changed is not None
        assert verdict(record, page_of(site.one_paragraph_each, changed)) != "agrees", record.trial
    report.append(f"criteria in one paragraph for each group: {found['agrees']} of {found.total()} real records agree")
    assert found["agrees"] > 0.97 * found.total(), found
    assert found["outdated"] + found["nothing"] == 0, found


@each_cut_layout
def test_a_page_that_says_that_there_is_more_is_not_compared(records: list[tuple[Record, str]], number: int, layout: Layout) -> None:
    for record, groups in headed(records, number)[::2]:
        assert verdict(record, page_of(layout, groups)) == "incomparable", record.trial


@pytest.mark.parametrize("mark", [*MARKS, "ol"])
def test_a_number_of_the_page_before_the_items_own_mark_is_no_difference(
    records: list[tuple[Record, str]], mark: str, report: list[str]
) -> None:
    found: Counter[str] = Counter()
    for record, text in records[:: EVERY // 2]:
        lines = markdown_lines(text)
        content = site.own_marks_in_lists(lines) if mark == "ol" else site.own_marks(lines, mark)
        found[verdict(record, content + BEHIND)] += 1
    report.append(f"criteria with a mark of the page ({mark}) and their own: {found['agrees']} of {found.total()} real records agree")
    assert found["contradicts"] + found["outdated"] + found["nothing"] <= 2, found
    assert found["agrees"] > 0.95 * found.total(), found
