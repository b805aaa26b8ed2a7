"""What monitors and people are told of how the service is doing."""

from __future__ import annotations

import re
import socket

import pytest

from db import runs
from jobs.surroundings import as_stamp
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.house import House
from tests.waiting import PATIENCE
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


LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\n"])*"'
SAMPLE = re.compile(rf"([a-zA-Z_:][a-zA-Z0-9_:]*)(\{{{LABEL}(?:,{LABEL})*\}})? (-?[0-9.]+(?:e[+-]?[0-9]+)?|\+Inf|NaN)")
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}


def numbers(site: Site) -> dict[str, float]:
    """Every sample, by its name and labels, read as strictly as the text format (version 0.0.4) is written down."""
    answer = site.get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.text.endswith("\n")
    found: dict[str, float] = {}
    families: dict[str, str] = {}
    helped = family = ""
    for line in answer.text.removesuffix("\n").split("\n"):
        if line.startswith("# HELP "):
            _, _, helped, says = line.split(" ", 3)
            assert says
        elif line.startswith("# TYPE "):
            _, _, family, kind = line.split(" ")
            assert family == helped
            assert family not in families, "the lines of a family stand together"
            assert (kind == "counter") == family.endswith("_total")
            families[family] = kind
        else:
            sample = SAMPLE.fullmatch(line)
            assert sample, line
            assert sample[1] in {family + suffix for suffix in SUFFIXES[families[family]]}
            name = line.rpartition(" ")[0].removeprefix("registry_sync_")
            assert name not in found
            found[name] = float(sample[3])
    for page in {name.partition('page="')[2].partition('"')[0] for name in found if "_bucket{" in name}:
        buckets = [value for name, value in found.items() if f'_bucket{{page="{page}"' in name]
        assert buckets == sorted(buckets)
        assert buckets[-1] == found[f'http_request_duration_seconds_bucket{{page="{page}",le="+Inf"}}']
        assert buckets[-1] == found[f'http_request_duration_seconds_count{{page="{page}"}}']
    return found


def test_requests_are_counted_by_page_and_status(site: Site) -> None:
    site.get("/stop/1.secret?a=private")
    site.get("/stop/2.secret")
    site.get("/private/secret")
    site.get("/privacy")
    site.post("/privacy")
    found = numbers(site)
    assert found['http_requests_total{page="GET /stop/{token}",status="404"}'] == 2
    assert found['http_requests_total{page="GET ?",status="404"}'] == 1
    assert found['http_requests_total{page="GET /privacy",status="200"}'] == 1
    assert found['http_requests_total{page="POST /privacy",status="405"}'] == 1
    assert found['http_request_duration_seconds_count{page="GET /stop/{token}"}'] == 2
    assert 0 < found['http_request_duration_seconds_sum{page="GET /stop/{token}"}'] < 10
    assert numbers(site)['http_requests_total{page="GET /metrics",status="200"}'] == 1
    text = site.get("/metrics").text
    assert "secret" not in text
    assert "127.0.0.1" not in text


def test_what_is_no_request_is_counted_too(site: Site) -> None:
    host, port = site.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        connection.sendall(b"SECRET /secret\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")
    assert numbers(site)['http_requests_total{page="? ?",status="400"}'] == 1


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
    metrics = site.get("/metrics")
    assert (metrics.status_code, metrics.text) == (503, "The database cannot be read.\n")
    assert metrics.headers["Content-Type"].startswith("text/plain")


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
    assert found["links_waiting"] == found["links_oldest_seconds"] == 0
    assert READER not in site.get("/metrics").text


def test_what_was_asked_for_by_forms_and_waits_is_counted(site: Site, watched: House) -> None:
    assert site.ask(address="new@example.org") == "queued"
    watched.at = watched.at.replace(minute=watched.at.minute + 5)
    found = numbers(site)
    assert (found["links_waiting"], found["links_oldest_seconds"]) == (1, 300)
    watched.deliver()
    assert numbers(site)["links_waiting"] == 0


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
