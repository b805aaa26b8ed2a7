"""The record as it stood: on a day, or as a version has it. What cannot be shown is answered with what can."""

from __future__ import annotations

import datetime

from starlette.requests import Request
from starlette.responses import Response

from db import aliases, lookback
from db import history as versions
from db.connection import History
from db.history import Version
from registry_sync.errors import UsageError
from registry_sync.notices.i18n import Translator, translator
from registry_sync.sources.interface import CTGOV
from registry_sync.trials.record import trial_id
from registry_sync.web import told
from registry_sync.web.answers import public
from registry_sync.web.pages import around_of, failed, language_of
from registry_sync.web.trial import of_trial, record_of, since, timeline

_LONGEST_NUMBER = 9


@of_trial
def at(request: Request, history: History, trial: str) -> Response:
    """The record as it stood at the end of a day (UTC)."""
    t = translator(language_of(request))
    written, today = request.path_params["day"], around_of(request).now().date()
    day = _day(written)
    if day is None or day.isoformat() != written:
        return _none(request, history, trial, t.gettext("That is no day of the calendar."), t)
    if day > today:
        return _none(request, history, trial, t.gettext("That day is still to come."), t)
    version = lookback.standing(history, trial, CTGOV, written, "registry")
    if version is None:
        return _none(request, history, trial, "", t)
    title = t.gettext("{trial} as it stood on {day}").format(trial=trial, day=t.date(written))
    return _shown(request, history, trial, version, title, day, t)


@of_trial
def numbered(request: Request, history: History, trial: str) -> Response:
    """The record as a version has it; ``as``: under a number that the trial had before, which has versions of its own."""
    t = translator(language_of(request))
    line, number = _line(request, history, trial), request.path_params["number"]
    version = lookback.numbered(history, line, CTGOV, number) if line and len(str(number)) <= _LONGEST_NUMBER else None
    if version is None:
        return failed(request, 404)
    title = t.gettext("{trial}: version {n}").format(trial=version.trial, n=version.number)
    return _shown(request, history, trial, version, title, _over(request, history, trial, version), t)


@of_trial
def to_day(request: Request, history: History, trial: str) -> Response:
    """From the form with a day to the page of the day."""
    day = _day(request.query_params.get("date", ""))
    if day is None:
        t = translator(language_of(request))
        return _none(request, history, trial, t.gettext("Choose a day."), t, status=422)
    lang = f"?lang={language_of(request)}" if request.query_params.get("lang") else ""
    return Response(status_code=303, headers={"Location": f"at/{day.isoformat()}{lang}", "Cache-Control": "no-cache"})


def _day(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


def _line(request: Request, history: History, trial: str) -> str | None:
    """The id whose versions are counted; ``None`` where that is another trial's."""
    try:
        line = trial_id(request.query_params.get("as") or trial)
    except UsageError:
        return None
    return line if line in aliases.family(history, trial) else None


def _over(request: Request, history: History, trial: str, version: Version) -> datetime.date:
    """The day until which a version stood: that of the next one, or of the merger, else today."""
    newest = versions.latest(history, version.trial, CTGOV)
    line = lookback.states(history, newest, "registry") if newest else []
    following = [state.day for state in line if state.number > version.number]
    following += [since[:10] for old, since in aliases.former(history, trial) if old == version.trial]
    today = around_of(request).now().date()
    return min(datetime.date.fromisoformat(following[0]), today) if following else today


def _shown(request: Request, history: History, trial: str, version: Version, heading: str, until: datetime.date, t: Translator) -> Response:
    """A version as it stood. Contacts are left out: the registry may have taken them down since."""
    states = lookback.states(history, version, "registry")
    last = lookback.latest(history, trial, CTGOV)
    gone = lookback.gone_since(history, trial)
    left = datetime.date.fromisoformat(gone[:10]) if gone else until
    is_last = last is not None and last.id == version.id
    ends = min(until, left, around_of(request).now().date())
    unknown_by = states[-1].unknown_by
    return public(
        request,
        "at",
        trial=trial,
        now=False,
        heading=heading,
        is_last=is_last,
        gone_since=told.gone(gone, t) if gone else "",
        number=version.number,
        line=version.trial if version.trial != trial else "",
        entry=entry if (entry := lookback.entry_of(history, version)) != trial else "",
        posted=t.date(version.registry_date or ""),
        seen=told.day(version.seen_at, t),
        backfilled=version.backfilled,
        since=since(states, ends, t),
        **record_of(
            version.record,
            ends,
            t,
            with_people=False,
            gone=is_last and gone is not None and left <= until,
            unknown_by=unknown_by if unknown_by > ends.isoformat() else "",
        ),
        **timeline(states, ends, t),
    )


def _none(request: Request, history: History, trial: str, why: str, t: Translator, *, status: int = 404) -> Response:
    """There is no such day: why, what there is, and the form for another one."""
    first = lookback.first_day(history, trial, CTGOV, "registry")
    newest = versions.latest(history, trial, CTGOV)
    return public(
        request,
        "no_day",
        status=status,
        trial=trial,
        title=told.title(newest.record) if newest else trial,
        why=why,
        first=first or "",
        first_in_words=t.date(first) if first else "",
        today=around_of(request).now().date().isoformat(),
    )
