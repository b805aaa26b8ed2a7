"""The schema, as numbered steps that are only ever added to.

Before the steps that a file still lacks are taken, the whole file is copied beside it, and the copy is verified; after each step the
foreign keys are checked. All of it happens inside one BEGIN IMMEDIATE, so that two processes that start at once do it once.
"""

from __future__ import annotations

import importlib
import sqlite3
from pathlib import Path

from sqlite_utils.migrations import Migrations

from db import steps
from db.connection import APPLICATION_ID, History
from db.copying import copy_to
from registry_sync.errors import DatabaseError
from registry_sync.plural import count

STEPS = Migrations(steps.SET)

for _module in steps.known():
    STEPS(name=_module)(importlib.import_module(f"{__name__}.{_module}").step)


def bring_up_to_date(history: History) -> None:
    """Take the steps that are missing. A file that has data is copied to ``NAME.before-STEP.backup`` first."""
    if not STEPS.pending(history.db):
        return
    _back_up(history)
    with history.write() as connection:
        for migration in STEPS.pending(history.db):
            try:
                STEPS.apply(history.db, stop_before=[each.name for each in STEPS.pending(history.db)[1:]])
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
                    raise
                said = f"its schema is not the one that it says it has: step {migration.name} finds that {error}"
                raise DatabaseError(f"{history.path}: {said}; restore a backup", about=str(history.path)) from error
            broken = connection.execute("PRAGMA foreign_key_check").fetchall()
            if broken:
                raise DatabaseError(
                    f"{history.path}: step {migration.name} would break {count(len(broken), 'reference')}; nothing was changed",
                    about=str(history.path),
                )
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def _back_up(history: History) -> None:
    applied = STEPS.applied(history.db)
    if not applied:
        return  # a new file: there is nothing to lose
    first = STEPS.pending(history.db)[0].name
    target = Path(f"{history.path}.before-{first}.backup")
    if not target.exists():
        copy_to(history, target)
