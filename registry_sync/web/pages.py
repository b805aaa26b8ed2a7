"""Pages from templates, each value escaped; pages that say no, in one shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from db.readers import Readers
from jobs.surroundings import Surroundings
from registry_sync.notices import english
from registry_sync.notices.i18n import ENGLISH, languages, translator
from registry_sync.trials.record import N_

_MOST_LANGUAGES = 20
_TEMPLATES = Path(__file__).resolve().parent / "templates"
_SAID: dict[int, tuple[str, str]] = {
    400: (N_("That cannot be understood"), N_("The address, or what was sent to it, is not as it should be.")),
    403: (
        N_("That is not allowed"),
        N_("It did not come from a page of this site, or that page was open for too long. Please load it anew, and try again."),
    ),
    404: (N_("There is nothing here"), N_("This address leads nowhere. If it came by mail, see whether all of it was copied.")),
    405: (N_("This cannot be done here"), N_("This page can be read only.")),
    408: (N_("That took too long"), N_("What was sent did not come in time. Please try again.")),
    410: (
        N_("This link has been used, or is too old"),
        N_("Such a link can be used once, and for a few days. If you have just confirmed with it, all is well."),
    ),
    413: (N_("That is too much"), N_("More was sent than this page takes.")),
    414: (N_("That address is too long"), N_("Nothing here has so long an address.")),
    429: (N_("That was too often"), N_("Please wait a while, and try again.")),
    431: (N_("That is too much"), N_("Your browser sent more about itself than this page takes.")),
    500: (N_("Something went wrong here"), N_("That is our fault, not yours. Please try again later.")),
    501: (N_("That cannot be understood"), N_("The address, or what was sent to it, is not as it should be.")),
    503: (N_("This is not available just now"), N_("Please try again in a few minutes.")),
}
"""What a page says that says no: its heading, and a sentence."""


_NOT_FOUND = 404
"""What a link from a mail leads to of which not all was copied."""
Way = tuple[str, str]
"""A path and what it is called."""
TO_SUBSCRIBE: Way = ("subscribe", N_("Ask for news by mail"))
TO_MANAGE: Way = ("manage", N_("See, change or stop what you are told"))


def around_of(request: Request) -> Surroundings:
    """What the pages work in."""
    around: Surroundings = request.state.around
    return around


def readers_of(request: Request) -> Readers:
    """The histories that stay open for reading."""
    readers: Readers = request.state.readers
    return readers


def language_of(request: Request) -> str:
    """The language that the address asks for (``?lang=da``), else the first one of the reader's browser (RFC 9110, 12.5.4); of those that
    there is a catalogue for."""
    known: str | None = request.scope["state"].get("language")
    if known is None:
        known = request.scope["state"]["language"] = _language_of(request)
    return known


def _language_of(request: Request) -> str:
    if request.query_params.get("lang") in languages():
        return request.query_params["lang"]
    wishes = []
    for place, part in enumerate(request.headers.get("accept-language", "").split(",", _MOST_LANGUAGES)[:_MOST_LANGUAGES]):
        name, _, weight = part.partition(";q=")
        try:
            wishes.append((-float(weight or 1), place, name.strip().lower().partition("-")[0]))
        except ValueError:
            continue
    return next((name for weight, _, name in sorted(wishes) if weight and name in languages()), ENGLISH)


def page(
    request: Request,
    name: str,
    *,
    status: int = 200,
    language: str | None = None,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Response:
    """A page in the reader's language, or in ``language``."""
    t = translator(language or language_of(request))
    root = urlsplit(around_of(request).settings.web.url).path.rstrip("/")
    template = _environment().get_template(f"{name}.html.j2")
    html = template.render(t=t, _=t.gettext, ngettext=t.ngettext, language=t.language, root=root, **values)
    return HTMLResponse(html, status, headers={"Content-Language": t.language, **(headers or {})})


def failed(request: Request, status: int, *, headers: Mapping[str, str] | None = None, ways: Sequence[Way] = ()) -> Response:
    """The page that says no, with these ways out beside the one to the trials."""
    heading, sentence = _SAID.get(status, _SAID[500] if status >= 500 else _SAID[404])
    return said_no(request, status, heading, sentence, headers=headers, ways=ways or ((TO_MANAGE,) if status == _NOT_FOUND else ()))


def said_no(
    request: Request, status: int, heading: str, sentence: str, *, headers: Mapping[str, str] | None = None, ways: Sequence[Way] = ()
) -> Response:
    """The same with a heading and a sentence of its own."""
    by_mail = bool(around_of(request).settings.web.url)  # else these pages are not there
    return page(request, "failed", status=status, headers=headers, heading=heading, sentence=sentence, ways=ways if by_mail else ())


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["english"] = english.marked
    environment.filters["parted"] = english.parted
    return environment
