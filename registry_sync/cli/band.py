"""A band of letters over time: which column a day falls in, what stands in each column, and the dates above them."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

_WEEK = 7
_MONTHS = 12
_EVERY_DAYS = 14
"""Columns between two dates above a band of days."""
_EVERY_YEARS = 10


class Scale(NamedTuple):
    """What one column stands for, such as 2 months; ``base`` is the number of the first column's period in the calendar."""

    unit: str
    step: int
    base: int

    def column(self, day: datetime.date) -> int:
        """The column that a day falls in, from 0 for the first."""
        return _period(self.unit, self.step, day) - self.base

    @property
    def words(self) -> str:
        """ "2 months", "1 day"."""
        return f"{self.step} {self.unit}{'' if self.step == 1 else 's'}"


_SCALES = (
    ("day", 1), ("week", 1), ("month", 1), ("month", 2), ("month", 3), ("month", 6), ("year", 1), ("year", 2), ("year", 5), ("year", 10),
    ("year", 20), ("year", 50), ("year", 100), ("year", 200),
)  # fmt: skip


def scale(first: datetime.date, last: datetime.date, columns: int) -> Scale:
    """The finest scale by which the days from first to last take no more than so many columns (50 or more)."""
    for unit, step in _SCALES:
        found = Scale(unit, step, _period(unit, step, first))
        if found.column(last) < columns:
            return found
    raise ValueError(f"no scale puts {first} to {last} into {columns} columns")


def _period(unit: str, step: int, day: datetime.date) -> int:
    return {
        "day": day.toordinal(),
        "week": (day.toordinal() - 1) // _WEEK,
        "month": (day.year * _MONTHS + day.month - 1) // step,
        "year": day.year // step,
    }[unit]


def owners(begins: Sequence[datetime.date], scale: Scale, last: datetime.date) -> list[int]:
    """For each column the index of the period that is shown there; ``begins``: when each period began, in order.

    In a column stands the last period that began by its end. One that began and ended within a column gets it all the same, as long as
    the one that follows is seen elsewhere: a pause of a day is not to vanish beside years. What finds no room is in no column.
    """
    shown = [0] * (scale.column(last) + 1)
    for index, begin in enumerate(begins):
        column = scale.column(begin)
        shown[column:] = [index] * (len(shown) - column)
    for index, begin in enumerate(begins):
        column = scale.column(begin)
        if index not in shown and shown.count(shown[column]) > 1:
            shown[column] = index
    return shown


def dates_above(scale: Scale, columns: int, room: int) -> str:
    """The line of dates above a band: each stands over the first column that it is true of. ``room``: the most columns it may take."""
    wanted = list(_labels(scale, columns))
    if len(wanted) > 1 and wanted[1][0] <= len(wanted[0][1]):
        del wanted[0]
    line = ""
    for column, label in wanted:
        if (not line or column > len(line)) and column + len(label) <= room:
            line = line.ljust(column) + label
    return line


def _labels(scale: Scale, columns: int) -> Iterator[tuple[int, str]]:
    before = ""
    for column in range(columns):
        label = _LABELS[scale.unit](scale, column)
        if label != before:
            yield column, label
        before = label


def _day_label(scale: Scale, column: int) -> str:
    return datetime.date.fromordinal(scale.base + column - column % _EVERY_DAYS).isoformat()


def _week_label(scale: Scale, column: int) -> str:
    return datetime.date.fromordinal((scale.base + column) * _WEEK + 1).isoformat()[:7]


def _month_label(scale: Scale, column: int) -> str:
    return f"{(scale.base + column) * scale.step // _MONTHS:04}"


def _year_label(scale: Scale, column: int) -> str:
    number = scale.base + column
    return f"{max(number - number % _EVERY_YEARS, scale.base) * scale.step:04}"


_LABELS: dict[str, Callable[[Scale, int], str]] = {"day": _day_label, "week": _week_label, "month": _month_label, "year": _year_label}
