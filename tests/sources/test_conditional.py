"""Asking for a page only if it is another one, slowly, and for no more of it than a page has."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from registry_sync.demo.listing import Listing
from registry_sync.demo.record import TRIAL
from registry_sync.demo.story import first_listing
from registry_sync.errors import BadStatus, TooLarge
from registry_sync.sources.http import LARGEST_PAGE, Client
from registry_sync.sources.interface import Validators
from registry_sync.sources.pace import Pace
from registry_sync.sources.response import Response, conditions
from tests.sources.asking import TEXT
from tests.sources.conftest import MakeClient, Waits
from tests.sources.site import Site, answer, head, raw, redirect

ETAG = '"v1"'
MONDAY = "Mon, 02 Feb 2026 02:40:20 GMT"
BOTH = Validators(ETAG, MONDAY)


def html(url: str, client: Client, validators: Validators | None = None) -> Response:
    return client.get(url, accept="text/html", validators=validators)


# What came


def test_an_answer_gives_what_to_ask_by_next_time(site: Site, client: Client) -> None:
    site.prepare(answer(TEXT, ETag=ETAG, Last_Modified=MONDAY), answer(TEXT, ETag="W/" + ETAG), answer(TEXT))
    assert [html(site.url, client).validators for _ in range(3)] == [BOTH, Validators(etag="W/" + ETAG), None]


@pytest.mark.parametrize(
    ("etag", "modified"),
    [
        ("*", ""),
        ('"a", *', ""),
        ("unquoted", ""),
        ('"' + "x" * 300 + '"', ""),
        ('"a b"', ""),
        ('"\x7f"', ""),
        ('"é"', ""),
        ("", "yesterday"),
        ("", "Mon, 02 Feb 2026" + " " * 2000 + "02:40:20"),
        ("", "Mon, 99 Feb 99999 02:40:20 GMT"),
        ("", MONDAY + "é"),
    ],
)
def test_what_cannot_be_sent_back_is_not_kept(etag: str, modified: str) -> None:
    headers = CaseInsensitiveDict({"etag": etag, "last-modified": modified})
    kept = Response(200, "http://example.org/", headers, b"").validators
    assert kept is None or kept.last_modified == "Mon, 02 Feb 2026 02:40:20"  # blanks are folded
    assert conditions(Validators(etag, modified)) == {}


@given(st.text(max_size=400), st.text(max_size=400))
def test_no_header_can_be_smuggled_in(etag: str, modified: str) -> None:
    for value in conditions(Validators(etag, modified)).values():
        assert value.isascii()
        assert value.isprintable()
        assert len(value) <= 300


# Asking by it


def test_a_page_that_is_as_it_was_is_not_sent_again(site: Site, client: Client) -> None:
    site.prepare(raw(head(304, {"ETag": ETAG})), answer(TEXT))
    response = html(f"{site.url}/page", client, BOTH)
    assert (response.status, response.body, response.url) == (304, b"", f"{site.url}/page")
    assert response.validators == Validators(ETAG)
    sent = site.asked[0].headers
    assert (sent["If-None-Match"], sent["If-Modified-Since"]) == (ETAG, MONDAY)
    assert html(site.url, client).body == TEXT
    assert len({asked.client for asked in site.asked}) == 1


def test_304_is_no_answer_to_a_question_without_validators(site: Site, client: Client) -> None:
    site.always = raw(head(304))
    for validators in (None, Validators(), Validators(etag="*")):
        with pytest.raises(BadStatus, match="answered 304"):
            html(site.url, client, validators)


def test_validators_go_to_the_asked_address_alone(site: Site, client: Client) -> None:
    site.prepare(redirect("/there"), answer("<p>closed</p>", ETag='"v2"', Last_Modified=MONDAY))
    response = html(f"{site.url}/here", client, BOTH)
    assert ["If-None-Match" in asked.headers for asked in site.asked] == [True, False]
    assert (response.asked, response.url, response.redirected) == (f"{site.url}/here", f"{site.url}/there", True)
    assert response.validators is None


def test_a_304_after_a_redirect_is_no_answer(site: Site, client: Client) -> None:
    site.prepare(redirect("/there"), raw(head(304)))
    with pytest.raises(BadStatus, match="304"):
        html(site.url, client, BOTH)


def test_a_second_try_asks_by_the_same(site: Site, make_client: MakeClient) -> None:
    site.prepare(redirect("/there"), answer(status=503), raw(head(304)))
    assert html(site.url, make_client(attempts=2), BOTH).status == 304
    assert ["If-None-Match" in asked.headers for asked in site.asked] == [True, False, True]


def test_a_meter_asks_by_it_too(site: Site, client: Client) -> None:
    site.prepare(raw(head(304)))
    meter = client.meter()
    assert meter.get(site.url, accept="*/*", validators=BOTH).status == 304
    assert (meter.requests, meter.bytes) == (1, 0)


@pytest.mark.parametrize(("etag", "last_modified"), [(True, True), (True, False), (False, True)])
def test_the_demo_listing_is_asked_that_way(client: Client, etag: bool, last_modified: bool) -> None:
    with Listing() as listing:
        listing.validators(etag=etag, last_modified=last_modified)
        listing.put(TRIAL, first_listing())
        first = html(listing.url_of(TRIAL), client)
        again = html(listing.url_of(TRIAL), client, first.validators)
        listing.put(TRIAL, replace(first_listing(), status="Completed"))
        changed = html(listing.url_of(TRIAL), client, first.validators)
    assert (first.status, again.status, changed.status) == (200, 304, 200)
    assert b"Completed" in changed.body


# No more than a page has


def test_a_request_can_have_a_cap_of_its_own(site: Site, make_client: MakeClient) -> None:
    client = make_client(max_bytes=5000)
    site.always = answer(b"x" * 2000)
    assert len(client.get(site.url, accept="*/*").body) == 2000
    with pytest.raises(TooLarge):
        client.get(site.url, accept="*/*", max_bytes=1999)
    site.always = answer(b"x" * 6000)
    with pytest.raises(TooLarge):
        client.get(site.url, accept="*/*", max_bytes=10_000)


@pytest.mark.parametrize("packed", [False, True])
def test_a_page_of_50_mb_is_refused(site: Site, client: Client, packed: bool) -> None:
    data = bytes(50_000_000)
    site.prepare(answer(gzip.compress(data, 1), Content_Encoding="gzip") if packed else raw(head(headers={"Connection": "close"}) + data))
    with pytest.raises(TooLarge, match="more than 8 MiB"):
        client.get(site.url, accept="*/*", max_bytes=LARGEST_PAGE)
    assert client.bytes < LARGEST_PAGE + 2**17


# Slowly


def test_a_host_can_be_slowed_down(site: Site, client: Client, waits: Waits) -> None:
    site.always = answer()
    host = site.url.removeprefix("http://")
    html(site.url, client)
    client.slow_down(host, 2.5)
    for _ in range(3):
        html(site.url, client)
    html(site.url.replace("127.0.0.1", "localhost"), client)
    assert waits.seconds == [2.5, 2.5, 2.5]
    client.slow_down(host, 0)
    html(site.url, client)
    assert waits.seconds == [2.5, 2.5, 2.5]


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_no_host_is_slowed_down_by_nonsense(seconds: float) -> None:
    pace = Pace(600, lambda: 0.0)
    pace.slow_down("a:80", seconds)
    assert [pace.take("a:80") for _ in range(3)] == [0.0, 0.0, 0.0]


STEPS = st.lists(
    st.tuples(st.sampled_from(["a:80", "b:80"]), st.one_of(st.just(0.0), st.floats(0.0, 20.0)), st.floats(0.0, 0.5)), max_size=40
)


@given(st.integers(1, 120), st.floats(0.0, 30.0), STEPS)
def test_requests_never_start_sooner_than_the_pace_allows(per_minute: int, gap: float, steps: list[tuple[str, float, float]]) -> None:
    """Whatever the pauses, and however much longer than asked a wait lasts."""
    now = 1000.0
    pace = Pace(per_minute, lambda: now)
    pace.slow_down("a:80", gap)
    starts: dict[str, list[float]] = {"a:80": [], "b:80": []}
    for host, pause, late in steps:
        now += pause
        wait = pace.take(host)
        assert wait >= 0
        if wait > 0:
            now += wait + late
            pace.began(host)
        starts[host].append(now)
    for first, second in zip(starts["a:80"], starts["a:80"][1:], strict=False):
        assert second - first >= gap - 1e-6
    for times in starts.values():
        for index, start in enumerate(times[per_minute:]):
            late = 0.5  # the one before may have begun so much later than it was told
            assert start - times[index] >= 60 / per_minute - late - 1e-6  # a full bucket may be spent at once
