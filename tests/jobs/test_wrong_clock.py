"""After a clock that was once wrong: what waits is sent, and what is done once a day is done, as soon as the clock is right again."""

from __future__ import annotations

import datetime

import pytest

from db import outbox, runs
from jobs import health, schedule
from jobs.surroundings import as_stamp
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.house import MONDAY, House

AT_ONCE, DAILY, WEEKLY = "now@example.org", "day@example.org", "week@example.org"
TWO_YEARS = datetime.timedelta(days=730)
A_MINUTE = datetime.timedelta(minutes=1)


def wait_under_a_wrong_clock(house: House) -> None:
    """Two years ahead a change is seen while the mail server is down; then the clock is right again."""
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.subscribe(AT_ONCE)
    house.subscribe(DAILY, every="day")
    house.subscribe(WEEKLY, every="week")
    house.sync(days=0)
    house.at = MONDAY + TWO_YEARS
    house.registry.put(record.with_status(house.registry.study(TRIAL), "SUSPENDED"))
    house.mailbox.stop()
    house.sync(days=0)
    house.mailbox.start()
    house.at = MONDAY + A_MINUTE


def counts(house: House) -> dict[str, int]:
    with house.history() as history:
        return outbox.counts(history, house.around.stamp())


def test_what_waits_for_a_day_that_lies_years_ahead_is_due_now(house: House) -> None:
    wait_under_a_wrong_clock(house)
    assert (counts(house)["waiting"], counts(house)["due"]) == (3, 3)
    assert house.deliver().sent == 3
    assert sorted(mail.recipients[0] for mail in house.mailbox.messages) == [DAILY, AT_ONCE, WEEKLY]
    assert house.deliver().sent == 0


def test_what_fails_again_waits_as_anything_does_and_is_stuck_when_it_is_late(house: House) -> None:
    wait_under_a_wrong_clock(house)
    house.mailbox.stop()
    assert house.deliver().retrying == 1  # a server that is down is asked once, and the others wait untried
    assert counts(house)["due"] == 2
    an_hour_later = as_stamp(house.at + datetime.timedelta(hours=1))
    assert all(row["next_try_at"] < an_hour_later for row in house.outbox())
    house.at += datetime.timedelta(hours=house.settings.smtp.alarm_hours + 1)
    with house.history() as history:
        assert health.stuck_since(house.around, history) == as_stamp(MONDAY + A_MINUTE)


@pytest.mark.parametrize("every", ["day", "week"])
def test_a_digest_waits_for_the_end_of_its_period_however_far_that_is(house: House, every: str) -> None:
    house.set("schedule", digest="0 7 23 2 *")
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.subscribe(DAILY, every=every)
    house.sync(days=0)
    house.registry.put(record.with_status(house.registry.study(TRIAL), "SUSPENDED"))
    house.sync(days=0)
    assert (counts(house)["waiting"], counts(house)["due"]) == (1, 0)
    house.deliver()
    assert not house.mailbox.messages


def test_a_run_that_began_in_the_future_counts_as_not_made(house: House) -> None:
    house.watch(TRIAL)

    def all_done(at: datetime.datetime) -> None:
        with house.history() as history:
            for job in ("sync", "pages", "backup"):
                runs.end(history, runs.begin(history, job, as_stamp(at)), as_stamp(at), "done", {})

    all_done(MONDAY)
    house.at = MONDAY + A_MINUTE
    assert not schedule._missed(house.around)
    all_done(MONDAY + TWO_YEARS)
    house.at = MONDAY + datetime.timedelta(days=2)
    assert schedule._missed(house.around) == {"sync", "pages", "backup"}


def test_a_mail_to_the_operator_that_failed_under_a_wrong_clock_is_tried(house: House) -> None:
    house.set("smtp", operator="operator@example.org")
    house.watch(TRIAL)
    house.at = MONDAY + TWO_YEARS
    with house.history() as history:
        health.note(house.around, history, "ctgov", "down")
    house.mailbox.stop()
    house.deliver()
    house.mailbox.start()
    house.at = MONDAY + A_MINUTE
    house.deliver()
    assert [mail.recipients for mail in house.mailbox.messages] == [("operator@example.org",)]
