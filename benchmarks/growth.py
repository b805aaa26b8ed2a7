"""What the history costs on disk: weeks of real days beside git's pack of the same files, and syncs in which nothing changed.

    python -m benchmarks.growth

The days are those of ``../shared/data``, played to the real sync job with nobody subscribed; without them that part is left out.
Sizes of the history are those of its file when the last process has let go of it, as it lies there: nothing is compacted before.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from registry_sync.demo import record
from tests.house import House, open_house
from tests.real import replaying
from tests.real.replaying import Day

DAYS = Path(__file__).resolve().parents[2] / "shared" / "data" / "ctgov-days.jsonl.xz"
TRIALS, SYNCS = 300, 30
KEPT = ("protocolSection", "annotationSection", "documentSection", "hasResults")

Study = dict[str, Any]


@contextlib.contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path)) as history:
        yield history


def size_of(path: Path) -> int:
    """The history's file when all of its log is in it."""
    with opened(path) as history:
        history.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert not path.with_name(f"{path.name}-wal").exists(), "somebody holds the history open"
    return path.stat().st_size


def by_table(path: Path) -> dict[str, int]:
    """Bytes in use of each table with its indexes; what is free within their pages is not counted."""
    with opened(path) as history:
        rows = history.execute(
            "SELECT tbl_name, sum(payload) FROM dbstat JOIN sqlite_master USING (name) GROUP BY tbl_name ORDER BY 2 DESC"
        ).fetchall()
    return dict(rows)


def one(path: Path, question: str) -> int:
    with opened(path) as history:
        answer: int = history.execute(question).fetchone()[0]
    return answer


# --- beside git ---------------------------------------------------------------------------------------------------------


def pack(folder: Path, days: list[Day], shown: Callable[[Study], Study]) -> tuple[int, int]:
    """Bytes of git's pack of the days, a commit for each and a file for each trial, and of all that was written as plain files."""
    environment = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(folder)}
    environment |= {f"GIT_{who}_{what}": "bench@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}

    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=folder, env=environment, check=True, capture_output=True)

    git("init", "--quiet")
    plain = 0
    for (date, look), together in groupby(sorted(days, key=lambda day: day.moment), key=lambda day: day.moment):
        for day in together:
            content = (json.dumps(shown(day.study), ensure_ascii=False, indent=2) + "\n").encode()
            plain += len(content)
            (folder / f"{day.trial}.json").write_bytes(content)
        git("add", "--all")
        git("commit", "--quiet", "--allow-empty", "--message", f"{date} {look}")
    git("gc", "--aggressive", "--quiet", "--prune=now")
    return sum(file.stat().st_size for file in folder.glob(".git/objects/pack/*.pack")), plain


def whole(study: Study) -> Study:
    return study


def kept(study: Study) -> Study:
    """Without results, and without what the registry derives: what the history holds of it."""
    return {name: study[name] for name in KEPT if name in study}


def real_days() -> None:
    """The table of the real days."""
    days = replaying.read_days(DAYS)
    with tempfile.TemporaryDirectory() as name, open_house(Path(name)) as house:
        replay = replaying.play(house, days, ())
        assert not replay.failures, replay.failures[:3]
        path = Path(house.settings.database)
        total = size_of(path)
        versions = one(path, "SELECT count(*) FROM version")
        changed = sum(kept(step.before.study) != kept(step.after.study) for step in replay.steps)
        payload = one(path, "SELECT sum(length(payload)) FROM version")
        readings = one(path, "SELECT sum(length(CAST(record AS BLOB))) FROM version")
        tables = by_table(path)
    trials = len({day.trial for day in days})
    print(f"{len(days)} looks at {trials} real trials, {changed} of which brought other content; {versions} versions kept, with the first")
    rows = {"the history": total, "  its payloads": payload, "  its records": readings}
    rows |= {f"  table {table}, all columns and indexes": size for table, size in list(tables.items())[:3]}
    rows["  what its pages have free"] = total - sum(tables.values())
    for title, shown in (("whole", whole), ("only what the history holds", kept)):
        with tempfile.TemporaryDirectory() as name:
            packed, plain = pack(Path(name), days, shown)
        rows |= {f"git, packed aggressively: {title}": packed, f"plain files: {title}": plain}
    for label, size in rows.items():
        print(f"{size / 1000:12,.0f} kB  {size / total:6.2f} x the history  {label}")


# --- nothing changed ----------------------------------------------------------------------------------------------------


def nothing_changes() -> None:
    """How much syncs add in which only the release stamp moves."""
    with tempfile.TemporaryDirectory() as name, open_house(Path(name)) as house:
        ids = [f"NCT{index:08}" for index in range(1, TRIALS + 1)]
        for trial in ids:
            house.registry.put(record.a_study(trial))
        house.watch(*ids)
        _sync(house)
        _sync(house)  # what is noted once after the baseline is no growth
        path = Path(house.settings.database)
        before, tables = size_of(path), by_table(path)
        for _ in range(SYNCS):
            _sync(house)
        after, grown = size_of(path), by_table(path)
    differ = {table: grown[table] - tables.get(table, 0) for table in grown if grown[table] != tables.get(table, 0)}
    print(f"\n{SYNCS} daily syncs of {TRIALS} trials, each after a release of the same records: {after - before} bytes more on disk")
    for table, size in differ.items():
        print(f"{size:12,} bytes  table {table}")
    others = sum(size for table, size in differ.items() if table != "run")
    print(f"    {'reached' if others <= 0 else f'missed: {others} bytes beside the table of runs'}")


def _sync(house: House) -> None:
    house.registry.release()
    report = house.sync(then_deliver=False)
    assert not report.failures(), report.failures()[:3]
    assert report.changes == 0, "a change where nothing changed"


def main() -> None:
    """Print both parts."""
    if not DAYS.is_file():
        print("no real days beside this checkout (../shared/data): their growth is left out")
    elif shutil.which("git") is None:
        print("git is not installed: the real days are left out")
    else:
        real_days()
    nothing_changes()


if __name__ == "__main__":
    main()
