"""Labelled edits of the real records: every one is told with its operation, and nothing is told besides."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.edits.__main__ import described
from tests.edits.kinds import Study
from tests.edits.known import KNOWN
from tests.edits.run import Case, Outcome, cases, real_studies, run

SOAK = 20_000
IN_EVERY_RUN = SOAK // 20
SEED = 20260203
EDITS = int(os.environ.get("EDITS", IN_EVERY_RUN))
ENOUGH_TO_FAIL = 60
SHOWN = 5


@pytest.fixture(scope="module")
def studies(shared_data: Path) -> list[Study]:
    return real_studies(shared_data)


def excused(case: Case) -> bool:
    return not KNOWN.keys().isdisjoint((case.label, *case.kinds))


@pytest.mark.timeout(60 if EDITS <= IN_EVERY_RUN else 1800)
def test_every_edit_of_a_real_record_is_told_with_its_operation_and_nothing_besides(studies: list[Study]) -> None:
    failed: list[Outcome] = []
    ran: Counter[str] = Counter()
    for case in cases(studies, SEED, EDITS):
        ran[case.label] += 1
        outcome = run(case)
        if not outcome.verdict.holds and not excused(case):
            failed.append(outcome)
    kinds = Counter(outcome.case.label for outcome in failed)
    assert not failed, "\n".join([f"{len(failed)} of {ran.total()} edits are told wrongly: {dict(kinds)}", *map(described, failed[:SHOWN])])
    assert ran.total() > 0.98 * EDITS, "a kind of edit finds no place in the records any more"


@pytest.mark.parametrize("kind", KNOWN)
def test_a_kind_that_is_known_to_fail_does_fail(studies: list[Study], kind: str) -> None:
    tried = cases(studies, SEED, ENOUGH_TO_FAIL, kind)
    assert any(not run(case).verdict.holds for case in tried), f"{kind} is told rightly now: take it out of KNOWN"
