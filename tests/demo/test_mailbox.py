"""The mail server on loopback, seen from smtplib."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
import trustme

from registry_sync.demo.mailbox import Mailbox
from tests.waiting import PATIENCE, beside

SENDER, READER = "alerts@example.org", "reader@example.org"
MAIL = b"Subject: News\r\nTo: reader@example.org\r\n\r\n.one\r\ntwo\r\n"


@contextmanager
def client(mailbox: Mailbox, timeout: float = PATIENCE) -> Iterator[smtplib.SMTP]:
    connection = smtplib.SMTP(mailbox.host, mailbox.port, local_hostname="localhost", timeout=timeout)
    try:
        yield connection
    finally:
        connection.close()


def ended(line: socket.socket) -> bool:
    """Did the other side end this connection, in order or by a reset?"""
    try:
        while line.recv(1000):
            pass
        return True
    except ConnectionError:
        return True


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def client_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def test_a_mail_is_kept_with_its_envelope(mailbox: Mailbox) -> None:
    with client(mailbox) as smtp:
        assert smtp.sendmail(SENDER, [READER, "second@example.org"], MAIL) == {}
    (mail,) = mailbox.wait_for(1)
    assert (mail.sender, mail.recipients) == (SENDER, (READER, "second@example.org"))
    assert mail.raw == MAIL
    assert mail.message["Subject"] == "News"
    assert mail.text() == ".one\ntwo\n"
    assert (mail.login, mail.encrypted) == (None, False)
    with pytest.raises(LookupError):
        mail.text("html")


def test_one_connection_carries_many_mails_and_it_offers_no_login(mailbox: Mailbox) -> None:
    with client(mailbox) as smtp:
        smtp.ehlo()
        assert not smtp.has_extn("auth")
        assert not smtp.has_extn("starttls")
        for _ in range(5):
            smtp.sendmail(SENDER, [READER], MAIL)
    assert (len(mailbox.messages), mailbox.connections) == (5, 1)
    mailbox.empty()
    assert mailbox.messages == ()


def test_a_refused_sender(mailbox: Mailbox) -> None:
    mailbox.refuse_sender(times=1)
    with client(mailbox) as smtp:
        with pytest.raises(smtplib.SMTPSenderRefused) as caught:
            smtp.sendmail(SENDER, [READER], MAIL)
        assert caught.value.smtp_code == 553
        smtp.sendmail(SENDER, [READER], MAIL)


def test_one_refused_recipient_hinders_nobody_else(mailbox: Mailbox) -> None:
    mailbox.refuse_recipient("Gone@Example.org")
    mailbox.refuse_recipient("full@example.org", "452 4.2.2 Mailbox full")
    with client(mailbox) as smtp:
        refused = smtp.sendmail(SENDER, [READER, "gone@example.org", "full@example.org"], MAIL)
    assert {address: code for address, (code, _) in refused.items()} == {"gone@example.org": 550, "full@example.org": 452}
    assert mailbox.wait_for(1)[0].recipients == (READER,)


def test_a_refused_message_is_not_kept_until_it_behaves_again(mailbox: Mailbox) -> None:
    mailbox.refuse_data("451 4.3.0 Try later")
    with client(mailbox) as smtp:
        with pytest.raises(smtplib.SMTPDataError) as caught:
            smtp.sendmail(SENDER, [READER], MAIL)
        assert caught.value.smtp_code == 451
        mailbox.behave()
        smtp.sendmail(SENDER, [READER], MAIL)
    assert len(mailbox.messages) == 1


def test_a_line_over_998_bytes_is_refused(mailbox: Mailbox) -> None:
    with client(mailbox) as smtp:
        smtp.sendmail(SENDER, [READER], MAIL + b"x" * 998 + b"\r\n")
        with pytest.raises(smtplib.SMTPDataError, match="Line too long"):
            smtp.sendmail(SENDER, [READER], MAIL + b"x" * 999 + b"\r\n")


def test_a_connection_dropped_after_data_has_kept_the_message(mailbox: Mailbox) -> None:
    mailbox.drop_after_data()
    with client(mailbox) as smtp, pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        smtp.sendmail(SENDER, [READER], MAIL)
    assert len(mailbox.wait_for(1)) == 1
    with client(mailbox) as smtp:
        smtp.sendmail(SENDER, [READER], MAIL)
    assert len(mailbox.messages) == 2


@pytest.mark.parametrize("stage", ["ehlo", "mail", "rcpt", "data"])
def test_a_hanging_server_goes_on_once_released(mailbox: Mailbox, stage: str) -> None:
    hold = mailbox.hang(stage)  # type: ignore[arg-type]
    with client(mailbox) as smtp:
        sent = beside(lambda: smtp.sendmail(SENDER, [READER], MAIL))
        hold.wait_until_reached()
        with pytest.raises(TimeoutError):
            sent.result(0.1)
        hold.release()
        assert sent.result(PATIENCE) == {}
        smtp.sendmail(SENDER, [READER], MAIL)
    assert len(mailbox.messages) == 2


def test_a_server_that_never_greets(mailbox: Mailbox) -> None:
    hold = mailbox.hang("connect")
    with pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected), match="timed out"):
        smtplib.SMTP(mailbox.host, mailbox.port, local_hostname="localhost", timeout=0.1)
    with socket.create_connection((mailbox.host, mailbox.port), PATIENCE) as line:
        hold.wait_until_reached()
        hold.release()
        assert ended(line)


@pytest.mark.parametrize("held", [True, False])
def test_stopping_ends_every_connection_however_young(held: bool) -> None:
    mailbox = Mailbox().start()
    if held:
        mailbox.hang("connect")
    with ExitStack() as lines:
        opened = [lines.enter_context(socket.create_connection((mailbox.host, mailbox.port), PATIENCE)) for _ in range(20)]
        mailbox.stop()
        mailbox.stop()
        assert all(ended(line) for line in opened)


def test_stopped_it_refuses_and_started_again_it_is_where_it_was(mailbox: Mailbox) -> None:
    port = mailbox.port
    with client(mailbox) as smtp:
        smtp.noop()
        mailbox.stop()
        with pytest.raises(smtplib.SMTPException):
            smtp.sendmail(SENDER, [READER], MAIL)
    with pytest.raises(ConnectionRefusedError):
        smtplib.SMTP(mailbox.host, port, local_hostname="localhost", timeout=PATIENCE)
    mailbox.start()
    assert mailbox.port == port
    with client(mailbox) as smtp:
        smtp.sendmail(SENDER, [READER], MAIL)
    with pytest.raises(RuntimeError, match="listens already"):
        mailbox.start()


def test_it_has_no_port_before_it_starts_and_needs_a_context_for_tls() -> None:
    with pytest.raises(RuntimeError, match="never started"):
        _ = Mailbox().port
    with pytest.raises(ValueError, match="context"):
        Mailbox(security="tls")


def test_a_mail_that_does_not_come_ends_the_wait(mailbox: Mailbox) -> None:
    with pytest.raises(TimeoutError, match="0 of 1 mails"):
        mailbox.wait_for(1, 0.01)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("initial", [True, False])
def test_a_login_by_password(mechanism: str, initial: bool) -> None:
    with Mailbox(username="me", password="sécret") as mailbox, client(mailbox) as smtp:
        smtp.ehlo()
        assert set(smtp.esmtp_features["auth"].split()) == {"LOGIN", "PLAIN"}
        with pytest.raises(smtplib.SMTPSenderRefused, match="Authentication required"):
            smtp.sendmail(SENDER, [READER], MAIL)
        smtp.user, smtp.password = "me", "wrong"
        authobject = {"PLAIN": smtp.auth_plain, "LOGIN": smtp.auth_login}[mechanism]
        with pytest.raises(smtplib.SMTPAuthenticationError):
            smtp.auth(mechanism, authobject, initial_response_ok=initial)
        smtp.docmd("AUTH PLAIN", "AG1lAHPDqWNyZXQ=")
        smtp.sendmail(SENDER, [READER], MAIL)
        assert mailbox.wait_for(1)[0].login == "me"


def test_a_login_by_smtplibs_own_choice_and_one_that_is_refused_though_right() -> None:
    with Mailbox(username="me", password="secret") as mailbox, client(mailbox) as smtp:
        mailbox.refuse_login("454 4.7.0 Temporary failure", times=2)
        with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
            smtp.login("me", "secret")
        assert caught.value.smtp_code == 454
        assert smtp.login("me", "secret")[0] == 235


def test_a_login_by_token() -> None:
    token = "ya29." + "t" * 700
    with Mailbox(username="me@example.org", token=token) as mailbox, client(mailbox) as smtp:
        smtp.ehlo()
        assert smtp.esmtp_features["auth"].split() == ["XOAUTH2"]

        def answer(secret: str) -> str:
            return f"user=me@example.org\1auth=Bearer {secret}\1\1"

        with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
            smtp.auth("XOAUTH2", lambda challenge=None: "" if challenge else answer("stale"))
        assert caught.value.smtp_code == 535
        assert smtp.auth("XOAUTH2", lambda challenge=None: "" if challenge else answer(token))[0] == 235
        smtp.sendmail(SENDER, [READER], MAIL)
        assert mailbox.wait_for(1)[0].login == "me@example.org"


@pytest.mark.parametrize("line", ["AUTH PLAIN !!!", "AUTH PLAIN AA==", "AUTH XOAUTH2 AA==", "AUTH PLAIN " + "x" * 600])
def test_a_login_that_makes_no_sense_is_refused(line: str) -> None:
    with Mailbox(username="me", password="secret") as mailbox, client(mailbox) as smtp:
        smtp.ehlo()
        code, _ = smtp.docmd(line)
        if code == 334:
            code, _ = smtp.docmd("")
        assert code == 535


def test_a_login_that_is_broken_off_leaves_the_conversation_in_step() -> None:
    with Mailbox(username="me", password="secret") as mailbox, client(mailbox) as smtp:
        smtp.ehlo()
        assert smtp.docmd("AUTH LOGIN")[0] == 334
        assert smtp.docmd("*")[0] == 501
        assert smtp.login("me", "secret")[0] == 235


def test_starttls_is_demanded_and_then_used(server_context: ssl.SSLContext, client_context: ssl.SSLContext) -> None:
    with Mailbox(security="starttls", context=server_context, username="me", password="secret") as mailbox, client(mailbox) as smtp:
        with pytest.raises(smtplib.SMTPSenderRefused, match="STARTTLS"):
            smtp.sendmail(SENDER, [READER], MAIL)
        smtp.starttls(context=client_context)
        smtp.login("me", "secret")
        smtp.sendmail(SENDER, [READER], MAIL)
        (mail,) = mailbox.wait_for(1)
        assert (mail.encrypted, mail.login) == (True, "me")


def test_tls_from_the_first_byte(server_context: ssl.SSLContext, client_context: ssl.SSLContext) -> None:
    with Mailbox(security="tls", context=server_context) as mailbox:
        with smtplib.SMTP_SSL(mailbox.host, mailbox.port, local_hostname="localhost", timeout=PATIENCE, context=client_context) as smtp:
            smtp.sendmail(SENDER, [READER], MAIL)
        assert mailbox.wait_for(1)[0].encrypted


def test_a_client_that_does_not_trust_it_leaves_no_trace(server_context: ssl.SSLContext, capfd: pytest.CaptureFixture[str]) -> None:
    strangers = ssl.create_default_context()
    with Mailbox(security="tls", context=server_context) as mailbox, pytest.raises(ssl.SSLCertVerificationError):
        smtplib.SMTP_SSL(mailbox.host, mailbox.port, local_hostname="localhost", timeout=PATIENCE, context=strangers)
    with (
        Mailbox(security="starttls", context=server_context) as mailbox,
        client(mailbox) as smtp,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        smtp.starttls(context=strangers)
    assert capfd.readouterr().err == ""
