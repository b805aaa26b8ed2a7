"""What stays at work logs a line for each event, in the form that the settings say, and no mail address whatever happens."""

from __future__ import annotations

import json
import logging
import re
import signal
import urllib.error
import urllib.request
from typing import Any

import pytest

from registry_sync.cli import logs
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.settings import Log
from tests.cli.conftest import Terminal
from tests.cli.test_processes import started
from tests.waiting import PATIENCE, free_port, until

READER = "reader+trials@example.org"
FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)')


def read(form: str, line: str) -> dict[str, Any]:
    if form == "json":
        found: dict[str, Any] = json.loads(line)
        return found
    return {key: json.loads(value) if value.startswith('"') else value for key, value in FIELD.findall(line)}


def with_trouble(terminal: Terminal) -> None:
    """A change to tell, to an address that the mail server refuses by name, a webhook that is down, and an operator who is refused, too."""
    house = terminal.house
    house.registry.put(record.the_study())
    terminal("init")
    terminal("watch", "add", TRIAL)
    terminal("subscribe", READER, TRIAL, "--confirmed")
    terminal("sync")
    house.registry.put(record.with_status(house.registry.study(TRIAL), "SUSPENDED", posted="2026-02-03"))
    house.mailbox.refuse_recipient(READER, f"550 5.1.1 {spelled(READER)}: no such mailbox here")
    with house.history() as history, history.write() as connection:
        connection.execute("DELETE FROM run")


def spelled(address: str) -> str:
    """An address in the ways in which mail servers repeat it."""
    local, _, domain = address.partition("@")
    ways = ("<{}@{}>", "{}%40{}", "{}=40{}", '"{}"@{}', "{} (at) {}")
    return " ".join(way.format(local, domain) for way in ways)


def log_of_run(terminal: Terminal) -> str:
    with started(terminal, "run") as process:
        until(lambda: {row["state"] for row in terminal("outbox", "--json").json} == {"failed"})
        until(lambda: _has_run(terminal, "backup"))
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE)
    return err


def _has_run(terminal: Terminal, job: str) -> bool:
    with terminal.house.history() as history:
        return bool(history.rows("SELECT 1 FROM run WHERE job = ? AND finished_at IS NOT NULL", (job,)))


@pytest.mark.parametrize("form", ["text", "keyvalue", "json"])
def test_no_address_is_in_the_log_of_run(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    with_trouble(terminal)
    monkeypatch.setenv("REGISTRY_SYNC_LOG_FORMAT", form)
    monkeypatch.setenv("REGISTRY_SYNC_SMTP_OPERATOR", "operator-in-person@example.org")
    monkeypatch.setenv("REGISTRY_SYNC_WEB_URL", "https://alerts.test")
    assert terminal("subscribe", "asked@example.org", TRIAL).code == 0
    for address in ("operator-in-person@example.org", "asked@example.org"):
        terminal.house.mailbox.refuse_recipient(address, f"550 5.1.1 {spelled(address)} unknown")
    log = log_of_run(terminal)
    assert "example.org" not in log
    assert "reader" not in log
    assert "operator-in-person" not in log
    assert "asked" not in log.replace("to be asked", "").replace("asked to stop", "")
    assert "to be asked for a confirmation" in log
    (row,) = terminal("outbox", "--json").json
    assert f"notice {row['id'][:8]}, {logs.HIDDEN}: mail server" in log
    assert "refused the recipient: 550 5.1.1" in log
    assert "no such mailbox here" not in log
    assert "no such mailbox here" in row["last_error"]
    assert "copied to" in log
    if form != "text":
        events = [read(form, line) for line in log.splitlines()]
        assert all(list(event)[:4] == ["time", "level", "logger", "message"] for event in events)
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["time"]) for event in events)
        assert {event["level"] for event in events} == {"info", "warning"}


def test_no_address_is_in_the_log_of_serve(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    with_trouble(terminal)
    port = free_port()
    monkeypatch.setenv("REGISTRY_SYNC_LOG_FORMAT", "json")
    monkeypatch.setenv("REGISTRY_SYNC_LOG_LEVEL", "debug")
    monkeypatch.setenv("REGISTRY_SYNC_WEB_LISTEN", f"127.0.0.1:{port}")
    with started(terminal, "serve") as process:
        until(lambda: asked(port, "/privacy") == 200)
        for path in (f"/?q={READER}", f"/{READER}", f"/stop/{READER}", f"/trials/{TRIAL}?address=reader%2Btrials%40example.org"):
            asked(port, path)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE)
    assert "example.org" not in err
    assert '"message": "' in err


def asked(port: int, path: str) -> int | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


@pytest.fixture
def settings_of_logging() -> Any:
    """The root logger, as it was, afterwards."""
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]


def test_the_level_says_what_is_left_out(settings_of_logging: Any, capsys: pytest.CaptureFixture[str]) -> None:
    logs.log_to_stderr(Log(level="warning"))
    logging.getLogger("registry_sync").info("nothing much")
    logging.getLogger("registry_sync").warning("mind %s", "Somebody <someone.else@example.org>, and a@b")
    assert capsys.readouterr().err.endswith(" WARNING mind Somebody <[address]>, and [address]\n")


@pytest.mark.parametrize("form", ["keyvalue", "json"])
def test_a_fault_is_one_line_with_its_traceback(settings_of_logging: Any, capsys: pytest.CaptureFixture[str], form: Any) -> None:
    logs.log_to_stderr(Log(format=form))
    try:
        raise ValueError("of who@example.org")
    except ValueError:
        logging.getLogger("registry_sync").exception('%s "failed"', "sync\nand all")
    (line,) = capsys.readouterr().err.splitlines()
    event = read(form, line)
    assert event["message"] == 'sync\nand all "failed"'
    assert event["traceback"].splitlines()[0] == "Traceback (most recent call last):"
    assert event["traceback"].splitlines()[-1] == "ValueError: of [address]"
    assert "example.org" not in line
