"""SIGKILL at random instants of sync and deliver: every change arrives, and what comes twice carries the same identity.

``KILLS`` sets how many (``make soak`` asks for 200), ``SEED`` where the chance begins.
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

import pytest

from registry_sync.demo import record
from registry_sync.demo.hook import payload
from registry_sync.demo.record import TRIAL
from tests.cli.conftest import Terminal

KILLS = int(os.environ.get("KILLS", "12"))
SEED = int(os.environ.get("SEED", "20260203"))


def killed(terminal: Terminal, command: str, after: float) -> bool:
    """Start a command and kill it after so many seconds; did it still run?"""
    process = subprocess.Popen(
        [sys.executable, "-m", "registry_sync", command], cwd=terminal.house.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(after)
    alive = process.poll() is None
    process.kill()
    process.wait(20)
    return alive


@pytest.mark.timeout(60 + KILLS * 10)
def test_no_notice_is_lost_or_told_as_another_whenever_a_process_is_killed(terminal: Terminal) -> None:
    house = terminal.house
    chance = random.Random(SEED)
    house.registry.put(record.the_study())
    terminal("init")
    terminal("watch", "add", TRIAL)
    terminal("subscribe", "reader@example.org", TRIAL, "--confirmed")
    terminal("subscribe", f"{house.hook.url}/in", TRIAL)
    began = time.monotonic()
    terminal.shell("sync")
    whole = time.monotonic() - began
    kills, day = 0, datetime.date(2027, 1, 1)
    while kills < KILLS:
        day += datetime.timedelta(days=1)
        house.registry.put(record.with_completion(house.registry.study(TRIAL), day.isoformat()))
        kills += killed(terminal, chance.choice(["sync", "sync", "deliver"]), whole * chance.uniform(0.3, 1.1))
    assert terminal("sync").code == 0
    assert terminal("outbox", "retry").code == 0
    assert terminal("deliver").code == 0

    assert {row["state"] for row in terminal("outbox", "--json").json} == {"sent"}
    changes = [row for row in reversed(terminal("changes", "--json").json) if row["field"] == "completion_date"]
    assert changes
    assert all(earlier["after"] == later["before"] for earlier, later in itertools.pairwise(changes))
    assert changes[-1]["after"]["date"] == day.isoformat()

    told = defaultdict(set)
    for post in house.hook.posts:
        for change in payload(post)["changes"]:
            told[change["id"]].add(post.header("webhook-id"))
    every = {row["id"] for row in terminal("changes", "--json").json}
    assert set(told) == every
    assert all(len(identities) == 1 for identities in told.values())
    notices = [row for row in terminal("outbox", "--json").json if row["kind"] == "email"]
    mails = defaultdict(set)
    for mail in house.mailbox.messages:
        mails[str(mail.message["Message-ID"])].add(mail.text("plain"))
    assert len(mails) == len(notices)
    assert all(len(texts) == 1 for texts in mails.values())
