"""Histories that stay open: what is written is seen, what stands in the file's place is noticed, nobody is held up."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from db import erasure, readers, watches
from db.connection import History, open_history
from db.copying import copy_to
from db.readers import Readers
from registry_sync.errors import DatabaseError
from tests.waiting import finish

NOW = "2026-02-03T06:17:00Z"
FIRST, SECOND = "NCT00000001", "NCT00000002"


@pytest.fixture
def opened(path: Path, history: History) -> Iterator[Readers]:
    made = Readers(path)
    made.settle()
    yield made
    made.close()


def watched(opened: Readers) -> list[str]:
    with opened.open() as reader:
        return watches.trials(reader)


def test_a_file_is_opened_once_and_what_is_written_is_seen(opened: Readers, history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    assert watched(opened) == []
    monkeypatch.setattr(readers, "open_history", None)
    watches.add(history, [FIRST], [], NOW)
    assert watched(opened) == [FIRST]


def test_two_who_read_at_once_have_one_each(opened: Readers) -> None:
    with opened.open() as one, opened.open() as other:
        assert one is not other
    with opened.open() as again:
        assert again in (one, other)


def test_another_thread_goes_on_with_it(opened: Readers, history: History) -> None:
    watches.add(history, [FIRST], [], NOW)
    found: list[list[str]] = []
    for _ in range(2):
        thread = threading.Thread(target=lambda: found.append(watched(opened)))
        thread.start()
        finish(thread)
    assert found == [[FIRST], [FIRST]]


def test_no_more_stay_open_than_are_of_use(opened: Readers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "MOST_FREE", 1)
    with opened.open() as one, opened.open() as other:
        pass
    with opened.open() as again:
        assert again in (one, other)
    with pytest.raises(sqlite3.ProgrammingError):
        _ = one.rows("SELECT 1"), other.rows("SELECT 1")


def test_nothing_can_be_written_through_it(opened: Readers) -> None:
    with pytest.raises(DatabaseError, match="read-only"), opened.open() as reader:
        watches.add(reader, [FIRST], [], NOW)


def test_the_mark_is_another_one_after_every_write_and_only_then(opened: Readers, history: History) -> None:
    first = opened.mark()
    assert first is not None
    assert opened.mark() == first
    watches.add(history, [FIRST], [], NOW)
    second = opened.mark()
    assert second not in (first, None)
    assert watched(opened) == [FIRST]
    assert opened.mark() == second
    history.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    watches.add(history, [SECOND], [], NOW)
    assert opened.mark() not in (first, second, None)


def test_a_mark_of_one_is_never_taken_for_that_of_another(opened: Readers, history: History, path: Path) -> None:
    before = opened.mark()
    opened.close()
    watches.add(history, [FIRST], [], NOW)
    later = Readers(path)
    assert later.mark() != before
    later.close()


def test_a_file_in_its_place_is_another_one(opened: Readers, history: History, path: Path, tmp_path: Path) -> None:
    copy_to(history, tmp_path / "copy.db")
    watches.add(history, [FIRST], [], NOW)
    assert watched(opened) == [FIRST]
    mark = opened.mark()
    history.close()
    (tmp_path / "copy.db").replace(path)
    for name in ("-wal", "-shm"):
        path.with_name(path.name + name).unlink(missing_ok=True)
    assert opened.mark() not in (mark, None)
    assert watched(opened) == []
    with open_history(path) as again:
        watches.add(again, [SECOND], [], NOW)
        assert watched(opened) == [SECOND]


def test_a_file_that_is_gone_is_said_to_be_gone(opened: Readers, history: History, path: Path) -> None:
    assert watched(opened) == []
    history.close()
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()
    assert opened.mark() is None
    with pytest.raises(DatabaseError, match="no such database"):
        watched(opened)
    assert not path.exists()


def test_a_file_of_a_newer_program_is_left_alone(opened: Readers, history: History) -> None:
    assert watched(opened) == []
    with history.write() as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('registry-sync', 'm9999_later', ?)", (NOW,)
        )
    with pytest.raises(DatabaseError, match="newer registry-sync"):
        watched(opened)


def test_a_file_that_is_written_anew_is_read_on(opened: Readers, history: History) -> None:
    watches.add(history, [FIRST], [], NOW)
    assert watched(opened) == [FIRST]
    mark = opened.mark()
    watches.remove(history, [FIRST])
    erasure.overwrite(history)
    assert opened.mark() != mark
    assert watched(opened) == []


def test_who_writes_does_not_wait_for_who_reads_nor_the_reverse(opened: Readers, history: History) -> None:
    with opened.open() as reader:
        assert watches.trials(reader) == []
        with history.write():
            assert watches.trials(reader) == []
            assert opened.mark() is not None
        watches.add(history, [FIRST], [], NOW)
        assert watches.trials(reader) == [FIRST]
        assert history.one("PRAGMA wal_checkpoint(TRUNCATE)") == {"busy": 0, "log": 0, "checkpointed": 0}


def test_what_is_closed_lets_go_of_the_file(path: Path, history: History) -> None:
    made = Readers(path)
    with made.open() as reader:
        made.close()
        assert watches.trials(reader) == []
    with pytest.raises(sqlite3.ProgrammingError):
        reader.rows("SELECT 1")
    history.close()
    assert not path.with_name(f"{path.name}-wal").exists()
