"""A client that is closed, that keeps secrets, and that speaks TLS and to proxies."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme

from registry_sync.errors import BadRedirect, BadStatus, FetchError, Refused, Stopped, TooSlow
from registry_sync.sources.http import Client
from tests.sources.asking import AT_ONCE, TEXT, get
from tests.sources.conftest import NOW, MakeClient, Waits
from tests.sources.site import Site, Visit, answer, dripped, head, redirect, serve, silent
from tests.waiting import free_port

# Closing


def closed_while(client: Client, site: Site, url: str) -> BaseException | None:
    """Ask in another thread, close the client once the site has been asked, and give what the thread met."""
    with ThreadPoolExecutor(1) as threads:
        result = threads.submit(get, client, url)
        assert site.asked_and_waiting.wait(AT_ONCE)
        client.close()
        return result.exception(AT_ONCE)


def test_closing_ends_a_request_that_waits_for_an_answer(site: Site, make_client: MakeClient) -> None:
    site.prepare(silent)
    client = make_client(attempts=4)
    began = time.monotonic()
    assert isinstance(closed_while(client, site, site.url), Stopped)
    assert time.monotonic() - began < AT_ONCE
    assert len(site.asked) == 1


def test_closing_ends_a_request_in_the_middle_of_its_body(site: Site, client: Client) -> None:
    def begin(visit: Visit) -> None:
        visit.write(head(headers={"Connection": "close"}) + TEXT)
        silent(visit)

    site.prepare(begin)
    assert isinstance(closed_while(client, site, site.url), Stopped), "half a body must not pass for a whole one"


def test_closing_ends_a_wait_for_the_next_try(site: Site, make_client: MakeClient) -> None:
    def refuse(visit: Visit) -> None:
        answer(status=503, Retry_After="50")(visit)
        visit.site.asked_and_waiting.set()

    site.prepare(refuse)
    assert isinstance(closed_while(make_client(attempts=2, wait=None), site, site.url), Stopped)


def test_closing_ends_a_look_up_of_a_name(site: Site, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*args: object, **options: object) -> None:
        site.asked_and_waiting.set()
        site.over.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "later")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert isinstance(closed_while(make_client(), site, "http://registry.example.org"), Stopped)


def test_a_closed_client_asks_no_more_and_may_be_closed_again(site: Site, client: Client) -> None:
    client.close()
    client.close()
    with pytest.raises(Stopped):
        get(client, site.url)
    assert site.asked == []


def test_a_client_closes_itself_at_the_end_of_a_block(site: Site, make_client: MakeClient) -> None:
    with make_client() as client:
        pass
    with pytest.raises(Stopped):
        get(client, site.url)


# Secrets, proxies, TLS


def test_a_login_in_the_address_is_sent_to_that_site_and_not_told_on(site: Site, client: Client) -> None:
    site.prepare(redirect("/b"), answer(TEXT))
    response = client.get(site.url.replace("//", "//someone:something@"), accept="*/*")
    assert site.asked[0].headers["Authorization"].startswith("Basic ")
    assert response.url == f"{site.url}/b"


def test_no_message_shows_a_secret_of_the_address(site: Site, make_client: MakeClient) -> None:
    client = make_client(attempts=2, timeout=0.3)
    secret = site.url.replace("//", "//someone:hunter2@") + "/page?token=hunter2#hunter2"
    closed = f"http://someone:hunter2@127.0.0.1:{free_port()}/?token=hunter2"
    site.prepare(
        answer(status=404), answer(b"x", Content_Encoding="br"), answer(status=403), redirect(secret), redirect(secret), silent, silent
    )
    for url in (secret, secret, secret, closed, secret, "ftp://someone:hunter2@example.org/?hunter2"):
        with pytest.raises(FetchError) as caught:
            get(client, url)
        assert "hunter2" not in f"{caught.value} {caught.value.about}"


def test_a_message_never_carries_what_a_terminal_would_obey(site: Site, client: Client) -> None:
    site.prepare(redirect("/\x1b[31mred"), answer(status=404))
    with pytest.raises(BadStatus) as caught:
        get(client, site.url)
    assert str(caught.value).isprintable()


def test_a_proxy_of_the_environment_is_used_but_never_for_this_machine(site: Site, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", site.url)
    site.prepare(answer(TEXT))
    assert get(client, "http://registry.example.org/words") == TEXT
    assert site.asked[0].line.startswith("GET http://registry.example.org/words ")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    site.prepare(answer(TEXT))
    assert get(client, site.url) == TEXT
    with pytest.raises(Refused, match="cannot be reached through the proxy"):
        get(client, "http://registry.example.org/words")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def safe_site(authority: trustme.CA) -> Iterable[Site]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    yield from serve(context)


@pytest.fixture
def trusting(
    safe_site: Site, authority: trustme.CA, make_client: MakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> MakeClient:
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    return make_client


def test_a_site_over_tls_is_asked(safe_site: Site, trusting: MakeClient) -> None:
    safe_site.prepare(answer(TEXT), answer(TEXT))
    with trusting() as client:
        assert get(client, safe_site.url) == get(client, safe_site.url) == TEXT
    assert len({asked.client for asked in safe_site.asked}) == 1


def test_a_slow_site_over_tls_is_cut_off_at_the_deadline(safe_site: Site, trusting: MakeClient) -> None:
    safe_site.prepare(dripped(TEXT * 20, at_once=head(headers={"Connection": "close"})))
    with trusting(timeout=0.6) as client, pytest.raises(TooSlow):
        get(client, safe_site.url)


def test_closing_ends_a_request_over_tls(safe_site: Site, trusting: MakeClient) -> None:
    safe_site.prepare(silent)
    assert isinstance(closed_while(trusting(), safe_site, safe_site.url), Stopped)


def test_a_handshake_that_never_ends_is_too_slow(make_client: MakeClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute, pytest.raises(TooSlow):
        get(make_client(timeout=0.3), f"https://127.0.0.1:{mute.getsockname()[1]}/")


def test_a_certificate_that_is_not_trusted_is_told_and_not_tried_again(safe_site: Site, make_client: MakeClient, waits: Waits) -> None:
    with pytest.raises(Refused, match=r"shows a certificate that is not trusted \("):
        get(make_client(attempts=4), safe_site.url)
    assert waits.seconds == []


def test_a_redirect_from_tls_to_plain_http_is_refused(site: Site, safe_site: Site, trusting: MakeClient) -> None:
    safe_site.prepare(redirect(f"{site.url}/plain"))
    with trusting() as client, pytest.raises(BadRedirect, match="from https to unprotected http"):
        get(client, safe_site.url)
    assert site.asked == []


def test_a_plain_site_where_tls_was_expected_is_one_clear_line(site: Site, client: Client) -> None:
    with pytest.raises(FetchError, match="TLS handshake"):
        get(client, site.url.replace("http:", "https:"))


def test_nothing_is_left_running(site: Site, make_client: MakeClient) -> None:
    site.always = answer(TEXT)
    before = set(threading.enumerate())
    with make_client() as client:
        for _ in range(5):
            get(client, site.url)
    left = [thread for thread in set(threading.enumerate()) - before if isinstance(thread, threading.Timer)]
    for timer in left:
        timer.join(AT_ONCE)
        assert not timer.is_alive()


def test_the_clock_of_these_tests_is_a_day_in_2026() -> None:
    assert time.gmtime(NOW)[:6] == (2026, 2, 2, 2, 40, 0)
