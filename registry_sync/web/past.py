"""The versions of a record that are held, and any two of them side by side."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from db import history as versions
from db import lookback
from db.connection import History
from db.history import Version
from jobs import kept
from jobs.comparing import differences
from registry_sync.notices import lifeline
from registry_sync.notices.clean import cut
from registry_sync.notices.i18n import Translator, translator
from registry_sync.notices.items import Item
from registry_sync.sources.interface import CTGOV
from registry_sync.web import comparing, told
from registry_sync.web.answers import public
from registry_sync.web.pages import failed, language_of
from registry_sync.web.trial import is_shown, of_trial, told_item, wants_all

MOST_VERSIONS = 500
"""In one list, the newest."""
MOST_CHANGES = 300
"""Between two versions."""
_LARGEST = 300_000
"""Characters of changes, about."""
_LONGEST_NUMBER = 9


@of_trial
def held(request: Request, history: History, trial: str) -> Response:
    """The versions held, newest first, and a form to lay two of them side by side."""
    t = translator(language_of(request))
    last = lookback.latest(history, trial, CTGOV)
    if last is None:
        return failed(request, 404)
    rows = _rows(history, last, t)
    gone = lookback.gone_since(history, trial)
    return public(
        request,
        "versions",
        trial=trial,
        title=told.title(last.record),
        gone=told.gone(gone, t) if gone else "",
        rows=rows[:MOST_VERSIONS],
        more=max(0, len(rows) - MOST_VERSIONS),
        former=list(_former(history, last, t)),
    )


@of_trial
def diff(request: Request, history: History, trial: str) -> Response:
    """What differs between two versions, each named by its number or by a day; the last two where none are named.

    The older one comes first, whichever is named first.
    """
    t = translator(language_of(request))
    last = lookback.latest(history, trial, CTGOV)
    if last is None:
        return failed(request, 404)
    earlier, later = request.query_params.get("from", ""), request.query_params.get("to", "")
    after = _asked(history, trial, later) if later else last
    before = _asked(history, trial, earlier) if earlier else after and (versions.before(history, after) or after)
    if before is None or after is None:
        return failed(request, 404)
    if before.trial == after.trial and before.number > after.number:
        before, after = after, before
    too_long = comparing.is_too_long(before, after)
    compared = () if too_long else differences(history, before, after)
    found = [change for change in compared if is_shown(change, everything=wants_all(request))]
    current = kept.as_shown(history, last)
    items = list(_within(_LARGEST, (told_item(change, current, t) for change in found[:MOST_CHANGES])))
    return public(
        request,
        "diff",
        trial=trial,
        title=told.title(last.record),
        before=_named(history, before, t),
        after=_named(history, after, t),
        same=before.id == after.id,
        too_long=too_long,
        line=before.trial if before.trial != trial else "",
        items=items,
        more=len(found) - len(items),
        rows=_rows(history, last, t)[:MOST_VERSIONS],
        all=wants_all(request),
    )


def _asked(history: History, trial: str, text: str) -> Version | None:
    """A version by its number, or the one that stood at the end of a day; ``None`` where there is none such."""
    if text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER:
        return lookback.numbered(history, trial, CTGOV, int(text))
    try:
        day = datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        return None
    return lookback.standing(history, trial, CTGOV, day, "registry")


def _within(most: int, items: Iterable[Item]) -> Iterator[Item]:
    """The first ones, up to so many characters."""
    for each in items:
        yield each
        most -= len(each.before or "") + len(each.after or "")
        if most < 0:
            return


def _rows(history: History, last: Version, t: Translator) -> list[dict[str, Any]]:
    """The versions of the line of this one, newest first, each with the day from which it stood."""
    days = {state.number: state for state in lookback.states(history, last, "registry")}
    listed = [row for row in versions.versions(history, last.trial, CTGOV) if row["trial"] == last.trial and row["number"] in days]
    return [_row(row, days[row["number"]], t) for row in reversed(listed)]


def _former(history: History, last: Version, t: Translator) -> Iterator[dict[str, Any]]:
    """The versions that are kept under each id that the trial had before, newest first."""
    for trial in lookback.held_under(history, last.trial, CTGOV):
        newest = versions.latest(history, trial, CTGOV) if trial != last.trial else None
        if newest is None:
            continue
        rows = _rows(history, newest, t)
        yield {"trial": trial, "rows": rows[:MOST_VERSIONS], "more": max(0, len(rows) - MOST_VERSIONS)}


def _row(row: dict[str, Any], state: lookback.State, t: Translator) -> dict[str, Any]:
    return {
        "number": row["number"],
        "day": t.gettext("by {day} at the latest").format(day=t.date(state.day)) if lifeline.is_by_then(state) else t.date(state.day),
        "entry": state.entry if state.entry != row["trial"] else "",
        "status": cut(lifeline.status_words(state, t), told.LONGEST_TITLE),
        "seen": told.day(row["seen_at"], t),
        "backfilled": row["backfilled"],
    }


def _named(history: History, version: Version, t: Translator) -> dict[str, Any]:
    posted = t.date(version.registry_date) if version.registry_date else ""
    entry = lookback.entry_of(history, version)
    return {"number": version.number, "posted": posted, "seen": told.day(version.seen_at, t), "entry": entry}
