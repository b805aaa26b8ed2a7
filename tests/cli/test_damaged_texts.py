"""One octet in a text, where the file as a whole stays sound: it is named, nothing else is lost by it, and no copy of it counts."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

import msgspec
import pytest

from db import reading
from jobs import schedule
from jobs.surroundings import Surroundings
from registry_sync.demo.record import TRIAL
from registry_sync.errors import Damaged
from tests.cli.conftest import Terminal
from tests.cli.test_damage_by_chance import fill

TEXTS = (
    "version.headline", "change.before", "change.field", "card.words", "duty.key", "duty_log.detail", "run.detail", "source.name",
    "subscription.consent_wording", "subscription.address", "notice.key", "sqlite_master.sql",
)  # fmt: skip
PAGES = {"version.headline": ("publish site",), "change.before": ("publish site",)}
DESK = "duty.key", "duty_log.detail", "subscription.consent_wording", "run.detail", "notice.key"


@pytest.fixture
def filled(terminal: Terminal) -> Terminal:
    fill(terminal)
    shutil.copy("history.db", "whole")
    return terminal


def garble(name: str, path: str = "history.db") -> None:
    """Set one octet of one text, in whichever row has one."""
    table, column = name.split(".")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        which = "name = 'event'" if table == "sqlite_master" else f'length("{column}") > 3'
        place = "instr(\"sql\", 'the day')" if table == "sqlite_master" else "3"
        done = connection.execute(
            f"""UPDATE "{table}" SET "{column}" = CAST(CAST(substr("{column}", 1, {place} - 1) AS BLOB) || x'F1'
                    || CAST(substr("{column}", {place} + 1) AS BLOB) AS TEXT)
                WHERE rowid = (SELECT max(rowid) FROM "{table}" WHERE {which})"""
        )
        assert done.rowcount == 1


def afresh(name: str) -> None:
    """The history as it was, but for one octet."""
    for path in Path().glob("history.db*"):
        path.unlink()
    shutil.copy("whole", "history.db")
    garble(name)


@pytest.mark.parametrize("name", TEXTS)
def test_each_is_named(filled: Terminal, name: str) -> None:
    table, column = name.split(".")
    what = f"the text in the column {column} of {table} is none (no UTF-8)"
    afresh(name)
    said = filled("check", "--json")
    assert said.code == 1
    (fault,) = [fault for fault in said.json["faults"] if fault["what"].endswith(what)]
    where = fault["what"].split(": ")[1] if table == "sqlite_master" else fault["where"]
    assert any(char.isdigit() for char in where) or name == "source.name", fault
    said = filled("doctor", "--json")
    (row,) = [row for row in said.json if row["check"] == "database"]
    assert (said.code, row["ok"]) == (2, False)
    assert f"is damaged: {where}: {what}; `registry-sync check` names all that is, and restore a backup" in row["detail"]
    for command in ("sync", "deadlines", f"show {TRIAL}", "changes", "export", "watch list", "outbox", *PAGES.get(name, ())):
        said = filled(*command.split())
        assert said.code in (0, 1, 2), command
        assert "a fault in this program" not in said.err, command
        if said.code == 2:
            assert what in said.complaint, command
            assert "example.org" not in said.complaint, "an address is health data"


def test_a_row_that_is_read_is_named_with_its_key(filled: Terminal) -> None:
    afresh("duty.key")
    said = filled("deadlines", TRIAL)
    assert said.code == 2
    assert "row " in said.complaint
    assert " of duty: the text in the column key of duty is none" in said.complaint


@pytest.mark.parametrize("is_damaged", [True, False])
def test_a_scheduled_job_that_stumbles_over_a_value_is_one_line_in_the_log(
    filled: Terminal, caplog: pytest.LogCaptureFixture, is_damaged: bool
) -> None:
    def fails(around: Surroundings) -> str:
        raise KeyError(around.database.name)

    if is_damaged:
        with contextlib.closing(sqlite3.connect("history.db", isolation_level=None)) as connection:
            connection.execute("UPDATE watch SET added_at = 'garbage'")
    around = Surroundings(msgspec.structs.replace(filled.house.settings, database=str(Path("history.db").absolute())))
    schedule._guarded(schedule.Job("sync", "* * * * *", fails), around, schedule._Working())
    (line,) = [record for record in caplog.records if record.name == "registry_sync" and record.levelname == "ERROR"]
    assert bool(line.exc_info) != is_damaged
    assert ("is damaged: its added_at is no time; restore a backup" in line.getMessage()) == is_damaged


def test_a_database_with_one_is_not_copied_and_no_older_copy_goes(filled: Terminal) -> None:
    older = Path("backups/history-20200101T000000Z.db")
    older.parent.mkdir(exist_ok=True)
    shutil.copy("whole", older)
    afresh("duty.key")
    said = filled("backup")
    assert said.code == 2
    assert "history.db: is damaged: row " in said.complaint
    assert said.complaint.endswith("restore a backup: no copy was made")
    assert list(Path("backups").iterdir()) == [older]


def test_a_copy_with_one_does_not_count_as_the_newest(filled: Terminal) -> None:
    folder = Path("backups")
    folder.mkdir(exist_ok=True)
    whole, newer, older = (folder / f"history-202{year}0101T000000Z.db" for year in (1, 2, 0))
    for path in (whole, newer, older):
        shutil.copy("whole", path)
    garble("duty_log.detail", str(newer))
    assert filled("backup", "--to", "elsewhere.db").code == 0
    assert sorted(folder.glob("*.db")) == [whole]


@pytest.mark.parametrize("name", DESK)
def test_over_a_database_with_one_a_backup_comes_back_with_all_that_can_be_read(filled: Terminal, name: str) -> None:
    filled("event", "add", TRIAL, "halted", "2026-02-01")
    shutil.copy("history.db", "whole")
    afresh(name)
    damaged = Path("history.db").read_bytes()
    said = filled("restore", "--yes", "good.db")
    assert said.code == 0, said.err
    (line,) = [line for line in said.out.splitlines() if "can be read" in line]
    assert "not all of the database that it replaces can be read" in line
    assert f"the text in the column {name.split('.')[1]} of {name.split('.')[0]} is none" in line
    assert "--as-is carries nothing over" in line
    assert "carried over from the time since then: " in said.out
    assert "halted" in filled("event", "list").out
    assert filled("check").code == 0
    (aside,) = Path("backups").glob("*.damaged")
    assert aside.read_bytes()[100:] == damaged[100:], "what cannot be read is kept octet for octet"


def test_as_it_was_is_as_it_was(filled: Terminal) -> None:
    afresh("subscription.consent_wording")
    said = filled("restore", "--yes", "--as-is", "good.db")
    assert said.code == 0
    assert "nothing was carried over" in said.out
    assert filled("check").code == 0


def test_what_cannot_be_carried_over_says_how_it_goes_without(filled: Terminal) -> None:
    with contextlib.closing(sqlite3.connect("history.db", isolation_level=None)) as connection:
        connection.execute("UPDATE change SET detail = NULL, \"after\" = 'zzz' WHERE field = 'overall_status'")
    said = filled("restore", "--yes", "good.db")
    if said.code:
        assert said.complaint.endswith("--as-is carries nothing over, and lays all of it aside: nothing was changed")
    assert filled("restore", "--yes", "--as-is", "good.db").code == 0


def test_a_backup_with_one_is_refused(filled: Terminal) -> None:
    garble("duty.key", "good.db")
    said = filled("restore", "--yes", "good.db")
    assert said.code == 2
    assert "the text in the column key of duty is none (no UTF-8)" in said.complaint
    assert "take another copy, or this one with --damaged: nothing was changed" in said.complaint
    assert filled("restore", "--yes", "--as-is", "--damaged", "good.db").code == 0


def test_a_backup_whose_pages_are_damaged_is_refused_with_what_to_do(filled: Terminal) -> None:
    content = bytearray(Path("good.db").read_bytes())
    content[4096 : 4096 * 30] = b"\xf1" * (4096 * 29)
    Path("good.db").write_bytes(content)
    said = filled("restore", "--yes", "good.db")
    assert said.code == 2
    assert said.complaint.startswith(f"{Path('good.db').absolute()}: is damaged (")
    assert said.complaint.endswith("); take another copy: nothing was changed")
    assert "restore a backup" not in said.complaint


@pytest.mark.parametrize("question", ["SELECT words FROM note", "SELECT max(words) AS newest FROM note", "SELECT words || '' FROM note"])
def test_however_it_is_asked_for_it_is_one_line(tmp_path: Path, question: str) -> None:
    path = tmp_path / "note.db"
    with contextlib.closing(reading.connect(path)) as connection:
        connection.execute("CREATE TABLE note (id INTEGER PRIMARY KEY, words TEXT)")
        connection.execute("INSERT INTO note VALUES (1, CAST(x'41F142' AS TEXT))")
        for ask in (
            lambda: connection.execute(question).fetchone(),
            lambda: connection.execute(question).fetchmany(5),
            lambda: connection.execute(question).fetchall(),
            lambda: list(connection.execute(question)),
            lambda: next(connection.execute(question)),
        ):
            with pytest.raises(Damaged, match="is damaged: row 1 of note: the text in the column words of note is none"):
                ask()
