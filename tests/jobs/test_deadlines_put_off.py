"""What waits to be told of a deadline is not told once a coordinator has put that off, or said that its law does not apply."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from db import duties as kept
from jobs import duties
from jobs.backup import backup
from jobs.restore import restore
from registry_sync.demo.hook import payload
from registry_sync.demo.record import TRIAL
from tests.house import House
from tests.jobs.test_deadlines_told import begin, completed, submitted, week_ends
from tests.jobs.test_duties import COORDINATOR

OVERDUE = "Results at ClinicalTrials.gov: overdue"


def put_off(house: House, until: str | None) -> None:
    with house.history() as history:
        duties.snooze(house.around, duties.find(house.around, history, TRIAL, "results"), history, until)


def answered(house: House, applies: bool) -> None:
    with house.history() as history:
        duties.answer(house.around, history, TRIAL, "us", applies)


def subjects(house: House) -> list[str]:
    """What the mails say of deadlines, oldest first."""
    return [str(mail.message["Subject"]).partition("Deadline: ")[2].partition(" (")[0] for mail in house.mailbox.messages]


def posts(house: House) -> list[Any]:
    """What the posts that were taken say of deadlines, oldest first."""
    return [change["after"] for post in house.hook.posts for change in payload(post)["changes"]]


def days(house: House, number: int) -> None:
    for _ in range(number):
        house.sync(days=1)


@pytest.mark.parametrize("every", ["now", "day", "week"])
def test_what_waits_and_is_put_off_is_told_once_when_that_is_over(house: House, every: str) -> None:
    begin(house, primary="2025-02-03", every=every)
    house.sync(days=2, then_deliver=False)  # overdue, on Wednesday
    put_off(house, "2026-02-20")
    house.deliver()
    week_ends(house)
    assert (subjects(house), posts(house)) == ([], [])
    days(house, 21)
    assert (subjects(house), posts(house)) == ([OVERDUE], ["overdue"])


def test_what_is_put_off_no_longer_is_told_with_the_next_sync(house: House) -> None:
    begin(house, primary="2025-02-03", every="now")
    house.sync(days=2, then_deliver=False)
    put_off(house, "2026-12-20")
    house.deliver()
    put_off(house, None)
    days(house, 2)
    assert (subjects(house), posts(house)) == ([OVERDUE], ["overdue"])


def test_who_has_heard_it_before_it_was_put_off_hears_it_once(house: House) -> None:
    begin(house, primary="2025-02-03", every="now")
    house.mailbox.refuse_recipient(COORDINATOR, "451 later", times=1)
    house.sync(days=2)
    assert (subjects(house), posts(house)) == ([], ["overdue"])
    for until in ("2026-02-20", "2026-03-02"):
        put_off(house, until)
        house.deliver(hours=12)
        days(house, 1)
    assert subjects(house) == []
    days(house, 30)
    assert (subjects(house), posts(house)) == ([OVERDUE], ["overdue"])


def test_what_is_met_while_it_is_put_off_is_not_told_to_who_did_not_hear_of_it(house: House) -> None:
    begin(house, primary="2025-02-03", every="now")
    house.sync(days=2, then_deliver=False)
    put_off(house, "2026-02-20")
    house.deliver()
    submitted(house, "2026-02-05")
    days(house, 20)
    assert (subjects(house), posts(house)) == ([], [])


def test_a_day_that_moved_while_it_was_put_off_is_not_told_as_it_was(house: House) -> None:
    begin(house, primary="2025-02-03", every="now")
    house.sync(days=2, then_deliver=False)
    put_off(house, "2026-02-20")
    house.deliver()
    completed(house, "2025-12-03")
    days(house, 20)
    assert (subjects(house), posts(house)) == ([], [])


@pytest.mark.parametrize("every", ["now", "week"])
def test_what_waits_by_a_law_that_does_not_apply_is_not_told_and_is_when_it_does(house: House, every: str) -> None:
    begin(house, primary="2025-02-03", every=every)
    house.sync(days=2, then_deliver=False)
    answered(house, False)
    house.deliver(hours=24 * 6)
    assert (subjects(house), posts(house)) == ([], [])
    answered(house, True)
    week_ends(house)
    days(house, 8)
    assert (subjects(house), posts(house)) == ([OVERDUE], ["overdue"])


def test_a_law_that_does_not_apply_counts_at_once_after_a_restore(house: House) -> None:
    begin(house, primary="2025-02-03", every="now")
    house.sync(days=2, then_deliver=False)
    copy = backup(house.around).file
    house.at += datetime.timedelta(minutes=1)
    restore(house.around, copy)
    answered(house, False)
    house.deliver()
    assert (subjects(house), posts(house)) == ([], [])


def test_an_answer_of_a_trial_that_was_not_looked_at_tells_nothing(house: House) -> None:
    begin(house, primary="2025-02-03")
    with house.history() as history:
        duties.answer(house.around, history, "NCT00000001", "us", True)
        assert not kept.was_looked_at(history, "NCT00000001")
