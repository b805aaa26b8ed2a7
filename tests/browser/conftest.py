"""Chromium, with which the pages are looked at as a visitor has them: without JavaScript, from this machine alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.browser.world import World, open_world

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

NAMES = ("chromium", "chromium-browser", "google-chrome")
PHONE, DESK = {"width": 320, "height": 640}, {"width": 1280, "height": 800}


@dataclass
class Visit:
    """A window, and what its visitor never sees: what was asked for elsewhere, and what the browser complained of."""

    page: Page
    url: str
    elsewhere: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", self._asked)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def go(self, path: str) -> int:
        """Open a page of the site, by its path or as a whole address; the status of the answer."""
        answer = self.page.goto(path if path.startswith("http") else self.url + path)
        assert answer is not None
        return answer.status

    @property
    def heading(self) -> str:
        return self.page.locator("h1").inner_text()

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url)[:2] != urlsplit(self.url)[:2]:
            self.elsewhere.append(request.url)

    def _said(self, message: ConsoleMessage) -> None:
        is_our_answer = "Failed to load resource: the server responded with a status of 4" in message.text
        if message.type in ("error", "warning") and not is_our_answer:
            self.complaints.append(message.text)


def found_browser() -> str | None:
    """Where this machine has Chromium; ``None`` where it has none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all tests of a file. It ends with the file: beside it no other event loop runs in this thread."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: no tests in a browser")
    found = found_browser()
    if found is None:
        pytest.skip(f"no browser here (none of {', '.join(NAMES)}): no tests in one")
    with sync_api.sync_playwright() as driver:
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = driver.chromium.launch(executable_path=found, args=[*sandbox, "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with open_world(tmp_path_factory.mktemp("world")) as opened:
        yield opened


@contextmanager
def visiting(browser: Browser, url: str, **more: Any) -> Iterator[Visit]:
    """A window without JavaScript that has seen nothing yet; at its end nothing was asked for elsewhere."""
    context = browser.new_context(**{"java_script_enabled": False, **more})
    try:
        visit = Visit(context.new_page(), url)
        visit.page.set_default_timeout(60_000)
        yield visit
        assert not visit.elsewhere
        assert not visit.complaints
    finally:
        context.close()
