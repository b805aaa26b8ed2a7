"""How long a command takes to say how it is used, beside a bare import of what it cannot do without.

python -m benchmarks.start
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

RUNS = 15


def seconds(*command: str) -> float:
    """The median of several runs, which alternate with the others' only by chance: the first one is left out."""
    times = []
    for _ in range(RUNS + 1):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def main() -> None:
    """Print the table."""
    bare = seconds(sys.executable, "-c", "import click, msgspec, sqlite3")
    rows = {
        "python -c 'import click, msgspec, sqlite3'": bare,
        "registry-sync --help": seconds(sys.executable, "-m", "registry_sync", "--help"),
        "registry-sync sync --help": seconds(sys.executable, "-m", "registry_sync", "sync", "--help"),
        "everything imported at once": seconds(
            sys.executable,
            "-c",
            "import click, msgspec, sqlite3, sqlite_utils, requests, bs4, lxml, apscheduler, rich.progress, babel, jinja2, aiosmtpd",
        ),
    }
    for name, value in rows.items():
        print(f"{value * 1000:8.0f} ms  {value / bare:5.2f} x  {name}")


if __name__ == "__main__":
    main()
