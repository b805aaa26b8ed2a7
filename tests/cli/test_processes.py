"""What a process does when it is interrupted, killed or asked to stop; and how little it loads to say how it is used."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jobs import schedule
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.cli.conftest import Terminal
from tests.waiting import PATIENCE, line_with, of_its_own, until

_MAIN = "import registry_sync.entry; registry_sync.entry.main()"


@contextmanager
def started(terminal: Terminal, *arguments: str, first: str = "") -> Iterator[subprocess.Popen[str]]:
    """A command in a process of its own, that is ended with the block whatever happens; ``first``: what it does before anything else."""
    process = subprocess.Popen(
        [sys.executable, *(["-c", f"{first}; {_MAIN}"] if first else ["-m", "registry_sync"]), *arguments],
        cwd=terminal.house.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=PATIENCE)


def begin(terminal: Terminal) -> None:
    terminal.house.registry.put(record.the_study())
    terminal("init")
    terminal("watch", "add", TRIAL)
    terminal("subscribe", "reader@example.org", TRIAL, "--confirmed")
    terminal("sync")


def suspend(terminal: Terminal) -> None:
    house = terminal.house
    house.registry.put(record.with_status(house.registry.study(TRIAL), "SUSPENDED", posted="2026-02-03"))


def test_ctrl_c_in_the_middle_of_a_sync(terminal: Terminal) -> None:
    begin(terminal)
    suspend(terminal)
    hold = terminal.house.registry.faults.hang()
    with started(terminal, "sync") as process:
        hold.wait_until_reached()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
    hold.release()
    assert process.returncode == 130
    assert err.strip() == "registry-sync: interrupted; what was stored so far is whole, and the next run carries on"
    assert terminal("sync", "--json").json["delivered"] == 1


def test_a_kill_in_the_middle_of_a_sync_leaves_no_lock_and_loses_nothing(terminal: Terminal) -> None:
    begin(terminal)
    suspend(terminal)
    hold = terminal.house.registry.faults.hang()
    with started(terminal, "sync") as process:
        hold.wait_until_reached()
        assert "another sync is running: process" in terminal("sync").complaint
        process.kill()
        process.wait(PATIENCE)
    hold.release()
    said = terminal("sync", "--json")
    assert (said.code, said.json["changes"], said.json["delivered"]) == (0, 1, 1)


@pytest.mark.parametrize("moment", ["ehlo", "mail", "data"])
def test_a_kill_while_a_mail_is_sent_repeats_it_with_the_same_identity(terminal: Terminal, moment: str) -> None:
    begin(terminal)
    suspend(terminal)
    terminal("sync", "--no-deliver")
    mailbox = terminal.house.mailbox
    hold = mailbox.hang(moment)  # type: ignore[arg-type]
    with started(terminal, "deliver") as process:
        hold.wait_until_reached()
        process.kill()
        process.wait(PATIENCE)
    hold.release()
    mailbox.behave()
    (row,) = terminal("outbox", "--json").json
    assert row["state"] == "claimed"
    assert terminal("deliver", "--json").json == {"sent": 1, "retrying": 0, "failed": 0, "waiting": 0}
    ids = {str(mail.message["Message-ID"]) for mail in mailbox.messages}
    assert len(ids) == 1
    assert row["id"] in ids.pop()


def test_the_scheduler_catches_up_once_and_ends_on_sigterm(terminal: Terminal) -> None:
    begin(terminal)
    suspend(terminal)
    with terminal.house.history() as history, history.write() as connection:
        connection.execute("UPDATE run SET started_at = '2026-01-01T00:00:00Z'")
    with started(terminal, "run", first=seconds(PATIENCE, 0)) as process:
        until(lambda: len(terminal.house.mailbox.messages) == 1)
        assert "another scheduler is running" in terminal.shell("run").err
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert "asked to stop (SIGTERM)" in err
    assert err.count("sync: 1 looked at, ") == 1
    assert "Traceback" not in err


def due_again(terminal: Terminal) -> None:
    """All jobs of the scheduler are due at once, and it would wait for any server longer than this test for its end."""
    path = terminal.house.folder / "registry-sync.toml"
    text, times = re.subn(r"^timeout = .*$", "timeout = 3000", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert times == 2
    path.write_text(text, encoding="utf-8")
    with terminal.house.history() as history, history.write() as connection:
        connection.execute("DELETE FROM run")


def seconds(to_finish: float, to_stop: float) -> str:
    """What gives the scheduler so many seconds, in place of its own, to finish and then to break off."""
    return f"import jobs.schedule; jobs.schedule.TO_FINISH, jobs.schedule.TO_STOP = {to_finish}, {to_stop}"


def test_the_scheduler_means_to_end_within_ten_seconds_of_a_signal() -> None:
    assert schedule.TO_FINISH + schedule.TO_STOP < 9  # one is left for the rest


def test_the_scheduler_breaks_off_in_the_middle_of_a_request(terminal: Terminal) -> None:
    begin(terminal)
    suspend(terminal)
    due_again(terminal)
    hold = terminal.house.registry.faults.hang()
    with started(terminal, "run", first=seconds(0.2, PATIENCE)) as process:
        hold.wait_until_reached()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert "did not end in time" not in err
    hold.release()
    assert terminal("sync", "--json").json["changes"] == 1


@pytest.mark.parametrize("_", range(3))
def test_the_scheduler_that_is_ended_as_it_begins_says_nothing_of_a_fault(terminal: Terminal, _: int) -> None:
    begin(terminal)
    with terminal.house.history() as history, history.write() as connection:
        connection.execute("DELETE FROM run")  # so that all jobs are due at once
    with started(terminal, "run") as process:
        assert process.stderr is not None
        line_with(process.stderr, "running")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "Traceback" not in err


def test_what_is_under_way_is_finished_after_a_signal(terminal: Terminal) -> None:
    begin(terminal)
    suspend(terminal)
    due_again(terminal)
    hold = terminal.house.registry.faults.hang()
    with started(terminal, "run", first=seconds(PATIENCE, 0)) as process:
        hold.wait_until_reached()
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        line_with(process.stderr, "asked to stop (SIGTERM)")
        hold.release()
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    terminal.house.mailbox.wait_for(1)
    assert [row["state"] for row in terminal("outbox", "--json").json] == ["sent"]


def test_a_mail_server_that_hangs_does_not_hold_up_the_end(terminal: Terminal) -> None:
    begin(terminal)
    suspend(terminal)
    due_again(terminal)
    hold = terminal.house.mailbox.hang("data")
    with started(terminal, "run", first=seconds(0.2, 0.2)) as process:
        hold.wait_until_reached()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "did not end in time and is left; the next run carries on" in err
    hold.release()
    terminal.house.mailbox.behave()
    assert terminal("deliver", "--json").json["sent"] == 1


def test_a_job_that_fails_is_a_line_in_the_log_and_the_schedule_goes_on(terminal: Terminal) -> None:
    begin(terminal)
    terminal.house.registry.stop()
    with terminal.house.history() as history, history.write() as connection:
        connection.execute("DELETE FROM run")
    with started(terminal, "run") as process:
        until(lambda: _finished(terminal, "sync"))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert f"WARNING {TRIAL}: " in err
    assert "Traceback" not in err
    assert list((terminal.house.folder / "backups").glob("history-*.db"))


def _finished(terminal: Terminal, job: str) -> bool:
    with terminal.house.history() as history:
        names = {row["job"] for row in history.rows("SELECT job FROM run WHERE finished_at IS NOT NULL")}
    return {job, "backup"} <= names


def test_a_closed_pipe_is_no_fault(terminal: Terminal) -> None:
    begin(terminal)
    suspend(terminal)
    terminal("sync")
    command = f"{sys.executable} -m registry_sync show {TRIAL} | head -c 10"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=terminal.house.folder, capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_help_loads_nothing_that_costs_time() -> None:
    heavy = [
        "requests",
        "bs4",
        "lxml",
        "apscheduler",
        "rich.progress",
        "babel",
        "jinja2",
        "sqlite_utils",
        "aiosmtpd",
        "apprise",
        "msgspec",
        "email.mime",
    ]
    code = f"import sys, registry_sync.cli; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2], env=os.environ
    )
    assert done.stdout.strip() == "[]"


_UP = "import signal, sys, registry_sync.entry as e; signal.signal(signal.SIGINT, e._at_once); print('up', flush=True); e.main()"
"""The program's own first lines, saying when they have run: what the interpreter does before them is not this program's."""


@pytest.mark.timeout(300)
def test_ctrl_c_at_any_moment_of_the_start_gives_no_traceback(terminal: Terminal) -> None:
    begin(terminal)
    for step in range(14):
        process = subprocess.Popen(
            [sys.executable, "-c", _UP, "sync"], cwd=terminal.house.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "up\n"
            threading.Event().wait(step * 0.03)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        assert process.returncode in (0, 130), (step, err)
        assert "Traceback" not in of_its_own(err), (step, err)


_GRUMBLED = """\
Exception ignored in: <function Thing.__del__ at 0x7f86bc68d620>
Traceback (most recent call last):
  File "thing.py", line 5, in __del__
    go()
KeyboardInterrupt:\x20
"""
_OURS = """\
Traceback (most recent call last):
  File "thing.py", line 9, in work
    go()
KeyboardInterrupt
"""


def test_what_python_grumbles_hides_no_traceback_of_ours() -> None:
    assert of_its_own(_GRUMBLED) == ""
    assert of_its_own(f"{_GRUMBLED}{_OURS}{_GRUMBLED.rstrip()}") == _OURS
