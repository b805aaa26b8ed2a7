"""Studies in the form of API v2: the demo's own, NCT06805448, edited copies of any, and small whole ones for many trials.

What the facts of NCT06805448 do not give (summary, outcome, arms' wording, contact) is written for the demo. Names of
keys and enumerations are those of the registry's API 2.0.5.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any

Study = dict[str, Any]

TRIAL = "NCT06805448"
TITLE = "Intraglandular Treatment With Adipose-derived Mesenchymal Stem Cells in Patients With Xerostomia Due to Sjögren's Disease"
SPONSOR = "Rigshospitalet, Denmark"

INCLUSION = (
    "Sjögren's disease that meets the current European and American classification",
    "18 years of age or more",
    "A dry mouth that has lasted for at least 3 months",
    "Flow of unstimulated whole saliva between 0.05 and 3.0 ml/min",
    "Able to take in the study information and to consent in writing",
)
EXCLUSION = (
    "Takes medicine that dries the mouth, for example opioids or anticholinergic drugs",
    "Another disease of the salivary glands, for example after radiotherapy",
    "An earlier operation on a submandibular gland",
    "Stem cells of any kind given into the salivary glands before",
    "Pregnant, or planning a pregnancy, within the 12 months of the trial",
    "Breastfeeding a child",
    "Has smoked tobacco within 6 months before the screening visit",
    "Abuse of alcohol, that is more than 10 units a week",
    "Any other condition that in the investigator's view speaks against taking part",
)

_CONTACT = {"name": "Contact A", "role": "CONTACT", "email": "contact-a@example.org"}
_HAS_SITE_STATUS = frozenset({"RECRUITING", "UNKNOWN"})
_HAS_CONTACTS = frozenset({"RECRUITING", "NOT_YET_RECRUITING", "UNKNOWN"})


def criteria_text(inclusion: Iterable[str], exclusion: Iterable[str]) -> str:
    """The Markdown of ``eligibilityCriteria``: two headings with numbered lists."""
    groups = (("Inclusion Criteria:", tuple(inclusion)), ("Exclusion Criteria:", tuple(exclusion)))
    return "\n\n".join(part for heading, texts in groups if texts for part in (heading, _numbered(texts)))


def the_study() -> Study:
    """NCT06805448 as it stands on the first day of the demo."""
    return {
        "protocolSection": {
            "identificationModule": {
                "nctId": TRIAL,
                "secondaryIdInfos": [{"id": "2024-516715-25-00", "type": "CTIS"}],
                "organization": {"fullName": SPONSOR, "class": "OTHER"},
                "briefTitle": TITLE,
            },
            "statusModule": {
                "statusVerifiedDate": "2025-01",
                "overallStatus": "RECRUITING",
                "expandedAccessInfo": {"hasExpandedAccess": False},
                "startDateStruct": {"date": "2025-01-21", "type": "ACTUAL"},
                "primaryCompletionDateStruct": {"date": "2025-12-31", "type": "ESTIMATED"},
                "completionDateStruct": {"date": "2025-12-31", "type": "ESTIMATED"},
                "studyFirstSubmitDate": "2025-01-27",
                "studyFirstPostDateStruct": {"date": "2025-02-03", "type": "ACTUAL"},
                "lastUpdateSubmitDate": "2025-01-27",
                "lastUpdatePostDateStruct": {"date": "2025-02-03", "type": "ACTUAL"},
            },
            "sponsorCollaboratorsModule": {
                "responsibleParty": {"type": "SPONSOR"},
                "leadSponsor": {"name": SPONSOR, "class": "OTHER"},
            },
            "descriptionModule": {
                "briefSummary": "People whose mouth is dry because of Sjögren's disease get an injection into the salivary glands: "
                "either stem cells from donated fat tissue or salt water.\n\nThe trial asks whether more saliva flows afterwards."
            },
            "conditionsModule": {"conditions": ["Sjögren's Disease", "Xerostomia"], "keywords": ["dry mouth", "mesenchymal stem cells"]},
            "designModule": {
                "studyType": "INTERVENTIONAL",
                "phases": ["PHASE1", "PHASE2"],
                "designInfo": {"allocation": "RANDOMIZED", "interventionModel": "PARALLEL", "primaryPurpose": "TREATMENT"},
                "enrollmentInfo": {"count": 40, "type": "ESTIMATED"},
            },
            "armsInterventionsModule": {
                "armGroups": [
                    {
                        "label": "Stem cells",
                        "type": "EXPERIMENTAL",
                        "description": "One injection of stem cells into the glands",
                        "interventionNames": ["Biological: Adipose-derived mesenchymal stem cells"],
                    },
                    {
                        "label": "Placebo",
                        "type": "PLACEBO_COMPARATOR",
                        "description": "One injection of saline into the glands",
                        "interventionNames": ["Drug: Saline"],
                    },
                ],
                "interventions": [
                    {"type": "BIOLOGICAL", "name": "Adipose-derived mesenchymal stem cells", "armGroupLabels": ["Stem cells"]},
                    {"type": "DRUG", "name": "Saline", "description": "Isotonic salt water", "armGroupLabels": ["Placebo"]},
                ],
            },
            "outcomesModule": {"primaryOutcomes": [{"measure": "Flow of unstimulated whole saliva (ml/min)", "timeFrame": "12 months"}]},
            "eligibilityModule": {
                "eligibilityCriteria": criteria_text(INCLUSION, EXCLUSION),
                "healthyVolunteers": False,
                "sex": "ALL",
                "minimumAge": "18 Years",
                "stdAges": ["ADULT", "OLDER_ADULT"],
            },
            "contactsLocationsModule": {
                "centralContacts": [_CONTACT.copy()],
                "locations": [
                    {
                        "facility": "Rigshospitalet",
                        "status": "RECRUITING",
                        "city": "Copenhagen",
                        "country": "Denmark",
                        "contacts": [_CONTACT.copy()],
                        "geoPoint": {"lat": 55.67594, "lon": 12.56553},
                    }
                ],
            },
        },
        "derivedSection": {"miscInfoModule": {"versionHolder": "2026-02-01"}},
        "hasResults": False,
    }


def a_study(
    nct: str,
    *,
    title: str | None = None,
    status: str = "RECRUITING",
    sponsor: str = "Example University Hospital",
    conditions: Sequence[str] = ("Example Disease",),
    phases: Sequence[str] = ("PHASE2",),
    participants: int = 40,
    start: str = "2025-01-15",
    completion: str = "2026-12-31",
    posted: str = "2026-01-15",
    inclusion: Sequence[str] = ("18 years of age or more",),
    exclusion: Sequence[str] = ("Pregnant or breastfeeding",),
    places: Sequence[tuple[str, str]] = (("Copenhagen", "Denmark"),),
    aliases: Sequence[str] = (),
) -> Study:
    """A small, whole interventional study. ``places``: city and country of each site; ``posted``: last update, as a day."""
    study = the_study()
    protocol = study["protocolSection"]
    protocol["identificationModule"] = {"nctId": nct, "organization": {"fullName": sponsor, "class": "OTHER"}}
    protocol["identificationModule"]["briefTitle"] = title or f"A Study of Something in {conditions[0] if conditions else 'People'} ({nct})"
    if aliases:
        protocol["identificationModule"]["nctIdAliases"] = list(aliases)
    protocol["statusModule"] |= {
        "startDateStruct": {"date": start, "type": "ACTUAL"},
        "primaryCompletionDateStruct": {"date": completion, "type": "ESTIMATED"},
        "completionDateStruct": {"date": completion, "type": "ESTIMATED"},
    }
    protocol["sponsorCollaboratorsModule"]["leadSponsor"]["name"] = sponsor
    protocol["descriptionModule"]["briefSummary"] = "One half of the participants gets something, the other half nothing."
    protocol["conditionsModule"] = {"conditions": list(conditions)}
    protocol["designModule"]["phases"] = list(phases)
    protocol["designModule"]["enrollmentInfo"]["count"] = participants
    protocol["armsInterventionsModule"] = {
        "armGroups": [{"label": "Something", "type": "EXPERIMENTAL", "interventionNames": ["Drug: Something"]}],
        "interventions": [{"type": "DRUG", "name": "Something", "armGroupLabels": ["Something"]}],
    }
    protocol["outcomesModule"] = {"primaryOutcomes": [{"measure": "Well-being", "timeFrame": "6 months"}]}
    protocol["eligibilityModule"]["eligibilityCriteria"] = criteria_text(inclusion, exclusion)
    protocol["contactsLocationsModule"] = {
        "centralContacts": [_CONTACT.copy()],
        "locations": [{"facility": f"{city} Hospital", "city": city, "country": country} for city, country in places],
    }
    return with_status(touched(study, posted), status)


def touched(study: Study, release_date: str) -> Study:
    """A copy that was submitted, verified and posted on this day (``2026-02-03``) without another change."""
    edited = copy.deepcopy(study)
    edited["protocolSection"]["statusModule"] |= {
        "statusVerifiedDate": release_date[:7],
        "lastUpdateSubmitDate": release_date,
        "lastUpdatePostDateStruct": {"date": release_date, "type": "ACTUAL"},
    }
    return edited


def with_status(study: Study, status: str, *, posted: str | None = None, why_stopped: str | None = None) -> Study:
    """A copy in another overall status, with what follows it at the registry.

    Sites show their status while RECRUITING, contacts also before that; both go when it closes. UNKNOWN keeps what was
    there, remembers the last known status and is no update: ``posted`` must be left out (ValueError). ``posted``: a day.
    """
    if status == "UNKNOWN" and posted is not None:
        raise ValueError("the registry itself turns a trial to UNKNOWN: nothing is posted by it")
    edited = copy.deepcopy(study) if posted is None else touched(study, posted)
    module = edited["protocolSection"]["statusModule"]
    before = module["overallStatus"]
    module["overallStatus"] = status
    _set_or_drop(module, "whyStopped", why_stopped)
    _set_or_drop(module, "lastKnownStatus", None if status != "UNKNOWN" else module.get("lastKnownStatus", before))
    _follow(edited["protocolSection"].get("contactsLocationsModule", {}), status)
    return edited


def with_completion(study: Study, date: str, *, primary: str | None = None, type_: str = "ESTIMATED", posted: str | None = None) -> Study:
    """A copy with another completion date; with ``primary``, another primary completion date, too."""
    edited = copy.deepcopy(study) if posted is None else touched(study, posted)
    module = edited["protocolSection"]["statusModule"]
    module["completionDateStruct"] = {"date": date, "type": type_}
    if primary is not None:
        module["primaryCompletionDateStruct"] = {"date": primary, "type": type_}
    return edited


def with_criterion(study: Study, old: str, new: str, *, posted: str | None = None) -> Study:
    """A copy whose eligibility text has ``new`` where it had ``old``. Raises ValueError unless ``old`` stands there once."""
    edited = copy.deepcopy(study) if posted is None else touched(study, posted)
    module = edited["protocolSection"]["eligibilityModule"]
    found = module["eligibilityCriteria"].count(old)
    if found != 1:
        raise ValueError(f"{old!r} stands {found} times in the eligibility criteria, not once")
    module["eligibilityCriteria"] = module["eligibilityCriteria"].replace(old, new)
    return edited


def with_results(study: Study, posted: str) -> Study:
    """A copy whose results were posted first on this day."""
    edited = touched(study, posted)
    edited["protocolSection"]["statusModule"] |= {
        "resultsFirstSubmitDate": posted,
        "resultsFirstPostDateStruct": {"date": posted, "type": "ACTUAL"},
    }
    edited["hasResults"] = True
    return edited


def _numbered(texts: Iterable[str]) -> str:
    return "\n".join(f"{number}. {text}" for number, text in enumerate(texts, start=1))


def _set_or_drop(module: dict[str, Any], key: str, value: str | None) -> None:
    module.pop(key, None)
    if value is not None:
        module[key] = value


def _follow(places: dict[str, Any], status: str) -> None:
    """Let sites and contacts follow the overall status, in place."""
    if status not in _HAS_CONTACTS:
        places.pop("centralContacts", None)
    for site in places.get("locations", []):
        if status not in _HAS_CONTACTS:
            site.pop("contacts", None)
        if status not in _HAS_SITE_STATUS:
            site.pop("status", None)
        elif status == "RECRUITING":
            site["status"] = status
