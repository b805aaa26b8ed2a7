"""Looking back by either clock, at a trial under any of the ids that it has had."""

from __future__ import annotations

import pytest

from db import aliases, dated, lookback, watches
from db import history as versions
from db.connection import History
from registry_sync.demo.record import TRIAL
from tests.db.past import A_LONG_LINE, statuses

OLD = "NCT00000001"
OTHER = "NCT00000002"


def status(history: History, day: str, clock: lookback.Clock = "registry", trial: str = TRIAL) -> str | None:
    version = lookback.standing(history, trial, "ctgov", day, clock)
    return version.record.overall_status if version else None


@pytest.mark.parametrize(
    ("day", "registry", "seen"),
    [
        ("2019-03-03", None, None),
        ("2019-03-04", "NOT_YET_RECRUITING", None),
        ("2019-12-31", "NOT_YET_RECRUITING", None),
        ("2020-01-15", "RECRUITING", None),
        ("2024-01-20", "ACTIVE_NOT_RECRUITING", None),
        ("2026-02-02", "ACTIVE_NOT_RECRUITING", "ACTIVE_NOT_RECRUITING"),
        ("2026-02-16", "ACTIVE_NOT_RECRUITING", "ACTIVE_NOT_RECRUITING"),
        ("2026-02-17", "UNKNOWN", "UNKNOWN"),
        ("2026-03-02", "COMPLETED", "UNKNOWN"),
        ("2026-03-03", "COMPLETED", "COMPLETED"),
        ("2026-06-01", "COMPLETED", "COMPLETED"),  # the older versions were loaded on this day
        ("2099-01-01", "COMPLETED", "COMPLETED"),
    ],
)
def test_what_stood_on_a_day(history: History, day: str, registry: str | None, seen: str | None) -> None:
    statuses(history, *A_LONG_LINE)
    assert status(history, day) == registry
    assert status(history, day, "seen") == seen


def test_the_states_up_to_a_version(history: History) -> None:
    statuses(history, *A_LONG_LINE)
    version = lookback.standing(history, TRIAL, "ctgov", "2026-02-17", "registry")
    assert version is not None
    by_registry = lookback.states(history, version, "registry")
    assert [(state.day, state.headline["overall_status"], state.backfilled) for state in by_registry] == [
        ("2019-03-04", "NOT_YET_RECRUITING", True),
        ("2020-01-01", "RECRUITING", True),
        ("2024-01-20", "ACTIVE_NOT_RECRUITING", False),
        ("2026-02-17", "UNKNOWN", False),
    ]
    assert [state.day for state in lookback.states(history, version, "seen")] == ["2026-02-02", "2026-02-17"]
    assert lookback.first_day(history, TRIAL, "ctgov", "registry") == "2019-03-04"
    assert lookback.first_day(history, OTHER, "ctgov", "registry") is None


def test_numbers_and_neighbours(history: History) -> None:
    statuses(history, *A_LONG_LINE)
    second = lookback.numbered(history, TRIAL, "ctgov", 2)
    assert second is not None
    assert (second.number, second.record.overall_status, second.backfilled) == (2, "RECRUITING", True)
    assert lookback.numbered(history, TRIAL, "ctgov", 6) is None
    assert lookback.numbered(history, TRIAL, "https://example.org/1", 1) is None
    before, last = lookback.neighbours(history, TRIAL, "ctgov")
    assert [each and each.number for each in (before, last)] == [4, 5]
    assert lookback.neighbours(history, OTHER, "ctgov") == (None, None)


# --- ids that the registry merged --------------------------------------------------------------------------------------


def merge(history: History, old: str, new: str, day: str) -> None:
    with history.write():
        aliases.merge(history, old, new, f"{day}T06:17:00Z")


def test_a_line_that_moved_is_found_under_both_ids(history: History) -> None:
    statuses(history, ("RECRUITING", "2025-01-10", "2026-02-02", None), trial=OLD)
    watches.add(history, (OLD,), (), "2026-02-02T06:17:00Z")
    merge(history, OLD, TRIAL, "2026-03-01")
    for asked in (OLD, TRIAL):
        assert status(history, "2025-02-01", trial=asked) == "RECRUITING"
        assert lookback.held_under(history, asked, "ctgov") == [TRIAL]
        assert lookback.is_watched(history, asked)
        assert [row["trial"] for row in versions.versions(history, asked)] == [TRIAL]


def two_branches(history: History) -> None:
    statuses(history, ("RECRUITING", "2025-01-10", "2026-02-02", None), ("SUSPENDED", "2026-02-10", "2026-02-11", None), trial=OLD)
    statuses(history, ("NOT_YET_RECRUITING", "2025-06-01", "2026-02-02", None), ("COMPLETED", "2026-03-05", "2026-03-06", None))
    merge(history, OLD, TRIAL, "2026-03-01")


def test_each_of_two_branches_answers_for_its_own_time(history: History) -> None:
    two_branches(history)
    assert status(history, "2026-02-15", trial=OLD) == "SUSPENDED"
    assert status(history, "2026-02-15", trial=TRIAL) == "NOT_YET_RECRUITING"
    # the id led to the other record by then
    assert status(history, "2026-03-01", trial=OLD) == "NOT_YET_RECRUITING"
    assert status(history, "2026-03-05", trial=OLD) == "COMPLETED"
    # the current id's own line does not reach back so far
    assert status(history, "2025-02-01", trial=TRIAL) == "RECRUITING"
    assert status(history, "2025-01-09", trial=TRIAL) is None
    for asked in (OLD, TRIAL):
        latest = lookback.latest(history, asked, "ctgov")
        assert latest is not None
        assert (latest.trial, latest.record.overall_status) == (TRIAL, "COMPLETED")
        assert lookback.first_day(history, asked, "ctgov", "registry") == "2025-01-10"


def test_numbers_are_of_the_line_of_the_id_asked_for(history: History) -> None:
    two_branches(history)
    for asked, expected in ((OLD, "SUSPENDED"), (TRIAL, "COMPLETED")):
        version = lookback.numbered(history, asked, "ctgov", 2)
        assert version is not None
        assert version.record.overall_status == expected


def test_the_versions_of_both_branches_are_listed_under_either_id(history: History) -> None:
    two_branches(history)
    for asked in (OLD, TRIAL):
        assert [(row["trial"], row["number"]) for row in versions.versions(history, asked)] == [
            (TRIAL, 1), (TRIAL, 2), (OLD, 1), (OLD, 2),
        ]  # fmt: skip


# --- changes -----------------------------------------------------------------------------------------------------------


def told(history: History, **more: object) -> list[str]:
    return [str(change.after) for change in dated.changes(history, housekeeping=True, **more) if change.field == "overall_status"]  # type: ignore[arg-type]


def test_changes_of_either_branch_are_told_under_either_id(history: History) -> None:
    two_branches(history)
    for asked in (OLD, TRIAL):
        found = [change for change in dated.changes(history, trial=asked) if change.field == "overall_status"]
        assert [(change.trial, change.after) for change in found] == [(TRIAL, "COMPLETED"), (OLD, "SUSPENDED")]


def test_what_was_backfilled_stands_where_the_registry_dates_it(history: History) -> None:
    statuses(history, *A_LONG_LINE[2:], trial=OTHER)  # the ids of these changes are older than those of what is loaded later
    statuses(history, *A_LONG_LINE)
    assert told(history, trial=TRIAL) == ["COMPLETED", "UNKNOWN", "ACTIVE_NOT_RECRUITING"]
    newest_first = ["COMPLETED", "UNKNOWN", "ACTIVE_NOT_RECRUITING", "RECRUITING"]
    for clock in ("registry", "seen"):
        assert told(history, trial=TRIAL, backfilled=True, clock=clock) == newest_first
    together = told(history, backfilled=True)
    assert together == ["COMPLETED", "COMPLETED", "UNKNOWN", "UNKNOWN", "ACTIVE_NOT_RECRUITING", "RECRUITING"]


DATES_THAT_GO_BACK = (
    ("NOT_YET_RECRUITING", "2019-02-01", "", 0),
    ("RECRUITING", "2019-02-03", "", 1),
    ("SUSPENDED", "2019-02-10", "", 2),
    ("RECRUITING", "2019-02-05", "", 3),
    ("COMPLETED", "2019-03-01", "2026-02-02", None),
)


@pytest.mark.parametrize("clock", ["registry", "seen"])
def test_where_dates_go_back_the_story_is_told_as_it_went(history: History, clock: lookback.Clock) -> None:
    statuses(history, ("RECRUITING", "2019-01-01", "", 0), ("SUSPENDED", "2019-02-04", "", 1), trial=OTHER)
    statuses(history, *DATES_THAT_GO_BACK)
    found = [change for change in dated.changes(history, backfilled=True, clock=clock) if change.field == "overall_status"]
    assert [(change.day, change.before, change.after) for change in found] == [
        ("2019-03-01", "RECRUITING", "COMPLETED"),
        ("2019-02-05", "SUSPENDED", "RECRUITING"),
        ("2019-02-10", "RECRUITING", "SUSPENDED"),
        ("2019-02-04", "RECRUITING", "SUSPENDED"),  # the other trial's, among these by its date
        ("2019-02-03", "NOT_YET_RECRUITING", "RECRUITING"),
    ]


def test_since_goes_by_the_clock_that_is_asked_for(history: History) -> None:
    statuses(history, *A_LONG_LINE)

    def since(day: str, clock: str) -> list[str]:
        return told(history, since=f"{day}T00:00:00Z", clock=clock, backfilled=True)

    assert since("2026-03-03", "seen") == ["COMPLETED", "RECRUITING"]  # the latter was loaded in June
    assert since("2026-03-03", "registry") == []
    assert since("2026-03-02", "registry") == ["COMPLETED"]
    assert since("2026-02-17", "registry") == ["COMPLETED", "UNKNOWN"]  # not dated by the registry: of the day on which it was seen
    assert since("2024-01-21", "registry") == ["COMPLETED", "UNKNOWN"]
    assert since("2020-01-31", "registry") == ["COMPLETED", "UNKNOWN", "ACTIVE_NOT_RECRUITING", "RECRUITING"]  # some day of January
    assert since("2020-02-01", "registry") == ["COMPLETED", "UNKNOWN", "ACTIVE_NOT_RECRUITING"]
    assert [change.day for change in dated.changes(history, backfilled=True)] == ["2026-03-02", "2026-02-17", "2024-01-20", "2020-01"]
