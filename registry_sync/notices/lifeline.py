"""The life of a trial over the versions held: how long each status stood, and what each date was moved to, when and how far.

For the timelines of the terminal and of the web pages, which only draw it.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from typing import Any, Literal, NamedTuple, Protocol

from registry_sync.notices import phrases, slipped, when
from registry_sync.notices.clean import one_line
from registry_sync.notices.i18n import Translator
from registry_sync.notices.values import Style, describe
from registry_sync.trials.dates import Held, same_to_precision, slips

DATES = ("start_date", "primary_completion_date", "completion_date")
VISITS = DATES[1:]
CALLED_OFF = "WITHDRAWN"
MOST_NOTED = 8
"""Steps of one date, the newest, of which it is said what they amount to: each counts the whole line up to it again."""

Mark = Literal["", "later", "earlier", "actual"]


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

    @property
    def is_joined(self) -> bool:
        """Is it the first that is held of its entry, and not known to be the source's first?"""
        ...

    @property
    def entry(self) -> str:
        """The id of the entry that it is of: another one goes on where the registry merged two."""
        ...

    @property
    def unknown_by(self) -> str:
        """The day by which it was UNKNOWN at the latest, where that is not ``day``: till then its status is what is last known."""
        ...


class Span(NamedTuple):
    """A status from the day on which it began to that on which the next one did; ``by_begin``, ``by_end``: at the latest.

    ``held``: the day of the last version that showed it. ``entry``: of which entry it is; ``is_left``: the next one is of another
    entry, so that nobody knows how long this one stood.
    """

    status: str | None
    last_known: str | None
    begin: datetime.date
    end: datetime.date
    by_begin: bool = False
    by_end: bool = False
    held: datetime.date = datetime.date.min
    entry: str = ""
    is_left: bool = False

    @property
    def is_unsure(self) -> bool:
        """Is it only known by when it was over, so that it may have been from the day ``held`` on?"""
        return self.by_end and not self.is_left


class Step(NamedTuple):
    """A date, or a number, that became another one: by the version that stood from ``day`` on."""

    day: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    note: str = ""
    mark: Mark = ""


class _Stood(NamedTuple):
    """A status that a version showed, and from which day on."""

    entry: str
    status: str | None
    last_known: str | None
    day: str
    by_day: bool


def spans(states: Sequence[State], until: datetime.date) -> Iterator[Span]:
    """The statuses of each entry, one after the other; the last one to ``until``."""
    ends_of = [*(as_date(state.day) for state in states[1:]), until]
    stood = [each for state, end in zip(states, ends_of, strict=False) for each in _stood(state, min(end, until))]
    groups = [list(group) for _, group in groupby(stood, key=lambda each: (each.entry, each.status))]
    begins = [(as_date(group[0].day), group[0].by_day, group[0].entry) for group in groups]
    ends = [*begins[1:], (until, False, states[-1].entry if states else "")]
    for group, (begin, by_begin, entry), (end, by_end, following) in zip(groups, begins, ends, strict=True):
        yield Span(group[-1].status, group[-1].last_known, begin, end, by_begin, by_end, as_date(group[-1].day), entry, following != entry)


def _stood(state: State, until: datetime.date) -> Iterator[_Stood]:
    """What the status was with a version that stood until a day; of an UNKNOWN that has no date it was first what is last known."""
    status, last_known = word(state, "overall_status"), word(state, "last_known_status")
    if not state.unknown_by:
        yield _Stood(state.entry, status, last_known, state.day, is_by_then(state))
        return
    yield _Stood(state.entry, last_known, None, state.day, is_by_then(state))
    if as_date(state.unknown_by) <= until:
        yield _Stood(state.entry, status, last_known, state.unknown_by, True)


def status_words(state: State, t: Translator) -> str:
    """The status of a version in the registry's words, and since when it is UNKNOWN where that is not its day."""
    found = (word(state, "overall_status"), word(state, "last_known_status"))
    status, last_known = (phrases.token(each, t) if each else "" for each in found)
    if not state.unknown_by:
        return status or t.gettext("not stated")
    by = t.gettext("by {day} at the latest").format(day=t.date(state.unknown_by))
    return f"{last_known}; {status}, {by}" if last_known else f"{status}, {by}"


def by_entry(states: Sequence[State]) -> list[list[State]]:
    """The states of one entry after those of another; all of them together where there is but one entry."""
    return [list(group) for _, group in groupby(states, key=lambda state: state.entry)]


def is_by_then(state: State) -> bool:
    """Is it only known that what a version showed stood by its day?"""
    return state.at_latest or state.is_joined


def length(span: Span, t: Translator) -> str:
    """How long a status stood: "2 months", "at least 3 days"."""
    if span.is_left or (span.by_begin and span.by_end):
        return t.gettext("not known")
    shift = when.shift(span.begin.isoformat(), span.end.isoformat())
    if shift is None:
        return t.gettext("not known") if span.by_begin else t.gettext("under a day")
    if shift.unit == "days":
        told = t.ngettext("{n} day", "{n} days", shift.amount).format(n=shift.amount)
    else:
        told = t.ngettext("{n} month", "{n} months", shift.amount).format(n=shift.amount)
    if span.by_begin:
        return t.gettext("at least {length}").format(length=told)
    return t.gettext("up to {length}").format(length=told) if span.by_end else told


def date_steps(states: Sequence[State], field: str, t: Translator, noted: int = MOST_NOTED) -> list[Step]:
    """Each time that a date became another one, oldest first; of the newest ``noted`` it is said how far it moved.

    What two entries say that were merged is no step from one to the other.
    """
    return [step for group in by_entry(states) for step in _steps_of_an_entry(group, field, t, noted)]


def _steps_of_an_entry(states: Sequence[State], field: str, t: Translator, noted: int) -> list[Step]:
    parts = [part(state, field) for state in states]
    held = [Held(text(each, "date"), state.day) for each, state in zip(parts, states, strict=True)]
    changed = [index for index in range(1, len(parts)) if parts[index] != parts[index - 1]]
    with_note = frozenset(changed[-noted:])
    return [
        Step(
            states[index].day,
            parts[index - 1],
            parts[index],
            _note(held[: index + 1], t) if index in with_note else "",
            _mark(parts[index - 1], parts[index]),
        )
        for index in changed
    ]


def enrollment_steps(states: Sequence[State]) -> list[Step]:
    """The same for the number of participants."""
    parts = [part(state, "enrollment") for state in states]
    return [
        Step(later.day, before, after, _more_or_fewer(before, after))
        for later, (before, after) in zip(states[1:], pairwise(parts), strict=True)
        if before != after
    ]


def from_to(field: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, t: Translator, style: Style = "summary") -> str:
    """ "2025-06 → 2025-12 (estimated)": the type once where it stayed."""
    value = "count" if field == "enrollment" else "date"
    alike = before is not None and after is not None and before.get("type") == after.get("type")
    first = {value: before[value]} if alike and before is not None and value in before else before
    return one_line(f"{describe(field, first, t, style)} → {describe(field, after, t, style)}")


def _note(held: Sequence[Held], t: Translator) -> str:
    """What the last step amounts to: "+6 months"; a date that is put back is no slip, nor is one that gets more precise."""
    first, second = held[-2].date, held[-1].date
    if first is None:
        return t.gettext("stated") if second else ""
    if second is None:
        return t.gettext("no longer stated")
    if same_to_precision(first, second):
        return t.gettext("more precise") if len(second) > len(first) else t.gettext("less precise")
    distance = slipped.signed(first, second, t)
    found = slips(held) if distance else None
    put_back = found is not None and found.put_back
    return t.gettext("{distance}, put back").format(distance=distance) if put_back else distance


def _mark(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Mark:
    if _becomes_actual(before, after):
        return "actual"
    shift = when.shift(text(before, "date"), text(after, "date"))
    return "" if shift is None else "later" if shift.amount > 0 else "earlier"


def _becomes_actual(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> bool:
    return text(after, "type") == phrases.ACTUAL and text(before, "type") != phrases.ACTUAL


def _more_or_fewer(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    """ "+20"; how many took part against how many were planned is neither."""
    first, second = (each.get("count") if each else None for each in (before, after))
    if not isinstance(first, int) or not isinstance(second, int) or first == second or _becomes_actual(before, after):
        return ""
    return f"{'+' if second > first else '−'}{abs(second - first)}"


# --- values of any shape -----------------------------------------------------------------------------------------------


def as_date(day: str) -> datetime.date:
    """A whole day."""
    return datetime.date.fromisoformat(day)


def word(state: State, field: str) -> str | None:
    """A token or text that a version showed."""
    value = state.headline.get(field)
    return value if isinstance(value, str) and value else None


def part(state: State, field: str) -> Mapping[str, Any] | None:
    """A date or number with its type that a version showed."""
    value = state.headline.get(field)
    return value if isinstance(value, Mapping) and value else None


def stated(field: str, value: Any, status: str | None) -> Any:
    """A date as it may be told: no visit took place in a trial that was called off before anyone took part, whatever type its date has."""
    took_place = isinstance(value, Mapping) and value.get("type") == phrases.ACTUAL
    if status != CALLED_OFF or field not in VISITS or not took_place:
        return value
    return {key: each for key, each in value.items() if key != "type"}


def text(value: Mapping[str, Any] | None, key: str) -> str | None:
    """One text of a date with its type."""
    found = value.get(key) if value else None
    return found if isinstance(found, str) and found else None
