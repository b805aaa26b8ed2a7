"""What ``doctor`` says of what is kept, of records that cannot be read, and of mails to the operator that wait."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Any

import pytest

from db import history as versions
from db import unparsed
from jobs import health
from jobs.lock import only_one
from jobs.surroundings import as_stamp, utc_now
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.cli.conftest import Terminal


def begin(terminal: Terminal) -> None:
    terminal.house.registry.put(record.the_study())
    terminal("init")
    terminal("watch", "add", TRIAL)
    assert terminal("sync").code == 0


def row(terminal: Terminal, check: str, code: int) -> dict[str, Any]:
    said = terminal("doctor", "--json")
    assert said.code == code
    (found,) = [each for each in said.json if each["check"] == check]
    return found


def test_a_sample_of_what_is_kept_is_unpacked(terminal: Terminal) -> None:
    begin(terminal)
    assert row(terminal, "kept records", 0)["detail"] == "1 of 1 version unpacked: all came back as they were put in"
    with terminal.house.history() as history, history.write() as connection:
        connection.execute("UPDATE version SET payload = substr(payload, 1, 30)")
    found = row(terminal, "kept records", 1)
    assert not found["ok"]
    assert f"damaged: version 1 of {TRIAL} at ctgov (" in found["detail"]
    assert "restore a backup" in found["detail"]


def test_many_damaged_ones_are_counted(terminal: Terminal) -> None:
    begin(terminal)
    with terminal.house.history() as history:
        version = versions.latest(history, TRIAL, "ctgov")
        assert version is not None
        with history.write() as connection:
            for number in range(9):
                seen_at = f"2026-03-0{number + 1}T00:00:00Z"
                versions.add_version(
                    history, trial=TRIAL, source="ctgov", record=version.record, payload=b"{}", registry_date=None, seen_at=seen_at
                )
            connection.execute("UPDATE version SET codec = 'rot13'")
    detail = row(terminal, "kept records", 1)["detail"]
    assert detail.startswith("10 of 10 versions unpacked, damaged: version 1 of")
    assert detail.count(f" of {TRIAL} at ctgov") == 5
    assert "; and 5 more; restore" in detail


def test_records_that_cannot_be_read_are_named(terminal: Terminal) -> None:
    begin(terminal)
    assert row(terminal, "unusable records", 0)["detail"] == "none"
    with terminal.house.history() as history, history.write() as connection:
        unparsed.keep(connection, TRIAL, "ctgov", b"{ half", "not JSON", "2026-02-03T06:17:00Z")
    found = row(terminal, "unusable records", 1)
    assert not found["ok"]
    assert f"{TRIAL} at ctgov since 2026-02-03T06:17:00Z: not JSON" in found["detail"]


def test_a_mail_to_the_operator_that_could_not_be_sent_is_told(terminal: Terminal) -> None:
    begin(terminal)
    settings = terminal.house.folder / "registry-sync.toml"
    settings.write_text(settings.read_text().replace("[smtp]\n", '[smtp]\noperator = "operator@example.org"\n'))
    terminal.house.set("smtp", operator="operator@example.org")
    with terminal.house.history() as history:
        health.note(terminal.house.around, history, "ctgov", "down")
        health.note(terminal.house.around, history, "ctgov", None)
    assert row(terminal, "outbox", 0)["detail"] == "0 waiting, 0 due now, 0 parked; 2 mails to the operator waiting"
    terminal.house.mailbox.refuse_recipient("operator@example.org")
    said = terminal("deliver")
    assert said.code == 1
    assert said.complaint.startswith("not delivered: to the operator: ")
    found = row(terminal, "outbox", 1)
    assert not found["ok"]
    assert "2 mails to the operator waiting, last try: to the operator: mail server" in found["detail"]
    terminal.house.mailbox.behave()
    settings.write_text(settings.read_text().replace('operator = "operator@example.org"\n', ""))
    terminal("deliver")
    assert row(terminal, "outbox", 0)["detail"] == "0 waiting, 0 due now, 0 parked"


def test_a_copy_that_is_dated_in_the_future_is_named_since_it_never_ages(terminal: Terminal) -> None:
    begin(terminal)
    copy = Path(terminal("backup", "--json").json["file"])
    ahead = copy.with_name("history-99990101T000000Z.db")
    ahead.write_bytes(copy.read_bytes())
    detail = row(terminal, "backups", 1)["detail"]
    assert f"{copy}; dated in the future: {ahead}; a clock was wrong" in detail
    ahead.unlink()
    assert row(terminal, "backups", 0)["ok"]


def test_when_the_last_copy_was_made(terminal: Terminal) -> None:
    begin(terminal)
    assert row(terminal, "backups", 0)["detail"].startswith("none yet")
    terminal("backup")
    assert row(terminal, "backups", 0)["detail"].endswith(".db")
    left = terminal.house.folder / "history.db.restoring.unfinished"
    left.touch()
    assert row(terminal, "backups", 0)["detail"].endswith(f"removed by the next backup: {left}")
    left.unlink()
    with terminal.house.history() as history, history.write() as connection:
        connection.execute("UPDATE run SET started_at = '2026-02-03T03:11:00Z' WHERE job = 'backup'")
    found = row(terminal, "backups", 1)
    assert not found["ok"]
    assert "ago: does `registry-sync run`, or cron, still make them?" in found["detail"]
    with terminal.house.history() as history, history.write() as connection:
        connection.execute("DELETE FROM run WHERE job = 'backup'")
        day = "2026-02-03T03:11:00Z"
        connection.execute("INSERT INTO run (job, started_at, finished_at, outcome) VALUES ('backup', ?, ?, 'failed')", (day, day))
    detail = row(terminal, "backups", 1)["detail"]
    assert detail == f"none came to its end ({day}); `registry-sync backup` makes one, or says what is wrong"


def test_a_copy_that_is_gone_is_none(terminal: Terminal) -> None:
    begin(terminal)
    folder, elsewhere = terminal.house.folder / "backups", terminal.house.folder / "elsewhere"
    again = "; `registry-sync backup` makes one, or says what is wrong"
    elsewhere.mkdir()
    for where in ([], ["--to", str(elsewhere)]):
        copy = Path(terminal("backup", "--json", *where).json["file"])
        assert row(terminal, "backups", 0)["detail"].endswith(f": {copy}")
        copy.write_bytes(b"")
        assert row(terminal, "backups", 1)["detail"].endswith(f"{copy}; it is gone, or no copy any more{again}")
        copy.unlink()
        assert row(terminal, "backups", 1)["detail"].endswith(f"{copy}; it is gone, or no copy any more{again}")
    folder.rmdir()
    assert not row(terminal, "backups", 1)["ok"]
    assert terminal("backup").code == 0
    assert row(terminal, "backups", 0)["ok"]


def test_a_copy_that_was_cut_is_none(terminal: Terminal) -> None:
    begin(terminal)
    copy = Path(terminal("backup", "--json").json["file"])
    whole = copy.read_bytes()
    for octets, said in ((1000, "1.0 kB"), (len(whole) - 4096, None)):
        copy.write_bytes(whole[:octets])
        found = row(terminal, "backups", 1)
        assert not found["ok"]
        assert f"{copy}; it was cut to {said or ''}" in found["detail"]
        assert found["detail"].endswith("; `registry-sync backup` makes one, or says what is wrong")
    copy.write_bytes(whole)
    assert row(terminal, "backups", 0)["ok"]


@pytest.mark.parametrize(("what", "is_link"), [("is a file", False), ("is a link that leads nowhere", True)])
def test_what_stands_where_the_copies_belong_is_named(terminal: Terminal, what: str, is_link: bool) -> None:
    begin(terminal)
    folder = terminal.house.folder / "backups"
    if is_link:
        folder.symlink_to("nowhere")
    else:
        folder.write_text("notes")
    said = f"{folder}: {what}, and the copies belong into a folder of that name; move it away"
    assert row(terminal, "backups", 1)["detail"] == f"{said}, then `registry-sync backup`"
    assert terminal("backup").complaint == said
    folder.unlink()
    assert terminal("backup").code == 0


def noted(terminal: Terminal, job: str, started_at: str, outcome: str | None) -> None:
    """The only run of this job that is noted."""
    with terminal.house.history() as history, history.write() as connection:
        connection.execute("DELETE FROM run WHERE job = ?", (job,))
        detail = '{"file": "/backups/history.db"}'
        connection.execute("INSERT INTO run (job, started_at, outcome, detail) VALUES (?, ?, ?, ?)", (job, started_at, outcome, detail))


@pytest.mark.parametrize(("check", "job"), [("last sync", "sync"), ("backups", "backup")])
def test_a_time_in_the_future_was_written_by_a_clock_that_was_wrong(terminal: Terminal, check: str, job: str) -> None:
    begin(terminal)
    noted(terminal, job, as_stamp(utc_now() + datetime.timedelta(days=400)), "done")
    detail = row(terminal, check, 1)["detail"]
    assert detail.endswith(f"that is in the future: a clock is or was wrong; set this machine's right, then `registry-sync {job}`")
    assert terminal(job).code == 0
    assert row(terminal, check, 0)["ok"]


def test_a_sync_that_is_at_work_is_told_from_one_that_was_killed(terminal: Terminal) -> None:
    begin(terminal)
    now = as_stamp(utc_now())
    noted(terminal, "sync", now, None)
    detail = row(terminal, "last sync", 1)["detail"]
    assert detail == f"{now}: did not come to its end; `registry-sync sync` does what is left, and says what is wrong"
    with only_one(terminal.house.around.database, "sync"):
        assert f"{now}: under way (process {os.getpid()} since " in row(terminal, "last sync", 0)["detail"]
    noted(terminal, "sync", now, "done")
    noted(terminal, "backup", now, None)
    assert "none came to its end" in row(terminal, "backups", 1)["detail"]
    with only_one(terminal.house.around.database, "backup"):
        assert "the first one is under way (process " in row(terminal, "backups", 0)["detail"]


def test_what_is_parked_and_what_is_stuck_says_how_to_go_on(terminal: Terminal) -> None:
    begin(terminal)
    terminal("subscribe", "reader@example.org", TRIAL, "--confirmed")
    terminal.house.registry.put(record.with_status(terminal.house.registry.study(TRIAL), "SUSPENDED"))
    terminal("sync", "--no-deliver")
    with terminal.house.history() as history, history.write() as connection:
        connection.execute("UPDATE notice SET due_at = '2026-02-03T06:17:00Z', next_try_at = '2026-02-03T06:17:00Z'")
    assert row(terminal, "outbox", 1)["detail"].endswith(
        "; `registry-sync deliver` sends now, or says what is wrong; does `registry-sync run`, or cron, still?"
    )
    terminal.house.mailbox.refuse_recipient("reader@example.org")
    terminal("deliver")
    assert row(terminal, "outbox", 1)["detail"] == (
        "0 waiting, 0 due now, 1 parked; `registry-sync outbox --failed` shows why, `registry-sync outbox retry` sends them again"
    )
