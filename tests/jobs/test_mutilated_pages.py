"""Fifty things that a site may send in place of a page: none is taken for a change, and the good page after it is as before."""

from __future__ import annotations

import html
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from registry_sync.demo import record
from registry_sync.demo.listing import ListingFacts, trial_page
from registry_sync.demo.record import TRIAL
from registry_sync.demo.story import first_listing
from registry_sync.sources.ctgov_record import record_from
from registry_sync.sources.finder import read_page
from registry_sync.sources.interface import Unreadable
from registry_sync.trials.audit import Past, audit
from registry_sync.trials.listing import Subject
from tests.house import House

OTHER = "NCT09999999"
GOOD = trial_page(TRIAL, first_listing())
SCRIPTS = '<script src="/static/app.4f3a.js"></script>'


def whole(body: str, title: str = "Trial Harbour") -> str:
    return f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head><body>{body}</body></html>'


def another(**facts: object) -> ListingFacts:
    return replace(first_listing(), title="Vitamin Tablets Against Brittle Nails in Grown Women", status="Completed", **facts)  # type: ignore[arg-type]


def cuts() -> Iterator[tuple[str, str]]:
    for part in (1, 2, 5, 10, 20, 35, 50, 65, 80, 90, 95, 99):
        yield f"cut after {part} %", GOOD[: len(GOOD) * part // 100]


def emptied() -> Iterator[tuple[str, str]]:
    yield "empty", ""
    yield "white space", " \n\t \n"
    yield "no body", whole("")
    yield "labels without values", re.sub(r"<(p|dd|li)>[^<]*</\1>", r"<\1></\1>", GOOD)
    yield "values without labels", re.sub(r"<(h2|h3|dt)>[^<]*</\1>", "", GOOD)
    yield "only the title", whole(f"<h1>{html.escape(first_listing().title)}</h1>")
    yield "only the criteria", whole("<h2>Inclusion Criteria</h2><ul><li>Adults</li></ul>")
    yield "criteria that are not loaded", re.sub(r"<ul>.*?</ul>", "<p>Loading...</p>", GOOD, flags=re.DOTALL)
    yield "all loading", re.sub(r"<(p|dd|li)>[^<]*</\1>", r"<\1>Loading...</\1>", GOOD)
    yield "not reported all over", re.sub(r"<(dd|li)>[^<]*</\1>", r"<\1>Not reported</\1>", GOOD)


def swapped() -> Iterator[tuple[str, str]]:
    yield "another trial", trial_page(OTHER, another())
    yield "another trial that names this one", trial_page(OTHER, another(summary=f"A sister of {TRIAL}."))
    yield "a list of trials", whole("".join(f"<h2>{number}</h2><p>Completed</p>" for number in (OTHER, TRIAL, "NCT08888888")))
    yield (
        "a list that begins with this one",
        whole(
            "<h1>4 trials found</h1>" + "".join(f"<h3>NCT ID: {number}</h3><p>Completed</p>" for number in (TRIAL, OTHER, "NCT08888888"))
        ),
    )
    yield "without any id", trial_page("", another()).replace("Trial </span>", "</span>")
    yield "a news item", whole(f"<h1>Good news from the clinic</h1><p>The trial {TRIAL} has completed, says the clinic.</p>")
    yield "the home page", whole("<h1>Trial Harbour</h1><p>Find a trial near you.</p><form><label>Condition <input></label></form>")


def walls() -> Iterator[tuple[str, str]]:
    for name, heading, text in (
        ("maintenance", "We will be back soon", "Our site is down for maintenance."),
        ("a cookie wall", "We value your privacy", "Accept all cookies to go on to this site."),
        ("a challenge", "Just a moment...", "Checking your browser before you go on. Enable JavaScript and cookies."),
        ("a captcha", "Are you a robot?", "Please complete the CAPTCHA below."),
        ("access denied", "Access Denied", "You do not have permission to view this page. Reference #18.2f"),
        ("a login", "Sign in", "Log in to your account to see this trial."),
        ("too many requests", "429 Too Many Requests", "You have been rate limited. Try again later."),
        ("a soft 404", "Page not found", "The page that you look for does not exist."),
        ("a trial that is not found", "Trial not found", f"We have no trial {TRIAL}."),
        ("an error", "500 Internal Server Error", "Something went wrong."),
        ("a gateway", "502 Bad Gateway", "nginx"),
        ("a parked domain", "This domain is for sale", "Buy this domain."),
    ):
        yield name, whole(f"<h1>{heading}</h1><p>{text}</p>", heading)
    yield "a wall with the id in it", whole(f"<h1>Just a moment...</h1><p>{TRIAL}</p><p>Checking if the site connection is secure</p>")


def shells() -> Iterator[tuple[str, str]]:
    yield "a shell", whole(f'<div id="root"></div>{SCRIPTS}')
    yield (
        "a shell with noscript",
        whole(f"<noscript>Enable JavaScript to run this app.</noscript><div id='app'></div>{SCRIPTS}"),
    )
    yield "a shell with a frame of its own", whole(f"<header>Trial Harbour</header><div id='root'></div><footer>2026</footer>{SCRIPTS}")
    yield "a page in a frame", '<html><frameset cols="*"><frame src="/inner"></frameset></html>'
    yield "a page of 20,000 boxes in boxes", whole("<div>" * 20_000 + "Recruiting" + "</div>" * 20_000)
    yield "a page of 3 MB of nothing", whole("<p>&nbsp;</p>" * 250_000)
    yield "data in place of a page", '{"trial": "' + TRIAL + '", "status": "COMPLETED"}'
    yield "a page of plain words", f"{TRIAL} Completed"


MUTILATED = [*cuts(), *emptied(), *swapped(), *walls(), *shells()]


def test_there_are_fifty_of_them() -> None:
    assert len(MUTILATED) >= 50
    assert len({name for name, _ in MUTILATED}) == len(MUTILATED)


@pytest.fixture
def watched(house: House) -> House:
    house.registry.put(record.the_study())
    house.listing.put(TRIAL, first_listing())
    house.watch(TRIAL, pages=(house.listing.url_of(TRIAL),))
    house.subscribe("coordinator@example.org", role="coordinator")
    house.subscribe("reader@example.org")
    assert not house.sync().is_partial
    return house


def test_none_is_a_change_or_news(watched: House) -> None:
    """One after the other, in a random order, with a look at the good page behind each two of them."""
    page = watched.listing.url_of(TRIAL)
    order = random.Random(5).sample(MUTILATED, len(MUTILATED))
    for number, (name, sent) in enumerate(order):
        watched.listing.instead(sent)
        watched.sync()
        assert watched.changes(source=page) == [], name
        assert watched.changes() == [], name
        if number % 2:
            continue
        watched.listing.instead(None)
        report = watched.sync()
        assert not report.is_partial, (name, report.failures())
        assert watched.changes(source=page) == [], name
        assert watched.changes() == [], name
    assert watched.mailbox.messages == ()


@pytest.mark.parametrize("kind", [cuts, swapped, walls, shells])
def test_what_is_no_page_of_this_trial_is_said_to_be_unreadable(watched: House, kind: Callable[[], Iterator[tuple[str, str]]]) -> None:
    for name, sent in kind():
        watched.listing.instead(sent)
        (failure,) = watched.sync().failures()
        assert "the last good version stays" in failure, name


@pytest.mark.parametrize("fault", ["huge", "cut", "wrong_length", "truncated_gzip", "redirect_loop"])
def test_an_answer_that_is_broken_on_its_way_is_no_change(watched: House, fault: str) -> None:
    page = watched.listing.url_of(TRIAL)
    watched.listing.validators(etag=False, last_modified=False)
    faults = watched.listing.faults
    if fault == "huge":
        faults.huge(50, path="/trials/")
    else:
        getattr(faults, fault)(path="/trials/", times=1)
    report = watched.sync()
    assert report.is_partial
    assert watched.changes(source=page) == watched.changes() == []
    assert not watched.sync().is_partial
    assert watched.changes(source=page) == watched.changes() == []


ENCODINGS = (
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "cp1252",
    "iso8859-1",
    "iso8859-15",
    "mac-roman",
    "cp437",
    "koi8-r",
)


@pytest.mark.parametrize("written", ENCODINGS)
@pytest.mark.parametrize("named", [None, "utf-8", "utf-16", "utf-16-le", "cp1252", "iso8859-1", "iso8859-15"])
def test_a_page_in_another_encoding_than_it_names_contradicts_nothing(written: str, named: str | None) -> None:
    """It is read as it was meant, or some of its texts have signs that nobody wrote: those are no reason to call the page wrong."""
    study = json.dumps(record.the_study()).encode()
    registry = record_from(study)
    subject = Subject(TRIAL, titles=(registry.brief_title or "",))
    body = GOOD.replace('<meta charset="utf-8">', "").encode(written, "xmlcharrefreplace")
    seen = read_page(subject, "https://finder.example.org/t", body, named)
    if isinstance(seen, Unreadable):
        return
    assert seen.listing is not None
    rows = audit(seen.listing, [Past("2026-02-01", "2026-02-02T06:00:00Z", registry)])
    wrong = {row.field for row in rows if row.verdict in ("outdated", "contradicts")}
    assert wrong == set(), (written, named)
