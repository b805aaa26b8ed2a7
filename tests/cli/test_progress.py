"""A bar on a terminal for work that takes longer than a second; none in a pipe."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from registry_sync.cli import common
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.cli.conftest import Terminal
from tests.waiting import PATIENCE, finish, until

UNTIL_A_BAR = "import sys, registry_sync.entry as e, registry_sync.cli.common as c; c.UNTIL_A_BAR = float(sys.argv.pop(1)); e.main()"


class Shown:
    """What a terminal shows, while it is shown."""

    def __init__(self, leader: int) -> None:
        self._leader = leader
        self._octets = bytearray()
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        while True:
            try:
                piece = os.read(self._leader, 4096)
            except OSError:
                return
            if not piece:
                return
            self._octets.extend(piece)

    @property
    def text(self) -> str:
        return self._octets.decode("utf-8", "replace")

    def end(self) -> None:
        finish(self._listener)
        os.close(self._leader)


@contextmanager
def on_a_terminal(terminal: Terminal, *arguments: str, until_a_bar: float = common.UNTIL_A_BAR) -> Iterator[Shown]:
    """Run a command whose stderr is a terminal; what that one shows, which is all of it when the block has ended."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", UNTIL_A_BAR, str(until_a_bar), *arguments],
        cwd=terminal.house.folder,
        stdout=subprocess.PIPE,
        stderr=follower,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"},
    )
    os.close(follower)
    shown = Shown(leader)
    try:
        yield shown
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE)
        shown.end()


def test_a_bar_only_where_someone_looks(terminal: Terminal) -> None:
    assert 0.5 < common.UNTIL_A_BAR < 2
    faults = terminal.house.registry.faults
    terminal.house.registry.put(record.the_study())
    terminal("init")
    terminal("watch", "add", TRIAL)
    with on_a_terminal(terminal, "sync", until_a_bar=300) as quick:
        pass
    assert "Asking" not in quick.text
    hold = faults.hang()
    with on_a_terminal(terminal, "sync") as slow:
        until(lambda: "0/1" in slow.text)
        hold.release()
    assert "Asking" in slow.text
    hold = faults.hang()
    threading.Thread(target=lambda: (hold.wait_until_reached(), threading.Event().wait(1.6), hold.release()), daemon=True).start()
    said = terminal.shell("sync")
    assert said.err == ""
