"""``backfill`` as a user types it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.cli.conftest import Terminal
from tests.waiting import PATIENCE

PATH = f"/api/int/studies/{TRIAL}/history"
Edit = Callable[[dict[str, Any]], object]


@pytest.fixture
def watched(terminal: Terminal) -> Terminal:
    """A trial with three versions at the registry, of which nothing is held yet."""
    study = record.with_status(record.the_study(), "NOT_YET_RECRUITING")
    first = record.touched(study, "2025-01-27")
    terminal.house.registry.put(first)
    terminal.house.registry.put(record.with_status(first, "RECRUITING", posted="2025-03-03"))
    terminal.house.registry.put(record.with_completion(terminal.house.registry.study(TRIAL), "2027-06-30", posted="2025-09-01"))
    terminal("init")
    terminal("watch", "add", TRIAL)
    return terminal


def test_earlier_versions_are_loaded_and_told_by_their_own_list_alone(watched: Terminal) -> None:
    said = watched("backfill", TRIAL.lower())
    assert said.code == 0
    assert said.out == f"{TRIAL}: 2 versions loaded, 3 held, 2 backfilled changes\n"
    assert watched("changes", TRIAL, "--json").json == []
    told = [(row["field"], row["registry_date"]) for row in watched("changes", TRIAL, "--backfilled", "--json").json]
    assert ("overall_status", "2025-03-03") in told
    assert ("completion_date", "2025-09-01") in told
    assert len(watched("history", TRIAL, "--json").json) == 3
    assert watched("show", TRIAL, "--at", "2025-02-01", "--json").json["overall_status"] == "NOT_YET_RECRUITING"
    assert watched("outbox", "--json").json == []


def test_the_json_says_it_for_each_trial(watched: Terminal) -> None:
    first = watched("backfill", TRIAL, "--json").json
    assert first == [{"trial": TRIAL, "loaded": 2, "held": 3, "changes": 2, "waiting": 0, "failed": []}]
    assert watched("backfill", TRIAL, "--json").json == [{**first[0], "loaded": 0}]


def test_a_version_that_cannot_be_had_is_named(watched: Terminal) -> None:
    watched.house.registry.faults.fail(500, path=f"{PATH}/1")
    said = watched("backfill", TRIAL)
    assert said.code == 1
    assert said.complaint.startswith(f"{TRIAL}, version 1: ")
    assert "answered 500" in said.complaint
    assert watched("backfill", TRIAL).code == 0


def add_criterion(protocol: dict[str, Any]) -> None:
    protocol["eligibilityModule"]["eligibilityCriteria"] += "\n99. Has met a zebra"


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (add_criterion, "criteria"),
        (lambda protocol: protocol["contactsLocationsModule"]["locations"][0].update(city="Elsewhere"), "locations"),
        (lambda protocol: protocol["statusModule"]["studyFirstPostDateStruct"].update(type="ESTIMATED"), "first_post_date"),
        (lambda protocol: protocol["statusModule"]["lastUpdatePostDateStruct"].update(type="ESTIMATED"), "last_update_post_date"),
    ],
    ids=["a criterion more", "another city", "another type of a posted date", "another type of the last one"],
)
def test_what_the_version_seen_live_has_otherwise_is_told_and_the_registrys_own_kept(watched: Terminal, edit: Edit, field: str) -> None:
    study = watched.house.registry.study(TRIAL)
    edit(study["protocolSection"])
    watched.house.registry.put(study)
    said = watched("backfill", TRIAL)
    assert (said.code, said.out) == (0, f"{TRIAL}: 3 versions loaded, 4 held, {said.out.split(', ')[-1]}")
    told = watched("changes", TRIAL, "--backfilled", "--all", "--json").json
    last = watched("history", TRIAL, "--json").json
    assert [row["backfilled"] for row in sorted(last, key=lambda row: row["number"])] == [True, True, True, False]
    assert told[0]["field"] == field
    assert watched("backfill", TRIAL, "--json").json[0]["loaded"] == 0


def test_a_record_without_any_date_has_none_placed_before_it(watched: Terminal) -> None:
    study = watched.house.registry.study(TRIAL)
    for name in ("lastUpdatePostDateStruct", "lastUpdateSubmitDate"):
        del study["protocolSection"]["statusModule"][name]
    watched.house.registry.put(study)
    watched("sync")
    watched.house.registry.reset_log()
    said = watched("backfill", TRIAL)
    assert said.code == 1
    assert said.complaint == f"{TRIAL}: the version seen live has no date, so that the versions listed (4) cannot be placed before it"
    assert [request.path for request in watched.house.registry.requests] == [PATH]
    assert len(watched("history", TRIAL, "--json").json) == 1


@pytest.mark.parametrize("database", ["gone.db", "gone/history.db"])
def test_a_database_that_is_not_there_is_refused_as_by_any_command(watched: Terminal, database: str) -> None:
    before = sorted(watched.house.folder.iterdir())
    said = watched("--database", database, "backfill", TRIAL)
    assert (said.code, said.err) == (2, watched("--database", database, "history", TRIAL).err)
    assert "there is no such database" in said.complaint
    assert sorted(watched.house.folder.iterdir()) == before


@pytest.mark.parametrize(("ids", "complaint"), [(["NCT1"], "'NCT1' is not a trial id"), (["NCT00000001"], "NCT00000001 is not watched")])
def test_what_cannot_be_meant_is_refused_before_anything_is_asked(watched: Terminal, ids: list[str], complaint: str) -> None:
    watched.house.registry.reset_log()
    said = watched("backfill", TRIAL, *ids)
    assert (said.code, said.complaint.startswith(complaint)) == (2, True)
    assert watched.house.registry.requests == ()


def test_ctrl_c_ends_it_with_130_and_the_next_call_goes_on(watched: Terminal) -> None:
    registry = watched.house.registry
    watched("sync")
    registry.reset_log()
    hold = registry.faults.hang(path=f"{PATH}/1")
    process = subprocess.Popen(
        [sys.executable, "-m", "registry_sync", "backfill", TRIAL], cwd=watched.house.folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE
    )
    hold.wait_until_reached()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    hold.release()
    assert (process.returncode, err.decode().count("\n")) == (130, 1)
    row = f"{TRIAL}: 0 versions loaded, 1 held, 0 backfilled changes, 1 version fetched, to be put in by the next call\n"
    assert out.decode() == row
    registry.reset_log()
    said = watched("backfill", TRIAL)
    assert (said.code, said.out) == (0, f"{TRIAL}: 2 versions loaded, 3 held, 2 backfilled changes\n")
    assert [request.path for request in registry.requests] == [PATH, f"{PATH}/1", f"{PATH}/2"]


# --- SIGKILL -------------------------------------------------------------------------------------------------------------


def left_behind(terminal: Terminal, database: str) -> list[Any]:
    """What a user sees of the versions and their changes, without ids and times."""
    listings = [
        terminal("--database", database, *command, "--json").json for command in (("history", TRIAL), ("changes", "--backfilled", "--all"))
    ]
    return [{key: value for key, value in row.items() if key not in ("id", "seen_at")} for listing in listings for row in listing]


def test_a_backfill_that_was_killed_ends_as_one_that_was_not(terminal: Terminal) -> None:
    registry = terminal.house.registry
    for day in range(1, 28):
        registry.put(record.with_completion(record.the_study(), f"2030-01-{day:02}", posted=f"2025-01-{day:02}"))
    for database in ("whole.db", "killed.db"):
        terminal("--database", database, "watch", "add", TRIAL)
        terminal("--database", database, "sync")
    assert terminal("--database", "whole.db", "backfill", TRIAL).code == 0
    registry.reset_log()
    for requests in (2, 8, 28):
        backfill = [sys.executable, "-m", "registry_sync", "--database", "killed.db", "backfill", TRIAL]
        process = subprocess.Popen(backfill, cwd=terminal.house.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        registry.wait_for_requests(requests)
        process.kill()
        process.wait(PATIENCE)
    assert terminal("--database", "killed.db", "backfill", TRIAL).code == 0
    assert left_behind(terminal, "killed.db") == left_behind(terminal, "whole.db")
    assert len(registry.requests) < 2 * 28  # what was fetched is not asked for again
