"""A digest tells what an item was and what it is, however many steps lie between."""

from __future__ import annotations

from typing import Any

from registry_sync.notices.chains import net
from registry_sync.notices.story import story
from registry_sync.trials.changes import KeptChange
from tests.notices.told import change, news

RULE = "Has smoked within {} months"


def rule(number: int, before: int | None, after: int | None, **more: Any) -> KeptChange:
    sides = (None if value is None else RULE.format(value) for value in (before, after))
    operation = "added" if before is None else "removed" if after is None else "changed"
    return change("criteria", *sides, id=number, group="exclusion", operation=operation, **more)


def test_a_rule_that_moved_thrice_is_one_rule() -> None:
    (one,) = net([rule(1, 6, 11), rule(2, 11, 6), rule(3, 6, 7)])
    assert (one.before, one.after, one.operation, one.id) == (RULE.format(6), RULE.format(7), "changed", 3)
    told = story(news(rule(1, 6, 11), rule(2, 11, 6), rule(3, 6, 7)), "reader", "en")
    assert "1 rule on who may take part has changed" in told.text
    assert len(told.items) == 1
    told = story(news(rule(1, 6, 11), rule(2, 11, 6), rule(3, 6, 7)), "coordinator", "en")
    assert len(told.items) == 1


def test_two_rules_are_two() -> None:
    assert len(net([rule(1, 6, 11), change("criteria", "A", "B", id=2, group="exclusion"), rule(3, 11, 7)])) == 2


def test_what_came_and_was_reworded_is_new_and_what_was_reworded_and_went_is_gone() -> None:
    (new,) = net([rule(1, None, 6), rule(2, 6, 7)])
    assert (new.before, new.after, new.operation) == (None, RULE.format(7), "added")
    (gone,) = net([rule(1, 6, 7), rule(2, 7, None)])
    assert (gone.before, gone.after, gone.operation) == (RULE.format(6), None, "removed")


def test_what_was_put_back_is_nothing_and_the_heaviest_step_counts() -> None:
    assert net([rule(1, 6, 11), rule(2, 11, 6)]) == ()
    assert net([rule(1, 6, None), rule(2, None, 6)]) == ()
    assert net([rule(1, None, 6), rule(2, 6, None)]) == ()
    (gone,) = net([rule(1, 6, None), rule(2, None, 6), rule(3, 6, None)])
    assert (gone.before, gone.after, gone.operation) == (RULE.format(6), None, "removed")
    assert len(net([rule(1, 6, None), rule(2, None, 7)])) == 2
    (one,) = net([rule(1, 6, 11), rule(2, 11, 7, significance="minor", reader_significance="minor")])
    assert one.significance == "major"


def test_a_status_that_came_and_went_is_told_step_by_step_with_the_day_of_each() -> None:
    steps = news(
        change("overall_status", "RECRUITING", "SUSPENDED", id=1, registry_date="2026-02-03"),
        change("overall_status", "SUSPENDED", "RECRUITING", id=2, registry_date="2026-02-05"),
    )
    told = story(steps, "reader", "en")
    assert [item.heading for item in told.items] == [
        "What the trial is doing (5 February 2026)",
        "What the trial is doing (3 February 2026)",
    ]


def test_each_slip_of_a_date_is_told_with_its_day() -> None:
    dates = [{"date": date, "type": "ESTIMATED"} for date in ("2026-12", "2027-01", "2027-06")]
    steps = [change("completion_date", *dates[at : at + 2], id=at, registry_date=f"2026-02-0{at + 3}") for at in (0, 1)]
    assert len(net(steps)) == 2
    assert [item.heading for item in story(news(*steps), "coordinator", "en").items] == [
        "Study completion (2026-02-04)",
        "Study completion (2026-02-03)",
    ]
