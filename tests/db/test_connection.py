"""The file: made, recognised, upgraded with a backup, refused in one line when it cannot be used."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from db import connection as db_connection
from db import migrations, runs, steps, upkeep, watches
from db.connection import APPLICATION_ID, History, open_history, open_to_look
from db.copying import copy_to
from registry_sync.errors import DatabaseError, OlderSchema
from tests.waiting import finish

NOW = "2026-02-03T06:17:00Z"


def refusal(path: Path, *, create: bool = False) -> str:
    with pytest.raises(DatabaseError) as caught:
        open_history(path, create=create)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_new_file_is_ours_and_safe(path: Path) -> None:
    with open_history(path, create=True) as history:
        assert history.one("PRAGMA application_id") == {"application_id": APPLICATION_ID}
        assert history.one("PRAGMA journal_mode") == {"journal_mode": "wal"}
        assert history.one("PRAGMA foreign_keys") == {"foreign_keys": 1}
        assert upkeep.problem(history) is None
    with open_history(path) as again:
        assert again.rows("SELECT * FROM watch") == []


def test_every_view_answers_on_an_empty_file(history: History) -> None:
    views = [row["name"] for row in history.rows("SELECT name FROM sqlite_master WHERE type = 'view'")]
    assert {"current_status", "changes_of_the_last_month", "waiting_to_be_sent", "listings"} <= set(views)
    for view in views:
        assert history.rows(f"SELECT * FROM {view}") == []


def test_the_file_is_readable_by_the_tools_that_people_use(path: Path, history: History) -> None:
    watches.add(history, ["NCT06805448"], [], NOW)
    done = subprocess.run(
        [sys.executable, "-m", "sqlite_utils", "rows", str(path), "current_status"], capture_output=True, text=True, check=True
    )
    assert "NCT06805448" in done.stdout


def test_only_its_owner_may_read_it_and_its_copies(path: Path, history: History, tmp_path: Path) -> None:
    watches.add(history, ["NCT06805448"], [], NOW)
    copy_to(history, tmp_path / "copy.db")
    files = [path, tmp_path / "copy.db", Path(f"{path}-wal")]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_a_missing_file_is_not_made_by_mistake(path: Path) -> None:
    assert "run `registry-sync init`" in refusal(path)
    assert not path.exists()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert "its folder does not exist" in refusal(tmp_path / "nowhere" / "history.db", create=True)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert "is a folder" in refusal(tmp_path)


def test_a_text_file_is_no_database(path: Path) -> None:
    path.write_text("trial,status\n" * 200)
    assert "is no SQLite database" in refusal(path)
    assert path.read_text() == "trial,status\n" * 200


def test_another_programs_database_is_left_alone(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE places (url TEXT)")
    before = path.read_bytes()
    assert "belongs to another program" in refusal(path, create=True)
    assert path.read_bytes() == before


def test_a_newer_programs_database_is_left_alone(path: Path, history: History) -> None:
    with history.write() as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('registry-sync', 'm9999_later', '2030-01-01')"
        )
    message = refusal(path)
    assert "newer registry-sync" in message
    assert "m9999_later" in message


def test_who_only_looks_changes_nothing_and_says_what_is_not_there_yet(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_history(path, create=True).close()
    before = path.read_bytes()
    known = [*steps.known(), "m9998_notes"]
    monkeypatch.setattr(steps, "known", lambda: known)
    with open_to_look(path) as history:
        assert history.lacking == ["m9998_notes"]
        assert history.rows("SELECT * FROM watch") == []
        for sql in ("SELECT * FROM note", "SELECT note FROM watch"):
            with pytest.raises(OlderSchema, match="the next command brings it up to date"):
                history.rows(sql)
        history.check_writable()
        with pytest.raises(DatabaseError, match="read-only"):
            watches.add(history, ["NCT06805448"], [], NOW)
    assert path.read_bytes() == before


def test_an_empty_file_becomes_a_history_only_where_one_is_to_begin(path: Path) -> None:
    path.touch()
    with pytest.raises(DatabaseError, match="is empty: it holds no history; restore a backup, or begin a new one"):
        open_to_look(path)
    with pytest.raises(DatabaseError, match="is empty"):
        open_history(path)
    assert path.read_bytes() == b""
    open_history(path, create=True).close()
    open_to_look(path).close()


def test_a_damaged_file_says_how_to_go_on(path: Path) -> None:
    with open_history(path, create=True) as history:
        watches.add(history, [f"NCT{number:08}" for number in range(1, 900)], [], NOW)
    content = bytearray(path.read_bytes())
    content[4096:20480] = b"\xff" * 16384
    path.write_bytes(content)
    with pytest.raises(DatabaseError, match="damaged"), open_history(path) as history:
        assert upkeep.problem(history) is None
        for table in ("trial", "watch", "version", "notice", "subscription"):
            history.rows(f"SELECT * FROM {table}")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_read_only_file_is_said_to_be_one(path: Path) -> None:
    open_history(path, create=True).close()
    path.chmod(stat.S_IRUSR)
    path.parent.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        with pytest.raises(DatabaseError, match=r"read-only|cannot be opened"), open_history(path) as history:
            watches.add(history, ["NCT06805448"], [], NOW)
    finally:
        path.parent.chmod(stat.S_IRWXU)


def test_a_locked_file_is_waited_for_and_then_said_to_be_locked(path: Path, history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db_connection, "WAIT_FOR_OTHERS", 0.05)
    with history.write(), open_history(path) as second, pytest.raises(DatabaseError, match="locked by another process"):
        watches.add(second, ["NCT06805448"], [], NOW)
    with open_history(path) as second:
        assert watches.add(second, ["NCT06805448"], [], NOW) == ["NCT06805448"]


def test_a_full_disk_loses_nothing_that_was_there(path: Path, history: History) -> None:
    watches.add(history, ["NCT06805448"], [], NOW)
    pages = history.one("PRAGMA page_count")
    assert pages is not None
    history.connection.execute(f"PRAGMA max_page_count = {pages['page_count']}")
    with pytest.raises(DatabaseError, match="disk is full"):
        watches.add(history, [f"NCT{number:08}" for number in range(1, 5000)], [], NOW)
    assert watches.trials(history) == ["NCT06805448"]


def test_half_a_transaction_is_none(history: History) -> None:
    with pytest.raises(ZeroDivisionError), history.write() as connection:
        watches.know(connection, "NCT06805448", NOW)
        _ = 1 / 0
    assert history.rows("SELECT * FROM trial") == []


def test_what_is_written_together_may_be_a_part_of_what_is_written_together(history: History) -> None:
    with pytest.raises(ZeroDivisionError), history.together():
        with history.together():
            watches.add(history, ["NCT00000001"], (), NOW)
        watches.add(history, ["NCT00000002"], (), NOW)
        with contextlib.suppress(KeyError), history.together():
            watches.add(history, ["NCT00000003"], (), NOW)
            raise KeyError
        assert watches.trials(history) == ["NCT00000001", "NCT00000002"]
        raise ZeroDivisionError
    assert watches.trials(history) == []


def test_references_are_kept(history: History) -> None:
    with pytest.raises(sqlite3.IntegrityError), history.write() as connection:
        connection.execute("INSERT INTO watch (trial, added_at) VALUES ('NCT06805448', 'now')")


def test_two_writers_at_once_both_write(path: Path, history: History) -> None:
    def write(first: int) -> None:
        with open_history(path) as own:
            for number in range(first, first + 40):
                watches.add(own, [f"NCT{number:08}"], [], NOW)

    threads = [threading.Thread(target=write, args=(first,)) for first in (1, 1001, 2001)]
    for thread in threads:
        thread.start()
    for thread in threads:
        finish(thread)
    assert len(watches.trials(history)) == 120


def test_a_copy_is_whole_and_checked(history: History, tmp_path: Path) -> None:
    watches.add(history, ["NCT06805448"], [], NOW)
    copy_to(history, tmp_path / "copy.db")
    with open_history(tmp_path / "copy.db") as copy:
        assert watches.trials(copy) == ["NCT06805448"]
    assert not list(tmp_path.glob("*.unfinished"))


def test_a_step_is_taken_once_with_a_copy_before_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_history(path, create=True) as history:
        watches.add(history, ["NCT06805448"], [], NOW)
    more = migrations.Migrations("registry-sync")
    for migration in migrations.STEPS._migrations:
        more(name=migration.name)(migration.fn)
    more(name="m9998_notes")(lambda db: db.execute("CREATE TABLE note (text TEXT)"))
    monkeypatch.setattr(migrations, "STEPS", more)
    monkeypatch.setattr(steps, "known", lambda: [migration.name for migration in more._migrations])
    with open_history(path) as history:
        assert history.rows("SELECT * FROM note") == []
        assert watches.trials(history) == ["NCT06805448"]
    backup = Path(f"{path}.before-m9998_notes.backup")
    with contextlib.closing(sqlite3.connect(backup)) as before:
        assert before.execute("SELECT trial FROM watch").fetchall() == [("NCT06805448",)]
        assert before.execute("SELECT count(*) FROM sqlite_master WHERE name = 'note'").fetchone() == (0,)


def test_a_step_that_would_break_references_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_history(path, create=True) as history:
        watches.add(history, ["NCT06805448"], [], NOW)
    more = migrations.Migrations("registry-sync")
    for migration in migrations.STEPS._migrations:
        more(name=migration.name)(migration.fn)

    def breaks(db: object) -> None:
        db.execute("CREATE TABLE lost (trial TEXT REFERENCES trial(id))")  # type: ignore[attr-defined]
        db.execute("PRAGMA defer_foreign_keys = ON")  # type: ignore[attr-defined]
        db.execute("INSERT INTO lost VALUES ('NCT00000009')")  # type: ignore[attr-defined]

    more(name="m9998_lost")(breaks)
    with monkeypatch.context() as patched:
        patched.setattr(migrations, "STEPS", more)
        patched.setattr(steps, "known", lambda: [migration.name for migration in more._migrations])
        with pytest.raises(DatabaseError, match="would break 1 reference;"):
            open_history(path)
    with open_history(path) as history:
        assert history.rows("SELECT name FROM sqlite_master WHERE name = 'lost'") == []
        assert watches.trials(history) == ["NCT06805448"]


def test_runs_do_not_pile_up(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "KEPT_FOR_EACH_JOB", 3)
    for number in range(10):
        runs.end(history, runs.begin(history, "sync", f"2026-02-{number + 1:02}T00:00:00Z"), NOW, "done", {})
    assert [row["started_at"][:10] for row in history.rows("SELECT * FROM run")] == ["2026-02-08", "2026-02-09", "2026-02-10"]
    last = runs.last(history, "sync")
    assert last is not None
    assert last["outcome"] == "done"


def test_a_connection_that_may_not_write_says_so(history: History) -> None:
    history.connection.execute("PRAGMA query_only = ON")
    with pytest.raises(DatabaseError, match="read-only"):
        watches.add(history, ["NCT06805448"], [], NOW)
