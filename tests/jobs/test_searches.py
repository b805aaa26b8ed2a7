"""A search is watched as a whole: what it finds, and what it finds later."""

from __future__ import annotations

from typing import Any

import pytest

from db import aliases, searches, watches
from db import history as versions
from jobs.surroundings import as_stamp
from registry_sync.demo import record
from registry_sync.demo.wire import Reply
from registry_sync.sources.ctgov_search import search_from
from tests.house import House

DRY = search_from(["cond=Dry mouth"])
FIRST, SECOND, THIRD = "NCT00000001", "NCT00000002", "NCT00000003"
BUSY = Reply(503, b"busy", "text/plain")


def publish(house: House, trial: str, condition: str = "Dry mouth", **status: Any) -> None:
    study = record.a_study(trial)
    study["protocolSection"]["conditionsModule"] = {"conditions": [condition]}
    study["protocolSection"]["statusModule"].update(status)
    house.registry.put(study)


def watched(house: House) -> list[str]:
    with house.history() as history:
        return watches.trials(history)


def told(house: House) -> list[tuple[str, str, Any, Any]]:
    return [(change.trial, change.field, change.before, change.after) for change in reversed(house.changes())]


def to(house: House, address: str) -> list[str]:
    return [str(mail.message["Subject"]) for mail in house.mailbox.messages if mail.message["To"] == address]


@pytest.fixture
def searching(house: House) -> House:
    """Two trials of a disease are in the registry, and a search for it is watched; somebody follows all that is watched."""
    publish(house, FIRST)
    publish(house, SECOND)
    publish(house, "NCT00000900", "Another disease")
    with house.history() as history:
        searches.add(history, DRY, as_stamp(house.at))
    house.subscribe("desk@example.org", role="coordinator", topics=("registry", "status"))
    with house.history() as history, history.write() as connection:
        connection.execute("UPDATE subscription SET every_trial = 1")
    house.sync(days=0)
    return house


def test_what_a_search_finds_is_watched_and_is_no_news_the_first_time(searching: House) -> None:
    assert watched(searching) == [FIRST, SECOND]
    assert searching.counts()["version"] == 2
    assert told(searching) == []
    assert not searching.mailbox.messages


def test_a_trial_that_it_finds_later_is_told_and_its_first_record_is_a_baseline(searching: House) -> None:
    publish(searching, THIRD)
    report = searching.sync()
    assert (report.sources[0].baselines, report.changes) == (1, 1)
    assert told(searching) == [(THIRD, "registry", "absent", "found")]
    (change,) = searching.changes()
    assert (change.topic, change.operation, change.significance, change.reader_significance) == ("registry", "changed", "major", "major")
    assert len(to(searching, "desk@example.org")) == 1
    searching.sync()
    assert len(told(searching)) == 1


def test_a_trial_whose_first_record_fails_is_told_when_it_comes(searching: House) -> None:
    publish(searching, THIRD)
    searching.registry.faults.html_instead(path="/api/v2/studies")  # the search itself
    assert searching.sync().is_partial
    study = searching.registry.study(THIRD)
    broken = searching.registry.study(THIRD)
    broken["protocolSection"]["statusModule"]["startDateStruct"] = {"date": "soon"}
    searching.registry.put(broken)
    assert searching.sync().is_partial
    assert told(searching) == []
    searching.registry.put(study)
    searching.sync()
    assert told(searching) == [(THIRD, "registry", "absent", "found")]


def test_a_trial_that_leaves_the_search_stays_watched(searching: House) -> None:
    publish(searching, FIRST, "Another disease")
    searching.sync()
    assert watched(searching) == [FIRST, SECOND]
    publish(searching, FIRST, "Another disease", overallStatus="SUSPENDED")
    searching.sync()
    assert (FIRST, "overall_status", "RECRUITING", "SUSPENDED") in told(searching)


def test_a_trial_removed_by_hand_is_not_brought_back(searching: House) -> None:
    with searching.history() as history:
        watches.remove(history, [FIRST])
    searching.registry.release()
    searching.sync()
    assert watched(searching) == [SECOND]
    assert told(searching) == []


def test_a_trial_that_was_watched_before_and_is_found_again_is_told_with_what_changed(searching: House) -> None:
    publish(searching, FIRST, "Another disease")
    searching.sync()
    with searching.history() as history:
        watches.remove(history, [FIRST])
        history.connection.execute("DELETE FROM search_trial WHERE trial = ?", (FIRST,))
    before = len(told(searching))
    publish(searching, FIRST)
    searching.sync()
    assert [row[1:] for row in told(searching)[before:]][:1] == [("registry", "absent", "found")]
    assert watched(searching) == [FIRST, SECOND]


def test_nothing_released_nothing_searched(searching: House) -> None:
    searching.registry.reset_log()
    searching.sync()
    assert [request.path for request in searching.registry.requests] == ["/api/v2/version"]


def test_a_search_shows_a_glance_at_what_it_finds(house: House) -> None:
    """Three hundred trials: the search itself tells which of them changed, and only those are asked for."""
    trials = [f"NCT{number:08}" for number in range(1, 301)]
    for trial in trials:
        publish(house, trial)
    with house.history() as history:
        searches.add(history, DRY, as_stamp(house.at))
    said: list[str] = []
    house.say = said.append
    house.sync(days=0)
    assert said == ["search 'cond=Dry mouth': 300 trials, which may take 3 requests to record"]
    publish(house, trials[7], overallStatus="SUSPENDED")
    house.registry.reset_log()
    report = house.sync()
    assert report.sources[0].requests == 3
    assert report.sources[0].checked == 300
    assert told(house) == [(trials[7], "overall_status", "RECRUITING", "SUSPENDED")]
    assert len(said) == 1


def test_a_search_that_the_registry_refuses_is_named_and_stops_nothing(searching: House) -> None:
    publish(searching, FIRST, overallStatus="SUSPENDED")
    searching.registry.faults.fail(400, path="/api/v2/studies")
    report = searching.sync()
    (failure,) = report.sources[0].failed
    assert failure["trial"] == "'cond=Dry mouth'"
    assert "answered 400" in failure["error"]
    assert "watch remove --query" in failure["error"]
    assert (FIRST, "overall_status", "RECRUITING", "SUSPENDED") in told(searching)


def test_a_first_run_that_breaks_off_is_gone_on_with_and_tells_nothing(house: House) -> None:
    for number in range(1, 1501):
        publish(house, f"NCT{number:08}")
    with house.history() as history:
        searches.add(history, DRY, as_stamp(house.at))
    house.registry.faults.fail(503, path="/api/v2/studies", times=None)
    assert house.sync(days=0).is_partial
    house.registry.faults.clear()
    house.sync()
    assert len(watched(house)) == 1500
    assert told(house) == []


def test_what_a_search_finds_under_two_searches_is_one_trial(searching: House) -> None:
    with searching.history() as history:
        searches.add(history, search_from(["titles=Study"]), as_stamp(searching.at))
    publish(searching, THIRD)
    searching.sync()
    assert [row for row in told(searching) if row[1] == "registry"].count((THIRD, "registry", "absent", "found")) == 1


def test_a_search_that_is_cut_short_is_named_and_run_again(searching: House) -> None:
    for number in range(10, 60):
        publish(searching, f"NCT{number:08}")
    searching.registry.cut_lists = 20
    report = searching.sync()
    (failure,) = report.sources[0].failed
    assert failure["error"] == "the registry counted 52 trials and sent 20"
    searching.registry.cut_lists = None
    assert not searching.sync().is_partial
    assert len(watched(searching)) == 52


# --- a find that was known under another id


def rename(house: House, old: str, new: str, **status: Any) -> None:
    """The registry shows the record of ``old`` under another id."""
    study = house.registry.study(old)
    study["protocolSection"]["identificationModule"]["nctId"] = new
    study["protocolSection"]["statusModule"].update(status)
    house.registry.put(study)
    house.registry.alias(old, new)


def test_a_watched_trial_that_is_found_under_a_new_id_was_merged_and_is_no_find(searching: House) -> None:
    url = searching.listing.url_of(FIRST)
    searching.watch(FIRST, pages=(url,))
    searching.subscribe("reader@example.org", FIRST)
    rename(searching, FIRST, THIRD, overallStatus="SUSPENDED")
    report = searching.sync(pages=False)
    assert (report.merged, report.is_partial) == ([(FIRST, THIRD)], False)
    assert told(searching) == [(FIRST, "registry", "present", "merged"), (THIRD, "overall_status", "RECRUITING", "SUSPENDED")]
    assert to(searching, "reader@example.org") == [f"A trial you follow was merged into an entry with another status ({FIRST})"]
    assert watched(searching) == [SECOND, THIRD]
    with searching.history() as history:
        assert watches.pages(history) == [(THIRD, url)]
        assert [version["number"] for version in versions.versions(history, THIRD)] == [1, 2]
    searching.registry.release()
    assert searching.sync(pages=False).changes == 0
    assert watched(searching) == [SECOND, THIRD]


def test_the_merger_is_told_when_the_record_comes(searching: House, monkeypatch: pytest.MonkeyPatch) -> None:
    rename(searching, FIRST, THIRD, overallStatus="SUSPENDED")
    answer = searching.registry.answer
    with monkeypatch.context() as patched:  # the search is answered, and no question for records
        patched.setattr(searching.registry, "answer", lambda asked: BUSY if asked.parameter("filter.ids") else answer(asked))
        assert searching.sync().is_partial
    assert (told(searching), watched(searching)) == ([], [FIRST, SECOND])
    assert searching.sync().merged == [(FIRST, THIRD)]
    assert [row[2:] for row in told(searching)] == [("present", "merged"), ("RECRUITING", "SUSPENDED")]


def test_a_trial_that_was_held_once_is_found_with_its_history(searching: House) -> None:
    publish(searching, "NCT00000901", "Another disease")
    searching.watch("NCT00000901")
    searching.sync()
    with searching.history() as history:
        watches.remove(history, ["NCT00000901"])
    publish(searching, "NCT00000901")
    rename(searching, "NCT00000901", THIRD)
    searching.sync()
    assert told(searching) == [("NCT00000901", "registry", "present", "merged"), (THIRD, "registry", "absent", "found")]
    with searching.history() as history:
        assert aliases.family(history, THIRD) == [THIRD, "NCT00000901"]


def test_a_trial_removed_by_hand_is_not_brought_back_under_a_new_id(searching: House) -> None:
    with searching.history() as history:
        watches.remove(history, [FIRST])
        searches.add(history, search_from(["titles=Study"]), as_stamp(searching.at))
    rename(searching, FIRST, THIRD)
    for _ in range(2):
        searching.registry.release()
        searching.sync()
    assert THIRD not in watched(searching)
    assert [row for row in told(searching) if row[0] in (FIRST, THIRD)] == []
    with searching.history() as history:
        assert aliases.current(history, FIRST) == THIRD
    searching.watch(THIRD)
    assert not searching.sync().is_partial
    assert THIRD in watched(searching)


def test_two_trials_that_became_one_are_watched_as_that_one(searching: House) -> None:
    with searching.history() as history:
        watches.remove(history, [FIRST])
    searching.registry.remove(FIRST)
    rename(searching, SECOND, THIRD)
    searching.registry.alias(FIRST, THIRD)
    searching.sync()
    assert watched(searching) == [THIRD]
    searching.registry.release()
    searching.sync()
    assert watched(searching) == [THIRD]
    assert [row[:3:2] for row in told(searching)] == [(SECOND, "present")]


def test_a_find_that_names_a_trial_of_its_own_as_its_alias_is_another_trial(searching: House) -> None:
    """The alias is shown by itself, and does not come with the search."""
    publish(searching, FIRST, "Another disease")
    publish(searching, THIRD)
    searching.registry._studies[THIRD]["protocolSection"]["identificationModule"]["nctIdAliases"] = [FIRST]
    for _ in range(2):
        searching.registry.release()
        assert searching.sync().merged == []
    assert watched(searching) == [FIRST, SECOND, THIRD]
    assert (THIRD, "registry", "absent", "found") in told(searching)
