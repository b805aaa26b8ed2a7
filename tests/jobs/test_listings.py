"""Listings beside the registry, sync by sync: what is told, to whom, and what is asked of their sites."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from db import watches
from jobs.audit import audited
from jobs.sync import sync
from registry_sync.demo import record
from registry_sync.demo.listing import Listing
from registry_sync.demo.record import TRIAL
from registry_sync.demo.story import SMOKE_FREE_AFTER, SMOKE_FREE_BEFORE, first_listing
from registry_sync.sources import finder
from registry_sync.trials.listing import Subject
from tests.house import House
from tests.waiting import PATIENCE, beside


@pytest.fixture
def sites() -> Iterator[list[Listing]]:
    """Three more sites beside the house's own."""
    with ExitStack() as stack:
        yield [stack.enter_context(Listing()) for _ in range(3)]


def begin(house: House, *more: Listing) -> list[str]:
    """The trial, its page at the house's site and at others, a coordinator and a reader; the first sync is done."""
    house.registry.put(record.the_study())
    listings = (house.listing, *more)
    for listing in listings:
        listing.put(TRIAL, first_listing())
    pages = [listing.url_of(TRIAL) for listing in listings]
    house.watch(TRIAL, pages=tuple(pages))
    house.subscribe("coordinator@example.org", role="coordinator")
    house.subscribe("reader@example.org")
    report = house.sync()
    assert not report.is_partial, report.failures()
    assert verdicts(house, pages[0])["overall_status"] == ("agrees", None)
    return pages


def close(house: House) -> None:
    house.registry.put(record.with_status(house.registry.study(TRIAL), "ACTIVE_NOT_RECRUITING", posted=f"{house.at:%Y-%m-%d}"))
    house.registry.release(house.at)


def say(listing: Listing, **facts: object) -> None:
    listing.put(TRIAL, replace(listing.facts(TRIAL), **facts))


def news(house: House) -> list[tuple[str, str | None, str]]:
    """The listings' news, oldest first: page, before, after."""
    return [(one.source, one.before, one.after) for one in reversed(house.changes()) if one.topic == "listing"]


def verdicts(house: House, page: str) -> dict[str, tuple[str, str | None]]:
    with house.history() as history:
        one = next(one for one in audited(history, TRIAL) if one.page.url == page)
    return {row.field: (row.verdict, row.since) for row in one.verdicts}


def mails(house: House, to: str) -> list[str]:
    return [mail.message["Subject"] for mail in house.mailbox.messages if tuple(mail.recipients) == (f"{to}@example.org",)]


def test_a_page_that_falls_behind_is_part_of_the_trials_own_news(house: House) -> None:
    (page,) = begin(house)
    close(house)
    house.sync()
    assert news(house) == [(page, "agrees", "fell behind")]
    assert verdicts(house, page)["overall_status"] == ("outdated", "2026-02-03")
    assert len(mails(house, "coordinator")) == len(mails(house, "reader")) == 1
    (mail,) = (mail for mail in house.mailbox.messages if tuple(mail.recipients) == ("coordinator@example.org",))
    assert "Listing page 127.0.0.1" in mail.text("plain")
    (mail,) = (mail for mail in house.mailbox.messages if tuple(mail.recipients) == ("reader@example.org",))
    assert "Listing" not in mail.text("plain")
    assert page not in mail.text("plain")


def test_a_page_that_catches_up_is_told_to_coordinators_alone_and_never_as_a_change_of_the_trial(house: House) -> None:
    (page,) = begin(house)
    close(house)
    house.sync()
    say(house.listing, status="Active, not recruiting")
    report = house.sync()
    assert news(house)[1:] == [(page, "fell behind", "agrees again")]
    assert (report.changes, report.notices) == (1, 1)
    assert mails(house, "reader") == mails(house, "reader")[:1]
    assert mails(house, "coordinator")[1:] == [f"{TRIAL}: Listing page: agrees with the registry again"]
    assert {change.topic for change in house.changes() if change.seen_at[:10] == f"{house.at:%Y-%m-%d}"} == {"listing"}


def test_a_reader_who_asks_for_listings_by_name_hears_of_them(house: House) -> None:
    begin(house)
    house.subscribe("curious@example.org", topics=frozenset({"listing"}))
    close(house)
    house.sync()
    assert mails(house, "curious") == [f"A web page about a trial you follow is older than the registry ({TRIAL})"]


def test_what_the_registry_never_said_contradicts(house: House) -> None:
    (page,) = begin(house)
    say(house.listing, status="Suspended")
    house.sync()
    assert news(house) == [(page, "agrees", "contradicts")]
    assert verdicts(house, page)["overall_status"] == ("contradicts", None)


def test_several_pages_of_a_trial_are_one_mail(house: House, sites: list[Listing]) -> None:
    begin(house, *sites)
    for listing in sites:
        say(listing, status="Suspended")
    house.sync()
    assert len(news(house)) == 3
    assert len(mails(house, "coordinator")) == 1


def test_news_after_the_trials_own_notice_is_sent_is_a_mail_of_its_own(house: House) -> None:
    """The deliverer runs every minute: it may have sent what a sync queued before the sync gets to the pages."""
    begin(house)
    close(house)
    house.sync(pages=False)
    assert len(mails(house, "coordinator")) == 1
    sync(house.around, registry=False)
    assert len(mails(house, "coordinator")) == 2


@pytest.mark.parametrize("how", ["maintenance", "down"])
def test_unreadable_is_told_once_after_three_runs_and_once_when_it_is_back(house: House, how: str) -> None:
    (page,) = begin(house)
    trouble(house, how, begins=True)
    for run in range(5):
        assert house.sync().is_partial
        assert len(news(house)) == (run >= 2)
    assert news(house) == [(page, "agrees", "unreadable")]
    trouble(house, how, begins=False)
    house.sync()
    house.sync()
    assert news(house) == [(page, "agrees", "unreadable"), (page, "unreadable", "agrees again")]
    assert mails(house, "reader") == []
    assert len(mails(house, "coordinator")) == 2


def trouble(house: House, how: str, *, begins: bool) -> None:
    if how == "maintenance":
        house.listing.maintenance(begins)
    elif begins:
        house.listing.faults.fail(503, times=None)
    else:
        house.listing.faults.clear()


def test_a_page_that_is_not_there_on_two_days_is_gone(house: House) -> None:
    (page,) = begin(house)
    house.listing.remove(TRIAL)
    house.sync()
    assert news(house) == []
    house.sync()
    house.sync()
    assert news(house) == [(page, "agrees", "gone")]
    house.listing.put(TRIAL, first_listing())
    house.sync()
    assert news(house)[1:] == [(page, "gone", "agrees again")]


def test_a_redesign_that_loses_most_fields_is_unreadable_and_no_removal(house: House) -> None:
    (page,) = begin(house)
    house.listing.instead(f"<html><body><h1>{first_listing().title}</h1><p>Completed</p><p>NCT ID: {TRIAL}</p></body></html>")
    report = house.sync()
    assert "at once" in report.failures()[0]
    assert news(house) == []
    assert house.changes(source=page) == []


def test_pages_are_not_laid_beside_a_record_that_was_not_had_in_this_sync(house: House) -> None:
    """The page may be ahead of what is held: a contradiction would be a false alarm."""
    (page,) = begin(house)
    say(house.listing, status="Active, not recruiting")
    house.registry.faults.fail(503, times=None)
    house.sync()
    assert news(house) == []
    house.registry.faults.clear()
    close(house)
    house.sync()
    assert news(house) == []
    assert verdicts(house, page)["overall_status"] == ("agrees", None)


def test_the_rhythm_of_pages_asks_the_registry_first_and_only_for_their_trials(house: House) -> None:
    (page,) = begin(house)
    close(house)
    say(house.listing, status="Active, not recruiting")
    report = house.sync(registry=False)
    assert {source.source for source in report.sources} == {"ctgov", page}
    assert news(house) == []
    assert verdicts(house, page)["overall_status"] == ("agrees", None)


def test_a_trial_that_leaves_the_registry_is_one_mail_and_its_page_is_not_judged(house: House) -> None:
    begin(house)
    study = house.registry.study(TRIAL)
    house.registry.remove(TRIAL)
    house.registry.release(house.at)
    house.sync()
    say(house.listing, status="Completed")
    house.registry.release(house.at)
    house.sync()
    assert len(mails(house, "coordinator")) == 1
    assert news(house) == []
    house.registry.put(study)
    house.registry.release(house.at)
    house.sync()
    assert len(mails(house, "coordinator")) == 2
    assert [after for _, _, after in news(house)] == ["contradicts"]


def test_404_on_two_days_with_another_error_between_them_is_gone(house: House) -> None:
    (page,) = begin(house)
    house.listing.remove(TRIAL)
    house.sync()
    house.listing.faults.fail(503, path="/trials/")
    house.sync()
    house.sync()
    assert news(house) == [(page, "agrees", "gone")]


def test_a_fault_of_ours_with_one_page_keeps_no_other_from_being_looked_at(
    house: House, sites: list[Listing], monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = begin(house, *sites)
    real = finder.read_page

    def breaks(subject: Subject, url: str, *more: Any, **options: Any) -> Any:
        if url == pages[1]:
            raise TypeError(url)
        return real(subject, url, *more, **options)

    monkeypatch.setattr(finder, "read_page", breaks)
    for listing in (house.listing, *sites):
        say(listing, status="Suspended")
    report = house.sync()
    assert [failure for failure in report.failures() if "please report it" in failure] == report.failures() != []
    assert len(news(house)) == 3


# --- manners -----------------------------------------------------------------------------------------------------------


def paths(listing: Listing) -> list[str]:
    return [request.path for request in listing.requests]


def test_robots_txt_is_asked_for_once_a_day(house: House) -> None:
    begin(house)
    house.sync(days=0.4)
    house.sync(days=0.7)
    assert paths(house.listing).count("/robots.txt") == 2
    assert paths(house.listing)[0] == "/robots.txt"


def test_a_page_that_the_site_forbids_is_said_once_and_passed_over(house: House) -> None:
    begin(house)
    house.listing.robots("User-agent: *\nDisallow: /trials/\n")
    asked = paths(house.listing).count(f"/trials/{TRIAL}")
    first, second = house.sync(), house.sync()
    assert "robots.txt does not allow" in first.failures()[0]
    assert second.failures() == []
    assert paths(house.listing).count(f"/trials/{TRIAL}") == asked
    assert news(house) == []
    house.listing.robots(None)
    assert not house.sync().is_partial
    assert paths(house.listing).count(f"/trials/{TRIAL}") == asked + 1


def test_a_page_that_has_not_changed_is_asked_for_with_what_it_was_given(house: House) -> None:
    (page,) = begin(house)
    close(house)
    report = house.sync()
    assert house.listing.requests[-1].header("If-None-Match")
    (source,) = (source for source in report.sources if source.source == page)
    assert (source.bytes, source.checked, source.failed) == (0, 1, [])
    assert news(house) == [(page, "agrees", "fell behind")]  # the registry moved, and the page did not


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_redirect_is_followed_only_where_the_site_that_it_leads_to_allows_it(house: House, sites: list[Listing], elsewhere: bool) -> None:
    begin(house)
    there = sites[0] if elsewhere else house.listing
    there.robots("User-agent: *\nDisallow: /private/\n")
    house.at += datetime.timedelta(days=1)
    house.listing.faults.redirect_to(f"{there.url}/private/{TRIAL}", path="/trials/", times=None)
    first, second = house.sync(), house.sync()
    assert "robots.txt does not allow" in first.failures()[0]
    assert second.failures() == []
    assert f"/private/{TRIAL}" not in paths(there)
    assert news(house) == []


def test_pages_of_several_sites_that_lead_to_one_are_asked_there_one_at_a_time(house: House, sites: list[Listing]) -> None:
    begin(house, *sites)
    for site in sites:
        site.faults.redirect_to(house.listing.url_of(TRIAL), path="/trials/", times=None)
        site.reset_log()
    house.listing.reset_log()
    hold = house.listing.faults.hang(path="/trials/")
    syncing = beside(lambda: house.sync(days=0.1))
    hold.wait_until_reached()
    reached = [site for site in sites if site.wait_for_requests(1)]
    assert len(reached) == 3
    assert len(paths(house.listing)) == 1  # the others wait until it has answered
    hold.release()
    assert not syncing.result(PATIENCE).is_partial
    assert len(paths(house.listing)) >= 4


def test_while_a_site_is_slow_to_say_what_it_asks_of_programs_others_go_on(house: House, sites: list[Listing]) -> None:
    other, slow = sites[0], sites[1]
    begin(house, other)
    house.set("http", timeout=60)
    house.listing.faults.redirect_to(slow.url_of(TRIAL), path="/trials/", times=None)
    asking, waiting = other.faults.hang(path="/robots.txt"), slow.faults.hang(path="/robots.txt")
    syncing = beside(lambda: house.sync(days=2))
    asking.wait_until_reached()
    waiting.wait_until_reached()
    other.reset_log()
    asking.release()
    assert other.wait_for_requests(1)
    with house.history() as history:
        watches.remove(history, ["NCT00000001"])  # somebody else writes, which no site may hinder
    waiting.release()
    syncing.result(PATIENCE)
    assert paths(other) == [f"/trials/{TRIAL}"]


def test_when_nobody_answers_for_two_pages_of_a_site_the_others_are_left_for_the_next_sync(house: House) -> None:
    begin(house)
    pages = tuple(f"{house.listing.url}/page/{number}" for number in range(6))
    house.watch(TRIAL, pages=pages)
    house.listing.reset_log()
    house.set("http", timeout=0.3)
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            stack.callback(house.listing.faults.hang(path="/page/").release)
        report = house.sync(days=0.1, registry=False)
    assert "/robots.txt" not in paths(house.listing)  # nothing is asked for that would have to come in so short a time
    assert len(report.failures()) == 6
    assert sum("not asked" in failure for failure in report.failures()) == 4


# --- twenty days -------------------------------------------------------------------------------------------------------


def test_twenty_days_of_one_trial_and_four_listings(house: House, sites: list[Listing]) -> None:
    """The registry closes on day 5, changes a criterion on day 9 and completes on day 15. The first site follows at once, the second
    three days later, the third never; the fourth says on day 7 what was never true, is down from day 10 to 14, and then gone."""
    prompt, late, never, odd = begin(house, *sites)
    listings = dict(zip((prompt, late, never, odd), (house.listing, *sites), strict=True))

    def now(days: int, page: str, **facts: object) -> None:
        if day == days:
            say(listings[page], refreshed=datetime.date(2026, 2, 2 + day), **facts)

    happened: dict[int, list[tuple[str, str | None, str]]] = {}
    seen = 0
    for day in range(1, 21):
        posted = f"2026-02-{3 + day:02}"
        study = house.registry.study(TRIAL)
        if day == 5:
            house.registry.put(record.with_status(study, "ACTIVE_NOT_RECRUITING", posted=posted))
        if day == 9:
            house.registry.put(record.with_criterion(study, SMOKE_FREE_BEFORE, SMOKE_FREE_AFTER, posted=posted))
        if day == 15:
            house.registry.put(record.with_status(study, "COMPLETED", posted=posted))
        exclusion = tuple(text.replace(SMOKE_FREE_BEFORE, SMOKE_FREE_AFTER) for text in first_listing().exclusion)
        now(5, prompt, status="Active, not recruiting")
        now(9, prompt, exclusion=exclusion)
        now(15, prompt, status="Completed")
        now(8, late, status="Active, not recruiting")
        now(12, late, exclusion=exclusion)
        now(18, late, status="Completed")
        now(7, odd, status="Suspended")
        listings[odd].maintenance(10 <= day <= 14)
        if day == 15:
            listings[odd].remove(TRIAL)
        house.registry.release(house.at)
        house.sync()
        told = news(house)
        if told[seen:]:
            happened[day] = sorted(told[seen:])
        seen = len(told)
    behind, again = ("agrees", "fell behind"), ("fell behind", "agrees again")
    wanted = {
        5: [(late, *behind), (never, *behind), (odd, *behind)],
        7: [(odd, "fell behind", "contradicts")],
        8: [(late, *again)],
        9: [(late, "agrees again", "fell behind"), (never, "fell behind", "fell behind"), (odd, "contradicts", "fell behind")],
        12: [(late, *again), (odd, "fell behind", "unreadable")],
        15: [(late, "agrees again", "fell behind")],
        16: [(odd, "unreadable", "gone")],
        18: [(late, *again)],
    }
    assert happened == {day: sorted(each) for day, each in wanted.items()}
    assert {page: verdicts(house, page)["overall_status"] for page in listings} == {
        prompt: ("agrees", None),
        late: ("agrees", None),
        never: ("outdated", "2026-02-08"),
        odd: ("contradicts", None),
    }
    assert verdicts(house, never)["criteria"] == ("outdated", "2026-02-12")
    assert len(mails(house, "coordinator")) == len(happened)
    assert len(mails(house, "reader")) == 3
