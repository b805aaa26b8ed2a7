"""The loopback world, started for one test and stopped after it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from registry_sync.demo.hook import Hook
from registry_sync.demo.listing import Listing
from registry_sync.demo.mailbox import Mailbox
from registry_sync.demo.registry import Registry


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as running:
        yield running


@pytest.fixture
def listing() -> Iterator[Listing]:
    with Listing() as running:
        yield running


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as running:
        yield running


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as running:
        yield running


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session
