"""Each column has a kind, and `check` names a value of another one."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from db import texts
from db.connection import open_history
from db.kinds import KINDS
from jobs.check import check
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.demo.story import first_listing
from tests.house import House, open_house


@pytest.fixture
def filled(tmp_path: Path) -> House:
    with open_house(tmp_path) as house:
        house.registry.put(record.the_study())
        house.listing.put(TRIAL, first_listing())
        house.watch(TRIAL, pages=(house.listing.url_of(TRIAL),))
        house.subscribe("coordinator@example.org", role="coordinator")
        house.sync()
        house.registry.put(record.with_completion(record.the_study(), "2027-01-01", posted="2026-02-03"))
        house.sync()
        return house


def test_each_column_of_the_schema_has_a_kind(tmp_path: Path) -> None:
    with open_history(tmp_path / "history.db", create=True) as history:
        there = {table: set(texts.columns_of(history.connection, table)) for table in texts.tables(history.connection)}
    assert there == {table: set(kinds) for table, kinds in KINDS.items()}, "say in db/kinds.py what a new column may hold"


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE version SET headline = '-7'", "its headline, or what it carried over, is no JSON"),
        ("UPDATE version SET headline = 'null'", "its headline, or what it carried over, is no JSON"),
        ("UPDATE version SET headline = '[]'", "its headline, or what it carried over, is no JSON"),
        ("UPDATE version SET headline = '\"x\"'", "its headline, or what it carried over, is no JSON"),
        ("UPDATE version SET carried = '{}'", "its headline, or what it carried over, is no JSON"),
        ("UPDATE version SET seen_at = x'00'", "its dates cannot be read"),
        ("UPDATE watch SET added_at = 'garbage'", "its added_at is no time"),
        ("UPDATE watch SET typed = 'yes'", "its typed is neither 0 nor 1"),
        ("UPDATE watch SET typed = 7", "its typed is neither 0 nor 1"),
        ("UPDATE watch SET news = x'00'", "its news is neither 0 nor 1"),
        ("UPDATE watch SET news = 0.5", "its news is neither 0 nor 1"),
        ("UPDATE trial SET known_since = 'garbage'", "its known_since is no time"),
        ("UPDATE trial SET known_since = x'00'", "its known_since is no time"),
        ("UPDATE trial SET known_since = '2026-02-30T06:17:00Z'", "its known_since is no time"),
        ("UPDATE change SET \"before\" = 'zzz'", "its values are no JSON"),
        ("UPDATE change SET detail = x'00'", "its values are no JSON"),
        ("UPDATE duty SET due = 'soon'", "its due is no day"),
        ("UPDATE duty SET key = 'zzz'", "its key is no rule that is known"),
        ("UPDATE duty SET state = 'zzz'", "its state is no word that is known there"),
        ("UPDATE duty SET told = 'before: zzz'", "its told is no state that is known"),
        ("UPDATE run SET detail = '[]'", "its detail is no JSON object"),
        ("UPDATE look SET glance = 'zzz'", "its glance is no octets"),
        ("UPDATE notice SET due_at = 'zzz'", "its due_at is no time"),
        ("UPDATE subscription SET topics = '\"x\"'", "what it wants cannot be read"),
        ("UPDATE subscription SET timezone = 'Nowhere/Land'", "its time zone is not known"),
        ("UPDATE page SET standing = '[]'", "how it stands beside the registry cannot be read"),
        ("UPDATE page SET read_at = 7", "its read_at is no time"),
    ],
)
def test_a_value_of_another_kind_is_named(filled: House, sql: str, said: str) -> None:
    assert check(filled.around, deep=True).faults == []
    with contextlib.closing(sqlite3.connect(filled.folder / "history.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        table = sql.split()[1]
        first = f"{sql} WHERE rowid = (SELECT min(rowid) FROM {table})" if table not in ("look",) else sql
        assert connection.execute(first).rowcount == 1
    found = [fault for fault in check(filled.around).faults if fault.what == said]
    assert len(found) == 1
    assert found[0].where


def test_a_blob_where_an_id_belongs_is_named(filled: House) -> None:
    with contextlib.closing(sqlite3.connect(filled.folder / "history.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("UPDATE watch SET trial = x'00'")
    (fault, *_) = check(filled.around).faults
    assert fault.where.endswith(" of watch")
