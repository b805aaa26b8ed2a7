"""Where nothing can be written, one line says which file, and what to do."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.cli.conftest import Terminal
from tests.cli.test_keeping import limited

QUIET = {"COVERAGE_PROCESS_CONFIG": "", "COVERAGE_PROCESS_START": ""}
"""Without what traces processes, which would want to write, too."""


@pytest.fixture
def watched(terminal: Terminal) -> Terminal:
    terminal.house.registry.put(record.the_study())
    terminal("watch", "add", TRIAL)
    terminal("sync")
    return terminal


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a system without a device that is always full")  # noqa: PTH110
@pytest.mark.parametrize("command", ["export", "deadlines"])
def test_a_full_disk_behind_stdout(watched: Terminal, command: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "registry_sync", command],
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=watched.house.folder,
            env={**os.environ, **QUIET},
            check=False,
            timeout=50,
        )
    line = "registry-sync: stdout: No space left on device; make room where it leads, or lead it elsewhere\n"
    assert (done.returncode, done.stderr.decode()) == (2, line)


@pytest.mark.parametrize("format_", ["jsonl", "sqlite"])
def test_a_disk_that_fills_while_an_export_is_written(watched: Terminal, format_: str) -> None:
    folder = watched.house.folder
    before = sorted(path.name for path in folder.iterdir() if "history.db-" not in path.name)
    with open_database(watched), limited(watched, 4_000):
        said = watched("export", "--format", format_, "--output", "all")
    assert said.code == 2
    assert said.complaint.startswith("all: ")
    assert "unfinished" not in said.complaint
    assert sorted(path.name for path in folder.iterdir() if "history.db-" not in path.name) == before


def test_a_disk_that_fills_while_pages_are_published(watched: Terminal) -> None:
    folder = watched.house.folder
    assert watched("publish", "site").code == 0
    before = {path: path.read_bytes() for path in folder.glob("site/**/*.html")}
    with open_database(watched), limited(watched, 4_000):
        said = watched("publish", "site")
    assert said.code == 1
    assert said.complaint.startswith(f"{folder / 'site'}: cannot be written (")
    assert said.complaint.endswith("; make room, or name another folder: it stays as it was")
    assert {path: path.read_bytes() for path in folder.glob("site/**/*.html")} == before


@contextlib.contextmanager
def open_database(terminal: Terminal) -> Iterator[None]:
    """Somebody has it open, so that what SQLite lays beside it is there already."""
    with terminal.house.history() as history:
        history.rows("SELECT 1 FROM watch")
        yield


def test_a_sync_of_a_database_that_is_none_leaves_nothing_beside_it(watched: Terminal) -> None:
    folder = watched.house.folder / "elsewhere"
    folder.mkdir()
    for command in ("sync", "deliver"):
        said = watched("--database", str(folder / "histroy.db"), command)
        assert said.code == 2
        assert "there is no such database" in said.complaint
    assert list(folder.iterdir()) == []
    (folder / "a folder").mkdir()
    assert watched("--database", str(folder / "a folder"), "sync").code == 2
    assert [path.name for path in folder.iterdir()] == ["a folder"]
