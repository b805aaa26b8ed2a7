"""The command line in a folder of its own, with a settings file that leads to the loopback world."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from registry_sync.cli import run
from tests.house import House, open_house
from tests.waiting import PATIENCE


@dataclass
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one line that it complained in."""
        lines = [line for line in self.err.splitlines() if line]
        assert len(lines) == 1, self.err
        assert lines[0].startswith("registry-sync: ")
        return lines[0].removeprefix("registry-sync: ")


class Terminal:
    """Runs commands as a user would type them, in this process or (``shell``) in one of their own."""

    def __init__(self, house: House, capsys: pytest.CaptureFixture[str]) -> None:
        self.house = house
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Said:
        self._capsys.readouterr()
        code = run(list(arguments))
        out, err = self._capsys.readouterr()
        return Said(code, out, err)

    def shell(self, *arguments: str, stdin: bytes = b"", **environ: str) -> Said:
        done = subprocess.run(
            [sys.executable, "-m", "registry_sync", *arguments],
            capture_output=True,
            input=stdin,
            cwd=self.house.folder,
            env={**os.environ, **environ},
            check=False,
            timeout=PATIENCE,
        )
        return Said(done.returncode, done.stdout.decode(), done.stderr.decode())


SETTINGS = """\
[ctgov]
url = "{registry}"
[http]
contact = "operator@example.org"
requests_per_minute = 600000
timeout = 60
attempts = 1
[smtp]
host = "{host}"
port = {port}
sender = "Trial alerts <alerts@example.org>"
unsubscribe = "stop@example.org"
timeout = 60
[webhook]
allow_private = true
"""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as opened:
        yield opened


@pytest.fixture
def terminal(house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.chdir(house.folder)
    for name in list(os.environ):
        if name.startswith("REGISTRY_SYNC_"):
            monkeypatch.delenv(name)
    text = SETTINGS.format(registry=house.registry.url, host=house.mailbox.host, port=house.mailbox.port)
    (house.folder / "registry-sync.toml").write_text(text, encoding="utf-8")
    return Terminal(house, capsys)
