"""What is owed as a calendar (iCalendar, RFC 5545): an event on each last day, for the people who look after it."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from db import duties as kept
from db import public
from db.connection import History
from jobs.duties import Line
from jobs.surroundings import Surroundings
from registry_sync.errors import MissingExtra, install
from registry_sync.notices import duties as words
from registry_sync.notices.i18n import translator
from registry_sync.sources import ctgov
from registry_sync.trials.deadlines import REGISTER, RESULTS, UNKNOWN, VERIFY

CLOCKS = {
    RESULTS.name: ("primary_completion_date", "results_delayed_date"),
    VERIFY.name: ("status_verified_date",),
    REGISTER.name: ("start_date",),
    UNKNOWN.name: ("status_verified_date", "completion_date"),
}
"""By rule the fields of the record that its day is counted from. Those of all others are counted from an event, which is in their key."""


def agenda(around: Surroundings, history: History, lines: Iterable[Line], language: str = "en") -> bytes:
    """The lines that have a day. An event keeps its UID whatever the day becomes; SEQUENCE counts what was noted of it, and how often the
    registry changed what its day is counted from.

    Raises MissingExtra without the library that writes calendars.
    """
    try:
        from icalendar import Calendar, Event
    except ImportError:
        raise MissingExtra(f"calendars need an optional part: {install('web')}", about="icalendar") from None
    t = translator(language)
    installation = public.installation(history).hex
    made = Calendar()
    made.add("prodid", "-//registry-sync//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("name", words.calendar(t))
    made.add("x-wr-calname", words.calendar(t))
    steps = kept.steps(history)
    moves = kept.clocks(history, sorted({field for fields in CLOCKS.values() for field in fields}))
    for line in lines:
        row = line.owed
        if row.by is None:
            continue
        event = Event()
        event.add("uid", f"deadline.{line.trial}.{row.key.replace(' ', '.')}@{installation}")
        event.add("dtstamp", around.now())
        moved = sum(moves.get((line.trial, field), 0) for field in CLOCKS.get(row.rule, ()))
        event.add("sequence", steps.get((line.trial, row.key), 0) + moved)
        event.add("summary", f"{line.trial}: {words.what(row.rule, t)}")
        owner = line.duty.owner if line.duty else None
        event.add("description", "\n".join(words.lines(row, t, title=line.title, owner=owner)))
        event.add("dtstart", datetime.date.fromisoformat(row.by))
        event.add("status", "TENTATIVE" if row.planned or row.bound != "applies" else "CONFIRMED")
        event.add("transp", "TRANSPARENT")
        event.add("url", ctgov.study_url(around.settings.ctgov.url, line.trial))
        made.add_component(event)
    return bytes(made.to_ical())
