"""The operator's page: who may open it, what it shows, and what is done by its buttons."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest
import requests
from bs4 import BeautifulSoup

from db import outbox
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.web import door
from tests.house import House
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
            timeout=10,
            allow_redirects=False,
        )

    def get(self, path: str) -> BeautifulSoup:
        answer = self.session.get(self.site.url + path, timeout=10)
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
        answer = self.session.post(action, data=fields, headers={"Origin": self.site.url, "Sec-Fetch-Site": "same-origin"}, timeout=10)
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


# --- the door ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_where_no_way_in_is_set_there_is_nothing(site: Site, house: House, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_settings(site, monkeypatch, operator_token="")
    nowhere = site.get("/nowhere").text
    assert site.get(path).status_code == 404
    assert site.get(path).text == nowhere
    assert site.get(path, headers={"Authorization": "Bearer "}).status_code == 404
    assert site.post("/operator/login", data={"token": ""}).status_code == 404
    with_settings(site, monkeypatch, operator_token="", operator_header="Remote-User")
    assert site.get(path, headers={"Remote-User": "x"}).status_code == 404


def with_settings(site: Site, monkeypatch: pytest.MonkeyPatch, **values: Any) -> None:
    """The pages read the settings when they start: here they are others from now on."""
    from registry_sync.web import clients

    site.house.set("web", **values)
    around = site.house.around
    for module in (door, clients):
        monkeypatch.setattr(module, "around_of", lambda _: around)


@pytest.mark.parametrize("path", [*PATHS, "/operator/outbox/x"])
def test_nobody_else_gets_in(site: Site, path: str) -> None:
    answer = site.get(path)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert "Set-Cookie" not in answer.headers
    assert READER not in answer.text
    sound(answer)
    program = site.get(path, headers={"Accept": "application/json"})
    assert (program.status_code, program.headers["Content-Type"]) == (401, "application/problem+json")
    assert site.get(path, headers={"Remote-User": "root", "X-Forwarded-For": "127.0.0.1"}).status_code == 401


def test_the_token_opens_for_a_while(site: Site, house: House) -> None:
    browser = Browser(site)
    answer = browser.log_in()
    cookie = answer.headers["Set-Cookie"]
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/operator"
    assert {"HttpOnly", "SameSite=strict", "Path=/operator", "Max-Age=43200"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert TOKEN not in cookie
    for path in PATHS:
        browser.get(path)
    assert "registry_sync_operator" not in str(site.get("/").headers)
    house.at = house.at.replace(hour=house.at.hour + 11)
    browser.get("/operator")
    house.at = house.at.replace(hour=house.at.hour + 2)
    assert browser.session.get(f"{site.url}/operator", timeout=10).status_code == 401


def test_it_is_secure_where_the_browser_came_by_https(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with_settings(site, monkeypatch, url="https://example.org/trials")
    answer = Browser(site).log_in(Origin="https://example.org")
    assert answer.headers["Location"] == "/trials/operator"
    assert {"Secure", "Path=/trials/operator"} <= set(answer.headers["Set-Cookie"].split("; "))


def test_another_token_ends_what_the_old_one_opened(browser: Browser, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    browser.get("/operator")
    with_settings(site, monkeypatch, operator_token=TOKEN + "!")
    assert browser.session.get(f"{site.url}/operator", timeout=10).status_code == 401


@pytest.mark.parametrize("cookie", ["", "~", "x~9999999999.x", "x", "x~99999999999999999999.0", "é~١.x", "x~" + "9" * 5000])
def test_made_up_cookies_open_nothing(site: Site, cookie: str) -> None:
    header = f"{door.COOKIE}={cookie}".encode()
    assert site.get("/operator", headers={"Cookie": header}).status_code == 401


def test_leaving_takes_the_cookie_away(browser: Browser, site: Site) -> None:
    page = browser.get("/operator")
    (form,) = [each for each in page.find_all("form") if str(each["action"]).endswith("/logout")]
    answer = browser.session.post(
        f"{site.url}/operator/logout",
        data={"form": form.input["value"] if form.input else ""},
        headers={"Origin": site.url},
        timeout=10,
        allow_redirects=False,
    )
    assert answer.status_code == 303
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    assert not browser.session.cookies


def test_wrong_tokens_are_counted_and_in_the_end_none_is_taken(site: Site, house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "registry_sync")
    browser = Browser(site)
    for _ in range(door.MOST_TRIES):
        answer = browser.log_in("wrong secret")
        assert answer.status_code == 401
        assert "not the token" in answer.text
    answer = browser.log_in()
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "900"
    assert "15 minutes" in answer.text
    program = site.get("/operator", headers=BEARER)
    assert (program.status_code, program.json()["status"]) == (429, 429)
    assert "a wrong token was given, the 10. time" in caplog.text
    assert "wrong secret" not in caplog.text
    assert "127.0.0.1" not in caplog.text
    house.at = house.at.replace(minute=house.at.minute + 16)
    assert browser.log_in().status_code == 303


def test_who_is_logged_in_stays_so_whoever_guesses(browser: Browser, site: Site) -> None:
    for _ in range(door.MOST_TRIES + 1):
        Browser(site).log_in("wrong")
    browser.get("/operator")


def test_guessers_elsewhere_shut_nobody_out(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with_settings(site, monkeypatch, trusted_proxies=("127.0.0.1",))
    for number in range(door.MOST_TRIES + 1):
        last = Browser(site).log_in("wrong", **{"X-Forwarded-For": f"2001:db8::{number + 1}"})
    assert last.status_code == 429
    assert Browser(site).log_in(**{"X-Forwarded-For": "2001:db8:0:1::1"}).status_code == 303


# --- the proxy's login -------------------------------------------------------------------------------------------------


def test_a_trusted_proxy_names_who_has_logged_in(site: Site, news: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with_settings(site, monkeypatch, operator_token="", operator_header="Remote-User", trusted_proxies=("127.0.0.1",))
    browser = Browser(site, **{"Remote-User": "Contact A"})
    page = browser.get("/operator")
    assert "Log out" not in page.text
    assert "Set-Cookie" not in browser.session.get(f"{site.url}/operator", timeout=10).headers
    assert said(browser.press("/operator/outbox", "Make it due at once")).startswith("1 due at once")
    for headers in ({}, {"Remote-User": ""}, {"X-Remote-User": "x"}):
        assert site.get("/operator", headers=headers).status_code == 403
    assert "The reverse proxy's login leads here" in site.get("/operator").text


@pytest.mark.parametrize("proxies", [("127.0.0.2",), ("10.0.0.0/8", "::1")])
def test_another_proxy_names_nobody(site: Site, monkeypatch: pytest.MonkeyPatch, proxies: tuple[str, ...]) -> None:
    with_settings(site, monkeypatch, operator_token="", operator_header="Remote-User", trusted_proxies=proxies)
    assert site.get("/operator", headers={"Remote-User": "root"}).status_code == 403


def test_a_header_that_comes_twice_names_nobody(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with_settings(site, monkeypatch, operator_token="", operator_header="Remote-User", trusted_proxies=("127.0.0.1",))
    import http.client

    connection = http.client.HTTPConnection(site.url.removeprefix("http://"), timeout=10)
    connection.putrequest("GET", "/operator")
    connection.putheader("Remote-User", "root")
    connection.putheader("Remote-User", "Contact A")
    connection.endheaders()
    assert connection.getresponse().status == 403
    connection.close()


# --- forms -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "OURS", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_forms_from_elsewhere_do_nothing(site: Site, browser: Browser, news: House, headers: dict[str, str]) -> None:
    form = browser.get("/operator/outbox").find("input", attrs={"name": "form"})
    assert form
    sent = {name: value.replace("OURS", site.url) for name, value in headers.items()}
    before = rows(news)
    answer = browser.session.post(f"{site.url}/operator/outbox/release", data={"form": form["value"]}, headers=sent, timeout=10)
    assert answer.status_code == 403
    assert rows(news) == before
    assert browser.log_in(**{"Sec-Fetch-Site": "cross-site", **sent}).status_code == 403


@pytest.mark.parametrize("word", [None, "", "x", "9999999999.x"])
def test_forms_without_the_word_of_their_page_do_nothing(site: Site, browser: Browser, news: House, word: str | None) -> None:
    before = rows(news)
    data = {} if word is None else {"form": word}
    answer = browser.session.post(f"{site.url}/operator/outbox/release", data=data, headers={"Origin": site.url}, timeout=10)
    assert answer.status_code == 403
    assert "not allowed" in answer.text
    assert rows(news) == before


def test_the_word_of_another_login_does_not_count(site: Site, browser: Browser, news: House) -> None:
    other = Browser(site)
    other.log_in()
    form = other.get("/operator/outbox").find("input", attrs={"name": "form"})
    assert form
    answer = browser.session.post(
        f"{site.url}/operator/outbox/release", data={"form": form["value"]}, headers={"Origin": site.url}, timeout=10
    )
    assert answer.status_code == 403


def test_reading_changes_nothing(site: Site, browser: Browser, news: House) -> None:
    before = rows(news)
    notice = before[READER]["id"]
    for path in (*PATHS, f"/operator/outbox/{notice}", "/operator?said=dropped&n=3"):
        assert said(browser.get(path)) == ""
        browser.get(path)
        assert browser.session.head(site.url + path, timeout=10).status_code == 200
    for path in ("/operator/outbox/release", "/operator/address", f"/operator/outbox/{notice}/drop"):
        assert browser.session.get(site.url + path, timeout=10).status_code in (404, 405)
    assert rows(news) == before


# --- what is shown, and done -------------------------------------------------------------------------------------------


def test_what_is_in_trouble_is_shown_with_what_was_said(browser: Browser, news: House) -> None:
    page = browser.get("/operator").text
    assert "No source is in trouble" in page
    assert "1 watched; no trouble with any" in page
    assert re.search(r"sync\s*2026-02-02 06:17\s*2026-02-02 06:17\s*done", page)
    news.set("ctgov", url="http://127.0.0.1:9")
    news.sync(days=0, then_deliver=False)
    page = browser.get("/operator").text
    assert re.search(r"ClinicalTrials.gov\s*2026-02-02 06:17\s*open\s*once", page)
    assert "refused" in page


def test_a_record_that_cannot_be_read_is_named(browser: Browser, news: House) -> None:
    from db import unparsed

    with news.history() as history, history.write() as connection:
        unparsed.keep(connection, TRIAL, "ctgov", b"{}", "no <b>status</b>", "2026-02-03T06:00:00Z")
    page = browser.get("/operator")
    assert f"{TRIAL}: its entry cannot be read: no <b>status</b>, since 2026-02-03 06:00" in " ".join(page.text.split())
    assert not page.find_all("b")


def test_the_outbox_by_state(browser: Browser, news: House) -> None:
    page = browser.get("/operator/outbox")
    assert [each.get_text() for each in page.select("nav[aria-label=States] a")][:3] == ["all", "pending (1)", "held (1)"]
    assert len(page.select("tbody tr")) == 2
    page = browser.get("/operator/outbox?state=held")
    (row,) = page.select("tbody tr")
    assert "held@example.org" in row.text
    assert browser.session.get(f"{browser.site.url}/operator/outbox?state=x", timeout=10).status_code == 400
    assert browser.session.get(f"{browser.site.url}/operator/outbox?page=0", timeout=10).status_code == 400
    assert len(browser.get("/operator/outbox?page=99").select("tbody tr")) == 2


def test_many_notices_are_leafed_through(browser: Browser, news: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from registry_sync.web import operator

    monkeypatch.setattr(operator, "ON_A_PAGE", 1)
    first = browser.get("/operator/outbox")
    (further,) = first.find_all("a", rel="next")
    second = browser.get(str(further["href"]))
    assert len(first.select("tbody tr")) == len(second.select("tbody tr")) == 1
    assert first.select("tbody th")[0].text != second.select("tbody th")[0].text
    assert "Page 2 of 2" in second.text


def test_a_notice_that_was_refused_is_tried_again(browser: Browser, news: House) -> None:
    news.mailbox.refuse_recipient(READER)
    news.deliver()
    assert rows(news)[READER]["state"] == "failed"
    page = browser.get("/operator/outbox?state=failed")
    assert "550" in page.text
    assert said(browser.press("/operator/outbox?state=failed", "Retry")) == "1 due at once: the next delivery sends them."
    news.mailbox.behave()
    news.deliver()
    assert rows(news)[READER]["state"] == "sent"
    assert [mail.message["To"] for mail in news.mailbox.messages] == [READER]


def test_everything_that_is_unsent_is_tried_again(browser: Browser, news: House) -> None:
    news.mailbox.refuse_recipient(READER)
    news.deliver()
    assert said(browser.press("/operator/outbox", "Make it due at once")).startswith("1 due at once")
    assert rows(news)[READER]["state"] == "pending"
    assert rows(news)["held@example.org"]["state"] == "held"


def test_a_held_notice_is_read_annotated_and_released(browser: Browser, news: House) -> None:
    notice = rows(news)["held@example.org"]["id"]
    path = f"/operator/outbox/{notice}"
    page = browser.get(path)
    assert TRIAL in page.select(".letter")[0].text
    kept = browser.press(path, "Keep the words", note="We have asked the team.\nMore soon. <b>")
    assert said(kept) == "Noted: it stands above the news."
    assert "We have asked the team." in kept.select(".letter")[0].text
    assert "<b>" in kept.select("textarea")[0].text
    assert said(browser.send(kept, "Keep the words", note=" ")) == "The note is taken away."
    assert said(browser.press(path, "Release", note="The team has confirmed this.")).startswith("1 released")
    news.deliver()
    assert rows(news)["held@example.org"]["state"] == "sent"
    (mail,) = [mail for mail in news.mailbox.messages if mail.message["To"] == "held@example.org"]
    assert "The team has confirmed this." in mail.text("plain")


def test_a_held_notice_is_dropped(browser: Browser, news: House) -> None:
    notice = rows(news)["held@example.org"]["id"]
    page = browser.press(f"/operator/outbox/{notice}", "Drop")
    assert said(page) == "1 dropped: never sent."
    assert rows(news)["held@example.org"]["state"] == "cancelled"
    news.deliver()
    assert "held@example.org" not in [mail.message["To"] for mail in news.mailbox.messages]


def test_what_has_changed_meanwhile_is_said(browser: Browser, news: House) -> None:
    notice = rows(news)["held@example.org"]["id"]
    open_before = browser.get(f"/operator/outbox/{notice}")
    browser.press(f"/operator/outbox/{notice}", "Drop")
    assert said(browser.send(open_before, "Release")).startswith("Nothing has changed")
    assert rows(news)["held@example.org"]["state"] == "cancelled"


def test_all_that_is_held_is_released_with_one_note(browser: Browser, news: House) -> None:
    assert said(browser.press("/operator/outbox", "Release all", note="To all.")).startswith("1 released")
    assert rows(news)["held@example.org"]["note"] == "To all."


def test_no_such_notice_is_a_page(browser: Browser, site: Site) -> None:
    assert browser.session.get(f"{site.url}/operator/outbox/x", timeout=10).status_code == 404
    assert site.post("/operator/outbox/x/retry", headers=BEARER).status_code == 404
    assert site.post("/operator/subscriptions/999999/stop", headers=BEARER).status_code == 404


def test_a_subscription_is_stopped_and_what_waits_for_it_is_not_sent(browser: Browser, news: House) -> None:
    page = browser.get("/operator/subscriptions")
    assert READER in page.text
    (row,) = [each for each in page.select("tbody tr") if READER in each.text]
    number = row.th.text if row.th else ""
    open_before = browser.get("/operator/subscriptions")
    assert said(browser.send(open_before, f"Stop {number}")) == "1 stopped."
    assert said(browser.get("/operator/subscriptions")) == ""  # it is said once
    assert said(browser.send(open_before, f"Stop {number}")) == "Nothing has changed: it was stopped already, by you."
    (row,) = [each for each in browser.get("/operator/subscriptions?state=stopped").select("tbody tr") if READER in each.text]
    assert "by you" in row.text
    assert not row.find_all("button")
    assert rows(news)[READER]["state"] == "cancelled"


def test_what_its_holder_stopped_stays_the_holders(site: Site, news: House) -> None:
    (row,) = [row for row in site.rows() if row["address"] == READER]
    with news.history() as history:
        from jobs import wishes

        wishes.stop_one(news.around, history, row["id"])
    answer = site.post(f"/operator/subscriptions/{row['id']}/stop", headers=BEARER)
    assert answer.status_code == 409
    assert answer.json()["detail"] == "Nothing has changed: it was stopped already, by its holder."
    assert [each["stopped_why"] for each in site.rows() if each["address"] == READER] == ["holder"]


def test_one_address_is_looked_for_and_stands_in_no_query(browser: Browser, news: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "registry_sync")
    page = browser.press("/operator", "Show what it is told", address=f" {READER.upper()} ")
    assert READER in page.text
    assert "held@example.org" not in page.text
    assert len(page.select("tbody tr")) == 2
    assert READER not in caplog.text
    assert "There is none." in browser.press("/operator", "Show what it is told", address="nobody@example.org").text


def test_what_an_address_is_told_is_stopped(site: Site, browser: Browser, news: House) -> None:
    page = browser.press("/operator", "Show what it is told", address=READER)
    assert said(browser.send(page, "Stop telling it", trials="NCT00000001")).startswith("Nothing has changed")
    assert said(browser.send(page, "Stop telling it", trials=f" {TRIAL.lower()} ")) == "1 stopped."
    assert [each["state"] for each in site.rows() if each["address"] == READER] == ["stopped"]


@pytest.mark.parametrize(("fields", "why"), [({"address": "x"}, "is no address"), ({"address": READER, "trials": "7"}, "NCT")])
def test_what_was_typed_wrongly_is_said(site: Site, browser: Browser, news: House, fields: dict[str, str], why: str) -> None:
    form = browser.get("/operator").find("input", attrs={"name": "form"})
    assert form
    answer = browser.session.post(
        f"{site.url}/operator/address/stop", data={"form": form["value"], **fields}, headers={"Origin": site.url}, timeout=10
    )
    assert answer.status_code == 422
    found = sound(answer).find(attrs={"role": "alert"})
    assert found
    assert why in found.text


def test_secrets_of_webhooks_are_hidden(browser: Browser, news: House) -> None:
    news.subscribe("https://hooks.example.org/services/T000/SECRET", kind="webhook")
    page = browser.get("/operator/subscriptions").text
    assert "https://hooks.example.org/" in page
    assert "SECRET" not in page


# --- programs ----------------------------------------------------------------------------------------------------------


def test_programs_send_the_token_with_each_request(site: Site, news: House) -> None:
    overview = site.get("/operator", headers=BEARER).json()
    assert overview["notices"]["held"] == 1
    assert overview["subscriptions"]["active"] == 2
    (held,) = site.get("/operator/outbox?state=held", headers=BEARER).json()["notices"]
    assert held["trials"] == [TRIAL]
    assert site.post(f"/operator/outbox/{held['id']}/release", headers=BEARER, data={"note": "x"}).json() == {"done": 1}
    assert site.post("/operator/address", headers=BEARER, data={"address": READER}).json()["subscriptions"][0]["state"] == "active"
    assert site.post("/operator/address/stop", headers=BEARER, data={"address": READER}).json() == {"done": 1}
    assert site.post("/operator/outbox/release", headers=BEARER).json() == {"done": 0}
    for wrong in ("Bearer x", "bearer", "Bearer " + TOKEN[:-1], "Basic x"):
        assert site.get("/operator", headers={"Authorization": wrong}).status_code == 401


def test_the_log_names_pages_and_nobody(site: Site, browser: Browser, news: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "registry_sync")
    notice = rows(news)["held@example.org"]["id"]
    browser.press(f"/operator/outbox/{notice}", "Drop")
    assert "the operator's page: dropped, 1" in caplog.text
    assert "POST /operator/outbox/{notice}/drop 303" in caplog.text
    for secret in (notice, TOKEN, "127.0.0.1", "@example.org"):
        assert secret not in caplog.text
