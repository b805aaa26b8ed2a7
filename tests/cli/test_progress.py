"""A bar on a terminal for work that takes longer than a second; none in a pipe."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading

from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.cli.conftest import Terminal


def on_a_terminal(terminal: Terminal, *arguments: str) -> tuple[int, str]:
    """Run a command whose stderr is a terminal; its exit code and what that terminal showed."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "registry_sync", *arguments],
        cwd=terminal.house.folder,
        stdout=subprocess.PIPE,
        stderr=follower,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"},
    )
    os.close(follower)
    shown = bytearray()

    def listen() -> None:
        while True:
            try:
                piece = os.read(leader, 4096)
            except OSError:
                return
            if not piece:
                return
            shown.extend(piece)

    listener = threading.Thread(target=listen)
    listener.start()
    process.communicate(timeout=40)
    listener.join(10)
    os.close(leader)
    return process.returncode, shown.decode("utf-8", "replace")


def slowly(terminal: Terminal) -> None:
    """The registry takes longer than a second for its next answer."""
    hold = terminal.house.registry.faults.hang()
    threading.Thread(target=lambda: (hold.wait_until_reached(20), threading.Event().wait(1.6), hold.release()), daemon=True).start()


def test_a_bar_only_where_someone_looks(terminal: Terminal) -> None:
    terminal.house.registry.put(record.the_study())
    terminal("init")
    terminal("watch", "add", TRIAL)
    code, quick = on_a_terminal(terminal, "sync")
    assert code == 0
    assert "Asking" not in quick
    slowly(terminal)
    _, shown = on_a_terminal(terminal, "sync")
    assert "Asking" in shown
    assert "0/1" in shown
    slowly(terminal)
    said = terminal.shell("sync")
    assert said.err == ""
