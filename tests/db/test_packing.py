"""What is packed comes back byte for byte or is told to be damaged, and a version costs what changed."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import zlib
from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import history as versions
from db import packing, watches
from db.connection import History
from db.packing import UnpackError
from registry_sync.demo import record as demo
from registry_sync.errors import Damaged
from registry_sync.sources.ctgov_record import record_from
from registry_sync.trials.record import Record, to_json
from tests.trials.records import records

NOW = "2026-02-02T06:17:00Z"
TRIAL = "NCT06805448"
_NUMBERS = itertools.count(1)

Step = Callable[[bytes], bytes]


@pytest.fixture
def quick(history: History) -> History:
    """A history that does not wait for the disk: its many small transactions are of no value."""
    history.connection.execute("PRAGMA synchronous = OFF")
    return history


def put(history: History, trial: str, payload: bytes, record: Record | None = None) -> int:
    return versions.add_version(
        history, trial=trial, source="ctgov", record=record or Record(trial=trial), payload=payload, registry_date=None, seen_at=NOW
    )


def put_all(history: History, payloads: Sequence[bytes], trial: str | None = None) -> list[int]:
    trial = trial or f"NCT{next(_NUMBERS):08}"
    with history.write() as connection:
        watches.know(connection, trial, NOW)
        return [put(history, trial, payload) for payload in payloads]


def big_study(completion: str = "2026-12-31") -> bytes:
    """A study of about 20 kB whose words are not alike, so that nothing but an earlier version helps to pack it."""
    chance = random.Random(3)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(3, 9))) for _ in range(600)]
    study = demo.the_study()
    parts = study["protocolSection"]
    sites = parts["contactsLocationsModule"]["locations"]
    parts["contactsLocationsModule"]["locations"] = [
        dict(sites[0], facility=" ".join(chance.choices(words, k=3)), city=chance.choice(words)) for _ in range(40)
    ]
    parts["descriptionModule"]["detailedDescription"] = " ".join(chance.choices(words, k=500))
    rules = [" ".join(chance.choices(words, k=12)) for _ in range(40)]
    parts["eligibilityModule"]["eligibilityCriteria"] = demo.criteria_text(rules[:15], rules[15:])
    return json.dumps(demo.with_completion(study, completion), separators=(",", ":")).encode()


# --- any sequence of payloads -----------------------------------------------------------------------------------------


def edited(content: bytes) -> bytes:
    """A JSON study, or the one before with one value changed."""
    try:
        study = json.loads(content)
    except ValueError:
        study = None
    if not isinstance(study, dict):
        study = {"text": "The same words in every version. " * 9, "changes": 0}
    study["changes"] = study.get("changes", 0) + 1
    return json.dumps(study).encode()


def shuffled(seed: int) -> Step:
    return lambda _: random.Random(seed).randbytes(150_000)


steps: st.SearchStrategy[Step] = st.one_of(
    st.just(lambda _: b""),
    st.binary(max_size=9).map(lambda content: lambda _: content),
    st.binary(max_size=400).map(lambda content: lambda _: content),
    st.sampled_from([b" ", b" " * 7, b" " * 8, b"\n" * 300, b"\x00" * 300, b"7\xa40\xec\x01\x00\x00\x00" * 5, b"(\xb5/\xfd"]).map(
        lambda content: lambda _: content
    ),
    st.just(lambda before: before),
    st.just(lambda before: before + before),
    st.just(lambda before: before[: len(before) // 2]),
    st.just(edited),
    st.integers(0, 3).map(shuffled),
)


def followed(taken: Sequence[Step]) -> list[bytes]:
    payloads = [b""]
    for step in taken:
        payloads.append(step(payloads[-1])[:500_000])
    return payloads[1:]


@given(st.lists(steps, min_size=1, max_size=30), st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=60)
def test_any_sequence_of_payloads_comes_back_byte_for_byte(quick: History, taken: list[Step], data: st.DataObject) -> None:
    payloads = followed(taken)
    ids = put_all(quick, payloads)
    assert [versions.payload(quick, each) for each in ids] == payloads
    which = data.draw(st.integers(0, len(ids) - 1))
    assert versions.by_id(quick, ids[which]).number == which + 1


@given(records, steps, steps)
@settings(deadline=None)
def test_a_record_comes_back_whatever_its_payload_is(record: Record, first: Step, second: Step) -> None:
    payload = second(first(b""))
    blob, codec = packing.pack_record(to_json(record), payload)
    assert packing.unpack_record(blob, codec, payload) == to_json(record)


@given(steps, steps)
@settings(deadline=None)
def test_a_payload_needs_its_base_only_where_the_codec_says_so(first: Step, second: Step) -> None:
    base = first(b"")
    payload = second(base)
    blob, codec = packing.pack(payload, base)
    assert packing.unpack(blob, codec, base) == payload
    if codec != packing.AGAINST_BASE:
        assert packing.unpack(blob, codec) == payload
    assert len(blob) <= len(packing.pack(payload)[0])


@pytest.mark.parametrize("base", [b"\x00", b"a", b"1234567", b" " * 7])
def test_a_base_that_is_too_small_for_the_library_is_one_all_the_same(base: bytes) -> None:
    payload = base * 500
    assert packing.unpack(*packing.pack(payload, base), base) == payload


# --- chains -----------------------------------------------------------------------------------------------------------


def chain_lengths(history: History) -> list[int]:
    """Of each version, oldest first: how many payloads are unpacked for it."""
    lengths: dict[int, int] = {}
    for row in history.rows("SELECT id, base FROM version ORDER BY id"):
        lengths[row["id"]] = 1 + (lengths[row["base"]] if row["base"] else 0)
    return list(lengths.values())


def test_no_chain_is_longer_than_the_longest(quick: History) -> None:
    put_all(quick, followed([edited] * 60))
    lengths = chain_lengths(quick)
    assert lengths[:3] == [1, 2, 3]
    assert max(lengths) == versions.LONGEST_CHAIN
    assert lengths.count(1) == -(-60 // versions.LONGEST_CHAIN)


def test_a_payload_that_is_nothing_like_the_one_before_stands_alone(quick: History) -> None:
    put_all(quick, [random.Random(seed).randbytes(5000) for seed in range(4)])
    assert chain_lengths(quick) == [1, 1, 1, 1]


def test_no_version_is_packed_against_one_that_does_not_come_back(quick: History) -> None:
    first, _ = put_all(quick, followed([edited] * 2), TRIAL)
    with quick.write() as connection:
        connection.execute("UPDATE version SET payload = x'00' WHERE id = ?", (first,))
    (new,) = put_all(quick, [edited(edited(edited(b"")))], TRIAL)
    assert versions.payload(quick, new) == edited(edited(edited(b"")))


# --- damage -----------------------------------------------------------------------------------------------------------


def flipped(blob: bytes, bit: int) -> bytes:
    changed = bytearray(blob)
    changed[bit // 8] ^= 1 << (bit % 8)
    return bytes(changed)


def outcomes(blob: bytes, unpack: Callable[[bytes], bytes]) -> dict[object, int]:
    """What each flipped bit and each cut leads to: a payload, or that it was told; how often."""
    found: dict[object, int] = {}
    spoilt = [flipped(blob, bit) for bit in range(len(blob) * 8)] + [blob[:length] for length in range(len(blob))]
    for each in spoilt:
        try:
            outcome: object = unpack(each)
        except UnpackError:
            outcome = UnpackError
        found[outcome] = found.get(outcome, 0) + 1
    return found


@given(st.binary(max_size=60), st.binary(max_size=60) | st.none())
@settings(deadline=None, max_examples=40)
def test_a_flipped_bit_or_a_cut_is_told_and_never_gives_another_payload(payload: bytes, base: bytes | None) -> None:
    blob, codec = packing.pack(payload, base)
    found = outcomes(blob, lambda spoilt: packing.unpack(spoilt, codec, base))
    assert set(found) <= {payload, UnpackError}, "a bit that means nothing may be flipped"
    assert found[UnpackError] > len(blob) * 7
    packed, record_codec = packing.pack_record(payload, base or b"")
    found = outcomes(packed, lambda spoilt: packing.unpack_record(spoilt, record_codec, base or b""))
    assert set(found) <= {payload, UnpackError}


def test_a_flipped_bit_in_a_payload_packed_against_another_is_told() -> None:
    base, payload = big_study(), big_study("2027-03-31")
    blob, codec = packing.pack(payload, base)
    assert codec == packing.AGAINST_BASE
    found = outcomes(blob, lambda spoilt: packing.unpack(spoilt, codec, base))
    assert set(found) <= {payload, UnpackError}
    with pytest.raises(UnpackError, match="does not come back"):
        packing.unpack(blob, codec, base.replace(b"a", b"b"))
    with pytest.raises(UnpackError):
        packing.unpack(blob, codec, None)
    with pytest.raises(UnpackError):
        packing.unpack(blob, packing.PLAIN)


@pytest.mark.parametrize("blob", [b"", b"\x00", b"{}", None, "text", 5])
@pytest.mark.parametrize("codec", ["zlib", "zstd", "zstd-base", "zstd-payload", "rot13", ""])
def test_what_is_no_packed_payload_at_all_is_told(blob: object, codec: str) -> None:
    with pytest.raises(UnpackError):
        packing.unpack(blob, codec, b"12345678")  # type: ignore[arg-type]


def spoil(history: History, column: str, version: int) -> None:
    """Flip a bit in the middle of a version's payload or record."""
    (row,) = history.rows(f"SELECT {column} AS blob FROM version WHERE id = ?", [version])
    with history.write() as connection:
        connection.execute(f"UPDATE version SET {column} = ? WHERE id = ?", (flipped(row["blob"], len(row["blob"]) * 4), version))


def test_a_damaged_version_is_named_and_the_others_are_read(quick: History) -> None:
    payloads = [*followed([edited] * 2), random.Random(1).randbytes(500)]
    _, second, third = put_all(quick, payloads, TRIAL)
    spoil(quick, "payload", second)
    with pytest.raises(Damaged, match=f"version 2 of {TRIAL} at ctgov is damaged"):
        versions.payload(quick, second)
    with pytest.raises(Damaged):
        versions.by_id(quick, second)
    assert versions.payload(quick, third) == payloads[2]


def test_a_damaged_record_leaves_its_payload_whole(quick: History) -> None:
    (only,) = put_all(quick, [b"{}"], TRIAL)
    spoil(quick, "record", only)
    with pytest.raises(Damaged, match="version 1"):
        versions.by_id(quick, only)
    assert versions.payload(quick, only) == b"{}"


def test_a_damaged_base_is_never_read_through(quick: History) -> None:
    payloads = followed([edited] * 3)
    first, *others = put_all(quick, payloads, TRIAL)
    with quick.write() as connection:
        connection.execute("UPDATE version SET payload = ?, codec = 'zlib' WHERE id = ?", (zlib.compress(payloads[0] + b" "), first))
    for each in others:
        with pytest.raises(Damaged):
            versions.payload(quick, each)


# --- what earlier programs wrote --------------------------------------------------------------------------------------


def as_an_earlier_program_wrote(history: History, version: int, payload: bytes, record: Record) -> None:
    with history.write() as connection:
        connection.execute(
            "UPDATE version SET payload = ?, codec = 'zlib', base = NULL, record = ?, record_codec = 'json' WHERE id = ?",
            (zlib.compress(payload, 9), to_json(record).decode(), version),
        )


def test_rows_of_earlier_programs_are_read_and_packed_against(quick: History) -> None:
    old, new = big_study(), big_study("2027-03-31")
    with quick.write() as connection:
        watches.know(connection, TRIAL, NOW)
        first = put(quick, TRIAL, b"{}")
    as_an_earlier_program_wrote(quick, first, old, record_from(old))
    latest = versions.latest(quick, TRIAL, "ctgov")
    assert latest is not None
    assert latest.record == record_from(old)
    assert versions.payload(quick, first) == old
    with quick.write():
        second = put(quick, TRIAL, new, record_from(new))
    assert chain_lengths(quick) == [1, 2]
    assert versions.payload(quick, second) == new
    assert versions.by_id(quick, second).record == record_from(new)


# --- what a version costs ---------------------------------------------------------------------------------------------


def cost_of_one_date(history: History) -> dict[str, int]:
    """The bytes of both blobs of a version of a study of 20 kB in which one date changed."""
    before, after = big_study(), big_study("2027-03-31")
    assert 15_000 < len(after) < 25_000
    with history.write() as connection:
        watches.know(connection, TRIAL, NOW)
        put(history, TRIAL, before, record_from(before))
        second = put(history, TRIAL, after, record_from(after))
    row = history.one("SELECT length(payload) AS payload, length(record) AS record FROM version WHERE id = ?", [second])
    assert row is not None
    return row


def test_a_payload_costs_what_changed(quick: History) -> None:
    assert cost_of_one_date(quick)["payload"] < 100


def test_a_version_costs_what_changed(quick: History) -> None:
    assert sum(cost_of_one_date(quick).values()) < 300


def test_what_studies_are_packed_against_never_changes() -> None:
    """Histories were packed against it: a change of one byte would make them unreadable. A better one is a new codec."""
    assert hashlib.sha256(packing._skeleton()).hexdigest() == "4de8a9134ea82c1e3ca094c5b2828ec46ffc3b8d27db1d2c9512b2176fb5231b"
