"""SIGKILL of sync and deliver, at random instants and at each named step, several at once, while the servers fail by chance.

Every change arrives, none is missing, and what comes twice carries the same identity. ``KILLS`` sets how many (``make soak`` asks for 200),
``SEED`` where the chance begins.
"""

from __future__ import annotations

import datetime
import itertools
import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest

from registry_sync.demo import record
from registry_sync.demo.hook import payload
from registry_sync.demo.record import TRIAL
from tests.cli.conftest import Terminal
from tests.cli.dying import STEPS
from tests.waiting import PATIENCE

KILLS = int(os.environ.get("KILLS", "20"))
SEED = int(os.environ.get("SEED", "20260203"))
ROOT = Path(__file__).resolve().parents[2]
READERS = ("reader@example.org", "second@example.org")


def start(terminal: Terminal, *arguments: str) -> subprocess.Popen[bytes]:
    """A process in the folder of the house."""
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=terminal.house.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def end(processes: Sequence[subprocess.Popen[bytes]], after: float) -> int:
    """Kill these after so many seconds; how many still ran, or had killed themselves."""
    until = time.monotonic() + after
    killed = 0
    for process in processes:
        try:
            process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(PATIENCE)
        killed += process.returncode == -9
    return killed


def trouble(terminal: Terminal, chance: random.Random) -> None:
    """The servers fail this time, or they do not."""
    mailbox, hook = terminal.house.mailbox, terminal.house.hook
    match chance.randrange(6):
        case 0:
            mailbox.refuse_recipient(chance.choice(READERS), "451 4.3.0 later", times=1)
        case 1:
            mailbox.refuse_data("452 4.2.2 full", times=1)
        case 2:
            mailbox.drop_after_data()
        case 3:
            hook.script(chance.choice([429, 500, 503]))


class Instants:
    """Processes that are killed somewhere, one by one or several at once."""

    def __init__(self, terminal: Terminal, chance: random.Random) -> None:
        self._terminal = terminal
        self._chance = chance
        began = time.monotonic()
        terminal.shell("sync")
        self._whole = time.monotonic() - began

    def __call__(self) -> int:
        chance, run = self._chance, "registry_sync"
        if chance.random() < 0.3:
            commands = ["sync"] * 2 + ["deliver"] * chance.randint(2, 4)
            together = [start(self._terminal, run, command) for command in commands]
            chance.shuffle(together)
            killed = end(together[: chance.randint(1, 3)], self._whole * chance.uniform(0.3, 2.5))
            return killed + end(together, 40)
        return end([start(self._terminal, run, chance.choice(["sync", "sync", "deliver"]))], self._whole * chance.uniform(0.3, 1.1))


class Steps:
    """Processes that kill themselves at each named step in its turn."""

    def __init__(self, terminal: Terminal, chance: random.Random) -> None:
        self._terminal = terminal
        self._chance = chance
        self._steps = itertools.cycle(STEPS)

    def __call__(self) -> int:
        return end([start(self._terminal, "tests.cli.dying", next(self._steps), str(self._chance.choice([1, 1, 2])), "sync")], 40)


def changed(terminal: Terminal, day: datetime.date) -> None:
    """The registry moves the completion date."""
    registry = terminal.house.registry
    registry.put(record.with_completion(registry.study(TRIAL), day.isoformat()))


def settle(terminal: Terminal) -> None:
    """The last runs, with servers that behave."""
    terminal.house.mailbox.behave()
    assert terminal("sync").code in (0, 1)  # a scripted answer of the hook may be left
    for _ in range(5):
        if {row["state"] for row in terminal("outbox", "--json").json} == {"sent"}:
            return
        terminal("outbox", "retry")
        terminal("deliver")
    raise AssertionError(terminal("outbox", "--failed").out)


@pytest.mark.timeout(120 + KILLS * 15)
@pytest.mark.parametrize("way", [Instants, Steps])
def test_no_notice_is_lost_or_told_as_another_whenever_a_process_is_killed(terminal: Terminal, way: type[Instants] | type[Steps]) -> None:
    house = terminal.house
    chance = random.Random(SEED)
    house.registry.put(record.the_study())
    terminal("init")
    terminal("watch", "add", TRIAL)
    for reader in READERS:
        terminal("subscribe", reader, TRIAL, "--confirmed")
    terminal("subscribe", f"{house.hook.url}/in", TRIAL)
    terminal("sync")
    kill = way(terminal, chance)
    kills, day = 0, datetime.date(2027, 1, 1)
    rounds = itertools.count()
    while kills < KILLS // 2 and next(rounds) < 20 * KILLS:
        day += datetime.timedelta(days=1)
        changed(terminal, day)
        trouble(terminal, chance)
        kills += kill()
        if chance.random() < 0.3:
            terminal("outbox", "retry")
    assert kills >= KILLS // 2
    settle(terminal)

    changes = [row for row in reversed(terminal("changes", "--json").json) if row["field"] == "completion_date"]
    assert all(earlier["after"] == later["before"] for earlier, later in itertools.pairwise(changes))
    assert changes[-1]["after"]["date"] == day.isoformat()
    every = {row["id"] for row in terminal("changes", "--json").json}

    told = defaultdict(set)
    for post in house.hook.posts:
        for change in payload(post)["changes"]:
            told[change["id"]].add(post.header("webhook-id"))
    assert set(told) == every
    assert all(len(identities) == 1 for identities in told.values())
    notices = [row for row in terminal("outbox", "--json").json if row["kind"] == "email"]
    mails = defaultdict(set)
    for mail in house.mailbox.messages:
        mails[str(mail.message["Message-ID"])].add((mail.recipients, mail.text("plain")))
    assert len(mails) == len(notices)
    assert all(len(texts) == 1 for texts in mails.values())
