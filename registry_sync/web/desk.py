"""The coordinators' calendar of what is owed, behind an address that is a secret: nothing of it reaches readers."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from db import keys
from jobs import duties
from jobs.agenda import agenda
from registry_sync.notices.tokens import is_agenda_token
from registry_sync.web.pages import around_of, failed, language_of


def deadlines(request: Request) -> Response:
    """What is open, and was not put off; 404 for an address that this installation has not signed."""
    around = around_of(request)
    with around.open() as history:
        if not is_agenda_token(keys.links(history), request.path_params["token"]):
            return failed(request, 404)
        lines = [line for line in duties.lines(around, history) if line.is_open and not line.is_snoozed]
        body = agenda(around, history, lines, language_of(request))
    return Response(body, media_type="text/calendar", headers={"Cache-Control": "private, no-store"})
