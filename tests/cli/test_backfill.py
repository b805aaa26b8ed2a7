"""``backfill`` as a user types it."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import Any

import pytest

from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.cli.conftest import Terminal

PATH = f"/api/int/studies/{TRIAL}/history"


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
    assert first == [{"trial": TRIAL, "loaded": 2, "held": 3, "changes": 2, "failed": []}]
    assert watched("backfill", TRIAL, "--json").json == [{**first[0], "loaded": 0}]


def test_a_version_that_cannot_be_had_is_named(watched: Terminal) -> None:
    watched.house.registry.faults.fail(500, path=f"{PATH}/1")
    said = watched("backfill", TRIAL)
    assert said.code == 1
    assert said.complaint.startswith(f"{TRIAL}, version 1: ")
    assert "answered 500" in said.complaint
    assert watched("backfill", TRIAL).code == 0


def test_a_registry_without_histories_gives_one_line(watched: Terminal) -> None:
    others = [f"NCT0000000{number}" for number in range(1, 5)]
    for other in others:
        watched.house.registry.put(record.a_study(other))
    watched("watch", "add", *others)
    watched("sync")
    watched.house.registry.show_history(False)
    watched.house.registry.reset_log()
    said = watched("backfill", TRIAL, *others)
    assert said.code == 1
    assert said.complaint.endswith(
        f"{PATH} answered 404 (not found): backfill needs the history of the registry's records, which is not to be had there"
    )
    assert len(watched.house.registry.requests) == 3  # both places of the list, and whether the record is there at all


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
    hold.wait_until_reached(timeout=30)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    hold.release()
    assert (process.returncode, err.decode().count("\n")) == (130, 1)
    registry.reset_log()
    assert watched("backfill", TRIAL).code == 0
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
        registry.wait_for_requests(requests, timeout=30)
        process.kill()
        process.wait(20)
    assert terminal("--database", "killed.db", "backfill", TRIAL).code == 0
    assert left_behind(terminal, "killed.db") == left_behind(terminal, "whole.db")
    assert len(registry.requests) < 2 * 28  # what was fetched is not asked for again
