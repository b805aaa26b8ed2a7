"""A trial that left the registry: nowhere is what it said last shown as what it says."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.cli.conftest import Terminal
from tests.house import House
from tests.web.conftest import Site
from tests.web.reading import Page, is_sound

PAGE = f"/trials/{TRIAL}"
STAYS = "NCT00000001"
SAID = "The registry has not shown this trial since 3 February 2026."
SJOGREN = "Sjögren's Disease"


@pytest.fixture
def left(house: House) -> House:
    """One of two trials leaves, and a second look on the next day finds it so."""
    house.registry.put(record.the_study())
    house.registry.put(record.a_study(STAYS, title="A Trial That Stays", conditions=(SJOGREN,)))
    house.watch(TRIAL, STAYS)
    house.sync(days=0)
    house.registry.remove(TRIAL)
    house.sync()
    house.sync()
    return house


def page(site: Site, path: str) -> Page:
    found = Page(site.get(path))
    assert found.answer.status_code == 200
    is_sound(found)
    return found


@pytest.mark.parametrize("path", ["/", f"/condition/{SJOGREN}"])
def test_lists_say_so_in_the_place_of_the_status(site: Site, left: House, path: str) -> None:
    entries = {entry.a["href"]: entry for entry in page(site, path).soup.select(".trials > li") if entry.a}
    gone, stays = entries[PAGE], entries[f"/trials/{STAYS}"]
    assert SAID in gone.get_text()
    assert "Recruiting" not in gone.get_text()
    assert "planned" not in gone.get_text()
    assert not gone.select(".status")
    assert "Recruiting" in stays.select(".status")[0].get_text()


def test_no_status_finds_it(site: Site, left: House) -> None:
    assert page(site, "/?status=RECRUITING").titles() == ["A Trial That Stays"]
    assert len(page(site, "/").titles()) == 2


def test_its_page_says_what_was_shown_last_and_what_is_open_nowhere(site: Site, left: House) -> None:
    found = page(site, PAGE)
    assert SAID in found.text
    assert "When the registry last showed it: Recruiting (looking for participants)" in found.text
    assert "1 site, as the registry said last" in found.section("sites")
    assert " open" not in found.section("sites")


def test_what_stood_on_a_day_is_not_said_to_stand_still(site: Site, left: House) -> None:
    today, before = (page(site, f"{PAGE}/at/{day}").text for day in ("2026-02-04", "2026-02-02"))
    for text in (today, before, page(site, f"{PAGE}/versions").text, page(site, f"{PAGE}/versions/1").text):
        assert SAID in text
        assert "still stands" not in text
    assert "What stands here is what it said last." in today
    assert "When the registry last showed it: Recruiting" in today
    assert "Until then the entry stood so." in before
    assert "When the registry last showed it" not in before


def test_who_subscribes_to_it_is_told_first(site: Site, left: House) -> None:
    offered = page(site, "/subscribe").soup.select("label[for^=trial-]")
    marked = {str(label["for"]): "The registry does not show it any more." in label.get_text() for label in offered}
    assert marked == {f"trial-{TRIAL}": True, f"trial-{STAYS}": False}


def test_programs_are_told_as_well(site: Site, left: House, terminal: Terminal) -> None:
    def get(path: str) -> Any:
        return site.get(path).json()

    gone = {"absent_since": "2026-02-03T06:17:00Z", "absence": "absent"}
    there = {"absent_since": None, "absence": None}
    rows = {row["trial"]: row for row in get("/api/trials")["trials"]}
    assert gone.items() <= rows[TRIAL].items()
    assert there.items() <= rows[STAYS].items()
    assert [row["trial"] for row in get("/api/trials?status=RECRUITING")["trials"]] == [STAYS]
    assert gone.items() <= get(f"/api{PAGE}").items()
    assert gone.items() <= get(f"/api{PAGE}/at/2026-02-03").items()
    assert there.items() <= get(f"/api{PAGE}/at/2026-02-02").items()
    assert gone.items() <= terminal("show", TRIAL, "--json").json.items()
    assert there.items() <= terminal("show", TRIAL, "--json", "--at", "2026-02-02").json.items()


@pytest.mark.parametrize("path", ["/", PAGE, f"{PAGE}/versions", f"{PAGE}/at/2026-02-02", f"/api{PAGE}", "/api/trials"])
def test_who_has_the_page_of_before_gets_the_new_one(site: Site, house: House, path: str) -> None:
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.sync(days=0)
    house.registry.remove(TRIAL)
    house.sync()
    before = site.get(path)
    house.sync(days=0.9)
    headers = {"If-None-Match": before.headers["ETag"]}
    assert site.get(path, headers=headers).status_code == 200
    dated = {"If-Modified-Since": before.headers["Last-Modified"]} if "Last-Modified" in before.headers else {}
    assert site.get(path, headers=dated).status_code == 200
    house.registry.put(record.the_study())
    gone = site.get(path)
    house.sync()
    assert site.get(path, headers={"If-None-Match": gone.headers["ETag"]}).status_code == 200


@pytest.mark.parametrize("path", [f"/api{PAGE}", "/api/trials"])
def test_who_asks_by_date_alone_hears_that_it_is_missing_and_that_it_is_found(site: Site, house: House, path: str) -> None:
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.sync(days=0)
    for change, absence in ((house.registry.remove, "missing"), (lambda _: house.registry.put(record.the_study()), None)):
        house.at += datetime.timedelta(minutes=1)
        known = {"If-Modified-Since": site.get(path).headers["Last-Modified"]}
        assert site.get(path, headers=known).status_code == 304
        change(TRIAL)
        house.sync(days=0.01)
        house.at += datetime.timedelta(minutes=1)
        answer = site.get(path, headers=known)
        assert answer.status_code == 200
        [row] = [row for row in answer.json().get("trials", [answer.json()]) if row["trial"] == TRIAL]
        assert row["absence"] == absence
