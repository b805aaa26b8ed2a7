"""What is owed, as a coordinator hears of it: when it comes due, when it is over, when it is done; and never a reader."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from db import duties as kept
from db.connection import History
from jobs import duties
from jobs.agenda import agenda
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.demo.story import DAYS
from registry_sync.errors import UsageError
from registry_sync.trials.deadlines import Event
from tests.house import House

COORDINATOR, READER = "coordinator@example.org", "reader@example.org"
OTHER = "NCT00000001"


def begin(house: House, *, study: dict[str, Any] | None = None, **more: Any) -> None:
    """A trial is watched and synced once; a coordinator and a reader follow it."""
    house.registry.put(study or record.the_study())
    house.watch(TRIAL)
    house.subscribe(COORDINATOR, role="coordinator", **more)
    house.subscribe(READER)
    house.sync(days=0)


def owed(house: House, trial: str = TRIAL) -> dict[str, str]:
    with house.history() as history:
        return {line.owed.rule: line.state for line in duties.lines(house.around, history, trial)}


def told(house: House) -> list[tuple[str, str | None, str]]:
    """Rule, before and after of what was told of deadlines, oldest first."""
    found = [change for change in house.changes() if change.topic == "deadlines"]
    return [((change.detail or {})["rule"], change.before, change.after) for change in sorted(found, key=lambda change: change.id)]


def enter(house: House, kind: Any, date: str, country: str | None = None) -> None:
    with house.history() as history:
        duties.enter(house.around, history, TRIAL, Event(kind, date, country), None)


def ended_study(*, completion: str = "2025-12-31", primary: str = "2025-03-10") -> dict[str, Any]:
    """The trial as one that the final rule binds: of a drug, with a site in the US, its primary completion a fact."""
    study = record.with_status(record.the_study(), "COMPLETED", posted="2026-02-01")
    protocol = study["protocolSection"]
    protocol["oversightModule"] = {"isFdaRegulatedDrug": True, "isFdaRegulatedDevice": False}
    protocol["statusModule"]["primaryCompletionDateStruct"] = {"date": primary, "type": "ACTUAL"}
    protocol["statusModule"]["completionDateStruct"] = {"date": completion, "type": "ACTUAL"}
    protocol["statusModule"]["statusVerifiedDate"] = "2026-01"
    protocol["designModule"]["enrollmentInfo"] = {"count": 40, "type": "ACTUAL"}
    protocol["contactsLocationsModule"]["locations"] = [{"facility": "Site A", "city": "Boston", "country": "United States"}]
    return study


def test_what_comes_due_is_told_once_and_again_when_it_is_overdue(house: House) -> None:
    begin(house, study=ended_study(primary="2025-05-20"))
    assert owed(house)["results"] == "due"
    house.sync(days=16)
    assert told(house) == []
    house.sync(days=1)  # 90 days before
    house.sync(days=1)
    assert told(house) == [("results", None, "due soon")]
    house.sync(days=90)
    house.sync(days=1)
    assert told(house) == [("results", None, "due soon"), ("results", "due soon", "overdue")]
    first, second = house.mailbox.messages
    assert first.recipients == second.recipients == (COORDINATOR,)
    assert second.message["Subject"] == f"{TRIAL}: Deadline: Results at ClinicalTrials.gov: overdue (1 day ago)"
    text = second.text()
    assert "By 2026-05-20" in text
    assert "42 CFR 11.44(a)" in text
    assert "no legal advice" in text
    assert "ClinicalTrials.gov, seen" not in text  # the registry did not say so


def test_what_was_overdue_at_the_first_look_is_listed_and_not_told(house: House) -> None:
    begin(house, study=ended_study(primary="2024-03-10"))
    assert owed(house)["results"] == "overdue"
    house.sync(days=1)
    assert told(house) == []


def test_what_was_due_soon_at_the_first_look_is_told_in_the_last_week(house: House) -> None:
    begin(house, study=ended_study())  # by 2026-03-10
    assert owed(house)["results"] == "due soon"
    house.sync(days=28)
    assert told(house) == []
    house.sync(days=1)
    house.sync(days=1)
    assert told(house) == [("results", None, "due soon")]


def test_another_day_is_told_anew_and_stands_in_the_logbook(house: House) -> None:
    begin(house, study=ended_study(primary="2025-05-20"))
    house.sync(days=20)
    assert told(house) == [("results", None, "due soon")]
    house.registry.put(ended_study(primary="2025-04-20"))
    house.sync(days=1)
    assert told(house) == [("results", None, "due soon")] * 2
    with house.history() as history:
        days = [row["detail"] for row in kept.logged(history, TRIAL) if row["about"] == "results"]
    assert days == ["due, by 2026-05-20", "due soon, by 2026-05-20", "due soon, by 2026-04-20"]


def test_what_is_done_is_done_of_one_clock(house: House) -> None:
    begin(house, study=ended_study())
    with house.history() as history:
        duties.done(house.around, duties.find(house.around, history, TRIAL, "verify"), history, "2026-02-02")
    assert owed(house)["verify"] == "met"
    study = ended_study()
    study["protocolSection"]["statusModule"]["statusVerifiedDate"] = "2026-02"
    house.registry.put(study)
    house.sync(days=1)
    assert owed(house)["verify"] == "due"


def test_results_that_come_back_for_corrections_are_not_met(house: House) -> None:
    begin(house, study=ended_study(primary="2025-05-20"))
    house.sync(days=20)
    study = ended_study(primary="2025-05-20")
    events = [{"type": "RELEASE", "date": "2026-02-20"}, {"type": "RESET", "date": "2026-02-22"}]
    study["annotationSection"] = {"annotationModule": {"unpostedAnnotation": {"unpostedEvents": events}}}
    house.registry.put(study)
    house.sync(days=1)
    assert owed(house)["results"] == "returned"
    assert told(house) == [("results", None, "due soon")]


def test_what_was_done_about_it_outlives_a_law_that_was_taken_back(house: House) -> None:
    begin(house, study=ended_study(primary="2024-05-20"))
    with house.history() as history:
        duties.give(house.around, duties.find(house.around, history, TRIAL, "results"), history, "Contact A")
        for applies in (False, None):
            kept.answer(history, TRIAL, "us", applies, house.around.stamp())
            house.sync(days=1)
        (line,) = [line for line in duties.lines(house.around, history, TRIAL) if line.owed.rule == "results"]
    assert line.duty is not None
    assert line.duty.owner == "Contact A"
    assert told(house) == []


def test_a_merged_trial_is_looked_after_as_before(house: House) -> None:
    begin(house)
    enter(house, "halted", "2026-02-02")
    with house.history() as history:
        duties.give(house.around, duties.find(house.around, history, TRIAL, "eu-halt halted"), history, "Contact A")
    study = record.the_study()
    study["protocolSection"]["identificationModule"]["nctId"] = OTHER
    house.registry.put(study)
    house.registry.alias(TRIAL, OTHER)
    house.sync(days=1)
    house.sync(days=1)
    with house.history() as history:
        (line,) = [line for line in duties.lines(house.around, history, OTHER) if line.owed.rule == "eu-halt"]
    assert line.duty is not None
    assert line.duty.owner == "Contact A"


def test_results_that_were_submitted_are_met_and_that_is_told_where_it_was_due(house: House) -> None:
    begin(house, study=ended_study(primary="2025-05-20"))
    house.sync(days=20)
    study = house.registry.study(TRIAL)
    study["protocolSection"]["statusModule"]["resultsFirstSubmitDate"] = "2026-02-03"
    house.registry.put(study)
    house.sync(days=1)
    assert told(house) == [("results", None, "due soon"), ("results", "due soon", "met")]
    assert owed(house)["results"] == "met"


def test_results_that_are_handed_in_under_a_certified_delay_are_met_by_its_day_and_that_is_told(house: House) -> None:
    study = ended_study(primary="2023-05-20")
    study["protocolSection"]["statusModule"]["dispFirstSubmitDate"] = "2024-05-20"
    begin(house, study=study)
    house.sync(days=20)
    assert told(house) == [("results", None, "due soon")]
    study = house.registry.study(TRIAL)
    study["protocolSection"]["statusModule"]["resultsFirstSubmitDate"] = "2026-02-20"
    house.registry.put(study)
    house.sync(days=1)
    assert told(house) == [("results", None, "due soon"), ("results", "due soon", "met")]
    assert "By 2026-05-20" in house.mailbox.messages[-1].text()


def test_a_certified_delay_is_never_overdue(house: House) -> None:
    study = ended_study(primary="2025-01-10")
    study["protocolSection"]["statusModule"]["dispFirstSubmitDate"] = "2026-01-05"
    begin(house, study=study)
    house.sync(days=200)
    assert owed(house)["results"] == "delayed"
    assert told(house) == []


def test_what_comes_due_by_a_change_is_told_with_the_news_of_the_trial(house: House) -> None:
    study = ended_study()
    study["protocolSection"]["statusModule"]["primaryCompletionDateStruct"] = {"date": "2026-06", "type": "ESTIMATED"}
    begin(house, study=record.with_status(study, "RECRUITING", posted="2026-02-01"))
    house.sync(days=1)
    house.registry.put(record.with_status(ended_study(), "COMPLETED", posted="2026-02-04"))
    house.sync(days=1)
    assert ("results", None, "due soon") in told(house)
    of_the_day = [mail for mail in house.mailbox.messages if COORDINATOR in mail.recipients]
    assert len(of_the_day) == 1  # one trial, one day, one story
    assert "RECRUITING → COMPLETED" in str(of_the_day[0].message["Subject"])
    assert "Results at ClinicalTrials.gov" in of_the_day[0].text()


def test_what_a_record_says_against_itself_is_listed_and_no_news(house: House) -> None:
    begin(house, study=ended_study())
    house.sync(days=1)
    before = told(house)
    house.registry.put(record.with_status(house.registry.study(TRIAL), "RECRUITING", posted="2026-02-04"))
    house.sync(days=1)
    assert owed(house)["recruiting-after-end"] == "contradiction"
    assert told(house) == before


def test_unknown_is_warned_of_before_it_strikes_and_then_is_the_statuss_own_news(house: House) -> None:
    study = record.with_status(record.the_study(), "RECRUITING", posted="2026-02-01")
    study["protocolSection"]["statusModule"]["statusVerifiedDate"] = "2024-05"
    begin(house, study=study)
    house.sync(days=27)
    assert told(house) == [("unknown", None, "due soon")]
    house.registry.put(record.with_status(study, "UNKNOWN"))
    house.sync(days=93)
    assert owed(house)["unknown"] == "overdue"
    assert told(house) == [("unknown", None, "due soon")]


def test_readers_hear_nothing_of_it_even_if_they_ask(house: House) -> None:
    begin(house, study=ended_study())
    house.subscribe("curious@example.org", topics=frozenset({"deadlines", "status"}))
    house.sync(days=1)
    house.sync(days=40)
    assert told(house)
    assert {recipient for mail in house.mailbox.messages for recipient in mail.recipients} == {COORDINATOR}


def test_what_the_record_cannot_tell_is_listed_and_not_told(house: House) -> None:
    study = ended_study(primary="2025-03-10")
    del study["protocolSection"]["oversightModule"]
    begin(house, study=study)
    house.sync(days=60)
    house.sync(days=1)
    assert owed(house)["results"] == "past"
    assert told(house) == []


def test_an_event_starts_a_clock_and_a_coordinators_word_ends_it(house: House) -> None:
    begin(house)  # the demo's record has an EU CT number
    house.sync(days=1)
    enter(house, "recruitment-ended", "2026-02-03")
    assert ("eu-recruitment-end", None, "due soon") in told(house)
    with house.history() as history:
        line = duties.find(house.around, history, TRIAL, "eu-recruitment-end")
        assert line.owed.by == "2026-02-18"
        duties.done(house.around, line, history, "2026-02-03")
    house.sync(days=20)
    assert owed(house)["eu-recruitment-end"] == "met"
    assert ("eu-recruitment-end", "due soon", "met") in told(house)
    assert ("eu-recruitment-end", "due soon", "overdue") not in told(house)


def test_what_was_acknowledged_is_open_again_when_it_stands_otherwise(house: House) -> None:
    begin(house)
    house.sync(days=1)
    enter(house, "halted", "2026-02-03")

    def acknowledged() -> bool:
        with house.history() as history:
            duty = kept.duties(history, TRIAL)["eu-halt halted 2026-02-03"]
            return duty.acknowledged_at is not None

    with house.history() as history:
        duties.acknowledge(house.around, duties.find(house.around, history, TRIAL, "eu-halt halted"), history, None)
    house.sync(days=2)
    assert acknowledged()
    house.sync(days=20)
    assert ("eu-halt", "due soon", "overdue") in told(house)
    assert not acknowledged()


def test_that_it_was_acknowledged_as_done_ends_when_it_is_undone(house: House) -> None:
    begin(house)
    enter(house, "halted", "2026-02-02")

    def line(history: History) -> duties.Line:
        return duties.find(house.around, history, TRIAL, "eu-halt")

    with house.history() as history:
        duties.done(house.around, line(history), history, "2026-02-02")
        duties.acknowledge(house.around, line(history), history, None)
        duties.undone(house.around, line(history), history)
        (found,) = [each for each in duties.lines(house.around, history, TRIAL) if each.owed.rule == "eu-halt"]
    assert found.duty is not None
    assert (found.state, found.duty.acknowledged_at) == ("due soon", None)


def test_a_halt_of_two_years_is_told_as_the_end_that_is_to_be_notified(house: House) -> None:
    begin(house)
    house.sync(days=0)
    enter(house, "halted", "2024-02-05")
    for _ in range(5):
        house.sync(days=1)  # to 2026-02-06 at the latest
    halts_and_ends = [each for each in told(house) if each[0] in ("eu-halt-ends", "eu-end", "eu-summary")]
    assert halts_and_ends == [("eu-halt-ends", None, "due soon"), ("eu-end", None, "due soon")]
    enter(house, "restarted", "2026-02-06")
    assert owed(house).keys() >= {"eu-halt-ends", "eu-end", "eu-summary", "eu-restart"}


def test_what_is_put_off_is_not_told_before_its_day(house: House) -> None:
    begin(house)
    house.sync(days=1)
    enter(house, "halted", "2026-02-03")
    with house.history() as history:
        line = duties.find(house.around, history, TRIAL, "eu-halt halted")
        duties.snooze(house.around, line, history, "2026-03-10")
    house.sync(days=17)  # overdue by now
    assert ("eu-halt", "due soon", "overdue") not in told(house)
    house.sync(days=20)
    assert ("eu-halt", "due soon", "overdue") in told(house)


def test_an_event_that_was_a_mistake_takes_its_clock_with_it_and_stays_in_the_logbook(house: House) -> None:
    begin(house)
    enter(house, "ended", "2026-02-02")
    assert "eu-end" in owed(house)
    with house.history() as history:
        (event,) = kept.events(history, TRIAL)
        duties.take_back(house.around, history, event.id)
        assert "eu-end" not in owed(house)
        what = [(row["what"], row["detail"]) for row in kept.logged(history, TRIAL)]
    assert ("event", "ended 2026-02-02") in what
    assert ("event removed", "ended 2026-02-02") in what
    assert ("state", "no longer owed") in what


@pytest.mark.parametrize(("key", "complaint"), [("nothing", "owes nothing by the name"), ("eu-", "may be")])
def test_a_name_that_is_none_or_several_is_refused(house: House, key: str, complaint: str) -> None:
    begin(house)
    enter(house, "ended", "2026-02-02")
    with house.history() as history, pytest.raises(UsageError, match=complaint):
        duties.find(house.around, history, TRIAL, key)


def test_an_event_to_come_is_refused(house: House) -> None:
    begin(house)
    with pytest.raises(UsageError, match="yet to come"):
        enter(house, "ended", "2026-02-03")


def test_days_are_those_of_the_schedules_time_zone(house: House) -> None:
    begin(house)
    house.set("schedule", timezone="Pacific/Auckland")
    house.at = datetime.datetime(2026, 2, 3, 12, 0, tzinfo=datetime.UTC)  # the 4th over there
    enter(house, "ended", "2026-02-04")
    assert "eu-end" in owed(house)


def test_nobody_who_hears_of_it_costs_no_look(house: House) -> None:
    house.registry.put(ended_study())
    house.watch(TRIAL)
    house.subscribe(READER)
    house.sync(days=0)
    house.sync(days=40)
    with house.history() as history:
        assert not kept.was_looked_at(history, TRIAL)
    house.subscribe(COORDINATOR, role="coordinator")
    house.sync(days=1)
    house.sync(days=1)
    assert told(house) == []  # overdue since before anybody asked
    assert owed(house)["results"] == "overdue"


def test_two_syncs_of_a_day_look_at_everything_once(house: House) -> None:
    begin(house, study=ended_study())
    runs = [row for row in _runs(house) if row["job"] == "deadlines"]
    house.sync(days=0.1)
    assert [row for row in _runs(house) if row["job"] == "deadlines"] == runs
    house.sync(days=1)
    assert len([row for row in _runs(house) if row["job"] == "deadlines"]) == len(runs) + 1


def _runs(house: House) -> list[dict[str, Any]]:
    with house.history() as history:
        return history.rows("SELECT * FROM run ORDER BY id")


def test_a_merged_trial_takes_its_events_and_answers_along(house: House) -> None:
    begin(house)
    enter(house, "halted", "2026-02-02")
    with house.history() as history:
        kept.answer(history, TRIAL, "us", True, house.around.stamp())
    house.registry.put(record.a_study(OTHER))
    house.registry.alias(TRIAL, OTHER)
    house.sync(days=1)
    with house.history() as history:
        assert [each.event.kind for each in kept.events(history, OTHER)] == ["halted"]
        assert kept.answers(history, OTHER) == {"us": True}


def test_what_a_trial_owes_costs_the_same_however_many_pages_others_have(house: House) -> None:
    begin(house)
    house.watch(OTHER)

    def cost() -> int:
        steps: list[None] = []
        with house.history() as history:
            history.connection.set_progress_handler(lambda: steps.append(None), 10)
            duties.lines(house.around, history, TRIAL)
        return len(steps)

    before = cost()
    house.watch(OTHER, pages=tuple(f"https://example.org/{number}" for number in range(2_000)))
    assert cost() <= before + 10


def outdated_page(house: House) -> str:
    """A watched page that has fallen behind the registry."""
    url = house.listing.url_of(TRIAL)
    house.watch(TRIAL, pages=(url,))
    for day in DAYS[:3]:
        house.at = day.at
        day.apply(house.registry, house.listing)
        house.sync(days=0)
    return url


def test_a_letter_is_followed_until_the_page_is_right(house: House) -> None:
    url = outdated_page(house)
    with house.history() as history:
        assert duties.sent(house.around, history, TRIAL) == [url]
    assert owed(house)[f"letter {url}"] == "due"
    house.subscribe(COORDINATOR, role="coordinator")
    house.sync(days=31)
    assert owed(house)[f"letter {url}"] == "past"
    for day in (DAYS[3], DAYS[6]):
        day.apply(house.registry, house.listing)
    house.sync(days=1)
    assert owed(house)[f"letter {url}"] == "met"


def test_a_second_letter_about_a_page_is_followed_in_the_place_of_the_first(house: House) -> None:
    url = outdated_page(house)
    with house.history() as history:
        duties.sent(house.around, history, TRIAL)
        house.at += datetime.timedelta(days=29)
        duties.sent(house.around, history, TRIAL)
        house.at += datetime.timedelta(days=2)  # the first has become old in the meantime
        of_page = [line for line in duties.lines(house.around, history, TRIAL) if line.owed.law == "listing"]
        assert [(line.state, line.owed.days_left(line.today)) for line in of_page] == [("due", 28)]
    house.subscribe(COORDINATOR, role="coordinator")
    for day in (DAYS[3], DAYS[6]):
        day.apply(house.registry, house.listing)
    house.sync(days=1)
    assert owed(house)[f"letter {url}"] == "met"
    with house.history() as history:
        assert [letter.settled_on is not None for letter in kept.letters(history, TRIAL)] == [True, True]


def test_the_calendar_has_an_event_for_each_day_that_keeps_its_identity(house: House) -> None:
    icalendar = pytest.importorskip("icalendar")

    begin(house, study=ended_study())
    enter(house, "halted", "2026-02-02", "Denmark")

    def events() -> dict[str, Any]:
        with house.history() as history:
            lines = duties.lines(house.around, history)
            parsed = icalendar.Calendar.from_ical(agenda(house.around, history, lines))
        return {str(event["uid"]): event for event in parsed.walk("VEVENT")}

    before = events()
    results = next(event for uid, event in before.items() if ".results@" in uid)
    assert results.decoded("dtstart") == datetime.date(2026, 3, 10)
    assert "42 CFR 11.44(a)" in str(results["description"])
    study = house.registry.study(TRIAL)
    study["protocolSection"]["statusModule"]["primaryCompletionDateStruct"]["date"] = "2025-03-20"
    house.registry.put(study)
    house.sync(days=1)
    after = events()
    assert before.keys() == after.keys()
    moved = after[str(results["uid"])]
    assert moved.decoded("dtstart") == datetime.date(2026, 3, 20)
    assert int(moved["sequence"]) > int(results["sequence"])
