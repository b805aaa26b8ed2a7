"""Material edits of status, dates, enrolment, ages, results and other single values, as the registry itself would make them."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import Any

from tests.edits.kinds import MATERIAL, Draft, Study, material
from tests.edits.telling import ANY, Expected, Telling, told

News = Sequence[Expected]

_SHOWS_SITE_STATUS = ("RECRUITING", "UNKNOWN")
_SHOWS_CONTACTS = ("RECRUITING", "NOT_YET_RECRUITING", "UNKNOWN")
_REASONS = ("FDA", "Slow accrual", "The funder withdrew its support; no safety concern", "Sponsor's decision")


def changed(field: str, before: Any = ANY, after: Any = ANY, significance: str | None = None, reader: str | None = None) -> Expected:
    return told(Telling(field, "changed", before, after, None, significance, reader))


# --- status and what follows it ----------------------------------------------------------------------------------------


def _turn(draft: Draft, status: str, *, reason: str | None = None) -> News:
    """Another overall status, with the sites and contacts that the registry hides or shows with it."""
    module = draft.module("statusModule")
    if not draft.take("overall_status", "why_stopped", "last_known_status", "locations", "central_contacts"):
        return []
    old = module["overallStatus"]
    news = [changed("overall_status", old, status)]
    module["overallStatus"] = status
    for name, key, value in (
        ("why_stopped", "whyStopped", reason),
        ("last_known_status", "lastKnownStatus", old if status == "UNKNOWN" else None),
    ):
        was = module.pop(key, None)
        if value is not None:
            module[key] = value
        if was != value:
            news.append(changed(name, was, value, "housekeeping" if name == "last_known_status" else "major"))
    return [*news, *_followed(draft, status)]


def _followed(draft: Draft, status: str) -> News:
    """Every site and contact that comes or goes with the status is kept as housekeeping, and told to no reader."""
    places, news = draft.module("contactsLocationsModule"), []
    if status not in _SHOWS_CONTACTS:
        news = [_folded("central_contacts", "removed", contact, None) for contact in places.pop("centralContacts", [])]
    for site in places.get("locations", []):
        was, shown = _shown(site), (site.get("status"), bool(site.get("contacts")))
        if status not in _SHOWS_CONTACTS:
            site.pop("contacts", None)
        if status not in _SHOWS_SITE_STATUS:
            site.pop("status", None)
        elif status == "RECRUITING":
            site["status"] = status
        if (site.get("status"), bool(site.get("contacts"))) != shown:
            news.append(_folded("locations", "changed", was, _shown(site)))
    return news


def _shown(site: Study) -> Study:
    return {name: site.get(name) for name in ("facility", "city", "country", "status")}


def _folded(field: str, operation: str, before: Study | None, after: Study | None) -> Expected:
    old, new = ({"name": side.get("name")} if side and field == "central_contacts" else side for side in (before, after))
    return told(Telling(field, operation, old, new, None, "housekeeping", "untold"))


def _without_mix(draft: Draft, *, wanted: str) -> bool:
    """Does the status follow the common path, so that what comes and goes with it is plain?"""
    sites = draft.module("contactsLocationsModule").get("locations", [])
    shown = {bool(site.get("status")) for site in sites}
    recruits = draft.module("statusModule")["overallStatus"] == "RECRUITING"
    return shown <= {recruits} if wanted == "RECRUITING" else True


def _step(name: str, start: Sequence[str], end: str, *, stops: bool = False) -> None:
    def edit(draft: Draft, rng: random.Random) -> News:
        if draft.module("statusModule").get("overallStatus") not in start or not _without_mix(draft, wanted=end):
            return []
        return _turn(draft, end, reason=rng.choice(_REASONS) if stops else None)

    MATERIAL[name] = edit


_step("status_opens", ("NOT_YET_RECRUITING",), "RECRUITING")
_step("status_closes", ("RECRUITING",), "ACTIVE_NOT_RECRUITING")
_step("status_reopens", ("ACTIVE_NOT_RECRUITING",), "RECRUITING")
_step("status_pauses", ("RECRUITING",), "SUSPENDED", stops=True)
_step("status_ends_early", ("RECRUITING", "ACTIVE_NOT_RECRUITING", "SUSPENDED"), "TERMINATED", stops=True)
_step("status_withdrawn", ("NOT_YET_RECRUITING",), "WITHDRAWN", stops=True)
_step("status_completes", ("RECRUITING", "ACTIVE_NOT_RECRUITING"), "COMPLETED")
_step("status_becomes_unknown", ("RECRUITING", "NOT_YET_RECRUITING", "ACTIVE_NOT_RECRUITING"), "UNKNOWN")
_step("status_by_invitation", ("RECRUITING",), "ENROLLING_BY_INVITATION")


@material
def why_stopped_changed(draft: Draft, rng: random.Random) -> News:
    module = draft.module("statusModule")
    if module.get("overallStatus") not in ("TERMINATED", "WITHDRAWN", "SUSPENDED") or not draft.take("why_stopped"):
        return []
    old, new = module.get("whyStopped"), rng.choice([reason for reason in _REASONS if reason != module.get("whyStopped")])
    module["whyStopped"] = new
    return [changed("why_stopped", old, new, "major")]


# --- dates ---------------------------------------------------------------------------------------------------------------

_DATES = {
    "start": ("start_date", "startDateStruct"),
    "primary_completion": ("primary_completion_date", "primaryCompletionDateStruct"),
    "completion": ("completion_date", "completionDateStruct"),
}


def _later(date: str, months: int, *, day: bool) -> str:
    """The date some months later, with a day (never beyond the 28th) or without."""
    count = int(date[:4]) * 12 + int(date[5:7] or 1) - 1 + months
    return f"{count // 12}-{count % 12 + 1:02d}" + (f"-{min(int(date[8:10] or 15), 28):02d}" if day else "")


def _slipped(date: Study, rng: random.Random) -> tuple[Study, str | None] | None:
    months = rng.choice((-2, 1, 3, 6, 18))
    return date | {"date": _later(date["date"], months, day=len(date["date"]) == 10)}, None


def _made_actual(date: Study, rng: random.Random) -> tuple[Study, str | None] | None:
    if date.get("type") == "ACTUAL":
        return None
    return {"date": _later(date["date"], rng.choice((0, 0, 1)), day=True), "type": "ACTUAL"}, None


def _made_precise(date: Study, rng: random.Random) -> tuple[Study, str | None] | None:
    """The same month, with a day now or without the one that it had."""
    if len(date["date"]) < 7:
        return None
    new = date["date"][:7] if len(date["date"]) == 10 else f"{date['date']}-{rng.randint(1, 28):02d}"
    return date | {"date": new}, "housekeeping"


def _type_only(date: Study, _: random.Random) -> tuple[Study, str | None] | None:
    return (date | {"type": "ACTUAL"}, None) if date.get("type") == "ESTIMATED" else None


Shift = Callable[[Study, random.Random], tuple[Study, str | None] | None]


def _said(date: Study) -> Study:
    return {"date": date["date"], "type": date.get("type")}


def _date_kind(label: str, verb: str, shift: Shift) -> None:
    name, key = _DATES[label]

    def edit(draft: Draft, rng: random.Random) -> News:
        module = draft.module("statusModule")
        date = module.get(key)
        shifted = shift(date, rng) if date and date.get("date") else None
        if date is None or shifted is None or shifted[0] == date or not draft.take(name):
            return []
        module[key], significance = shifted
        return [changed(name, _said(date), _said(module[key]), significance)]

    MATERIAL[f"{label}_{verb}"] = edit


for _label in _DATES:
    _date_kind(_label, "slipped", _slipped)
    _date_kind(_label, "made_actual", _made_actual)
    _date_kind(_label, "precision_only", _made_precise)
    _date_kind(_label, "type_only", _type_only)


@material
def update_posted(draft: Draft, rng: random.Random) -> News:
    """The registry's own dates of an update: housekeeping, all three."""
    module, month = draft.module("statusModule"), rng.randint(1, 12)
    if not draft.take("last_update_submit_date", "last_update_post_date", "status_verified_date"):
        return []
    module["statusVerifiedDate"] = f"2031-{month:02d}"
    module["lastUpdateSubmitDate"] = f"2031-{month:02d}-03"
    module["lastUpdatePostDateStruct"] = {"date": f"2031-{month:02d}-05", "type": "ESTIMATED"}
    names = ("last_update_submit_date", "last_update_post_date", "status_verified_date")
    return [changed(name, significance="housekeeping", reader="untold") for name in names]


@material
def posted_date_made_actual(draft: Draft, _: random.Random) -> News:
    module = draft.module("statusModule")
    for name, key in (("first_post_date", "studyFirstPostDateStruct"), ("last_update_post_date", "lastUpdatePostDateStruct")):
        date = module.get(key)
        if date and date.get("type") == "ESTIMATED" and draft.take(name):
            module[key] = date | {"type": "ACTUAL"}
            return [changed(name, significance="housekeeping")]
    return []


# --- other single values --------------------------------------------------------------------------------------------------


@material
def enrollment_target_changed(draft: Draft, rng: random.Random) -> News:
    info = draft.module("designModule").get("enrollmentInfo") or {}
    if info.get("type") != "ESTIMATED" or not info.get("count") or not draft.take("enrollment"):
        return []
    old = dict(info)
    info["count"] += rng.choice((1, 10, 250))
    return [changed("enrollment", {"count": old["count"]}, {"count": info["count"], "type": "ESTIMATED"})]


@material
def enrollment_made_actual(draft: Draft, rng: random.Random) -> News:
    info = draft.module("designModule").get("enrollmentInfo") or {}
    if info.get("type") != "ESTIMATED" or not info.get("count") or not draft.take("enrollment"):
        return []
    old = info["count"]
    info |= {"count": max(0, old - rng.choice((0, 0, 3))), "type": "ACTUAL"}
    return [changed("enrollment", {"count": old, "type": "ESTIMATED"}, dict(info))]


def _value_kind(kind: str, name: str, path: str, new: Callable[[Any, random.Random], Any], significance: str | None = None) -> None:
    """One value, at ``module.key``, becomes another; ``None`` from ``new``: it has no place here."""
    module_name, *keys = path.split(".")

    def edit(draft: Draft, rng: random.Random) -> News:
        holder: Any = draft.protocol.get(module_name)
        for key in keys[:-1]:
            holder = holder.get(key) if isinstance(holder, dict) else None
        old = holder.get(keys[-1]) if isinstance(holder, dict) else None
        value = new(old, rng) if isinstance(holder, dict) else None
        if value is None or value == old or not draft.take(name):
            return []
        holder[keys[-1]] = value
        return [changed(name, old, value, significance)]

    MATERIAL[kind] = edit


def _age(old: str | None, rng: random.Random) -> str | None:
    number = re.match(r"(\d+) (\w+)$", old or "")
    return f"{int(number[1]) + rng.choice((1, 3))} {number[2]}" if number else rng.choice(("18 Years", "6 Months"))


def _age_unit(old: str | None, _: random.Random) -> str | None:
    return old.replace("Years", "Months") if old and "Years" in old and not old.startswith("0 ") else None


def _other_than(*values: Any) -> Callable[[Any, random.Random], Any]:
    return lambda old, rng: rng.choice([value for value in values if not _same(value, old)])


def _same(one: Any, two: Any) -> bool:
    """The order of phases does not count."""
    return bool(sorted(one) == sorted(two) if isinstance(one, list) and isinstance(two, list) else one == two)


def _other_word(text: str | None, rng: random.Random) -> str | None:
    """A title with one word replaced, or with two more at its end."""
    found = list(re.finditer(r"(?<![\w&\\-])[A-Za-z]{5,}(?![\w;-])", text or ""))
    if not text or len(found) < 3:
        return None
    if rng.random() < 0.5:
        return f"{text.rstrip('. ')} in Volunteers"
    one = rng.choice(found)
    return text[: one.start()] + "Renewed" + text[one.end() :]


def _sentence_more(text: str | None, _: random.Random) -> str | None:
    return f"{text.rstrip()} A second visit was added to the plan." if text else None


def _number_in_prose(text: str | None, rng: random.Random) -> str | None:
    found = list(re.finditer(r"(?<= )\d{1,2}(?= [a-z])", text or ""))
    if not text or not found:
        return None
    one = rng.choice(found)
    return text[: one.start()] + str(int(one[0]) + 2) + text[one.end() :]


_value_kind("minimum_age_changed", "minimum_age", "eligibilityModule.minimumAge", _age, "major")
_value_kind("maximum_age_changed", "maximum_age", "eligibilityModule.maximumAge", _age, "major")
_value_kind("age_unit_changed", "minimum_age", "eligibilityModule.minimumAge", _age_unit, "major")
_value_kind("sex_changed", "sex", "eligibilityModule.sex", _other_than("ALL", "FEMALE", "MALE"), "major")
_value_kind(
    "healthy_volunteers_changed",
    "healthy_volunteers",
    "eligibilityModule.healthyVolunteers",
    lambda old, _: not old if old is not None else None,
)
_value_kind("study_population_changed", "study_population", "eligibilityModule.studyPopulation", _sentence_more)
_value_kind(
    "masking_changed", "masking", "designModule.designInfo.maskingInfo.masking", _other_than("NONE", "SINGLE", "DOUBLE", "QUADRUPLE")
)
_value_kind("allocation_changed", "allocation", "designModule.designInfo.allocation", _other_than("RANDOMIZED", "NON_RANDOMIZED"))
_value_kind("phase_changed", "phases", "designModule.phases", _other_than(["PHASE2"], ["PHASE2", "PHASE3"], ["PHASE4"]), "major")
_value_kind("brief_title_changed", "brief_title", "identificationModule.briefTitle", _other_word)
_value_kind("official_title_changed", "official_title", "identificationModule.officialTitle", _other_word)
_value_kind("acronym_changed", "acronym", "identificationModule.acronym", _other_than("PELICAN", "HERON-2"))
_value_kind("brief_summary_grown", "brief_summary", "descriptionModule.briefSummary", _sentence_more)
_value_kind("brief_summary_number_changed", "brief_summary", "descriptionModule.briefSummary", _number_in_prose)
_value_kind("detailed_description_changed", "detailed_description", "descriptionModule.detailedDescription", _number_in_prose)
_value_kind(
    "lead_sponsor_changed",
    "lead_sponsor",
    "sponsorCollaboratorsModule.leadSponsor.name",
    _other_than("Example University Hospital", "Example Pharma A/S"),
    "major",
)


@material
def age_limit_dropped(draft: Draft, _: random.Random) -> News:
    module = draft.module("eligibilityModule")
    if "maximumAge" not in module or not draft.take("maximum_age"):
        return []
    return [changed("maximum_age", module.pop("maximumAge"), None, "major")]


@material
def responsible_party_changed(draft: Draft, _: random.Random) -> News:
    module = draft.module("sponsorCollaboratorsModule")
    if (module.get("responsibleParty") or {}).get("type") != "SPONSOR" or not draft.take("responsible_party"):
        return []
    module["responsibleParty"] = {"type": "PRINCIPAL_INVESTIGATOR", "investigatorFullName": "Contact A", "investigatorTitle": "Professor"}
    return [changed("responsible_party", {"type": "SPONSOR"}, {"type": "PRINCIPAL_INVESTIGATOR", "name": "Contact A"}, "major")]


@material
def results_posted(draft: Draft, _: random.Random) -> News:
    """One event, though the registry sets three values."""
    module = draft.module("statusModule")
    if draft.study.get("hasResults") is not False or "resultsFirstPostDateStruct" in module or not draft.take("has_results"):
        return []
    old = module.get("resultsFirstSubmitDate")
    draft.study["hasResults"] = True
    module |= {"resultsFirstSubmitDate": "2031-03-01", "resultsFirstPostDateStruct": {"date": "2031-04-01", "type": "ACTUAL"}}
    return [changed("has_results", False, True, "major"), changed("results_first_submit_date", old, "2031-03-01")]


@material
def results_certified(draft: Draft, _: random.Random) -> News:
    module = draft.module("statusModule")
    if "dispFirstSubmitDate" in module or not draft.take("results_delayed_date"):
        return []
    module["dispFirstSubmitDate"] = "2031-02-03"
    return [changed("results_delayed_date", None, "2031-02-03", "major", "untold")]


@material
def expanded_access_appears(draft: Draft, _: random.Random) -> News:
    module = draft.module("statusModule")
    if (module.get("expandedAccessInfo") or {}).get("hasExpandedAccess") or not draft.take("expanded_access"):
        return []
    module["expandedAccessInfo"] = {"hasExpandedAccess": True, "nctId": "NCT00000001", "statusForNctId": "AVAILABLE"}
    return [changed("expanded_access", None, {"trial": "NCT00000001", "status": "AVAILABLE"}, "major")]
