"""Two versions of a record compared, beside general tools on the same pairs: pairs a second, on one core, parsing counted for all.

    python -m benchmarks.compare [RECORDS [SEED]]

On real records where ``../shared/data`` lies beside the checkout, else on the demo's. Unchanged pairs say the same in other key
order and under another release stamp; the others have one edit: a number in a criterion, the status, a date, or a site.
Each tool gets bytes and parses them itself, with orjson where it has no parser of its own. What a run before has remembered is
forgotten before each turn.
"""

from __future__ import annotations

import copy
import difflib
import functools
import gc
import json
import lzma
import os
import random
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import jsonpatch
import orjson
from deepdiff import DeepDiff

from registry_sync.demo import record
from registry_sync.sources.ctgov_record import differing, record_from
from registry_sync.trials.decide import Changed, Unchanged, decide

REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "ctgov-records.jsonl.xz"
RECORDS, SEED, ROUNDS = 250, 1, 3

Study = dict[str, Any]
Pair = tuple[bytes, bytes]


# --- the tools: two payloads -> what differs, in whatever form the tool has; falsy when it finds nothing ---------------


def ours(first: bytes, second: bytes) -> object:
    """What a sync does with a trial's kept payload and the one that came."""
    pair = differing(first, second)
    decision = decide(*pair, complete=True) if pair else Unchanged()
    return decision.changes if isinstance(decision, Changed) else ()


def with_deepdiff(first: bytes, second: bytes) -> object:
    return DeepDiff(orjson.loads(first), orjson.loads(second))


def with_jsonpatch(first: bytes, second: bytes) -> object:
    return jsonpatch.make_patch(orjson.loads(first), orjson.loads(second)).patch


def with_difflib(first: bytes, second: bytes) -> object:
    return list(difflib.unified_diff(_lines(first), _lines(second), lineterm=""))


def with_orjson(first: bytes, second: bytes) -> object:
    return orjson.loads(first) != orjson.loads(second)


def _lines(payload: bytes) -> list[str]:
    return json.dumps(orjson.loads(payload), indent=1, sort_keys=True, ensure_ascii=False).splitlines()


TOOLS: dict[str, Callable[[bytes, bytes], object]] = {
    "registry-sync": ours,
    "orjson, parse and ==": with_orjson,
    "jsonpatch": with_jsonpatch,
    "difflib, unified": with_difflib,
    "deepdiff": with_deepdiff,
}


# --- the pairs --------------------------------------------------------------------------------------------------------


def studies(number: int, rng: random.Random) -> tuple[list[Study], str]:
    """A sample of the records, and where they are from."""
    if REAL.is_file():
        with lzma.open(REAL) as lines:
            real = [json.loads(line) for line in lines]
        return rng.sample(real, min(number, len(real))), f"of {len(real)} real records"
    made = []
    for index in range(1, number + 1):
        study = copy.deepcopy(record.the_study())
        study["protocolSection"]["identificationModule"]["nctId"] = f"NCT{index:08}"
        made.append(study)
    return made, "made by the demo (no ../shared/data here)"


def unchanged(study: Study, rng: random.Random) -> Pair:
    """The same content, other key order, another release stamp."""
    return orjson.dumps(_stamped(study, "2026-02-03")), orjson.dumps(_shuffled(_stamped(study, "2026-02-04"), rng))


def _stamped(study: Study, release: str) -> Study:
    derived = study.get("derivedSection", {})
    return study | {"derivedSection": derived | {"miscInfoModule": derived.get("miscInfoModule", {}) | {"versionHolder": release}}}


def _shuffled(value: Any, rng: random.Random) -> Any:
    if isinstance(value, list):
        return [_shuffled(item, rng) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _shuffled(value[name], rng) for name in rng.sample(list(value), len(value))}


def edited(study: Study, kind: int, rng: random.Random) -> tuple[str, Pair]:
    """One edit of this kind, or of the next one that the record has something for; its name."""
    names = list(EDITS)
    for name in names[kind % len(names) :] + names[: kind % len(names)]:
        after = copy.deepcopy(study)
        if EDITS[name](after["protocolSection"], rng):
            return name, (orjson.dumps(study), orjson.dumps(after))
    raise ValueError("a record with nothing to edit")


def _number_in_criterion(protocol: Study, rng: random.Random) -> bool:
    eligibility = protocol.get("eligibilityModule", {})
    text = eligibility.get("eligibilityCriteria", "")
    numbers = list(re.finditer(r"(?<=[a-z=<>] )\d{1,3}(?= [a-z])", text))
    if not numbers:
        return False
    chosen = rng.choice(numbers)
    eligibility["eligibilityCriteria"] = text[: chosen.start()] + str(int(chosen[0]) + 1) + text[chosen.end() :]
    return True


def _status(protocol: Study, rng: random.Random) -> bool:
    status = protocol["statusModule"]
    others = {"RECRUITING", "SUSPENDED", "TERMINATED", "COMPLETED"} - {status["overallStatus"]}
    status["overallStatus"] = rng.choice(sorted(others))
    return True


def _date(protocol: Study, rng: random.Random) -> bool:
    struct = protocol["statusModule"].get(rng.choice(("primaryCompletionDateStruct", "completionDateStruct")))
    if not struct:
        return False
    struct["date"] = str(int(struct["date"][:4]) + 1) + struct["date"][4:].replace("-29", "-28")
    return True


def _site(protocol: Study, rng: random.Random) -> bool:
    sites = protocol.get("contactsLocationsModule", {}).get("locations")
    if not sites:
        return False
    new = {"facility": "Example University Hospital", "city": "Exampleville", "country": "Denmark"}
    sites.insert(rng.randrange(len(sites) + 1), new)
    return True


EDITS: dict[str, Callable[[Study, random.Random], bool]] = {
    "a criterion's number": _number_in_criterion,
    "the status": _status,
    "a date": _date,
    "a new site": _site,
}


# --- the clock --------------------------------------------------------------------------------------------------------


def seconds(tool: Callable[[bytes, bytes], object], pairs: Sequence[Pair]) -> float:
    """How long all pairs take, with nothing remembered from before."""
    gc.collect()
    for remembered in gc.get_objects():
        if isinstance(remembered, functools._lru_cache_wrapper):
            remembered.cache_clear()
    began = time.perf_counter()
    for first, second in pairs:
        tool(first, second)
    return time.perf_counter() - began


def medians(pairs: Sequence[Pair]) -> dict[str, float]:
    """Pairs a second of each tool: the tools take turns, the middle one of their rounds counts."""
    rounds = [{name: seconds(tool, pairs) for name, tool in TOOLS.items()} for _ in range(ROUNDS)]
    return {name: len(pairs) / statistics.median(each[name] for each in rounds) for name in TOOLS}


def check(still: Iterable[Pair], changed: Iterable[tuple[str, Pair]]) -> None:
    """A comparison that finds the wrong thing may be as fast as it likes."""
    assert not any(ours(*pair) for pair in still)
    for name, pair in changed:
        assert ours(*pair), name
        assert ours(*pair) == decide(*map(record_from, pair), complete=True).changes, "what differs gives other changes than the whole"
        assert with_deepdiff(*pair), name


def main() -> None:
    """Print the table."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else SEED
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    rng = random.Random(seed)
    sample, origin = studies(number, rng)
    still = [unchanged(study, rng) for study in sample]
    changed = [edited(study, index, rng) for index, study in enumerate(sample)]
    check(still, changed)
    size = sum(len(first) for first, _ in still) / len(still)
    print(f"{len(sample)} {origin}, seed {seed}; {size / 1000:.1f} kB each; pairs a second on one core, parsing counted")
    for title, pairs in (("unchanged (key order, release stamp)", still), ("one edit", [pair for _, pair in changed])):
        figures = medians(pairs)
        print(f"\n  {title}")
        for name, figure in figures.items():
            against = f"{figure / figures['deepdiff']:8.1f} x deepdiff {figures['orjson, parse and =='] / figure:8.2f} x the time of orjson"
            print(f"{figure:10.0f} /s {against}  {name}")


if __name__ == "__main__":
    main()
