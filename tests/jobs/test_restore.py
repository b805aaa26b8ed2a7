"""Back from a backup: whole, in one instant, and what was promised since is still kept."""

from __future__ import annotations

import contextlib
import datetime
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

import pytest

from db import erasure, outbox, runs, steps, stops, subscriptions, watches
from db.connection import open_history
from jobs import lock, wishes
from jobs.backup import backup
from jobs.check import check
from jobs.lock import alone, desk_of, only_one
from jobs.restore import Restored, restore
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.errors import AlreadyRunning, DatabaseError
from tests.house import House

Begin = Callable[[Path, str], AbstractContextManager[object]]
READER, SECOND, GONE = "reader@example.org", "second@example.org", "gone@example.org"


@pytest.fixture
def followed(house: House) -> House:
    """Three readers to whom a change is to be sent."""
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    for reader in (READER, SECOND, GONE):
        house.subscribe(reader)
    house.sync()
    moved(house, "2027-01-01")
    return house


def moved(house: House, date: str) -> None:
    house.registry.put(record.with_completion(house.registry.study(TRIAL), date))
    house.sync(then_deliver=False)


def back(house: House, file: Path, **more: bool) -> Restored:
    house.at += datetime.timedelta(hours=1)
    return restore(house.around, file, **more)


def states(house: House) -> dict[str, str]:
    with house.history() as history:
        return {row["address"]: row["state"] for row in subscriptions.listing(history)}


def mails(house: House) -> list[tuple[str, ...]]:
    return sorted(mail.recipients for mail in house.mailbox.messages)


def files(house: House) -> set[str]:
    """What stands beside the database, but locks and what SQLite lays there while somebody reads."""
    return {path.name for path in house.folder.glob("history.db*") if path.suffix not in (".lock", ".db-wal", ".db-shm")}


def test_the_database_is_the_backup_and_what_it_replaces_is_kept(followed: House) -> None:
    copy = backup(followed.around).file
    moved(followed, "2027-05-05")
    done = back(followed, copy)
    assert [change.after["date"] for change in followed.changes()] == ["2027-01-01"]
    assert done.aside is not None
    with open_history(done.aside) as history:
        assert history.one("SELECT count(*) AS n FROM version") == {"n": 3}
    assert done.made_at == "2026-02-04T06:17:00Z"
    assert files(followed) == {"history.db"}
    assert (followed.folder / "history.db").stat().st_mode & 0o077 == 0
    with followed.history() as history:
        assert history.rows("SELECT job, outcome FROM run ORDER BY id DESC LIMIT 1") == [{"job": "restore", "outcome": "done"}]


def test_the_next_sync_goes_on_from_there(followed: House) -> None:
    copy = backup(followed.around).file
    moved(followed, "2027-05-05")
    back(followed, copy)
    assert followed.sync().changes == 1
    assert followed.changes()[0].after["date"] == "2027-05-05"


def test_what_was_sent_since_is_not_sent_again(followed: House) -> None:
    copy = backup(followed.around).file
    followed.deliver()
    assert mails(followed) == sorted([(READER,), (SECOND,), (GONE,)])
    done = back(followed, copy)
    assert done.carried is not None
    assert done.carried.sent == 3
    assert followed.deliver().sent == 0
    assert {row["state"] for row in followed.outbox()} == {"sent"}
    assert len(mails(followed)) == 3


def test_what_still_waits_is_sent_once(followed: House) -> None:
    copy = backup(followed.around).file
    followed.mailbox.refuse_recipient(SECOND, "451 4.3.0 later", times=1)
    followed.deliver()
    back(followed, copy)
    assert followed.deliver(hours=1).sent == 1
    assert mails(followed) == sorted([(READER,), (SECOND,), (GONE,)])


def test_notices_of_what_it_does_not_know_are_counted(followed: House) -> None:
    copy = backup(followed.around).file
    moved(followed, "2027-05-05")
    followed.deliver()
    done = back(followed, copy)
    assert done.carried is not None
    assert (done.carried.sent, done.carried.later) == (3, 3)


def test_who_stopped_since_stays_stopped(followed: House) -> None:
    copy = backup(followed.around).file
    followed.at += datetime.timedelta(hours=1)
    with followed.history() as history:
        wishes.stop(followed.around, history, READER, [], why="holder")
    done = back(followed, copy)
    assert done.carried is not None
    assert (done.carried.stopped, done.carried.stops) == (1, 1)
    assert states(followed) == {READER: "stopped", SECOND: "active", GONE: "active"}
    with followed.history() as history:
        assert stops.stopped(history, READER) == ("2026-02-04T07:17:00Z", "holder")
    followed.deliver()
    assert mails(followed) == sorted([(SECOND,), (GONE,)])


def test_who_was_erased_since_stays_erased(followed: House) -> None:
    copy = backup(followed.around).file
    with followed.history() as history:
        erasure.erase(history, GONE, "2026-02-04T08:00:00Z")
    done = back(followed, copy)
    assert done.carried is not None
    assert done.carried.erased == 1
    assert states(followed) == {READER: "active", SECOND: "active"}
    assert GONE.encode() not in (followed.folder / "history.db").read_bytes()
    with followed.history() as history:
        assert stops.stopped(history, GONE) is not None
        assert erasure.held(history, GONE)["notices"] == []


def test_a_trial_that_was_taken_out_of_a_subscription_stays_out(house: House) -> None:
    other = "NCT00000001"
    for study in (record.the_study(), record.a_study(other)):
        house.registry.put(study)
    house.watch(TRIAL, other)
    house.subscribe(READER, TRIAL, other)
    copy = backup(house.around).file
    with house.history() as history:
        wishes.stop(house.around, history, READER, [other], why="holder")
    back(house, copy)
    with house.history() as history:
        assert [row["trials"] for row in subscriptions.listing(history)] == [[TRIAL]]


def test_a_newer_backup_after_an_older_one_forgets_nobody(followed: House) -> None:
    """There and back again: who subscribed, or wanted it anew, after the older one is not taken for erased or stopped."""
    old = backup(followed.around).file
    followed.at += datetime.timedelta(hours=1)
    followed.subscribe("new@example.org")
    with followed.history() as history:
        wishes.stop(followed.around, history, SECOND, [], why="operator")
    followed.at += datetime.timedelta(hours=1)
    followed.subscribe(SECOND)
    new = backup(followed.around).file
    back(followed, old)
    back(followed, new)
    found = states(followed)
    assert found["new@example.org"] == "active"
    assert found[READER] == found[GONE] == "active"


def test_as_it_was_is_as_it_was(followed: House) -> None:
    copy = backup(followed.around).file
    followed.deliver()
    with followed.history() as history:
        wishes.stop(followed.around, history, READER, [], why="holder")
    done = back(followed, copy, as_is=True)
    assert done.carried is None
    assert done.unread is None
    assert set(states(followed).values()) == {"active"}
    assert {row["state"] for row in followed.outbox()} == {"pending"}


def test_a_database_that_cannot_be_read_is_kept_and_what_may_have_been_sent_is_held(followed: House) -> None:
    copy = backup(followed.around).file
    followed.subscribe("week@example.org", every="week")
    path = followed.folder / "history.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    octets = bytearray(path.read_bytes())
    octets[4096:40960] = b"\xff" * (40960 - 4096)
    path.write_bytes(octets)
    done = back(followed, copy)
    assert done.carried is None
    assert done.unread
    assert done.held == 3
    assert done.aside is not None
    assert done.aside.read_bytes() == bytes(octets)
    assert {row["state"] for row in followed.outbox()} == {"held"}
    assert followed.deliver().sent == 0
    with followed.history() as history:
        assert "may have been sent" in followed.outbox()[0]["last_error"]
        assert outbox.release(history, [], None) == []
    assert followed.deliver().sent == 3


@pytest.mark.parametrize("content", [b"", b"not a database at all, but long enough to be looked at" * 4])
def test_a_file_of_another_kind_in_its_place_is_no_hindrance(followed: House, content: bytes) -> None:
    copy = backup(followed.around).file
    (followed.folder / "history.db").write_bytes(content)
    for name in ("history.db-wal", "history.db-shm"):
        (followed.folder / name).unlink(missing_ok=True)
    assert back(followed, copy).held == 3
    assert len(followed.changes()) == 1


def test_no_database_is_no_hindrance(followed: House) -> None:
    copy = backup(followed.around).file
    for path in followed.folder.glob("history.db*"):
        path.unlink()
    done = back(followed, copy)
    assert (done.unread, done.aside, done.held) == ("there is none", None, 3)


def refused(house: House, file: Path) -> str:
    before = (house.folder / "history.db").read_bytes()
    with pytest.raises((DatabaseError, AlreadyRunning)) as caught:
        restore(house.around, file)
    assert "\n" not in str(caught.value)
    assert (house.folder / "history.db").read_bytes() == before
    assert not list(house.folder.glob("*.unfinished*"))
    return str(caught.value)


def test_what_is_no_backup_is_refused(followed: House, tmp_path: Path) -> None:
    copy = backup(followed.around).file
    followed.history().__enter__().close()
    text = tmp_path / "letter.txt"
    text.write_text("not a database")
    assert "is no database of this program" in refused(followed, text)
    with contextlib.closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE song (title TEXT)")
    assert "is no database of this program" in refused(followed, tmp_path / "other.db")
    assert "there is no such file" in refused(followed, tmp_path / "missing.db")
    assert "is a folder" in refused(followed, copy.parent)
    assert "is the database itself" in refused(followed, followed.folder / "history.db")


def test_a_damaged_backup_is_refused(followed: House) -> None:
    copy = backup(followed.around).file
    octets = bytearray(copy.read_bytes())
    octets[8192:12288] = b"\xff" * 4096
    copy.write_bytes(octets)
    said = refused(followed, copy)
    assert "is not sound" in said or "damaged" in said


def test_a_backup_of_a_newer_program_is_refused(followed: House) -> None:
    copy = backup(followed.around).file
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        connection.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES (?, 'm9999_future', '')", (steps.SET,))
        connection.commit()
    assert "was written by a newer registry-sync (it has m9999_future)" in refused(followed, copy)


@pytest.mark.parametrize(("job", "named"), [("run", "the scheduler"), ("sync", "the sync"), ("backfill", "the backfill")])
def test_nobody_may_be_at_work(followed: House, job: str, named: str) -> None:
    copy = backup(followed.around).file
    with only_one(followed.folder / "history.db", job):
        said = refused(followed, copy)
    assert f"is in use by {named} (process " in said
    assert said.endswith("end it, and run this again: nothing was changed")
    back(followed, copy)


@pytest.mark.parametrize(("job", "named"), [("deliver", "the delivery"), ("serve", "the web server")])
def test_of_several_none_may_be_at_work(followed: House, job: str, named: str) -> None:
    copy = backup(followed.around).file
    database = followed.folder / "history.db"
    with desk_of(database, job), desk_of(database, job):
        assert refused(followed, copy).count(f"{named} (process ") == 2


def test_another_program_that_has_it_open_is_noticed(followed: House) -> None:
    copy = backup(followed.around).file
    with followed.history() as history:
        history.one("SELECT 1 FROM trial")
        assert "another program has it open" in refused(followed, copy)


def test_nobody_begins_meanwhile(followed: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from jobs import restore as job

    copy, errors = backup(followed.around).file, []
    real = job.replacing.replace

    def replace(path: Path, new: Path) -> None:
        for begin in (lambda: only_one(path, "sync"), lambda: desk_of(path, "deliver"), lambda: only_one(path, "run")):
            with pytest.raises(AlreadyRunning, match="is being restored") as caught, begin():
                pass
            errors.append(caught.value)
        real(path, new)

    monkeypatch.setattr(job.replacing, "replace", replace)
    back(followed, copy)
    assert len(errors) == 3
    followed.sync()


@pytest.mark.parametrize(("begin", "job"), [(only_one, "sync"), (desk_of, "deliver")])
def test_nobody_who_is_about_to_begin_is_overtaken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begin: Begin, job: str) -> None:
    """Between the look whether a restore is under way and the first lock of its own, of which there is no file yet."""
    database = tmp_path / "history.db"
    restored: list[str] = []
    waits: list[float] = []
    take = lock._take

    def overtaken(file: IO[str], **how: bool) -> bool:
        if file.name.endswith(f".{job}.lock") and not restored:
            restored.append("tried")
            with (
                pytest.raises(AlreadyRunning, match="is in use by a process that has just begun; end it"),
                alone(database, wait=waits.append),
            ):
                restored.append("done")
        return take(file, **how)

    monkeypatch.setattr(lock, "_take", overtaken)
    with begin(database, job):
        assert restored == ["tried"]


def test_the_backup_that_made_the_copy_came_to_its_end(followed: House) -> None:
    copy = backup(followed.around).file
    back(followed, copy)
    with followed.history() as history:
        assert runs.last(history, "backup", finished=True) is not None


@pytest.mark.parametrize("step", ["m0004_watched_searches", "m0008_cards", "m0010_deadlines", "m0013_revisions"])
def test_a_backup_from_before_the_schema_took_a_step_is_brought_up_to_date(followed: House, tmp_path: Path, step: str) -> None:
    from tests.db.test_migrations import insert, of_program

    file = tmp_path / "earlier.db"
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        of_program(connection, step)
        insert(connection, "trial", id="NCT00000301", known_since="2025-01-01T00:00:00Z")
        insert(connection, "watch", trial="NCT00000301", added_at="2025-01-01T00:00:00Z")
    back(followed, file)
    with followed.history() as history:
        assert steps.taken(history.connection) == steps.known()
        assert "NCT00000301" in watches.trials(history)
    assert files(followed) == {"history.db"}


def test_a_backup_of_the_first_release_comes_back_with_everything_in_it(followed: House, tmp_path: Path) -> None:
    from tests.db.test_migrations import fill, of_program

    file = tmp_path / "first.db"
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        of_program(connection, "m0001_history")
        fill(connection, with_absence=False)
        held = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("version", "change", "notice")}
    back(followed, file)
    with followed.history() as history:
        assert {table: history.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in held} == held
        assert [row["address"] for row in subscriptions.listing(history)] == ["a@example.org"]
    assert check(followed.around, deep=True).faults == []


def test_a_backup_from_before_there_were_keys_takes_those_of_its_installation(followed: House, tmp_path: Path) -> None:
    """Links in mails that were sent since, and the marks of who stopped, are good for the database that comes back."""
    from tests.db.test_migrations import fill, of_program

    old, now = tmp_path / "old.db", followed.folder / "history.db"
    for path in (old, now):
        for beside in ("", "-wal", "-shm"):
            Path(f"{path}{beside}").unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            of_program(connection, "m0001_history")
            fill(connection, with_absence=False)
    with followed.history() as history:
        wishes.stop(followed.around, history, "a@example.org", [], why="holder")
        keys = history.rows("SELECT * FROM secret ORDER BY name")
    back(followed, old)
    with followed.history() as history:
        assert history.rows("SELECT * FROM secret ORDER BY name") == keys
        assert stops.stopped(history, "a@example.org") is not None
    assert states(followed) == {"a@example.org": "stopped"}


def test_what_was_asked_for_over_the_web_and_answered_since_is_not_asked_again(followed: House) -> None:
    row = ("subscribe", "web@example.org", "{}", "2026-02-04T06:16:50Z")
    with followed.history() as history, history.write() as connection:
        connection.execute("INSERT INTO form (kind, address, wish, created_at) VALUES (?, ?, ?, ?)", row)
    copy = backup(followed.around).file
    with followed.history() as history, history.write() as connection:
        connection.execute("DELETE FROM form")
    back(followed, copy)
    with followed.history() as history:
        assert history.rows("SELECT * FROM form") == []


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE version SET payload = x'00' WHERE number = 2", "version 2 of NCT06805448 at ctgov: it does not come back"),
        ('UPDATE change SET "after" = \'"1999-01-01"\'', "says stands in neither record"),
        ("DROP INDEX change_by_trial", "the index change_by_trial is missing"),
        ("DROP TABLE robots", "the table robots is missing"),
        ("DROP VIEW listings", "the view listings is missing"),
        ("ALTER TABLE version DROP COLUMN redacted_at", "the column redacted_at of version is missing"),
        ("DELETE FROM _sqlite_migrations WHERE name = 'm0004_watched_searches'", "has taken the step m0004_watched_searches"),
    ],
)
def test_a_copy_in_which_something_kept_is_damaged_is_refused(followed: House, sql: str, said: str) -> None:
    copy = backup(followed.around).file
    followed.history().__enter__().close()
    with contextlib.closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute(sql)
    answer = refused(followed, copy)
    assert said in answer
    assert answer.endswith("nothing was changed")
    assert copy.name in answer
    if "--damaged" in answer:
        assert back(followed, copy, damaged=True).carried is not None
