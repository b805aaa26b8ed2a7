"""A house with its web pages, served over a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import uvicorn.server

from db import subscriptions
from jobs import confirming
from jobs.surroundings import Surroundings
from registry_sync.demo.record import TRIAL
from registry_sync.notices.route import Subscription
from registry_sync.web.server import listen, serve
from tests.cli.conftest import Terminal, terminal
from tests.house import House, open_house
from tests.waiting import PATIENCE, finish

__all__ = ["Terminal", "terminal"]

READER = "reader@example.org"


@dataclass
class Site:
    """The pages, and who asks for them."""

    house: House
    url: str

    def get(self, path: str, **more: Any) -> requests.Response:
        return requests.get(self._whole(path), timeout=PATIENCE, allow_redirects=False, **more)

    def head(self, path: str) -> requests.Response:
        return requests.head(self._whole(path), timeout=PATIENCE, allow_redirects=False)

    def post(self, path: str, **more: Any) -> requests.Response:
        return requests.post(self._whole(path), timeout=PATIENCE, allow_redirects=False, **more)

    def _whole(self, path: str) -> str:
        return path if path.startswith("http") else self.url + path

    def ask(self, *trials: str, address: str = READER, search: Any = None, instead: bool = False, **more: Any) -> str | None:
        """Somebody subscribes an address that is not confirmed; what becomes of the mail."""
        with self.house.history() as history:
            wanted = Subscription(id=0, address=address, kind="email", **more)
            around = self.house.around
            return confirming.ask(around, history, wanted, trials or (TRIAL,), search=search, instead=instead)[1]

    def asked(self, *trials: str, address: str = READER, **more: Any) -> str:
        """The same, and the link in the mail that comes of it."""
        before = len(self._links(address))
        assert self.ask(*trials, address=address, **more) == "queued"
        self.house.deliver()
        while len(self._links(address)) <= before:  # another delivery may have it under way
            self.house.mailbox.wait_for(len(self.house.mailbox.messages) + 1)
        return self.link(address)

    def link(self, address: str = READER) -> str:
        """The link that confirms, in the newest mail to an address that has one."""
        return self._links(address)[-1]

    def _links(self, address: str) -> list[str]:
        texts = [mail.text("plain") for mail in self.house.mailbox.messages if address in mail.recipients]
        return [str(link) for text in texts for link in re.findall(r"^http\S+/confirm/\S+$", text, re.MULTILINE)]

    def rows(self) -> list[dict[str, Any]]:
        with self.house.history() as history:
            return subscriptions.listing(history)

    @property
    def states(self) -> list[str]:
        return [row["state"] for row in self.rows()]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as opened:
        yield opened


class _OftenAsked:
    """asyncio as uvicorn's server sees it, which looks ten times a second whether it is to end: here a hundred times."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 10)


@pytest.fixture(scope="session", autouse=True)
def _often_asked() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uvicorn.server, "asyncio", _OftenAsked())
        yield


@contextlib.contextmanager
def pages_at(house: House, listener: socket.socket) -> Iterator[None]:
    """The pages answer at this socket, and have begun to before the house's clock goes on."""
    around = Surroundings(house.settings, now=lambda: house.at, stop=threading.Event())
    thread = threading.Thread(target=serve, args=(around, listener), name="web pages")
    thread.start()
    try:
        host, port = listener.getsockname()[:2]
        requests.get(f"http://{f'[{host}]' if ':' in host else host}:{port}/healthz", timeout=60)
        yield
    finally:
        around.stop.set()
        finish(thread)


@pytest.fixture
def site(house: House) -> Iterator[Site]:
    with listen("127.0.0.1:0") as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        house.set("web", url=url)
        with house.history():
            pass  # the file is made
        with pages_at(house, listener):
            yield Site(house, url)
