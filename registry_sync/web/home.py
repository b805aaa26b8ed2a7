"""The watched trials: all of them, those that a search finds, those on one condition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from db import catalogue
from db.catalogue import Wanted
from db.connection import History
from db.public import state
from registry_sync.notices import phrases
from registry_sync.notices.clean import cut, one_line
from registry_sync.notices.i18n import Translator, translator
from registry_sync.trials.record import N_
from registry_sync.web import told
from registry_sync.web.answers import page_at_once, public, shown
from registry_sync.web.pages import around_of, failed, language_of, readers_of
from registry_sync.web.picture import status_class

A_PAGE = 50
"""Trials on one page."""
LONGEST_QUERY = 200
"""Characters of one field of the search."""
_MOST_CONDITIONS = 150
_MOST_NAMED = 6
STATUSES = (
    "RECRUITING", "NOT_YET_RECRUITING", "ENROLLING_BY_INVITATION", "ACTIVE_NOT_RECRUITING", "SUSPENDED", "COMPLETED", "TERMINATED",
    "WITHDRAWN", "UNKNOWN", "AVAILABLE", "TEMPORARILY_NOT_AVAILABLE", "NO_LONGER_AVAILABLE", "APPROVED_FOR_MARKETING", "WITHHELD",
)  # fmt: skip
NEVER = N_("No change seen here yet")

_choices: dict[str, tuple[str, list[str], list[str]]] = {}
"""By database: how far what is watched has come, and the countries and conditions that it has."""


@page_at_once
def home(request: Request) -> Response:
    """All watched trials, or those that are searched for, those that changed last first."""
    with readers_of(request).open() as opened:
        return shown(request, opened, lambda history: _home(request, history))


@page_at_once
def condition(request: Request) -> Response:
    """All watched trials on one condition."""
    with readers_of(request).open() as opened:
        return shown(request, opened, lambda history: _condition(request, history))


def wanted_of(request: Request) -> Wanted:
    """What the form asks for."""
    asked = {name: one_line(request.query_params.get(name, "")[:LONGEST_QUERY]) for name in ("q", "condition", "country", "status")}
    return Wanted(words=asked["q"], condition=asked["condition"], country=asked["country"], status=asked["status"].upper())


def _home(request: Request, history: History) -> Response:
    wanted = wanted_of(request)
    found = catalogue.found(history, wanted)
    t = translator(language_of(request))
    countries, conditions = _choices_of(request, history)
    return _listed(
        request,
        history,
        "home",
        found,
        t,
        wanted=wanted,
        searched=wanted != Wanted(),
        followed=_followed(wanted) if found else None,
        asked={"q": wanted.words, "condition": wanted.condition, "country": wanted.country, "status": wanted.status},
        countries=sorted(((t.country(each), each) for each in countries), key=lambda pair: pair[0].casefold()),
        conditions=conditions,
        statuses=[(each, phrases.token(each, t)) for each in STATUSES],
    )


def _followed(wanted: Wanted) -> dict[str, str]:
    """What a feed of this search is asked for: not for the status, since a trial that closes would leave it without a word."""
    return {"q": wanted.words, "condition": wanted.condition, "country": wanted.country}


def _condition(request: Request, history: History) -> Response:
    name = catalogue.condition_name(history, request.path_params["name"][:LONGEST_QUERY])
    if name is None:
        return failed(request, 404)
    found = catalogue.found(history, Wanted(condition=name, exactly=True))
    return _listed(
        request, history, "condition", found, translator(language_of(request)), condition=name, path=("condition", name), asked={}
    )


def _listed(request: Request, history: History, template: str, found: Sequence[str], t: Translator, **values: Any) -> Response:
    """One page of what was found."""
    pages = max(1, -(-len(found) // A_PAGE))
    number = page_number(request, pages)
    rows = catalogue.cards(history, found[(number - 1) * A_PAGE : number * A_PAGE])
    today = around_of(request).now().date().isoformat()
    return public(
        request,
        template,
        trials=[_entry(row, today, t) for row in rows],
        total=len(found),
        number=number,
        pages=pages,
        trouble=told.day(catalogue.trouble_since(history), t),
        **{"path": (), "asked": {}, **values},
    )


def page_number(request: Request, pages: int) -> int:
    """The page that is asked for, of so many."""
    asked = request.query_params.get("page", "")
    return min(max(1, int(asked)), pages) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 1


def _entry(row: dict[str, Any], today: str, t: Translator) -> dict[str, Any]:
    headline = row["headline"]
    gone = row["absence"] == "absent"
    word = headline.get("overall_status")
    shown, more = told.conditions(row["conditions"], _MOST_NAMED)
    countries = [t.country(each) for each in row["countries"]]
    title = headline.get("brief_title")
    return {
        "trial": row["trial"],
        "title": (cut(one_line(title), told.LONGEST_TITLE) if isinstance(title, str) else "") or row["trial"],
        "held": bool(headline),
        "unusable": bool(row["unusable_since"]),
        "status": told.status(word if isinstance(word, str) else None, t),
        "kind": status_class(word if isinstance(word, str) else None),
        "gone": told.gone(row["absent_since"], t) if gone else "",
        "next": None if gone else told.next_date(headline, today, t),
        "changed": told.day(row["changed_at"], t) or t.gettext(NEVER),
        "conditions": shown,
        "more_conditions": more,
        "countries": t.join(countries[:_MOST_NAMED]) if countries else "",
        "more_countries": max(0, len(countries) - _MOST_NAMED),
    }


def _choices_of(request: Request, history: History) -> tuple[list[str], list[str]]:
    """What the form offers; counted anew when there is anything new."""
    database, mark = str(around_of(request).database), state(history).key
    known = _choices.get(database)
    if known is None or known[0] != mark:
        known = (mark, catalogue.countries(history), catalogue.conditions(history, _MOST_CONDITIONS))
        _choices[database] = known
    return known[1], known[2]
