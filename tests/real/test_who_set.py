"""Real records as rows of the WHO Trial Registration Data Set: what the registry answers is in them, and nothing breaks a table."""

from __future__ import annotations

import csv
import io
import json
import lzma
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from jobs.formats import in_a_cell
from registry_sync.sources.ctgov_beyond import beyond
from registry_sync.sources.ctgov_record import record_from
from registry_sync.trials import who_set
from registry_sync.trials.record import plain

ALWAYS = (
    "primary_registry", "trial_identifying_number", "sources_of_monetary_or_material_support", "primary_sponsor", "public_title",
    "health_conditions_studied", "study_type", "recruitment_status", "overall_status", "url",
)  # fmt: skip


@pytest.fixture(scope="module")
def rows(shared_data: Path) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Of each record: what was sent, and its row."""
    found = []
    with lzma.open(shared_data / "ctgov-records.jsonl.xz") as lines:
        for line in lines:
            values = who_set.row(plain(record_from(line)), beyond(line))
            found.append((json.loads(line)["protocolSection"], dict(zip(who_set.NAMES, values, strict=True))))
    return found


def test_every_real_record_is_a_row(rows: list[tuple[dict[str, Any], dict[str, Any]]], report: list[str]) -> None:
    filled: Counter[str] = Counter()
    for sent, row in rows:
        filled.update(name for name, value in row.items() if value is not None)
        assert all(value is None or value != "" for value in row.values())
        sharing = sent.get("ipdSharingStatementModule", {})
        assert (row["ipd_sharing_statement"] or "").split("\n")[0] == sharing.get("ipdSharing", "")
        assert (row["sample_size"] is None) == ("enrollmentInfo" not in sent["designModule"])
    assert {name: filled[name] for name in ALWAYS} == dict.fromkeys(ALWAYS, len(rows))
    assert not filled["ethics_review"]
    items = {column.name for column in who_set.COLUMNS if column.item}
    least = sorted((filled[name] * 100 // len(rows), name) for name in items)[:6]
    report.append(f"WHO data set, {len(rows)} real records: least often filled " + ", ".join(f"{name} {part} %" for part, name in least))


def test_every_real_row_comes_back_from_a_table(rows: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([in_a_cell(str(value or "")) for value in row.values()] for _, row in rows)
    out.seek(0)
    back = list(csv.reader(out, strict=True))
    assert [row[1] for row in back] == [row["trial_identifying_number"] for _, row in rows]
    assert {len(row) for row in back} == {len(who_set.NAMES)}
