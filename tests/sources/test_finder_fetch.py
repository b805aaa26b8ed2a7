"""A page is fetched over a real socket: what comes decides, and a failed request is a reason, not an exception."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from registry_sync.errors import Stopped
from registry_sync.sources.finder import fetch_page
from registry_sync.sources.http import Client
from registry_sync.sources.interface import Failed, Found, Gone, Unreadable
from registry_sync.trials.listing import Subject
from tests.sources.finder_pages import PAGE, TRIAL, headings_and_lists, whole
from tests.waiting import PATIENCE, finish

THE_PAGE = whole(headings_and_lists(PAGE))


ANSWERS = {
    "/trial": (200, "text/html; charset=utf-8", THE_PAGE),
    "/old": (301, "text/html", b""),
    "/lost": (302, "text/html", b""),
    "/": (200, "text/html", b"<h1>Find a trial near you</h1>"),
    "/picture": (200, "image/png", b"\x89PNG"),
    **{f"/{status}": (status, "text/html", b"<p>No.</p>") for status in (404, 410, 500)},
}


class Site(BaseHTTPRequestHandler):
    """A listing site with a page, a redirect, a maintenance page, a picture and a page that is gone."""

    def do_GET(self) -> None:
        """Answer by the path."""
        status, content_type, body = ANSWERS[self.path]
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if status in (301, 302):
            self.send_header("Location", "/trial" if self.path == "/old" else "/")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    finish(thread)
    server.server_close()


@pytest.fixture
def client() -> Iterator[Client]:
    with Client(contact="", timeout=PATIENCE, attempts=2, requests_per_minute=600_000, wait=lambda _: None) as made:
        yield made


def test_a_page_is_found_with_its_bytes_as_they_came(client: Client, site: str) -> None:
    found = fetch_page(client, Subject(TRIAL), f"{site}/trial")
    assert isinstance(found, Found)
    assert found.record.overall_status == "RECRUITING"
    assert found.payload == THE_PAGE
    assert found.source == f"{site}/trial"


def test_a_redirect_is_judged_by_the_page_that_it_leads_to(client: Client, site: str) -> None:
    assert isinstance(fetch_page(client, Subject(TRIAL), f"{site}/old"), Found)
    home = fetch_page(client, Subject(TRIAL), f"{site}/lost")
    assert isinstance(home, Unreadable)
    assert "leads to another page of the site" in home.reason


def test_what_is_no_page_is_unreadable(client: Client, site: str) -> None:
    picture = fetch_page(client, Subject(TRIAL), f"{site}/picture")
    assert isinstance(picture, Unreadable)
    assert "image/png" in picture.reason


def test_an_error_status_is_a_failure_that_names_it(client: Client, site: str) -> None:
    failed = fetch_page(client, Subject(TRIAL), f"{site}/500")
    assert isinstance(failed, Failed)
    assert "500" in failed.error


@pytest.mark.parametrize("status", [404, 410])
def test_a_page_that_its_site_does_not_have_is_gone(client: Client, site: str, status: int) -> None:
    assert isinstance(fetch_page(client, Subject(TRIAL), f"{site}/{status}"), Gone)


def test_a_client_that_was_asked_to_stop_stops_the_work(client: Client, site: str) -> None:
    client.close()
    with pytest.raises(Stopped):
        fetch_page(client, Subject(TRIAL), f"{site}/trial")
