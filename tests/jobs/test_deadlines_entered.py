"""What follows from an event that was entered, or from what a coordinator says, is told as that: no record shows it."""

from __future__ import annotations

import html
import re

import pytest

from db import duties as kept
from jobs import duties
from registry_sync.demo.hook import payload
from registry_sync.demo.record import TRIAL
from tests.house import House
from tests.jobs.test_deadlines_told import completed
from tests.jobs.test_duties import COORDINATOR, begin, ended_study, enter


def newest(house: House) -> tuple[str, str]:
    """The text and the HTML of the newest mail, each on one line."""
    mail = house.mailbox.messages[-1]
    page = html.unescape(re.sub(r"<[^>]+>", " ", mail.text("html")))
    return " ".join(mail.text().split()), " ".join(page.split())


@pytest.fixture
def halted(house: House) -> House:
    """A trial of which a coordinator and a webhook are told, that was halted."""
    begin(house, study=ended_study(primary="2027-02-20"), topics=frozenset({"deadlines"}))
    house.subscribe(f"{house.hook.url}/now", kind="webhook", role="coordinator", topics=frozenset({"deadlines"}))
    with house.history() as history:
        kept.answer(history, TRIAL, "eu", True, house.around.stamp())
    enter(house, "halted", "2026-02-02")
    house.sync(days=1)
    return house


def called_done(house: House, day: str) -> None:
    with house.history() as history:
        duties.done(house.around, duties.find(house.around, history, TRIAL, "eu-halt"), history, day)


def test_what_is_due_by_an_event_is_not_said_to_be_by_the_record(halted: House) -> None:
    for text in newest(halted):
        assert "By an event that a coordinator entered, as of 2026-02-03: Deadline: CTIS: temporary halt: due soon" in text
        assert "This follows from an event that a coordinator entered, and is no legal advice." in text
        assert "egistry's record" not in text
        assert "read from the record" not in text


def test_what_a_coordinator_calls_done_is_told_with_the_day_and_who_said_it(halted: House) -> None:
    called_done(halted, "2026-02-02")
    halted.sync(days=1)
    for text in newest(halted):
        assert "As a coordinator says, as of 2026-02-04: Deadline: CTIS: temporary halt: met." in text
        assert "Done on 2026-02-02, as a coordinator says" in text
        assert "This is what a coordinator has said, which no record shows, and is no legal advice." in text
        assert "egistry's record" not in text
    (change,) = payload(halted.hook.posts[-1])["changes"]
    assert (change["after"], change["detail"]["done_on"]) == ("met", "2026-02-02")
    assert "done on 2026-02-02 as a coordinator says" in change["summary"]


def test_another_day_on_which_it_was_done_is_told_when_the_mail_goes(halted: House) -> None:
    called_done(halted, "2026-02-02")
    halted.sync(days=1, then_deliver=False)
    called_done(halted, "2026-02-03")
    halted.deliver()
    assert "Done on 2026-02-03, as a coordinator says" in newest(halted)[0]


def test_it_is_so_in_danish_too(halted: House) -> None:
    halted.subscribe(f"da.{COORDINATOR}", role="coordinator", language="da", topics=frozenset({"deadlines"}))
    enter(halted, "recruitment-ended", "2026-02-03")
    halted.sync(days=1)
    danish = next(mail for mail in halted.mailbox.messages if mail.recipients == (f"da.{COORDINATOR}",))
    text = " ".join(danish.text().split())
    assert "Efter en hændelse, som en koordinator har indtastet, pr. 2026-02-" in text
    assert "og er ikke juridisk rådgivning." in text
    assert "Efter registreringen" not in text


def test_what_the_record_shows_after_an_event_is_by_both_and_without_one_by_the_record(house: House) -> None:
    begin(house, study=ended_study(primary="2025-05-20"), topics=frozenset({"deadlines"}))
    enter(house, "amendment-approved", "2026-02-02")
    house.sync(days=1)
    assert "By an event that a coordinator entered and the registry's record, as of 2026-02-03: Deadline: Update after" in newest(house)[0]
    completed(house, "2025-02-20")
    assert "By the registry's record, as of 2026-02-04: Deadline: Results at" in newest(house)[0]
    assert "This is read from the record, and is no legal advice." in newest(house)[0]
