"""When a trial counts as ended in the EU, by whatever ended it: an event, in one Member State or all, or a halt of two years."""

from __future__ import annotations

import datetime

import pytest

from registry_sync.trials.binding import Oversight
from registry_sync.trials.deadlines import Event, Owed, owed
from registry_sync.trials.record import Location, Record

HALT = Event("halted", "2024-02-29")
LAST = "2026-02-28"
"""The last day of its two years."""


def rows(events: list[Event], today: str, *countries: str) -> dict[str, Owed]:
    """By key what is owed to CTIS on a day, of a trial with a site in each of the countries."""
    record = Record(
        trial="NCT00000002",
        study_type="OBSERVATIONAL",
        secondary_ids=("2024-516715-25-00",),
        overall_status="RECRUITING",
        locations=tuple(Location(city="Site A", country=country) for country in countries) or None,
    )
    found = owed(record, Oversight(), events, today=datetime.date.fromisoformat(today))
    return {row.key: row for row in found if row.rule in ("eu-halt-ends", "eu-end", "eu-summary")}


def stands(events: list[Event], today: str, *countries: str) -> dict[str, tuple[str, str | None]]:
    return {key: (row.state, row.by) for key, row in rows(events, today, *countries).items()}


@pytest.mark.parametrize(("today", "state"), [("2025-11-29", "due"), ("2025-11-30", "due soon"), (LAST, "due soon")])
def test_within_two_years_a_halt_ends_nothing(today: str, state: str) -> None:
    assert stands([HALT], today) == {"eu-halt-ends halted 2024-02-29": (state, LAST)}


@pytest.mark.parametrize(("today", "end"), [("2026-03-01", "due soon"), ("2026-03-15", "due soon"), ("2026-03-16", "overdue")])
def test_a_halt_of_two_years_is_the_end_from_which_the_clocks_of_an_end_run(today: str, end: str) -> None:
    found = rows([HALT], today)
    assert {key: (row.state, row.by) for key, row in found.items()} == {
        "eu-halt-ends halted 2024-02-29": ("past", LAST),  # nothing is owed by it
        "eu-end halted 2024-02-29": (end, "2026-03-15"),
        "eu-summary halted 2024-02-29": ("due", "2027-02-28"),
    }
    assert {row.since for row in found.values() if row.rule != "eu-halt-ends"} == {LAST}


def test_a_halt_that_was_resumed_on_the_last_day_ends_nothing() -> None:
    assert stands([HALT, Event("restarted", LAST)], "2026-03-20") == {}


def test_a_restart_after_the_two_years_takes_nothing_back() -> None:
    assert stands([HALT, Event("restarted", "2026-03-01")], "2026-03-20") == stands([HALT], "2026-03-20")


def test_a_trial_that_was_ended_within_the_two_years_ended_on_that_day() -> None:
    assert stands([HALT, Event("ended", LAST)], "2026-03-20") == {
        f"eu-end ended {LAST}": ("overdue", "2026-03-15"),
        f"eu-summary ended {LAST}": ("due", "2027-02-28"),
    }


def test_an_end_after_the_two_years_counts_from_their_last_day() -> None:
    found = rows([HALT, Event("ended", "2026-03-10")], "2026-03-12")
    assert {key: (row.state, row.by) for key, row in found.items()} == {
        "eu-end ended 2026-03-10": ("due soon", "2026-03-15"),
        "eu-summary ended 2026-03-10": ("due", "2027-02-28"),
    }
    assert {row.since for row in found.values()} == {LAST}


def test_a_halt_in_one_member_state_ends_the_trial_there() -> None:
    halt = Event("halted", "2024-02-29", "Denmark")
    assert set(stands([halt], "2026-03-01", "Denmark", "Sweden")) == {
        "eu-halt-ends halted 2024-02-29 Denmark",
        "eu-end halted 2024-02-29 Denmark",
    }
    with_sweden = stands([halt, Event("ended", "2026-02-10", "Sweden")], "2026-03-01", "Denmark", "Sweden")
    assert with_sweden["eu-summary halted 2024-02-29 Denmark"] == ("due", "2027-02-28")


def test_a_second_halt_ends_what_the_first_has_ended_no_second_time() -> None:
    found = stands([HALT, Event("halted", "2024-06-03")], "2026-08-01")
    assert [key for key in found if key.startswith("eu-end")] == ["eu-end halted 2024-02-29"]
    assert [key for key in found if key.startswith("eu-summary")] == ["eu-summary halted 2024-02-29"]


def test_an_end_in_each_member_state_takes_the_place_of_a_halt_in_all() -> None:
    ends = [Event("ended", "2026-03-10", "Denmark"), Event("ended", "2026-03-11", "Sweden")]
    assert stands([HALT, *ends], "2026-03-12", "Denmark", "Sweden") == {
        "eu-end ended 2026-03-10 Denmark": ("due soon", "2026-03-15"),
        "eu-end ended 2026-03-11 Sweden": ("due soon", "2026-03-15"),
        "eu-summary ended 2026-03-11 Sweden": ("due", "2027-02-28"),
    }
    assert "eu-summary halted 2024-02-29" in stands([HALT, *ends[:1]], "2026-03-12", "Denmark", "Sweden")


def summaries(events: list[Event], *countries: str) -> dict[str, str | None]:
    return {key: row.by for key, row in rows(events, "2026-03-01", *countries).items() if row.rule == "eu-summary"}


IN_DENMARK, IN_SWEDEN = Event("ended", "2026-02-10", "Denmark"), Event("ended", "2026-02-20", "Sweden")


def test_an_end_in_each_member_state_of_the_record_is_one_in_all() -> None:
    assert summaries([IN_DENMARK], "Denmark", "Sweden", "United States") == {}
    assert summaries([IN_DENMARK, IN_SWEDEN], "Denmark", "Sweden", "United States") == {"eu-summary ended 2026-02-20 Sweden": "2027-02-20"}
    assert summaries([IN_SWEDEN, IN_DENMARK], "Denmark", "Denmark") == {"eu-summary ended 2026-02-20 Sweden": "2027-02-20"}


def test_where_the_record_names_no_member_state_an_end_in_one_is_none_in_all() -> None:
    assert summaries([IN_DENMARK]) == {}
    assert summaries([IN_DENMARK], "United States") == {}


def test_a_member_state_that_only_an_event_names_has_to_end_too() -> None:
    assert summaries([Event("first-visit", "2025-02-03", "Norway"), IN_DENMARK], "Denmark") == {}


def test_an_end_that_names_no_member_state_counts_alone() -> None:
    assert summaries([IN_DENMARK, Event("ended", "2026-02-25")], "Denmark") == {"eu-summary ended 2026-02-25": "2027-02-25"}
