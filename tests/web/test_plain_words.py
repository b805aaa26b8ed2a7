"""What a page says at once and once: trouble beside the status, plans that have passed, sites, what cannot be read."""

from __future__ import annotations

import pytest

from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.house import House
from tests.web.conftest import Site
from tests.web.reading import Page, is_sound, words

PAGE = f"/trials/{TRIAL}"
TROUBLE = "The registry could not be asked since 3 February 2026: this may not be the newest."


def page(site: Site, path: str = PAGE) -> Page:
    found = Page(site.get(path))
    assert found.answer.status_code == 200
    is_sound(found)
    return found


def seen(house: House, study: record.Study, days: float = 1) -> None:
    house.registry.put(study)
    house.watch(TRIAL)
    house.sync(days=days)


def in_the_list(site: Site) -> str:
    return words(page(site, "/").soup.select_one(".trials > li"))


# --- trouble ---


@pytest.mark.parametrize("path", [PAGE, "/", "/condition/Xerostomia"])
def test_trouble_with_the_registry_is_said_before_anything_that_may_be_old(site: Site, house: House, path: str) -> None:
    seen(house, record.the_study(), days=0)
    assert "could not be asked" not in page(site, path).text
    house.registry.faults.fail(503, times=None)
    for _ in range(3):
        house.sync()
    text = page(site, path).text
    assert TROUBLE in text
    assert text.index(TROUBLE) < text.index("Recruiting (looking")
    house.registry.faults.clear()
    house.sync()
    assert "could not be asked" not in page(site, path).text


@pytest.mark.parametrize("path", [PAGE, "/", "/privacy", "/subscribe", f"{PAGE}/versions"])
def test_how_the_service_is_doing_is_a_step_away_from_everywhere(site: Site, house: House, path: str) -> None:
    seen(house, record.the_study())
    footer = page(site, path).soup.footer
    assert footer is not None
    assert "/status" in [str(link["href"]) for link in footer.find_all("a")]


def test_a_first_record_that_cannot_be_read_is_not_said_to_be_still_to_come(site: Site, house: House) -> None:
    study = record.the_study()
    study["protocolSection"]["statusModule"]["overallStatus"] = {"not": "a word"}
    seen(house, study)
    for text in (page(site).text, in_the_list(site)):
        assert "could not be read here" in text
        assert "not been fetched" not in text


# --- dates ---


@pytest.mark.parametrize(
    ("date", "words_"),
    [
        ("2026-02-01", "1 February 2026 (planned; this day has passed)"),
        ("2026-02-02", "2 February 2026 (planned)"),
        ("2026-01", "January 2026 (planned; this has passed)"),
        ("2026-02", "February 2026 (planned)"),
    ],
)
def test_a_plan_whose_day_has_passed_says_so(site: Site, house: House, date: str, words_: str) -> None:
    seen(house, record.with_completion(record.the_study(), date), days=0)
    assert words_ in page(site).section("dates")
    assert words_ in in_the_list(site)


def test_on_a_day_before_it_was_a_plan(site: Site, house: House) -> None:
    seen(house, record.the_study(), days=0)
    assert "31 December 2025 (planned)" in page(site, f"{PAGE}/at/2025-12-31").section("dates")
    assert "this day has passed" in page(site, f"{PAGE}/at/2026-01-01").section("dates")


@pytest.mark.parametrize("status", ["WITHDRAWN", "TERMINATED"])
def test_what_was_ended_early_has_no_plans_in_the_list(site: Site, house: House, status: str) -> None:
    seen(house, record.with_completion(record.with_status(record.the_study(), status, posted="2026-02-02"), "2026-12-31"))
    assert "planned" not in in_the_list(site)
    assert "2026" not in in_the_list(site).replace("2 February 2026", "").replace("3 February 2026", "")


def test_the_main_question_is_explained_where_it_is_named(site: Site, house: House) -> None:
    seen(house, record.the_study())
    assert page(site).text.count("what the trial is there to find out") == 1
    study = record.the_study()
    del study["protocolSection"]["statusModule"]["primaryCompletionDateStruct"]
    seen(house, record.touched(study, "2026-02-03"))
    assert "what the trial is there to find out" not in page(site).text


# --- sites, and all that is watched ---


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        (["RECRUITING"], "1 site; it is open"),
        (["RECRUITING", "RECRUITING"], "2 sites; all of them are open"),
        (["RECRUITING", "COMPLETED"], "2 sites; 1 of them is open"),
    ],
)
def test_how_many_sites_are_open(site: Site, house: House, statuses: list[str], said: str) -> None:
    study = record.the_study()
    places = [{"facility": "A Site", "city": f"City {n}", "country": "Denmark", "status": each} for n, each in enumerate(statuses)]
    study["protocolSection"]["contactsLocationsModule"]["locations"] = places
    seen(house, study)
    assert said in page(site).section("sites")


def test_where_no_trial_is_offered_nothing_is_called_these(site: Site, house: House) -> None:
    seen(house, record.the_study())
    assert "Not only these: every trial" in page(site, "/subscribe").text
    found = page(site, "/subscribe?q=zzzz").text
    assert "Not only these" not in found
    assert "Every trial that is watched here, now and later" in found
