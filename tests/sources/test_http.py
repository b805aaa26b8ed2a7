"""What a source, and the operator who reads its messages, may expect of the client."""

from __future__ import annotations

import gzip
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from registry_sync import __version__
from registry_sync.errors import BadStatus, Refused, Stopped, TooSlow
from registry_sync.sources.http import Client
from tests.sources.asking import TEXT, get
from tests.sources.conftest import MakeClient, Waits
from tests.sources.site import Site, answer, dripped, head, redirect, silent
from tests.waiting import PATIENCE, free_port

# An answer


def test_an_answer_comes_with_its_status_address_headers_and_body(site: Site, client: Client) -> None:
    site.prepare(answer("Grüße", content_type="text/plain; charset=utf-8", X_Thing="7"))
    response = client.get(f"{site.url}/words?a=1#top", {"b": "2 3"}, accept="text/plain")
    assert (response.status, response.url) == (200, f"{site.url}/words?a=1&b=2+3")
    assert response.headers["x-thing"] == "7"
    assert response.text() == "Grüße"
    assert site.asked[0].query == {"a": "1", "b": "2 3"}
    assert site.asked[0].headers["Accept"] == "text/plain"


def test_the_site_learns_the_tool_and_the_contact_and_nothing_else(site: Site, client: Client) -> None:
    site.prepare(answer())
    get(client, site.url)
    headers = site.asked[0].headers
    assert headers["User-Agent"] == f"registry-sync/{__version__} (+you@example.org)"
    assert set(headers) == {"Host", "User-Agent", "Accept", "Accept-Encoding", "Connection"}


def test_an_empty_contact_is_left_out(site: Site, make_client: MakeClient) -> None:
    site.prepare(answer())
    get(make_client(contact=""), site.url)
    assert site.asked[0].headers["User-Agent"] == f"registry-sync/{__version__}"


def test_a_contact_outside_ascii_is_sent_encoded(site: Site, make_client: MakeClient) -> None:
    site.prepare(answer())
    get(make_client(contact="bjørn@example.org"), site.url)
    assert site.asked[0].headers["User-Agent"].endswith("(+bj%C3%B8rn@example.org)")


def test_cookies_are_not_kept(site: Site, client: Client) -> None:
    site.prepare(answer(Set_Cookie="visitor=42; Path=/"), answer())
    get(client, site.url)
    get(client, site.url)
    assert "Cookie" not in site.asked[1].headers


def test_a_login_in_netrc_is_not_sent(site: Site, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login someone password something\n")
    monkeypatch.setenv("NETRC", str(netrc))
    site.prepare(answer())
    get(client, site.url)
    assert "Authorization" not in site.asked[0].headers


def test_connections_are_used_again(site: Site, client: Client) -> None:
    site.prepare(answer(TEXT), answer(TEXT), answer(gzip.compress(TEXT), Content_Encoding="gzip"))
    for _ in range(3):
        assert get(client, site.url) == TEXT
    assert len({asked.client for asked in site.asked}) == 1


def test_several_threads_may_ask_at_once(site: Site, client: Client) -> None:
    site.always = lambda visit: answer(visit.asked.path)(visit)
    with ThreadPoolExecutor(4) as threads:
        bodies = list(threads.map(lambda number: get(client, f"{site.url}/{number}"), range(40)))
    assert bodies == [f"/{number}".encode() for number in range(40)]
    assert client.requests == 40


def test_requests_and_bytes_on_the_wire_are_counted_and_a_meter_counts_its_own(site: Site, make_client: MakeClient) -> None:
    client = make_client(attempts=2)
    packed = gzip.compress(TEXT)
    site.prepare(answer(TEXT), answer(status=503), redirect("/there"), answer(packed, Content_Encoding="gzip"))
    get(client, site.url)
    meter = client.meter()
    assert meter.get(site.url, accept="*/*").body == TEXT
    assert (meter.requests, meter.bytes) == (3, len(packed))
    assert (client.requests, client.bytes) == (4, len(TEXT) + len(packed))


# Time


def test_headers_that_come_one_byte_at_a_time_are_too_slow(site: Site, make_client: MakeClient) -> None:
    site.prepare(dripped(head(headers={"X-Long": "x" * 4000}) + TEXT))
    with pytest.raises(TooSlow, match=r"127\.0\.0\.1:\d+/page did not answer in (full within 1 s|time)$"):
        get(make_client(timeout=0.6), f"{site.url}/page")


@pytest.mark.parametrize("length", ["", "100000"], ids=["until the end", "with a length"])
def test_a_body_that_comes_one_byte_at_a_time_is_too_slow(site: Site, make_client: MakeClient, length: str) -> None:
    beginning = head(headers={"Content-Length": length} if length else {"Connection": "close"})
    site.prepare(dripped(TEXT * 20, at_once=beginning))
    with pytest.raises(TooSlow):
        get(make_client(timeout=0.4), site.url)


def test_chunks_that_come_one_byte_at_a_time_are_too_slow(site: Site, make_client: MakeClient) -> None:
    site.prepare(dripped(b"1\r\na\r\n" * 4000, at_once=head(headers={"Transfer-Encoding": "chunked"})))
    with pytest.raises(TooSlow):
        get(make_client(timeout=0.4), site.url)


def test_no_answer_is_too_slow(site: Site, make_client: MakeClient) -> None:
    site.prepare(silent)
    with pytest.raises(TooSlow):
        get(make_client(timeout=0.3), site.url)


def test_the_deadline_holds_on_a_connection_that_is_used_again(site: Site, make_client: MakeClient) -> None:
    client = make_client()
    site.prepare(answer(TEXT), dripped(TEXT * 20, at_once=head(headers={"Content-Length": "100000"})))
    get(client, site.url)
    client._timeout = 0.5
    with pytest.raises(TooSlow):
        get(client, site.url)
    assert len({asked.client for asked in site.asked}) == 1


def test_a_site_that_was_too_slow_is_asked_again(site: Site, make_client: MakeClient, waits: Waits) -> None:
    def wait(seconds: float) -> None:
        waits(seconds)
        site.always = answer(TEXT)
        client._timeout = PATIENCE

    site.always = silent
    client = make_client(timeout=0.5, attempts=2, wait=wait)
    assert get(client, site.url) == TEXT
    assert waits.seconds == [1.0]


# Tries


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_passing_trouble_is_tried_again(site: Site, make_client: MakeClient, waits: Waits, status: int) -> None:
    site.prepare(answer(status=status), answer(TEXT))
    assert get(make_client(attempts=2), site.url) == TEXT
    assert waits.seconds == [1.0]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 501])
def test_other_statuses_are_final(site: Site, make_client: MakeClient, waits: Waits, status: int) -> None:
    site.always = answer("not this", status=status)
    with pytest.raises(BadStatus) as caught:
        get(make_client(attempts=4), f"{site.url}/page")
    assert (caught.value.status, caught.value.retry_after) == (status, None)
    assert (len(site.asked), waits.seconds) == (1, [])


def test_a_status_is_told_in_words(site: Site, client: Client) -> None:
    site.prepare(answer(status=404), answer(status=477))
    with pytest.raises(BadStatus, match=r"^127\.0\.0\.1:\d+/trials/x answered 404 \(not found\)$"):
        get(client, f"{site.url}/trials/x/?secret=1")
    with pytest.raises(BadStatus, match=r" answered 477$"):
        get(client, site.url)


def test_waits_grow_and_end_at_30_seconds_and_the_tries_are_told(site: Site, make_client: MakeClient, waits: Waits) -> None:
    site.always = answer(status=500)
    with pytest.raises(BadStatus, match=r"answered 500 \(internal server error\), tried 8 times$"):
        get(make_client(attempts=8), site.url)
    assert waits.seconds == [1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize(("chance", "expected"), [(0.0, [0.75, 1.5]), (0.999, [1.2495, 2.499])])
def test_waits_are_jittered(site: Site, make_client: MakeClient, waits: Waits, chance: float, expected: list[float]) -> None:
    site.always = answer(status=500)
    with pytest.raises(BadStatus):
        get(make_client(attempts=3, random=lambda: chance), site.url)
    assert waits.seconds == pytest.approx(expected)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("60", 60.0),
        ("0", 1.0),
        ("Mon, 02 Feb 2026 02:40:20 GMT", 20.0),
        ("Mon, 02 Feb 2026 02:39:00 GMT", 1.0),
        ("soon", 1.0),
        ("-5", 1.0),
        ("Mon, 99 Feb 99999 02:40:20 GMT", 1.0),
    ],
)
def test_retry_after_is_waited_for(site: Site, make_client: MakeClient, waits: Waits, header: str, seconds: float) -> None:
    site.prepare(answer(status=429, Retry_After=header), answer(TEXT))
    assert get(make_client(attempts=2), site.url) == TEXT
    assert waits.seconds == [seconds]


@pytest.mark.parametrize(
    ("header", "seconds", "words"),
    [("7200", 7200.0, "2 h"), ("61", 61.0, "61 s"), ("Mon, 02 Feb 2026 04:40:00 GMT", 7200.0, "2 h"), ("9" * 5000, 1e9, "11574 d")],
)
def test_a_longer_wait_is_left_to_a_later_run(
    site: Site, make_client: MakeClient, waits: Waits, header: str, seconds: float, words: str
) -> None:
    site.always = answer(status=429, Retry_After=header)
    with pytest.raises(BadStatus, match=rf"answered 429 \(too many requests\); it asks to wait {words}$") as caught:
        get(make_client(attempts=4), site.url)
    assert caught.value.retry_after == pytest.approx(seconds)
    assert (len(site.asked), waits.seconds) == (1, [])


def test_the_wait_that_a_site_asks_for_is_told_when_the_tries_are_used_up(site: Site, make_client: MakeClient) -> None:
    site.always = answer(status=503, Retry_After="30")
    with pytest.raises(BadStatus, match=r"tried 2 times; it asks to wait 30 s$") as caught:
        get(make_client(attempts=2), site.url)
    assert caught.value.retry_after == 30


def test_a_wait_may_stop_the_work(site: Site, make_client: MakeClient) -> None:
    def stop(seconds: float) -> None:
        raise Stopped("asked to stop")

    site.always = answer(status=500)
    with pytest.raises(Stopped, match="asked to stop"):
        get(make_client(attempts=4, wait=stop), site.url)


def test_a_refused_connection_is_tried_again_and_told(make_client: MakeClient, waits: Waits) -> None:
    port = free_port()
    with pytest.raises(Refused, match=rf"^127\.0\.0\.1:{port}/x refused the connection, tried 3 times$"):
        get(make_client(attempts=3), f"http://127.0.0.1:{port}/x")
    assert waits.seconds == [1.0, 2.0]


def test_a_name_that_nobody_knows_is_told(make_client: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Refused, match=r"^registry\.example\.org cannot be found; check the address and the network$"):
        get(make_client(), "http://registry.example.org/?token=secret")


@pytest.mark.parametrize(
    "url", ["", "words", "ftp://example.org/", "http://", "http://[::1", "http://example.org:99999/", "file:///etc/hosts"]
)
def test_what_is_no_web_address_is_refused_unasked(make_client: MakeClient, url: str) -> None:
    client = make_client(attempts=4)
    with pytest.raises(Refused, match="not an http or https address"):
        get(client, url)
    assert client.requests == 0


@pytest.mark.parametrize("url", ["http://exa mple.org/", "http://-\u2044.example.org/", "http://" + "a" * 300 + ".example.org/"])
def test_a_host_that_cannot_be_is_one_clear_line(make_client: MakeClient, url: str) -> None:
    with pytest.raises(Refused) as caught:
        get(make_client(attempts=1), url)
    assert "\n" not in str(caught.value)


# Pace


def test_a_bucket_may_be_spent_at_once_and_is_refilled_evenly(site: Site, make_client: MakeClient, waits: Waits) -> None:
    client = make_client(requests_per_minute=3)
    site.always = answer()
    for _ in range(3):
        get(client, site.url)
    assert waits.seconds == []
    get(client, site.url)
    get(client, site.url)
    assert waits.seconds == pytest.approx([20.0, 20.0])


def test_each_host_and_port_has_its_own_pace(site: Site, make_client: MakeClient, waits: Waits) -> None:
    client = make_client(requests_per_minute=1)
    site.always = answer()
    get(client, site.url)
    get(client, site.url.replace("127.0.0.1", "localhost"))
    assert waits.seconds == []


def test_tries_and_redirects_are_paced_too(site: Site, make_client: MakeClient, waits: Waits) -> None:
    client = make_client(requests_per_minute=60, attempts=2)
    site.prepare(*[answer()] * 58, redirect("/there"), answer(status=500), answer(TEXT))
    for _ in range(58):
        get(client, site.url)
    assert get(client, site.url) == TEXT
    assert waits.seconds == [1.0]  # the wait before the second try gave one request back
