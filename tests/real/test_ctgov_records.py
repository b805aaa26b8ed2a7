"""Real records become canonical ones, and say what an independent reading of the same JSON says."""

from __future__ import annotations

import html
import json
import lzma
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from registry_sync.sources import ctgov, ctgov_record
from registry_sync.sources.http import Client
from registry_sync.sources.interface import Found, Moved
from registry_sync.trials.record import FIELDS, Record, from_json, to_json
from tests.sources.site import Site, Visit, answer, serve


class Pair(NamedTuple):
    """A study as it came, as plain JSON, and as a record."""

    payload: bytes
    study: dict[str, Any]
    record: Record


@pytest.fixture(scope="module")
def pairs(shared_data: Path) -> list[Pair]:
    with lzma.open(shared_data / "ctgov-records.jsonl.xz") as lines:
        payloads = [line.rstrip(b"\n") for line in lines]
    return [Pair(payload, json.loads(payload), ctgov_record.record_from(payload)) for payload in payloads]


def dig(study: dict[str, Any], path: str) -> Any:
    """The value at ``path``, or ``None``."""
    value: Any = study
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def folded(text: str | None) -> str | None:
    return " ".join(html.unescape(text).split()) if text is not None else None


STATUS = "protocolSection.statusModule."
PLAIN = {
    "trial": "protocolSection.identificationModule.nctId",
    "overall_status": STATUS + "overallStatus",
    "last_known_status": STATUS + "lastKnownStatus",
    "first_submit_date": STATUS + "studyFirstSubmitDate",
    "results_first_submit_date": STATUS + "resultsFirstSubmitDate",
    "results_delayed_date": STATUS + "dispFirstSubmitDate",
    "last_update_submit_date": STATUS + "lastUpdateSubmitDate",
    "status_verified_date": STATUS + "statusVerifiedDate",
    "sex": "protocolSection.eligibilityModule.sex",
    "minimum_age": "protocolSection.eligibilityModule.minimumAge",
    "maximum_age": "protocolSection.eligibilityModule.maximumAge",
    "healthy_volunteers": "protocolSection.eligibilityModule.healthyVolunteers",
    "study_type": "protocolSection.designModule.studyType",
    "allocation": "protocolSection.designModule.designInfo.allocation",
    "masking": "protocolSection.designModule.designInfo.maskingInfo.masking",
    "has_results": "hasResults",
}
TEXTS = {
    "why_stopped": STATUS + "whyStopped",
    "brief_title": "protocolSection.identificationModule.briefTitle",
    "official_title": "protocolSection.identificationModule.officialTitle",
    "acronym": "protocolSection.identificationModule.acronym",
    "lead_sponsor": "protocolSection.sponsorCollaboratorsModule.leadSponsor.name",
}
DATED = {
    "start_date": STATUS + "startDateStruct",
    "primary_completion_date": STATUS + "primaryCompletionDateStruct",
    "completion_date": STATUS + "completionDateStruct",
    "first_post_date": STATUS + "studyFirstPostDateStruct",
    "results_first_post_date": STATUS + "resultsFirstPostDateStruct",
    "last_update_post_date": STATUS + "lastUpdatePostDateStruct",
}
PLACES = "protocolSection.contactsLocationsModule."
OUTCOMES = "protocolSection.outcomesModule."
ARMS = "protocolSection.armsInterventionsModule."
LISTS: dict[str, tuple[str, dict[str, str]]] = {
    # field: path, and the parts of an item that are simple
    "locations": (
        PLACES + "locations",
        {"facility": "facility", "city": "city", "state": "state", "zip": "zip", "country": "country", "status": "status"},
    ),
    "central_contacts": (PLACES + "centralContacts", {"name": "name", "role": "role", "email": "email"}),
    "overall_officials": (PLACES + "overallOfficials", {"name": "name", "role": "role", "affiliation": "affiliation"}),
    "arms": (ARMS + "armGroups", {"label": "label", "type": "type"}),
    "interventions": (ARMS + "interventions", {"type": "type", "name": "name"}),
    "primary_outcomes": (OUTCOMES + "primaryOutcomes", {"measure": "measure", "time_frame": "timeFrame"}),
    "secondary_outcomes": (OUTCOMES + "secondaryOutcomes", {"measure": "measure", "time_frame": "timeFrame"}),
    "other_outcomes": (OUTCOMES + "otherOutcomes", {"measure": "measure", "time_frame": "timeFrame"}),
    "results_unposted": (
        "annotationSection.annotationModule.unpostedAnnotation.unpostedEvents",
        {"type": "type", "date": "date"},
    ),
    "documents": ("documentSection.largeDocumentModule.largeDocs", {"type": "typeAbbrev", "date": "date", "label": "label"}),
    "publications": (
        "protocolSection.referencesModule.references",
        {"pmid": "pmid", "citation": "citation", "type": "type"},
    ),
}
STRINGS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "phases": ("protocolSection.designModule.phases", str),
    "conditions": ("protocolSection.conditionsModule.conditions", str),
    "keywords": ("protocolSection.conditionsModule.keywords", str),
    "collaborators": ("protocolSection.sponsorCollaboratorsModule.collaborators", lambda sponsor: str(sponsor["name"])),
    "secondary_ids": ("protocolSection.identificationModule.secondaryIdInfos", lambda info: str(info["id"])),
}
PROSE = {
    "study_population": "protocolSection.eligibilityModule.studyPopulation",
    "brief_summary": "protocolSection.descriptionModule.briefSummary",
    "detailed_description": "protocolSection.descriptionModule.detailedDescription",
    "criteria": "protocolSection.eligibilityModule.eligibilityCriteria",
}
ELSEWHERE = {"expanded_access", "enrollment", "responsible_party"}


def test_every_field_is_checked_here() -> None:
    checked = {*PLAIN, *TEXTS, *DATED, *LISTS, *STRINGS, *PROSE, *ELSEWHERE}
    assert checked == {"trial", *(field.name for field in FIELDS)}


def test_all_records_become_canonical(pairs: list[Pair]) -> None:
    assert len(pairs) == 902
    assert len({pair.record.trial for pair in pairs}) == 902


def test_records_survive_being_kept(pairs: list[Pair]) -> None:
    assert all(from_json(to_json(pair.record)) == pair.record for pair in pairs)


@pytest.mark.parametrize("field", PLAIN)
def test_simple_values_are_the_registrys(pairs: list[Pair], field: str) -> None:
    assert [getattr(pair.record, field) for pair in pairs] == [dig(pair.study, PLAIN[field]) for pair in pairs]


@pytest.mark.parametrize("field", TEXTS)
def test_texts_are_the_registrys_but_for_blanks_and_entities(pairs: list[Pair], field: str) -> None:
    assert [getattr(pair.record, field) for pair in pairs] == [folded(dig(pair.study, TEXTS[field])) for pair in pairs]


@pytest.mark.parametrize("field", DATED)
def test_dates_keep_their_precision_and_type(pairs: list[Pair], field: str) -> None:
    for pair in pairs:
        value, struct = getattr(pair.record, field), dig(pair.study, DATED[field])
        assert (value and (value.date, value.type)) == (struct and (struct["date"], struct.get("type"))), pair.record.trial


@pytest.mark.parametrize("field", LISTS)
def test_lists_have_every_item_with_its_parts(pairs: list[Pair], field: str) -> None:
    path, parts = LISTS[field]
    for pair in pairs:
        value, sent = getattr(pair.record, field), dig(pair.study, path)
        expected = None if sent is None else [tuple(folded(item.get(name)) for name in parts.values()) for item in sent]
        got = None if value is None else [tuple(getattr(item, name) for name in parts) for item in value]
        assert got == expected, pair.record.trial


@pytest.mark.parametrize("field", STRINGS)
def test_lists_of_strings_have_every_string(pairs: list[Pair], field: str) -> None:
    path, text = STRINGS[field]
    for pair in pairs:
        value, sent = getattr(pair.record, field), dig(pair.study, path)
        assert value == (None if sent is None else tuple(folded(text(item)) for item in sent)), pair.record.trial


def test_enrolment_sponsor_and_expanded_access(pairs: list[Pair]) -> None:
    for pair in pairs:
        enrollment = dig(pair.study, "protocolSection.designModule.enrollmentInfo")
        assert msgspec.to_builtins(pair.record.enrollment) == (
            enrollment and {"count": enrollment["count"], "type": enrollment.get("type")}
        )
        party = dig(pair.study, "protocolSection.sponsorCollaboratorsModule.responsibleParty")
        if party is None:
            assert pair.record.responsible_party is None
        else:
            old = f"{party['oldNameTitle']}, {party['oldOrganization']}" if "oldNameTitle" in party else None
            name = folded(party.get("investigatorFullName", old))
            assert msgspec.to_builtins(pair.record.responsible_party) == {"type": party.get("type"), "name": name}
        access = dig(pair.study, STATUS + "expandedAccessInfo") or {}
        kept = {"trial": access.get("nctId"), "status": access.get("statusForNctId")} if access.get("hasExpandedAccess") else None
        assert msgspec.to_builtins(pair.record.expanded_access) == kept


def test_contacts_of_sites_are_all_there_with_their_extensions(pairs: list[Pair]) -> None:
    extensions = 0
    for pair in pairs:
        sent = [person for site in dig(pair.study, PLACES + "locations") or [] for person in site.get("contacts", [])]
        kept = [person for site in pair.record.locations or () for person in site.contacts]
        assert [person.email for person in kept] == [person.get("email") for person in sent]
        for person, original in zip(kept, sent, strict=True):
            if "phoneExt" in original:
                extensions += 1
                assert person.phone == f"{folded(original['phone'])} ext. {original['phoneExt']}"
    assert extensions > 10


WORD = re.compile(r"[^\W\d_]{3,}")


@pytest.mark.parametrize("field", PROSE)
def test_prose_loses_no_word(pairs: list[Pair], field: str) -> None:
    for pair in pairs:
        value, sent = getattr(pair.record, field), dig(pair.study, PROSE[field])
        assert (value is None) == (sent is None), pair.record.trial
        if isinstance(value, str):
            plain = re.sub(r"\\(?=[^\w\s])", "", sent)
            assert WORD.findall(value) == WORD.findall(html.unescape(html.unescape(plain))), pair.record.trial
            assert "\n\n\n" not in value
            assert value == value.strip()
        elif value is not None:
            assert value, pair.record.trial


ESCAPE = re.compile(r"\\[<>&~\[\]*_]|&(?:gt|lt|amp|quot|#39);")


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from texts(part)


def test_no_escape_and_no_entity_is_left_in_any_text(pairs: list[Pair]) -> None:
    left = [text for pair in pairs for text in texts(msgspec.to_builtins(pair.record)) if ESCAPE.search(text)]
    assert left == []


def test_days_that_differ_in_the_release_stamp_alone_are_one_record(shared_data: Path) -> None:
    same = 0
    last: dict[str, tuple[dict[str, Any], Record]] = {}
    with lzma.open(shared_data / "ctgov-days.jsonl.xz") as lines:
        for line in lines:
            day = json.loads(line)
            study, record = day["study"], ctgov_record.record_from(json.dumps(day["study"]).encode())
            assert record.trial == day["nct"]
            content = {name: part for name, part in study.items() if name not in ("derivedSection", "resultsSection")}
            before = last.get(day["nct"])
            if before and before[0] == content:
                same += 1
                assert record == before[1]
            last[day["nct"]] = (content, record)
    assert same > 2000


@pytest.fixture
def registry(pairs: list[Pair]) -> Iterable[Site]:
    """The API on loopback, with the real records."""
    by_id: dict[str, list[bytes]] = defaultdict(list)
    for pair in pairs:
        identification = pair.study["protocolSection"]["identificationModule"]
        for trial in (identification["nctId"], *identification.get("nctIdAliases", [])):
            by_id[trial].append(pair.payload)

    def reply(visit: Visit) -> None:
        wanted = visit.asked.query["filter.ids"].split("|")
        found = dict.fromkeys(payload for trial in wanted for payload in by_id[trial])
        answer(b'{"studies":[' + b",\n".join(found) + b"]}")(visit)

    for site in serve():
        site.always = reply
        yield site


def test_all_records_are_found_over_http_with_their_own_bytes(registry: Site, pairs: list[Pair]) -> None:
    aliases = {
        alias: pair.record.trial for pair in pairs for alias in dig(pair.study, "protocolSection.identificationModule.nctIdAliases") or []
    }
    assert aliases
    with Client(contact="", timeout=30, attempts=1, requests_per_minute=600_000) as client:
        asked = ctgov.fetch(client, registry.url, [*aliases, *(pair.record.trial for pair in pairs)])
        seen = {one.trial: ctgov.read(one) if isinstance(one, ctgov.Sent) else one for one in asked}
        assert client.requests == len(registry.asked) == 4
    for pair in pairs:
        posted = pair.record.last_update_post_date
        assert seen.pop(pair.record.trial) == Found(pair.record.trial, "ctgov", pair.record, pair.payload, posted.date if posted else None)
    payloads = {pair.record.trial: pair.payload for pair in pairs}
    assert seen == {alias: Moved(alias, "ctgov", trial, payloads[trial]) for alias, trial in aliases.items()}
