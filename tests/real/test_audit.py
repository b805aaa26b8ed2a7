"""The audit on real records: what registries really change, on pages that show one of their versions."""

from __future__ import annotations

import json
import lzma
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from registry_sync.sources.ctgov_record import record_from
from registry_sync.trials.audit import Past, audit, overall
from registry_sync.trials.changes import compare
from registry_sync.trials.listing import Listing
from registry_sync.trials.record import Record
from registry_sync.trials.significance import judged
from tests.edits.run import cases, real_studies

EDITS = 800
SEED = 20260203


def _day(study: dict[str, Any]) -> str | None:
    day: str | None = study["protocolSection"]["statusModule"].get("lastUpdatePostDateStruct", {}).get("date")
    return day


def _past(row: dict[str, Any]) -> Past:
    return Past(_day(row["study"]), f"{row['date']}T06:17:04Z", record_from(json.dumps(row["study"]).encode()))


def _changing(path: Path) -> Iterator[list[Past]]:
    """The versions of the trials that differ between the first day and the last."""
    trials: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with lzma.open(path) as rows:
        for row in map(json.loads, rows):
            trials[row["nct"]].append(row)
    for days in trials.values():
        days.sort(key=lambda row: str(row["date"]))
        if days[0]["study"]["protocolSection"] != days[-1]["study"]["protocolSection"]:
            yield [_past(row) for row in days]


def test_a_page_that_shows_any_day_of_a_real_trial_never_contradicts_and_the_last_day_agrees(shared_data: Path) -> None:
    for versions in _changing(shared_data / "ctgov-days.jsonl.xz"):
        for shown in versions:
            assert {row.verdict for row in audit(Listing(shown.record), versions)} <= {"agrees", "outdated", "unstated"}
        assert overall(audit(Listing(versions[-1].record), versions)) == "agrees"


@pytest.fixture(scope="module")
def steps(shared_data: Path) -> list[tuple[Record, Record]]:
    """Real records and what labelled edits make of them; some of these no reader would notice."""
    found = [case for case in cases(real_studies(shared_data), SEED, EDITS) if case.html_before is None and case.html_after is None]
    return [(record_from(msgspec.json.encode(case.before)), record_from(msgspec.json.encode(case.after))) for case in found]


def test_what_an_edit_did_not_touch_agrees(steps: list[tuple[Record, Record]]) -> None:
    for before, after in steps:
        touched = {change.field for change in compare(before, after)}
        for row in audit(Listing(after), [Past("2026-02-03", "2026-02-03T06:17:04Z", before)]):
            assert row.field in touched or row.verdict in ("agrees", "unstated"), (before.trial, row)


def test_a_page_that_shows_a_record_before_an_edit_is_outdated_and_never_wrong(steps: list[tuple[Record, Record]]) -> None:
    found: Counter[str] = Counter()
    for before, after in steps:
        versions = [Past("2026-02-03", "2026-02-03T06:17:04Z", before), Past("2026-03-03", "2026-03-03T06:17:04Z", after)]
        major = {change.field for change in judged(before, after) if change.significance == "major"}
        for row in audit(Listing(before), versions):
            assert row.verdict in ("agrees", "outdated", "unstated"), (before.trial, row)
            assert row.since == ("2026-03-03" if row.verdict == "outdated" else None)
            if row.field == "criteria" and row.field in major:
                found[row.verdict] += 1
    # a group that the page does not state, and a twin of an item that stays, are not seen on a page
    assert found["outdated"] > 0.9 * found.total(), found
