"""The list of the watched trials, the search in it, and the page of a disease."""

from __future__ import annotations

import pytest

from db import watches
from registry_sync.demo import record
from registry_sync.demo.record import TITLE, TRIAL
from registry_sync.web import home
from tests.house import House
from tests.web.conftest import Site
from tests.web.reading import Page, is_sound

SJOGREN = "Sjögren's Disease"
EYE, SKIN, OVER = "NCT00000001", "NCT00000002", "NCT00000003"


@pytest.fixture
def full(house: House) -> House:
    put = house.registry.put
    put(record.the_study())
    put(record.a_study(EYE, title="Eyes That Are Dry", conditions=("Dry Eye", "SJÖGREN’S DISEASE"), places=(("Lund", "Sweden"),)))
    put(record.a_study(SKIN, title="Skin That Itches", conditions=("Eczema",), places=(("Ankara", "Turkey"), ("Lund", "Sweden"))))
    put(record.a_study(OVER, title="A Trial That Is Over", status="COMPLETED", conditions=("Eczema",)))
    house.watch(TRIAL, EYE, SKIN, OVER)
    house.sync(days=0)
    return house


def page(site: Site, path: str, **more: object) -> Page:
    found = Page(site.get(path, **more))
    assert found.answer.status_code == 200
    is_sound(found)
    return found


def test_each_trial_with_status_next_date_and_last_change(site: Site, full: House) -> None:
    found = page(site, "/")
    assert found.heading == "Clinical trials watched here"
    assert "4 trials" in found.text
    assert sorted(found.titles()) == sorted([TITLE, "Eyes That Are Dry", "Skin That Itches", "A Trial That Is Over"])
    for told in ("Recruiting (looking for participants)", "Completed (finished)", "31 December 2026 (planned)", "No change seen here yet"):
        assert told in found.text
    assert f"/trials/{TRIAL}" in found.links()


def test_what_changed_last_comes_first(site: Site, full: House) -> None:
    for trial in (SKIN, EYE):
        full.at = full.at.replace(day=full.at.day + 1)
        full.registry.put(record.with_status(full.registry.study(trial), "SUSPENDED", posted="2026-02-03"))
        full.sync()
    found = page(site, "/")
    assert found.titles()[:2] == ["Eyes That Are Dry", "Skin That Itches"]
    assert "Suspended (paused)" in found.text
    assert "6 February 2026" in found.text


def test_housekeeping_is_no_change(site: Site, full: House) -> None:
    full.registry.put(record.touched(full.registry.study(OVER), "2026-02-03"))
    full.sync()
    assert full.changes(housekeeping=True)
    assert "3 February" not in page(site, "/").text


def test_a_change_that_no_mail_to_readers_tells_is_one(site: Site, full: House) -> None:
    study = full.registry.study(OVER)
    study["protocolSection"]["descriptionModule"] = {"briefSummary": "Told in other words."}
    full.registry.put(study)
    full.sync()
    assert page(site, "/").titles()[0] == "A Trial That Is Over"
    assert "3 February 2026" in page(site, "/").text


def test_what_only_housekeeping_touched_comes_behind_what_changed(site: Site, full: House) -> None:
    full.registry.put(record.with_status(full.registry.study(EYE), "SUSPENDED", posted="2026-02-03"))
    full.sync()
    before = page(site, "/").titles()
    assert before[0] == "Eyes That Are Dry"
    for trial, day in ((OVER, "2026-02-04"), (SKIN, "2026-02-05")):
        full.registry.put(record.touched(full.registry.study(trial), day))
        full.sync()
    assert len(full.changes(housekeeping=True)) > len(full.changes())
    assert page(site, "/").titles() == before
    assert [row["changed_at"] is None for row in site.get("/api/trials").json()["trials"]] == [False, True, True, True]


def test_what_is_housekeeping_is_so_on_the_page_and_in_the_json(site: Site, full: House) -> None:
    study = full.registry.study(OVER)
    study["protocolSection"]["descriptionModule"]["detailedDescription"] = "At more length than before."
    full.registry.put(study)
    full.sync()
    (told,) = [each for each in full.changes(housekeeping=True) if each.field == "detailed_description"]
    assert told.significance == "housekeeping"
    for path in (f"/trials/{OVER}", f"/trials/{OVER}/diff"):
        assert "At more length" not in page(site, path).text
        assert "At more length" in page(site, f"{path}?all=1").text
    asked = f"/api/trials/{OVER}/changes"
    assert "At more length" not in site.get(asked).text
    assert "At more length" in site.get(f"{asked}?housekeeping=true").text
    assert page(site, "/").text.count("No change seen here yet") == 4


def test_what_a_coordinator_owes_is_none(site: Site, full: House) -> None:
    full.subscribe("coordinator@example.org", role="coordinator")
    full.sync(days=300)  # the first look
    full.sync(days=400)
    assert {change.topic for change in full.changes()} == {"deadlines"}
    assert page(site, "/").text.count("No change seen here yet") == 4


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"q": "dry"}, [TITLE, "Eyes That Are Dry"]),
        ({"q": "dry eyes"}, ["Eyes That Are Dry"]),
        ({"q": "SJOGREN"}, [TITLE, "Eyes That Are Dry"]),
        ({"q": "nct00000002"}, ["Skin That Itches"]),
        ({"condition": "sjögren"}, [TITLE, "Eyes That Are Dry"]),
        ({"condition": "eczema", "status": "COMPLETED"}, ["A Trial That Is Over"]),
        ({"country": "Sweden"}, ["Eyes That Are Dry", "Skin That Itches"]),
        ({"country": "Türkiye"}, ["Skin That Itches"]),
        ({"country": "Denmark", "q": "itches"}, []),
        ({"q": '"dry eyes"'}, ["Eyes That Are Dry"]),
        ({"q": "\u201ceyes\u201d \u00bbdry\u00ab"}, ["Eyes That Are Dry"]),
        ({"condition": "'dry eye'", "country": "Sweden"}, ["Eyes That Are Dry"]),
        ({"q": "%"}, []),
        ({"q": "'; DROP TABLE watch --"}, []),
        ({"status": "recruiting", "condition": "Dry Eye"}, ["Eyes That Are Dry"]),
    ],
)
def test_searching_finds_what_has_all_of_it(site: Site, full: House, asked: dict[str, str], found: list[str]) -> None:
    shown = page(site, "/", params=asked)
    assert sorted(shown.titles()) == sorted(found)
    assert f"{len(found)} trial" in shown.text
    assert shown.soup.find(id="q")["value"] == asked.get("q", "")  # type: ignore[index]


def test_of_many_conditions_it_is_said_how_many_are_not_shown(site: Site, full: House) -> None:
    names = [f"Disease {n:02}" for n in range(1, 64)]
    full.registry.put(record.a_study(OVER, conditions=names, status="COMPLETED"))
    full.sync()
    about = page(site, f"/trials/{OVER}").section("about")
    assert "Disease 60 and 3 more" in about
    assert "Disease 61" not in about
    assert "and 3 more" not in page(site, f"/trials/{SKIN}").section("about")
    assert "and 57 more" in page(site, "/").text


def test_a_disease_has_a_page_with_all_its_trials_however_it_is_written(site: Site, full: House) -> None:
    (link,) = {each for each in page(site, "/").links() if each.startswith("/condition/Sj")}
    for path in (link, "/condition/sjogren's disease"):
        found = page(site, path)
        assert sorted(found.titles()) == sorted([TITLE, "Eyes That Are Dry"])
        assert SJOGREN.casefold() in found.heading.casefold().replace("’", "'")
    assert site.get("/condition/Sjögren").status_code == 404
    assert site.get("/condition/Nothing").status_code == 404


def test_who_is_not_watched_any_more_is_not_in_the_list(site: Site, full: House) -> None:
    assert "4 trials" in page(site, "/").text
    with full.history() as history:
        watches.remove(history, [SKIN, OVER])
    assert len(page(site, "/").titles()) == 2
    assert site.get("/condition/Eczema").status_code == 404


def test_what_has_not_been_fetched_yet_is_there_by_its_number(site: Site, house: House) -> None:
    house.watch(TRIAL)
    found = page(site, "/")
    assert found.titles() == [TRIAL]
    assert "has not been fetched yet" in found.text
    assert "has not been fetched yet" in page(site, f"/trials/{TRIAL}").text


def test_an_empty_house_says_so(site: Site) -> None:
    assert "0 trials" in page(site, "/").text


def test_many_trials_are_paged(site: Site, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "A_PAGE", 2)
    ids = [f"NCT0000000{number}" for number in range(1, 6)]
    for trial in ids:
        house.registry.put(record.a_study(trial, conditions=("Eczema", "Rare & <odd>")))
    house.watch(*ids)
    house.sync(days=0)
    seen = []
    path = "/?q=something&lang=da"
    while path:
        found = page(site, path)
        seen += found.titles()
        following = found.soup.find("a", rel="next")
        path = str(following["href"]) if following else ""
    assert len(seen) == len(set(seen)) == 5
    assert "Side 3 af 3" in found.text
    for odd in ("0", "-1", "x", "99999999999", "٣"):
        assert page(site, f"/?page={odd}").titles() == page(site, "/").titles()
    assert len(page(site, "/condition/Rare%20%26%20%3Codd%3E?page=2").titles()) == 2


def test_in_danish_by_the_browser_or_by_the_address(site: Site, full: House) -> None:
    by_browser = page(site, "/", headers={"Accept-Language": "da"})
    by_address = page(site, "/?lang=da")
    for found in (by_browser, by_address):
        assert found.heading == "Kliniske forsøg, der følges her"
        assert "Danmark" in found.text
        assert found.answer.headers["Content-Language"] == "da"
        assert found.answer.headers["Vary"] == "Accept-Language"
    assert f"/trials/{TRIAL}?lang=da" in by_address.links()
    assert f"/trials/{TRIAL}" in by_browser.links()
    assert page(site, "/?lang=xx").heading == "Clinical trials watched here"
    assert page(site, "/?q=dry&lang=da").soup.find("a", hreflang="en")["href"] == "?q=dry&lang=en"  # type: ignore[index]


# --- links for programs ---


def followed(found: Page) -> list[str]:
    """The feed and the calendar that a page leads to, as its head and its text name them."""
    in_head = [str(each["href"]) for each in found.soup.select('head link[rel="alternate"][type]')]
    in_text = [str(each["href"]) for each in found.soup.select("main a[type]")]
    assert in_head == in_text
    return in_head


def test_feed_and_calendar_of_what_is_shown(site: Site, full: House) -> None:
    assert followed(page(site, "/")) == ["/feed.atom", "/calendar.ics"]
    assert followed(page(site, "/?lang=da")) == ["/feed.atom?lang=da", "/calendar.ics?lang=da"]
    assert followed(page(site, "/", headers={"Accept-Language": "da"})) == ["/feed.atom?lang=da", "/calendar.ics?lang=da"]
    assert followed(page(site, f"/trials/{EYE}")) == [f"/trials/{EYE}/feed.atom", f"/trials/{EYE}/calendar.ics"]
    assert followed(page(site, "/condition/eczema")) == ["/feed.atom?condition=Eczema", "/calendar.ics?condition=Eczema"]
    assert followed(page(site, "/?q=nothing+of+the+kind")) == []


@pytest.mark.parametrize(
    ("asked", "in_it"),
    [
        ({"q": "itches"}, {SKIN}),
        ({"condition": "sjögren", "status": "RECRUITING"}, {TRIAL, EYE}),
        ({"country": "Sweden"}, {EYE, SKIN}),
        ({"condition": "Eczema", "country": "Sweden"}, {SKIN}),
    ],
)
def test_a_search_is_followed_by_what_it_finds(site: Site, full: House, asked: dict[str, str], in_it: set[str]) -> None:
    for trial in (TRIAL, EYE, SKIN, OVER):
        full.registry.put(record.with_completion(full.registry.study(trial), "2027-06-30", posted="2026-02-03"))
    full.sync()
    feed, calendar = followed(page(site, "/", params=asked))
    assert "status" not in feed
    told = site.get(feed).text
    assert {trial for trial in (TRIAL, EYE, SKIN, OVER) if f"/trials/{trial}" in told} == in_it
    dates = site.get(calendar).text
    assert {trial for trial in (TRIAL, EYE, SKIN, OVER) if f"UID:{trial}" in dates} == in_it


def test_a_page_says_what_its_address_is_in_each_language(site: Site, full: House) -> None:
    def said(path: str) -> tuple[str, dict[str, str]]:
        soup = page(site, path).soup
        (canonical,) = soup.select('link[rel="canonical"]')
        return str(canonical["href"]), {str(each["hreflang"]): str(each["href"]) for each in soup.select("head link[hreflang]")}

    at = f"{site.url}/trials/{EYE}"
    forms = {"en": f"{at}?lang=en", "da": f"{at}?lang=da", "x-default": at}
    assert said(f"/trials/{EYE}?all=1&from_mail=yes") == (at, forms)
    assert said(f"/trials/{EYE}?lang=da") == (f"{at}?lang=da", forms)
    assert said("/?q=dry&page=2")[0] == f"{site.url}/?q=dry&page=2"
    assert said("/condition/dry%20eye")[0] == f"{site.url}/condition/dry%20eye"
    assert 'content="noindex"' in site.get("/?q=dry").text
    assert "noindex" not in site.get("/").text


def test_search_engines_leave_links_of_one_person_alone(site: Site) -> None:
    from urllib.robotparser import RobotFileParser

    rules = RobotFileParser()
    rules.parse(site.get("/robots.txt").text.splitlines())
    for path in ("/", f"/trials/{TRIAL}", "/condition/Eczema", "/feed.atom", "/privacy"):
        assert rules.can_fetch("any", f"{site.url}{path}"), path
    for path in ("/stop/x", "/confirm/x", "/subscribe", "/manage", "/manage/x", "/operator"):
        assert not rules.can_fetch("any", f"{site.url}{path}"), path
