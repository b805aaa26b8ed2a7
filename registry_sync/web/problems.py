"""What goes wrong: a page for people, problem details (RFC 9457) for programs."""

from __future__ import annotations

import http
from collections.abc import Mapping

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from registry_sync.web import pages

BELOW = "/api/"
OPERATOR = "/operator"
BEARER = "bearer "
MEDIA_TYPE = "application/problem+json"
OPEN = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin", "Access-Control-Expose-Headers": "ETag, Link"}
"""Scripts of every site may read what programs are given: it is public, and there are no cookies."""
_FILES = ("/feed.atom", "/calendar.ics")
"""What programs are given that is no JSON."""

_WHY = {
    400: "The address, or what was sent to it, is not as it should be.",
    404: "There is nothing under this address.",
    405: "This can be read only.",
    401: "The operator's token is needed: `Authorization: Bearer TOKEN`.",
    403: "This did not come from a page of this site.",
    408: "What was sent did not come in time.",
    409: "Nothing has changed: what was chosen is not in that state any more.",
    413: "More was sent than is taken here.",
    414: "Nothing here has so long an address.",
    422: "What was sent cannot be used.",
    429: "Please wait a while, and try again.",
    431: "The head of the request is larger than is taken here.",
    500: "That is our fault. Please try again later.",
    501: "What was sent is coded in a way that is not understood here.",
    503: "This is not available just now. Please try again in a few minutes.",
}


def is_program(request: Request) -> bool:
    """Does a program ask: for JSON, or on the operator's page with the token in the head?"""
    path = request.url.path
    if path.startswith(BELOW):
        return True
    with_token = request.headers.get("authorization", "").lower().startswith(BEARER)
    return with_token and (path == OPERATOR or path.startswith(f"{OPERATOR}/"))


def failed(request: Request, status: int, *, headers: Mapping[str, str] | None = None, why: str = "") -> Response:
    """What says no, in the shape that who asked can read."""
    is_open = request.url.path.startswith(BELOW) or request.url.path.endswith(_FILES)
    headers = {**(OPEN if is_open else {}), **(headers or {})}
    return problem(status, why, headers=headers) if is_program(request) else pages.failed(request, status, headers=headers)


def problem(status: int, why: str = "", *, headers: Mapping[str, str] | None = None) -> Response:
    """Problem details."""
    phrase = http.HTTPStatus(status).phrase
    details = {
        "type": "about:blank",
        "title": phrase,
        "status": status,
        "detail": why if why and why != phrase else _WHY.get(status, _WHY[500] if status >= 500 else _WHY[404]),
    }
    return Response(msgspec.json.encode(details), status, headers=headers, media_type=MEDIA_TYPE)


def bad_request(why: str) -> HTTPException:
    """The error for an address that does not say what it should."""
    return HTTPException(400, why)


def unusable(why: str) -> HTTPException:
    """The error for a form of which a field cannot be used."""
    return HTTPException(422, why)


def conflict(why: str) -> HTTPException:
    """The error for what cannot be done as things stand: nothing has changed."""
    return HTTPException(409, why)


def nothing(why: str = "") -> HTTPException:
    """The error for what is not there."""
    return HTTPException(404, why or _WHY[404])
