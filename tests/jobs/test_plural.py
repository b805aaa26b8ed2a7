"""One thing is spoken of as one, in the lines that operators read."""

from __future__ import annotations

from pathlib import Path

import pytest

from db import upkeep
from jobs import schedule
from jobs.backup import Backup
from jobs.retention import Kept
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.plural import count
from tests.house import House


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [
        (0, "trial", "0 trials"), (1, "trial", "1 trial"), (2, "old backup", "2 old backups"), (560_000, "version", "560,000 versions"),
        (1.0, "second", "1 second"), (0.8, "second", "0.8 seconds"), (14_400.0, "second", "14,400 seconds"),
    ],
)  # fmt: skip
def test_a_number_of_things(number: float, noun: str, said: str) -> None:
    assert count(number, noun) == said


def test_what_a_backup_says() -> None:
    one = Backup(Path("a.db"), 1, {"trial": 1, "version": 1, "change": 1, "subscription": 1}, 1, Kept(1, 1, 1))
    assert one.said() == (
        "copied to a.db, and verified: 1 trial, 1 version, 1 change, 1 subscription; removed 1 old backup, 1 stopped subscription, "
        "1 old run, contacts taken down out of 1 version"
    )


def test_what_the_scheduler_logs_of_a_sync(house: House) -> None:
    house.registry.put(record.the_study())
    house.watch()
    house.subscribe("reader@example.org")
    house.sync()
    house.registry.put(record.with_status(house.registry.study(TRIAL), "SUSPENDED"))
    (sync,) = [job for job in schedule.jobs(house.around) if job.name == "sync"]
    assert sync.work(house.around) == "1 looked at, 1 change, 1 notice, 1 sent"


def test_what_is_said_of_a_row_that_leads_nowhere(house: House) -> None:
    house.watch()
    with house.history() as history:
        history.connection.execute("PRAGMA foreign_keys = OFF")
        history.connection.execute("UPDATE watch SET trial = 'NCT00000009'")
        assert upkeep.problem(history) == "1 row refers to what is not there (first in watch); restore a backup"
