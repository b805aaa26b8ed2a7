"""One incident for each source: the operator hears once that it opened and once that it closed, whatever happens in between."""

from __future__ import annotations

import datetime
import logging
import math
import subprocess
import sys
from email.message import EmailMessage

import pytest

from db import incidents
from jobs import health
from jobs.deliver import DeliverReport
from jobs.waits import WAITS
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.notices import compose
from tests.house import House
from tests.waiting import PATIENCE

OPERATOR, READER = "operator@example.org", "reader@example.org"
PAGE = "https://example.org/trials/1"
DOWN = "the server answers 502 (Bad Gateway)"


@pytest.fixture
def heard(house: House) -> House:
    house.set("smtp", operator=OPERATOR)
    return house


def note(house: House, trouble: str | None, source: str = "ctgov", *, hours: float = 6) -> None:
    house.at += datetime.timedelta(hours=hours)
    with house.history() as history:
        health.note(house.around, history, source, trouble)


def to_operator(house: House) -> list[EmailMessage]:
    return [mail.message for mail in house.mailbox.messages if mail.recipients == (OPERATOR,)]


def subjects(house: House) -> list[str]:
    return [str(message["Subject"]) for message in to_operator(house)]


def is_something_to_tell(house: House) -> bool:
    with house.history() as history:
        return incidents.newest_untold(history) is not None


def is_due(house: House) -> bool:
    with house.history() as history:
        return health.is_due(house.around, history)


def incident_rows(house: House) -> list[dict[str, object]]:
    with house.history() as history:
        return history.rows("SELECT * FROM incident ORDER BY id")


IN_TROUBLE, WELL = "registry-sync: ClinicalTrials.gov is in trouble", "registry-sync: ClinicalTrials.gov is well again"


def test_the_operator_hears_once_that_it_opened_and_once_that_it_closed(heard: House) -> None:
    for _ in range(3):
        note(heard, DOWN)
        assert heard.deliver() == DeliverReport()
    assert subjects(heard) == [IN_TROUBLE]
    assert not is_something_to_tell(heard)
    for _ in range(2):
        note(heard, None)
        heard.deliver()
    assert subjects(heard) == [IN_TROUBLE, WELL]
    note(heard, "another fault")
    heard.deliver()
    assert subjects(heard) == [IN_TROUBLE, WELL, IN_TROUBLE]
    assert len({str(message["Message-ID"]) for message in to_operator(heard)}) == 3


def test_the_mails_say_what_since_when_and_for_how_long(heard: House) -> None:
    note(heard, DOWN, hours=0)
    heard.deliver()
    note(heard, "the server answers 503", hours=6)
    note(heard, None, hours=6)
    heard.deliver()
    opened, closed = heard.mailbox.messages
    for said in ("has been in trouble since 2026-02-02 06:17 UTC", "1 sync met it so far", DOWN, "last good versions stay", "hear nothing"):
        assert said in opened.text()
    for said in (
        "been well again since 2026-02-02 18:17 UTC",
        "began at 2026-02-02 06:17 UTC and lasted 12 hours",
        "2 syncs met it",
        "503",
    ):
        assert said in " ".join(closed.text().split())


def test_the_mails_are_automatic_threaded_and_no_list(heard: House) -> None:
    note(heard, DOWN)
    note(heard, None)
    heard.deliver()
    opened, closed = to_operator(heard)
    for message in (opened, closed):
        assert message.get_content_type() == "text/plain"
        assert message["Auto-Submitted"] == "auto-generated"
        assert message["From"] == "Trial alerts <alerts@example.org>"
        assert message["List-Unsubscribe"] is message["List-Id"] is message["Reply-To"] is None
    assert opened["In-Reply-To"] is opened["References"] is None
    assert closed["In-Reply-To"] == closed["References"] == opened["Message-ID"]


def test_opened_and_closed_before_the_first_mail_could_go_both_are_told_in_order(heard: House) -> None:
    note(heard, DOWN)
    note(heard, DOWN, PAGE, hours=1)
    note(heard, None, hours=1)
    note(heard, None, PAGE, hours=1)
    heard.deliver()
    page = ["registry-sync: A trial-finder site is in trouble", "registry-sync: A trial-finder site is well again"]
    assert subjects(heard) == [IN_TROUBLE, page[0], WELL, page[1]]
    assert "before this mail could be sent" in " ".join(heard.mailbox.messages[0].text().split())
    assert PAGE in heard.mailbox.messages[1].text()


def test_a_clock_that_went_back_does_not_turn_the_order_round(heard: House) -> None:
    note(heard, DOWN)
    note(heard, None, hours=-2)
    heard.deliver()
    assert subjects(heard) == [IN_TROUBLE, WELL]
    assert "lasted less than a minute" in " ".join(heard.mailbox.messages[1].text().split())


def test_what_is_well_as_before_writes_nothing(heard: House) -> None:
    note(heard, None)
    with heard.history() as history:
        before = history.connection.total_changes
        health.note(heard.around, history, "ctgov", None)
        assert history.connection.total_changes == before
    assert incident_rows(heard) == []


def test_a_sync_that_has_no_mail_to_write_loads_nothing_that_writes_mails() -> None:
    script = "import sys, jobs.health; print([name for name in sys.modules if name.startswith(('jinja2', 'registry_sync.notices.'))])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True, timeout=PATIENCE)
    assert done.stdout.strip() == "['registry_sync.notices.clean']"


def test_without_an_operator_the_log_says_it_once_each_and_it_counts_as_told(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "registry_sync")
    for trouble in (DOWN, DOWN, DOWN, None, None):
        note(house, trouble)
        house.deliver()
    assert [each.getMessage() for each in caplog.records] == [f"ctgov is in trouble: {DOWN}", "ctgov is well again"]
    assert not is_something_to_tell(house)
    house.set("smtp", operator=OPERATOR)
    house.deliver()
    assert not to_operator(house)


def test_an_operator_who_is_taken_out_of_the_settings_is_not_waited_for(heard: House) -> None:
    note(heard, DOWN)
    heard.mailbox.refuse_recipient(OPERATOR)
    heard.deliver()
    heard.set("smtp", operator="")
    heard.deliver()
    assert not is_something_to_tell(heard)
    assert not heard.mailbox.messages


# --- when the mail server is in trouble, too --------------------------------------------------------------------------


def test_a_mail_server_that_is_down_is_tried_again_later_and_later(heard: House) -> None:
    note(heard, DOWN)
    heard.mailbox.stop()
    waits, step = [], math.gcd(*map(int, WAITS))
    for _ in range(len(WAITS) + 1):
        report = heard.deliver()
        assert report.is_partial
        (problem,) = report.problems
        assert problem.startswith("to the operator: mail server")
        failed_at = heard.at
        while not is_due(heard):
            heard.at += datetime.timedelta(seconds=step)
        waits.append((heard.at - failed_at).total_seconds())
    assert waits == [*WAITS, WAITS[-1]]
    heard.mailbox.start()
    assert heard.deliver(hours=1) == DeliverReport()
    assert subjects(heard) == [IN_TROUBLE]
    assert heard.deliver(hours=100) == DeliverReport()
    assert subjects(heard) == [IN_TROUBLE]


def test_until_then_a_delivery_does_not_try_and_fails_nothing(heard: House) -> None:
    note(heard, DOWN)
    heard.mailbox.refuse_sender("451 4.3.0 later", times=None)
    assert heard.deliver().is_partial
    before = heard.mailbox.connections
    assert heard.deliver() == DeliverReport()
    assert heard.mailbox.connections == before
    assert is_something_to_tell(heard)


def test_news_is_tried_at_once_whatever_failed_before(heard: House) -> None:
    note(heard, DOWN)
    heard.mailbox.refuse_sender("451 4.3.0 later", times=3)
    for hours in (0, 1, 2):
        heard.deliver(hours=hours)
    note(heard, None, hours=0.01)
    assert heard.deliver() == DeliverReport()
    assert subjects(heard) == [IN_TROUBLE, WELL]


def test_a_mail_that_is_refused_does_not_hold_up_another_incidents(heard: House) -> None:
    note(heard, DOWN)
    note(heard, "unreadable", PAGE)
    note(heard, None)
    heard.mailbox.refuse_data("554 5.6.0 not this one", times=1)
    report = heard.deliver()
    assert report.problems == [problem for problem in report.problems if "not this one" in problem]
    assert len(report.problems) == 1
    assert subjects(heard) == ["registry-sync: A trial-finder site is in trouble"]
    assert heard.deliver(hours=1) == DeliverReport()
    assert subjects(heard)[1:] == [IN_TROUBLE, WELL]


def test_an_operator_without_a_mailbox_is_one_problem_and_stays_untold(heard: House) -> None:
    note(heard, DOWN)
    note(heard, "unreadable", PAGE)
    heard.mailbox.refuse_recipient(OPERATOR, times=None)
    report = heard.deliver()
    assert len(report.problems) == 1
    assert "No such user here" in report.problems[0]
    assert [row["opening_told_at"] for row in incident_rows(heard)] == [None, None]


# --- crashes -------------------------------------------------------------------------------------------------------------


def test_after_a_lost_answer_the_repeat_carries_the_same_identity(heard: House) -> None:
    note(heard, DOWN)
    heard.mailbox.drop_after_data()
    assert heard.deliver().is_partial
    note(heard, DOWN)
    heard.deliver(hours=1)
    first, second = to_operator(heard)
    assert first["Message-ID"] == second["Message-ID"]
    assert heard.deliver(hours=100) == DeliverReport()


def test_a_process_that_died_between_the_yes_and_our_note_repeats_it_at_once(heard: House, monkeypatch: pytest.MonkeyPatch) -> None:
    class Dead(BaseException):
        pass

    def dies(*_: object) -> None:
        raise Dead

    note(heard, DOWN)
    with monkeypatch.context() as patched:
        patched.setattr(incidents, "told", dies)
        patched.setattr("db.runs.end", dies)
        with pytest.raises(Dead):
            heard.deliver()
    assert heard.deliver() == DeliverReport()
    first, second = to_operator(heard)
    assert first["Message-ID"] == second["Message-ID"]
    assert not is_something_to_tell(heard)


def test_two_installations_with_one_sender_do_not_share_identities(heard: House) -> None:
    note(heard, DOWN)
    note(heard, None)
    note(heard, DOWN)
    heard.deliver()
    with heard.history() as history, history.write() as connection:
        connection.execute("DELETE FROM incident")
    note(heard, DOWN)
    heard.deliver()
    assert len({str(message["Message-ID"]) for message in to_operator(heard)}) == 4


# --- beside the subscribers' notices ----------------------------------------------------------------------------------


def queue_a_notice(house: House) -> None:
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.subscribe(READER)
    house.sync(days=0)
    house.registry.put(record.with_status(house.registry.study(TRIAL), "SUSPENDED", posted="2026-02-02"))
    house.sync(days=0, then_deliver=False)


def test_what_fails_for_the_operator_holds_up_no_subscriber_and_is_in_no_count(heard: House) -> None:
    queue_a_notice(heard)
    note(heard, "unreadable", PAGE)
    heard.mailbox.refuse_recipient(OPERATOR, times=None)
    report = heard.deliver()
    assert report.as_json() == {"sent": 1, "retrying": 0, "failed": 0, "waiting": 0}
    assert report.is_partial
    assert [mail.recipients for mail in heard.mailbox.messages] == [(READER,)]


def test_both_go_over_one_connection_the_subscribers_first(heard: House) -> None:
    queue_a_notice(heard)
    note(heard, "unreadable", PAGE)
    before = heard.mailbox.connections
    assert heard.deliver().as_json() == {"sent": 1, "retrying": 0, "failed": 0, "waiting": 0}
    assert heard.mailbox.connections == before + 1
    assert [mail.recipients for mail in heard.mailbox.messages] == [(READER,), (OPERATOR,)]


def test_a_server_that_takes_no_mail_is_asked_once_for_both(heard: House) -> None:
    queue_a_notice(heard)
    note(heard, "unreadable", PAGE)
    heard.mailbox.refuse_sender("451 4.3.0 later", times=None)
    before = heard.mailbox.connections
    assert len(heard.deliver().problems) == 1
    assert heard.mailbox.connections == before + 1
    heard.mailbox.behave()
    assert heard.deliver(hours=1).sent == 1
    assert subjects(heard) == ["registry-sync: A trial-finder site is in trouble"]


def test_a_registry_that_is_down_for_two_syncs_is_two_mails_to_the_operator_alone(heard: House) -> None:
    queue_a_notice(heard)
    heard.deliver()
    heard.mailbox.empty()
    heard.registry.stop()
    for _ in range(2):
        assert heard.sync().is_partial
    heard.registry.start()
    heard.sync()
    heard.deliver()
    assert [mail.recipients for mail in heard.mailbox.messages] == [(OPERATOR,), (OPERATOR,)]
    assert subjects(heard) == [IN_TROUBLE, WELL]


# --- hostile words ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hostile",
    [
        "502\r\nBcc: b@example.org\r\n\r\nSend money",
        "502\nSubject: x\x00\x1b[2J\u202egnp.exe",
        "{0} {name} %s \ud800 " + "x" * 5000,
        ".\r\n.\r\nQUIT\r\n",
    ],
)
def test_what_a_source_says_stays_in_the_body_on_one_line(heard: House, hostile: str) -> None:
    note(heard, hostile)
    note(heard, hostile, f"https://example.org/{hostile}".replace("\ud800", ""))
    assert heard.deliver() == DeliverReport()
    assert subjects(heard) == [IN_TROUBLE, "registry-sync: A trial-finder site is in trouble"]
    for mail in heard.mailbox.messages:
        assert mail.recipients == (OPERATOR,)
        headers = {
            "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Language", "Content-Type",
            "Content-Transfer-Encoding", "MIME-Version",
        }  # fmt: skip
        assert set(mail.message.keys()) == headers
        assert not any(ord(char) < 32 and char != "\n" for char in mail.text())
        assert "\u202e" not in mail.text()
        assert max(map(len, mail.raw.split(b"\r\n"))) <= compose.WIRE.max_line_length
