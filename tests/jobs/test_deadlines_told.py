"""What a digest, or a notice that had to wait, says of deadlines: of each how it stands when it goes, and nothing of what is over."""

from __future__ import annotations

import re
from typing import Any

import pytest

from db import duties as kept
from db import outbox
from jobs import duties
from jobs.by_hand import written
from registry_sync.demo.hook import payload
from registry_sync.demo.record import TRIAL
from tests.house import House
from tests.jobs.test_duties import COORDINATOR, ended_study, enter, told
from tests.jobs.test_duties_met import verified

ITEM = re.compile(r"^\* Deadline: (.+)\n(?:  Before: .+\n)?  Now: (.+)\n(?:    By (?:a day from \S+ to )?(\S+).*\n)?", re.MULTILINE)


def begin(house: House, *, primary: str, every: str = "week", verified_in: str = "2026-01") -> None:
    """A trial that was first seen on a Monday, of which a coordinator and a webhook are told deadlines alone."""
    house.registry.put(verified(ended_study(primary=primary), verified_in))
    house.watch(TRIAL)
    for address, kind in ((COORDINATOR, "email"), (f"{house.hook.url}/w", "webhook")):
        house.subscribe(address, kind=kind, role="coordinator", every=every, topics=frozenset({"deadlines"}))
    house.sync(days=0)


def completed(house: House, primary: str, kind: str = "ACTUAL") -> None:
    """The registry shows this day of primary completion, and a sync sees it a day later."""
    study = house.registry.study(TRIAL)
    study["protocolSection"]["statusModule"]["primaryCompletionDateStruct"] = {"date": primary, "type": kind}
    house.registry.put(study)
    house.sync(days=1)


def submitted(house: House, day: str) -> None:
    study = house.registry.study(TRIAL)
    study["protocolSection"]["statusModule"]["resultsFirstSubmitDate"] = day
    house.registry.put(study)
    house.sync(days=1)


def said(house: House) -> list[tuple[str, str, str]]:
    """By the newest mail: what is owed, how it stands, and by when."""
    return ITEM.findall(house.mailbox.messages[-1].text())


def posted(house: House) -> list[tuple[Any, Any]]:
    """By the newest post: how what is owed stands, and by when."""
    return [(change["after"], change["detail"].get("by")) for change in payload(house.hook.posts[-1])["changes"]]


def week_ends(house: House) -> None:
    """The rest of the week passes, with a sync a day."""
    while house.at.weekday() != 0:
        house.sync(days=1)
    house.deliver(hours=1)


def test_a_slip_of_the_pen_that_was_put_back_is_not_told_as_overdue(house: House) -> None:
    begin(house, primary="2026-02-20")
    completed(house, "2025-01-20")
    assert told(house) == [("results", None, "overdue")]
    completed(house, "2026-02-20")
    week_ends(house)
    assert house.mailbox.messages == ()
    assert house.hook.posts == ()
    assert {row["state"] for row in house.outbox()} == {"cancelled"}


def test_what_was_overdue_and_is_met_is_one_line_that_says_so(house: House) -> None:
    begin(house, primary="2025-02-09")
    house.sync(days=1)  # due soon, on Tuesday
    week_ends(house)
    house.sync(days=1)  # overdue, on Tuesday the 10th
    submitted(house, "2026-02-11")
    week_ends(house)
    assert said(house) == [("Results at ClinicalTrials.gov", "met", "2026-02-09")]
    assert posted(house) == [("met", "2026-02-09")]
    assert "met" in str(house.mailbox.messages[-1].message["Subject"])


def test_what_was_overdue_and_is_met_before_the_week_ends_is_not_told_at_all(house: House) -> None:
    begin(house, primary="2025-02-03")
    house.sync(days=2)  # overdue, on Wednesday
    submitted(house, "2026-02-05")
    week_ends(house)
    assert house.mailbox.messages == ()
    assert house.hook.posts == ()


def test_what_is_overdue_still_is_counted_from_the_day_of_the_mail(house: House) -> None:
    begin(house, primary="2025-02-03")
    week_ends(house)
    house.sync(days=2)
    week_ends(house)
    mail = house.mailbox.messages[-1]
    assert mail.message["Subject"] == f"{TRIAL}: Deadline: Results at ClinicalTrials.gov: overdue (6 days ago)"
    assert "as of 2026-02-09" in mail.text()


def test_of_a_day_that_moved_the_newest_is_told_alone(house: House) -> None:
    begin(house, primary="2025-05-05")
    completed(house, "2025-05-03")
    completed(house, "2025-05-04")
    assert [each for each in told(house) if each[0] == "results"] == [("results", None, "due soon")] * 2
    week_ends(house)
    assert said(house) == [("Results at ClinicalTrials.gov", "due soon", "2026-05-04")]
    assert posted(house) == [("due soon", "2026-05-04")]


def test_what_has_become_a_plan_is_not_told_as_due(house: House) -> None:
    begin(house, primary="2025-05-05")
    house.sync(days=2)
    assert told(house) == [("results", None, "due soon")]
    completed(house, "2026-09-10", "ESTIMATED")
    week_ends(house)
    assert house.mailbox.messages == ()


def test_an_event_that_was_taken_back_is_not_told_and_is_once_it_is_entered_again(house: House) -> None:
    begin(house, primary="2026-02-20")
    with house.history() as history:
        kept.answer(history, TRIAL, "eu", True, house.around.stamp())
    house.sync(days=1)
    enter(house, "halted", "2026-01-05")
    assert ("eu-halt", None, "overdue") in told(house)
    with house.history() as history:
        duties.take_back(house.around, history, kept.events(history, TRIAL)[0].id)
    week_ends(house)
    assert house.mailbox.messages == ()
    enter(house, "halted", "2026-01-05")
    house.sync(days=1)
    week_ends(house)
    assert ("CTIS: temporary halt", "overdue", "2026-01-20") in said(house)


def test_what_a_coordinator_called_done_is_not_told_as_overdue_and_then_as_met(house: House) -> None:
    begin(house, primary="2025-02-03", every="day")
    house.sync(days=2, then_deliver=False)
    with house.history() as history:
        duties.done(house.around, duties.find(house.around, history, TRIAL, "results"), history, "2026-02-04")
    house.deliver(hours=1)
    house.sync(days=1)
    house.deliver(hours=24)
    assert told(house) == [("results", None, "overdue"), ("results", "overdue", "met")]
    assert house.mailbox.messages == ()


def test_a_verification_in_the_same_week_is_met(house: House) -> None:
    begin(house, primary="2027-02-20", verified_in="2025-01")
    house.at = house.at.replace(day=23)
    house.registry.put(verified(house.registry.study(TRIAL), "2025-02"))
    house.sync(days=0)
    house.sync(days=6)  # overdue on Sunday the first of March
    week_ends(house)
    house.mailbox.empty()
    house.registry.put(verified(house.registry.study(TRIAL), "2026-03"))
    house.sync(days=1)
    week_ends(house)
    assert said(house) == [("Record verification", "met", "")]


@pytest.mark.parametrize("kind", ["email", "webhook"])
def test_what_waited_for_a_server_and_is_no_longer_so_is_not_sent(house: House, kind: str) -> None:
    begin(house, primary="2025-02-03", every="now")
    house.mailbox.refuse_recipient(COORDINATOR, "451 later", times=1)
    house.hook.script(503)
    house.sync(days=2)
    assert told(house) == [("results", None, "overdue")]
    tries = len(house.hook.posts)
    submitted(house, "2026-02-05")
    house.deliver(hours=12)
    if kind == "email":
        assert house.mailbox.messages == ()
    else:
        assert house.hook.posts[tries:] == ()
    assert {row["state"] for row in house.outbox()} == {"cancelled"}


def test_what_is_due_soon_no_more_when_a_digest_goes_late_is_not_said_to_be(house: House) -> None:
    begin(house, primary="2025-02-12")
    house.sync(days=4)
    assert told(house) == [("results", None, "due soon")]
    house.at = house.at.replace(day=13, hour=9)  # nobody was there for a week
    house.deliver()
    assert house.mailbox.messages == ()
    house.sync(days=0)
    assert told(house)[-1] == ("results", "due soon", "overdue")


def test_a_digest_that_goes_late_says_what_is_overdue_by_then_and_the_next_one_does_not_again(house: House) -> None:
    begin(house, primary="2025-02-10")  # due soon on Tuesday the 3rd
    for _ in range(6):
        house.sync(days=1, then_deliver=False)
    house.sync(days=3, then_deliver=False)  # nobody delivered at the end of the week
    assert told(house) == [("results", None, "due soon"), ("results", "due soon", "overdue")]
    house.deliver()
    assert said(house) == [("Results at ClinicalTrials.gov", "overdue", "2026-02-10")]
    assert posted(house) == [("overdue", "2026-02-10")]
    assert sorted(row["state"] for row in house.outbox()) == ["cancelled", "cancelled", "sent", "sent"]
    submitted(house, "2026-02-12")
    week_ends(house)
    assert said(house) == [("Results at ClinicalTrials.gov", "met", "2026-02-10")]
    assert posted(house) == [("met", "2026-02-10")]
    assert len(house.mailbox.messages) == len(house.hook.posts) == 2


def test_the_logbook_counts_what_was_told_and_a_sent_notice_can_be_read_again(house: House) -> None:
    begin(house, primary="2025-02-03", verified_in="2025-02")
    house.sync(days=2)
    submitted(house, "2026-02-05")
    with house.history() as history:
        kept.answer(history, TRIAL, "eu", True, house.around.stamp())
    enter(house, "halted", "2026-02-04")
    assert len(told(house)) == 3
    week_ends(house)
    with house.history() as history:
        sent = [row["detail"] for row in kept.logged(history, TRIAL) if row["what"] == "notice sent"]
        assert sorted(sent) == ["email, 1 changes", "webhook, 1 changes"]
        (number,) = [row["id"] for row in house.outbox() if row["kind"] == "email"]
        duties.done(house.around, duties.find(house.around, history, TRIAL, "eu-halt"), history, "2026-02-06")
        waiting = outbox.known(history, number)
        assert waiting is not None
        assert "halt: due soon (in 14 days)" in written(house.around, history, waiting).text
