"""The coordinators' calendar of what is owed, behind an address that is a secret: nothing of it reaches readers."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from db import duties as kept
from db import keys
from db.public import State
from jobs import duties, surroundings
from jobs.agenda import agenda
from registry_sync.notices.tokens import is_agenda_token
from registry_sync.web.answers import answer, is_dated
from registry_sync.web.pages import around_of, failed, language_of, readers_of


def deadlines(request: Request) -> Response:
    """What is open, and was not put off; 404 for an address that this installation has not signed."""
    around = around_of(request)
    request.state.mark = None  # it is asked for anew each time: its day ends by the clock of the schedule
    with readers_of(request).open() as history:
        if not is_agenda_token(keys.links(history), request.path_params["token"]):
            return failed(request, 404)
        language, today = language_of(request), surroundings.today(around)
        stands = kept.state(history)

        def make() -> Response:
            lines = [line for line in duties.lines(around, history) if line.is_open and not line.is_snoozed]
            return Response(agenda(around, history, lines, language), media_type="text/calendar")

        headers = {"Cache-Control": "private, no-cache", "Vary": "Accept-Language", "Content-Language": language}
        state = State(stands.key, max(stands.at or "", surroundings.midnight(around)))
        return answer(request, state, make, today, language, headers=headers, dated=is_dated(request))
