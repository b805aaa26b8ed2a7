"""One pull of everything watched, as the people at both ends see it."""

from __future__ import annotations

import json

import pytest

from db import history as versions
from db import incidents, runs, unparsed, watches
from jobs.lock import only_one
from jobs.sync import sync
from registry_sync.demo import record
from registry_sync.demo.hook import payload
from registry_sync.demo.record import TRIAL
from registry_sync.demo.story import SMOKE_FREE_AFTER, SMOKE_FREE_BEFORE, first_listing
from registry_sync.errors import AlreadyRunning, UsageError
from registry_sync.trials.changes import Change
from registry_sync.trials.record import Record
from tests.house import House
from tests.waiting import PATIENCE, beside

OTHER = "NCT00000002"
UNKNOWN = "NCT00000404"
STUDIES = "/api/v2/studies"


def begin(house: House, *, page: bool = False) -> None:
    """The record as on the first day, seen once; a reader, a coordinator and a webhook are subscribed."""
    house.registry.put(record.the_study())
    house.listing.put(TRIAL, first_listing())
    house.watch(TRIAL, pages=(house.listing.url_of(TRIAL),) if page else ())
    house.subscribe("reader@example.org")
    house.subscribe("coordinator@example.org", role="coordinator")
    house.subscribe(f"{house.hook.url}/in", kind="webhook")
    house.sync(days=0)


def close_recruitment(house: House) -> None:
    house.registry.put(record.with_status(house.registry.study(TRIAL), "ACTIVE_NOT_RECRUITING", posted="2026-02-03"))


def test_the_first_sync_is_a_baseline_and_nobody_is_told(house: House) -> None:
    begin(house)
    counts = house.counts()
    assert (counts["version"], counts["change"], counts["notice"]) == (1, 0, 0)
    assert not house.mailbox.messages
    assert not house.hook.posts


def test_an_unchanged_sync_adds_no_row_but_its_run(house: House) -> None:
    begin(house, page=True)
    before = house.counts()
    house.registry.release()
    report = house.sync()
    assert (report.changes, report.notices, report.delivery.sent) == (0, 0, 0)
    after = house.counts()
    assert after.pop("run") == before.pop("run") + 2  # its own, and that of the day for what is owed
    assert after == before
    assert not house.mailbox.messages


def test_a_change_is_told_to_everyone_once(house: House) -> None:
    begin(house)
    study = record.with_completion(house.registry.study(TRIAL), "2026-06-30", primary=None)
    house.registry.put(record.with_criterion(study, SMOKE_FREE_BEFORE, SMOKE_FREE_AFTER, posted="2026-02-03"))
    report = house.sync()
    assert (report.changes, report.notices, report.delivery.sent) == (2, 3, 3)
    assert {change.field for change in house.changes()} == {"completion_date", "criteria"}
    assert sorted(mail.recipients[0] for mail in house.mailbox.messages) == ["coordinator@example.org", "reader@example.org"]
    (post,) = house.hook.posts
    body = payload(post)
    assert (body["trial"], {change["field"] for change in body["changes"]}) == (TRIAL, {"completion_date", "criteria"})
    again = house.sync()
    assert (again.changes, again.notices, again.delivery.sent) == (0, 0, 0)
    assert len(house.mailbox.messages) == 2


def test_a_status_that_goes_away_and_comes_back_is_told_both_times(house: House) -> None:
    begin(house)
    for status in ("SUSPENDED", "RECRUITING", "SUSPENDED"):
        house.registry.put(record.with_status(house.registry.study(TRIAL), status, posted="2026-02-03"))
        house.sync()
    assert [change.after for change in house.changes() if change.field == "overall_status"] == ["SUSPENDED", "RECRUITING", "SUSPENDED"]
    assert len(house.mailbox.messages) == 6


def test_the_report_as_json(house: House) -> None:
    begin(house, page=True)
    close_recruitment(house)
    answer = json.loads(json.dumps(house.sync().as_json()))
    assert set(answer) == {"started", "finished", "sources", "changes", "notices", "delivered"}
    registry, page = answer["sources"]
    assert (registry["source"], registry["checked"], registry["changed"], registry["failed"]) == ("ctgov", 1, 1, [])
    assert registry["requests"] == 2
    assert registry["bytes"] > 500
    assert (page["source"], page["checked"], page["changed"]) == (house.listing.url_of(TRIAL), 1, 0)
    assert answer["started"] == "2026-02-03T06:17:00Z"


def test_an_unknown_id_among_good_ones_is_named_and_the_good_ones_are_synced(house: House) -> None:
    begin(house)
    house.watch(UNKNOWN)
    close_recruitment(house)
    report = house.sync()
    assert report.is_partial
    assert [failure["trial"] for failure in report.sources[0].failed] == [UNKNOWN]
    assert "does not know this id" in report.sources[0].failed[0]["error"]
    assert report.changes == 1
    assert [change.trial for change in house.changes()] == [TRIAL]
    with house.history() as history:
        assert incidents.open_ones(history) == []


def test_an_id_that_the_registry_has_merged_is_watched_under_the_other_one(house: House) -> None:
    house.registry.put(record.a_study(OTHER, aliases=["NCT00000003"]))
    house.watch("NCT00000003")
    report = house.sync()
    assert (report.is_partial, report.merged, report.changes) == (False, [("NCT00000003", OTHER)], 0)
    with house.history() as history:
        assert watches.trials(history) == [OTHER]
        assert versions.latest(history, OTHER, "ctgov") is not None
    assert house.sync("NCT00000003").sources[0].checked == 1


def test_only_what_is_asked_for(house: House) -> None:
    begin(house)
    house.registry.put(record.a_study(OTHER))
    house.watch(OTHER)
    assert house.sync(OTHER).sources[0].checked == 1
    with pytest.raises(UsageError, match=f"{UNKNOWN} is not watched"):
        house.sync(UNKNOWN)


@pytest.mark.parametrize("trouble", ["down", "500", "429", "html", "gzip", "huge", "loop", "cut", "length"])
def test_whatever_the_registry_does_nothing_is_lost_and_the_next_sync_carries_on(house: House, trouble: str) -> None:
    begin(house)
    close_recruitment(house)
    faults = house.registry.faults
    match trouble:
        case "down":
            house.registry.stop()
        case "500":
            faults.fail(500, path=STUDIES)
        case "429":
            faults.fail(429, path=STUDIES, retry_after=7200)
        case "html":
            faults.html_instead(path=STUDIES)
        case "gzip":
            faults.truncated_gzip(path=STUDIES)
        case "huge":
            faults.huge(200, path=STUDIES)
        case "loop":
            faults.redirect_loop(times=20, path=STUDIES)
        case "cut":
            faults.cut(after=50, path=STUDIES)
        case "length":
            faults.wrong_length(path=STUDIES)
    before = house.counts()
    report = house.sync()
    assert report.is_partial
    (failure,) = report.sources[0].failed
    assert failure["trial"] == TRIAL
    assert failure["error"]
    assert "\n" not in failure["error"]
    after = house.counts()
    assert {name: after[name] for name in ("version", "change", "notice")} == {
        name: before[name] for name in ("version", "change", "notice")
    }
    with house.history() as history:
        assert [row["source"] for row in incidents.open_ones(history)] == ["ctgov"]
    if trouble == "down":
        house.registry.start()
    faults.clear()
    assert house.sync().changes == 1
    assert len(house.mailbox.messages) == 2
    with house.history() as history:
        assert incidents.open_ones(history) == []


def test_a_registry_that_does_not_answer_in_time_is_left(house: House) -> None:
    begin(house)
    house.set("http", timeout=0.2)
    hold = house.registry.faults.hang()
    report = house.sync()
    hold.release()
    assert "did not answer in" in report.sources[0].failed[0]["error"]


def test_a_listing_s_own_differences_are_kept_and_are_no_change_of_the_trial(house: House) -> None:
    from dataclasses import replace

    begin(house, page=True)
    url = house.listing.url_of(TRIAL)
    house.listing.put(TRIAL, replace(first_listing(), status="Completed"))
    house.sync()
    (news,) = house.changes()
    assert (news.topic, news.after) == ("listing", "contradicts")
    (change,) = house.changes(source=url)
    assert (change.field, change.before, change.after, change.source) == ("overall_status", "RECRUITING", "COMPLETED", url)


def test_a_maintenance_page_is_unreadable_and_the_last_good_version_stays(house: House) -> None:
    begin(house, page=True)
    url = house.listing.url_of(TRIAL)
    house.listing.maintenance(True)
    report = house.sync()
    assert report.is_partial
    assert "last good version stays" in report.sources[1].failed[0]["error"]
    house.listing.maintenance(False)
    assert not house.sync().is_partial
    assert house.changes(source=url) == []
    with house.history() as history:
        assert len(versions.versions(history, TRIAL, url)) == 1


def test_what_a_page_stops_saying_is_not_removed_and_a_later_change_of_it_is_seen(house: House) -> None:
    from dataclasses import replace

    begin(house, page=True)
    url = house.listing.url_of(TRIAL)
    house.listing.put(TRIAL, replace(first_listing(), city="", country="", sex=""))
    house.sync()
    assert house.changes(source=url) == []
    house.listing.put(TRIAL, replace(first_listing(), city="Aarhus"))
    house.sync()
    assert {change.field for change in house.changes(source=url)} == {"locations"}


def test_two_trials_on_one_page_address(house: House) -> None:
    begin(house, page=True)
    house.registry.put(record.a_study(OTHER))
    house.watch(OTHER, pages=(house.listing.url_of(TRIAL),))
    report = house.sync()
    page = next(source for source in report.sources if source.source != "ctgov")
    assert page.checked == 2
    assert [failure["trial"] for failure in page.failed] == [OTHER]


def test_a_second_sync_at_the_same_time_says_who_holds_the_lock(house: House) -> None:
    begin(house)
    with only_one(house.around.database, "sync"), pytest.raises(AlreadyRunning, match=r"another sync is running: process \d+ since 20"):
        house.sync()
    house.sync()


def test_a_stop_in_the_middle_keeps_what_was_stored_and_the_next_sync_does_the_rest(house: House) -> None:
    begin(house)
    close_recruitment(house)
    hold = house.registry.faults.hang()
    house.set("http", timeout=3000)
    around = house.around
    syncing = beside(lambda: sync(around))
    hold.wait_until_reached()
    around.stop.set()
    report = syncing.result(PATIENCE)
    hold.release()
    assert report.stopped
    with house.history() as history:
        last = runs.last(history, "sync")
        assert last is not None
        assert last["outcome"] == "stopped"
    assert house.sync().changes == 1


def test_paging_through_many_trials(house: House) -> None:
    trials = [f"NCT{number:08}" for number in range(1, 602)]
    for trial in trials:
        house.registry.put(record.a_study(trial))
    house.watch(*trials)
    report = house.sync()
    assert report.sources[0].baselines == 601
    assert not report.is_partial
    for trial in trials[:5]:
        house.registry.put(record.with_status(house.registry.study(trial), "SUSPENDED", posted="2026-02-03"))
    assert house.sync().changes == 5


def test_a_daily_reader_gets_one_digest_of_several_trials(house: House) -> None:
    house.registry.put(record.the_study())
    house.registry.put(record.a_study(OTHER))
    house.watch(TRIAL, OTHER)
    house.subscribe("daily@example.org", TRIAL, OTHER, every="day")
    house.sync(days=0)
    for trial in (TRIAL, OTHER):
        house.registry.put(record.with_status(house.registry.study(trial), "SUSPENDED", posted="2026-02-03"))
        house.sync(days=0.01)
    assert not house.mailbox.messages
    (row,) = house.outbox()
    assert (row["next_try_at"], row["trials"]) == ("2026-02-02T07:00:00Z", [OTHER, TRIAL])
    assert house.deliver(hours=2).sent == 1
    (mail,) = house.mailbox.messages
    assert "2" in str(mail.message["Subject"])


def test_a_reader_who_looks_for_housekeeping_gets_it_and_others_do_not(house: House) -> None:
    begin(house)
    house.subscribe("desk@example.org", role="coordinator", topics=frozenset({"housekeeping"}))
    house.registry.put(record.touched(house.registry.study(TRIAL), "2026-02-03"))
    report = house.sync()
    assert report.changes == 0
    assert [mail.recipients[0] for mail in house.mailbox.messages] == ["desk@example.org"]
    assert house.changes() == []
    assert {change.topic for change in house.changes(housekeeping=True)} == {"housekeeping"}


def test_version_changes_and_notices_are_one_transaction(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(house)
    close_recruitment(house)
    before = house.counts()

    def breaks(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("db.outbox.queue", breaks)
        with pytest.raises(KeyboardInterrupt):
            house.sync()
    after = house.counts()
    assert {name: after[name] for name in after if name != "run"} == {name: before[name] for name in before if name != "run"}
    assert house.sync().delivery.sent == 3


def test_a_record_that_cannot_be_compared_does_not_keep_the_others_from_being_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from registry_sync.trials import decide as deciding

    begin(house)
    house.registry.put(record.a_study(OTHER))
    house.watch(OTHER)
    house.sync()
    close_recruitment(house)
    house.registry.put(record.with_status(house.registry.study(OTHER), "SUSPENDED", posted="2026-02-03"))
    right = deciding.judged

    def faulty(before: Record, after: Record) -> tuple[Change, ...]:
        if after.trial == OTHER:
            raise RecursionError("too deep")
        return right(before, after)

    with monkeypatch.context() as patched:
        patched.setattr(deciding, "judged", faulty)
        report = house.sync()
    assert [failure["trial"] for failure in report.sources[0].failed] == [OTHER]
    assert {change.trial for change in house.changes()} == {TRIAL}
    house.sync()
    assert {change.trial for change in house.changes()} == {TRIAL, OTHER}


def test_the_record_as_it_stood_on_a_day_goes_by_the_registrys_dates_and_silent_changes_by_ours(house: House) -> None:
    begin(house)
    close_recruitment(house)
    house.sync(days=5)
    silent = house.registry.study(TRIAL)
    silent["protocolSection"]["statusModule"].update(overallStatus="UNKNOWN", lastKnownStatus="ACTIVE_NOT_RECRUITING")
    house.registry.put(silent)
    house.sync(days=10)
    with house.history() as history:

        def status(day: str) -> str | None:
            version = versions.at(history, TRIAL, "ctgov", day)
            return version.record.overall_status if version else None

        assert [status(day) for day in ("2025-01-01", "2026-02-02", "2026-02-03", "2026-02-16", "2026-02-17")] == [
            None,
            "RECRUITING",
            "ACTIVE_NOT_RECRUITING",
            "ACTIVE_NOT_RECRUITING",
            "UNKNOWN",
        ]


def test_a_study_that_cannot_be_read_through_a_fault_of_ours_keeps_no_other_from_being_told(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from registry_sync.sources import ctgov_record

    begin(house)
    house.registry.put(record.a_study(OTHER))
    house.watch(OTHER)
    right = ctgov_record.record_from

    def faulty(payload: bytes) -> Record:
        if OTHER.encode() in payload:
            raise ValueError("a fault")
        return right(payload)

    close_recruitment(house)
    with monkeypatch.context() as patched:
        patched.setattr(ctgov_record, "record_from", faulty)
        report = house.sync()
    (failure,) = report.sources[0].failed
    assert failure == {"trial": OTHER, "error": "could not be compared (ValueError); please report it"}
    assert {change.trial for change in house.changes()} == {TRIAL}
    assert house.sync().sources[0].baselines == 1


def open_incidents(house: House) -> set[str]:
    with house.history() as history:
        return {row["source"] for row in incidents.open_ones(history)}


def break_record(house: House, trial: str) -> None:
    study = house.registry.study(trial)
    study["protocolSection"]["statusModule"]["startDateStruct"] = {"date": "soon"}
    house.registry.put(study)


def test_a_record_that_cannot_be_read_is_kept_as_it_came_and_forgotten_when_it_can(house: House) -> None:
    begin(house)
    house.registry.put(record.a_study(OTHER))
    house.watch(OTHER)
    house.sync()
    whole = house.registry.study(OTHER)
    break_record(house, OTHER)
    close_recruitment(house)
    report = house.sync()
    assert [failure["trial"] for failure in report.sources[0].failed] == [OTHER]
    assert "'soon' is no date" in report.sources[0].failed[0]["error"]
    assert report.changes == 1
    with house.history() as history:
        assert [row["trial"] for row in unparsed.every(history)] == [OTHER]
        came = unparsed.payload(history, OTHER, "ctgov")
    assert came is not None
    assert json.loads(came)["protocolSection"]["statusModule"]["startDateStruct"] == {"date": "soon"}
    assert [failure["trial"] for failure in house.sync().sources[0].failed] == [OTHER]
    house.registry.put(whole)
    assert not house.sync().is_partial
    with house.history() as history:
        assert unparsed.every(history) == []
    assert {change.trial for change in house.changes()} == {TRIAL}


def test_one_bad_record_hides_no_outage(house: House) -> None:
    begin(house)
    house.registry.put(record.a_study(OTHER))
    house.watch(OTHER)
    house.sync()
    break_record(house, OTHER)
    house.sync()
    assert open_incidents(house) == {"ctgov, in part"}
    house.registry.release()
    house.registry.faults.fail(503, path=STUDIES, times=None)
    house.sync()
    assert open_incidents(house) == {"ctgov, in part", "ctgov"}
    house.registry.faults.clear()
    house.sync(TRIAL)  # one trial tells that the registry answers, and nothing of the other record
    assert open_incidents(house) == {"ctgov, in part"}
    house.registry.put(record.a_study(OTHER))
    house.sync()
    assert open_incidents(house) == set()


def test_one_trial_in_trouble_is_no_outage_though_nothing_else_is_asked(house: House) -> None:
    trials = [f"NCT{number:08}" for number in range(1, 6)]
    for trial in trials:
        house.registry.put(record.a_study(trial))
    house.watch(*trials)
    house.sync(days=0)
    break_record(house, trials[0])
    house.sync()
    house.registry.faults.fail(500, path=STUDIES, times=None)
    for _ in range(2):  # nothing was released: only the broken one is asked for
        house.sync()
        assert open_incidents(house) == {"ctgov, in part"}


def test_every_unknown_id_is_named(house: House) -> None:
    begin(house)
    unknown = [f"NCT{number:08}" for number in range(9001, 9013)]
    house.watch(*unknown)
    (line,) = house.sync().failures()
    assert all(trial in line for trial in unknown)


def test_a_registry_that_does_not_say_of_when_its_data_are_is_named(house: House) -> None:
    begin(house)
    said: list[str] = []
    house.say = said.append
    house.registry.faults.html_instead(path="/api/v2/version")
    assert not house.sync().is_partial
    assert len(said) == 1
    assert "every record was asked for" in said[0]
