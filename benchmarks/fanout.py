"""One change to 10,000 subscribers: queued beside a bare ``executemany``, delivered beside a bare smtplib loop, in one run.

    python -m benchmarks.fanout [--subscribers 10000] [--runs 3]

Queued: routing and writing the notices of one status change, against ``executemany`` of the same rows into the same tables, both in one
transaction of a copy of the same file; rows a second, to reach a quarter. Delivered: ``deliver`` against a loop of smtplib's ``sendmail``
over one connection with the last of these mails, both to the same loopback server (aiosmtpd, in a process of its own); mails a second, to
reach 0.7. Memory: the peak of a process that queues and delivers, for a tenth of the subscribers and for all of them. Medians of the runs.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import resource
import shutil
import smtplib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from db import history as versions
from db import subscriptions, watches
from db.connection import History, open_history
from jobs import tell
from jobs.deliver import deliver
from jobs.surroundings import Surroundings
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.notices.route import Subscription
from registry_sync.settings import Settings, Smtp
from registry_sync.sources.ctgov_record import record_from
from registry_sync.sources.interface import CTGOV
from registry_sync.trials.significance import judged

QUEUED, DELIVERED = 0.25, 0.7
STAMP = "2026-02-02T06:17:00Z"


class _Sink:
    """Takes every mail and keeps the last one, which the bare loop sends again and again."""

    last = b""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd calls it so
        """Take it."""
        del server, session
        _Sink.last = bytes(envelope.content)
        return "250 taken"


def _serve(pipe: Connection) -> None:
    controller = Controller(_Sink(), hostname="127.0.0.1", port=int(pipe.recv()))
    controller.start()
    pipe.send("up")
    while pipe.recv() == "last":
        pipe.send(_Sink.last)
    controller.stop()


@contextlib.contextmanager
def sink() -> Iterator[tuple[int, Callable[[], bytes]]]:
    """A mail server in a process of its own: its port, and the mail that it took last."""
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    ours.send(port)
    ours.recv()

    def last() -> bytes:
        ours.send("last")
        return bytes(ours.recv())

    try:
        yield port, last
    finally:
        ours.send("end")
        process.join(10)


def settings(folder: Path, port: int) -> Settings:
    """A house in a folder whose mails go to this port."""
    smtp = Smtp(host="127.0.0.1", port=port, per_minute=600_000, sender="Trial alerts <alerts@example.org>", unsubscribe="stop@example.org")
    return Settings(database=str(folder / "history.db"), smtp=smtp)


def prepare(folder: Path, number: int) -> None:
    """A trial with one version, and so many who follow it."""
    study = record.the_study()
    with open_history(folder / "history.db", create=True) as history:
        watches.add(history, [TRIAL], [], STAMP)
        with history.write() as connection:
            versions.add_version(
                history,
                trial=TRIAL,
                source=CTGOV,
                record=record_from(_json(study)),
                payload=_json(study),
                registry_date=None,
                seen_at=STAMP,
            )
            consent = subscriptions.Consent("w", "me", STAMP)
            for each in range(number):
                wanted = Subscription(id=0, address=f"reader{each}@example.org", kind="email")
                row = subscriptions._insert(connection, wanted, consent, STAMP, everything=False)
                connection.execute("INSERT INTO subscription_trial VALUES (?, ?)", (row, TRIAL))


def _json(study: dict[str, Any]) -> bytes:
    import json

    return json.dumps(study).encode()


def queue(around: Surroundings) -> float:
    """Record a change of status and queue its notices in one transaction; seconds for the queueing."""
    before = record.the_study()
    after = record.with_status(record.the_study(), "SUSPENDED", posted="2026-02-02")
    changes = judged(record_from(_json(before)), record_from(_json(after)))
    assert changes
    with around.open() as history, history.write() as connection:
        version = versions.add_version(
            history, trial=TRIAL, source=CTGOV, record=record_from(_json(after)), payload=_json(after), registry_date=None, seen_at=STAMP
        )
        began = time.perf_counter()
        tell.keep(around, history, connection, changes, trial=TRIAL, source=CTGOV, version=version, registry_date="2026-02-02")
        return time.perf_counter() - began


def bare_queue(history: History) -> float:
    """Take the rows of the notices out and put them in again with ``executemany``; seconds for the latter."""
    notices = history.connection.execute("SELECT * FROM notice ORDER BY rowid").fetchall()
    told = history.connection.execute("SELECT * FROM notice_change").fetchall()
    with history.write() as connection:
        connection.execute("DELETE FROM notice_change")
        connection.execute("DELETE FROM notice")
    marks = ", ".join("?" * len(notices[0]))
    with history.write() as connection:
        began = time.perf_counter()
        connection.executemany(f"INSERT INTO notice VALUES ({marks})", notices)  # noqa: S608 - question marks only
        connection.executemany("INSERT INTO notice_change VALUES (?, ?)", told)
        return time.perf_counter() - began


def bare_mails(port: int, number: int, mail: bytes) -> float:
    """Send a mail so often over one connection; seconds."""
    with smtplib.SMTP("127.0.0.1", port) as server:
        began = time.perf_counter()
        for each in range(number):
            server.sendmail("alerts@example.org", [f"reader{each}@example.org"], mail)
        return time.perf_counter() - began


def _whole(folder: str, port: int, pipe: Connection) -> None:
    around = Surroundings(settings(Path(folder), port))
    before = _peak()
    queue(around)
    report = deliver(around)
    pipe.send((report.sent, before, _peak()))


def _peak() -> float:
    """The most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def memory(folder: Path, port: int) -> tuple[float, float]:
    """The peak of a fresh process before and after it queues and delivers, in MB."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_whole, args=(str(folder), port, theirs))
    process.start()
    sent, before, after = ours.recv()
    process.join(30)
    assert sent
    return before, after


def once(template: Path, port: int, last: Callable[[], bytes], number: int) -> dict[str, float]:
    """One run on a copy of the file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(template / "history.db", folder / "history.db")
        around = Surroundings(settings(folder, port))
        queued = queue(around)
        with around.open() as history:
            bare = bare_queue(history)
        began = time.perf_counter()
        report = deliver(around)
        delivered = time.perf_counter() - began
        assert report.sent == number, report
        mail = last()
        loop = bare_mails(port, number, mail)
    return {"queued": queued, "bare queue": bare, "delivered": delivered, "bare loop": loop, "size": len(mail)}


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subscribers", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    number = asked.subscribers
    with tempfile.TemporaryDirectory() as name, sink() as (port, last):
        all_, tenth = Path(name) / "all", Path(name) / "tenth"
        for folder, many in ((all_, number), (tenth, max(1, number // 10))):
            folder.mkdir()
            prepare(folder, many)
        runs = [once(all_, port, last, number) for _ in range(asked.runs)]
        middle = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        ratios = [run["bare queue"] / run["queued"] for run in runs], [run["bare loop"] / run["delivered"] for run in runs]
        print(f"{number:,} subscribers, one change, {middle['size'] / 1000:.1f} kB a mail, median of {asked.runs}")
        for what, mine, bare, ratio, least in (
            ("queued", "queued", "bare queue", ratios[0], QUEUED),
            ("delivered", "delivered", "bare loop", ratios[1], DELIVERED),
        ):
            said = f"{what}: {number / middle[mine]:,.0f} a second, bare {number / middle[bare]:,.0f}"
            print(f"{said}: {statistics.median(ratio):.2f} of it (to reach {least}; {min(ratio):.2f} to {max(ratio):.2f})")
        for folder, many in ((tenth, max(1, number // 10)), (all_, number)):
            before, after = memory(folder, port)
            print(f"memory for {many:,}: {after:.0f} MB, {after - before:.0f} MB more than before")


if __name__ == "__main__":
    main()
