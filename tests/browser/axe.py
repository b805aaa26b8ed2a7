"""What axe-core finds in a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axe_playwright_python.sync_playwright import Axe

if TYPE_CHECKING:
    from playwright.sync_api import Page

WCAG = ("wcag2a", "wcag2aa", "wcag21aa", "wcag22aa")
EVERYTHING = (*WCAG, "best-practice")

_SCRIPT = Axe().axe_script


def findings(page: Page, tags: tuple[str, ...] = EVERYTHING) -> list[str]:
    """Each fault: how grave it is, which rule it breaks, where, and why. The page's window must be one with JavaScript."""
    options: dict[str, Any] = {"resultTypes": ["violations"], "runOnly": {"type": "tag", "values": list(tags)}}
    if not page.evaluate("'axe' in window"):
        page.evaluate(_SCRIPT)
    found = page.evaluate("options => axe.run(document, options).then(results => results.violations)", options)
    return [f"{each['impact']} {each['id']}: {node['html'][:200]} {node['failureSummary']}" for each in found for node in each["nodes"]]
