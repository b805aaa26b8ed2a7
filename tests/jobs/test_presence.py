"""A trial that leaves the registry, comes back, or is merged: told once, and only when it is sure."""

from __future__ import annotations

import datetime

import pytest

from db import incidents, watches
from jobs.sync import SyncReport
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.trials.changes import KeptChange
from tests.house import House

HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)
OTHER = "NCT00000102"


@pytest.fixture
def watched(house: House) -> House:
    house.registry.put(record.the_study())
    house.watch()
    house.subscribe("reader@example.org")
    house.subscribe("desk@example.org", role="coordinator")
    house.subscribe("all@example.org", role="coordinator", topics=("registry",))
    house.sync(days=0)
    return house


def later(house: House, wait: datetime.timedelta) -> SyncReport:
    house.at += wait
    return house.sync(days=0)


def told(house: House) -> list[KeptChange]:
    """What was told of the record as a whole, the oldest first."""
    return [change for change in reversed(house.changes()) if change.field == "registry"]


def steps(house: House) -> list[tuple[str, str, str]]:
    return [(change.before, change.after, change.topic) for change in told(house)]


def test_a_record_that_is_not_found_twice_on_one_day_is_no_news(watched: House) -> None:
    watched.registry.remove(TRIAL)
    assert [f["trial"] for f in later(watched, HOUR).sources[0].failed] == [TRIAL]
    later(watched, HOUR)
    assert told(watched) == []
    assert not watched.mailbox.messages


def test_gone_is_told_once_when_a_look_on_another_day_confirms_it(watched: House) -> None:
    watched.registry.remove(TRIAL)
    later(watched, HOUR)
    report = later(watched, DAY)
    assert (report.changes, report.notices) == (1, report.delivery.sent)
    assert steps(watched) == [("present", "absent", "registry")]
    (change,) = told(watched)
    assert (change.significance, change.reader_significance, change.registry_date) == ("major", "minor", None)
    assert "all@example.org" in {mail.message["To"] for mail in watched.mailbox.messages}
    later(watched, DAY)
    later(watched, DAY)
    assert len(told(watched)) == 1


def test_back_again_is_told_and_what_changed_meanwhile_is_one_story_with_it(watched: House) -> None:
    study = watched.registry.study(TRIAL)
    watched.registry.remove(TRIAL)
    later(watched, HOUR)
    later(watched, DAY)
    before = len(watched.mailbox.messages)
    study["protocolSection"]["statusModule"]["overallStatus"] = "SUSPENDED"
    watched.registry.put(study)
    later(watched, DAY)
    assert steps(watched)[-1] == ("absent", "present", "registry")
    addresses = [mail.message["To"] for mail in watched.mailbox.messages[before:]]
    assert len(addresses) == len(set(addresses))
    again, status = (next(change for change in watched.changes() if change.field == field) for field in ("registry", "overall_status"))
    assert again.seen_at == status.seen_at
    later(watched, DAY)
    assert len(steps(watched)) == 2


def test_back_and_unchanged_is_told_and_gone_once_more_too(watched: House) -> None:
    study = watched.registry.study(TRIAL)
    for _ in range(2):
        watched.registry.remove(TRIAL)
        later(watched, DAY)
        later(watched, DAY)
        watched.registry.put(study)
        later(watched, DAY)
    assert steps(watched) == [("present", "absent", "registry"), ("absent", "present", "registry")] * 2
    to_all = [mail for mail in watched.mailbox.messages if mail.message["To"] == "all@example.org"]
    assert len(to_all) == 4
    assert len({mail.message["Message-ID"] for mail in to_all}) == 4


def test_a_record_missing_for_a_day_and_back_is_no_news(watched: House) -> None:
    study = watched.registry.study(TRIAL)
    watched.registry.remove(TRIAL)
    later(watched, HOUR)
    watched.registry.put(study)
    later(watched, DAY)
    assert told(watched) == []
    watched.registry.remove(TRIAL)
    later(watched, DAY)
    assert told(watched) == []  # the first look counts anew


def test_merged_is_told_at_once_and_once(watched: House) -> None:
    watched.registry.put(record.a_study(OTHER))
    watched.registry.alias(TRIAL, OTHER)
    later(watched, HOUR)
    later(watched, DAY)
    assert steps(watched) == [("present", "merged", "registry")]
    (change,) = told(watched)
    assert (change.significance, change.reader_significance) == ("minor", "housekeeping")
    (mail,) = [mail for mail in watched.mailbox.messages if mail.message["To"] == "all@example.org"]
    assert f"It is part of {OTHER} now." in mail.text()


def test_who_was_told_that_it_left_is_told_that_it_was_merged(watched: House) -> None:
    watched.registry.remove(TRIAL)
    later(watched, HOUR)
    later(watched, DAY)
    watched.registry.put(record.a_study(OTHER))
    watched.registry.alias(TRIAL, OTHER)
    before = len(watched.mailbox.messages)
    later(watched, DAY)
    assert steps(watched)[-1] == ("absent", "merged", "registry")
    (mail,) = [mail for mail in watched.mailbox.messages[before:] if mail.message["To"] == "reader@example.org"]
    assert mail.message["Subject"] == f"A trial you follow now stands under another number ({TRIAL})"
    assert f"It is part of {OTHER} now." in mail.text()


def test_an_id_that_never_was_is_named_and_never_a_change(house: House) -> None:
    house.watch(OTHER)
    for _ in range(3):
        assert [f["trial"] for f in later(house, DAY).sources[0].failed] == [OTHER]
    assert house.changes() == []


def test_trouble_of_the_registry_is_not_taken_for_an_absence(watched: House) -> None:
    for _ in range(3):
        watched.registry.faults.fail(503, path="/api/v2/studies")
        later(watched, DAY)
    assert told(watched) == []


def test_midnight_between_two_looks_confirms_nothing(watched: House) -> None:
    watched.at = watched.at.replace(hour=23, minute=59)
    watched.registry.remove(TRIAL)
    watched.sync(days=0)
    later(watched, datetime.timedelta(minutes=2))
    assert told(watched) == []
    later(watched, datetime.timedelta(hours=7))
    assert steps(watched) == [("present", "absent", "registry")]


def test_a_trial_that_left_fails_until_it_is_told_and_is_looked_for_after_that(watched: House) -> None:
    study = watched.registry.study(TRIAL)
    watched.registry.remove(TRIAL)
    for _ in range(2):
        (said,) = later(watched, HOUR).failures()
        gone = f"{TRIAL}: ClinicalTrials.gov does not show it any more (its last version was recorded 2026-02-02)"
        assert said == f"{gone}; told when another day confirms it"
    confirmed = later(watched, DAY)
    assert (confirmed.left, confirmed.is_partial, confirmed.changes) == ([(TRIAL, "2026-02-02")], False, 1)
    after = later(watched, DAY)
    assert (after.left, after.is_partial, after.sources[0].checked) == ([], False, 1)
    watched.at += DAY
    assert watched.sync(TRIAL, days=0).left == [(TRIAL, "2026-02-02")]
    with watched.history() as history:
        assert [row["absence"] for row in watches.listing(history)] == ["absent"]
    watched.registry.put(study)
    later(watched, DAY)
    assert steps(watched)[-1] == ("absent", "present", "registry")


def test_a_trial_that_left_with_many_others_by_and_by_is_no_failure_either(house: House) -> None:
    """More than are asked for by themselves in one sync."""
    trials = many(house, 120)
    for few in (trials[:40], trials[40:50]):
        for trial in few:
            house.registry.remove(trial)
        house.sync()
        house.sync()
    for _ in range(20):  # of fifty, forty are asked for by themselves, by chance
        if len(told(house)) == 50:
            break
        house.sync()
    assert len(told(house)) == 50
    report = house.sync()
    assert (report.failures(), report.left) == ([], [])


def test_a_few_of_many_asked_for_by_name_are_not_said_to_be_confirmed_some_day(house: House) -> None:
    trials = many(house, 30)
    house.registry.remove(trials[0])
    for _ in range(2):
        (said,) = house.sync(trials[0]).failures()
        assert said.endswith("; whether it has left is for a sync of all trials to find out")
    assert house.sync().failures()[0].endswith("; told when another day confirms it")
    assert told(house) == []


def many(house: House, number: int) -> list[str]:
    """So many trials, seen once."""
    trials = [f"NCT{each:08}" for each in range(1, number + 1)]
    for trial in trials:
        house.registry.put(record.a_study(trial))
    house.watch(*trials)
    house.sync(days=0)
    return trials


def test_all_trials_gone_at_once_are_the_registrys_trouble(house: House) -> None:
    trials = many(house, 30)
    studies = [house.registry.study(trial) for trial in trials]
    for trial in trials[:25]:
        house.registry.remove(trial)
    for _ in range(3):
        report = house.sync()
        assert report.is_partial
        assert "taken for its trouble" in report.failures()[0]
    for _ in range(2):
        house.sync(*trials[:3])  # a few by name are no way round it
    assert house.changes() == []
    for study in studies:
        house.registry.put(study)
    assert not house.sync().is_partial
    assert house.changes() == []


def test_those_that_a_whole_answer_did_not_hold_count_beside_those_that_were_asked_for_one_by_one(house: House) -> None:
    """Forty of the 240 are asked for by themselves, whatever the number: no day tells some of them as gone."""
    trials = many(house, 300)
    house.set("smtp", operator="operator@example.org")
    for trial in trials[:240]:
        house.registry.remove(trial)
    for _ in range(3):
        (said,) = house.sync().failures()
        assert said.endswith("and 236 more trials: ClinicalTrials.gov shows none of 240 trials any more: taken for its trouble")
    assert house.changes() == []
    (mail,) = house.mailbox.messages
    assert mail.message["To"] == "operator@example.org"
    assert "shows none of 240 trials any more" in mail.text()
    with house.history() as history:
        assert [row["source"] for row in incidents.open_ones(history)] == [incidents.IN_PART]


def test_what_was_told_long_ago_does_not_count(house: House) -> None:
    trials = many(house, 30)
    for few in (trials[:9], trials[9:16]):
        for trial in few:
            house.registry.remove(trial)
        house.sync()
        house.sync()
    assert len(told(house)) == 16
    house.registry.remove(trials[16])
    house.sync()
    report = house.sync()
    assert [change.trial for change in told(house)[16:]] == [trials[16]]
    assert report.sources[0].trouble is None
    for trial in trials[17:27]:  # ten of the thirteen that were left
        house.registry.remove(trial)
    house.sync()
    assert house.sync().sources[0].trouble is not None
    assert len(told(house)) == 17
