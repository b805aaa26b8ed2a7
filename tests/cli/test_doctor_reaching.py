"""What ``doctor`` says to do about a registry or a mail server that does not answer as it should."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from registry_sync.demo import record
from registry_sync.demo.mailbox import Mailbox
from registry_sync.demo.record import TRIAL
from tests.cli.conftest import Terminal


def row(terminal: Terminal, check: str) -> dict[str, Any]:
    (found,) = [each for each in terminal("doctor", "--json").json if each["check"] == check]
    return dict(found)


def failing(terminal: Terminal, check: str) -> str:
    found = row(terminal, check)
    assert not found["ok"], found
    return str(found["detail"])


@pytest.fixture
def terminal(terminal: Terminal) -> Terminal:
    terminal.house.registry.put(record.the_study())
    terminal("watch", "add", TRIAL)
    return terminal


def smtp(terminal: Terminal, **values: str | int) -> None:
    """Settings of [smtp] in the place of those that lead to the mailbox."""
    path = terminal.house.folder / "registry-sync.toml"
    before, after = path.read_text(encoding="utf-8").split("[smtp]")
    lines = "".join(f"{key} = {value!r}\n".replace("'", '"') for key, value in values.items())
    path.write_text(f"{before}[smtp]\n{lines}timeout = 60\n[webhook]{after.split('[webhook]')[1]}", encoding="utf-8")


def nobody(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever listens at the port that no setting names is none of the test's."""
    connect = socket.create_connection

    def refused(address: tuple[str, int], *arguments: Any, **more: Any) -> socket.socket:
        if address == ("localhost", port):
            raise ConnectionRefusedError(111, "Connection refused")
        return connect(address, *arguments, **more)

    monkeypatch.setattr(socket, "create_connection", refused)


def test_a_fresh_installation_needs_no_mail_server_before_anybody_follows_by_mail(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody(25, monkeypatch)
    smtp(terminal)
    assert row(terminal, "mail server") == {
        "check": "mail server",
        "ok": True,
        "detail": "nothing is to be mailed so far; mail server localhost:25 cannot be reached: Connection refused; "
        "fill in [smtp] with your mail server before anything is",
    }
    terminal("subscribe", "https://hooks.example.org/1", TRIAL)
    terminal("sync")
    assert terminal("doctor").code == 0
    terminal("subscribe", "reader@example.org", TRIAL, "--confirmed")
    assert failing(terminal, "mail server").endswith("Connection refused; fill in [smtp] with your mail server")
    terminal("unsubscribe", "reader@example.org")
    assert row(terminal, "mail server")["ok"]
    smtp(terminal, operator="operator@example.org")
    assert not row(terminal, "mail server")["ok"]


def test_a_mail_server_that_was_filled_in_must_answer(terminal: Terminal) -> None:
    terminal.house.mailbox.stop()
    assert failing(terminal, "mail server").endswith("cannot be reached: Connection refused; check [smtp] host and port")


@pytest.mark.parametrize(
    ("values", "do"),
    [
        ({"security": "tls"}, 'set [smtp] security = "starttls" or "none" for this port, or the port that speaks TLS, often 465'),
        ({"security": "starttls"}, 'set [smtp] security = "tls" with the port for it, often 465, or "none" on a network of your own'),
        (
            {"username": "robot", "password": "right"},
            'set [smtp] security = "starttls", before which many offer none; or leave username empty',
        ),
        ({"security": "tls", "ca_file": "nowhere.pem"}, "set [smtp] ca_file to a PEM file, or leave it empty for the system's"),
    ],
)
def test_which_setting_of_the_mail_server_is_to_be_changed(terminal: Terminal, values: dict[str, str], do: str) -> None:
    smtp(terminal, host=terminal.house.mailbox.host, port=terminal.house.mailbox.port, **values)
    detail = failing(terminal, "mail server")
    assert detail.endswith(f"; {do}")
    assert "right" not in detail


def test_a_login_that_is_refused_names_its_settings(terminal: Terminal) -> None:
    with Mailbox(username="robot", password="right") as mailbox:
        smtp(terminal, host=mailbox.host, port=mailbox.port, username="robot", password="wrong")
        assert failing(terminal, "mail server").endswith("; set [smtp] username and password anew")


def test_a_login_that_is_missing_is_named_and_why_the_mails_wait(terminal: Terminal) -> None:
    terminal("sync")
    terminal("subscribe", "reader@example.org", TRIAL, "--confirmed")
    terminal.house.registry.put(record.with_status(terminal.house.registry.study(TRIAL), "SUSPENDED"))
    with Mailbox(username="robot", password="right") as mailbox:
        smtp(terminal, host=mailbox.host, port=mailbox.port, sender="alerts@example.org")
        why = f"mail server {mailbox.host}:{mailbox.port} refused the sender alerts@example.org: 530 5.7.0 Authentication required"
        assert failing(terminal, "mail server") == f"{why}; set [smtp] username and password"
        terminal("sync")
        assert row(terminal, "outbox") == {
            "check": "outbox",
            "ok": True,
            "detail": f"1 waiting, 0 due now, 0 parked; 1 tried in vain: {why}",
        }


def test_what_to_do_about_a_registry_in_trouble(terminal: Terminal) -> None:
    registry = terminal.house.registry
    registry.faults.fail(503, path="/api/v2/version", times=None)
    detail = failing(terminal, "registry")
    assert detail.endswith("answered 503 (service unavailable); try again later: nothing is lost, each sync asks for what is new")
    registry.faults.clear()
    registry.faults.html_instead(path="/api/v2/version", times=None)
    assert failing(terminal, "registry").endswith(
        "; try again later; if it stays so, is [ctgov] url right, and does a proxy or a login page stand between?"
    )
    registry.stop()
    assert failing(terminal, "registry").endswith("refused the connection; is [ctgov] url right, and does this machine reach the network?")
