"""What a site may say of programs, and what a polite program makes of it."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_sync.demo.listing import Listing
from registry_sync.demo.record import TRIAL
from registry_sync.errors import Stopped
from registry_sync.sources.http import Client
from registry_sync.sources.robots import MOST_READ, Robots, fetch
from tests.sources.conftest import MakeClient, Waits
from tests.sources.site import Site, answer, dripped, head, raw, redirect
from tests.waiting import costs_its_share, free_port

PAGE = "https://finder.example.org/trials/NCT01234567?radius=50"


def rules(text: str) -> Robots:
    return Robots("finder.example.org:443", "rules", text)


plain = functools.partial(answer, content_type="text/plain")


# Asking for the rules


def test_the_rules_of_a_host_are_asked_for_once_and_can_be_kept(client: Client) -> None:
    with Listing() as listing:
        listing.robots("User-agent: *\nDisallow: /trials/\nCrawl-delay: 0.5\n")
        found = fetch(client, listing.url_of(TRIAL) + "?a=1#b")
        assert [request.path for request in listing.requests] == ["/robots.txt"]
    kept = msgspec.json.decode(msgspec.json.encode(found), type=Robots)
    assert (kept.host, kept.status, kept.crawl_delay) == (listing.url.removeprefix("http://"), "rules", 0.5)
    assert not kept.allows(listing.url_of(TRIAL))
    assert kept.allows(listing.url + "/about")
    assert kept.refusal(listing.url_of(TRIAL)) == "the site's robots.txt does not allow this page to programs"


def test_login_query_and_fragment_are_left_out(site: Site, client: Client) -> None:
    site.prepare(plain("User-agent: *\nDisallow: /"))
    found = fetch(client, site.url.replace("//", "//me:secret@") + "/a/b?c=d#e")
    assert site.asked[0].line == "GET /robots.txt HTTP/1.1"
    assert "Authorization" not in site.asked[0].headers
    assert found.host == site.url.removeprefix("http://")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
def test_a_site_without_rules_allows_everything(site: Site, client: Client, status: int) -> None:
    site.always = plain("User-agent: *\nDisallow: /", status=status)
    found = fetch(client, site.url)
    assert (found.status, found.text, found.crawl_delay) == ("none", "", None)
    assert found.allows(site.url + "/page")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 599])
def test_a_site_in_trouble_is_left_alone(site: Site, client: Client, status: int) -> None:
    site.always = plain("", status=status)
    found = fetch(client, site.url)
    assert (found.status, found.crawl_delay) == ("unreachable", None)
    assert str(status) in (found.refusal(site.url + "/page") or "")


def test_a_site_that_does_not_answer_is_left_alone(site: Site, make_client: MakeClient) -> None:
    site.always = dripped(b"User-agent: *" * 100, at_once=head(headers={"Connection": "close"}))
    assert fetch(make_client(timeout=0.4), site.url).status == "unreachable"
    assert fetch(make_client(), f"http://127.0.0.1:{free_port()}/x").status == "unreachable"


def test_rules_may_be_moved_and_are_the_rules_of_the_asked_host(site: Site, client: Client) -> None:
    site.prepare(redirect("/a"), redirect("/b"), redirect("/c"), redirect("/d"), redirect("/e"), plain("User-agent: *\nDisallow: /x"))
    found = fetch(client, site.url)
    assert (found.status, found.allows(site.url + "/x"), found.allows(site.url + "/y")) == ("rules", False, True)


def test_rules_that_move_for_ever_are_none(site: Site, client: Client) -> None:
    site.prepare(*[redirect(f"/{number}") for number in range(6)])
    assert fetch(client, site.url).status == "none"


@pytest.mark.parametrize("text", ["<!DOCTYPE html><p>User-agent: *\nDisallow: /", "\ufeff\n <html>", "", " \n", "\ufeff"])
@pytest.mark.parametrize("content_type", ["text/html", "text/plain", ""])
def test_a_web_page_or_nothing_in_place_of_the_rules_is_none(site: Site, client: Client, text: str, content_type: str) -> None:
    site.prepare(answer(text, content_type=content_type))
    assert fetch(client, site.url) == Robots(site.url.removeprefix("http://"), "none")


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbfUser-agent: *\r\nDisallow: /x\r\n",
        "User-agent: *\nDisallow: /x".encode("utf-16"),
        b"User-agent: *\rDisallow: /x",
        b"\xe9\xff User-agent: q\n\nUser-agent: *\nDisallow: /x",
        b"# only\n\n# words\nUSER-AGENT : * # all\ndisallow :/x # this",
        b"User-agent: *\nDisallow: /x\n" + b"#" * 2 * MOST_READ,
    ],
    ids=["byte order mark", "utf-16", "old line ends", "not utf-8", "comments", "more than is read"],
)
def test_rules_in_any_dress(site: Site, client: Client, body: bytes) -> None:
    site.prepare(answer(body, content_type="text/plain"))
    found = fetch(client, site.url)
    assert len(found.text) <= MOST_READ
    assert (found.allows(site.url + "/x/1"), found.allows(site.url + "/y")) == (False, True)


def test_what_lies_beyond_500_kib_is_not_read(site: Site, client: Client) -> None:
    site.prepare(answer(b"User-agent: *\n" + b"#\n" * (MOST_READ // 2) + b"Disallow: /\n", content_type="text/plain"))
    assert fetch(client, site.url).allows(site.url)


def test_a_bomb_in_place_of_the_rules_is_left_alone(site: Site, client: Client) -> None:
    site.prepare(raw(head(headers={"Connection": "close"}) + bytes(6 * 2**20), hang_up=True))
    assert fetch(client, site.url).status == "unreachable"


@pytest.mark.parametrize("url", ["", "words", "ftp://example.org/x", "http://[::1", "http://example.org:99999/", "http://"])
def test_what_is_no_address_is_left_to_the_client(client: Client, url: str) -> None:
    found = fetch(client, url)
    assert (found.status, found.allows(url), client.requests) == ("none", True, 0)
    assert rules("User-agent: *\nDisallow: /other").allows(url)


def test_to_stop_is_to_stop(site: Site, client: Client) -> None:
    client.close()
    with pytest.raises(Stopped):
        fetch(client, site.url)


# Whom they are for


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("User-agent: *\nDisallow: /", False),
        ("User-agent: *\nDisallow:", True),
        ("User-agent: somebody\nDisallow: /", True),
        ("User-agent: Registry-Sync\nDisallow: /", False),
        ("User-agent: registry-sync/1.0\nDisallow: /", False),
        ("User-agent: registry-sync-next\nDisallow: /", True),
        ("User-agent: registry\nDisallow: /", True),
        ("User-agent: sync\nDisallow: /", True),
        ("User-agent: r\nDisallow: /", True),
        ("User-agent: *\nDisallow: /\n\nUser-agent: registry-sync\nDisallow:", True),
        ("User-agent: registry-sync\nDisallow:\n\nUser-agent: *\nDisallow: /", True),
        ("User-agent: *\nAllow: /\n\nUser-agent: registry-sync\nDisallow: /trials", False),
        ("User-agent: registry-sync\nAllow: /trials/x\n\nUser-agent: registry-sync\nDisallow: /trials", False),
        ("User-agent: a\nUser-agent: registry-sync\nUser-agent: b\nDisallow: /", False),
        ("User-agent: a\nUser-agent: *\nDisallow: /\nUser-agent: b\nDisallow: /x", False),
        ("User-agent: a\nDisallow: /\nUser-agent: *\nAllow: /\nUser-agent: b\nDisallow: /", True),
        ("Disallow: /", True),
        ("User agent *\nDisallow /", False),
        ("useragent: *\nDisalow: /", False),
        ("User-agent: *\nSitemap: https://finder.example.org/map.xml\nDisallow: /", False),
        ("User-agent:\nDisallow: /", True),
        ("{}", True),
        ("User-agent: *\nNoindex: /\nDissallow /nothing\n:::\n: /\n\x00\x00", True),
    ],
)
def test_the_group_that_names_the_program_counts_else_the_one_for_all(text: str, allowed: bool) -> None:
    assert rules(text).allows(PAGE) is allowed


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        ("Disallow: /trials", False),
        ("Disallow: /trial", False),
        ("Disallow: /Trials", True),
        ("Disallow: /trials/NCT01234567$", True),
        ("Disallow: /*?radius=", False),
        ("Disallow: /*/NCT*50$", False),
        ("Disallow: *radius", False),
        ("Disallow: /tri%61ls", False),
        ("Disallow: /trials\nAllow: /trials/NCT", True),
        ("Disallow: /trials/NCT\nAllow: /trials", False),
        ("Disallow: /trials\nAllow: /trials", True),
        ("Allow: /*567\nDisallow: /trials", False),
        ("Disallow: /*.pdf$", True),
    ],
)
def test_the_longest_rule_that_fits_counts(rule: str, allowed: bool) -> None:
    assert rules(f"User-agent: *\n{rule}").allows(PAGE) is allowed


RULES = st.lists(st.tuples(st.booleans(), st.text("/ab*", min_size=1, max_size=6), st.booleans()), max_size=8)


@given(RULES, st.text("/abc", max_size=8))
def test_the_rules_are_those_of_the_rfc(found: list[tuple[bool, str, bool]], path: str) -> None:
    """Beside the plainest reading of RFC 9309, section 2.2.2."""
    lines = [(allow, pattern + "$" * end) for allow, pattern, end in found]
    best = (0, True)
    for allow, pattern in lines:
        fits = ".*".join(map(re.escape, pattern.removesuffix("$").split("*"))) + ("$" if pattern.endswith("$") else "")
        if re.match(fits, f"/{path}"):
            best = max(best, (len(pattern), allow))
    text = "User-agent: *\n" + "\n".join(f"{'Allow' if allow else 'Disallow'}: {pattern}" for allow, pattern in lines)
    assert rules(text).allows(f"https://finder.example.org/{path}") is best[1]


# How slowly


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("User-agent: *\nCrawl-delay: 10", 10.0),
        ("User-agent: *\nCrawl-delay: 0.25", 0.25),
        ("User-agent: *\ncrawl-delay:60", 60.0),
        ("User-agent: *\nCrawl-delay: -1", None),
        ("User-agent: *\nCrawl-delay: soon", None),
        ("User-agent: *\nCrawl-delay: nan", None),
        ("User-agent: *\nCrawl-delay: inf", None),
        ("User-agent: *\nCrawl-delay: 1e999", None),
        ("User-agent: *\nDisallow: /x", None),
        ("User-agent: a\nCrawl-delay: 5\nUser-agent: *\nDisallow:", None),
        ("User-agent: *\nCrawl-delay: 5\nUser-agent: registry-sync\nCrawl-delay: 2", 2.0),
    ],
)
def test_a_delay_is_asked_for_in_seconds(text: str, seconds: float | None) -> None:
    assert rules(text).crawl_delay == seconds
    assert rules(text).allows(PAGE)


def test_a_site_that_wants_longer_waits_than_a_minute_is_not_asked() -> None:
    found = rules("User-agent: *\nCrawl-delay: 600")
    assert found.refusal(PAGE) == "the site's robots.txt asks for 10 min between two requests, and 60 s is the most"
    assert rules("User-agent: *\nCrawl-delay: 1e300").refusal(PAGE) is not None


def test_a_delay_is_what_a_client_is_slowed_down_by(client: Client, waits: Waits) -> None:
    with Listing() as listing:
        listing.robots("User-agent: *\nCrawl-delay: 1.5\n")
        found = fetch(client, listing.url_of(TRIAL))
        client.slow_down(found.host, found.crawl_delay or 0.0)
        fetch(client, listing.url_of(TRIAL))
    assert waits.seconds == [1.5]


# What a hostile site may send


SCRAPS = st.sampled_from(["User-agent: *", "Disallow: ", "/", "$", "*", "%", "%zz", "\n", "Crawl-delay: 1"])


@given(st.one_of(st.text(), st.lists(SCRAPS).map("".join)))
def test_no_rules_are_too_odd(text: str) -> None:
    found = rules(text)
    assert found.allows(PAGE) in (True, False)
    assert found.crawl_delay is None or found.crawl_delay >= 0


@pytest.mark.parametrize(
    ("text", "times"),
    [
        (lambda times: "".join(f"User-agent: a{number}\n" for number in range(times)), 40_000),
        (lambda times: "".join(f"User-agent: a{number}\n" for number in range(times)) + "Disallow: /x\n" * times, 20_000),
        (lambda times: "User-agent: *\n" + "".join(f"Disallow: *{number}*x\n" for number in range(times)), 25_000),
        (lambda times: "User-agent: *\nDisallow: /" + "*a" * times + "$", 250_000),
        (lambda times: "User-agent: *\nDisallow: /" + "*" * times + "x", 500_000),
        (lambda times: "User-agent: *\nDisallow: /" + "%2" * times, 250_000),
        (lambda times: "User-agent: *\nDisallow: " + "$" * times, 500_000),
        (lambda times: "user" + " " * times + "agen: *", 500_000),
        (lambda times: "user agent" + " " * times + "x", 500_000),
        (lambda times: "\n" * times, 500_000),
        (lambda times: ":" * times, 500_000),
        (lambda times: "a " * times, 250_000),
        (lambda times: "User-agent: *\n" + "".join(f"Allow: /{number}/index.html\n" for number in range(times)), 15_000),
    ],
    ids=range(13),
)
def test_no_rules_are_slow(text: Callable[[int], str], times: int) -> None:
    def read(times: int) -> None:
        assert rules(text(times)).allows("https://finder.example.org/trials/" + "a" * 2000) in (True, False)

    assert costs_its_share(read, times // 8, times)
