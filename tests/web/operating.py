"""Somebody at the operator's page, and a house in which there is something to do."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from bs4 import BeautifulSoup

from db import outbox
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.house import House
from tests.waiting import PATIENCE
from tests.web.conftest import READER, Site

TOKEN = "a token that nobody guesses"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
PATHS = ("/operator", "/operator/outbox", "/operator/subscriptions")


@pytest.fixture
def house(house: House) -> House:
    house.set("web", operator_token=TOKEN)
    return house


class Browser:
    """Somebody at a browser, who has logged in."""

    def __init__(self, site: Site, **headers: str) -> None:
        self.site = site
        self.session = requests.Session()
        self.session.headers.update({"Accept": "text/html", **headers})

    def log_in(self, token: str = TOKEN, **headers: str) -> requests.Response:
        return self.session.post(
            f"{self.site.url}/operator/login",
            data={"token": token},
            headers={"Origin": self.site.url, "Sec-Fetch-Site": "same-origin", **headers},
            timeout=PATIENCE,
            allow_redirects=False,
        )

    def get(self, path: str) -> BeautifulSoup:
        answer = self.session.get(self.site.url + path, timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        return sound(answer)

    def press(self, path: str, button: str, **typed: str) -> BeautifulSoup:
        """Send the form of a button that stands on a page."""
        return self.send(self.get(path), button, **typed)

    def send(self, page: BeautifulSoup, button: str, **typed: str) -> BeautifulSoup:
        (pressed,) = [each for each in page.find_all("button") if each.get_text(" ", strip=True).startswith(button)]
        form = pressed.find_parent("form")
        assert form is not None
        fields = {each["name"]: each.get("value", each.string or "") for each in form.find_all(["input", "textarea"])} | typed
        action = self.site.url + str(pressed.get("formaction") or form["action"])
        answer = self.session.post(
            action, data=fields, headers={"Origin": self.site.url, "Sec-Fetch-Site": "same-origin"}, timeout=PATIENCE
        )
        assert answer.status_code == 200, answer.text
        return sound(answer)


def sound(answer: requests.Response) -> BeautifulSoup:
    """What must hold of each of these pages."""
    headers = answer.headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Robots-Tag"] == "noindex, nofollow"
    assert headers["Content-Language"] == "en"
    page = BeautifulSoup(answer.text, "lxml")
    assert len(page.find_all("h1")) == 1
    assert page.find("meta", attrs={"name": "robots", "content": "noindex, nofollow"})
    assert not page.find_all(["script", "style"])
    ids = [tag["id"] for tag in page.find_all(id=True)]
    assert len(ids) == len(set(ids))
    for field in page.find_all(["input", "textarea"]):
        assert field.get("type") == "hidden" or page.find("label", attrs={"for": field["id"]}), field
    for form in page.find_all("form", method="post"):
        assert form.find("input", attrs={"name": "form"}) or form.find("input", type="password")
    return page


def said(page: BeautifulSoup) -> str:
    found = page.find(class_="warning", attrs={"role": "status"})
    return found.get_text(strip=True) if found else ""


@pytest.fixture
def browser(site: Site) -> Browser:
    browser = Browser(site)
    assert browser.log_in().status_code == 303
    return browser


@pytest.fixture
def news(house: House) -> House:
    """One notice waits for a reader, another for the operator's yes."""
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.sync(days=0)
    house.subscribe(READER)
    house.subscribe("held@example.org", hold=True)
    house.registry.put(record.with_status(house.registry.study(TRIAL), "SUSPENDED", posted="2026-02-03"))
    house.sync(days=0, then_deliver=False)
    return house


def rows(house: House) -> dict[str, dict[str, Any]]:
    with house.history() as history:
        return {row["address"]: row for row in outbox.listing(history)}
