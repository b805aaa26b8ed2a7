"""What monitors and people are told of how the service is doing."""

from __future__ import annotations

import re

import pytest

from db import runs
from jobs.surroundings import as_stamp
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.house import House
from tests.web.conftest import READER, Site


@pytest.fixture
def watched(house: House) -> House:
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.sync(days=0)
    return house


def health(site: Site) -> tuple[int, list[str]]:
    answer = site.get("/healthz")
    assert answer.json()["status"] == ("well" if answer.status_code == 200 else "unwell")
    return answer.status_code, answer.json()["wrong"]


def numbers(site: Site) -> dict[str, float]:
    """Every sample, by its name and labels, checked as Prometheus reads them."""
    answer = site.get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    found, families = {}, set()
    for line in answer.text.splitlines():
        if line.startswith("#"):
            _, kind, name, says = line.split(" ", 3)
            assert kind in ("HELP", "TYPE")
            assert says == "gauge" or kind == "HELP"
            families.add(name)
            continue
        sample = re.fullmatch(r'(([a-z_]+)(?:\{[a-z]+="(?:[^"\\]|\\.)*"(?:,[a-z]+="(?:[^"\\]|\\.)*")*\})?) (\S+)', line)
        assert sample, line
        assert sample[2] in families
        found[sample[1].removeprefix("registry_sync_")] = float(sample[3])
    return found


def test_a_service_without_anything_to_do_is_well(site: Site) -> None:
    assert health(site) == (200, [])


def test_it_is_well_until_syncs_stay_away(site: Site, watched: House) -> None:
    assert health(site) == (200, [])
    watched.at = watched.at.replace(hour=23, minute=0)  # the schedule has 00:17, 06:17, 12:17, 18:17
    assert health(site) == (200, [])
    watched.at = watched.at.replace(day=watched.at.day + 1, hour=1)
    assert health(site) == (503, ["sync"])
    assert numbers(site)["sync_late"] == 1
    watched.sync(days=0)
    assert health(site) == (200, [])


def test_a_watch_that_was_never_looked_at_is_late_in_the_end(site: Site, house: House) -> None:
    house.watch(TRIAL)
    assert health(site) == (200, [])
    house.at = house.at.replace(day=house.at.day + 2)
    assert health(site) == (503, ["sync"])


def test_syncs_in_an_outage_are_no_good_ones(site: Site, watched: House) -> None:
    watched.registry.remove(TRIAL)
    watched.set("ctgov", url="http://127.0.0.1:9")
    for _ in range(3):
        watched.sync(days=0.5)
    assert health(site) == (503, ["sync"])


def test_without_its_database_it_is_unwell_and_says_no_more(site: Site, watched: House) -> None:
    for file in watched.folder.glob("history.db*"):
        file.unlink()
    assert health(site) == (503, ["database"])
    assert str(watched.folder) not in site.get("/healthz").text


def test_numbers(site: Site, watched: House) -> None:
    watched.subscribe(READER)
    watched.registry.put(record.with_status(watched.registry.study(TRIAL), "SUSPENDED", posted="2026-02-03"))
    watched.sync(then_deliver=False)
    watched.at = watched.at.replace(hour=watched.at.hour + 1)
    found = numbers(site)
    assert found['seconds_since_good_check{source="ctgov"}'] == 3600
    assert found["notices_waiting"] == found["notices_due"] == 1
    assert found["notices_oldest_seconds"] == 3600
    assert found["notices_parked"] == found["notices_held"] == found["incidents_open"] == found["sync_late"] == 0
    assert found["watched_trials"] == 1
    assert found["versions"] == 2
    assert found["changes"] == watched.counts()["change"]
    assert found['run_duration_seconds{job="sync"}'] == 0
    assert found['run_outcome{job="sync",outcome="done"}'] == 1
    assert READER not in site.get("/metrics").text


def test_numbers_of_trouble(site: Site, watched: House) -> None:
    watched.set("ctgov", url="http://127.0.0.1:9")
    watched.sync()
    watched.at = watched.at.replace(minute=watched.at.minute + 1)
    found = numbers(site)
    assert found["incidents_open"] == 1
    assert found['incident_seconds{source="ctgov"}'] == 60


def test_the_page_says_it_in_words(site: Site, watched: House) -> None:
    well = site.get("/status").text
    assert "There is no trouble." in well
    assert "ClinicalTrials.gov</bdi>: <time" in well
    assert "within the last hour" in well
    url = watched.settings.ctgov.url
    watched.set("ctgov", url="http://127.0.0.1:9")
    watched.sync()
    troubled = site.get("/status").text
    assert "ClinicalTrials.gov cannot be read, since 3 February 2026, 06:17 UTC" in troubled
    assert "24 hours ago" in troubled
    assert "127.0.0.1:9" not in troubled
    watched.set("ctgov", url=url)
    watched.sync()
    over = site.get("/status", headers={"Accept-Language": "da"}).text
    assert "ClinicalTrials.gov kan ikke læses, fra 3. februar 2026 kl. 06:17 UTC" in over
    assert "Der er ingen problemer." in over


def test_a_new_service_says_that_it_has_not_begun(site: Site) -> None:
    assert "Nothing has been looked at yet." in site.get("/status").text


def test_a_run_that_was_killed_is_no_good_one(site: Site, house: House) -> None:
    house.watch(TRIAL)
    with house.history() as history:
        runs.begin(history, "sync", as_stamp(house.at))
    house.at = house.at.replace(day=house.at.day + 2)
    assert health(site) == (503, ["sync"])
    assert not [name for name in numbers(site) if name.startswith("run_")]
