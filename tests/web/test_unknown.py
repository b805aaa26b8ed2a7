"""A trial that the registry turned to UNKNOWN in silence: nothing says that it was so on the day of its team's last update."""

from __future__ import annotations

import pytest

from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.cli.conftest import Terminal
from tests.house import House
from tests.web.conftest import Site
from tests.web.reading import Page, is_sound, words

PAGE = f"/trials/{TRIAL}"


def silent(posted: str = "2017-05-16", last_known: str = "RECRUITING") -> record.Study:
    """As the registry shows it years after: its team's last update, and the status that it set itself."""
    study = record.a_study(TRIAL, status="UNKNOWN", posted=posted, start="2015-01-01", completion="2019-01-01")
    study["protocolSection"]["statusModule"] |= {"lastKnownStatus": last_known, "statusVerifiedDate": posted[:7]}
    return study


def page(site: Site, path: str = PAGE) -> Page:
    found = Page(site.get(path))
    assert found.answer.status_code == 200
    is_sound(found)
    return found


@pytest.fixture
def seen(house: House) -> House:
    house.watch(TRIAL)
    house.registry.put(silent())
    house.sync(days=0)
    return house


def test_the_page_says_by_when_it_was_seen_and_not_since_the_last_update(site: Site, seen: House) -> None:
    found = page(site)
    assert words(found.soup.select_one("p.status")).endswith("shown as “unknown”), by 2 February 2026 at the latest")
    cells = [words(cell) for cell in found.soup.select("#timeline ~ details tbody td")]
    assert cells[:2] == ["by 16 May 2017 at the latest", "Recruiting; Unknown status, by 2 February 2026 at the latest"]
    assert [words(each) for each in found.soup.select("svg rect title")] == [
        "Recruiting, by 16 May 2017 at the latest – by 2 February 2026 at the latest",
        "Unknown status, by 2 February 2026 at the latest – 2 February 2026",
    ]
    assert "not known until when" in found.text


def test_on_a_day_before_it_was_seen_nobody_knows_whether_it_was_unknown(site: Site, seen: House) -> None:
    found = page(site, f"{PAGE}/at/2018-01-01")
    assert words(found.soup.select_one("p.status")) == "Recruiting (looking for participants), by 16 May 2017 at the latest"
    assert "By 2 February 2026 at the latest the registry showed the trial as “unknown”; since when, it does not say." in found.text
    assert [words(each) for each in found.soup.select("svg rect title")] == ["Recruiting, by 16 May 2017 at the latest – 1 January 2018"]
    assert "still stands so" not in found.text
    told = site.get(f"/api{PAGE}/at/2018-01-01").json()
    assert (told["overall_status"], told["last_known_status"], told["unknown_by"]) == ("UNKNOWN", "RECRUITING", "2026-02-02")
    assert "Recruiting; Unknown status, by 2 February 2026 at the latest" in page(site, f"{PAGE}/versions").text


def test_the_terminal_says_the_same(terminal: Terminal) -> None:
    terminal.house.registry.put(silent())
    terminal.house.watch(TRIAL)
    terminal.house.sync(days=0)
    told = terminal("show", TRIAL).out
    assert "?  by 2026-02-02 at the latest" in told
    assert "R  by 2017-05-16 to 2026-02-02" in told
    assert "since 2017-05-16" not in told
    assert "Recruitment status: Unknown status, by 2026-02-02 at the latest" in told
    assert terminal("show", TRIAL, "--json").json["unknown_by"] == "2026-02-02"


def test_nor_does_the_registrys_history_say_since_when(site: Site, terminal: Terminal) -> None:
    house = terminal.house
    house.registry.put(record.a_study(TRIAL, status="RECRUITING", posted="2012-03-01", start="2012-01-01", completion="2014-01-01"))
    house.registry.put(silent("2013-09-18"))
    house.watch(TRIAL)
    house.sync(days=0)
    terminal("backfill", TRIAL)
    told = terminal("changes", TRIAL, "--backfilled").out.splitlines()
    assert [line.split("  ")[0] for line in told if "Unknown status" in line] == ["by 2026-02-02"]
    for day, fields in (("2026-01-01", ["overall_status"]), ("2026-02-03", [])):
        dated = terminal("changes", TRIAL, "--backfilled", "--clock", "registry", "--since", day, "--json").json
        assert [row["field"] for row in dated] == fields
    changes = page(site).section("changes")
    assert changes.index("by 2 February 2026 at the latest") < changes.index("18 September 2013")
    assert "Unknown" not in changes[changes.index("18 September 2013") :]


def test_an_unknown_that_was_seen_to_come_is_of_the_day_on_which_it_was_seen(site: Site, house: House) -> None:
    house.watch(TRIAL)
    house.registry.put(record.a_study(TRIAL, status="RECRUITING", posted="2024-01-08", start="2015-01-01", completion="2019-01-01"))
    house.sync(days=0)
    house.registry.put(silent("2024-01-08"))
    house.sync()
    found = page(site)
    assert "since 3 February 2026" in words(found.soup.select_one("p.status"))
    assert "unknown_by" not in site.get(f"/api{PAGE}").json()


def test_what_was_confirmed_again_stands_from_its_date(site: Site, seen: House) -> None:
    seen.registry.put(record.a_study(TRIAL, status="COMPLETED", posted="2026-02-03", start="2015-01-01", completion="2019-01-01"))
    seen.sync()
    titles = [words(each) for each in page(site).soup.select("svg rect title")]
    assert titles[1:] == [
        "Unknown status, by 2 February 2026 at the latest – 3 February 2026",
        "Completed, 3 February 2026 – 3 February 2026",
    ]
