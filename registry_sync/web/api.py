"""JSON for programs: what the pages show, in the shapes of the command line's ``--json``. Reading only; ``openapi`` describes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from db import catalogue, dated, lookback, public, searches
from db import history as versions_held
from db.catalogue import Wanted
from db.connection import History
from db.public import UNPUBLISHED, State
from jobs import kept
from jobs.comparing import differences
from jobs.surroundings import today
from registry_sync.sources.interface import CTGOV
from registry_sync.trials.record import TOPICS
from registry_sync.web import asked, comparing
from registry_sync.web.answers import answer, at_once
from registry_sync.web.pages import around_of, readers_of
from registry_sync.web.problems import OPEN, bad_request, nothing

MOST = 1000
"""Changes of one answer."""
MOST_TRIALS = 200
"""Trials of one answer."""


def trials(request: Request) -> Response:
    """The watched trials, what changed last first, a page at a time."""
    asked.only(request, "q", "condition", "country", "status", "limit", "offset")
    words, condition, country, status = (asked.text(request, name) or "" for name in ("q", "condition", "country", "status"))
    wanted = Wanted(words, condition, country, status.upper())
    limit = asked.number(request, "limit", 50, least=1, most=MOST_TRIALS) or 50
    offset = asked.number(request, "offset", 0) or 0

    def rows(history: History) -> dict[str, Any]:
        found = catalogue.found(history, wanted)
        more = offset + limit < len(found)
        return {
            "total": len(found),
            "trials": [_trial_row(row) for row in catalogue.cards(history, found[offset : offset + limit])],
            "next": asked.url(request, offset=offset + limit, limit=limit) if more else None,
        }

    return _of_all(request, rows)


def trial(request: Request) -> Response:
    """A record as last seen, as ``show --json`` has it."""
    asked.only(request)

    def record(history: History, ids: tuple[str, ...]) -> dict[str, Any]:
        version = lookback.latest(history, ids[0], CTGOV)
        if version is None:
            raise nothing(comparing.NOT_SEEN)
        return kept.record(history, version)

    return _of_one(request, record)


def at(request: Request) -> Response:
    """A record as it stood at the end of a day, by the registry's dates."""
    asked.only(request)
    day = asked.day(request.path_params["date"], "the date")

    def record(history: History, _: tuple[str, ...]) -> dict[str, Any]:
        return kept.record(history, comparing.standing(history, _named(request), day), day)

    return _of_one(request, record)


def versions(request: Request) -> Response:
    """The versions held, as ``history --json`` has them."""
    asked.only(request)
    return _of_one(request, lambda history, ids: versions_held.versions(history, ids[0]))


def diff(request: Request) -> Response:
    """What changed from one version to another, as ``diff --json`` has it; each a number or a day, without both the last two."""
    asked.only(request, "from", "to", "housekeeping")
    start, end = asked.text(request, "from"), asked.text(request, "to")
    housekeeping = asked.flag(request, "housekeeping")

    def changed(history: History, _: tuple[str, ...]) -> list[dict[str, Any]]:
        before, after = comparing.pair(history, _named(request), start, end)
        if comparing.is_too_long(before, after):
            raise bad_request(comparing.TOO_LONG)
        return [
            kept.difference(change, after)
            for change in differences(history, before, after)
            if housekeeping or change.significance != "housekeeping"
        ]

    return _of_one(request, changed)


def changes_of(request: Request) -> Response:
    """What changed in one trial, newest first, as ``changes NCT --json`` has it."""
    asked.only(request, "since", "backfilled", "housekeeping")
    since = asked.moment(request, "since")
    backfilled, housekeeping = asked.flag(request, "backfilled"), asked.flag(request, "housekeeping")

    def changed(history: History, ids: tuple[str, ...]) -> list[dict[str, Any]]:
        found = dated.changes(history, trial=ids[0], since=since, backfilled=backfilled, housekeeping=housekeeping)
        return [kept.change(change) for change in found if change.topic != UNPUBLISHED]

    return _of_one(request, changed)


def listings(request: Request) -> Response:
    """Each listing page beside the registry, field by field, as ``audit --json`` has it."""
    asked.only(request)
    day = today(around_of(request))

    def rows(history: History, ids: tuple[str, ...]) -> list[dict[str, Any]]:
        from jobs.audit import audited, row_json

        return [kept.listing(row_json(one, row, day)) for one in audited(history, ids[0]) for row in one.verdicts]

    return _of_one(request, rows, also=public.state_of_pages, of_the_day=True)


def changes(request: Request) -> Response:
    """What changed in all that is watched after ``after_id``, oldest first: ids only grow, so nothing is missed and nothing comes twice."""
    asked.only(request, "since", "topic", "after_id", "condition", "search", "backfilled", "housekeeping", "limit")
    since, topics = asked.moment(request, "since"), asked.several(request, "topic", TOPICS)
    after_id = asked.number(request, "after_id", 0) or 0
    limit = asked.number(request, "limit", 100, least=1, most=MOST) or 100
    backfilled, housekeeping = asked.flag(request, "backfilled"), asked.flag(request, "housekeeping")

    def page(history: History) -> dict[str, Any]:
        found = public.changes(
            history,
            asked.scope(request, history),
            most=limit + 1,
            topics=topics,
            after_id=after_id,
            since=since,
            backfilled=backfilled,
            housekeeping=housekeeping,
        )
        shown = [kept.change(told.change) for told in found[:limit]]
        last_id = shown[-1]["id"] if shown else after_id
        return {
            "changes": shown,
            "last_id": last_id,
            "next": asked.url(request, after_id=last_id, limit=limit) if len(found) > limit else None,
        }

    return _of_all(request, page)


def watched_searches(request: Request) -> Response:
    """The watched searches: a program may ask for the changes in what one found."""
    asked.only(request)
    with readers_of(request).open() as history:
        found = searches.every(history)
        stands = public.state(history)
        newest = max((row["looked_at"] or row["added_at"] for row in found), default="")
        state = State(stands.key, max(stands.at or "", newest) or None)
        return answer(request, state, lambda: _json(found), found, headers=OPEN)


def described(request: Request) -> Response:
    """The description of all this."""
    from registry_sync.web.openapi import document

    asked.only(request)
    state = State("openapi", request.app.state.began)
    return answer(request, state, lambda: _json(document(asked.base(request))), headers=OPEN)


def routes() -> list[Route]:
    """What answers below ``/api``."""
    answering = {
        "/api/trials": trials,
        "/api/trials/{trial}": trial,
        "/api/trials/{trial}/changes": changes_of,
        "/api/trials/{trial}/versions": versions,
        "/api/trials/{trial}/diff": diff,
        "/api/trials/{trial}/at/{date}": at,
        "/api/trials/{trial}/listings": listings,
        "/api/changes": changes,
        "/api/searches": watched_searches,
        "/api/openapi.json": described,
    }
    return [Route(path, at_once(make)) for path, make in answering.items()]


def _trial_row(row: dict[str, Any]) -> dict[str, Any]:
    headline = row["headline"]
    return {
        "trial": row["trial"],
        **{name: headline.get(name) for name in versions_held.HEADLINE},
        "conditions": row["conditions"],
        "countries": row["countries"],
        "changed_at": row["changed_at"],
        "absent_since": row["absent_since"],
        "absence": row["absence"],
    }


def _named(request: Request) -> str:
    """The trial's id as the path has it: under one that was merged something else may have stood."""
    return str(request.path_params["trial"]).strip().upper()


def _of_all(request: Request, make: Callable[[History], Any]) -> Response:
    with readers_of(request).open() as history:
        return answer(request, public.state(history), lambda: _json(make(history)), headers=OPEN)


def _of_one(
    request: Request,
    make: Callable[[History, tuple[str, ...]], Any],
    *,
    also: Callable[[History, tuple[str, ...]], State] | None = None,
    of_the_day: bool = False,
) -> Response:
    with readers_of(request).open() as history:
        ids = asked.trial(request, history)
        state = public.state_of(history, ids)
        state = state + also(history, ids) if also is not None else state
        return answer(request, state, lambda: _json(make(history, ids)), headers=OPEN, of_the_day=of_the_day)


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
