"""What is owed on the web: a calendar behind a secret address, and nothing anywhere else."""

from __future__ import annotations

import datetime

import icalendar
import requests

from db import keys, subscriptions
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.notices.tokens import agenda_token, confirm_token, stop_token
from tests.jobs.test_duties import COORDINATOR, begin, ended_study, enter, told
from tests.web.conftest import Site


def test_the_calendar_is_there_for_who_has_its_address(site: Site) -> None:
    begin(site.house, study=ended_study())
    with site.house.history() as history:
        key = keys.links(history)
    answer = site.get(f"/deadlines/{agenda_token(key)}.ics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/calendar")
    assert answer.headers["Cache-Control"] == "private, no-cache"
    events = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")
    assert f"{TRIAL}: Results at ClinicalTrials.gov" in {str(event["summary"]) for event in events}
    danish = site.get(f"/deadlines/{agenda_token(key)}.ics", headers={"Accept-Language": "da"})
    assert "Resultater hos ClinicalTrials.gov" in danish.text
    for wrong in (
        "x",
        "deadlines.AAAAAAAAAAAAAAAAAAAAAAAAAAA",
        stop_token(key, 1),
        confirm_token(key, "deadlines"),
        agenda_token("00" * 32),
    ):
        assert site.get(f"/deadlines/{wrong}.ics").status_code == 404


def link(site: Site) -> str:
    with site.house.history() as history:
        return f"/deadlines/{agenda_token(keys.links(history))}.ics"


def results(site: Site) -> icalendar.Event:
    events = icalendar.Calendar.from_ical(site.get(link(site)).content).walk("VEVENT")
    return next(event for event in events if "Results at ClinicalTrials.gov" in str(event["summary"]))


def test_a_day_that_moves_is_a_later_revision_also_while_no_coordinator_is_told(site: Site) -> None:
    house = site.house
    begin(house, study=ended_study())
    with house.history() as history:
        assert subscriptions.stop(history, COORDINATOR, [], why="operator", now=house.around.stamp())
    before, revisions = results(site), []
    for date in ("2025-03-20", "2025-04-01", "2025-03-20"):
        study = house.registry.study(TRIAL)
        study["protocolSection"]["statusModule"]["primaryCompletionDateStruct"]["date"] = date
        house.registry.put(study)
        house.sync()
        moved = results(site)
        assert moved["uid"] == before["uid"]
        assert moved.decoded("dtstart") == datetime.date.fromisoformat(date).replace(year=2026)
        revisions.append(int(moved["sequence"]))
    assert int(before["sequence"]) < revisions[0] < revisions[1] < revisions[2]


def test_no_event_is_taken_for_one_of_the_public_calendar(site: Site) -> None:
    begin(site.house, study=ended_study())
    found = {str(event["uid"]) for event in icalendar.Calendar.from_ical(site.get("/calendar.ics").content).walk("VEVENT")}
    owed = {str(event["uid"]) for event in icalendar.Calendar.from_ical(site.get(link(site)).content).walk("VEVENT")}
    assert found
    assert owed
    assert all(uid.startswith("deadline.") for uid in owed)
    assert found.isdisjoint(owed)


def test_who_has_it_already_gets_it_not_again_until_something_is_new(site: Site) -> None:
    house = site.house
    begin(house, study=ended_study())
    house.at += datetime.timedelta(minutes=5)

    def again(known: requests.Response) -> set[int]:
        headers = ({"If-None-Match": known.headers["ETag"]}, {"If-Modified-Since": known.headers["Last-Modified"]})
        return {site.get(link(site), headers=each).status_code for each in headers}

    first = site.get(link(site))
    assert again(first) == {304}
    danish = site.get(link(site), headers={"Accept-Language": "da", "If-None-Match": first.headers["ETag"]})
    assert danish.status_code == 200
    enter(house, "halted", "2026-02-02", "Denmark")
    house.at += datetime.timedelta(minutes=5)
    assert again(first) == {200}
    second = site.get(link(site))
    assert "Denmark" in second.text
    assert again(second) == {304}
    house.registry.put(record.with_completion(house.registry.study(TRIAL), "2026-06", posted="2026-02-02"))
    house.sync(days=0)
    house.at += datetime.timedelta(minutes=5)
    assert again(second) == {200}
    third = site.get(link(site))
    house.at += datetime.timedelta(days=1)
    assert again(third) == {200}  # what is due soon is so by the day


def test_nothing_of_it_is_on_any_public_page(site: Site) -> None:
    house = site.house
    begin(house, study=ended_study())
    house.sync(days=1)
    house.sync(days=40)
    assert told(house)
    for path in (
        "/",
        f"/trials/{TRIAL}",
        f"/trials/{TRIAL}?all=1",
        "/feed.atom",
        f"/trials/{TRIAL}/feed.atom",
        "/calendar.ics",
        "/api/changes?housekeeping=1",
        "/api/changes?topic=deadlines",
        f"/api/trials/{TRIAL}/changes?housekeeping=1",
    ):
        answer = site.get(path)
        assert "11.44(a)" not in answer.text, path
        assert "overdue" not in answer.text, path
        assert "Deadline" not in answer.text, path
