"""What SQLite says of its own work: how it looks for something, and what it was asked to do. Neither goes by a clock."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from db.connection import History


@contextlib.contextmanager
def asked(history: History) -> Iterator[list[str]]:
    """The statements that are run within the block, with their values."""
    said: list[str] = []
    history.connection.set_trace_callback(said.append)
    try:
        yield said
    finally:
        history.connection.set_trace_callback(None)


def scans(history: History, statements: list[str], table: str) -> list[str]:
    """What SQLite would read of a table from its first row to its last, or put in order by itself, to run these statements again."""
    found: list[str] = []
    for statement in statements:
        if statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            steps = [row["detail"] for row in history.rows(f"EXPLAIN QUERY PLAN {statement}")]
            found += [step for step in steps if step == f"SCAN {table}" or step.startswith(f"SCAN {table} ")]
    return found
