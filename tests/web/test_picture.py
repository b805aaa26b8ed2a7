"""The picture of a life: whatever the registry said, all of it is inside, and nothing of the status is left out."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given, settings

from registry_sync.notices.i18n import translator
from registry_sync.web.picture import MOST_ROWS, WIDTH, Picture, picture
from tests.cli.test_timeline import State, actual, lives, planned, state

ENGLISH = translator("en")


def drawn(states: list[Any], until: str) -> Picture:
    found = picture(states, datetime.date.fromisoformat(until), ENGLISH)
    assert found is not None
    return found


def is_inside(found: Picture) -> bool:
    across = [each for line in found.lines for each in (line.x1, line.x2)] + [dot.x for dot in found.dots]
    across += [each for box in found.boxes for each in (box.x, box.x + box.width)] + [text.x for text in found.texts]
    down = [each for line in found.lines for each in (line.y1, line.y2)] + [each.y for each in (*found.dots, *found.texts)]
    return all(0 <= x <= WIDTH for x in across) and all(0 <= y <= found.height for y in down)


def test_no_version_no_picture() -> None:
    assert picture([], datetime.date(2026, 2, 3), ENGLISH) is None


def test_a_life_of_a_day_is_drawn() -> None:
    found = drawn([state("2026-02-03")], "2026-02-03")
    assert [box.title for box in found.boxes] == ["Recruiting, 3 February 2026 – 3 February 2026"]
    assert is_inside(found)


def test_a_pause_of_a_day_is_seen_beside_years() -> None:
    found = drawn([state("2005-01-01"), state("2015-03-01", "SUSPENDED"), state("2015-03-02")], "2026-02-03")
    assert [box.kind for box in found.boxes] == ["s-recruiting", "s-suspended", "s-recruiting"]
    assert all(box.width >= 2 for box in found.boxes)


@pytest.mark.parametrize("odd", ["9999-12-31", "0001-01-01", "2500", "1066-10", "no date", "", None])
def test_a_date_far_away_does_not_press_the_rest_together(odd: str | None) -> None:
    value = {"date": odd, "type": "ESTIMATED"}
    states = [
        state("2024-02-03", start_date=actual("2024-01-01")),
        state("2026-02-03", completion_date=value, start_date=actual("2024-01-01")),
    ]
    found = drawn(states, "2026-02-04")
    assert is_inside(found)
    assert found.boxes[0].width > WIDTH / 2


def test_a_status_is_pale_for_as_long_as_it_may_have_been_over() -> None:
    states = [state("2012-01-01"), state("2014-01-01"), state("2026-01-01", "UNKNOWN")]
    states[2].at_latest = True
    found = drawn(states, "2026-02-03")
    assert [box.kind for box in found.boxes] == ["s-recruiting", "s-recruiting unsure", "s-unknown"]
    assert "Recruiting, then Unknown status" in [text.words for text in found.texts]
    assert {box.title for box in found.boxes[:2]} == {"Recruiting, 1 January 2012 – by 1 January 2026 at the latest"}
    assert is_inside(found)


def test_a_date_without_a_type_is_no_plan() -> None:
    found = drawn([state("2026-02-02", start_date={"date": "1998-04"}, completion_date=planned("2027-01"))], "2026-02-03")
    assert [dot.kind for dot in found.dots] == ["stated", "planned"]
    assert found.is_untyped


def test_an_unknown_status_and_none_have_a_colour_and_words() -> None:
    found = drawn([state("2024-02-03", None), state("2025-02-03", 'NEW_"><b>WORD')], "2026-02-04")
    assert [box.kind for box in found.boxes] == ["s-other", "s-other"]
    assert found.boxes[0].title.startswith("not stated")


def test_of_very_many_slips_the_newest_are_drawn() -> None:
    states = [
        state(f"20{year}-0{month}-01", completion_date=planned(f"20{year + 3}-0{month}")) for year in range(10, 20) for month in (1, 4, 7)
    ]
    found = drawn(states, "2026-02-04")
    assert len(found.dots) == MOST_ROWS
    assert found.dots[-1].title == "As of 1 July 2019: July 2022 (planned)"


@settings(max_examples=60, deadline=None)
@given(lives())
def test_any_life_is_inside_the_picture(life: tuple[list[State], datetime.date]) -> None:
    states, until = life
    found = picture(states, until, ENGLISH)
    assert found is not None
    assert is_inside(found)
    assert len({line.x1 for line in found.lines if line.kind == "version"}) <= len(states)


def test_the_scale_has_no_room_for_steps_that_are_not_drawn() -> None:
    first = state("2020-01-01", completion_date=planned("2044-01"))
    later = [state(f"20{year}-0{month}-01", completion_date=planned(f"2026-0{month}")) for year in range(20, 26) for month in (2, 4, 6, 8)]
    found = drawn([first, *later], "2026-02-04")
    assert len(found.dots) == MOST_ROWS
    assert not found.is_whole
    assert found.boxes[0].width > WIDTH * 0.8


@pytest.mark.parametrize(("odd", "way"), [("9999-12-31", 1), ("2199", 1), ("1900-01", -1)])
def test_a_date_far_away_is_marked_as_beyond_the_edge(odd: str, way: int) -> None:
    found = drawn([state("2024-02-03", completion_date=planned(odd))], "2026-02-04")
    assert found.leads_beyond
    arrow = [line for line in found.lines if line.kind == "beyond"]
    assert len(arrow) == 2
    assert all((line.x2 - line.x1) * way > 0 for line in arrow)
    assert all((line.x2 - found.dots[0].x) * way > 0 for line in arrow)
    near = drawn([state("2024-02-03", completion_date=planned("2030"))], "2026-02-04")
    assert not near.leads_beyond
