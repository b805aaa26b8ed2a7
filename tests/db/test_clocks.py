"""From which day a version stood, by the registry's dates and by what this program saw."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.clocks import Clock, at_latest, days, unknown_by


def line(*versions: tuple[str | None, str] | tuple[str | None, str, bool]) -> list[dict[str, Any]]:
    return [
        {"registry_date": version[0], "seen_at": f"{version[1]}T06:17:00Z", "backfilled": int(version[2] if len(version) > 2 else False)}
        for version in versions
    ]


@pytest.mark.parametrize(
    ("versions", "registry", "seen"),
    [
        # the first counts from its date, long before it was seen
        (line(("2024-03-01", "2026-02-02")), ["2024-03-01"], ["2026-02-02"]),
        # the same date again, live: a silent change, of the day on which it was seen
        (
            line(("2026-02-03", "2026-02-04"), ("2026-02-03", "2026-02-17"), ("2026-03-01", "2026-03-02")),
            ["2026-02-03", "2026-02-17", "2026-03-01"],
            ["2026-02-04", "2026-02-17", "2026-03-02"],
        ),
        # two of one date in the registry's own history: both are of that date
        (
            line(("2024-03-01", "2026-06-01", True), ("2024-03-01", "2026-06-01", True), ("2026-01-05", "2026-02-02")),
            ["2024-03-01", "2024-03-01", "2026-01-05"],
            ["2026-02-02", "2026-02-02", "2026-02-02"],
        ),
        # turned to UNKNOWN between the last version that was loaded and the first that was seen
        (
            line(("2024-03-01", "2026-06-01", True), ("2024-03-01", "2026-02-02")),
            ["2024-03-01", "2026-02-02"],
            ["2026-02-02", "2026-02-02"],
        ),
        # a page has no dates
        (line((None, "2026-02-02"), (None, "2026-02-15")), ["2026-02-02", "2026-02-15"], ["2026-02-02", "2026-02-15"]),
        # a month is from its first day, but not before the version before it
        (
            line(("2005-12", "2026-06-01", True), ("2006-01", "2026-06-01", True), ("2006-01-20", "2026-06-01", True)),
            ["2005-12-01", "2006-01-01", "2006-01-20"],
            ["2026-06-01", "2026-06-01", "2026-06-01"],
        ),
        (line(("2006-01-20", "2026-06-01", True), ("2006-01", "2026-06-01", True)), ["2006-01-20", "2006-01-20"], ["2026-06-01"] * 2),
        (line(("2006-03-20", "2026-06-01", True), ("2006-02", "2026-06-01", True)), ["2006-02-28", "2006-02-28"], ["2026-06-01"] * 2),
        (line(("2005", "2026-06-01", True), ("2006-02", "2026-06-01", True)), ["2005-01-01", "2006-02-01"], ["2026-06-01"] * 2),
        # a date far ahead does not hide what came after it
        (
            line(("2026-02-03", "2026-02-03"), ("2062-02-05", "2026-02-05"), ("2026-02-09", "2026-02-09")),
            ["2026-02-03", "2026-02-09", "2026-02-09"],
            ["2026-02-03", "2026-02-05", "2026-02-09"],
        ),
        ([], [], []),
    ],
)
def test_the_days_of_a_line(versions: list[dict[str, Any]], registry: list[str], seen: list[str]) -> None:
    assert days(versions, "registry") == registry
    assert days(versions, "seen") == seen


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        # what a first look found changed, beside what was loaded later
        (line(("2024-03-01", "2026-06-01", True), ("2024-03-01", "2026-02-02")), [False, True]),
        (line(("2024-03-01", "2026-06-01", True), (None, "2026-02-02")), [False, True]),
        # what a second look found changed
        (line(("2024-03-01", "2026-02-02"), ("2024-03-01", "2026-02-09")), [False, False]),
        (line(("2024-03-01", "2026-06-01", True), ("2024-03-01", "2026-02-02"), ("2024-03-01", "2026-02-09")), [False, True, False]),
        # the registry dated it
        (line(("2024-03-01", "2026-06-01", True), ("2024-03-02", "2026-02-02")), [False, False]),
        (line(("2024-03-01", "2026-06-01", True), ("2024-03-01", "2026-06-01", True)), [False, False]),
        # nothing was loaded
        (line((None, "2026-02-02"), (None, "2026-02-09")), [False, False]),
        ([], []),
    ],
)
def test_what_a_first_look_found_is_of_its_day_at_the_latest(versions: list[dict[str, Any]], expected: list[bool]) -> None:
    assert at_latest(versions) == expected


def with_status(versions: list[dict[str, Any]], *statuses: str) -> list[dict[str, Any]]:
    return [{**version, "status": status} for version, status in zip(versions, statuses, strict=True)]


@pytest.mark.parametrize(
    ("versions", "entries", "expected"),
    [
        # the first version held
        (with_status(line(("2017-05-16", "2026-02-02")), "UNKNOWN"), "", ["2026-02-02"]),
        (with_status(line(("2017-05-16", "2026-02-02")), "RECRUITING"), "", [""]),
        # it was seen to come
        (with_status(line(("2024-01-08", "2026-02-02"), ("2024-01-08", "2026-02-09")), "RECRUITING", "UNKNOWN"), "", ["", ""]),
        # in the registry's own history, loaded after it was seen
        (
            with_status(line(("2013-09-18", "2026-06-01", True), ("2013-09-18", "2026-02-02")), "UNKNOWN", "UNKNOWN"),
            "",
            ["2026-02-02", ""],
        ),
        # what came after it: it was over by then
        (
            with_status(line(("2013-09-18", "2026-06-01", True), ("2016-03-01", "2026-02-02")), "UNKNOWN", "COMPLETED"),
            "",
            ["2016-03-01", ""],
        ),
        # an update of other things, after it was seen
        (with_status(line(("2017-05-16", "2026-02-02"), ("2026-02-05", "2026-02-09")), "UNKNOWN", "UNKNOWN"), "", ["2026-02-02", ""]),
        # of another entry, that is another matter
        (
            with_status(line(("2017-05-16", "2026-02-02"), ("2018-01-01", "2026-02-09")), "UNKNOWN", "UNKNOWN"),
            "ab",
            ["2018-01-01", "2026-02-09"],
        ),
        ([], "", []),
    ],
)
def test_by_when_it_was_unknown(versions: list[dict[str, Any]], entries: str, expected: list[str]) -> None:
    assert unknown_by(versions, days(versions, "registry"), entries) == expected


some_days = st.dates().map(str)
registry_dates = st.none() | some_days | some_days.map(lambda day: day[:7]) | some_days.map(lambda day: day[:4]) | st.just("soon")
versions = st.builds(lambda date, seen, backfilled: line((date, seen, backfilled))[0], registry_dates, some_days, st.booleans())


@given(st.lists(versions, max_size=30), st.sampled_from(["registry", "seen"]))
def test_any_line_has_days_in_its_order(versions: list[dict[str, Any]], clock: Clock) -> None:
    found = days(versions, clock)
    assert len(found) == len(versions)
    assert found == sorted(found)
    assert all(len(day) == 10 for day in found)
