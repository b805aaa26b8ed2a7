"""What each watched trial owes, laid beside what coordinators have entered, and told as it comes due.

Looked at after each sync while a coordinator follows anything: what changed, and once a day all of it, since days pass without a change.
The first look at a trial is a baseline: what is overdue, or speaks against itself, by then is listed and not told.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from db import absences, duties, lookback, runs, watches
from db import history as versions
from db.connection import Connection, History
from db.duties import AGAIN, Duty, KeptEvent, Letter
from jobs import audit, tell
from jobs.restore import JOB as RESTORE
from jobs.surroundings import Surroundings, as_stamp, from_stamp, log, today
from registry_sync.errors import BadContent, Damaged, DatabaseError, UsageError
from registry_sync.sources.ctgov_oversight import oversight_from
from registry_sync.sources.interface import CTGOV
from registry_sync.trials.binding import Oversight, member_state
from registry_sync.trials.changes import Change
from registry_sync.trials.deadlines import BY_RULE, OPEN, UNKNOWN, URGENCY, VERIFY, Event, Owed, State, averted, owed
from registry_sync.trials.record import Record, plain

JOB = "deadlines"
TOPIC = "deadlines"
TOLD: frozenset[str] = frozenset({"due soon", "overdue"})
"""States that are told when they come; ``met`` is told after one of them. What a record says against itself is listed alone."""
_LAST_DAYS = 7
"""What was due soon at the first look already is told so many days before it is due."""
_FROM_BEFORE = "before: "
"""How it stood at the first look, which tells nobody anything."""
_FULFILLED = "fulfilled: "
"""What was told of a clock that an update of the record has started anew: that it is met is still to be told."""
_OVERTAKEN = "overtaken: "
"""What was told of a clock in whose place a certified delay, or the status UNKNOWN, has come: the record may fulfil it still."""
MET: frozenset[str] = frozenset({"met", "submitted"})
"""States in which what was told is met."""
_ROLLING = frozenset({VERIFY.name, UNKNOWN.name})
"""Clocks that an update of the record starts anew: what is done in time moves their day."""
_DAYS_BEHIND = 2
"""How many days a look waits for the registry to be asked after a backup was restored."""
_AHEAD = datetime.timedelta(days=1)
"""What was told so much later than now was told by a clock that was ahead."""
LETTER = "letter"
_FIRST_DAY = "1990-01-01"
LETTER_DAYS = 30
"""Days after which a page whose owner was written to, and that is not right yet, asks for another look."""


class Line(msgspec.Struct, frozen=True):
    """A thing that is owed, and what a coordinator has done about it."""

    trial: str
    title: str | None
    owed: Owed
    duty: Duty | None
    today: datetime.date

    @property
    def state(self) -> State:
        """How it stands: done when a coordinator says so of what no record shows, else as the record has it."""
        return "met" if self.is_done else self.owed.state

    @property
    def is_done(self) -> bool:
        """Has a coordinator said that it is done, of the clock that runs now?"""
        return self.duty is not None and self.duty.done_at is not None and self.duty.done_due == self.owed.by

    @property
    def is_snoozed(self) -> bool:
        """Is it put off to a later day?"""
        return self.duty is not None and (self.duty.snoozed_until or "") > self.today.isoformat()

    @property
    def is_open(self) -> bool:
        """Is there something left to do, or to wait for?"""
        return self.state in OPEN


def lines(around: Surroundings, history: History, trial: str | None = None) -> list[Line]:
    """What the watched trials owe, or one trial that is held, the most urgent first; what cannot be read is left out, and logged.

    Nothing is owed to a registry that does not show the trial.
    """
    found: list[Line] = []
    gone = absences.every(history)
    for each in [trial] if trial else watches.trials(history):
        try:
            found += _lines(around, history, each) if each not in gone else []
        except Damaged as error:
            log.warning("%s", error)
            if trial:
                raise
    return sorted(found, key=lambda line: (line.is_snoozed, URGENCY.index(line.state), line.owed.by or "9", line.trial, line.owed.key))


def _lines(around: Surroundings, history: History, trial: str) -> list[Line]:
    held = lookback.latest(history, trial, CTGOV)
    if held is None:
        return []
    kept = duties.duties(history, trial)
    day = today(around)
    events = [each.event for each in duties.events(history, trial)]
    rows = owed(held.record, _oversight(history, held.id), events, duties.answers(history, trial), today=day)
    record = held.record
    rows = (*rows, *_averted(record, kept.get(UNKNOWN.name)))
    title = record.brief_title or record.official_title
    watched = watches.pages_of(history, held.trial)
    newest = {letter.url: letter for letter in duties.letters(history, trial)}  # the one before, about the same page, is followed by it
    rows = (*rows, *(_of_letter(letter, day) for url, letter in newest.items() if url in watched))
    return [Line(trial, title, row, kept.get(row.key), day) for row in rows]


def _averted(record: Record, known: Duty | None) -> Iterator[Owed]:
    """The status UNKNOWN, where it was told and the record says by now that the trial is over: that this is met is to be told, or was."""
    if known is not None and (_bare(known.told) in TOLD or known.told == known.state == duties.MET):
        row = averted(record)
        if row is not None:
            yield row


def _oversight(history: History, version_id: int) -> Oversight:
    try:
        return oversight_from(versions.payload(history, version_id))
    except BadContent:
        return Oversight()


def _of_letter(letter: Letter, day: datetime.date) -> Owed:
    """A correction that a page's owner was asked for, as a thing to look after."""
    by = datetime.date.fromisoformat(letter.sent_on) + datetime.timedelta(LETTER_DAYS)
    state: State = "met" if letter.settled_on else "past" if day > by else "due"
    shown = (("page", letter.url), ("fields", ", ".join(letter.fields)))
    return Owed(
        rule=f"{LETTER} {letter.url}",
        source=letter.url,
        law="listing",
        bound="applies",
        state=state,
        by=by.isoformat(),
        since=letter.sent_on,
        on=letter.settled_on,
        shown=shown,
    )


# --- news --------------------------------------------------------------------------------------------------------------


class Looked(msgspec.Struct):
    """What a look found: changes and notices, and each trial that could not be looked at, with why."""

    changes: int = 0
    notices: int = 0
    failed: list[tuple[str, str]] = msgspec.field(default_factory=list)


def look(around: Surroundings, history: History, since: str, looked: Looked, *, asked: bool = True) -> None:
    """Look at what is owed by now, and queue what is news of it; what came of it is added to ``looked``.

    Once a day at all that is watched, else at the trials of which a version came ``since`` then (UTC). ``asked``: the registry has been
    asked for everything; after a backup was restored nothing is looked at before that. Raises DatabaseError.
    """
    is_behind = _is_behind(around, history)
    if is_behind and not asked:
        return
    last = runs.last(history, JOB, finished=True, now=around.stamp())
    if not is_behind and last is not None and today(around, from_stamp(last["started_at"])) >= today(around):
        _look_at(around, history, duties.changed_since(history, since), since, looked)
        return
    run = runs.begin(history, JOB, around.stamp(), alone=False)
    outcome = "failed"
    try:
        _look_at(around, history, watches.trials(history), since, looked)
        outcome = "stopped" if around.stop.is_set() else "partial" if looked.failed else "done"
    finally:
        numbers = {"changes": looked.changes, "notices": looked.notices, "failed": len(looked.failed)}
        runs.end(history, run, around.stamp(), outcome, numbers)


def _is_behind(around: Surroundings, history: History) -> bool:
    """Are the records those of a backup that was restored, and nothing was looked at since? After some days they count."""
    restored, last = runs.last(history, RESTORE), runs.last(history, JOB, finished=True)
    if restored is None or (last is not None and last["id"] > restored["id"]):
        return False
    return around.now() - from_stamp(restored["started_at"]) <= datetime.timedelta(_DAYS_BEHIND)


def _look_at(around: Surroundings, history: History, trials: Sequence[str], since: str, looked: Looked) -> None:
    for trial in sorted({letter.trial for letter in duties.letters(history) if letter.settled_on is None}):
        with _apart(trial, looked):
            _settle_letters(around, history, trial)
    gone = absences.every(history)
    for trial in trials:
        if around.stop.is_set():
            break
        if trial in gone:
            continue  # nothing is owed to a registry that does not show it; what was is listed
        with _apart(trial, looked):
            changes, notices = _look(around, history, trial, since)
            looked.changes, looked.notices = looked.changes + changes, looked.notices + notices


@contextlib.contextmanager
def _apart(trial: str, looked: Looked) -> Iterator[None]:
    """What goes wrong with one trial is named, and keeps none of the others from being looked at."""
    try:
        yield
    except Damaged as error:
        looked.failed.append((trial, str(error)))
    except DatabaseError:
        raise
    except Exception as error:
        log.exception("the deadlines of %s could not be looked at", trial)
        looked.failed.append((trial, f"deadlines could not be looked at ({type(error).__name__}); please report it"))


def _look(around: Surroundings, history: History, trial: str, since: str | None = None) -> tuple[int, int]:
    stood = duties.duties(history, trial)
    known = _told_in_time(around, history, trial, stood)
    found = _lines(around, history, trial)
    is_first = not duties.was_looked_at(history, trial)
    is_behind = since is None and _is_behind(around, history)
    now, seen = around.stamp(), []
    news: list[Change] = []
    heard: list[frozenset[str]] = []
    for line in found:
        if is_behind and line.owed.key in known:
            continue  # it is known better than by the record that came back
        duty, change = _stands(line, known.get(line.owed.key), is_first=is_first)
        if is_behind and change is not None:
            duty, change = msgspec.structs.replace(duty, told=None), None
        seen.append(duty)
        if change is not None:
            news.append(change)
            heard.append(duties.heard(history, trial, duty.key, change) if _is_again(known.get(duty.key)) else frozenset())
    keys = {line.owed.key for line in found}
    lapsed = [duty for key, duty in known.items() if key not in keys and duty.state != duties.NOT_OWED]
    if is_behind:  # events and answers are as they were entered
        denied = {law for law, applies in duties.answers(history, trial).items() if not applies}
        lapsed = [duty for duty in lapsed if " " in duty.key or BY_RULE[duty.key].law in denied]
    if not is_first and not lapsed and all(stood.get(duty.key) == duty for duty in seen):
        return 0, 0
    with history.write() as connection:
        if is_first:
            duties.is_looked_at(connection, trial, now)
        duties.keep(connection, trial, seen, now)
        duties.forget(connection, trial, [duty.key for duty in lapsed], now)
        return len(news), _tell(around, history, connection, trial, news, heard, since)


def _told_in_time(around: Surroundings, history: History, trial: str, stood: dict[str, Duty]) -> dict[str, Duty]:
    """How things stood, without what was told of them by a clock that was ahead: by the right one it is told when it is so."""
    told = duties.told_in_time(history, trial, as_stamp(around.now() + _AHEAD))
    known = dict(stood)
    for key in told.keys() & stood.keys():
        if _bare(stood[key].told) in TOLD:
            state, due = told[key] or (None, None)
            known[key] = msgspec.structs.replace(stood[key], told=state if due == stood[key].due or state == duties.MET else None)
    return known


def _bare(told: str | None) -> str:
    """What was told, whatever became of the clock since."""
    return (told or "").removeprefix(_FULFILLED).removeprefix(_OVERTAKEN).removeprefix(AGAIN)


def _is_again(known: Duty | None) -> bool:
    """Has some of those who are to hear it heard it already?"""
    return known is not None and (known.told or "").startswith(AGAIN)


def _tell(
    around: Surroundings,
    history: History,
    connection: Connection,
    trial: str,
    news: Sequence[Change],
    heard: Sequence[frozenset[str]],
    since: str | None,
) -> int:
    """Queue the news; what waits about the trial ``since`` the sync began takes it in: one trial, one day, one story."""
    held = versions.latest(history, trial, CTGOV)
    if held is None or not news:
        return 0
    key = f" deadlines {around.stamp()}"
    return tell.keep(
        around,
        history,
        connection,
        news,
        trial=trial,
        source=CTGOV,
        version=held.id,
        registry_date=None,
        key=key,
        joins_since=since,
        heard=heard,
    )


def _stands(line: Line, known: Duty | None, *, is_first: bool) -> tuple[Duty, Change | None]:
    """How a thing stands now, and what of that is news."""
    state, told = line.state, _told(line, known)
    fresh = Duty(line.owed.key, state, line.owed.by, told, known.first_seen_at if known else "")
    fresh = msgspec.structs.replace(known, state=state, due=line.owed.by, told=told) if known else fresh
    if is_first:
        return msgspec.structs.replace(fresh, told=f"{_FROM_BEFORE}{state}"), None
    left = line.owed.days_left(line.today)
    if told == f"{_FROM_BEFORE}due soon" and state == "due soon" and left is not None and left <= _LAST_DAYS:
        told = None  # it was so at the first look, which told nobody: now it is near
    struck = line.owed.rule == UNKNOWN.name and state in ("overdue", "past")  # that the registry shows UNKNOWN is the status's own news
    if line.owed.bound != "applies":
        was_before = (told or "").startswith(_FROM_BEFORE)
        return msgspec.structs.replace(fresh, told=told if was_before else None), None  # once it applies again, it is told again
    if line.owed.law == "listing" or line.is_snoozed or struck:
        return fresh, None
    if state in TOLD and told not in (state, f"{_FROM_BEFORE}{state}"):
        return msgspec.structs.replace(fresh, told=state), _change(line, told, state)
    once_more = f"{AGAIN}met"
    fulfilled = (told or "").startswith(_FULFILLED) or (told == once_more and line.owed.rule in _ROLLING)
    was = _bare(told)
    if state not in TOLD and (was in TOLD or told == once_more):
        if fulfilled or state in MET:
            return msgspec.structs.replace(fresh, told="met"), _change(line, was, "met")
        # that it is delayed, returned for corrections or past is news of the record alone; what was told may be met still
        return msgspec.structs.replace(fresh, told=told if was in TOLD else None), None
    return fresh, None


def _told(line: Line, known: Duty | None) -> str | None:
    """What was told of the clock that runs now; of the one before it only what was fulfilled since, or may be, not what moved away."""
    told = known.told if known else None
    if known is None or known.due == line.owed.by:
        return told
    was = (told or "").removeprefix(_OVERTAKEN).removeprefix(AGAIN)
    if was in TOLD:
        if line.state in MET or _is_renewed(known, line.owed):
            return f"{_FULFILLED}{was}"
        return f"{_OVERTAKEN}{was}" if _is_overtaken(known, line.owed) else None
    if was == "met" and known.state in MET and line.state in MET:
        return told  # it is met whatever its day
    return told if told and told.startswith(_FULFILLED) else None


def _is_renewed(known: Duty, row: Owed) -> bool:
    """Has the record been verified or updated, so that a clock begins after the last day of the one before?"""
    if known.due is None:
        return row.rule == UNKNOWN.name and row.state in ("due", "due soon")  # the registry showed UNKNOWN
    return row.rule in _ROLLING and (row.earliest or row.by or "") > known.due


def _is_overtaken(known: Duty, row: Owed) -> bool:
    """Is a delay certified, or does the registry show UNKNOWN, or may it any day since it did?"""
    return row.state == "delayed" or (row.rule == UNKNOWN.name and (row.by is None or (known.due is None and row.state == "past")))


def _change(line: Line, before: str | None, after: str) -> Change:
    row, runs_on = line.owed, after == "met" and line.state not in MET  # then the day is that of the clock which runs now
    detail: dict[str, Any] = {
        "rule": row.rule,
        "source": row.source,
        "by": None if runs_on else row.by,
        "earliest": None if runs_on else row.earliest,
        "since": row.since,
        "on": row.on,
        "planned": row.planned,
        "event": plain(row.event) if row.event else None,
        "shown": [list(pair) for pair in row.shown],
        "done_on": line.duty.done_on if line.duty and line.is_done else None,
        "as_of": line.today.isoformat(),
    }
    return Change(
        field=duties.FIELD,
        topic=TOPIC,
        operation="changed",
        before=before if before in TOLD else None,
        after=after,
        significance="major" if after == "overdue" else "minor",
        reader_significance="untold",
        detail={name: value for name, value in detail.items() if value},
    )


# --- what coordinators do ----------------------------------------------------------------------------------------------


def find(around: Surroundings, history: History, trial: str, key: str) -> Line:
    """The one thing that a trial owes by this key, rule, or beginning of a key. Raises UsageError when it is none, or several."""
    _look(around, history, trial)
    every = _lines(around, history, trial)
    found = [line for line in every if line.owed.key == key] or [line for line in every if line.owed.rule == key]
    found = found or [line for line in every if key and line.owed.key.startswith(key)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(f"{trial} owes nothing by the name {key!r}; see what it owes: registry-sync deadlines {trial} --all", about=key)
    raise UsageError(f"{key!r} may be {' or '.join(repr(line.owed.key) for line in found)}: name one of them", about=key)


def acknowledge(around: Surroundings, line: Line, history: History, note: str | None) -> None:
    """A coordinator says that it is known how it stands now; when that changes, it is open again."""
    duties.mark(history, line.trial, line.owed.key, around.stamp(), "acknowledged", note, acknowledged_at=around.stamp())


def done(around: Surroundings, line: Line, history: History, day: str) -> None:
    """A coordinator says that it was done on this day; of another last day it is another thing.

    Raises UsageError for a day to come, or before the event at which its clock starts.
    """
    if day > today(around).isoformat():
        raise UsageError(f"{day} is yet to come: a thing is done when it has been done", about=day)
    event = line.owed.event
    if event is not None and day < event.date:
        raise UsageError(f"{day} is before {event.kind} on {event.date}, which it is owed for: is the day right?", about=day)
    duties.mark(history, line.trial, line.owed.key, around.stamp(), "done", done_at=around.stamp(), done_on=day, done_due=line.owed.by)


def undone(around: Surroundings, line: Line, history: History) -> None:
    """It was not done after all. Raises UsageError where nobody said so."""
    if not line.is_done:
        raise UsageError(f"nobody has said that {line.owed.key} is done", about=line.owed.key)
    none = dict.fromkeys(("acknowledged_at", "done_at", "done_on", "done_due"))  # what was acknowledged is that it was done
    duties.mark(history, line.trial, line.owed.key, around.stamp(), "undone", **none)


def snooze(around: Surroundings, line: Line, history: History, until: str | None) -> None:
    """No news of it before this day; ``None``: from now on again."""
    duties.mark(history, line.trial, line.owed.key, around.stamp(), "snoozed" if until else "not snoozed", snoozed_until=until)


def give(around: Surroundings, line: Line, history: History, owner: str | None) -> None:
    """Somebody looks after it; ``None``: nobody does."""
    duties.mark(history, line.trial, line.owed.key, around.stamp(), "owner" if owner else "no owner", owner=owner)


def answer(around: Surroundings, history: History, trial: str, law: str, applies: bool | None) -> None:
    """A coordinator says whether a law binds a trial (``None``: what the record shows counts again); what follows is looked at at once."""
    duties.answer(history, trial, law, applies, around.stamp())
    if trial not in absences.every(history) and duties.was_looked_at(history, trial):
        _look(around, history, trial)


def enter(around: Surroundings, history: History, trial: str, event: Event, note: str | None) -> bool:
    """Keep an event, and look at what follows from it at once; ``False``: it was kept already.

    Raises UsageError for a day to come, or long gone, and for a country that is no Member State.
    """
    if event.date < _FIRST_DAY:
        raise UsageError(f"{event.date} is before any trial that registries hold: is the year right?", about=event.date)
    if event.country is not None:
        state = member_state(event.country)
        if state is None:
            raise UsageError(f"{event.country!r} is no State of the EU or EEA, which events name by country", about=event.country)
        event = msgspec.structs.replace(event, country=state)
    if event.date > today(around).isoformat():
        raise UsageError(f"{event.date} is yet to come: an event is entered when it has happened", about=event.date)
    if lookback.latest(history, trial, CTGOV) is None:
        raise UsageError(f"nothing is held of {trial} yet; watch it and sync first", about=trial)
    new = duties.add_event(history, trial, event, note, around.stamp())
    _look(around, history, trial)
    return new


def take_back(around: Surroundings, history: History, event_id: int) -> KeptEvent:
    """Take back an event that was entered by mistake. Raises UsageError when there is none of this number."""
    found = duties.remove_event(history, event_id, around.stamp())
    if found is None:
        raise UsageError(f"there is no event {event_id}; see them: registry-sync event list", about=str(event_id))
    _look(around, history, found.trial)
    return found


# --- letters -----------------------------------------------------------------------------------------------------------


def sent(around: Surroundings, history: History, trial: str) -> list[str]:
    """Note that the letters about a trial's pages were sent today; the pages, of which each is looked after until it is right."""
    found = []
    for one in audit.audited(history, trial):
        wrong = [row.field for row in one.verdicts if row.verdict in ("outdated", "contradicts")]
        if wrong:
            duties.sent_letter(history, one.page.trial, one.page.url, wrong, today(around).isoformat(), around.stamp())
            found.append(one.page.url)
    return found


def _settle_letters(around: Surroundings, history: History, trial: str) -> None:
    verdicts = {one.page.url: {row.field: row.verdict for row in one.verdicts} for one in audit.audited(history, trial)}
    for letter in duties.letters(history, trial):
        said = verdicts.get(letter.url) if letter.trial == trial and letter.settled_on is None else None
        if said and all(verdict not in ("outdated", "contradicts") for verdict in said.values()):
            duties.settled(history, letter, today(around).isoformat(), around.stamp())
