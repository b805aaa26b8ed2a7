"""The hand-made cases: a TOML file each, laid over one small study, read into the two versions and the changes expected of them.

``[both]``, ``[before]`` and ``[after]`` hold parts of the study by the names of ``SHORT``, each in API v2's own shape and replaced
whole, or by a quoted path such as ``"derivedSection.miscInfoModule"``; ``absent`` lists what is taken out. Every version after gets another
release stamp, other map coordinates and its keys in reverse, so that each case also shows that these alone are no change.
"""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from registry_sync.sources.ctgov_record import record_from
from registry_sync.trials.changes import Change
from registry_sync.trials.record import Record

Study = dict[str, Any]
_HERE = Path(__file__).resolve().parent
_PROTOCOL = {
    "identificationModule": {
        "brief_title": "briefTitle",
        "official_title": "officialTitle",
        "acronym": "acronym",
        "secondary_ids": "secondaryIdInfos",
    },
    "statusModule": {
        "verified": "statusVerifiedDate",
        "status": "overallStatus",
        "last_known_status": "lastKnownStatus",
        "why_stopped": "whyStopped",
        "expanded_access": "expandedAccessInfo",
        "start": "startDateStruct",
        "primary_completion": "primaryCompletionDateStruct",
        "completion": "completionDateStruct",
        "first_submitted": "studyFirstSubmitDate",
        "first_posted": "studyFirstPostDateStruct",
        "results_submitted": "resultsFirstSubmitDate",
        "results_posted": "resultsFirstPostDateStruct",
        "certified": "dispFirstSubmitDate",
        "update_submitted": "lastUpdateSubmitDate",
        "update_posted": "lastUpdatePostDateStruct",
    },
    "sponsorCollaboratorsModule": {
        "responsible_party": "responsibleParty",
        "sponsor": "leadSponsor",
        "collaborators": "collaborators",
    },
    "descriptionModule": {"summary": "briefSummary", "description": "detailedDescription"},
    "conditionsModule": {"conditions": "conditions", "keywords": "keywords"},
    "designModule": {
        "study_type": "studyType",
        "phases": "phases",
        "allocation": "designInfo.allocation",
        "masking": "designInfo.maskingInfo.masking",
        "enrollment": "enrollmentInfo",
    },
    "armsInterventionsModule": {"arms": "armGroups", "interventions": "interventions"},
    "outcomesModule": {
        "primary_outcomes": "primaryOutcomes",
        "secondary_outcomes": "secondaryOutcomes",
        "other_outcomes": "otherOutcomes",
    },
    "eligibilityModule": {
        "eligibility": "eligibilityCriteria",
        "healthy_volunteers": "healthyVolunteers",
        "sex": "sex",
        "minimum_age": "minimumAge",
        "maximum_age": "maximumAge",
        "population": "studyPopulation",
    },
    "contactsLocationsModule": {"contacts": "centralContacts", "officials": "overallOfficials", "locations": "locations"},
    "referencesModule": {"references": "references"},
}
SHORT: dict[str, str] = {
    "has_results": "hasResults",
    "unposted": "annotationSection.annotationModule.unpostedAnnotation.unpostedEvents",
    "documents": "documentSection.largeDocumentModule.largeDocs",
    **{name: f"protocolSection.{module}.{key}" for module, names in _PROTOCOL.items() for name, key in names.items()},
}
"""The names that cases use, and where they stand in a study."""

Weight = Literal["major", "minor", "housekeeping", "untold"]


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One change as the case's author judged it; parts of an item that are not stated are left out of ``before`` and ``after``."""

    field: str
    operation: Literal["changed", "added", "removed", "moved"]
    coordinator: Weight
    reader: Weight
    before: Any = None
    after: Any = None
    group: Literal["inclusion", "exclusion"] | None = None


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file.

    ``reader_says``, ``coordinator_says``: what their English mails must hold; ``never``: what no English mail may hold. ``known``: why the
    engine does not yet tell what the case expects; ``known_shown``: why a told change does not yet show what differs.
    """

    reason: str
    both: dict[str, Any] = {}
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    changes: tuple[Expected, ...] = ()
    reader_says: tuple[str, ...] = ()
    coordinator_says: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    known: str | None = None
    known_shown: str | None = None

    def study(self, side: Literal["before", "after"]) -> Study:
        """The study as the registry would send it, before or after."""
        study = copy.deepcopy(_base())
        for parts in (self.both, self.before if side == "before" else self.after):
            _lay_over(study, parts)
        return study if side == "before" else _released_anew(study)

    def record(self, side: Literal["before", "after"]) -> Record:
        """The canonical record of the version before or after."""
        return record_from(msgspec.json.encode(self.study(side)))


@cache
def all_cases() -> dict[str, Case]:
    """Every case by its path, such as ``criteria/number_raised``."""
    root = _HERE / "cases"
    return {file.relative_to(root).with_suffix("").as_posix(): _read(file) for file in sorted(root.rglob("*.toml"))}


def shown(change: Change) -> tuple[Any, ...]:
    """A change of the engine in the form in which ``wanted`` gives an expected one."""
    return (
        change.field,
        change.operation,
        change.group,
        _stated(change.before),
        _stated(change.after),
        change.significance,
        change.reader_significance,
    )


def wanted(change: Expected) -> tuple[Any, ...]:
    """An expected change: field, operation, group, before, after, what a coordinator and what a reader is told."""
    return (change.field, change.operation, change.group, _stated(change.before), _stated(change.after), change.coordinator, change.reader)


def _read(file: Path) -> Case:
    try:
        return msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), Case)
    except (msgspec.ValidationError, tomllib.TOMLDecodeError) as error:
        raise AssertionError(f"{file}: {error}") from error


@cache
def _base() -> Study:
    return tomllib.loads((_HERE / "base.toml").read_text(encoding="utf-8"))


def _lay_over(study: Study, parts: Mapping[str, Any]) -> None:
    for name, value in parts.items():
        if name == "absent":
            for gone in value:
                inside, key = _place(study, gone)
                del inside[key]
        else:
            inside, key = _place(study, name)
            inside[key] = copy.deepcopy(value)


def _place(study: Study, name: str) -> tuple[dict[str, Any], str]:
    """The object that holds this part, and its key there."""
    path = SHORT.get(name, name if "." in name else None)
    assert path is not None, f"no part of a study is called {name!r}"
    *modules, key = path.split(".")
    inside = study
    for module in modules:
        inside = inside.setdefault(module, {})
    return inside, key


def _released_anew(study: Study) -> Study:
    """What a data release touches in every record: its stamp, derived parts and coordinates; and the order of keys."""
    study["derivedSection"] = {"miscInfoModule": {"versionHolder": "2026-02-03"}, "conditionBrowseModule": {"meshes": []}}
    for number, site in enumerate(study["protocolSection"]["contactsLocationsModule"].get("locations", ())):
        site["geoPoint"] = {"lat": 55.0 + number, "lon": 12.0}
    turned: Study = _keys_in_reverse(study)
    return turned


def _keys_in_reverse(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _keys_in_reverse(inner) for key, inner in reversed(value.items())}
    return [_keys_in_reverse(inner) for inner in value] if isinstance(value, list) else value


def _stated(value: Any) -> Any:
    """A value without the parts that are not stated, and with its blanks folded: where lines break is for the mail to show."""
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, dict):
        return {name: _stated(inner) for name, inner in value.items() if inner is not None and inner != []}
    return [_stated(inner) for inner in value] if isinstance(value, list) else value
