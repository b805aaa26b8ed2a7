"""Octets of a history that is in use are set by chance: every command ends with one of its exit codes and says what is damaged.

``DAMAGES`` sets how many histories are damaged, ``SEED`` where the chance begins.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.demo.story import first_listing
from tests.cli.conftest import Said, Terminal

RUNS = int(os.environ.get("DAMAGES", "30"))
SEED = int(os.environ.get("SEED", "1"))
OTHER = "NCT00000001"
THOROUGH = 100
"""With so many runs each command looks at each damage."""
CANNOT = 2
LOOKING = (
    ("check",),
    ("show", TRIAL),
    ("changes",),
    ("deadlines",),
    ("doctor",),
    ("export", "--with-secrets"),
)
WRITING = (("publish", "site"), ("sync",), ("backup",), ("restore", "--yes", "good.db"), ("restore", "--yes", "--as-is", "good.db"))


def fill(terminal: Terminal) -> None:
    """Something of most of what can be kept."""
    house = terminal.house
    study = record.the_study()
    house.registry.put(study)
    house.registry.put(record.a_study(OTHER))
    house.listing.put(TRIAL, first_listing())
    for command in (
        f"watch add {TRIAL} --page {house.listing.url_of(TRIAL)}",
        f"watch add {OTHER}",
        "watch add --query cond=Sjogren",
        f"subscribe reader@example.org {TRIAL} --confirmed",
        "subscribe coordinator@example.org --all --as coordinator --confirmed",
        "sync",
        f"event add {TRIAL} first-visit 2026-01-05 --country Denmark",
        f"deadlines law {TRIAL} us yes",
    ):
        assert terminal(*command.split()).code == 0, command
    later = record.with_completion(study, "2027-01-01", posted="2026-02-03")
    house.registry.put(record.with_criterion(later, "18 years of age or more", "16 years of age or more"))
    terminal("sync", "--no-deliver")
    assert terminal("backup", "--to", "good.db").code == 0
    house.registry.put(record.with_status(house.registry.study(TRIAL), "COMPLETED", posted="2026-02-04"))
    terminal("sync")
    assert terminal("check").code == 0
    with contextlib.closing(sqlite3.connect("history.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


def octets(path: Path, chance: random.Random) -> None:
    """Anywhere in the file, as a failing disk does."""
    content = bytearray(path.read_bytes())
    for _ in range(chance.choice((1, 3, 20))):
        content[chance.randrange(len(content))] = chance.randrange(256)
    path.write_bytes(content)


def texts(path: Path, chance: random.Random) -> None:
    """In texts, where the file as a whole stays sound."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.text_factory = bytes
        tables = [row[0].decode() for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for _ in range(chance.choice((1, 3, 20))):
            table = chance.choice(tables)
            columns = [row[1].decode() for row in connection.execute(f'PRAGMA table_info("{table}")')]
            column = chance.choice(columns)
            rows = connection.execute(f'SELECT DISTINCT "{column}" FROM "{table}" WHERE typeof("{column}") = ?', ("text",)).fetchall()
            old = chance.choice(rows)[0] if rows else b""
            if old:
                place = chance.randrange(len(old))
                new = old[:place] + bytes([chance.choice((0xF1, 0, 0x20, chance.randrange(256)))]) + old[place + 1 :]
                with contextlib.suppress(sqlite3.IntegrityError):
                    connection.execute(f'UPDATE "{table}" SET "{column}" = CAST(? AS TEXT) WHERE CAST("{column}" AS BLOB) = ?', (new, old))


def test_no_damage_is_a_fault_of_the_program(terminal: Terminal, caplog: pytest.LogCaptureFixture) -> None:
    fill(terminal)
    shutil.copy("history.db", "whole")
    wrong = []
    for seed in range(SEED, SEED + RUNS):
        chance = random.Random(seed)
        shutil.copy("whole", "damaged")
        (octets if seed % 2 else texts)(Path("damaged"), chance)
        commands = LOOKING + WRITING if RUNS > THOROUGH else (*chance.sample(LOOKING, 3), *chance.sample(WRITING, 2))
        for command in commands:
            for path in (*Path().glob("history.db*"), *Path("backups").glob("*")):
                path.unlink()
            shutil.copy("damaged", "history.db")
            caplog.clear()
            found = _wrong(terminal(*command), caplog)
            if found:
                wrong.append(f"SEED={seed}: {' '.join(command)}: {found}")
    assert not wrong, "\n".join(wrong)


def _wrong(said: Said, caplog: pytest.LogCaptureFixture) -> str | None:
    """What is wrong with how a command ended."""
    raised = [found for found in caplog.records if found.exc_info]
    if raised and said.code != CANNOT:
        return f"{raised[0].getMessage()}: {raised[0].exc_info}"
    if said.code not in (0, 1, 2) or "a fault in this program" in said.err or "Traceback" in said.err:
        return f"{said.code}: {said.err}"
    if said.code == CANNOT and "FAIL  " not in said.out and not said.complaint:
        return said.err
    return None
