"""What is put into the history comes out as it was."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import history as versions
from db import watches
from db.connection import History
from registry_sync.sources.ctgov_record import record_from
from registry_sync.trials.changes import compare
from registry_sync.trials.record import Record
from tests.trials.records import TRIAL, records

NOW = "2026-02-02T06:17:00Z"


def kept(history: History, record: Record, payload: bytes) -> tuple[Record, bytes]:
    """Put a version into the history and take it out again."""
    with history.write():
        version = versions.add_version(
            history, trial=record.trial, source="ctgov", record=record, payload=payload, registry_date=None, seen_at=NOW
        )
    return versions.by_id(history, version).record, versions.payload(history, version)


@given(records, st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
def test_any_record_comes_back_as_it_was(history: History, record: Record, payload: bytes) -> None:
    watches.add(history, (TRIAL,), (), NOW)
    assert kept(history, record, payload) == (record, payload)


@pytest.mark.timeout(120)
def test_every_real_record_comes_back_as_it_was(history: History, shared_data: Path) -> None:
    with lzma.open(shared_data / "ctgov-records.jsonl.xz") as lines:
        payloads = [line.rstrip(b"\n") for line in lines]
    records_ = [record_from(payload) for payload in payloads]
    watches.add(history, sorted({record.trial for record in records_}), (), NOW)
    assert len(records_) > 800
    for record, payload in zip(records_, payloads, strict=True):
        back, sent = kept(history, record, payload)
        assert back == record
        assert sent == payload
        assert compare(record, back) == ()
