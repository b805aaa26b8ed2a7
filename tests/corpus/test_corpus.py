"""Every hand-made case gives exactly the changes that its author expects, and the cases together cover the tables."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from typing import Any, Literal

import msgspec
import pytest

from registry_sync.sources.ctgov_record import record_from
from registry_sync.trials import significance
from registry_sync.trials.changes import compare
from registry_sync.trials.record import FIELDS, from_json, to_json
from registry_sync.trials.significance import TABLE, Rule, Step, judged
from tests.corpus.loader import Case, all_cases, shown, wanted
from tests.notices.test_never_said import NEVER, TO_READERS

CASES = all_cases()
LEAST = 130
SIDES: tuple[Literal["before", "after"], ...] = ("before", "after")


def _param(name: str, case: Case, *, judged_by_it: bool) -> Any:
    """A case by its name; what the engine is known not to do yet must fail, so that its mark goes when the engine is mended."""
    marks = [pytest.mark.xfail(strict=True, raises=AssertionError, reason=case.known)] if case.known and judged_by_it else []
    return pytest.param(case, id=name, marks=marks)


judging = pytest.mark.parametrize("case", [_param(name, case, judged_by_it=True) for name, case in CASES.items()])
each = pytest.mark.parametrize("case", [_param(name, case, judged_by_it=False) for name, case in CASES.items()])


@judging
def test_exactly_the_expected_changes_are_told(case: Case) -> None:
    told = [shown(change) for change in judged(case.record("before"), case.record("after"))]
    expected = [wanted(change) for change in case.changes]
    assert sorted(told, key=repr) == sorted(expected, key=repr)


@pytest.mark.parametrize("case", [_param(name, case, judged_by_it=True) for name, case in CASES.items() if not case.changes])
def test_what_is_no_change_is_none_backwards_either(case: Case) -> None:
    assert compare(case.record("after"), case.record("before")) == ()


@each
def test_a_version_does_not_differ_from_itself(case: Case) -> None:
    for side in SIDES:
        record = case.record(side)
        again = record_from(msgspec.json.encode(case.study(side)))
        assert again == record == from_json(to_json(record))
        assert to_json(from_json(to_json(record))) == to_json(record)
        assert compare(record, again) == ()


@each
def test_a_release_stamp_alone_changes_nothing(case: Case) -> None:
    """The version before, as the next data release sends it."""
    unchanged = msgspec.structs.replace(case, after=case.before)
    assert compare(unchanged.record("before"), unchanged.record("after")) == ()


def test_there_are_many_cases_each_for_its_own_reason() -> None:
    assert len(CASES) >= LEAST
    reasons = Counter(case.reason.strip() for case in CASES.values())
    assert "" not in reasons
    assert [reason for reason, number in reasons.items() if number > 1] == []


def test_no_two_cases_are_the_same_pair_of_versions() -> None:
    pairs = Counter(msgspec.json.encode([case.study("before"), case.study("after")]) for case in CASES.values())
    assert max(pairs.values()) == 1


def test_every_field_that_can_change_has_a_case() -> None:
    assert {field.name for field in FIELDS} - {change.field for case in CASES.values() for change in case.changes} == set()


def test_every_operation_has_a_case() -> None:
    assert {change.operation for case in CASES.values() for change in case.changes} == {"changed", "added", "removed", "moved"}


OF_NO_RECORD = "registry"
"""That a record left the registry, or is back, stands in no record: tests/jobs/test_presence.py has these cases."""


def test_every_rule_of_significance_has_a_case(monkeypatch: pytest.MonkeyPatch) -> None:
    reached: set[Rule] = set()
    monkeypatch.setattr(significance, "TABLE", tuple(_noting(rule, reached) for rule in TABLE))
    for case in CASES.values():
        significance.judged(case.record("before"), case.record("after"))
    missed = [rule for rule in TABLE if rule not in reached and rule.fields != OF_NO_RECORD]
    assert [f"{rule.fields}: {rule.when.__name__}: {rule.why}" for rule in missed] == []


def _noting(rule: Rule, reached: set[Rule]) -> Rule:
    """The rule, which notes when it is the one that judges: rules are asked from the top, so the first that holds is."""

    def when(at: Step) -> bool:
        holds = rule.when(at)
        if holds:
            reached.add(rule)
        return holds

    return msgspec.structs.replace(rule, when=when)


def test_the_cases_speak_no_word_that_the_mails_are_searched_for() -> None:
    """A mail quotes the record: with such a word in a case, the search could not tell the record's words from ours."""
    for (name, case), pattern in itertools.product(CASES.items(), (*NEVER["en"], TO_READERS["en"])):
        study = msgspec.json.encode([case.both, case.before, case.after]).decode()
        assert not re.search(pattern, study, re.IGNORECASE), (name, pattern)
