"""The pages behind the links of mails: one stops a subscription, one confirms it. Reading them changes nothing, since mail is scanned.

What a link may do is in its signature. To stop, wherever the click comes from: mail services post it themselves (RFC 8058), with a body
that says nothing more. To confirm, only from the page with the button.
"""

from __future__ import annotations

from collections.abc import Collection
from email.utils import parseaddr
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from db import confirmations, keys, subscriptions
from jobs import confirming
from jobs.wishes import stop_one
from registry_sync.notices.clean import cut, one_line
from registry_sync.notices.confirm import consent
from registry_sync.notices.i18n import Translator, translator
from registry_sync.notices.tokens import read_stop_token
from registry_sync.sources.ctgov_search import Search
from registry_sync.trials.record import N_, TOPICS
from registry_sync.web import forms, origins, told
from registry_sync.web.answers import NAMES
from registry_sync.web.forms import GROUPS
from registry_sync.web.pages import TO_MANAGE, TO_SUBSCRIBE, around_of, failed, page

MOST_TRIALS = 200
"""Trials that are named; of further ones the number is told."""

TOPIC_WORDS: dict[str, str] = {
    "status": N_("whether it is open to new participants"),
    "criteria": N_("who may take part"),
    "timeline": N_("when it starts, and when its last visit is"),
    "places": N_("its sites and contacts"),
    "design": N_("what is done in it"),
    "results": N_("its results"),
    "identity": N_("its conditions, and who runs it"),
    "registry": N_("whether its entry leaves the registry, or comes back"),
    "listing": N_("what other sites say of it"),
    "deadlines": N_("what is owed to the registry, and by when"),
    "housekeeping": N_("the registry's own dates"),
}
EVERY_WORDS: dict[str, str] = {
    "now": N_("As soon as something is seen, one mail for each trial"),
    "day": N_("At most one mail a day"),
    "week": N_("At most one mail a week"),
}
AREA_WORDS: dict[str, str] = {
    "cond": N_("condition"),
    "term": N_("words anywhere"),
    "locn": N_("place"),
    "intr": N_("treatment"),
    "titles": N_("words in the title"),
    "outc": N_("what is measured"),
    "spons": N_("sponsor or collaborator"),
    "lead": N_("lead sponsor"),
    "id": N_("number"),
    "patient": N_("words of patients"),
    "status": N_("status"),
    "advanced": N_("expression"),
}
_ANEW = (TO_SUBSCRIBE, TO_MANAGE)


def stop(request: Request) -> Response:
    """One button, and nothing about the subscription: mails get forwarded."""
    around = around_of(request)
    with around.open() as history:
        subscription = read_stop_token(keys.links(history), request.path_params["token"])
        if subscription is None:
            subscription = subscriptions.of_older_token(history, request.path_params["token"])
        if subscription is None or not subscriptions.is_kept(history, subscription):
            return failed(request, 404)
        if request.method == "POST" and stop_one(around, history, subscription) is None:
            return failed(request, 404)
    return page(request, "stopped" if request.method == "POST" else "stop")


def confirm(request: Request) -> Response:
    """What was asked for, to which wording, and a button."""
    around = around_of(request)
    if request.method == "POST" and not origins.is_from_here(request):
        return forms.refused(request)
    with around.open() as history:
        if request.method == "POST":
            confirmed = confirming.confirm(around, history, request.path_params["token"])
            return page(request, "confirmed", language=confirmed.language) if confirmed else failed(request, 410, ways=_ANEW)
        asking = confirming.asked(around, history, request.path_params["token"])
        if asking is None:
            return failed(request, 410, ways=_ANEW)
        titles = confirmations.titles(history, asking.trials[:MOST_TRIALS])
    its = asking.subscription
    t = translator(its.language)
    return page(
        request,
        "confirm",
        headers=origins.HEADERS,
        language=its.language,
        trials=[(trial, shortened(titles.get(trial))) for trial in asking.trials[:MOST_TRIALS]],
        more=max(0, len(asking.trials) - MOST_TRIALS),
        search=areas(asking.search, t) if asking.search else [],
        topics=about(its.told_of, t),
        least_is_major=its.least == "major",
        countries=t.join([t.country(country) for country in sorted(its.countries)]) if its.countries else "",
        every=t.gettext(EVERY_WORDS[its.every]),
        timezone=its.timezone if its.every != "now" else "",
        of_the_mails=NAMES.get(its.language, its.language),
        consent=consent(its.language),
    )


def about(topics: Collection[str], t: Translator) -> list[str]:
    """What is told by these topics, in the words and the order of the form; in words of its own what no choice there stands for."""
    whole = {name: words for name, (words, of) in GROUPS.items() if of <= set(topics)}
    said = frozenset[str]().union(*(GROUPS[name][1] for name in whole))
    apart = {topic: TOPIC_WORDS[topic] for topic in TOPICS if topic in topics and topic not in said}
    found = []
    for name, (_, of) in GROUPS.items():
        found += [whole[name]] if name in whole else [apart.pop(topic) for topic in TOPICS if topic in of and topic in apart]
    return [t.gettext(words) for words in (*found, *apart.values())]


def areas(search: Search, t: Translator) -> list[tuple[str, str]]:
    """A search, area by area, in a reader's words."""
    return [(t.gettext(AREA_WORDS[area]), shortened(text)) for area, text in search.areas]


def shortened(text: object) -> str:
    """A title, or words of a search, as it can be shown; empty where there is none."""
    return cut(one_line(text), told.LONGEST_TITLE) if isinstance(text, str) else ""


def privacy(request: Request) -> Response:
    """What is kept on a subscriber, why and for how long."""
    settings = around_of(request).settings
    smtp = settings.smtp
    mailbox = smtp.reply_to or parseaddr(smtp.sender)[1]
    return page(
        request,
        "privacy",
        by_mail=bool(settings.web.url),
        mailbox=mailbox,
        mailto=f"mailto:{quote(mailbox, safe='@')}",
        days=settings.retention,
    )
