"""The registry's earlier versions and what was seen live: one line, without a false change, whatever comes in between."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

import msgspec
import pytest

from db import history as versions
from db.connection import Row
from jobs.backfill import BackfillReport, TrialReport, backfill
from jobs.lock import only_one
from jobs.surroundings import Surroundings
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.demo.wire import Reply, Request
from registry_sync.errors import AlreadyRunning, Stopped, UsageError
from registry_sync.sources.interface import CTGOV
from tests.house import House

PATH = f"/api/int/studies/{TRIAL}/history"


def put(house: House, *posted: str) -> None:
    """Versions that were posted on these days, each with another completion date."""
    for day in posted:
        try:
            study = house.registry.study(TRIAL)
        except KeyError:
            study = record.the_study()
        house.registry.put(record.with_completion(study, f"2030-01-{day[8:]}", posted=day))


def line(house: House) -> list[Row]:
    with house.history() as history:
        return history.rows(
            "SELECT id, number, registry_version, registry_date, backfilled, markup FROM version WHERE source = 'ctgov' ORDER BY number"
        )


def dates(house: House) -> list[str]:
    return [row["registry_date"] for row in line(house)]


def told(house: House, field: str = "completion_date") -> list[tuple[str, str]]:
    """What was backfilled of a field, oldest first."""
    with house.history() as history:
        rows = history.rows("SELECT * FROM change WHERE backfilled = 1 AND field = ? ORDER BY id", (field,))
        kept = [versions.kept_change(row) for row in rows]
    return [(change.before["date"], change.after["date"]) for change in kept]


def everything(house: House) -> list[Row]:
    """All that a backfill leaves behind, without ids and times."""
    with house.history() as history:
        return history.rows(
            """SELECT version.number, version.registry_version, version.registry_date, version.content_hash, version.markup,
                      version.backfilled, change.field, change.operation, change."before", change."after", change.registry_date AS dated
               FROM version LEFT JOIN change ON change.version_id = version.id ORDER BY version.number, change.id"""
        )


def load(house: House, *trials: str) -> BackfillReport:
    return backfill(house.around, trials or (TRIAL,))


@pytest.fixture
def watched(house: House) -> House:
    """Four versions at the registry, the last of them seen live."""
    put(house, "2025-01-01", "2025-01-02", "2025-01-03", "2025-01-04")
    house.watch()
    house.sync()
    return house


# --- one line ------------------------------------------------------------------------------------------------------------


def test_versions_from_before_stand_before_the_first_one_seen(watched: House) -> None:
    report = load(watched)
    (one,) = report.trials
    assert (one.loaded, one.held, one.changes, one.failed) == (3, 4, 3, [])
    assert dates(watched) == ["2025-01-01", "2025-01-02", "2025-01-03", "2025-01-04"]
    assert [row["number"] for row in line(watched)] == [1, 2, 3, 4]
    assert [row["registry_version"] for row in line(watched)] == [0, 1, 2, 3]
    assert [row["backfilled"] for row in line(watched)] == [1, 1, 1, 0]
    assert told(watched) == [("2030-01-01", "2030-01-02"), ("2030-01-02", "2030-01-03"), ("2030-01-03", "2030-01-04")]
    assert watched.changes() == []
    assert watched.outbox() == []


def test_what_a_version_was_comes_back(watched: House) -> None:
    load(watched)
    with watched.history() as history:
        live = versions.latest(history, TRIAL, CTGOV)
        assert live is not None
        first = versions.at(history, TRIAL, CTGOV, "2025-01-01")
        assert first is not None
        assert first.markup == "html"
        assert first.record.completion_date is not None
        assert first.record.completion_date.date == "2030-01-01"
        assert b"derivedSection" not in versions.payload(history, first.id)
        texts = ("criteria", "brief_summary", "detailed_description", "arms", "interventions", "primary_outcomes", "lead_sponsor")
        assert [getattr(first.record, name) for name in texts] == [getattr(live.record, name) for name in texts]


def test_a_second_call_adds_nothing_and_asks_for_the_list_alone(watched: House) -> None:
    load(watched)
    before, counts = everything(watched), watched.counts()
    watched.registry.reset_log()
    report = load(watched)
    assert [request.path for request in watched.registry.requests] == [PATH]
    assert report.trials[0].loaded == 0
    assert everything(watched) == before
    assert {**watched.counts(), "run": 0} == {**counts, "run": 0}


def test_sync_sees_no_change_afterwards_and_goes_on_at_the_end_of_the_line(watched: House) -> None:
    load(watched)
    watched.registry.release()
    assert watched.sync().changes == 0
    put(watched, "2026-02-05")
    assert watched.sync().changes == 1
    assert dates(watched)[-2:] == ["2025-01-04", "2026-02-05"]
    watched.registry.reset_log()
    assert load(watched).trials[0].loaded == 0
    assert len(watched.registry.requests) == 1


def test_a_trial_of_which_nothing_is_held_is_synced_first(house: House) -> None:
    put(house, "2025-01-01", "2025-01-02")
    house.watch()
    assert load(house).trials[0].loaded == 1
    assert [row["backfilled"] for row in line(house)] == [1, 0]
    assert house.changes() == []


def test_only_what_came_before_the_first_one_seen_is_loaded(watched: House) -> None:
    put(watched, "2026-02-05", "2026-02-06")
    watched.sync()
    ids = [row["id"] for row in line(watched)]
    seen_live = [(change.id, change.field) for change in watched.changes()]
    report = load(watched)
    assert report.trials[0].loaded == 3
    assert dates(watched) == ["2025-01-01", "2025-01-02", "2025-01-03", "2025-01-04", "2026-02-06"]
    assert [row["id"] for row in line(watched)][-2:] == ids
    assert [(change.id, change.field) for change in watched.changes()] == seen_live


# --- where the two meet --------------------------------------------------------------------------------------------------


def test_what_the_registry_did_in_silence_is_told_at_the_meeting(house: House) -> None:
    put(house, "2025-01-01", "2025-01-02")
    house.registry.put(record.with_status(house.registry.study(TRIAL), "UNKNOWN"))
    house.watch()
    house.sync()
    report = load(house)
    assert report.trials[0].loaded == 2
    assert [row["registry_version"] for row in line(house)] == [0, 1, None]
    with house.history() as history:
        rows = history.rows(
            """SELECT field, "after", version.number FROM change JOIN version ON version.id = version_id
               WHERE change.backfilled = 1 AND change.significance != 'housekeeping' ORDER BY change.id"""
        )
    assert [(row["field"], row["number"]) for row in rows] == [("completion_date", 2), ("overall_status", 3)]
    before = everything(house)
    assert load(house).trials[0].loaded == 0
    assert everything(house) == before


@pytest.mark.parametrize(
    ("here", "there", "kept", "fields"),
    [
        (b"18 years of age or more", b"More than 18 years of age", [0, 1, 2, 3, None], ["criteria"]),
        (b"ol>", b"ul>", [0, 1, 2, 3], []),  # the numbers of a list are bullets there
    ],
    ids=["other words", "other marks"],
)
def test_the_texts_of_the_version_seen_differ_in_what_they_say_or_not_at_all(
    watched: House, here: bytes, there: bytes, kept: list[int | None], fields: list[str]
) -> None:
    answer = watched.registry.answer
    assert here in answer(Request("GET", f"{PATH}/3")).body
    watched.registry.answer = lambda request: _with(  # type: ignore[method-assign]
        answer(request), (here, there) if request.path.startswith(PATH) else (b"", b"")
    )
    load(watched)
    assert [row["registry_version"] for row in line(watched)] == kept
    assert [row["field"] for row in everything(watched) if row["number"] == 5] == fields
    assert "criteria" not in {row["field"] for row in everything(watched) if row["number"] < 5}
    before = everything(watched)
    assert load(watched).trials[0].loaded == 0
    assert everything(watched) == before


def _with(reply: Reply, words: tuple[bytes, bytes]) -> Reply:
    return dataclasses.replace(reply, body=reply.body.replace(*words)) if all(words) else reply


def test_a_first_sight_older_than_any_version_has_none_before_it(house: House) -> None:
    put(house, "2025-01-02")
    house.watch()
    house.sync()
    report = load(house)
    assert (report.trials[0].loaded, report.trials[0].held, report.is_partial) == (0, 1, False)
    assert [row["registry_version"] for row in line(house)] == [0]


def test_the_version_seen_live_may_be_missing_at_the_registry(watched: House) -> None:
    watched.registry.faults.fail(404, path=f"{PATH}/3", times=None)
    report = load(watched)
    assert [failure["version"] for failure in report.trials[0].failed] == [3]
    assert dates(watched) == ["2025-01-01", "2025-01-02", "2025-01-03", "2025-01-04"]
    assert told(watched)[-1] == ("2030-01-03", "2030-01-04")
    assert {row["field"] for row in everything(watched)} == {
        None, "completion_date", "last_update_post_date", "last_update_submit_date",
    }  # fmt: skip


def submitted(house: House, study: dict[str, Any], day: str) -> None:
    """A version that was submitted on another day than it was posted."""
    study["protocolSection"]["statusModule"]["lastUpdateSubmitDate"] = day
    house.registry.put(study)


@pytest.mark.parametrize("seen", [1, 2])
def test_two_versions_of_one_day_are_told_apart(house: House, seen: int) -> None:
    put(house, "2025-01-01")
    submitted(house, record.with_completion(house.registry.study(TRIAL), "2030-01-03", posted="2025-01-02"), "2025-01-01")
    house.watch()
    if seen == 1:
        house.sync()
    put(house, "2025-01-02")
    house.sync()
    assert load(house).trials[0].loaded == seen
    assert dates(house) == ["2025-01-01", "2025-01-02", "2025-01-02"]
    assert [row["registry_version"] for row in line(house)] == [0, 1, 2 if seen == 2 else None]
    assert told(house) == [("2030-01-01", "2030-01-03"), ("2030-01-03", "2030-01-02")][:seen]


@pytest.mark.parametrize(("is_submitted", "loaded"), [(True, 1), (False, 0)])
def test_a_first_sight_without_a_posted_date_goes_by_when_it_was_submitted(house: House, is_submitted: bool, loaded: int) -> None:
    put(house, "2025-01-01")
    study = record.with_completion(house.registry.study(TRIAL), "2030-01-02", posted="2025-01-02")
    del study["protocolSection"]["statusModule"]["lastUpdatePostDateStruct"]
    if not is_submitted:
        del study["protocolSection"]["statusModule"]["lastUpdateSubmitDate"]
    house.registry.put(study)
    house.registry.faults.fail(404, path=f"{PATH}/1", times=None)
    house.watch()
    house.sync()
    assert load(house).trials[0].loaded == loaded


def test_a_version_of_the_same_day_that_comes_later_stands_before_the_one_seen(house: House) -> None:
    put(house, "2025-01-01")
    submitted(house, record.with_completion(house.registry.study(TRIAL), "2030-01-02", posted="2025-01-02"), "2025-01-01")
    put(house, "2025-01-02")
    house.registry.put(record.with_status(house.registry.study(TRIAL), "UNKNOWN"))
    house.watch()
    house.sync()
    house.registry.faults.fail(500, path=f"{PATH}/1")
    load(house)
    report = load(house)
    assert (report.is_partial, report.trials[0].loaded) == (False, 1)
    assert [row["registry_version"] for row in line(house)] == [0, 1, 2, None]


def test_a_later_version_of_which_the_list_gives_no_date_is_left_to_what_is_seen_live(watched: House) -> None:
    put(watched, "2026-02-05")
    answer = watched.registry.answer
    watched.registry.answer = lambda request: _with(  # type: ignore[method-assign]
        answer(request), (b"2026-02-05", b"soon") if request.path == PATH else (b"", b"")
    )
    watched.registry.faults.fail(404, path=f"{PATH}/3", times=None)
    assert load(watched).trials[0].loaded == 3
    with watched.history() as history:
        before = history.rows("SELECT id, version_id FROM change ORDER BY id")
        assert load(watched).trials[0].loaded == 0
        assert history.rows("SELECT id, version_id FROM change ORDER BY id") == before
        assert history.rows("SELECT 1 FROM staged") == []
    assert dates(watched)[-1] == "2025-01-04"


# --- trouble -------------------------------------------------------------------------------------------------------------


def test_a_version_that_failed_is_put_in_its_place_by_the_next_call(watched: House) -> None:
    watched.registry.faults.fail(500, path=f"{PATH}/1")
    report = load(watched)
    assert [failure["version"] for failure in report.trials[0].failed] == [1]
    assert report.trials[0].loaded == 2
    assert told(watched)[0] == ("2030-01-01", "2030-01-03")
    assert load(watched).trials[0].loaded == 1
    mended = everything(watched)
    assert told(watched) == [("2030-01-01", "2030-01-02"), ("2030-01-02", "2030-01-03"), ("2030-01-03", "2030-01-04")]
    assert [row["number"] for row in line(watched)] == [1, 2, 3, 4]
    assert mended == whole(watched)


def whole(house: House) -> list[Row]:
    """What a backfill without any trouble leaves behind."""
    with house.history() as history, history.write() as connection:
        connection.execute("DELETE FROM change WHERE backfilled = 1")
        connection.execute("UPDATE version SET base = NULL, registry_version = NULL WHERE backfilled = 0")
        connection.execute("DELETE FROM version WHERE backfilled = 1")
        connection.execute("UPDATE version SET number = 1")
    assert load(house).trials[0].failed == []
    return everything(house)


def test_what_came_before_the_end_is_not_asked_for_again(watched: House) -> None:
    stop = threading.Event()

    class StopsAtTheSecond:
        steps = 0

        def begin(self, what: str, total: int) -> None:
            assert (TRIAL in what, total) == (True, 4)

        def step(self, what: str = "") -> None:
            self.steps += 1
            if self.steps == 2:
                stop.set()

        def end(self) -> None:
            pass

    around = Surroundings(watched.settings, now=lambda: watched.at, stop=stop, progress=StopsAtTheSecond())
    report = backfill(around, (TRIAL,))
    assert report.stopped
    assert (report.trials[0].loaded, report.trials[0].waiting) == (0, 2)
    assert len(line(watched)) == 1
    watched.registry.reset_log()
    assert load(watched).trials[0].loaded == 3
    assert [request.path for request in watched.registry.requests] == [PATH, f"{PATH}/2", f"{PATH}/3"]
    assert everything(watched) == whole(watched)


def test_a_registry_in_trouble_is_not_asked_for_every_version(house: House) -> None:
    put(house, *(f"2025-01-{day:02}" for day in range(1, 21)))
    house.watch()
    house.sync()
    house.registry.reset_log()
    house.registry.faults.fail(503, path=f"{PATH}/", times=None)
    report = load(house)
    assert len(house.registry.requests) == 6
    assert len(report.trials[0].failed) == 20
    house.registry.faults.clear()
    assert load(house).trials[0].loaded == 19


def test_what_is_kept_of_a_run_stays_small_whatever_failed() -> None:
    report = BackfillReport([TrialReport(f"NCT{number:08}", loaded=2, held=3) for number in range(1000)])
    for number, trial in enumerate(report.trials):
        trial.fail(f"a fault of its own, {number}: {'x' * 2000}", version=1)
    kept = report.as_kept()
    assert (kept["trials"], kept["loaded"], kept["held"], len(kept["failures"]), kept["failures_otherwise"]) == (1000, 2000, 3000, 20, 980)
    assert len(msgspec.json.encode(kept)) < 12_000


def test_a_page_in_place_of_a_version_is_named_and_not_kept(watched: House) -> None:
    watched.registry.faults.html_instead(path=f"{PATH}/1")
    report = load(watched)
    assert [failure["version"] for failure in report.trials[0].failed] == [1]
    assert dates(watched) == ["2025-01-01", "2025-01-03", "2025-01-04"]


def test_a_version_without_a_status_is_named_and_not_kept(watched: House) -> None:
    answer = watched.registry.answer
    watched.registry.answer = lambda request: _with(  # type: ignore[method-assign]
        answer(request), (b'"overallStatus"', b'"x"') if request.path == f"{PATH}/1" else (b"", b"")
    )
    report = load(watched)
    assert [(failure["version"], "has no overall status" in failure["error"]) for failure in report.trials[0].failed] == [(1, True)]
    assert dates(watched) == ["2025-01-01", "2025-01-03", "2025-01-04"]


def test_a_trial_that_the_registry_no_longer_shows_does_not_stop_the_others(watched: House) -> None:
    other = "NCT00000001"
    watched.registry.put(record.a_study(other))
    watched.watch(other)
    watched.sync()
    watched.registry.remove(other)
    report = load(watched, other, TRIAL)
    assert report.problem is None
    assert [trial.loaded for trial in report.trials] == [0, 3]
    assert "does not show NCT00000001 any more" in report.trials[0].failed[0]["error"]


def test_a_trial_that_is_not_known_is_refused(house: House) -> None:
    house.watch()
    with pytest.raises(UsageError, match="NCT00000001 is not watched"):
        load(house, TRIAL, "NCT00000001")


def test_the_second_of_two_at_once_is_refused(watched: House) -> None:
    with only_one(watched.around.database, "backfill"), pytest.raises(AlreadyRunning, match="another backfill is running"):
        load(watched)


def test_an_id_that_the_registry_never_knew_is_named(house: House) -> None:
    house.watch("NCT00000001")
    report = load(house, "NCT00000001")
    assert report.is_partial
    assert report.trials[0].failed[0]["version"] is None
    assert "does not know" in report.trials[0].failed[0]["error"]


def test_an_alias_is_loaded_under_the_id_that_it_has_now(watched: House) -> None:
    watched.registry.alias("NCT00000001", TRIAL)
    watched.watch("NCT00000001")
    watched.sync()
    report = load(watched, "NCT00000001")
    assert [trial.trial for trial in report.trials] == [TRIAL]
    assert report.trials[0].loaded == 3


def test_a_wait_ends_with_the_wish_to_stop(watched: House) -> None:
    watched.settings = msgspec.structs.replace(watched.settings, http=msgspec.structs.replace(watched.settings.http, requests_per_minute=1))
    stop = threading.Event()
    stop.set()
    report = backfill(Surroundings(watched.settings, now=lambda: watched.at, stop=stop), (TRIAL,))
    assert report.stopped
    with pytest.raises(Stopped):
        Surroundings(watched.settings, stop=stop).pause(60)


def test_a_line_that_changed_meanwhile_is_named_and_what_came_is_kept(watched: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("db.backfills.put", lambda *_, **__: False)
        report = load(watched)
    assert (report.trials[0].loaded, report.trials[0].failed[0]["error"]) == (0, "its versions changed meanwhile; run this again")
    watched.registry.reset_log()
    assert load(watched).trials[0].loaded == 3
    assert len(watched.registry.requests) == 1
