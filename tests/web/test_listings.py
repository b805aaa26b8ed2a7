"""What readers are shown of pages on other sites that cannot be read, or say the same as the registry."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import replace

import pytest

from jobs.exporting import Export, Scope
from jobs.surroundings import today
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.demo.story import first_listing
from tests.house import House
from tests.web.conftest import Site
from tests.web.reading import Page, is_sound, words
from tests.web.test_server import serving

PATH = f"/trials/{TRIAL}/listings"


@pytest.fixture
def listed(site: Site, house: House) -> House:
    """A page of another site is watched, and was read."""
    house.registry.put(record.the_study())
    house.listing.put(TRIAL, first_listing())
    house.watch(TRIAL, pages=(house.listing.url_of(TRIAL),))
    house.sync(days=0)
    return house


def gone(house: House) -> None:
    house.listing.remove(TRIAL)


def overloaded(house: House) -> None:
    house.listing.faults.fail(503, times=None)


def redesigned(house: House) -> None:
    house.listing.instead(f"<html><body><h1>{first_listing().title}</h1><p>Completed</p><p>NCT ID: {TRIAL}</p></body></html>")


@pytest.mark.parametrize(
    ("befalls", "english", "danish"),
    [
        (gone, "Its site says that there is no such page.", "Webstedet siger, at siden ikke findes."),
        (overloaded, "Its site gave no answer that could be used.", "Webstedet gav ikke noget svar, der kunne bruges."),
        (redesigned, "could not be found.", "Webstedet sendte noget, hvor det, siden oplyser, ikke kunne findes."),
    ],
)
def test_why_a_page_was_not_read_is_said_in_the_readers_words(
    site: Site, listed: House, befalls: Callable[[House], None], english: str, danish: str
) -> None:
    befalls(listed)
    listed.sync()
    found = Page(site.get(PATH))
    is_sound(found)
    (warning,) = found.soup.select(".warning")
    assert words(warning).startswith("Since 3 February 2026 it could not be read any more.")
    assert english in words(warning)
    (warning,) = Page(site.get(f"{PATH}?lang=da")).soup.select(".warning")
    assert words(warning) == f"Den har ikke kunnet læses siden 3. februar 2026. {danish}"


def test_a_page_whose_site_wants_no_programs_says_so(site: Site, listed: House) -> None:
    listed.listing.robots("User-agent: *\nDisallow: /trials/\n")
    listed.sync(days=2)
    (warning,) = Page(site.get(PATH)).soup.select(".warning")
    assert words(warning).startswith("Its site does not want the page to be read by programs.")


def test_where_both_say_the_same_no_dash_says_that_the_page_is_silent(site: Site, listed: House) -> None:
    rows = [[words(cell) for cell in row.find_all(["th", "td"])] for row in Page(site.get(PATH)).soup.select("tbody tr")]
    alike = [row for row in rows if row[1].startswith("Says the same")]
    assert alike
    assert all("–" not in row[2:] for row in alike)
    assert ["Rules on who may take part", "Says the same", "The same in both"] in rows


def test_neither_a_secret_of_the_operator_nor_a_mail_address_is_shown(site: Site, house: House) -> None:
    house.registry.put(record.the_study())
    facts = first_listing()
    house.listing.put(TRIAL, replace(facts, inclusion=(*facts.inclusion, "Write to contact.a@example.org first")))
    house.watch(TRIAL, pages=(f"{house.listing.url_of(TRIAL)}?token=7c1b2a9e",))
    house.sync(days=0)
    answer = site.get(PATH)
    page = Page(answer)
    is_sound(page)
    assert "Write to *** first" in page.text
    assert "contact.a@example.org" not in answer.text
    assert "7c1b2a9e" not in answer.text
    assert "127.0.0.1" in page.text


def test_who_has_an_answer_has_it_still_after_a_sync_that_brought_nothing(site: Site, listed: House) -> None:
    other = "NCT00000900"
    listed.registry.put(record.a_study(other))
    listed.watch(other)
    listed.sync()
    listed.registry.put(record.with_status(listed.registry.study(TRIAL), "SUSPENDED", posted="2026-02-03"))
    listed.sync()
    listed.at = listed.at.replace(hour=9)
    paths = ["/", "/condition/Example%20Disease", "/feed.atom", "/calendar.ics", "/api/trials", "/api/changes", "/api/searches"]
    for trial in (TRIAL, other):
        paths += [
            f"/trials/{trial}{each}" for each in ("", "/versions", "/versions/1", "/diff", "/listings", "/feed.atom", "/calendar.ics")
        ]
        paths += [f"/api/trials/{trial}{each}" for each in ("", "/changes", "/versions", "/listings")]
    paths += [f"{path}{'&' if '?' in path else '?'}lang=da" for path in paths if not path.startswith("/api/")]
    before = {path: site.get(path) for path in paths}
    assert {answer.status_code for answer in before.values()} == {200}
    assert listed.sync(days=0.1).changes == 0
    others = []
    for path, had in before.items():
        is_same = site.get(path).content == had.content
        tag = {"If-None-Match": had.headers["ETag"]}
        assert site.get(path, headers=tag).status_code == (304 if is_same else 200), path
        others += [path.partition("?")[0]] if not is_same else []
    checked = {f"/trials/{TRIAL}", f"/trials/{other}"}
    assert set(others) == {*checked, f"/api/trials/{TRIAL}/listings"}  # these say when that was


def test_today_is_that_of_the_schedule_on_the_page_in_the_json_in_the_export_and_in_a_letter(house: House) -> None:
    house.set("schedule", timezone="Pacific/Kiritimati")  # 14 hours before UTC
    house.registry.put(record.the_study())
    house.listing.put(TRIAL, first_listing())
    house.watch(TRIAL, pages=(house.listing.url_of(TRIAL),))
    house.sync(days=0)
    house.registry.put(record.with_status(house.registry.study(TRIAL), "SUSPENDED", posted="2026-02-03"))
    house.sync()
    with serving(house, "127.0.0.1:0") as site, house.history() as history:
        for now, days in (("2026-02-05T09:59:00+00:00", 2), ("2026-02-05T10:01:00+00:00", 3), ("2026-02-06T00:01:00+00:00", 3)):
            house.at = datetime.datetime.fromisoformat(now)
            assert f"since 3 February 2026 ({days} days)" in Page(site.get(PATH)).text
            rows = site.get(f"/api{PATH}").json() + list(Export(house.around, history, Scope()).listings())
            assert [row["days"] for row in rows if row["field"] == "overall_status"] == [days, days]
            assert today(house.around) == datetime.date(2026, 2, 3 + days)
