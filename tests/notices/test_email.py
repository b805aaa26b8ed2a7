from __future__ import annotations

import itertools
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from registry_sync.demo.mailbox import Mailbox
from registry_sync.errors import RegistrySyncError, Stopped
from registry_sync.notices import email, wire
from registry_sync.notices.email import MailChannel
from registry_sync.notices.interface import Refused, Retry, Sent
from registry_sync.settings import Smtp
from tests.notices.scripted import Scripted, drip
from tests.notices.told import TRIAL, closing
from tests.waiting import PATIENCE

NOW = datetime(2026, 2, 3, tzinfo=UTC)
COMPOSE = wire.Writer(sender="Trial alerts <alerts@example.org>", reply_to="", unsubscribe="", web_url="", now=NOW).write


@contextmanager
def channel(
    port: int, *, write: Callable[..., Any] = COMPOSE, pace: Callable[[], object] = lambda: None, **settings: Any
) -> Iterator[MailChannel]:
    smtp = Smtp(**{"host": "127.0.0.1", "port": port, "sender": "Trial alerts <alerts@example.org>", "timeout": PATIENCE, **settings})
    made = MailChannel(smtp, write=write, pace=pace)
    try:
        yield made
    finally:
        made.close()
        made.close()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as server:
        yield server


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def test_a_notice_arrives_as_it_was_composed(mailbox: Mailbox) -> None:
    with channel(mailbox.port) as mails:
        assert mails.send(closing()) == Sent()
    (mail,) = mailbox.wait_for(1)
    assert mail.sender == "alerts@example.org"
    assert mail.recipients == ("a@example.org",)
    assert mail.message["Subject"] == f"A trial you follow is no longer recruiting ({TRIAL})"
    assert mail.raw == COMPOSE(closing()).octets


@pytest.mark.parametrize(
    "body",
    [b".", b"..", b".\r\n..\r\n.", b"a\r\n.b\r\n", b"a\r\n.", b"ends with no line end", b"\r\n\r\n.\r\n\r\nRCPT TO:<b@example.org>\r\n"],
)
def test_points_at_the_start_of_a_line_end_no_mail(mailbox: Mailbox, body: bytes) -> None:
    head = b"From: alerts@example.org\r\nSubject: s\r\n\r\n"
    with channel(mailbox.port, write=lambda notice: wire.Wire(notice.address, head + body)) as mails:
        assert mails.send(closing()) == Sent()
        assert mails.send(closing(id="n-2")) == Sent()
    mailed = mailbox.wait_for(2)
    assert [mail.raw.removesuffix(b"\r\n") for mail in mailed] == [(head + body).removesuffix(b"\r\n")] * 2


def test_the_next_mail_is_written_while_the_server_takes_the_one_before(mailbox: Mailbox) -> None:
    happened: list[str] = []

    def write(notice: Any) -> wire.Wire:
        happened.append(f"written {notice.id}")
        return COMPOSE(notice)

    first, second, other = closing(), closing(id="n-2"), closing(id="n-3")
    with channel(mailbox.port, write=write) as mails:
        mails.send(first, lambda: second)
        happened.append("first sent")
        mails.send(second, lambda: other)
        mails.send(first)  # what was said to come next does not
    assert happened == [f"written {first.id}", "written n-2", "first sent", "written n-3", f"written {first.id}"]
    assert [mail.raw for mail in mailbox.wait_for(3)] == [COMPOSE(each).octets for each in (first, second, first)]


def test_a_mail_that_cannot_be_written_ahead_spoils_nothing(mailbox: Mailbox) -> None:
    second = closing(id="n-2")

    def write(notice: Any) -> wire.Wire:
        if notice is second:
            raise ValueError("no such thing")
        return COMPOSE(notice)

    with channel(mailbox.port, write=write) as mails:
        assert mails.send(closing(), lambda: second) == Sent()
        assert mails.send(second) == Retry("the mail could not be written: no such thing")


def test_many_mails_go_over_one_connection(mailbox: Mailbox) -> None:
    with channel(mailbox.port) as mails:
        assert [mails.send(closing(id=f"n-{n}")) for n in range(5)] == [Sent()] * 5
    assert mailbox.connections == 1
    assert len({mail.message["Message-ID"] for mail in mailbox.messages}) == 5


def test_a_connection_that_the_server_closed_meanwhile_is_made_anew(mailbox: Mailbox) -> None:
    with channel(mailbox.port) as mails:
        assert mails.send(closing()) == Sent()
        mailbox.stop()
        mailbox.start()
        assert mails.send(closing()) == Sent()
    assert mailbox.connections == 2


def test_a_server_that_has_enough_of_a_connection_gets_a_new_one(mailbox: Mailbox) -> None:
    with channel(mailbox.port) as mails:
        assert mails.send(closing()) == Sent()
        mailbox.refuse_sender("421 4.7.0 Too many mails on this connection", times=1)
        assert mails.send(closing()) == Sent()
    assert mailbox.connections == 2


def test_a_connection_lost_after_the_mail_was_handed_over_is_a_retry_and_no_second_mail(mailbox: Mailbox) -> None:
    mailbox.drop_after_data()
    with channel(mailbox.port) as mails:
        outcome = mails.send(closing())
        assert isinstance(outcome, Retry)
        assert not outcome.channel_down
        assert len(mailbox.messages) == 1
        assert mails.send(closing()) == Sent()
    assert len({mail.message["Message-ID"] for mail in mailbox.messages}) == 1


@pytest.mark.parametrize(("code", "kind"), [("550 5.1.1 No such user here", Refused), ("450 4.2.1 Greylisted, try later", Retry)])
def test_a_refused_recipient_is_for_good_or_for_now_and_stops_nobody_else(mailbox: Mailbox, code: str, kind: type) -> None:
    mailbox.refuse_recipient("gone@example.org", code)
    with channel(mailbox.port) as mails:
        outcome = mails.send(closing(address="gone@example.org"))
        assert isinstance(outcome, kind)
        assert code in outcome.reason
        assert not getattr(outcome, "channel_down", False)
        assert mails.send(closing()) == Sent()
    assert mailbox.connections == 1


@pytest.mark.parametrize(
    ("code", "kind"), [("554 5.6.0 Message refused", Refused), ("451 4.3.0 Local trouble", Retry), ("421 4.3.2 Closing", Retry)]
)
def test_refused_content_is_for_good_or_for_now(mailbox: Mailbox, code: str, kind: type) -> None:
    mailbox.refuse_data(code, times=1)
    with channel(mailbox.port) as mails:
        outcome = mails.send(closing())
        assert isinstance(outcome, kind)
        assert code[:3] in outcome.reason
        assert mails.send(closing()) == Sent()


def test_a_refused_sender_is_the_channels_fault(mailbox: Mailbox) -> None:
    mailbox.refuse_sender("553 5.7.1 Not your sender")
    with channel(mailbox.port) as mails:
        outcome = mails.send(closing())
    assert outcome == Retry(
        f"mail server 127.0.0.1:{mailbox.port} refused the sender alerts@example.org: 553 5.7.1 Not your sender",
        channel_down=True,
        brief=f"mail server 127.0.0.1:{mailbox.port} refused the sender: 553 5.7.1",
    )


def test_a_recipient_refused_for_want_of_a_login_is_the_channels_fault(mailbox: Mailbox) -> None:
    mailbox.refuse_recipient("a@example.org", "530 5.7.0 Authentication required")
    with channel(mailbox.port) as mails:
        outcome = mails.send(closing())
    assert isinstance(outcome, Retry)
    assert outcome.channel_down


def test_no_server_at_all_is_one_clear_line() -> None:
    with Mailbox() as mailbox:
        port = mailbox.port
    with channel(port) as mails:
        outcome = mails.send(closing())
    assert outcome == Retry(f"mail server 127.0.0.1:{port} cannot be reached: Connection refused", channel_down=True)


@pytest.mark.parametrize("stage", ["connect", "ehlo", "mail"])
def test_a_server_that_says_nothing_is_given_up(mailbox: Mailbox, stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(email, "OVERALL", 1000)
    mailbox.hang(stage)
    with channel(mailbox.port, timeout=0.2) as mails:
        outcome = mails.send(closing())
    assert isinstance(outcome, Retry)
    assert outcome.channel_down
    assert "no answer in time" in outcome.reason


@pytest.mark.parametrize(("stage", "number"), [("rcpt", 4), ("data", 6)])
def test_a_server_that_hangs_over_one_mail_does_not_stop_the_others(
    mailbox: Mailbox, stage: Any, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold, answers, getreply = mailbox.hang(stage), itertools.count(1), email._Session.getreply

    def read(session: Any) -> tuple[int, bytes]:
        if next(answers) == number:  # it is this one that does not come
            hold.wait_until_reached()
            session.sock.settimeout(0.1)
        return getreply(session)

    monkeypatch.setattr(email._Session, "getreply", read)
    with channel(mailbox.port) as mails:
        outcome = mails.send(closing())
        assert isinstance(outcome, Retry)
        assert not outcome.channel_down
        mailbox.behave()
        assert mails.send(closing()) == Sent()


@pytest.mark.parametrize("text", [b"220-", b"220 hello\r\n250-"])
def test_a_server_that_drips_is_given_up_at_the_overall_deadline(text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(email, "OVERALL", 1 / PATIENCE)  # no single answer is late
    servers: list[Scripted] = []
    with Scripted(drip(text, lambda: servers[0].over)) as server:
        servers.append(server)
        with channel(server.port) as mails:
            outcome = mails.send(closing())
    assert isinstance(outcome, Retry)
    assert outcome.channel_down
    assert "took longer than 1 second for one mail" in outcome.reason


@pytest.mark.parametrize("greeting", [b"554 5.3.2 No mail here\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff\xfe\r\n", b""])
def test_what_is_no_mail_server_is_one_clear_line(greeting: bytes) -> None:
    with Scripted(lambda line, _received: line.sendall(greeting)) as server, channel(server.port) as mails:
        outcome = mails.send(closing())
    assert isinstance(outcome, Retry)
    assert outcome.channel_down
    assert "\n" not in outcome.reason
    assert outcome.reason.startswith(f"mail server 127.0.0.1:{server.port}")


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_tls_with_an_own_authority(tls: ssl.SSLContext, ca_file: str, security: Any) -> None:
    with Mailbox(security=security, context=tls) as mailbox, channel(mailbox.port, security=security, ca_file=ca_file) as mails:
        assert [mails.send(closing()), mails.send(closing())] == [Sent(), Sent()]
        assert [mail.encrypted for mail in mailbox.messages] == [True, True]
        assert mailbox.connections == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # aiosmtpd leaves the transport of a broken handshake to the collector
def test_a_certificate_that_is_not_trusted_is_not_used(tls: ssl.SSLContext, security: Any) -> None:
    with Mailbox(security=security, context=tls) as mailbox, channel(mailbox.port, security=security) as mails:
        outcome = mails.send(closing())
        assert isinstance(outcome, Retry)
        assert outcome.channel_down
        assert "its certificate is not trusted" in outcome.reason
        assert mailbox.messages == ()


def test_a_server_without_starttls_gets_no_mail_in_the_clear(mailbox: Mailbox) -> None:
    with channel(mailbox.port, security="starttls") as mails:
        outcome = mails.send(closing())
    assert isinstance(outcome, Retry)
    assert outcome.channel_down
    assert "lacks what the settings ask for: STARTTLS" in outcome.reason
    assert mailbox.messages == ()


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_ca_file_that_cannot_be_used_is_named(mailbox: Mailbox, security: Any, tmp_path: Path) -> None:
    with channel(mailbox.port, security=security, ca_file=str(tmp_path / "none.pem")) as mails:
        outcome = mails.send(closing())
    assert isinstance(outcome, Retry)
    assert "none.pem cannot be used" in outcome.reason


@pytest.mark.parametrize("password", ["s3cr3t", "pæssword – long"])
def test_login_with_a_password(password: str) -> None:
    with Mailbox(username="robot", password=password) as mailbox:
        with channel(mailbox.port, username="robot", password=password) as mails:
            assert mails.send(closing()) == Sent()
        assert mailbox.messages[0].login == "robot"


def test_login_with_a_token() -> None:
    with Mailbox(username="robot", token="t0k3n" * 300) as mailbox:
        with channel(mailbox.port, username="robot", password="t0k3n" * 300, auth="xoauth2") as mails:
            assert mails.send(closing()) == Sent()
        assert mailbox.messages[0].login == "robot"


@pytest.mark.parametrize(("auth", "keys"), [("password", {"password": "right"}), ("xoauth2", {"token": "right"})])
def test_a_refused_login_is_the_channels_fault_and_does_not_tell_the_password(auth: Any, keys: dict[str, str]) -> None:
    with Mailbox(username="robot", **keys) as mailbox:
        mailbox.refuse_login("535 5.7.8 Not with wr0ng-one, robot")
        with channel(mailbox.port, username="robot", password="wr0ng-one", auth=auth) as mails:
            outcome = mails.send(closing())
    assert isinstance(outcome, Retry)
    assert outcome.channel_down
    assert "refused the login of robot: 535 5.7.8 Not with ***" in outcome.reason
    assert "wr0ng-one" not in outcome.reason


def test_a_server_that_offers_no_login_is_not_given_the_password(mailbox: Mailbox) -> None:
    with channel(mailbox.port, username="robot", password="s3cr3t") as mails:
        outcome = mails.send(closing())
    assert isinstance(outcome, Retry)
    assert "offers no login by PLAIN or LOGIN" in outcome.reason


def login_only(line, received: list[bytes]) -> None:
    """A server that knows AUTH LOGIN alone."""
    answers = {
        b"EHLO": b"250-hello\r\n250 AUTH LOGIN\r\n",
        b"AUTH": b"334 VXNlcm5hbWU6\r\n",
        b"MAIL": b"250 ok\r\n",
        b"RCPT": b"250 ok\r\n",
        b"DATA": b"354 go\r\n",
        b".": b"250 taken\r\n",
        b"RSET": b"250 ok\r\n",
        b"QUIT": b"221 bye\r\n",
    }
    line.sendall(b"220 hello\r\n")
    in_data = False
    for raw in line.makefile("rb"):
        command = raw.strip().split(b" ")[0].upper()
        received.append(raw.strip())
        in_data = command == b"DATA" or (in_data and command != b".")
        if in_data and command != b"DATA":
            continue
        line.sendall(answers.get(command, b"235 welcome\r\n"))


def test_login_by_the_older_mechanism() -> None:
    with Scripted(login_only) as server, channel(server.port, username="robot", password="s3cr3t") as mails:
        assert mails.send(closing()) == Sent()
    assert b"AUTH LOGIN cm9ib3Q=" in server.received
    assert b"czNjcjN0" in server.received


def test_an_address_beyond_ascii_is_sent_as_utf8_or_refused(mailbox: Mailbox) -> None:
    with channel(mailbox.port) as mails:
        assert mails.send(closing(address="ølrik@example.org")) == Sent()
    assert mailbox.messages[0].recipients == ("ølrik@example.org",)
    assert mailbox.messages[0].message["To"] == "ølrik@example.org"
    with Scripted(login_only) as server, channel(server.port) as mails:
        outcome = mails.send(closing(address="ølrik@example.org"))
        assert isinstance(outcome, Refused)
        assert "SMTPUTF8" in outcome.reason
        assert mails.send(closing()) == Sent()


def test_a_domain_beyond_ascii_needs_no_utf8(mailbox: Mailbox) -> None:
    with channel(mailbox.port) as mails:
        assert mails.send(closing(address="a@bücher.example")) == Sent()
    assert mailbox.messages[0].recipients == ("a@xn--bcher-kva.example",)


def test_each_mail_waits_for_its_turn_and_what_ends_the_wait_is_passed_on(mailbox: Mailbox) -> None:
    turns = iter([None, None])

    def pace() -> None:
        if next(turns, "no more") is not None:
            raise Stopped("asked to stop")

    with channel(mailbox.port, pace=pace) as mails:
        assert mails.send(closing()) == Sent()
        assert mails.send(closing()) == Sent()
        with pytest.raises(Stopped):
            mails.send(closing())
    assert len(mailbox.messages) == 2


def test_a_notice_that_cannot_be_composed_stays_queued(mailbox: Mailbox) -> None:
    def broken(_notice: object) -> Any:
        raise KeyError("a field of a newer program")

    with channel(mailbox.port, write=broken) as mails:
        outcome = mails.send(closing())
    assert outcome == Retry("the mail could not be written: 'a field of a newer program'")


@pytest.mark.parametrize("address", ["", "nobody", "https://example.org/", "a@example.org\r\nRCPT TO:<b@example.org>", "a b@example.org>"])
def test_an_address_that_is_none_reaches_no_server(mailbox: Mailbox, address: str) -> None:
    with channel(mailbox.port) as mails:
        outcome = mails.send(closing(address=address))
        assert isinstance(outcome, Refused)
        assert mails.send(closing()) == Sent()
    assert [mail.recipients for mail in mailbox.messages] == [("a@example.org",)]


def test_doctor_checks_connection_and_login() -> None:
    with Mailbox(username="robot", password="right") as mailbox:
        with channel(mailbox.port, username="robot", password="right") as mails:
            assert mails.check() == f"mail server 127.0.0.1:{mailbox.port}"
        with (
            channel(mailbox.port, username="robot", password="wrong") as mails,
            pytest.raises(RegistrySyncError, match="refused the login of robot"),
        ):
            mails.check()


def test_doctor_names_the_sender_and_takes_it_back() -> None:
    with Scripted(login_only) as server, channel(server.port, username="robot", password="s3cr3t") as mails:
        mails.check()
    assert [line.upper() for line in server.received[-3:]] == [b"MAIL FROM:<ALERTS@EXAMPLE.ORG>", b"RSET", b"QUIT"]


@pytest.mark.parametrize("login", [{}, {"username": "robot", "password": "right"}])
def test_a_server_that_wants_starttls_first_is_to_be_given_it(tls: ssl.SSLContext, ca_file: str, login: dict[str, str]) -> None:
    with Mailbox(security="starttls", context=tls, **login) as mailbox:
        with channel(mailbox.port, **login) as mails, pytest.raises(RegistrySyncError, match="530 ") as told:
            mails.check()
        assert str(told.value).endswith('; set [smtp] security = "starttls"')
        with channel(mailbox.port, security="starttls", ca_file=ca_file, **login) as mails:
            mails.check()


def wants_a_login(line, received: list[bytes]) -> None:
    """A server that offers STARTTLS and takes no mail of who has not logged in."""
    answers = {b"EHLO": b"250-hello\r\n250 STARTTLS\r\n", b"MAIL": b"530 5.7.0 Authentication required\r\n"}
    line.sendall(b"220 hello\r\n")
    for raw in line.makefile("rb"):
        received.append(raw.strip())
        line.sendall(answers.get(raw.strip().split(b" ")[0].upper(), b"250 ok\r\n"))


def test_a_server_that_takes_no_mail_without_a_login_is_to_be_given_one(tls: ssl.SSLContext, ca_file: str) -> None:
    refused = "refused the sender alerts@example.org: 530 5.7.0 Authentication required; set [smtp] username and password"
    with Scripted(wants_a_login) as server, channel(server.port) as mails, pytest.raises(RegistrySyncError) as told:
        mails.check()
    assert str(told.value).endswith(f'{refused}, and security = "starttls"')
    with (
        Mailbox(security="starttls", context=tls, username="robot", password="right") as mailbox,
        channel(mailbox.port, security="starttls", ca_file=ca_file) as mails,
        pytest.raises(RegistrySyncError) as told,
    ):
        mails.check()
    assert str(told.value).endswith(refused)


@pytest.mark.parametrize(
    ("answer", "do"),
    [
        ("553 5.7.1 Sender address rejected", "set [smtp] sender to an address for which it takes mail, or ask whoever runs it"),
        ("451 4.3.0 Busy", "try again later, or ask whoever runs it"),
    ],
)
def test_a_sender_that_is_refused_is_told_by_doctor(mailbox: Mailbox, answer: str, do: str) -> None:
    mailbox.refuse_sender(answer)
    with channel(mailbox.port) as mails, pytest.raises(RegistrySyncError) as told:
        mails.check()
    assert str(told.value).endswith(f"{answer}; {do}")
    with channel(mailbox.port, sender="æ@example.org") as mails, pytest.raises(RegistrySyncError, match="sender to an address in ASCII"):
        mails.check()


@pytest.mark.parametrize("password", ["p", "sup", "wrong", "STARTTLS"])
def test_a_password_that_stands_in_our_own_words_is_not_told_by_what_is_left_out(mailbox: Mailbox, password: str) -> None:
    with channel(mailbox.port, username="robot", password=password, security="starttls") as mails:
        outcome = mails.send(closing())
    assert isinstance(outcome, Retry)
    assert outcome.reason.endswith("lacks what the settings ask for: STARTTLS extension not supported by server.")


def test_a_password_of_a_few_characters_is_not_told_by_what_is_left_out_of_the_servers_words() -> None:
    with Mailbox(username="robot", password="right") as mailbox:
        mailbox.refuse_login("535 5.7.8 Not supported")
        with channel(mailbox.port, username="robot", password="p") as mails:
            outcome = mails.send(closing())
    assert isinstance(outcome, Retry)
    assert outcome.reason.endswith("535 5.7.8 Not supported")
