"""Who may open the operator's page: by its token, or by the reverse proxy's login; and from where its forms may be sent."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from registry_sync.web import door
from tests.house import House
from tests.waiting import PATIENCE
from tests.web.conftest import READER, Site
from tests.web.operating import BEARER, PATHS, TOKEN, Browser, browser, house, news, rows, said, sound

__all__ = ["browser", "house", "news"]


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
    from registry_sync.web import clients, origins

    site.house.set("web", **values)
    around = site.house.around
    for module in (door, clients, origins):
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
    assert browser.session.get(f"{site.url}/operator", timeout=PATIENCE).status_code == 401


def test_it_is_secure_where_the_browser_came_by_https(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with_settings(site, monkeypatch, url="https://example.org/trials")
    answer = Browser(site).log_in(Origin="https://example.org")
    assert answer.headers["Location"] == "/trials/operator"
    assert {"Secure", "Path=/trials/operator"} <= set(answer.headers["Set-Cookie"].split("; "))


def test_another_token_ends_what_the_old_one_opened(browser: Browser, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    browser.get("/operator")
    with_settings(site, monkeypatch, operator_token=TOKEN + "!")
    assert browser.session.get(f"{site.url}/operator", timeout=PATIENCE).status_code == 401


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
        timeout=PATIENCE,
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
    program = site.get("/operator", headers={"Authorization": "Bearer wrong"})
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


def test_a_program_with_the_token_goes_on_whoever_guesses_beside_it(site: Site) -> None:
    for _ in range(door.MOST_TRIES + 1):
        Browser(site).log_in("wrong")
    assert site.get("/operator", headers=BEARER).status_code == 200
    assert Browser(site).log_in().status_code == 429  # that the program went on gives who guesses no further tries


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
    assert "Set-Cookie" not in browser.session.get(f"{site.url}/operator", timeout=PATIENCE).headers
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

    connection = http.client.HTTPConnection(site.url.removeprefix("http://"), timeout=PATIENCE)
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
    answer = browser.session.post(f"{site.url}/operator/outbox/release", data={"form": form["value"]}, headers=sent, timeout=PATIENCE)
    assert answer.status_code == 403
    assert rows(news) == before
    assert browser.log_in(**{"Sec-Fetch-Site": "cross-site", **sent}).status_code == 403


@pytest.mark.parametrize("word", [None, "", "x", "9999999999.x"])
def test_forms_without_the_word_of_their_page_do_nothing(site: Site, browser: Browser, news: House, word: str | None) -> None:
    before = rows(news)
    data = {} if word is None else {"form": word}
    answer = browser.session.post(f"{site.url}/operator/outbox/release", data=data, headers={"Origin": site.url}, timeout=PATIENCE)
    assert answer.status_code == 403
    assert "not allowed" in answer.text
    assert rows(news) == before


def test_the_word_of_another_login_does_not_count(site: Site, browser: Browser, news: House) -> None:
    other = Browser(site)
    other.log_in()
    form = other.get("/operator/outbox").find("input", attrs={"name": "form"})
    assert form
    answer = browser.session.post(
        f"{site.url}/operator/outbox/release", data={"form": form["value"]}, headers={"Origin": site.url}, timeout=PATIENCE
    )
    assert answer.status_code == 403


def test_reading_changes_nothing(site: Site, browser: Browser, news: House) -> None:
    before = rows(news)
    notice = before[READER]["id"]
    for path in (*PATHS, f"/operator/outbox/{notice}", "/operator?said=dropped&n=3"):
        assert said(browser.get(path)) == ""
        browser.get(path)
        assert browser.session.head(site.url + path, timeout=PATIENCE).status_code == 200
    for path in ("/operator/outbox/release", "/operator/address", f"/operator/outbox/{notice}/drop"):
        assert browser.session.get(site.url + path, timeout=PATIENCE).status_code in (404, 405)
    assert rows(news) == before
