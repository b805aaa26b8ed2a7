"""The timeline that `show` begins with: texts written by hand for known lives of a trial, and what holds for any life."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_sync.cli import band
from registry_sync.cli.layout import width
from registry_sync.cli.timeline import WIDTH, timeline


@dataclass
class State:
    day: str
    headline: Mapping[str, Any] = field(default_factory=dict)
    backfilled: bool = False
    at_latest: bool = False
    is_joined: bool = False
    entry: str = ""
    unknown_by: str = ""


def planned(date: str) -> dict[str, str]:
    return {"date": date, "type": "ESTIMATED"}


def actual(date: str) -> dict[str, str]:
    return {"date": date, "type": "ACTUAL"}


def state(day: str, status: str | None = "RECRUITING", **more: Any) -> State:
    return State(day, {"overall_status": status, **more})


def drawn(states: list[State], until: str) -> list[str]:
    return [click.unstyle(line) for line in timeline(states, datetime.date.fromisoformat(until))]


ONE = """\
Timeline: 1 version, 2026-02-03 to 2026-02-09

a letter: 1 day     2026-02-03
Recruitment status  RRRRRRR

R  since 2026-02-03          6 days  Recruiting
"""

A_DAY_BESIDE_YEARS = """\
Timeline: 5 versions, 2020-01-01 to 2024-12-31

a letter: 1 month   2020        2021        2022        2023        2024
Recruitment status  NNRRRRRRRRRRRRRRRRRRRRRRRRRRRSRRRRRRRRRRRRRRRRRRCCCCCCCCCCCC

N  2020-01-01 to 2020-03-15  2 months   Not yet recruiting
R  2020-03-15 to 2022-06-10  27 months  Recruiting
S  2022-06-10 to 2022-06-11  1 day      Suspended
R  2022-06-11 to 2024-01-20  19 months  Recruiting
C  since 2024-01-20          11 months  Completed
"""

DATES_THAT_MOVE = """\
Timeline: 5 versions, 2025-01-10 to 2026-03-31

a letter: 1 month   2025        2026
Recruitment status  NNNRRRRRRRRRRRR
Study start            !
Primary completion          >
Study completion            *    <
                    > put off   < brought forward   * both   ! has taken place

N  2025-01-10 to 2025-04-02  3 months   Not yet recruiting
R  since 2025-04-02          12 months  Recruiting

Study start         2025-03 (estimated) → 2025-03-20 (actual)
                    more precise on 2025-04-02
Primary completion  2026-12 → 2027-06 (estimated), +6 months on 2025-09-01
Study completion    2027-06 → 2027-03 (estimated), moved once, −3 months in all
  2025-09-01  2027-06 → 2027-12 (estimated)  +6 months
  2025-09-03  2027-12 → 2027-06 (estimated)  −6 months, put back
  2026-02-10  2027-06 → 2027-03 (estimated)  −3 months
"""

WHAT_IS_NOT_STATED = """\
Timeline: 3 versions, 2024-05-01 to 2024-06-10

a letter: 1 day     2024-05-01    2024-05-15    2024-05-29
Recruitment status  ...................RRRRRRRRRRRRRRRRRRRRRR

.  2024-05-01 to 2024-05-20  19 days  not stated
R  since 2024-05-20          21 days  Recruiting

Study completion    2025 → not stated
  2024-05-20  not stated → 2025  stated
  2024-06-05  2025 → not stated  no longer stated
"""

THREE_ON_ONE_DAY = """\
Timeline: 3 versions, 2026-02-03 to 2026-02-03

a letter: 1 day     2026-02-03
Recruitment status  S

N  2026-02-03 to 2026-02-03  under a day  Not yet recruiting
                                          (too short for the band)
R  2026-02-03 to 2026-02-03  under a day  Recruiting
                                          (too short for the band)
S  since 2026-02-03          under a day  Suspended
"""

SILENCE = """\
Timeline: 2 versions (1 backfilled), 2023-01-05 to 2026-01-01

a letter: 1 month   2023        2024        2025        2026
Recruitment status  RRRRRRRRRRRRRRRRRRRRRRRRRRRRRR???????

R  2023-01-05 to 2025-07-01  30 months  Recruiting
?  since 2025-07-01          6 months   Unknown status
                                        last known: Recruiting

Study completion    2024-12-31 (estimated), has not moved
Enrolment           40 (estimated), has not changed
"""

FOUND_BY_THE_FIRST_LOOK = """\
Timeline: 2 versions (1 backfilled), 2023-01-05 to 2026-01-01

a letter: 1 month   2023        2024        2025        2026
Recruitment status  rrrrrrrrrrrrrrrrrrrrrrrrrrrrrr???????
                    a small letter: it is not known until when

R  2023-01-05 to 2025-07-01     up to 30 months    Recruiting
?  by 2025-07-01 at the latest  at least 6 months  Unknown status
                                                   last known: Recruiting
"""

FOUND_AND_GONE = """\
Timeline: 3 versions (1 backfilled), 2025-12-01 to 2026-01-12

a letter: 1 day     2025-12-01    2025-12-15    2025-12-29    2026-01-12
Recruitment status  rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr???????CCC
                    a small letter: it is not known until when

R  2025-12-01 to 2026-01-03     up to 1 month    Recruiting
?  by 2026-01-03 to 2026-01-10  at least 7 days  Unknown status
C  since 2026-01-10             2 days           Completed
"""

FOUND_TODAY = """\
Timeline: 2 versions (1 backfilled), 2025-12-01 to 2026-01-03

a letter: 1 day     2025-12-01    2025-12-15    2025-12-29
Recruitment status  rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr?
                    a small letter: it is not known until when

R  2025-12-01 to 2026-01-03     up to 1 month  Recruiting
?  by 2026-01-03 at the latest  not known      Unknown status
"""

A_WHOLE_LIFE = """\
Timeline: 5 versions, 2012-11-20 to 2026-02-28

a letter: 3 months   2013    2015    2017    2019    2021    2023    2025
Recruitment status  NRRRRRRRRRRRRRRRRAAAAAAAACCCCCCCCCCCCCCCCCCCCCCCCCCCCC
Study completion             >               !
                    > put off   ! has taken place

N  2012-11-20 to 2013-01-15  2 months   Not yet recruiting
R  2013-01-15 to 2017-01-02  48 months  Recruiting
A  2017-01-02 to 2019-02-01  25 months  Active, not recruiting
C  since 2019-02-01          85 months  Completed

Study completion    2017-12-31 (estimated) → 2018-12-20 (actual)
                    moved 2 times (1 later, 1 earlier), +12 months in all
  2015-03-01  2017-12-31 → 2018-12-31 (estimated)           +12 months
  2019-02-01  2018-12-31 (estimated) → 2018-12-20 (actual)  −11 days
Enrolment           40 (estimated) → 57 (actual)
  2015-03-01  40 → 60 (estimated)           +20
  2019-02-01  60 (estimated) → 57 (actual)
Results posted      since 2019-02-01
"""


SPAN = {"completion_date": planned("2024-12-31"), "enrollment": {"count": 40, "type": "ESTIMATED"}}
LIVES: dict[str, tuple[str, list[State]]] = {
    "one version": (ONE, [state("2026-02-03", completion_date=planned("2026-12-31"))]),
    "a day beside years": (
        A_DAY_BESIDE_YEARS,
        [
            state("2020-01-01", "NOT_YET_RECRUITING"),
            state("2020-03-15"),
            state("2022-06-10", "SUSPENDED"),
            state("2022-06-11"),
            state("2024-01-20", "COMPLETED"),
        ],
    ),
    "dates that move": (
        DATES_THAT_MOVE,
        [
            state(day, status, start_date=start, primary_completion_date=planned(primary), completion_date=planned(completion))
            for day, status, start, primary, completion in (
                ("2025-01-10", "NOT_YET_RECRUITING", planned("2025-03"), "2026-12", "2027-06"),
                ("2025-04-02", "RECRUITING", actual("2025-03-20"), "2026-12", "2027-06"),
                ("2025-09-01", "RECRUITING", actual("2025-03-20"), "2027-06", "2027-12"),
                ("2025-09-03", "RECRUITING", actual("2025-03-20"), "2027-06", "2027-06"),
                ("2026-02-10", "RECRUITING", actual("2025-03-20"), "2027-06", "2027-03"),
            )
        ],
    ),
    "what is not stated": (
        WHAT_IS_NOT_STATED,
        [state("2024-05-01", None), state("2024-05-20", completion_date={"date": "2025"}), state("2024-06-05")],
    ),
    "three on one day": (
        THREE_ON_ONE_DAY,
        [state("2026-02-03", status) for status in ("NOT_YET_RECRUITING", "RECRUITING", "SUSPENDED")],
    ),
    "silence": (
        SILENCE,
        [
            State("2023-01-05", {"overall_status": "RECRUITING", **SPAN}, backfilled=True),
            state("2025-07-01", "UNKNOWN", last_known_status="RECRUITING", **SPAN),
        ],
    ),
    "a status that the first look found": (
        FOUND_BY_THE_FIRST_LOOK,
        [
            State("2023-01-05", {"overall_status": "RECRUITING"}, backfilled=True),
            State("2025-07-01", {"overall_status": "UNKNOWN", "last_known_status": "RECRUITING"}, at_latest=True),
        ],
    ),
    "a status that the first look found, and another": (
        FOUND_AND_GONE,
        [
            State("2025-12-01", {"overall_status": "RECRUITING"}, backfilled=True),
            State("2026-01-03", {"overall_status": "UNKNOWN"}, at_latest=True),
            state("2026-01-10", "COMPLETED"),
        ],
    ),
    "a first look today": (
        FOUND_TODAY,
        [
            State("2025-12-01", {"overall_status": "RECRUITING"}, backfilled=True),
            State("2026-01-03", {"overall_status": "UNKNOWN"}, at_latest=True),
        ],
    ),
    "a whole life": (
        A_WHOLE_LIFE,
        [
            state("2012-11-20", "NOT_YET_RECRUITING", completion_date=planned("2017-12-31"), enrollment=SPAN["enrollment"]),
            state("2013-01-15", completion_date=planned("2017-12-31"), enrollment=SPAN["enrollment"]),
            state("2015-03-01", completion_date=planned("2018-12-31"), enrollment={"count": 60, "type": "ESTIMATED"}),
            state(
                "2017-01-02",
                "ACTIVE_NOT_RECRUITING",
                completion_date=planned("2018-12-31"),
                enrollment={"count": 60, "type": "ESTIMATED"},
                has_results=False,
            ),
            state(
                "2019-02-01",
                "COMPLETED",
                completion_date=actual("2018-12-20"),
                enrollment={"count": 57, "type": "ACTUAL"},
                has_results=True,
            ),
        ],
    ),
}
UNTIL = {
    "one version": "2026-02-09",
    "a day beside years": "2024-12-31",
    "dates that move": "2026-03-31",
    "what is not stated": "2024-06-10",
    "three on one day": "2026-02-03",
    "silence": "2026-01-01",
    "a status that the first look found": "2026-01-01",
    "a status that the first look found, and another": "2026-01-12",
    "a first look today": "2026-01-03",
    "a whole life": "2026-02-28",
}


@pytest.mark.parametrize("life", LIVES)
def test_the_timeline_of_a_known_life(life: str) -> None:
    text, states = LIVES[life]
    assert "\n".join(drawn(states, UNTIL[life])) + "\n" == text


def test_of_sixty_versions_the_newest_steps_are_listed() -> None:
    states = [
        state(f"{2020 + month // 12}-{month % 12 + 1:02}-05", completion_date=planned(f"{2025 + month // 12}-{month % 12 + 1:02}"))
        for month in range(60)
    ]
    lines = drawn(states, "2025-01-01")
    assert "Study completion    2025-01 → 2029-12 (estimated)" in lines
    assert f"{'':20}moved 59 times, +59 months in all" in lines
    assert "  51 earlier steps are not listed" in lines
    assert lines[-1] == "  2024-12-05  2029-11 → 2029-12 (estimated)  +1 month"
    assert len(lines) == 20


def test_nothing_held_is_no_timeline() -> None:
    assert drawn([], "2026-01-01") == []


def test_a_right_end_before_the_last_version_is_moved_to_it() -> None:
    assert drawn([state("2026-02-03")], "2020-01-01") == drawn([state("2026-02-03")], "2026-02-03")


def test_colours_say_nothing_that_the_letters_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    coloured = timeline(LIVES["silence"][1], datetime.date(2026, 1, 1))
    assert any("\x1b[" in line for line in coloured)
    assert len({letter for letter, _ in _letters().values()}) == len(_letters())


def _letters() -> dict[Any, tuple[str, str | None]]:
    from registry_sync.cli.timeline import _LETTERS

    return _LETTERS


# --- whatever comes ----------------------------------------------------------------------------------------------------

anything = st.none() | st.booleans() | st.integers() | st.text(max_size=90) | st.lists(st.integers(), max_size=2)
statuses = st.sampled_from(sorted(filter(None, _letters()))) | anything
some_dates = st.sampled_from(["2026", "2026-01", "2026-01-15", "2027-12-31", "2027-12", "0001", "9999-12-31", "2026-02-30", "soon", ""])
dated = st.fixed_dictionaries({"date": some_dates | anything, "type": st.sampled_from(["ACTUAL", "ESTIMATED"]) | anything})
enrolled = st.fixed_dictionaries({"count": anything, "type": anything})
headlines = st.fixed_dictionaries(
    {},
    optional={
        "overall_status": statuses,
        "last_known_status": statuses,
        "start_date": dated | anything,
        "primary_completion_date": dated | anything,
        "completion_date": dated | anything,
        "enrollment": enrolled | anything,
        "has_results": anything,
    },
)
gaps = st.sampled_from([0, 1, 6, 27, 31, 365, 4000, 200_000]) | st.integers(0, 1000)
FIRST = datetime.date(1, 1, 1)


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[State], datetime.date]:
    steps = draw(st.lists(st.tuples(gaps, headlines, st.booleans(), st.booleans()), min_size=1, max_size=70))
    start = draw(st.integers(1, 750_000))
    days = [
        datetime.date.fromordinal(min(each, datetime.date.max.toordinal()))
        for each in accumulate((gap for gap, *_ in steps), initial=start)
    ]
    states = [State(day.isoformat(), headline, *how) for day, (_, headline, *how) in zip(days[1:], steps, strict=True)]
    return states, draw(st.dates())


@given(lives())
def test_any_life_fits_and_holds_nothing_that_a_terminal_obeys(life: tuple[list[State], datetime.date]) -> None:
    lines = [click.unstyle(line) for line in timeline(*life)]
    assert lines
    assert all(width(line) <= WIDTH for line in lines), max(lines, key=width)
    assert not any(char < " " or "\x7f" <= char < "\xa0" for line in lines for char in line)


@given(lives())
def test_the_band_ends_with_the_status_that_stands_and_tells_of_every_other(life: tuple[list[State], datetime.date]) -> None:
    states, until = life
    lines = [click.unstyle(line) for line in timeline(states, until)]
    letters = lines[3][20:].upper()
    first = lines.index("", 4) + 1
    last = lines.index("", first) if "" in lines[first:] else len(lines)
    told = [line for line in lines[first:last] if not line.startswith(" ")]
    assert letters[-1] == told[-1][0]
    assert "since" in told[-1] or "at the latest" in told[-1]
    hidden = sum("too short for the band" in line for line in lines)
    runs = [letter for index, letter in enumerate(letters) if index == 0 or letters[index - 1] != letter]
    assert len(runs) <= len(told) - hidden or hidden == 0
    assert set(letters) <= {line[0] for line in told}


@given(st.dates(), st.dates())
def test_any_two_days_find_a_scale(one: datetime.date, other: datetime.date) -> None:
    first, last = sorted((one, other))
    scale = band.scale(first, last, 60)
    assert scale.column(first) == 0
    assert 0 <= scale.column(last) < 60
    assert len(band.dates_above(scale, scale.column(last) + 1, 60)) <= 60


@given(st.dates(datetime.date(2000, 1, 1), datetime.date(2060, 1, 1)), st.integers(0, 20_000))
def test_a_date_stands_over_its_own_column(first: datetime.date, days: int) -> None:
    last = first + datetime.timedelta(days=days)
    scale = band.scale(first, last, 60)
    above = band.dates_above(scale, scale.column(last) + 1, 60)
    for at in (index for index, char in enumerate(above) if char != " " and (index == 0 or above[index - 1] == " ")):
        label = above[at:].split(" ")[0]
        day = datetime.date.fromisoformat((label + "-01-01")[:10])
        column = scale.column(max(day, first))
        # a month begins in the middle of a week, and stands over the first whole one
        assert at - column in ((0, 1) if scale.unit == "week" else (0,))
