"""Each page in Chromium: in both languages, light and dark, on a phone and on a desk; what axe-core finds, and what a visitor would see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from registry_sync.demo.record import TRIAL
from tests.browser.conftest import DESK, PHONE, Visit, visiting
from tests.browser.world import ARABIC, DONE, GONE, LONG, LONGEST_WORD, OPEN, SOON, STOPPED, UNREAD, World

if TYPE_CHECKING:
    from playwright.sync_api import Browser

axe = pytest.importorskip("tests.browser.axe", reason="axe-playwright-python is not installed")

PAGES = {
    "home": "/",
    "found": "/?q=dry&status=RECRUITING",
    "nothing found": "/?q=nothing+like+that&country=Denmark",
    "condition": f"/condition/{quote('Sjögren')}%27s%20Disease",
    "condition, a long word": f"/condition/{LONGEST_WORD[:200]}",
    "condition, right to left": f"/condition/{quote('جفاف الفم')}",
    "trial": f"/trials/{TRIAL}",
    "trial with everything": f"/trials/{TRIAL}?all=1",
    "trial, open": f"/trials/{OPEN}",
    "trial, still to open": f"/trials/{SOON}",
    "trial, ended early": f"/trials/{STOPPED}",
    "trial, done": f"/trials/{DONE}",
    "trial, gone": f"/trials/{GONE}",
    "trial, right to left": f"/trials/{ARABIC}",
    "trial, a long word": f"/trials/{LONG}",
    "waiting": f"/trials/{UNREAD}",
    "versions": f"/trials/{OPEN}/versions",
    "diff": f"/trials/{TRIAL}/diff?from=1&to=3&all=1",
    "diff of nothing": f"/trials/{TRIAL}/diff?from=2&to=2",
    "at": f"/trials/{TRIAL}/at/2026-02-06",
    "a version": f"/trials/{TRIAL}/versions/1",
    "a day before the first": f"/trials/{TRIAL}/at/2020-01-01",
    "listings": f"/trials/{TRIAL}/listings",
    "no listings": f"/trials/{OPEN}/listings",
    "status": "/status",
    "privacy": "/privacy",
    "asking for news": f"/subscribe?trial={TRIAL}&trial={OPEN}",
    "asking for news of all": "/subscribe",
    "asking for news of a condition": f"/subscribe?condition={quote('Sjögren')}%27s%20Disease",
    "asked for news": "/subscribe/asked",
    "asking for a link": "/manage",
    "asked for a link": "/manage/asked",
    "what is told": "manage",
    "changing one": "manage one",
    "stopping one": "manage one stop",
    "stopping all": "manage stop",
    "erasing": "manage erase",
    "erased": "/manage/erased",
    "stop": "stop",
    "confirm": "confirm",
    "used": "used",
    "nowhere": "/nothing/here",
    "not watched": "/trials/NCT09999999",
}
STATUS = {"used": 410, "nowhere": 404, "not watched": 404, "a day before the first": 404}
LOOKS = {"en": ((PHONE, "light"), (DESK, "dark")), "da": ((PHONE, "dark"), (DESK, "light"))}
"""Each size and each scheme in each language; each pair of them in one."""

_TOO_WIDE = """() => [...document.querySelectorAll("body *")]
    .filter(each => each.getBoundingClientRect().right > document.scrollingElement.clientWidth + 1)
    .filter(each => !each.parentElement.closest(".wide") && !each.matches(".skip"))
    .map(each => each.outerHTML.slice(0, 200))"""
_WIDE_AND_UNREACHABLE = """() => [...document.querySelectorAll(".wide")]
    .filter(each => each.scrollWidth > each.clientWidth && !(each.tabIndex === 0 && each.ariaLabel && each.role === "region"))
    .map(each => each.outerHTML.slice(0, 200))"""
_HANGING_OUT = """() => [...document.querySelectorAll("main li")]
    .filter(each => getComputedStyle(each).listStyleType !== "none")
    .filter(each => {
        const item = each.getBoundingClientRect(), main = document.querySelector("main").getBoundingClientRect();
        return Math.min(item.left - main.left, main.right - item.right) < 16
            || (getComputedStyle(each).direction === "rtl" ? main.right - item.right : item.left - main.left) < 16 + 16;
    })
    .map(each => each.outerHTML.slice(0, 200))"""
"""Items of lists beside which there is no room for their bullet."""


@pytest.fixture(scope="module")
def visit(browser: Browser, world: World) -> Iterator[Visit]:
    with visiting(browser, world.url, java_script_enabled=True) as visit:  # axe-core is a script; the pages have none
        yield visit


@pytest.mark.parametrize("language", LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_everybody_can_use_it(visit: Visit, world: World, name: str, language: str) -> None:
    page = visit.page
    path = world.links.get(PAGES[name], PAGES[name])
    status = visit.go(f"{path}{'&' if '?' in path else '?'}lang={language}")
    assert status == STATUS.get(name, 200)
    assert page.locator("html").get_attribute("lang") == language or name == "confirm"
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    for size, scheme in LOOKS[language]:
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert page.evaluate("document.scrollingElement.scrollWidth <= document.scrollingElement.clientWidth"), page.evaluate(_TOO_WIDE)
        assert page.evaluate(_TOO_WIDE) == []
        assert page.evaluate(_WIDE_AND_UNREACHABLE) == []
        assert page.evaluate(_HANGING_OUT) == []
        assert axe.findings(page) == []
    assert not visit.elsewhere
    assert not visit.complaints
