"""Backups come back one after the other in any order while the registry moves on: whoever has read the last word hears nothing again.

Some are made while news waits to be sent: what is not told yet is told, and what was told meanwhile is not.

``RESTORES`` sets how many runs, ``SEED`` where the chance begins.
"""

from __future__ import annotations

import datetime
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from db import outbox
from db.connection import History, open_for_reading
from jobs.backup import backup
from jobs.check import check
from jobs.restore import restore
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.house import House

RUNS = int(os.environ.get("RESTORES", "2"))
SEED = int(os.environ.get("SEED", "1"))
STEPS = 25
READER = "reader@example.org"
DAILY = "daily@example.org"
STATUSES = ("RECRUITING", "SUSPENDED", "ACTIVE_NOT_RECRUITING", "COMPLETED")
DATES = ("2027-01-01", "2027-03-03", "2027-05-05")
RULES = tuple(f"Has not smoked for {months} months" for months in (3, 6, 9))


def study(status: str, date: str, rule: str) -> Any:
    made = record.a_study(TRIAL)
    made["protocolSection"]["contactsLocationsModule"] = {}  # what comes and goes with the status is another matter
    made["protocolSection"]["eligibilityModule"]["eligibilityCriteria"] = record.criteria_text(("Adult", rule), ("Pregnancy",))
    return record.with_completion(record.with_status(made, status), date)


class Years:
    """One run: what happens next is a matter of chance. ``heard``: by reader and field, which changes were heard, and what they said."""

    def __init__(self, house: House, seed: int, *, daily: bool) -> None:
        self.house = house
        self.chance = random.Random(seed)
        self.now: dict[str, Any] = {}
        self.copies: list[Path] = []
        self.put(STATUSES[0], DATES[0], RULES[0])
        house.watch(TRIAL)
        self.at_once = (READER, house.hook.url)
        house.subscribe(READER)
        house.subscribe(house.hook.url, kind="webhook")
        if daily:
            house.subscribe(DAILY, every="day")
        self.heard = {(address, field): [(0, value)] for address in (*self.at_once, DAILY) for field, value in self.now.items()}
        house.sync(days=0)
        self.copy()

    def put(self, *values: str) -> None:
        self.house.registry.put(study(*values))
        self.now = dict(zip(("overall_status", "completion_date", "criteria"), values, strict=True))

    def move(self) -> None:
        self.put(*(self.chance.choice(values) for values in (STATUSES, DATES, RULES)))

    def copy(self) -> None:
        self.house.at += datetime.timedelta(seconds=1)
        self.copies.append(backup(self.house.around).file)

    def go_back(self) -> None:
        """A copy comes back: what waits in it and is taken off is what its reader has heard, or older than that."""
        self.house.at += datetime.timedelta(minutes=1)
        file = self.chance.choice(self.copies)
        with open_for_reading(file) as copy:
            waited = waiting(copy)
        aside = restore(self.house.around, file).aside
        assert aside is not None
        if self.chance.random() < 0.3:
            self.copies.append(aside)
        with self.house.history() as history:
            still = waiting(history)
        for address, news in waited.items():
            for change_id, field, _, value in news:
                heard = self.heard[address, field]
                kept = any(row[0] == change_id for row in still.get(address, ()))
                assert kept or heard[-1][1] == value or any(other >= change_id for other, _ in heard), (address, field, heard)

    def find(self) -> None:
        """A sync whose news waits."""
        self.house.sync(days=0.001, full=True, then_deliver=False)

    def send(self, *, hours: float = 0) -> list[str]:
        """What waits is sent, and none of it is what its reader has heard last; who heard something."""
        with self.house.history() as history:
            waited, sent = waiting(history), [row["id"] for row in outbox.listing(history) if row["state"] == "sent"]
        mails = len(self.house.mailbox.messages)
        self.house.deliver(hours=hours)
        with self.house.history() as history:
            new = [row for row in outbox.listing(history) if row["state"] == "sent" and row["id"] not in sent]
            for row in new:
                self._hear(row["address"], news_of(history, row["id"]))
        for address in self.at_once if not hours else ():
            assert all(self.heard[address, field][-1][0] >= change_id for change_id, field, _, _ in waited.get(address, ()))
        assert len(self.house.mailbox.messages) == mails + sum("@" in row["address"] for row in new)
        return [row["address"] for row in new]

    def _hear(self, address: str, news: list[News]) -> None:
        """Of what changes to and fro within a digest its reader hears nothing, and is held to know how it stands."""
        for field in {row[1] for row in news}:
            rows = [row for row in news if row[1] == field]
            heard = self.heard[address, field]
            assert rows[-1][3] != heard[-1][1] or len(rows) > 1, (address, rows, heard)
            heard.append((rows[-1][0], rows[-1][3]))

    def look(self) -> list[str]:
        """A sync, and what waits is sent: of what it finds, whoever is told at once has heard the last; who heard something."""
        with self.house.history() as history:
            row = history.one("SELECT coalesce(max(id), 0) AS id FROM change")
        before = row and row["id"]
        self.find()
        heard = self.send()
        with self.house.history() as history:
            found = {row["field"] for row in history.rows("SELECT field FROM change WHERE id > ?", (before,))} & self.now.keys()
        for address in self.at_once:
            assert all(self.heard[address, field][-1][1] == self.now[field] for field in found)
        return heard


News = tuple[int, str, Any, Any]
"""A change: its id, its field, before and after."""


def news_of(history: History, notice: str) -> list[News]:
    rows = history.rows(
        """SELECT id, field, "before", "after" FROM change JOIN notice_change ON change_id = change.id WHERE notice_id = ? ORDER BY id""",
        (notice,),
    )
    return [(row["id"], row["field"], *(said(json.loads(row[side])) for side in ("before", "after"))) for row in rows]


def said(value: Any) -> Any:
    return value["date"] if isinstance(value, dict) and "date" in value else value


def waiting(history: History) -> dict[str, list[News]]:
    """What waits, by reader."""
    found: dict[str, list[News]] = {}
    for row in outbox.listing(history):
        if row["state"] == "pending":
            found.setdefault(row["address"], []).extend(news_of(history, row["id"]))
    return found


@pytest.mark.timeout(120 + RUNS * 30)
@pytest.mark.parametrize("seed", range(SEED, SEED + RUNS))
def test_whoever_has_read_it_hears_nothing_again_whichever_copies_come_back(house: House, seed: int) -> None:
    run = Years(house, seed, daily=False)
    for _ in range(STEPS):
        if run.chance.random() < 0.5:
            run.move()
        run.look()
        if run.chance.random() < 0.4:
            run.copy()
        for _ in range(run.chance.choice((0, 0, 1, 1, 2, 3))):
            run.go_back()
        run.look()
    assert run.look() == []
    assert check(house.around).faults == []


@pytest.mark.timeout(120 + RUNS * 30)
@pytest.mark.parametrize("seed", range(SEED, SEED + RUNS))
def test_what_waits_in_the_copies_is_told_once(house: House, seed: int) -> None:
    run = Years(house, seed, daily=True)
    for _ in range(STEPS):
        if run.chance.random() < 0.5:
            run.move()
        run.chance.choice((run.find, run.find, run.look, run.send, lambda: run.send(hours=5)))()
        if run.chance.random() < 0.5:
            run.copy()
        for _ in range(run.chance.choice((0, 0, 1, 1, 2, 3))):
            run.go_back()
    run.look()
    run.send(hours=25)
    with house.history() as history:
        assert waiting(history) == {}
    assert run.look() == []
    assert check(house.around).faults == []
