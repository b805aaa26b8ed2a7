"""What was told of deadlines while the machine's clock was ahead is told when it is so by the right one."""

from __future__ import annotations

from jobs.backup import backup
from jobs.restore import restore
from tests.house import House
from tests.jobs.test_deadlines_met_by_address import subjects
from tests.jobs.test_deadlines_told import begin, submitted
from tests.jobs.test_duties import told


def ahead(house: House, years: int = 4, *, then_deliver: bool = True) -> None:
    """A sync under a clock that is years ahead, and right again after it."""
    right = house.at
    house.at = right.replace(year=right.year + years)
    house.sync(days=0, then_deliver=then_deliver)
    house.at = right


def test_what_a_clock_that_was_ahead_called_overdue_is_told_when_it_is_due_and_overdue(house: House) -> None:
    begin(house, primary="2025-05-20", every="now", verified_in="2034-01")
    house.sync(days=1)
    ahead(house)
    assert subjects(house) == ["overdue"]
    house.mailbox.empty()
    for _ in range(20):
        house.sync(days=1)
    assert subjects(house) == ["due soon"]
    house.sync(days=90)
    house.sync(days=1)
    assert subjects(house) == ["due soon", "overdue"]
    submitted(house, "2026-05-25")
    assert subjects(house) == ["due soon", "overdue", "met"]


def test_what_was_told_by_the_right_clock_before_is_not_told_again_after_it(house: House) -> None:
    begin(house, primary="2025-05-04", every="now", verified_in="2034-01")
    house.sync(days=1)
    assert subjects(house) == ["due soon"]
    ahead(house)
    house.sync(days=1)
    house.sync(days=1)
    assert subjects(house) == ["due soon", "overdue"]
    house.sync(days=89)
    house.sync(days=1)
    assert subjects(house) == ["due soon", "overdue", "overdue"]
    assert [each[1:] for each in told(house)] == [(None, "due soon"), ("due soon", "overdue"), ("due soon", "overdue")]


def test_what_a_clock_that_was_ahead_found_is_not_sent_by_the_right_one(house: House) -> None:
    begin(house, primary="2025-05-20", every="now", verified_in="2034-01")
    house.sync(days=1)
    ahead(house, then_deliver=False)
    house.deliver(hours=1)
    assert house.mailbox.messages == ()
    assert house.hook.posts == ()


def test_after_a_restore_what_a_clock_that_was_ahead_told_is_told_in_its_time(house: House) -> None:
    begin(house, primary="2025-02-05", every="now", verified_in="2034-01")
    house.sync(days=1)
    assert subjects(house) == ["due soon"]
    house.at = house.at.replace(minute=house.at.minute + 1)
    copy = backup(house.around).file
    ahead(house)
    assert subjects(house) == ["due soon", "overdue"]
    house.at = house.at.replace(minute=house.at.minute + 1)
    restore(house.around, copy)
    for _ in range(4):
        house.sync(days=1)
    assert subjects(house) == ["due soon", "overdue", "overdue"]
