"""Nobody gets news by mail before the holder of the address has said yes, by the link in a mail to this address."""

from __future__ import annotations

import datetime
from concurrent.futures import ThreadPoolExecutor
from html import unescape

import pytest

from db import confirmations, erasure, stops
from jobs import confirming, wishes
from registry_sync.demo import record
from registry_sync.demo.record import TITLE, TRIAL
from registry_sync.notices.confirm import consent
from registry_sync.notices.route import Subscription
from registry_sync.sources.ctgov_search import search_from
from tests.house import House
from tests.web.conftest import READER, Site


def suspend(house: House) -> None:
    house.registry.put(record.with_status(house.registry.study(TRIAL), "SUSPENDED", posted="2026-02-03"))
    house.sync()


@pytest.fixture
def watched(house: House) -> House:
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.sync(days=0)
    return house


def test_from_the_wish_to_the_first_news(site: Site, watched: House) -> None:
    link = site.asked()
    assert site.states == ["pending"]
    page = site.get(link)
    assert page.status_code == 200
    for shown in (TRIAL, TITLE, "who may take part", "one mail for each trial", consent("en")):
        assert shown in unescape(page.text)
    assert site.states == ["pending"]

    assert "You will be told" in site.post(link).text
    (row,) = site.rows()
    assert (row["state"], row["consent_by"], row["confirmed_at"]) == ("active", "holder", watched.around.stamp())
    assert consent("en") in row["consent_wording"]

    suspend(watched)
    assert [mail.recipients for mail in watched.mailbox.messages] == [(READER,), (READER,)]
    assert "paused" in watched.mailbox.messages[-1].text("plain")


def test_who_does_nothing_hears_nothing(site: Site, watched: House) -> None:
    site.asked()
    suspend(watched)
    assert len(watched.mailbox.messages) == 1


def test_the_mail_says_what_it_is_and_tells_of_no_trial(site: Site, watched: House) -> None:
    site.asked(language="en")
    (mail,) = watched.mailbox.messages
    message = mail.message
    assert message["Subject"] == "Please confirm that you want news of trials"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe"] is None
    for kind in ("plain", "html"):
        text = " ".join(mail.text(kind).split())
        assert "asked Trial alerts to tell this address" in text
        assert "If you did not ask for this, do nothing" in text
        assert "9 February 2026" in text
        assert f"{site.url}/privacy" in text
        assert TRIAL not in text
        assert "Sjögren" not in text
    assert site.link() in mail.text("html")
    assert site.get("/privacy").status_code == 200


def test_in_danish(site: Site, watched: House) -> None:
    link = site.asked(language="da")
    (mail,) = watched.mailbox.messages
    assert mail.message["Subject"] == "Bekræft venligst, at du vil have nyt om forsøg"
    assert mail.message["Content-Language"] == "da"
    assert "9. februar 2026" in mail.text("plain")
    page = site.get(link, headers={"Accept-Language": "en"})
    assert '<html lang="da">' in page.text
    assert consent("da") in page.text
    site.post(link)
    assert site.rows()[0]["consent_wording"].startswith("holder-2 da: Skriv til mig")


def test_who_scans_mail_confirms_nothing(site: Site, watched: House) -> None:
    link = site.asked()
    for ask in (site.get, site.head, site.get):
        assert ask(link).status_code == 200
    assert site.states == ["pending"]
    assert site.post(link).status_code == 200


def test_a_link_works_once(site: Site, watched: House) -> None:
    link = site.asked()
    site.post(link)
    with watched.history() as history:
        wishes.stop(watched.around, history, READER, [], why="holder")
    for answer in (site.get(link), site.post(link)):
        assert answer.status_code == 410
        assert "has been used, or is too old" in answer.text
        assert TRIAL not in answer.text
    assert site.states == ["stopped"]


def test_of_two_clicks_at_once_one_confirms(site: Site, watched: House) -> None:
    link = site.asked()
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: site.post(link).status_code, range(4)))
    assert sorted(answers) == [200, 410, 410, 410]
    assert site.states == ["active"]


def test_a_link_works_for_a_week(site: Site, watched: House) -> None:
    link = site.asked()
    watched.at += datetime.timedelta(days=7) - datetime.timedelta(seconds=1)
    assert site.get(link).status_code == 200
    watched.at += datetime.timedelta(seconds=1)
    assert site.get(link).status_code == 410
    assert site.post(link).status_code == 410
    assert site.states == ["pending"]


def test_who_was_stopped_after_being_asked_is_not_started_by_the_older_link(site: Site, watched: House) -> None:
    link = site.asked()
    with watched.history() as history:
        wishes.stop(watched.around, history, READER, [], why="operator")
    assert site.post(link).status_code == 410
    assert site.states == ["stopped"]


def test_what_its_holder_stopped_its_holder_starts_again(site: Site, watched: House) -> None:
    site.post(site.asked())
    with watched.history() as history:
        wishes.stop(watched.around, history, READER, [], why="holder")
    watched.at += datetime.timedelta(hours=1)
    link = site.asked()
    assert site.states == ["stopped"]
    assert site.post(link).status_code == 200
    assert site.states == ["active"]
    with watched.history() as history:
        assert stops.stopped(history, READER) is None


def test_one_link_confirms_one_subscription(site: Site, watched: House) -> None:
    site.ask(every="day")
    site.asked()
    watched.deliver(hours=1)
    assert len(watched.mailbox.messages) == 2
    site.post(site.link())
    assert sorted(site.states) == ["active", "pending"]


def test_instead_counts_from_the_yes_on(site: Site, watched: House) -> None:
    watched.subscribe(READER)
    link = site.asked(every="week", instead=True)
    assert site.states == ["active", "pending"]
    site.post(link)
    assert site.states == ["stopped", "active"]


def test_what_is_asked_for_is_shown_whatever_it_is(site: Site, watched: House) -> None:
    search = search_from(["cond=<b>dry</b> & mouth", "locn=Denmark"])
    with watched.history() as history:
        wanted = Subscription(
            id=0, address=READER, kind="email", topics=frozenset({"places"}), countries=frozenset({"Denmark"}), least="major", every="week"
        )
        confirming.ask(watched.around, history, wanted, (), search=search)
        confirming.ask(watched.around, history, Subscription(id=0, address="all@example.org", kind="email"), ())
    watched.deliver()
    links = {}
    for mail in watched.mailbox.messages:
        (links[mail.recipients[0]],) = [line for line in mail.text("plain").splitlines() if "/confirm/" in line]
    page = site.get(links[READER]).text
    for shown in (
        "condition: <bdi>&lt;b&gt;dry&lt;/b&gt; &amp; mouth</bdi>",
        "place: <bdi>Denmark</bdi>",
        "its sites and contacts",
        "Sites in these countries only: Denmark",
        "Only what matters most",
        "At most one mail a week",
    ):
        assert shown in page
    assert "<li>who may take part</li>" not in page
    assert "Every trial that is watched here" in site.get(links["all@example.org"]).text


# --- not too many mails ---


def test_the_same_wish_again_at_once_brings_no_second_mail(site: Site, watched: House) -> None:
    site.asked()
    assert site.ask() == "too soon"
    watched.deliver(hours=0.1)
    assert len(watched.mailbox.messages) == 1
    watched.at += datetime.timedelta(minutes=10)
    assert site.ask() == "queued"
    assert site.ask() == "waiting"
    watched.deliver()
    assert len(watched.mailbox.messages) == 2


def test_whoever_types_an_address_cannot_flood_it(site: Site, watched: House) -> None:
    outcomes = [site.ask(topics=frozenset({topic})) for topic in ("status", "criteria", "places", "design", "results", "identity")]
    assert outcomes == ["queued"] * 5 + ["enough"]
    for _ in range(24):
        before = len(watched.mailbox.messages)
        watched.deliver(hours=0.05)
        assert len(watched.mailbox.messages) <= before + 1
    assert len(watched.mailbox.messages) == 5
    assert site.ask(topics=frozenset({"identity"})) == "enough"
    assert site.ask(address="other@example.org") == "queued"
    watched.at += datetime.timedelta(days=1)
    assert site.ask(topics=frozenset({"identity"})) == "queued"


def test_a_long_outage_brings_no_flood_after_it(site: Site, watched: House) -> None:
    watched.mailbox.stop()
    for day in range(3):
        for topic in ("status", "criteria", "places"):
            site.ask(topics=frozenset({topic}), every=("now", "day", "week")[day])
        watched.deliver(hours=24)
    watched.mailbox.start()
    for _ in range(30):
        watched.deliver(hours=0.5)
    assert len(watched.mailbox.messages) == 5


# --- when the mail cannot be sent ---


def test_what_is_refused_for_now_is_tried_again_with_the_same_identity(site: Site, watched: House) -> None:
    watched.mailbox.refuse_recipient(READER, "451 4.7.1 later", times=1)
    watched.mailbox.drop_after_data()
    site.ask()
    report = watched.deliver()
    assert (report.retrying, report.waiting) == (1, 1)
    assert "451" in report.problems[0]
    watched.deliver(hours=1)
    watched.deliver(hours=1)
    ids = {mail.message["Message-ID"] for mail in watched.mailbox.messages}
    assert len(watched.mailbox.messages) == 2
    assert len(ids) == 1
    assert site.post(site.link()).status_code == 200


def test_what_is_refused_for_good_is_given_up_and_says_why(site: Site, watched: House) -> None:
    watched.mailbox.refuse_recipient(READER)
    site.ask()
    report = watched.deliver()
    assert (report.failed, report.waiting) == (1, 0)
    watched.deliver(hours=48)
    with watched.history() as history:
        (state,) = confirmations.newest(history).values()
    assert (state["state"], state["attempts"]) == ("failed", 1)
    assert "550" in state["last_error"]


def test_what_could_not_be_sent_in_time_is_given_up(site: Site, watched: House) -> None:
    watched.mailbox.stop()
    site.ask()
    watched.deliver()
    watched.deliver(hours=8 * 24)
    with watched.history() as history:
        (state,) = confirmations.newest(history).values()
        assert confirmations.waiting(history) == 0
    assert "expired unsent" in state["last_error"]


def test_what_failed_under_a_clock_that_was_years_ahead_is_sent_once_it_is_right(site: Site, watched: House) -> None:
    right = watched.at
    watched.at += datetime.timedelta(days=730)
    watched.mailbox.stop()
    site.ask()
    watched.deliver()
    watched.mailbox.start()
    watched.at = right
    assert watched.deliver().sent == 1


@pytest.mark.parametrize("hours", [5, 24 * 365])
@pytest.mark.parametrize("then_sent", [True, False])
def test_what_was_asked_for_under_a_clock_that_was_ahead_shuts_nobody_out(site: Site, watched: House, hours: int, then_sent: bool) -> None:
    right = watched.at
    watched.at += datetime.timedelta(hours=hours)
    assert [site.ask(topics=frozenset({topic})) for topic in ("status", "criteria", "places", "design", "results")] == ["queued"] * 5
    if then_sent:
        assert watched.deliver().sent == 1
    watched.at = right
    assert site.ask(topics=frozenset({"identity"})) == "queued"
    assert watched.deliver().sent == 1
    assert site.ask(topics=frozenset({"identity"})) == "too soon"
    for _ in range(6):
        watched.deliver(hours=0.25)
    assert len(watched.mailbox.messages) == 5 + then_sent


def test_who_died_while_sending_holds_up_nothing(site: Site, watched: House) -> None:
    site.ask()
    with watched.history() as history:
        assert confirmations.claim(history, 7, watched.at) is not None
        assert confirmations.claim(history, 8, watched.at) is None
    assert watched.deliver().sent == 1
    assert site.get(site.link()).status_code == 200


def test_deliveries_side_by_side_ask_each_once(site: Site, watched: House) -> None:
    for number in range(20):
        site.ask(address=f"reader-{number}@example.org")
    with ThreadPoolExecutor(3) as threads:
        reports = list(threads.map(lambda _: watched.deliver(), range(3)))
    assert sum(report.sent for report in reports) == 20
    assert len({mail.recipients for mail in watched.mailbox.messages}) == len(watched.mailbox.messages) == 20


def test_a_mail_that_is_not_needed_any_more_is_not_sent(site: Site, watched: House) -> None:
    site.ask()
    site.ask(address="other@example.org")
    with watched.history() as history:
        wishes.stop(watched.around, history, "other@example.org", [], why="operator")
    watched.subscribe(READER)
    assert watched.deliver().sent == 0
    assert watched.mailbox.messages == ()


def test_what_is_erased_takes_its_links_along(site: Site, watched: House) -> None:
    link = site.asked()
    with watched.history() as history:
        erasure.erase(history, READER, watched.around.stamp())
        assert history.rows("SELECT * FROM confirmation") == []
    assert site.get(link).status_code == 410


def test_without_a_public_address_nothing_is_queued(house: House) -> None:
    assert Site(house, "").ask() is None
    assert house.deliver().sent == 0
