"""Where programs ask: feed readers, calendars, scripts, monitors."""

from __future__ import annotations

from starlette.routing import Route

from registry_sync.web import api, calendar, feeds, ops


def routes() -> list[Route]:
    """What answers them under which address."""
    return [
        Route("/feed.atom", feeds.everything),
        Route("/trials/{trial}/feed.atom", feeds.trial),
        Route("/calendar.ics", calendar.everything),
        Route("/trials/{trial}/calendar.ics", calendar.trial),
        *api.routes(),
        Route("/healthz", ops.healthz),
        Route("/metrics", ops.metrics),
        Route("/status", ops.status),
    ]
