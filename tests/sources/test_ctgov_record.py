"""One study of API v2 -> the canonical record, field by field."""

from __future__ import annotations

import json
from typing import Any

import pytest

from registry_sync.errors import BadContent
from registry_sync.sources.ctgov_record import differing, record_from
from registry_sync.trials.record import (
    FIELDS,
    Arm,
    Contact,
    Dated,
    Document,
    Enrollment,
    ExpandedAccess,
    Intervention,
    Location,
    Official,
    Outcome,
    Publication,
    Record,
    ResponsibleParty,
    UnpostedEvent,
)
from registry_sync.trials.significance import judged
from tests.sources.studies import study

TRIAL = "NCT00000001"


def record(**modules: Any) -> Record:
    return record_from(json.dumps(study(TRIAL, **modules)).encode())


def test_a_field_that_is_not_sent_is_not_stated() -> None:
    bare = {"protocolSection": {"identificationModule": {"nctId": TRIAL}, "statusModule": {"overallStatus": "WITHHELD"}}}
    assert record_from(json.dumps(bare).encode()) == Record(trial=TRIAL, overall_status="WITHHELD")


def test_null_anywhere_is_not_stated() -> None:
    sent = study(TRIAL, conditionsModule={"conditions": [None, "Dry mouth"], "keywords": None}, designModule=None)
    sent["protocolSection"]["contactsLocationsModule"] = {
        "locations": [None, {"city": "Copenhagen", "contacts": None}],
        "centralContacts": None,
    }
    sent["documentSection"] = sent["annotationSection"] = sent["hasResults"] = None
    got = record_from(json.dumps(sent).encode())
    assert (got.conditions, got.keywords, got.has_results, got.documents) == (("Dry mouth",), None, None, None)
    assert got.locations == (Location(city="Copenhagen"),)


def test_an_empty_list_is_stated_and_empty() -> None:
    assert record(conditionsModule={"keywords": []}).keywords == ()


def test_status_and_dates() -> None:
    got = record(
        statusModule={
            "overallStatus": "UNKNOWN",
            "lastKnownStatus": "RECRUITING",
            "whyStopped": "No money.\n2. Too few  people",
            "statusVerifiedDate": "2024-02",
            "startDateStruct": {"date": "2025"},
            "primaryCompletionDateStruct": {"date": "2025-06", "type": "ANTICIPATED"},
            "completionDateStruct": {"date": "2025-12-31", "type": "ESTIMATED"},
            "studyFirstSubmitDate": "2025-01-27",
            "studyFirstPostDateStruct": {"date": "2025-02-03", "type": "ACTUAL"},
            "resultsFirstSubmitDate": "2026-01-02",
            "resultsFirstPostDateStruct": {"date": "2026-02-01", "type": "ESTIMATED"},
            "dispFirstSubmitDate": "2025-11-11",
            "lastUpdateSubmitDate": "2026-02-01",
        }
    )
    assert (got.overall_status, got.last_known_status, got.why_stopped) == ("UNKNOWN", "RECRUITING", "No money. 2. Too few people")
    assert got.start_date == Dated("2025", None)
    assert got.primary_completion_date == Dated("2025-06", "ESTIMATED")
    assert got.completion_date == Dated("2025-12-31", "ESTIMATED")
    assert (got.first_submit_date, got.first_post_date) == ("2025-01-27", Dated("2025-02-03", "ACTUAL"))
    assert (got.results_first_submit_date, got.results_first_post_date) == ("2026-01-02", Dated("2026-02-01", "ESTIMATED"))
    assert got.results_delayed_date == "2025-11-11"
    assert (got.last_update_submit_date, got.last_update_post_date) == ("2026-02-01", Dated("2026-02-03", "ACTUAL"))
    assert got.status_verified_date == "2024-02"


def test_a_date_struct_without_a_date_states_nothing() -> None:
    assert record(statusModule={"startDateStruct": {"type": "ACTUAL"}}).start_date is None


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        (None, None),
        ({"hasExpandedAccess": False}, None),
        ({"nctId": "NCT00000009"}, None),
        ({"hasExpandedAccess": True}, ExpandedAccess()),
        (
            {"hasExpandedAccess": True, "nctId": "NCT00000009", "statusForNctId": "AVAILABLE"},
            ExpandedAccess("NCT00000009", "AVAILABLE"),
        ),
    ],
)
def test_expanded_access(info: Any, expected: ExpandedAccess | None) -> None:
    assert record(statusModule={"expandedAccessInfo": info}).expanded_access == expected


def test_who_may_take_part() -> None:
    got = record(
        eligibilityModule={
            "eligibilityCriteria": "Inclusion Criteria:\n\n* Flow \\>= 0.05 ml/min\n* Age 18\n\nExclusion Criteria:\n\n* Smoking",
            "healthyVolunteers": False,
            "sex": "ALL",
            "minimumAge": " 18 Years",
            "maximumAge": "30 Weeks",
            "studyPopulation": "People of \\[one\\] town",
        }
    )
    assert [(one.group, one.text) for one in got.criteria or ()] == [
        ("inclusion", "Flow >= 0.05 ml/min"),
        ("inclusion", "Age 18"),
        ("exclusion", "Smoking"),
    ]
    assert (got.sex, got.minimum_age, got.maximum_age, got.healthy_volunteers) == ("ALL", "18 Years", "30 Weeks", False)
    assert got.study_population == "People of [one] town"


def test_no_criteria_are_not_stated() -> None:
    assert record(eligibilityModule={"eligibilityCriteria": " \n"}).criteria is None


def test_places_and_people() -> None:
    person = {"name": "Contact A", "role": "CONTACT", "phone": "+45 00000000", "phoneExt": "12", "email": "a@example.org"}
    got = record(
        contactsLocationsModule={
            "centralContacts": [person, {"name": "Contact B", "phoneExt": "7"}, {}],
            "overallOfficials": [{"name": "Official A", "role": "STUDY_CHAIR", "affiliation": "A  Hospital"}],
            "locations": [
                {
                    "facility": "Children&#39;s Hospital",
                    "status": "RECRUITING",
                    "city": "Copenhagen",
                    "state": "Capital",
                    "zip": "2100",
                    "country": "Denmark",
                    "contacts": [person],
                    "geoPoint": {"lat": 1.0, "lon": 2.0},
                },
                {"geoPoint": {"lat": 1.0, "lon": 2.0}},
            ],
        }
    )
    contact = Contact("Contact A", "CONTACT", "+45 00000000 ext. 12", "a@example.org")
    assert got.central_contacts == (contact, Contact("Contact B"))
    assert got.overall_officials == (Official("Official A", "STUDY_CHAIR", "A Hospital"),)
    assert got.locations == (Location("Children's Hospital", "Copenhagen", "Capital", "2100", "Denmark", "RECRUITING", (contact,)),)


def test_design() -> None:
    outcome = {"measure": "Flow &amp;gt; 1 \\[ml\\]", "timeFrame": "6 \\> months", "description": "First.\n\n\n Second\nline"}
    got = record(
        designModule={
            "studyType": "INTERVENTIONAL",
            "phases": ["PHASE1", "PHASE2"],
            "designInfo": {"allocation": "RANDOMIZED", "maskingInfo": {"masking": "DOUBLE"}},
            "enrollmentInfo": {"count": 40, "type": "ANTICIPATED"},
        },
        armsInterventionsModule={
            "armGroups": [{"label": "Arm 1", "type": "EXPERIMENTAL", "description": "50 \\~ 60 mg"}],
            "interventions": [{"type": "DRUG", "name": "Drug &amp; drops", "description": "\\&amp;#39;daily\\&amp;#39;"}],
        },
        outcomesModule={"primaryOutcomes": [outcome], "secondaryOutcomes": [], "otherOutcomes": [{"measure": "Mood"}]},
    )
    assert (got.study_type, got.phases, got.allocation, got.masking) == ("INTERVENTIONAL", ("PHASE1", "PHASE2"), "RANDOMIZED", "DOUBLE")
    assert got.enrollment == Enrollment(40, "ESTIMATED")
    assert got.arms == (Arm("Arm 1", "EXPERIMENTAL", "50 ~ 60 mg"),)
    assert got.interventions == (Intervention("DRUG", "Drug & drops", "'daily'"),)
    assert got.primary_outcomes == (Outcome("Flow > 1 [ml]", "6 > months", "First.\n\nSecond line"),)
    assert (got.secondary_outcomes, got.other_outcomes) == ((), (Outcome("Mood"),))


def test_results_documents_and_publications() -> None:
    sent = study(
        TRIAL, referencesModule={"references": [{"pmid": "1", "type": "DERIVED", "citation": "A  paper."}, {"citation": "Another."}]}
    )
    sent["hasResults"] = True
    sent["annotationSection"] = {
        "annotationModule": {
            "unpostedAnnotation": {
                "unpostedEvents": [
                    {"type": "RELEASE", "date": "2026-01-05"},
                    {"type": "UNRELEASE", "dateUnknown": True},
                ]
            }
        }
    }
    sent["documentSection"] = {
        "largeDocumentModule": {"largeDocs": [{"typeAbbrev": "Prot_SAP", "date": "2025-01-01", "label": "Protocol", "size": 1}]}
    }
    got = record_from(json.dumps(sent).encode())
    assert got.has_results is True
    assert got.results_unposted == (UnpostedEvent("RELEASE", "2026-01-05"), UnpostedEvent("UNRELEASE", None))
    assert got.documents == (Document("Prot_SAP", "2025-01-01", "Protocol"),)
    assert got.publications == (Publication("1", "A paper.", "DERIVED"), Publication(None, "Another.", None))


def test_identity() -> None:
    got = record(
        identificationModule={
            "briefTitle": " A  title\u00a0here ",
            "officialTitle": "Spit &lt; spittle",
            "acronym": "SPIT",
            "secondaryIdInfos": [{"id": "DEPT\\UNIT", "type": "OTHER"}, {"type": "CTIS"}],
        },
        sponsorCollaboratorsModule={
            "leadSponsor": {"name": "A Hospital", "class": "OTHER"},
            "collaborators": [{"name": "B University"}, {"name": " "}],
            "responsibleParty": {"type": "PRINCIPAL_INVESTIGATOR", "investigatorFullName": "Investigator A", "investigatorTitle": "MD"},
        },
        conditionsModule={"conditions": ["Dry mouth"], "keywords": ["saliva", "saliva"]},
        descriptionModule={"briefSummary": "One.\n\nTwo\ntwo.", "detailedDescription": "\\*See"},
    )
    assert (got.brief_title, got.official_title, got.acronym) == ("A title here", "Spit < spittle", "SPIT")
    assert got.secondary_ids == ("DEPT\\UNIT",)
    assert (got.lead_sponsor, got.collaborators) == ("A Hospital", ("B University",))
    assert got.responsible_party == ResponsibleParty("PRINCIPAL_INVESTIGATOR", "Investigator A")
    assert (got.conditions, got.keywords) == (("Dry mouth",), ("saliva", "saliva"))
    assert (got.brief_summary, got.detailed_description) == ("One.\n\nTwo two.", "*See")


def test_an_old_record_names_a_person_and_an_organisation() -> None:
    got = record(sponsorCollaboratorsModule={"responsibleParty": {"oldNameTitle": "Person A, MD", "oldOrganization": "A Hospital"}})
    assert got.responsible_party == ResponsibleParty(None, "Person A, MD, A Hospital")


@pytest.mark.parametrize(
    ("sent", "shown"), [("R&D", "R&D"), ("a &copy b", "a &copy b"), ("a &nosuch; b", "a &nosuch; b"), ("x\x1b[31m", "x[31m")]
)
def test_what_is_no_entity_stays_and_what_a_terminal_obeys_does_not(sent: str, shown: str) -> None:
    assert record(identificationModule={"briefTitle": sent}).brief_title == shown


@pytest.mark.parametrize("payload", [b"", b"[]", b"{}", b"\xff", b'{"protocolSection": 3}', b"[" * 100_000, b'{"a": ' * 100_000])
def test_what_is_no_study_is_bad_content(payload: bytes) -> None:
    with pytest.raises(BadContent):
        record_from(payload)


def test_the_error_knows_its_trial() -> None:
    with pytest.raises(BadContent, match=rf"^the record of {TRIAL} cannot be used: '2025-13' is no date$") as caught:
        record(statusModule={"startDateStruct": {"date": "2025-13"}})
    assert caught.value.about == TRIAL


def test_two_studies_say_the_same_whatever_the_form_of_their_json() -> None:
    one = study(TRIAL, conditionsModule={"conditions": ["Tør mund"]}, contactsLocationsModule={"locations": [{"city": "Aarhus"}]})
    two: Any = {
        **dict(reversed(one.items())),
        "derivedSection": {"miscInfoModule": {"versionHolder": "2026-02-03"}},
        "documentSection": None,
    }
    two["protocolSection"] = dict(reversed(two["protocolSection"].items()))
    two["protocolSection"]["contactsLocationsModule"] = {"locations": [{"geoPoint": {"lat": 56.1}, "city": "Aarhus"}]}
    first, second = json.dumps(one).encode(), json.dumps(two, indent=1, ensure_ascii=False).encode()
    assert first != second
    assert differing(first, second) is None
    assert differing(b"no study", b"no study") is None
    assert record_from(first) == record_from(second)


@pytest.mark.parametrize(
    "modules",
    [
        {"statusModule": {"overallStatus": "COMPLETED"}},
        {"identificationModule": {"briefTitle": "Study  NCT00000001"}},
        {"conditionsModule": {"conditions": []}},
        {"eligibilityModule": {"healthyVolunteers": False}},
        {"designModule": {"enrollmentInfo": {"count": 40}}},
        {"statusModule": {"lastUpdatePostDateStruct": {"date": "2026-02-03", "type": "ESTIMATED"}}},
    ],
)
def test_two_studies_that_differ_in_a_record_are_not_the_same(modules: Any) -> None:
    one, two = study(TRIAL), study(TRIAL, **modules)
    pair = differing(json.dumps(one).encode(), json.dumps(two).encode())
    assert pair == tuple(record_from(json.dumps(each).encode()) for each in (one, two))


LONG: dict[str, Any] = {
    "descriptionModule": {"briefSummary": "In short.", "detailedDescription": "At length."},
    "armsInterventionsModule": {"armGroups": [{"label": "Arm 1"}], "interventions": [{"name": "Drops", "type": "DRUG"}]},
    "outcomesModule": {name: [{"measure": name}] for name in ("primaryOutcomes", "secondaryOutcomes", "otherOutcomes")},
    "eligibilityModule": {"eligibilityCriteria": "Inclusion Criteria:\n\n* Age 18\n* Able to consent", "studyPopulation": "A town"},
    "referencesModule": {"references": [{"pmid": "1"}]},
}


@pytest.mark.parametrize(("module", "part"), [(module, part) for module, parts in LONG.items() for part in parts])
@pytest.mark.parametrize("status", ["RECRUITING", "SUSPENDED"])
def test_what_two_studies_have_alike_is_the_same_mark_and_what_differs_is_read(module: str, part: str, status: str) -> None:
    old = LONG[module][part]
    new = f"{old}\nMore." if isinstance(old, str) else [*old, {"name": "New", "label": "New", "measure": "New", "pmid": "2"}]
    payloads = [
        json.dumps(study(TRIAL, **LONG)).encode(),
        json.dumps(study(TRIAL, status=status, **(LONG | {module: LONG[module] | {part: new}}))).encode(),
    ]
    pair = differing(*payloads)
    assert pair is not None
    whole = [record_from(payload) for payload in payloads]
    assert judged(*pair) == judged(*whole)
    differ = {field.name for field in FIELDS if getattr(pair[0], field.name) != getattr(pair[1], field.name)}
    assert differ == {field.name for field in FIELDS if getattr(whole[0], field.name) != getattr(whole[1], field.name)}
    for name in differ:
        assert [getattr(side, name) for side in pair] == [getattr(side, name) for side in whole]
    stated = [[field.name for field in FIELDS if getattr(side, field.name) is not None] for side in (*pair, *whole)]
    assert stated == [stated[0]] * 4


def test_a_blank_text_is_no_less_blank_for_being_alike() -> None:
    blank = {"eligibilityModule": {"eligibilityCriteria": " \n"}, "descriptionModule": {"briefSummary": ""}}
    pair = differing(*(json.dumps(study(TRIAL, status=status, **blank)).encode() for status in ("RECRUITING", "COMPLETED")))
    assert pair is not None
    assert [(side.criteria, side.brief_summary) for side in pair] == [(None, None)] * 2


@pytest.mark.parametrize("payload", [b"", b"[]", b"{}", b"\xff", b'{"protocolSection": 3}', b'{"protocolSection": ' * 100_000])
def test_what_is_no_study_differs_from_none(payload: bytes) -> None:
    whole = json.dumps(study(TRIAL)).encode()
    for pair in ((payload, whole), (whole, payload)):
        with pytest.raises(BadContent):
            differing(*pair)


def test_a_second_version_is_read_as_if_it_were_the_first() -> None:
    text = "Inclusion Criteria:\n\n* Age {}\n* Able to consent"
    modules: Any = [
        {"eligibilityModule": {"eligibilityCriteria": text.format(age)}, "descriptionModule": {"briefSummary": f"Ages {age}"}}
        for age in (18, 21, 18)
    ]
    records = [record(**each) for each in modules]
    assert [(one.brief_summary, (one.criteria or ())[0].text) for one in records] == [
        ("Ages 18", "Age 18"), ("Ages 21", "Age 21"), ("Ages 18", "Age 18"),
    ]  # fmt: skip
