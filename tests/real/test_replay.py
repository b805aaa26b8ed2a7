"""587 real trials over six weeks, through the real sync job: every field whose registry value differs is told, and no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from registry_sync.notices.route import COORDINATOR_TOPICS, Subscription
from registry_sync.trials.changes import KeptChange
from registry_sync.trials.record import FIELDS
from tests.house import open_house
from tests.real import replaying
from tests.real.replaying import ITEM_FIELDS, SINGLE, Replay, Step

pytestmark = pytest.mark.timeout(180)  # the first test plays the days: half a minute under coverage, more on a busy machine

READER, COORDINATOR = "reader@example.org", "coordinator@example.org"


@pytest.fixture(scope="module")
def replay(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    subscribers = [
        Subscription(id=0, address=READER, kind="email", role="reader"),
        # what the day makes of a record is no difference of two: deadlines have tests of their own
        Subscription(id=0, address=COORDINATOR, kind="email", role="coordinator", topics=COORDINATOR_TOPICS - {"deadlines"}),
    ]
    with open_house(tmp_path_factory.mktemp("replay")) as house:
        yield replaying.play(house, replaying.read_days(shared_data / "ctgov-days.jsonl.xz"), subscribers)


def name_of(step: Step) -> str:
    return f"{step.after.trial} {step.after.date} (look {step.after.look})"


def told(replay: Replay, step: Step, field: str) -> list[KeptChange]:
    return [change for change in replay.of(step) if change.field == field]


def test_every_field_has_a_plain_reading() -> None:
    assert {*SINGLE, *ITEM_FIELDS, "criteria"} == {field.name for field in FIELDS}


def test_every_look_is_believed(replay: Replay) -> None:
    assert len(replay.steps) == 2324
    assert replay.failures == []


def test_what_differs_is_told_and_nothing_else(replay: Replay) -> None:
    wrong = {}
    for step in replay.steps:
        expected, got = replaying.expected_fields(step), {change.field for change in replay.of(step)}
        if expected != got:
            wrong[name_of(step)] = {"missed": sorted(expected - got), "false": sorted(got - expected)}
    assert wrong == {}


def test_single_values_are_told_once_as_changed(replay: Replay) -> None:
    for step in replay.steps:
        for field, count in Counter(change.field for change in replay.of(step) if change.field in SINGLE).items():
            assert (count, told(replay, step, field)[0].operation) == (1, "changed"), (name_of(step), field)


@pytest.mark.parametrize("field", ITEM_FIELDS)
def test_list_changes_account_for_each_item_that_left_and_each_that_came(replay: Replay, field: str) -> None:
    for step in replay.steps:
        changes = told(replay, step, field)
        if not changes:
            continue
        before, after = (replaying.items(day.study, field) for day in (step.before, step.after))
        assert _items(field, changes, lambda change: change.before) == before - after, name_of(step)
        assert _items(field, changes, lambda change: change.after) == after - before, name_of(step)
        for change in changes:
            assert change.operation == _operation(change), name_of(step)


def _items(field: str, changes: list[KeptChange], side: Callable[[KeptChange], object]) -> Counter[replaying.Item]:
    return Counter(replaying.told_item(field, side(change)) for change in changes if side(change) is not None)


def _operation(change: KeptChange) -> str:
    return "added" if change.before is None else "removed" if change.after is None else "changed"


@pytest.mark.parametrize("field", ITEM_FIELDS)
def test_an_item_that_kept_its_name_is_told_as_changed(replay: Replay, field: str) -> None:
    """A site of the same facility, city, postal code and country, an outcome of the same measure: it did not leave and come back."""
    for step in replay.steps:
        left = [replaying.told_item(field, change.before) for change in told(replay, step, field) if change.operation == "removed"]
        came = [replaying.told_item(field, change.after) for change in told(replay, step, field) if change.operation == "added"]
        both = {replaying.identity(field, item) for item in left} & {replaying.identity(field, item) for item in came}
        assert both == set(), name_of(step)


def test_criteria_changes_account_for_each_word(replay: Replay) -> None:
    steps = [step for step in replay.steps if told(replay, step, "criteria")]
    assert steps
    for step in steps:
        changes = told(replay, step, "criteria")
        before, after = (replaying.words(replaying.paragraphs(day.study).elements()) for day in (step.before, step.after))
        sides = [replaying.words(text for change in changes if (text := getattr(change, side))) for side in ("before", "after")]
        assert replaying.word_balance(*sides) == replaying.word_balance(before, after), name_of(step)


def test_a_watcher_of_bytes_cries_wolf_and_this_one_does_not(replay: Replay, report: list[str]) -> None:
    bytes_, ours = replay.alarms_of_bytes(), sum(bool(replay.of(step)) for step in replay.steps)
    report.append(
        f"Replay of {len(replay.steps)} real steps: a watcher of bytes raises {bytes_} alarms; {ours} steps have changes, "
        f"a coordinator gets {replay.notices[COORDINATOR]} notices, a reader {replay.notices[READER]}."
    )
    assert bytes_ == len(replay.steps)
    assert ours == sum(bool(replaying.expected_fields(step)) for step in replay.steps)
    audible = dict.fromkeys((READER, COORDINATOR), 0)
    for step in replay.steps:
        audible[COORDINATOR] += any(change.significance != "housekeeping" for change in replay.of(step))
        audible[READER] += any(change.reader_significance not in ("housekeeping", "untold") for change in replay.of(step))
    assert replay.notices == Counter(audible)
