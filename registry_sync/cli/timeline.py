"""The timeline of a trial as text: a band of its status, what each date was moved to and when, how enrolment went.

Every line fits 80 columns, and says without colour what it says with it.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import groupby, pairwise
from typing import Any, NamedTuple, Protocol

import click

from registry_sync.cli import band
from registry_sync.cli.layout import fit, width
from registry_sync.notices import phrases, slipped, when
from registry_sync.notices.clean import one_line
from registry_sync.notices.i18n import Translator, translator
from registry_sync.notices.values import describe
from registry_sync.trials.dates import Held, same_to_precision, slips

WIDTH = 80
_PERIOD = 24
"""Columns of "2026-02-03 to 2026-02-17"."""
_LABEL = 20
"""Columns of the labels: the longest has 18."""
_MOST_STEPS = 8
"""Steps of one date that are listed: the newest."""
_DATES = ("start_date", "primary_completion_date", "completion_date")
_LATER, _EARLIER, _BOTH, _ACTUAL = ">", "<", "*", "!"
_MARKS = {_LATER: "put off", _EARLIER: "brought forward", _BOTH: "both", _ACTUAL: "has taken place"}

_LETTERS: dict[str | None, tuple[str, str | None]] = {
    # letter, colour
    "NOT_YET_RECRUITING": ("N", "cyan"),
    "RECRUITING": ("R", "green"),
    "ENROLLING_BY_INVITATION": ("I", "green"),
    "ACTIVE_NOT_RECRUITING": ("A", "yellow"),
    "COMPLETED": ("C", "blue"),
    "SUSPENDED": ("S", "magenta"),
    "TERMINATED": ("T", "red"),
    "WITHDRAWN": ("W", "red"),
    "UNKNOWN": ("?", None),
    "WITHHELD": ("H", None),
    "AVAILABLE": ("V", "green"),
    "TEMPORARILY_NOT_AVAILABLE": ("P", "magenta"),
    "NO_LONGER_AVAILABLE": ("X", "red"),
    "APPROVED_FOR_MARKETING": ("M", "blue"),
    None: (".", None),
}
_OTHER: tuple[str, str | None] = ("#", None)


class State(Protocol):
    """What one version showed from a day (``2026-02-03``) on; ``headline``: the values of a record by field, any of them missing."""

    @property
    def day(self) -> str:
        """The day from which it stood."""
        ...

    @property
    def headline(self) -> Mapping[str, Any]:
        """What it showed."""
        ...

    @property
    def backfilled(self) -> bool:
        """Was it loaded from the registry's own history?"""
        ...

    @property
    def at_latest(self) -> bool:
        """Did it stand by ``day``, and nobody knows since when?"""
        ...


class _Span(NamedTuple):
    """A status from the day on which it began to that on which the next one did; ``by_begin``, ``by_end``: at the latest."""

    status: str | None
    last_known: str | None
    begin: datetime.date
    end: datetime.date
    by_begin: bool = False
    by_end: bool = False


class _Step(NamedTuple):
    """A date, or a number, that became another one: by the version that stood from ``day`` on."""

    day: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    note: str = ""
    mark: str = ""


def timeline(states: Sequence[State], until: datetime.date) -> list[str]:
    """The lines, with colours for ``click.echo`` to show or to leave out; none for no states. ``until``: the day at the right end."""
    if not states:
        return []
    t = translator("en")
    until = max(until, _date(states[-1].day))
    spans = list(_spans(states, until))
    scale = band.scale(spans[0].begin, until, WIDTH - _LABEL)
    steps = {field: list(_date_steps(states, field, t)) for field in _DATES}
    shown = band.owners([span.begin for span in spans], scale, until)
    marks = {field: _marks(steps[field], scale) for field in _DATES}
    lines = [_heading(states, until), "", *_band(spans, shown, scale)]
    lines += [_label(field, t) + _in_columns(each) for field, each in marks.items() if each]
    lines += _legend({mark for each in marks.values() for mark in each.values()})
    lines += ["", *_episodes(spans, shown, t)]
    if len(states) > 1:
        rows = [row for field in _DATES for row in _date_rows(field, states, steps[field], t)]
        rows += [*_enrollment_rows(states, t), *_results_rows(states, t)]
        lines += ["", *rows] if rows else []
    return [line if "\x1b" in line else fit(line, WIDTH) for line in lines]


def _heading(states: Sequence[State], until: datetime.date) -> str:
    count = f"{len(states)} version{'' if len(states) == 1 else 's'}"
    loaded = sum(state.backfilled for state in states)
    backfilled = f" ({loaded} backfilled)" if loaded else ""
    return f"Timeline: {count}{backfilled}, {states[0].day} to {until}"


def _label(field: str, t: Translator) -> str:
    return f"{phrases.label(field, '', t):<{_LABEL}}"


# --- the band ----------------------------------------------------------------------------------------------------------


def _spans(states: Sequence[State], until: datetime.date) -> Iterator[_Span]:
    groups = [list(group) for _, group in groupby(states, key=lambda state: _word(state, "overall_status"))]
    begins = [(_date(group[0].day), group[0].at_latest) for group in groups]
    for group, (begin, by_begin), (end, by_end) in zip(groups, begins, [*begins[1:], (until, False)], strict=True):
        yield _Span(_word(group[-1], "overall_status"), _word(group[-1], "last_known_status"), begin, end, by_begin, by_end)


def _band(spans: Sequence[_Span], shown: Sequence[int], scale: band.Scale) -> list[str]:
    above = band.dates_above(scale, len(shown), WIDTH - _LABEL)
    letters = "".join(_coloured(status, len(list(run))) for status, run in groupby(spans[index].status for index in shown))
    return [f"{f'a letter: {scale.words}':<{_LABEL}}{above}".rstrip(), _label("overall_status", translator("en")) + letters]


def _coloured(status: str | None, times: int) -> str:
    letter, colour = _LETTERS.get(status, _OTHER)
    return click.style(letter * times, fg=colour) if colour else letter * times


def _marks(steps: Sequence[_Step], scale: band.Scale) -> dict[int, str]:
    """By column: where a date was moved, and which way."""
    marks: dict[int, str] = {}
    for step in steps:
        if step.mark:
            column = scale.column(_date(step.day))
            marks[column] = _together(marks.get(column, step.mark), step.mark)
    return marks


def _in_columns(marks: Mapping[int, str]) -> str:
    return "".join(marks.get(column, " ") for column in range(max(marks) + 1))


def _together(first: str, second: str) -> str:
    if first == second:
        return first
    return _ACTUAL if _ACTUAL in (first, second) else _BOTH


def _legend(marks: Set[str]) -> list[str]:
    told = "   ".join(f"{mark} {meaning}" for mark, meaning in _MARKS.items() if mark in marks)
    return [f"{'':{_LABEL}}{told}"] if told else []


def _episodes(spans: Sequence[_Span], shown: Sequence[int], t: Translator) -> Iterator[str]:
    """Each status, from when to when, how long, in words."""
    visible = set(shown)
    lengths = [_length(span, t) for span in spans]
    periods = [*(f"{'by ' if span.by_begin else ''}{span.begin} to {span.end}" for span in spans[:-1]), _open(spans[-1])]
    room, wide = max(map(len, lengths)), max(_PERIOD, *map(len, periods))
    for index, (span, period, length) in enumerate(zip(spans, periods, lengths, strict=True)):
        letter, colour = _LETTERS.get(span.status, _OTHER)
        start = f"{period:<{wide}}  {length:<{room}}  "
        words = phrases.token(span.status, t) if span.status else "not stated"
        yield f"{click.style(letter, fg=colour) if colour else letter}  {start}{fit(one_line(words), WIDTH - 3 - len(start))}"
        if span.status == "UNKNOWN" and span.last_known:
            yield f"{'':{len(start) + 3}}last known: {one_line(phrases.token(span.last_known, t))}"
        if index not in visible:
            yield f"{'':{len(start) + 3}}(too short for the band)"


def _open(span: _Span) -> str:
    """The period of the status that stands."""
    return f"by {span.begin} at the latest" if span.by_begin else f"since {span.begin}"


def _length(span: _Span, t: Translator) -> str:
    shift = when.shift(span.begin.isoformat(), span.end.isoformat())
    if shift is None:
        return "not known" if span.by_begin else "under a day"
    if shift.unit == "days":
        length = t.ngettext("{n} day", "{n} days", shift.amount).format(n=shift.amount)
    else:
        length = t.ngettext("{n} month", "{n} months", shift.amount).format(n=shift.amount)
    return f"at least {length}" if span.by_begin else f"up to {length}" if span.by_end else length


# --- dates, enrolment, results -----------------------------------------------------------------------------------------


def _date_steps(states: Sequence[State], field: str, t: Translator) -> list[_Step]:
    parts = [_part(state, field) for state in states]
    held = [Held(_text(part, "date"), state.day) for part, state in zip(parts, states, strict=True)]
    changed = [index for index in range(1, len(parts)) if parts[index] != parts[index - 1]]
    noted = frozenset(changed[-_MOST_STEPS:])  # each note counts the whole line up to it again
    return [
        _Step(
            states[index].day,
            parts[index - 1],
            parts[index],
            _note(held[: index + 1], t) if index in noted else "",
            _mark(parts[index - 1], parts[index]),
        )
        for index in changed
    ]


def _note(held: Sequence[Held], t: Translator) -> str:
    """What the last step amounts to: "+6 months"; a date that is put back is no slip, nor is one that gets more precise."""
    first, second = held[-2].date, held[-1].date
    if first is None:
        return "stated" if second else ""
    if second is None:
        return "no longer stated"
    if same_to_precision(first, second):
        return "more precise" if len(second) > len(first) else "less precise"
    distance = slipped.signed(first, second, t)
    found = slips(held) if distance else None
    return f"{distance}, put back" if found is not None and found.put_back else distance


def _mark(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    if _becomes_actual(before, after):
        return _ACTUAL
    shift = when.shift(_text(before, "date"), _text(after, "date"))
    return "" if shift is None else _LATER if shift.amount > 0 else _EARLIER


def _becomes_actual(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> bool:
    return _text(after, "type") == phrases.ACTUAL and _text(before, "type") != phrases.ACTUAL


def _date_rows(field: str, states: Sequence[State], steps: Sequence[_Step], t: Translator) -> Iterator[str]:
    moved = slips(Held(_text(_part(state, field), "date"), state.day) for state in states)
    if moved is None:
        return
    first = next(part for state in states if _text(part := _part(state, field), "date"))
    last = _part(states[-1], field)
    if not steps:
        yield from _row(field, describe(field, last, t), "has not moved", t)
        return
    if len(steps) == 1:
        yield from _single(field, steps[0], t)
        return
    said = ["has not moved" if _text(last, "date") else ""]
    if moved.times:
        total = slipped.signed(moved.first, moved.last, t)
        said = [_moves(moved.later, moved.earlier), f"{total} in all" if total else "back at the first date"]
    yield from _row(field, _from_to(field, first, last, t), ", ".join(said), t)
    yield from _step_rows(field, steps, t)


def _moves(later: int, earlier: int) -> str:
    times = later + earlier
    said = "moved once" if times == 1 else f"moved {times} times"
    return f"{said} ({later} later, {earlier} earlier)" if later and earlier else said


def _enrollment_rows(states: Sequence[State], t: Translator) -> Iterator[str]:
    parts = [_part(state, "enrollment") for state in states]
    steps = [
        _Step(later.day, before, after, _more_or_fewer(before, after))
        for later, (before, after) in zip(states[1:], pairwise(parts), strict=True)
        if before != after
    ]
    first = next((part for part in parts if part is not None), None)
    if first is None:
        return
    if not steps:
        yield from _row("enrollment", describe("enrollment", first, t), "has not changed", t)
    elif len(steps) == 1:
        yield from _single("enrollment", steps[0], t)
    else:
        yield from _row("enrollment", _from_to("enrollment", first, parts[-1], t), "", t)
        yield from _step_rows("enrollment", steps, t)


def _more_or_fewer(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    """ "+20"; how many took part against how many were planned is neither."""
    first, second = (part.get("count") if part else None for part in (before, after))
    if not isinstance(first, int) or not isinstance(second, int) or first == second or _becomes_actual(before, after):
        return ""
    return f"{'+' if second > first else '−'}{abs(second - first)}"


def _results_rows(states: Sequence[State], t: Translator) -> Iterator[str]:
    posted = [state.headline.get("has_results") is True for state in states]
    if not any(posted):
        return
    if not posted[-1]:
        said = f"no longer; they were from {states[posted.index(True)].day}"
    elif all(posted):
        said = "yes, in every version held"
    else:
        said = f"since {states[len(posted) - posted[::-1].index(False)].day}"
    yield from _row("has_results", said, "", t)


def _row(field: str, text: str, more: str, t: Translator) -> Iterator[str]:
    """A labelled line; what is to be said more goes on it where there is room, else on one of its own."""
    line = f"{_label(field, t)}{text}"
    if more and width(f"{line}, {more}") <= WIDTH:
        yield f"{line}, {more}"
        return
    yield fit(line, WIDTH)
    if more:
        yield f"{'':{_LABEL}}{more}"


def _single(field: str, step: _Step, t: Translator) -> Iterator[str]:
    """The only step, on the line of its field."""
    note = f"{step.note} on {step.day}" if step.note else f"on {step.day}"
    yield from _row(field, _from_to(field, step.before, step.after, t), note, t)


def _step_rows(field: str, steps: Sequence[_Step], t: Translator) -> Iterator[str]:
    listed = steps[-_MOST_STEPS:]
    if len(steps) > len(listed):
        yield f"  {len(steps) - len(listed)} earlier steps are not listed"
    texts = [fit(_from_to(field, step.before, step.after, t), WIDTH - 32) for step in listed]
    room = max(map(width, texts), default=0)
    for step, text in zip(listed, texts, strict=True):
        yield f"  {step.day}  {text}{' ' * (room - width(text))}  {step.note}".rstrip()


def _from_to(field: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, t: Translator) -> str:
    """ "2025-06 → 2025-12 (estimated)": the type once where it stayed."""
    value = "count" if field == "enrollment" else "date"
    alike = before is not None and after is not None and before.get("type") == after.get("type")
    first = {value: before[value]} if alike and before is not None and value in before else before
    return one_line(f"{describe(field, first, t)} → {describe(field, after, t)}")


# --- values of any shape -----------------------------------------------------------------------------------------------


def _date(day: str) -> datetime.date:
    return datetime.date.fromisoformat(day)


def _word(state: State, field: str) -> str | None:
    value = state.headline.get(field)
    return value if isinstance(value, str) and value else None


def _part(state: State, field: str) -> Mapping[str, Any] | None:
    value = state.headline.get(field)
    return value if isinstance(value, Mapping) and value else None


def _text(part: Mapping[str, Any] | None, key: str) -> str | None:
    value = part.get(key) if part else None
    return value if isinstance(value, str) and value else None
