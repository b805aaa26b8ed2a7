"""A history in a folder of its own, and helpers to put things into it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from db.connection import History, open_history


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
def history(path: Path) -> Iterator[History]:
    with open_history(path, create=True) as opened:
        yield opened
