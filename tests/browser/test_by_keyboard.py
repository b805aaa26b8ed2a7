"""By keyboard alone, without JavaScript: where the focus goes, searching, confirming, stopping; on a phone's size, too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from registry_sync.demo import record
from registry_sync.demo.record import TITLE, TRIAL
from tests.browser.conftest import DESK, PHONE, Visit, visiting
from tests.browser.world import OPEN, World, stop_link

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_FOCUSED = """() => {
    const here = document.activeElement, look = getComputedStyle(here), box = here.getBoundingClientRect();
    return {
        name: here.tagName.toLowerCase() + (here.id ? "#" + here.id : ""),
        words: (here.ariaLabel || here.textContent).trim().replace(/\\s+/g, " ").slice(0, 80),
        outlined: look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 2,
        shown: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth && box.width > 0,
    };
}"""
_IN_ORDER = """() => [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, summary, [tabindex]")]
    .filter(each => each.checkVisibility())
    .map(each => each.tagName.toLowerCase() + (each.id ? "#" + each.id : ""))"""
_RIGHT_END_IS_SHOWN = """() => {
    const here = document.activeElement, picture = here.querySelector("svg");
    return picture.getBoundingClientRect().right <= here.getBoundingClientRect().right + 1;
}"""


@pytest.fixture(params=[PHONE, DESK], ids=["phone", "desk"])
def visit(request: pytest.FixtureRequest, browser: Browser, world: World) -> Iterator[Visit]:
    with visiting(browser, world.url, viewport=request.param) as visit:
        yield visit


def focused(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(_FOCUSED)
    return found


def tab_to(page: Page, words: str) -> None:
    """Press Tab until what has the focus is called this, or has this name."""
    for _ in range(80):
        page.keyboard.press("Tab")
        here = focused(page)
        if words in (here["words"], here["name"]):
            assert here["outlined"], here
            assert here["shown"], here
            return
    pytest.fail(f"the keyboard does not come to {words!r}")


def press(visit: Visit, words: str) -> None:
    """Go to a button or link, press Enter, and be on another page."""
    tab_to(visit.page, words)
    with visit.page.expect_navigation():
        visit.page.keyboard.press("Enter")


@pytest.mark.parametrize("path", ["/", f"/trials/{TRIAL}", f"/trials/{OPEN}/versions"])
def test_the_focus_goes_through_the_page_in_its_order_and_is_seen(visit: Visit, path: str) -> None:
    visit.go(path)
    page = visit.page
    order = page.evaluate(_IN_ORDER)
    reached = []
    for _ in range(len(order)):
        page.keyboard.press("Tab")
        here = focused(page)
        if here["name"] == "input#date" and reached[-1:] == ["input#date"]:
            continue  # the parts of a date
        assert here["outlined"], here
        assert here["shown"], here
        reached.append(here["name"])
    assert reached == order[: len(reached)]
    assert len(reached) > len(order) - 5


def test_the_first_step_leads_past_the_head_of_the_page(visit: Visit) -> None:
    visit.go(f"/trials/{TRIAL}")
    page = visit.page
    page.keyboard.press("Tab")
    assert focused(page)["words"] == "To the content"
    assert focused(page)["shown"]
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert focused(page)["words"] == "The entry at ClinicalTrials.gov"


def test_searching(visit: Visit) -> None:
    visit.go("/")
    page = visit.page
    tab_to(page, "input#q")
    page.keyboard.type("sjogren stem cells")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator("[role=status]").inner_text().startswith("1 trial found")
    press(visit, TITLE[:80])
    assert visit.heading == TITLE
    visit.go("/")
    tab_to(page, "select#country")
    page.keyboard.type("Norw")
    press(visit, "Search")
    assert page.locator(".trials h2").all_inner_texts() == ["Eye Drops Twice or Four Times a Day"]
    press(visit, "Show all")
    assert page.locator(".trials h2").count() == 9


def test_from_a_trial_to_what_it_was(visit: Visit) -> None:
    visit.go(f"/trials/{TRIAL}")
    page = visit.page
    tab_to(page, "Timeline as a table")
    assert not page.locator("#timeline ~ details table").is_visible()
    page.keyboard.press("Enter")
    assert page.locator("#timeline ~ details table").is_visible()
    press(visit, "3 versions of the entry")
    press(visit, "Compare")
    assert visit.heading == f"{TRIAL}: version 2 beside version 3"


def test_what_is_wider_than_a_phone_is_moved_by_the_arrows(browser: Browser, world: World) -> None:
    with visiting(browser, world.url, viewport=PHONE, java_script_enabled=True, bypass_csp=True) as visit:  # both for waiting
        visit.go(f"/trials/{TRIAL}")
        assert visit.page.get_by_text("Its newest end is shown").is_visible()
        tab_to(visit.page, "Timeline as a picture")
        assert visit.page.evaluate(_RIGHT_END_IS_SHOWN)
        visit.page.keyboard.press("ArrowLeft")
        visit.page.wait_for_function("document.activeElement.scrollLeft < 0")


def test_where_there_is_room_the_picture_is_not_said_to_be_wider(browser: Browser, world: World) -> None:
    with visiting(browser, world.url, viewport=DESK) as visit:
        visit.go(f"/trials/{TRIAL}")
        assert not visit.page.get_by_text("Its newest end is shown").is_visible()


def test_confirming_hearing_and_stopping(visit: Visit, world: World, request: pytest.FixtureRequest) -> None:
    site, page = world.site, visit.page
    house = site.house
    address = f"{request.node.callspec.id}@example.org"
    visit.go(site.asked(OPEN, address=address))
    assert visit.heading == "Do you want news of these trials?"
    press(visit, "Yes, I want this news")
    assert visit.heading == "You will be told of these trials"

    before = len(house.mailbox.messages)
    now = "RECRUITING" if house.registry.study(OPEN)["protocolSection"]["statusModule"]["overallStatus"] != "RECRUITING" else "SUSPENDED"
    house.registry.put(record.with_status(house.registry.study(OPEN), now, posted=house.at.date().isoformat()))
    house.sync()
    mails = [mail for mail in house.mailbox.messages[before:] if mail.recipients == (address,)]
    assert len(mails) == 1

    visit.go(stop_link(site, address))
    assert visit.heading == "Stop these mails?"
    press(visit, "Stop these mails")
    assert visit.heading == "These mails are stopped"
    assert page.locator("main").inner_text().count("Nothing more is sent by this subscription.") == 1
    assert [row["state"] for row in site.rows() if row["address"] == address] == ["stopped"]
