"""The demo's study carries every fact, and the edited copies change what they say and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from registry_sync.demo.record import (
    EXCLUSION,
    INCLUSION,
    TRIAL,
    a_study,
    the_study,
    touched,
    with_completion,
    with_criterion,
    with_results,
    with_status,
)


def differences(before: Any, after: Any, at: str = "") -> set[str]:
    """The places at which two studies differ, named by their last keys."""
    if isinstance(before, dict) and isinstance(after, dict):
        return {found for key in before.keys() | after.keys() for found in differences(before.get(key), after.get(key), f"{at}.{key}")}
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return {found for old, new in zip(before, after, strict=True) for found in differences(old, new, at)}
    return set() if before == after else {at.removeprefix(".protocolSection.")}


TOUCHED = {
    "statusModule.statusVerifiedDate",
    "statusModule.lastUpdateSubmitDate",
    "statusModule.lastUpdatePostDateStruct.date",
}


def test_every_fact_of_the_trial_is_there() -> None:
    study = the_study()
    protocol = study["protocolSection"]
    identity, status, design = protocol["identificationModule"], protocol["statusModule"], protocol["designModule"]
    assert identity["nctId"] == TRIAL == "NCT06805448"
    assert identity["briefTitle"] == (
        "Intraglandular Treatment With Adipose-derived Mesenchymal Stem Cells in Patients With Xerostomia Due to Sjögren's Disease"
    )
    assert identity["secondaryIdInfos"] == [{"id": "2024-516715-25-00", "type": "CTIS"}]
    assert protocol["sponsorCollaboratorsModule"]["leadSponsor"]["name"] == "Rigshospitalet, Denmark"
    assert status["overallStatus"] == "RECRUITING"
    assert status["startDateStruct"] == {"date": "2025-01-21", "type": "ACTUAL"}
    assert status["primaryCompletionDateStruct"] == status["completionDateStruct"] == {"date": "2025-12-31", "type": "ESTIMATED"}
    assert (status["studyFirstSubmitDate"], status["studyFirstPostDateStruct"]["date"]) == ("2025-01-27", "2025-02-03")
    assert design["phases"] == ["PHASE1", "PHASE2"]
    assert design["enrollmentInfo"] == {"count": 40, "type": "ESTIMATED"}
    assert design["designInfo"]["allocation"] == "RANDOMIZED"
    assert protocol["conditionsModule"]["conditions"] == ["Sjögren's Disease", "Xerostomia"]
    assert [arm["type"] for arm in protocol["armsInterventionsModule"]["armGroups"]] == ["EXPERIMENTAL", "PLACEBO_COMPARATOR"]
    assert "Saline" in [intervention["name"] for intervention in protocol["armsInterventionsModule"]["interventions"]]
    (site,) = protocol["contactsLocationsModule"]["locations"]
    assert (site["city"], site["country"], site["status"]) == ("Copenhagen", "Denmark", "RECRUITING")
    assert site["contacts"] == [{"name": "Contact A", "role": "CONTACT", "email": "contact-a@example.org"}]
    assert study["hasResults"] is False


def test_who_may_take_part_is_there() -> None:
    module = the_study()["protocolSection"]["eligibilityModule"]
    assert (module["minimumAge"], module["sex"], module["healthyVolunteers"]) == ("18 Years", "ALL", False)
    assert "maximumAge" not in module
    assert (len(INCLUSION), len(EXCLUSION)) == (5, 9)
    lines = module["eligibilityCriteria"].splitlines()
    assert [line for line in lines if line.endswith("Criteria:")] == ["Inclusion Criteria:", "Exclusion Criteria:"]
    for number, text in [*enumerate(INCLUSION, start=1), *enumerate(EXCLUSION, start=1)]:
        assert f"{number}. {text}" in lines
    for fact in ("0.05 and 3.0 ml/min", "at least 3 months", "within 6 months", "10 units a week", "12 months of the trial"):
        assert module["eligibilityCriteria"].count(fact) == 1


def test_closing_takes_site_status_and_contacts_away() -> None:
    closed = with_status(the_study(), "ACTIVE_NOT_RECRUITING", posted="2026-02-03")
    assert differences(the_study(), closed) == TOUCHED | {
        "statusModule.overallStatus",
        "contactsLocationsModule.centralContacts",
        "contactsLocationsModule.locations.status",
        "contactsLocationsModule.locations.contacts",
    }
    assert closed["protocolSection"]["statusModule"]["statusVerifiedDate"] == "2026-02"


def test_opening_gives_sites_their_status() -> None:
    waiting = with_status(the_study(), "NOT_YET_RECRUITING")
    (site,) = waiting["protocolSection"]["contactsLocationsModule"]["locations"]
    assert "status" not in site
    assert site["contacts"]
    assert with_status(waiting, "RECRUITING") == the_study()


def test_unknown_is_the_registrys_doing_and_no_update() -> None:
    unknown = with_status(the_study(), "UNKNOWN")
    assert differences(the_study(), unknown) == {"statusModule.overallStatus", "statusModule.lastKnownStatus"}
    assert unknown["protocolSection"]["statusModule"]["lastKnownStatus"] == "RECRUITING"
    assert with_status(unknown, "UNKNOWN") == unknown
    assert with_status(unknown, "RECRUITING") == the_study()
    with pytest.raises(ValueError, match="nothing is posted"):
        with_status(the_study(), "UNKNOWN", posted="2026-02-03")


def test_a_reason_comes_and_goes_with_its_status() -> None:
    paused = with_status(the_study(), "SUSPENDED", why_stopped="No cells at present")
    assert paused["protocolSection"]["statusModule"]["whyStopped"] == "No cells at present"
    assert "whyStopped" not in with_status(paused, "RECRUITING")["protocolSection"]["statusModule"]


def test_completion_slips_alone_or_with_the_primary_one() -> None:
    assert differences(the_study(), with_completion(the_study(), "2026-06-30")) == {"statusModule.completionDateStruct.date"}
    both = with_completion(the_study(), "2026-06", primary="2026-05", type_="ACTUAL", posted="2026-07-01")
    status = both["protocolSection"]["statusModule"]
    assert status["completionDateStruct"] == {"date": "2026-06", "type": "ACTUAL"}
    assert status["primaryCompletionDateStruct"] == {"date": "2026-05", "type": "ACTUAL"}
    assert status["lastUpdatePostDateStruct"]["date"] == "2026-07-01"


def test_a_criterion_is_edited_only_where_it_is_meant() -> None:
    edited = with_criterion(the_study(), "within 6 months before", "within 12 months before")
    assert differences(the_study(), edited) == {"eligibilityModule.eligibilityCriteria"}
    for unclear in ("months", "no such words"):
        with pytest.raises(ValueError, match="not once"):
            with_criterion(the_study(), unclear, "x")


def test_results_and_mere_touches() -> None:
    assert differences(the_study(), touched(the_study(), "2026-02-03")) == TOUCHED
    posted = with_results(the_study(), "2026-03-01")
    assert posted["hasResults"] is True
    assert posted["protocolSection"]["statusModule"]["resultsFirstPostDateStruct"] == {"date": "2026-03-01", "type": "ACTUAL"}


def test_small_studies_are_whole_and_say_what_was_asked() -> None:
    study = a_study(
        "NCT00000007",
        status="COMPLETED",
        conditions=["Gout"],
        places=[("Oslo", "Norway"), ("Aarhus", "Denmark")],
        aliases=["NCT00000006"],
        posted="2026-01-02",
    )
    protocol = study["protocolSection"]
    assert protocol.keys() == the_study()["protocolSection"].keys()
    assert protocol["identificationModule"]["nctIdAliases"] == ["NCT00000006"]
    assert protocol["statusModule"]["overallStatus"] == "COMPLETED"
    assert protocol["statusModule"]["lastUpdatePostDateStruct"]["date"] == "2026-01-02"
    assert [site["country"] for site in protocol["contactsLocationsModule"]["locations"]] == ["Norway", "Denmark"]
    assert "Sjögren" not in str(study)
    assert a_study("NCT00000008")["protocolSection"]["contactsLocationsModule"]["locations"][0]["status"] == "RECRUITING"


def test_each_study_is_the_callers_own() -> None:
    the_study()["protocolSection"]["contactsLocationsModule"]["centralContacts"][0]["name"] = "Contact B"
    assert the_study()["protocolSection"]["contactsLocationsModule"]["centralContacts"][0]["name"] == "Contact A"
