"""A webhook receiver on loopback: it keeps what is posted and answers as it is told."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, Literal

from registry_sync.demo.faults import Hold
from registry_sync.demo.server import LoopbackServer
from registry_sync.demo.wire import Reply, Request, text

Answer = int | Literal["hang", "none"]


class Hook(LoopbackServer):
    """Takes every POST with 204. ``script`` and ``faults`` make it answer otherwise; posts are kept all the same."""

    @property
    def posts(self) -> tuple[Request, ...]:
        """Every post so far, those that got another answer than 2xx, too."""
        return tuple(request for request in self.requests if request.method == "POST")

    def script(self, *answers: Answer) -> tuple[Hold, ...]:
        """The next answers in their order: a status, ``"hang"`` (until released), ``"none"`` (the connection ends).

        Returns the holds of the hanging ones.
        """
        return tuple(hold for hold in (self._script(answer) for answer in answers) if hold is not None)

    def _script(self, answer: Answer) -> Hold | None:
        if answer == "hang":
            return self.faults.hang()
        if answer == "none":
            self.faults.cut(after=0)
        else:
            self.faults.fail(answer)
        return None

    def answer(self, request: Request) -> Reply:
        """Thanks, or what else there is to say to a request that is no POST."""
        if request.method != "POST":
            return text(HTTPStatus.METHOD_NOT_ALLOWED, "Method Not Allowed")
        return Reply(HTTPStatus.NO_CONTENT)


def payload(post: Request) -> Any:
    """The JSON of a post. Raises ValueError when it is none."""
    return json.loads(post.body)
