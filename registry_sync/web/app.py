"""What answers under which address."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from db.readers import Readers
from jobs.surroundings import Surroundings, log
from registry_sync.errors import DatabaseError
from registry_sync.web import desk, home, listings, managing, operator, past, stood, subscribing, trial, wishes
from registry_sync.web.answers import fixed
from registry_sync.web.forms import Limits
from registry_sync.web.guard import Guard, page_of
from registry_sync.web.pages import around_of
from registry_sync.web.postman import Postman
from registry_sync.web.problems import failed
from registry_sync.web.programs import routes

_NOT_FOR_ROBOTS = ("stop", "confirm", "subscribe", "manage", "operator", "metrics", "healthz")
"""Links of one person, forms, and what only the operator needs."""
_STYLE = Path(__file__).resolve().parent / "style.css"


def application(around: Surroundings, readers: Readers) -> Guard:
    """The pages over one database, behind what guards each of them."""
    app = Starlette(
        routes=[
            *routes(),
            Route("/stop/{token}", wishes.stop, methods=["GET", "POST"]),
            Route("/confirm/{token}", wishes.confirm, methods=["GET", "POST"]),
            Route("/privacy", wishes.privacy),
            Route("/deadlines/{token}.ics", desk.deadlines),
            Route("/style.css", _style),
            Route("/robots.txt", _robots),
            *operator.routes(),
            # subscribing, and managing what an address is told
            Route("/subscribe", subscribing.subscribe, methods=["GET", "POST"]),
            Route("/subscribe/asked", subscribing.asked),
            Route("/manage", managing.ask, methods=["GET", "POST"]),
            Route("/manage/asked", managing.asked),
            Route("/manage/erased", managing.erased),
            Route("/manage/{token}", managing.overview),
            Route("/manage/{token}/export", managing.export),
            Route("/manage/{token}/stop", managing.stop_all, methods=["GET", "POST"]),
            Route("/manage/{token}/erase", managing.erase, methods=["GET", "POST"]),
            Route("/manage/{token}/{number:row}", managing.change, methods=["GET", "POST"]),
            Route("/manage/{token}/{number:row}/stop", managing.stop, methods=["GET", "POST"]),
            # the public pages
            Route("/", home.home),
            Route("/condition/{name:path}", home.condition),
            Route("/trials/{trial}", trial.trial),
            Route("/trials/{trial}/versions", past.held),
            Route("/trials/{trial}/versions/{number:int}", stood.numbered),
            Route("/trials/{trial}/diff", past.diff),
            Route("/trials/{trial}/at", stood.to_day),
            Route("/trials/{trial}/at/{day}", stood.at),
            Route("/trials/{trial}/listings", listings.listings),
        ],
        exception_handlers={HTTPException: _said_no, DatabaseError: _no_database, Exception: _fault},
    )
    app.state.began = around.stamp()  # what the program itself says is as old as its start
    app.state.limits, app.state.postman = Limits(), Postman(around)
    app.router.redirect_slashes = False  # it would lead to whatever host the client names
    return Guard(app, around, readers, app.state.postman.leave)


def _style(request: Request) -> Response:
    return fixed(request, _STYLE.read_bytes(), "text/css")


def _robots(request: Request) -> Response:
    root = urlsplit(around_of(request).settings.web.url).path.rstrip("/")
    lines = ["User-agent: *", *(f"Disallow: {root}/{each}" for each in _NOT_FOR_ROBOTS)]
    return fixed(request, ("\n".join(lines) + "\n").encode(), "text/plain")


def _said_no(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for these
    return failed(request, error.status_code, headers=error.headers, why=error.detail)


def _no_database(request: Request, error: Exception) -> Response:
    log.warning("%s", error)
    return failed(request, 503, headers={"Retry-After": "60"})


def _fault(request: Request, error: Exception) -> Response:
    log.error("a page failed: %s", page_of(request.scope), exc_info=error)
    return failed(request, 500)
