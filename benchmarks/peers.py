"""urlwatch and webchanges as a user would set them to watch trials: one job for each trial, the API's JSON pretty-printed.

Each lies in a virtual environment of its own under ``.venv-peers``.

    python -m benchmarks.peers      installs them (done by ``make bench``); a failure is one line, and the benchmark does without
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.process import Run, timed

HOME = Path(__file__).resolve().parents[1] / ".venv-peers"

_JOB = "name: {trial}\nurl: {url}/api/v2/studies/{trial}\nfilter:\n  - format-json\n"
_SETTINGS = "report:\n  stdout:\n    enabled: true\n    color: false\n"
_HEADLINE = re.compile(r"\d+\. ([A-Z]+): ")


@dataclass(frozen=True)
class Peer:
    """A watcher of web pages. ``jobs`` and ``store``: its options for the list of jobs and for its snapshots."""

    name: str
    version: str
    jobs: str
    store: str
    settings: str = _SETTINGS

    @property
    def program(self) -> Path:
        return HOME / self.name / "bin" / self.name

    @property
    def is_there(self) -> bool:
        return self.program.is_file()

    def install(self) -> None:
        """Raises CalledProcessError."""
        folder = self.program.parents[1]
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, f"{self.name}=={self.version}"], check=True)

    def prepare(self, folder: Path, url: str, trials: Sequence[str]) -> None:
        """Its files in a folder: the jobs, and settings that report to standard output alone."""
        (folder / "jobs.yaml").write_text("---\n".join(_JOB.format(trial=trial, url=url) for trial in trials))
        (folder / "settings.yaml").write_text(self.settings)
        (folder / "hooks.py").write_text("")

    def look(self, folder: Path) -> Run:
        """Look once at every trial, with as many threads as it takes by itself."""
        files = {self.jobs: "jobs.yaml", "--config": "settings.yaml", "--hooks": "hooks.py", self.store: "snapshots.db"}
        run = timed([str(self.program), *(f"{option}={folder / file}" for option, file in files.items())], folder)
        assert run.code == 0, f"{self.name} ended with {run.code}: {(folder / 'stderr').read_text()[-500:]}"
        assert "ERROR" not in headlines(run), f"{self.name} could not look at everything"
        return run


def headlines(run: Run) -> Counter[str]:
    """How many trials a peer reported as NEW, CHANGED, or ERROR; read line by line, since it prints whole records."""
    with run.stdout.open(errors="replace") as lines:
        return Counter(found[1] for line in lines if (found := _HEADLINE.match(line)))


PEERS = (
    Peer("urlwatch", "2.29", jobs="--urls", store="--cache"),
    # it would ask a package index for its newest version in each run
    Peer("webchanges", "3.37", jobs="--jobs", store="--database", settings=_SETTINGS + "version_check:\n  enabled: false\n"),
)


def main() -> None:
    """Install what is not there yet."""
    HOME.mkdir(exist_ok=True)
    (HOME / ".gitignore").write_text("*\n")
    for peer in PEERS:
        if peer.is_there:
            continue
        try:
            peer.install()
        except subprocess.CalledProcessError:
            print(f"{peer.name} {peer.version} could not be installed: the ratios against it are left out")


if __name__ == "__main__":
    main()
