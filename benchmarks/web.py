"""The web pages under wrk while a sync is running, beside a bare starlette "hello" under the same server, in one run.

    python -m benchmarks.web [--trials 10000] [--changes 200000] [--rounds 7] [--seconds 2] [--keep FOLDER]

``serve`` and ``sync --full`` run as a user runs them, the latter again and again against the loopback registry: every record is asked
for, and every fifth time 100 of them have changed. wrk (Debian's package ``wrk``) asks over 4 connections. Each page is measured in short
rounds with "hello" right before it; the ratios are medians of the rounds, which spares them what else the machine does. A round of a 304
with a tag in which what is asked for changed is measured anew.

"Each once": of so many in turn that each page is made, and each 304 looked up. "Again": the same few, which are kept while nothing is
written.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import registry
from benchmarks.process import compile_packages
from benchmarks.registry import Registry, Study, trials

CONNECTIONS = 4
NOT_CHANGED, A_TRIAL = 0.25, 0.05
"""Parts of "hello" to reach."""
_SERVING = "serving at"
_PROGRAM = Path(sys.executable).with_name("registry-sync")
_SETTINGS = """\
database = "history.db"

[ctgov]
url = "{registry}"

[http]
requests_per_minute = 600000

[web]
url = "https://trials.example.org"
listen = "127.0.0.1:{port}"
"""
_WALK = """\
local pattern, first, last, at
local tags = {}
function init(args)
  pattern, first, last = args[1], tonumber(args[2]), tonumber(args[3])
  at = first
  if args[4] then
    for number, tag in io.open(args[4]):read("a"):gmatch("(%d+) (%S+)") do tags[tonumber(number)] = tag end
  end
end
function request()
  local path = string.format(pattern, at)
  wrk.headers["If-None-Match"] = tags[at]
  at = at < last and at + 1 or first
  return wrk.format(nil, path)
end
"""
"""For wrk: an address with a number in it, which goes from one to another, and then begins anew; with the tag that a client has of each."""


# --- what is served -----------------------------------------------------------------------------------------------------


def prepare(folder: Path, number: int, changes: int) -> int:
    """A history of so many trials: of each five versions, the last of which the loopback registry serves; how many changes it holds."""
    from db import history as versions
    from db import watches
    from db.connection import open_history
    from registry_sync.sources.ctgov_record import record_from
    from registry_sync.sources.interface import CTGOV
    from registry_sync.trials.significance import judged

    texts = [json.dumps(study, ensure_ascii=False, separators=(",", ":")).encode() for study in _line()]
    most, told = changes // number // (len(texts) - 1), 0
    ids = trials(number)
    with open_history(folder / "history.db", create=True) as history:
        watches.add(history, ids, [], "2024-02-01T06:17:00Z")
        for place, text in enumerate(texts):  # as they came: all trials once, then again
            for start in range(0, number, 500):
                with history.together():
                    for nct in ids[start : start + 500]:
                        payload, date = _of(text, nct), f"202{4 + place // 2}-0{3 + place}-{1 + int(nct[3:]) % 28:02}"
                        date = date if place + 1 < len(texts) else registry.FIRST_POSTED
                        record = record_from(payload)
                        seen = {"trial": nct, "source": CTGOV, "registry_date": date, "seen_at": f"{date}T06:17:00Z"}
                        version = versions.add_version(history, record=record, payload=payload, **seen)
                        if place:
                            found = judged(record_from(_of(texts[place - 1], nct)), record)
                            found = sorted(found, key=lambda each: each.reader_significance == "untold")[:most]
                            told += len(versions.add_changes(history.connection, version, found, **seen))
    return told


def _line() -> list[Study]:
    """The template of the loopback registry, and before it four states that it has been in."""
    from registry_sync.demo import record

    last = json.loads(b"".join(registry._parts(registry._FIELDS, "", "")))
    line = []
    for place, status in enumerate(("NOT_YET_RECRUITING", "RECRUITING", "SUSPENDED", "NOT_YET_RECRUITING")):
        study = record.with_status(last, status, posted=f"2025-0{1 + place}-01")
        study = record.with_completion(study, f"2026-0{5 + place}-30", primary=f"2026-0{1 + place}-28")
        study = record.with_criterion(study, "at least 2 weeks", f"at least {6 - place} weeks")
        study["protocolSection"]["designModule"]["enrollmentInfo"]["count"] = 80 - 10 * place
        line.append(study)
    return [*line, last]


def _of(text: bytes, nct: str) -> bytes:
    return text.replace(registry._ID.encode(), nct.encode()).replace(registry._NUMBER.encode(), nct[3:].encode())


# --- who serves, and who works beside it ----------------------------------------------------------------------------------


def hello(port: int) -> None:
    """A starlette application that says hello, under uvicorn with the settings of ``serve``."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    from registry_sync.web.server import MOST_AT_ONCE, listen

    async def home(_: Request) -> PlainTextResponse:
        return PlainTextResponse("hello")

    config = uvicorn.Config(
        Starlette(routes=[Route("/", home)]),
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_AT_ONCE,
    )
    with listen(f"127.0.0.1:{port}") as listener:
        print(_SERVING, flush=True)
        uvicorn.Server(config).run([listener])


@contextlib.contextmanager
def serving(command: Sequence[str], port: int, log: Path) -> Iterator[str]:
    """A server in a process of its own, as soon as it says that it serves, until the block ends: its address."""
    with log.open("wb") as said, subprocess.Popen(command, stdout=said, stderr=said) as process:
        try:
            while _SERVING not in log.read_text():
                assert process.poll() is None, log.read_text()
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Work:
    """Syncs, one after another, in processes of their own, until the block ends."""

    def __init__(self, folder: Path, source: Registry, number: int) -> None:
        self.seconds: list[float] = []
        self._command = [str(_PROGRAM), "--config", str(folder / "registry-sync.toml"), "sync", "--full", "--json"]
        self._source, self._number = source, number
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="syncs")
        self.error: BaseException | None = None

    def __enter__(self) -> Work:
        self._sync()  # after the first look all is settled
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._ended.is_set():
                self._source.release()
                if len(self.seconds) % 5 == 0:
                    self._source.edit(1 + len(self.seconds) * 20 % (self._number // 2), min(100, self._number // 2))
                self._sync()
        except BaseException as error:
            self.error = error
            raise

    def _sync(self) -> None:
        began = time.perf_counter()
        done = subprocess.run(self._command, capture_output=True, check=True)
        self.seconds.append(time.perf_counter() - began)
        assert not any(source["failed"] for source in json.loads(done.stdout)["sources"])


# --- wrk ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Heard:
    """What wrk says: requests a second, the 99th percentile in milliseconds, bytes of an answer."""

    rate: float
    slowest: float
    size: float


_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


def wrk(url: str, seconds: int, *, headers: Sequence[str] = (), walk: Sequence[str] = (), script: Path | None = None) -> Heard:
    """Ask for so long."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "20s", "--latency"]
    command += [part for header in headers for part in ("-H", header)]
    command += ["-s", str(script), url, "--", *walk] if walk else [url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in said, said
    assert "Socket errors" not in said, said
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    slowest = re.search(r"99%\s+([\d.]+)([a-z]+)", said)
    total = re.search(r"(\d+) requests in [\d.]+\w+, ([\d.]+)([KMG]?)B read", said)
    assert rate, said
    assert slowest, said
    assert total, said
    size = float(total[2]) * 1024 ** " KMG".index(total[3] or " ") / int(total[1])
    return Heard(float(rate[1]), float(slowest[1]) * _UNITS[slowest[2]], size)


@dataclass
class Page:
    """A row of the table.

    ``walk``: an address with a number in it, the first and the last; each round takes its own part of them, or with ``again`` all.
    ``has``: what the client has already: ``tag``, this very answer, or ``*``, any; of a walk ``tags``, that of each address, which another
    process of ``serve`` has given.
    """

    name: str
    path: str
    least: float | None = None
    walk: tuple[str, int, int] | None = None
    again: bool = False
    has: str = ""
    tags: Path | None = None
    heard: list[Heard] = field(default_factory=list)
    beside: list[Heard] = field(default_factory=list)

    def measure(self, url: str, bare: str, seconds: int, script: Path, part: tuple[int, int]) -> None:
        """One round: "hello", then this page. ``part``: which round of how many."""
        beside = wrk(bare, seconds)
        walk: list[str] = []
        if self.walk:
            pattern, first, last = self.walk
            turn, turns = (0, 1) if self.again else part
            numbers = (last + 1 - first) // turns
            walk = [pattern, str(first + turn * numbers), str(first + (turn + 1) * numbers - 1), *([str(self.tags)] if self.tags else [])]
        while True:
            has = _tag(url + self.path) if self.has == "tag" else self.has.removeprefix("tags")
            heard = wrk(url + self.path, seconds, headers=[f"If-None-Match: {has}"] if has else [], walk=walk, script=script)
            if self.has != "tag" or _tag(url + self.path) == has:
                break
        self.heard.append(heard)
        self.beside.append(beside)

    def fetch_tags(self, url: str, file: Path) -> None:
        """Ask a server for all that is walked along, and keep the tags for the rounds."""
        assert self.walk
        pattern, first, last = self.walk
        file.write_text("".join(f"{number} {_tag(url + pattern % number)}\n" for number in range(first, last + 1)))
        self.tags = file

    def __str__(self) -> str:
        ratios = [one.rate / bare.rate for one, bare in zip(self.heard, self.beside, strict=True)]
        ratio = statistics.median(ratios)
        rate, slowest, size = (statistics.median(getattr(each, name) for each in self.heard) for name in ("rate", "slowest", "size"))
        verdict = "" if self.least is None else f"   to reach {self.least}: {'reached' if ratio >= self.least else 'missed'}"
        return f"{self.name:26}{rate:9,.0f}{slowest:9.1f}{size / 1000:8.1f}{ratio:8.3f}   ({min(ratios):.3f} to {max(ratios):.3f}){verdict}"


def _tag(url: str) -> str:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=60) as answer:
        return str(answer.headers["ETag"])


def table(number: int, changes: int) -> list[Page]:
    """The rows. Trials of the upper half of the numbers do not change while it is measured."""
    half, last = number // 2 + 1, f"NCT{number:08}"
    return [
        Page("home", "/"),
        Page("home, a search", "/?q=example+study&status=RECRUITING"),
        Page("a trial, each once", "/", A_TRIAL, walk=("/trials/NCT%08d", half, number)),
        Page("a trial, again", "/", A_TRIAL, walk=("/trials/NCT%08d", half, half + 49), again=True),
        Page("a trial, 304", f"/trials/{last}", NOT_CHANGED, has="*"),
        Page("feed, each once", "/", walk=("/feed.atom?before=%d", changes // 2, changes)),
        Page("feed, again", "/feed.atom"),
        Page("feed, 304", "/feed.atom", NOT_CHANGED, has="tag"),
        Page("a trial's feed, 304", f"/trials/{last}/feed.atom", NOT_CHANGED, has="tag"),
        Page("a trial's feed, each, 304", "/", NOT_CHANGED, walk=("/trials/NCT%08d/feed.atom", half, number), has="tags"),
    ]


def main(arguments: Sequence[str]) -> None:
    """Print the table."""
    if arguments[:1] == ["hello"]:
        hello(int(arguments[1]))
        return
    parser = argparse.ArgumentParser(prog="python -m benchmarks.web")
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--changes", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--only", default="")
    parser.add_argument("--idle", action="store_true", help="no sync beside it")
    parser.add_argument("--keep", type=Path, help="a folder in which the history is made, or was made already")
    asked = parser.parse_args(arguments)
    if shutil.which("wrk") is None:
        print("wrk is not installed (Debian's package wrk): the pages are not measured")
        return
    compile_packages("registry_sync", "jobs", "db")
    with contextlib.ExitStack() as stack:
        folder = asked.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(exist_ok=True)
        if not (folder / "history.db").exists():
            began = time.perf_counter()
            told = prepare(folder, asked.trials, asked.changes)
            print(f"made {asked.trials:,} trials with {told:,} changes in {time.perf_counter() - began:.0f} s")
        script = folder / "walk.lua"
        script.write_text(_WALK)
        source = stack.enter_context(registry.running(asked.trials))
        ours, bare = free_port(), free_port()
        (folder / "registry-sync.toml").write_text(_SETTINGS.format(registry=source.url, port=ours))
        config = ["--config", str(folder / "registry-sync.toml")]
        command = [str(_PROGRAM), *config, "serve"]
        pages = [page for page in table(asked.trials, asked.changes) if asked.only in page.name]
        with serving(command, ours, folder / "serve.log") as url:
            for place, page in enumerate(pages):
                if page.has == "tags":
                    page.fetch_tags(url, folder / f"tags-{place}")
        url = stack.enter_context(serving(command, ours, folder / "serve.log"))
        plain = stack.enter_context(serving([sys.executable, "-m", "benchmarks.web", "hello", str(bare)], bare, folder / "hello.log"))
        work = None if asked.idle else stack.enter_context(Work(folder, source, asked.trials))
        for turn in range(asked.rounds):
            for page in pages:
                page.measure(url, plain, asked.seconds, script, (turn, asked.rounds))
                assert work is None or work.error is None
        beside = [heard for page in pages for heard in page.beside]
        print(f"{'':26}{'a second':>9}{'99% ms':>9}{'kB':>8}{'ratio':>8}")
        print(
            f"{'hello':26}{statistics.median(each.rate for each in beside):9,.0f}{statistics.median(each.slowest for each in beside):9.1f}"
        )
        for page in pages:
            print(page)
        if work is not None:
            print(f"beside it {len(work.seconds)} syncs, {statistics.median(work.seconds):.1f} s each (the first {work.seconds[0]:.1f} s)")


if __name__ == "__main__":
    main(sys.argv[1:])
