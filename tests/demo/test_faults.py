"""The trouble that a loopback server can be told to make, seen from a client's side."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
import requests

from registry_sync.demo.record import TRIAL, the_study
from registry_sync.demo.registry import Registry
from registry_sync.demo.wire import Exchange
from tests.waiting import PATIENCE, beside

PATH = f"/api/v2/studies/{TRIAL}"


@pytest.fixture
def url(registry: Registry) -> str:
    registry.put(the_study())
    return registry.url + PATH


@contextmanager
def raw(registry: Registry, *headers: str) -> Iterator[socket.socket]:
    """A connection on which the study was asked for."""
    host, port = registry.url.removeprefix("http://").split(":")
    with closing(socket.create_connection((host, int(port)), PATIENCE)) as line:
        line.sendall("\r\n".join([f"GET {PATH} HTTP/1.1", "Host: registry", *headers, "", ""]).encode())
        yield line


def test_a_failure_passes_after_the_given_times(registry: Registry, http: requests.Session, url: str) -> None:
    registry.faults.fail(503, times=2, retry_after=7)
    answers = [http.get(url, timeout=PATIENCE) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].headers["Retry-After"] == "7"
    assert len(registry.requests) == 3


def test_failures_come_in_the_order_of_the_script(registry: Registry, http: requests.Session, url: str) -> None:
    registry.faults.fail(500)
    registry.faults.fail(429, retry_after="Wed, 21 Oct 2026 07:28:00 GMT")
    answers = [http.get(url, timeout=PATIENCE) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [500, 429, 200]
    assert answers[1].headers["Retry-After"].endswith("GMT")


def test_a_lasting_failure_ends_when_it_is_cleared(registry: Registry, http: requests.Session, url: str) -> None:
    registry.faults.fail(500, times=None)
    assert {http.get(url, timeout=PATIENCE).status_code for _ in range(5)} == {500}
    registry.faults.clear()
    assert http.get(url, timeout=PATIENCE).status_code == 200


def test_a_fault_meets_its_own_paths_only(registry: Registry, http: requests.Session, url: str) -> None:
    registry.faults.fail(500, path="/api/v2/version", times=None)
    assert http.get(url, timeout=PATIENCE).status_code == 200
    assert http.get(registry.url + "/api/v2/version", timeout=PATIENCE).status_code == 500


def test_a_web_page_in_place_of_json(registry: Registry, http: requests.Session, url: str) -> None:
    registry.faults.html_instead()
    answer = http.get(url, timeout=PATIENCE)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()


def test_gzip_that_is_cut_short_fits_its_stated_length(registry: Registry, url: str) -> None:
    registry.faults.truncated_gzip()
    connection = http.client.HTTPConnection(registry.url.removeprefix("http://"), timeout=PATIENCE)
    with closing(connection):
        connection.request("GET", PATH, headers={"Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        body = answer.read()
    assert len(body) == int(answer.headers["Content-Length"])
    unpacker = zlib.decompressobj(wbits=31)
    assert unpacker.decompress(body)
    assert not unpacker.eof
    with pytest.raises(EOFError):
        gzip.decompress(body)


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_a_huge_answer_is_well_formed(registry: Registry, http: requests.Session, url: str, encoding: str) -> None:
    registry.faults.huge(3)
    answer = http.get(url, headers={"Accept-Encoding": encoding}, timeout=PATIENCE)
    assert 3 * 2**20 <= len(answer.content) <= 3 * 2**20 + 100
    assert json.loads(answer.content) == {"studies": []}
    if encoding == "gzip":
        assert int(answer.headers["Content-Length"]) < 10_000


def test_a_redirect_loop_never_ends(registry: Registry, http: requests.Session, url: str) -> None:
    registry.faults.redirect_loop()
    with pytest.raises(requests.TooManyRedirects):
        http.get(url, timeout=PATIENCE)


def test_a_redirect_elsewhere(registry: Registry, http: requests.Session, url: str) -> None:
    registry.faults.redirect_to("ftp://example.org/")
    answer = http.get(url, timeout=PATIENCE, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, "ftp://example.org/")


def test_a_hanging_request_is_answered_once_released(registry: Registry, http: requests.Session, url: str) -> None:
    hold = registry.faults.hang()
    asking = beside(lambda: http.get(url, timeout=PATIENCE).status_code)
    hold.wait_until_reached()
    assert not asking.done()
    hold.release()
    assert asking.result(PATIENCE) == 200


def test_a_hanging_request_runs_into_the_clients_timeout(registry: Registry, http: requests.Session, url: str) -> None:
    registry.faults.hang()
    with pytest.raises(requests.ReadTimeout):
        http.get(url, timeout=0.05)


def test_waiting_for_a_request_that_never_comes_ends(registry: Registry) -> None:
    with pytest.raises(TimeoutError):
        registry.faults.hang().wait_until_reached(0.01)
    with pytest.raises(TimeoutError, match="0 of 1 requests"):
        registry.wait_for_requests(1, 0.01)


def test_stopping_lets_go_of_a_hanging_request(registry: Registry, url: str) -> None:
    hold = registry.faults.hang()
    with raw(registry) as line:
        hold.wait_until_reached()
        registry.stop()
        while line.recv(65536):
            pass


def test_a_dripping_answer_comes_a_byte_at_a_time(registry: Registry, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    send = Exchange.send

    def count(exchange: Exchange, data: bytes) -> None:
        sent.append(len(data))
        send(exchange, data)

    monkeypatch.setattr(Exchange, "send", count)
    hold = registry.faults.drip(every=0.001)
    with raw(registry, "Connection: close") as line:
        head = b""
        while b"\r\n\r\n" not in head:
            head += line.recv(1)
        came = 0
        while came < 3:  # several may have come by now
            came += len(line.recv(65536))
        hold.release()
        while line.recv(65536):
            pass
    assert sent[1:4] == [1, 1, 1]


def test_headers_can_drip_too_and_the_answer_is_right_in_the_end(registry: Registry, http: requests.Session, url: str) -> None:
    registry.faults.drip(headers=True).release()
    registry.faults.drip(path="/api/v2/version", every=0.0001, headers=True)
    assert http.get(url, timeout=PATIENCE).json() == the_study()
    assert http.get(registry.url + "/api/v2/version", timeout=PATIENCE).json()["apiVersion"] == "2.0.5"


def test_a_connection_cut_in_the_middle(registry: Registry, http: requests.Session, url: str) -> None:
    registry.faults.cut()
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        http.get(url, timeout=PATIENCE)
    assert http.get(url, timeout=PATIENCE).status_code == 200


def test_a_connection_cut_before_the_first_byte(registry: Registry, http: requests.Session, url: str) -> None:
    registry.faults.cut(after=0)
    with pytest.raises(requests.ConnectionError):
        http.get(url, timeout=PATIENCE)


def test_a_length_that_promises_too_much(registry: Registry, url: str) -> None:
    registry.faults.wrong_length(by=5)
    connection = http.client.HTTPConnection(registry.url.removeprefix("http://"), timeout=PATIENCE)
    with closing(connection):
        connection.request("GET", PATH)
        with pytest.raises(http.client.IncompleteRead) as caught:
            connection.getresponse().read()
    assert caught.value.expected == 5


def test_a_client_that_leaves_in_the_middle_leaves_no_trace(
    registry: Registry, http: requests.Session, url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    hold = registry.faults.hang()
    with raw(registry):
        hold.wait_until_reached()
    hold.release()
    assert http.get(url, timeout=PATIENCE).status_code == 200
    registry.stop()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Content-Length: many", b"400"),
        ("Content-Length: 99999999999", b"413"),
        ("Transfer-Encoding: chunked", b"411"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(registry: Registry, url: str, header: str, status: bytes) -> None:
    with raw(registry, header) as line:
        answer = b""
        while block := line.recv(65536):
            answer += block
    assert answer.split()[1] == status
