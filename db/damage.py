"""Why something failed in a way that nobody foresaw: whatever is damaged in the file, as people are told of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from db import check, check_cells, check_rows
from db.check import Fault
from db.connection import History, open_to_look


def found(path: Path) -> str | None:
    """The first thing in a history that is damaged, in one line, with what to do; ``None`` when nothing is, or it cannot be opened."""
    with contextlib.suppress(Exception), open_to_look(path, as_it_lies=True) as history:
        return of(history)
    return None


def of(history: History) -> str | None:
    """The same of a history that is open."""
    with contextlib.suppress(Exception):
        for fault in _faults(history):
            where = "it" if fault.where == str(history.path) else fault.where
            return f"{history.path}: {where} is damaged: {fault.what}; {fault.do} (it names all that is damaged)"
    return None


def _faults(history: History) -> Iterator[Fault]:
    of_the_file = [] if history.lacking else check.of_the_file(history)
    return chain(of_the_file, *(look(history) for look in (check_cells.of_the_texts, check_cells.of_the_cells, check_rows.of_the_rows)))
