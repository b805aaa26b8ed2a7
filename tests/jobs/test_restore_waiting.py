"""The right copy comes back after the wrong one, and news waits in it: what was told meanwhile is not sent, and all else is."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from jobs.backup import backup
from jobs.check import check
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.house import House
from tests.jobs.test_carrying_deadlines import WEEKLY, begin, logged, subjects
from tests.jobs.test_restore import READER, back

DAILY, OTHER = "daily@example.org", "NCT00000001"


@pytest.fixture
def waited(house: House) -> House:
    """Whoever is told at once, by mail and by a webhook, and a daily reader of two trials; nothing has changed yet."""
    for trial in (TRIAL, OTHER):
        house.registry.put(record.a_study(trial))
    house.watch(TRIAL, OTHER)
    house.subscribe(READER, TRIAL, OTHER)
    house.subscribe(house.hook.url, TRIAL, OTHER, kind="webhook")
    house.subscribe(DAILY, TRIAL, OTHER, every="day")
    house.sync(days=0)
    house.at += datetime.timedelta(hours=2)
    return house


def copied(house: House) -> Path:
    house.at += datetime.timedelta(minutes=1)
    return backup(house.around).file


def news(house: House, date: str, *trials: str) -> None:
    """The date of these trials becomes another one, and the news of it waits."""
    for trial in trials or (TRIAL,):
        house.registry.put(record.with_completion(house.registry.study(trial), date))
    house.sync(days=0.01, then_deliver=False)


def heard(house: House) -> dict[str, int]:
    """How many mails and posts each has had."""
    addresses = [address for mail in house.mailbox.messages for address in mail.recipients]
    return {READER: addresses.count(READER), DAILY: addresses.count(DAILY), "hook": len(house.hook.posts)}


def text_to(house: House, address: str) -> str:
    return [mail for mail in house.mailbox.messages if address in mail.recipients][-1].text()


def test_news_that_waits_in_the_right_copy_and_was_told_after_the_wrong_one_is_not_sent(waited: House) -> None:
    wrong = copied(waited)
    news(waited, "2027-03-03")
    right = copied(waited)
    back(waited, wrong)
    waited.sync(days=0.01, full=True)
    waited.deliver(hours=24)
    assert heard(waited) == {READER: 1, DAILY: 1, "hook": 1}
    for _ in range(2):
        done = back(waited, right)
        assert done.carried is not None
        assert (done.carried.sent, done.carried.told) == (3, 3)
        waited.sync(days=0.01, full=True)
        waited.deliver(hours=24)
    assert heard(waited) == {READER: 1, DAILY: 1, "hook": 1}
    assert {row["state"] for row in waited.outbox()} == {"cancelled"}
    assert check(waited.around).faults == []
    news(waited, "2027-05-05")
    waited.deliver(hours=24)
    assert heard(waited) == {READER: 2, DAILY: 2, "hook": 2}


def test_who_was_not_told_after_the_wrong_copy_is_told_by_the_right_one(waited: House) -> None:
    wrong = copied(waited)
    news(waited, "2027-03-03")
    right = copied(waited)
    back(waited, wrong)
    waited.sync(days=0.01, full=True)
    back(waited, right)
    waited.deliver(hours=24)
    waited.sync(days=0.01, full=True)
    assert heard(waited) == {READER: 1, DAILY: 1, "hook": 1}


def test_of_what_waits_in_one_mail_only_what_was_told_is_left_out(waited: House) -> None:
    wrong = copied(waited)
    news(waited, "2027-03-03", TRIAL, OTHER)
    right = copied(waited)
    back(waited, wrong)
    waited.sync(TRIAL, days=0.01)
    waited.deliver(hours=24)
    assert OTHER not in text_to(waited, DAILY)
    back(waited, right)
    waited.deliver()
    assert heard(waited) == {READER: 2, DAILY: 2, "hook": 2}
    assert OTHER in text_to(waited, DAILY)
    assert TRIAL not in text_to(waited, DAILY)


def test_what_is_older_than_what_was_told_is_not_told_after_it(waited: House) -> None:
    wrong = copied(waited)
    news(waited, "2027-03-03")
    right = copied(waited)
    back(waited, wrong)
    news(waited, "2027-05-05")
    waited.deliver(hours=24)
    back(waited, right)
    waited.deliver(hours=24)
    waited.sync(days=0.01, full=True)
    waited.deliver(hours=24)
    assert waited.changes()[0].after["date"] == "2027-05-05"
    assert heard(waited) == {READER: 1, DAILY: 1, "hook": 1}


def test_what_a_digest_took_in_after_the_copy_from_which_it_was_sent_is_told(waited: House) -> None:
    news(waited, "2027-03-03", TRIAL)
    earlier = copied(waited)
    news(waited, "2027-04-04", OTHER)
    later = copied(waited)
    back(waited, earlier)
    waited.deliver(hours=24)
    assert OTHER not in text_to(waited, DAILY)
    back(waited, later)
    waited.deliver(hours=24)
    assert heard(waited)[DAILY] == 2
    assert OTHER in text_to(waited, DAILY)
    assert TRIAL not in text_to(waited, DAILY)


def test_a_deadline_that_waits_in_the_right_copy_is_told_once(house: House) -> None:
    wrong = begin(house)
    house.sync(days=4, then_deliver=False)
    right = copied(house)
    back(house, wrong)
    house.sync(days=0.1)
    assert subjects(house) == ["Results at ClinicalTrials.gov: overdue (1 day ago)"]
    back(house, right)
    house.sync(days=0.1)
    house.deliver(hours=72)
    assert len(subjects(house)) == len(subjects(house, WEEKLY)) == 1


def test_a_telling_is_one_line_of_the_logbook_whichever_copies_come_back(house: House) -> None:
    before = begin(house)
    house.sync(days=4)
    after = copied(house)
    (notice,) = [row["id"] for row in house.outbox() if row["state"] == "sent"]
    for copy in (before, before, after, before, after, before):
        back(house, copy)
        for _ in range(2):
            lines = [line for line in logged(house) if line[0] in ("told", "notice sent")]
            assert lines.count(("notice sent", notice, "email, 1 changes")) == 1
            assert lines.count(("told", "results", "overdue, by 2026-02-05")) == (copy == before)
            assert len(lines) == 1 + (copy == before)
            house.sync(days=0.01, full=True)
