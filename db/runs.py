"""What each job did, and when: for catching up after a pause, and for ``doctor``."""

from __future__ import annotations

import json
from typing import Any

from db.connection import History, Row

KEPT_FOR_EACH_JOB = 500
"""Older rows go: an unchanged sync adds one row, and the file must not grow for ever."""


def begin(history: History, job: str, now: str, *, alone: bool = True) -> int:
    """Note that a job begins; the id of its run. ``alone``: no other process does it now."""
    with history.write() as connection:
        if alone:  # a run that never came to its end: its process was killed
            connection.execute("UPDATE run SET outcome = 'killed' WHERE job = ? AND outcome IS NULL", (job,))
        cursor = connection.execute("INSERT INTO run (job, started_at) VALUES (?, ?)", (job, now))
        connection.execute(
            "DELETE FROM run WHERE job = ? AND id <= (SELECT id FROM run WHERE job = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
            (job, job, KEPT_FOR_EACH_JOB),
        )
        assert cursor.lastrowid is not None  # noqa: S101 - an INSERT has one
        return cursor.lastrowid


def end(history: History, run_id: int, now: str, outcome: str, detail: dict[str, Any]) -> None:
    """Note how it ended: ``done``, ``partial``, ``failed`` or ``stopped``, and what it did."""
    with history.write() as connection:
        connection.execute(
            "UPDATE run SET finished_at = ?, outcome = ?, detail = ? WHERE id = ?",
            (now, outcome, json.dumps(detail, ensure_ascii=False), run_id),
        )


def of_a_copy(history: History) -> None:
    """In a copy the backup that made it is still under way: it came to its end, since the copy was checked."""
    with history.write() as connection:
        connection.execute("UPDATE run SET outcome = 'done', finished_at = started_at WHERE job = 'backup' AND outcome IS NULL")


def last(history: History, job: str, *, finished: bool = False, now: str | None = None) -> Row | None:
    """The newest run of a job; with ``finished`` the newest that came to its end.

    ``now`` (UTC): one that began more than an hour later counts as not made, since a clock that was wrong has written it.
    """
    condition = "AND outcome IN ('done', 'partial')" if finished else ""
    return history.one(
        f"""SELECT * FROM run WHERE job = :job {condition}
                AND (:now IS NULL OR started_at <= strftime('%Y-%m-%dT%H:%M:%SZ', :now, '+1 hour'))
            ORDER BY id DESC LIMIT 1""",  # noqa: S608 - no value is in the text
        {"job": job, "now": now},
    )


def age_out(history: History, before: str) -> int:
    """Delete the rows of runs that began before this time (UTC), but the last of each job and the last that came to its end; how many."""
    with history.write() as connection:
        connection.execute("DELETE FROM former_run WHERE started_at < ?", (before,))
        return connection.execute(
            """DELETE FROM run WHERE started_at < ?
               AND id NOT IN (SELECT max(id) FROM run GROUP BY job)
               AND id NOT IN (SELECT max(id) FROM run WHERE outcome IN ('done', 'partial') GROUP BY job)""",
            (before,),
        ).rowcount
