"""Puts versions into a history as they come to be there: seen by a sync, or loaded from the registry's own history."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from db import history as versions
from db import watches
from db.connection import History
from registry_sync.demo.record import TRIAL
from registry_sync.sources.ctgov_record import record_from
from registry_sync.trials.record import Dated, Record, to_json
from registry_sync.trials.significance import judged

LOADED = "2026-06-01T09:00:00Z"


def planned(date: str) -> Dated:
    return Dated(date, "ESTIMATED")


def keep(
    history: History,
    record: Record,
    *,
    posted: str | None,
    seen: str,
    trial: str = TRIAL,
    source: str = "ctgov",
    registry_version: int | None = None,
    payload: bytes | None = None,
    markup: versions.Markup = "markdown",
) -> int:
    """One more version at the end of its line, with what it changed; its id. ``seen``: a day. With a registry's number: backfilled."""
    watches.know(history.connection, trial, LOADED)
    backfilled = registry_version is not None
    stamp = LOADED if backfilled else f"{seen}T06:17:00Z"
    before = versions.latest(history, trial, source)
    with history.write() as connection:
        version = versions.insert_version(
            history,
            number=before.number + 1 if before else 1,
            base=before.id if before else None,
            trial=trial,
            source=source,
            record=record,
            payload=to_json(record) if payload is None else payload,
            registry_date=posted,
            seen_at=stamp,
            registry_version=registry_version,
            markup=markup,
        )
        changes = judged(before.record, record) if before else ()
        versions.add_changes(connection, version, changes, trial=trial, source=source, registry_date=posted, seen_at=stamp)
        connection.execute("UPDATE change SET backfilled = ? WHERE version_id = ?", (backfilled, version))
    return version


def keep_study(history: History, study: dict[str, Any], *, markup: versions.Markup = "markdown", **more: Any) -> int:
    """The same for a study of the registry's."""
    payload = json.dumps(study).encode()
    return keep(history, record_from(payload, markup), payload=payload, markup=markup, **more)


def bare(trial: str, status: str) -> dict[str, Any]:
    """A study of which nothing but the status is stated."""
    return {"protocolSection": {"identificationModule": {"nctId": trial}, "statusModule": {"overallStatus": status}}}


def statuses(history: History, *told: tuple[str, str | None, str, int | None], trial: str = TRIAL) -> None:
    """Several versions: the status, when posted, when seen, and the registry's number of a backfilled one."""
    for status, posted, seen, number in told:
        keep_study(history, bare(trial, status), posted=posted, seen=seen, trial=trial, registry_version=number)


A_LONG_LINE: Sequence[tuple[str, str | None, str, int | None]] = (
    ("NOT_YET_RECRUITING", "2019-03-04", "", 0),
    ("RECRUITING", "2020-01", "", 1),
    ("ACTIVE_NOT_RECRUITING", "2024-01-20", "2026-02-02", None),
    ("UNKNOWN", "2024-01-20", "2026-02-17", None),
    ("COMPLETED", "2026-03-02", "2026-03-03", None),
)
"""Two versions from before the installation, the first that was seen, one that the registry did not date, and one more."""
