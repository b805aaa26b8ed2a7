"""Forms: what came of one is read, comes from a page of this site, is within limits, and is typed in again where something is wrong."""

from __future__ import annotations

import datetime
import hashlib
import secrets
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache, wraps
from typing import Any
from urllib.parse import parse_qs

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from db import keys
from db.connection import History
from jobs.surroundings import log
from registry_sync.notices.clean import one_line
from registry_sync.notices.i18n import Translator, languages
from registry_sync.notices.interface import Every
from registry_sync.notices.route import EVERY, READER_TOPICS
from registry_sync.notices.tokens import form_token, read_form_token
from registry_sync.trials.record import N_
from registry_sync.web import origins
from registry_sync.web.clients import client_of, network
from registry_sync.web.pages import around_of, said_no

FRESH = datetime.timedelta(hours=2)
"""So long after it was fetched a form can be sent in."""
HOUR = datetime.timedelta(hours=1)
MOST_OF_A_CLIENT = 10
"""Forms that lead to a mail, in an hour."""
MOST_OF_ALL = 200
AS_IT_IS = "="
"""Chosen of what one choice cannot say: it stays."""
_LONGEST = 300
_MOST_FIELDS = 1_000

GROUPS: dict[str, tuple[str, frozenset[str]]] = {
    "open": (N_("whether it opens or closes to new participants, or leaves the registry"), frozenset({"status", "registry"})),
    "who": (N_("who may take part"), frozenset({"criteria"})),
    "dates": (N_("when it starts, and when its last visit is"), frozenset({"timeline"})),
    "results": (N_("its results"), frozenset({"results"})),
    "sites": (N_("its sites and contacts"), frozenset({"places"})),
    "rest": (N_("what is done in it, its conditions, and who runs it"), frozenset({"design", "identity"})),
    "listing": (N_("what other sites say of it"), frozenset({"listing"})),
    "deadlines": (N_("what is owed to the registry, and by when"), frozenset({"deadlines"})),
}
"""What a reader chooses from, in a reader's words, and the topics that each stands for; the last two are of coordinators.

Nothing is offered that no mail to readers tells (see ``significance.TABLE``): of a title or a summary they hear nothing.
"""
OF_READERS = tuple(GROUPS)[:6]

Endpoint = Callable[[Request], Any]


class Typed:
    """What somebody typed into a form and chose in it, and what is wrong with it."""

    def __init__(self, fields: Mapping[str, list[str]]) -> None:
        self._fields = fields
        self.errors: list[tuple[str, str, str]] = []

    def one(self, name: str) -> str:
        """The text of a field; empty where it is not there."""
        return one_line(self._fields.get(name, [""])[0][:_LONGEST])

    def several(self, name: str) -> list[str]:
        """All values of a field, each once."""
        return list(dict.fromkeys(one_line(each[:_LONGEST]) for each in self._fields.get(name, ())))

    def wrong(self, field: str, message: str, at: str = "") -> None:
        """Say what is wrong with a field; ``at``: the part of it that a link leads to."""
        self.errors.append((field, at or field, message))

    def error(self, field: str) -> str:
        """What is wrong with a field; empty when nothing is."""
        return next((message for name, _, message in self.errors if name == field), "")


def with_fields(respond: Callable[[Request, Typed | None], Response]) -> Endpoint:
    """A page that answers GET with a form (``None``), and POST with what came of it, if that was sent from here."""

    @wraps(respond)
    async def endpoint(request: Request) -> Response:
        if request.method != "POST":
            return await run_in_threadpool(respond, request, None)
        if not origins.is_from_here(request):
            return refused(request)
        typed = read(request, await request.body())
        return await run_in_threadpool(respond, request, typed) if typed is not None else refused(request)

    return endpoint


def read(request: Request, body: bytes) -> Typed | None:
    """What a form says; ``None`` when it is none."""
    if body and request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        return None
    try:
        return Typed(parse_qs(body.decode("ascii"), keep_blank_values=True, errors="replace", max_num_fields=_MOST_FIELDS))
    except ValueError:
        return None


def refused(request: Request) -> Response:
    """The page for what no form of this site sent."""
    heading = N_("This was not sent from here")
    return said_no(request, 403, heading, N_("Please open the page with the form, and send it from there."))


def token(request: Request, history: History, kind: str) -> str:
    """What a form of this kind carries."""
    return form_token(keys.links(history), kind, int(around_of(request).now().timestamp()))


def is_fresh(request: Request, history: History, kind: str, typed: Typed) -> bool:
    """Was this form fetched here, and not too long ago?"""
    at = read_form_token(keys.links(history), kind, typed.one("token"))
    return at is not None and 0 <= around_of(request).now().timestamp() - at <= FRESH.total_seconds()


# --- what is told, and how ----------------------------------------------------------------------------------------------------


class Choice(msgspec.Struct, frozen=True):
    """What is chosen of ``GROUPS``, the one country, and so on, as a form shows it."""

    about: tuple[str, ...] = OF_READERS
    country: str = ""
    least: str = "minor"
    every: Every = "now"
    timezone: str = "UTC"
    language: str = "en"


def choice(typed: Typed, t: Translator, *, groups: Collection[str], countries: Collection[str], zones: Collection[str]) -> Choice:
    """What is chosen; what is wrong with it is noted in ``typed``."""
    about = tuple(name for name in groups if name in typed.several("about"))
    if not about:
        typed.wrong("about", t.gettext("Choose at least one thing to be told about."), f"about-{next(iter(groups))}")
    country = typed.one("country")
    if country and country not in countries:
        typed.wrong("country", t.gettext("Choose a country from the list."))
    every = next((each for each in EVERY if each == typed.one("every")), None)
    if every is None:
        typed.wrong("every", t.gettext("Choose how often."), "every-now")
    timezone = typed.one("timezone")
    if timezone not in zones:
        typed.wrong("timezone", t.gettext("Choose a time zone from the list."))
    least = typed.one("least") or "minor"
    if least not in ("minor", "major"):
        typed.wrong("least", t.gettext("Tick this, or leave it."))
        least = "minor"
    language = typed.one("language")
    if language not in languages():
        typed.wrong("language", t.gettext("Choose a language from the list."))
    return Choice(about, country, least, every or "now", timezone, language)


def topics(about: Iterable[str]) -> frozenset[str]:
    """The topics that these groups stand for; empty, as a subscription keeps it, for all of a reader's."""
    found = frozenset[str]().union(*(GROUPS[name][1] for name in about))
    return frozenset() if found == READER_TOPICS else found


@lru_cache(maxsize=1)
def zones() -> dict[str, list[str]]:
    """By part of the world the time zones of all countries, in the order of their names."""
    from importlib.resources import files

    lines = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8").splitlines()
    names = sorted(line.split("\t")[2] for line in lines if line and not line.startswith("#"))
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(name.partition("/")[0], []).append(name)
    return found


def known_zones(*others: str) -> set[str]:
    """The names of these zones, UTC, and some others that exist."""
    return {"UTC", *others, *(name for names in zones().values() for name in names)}


# --- how many ------------------------------------------------------------------------------------------------------------------


class Limits:
    """How many forms one client, and all together, sent in within an hour; in memory, by hashes of addresses, and for an hour."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._of_client: dict[bytes, deque[datetime.datetime]] = {}
        self._of_all: deque[datetime.datetime] = deque()

    def wait(self, client: str, now: datetime.datetime) -> tuple[int, bool]:
        """Count one more; or (it is too many) after how many seconds to come again, and whether that is for this client's own number."""
        mark = hashlib.blake2b(network(client).encode(), key=self._key, digest_size=16).digest()
        with self._lock:
            self._forget(now)
            own = self._of_client.setdefault(mark, deque())
            for times, most in ((own, MOST_OF_A_CLIENT), (self._of_all, MOST_OF_ALL)):
                if len(times) >= most:
                    return max(1, int((times[0] + HOUR - now).total_seconds()) + 1), times is own
            own.append(now)
            self._of_all.append(now)
        return 0, False

    def _forget(self, now: datetime.datetime) -> None:
        for times in (self._of_all, *self._of_client.values()):
            while times and times[0] <= now - HOUR:
                times.popleft()
        self._of_client = {mark: times for mark, times in self._of_client.items() if times}


def too_many(request: Request) -> Response | None:
    """Count one more form; the page that says no when it is one too many."""
    client = client_of(request)
    seconds, is_own = request.app.state.limits.wait(client, around_of(request).now())
    if not seconds:
        return None
    if is_own and network(client) in ("127.0.0.1", "::/64"):
        log.warning("forms: too many from this machine; if a proxy hands them on, name it in [web] trusted_proxies")
    heading = N_("That was too often") if is_own else N_("Too much is asked for just now")
    sentence = N_("Please try again in an hour. Nothing has been kept of this.")
    return said_no(request, 429 if is_own else 503, heading, sentence, headers={"Retry-After": str(seconds)})
