"""Where programs ask: feed readers, calendars, scripts, monitors."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from registry_sync.web import api, calendar, feeds, ops
from registry_sync.web.problems import OPEN

_MAY = {
    **OPEN,
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "If-None-Match, If-Modified-Since",
    "Access-Control-Max-Age": "86400",
    "Allow": "GET, HEAD, OPTIONS",
    "Cache-Control": "public, max-age=86400",
}


def routes() -> list[Route]:
    """What answers them under which address."""
    of_everybody = [
        Route("/feed.atom", feeds.everything),
        Route("/trials/{trial}/feed.atom", feeds.trial),
        Route("/calendar.ics", calendar.everything),
        Route("/trials/{trial}/calendar.ics", calendar.trial),
        *api.routes(),
    ]
    return [
        *of_everybody,
        *(Route(each.path, _preflight, methods=["OPTIONS"]) for each in of_everybody),
        Route("/healthz", ops.healthz),
        Route("/metrics", ops.metrics),
        Route("/status", ops.status),
    ]


def _preflight(_: Request) -> Response:
    """What a browser asks before a script of another site may ask with what it has already."""
    return Response(status_code=204, headers=_MAY)
