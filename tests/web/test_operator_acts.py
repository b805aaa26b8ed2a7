"""What cannot be done at the operator's page: programs hear it by the status, people in a sentence; and what logging out ends."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import requests

from tests.house import House
from tests.waiting import PATIENCE
from tests.web.conftest import READER, Site
from tests.web.operating import BEARER, Browser, browser, house, news, rows, said

__all__ = ["browser", "house", "news"]


@pytest.mark.parametrize(
    ("method", "path", "data", "status", "why"),
    [
        ("POST", "/operator/outbox/SENT/retry", {}, 409, "no unsent notice has this id"),
        ("POST", "/operator/outbox/SENT/release", {}, 409, "no held notice has this id"),
        ("POST", "/operator/outbox/SENT/drop", {}, 409, "no held notice has this id"),
        ("POST", "/operator/outbox/SENT/note", {"note": "x"}, 409, "no held notice has this id"),
        ("POST", "/operator/outbox/HELD/note", {"note": "x" * 2001}, 422, "2,000 characters at most"),
        ("POST", "/operator/outbox/HELD/release", {"note": "x" * 2001}, 422, "2,000 characters at most"),
        ("POST", "/operator/outbox/release", {"note": "x" * 2001}, 422, "2,000 characters at most"),
        ("POST", "/operator/address", {"address": "x"}, 422, "is no address"),
        ("POST", "/operator/address/stop", {"address": READER, "trials": "7"}, 422, "NCT"),
        ("POST", "/operator/outbox/release", {"id": "HELD"}, 422, "no field 'id' here; there are: note"),
        ("POST", "/operator/outbox/release?id=HELD", {}, 400, "no parameter 'id'"),
        ("POST", "/operator/outbox/release", '{"id": "HELD"}', 422, "there are: note"),
        ("POST", "/operator/outbox/release", {"note": ["x", "y"]}, 422, "note is given more than once"),
        ("POST", "/operator/outbox/release", {f"n{n}": "x" for n in range(100)}, 422, "no field"),
        ("POST", "/operator/outbox/retry", {"id": "zzzz"}, 422, "no field 'id' here; there are: none"),
        ("POST", "/operator/outbox/HELD/note", {"text": "x"}, 422, "no field 'text' here; there are: note"),
        ("POST", "/operator/outbox/HELD/note", {}, 422, "The field note is missing"),
        ("POST", "/operator/outbox/HELD/drop", {"id": "x"}, 422, "no field 'id'"),
        ("POST", "/operator/subscriptions/1/stop", {"address": READER}, 422, "no field 'address'"),
        ("POST", "/operator/address", {}, 422, "The field address is missing"),
        (
            "POST",
            "/operator/address/stop",
            {"address": READER, "trial": "NCT06805448"},
            422,
            "there are: address, trials",
        ),
        ("GET", "/operator/outbox?states=held", {}, 400, "no parameter 'states' here; there are: state, page"),
        ("GET", "/operator/outbox?state=x", {}, 400, "state is to be one of"),
        ("GET", "/operator/outbox?page=0", {}, 400, "page is to be a whole number"),
        ("GET", "/operator/outbox/x", {}, 404, "nothing under this address"),
        ("GET", "/operator/x", {}, 404, "nothing under this address"),
        ("POST", f"/operator/subscriptions/{2**63}/stop", {}, 404, "nothing under this address"),
        ("POST", f"/operator/subscriptions/{'9' * 5000}/stop", {}, 404, "nothing under this address"),
        ("POST", f"/operator/subscriptions/{10**18 - 1}/stop", {}, 404, "nothing under this address"),
        ("POST", "/operator/outbox", {}, 405, "read only"),
        ("POST", "/operator/address", {"address": "x" * 20_000}, 413, "More was sent"),
    ],
)
def test_programs_hear_why_nothing_was_done(
    site: Site, news: House, method: str, path: str, data: dict[str, Any] | str, status: int, why: str
) -> None:
    news.deliver()
    before = rows(news)
    sent = next(row["id"] for row in before.values() if row["state"] == "sent")
    asked = path.replace("SENT", sent).replace("HELD", before["held@example.org"]["id"])
    answer = requests.request(method, site.url + asked, headers=BEARER, data=data, timeout=PATIENCE)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert answer.json()["status"] == status
    assert why in answer.json()["detail"]
    assert rows(news) == before
    assert requests.request(method, site.url + asked, data=data, timeout=PATIENCE).headers["Content-Type"].startswith("text/html")


def test_a_note_that_is_too_long_changes_nothing(browser: Browser, news: House) -> None:
    notice = rows(news)["held@example.org"]["id"]
    page = browser.press(f"/operator/outbox/{notice}", "Release with", note="x" * 2001)
    assert said(page) == "Nothing has changed: a note has 2,000 characters at most: this one has 2,001."
    browser.press(f"/operator/outbox/{notice}", "Keep the words", note="x\r\n" * 1000)
    assert rows(news)["held@example.org"]["note"] == "x\n" * 999 + "x"


def test_who_has_a_copy_of_the_cookie_is_logged_out_too(browser: Browser, site: Site, house: House) -> None:
    copies = [Browser(site) for _ in range(2)]
    copies[0].session.cookies.update(browser.session.cookies)
    copies[1].log_in()
    form = browser.get("/operator").find("input", attrs={"name": "form"})
    assert form
    browser.session.post(f"{site.url}/operator/logout", data={"form": form["value"]}, headers={"Origin": site.url}, timeout=PATIENCE)
    assert copies[0].session.get(f"{site.url}/operator", timeout=PATIENCE).status_code == 401
    copies[1].get("/operator")  # another login goes on
    with house.history() as history:
        assert "session" not in str(history.rows("SELECT * FROM ended_login"))
        assert len(history.rows("SELECT * FROM ended_login")) == 1
    house.at += datetime.timedelta(hours=13)
    copies[1].log_in()
    form = copies[1].get("/operator").find("input", attrs={"name": "form"})
    assert form
    copies[1].session.post(f"{site.url}/operator/logout", data={"form": form["value"]}, headers={"Origin": site.url}, timeout=PATIENCE)
    with house.history() as history:
        assert len(history.rows("SELECT * FROM ended_login")) == 1  # the first one would have ended by now
