"""``doctor`` changes nothing: neither the schema of an older program's file, nor one that is empty; and it sees whether there is room."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest

from db import steps
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.cli.conftest import Said, Terminal
from tests.db.test_migrations import fill, of_program

EMPTY = "is empty: it holds no history; restore a backup, or begin a new one with `registry-sync init`"


def details(said: Said) -> dict[str, str]:
    return {row["check"]: row["detail"] for row in said.json}


def lying_there(terminal: Terminal) -> dict[str, bytes]:
    """What lies in the folder, apart from what SQLite keeps there while somebody reads."""
    files = [path for path in terminal.house.folder.iterdir() if path.is_file() and not path.name.endswith(("-wal", "-shm"))]
    return {path.name: path.read_bytes() for path in files}


def of_an_older_program(path: Path, last_step: str) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        of_program(connection, last_step)
        fill(connection, with_absence=last_step != "m0001_history")


@pytest.mark.parametrize("number", range(len(steps.known()) - 1))
def test_an_older_programs_database_is_looked_at_and_left_as_it_is(terminal: Terminal, number: int) -> None:
    database = terminal.house.folder / "history.db"
    of_an_older_program(database, steps.known()[number])
    before = lying_there(terminal)
    said = terminal("doctor", "--json")
    assert said.code == 1, said.out  # its last sync is long ago
    assert lying_there(terminal) == before
    told = details(said)
    assert told["database"] == f"{database}: 3 trials watched, 4 versions, 2 changes"
    lacking = steps.known()[number + 1 :]
    assert f"the next command takes {len(lacking)} step" in told["schema"]
    assert f"after a copy to history.db.before-{lacking[0]}.backup" in told["schema"]
    assert not any("damaged" in line for line in told.values())
    assert {"last sync", "backups", "web pages"} <= told.keys()
    assert terminal("watch", "list").code == 0
    assert "schema" not in details(terminal("doctor", "--json"))


def test_the_steps_are_named(terminal: Terminal) -> None:
    of_an_older_program(terminal.house.folder / "history.db", "m0013_revisions")
    number, last = len(steps.known()) - steps.known().index("m0014_logins"), steps.known()[-1]
    assert f"takes {number} steps (m0014_logins to {last}), after" in details(terminal("doctor", "--json"))["schema"]


def test_a_service_of_the_older_program_goes_on(terminal: Terminal) -> None:
    database = terminal.house.folder / "history.db"
    of_an_older_program(database, "m0013_revisions")
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as service:
        service.execute("PRAGMA journal_mode = WAL")
        terminal("doctor")
        service.execute("DELETE FROM watch")
        assert steps.taken(service)[-1] == "m0013_revisions"
    assert not list(terminal.house.folder.glob("*.backup"))


@pytest.mark.parametrize("command", ["doctor", "check", "sync", "deliver", "deadlines", "export", "backup", "subscriptions"])
@pytest.mark.parametrize("content", ["no bytes", "no tables"])
def test_an_empty_file_holds_no_history(terminal: Terminal, command: str, content: str) -> None:
    database = terminal.house.folder / "history.db"
    database.touch()
    if content == "no tables":
        with contextlib.closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
    before = lying_there(terminal)
    said = terminal(command)
    assert said.code == 2
    assert f"{database}: {EMPTY}" in said.out + said.err
    assert len(said.err.splitlines()) <= 1
    assert "all sound" not in said.out
    assert {name: content for name, content in lying_there(terminal).items() if not name.endswith(".lock")} == before
    assert terminal("init").code == 0
    if command in ("doctor", "check"):
        assert terminal(command).code == 0


def test_a_file_that_is_not_there_is_not_made(terminal: Terminal) -> None:
    before = lying_there(terminal)
    said = terminal("doctor", "--json")
    assert said.code == 2
    assert "there is no such database; run `registry-sync init`" in details(said)["database"]
    assert "free room" not in details(said)
    assert lying_there(terminal) == before


def test_without_room_for_a_copy_it_says_so(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.house.registry.put(record.the_study())
    terminal("watch", "add", TRIAL)
    terminal("sync")
    folder = terminal.house.folder
    assert f"free at {folder}; a copy of the database takes " in details(terminal("doctor", "--json"))["free room"]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2_048))
    said = terminal("doctor", "--json")
    assert said.code == 1
    told = details(said)["free room"]
    assert told.startswith(f"2.0 kB free at {folder}, and a copy of the database takes ")
    assert told.endswith(" kB; make room there, or set [retention] backups to fewer days")


def test_copies_on_a_file_system_of_their_own_need_room_there(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal("init")
    copies = terminal.house.folder / "backups"
    copies.mkdir()
    free = {terminal.house.folder: 3_500_000_000_000, copies: 80}
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=free[folder]))
    assert "80 bytes" not in details(terminal("doctor", "--json"))["free room"]  # the same file system is asked once
    stat = Path.stat

    def on_another(path: Path, **more: bool) -> object:
        found = stat(path, **more)
        return SimpleNamespace(st_dev=found.st_dev + 1, st_mode=found.st_mode) if path == copies else found

    monkeypatch.setattr(Path, "stat", on_another)
    told = details(terminal("doctor", "--json"))["free room"]
    assert told.startswith(f"80 bytes free at {copies}, and a copy of the database takes ")
    free[copies] = 12_000_000
    told = details(terminal("doctor", "--json"))["free room"]
    assert told.startswith(f"3,500 GB free at {terminal.house.folder}, 12 MB free at {copies}; a copy")
