"""All that an address is told, for its holder: who has a mail's fresh link sees it, changes it, stops it, takes it along, erases it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from db import catalogue, confirmations
from db.connection import History, Row
from jobs import asking, managing
from registry_sync.notices.i18n import Translator, translator
from registry_sync.notices.route import COORDINATOR_TOPICS, READER_TOPICS
from registry_sync.sources.ctgov_search import Search
from registry_sync.trials.countries import country_key
from registry_sync.web import answers, forms, origins
from registry_sync.web.forms import AS_IT_IS, GROUPS, OF_READERS, Choice, Endpoint, Typed
from registry_sync.web.pages import around_of, failed, language_of
from registry_sync.web.subscribing import address_of, all_countries, choices, gone_to
from registry_sync.web.wishes import EVERY_WORDS, MOST_TRIALS, about, areas, shortened

Make = Callable[[Request, History, str, Typed | None], Response]

_DONE = ("changed", "stopped")


@forms.with_fields
def ask(request: Request, typed: Typed | None) -> Response:
    """A form for an address; the same answer to whoever sends it in."""
    around = around_of(request)
    if not around.settings.web.url:
        return failed(request, 404)
    with around.open() as history:
        if typed is not None:
            t = translator(language_of(request))
            address = address_of(typed, t)
            if not typed.errors and not forms.is_fresh(request, history, "manage", typed):
                typed.wrong("token", t.gettext("This form was open for too long. Please send it once more."), "send")
            if not typed.errors:
                refusal = forms.too_many(request)
                if refusal is not None:
                    return refusal
                asking.manage(around, history, address)
                return gone_to(request, "manage", "asked")
        typed = typed or Typed({})
        return answers.public(
            request,
            "manage_ask",
            status=422 if typed.errors else 200,
            headers=origins.HEADERS,
            token=forms.token(request, history, "manage"),
            errors=typed.errors,
            error=typed.error,
            address=typed.one("address"),
        )


def asked(request: Request) -> Response:
    """What happens now: nothing of it depends on who asked."""
    return answers.public(request, "manage_asked", headers=origins.HEADERS)


def erased(request: Request) -> Response:
    """That it is done; nobody's in particular."""
    days = around_of(request).settings.retention.backups
    return answers.public(request, "erased", headers=origins.HEADERS, days=days)


def behind_link(make: Make) -> Endpoint:
    """A page behind a mail's link, for the address that it went to. One that is too old or nobody's gets one and the same answer."""

    @wraps(make)
    def respond(request: Request, typed: Typed | None) -> Response:
        around = around_of(request)
        with around.open() as history:
            address = managing.address_of(around, history, request.path_params["token"])
            return _too_old(request) if address is None else make(request, history, address, typed)

    return forms.with_fields(respond)


def _too_old(request: Request) -> Response:
    return answers.public(request, "manage_gone", status=410, headers=origins.HEADERS)


def _back(request: Request, done: str) -> Response:
    """To the overview, which says what was done."""
    location = answers.links(request)("manage", request.path_params["token"], done=done)
    return Response(status_code=303, headers={"Location": location, "Cache-Control": "no-store"})


@behind_link
def overview(request: Request, history: History, address: str, _: Typed | None) -> Response:
    """All that the address is told."""
    done = request.query_params.get("done", "")
    rows = managing.live(history, address)
    return answers.public(
        request,
        "manage",
        headers=origins.HEADERS,
        token=request.path_params["token"],
        address=address,
        done=done if done in _DONE else "",
        subscriptions=[_told(request, history, row) for row in rows],
    )


@behind_link
def change(request: Request, history: History, address: str, typed: Typed | None) -> Response:
    """What is told by one subscription, and how."""
    around = around_of(request)
    row = managing.one(history, address, request.path_params["number"])
    if row is None:
        return failed(request, 404)
    t = translator(language_of(request))
    its = _told(request, history, row)
    groups = _groups(row)
    countries = _countries(row)
    near = catalogue.countries(history)
    every = all_countries(history)
    if len(countries) == 1 and countries[0] not in near:  # as it was chosen, whatever it is called now
        near = [*(each for each in near if country_key(each) != country_key(countries[0])), *countries]
    chosen = _choice(row, groups)
    if typed is not None:
        zones = forms.known_zones(row["timezone"])
        allowed = {*near, *every, *([AS_IT_IS] if len(countries) > 1 else [])}
        chosen = forms.choice(typed, t, groups=groups, countries=allowed, zones=zones)
        without = _without(row, typed, t)
        if not typed.errors:
            kept = frozenset(countries) if chosen.country == AS_IT_IS else frozenset(filter(None, [chosen.country]))
            wanted = managing.Change(_topics(row, chosen), kept, chosen.least, chosen.every, chosen.timezone, chosen.language)
            managing.change(around, history, address, row["id"], wanted, without=without)
            return _back(request, "changed")
        its["trials"] = [(trial, title, trial not in without) for trial, title, _ in its["trials"]]
    typed = typed or Typed({})
    return answers.public(
        request,
        "manage_one",
        status=422 if typed.errors else 200,
        headers=origins.HEADERS,
        token=request.path_params["token"],
        errors=typed.errors,
        error=typed.error,
        its=its,
        several=t.join([t.country(each) for each in countries]) if len(countries) > 1 else "",
        **choices(groups, near, every, chosen, t),
    )


@behind_link
def stop(request: Request, history: History, address: str, typed: Typed | None) -> Response:
    """Stop one subscription: a page that asks, and the button on it."""
    row = managing.one(history, address, request.path_params["number"])
    if row is None:
        return failed(request, 404)
    if typed is not None:
        managing.stop(around_of(request), history, address, row["id"])
        return _back(request, "stopped")
    its = _told(request, history, row)
    return answers.public(request, "manage_sure", headers=origins.HEADERS, token=request.path_params["token"], what="stop", its=its)


@behind_link
def stop_all(request: Request, history: History, address: str, typed: Typed | None) -> Response:
    """Stop all of them."""
    if typed is not None:
        managing.stop_all(around_of(request), history, address)
        return _back(request, "stopped")
    return answers.public(request, "manage_sure", headers=origins.HEADERS, token=request.path_params["token"], what="stop all", its=None)


@behind_link
def export(_request: Request, history: History, address: str, _: Typed | None) -> Response:
    """All that is held on the address, as a file."""
    text = json.dumps(managing.held(history, address), ensure_ascii=False, indent=2)
    headers = {"Content-Disposition": 'attachment; filename="held.json"', "Cache-Control": "no-store"}
    return Response(f"{text}\n", media_type="application/json", headers=headers)


@behind_link
def erase(request: Request, history: History, address: str, typed: Typed | None) -> Response:
    """Erase all that is held: a page that asks, and the button on it."""
    if typed is not None:
        managing.erase(around_of(request), history, address)
        return Response(status_code=303, headers={"Location": answers.links(request)("manage", "erased"), "Cache-Control": "no-store"})
    return answers.public(request, "manage_sure", headers=origins.HEADERS, token=request.path_params["token"], what="erase", its=None)


# --- a subscription as it is shown, and as it is chosen -----------------------------------------------------------------------------


def _told(request: Request, history: History, row: Row) -> dict[str, Any]:
    """A subscription in a reader's words."""
    t = translator(language_of(request))
    trials = [] if row["trials"] == "all" else row["trials"]
    titles = confirmations.titles(history, trials[:MOST_TRIALS])
    topics, every = _in_force(row), row["every"]
    return {
        "number": str(row["id"]),
        "state": row["state"],
        "everything": row["trials"] == "all",
        "search": areas(Search(tuple(row["query"].items())), t) if row["query"] else [],
        "trials": [(trial, shortened(titles.get(trial)), True) for trial in trials[:MOST_TRIALS]],
        "more": max(0, len(trials) - MOST_TRIALS),
        "topics": about(topics, t),
        "countries": t.join([t.country(country) for country in _countries(row)]) if row["countries"] else "",
        "least_is_major": row["least"] == "major",
        "every": t.gettext(EVERY_WORDS[every]),
        "timezone": row["timezone"] if every != "now" else "",
        "language": answers.NAMES.get(row["language"], row["language"]),
    }


def _without(row: Row, typed: Typed, t: Translator) -> frozenset[str]:
    """The trials that were ticked when the form was opened, and are no more."""
    without = frozenset(typed.several("was")) - frozenset(typed.several("trial"))
    if row["trials"] != "all" and row["trials"] and without.issuperset(row["trials"]):
        message = t.gettext("Leave at least one trial. To be told of none of them, stop this news.")
        typed.wrong("trial", message, f"trial-{row['trials'][0]}" if len(row["trials"]) > 1 else "which")
    return without


def _countries(row: Row) -> list[str]:
    return sorted(row["countries"])


def _in_force(row: Row) -> frozenset[str]:
    return frozenset(row["topics"]) or (COORDINATOR_TOPICS if row["role"] == "coordinator" else READER_TOPICS)


def _groups(row: Row) -> list[str]:
    """What can be chosen of this one: a coordinator's kinds of news are no reader's, unless they were chosen."""
    topics = _in_force(row)
    return [name for name in GROUPS if name in OF_READERS or row["role"] == "coordinator" or GROUPS[name][1] & topics]


def _choice(row: Row, groups: list[str]) -> Choice:
    topics, countries = _in_force(row), _countries(row)
    country = AS_IT_IS if len(countries) > 1 else next(iter(countries), "")
    about = tuple(name for name in groups if GROUPS[name][1] & topics)
    return Choice(about, country, row["least"], row["every"], row["timezone"], row["language"])


def _topics(row: Row, chosen: Choice) -> frozenset[str]:
    """The topics that are chosen: of a group that was chosen in part before, this part; what the form does not know stays."""
    before = _in_force(row)
    known = frozenset[str]().union(*(topics for _, topics in GROUPS.values()))
    found = (before - known).union(*((GROUPS[name][1] & before) or GROUPS[name][1] for name in chosen.about))
    default = COORDINATOR_TOPICS if row["role"] == "coordinator" else READER_TOPICS
    return frozenset() if found == default else found
