"""Which steps the schema has, and which of them a file has taken: known without loading what takes them."""

from __future__ import annotations

import sqlite3
from functools import cache
from pathlib import Path

SET = "registry-sync"
"""The name under which sqlite-utils notes the steps that a file has taken."""


def known() -> list[str]:
    """The names of the steps that this program has, in their order."""
    return list(_in(Path(__file__).parent / "migrations"))


@cache
def _in(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(step.stem for step in folder.glob("m[0-9]*.py")))


def taken(connection: sqlite3.Connection) -> list[str]:
    """The names of the steps that a file has taken."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'").fetchone() is None:
        return []
    return [row[0] for row in connection.execute("SELECT name FROM _sqlite_migrations WHERE migration_set = ? ORDER BY name", (SET,))]
