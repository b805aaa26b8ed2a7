"""All that is held on one address, out or gone; and notices that wait for a person's yes, as an operator types it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from db import keys
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.notices.tokens import stop_token
from tests.cli.conftest import Terminal
from tests.waiting import PATIENCE

READER = "reader.to.be.forgotten@example.org"


def begin(terminal: Terminal, *options: str) -> None:
    """A trial that a reader follows, and a change that is told."""
    terminal.house.registry.put(record.the_study())
    terminal("init")
    terminal("watch", "add", TRIAL)
    terminal("subscribe", READER, TRIAL, "--confirmed", *options)
    terminal("sync")
    change(terminal, "2027-01-15")
    terminal("sync")


def change(terminal: Terminal, date: str) -> None:
    registry = terminal.house.registry
    registry.put(record.with_completion(registry.study(TRIAL), date))


def database(terminal: Terminal) -> Path:
    return terminal.house.folder / "history.db"


def holds(terminal: Terminal, text: str) -> bool:
    """Does the file, or what belongs to it, have this anywhere in its octets?"""
    return any(text.encode() in path.read_bytes() for path in terminal.house.folder.glob("history.db*"))


def test_everything_that_is_held_on_an_address_is_handed_out(terminal: Terminal) -> None:
    begin(terminal)
    held = terminal("subscriber", "export", f" {READER.upper()} ").json
    assert held["address"] == READER
    (subscription,) = held["subscriptions"]
    assert subscription["consent_wording"].startswith("operator-1: ")
    assert subscription["asked_at"] == subscription["confirmed_at"]
    (notice,) = held["notices"]
    assert notice["state"] == "sent"
    assert {change["field"] for change in notice["changes"]} >= {"completion_date"}
    assert held["stop"] is None


def test_what_is_erased_is_nowhere_in_the_file_and_stays_stopped(terminal: Terminal) -> None:
    begin(terminal)
    change(terminal, "2027-02-15")
    terminal("sync", "--no-deliver")
    assert holds(terminal, READER)
    said = terminal("subscriber", "erase", READER)
    assert said.code == 0
    assert said.out == f"{READER}: 1 subscription and 2 notices erased\n"
    assert not holds(terminal, READER)
    held = terminal("subscriber", "export", READER).json
    assert (held["subscriptions"], held["notices"], held["stop"]["why"]) == ([], [], "holder")
    said = terminal("subscribe", READER, TRIAL, "--confirmed")
    assert said.code == 2
    assert "only its holder can start it again" in said.complaint
    terminal("deliver")
    assert [mail.recipients for mail in terminal.house.mailbox.messages] == [(READER,)]
    assert terminal("changes", "--json").json  # the trial's own history is nobody's address
    assert "nothing is held on this address" in terminal("subscriber", "erase", "nobody@example.org").out


def test_what_a_killed_restore_left_of_an_erased_address_goes(terminal: Terminal) -> None:
    begin(terminal)
    (terminal.house.folder / "history.db.restoring.unfinished").write_text(READER)
    assert terminal("subscriber", "erase", READER).code == 0
    assert not holds(terminal, READER)


def test_the_copies_that_still_hold_an_erased_address_are_named(terminal: Terminal) -> None:
    begin(terminal)
    assert terminal("backup").code == 0
    copies = terminal.house.folder / "backups"
    (made,) = copies.iterdir()
    (copies / "letter.txt").write_text("mine")
    for name in (
        f"{made.name}.damaged",
        f"{made.name}.damaged-wal",
        "history-20260203T031100Z-2.db",
        "history-99990101T000000Z.db",
        "before-the-move.db",
    ):
        shutil.copy(made, copies / name)
    said = terminal("subscriber", "erase", READER)
    assert said.err.splitlines() == [
        f"3 backups made before may hold it until they are 14 days old (the newest until there is a newer one): {copies}",
        f"1 backup dated in the future may hold it until you remove it: {copies / 'history-99990101T000000Z.db'}",
        f"1 other database there may hold it until you remove it: {copies}: before-the-move.db",
    ]


def test_the_link_of_an_erased_address_still_says_that_it_is_stopped(terminal: Terminal) -> None:
    begin(terminal)
    with terminal.house.history() as history:
        token = stop_token(keys.links(history), 1)
    mail = f"From: x@example.org\nSubject: Re: unsubscribe {token}\n\n".encode()
    said = terminal.shell("unsubscribe", "--from-mail", stdin=mail)
    assert (said.code, said.out) == (0, f"{READER}: stopped at the wish of its holder\n")
    terminal("subscriber", "erase", READER)
    said = terminal.shell("unsubscribe", "--from-mail", stdin=mail)
    assert (said.code, said.out) == (0, "a subscription that is not kept any more: stopped at the wish of its holder\n")
    forged = mail.replace(token.encode(), b"1" + token[1:-1].encode() + b"A" if token[-1] != "A" else b"B")
    assert terminal.shell("unsubscribe", "--from-mail", stdin=forged).code == 1


def test_held_notices_are_read_noted_released_and_dropped(terminal: Terminal) -> None:
    begin(terminal, "--hold")
    assert not terminal.house.mailbox.messages
    assert terminal("deliver", "--json").json == {"sent": 0, "retrying": 0, "failed": 0, "waiting": 0}
    (row,) = terminal("outbox", "--held", "--json").json
    assert (row["state"], row["trials"]) == ("held", [TRIAL])
    short = row["id"][:6]
    shown = terminal("outbox", "show", short).out
    assert shown.startswith("Subject: ")
    assert "15 January 2027" in shown
    assert terminal("outbox", "note", short, "We have asked the team.").code == 0
    assert terminal("outbox", "show", short).out.split("\n\n")[1] == "A note from the sender: We have asked the team."
    assert "1 held for your yes" in terminal("doctor").out
    assert terminal("outbox", "release", short).code == 0
    assert terminal("deliver", "--json").json["sent"] == 1
    assert "We have asked the team." in terminal.house.mailbox.messages[0].text("plain")
    change(terminal, "2027-02-15")
    terminal("sync")
    (row,) = terminal("outbox", "--held", "--json").json
    assert terminal("outbox", "drop", row["id"]).code == 0
    assert terminal("outbox", "release").code == 0
    assert terminal("deliver", "--json").json["sent"] == 0
    assert "nothing is held" in terminal("outbox", "--held").err


def test_an_id_of_nothing_is_one_line(terminal: Terminal) -> None:
    begin(terminal)
    for command in (["show", "nothing"], ["note", "nothing", "x"], ["release", "nothing"], ["drop", "nothing"], ["retry", "nothing"]):
        said = terminal("outbox", *command)
        assert (said.code, said.out) == (2, ""), command
        assert said.complaint.startswith("nothing: no ")


def test_the_same_wish_in_another_way_is_said_and_can_be_put_in_its_place(terminal: Terminal) -> None:
    begin(terminal)
    said = terminal("subscribe", READER, TRIAL, "--confirmed", "--every", "week")
    assert f"{READER}: subscription 1 already tells all of this; --instead ends one to the same trials" in said.err
    said = terminal("subscribe", READER, TRIAL, "--confirmed", "--every", "week", "--instead")
    assert said.err == ""
    states = [(row["every"], row["state"], row["stopped_why"]) for row in terminal("subscriptions", "--json").json]
    assert states == [("now", "stopped", "replaced"), ("week", "active", None)]


def test_many_deliveries_at_once_bring_each_notice_once(terminal: Terminal) -> None:
    begin(terminal)
    readers = [f"r{number}@example.org" for number in range(40)]
    for reader in readers:
        terminal("subscribe", reader, TRIAL, "--confirmed")
    change(terminal, "2027-02-15")
    terminal("sync", "--no-deliver")
    terminal.house.mailbox.empty()
    together = [
        subprocess.Popen([sys.executable, "-m", "registry_sync", "deliver"], cwd=terminal.house.folder, stdout=subprocess.DEVNULL)
        for _ in range(4)
    ]
    assert [process.wait(PATIENCE) for process in together] == [0] * 4
    assert sorted(mail.recipients[0] for mail in terminal.house.mailbox.messages) == sorted([*readers, READER])


def test_what_waits_and_is_no_news_is_counted_apart(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(terminal)
    monkeypatch.setenv("REGISTRY_SYNC_WEB_URL", "https://trials.example.org")
    terminal.house.mailbox.refuse_recipient("another@example.org", "450 4.2.0 Later")
    terminal("subscribe", "another@example.org", TRIAL)
    said = terminal("deliver")
    assert said.out == "0 sent, 1 to be tried again, 0 parked, 0 waiting, and 1 that asks or brings a link\n"
    assert terminal("deliver", "--json").json["waiting"] == 1
