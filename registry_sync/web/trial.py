"""A trial: what it is, who may join, its timeline and all that changed."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from db import aliases, cards, catalogue, dated, lookback, watches
from db.connection import History
from db.dated import DatedChange
from db.lookback import State
from db.public import State as Reached
from jobs import kept
from registry_sync.errors import UsageError
from registry_sync.notices import lifeline, mergers, phrases
from registry_sync.notices.clean import cut, one_line
from registry_sync.notices.i18n import Translator, translator
from registry_sync.notices.items import Item, item
from registry_sync.notices.values import describe
from registry_sync.sources.ctgov import study_url
from registry_sync.sources.interface import CTGOV
from registry_sync.trials import presence
from registry_sync.trials.changes import Change
from registry_sync.trials.presence import Absence
from registry_sync.trials.record import Record, trial_id
from registry_sync.web import told
from registry_sync.web.answers import elsewhere, page_at_once, public, shown
from registry_sync.web.home import page_number
from registry_sync.web.pages import around_of, failed, language_of, readers_of
from registry_sync.web.picture import picture, status_class

A_PAGE = 25
"""Changes on one page."""
MOST_IN_TABLE = 200
"""Versions in the table beside the timeline, the newest."""
_NOT_ITS_OWN = frozenset({"listing", "deadlines"})
"""Topics that are not the trial's."""

Make = Callable[[Request, History, str], Response]
Also = Callable[[History, Sequence[str]], Reached]


def of_trial(make: Make) -> Callable[[Request], Awaitable[Response]]:
    """A page of one trial: of the id that it has now, watched, else there is none."""
    return of_trial_and(None)(make)


def of_trial_and(also: Also | None) -> Callable[[Make], Callable[[Request], Awaitable[Response]]]:
    """The same of a page that is another one with something ``also`` that is not of the record."""
    return functools.partial(_of_trial, also=also)


def _of_trial(make: Make, also: Also | None) -> Callable[[Request], Awaitable[Response]]:
    @page_at_once
    @functools.wraps(make)
    def respond(request: Request) -> Response:
        written = request.path_params["trial"]
        try:
            asked = trial_id(written)
        except UsageError:
            return failed(request, 404)
        with readers_of(request).open() as history:
            ids = aliases.family(history, asked)
            if not watches.watched(history, ids[:1]):
                current = cards.naming(history, asked)
                return elsewhere(request, current) if current else failed(request, 404)
            if ids[0] != written:
                return elsewhere(request, ids[0])
            more = also(history, ids) if also is not None else None
            return shown(request, history, lambda opened: make(request, opened, ids[0]), ids, more)

    return respond


def _looked_at(history: History, ids: Sequence[str]) -> Reached:
    """When the record was last looked at, and with what success."""
    checked = catalogue.checked(history, ids[0])
    return Reached(repr(checked), checked.at)


@of_trial_and(_looked_at)
def trial(request: Request, history: History, trial: str) -> Response:
    """Everything on a trial as it stands now."""
    t = translator(language_of(request))
    version = lookback.latest(history, trial, CTGOV)
    absence = lookback.absence(history, trial)
    gone = absence.since if absence and absence.state == "absent" else ""
    if version is None:
        return public(
            request, "waiting", trial=trial, title=trial, registry=_registry(request, trial), **_checked(history, trial, absence, t)
        )
    until = _until(request, gone)
    states = lookback.states(history, version, "registry")
    found = _changes(request, history, trial)
    pages = max(1, -(-len(found) // A_PAGE))
    number = page_number(request, pages)
    former = aliases.former(history, trial)
    return public(
        request,
        "trial",
        trial=trial,
        registry=_registry(request, trial),
        now=True,
        line="",
        absent_since=told.day(gone, t),
        since=since(states, until, t),
        former=[(old, told.day(since, t)) for old, since in former],
        changes=list(_by_day(found[(number - 1) * A_PAGE : number * A_PAGE], _Its(trial, former, kept.as_shown(history, version)), t)),
        total=len(found),
        number=number,
        pages=pages,
        all=wants_all(request),
        listings=_has_listings(history, trial),
        confirmed=t.date(one_line(version.record.status_verified_date or "")),
        versions=len(states),
        first=(lookback.first_day(history, trial, CTGOV, "registry") or "") if former else states[0].day,
        today=around_of(request).now().date().isoformat(),
        **record_of(version.record, until, t, with_people=lookback.is_shown(history, version), gone=bool(gone)),
        **timeline(states, until, t),
        **_checked(history, trial, absence, t),
    )


# --- the record ------------------------------------------------------------------------------------------------------------


def record_of(
    record: Record, today: datetime.date, t: Translator, *, with_people: bool, gone: bool = False, unknown_by: str = ""
) -> dict[str, Any]:
    """A record as its page shows it, as of a day; ``gone``: as the registry showed it last, since it does not show it any more.

    ``unknown_by``: a day after that one by which it was UNKNOWN at the latest: on that day it was so, or what is last known.
    """
    word = record.last_known_status if unknown_by else record.overall_status
    record = record if with_people else kept.looking_back(record)
    criteria, more_criteria = told.criteria(record, t)
    countries, more_sites = told.countries(record, t, with_people=with_people)
    conditions, more_conditions = told.conditions(record.conditions or ())
    official = record.official_title if record.official_title != record.brief_title else None
    return {
        "title": told.title(record),
        "official": cut(one_line(official or ""), 2 * told.LONGEST_TITLE),
        "gone": gone,
        "stands": told.status(word, t),
        "kind": status_class(word),
        "unknown_by": told.day(unknown_by, t),
        "why_stopped": cut(one_line(record.why_stopped or ""), 1_000),
        "last_known": told.status(record.last_known_status, t) if word == "UNKNOWN" and record.last_known_status else "",
        "dates": told.dates(record, today.isoformat(), t),
        "called_off": record.overall_status == lifeline.CALLED_OFF and any(getattr(record, field) for field in lifeline.VISITS),
        "has_main_question": record.primary_completion_date is not None,
        "who": told.who(record, t),
        "criteria": criteria,
        "more_criteria": more_criteria,
        "people": told.people(record.central_contacts) if with_people else [],
        "countries": countries,
        "more_sites": more_sites,
        "sites": told.sites(record, t, gone=gone) if record.locations else "",
        "summary": told.prose(record.brief_summary),
        "conditions": conditions,
        "more_conditions": more_conditions,
        "what": told.what(record if with_people else msgspec.structs.replace(record, overall_officials=None), t),
    }


def _registry(request: Request, trial: str) -> str:
    return study_url(around_of(request).settings.ctgov.url, trial)


def _checked(history: History, trial: str, absence: Absence | None, t: Translator) -> dict[str, Any]:
    """When the record was last looked at here, and what keeps it from being known as it stands."""
    checked = catalogue.checked(history, trial)
    return {
        "checked": _time(checked.at, t),
        "trouble": told.day(checked.trouble_since, t),
        "unusable": told.day(checked.unusable_since, t),
        "missing": told.day(absence.since, t) if absence and absence.state == "missing" else "",
    }


def _time(stamp: str | None, t: Translator) -> str:
    return t.gettext("{day} at {time} UTC").format(day=told.day(stamp, t), time=stamp[11:16]) if stamp else ""


def _has_listings(history: History, trial: str) -> bool:
    from db import pages

    return bool(pages.every(history, [trial]))


# --- the timeline ----------------------------------------------------------------------------------------------------------


def _until(request: Request, gone: str) -> datetime.date:
    """The right end of the timeline: today, or the day on which the record left the registry."""
    today = around_of(request).now().date()
    return min(today, lifeline.as_date(gone[:10])) if gone else today


def since(states: Sequence[State], until: datetime.date, t: Translator) -> str:
    """From when on the status stands."""
    *_, last = lifeline.spans(states, max(until, lifeline.as_date(states[-1].day)))
    words = t.gettext("by {day} at the latest") if last.by_begin else t.gettext("since {day}")
    return words.format(day=t.date(last.begin.isoformat()))


def timeline(states: Sequence[State], until: datetime.date, t: Translator) -> dict[str, Any]:
    """The states of a record up to a day, as a picture and as a table."""
    shown = states[-MOST_IN_TABLE:]
    before = states[-MOST_IN_TABLE - 1 : -1] if len(states) > len(shown) else [None, *shown[:-1]]
    notes: dict[tuple[str, str], str] = {}
    for field in lifeline.DATES:
        notes |= {(step.day, field): step.note for step in lifeline.date_steps(states, field, t, MOST_IN_TABLE)}
    return {
        "picture": picture(states, until, t, notes),
        "labels": [phrases.reader_label(field, "", t) for field in lifeline.DATES],
        "rows": [{**_row(each, notes, t), "joint": joint(earlier, each, t)} for earlier, each in zip(before, shown, strict=True)],
        "earlier": len(states) - len(shown),
        "period": (t.date(states[0].day), t.date(until.isoformat())),
    }


def joint(before: State | None, state: State, t: Translator) -> str:
    """That a version is of another entry than the one before it; empty where it is not."""
    if before is None or before.entry == state.entry:
        return ""
    words = t.gettext("From here on another entry, {new}: {old} was merged with it. What differs is no change of either.")
    return words.format(new=state.entry, old=before.entry)


def _row(state: State, notes: Mapping[tuple[str, str], str], t: Translator) -> dict[str, Any]:
    return {
        "number": state.number,
        "day": t.date(state.day),
        "at_latest": lifeline.is_by_then(state),
        "status": cut(lifeline.status_words(state, t), told.LONGEST_TITLE),
        "dates": [(_date(field, _stated(state, field), t), notes.get((state.day, field), "")) for field in lifeline.DATES],
    }


def _stated(state: State, field: str) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = lifeline.stated(field, lifeline.part(state, field), lifeline.word(state, "overall_status"))
    return found


def _date(field: str, value: Mapping[str, Any] | None, t: Translator) -> str:
    return cut(describe(field, value, t, "reader"), 100) if value else "–"


# --- what changed ----------------------------------------------------------------------------------------------------------


def wants_all(request: Request) -> bool:
    """Are also to be shown the registry's own dates, and what merely follows?"""
    return request.query_params.get("all") == "1"


def is_shown(change: Change, *, everything: bool) -> bool:
    """Is this one of the trial's own changes, and, but for ``everything``, no housekeeping? What mails tell does not matter."""
    if change.topic in _NOT_ITS_OWN:
        return False
    return everything or change.significance != "housekeeping"


def _changes(request: Request, history: History, trial: str) -> list[DatedChange]:
    """The trial's own changes, newest first by the registry's dates; the registry's own dates and what merely follows only if asked."""
    everything = wants_all(request)
    found = dated.changes(history, trial=trial, backfilled=True, housekeeping=everything, clock="registry")
    return [each for each in found if is_shown(each, everything=everything)]


class _Its(NamedTuple):
    """Of a trial: its id, those that were merged into it (and when that was seen), and its record now."""

    trial: str
    former: Sequence[tuple[str, str]]
    current: Record


def _by_day(changes: Sequence[DatedChange], its: _Its, t: Translator) -> Iterator[dict[str, Any]]:
    for (day, at_latest), of_day in groupby(changes, key=lambda each: (each.day, each.at_latest)):
        words = t.gettext("by {day} at the latest").format(day=t.date(day)) if at_latest else t.date(day)
        yield {"day": words, "items": [_under_its_number(each, its, t) for each in of_day]}


def _under_its_number(change: DatedChange, its: _Its, t: Translator) -> Item:
    """One change; what was told under a former number says so, and so does it what differed between two records that were merged.

    Of such a difference the registry gives no date: neither record was changed. Those kept by an older program do not say which they are.
    """
    shown = told_item(change, its.current, t)
    former = change.trial if change.trial != its.trial else ""
    if presence.entries(change):
        return shown
    if former and presence.is_merger(change):
        return Item(t.gettext("{trial} was merged into this entry").format(trial=former), None, None)
    if its.former and change.topic == "status" and change.registry_date is None:
        before = former or next((old for old, since in reversed(its.former) if since <= change.seen_at), its.former[0][0])
        heading = mergers.heading(shown.heading, t)
        return Item(heading, None, None, entries=(f"{before}: {shown.before}", f"{its.trial}: {shown.after}"))
    return replace(shown, heading=f"{former}: {shown.heading}") if former else shown


def told_item(change: Change, current: Record, t: Translator) -> Item:
    """One change in a reader's words, without people whom the registry does not show any more (``current``: its record now)."""
    shown = item(kept.looking_back(change), "reader", t)
    if change.field not in kept.NAMING:
        return shown
    gone = t.gettext("a name that the registry does not show any more")
    before = shown.before if kept.still_names(current, change.field, change.before) else gone
    after = shown.after if kept.still_names(current, change.field, change.after) else gone
    return Item(shown.heading, before, after, own=shown.own)
