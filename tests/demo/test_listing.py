"""The listing site, as a reader's browser gets it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
import requests
from bs4 import BeautifulSoup

from registry_sync.demo.listing import Listing, ListingFacts
from registry_sync.demo.record import TRIAL
from registry_sync.demo.story import first_listing
from registry_sync.errors import UsageError
from tests.waiting import PATIENCE


def seen(page: requests.Response) -> list[str]:
    """The visible text blocks of a page, in reading order."""
    return [text.strip() for text in BeautifulSoup(page.content, "lxml").body.stripped_strings]  # type: ignore[union-attr]


def test_the_page_says_what_such_pages_say(listing: Listing, http: requests.Session) -> None:
    listing.put(TRIAL.lower(), first_listing())
    page = http.get(listing.url_of(TRIAL), timeout=PATIENCE)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    blocks = seen(page)
    for block in (
        f"Trial {TRIAL}",
        first_listing().title,
        "Launched by RIGSHOSPITALET, DENMARK · Jan 27, 2025",
        "Current as of July 01, 2025",
        "Recruiting",
        "Copenhagen, , Denmark",
        "About Rigshospitalet, Denmark",
    ):
        assert block in blocks
    assert blocks[blocks.index("Gender") + 1] == "ALL"
    start, middle = blocks.index("Inclusion Criteria:"), blocks.index("Exclusion Criteria:")
    assert [text.split()[0] for text in blocks[start + 1 : middle]] == ["1.", "2.", "3.", "4.", "5."]
    assert blocks[middle + 9].startswith("9. ")
    timeline = blocks[blocks.index("Timeline") + 1 :]
    assert dict(zip(timeline[::2], timeline[1::2], strict=True)) == {
        "First submit": "Jan 27, 2025",
        "Trial launched": "Not reported",
        "Trial updated": "Not reported",
        "Estimated completion": "Not reported",
    }


def test_what_a_listing_does_not_say_is_not_on_its_page(listing: Listing, http: requests.Session) -> None:
    listing.put(TRIAL, ListingFacts("A <b>title</b>", "Sponsor & Sons", date(2025, 1, 2), date(2025, 7, 1), completion=date(2026, 6, 30)))
    page = http.get(listing.url_of(TRIAL), timeout=PATIENCE)
    blocks = seen(page)
    assert "A <b>title</b>" in blocks
    assert not {"Locations", "Eligibility criteria", "Keywords"} & set(blocks)
    assert blocks[-1] == "Jun 30, 2026"


def test_the_page_follows_its_own_facts(listing: Listing, http: requests.Session) -> None:
    listing.put(TRIAL, first_listing())
    listing.put(TRIAL, replace(listing.facts(TRIAL), status="Active, not recruiting", refreshed=date(2026, 2, 15)))
    blocks = seen(http.get(listing.url_of(TRIAL), timeout=PATIENCE))
    assert "Active, not recruiting" in blocks
    assert "Current as of February 15, 2026" in blocks
    assert "Recruiting" not in blocks


def test_maintenance_hides_everything_with_status_200(listing: Listing, http: requests.Session) -> None:
    listing.put(TRIAL, first_listing())
    listing.maintenance(True)
    page = http.get(listing.url_of(TRIAL), timeout=PATIENCE)
    assert page.status_code == 200
    assert "working on our site" in page.text
    assert TRIAL not in page.text
    assert "recruiting" not in page.text.lower()
    listing.maintenance(False)
    assert TRIAL in http.get(listing.url_of(TRIAL), timeout=PATIENCE).text


def test_a_trial_that_is_not_listed_has_no_page(listing: Listing, http: requests.Session) -> None:
    assert http.get(listing.url_of(TRIAL), timeout=PATIENCE).status_code == 404
    listing.put(TRIAL, first_listing())
    listing.remove(TRIAL)
    assert http.get(listing.url_of(TRIAL), timeout=PATIENCE).status_code == 404
    assert http.post(listing.url_of(TRIAL), timeout=PATIENCE).status_code == 405
    with pytest.raises(UsageError):
        listing.put("NCT1", first_listing())


def test_robots_txt_is_what_was_scripted(listing: Listing, http: requests.Session) -> None:
    assert http.get(listing.url + "/robots.txt", timeout=PATIENCE).status_code == 404
    listing.robots("User-agent: *\nDisallow: /trials/\n")
    listing.maintenance(True)
    assert http.get(listing.url + "/robots.txt", timeout=PATIENCE).text == "User-agent: *\nDisallow: /trials/\n"


def test_a_page_that_the_client_has_is_not_sent_again(listing: Listing, http: requests.Session) -> None:
    listing.put(TRIAL, first_listing())
    page = http.get(listing.url_of(TRIAL), timeout=PATIENCE)
    by_tag, by_time = {"If-None-Match": page.headers["ETag"]}, {"If-Modified-Since": page.headers["Last-Modified"]}
    for known in (by_tag, by_time, by_tag | {"If-Modified-Since": "yesterday"}):
        again = http.get(listing.url_of(TRIAL), headers=known, timeout=PATIENCE)
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", page.headers["ETag"])
    listing.put(TRIAL, replace(first_listing(), status="Completed"))
    for known in (by_tag, by_time, by_tag | by_time, {"If-Modified-Since": "yesterday"}):
        assert "Completed" in http.get(listing.url_of(TRIAL), headers=known, timeout=PATIENCE).text
    listing.validators(etag=False, last_modified=False)
    assert not {"ETag", "Last-Modified"} & set(http.get(listing.url_of(TRIAL), headers=by_tag, timeout=PATIENCE).headers)


def test_any_page_can_stand_before_all_others(listing: Listing, http: requests.Session) -> None:
    listing.put(TRIAL, first_listing())
    listing.instead("<h1>Just a moment...</h1>")
    page = http.get(listing.url_of(TRIAL), timeout=PATIENCE)
    assert (page.status_code, page.text, "ETag" in page.headers) == (200, "<h1>Just a moment...</h1>", False)
    listing.instead(None)
    assert TRIAL in http.get(listing.url_of(TRIAL), timeout=PATIENCE).text


def test_faults_meet_the_listing_site_too(listing: Listing, http: requests.Session) -> None:
    listing.put(TRIAL, first_listing())
    listing.faults.fail(502)
    assert [http.get(listing.url_of(TRIAL), timeout=PATIENCE).status_code for _ in range(2)] == [502, 200]
