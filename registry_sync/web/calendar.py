"""iCalendar files (RFC 5545) of when trials start, end, and may have results.

An event is a date of a trial as the newest version has it. It keeps its UID whatever the date becomes; SEQUENCE counts how often it has
become another one. Of a date that the registry gives as a month the event is the month's last day, which its description says.
"""

from __future__ import annotations

import calendar
import datetime
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from db import public
from db.connection import History
from db.public import Planned, Scope
from jobs.surroundings import from_stamp
from registry_sync.notices import lifeline, phrases
from registry_sync.notices.clean import cut, one_line
from registry_sync.notices.i18n import Translator, translator
from registry_sync.notices.when import parse
from registry_sync.trials.dates import last_day
from registry_sync.trials.record import N_
from registry_sync.web import asked, told
from registry_sync.web.answers import answer, at_once
from registry_sync.web.pages import around_of, readers_of
from registry_sync.web.problems import OPEN

MOST = 2000
"""Events of one calendar; those that come first are in it."""
BACK = 92
"""Days for which what is over stays in the calendar of all that is watched."""
RESULTS = "results"
RESULTS_AFTER = 12
"""Months after primary completion (42 CFR 11.44)."""
MEDIA_TYPE = "text/calendar"

_LONGEST_TITLE = 300
_RESULTS = N_("Results may be posted")


class Event(msgspec.Struct, frozen=True):
    """One date of a trial. ``field`` of ``db.public.DATES``, or ``RESULTS``; ``date``: as the registry has it, in its precision.

    ``kind``: the type that the registry gives it; of ``RESULTS``, which follow from the date, it is none. ``gone``: since when the
    registry has not shown the trial.
    """

    trial: str
    title: str
    field: str
    date: str
    day: datetime.date
    kind: str | None = None
    gone: str = ""


@at_once
def everything(request: Request) -> Response:
    """What is watched, or what a search found: what is to come, and what was of late."""
    around = around_of(request)
    with readers_of(request).open() as history:
        since = around.now().date() - datetime.timedelta(days=BACK)
        return _calendar(request, history, lambda: asked.scope(request, history), public.state(history), since)


@at_once
def trial(request: Request) -> Response:
    """All dates of one trial."""
    with readers_of(request).open() as history:
        ids = asked.trial(request, history)
        return _calendar(request, history, lambda: Scope(ids=ids), public.state_of(history, ids), datetime.date.min, ids[0])


def _calendar(
    request: Request, history: History, scope: Callable[[], Scope], state: public.State, since: datetime.date, of: str = ""
) -> Response:
    asked.only(request, *(() if of else asked.OF_SCOPE), "lang")
    language = asked.language(request)

    def make() -> Response:
        events = sorted(
            (event for planned in public.planned(history, scope()) for event in events_of(planned) if event.day >= since),
            key=lambda event: (event.day, event.trial, event.field),
        )
        body = _written(request, history, events[:MOST], of, translator(language))
        return Response(body, media_type=MEDIA_TYPE, headers={"Content-Language": language})

    return answer(request, state, make, headers=OPEN, of_the_day=since != datetime.date.min)


def events_of(planned: Planned) -> Iterator[Event]:
    """The dates that a trial has, and when its results may be posted, unless they are.

    Of one that was called off no plan is left, nor had it visits. Where the registry does not show it any more, nobody expects results.
    """
    title = one_line(planned.headline.get("brief_title") or "")
    is_off = planned.headline.get("overall_status") == lifeline.CALLED_OFF
    for field in public.DATES:
        stated = planned.headline.get(field) or {}
        date = stated.get("date") or ""
        day = last_day(date)
        if day is None or (is_off and (field in lifeline.VISITS or stated.get("type") != phrases.ACTUAL)):
            continue
        yield Event(planned.trial, title, field, date, day, lifeline.text(stated, "type"), planned.absent_since)
        later = _later(date, RESULTS_AFTER) if field == "primary_completion_date" else None
        if later is not None and not (planned.headline.get("has_results") or is_off or planned.absent_since):
            expected = last_day(later)
            if expected is not None:
                yield Event(planned.trial, title, RESULTS, date, expected)


def _later(date: str, months: int) -> str | None:
    """A date so many months on, in its own precision; ``None`` where that is beyond all calendars."""
    parsed = parse(date)
    if parsed is None or parsed.year + months // 12 + 1 > datetime.MAXYEAR:
        return None
    if parsed.month is None:
        return f"{parsed.year + months // 12:04}"
    count = parsed.year * 12 + parsed.month - 1 + months
    year, month = count // 12, count % 12 + 1
    if parsed.day is None:
        return f"{year:04}-{month:02}"
    return f"{year:04}-{month:02}-{min(parsed.day, calendar.monthrange(year, month)[1]):02}"


def _written(request: Request, history: History, events: Iterable[Event], of: str, t: Translator) -> bytes:
    from icalendar import Calendar  # loads for a quarter of a second: only when a calendar is made

    events = list(events)
    moves = public.moves(history, {event.trial for event in events})
    installation = public.installation(history)
    made = Calendar()
    made.add("prodid", "-//registry-sync//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("name", _name(of, t))
    made.add("x-wr-calname", _name(of, t))
    made.add("refresh-interval", datetime.timedelta(hours=12), parameters={"value": "DURATION"})
    for event in events:
        moved, at = moves.get((event.trial, "primary_completion_date" if event.field == RESULTS else event.field), (0, ""))
        made.add_component(_event(event, moved, from_stamp(at), installation.hex, asked.base(request), t))
    return bytes(made.to_ical())


def _name(of: str, t: Translator) -> str:
    return t.gettext("Dates of {trial}").format(trial=of) if of else t.gettext("Dates of clinical trials")


def _event(event: Event, moved: int, at: datetime.datetime, installation: str, base: str, t: Translator) -> Any:
    from icalendar import Event as Component

    made = Component()
    name = t.gettext(_RESULTS) if event.field == RESULTS else phrases.reader_label(event.field, "timeline", t)
    planned = t.gettext("planned, as the registry said last") if event.gone else t.gettext("planned")
    sure = f" ({planned})" if event.kind in phrases.ESTIMATED else ""
    made.add("uid", f"{event.trial}.{event.field.replace('_', '-')}@{installation}")
    made.add("dtstamp", at)
    made.add("last-modified", at)
    made.add("sequence", moved)
    made.add("summary", f"{event.trial}: {name}{sure}")
    made.add("description", "\n".join(_description(event, t)))
    made.add("dtstart", event.day)
    if event.field == RESULTS or event.kind in phrases.ESTIMATED:
        made.add("status", "TENTATIVE")
    elif event.kind == phrases.ACTUAL:
        made.add("status", "CONFIRMED")
    made.add("transp", "TRANSPARENT")
    if base:
        made.add("url", f"{base}/trials/{event.trial}")
    return made


def _description(event: Event, t: Translator) -> Iterator[str]:
    if event.title:
        yield cut(event.title, _LONGEST_TITLE)
    if event.gone:
        yield told.gone(event.gone, t)
        yield t.gettext("What stands here is what it said last.")
    if event.field == RESULTS:
        yield t.gettext("One year after the last visit for the main question. US rules (42 CFR 11.44) ask some trials for results by then.")
    elif event.kind in phrases.ESTIMATED and not event.gone:
        yield t.gettext("This is a plan of the trial team; it can change.")
    elif event.kind is None:
        yield t.gettext("The registry does not say whether this was planned or took place.")
    parsed = parse(event.date)
    if parsed is not None and parsed.day is None:
        words = (
            t.gettext("The registry says {date} for that visit and no day: it is counted from the last one.")
            if event.field == RESULTS
            else t.gettext("The registry says {date} and no day: it is shown on the last one.")
        )
        yield words.format(date=t.date(event.date))
