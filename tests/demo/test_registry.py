"""What a client of ClinicalTrials.gov API v2 finds at the loopback registry."""

from __future__ import annotations

import gzip
import http.client
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from registry_sync.demo.record import TRIAL, a_study, the_study, touched, with_status
from registry_sync.demo.registry import Registry
from tests.waiting import PATIENCE


class Api:
    """The registry as a client sees it."""

    def __init__(self, registry: Registry, http: requests.Session) -> None:
        self.registry, self.http = registry, http

    def get(self, path: str, **parameters: str) -> requests.Response:
        return self.http.get(self.registry.url + path, params=parameters, timeout=PATIENCE, allow_redirects=False)

    def studies(self, **parameters: str) -> Any:
        response = self.get("/api/v2/studies", **{name.replace("_", "."): value for name, value in parameters.items()})
        assert response.status_code == 200, response.text
        return response.json()

    def found(self, **parameters: str) -> set[str]:
        listed = self.studies(**parameters)["studies"]
        return {study["protocolSection"]["identificationModule"]["nctId"] for study in listed}


@pytest.fixture
def api(registry: Registry, http: requests.Session) -> Api:
    return Api(registry, http)


def refused(response: requests.Response, status: int = 400) -> str:
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"].startswith("text/plain")
    assert response.text
    return response.text


def test_version_names_the_release_in_utc_without_offset(api: Api) -> None:
    assert api.get("/api/v2/version").json() == {"apiVersion": "2.0.5", "dataTimestamp": "2026-02-01T09:00:05"}
    api.registry.release(datetime(2026, 2, 3, 5, 0, tzinfo=UTC))
    assert api.get("/api/v2/version").json()["dataTimestamp"] == "2026-02-03T05:00:00"


def test_a_release_moves_the_stamp_of_every_record_and_nothing_else(api: Api) -> None:
    api.registry.put(the_study())
    api.registry.put(a_study("NCT00000001"))
    before = api.studies()["studies"]
    api.registry.release()
    after = api.studies()["studies"]
    for study in before:
        assert study["derivedSection"]["miscInfoModule"].pop("versionHolder") == "2026-02-01"
    for study in after:
        assert study["derivedSection"]["miscInfoModule"].pop("versionHolder") == "2026-02-02"
    assert before == after


def test_one_study_comes_whole(api: Api) -> None:
    api.registry.put(the_study())
    response = api.get(f"/api/v2/studies/{TRIAL}", format="json")
    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == the_study()


@pytest.mark.parametrize("spelling", ["nct06805448", "NCT6805448", "Nct006805448"])
def test_an_id_is_found_in_any_spelling_the_registry_allows(api: Api, spelling: str) -> None:
    api.registry.put(the_study())
    assert api.get(f"/api/v2/studies/{spelling}").status_code == 200
    assert api.found(filter_ids=spelling) == {TRIAL}


@pytest.mark.parametrize("malformed", ["NCT", "NCT00000000", "NCT123456789", "12345678", "NCT0680544x", "NCT０６８０５４４８"])
def test_a_malformed_id_is_400_in_plain_text(api: Api, malformed: str) -> None:
    assert malformed in refused(api.get(f"/api/v2/studies/{malformed}"))
    refused(api.get("/api/v2/studies", **{"filter.ids": f"{TRIAL},{malformed}"}))


def test_an_unknown_id_is_404_alone_and_simply_missing_in_a_list(api: Api) -> None:
    api.registry.put(the_study())
    refused(api.get("/api/v2/studies/NCT00000009"), 404)
    assert api.found(filter_ids=f"NCT00000009|{TRIAL}") == {TRIAL}


def test_a_removed_study_is_unknown(api: Api) -> None:
    api.registry.put(the_study())
    api.registry.remove(TRIAL)
    refused(api.get(f"/api/v2/studies/{TRIAL}"), 404)
    with pytest.raises(KeyError):
        api.registry.remove(TRIAL)


def test_a_merged_id_leads_to_the_current_one(api: Api) -> None:
    api.registry.put(a_study("NCT00000001"))
    api.registry.put(a_study("NCT00000002"))
    api.registry.alias("NCT00000001", "NCT00000002")
    response = api.get("/api/v2/studies/NCT00000001", fields="NCTId")
    assert (response.status_code, response.headers["Location"]) == (301, "/api/v2/studies/NCT00000002?fields=NCTId")
    listed = api.studies(filter_ids="nct00000001")["studies"]
    assert [study["protocolSection"]["identificationModule"]["nctIdAliases"] for study in listed] == [["NCT00000001"]]
    assert api.found() == {"NCT00000002"}


def test_aliases_of_a_record_are_found_and_follow_a_second_merge(api: Api) -> None:
    api.registry.put(a_study("NCT00000002", aliases=["NCT00000001"]))
    api.registry.put(a_study("NCT00000003"))
    api.registry.alias("NCT00000002", "NCT00000003")
    assert api.found(filter_ids="NCT00000001") == {"NCT00000003"}
    with pytest.raises(ValueError, match="itself"):
        api.registry.alias("NCT00000003", "NCT00000003")


def test_a_study_put_in_is_a_copy(api: Api) -> None:
    study = the_study()
    api.registry.put(study)
    study["protocolSection"]["statusModule"]["overallStatus"] = "COMPLETED"
    api.registry.study(TRIAL)["protocolSection"]["statusModule"]["overallStatus"] = "SUSPENDED"
    assert api.found(filter_overallStatus="RECRUITING") == {TRIAL}


def test_a_study_without_a_good_id_is_not_taken_in(registry: Registry) -> None:
    studies: list[dict[str, Any]] = [{}, {"protocolSection": {}}, {"protocolSection": {"identificationModule": {"nctId": "X1"}}}]
    for study in studies:
        with pytest.raises(ValueError, match="Invalid NCT id"):
            registry.put(study)


def test_ten_studies_a_page_unless_told_otherwise(api: Api) -> None:
    for number in range(1, 26):
        api.registry.put(a_study(f"NCT{number:08d}"))
    seen: list[str] = []
    sizes = []
    token: dict[str, str] = {}
    while True:
        page = api.studies(countTotal="true", fields="NCTId", **token)
        assert page.get("totalCount") == (None if token else 25)
        sizes.append(len(page["studies"]))
        seen += [study["protocolSection"]["identificationModule"]["nctId"] for study in page["studies"]]
        if "nextPageToken" not in page:
            break
        token = {"pageToken": page["nextPageToken"]}
    assert sizes == [10, 10, 5]
    assert seen == [f"NCT{number:08d}" for number in range(1, 26)]


def test_the_page_size_is_cut_to_1000_and_zero_is_the_default(api: Api) -> None:
    small = a_study("NCT00000001")
    for number in range(1, 1_003):
        small["protocolSection"]["identificationModule"]["nctId"] = f"NCT{number:08d}"
        api.registry.put(small)
    assert len(api.studies(pageSize="5000", fields="NCTId")["studies"]) == 1_000
    assert len(api.studies(pageSize="0", fields="NCTId")["studies"]) == 10


def test_no_token_after_a_last_page_that_is_full(api: Api) -> None:
    for number in range(1, 5):
        api.registry.put(a_study(f"NCT{number:08d}"))
    first = api.studies(pageSize="2")
    assert "nextPageToken" not in api.studies(pageSize="2", pageToken=first["nextPageToken"])


def test_a_token_is_stale_after_a_release(api: Api) -> None:
    api.registry.put(a_study("NCT00000001"))
    api.registry.put(a_study("NCT00000002"))
    token = api.studies(pageSize="1")["nextPageToken"]
    api.registry.release()
    assert "stale" in refused(api.get("/api/v2/studies", pageSize="1", pageToken=token))
    refused(api.get("/api/v2/studies", pageToken="made-up"))


def test_a_token_goes_with_the_parameters_of_its_first_page(api: Api) -> None:
    api.registry.put(a_study("NCT00000001"))
    api.registry.put(a_study("NCT00000002"))
    token = api.studies(pageSize="1", fields="NCTId")["nextPageToken"]
    refused(api.get("/api/v2/studies", pageToken=token, fields="BriefTitle"))
    assert api.studies(pageSize="7", fields="NCTId", pageToken=token)["studies"]


def test_a_page_may_be_empty_and_lead_on(api: Api) -> None:
    api.registry.put(the_study())
    api.registry.empty_pages(1)
    first = api.studies()
    assert first["studies"] == []
    second = api.studies(pageToken=first["nextPageToken"])
    assert len(second["studies"]) == 1
    assert "nextPageToken" not in second


@pytest.mark.parametrize(
    "parameters",
    [
        {"unknown": "1"},
        {"Fields": "NCTId"},
        {"fields": "NoSuchPiece"},
        {"fields": ""},
        {"pageSize": "-1"},
        {"pageSize": "ten"},
        {"countTotal": "yes"},
        {"format": "csv"},
        {"filter.overallStatus": "OPEN"},
        {"filter.ids": ""},
        {"filter.advanced": "AREA[StartDate]2022"},
        {"filter.advanced": "AREA[BriefTitle]RANGE[2026-01-01,MAX]"},
        {"filter.advanced": "AREA[StartDate]RANGE[yesterday,MAX]"},
        {"sort": "BriefTitle"},
        {"sort": "StartDate:up"},
        {"sort": "StartDate,CompletionDate,LastUpdatePostDate"},
        {"filter.geo": "distance(55,12,50km)"},
    ],
)
def test_a_wrong_parameter_is_400(api: Api, parameters: dict[str, str]) -> None:
    refused(api.get("/api/v2/studies", **parameters))


def test_the_single_study_takes_no_search_parameter(api: Api) -> None:
    api.registry.put(the_study())
    refused(api.get(f"/api/v2/studies/{TRIAL}", pageSize="1"))


def test_an_address_that_the_registry_does_not_have_is_404(api: Api) -> None:
    refused(api.get("/api/v3/studies"), 404)
    assert api.http.post(api.registry.url + "/api/v2/studies", data=b"x", timeout=PATIENCE).status_code == 405


def test_a_request_line_over_8000_bytes_is_414(api: Api) -> None:
    api.registry.put(a_study("NCT00000001"))
    many = "|".join(f"NCT{number:08d}" for number in range(1, 700))
    assert api.found(filter_ids=many[: 11 * 500 - 1 + 500]) == {"NCT00000001"}
    refused(api.get("/api/v2/studies", **{"filter.ids": many}), 414)


def test_fields_cut_the_record_down(api: Api) -> None:
    api.registry.put(the_study())
    study = api.get(f"/api/v2/studies/{TRIAL}", fields="NCTId|OverallStatus|LocationCity,HasResults,WhyStopped").json()
    assert study == {
        "protocolSection": {
            "identificationModule": {"nctId": TRIAL},
            "statusModule": {"overallStatus": "RECRUITING"},
            "contactsLocationsModule": {"locations": [{"city": "Copenhagen"}]},
        },
        "hasResults": False,
    }


@pytest.mark.parametrize("name", ["ProtocolSection", "protocolSection"])
def test_a_section_brings_everything_below_it(api: Api, name: str) -> None:
    api.registry.put(the_study())
    assert api.get(f"/api/v2/studies/{TRIAL}", fields=f"{name}|NCTId").json() == {"protocolSection": the_study()["protocolSection"]}


def test_modules_fields_by_path_and_areas_can_be_named(api: Api) -> None:
    api.registry.put(the_study())
    whole = the_study()["protocolSection"]
    shown = api.studies(fields="StatusModule,protocolSection.designModule.enrollmentInfo.count,TitleSearch")["studies"][0][
        "protocolSection"
    ]
    assert shown == {
        "statusModule": whole["statusModule"],
        "designModule": {"enrollmentInfo": {"count": 40}},
        "identificationModule": {"briefTitle": whole["identificationModule"]["briefTitle"]},
    }


@pytest.mark.parametrize(
    ("parameter", "query"),
    [
        ("query.cond", "sjogren"),
        ("query.cond", "Sjögren's disease"),
        ("query.term", "saline SALIVA"),
        ("query.locn", "Copenhagen Denmark"),
        ("query.intr", "stem cells"),
        ("query.titles", "intraglandular"),
        ("query.spons", "rigshospitalet"),
        ("query.lead", "rigshospitalet"),
        ("query.id", "2024-516715-25-00"),
        ("query.id", TRIAL),
        ("query.outc", "unstimulated"),
        ("query.patient", "xerostomia"),
        ("query.term", "AREA[LastUpdatePostDate]RANGE[2025-02-03,MAX] AND xerostomia"),
    ],
)
def test_a_search_finds_the_words_where_they_belong(api: Api, parameter: str, query: str) -> None:
    api.registry.put(the_study())
    api.registry.put(a_study("NCT00000001", places=[("Aarhus", "Norway")], posted="2024-01-01"))
    assert api.found(**{parameter: query}) == {TRIAL}


@pytest.mark.parametrize(("parameter", "query"), [("query.cond", "Copenhagen"), ("query.locn", "xerostomia"), ("query.titles", "saline")])
def test_a_search_does_not_find_words_elsewhere(api: Api, parameter: str, query: str) -> None:
    api.registry.put(the_study())
    assert api.found(**{parameter: query}) == set()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("asthma OR gout", {1, 2}),
        ("(asthma OR gout) AND severe", {2}),
        ("asthma OR gout AND severe", {1, 2}),
        ("severe NOT gout", {3}),
        ('"severe lupus"', {3}),
        ("asthma or gout", set()),
    ],
)
def test_words_are_joined_as_the_registry_joins_them(api: Api, query: str, expected: set[int]) -> None:
    for number, condition in enumerate(("Asthma", "Severe gout", "Severe lupus"), start=1):
        api.registry.put(a_study(f"NCT{number:08d}", conditions=[condition]))
    assert api.found(**{"query.cond": query}) == {f"NCT{number:08d}" for number in expected}


@pytest.mark.parametrize("query", ["OR gout", "gout OR", "(gout", "gout)", "NOT", 'the "gout'])
def test_an_expression_that_is_none_is_400(api: Api, query: str) -> None:
    refused(api.get("/api/v2/studies", **{"query.cond": query}))


def test_searches_and_filters_narrow_each_other(api: Api) -> None:
    api.registry.put(a_study("NCT00000001", conditions=["Asthma"]))
    api.registry.put(a_study("NCT00000002", conditions=["Asthma"], status="COMPLETED"))
    api.registry.put(a_study("NCT00000003", conditions=["Gout"], status="COMPLETED"))
    assert api.found(query_cond="asthma", filter_overallStatus="COMPLETED|SUSPENDED") == {"NCT00000002"}
    assert api.found(filter_ids="NCT00000001,NCT00000003", postFilter_overallStatus="COMPLETED") == {"NCT00000003"}


def test_a_query_of_ids_alone_ignores_filters(api: Api) -> None:
    api.registry.put(a_study("NCT00000001"))
    assert api.found(query_term="nct00000001", filter_overallStatus="COMPLETED") == {"NCT00000001"}


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ("2026-01-31,MAX", {"NCT00000002", "NCT00000003"}),
        ("MIN,2026-01", {"NCT00000001", "NCT00000002"}),
        ("2026-02-01, 2026-02-01", {"NCT00000003"}),
        ("MIN,MAX", {"NCT00000001", "NCT00000002", "NCT00000003"}),
    ],
)
def test_a_range_of_dates_holds_both_its_ends(api: Api, span: str, expected: set[str]) -> None:
    for number, posted in enumerate(("2026-01-30", "2026-01-31", "2026-02-01"), start=1):
        api.registry.put(a_study(f"NCT{number:08d}", posted=posted))
    assert api.found(filter_advanced=f"AREA[LastUpdatePostDate]RANGE[{span}]") == expected


def test_two_ranges_can_be_joined(api: Api) -> None:
    api.registry.put(a_study("NCT00000001", start="2025-05", posted="2026-01-01"))
    api.registry.put(a_study("NCT00000002", start="2024-05", posted="2026-01-01"))
    both = "AREA[StartDate]RANGE[2025-01-01,MAX] AND AREA[LastUpdatePostDate]RANGE[2026-01-01,MAX]"
    assert api.found(filter_advanced=both) == {"NCT00000001"}


def test_sorting_by_dates_puts_the_newest_first_and_the_silent_last(api: Api) -> None:
    silent = a_study("NCT00000004")
    del silent["protocolSection"]["statusModule"]["lastUpdatePostDateStruct"]
    api.registry.put(silent)
    for number, posted in ((1, "2026-01-02"), (2, "2026-01-03"), (3, "2026-01-01")):
        api.registry.put(a_study(f"NCT{number:08d}", posted=posted, participants=number))

    def order(sort: str) -> list[str]:
        return [study["protocolSection"]["identificationModule"]["nctId"][-1] for study in api.studies(sort=sort)["studies"]]

    assert order("LastUpdatePostDate") == ["2", "1", "3", "4"]
    assert order("LastUpdatePostDate:asc") == ["3", "1", "2", "4"]
    assert order("@relevance,EnrollmentCount") == ["1", "2", "3", "4"]


def test_json_is_compressed_when_asked_for(api: Api) -> None:
    api.registry.put(the_study())
    url = f"{api.registry.url}/api/v2/studies/{TRIAL}"
    plain = api.http.get(url, headers={"Accept-Encoding": "identity, gzip;q=0"}, timeout=PATIENCE)
    assert "Content-Encoding" not in plain.headers
    with api.http.get(url, headers={"Accept-Encoding": "br, gzip;q=0.5"}, stream=True, timeout=PATIENCE) as packed:
        assert packed.headers["Content-Encoding"] == "gzip"
        raw = packed.raw.read(decode_content=False)
    assert len(raw) < len(plain.content)
    assert gzip.decompress(raw) == plain.content


def test_one_connection_serves_many_requests(registry: Registry) -> None:
    with closing(http.client.HTTPConnection(registry.url.removeprefix("http://"), timeout=PATIENCE)) as connection:
        connection.connect()
        line = connection.sock
        for path in ["/api/v2/version", "/api/v2/studies/NCT1", "/nowhere"] * 7:
            connection.request("GET", path)
            connection.getresponse().read()
            assert connection.sock is line


def test_the_log_keeps_what_was_asked(api: Api) -> None:
    api.http.get(api.registry.url + "/api/v2/studies?filter.ids=NCT00000001%7CNCT00000002", headers={"User-Agent": "me"}, timeout=PATIENCE)
    (request,) = api.registry.requests
    assert (request.method, request.path) == ("GET", "/api/v2/studies")
    assert request.parameter("filter.ids") == "NCT00000001|NCT00000002"
    assert request.parameter("fields") is None
    assert request.header("User-Agent") == "me"
    api.registry.reset_log()
    assert api.registry.requests == ()


def test_people_find_a_page_for_each_study(api: Api) -> None:
    api.registry.put(the_study())
    page = api.get(f"/study/{TRIAL}")
    assert page.headers["Content-Type"].startswith("text/html")
    assert TRIAL in page.text
    assert "RECRUITING" in page.text
    assert api.get("/study/NCT00000009").status_code == 404


def test_a_head_request_gets_the_head_alone(api: Api) -> None:
    api.registry.put(the_study())
    url = f"{api.registry.url}/api/v2/studies/{TRIAL}"
    head = api.http.head(url, headers={"Accept-Encoding": "identity"}, timeout=PATIENCE)
    assert int(head.headers["Content-Length"]) == len(api.http.get(url, timeout=PATIENCE).content)
    assert head.content == b""


def test_stopped_it_refuses_and_started_again_it_is_where_it_was(api: Api) -> None:
    api.registry.put(the_study())
    url = api.registry.url
    assert api.get("/api/v2/version").status_code == 200
    api.registry.stop()
    api.registry.stop()
    with pytest.raises(requests.ConnectionError):
        api.get("/api/v2/version")
    api.registry.start()
    assert api.registry.url == url
    assert api.found() == {TRIAL}
    with pytest.raises(RuntimeError, match="listens already"):
        api.registry.start()


def test_before_its_first_start_it_has_no_address() -> None:
    with pytest.raises(RuntimeError, match="never started"):
        _ = Registry().url


def test_the_next_version_of_a_study_takes_the_place_of_the_last(api: Api) -> None:
    api.registry.put(the_study())
    api.registry.put(with_status(the_study(), "SUSPENDED", posted="2026-02-03", why_stopped="Waiting for cells"))
    status = api.studies(fields="WhyStopped,OverallStatus")["studies"][0]["protocolSection"]["statusModule"]
    assert status == {"overallStatus": "SUSPENDED", "whyStopped": "Waiting for cells"}
    api.registry.put(touched(the_study(), "2026-02-04"))
    assert len(api.studies()["studies"]) == 1
