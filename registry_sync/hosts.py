"""Which hosts are the public's: what strangers name must not lead into the operator's own network."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_INSIDE = tuple(
    ipaddress.ip_network(each)
    for each in (
        "fec0::/10",  # site-local: given up, and still routed inside (RFC 3879)
        "192.0.0.0/24",  # kept for protocols, with a cloud's metadata service (RFC 6890)
        "192.88.99.0/24",  # relays of 6to4 (RFC 7526)
        "168.63.129.16/32",  # a cloud's own service for its machines, at a public number
    )
)
"""What the standard library counts among the public addresses, and is none of them."""

_MAPPED = 96
"""Bits before the IPv4 address in a mapped one."""

Resolve = Callable[[str, int], list[str]]


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system's resolver gives them. Raises OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def is_public(address: str) -> bool:
    """Is this IP address anybody's to reach? Not private, loopback, link-local, shared, multicast or reserved.

    An IPv4 address inside an IPv6 one (mapped, 6to4, Teredo, NAT64) is judged as what it leads to.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if inner is None and parsed in _NAT64:
            inner = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    if any(parsed in network for network in _INSIDE):
        return False
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def leads_inside(host: str, port: int, resolver: Resolve = resolve) -> bool:
    """Does this name lead to an address that is not public? One that cannot be resolved leads nowhere."""
    try:
        addresses = resolver(host, port)
    except (OSError, UnicodeError):
        return False
    return any(not is_public(address) for address in addresses)


def network_of(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """A network (``10.0.0.0/8``) or one address; of mapped IPv4 ones what they map. Raises ValueError with why it is none."""
    network = ipaddress.ip_network(text)
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= _MAPPED and network.network_address.ipv4_mapped is not None:
        network = ipaddress.ip_network((network.network_address.ipv4_mapped, network.prefixlen - _MAPPED))
    if not network.prefixlen:
        raise ValueError(f"{text} is everybody")
    return network


def site_of(url: str) -> str:
    """The site of a page: scheme, host and port, in lower case."""
    parts = urlsplit(url)
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}"
