"""A sync of 1,000 trials beside the least that any tool must do: ask for the same pages and parse their JSON.

    python -m benchmarks.sync [NUMBER]

The registry runs in a process of its own on loopback and paces nobody.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import requests

from db import watches
from db.connection import open_history
from jobs.surroundings import Surroundings
from jobs.sync import SyncReport, sync
from registry_sync.demo import record
from registry_sync.demo.registry import Registry
from registry_sync.settings import Ctgov, Http, Settings
from registry_sync.sources.ctgov import FIELDS

CHANGED = 10
RUNS = 3


def serve(trials: list[str], line: Connection) -> None:
    """The registry's process: says where it listens, then does what it is told."""
    with Registry() as registry:
        for trial in trials:
            registry.put(record.a_study(trial))
        line.send(registry.url)
        while (order := line.recv()) != "end":
            if order == "release":
                registry.release()
            else:
                for trial in order:
                    study = registry.study(trial)
                    status = study["protocolSection"]["statusModule"]["overallStatus"]
                    registry.put(record.with_status(study, "SUSPENDED" if status != "SUSPENDED" else "RECRUITING", posted="2026-02-03"))
            line.send("done")


def bare(url: str, trials: list[str]) -> float:
    """Ask for every trial with one requests session, 250 at a time, and parse what comes."""
    began = time.perf_counter()
    with requests.Session() as session:
        session.trust_env = False
        for start in range(0, len(trials), 250):
            ids = trials[start : start + 250]
            params = {"filter.ids": "|".join(ids), "fields": FIELDS, "format": "json", "pageSize": str(len(ids))}
            answer = session.get(f"{url}/api/v2/studies", params=params, timeout=60)
            assert len(json.loads(answer.content)["studies"]) == len(ids)
    return time.perf_counter() - began


def timed(settings: Settings) -> tuple[float, SyncReport]:
    began = time.perf_counter()
    report = sync(Surroundings(settings), then_deliver=False)
    assert not report.is_partial
    return time.perf_counter() - began, report


def main() -> None:
    """Print the table."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    trials = [f"NCT{index:08}" for index in range(1, number + 1)]
    context = multiprocessing.get_context("spawn")
    line, other = context.Pipe()
    process = context.Process(target=serve, args=(trials, other))
    process.start()
    url = line.recv()

    def order(what: object) -> None:
        line.send(what)
        line.recv()

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.db"
        settings = Settings(database=str(path), ctgov=Ctgov(url=url), http=Http(requests_per_minute=600000))
        with open_history(path, create=True) as history:
            watches.add(history, trials, [], "2026-02-01T00:00:00Z")
        rows: list[tuple[str, float, int, int]] = []
        took, report = timed(settings)
        rows.append(("first capture", took, report.sources[0].requests, report.changes))
        unchanged, changed, asked = [], [], []
        for _ in range(RUNS):
            order("release")
            asked.append(bare(url, trials))
            took, report = timed(settings)
            unchanged.append(took)
            assert report.changes == 0
            size = path.stat().st_size
            order(trials[:CHANGED])
            took, last = timed(settings)
            changed.append(took)
            assert last.changes == CHANGED
        rows.append(("release stamp only", statistics.median(unchanged), report.sources[0].requests, 0))
        rows.append((f"{CHANGED} changed", statistics.median(changed), last.sources[0].requests, last.changes))
        least = statistics.median(asked)
    line.send("end")
    process.join()
    print(f"{number} trials; asking and parsing alone (requests, json): {least:.2f} s; the history: {size / number:.0f} bytes a trial")
    for name, took, requests_made, changes in rows:
        print(f"{took:7.2f} s  {took / least:5.2f} x  {requests_made} requests, {changes} changes  {name}")
    print(f"memory at its highest: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
