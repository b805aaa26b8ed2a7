"""What other sites say of a trial, beside the registry, field by field."""

from __future__ import annotations

import datetime
import functools
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from db import lookback, vitals
from db.connection import History
from db.public import state_of_pages
from jobs import kept
from jobs.audit import Audited, audited
from jobs.surroundings import today
from registry_sync.notices import english, phrases, values
from registry_sync.notices.clean import as_text, cut, one_line
from registry_sync.notices.i18n import Translator, translator
from registry_sync.sources.interface import CTGOV
from registry_sync.trials import standing
from registry_sync.trials.audit import Difference, Verdict, days_behind
from registry_sync.trials.record import BY_NAME, N_
from registry_sync.web import told
from registry_sync.web.answers import public
from registry_sync.web.pages import around_of, language_of
from registry_sync.web.trial import of_trial_and

_MOST_ITEMS = 20
_LONGEST_SIDE = 300
_WORDS: dict[str, str] = {
    "agrees": N_("Says the same"),
    "outdated": N_("Out of date"),
    "contradicts": N_("Says something else"),
    "unstated": N_("Does not say"),
    "incomparable": N_("Cannot be compared"),
}
"""What a page is, field by field."""
_TROUBLE: dict[standing.Trouble, str] = {
    "forbidden": N_("Its site does not want the page to be read by programs. So it is not asked for any more."),
    "not there": N_("Its site says that there is no such page."),
    "not made out": N_("Its site sent something in which what the page says could not be found."),
    "no answer": N_("Its site gave no answer that could be used."),
}
"""Why a page was not read when it was last asked for; in full the operator sees it."""
_ALIKE: dict[str, str] = {
    "agrees": N_("The same in both"),
    "unstated": N_("The page says nothing of this"),
    "": N_("Not shown here"),
}
"""What stands instead of both sides where neither is shown: a list, or people."""
_DIFFERS: dict[str, str] = {
    "missing": N_("Not on the page: {registry}"),
    "extra": N_("On the page only: {listing}"),
    "moved": N_("In another group on the page: {listing}"),
    "changed": N_("The page says “{listing}”, the registry “{registry}”"),
}


@of_trial_and(functools.partial(state_of_pages, by_day=True))
def listings(request: Request, history: History, trial: str) -> Response:
    """Each page that is watched, as it was last read, beside the record as it is held."""
    t = translator(language_of(request))
    day = today(around_of(request))
    last = lookback.latest(history, trial, CTGOV)
    title = told.title(last.record) if last is not None else trial
    return public(request, "listings", trial=trial, title=title, pages=[_page(one, day, t) for one in audited(history, trial)])


def _page(one: Audited, today: datetime.date, t: Translator) -> dict[str, Any]:
    stands = one.page.standing
    trouble = standing.trouble(stands)
    url = one_line(one.page.url)
    parts = urlsplit(url)
    is_open = parts.scheme in ("http", "https") and vitals.without_secrets(url) == url  # else it is the operator's, and leads nobody on
    return {
        "url": url if is_open else "",
        "name": (parts.hostname or url).removeprefix("www."),
        "read": told.day(one.page.read_at, t),
        "reason": t.gettext(_TROUBLE[trouble]) if trouble else "",
        "failing": told.day(stands.failing_since, t) if stands.failures and one.page.read_at else "",
        "rows": [_row(row, today, t) for row in one.verdicts],
    }


def _row(row: Verdict, today: datetime.date, t: Translator) -> dict[str, Any]:
    days = days_behind(row, today)
    since = t.gettext("since {day}").format(day=t.date(row.since)) if row.since else ""
    if days is not None and row.since:
        since = t.ngettext("{since} ({n} day)", "{since} ({n} days)", days).format(since=since, n=days)
    is_list = row.field in BY_NAME and BY_NAME[row.field].is_list
    hidden = row.field in kept.NAMING
    shows_sides = not (is_list or hidden)
    return {
        "label": phrases.reader_label(row.field, "", t),
        "word": t.gettext(_WORDS[row.verdict]),
        "kind": row.verdict,
        "since": since,
        "listing": "" if not shows_sides or row.listing is None else _side(row.field, row.listing, t),
        "registry": "" if not shows_sides or row.registry is None else _side(row.field, row.registry, t),
        "both": "" if shows_sides else t.gettext(_ALIKE.get(row.verdict, _ALIKE[""])),
        "items": [] if hidden else [_item(row.field, each, t) for each in row.items[:_MOST_ITEMS]],
        "more": 0 if hidden else max(0, len(row.items) - _MOST_ITEMS),
    }


def _side(field: str, value: Any, t: Translator) -> str:
    value = kept.without_people(field, value)
    known = field != "overall_status" or value in phrases.TOKENS
    text = cut(values.describe(field, value, t, "reader") if known else as_text(value), _LONGEST_SIDE)
    return english.marked(text, english.own(t, value))


def _item(field: str, item: Difference, t: Translator) -> str:
    sides = {"listing": _in_words(field, item.listing, t), "registry": _in_words(field, item.registry, t)}
    words = t.gettext(_DIFFERS.get(item.what, _DIFFERS["changed"])).format(**sides)
    if item.since:
        words = t.gettext("{what} (since {day})").format(what=words, day=t.date(item.since))
    return english.marked(words, english.own(t, item.listing, item.registry))


def _in_words(field: str, value: Any, t: Translator) -> str:
    if value is None:
        return t.gettext("not stated")
    value = kept.without_people(field, value)
    if field == "locations":
        return cut(values.place(value, t), _LONGEST_SIDE)
    return cut(one_line(values.describe(field, value, t, "reader") if isinstance(value, dict) else as_text(value)), _LONGEST_SIDE)
