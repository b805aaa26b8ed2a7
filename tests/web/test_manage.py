"""Who has a fresh link of a mail sees all that the address is told, changes it, stops it, takes it along, or has it erased; nobody else."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from db import erasure, keys, stops
from jobs import deliver as job
from registry_sync.demo import record
from registry_sync.demo.record import TITLE, TRIAL
from registry_sync.notices.tokens import confirm_token, manage_token
from registry_sync.sources.ctgov_search import search_from
from registry_sync.web.postman import Postman
from tests.house import House
from tests.web.conftest import Site
from tests.web.filling import READER, ask, fill, managed, newest_link, send
from tests.web.reading import Page, is_sound, words


@pytest.fixture
def told(site: Site, house: House) -> House:
    """Somebody follows a trial, and another address does, too."""
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.sync(days=0)
    house.subscribe(READER)
    house.subscribe("other@example.org")
    return house


def path(site: Site, link: str) -> str:
    return link.removeprefix(site.url)


def press(site: Site, where: str, **typed: Any) -> Page:
    """Open a page, press its button, and read the page to which that leads."""
    answer = send(site, where, **typed).answer
    assert answer.status_code == 303, answer.text
    return Page(site.get(answer.headers["Location"]))


def test_from_the_form_to_all_that_is_told(site: Site, told: House) -> None:
    site.ask(address=READER, search=search_from(["cond=dry <b>mouth</b>"]), every="week", timezone="Europe/Copenhagen", language="da")
    told.deliver()
    answer = send(site, "/manage", address=f" {READER.upper()} ").answer
    assert (answer.status_code, answer.headers["Location"]) == (303, "/manage/asked")
    assert "If anything is kept" in Page(site.get("/manage/asked")).text
    link = newest_link(site, 2)
    mail = told.mailbox.messages[-1]
    assert mail.recipients == (READER,)
    assert mail.message["Subject"] == "Your news of trials: see, change or stop it"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    for kind in ("plain", "html"):
        assert link in mail.text(kind)
        assert TRIAL not in mail.text(kind)
        assert "If you did not ask for this, do nothing" in " ".join(mail.text(kind).split())

    page = Page(site.get(link))
    is_sound(page)
    assert page.answer.headers["Cache-Control"] == "no-store"
    for shown in (READER, TITLE, TRIAL, "who may take part", "one mail for each trial", "English"):
        assert shown in page.text
    for shown in ("not confirmed yet", "condition: dry <b>mouth</b>", "At most one mail a week (Europe/Copenhagen)", "Dansk"):
        assert shown in page.text
    assert "other@example.org" not in page.text


def test_reading_changes_nothing(site: Site, told: House) -> None:
    start = path(site, managed(site, 1))
    told.deliver()
    with told.history() as history:
        before = list(history.connection.iterdump())
        for where in ("", "/1", "/1/stop", "/stop", "/erase", "/export"):
            for _ in range(2):
                assert site.get(start + where).status_code == 200
                assert site.head(start + where).status_code == 200
        assert list(history.connection.iterdump()) == before


def test_what_is_told_is_changed(site: Site, told: House) -> None:
    start = path(site, managed(site, 1))
    page = press(
        site, f"{start}/1", about=["open", "sites"], country="Denmark", every="week", timezone="Asia/Tokyo", language="da", least="major"
    )
    is_sound(page)
    assert "That is changed" in page.text
    row, other = site.rows()
    assert (row["topics"], row["countries"], row["every"]) == (["places", "registry", "status"], ["Denmark"], "week")
    assert (row["timezone"], row["language"], row["least"], row["state"]) == ("Asia/Tokyo", "da", "major", "active")
    assert (other["every"], other["language"]) == ("now", "en")
    assert "Sites in these countries only: Denmark" in page.text

    assert Page(site.get(f"{start}/1")).soup.find(id="every-week").has_attr("checked")
    press(site, f"{start}/1", about=["open", "who", "dates", "results", "sites", "rest"], country="", least=[])
    assert (site.rows()[0]["topics"], site.rows()[0]["countries"], site.rows()[0]["least"]) == ([], [], "minor")


def test_a_change_holds_for_what_waits(site: Site, told: House) -> None:
    told.registry.put(record.with_status(told.registry.study(TRIAL), "SUSPENDED", posted="2026-02-03"))
    told.sync(then_deliver=False)
    start = path(site, managed(site, 1))
    press(site, f"{start}/1", about=["results"])
    told.deliver()
    assert [mail.recipients for mail in told.mailbox.messages] == [(READER,), ("other@example.org",)]


def test_sent_in_untouched_the_form_changes_nothing(site: Site, told: House) -> None:
    told.subscribe(READER, role="coordinator", topics=frozenset({"status", "deadlines", "housekeeping"}), every="day", timezone="UTC")
    told.subscribe(READER, topics=frozenset({"places"}), countries=frozenset({"Sweden", "Atlantis"}), timezone="Etc/GMT-3", every="day")
    told.subscribe(READER, countries=frozenset({"Atlantis"}), role="coordinator")
    start = path(site, managed(site, 1))
    before = site.rows()
    for row in before:
        if row["address"] == READER:
            press(site, f"{start}/{row['id']}")
    assert site.rows() == before


SECOND, THIRD = "NCT01000002", "NCT01000003"


@pytest.fixture
def three(site: Site, told: House) -> House:
    """The same, and somebody follows three trials in one subscription (the third that there is)."""
    for trial in (SECOND, THIRD):
        told.registry.put(record.a_study(trial, title=f"Study {trial}"))
    told.watch(SECOND, THIRD)
    told.sync(days=0)
    told.subscribe(READER, TRIAL, SECOND, THIRD)
    return told


def test_a_trial_is_taken_out_of_several_also_for_what_waits(site: Site, three: House) -> None:
    three.registry.put(record.with_status(three.registry.study(SECOND), "SUSPENDED", posted="2026-02-03"))
    three.registry.put(record.with_status(three.registry.study(THIRD), "SUSPENDED", posted="2026-02-03"))
    three.sync(then_deliver=False)
    start = path(site, managed(site, 1))
    page = Page(site.get(f"{start}/3"))
    is_sound(page)
    assert [box["value"] for box in page.soup.select("input[name=trial][checked]")] == [SECOND, THIRD, TRIAL]
    assert "That is changed" in press(site, f"{start}/3", trial=[TRIAL, THIRD]).text
    assert site.rows()[2]["trials"] == [THIRD, TRIAL]
    three.deliver()
    subjects = [str(mail.message["Subject"]) for mail in three.mailbox.messages[1:]]
    assert [THIRD in subject for subject in subjects] == [True]
    assert "Which trials" not in Page(site.get(f"{start}/1")).soup.form.text  # it has one alone


def test_one_trial_at_least_is_left(site: Site, three: House) -> None:
    start = path(site, managed(site, 1))
    page = send(site, f"{start}/3", trial=[])
    assert page.answer.status_code == 422
    is_sound(page)
    assert "Leave at least one trial" in page.text
    assert not page.soup.select("input[name=trial][checked]")
    assert len(site.rows()[2]["trials"]) == 3


def test_what_was_taken_out_elsewhere_meanwhile_leaves_one_trial_and_says_so(site: Site, three: House) -> None:
    """Two windows with the form: the first one leaves one trial, and in the second one that trial is without a tick."""
    start = path(site, managed(site, 1))
    action, data = fill(Page(site.get(f"{start}/3")), trial=[TRIAL, THIRD])
    press(site, f"{start}/3", trial=[SECOND])
    page = Page(site.post(action, data=data, headers={"Origin": site.url}))
    assert page.answer.status_code == 422
    is_sound(page)
    (link,) = page.soup.select(".problems a")
    assert page.soup.find(id=link["href"].removeprefix("#")) is not None
    assert site.rows()[2]["trials"] == [SECOND]


def test_a_trial_that_came_while_the_form_was_open_stays(site: Site, three: House) -> None:
    three.subscribe(READER, TRIAL, SECOND, every="day")
    start = path(site, managed(site, 1))
    action, data = fill(Page(site.get(f"{start}/4")), trial=[SECOND])
    with three.history() as history, history.write() as connection:
        connection.execute("INSERT INTO subscription_trial (subscription_id, trial) VALUES (4, ?)", (THIRD,))
    assert site.post(action, data=data).status_code == 303
    assert site.rows()[3]["trials"] == [SECOND, THIRD]


def test_what_is_wrong_is_said(site: Site, told: House) -> None:
    start = path(site, managed(site, 1))
    page = send(site, f"{start}/1", about=[], timezone="nowhere")
    assert page.answer.status_code == 422
    is_sound(page)
    assert len(page.soup.select(".problems a")) == 2
    assert site.rows()[0]["timezone"] == "UTC"


def test_one_is_stopped(site: Site, told: House) -> None:
    told.subscribe(READER, every="week")
    start = path(site, managed(site, 1))
    page = Page(site.get(f"{start}/3/stop"))
    is_sound(page)
    assert "Nothing has been changed yet" in page.text
    assert site.states == ["active"] * 3
    assert "That is stopped" in press(site, f"{start}/3/stop").text
    assert site.states == ["active", "active", "stopped"]
    assert site.rows()[2]["stopped_why"] == "holder"
    assert site.get(f"{start}/3").status_code == 404
    assert site.post(f"{start}/3/stop").status_code == 404


def test_all_is_stopped(site: Site, told: House) -> None:
    told.subscribe(READER, every="week")
    site.ask(address=READER, least="major")
    told.deliver()
    start = path(site, managed(site, 2))
    page = press(site, f"{start}/stop")
    assert "You are told nothing just now." in page.text
    assert site.states == ["stopped", "active", "stopped", "stopped"]
    with told.history() as history:
        assert stops.stopped(history, READER) is not None


def test_what_is_held_is_taken_along(site: Site, told: House) -> None:
    start = path(site, managed(site, 1))
    told.deliver()
    answer = site.get(f"{start}/export")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="held.json"'
    assert answer.headers["Cache-Control"] == "no-store"
    with told.history() as history:
        assert json.loads(answer.text) == json.loads(json.dumps(erasure.held(history, READER)))
    assert "other@example.org" not in answer.text


def test_all_is_erased_and_the_link_with_it(site: Site, told: House) -> None:
    told.registry.put(record.with_status(told.registry.study(TRIAL), "SUSPENDED", posted="2026-02-03"))
    told.sync()
    ask(site, address=READER, about=["open"])
    start = path(site, managed(site, 4))
    page = Page(site.get(f"{start}/erase"))
    is_sound(page)
    assert "cannot be undone" in page.text
    done = press(site, f"{start}/erase")
    is_sound(done)
    assert "All of it is erased" in done.heading
    assert "14 days old" in done.text
    with told.history() as history:
        held = erasure.held(history, READER)
        assert (held["subscriptions"], held["notices"], held["confirmations"], held["forms"]) == ([], [], [], [])
        assert held["stop"]["why"] == "holder"
    assert [row["address"] for row in site.rows()] == ["other@example.org"]
    assert READER.encode() not in b"".join(each.read_bytes() for each in told.folder.glob("history.db*"))
    for where in ("", "/1", "/1/stop", "/stop", "/erase", "/export"):
        assert site.get(start + where).status_code == 410
    for where in ("/1", "/1/stop", "/stop", "/erase"):
        assert site.post(start + where).status_code == 410


def test_a_link_is_good_for_an_hour_from_when_it_was_sent(site: Site, told: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Postman, "_work", lambda self: None)
    send(site, "/manage", address=READER)
    told.deliver(hours=3)
    link = newest_link(site, 1)
    told.at += datetime.timedelta(minutes=59)
    assert site.get(link).status_code == 200
    told.at += datetime.timedelta(minutes=1)
    page = Page(site.get(link))
    assert page.answer.status_code == 410
    is_sound(page)
    assert TRIAL not in page.text
    assert "/manage" in page.links()


def test_a_link_of_nobody_and_one_for_something_else_lead_nowhere(site: Site, told: House) -> None:
    site.ask(address=READER, every="week")
    told.deliver()
    with told.history() as history:
        key = keys.links(history)
        (mail,) = history.rows("SELECT id FROM confirmation")
    tokens = ("x", "a.b", confirm_token(key, mail["id"]), manage_token(key, mail["id"]), manage_token("00" * 32, mail["id"]), "%00")
    answers = {(site.get(f"/manage/{token}").status_code, site.get(f"/manage/{token}").text) for token in tokens}
    assert {status for status, _ in answers} == {410}
    with told.history() as history:
        link = path(site, managed(site, 2))
        assert site.post(link.replace("/manage/", "/confirm/")).status_code == 410


def test_of_other_addresses_nothing_can_be_reached(site: Site, told: House) -> None:
    start = path(site, managed(site, 1))
    assert site.rows()[1]["address"] == "other@example.org"
    for where in ("/2", "/2/stop", "/999", "/99999999999999999999"):
        assert site.get(start + where).status_code == 404
        assert site.post(start + where).status_code == 404
    assert site.states == ["active", "active"]


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example.net"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}])
def test_what_another_site_sends_is_refused(site: Site, told: House, headers: dict) -> None:
    start = path(site, managed(site, 1))
    before = site.rows()
    for where in ("/1", "/1/stop", "/stop", "/erase"):
        assert site.post(start + where, headers=headers).status_code == 403
    assert site.rows() == before
    assert site.post(start, headers=headers).status_code == 405


def test_where_nothing_is_held_no_mail_goes(site: Site, told: House) -> None:
    send(site, "/manage", address="nobody@example.org")
    managed(site, 1)
    told.deliver(hours=1)
    assert [mail.recipients for mail in told.mailbox.messages] == [(READER,)]


def test_links_are_not_mailed_without_end(site: Site, told: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Postman, "_work", lambda self: None)
    for _ in range(2):
        send(site, "/manage", address=READER)
        told.deliver()
    assert len(told.mailbox.messages) == 1
    for _ in range(11):
        told.at += datetime.timedelta(hours=1)
        send(site, "/manage", address=READER)
        told.deliver()
    assert len(told.mailbox.messages) == 10


def test_who_has_just_been_asked_to_confirm_need_not_wait_for_the_link(site: Site, told: House) -> None:
    ask(site, address="new@example.org")
    newest_link(site, 1)
    assert "not confirmed yet" in Page(site.get(managed(site, 2, "new@example.org"))).text


def test_a_link_that_could_not_be_sent_in_a_day_is_given_up(site: Site, told: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Postman, "_work", lambda self: None)
    told.mailbox.stop()
    send(site, "/manage", address=READER)
    assert told.deliver().retrying == 1
    told.mailbox.start()
    told.deliver(hours=25)
    assert told.mailbox.messages == ()
    with told.history() as history:
        (row,) = history.rows("SELECT state, last_error FROM confirmation")
    assert row["state"] == "failed"


def test_a_repeat_has_the_same_identity_and_link(site: Site, told: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Postman, "_work", lambda self: None)
    told.mailbox.drop_after_data()
    send(site, "/manage", address=READER)
    told.deliver()
    told.deliver(hours=0.5)
    first, second = told.mailbox.messages
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert site.get(newest_link(site, 2)).status_code == 200


def test_what_refusals_have_stopped_is_said(site: Site, told: House) -> None:
    with told.history() as history:
        history.write_one("UPDATE subscription SET state = 'stopped', stopped_why = 'bounces', stopped_at = '2026-02-01T00:00:00Z'", ())
    page = Page(site.get(managed(site, 1)))
    is_sound(page)
    assert "were refused several times" in page.text


def test_in_danish(site: Site, told: House) -> None:
    told.subscribe("dansk@example.org", language="da")
    link = managed(site, 1, "dansk@example.org")
    assert told.mailbox.messages[0].message["Content-Language"] == "da"
    page = Page(site.get(f"{path(site, link)}?lang=da"))
    is_sound(page)
    assert page.heading == "Hvad du får besked om"
    way = next(each for each in page.links() if "/3?" in each)
    assert "lang=da" in way
    assert Page(site.get(way)).heading == "Ret, hvad du får besked om"


def test_titles_are_anybodys_text(site: Site, told: House) -> None:
    study = record.touched(record.the_study(), "2026-02-03")
    study["protocolSection"]["identificationModule"]["briefTitle"] = '"><img src=x onerror=alert(1)>\u202e' + "Wort" * 300
    told.registry.put(study)
    told.sync()
    start = path(site, managed(site, 1))
    for where in ("", "/1", "/1/stop", "?done=<script>"):
        is_sound(Page(site.get(start + where)))


def test_the_mails_of_forms_go_without_the_news(site: Site, told: House) -> None:
    """What the pages send at once is what somebody waits for, and nothing else."""
    told.registry.put(record.with_status(told.registry.study(TRIAL), "SUSPENDED", posted="2026-02-03"))
    told.sync(then_deliver=False)
    managed(site, 1)
    report = job.send_asked(told.around)
    assert (report.sent, len(told.mailbox.messages)) == (0, 1)
    assert told.deliver().sent == 2


def test_the_form_says_what_is_wrong(site: Site, told: House) -> None:
    page = send(site, "/manage", address="nonsense")
    assert page.answer.status_code == 422
    is_sound(page)
    assert "This is no mail address" in words(page.soup.find(id="address-error"))
    _, data = fill(Page(site.get("/manage")), address=READER)
    without = [(name, value) for name, value in data if name != "token"]
    assert site.post("/manage", data=without).status_code == 422


def test_what_no_form_of_ours_offers_is_refused(site: Site, told: House) -> None:
    start = path(site, managed(site, 1))
    page = send(site, f"{start}/1", least="xx")
    assert page.answer.status_code == 422
    assert [str(each["href"]) for each in page.soup.select(".problems a")] == ["#least"]
    assert site.rows()[0]["least"] == "minor"


def test_a_page_behind_a_link_names_no_address_of_its_own(site: Site, told: House) -> None:
    start = path(site, managed(site, 1))
    for page in (start, f"{start}/1", f"{start}/stop", f"{start}/erase", "/manage/x"):
        assert not Page(site.get(page)).soup.select('link[rel="canonical"], link[hreflang]'), page
    assert Page(site.get("/manage")).soup.select('link[rel="canonical"]')
