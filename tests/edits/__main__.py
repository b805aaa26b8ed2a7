"""``python -m tests.edits --seed 1 --count 1000 [--kind number_changed]``: edits of the real records, and what failed by kind."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections import Counter, defaultdict
from pathlib import Path

from tests.edits.run import COSMETIC, MATERIAL, Outcome, cases, real_studies, run
from tests.edits.telling import Expected, Telling

_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
_LONGEST = 240


def main() -> int:
    """0 when all was told and nothing else, 1 when not, 2 when there are no records."""
    asked = _arguments()
    if asked.list:
        _say("\n".join(["material:", *(f"  {name}" for name in MATERIAL), "cosmetic:", *(f"  {name}" for name in COSMETIC)]))
        return 0
    if not _DATA.is_dir():
        sys.stderr.write("There are no real records beside this checkout (../shared/data).\n")
        return 2
    ran: Counter[str] = Counter()
    failed: dict[str, list[Outcome]] = defaultdict(list)
    for case in cases(real_studies(_DATA), asked.seed, asked.count, asked.kind):
        outcome = run(case)
        ran[case.label] += 1
        if not outcome.verdict.holds:
            failed[case.label].append(outcome)
    for label, outcomes in sorted(failed.items(), key=lambda pair: -len(pair[1])):
        _say(f"\n=== {label}: {len(outcomes)} of {ran[label]} failed")
        for outcome in outcomes[: asked.show]:
            _say(described(outcome))
    wrong = sum(map(len, failed.values()))
    _say(f"\n{ran.total()} edits of {len(ran)} kinds; {wrong} failed, in {len(failed)} kinds")
    return 1 if wrong else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.edits", description="Labelled edits of the real records.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--kind", choices=[*MATERIAL, *COSMETIC, "amendment", "rewritten"], metavar="KIND", help="one kind alone")
    parser.add_argument("--show", type=int, default=5, help="failures shown of each kind")
    parser.add_argument("--list", action="store_true", help="the kinds, and nothing else")
    return parser.parse_args()


def described(outcome: Outcome) -> str:
    """The study, the edit, what was not told and what was told besides."""
    case = outcome.case
    out = [
        f"--- {case.trial} (case {case.seed}): {', '.join(case.kinds)}{f' [{case.form}]' if case.form else ''}",
        *(f"  {line}" for line in _edit(outcome)),
    ]
    out += [f"  not told: {_expected(one)}" for one in outcome.verdict.missing]
    out += [
        f"  besides:  {one.field} {one.operation} [{one.group}] {one.significance}/{one.reader_significance} "
        f"{_cut(one.before)} -> {_cut(one.after)}"
        for one in outcome.verdict.besides[:8]
    ]
    return "\n".join(out)


def _edit(outcome: Outcome) -> list[str]:
    before, after = (_text(study).split("\n") for study in (outcome.case.before, outcome.case.after))
    lines = list(difflib.unified_diff(before, after, lineterm="", n=1))[2:]
    return [_cut(line) for line in lines[:14]]


def _text(study: dict[str, object]) -> str:
    protocol = study.get("protocolSection")
    module = protocol.get("eligibilityModule") if isinstance(protocol, dict) else None
    return str((module or {}).get("eligibilityCriteria") or "")


def _expected(one: Expected) -> str:
    return " OR ".join(" + ".join(_telling(telling) for telling in reading) for reading in one.readings)


def _telling(one: Telling) -> str:
    return f"{one.field} {one.operation} [{one.group}] {one.significance} {_cut(one.before)} -> {_cut(one.after)}"


def _cut(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


if __name__ == "__main__":
    sys.exit(main())
