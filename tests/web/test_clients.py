"""Who asks: the address at the other end, or the one that a trusted proxy names; never one that the client made up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from registry_sync.settings import Settings, Web
from registry_sync.web.clients import UNKNOWN, client_of, through_proxy

PROXIES = ("127.0.0.1", "10.0.0.0/8", "2001:db8:1::/48", "::ffff:172.16.0.0/108")


def asked(peer: str | None, *headers: tuple[str, str], proxies: tuple[str, ...] = PROXIES) -> Request:
    around: Any = SimpleNamespace(settings=Settings(web=Web(trusted_proxies=proxies)))
    return Request(
        {
            "type": "http",
            "method": "GET",
            "path": "/",
            "query_string": b"",
            "client": (peer, 1234) if peer is not None else None,
            "headers": [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers],
            "state": {"around": around},
        }
    )


def via(chain: str, *more: str, peer: str = "127.0.0.1") -> str:
    return client_of(asked(peer, *(("X-Forwarded-For", each) for each in (chain, *more))))


def forwarded(chain: str, *more: str) -> str:
    return client_of(asked("127.0.0.1", *(("Forwarded", each) for each in (chain, *more))))


def test_without_a_proxy_it_is_the_peer_whatever_the_request_says() -> None:
    headers = (("X-Forwarded-For", "198.51.100.7"), ("Forwarded", "for=198.51.100.7"), ("X-Real-IP", "198.51.100.7"))
    assert client_of(asked("203.0.113.9", *headers)) == "203.0.113.9"
    assert client_of(asked("127.0.0.1", *headers, proxies=())) == "127.0.0.1"
    assert client_of(asked("::ffff:203.0.113.9")) == "203.0.113.9"
    assert client_of(asked("fe80::1%eth0")) == "fe80::1"
    assert client_of(asked("2001:DB8:0:0::1")) == "2001:db8::1"
    assert not through_proxy(asked("203.0.113.9"))


@pytest.mark.parametrize("peer", [None, "", "/run/socket", "testclient"])
def test_who_has_no_address_is_unknown_and_no_proxy(peer: str | None) -> None:
    request = asked(peer, ("X-Forwarded-For", "198.51.100.7"), ("Forwarded", "for=198.51.100.7"))
    assert client_of(request) == UNKNOWN
    assert not through_proxy(request)


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.255.0.1", "::ffff:10.0.0.1", "2001:db8:1:2::3", "172.16.5.5", "::ffff:172.31.0.1"])
def test_a_trusted_proxy_names_who_asks(peer: str) -> None:
    assert via("198.51.100.7", peer=peer) == "198.51.100.7"
    assert through_proxy(asked(peer))


@pytest.mark.parametrize("peer", ["127.0.0.2", "11.0.0.1", "2001:db8:2::1", "172.32.0.1", "::1"])
def test_another_proxy_names_nobody(peer: str) -> None:
    assert via("198.51.100.7", peer=peer) == peer
    assert not through_proxy(asked(peer))


def test_what_stands_before_the_word_of_the_proxies_is_the_clients_own() -> None:
    assert via("192.0.2.1, 198.51.100.7") == "198.51.100.7"
    assert via("192.0.2.1, 198.51.100.7, 10.1.1.1,10.2.2.2") == "198.51.100.7"
    assert via("192.0.2.1", "198.51.100.7", "10.1.1.1") == "198.51.100.7"
    assert via("10.9.9.9, 10.1.1.1") == "10.9.9.9"


@pytest.mark.parametrize(
    ("hop", "address"),
    [
        ("198.51.100.7:4711", "198.51.100.7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("2001:DB8::0:7", "2001:db8::7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("  198.51.100.7\t", "198.51.100.7"),
    ],
)
def test_an_address_has_one_spelling(hop: str, address: str) -> None:
    assert via(hop) == address


@pytest.mark.parametrize(
    "garbage",
    ["unknown", "_hidden", "", "198.51.100", "198.51.100.7.8", "999.1.1.1", "<script>", "fe80::1%<b>", "[::1", "1.2.3.4:x", "é", "١.٢.٣.٤"],
)
def test_garbage_ends_the_chain_at_the_last_proxy(garbage: str) -> None:
    assert via(f"192.0.2.1, {garbage}") == "127.0.0.1"
    assert via(f"192.0.2.1, {garbage}, 10.1.1.1") == "10.1.1.1"
    assert forwarded(f"for=192.0.2.1, for={garbage}") == "127.0.0.1"


@pytest.mark.parametrize(
    ("chain", "address"),
    [
        ("for=198.51.100.7", "198.51.100.7"),
        ('For="198.51.100.7:80";proto=https;by=203.0.113.43', "198.51.100.7"),
        ('proto=http ; for="[2001:db8:cafe::17]:4711"', "2001:db8:cafe::17"),
        ("for=192.0.2.1, for=198.51.100.7;host=example.org, for=10.1.1.1", "198.51.100.7"),
        ('for="192.0.2.1, for=198.51.100.7', "198.51.100.7"),  # a quote that the client left open
        ('for=198.51.100.7;host="a, for=192.0.2.1;b="', "127.0.0.1"),  # a host that the client chose and the proxy quotes
        ('for=198.51.100.7;host="a, for=192.0.2.1;b=\\"c"', "127.0.0.1"),
        ("proto=https", "127.0.0.1"),
        ("for", "127.0.0.1"),
        (";;;", "127.0.0.1"),
    ],
)
def test_the_standard_header_is_understood(chain: str, address: str) -> None:
    assert forwarded(chain) == address


def test_of_two_headers_that_differ_neither_is_believed() -> None:
    both = ("X-Forwarded-For", "198.51.100.7"), ("Forwarded", "for=192.0.2.1")
    assert client_of(asked("127.0.0.1", *both)) == "127.0.0.1"
    same = ("X-Forwarded-For", "198.51.100.7"), ("Forwarded", "for=198.51.100.7")
    assert client_of(asked("127.0.0.1", *same)) == "198.51.100.7"


def test_a_chain_without_end_costs_nothing_and_names_nobody() -> None:
    assert via("192.0.2.1" + ", 10.1.1.1" * 5000) == "10.1.1.1"
    assert forwarded("for=" * 10_000) == "127.0.0.1"


@given(st.text(max_size=80), st.text(max_size=80))
def test_nothing_that_a_client_sends_raises_or_makes_an_address_its_own(chain: str, standard: str) -> None:
    headers = ("X-Forwarded-For", chain + ", 198.51.100.7"), ("Forwarded", standard + ", for=198.51.100.7")
    assert client_of(asked("127.0.0.1", *headers)) == "198.51.100.7"
    client_of(asked("127.0.0.1", ("X-Forwarded-For", chain), ("Forwarded", standard)))
