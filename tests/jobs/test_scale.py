"""Many trials at the price of a few requests, and nothing missed for it."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from db import history as versions
from db import looks
from jobs import pull
from jobs.store import due_at
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.sources import ctgov, ctgov_record
from tests.house import House

MANY = [f"NCT{number:08}" for number in range(1, 301)]
"""More than are asked for whole in one request, so that a glance comes first."""
UNKNOWN = "NCT00009999"


def begin(house: House, trials: list[str] = MANY) -> None:
    """These trials are in the registry and were seen once; a coordinator follows all of them."""
    for trial in trials:
        house.registry.put(record.a_study(trial))
    house.watch(*trials)
    house.subscribe("desk@example.org", *trials, role="coordinator")
    house.sync(days=0)
    house.registry.reset_log()


def asked(house: House) -> list[str]:
    """What the registry was asked since the last time that this was called: the kinds of request."""
    kinds = []
    for request in house.registry.requests:
        fields = dict(request.query).get("fields", "")
        kind = {"": "version", ctgov.GLANCE_FIELDS: "glance", ctgov.FIELDS: "whole"}.get(fields, fields)
        kinds.append(f"{kind} {request.path.rpartition('/')[2]}" if "/studies/" in request.path else kind)
    house.registry.reset_log()
    return kinds


def edit(house: House, trial: str, module: str, **values: Any) -> None:
    """Change a module of a record in silence: no date of the record moves."""
    study = house.registry.study(trial)
    study["protocolSection"][module].update(values)
    house.registry.put(study)


def silence(house: House, trial: str = MANY[7]) -> None:
    """The registry corrects a number outside the status, and tells nobody."""
    edit(house, trial, "designModule", enrollmentInfo={"count": 4711, "type": "ESTIMATED"})


# The gate


def test_when_nothing_was_released_one_question_is_enough(house: House) -> None:
    begin(house)
    report = house.sync()
    assert asked(house) == ["version"]
    assert (report.sources[0].requests, report.sources[0].checked, report.sources[0].failed) == (1, 300, [])
    assert report.released is not None
    assert not report.is_partial


def test_a_trial_without_a_record_is_asked_for_and_reopens_the_gate_for_no_other(house: House) -> None:
    begin(house)
    house.watch(UNKNOWN)
    for _ in range(2):
        report = house.sync()
        assert asked(house) == ["version", "whole", f"whole {UNKNOWN}"]
        assert [failure["trial"] for failure in report.sources[0].failed] == [UNKNOWN]
        assert report.sources[0].checked == 301


def test_a_trial_that_is_watched_later_is_recorded_without_a_release(house: House) -> None:
    begin(house)
    house.watch("NCT00000900")
    house.registry._studies["NCT00000900"] = record.a_study("NCT00000900")  # the registry had it all the time
    report = house.sync()
    assert (report.sources[0].baselines, report.changes) == (1, 0)
    assert asked(house) == ["version", "whole"]
    house.sync()
    assert asked(house) == ["version"]


def test_what_failed_is_asked_for_again_though_nothing_was_released(house: House) -> None:
    begin(house)
    edit(house, MANY[0], "statusModule", overallStatus="SUSPENDED")
    house.registry.faults.fail(503, path="/api/v2/studies")
    assert house.sync().is_partial
    asked(house)
    report = house.sync()
    assert (report.changes, report.is_partial) == (1, False)
    house.sync()
    assert asked(house)[-1] == "version"


def test_one_trial_asked_for_by_name_settles_that_one_alone(house: House) -> None:
    begin(house)
    house.registry.release()
    house.sync(MANY[3], days=0.1)
    assert asked(house) == ["version", "whole"]
    house.sync(days=0.1)
    assert asked(house) == ["version", "glance"]


def test_full_asks_for_every_record_whatever_the_short_cuts(house: House) -> None:
    begin(house)
    report = house.sync(full=True)
    assert asked(house) == ["version", "whole", "whole"]
    assert (report.sources[0].checked, report.sources[0].failed, report.changes) == (300, [], 0)


@pytest.mark.parametrize("status", [404, 500])
def test_a_registry_that_does_not_tell_its_release_is_asked_for_everything(house: House, status: int) -> None:
    begin(house)
    house.registry.faults.fail(status, path="/api/v2/version", times=None)
    edit(house, MANY[0], "statusModule", overallStatus="SUSPENDED")
    for changes in (1, 0):
        report = house.sync()
        assert (report.changes, report.is_partial) == (changes, False)
        assert asked(house) == ["version", "whole", "whole"]


def test_a_registry_that_is_down_is_asked_once(house: House) -> None:
    begin(house)
    house.registry.stop()
    report = house.sync()
    assert (report.sources[0].requests, len(report.sources[0].failed)) == (1, 300)
    assert len(report.failures()) == 1
    house.registry.start()
    assert not house.sync().is_partial


def test_older_data_of_a_machine_that_is_behind_are_not_taken_in(house: House) -> None:
    begin(house)
    before = [house.registry.study(trial) for trial in MANY[:3]]
    newer = house.at + datetime.timedelta(hours=9)
    for trial in MANY[:3]:
        edit(house, trial, "statusModule", overallStatus="SUSPENDED")
    house.registry.release(newer)
    assert house.sync().changes == 3
    for study in before:
        house.registry.put(study)
    house.registry.release(newer - datetime.timedelta(hours=20))
    asked(house)
    report = house.sync()
    assert (report.changes, report.is_partial, asked(house)) == (0, False, ["version"])
    assert (house.sync(full=True).changes, asked(house)) == (0, ["version"])
    for trial in MANY[:3]:
        edit(house, trial, "statusModule", overallStatus="SUSPENDED")
    house.registry.release(newer + datetime.timedelta(days=1))
    assert house.sync().changes == 0


def test_a_clock_that_was_far_ahead_once_stops_nothing(house: House) -> None:
    begin(house)
    house.registry.release(house.at + datetime.timedelta(days=400))
    house.sync()
    edit(house, MANY[0], "statusModule", overallStatus="SUSPENDED")
    house.registry.release(house.at)
    assert house.sync().changes == 1


@pytest.mark.parametrize("stamp", [None, "", "x" * 5000, 7])
def test_a_release_that_is_no_time_settles_nothing(house: House, stamp: Any) -> None:
    begin(house, MANY[:5])
    house.registry.serve_timestamp(stamp)
    edit(house, MANY[0], "statusModule", overallStatus="SUSPENDED")
    assert house.sync().changes == 1
    edit(house, MANY[1], "statusModule", overallStatus="SUSPENDED")
    assert house.sync().changes == 1


# Glances


def test_a_release_without_news_costs_a_glance(house: House) -> None:
    begin(house)
    before = house.counts()
    house.registry.release()
    report = house.sync()
    assert asked(house) == ["version", "glance"]
    assert (report.changes, report.sources[0].checked) == (0, 300)
    assert {**house.counts(), "run": before["run"]} == before
    house.sync()
    assert asked(house) == ["version"]


def test_only_what_a_glance_shows_changed_is_asked_for_whole(house: House) -> None:
    begin(house)
    for trial in MANY[:10]:
        house.registry.put(record.with_status(house.registry.study(trial), "SUSPENDED", posted="2026-02-03"))
    report = house.sync()
    assert asked(house) == ["version", "glance", "whole"]
    assert (report.changes, report.sources[0].changed, report.sources[0].checked) == (10, 10, 300)


@pytest.mark.parametrize(
    "values",
    [
        {"overallStatus": "UNKNOWN", "lastKnownStatus": "RECRUITING"},
        {"whyStopped": "Funding"},
        {"completionDateStruct": {"date": "2031-01", "type": "ESTIMATED"}},
    ],
    ids=["UNKNOWN", "reason", "completion"],
)
def test_a_silent_change_of_status_or_dates_is_seen_in_the_same_sync(house: House, values: dict[str, Any]) -> None:
    begin(house)
    edit(house, MANY[42], "statusModule", **values)
    house.sync()
    assert {change.trial for change in house.changes()} == {MANY[42]}


def test_any_other_silent_change_is_seen_within_a_week_once(house: House) -> None:
    begin(house)
    silence(house)
    seen = []
    for _ in range(7):
        house.registry.release()
        seen.append(house.sync().changes)
    assert sum(seen) == 1
    assert [change.field for change in house.changes()] == ["enrollment"]


def test_of_a_few_trials_every_silent_change_is_seen_at_once(house: House) -> None:
    begin(house, MANY[:20])
    silence(house)
    assert house.sync().changes == 1
    assert asked(house) == ["version", "whole"]


def test_the_full_look_is_spread_over_the_days_and_leaves_out_nobody(house: House) -> None:
    now = house.at
    hours = [(datetime.datetime.fromisoformat(due_at(f"NCT{number:08}", now)) - now).total_seconds() / 3600 for number in range(10_000)]
    assert min(hours) >= 36
    assert max(hours) <= 132
    by_day = [sum(low <= hour < low + 24 for hour in hours) for low in (36, 60, 84, 108)]
    assert min(by_day) > 2_300


def test_a_trial_that_a_glance_does_not_show_is_looked_for(house: House) -> None:
    begin(house)
    house.registry.remove(MANY[5])
    report = house.sync()
    assert asked(house) == ["version", "glance", "whole", f"whole {MANY[5]}"]
    assert [failure["trial"] for failure in report.sources[0].failed] == [MANY[5]]
    assert report.sources[0].checked == 300


def test_a_glance_that_fails_is_named_and_looked_at_again(house: House) -> None:
    begin(house)
    edit(house, MANY[0], "statusModule", overallStatus="SUSPENDED")
    house.registry.faults.html_instead(path="/api/v2/studies")
    report = house.sync()
    assert len(report.sources[0].failed) == 300
    assert house.sync().changes == 1


def test_many_chunks_are_the_same_as_one(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "_AT_ONCE", 40)
    begin(house)
    for trial in MANY[::60]:
        edit(house, trial, "statusModule", overallStatus="SUSPENDED")
    report = house.sync()
    assert {change.trial for change in house.changes() if change.field == "overall_status"} == set(MANY[::60])
    assert report.sources[0].checked == 300
    assert "glance" in asked(house)


# Carrying on


def test_a_sync_that_was_cut_off_is_carried_on(house: House) -> None:
    begin(house)
    house.registry.release()
    with house.history() as history, history.write() as connection:
        looks.glanced(connection, MANY[:250], house.registry.data_timestamp, "2026-02-02T00:00:00Z")
    house.sync()
    assert asked(house) == ["version", "whole"]


def test_the_history_of_thousands_of_trials_does_not_grow_without_a_change(house: House) -> None:
    begin(house)

    def size() -> int:
        with house.history() as history:
            history.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return int(history.rows("PRAGMA page_count")[0]["page_count"])

    house.registry.release()
    house.sync()
    before = size()
    for _ in range(5):
        house.registry.release()
        house.sync()
    assert size() <= before + 1  # the table of runs


def test_the_whole_record_of_the_demo_comes_back_from_what_is_kept(house: House) -> None:
    begin(house, [TRIAL])
    with house.history() as history:
        version = versions.latest(history, TRIAL, "ctgov")
        assert version is not None
        assert ctgov_record.record_from(versions.payload(history, version.id)) == version.record
