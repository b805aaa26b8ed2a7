"""What is read out of the hand-made cases, and found between their two versions, stays as it is, or the number of the reading is raised.

``check`` calls another result of the same reading damage. ``python -m tests.corpus.test_reading`` writes what is read now.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import msgspec
import pytest

from db.history import headline_of
from registry_sync import READING
from registry_sync.trials.record import to_json
from registry_sync.trials.significance import judged
from tests.corpus.loader import Case, all_cases

FILE = Path(__file__).with_name("readings.txt")
CASES = all_cases()


def reading_of(case: Case) -> str:
    """A digest of all that is derived of a case and kept in a history."""
    before, after = case.record("before"), case.record("after")
    parts = [to_json(before), to_json(after), headline_of(after).encode(), msgspec.json.encode(judged(before, after), order="sorted")]
    return hashlib.sha256(b"\n".join(parts)).hexdigest()[:16]


def kept() -> tuple[int, dict[str, str]]:
    """The number of the reading that the digests are of, and the digests by the names of the cases."""
    first, *lines = FILE.read_text(encoding="utf-8").splitlines()
    return int(first), dict(line.split(" ", 1)[::-1] for line in lines)


@pytest.mark.parametrize("name", CASES)
def test_a_reading_stays_what_it_is(name: str) -> None:
    number, readings = kept()
    assert number == READING, "write the file anew: python -m tests.corpus.test_reading"
    assert readings.get(name) == reading_of(CASES[name]), (
        "this is read otherwise than before: raise READING in registry_sync/__init__.py, then python -m tests.corpus.test_reading"
    )


def main() -> int:
    """Write the file, unless what is in it is read otherwise now and the number was not raised."""
    now = {name: reading_of(case) for name, case in CASES.items()}
    if FILE.exists():
        number, before = kept()
        changed = [name for name, digest in before.items() if now.get(name, digest) != digest]
        if changed and number >= READING:
            sys.stderr.write(f"{len(changed)} cases are read otherwise, such as {changed[0]}: raise READING in registry_sync/__init__.py\n")
            return 1
    lines = [str(READING), *(f"{digest} {name}" for name, digest in sorted(now.items()))]
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
