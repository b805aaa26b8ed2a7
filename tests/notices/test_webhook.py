from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from registry_sync.cli import run
from registry_sync.hosts import is_public
from registry_sync.notices import compose, webhook
from registry_sync.notices.deadline import Deadline
from registry_sync.notices.interface import Notice, Outcome, Refused, Retry, Sent
from registry_sync.notices.webhook import WebhookChannel
from registry_sync.settings import Webhook
from tests.notices.receiver import Answer, Receiver
from tests.notices.scripted import Scripted, drip
from tests.notices.told import TRIAL, closing
from tests.waiting import PATIENCE

NOW = 1_770_099_424.7


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        yield server


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def told(url: str, **keys: Any) -> Notice:
    return closing("coordinator", sites=1, kind="webhook", address=url, **keys)


def send(url: str, *, allow_private: bool = True, timeout: float = PATIENCE, secret_env: str | None = None, **keys: Any) -> Outcome:
    channel = WebhookChannel(Webhook(allow_private=allow_private), timeout=timeout, now=lambda: NOW, **keys)
    try:
        return channel.send(told(url, secret_env=secret_env))
    finally:
        channel.close()


def test_a_notice_is_posted_as_json_with_the_standard_headers(receiver: Receiver) -> None:
    assert send(f"http://127.0.0.1:{receiver.port}/hook?key=1") == Sent()
    (post,) = receiver.posts
    assert post.path == "/hook?key=1"
    assert post.body == compose.post(told("x"))
    assert json.loads(post.body)["trial"] == TRIAL
    assert post.headers["content-type"] == "application/json"
    assert post.headers["webhook-id"] == "n-17"
    assert post.headers["webhook-timestamp"] == "1770099424"
    assert "webhook-signature" not in post.headers
    assert post.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert post.headers["user-agent"].startswith("registry-sync/")


@pytest.mark.parametrize(
    ("secret", "key"), [("plain-secret", b"plain-secret"), ("whsec_" + base64.b64encode(b"\x00\xff" * 12).decode(), b"\x00\xff" * 12)]
)
def test_a_secret_signs_the_post(receiver: Receiver, secret: str, key: bytes) -> None:
    assert send(f"http://127.0.0.1:{receiver.port}/", secret_env="HOOK_SECRET", environ={"HOOK_SECRET": secret}) == Sent()
    (post,) = receiver.posts
    version, _, given = post.headers["webhook-signature"].partition(",")
    assert version == "v1"
    assert hmac.compare_digest(base64.b64decode(given), hmac.digest(key, b"n-17.1770099424." + post.body, hashlib.sha256))


def test_while_secrets_change_there_is_a_signature_for_each(receiver: Receiver) -> None:
    environ = {"HOOK_SECRET": "  old\twhsec_bmV3 old "}
    assert send(f"http://127.0.0.1:{receiver.port}/", secret_env="HOOK_SECRET", environ=environ) == Sent()
    (post,) = receiver.posts
    signed = b"n-17.1770099424." + post.body
    expected = [base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in (b"old", b"new")]
    assert post.headers["webhook-signature"] == " ".join(f"v1,{each}" for each in expected)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "the environment variable HOOK_SECRET with the signing secret is not set"),
        ("", "the environment variable HOOK_SECRET with the signing secret is not set"),
        (" \n", "the environment variable HOOK_SECRET with the signing secret is not set"),
        ("whsec_!!", "the signing secret in HOOK_SECRET is no base64 after whsec_"),
        ("whsec_", "the signing secret in HOOK_SECRET is no base64 after whsec_"),
        ("old whsec_!!", "the signing secret 2 of 2 in HOOK_SECRET is no base64 after whsec_"),
        ("whsec_bm/ old new", "the signing secret 1 of 3 in HOOK_SECRET is no base64 after whsec_"),
        ("old \udcff new", "the signing secret 2 of 3 in HOOK_SECRET cannot be encoded"),
        ("whsk_bmV3", "the signing secret in HOOK_SECRET is half of a pair of keys: a secret that both sides know is needed, "),
    ],
)
def test_a_post_that_cannot_be_signed_waits_and_is_not_sent_unsigned(receiver: Receiver, value: str | None, reason: str) -> None:
    environ = {} if value is None else {"HOOK_SECRET": value}
    outcome = send(f"http://127.0.0.1:{receiver.port}/", secret_env="HOOK_SECRET", environ=environ)
    assert isinstance(outcome, Retry)
    assert outcome.reason.startswith(reason)
    assert "!!" not in outcome.reason
    assert receiver.posts == []


@pytest.mark.parametrize(
    ("user", "sent"),
    [
        ("me:s3cret", b"me:s3cret"),
        ("me", b"me:"),
        (":s3cret", b":s3cret"),
        ("m%40e:p%3Aass%C3%A5%E7%95%8C", "m@e:p:asså界".encode()),
        ("", None),
    ],
)
def test_user_and_password_of_the_address_are_sent_as_basic_and_shown_nowhere(receiver: Receiver, user: str, sent: bytes | None) -> None:
    url = f"http://{user}@127.0.0.1:{receiver.port}/hook"
    assert send(url) == Sent()
    (post,) = receiver.posts
    assert post.headers.get("authorization") == (None if sent is None else f"Basic {base64.b64encode(sent).decode()}")
    assert post.headers["host"] == f"127.0.0.1:{receiver.port}"
    receiver.answer = Answer(403)
    assert send(url) == Retry(f"http://127.0.0.1:{receiver.port}/hook answered 403")


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_a_2xx_is_sent(receiver: Receiver, status: int) -> None:
    receiver.answer = Answer(status)
    assert send(f"http://127.0.0.1:{receiver.port}/") == Sent()


@pytest.mark.parametrize("status", [400, 404, 410, 422])
def test_a_4xx_is_refused_for_good(receiver: Receiver, status: int) -> None:
    receiver.answer = Answer(status)
    assert send(f"http://127.0.0.1:{receiver.port}/hook/t0ken") == Refused(f"http://127.0.0.1:{receiver.port}/hook/*** answered {status}")


@pytest.mark.parametrize("status", [401, 403, 408, 425, 429, 500, 502, 503, 504])
def test_an_answer_for_now_is_tried_again(receiver: Receiver, status: int) -> None:
    receiver.answer = Answer(status)
    assert send(f"http://127.0.0.1:{receiver.port}/") == Retry(f"http://127.0.0.1:{receiver.port}/ answered {status}")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("99999999999999999999", 604_800.0),
        ("Tue, 03 Feb 2026 06:20:24 GMT", pytest.approx(1_770_099_624 - NOW)),
        ("Mon, 02 Feb 2026 06:18:04 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("Tue, 99 Feb 2026 06:18:04 GMT", None),
    ],
)
def test_the_wait_that_is_asked_for(receiver: Receiver, value: str, seconds: float | None) -> None:
    receiver.answer = Answer(503, {"Retry-After": value})
    outcome = send(f"http://127.0.0.1:{receiver.port}/")
    assert isinstance(outcome, Retry)
    assert outcome.after == seconds


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.answer = Answer(302, {"Location": f"http://127.0.0.1:{receiver.port}/elsewhere"})
    outcome = send(f"http://127.0.0.1:{receiver.port}/")
    assert outcome == Retry(f"http://127.0.0.1:{receiver.port}/ answered 302, and redirects are not followed")
    assert len(receiver.posts) == 1


def test_a_huge_answer_does_not_matter(receiver: Receiver) -> None:
    receiver.answer = Answer(200, body=b"x" * 5_000_000)
    assert send(f"http://127.0.0.1:{receiver.port}/") == Sent()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://0.0.0.0:{port}/",
        "http://2130706433:{port}/",
        "http://0x7f000001:{port}/",
        "http://0177.0.0.1:{port}/",
        "http://127.1:{port}/",
        "http://[::1]:{port}/",
        "http://[::]:{port}/",
        "http://LOCALHOST:{port}/",
        "http://example.org@127.0.0.1:{port}/",
        "http://127.0.0.1:{port}/#@example.org/",
    ],
)
def test_loopback_is_refused_unless_the_settings_allow_it(receiver: Receiver, url: str) -> None:
    outcome = send(url.format(port=receiver.port), allow_private=False)
    assert isinstance(outcome, Refused)
    assert "webhook.allow_private" in outcome.reason
    assert receiver.posts == []


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "127.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "2001:db8::1",
        "::10.0.0.1",
        "::ffff:100.64.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b:1::a00:1",
        "2001:0:a00:1::f5ff:fffe",
        "fd00:ec2::254",
        "fec0::1",
        "100.127.255.254",
        "168.63.129.16",
        "192.0.0.192",
        "192.88.99.1",
        "198.18.0.1",
        "nonsense",
        "",
    ],
)
def test_addresses_inside_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f::1", "::ffff:93.184.215.14", "64:ff9b::5db8:d70e"])
def test_addresses_outside_are_public(address: str) -> None:
    assert is_public(address)


def test_a_name_with_both_kinds_of_addresses_is_never_connected_inside(receiver: Receiver) -> None:
    asked: list[str] = []

    def resolver(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1", "10.0.0.1"]

    outcome = send(f"http://hooks.example.org:{receiver.port}/", allow_private=False, resolver=resolver)
    assert isinstance(outcome, Refused)
    assert asked == ["hooks.example.org"]
    assert receiver.posts == []


PUBLIC = "93.184.215.14"


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that connections go to; none is made."""
    asked: list[str] = []

    def connect(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        asked.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    return asked


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_of_both_kinds_only_the_public_address_is_tried(connected: list[str], scheme: str) -> None:
    addresses = ["127.0.0.1", "10.0.0.1", PUBLIC, "::1", "::ffff:127.0.0.1", "169.254.169.254", "100.64.0.1"]
    outcome = send(f"{scheme}://hooks.example.org/", allow_private=False, resolver=lambda _host, _port: addresses)
    assert isinstance(outcome, Retry)
    assert connected == [PUBLIC]


def test_a_name_that_leads_elsewhere_when_asked_again_is_asked_once(connected: list[str]) -> None:
    answers = [[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]]
    send("https://hooks.example.org/", allow_private=False, resolver=lambda _host, _port: answers.pop(0))
    assert connected == [PUBLIC]
    assert len(answers) == 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_leads_inside(receiver: Receiver, status: int) -> None:
    with Receiver() as inside:
        receiver.answer = Answer(status, {"Location": f"http://127.0.0.1:{inside.port}/"})
        assert isinstance(send(f"http://127.0.0.1:{receiver.port}/"), Retry)
        assert inside.posts == []


def test_the_connection_goes_to_the_address_that_was_judged_and_the_name_is_kept(receiver: Receiver) -> None:
    outcome = send(f"http://hooks.example.org:{receiver.port}/hook", resolver=lambda _host, _port: ["127.0.0.1"])
    assert outcome == Sent()
    assert receiver.posts[0].headers["host"] == f"hooks.example.org:{receiver.port}"


def test_the_next_address_of_a_name_is_tried_when_the_first_takes_no_connection(receiver: Receiver) -> None:
    assert send(f"http://hooks.example.org:{receiver.port}/", resolver=lambda _host, _port: ["127.0.0.9", "127.0.0.1"]) == Sent()


def test_a_name_that_does_not_resolve_is_tried_again() -> None:
    def resolver(_host: str, _port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    outcome = send("https://hooks.example.org/t/0ken", resolver=resolver)
    assert outcome == Retry("https://hooks.example.org/t/***: the name cannot be resolved: Name or service not known", silent=True)


@pytest.fixture
def no_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


@pytest.mark.usefixtures("no_proxy_of_the_environment")
def test_a_proxy_of_the_environment_is_not_used(receiver: Receiver) -> None:
    assert send(f"http://127.0.0.1:{receiver.port}/") == Sent()


def test_tls_checks_the_certificate_for_the_name_and_not_for_the_address(authority: trustme.CA, tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("hooks.example.org").configure_cert(context)
    loopback = {"resolver": lambda _host, _port: ["127.0.0.1"]}
    with Receiver(context) as receiver:
        assert send(f"https://hooks.example.org:{receiver.port}/", ca_file=str(ca_file), **loopback) == Sent()
        other_name = send(f"https://other.example.org:{receiver.port}/", ca_file=str(ca_file), **loopback)
        assert isinstance(other_name, Retry)
        assert "certificate is not trusted" in other_name.reason
        unknown_authority = send(f"https://hooks.example.org:{receiver.port}/", **loopback)
        assert isinstance(unknown_authority, Retry)
        assert "certificate is not trusted" in unknown_authority.reason
        assert len(receiver.posts) == 1


def test_no_server_is_tried_again() -> None:
    with Receiver() as receiver:
        port = receiver.port
    outcome = send(f"http://127.0.0.1:{port}/")
    assert outcome == Retry(f"http://127.0.0.1:{port}/: no connection, or it broke before an answer came", silent=True)


def test_a_server_that_says_nothing_is_given_up() -> None:
    with Scripted(lambda line, _received: _until_closed(line)) as server:
        outcome = send(f"http://127.0.0.1:{server.port}/", timeout=0.2)
    assert isinstance(outcome, Retry)
    assert "within 0.2 seconds" in outcome.reason or "no answer in time" in outcome.reason


def _until_closed(line: socket.socket) -> None:
    while line.recv(1000):
        pass


@pytest.mark.parametrize("start", [b"HTTP/1.1 ", b""])
def test_a_server_that_drips_is_given_up_at_the_deadline(start: bytes) -> None:
    servers: list[Scripted] = []
    with Scripted(drip(start, lambda: servers[0].over)) as server:
        servers.append(server)
        outcome = send(f"http://127.0.0.1:{server.port}/", timeout=1.5)
    assert outcome == Retry(f"http://127.0.0.1:{server.port}/: no whole answer within 1.5 seconds")


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nX-Long: ", b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n"])
def test_what_drips_after_a_2xx_was_taken_all_the_same(start: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Deadline] = []

    def kept(seconds: float) -> Deadline:
        made.append(Deadline(seconds))
        return made[-1]

    def talk(line: socket.socket, _received: list[bytes]) -> None:
        with line.makefile("rb") as reader:
            reader.readline()
            reader.read(int(http.client.parse_headers(reader)["Content-Length"]))
        line.sendall(start + b"x")
        made[0].strike()  # in the middle of the answer, however long it took to come so far
        _until_closed(line)

    monkeypatch.setattr(webhook, "Deadline", kept)
    with Scripted(talk) as server:
        assert send(f"http://127.0.0.1:{server.port}/") == Sent()
    assert made[0].passed


@pytest.mark.parametrize("answer", [b"", b"\x00\xff\xfe garbage\r\n\r\n", b"SSH-2.0-x\r\n", b"HTTP/1.1 999999 Odd\r\n\r\n"])
def test_what_is_no_http_is_tried_again_with_one_line(answer: bytes) -> None:
    def talk(line: socket.socket, _received: list[bytes]) -> None:
        line.recv(10**6)
        line.sendall(answer)

    with Scripted(talk) as server:
        outcome = send(f"http://127.0.0.1:{server.port}/")
    assert isinstance(outcome, Retry)
    assert "\n" not in outcome.reason


@pytest.mark.parametrize("url", ["ftp://example.org/", "http://", "http://[", "nonsense", "", "http://exa mple.org/"])
def test_an_address_that_is_none_ends_in_an_outcome(url: str) -> None:
    assert isinstance(send(url, resolver=lambda _host, _port: []), Refused)


def test_a_notice_that_cannot_be_composed_stays_queued() -> None:
    def broken(_notice: Notice) -> bytes:
        raise KeyError("a field of a newer program")

    assert send("http://127.0.0.1:9/", body=broken) == Retry("the post could not be written: 'a field of a newer program'")


@pytest.mark.parametrize(
    ("secret", "code", "said"),
    [
        ("old whsec_bmV3", 0, ""),
        ("", 0, "HOOK_SECRET is not set here: posts wait until it is"),
        ("old whsec_!!", 2, "registry-sync: the signing secret 2 of 2 in HOOK_SECRET is no base64 after whsec_\n"),
    ],
)
def test_subscribe_looks_at_the_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, secret: str, code: int, said: str
) -> None:
    monkeypatch.setenv("HOOK_SECRET", secret)
    words = ["subscribe", "https://hooks.example.org/t/0ken", TRIAL, "--secret-env", "HOOK_SECRET"]
    assert run(["--database", str(tmp_path / "history.db"), *words]) == code
    err = capsys.readouterr().err
    assert err.startswith(said)
    assert "!!" not in err
