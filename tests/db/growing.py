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
    """Where SQLite would read a table from its first row to its last for these statements; what an index leaves out is not read."""
    rows = history.rows("SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %'")
    partial = {f"INDEX {row['name']}" for row in rows}
    steps = [step for step in _plan(history, statements) if step == f"SCAN {table}" or step.startswith(f"SCAN {table} ")]
    return [step for step in steps if not any(step.endswith(index) for index in partial)]


def sorted_by_hand(history: History, statements: list[str]) -> list[str]:
    """Where SQLite would have to find everything first to put it in order."""
    return [step for step in _plan(history, statements) if step.startswith("USE TEMP B-TREE FOR ORDER")]


def _plan(history: History, statements: list[str]) -> list[str]:
    asked_for = [each for each in statements if each.startswith(("SELECT", "UPDATE", "DELETE", "WITH"))]
    return [row["detail"] for each in asked_for for row in history.rows(f"EXPLAIN QUERY PLAN {each}")]
