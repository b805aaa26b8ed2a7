"""Who may open the operator's pages: who knows ``[web] operator_token``, or whom a trusted proxy names as having logged in.

A browser that gave the token gets a signed cookie, the only one of this site: for some hours, for these pages alone, and for as long as
the token is the same and nobody has logged out. What changes anything must come from one of these pages (Origin, and a word in the form
that is signed for who asks); a program that sends the token with each request needs neither.
"""

from __future__ import annotations

import datetime
import hmac
import secrets
import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from db import keys, logins
from db.connection import History
from jobs.surroundings import Surroundings, as_stamp, log
from registry_sync.errors import AlreadyRunning
from registry_sync.notices.clean import cut, one_line
from registry_sync.web import asked, origins, problems
from registry_sync.web.clients import client_of, network, through_proxy
from registry_sync.web.pages import around_of, failed, page
from registry_sync.web.problems import BEARER, nothing, problem, unusable

COOKIE = "registry_sync_operator"
HOURS = 12
"""For which a login holds, and a form can be sent in."""
MOST_TRIES = 10
"""Wrong tokens that one client may give within ``WITHIN`` seconds."""
WITHIN = 900
MOST_CLIENTS = 10_000
"""Of which it is remembered."""
HEADERS = {**origins.HEADERS, "X-Robots-Tag": "noindex, nofollow"}
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="operator"'}
_WORD = "form"
"""The field in which a form has the word that makes it one of these pages."""
_LONGEST_NAME = 80

Fields = Mapping[str, list[str]]


class Visit(msgspec.Struct, frozen=True):
    """Somebody whom the door let in. ``form``: the word that makes a form one of these pages."""

    who: str
    form: str
    is_program: bool
    may_leave: bool
    around: Surroundings
    history: History
    fields: Fields
    door: Door

    def one(self, name: str) -> str:
        """What was typed into a field."""
        return self.fields.get(name, [""])[0]


class Redirect(RedirectResponse):
    """To another page of this site, below whatever the proxy takes away."""

    def __init__(self, request: Request, path: str) -> None:
        super().__init__(_root(request) + path, 303)


class Door:
    """Before the operator's pages. It remembers who gave a wrong token, by client, and no longer than needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tries: dict[str, deque[float]] = {}
        self._told: dict[str, str] = {}

    def guards(
        self, show: Callable[[Request, Visit], Response], takes: Collection[str] = (), needs: Collection[str] = ()
    ) -> Callable[[Request], Any]:
        """The same page behind the door.

        ``takes``: what its address can ask for, or the fields of its form; ``needs``: which of them must be there.
        A field of another name is refused: passed over, it would make of what is meant for one notice what is done to all.
        """

        def shows(request: Request, visit: Visit) -> Response:
            _check(request, visit, takes, needs)
            return show(request, visit)

        async def endpoint(request: Request) -> Response:
            fields = await _fields(request)
            return await run_in_threadpool(self._open, request, fields, shows)

        return endpoint

    def tell(self, who: str, what: str) -> None:
        """What came of what somebody did: it is to stand above the next page that they see."""
        with self._lock:
            self._told.pop(who, None)
            self._told[who] = what
            while len(self._told) > MOST_CLIENTS:
                del self._told[next(iter(self._told))]

    def heard(self, who: str) -> str:
        """The same, once; empty when there is nothing to tell."""
        with self._lock:
            return self._told.pop(who, "")

    def login(self) -> Callable[[Request], Any]:
        """Takes the token that was typed in."""

        async def endpoint(request: Request) -> Response:
            fields = await _fields(request)
            return await run_in_threadpool(self._log_in, request, fields.get("token", [""])[0])

        return endpoint

    def _open(self, request: Request, fields: Fields, show: Callable[[Request, Visit], Response]) -> Response:
        _exists(request)
        around = around_of(request)
        with around.open() as history:
            found = self._who(request, around, history)
            if isinstance(found, Response):
                return _guarded(found)
            who, is_program = found
            secret = _secret(around, history)
            visit = Visit(
                who=who,
                form=_signed(secret, "form " + who, _until(around)),
                is_program=is_program,
                may_leave=who.startswith("session "),
                around=around,
                history=history,
                fields=fields,
                door=self,
            )
            if request.method == "POST" and not is_program:
                word = visit.one(_WORD)
                if not (origins.is_from_here(request, by_any_name=True) and _is_signed(secret, "form " + who, word, _seconds(around))):
                    log.warning("the operator's page: a form that came from elsewhere, or is too old, was refused")
                    return _guarded(failed(request, 403))
            try:
                return _guarded(show(request, visit))
            except AlreadyRunning:
                return _guarded(problems.failed(request, 503, headers={"Retry-After": "5"}))

    def _who(self, request: Request, around: Surroundings, history: History) -> tuple[str, bool] | Response:
        """Who asks, and whether it is a program with the token; or what is answered to nobody."""
        web = around.settings.web
        given = request.headers.get("authorization", "")
        if web.operator_token and given.lower().startswith(BEARER):
            token = given[len(BEARER) :].strip()
            if _is_token(around, token):  # whoever else guesses from there
                return "program", True
            status, headers = self._try(request, around, token) or (401, _CHALLENGE)
            return problem(status, headers=headers)
        if web.operator_header and through_proxy(request):
            names = request.headers.getlist(web.operator_header)
            if len(names) == 1 and one_line(names[0]):  # a second one is the client's own, which the proxy let pass
                return "proxy " + cut(one_line(names[0]), _LONGEST_NAME), False
        if web.operator_token:
            cookie = request.cookies.get(COOKIE, "")
            name, _, signed = cookie.partition("~")
            is_signed = _is_signed(_secret(around, history), "session " + name, signed, _seconds(around))
            if is_signed and not logins.has_ended(history, name):
                return "session " + name, False
        status = 401 if web.operator_token else 403
        return problem(status, headers=_CHALLENGE) if _wants_json(request) else _asking(request, status)

    def _log_in(self, request: Request, token: str) -> Response:
        _exists(request)
        around = around_of(request)
        if not around.settings.web.operator_token:
            raise nothing()
        if request.method != "POST":
            return Redirect(request, "/operator")
        if not origins.is_from_here(request, by_any_name=True):
            return _guarded(failed(request, 403))
        refused = self._try(request, around, token)
        if refused is not None:
            return _guarded(_asking(request, refused[0], refused[1]))
        with around.open() as history:
            name = secrets.token_urlsafe(16)
            signed = _signed(_secret(around, history), "session " + name, _until(around))
        log.info("the operator has logged in")
        answer = Redirect(request, "/operator")
        answer.set_cookie(
            COOKIE,
            f"{name}~{signed}",
            max_age=HOURS * 3600,
            path=_root(request) + "/operator",
            secure=_is_secure(request),
            httponly=True,
            samesite="strict",
        )
        return _guarded(answer)

    def _try(self, request: Request, around: Surroundings, token: str) -> tuple[int, Mapping[str, str]] | None:
        """Is this the token? Else status and headers of the answer. A try counts from when it begins: many at once are many."""
        client, now = network(client_of(request)), around.now().timestamp()
        with self._lock:
            tries = self._tries.pop(client, deque())
            self._tries[client] = tries  # now the newest of all
            while tries and tries[0] <= now - WITHIN:
                tries.popleft()
            if len(tries) >= MOST_TRIES:
                return 429, {"Retry-After": str(max(1, round(tries[0] + WITHIN - now)))}
            tries.append(now)
            while len(self._tries) > MOST_CLIENTS:
                del self._tries[next(iter(self._tries))]
        if _is_token(around, token):
            with self._lock:
                self._tries.pop(client, None)
            return None
        log.warning("the operator's page: a wrong token was given, the %s. time by this client", len(tries))
        return 401, _CHALLENGE


def leave(request: Request, visit: Visit) -> Response:
    """End the login, whoever has a copy of its cookie, and take the cookie away."""
    kind, _, name = visit.who.partition(" ")
    if kind == "session":
        until = visit.around.now() + datetime.timedelta(hours=HOURS)
        logins.end(visit.history, name, visit.around.stamp(), as_stamp(until))
        log.info("the operator has logged out")
    answer = Redirect(request, "/operator")
    answer.delete_cookie(COOKIE, path=_root(request) + "/operator", secure=_is_secure(request), httponly=True, samesite="strict")
    return answer


def _is_token(around: Surroundings, given: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), around.settings.web.operator_token.encode())


def _check(request: Request, visit: Visit, takes: Collection[str], needs: Collection[str]) -> None:
    """Raise HTTPException for what is not asked for here, is given twice, or is missing; of an address only to programs."""
    is_form = request.method == "POST"
    if visit.is_program:
        asked.only(request, *(() if is_form else takes))
    if not is_form:
        return
    unknown = sorted(set(visit.fields) - {*takes, *(() if visit.is_program else (_WORD,))})
    if unknown:
        raise unusable(f"There is no field {cut(one_line(unknown[0]), 50)!r} here; there are: {', '.join(takes) or 'none'}.")
    twice = [name for name, values in visit.fields.items() if len(values) > 1]
    if twice:
        raise unusable(f"The field {twice[0]} is given more than once.")
    missing = [name for name in needs if name not in visit.fields]
    if missing:
        raise unusable(f"The field {missing[0]} is missing.")


def _exists(request: Request) -> None:
    """Raise HTTPException where no way is set to open the door: then there is none."""
    web = around_of(request).settings.web
    if not (web.operator_token or (web.operator_header and web.trusted_proxies)):
        raise nothing()


def _asking(request: Request, status: int, headers: Mapping[str, str] | None = None) -> Response:
    wait = int((headers or {}).get("Retry-After", "0"))
    return page(
        request,
        "operator_login",
        status=status,
        language="en",
        headers=headers or (_CHALLENGE if status == 401 else None),
        by_proxy=status == 403,
        was_wrong=status == 401 and request.method == "POST",
        minutes=-(-wait // 60),
    )


def _guarded(answer: Response) -> Response:
    for name, value in HEADERS.items():
        answer.headers[name] = value
    return answer


async def _fields(request: Request) -> Fields:
    """What a form holds."""
    if request.method != "POST":
        return {}
    return parse_qs((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)


def _wants_json(request: Request) -> bool:
    accepted = request.headers.get("accept", "")
    return "json" in accepted and "text/html" not in accepted


def _is_secure(request: Request) -> bool:
    """Did the browser come by HTTPS? Its own word, in the Origin of the form, else that of the settings."""
    return (request.headers.get("origin") or around_of(request).settings.web.url).lower().startswith("https:")


def _root(request: Request) -> str:
    return urlsplit(around_of(request).settings.web.url).path.rstrip("/")


def _secret(around: Surroundings, history: History) -> bytes:
    """Another one for each installation and each token."""
    token = around.settings.web.operator_token.encode()
    return hmac.digest(bytes.fromhex(keys.links(history)), b"registry-sync operator " + token, "sha256")


def _seconds(around: Surroundings) -> int:
    return int(around.now().timestamp())


def _until(around: Surroundings) -> int:
    return _seconds(around) + HOURS * 3600


def _signed(secret: bytes, what: str, until: int) -> str:
    return f"{until}.{hmac.new(secret, f'{until} {what}'.encode(), 'sha256').hexdigest()}"


def _is_signed(secret: bytes, what: str, signed: str, now: int) -> bool:
    until, _, _ = signed.partition(".")
    if not (until.isascii() and until.isdigit() and len(until) < 16 and now < int(until)):
        return False
    return hmac.compare_digest(_signed(secret, what, int(until)).encode(), signed.encode("utf-8", "replace"))
