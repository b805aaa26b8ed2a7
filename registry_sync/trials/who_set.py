"""A trial as one row of the WHO Trial Registration Data Set, version 1.3.1.

Its 24 items are the least that must be known of a trial for it to count as registered
(https://www.who.int/tools/clinical-trials-registry-platform/network/who-data-set). An item that the record does not answer stays
empty: ethics review always does, since the registry does not show it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

REGISTRY = "ClinicalTrials.gov"
_STUDY = "https://clinicaltrials.gov/study/"

Values = dict[str, Any]
"""A record as ``show --json`` has it."""


class Beyond(msgspec.Struct, frozen=True):
    """What the data set asks for and no canonical record holds, as the registry sent it; ``None``: not stated.

    ``own_id``: the sponsor's own number. ``sharing``: whether individual participant data are shared (YES, NO, UNDECIDED), and
    ``sharing_plan`` what is said of it, line by line.
    """

    own_id: str | None = None
    purpose: str | None = None
    model: str | None = None
    sharing: str | None = None
    sharing_plan: tuple[str, ...] = ()


class Column(msgspec.Struct, frozen=True):
    """One column: the number of its item (``None``: none of the data set's), its name, and what stands in it."""

    item: int | None
    name: str
    of: Callable[[Values, Beyond], Any]


STATUSES = {
    "NOT_YET_RECRUITING": "Pending",
    "RECRUITING": "Recruiting",
    "ENROLLING_BY_INVITATION": "Recruiting",
    "SUSPENDED": "Suspended",
    "ACTIVE_NOT_RECRUITING": "Complete",
    "COMPLETED": "Complete",
    "TERMINATED": "Complete",
}
"""The data set's word for each status of the registry: whether participants are enrolled, not whether the trial goes on. Others: Other."""


def row(values: Values, beyond: Beyond) -> list[Any]:
    """What stands in the columns for a record: texts, whole numbers, or ``None``; several things stand on a line each."""
    return [column.of(values, beyond) for column in COLUMNS]


def _field(name: str) -> Callable[[Values, Beyond], Any]:
    return lambda values, _: values.get(name)


def _part(name: str, part: str) -> Callable[[Values, Beyond], Any]:
    return lambda values, _: (values.get(name) or {}).get(part)


def _list(name: str) -> Callable[[Values, Beyond], Any]:
    return lambda values, _: _lines(values.get(name) or ())


def _lines(texts: Iterable[str | None]) -> str | None:
    return "\n".join(dict.fromkeys(text for text in texts if text)) or None


def _said(*parts: str | None) -> str:
    return "; ".join(part for part in parts if part)


def _secondary_ids(values: Values, beyond: Beyond) -> str | None:
    return _lines([beyond.own_id, *(values.get("secondary_ids") or ())])


def _support(values: Values, _: Beyond) -> str | None:
    return _lines([values.get("lead_sponsor"), *(values.get("collaborators") or ())])


def _public_contact(values: Values, _: Beyond) -> str | None:
    """The trial's central contacts, or else those of its sites."""
    central = values.get("central_contacts") or ()
    return _lines(map(_contact, central)) or _lines(
        _said(site.get("facility"), _contact(contact))
        for site in values.get("locations") or ()
        for contact in site.get("contacts") or ()
        if _contact(contact)
    )


def _contact(contact: Values) -> str:
    return _said(contact.get("name"), contact.get("phone"), contact.get("email"))


def _scientific_contact(values: Values, _: Beyond) -> str | None:
    officials = (official for official in values.get("overall_officials") or () if official.get("name"))
    return _lines(_said(official.get("name"), official.get("role"), official.get("affiliation")) for official in officials)


def _countries(values: Values, _: Beyond) -> str | None:
    return _lines(site.get("country") for site in values.get("locations") or ())


def _interventions(values: Values, _: Beyond) -> str | None:
    return _lines(_titled(each.get("type"), each.get("name"), each.get("description")) for each in values.get("interventions") or ())


def _titled(kind: str | None, name: str | None, description: str | None) -> str:
    return ": ".join(part for part in (kind, name, _flat(description)) if part)


def _flat(text: str | None) -> str | None:
    return " ".join(text.split()) if text else None


_HEADINGS = {"inclusion": "Inclusion criteria", "exclusion": "Exclusion criteria", None: "Criteria"}


def _criteria(values: Values, _: Beyond) -> str | None:
    lines: list[str] = []
    heading: object = ()
    for criterion in values.get("criteria") or ():
        place = (criterion["group"], criterion["section"])
        if place != heading:
            heading = place
            lines.append(f"{_HEADINGS.get(criterion['group'], 'Criteria')}{_in_brackets(criterion['section'])}:")
        lines.append(f"{'  ' * criterion['depth']}{'- ' if criterion['kind'] == 'item' else ''}{criterion['text']}")
    healthy = values.get("healthy_volunteers")
    said = {
        "Minimum age": values.get("minimum_age"),
        "Maximum age": values.get("maximum_age"),
        "Sex": values.get("sex"),
        "Healthy volunteers": None if healthy is None else "yes" if healthy else "no",
    }
    lines += [f"{name}: {value}" for name, value in said.items() if value]
    return "\n".join(lines) or None


def _in_brackets(text: str | None) -> str:
    return f" ({text})" if text else ""


def _study_type(values: Values, beyond: Beyond) -> str | None:
    said = {
        "Allocation": values.get("allocation"),
        "Masking": values.get("masking"),
        "Model": beyond.model,
        "Purpose": beyond.purpose,
        "Phase": ", ".join(values.get("phases") or ()),
    }
    return _lines([values.get("study_type"), *(f"{name}: {value}" for name, value in said.items() if value)])


def _status(values: Values, _: Beyond) -> str | None:
    status = values.get("overall_status")
    return None if status is None else STATUSES.get(status, "Other")


def _outcomes(name: str) -> Callable[[Values, Beyond], Any]:
    def told(values: Values, _: Beyond) -> str | None:
        return _lines(
            _said(_titled(None, each.get("measure"), each.get("description")), each.get("time_frame")) for each in values.get(name) or ()
        )

    return told


def _results(values: Values, _: Beyond) -> str | None:
    posted = (values.get("results_first_post_date") or {}).get("date")
    published = (each for each in values.get("publications") or () if each.get("type") == "RESULT")
    return _lines(
        [
            f"Posted {posted}" if posted else None,
            f"{_STUDY}{values['trial']}?tab=results" if values.get("has_results") else None,
            *(_said(f"PMID {each['pmid']}" if each.get("pmid") else None, each.get("citation")) for each in published),
        ]
    )


def _sharing(_: Values, beyond: Beyond) -> str | None:
    return _lines([beyond.sharing, *beyond.sharing_plan])


COLUMNS: tuple[Column, ...] = (
    Column(1, "primary_registry", lambda _, __: REGISTRY),
    Column(1, "trial_identifying_number", _field("trial")),
    Column(2, "date_of_registration", _field("first_submit_date")),
    Column(3, "secondary_identifying_numbers", _secondary_ids),
    Column(4, "sources_of_monetary_or_material_support", _support),
    Column(5, "primary_sponsor", _field("lead_sponsor")),
    Column(6, "secondary_sponsors", _list("collaborators")),
    Column(7, "contact_for_public_queries", _public_contact),
    Column(8, "contact_for_scientific_queries", _scientific_contact),
    Column(9, "public_title", _field("brief_title")),
    Column(10, "scientific_title", _field("official_title")),
    Column(11, "countries_of_recruitment", _countries),
    Column(12, "health_conditions_studied", _list("conditions")),
    Column(13, "interventions", _interventions),
    Column(14, "key_inclusion_and_exclusion_criteria", _criteria),
    Column(15, "study_type", _study_type),
    Column(16, "date_of_first_enrollment", _part("start_date", "date")),
    Column(17, "sample_size", _part("enrollment", "count")),
    Column(18, "recruitment_status", _status),
    Column(19, "primary_outcomes", _outcomes("primary_outcomes")),
    Column(20, "key_secondary_outcomes", _outcomes("secondary_outcomes")),
    Column(21, "ethics_review", lambda _, __: None),
    Column(22, "completion_date", _part("completion_date", "date")),
    Column(23, "summary_results", _results),
    Column(24, "ipd_sharing_statement", _sharing),
    Column(None, "overall_status", _field("overall_status")),
    Column(None, "date_of_first_enrollment_type", _part("start_date", "type")),
    Column(None, "sample_size_type", _part("enrollment", "type")),
    Column(None, "completion_date_type", _part("completion_date", "type")),
    Column(None, "url", lambda values, _: f"{_STUDY}{values['trial']}"),
    Column(None, "registry_date", _field("registry_date")),
    Column(None, "seen_at", _field("seen_at")),
    Column(None, "absent_since", _field("absent_since")),
    Column(None, "absence", _field("absence")),
)
"""The data set's columns in its own order, then what helps to read them."""

NAMES = tuple(column.name for column in COLUMNS)
