"""The sites of real records in the layouts of trial-finder pages: a right list never contradicts, a wrong one never agrees."""

from __future__ import annotations

import json
import lzma
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from registry_sync.sources.ctgov_record import record_from
from registry_sync.sources.finder import read_page
from registry_sync.sources.interface import Found
from registry_sync.trials.audit import Past, audit
from registry_sync.trials.countries import country_key
from registry_sync.trials.listing import Subject
from registry_sync.trials.record import Location, Record
from registry_sync.trials.verdicts import Verdict
from tests.real.share import REAL
from tests.sources.finder_pages import URL, whole
from tests.sources.place_pages import LAYOUTS, WITHOUT_TOWNS, Layout

SEED = 20260203
RECORDS = 54 * REAL
MOST_SITES = 30


@pytest.fixture(scope="module")
def records(shared_data: Path) -> list[Record]:
    """Real records that name their sites in full."""
    with lzma.open(shared_data / "ctgov-records.jsonl.xz") as payloads:
        every = [record_from(json.dumps({**json.loads(one), "resultsSection": None}).encode()) for one in payloads]
    named = [one for one in every if one.locations and all(site.facility and site.city and site.country for site in one.locations)]
    chosen = random.Random(SEED).sample(named, min(RECORDS, len(named)))
    return [replace(one, locations=one.locations[:MOST_SITES]) for one in chosen if one.locations]


def verdict(record: Record, shown: Sequence[Location], layout: Layout) -> Verdict:
    """What the audit says of the places on a page that lists these sites of a trial."""
    content = f"<h1>{record.brief_title}</h1><p>{record.trial}</p><h2>Sex</h2><p>All</p>{layout(shown)}<h2>Sponsor</h2><p>Example Firm</p>"
    found = read_page(Subject(record.trial), URL, whole(content), None)
    assert isinstance(found, Found), found
    assert found.listing is not None
    rows = audit(found.listing, [Past("2026-02-03", "2026-02-03T06:17:04Z", record)])
    return next(row for row in rows if row.field == "locations")


def moved(record: Record, other: Record, chance: random.Random) -> tuple[Location, ...] | None:
    """The sites with one of them in a town of another trial; ``None`` where that town is one of its own."""
    sites = list(record.locations or ())
    towns = {(country_key(site.country), site.city) for site in sites}
    elsewhere = chance.choice(other.locations or ())
    at = chance.randrange(len(sites))
    if (country_key(elsewhere.country), elsewhere.city) in towns:
        return None
    sites[at] = replace(sites[at], city=elsewhere.city, state=elsewhere.state, zip=elsewhere.zip, country=elsewhere.country)
    return tuple(sites)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_a_right_list_never_contradicts_and_one_with_a_wrong_site_never_agrees(
    layout: Layout, records: list[Record], report: list[str]
) -> None:
    chance = random.Random(SEED)
    right: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for record, other in zip(records, [*records[1:], records[0]], strict=True):
        found = verdict(record, record.locations or (), layout)
        right[found.verdict] += 1
        assert found.verdict not in ("contradicts", "outdated"), (record.trial, found.items)
        if (sites := moved(record, other, chance)) is not None:
            found = verdict(record, sites, layout)
            wrong[found.verdict] += 1
            assert found.verdict != "agrees" or layout in WITHOUT_TOWNS, (record.trial, found)
    report.append(f"places, {layout.__name__}: right {dict(right)}, one site elsewhere {dict(wrong)}")
