"""The two weeks, played day by day against real servers and looked at over HTTP."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

import pytest
import requests

from registry_sync.demo.listing import Listing
from registry_sync.demo.record import TRIAL
from registry_sync.demo.registry import Registry
from registry_sync.demo.story import DAYS
from tests.waiting import PATIENCE


class World:
    """What a client sees of both sites."""

    def __init__(self, registry: Registry, listing: Listing, http: requests.Session) -> None:
        self.registry, self.listing, self.http = registry, listing, http

    def record(self) -> Any:
        study = self.http.get(f"{self.registry.url}/api/v2/studies/{TRIAL}", timeout=PATIENCE).json()
        study["derivedSection"]["miscInfoModule"].pop("versionHolder")
        return study

    def stamp(self) -> str:
        return str(self.http.get(self.registry.url + "/api/v2/version", timeout=PATIENCE).json()["dataTimestamp"])

    def page(self) -> str:
        response = self.http.get(self.listing.url_of(TRIAL), timeout=PATIENCE)
        assert response.status_code == 200
        return response.text

    def play(self, number: int) -> None:
        for day in DAYS[:number]:
            day.apply(self.registry, self.listing)


@pytest.fixture
def world(registry: Registry, listing: Listing, http: requests.Session) -> World:
    return World(registry, listing, http)


def test_the_days_go_forward_over_two_weeks_in_utc() -> None:
    times = [day.at for day in DAYS]
    assert times == sorted(set(times))
    assert times[-1] - times[0] < timedelta(days=14)
    assert {time.tzinfo for time in times} == {UTC}
    assert [day.number for day in DAYS] == [1, 2, 3, 4, 5, 6, 7]
    assert all(day.says and "\n" not in day.says for day in DAYS)


def test_each_day_has_a_release_of_its_own_before_the_jobs_run(world: World) -> None:
    stamps = []
    for day in DAYS:
        day.apply(world.registry, world.listing)
        stamps.append(world.stamp())
        assert stamps[-1] < day.at.strftime("%Y-%m-%dT%H:%M:%S")
        assert stamps[-1][:10] == day.at.date().isoformat()
    assert stamps == sorted(set(stamps))


def test_the_record_changes_on_the_days_that_are_told_and_on_no_other(world: World) -> None:
    DAYS[0].apply(world.registry, world.listing)
    before = world.record()
    for day in DAYS[1:]:
        day.apply(world.registry, world.listing)
        after = world.record()
        assert (after != before) == bool(day.told), day
        before = after


def test_the_page_changes_on_the_days_that_say_so_and_on_no_other(world: World) -> None:
    DAYS[0].apply(world.registry, world.listing)
    last_good = world.page()
    for day in DAYS[1:]:
        day.apply(world.registry, world.listing)
        page = world.page()
        assert (TRIAL in page) == day.page_readable, day
        if day.page_readable:
            assert (page != last_good) == bool(day.page), day
            last_good = page


def test_day_3_closes_recruitment_and_lets_completion_slip(world: World) -> None:
    world.play(3)
    status = world.record()["protocolSection"]["statusModule"]
    assert status["overallStatus"] == "ACTIVE_NOT_RECRUITING"
    assert status["completionDateStruct"] == status["primaryCompletionDateStruct"] == {"date": "2026-06-30", "type": "ESTIMATED"}
    assert status["lastUpdatePostDateStruct"]["date"] == "2026-02-05"
    assert "<p>Recruiting</p>" in world.page()


def test_day_4_changes_one_number(world: World) -> None:
    world.play(3)
    before = world.record()["protocolSection"]["eligibilityModule"]["eligibilityCriteria"].split()
    DAYS[3].apply(world.registry, world.listing)
    after = world.record()["protocolSection"]["eligibilityModule"]["eligibilityCriteria"].split()
    assert [(old, new) for old, new in zip(before, after, strict=True) if old != new] == [("6", "12")]


def test_day_7_the_page_says_what_the_record_says(world: World) -> None:
    world.play(7)
    page = world.page()
    assert "<p>Active, not recruiting</p>" in page
    assert "<p>Recruiting</p>" not in page
    assert "tobacco within 12 months before" in page
    assert "Current as of February 15, 2026" in page


def test_the_story_can_be_played_again_from_its_first_day(world: World) -> None:
    world.play(7)
    world.play(1)
    assert world.record()["protocolSection"]["statusModule"]["overallStatus"] == "RECRUITING"
    assert "<p>Recruiting</p>" in world.page()
