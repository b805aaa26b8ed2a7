"""What a site allows programs to ask for (robots.txt, RFC 9309), and how slowly.

The rules are read by protego: wildcards, ``$``, the longest match, fractional delays. A page is asked for only where ``refusal`` says
nothing against it. The rules of a host are those of the address that is watched, wherever that redirects to.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit, urlunsplit

import msgspec

from registry_sync.errors import BadRedirect, BadStatus, FetchError
from registry_sync.sources import addresses
from registry_sync.sources.pace import LONGEST_WAIT
from registry_sync.sources.trouble import Trouble, duration

if TYPE_CHECKING:
    from protego import Protego

    from registry_sync.sources.http import Getter

PRODUCT = "registry-sync"
"""The name by which rules can be made for this program, in any case."""

MOST_READ = 500 * 2**10
"""Bytes of rules that are read; the rest is left (RFC 9309, section 2.5)."""

Status = Literal["rules", "none", "unreachable"]

_MOST_SENT = 4 * 2**20
_TOO_MANY_REQUESTS = 429
_AGENT_LINE = re.compile(r"user(?:-|\s+)?agent(?:\s*:|\s|$)(?P<name>.*)", re.IGNORECASE)
_TOKEN = re.compile(r"\*(?=\s|$)|[a-z0-9_-]+")
_LINE_END = re.compile(r"\r\n?|\n")
_SOMEBODY_ELSE = "other"


class Robots(msgspec.Struct, frozen=True):
    """The rules of one ``host:port``, as they came; to be asked for again within a day (RFC 9309, section 2.4).

    ``status`` says what ``text`` is: ``rules``; ``none``: the site has no rules, and ``text`` is empty; ``unreachable``: why they could
    not be read, in words, so that nothing is allowed for now (section 2.3.1.4).
    """

    host: str
    status: Status
    text: str = ""

    def allows(self, url: str) -> bool:
        """May this page of the host be asked for?"""
        return self.refusal(url) is None

    def refusal(self, url: str) -> str | None:
        """Why this page must not be asked for, in words for a person; ``None``: it may be."""
        if self.status == "unreachable":
            return f"the site's robots.txt cannot be read, so that nothing may be asked for now: {self.text}"
        if self.status == "none":
            return None
        if not _can_fetch(_rules(self.text), url):
            return "the site's robots.txt does not allow this page to programs"
        delay = self.crawl_delay or 0.0
        if delay > LONGEST_WAIT:
            return f"the site's robots.txt asks for {duration(delay)} between two requests, and {duration(LONGEST_WAIT)} is the most"
        return None

    @property
    def crawl_delay(self) -> float | None:
        """Seconds between two requests that the site asks for, 60 at most wherever a page is allowed; ``None``: it asks for none."""
        return _rules(self.text).crawl_delay(PRODUCT) if self.status == "rules" else None


def fetch(client: Getter, url: str) -> Robots:
    """The rules for the host of ``url``. Lets Stopped through; everything else that can go wrong is a status.

    Statuses 4xx and redirects that lead nowhere: no rules. 429, 5xx and no answer: unreachable. A web page in place of the rules: none.
    """
    try:
        parts = urlsplit(addresses.address(addresses.without_login(url), None))
        where = urlunsplit((parts.scheme, parts.netloc, "/robots.txt", "", ""))
        host = addresses.host_and_port(where)
    except (Trouble, ValueError):
        return Robots("", "none")  # the client says what is wrong with the address
    try:
        response = client.get(where, accept="text/plain,*/*;q=0.5", max_bytes=_MOST_SENT)
    except BadStatus as error:
        away = 400 <= error.status < 500 and error.status != _TOO_MANY_REQUESTS
        return Robots(host, "none") if away else Robots(host, "unreachable", str(error))
    except BadRedirect:
        return Robots(host, "none")
    except FetchError as error:
        return Robots(host, "unreachable", str(error))
    text = msgspec.structs.replace(response, body=response.body[:MOST_READ]).text().lstrip("\ufeff \t\r\n")
    return Robots(host, "none") if text.startswith("<") or not text else Robots(host, "rules", text)


def _can_fetch(rules: Protego, url: str) -> bool:
    try:
        return rules.can_fetch(url, PRODUCT)
    except ValueError:  # the client says what is wrong with the address
        return True


@functools.lru_cache(maxsize=64)
def _rules(text: str) -> Protego:
    from protego import Protego  # 30 ms that a sync without pages does not need

    return Protego.parse("\n".join(_of_two_agents(line.partition("#")[0].strip()) for line in _LINE_END.split(text[:MOST_READ])))


def _of_two_agents(line: str) -> str:
    """The line, with the name of any other program as one and the same: protego would compare each of 40,000 names with each."""
    agent = _AGENT_LINE.match(line)
    if agent is None:
        return line
    name = agent["name"].strip(" \t:").lower()
    token = _TOKEN.match(name)
    known = token[0] if token and token[0] in (PRODUCT, "*") else _SOMEBODY_ELSE
    return f"User-agent: {known}" if name else "User-agent:"
