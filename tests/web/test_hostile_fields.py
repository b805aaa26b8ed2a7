"""Hostile text in every string that a record has: nowhere that it comes out is it more than text.

The record's own types say which strings there are, so that a field that is added is in it.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import count
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import feedparser
import icalendar
import msgspec
import pytest
from bs4 import BeautifulSoup

from db import history as versions
from db import pages
from db.connection import History
from jobs import tell
from jobs.listings import Line
from jobs.surroundings import as_stamp
from registry_sync.demo.record import TRIAL
from registry_sync.notices.interface import Role
from registry_sync.notices.lifeline import DATES
from registry_sync.sources.interface import CTGOV
from registry_sync.trials import standing
from registry_sync.trials.audit import audit
from registry_sync.trials.listing import Listing
from registry_sync.trials.record import BY_NAME, Dated, Record, to_json
from registry_sync.trials.significance import judged
from tests.notices.test_hostile import ATTACKS, Elements, unshown
from tests.web.conftest import Site
from tests.web.reading import Page, is_sound

TEXTS = [*ATTACKS.values(), "\u202e" * 50 + "x", "עברית العربية " * 20, "Wort" * 500, "<![CDATA[x]]></content></entry>"]
PAGE = "https://finder.example.org/trial?<b>=\u202e"
"""What a trial-finder site calls a page."""
PAGES = ("", "?all=1", "/versions", "/diff?from=1&to=2&all=1", "/at/2026-02-02", "/at/2026-02-03", "/versions/1", "/listings")
ANSWERS = ("", "/at/2026-02-03", "/changes?housekeeping=true&backfilled=true", "/versions", "/diff?from=1&to=2", "/listings")
ATTRIBUTES = frozenset(
    "action aria-describedby aria-hidden aria-label aria-labelledby autocomplete checked charset class colspan content cx cy datetime "
    "dir for height href hreflang id lang list max maxlength method min name open r rel required role scope selected tabindex type value "
    "viewbox width x x1 x2 y y1 y2".split()
)
MAIL_HEADERS = frozenset(
    "Subject From To Date Message-ID Auto-Submitted List-Id List-Unsubscribe List-Unsubscribe-Post In-Reply-To References MIME-Version "
    "Content-Type Content-Language Reply-To Precedence X-Auto-Response-Suppress Feedback-ID".split()
)
_REAL = frozenset({"token", "tokens", "date", "dated"})
"""Kinds of fields of which the registry has a list, or a form."""


def filled(text: Callable[[], str], *, but: frozenset[str] = frozenset()) -> Record:
    """A record with a text in the place of each string that it may have; fields of the kinds in ``but`` stay empty."""
    hints = get_type_hints(Record)
    names = [name for name in hints if name != "trial" and BY_NAME[name].kind not in but]
    return Record(trial=TRIAL, **{name: _made(hints[name], text) for name in names})


def _made(wanted: Any, text: Callable[[], str]) -> Any:
    if wanted is str:
        return text()
    if wanted in (int, bool):
        return wanted(1)
    if get_origin(wanted) is Literal:
        return get_args(wanted)[0]
    if get_origin(wanted) in (Union, types.UnionType):
        return _made(get_args(wanted)[0], text)
    if get_origin(wanted) is tuple:
        return tuple(_made(get_args(wanted)[0], text) for _ in range(2))
    return wanted(**{name: _made(each, text) for name, each in get_type_hints(wanted).items()})


def as_usual(record: Record) -> Record:
    """The record with a status and dates as the registry has them."""
    dates = {field: Dated(f"2026-0{number}", "ESTIMATED") for number, field in enumerate(DATES, start=5)}
    return msgspec.structs.replace(record, overall_status="SUSPENDED", **dates)


def in_turn(first: int) -> Callable[[], str]:
    """The hostile texts, each in its turn."""
    numbers = count(first)
    return lambda: TEXTS[next(numbers) % len(TEXTS)]


def harmless() -> Callable[[], str]:
    numbers = count()
    return lambda: f"Something {next(numbers)}"


def happens(site: Site, *records: Record, listing: Listing | None = None) -> None:
    """The registry says one after the other, a day apart, a page says something else, and who follows is told."""
    house = site.house
    roles: tuple[tuple[Role, str], ...] = (("reader", "en"), ("coordinator", "da"))
    for role, language in roles:
        topics = frozenset(field.topic for field in BY_NAME.values())
        house.subscribe(f"{role}@example.org", role=role, language=language, topics=topics)
    house.subscribe(house.hook.url, kind="webhook", role="coordinator")
    house.watch(TRIAL, pages=(PAGE,))
    around, before = house.around, None
    with house.history() as history:
        for day, record in enumerate(records, start=2):
            with history.write() as connection:
                said = {"trial": TRIAL, "source": CTGOV, "registry_date": f"2026-02-0{day}"}
                stamp = as_stamp(house.at.replace(day=day))
                version = versions.add_version(history, record=record, payload=to_json(record), seen_at=stamp, **said)
                changes = judged(before, record) if before else ()
                tell.keep(around, history, connection, changes, version=version, **said)
            before = record
        listing = listing or Listing(record=filled(in_turn(2)), said={"overall_status": TEXTS[0]}, site=TEXTS[1], ids=(TEXTS[2],))
        disagrees(site, history, version, listing)
    assert house.deliver(hours=24).problems == []


def disagrees(site: Site, history: History, version: int, listing: Listing) -> None:
    """A trial-finder's page says otherwise than this version, and its coordinators are told."""
    around = site.house.around
    (page,) = pages.every(history, [TRIAL])
    verdicts = audit(listing, Line(history, TRIAL))
    stands, change = standing.compared(standing.Standing(word="agrees"), verdicts, around.stamp())
    assert change is not None
    with history.write() as connection:
        pages.was_read(connection, page, listing, None, "a reader", around.stamp())
        pages.stands(connection, page, msgspec.structs.replace(stands, reason=TEXTS[0], failures=2), around.stamp())
        tell.listing(around, history, connection, change, page, version, sync=around.stamp())


# --- what came out ---


def look_at_pages(site: Site, longest: int) -> None:
    paths = ["/", "/?q=smoke-free", *(f"/trials/{TRIAL}{each}" for each in PAGES)]
    paths += sorted({each for each in Page(site.get("/")).links() if each.startswith("/condition/")})
    for path in (f"{each}{'&' if '?' in each else '?'}lang={language}" for each in paths for language in ("en", "da")):
        found = Page(site.get(path))
        assert found.answer.status_code == 200, path
        is_sound(found)
        assert {name for tag in found.soup.find_all() if tag.name != "link" for name in tag.attrs} <= ATTRIBUTES, path
        assert {name for tag in found.soup.find_all("link") for name in tag.attrs} <= {"rel", "type", "href", "hreflang", "title"}, path
        assert len(found.answer.content) < longest, (path, len(found.answer.content))


def look_at_feeds(site: Site, longest: int) -> None:
    for path in ("/feed.atom", f"/trials/{TRIAL}/feed.atom?lang=da"):
        answer = site.get(path)
        found = feedparser.parse(answer.content, response_headers=dict(answer.headers), sanitize_html=False)
        assert not found.bozo, found.get("bozo_exception")
        assert found.entries
        assert len(answer.content) < longest
        for entry in found.entries:
            inside = BeautifulSoup(entry.content[0].value, "lxml")
            assert {tag.name for tag in inside.find_all()} <= {"html", "body", "p", "strong", "del", "ins", "br"}, entry
            assert not any(tag.attrs for tag in inside.find_all())
            assert not unshown(entry.title + inside.get_text())
            assert entry.link == f"{site.url}/trials/{TRIAL}"


def look_at_calendars(site: Site) -> None:
    for path in ("/calendar.ics", f"/trials/{TRIAL}/calendar.ics?lang=da"):
        whole = icalendar.Calendar.from_ical(site.get(path).content)
        assert not whole.errors
        assert {part.name for part in whole.walk()} <= {"VCALENDAR", "VEVENT"}
        for event in whole.walk("VEVENT"):
            assert not unshown(str(event["SUMMARY"]) + str(event["DESCRIPTION"]))
            assert set(event) <= {*"UID DTSTAMP LAST-MODIFIED SEQUENCE SUMMARY DESCRIPTION DTSTART STATUS TRANSP URL".split()}


def look_at_answers(site: Site) -> None:
    for path in ("/api/trials?q=smoke-free", "/api/changes", "/api/searches", *(f"/api/trials/{TRIAL}{each}" for each in ANSWERS)):
        answer = site.get(path)
        assert answer.status_code == 200, (path, answer.text[:300])
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert not {byte for byte in answer.content if byte < 0x20 and byte != 0x0A}
        json.loads(answer.content)


def look_at_mails(site: Site, longest: int) -> None:
    mails = site.house.mailbox.messages
    assert {mail.recipients[0].partition("@")[0] for mail in mails} == {"reader", "coordinator"}
    for mail in mails:
        assert len(mail.raw) < longest
        message = message_from_bytes(mail.raw, _class=EmailMessage, policy=policy.default)  # type: ignore[call-overload]
        assert not [part.defects for part in message.walk() if part.defects]
        assert [part.get_content_type() for part in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]
        assert {name for name in message if not name.startswith("X-")} <= MAIL_HEADERS, set(message) - MAIL_HEADERS
        assert len(message.keys()) == len(set(message.keys()))
        assert not any("\n" in str(value) or unshown(str(value)) for value in message.values())
        assert message["To"] == mail.recipients[0]
        look_at_mail_page(mail.text("html"), site.url)
        assert not unshown(mail.text("plain"))


def look_at_mail_page(html: str, url: str) -> None:
    found = Elements()
    found.feed(html)
    assert set(found.tags) <= set("html head meta title body div p br h2 h3 table tr th td ul li del ins span hr a".split())
    assert found.attributes <= set("lang charset name content style role scope href".split())
    assert found.tags.count("body") == found.tags.count("hr") == 1
    assert not unshown(found.text)
    assert all(link.startswith((f"{url}/stop/", "http://127.0.0.1:")) for link in found.links)


def strings_of(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from strings_of(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from strings_of(each)


def test_every_field_is_in_it() -> None:
    record = filled(lambda: "<b>")
    assert all(getattr(record, name) is not None for name in record.__struct_fields__)
    found = [text for text in strings_of(msgspec.to_builtins(record)) if text == "<b>"]
    assert len(found) > 100


def look_everywhere(site: Site, longest: int = 500_000) -> None:
    look_at_pages(site, longest)
    look_at_feeds(site, longest)
    look_at_calendars(site)
    look_at_answers(site)
    look_at_mails(site, longest)


@pytest.mark.parametrize("first", range(0, len(TEXTS), 6))
def test_nothing_of_it_is_obeyed_anywhere(site: Site, first: int) -> None:
    happens(site, filled(harmless()), filled(in_turn(first)), filled(in_turn(first + 1)))
    look_everywhere(site)


def test_nor_beside_what_is_well_formed(site: Site) -> None:
    happens(site, *(as_usual(filled(text, but=_REAL)) for text in (harmless(), in_turn(3), in_turn(8))))
    look_everywhere(site)


@pytest.mark.timeout(180)
def test_what_has_no_end_is_cut_wherever_it_stands(site: Site) -> None:
    title = "<b>Without end</b> \u202e" * 50_000
    longest = as_usual(filled(lambda: title[:300], but=_REAL))
    happens(site, filled(harmless()), msgspec.structs.replace(longest, brief_title=title))
    look_everywhere(site, 1_000_000)
