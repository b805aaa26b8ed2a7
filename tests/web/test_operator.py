"""What the operator's page shows, and what is done by its buttons."""

from __future__ import annotations

import logging
import re

import pytest

from registry_sync.demo.record import TRIAL
from tests.house import House
from tests.waiting import PATIENCE
from tests.web.conftest import READER, Site
from tests.web.operating import BEARER, TOKEN, Browser, browser, house, news, rows, said, sound

__all__ = ["browser", "house", "news"]


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
    assert browser.session.get(f"{browser.site.url}/operator/outbox?state=x", timeout=PATIENCE).status_code == 400
    assert browser.session.get(f"{browser.site.url}/operator/outbox?page=0", timeout=PATIENCE).status_code == 400
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
    assert browser.session.get(f"{site.url}/operator/outbox/x", timeout=PATIENCE).status_code == 404
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
        f"{site.url}/operator/address/stop", data={"form": form["value"], **fields}, headers={"Origin": site.url}, timeout=PATIENCE
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
