"""``backfill`` of several trials: what befalls one is its own until a second one meets it too, and one fault is one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from registry_sync.demo import record
from registry_sync.demo.faults import Faults
from registry_sync.demo.wire import Reply, Request
from tests.cli.conftest import Said, Terminal

A, B, C, D, E = TRIALS = [f"NCT0000000{number}" for number in range(1, 6)]
Fault = Callable[[Faults, str], object]

TROUBLES: dict[str, Fault] = {
    "a web page": lambda faults, path: faults.html_instead(path=path, times=None),
    "500": lambda faults, path: faults.fail(500, path=path, times=None),
    "a connection that breaks": lambda faults, path: faults.cut(path=path, times=None, after=0),
}
FAULTS = {"404": lambda faults, path: faults.fail(404, path=path, times=None), **TROUBLES}


def studies(trial: str) -> str:
    return f"/api/int/studies/{trial}"


@pytest.fixture
def watched(terminal: Terminal) -> Terminal:
    """Five trials, each with two versions at the registry, the later one seen."""
    for trial in TRIALS:
        terminal.house.registry.put(record.touched(record.a_study(trial), "2025-01-27"))
        terminal.house.registry.put(record.with_completion(terminal.house.registry.study(trial), "2027-06-30", posted="2025-09-01"))
    terminal("init")
    terminal("watch", "add", *TRIALS)
    terminal("sync")
    terminal.house.registry.reset_log()
    return terminal


def loaded(said: Said) -> dict[str, int]:
    return {row["trial"]: row["loaded"] for row in said.json}


def asked(terminal: Terminal) -> set[str]:
    """The trials whose history was asked for."""
    return {request.path.split("/")[4] for request in terminal.house.registry.requests if request.path.startswith("/api/int/")}


def complaint(said: Said) -> str:
    (line,) = said.err.splitlines()
    return line


@pytest.mark.parametrize("order", [(A, B, C), (B, A, C), (B, C, A)], ids=["first", "second", "last"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_one_trial_in_trouble_stops_no_other(watched: Terminal, fault: Fault, order: tuple[str, ...]) -> None:
    fault(watched.house.registry.faults, studies(A))
    said = watched("backfill", *order, "--json")
    assert (said.code, loaded(said)) == (1, {A: 0, B: 1, C: 1})
    assert complaint(said).startswith(f"registry-sync: {A}: 127.0.0.1")
    assert f"{studies(A)}/history" in complaint(said)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_what_a_second_one_meets_is_the_sources_and_no_more_are_asked(watched: Terminal, fault: Fault) -> None:
    fault(watched.house.registry.faults, studies(""))
    said = watched("backfill", A, B, C, D, "--json")
    assert (said.code, asked(watched)) == (1, {A, B})
    assert complaint(said).startswith(f"registry-sync: {A} and {B}: 127.0.0.1")
    assert complaint(said).endswith("; not asked for: 2 more trials")
    assert studies("NCT.../history") in complaint(said)
    own, _, skipped, _ = (row["failed"][0] for row in said.json)
    assert own["error"].split("studies/")[1].startswith(f"{A}/history ")
    assert skipped["error"].startswith("not asked, because 127.0.0.1")
    assert not any(trial in skipped["error"] for trial in TRIALS)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_single_trial_in_trouble_is_one_line(watched: Terminal, fault: Fault) -> None:
    fault(watched.house.registry.faults, studies(A))
    said = watched("backfill", A)
    assert said.code == 1
    assert said.complaint.startswith(f"{A}: 127.0.0.1")
    assert "not asked" not in said.complaint


@pytest.mark.parametrize("fault", TROUBLES.values(), ids=TROUBLES)
def test_two_in_trouble_with_a_sound_one_between_them_stop_no_other(watched: Terminal, fault: Fault) -> None:
    for trial in (A, C):
        fault(watched.house.registry.faults, studies(trial))
    said = watched("backfill", A, B, C, D, "--json")
    assert loaded(said) == {A: 0, B: 1, C: 0, D: 1}
    assert complaint(said).startswith(f"registry-sync: {A} and {C}: ")


def test_histories_that_two_records_lack_are_asked_for_all_the_same_once_one_was_there(watched: Terminal) -> None:
    for trial in (B, C):
        watched.house.registry.faults.fail(404, path=studies(trial), times=None)
    assert loaded(watched("backfill", A, B, C, D, "--json")) == {A: 1, B: 0, C: 0, D: 1}


def test_no_connection_at_all_is_believed_at_once(watched: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_SYNC_CTGOV_URL", "http://127.0.0.1:9")
    said = watched("backfill", A, B, C)
    assert said.code == 1
    assert said.complaint == f"{A}: 127.0.0.1:9{studies(A)}/history refused the connection; not asked for: 2 more trials"


def test_versions_that_meet_trouble_count_for_their_trial(watched: Terminal) -> None:
    for trial in (A, B):
        for day in range(1, 7):
            study = watched.house.registry.study(trial)
            watched.house.registry.put(record.with_completion(study, f"2028-01-0{day}", posted=f"2025-10-0{day}"))
    watched("--database", "later.db", "watch", "add", A, B, C)
    watched.house.registry.faults.fail(503, path=studies(A) + "/history/", times=None)
    said = watched("--database", "later.db", "backfill", A)
    assert said.complaint.startswith(f"{A}, 5 versions from 0 to 4: 127.0.0.1")
    assert said.complaint.endswith(f"{studies(A)}/history/... answered 503 (service unavailable); not asked for: 3 more versions")

    watched.house.registry.faults.fail(503, path=studies(B) + "/history/", times=None)
    said = watched("--database", "later.db", "backfill", A, B, C)
    assert said.complaint.startswith(f"10 versions of {A} and {B}: 127.0.0.1")
    assert said.complaint.endswith("; not asked for: 6 more versions and 1 more trial")
    watched.house.registry.faults.clear()
    assert loaded(watched("--database", "later.db", "backfill", A, B, C, "--json")) == {A: 7, B: 7, C: 1}


def _refused(request: Request) -> Reply:
    del request
    return Reply(403, b"Forbidden", "text/plain")


def _of_another_shape(request: Request) -> Reply:
    del request
    return Reply(200, json.dumps({"versions": []}).encode(), "application/json")


@pytest.mark.parametrize(("answer", "says"), [(_refused, "answered 403 (forbidden)"), (_of_another_shape, "JSON of another shape")])
def test_the_same_fault_of_every_trial_is_one_line(watched: Terminal, answer: Callable[[Request], Reply], says: str) -> None:
    _answer_with(watched, answer, studies(""))
    said = watched("backfill", *TRIALS)
    assert (said.code, asked(watched)) == (1, set(TRIALS))
    assert said.complaint.startswith(f"{A}, {B} and 3 others: 127.0.0.1")
    assert says in said.complaint


def test_the_same_fault_of_every_version_is_one_line(watched: Terminal) -> None:
    answer = watched.house.registry.answer

    def versions_refused(request: Request) -> Reply:
        return _refused(request) if "/history/" in request.path else answer(request)

    _answer_with(watched, versions_refused, "")
    assert watched("backfill", A).complaint.startswith(f"{A}, 2 versions from 0 to 1: 127.0.0.1")
    said = watched("backfill", A, B, C)
    assert said.complaint.startswith(f"6 versions of {A}, {B} and {C}: 127.0.0.1")
    assert said.complaint.endswith(f"{studies('NCT.../history/...')} answered 403 (forbidden)")


def _answer_with(terminal: Terminal, answer: Callable[[Request], Reply], path: str) -> None:
    usual: Any = terminal.house.registry.answer
    terminal.house.registry.answer = lambda request: (  # type: ignore[method-assign]
        answer(request) if request.path.startswith(path) else usual(request)
    )


def damage(terminal: Terminal, *trials: str) -> None:
    with terminal.house.history() as history, history.write() as connection:
        for trial in trials:
            connection.execute("UPDATE version SET payload = substr(payload, 1, 30) WHERE trial = ?", (trial,))


def test_a_trial_whose_record_is_damaged_is_named_and_stops_no_other(watched: Terminal) -> None:
    damage(watched, B)
    said = watched("backfill", A, B, C, "--json")
    assert (said.code, loaded(said)) == (1, {A: 1, B: 0, C: 1})
    assert said.complaint.startswith(f"{B}: ")
    assert f"version 1 of {B} at ctgov is damaged" in said.complaint
    assert said.complaint.endswith("restore a backup")


def test_a_damaged_trial_alone_is_one_line(watched: Terminal) -> None:
    damage(watched, A)
    said = watched("backfill", A)
    assert (said.code, said.out) == (1, f"{A}: 0 versions loaded, 1 held, 0 backfilled changes, 1 failed\n")
    assert f"version 1 of {A} at ctgov is damaged" in said.complaint


def test_damaged_trials_are_one_fault(watched: Terminal) -> None:
    damage(watched, A, C)
    said = watched("backfill", *TRIALS)
    assert said.code == 1
    assert said.complaint.startswith(f"{A} and {C}: ")
