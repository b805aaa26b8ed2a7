"""Weeks of a busy registry, played by chance: whatever the short cuts, nothing is missed and nothing is told that is not so."""

from __future__ import annotations

import json
import random

import pytest

from db import history as versions
from registry_sync.demo import record
from registry_sync.sources import ctgov
from registry_sync.sources.ctgov_record import record_from
from registry_sync.trials.changes import compare
from tests.house import House

TRIALS = [f"NCT{number:08}" for number in range(1, 25)]
STUDIES = "/api/v2/studies"


def edit_by_chance(house: House, rng: random.Random) -> None:
    """One change at the registry: with a date or in silence, inside what a glance shows or outside it."""
    study = house.registry.study(rng.choice(TRIALS))
    protocol = study["protocolSection"]
    match rng.randrange(6):
        case 0:
            protocol["statusModule"]["overallStatus"] = rng.choice(["RECRUITING", "SUSPENDED", "COMPLETED", "UNKNOWN"])
        case 1:
            protocol["designModule"]["enrollmentInfo"]["count"] = rng.randrange(10, 500)
        case 2:
            protocol["eligibilityModule"]["minimumAge"] = f"{rng.randrange(1, 80)} Years"
        case 3:
            protocol["statusModule"]["completionDateStruct"] = {"date": f"20{rng.randrange(26, 40)}-0{rng.randrange(1, 10)}"}
        case 4:
            protocol["conditionsModule"] = {"conditions": [f"Example disease {rng.randrange(9)}"]}
        case _:
            protocol["statusModule"]["lastUpdatePostDateStruct"] = {"date": f"{house.at:%Y-%m-%d}", "type": "ACTUAL"}
    house.registry.put(study)


def trouble_by_chance(house: House, rng: random.Random) -> None:
    faults = house.registry.faults
    match rng.randrange(8):
        case 0:
            faults.fail(503, path=STUDIES)
        case 1:
            faults.html_instead(path=STUDIES)
        case 2:
            faults.fail(500, path="/api/v2/version")
        case 3:
            faults.cut(path=STUDIES, after=200)


def behind(house: House) -> dict[str, tuple[object, ...]]:
    """What the history does not know of the registry: the fields that differ, by trial."""
    found = {}
    with house.history() as history:
        for trial in TRIALS:
            version = versions.latest(history, trial, "ctgov")
            assert version is not None
            shown = house.registry.study(trial)
            now = record_from(json.dumps(shown).encode())
            if changes := compare(version.record, now):
                found[trial] = tuple(change.field for change in changes)
    return found


@pytest.mark.parametrize("seed", range(6))
def test_weeks_by_chance(house: House, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    rng = random.Random(seed)
    monkeypatch.setattr(ctgov, "WHOLE_AT_ONCE", 6)  # so that few trials are many
    for trial in TRIALS:
        house.registry.put(record.a_study(trial))
    house.watch(*TRIALS)
    house.sync(days=0)
    for _ in range(30):
        for _ in range(rng.choice((0, 0, 1, 3))):
            edit_by_chance(house, rng)
        trouble_by_chance(house, rng)
        house.sync(days=rng.choice((0.25, 0.5, 1)))
        house.registry.faults.clear()
    told = len(house.changes(housekeeping=True))
    for _ in range(7):  # a quiet week: a release a day, and nothing in it
        house.registry.release()
        house.sync(days=1)
    assert behind(house) == {}
    quiet = house.counts()
    house.registry.release()
    report = house.sync(full=True)
    assert (report.changes, report.is_partial) == (0, False)
    assert {**house.counts(), "run": quiet["run"]} == quiet
    assert told > 0


@pytest.mark.parametrize("seed", range(3))
def test_what_is_told_adds_up(house: House, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """The values before and after of each trial's status form one chain, without a gap and without a repeat."""
    rng = random.Random(100 + seed)
    monkeypatch.setattr(ctgov, "WHOLE_AT_ONCE", 6)
    for trial in TRIALS:
        house.registry.put(record.a_study(trial))
    house.watch(*TRIALS)
    house.sync(days=0)
    for _ in range(40):
        edit_by_chance(house, rng)
        trouble_by_chance(house, rng)
        house.sync(days=0.5)
        house.registry.faults.clear()
    house.sync()
    for trial in TRIALS:
        steps = [(change.before, change.after) for change in reversed(house.changes(trial=trial)) if change.field == "overall_status"]
        stands = "RECRUITING"
        for before, after in steps:
            assert before == stands != after
            stands = after
        assert stands == house.registry.study(trial)["protocolSection"]["statusModule"]["overallStatus"]
