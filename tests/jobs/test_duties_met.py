"""What was told of a deadline is told as met when the record fulfils it, also where that starts its clock anew; a moved day is no news."""

from __future__ import annotations

from typing import Any

import pytest

from jobs import duties
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.house import House
from tests.jobs.test_duties import begin, ended_study, told


def verified(study: dict[str, Any], month: str) -> dict[str, Any]:
    study["protocolSection"]["statusModule"]["statusVerifiedDate"] = month
    return study


def test_a_verification_that_was_overdue_is_told_as_met_and_the_next_one_in_its_time(house: House) -> None:
    begin(house, study=verified(ended_study(primary="2027-03-10"), "2025-02"))
    house.sync(days=28)
    assert told(house) == [("verify", None, "overdue")]
    house.registry.put(verified(house.registry.study(TRIAL), "2026-03"))
    house.sync(days=1)
    assert told(house)[-1] == ("verify", "overdue", "met")
    newest = house.mailbox.messages[-1]
    assert newest.message["Subject"] == f"{TRIAL}: Deadline: Record verification: met"
    assert "2027-03-31" not in newest.text()  # the last day of the clock that runs now
    before = told(house)
    house.sync(days=1)
    assert told(house) == before
    house.sync(days=365)
    assert told(house)[len(before) :] == [("verify", None, "due soon")]


def test_a_verification_of_a_month_that_is_gone_too_is_no_cure(house: House) -> None:
    begin(house, study=verified(ended_study(primary="2027-03-10"), "2025-02"))
    house.sync(days=28)
    house.registry.put(verified(house.registry.study(TRIAL), "2025-02-20"))  # the same, more precisely
    house.sync(days=1)
    assert [each for each in told(house) if each[2] == "met"] == []


def test_unknown_that_was_warned_of_and_averted_is_told_as_met(house: House) -> None:
    begin(house, study=verified(record.with_status(record.the_study(), "RECRUITING", posted="2026-02-01"), "2024-05"))
    house.sync(days=27)
    house.registry.put(verified(house.registry.study(TRIAL), "2026-03"))
    house.sync(days=1)
    assert told(house) == [("unknown", None, "due soon"), ("unknown", "due soon", "met")]


def test_what_is_met_while_it_is_put_off_is_told_when_that_is_over(house: House) -> None:
    begin(house, study=verified(ended_study(primary="2027-03-10"), "2025-02"))
    house.sync(days=28)
    with house.history() as history:
        duties.snooze(house.around, duties.find(house.around, history, TRIAL, "verify"), history, "2026-03-10")
    house.registry.put(verified(house.registry.study(TRIAL), "2026-03"))
    house.sync(days=1)
    assert told(house)[-1][2] == "overdue"
    house.sync(days=8)
    assert told(house)[-1] == ("verify", "overdue", "met")


def test_a_primary_completion_that_moved_fulfils_nothing_and_results_do_whatever_moved(house: House) -> None:
    begin(house, study=ended_study(primary="2025-05-20"))
    house.sync(days=20)
    house.registry.put(ended_study(primary="2025-09-20"))
    house.sync(days=1)
    assert told(house) == [("results", None, "due soon")]
    house.registry.put(ended_study(primary="2025-05-20"))
    house.sync(days=1)
    study = ended_study(primary="2025-09-20")
    study["protocolSection"]["statusModule"]["resultsFirstSubmitDate"] = "2026-02-24"
    house.registry.put(study)
    house.sync(days=1)
    assert told(house)[1:] == [("results", None, "due soon"), ("results", "due soon", "met")]


def with_status(house: House, **modules: Any) -> None:
    """The registry's record says this of its status, and a sync sees it a day later."""
    study = house.registry.study(TRIAL)
    study["protocolSection"]["statusModule"].update(modules)
    house.registry.put(study)
    house.sync(days=1)


def test_results_of_a_certified_delay_are_met_though_their_day_is_past_by_then(house: House) -> None:
    study = ended_study(primary="2023-03-05")
    study["protocolSection"]["statusModule"]["dispFirstSubmitDate"] = "2024-02-20"
    begin(house, study=study)
    house.sync(days=13)
    assert told(house) == [("results", None, "due soon")]
    house.sync(days=10)  # past: an extension may have been granted
    with_status(house, resultsFirstSubmitDate="2026-02-25")
    assert told(house)[1:] == [("results", "due soon", "met")]


def test_results_by_a_planned_day_are_met_though_it_is_past_by_then(house: House) -> None:
    study = ended_study(primary="2025-02-20")
    study["protocolSection"]["statusModule"]["primaryCompletionDateStruct"]["type"] = "ESTIMATED"
    begin(house, study=study)
    house.sync(days=13)
    house.sync(days=10)
    with_status(house, resultsFirstSubmitDate="2026-02-25")
    assert told(house) == [("results", None, "due soon"), ("results", "due soon", "met")]


def test_results_that_were_overdue_then_delayed_are_met_when_they_are_in(house: House) -> None:
    begin(house, study=ended_study(primary="2025-02-03"))
    house.sync(days=2)
    with_status(house, dispFirstSubmitDate="2026-02-04")
    assert told(house) == [("results", None, "overdue")]
    with_status(house, resultsFirstSubmitDate="2026-02-05")
    assert told(house)[1:] == [("results", "overdue", "met")]


def test_a_certified_delay_is_told_anew_when_its_own_day_is_near(house: House) -> None:
    begin(house, study=ended_study(primary="2025-02-09"))
    house.sync(days=2)
    with_status(house, dispFirstSubmitDate="2026-02-04", statusVerifiedDate="2028-01")
    house.sync(days=640)
    assert [each for each in told(house) if each[0] == "results"] == [("results", None, "due soon")] * 2


def test_results_that_are_returned_and_then_posted_are_met(house: House) -> None:
    begin(house, study=ended_study(primary="2025-02-03"))
    house.sync(days=2)
    study = house.registry.study(TRIAL)
    events = [{"type": "RELEASE", "date": "2026-02-03"}, {"type": "RESET", "date": "2026-02-04"}]
    study["annotationSection"] = {"annotationModule": {"unpostedAnnotation": {"unpostedEvents": events}}}
    house.registry.put(study)
    house.sync(days=1)
    assert told(house) == [("results", None, "overdue")]
    with_status(house, resultsFirstSubmitDate="2026-02-05")
    assert told(house)[1:] == [("results", "overdue", "met")]


def test_unknown_that_was_warned_of_and_struck_is_met_when_the_record_is_verified(house: House) -> None:
    study = verified(record.with_status(record.the_study(), "RECRUITING", posted="2026-02-01"), "2024-02")
    study["protocolSection"]["statusModule"]["completionDateStruct"] = {"date": "2025-12-31", "type": "ESTIMATED"}
    begin(house, study=study)
    house.sync(days=20)
    house.sync(days=9)  # past
    with_status(house, overallStatus="UNKNOWN", lastKnownStatus="RECRUITING")
    assert told(house) == [("unknown", None, "due soon")]
    with_status(house, overallStatus="RECRUITING", statusVerifiedDate="2024-02")
    assert len(told(house)) == 1  # as it was: it may be shown as UNKNOWN any day
    with_status(house, overallStatus="RECRUITING", statusVerifiedDate="2026-03")
    assert told(house)[1:] == [("unknown", "due soon", "met")]


def test_what_was_told_of_a_law_that_does_not_apply_or_of_a_day_that_moved_is_not_met(house: House) -> None:
    begin(house, study=ended_study(primary="2025-02-03"))
    house.sync(days=2)
    with_status(house, primaryCompletionDateStruct={"date": "2025-09-03", "type": "ACTUAL"})
    with_status(house, resultsFirstSubmitDate="2026-02-05")
    assert told(house) == [("results", None, "overdue")]


@pytest.mark.parametrize("status", ["COMPLETED", "TERMINATED", "SUSPENDED"])
@pytest.mark.parametrize("struck", [True, False])
def test_unknown_that_was_warned_of_is_met_when_the_trial_is_over(house: House, status: str, struck: bool) -> None:
    study = verified(record.with_status(record.the_study(), "RECRUITING", posted="2026-02-01"), "2024-02")
    study["protocolSection"]["statusModule"]["completionDateStruct"] = {"date": "2025-12-31", "type": "ESTIMATED"}
    begin(house, study=study)
    house.sync(days=22)
    assert told(house) == [("unknown", None, "due soon")]
    if struck:
        house.sync(days=9)
        with_status(house, overallStatus="UNKNOWN", lastKnownStatus="RECRUITING")
    house.mailbox.empty()
    with_status(house, overallStatus=status, statusVerifiedDate="2026-03", whyStopped="No funds")
    assert told(house)[1:] == [("unknown", "due soon", "met")]
    assert "The status UNKNOWN" in house.mailbox.messages[0].text()
    before = told(house)
    house.sync(days=1)
    with_status(house, overallStatus="RECRUITING")
    assert told(house) == before


def test_unknown_that_nobody_was_warned_of_is_not_told_as_met(house: House) -> None:
    study = verified(record.with_status(record.the_study(), "RECRUITING", posted="2026-02-01"), "2024-02")
    study["protocolSection"]["statusModule"]["completionDateStruct"] = {"date": "2025-12-31", "type": "ESTIMATED"}
    begin(house, study=study)
    with_status(house, overallStatus="COMPLETED", statusVerifiedDate="2026-02")
    assert told(house) == []
    with house.history() as history:
        assert "unknown" not in {line.owed.rule for line in duties.lines(house.around, history, TRIAL)}
