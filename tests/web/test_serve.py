"""``serve`` as an operator starts and ends it, and what ``subscribe`` says of the mail that leads there."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.web import answers
from tests.waiting import PATIENCE, free_port
from tests.web.conftest import Terminal

READER = "reader@example.org"


def with_web(terminal: Terminal, port: int, *, url: bool = True) -> str:
    address = f"http://127.0.0.1:{port}"
    path = terminal.house.folder / "registry-sync.toml"
    lines = [f'listen = "127.0.0.1:{port}"', *([f'url = "{address}"'] if url else [])]
    path.write_text(path.read_text(encoding="utf-8") + "[web]\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return address


@contextmanager
def serving(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The pages in a process of their own, from when they are served."""
    process = subprocess.Popen([sys.executable, "-m", "registry_sync", "serve"], cwd=folder, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("serving at http://127.0.0.1:")
        yield process
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_whole_way_of_a_reader(terminal: Terminal, number: signal.Signals) -> None:
    url = with_web(terminal, free_port())
    terminal.house.registry.put(record.the_study())
    terminal("watch", "add", TRIAL)
    terminal("sync")
    said = terminal("subscribe", READER, TRIAL)
    assert said.code == 0
    assert "pending" in said.out
    assert "`registry-sync deliver`" in said.err
    assert terminal("deliver", "--json").json == {"sent": 1, "retrying": 0, "failed": 0, "waiting": 0}
    (mail,) = terminal.house.mailbox.messages
    (link,) = re.findall(rf"^{url}/confirm/\S+$", mail.text("plain"), re.MULTILINE)
    (row,) = terminal("subscriptions", "--json").json
    assert (row["state"], row["confirmation"]["state"], row["confirmation"]["last_error"]) == ("pending", "sent", None)
    with serving(terminal.house.folder) as process:
        assert requests.get(link, timeout=PATIENCE).status_code == 200
        assert requests.post(link, timeout=PATIENCE).status_code == 200
        (row,) = terminal("subscriptions", "--json").json
        assert (row["state"], row["consent_by"]) == ("active", "holder")
        assert row["confirmation"]["used_at"]
        terminal.house.registry.put(record.with_status(record.the_study(), "SUSPENDED", posted="2026-02-03"))
        terminal("sync")
        stop = str(terminal.house.mailbox.messages[-1].message["List-Unsubscribe"])
        (address,) = re.findall(rf"<({url}/stop/[^>]+)>", stop)
        assert requests.post(address, data={"List-Unsubscribe": "One-Click"}, timeout=PATIENCE).status_code == 200
        assert terminal("subscriptions", "--json").json[0]["state"] == "stopped"
        process.send_signal(number)
        _, logged = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "POST /stop/{token} 200" in logged
    assert address.rpartition("/")[2] not in logged
    assert "Traceback" not in logged


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system says otherwise how much a process takes")
def test_who_searches_for_ever_longer_words_does_not_make_it_grow(terminal: Terminal) -> None:
    url = with_web(terminal, free_port())

    def megabytes() -> int:
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        (found,) = re.findall(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
        return int(found) // 1024

    terminal("watch", "add", TRIAL)
    with serving(terminal.house.folder) as process, requests.Session() as browser:
        assert process.stderr is not None
        threading.Thread(target=process.stderr.read, daemon=True).start()  # else the log would fill the pipe
        assert browser.get(url, timeout=PATIENCE).status_code == 200
        before = megabytes()
        for number in range(600):
            assert browser.get(f"{url}/?q={number}{'a' * 15_000}", timeout=PATIENCE).status_code == 200
        assert megabytes() - before < answers.MOST_KEPT // 2**20 + 25


def test_asking_again_says_what_becomes_of_it(terminal: Terminal) -> None:
    with_web(terminal, free_port())
    terminal("subscribe", READER, TRIAL)
    assert "still waits to be sent" in terminal("subscribe", READER, TRIAL).err
    terminal("deliver")
    assert "not asked again so soon" in terminal("subscribe", READER, TRIAL).err
    for topic in ("status", "criteria", "places", "design"):
        terminal("subscribe", READER, TRIAL, "--on", topic)
    assert "enough" in terminal("subscribe", READER, TRIAL, "--on", "results").err


def test_consent_that_is_there_is_not_asked_for(terminal: Terminal) -> None:
    with_web(terminal, free_port())
    terminal("subscribe", READER, TRIAL, "--confirmed")
    said = terminal("subscribe", READER, TRIAL)
    assert "will be told" in said.out
    assert terminal("deliver", "--json").json["sent"] == 0
    assert terminal("subscriptions", "--json").json[0]["confirmation"] is None


def test_a_mail_that_is_refused_says_why(terminal: Terminal) -> None:
    with_web(terminal, free_port())
    terminal.house.mailbox.refuse_recipient(READER)
    terminal("subscribe", READER, TRIAL)
    said = terminal("deliver")
    assert said.code == 1
    assert f"{READER}, to be asked for a confirmation" in said.err
    state = terminal("subscriptions", "--json").json[0]["confirmation"]
    assert state["state"] == "failed"
    assert "550" in state["last_error"]


def test_a_delivery_that_is_killed_loses_no_mail(terminal: Terminal) -> None:
    with_web(terminal, free_port())
    mailbox = terminal.house.mailbox
    terminal("subscribe", READER, TRIAL)
    hold = mailbox.hang("data")
    process = subprocess.Popen([sys.executable, "-m", "registry_sync", "deliver"], cwd=terminal.house.folder)
    hold.wait_until_reached()
    process.kill()
    process.wait(PATIENCE)
    mailbox.behave()
    assert terminal("deliver", "--json").json["sent"] == 1
    assert len({mail.message["Message-ID"] for mail in mailbox.messages}) == 1
    assert terminal("deliver", "--json").json["sent"] == 0


def test_a_port_that_is_taken_is_one_line(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with_web(terminal, port)
        terminal("watch", "add", TRIAL)
        said = terminal.shell("serve")
    assert said.code == 2
    assert f"web.listen 127.0.0.1:{port}: cannot listen there: Address already in use" in said.complaint


@pytest.mark.parametrize("listen", ["203.0.113.1:8080", "[::zz]:1"])
def test_an_address_that_is_not_this_machines_is_one_line(terminal: Terminal, listen: str) -> None:
    terminal("watch", "add", TRIAL)
    said = terminal.shell("serve", REGISTRY_SYNC_WEB_LISTEN=listen)
    assert said.code == 2
    assert "cannot listen there" in said.complaint


def test_a_database_that_is_missing_is_one_line(terminal: Terminal) -> None:
    with_web(terminal, free_port())
    said = terminal.shell("serve")
    assert said.code == 2
    assert "there is no such database" in said.complaint


def test_a_missing_extra_is_one_line(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "none" / "starlette").mkdir(parents=True)
    (tmp_path / "none" / "starlette" / "__init__.py").write_text("raise ModuleNotFoundError('gone', name='starlette')\n", encoding="utf-8")
    said = terminal.shell("serve", PYTHONPATH=f"{tmp_path / 'none'}:{os.environ.get('PYTHONPATH', '')}")
    assert said.code == 2
    assert 'pip install "registry-sync[web]"' in said.complaint


def test_without_a_public_address_it_serves_and_says_so(terminal: Terminal) -> None:
    url = with_web(terminal, free_port(), url=False)
    terminal("watch", "add", TRIAL)
    with serving(terminal.house.folder) as process:
        assert process.stderr is not None
        assert "[web] url" in process.stderr.readline()
        assert requests.get(f"{url}/privacy", timeout=PATIENCE).status_code == 200
