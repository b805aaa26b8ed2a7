"""A sync in the middle of which something of ours fails: what was kept counts, and what was not is told by the next one."""

from __future__ import annotations

import contextlib
import json
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec.structs
import pytest

from db import duties as kept
from db import overview, runs
from db.connection import History, open_history
from jobs import lanes
from jobs.surroundings import Silent
from jobs.sync import sync
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.errors import DatabaseError
from registry_sync.sources import ctgov
from tests.house import House
from tests.waiting import free_port

READER, COORDINATOR = "reader@example.org", "coordinator@example.org"
FIRST, SECOND = "NCT00000001", "NCT00000002"
MANY = [f"NCT{number:08}" for number in range(1, 41)]


def begin(house: House, *trials: str) -> None:
    """These trials were seen once, and somebody follows them."""
    for trial in trials:
        house.registry.put(record.a_study(trial))
    house.watch(*trials)
    house.subscribe(READER, *trials)
    house.sync(days=0)


def suspend(house: House, *trials: str) -> None:
    for trial in trials:
        house.registry.put(record.with_status(house.registry.study(trial), "SUSPENDED", posted="2026-02-03"))


def last_run(house: House) -> dict[str, Any]:
    with house.history() as history:
        row = runs.last(history, "sync")
    assert row is not None
    return {**json.loads(row["detail"]), "outcome": row["outcome"], "length": len(row["detail"])}


@contextlib.contextmanager
def full_disk(*, left: int) -> Iterator[None]:
    """So many pages of the file's are left for it to grow."""

    def opened(path: Path) -> History:
        history = open_history(path)
        held = history.connection.execute("PRAGMA page_count").fetchone()[0]
        history.connection.execute(f"PRAGMA max_page_count = {held + left}")
        return history

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("jobs.surroundings.open_history", opened)
        yield


class Together(Silent):
    """Has all that the registry sends come before the first of it is kept."""

    def step(self, what: str = "") -> None:
        for thread in threading.enumerate():
            if thread.name == "fetch":
                thread.join(20)


def sync_together(house: House) -> None:
    house.at = house.at.replace(hour=house.at.hour + 1)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(lanes, "_TOGETHER", 60.0)
        sync(msgspec.structs.replace(house.around, progress=Together()))


def test_what_came_before_a_fault_is_kept_counted_and_sent(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(house, FIRST, SECOND)
    suspend(house, FIRST, SECOND)
    whole = ctgov.fetch

    def stumbles(*asked: Any) -> Iterator[Any]:
        yield from whole(*asked)
        raise ValueError("a fault")

    with monkeypatch.context() as patched:
        patched.setattr(ctgov, "fetch", stumbles)
        with pytest.raises(ValueError, match="a fault"):
            sync_together(house)
    assert {change.trial for change in house.changes()} == {FIRST, SECOND}
    said = last_run(house)
    assert (said["outcome"], said["changes"], said["notices"], said["sources"][0]["changed"]) == ("failed", 2, 2, 2)
    assert house.sync().delivery.sent == 2


def test_what_a_full_disk_undid_is_not_counted_and_is_told_by_the_next_sync(house: House) -> None:
    begin(house, FIRST, SECOND)
    with house.history() as history, history.write() as connection:  # a search has found the first one, which is still to be told
        connection.execute("UPDATE watch SET news = 1, typed = 0 WHERE trial = ?", (FIRST,))
        connection.execute("UPDATE look SET glance = NULL, release = NULL")
    study = house.registry.study(SECOND)
    study["protocolSection"]["descriptionModule"] = {"briefSummary": random.Random(1).randbytes(200_000).hex()}
    house.registry.put(study)
    with full_disk(left=20), pytest.raises(DatabaseError, match="the disk is full"):
        sync_together(house)
    assert house.changes() == []
    said = last_run(house)
    assert (said["outcome"], said["changes"], said["notices"], said["sources"][0]["changed"]) == ("failed", 0, 0, 0)
    assert house.sync(days=0.01).delivery.sent == 1
    assert [(change.trial, change.after) for change in house.changes() if change.field == "registry"] == [(FIRST, "found")]


def test_a_sync_that_fails_leaves_no_thread_behind(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(house, FIRST)
    monkeypatch.setattr(lanes, "_HANDED_OVER", 1)
    for trial in MANY:
        house.registry.put(record.a_study(trial))
    house.watch(*MANY)
    with full_disk(left=0), pytest.raises(DatabaseError, match="the disk is full"):
        house.sync()
    assert [thread for thread in threading.enumerate() if thread.name == "fetch"] == []
    house.sync()
    assert house.counts()["version"] == len(MANY)


def test_what_is_kept_of_a_sync_does_not_grow_with_the_trials_that_failed(house: House) -> None:
    begin(house, *MANY)
    house.set("ctgov", url=f"http://127.0.0.1:{free_port()}")
    report = house.sync()
    assert len(report.as_json()["sources"][0]["failed"]) == len(MANY)
    said = last_run(house)
    assert said["length"] < 1_000
    (failed,), (source,) = said["failed"], said["sources"]
    assert (failed["count"], failed["first"], source["failed"]) == (len(MANY), MANY[:5], len(MANY))
    assert "refused the connection" in failed["error"]
    with house.history() as history:
        assert {row["job"] for row in overview.last_runs(history)} >= {"sync"}


def test_nor_with_the_pages_and_what_each_of_them_answered() -> None:
    from jobs.reports import SourceReport, SyncReport

    report = SyncReport(started="2026-02-02T06:17:00Z")
    for number in range(1_000):
        source = SourceReport(f"https://{number % 50}.example.org/{number}", requests=1, checked=1)
        source.fail(TRIAL, f"page {number}: {'no' * 1_000}", at_fault=True)
        report.sources.append(source)
    said = report.as_kept()
    assert len(json.dumps(said)) < 20_000
    assert sum(source["checked"] for source in said["sources"]) == 1_000
    assert sum(each["count"] for each in said["failed"]) + said["failed_otherwise"] == 1_000


# What is owed


def test_a_trial_whose_deadlines_cannot_be_worked_out_keeps_nothing_from_being_sent(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from jobs import duties

    begin(house, FIRST, SECOND)
    house.subscribe(COORDINATOR, FIRST, SECOND, role="coordinator")
    suspend(house, FIRST, SECOND)
    works, stumbled = duties.owed, record.a_study(FIRST)["protocolSection"]["identificationModule"]["briefTitle"]

    def owed(said: Any, *more: Any, **others: Any) -> Any:
        if said.brief_title == stumbled:
            raise ValueError("a fault")
        return works(said, *more, **others)

    monkeypatch.setattr(duties, "owed", owed)
    report = house.sync()
    assert report.delivery.sent == 4
    assert report.failures() == [f"{FIRST}: deadlines could not be looked at (ValueError); please report it"]
    assert (report.is_partial, last_run(house)["outcome"]) == (True, "partial")
    with house.history() as history:
        assert (kept.was_looked_at(history, FIRST), kept.was_looked_at(history, SECOND)) == (False, True)


def test_nor_does_a_letter_about_a_trial_that_is_damaged(house: House) -> None:
    begin(house, FIRST, SECOND)
    house.subscribe(COORDINATOR, FIRST, SECOND, role="coordinator")
    page = house.listing.url_of(FIRST)
    house.watch(FIRST, pages=(page,))
    with house.history() as history:
        kept.sent_letter(history, FIRST, page, ["overall_status"], "2026-02-02", "2026-02-02T07:00:00Z")
        history.write_one("UPDATE version SET record = x'00', payload = x'00' WHERE trial = ?", (FIRST,))
    suspend(house, SECOND)
    report = house.sync(pages=False)
    assert report.delivery.sent == 2
    (line,) = report.failures()
    assert line.startswith(f"{FIRST}: ")
    assert f"version 1 of {FIRST} at ctgov is damaged" in line


def test_when_nothing_can_be_looked_at_the_news_are_sent(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(house, FIRST)
    house.subscribe(COORDINATOR, FIRST, role="coordinator")
    suspend(house, FIRST)

    def locked(*_: object) -> None:
        raise DatabaseError("history.db: is locked by another process")

    monkeypatch.setattr(kept, "letters", locked)
    report = house.sync()
    assert report.delivery.sent == 2
    assert report.failures() == ["deadlines could not be looked at: history.db: is locked by another process"]
    with house.history() as history:
        ended = {row["job"]: row["outcome"] for row in overview.last_runs(history)}
    assert (ended["deadlines"], ended["sync"]) == ("failed", "partial")
