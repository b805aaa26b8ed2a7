"""From a trial's page to the first news and to its end, and all that an address is told: by keyboard alone and without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from registry_sync.demo import record
from registry_sync.demo.mailbox import Mail
from registry_sync.demo.record import TITLE, TRIAL
from tests.browser.conftest import DESK, PHONE, Visit, visiting
from tests.browser.test_by_keyboard import press, tab_to
from tests.browser.world import World, stop_link
from tests.web.filling import newest_link

if TYPE_CHECKING:
    from playwright.sync_api import Browser

axe = pytest.importorskip("tests.browser.axe", reason="axe-playwright-python is not installed")


@pytest.fixture(params=[PHONE, DESK], ids=["phone", "desk"])
def visit(request: pytest.FixtureRequest, browser: Browser, world: World) -> Iterator[Visit]:
    with visiting(browser, world.url, viewport=request.param) as visit:
        yield visit


@pytest.fixture
def address(request: pytest.FixtureRequest) -> str:
    return f"{request.node.originalname[:20]}-{request.node.callspec.id}@example.org"


def news(world: World, address: str) -> list[Mail]:
    """Recruitment pauses, or goes on; the mails that this address gets of it."""
    house = world.site.house
    before = len(house.mailbox.messages)
    study = house.registry.study(TRIAL)
    status = "SUSPENDED" if study["protocolSection"]["statusModule"]["overallStatus"] != "SUSPENDED" else "RECRUITING"
    house.registry.put(record.with_status(study, status, posted=house.at.date().isoformat()))
    house.sync()
    return [mail for mail in house.mailbox.messages[before:] if mail.recipients == (address,)]


def states(world: World, address: str) -> list[str]:
    return [row["state"] for row in world.site.rows() if row["address"] == address]


def ask(visit: Visit, address: str) -> None:
    """Fill in the form by the keyboard: all topics but the last, and the consent."""
    page = visit.page
    tab_to(page, "input#about-open")
    assert page.locator("#about-open").is_checked()
    tab_to(page, "input#about-rest")
    page.keyboard.press("Space")
    assert not page.locator("#about-rest").is_checked()
    tab_to(page, "input#address")
    page.keyboard.type(address)
    tab_to(page, "input#consent")
    page.keyboard.press("Space")
    press(visit, "Ask for this news")


def test_asking_confirming_hearing_and_stopping(visit: Visit, world: World, address: str) -> None:
    site, mailbox = world.site, world.site.house.mailbox
    visit.go(f"/trials/{TRIAL}")
    press(visit, "Tell me by mail when this trial changes")
    assert visit.heading == "News of trials by mail"
    before = len(mailbox.messages)
    ask(visit, address)
    assert visit.heading == "Look at your mail"
    assert address not in visit.page.content()

    link = newest_link(site, before + 1)
    assert mailbox.messages[-1].recipients == (address,)
    assert news(world, address) == []
    visit.go(link)
    assert TITLE in visit.page.locator("main").inner_text()
    press(visit, "Yes, I want this news")
    assert visit.heading == "You will be told of these trials"

    assert len(news(world, address)) == 1
    visit.go(stop_link(site, address))
    press(visit, "Stop these mails")
    assert visit.heading == "These mails are stopped"
    assert news(world, address) == []
    visit.go(link)
    assert visit.heading == "This link has been used, or is too old"


def test_all_that_an_address_is_told_is_stopped_by_a_fresh_link(visit: Visit, world: World, address: str) -> None:
    site, mailbox = world.site, world.site.house.mailbox
    site.house.subscribe(address)
    visit.go("/")
    before = len(mailbox.messages)
    press(visit, "See, change or stop what you are told")
    tab_to(visit.page, "input#address")
    visit.page.keyboard.type(address)
    with visit.page.expect_navigation():
        visit.page.keyboard.press("Enter")
    visit.go(newest_link(site, before + 1))
    assert TITLE in visit.page.locator("main").inner_text()
    press(visit, "Stop everything")
    assert states(world, address) == ["active"]
    press(visit, "Stop everything")
    assert states(world, address) == ["stopped"]
    assert news(world, address) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_wrong_in_a_form_is_said_to_everybody(browser: Browser, world: World, scheme: str) -> None:
    with visiting(browser, world.url, viewport=PHONE, java_script_enabled=True, color_scheme=scheme) as visit:  # axe-core is a script
        page = visit.page
        visit.go(f"/subscribe?trial={TRIAL}")
        for box in page.locator("[name=about]").all():
            box.uncheck()
        page.fill("#address", "advocate@example.org")
        page.check("#consent")
        page.click("#send")
        assert visit.heading.startswith("Not sent yet")
        assert page.evaluate("document.activeElement.className") == "problems"
        assert page.evaluate("document.scrollingElement.scrollWidth") == PHONE["width"]
        assert axe.findings(page) == []
