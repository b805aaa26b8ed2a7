"""Mails as a mail program shows them that is a browser inside: on a phone's size, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import PHONE, visiting
from tests.browser.world import World

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

axe = pytest.importorskip("tests.browser.axe", reason="axe-playwright-python is not installed")


@pytest.fixture(scope="module")
def window(browser: Browser, world: World) -> Iterator[Page]:
    with visiting(browser, "about:blank", viewport=PHONE, java_script_enabled=True) as visit:  # axe-core is a script; mails have none
        yield visit.page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_it(window: Page, world: World, scheme: str) -> None:
    window.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    mails = world.mails()
    assert len(mails) > 4
    for subject, html in mails.items():
        window.set_content(html)
        window.evaluate("document.documentElement.style.background = 'Canvas'")  # what there is anyway; axe-core takes it for white
        assert window.evaluate("document.scrollingElement.scrollWidth") == PHONE["width"], subject
        assert axe.findings(window, axe.WCAG) == [], subject


def test_no_mail_has_anything_from_elsewhere(browser: Browser, world: World) -> None:
    with visiting(browser, "about:blank", viewport=PHONE) as visit:
        for html in world.mails().values():
            visit.page.set_content(html)
            assert visit.page.locator("img, script, link, iframe, form, video").count() == 0


def test_a_fault_is_found(window: Page) -> None:
    window.set_content("<title>x</title><p style='color:#bbb;background:#fff'>Hardly seen</p>")
    rules = [each.split(":")[0] for each in axe.findings(window)]
    assert {"serious html-has-lang", "serious color-contrast"} <= set(rules)
