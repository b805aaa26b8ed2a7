"""What ``doctor`` says of the web pages and of how the operator's page opens."""

from __future__ import annotations

import contextlib
import importlib.util
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from jobs.surroundings import Surroundings
from registry_sync.cli import reaching
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.web.server import listen, serve
from tests.cli.conftest import Terminal
from tests.waiting import PATIENCE, finish, free_port

TOKEN = "a token that nobody guesses"


def row(terminal: Terminal, check: str, code: int, **web: str) -> dict[str, Any]:
    path = terminal.house.folder / "registry-sync.toml"
    before = path.read_text(encoding="utf-8")
    path.write_text(before + "[web]\n" + "".join(f"{key} = {value}\n" for key, value in web.items()), encoding="utf-8")
    said = terminal("doctor", "--json")
    path.write_text(before, encoding="utf-8")
    assert said.code == code, said.out
    (found,) = [each for each in said.json if each["check"] == check]
    assert found["ok"] == (code == 0)
    return found


def pages(terminal: Terminal, code: int, port: int, **web: str) -> str:
    return str(row(terminal, "web pages", code, **{"url": '"https://example.org"', "listen": f'"127.0.0.1:{port}"', **web})["detail"])


def operator(terminal: Terminal, code: int, **web: str) -> str:
    return str(row(terminal, "operator's page", code, **{"listen": f'"127.0.0.1:{free_port()}"', **web})["detail"])


@pytest.fixture
def terminal(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setattr(reaching, "_PATIENCE", PATIENCE)
    terminal.house.registry.put(record.the_study())
    terminal("init")
    terminal("watch", "add", TRIAL)
    assert terminal("sync").code == 0
    return terminal


def test_without_an_address_mails_do_not_lead_here(terminal: Terminal) -> None:
    assert row(terminal, "web pages", 0)["detail"] == "[web] url is empty: mails have no link that leads here"
    terminal("subscribe", "reader@example.org", TRIAL)
    assert row(terminal, "web pages", 0)["detail"].endswith(", and their readers cannot confirm")


def test_it_says_whether_the_pages_are_served(terminal: Terminal) -> None:
    port = free_port()
    assert pages(terminal, 0, port) == f"https://example.org; nobody serves at 127.0.0.1:{port} just now: registry-sync serve"
    with listen(f"127.0.0.1:{port}") as listener:
        around = Surroundings(terminal.house.settings, now=lambda: terminal.house.at, stop=threading.Event())
        thread = threading.Thread(target=serve, args=(around, listener), name="web pages")
        thread.start()
        try:
            assert pages(terminal, 0, port) == f"https://example.org; 127.0.0.1:{port} serves them"
            terminal.house.at = terminal.house.at.replace(year=2099)
            assert pages(terminal, 0, port).endswith("and is unwell: sync")
        finally:
            around.stop.set()
            finish(thread)


@contextlib.contextmanager
def another_server(answer: bytes) -> Iterator[int]:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Other) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            finish(thread)


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.0 200 OK\r\n\r\n<html>", b"HTTP/1.0 200 OK\r\n\r\n{}", b"HTTP/1.0 200 OK\r\n\r\n[1]", b"SSH-2.0-x\r\n\r\n", b""]
)
def test_something_else_at_that_port_is_named(terminal: Terminal, answer: bytes) -> None:
    with another_server(answer) as port:
        assert f"127.0.0.1:{port}: something else answers there" in pages(terminal, 1, port)
        assert row(terminal, "web pages", 0, listen=f'"127.0.0.1:{port}"')["ok"]  # nobody said that pages are wished


def test_an_address_of_another_machine_is_named(terminal: Terminal) -> None:
    detail = row(terminal, "web pages", 1, url='"https://example.org"', listen='"no-such-host.invalid:8080"')["detail"]
    assert "no-such-host.invalid:8080: cannot be asked" in detail


def test_a_missing_part_is_named_with_what_installs_it(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "uvicorn" else found(name, *more))
    assert pages(terminal, 1, free_port()) == 'uvicorn is not installed: pip install "registry-sync[web]"'


def test_how_the_operators_page_opens(terminal: Terminal) -> None:
    assert operator(terminal, 0) == "closed: neither [web] operator_token nor operator_header is set"
    assert operator(terminal, 0, operator_token=f'"{TOKEN}"') == "/operator opens by token"
    proxies = {"operator_header": '"Remote-User"', "trusted_proxies": '["127.0.0.1", "::1"]'}
    assert operator(terminal, 0, **proxies) == "/operator opens by Remote-User from 127.0.0.1, ::1"
    assert "by token or by Remote-User" in operator(terminal, 0, operator_token=f'"{TOKEN}"', **proxies)
    assert TOKEN not in operator(terminal, 0, operator_token=f'"{TOKEN}"')


def test_what_leaves_it_open_is_a_failure(terminal: Terminal) -> None:
    detail = operator(terminal, 1, operator_token='"short"')
    assert "shorter than 16 characters" in detail
    assert '"short"' not in detail
    assert "Remote-User, which nobody is believed" in operator(terminal, 1, operator_header='"Remote-User"')
    assert "has 8.0.0.0/8: that many strangers" in operator(terminal, 1, trusted_proxies='["10.0.0.0/8", "8.0.0.0/8"]')


def test_visitors_behind_a_proxy_that_is_not_trusted_count_as_one(terminal: Terminal) -> None:
    web = {"url": '"https://example.org"'}
    assert operator(terminal, 0, **web).endswith("all visitors count as one")
    assert "count as one" not in operator(terminal, 0, trusted_proxies='["127.0.0.1"]', **web)
