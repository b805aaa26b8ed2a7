"""The timeline of a trial as text: a band of its status, what each date was moved to and when, how enrolment went.

Every line fits 80 columns, and says without colour what it says with it.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import groupby

import click

from registry_sync.cli import band
from registry_sync.cli.layout import fit, width
from registry_sync.notices import lifeline, phrases, slipped
from registry_sync.notices.clean import one_line
from registry_sync.notices.i18n import Translator, translator
from registry_sync.notices.values import describe
from registry_sync.plural import count
from registry_sync.trials.dates import Held, slips

WIDTH = 80
_PERIOD = 24
"""Columns of "2026-02-03 to 2026-02-17"."""
_LABEL = 20
"""Columns of the labels: the longest has 18."""
_LATER, _EARLIER, _BOTH, _ACTUAL = ">", "<", "*", "!"
_SIGNS: dict[lifeline.Mark, str] = {"later": _LATER, "earlier": _EARLIER, "actual": _ACTUAL}
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


def timeline(states: Sequence[lifeline.State], until: datetime.date) -> list[str]:
    """The lines, with colours for ``click.echo`` to show or to leave out; none for no states. ``until``: the day at the right end."""
    if not states:
        return []
    t = translator("en")
    until = max(until, lifeline.as_date(states[-1].day))
    spans = list(lifeline.spans(states, until))
    scale = band.scale(spans[0].begin, until, WIDTH - _LABEL)
    steps = {field: lifeline.date_steps(states, field, t) for field in lifeline.DATES}
    shown = band.owners([span.begin for span in spans], scale, until)
    marks = {field: _marks(steps[field], scale) for field in lifeline.DATES}
    lines = [_heading(states, until), "", *_band(spans, shown, scale)]
    lines += [_label(field, t) + _in_columns(each) for field, each in marks.items() if each]
    lines += _legend({mark for each in marks.values() for mark in each.values()})
    lines += [f"{'':{_LABEL}}a small letter: it is not known until when"] if any(span.is_unsure for span in spans) else []
    lines += ["", *_episodes(spans, shown, t)]
    entries = lifeline.by_entry(states)
    for group in entries:
        rows = list(_rows(group, t)) if len(group) > 1 else []
        lines += ["", *([f"{group[0].entry}:"] if len(entries) > 1 else []), *rows] if rows else []
    return [line if "\x1b" in line else fit(line, WIDTH) for line in lines]


def _rows(states: Sequence[lifeline.State], t: Translator) -> Iterator[str]:
    """What became of the dates, of the enrolment and of the results of one entry."""
    for field in lifeline.DATES:
        yield from _date_rows(field, states, lifeline.date_steps(states, field, t), t)
    yield from _enrollment_rows(states, t)
    yield from _results_rows(states, t)


def _heading(states: Sequence[lifeline.State], until: datetime.date) -> str:
    loaded = sum(state.backfilled for state in states)
    backfilled = f" ({loaded} backfilled)" if loaded else ""
    return f"Timeline: {count(len(states), 'version')}{backfilled}, {states[0].day} to {until}"


def _label(field: str, t: Translator) -> str:
    return f"{phrases.label(field, '', t):<{_LABEL}}"


# --- the band ----------------------------------------------------------------------------------------------------------


def _band(spans: Sequence[lifeline.Span], shown: Sequence[int], scale: band.Scale) -> list[str]:
    above = band.dates_above(scale, len(shown), WIDTH - _LABEL)
    drawn = groupby((spans[index].status, spans[index].is_unsure) for index in shown)
    letters = "".join(_coloured(status, len(list(run)), unsure=unsure) for (status, unsure), run in drawn)
    return [f"{f'a letter: {scale.words}':<{_LABEL}}{above}".rstrip(), _label("overall_status", translator("en")) + letters]


def _coloured(status: str | None, times: int, *, unsure: bool) -> str:
    letter, colour = _LETTERS.get(status, _OTHER)
    letter = letter.lower() if unsure else letter
    return click.style(letter * times, fg=colour) if colour else letter * times


def _marks(steps: Sequence[lifeline.Step], scale: band.Scale) -> dict[int, str]:
    """By column: where a date was moved, and which way."""
    marks: dict[int, str] = {}
    for step in steps:
        if step.mark:
            column = scale.column(lifeline.as_date(step.day))
            sign = _SIGNS[step.mark]
            marks[column] = _together(marks.get(column, sign), sign)
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


def _episodes(spans: Sequence[lifeline.Span], shown: Sequence[int], t: Translator) -> Iterator[str]:
    """Each status, from when to when, how long, in words."""
    visible = set(shown)
    lengths = [lifeline.length(span, t) for span in spans]
    periods = [*(f"{'by ' if span.by_begin else ''}{span.begin} to {span.end}" for span in spans[:-1]), _open(spans[-1])]
    room, wide = max(map(len, lengths)), max(_PERIOD, *map(len, periods))
    for index, (span, period, length) in enumerate(zip(spans, periods, lengths, strict=True)):
        letter, colour = _LETTERS.get(span.status, _OTHER)
        start = f"{period:<{wide}}  {length:<{room}}  "
        words = phrases.token(span.status, t) if span.status else "not stated"
        yield f"{click.style(letter, fg=colour) if colour else letter}  {start}{fit(one_line(words), WIDTH - 3 - len(start))}"
        if span.status == "UNKNOWN" and span.last_known:
            last_known = f"last known: {one_line(phrases.token(span.last_known, t))}"
            yield f"{'':{min(len(start) + 3, WIDTH - width(last_known))}}{last_known}"
        if index not in visible:
            yield f"{'':{len(start) + 3}}(too short for the band)"
        if span.is_left:
            yield f"   from here on another entry, {spans[index + 1].entry}: no step is counted across"


def _open(span: lifeline.Span) -> str:
    """The period of the status that stands."""
    return f"by {span.begin} at the latest" if span.by_begin else f"since {span.begin}"


# --- dates, enrolment, results -----------------------------------------------------------------------------------------


def _date_rows(field: str, states: Sequence[lifeline.State], steps: Sequence[lifeline.Step], t: Translator) -> Iterator[str]:
    moved = slips(Held(lifeline.text(lifeline.part(state, field), "date"), state.day) for state in states)
    if moved is None:
        return
    first = next(each for state in states if lifeline.text(each := lifeline.part(state, field), "date"))
    last = lifeline.part(states[-1], field)
    if not steps:
        yield from _row(field, describe(field, last, t), "has not moved", t)
        return
    if len(steps) == 1:
        yield from _single(field, steps[0], t)
        return
    said = ["has not moved" if lifeline.text(last, "date") else ""]
    if moved.times:
        total = slipped.signed(moved.first, moved.last, t)
        said = [_moves(moved.later, moved.earlier), f"{total} in all" if total else "back at the first date"]
    yield from _row(field, lifeline.from_to(field, first, last, t), ", ".join(said), t)
    yield from _step_rows(field, steps, t)


def _moves(later: int, earlier: int) -> str:
    times = later + earlier
    said = "moved once" if times == 1 else f"moved {times} times"
    return f"{said} ({later} later, {earlier} earlier)" if later and earlier else said


def _enrollment_rows(states: Sequence[lifeline.State], t: Translator) -> Iterator[str]:
    parts = [lifeline.part(state, "enrollment") for state in states]
    steps = lifeline.enrollment_steps(states)
    first = next((each for each in parts if each is not None), None)
    if first is None:
        return
    if not steps:
        yield from _row("enrollment", describe("enrollment", first, t), "has not changed", t)
    elif len(steps) == 1:
        yield from _single("enrollment", steps[0], t)
    else:
        yield from _row("enrollment", lifeline.from_to("enrollment", first, parts[-1], t), "", t)
        yield from _step_rows("enrollment", steps, t)


def _results_rows(states: Sequence[lifeline.State], t: Translator) -> Iterator[str]:
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


def _single(field: str, step: lifeline.Step, t: Translator) -> Iterator[str]:
    """The only step, on the line of its field."""
    note = f"{step.note} on {step.day}" if step.note else f"on {step.day}"
    yield from _row(field, lifeline.from_to(field, step.before, step.after, t), note, t)


def _step_rows(field: str, steps: Sequence[lifeline.Step], t: Translator) -> Iterator[str]:
    listed = steps[-lifeline.MOST_NOTED :]
    if len(steps) > len(listed):
        earlier = len(steps) - len(listed)
        yield f"  {count(earlier, 'earlier step')} {'is' if earlier == 1 else 'are'} not listed"
    texts = [fit(lifeline.from_to(field, step.before, step.after, t), WIDTH - 32) for step in listed]
    room = max(map(width, texts), default=0)
    for step, text in zip(listed, texts, strict=True):
        yield f"  {step.day}  {text}{' ' * (room - width(text))}  {step.note}".rstrip()
