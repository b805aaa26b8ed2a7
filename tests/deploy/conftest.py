"""What is deployed, and a place in which it can be tried."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from registry_sync.cli import cli
from tests.house import House, open_house

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"


def there_is(*words: str) -> None:
    """Skip a test of a command that this program does not have."""
    context = click.Context(cli)
    missing = [word for word in words if cli.get_command(context, word) is None]
    if missing:
        pytest.skip(f"this program has no command {', '.join(missing)}")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as opened:
        yield opened


@pytest.fixture
def shim(tmp_path: Path) -> Path:
    """A folder for PATH in which ``registry-sync`` is this checkout's."""
    folder = tmp_path / "shim"
    folder.mkdir()
    path = folder / "registry-sync"
    path.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m registry_sync "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return folder


@pytest.fixture
def environ(house: House) -> dict[str, str]:
    """An environment that leads to the loopback world, with nothing of the caller's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("REGISTRY_SYNC_", "COVERAGE_"))}
    return {
        **kept,
        "REGISTRY_SYNC_CTGOV_URL": house.registry.url,
        "REGISTRY_SYNC_HTTP_CONTACT": "operator@example.org",
        "REGISTRY_SYNC_HTTP_REQUESTS_PER_MINUTE": "600000",
        "REGISTRY_SYNC_HTTP_TIMEOUT": "5",
        "REGISTRY_SYNC_HTTP_ATTEMPTS": "1",
        "REGISTRY_SYNC_SMTP_HOST": house.mailbox.host,
        "REGISTRY_SYNC_SMTP_PORT": str(house.mailbox.port),
    }
