"""The timeline of a trial as a picture: the band of its status, what each date was moved to and when, the versions.

Shapes only, in units of the picture: the template writes them as SVG, the stylesheet colours them by their classes.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from registry_sync.notices import lifeline, phrases, when
from registry_sync.notices.clean import cut
from registry_sync.notices.i18n import Translator
from registry_sync.notices.lifeline import Span, State
from registry_sync.notices.values import describe
from registry_sync.trials.dates import RegistryDate

WIDTH = 760
MOST_ROWS = 24
"""Of one date so many of what it was are drawn, the newest; the table has more, which the picture says."""
_LEFT, _RIGHT = 6, 754
_TOP = 22
_ROW = 18
_BAND = 26
_HEADING = 18
_LETTER = 7.2
"""About how wide a letter is."""
_MOST_YEARS, _MOST_MONTHS = 11, 7
"""Labels of the scale, at most: a month needs more room than a year."""
_FARTHEST_YEARS = 25
"""Dates further than this before or behind what is held are drawn at the edge, with an arrow that leads out of the picture."""
_COLOURS = frozenset(
    "NOT_YET_RECRUITING RECRUITING ENROLLING_BY_INVITATION ACTIVE_NOT_RECRUITING COMPLETED SUSPENDED TERMINATED WITHDRAWN AVAILABLE "
    "TEMPORARILY_NOT_AVAILABLE NO_LONGER_AVAILABLE APPROVED_FOR_MARKETING UNKNOWN WITHHELD".split()
)


class Line(NamedTuple):
    """From one point to another."""

    x1: float
    y1: float
    x2: float
    y2: float
    kind: str


class Box(NamedTuple):
    """A part of the band; ``title`` says in words what it is."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str


class Dot(NamedTuple):
    """A date."""

    x: float
    y: float
    kind: str
    title: str


class Text(NamedTuple):
    """Words; ``anchor`` is the end of them that stands at ``x``."""

    x: float
    y: float
    anchor: str
    kind: str
    words: str


class Picture(NamedTuple):
    """All shapes, those first that lie below; ``statuses``: each that is in the band, with its class.

    ``is_whole``: is everything in it that each date was? ``leads_beyond``: is there a date beyond its edges?
    ``is_joined``: does another entry go on somewhere in it? ``is_unsure``: is there a status of which nobody knows how long it stood?
    ``is_untyped``: is there a date of which the entry does not say whether it is a plan?
    """

    height: float
    lines: Sequence[Line]
    boxes: Sequence[Box]
    dots: Sequence[Dot]
    texts: Sequence[Text]
    statuses: Sequence[tuple[str, str]]
    is_whole: bool
    leads_beyond: bool
    is_joined: bool
    is_unsure: bool
    is_untyped: bool


class _Scale(NamedTuple):
    first: datetime.date
    last: datetime.date

    def x(self, day: datetime.date) -> float:
        share = (day - self.first).days / max(1, (self.last - self.first).days)
        return round(_LEFT + min(1.0, max(0.0, share)) * (_RIGHT - _LEFT), 1)

    def beyond(self, day: datetime.date) -> int:
        """Beyond which edge a day lies: -1, 1, or 0 for none."""
        return (day > self.last) - (day < self.first)


class _Drawing:
    """The shapes so far, from the top down to ``y``."""

    def __init__(self, scale: _Scale, t: Translator) -> None:
        self.scale, self.t, self.y = scale, t, float(_TOP)
        self.is_whole, self.leads_beyond, self.is_unsure, self.is_untyped = True, False, False, False
        self.lines: list[Line] = []
        self.boxes: list[Box] = []
        self.dots: list[Dot] = []
        self.texts: list[Text] = []
        self.joints: list[float] = []

    def heading(self, words: str) -> None:
        self.y += _HEADING
        self.texts += [Text(_LEFT, self.y, "start", "lane", words), Text(_RIGHT, self.y, "end", "lane narrow", words)]
        self.y += 8

    def band(self, spans: Sequence[Span]) -> None:
        self.heading(phrases.reader_label("overall_status", "", self.t))
        for span, following in zip(spans, [*spans[1:], None], strict=True):
            words = _status(span.status, self.t)
            period = f"{self._day(span.begin, by_then=span.by_begin)} – {self._day(span.end, by_then=span.is_unsure)}"
            if len({each.entry for each in spans}) > 1:
                period += f", {span.entry}"
            if span.is_left:
                self.joints.append(self.scale.x(span.end))
            title = f"{words}, {period}"
            if span.is_unsure and following:
                words = self.t.gettext("{before}, then {after}").format(before=words, after=_status(following.status, self.t))
            self._of_a_status(span, words, title)
        self.y += _BAND + 4

    def _of_a_status(self, span: Span, words: str, title: str) -> None:
        """A status as long as it is known to have stood, and pale as long as it may have been over, which has the words."""
        start, held, end = (self.scale.x(day) for day in (span.begin, span.held if span.is_unsure else span.end, span.end))
        kind = status_class(span.status)
        parts = [(start, held, kind, f"in-{kind}")] if not span.is_unsure or held > start else []
        parts += [(held, end, f"{kind} unsure", "over")] if span.is_unsure else []
        self.is_unsure |= span.is_unsure
        for left, right, of_box, _ in parts:
            width = round(max(2.0, right - left), 1)
            self.boxes.append(Box(min(left, _RIGHT - width), self.y, width, _BAND, of_box, title))
        left, right, _, of_text = parts[-1]
        if len(words) * _LETTER + 8 < max(2.0, right - left):
            self.texts.append(Text(left + 5, self.y + 17.5, "start", of_text, words))

    def _day(self, day: datetime.date, *, by_then: bool) -> str:
        words = self.t.date(day.isoformat())
        return self.t.gettext("by {day} at the latest").format(day=words) if by_then else words

    def dates(self, field: str, states: Sequence[State], notes: Mapping[tuple[str, str], str]) -> None:
        said = list(_said(field, states))
        if not said:
            return
        self.heading(phrases.reader_label(field, "", self.t))
        left_out = len(said) - len(said[-MOST_ROWS:])
        if left_out:
            self.is_whole = False
            self.y += _ROW
            words = _not_drawn(left_out, self.t)
            self.texts.append(Text(_LEFT, self.y - 1, "start", "when", words))
        for day, value, date in said[-MOST_ROWS:]:
            self.y += _ROW
            y = self.y - 5
            x_said, x_date = self.scale.x(lifeline.as_date(day)), self._at(_first_day(date), y)
            kind = _kind(value)
            self.is_untyped |= kind == "stated"
            note = notes.get((day, field), "")
            words = cut(describe(field, value, self.t, "reader"), 60) + (f", {note}" if note else "")
            self.lines += [Line(x_said, y, x_date, y, "reach"), Line(x_said, y - 4, x_said, y + 4, "said")]
            title = self.t.gettext("As of {day}: {date}").format(day=self.t.date(day), date=words)
            self.dots.append(Dot(x_date, y, kind, title))
            self.texts.append(self._beside(min(x_said, x_date), max(x_said, x_date), x_date, y + 4, words))
        self.y += 4

    def _at(self, day: datetime.date, y: float) -> float:
        """Where a date is drawn: one beyond an edge beside an arrow that leads there."""
        x, way = self.scale.x(day), self.scale.beyond(day)
        if not way:
            return x
        self.leads_beyond = True
        self.lines += [Line(x - 6 * way, y + side, x, y, "beyond") for side in (-5, 5)]
        return x - 14 * way

    def _beside(self, left: float, right: float, x_date: float, y: float, words: str) -> Text:
        """Words to the right of a line where there is room, else to its left, else on it beside the date."""
        wide = len(words) * _LETTER + 8
        if right + wide < _RIGHT:
            return Text(right + 8, y, "start", "note", words)
        if left - wide > _LEFT:
            return Text(left - 8, y, "end", "note", words)
        at_left = x_date < WIDTH / 2
        return Text(x_date + 8 if at_left else x_date - 8, y, "start" if at_left else "end", "note", words)

    def versions(self, states: Sequence[State]) -> None:
        n = len(states)
        self.heading(self.t.ngettext("{n} version of the entry", "{n} versions of the entry", n).format(n=n))
        for x in sorted({self.scale.x(lifeline.as_date(state.day)) for state in states}):
            self.lines.append(Line(x, self.y, x, self.y + 12, "version"))
        self.y += 16

    def ticks(self, until: datetime.date) -> None:
        """The years, or months, over the whole height, and the day that all of it is seen from."""
        free = 0.0
        for day, date in _ticks(self.scale):
            words = self.t.date(date)
            x = self.scale.x(day)
            self.lines.insert(0, Line(x, _TOP, x, self.y, "tick"))
            if x >= free and x + len(words) * _LETTER <= _RIGHT:
                self.texts.append(Text(x, 13, "start", "when", words))
                free = x + (len(words) + 1) * _LETTER
        self.lines += [Line(joint, _TOP - 4, joint, self.y, "joint") for joint in self.joints]
        x = self.scale.x(until)
        self.lines.append(Line(x, _TOP - 4, x, self.y, "until"))


def picture(
    states: Sequence[State], until: datetime.date, t: Translator, notes: Mapping[tuple[str, str], str] = MappingProxyType({})
) -> Picture | None:
    """The picture of what these versions showed; ``None`` for none. ``until``: the day that they are seen from.

    ``notes``: by the day from which a version stood, and by field, how far the date moved with it.
    """
    if not states:
        return None
    until = max(until, lifeline.as_date(states[-1].day))
    spans = list(lifeline.spans(states, until))
    drawing = _Drawing(_scale(states, until), t)
    drawing.band(spans)
    for field in lifeline.DATES:
        drawing.dates(field, states, notes)
    drawing.versions(states)
    drawing.ticks(until)
    statuses = dict.fromkeys((status_class(span.status), _status(span.status, t)) for span in spans)
    return Picture(
        drawing.y + 4,
        drawing.lines,
        drawing.boxes,
        drawing.dots,
        drawing.texts,
        list(statuses),
        drawing.is_whole,
        drawing.leads_beyond,
        bool(drawing.joints),
        drawing.is_unsure,
        drawing.is_untyped,
    )


def _not_drawn(steps: int, t: Translator) -> str:
    words = t.ngettext("{n} earlier step is not drawn: see the table", "{n} earlier steps are not drawn: see the table", steps)
    return words.format(n=steps)


def status_class(status: str | None) -> str:
    """The class by which a status has its colour."""
    return f"s-{status.lower()}" if status in _COLOURS and status else "s-other"


def _kind(value: Mapping[str, Any]) -> str:
    """Whether a date is a fact, a plan, or stated and no more."""
    kind = lifeline.text(value, "type")
    return "actual" if kind == phrases.ACTUAL else "planned" if kind in phrases.ESTIMATED else "stated"


def _status(status: str | None, t: Translator) -> str:
    return cut(phrases.token(status, t), 60) if status else t.gettext("not stated")


def _said(field: str, states: Sequence[State]) -> Iterator[tuple[str, dict[str, Any], RegistryDate]]:
    """What a date was, each time that it became another: since which day, the value, the date."""
    before = None
    for state in states:
        value = lifeline.stated(field, lifeline.part(state, field), lifeline.word(state, "overall_status"))
        date = when.parse(lifeline.text(value, "date"))
        if value is not None and date is not None and value != before:
            yield state.day, dict(value), date
        before = value


def _scale(states: Sequence[State], until: datetime.date) -> _Scale:
    held = lifeline.as_date(states[0].day)
    earliest, latest = _years(held, -_FARTHEST_YEARS), _years(until, _FARTHEST_YEARS)
    days = [_first_day(date) for field in lifeline.DATES for _, _, date in list(_said(field, states))[-MOST_ROWS:]]
    inside = [day for day in days if earliest <= day <= latest]
    first, last = min([held, *inside]), max([until, *inside])
    margin = max(7, (last - first).days // 40)
    return _Scale(_moved(first, -margin), _moved(last, margin))


def _moved(day: datetime.date, days: int) -> datetime.date:
    """So many days from a day, within what the calendar has."""
    return datetime.date.fromordinal(min(max(day.toordinal() + days, 1), datetime.date.max.toordinal()))


def _years(day: datetime.date, years: int) -> datetime.date:
    return datetime.date(min(9999, max(1, day.year + years)), day.month, min(day.day, 28))


def _first_day(date: RegistryDate) -> datetime.date:
    return datetime.date(date.year, date.month or 1, date.day or 1)


def _ticks(scale: _Scale) -> Iterator[tuple[datetime.date, str]]:
    """Where years begin, or months where there are few; no more than fit."""
    months = (scale.last.year - scale.first.year) * 12 + scale.last.month - scale.first.month
    most = {each: _MOST_MONTHS if each < 12 else _MOST_YEARS for each in (1, 3, 6, 12, 24, 60, 120, 240)}
    step = next((each for each in most if months / each < most[each]), 600)
    at = (scale.first.year * 12 + scale.first.month - 1) // step * step
    while (at := at + step) // 12 <= min(scale.last.year, 9999):
        day = datetime.date(at // 12, at % 12 + 1, 1)
        if day > scale.last:
            return
        yield day, day.isoformat()[:4] if step >= 12 else day.isoformat()[:7]
