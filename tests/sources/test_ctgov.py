"""What a sync may expect of the registry's API: one observation for each trial asked, whatever comes."""

from __future__ import annotations

import json
import logging
from collections import Counter
from typing import Any

import pytest

from registry_sync.errors import Stopped
from registry_sync.sources import ctgov
from registry_sync.sources.http import Client
from registry_sync.sources.interface import Failed, Found, Gone, Moved, Observation
from tests.sources.conftest import MakeClient
from tests.sources.site import Site, Visit, answer, head, raw, redirect
from tests.sources.studies import Study, one_study, page, registry, study

A, B, C, D = "NCT00000001", "NCT00000002", "NCT00000003", "NCT00000004"


def observed(client: Client, site: Site, *trials: str, **options: Any) -> dict[str, Observation]:
    """What was observed of each trial; each must be answered once."""
    sent = list(ctgov.fetch(client, site.url, trials, **options))
    observations: list[Observation] = [ctgov.read(one) if isinstance(one, ctgov.Sent) else one for one in sent]
    assert Counter(one.trial for one in observations) == dict.fromkeys(trials, 1)
    return {one.trial: one for one in observations}


def failure(observation: Observation) -> str:
    assert isinstance(observation, Failed), observation
    assert observation.source == "ctgov"
    return observation.error


def moved(trial: str, to: Study) -> Moved:
    """The trial is an alias of this study's."""
    return Moved(trial, "ctgov", to["protocolSection"]["identificationModule"]["nctId"], json.dumps(to).encode())


# Asking


def test_a_trial_is_found_with_its_record_its_date_and_its_bytes(site: Site, client: Client) -> None:
    text = '{ "hasResults":false,"protocolSection":' + json.dumps(study(A)["protocolSection"]) + ', "unknown": [1.0, "\\u00e6"] }'
    site.prepare(answer(f'{{"totalCount": 1, "studies": [\n{text}\n]}}'))
    found = observed(client, site, A)[A]
    assert isinstance(found, Found)
    assert (found.source, found.registry_date, found.payload) == ("ctgov", "2026-02-03", text.encode())
    assert (found.record.trial, found.record.overall_status) == (A, "RECRUITING")


def test_studies_are_handed_over_unread_where_that_is_asked(site: Site, client: Client) -> None:
    broken = study(C, statusModule={"overallStatus": None})
    site.always = registry(study(A), broken)
    sent = {one.trial: one for one in ctgov.fetch(client, site.url, [A, B, C])}
    assert sent[B] == Gone(B, "ctgov")
    assert (sent[A], sent[C]) == (ctgov.Sent(A, json.dumps(study(A)).encode()), ctgov.Sent(C, json.dumps(broken).encode()))
    read = [ctgov.read(one) for one in sent.values() if isinstance(one, ctgov.Sent)]
    assert {one.trial: type(one) for one in read} == {A: Found, C: Failed}


def test_the_request_names_ids_fields_and_size(site: Site, client: Client) -> None:
    site.always = registry()
    observed(client, site, A, B)
    assert site.asked[0].path == "/api/v2/studies"
    assert site.asked[0].query == {
        "filter.ids": f"{A}|{B}",
        "fields": "ProtocolSection|AnnotationSection|DocumentSection|HasResults",
        "format": "json",
        "pageSize": "2",
    }
    assert site.asked[0].headers["Accept"] == "application/json"


def test_many_trials_are_asked_in_batches_of_short_requests(site: Site, client: Client) -> None:
    trials = [f"NCT{number:08}" for number in range(1, 1201)]
    site.always = registry(*map(study, trials))
    assert all(isinstance(one, Found) for one in observed(client, site, *trials, batch_size=5000).values())
    assert max(len(asked.line) for asked in site.asked) <= 7500
    assert len(site.asked) == 3
    site.asked.clear()
    observed(client, site, *trials)
    assert [asked.query["pageSize"] for asked in site.asked] == ["250"] * 4 + ["200"]


def test_a_trial_asked_twice_is_answered_once(site: Site, client: Client) -> None:
    site.always = registry(study(A))
    assert [one.trial for one in ctgov.fetch(client, site.url, [A, A])] == [A]


def test_nothing_asked_is_no_request(site: Site, client: Client) -> None:
    assert observed(client, site) == {}
    assert site.asked == []


def test_a_page_of_the_site_below_a_path_is_asked_there(site: Site, client: Client) -> None:
    site.always = registry(study(A))
    list(ctgov.fetch(client, f"{site.url}/mirror/", [A]))
    assert site.paths == ["/mirror/api/v2/studies"]
    assert ctgov.study_url("https://clinicaltrials.gov/", A) == f"https://clinicaltrials.gov/study/{A}"


# Pages


def test_pages_are_read_until_none_is_left_and_repeat_the_question(site: Site, client: Client) -> None:
    site.always = registry(study(A), study(B), study(C), at_most=1, empty_pages=(1, 2))
    assert {type(one) for one in observed(client, site, A, B, C).values()} == {Found}
    tokens = [asked.query.get("pageToken") for asked in site.asked]
    assert tokens == [None, "1-1", "2-1", "3-1", "4-2"]
    rest = [{name: value for name, value in asked.query.items() if name != "pageToken"} for asked in site.asked]
    assert rest == [rest[0]] * 5


def test_records_arrive_before_the_last_page_is_asked(site: Site, client: Client) -> None:
    site.always = registry(study(A), study(B), at_most=1)
    observations = ctgov.fetch(client, site.url, [A, B])
    assert next(observations).trial == A
    assert len(site.asked) == 1


def test_a_token_that_comes_again_ends_with_an_error(site: Site, client: Client) -> None:
    site.prepare(page([study(A)], "x"), page([], "y"), page([], "x"))
    seen = observed(client, site, A, B)
    assert isinstance(seen[A], Found)
    assert "page after page without an end" in failure(seen[B])
    assert len(site.asked) == 3


def test_ever_new_tokens_end_with_an_error(site: Site, client: Client) -> None:
    site.always = lambda visit: page([], f"t{len(visit.site.asked)}")(visit)
    assert "without an end" in failure(observed(client, site, A)[A])
    assert len(site.asked) < 50


def test_a_token_too_long_to_send_ends_with_an_error(site: Site, client: Client) -> None:
    site.always = page([], "=" * 3000)
    assert "token that is too long" in failure(observed(client, site, A)[A])


def test_a_page_that_fails_keeps_what_came_before(site: Site, client: Client) -> None:
    site.prepare(page([study(A)], "x"))
    site.always = answer("Invalid page token", status=400, content_type="text/plain")
    seen = observed(client, site, A, B, C)
    assert isinstance(seen[A], Found)
    assert failure(seen[B]) == failure(seen[C])
    assert "answered 400 (bad request)" in failure(seen[B])


def test_a_batch_that_fails_stops_no_other(site: Site, client: Client) -> None:
    site.prepare(answer(status=500), page([study(C)]))
    seen = observed(client, site, A, B, C, batch_size=2)
    assert failure(seen[A]) == failure(seen[B])
    assert isinstance(seen[C], Found)


def test_an_answer_over_the_cap_is_asked_in_smaller_parts(site: Site, make_client: MakeClient) -> None:
    long, longer = ({"briefSummary": "word " * number} for number in (1000, 4000))
    site.always = registry(study(A), study(B, descriptionModule=long), study(C), study(D, descriptionModule=longer))
    last = "NCT00000005"
    seen = observed(make_client(max_bytes=7000), site, A, B, C, D, last, batch_size=4)
    assert [type(seen[trial]) for trial in (A, B, C)] == [Found] * 3
    assert isinstance(seen[last], Gone)
    assert "answered with more than 7000 bytes" in failure(seen[D])


# Who is who


def test_an_unknown_trial_among_good_ones_is_gone_and_the_others_are_found(site: Site, client: Client) -> None:
    site.always = registry(study(A), study(C))
    seen = observed(client, site, A, B, C)
    assert seen[B] == Gone(B, "ctgov")
    assert isinstance(seen[A], Found)
    assert isinstance(seen[C], Found)


def test_an_alias_has_moved_and_is_not_recorded(site: Site, client: Client) -> None:
    site.always = registry(study(A, aliases=[B, D]))
    assert observed(client, site, B) == {B: moved(B, study(A, aliases=[B, D]))}


def test_a_trial_and_its_alias_may_both_be_asked(site: Site, client: Client) -> None:
    site.always = registry(study(A, aliases=[B]))
    seen = observed(client, site, B, A)
    assert isinstance(seen[A], Found)
    assert seen[B] == moved(B, study(A, aliases=[B]))


def test_a_record_of_its_own_is_worth_more_than_an_alias(site: Site, client: Client) -> None:
    site.always = registry(study(A, aliases=[B]), study(B))
    assert isinstance(observed(client, site, A, B)[B], Found)


def test_an_alias_is_still_known_when_a_later_page_fails(site: Site, client: Client) -> None:
    site.prepare(page([study(A, aliases=[B])], "x"), answer(status=500))
    seen = observed(client, site, B, C)
    assert seen[B] == moved(B, study(A, aliases=[B]))
    assert "500" in failure(seen[C])


def test_another_trials_study_is_refused_and_proves_nothing(site: Site, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    site.prepare(page([study(D), study(A)]))
    with caplog.at_level(logging.INFO):
        seen = observed(client, site, A, B)
    assert isinstance(seen[A], Found)
    assert f"sent {D}, which was not asked for" in failure(seen[B])
    assert D in caplog.text


@pytest.mark.parametrize(
    "stranger",
    [
        {},
        {"protocolSection": None},
        {"protocolSection": {"identificationModule": {"briefTitle": "No id"}}},
        {"protocolSection": {"identificationModule": {"nctId": 3}}},
        {"protocolSection": {"identificationModule": {"nctId": "NCT1"}}},
        "words",
        None,
        17,
    ],
)
def test_a_study_without_an_id_is_nobodys_and_proves_nothing(site: Site, client: Client, stranger: Any) -> None:
    site.prepare(page([study(A), stranger]))
    seen = observed(client, site, A, B)
    assert isinstance(seen[A], Found)
    assert "a record whose NCT id cannot be read" in failure(seen[B])


def test_a_trial_that_comes_twice_is_answered_once(site: Site, client: Client) -> None:
    site.prepare(page([study(A)], "x"), page([study(A, status="COMPLETED")]))
    found = observed(client, site, A)[A]
    assert isinstance(found, Found)
    assert found.record.overall_status == "RECRUITING"


def test_an_alias_that_the_list_does_not_find_is_found_by_its_own_address(site: Site, client: Client) -> None:
    site.prepare(page([study(C)]))
    site.always = one_study(study(A, aliases=[B]))
    seen = observed(client, site, B, C)
    assert seen[B] == moved(B, study(A, aliases=[B]))
    assert site.paths[1:] == [f"/api/v2/studies/{B}", f"/api/v2/studies/{A}"]


def test_what_a_whole_list_does_not_hold_is_asked_for_by_itself(site: Site, client: Client) -> None:
    site.prepare(page([]))
    site.always = one_study(study(A))
    seen = observed(client, site, A)
    assert isinstance(seen[A], Found)
    assert site.asked[-1].query["fields"] == ctgov.FIELDS


def test_a_trial_is_not_gone_while_its_own_address_is_in_trouble(site: Site, client: Client) -> None:
    site.prepare(page([]))
    site.always = answer(status=503)
    assert "answered 503" in failure(observed(client, site, A)[A])


def test_an_own_address_without_an_id_proves_nothing(site: Site, client: Client) -> None:
    site.prepare(page([]), answer("{}"))
    assert "cannot be read" in failure(observed(client, site, A)[A])


def test_many_unknown_ids_do_not_cost_a_request_each_and_only_a_404_of_its_own_is_a_proof(site: Site, client: Client) -> None:
    site.always = registry()
    trials = [f"NCT{number:08}" for number in range(1, 201)]
    seen = observed(client, site, *trials)
    asked = {path.rpartition("/")[2] for path in site.paths} - {"studies"}
    assert 20 < len(asked) < 60
    assert {trial for trial, one in seen.items() if isinstance(one, Gone)} == asked
    assert {failure(one) for one in seen.values() if isinstance(one, Failed)} == {
        f"{site.url.removeprefix('http://')}/api/v2/studies did not send it; a next sync asks for it by itself"
    }


def test_trials_that_a_list_leaves_out_are_not_gone(site: Site, client: Client) -> None:
    trials = [f"NCT{number:08}" for number in range(1, 101)]
    one = one_study(*map(study, trials))
    site.always = lambda visit: (page([]) if "filter.ids" in visit.asked.query else one)(visit)
    kinds = Counter(type(one) for one in observed(client, site, *trials).values())
    assert Gone not in kinds
    assert kinds[Found] > 20


def test_another_trials_record_at_its_address_is_no_alias(site: Site, client: Client) -> None:
    site.prepare(page([]), answer(json.dumps(study(C))))
    assert f"sent the record of {C}" in failure(observed(client, site, A)[A])


def test_a_404_of_another_address_is_no_proof(site: Site, client: Client) -> None:
    site.prepare(page([]), redirect("/nowhere", status=301), answer("not found", status=404, content_type="text/plain"))
    assert "answered 404" in failure(observed(client, site, A)[A])


def test_a_batch_that_makes_the_server_fail_is_parted_where_others_work(site: Site, client: Client) -> None:
    trials = [f"NCT{number:08}" for number in range(1, 41)]
    whole = registry(*map(study, trials))

    def reply(visit: Visit) -> None:
        (answer(status=500) if trials[30] in visit.asked.query.get("filter.ids", "") else whole)(visit)

    site.always = reply
    seen = observed(client, site, *trials, batch_size=20)
    assert "500" in failure(seen.pop(trials[30]))
    assert {type(one) for one in seen.values()} == {Found}


# Trouble on the way


def test_a_token_that_went_stale_begins_the_batch_anew(site: Site, client: Client) -> None:
    stale = answer("Page token is stale", status=400, content_type="text/plain")
    site.prepare(page([study(A)], "x"), stale, page([study(A, status="COMPLETED")], "y"), page([study(B)]))
    seen = observed(client, site, A, B)
    assert {type(one) for one in seen.values()} == {Found}
    assert [asked.query.get("pageToken") for asked in site.asked] == [None, "x", None, "y"]


def test_a_registry_that_takes_back_every_token_is_said_to(site: Site, client: Client) -> None:
    stale = answer("Page token is stale", status=400, content_type="text/plain")
    site.prepare(*[page([study(A)], "x"), stale] * 3)
    assert "takes back its page tokens again and again" in failure(observed(client, site, A, B)[B])


def test_a_question_that_is_refused_at_once_is_not_asked_again(site: Site, client: Client) -> None:
    site.prepare(answer("Invalid", status=400, content_type="text/plain"))
    assert "answered 400" in failure(observed(client, site, A)[A])
    assert len(site.asked) == 1


def test_one_study_that_breaks_the_json_spoils_no_other(site: Site, client: Client) -> None:
    trials = [f"NCT{number:08}" for number in range(1, 41)]
    whole = registry(*map(study, trials))

    def reply(visit: Visit) -> None:
        broken = C in visit.asked.query.get("filter.ids", "")
        (answer('{"studies": [{"protocolSection": {') if broken else whole)(visit)

    site.always = reply
    seen = observed(client, site, *trials)
    assert "broken JSON" in failure(seen.pop(C))
    assert {type(one) for one in seen.values()} == {Found}
    assert len(site.asked) < 20


def test_a_registry_in_trouble_is_not_asked_for_ever(site: Site, client: Client) -> None:
    site.always = answer(status=503)
    trials = [f"NCT{number:08}" for number in range(1, 101)]
    assert {failure(one) for one in observed(client, site, *trials, batch_size=10).values()} == {failure(observed(client, site, A)[A])}
    assert len(site.asked) == 4


# Broken records


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (study(A, statusModule={"overallStatus": None}), "it has no overall status"),
        (study(A, statusModule={"overallStatus": " "}), "it has no overall status"),
        (study(A, statusModule={"overallStatus": ["RECRUITING"]}), r"$.protocolSection.statusModule.overallStatus"),
        (study(A, conditionsModule={"conditions": ["Dry mouth", 7]}), r"$.protocolSection.conditionsModule.conditions[1]"),
        (study(A, designModule={"enrollmentInfo": {"count": "forty"}}), r"$.protocolSection.designModule.enrollmentInfo.count"),
        (study(A, eligibilityModule={"healthyVolunteers": "No"}), r"$.protocolSection.eligibilityModule.healthyVolunteers"),
        (study(A, contactsLocationsModule={"locations": {}}), r"$.protocolSection.contactsLocationsModule.locations"),
        (study(A, statusModule={"startDateStruct": {"date": "January 2025"}}), "'January 2025' is no date"),
        (study(A, statusModule={"startDateStruct": {"date": "2025-1"}}), "'2025-1' is no date"),
        (study(A, statusModule={"startDateStruct": {"date": "2025-02-30"}}), "'2025-02-30' is no date"),
        (study(A, statusModule={"studyFirstSubmitDate": "2025-01-27T00:00"}), "is no date"),
        (study(A, statusModule={"statusVerifiedDate": "２０２５-01"}), "is no date"),
    ],
)
def test_a_record_that_cannot_be_used_fails_alone_and_says_why(site: Site, client: Client, broken: Study, why: str) -> None:
    site.prepare(page([study(B), broken, study(C)]))
    seen = observed(client, site, A, B, C)
    assert why in failure(seen[A])
    assert isinstance(seen[B], Found)
    assert isinstance(seen[C], Found)


@pytest.mark.parametrize("half", ["\\ud800", "\\uDC00", "\\ud83d\\ud83d\\ude00", "\\\\\\ud800"])
def test_half_a_letter_costs_no_other_record(site: Site, client: Client, half: str) -> None:
    whole = json.dumps(study(A, identificationModule={"acronym": "\U0001f600 \\ud800"}))
    site.prepare(answer(f'{{"studies": [{json.dumps(study(B)).replace(f"Study {B}", half)}, {whole}]}}'))
    odd, other = observed(client, site, B, A).values()
    assert isinstance(odd, Found)
    assert isinstance(other, Found)
    assert "\ufffd" in str(odd.record.brief_title)
    assert (other.payload, other.record.acronym) == (whole.encode(), "\U0001f600 \\ud800")


def test_bytes_that_are_no_utf8_fail_alone(site: Site, client: Client) -> None:
    bad = json.dumps(study(A)).encode().replace(b"Study N", b"Study \xff")
    site.prepare(answer(b'{"studies": [' + bad + b", " + json.dumps(study(B)).encode() + b"]}"))
    seen = observed(client, site, A, B)
    assert "cannot be read" in failure(seen[A])
    assert isinstance(seen[B], Found)


# Not the registry's answer


@pytest.mark.parametrize(
    ("body", "content_type", "why"),
    [
        ("<!DOCTYPE html><title>Maintenance</title>", "text/html", "answered with a web page instead of JSON"),
        ("<html>Maintenance</html>", "application/json", "answered with a web page instead of JSON"),
        ("Too busy", "text/plain; charset=utf-8", "answered with text/plain instead of JSON"),
        ("", "application/json", "answered with nothing instead of JSON"),
        ('{"studies": [', "application/json", "answered with broken JSON"),
        ('{"studies": []} and more', "application/json", "answered with broken JSON"),
        ("[]", "application/json", "JSON that is no page of studies"),
        ("null", "application/json", "JSON that is no page of studies"),
        ('{"message": "hello"}', "application/json", "JSON that is no page of studies"),
        ('{"studies": null}', "application/json", "JSON that is no page of studies"),
        ('{"studies": {}}', "application/json", "JSON that is no page of studies"),
        ('{"studies": [], "nextPageToken": 5}', "application/json", "JSON that is no page of studies"),
        ('{"studies": [' + "[" * 200_000, "application/json", "answered with broken JSON"),
        ('{"studies": [' + "[" * 200_000 + "]" * 200_000 + "]}", "application/json", "answered with broken JSON"),
    ],
    ids=lambda value: value[:30],
)
def test_what_is_no_answer_of_the_registry_fails_for_every_trial(
    site: Site, client: Client, body: str, content_type: str, why: str
) -> None:
    site.always = answer(body, content_type=content_type)
    seen = observed(client, site, A, B)
    assert failure(seen[A]) == failure(seen[B])
    assert why in failure(seen[A])
    assert failure(seen[A]).startswith("127.0.0.1:")


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (answer(b"\x1f\x8b\x08", Content_Encoding="gzip"), "cut short"),
        (raw(head(headers={"Content-Length": "500"}) + b'{"studies": []', hang_up=True), "cut short"),
        (redirect("/elsewhere"), "redirects in a circle"),
        (answer(status=429, Retry_After="7200"), "it asks to wait 2 h"),
    ],
    ids=["truncated gzip", "truncated body", "redirect loop", "too many requests"],
)
def test_a_request_that_fails_fails_for_every_trial(site: Site, client: Client, reply: Any, why: str) -> None:
    site.always = reply
    seen = observed(client, site, A, B)
    assert failure(seen[A]) == failure(seen[B])
    assert why in failure(seen[A])


def test_being_stopped_is_no_failure_of_a_trial(site: Site, client: Client) -> None:
    def close(visit: Visit) -> None:
        client.close()
        visit.hang_up()

    site.prepare(close)
    with pytest.raises(Stopped):
        list(ctgov.fetch(client, site.url, [A]))
