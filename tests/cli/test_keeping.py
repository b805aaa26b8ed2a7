"""``backup``, ``restore`` and ``check``, as they are typed; killed at any instant, they leave one whole database or the other."""

from __future__ import annotations

import contextlib
import datetime
import os
import random
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from db import copying
from jobs.lock import only_one
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.cli.conftest import Terminal
from tests.cli.test_kills import end, start
from tests.cli.test_processes import started
from tests.waiting import PATIENCE, free_port, until

KILLS = int(os.environ.get("BACKUP_KILLS", "3"))
SEED = int(os.environ.get("SEED", "20260203"))
READER = "reader@example.org"


@pytest.fixture
def followed(terminal: Terminal) -> Terminal:
    terminal.house.registry.put(record.the_study())
    terminal("init")
    terminal("watch", "add", TRIAL)
    terminal("subscribe", READER, TRIAL, "--confirmed")
    terminal("sync")
    moved(terminal, datetime.date(2027, 1, 1))
    terminal("sync", "--no-deliver")
    return terminal


def moved(terminal: Terminal, day: datetime.date) -> None:
    registry = terminal.house.registry
    registry.put(record.with_completion(registry.study(TRIAL), day.isoformat()))


def copies(terminal: Terminal) -> list[Path]:
    return sorted((terminal.house.folder / "backups").glob("*.db"), key=lambda path: path.stat().st_mtime_ns)


def dates(terminal: Terminal) -> list[str]:
    return [row["after"]["date"] for row in reversed(terminal("changes", "--json").json)]


def test_there_and_back(followed: Terminal) -> None:
    said = followed("backup")
    assert said.code == 0
    (copy,) = copies(followed)
    assert said.out == f"copied to {copy}, and verified: 1 trial, 2 versions, 1 change, 1 subscription\n"
    followed("deliver")
    followed("unsubscribe", READER)
    moved(followed, datetime.date(2027, 5, 5))
    followed("sync")
    assert dates(followed) == ["2027-01-01", "2027-05-05"]

    back = followed("restore", str(copy))
    assert back.code == 0
    assert back.err == ""
    lines = back.out.splitlines()
    assert lines[0].startswith(f"restored {followed.house.folder}/history.db from {copy}, as it was at 20")
    assert lines[1].startswith(f"what it replaces is kept as {followed.house.folder}/backups/history-")
    assert lines[2].endswith(": 1 notice sent, refused or cancelled, 1 subscription stopped, 1 keyed hash of a stop")
    assert dates(followed) == ["2027-01-01"]
    assert followed("subscriptions", "--json").json[0]["state"] == "stopped"
    assert followed("deliver", "--json").json["sent"] == 0
    assert followed("check").out == "2 versions, 1 change, 1 notice looked at: all sound\n"


def test_what_is_watched_by_way_of_a_restore_is_named(followed: Terminal) -> None:
    followed("watch", "add", "--query", "cond=Dry Mouth")
    old = followed("backup", "--json").json["file"]
    followed("watch", "remove", "--query", "cond=Dry Mouth")
    followed("watch", "add", *(f"NCT0000000{n}" for n in range(1, 8)))
    right = followed("backup", "--json").json["file"]
    said = followed("restore", old, "--yes").out
    first = ", ".join(f"NCT0000000{n}" for n in range(1, 6))
    assert f" 7 watches ({first} and 2 more)" in said
    assert ": watched again, 'cond=Dry Mouth'; `registry-sync watch list` shows them" in said
    said = followed("restore", right, "--yes").out
    assert "was watched again only since an older copy came back, and is not now: 'cond=Dry Mouth'; `registry-sync watch add`" in said
    assert not [row for row in followed("watch", "list", "--json").json if row.get("query")]


def test_json(followed: Terminal) -> None:
    copy = followed("backup", "--json").json
    assert copy["rows"] == {"trial": 1, "version": 2, "change": 1, "subscription": 1, "notice": 1}
    assert copy["removed"] == {"backups": 0, "subscriptions": 0, "contacts": 0, "runs": 0}
    back = followed("restore", copy["file"], "--json").json
    named: dict[str, list[str]] = {"watches": [], "again": [], "left": []}
    entered = {"watches": 0, "desk": 0, "subscriptions": 0, "again": 0, "left": 0, "named": named}
    assert back["carried_over"] == {"sent": 0, "stopped": 0, "erased": 0, "stops": 0, "later": 0, "lost": 0, "told": 0, "entered": entered}
    assert followed("check", "--deep", "--json").json["ok"] is True


def test_a_folder_a_file_and_what_is_neither(followed: Terminal, tmp_path: Path) -> None:
    assert followed("backup", "--to", f"{tmp_path}/nightly.db").code == 0
    assert followed("backup", "--to", f"{tmp_path}/nightly.db").code == 0
    said = followed("backup", "--to", f"{tmp_path}/nowhere/")
    assert said.code == 2
    assert "there is no such folder" in said.complaint
    assert followed("backup", "--to", "").code == 2
    (tmp_path / "letter.txt").write_text("mine")
    said = followed("backup", "--to", f"{tmp_path}/letter.txt")
    assert (said.code, (tmp_path / "letter.txt").read_text()) == (2, "mine")
    assert followed("restore", f"{tmp_path}/letter.txt").code == 2
    os.mkfifo(tmp_path / "pipe")
    assert "is no copy of a history" in followed("backup", "--to", f"{tmp_path}/pipe").complaint
    assert "is no database of this program" in followed("restore", f"{tmp_path}/pipe").complaint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_folder_that_may_not_be_written_is_one_line(followed: Terminal, tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    said = followed("backup", "--to", str(folder))
    assert said.code == 2
    assert "cannot be written" in said.complaint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_database_that_may_not_be_written_is_not_replaced(followed: Terminal) -> None:
    followed("backup")
    (copy,) = copies(followed)
    database = followed.house.folder / "history.db"
    database.chmod(0o400)
    said = followed("restore", str(copy))
    assert (said.code, said.complaint) == (2, f"{database}: cannot be written: the file is read-only; nothing was changed")


def test_a_disk_that_is_full_is_one_line_and_no_half_file(followed: Terminal) -> None:
    with limited(followed, 60_000):
        # without what traces processes, which would want to write, too
        said = followed.shell("backup", "--to", "copy.db", COVERAGE_PROCESS_CONFIG="", COVERAGE_PROCESS_START="")
    assert said.code == 2
    assert len(said.err.splitlines()) == 1
    assert "Traceback" not in said.err
    assert not list(followed.house.folder.glob("copy.db*"))
    assert followed("check").code == 0


@contextlib.contextmanager
def limited(terminal: Terminal, octets: int) -> Iterator[None]:
    """No file may grow beyond this: what is written there fails as on a full disk."""
    import resource

    with contextlib.closing(sqlite3.connect(terminal.house.folder / "history.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("command", ["run", "serve"])
def test_what_is_at_work_is_named(followed: Terminal, command: str) -> None:
    followed("backup")
    (copy,) = copies(followed)
    with (followed.house.folder / "registry-sync.toml").open("a", encoding="utf-8") as file:
        file.write(f'[web]\nlisten = "127.0.0.1:{free_port()}"\n')
    with started(followed, command) as process:
        lock = followed.house.folder / f"history.db.{command}.lock"
        until(lambda: lock.exists() and lock.read_text())
        said = followed("restore", str(copy))
        process.terminate()
        process.communicate(timeout=PATIENCE)
    assert {"run": "the scheduler", "serve": "the web server"}[command] in said.complaint
    assert f"process {process.pid} since " in said.complaint
    assert said.complaint.endswith("nothing was changed")
    assert followed("restore", str(copy)).code == 0


def test_under_a_link_a_database_is_the_same(followed: Terminal) -> None:
    """Whoever is at work under the one name is noticed under the other, and nothing of what is replaced stays behind."""
    folder = followed.house.folder
    (copy,) = [Path(followed("backup", "--json").json["file"])]
    followed("subscribe", "later@example.org", TRIAL, "--confirmed")
    (folder / "link.db").symlink_to("history.db")
    with only_one(folder / "history.db", "run"):
        said = followed("--database", "link.db", "restore", str(copy))
    assert "is in use by the scheduler" in said.complaint
    back = followed("--database", "link.db", "restore", "--as-is", str(copy))
    assert back.code == 0
    assert (folder / "link.db").is_symlink()
    assert b"later@example.org" not in (folder / "history.db").read_bytes()
    assert {path.name for path in folder.glob("link*")} == {"link.db"}
    assert len(copies(followed)) == 2


@pytest.mark.parametrize("option", ["--database", "--config"])
def test_an_empty_name_is_no_file(terminal: Terminal, option: str) -> None:
    said = terminal(option, "", "init")
    assert (said.code, said.complaint) == (2, f"{option}: an empty name is no file: name one")
    assert not (terminal.house.folder / "history.db").exists()


def test_damage_is_said_in_one_line_each(followed: Terminal) -> None:
    with contextlib.closing(sqlite3.connect(followed.house.folder / "history.db", isolation_level=None)) as connection:
        connection.execute("UPDATE version SET payload = x'00' WHERE number = 2")
    said = followed("check")
    assert said.code == 1
    assert said.out.splitlines()[0].startswith(f"FAULT  version 2 of {TRIAL} at ctgov: it does not come back")
    assert said.out.splitlines()[0].endswith("; restore a backup in which `check` finds none of this")
    assert said.out.splitlines()[1].endswith("looked at: 1 fault")


# --- killed ------------------------------------------------------------------------------------------------------------


@pytest.mark.timeout(120 + 20 * KILLS)
def test_a_backup_during_a_sync_is_whole_whenever_either_is_killed(followed: Terminal) -> None:
    chance, kills, day = random.Random(SEED), 0, datetime.date(2027, 2, 1)
    looked_at = set()
    for _ in range(20 * KILLS):
        day += datetime.timedelta(days=1)
        moved(followed, day)
        together = [start(followed, "registry_sync", command) for command in ("sync", "backup")]
        kills += end([together.pop(chance.randrange(2))], chance.uniform(0.1, 0.9))
        end(together, 40)
        for copy in set(copies(followed)) - looked_at:
            copying.verify(copy)
            looked_at.add(copy)
        if kills >= KILLS:
            break
    assert kills >= KILLS
    assert followed("backup").code == 0
    assert not list((followed.house.folder / "backups").glob("*.unfinished*"))
    newest = copies(followed)[-1]
    known = dates(followed)
    back = followed("restore", str(newest))
    assert back.code == 0, back.err
    assert followed("check", "--deep").code == 0
    assert dates(followed) == known
    moved(followed, datetime.date(2029, 1, 1))
    assert followed("sync").code in (0, 1)
    assert dates(followed)[-1] == "2029-01-01"


STEPS = (
    "db.replacing.check_backup after",
    "db.copying.copy_to after",
    "db.replacing.prepare before",
    "db.replacing.prepare after",
    "db.carrying.carry_over before",
    "db.carrying.carry_over after",
    "db.replacing.finish before",
    "db.replacing.finish after",
    "db.replacing.replace before",
    "db.copying.sync_to_disk before",
    "db.replacing.replace after",
    "db.copying.removed_when_it_fails before",
)


@pytest.mark.timeout(200)
def test_a_restore_that_is_killed_leaves_the_one_or_the_other(followed: Terminal) -> None:
    copy = Path(followed("backup", "--json").json["file"])
    moved(followed, datetime.date(2027, 5, 5))
    followed("sync", "--no-deliver")
    old, new = ["2027-01-01", "2027-05-05"], ["2027-01-01"]
    left = []
    for step in STEPS:
        assert end([start(followed, "tests.cli.dying", step, "1", "restore", str(copy))], 40) == 1, step
        left.append(dates(followed))
        assert left[-1] in (old, new), step
        assert followed("check").code == 0, step
        if left[-1] == new:
            moved(followed, datetime.date(2028, 1, 1))
            moved(followed, datetime.date(2027, 5, 5))
            followed("sync", "--no-deliver")
    assert old in left
    assert new in left
    assert followed("restore", str(copy)).code == 0
    assert dates(followed) == new
    assert not list(followed.house.folder.glob("*.unfinished*"))
    for made in copies(followed):
        copying.verify(made)
