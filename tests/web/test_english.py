"""What the registry says is English on a Danish page too, and said to be, so that a screen reader reads it as that (WCAG 2.2, 3.1.2)."""

from __future__ import annotations

import re
from itertools import count
from typing import Any

import msgspec
import pytest
from bs4 import BeautifulSoup, NavigableString, Tag

from registry_sync.demo.record import TRIAL
from registry_sync.notices import english
from registry_sync.notices.i18n import translator
from registry_sync.notices.marking import marked
from registry_sync.trials.listing import Listing
from registry_sync.trials.record import Record
from tests.web.conftest import Site
from tests.web.reading import Page
from tests.web.test_hostile_fields import _REAL, PAGES, as_usual, filled, happens

OWN = re.compile(r"Own words")
OTHER_WORDS = re.compile(r"Own|words|Denmark|RECRUITING|ESTIMATED")
"""What else is English: these, as coordinators get them."""


def everything_said(start: int) -> Record:
    """A record of which each text is another one; a country is a name, and so is what a contact is reached by."""
    numbers = count(start)
    record = as_usual(filled(lambda: f"Own words {next(numbers)}", but=_REAL))
    contacts = tuple(msgspec.structs.replace(each, phone=None, email=None) for each in record.central_contacts or ())
    stated = {"country": "Denmark", "status": "RECRUITING", "contacts": contacts}
    sites = tuple(msgspec.structs.replace(each, **stated) for each in record.locations or ())
    return msgspec.structs.replace(record, central_contacts=contacts, locations=sites)


def language_of(tag: Tag | NavigableString) -> str:
    return next(str(each["lang"]) for each in tag.parents if isinstance(each, Tag) and each.has_attr("lang"))


def is_said_to_be_english(soup: BeautifulSoup, where: str) -> int:
    """Each of the registry's texts is, and nothing else is; how many there are."""
    assert soup.html is not None
    assert soup.html["lang"] == "da"
    body = soup.body
    assert body is not None
    told = [text for text in body.find_all(string=True) if OWN.search(text)]
    for text in told:
        assert language_of(text) == "en", (where, text.parent)
    for text in body.find_all(string=True):
        is_name = text == "English"
        if language_of(text) == "en" and not is_name and text.parent is not None and text.parent.name not in ("del", "ins"):
            assert not re.search(r"[^\W\d_]", OTHER_WORDS.sub("", text)), (where, text.parent)
    for tag in body.find_all(["del", "ins"]):
        assert tag["lang"] == "en", (where, tag)
    return len(told)


def test_each_text_of_the_registry_is_said_to_be_english_on_danish_pages_and_in_danish_mails(site: Site) -> None:
    for role in ("reader", "coordinator"):
        site.house.subscribe(f"danish-{role}@example.org", role=role, language="da")
    listing = Listing(record=everything_said(5000), said={}, site="Finder", ids=(TRIAL,))
    happens(site, everything_said(1000), everything_said(3000), listing=listing)
    paths = ["/", "/subscribe", f"/subscribe?trial={TRIAL}", *(f"/trials/{TRIAL}{each}" for each in PAGES)]
    paths += sorted({each for each in Page(site.get("/")).links() if each.startswith("/condition/")})
    found = {path: is_said_to_be_english(danish(site, path), path) for path in paths}
    assert found[f"/trials/{TRIAL}"] > 100
    assert all(found.values()), found
    mails = [mail for mail in site.house.mailbox.messages if mail.recipients[0].startswith("danish-")]
    assert {mail.recipients[0] for mail in mails} == {"danish-reader@example.org", "danish-coordinator@example.org"}
    for mail in mails:
        assert is_said_to_be_english(BeautifulSoup(mail.text("html"), "lxml"), mail.text("plain")[:100])


def danish(site: Site, path: str) -> BeautifulSoup:
    return Page(site.get(f"{path}{'&' if '?' in path else '?'}lang=da")).soup


@pytest.mark.parametrize(
    ("text", "words", "told"),
    [
        ("Lægemiddel: Drug <A> (Andet)", ["Drug <A>"], 'Lægemiddel: <span lang="en">Drug &lt;A&gt;</span> (Andet)'),
        ("Pain (12 weeks)", ["Pain", "12 weeks"], '<span lang="en">Pain (12 weeks</span>)'),
        ("Alle: All", ["All"], 'Alle: <span lang="en">All</span>'),
        ("Drug: A very lo…", ["A very long name"], 'Drug: <span lang="en">A very lo</span>…'),
        ("ikke oplyst", [], "ikke oplyst"),
        ("ikke oplyst…", ["A name"], "ikke oplyst…"),
        ("“One long…”, registret “Another lo…” (siden maj)", ["One long name", "Another long name"],
         '“<span lang="en">One long</span>…”, registret “<span lang="en">Another lo</span>…” (siden maj)'),
        ("Før … the end of it (Andet)", ["All until the end of it"], 'Før …<span lang="en"> the end of it</span> (Andet)'),
    ],
)  # fmt: skip
def test_what_is_the_registrys_in_a_sentence_is_found(text: str, words: list[str], told: str) -> None:
    assert english.marked(text, words) == told


def test_words_that_changed_stay_what_they_are() -> None:
    before, after = "Tilføjet: For 12 months (Andet)", "Tilføjet: For 6 months (Andet)"
    runs = [run for run in marked(before, after) if run[1] != "added"]
    parts = english.parted(runs, ["For 12 months", "For 6 months"])
    assert "".join(part.words for part in parts) == before
    assert [part.words for part in parts if part.mark == "removed"] == ["12"]
    assert [part.words for part in parts if not part.is_own] == ["Tilføjet: ", " (Andet)"]


@pytest.mark.parametrize("value", [None, 7, "2026-02-03", "NCT01000005", {"count": 40, "type": None}, [True]])
def test_what_has_no_words_has_none_of_its_own(value: Any) -> None:
    assert english.own(translator("da"), value) == ()


def test_an_english_page_marks_nothing() -> None:
    assert english.own(translator("en"), "Pain") == ()
