"""Who reads a page asks for news by a form: what is chosen is what is kept, and what is wrong is said."""

from __future__ import annotations

import datetime
import re

import pytest

from db import forms, searches
from registry_sync.demo import record
from registry_sync.demo.record import TITLE, TRIAL
from registry_sync.notices.confirm import consent
from registry_sync.sources.ctgov_search import search_from
from registry_sync.web import forms as web_forms
from registry_sync.web.postman import Postman
from tests.house import House
from tests.web.conftest import Site
from tests.web.filling import OTHER, READER, ask, fill, newest_link, send, two_trials
from tests.web.reading import Page, is_sound, words


@pytest.fixture
def watched(site: Site, house: House) -> House:
    two_trials(house)
    return house


@pytest.fixture
def unsent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies right after the answer."""
    monkeypatch.setattr(Postman, "_work", lambda self: None)


def condition(site: Site) -> str:
    """The way from a trial's page to its condition's."""
    return next(link for link in Page(site.get(f"/trials/{TRIAL}")).links() if link.startswith("/condition/"))


# --- from a page to the first news ------------------------------------------------------------------------------------------------


def test_from_the_trials_page_to_the_first_news_and_to_its_end(site: Site, watched: House) -> None:
    (way,) = [link for link in Page(site.get(f"/trials/{TRIAL}")).links() if "subscribe" in link]
    page = Page(site.get(way))
    is_sound(page)
    assert TITLE in page.text
    assert consent("en") in page.text
    answer = ask(site, way)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/subscribe/asked")
    assert "Look at your mail" in Page(site.get(answer.headers["Location"])).heading

    link = newest_link(site, 1)
    assert site.states == ["pending"]
    assert TITLE in Page(site.get(link)).text
    assert site.states == ["pending"]
    assert site.post(link).status_code == 200
    (row,) = site.rows()
    assert (row["state"], row["consent_by"], row["topics"], row["trials"]) == ("active", "holder", [], [TRIAL])
    assert consent("en") in row["consent_wording"]

    watched.registry.put(record.with_status(watched.registry.study(TRIAL), "SUSPENDED", posted="2026-02-03"))
    watched.sync()
    mail = watched.mailbox.wait_for(2)[-1]
    assert mail.recipients == (READER,)
    assert "paused" in mail.text("plain")
    stop = re.search(r"<(http[^>]+/stop/[^>]+)>", str(mail.message["List-Unsubscribe"]))
    assert stop
    site.post(stop[1])
    assert site.states == ["stopped"]


def test_what_is_chosen_is_what_is_kept(site: Site, watched: House) -> None:
    ask(
        site,
        f"/subscribe?trial={TRIAL}&trial={OTHER}",
        about=["who", "sites"],
        country="Denmark",
        least="major",
        every="week",
        timezone="Europe/Copenhagen",
        language="da",
    )
    newest_link(site, 1)
    (row,) = site.rows()
    assert (row["topics"], row["countries"], row["trials"]) == (["criteria", "places"], ["Denmark"], [OTHER, TRIAL])
    assert (row["least"], row["every"], row["timezone"], row["language"]) == ("major", "week", "Europe/Copenhagen", "da")
    assert "Bekræft" in watched.mailbox.messages[0].message["Subject"]


@pytest.mark.parametrize(
    ("group", "topics"),
    [
        ("open", ["registry", "status"]),
        ("who", ["criteria"]),
        ("dates", ["timeline"]),
        ("results", ["results"]),
        ("rest", ["design", "identity"]),
    ],
)
def test_a_readers_words_stand_for_topics(site: Site, watched: House, group: str, topics: list[str]) -> None:
    ask(site, about=group)
    newest_link(site, 1)
    assert site.rows()[0]["topics"] == topics


def test_from_the_home_page_several_are_chosen(site: Site, watched: House) -> None:
    (way,) = [link for link in Page(site.get("/?q=sjogren")).links() if "subscribe" in link]
    page = Page(site.get(way))
    assert {box["value"] for box in page.soup.find_all("input", attrs={"name": "trial"})} == {TRIAL, OTHER}
    assert not page.soup.find_all("input", attrs={"name": "trial", "checked": True})
    ask(site, way, trial=[TRIAL], numbers=f" {OTHER.lower()} ")
    newest_link(site, 1)
    assert site.rows()[0]["trials"] == [OTHER, TRIAL]


def test_all_that_is_watched(site: Site, watched: House) -> None:
    ask(site, "/subscribe", what="all")
    newest_link(site, 1)
    assert site.rows()[0]["trials"] == "all"


def test_a_condition_with_a_watched_search_brings_trials_that_come_later(site: Site, watched: House) -> None:
    name = words(Page(site.get(condition(site))).soup.h1).removeprefix("Trials on ")
    search = search_from([f"cond={name.upper()}"])
    with watched.history() as history:
        searches.add(history, search, watched.around.stamp())
        searches.add(history, search_from([f"cond={name}", "locn=Denmark"]), watched.around.stamp())
    (way,) = [link for link in Page(site.get(condition(site))).links() if "/subscribe" in link]
    page = Page(site.get(way))
    is_sound(page)
    assert "also new ones" in page.text
    assert "place: Denmark" in page.text
    assert "you would not be told" not in page.text
    ask(site, way)
    newest_link(site, 1)
    assert site.rows()[0]["query"] == search.as_dict()

    ask(site, way, what="known", address="other@example.org")
    newest_link(site, 2)
    assert site.rows()[1]["trials"] == [OTHER, TRIAL]


def test_a_condition_without_a_search_says_what_it_does_not_bring(site: Site, watched: House) -> None:
    (way,) = [link for link in Page(site.get(condition(site))).links() if "/subscribe" in link]
    page = Page(site.get(way))
    is_sound(page)
    assert "Of trials that come later you would not be told" in page.text
    ask(site, way)
    newest_link(site, 1)
    assert site.rows()[0]["trials"] == [OTHER, TRIAL]


def test_in_danish(site: Site, watched: House) -> None:
    page = Page(site.get(f"/subscribe?trial={TRIAL}&lang=da"))
    is_sound(page)
    assert page.heading == "Nyt om forsøg på mail"
    assert consent("da") in page.text
    answer = ask(site, f"/subscribe?trial={TRIAL}&lang=da")
    assert answer.headers["Location"] == "/subscribe/asked?lang=da"
    newest_link(site, 1)
    assert site.rows()[0]["language"] == "da"


# --- what is refused ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"address": ""}, "address", "Type your mail address."),
        ({"address": "advocate at example"}, "address", "This is no mail address."),
        ({"address": "advocate@localhost"}, "address", "This is no mail address."),
        ({"address": "https://example.org/hook"}, "address", "This is no mail address."),
        ({"address": "ntfy://topic"}, "address", "This is no mail address."),
        ({"address": "a@example.org\r\nBcc: b@example.org"}, "address", "This is no mail address."),
        ({"address": "<script>@example.org"}, "address", "This is no mail address."),
        ({"consent": []}, "consent", "Nothing can be sent without your consent."),
        ({"about": []}, "about", "Choose at least one thing"),
        ({"about": "deadlines"}, "about", "Choose at least one thing"),
        ({"country": "Atlantis"}, "country", "Choose a country"),
        ({"every": "year"}, "every", "Choose how often."),
        ({"timezone": "Moon/Base"}, "timezone", "Choose a time zone"),
        ({"language": "xx"}, "language", "Choose a language"),
        ({"trial": []}, "trial", "Choose at least one trial."),
        ({"numbers": "NCT1"}, "numbers", "NCT1 is no number of a trial."),
        ({"numbers": "NCT09999999"}, "numbers", "NCT09999999 is not watched here."),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(
    site: Site, watched: House, typed: dict, field: str, said: str
) -> None:
    page = send(site, f"/subscribe?trial={TRIAL}", **{"address": READER, "consent": "yes", "every": "week", **typed})
    assert page.answer.status_code == 422
    is_sound(page)
    assert page.heading.startswith("Not sent yet")
    (link,) = page.soup.select(".problems a")
    assert said in words(link)
    assert page.soup.find(id=str(link["href"])[1:]) is not None
    described = page.soup.find(attrs={"aria-invalid": "true"})
    assert described is not None
    assert f"{field}-error" in str(described["aria-describedby"]).split()
    assert said in words(page.soup.find(id=f"{field}-error"))
    if "address" not in typed:
        assert page.soup.find(id="address")["value"] == READER
    if "every" not in typed:
        assert page.soup.find(id="every-week").has_attr("checked")
    assert site.rows() == []
    assert watched.mailbox.messages == ()


def test_who_corrects_it_is_told(site: Site, watched: House) -> None:
    page = send(site, f"/subscribe?trial={TRIAL}", address="nonsense", consent="yes")
    action, data = fill(page, address=READER)
    assert site.post(action, data=data).status_code == 303
    newest_link(site, 1)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example.net"},
        {"Origin": "null"},
        {"Origin": "https://evil.example.net", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://[broken"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "multipart/form-data; boundary=x"},
    ],
)
@pytest.mark.parametrize("path", [f"/subscribe?trial={TRIAL}", "/manage"])
def test_what_another_site_sends_is_refused(site: Site, watched: House, headers: dict, path: str) -> None:
    action, data = fill(Page(site.get(path)), address=READER, consent="yes")
    answer = site.post(action, data=data, headers={"Content-Type": "application/x-www-form-urlencoded", **headers})
    assert answer.status_code == 403
    assert "This was not sent from here" in answer.text
    with watched.history() as history:
        assert forms.oldest(history) is None


@pytest.mark.parametrize("headers", [{}, {"Origin": "null", "Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}])
def test_what_says_nothing_of_where_it_comes_from_needs_the_forms_token(site: Site, watched: House, unsent: None, headers: dict) -> None:
    action, data = fill(Page(site.get(f"/subscribe?trial={TRIAL}")), address=READER, consent="yes")
    without = [(name, value) for name, value in data if name != "token"]
    assert site.post(action, data=without, headers=headers).status_code == 422
    assert site.post(action, data=data, headers=headers).status_code == 303


def test_the_public_address_is_of_this_site_behind_a_proxy_too(house: House, monkeypatch: pytest.MonkeyPatch, site: Site) -> None:
    import msgspec

    from registry_sync.web import origins, pages

    house.watch(TRIAL)
    house.set("web", url="https://example.org/trials/")
    around_of = pages.around_of
    for module in (pages, web_forms, origins):
        monkeypatch.setattr(module, "around_of", lambda request: msgspec.structs.replace(around_of(request), settings=house.settings))
    _, data = fill(Page(site.get(f"/subscribe?trial={TRIAL}")), address="nonsense")
    assert site.post("/subscribe", data=data, headers={"Origin": "https://example.org"}).status_code == 422
    assert site.post("/subscribe", data=data, headers={"Origin": "http://example.org"}).status_code == 403


def test_a_form_can_be_sent_for_two_hours_and_only_where_it_belongs(site: Site, watched: House, unsent: None) -> None:
    action, data = fill(Page(site.get(f"/subscribe?trial={TRIAL}")), address=READER, consent="yes")
    assert site.post("/manage", data=data).status_code == 422
    watched.at += datetime.timedelta(hours=2)
    assert site.post(action, data=data).status_code == 303
    watched.at += datetime.timedelta(seconds=1)
    answer = Page(site.post(action, data=data))
    assert answer.answer.status_code == 422
    assert "open for too long" in answer.text
    action, data = fill(answer)
    assert site.post(action, data=data).status_code == 303


@pytest.mark.parametrize("path", ["/subscribe?trial=NCT09999999", "/subscribe?trial=x", "/subscribe?condition=Nothing+of+this"])
def test_of_what_is_not_watched_there_is_no_form(site: Site, watched: House, path: str) -> None:
    assert site.get(path).status_code == 404
    assert site.post(path).status_code == 404


def test_hostile_bodies_are_answered_in_one_shape(site: Site, watched: House) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (b"\xff\xfe=%ff&address=%00%ff", b"&".join(b"a=%d" % n for n in range(1100)), b"address=" + b"x" * 9000, b"%%%=%%&&&&==="):
        answer = site.post(f"/subscribe?trial={TRIAL}", data=body, headers=form)
        assert answer.status_code in (403, 422)
        is_sound(Page(answer))
    assert site.post("/subscribe", data=b"a" * 20_000, headers=form).status_code == 413


def test_titles_are_anybodys_text(site: Site, watched: House) -> None:
    study = record.touched(record.the_study(), "2026-02-03")
    study["protocolSection"]["identificationModule"]["briefTitle"] = '"><img src=x onerror=alert(1)>\u202e' + "Wort" * 300
    study["protocolSection"]["conditionsModule"]["conditions"] = ['"><b>odd</b> & "quoted" \u202e/?#']
    watched.registry.put(study)
    watched.sync()
    is_sound(Page(site.get(f"/subscribe?trial={TRIAL}")))
    (way,) = [link for link in Page(site.get(condition(site))).links() if "/subscribe" in link]
    page = send(site, way, address="nonsense", numbers='"><script>')
    assert page.answer.status_code == 422
    is_sound(page)


def countries_of(page: Page) -> dict[str, list[str]]:
    groups = page.soup.select("#country optgroup")
    return {str(group["label"]): [str(each["value"]) for each in group.find_all("option")] for group in groups}


def test_a_country_without_a_site_yet_can_be_chosen(site: Site, watched: House) -> None:
    for path in (f"/subscribe?trial={TRIAL}", condition(site).replace("/condition/", "/subscribe?condition="), "/subscribe"):
        offered = countries_of(Page(site.get(path)))
        assert offered["Countries with sites now"] == ["Denmark"]
        others = offered["Other countries"]
        assert len(others) == len(set(others)) > 200
        assert {"Norway", "Czechia", "South Korea"} <= set(others)
        assert not {"Denmark", "European Union", "World"} & set(others)
    assert ask(site, country="Norway").status_code == 303
    link = newest_link(site, 1)
    assert "Sites in these countries only: Norway" in Page(site.get(link)).text
    in_danish = countries_of(Page(site.get("/subscribe?lang=da")))
    assert "Norway" in in_danish["Andre lande"]


def test_one_trial_that_a_search_leaves_is_chosen_beforehand(site: Site, watched: House) -> None:
    def picked(path: str) -> list[str]:
        return [str(each["value"]) for each in Page(site.get(path)).soup.select("input[name=trial][checked]")]

    assert picked(f"/subscribe?q={OTHER.lower()}&status=RECRUITING") == [OTHER]
    assert picked("/subscribe?status=RECRUITING") == []
    page = Page(site.get(f"/subscribe?q={OTHER}"))
    assert "Not only these: every trial that is watched here, now and later" in page.text
    assert ask(site, f"/subscribe?q={OTHER}").status_code == 303
    newest_link(site, 1)
    assert site.rows()[0]["trials"] == [OTHER]
    assert ask(site, f"/subscribe?q={OTHER}", address="all@example.org", what="all").status_code == 303
    newest_link(site, 2)
    assert {row["address"]: row["trials"] for row in site.rows()}["all@example.org"] == "all"


def test_a_mailbox_of_a_machines_number_is_none(site: Site, watched: House) -> None:
    for address in ("a@127.0.0.1", "a@10.1", "a@[127.0.0.1]", "a@localhost"):
        page = send(site, f"/subscribe?trial={TRIAL}", address=address, consent="yes")
        assert page.answer.status_code == 422, address
        assert "This is no mail address" in page.text


def test_what_stands_in_the_host_of_a_request_does_not_make_it_ours(site: Site, watched: House) -> None:
    headers = {"Origin": "http://evil.example", "Host": "evil.example", "Sec-Fetch-Site": "same-origin"}
    page = send(site, f"/subscribe?trial={TRIAL}", address=READER, consent="yes", headers=headers)
    assert page.answer.status_code == 403
    assert "This was not sent from here" in page.text


def test_the_page_that_asks_for_consent_names_language_and_time_zone(site: Site, watched: House) -> None:
    ask(site, every="week", timezone="Asia/Tokyo", language="da")
    page = Page(site.get(newest_link(site, 1)))
    assert "Asia/Tokyo" in page.text
    assert "Dansk" in page.text
