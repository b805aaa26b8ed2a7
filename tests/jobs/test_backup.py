"""A copy of the database: whole, verified, its owner's alone, and what is old goes."""

from __future__ import annotations

import contextlib
import datetime
import errno
import os
import sqlite3
import threading
from pathlib import Path

import pytest

from db import copies_kept, copying
from db.connection import open_history
from jobs.backup import backup
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.errors import DatabaseError, Stopped
from tests.house import House
from tests.waiting import finish


@pytest.fixture
def followed(house: House) -> House:
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.subscribe("reader@example.org")
    house.sync()
    house.registry.put(record.with_completion(house.registry.study(TRIAL), "2027-01-01"))
    house.sync()
    return house


def tables(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
        return {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in names if name not in ("run", "tidied")}


def made(house: House) -> list[str]:
    return sorted(path.name for path in (house.folder / "backups").iterdir())


def test_everything_is_in_the_copy(followed: House) -> None:
    before = tables(followed.folder / "history.db")
    copy = backup(followed.around)
    assert tables(copy.file) == before
    assert copy.octets == copy.file.stat().st_size
    assert copy.as_json()["rows"] == {"trial": 1, "version": 2, "change": 1, "subscription": 1, "notice": 1}
    assert copy.file.name == "history-20260204T061700Z.db"
    assert made(followed) == [copy.file.name]


def test_it_may_be_read_by_its_owner_only(followed: House) -> None:
    os.umask(0)
    copy = backup(followed.around)
    assert copy.file.stat().st_mode & 0o077 == 0
    assert copy.file.parent.stat().st_mode & 0o077 == 0
    os.umask(0o022)


def test_the_copy_opens_as_a_history(followed: House) -> None:
    with open_history(backup(followed.around).file) as history:
        assert history.one("SELECT count(*) AS n FROM version") == {"n": 2}


def test_nobody_who_writes_waits_for_it(followed: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two pages of the copy somebody writes, at once, and what they write is not in it."""
    monkeypatch.setattr(copying, "_PAGES", 1)
    real, written = copying._copy, []

    def copy_while_others_write(history, target, between):  # type: ignore[no-untyped-def]
        def write() -> None:
            between()
            if len(written) < 3:
                with followed.history() as other, other.write() as connection:
                    connection.execute("INSERT INTO trial VALUES (?, '2026-02-04T06:17:00Z')", (f"NCT0000000{len(written)}",))
                written.append(1)

        return real(history, target, write)

    monkeypatch.setattr(copying, "_copy", copy_while_others_write)
    copy = backup(followed.around)
    assert len(written) == 3
    assert copy.rows["trial"] == 1
    assert len(tables(copy.file)["trial"]) == 1
    assert len(tables(followed.folder / "history.db")["trial"]) == 4


def test_two_within_a_second_are_two_copies(followed: House) -> None:
    errors: list[Exception] = []

    def run() -> None:
        try:
            backup(followed.around)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    finish(*threads)
    assert errors == []
    first, second = (each for each in copies_kept.made(followed.around.database) if each.whole)
    assert {first.path.name, second.path.name} == {"history-20260204T061700Z.db", "history-20260204T061700Z-2.db"}
    assert max(first, second, key=lambda copy: copy.made_at).path.name == "history-20260204T061700Z-2.db"


def test_only_what_this_program_made_is_old_enough_to_go(followed: House) -> None:
    first = backup(followed.around).file
    names = ("history-old.db", "other-20200101T000000Z.db", "history-20200101T000000Z.db.gz", "history-extra-20200101T000000Z.db")
    mine = [followed.folder / "backups" / name for name in names]
    for path in mine:
        path.write_bytes(b"mine")
    followed.at += datetime.timedelta(days=15)
    done = backup(followed.around)
    assert done.removed == 1
    assert not first.exists()
    assert all(path.exists() for path in mine)


def test_whatever_may_hold_an_address_goes_when_it_is_old(followed: House) -> None:
    """What a restore laid aside, a second copy of one second, a copy that was opened by itself, and what is left of one that is gone."""
    first = backup(followed.around).file
    names = (
        f"{first.name}.damaged",
        f"{first.name}.damaged-wal",
        f"{first.name}-2.damaged",
        f"{first.stem}-2.db",
        f"{first.name}-wal",
        f"{first.name}.before-m0011_retention.backup",
        "history-20260101T000000Z.db-wal",
    )
    for name in names:
        first.with_name(name).write_bytes(first.read_bytes())
    shared = ("history-20260101T000000Z.txt.damaged", "letter.damaged", "history.damaged-wal")
    for name in shared:
        first.with_name(name).write_bytes(b"mine")
    followed.at += datetime.timedelta(days=13)
    assert backup(followed.around).removed == 1
    assert {first.name, *names[:-1]} <= set(made(followed))
    followed.at += datetime.timedelta(days=2)
    done = backup(followed.around)
    assert done.removed == 5
    assert made(followed) == sorted([*shared, "history-20260217T061700Z.db", done.file.name])


def test_what_was_laid_aside_as_damaged_is_not_the_copy_to_go_back_to(followed: House) -> None:
    only = backup(followed.around).file
    only.with_name("history-20260205T000000Z.db.damaged").write_bytes(b"x")
    followed.at += datetime.timedelta(days=500)
    backup(followed.around, followed.folder / "elsewhere.db")
    assert made(followed) == [only.name]


def test_the_newest_copy_stays_however_old_it_is(followed: House, tmp_path: Path) -> None:
    only = backup(followed.around).file
    followed.at += datetime.timedelta(days=500)
    elsewhere = backup(followed.around, tmp_path / "elsewhere.db")
    assert elsewhere.removed == 0
    assert only.exists()


def test_a_copy_goes_where_it_is_told(followed: House, tmp_path: Path) -> None:
    folder = tmp_path / "mnt"
    folder.mkdir()
    assert backup(followed.around, folder).file == folder / "history-20260204T061700Z.db"
    file = backup(followed.around, folder / "nightly.db").file
    followed.sync()
    assert backup(followed.around, file).file == file  # an earlier copy is replaced
    (folder / "letter.txt").write_text("mine")
    with pytest.raises(DatabaseError, match="is there already, and is no copy of a history"):
        backup(followed.around, folder / "letter.txt")
    with pytest.raises(DatabaseError, match="is the database itself"):
        backup(followed.around, followed.folder / "history.db")
    with pytest.raises(DatabaseError, match="its folder does not exist"):
        backup(followed.around, tmp_path / "nowhere" / "copy.db")


def test_no_copy_takes_a_name_that_the_database_needs(followed: House, tmp_path: Path) -> None:
    for name in ("history.db-wal", "history.db-journal", "history.db.publish.lock"):
        with pytest.raises(DatabaseError, match=r"is a name that the database itself needs|is no copy of a history"):
            backup(followed.around, followed.folder / name)
        assert not (followed.folder / name).is_file() or not copying.is_ours(followed.folder / name)
    assert backup(followed.around, followed.folder / "backups").file.parent == followed.folder / "backups"
    (tmp_path / "mnt").mkdir()
    (tmp_path / "newest.db").symlink_to("mnt/copy.db")
    for _ in range(2):
        assert backup(followed.around, tmp_path / "newest.db").file == tmp_path / "mnt" / "copy.db"
    assert (tmp_path / "newest.db").is_symlink()


def test_a_disk_that_is_full_leaves_no_half_file(followed: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(copying, "sync_to_disk", full)
    with pytest.raises(DatabaseError, match="No space left on device"):
        backup(followed.around)
    assert made(followed) == []


def test_a_copy_that_is_not_what_was_copied_is_refused(followed: House, monkeypatch: pytest.MonkeyPatch) -> None:
    real = copying._copy

    def lossy(history, target, between):  # type: ignore[no-untyped-def]
        counts = real(history, target, between)
        with contextlib.closing(sqlite3.connect(target)) as connection:
            connection.execute("DELETE FROM notice_change")
            connection.commit()
        return counts

    monkeypatch.setattr(copying, "_copy", lossy)
    with pytest.raises(DatabaseError, match="has not as many rows"):
        backup(followed.around)
    assert made(followed) == []


def test_a_folder_that_cannot_be_written_is_one_line(followed: House) -> None:
    (followed.folder / "backups").write_text("a file where the folder should be")
    with pytest.raises(DatabaseError, match="backups"):
        backup(followed.around)


def test_what_a_killed_backup_left_is_taken_away(followed: House) -> None:
    folder = followed.folder / "backups"
    folder.mkdir()
    (folder / "history-20260101T000000Z.db.unfinished").write_bytes(b"half")
    (folder / "mine.unfinished").write_bytes(b"mine")
    backup(followed.around)
    assert made(followed) == ["history-20260204T061700Z.db", "mine.unfinished"]


def test_who_is_asked_to_stop_leaves_nothing(followed: House) -> None:
    around = followed.around
    around.stop.set()
    with pytest.raises(Stopped):
        backup(around)
    assert made(followed) == []
    with followed.history() as history:
        assert history.rows("SELECT outcome FROM run WHERE job = 'backup'") == [{"outcome": "stopped"}]


def test_rows_of_old_runs_go_but_the_last_of_each_job(followed: House) -> None:
    with followed.history() as history:
        before = history.rows("SELECT job, count(*) AS n FROM run GROUP BY job ORDER BY job")
    assert before == [{"job": "deliver", "n": 1}, {"job": "sync", "n": 2}]
    followed.at += datetime.timedelta(days=401)
    assert backup(followed.around).kept.runs == 1
    with followed.history() as history:
        rows = history.rows("SELECT job, count(*) AS n FROM run GROUP BY job ORDER BY job")
    assert rows == [{"job": "backup", "n": 1}, {"job": "deliver", "n": 1}, {"job": "sync", "n": 1}]


def test_what_killed_ones_left_goes_with_the_next(followed: House) -> None:
    folder, stamp = followed.folder, "history-20260101T000000Z.db.unfinished"
    (folder / "backups").mkdir()
    left = [folder / "history.db.restoring.unfinished", folder / ".trials.csv.999999999.unfinished", folder / "backups" / stamp]
    left += [folder / "history.db.restoring.unfinished.before-m0011_retention.backup", folder / ".x.parquet.999999999.unfinished.rows"]
    others = [folder / f".trials.csv.{os.getpid()}.unfinished", folder / "song.unfinished"]
    for path in (*left, *others, folder / "history.db.restoring.unfinished-journal"):
        path.write_text("reader@example.org")
    backup(followed.around)
    assert set(folder.rglob("*.unfinished*")) == set(others)


def test_only_copies_of_a_history_age_out(followed: House) -> None:
    followed.set("retention", backups=1)
    first = backup(followed.around).file
    stranger = first.with_name("history-20200101T000000Z.db")
    stranger.write_text("my notes")
    followed.at += datetime.timedelta(days=9)
    assert backup(followed.around).removed == 1
    assert stranger.read_text() == "my notes"
    assert not first.exists()


def test_a_copy_that_is_dated_in_the_future_does_not_make_the_newest_one_go(followed: House, tmp_path: Path) -> None:
    followed.set("retention", backups=1)
    first = backup(followed.around).file
    ahead = first.with_name("history-99990101T000000Z.db")
    ahead.write_bytes(first.read_bytes())
    followed.at += datetime.timedelta(days=9)
    assert backup(followed.around, tmp_path / "elsewhere.db").removed == 0
    assert first.exists()
    assert backup(followed.around).removed == 1
    assert (first.exists(), ahead.exists()) == (False, True)


def test_the_only_copy_stays_whatever_its_date(followed: House, tmp_path: Path) -> None:
    followed.set("retention", backups=1)
    first = backup(followed.around).file
    only = first.rename(first.with_name("history-99990101T000000Z.db"))
    followed.at += datetime.timedelta(days=9)
    assert backup(followed.around, tmp_path / "elsewhere.db").removed == 0
    assert only.exists()
