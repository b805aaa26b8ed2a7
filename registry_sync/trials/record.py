"""The canonical record of a trial, and FIELDS: the one table of what a record holds.

The structs are the JSON of ``registry-sync show --json``: same names, same shapes. A field that is ``None`` is not
stated by the source and is left out; an empty tuple is a list that the source gives and that is empty.

Names follow the data element definitions of ClinicalTrials.gov (https://clinicaltrials.gov/policy/protocol-definitions),
in the snake case of this project.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from registry_sync.errors import UsageError

Group = Literal["inclusion", "exclusion"]
Topic = Literal[
    "status", "timeline", "criteria", "places", "design", "results", "identity", "registry", "listing", "deadlines", "housekeeping",
]  # fmt: skip
Kind = Literal["token", "tokens", "flag", "text", "prose", "date", "dated", "value", "strings", "items"]

TOPICS: tuple[Topic, ...] = Topic.__args__  # type: ignore[attr-defined]


class Dated(msgspec.Struct, frozen=True):
    """A date in the registry's own precision (``2026``, ``2026-12``, ``2026-12-31``) and its type (ACTUAL, ESTIMATED)."""

    date: str | None = None
    type: str | None = None


class Criterion(msgspec.Struct, frozen=True):
    """One line of the eligibility criteria; ``depth`` counts nesting from 0, ``text`` has neither bullet nor markup."""

    group: Group | None
    section: str | None
    depth: int
    kind: Literal["item", "note"]
    text: str


class Contact(msgspec.Struct, frozen=True):
    """A contact of the trial or of a site, as the registry shows it; an extension is part of ``phone``."""

    name: str | None = None
    role: str | None = None
    phone: str | None = None
    email: str | None = None


class Official(msgspec.Struct, frozen=True):
    """An overall official of the trial."""

    name: str | None = None
    role: str | None = None
    affiliation: str | None = None


class Location(msgspec.Struct, frozen=True):
    """A site. ``status`` is its individual site status, which the registry shows almost only while recruiting."""

    facility: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    country: str | None = None
    status: str | None = None
    contacts: tuple[Contact, ...] = ()


class Outcome(msgspec.Struct, frozen=True):
    """An outcome measure."""

    measure: str | None = None
    time_frame: str | None = None
    description: str | None = None


class Arm(msgspec.Struct, frozen=True):
    """An arm or group."""

    label: str | None = None
    type: str | None = None
    description: str | None = None


class Intervention(msgspec.Struct, frozen=True):
    """An intervention or exposure."""

    type: str | None = None
    name: str | None = None
    description: str | None = None


class Enrollment(msgspec.Struct, frozen=True):
    """The number of participants: a target (ESTIMATED) or the number enrolled (ACTUAL)."""

    count: int | None = None
    type: str | None = None


class ResponsibleParty(msgspec.Struct, frozen=True):
    """Who answers for the record (42 CFR 11.4); ``name`` is the investigator's where the type has one."""

    type: str | None = None
    name: str | None = None


class ExpandedAccess(msgspec.Struct, frozen=True):
    """The expanded access record that belongs to this trial, and its status."""

    trial: str | None = None
    status: str | None = None


class Publication(msgspec.Struct, frozen=True):
    """A reference; ``type`` is BACKGROUND, RESULT or DERIVED."""

    pmid: str | None = None
    citation: str | None = None
    type: str | None = None


class Document(msgspec.Struct, frozen=True):
    """A study document: its kind (Prot, SAP, ICF, Prot_SAP, ...), its own date, its label."""

    type: str | None = None
    date: str | None = None
    label: str | None = None


class UnpostedEvent(msgspec.Struct, frozen=True):
    """Results submitted and not posted yet: RELEASE, UNRELEASE or RESET, and the day (``None``: unknown)."""

    type: str | None = None
    date: str | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one source says of one trial, in canonical form. ``None``: the source does not say."""

    trial: str
    # status
    overall_status: str | None = None
    why_stopped: str | None = None
    last_known_status: str | None = None
    expanded_access: ExpandedAccess | None = None
    # timeline
    start_date: Dated | None = None
    primary_completion_date: Dated | None = None
    completion_date: Dated | None = None
    first_submit_date: str | None = None
    first_post_date: Dated | None = None
    # criteria
    criteria: tuple[Criterion, ...] | None = None
    sex: str | None = None
    minimum_age: str | None = None
    maximum_age: str | None = None
    healthy_volunteers: bool | None = None
    study_population: str | None = None
    # places
    locations: tuple[Location, ...] | None = None
    central_contacts: tuple[Contact, ...] | None = None
    overall_officials: tuple[Official, ...] | None = None
    # design
    enrollment: Enrollment | None = None
    study_type: str | None = None
    phases: tuple[str, ...] | None = None
    allocation: str | None = None
    masking: str | None = None
    arms: tuple[Arm, ...] | None = None
    interventions: tuple[Intervention, ...] | None = None
    primary_outcomes: tuple[Outcome, ...] | None = None
    secondary_outcomes: tuple[Outcome, ...] | None = None
    other_outcomes: tuple[Outcome, ...] | None = None
    # results
    has_results: bool | None = None
    results_first_submit_date: str | None = None
    results_first_post_date: Dated | None = None
    results_delayed_date: str | None = None
    results_unposted: tuple[UnpostedEvent, ...] | None = None
    documents: tuple[Document, ...] | None = None
    publications: tuple[Publication, ...] | None = None
    # identity
    brief_title: str | None = None
    official_title: str | None = None
    acronym: str | None = None
    secondary_ids: tuple[str, ...] | None = None
    lead_sponsor: str | None = None
    responsible_party: ResponsibleParty | None = None
    collaborators: tuple[str, ...] | None = None
    conditions: tuple[str, ...] | None = None
    keywords: tuple[str, ...] | None = None
    brief_summary: str | None = None
    detailed_description: str | None = None
    # housekeeping
    last_update_submit_date: str | None = None
    last_update_post_date: Dated | None = None
    status_verified_date: str | None = None


class Field(msgspec.Struct, frozen=True):
    """One row of the table of fields.

    ``label`` is its name for people (marked for translation); ``kind`` says how it is compared:
    ``token`` and ``flag`` exactly, ``text`` and ``prose`` as words, ``date`` and ``dated`` as registry dates,
    ``strings`` and ``items`` item by item and without order, ``tokens`` and ``value`` whole.
    ``identity`` names the parts of an item that make it the same item when the rest changes.
    """

    name: str
    label: str
    topic: Topic
    kind: Kind
    identity: tuple[str, ...] = ()

    @property
    def is_list(self) -> bool:
        """Does this field give one change for each item?"""
        return self.kind in ("strings", "items")


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for "translate this one later"
    """Mark a message for the catalogue; it is translated where it is shown."""
    return message


FIELDS: tuple[Field, ...] = (
    Field("overall_status", N_("Recruitment status"), "status", "token"),
    Field("why_stopped", N_("Reason for stopping"), "status", "text"),
    Field("last_known_status", N_("Last known status"), "status", "token"),
    Field("expanded_access", N_("Expanded access"), "status", "value"),
    Field("start_date", N_("Study start"), "timeline", "dated"),
    Field("primary_completion_date", N_("Primary completion"), "timeline", "dated"),
    Field("completion_date", N_("Study completion"), "timeline", "dated"),
    Field("first_submit_date", N_("First submitted"), "timeline", "date"),
    Field("first_post_date", N_("First posted"), "timeline", "dated"),
    Field("criteria", N_("Eligibility criteria"), "criteria", "items", ("text",)),
    Field("sex", N_("Sex"), "criteria", "token"),
    Field("minimum_age", N_("Minimum age"), "criteria", "text"),
    Field("maximum_age", N_("Maximum age"), "criteria", "text"),
    Field("healthy_volunteers", N_("Accepts healthy volunteers"), "criteria", "flag"),
    Field("study_population", N_("Study population"), "criteria", "prose"),
    Field("locations", N_("Sites"), "places", "items", ("facility", "city", "country")),
    Field("central_contacts", N_("Central contacts"), "places", "items", ("name", "role")),
    Field("overall_officials", N_("Overall officials"), "places", "items", ("name", "role")),
    Field("enrollment", N_("Enrolment"), "design", "value"),
    Field("study_type", N_("Study type"), "design", "token"),
    Field("phases", N_("Phase"), "design", "tokens"),
    Field("allocation", N_("Allocation"), "design", "token"),
    Field("masking", N_("Masking"), "design", "token"),
    Field("arms", N_("Arms"), "design", "items", ("label",)),
    Field("interventions", N_("Interventions"), "design", "items", ("name",)),
    Field("primary_outcomes", N_("Primary outcomes"), "design", "items", ("measure",)),
    Field("secondary_outcomes", N_("Secondary outcomes"), "design", "items", ("measure",)),
    Field("other_outcomes", N_("Other outcomes"), "design", "items", ("measure",)),
    Field("has_results", N_("Results posted"), "results", "flag"),
    Field("results_first_submit_date", N_("Results first submitted"), "results", "date"),
    Field("results_first_post_date", N_("Results first posted"), "results", "dated"),
    Field("results_delayed_date", N_("Certification of delayed results"), "results", "date"),
    Field("results_unposted", N_("Results submitted, not posted"), "results", "items", ("type", "date")),
    Field("documents", N_("Study documents"), "results", "items", ("type", "label")),
    Field("publications", N_("Publications"), "results", "items", ("pmid",)),
    Field("brief_title", N_("Brief title"), "identity", "text"),
    Field("official_title", N_("Official title"), "identity", "text"),
    Field("acronym", N_("Acronym"), "identity", "text"),
    Field("secondary_ids", N_("Secondary ids"), "identity", "strings"),
    Field("lead_sponsor", N_("Lead sponsor"), "identity", "text"),
    Field("responsible_party", N_("Responsible party"), "identity", "value"),
    Field("collaborators", N_("Collaborators"), "identity", "strings"),
    Field("conditions", N_("Conditions"), "identity", "strings"),
    Field("keywords", N_("Keywords"), "identity", "strings"),
    Field("brief_summary", N_("Brief summary"), "identity", "prose"),
    Field("detailed_description", N_("Detailed description"), "identity", "prose"),
    Field("last_update_submit_date", N_("Last update submitted"), "housekeeping", "date"),
    Field("last_update_post_date", N_("Last update posted"), "housekeeping", "dated"),
    Field("status_verified_date", N_("Record verification"), "housekeeping", "date"),
)

BY_NAME: dict[str, Field] = {field.name: field for field in FIELDS}

_TRIAL_ID_DIGITS = 8


def trial_id(text: str) -> str:
    """The NCT id that a person typed, in the registry's spelling: ``NCT`` and eight digits.

    Case and surrounding blanks do not matter. Raises UsageError for anything else.
    """
    candidate = text.strip().upper()
    digits = candidate.removeprefix("NCT")
    well_formed = candidate.startswith("NCT") and len(digits) == _TRIAL_ID_DIGITS and digits.isascii() and digits.isdigit()
    if not well_formed or int(digits) == 0:
        raise UsageError(f"{text.strip()!r} is not a trial id: an id is NCT and eight digits, such as NCT06805448", about=text)
    return candidate


def to_json(record: Record) -> bytes:
    """The record as JSON, in the order of the table; fields that are not stated are left out."""
    return msgspec.json.encode(record)


def from_json(data: bytes | str) -> Record:
    """The record that ``to_json`` wrote; keys of a newer program are passed over."""
    return msgspec.json.decode(data, type=Record)


def plain(value: Any) -> Any:
    """A value in the shape that JSON output shows: dicts, lists, strings, numbers, booleans, or ``None``."""
    return msgspec.json.decode(msgspec.json.encode(value))
