"""Subscribing: a form for one trial, for several, or for a condition, and the same answer to whoever sends it in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from db import aliases, catalogue, searches, watches
from db.cards import folded
from db.catalogue import Wanted
from db.connection import History
from jobs import asking
from jobs.asking import Wish
from registry_sync.errors import UsageError
from registry_sync.notices.address import classify
from registry_sync.notices.clean import cut, one_line
from registry_sync.notices.confirm import consent
from registry_sync.notices.i18n import Translator, countries, languages, translator
from registry_sync.sources.ctgov_search import Search
from registry_sync.trials.countries import country_key
from registry_sync.trials.record import trial_id
from registry_sync.web import answers, forms, origins
from registry_sync.web.forms import Choice, Typed
from registry_sync.web.home import LONGEST_QUERY
from registry_sync.web.pages import around_of, failed, language_of
from registry_sync.web.wishes import areas, shortened

A_PAGE = 50
"""Trials to choose from."""
MOST_FOLLOWED = 500
"""Trials of one subscription; who wants more takes a search, or all."""
LONGEST_ADDRESS = 254
_NAME = re.compile(r".+\.(?!\d+$)[^.]+")
"""Of a mailbox that anybody may name: a domain below another one, and no number of a machine."""
_ASKED_FOR = ("trial", "condition", "q", "on", "country", "status", "lang")
"""What the address of the form may say."""


class Offer(msgspec.Struct, frozen=True):
    """What can be chosen: ``trials``, of which ``picked`` are beforehand, of ``total``; or, for a ``condition``, what watched searches
    find, and the ``trials`` that are known now. ``is_named``: the address names these, and no search among all."""

    trials: tuple[str, ...]
    picked: frozenset[str] = frozenset()
    total: int = 0
    is_named: bool = False
    condition: str = ""
    searches: tuple[tuple[str, Search], ...] = ()


@forms.with_fields
def subscribe(request: Request, typed: Typed | None) -> Response:
    """The form; or, sent in, its answer, which is the same whatever is kept on the address."""
    around = around_of(request)
    if not around.settings.web.url:
        return failed(request, 404)  # no link could be mailed
    t = translator(language_of(request))
    with around.open() as history:
        offer = _offer(request, history)
        if offer is None:
            return failed(request, 404)
        if typed is None:
            chosen = Choice(timezone=around.settings.schedule.timezone, language=t.language)
            return _page(request, history, offer, Typed({}), chosen, t)
        address, wish, chosen = _checked(request, history, offer, typed, t)
        if typed.errors:
            return _page(request, history, offer, typed, chosen, t)
        refusal = forms.too_many(request)
        if refusal is not None:
            return refusal
        asking.subscribe(around, history, address, wish)
    return gone_to(request, "subscribe", "asked")


def asked(request: Request) -> Response:
    """What happens now: nothing of it depends on who asked."""
    return answers.public(request, "asked", headers=origins.HEADERS)


def gone_to(request: Request, *parts: str) -> Response:
    """To the page that says what happens now; after it is on its way, what was asked for is worked off."""
    headers = {"Location": answers.links(request)(*parts), "Cache-Control": "no-store"}
    return Response(status_code=303, headers=headers, background=BackgroundTask(request.app.state.postman.go))


def address_of(typed: Typed, t: Translator) -> str:
    """The mail address that is typed, in its one spelling."""
    written = typed.one("address")
    try:
        kind, address = classify(written)
    except UsageError:
        kind, address = "chat", ""
    if not written:
        typed.wrong("address", t.gettext("Type your mail address."))
    elif kind != "email" or not _NAME.fullmatch(address.rpartition("@")[2]) or len(address) > LONGEST_ADDRESS:
        typed.wrong("address", t.gettext("This is no mail address. It looks like name@example.org."))
    return address


# --- what can be chosen ---------------------------------------------------------------------------------------------------------


def _offer(request: Request, history: History) -> Offer | None:
    """What the address of the form names; ``None`` when that is not here."""
    query = request.query_params
    if query.get("condition"):
        return _of_condition(history, query["condition"][:LONGEST_QUERY])
    if query.get("trial"):
        ids = [_trial(each) for each in query.getlist("trial")[:MOST_FOLLOWED]]
        current = aliases.current_ids(history, [each for each in ids if each])
        watched = watches.watched(history, current)
        trials = tuple(each for each in current if each in watched)
        return Offer(trials, frozenset(trials), len(trials), is_named=True) if trials else None
    named = {name: one_line(query.get(name, "")[:LONGEST_QUERY]) for name in ("q", "on", "country", "status")}
    found = catalogue.found(history, Wanted(named["q"], named["on"], named["country"], named["status"].upper()))
    only_one = frozenset(found) if len(found) == 1 and any(named.values()) else frozenset[str]()
    return Offer(tuple(found[:A_PAGE]), only_one, len(found))


def _of_condition(history: History, written: str) -> Offer | None:
    name = catalogue.condition_name(history, written)
    found = tuple(catalogue.found(history, Wanted(condition=name, exactly=True))[:MOST_FOLLOWED]) if name else ()
    widest_first = sorted(searches.on(history, name or one_line(written)), key=lambda each: len(each[1].areas))
    watched = tuple((f"search-{number}", search) for number, search in widest_first)
    if not name and not watched:
        return None
    return Offer(found, frozenset(found), len(found), is_named=True, condition=name or one_line(written), searches=watched)


def _trial(written: str) -> str:
    try:
        return trial_id(written)
    except UsageError:
        return ""


def _countries(history: History, offer: Offer) -> list[str]:
    """The countries with sites now of what can be chosen."""
    if not offer.is_named:
        return catalogue.countries(history)
    names: dict[str, str] = {}
    for row in catalogue.cards(history, offer.trials):
        for name in row["countries"]:
            names.setdefault(country_key(name), name)
    return sorted(names.values())


def all_countries(history: History) -> list[str]:
    """Every country, since a trial may come to one where it has no site yet; each once, as the watched trials name it."""
    names = {country_key(name): name for name in (*countries(), *catalogue.countries(history))}
    return list(names.values())


# --- what came of the form --------------------------------------------------------------------------------------------------------


def _checked(request: Request, history: History, offer: Offer, typed: Typed, t: Translator) -> tuple[str, Wish, Choice]:
    """What was typed, if nothing is wrong with it: that is noted in ``typed``."""
    address = address_of(typed, t)
    trials, search = _followed(history, offer, typed, t)
    zones = forms.known_zones(around_of(request).settings.schedule.timezone)
    chosen = forms.choice(typed, t, groups=forms.OF_READERS, countries=all_countries(history), zones=zones)
    if typed.one("consent") != "yes":
        typed.wrong("consent", t.gettext("Nothing can be sent without your consent."))
    if not typed.errors and not forms.is_fresh(request, history, "subscribe", typed):
        typed.wrong("token", t.gettext("This form was open for too long. Please send it once more."), "send")
    wish = Wish(
        trials=trials,
        search=search.to_json() if search else None,
        topics=tuple(sorted(forms.topics(chosen.about))),
        countries=(chosen.country,) if chosen.country else (),
        least=chosen.least,
        every=chosen.every,
        timezone=chosen.timezone,
        language=chosen.language,
    )
    return address, wish, chosen


def _followed(history: History, offer: Offer, typed: Typed, t: Translator) -> tuple[tuple[str, ...], Search | None]:
    """The trials that are chosen, or the search; with neither, and nothing wrong, all that is watched."""
    what = typed.one("what")
    if offer.condition:
        search = dict(offer.searches).get(what)
        if search is None and offer.searches and (what != "known" or not offer.trials):
            typed.wrong("what", t.gettext("Choose which trials."), f"what-{offer.searches[0][0]}")
        return (() if search else offer.trials), search
    if what == "all" and not offer.is_named:
        return (), None
    chosen = [each for each in map(_trial, typed.several("trial")) if each]
    for written in typed.one("numbers").replace(",", " ").split()[:MOST_FOLLOWED]:
        if not _trial(written):
            message = t.gettext("{number} is no number of a trial. It looks like NCT06805448.")
            typed.wrong("numbers", message.format(number=cut(written, 40)))
            return (), None
        chosen.append(_trial(written))
    current = aliases.current_ids(history, chosen)
    watched = watches.watched(history, current)
    unknown = next((each for each in current if each not in watched), None)
    if unknown:
        typed.wrong("numbers", t.gettext("{number} is not watched here.").format(number=unknown))
    elif not current:
        typed.wrong("trial", t.gettext("Choose at least one trial."), f"trial-{offer.trials[0]}" if offer.trials else "numbers")
    return tuple(current[:MOST_FOLLOWED]), None


# --- the page ---------------------------------------------------------------------------------------------------------------------


def _page(request: Request, history: History, offer: Offer, typed: Typed, chosen: Choice, t: Translator) -> Response:
    sent = bool(typed.errors)
    shown = offer.trials if not offer.condition else offer.trials[:A_PAGE]
    cards = catalogue.cards(history, shown)
    titles = {row["trial"]: row["headline"].get("brief_title") for row in cards}
    gone = {row["trial"] for row in cards if row["absence"] == "absent"}
    picked = set(typed.several("trial")) if sent else offer.picked
    return answers.public(
        request,
        "subscribe",
        status=422 if sent else 200,
        headers=origins.HEADERS,
        action=_action(request),
        token=forms.token(request, history, "subscribe"),
        errors=typed.errors,
        error=typed.error,
        condition=offer.condition,
        searches=[(value, areas(search, t)) for value, search in offer.searches],
        trials=[(each, shortened(titles.get(each)), each in picked) for each in shown],
        gone=gone,
        total=offer.total,
        is_given=offer.is_named,
        what=typed.one("what") if sent else (offer.searches[0][0] if offer.searches else ""),
        address=typed.one("address"),
        numbers=typed.one("numbers"),
        consented=typed.one("consent") == "yes",
        consent=consent(language_of(request)),
        **choices(forms.OF_READERS, _countries(history, offer), all_countries(history), chosen, t),
    )


def choices(groups: Sequence[str], near: Sequence[str], every: Sequence[str], chosen: Choice, t: Translator) -> dict[str, Any]:
    """What the fields offer that say how news is told; ``near``: the countries that come first, of ``every`` one."""
    first = {country_key(name) for name in near}
    zones = forms.zones()
    listed = {"UTC", *(name for names in zones.values() for name in names)}
    return {
        "chosen": chosen,
        "groups": [(name, t.gettext(forms.GROUPS[name][0]), name in chosen.about) for name in groups],
        "countries": [
            (label, sorted(((t.country(each), each) for each in names), key=lambda pair: folded(pair[0])))
            for label, names in (
                (t.gettext("Countries with sites now"), near),
                (t.gettext("Other countries"), [each for each in every if country_key(each) not in first]),
            )
            if names
        ],
        "zones": zones,
        "other_zones": ["UTC"] if chosen.timezone in listed else ["UTC", chosen.timezone],
        "languages": [(each, answers.NAMES.get(each, each)) for each in languages()],
    }


def _action(request: Request) -> str:
    """The same address again: what could be chosen is to be told from it."""
    query = [(name, value) for name, value in request.query_params.multi_items() if name in _ASKED_FOR]
    return f"{answers.links(request).bare('subscribe')}{'?' if query else ''}{urlencode(query)}"
