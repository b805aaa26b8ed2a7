"""The facts of real records in the layouts of sites: tiles with the value above, lists of terms, bars. None may contradict its record."""

from __future__ import annotations

import html
import itertools
import json
import lzma
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from registry_sync.sources.ctgov_record import record_from
from registry_sync.sources.finder import read_page
from registry_sync.sources.interface import Found
from registry_sync.trials.audit import Past, audit
from registry_sync.trials.listing import Subject
from registry_sync.trials.record import Record
from tests.real.share import every

URL = "https://listing.example.org/trial"
SEED = 20260203
EVERY = every(9)
"""Of so many real records one is shown."""
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
UNKNOWN = (("Yes", "Placebo used"), ("Recruiting", "Extension study"), ("24", "Visits"), ("May 2019", "Protocol written"))

Facts = Sequence[tuple[str, str]]
"""Values with their labels."""


def _day(date: str) -> str:
    year, month, *day = date.split("-")
    return f"{MONTHS[int(month) - 1]} {int(day[0])}, {year}" if day else f"{MONTHS[int(month) - 1]} {year}"


def facts_of(record: Record, dice: random.Random) -> list[tuple[str, str]]:
    """The facts that a site shows of a record, in an order of its own, with one that no record has."""
    shown = [
        ((record.overall_status or "").replace("_", " ").capitalize(), "Status"),
        (" / ".join(phase.replace("PHASE", "Phase ") for phase in record.phases or () if phase.startswith("PHASE")), "Phase"),
        (_day(record.start_date.date) if record.start_date and record.start_date.date else "", "Start date"),
        (_day(record.completion_date.date) if record.completion_date and record.completion_date.date else "", "Completion date"),
        (f"{record.enrollment.count:,}" if record.enrollment and record.enrollment.count else "", "Enrollment"),
        ((record.sex or "").capitalize(), "Sex"),
        ({True: "Yes", False: "No", None: ""}[record.healthy_volunteers], "Healthy volunteers"),
        (record.lead_sponsor or "", "Sponsor"),
        (record.minimum_age or "", "Minimum age"),
        (str(len(record.locations or ()) or ""), "Sites"),
    ]
    facts = [(value, label) for value, label in shown if value]
    dice.shuffle(facts)
    facts = facts[: dice.randint(min(3, len(facts)), len(facts))]
    facts.insert(dice.randint(0, len(facts)), dice.choice(UNKNOWN))
    return [(html.escape(value), label) for value, label in facts]


def _each(form: str) -> Callable[[Facts], str]:
    return lambda facts: "".join(form.format(value=value, label=label) for value, label in facts)


ABOVE: dict[str, Callable[[Facts], str]] = {
    "boxes with a line break": _each("<div><b>{value}</b><br>{label}</div>"),
    "boxes in boxes": lambda facts: f"<div>{_each('<div><div>{value}</div><div>{label}</div></div>')(facts)}</div>",
    "runs of boxes": _each("<div><b>{value}</b><span>{label}</span></div>"),
    "runs with line breaks": _each("<span>{value}<br>{label}</span>"),
    "items": lambda facts: f"<ul>{_each('<li><b>{value}</b><br>{label}</li>')(facts)}</ul>",
    "items of runs": lambda facts: f"<ul>{_each('<li><strong>{value}</strong> <span>{label}</span></li>')(facts)}</ul>",
    "terms below definitions": lambda facts: f"<dl>{_each('<dd>{value}</dd><dt>{label}</dt>')(facts)}</dl>",
    "groups of terms": lambda facts: f"<dl>{_each('<div><dd>{value}</dd><dt>{label}</dt></div>')(facts)}</dl>",
    "paragraphs": _each("<p>{value}</p><p>{label}</p>"),
    "headings": _each("<h3>{value}</h3><p>{label}</p>"),
    "cells": lambda facts: f"<table><tr>{_each('<td><b>{value}</b><br>{label}</td>')(facts)}</tr></table>",
    "rows": lambda facts: f"<table>{_each('<tr><td>{value}</td><td>{label}</td></tr>')(facts)}</table>",
}
BELOW: dict[str, Callable[[Facts], str]] = {
    "boxes with a line break": _each("<div><b>{label}</b><br>{value}</div>"),
    "boxes in boxes": lambda facts: f"<div>{_each('<div><div>{label}</div><div>{value}</div></div>')(facts)}</div>",
    "runs with line breaks": _each("<span>{label}<br>{value}</span>"),
    "terms": lambda facts: f"<dl>{_each('<dt>{label}</dt><dd>{value}</dd>')(facts)}</dl>",
    "paragraphs": _each("<p>{label}</p><p>{value}</p>"),
    "headings": _each("<h3>{label}</h3><p>{value}</p>"),
    "rows": lambda facts: f"<table>{_each('<tr><td>{label}</td><td>{value}</td></tr>')(facts)}</table>",
    "lines of text": _each("<p>{label}:</p><p>{value}</p>"),
    "a bar": lambda facts: f"<p>{' | '.join(f'<b>{label}:</b> {value}' for value, label in facts)}</p>",
    "items with a dash": lambda facts: f"<ul>{_each('<li><em>{label}</em> – {value}</li>')(facts)}</ul>",
    "help behind the label": _each("<div><span>{label}</span><button>?</button><span>What does this mean?</span><div>{value}</div></div>"),
}
LAYOUTS = [("above", name, form) for name, form in ABOVE.items()] + [("below", name, form) for name, form in BELOW.items()]


@pytest.fixture(scope="module")
def records(shared_data: Path) -> list[Record]:
    with lzma.open(shared_data / "ctgov-records.jsonl.xz", "rt", encoding="utf-8") as file:
        return [record_from(json.dumps(json.loads(line)).encode()) for line in itertools.islice(file, 0, None, EVERY)]


def _verdicts(record: Record, page: str) -> Iterator[str]:
    found = read_page(Subject(record.trial), URL, page.encode(), None)
    if isinstance(found, Found) and found.listing is not None:
        yield from (row.verdict for row in audit(found.listing, [Past("2026-02-03", "2026-02-03T06:17:04Z", record)]))


@pytest.mark.parametrize(("place", "name", "layout"), LAYOUTS, ids=[f"{place}-{name}" for place, name, _ in LAYOUTS])
def test_facts_in_any_layout_never_contradict(
    place: str, name: str, layout: Callable[[Facts], str], records: list[Record], report: list[str]
) -> None:
    dice = random.Random(SEED)
    shown, wrong = 0, []
    said: Counter[str] = Counter()
    for record in records:
        facts = facts_of(record, dice)
        shown += sum(label not in ("Sites", *(unknown for _, unknown in UNKNOWN)) for _, label in facts)
        page = f"<h1>A page on a trial</h1><p>{record.trial}</p>{layout(facts)}<h2>Contact</h2><p>Contact A</p>"
        verdicts = Counter(_verdicts(record, page))
        said += verdicts
        wrong += [page] if verdicts["contradicts"] else []
    report.append(
        f"facts, value {place} the label, {name}: {said['agrees']} of {shown} agree, {len(wrong)} of {len(records)} pages are wrong"
    )
    assert not wrong, wrong[:3]
    assert said["agrees"] > 0.84 * shown
