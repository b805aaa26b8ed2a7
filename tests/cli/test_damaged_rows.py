"""A row that is damaged is found by `check`, and named by whichever command cannot read it."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.demo.story import first_listing
from tests.cli.conftest import Terminal


@pytest.fixture
def followed(terminal: Terminal) -> Terminal:
    """A trial with a page that was read, a search, and what a coordinator entered."""
    house = terminal.house
    house.registry.put(record.the_study())
    house.listing.put(TRIAL, first_listing())
    terminal("init")
    terminal("watch", "add", TRIAL, "--page", house.listing.url_of(TRIAL))
    terminal("watch", "add", "--query", "cond=Sjogren")
    terminal("sync")
    terminal("event", "add", TRIAL, "first-visit", "2026-01-05", "--country", "Denmark")
    assert terminal("check").code == 0
    return terminal


@pytest.mark.parametrize(
    ("damage", "what", "commands"),
    [
        ("UPDATE page SET listing = 'zzz'", "what it said when it was last read cannot be read", ("audit", "export")),
        ("UPDATE page SET listing = '{}'", "what it said when it was last read cannot be read", ("audit", "export")),
        ("UPDATE page SET standing = 'zzz'", "how it stands beside the registry cannot be read", ("audit", "watch list", "export")),
        ("UPDATE search SET query = 'zzz'", "what it asks the registry for cannot be read", ("watch list", "export")),
        ("UPDATE event SET date = 'zzz'", "its kind or its day cannot be read", ("deadlines",)),
    ],
)
def test_it_is_named_by_check_and_by_the_commands(followed: Terminal, damage: str, what: str, commands: tuple[str, ...]) -> None:
    with contextlib.closing(sqlite3.connect(followed.house.folder / "history.db", isolation_level=None)) as connection:
        assert connection.execute(damage).rowcount == 1
    said = followed("check", "--json")
    assert said.code == 1
    assert [fault["what"] for fault in said.json["faults"]] == [what]
    for command in commands:
        said = followed(*command.split())
        assert said.code == 2, command
        assert f"is damaged: {what}; restore a backup" in said.complaint
        assert "a fault in this program" not in said.err


def test_a_fault_of_the_program_is_still_one(followed: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ValueError("of ours")

    monkeypatch.setattr("db.searches.listing", fails)
    said = followed("watch", "list")
    assert (said.code, said.err.count("\n")) == (1, 1)
    assert "a fault in this program: ValueError: of ours" in said.err
