"""A site on loopback, and clients whose waits are recorded instead of slept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from registry_sync.sources.http import Client
from tests.sources.site import Site, serve
from tests.waiting import PATIENCE

NOW = 1_770_000_000.0  # 2026-02-02T02:40:00Z


@dataclass
class Waits:
    """A clock that stands still but for the waits, which it records."""

    seconds: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)

    def clock(self) -> float:
        return sum(self.seconds)


@pytest.fixture
def site() -> Iterable[Site]:
    yield from serve()


@pytest.fixture
def waits() -> Waits:
    return Waits()


MakeClient = Callable[..., Client]


@pytest.fixture
def make_client(site: Site, waits: Waits) -> Iterator[MakeClient]:
    """Makes clients that are closed at the end, before the site is."""
    made: list[Client] = []

    def make(**options: Any) -> Client:
        defaults: dict[str, Any] = {
            "contact": "you@example.org",
            "timeout": 10 * PATIENCE,
            "attempts": 1,
            "requests_per_minute": 600_000,
            "wait": waits,
            "clock": waits.clock,
            "now": lambda: NOW,
            "random": lambda: 0.5,
        }
        client = Client(**(defaults | options))
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(make_client: MakeClient) -> Client:
    return make_client()
