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


@pytest.mark.parametrize(("kind", "said"), [("ESTIMATED", "3 May 2012 (estimated)"), ("ACTUAL", "3 May 2012")])
def test_a_day_of_posting_is_no_plan_of_the_trial(site: Site, house: House, kind: str, said: str) -> None:
    study = record.the_study()
    study["protocolSection"]["statusModule"]["resultsFirstPostDateStruct"] = {"date": "2012-05-03", "type": kind}
    seen(house, study)
    assert page(site).section("dates").partition("Results first posted ")[2].startswith(f"{said} The last visit")


def test_a_trial_that_was_called_off_had_no_last_visit(site: Site, house: House) -> None:
    study = record.with_status(record.the_study(), "WITHDRAWN", posted="2026-02-02")
    protocol = study["protocolSection"]["statusModule"]
    protocol["completionDateStruct"] = {"date": "2025-11", "type": "ACTUAL"}
    protocol["primaryCompletionDateStruct"] = {"date": "2025-10", "type": "ESTIMATED"}
    seen(house, study)
    found = page(site)
    assert "Last visit of the trial November 2025 Nobody" in found.section("dates").replace(": ", " ")
    assert "October 2025" not in found.section("dates")
    assert "Nobody took part in this trial" in found.section("dates")
    assert "November 2025 (took place)" not in found.text
    assert "November" not in in_the_list(site)
    calendar = site.get(f"{PAGE}/calendar.ics").text
    assert "completion-date" not in calendar


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
        (["RECRUITING"], "1 site; it is looking for participants Denmark"),
        (["NOT_YET_RECRUITING"], "1 site; it is not looking for participants yet Denmark"),
        (["COMPLETED"], "1 site Denmark"),
        ([None], "1 site Denmark"),
        (["RECRUITING", "RECRUITING"], "2 sites; all of them are looking for participants Denmark"),
        (["NOT_YET_RECRUITING", "NOT_YET_RECRUITING"], "2 sites; none of them is looking for participants yet Denmark"),
        (["RECRUITING", "COMPLETED"], "2 sites; 1 of them is looking for participants now Denmark"),
        (["COMPLETED", "WITHDRAWN"], "2 sites; none of them is looking for participants now Denmark"),
        (
            ["RECRUITING", *["NOT_YET_RECRUITING"] * 3, "WITHDRAWN"],
            "5 sites; 1 of them is looking for participants now, 3 are not looking for them yet Denmark",
        ),
    ],
)
def test_how_many_sites_look_for_participants(site: Site, house: House, statuses: list[str | None], said: str) -> None:
    seen(house, with_sites(record.the_study(), statuses))
    assert said in page(site).section("sites")


@pytest.mark.parametrize("status", ["UNKNOWN", "NOT_YET_RECRUITING", "COMPLETED"])
def test_nothing_is_said_of_it_where_the_record_does_not(site: Site, house: House, status: str) -> None:
    sites = ["RECRUITING" if status == "UNKNOWN" else None] * 2
    seen(house, with_sites(record.with_status(record.the_study(), status), sites))
    assert "2 sites Denmark" in page(site).section("sites")


def with_sites(study: record.Study, statuses: list[str | None]) -> record.Study:
    places = [{"facility": "A Site", "city": f"City {n}", "country": "Denmark", "status": each} for n, each in enumerate(statuses)]
    study["protocolSection"]["contactsLocationsModule"]["locations"] = places
    return study


def test_where_no_trial_is_offered_nothing_is_called_these(site: Site, house: House) -> None:
    seen(house, record.the_study())
    assert "Not only these: every trial" in page(site, "/subscribe").text
    found = page(site, "/subscribe?q=zzzz").text
    assert "Not only these" not in found
    assert "Every trial that is watched here, now and later" in found
