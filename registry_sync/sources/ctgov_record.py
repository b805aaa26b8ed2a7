"""A study of API v2 -> the canonical record."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec.structs import replace

from registry_sync.errors import BadContent
from registry_sync.sources import ctgov_wire as wire
from registry_sync.sources.markup import markdown_lines, plain_text
from registry_sync.trials import criteria, dates
from registry_sync.trials.record import (
    Arm,
    Contact,
    Criterion,
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

if TYPE_CHECKING:
    from registry_sync.sources.ctgov_html import Markup

_Sent = TypeVar("_Sent")
_Kept = TypeVar("_Kept")

_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ESCAPE = re.compile(r"\\+(?=[!-/:-@\[\]-`{-~])")  # backslashes before punctuation (CommonMark, section 6.1)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")  # a terminal would obey them
_OLD_TYPES = {"ANTICIPATED": "ESTIMATED"}
_MOST_ENCODINGS = 3
_TEXTS_KEPT, _CRITERIA_KEPT, _DATES_KEPT = 1024, 32, 1024
"""How many texts are remembered with what they were read as: those of a few records, so that of two versions the second is cheap."""

_decoder = msgspec.json.Decoder(wire.Study)


def record_from(payload: bytes, markup: Markup = "markdown") -> Record:
    """The canonical record of one study of API v2 (UTF-8 JSON), or of the registry's version history (``markup``: html).

    Text that is markup becomes plain; dates keep their precision; a list that the study does not have stays ``None``.
    Raises BadContent for what is no such study, for one without id or overall status, and for a date that is none.
    """
    return _read(_decoded(payload, markup))


def differing(first: bytes, second: bytes, markups: tuple[Markup, Markup] = ("markdown", "markdown")) -> tuple[Record, Record] | None:
    """Two studies of API v2 (UTF-8 JSON), read as far as telling what changed needs; ``None``: they say the same.

    ``None`` is sure, since nothing is compared but what was sent, letter for letter and without what no record holds (key
    order, release stamps, map coordinates, derived parts): no better reading can overturn it. Else two records to compare, not to
    keep: the long texts and lists that both have alike, which are dear to read, stand as the same mark on both sides.
    Of two that are marked in two ways (``markups``), the first one is told in the second one's words where they say the same.
    Raises BadContent as ``record_from`` does.
    """
    if first == second and markups[0] == markups[1]:
        return None
    before, after = _decoded(first, markups[0]), _decoded(second, markups[1])
    if before == after:
        return None
    before, after = _marked(before, after)
    read, seen = _read(before), _read(after)
    if markups[0] == markups[1]:
        return read, seen
    from registry_sync.sources.ctgov_html import in_words_of

    return in_words_of(read, seen), seen


def own_ids(payload: bytes) -> tuple[str, ...]:
    """The sponsor's own id of the trial, which no record holds (UTF-8 JSON of one study); empty where there is none that can be read."""
    try:
        own = msgspec.json.decode(payload)["protocolSection"]["identificationModule"]["orgStudyIdInfo"]["id"]
    except (msgspec.MsgspecError, UnicodeError, RecursionError, LookupError, TypeError):
        return ()
    found = token(own) if isinstance(own, str) else None
    return (found,) if found else ()


_LONG: dict[str, tuple[str, ...]] = {
    "description_module": ("brief_summary", "detailed_description"),
    "arms_interventions_module": ("arm_groups", "interventions"),
    "outcomes_module": ("primary_outcomes", "secondary_outcomes", "other_outcomes"),
    "eligibility_module": ("eligibility_criteria", "study_population"),
    "references_module": ("references",),
}
"""What is dear to read and tells nothing of another field: how much a change matters never hangs on one of these that stayed as it was."""
_MARK = "="


def _marked(first: wire.Study, second: wire.Study) -> tuple[wire.Study, wire.Study]:
    """The two studies with a mark in place of each long part that they have alike (and say something in)."""
    one, two = first.protocol_section, second.protocol_section
    if one is None or two is None:
        return first, second
    for name, parts in _LONG.items():
        modules = getattr(one, name), getattr(two, name)
        if modules[0] is None or modules[1] is None:
            continue
        alike = {part: mark for part in parts if (mark := _mark(*(getattr(module, part) for module in modules))) is not None}
        if alike:
            one, two = (replace(section, **{name: replace(module, **alike)}) for section, module in zip((one, two), modules, strict=True))
    return replace(first, protocol_section=one), replace(second, protocol_section=two)


def _mark(first: Any, second: Any) -> str | list[Any] | None:
    if first != second or not first:
        return None
    if isinstance(first, str):
        return _MARK if first.strip() else None
    return []


def _decoded(payload: bytes, markup: Markup) -> wire.Study:
    try:
        study = _decoder.decode(payload)
        if markup == "markdown":
            return study
        from registry_sync.sources.ctgov_html import as_markdown

        return as_markdown(study)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadContent(f"the record cannot be read: {_reason(error)}") from error


def _read(study: wire.Study) -> Record:
    protocol = study.protocol_section or wire.ProtocolSection()
    trial = token((protocol.identification_module or wire.IdentificationModule()).nct_id)
    if trial is None:
        raise BadContent("the record has no NCT id")
    try:
        return _record(trial, study, protocol)
    except BadContent as error:
        raise BadContent(f"the record of {trial} cannot be used: {error}", about=trial) from error


def _record(trial: str, study: wire.Study, protocol: wire.ProtocolSection) -> Record:
    identification = protocol.identification_module or wire.IdentificationModule()
    status = protocol.status_module or wire.StatusModule()
    sponsors = protocol.sponsor_collaborators_module or wire.SponsorCollaboratorsModule()
    description = protocol.description_module or wire.DescriptionModule()
    conditions = protocol.conditions_module or wire.ConditionsModule()
    design = protocol.design_module or wire.DesignModule()
    design_info = design.design_info or wire.DesignInfo()
    arms = protocol.arms_interventions_module or wire.ArmsInterventionsModule()
    outcomes = protocol.outcomes_module or wire.OutcomesModule()
    eligibility = protocol.eligibility_module or wire.EligibilityModule()
    places = protocol.contacts_locations_module or wire.ContactsLocationsModule()
    references = protocol.references_module or wire.ReferencesModule()
    return Record(
        trial=trial,
        overall_status=_required(token(status.overall_status), "overall status"),
        why_stopped=line(status.why_stopped),
        last_known_status=token(status.last_known_status),
        expanded_access=_expanded_access(status.expanded_access_info),
        start_date=_dated(status.start_date_struct),
        primary_completion_date=_dated(status.primary_completion_date_struct),
        completion_date=_dated(status.completion_date_struct),
        first_submit_date=_date(status.study_first_submit_date),
        first_post_date=_dated(status.study_first_post_date_struct),
        criteria=_criteria(eligibility.eligibility_criteria),
        sex=token(eligibility.sex),
        minimum_age=line(eligibility.minimum_age),
        maximum_age=line(eligibility.maximum_age),
        healthy_volunteers=eligibility.healthy_volunteers,
        study_population=_prose(eligibility.study_population),
        locations=_each(places.locations, _location),
        central_contacts=_each(places.central_contacts, _contact),
        overall_officials=_each(places.overall_officials, _official),
        enrollment=_enrollment(design.enrollment_info),
        study_type=token(design.study_type),
        phases=_each(design.phases, token),
        allocation=token(design_info.allocation),
        masking=token((design_info.masking_info or wire.MaskingBlock()).masking),
        arms=_each(arms.arm_groups, _arm),
        interventions=_each(arms.interventions, _intervention),
        primary_outcomes=_each(outcomes.primary_outcomes, _outcome),
        secondary_outcomes=_each(outcomes.secondary_outcomes, _outcome),
        other_outcomes=_each(outcomes.other_outcomes, _outcome),
        has_results=study.has_results,
        results_first_submit_date=_date(status.results_first_submit_date),
        results_first_post_date=_dated(status.results_first_post_date_struct),
        results_delayed_date=_date(status.disp_first_submit_date),
        results_unposted=_each(_unposted_events(study), _unposted),
        documents=_each(_large_docs(study), _document),
        publications=_each(references.references, _publication),
        brief_title=line(identification.brief_title),
        official_title=line(identification.official_title),
        acronym=line(identification.acronym),
        secondary_ids=_each(identification.secondary_id_infos, lambda info: token(info.id)),
        lead_sponsor=line((sponsors.lead_sponsor or wire.Sponsor()).name),
        responsible_party=_responsible_party(sponsors.responsible_party),
        collaborators=_each(sponsors.collaborators, lambda sponsor: line(sponsor.name)),
        conditions=_each(conditions.conditions, line),
        keywords=_each(conditions.keywords, line),
        brief_summary=_prose(description.brief_summary),
        detailed_description=_prose(description.detailed_description),
        last_update_submit_date=_date(status.last_update_submit_date),
        last_update_post_date=_dated(status.last_update_post_date_struct),
        status_verified_date=_date(status.status_verified_date),
    )


def token(text: str | None) -> str | None:
    """A token, an id, a phone number: as it is, but for blanks; ``None`` when nothing is left."""
    if not text:
        return None
    if not text.isprintable():  # nearly every text is
        text = _CONTROL.sub("", text)
    elif text[0] != " " != text[-1] and "  " not in text:  # the only blank that can be printed
        return text
    return " ".join(text.split()) or None


def line(text: str | None) -> str | None:
    """A text of one line: entities resolved (``&#39;`` stands in real site names), blanks folded; ``None`` when nothing is left."""
    return token(_without_entities(text)) if text and "&" in text else token(text)


def _escaped_line(text: str | None) -> str | None:
    """A text of one line that the registry escapes in some fields and not in others."""
    return line(_ESCAPE.sub("", text or ""))


def _without_entities(text: str) -> str:
    for _ in range(_MOST_ENCODINGS):  # ``&amp;gt;`` is a ``>`` that was encoded twice
        resolved = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
        if resolved == text:
            break
        text = resolved
    return text


@lru_cache(_TEXTS_KEPT)
def _prose(text: str | None) -> str | None:
    return (plain_text(text) or None) if text else None


@lru_cache(_CRITERIA_KEPT)
def _criteria(text: str | None) -> tuple[Criterion, ...] | None:
    return criteria.parse(markdown_lines(text)) if text and text.strip() else None


def _required(value: str | None, name: str) -> str:
    if value is None:
        raise BadContent(f"it has no {name}")
    return value


@lru_cache(_DATES_KEPT)
def _date(text: str | None) -> str | None:
    """A registry date as it is given; raises BadContent for anything but YYYY, YYYY-MM and YYYY-MM-DD."""
    date = token(text)
    if date is None:
        return None
    try:
        dates.parse(date if date.isascii() else "")
    except ValueError:
        raise BadContent(f"{date[:40]!r} is no date") from None
    return date


def _dated(struct: wire.DateStruct | None) -> Dated | None:
    date = _date(struct.date) if struct else None
    return Dated(date, _type(struct.type)) if struct and date else None


def _type(text: str | None) -> str | None:
    kind = token(text)
    return _OLD_TYPES.get(kind, kind) if kind else None


def _each(items: Iterable[_Sent | None] | None, keep: Callable[[_Sent], _Kept | None]) -> tuple[_Kept, ...] | None:
    """Every item that says something; ``None`` when there is no list."""
    if items is None:
        return None
    return tuple([kept for item in items if item is not None and (kept := keep(item)) is not None])


def _expanded_access(info: wire.ExpandedAccessInfo | None) -> ExpandedAccess | None:
    if info is None or not info.has_expanded_access:
        return None
    return ExpandedAccess(token(info.nct_id), token(info.status_for_nct_id))


def _location(site: wire.Location) -> Location | None:
    location = Location(
        facility=line(site.facility),
        city=line(site.city),
        state=line(site.state),
        zip=token(site.zip),
        country=line(site.country),
        status=token(site.status),
        contacts=_each(site.contacts, _contact) or (),
    )
    return location if location != Location() else None


def _contact(person: wire.Contact) -> Contact | None:
    contact = Contact(line(person.name), token(person.role), _phone(person), token(person.email))
    return contact if contact != Contact() else None


def _phone(person: wire.Contact) -> str | None:
    phone, extension = token(person.phone), token(person.phone_ext)
    return f"{phone} ext. {extension}" if phone and extension else phone


def _official(person: wire.Official) -> Official | None:
    official = Official(line(person.name), token(person.role), line(person.affiliation))
    return official if official != Official() else None


def _enrollment(info: wire.EnrollmentInfo | None) -> Enrollment | None:
    return Enrollment(info.count, _type(info.type)) if info and info.count is not None else None


def _arm(group: wire.ArmGroup) -> Arm | None:
    arm = Arm(line(group.label), token(group.type), _prose(group.description))
    return arm if arm != Arm() else None


def _intervention(sent: wire.Intervention) -> Intervention | None:
    intervention = Intervention(token(sent.type), line(sent.name), _prose(sent.description))
    return intervention if intervention != Intervention() else None


def _outcome(sent: wire.Outcome) -> Outcome | None:
    outcome = Outcome(_escaped_line(sent.measure), _escaped_line(sent.time_frame), _prose(sent.description))
    return outcome if outcome != Outcome() else None


def _unposted_events(study: wire.Study) -> list[wire.UnpostedEvent | None] | None:
    module = study.annotation_section.annotation_module if study.annotation_section else None
    annotation = module.unposted_annotation if module else None
    return annotation.unposted_events if annotation else None


def _unposted(event: wire.UnpostedEvent) -> UnpostedEvent | None:
    unposted = UnpostedEvent(token(event.type), None if event.date_unknown else _date(event.date))
    return unposted if unposted != UnpostedEvent() else None


def _large_docs(study: wire.Study) -> list[wire.LargeDoc | None] | None:
    module = study.document_section.large_document_module if study.document_section else None
    return module.large_docs if module else None


def _document(sent: wire.LargeDoc) -> Document | None:
    document = Document(token(sent.type_abbrev), _date(sent.date), line(sent.label))
    return document if document != Document() else None


def _publication(reference: wire.Reference) -> Publication | None:
    publication = Publication(token(reference.pmid), line(reference.citation), token(reference.type))
    return publication if publication != Publication() else None


def _responsible_party(party: wire.ResponsibleParty | None) -> ResponsibleParty | None:
    """The party; records from before 2011 name a person and an organisation instead of a type."""
    if party is None:
        return None
    old = ", ".join(part for part in (line(party.old_name_title), line(party.old_organization)) if part)
    responsible = ResponsibleParty(token(party.type), line(party.investigator_full_name) or old or None)
    return responsible if responsible != ResponsibleParty() else None


def _reason(error: Exception) -> str:
    """What a decoder says, without what it may quote at length."""
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:300]
