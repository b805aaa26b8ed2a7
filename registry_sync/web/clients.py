"""Who asks: the address at the other end, or, where that is a proxy of the operator's own, the one that the proxy names.

A proxy writes its word behind whatever came with the request, and what came may be made up. So the chain is read from its end, as far
as it is the word of trusted proxies; what cannot be read ends it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from starlette.requests import Request

from registry_sync.hosts import network_of
from registry_sync.web.pages import around_of

UNKNOWN = "unknown"
"""Who asks from no address: over a socket of this machine."""
_MOST_HOPS = 32
"""Read of a chain; a longer one is no one's."""
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - RFC 9110's word for it
_PAIR = re.compile(rf'\s*(?P<name>{_TOKEN})=(?P<value>{_TOKEN}|"(?:[^"\\]|\\.)*")\s*(?:;|$)')
_WITH_PORT = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<four>[0-9.]+))(?::\d{1,5})?")

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_of(request: Request) -> str:
    """The address of who asks: an IPv4 or IPv6 address in its one spelling, or UNKNOWN. No header makes it one that the client chose."""
    peer = _peer(request)
    if peer is None:
        return UNKNOWN
    if not _is_trusted(request, peer):
        return str(peer)
    chains = (_forwarded_for, _chain(request, "x-forwarded-for")), (_forwarded, _chain(request, "forwarded"))
    named = {_last_untrusted(request, peer, hops(chain)) for hops, chain in chains if chain}
    return str(named.pop() if len(named) == 1 else peer)  # of two that differ, one came from the client, and who knows which


def network(client: str) -> str:
    """What counts as one client: of IPv6 a network of 64 bits, which one household has to itself."""
    return str(ipaddress.ip_network((client, 64), strict=False)) if ":" in client else client


def through_proxy(request: Request) -> bool:
    """Is it one of ``[web] trusted_proxies`` that hands this request on?"""
    peer = _peer(request)
    return peer is not None and _is_trusted(request, peer)


def _peer(request: Request) -> _Address | None:
    return _address(request.client.host.partition("%")[0]) if request.client else None


def _address(text: str) -> _Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_trusted(request: Request, address: _Address) -> bool:
    return any(address in network for network in _networks(around_of(request).settings.web.trusted_proxies))


@lru_cache(maxsize=8)
def _networks(texts: tuple[str, ...]) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [network_of(text) for text in texts]


def _last_untrusted(request: Request, peer: _Address, hops: Iterable[_Address | None]) -> _Address:
    last = peer
    for hop in hops:
        if hop is None:
            break
        last = hop
        if not _is_trusted(request, hop):
            break
    return last


def _chain(request: Request, name: str) -> str:
    return ",".join(request.headers.getlist(name))


def _last_parts(chain: str) -> Iterator[str]:
    parts = chain.rsplit(",", _MOST_HOPS)
    return reversed(parts[-_MOST_HOPS:])


def _forwarded_for(chain: str) -> Iterator[_Address | None]:
    return (_hop(part.strip()) for part in _last_parts(chain))


def _forwarded(chain: str) -> Iterator[_Address | None]:
    """Of RFC 7239. A comma within quotes cuts a part in two, of which neither is one by the grammar, so that the chain ends there."""
    return (_hop(_for(part)) for part in _last_parts(chain))


def _for(part: str) -> str:
    at, found = 0, ""
    while at < len(part):
        pair = _PAIR.match(part, at)
        if pair is None:
            return ""
        if pair["name"].lower() == "for":
            found = pair["value"].strip('"')
        at = pair.end()
    return found


def _hop(text: str) -> _Address | None:
    with_port = _WITH_PORT.fullmatch(text)
    if with_port is not None:
        text = with_port["six"] or with_port["four"]
    return None if "%" in text else _address(text)
