"""Answers that are kept: given again at once, and never when anything is new."""

from __future__ import annotations

import datetime
import shutil
from pathlib import Path
from urllib.parse import quote

import pytest
import requests
from bs4 import BeautifulSoup

from db import searches, watches
from db.copying import copy_to
from jobs.backfill import backfill
from jobs.surroundings import as_stamp
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.sources.ctgov_search import search_from
from registry_sync.web import answers, calendar, comparing
from tests.house import House
from tests.waiting import PATIENCE
from tests.web.conftest import Site
from tests.web.test_server import serving

OTHER = "NCT00000900"
PATHS = ("/", f"/trials/{TRIAL}", f"/trials/{TRIAL}/versions", "/feed.atom", f"/trials/{TRIAL}/calendar.ics", "/api/trials")


@pytest.fixture
def watched(house: House) -> House:
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.sync(days=0)
    house.at += datetime.timedelta(minutes=5)
    return house


def asked_for(site: Site, path: str) -> requests.Response:
    """An answer that is kept: when the file is being tidied up just then, it is so from the second time on."""
    site.get(path)
    return site.get(path)


@pytest.mark.parametrize("path", PATHS)
def test_while_nothing_is_written_nothing_is_looked_up(site: Site, watched: House, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = asked_for(site, path)
    monkeypatch.setattr(answers, "run_in_threadpool", None)
    again = site.get(path)
    assert (again.status_code, again.content) == (200, first.content)
    assert {**again.headers, "date": ""} == {**first.headers, "date": ""}
    assert site.head(path).headers["Content-Length"] == first.headers["Content-Length"]
    known = site.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (known.status_code, known.headers["ETag"]) == (304, first.headers["ETag"])
    assert "Content-Security-Policy" in known.headers


@pytest.mark.parametrize("path", PATHS)
def test_an_answer_that_was_not_made_yet_is_made_for_who_has_none(site: Site, watched: House, path: str) -> None:
    assert site.get(path, headers={"If-None-Match": "*"}).status_code == 304
    assert site.get(path, headers={"If-None-Match": "*"}).status_code == 304
    assert site.get(path).status_code == 200


def test_a_database_that_was_put_in_its_place_is_shown_at_once(site: Site, watched: House) -> None:
    folder = watched.folder
    with watched.history() as history:
        copy_to(history, folder / "copy.db")
    watched.registry.put(record.with_status(record.the_study(), "SUSPENDED", posted="2026-02-03"))
    watched.sync()
    tags = {path: site.get(path).headers["ETag"] for path in PATHS}
    assert "Suspended (paused)" in site.get("/").text
    (folder / "copy.db").replace(folder / "history.db")
    for name in ("history.db-wal", "history.db-shm"):
        (folder / name).unlink(missing_ok=True)
    assert "Suspended (paused)" not in site.get("/").text
    for path in ("/", f"/trials/{TRIAL}", "/feed.atom"):
        assert site.get(path, headers={"If-None-Match": tags[path]}).status_code == 200
    watched.sync()
    assert "Suspended (paused)" in site.get("/").text


def test_a_trial_that_is_watched_no_more_is_gone_at_once(site: Site, watched: House) -> None:
    codes = {path: site.get(path).status_code for path in PATHS}
    assert set(codes.values()) == {200}
    with watched.history() as history:
        watches.remove(history, [TRIAL])
    assert [site.get(path).status_code for path in PATHS] == [200, 404, 404, 200, 404, 200]
    assert "0 trials" in site.get("/").text


def test_no_more_is_kept_than_may_be(site: Site, watched: House, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = answers._Kept()
    monkeypatch.setattr(answers, "_kept", kept)
    monkeypatch.setattr(answers, "MOST_KEPT", 40_000)
    for number in range(1, 20):
        assert site.get(f"/?q={number}").status_code == 200
        assert site.get(f"/api/trials?limit={number}&q={'x' * 400}").status_code == 200
    assert 0 < kept._size <= 40_000
    assert kept._size == sum(answers._size(key, made) for key, made in kept._made.items())
    assert kept._size > sum(len(key[2]) + len(made.whole.body) for key, made in kept._made.items() if made.whole is not None)


@pytest.mark.parametrize("path", ["/feed.atom", f"/trials/{TRIAL}/calendar.ics", "/api/trials", f"/api/trials/{TRIAL}/changes"])
def test_scripts_of_other_sites_may_ask_with_what_they_have(site: Site, watched: House, path: str) -> None:
    asked = {"Origin": "https://example.org", "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "if-none-match"}
    answer = requests.options(site.url + path, headers=asked, timeout=PATIENCE)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, HEAD"
    assert answer.headers["Access-Control-Allow-Headers"] == "If-None-Match, If-Modified-Since"
    known = site.get(path, headers={"If-None-Match": site.get(path).headers["ETag"], "Origin": "https://example.org"})
    assert (known.status_code, known.headers["Access-Control-Allow-Origin"]) == (304, "*")
    for other in ("/", "/manage", "/deadlines/x.ics", "/operator", "/healthz"):
        assert "Access-Control-Allow-Origin" not in requests.options(site.url + other, headers=asked, timeout=PATIENCE).headers


def test_what_the_program_itself_says_is_as_old_as_its_start(site: Site, watched: House) -> None:
    first = site.get("/api/openapi.json")
    assert site.get("/api/openapi.json", headers={"If-Modified-Since": first.headers["Last-Modified"]}).status_code == 304


def stale(site: Site, known: dict[str, tuple[int, str, str, str]]) -> list[str]:
    """Of what is another answer now: what is said to be unchanged to who has this tag, or this date."""
    site.house.at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=1)
    found = []
    for path, (status, text, tag, date) in known.items():
        now = site.get(path)
        if (now.status_code, now.text) != (status, text):
            for header, value in (("If-None-Match", tag), ("If-Modified-Since", date)):
                if value and site.get(path, headers={header: value}).status_code == 304:
                    found.append(f"{path} by {header}")
    return found


def held(site: Site, *paths: str) -> dict[str, tuple[int, str, str, str]]:
    answers_ = {path: site.get(path) for path in (*PATHS, *paths)}
    return {path: (a.status_code, a.text, a.headers.get("ETag", ""), a.headers.get("Last-Modified", "")) for path, a in answers_.items()}


@pytest.fixture
def today(house: House) -> House:
    """A house with the machine's own clock, by which it is noted that something left; what came, came an hour ago."""
    house.at = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    for nct in (TRIAL, OTHER):
        house.registry.put(record.a_study(nct))
    house.watch(TRIAL, OTHER)
    house.sync(days=0)
    house.registry.put(record.with_status(house.registry.study(TRIAL), "SUSPENDED", posted="2026-02-03"))
    house.sync(days=0)
    house.at += datetime.timedelta(minutes=10)
    return house


def test_what_a_backfill_numbers_anew_is_no_old_answer(site: Site, today: House) -> None:
    path = f"/api/trials/{TRIAL}/versions"
    known = held(site, path)
    assert all(tag and date for _, _, tag, date in known.values())
    backfill(today.around, [TRIAL])
    assert site.get(path).text != known[path][1]
    assert stale(site, known) == []


@pytest.mark.parametrize("gone", [TRIAL, OTHER])
def test_who_asks_by_date_alone_hears_that_a_trial_has_left(site: Site, today: House, gone: str) -> None:
    known = held(site)
    with today.history() as history:
        watches.remove(history, [gone])
    assert site.get("/").text != known["/"][1]
    assert stale(site, known) == []


def test_who_asks_by_date_alone_hears_that_a_search_and_what_it_found_has_left(site: Site, today: House) -> None:
    search = search_from(["cond=Xerostomia"])
    with today.history() as history:
        searches.add(history, search, as_stamp(today.at))
    today.sync(days=0)
    today.at += datetime.timedelta(minutes=1)
    known = held(site, "/api/searches")
    with today.history() as history:
        searches.remove(history, search)
    assert site.get("/api/searches").text != known["/api/searches"][1]
    assert stale(site, known) == []


def test_who_asks_by_date_alone_hears_that_an_older_database_is_back(site: Site, today: House) -> None:
    folder = today.folder
    held(site)
    with today.history() as history:
        copy_to(history, folder / "copy.db")
    today.registry.put(record.with_status(today.registry.study(TRIAL), "COMPLETED", posted="2026-02-04"))
    today.sync(days=0)
    today.at += datetime.timedelta(minutes=1)
    known = held(site)
    (folder / "copy.db").replace(folder / "history.db")
    for name in ("history.db-wal", "history.db-shm"):
        (folder / name).unlink(missing_ok=True)
    assert site.get("/feed.atom").text != known["/feed.atom"][1]
    assert stale(site, known) == []


def by_date(site: Site, path: str, date: str, language: str = "en") -> int:
    return site.get(path, headers={"If-Modified-Since": date, "Accept-Language": language}).status_code


def test_who_asks_by_date_alone_hears_that_a_date_is_no_longer_in_the_calendar(site: Site, house: House) -> None:
    study = record.a_study(TRIAL, completion=(house.at.date() - datetime.timedelta(days=calendar.BACK - 1)).isoformat())
    house.registry.put(study)
    house.watch(TRIAL)
    house.sync(days=0)
    house.at += datetime.timedelta(minutes=5)
    first = site.get("/calendar.ics")
    assert by_date(site, "/calendar.ics", first.headers["Last-Modified"]) == 304
    house.at += datetime.timedelta(days=2)
    assert by_date(site, "/calendar.ics", first.headers["Last-Modified"]) == 200
    assert site.get("/calendar.ics").content.count(b"BEGIN:VEVENT") < first.content.count(b"BEGIN:VEVENT")
    alone = site.get(f"/trials/{TRIAL}/calendar.ics")  # in which all dates stay
    house.at += datetime.timedelta(days=2)
    assert by_date(site, f"/trials/{TRIAL}/calendar.ics", alone.headers["Last-Modified"]) == 304


@pytest.mark.parametrize("path", PATHS)
def test_who_asks_by_date_alone_after_another_start_gets_what_the_settings_say_now(site: Site, watched: House, path: str) -> None:
    date = site.get(path).headers["Last-Modified"]
    assert by_date(site, path, date) == 304
    watched.at += datetime.timedelta(minutes=1)
    watched.set("web", url="https://example.org/elsewhere")
    with serving(watched, "127.0.0.1:0") as again:
        again.get("/healthz")  # it is there
        watched.at += datetime.timedelta(minutes=1)
        assert by_date(again, path, date) == 200
        assert by_date(again, path, again.get(path).headers["Last-Modified"]) == 304


@pytest.mark.parametrize(
    ("path", "section", "key", "value"),
    [
        ("/feed.atom", "smtp", "sender", "Somebody Else <alerts@example.org>"),
        (f"/trials/{TRIAL}", "ctgov", "url", "https://registry.example.org"),
        ("/", "web", "url", "https://example.org/elsewhere"),
    ],
)
def test_the_tag_is_another_one_with_each_setting_that_is_shown(
    site: Site, watched: House, path: str, section: str, key: str, value: str
) -> None:
    first = site.get(path)
    watched.set(section, **{key: value})
    with serving(watched, "127.0.0.1:0") as again:
        assert again.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200
        assert again.get(path).text != first.text


def test_the_date_of_a_page_in_one_language_is_not_that_of_another(site: Site, watched: House) -> None:
    for path in ("/", f"/trials/{TRIAL}", f"/trials/{TRIAL}/versions"):
        date = site.get(path, headers={"Accept-Language": "en"}).headers["Last-Modified"]
        assert by_date(site, path, date) == 304
        assert by_date(site, path, date, "da") == 200
        in_danish = site.get(path, headers={"Accept-Language": "da"})
        assert "Last-Modified" not in in_danish.headers
        known = {"If-None-Match": in_danish.headers["ETag"], "Accept-Language": "da"}
        assert site.get(path, headers=known).status_code == 304
        named = site.get(f"{path}?lang=da")
        assert by_date(site, f"{path}?lang=da", named.headers["Last-Modified"], "de") == 304


def test_who_has_the_answer_of_another_program_of_the_same_release_gets_this_ones(
    site: Site, watched: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tag = site.get("/").headers["ETag"]
    assert site.get("/", headers={"If-None-Match": tag}).status_code == 304
    package = shutil.copytree(answers._PACKAGE, tmp_path / "package", ignore=shutil.ignore_patterns("*.pyc", "demo"))
    monkeypatch.setattr(answers, "_PACKAGE", package)
    monkeypatch.setattr(answers, "_kept", answers._Kept())
    template = package / "web" / "templates" / "home.html.j2"
    template.write_text(template.read_text(encoding="utf-8") + "<p>More.</p>\n", encoding="utf-8")
    try:
        answers._program.cache_clear()
        assert site.get("/", headers={"If-None-Match": tag}).status_code == 200
    finally:
        answers._program.cache_clear()


@pytest.mark.parametrize("path", ["/", f"/trials/{TRIAL}", f"/trials/{TRIAL}/diff", "/condition/Xerostomia"])
def test_what_no_page_is_asked_for_makes_no_other_page(site: Site, watched: House, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = asked_for(site, path)
    monkeypatch.setattr(answers, "run_in_threadpool", None)
    for query in ("?zz=1", "?zz=2&lan=da", "?%7Bx%7D"):
        again = site.get(path + query)
        assert (again.content, again.headers["ETag"]) == (first.content, first.headers["ETag"])


def test_to_programs_it_is_a_mistake_as_before(site: Site, watched: House) -> None:
    assert site.get("/api/trials").status_code == 200
    assert site.get("/api/trials?zz=1").status_code == 400


@pytest.mark.parametrize("path", ["/style.css", "/robots.txt"])
def test_what_the_program_brings_with_it_is_sent_once(site: Site, path: str) -> None:
    first = site.get(path)
    assert first.status_code == 200
    for name, header in (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified")):
        again = site.get(path, headers={name: first.headers[header]})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert site.get(path, headers={"If-None-Match": '"another"'}).status_code == 200
    assert site.head(path).headers["ETag"] == first.headers["ETag"]


@pytest.mark.parametrize("name", ["A / B", "What? Nothing", "Number #1", "100%", "100%25 é", "a&b=c+d"])
def test_a_page_says_its_own_address_whatever_it_is_named(site: Site, house: House, name: str) -> None:
    house.registry.put(record.a_study(OTHER, conditions=(name,)))
    house.watch(OTHER)
    house.sync(days=0)
    path = f"/condition/{quote(name, safe='')}"
    head = BeautifulSoup(site.get(path).text, "lxml")
    assert name in head.h1.get_text()  # type: ignore[union-attr]
    named = {str(link.get("hreflang", "")): str(link["href"]) for link in head.select("link[rel=canonical], link[hreflang]")}
    assert named[""] == named["x-default"] == site.url + path
    for address in named.values():
        assert name in BeautifulSoup(site.get(address).text, "lxml").h1.get_text()  # type: ignore[union-attr]


def test_versions_without_end_are_not_laid_side_by_side(site: Site, watched: House, monkeypatch: pytest.MonkeyPatch) -> None:
    watched.registry.put(record.with_status(record.the_study(), "SUSPENDED", posted="2026-02-03"))
    watched.sync()
    path = f"/trials/{TRIAL}/diff?from=1&to=2"
    assert "too long" not in site.get(path).text
    monkeypatch.setattr("registry_sync.web.comparing.LARGEST", 1000)
    monkeypatch.setattr("registry_sync.web.past.differences", None)
    watched.sync()
    text = site.get(path).text
    assert "These versions are too long to be laid side by side here." in text
    assert f'href="/trials/{TRIAL}/versions/1"' in text
    answer = site.get(f"/api{path}")
    assert (answer.status_code, answer.json()["detail"]) == (400, comparing.TOO_LONG)
