"""The head of a page, written from real records as sites write it: its status is read, and nobody else's; a list of cards is no page."""

from __future__ import annotations

import html
import lzma
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from registry_sync.sources.ctgov_record import record_from
from registry_sync.sources.finder import read_page
from registry_sync.sources.interface import Found, Unreadable
from registry_sync.trials.audit import Past, audit
from registry_sync.trials.listing import Listing, Subject
from registry_sync.trials.record import Record
from tests.real.share import every

URL = "https://finder.example.org/trials/one"
EVERY = every(15)
"""Of the records, each so-manieth is taken."""
STATUSES = {
    "RECRUITING": "Recruiting",
    "NOT_YET_RECRUITING": "Not yet recruiting",
    "ACTIVE_NOT_RECRUITING": "Active, not recruiting",
    "ENROLLING_BY_INVITATION": "Enrolling by invitation",
    "COMPLETED": "Completed",
    "SUSPENDED": "Suspended",
    "TERMINATED": "Terminated",
    "WITHDRAWN": "Withdrawn",
    "UNKNOWN": "Unknown status",
    "NO_LONGER_AVAILABLE": "No longer available",
}
TYPES = {"INTERVENTIONAL": "Interventional", "OBSERVATIONAL": "Observational", "EXPANDED_ACCESS": "Expanded access"}
PHASES = {"PHASE1": "Phase 1", "PHASE2": "Phase 2", "PHASE3": "Phase 3", "PHASE4": "Phase 4", "EARLY_PHASE1": "Early Phase 1"}


def esc(text: str | None) -> str:
    return html.escape(text or "")


def phase(record: Record) -> str:
    return "/".join(PHASES[one] for one in record.phases or () if one in PHASES) or "Not Applicable"


def kind(record: Record) -> str:
    return TYPES[record.study_type or "INTERVENTIONAL"]


def title(record: Record) -> str:
    return f"<h1>{esc(record.brief_title)}</h1>"


def id_line(record: Record) -> str:
    return f"<p>NCT ID: {record.trial}</p>"


def body(record: Record) -> str:
    """What stands below the head: a summary and a few fields."""
    return (
        f"<h2>Brief summary</h2><p>{esc(record.brief_summary)[:600]}</p><h2>Sponsor</h2><p>{esc(record.lead_sponsor)}</p>"
        f"<h2>Gender</h2><p>{esc((record.sex or 'ALL').capitalize())}</p>"
    )


Head = Callable[[Record, str], str]
TABS = ("Overview", "Eligibility", "Locations", "Contacts")
STATED: dict[str, Head] = {
    "dots below": lambda record, said: f"{title(record)}<p>{said} · {phase(record)}</p>{id_line(record)}",
    "dots above": lambda record, said: f"<p>{said} • {phase(record)}</p>{title(record)}{id_line(record)}",
    "id and status": lambda record, said: f"{title(record)}<p>{record.trial} · {said}</p>",
    "bars": lambda record, said: f"{title(record)}<div>{record.trial} | {phase(record)} | {said} | {kind(record)}</div>",
    "strokes": lambda record, said: f"<div>{kind(record)} / {said}</div>{title(record)}{id_line(record)}",
    "badges above": lambda record, said: (
        f"<div><span>{said}</span> <span>{phase(record)}</span></div>{title(record)}<p>Not Applicable</p>{id_line(record)}"
    ),
    "badges below": lambda record, said: f"{title(record)}<div><span>{phase(record)}</span><span>{said}</span></div>{id_line(record)}",
    "badges and id": lambda record, said: f"{title(record)}<div><b>{record.trial}</b> <i>{said}</i> <i>{phase(record)}</i></div>",
    "behind links": lambda record, said: (
        f"{title(record)}{id_line(record)}<div>{' | '.join(f'<a>{tab}</a>' for tab in TABS)}</div><p>{said}</p>"
    ),
    "behind a list": lambda record, said: (
        f"{title(record)}{id_line(record)}<ul>{''.join(f'<li>{tab}</li>' for tab in TABS)}</ul><span>{said}</span>"
    ),
    "behind boxes": lambda record, said: (
        f"{title(record)}{id_line(record)}{''.join(f'<div>{tab}</div>' for tab in TABS)}<div><span>{said}</span></div>"
    ),
    "behind buttons": lambda record, said: (
        f"<div>{''.join(f'<button>{tab}</button>' for tab in TABS)}</div><div>{said}</div>{title(record)}{id_line(record)}"
    ),
    "in a text of tabs": lambda record, said: f"{title(record)}{id_line(record)}<p>{' | '.join(TABS)}</p><p>{said} | {phase(record)}</p>",
    "alone": lambda record, said: f"<p>{said}</p>{title(record)}{id_line(record)}",
    "beside a label": lambda record, said: f"{title(record)}{id_line(record)}<p>Recruitment status: {said}</p>",
}
SILENT: dict[str, Head] = {
    "counted": lambda record, said: f"{title(record)}{id_line(record)}<div>{said} (1,234)</div>",
    "counted link above": lambda record, said: f"<div><a>{said} (1,234)</a></div>{title(record)}{id_line(record)}",
    "counted in a line": lambda record, said: f"<p>{said} (1,234) · {phase(record)} (22)</p>{title(record)}{id_line(record)}",
    "a filter": lambda record, said: (
        "<h3>Status</h3><ul>" + "".join(f"<li>{one} (7)</li>" for one in (said, "Suspended")) + f"</ul>{title(record)}{id_line(record)}"
    ),
    "a bar of steps": lambda record, said: f"{title(record)}{id_line(record)}<p>Withheld | {said} | Suspended</p>",
    "a sentence": lambda record, said: f"{title(record)}{id_line(record)}<p>{said} · we are glad to tell you</p>",
    "running text": lambda record, said: f"{title(record)}{id_line(record)}<p>{said} in {phase(record)} is what most trials do</p>",
    "navigation": lambda record, said: f"<nav><a>{said}</a></nav>{title(record)}{id_line(record)}",
}


@pytest.fixture(scope="module")
def records(shared_data: Path) -> list[Record]:
    with lzma.open(shared_data / "ctgov-records.jsonl.xz") as rows:
        known = [record_from(row) for row in rows]
    return [one for one in known if one.overall_status in STATUSES and one.brief_title and one.official_title][::EVERY]


def subject(record: Record) -> Subject:
    return Subject(record.trial, titles=tuple(one for one in (record.brief_title, record.official_title) if one))


def read(record: Record, content: str) -> Found | Unreadable:
    page = f"<!DOCTYPE html><html><head><meta charset='utf-8'><title>Finder</title></head><body>{content}</body></html>"
    return read_page(subject(record), URL, page.encode(), None)


def listing(record: Record, content: str) -> Listing:
    found = read(record, content)
    assert isinstance(found, Found), (record.trial, found)
    assert found.listing is not None
    return found.listing


def verdict(record: Record, content: str, field: str = "overall_status") -> str:
    found = read(record, content)
    if isinstance(found, Unreadable):
        return "unreadable"
    assert found.listing is not None
    past = [Past("2026-02-03", "2026-02-03T06:17:04Z", record)]
    return next((row.verdict for row in audit(found.listing, past) if row.field == field), "unstated")


def others(record: Record, records: list[Record]) -> Iterator[Record]:
    place = records.index(record)
    return (one for one in (*records[place + 1 :], *records[:place]) if one.overall_status != record.overall_status)


@pytest.mark.parametrize("layout", STATED)
def test_the_status_in_the_head_is_read(layout: str, records: list[Record], report: list[str]) -> None:
    for rest in (body, lambda _: ""):
        right = Counter(verdict(record, STATED[layout](record, STATUSES[record.overall_status or ""]) + rest(record)) for record in records)
        wrong = Counter(
            verdict(record, STATED[layout](record, STATUSES[next(others(record, records)).overall_status or ""]) + rest(record))
            for record in records
        )
        report.append(f"status {layout}: right {dict(right)}, another {dict(wrong)}")
        assert right.keys() == {"agrees"}
        assert wrong.keys() <= {"contradicts", "outdated"}


@pytest.mark.parametrize("layout", SILENT)
def test_what_is_no_status_of_the_trial_is_not_read(layout: str, records: list[Record], report: list[str]) -> None:
    read_as = Counter(
        verdict(record, SILENT[layout](record, STATUSES[next(others(record, records)).overall_status or ""]) + body(record))
        for record in records
    )
    report.append(f"no status {layout}: {dict(read_as)}")
    assert read_as.keys() <= {"unstated", "incomparable"}


CARDS: dict[str, Callable[[Record, str], str]] = {
    "h3 and a line": lambda record, said: f"<h3>{esc(record.brief_title)}</h3><p>{said} · {phase(record)}</p>",
    "h3, line, id": lambda record, said: f"<h3>{esc(record.brief_title)}</h3><p>{said} · {phase(record)}</p><p>{record.trial}</p>",
    "badge first": lambda record, said: f"<p>{said}</p><h3>{esc(record.brief_title)}</h3><p>NCT ID: {record.trial}</p>",
    "a link and a line": lambda record, said: f"<div><a>{esc(record.brief_title)}</a></div><div>{said} · {phase(record)}</div>",
    "id in the line": lambda record, said: f"<p>{esc(record.brief_title)}</p><p>{record.trial} · {said}</p>",
    "all in one": lambda record, said: f"<li><a>{esc(record.brief_title)}</a> <span>{said}</span> <span>{phase(record)}</span></li>",
}
HEADINGS = ("", "<h2>Similar trials</h2>", "<h2>Andre forsøg</h2>")


@pytest.mark.parametrize("layout", CARDS)
def test_the_status_of_another_trials_card_is_not_read(layout: str, records: list[Record], report: list[str]) -> None:
    read_as: Counter[str] = Counter()
    for record in records:
        for heading in HEADINGS:
            text = esc(record.brief_summary)[:400]
            for rest in (body(record), f"<p>{text}</p>", f"<h2>Summary</h2><p>{text}</p>", f"<h2>Trial overview</h2><p>{text}</p>"):
                two = list(zip(others(record, records), range(2), strict=False))
                cards = "".join(CARDS[layout](one, STATUSES[one.overall_status or ""]) for one, _ in two)
                read_as[verdict(record, f"{title(record)}{id_line(record)}{rest}{heading}{cards}")] += 1
    report.append(f"another's card {layout}: {dict(read_as)}")
    assert read_as.keys() <= {"unstated", "incomparable", "unreadable"}


RESULTS: dict[str, Callable[[Record, str], str]] = {
    "headings": lambda record, said: f"<h3>{esc(record.brief_title)}</h3><p>NCT ID: {record.trial}</p><p>Status: {said}</p>",
    "links": lambda record, said: (
        f"<div><div><a>{esc(record.brief_title)}</a></div><div>{record.trial}</div><div>{said}</div><div>{phase(record)}</div></div>"
    ),
    "id first": lambda record, said: (
        f"<div><p>{record.trial} · {said}</p><h2>{esc(record.brief_title)}</h2><p>Phase: {phase(record)}</p></div>"
    ),
    "list": lambda record, said: f"<li><p>{esc(record.brief_title)}</p><p>{record.trial}</p><p>Status: {said}</p></li>",
}
FRAMES: dict[str, tuple[int, str, str]] = {
    "bare": (4, "", ""),
    "headed": (4, "<h1>Clinical trials near you</h1>", ""),
    "two pages": (3, "<h2>Filters</h2><p>Clear all</p>", "<p>Page 1 of 2</p>"),
    "one result": (1, "<p>1 result</p>", ""),
    "one filtered": (1, "<h2>Filters</h2><p>Clear all</p><p>Sort by: Relevance</p>", "<p>Showing 1-1 of 1</p>"),
    "one on a page": (1, "<h1>Clinical trials</h1><p>Filter by</p>", "<p>Page 1 of 1</p>"),
}


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("layout", RESULTS)
def test_a_page_of_cards_is_no_trials_page(layout: str, frame: str, records: list[Record], report: list[str]) -> None:
    count, above, below = FRAMES[frame]
    taken: list[str] = []
    for record in records:
        cards = [record, *(one for one, _ in zip(others(record, records), range(count - 1), strict=False))]
        content = above + "".join(RESULTS[layout](one, STATUSES[one.overall_status or ""]) for one in cards) + below
        if isinstance(read(record, content), Found):
            taken.append(record.trial)
    report.append(f"cards {layout}, {frame}: {len(taken)} of {len(records)} taken for the trial's page")
    assert not taken


def own_page(record: Record, name: str) -> str:
    return (
        f"{name}{id_line(record)}<p>Recruitment status: {STATUSES[record.overall_status or '']}</p>{body(record)}"
        "<h2>Eligibility</h2><h3>Inclusion Criteria</h3><ul><li>Grown people</li><li>Well</li></ul>"
    )


RUN_ON = re.compile(";").search  # a sign that ends an item, and stands within one here
SITES_OWN = ("<p>Back to 12 results</p>", "<h3>Filters</h3><p>Clear all</p><p>Sort by: Relevance</p>", "<p>1,234 trials</p>")


def test_a_trials_page_among_what_a_site_shows_besides_stays_one(records: list[Record]) -> None:
    for record in records:
        cards = "".join(
            RESULTS["headings"](one, STATUSES[one.overall_status or ""]) for one, _ in zip(others(record, records), range(3), strict=False)
        )
        for name in (
            title(record),
            f"<div>{esc(record.brief_title)}</div>",
            f"<h2>{esc(record.official_title)}</h2>",
            "<h1>Drops for you</h1>",
        ):
            for above in SITES_OWN:
                assert verdict(record, f"{above}{own_page(record, name)}<p>Page 1 of 3</p>") == "agrees"
            assert verdict(record, f"{own_page(record, name)}<h2>Andre forsøg</h2>{cards}") == "agrees"


def test_one_condition_in_a_line_agrees_whatever_commas_it_has(records: list[Record], report: list[str]) -> None:
    own: Counter[str] = Counter()
    another: Counter[str] = Counter()
    for record in (
        one for one in records if one.conditions and len(", ".join(one.conditions)) < 300 and not any(map(RUN_ON, one.conditions))
    ):
        for form in (
            "<p>Conditions: {}</p>",
            "<h2>Conditions</h2><p>{}</p><h2>Sponsor</h2><p>A Clinic</p>",
            "<dl><dt>Condition</dt><dd>{}</dd></dl>",
        ):
            head = f"{title(record)}{id_line(record)}<p>Recruitment status: {STATUSES[record.overall_status or '']}</p>"
            own[verdict(record, head + form.format(esc(", ".join(record.conditions or ()))), "conditions")] += 1
            strange = next(one for one in others(record, records) if one.conditions and set(one.conditions) != set(record.conditions or ()))
            another[verdict(record, head + form.format(esc(", ".join(strange.conditions or ()))), "conditions")] += 1
    report.append(f"conditions in a line: own {dict(own)}, another's {dict(another)}")
    assert own.keys() == {"agrees"}
    assert "agrees" not in another


def test_a_page_is_headed_by_either_title(records: list[Record]) -> None:
    for record in records:
        for name in (record.brief_title, record.official_title):
            head = f"<h1>{esc(name)}</h1>{id_line(record)}<p>Recruitment status: {STATUSES[record.overall_status or '']}</p>"
            assert verdict(record, head, "brief_title") in ("agrees", "unstated")
            assert verdict(record, head, "official_title") == "unstated"
