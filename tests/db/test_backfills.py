"""Earlier versions in the line of those seen live: all of them or none, and no id changes."""

from __future__ import annotations

import json

import pytest

from db import backfills, watches
from db import history as versions
from db.backfills import Line, Placed
from db.connection import History
from registry_sync.errors import Damaged
from registry_sync.trials.record import Record

TRIAL = "NCT00000001"
NOW = "2026-02-03T06:17:04Z"


def record_of(title: str) -> Record:
    return Record(trial=TRIAL, brief_title=title)


@pytest.fixture
def live(history: History) -> list[int]:
    """Two versions seen live; their rows."""
    with history.write() as connection:
        watches.know(connection, TRIAL, NOW)
        return [_live(history, day) for day in (1, 2)]


def _live(history: History, day: int) -> int:
    record, date = record_of(f"live {day}"), f"2026-01-0{day}"
    return versions.add_version(history, trial=TRIAL, source="ctgov", record=record, payload=b"{}" * day, registry_date=date, seen_at=NOW)


def staged(history: History, *numbers: int) -> list[Placed]:
    for number in numbers:
        backfills.stage(history, TRIAL, number, f"2025-01-0{number + 1}", json.dumps({"version": number}).encode())
    return [Placed(number, (), record_of(f"past {number}"), f"2025-01-0{number + 1}") for number in numbers]


def titles(history: History) -> list[tuple[int, str | None]]:
    line = backfills.line(history, TRIAL)
    return [(held.number, versions.by_id(history, held.id).record.brief_title) for held in line]


def test_what_is_staged_comes_back_and_is_kept_once(history: History, live: list[int]) -> None:
    staged(history, 0, 1)
    backfills.stage(history, TRIAL, 0, None, b"another")
    assert backfills.staged(history, TRIAL) == {0: "2025-01-01", 1: "2025-01-02"}
    assert backfills.staged_payload(history, TRIAL, 0) == b'{"version": 0}'
    backfills.unstage(history, TRIAL)
    assert backfills.staged(history, TRIAL) == {}


def test_a_damaged_one_is_named(history: History, live: list[int]) -> None:
    staged(history, 1)
    history.connection.execute("UPDATE staged SET payload = x'00'")
    with pytest.raises(Damaged, match="staged version 1 of NCT00000001 is damaged"):
        backfills.staged_payload(history, TRIAL, 1)


def test_earlier_ones_stand_before_the_live_ones(history: History, live: list[int]) -> None:
    placed = staged(history, 0, 2)
    assert backfills.put(history, TRIAL, Line(placed, live[0], 3, ()), seen_at=NOW)
    assert titles(history) == [(1, "past 0"), (2, "past 2"), (3, "live 1"), (4, "live 2")]
    line = backfills.line(history, TRIAL)
    assert [held.registry_version for held in line] == [0, 2, 3, None]
    assert [held.id for held in line][2:] == live
    assert [versions.payload(history, held.id) for held in line[:2]] == [b'{"version": 0}', b'{"version": 2}']
    assert backfills.staged(history, TRIAL) == {}

    between = staged(history, 1)
    again = [Placed(0, (), held=line[0].id), *between, Placed(2, (), held=line[1].id)]
    assert backfills.put(history, TRIAL, Line(again, live[0], 3, ()), seen_at=NOW)
    assert titles(history) == [(1, "past 0"), (2, "past 1"), (3, "past 2"), (4, "live 1"), (5, "live 2")]


def test_a_plan_for_another_line_is_not_followed(history: History, live: list[int]) -> None:
    placed = staged(history, 0)
    assert not backfills.put(history, TRIAL, Line(placed, live[1], None, ()), seen_at=NOW)
    assert not backfills.put(history, TRIAL, Line([*placed, Placed(1, (), held=live[1])], live[0], None, ()), seen_at=NOW)
    assert titles(history) == [(1, "live 1"), (2, "live 2")]
    assert backfills.staged(history, TRIAL) == {0: "2025-01-01"}


def test_all_of_it_is_kept_or_nothing(history: History, live: list[int]) -> None:
    placed = staged(history, 0, 1)
    history.connection.execute("UPDATE staged SET payload = x'00' WHERE registry_version = 1")
    with pytest.raises(Damaged):
        backfills.put(history, TRIAL, Line(placed, live[0], None, ()), seen_at=NOW)
    assert titles(history) == [(1, "live 1"), (2, "live 2")]
    assert backfills.counted(history, TRIAL) == (2, 0)
