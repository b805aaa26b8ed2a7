"""What an address asks for: values of its path and its query, checked. What is wrong with them is an error of the client's."""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Collection
from urllib.parse import urlencode

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request

from db import catalogue, public
from db.connection import History
from db.public import Scope
from registry_sync.errors import UsageError
from registry_sync.notices.i18n import ENGLISH, languages
from registry_sync.trials.record import trial_id
from registry_sync.web.pages import around_of
from registry_sync.web.problems import bad_request, nothing

LONGEST = 500
"""Characters of a value."""


class _Row(Convertor[int]):
    """In the pattern of a path: a number that a row can have. What SQLite cannot hold is the number of none."""

    regex = "[0-9]{1,18}"

    def convert(self, value: str) -> int:
        """From the path."""
        return int(value)

    def to_string(self, value: int) -> str:
        """Into the path."""
        return str(value)


register_url_convertor("row", _Row())

OF_SCOPE = ("q", "condition", "country", "search")
"""What says which trials."""

_LISTS = frozenset({"topic", "search"})
"""What may be given more than once."""
_NUMBER = re.compile(r"\d{1,15}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def trial(request: Request, history: History) -> tuple[str, ...]:
    """Every id of the trial that the path names, the current one first. Raises HTTPException for what is no id, or is not watched."""
    try:
        ids = public.ids_of(history, trial_id(request.path_params["trial"]))
    except UsageError:
        ids = ()
    if not ids:
        raise nothing("No trial of this id is watched here.")
    return ids


def only(request: Request, *names: str) -> None:
    """Raise HTTPException for a name in the query that is none of these, or that is given twice: it would be passed over in silence."""
    unknown = sorted(set(request.query_params) - set(names))
    if unknown:
        raise bad_request(f"There is no parameter {unknown[0][:50]!r} here; there are: {', '.join(names) or 'none'}.")
    given = Counter(name for name, _ in request.query_params.multi_items() if name not in _LISTS)
    if given.total() > len(given):
        raise bad_request(f"{max(given, key=lambda name: given[name])} is given more than once.")


def text(request: Request, name: str) -> str | None:
    """A text; ``None`` where it is not given or empty. Raises HTTPException where it is given twice: one of them would be passed over."""
    values = request.query_params.getlist(name)
    if len(values) > 1:
        raise bad_request(f"{name} is given more than once.")
    value = values[0] if values else ""
    if len(value) > LONGEST:
        raise bad_request(f"{name} is longer than {LONGEST} characters.")
    return value.strip() or None


def number(request: Request, name: str, default: int | None, *, least: int = 0, most: int | None = None) -> int | None:
    """A whole number within these bounds."""
    value = text(request, name)
    if value is None:
        return default
    if not _NUMBER.fullmatch(value) or int(value) < least or (most is not None and int(value) > most):
        bounds = f"from {least} to {most}" if most is not None else f"from {least} on"
        raise bad_request(f"{name} is to be a whole number {bounds}.")
    return int(value)


def flag(request: Request, name: str) -> bool:
    """Yes or no; no where it is not given."""
    value = text(request, name)
    if value not in (None, "true", "false"):
        raise bad_request(f"{name} is to be true or false.")
    return value == "true"


def several(request: Request, name: str, known: Collection[str]) -> tuple[str, ...]:
    """Words of a list, each given once more under the same name, or with commas between them."""
    values = [word.strip() for value in request.query_params.getlist(name) for word in value[:LONGEST].split(",")]
    found = tuple(dict.fromkeys(filter(None, values)))
    unknown = [word for word in found if word not in known]
    if unknown:
        raise bad_request(f"{name} is to be one of {', '.join(known)}.")
    return found


def day(value: str, name: str) -> str:
    """A day."""
    try:
        if not _DAY.fullmatch(value):
            raise ValueError(value)
        return datetime.date.fromisoformat(value).isoformat()
    except ValueError as error:
        raise bad_request(f"{name} is to be a date such as 2026-02-03.") from error


def moment(request: Request, name: str) -> str | None:
    """A day or a time (RFC 3339; without an offset UTC) as it is kept."""
    value = text(request, name)
    if value is None:
        return None
    try:
        if not re.match(rf"{_DAY.pattern}(?:[T ]|$)", value, re.ASCII):
            raise ValueError(value)
        at = datetime.datetime.fromisoformat(value.replace(" ", "+") if "T" in value else value)  # a plus in an address is a blank
        at = _in_utc(at if at.tzinfo else at.replace(tzinfo=datetime.UTC))
        return f"{at.year:04}-{at:%m-%dT%H:%M:%SZ}"
    except ValueError as error:
        raise bad_request(f"{name} is to be a date such as 2026-02-03, or a time such as 2026-02-03T06:00:00Z.") from error


def _in_utc(at: datetime.datetime) -> datetime.datetime:
    try:
        return at.astimezone(datetime.UTC)
    except OverflowError:  # an hour before the first year, or after the last one
        return at.replace(tzinfo=datetime.UTC)


def language(request: Request) -> str:
    """The language that the address names, else English: what a program reads must not depend on whose it is."""
    value = request.query_params.get("lang", ENGLISH)
    return value if value in languages() else ENGLISH


def scope(request: Request, history: History, *, ever: bool = False) -> Scope:
    """All that is watched; or what one ``search`` found (AREA=TEXT, as often as it has areas); or of a ``condition`` what the watched
    searches for it found, without such a search the trials whose records name it; or with ``q`` or ``country`` what the search of the
    pages finds, and with ``ever`` also what it found by a site in the country that is gone.

    Raises HTTPException where there is nothing of that kind.
    """
    condition, areas = text(request, "condition"), request.query_params.getlist("search")
    words, country = text(request, "q"), text(request, "country")
    if words or country:
        if areas:
            raise bad_request("search goes with neither q nor country.")
        return Scope(ids=tuple(catalogue.found(history, catalogue.Wanted(words or "", condition or "", country or "", ever=ever))))
    if condition is None and not areas:
        return Scope()
    search = None
    if areas:
        from registry_sync.sources.ctgov_search import search_from

        try:
            search = search_from(areas)
        except UsageError as error:
            raise nothing("No such search is watched here.") from error
    found = public.searches_for(history, condition, search)
    if found:
        return Scope(searches=found)
    named: list[str] = []
    if condition and search is None:
        named = catalogue.found(history, catalogue.Wanted(condition=condition, exactly=True))
        named = named or catalogue.found(history, catalogue.Wanted(condition=condition))
    if not named:
        raise nothing("No such search is watched here, and no such condition.")
    return Scope(ids=tuple(named))


def url(request: Request, **changed: object) -> str:
    """The public address of what was asked for, with some values of its query changed; from the root of the site where none is set."""
    query = [(name, value) for name, value in request.query_params.multi_items() if name not in changed]
    query += [(name, str(value)) for name, value in changed.items() if value is not None]
    return f"{base(request)}{request.url.path}{f'?{urlencode(query)}' if query else ''}"


def base(request: Request) -> str:
    """What stands before the path in the public address; nothing where no public address is set."""
    return around_of(request).settings.web.url.rstrip("/")
