"""A page as somebody reads it, and what must hold of every page."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from urllib.parse import urlsplit

import requests
from bs4 import BeautifulSoup, Tag

_NOT_SHOWN = ("Cc", "Cf", "Cs", "Zl", "Zp")
_TAGS = frozenset(
    "a article bdi blockquote body button caption circle datalist dd del desc details div dl dt fieldset footer form h1 h2 h3 h4 head "
    "header html input ins label legend li line link main meta nav optgroup option p q rect section select span summary svg table "
    "tbody td text th thead title tr ul".split()
)


class Page:
    """One page."""

    def __init__(self, answer: requests.Response) -> None:
        self.answer = answer
        self.soup = BeautifulSoup(answer.text, "lxml")

    @property
    def heading(self) -> str:
        return words(self.soup.h1)

    @property
    def text(self) -> str:
        return words(self.soup.main)

    def section(self, name: str) -> str:
        """What stands in a section, by the id of its heading."""
        return words(self.soup.find("section", attrs={"aria-labelledby": name}))

    def links(self) -> list[str]:
        return [str(link["href"]) for link in self.soup.find_all("a")]

    def titles(self) -> list[str]:
        """The trials of a list."""
        return [words(each) for each in self.soup.select(".trials h2")]


def words(tag: Tag | None) -> str:
    """Text without the line breaks of its markup."""
    assert tag is not None
    return " ".join(tag.get_text(" ").split())


def is_sound(page: Page) -> None:
    """What a page must be for everybody, whatever the registry sent."""
    soup, text = page.soup, page.answer.text
    assert page.answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
    assert "Set-Cookie" not in page.answer.headers
    assert {tag.name for tag in soup.find_all()} <= _TAGS
    for tag in soup.find_all():
        assert not [name for name in tag.attrs if name == "style" or name.startswith("on")], tag
    for link in page.links():
        assert urlsplit(link).scheme in ("", "http", "https", "mailto", "tel"), link
    assert not [char for char in text if unicodedata.category(char) in _NOT_SHOWN and char != "\n"]
    assert not [char for char in text if ord(char) & 0xFFFE == 0xFFFE or "\ufdd0" <= char <= "\ufdef"]
    levels = [int(tag.name[1]) for tag in soup.find_all(re.compile("^h[1-6]$"))]
    assert levels[:1] == [1]
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels)), levels
    assert soup.html is not None
    assert soup.html["lang"] in ("en", "da")
    ids = [tag["id"] for tag in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))
    for field in soup.find_all(["input", "select"]):
        assert field.get("type") == "hidden" or soup.find("label", attrs={"for": field["id"]}), field
    for cell in soup.find_all("th"):
        assert cell["scope"] in ("col", "row")
    for named in soup.find_all(attrs={"aria-labelledby": True}):
        assert set(str(named["aria-labelledby"]).split()) <= set(ids)
