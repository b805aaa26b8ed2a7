"""Answers that are kept: given again at once, and never when anything is new."""

from __future__ import annotations

import datetime

import pytest

from db import watches
from db.copying import copy_to
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.web import answers
from tests.house import House
from tests.web.conftest import Site

PATHS = ("/", f"/trials/{TRIAL}", f"/trials/{TRIAL}/versions", "/feed.atom", f"/trials/{TRIAL}/calendar.ics", "/api/trials")


@pytest.fixture
def watched(house: House) -> House:
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.sync(days=0)
    house.at += datetime.timedelta(minutes=5)
    return house


@pytest.mark.parametrize("path", PATHS)
def test_while_nothing_is_written_nothing_is_looked_up(site: Site, watched: House, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = site.get(path)
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
    assert 0 < kept._size <= 40_000
    assert kept._size == sum(made.size for made in kept._made.values())
