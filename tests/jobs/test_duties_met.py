"""What was told of a deadline is told as met when the record fulfils it, also where that starts its clock anew; a moved day is no news."""

from __future__ import annotations

from typing import Any

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
