"""The registry's names for the parts of a study (pieces), where they are, and a study cut down to some of them.

Names and places follow the study data structure of API v2 (https://clinicaltrials.gov/data-api/about-api/study-data-structure):
the protocol, annotation, document and derived sections to the leaf, the results section to its modules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

Path = tuple[str, ...]
Tree = dict[str, "Tree"]

# A line is a place and the keys in it; a key's piece is the key with a capital, unless it is given after "=".
_TABLE = """
: protocolSection resultsSection annotationSection documentSection derivedSection hasResults
protocolSection: identificationModule statusModule sponsorCollaboratorsModule oversightModule descriptionModule conditionsModule
protocolSection: designModule armsInterventionsModule outcomesModule eligibilityModule contactsLocationsModule referencesModule
protocolSection: ipdSharingStatementModule=IPDSharingStatementModule
protocolSection.identificationModule: nctId=NCTId nctIdAliases=NCTIdAlias orgStudyIdInfo secondaryIdInfos=SecondaryIdInfo
protocolSection.identificationModule: briefTitle officialTitle acronym organization
protocolSection.identificationModule.orgStudyIdInfo: id=OrgStudyId type=OrgStudyIdType link=OrgStudyIdLink
protocolSection.identificationModule.secondaryIdInfos: id=SecondaryId type=SecondaryIdType domain=SecondaryIdDomain link=SecondaryIdLink
protocolSection.identificationModule.organization: fullName=OrgFullName class=OrgClass
protocolSection.statusModule: statusVerifiedDate overallStatus lastKnownStatus delayedPosting whyStopped expandedAccessInfo
protocolSection.statusModule: startDateStruct primaryCompletionDateStruct completionDateStruct studyFirstSubmitDate
protocolSection.statusModule: studyFirstSubmitQcDate=StudyFirstSubmitQCDate studyFirstPostDateStruct resultsWaived resultsFirstSubmitDate
protocolSection.statusModule: resultsFirstSubmitQcDate=ResultsFirstSubmitQCDate resultsFirstPostDateStruct dispFirstSubmitDate
protocolSection.statusModule: dispFirstSubmitQcDate=DispFirstSubmitQCDate dispFirstPostDateStruct lastUpdateSubmitDate
protocolSection.statusModule: lastUpdatePostDateStruct
protocolSection.statusModule.expandedAccessInfo: hasExpandedAccess nctId=ExpandedAccessNCTId statusForNctId=ExpandedAccessStatusForNCTId
protocolSection.statusModule.startDateStruct: date=StartDate type=StartDateType
protocolSection.statusModule.primaryCompletionDateStruct: date=PrimaryCompletionDate type=PrimaryCompletionDateType
protocolSection.statusModule.completionDateStruct: date=CompletionDate type=CompletionDateType
protocolSection.statusModule.studyFirstPostDateStruct: date=StudyFirstPostDate type=StudyFirstPostDateType
protocolSection.statusModule.resultsFirstPostDateStruct: date=ResultsFirstPostDate type=ResultsFirstPostDateType
protocolSection.statusModule.dispFirstPostDateStruct: date=DispFirstPostDate type=DispFirstPostDateType
protocolSection.statusModule.lastUpdatePostDateStruct: date=LastUpdatePostDate type=LastUpdatePostDateType
protocolSection.sponsorCollaboratorsModule: responsibleParty leadSponsor collaborators=Collaborator
protocolSection.sponsorCollaboratorsModule.responsibleParty: type=ResponsiblePartyType
protocolSection.sponsorCollaboratorsModule.responsibleParty: investigatorFullName=ResponsiblePartyInvestigatorFullName
protocolSection.sponsorCollaboratorsModule.responsibleParty: investigatorTitle=ResponsiblePartyInvestigatorTitle
protocolSection.sponsorCollaboratorsModule.responsibleParty: investigatorAffiliation=ResponsiblePartyInvestigatorAffiliation
protocolSection.sponsorCollaboratorsModule.responsibleParty: oldNameTitle=ResponsiblePartyOldNameTitle
protocolSection.sponsorCollaboratorsModule.responsibleParty: oldOrganization=ResponsiblePartyOldOrganization
protocolSection.sponsorCollaboratorsModule.leadSponsor: name=LeadSponsorName class=LeadSponsorClass
protocolSection.sponsorCollaboratorsModule.collaborators: name=CollaboratorName class=CollaboratorClass
protocolSection.oversightModule: oversightHasDmc=OversightHasDMC isFdaRegulatedDrug=IsFDARegulatedDrug isUnapprovedDevice isPpsd=IsPPSD
protocolSection.oversightModule: isFdaRegulatedDevice=IsFDARegulatedDevice isUsExport=IsUSExport fdaaa801Violation=FDAAA801Violation
protocolSection.descriptionModule: briefSummary detailedDescription
protocolSection.conditionsModule: conditions=Condition keywords=Keyword
protocolSection.designModule: studyType nPtrsToThisExpAccNctId=NPtrsToThisExpAccNCTId expandedAccessTypes patientRegistry targetDuration
protocolSection.designModule: phases=Phase designInfo bioSpec enrollmentInfo
protocolSection.designModule.expandedAccessTypes: individual=ExpAccTypeIndividual intermediate=ExpAccTypeIntermediate
protocolSection.designModule.expandedAccessTypes: treatment=ExpAccTypeTreatment
protocolSection.designModule.designInfo: allocation=DesignAllocation interventionModel=DesignInterventionModel
protocolSection.designModule.designInfo: interventionModelDescription=DesignInterventionModelDescription
protocolSection.designModule.designInfo: primaryPurpose=DesignPrimaryPurpose observationalModel=DesignObservationalModel
protocolSection.designModule.designInfo: timePerspective=DesignTimePerspective maskingInfo=DesignMaskingInfo
protocolSection.designModule.designInfo.maskingInfo: masking=DesignMasking maskingDescription=DesignMaskingDescription
protocolSection.designModule.designInfo.maskingInfo: whoMasked=DesignWhoMasked
protocolSection.designModule.bioSpec: retention=BioSpecRetention description=BioSpecDescription
protocolSection.designModule.enrollmentInfo: count=EnrollmentCount type=EnrollmentType
protocolSection.armsInterventionsModule: armGroups=ArmGroup interventions=Intervention
protocolSection.armsInterventionsModule.armGroups: label=ArmGroupLabel type=ArmGroupType description=ArmGroupDescription
protocolSection.armsInterventionsModule.armGroups: interventionNames=ArmGroupInterventionName
protocolSection.armsInterventionsModule.interventions: type=InterventionType name=InterventionName description=InterventionDescription
protocolSection.armsInterventionsModule.interventions: armGroupLabels=InterventionArmGroupLabel otherNames=InterventionOtherName
protocolSection.outcomesModule: primaryOutcomes=PrimaryOutcome secondaryOutcomes=SecondaryOutcome otherOutcomes=OtherOutcome
protocolSection.outcomesModule.primaryOutcomes: measure=PrimaryOutcomeMeasure description=PrimaryOutcomeDescription
protocolSection.outcomesModule.primaryOutcomes: timeFrame=PrimaryOutcomeTimeFrame
protocolSection.outcomesModule.secondaryOutcomes: measure=SecondaryOutcomeMeasure description=SecondaryOutcomeDescription
protocolSection.outcomesModule.secondaryOutcomes: timeFrame=SecondaryOutcomeTimeFrame
protocolSection.outcomesModule.otherOutcomes: measure=OtherOutcomeMeasure description=OtherOutcomeDescription
protocolSection.outcomesModule.otherOutcomes: timeFrame=OtherOutcomeTimeFrame
protocolSection.eligibilityModule: eligibilityCriteria healthyVolunteers sex genderBased genderDescription minimumAge maximumAge
protocolSection.eligibilityModule: stdAges=StdAge studyPopulation samplingMethod
protocolSection.contactsLocationsModule: centralContacts=CentralContact overallOfficials=OverallOfficial locations=Location
protocolSection.contactsLocationsModule.centralContacts: name=CentralContactName role=CentralContactRole phone=CentralContactPhone
protocolSection.contactsLocationsModule.centralContacts: phoneExt=CentralContactPhoneExt email=CentralContactEMail
protocolSection.contactsLocationsModule.overallOfficials: name=OverallOfficialName role=OverallOfficialRole
protocolSection.contactsLocationsModule.overallOfficials: affiliation=OverallOfficialAffiliation
protocolSection.contactsLocationsModule.locations: facility=LocationFacility status=LocationStatus city=LocationCity state=LocationState
protocolSection.contactsLocationsModule.locations: zip=LocationZip country=LocationCountry contacts=LocationContact
protocolSection.contactsLocationsModule.locations: geoPoint=LocationGeoPoint
protocolSection.contactsLocationsModule.locations.contacts: name=LocationContactName role=LocationContactRole phone=LocationContactPhone
protocolSection.contactsLocationsModule.locations.contacts: phoneExt=LocationContactPhoneExt email=LocationContactEMail
protocolSection.referencesModule: references=Reference seeAlsoLinks=SeeAlsoLink availIpds=AvailIPD
protocolSection.referencesModule.references: pmid=ReferencePMID type=ReferenceType citation=ReferenceCitation retractions=Retraction
protocolSection.referencesModule.references.retractions: pmid=RetractionPMID source=RetractionSource
protocolSection.referencesModule.seeAlsoLinks: label=SeeAlsoLinkLabel url=SeeAlsoLinkURL
protocolSection.referencesModule.availIpds: id=AvailIPDId type=AvailIPDType url=AvailIPDURL comment=AvailIPDComment
protocolSection.ipdSharingStatementModule: ipdSharing=IPDSharing description=IPDSharingDescription infoTypes=IPDSharingInfoType
protocolSection.ipdSharingStatementModule: timeFrame=IPDSharingTimeFrame accessCriteria=IPDSharingAccessCriteria url=IPDSharingURL
resultsSection: participantFlowModule baselineCharacteristicsModule outcomeMeasuresModule adverseEventsModule moreInfoModule
annotationSection: annotationModule
annotationSection.annotationModule: unpostedAnnotation violationAnnotation
annotationSection.annotationModule.unpostedAnnotation: unpostedResponsibleParty unpostedEvents=UnpostedEvent
annotationSection.annotationModule.unpostedAnnotation.unpostedEvents: type=UnpostedEventType date=UnpostedEventDate
annotationSection.annotationModule.unpostedAnnotation.unpostedEvents: dateUnknown=UnpostedEventDateUnknown
annotationSection.annotationModule.violationAnnotation: violationEvents=ViolationEvent
documentSection: largeDocumentModule
documentSection.largeDocumentModule: noSap=LargeDocNoSAP largeDocs=LargeDoc
documentSection.largeDocumentModule.largeDocs: typeAbbrev=LargeDocTypeAbbrev hasProtocol=LargeDocHasProtocol hasSap=LargeDocHasSAP
documentSection.largeDocumentModule.largeDocs: hasIcf=LargeDocHasICF label=LargeDocLabel date=LargeDocDate
documentSection.largeDocumentModule.largeDocs: uploadDate=LargeDocUploadDate filename=LargeDocFilename size=LargeDocSize
derivedSection: miscInfoModule conditionBrowseModule interventionBrowseModule
derivedSection.miscInfoModule: versionHolder removedCountries=RemovedCountry submissionTracking
derivedSection.conditionBrowseModule: meshes=ConditionMesh ancestors=ConditionAncestor
derivedSection.conditionBrowseModule.meshes: id=ConditionMeshId term=ConditionMeshTerm
derivedSection.interventionBrowseModule: meshes=InterventionMesh ancestors=InterventionAncestor
derivedSection.interventionBrowseModule.meshes: id=InterventionMeshId term=InterventionMeshTerm
"""


def _read_table() -> dict[str, Path]:
    places: dict[str, Path] = {}
    for line in _TABLE.strip().splitlines():
        where, _, keys = line.partition(":")
        parent = tuple(where.split(".")) if where else ()
        for key, _, piece in (entry.partition("=") for entry in keys.split()):
            places[piece or key[0].upper() + key[1:]] = (*parent, key)
    return places


PIECES: dict[str, Path] = _read_table()
"""Piece name -> its place in a study, list items passed through."""

DATES: frozenset[str] = frozenset(piece for piece in PIECES if piece.endswith("Date"))
"""The pieces that are dates: what can be sorted by and asked for as a range."""

_BY_FIELD_NAME: dict[str, Path] = {".".join(path): path for path in PIECES.values()}


def place_of(name: str) -> Path | None:
    """The place of a piece (``OverallStatus``) or field (``protocolSection.statusModule.overallStatus``); ``None``: unknown."""
    return PIECES.get(name) or _BY_FIELD_NAME.get(name)


def tree_of(paths: Iterable[Path]) -> Tree:
    """The places as one tree; below an empty branch everything is meant."""
    tree: Tree = {}
    for path in sorted(paths, key=len, reverse=True):
        branch = tree
        for key in path[:-1]:
            branch = branch.setdefault(key, {})
        branch[path[-1]] = {}
    return tree


def cut_down(value: Any, tree: Tree) -> Any:
    """A study with nothing but what the tree names; what it does not have stays away."""
    if not tree:
        return value
    if isinstance(value, list):
        return [part for part in (cut_down(item, tree) for item in value) if part]
    if not isinstance(value, dict):
        return None
    kept = {key: cut_down(value[key], branch) for key, branch in tree.items() if key in value}
    return {key: part for key, part in kept.items() if part not in (None, {}, []) or not tree[key]}


def values_at(value: Any, path: Path) -> Iterator[Any]:
    """Every leaf value at or below a place, lists passed through."""
    if isinstance(value, list):
        for item in value:
            yield from values_at(item, path)
    elif isinstance(value, dict):
        for key in path[:1] or tuple(value):
            if key in value:
                yield from values_at(value[key], path[1:])
    elif not path:
        yield value
