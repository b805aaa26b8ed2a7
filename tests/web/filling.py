"""Forms, filled in and sent as a browser does it."""

from __future__ import annotations

import copy
import re
import threading
from typing import Any
from urllib.parse import urljoin

import requests
from bs4 import Tag

from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.house import House
from tests.waiting import finish
from tests.web.conftest import Site
from tests.web.reading import Page, is_sound

READER = "advocate@example.org"
OTHER = "NCT00000102"
LINK = re.compile(r"^http\S+/(?:confirm|manage)/\S+$", re.MULTILINE)


def two_trials(house: House) -> None:
    """Two trials are watched, both on Sjögren's disease, with sites in Denmark."""
    other = copy.deepcopy(record.the_study())
    other["protocolSection"]["identificationModule"]["nctId"] = OTHER
    for study in (record.the_study(), other):
        house.registry.put(study)
    house.watch(TRIAL, OTHER)
    house.sync(days=0)


def fields(form: Tag) -> list[tuple[str, str]]:
    """What a browser would send of a form that nobody has touched."""
    found = []
    for field in form.find_all(["input", "select"]):
        if field.name == "select":
            options = field.find_all("option")
            chosen = next((each for each in options if each.has_attr("selected")), options[0])
            found.append((field["name"], str(chosen.get("value", chosen.get_text()))))
        elif field.get("type") not in ("checkbox", "radio") or field.has_attr("checked"):
            found.append((field["name"], str(field.get("value", ""))))
    return found


def fill(page: Page, **typed: Any) -> tuple[str, list[tuple[str, str]]]:
    """Where the form of a page goes, and what is in it when these fields are filled in (a list: these boxes are ticked)."""
    form = page.soup.find("form", method="post")
    assert isinstance(form, Tag)
    kept = [(name, value) for name, value in fields(form) if name not in typed]
    for name, value in typed.items():
        kept += [(name, each) for each in ([value] if isinstance(value, str) else value)]
    return urljoin(page.answer.url, str(form.get("action", page.answer.url))), kept


def send(site: Site, path: str, *, headers: dict[str, str] | None = None, **typed: Any) -> Page:
    """Open a page, fill in its form, send it, and read what comes."""
    page = Page(site.get(path))
    assert page.answer.status_code == 200, page.text
    is_sound(page)
    action, data = fill(page, **typed)
    answer = site.post(action, data=data, headers={"Origin": site.url, "Sec-Fetch-Site": "same-origin", **(headers or {})})
    return Page(answer)


def ask(site: Site, path: str = "/subscribe?trial=NCT06805448", address: str = READER, **typed: Any) -> requests.Response:
    """Ask for news by the form; what is answered."""
    return send(site, path, address=address, consent="yes", **typed).answer


def newest_link(site: Site, mails: int) -> str:
    """The link in the newest of so many mails, once whoever sent them has noted it."""
    mail = site.house.mailbox.wait_for(mails)[-1]
    finish(*(thread for thread in threading.enumerate() if thread.name == "postman"))
    return LINK.findall(mail.text("plain"))[0]


def managed(site: Site, mails: int, address: str = READER) -> str:
    """Ask for the link to all that an address is told; the link in the mail that comes."""
    assert send(site, "/manage", address=address).answer.status_code == 303
    link = newest_link(site, mails)
    assert "/manage/" in link
    return link
