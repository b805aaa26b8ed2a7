"""The pictures of the pages in the README, made anew: ``python -m tests.browser.pictures`` with Chromium on this machine."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from registry_sync.demo.record import TRIAL
from tests.browser.conftest import found_browser
from tests.browser.world import open_world

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
PICTURES = {"web-home": ("/", 900), "web-trial": (f"/trials/{TRIAL}", 922)}
"""Path of the page, and how much of its height is shown."""
WIDTH, SCALE = 880, 15 / 11
_FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><include>/etc/fonts/fonts.conf</include>
<match target="pattern"><edit name="family" mode="prepend" binding="strong"><string>Liberation Sans</string></edit></match>
</fontconfig>
"""
"""A font near to what most desktops have, whatever this machine calls its own."""


def main() -> None:
    """Write the pictures."""
    browser_path = found_browser()
    if browser_path is None:
        raise SystemExit("no browser here")
    with tempfile.TemporaryDirectory() as folder, open_world(Path(folder)) as world, sync_playwright() as driver:
        fonts = Path(folder) / "fonts.conf"
        fonts.write_text(_FONTS, encoding="utf-8")
        browser = driver.chromium.launch(
            executable_path=browser_path,
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
            env={**os.environ, "FONTCONFIG_FILE": str(fonts)},
        )
        page = browser.new_page(device_scale_factor=SCALE, java_script_enabled=False)
        for name, (path, height) in PICTURES.items():
            page.set_viewport_size({"width": WIDTH, "height": height})
            page.goto(world.url + path)
            page.screenshot(path=IMAGES / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
