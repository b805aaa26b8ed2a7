"""What the responsible party of a trial owes the registries, and by when: one row for each rule, with its source.

A record holds some of the days at which clocks start; others are events that a coordinator enters. Without the event no clock runs, and
only what a record says against itself is shown. Advice on the record, never legal advice.

Sources: 42 CFR 11.22, 11.24, 11.44, 11.64; Regulation (EU) 536/2014, Articles 36 to 38; the registry's own rule for the status UNKNOWN.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal

import msgspec

from registry_sync.trials.binding import (
    FINAL_RULE,
    Answers,
    Bound,
    Law,
    Oversight,
    Standing,
    began_before_the_final_rule,
    member_state,
    standing,
)
from registry_sync.trials.dates import first_day, last_day, months_after
from registry_sync.trials.record import Dated, Record, UnpostedEvent

EventKind = Literal["first-visit", "recruitment-ended", "halted", "restarted", "ended", "amendment-approved"]
State = Literal["due", "due soon", "overdue", "met", "delayed", "submitted", "returned", "stated", "past", "contradiction"]

EVENT_KINDS: tuple[EventKind, ...] = EventKind.__args__  # type: ignore[attr-defined]
URGENCY: tuple[State, ...] = ("overdue", "contradiction", "due soon", "past", "due", "returned", "delayed", "submitted", "stated", "met")
"""States, the most urgent first."""
OPEN: frozenset[State] = frozenset({"overdue", "contradiction", "due soon", "past", "due", "returned", "delayed"})

REGISTRY = "registry"
_TAKES_PARTICIPANTS = frozenset({"RECRUITING", "ENROLLING_BY_INVITATION"})
_MAY_BECOME_UNKNOWN = _TAKES_PARTICIPANTS | {"NOT_YET_RECRUITING", "ACTIVE_NOT_RECRUITING"}
_OVER = frozenset({"COMPLETED", "TERMINATED", "WITHDRAWN"})
_STOPPED = frozenset({"TERMINATED", "SUSPENDED", "WITHDRAWN"})
_CLOSED = _OVER | {"ACTIVE_NOT_RECRUITING"}
_PLANNED = frozenset({"ESTIMATED", "ANTICIPATED"})
_MONTHS_TO_UNKNOWN = 25


class Event(msgspec.Struct, frozen=True):
    """What a record does not hold: its kind, its day (``2026-02-03``), the Member State it is about (``None``: all)."""

    kind: EventKind
    date: str
    country: str | None = None


class Rule(msgspec.Struct, frozen=True):
    """A row of the table: a name for programs, the law (``registry``: for every trial), the paragraph, days of warning before it is due."""

    name: str
    law: str
    source: str
    soon: int = 30


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """One rule as it stands for one trial.

    ``by``: the last day, as days from ``earliest`` to ``by`` where the clock started at a date without a day; ``None``: no day is named.
    ``since``: what the clock started at; ``on``: the day on which it was met. ``planned``: the clock's start is a plan, so the day is one.
    ``shown``: parts of the record, or the event, that show it, as (field, value).
    """

    rule: str
    source: str
    law: str
    bound: Bound
    reason: str = ""
    reason_shown: str = ""
    state: State
    by: str | None = None
    earliest: str | None = None
    since: str | None = None
    on: str | None = None
    planned: bool = False
    event: Event | None = None
    shown: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """What makes it the same row on another day: the rule, and the event that started its clock."""
        started = f" {self.event.kind} {self.event.date} {self.event.country or ''}".rstrip() if self.event else ""
        return self.rule + started

    def days_left(self, today: datetime.date) -> int | None:
        """Days until it is due, negative when it was due before today."""
        return (datetime.date.fromisoformat(self.by) - today).days if self.by else None


RESULTS = Rule("results", "us", "42 CFR 11.44(a)", 90)
VERIFY = Rule("verify", "us", "42 CFR 11.64(a)", 30)
REGISTER = Rule("register", "us", "42 CFR 11.24(a)")
STATUS_30 = Rule("status", "us", "42 CFR 11.64(a)")
START_30 = Rule("start", "us", "42 CFR 11.64(a)")
COMPLETION_30 = Rule("completion", "us", "42 CFR 11.64(a)")
AMENDMENT_30 = Rule("amendment", "us", "42 CFR 11.64(a)")
EU_FIRST_VISIT = Rule("eu-first-visit", "eu", "Regulation (EU) 536/2014, Article 36(2)", 15)
EU_RECRUITMENT_END = Rule("eu-recruitment-end", "eu", "Regulation (EU) 536/2014, Article 36(3)", 15)
EU_RECRUITMENT_AGAIN = Rule("eu-recruitment-again", "eu", "Regulation (EU) 536/2014, Article 36(3)", 15)
EU_HALT = Rule("eu-halt", "eu", "Regulation (EU) 536/2014, Article 37(5) or 38(1)", 15)
EU_RESTART = Rule("eu-restart", "eu", "Regulation (EU) 536/2014, Article 37(6) or 38(2)", 15)
EU_HALT_ENDS = Rule("eu-halt-ends", "eu", "Regulation (EU) 536/2014, Article 37(7)", 90)
EU_END = Rule("eu-end", "eu", "Regulation (EU) 536/2014, Article 37(1) to (3)", 15)
EU_SUMMARY = Rule("eu-summary", "eu", "Regulation (EU) 536/2014, Article 37(4)", 90)
UNKNOWN = Rule("unknown", REGISTRY, "ClinicalTrials.gov: the status Unknown", 92)
RECRUITING_AFTER_END = Rule("recruiting-after-end", REGISTRY, "ClinicalTrials.gov: Overall Recruitment Status, Study Completion Date")
NOT_YET_AFTER_START = Rule("not-yet-after-start", REGISTRY, "ClinicalTrials.gov: Overall Recruitment Status, Study Start Date")
ACTUAL_IN_FUTURE = Rule("actual-in-future", REGISTRY, "ClinicalTrials.gov: Study Start, Primary Completion and Study Completion Date")
ENDED_BY_PLAN = Rule("ended-by-plan", REGISTRY, "ClinicalTrials.gov: Overall Recruitment Status, Study Completion Date")
NO_REASON = Rule("no-reason", REGISTRY, "ClinicalTrials.gov: Why Study Stopped")
PLANNED_ENROLMENT = Rule("planned-enrolment", REGISTRY, "ClinicalTrials.gov: Enrollment, Primary Completion Date")
ENROLLED_WITHDRAWN = Rule("enrolled-withdrawn", REGISTRY, "ClinicalTrials.gov: Overall Recruitment Status, Enrollment")

RULES: tuple[Rule, ...] = (
    RESULTS, VERIFY, REGISTER, STATUS_30, START_30, COMPLETION_30, AMENDMENT_30,
    EU_FIRST_VISIT, EU_RECRUITMENT_END, EU_RECRUITMENT_AGAIN, EU_HALT, EU_RESTART, EU_HALT_ENDS, EU_END, EU_SUMMARY,
    UNKNOWN, RECRUITING_AFTER_END, NOT_YET_AFTER_START, ACTUAL_IN_FUTURE, ENDED_BY_PLAN, NO_REASON, PLANNED_ENROLMENT, ENROLLED_WITHDRAWN,
)  # fmt: skip
BY_RULE = {rule.name: rule for rule in RULES}


class _Case:
    """A trial on a day: its record, what it is bound by, what was entered."""

    def __init__(self, record: Record, oversight: Oversight, events: Sequence[Event], answers: Answers, today: datetime.date) -> None:
        self.record = record
        self.today = today
        self.events = sorted(events, key=lambda event: event.date)
        in_the_record = {state for site in record.locations or () if (state := member_state(site.country or ""))}
        self.states = in_the_record and in_the_record | {event.country for event in events if event.country is not None}
        """The Member States in which the trial is, events' among them; empty where the record names none."""
        self._standing: dict[str, Standing] = {law: standing(law, record, oversight, answers) for law in _LAWS}
        self._standing[REGISTRY] = Standing("applies", "every record")

    def bound(self, rule: Rule) -> Bound:
        """Whether the rule's law binds this trial."""
        return self._standing[rule.law].bound

    def row(
        self,
        rule: Rule,
        *,
        state: State | None = None,
        earliest: datetime.date | None = None,
        by: datetime.date | None = None,
        since: str | None = None,
        on: str | None = None,
        planned: bool = False,
        event: Event | None = None,
        shown: Sequence[str] = (),
        bound: Standing | None = None,
    ) -> Owed:
        """The rule as it stands; without a ``state`` that of a clock that runs until ``by``."""
        stands = bound if bound and self._standing[rule.law].bound == "applies" else self._standing[rule.law]
        return Owed(
            rule=rule.name,
            source=rule.source,
            law=rule.law,
            bound=stands.bound,
            reason=stands.reason,
            reason_shown=stands.shown,
            state=state or self._running(rule, stands.bound, earliest or by, by, planned=planned),
            by=by.isoformat() if by else None,
            earliest=earliest.isoformat() if earliest and earliest != by else None,
            since=since,
            on=on,
            planned=planned,
            event=event,
            shown=tuple((name, value) for name in shown if (value := _value(self.record, name))),
        )

    def _running(self, rule: Rule, bound: Bound, earliest: datetime.date | None, by: datetime.date | None, *, planned: bool) -> State:
        assert earliest is not None  # noqa: S101 - a clock has an end
        assert by is not None  # noqa: S101
        if self.today > by:
            return "overdue" if bound == "applies" and not planned else "past"
        return "due soon" if (earliest - self.today).days <= rule.soon else "due"


_LAWS: tuple[Law, ...] = ("us", "eu")


def owed(
    record: Record, oversight: Oversight, events: Iterable[Event] = (), answers: Answers | None = None, *, today: datetime.date
) -> tuple[Owed, ...]:
    """Every rule that has something to say of this trial on this day, the most urgent first.

    A law that the record shows not to bind the trial has no row; ``met`` rows are among what is given.
    """
    case = _Case(record, oversight, list(events), answers or {}, today)
    rows = [row for rule in _EVERY for row in rule(case) if row.bound != "not shown"]
    return tuple(sorted(rows, key=lambda row: (URGENCY.index(row.state), row.by or "9", row.key)))


def _results(case: _Case) -> Iterator[Owed]:
    """One year after primary completion, or two after a certification of delay, whichever is later (11.44(b) and (c))."""
    record = case.record
    done = record.primary_completion_date or Dated()
    first, last = first_day(done.date), last_day(done.date)
    if first is None or last is None or record.overall_status == "WITHDRAWN":
        return
    shown = ("primary_completion_date", "results_first_submit_date", "results_first_post_date", "results_delayed_date", "results_unposted")
    earliest, by = months_after(first, 12), months_after(last, 12)
    more: dict[str, Any] = {"since": done.date, "shown": shown, "planned": done.type != "ACTUAL"}
    begun, until = first_day(record.results_delayed_date), last_day(record.results_delayed_date)
    if begun is not None and until is not None:
        begun, until = months_after(begun, 24), months_after(until, 24)
        if until >= by:
            more |= {"since": record.results_delayed_date, "planned": False}
        earliest, by = max(earliest, begun), max(by, until)
    more |= {"earliest": earliest, "by": by}
    if last.isoformat() < FINAL_RULE:  # of products that were not approved, the statute asked for none
        more["bound"] = Standing("cannot tell", "completed before the final rule", done.date or "")
    submitted = record.results_first_submit_date
    unposted = _newest(record.results_unposted or ())
    state: State
    if record.has_results or submitted:
        yield case.row(RESULTS, state="met", on=submitted, **more)
    elif unposted is not None and unposted.type in ("RELEASE", "RESET"):
        state = "submitted" if unposted.type == "RELEASE" else "returned"
        yield case.row(RESULTS, state=state, on=unposted.date, **more)
    elif begun is not None:
        # after these two years an extension may have been granted, which no record shows (11.44(e))
        state = "past" if case.today > by else "due soon" if (earliest - case.today).days <= RESULTS.soon else "delayed"
        yield case.row(RESULTS, state=state, on=record.results_delayed_date, **more)
    else:
        yield case.row(RESULTS, **more)


def _newest(events: Iterable[UnpostedEvent]) -> UnpostedEvent | None:
    """The event that came last: of those of one day the last in the list, and one whose day is unknown comes after the one before it."""
    newest, day = None, ""
    for event in events:
        if (event.date or day) >= day:
            newest, day = event, event.date or day
    return newest


def _verify(case: _Case) -> Iterator[Owed]:
    """Every record is verified at least every twelve months, until its results are in (11.64(a))."""
    record = case.record
    first, last = first_day(record.status_verified_date), last_day(record.status_verified_date)
    if first is None or last is None or record.has_results or record.overall_status == "WITHDRAWN":
        return
    yield case.row(
        VERIFY,
        earliest=months_after(first, 12),
        by=last_day(months_after(first, 12).isoformat()[: len(record.status_verified_date or "")]),
        since=record.status_verified_date,
        shown=("status_verified_date",),
    )


def _register(case: _Case) -> Iterator[Owed]:
    """Twenty-one days after the first participant: both days are stated, and not judged."""
    record = case.record
    entered = next((event for event in case.events if event.kind == "first-visit"), None)
    start = record.start_date if record.start_date and record.start_date.type == "ACTUAL" else None
    first, last = (first_day(entered.date),) * 2 if entered else (first_day(start.date), last_day(start.date)) if start else (None, None)
    if first is None or last is None or record.first_submit_date is None:
        return
    yield case.row(
        REGISTER,
        state="stated",
        earliest=first + datetime.timedelta(21),
        by=last + datetime.timedelta(21),
        since=entered.date if entered else start.date if start else None,
        on=record.first_submit_date,
        event=entered,
        shown=("start_date", "first_submit_date"),
    )


def _thirty_days(case: _Case) -> Iterator[Owed]:
    """What an event changes in the record is updated within 30 days; of trials begun before 18 January 2017 less is owed."""
    record = case.record
    early = began_before_the_final_rule(record)
    for position, event in enumerate(case.events):
        later = case.events[position + 1 :]
        if event.country is not None:
            continue  # the status is of the trial as a whole
        if event.kind == "first-visit" and not early:
            yield _within_30(case, START_30, event, met=_started_by(record, event.date), shown=("start_date",))
        expected = _EXPECTED.get(event.kind)
        if expected is not None:
            met = record.overall_status in expected
            if met or not any(each.kind in _EXPECTED and each.country is None for each in later):  # else the later one's clock runs
                yield _within_30(case, STATUS_30, event, met=met, shown=("overall_status",))
        if event.kind == "ended" and not early:
            ended = record.completion_date is not None and record.completion_date.type == "ACTUAL"
            yield _within_30(case, COMPLETION_30, event, met=ended, shown=("completion_date",))
        if event.kind == "amendment-approved" and not early:
            updated = (record.last_update_submit_date or "") >= event.date
            yield _within_30(case, AMENDMENT_30, event, met=updated, shown=("last_update_submit_date",))


def _started_by(record: Record, day: str) -> bool:
    """Does the record state as a fact that the trial began by then? A start after the first visit says something else."""
    start = record.start_date or Dated()
    begun = first_day(start.date)
    return start.type == "ACTUAL" and begun is not None and begun.isoformat() <= day


_EXPECTED: dict[str, frozenset[str]] = {
    "first-visit": frozenset({"RECRUITING", "ENROLLING_BY_INVITATION", "SUSPENDED"}) | _CLOSED,
    "recruitment-ended": _CLOSED,
    "halted": frozenset({"SUSPENDED"}) | _OVER,
    "restarted": frozenset({"RECRUITING", "ENROLLING_BY_INVITATION"}) | _CLOSED,
    "ended": _OVER,
}
"""The statuses that say what an event says, or more."""


def _within_30(case: _Case, rule: Rule, event: Event, *, met: bool, shown: Sequence[str]) -> Owed:
    by = datetime.date.fromisoformat(event.date) + datetime.timedelta(30)
    return case.row(rule, state="met" if met else None, by=by, since=event.date, event=event, shown=shown)


def _eu_clocks(case: _Case) -> Iterator[Owed]:
    """Fifteen days for each notification; what a record does not hold nothing here can see, so a coordinator says when it was made."""
    for position, event in enumerate(case.events):
        day = datetime.date.fromisoformat(event.date)
        rule = _EU[event.kind](event, case.events[:position]) if event.kind in _EU else None
        if rule is not None:
            yield case.row(rule, by=day + datetime.timedelta(15), since=event.date, event=event)
        expires = _expires(case.events, position)
        if expires is not None and not _is_ended(case, position):
            # after it nothing is owed by this rule: the trial counts as ended
            yield case.row(EU_HALT_ENDS, state="past" if case.today > expires else None, by=expires, since=event.date, event=event)
    ends, last = list(_ends(case)), None
    in_one = {end.event.country: end for end in sorted(ends, key=lambda end: end.day, reverse=True) if end.event.country is not None}
    if case.states and in_one.keys() >= case.states:
        last = max(in_one.values(), key=lambda end: (end.day, end.event.date, end.event.country))
        ends = [end for end in ends if end.event.country or end.event.kind == "ended" or end.day < last.day]
    for end in ends:
        yield case.row(EU_END, by=end.day + datetime.timedelta(15), since=end.day.isoformat(), event=end.event)
    in_all = [end for end in ends if end.event.country is None] or ([last] if last else [])
    for end in in_all:
        yield case.row(EU_SUMMARY, by=months_after(end.day, 12), since=end.day.isoformat(), event=end.event)


class _End(msgspec.Struct, frozen=True):
    """The day on which the trial ended in a Member State, or in all, and what ended it: an event ``ended``, or a halt."""

    day: datetime.date
    event: Event


def _ends(case: _Case) -> Iterator[_End]:
    """What ended the trial: an event, or a halt whose two years have expired, which counts as the end where it is earlier (37(7))."""
    halts: list[_End] = []
    for position, event in enumerate(case.events):
        before = [end.day for end in halts if _covers(end.event, event)]
        expires = _expires(case.events, position)
        if event.kind == "ended":
            yield _End(min([datetime.date.fromisoformat(event.date), *before]), event)
        elif expires is not None:
            halts.append(_End(expires, event))
            if case.today > expires and not before and not _is_ended(case, position):
                yield halts[-1]


def _expires(events: Sequence[Event], position: int) -> datetime.date | None:
    """The last day of a halt's two years; ``None`` for another event, and for a halt that was resumed, or ended, within them."""
    halt = events[position]
    last = months_after(datetime.date.fromisoformat(halt.date), 24)
    over = (each for each in events[position + 1 :] if each.kind in ("restarted", "ended") and _same_place(each, halt))
    return last if halt.kind == "halted" and all(each.date > last.isoformat() for each in over) else None


def _is_ended(case: _Case, position: int) -> bool:
    """Was the end entered after this halt, for where it was halted, or for each Member State that the record names?"""
    halt, later = case.events[position], [each for each in case.events[position + 1 :] if each.kind == "ended"]
    return any(_covers(each, halt) for each in later) or (bool(case.states) and {each.country for each in later} >= case.states)


def _restart(event: Event, earlier: Sequence[Event]) -> Rule:
    before = [each.kind for each in earlier if _same_place(each, event) and each.kind in ("halted", "recruitment-ended")]
    return EU_RECRUITMENT_AGAIN if before and before[-1] == "recruitment-ended" else EU_RESTART


def _covers(one: Event, other: Event) -> bool:
    """Is it about all Member States, or about the same one?"""
    return one.country is None or one.country == other.country


def _same_place(one: Event, other: Event) -> bool:
    return one.country is None or other.country is None or one.country == other.country


_EU: dict[str, Callable[[Event, Sequence[Event]], Rule]] = {
    "first-visit": lambda *_: EU_FIRST_VISIT,
    "recruitment-ended": lambda *_: EU_RECRUITMENT_END,
    "halted": lambda *_: EU_HALT,
    "restarted": _restart,
}


def _unknown(case: _Case) -> Iterator[Owed]:
    """The registry shows UNKNOWN when an entry was last verified 25 calendar months ago and study completion is past, or not stated."""
    record = case.record
    shown = ("overall_status", "last_known_status", "status_verified_date", "completion_date")
    verified = first_day(record.status_verified_date)
    if record.overall_status == "UNKNOWN":
        yield case.row(UNKNOWN, state="overdue", since=record.status_verified_date, shown=shown)
    elif record.overall_status in _MAY_BECOME_UNKNOWN and verified is not None:
        strikes = months_after(verified.replace(day=1), _MONTHS_TO_UNKNOWN)
        completion = last_day(record.completion_date.date if record.completion_date else None)
        if completion is not None and completion >= strikes:
            strikes = completion + datetime.timedelta(1) if completion < datetime.date.max else completion
        by = strikes - datetime.timedelta(1)
        state: State | None = "past" if case.today > by else None  # it may strike any day
        yield case.row(UNKNOWN, state=state, by=by, since=record.status_verified_date, shown=shown)


def averted(record: Record) -> Owed | None:
    """The status UNKNOWN as one that the registry will not show any more: the record says that the trial is over, or suspended."""
    if record.overall_status not in _OVER | {"SUSPENDED"}:
        return None
    shown = tuple((name, value) for name in ("overall_status", "status_verified_date") if (value := _value(record, name)))
    return Owed(rule=UNKNOWN.name, source=UNKNOWN.source, law=REGISTRY, bound="applies", reason="every record", state="met", shown=shown)


def _contradictions(case: _Case) -> Iterator[Owed]:
    """What the record says against itself on this day."""
    record, today = case.record, case.today
    status = record.overall_status
    start, primary, end = record.start_date or Dated(), record.primary_completion_date or Dated(), record.completion_date or Dated()

    def against(rule: Rule, *shown: str, since: datetime.date | None = None) -> Owed:
        return case.row(rule, state="contradiction", since=since.isoformat() if since else None, shown=shown)

    ended, began = last_day(end.date), last_day(start.date)
    if status in _TAKES_PARTICIPANTS and ended is not None and ended < today:
        yield against(RECRUITING_AFTER_END, "overall_status", "completion_date", since=ended)
    if status == "NOT_YET_RECRUITING" and began is not None and began < today:
        yield against(NOT_YET_AFTER_START, "overall_status", "start_date", since=began)
    dates = {"start_date": start, "primary_completion_date": primary, "completion_date": end}
    ahead = [name for name, dated in dates.items() if dated.type == "ACTUAL" and (first_day(dated.date) or today) > today]
    if ahead:
        yield against(ACTUAL_IN_FUTURE, *ahead)
    planned = [name for name in ("primary_completion_date", "completion_date") if dates[name].type in _PLANNED]
    if status in ("COMPLETED", "TERMINATED") and planned:
        yield against(ENDED_BY_PLAN, "overall_status", *planned)
    if status in _STOPPED and not (record.why_stopped or "").strip():
        yield against(NO_REASON, "overall_status")
    enrolled = record.enrollment
    if primary.type == "ACTUAL" and enrolled is not None and enrolled.type in _PLANNED:
        yield against(PLANNED_ENROLMENT, "primary_completion_date", "enrollment")
    if status == "WITHDRAWN" and enrolled is not None and enrolled.count:
        yield against(ENROLLED_WITHDRAWN, "overall_status", "enrollment")


_EVERY: tuple[Callable[[_Case], Iterator[Owed]], ...] = (
    _results, _verify, _register, _thirty_days, _eu_clocks, _unknown, _contradictions,
)  # fmt: skip


def _value(record: Record, name: str) -> str | None:
    """A field of the record in a word: a date with its type, a count with its type, a token."""
    value = getattr(record, name)
    if isinstance(value, tuple):
        return ", ".join(" ".join(filter(None, (event.date, event.type))) for event in value)
    if value is None or isinstance(value, str):
        return value
    parts = (str(part) for part in msgspec.structs.astuple(value) if part is not None)
    return " ".join(parts) or None
