"""Does what is kept come back? A sample is unpacked; what is damaged is named."""

from __future__ import annotations

import hashlib
import json
import random

import pytest

from db import history as versions
from db import unparsed, upkeep, watches
from db.connection import History
from registry_sync.trials.record import Record

NOW = "2026-02-03T06:17:00Z"
TRIAL, OTHER = "NCT06805448", "NCT00000001"


def put(history: History, trial: str, payload: bytes, **fields: object) -> int:
    with history.write() as connection:
        watches.know(connection, trial, NOW)
        return versions.add_version(
            history, trial=trial, source="ctgov", record=Record(trial=trial, **fields), payload=payload, registry_date=None, seen_at=NOW
        )


def some_payload(number: int) -> bytes:
    chance = random.Random(7)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=7)) for _ in range(400)]
    return json.dumps({"text": " ".join(words), "number": number}).encode()


def spoil(history: History, sql: str, *values: object) -> None:
    with history.write() as connection:
        assert connection.execute(sql, values).rowcount == 1


def test_an_empty_history_has_nothing_to_unpack(history: History) -> None:
    assert upkeep.check_kept(history) == upkeep.Kept(0, 0, ())


def test_the_newest_and_the_longest_chain_are_always_in_the_sample(history: History) -> None:
    long = [put(history, TRIAL, some_payload(number)) for number in range(6)]
    for number in range(30):
        put(history, f"NCT{number + 10:08}", b"{}")
    newest = put(history, OTHER, b"{}")
    assert upkeep._longest_chain(history) == long[::-1]
    assert upkeep._sample(history, 0) == [*long, newest]
    assert upkeep.check_kept(history, 0) == upkeep.Kept(7, 0, ())
    assert upkeep.check_kept(history, 500) == upkeep.Kept(37, 0, ())


def test_no_more_are_unpacked_than_asked_for(history: History) -> None:
    for number in range(100):
        put(history, f"NCT{number + 10:08}", b"{}")
    assert 50 <= upkeep.check_kept(history).versions <= 51


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("UPDATE version SET payload = substr(payload, 1, length(payload) - 3) WHERE id = ?", "does not come back"),
        ("UPDATE version SET payload = x'' WHERE id = ?", "does not come back"),
        ("UPDATE version SET codec = 'rot13' WHERE id = ?", "does not know"),
        ("UPDATE version SET record = substr(record, 1, 9) WHERE id = ?", "does not come back"),
        ("UPDATE version SET record = '{}', record_codec = 'json' WHERE id = ?", "not the one that was put in"),
    ],
)
def test_a_damaged_version_is_named(history: History, sql: str, expected: str) -> None:
    put(history, TRIAL, some_payload(1))
    put(history, OTHER, b"{}")
    spoil(history, sql, put(history, TRIAL, some_payload(2)))
    kept = upkeep.check_kept(history)
    (damaged,) = kept.damaged
    assert damaged.startswith(f"version 2 of {TRIAL} at ctgov (")
    assert expected in damaged
    assert kept.versions == 3


def test_what_is_packed_against_a_damaged_version_is_damaged_with_it(history: History) -> None:
    first, *_ = [put(history, TRIAL, some_payload(number)) for number in range(3)]
    spoil(history, "UPDATE version SET payload = substr(payload, 1, 20) WHERE id = ?", first)
    assert [line.partition(" of ")[0] for line in upkeep.check_kept(history).damaged] == ["version 1", "version 2", "version 3"]


def test_a_record_that_an_older_program_put_in_is_sound(history: History) -> None:
    version = put(history, TRIAL, b"{}", brief_title="Dry mouth, Sjögren")
    record = '{"trial":"NCT06805448","brief_title":"Dry mouth","of_an_older_program":1}'
    spoil(
        history,
        "UPDATE version SET record = ?, record_codec = 'json', content_hash = ? WHERE id = ?",
        record,
        hashlib.sha256(record.encode()).hexdigest(),
        version,
    )
    assert upkeep.check_kept(history).damaged == ()


def test_what_could_not_be_read_is_unpacked_too(history: History) -> None:
    put(history, TRIAL, b"{}")
    with history.write() as connection:
        unparsed.keep(connection, TRIAL, "ctgov", b"{ half", "not JSON", NOW)
    assert upkeep.check_kept(history) == upkeep.Kept(1, 1, ())
    spoil(history, "UPDATE unparsed SET payload = x'00' WHERE trial = ?", TRIAL)
    assert upkeep.check_kept(history).damaged[0].startswith(f"what came unreadable of {TRIAL} at ctgov (")
