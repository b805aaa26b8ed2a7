"""What is owed on the web: a calendar behind a secret address, and nothing anywhere else."""

from __future__ import annotations

import icalendar

from db import keys
from registry_sync.demo.record import TRIAL
from registry_sync.notices.tokens import agenda_token, confirm_token, stop_token
from tests.jobs.test_duties import begin, ended_study, told
from tests.web.conftest import Site


def test_the_calendar_is_there_for_who_has_its_address(site: Site) -> None:
    begin(site.house, study=ended_study())
    with site.house.history() as history:
        key = keys.links(history)
    answer = site.get(f"/deadlines/{agenda_token(key)}.ics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/calendar")
    assert "no-store" in answer.headers["Cache-Control"]
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
