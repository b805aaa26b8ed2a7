"""Calendars: when trials start and end, as a calendar program reads it."""

from __future__ import annotations

import datetime
from typing import Any

import icalendar
import pytest

from jobs.surroundings import as_stamp
from registry_sync.demo import record
from registry_sync.demo.record import TITLE, TRIAL
from registry_sync.trials.dates import last_day
from registry_sync.web import calendar
from tests.house import House
from tests.web.conftest import Site

OTHER = "NCT00000900"
PATH = f"/trials/{TRIAL}/calendar.ics"


def read(site: Site, path: str = PATH) -> dict[str, Any]:
    """The events, by the part of their UID that names the date."""
    answer = site.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert all(len(line) <= 75 for line in answer.content.split(b"\r\n"))
    whole = icalendar.Calendar.from_ical(answer.content)
    assert not whole.errors
    events = {str(event["UID"]).partition("@")[0]: event for event in whole.walk("VEVENT")}
    assert len(events) == len(whole.walk("VEVENT"))
    return events


@pytest.fixture
def watched(house: House) -> House:
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.sync(days=0)
    return house


def test_each_date_is_a_whole_day(site: Site, watched: House) -> None:
    events = read(site)
    assert list(events) == [f"{TRIAL}.{name}" for name in ("start-date", "completion-date", "primary-completion-date", "results")]
    start, end = events[f"{TRIAL}.start-date"], events[f"{TRIAL}.completion-date"]
    assert start["DTSTART"].dt == datetime.date(2025, 1, 21)
    assert start["SUMMARY"] == f"{TRIAL}: Start of the trial"
    assert start["STATUS"] == "CONFIRMED"
    assert end["SUMMARY"] == f"{TRIAL}: Last visit of the trial (planned)"
    assert end["STATUS"] == "TENTATIVE"
    assert end["DESCRIPTION"] == f"{TITLE}\nThis is a plan of the trial team; it can change."
    assert end["URL"] == f"{site.url}/trials/{TRIAL}"
    assert as_stamp(end["DTSTAMP"].dt) == as_stamp(watched.at)
    results = events[f"{TRIAL}.results"]
    assert results["DTSTART"].dt == datetime.date(2026, 12, 31)
    assert "42 CFR 11.44" in results["DESCRIPTION"]


def test_a_slip_moves_the_event_and_counts(site: Site, watched: House) -> None:
    before = read(site)
    for date in ("2026-06-30", "2026-09"):
        watched.registry.put(record.with_completion(watched.registry.study(TRIAL), date, posted="2026-02-05"))
        watched.sync()
    after = read(site)
    assert before.keys() == after.keys()
    end = f"{TRIAL}.completion-date"
    assert (before[end]["SEQUENCE"], after[end]["SEQUENCE"]) == (0, 2)
    assert before[end]["UID"] == after[end]["UID"]
    assert after[end]["DTSTART"].dt == datetime.date(2026, 9, 30)
    assert after[end]["DESCRIPTION"].endswith("The registry says September 2026 and no day: it is shown on the last one.")
    assert after[f"{TRIAL}.start-date"]["SEQUENCE"] == 0
    assert after[f"{TRIAL}.start-date"]["DTSTAMP"].dt == before[f"{TRIAL}.start-date"]["DTSTAMP"].dt


def test_what_changes_beside_the_dates_changes_no_event(site: Site, watched: House) -> None:
    before = site.get(PATH).content
    watched.registry.put(record.with_criterion(watched.registry.study(TRIAL), "within 6 months", "within 12 months", posted="2026-02-05"))
    watched.sync()
    assert site.get(PATH).content == before


def test_results_that_are_there_are_expected_no_more(site: Site, watched: House) -> None:
    watched.registry.put(record.with_results(watched.registry.study(TRIAL), "2026-02-05"))
    watched.sync()
    assert f"{TRIAL}.results" not in read(site)


def test_the_calendar_of_all_begins_a_while_ago_and_has_an_end(site: Site, watched: House, monkeypatch: pytest.MonkeyPatch) -> None:
    watched.registry.put(record.a_study(OTHER))
    watched.watch(OTHER)
    watched.sync()
    events = read(site, "/calendar.ics")
    assert f"{TRIAL}.start-date" not in events
    assert f"{TRIAL}.completion-date" in events
    monkeypatch.setattr(calendar, "MOST", 1)
    assert len(read(site, "/calendar.ics?lang=da")) == 1


def test_in_danish(site: Site, watched: House) -> None:
    events = read(site, f"{PATH}?lang=da")
    assert events[f"{TRIAL}.results"]["SUMMARY"] == f"{TRIAL}: Resultater kan være offentliggjort"


def test_hostile_titles_harm_no_calendar(site: Site, watched: House) -> None:
    study = watched.registry.study(TRIAL)
    study["protocolSection"]["identificationModule"]["briefTitle"] = "æøå;,\\n\r\nBEGIN:VALARM\x00\x07\u202e" * 1000
    watched.registry.put(record.with_status(study, "SUSPENDED", posted="2026-02-05"))
    watched.sync()
    for event in read(site).values():
        assert len(event["DESCRIPTION"]) < 600
        assert not event.subcomponents


@pytest.mark.parametrize(
    ("date", "day"),
    [
        ("2026-02", (2026, 2, 28)),
        ("2028-02", (2028, 2, 29)),
        ("2026", (2026, 12, 31)),
        ("2026-02-03", (2026, 2, 3)),
        ("9999-12-31", (9999, 12, 31)),
    ],
)
def test_of_a_date_that_is_not_precise_the_last_day_is_taken(date: str, day: tuple[int, int, int]) -> None:
    assert last_day(date) == datetime.date(*day)


@pytest.mark.parametrize(("date", "later"), [("2024-02-29", "2025-02-28"), ("2026-12", "2027-12"), ("2026", "2027"), ("9999-01", None)])
def test_a_year_on(date: str, later: str | None) -> None:
    assert calendar._later(date, calendar.RESULTS_AFTER) == later


def with_date(study: record.Study, name: str, date: str, kind: str | None) -> record.Study:
    study["protocolSection"]["statusModule"][name] = {"date": date, **({"type": kind} if kind else {})}
    return record.touched(study, "2026-02-03")


def test_of_an_old_date_it_is_not_said_whether_it_was_planned(site: Site, watched: House) -> None:
    watched.registry.put(with_date(watched.registry.study(TRIAL), "startDateStruct", "1998-04", None))
    watched.sync()
    start = read(site)[f"{TRIAL}.start-date"]
    assert start["SUMMARY"] == f"{TRIAL}: Start of the trial"
    assert "STATUS" not in start
    assert "This is a plan" not in start["DESCRIPTION"]
    assert "The registry does not say whether this was planned or took place." in start["DESCRIPTION"]


def test_what_follows_from_a_date_is_not_said_to_be_the_registrys(site: Site, watched: House) -> None:
    watched.registry.put(with_date(watched.registry.study(TRIAL), "primaryCompletionDateStruct", "2016-12", "ACTUAL"))
    watched.sync()
    results = read(site)[f"{TRIAL}.results"]
    assert results["DTSTART"].dt == datetime.date(2017, 12, 31)
    assert "December 2017" not in results["DESCRIPTION"]
    assert "The registry says December 2016 for that visit and no day" in results["DESCRIPTION"]


def test_of_a_trial_that_the_registry_does_not_show_no_plan_stands(site: Site, watched: House) -> None:
    watched.registry.remove(TRIAL)
    for _ in range(2):
        watched.sync()
    events = read(site)
    assert f"{TRIAL}.results" not in events
    end = events[f"{TRIAL}.completion-date"]
    assert end["SUMMARY"] == f"{TRIAL}: Last visit of the trial (planned, as the registry said last)"
    assert "This is a plan of the trial team" not in end["DESCRIPTION"]
    said = "The registry has not shown this trial since 3 February 2026.\nWhat stands here is what it said last."
    assert all(said in event["DESCRIPTION"] for event in events.values())


def test_of_a_trial_that_was_called_off_no_plan_is_left(site: Site, watched: House) -> None:
    watched.registry.put(record.with_status(watched.registry.study(TRIAL), "WITHDRAWN", posted="2026-02-03"))
    watched.sync()
    assert list(read(site)) == [f"{TRIAL}.start-date"]  # a fact, whatever came of it
