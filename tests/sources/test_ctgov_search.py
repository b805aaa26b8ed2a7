"""A search as it is typed, kept and asked."""

from __future__ import annotations

import json
import shlex
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_sync.demo.search import STATUSES as OF_THE_DEMO
from registry_sync.errors import BadContent, BadStatus, UsageError
from registry_sync.sources import ctgov_search
from registry_sync.sources.ctgov_search import AREAS, STATUSES, from_json, requests_to_record, search_from
from registry_sync.sources.http import Client
from tests.sources.site import Site, answer

BOTH = search_from(["cond=Sjogren", "locn=Denmark"])


def refused(*options: str) -> str:
    with pytest.raises(UsageError) as caught:
        search_from(options)
    return str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        ["locn=Denmark", "cond=Sjogren"],
        [" COND =  Sjogren ", "Locn=Denmark\n"],
        ["cond=\tSjogren", "locn=\u00a0Denmark"],
    ],
)
def test_blanks_order_and_the_case_of_an_area_make_no_other_search(options: list[str]) -> None:
    assert search_from(options) == BOTH
    assert search_from(options).to_json() == '{"cond":"Sjogren","locn":"Denmark"}'


def test_letters_that_are_written_in_two_ways_are_one() -> None:
    assert search_from(["cond=Sjo\u0308gren"]) == search_from(["cond=Sj\u00f6gren"])


def test_the_case_of_the_text_is_kept_since_or_is_not_OR() -> None:
    assert search_from(["cond=asthma OR gout"]) != search_from(["cond=asthma or gout"])


@pytest.mark.parametrize("typed", ["recruiting,COMPLETED", "COMPLETED|RECRUITING", "Completed recruiting", "recruiting, completed"])
def test_statuses_in_any_spelling(typed: str) -> None:
    search = search_from([f"status={typed}"])
    assert search.params() == {"filter.overallStatus": "RECRUITING|COMPLETED"}
    assert str(search) == "status=RECRUITING,COMPLETED"


def test_every_area_has_its_parameter() -> None:
    options = [f"{area}={'RECRUITING' if area == 'status' else 'some words'}" for area in AREAS]
    assert list(search_from(reversed(options)).params()) == [
        *(f"query.{area}" for area in ("cond", "term", "locn", "intr", "titles", "outc", "spons", "lead", "id", "patient")),
        "filter.overallStatus",
        "filter.advanced",
    ]


def test_the_statuses_are_those_of_the_registry() -> None:
    assert set(STATUSES) == OF_THE_DEMO


def test_a_search_is_shown_as_it_is_typed_in_a_shell() -> None:
    search = search_from(["cond=dry mouth", "term=it's"])
    assert shlex.split(str(search)) == ["cond=dry mouth", "term=it's"]
    words = shlex.split(search.options)
    assert words[::2] == ["--query", "--query"]
    assert search_from(words[1::2]) == search
    assert str(BOTH) == "cond=Sjogren locn=Denmark"


@given(st.dictionaries(st.sampled_from([area for area in AREAS if area != "status"]), st.text(min_size=1, max_size=40), min_size=1))
def test_what_is_taken_comes_back_from_what_is_kept_and_from_what_is_shown(areas: dict[str, str]) -> None:
    try:
        search = search_from([f"{area}={text}" for area, text in areas.items()])
    except UsageError:
        return
    assert from_json(search.to_json()) == search
    assert search_from(shlex.split(search.options)[1::2]) == search
    assert json.loads(search.to_json()) == search.as_dict()
    search.to_json().encode()


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["Sjogren"], "is not AREA=TEXT"),
        (["disease=Sjogren"], "there are cond, term, locn"),
        (["=Sjogren"], "is not AREA=TEXT"),
        (["cond="], "says nothing after the ="),
        (["cond= \t"], "says nothing after the ="),
        (["cond=a", "Cond=b"], "names cond a second time; put both into one, such as cond='A OR B'"),
        (["cond=dry\x1bmouth"], "cannot be seen"),
        (["cond=dry\x1cmouth"], "cannot be seen"),
        (["cond=dry\u202emouth"], "cannot be seen"),
        (["cond=dry\udcffmouth"], "cannot be seen"),
        (["status=OPEN"], "OPEN is no status of the registry; there are NOT_YET_RECRUITING"),
        (["status=,"], "nothing is no status"),
        (["cond=" + "a" * 7000], "too long to be asked: 7,011 bytes of 6,000"),
        (["cond=" + "æ" * 1100], "too long to be asked"),
        (["term=NCT00000001, nct00000002", "status=RECRUITING"], "passes over status then"),
        ([], "at least one --query"),
    ],
)
def test_what_can_be_no_search_is_one_line(options: list[str], why: str) -> None:
    sentence = refused(*options)
    assert why in sentence
    assert len(sentence) < 500
    sentence.encode()


def test_ids_alone_are_a_search_where_no_filter_would_be_passed_over() -> None:
    assert search_from(["id=NCT00000001"]).params() == {"query.id": "NCT00000001"}


def test_the_longest_search_fits_a_request_line(client: Client, site: Site) -> None:
    search = search_from(["cond=" + "a" * 5_989])
    site.prepare(answer('{"totalCount": 1, "studies": []}'))
    ctgov_search.count(client, site.url, search)
    (asked,) = site.asked
    room_for_fields_and_token = len("&fields=" + quote_plus("NCTId|NCTIdAlias|StatusModule|HasResults") + "&pageToken=") + 1_000
    assert 6_000 < len(asked.line) < 7_500 - room_for_fields_and_token


def test_the_registry_says_how_many_there_are(client: Client, site: Site) -> None:
    site.prepare(answer('{"totalCount": 30123, "studies": [{"protocolSection": {}}], "nextPageToken": "t"}'))
    assert ctgov_search.count(client, site.url, BOTH) == 30_123
    (asked,) = site.asked
    assert asked.path == "/api/v2/studies"
    assert asked.query == {
        "query.cond": "Sjogren",
        "query.locn": "Denmark",
        "fields": "NCTId",
        "format": "json",
        "countTotal": "true",
        "pageSize": "1",
    }


def test_a_search_that_the_registry_refuses_is_named(client: Client, site: Site) -> None:
    site.prepare(answer("bad", status=400, content_type="text/plain"))
    with pytest.raises(BadStatus, match=r"400.*does not understand the search cond=Sjogren locn=Denmark"):
        ctgov_search.count(client, site.url, BOTH)


@pytest.mark.parametrize("body", ['{"studies": []}', '{"totalCount": "many", "studies": []}', "<html>wait</html>"])
def test_an_answer_without_a_number_is_no_answer(client: Client, site: Site, body: str) -> None:
    site.prepare(answer(body))
    with pytest.raises(BadContent):
        ctgov_search.count(client, site.url, BOTH)


@pytest.mark.parametrize(("total", "requests"), [(0, 1), (1, 2), (250, 2), (251, 3), (1_000, 5), (1_001, 7), (30_000, 150)])
def test_what_a_search_costs(total: int, requests: int) -> None:
    assert requests_to_record(total) == requests
