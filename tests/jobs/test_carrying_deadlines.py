"""Deadlines when a backup is restored: who heard hears nothing twice, what only waited is told, and the desk and its logbook stay."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from db import duties as kept
from jobs import duties
from jobs.backup import backup
from registry_sync.demo.record import TRIAL
from tests.house import House
from tests.jobs.test_deadlines_told import completed, submitted
from tests.jobs.test_duties import COORDINATOR, ended_study, enter, told
from tests.jobs.test_duties_met import verified
from tests.jobs.test_restore import back

WEEKLY = "weekly@example.org"


def begin(house: House, *, primary: str = "2025-02-05", verified_in: str = "2026-01") -> Path:
    """A trial, looked at once; one coordinator is told at once and one at the end of the week. The backup of that evening."""
    house.registry.put(verified(ended_study(primary=primary), verified_in))
    house.watch(TRIAL)
    for address, every in ((COORDINATOR, "now"), (WEEKLY, "week")):
        house.subscribe(address, role="coordinator", every=every, topics=frozenset({"deadlines"}))
    with house.history() as history:
        kept.answer(history, TRIAL, "eu", True, house.around.stamp())
    house.at += datetime.timedelta(hours=3)  # after the week has ended
    house.sync(days=0)
    house.at += datetime.timedelta(hours=9)
    return backup(house.around).file


def subjects(house: House, address: str = COORDINATOR) -> list[str]:
    """What the mails to an address say of deadlines, oldest first."""
    of_address = [mail for mail in house.mailbox.messages if address in mail.recipients]
    return [str(mail.message["Subject"]).partition("Deadline: ")[2] or mail.text() for mail in of_address]


def logged(house: House) -> list[tuple[str, str, Any]]:
    with house.history() as history:
        return [(row["what"], row["about"], row["detail"]) for row in kept.logged(history, TRIAL)]


def test_what_was_told_is_not_told_again_and_what_waited_in_a_digest_is(house: House) -> None:
    copy = begin(house)
    house.sync(days=4)
    assert subjects(house) == ["Results at ClinicalTrials.gov: overdue (1 day ago)"]
    back(house, copy)
    house.sync(days=1)
    house.deliver(hours=72)
    assert len(subjects(house)) == 1
    assert subjects(house, WEEKLY) == ["Results at ClinicalTrials.gov: overdue (5 days ago)"]
    for _ in range(2):  # it is settled: nothing comes of further days
        house.sync(days=7)
    assert len(subjects(house)) == len(subjects(house, WEEKLY)) == 1


def test_what_waited_for_a_mail_server_is_told_though_another_deadline_of_the_trial_was(house: House) -> None:
    copy = begin(house)
    house.sync(days=4)
    house.mailbox.refuse_recipient(COORDINATOR, "451 later", times=1)
    enter(house, "halted", "2026-01-05")
    house.deliver()
    assert subjects(house) == ["Results at ClinicalTrials.gov: overdue (1 day ago)"]
    done = back(house, copy)
    assert done.carried is not None
    assert done.carried.entered.desk == 1
    house.sync(days=1)
    assert subjects(house)[1:] == ["CTIS: temporary halt: overdue (18 days ago)"]


def test_what_was_met_and_not_told_yet_is_told_as_met_alone(house: House) -> None:
    copy = begin(house)
    house.sync(days=4)
    house.mailbox.refuse_recipient(COORDINATOR, "451 later", times=1)
    submitted(house, "2026-02-07")
    back(house, copy)
    house.sync(days=0)
    assert subjects(house) == ["Results at ClinicalTrials.gov: overdue (1 day ago)", "Results at ClinicalTrials.gov: met"]


def test_a_verification_that_was_told_as_met_is_overdue_by_nothing_that_came_back(house: House) -> None:
    copy = begin(house, primary="2027-03-10", verified_in="2025-02")
    house.sync(days=27)
    house.registry.put(verified(house.registry.study(TRIAL), "2026-03"))
    house.sync(days=1)
    heard = ["Record verification: overdue (1 day ago)", "Record verification: met"]
    assert subjects(house) == heard
    back(house, copy)
    enter(house, "amendment-approved", "2026-03-02")
    house.registry.stop()
    house.sync(days=0)
    house.deliver()
    assert subjects(house) == heard
    assert "overdue" not in subjects(house, WEEKLY)


def test_a_day_that_moved_before_the_registry_is_asked_again_is_told_once(house: House) -> None:
    copy = begin(house)
    house.sync(days=4)
    back(house, copy)
    completed(house, "2025-02-04")
    assert subjects(house) == [f"Results at ClinicalTrials.gov: overdue ({days} ago)" for days in ("1 day", "3 days")]


def test_what_coordinators_did_is_kept_and_nothing_is_called_theirs_that_was_not(house: House) -> None:
    copy = begin(house)
    house.sync(days=4)
    done = back(house, copy)
    assert done.carried is not None
    assert done.carried.entered.desk == 0
    copy = backup(house.around).file
    with house.history() as history:
        line = duties.find(house.around, history, TRIAL, "results")
        duties.give(house.around, line, history, "Contact A")
        duties.acknowledge(house.around, line, history, None)
    done = back(house, copy)
    assert done.carried is not None
    assert done.carried.entered.desk == 1
    house.sync(days=0)
    with house.history() as history:
        duty = kept.duties(history, TRIAL)["results"]
    assert duty.owner == "Contact A"
    assert duty.acknowledged_at is not None


def test_the_logbook_says_what_was_told_and_claims_nothing_that_nobody_got(house: House) -> None:
    copy = begin(house)
    house.sync(days=4)
    house.mailbox.refuse_recipient(COORDINATOR, "451 later", times=1)
    enter(house, "halted", "2026-01-05")
    house.deliver()
    (sent,) = [row["id"] for row in house.outbox() if row["state"] == "sent"]
    before = [line for line in logged(house) if line[0] in ("state", "event", "first look")]
    for _ in range(2):
        back(house, copy)
        lines = logged(house)
        assert [line for line in lines if line[0] in ("told", "notice sent")] == [
            ("told", "results", "overdue, by 2026-02-05"),
            ("notice sent", sent, "email, 1 changes"),
        ]
        assert [line for line in lines if line[0] in ("state", "event", "first look")] == before
    house.sync(days=1)
    assert [line for line in logged(house) if line[0] in ("state", "event", "first look")] == before


def test_a_backup_of_the_same_day_is_looked_through_again(house: House) -> None:
    copy = begin(house)
    house.at += datetime.timedelta(hours=1)
    submitted(house, "2026-02-03")
    enter(house, "halted", "2026-01-05")
    assert ("eu-halt", None, "overdue") in told(house)
    back(house, copy)
    house.sync(days=0)
    assert ("eu-halt", None, "overdue") in told(house)
