"""``registry-sync sync`` as a user runs it, beside urlwatch and webchanges, on the same loopback registry in one run.

    python -m benchmarks.sync [--only 1000|10000|100000] [--big] [--no-peers] [--runs 3]

The figures are medians of the runs; webchanges is run once for each case, and at more than 1,000 trials no peer more than that.
``ratio`` is our time as a part of the peer's. A missed target is printed as such; a wrong outcome ends the benchmark.

"Release stamp only": every record has its new ``versionHolder``, as after each release of the real registry. "10 really changed":
only these and the registry's own stamp move, which is the peers' better day. "100 changed" is a day as it comes: both.
"sync --full" asks for every record whole; of its cost, each day of a week bears a part, which the other rows, so soon after the
first capture, do not show.
100,000 trials take minutes and gigabytes, and are asked for with ``--big``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.peers import PEERS, Peer
from benchmarks.process import Run, compile_packages, timed
from benchmarks.registry import Numbers, Registry, running, trials

SIZES = (1_000, 10_000, 100_000)
AT_ONCE = 5_000
SETTINGS = """\
database = "history.db"

[ctgov]
url = "{url}"

[http]
requests_per_minute = 600000
"""


@dataclass(frozen=True)
class Case:
    """A row of the table: what happens before the look, and what is to be reached. ``part``: of urlwatch's time, as 1/part."""

    size: int
    name: str
    changes: int = 0
    alarms: int = 0
    requests: int | None = None
    part: int | None = None
    megabytes: int | None = None
    happens: Callable[[Registry, int], None] = lambda registry, turn: None  # noqa: ARG005 - most cases look at what is there
    fresh: bool = False
    options: tuple[str, ...] = ()
    alone: bool = False


def _stamps(registry: Registry, _: int) -> None:
    registry.release()


def _changed(count: int, *, stamps: bool) -> Callable[[Registry, int], None]:
    def happens(registry: Registry, turn: int) -> None:
        registry.release(stamps=stamps)
        registry.edit(1 + turn * count, count)

    return happens


CASES = (
    Case(1_000, "first capture", requests=5, part=4, fresh=True),
    Case(1_000, "nothing released", requests=1, part=15),
    Case(1_000, "release stamp only", alarms=1_000, requests=3, part=30, happens=_stamps),
    Case(1_000, "10 really changed", changes=10, alarms=10, requests=5, part=12, happens=_changed(10, stamps=False)),
    Case(1_000, "sync --full", options=("--full",), alone=True),
    Case(10_000, "first capture", fresh=True),
    Case(10_000, "100 changed", 100, 10_000, requests=25, part=40, megabytes=150, happens=_changed(100, stamps=True)),
    Case(10_000, "sync --full", options=("--full",), alone=True),
    Case(100_000, "first capture", megabytes=250, fresh=True),
    Case(100_000, "1,000 changed", 1_000, megabytes=250, happens=_changed(1_000, stamps=True)),
)


@dataclass
class Looks:
    """What one program did in the turns of one case. ``told``: changes or alarms."""

    runs: list[Run] = field(default_factory=list)
    asked: list[Numbers] = field(default_factory=list)
    told: int = 0

    def add(self, run: Run, asked: Numbers, told: int) -> None:
        self.runs.append(run)
        self.asked.append(asked)
        self.told = told

    def median(self, name: str) -> float:
        return float(statistics.median(getattr(run, name) for run in self.runs))

    @property
    def requests(self) -> int:
        return max(asked.requests for asked in self.asked)


# --- ours ---------------------------------------------------------------------------------------------------------------


def _ours(folder: Path, *arguments: str) -> Run:
    program = Path(sys.executable).with_name("registry-sync")
    run = timed([str(program), "--config", str(folder / "registry-sync.toml"), *arguments], folder)
    assert run.code == 0, f"registry-sync {arguments[0]} ended with {run.code}: {(folder / 'stderr').read_text()[-500:]}"
    return run


def prepare(folder: Path, url: str, number: int) -> None:
    (folder / "registry-sync.toml").write_text(SETTINGS.format(url=url))
    ids = trials(number)
    for start in range(0, number, AT_ONCE):
        _ours(folder, "watch", "add", *ids[start : start + AT_ONCE])


def look(folder: Path, *options: str) -> tuple[Run, int]:
    """One sync, and the changes that it found."""
    run = _ours(folder, "sync", "--json", *options)
    report: dict[str, Any] = json.loads(run.stdout.read_bytes())
    assert not any(source["failed"] for source in report["sources"]), report["sources"]
    return run, report["changes"]


def captured(folder: Path) -> int:
    with contextlib.closing(sqlite3.connect(folder / "history.db")) as history:
        count: int = history.execute("SELECT count(DISTINCT trial) FROM version").fetchone()[0]
    return count


# --- the turns ----------------------------------------------------------------------------------------------------------


class Arena:
    """One registry, and a folder for each program that looks at it."""

    def __init__(self, folder: Path, registry: Registry, size: int, contestants: Sequence[Peer]) -> None:
        self.registry = registry
        self.size = size
        self.peers = contestants
        self._folder = folder

    def play(self, cases: Sequence[Case], runs: int) -> list[dict[str, Looks]]:
        """What each program did in each case. All cases of a turn come before the next turn; who leaves after one has seen them all."""
        names = ("ours", *(peer.name for peer in self.peers))
        looks = [{name: Looks() for name in names if name == "ours" or not case.alone} for case in cases]
        for turn in range(runs):
            for case, seen in zip(cases, looks, strict=True):
                case.happens(self.registry, turn)
                self._look(case, seen["ours"])
                for peer in () if case.alone else self.peers:
                    if turn == 0 or (peer.name == "urlwatch" and self.size == SIZES[0]):
                        self._peer_looks(case, peer, seen[peer.name])
        return looks

    def _look(self, case: Case, looks: Looks) -> None:
        if case.fresh:
            prepare(self._new("ours"), self.registry.url, self.size)
        before = self.registry.numbers()
        run, changes = look(self._folder / "ours", *case.options)
        looks.add(run, self.registry.numbers() - before, changes)
        assert changes == case.changes, f"{case.name}: {changes} changes instead of {case.changes}"
        assert captured(self._folder / "ours") == self.size, f"{case.name}: not every trial was captured"

    def _peer_looks(self, case: Case, peer: Peer, looks: Looks) -> None:
        if case.fresh:
            peer.prepare(self._new(peer.name), self.registry.url, trials(self.size))
        before = self.registry.numbers()
        run = peer.look(self._folder / peer.name)
        alarms = peers.headlines(run)["CHANGED"]
        looks.add(run, self.registry.numbers() - before, alarms)
        assert alarms == case.alarms, f"{case.name}: {alarms} alarms of {peer.name} instead of {case.alarms}"

    def _new(self, name: str) -> Path:
        folder = self._folder / name
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir()
        return folder

    def bytes_a_trial(self) -> float:
        return (self._folder / "ours" / "history.db").stat().st_size / self.size


# --- the table ----------------------------------------------------------------------------------------------------------

HEAD = f"{'':32}{'s':>8}{'user':>8}{'system':>8}{'MB':>7}{'requests':>12}{'told':>8}   ratio    to reach"


def show(case: Case, looks: dict[str, Looks]) -> None:
    """Print a case: our line, those of the peers, and what was missed."""
    ours = looks.pop("ours")
    missed = []
    allowed = f" of {case.requests}" if case.requests else ""
    if case.requests and ours.requests > case.requests:
        missed.append("requests")
    if case.megabytes and ours.median("megabytes") > case.megabytes:
        missed.append("memory")
    print(_line(f"{case.size:,} trials, {case.name}", ours, allowed) + (f"   under {case.megabytes} MB" if case.megabytes else ""))
    for name, theirs in looks.items():
        ratio = theirs.median("seconds") / ours.median("seconds")
        needed = f"1/{case.part}" if case.part and name == "urlwatch" else ""
        if needed and case.part and ratio < case.part:
            missed.append("time")
        print(_line(f"    {name}", theirs, "") + f"   {f'1/{ratio:.1f}':<9}{needed}".rstrip())
    registry = statistics.median(asked.cpu for asked in ours.asked)
    waited = ours.median("seconds") - ours.median("user") - ours.median("system")
    judged = case.requests or case.megabytes
    verdict = f"missed: {', '.join(missed)}" if missed else "reached" if judged else "no target"
    if case.part and "urlwatch" not in looks:
        verdict += " (time not judged: no peer)"
    print(f"    {verdict}; the registry's own processor time {registry:.2f} s, ours waiting {max(waited, 0.0):.2f} s", flush=True)


def _line(name: str, looks: Looks, allowed: str) -> str:
    times = "".join(f"{looks.median(which):8.2f}" for which in ("seconds", "user", "system"))
    return f"{name:32}{times}{looks.median('megabytes'):7.0f}{f'{looks.requests}{allowed}':>12}{looks.told:8}"


def chosen(size: int, without: bool) -> list[Peer]:
    """The peers that take part at a size."""
    fit = PEERS if size == SIZES[0] else PEERS[:1] if size == SIZES[1] else ()
    return [] if without else [peer for peer in fit if peer.is_there]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sync")
    parser.add_argument("--only", type=int, choices=SIZES)
    parser.add_argument("--big", action="store_true")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    for peer in PEERS:
        if not (asked.no_peers or peer.is_there):
            print(f"{peer.name} {peer.version} is not installed (make bench does it): the ratios against it are left out")
    compile_packages("registry_sync", "jobs", "db")
    sizes = [asked.only] if asked.only else SIZES if asked.big else SIZES[:2]
    for size in sizes:
        with running(size) as registry, tempfile.TemporaryDirectory() as folder:
            limit = registry.limit()
            print(
                f"\nThe registry's limit, as a bare client sees it: {limit['singles']:.0f} records a second one by one, "
                f"{limit['megabytes']:.0f} MB/s in batches; {limit['record'] / 1000:.1f} kB a record\n{HEAD}"
            )
            arena = Arena(Path(folder), registry, size, chosen(size, asked.no_peers))
            first, later = ([case for case in CASES if case.size == size and case.fresh is fresh] for fresh in (True, False))
            for cases, runs in ((first, asked.runs if size == SIZES[0] else 1), (later, asked.runs if size != SIZES[2] else 1)):
                for case, looks in zip(cases, arena.play(cases, runs), strict=True):
                    show(case, looks)
            print(f"the history: {arena.bytes_a_trial():.0f} bytes a trial")


if __name__ == "__main__":
    main()
