"""Cron lines as standard cron reads them: a table of lines, moments and what comes next."""

from __future__ import annotations

import datetime

import pytest

from jobs.triggers import StandardCron, next_after, period_end, was_missed

UTC = datetime.UTC


def utc(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "timezone", "after", "expected"),
    [
        ("17 */6 * * *", "UTC", "2026-02-03T05:00", "2026-02-03T06:17"),
        ("17 */6 * * *", "UTC", "2026-02-03T06:17", "2026-02-03T12:17"),
        ("0 7 * * 0", "UTC", "2026-02-03T00:00", "2026-02-08T07:00"),  # 0 is Sunday
        ("0 7 * * 7", "UTC", "2026-02-03T00:00", "2026-02-08T07:00"),  # and so is 7
        ("0 7 * * 1", "UTC", "2026-02-03T00:00", "2026-02-09T07:00"),
        ("0 7 * * mon-fri", "UTC", "2026-02-06T08:00", "2026-02-09T07:00"),
        ("0 7 13 * 5", "UTC", "2026-02-07T00:00", "2026-02-13T07:00"),  # the 13th or a Friday, whichever comes first
        ("0 7 15 * 5", "UTC", "2026-02-07T00:00", "2026-02-13T07:00"),
        ("0 7 10 * 5", "UTC", "2026-02-07T00:00", "2026-02-10T07:00"),
        ("0 0 29 2 *", "UTC", "2026-02-07T00:00", "2028-02-29T00:00"),
        ("*/20 9-10 * jan,mar *", "UTC", "2026-01-31T10:30", "2026-01-31T10:40"),
        ("*/20 9-10 * jan,mar *", "UTC", "2026-01-31T10:45", "2026-03-01T09:00"),
        ("0 7 * * *", "Europe/Copenhagen", "2026-02-03T00:00", "2026-02-03T06:00"),
        ("0 7 * * *", "Europe/Copenhagen", "2026-07-03T00:00", "2026-07-03T05:00"),
        # the clocks go back on 25 October 2026 at 03:00: 02:30 comes twice, and fires once
        ("30 2 * * *", "Europe/Copenhagen", "2026-10-24T12:00", "2026-10-25T00:30"),
        ("30 2 * * *", "Europe/Copenhagen", "2026-10-25T00:30", "2026-10-26T01:30"),
        ("30 2 * * *", "Europe/Copenhagen", "2026-10-25T01:00", "2026-10-26T01:30"),
        # what fires every hour goes on through the hour that comes twice
        ("30 * * * *", "Europe/Copenhagen", "2026-10-25T00:30", "2026-10-25T01:30"),
    ],
)
def test_when_next(line: str, timezone: str, after: str, expected: str) -> None:
    assert next_after(line, timezone, utc(after)) == utc(expected)


def test_the_hour_that_is_left_out_in_spring_is_made_up_or_skipped_but_never_fires_twice() -> None:
    first = next_after("30 2 * * *", "Europe/Copenhagen", utc("2026-03-28T12:00"))
    assert first is not None
    second = next_after("30 2 * * *", "Europe/Copenhagen", first)
    assert second == utc("2026-03-30T00:30")


def test_a_line_that_never_fires_is_refused() -> None:
    with pytest.raises(ValueError, match="no such day ever comes"):
        next_after("0 0 30 2 *", "UTC", utc("2026-02-07T00:00"))
    assert next_after("0 0 30 2 1", "UTC", utc("2026-02-07T00:00")) == utc("2026-02-09T00:00")


def test_a_missed_run_is_found_once() -> None:
    last, now = utc("2026-02-03T00:17"), utc("2026-02-05T09:00")
    assert was_missed("17 */6 * * *", "UTC", last, now)
    assert not was_missed("17 */6 * * *", "UTC", now, now)
    assert not was_missed("17 */6 * * *", "UTC", last, utc("2026-02-03T06:16"))
    assert was_missed("17 */6 * * *", "UTC", None, now)


@pytest.mark.parametrize(
    ("every", "timezone", "now", "expected"),
    [
        ("day", "UTC", "2026-02-03T06:59", "2026-02-03T07:00"),
        ("day", "UTC", "2026-02-03T07:00", "2026-02-04T07:00"),
        ("day", "Europe/Copenhagen", "2026-02-03T06:30", "2026-02-04T06:00"),
        ("week", "UTC", "2026-02-03T06:59", "2026-02-09T07:00"),  # a Tuesday, to Monday
        ("week", "UTC", "2026-02-09T06:59", "2026-02-09T07:00"),
        ("week", "America/New_York", "2026-02-09T13:00", "2026-02-16T12:00"),
    ],
)
def test_when_a_period_ends(every: str, timezone: str, now: str, expected: str) -> None:
    assert period_end(every, timezone, utc(now), digest="0 7 * * *", week_ends="monday") == utc(expected)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("every", "digest", "now", "expected"),
    [
        ("day", "*/5 * * * *", "2026-02-03T10:02:00", "2026-02-04T00:00:00"),
        ("week", "*/5 * * * *", "2026-02-02T10:02:00", "2026-02-09T00:00:00"),
        ("week", "*/5 * * * *", "2026-02-04T10:02:00", "2026-02-09T00:00:00"),
        ("day", "0 8,20 * * *", "2026-02-03T08:00:00", "2026-02-04T08:00:00"),
        ("week", "0 8,20 * * *", "2026-02-02T07:59:59", "2026-02-02T08:00:00"),
        ("day", "0 7 * * 2-5", "2026-02-06T07:00:00", "2026-02-10T07:00:00"),
        ("week", "0 7 * * 2-5", "2026-02-02T00:30:00", "2026-02-03T07:00:00"),
        ("week", "0 7 * * 2-5", "2026-02-03T07:00:00", "2026-02-10T07:00:00"),
        ("week", "0 7 1 * *", "2026-02-03T00:00:00", "2026-03-01T07:00:00"),
    ],
)
def test_a_digest_comes_no_more_than_once_a_day_or_week_whatever_the_line(every: str, digest: str, now: str, expected: str) -> None:
    ends = period_end(every, "UTC", utc(now), digest=digest, week_ends="monday")  # type: ignore[arg-type]
    assert ends == utc(expected)


def test_a_trigger_says_what_it_is() -> None:
    assert str(StandardCron("17 */6 * * *", "UTC")) == "cron[17 */6 * * *]"
