"""How a page stands beside the registry, look by look: what is news, what is not, and what is told once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_sync.trials import standing
from registry_sync.trials.audit import Verdict
from registry_sync.trials.changes import Change
from registry_sync.trials.listing import Listing
from registry_sync.trials.record import Record
from registry_sync.trials.standing import Standing, Wrong

MONDAY, TUESDAY, WEDNESDAY, THURSDAY = (f"2026-02-0{day}T06:00:00Z" for day in (2, 3, 4, 5))


def rows(**verdicts: str) -> list[Verdict]:
    return [Verdict(field=field, registry="R", listing="L", verdict=verdict) for field, verdict in verdicts.items()]  # type: ignore[arg-type]


def looks(*days: Sequence[Verdict]) -> tuple[Standing, list[Change]]:
    """The news of looks on days that follow each other."""
    known, told = Standing(), []
    for number, verdicts in enumerate(days):
        known, change = standing.compared(known, verdicts, f"2026-02-{number + 1:02}T06:00:00Z")
        told += [change] if change else []
    return known, told


def words(told: Sequence[Change]) -> list[tuple[str | None, str]]:
    return [(change.before, change.after) for change in told]


@pytest.mark.parametrize(
    ("verdict", "word"), [("agrees", "agrees"), ("outdated", "fell behind"), ("contradicts", "contradicts"), ("unstated", "agrees")]
)
def test_the_first_look_is_a_baseline(verdict: str, word: str) -> None:
    known, told = looks(rows(overall_status=verdict))
    assert (known.word, told) == (word, [])


def test_a_page_that_falls_behind_and_catches_up_is_told_twice() -> None:
    agrees, behind = rows(overall_status="agrees"), rows(overall_status="outdated")
    _, told = looks(agrees, behind, behind, agrees, agrees)
    assert words(told) == [("agrees", "fell behind"), ("fell behind", "agrees again")]
    assert [change.significance for change in told] == ["major", "minor"]
    assert {change.reader_significance for change in told} == {"untold"}
    assert told[0].detail == {
        "fields": [{"field": "overall_status", "verdict": "outdated", "since": None, "registry": "R", "listing": "L"}]
    }


def test_a_further_field_that_falls_behind_is_told_and_only_that() -> None:
    _, told = looks(
        rows(overall_status="agrees", sex="agrees"),
        rows(overall_status="agrees", sex="outdated"),
        rows(overall_status="outdated", sex="outdated"),
    )
    assert [[row["field"] for row in (change.detail or {})["fields"]] for change in told] == [["sex"], ["overall_status"]]
    assert [change.significance for change in told] == ["minor", "major"]


def test_one_of_two_fields_set_right_is_no_news_yet() -> None:
    _, told = looks(
        rows(overall_status="agrees", sex="agrees"),
        rows(overall_status="outdated", sex="outdated"),
        rows(overall_status="agrees", sex="outdated"),
        rows(overall_status="agrees", sex="agrees"),
    )
    assert words(told) == [("agrees", "fell behind"), ("fell behind", "agrees again")]


@pytest.mark.parametrize("silence", ["unstated", "incomparable"])
def test_a_page_that_goes_silent_does_not_agree_again(silence: str) -> None:
    known, told = looks(rows(overall_status="agrees"), rows(overall_status="outdated"), rows(overall_status=silence))
    assert words(told) == [("agrees", "fell behind")]
    assert known.wrong == (Wrong("overall_status", "outdated"),)


def test_a_contradiction_that_the_registrys_history_explains_is_no_news() -> None:
    _, told = looks(rows(sex="agrees"), rows(sex="contradicts"), rows(sex="outdated"))
    assert words(told) == [("agrees", "contradicts")]


def test_unreadable_is_told_after_three_runs_once_and_that_it_is_back_once() -> None:
    known, _ = looks(rows(overall_status="agrees"))
    told = []
    for day in (MONDAY, TUESDAY, WEDNESDAY, THURSDAY):
        known, change = standing.not_read(known, "a maintenance page", day)
        told.append(change and change.after)
    assert told == [None, None, "unreadable", None]
    known, change = standing.compared(known, rows(overall_status="agrees"), THURSDAY)
    assert change is not None
    assert (change.before, change.after, change.significance) == ("unreadable", "agrees again", "minor")
    assert (known.failures, known.reason) == (0, "")


def test_a_page_that_comes_back_behind_is_told_as_such() -> None:
    known, _ = looks(rows(overall_status="agrees"))
    for day in (MONDAY, TUESDAY, WEDNESDAY):
        known, _ = standing.not_read(known, "down", day)
    known, change = standing.compared(known, rows(overall_status="outdated"), THURSDAY)
    assert change is not None
    assert (change.before, change.after, change.significance) == ("unreadable", "fell behind", "major")


def test_two_failures_are_no_news() -> None:
    known, _ = looks(rows(overall_status="agrees"))
    for day in (MONDAY, TUESDAY):
        known, change = standing.not_read(known, "down", day)
        assert change is None
    known, change = standing.compared(known, rows(overall_status="agrees"), WEDNESDAY)
    assert (change, known.failures) == (None, 0)


def test_not_found_on_two_days_is_gone() -> None:
    known, _ = looks(rows(overall_status="agrees"))
    known, change = standing.not_there(known, "404", "2026-02-02T23:00:00Z")
    assert change is None
    known, change = standing.not_there(known, "404", "2026-02-03T01:00:00Z")  # midnight between two looks of one outage
    assert change is None
    known, change = standing.not_there(known, "404", "2026-02-03T07:00:00Z")
    assert change is not None
    assert (change.before, change.after) == ("agrees", "gone")
    known, change = standing.not_there(known, "404", WEDNESDAY)
    assert change is None
    known, change = standing.not_read(known, "503", WEDNESDAY)
    assert change is None  # a page that has gone is not unreadable as well


def test_a_page_found_again_between_two_days_was_not_gone() -> None:
    known, _ = looks(rows(overall_status="agrees"))
    known, _ = standing.not_there(known, "404", MONDAY)
    known, _ = standing.compared(known, rows(overall_status="agrees"), TUESDAY)
    known, change = standing.not_there(known, "404", WEDNESDAY)
    assert change is None


FULL = Record(trial="NCT00000001", overall_status="RECRUITING", sex="ALL", minimum_age="18 Years", brief_title="T", lead_sponsor="S")


def test_a_page_that_loses_most_of_its_fields_is_not_believed() -> None:
    reason = standing.lost_most(Listing(record=FULL), Listing(record=Record(trial="NCT00000001", brief_title="T", sex="ALL")))
    assert reason is not None
    assert "3 of 5 fields" in reason


def test_a_field_that_is_cut_off_today_is_not_lost() -> None:
    cut = Listing(record=Record(trial="NCT00000001", brief_title="T", sex="ALL"), how={"lead_sponsor": "cut_off"})
    assert standing.lost_most(Listing(record=FULL), cut) is None
    assert standing.lost_most(None, cut) is None


VERDICTS = st.sampled_from(["agrees", "outdated", "contradicts", "unstated", "incomparable"])
DAYS = st.lists(st.fixed_dictionaries({"overall_status": VERDICTS, "sex": VERDICTS, "criteria": VERDICTS}), min_size=1, max_size=12)


@given(DAYS)
def test_whatever_a_page_does_the_same_is_not_told_twice(days: list[dict[str, str]]) -> None:
    known = Standing()
    for number, day in enumerate(days):
        known, _ = standing.compared(known, rows(**day), f"2026-03-{number + 1:02}T06:00:00Z")
        again, change = standing.compared(known, rows(**day), f"2026-03-{number + 1:02}T18:00:00Z")
        assert change is None
        assert again.wrong == known.wrong
        assert {one.field for one in known.wrong} >= {field for field, verdict in day.items() if verdict in ("outdated", "contradicts")}
