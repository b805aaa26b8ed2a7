"""Each value of each row, whether it is one that its column may hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from db import texts
from db.check import RESTORE, Fault
from db.connection import History
from db.kinds import KINDS, Kind
from db.texts import Octets

_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, OSError, RecursionError, msgspec.MsgspecError)


def of_the_texts(history: History) -> Iterator[Fault]:
    """Texts that are none, the schema's own among them."""
    with history.clear_errors():
        for each in texts.every(history.connection):
            yield Fault(each.what, each.row, RESTORE)


def of_the_cells(history: History) -> Iterator[Fault]:
    """Values that are not of the kind that their column is for; a text that is none is told by ``of_the_texts``."""
    with history.clear_errors():
        for table in texts.tables(history.connection):
            kinds = KINDS.get(table, {})
            columns = [name for name in texts.columns_of(history.connection, table) if name in kinds]
            looks = [(place, column, kinds[column]) for place, column in enumerate(columns)]
            for row in texts.rows(history.connection, table, columns) if columns else ():
                wrong = [column for place, column, kind in looks if (cell := row.cells[place]) is not None and not _is_of(kind, cell)]
                for what in dict.fromkeys(kinds[column].said or f"its {column} is {kinds[column].is_none}" for column in wrong):
                    yield Fault(what, row.name, RESTORE)


def _is_of(kind: Kind, cell: Any) -> bool:
    """Is a value of this kind? So is a text that is none, which is told elsewhere."""
    value = cell
    try:
        if isinstance(cell, Octets):
            value = cell.decode()
    except UnicodeDecodeError:
        return True
    if not isinstance(value, kind.types):
        return False
    try:
        kind.read(value)
    except _UNREADABLE:
        return False
    return True
