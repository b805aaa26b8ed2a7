"""The documentation as a site: it is built without a warning, and asks nothing of another one."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

from tests.docs.world import ROOT
from tests.test_docs import PAGES

FETCHED = (("link", "href"), ("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("form", "action"))

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("sphinx") is None, reason="Sphinx is not installed here (`make docs` installs it)"),
    pytest.mark.timeout(240),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as ``make docs`` builds it."""
    folder = tmp_path_factory.mktemp("site")
    (recipe,) = re.findall(r"^\t\$\(BIN\)/python (-m sphinx .*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    words = [str(folder) if word == "build/docs" else word for word in recipe.split()]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    call = [sys.executable, *words[:-2], "--doctree-dir", str(folder.with_name("doctrees")), *words[-2:]]
    done = subprocess.run(call, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


def pages(site: Path) -> list[Path]:
    return sorted(site.glob("*.html"))


def test_every_page_is_there_and_leads_on(site: Path) -> None:
    names = {page.stem for page in pages(site)}
    assert {page.stem for page in PAGES if page.parent.name == "docs"} <= names
    index = (site / "index.html").read_text(encoding="utf-8")
    for name in ("tutorial", "howto-coordinators", "howto-advocates", "deploy", "commands", "settings", "changes", "history", "design"):
        assert f'href="{name}.html"' in index


def test_no_page_asks_anything_of_another_site(site: Path) -> None:
    for page in pages(site):
        soup = BeautifulSoup(page.read_bytes(), "lxml")
        for tag, name in FETCHED:
            for element in soup.find_all(tag):
                address = str(element.get(name, ""))
                assert not urlsplit(address).netloc, (page.name, address)
        assert not re.search(r"url\(|@import|fetch\(", " ".join(style.get_text() for style in soup.find_all("style")))
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert not re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", text), sheet.name


def test_every_link_within_the_site_leads_somewhere(site: Path) -> None:
    anchors = {page: {element["id"] for element in BeautifulSoup(page.read_bytes(), "lxml").find_all(id=True)} for page in pages(site)}
    for page in pages(site):
        soup = BeautifulSoup(page.read_bytes(), "lxml")
        for link in soup.find_all("a", href=True):
            parts = urlsplit(str(link["href"]))
            if parts.scheme or parts.netloc:
                continue
            there = page.parent / unquote(parts.path) if parts.path else page
            assert there.exists(), (page.name, link["href"])
            if parts.fragment and there.suffix == ".html":
                assert unquote(parts.fragment) in anchors[there], (page.name, link["href"])


def test_pictures_have_words(site: Path) -> None:
    for page in pages(site):
        for picture in BeautifulSoup(page.read_bytes(), "lxml").find_all("img"):
            assert len(str(picture.get("alt", "")).split()) > 5, page.name
