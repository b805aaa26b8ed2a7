"""The wire structs beside the registry's own description of its API: nothing is overlooked, nothing is misspelt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from registry_sync.sources import ctgov_wire

SECTIONS = ("protocolSection", "annotationSection", "documentSection")

NO_FIELD = "INTERFACE has no field for it"
DERIVED = "the registry's own step between two dates that are kept"
DOCUMENT = "the document itself; its kind, date and label are kept"
NOT_KEPT = {
    "protocolSection.identificationModule.orgStudyIdInfo.id": "the sponsor's own number, which is no secondary id",
    "protocolSection.identificationModule.orgStudyIdInfo.type": NO_FIELD,
    "protocolSection.identificationModule.orgStudyIdInfo.link": NO_FIELD,
    "protocolSection.identificationModule.secondaryIdInfos[].type": "a secondary id is told by the id alone",
    "protocolSection.identificationModule.secondaryIdInfos[].domain": "a secondary id is told by the id alone",
    "protocolSection.identificationModule.secondaryIdInfos[].link": "a secondary id is told by the id alone",
    "protocolSection.identificationModule.organization.fullName": "who entered the record; the sponsor is kept",
    "protocolSection.identificationModule.organization.class": NO_FIELD,
    "protocolSection.statusModule.delayedPosting": NO_FIELD,
    "protocolSection.statusModule.resultsWaived": NO_FIELD,
    "protocolSection.statusModule.studyFirstSubmitQcDate": DERIVED,
    "protocolSection.statusModule.resultsFirstSubmitQcDate": DERIVED,
    "protocolSection.statusModule.dispFirstSubmitQcDate": DERIVED,
    "protocolSection.statusModule.dispFirstPostDateStruct.date": "follows the certification, which is kept",
    "protocolSection.statusModule.dispFirstPostDateStruct.type": "follows the certification, which is kept",
    "protocolSection.sponsorCollaboratorsModule.responsibleParty.investigatorTitle": "the party is told by type and name",
    "protocolSection.sponsorCollaboratorsModule.responsibleParty.investigatorAffiliation": "the party is told by type and name",
    "protocolSection.sponsorCollaboratorsModule.leadSponsor.class": NO_FIELD,
    "protocolSection.sponsorCollaboratorsModule.collaborators[].class": NO_FIELD,
    "protocolSection.oversightModule.oversightHasDmc": NO_FIELD,
    "protocolSection.oversightModule.isFdaRegulatedDrug": NO_FIELD,
    "protocolSection.oversightModule.isFdaRegulatedDevice": NO_FIELD,
    "protocolSection.oversightModule.isUnapprovedDevice": NO_FIELD,
    "protocolSection.oversightModule.isPpsd": NO_FIELD,
    "protocolSection.oversightModule.isUsExport": NO_FIELD,
    "protocolSection.oversightModule.fdaaa801Violation": NO_FIELD,
    "protocolSection.designModule.nPtrsToThisExpAccNctId": "counted by the registry",
    "protocolSection.designModule.expandedAccessTypes.individual": NO_FIELD,
    "protocolSection.designModule.expandedAccessTypes.intermediate": NO_FIELD,
    "protocolSection.designModule.expandedAccessTypes.treatment": NO_FIELD,
    "protocolSection.designModule.patientRegistry": NO_FIELD,
    "protocolSection.designModule.targetDuration": NO_FIELD,
    "protocolSection.designModule.designInfo.interventionModel": NO_FIELD,
    "protocolSection.designModule.designInfo.interventionModelDescription": NO_FIELD,
    "protocolSection.designModule.designInfo.primaryPurpose": NO_FIELD,
    "protocolSection.designModule.designInfo.observationalModel": NO_FIELD,
    "protocolSection.designModule.designInfo.timePerspective": NO_FIELD,
    "protocolSection.designModule.designInfo.maskingInfo.maskingDescription": "masking is told by its token",
    "protocolSection.designModule.designInfo.maskingInfo.whoMasked[]": "masking is told by its token",
    "protocolSection.designModule.bioSpec.retention": NO_FIELD,
    "protocolSection.designModule.bioSpec.description": NO_FIELD,
    "protocolSection.armsInterventionsModule.armGroups[].interventionNames[]": "says again which intervention belongs to which arm",
    "protocolSection.armsInterventionsModule.interventions[].armGroupLabels[]": "says again which intervention belongs to which arm",
    "protocolSection.armsInterventionsModule.interventions[].otherNames[]": NO_FIELD,
    "protocolSection.eligibilityModule.genderBased": NO_FIELD,
    "protocolSection.eligibilityModule.genderDescription": NO_FIELD,
    "protocolSection.eligibilityModule.stdAges[]": "made by the registry from the two ages, which are kept",
    "protocolSection.eligibilityModule.samplingMethod": NO_FIELD,
    "protocolSection.contactsLocationsModule.locations[].geoPoint.lat": "made by the registry from the city; no reader calls it a change",
    "protocolSection.contactsLocationsModule.locations[].geoPoint.lon": "made by the registry from the city; no reader calls it a change",
    "protocolSection.referencesModule.references[].retractions[].pmid": NO_FIELD,
    "protocolSection.referencesModule.references[].retractions[].source": NO_FIELD,
    "protocolSection.referencesModule.seeAlsoLinks[].label": NO_FIELD,
    "protocolSection.referencesModule.seeAlsoLinks[].url": NO_FIELD,
    "protocolSection.referencesModule.availIpds[].id": NO_FIELD,
    "protocolSection.referencesModule.availIpds[].type": NO_FIELD,
    "protocolSection.referencesModule.availIpds[].url": NO_FIELD,
    "protocolSection.referencesModule.availIpds[].comment": NO_FIELD,
    "protocolSection.ipdSharingStatementModule.ipdSharing": NO_FIELD,
    "protocolSection.ipdSharingStatementModule.description": NO_FIELD,
    "protocolSection.ipdSharingStatementModule.infoTypes[]": NO_FIELD,
    "protocolSection.ipdSharingStatementModule.timeFrame": NO_FIELD,
    "protocolSection.ipdSharingStatementModule.accessCriteria": NO_FIELD,
    "protocolSection.ipdSharingStatementModule.url": NO_FIELD,
    "annotationSection.annotationModule.unpostedAnnotation.unpostedResponsibleParty": NO_FIELD,
    "annotationSection.annotationModule.violationAnnotation.violationEvents[].type": NO_FIELD,
    "annotationSection.annotationModule.violationAnnotation.violationEvents[].description": NO_FIELD,
    "annotationSection.annotationModule.violationAnnotation.violationEvents[].creationDate": NO_FIELD,
    "annotationSection.annotationModule.violationAnnotation.violationEvents[].issuedDate": NO_FIELD,
    "annotationSection.annotationModule.violationAnnotation.violationEvents[].releaseDate": NO_FIELD,
    "annotationSection.annotationModule.violationAnnotation.violationEvents[].postedDate": NO_FIELD,
    "documentSection.largeDocumentModule.noSap": NO_FIELD,
    "documentSection.largeDocumentModule.largeDocs[].hasProtocol": "said again by the kind of document",
    "documentSection.largeDocumentModule.largeDocs[].hasSap": "said again by the kind of document",
    "documentSection.largeDocumentModule.largeDocs[].hasIcf": "said again by the kind of document",
    "documentSection.largeDocumentModule.largeDocs[].uploadDate": DOCUMENT,
    "documentSection.largeDocumentModule.largeDocs[].filename": DOCUMENT,
    "documentSection.largeDocumentModule.largeDocs[].size": DOCUMENT,
}

TYPES = {"string": str, "integer": int, "boolean": bool}


@pytest.fixture(scope="module")
def described(shared_data: Path) -> dict[str, type]:
    """Every leaf of the three sections in the registry's description, with its type."""
    document = yaml.safe_load((shared_data / "ctgov-openapi-2.0.5.yaml").read_text(encoding="utf-8"))
    schemas = document["components"]["schemas"]
    study = schemas["Study"]["properties"]
    return dict(leaf for section in SECTIONS for leaf in _described_leaves(study[section], section, schemas))


def _described_leaves(schema: dict[str, Any], path: str, schemas: dict[str, Any]) -> Iterator[tuple[str, type]]:
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if "$ref" in schema:
        yield from _described_leaves(schema, path, schemas)
    elif "items" in schema:
        yield from _described_leaves(schema["items"], path + "[]", schemas)
    elif "properties" in schema:
        for name, part in schema["properties"].items():
            yield from _described_leaves(part, f"{path}.{name}", schemas)
    else:
        yield path, TYPES.get(schema.get("type", ""), object)


def _read_leaves(kind: Any, path: str) -> Iterator[tuple[str, type]]:
    """Every leaf that the wire structs read."""
    if isinstance(kind, msgspec.inspect.UnionType):
        (kind,) = (one for one in kind.types if not isinstance(one, msgspec.inspect.NoneType))
    if isinstance(kind, msgspec.inspect.ListType):
        yield from _read_leaves(kind.item_type, path + "[]")
    elif isinstance(kind, msgspec.inspect.StructType):
        for part in kind.fields:
            yield from _read_leaves(part.type, f"{path}.{part.encode_name}" if path else part.encode_name)
    else:
        yield path, {"StrType": str, "IntType": int, "BoolType": bool}[type(kind).__name__]


READ = dict(_read_leaves(msgspec.inspect.type_info(ctgov_wire.Study), ""))


def test_every_leaf_is_read_or_left_out_for_a_reason(described: dict[str, type]) -> None:
    assert set(described) - set(READ) == set(NOT_KEPT)


def test_every_leaf_that_is_read_exists(described: dict[str, type]) -> None:
    assert set(READ) - set(described) == {"hasResults"}


def test_every_leaf_that_is_read_has_the_type_that_the_registry_says(described: dict[str, type]) -> None:
    wrong = {path: kind for path, kind in READ.items() if path in described and described[path] is not kind}
    assert wrong == {}


def test_every_reason_is_one_and_the_structs_for_ids_are_parts_of_the_whole() -> None:
    assert all(NOT_KEPT.values())
    ids = dict(_read_leaves(msgspec.inspect.type_info(ctgov_wire.OnlyIds), ""))
    assert ids.items() <= READ.items()


def test_the_flag_for_results_is_a_boolean_at_the_top(shared_data: Path) -> None:
    document = yaml.safe_load((shared_data / "ctgov-openapi-2.0.5.yaml").read_text(encoding="utf-8"))
    assert document["components"]["schemas"]["Study"]["properties"]["hasResults"] == {"type": "boolean"}
    assert READ["hasResults"] is bool
