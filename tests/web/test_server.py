"""What is no request, who is too slow and who is one too many get an answer in the one shape, or none; seen over bare sockets."""

from __future__ import annotations

import contextlib
import email.parser
import json
import logging
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from registry_sync.web import app, guard, server
from registry_sync.web.server import listen
from tests.house import House
from tests.waiting import PATIENCE, until
from tests.web.conftest import Site, pages_at
from tests.web.reading import Page


@contextlib.contextmanager
def connected(site: Site) -> Iterator[socket.socket]:
    host, port = site.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        yield connection


@contextlib.contextmanager
def serving(house: House, address: str, *options: tuple[int, int, int]) -> Iterator[Site]:
    with house.history():
        pass  # the file is made
    with listen(address) as listener:
        for option in options:
            listener.setsockopt(*option)
        with pages_at(house, listener):
            yield Site(house, f"http://{address.rpartition(':')[0]}:{listener.getsockname()[1]}")


def answer_to(site: Site, sent: bytes) -> tuple[int, dict[str, str], str]:
    """Status, headers and body of the one answer that comes, until the other side ends the connection."""
    with connected(site) as connection:
        connection.sendall(sent)
        return rest_of(connection)


def rest_of(connection: socket.socket) -> tuple[int, dict[str, str], str]:
    answer = b""
    while part := connection.recv(65536):
        answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    line, _, headers = head.partition(b"\r\n")
    assert line.startswith(b"HTTP/1.1 "), answer
    named = email.parser.BytesParser().parsebytes(headers)
    return int(line.split()[1]), {name.lower(): value for name, value in named.items()}, body.decode()


NO_REQUESTS = [
    (b"GET /api/searches HTTP/1.1\r\n\r\n", 400),  # no Host
    (b"GET /api/searches HTTP/9\r\nHost: x\r\n\r\n", 400),
    (b"GET /api/searches\r\n\r\n", 400),
    (b"GET /api/" + b"x" * 100_000, 414),
    (b"GET /api/" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 414),
    (b"GET /api/searches HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", 431),
    (b"GET /api/searches HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 100_000, 431),
    (b"GET /api/searches HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + b"X: y\r\n" * 2800 + b"\r\n", 431),
    (b"POST /api/searches HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
    (b"POST /api/searches HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
    (b"POST /api/searches HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    (b"POST /api/searches HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", 413),
]
IDS = "host version line endless-uri uri whole-header header many-headers length coding chunk body".split()


@pytest.mark.parametrize(("sent", "status"), NO_REQUESTS, ids=IDS)
def test_what_is_no_request_is_a_page_for_people(site: Site, sent: bytes, status: int) -> None:
    got, headers, body = answer_to(site, sent.replace(b"/api/", b"/", 1))
    assert got == status
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["connection"] == "close"
    for name, value in guard.HEADERS.items():
        assert headers[name.lower()] == value
    assert body.startswith("<!DOCTYPE html>")
    assert body.count("<h1>") == 1


@pytest.mark.parametrize(("sent", "status"), NO_REQUESTS, ids=IDS)
def test_and_problem_details_for_programs(site: Site, sent: bytes, status: int) -> None:
    got, headers, body = answer_to(site, sent)
    assert got == status
    assert headers["content-type"] == "application/problem+json"
    problem = json.loads(body)
    assert problem["status"] == status
    assert problem["type"] == "about:blank"
    assert problem["detail"]


@pytest.mark.parametrize("sent", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\n\n", b"\x00" * 100_000, b"SSH-2.0-x\r\n\r\n"])
def test_what_is_another_protocol_gets_a_page(site: Site, sent: bytes) -> None:
    got, _, body = answer_to(site, sent)
    assert got in (400, 414)
    assert "<h1>" in body


def test_the_words_are_the_readers_where_they_are_known(site: Site) -> None:
    head = b"POST /stop/1.x HTTP/1.1\r\nHost: x\r\nAccept-Language: da\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    assert "Det kan ikke forstås" in answer_to(site, head)[2]


@pytest.mark.parametrize("path", ["/nothing", "/privacy/", "/stop/1.x", "/api/nothing", "/trials/x"])
def test_the_head_of_a_page_that_says_no_is_that_of_the_page(site: Site, path: str) -> None:
    page, head = site.get(path), site.head(path)
    assert head.status_code == page.status_code >= 400
    assert head.content == b""
    assert head.headers["Content-Length"] == str(len(page.content))
    assert head.headers["Content-Type"] == page.headers["Content-Type"]


def test_other_methods_are_refused_in_the_same_shape(site: Site) -> None:
    got, headers, body = answer_to(site, b"DELETE /api/searches HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert (got, set(headers["allow"].split(", "))) == (405, {"GET", "HEAD"})
    assert json.loads(body)["status"] == 405
    got, headers, body = answer_to(site, b"OPTIONS / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert got == 405
    assert "can be read only" in body


def test_who_wishes_another_protocol_gets_this_one(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    head = b"GET /privacy HTTP/1.1\r\nHost: x\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n\r\n"
    assert answer_to(site, head)[0] == 200
    assert "websocket" not in caplog.text.lower()


@pytest.mark.parametrize("path", ["/privacy", "/api/searches"])
def test_one_too_many_is_asked_to_come_again(narrow: Site, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setattr(server, "MOST_AT_ONCE", 2)
    with sipping(narrow) as first, sipping(narrow) as second:
        for each in (first, second):
            assert each.recv(100).startswith(b"HTTP/1.1 200 ")
        assert narrow.get("/healthz").status_code == 200
        got, headers, body = answer_to(narrow, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert got == 503
        assert headers["retry-after"] == "5"
        assert headers["connection"] == "close"
        assert headers["cache-control"] == "no-store"
        assert ("few minutes" in body) == (path == "/privacy") or json.loads(body)["status"] == 503
        assert second.recv(100)
    assert narrow.get(path).status_code == 200


HALVES = [
    b"GET / HTTP/1.1\r\nHo",
    b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nab",
    b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    b"POST /subscribe HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nab",
    b"POST /stop/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nab",
]


@pytest.mark.parametrize("half", HALVES, ids="head body chunk subscribe expect elsewhere".split())
def test_who_sends_half_requests_over_all_connections_shuts_nobody_out(house: House, monkeypatch: pytest.MonkeyPatch, half: bytes) -> None:
    monkeypatch.setattr(server, "MOST_AT_ONCE", 10)
    with serving(house, "0.0.0.0:0") as site, contextlib.ExitStack() as stack:
        come = comers(site, stack)
        slow = come("127.0.0.4")
        slow.sendall(b"POST /stop/1.x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert slow.recv(100).startswith(b"HTTP/1.1 100 ")
        for _ in range(15):
            come("127.0.0.5").sendall(half)
        for _ in range(20):
            mine = come("127.0.0.6")
            mine.sendall(b"GET /privacy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert rest_of(mine)[0] == 200
            come("127.0.0.5").sendall(half)
        slow.sendall(b"slow")
        assert rest_of(slow)[0] == 404  # who holds but one is not cut off for it


def comers(site: Site, stack: contextlib.ExitStack) -> Callable[[str], socket.socket]:
    port = int(site.url.rpartition(":")[2])

    def come(source: str) -> socket.socket:
        return stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE, source_address=(source, 0)))

    return come


def test_who_holds_all_connections_shuts_nobody_out(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_AT_ONCE", 12)
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(connected(site)) for _ in range(40)]
        for _ in range(3):
            assert site.get("/privacy").status_code == 200
            assert site.get("/healthz").status_code == 200
        held[-1].sendall(b"GET /privacy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert rest_of(held[-1])[0] == 200  # the oldest made room
        assert ended(held[0])


def test_who_has_most_makes_room(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_AT_ONCE", 8)
    with serving(house, "0.0.0.0:0") as site, contextlib.ExitStack() as stack:
        come = comers(site, stack)
        mine = come("127.0.0.2")
        theirs = [come("127.0.0.3") for _ in range(20)]
        mine.sendall(b"GET /privacy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert rest_of(mine)[0] == 200
        assert ended(theirs[0])


def ended(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_who_takes_none_of_many_answers_makes_room(narrow: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_AT_ONCE", 4)
    monkeypatch.setattr(server, "MOST_OF_ONE", 3)
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(sipping(narrow))
        until(lambda: narrow.get("/privacy").status_code == 200)  # as long as their answers fit somewhere, nobody waits to be taken
        for _ in range(20):
            assert narrow.get("/privacy").status_code == 200


def test_a_fault_while_saying_no_is_still_an_answer(site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("private")

    monkeypatch.setattr(app, "failed", broken)
    answer = site.get("/nothing")
    assert answer.status_code == 500
    assert "our fault" in answer.text
    assert "private" not in answer.text
    assert "a page failed" in caplog.text


def test_it_listens_at_an_ipv6_address_too(house: House) -> None:
    with serving(house, "[::1]:0") as site:
        assert site.url.startswith("http://[::1]:")
        assert site.get("/privacy").status_code == 200


# --- slowness ----------------------------------------------------------------------------------------------------------


BETWEEN_DROPS = 0.02


def drops() -> Iterator[int]:
    """Not so many that the server's own patience, of ten seconds, would end while they come."""
    yield from range(int(5 / BETWEEN_DROPS))
    raise AssertionError("nobody ends it")


def test_a_head_that_comes_by_drops_is_cut_off(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PATIENCE", 0.3)
    with connected(site) as connection:
        connection.settimeout(BETWEEN_DROPS)
        for _ in drops():
            try:
                connection.sendall(b"X")
                assert connection.recv(1) == b""
            except TimeoutError:
                continue
            except OSError:
                pass
            break


def test_a_body_that_comes_by_drops_is_cut_off(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "PATIENCE", 0.3)
    with connected(site) as connection:
        connection.sendall(b"POST /stop/1.x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        connection.settimeout(BETWEEN_DROPS)
        for _ in drops():
            connection.sendall(b"x")
            with contextlib.suppress(TimeoutError):
                assert connection.recv(65536).startswith(b"HTTP/1.1 408 ")
                break


@pytest.fixture
def narrow(house: House) -> Iterator[Site]:
    """Pages that are sent through small buffers, so that who does not read them is noticed soon."""
    with serving(house, "127.0.0.1:0", (socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)) as site:
        yield site


@contextlib.contextmanager
def sipping(site: Site) -> Iterator[socket.socket]:
    """A connection of somebody who has asked for much and has little room."""
    host, port = site.url.removeprefix("http://").split(":")
    with socket.socket() as connection:
        connection.settimeout(PATIENCE)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((host, int(port)))
        connection.sendall(b"GET /style.css HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        yield connection


def test_who_does_not_take_an_answer_is_cut_off(narrow: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "registry_sync")
    monkeypatch.setattr(server, "PATIENCE_IN_TAKING", 0.2)
    with sipping(narrow) as connection:
        until(lambda: "an answer was not taken" in caplog.text)
        taken = 0
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(65536):
                taken += len(part)
    assert taken < 20 * len(narrow.get("/style.css").content)
    assert narrow.get("/privacy").status_code == 200


def test_who_takes_it_slowly_gets_it(narrow: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each look at what is taken falls after the client has had its turn, however busy the machine is."""
    looks, is_taken = [], server._Protocol._is_taken

    def look(protocol: Any, before: int) -> None:
        if protocol.transport.get_write_buffer_size() < before:
            looks.append(before)
            is_taken(protocol, before)
        else:
            protocol._taking = protocol.loop.call_later(0.01, protocol._is_taken, before)

    monkeypatch.setattr(server._Protocol, "_is_taken", look)
    monkeypatch.setattr(server, "PATIENCE_IN_TAKING", 0.05)
    monkeypatch.setattr(app, "_STYLE", tmp_path / "large.css")
    app._STYLE.write_bytes(b" " * 1_000_000)
    with sipping(narrow) as connection:
        connection.shutdown(socket.SHUT_WR)
        got = 0
        for turn in range(1, 5):
            while got < turn * 200_000:
                part = connection.recv(4096)
                assert part
                got += len(part)
            until(lambda turn=turn: len(looks) >= turn)
        while got < 1_500_000:
            part = connection.recv(4096)
            assert part
            got += len(part)


def test_every_page_that_says_no_leads_on(site: Site) -> None:
    for path, ways in (
        ("/nothing", ["/manage", "/"]),
        ("/stop/x", ["/manage", "/"]),
        ("/confirm/x", ["/subscribe", "/manage", "/"]),
        ("/trials/NCT00000009", ["/manage", "/"]),
        (f"/{'x' * 20000}", ["/"]),
    ):
        assert Page(site.get(path)).links() == [*ways, "/status"], path
    assert Page(site.post("/manage", data={}, headers={"Origin": "https://evil.example"})).links() == ["/", "/status"]


def test_a_body_that_does_not_come_ends_soon_and_in_peace(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(server, "TO_SEND", 0.2)
    for patience in ((server, "TO_FINISH"), (guard, "PATIENCE")):
        monkeypatch.setattr(*patience, 3000)
    with contextlib.ExitStack() as stack:
        with serving(house, "127.0.0.1:0") as site:
            half = stack.enter_context(connected(site))
            half.sendall(b"POST /stop/1.x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\nx")
            assert half.recv(65536).startswith(b"HTTP/1.1 100 ")  # it is waited for
        assert rest_of(half)[0] == 408
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
