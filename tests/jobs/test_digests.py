"""Digests by a clock that the test moves: one for each subscriber and period, whatever restarts; the period's end decides what is in."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from db import outbox
from db.connection import History
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.house import House

READER = "reader@example.org"
OTHER = "NCT00000001"


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


def begin(house: House, start: str, **subscription: Any) -> None:
    """Two trials, followed by one reader, as they were first seen."""
    house.at = at(start)
    house.registry.put(record.the_study())
    house.registry.put(record.a_study(OTHER))
    house.watch(TRIAL, OTHER)
    house.subscribe(READER, TRIAL, OTHER, **{"every": "day", **subscription})
    house.sync(days=0)


def see(house: House, when: str, date: str, trial: str = TRIAL) -> None:
    """At this time a sync sees that the completion is expected on another date; a delivery runs right after."""
    house.at = at(when)
    house.registry.put(record.with_completion(house.registry.study(trial), date, posted=when[:10]))
    house.sync(days=0)


def deliver(house: House, when: str) -> list[str]:
    """What a delivery at this time brings: the plain texts."""
    house.at = at(when)
    before = len(house.mailbox.messages)
    house.deliver()
    return [mail.text("plain") for mail in house.mailbox.messages[before:]]


def test_one_mail_a_day_with_all_of_the_day(house: House) -> None:
    begin(house, "2026-02-02T06:17")
    see(house, "2026-02-02T09:00", "2027-03-01")
    see(house, "2026-02-02T15:00", "2027-04-02", OTHER)
    see(house, "2026-02-03T06:59", "2027-05-03")
    assert deliver(house, "2026-02-03T06:59:59") == []
    (text,) = deliver(house, "2026-02-03T07:00")
    assert all(day in text for day in ("3 May 2027", "2 April 2027"))
    assert deliver(house, "2026-02-03T07:01") == []


def test_the_end_of_the_period_decides_what_is_in_and_not_the_send(house: House) -> None:
    begin(house, "2026-02-02T06:17")
    see(house, "2026-02-02T09:00", "2027-03-01")
    house.mailbox.refuse_recipient(READER, "451 later", times=1)
    see(house, "2026-02-03T07:00", "2027-04-02")  # as the period ends; the first one cannot be sent yet
    (text,) = deliver(house, "2026-02-03T08:00")
    assert "1 March 2027" in text
    assert "2 April 2027" not in text
    (text,) = deliver(house, "2026-02-04T07:00")
    assert "2 April 2027" in text


def test_a_day_without_news_is_a_day_without_mail(house: House) -> None:
    begin(house, "2026-02-02T06:17")
    for day in range(3, 6):
        house.at = at(f"2026-02-0{day}T06:30")
        house.sync(days=0)
        assert deliver(house, f"2026-02-0{day}T07:00") == []
    assert house.outbox() == []


def test_what_was_put_back_before_the_end_and_is_wanted_by_nobody_is_not_sent(house: House) -> None:
    begin(house, "2026-02-02T06:17", topics=frozenset({"status"}))
    see(house, "2026-02-02T09:00", "2027-03-01")
    assert deliver(house, "2026-02-03T07:00") == []


@pytest.mark.parametrize(
    ("start", "timezone", "end"),
    [
        ("2026-03-28T12:00", "Europe/Copenhagen", "2026-03-29T05:00"),  # clocks go forward in between: 7 o'clock is 5 in UTC
        ("2026-10-24T12:00", "Europe/Copenhagen", "2026-10-25T06:00"),  # and back
        ("2026-03-07T20:00", "America/New_York", "2026-03-08T11:00"),
        ("2026-02-02T23:00", "Pacific/Auckland", "2026-02-03T18:00"),
        ("2026-02-02T12:00", "Asia/Kathmandu", "2026-02-03T01:15"),
    ],
)
def test_a_day_ends_at_seven_where_the_reader_lives(house: House, start: str, timezone: str, end: str) -> None:
    begin(house, start, timezone=timezone)
    see(house, start, "2027-03-01")
    before = (at(end) - datetime.timedelta(seconds=1)).isoformat()[:19]
    assert deliver(house, before) == []
    assert len(deliver(house, end)) == 1


def test_a_week_ends_on_monday_and_has_one_mail_whatever_restarts(house: House) -> None:
    begin(house, "2026-02-03T06:17", every="week")
    for day in range(3, 9):
        see(house, f"2026-02-0{day}T12:00", f"2027-03-0{day}")
        assert deliver(house, f"2026-02-0{day}T12:30") == []
    assert len(deliver(house, "2026-02-09T07:00")) == 1
    assert len(house.outbox()) == 1


def test_a_process_that_dies_in_the_middle_of_a_digest_leaves_it_whole(house: House) -> None:
    begin(house, "2026-02-02T06:17")
    see(house, "2026-02-02T09:00", "2027-03-01")
    house.at = at("2026-02-03T07:00")
    with house.history() as history:  # claimed, and then nothing more was heard of it
        assert outbox.claim(history, 9, house.around.stamp(), ["email"], 10)
    see(house, "2026-02-03T07:05", "2027-04-02")
    (text,) = [mail.text("plain") for mail in house.mailbox.messages]
    assert "1 March 2027" in text
    assert "2 April 2027" not in text
    (text,) = deliver(house, "2026-02-04T07:00")
    assert "2 April 2027" in text


def test_what_comes_while_a_digest_is_being_sent_is_in_the_next(house: House) -> None:
    begin(house, "2026-02-02T06:17")
    see(house, "2026-02-02T09:00", "2027-03-01")
    with house.history() as history:
        house.at = at("2026-02-03T07:00")
        (claimed,) = outbox.claim(history, 1, house.around.stamp(), ["email"], 10)
        # a sync that began before the end writes after it
        house.at = at("2026-02-03T06:59:59")
        house.registry.put(record.with_completion(house.registry.study(TRIAL), "2027-04-02", posted="2026-02-03"))
        house.sync(days=0, then_deliver=False)
        told = outbox.change_ids(history, [claimed.id])[claimed.id]
        assert len(told) == 1
        outbox.sent(history, claimed.id, "2026-02-03T07:00:01Z")
    (text,) = deliver(house, "2026-02-04T07:00")
    assert "2 April 2027" in text


def test_what_was_hurried_comes_at_once_and_the_rest_of_the_day_at_its_end(house: House) -> None:
    begin(house, "2026-02-02T06:17")
    see(house, "2026-02-02T09:00", "2027-03-01")
    hurry(house, "2026-02-02T10:00")
    (text,) = deliver(house, "2026-02-02T10:00")
    assert "1 March 2027" in text
    see(house, "2026-02-02T15:00", "2027-04-02")
    (text,) = deliver(house, "2026-02-03T07:00")
    assert "2 April 2027" in text


def hurry(house: House, when: str) -> None:
    house.at = at(when)
    with house.history() as history:
        retry(history, house)


def retry(history: History, house: House) -> None:
    assert outbox.retry(history, [], house.around.stamp()) == []


def test_a_digest_of_a_thousand_trials_is_one_mail_that_a_server_takes(house: House) -> None:
    trials = [f"NCT9{number:07}" for number in range(1000)]
    for trial in trials:
        house.registry.put(record.a_study(trial))
    house.at = at("2026-02-02T08:00")
    house.watch(*trials)
    house.subscribe(READER, *trials, every="day")
    house.sync(days=0)
    for trial in trials:
        house.registry.put(record.with_status(house.registry.study(trial), "SUSPENDED", posted="2026-02-02"))
    house.sync(days=0.1)
    (text,) = deliver(house, "2026-02-03T07:00")
    (mail,) = house.mailbox.messages
    assert len(mail.raw) < 2_000_000
    assert max(map(len, mail.raw.splitlines())) <= 998
    assert text.count("\nTrial: ") == 50
    assert "And news about 450 more trials." in text
    assert "1000 trials you follow have news" in str(mail.message["Subject"])
