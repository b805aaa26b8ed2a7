"""A link in a mail stops one subscription: by a person's click on a button, or by the mail service's own post, and by nothing else."""

from __future__ import annotations

import re

import pytest

from db import keys, stops
from registry_sync.demo import record
from registry_sync.demo.record import TITLE, TRIAL
from registry_sync.notices.tokens import confirm_token, stop_token
from tests.house import House
from tests.web.conftest import READER, Site

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def told(site: Site, house: House) -> House:
    """Somebody follows a trial twice over and has had a mail."""
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.subscribe(READER)
    house.subscribe(READER, least="major", topics=frozenset({"results"}))
    house.sync(days=0)
    house.registry.put(record.with_status(house.registry.study(TRIAL), "SUSPENDED", posted="2026-02-03"))
    house.sync()
    return house


def link(house: House) -> str:
    header = str(house.mailbox.messages[-1].message["List-Unsubscribe"])
    found = re.search(r"<(http[^>]+/stop/[^>]+)>", header)
    assert found
    return found[1]


def test_the_button_stops_that_one_subscription(site: Site, told: House) -> None:
    page = site.get(link(told))
    assert page.status_code == 200
    assert re.findall(r"<button[^>]*>([^<]+)", page.text) == ["Stop these mails"]
    assert site.states == ["active", "active"]
    answer = site.post(link(told))
    assert answer.status_code == 200
    assert "stopped" in answer.text
    assert site.states == ["stopped", "active"]
    assert site.rows()[0]["stopped_why"] == "holder"
    with told.history() as history:
        assert stops.stopped(history, READER) is not None


def test_the_page_tells_nothing_of_the_subscription(site: Site, told: House) -> None:
    for text in (site.get(link(told)).text, site.post(link(told)).text):
        for secret in (TRIAL, TITLE, READER, "reader", "example.org"):
            assert secret not in text


def test_who_scans_mail_stops_nothing(site: Site, told: House) -> None:
    for ask in (site.get, site.head):
        assert ask(link(told)).status_code == 200
    assert site.states == ["active", "active"]


@pytest.mark.parametrize(
    "more",
    [
        {"data": ONE_CLICK},
        {"files": {name: (None, value) for name, value in ONE_CLICK.items()}},
        {"data": ONE_CLICK, "headers": {"Origin": "https://mail.example.net"}},
        {},
        {"data": b"\xff\x00 anything", "headers": {"Content-Type": "text/plain"}},
    ],
    ids=["form", "multipart", "of another origin", "empty", "anything"],
)
def test_a_mail_service_stops_it_by_one_click(site: Site, told: House, more: dict) -> None:
    assert site.post(link(told), **more).status_code == 200
    assert site.states == ["stopped", "active"]


def test_stopping_twice_is_stopping_once(site: Site, told: House) -> None:
    site.post(link(told))
    before = site.rows()
    told.at = told.at.replace(year=2036)  # a link does not expire
    assert site.post(link(told)).status_code == 200
    assert site.get(link(told)).status_code == 200
    assert site.rows() == before


def test_what_waits_is_not_sent_any_more(site: Site, told: House) -> None:
    told.registry.put(record.with_status(told.registry.study(TRIAL), "RECRUITING", posted="2026-02-05"))
    told.sync(then_deliver=False)
    site.post(link(told))
    assert told.deliver().sent == 0


def test_the_link_of_an_older_mail_stops_too(site: Site, told: House) -> None:
    with told.history() as history:
        secret = history.rows("SELECT stop_token FROM subscription WHERE id = 1")[0]["stop_token"]
    assert site.get(f"/stop/{secret}").status_code == 200
    assert site.post(f"/stop/{secret}", data=ONE_CLICK).status_code == 200
    assert site.states == ["stopped", "active"]


def test_a_token_of_nobody_says_nothing(site: Site, told: House) -> None:
    with told.history() as history:
        key = keys.links(history)
    unknown = site.post("/stop/1.aaaaaaaaaaaaaaaaaaaaaaaaaaa")
    assert unknown.status_code == 404
    for token in (
        stop_token(key, 99),
        stop_token("00" * 32, 1),
        confirm_token(key, "1"),
        "1",
        ".",
        "1." + "a" * 5000,
        "%00",
        "%ff%fe",
        "%F0%9F%92%A9",
        "' OR 1=1 --",
        "<script>alert(1)</script>",
        "..%2F..%2Fetc%2Fpasswd",
    ):
        for answer in (site.get(f"/stop/{token}"), site.post(f"/stop/{token}", data=ONE_CLICK)):
            assert answer.status_code == 404, token
            assert answer.text == unknown.text, token
    assert site.states == ["active", "active"]


def test_a_link_that_stops_confirms_nothing_and_the_reverse(site: Site, house: House) -> None:
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    confirms = site.asked()
    token = confirms.rpartition("/")[2]
    assert site.post(f"/stop/{token}").status_code == 404
    with house.history() as history:
        stops_ = stop_token(keys.links(history), 1)
    assert site.post(f"/confirm/{stops_}").status_code == 410
    assert site.states == ["pending"]
    assert site.post(f"/stop/{stops_}").status_code == 200
    assert site.states == ["stopped"]
    assert site.post(confirms).status_code == 410


@pytest.mark.parametrize(
    ("languages", "says"),
    [
        ("da-DK,da;q=0.9,en;q=0.8", "Vil du stoppe disse mails?"),
        ("en, da;q=0.1", "Stop these mails?"),
        ("xx;q=1, da;q=0.5", "Vil du stoppe disse mails?"),
        ("da;q=0, en;q=0.1", "Stop these mails?"),
        ("da;q=zzz," * 200, "Stop these mails?"),
        ("", "Stop these mails?"),
    ],
)
def test_the_page_is_in_the_language_of_its_reader(site: Site, told: House, languages: str, says: str) -> None:
    page = site.get(link(told), headers={"Accept-Language": languages})
    assert f"<title>{says}</title>" in page.text
