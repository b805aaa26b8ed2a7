"""A registry on loopback, in a process of its own, that holds 100,000 trials as one template and a few exceptions.

It answers what this program and the peers ask, as ``registry_sync.demo.registry`` does, and refuses the rest with 400. It sends
nothing compressed and paces nobody. A request line over 7,500 bytes is answered with 414. What it is told goes under ``/control``.

    with running(1000) as registry: ...        from a benchmark
    python -m benchmarks.registry NUMBER       prints its URL; ends with its standard input
    python -m benchmarks.registry limit URL    what a bare client gets out of it, as JSON
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from registry_sync.demo import record
from registry_sync.demo.pieces import cut_down, place_of, tree_of

Study = dict[str, Any]
Answer = tuple[int, bytes]

LONGEST_REQUEST_LINE = 7_500
FIRST_RELEASE = datetime(2026, 2, 1, 9, 0, 5, tzinfo=UTC)
FIRST_POSTED = "2026-01-15"
SINGLES, BATCHES, BATCH = 500, 5, 500

_ID, _NUMBER, _HOLDER = "NCT99999999", "9876543210", "1999-09-09"
_SLOTS = re.compile(f"({_ID}|{_NUMBER}|{_HOLDER})".encode())
_FIELDS = "ProtocolSection|AnnotationSection|DocumentSection|HasResults"
_KNOWN = frozenset({"filter.ids", "fields", "format", "markupFormat", "pageSize", "pageToken", "countTotal"})


# --- the records ------------------------------------------------------------------------------------------------------


def _template() -> Study:
    """A record as long as the average real one, 19 kB, 12 kB without its results; the trial's number in its texts: no two are alike."""
    criteria = [f"Has had treatment {_NUMBER}-{index} for at least {index} weeks before the screening visit" for index in range(2, 16)]
    study = record.a_study(
        _ID,
        posted=FIRST_POSTED,
        inclusion=criteria[:6],
        exclusion=[text.replace("at least", "less than") for text in criteria[6:]],
        places=[(f"Exampletown {index}", "Denmark") for index in range(9)],
    )
    protocol = study["protocolSection"]
    sentence = f"The participants of {_NUMBER} come to the clinic once a month, answer the same questions and give a sample. "
    protocol["descriptionModule"]["detailedDescription"] = sentence * 28
    protocol["outcomesModule"]["secondaryOutcomes"] = _outcomes(sentence, 8)
    protocol["armsInterventionsModule"]["armGroups"][0]["description"] = sentence * 3
    protocol["contactsLocationsModule"]["locations"] = [_site(site, index) for index, site in enumerate(_sites(study))]
    protocol["referencesModule"] = {
        "references": [{"pmid": f"9{index:06}", "type": "BACKGROUND", "citation": f"Paper {index}. {sentence}"} for index in range(6)]
    }
    study = record.with_results(study, FIRST_POSTED)
    study["resultsSection"] = {"outcomeMeasuresModule": {"outcomeMeasures": _outcomes(sentence, 22)}}
    study["derivedSection"] = {
        "miscInfoModule": {"versionHolder": _HOLDER},
        "conditionBrowseModule": {"meshes": [{"id": "D000001", "term": "Example Disease"}]},
    }
    return study


def _outcomes(sentence: str, number: int) -> list[Study]:
    return [
        {"measure": f"Score {index} of {_NUMBER}", "timeFrame": f"{index} months", "description": sentence * 2}
        for index in range(1, number + 1)
    ]


def _sites(study: Study) -> list[Study]:
    sites: list[Study] = study["protocolSection"]["contactsLocationsModule"]["locations"]
    return sites


def _site(site: Study, index: int) -> Study:
    contact = {"name": "Contact A", "role": "CONTACT", "phone": f"+45 0000 00{index:02}", "email": "contact-a@example.org"}
    return site | {"zip": f"9{index:03}", "contacts": [contact], "geoPoint": {"lat": 55.5 + index / 100, "lon": 12.5}}


_EDITS: dict[str, Callable[[Study, str], Study]] = {
    "suspended": lambda study, posted: record.with_status(study, "SUSPENDED", posted=posted),
    "later": lambda study, posted: record.with_completion(study, "2027-06-30", posted=posted),
    "criterion": lambda study, posted: record.with_criterion(study, "at least 2 weeks", "at least 4 weeks", posted=posted),
    "unknown": lambda study, _: record.with_status(study, "UNKNOWN"),  # as the registry does it: in silence
}
"""What may happen to a record: one change each, beside housekeeping."""
KINDS = tuple(_EDITS)


@functools.cache
def _parts(fields: str, kind: str, posted: str) -> tuple[bytes, ...]:
    """The template after an edit, cut to ``fields`` and rendered: texts and slots take turns. Raises KeyError for an unknown field."""
    study = _EDITS[kind](_template(), posted) if kind else _template()
    if fields:
        study = cut_down(study, tree_of(_place(name) for name in re.split(r"[|,]", fields)))
    return tuple(_SLOTS.split(json.dumps(study, ensure_ascii=False, separators=(",", ":")).encode()))


def _place(name: str) -> tuple[str, ...]:
    place = place_of(name)
    if place is None:
        raise KeyError(name)
    return place


class Studies:
    """Trials NCT00000001 to NCT``number``: which of them were edited, and how; the release that is served."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.released = FIRST_RELEASE
        self.holder = FIRST_RELEASE.date().isoformat()
        self._edited: dict[int, tuple[str, str]] = {}

    def release(self, *, stamps: bool) -> None:
        """The data of the next day; ``stamps``: every record gets its ``versionHolder``."""
        self.released += timedelta(days=1)
        if stamps:
            self.holder = self.released.date().isoformat()

    def edit(self, first: int, count: int) -> None:
        """One edit for each of ``count`` trials, the kinds in turn."""
        posted = self.released.date().isoformat()
        for index in range(first, first + count):
            self._edited[index] = (KINDS[index % len(KINDS)], posted)

    def has(self, nct: str) -> bool:
        return re.fullmatch("NCT[0-9]{8}", nct) is not None and 1 <= int(nct[3:]) <= self.number

    def rendered(self, nct: str, fields: str) -> bytes:
        """The JSON of a trial that is known."""
        parts = list(_parts(fields, *self._edited.get(int(nct[3:]), ("", ""))))
        values = {_ID.encode(): nct.encode(), _NUMBER.encode(): nct[3:].encode(), _HOLDER.encode(): self.holder.encode()}
        parts[1::2] = [values[slot] for slot in parts[1::2]]
        return b"".join(parts)


# --- the answers ------------------------------------------------------------------------------------------------------


class Desk:
    """What is asked -> status and JSON; counts the requests and bytes that are not ``/control``."""

    def __init__(self, number: int) -> None:
        self.studies = Studies(number)
        self.requests = self.bytes = 0

    def reply(self, request_line: bytes) -> Answer:
        target = request_line.split(b" ")[1].decode("latin-1")
        path, _, query = target.partition("?")
        asked = dict(parse_qsl(query, keep_blank_values=True))
        if path.startswith("/control/"):
            return 200, json.dumps(self._control(path.removeprefix("/control/"), asked)).encode()
        if len(request_line) > LONGEST_REQUEST_LINE:
            status, body = 414, b"Request-URI Too Long"
        else:
            status, body = self._answer(path, asked)
        self.requests += 1
        self.bytes += len(body)
        return status, body

    def _control(self, order: str, asked: dict[str, str]) -> dict[str, float]:
        if order == "release":
            self.studies.release(stamps=asked["stamps"] == "yes")
        elif order == "edit":
            self.studies.edit(int(asked["first"]), int(asked["count"]))
        elif order == "grow":
            self.studies.number = int(asked["number"])
        return {"requests": self.requests, "bytes": self.bytes, "cpu": time.process_time()}

    def _answer(self, path: str, asked: dict[str, str]) -> Answer:
        if path == "/api/v2/version":
            stamp = self.studies.released.replace(tzinfo=None).isoformat()
            return 200, json.dumps({"apiVersion": "2.0.5", "dataTimestamp": stamp}).encode()
        if unknown := sorted(asked.keys() - _KNOWN):
            return 400, f"Unknown parameter: {unknown[0]}".encode()
        try:
            if path == "/api/v2/studies":
                return self._list(asked)
            if path.startswith("/api/v2/studies/"):
                return self._one(path.removeprefix("/api/v2/studies/"), asked.get("fields", ""))
        except (KeyError, ValueError) as error:
            return 400, f"Not understood: {error}".encode()
        return 404, b"Not Found"

    def _one(self, nct: str, fields: str) -> Answer:
        if not self.studies.has(nct):
            return 404, f"NCT number {nct} not found".encode()
        return 200, self.studies.rendered(nct, fields)

    def _list(self, asked: dict[str, str]) -> Answer:
        found = [nct for nct in dict.fromkeys(re.split(r"[|,]", asked["filter.ids"])) if self.studies.has(nct)]
        start, size = int(asked.get("pageToken", "0")), min(int(asked.get("pageSize", "10")), 1_000)
        shown = [self.studies.rendered(nct, asked.get("fields", "")) for nct in found[start : start + size]]
        before = f'"totalCount":{len(found)},' if asked.get("countTotal") == "true" else ""
        after = f',"nextPageToken":"{start + size}"' if start + size < len(found) else ""
        return 200, b"".join((b"{", before.encode(), b'"studies":[', b",".join(shown), b"]", after.encode(), b"}"))


class _Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, as little of it as requests without a body need."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._came = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._came += data
        while (end := self._came.find(b"\r\n\r\n")) >= 0:
            head, self._came = self._came[:end], self._came[end + 4 :]
            request_line, _, headers = head.partition(b"\r\n")
            status, body = self._desk.reply(request_line)
            kind = b"application/json" if status == 200 else b"text/plain"
            self._transport.write(b"HTTP/1.1 %d -\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (status, kind, len(body), body))
            if b"connection: close" in headers.lower():
                self._transport.close()


async def _serve(number: int) -> None:
    loop = asyncio.get_running_loop()
    desk = Desk(number)
    server = await loop.create_server(lambda: _Connection(desk), "127.0.0.1", 0, backlog=128)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    ended = asyncio.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), loop.call_soon_threadsafe(ended.set)), daemon=True).start()
    await ended.wait()


# --- for the benchmarks -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Numbers:
    """What the registry has done so far: requests, bytes sent, and seconds of its own processor time."""

    requests: int
    bytes: int
    cpu: float

    def __sub__(self, other: Numbers) -> Numbers:
        return Numbers(self.requests - other.requests, self.bytes - other.bytes, self.cpu - other.cpu)


@dataclass(frozen=True)
class Registry:
    """The registry's process, as a benchmark sees it."""

    url: str

    def release(self, *, stamps: bool = True) -> None:
        """A data release; without ``stamps`` only ``/version`` says so."""
        self._tell("release", f"?stamps={'yes' if stamps else 'no'}")

    def edit(self, first: int, count: int) -> None:
        """Let ``count`` trials from NCT``first`` on have one change each."""
        self._tell("edit", f"?first={first}&count={count}")

    def grow(self, number: int) -> None:
        """Hold so many trials from now on."""
        self._tell("grow", f"?number={number}")

    def numbers(self) -> Numbers:
        told = self._tell("numbers")
        return Numbers(int(told["requests"]), int(told["bytes"]), told["cpu"])

    def limit(self) -> dict[str, float]:
        """What a bare client gets out of it: single records a second, MB/s in batches (a process of its own, as the others)."""
        told = subprocess.run([sys.executable, "-m", "benchmarks.registry", "limit", self.url], check=True, capture_output=True)
        limit: dict[str, float] = json.loads(told.stdout)
        return limit

    def _tell(self, order: str, query: str = "") -> dict[str, float]:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.url}/control/{order}{query}", timeout=60) as answer:
            told: dict[str, float] = json.load(answer)
            return told


def trials(number: int, first: int = 1) -> list[str]:
    return [f"NCT{index:08}" for index in range(first, first + number)]


@contextlib.contextmanager
def running(number: int) -> Iterator[Registry]:
    """The registry with so many trials, until the block ends."""
    command = [sys.executable, "-m", "benchmarks.registry", str(number)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield Registry(process.stdout.readline().strip())
        finally:
            process.stdin.close()


def measure(url: str) -> dict[str, float]:
    """See ``Registry.limit``; the answers are read and thrown away."""
    import requests

    with requests.Session() as session:
        session.trust_env = False
        session.get(f"{url}/api/v2/version", timeout=60)
        began = time.perf_counter()
        for nct in trials(SINGLES):
            session.get(f"{url}/api/v2/studies/{nct}", timeout=60).raise_for_status()
        singles = time.perf_counter() - began
        params = {"filter.ids": "|".join(trials(BATCH)), "fields": _FIELDS, "pageSize": str(BATCH)}
        began = time.perf_counter()
        sent = sum(len(session.get(f"{url}/api/v2/studies", params=params, timeout=60).content) for _ in range(BATCHES))
        batches = time.perf_counter() - began
    return {"singles": SINGLES / singles, "megabytes": sent / batches / 1e6, "record": sent / BATCHES / BATCH}


def main(arguments: Sequence[str]) -> None:
    if arguments[0] == "limit":
        print(json.dumps(measure(arguments[1])))
    else:
        asyncio.run(_serve(int(arguments[0])))


if __name__ == "__main__":
    main(sys.argv[1:])
