"""Nobody learns from the answer to a form whether an address is known, and nobody is flooded; what was answered is not lost."""

from __future__ import annotations

import datetime
import logging
import re
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from db import aliases, forms
from jobs import health, wishes
from jobs.retention import tidy
from registry_sync.demo.record import TRIAL
from registry_sync.web import forms as web_forms
from registry_sync.web.postman import Postman
from tests.house import House
from tests.waiting import PATIENCE, free_port
from tests.web.conftest import Site, Terminal
from tests.web.filling import READER, ask, newest_link, send, two_trials
from tests.web.reading import Page, is_sound
from tests.web.test_serve import serving, with_web


@pytest.fixture
def watched(site: Site, house: House) -> House:
    two_trials(house)
    return house


@pytest.fixture
def unsent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies right after the answer."""
    monkeypatch.setattr(Postman, "_work", lambda self: None)


def said(answer: object) -> tuple:
    headers = {name: value for name, value in answer.headers.items() if name.lower() != "date"}
    return answer.status_code, headers, answer.content


def test_the_answer_is_the_same_whatever_is_kept_on_an_address(site: Site, watched: House) -> None:
    watched.subscribe("active@example.org")
    watched.subscribe("stopped@example.org")
    with watched.history() as history:
        wishes.stop(watched.around, history, "stopped@example.org", [], why="holder")
    watched.mailbox.refuse_recipient("refused@example.org")
    for _ in range(6):
        site.ask(address="flooded@example.org")
    answers = [ask(site, address=f"{who}@example.org") for who in ("unknown", "active", "stopped", "refused", "flooded", "unknown")]
    assert len({repr(said(answer)) for answer in answers}) == 1
    answers = [send(site, "/manage", address=f"{who}@example.org").answer for who in ("nobody", "active", "stopped")]
    assert len({repr(said(answer)) for answer in answers}) == 1
    for path in ("/subscribe/asked", "/manage/asked"):
        assert len({repr(said(site.get(path))) for _ in range(3)}) == 1
        assert "example.org" not in site.get(path).text


def test_the_answer_asks_nothing_about_the_address(site: Site, watched: House, unsent: None) -> None:
    """What is kept before the answer is the same for all; what is known of an address is looked at after it."""
    watched.subscribe(READER)
    for address in (READER, "unknown@example.org"):
        assert ask(site, address=address).status_code == 303
    with watched.history() as history:
        kept = history.rows("SELECT kind, address, json_extract(wish, '$.trials') AS trials, created_at FROM form")
        assert [row["address"] for row in kept] == [READER, "unknown@example.org"]
        assert len({(row["kind"], row["trials"], row["created_at"]) for row in kept}) == 1
        assert len(history.rows("SELECT * FROM subscription")) == 1


def test_what_was_answered_survives_the_death_of_the_process(site: Site, watched: House, unsent: None) -> None:
    assert ask(site).status_code == 303
    assert site.rows() == []
    assert watched.deliver().sent == 1
    assert site.states == ["pending"]
    with watched.history() as history:
        assert forms.oldest(history) is None
    assert watched.deliver().sent == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_was_answered_survives_the_end_of_the_pages(
    terminal: Terminal, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends while it hands over the mail, and soon, whatever the mail server does."""
    monkeypatch.setenv("REGISTRY_SYNC_SMTP_TIMEOUT", "3000")
    site = Site(terminal.house, with_web(terminal, free_port()))
    terminal("watch", "add", TRIAL)
    hold = terminal.house.mailbox.hang("data")
    with serving(terminal.house.folder) as process:
        assert ask(site).status_code == 303
        hold.wait_until_reached()
        process.send_signal(number)
        process.wait(PATIENCE)
        assert process.stderr is not None
        logged = process.stderr.read()
    if number == signal.SIGTERM:
        assert logged.count("what waits is sent by the next delivery") == 1
        assert not re.search("Traceback|ERROR|Exception|Cancel", logged), logged
    terminal.house.mailbox.behave()
    report = terminal("deliver", "--json").json
    assert report["sent"] + report["waiting"] == 1  # who heard that the process was to end may have given up, and tries again in a minute
    assert len(terminal.house.mailbox.messages) == report["sent"]
    (row,) = terminal("subscriptions", "--json").json
    assert (row["address"], row["state"]) == (READER, "pending")


def test_behind_a_proxy_that_is_trusted_each_reader_is_counted_alone(terminal: Terminal) -> None:
    site = Site(terminal.house, with_web(terminal, free_port()))
    settings = terminal.house.folder / "registry-sync.toml"
    settings.write_text(f'{settings.read_text(encoding="utf-8")}trusted_proxies = ["127.0.0.1"]\n', encoding="utf-8")
    terminal("watch", "add", TRIAL)
    with serving(terminal.house.folder):
        answers = [ask(site, address=f"r{n}@example.org", headers={"X-Forwarded-For": "192.0.2.1"}) for n in range(11)]
        other = ask(site, headers={"X-Forwarded-For": "192.0.2.2"})
    assert [answer.status_code for answer in answers] == [303] * 10 + [429]
    assert other.status_code == 303


def test_a_mail_server_that_is_down_holds_up_no_answer_and_loses_nothing(site: Site, watched: House) -> None:
    watched.mailbox.stop()
    assert ask(site).status_code == 303
    watched.deliver()
    watched.mailbox.start()
    watched.deliver(hours=1)
    assert site.post(newest_link(site, 1)).status_code == 200
    assert len(watched.mailbox.messages) == 1


def test_a_form_that_cannot_be_worked_off_holds_up_nothing(
    site: Site, watched: House, unsent: None, caplog: pytest.LogCaptureFixture
) -> None:
    with watched.history() as history:
        forms.add(history, "subscribe", READER, '{"trials": 1}', watched.around.stamp())
    ask(site, address="next@example.org")
    with caplog.at_level(logging.ERROR, logger="registry_sync"):
        watched.deliver()
    assert [mail.recipients for mail in watched.mailbox.messages] == [("next@example.org",)]
    assert "a form could not be worked off, and waits" in caplog.text
    assert READER not in caplog.text
    with watched.history() as history:
        assert len(forms.of_address(history, READER)) == 1


def test_a_form_that_could_not_be_worked_off_is_by_a_program_that_can(
    site: Site, watched: House, unsent: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(site)
    with monkeypatch.context() as broken:
        broken.setattr(aliases, "current_ids", lambda *_: 1 / 0)
        assert watched.deliver().sent == 0
    with watched.history() as history:
        late = watched.around.now() + datetime.timedelta(hours=watched.settings.smtp.alarm_hours + 1)
        watched.at = late
        assert health.stuck_since(watched.around, history) is not None
    watched.deliver()
    assert [mail.recipients for mail in watched.mailbox.messages] == [(READER,)]


def test_a_form_that_nothing_comes_of_goes_when_nobody_waits_for_its_mail(watched: House) -> None:
    with watched.history() as history:
        forms.add(history, "subscribe", READER, '{"trials": 1}', watched.around.stamp())
        for days, left in ((6, 1), (2, 0)):
            watched.at += datetime.timedelta(days=days)
            tidy(watched.around, history)
            assert len(forms.of_address(history, READER)) == left


def test_many_at_once_are_each_asked_once(site: Site, watched: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_forms, "MOST_OF_A_CLIENT", 100)
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda n: ask(site, address=f"reader-{n}@example.org").status_code, range(18)))
    assert answers == [303] * 18
    mails = watched.mailbox.wait_for(18)
    assert len({mail.recipients for mail in mails}) == 18
    watched.deliver()
    assert len(watched.mailbox.messages) == 18


def test_who_is_told_already_learns_it_by_mail_once_a_day(site: Site, watched: House, unsent: None) -> None:
    watched.subscribe(READER)
    before = site.rows()
    ask(site, every="week", language="da")
    watched.deliver()
    link = newest_link(site, 1)
    mail = watched.mailbox.messages[0]
    assert mail.message["Subject"] == "You are told of this already"
    assert "/manage/" in link
    assert TRIAL not in mail.text("plain")
    assert site.rows() == before
    watched.at += datetime.timedelta(hours=12)
    ask(site)
    watched.deliver()
    assert len(watched.mailbox.messages) == 1
    watched.at += datetime.timedelta(hours=12)
    ask(site)
    watched.deliver()
    assert len(watched.mailbox.messages) == 2


def test_what_its_holder_stopped_its_holder_starts_again(site: Site, watched: House) -> None:
    watched.subscribe(READER)
    with watched.history() as history:
        wishes.stop(watched.around, history, READER, [], why="holder")
    ask(site)
    assert site.post(newest_link(site, 1)).status_code == 200
    assert site.states == ["active"]


def test_that_somebody_reads_first_is_not_the_readers_to_change(site: Site, watched: House) -> None:
    watched.subscribe(READER, hold=True)
    with watched.history() as history:
        wishes.stop(watched.around, history, READER, [], why="operator")
    ask(site)
    site.post(newest_link(site, 1))
    (row,) = site.rows()
    assert (row["state"], row["hold"]) == ("active", True)


def test_an_address_is_asked_a_few_times_a_day_and_what_nobody_is_asked_about_is_not_kept(
    site: Site, watched: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Postman, "_work", lambda self: None)
    for group in ("open", "who", "dates", "results", "sites", "rest"):
        assert ask(site, about=group).status_code == 303
        watched.deliver(hours=0.25)
    assert len(watched.mailbox.messages) == 5
    assert len(site.rows()) == 5


def links(site: Site, house: House, times: int) -> int:
    """How many mails come of it when so many links to all that the address is told are asked for, one every quarter of an hour."""
    before = len(house.mailbox.messages)
    for _ in range(times):
        assert send(site, "/manage", address=READER).answer.status_code == 303
        house.deliver(hours=0.25)
    return len(house.mailbox.messages) - before


def test_nobody_shuts_a_holder_out_by_asking_in_their_name(site: Site, watched: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Postman, "_work", lambda self: None)
    for group in ("open", "who", "dates", "results", "sites", "rest"):
        ask(site, about=group)
        watched.deliver(hours=0.25)
    assert links(site, watched, 1) == 1
    assert "/manage/" in newest_link(site, 6)
    assert ask(site, about="rest").status_code == 303
    watched.deliver()
    assert len(watched.mailbox.messages) == 6, "the link is no question the less, and none the more"


def test_links_to_all_that_an_address_is_told_have_a_limit_too(site: Site, watched: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Postman, "_work", lambda self: None)
    watched.subscribe(READER)
    assert links(site, watched, 4) == 3
    assert sum(links(site, watched, 4) for _ in range(4)) == 7
    watched.at += datetime.timedelta(days=1)
    assert links(site, watched, 1) == 1


def test_a_client_may_ask_ten_times_an_hour(site: Site, watched: House, unsent: None) -> None:
    for number in range(10):
        assert ask(site, address=f"reader-{number}@example.org").status_code == 303
        watched.at += datetime.timedelta(minutes=1)
    for answer in (ask(site, address="one.more@example.org"), send(site, "/manage", address=READER).answer):
        assert answer.status_code == 429
        assert answer.headers["Retry-After"] == str(50 * 60 + 1)
        assert "That was too often" in answer.text
        is_sound(Page(answer))
    assert send(site, f"/subscribe?trial={TRIAL}", address="nonsense").answer.status_code == 422
    watched.at += datetime.timedelta(minutes=50)
    assert ask(site, address="one.more@example.org").status_code == 303
    assert ask(site, address="two.more@example.org").status_code == 429
    with watched.history() as history:
        assert len(history.rows("SELECT * FROM form")) == 11


def test_all_together_may_ask_so_often_an_hour(site: Site, watched: House, unsent: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_forms, "MOST_OF_ALL", 3)
    for number in range(3):
        assert ask(site, address=f"reader-{number}@example.org").status_code == 303
    answer = ask(site)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 3500


def test_a_client_is_its_network_and_nothing_of_it_is_kept_for_longer_than_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_forms, "MOST_OF_A_CLIENT", 2)
    limits, now = web_forms.Limits(), datetime.datetime(2026, 2, 2, tzinfo=datetime.UTC)
    for client in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"):
        assert limits.wait(client, now) == (0, False)
    assert limits.wait("2001:db8:1:2::3", now) == (3601, True)
    assert limits.wait("2001:db8:1:3::3", now) == (0, False)
    assert limits.wait("192.0.2.1", now) == (0, False)
    assert "192.0.2.1" not in repr(vars(limits))
    assert limits.wait("unknown", now + datetime.timedelta(hours=1)) == (0, False)
    assert len(limits._of_client) == 1


def test_no_address_stands_in_the_log(site: Site, watched: House, caplog: pytest.LogCaptureFixture) -> None:
    watched.mailbox.refuse_recipient(READER)
    with caplog.at_level(logging.DEBUG, logger="registry_sync"):
        ask(site)
        ask(site, address="nonsense at example")
        watched.mailbox.refuse_recipient("x@example.org", times=1)
        send(site, "/manage", address=READER)
        with watched.history():
            pass
    assert "POST /subscribe 303" in caplog.text
    assert "example" not in caplog.text
    assert TRIAL not in caplog.text


def test_reading_changes_nothing(site: Site, watched: House) -> None:
    with watched.history() as history:
        before = list(history.connection.iterdump())
        for path in (
            "/subscribe",
            f"/subscribe?trial={TRIAL}",
            "/subscribe/asked",
            "/manage",
            "/manage/asked",
            "/manage/erased",
            "/manage/x",
        ):
            for _ in range(2):
                answer = site.get(path)
                is_sound(Page(answer))
                assert answer.headers["Cache-Control"] == "no-store"
                assert answer.headers["Referrer-Policy"] == "strict-origin"
                assert site.head(path).status_code == answer.status_code
        assert list(history.connection.iterdump()) == before


def test_without_a_public_address_there_is_no_form(house: House, monkeypatch: pytest.MonkeyPatch, site: Site) -> None:
    import msgspec

    from registry_sync.web import answers, managing, pages, subscribing

    house.watch(TRIAL)
    around_of = pages.around_of
    house.set("web", url="")
    for module in (answers, managing, subscribing):
        monkeypatch.setattr(module, "around_of", lambda request: msgspec.structs.replace(around_of(request), settings=house.settings))
    for path in ("/subscribe", "/manage"):
        assert site.get(path).status_code == 404
        assert site.post(path).status_code == 404
    assert not [link for link in Page(site.get("/")).links() if "subscribe" in link or "manage" in link]
