"""Feeds: what a feed reader gets, and that asking again costs nothing."""

from __future__ import annotations

import datetime
import re
from typing import Any

import feedparser
import pytest
import requests

from db import history as versions
from db import searches, watches
from jobs.surroundings import as_stamp
from registry_sync.demo import record
from registry_sync.demo.record import TITLE, TRIAL
from registry_sync.demo.story import first_listing
from registry_sync.sources.ctgov_search import search_from
from registry_sync.web import feeds
from tests.house import House
from tests.waiting import PATIENCE
from tests.web.conftest import Site

OTHER = "NCT00000900"
HOSTILE = 'A <script>alert(1)</script> & "quotes" ]]> \x00\x0b\x1b\ufffe\uffff \u202eesrever </content>'


def read(site: Site, path: str = "/feed.atom", **more: Any) -> Any:
    answer = site.get(path, **more)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/atom+xml"
    found = feedparser.parse(answer.content, response_headers=dict(answer.headers))
    assert not found.bozo, found.get("bozo_exception")
    assert found.version == "atom10"
    return found


@pytest.fixture
def lively(house: House) -> House:
    """Two trials of which one stops recruiting and changes a rule, and its end slips."""
    house.registry.put(record.the_study())
    house.registry.put(record.a_study(OTHER, title="Another trial"))
    house.watch(TRIAL, OTHER)
    house.sync(days=0)
    study = house.registry.study(TRIAL)
    house.registry.put(record.with_status(study, "SUSPENDED", posted="2026-02-03", why_stopped="No more funding"))
    house.sync()
    study = house.registry.study(TRIAL)
    house.registry.put(record.with_criterion(study, "within 6 months", "within 12 months", posted="2026-02-05"))
    house.sync()
    return house


def test_two_merged_entries_that_differ_are_no_step_from_one_status_to_another(site: Site, house: House) -> None:
    house.registry.put(record.a_study("NCT00000001", status="WITHDRAWN"))
    house.registry.put(record.a_study("NCT00000002", status="ENROLLING_BY_INVITATION"))
    house.watch("NCT00000001")
    house.sync(days=0)
    house.registry.alias("NCT00000001", "NCT00000002")
    house.sync()
    (entry,) = [entry for entry in read(site).entries if entry.tags[0].term == "status"]
    assert "not the same in the two entries that were merged" in entry.title
    html = entry.content[0].value
    assert "<p>NCT00000001: Withdrawn (called off before anyone took part)</p>" in html
    assert "Before" not in html


def test_a_trial_whose_sites_in_a_country_close_stays_in_the_feed_of_that_country(site: Site, house: House) -> None:
    both = (("Lund", "Sweden"), ("Copenhagen", "Denmark"))
    for status, places in (("RECRUITING", both), ("SUSPENDED", both), ("RECRUITING", both), ("RECRUITING", both[1:])):
        house.registry.put(record.a_study(OTHER, status=status, places=places))
        house.watch(OTHER)
        house.sync()
    everything = [entry.id for entry in read(site).entries]
    found = read(site, "/feed.atom?country=Sweden")
    assert [entry.id for entry in found.entries] == everything
    assert "Lund, Sweden" in found.entries[0].content[0].value
    assert [entry.id for entry in read(site, "/feed.atom?country=SWEDEN&q=something").entries] == everything
    assert not read(site, "/feed.atom?country=Norway").entries
    assert "BEGIN:VEVENT" not in site.get("/calendar.ics?country=Sweden").text
    assert site.get("/api/trials?country=Sweden").json()["total"] == 0


def test_each_change_is_an_entry_with_before_and_after(site: Site, lively: House) -> None:
    found = read(site)
    assert found.feed.title == "Changes in clinical trials"
    assert found.feed.author == "Trial alerts"
    newest = found.entries[0]
    assert newest.title.startswith(f"{TRIAL}: Exclusion criterion reworded")
    html = newest.content[0].value
    assert "<del>6</del>" in html
    assert "<ins>12</ins>" in html
    assert TITLE in html
    assert newest.link == f"{site.url}/trials/{TRIAL}"
    assert newest.updated == as_stamp(lively.at)
    assert any("Recruiting → Suspended" in entry.title for entry in found.entries)
    assert [entry.updated for entry in found.entries] == sorted((entry.updated for entry in found.entries), reverse=True)


def test_housekeeping_and_what_readers_are_not_told_is_left_out(site: Site, lively: House) -> None:
    told = {change.id for change in lively.changes(housekeeping=True) if change.reader_significance in ("major", "minor")}
    assert len(read(site).entries) == len(told) < len(lively.changes(housekeeping=True))


def test_an_entry_is_never_rewritten(site: Site, lively: House) -> None:
    before = {entry.id: entry for entry in read(site).entries}
    study = lively.registry.study(TRIAL)
    study["protocolSection"]["identificationModule"]["briefTitle"] = "Another title altogether"
    lively.registry.put(record.with_status(study, "RECRUITING", posted="2026-02-08"))
    lively.sync()
    after = {entry.id: entry for entry in read(site).entries}
    assert before.keys() < after.keys()
    for identity, entry in before.items():
        assert identity.startswith("urn:uuid:")
        assert {key: entry[key] for key in ("title", "updated", "content")} == {
            key: after[identity][key] for key in ("title", "updated", "content")
        }


def test_another_installation_has_other_ids(site: Site, lively: House) -> None:
    first = [entry.id for entry in read(site).entries]
    assert first == [entry.id for entry in read(site, f"/trials/{TRIAL}/feed.atom").entries]
    with lively.history() as history, history.write() as connection:
        connection.execute("UPDATE secret SET value = ? WHERE name = 'links'", ("ab" * 32,))
    assert not set(first) & {entry.id for entry in read(site, "/feed.atom?lang=en").entries}


def test_a_topic_a_trial_and_several_topics(site: Site, lively: House) -> None:
    assert {entry.tags[0].term for entry in read(site, "/feed.atom?topic=criteria").entries} == {"criteria"}
    both = read(site, "/feed.atom?topic=criteria,status&topic=status")
    assert {entry.tags[0].term for entry in both.entries} == {"criteria", "status"}
    assert both.feed.title == "Changes in clinical trials: Who may take part and Status"
    assert len({read(site, path).feed.id for path in ("/feed.atom", "/feed.atom?topic=status", f"/trials/{TRIAL}/feed.atom")}) == 3
    assert read(site, f"/trials/{OTHER}/feed.atom").entries == []
    assert read(site, f"/trials/{TRIAL.lower()}/feed.atom").feed.title == f"Changes in {TRIAL}"


@pytest.mark.parametrize(
    "path",
    [
        "/feed.atom?topic=nonsense",
        "/feed.atom?topic=housekeeping",
        "/feed.atom?before=x",
        "/feed.atom?nonsense=1",
        "/feed.atom?before=-1",
        "/feed.atom?lang=da&lang=en",
        "/feed.atom?condition=x&condition=y",
        "/calendar.ics?topic=status",
        f"/trials/{TRIAL}/feed.atom?condition=Xerostomia",
        f"/trials/{TRIAL}/feed.atom?q=x",
        f"/trials/{TRIAL}/calendar.ics?country=Denmark",
        f"/trials/{TRIAL}/calendar.ics?lang=da&lang=en",
    ],
)
def test_what_is_not_understood_is_said(site: Site, lively: House, path: str) -> None:
    assert site.get(path).status_code == 400


@pytest.mark.parametrize(
    "path", [f"/trials/{OTHER[:-1]}9/feed.atom", "/trials/nonsense/feed.atom", "/feed.atom?condition=none", "/feed.atom?search=x"]
)
def test_what_is_not_watched_is_not_there(site: Site, lively: House, path: str) -> None:
    assert site.get(path).status_code == 404


def test_a_search(site: Site, lively: House) -> None:
    with lively.history() as history:
        searches.add(history, search_from(["cond=Xerostomia", "locn=Denmark"]), as_stamp(lively.at))
    lively.sync()
    study = lively.registry.study(OTHER)
    lively.registry.put(record.with_status(study, "TERMINATED", posted="2026-02-08"))
    lively.sync()
    everything = read(site).entries
    for query in ("condition=xerostomia", "search=locn=Denmark&search=cond=Xerostomia"):
        found = read(site, f"/feed.atom?{query}").entries
        assert {entry.link.rpartition("/")[2] for entry in found} == {TRIAL}
        assert len(found) < len(everything)


def test_a_condition_that_records_name(site: Site, lively: House) -> None:
    found = read(site, "/feed.atom?condition=sjogren's+disease").entries
    assert {entry.link.rpartition("/")[2] for entry in found} == {TRIAL}


def test_a_trial_that_is_watched_no_more_is_gone_from_it(site: Site, lively: House) -> None:
    tag = site.get("/feed.atom").headers["ETag"]
    with lively.history() as history:
        watches.remove(history, [TRIAL])
    assert site.get("/feed.atom", headers={"If-None-Match": tag}).status_code == 200
    assert read(site).entries == []
    assert site.get(f"/trials/{TRIAL}/feed.atom").status_code == 404


def test_listings_are_told_to_those_who_ask_for_them(site: Site, house: House) -> None:
    house.registry.put(record.the_study())
    house.listing.put(TRIAL, first_listing())
    house.watch(TRIAL, pages=(house.listing.url_of(TRIAL),))
    house.sync(days=0)
    house.registry.put(record.with_status(house.registry.study(TRIAL), "SUSPENDED", posted="2026-02-03"))
    house.sync()
    assert {entry.tags[0].term for entry in read(site).entries} == {"status"}
    (entry,) = read(site, "/feed.atom?topic=listing").entries
    assert "Listing page" in entry.title
    assert house.listing.url_of(TRIAL) in entry.content[0].value


def test_pages_hold_everything_once(site: Site, lively: House, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [entry.id for entry in read(site).entries]
    monkeypatch.setattr(feeds, "PAGE", 1)
    found, path = [], "/feed.atom?lang=en"
    while path:
        page = read(site, path)
        found += [entry.id for entry in page.entries]
        links = {link.rel: link.href for link in page.feed.links}
        assert links["self"].startswith(site.url)
        path = links.get("next", "")
    assert found == whole
    assert len(found) > 2


def test_in_danish_with_entries_of_its_own(site: Site, lively: House) -> None:
    english, danish = read(site), read(site, "/feed.atom?lang=da")
    assert danish.feed.language == "da"
    assert danish.feed.title == "Ændringer i kliniske forsøg"
    assert not {entry.id for entry in english.entries} & {entry.id for entry in danish.entries}
    assert any("Rekrutterer" in entry.title for entry in danish.entries)
    assert read(site, "/feed.atom", headers={"Accept-Language": "da"}).feed.language == "en"


def test_hostile_text_harms_no_feed(site: Site, lively: House) -> None:
    study = lively.registry.study(TRIAL)
    study["protocolSection"]["identificationModule"]["briefTitle"] = HOSTILE * 50
    study["protocolSection"]["statusModule"]["whyStopped"] = HOSTILE
    lively.registry.put(record.with_criterion(study, "within 12 months", HOSTILE, posted="2026-02-08"))
    lively.sync()
    answer = site.get("/feed.atom")
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\u202e]", answer.text)
    for entry in read(site).entries:
        assert len(entry.title) <= 320
        raw = re.search(rf"<id>{entry.id}</id>.*?<content type=\"html\">(.*?)</content>", answer.text, re.DOTALL)
        assert raw
        assert "&lt;script" not in raw[1].replace("&amp;lt;script", "")


def test_no_person_lives_on_in_it(site: Site, lively: House) -> None:
    study = lively.registry.study(TRIAL)
    contacts = study["protocolSection"]["contactsLocationsModule"]["centralContacts"] = [
        {"name": "Contact B", "role": "CONTACT", "phone": "+45 12 34 56 78", "email": "contact-b@example.org"}
    ]
    lively.registry.put(record.with_status(study, "RECRUITING", posted="2026-02-08"))
    lively.sync()
    contacts[0]["phone"] = "+45 87 65 43 21"
    lively.registry.put(record.with_status(study, "RECRUITING", posted="2026-02-09"))
    lively.sync()
    text = site.get("/feed.atom").text
    assert "Central contact changed: telephone" in text
    assert "Contact A" not in text
    assert "Contact B" not in text
    assert "@example.org" not in text
    assert "87 65" not in text
    assert "12 34" not in text


# --- asking again ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/feed.atom", f"/trials/{TRIAL}/feed.atom", "/calendar.ics", f"/trials/{TRIAL}/calendar.ics", "/api/trials"]
)
def test_who_has_it_already_gets_nothing(site: Site, lively: House, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lively.at += datetime.timedelta(minutes=5)
    first = site.get(path)
    assert first.headers["Cache-Control"] == "public, no-cache"
    assert first.headers["ETag"].startswith('W/"')
    monkeypatch.setattr(versions, "record_json", None)  # what unpacks a record
    for headers in (
        {"If-None-Match": first.headers["ETag"]},
        {"If-None-Match": f'"x", {first.headers["ETag"]}'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": first.headers["Last-Modified"]},
    ):
        again = site.get(path, headers=headers)
        assert again.status_code == 304, headers
        assert again.content == b""
        assert again.headers["ETag"] == first.headers["ETag"]
    for headers in (
        {"If-None-Match": 'W/"another"'},
        {"If-None-Match": 'W/"another"', "If-Modified-Since": first.headers["Last-Modified"]},
        {"If-Modified-Since": "Mon, 02 Feb 2026 00:00:00 GMT"},
        {"If-Modified-Since": "soon"},
        {"If-Modified-Since": "x" * 10_000},
        {"If-None-Match": "x" * 10_000},
    ):
        assert site.get(path, headers=headers).status_code == 200, headers
    head = site.head(path)
    assert head.status_code == 200
    assert head.headers["ETag"] == first.headers["ETag"]


def test_what_is_new_is_another_answer(site: Site, lively: House) -> None:
    lively.at += datetime.timedelta(minutes=5)
    tags = {path: site.get(path).headers["ETag"] for path in ("/feed.atom", f"/trials/{TRIAL}/feed.atom", f"/trials/{OTHER}/feed.atom")}
    assert tags["/feed.atom"] != site.get("/feed.atom?lang=da").headers["ETag"]
    lively.registry.put(record.with_status(lively.registry.study(TRIAL), "RECRUITING", posted="2026-02-08"))
    lively.sync()
    assert "Last-Modified" not in site.get("/feed.atom").headers  # in the second in which it came more may come
    codes = {path: site.get(path, headers={"If-None-Match": tag}).status_code for path, tag in tags.items()}
    assert list(codes.values()) == [200, 200, 304]


def test_no_connection_is_opened_for_it(site: Site, lively: House, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3

    tag = site.get("/feed.atom").headers["ETag"]
    opened = []
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **more: opened.append(1) or connect(*args, **more))
    assert requests.get(f"{site.url}/feed.atom", headers={"If-None-Match": tag}, timeout=PATIENCE).status_code == 304
    assert requests.get(f"{site.url}/feed.atom?lang=da", timeout=PATIENCE).status_code == 200
    assert opened == []
