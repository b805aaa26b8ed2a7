"""Is the file sound, and how much is in it?"""

from __future__ import annotations

from db.connection import History


def problem(history: History) -> str | None:
    """What is wrong with the file: damaged pages, references that lead nowhere; ``None`` when it is sound."""
    verdict = history.one("PRAGMA quick_check")
    if verdict and verdict["quick_check"] != "ok":
        return f"is damaged: {verdict['quick_check']}; restore a backup"
    broken = history.rows("PRAGMA foreign_key_check")
    if broken:
        return f"{len(broken)} rows refer to what is not there (first in {broken[0]['table']})"
    return None


def numbers(history: History) -> dict[str, int]:
    """How many trials are watched, versions kept, changes kept."""
    row = history.one(
        """SELECT (SELECT count(*) FROM watch) AS trials, (SELECT count(*) FROM version) AS versions,
                  (SELECT count(*) FROM change) AS changes"""
    )
    assert row is not None  # noqa: S101 - a question without a table has one row
    return {name: int(value) for name, value in row.items()}
