"""A trial's page: what it says now, its timeline, what changed, and what stood before."""

from __future__ import annotations

import datetime
from typing import Any
from urllib.parse import urljoin

import pytest

from db import aliases, watches
from registry_sync.demo import record
from registry_sync.demo.record import EXCLUSION, INCLUSION, TITLE, TRIAL
from registry_sync.demo.story import SMOKE_FREE_AFTER, SMOKE_FREE_BEFORE, first_listing
from registry_sync.web import trial as trial_page
from tests.house import House
from tests.web.conftest import Site
from tests.web.reading import Page, is_sound, words

PAGE = f"/trials/{TRIAL}"
OLD, NEW = "NCT00000001", "NCT00000002"


def page(site: Site, path: str = PAGE, **more: Any) -> Page:
    found = Page(site.get(path, **more))
    assert found.answer.status_code == 200
    is_sound(found)
    return found


@pytest.fixture
def watched(house: House) -> House:
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.sync(days=0)
    return house


def change(house: House, study: record.Study) -> None:
    house.registry.put(study)
    house.sync()


@pytest.fixture
def lived(watched: House) -> House:
    """A trial that was put off twice, and paused."""
    study = watched.registry.study
    change(watched, record.with_completion(study(TRIAL), "2026-06", posted="2026-02-03"))
    change(watched, record.with_completion(study(TRIAL), "2026-12", posted="2026-02-04"))
    change(watched, record.with_criterion(study(TRIAL), SMOKE_FREE_BEFORE, SMOKE_FREE_AFTER, posted="2026-02-05"))
    change(watched, record.with_status(study(TRIAL), "SUSPENDED", posted="2026-02-06", why_stopped="No material"))
    return watched


# --- as it stands ---


def test_an_id_under_which_the_registry_showed_a_record_before_leads_to_it(site: Site, house: House) -> None:
    house.registry.put(record.a_study(TRIAL, aliases=["NCT00000078"]))
    house.registry.put(record.a_study("NCT00000079", title="NCT00000080 and NCT00000078, followed up"))
    house.watch(TRIAL, "NCT00000079")
    house.sync()
    for path in ("", "/versions", "/diff?from=1&to=1"):
        answer = site.get(f"/trials/nct00000078{path}")
        assert answer.status_code == 303
        assert urljoin(answer.url, answer.headers["Location"]) == f"{site.url}/trials/{TRIAL}{path}"
    assert site.get("/trials/NCT00000080").status_code == 404


def test_what_a_reader_wants_to_know_stands_there_in_words(site: Site, watched: House) -> None:
    found = page(site)
    assert found.heading == TITLE
    assert found.soup.h1 is not None
    assert found.soup.h1["lang"] == "en"
    assert "Recruiting (looking for participants), since 3 February 2025" in found.text
    assert "31 December 2025 (planned; this day has passed)" in found.section("dates")
    assert f"{watched.registry.url}/study/{TRIAL}" in found.links()
    assert "The trial team last confirmed it: January 2025." in found.text
    assert "Last checked here: 2 February 2026 at 06:17 UTC. That worked." in found.text
    for name in ("Sjögren's Disease", "Xerostomia"):
        assert name in found.section("about")


def test_who_may_take_part_is_in_lists(site: Site, watched: House) -> None:
    found = page(site)
    lists = [[words(item) for item in each.find_all("li", recursive=False)] for each in found.soup.select("#who ~ div > ul")]
    assert lists == [list(INCLUSION), list(EXCLUSION)]
    assert "18 years" in found.section("who")


def test_nested_criteria_are_nested_lists_and_sections_have_names(site: Site, watched: House) -> None:
    study = watched.registry.study(TRIAL)
    study["protocolSection"]["eligibilityModule"]["eligibilityCriteria"] = (
        "Inclusion Criteria:\n\nPart A:\n\n* One of these:\n\n   * fever\n   * pain\n\nPart B:\n\n* Something else\n\n"
        "Exclusion Criteria:\n\n* None"
    )
    change(watched, record.touched(study, "2026-02-03"))
    found = page(site)
    outer = found.soup.find("li", string=lambda text: bool(text and "fever" in text))
    assert outer is not None
    assert outer.find_parent("li") is not None
    headings = [words(each) for each in found.soup.select("#who ~ h3")]
    assert "Who may take part (inclusion criteria): Part B" in headings


def test_open_sites_come_first_and_have_their_contacts(site: Site, watched: House) -> None:
    study = watched.registry.study(TRIAL)
    study["protocolSection"]["contactsLocationsModule"]["locations"] += [
        {"facility": "Closed", "city": "Aarhus", "country": "Denmark", "status": "COMPLETED", "contacts": [{"name": "Contact B"}]},
        {"facility": "Away", "city": "Aachen", "country": "Austria", "status": "WITHDRAWN"},
    ]
    change(watched, record.touched(study, "2026-02-03"))
    text = page(site).section("sites")
    assert "3 sites; 1 of them is looking for participants now" in text
    assert text.index("Denmark") < text.index("Rigshospitalet") < text.index("Closed") < text.index("Austria") < text.index("Away")
    assert "Contact A" in text
    assert "Contact B" not in text
    assert "mailto:contact-a@example.org" in page(site).links()


def test_a_contact_that_the_registry_took_down_is_nowhere(site: Site, watched: House) -> None:
    study = watched.registry.study(TRIAL)
    study["protocolSection"]["contactsLocationsModule"]["centralContacts"] = [{"name": "Contact B", "role": "CONTACT", "phone": "+45 1"}]
    study["protocolSection"]["contactsLocationsModule"]["locations"][0].pop("contacts")
    change(watched, record.touched(study, "2026-02-03"))
    for path in (PAGE, f"{PAGE}?all=1", f"{PAGE}/diff?from=1&to=2&all=1", f"{PAGE}/at/2026-02-02", f"{PAGE}/at/2025-03-01"):
        found = page(site, path)
        assert "Contact A" not in found.text
        assert "contact-a@example.org" not in found.answer.text
    assert "a name that the registry does not show any more" in page(site).section("changes")
    assert "Contact B" in page(site).section("sites")


# --- its life ---


def test_the_timeline_is_a_picture_and_a_table_that_says_the_same(site: Site, lived: House) -> None:
    found = page(site)
    picture = found.soup.select_one("svg[role=img]")
    assert picture is not None
    drawn = [words(each) for each in picture.find_all("text")]
    assert [each for each in drawn if each.startswith(("31 Dec", "June", "December 2026"))] == [
        "31 December 2025 (planned)", "31 December 2025 (planned)", "June 2026 (planned), +6 months", "December 2026 (planned), +6 months",
    ]  # fmt: skip
    assert "5 versions of the entry" in drawn
    assert len(picture.select("line.version")) == 5
    assert [words(each.title) for each in picture.select("rect")][-1].startswith("Suspended, 6 February 2026")
    assert words(picture.title) == "Timeline from 3 February 2025 to 6 February 2026"
    rows = [[words(cell) for cell in row.find_all(["th", "td"])] for row in found.soup.select("#timeline ~ details tbody tr")]
    assert [(row[0], row[1], row[2], row[5]) for row in rows] == [
        ("1", "3 February 2025", "Recruiting", "31 December 2025 (planned)"),
        ("2", "3 February 2026", "Recruiting", "June 2026 (planned) (+6 months)"),
        ("3", "4 February 2026", "Recruiting", "December 2026 (planned) (+6 months)"),
        ("4", "5 February 2026", "Recruiting", "December 2026 (planned)"),
        ("5", "6 February 2026", "Suspended", "December 2026 (planned)"),
    ]


def test_all_changes_newest_first_with_before_and_after(site: Site, lived: House) -> None:
    found = page(site)
    days = [words(each) for each in found.soup.select("#changes ~ h3")]
    assert days == ["6 February 2026", "5 February 2026", "4 February 2026", "3 February 2026"]
    text = found.section("changes")
    for told in (
        "Before Recruiting (looking for participants) After Suspended (paused)",
        "Changed rule on who may not take part",
        "Before June 2026 (planned) After December 2026 (planned) 6 months later.",
        "No material",
    ):
        assert told in text
    assert [words(each) for each in found.soup.find_all("del")] == ["6"]
    assert [words(each) for each in found.soup.find_all("ins")] == ["12"]
    assert "Record verification" not in text
    assert "Entry last confirmed" in page(site, f"{PAGE}?all=1").section("changes")


def untold(study: record.Study) -> record.Study:
    """What no mail to readers tells: an outcome switched, a small step of a target, another text and title, primary completion later."""
    study = record.with_completion(study, "2025-12-31", primary="2026-03", posted="2026-02-03")
    protocol = study["protocolSection"]
    protocol["designModule"]["enrollmentInfo"]["count"] = 41
    protocol["outcomesModule"] = {"primaryOutcomes": [{"measure": "Another measure", "timeFrame": "1 year"}]}
    protocol["descriptionModule"] = {"briefSummary": "Told in other words."}
    protocol["identificationModule"]["briefTitle"] = "A New Title"
    return study


def test_all_changes_stand_there_whether_mails_tell_them_or_not(site: Site, watched: House) -> None:
    change(watched, untold(watched.registry.study(TRIAL)))
    for path in (PAGE, f"{PAGE}/diff"):
        text = page(site, path).text
        for told in ("Another measure", "After 41 (planned)", "March 2026", "Told in other words", "A New Title"):
            assert told in text, (path, told)
        assert "Entry last confirmed" not in text
        assert "Entry last confirmed" in page(site, f"{path}?all=1").text
    assert "3 February 2026" in page(site, "/").text
    text = page(site, f"{PAGE}/diff?from=1&to=2&all=1&lang=da").text
    assert "Uden små ændringer" in text


def test_sites_that_merely_follow_a_status_are_folded(site: Site, watched: House) -> None:
    change(watched, record.with_status(watched.registry.study(TRIAL), "ACTIVE_NOT_RECRUITING", posted="2026-02-03"))
    assert "Rigshospitalet" not in page(site).section("changes")
    assert "Rigshospitalet" in page(site, f"{PAGE}?all=1").section("changes")


def test_changes_are_paged(site: Site, lived: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_page, "A_PAGE", 2)
    first = page(site)
    following = first.soup.find("a", rel="next")
    assert following is not None
    second = page(site, str(following["href"]))
    assert "Suspended (paused)" in first.section("changes")
    assert "Suspended (paused)" not in second.section("changes")


def test_the_record_as_it_stood_on_a_day(site: Site, lived: House) -> None:
    form = site.get(f"{PAGE}/at?date=2026-02-04")
    assert (form.status_code, form.headers["Location"]) == (303, "at/2026-02-04")
    found = page(site, f"{PAGE}/at/2026-02-04")
    assert "as it stood on 4 February 2026" in found.heading
    assert "It is version 3, seen here on 4 February 2026. The registry dates it 4 February 2026." in found.text
    assert "Recruiting (looking for participants)" in found.text
    assert "Suspended" not in found.text
    assert SMOKE_FREE_BEFORE in found.text
    assert "This is not how the entry stands now." in found.text
    current = page(site, f"{PAGE}/at/2026-02-06")
    assert "The entry still stands so. It is version 5" in current.text
    assert "This is not how" not in current.text


@pytest.mark.parametrize(
    ("asked", "status", "why"),
    [
        ("at/2024-01-01", 404, ""),
        ("at/2026-02-30", 404, "That is no day of the calendar."),
        ("at/20260204", 404, "That is no day of the calendar."),
        ("at/x", 404, "That is no day of the calendar."),
        ("at/2030-01-01", 404, "That day is still to come."),
        ("at/2026-02-07", 404, "That day is still to come."),
        ("at?date=soon", 422, "Choose a day."),
        ("at?date=", 422, "Choose a day."),
        ("at", 422, "Choose a day."),
    ],
)
def test_a_day_that_nothing_is_held_of_is_answered_with_what_is_held(site: Site, lived: House, asked: str, status: int, why: str) -> None:
    found = Page(site.get(f"{PAGE}/{asked}"))
    is_sound(found)
    assert found.answer.status_code == status
    assert f"{why} The first version that is held is of 3 February 2025.".strip() in found.text
    field = found.soup.find(id="date")
    assert field is not None
    assert (field["min"], field["max"]) == ("2025-02-03", "2026-02-06")
    assert PAGE in found.links()
    assert page(site).soup.find(id="date")["min"] == "2025-02-03"  # type: ignore[index]


def test_every_version_can_be_read_whole_also_of_one_day(site: Site, lived: House) -> None:
    change(lived, record.with_status(lived.registry.study(TRIAL), "RECRUITING", posted="2026-02-06"))
    links = [link for link in page(site, f"{PAGE}/versions").links() if link.startswith(f"{PAGE}/versions/")]
    assert links == [f"{PAGE}/versions/{number}" for number in (6, 5, 4, 3, 2, 1)]
    assert set(links) <= set(page(site).links()), "and by the table beside the timeline"
    for number, said in ((5, "This is not how the entry stands now. It is version 5"), (6, "The entry still stands so. It is version 6")):
        found = page(site, f"{PAGE}/versions/{number}")
        assert f"version {number}" in found.heading
        assert said in found.text
    assert "Suspended (paused)" in page(site, f"{PAGE}/versions/5").text
    assert "Timeline from 3 February 2025 to 5 February 2026" in page(site, f"{PAGE}/versions/3").text
    for odd in ("0", "7", "-1", "x", "99999999999999999999", "1?as=NCT00000009", "1?as=x"):
        assert site.get(f"{PAGE}/versions/{odd}").status_code == 404


def test_any_two_versions_side_by_side(site: Site, lived: House) -> None:
    listed = page(site, f"{PAGE}/versions")
    assert [words(each) for each in listed.soup.select("tbody th")] == ["5", "4", "3", "2", "1"]
    for path in (f"{PAGE}/diff?from=1&to=4", f"{PAGE}/diff?from=4&to=1", f"{PAGE}/diff?from=2025-12-01&to=2026-02-05"):
        found = page(site, path)
        assert "version 1 beside version 4" in found.heading
        assert "Before 31 December 2025 (planned) After December 2026 (planned) 12 months later." in found.text
        assert "Suspended (paused)" not in found.text
    assert "Suspended (paused)" in page(site, f"{PAGE}/diff").text
    assert "Both are the same version." in page(site, f"{PAGE}/diff?from=3&to=3").text
    for odd in ("from=9", "to=0", "from=x", "to=2020-01-01", "from=99999999999999999999"):
        assert site.get(f"{PAGE}/diff?{odd}").status_code == 404


def test_what_other_sites_say_is_beside_the_registry(site: Site, lived: House) -> None:
    assert "No page of another site" in page(site, f"{PAGE}/listings").text
    lived.listing.put(TRIAL, first_listing())
    lived.watch(TRIAL, pages=(lived.listing.url_of(TRIAL),))
    lived.sync()
    assert f"{PAGE}/listings" in page(site).links()
    found = page(site, f"{PAGE}/listings")
    assert "Out of date, since 6 February 2026 (1 day)" in found.text
    assert "Recruiting (looking for participants) Suspended (paused)" in found.text
    assert "within 12 months before" in found.text
    assert "Last read: 7 February 2026." in found.text


# --- where it is, and whether it is known ---


def test_trouble_is_said_where_it_is(site: Site, watched: House) -> None:
    watched.registry.faults.fail(503, times=None)
    for _ in range(3):
        watched.sync()
    found = page(site)
    assert "The registry could not be asked since" in found.text
    assert "Last checked here: 2 February 2026" in found.text
    assert "That worked" not in found.text


def test_a_trial_that_left_the_registry_is_shown_as_it_was_last_without_contacts(site: Site, watched: House) -> None:
    watched.registry.remove(TRIAL)
    watched.sync()
    assert "did not show this trial when it was last asked" in page(site).text
    watched.sync()
    found = page(site)
    assert "The registry has not shown this trial since 3 February 2026" in found.text
    assert "Contact A" not in found.text


def test_a_merged_trial_leads_to_the_one_it_is_now(site: Site, house: House) -> None:
    house.registry.put(record.a_study(OLD))
    house.watch(OLD)
    house.sync(days=0)
    house.registry.put(record.a_study(NEW))
    house.registry.alias(OLD, NEW)
    house.sync()
    for path, location in (
        (f"/trials/{OLD}", NEW),
        (f"/trials/{OLD}/diff?from=1&lang=da", f"../{NEW}/diff?from=1&lang=da"),
        (f"/trials/{OLD}/at/2026-02-02", f"../../{NEW}/at/2026-02-02"),
        (f"/trials/{NEW.lower()}/versions", f"../{NEW}/versions"),
    ):
        answer = site.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (303, location)
    assert page(site, f"/trials/{NEW}").answer.status_code == 200


def merged(house: House, *ids: str) -> None:
    """One trial was withdrawn, the other one asks whom it wants; these are watched; then the one is merged into the other."""
    house.registry.put(record.a_study(OLD, status="WITHDRAWN"))
    house.registry.put(record.a_study(NEW, status="ENROLLING_BY_INVITATION", title="The One That Stays"))
    house.watch(*ids)
    house.sync(days=0)
    house.registry.put(record.with_completion(house.registry.study(OLD), "2027-06", posted="2026-02-03"))
    house.sync()
    house.registry.alias(OLD, NEW)
    house.sync()


@pytest.mark.parametrize("ids", [(OLD,), (OLD, NEW)])
def test_what_was_told_under_a_former_number_says_so_and_no_step_is_made_up(site: Site, house: House, ids: tuple[str, ...]) -> None:
    merged(house, *ids)
    found = page(site, f"/trials/{NEW}")
    assert f"{OLD} was merged into this entry, as seen on 4 February 2026. It is found by either number." in found.text
    headings = [words(each) for each in found.soup.select("#changes ~ article h4")]
    assert f"{OLD} was merged into this entry" in headings
    assert f"{OLD}: Last visit of the trial" in headings
    assert "What the trial is doing: not the same in the two entries that were merged" in headings
    text = found.section("changes")
    assert f"entries that were merged {OLD}: Withdrawn" in text
    assert f"{NEW}: Enrolling by invitation" in text
    assert "Withdrawn After" not in text
    assert "merged into another" not in text
    assert "lagt sammen med denne registrering" in page(site, f"/trials/{NEW}?lang=da").section("changes")


@pytest.mark.parametrize("ids", [(OLD,), (OLD, NEW)])
def test_it_is_found_by_its_former_number_and_has_changed(site: Site, house: House, ids: tuple[str, ...]) -> None:
    merged(house, *ids)
    for asked in (OLD, OLD.lower(), NEW, f"stays {OLD}"):
        found = page(site, "/", params={"q": asked})
        assert found.titles() == ["The One That Stays"]
        assert "4 February 2026" in found.text
        assert "No change seen here yet" not in found.text
    assert page(site, "/?q=NCT00000009").titles() == []


def test_it_is_found_by_a_number_that_only_the_registry_knew(site: Site, house: House) -> None:
    house.registry.put(record.a_study(NEW, aliases=["NCT00000077"]))
    house.watch(NEW)
    house.sync(days=0)
    assert len(page(site, "/?q=nct00000077").titles()) == 1


def test_what_is_held_under_a_former_number_is_among_the_versions(site: Site, house: House) -> None:
    house.registry.put(record.a_study(OLD, title="As It Was Called First", posted="2026-01-10"))
    house.registry.put(record.a_study(NEW, posted="2026-02-03"))
    house.watch(OLD, NEW)
    house.sync(days=0)
    house.registry.put(record.with_status(house.registry.study(OLD), "SUSPENDED", posted="2026-01-20"))
    house.sync()
    assert "before" not in page(site, f"/trials/{NEW}/versions").text.replace("beside", "")
    with house.history() as history:
        watches.remove(history, [OLD])
    house.registry.alias(OLD, NEW)
    house.sync(full=True)
    with house.history() as history, history.write():
        aliases.merge(history, OLD, NEW, "2026-02-05T06:17:00Z")
    found = page(site, f"/trials/{NEW}/versions")
    assert f"As {OLD}, the number that it had before" in found.text
    table = words(found.soup.find_all("table")[1])
    assert "20 January 2026" in table
    assert "Suspended" in table
    assert "As It Was Called First" in page(site, f"/trials/{NEW}/at/2026-01-12").text
    assert f"/trials/{NEW}/versions/1?as={OLD}" in found.links()
    first = page(site, f"/trials/{NEW}/versions/1?as={OLD}")
    assert "As It Was Called First" in first.text
    assert f"It is from the time when this was {OLD}." in first.text
    assert site.get(f"/trials/{OLD}/versions/1").headers["Location"] == f"../../{NEW}/versions/1?as={OLD}"
    assert f"Som {OLD}" in page(site, f"/trials/{NEW}/versions?lang=da").text


def test_what_is_not_watched_has_no_page(site: Site, watched: House) -> None:
    for path in ("NCT00000009", "NCT1", "x", "..%2f", "%00", f"{TRIAL}/x", "NCT00000009/versions", "NCT00000009/at/2026-02-02"):
        answer = site.get(f"/trials/{path}")
        assert answer.status_code == 404
        assert "There is nothing here" in answer.text


# --- not sent twice ---


def test_who_has_it_already_gets_it_not_again(site: Site, watched: House) -> None:
    watched.at += datetime.timedelta(minutes=5)
    for path in ("/", PAGE, f"{PAGE}/versions", f"{PAGE}/at/2026-02-02", "/condition/Xerostomia"):
        answer = site.get(path)
        headers = answer.headers
        assert headers["Cache-Control"] == "public, no-cache"
        again = site.get(path, headers={"If-None-Match": f'"x", {headers["ETag"]}'})
        assert (again.status_code, again.text) == (304, "")
        assert again.headers["ETag"] == headers["ETag"]
        assert site.get(path, headers={"If-Modified-Since": headers["Last-Modified"]}).status_code == 304
        assert site.get(path, headers={"If-Modified-Since": "Mon, 02 Feb 2026 06:16:59 GMT"}).status_code == 200
        assert site.get(path, headers={"If-Modified-Since": "nonsense"}).status_code == 200
        danish = site.get(path, headers={"If-None-Match": headers["ETag"], "Accept-Language": "da"})
        assert danish.status_code == 200
        assert site.head(path).headers["ETag"] == headers["ETag"]


def test_news_is_sent_at_once(site: Site, watched: House) -> None:
    before = {path: site.get(path).headers["ETag"] for path in ("/", PAGE, f"{PAGE}/diff")}
    change(watched, record.with_status(watched.registry.study(TRIAL), "SUSPENDED", posted="2026-02-03"))
    for path, etag in before.items():
        assert "Suspended" in site.get(path, headers={"If-None-Match": etag}).text


def test_news_of_another_trial_leaves_this_page_as_it_is(site: Site, watched: House) -> None:
    watched.registry.put(record.a_study(OLD))
    watched.watch(OLD)
    watched.sync(days=0)
    etag = site.get(PAGE).headers["ETag"]
    watched.registry.put(record.with_status(watched.registry.study(OLD), "SUSPENDED", posted="2026-02-03"))
    watched.sync(days=0)
    assert site.get(PAGE, headers={"If-None-Match": etag}).status_code == 304


def test_a_new_day_is_news_to_the_timeline(site: Site, watched: House) -> None:
    etag = site.get(PAGE).headers["ETag"]
    watched.at += datetime.timedelta(days=1)
    assert "to 3 February 2026" in site.get(PAGE, headers={"If-None-Match": etag}).text


def test_in_danish(site: Site, lived: House) -> None:
    for path in (PAGE, f"{PAGE}/versions", f"{PAGE}/diff?from=1&to=5", f"{PAGE}/at/2026-02-04", f"{PAGE}/listings"):
        found = page(site, path, headers={"Accept-Language": "da"})
        for english in ("version of", "Before", "Side by side", "What changed", "since "):
            assert english not in found.text
    found = page(site, f"{PAGE}?lang=da")
    assert "Sat på pause" in found.text or "pause" in found.text
    assert "Tidslinje fra 3. februar 2025 til 6. februar 2026" in found.text
    assert f"{PAGE}/versions?lang=da" in found.links()


def test_a_sync_of_one_trial_says_nothing_of_when_another_was_checked(site: Site, house: House) -> None:
    house.registry.put(record.the_study())
    house.registry.put(record.a_study("NCT00000079"))
    house.watch(TRIAL, "NCT00000079")
    house.registry.release(house.at)
    house.sync(days=0)
    house.registry.release(house.at + datetime.timedelta(days=3))
    house.sync(TRIAL, days=3)
    assert "Last checked here: 5 February 2026" in Page(site.get(f"/trials/{TRIAL}")).text
    assert "Last checked here: 2 February 2026" in Page(site.get("/trials/NCT00000079")).text
