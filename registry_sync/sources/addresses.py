"""Addresses: which can be asked, where a redirect may lead, which proxy stands before one."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

from requests.utils import get_environ_proxies

from registry_sync import hosts
from registry_sync.errors import BadRedirect, Refused
from registry_sync.sources.trouble import Trouble, place

MOST_REDIRECTS = 5
DEFAULT_PORTS = {"http": 80, "https": 443}


def address(url: str, params: Mapping[str, str] | None) -> str:
    """The address to ask. Raises Trouble when it is none that can be asked."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in DEFAULT_PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        trouble = Trouble(Refused, "is not an http or https address that can be asked", again=False)
        trouble.url = url
        raise trouble
    query = "&".join(part for part in (parts.query, urlencode(params or {})) if part)
    return urlunsplit(parts._replace(query=query, fragment=""))


def next_address(seen: list[str], location: str) -> str:
    """Where a redirect leads to from the last address ``seen``. Raises Trouble when it must not be followed."""
    here = seen[-1]
    try:
        there = without_login(urljoin(here, location))
        parts = urlsplit(there)
        usable = bool(location) and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise _astray("redirects to no usable address")
    if parts.scheme not in DEFAULT_PORTS:
        raise _astray("redirects to something that is not the web")
    if here.startswith("https:") and parts.scheme == "http":
        raise _astray(f"redirects from https to unprotected http ({place(there)})")
    if parts.hostname != urlsplit(here).hostname and _leads_inside(there) and not _leads_inside(seen[0]):
        raise _astray("redirects into a private network")
    if there in map(without_login, seen):
        raise _astray("redirects in a circle")
    if len(seen) > MOST_REDIRECTS:
        raise _astray(f"redirects again after {MOST_REDIRECTS} redirects")
    return there


def _leads_inside(url: str) -> bool:
    """A site out there must not make this machine ask what only this machine can reach."""
    parts = urlsplit(url)
    return hosts.leads_inside(parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme, 0))


def _astray(says: str) -> Trouble:
    return Trouble(BadRedirect, says, again=False)


def without_login(url: str) -> str:
    """The address without user name, password and fragment."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))


def host_and_port(url: str) -> str:
    """``host:port`` of an address, the scheme's own port included."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or DEFAULT_PORTS[parts.scheme]}"


def proxies(url: str) -> dict[str, str]:
    """The proxies of the environment, never for this machine: a proxy elsewhere would look for the site at home."""
    host = urlsplit(url).hostname or ""
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    return {} if local else {key: value for key, value in get_environ_proxies(url, no_proxy=None).items() if isinstance(value, str)}
