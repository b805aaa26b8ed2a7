"""Backups come back one after the other in any order while the registry moves on: whoever has read the last word hears nothing again.

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

from jobs.backup import backup
from jobs.check import check
from jobs.restore import restore
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.house import House

RUNS = int(os.environ.get("RESTORES", "4"))
SEED = int(os.environ.get("SEED", "1"))
STEPS = 25
READER = "reader@example.org"
STATUSES = ("RECRUITING", "SUSPENDED", "ACTIVE_NOT_RECRUITING", "COMPLETED")
DATES = ("2027-01-01", "2027-03-03", "2027-05-05")
RULES = tuple(f"Has not smoked for {months} months" for months in (3, 6, 9))


def study(status: str, date: str, rule: str) -> Any:
    made = record.a_study(TRIAL)
    made["protocolSection"]["contactsLocationsModule"] = {}  # what comes and goes with the status is another matter
    made["protocolSection"]["eligibilityModule"]["eligibilityCriteria"] = record.criteria_text(("Adult", rule), ("Pregnancy",))
    return record.with_completion(record.with_status(made, status), date)


class Years:
    """One run: what happens next is a matter of chance."""

    def __init__(self, house: House, seed: int) -> None:
        self.house = house
        self.chance = random.Random(seed)
        first = (STATUSES[0], DATES[0], RULES[0])
        self.known: dict[str, Any] = dict(zip(("overall_status", "completion_date", "criteria"), first, strict=True))
        self.copies: list[Path] = []
        house.registry.put(study(*first))
        house.watch(TRIAL)
        house.subscribe(READER)
        house.sync(days=0)
        self.copy()

    def copy(self) -> None:
        self.house.at += datetime.timedelta(seconds=1)
        self.copies.append(backup(self.house.around).file)

    def move(self) -> None:
        self.house.registry.put(study(*(self.chance.choice(values) for values in (STATUSES, DATES, RULES))))

    def go_back(self) -> None:
        self.house.at += datetime.timedelta(minutes=1)
        aside = restore(self.house.around, self.chance.choice(self.copies)).aside
        assert aside is not None
        if self.chance.random() < 0.3:
            self.copies.append(aside)

    def look(self) -> list[str]:
        """A sync: its reader hears of what it finds unless that is what it has heard last; what it heard."""
        with self.house.history() as history:
            row = history.one("SELECT coalesce(max(id), 0) AS id FROM change")
        before, mails = row and row["id"], len(self.house.mailbox.messages)
        self.house.sync(days=0.001, full=True)
        with self.house.history() as history:
            found = history.rows('SELECT id, field, "after" FROM change WHERE id > ? ORDER BY id', (before,))
            told = {row["change_id"] for row in history.rows("SELECT change_id FROM notice_change WHERE change_id > ?", (before,))}
        news = {}
        for row in found:
            value = json.loads(row["after"])
            value = value["date"] if row["field"] == "completion_date" else value
            assert (row["id"] in told) == (value != self.known[row["field"]]), (row, self.known)
            if row["id"] in told:
                news[row["field"]] = value
        self.known |= news
        assert len(self.house.mailbox.messages) == mails + bool(news)
        return list(news)


@pytest.mark.timeout(120 + RUNS * 30)
@pytest.mark.parametrize("seed", range(SEED, SEED + RUNS))
def test_whoever_has_read_it_hears_nothing_again_whichever_copies_come_back(house: House, seed: int) -> None:
    run = Years(house, seed)
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
