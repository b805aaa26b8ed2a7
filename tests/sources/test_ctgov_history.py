"""The registry's version history, whatever comes in its place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from registry_sync.errors import BadContent, BadStatus, FetchError
from registry_sync.sources import ctgov_history
from registry_sync.sources.ctgov_history import Listed, NoHistory
from registry_sync.sources.ctgov_record import record_from
from registry_sync.sources.http import Client
from tests.sources.site import Answer, Site, answer
from tests.sources.studies import study

A, B = "NCT00000001", "NCT00000002"


def listed(*changes: Any) -> Answer:
    return answer(json.dumps({"changes": list(changes)}))


def sent(number: Any, **more: Any) -> Answer:
    return answer(json.dumps({"studyVersion": number, "study": {**study(A), **more}}))


# --- the list ------------------------------------------------------------------------------------------------------------


def test_the_versions_come_oldest_first_each_once(site: Site, client: Client) -> None:
    site.prepare(
        listed(
            {"version": 2, "date": "2025-03-01", "status": "RECRUITING", "moduleLabels": ["Study Status"]},
            {"version": 0, "date": "2025-01-01"},
            {"version": 1, "date": "soon"},
            {"version": 0, "date": "2024-01-01"},
        )
    )
    assert ctgov_history.versions(client, site.url, A) == (Listed(0, "2025-01-01"), Listed(1, None), Listed(2, "2025-03-01"))
    assert site.paths == [f"/api/int/studies/{A}/history"]


def test_the_list_is_found_at_its_other_place(site: Site, client: Client) -> None:
    site.prepare(answer("Not Found", 404), answer(json.dumps({"study": {}, "history": {"changes": [{"version": 0, "date": None}]}})))
    assert ctgov_history.versions(client, site.url, A) == (Listed(0, None),)
    assert (site.paths[1], site.asked[1].query) == (f"/api/int/studies/{A}", {"history": "true"})


@pytest.mark.parametrize("page", [answer("Not Found", 404), answer("<!DOCTYPE html><p>Our new site", content_type="text/html")])
def test_a_registry_without_histories_says_so(site: Site, client: Client, page: Answer) -> None:
    site.prepare(page, page, answer(json.dumps(study(A))))
    with pytest.raises(NoHistory, match=r"/history answered .*: backfill needs the history"):
        ctgov_history.versions(client, site.url, A)
    assert site.paths[2] == f"/api/v2/studies/{A}"


def test_a_record_that_is_gone_is_no_registry_without_histories(site: Site, client: Client) -> None:
    site.always = answer("Not Found", 404)
    with pytest.raises(BadStatus, match="does not show NCT00000001 any more"):
        ctgov_history.versions(client, site.url, A)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("[]", "JSON of another shape"),
        ('{"changes": null}', "JSON of another shape"),
        ('{"changes": [{"version": "1"}]}', "JSON of another shape"),
        ('{"changes": [{"date": "2025-01-01"}]}', "JSON of another shape"),
        ('{"changes": [{"version": 1e99}]}', "JSON of another shape"),
        ('{"changes": [', "broken JSON"),
        ("", "nothing instead of JSON"),
        ('{"changes": []}', "lists no version of NCT00000001"),
        ('{"changes": [{"version": 0}, {"version": -1}]}', "lists a version -1 of NCT00000001"),
        (json.dumps({"changes": [{"version": number} for number in range(5_001)]}), "lists 5001 versions of NCT00000001"),
    ],
)
def test_what_is_no_list_is_refused(site: Site, client: Client, body: str, says: str) -> None:
    site.prepare(answer(body))
    with pytest.raises(BadContent, match=says):
        ctgov_history.versions(client, site.url, A)


@pytest.mark.parametrize(("date", "kept"), [("2025-01", "2025-01"), ("2025-02-30", None), (20250101, None), (["2025-01-01"], None)])
def test_a_date_that_is_none_is_left_out(site: Site, client: Client, date: Any, kept: str | None) -> None:
    site.prepare(listed({"version": 0, "date": date}))
    assert ctgov_history.versions(client, site.url, A) == (Listed(0, kept),)


# --- one version ---------------------------------------------------------------------------------------------------------


def test_a_version_is_cut_to_what_a_record_needs(site: Site, client: Client) -> None:
    parts = {"annotationSection": {}, "documentSection": {}}
    site.prepare(
        sent(3, **parts, resultsSection={"x": "y" * 1_000_000}, derivedSection={"miscInfoModule": {"versionHolder": "2026-01-01"}})
    )
    payload = ctgov_history.version(client, site.url, A, 3)
    assert json.loads(payload) == {"protocolSection": study(A)["protocolSection"], **parts, "hasResults": False}
    assert site.paths == [f"/api/int/studies/{A}/history/3"]
    assert record_from(payload, "html").trial == A


@pytest.mark.parametrize(
    ("answered", "says"),
    [
        (sent(4), "sent version 4"),
        (answer(json.dumps({"studyVersion": 3, "study": study(B)})), "sent a record of NCT00000002"),
        (answer(json.dumps({"studyVersion": 3, "study": {}})), "whose NCT id cannot be read"),
        (answer(json.dumps({"studyVersion": 3, "study": []})), "JSON of another shape"),
        (answer(json.dumps({"studyVersion": 3})), "JSON of another shape"),
        (answer('{"studyVersion": 3, "study": {"protocolSection": ' + "[" * 100_000), "answered with broken JSON"),
        (answer("<html>Please wait", content_type="text/html"), "a web page instead of JSON"),
        (answer("", 404), "answered 404"),
    ],
)
def test_what_is_not_this_version_of_this_trial_is_refused(site: Site, client: Client, answered: Answer, says: str) -> None:
    site.prepare(answered)
    with pytest.raises(FetchError, match=says):
        ctgov_history.version(client, site.url, A, 3)


def test_a_version_from_before_a_merger_has_the_id_of_then(site: Site, client: Client) -> None:
    site.prepare(answer(json.dumps({"studyVersion": 0, "study": study(B)})))
    assert record_from(ctgov_history.version(client, site.url, A, 0, {B}), "html").trial == B


def test_half_a_character_costs_no_version(site: Site, client: Client) -> None:
    body = json.dumps({"studyVersion": 0, "study": study(A, identificationModule={"acronym": "half \ud800 and whole \U0001f600"})})
    site.prepare(answer(body))
    assert record_from(ctgov_history.version(client, site.url, A, 0), "html").acronym == "half \ufffd and whole \U0001f600"


@pytest.mark.parametrize(("status", "is_trouble"), [(404, False), (400, False), (429, True), (500, True), (503, True)])
def test_trouble_is_told_from_a_version_that_is_missing(site: Site, client: Client, status: int, is_trouble: bool) -> None:
    site.prepare(answer("", status))
    with pytest.raises(FetchError) as raised:
        ctgov_history.version(client, site.url, A, 0)
    assert ctgov_history.is_trouble(raised.value) is is_trouble


@pytest.mark.parametrize(
    ("page", "is_trouble"), [(answer("Not Found", 404), False), (answer("<html>Wait", content_type="text/html"), True)]
)
def test_a_web_page_in_place_of_a_history_is_trouble_and_a_missing_one_is_not(
    site: Site, client: Client, page: Answer, is_trouble: bool
) -> None:
    site.prepare(page, page, answer(json.dumps(study(A))))
    with pytest.raises(NoHistory) as raised:
        ctgov_history.versions(client, site.url, A)
    assert ctgov_history.is_trouble(raised.value) is is_trouble


def test_two_that_say_the_same_of_two_trials_are_one_fault() -> None:
    said = [ctgov_history.in_general(f"example.org/studies/{trial}/history/{number} failed", trial) for trial, number in ((A, 1), (B, 12))]
    assert said == ["example.org/studies/NCT.../history/... failed"] * 2
