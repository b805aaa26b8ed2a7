"""Where programs ask: scripts, and other services."""

from __future__ import annotations

from starlette.routing import Route

from registry_sync.web import api


def routes() -> list[Route]:
    """What answers them under which address."""
    return [
        *api.routes(),
    ]
