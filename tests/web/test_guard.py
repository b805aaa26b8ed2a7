"""What holds for every page, whatever is asked of it, and however."""

from __future__ import annotations

import logging
import re
import socket

import pytest

from registry_sync.web import guard, server
from registry_sync.web.guard import LARGEST_BODY
from tests.waiting import PATIENCE
from tests.web.conftest import Site

PATHS = ("/privacy", "/stop/1.x", "/confirm/x", "/nothing", "/", "/style.css")
KEPT = {"/style.css": "public, max-age=3600", "/": "public, no-cache"}


def raw(site: Site, sent: bytes) -> bytes:
    """What comes back over a bare connection, until the other side ends it."""
    host, port = site.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        connection.sendall(sent)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_is_guarded(site: Site, path: str) -> None:
    for answer in (site.get(path), site.head(path), site.post(path)):
        headers = answer.headers
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == (KEPT.get(path, "no-store") if answer.ok else "no-store")
        assert "Set-Cookie" not in headers
        assert "Server" not in headers


@pytest.mark.parametrize("path", [path for path in PATHS if not path.endswith("css")])
def test_pages_have_one_shape_and_fetch_nothing_from_elsewhere(site: Site, path: str) -> None:
    for answer in (site.get(path), site.post(path)):
        text = answer.text
        assert text.startswith("<!DOCTYPE html>")
        assert len(re.findall("<h1>[^<]+</h1>", text)) == 1
        assert "<script" not in text
        assert not re.search(r"(?:src|style)=", text)
        assert re.findall(r'href="([^"]+)"', text)[0] == "/style.css"
        assert not re.findall(rf'href="(?![/?#]|mailto:|{re.escape(site.url)}/)', text)


def test_below_a_path_links_lead_below_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    import msgspec

    from registry_sync.web import pages

    house = site.house
    house.set("web", url="https://example.org/trials/")
    around = house.around
    monkeypatch.setattr(pages, "around_of", lambda _: msgspec.structs.replace(around))
    assert '<link rel="stylesheet" href="/trials/style.css">' in site.get("/privacy").text


def test_what_cannot_be_done_is_a_page(site: Site) -> None:
    assert site.post("/privacy").status_code == 405
    assert "can be read only" in site.post("/privacy").text
    assert site.get("/privacy/").status_code == 404
    answer = raw(site, b"BREW /privacy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 405 ")


def test_too_much_is_refused_before_it_is_taken_in(site: Site) -> None:
    assert site.post("/stop/1.x", data=b"x" * LARGEST_BODY).status_code == 404
    assert site.post("/stop/1.x", data=b"x" * (LARGEST_BODY + 1)).status_code == 413
    assert "More was sent" in site.post("/stop/1.x", data=iter([b"x" * 1024] * 17)).text
    head = f"POST /stop/1.x HTTP/1.1\r\nHost: x\r\nContent-Length: {10**15}\r\n\r\n".encode()
    assert raw(site, head).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("path", ["/", "/api/searches", "/style.css"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "BREW"])
def test_a_body_is_limited_whatever_the_method(site: Site, method: str, path: str) -> None:
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\n"
    few = raw(site, f"{head}Content-Length: 1\r\nConnection: close\r\n\r\nx".encode())
    assert few.partition(b"\r\n")[0].split()[1] in (b"200", b"204", b"405")
    announced = f"{head}Content-Length: 20000\r\n\r\n".encode() + b"x" * 20_000
    chunked = f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + b"1000\r\n" + b"x" * 0x1000 + b"\r\n"
    for sent in (announced, chunked + b"1000\r\n" + b"x" * 0x1000 + b"\r\n" + b"2001\r\n" + b"x" * 0x2001 + b"\r\n"):
        answer = raw(site, sent)
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"\r\nconnection: close\r\n" in answer.lower()
        assert (b"application/problem+json" in answer) == path.startswith("/api/")


@pytest.mark.parametrize("before", ["http://example.org", "HTTPS://u:p@example.org:8080", "http://[::1]:80"])
def test_a_whole_address_is_asked_for_like_its_path(site: Site, before: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "registry_sync")

    def ask(target: str) -> bytes:
        return raw(site, f"GET {before}{target} HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n".encode())

    for target in ("", "/", "/?lang=da", "/api/trials?limit=1", "/style.css", "/healthz"):
        assert ask(target).startswith(b"HTTP/1.1 200 "), target
    assert b'lang="da"' in ask("/?lang=da")
    assert b'lang="da"' in ask("?lang=da")
    for target, status, kind in (("/api/x", 404, b"problem+json"), ("/%78/x", 404, b"text/html"), ("/api/" + "x" * 17_000, 414, b"json")):
        answer = ask(target)
        assert answer.startswith(f"HTTP/1.1 {status} ".encode()), target
        assert kind in answer, target
    assert raw(site, b"GET http:///style.css HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 404 ")
    nonsense = raw(site, f"GET {before}/api/x HTTP/9\r\n\r\n".encode())
    assert nonsense.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in nonsense
    assert "GET /api/trials 200" in caplog.text


@pytest.mark.parametrize("host", ["evil.example/x", "evil.example?x", "e#x", "u:p@h", "a b"])
def test_what_is_no_host_is_refused_and_gets_into_no_answer(site: Site, host: str) -> None:
    for path in ("/api/trials", "/feed.atom", "/"):
        answer = raw(site, f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert (b"application/problem+json" in answer) == path.startswith("/api/")
        assert host not in site.get(path).text


@pytest.mark.parametrize("path", ["/feed.atom", "/calendar.ics", "/trials/NCT00000001/feed.atom", "/trials/NCT00000001/calendar.ics"])
def test_scripts_of_other_sites_can_read_what_a_feed_or_a_calendar_says_no_with(site: Site, path: str) -> None:
    answers = [site.get(f"{path}?nonsense=1"), site.post(path), site.get(path, data=b"x" * 17_000)]
    for file in site.house.folder.glob("history.db*"):
        file.unlink()
    answers.append(site.get(path))
    assert [answer.status_code for answer in answers] == [404 if "NCT" in path else 400, 405, 413, 503]
    for answer in answers:
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Access-Control-Allow-Origin" not in site.get("/nothing").headers


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /privacy HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        b"POST /stop/1.x HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /stop/1.x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["long line", "long header", "another protocol", "negative length", "two lengths"],
)
def test_what_is_no_request_ends_the_connection(site: Site, sent: bytes) -> None:
    assert b" 200 " not in raw(site, sent).partition(b"\r\n")[0]
    assert site.get("/privacy").status_code == 200


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("path", ["/privacy", "/api/trials", "/stop/1.x"])
def test_a_request_with_two_lengths_is_none_and_nothing_behind_it_is_answered(site: Site, path: str, order: int) -> None:
    lengths = "\r\n".join(["Content-Length: 5", "Transfer-Encoding: chunked"][::order])
    for method in ("GET", "POST"):
        answer = raw(
            site, f"{method} {path} HTTP/1.1\r\nHost: x\r\n{lengths}\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        )
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert answer.count(b"HTTP/1.1 ") == 1
        assert b"\r\nconnection: close\r\n" in answer.lower()
        assert (b"application/problem+json" in answer) == path.startswith("/api/")


@pytest.mark.parametrize("behind", [b"", b"GET /robots.txt HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_a_body_that_is_none_is_answered_once_and_is_no_fault(site: Site, caplog: pytest.LogCaptureFixture, behind: bytes) -> None:
    with caplog.at_level(logging.INFO):
        for more in (b"", b"Content-Length: 4\r\n"):
            caplog.clear()
            sent = b"POST /manage HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" + more + b"\r\nnone\r\n" + behind
            answer = raw(site, sent)
            assert answer.startswith(b"HTTP/1.1 400 ")
            assert answer.count(b"HTTP/1.1 ") == 1
            assert site.get("/healthz").status_code == 200
            assert [each.message for each in caplog.records if each.levelno >= logging.ERROR] == []
            assert len([each for each in caplog.records if "400" in each.getMessage()]) == 1


def test_slow_clients_are_cut_off(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PATIENCE", 0.2)
    assert raw(site, b"") == b""
    assert raw(site, b"GET /privacy HT") == b""
    answer = raw(site, b"GET /privacy HTTP/1.1\r\nHost: x\r\n\r\nGET /pri")
    assert answer.count(b"HTTP/1.1 200 ") == 1


def test_slow_bodies_are_cut_off(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "PATIENCE", 0.2)
    assert raw(site, b"POST /stop/1.x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nx").startswith(b"HTTP/1.1 408 ")


def test_the_log_has_neither_addresses_nor_tokens(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "registry_sync")
    site.get("/stop/1.secret?a=private")
    site.get("/private/secret")
    raw(site, b"SECRET /privacy HTTP/1.1\r\nHost: private\r\nConnection: close\r\n\r\n")
    lines = [record.getMessage() for record in caplog.records if record.name == "registry_sync"]
    assert [re.sub(r"\d+ ms", "N ms", line) for line in lines] == [
        "GET /stop/{token} 404, N ms",
        "GET ? 404, N ms",
        "? /privacy 405, N ms",
    ]
    assert "secret" not in caplog.text.lower()
    assert "127.0.0.1" not in caplog.text


def test_a_database_that_is_gone_is_a_page_that_says_so(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    for file in site.house.folder.glob("history.db*"):
        file.unlink()
    answer = site.get("/stop/1.x")
    assert answer.status_code == 503
    assert "not available" in answer.text
    assert str(site.house.folder) not in answer.text
    assert "there is no such database" in caplog.text


def test_a_fault_is_a_page_that_tells_nothing_of_it(site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    from registry_sync.web import wishes

    def broken(*_: object) -> None:
        raise RuntimeError("private")

    monkeypatch.setattr(wishes, "read_stop_token", broken)
    answer = site.get("/stop/1.secret")
    assert answer.status_code == 500
    assert "our fault" in answer.text
    assert "private" not in answer.text
    assert "a page failed: GET /stop/{token}" in caplog.text
    assert "1.secret" not in caplog.text
    assert site.get("/privacy").status_code == 200
