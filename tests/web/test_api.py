"""JSON for programs: the shapes of the command line, over the web, and as ``docs/openapi.json`` describes them.

``python -m tests.web.test_api`` writes that file anew.
"""

from __future__ import annotations

import datetime
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import jsonschema
import pytest
import requests

from db import aliases, searches, watches
from jobs.backfill import backfill
from jobs.surroundings import as_stamp
from registry_sync.demo import record
from registry_sync.demo.record import TITLE, TRIAL
from registry_sync.demo.story import first_listing
from registry_sync.sources.ctgov_search import search_from
from registry_sync.web import answers, api, openapi
from tests.house import House
from tests.web.conftest import READER, Site, Terminal

OTHER = "NCT00000900"
FILE = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"
DOCUMENT = openapi.document()
VALIDATOR = jsonschema.Draft202012Validator
NONSENSE = (
    "",
    "0",
    "-1",
    "1",
    "true",
    "x" * 5000,
    "9" * 40,
    "\x00",
    "' OR 1=1 --",
    "%",
    "2026-02-30",
    "2026-02-04",
    "\ufffe",
    "٣",
    "..",
    "/",
)
EXAMPLES = {"trial": TRIAL, "date": "2026-02-04"}


def written() -> str:
    return json.dumps(DOCUMENT, indent=1, ensure_ascii=False) + "\n"


@pytest.fixture
def lively(house: House) -> House:
    """Two trials, one with a listing and a person to ask; a search; changes of several kinds."""
    house.registry.put(record.the_study())
    house.registry.put(record.a_study(OTHER, title="Another trial"))
    house.listing.put(TRIAL, first_listing())
    house.watch(TRIAL, pages=(house.listing.url_of(TRIAL),))
    house.watch(OTHER)
    with house.history() as history:
        searches.add(history, search_from(["cond=Xerostomia"]), as_stamp(house.at))
    house.sync(days=0)
    house.subscribe(READER)
    for status, date in (("SUSPENDED", "2026-02-03"), ("RECRUITING", "2026-02-04")):
        house.registry.put(record.with_status(house.registry.study(TRIAL), status, posted=date))
        house.sync()
    house.registry.put(record.with_criterion(house.registry.study(TRIAL), "within 6 months", "within 12 months", posted="2026-02-05"))
    house.sync()
    return house


def get(site: Site, path: str, status: int = 200, **more: Any) -> Any:
    """An answer's JSON, held against the description."""
    answer = site.get(path, **more)
    assert answer.status_code == status, answer.text
    assert described(path, answer), path
    return answer.json()


def described(path: str, answer: requests.Response) -> bool:
    """Is this what the description says of it? Raises ValidationError."""
    asked = urlsplit(path).path
    pattern = next((each for each in DOCUMENT["paths"] if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", each), asked)), None)
    if pattern is None:
        return False
    says = DOCUMENT["paths"][pattern]["get"]["responses"][str(answer.status_code)]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    ((media_type, content),) = says["content"].items()
    assert answer.headers["Content-Type"] == media_type
    assert set(says.get("headers", ())) - {"Last-Modified"} <= {name for name in says.get("headers", ()) if name in answer.headers}
    schema = {**content["schema"], "components": DOCUMENT["components"]}
    VALIDATOR(schema, format_checker=VALIDATOR.FORMAT_CHECKER).validate(answer.json())
    return True


# --- the description ---------------------------------------------------------------------------------------------------


def test_the_file_is_what_the_program_makes() -> None:
    assert FILE.read_text(encoding="utf-8") == written(), "python -m tests.web.test_api"


def test_the_description_is_served_with_the_public_address(site: Site) -> None:
    assert get(site, "/api/openapi.json") == openapi.document(site.url)


def test_every_route_is_described_and_no_other() -> None:
    assert set(DOCUMENT["paths"]) == {route.path for route in api.routes()}


def test_the_description_is_sound() -> None:
    names = set(DOCUMENT["components"]["schemas"])
    used = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(DOCUMENT)))
    assert used == names - ({"Record"} - used)
    for schema in DOCUMENT["components"]["schemas"].values():
        VALIDATOR.check_schema(schema)
    operations = [path["get"] for path in DOCUMENT["paths"].values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for path, entry in DOCUMENT["paths"].items():
        parameters = entry["get"]["parameters"]
        assert {each["name"] for each in parameters if each["in"] == "path"} == set(re.findall(r"\{(\w+)\}", path))
        assert len({each["name"] for each in parameters}) == len(parameters)


@pytest.mark.parametrize("path", sorted(DOCUMENT["paths"]))
def test_every_status_that_is_described_comes_as_described(site: Site, lively: House, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lively.at += datetime.timedelta(minutes=5)
    concrete = path.format(**EXAMPLES)
    get(site, concrete)
    first = site.get(concrete)
    assert site.get(concrete, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    assert site.head(concrete).headers["ETag"] == first.headers["ETag"]
    assert get(site, f"{concrete}?nonsense=1", 400)["title"] == "Bad Request"
    refused = site.post(concrete)
    assert refused.status_code == 405
    assert described(concrete, refused)
    if "{trial}" in path:
        for unknown in ("NCT99999999", "nonsense", "NCT1", "%00"):
            get(site, path.format(**{**EXAMPLES, "trial": unknown}), 404)
    with monkeypatch.context() as patched:
        patched.setattr(answers, "_kept", answers._Kept())
        patched.setattr(api, "answer", None)
        get(site, concrete, 500)
    if path != "/api/openapi.json":
        for file in lively.folder.glob("history.db*"):
            file.unlink()
        assert str(lively.folder) not in json.dumps(get(site, concrete, 503))


@pytest.mark.parametrize("path", sorted(DOCUMENT["paths"]))
def test_every_parameter_is_taken_and_nonsense_in_it_harms_nothing(site: Site, lively: House, path: str) -> None:
    for parameter in DOCUMENT["paths"][path]["get"]["parameters"]:
        for value in NONSENSE if parameter["in"] != "header" else ():
            values, query = dict(EXAMPLES), {}
            (values if parameter["in"] == "path" else query)[parameter["name"]] = value
            answer = site.get(path.format(**{name: quote(text, safe="") for name, text in values.items()}), params=query)
            assert answer.status_code in (200, 400, 404), (parameter["name"], value, answer.text)
            assert "json" in answer.headers["Content-Type"]


def test_what_is_not_there_is_said_in_the_same_shape(site: Site) -> None:
    for path in ("/api/", "/api/nothing", "/api/trials/", "/api/trials/NCT06805448/nothing"):
        answer = site.get(path)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json() == {
            "type": "about:blank",
            "title": "Not Found",
            "status": 404,
            "detail": "There is nothing under this address.",
        }


# --- what is answered --------------------------------------------------------------------------------------------------


def test_a_record_a_change_and_a_version_are_what_the_command_line_shows(site: Site, lively: House, terminal: Terminal) -> None:
    def typed(*words: str) -> Any:
        return json.loads(terminal(*words, "--json").out)

    assert get(site, f"/api/trials/{TRIAL}") == typed("show", TRIAL)
    assert get(site, f"/api/trials/{TRIAL}/versions") == typed("history", TRIAL)
    rows, shown = get(site, f"/api/trials/{TRIAL}/listings"), typed("audit", TRIAL)
    assert [{**row, "days": None} for row in rows] == [{**row, "days": None} for row in shown]  # of another day
    assert get(site, f"/api/trials/{TRIAL}/changes") == typed("changes", TRIAL)
    assert get(site, f"/api/trials/{TRIAL}/diff") == typed("diff", TRIAL)
    rows, shown = get(site, f"/api/trials/{TRIAL}/diff?from=1&to=2&housekeeping=true"), typed("diff", TRIAL, "1", "2", "--all")
    assert [row["field"] for row in rows] == [row["field"] for row in shown]
    assert [row for row in rows if row["topic"] != "places"] == [row for row in shown if row["topic"] != "places"]
    stood = typed("show", TRIAL, "--at", "2026-02-04")
    assert get(site, f"/api/trials/{TRIAL}/at/2026-02-04")["overall_status"] == stood["overall_status"]


def test_the_list_is_found_by_words_condition_country_and_status(site: Site, lively: House) -> None:
    whole = get(site, "/api/trials")
    assert whole["total"] == 2
    assert whole["next"] is None
    assert [row["trial"] for row in whole["trials"]] == [TRIAL, OTHER]
    assert whole["trials"][0]["brief_title"] == TITLE
    for query, found in (
        ("q=mesenchymal+SJOGREN", [TRIAL]),
        (f"q={OTHER.lower()}", [OTHER]),
        ("q=nothing+like+it", []),
        ("condition=sjögren's", [TRIAL]),
        ("country=denmark&condition=xerostomia&status=recruiting", [TRIAL]),
        ("country=denmark", [TRIAL, OTHER]),
        ("country=Atlantis", []),
        ("status=WITHDRAWN", []),
    ):
        assert [row["trial"] for row in get(site, f"/api/trials?{query}")["trials"]] == found, query


def test_the_list_comes_a_page_at_a_time(site: Site, lively: House) -> None:
    first = get(site, "/api/trials?limit=1")
    second = get(site, first["next"].removeprefix(site.url))
    assert [row["trial"] for page in (first, second) for row in page["trials"]] == [TRIAL, OTHER]
    assert second["next"] is None


def test_a_program_that_asks_on_misses_nothing_and_gets_nothing_twice(site: Site, lively: House) -> None:
    everything = get(site, "/api/changes?housekeeping=true")["changes"]
    assert [change["id"] for change in everything] == sorted(change.id for change in lively.changes(housekeeping=True))
    found, path = [], "/api/changes?housekeeping=true&limit=2"
    while path:
        page = get(site, path)
        found += page["changes"]
        path = (page["next"] or "").removeprefix(site.url)
    assert found == everything
    last = found[-1]["id"]
    assert get(site, f"/api/changes?after_id={last}") == {"changes": [], "last_id": last, "next": None}


def test_changes_by_topic_day_and_search(site: Site, lively: House) -> None:
    def topics(query: str) -> set[str]:
        return {change["topic"] for change in get(site, f"/api/changes?{query}")["changes"]}

    assert topics("topic=criteria") == {"criteria"}
    assert topics("topic=listing,criteria") == {"listing", "criteria"}
    assert topics(f"since={as_stamp(lively.at)}") <= {"criteria", "listing"}
    assert topics("since=2030-01-01") == set()
    assert {change["trial"] for change in get(site, "/api/changes?condition=Xerostomia")["changes"]} == {TRIAL}
    get(site, "/api/changes?condition=Nothing", 404)
    get(site, "/api/changes?topic=nonsense", 400)
    assert get(site, "/api/searches")[0]["query"] == {"cond": "Xerostomia"}


def test_what_was_backfilled_comes_when_it_is_asked_for(site: Site, house: House) -> None:
    house.registry.show_history(True)
    house.registry.put(record.the_study())
    house.registry.put(record.with_status(house.registry.study(TRIAL), "SUSPENDED", posted="2025-06-01"))
    house.watch(TRIAL)
    house.sync(days=0)
    tag = site.get(f"/api/trials/{TRIAL}/versions").headers["ETag"]
    backfill(house.around, (TRIAL,))
    assert any(row["backfilled"] for row in get(site, f"/api/trials/{TRIAL}/versions", headers={"If-None-Match": tag}))
    assert get(site, f"/api/trials/{TRIAL}/changes") == get(site, "/api/changes")["changes"] == []
    assert get(site, f"/api/trials/{TRIAL}/changes?backfilled=true")
    assert get(site, "/api/changes?backfilled=true")["changes"]


def test_two_versions_by_day_and_by_number(site: Site, lively: House) -> None:
    by_day = get(site, f"/api/trials/{TRIAL}/diff?from=2026-02-03&to=2026-02-04")
    assert ("SUSPENDED", "RECRUITING") in {(change["before"], change["after"]) for change in by_day if change["field"] == "overall_status"}
    assert get(site, f"/api/trials/{TRIAL}/diff?from=2&to=2") == []
    assert get(site, f"/api/trials/{TRIAL}/diff?to=2") == get(site, f"/api/trials/{TRIAL}/diff?from=1&to=2")
    assert get(site, f"/api/trials/{TRIAL}/diff?to=1") == []  # there is none before it
    for query, status in (("from=3&to=1", 400), ("from=99", 404), ("from=2020-01-01", 404), ("from=x", 400)):
        get(site, f"/api/trials/{TRIAL}/diff?{query}", status)
    get(site, f"/api/trials/{TRIAL}/at/2020-01-01", 404)
    get(site, f"/api/trials/{TRIAL}/at/tomorrow", 400)


def test_a_value_is_as_long_as_it_came(site: Site, lively: House) -> None:
    for letter in ("x", "%20", "%1C"):
        for name in ("q", "condition", "country", "status"):
            get(site, f"/api/trials?{name}={letter * 500}")
            get(site, f"/api/trials?{name}={letter * 501}", 400)


def test_a_trial_that_was_not_seen_yet_says_so(site: Site, house: House) -> None:
    house.watch(OTHER)
    for part in ("", "/diff", "/diff?from=1", "/at/2026-02-04"):
        assert "detail" in get(site, f"/api/trials/{OTHER}{part}", 404)
    assert get(site, f"/api/trials/{OTHER}/versions") == get(site, f"/api/trials/{OTHER}/listings") == []
    (row,) = get(site, "/api/trials")["trials"]
    assert (row["trial"], row["brief_title"], row["changed_at"]) == (OTHER, None, None)
    assert get(site, "/api/trials?q=anything")["total"] == 0


def test_a_merged_id_leads_to_the_record_that_it_was_merged_into(site: Site, lively: House) -> None:
    with lively.history() as history, history.write():
        aliases.merge(history, OTHER, TRIAL, as_stamp(lively.at))
    assert get(site, f"/api/trials/{OTHER}")["trial"] == TRIAL


def test_a_trial_that_is_watched_no_more_is_not_there(site: Site, lively: House) -> None:
    with lively.history() as history:
        watches.remove(history, [TRIAL])
    get(site, f"/api/trials/{TRIAL}", 404)
    assert TRIAL not in json.dumps(get(site, "/api/changes?housekeeping=true"))


def test_people_stand_in_the_record_as_it_is_now_alone(site: Site, lively: House) -> None:
    number, later = "+45 12 34 56 78", "+45 87 65 43 21"
    for phone, date in ((number, "2026-02-08"), (later, "2026-02-09")):
        study = lively.registry.study(TRIAL)
        places = study["protocolSection"]["contactsLocationsModule"]
        person = {"name": "Contact B", "role": "CONTACT", "phone": phone, "email": "contact-b@example.org"}
        places["centralContacts"] = [person]
        places["locations"][0]["contacts"] = [person]
        lively.registry.put(record.with_status(study, "RECRUITING", posted=date))
        lively.sync()
    now = json.dumps(get(site, f"/api/trials/{TRIAL}"))
    assert later in now
    assert "contact-b@example.org" in now
    for path in (
        "/api/changes?housekeeping=true",
        f"/api/trials/{TRIAL}/changes?housekeeping=true",
        f"/api/trials/{TRIAL}/diff?from=1&housekeeping=true",
        f"/api/trials/{TRIAL}/at/2026-02-08",
    ):
        text = json.dumps(get(site, path))
        assert "central_contacts" in text or "/at/" in path, path
        assert "Contact A" not in text, path
        assert "Contact B" not in text, path
        assert number not in text, path
        assert later not in text, path
        assert "@example.org" not in text, path
    assert later in json.dumps(get(site, f"/api/trials/{TRIAL}/at/2026-12-31"))


def test_nothing_about_subscribers_is_in_any_of_it(site: Site, lively: House) -> None:
    with lively.history() as history:
        secrets = [row["value"] for row in history.rows("SELECT value FROM secret")]
        secrets += [row["stop_token"] for row in history.rows("SELECT stop_token FROM subscription")]
        secrets += [row["id"] for row in history.rows("SELECT id FROM notice")]
    assert len(secrets) > 3
    paths = [path.format(**EXAMPLES) for path in DOCUMENT["paths"]]
    for path in (*paths, "/feed.atom", "/calendar.ics", f"/trials/{TRIAL}/calendar.ics", "/healthz", "/metrics", "/status"):
        text = site.get(path).text
        assert READER not in text, path
        assert not [secret for secret in secrets if secret in text], path


@pytest.mark.parametrize(
    "text", ["\ud800 alone", "\x00\x1b\u202e</script>", "x" * 2**20, "ب" * 5000], ids=["surrogate", "controls", "long", "arabic"]
)
def test_hostile_text_comes_through_everything(site: Site, lively: House, text: str) -> None:
    study = lively.registry.study(TRIAL)
    protocol = study["protocolSection"]
    protocol["identificationModule"]["briefTitle"] = protocol["identificationModule"]["officialTitle"] = text
    protocol["statusModule"]["whyStopped"] = text
    protocol["conditionsModule"]["conditions"] = [text]
    protocol["contactsLocationsModule"]["locations"][0]["facility"] = text
    lively.registry.put(record.with_criterion(study, "within 12 months", text, posted="2026-02-08"))
    lively.sync()
    for path in DOCUMENT["paths"]:
        get(site, path.format(**{**EXAMPLES, "date": "2026-12-31"}))
    for path in (
        "/feed.atom",
        f"/trials/{TRIAL}/feed.atom?lang=da",
        "/calendar.ics",
        f"/trials/{TRIAL}/calendar.ics",
        "/metrics",
        "/status",
    ):
        answer = site.get(path)
        assert answer.status_code == 200
        assert len(answer.content) < 2**18, path


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
