"""A program run to its end and measured from outside, its start counted."""

from __future__ import annotations

import compileall
import importlib.util
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_SLOWER = frozenset({"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONDEVMODE", "PYTHONWARNINGS"})
"""What a developer sets and a user does not."""


@dataclass(frozen=True)
class Run:
    """What a program took and said.

    Seconds: by the wall clock, of the processor for itself, and for the system's work for it; memory at the highest in MB.
    ``stdout``: what it printed, until the next run in the same folder.
    """

    seconds: float
    user: float
    system: float
    megabytes: float
    stdout: Path
    code: int


def compile_packages(*names: str) -> None:
    """Write the bytecode of packages that run from a checkout, as pip does for those that it installs."""
    for name in names:
        found = importlib.util.find_spec(name)
        assert found is not None
        for folder in found.submodule_search_locations or ():
            compileall.compile_dir(folder, quiet=2)


def timed(command: Sequence[str], folder: Path) -> Run:
    """Run a program in a folder, with nothing of the user's own settings. Its output goes to files: a full pipe would hold it up.

    The memory is that of the process after its start, but never less than this one's own: who measures must be small.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_SYNC_") and name not in _SLOWER}
    environment = kept | {"HOME": str(folder), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=environment)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    return Run(seconds, used.ru_utime, used.ru_stime, used.ru_maxrss / 1024, folder / "stdout", process.returncode)
