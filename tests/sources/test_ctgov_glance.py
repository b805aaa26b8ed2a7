"""What a glance at a study shows, and what a search hands over."""

from __future__ import annotations

import json

import pytest

from registry_sync.sources import ctgov
from registry_sync.sources.http import Client
from registry_sync.sources.interface import Glanced, Gone
from tests.sources.site import Site, answer
from tests.sources.studies import Study, registry, study

A, B, C, D = "NCT00000001", "NCT00000002", "NCT00000003", "NCT00000004"


def test_a_glance_shows_the_same_as_the_whole_study(site: Site, client: Client) -> None:
    studies = [
        study(A),
        study(B, status="COMPLETED", statusModule={"completionDateStruct": {"date": "2026-01", "type": "ACTUAL"}}),
        study(C),
    ]
    site.always = registry(*studies)
    page_, gone = ctgov.glance(client, site.url, [A, B, C, D])
    assert gone == Gone(D, "ctgov")
    assert page_ == Glanced({trial: ctgov.glance_of(json.dumps(one).encode()) for trial, one in zip((A, B, C), studies, strict=True)})
    assert isinstance(page_, Glanced)
    assert len(set(page_.shown.values())) == 2
    assert [asked.query["fields"] for asked in site.asked] == ["NCTId|NCTIdAlias|StatusModule|HasResults"]


@pytest.mark.parametrize(
    "module",
    [
        {"overallStatus": "UNKNOWN"},
        {"lastKnownStatus": "RECRUITING"},
        {"whyStopped": "Funding"},
        {"completionDateStruct": {"date": "2027-01"}},
        {"lastUpdatePostDateStruct": {"date": "2026-02-03", "type": "ESTIMATED"}},
        {"statusVerifiedDate": "2026-02"},
        {"expandedAccessInfo": {"hasExpandedAccess": True, "nctId": D, "statusForNctId": "AVAILABLE"}},
    ],
    ids=lambda module: next(iter(module)),
)
def test_a_glance_shows_what_the_registry_does_to_the_status_and_the_dates(module: Study) -> None:
    first, second = (json.dumps(one).encode() for one in (study(A), study(A, statusModule=module)))
    assert ctgov.glance_of(first) != ctgov.glance_of(second)


def test_a_glance_at_what_cannot_be_read_shows_nothing(site: Site, client: Client) -> None:
    site.always = registry(study(A, statusModule={"overallStatus": 7}), study(B))
    page_, gone = ctgov.glance(client, site.url, [A, B])
    assert gone == Gone(A, "ctgov")
    assert isinstance(page_, Glanced)
    assert list(page_.shown) == [B]


def test_a_glance_asks_for_some_five_hundred_at_once(site: Site, client: Client) -> None:
    trials = [f"NCT{number:08}" for number in range(1, 1001)]
    site.always = registry(*map(study, trials))
    assert [trial for one in ctgov.glance(client, site.url, trials) if isinstance(one, Glanced) for trial in one.shown] == trials
    assert len(site.asked) == 2
    assert max(len(asked.line) for asked in site.asked) <= 7500


def test_a_search_hands_over_page_after_page(site: Site, client: Client) -> None:
    pages = [
        {"totalCount": 3, "studies": [study(A), study(B)], "nextPageToken": "x"},
        {"studies": [{}, study(C, statusModule={"overallStatus": 7})]},
    ]
    site.prepare(*(answer(json.dumps(one)) for one in pages))
    first, second = ctgov.search(client, site.url, {"query.cond": "Dry mouth"})
    assert (first.total, list(first.glances), second.total) == (3, [A, B], None)
    assert second.glances == {C: b""}
    assert [(asked.query.get("countTotal"), asked.query.get("pageToken")) for asked in site.asked] == [("true", None), (None, "x")]
    assert site.asked[1].query["query.cond"] == "Dry mouth"
