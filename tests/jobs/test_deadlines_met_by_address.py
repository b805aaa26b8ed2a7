"""That something is met is told to who was told that it is due, and to nobody else."""

from __future__ import annotations

import pytest

from db import duties as kept
from jobs import duties
from jobs.backup import backup
from jobs.restore import restore
from registry_sync.demo.hook import payload
from registry_sync.demo.record import TRIAL
from tests.house import House
from tests.jobs.test_deadlines_told import begin, submitted, week_ends
from tests.jobs.test_duties import COORDINATOR, enter, told

WEEKLY = f"weekly.{COORDINATOR}"


def subjects(house: House, address: str = COORDINATOR) -> list[str]:
    """How what is owed stands by the mails to an address, by the last word of each subject."""
    mails = [mail for mail in house.mailbox.messages if mail.recipients == (address,)]
    return [str(mail.message["Subject"]).rpartition(": ")[2].partition(" (")[0] for mail in mails]


def called_done(house: House, rule: str, day: str) -> None:
    with house.history() as history:
        duties.done(house.around, duties.find(house.around, history, TRIAL, rule), history, day)


def test_who_was_not_told_that_it_is_due_is_not_told_that_it_is_met(house: House) -> None:
    begin(house, primary="2025-05-04", every="now")  # due soon from tomorrow on
    house.subscribe(WEEKLY, role="coordinator", every="week", topics=frozenset({"deadlines"}))
    house.sync(days=1, then_deliver=False)
    assert told(house) == [("results", None, "due soon")]
    submitted(house, "2026-02-04")
    assert told(house)[1:] == [("results", "due soon", "met")]
    week_ends(house)
    assert house.mailbox.messages == ()
    assert house.hook.posts == ()
    assert {row["state"] for row in house.outbox()} == {"cancelled"}


def test_what_a_coordinator_calls_done_before_it_was_told_as_overdue_is_not_told_as_met(house: House) -> None:
    begin(house, primary="2027-02-20", every="day")
    with house.history() as history:
        kept.answer(history, TRIAL, "eu", True, house.around.stamp())
    enter(house, "halted", "2026-01-05")
    called_done(house, "eu-halt", "2026-01-19")
    house.sync(days=1)
    house.deliver(hours=24)
    assert ("eu-halt", "overdue", "met") in told(house)
    assert house.mailbox.messages == ()
    assert house.hook.posts == ()


def test_each_address_hears_by_what_it_was_told_itself(house: House) -> None:
    begin(house, primary="2025-05-04", every="now")
    house.subscribe(WEEKLY, role="coordinator", every="week", topics=frozenset({"deadlines"}))
    house.mailbox.refuse_recipient(COORDINATOR, "451 4.3.0 later", times=1)
    house.sync(days=1)
    submitted(house, "2026-02-04")
    house.subscribe(f"new.{COORDINATOR}", role="coordinator", topics=frozenset({"deadlines"}))
    week_ends(house)
    assert house.mailbox.messages == ()
    assert [payload(post)["changes"][0]["after"] for post in house.hook.posts] == ["due soon", "met"]


def test_who_heard_that_it_is_due_soon_hears_that_it_is_met_though_overdue_was_not_sent(house: House) -> None:
    begin(house, primary="2025-05-04", every="now")
    house.sync(days=1)
    house.sync(days=91, then_deliver=False)
    submitted(house, "2026-05-06")
    assert [each[2] for each in told(house) if each[0] == "results"] == ["due soon", "overdue", "met"]
    assert subjects(house)[-1] == "met"
    assert subjects(house).count("met") == 1


@pytest.mark.parametrize("was_sent", [True, False])
def test_after_a_restore_who_was_told_since_the_copy_hears_that_it_is_met(house: House, was_sent: bool) -> None:
    begin(house, primary="2025-05-04", every="now")
    house.sync(days=0)
    copy = backup(house.around).file
    house.sync(days=1, then_deliver=was_sent)
    house.at = house.at.replace(hour=house.at.hour + 1)
    restore(house.around, copy)
    house.sync(days=1)
    submitted(house, "2026-02-05")
    assert subjects(house) == ["due soon", "met"]
