"""Where a form was sent from: browsers say so in one of two headers, and no page of another site can make them say otherwise."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request

from registry_sync.web.pages import around_of

HEADERS = {"Referrer-Policy": "strict-origin", "Cache-Control": "no-store"}
"""Of a page with a form: without a word on where it is sent from, browsers send ``Origin: null``. Of its address, which may be a secret,
nothing but the site is said."""


def is_from_here(request: Request, *, by_any_name: bool = False) -> bool:
    """Did a page of this site send this (Fetch, section 3.2; Fetch Metadata, section 2.4)?

    A program that says nothing of where it comes from has nobody's browser at hand. Where ``[web] url`` is set, the site is what stands
    there, and not the name that a request came to: a name of anybody's may lead here. ``by_any_name``: that name counts as well, for pages
    that nobody opens without a login of that name, as an operator does through a tunnel.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site not in (None, "same-origin", "none"):
        return False
    if origin == "null":
        return site == "same-origin"
    return origin is None or _is_ours(request, origin, by_any_name=by_any_name)


def _is_ours(request: Request, origin: str, *, by_any_name: bool) -> bool:
    try:
        theirs, public = urlsplit(origin.lower()), urlsplit(around_of(request).settings.web.url.lower())
    except ValueError:
        return False
    if public.netloc and (theirs.scheme, theirs.netloc) == (public.scheme, public.netloc):
        return True
    is_asked = theirs.scheme in ("http", "https") and theirs.netloc == request.headers.get("host", "").lower()
    return is_asked and (by_any_name or not public.netloc)
