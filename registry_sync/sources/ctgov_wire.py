"""A study as ClinicalTrials.gov API v2 sends it: the parts that a record needs.

Every key may be missing or ``null``, unknown ones are passed over, and a wrong type is an error that names its path.
Names are the registry's (https://clinicaltrials.gov/data-api/about-api/study-data-structure), in camel case on the wire.
"""

from __future__ import annotations

import msgspec

Strings = list[str | None] | None


class Wire(msgspec.Struct, frozen=True, rename="camel"):
    """What all of them share."""


class DateStruct(Wire, frozen=True):
    """A date and its type; many have no type."""

    date: str | None = None
    type: str | None = None


class SecondaryIdInfo(Wire, frozen=True):
    """A secondary id; its kind and its link are not kept."""

    id: str | None = None


class IdentificationModule(Wire, frozen=True):
    """Ids and titles."""

    nct_id: str | None = None
    nct_id_aliases: Strings = None
    secondary_id_infos: list[SecondaryIdInfo | None] | None = None
    brief_title: str | None = None
    official_title: str | None = None
    acronym: str | None = None


class ExpandedAccessInfo(Wire, frozen=True):
    """Whether there is expanded access, and where."""

    has_expanded_access: bool | None = None
    nct_id: str | None = None
    status_for_nct_id: str | None = None


class StatusModule(Wire, frozen=True):
    """Status and dates."""

    status_verified_date: str | None = None
    overall_status: str | None = None
    last_known_status: str | None = None
    why_stopped: str | None = None
    expanded_access_info: ExpandedAccessInfo | None = None
    start_date_struct: DateStruct | None = None
    primary_completion_date_struct: DateStruct | None = None
    completion_date_struct: DateStruct | None = None
    study_first_submit_date: str | None = None
    study_first_post_date_struct: DateStruct | None = None
    results_first_submit_date: str | None = None
    results_first_post_date_struct: DateStruct | None = None
    disp_first_submit_date: str | None = None
    last_update_submit_date: str | None = None
    last_update_post_date_struct: DateStruct | None = None


class ResponsibleParty(Wire, frozen=True):
    """Who answers for the record; the ``old`` keys are those of records from before 2011."""

    type: str | None = None
    investigator_full_name: str | None = None
    old_name_title: str | None = None
    old_organization: str | None = None


class Sponsor(Wire, frozen=True):
    """A sponsor or collaborator."""

    name: str | None = None


class SponsorCollaboratorsModule(Wire, frozen=True):
    """Who runs the trial."""

    responsible_party: ResponsibleParty | None = None
    lead_sponsor: Sponsor | None = None
    collaborators: list[Sponsor | None] | None = None


class DescriptionModule(Wire, frozen=True):
    """Summary and description, in Markdown."""

    brief_summary: str | None = None
    detailed_description: str | None = None


class ConditionsModule(Wire, frozen=True):
    """Conditions and keywords."""

    conditions: Strings = None
    keywords: Strings = None


class MaskingBlock(Wire, frozen=True):
    """Masking."""

    masking: str | None = None


class DesignInfo(Wire, frozen=True):
    """Allocation and masking."""

    allocation: str | None = None
    masking_info: MaskingBlock | None = None


class EnrollmentInfo(Wire, frozen=True):
    """Number of participants."""

    count: int | None = None
    type: str | None = None


class DesignModule(Wire, frozen=True):
    """Design."""

    study_type: str | None = None
    phases: Strings = None
    design_info: DesignInfo | None = None
    enrollment_info: EnrollmentInfo | None = None


class ArmGroup(Wire, frozen=True):
    """An arm or group; its description is Markdown."""

    label: str | None = None
    type: str | None = None
    description: str | None = None


class Intervention(Wire, frozen=True):
    """An intervention; its description is Markdown."""

    type: str | None = None
    name: str | None = None
    description: str | None = None


class ArmsInterventionsModule(Wire, frozen=True):
    """Arms and interventions."""

    arm_groups: list[ArmGroup | None] | None = None
    interventions: list[Intervention | None] | None = None


class Outcome(Wire, frozen=True):
    """An outcome measure; its description is Markdown."""

    measure: str | None = None
    time_frame: str | None = None
    description: str | None = None


class OutcomesModule(Wire, frozen=True):
    """Outcome measures."""

    primary_outcomes: list[Outcome | None] | None = None
    secondary_outcomes: list[Outcome | None] | None = None
    other_outcomes: list[Outcome | None] | None = None


class EligibilityModule(Wire, frozen=True):
    """Who may take part; criteria and population are Markdown."""

    eligibility_criteria: str | None = None
    healthy_volunteers: bool | None = None
    sex: str | None = None
    minimum_age: str | None = None
    maximum_age: str | None = None
    study_population: str | None = None


class Contact(Wire, frozen=True):
    """A contact of the trial or of a site."""

    name: str | None = None
    role: str | None = None
    phone: str | None = None
    phone_ext: str | None = None
    email: str | None = None


class Official(Wire, frozen=True):
    """An overall official."""

    name: str | None = None
    role: str | None = None
    affiliation: str | None = None


class Location(Wire, frozen=True):
    """A site."""

    facility: str | None = None
    status: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    country: str | None = None
    contacts: list[Contact | None] | None = None


class ContactsLocationsModule(Wire, frozen=True):
    """Contacts, officials and sites."""

    central_contacts: list[Contact | None] | None = None
    overall_officials: list[Official | None] | None = None
    locations: list[Location | None] | None = None


class Reference(Wire, frozen=True):
    """A publication."""

    pmid: str | None = None
    type: str | None = None
    citation: str | None = None


class ReferencesModule(Wire, frozen=True):
    """Publications."""

    references: list[Reference | None] | None = None


class ProtocolSection(Wire, frozen=True):
    """What the sponsor enters."""

    identification_module: IdentificationModule | None = None
    status_module: StatusModule | None = None
    sponsor_collaborators_module: SponsorCollaboratorsModule | None = None
    description_module: DescriptionModule | None = None
    conditions_module: ConditionsModule | None = None
    design_module: DesignModule | None = None
    arms_interventions_module: ArmsInterventionsModule | None = None
    outcomes_module: OutcomesModule | None = None
    eligibility_module: EligibilityModule | None = None
    contacts_locations_module: ContactsLocationsModule | None = None
    references_module: ReferencesModule | None = None


class UnpostedEvent(Wire, frozen=True):
    """Results that were submitted, or sent back."""

    type: str | None = None
    date: str | None = None
    date_unknown: bool | None = None


class UnpostedAnnotation(Wire, frozen=True):
    """Results submitted and not posted."""

    unposted_events: list[UnpostedEvent | None] | None = None


class AnnotationModule(Wire, frozen=True):
    """The registry's own notes."""

    unposted_annotation: UnpostedAnnotation | None = None


class AnnotationSection(Wire, frozen=True):
    """The registry's own notes."""

    annotation_module: AnnotationModule | None = None


class LargeDoc(Wire, frozen=True):
    """A study document."""

    type_abbrev: str | None = None
    date: str | None = None
    label: str | None = None


class LargeDocumentModule(Wire, frozen=True):
    """Study documents."""

    large_docs: list[LargeDoc | None] | None = None


class DocumentSection(Wire, frozen=True):
    """Study documents."""

    large_document_module: LargeDocumentModule | None = None


class Study(Wire, frozen=True):
    """One study."""

    protocol_section: ProtocolSection | None = None
    annotation_section: AnnotationSection | None = None
    document_section: DocumentSection | None = None
    has_results: bool | None = None


class OnlyIdentification(Wire, frozen=True):
    """The ids of a study whose other parts may be broken."""

    nct_id: str | None = None
    nct_id_aliases: Strings = None


class OnlyProtocolSection(Wire, frozen=True):
    """See OnlyIdentification."""

    identification_module: OnlyIdentification | None = None


class OnlyIds(Wire, frozen=True):
    """See OnlyIdentification."""

    protocol_section: OnlyProtocolSection | None = None


class GlanceProtocolSection(Wire, frozen=True):
    """See GlanceStudy."""

    identification_module: OnlyIdentification | None = None
    status_module: StatusModule | None = None


class GlanceStudy(Wire, frozen=True):
    """What a glance at a study shows: ids, status and dates, whether there are results."""

    protocol_section: GlanceProtocolSection | None = None
    has_results: bool | None = None


class Page(Wire, frozen=True):
    """One page of an answer; each study is decoded on its own, so that one that is broken spoils no other."""

    studies: list[msgspec.Raw]
    next_page_token: str | None = None
    total_count: int | None = None


class Version(Wire, frozen=True):
    """What ``/api/v2/version`` answers."""

    api_version: str
    data_timestamp: str | None = None
