"""Standard cron lines (crontab(5)) as values: five fields, Sunday is 0 and 7."""

from __future__ import annotations

from collections.abc import Iterable

_RANGES = {"minute": (0, 59), "hour": (0, 23), "day of month": (1, 31), "month": (1, 12), "day of week": (0, 7)}
_NAMES = {
    "month": {
        name: number for number, name in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)
    },
    "day of week": {name: number for number, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])},
}
_LONGEST = {month: 29 if month == 2 else 30 if month in (4, 6, 9, 11) else 31 for month in range(1, 13)}
WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]


def fields(line: str) -> list[frozenset[int] | None]:
    """Minute, hour, day of month, month, day of week as sets of numbers; ``None`` is a plain ``*``.

    Days of the week come as 0 to 6 from Sunday. Raises ValueError that says which field is wrong and why.
    """
    parts = line.split()
    if len(parts) != len(_RANGES):
        raise ValueError(f"it has {len(parts)} fields")
    found = [_field(part, name) for part, name in zip(parts, _RANGES, strict=True)]
    _, _, days, months, weekdays = found
    if days is not None and weekdays is None and all(min(days) > _LONGEST[month] for month in months or _LONGEST):
        raise ValueError("no such day ever comes")
    return found


def problem(line: str) -> str | None:
    """What is wrong with a cron line, or ``None``."""
    try:
        fields(line)
    except ValueError as error:
        return str(error)
    return None


def _field(part: str, name: str) -> frozenset[int] | None:
    if part == "*":
        return None
    numbers: set[int] = set()
    for piece in part.split(","):
        numbers.update(_span(piece, name))
    return frozenset(number % 7 for number in numbers) if name == "day of week" else frozenset(numbers)


def _span(piece: str, name: str) -> Iterable[int]:
    low, high = _RANGES[name]
    span, slash, step = piece.partition("/")
    if slash and not (step.isascii() and step.isdecimal() and int(step) > 0):
        raise ValueError(f"{name}: {piece!r} has no step that can be used")
    if span == "*":
        first, last = low, 6 if name == "day of week" else high
    else:
        start, dash, end = span.partition("-")
        first = _number(start, name)
        last = _number(end, name) if dash else (high if slash else first)
    if not low <= first <= last <= high:
        raise ValueError(f"{name}: {piece!r} is not within {low} to {high}")
    return range(first, last + 1, int(step or 1))


def _number(text: str, name: str) -> int:
    number = _NAMES.get(name, {}).get(text.lower())
    if number is not None:
        return number
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"{name}: {text!r} is not a number")
    return int(text)
