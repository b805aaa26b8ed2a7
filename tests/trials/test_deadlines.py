"""What is owed, by which rule and by when: each rule at the days on which it turns."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_sync.trials.binding import Answers, Oversight, began_before_the_final_rule, standing
from registry_sync.trials.dates import first_day, last_day, months_after
from registry_sync.trials.deadlines import BY_RULE, EVENT_KINDS, OPEN, RULES, URGENCY, Event, Owed, owed
from registry_sync.trials.record import Dated, Enrollment, Intervention, Location, Record, UnpostedEvent

DRUG = Oversight(fda_drug=True, fda_device=False)
NOTHING = Oversight()
US = (Location(city="Boston", country="United States"),)
DENMARK = (Location(city="Copenhagen", country="Denmark"),)


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def bound_in_the_us(**more: Any) -> Record:
    """A phase 2 trial of a drug with a site in the US, which owes what the final rule asks."""
    plain: dict[str, Any] = {
        "trial": "NCT00000001",
        "study_type": "INTERVENTIONAL",
        "phases": ("PHASE2",),
        "locations": US,
        "overall_status": "COMPLETED",
        "start_date": Dated("2020-01-06", "ACTUAL"),
        "primary_completion_date": Dated("2024-03-01", "ACTUAL"),
        "completion_date": Dated("2024-03-01", "ACTUAL"),
        "enrollment": Enrollment(40, "ACTUAL"),
    }
    return Record(**(plain | more))


def in_the_eu(**more: Any) -> Record:
    """A trial with a number of CTIS, which the law of the US does not bind."""
    plain: dict[str, Any] = {
        "trial": "NCT00000002",
        "study_type": "OBSERVATIONAL",
        "secondary_ids": ("2024-516715-25-00",),
        "overall_status": "RECRUITING",
    }
    return Record(**(plain | more))


def the(
    rule: str, record: Record, today: str, *, oversight: Oversight = DRUG, events: Any = (), answers: Answers | None = None
) -> Owed | None:
    """The row of a rule on a day, if it has one."""
    rows = [row for row in owed(record, oversight, events, answers, today=day(today)) if row.rule == rule]
    assert len(rows) < 2
    return rows[0] if rows else None


def state(rule: str, record: Record, today: str, **more: Any) -> str | None:
    row = the(rule, record, today, **more)
    return row.state if row else None


BINDING = [
    # the record, who regulates, bound, by what it is shown
    (bound_in_the_us(), DRUG, "applies", "site in the US"),
    (bound_in_the_us(locations=(Location(country="Puerto Rico"),)), DRUG, "applies", "site in the US"),
    (bound_in_the_us(locations=(Location(country="USA"),)), DRUG, "applies", "site in the US"),
    (bound_in_the_us(locations=DENMARK), Oversight(fda_drug=True, us_export=True), "applies", "exported"),
    (bound_in_the_us(locations=DENMARK), DRUG, "cannot tell", "no site in the US"),
    (bound_in_the_us(locations=None), DRUG, "cannot tell", "no site in the US"),
    (bound_in_the_us(phases=("PHASE1",)), DRUG, "not shown", "phase 1"),
    (bound_in_the_us(phases=("EARLY_PHASE1",)), DRUG, "not shown", "phase 1"),
    (bound_in_the_us(phases=("PHASE1",)), NOTHING, "not shown", "phase 1"),
    (bound_in_the_us(phases=("PHASE1", "PHASE2")), DRUG, "applies", "site in the US"),
    (bound_in_the_us(phases=None), DRUG, "applies", "site in the US"),
    (bound_in_the_us(phases=("PHASE1",)), Oversight(fda_drug=True, fda_device=True), "applies", "site in the US"),
    (bound_in_the_us(phases=("NA",)), Oversight(fda_drug=False, fda_device=True), "applies", "site in the US"),
    (bound_in_the_us(), Oversight(fda_drug=False, fda_device=True, primary_purpose="DEVICE_FEASIBILITY"), "not shown", "feasibility"),
    (bound_in_the_us(), Oversight(fda_drug=False, fda_device=False), "not shown", "not regulated"),
    (bound_in_the_us(), Oversight(fda_drug=False), "cannot tell", "not stated"),
    (bound_in_the_us(), NOTHING, "cannot tell", "not stated"),
    (bound_in_the_us(study_type="OBSERVATIONAL"), DRUG, "not shown", "not interventional"),
    (bound_in_the_us(study_type="EXPANDED_ACCESS"), DRUG, "not shown", "not interventional"),
    (bound_in_the_us(study_type=None), DRUG, "cannot tell", "no study type"),
    (bound_in_the_us(primary_completion_date=Dated("2007-12-25")), DRUG, "not shown", "before the statute"),
    (bound_in_the_us(primary_completion_date=Dated("2007-12")), DRUG, "applies", "site in the US"),
]


@pytest.mark.parametrize(("record", "oversight", "bound", "reason"), BINDING)
def test_who_is_bound_by_the_law_of_the_us(record: Record, oversight: Oversight, bound: str, reason: str) -> None:
    found = standing("us", record, oversight, {})
    assert (found.bound, found.reason) == (bound, reason)


@pytest.mark.parametrize(
    ("record", "bound"),
    [
        (in_the_eu(), "applies"),
        (in_the_eu(secondary_ids=("EU CT 2023-503456-12",)), "applies"),
        (in_the_eu(secondary_ids=("2010-023456-12",)), "not shown"),  # EudraCT
        (in_the_eu(secondary_ids=("12024-516715-25-001",)), "not shown"),
        (in_the_eu(secondary_ids=None), "not shown"),
        (bound_in_the_us(locations=DENMARK, interventions=(Intervention(type="DRUG"),)), "cannot tell"),
        (bound_in_the_us(locations=DENMARK, interventions=(Intervention(type="BEHAVIORAL"),)), "not shown"),
        (bound_in_the_us(locations=US, interventions=(Intervention(type="DRUG"),)), "not shown"),
    ],
)
def test_who_is_bound_by_the_law_of_the_eu(record: Record, bound: str) -> None:
    assert standing("eu", record, NOTHING, {}).bound == bound


def test_what_the_coordinator_says_of_a_law_counts_more_than_what_the_record_shows() -> None:
    assert state("results", bound_in_the_us(), "2026-01-01", oversight=NOTHING) == "past"
    assert state("results", bound_in_the_us(), "2026-01-01", oversight=NOTHING, answers={"us": True}) == "overdue"
    assert state("results", bound_in_the_us(), "2026-01-01", answers={"us": False}) is None


@pytest.mark.parametrize(("start", "early"), [("2017-01-17", True), ("2017-01-18", False), ("2017-01", True), ("2017", True), (None, None)])
def test_the_final_rule_binds_in_full_what_began_on_its_day_or_later(start: str | None, early: bool | None) -> None:
    assert began_before_the_final_rule(bound_in_the_us(start_date=Dated(start, "ACTUAL"))) is early


CASES = [
    # rule, what differs from a completed trial in the US, day, state, by
    ("results", {}, "2024-11-30", "due", "2025-03-01"),
    ("results", {}, "2024-12-01", "due soon", "2025-03-01"),
    ("results", {}, "2025-03-01", "due soon", "2025-03-01"),
    ("results", {}, "2025-03-02", "overdue", "2025-03-01"),
    # a month: not before its last day
    ("results", {"primary_completion_date": Dated("2024-03", "ACTUAL")}, "2025-03-31", "due soon", "2025-03-31"),
    ("results", {"primary_completion_date": Dated("2024-03", "ACTUAL")}, "2025-04-01", "overdue", "2025-03-31"),
    ("results", {"primary_completion_date": Dated("2024-02-29", "ACTUAL")}, "2025-03-01", "overdue", "2025-02-28"),
    # a plan binds nobody to a day
    ("results", {"primary_completion_date": Dated("2024-03-01", "ESTIMATED")}, "2025-03-02", "past", "2025-03-01"),
    ("results", {"results_first_submit_date": "2025-04-01"}, "2026-01-01", "met", "2025-03-01"),
    ("results", {"has_results": True}, "2026-01-01", "met", "2025-03-01"),
    ("results", {"results_delayed_date": "2025-02-20"}, "2026-01-01", "delayed", "2027-02-20"),
    ("results", {"results_delayed_date": "2025-02-20"}, "2026-11-22", "due soon", "2027-02-20"),
    ("results", {"results_delayed_date": "2025-02-20"}, "2027-02-21", "past", "2027-02-20"),
    # what was handed in under a certification was in time by its clock
    ("results", {"results_delayed_date": "2025-02-20", "results_first_submit_date": "2026-03-04"}, "2026-03-05", "met", "2027-02-20"),
    ("results", {"results_delayed_date": "2025-02-20", "has_results": True}, "2026-03-05", "met", "2027-02-20"),
    (
        "results",
        {"results_delayed_date": "2025-02-20", "results_unposted": (UnpostedEvent("RELEASE", "2026-02-01"),)},
        "2026-03-05",
        "submitted",
        "2027-02-20",
    ),
    (
        "results",
        {"results_delayed_date": "2025-02-20", "results_unposted": (UnpostedEvent("RESET", "2026-02-01"),)},
        "2026-03-05",
        "returned",
        "2027-02-20",
    ),
    # a certification of a month counts from the last of its days
    ("results", {"results_delayed_date": "2025-02"}, "2026-11-02", "delayed", "2027-02-28"),
    ("results", {"results_delayed_date": "2025-02"}, "2026-11-03", "due soon", "2027-02-28"),
    ("results", {"results_delayed_date": "2025-02"}, "2027-02-28", "due soon", "2027-02-28"),
    ("results", {"results_delayed_date": "2025-02"}, "2027-03-01", "past", "2027-02-28"),
    # one that came early makes no day earlier than it was
    ("results", {"results_delayed_date": "2023-03-01"}, "2024-11-30", "delayed", "2025-03-01"),
    ("results", {"results_delayed_date": "2023-02-28"}, "2025-03-01", "due soon", "2025-03-01"),
    ("results", {"results_delayed_date": "2023-02-28"}, "2025-03-02", "past", "2025-03-01"),
    ("results", {"results_delayed_date": "2023-03-02"}, "2025-03-02", "due soon", "2025-03-02"),
    (
        "results",
        {"results_delayed_date": "2023-01-01", "primary_completion_date": Dated("2026-12-31", "ESTIMATED")},
        "2026-02-02",
        "delayed",
        "2027-12-31",
    ),
    ("results", {"results_unposted": (UnpostedEvent("RELEASE", "2025-02-01"),)}, "2026-01-01", "submitted", "2025-03-01"),
    (
        "results",
        {"results_unposted": (UnpostedEvent("RESET", "2025-03-11"), UnpostedEvent("RELEASE", "2025-02-01"))},
        "2026-01-01",
        "returned",
        "2025-03-01",
    ),
    ("results", {"results_unposted": (UnpostedEvent("UNRELEASE", "2025-02-02"),)}, "2026-01-01", "overdue", "2025-03-01"),
    ("results", {"overall_status": "WITHDRAWN", "enrollment": Enrollment(0, "ACTUAL")}, "2026-01-01", None, None),
    ("results", {"primary_completion_date": None}, "2026-01-01", None, None),
    ("results", {"primary_completion_date": Dated("2017-01-17", "ACTUAL")}, "2026-01-01", "past", "2018-01-17"),
    ("results", {"primary_completion_date": Dated("2017-01-18", "ACTUAL")}, "2026-01-01", "overdue", "2018-01-18"),
    ("verify", {"status_verified_date": "2024-06"}, "2025-05-01", "due", "2025-06-30"),
    ("verify", {"status_verified_date": "2024-06"}, "2025-05-02", "due soon", "2025-06-30"),
    ("verify", {"status_verified_date": "2024-06"}, "2025-06-30", "due soon", "2025-06-30"),
    ("verify", {"status_verified_date": "2024-06"}, "2025-07-01", "overdue", "2025-06-30"),
    ("verify", {"status_verified_date": "2024-06-10"}, "2025-06-11", "overdue", "2025-06-10"),
    ("verify", {"status_verified_date": "2024-06", "has_results": True}, "2025-07-01", None, None),
    ("register", {"first_submit_date": "2020-03-01"}, "2026-01-01", "stated", "2020-01-27"),
    ("register", {"first_submit_date": "2020-03-01", "start_date": Dated("2020-01", "ESTIMATED")}, "2026-01-01", None, None),
    # the registry's own rule
    ("unknown", {"overall_status": "RECRUITING", "status_verified_date": "2024-02"}, "2025-11-27", "due", "2026-02-28"),
    ("unknown", {"overall_status": "RECRUITING", "status_verified_date": "2024-02"}, "2025-11-28", "due soon", "2026-02-28"),
    ("unknown", {"overall_status": "RECRUITING", "status_verified_date": "2024-02"}, "2026-02-28", "due soon", "2026-02-28"),
    ("unknown", {"overall_status": "RECRUITING", "status_verified_date": "2024-02"}, "2026-03-01", "past", "2026-02-28"),
    (
        "unknown",
        {"overall_status": "RECRUITING", "status_verified_date": "2024-02", "completion_date": Dated("2026-12", "ESTIMATED")},
        "2026-03-01",
        "due",
        "2026-12-31",
    ),
    (
        "unknown",
        {"overall_status": "RECRUITING", "status_verified_date": "2024-02", "completion_date": None},
        "2026-01-01",
        "due soon",
        "2026-02-28",
    ),
    ("unknown", {"overall_status": "UNKNOWN", "status_verified_date": "2024-02"}, "2026-03-01", "overdue", None),
    ("unknown", {"overall_status": "COMPLETED", "status_verified_date": "2024-02"}, "2026-03-01", None, None),
    ("unknown", {"overall_status": "SUSPENDED", "status_verified_date": "2024-02"}, "2026-03-01", None, None),
    # what a record says against itself
    ("recruiting-after-end", {"overall_status": "RECRUITING"}, "2024-03-01", None, None),
    ("recruiting-after-end", {"overall_status": "RECRUITING"}, "2024-03-02", "contradiction", None),
    ("recruiting-after-end", {"overall_status": "RECRUITING", "completion_date": Dated("2024-03")}, "2024-03-31", None, None),
    ("recruiting-after-end", {"overall_status": "RECRUITING", "completion_date": Dated("2024-03")}, "2024-04-01", "contradiction", None),
    ("recruiting-after-end", {"overall_status": "ACTIVE_NOT_RECRUITING"}, "2026-01-01", None, None),
    ("recruiting-after-end", {"overall_status": "NOT_YET_RECRUITING"}, "2026-01-01", None, None),
    ("not-yet-after-start", {"overall_status": "NOT_YET_RECRUITING"}, "2020-01-06", None, None),
    ("not-yet-after-start", {"overall_status": "NOT_YET_RECRUITING"}, "2020-01-07", "contradiction", None),
    ("actual-in-future", {"completion_date": Dated("2026-06", "ACTUAL")}, "2026-05-31", "contradiction", None),
    ("actual-in-future", {"completion_date": Dated("2026-06", "ACTUAL")}, "2026-06-01", None, None),
    ("actual-in-future", {"completion_date": Dated("2026-06", "ESTIMATED")}, "2026-01-01", None, None),
    ("ended-by-plan", {"completion_date": Dated("2024-03-01", "ESTIMATED")}, "2026-01-01", "contradiction", None),
    ("ended-by-plan", {"completion_date": Dated("2024-03-01", "ANTICIPATED")}, "2026-01-01", "contradiction", None),
    ("ended-by-plan", {}, "2026-01-01", None, None),
    ("no-reason", {"overall_status": "TERMINATED"}, "2026-01-01", "contradiction", None),
    ("no-reason", {"overall_status": "SUSPENDED", "why_stopped": "  "}, "2026-01-01", "contradiction", None),
    ("no-reason", {"overall_status": "TERMINATED", "why_stopped": "FDA"}, "2026-01-01", None, None),
    ("planned-enrolment", {"enrollment": Enrollment(40, "ESTIMATED")}, "2026-01-01", "contradiction", None),
    ("planned-enrolment", {}, "2026-01-01", None, None),
    ("enrolled-withdrawn", {"overall_status": "WITHDRAWN", "why_stopped": "money"}, "2026-01-01", "contradiction", None),
    ("enrolled-withdrawn", {"overall_status": "WITHDRAWN", "enrollment": Enrollment(0, "ACTUAL")}, "2026-01-01", None, None),
]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (("RELEASE 2026-01-10", "UNRELEASE 2026-02-20", "RELEASE 2026-02-20"), "submitted"),  # NCT03164044 has such a day
        (("RELEASE 2026-01-10", "RELEASE 2026-02-20", "RESET 2026-02-20"), "returned"),
        (("RELEASE 2026-01-10", "UNRELEASE"), "overdue"),
        (("RELEASE 2026-01-10", "UNRELEASE", "RELEASE 2026-01-11"), "submitted"),  # and NCT01795846
    ],
)
def test_of_results_that_come_and_go_what_came_last_counts(events: tuple[str, ...], expected: str) -> None:
    unposted = tuple(UnpostedEvent(*each.split()) for each in events)
    assert state("results", bound_in_the_us(results_unposted=unposted), "2026-03-01") == expected


@pytest.mark.parametrize(("rule", "differs", "today", "expected", "by"), CASES)
def test_each_rule_at_its_boundary_days(rule: str, differs: dict[str, Any], today: str, expected: str | None, by: str | None) -> None:
    row = the(rule, bound_in_the_us(**differs), today)
    assert (row.state if row else None) == expected
    assert (row.by if row else None) == by


OVER_BY_PLAN = bound_in_the_us(completion_date=Dated("2025-02", "ESTIMATED"))
CLOCKS = [
    # rule, record, event, what shows it in the record, last day
    ("start", bound_in_the_us(start_date=Dated("2025-02", "ESTIMATED")), Event("first-visit", "2025-02-03"), "start_date", "2025-03-05"),
    ("status", bound_in_the_us(overall_status="NOT_YET_RECRUITING"), Event("first-visit", "2025-02-03"), "overall_status", "2025-03-05"),
    ("status", bound_in_the_us(overall_status="RECRUITING"), Event("recruitment-ended", "2025-02-03"), "overall_status", "2025-03-05"),
    ("status", bound_in_the_us(overall_status="RECRUITING"), Event("halted", "2025-02-03"), "overall_status", "2025-03-05"),
    ("status", bound_in_the_us(overall_status="SUSPENDED"), Event("restarted", "2025-02-03"), "overall_status", "2025-03-05"),
    ("status", bound_in_the_us(overall_status="RECRUITING"), Event("ended", "2025-02-03"), "overall_status", "2025-03-05"),
    ("completion", OVER_BY_PLAN, Event("ended", "2025-02-03"), "completion_date", "2025-03-05"),
    (
        "amendment",
        bound_in_the_us(last_update_submit_date="2025-02-02"),
        Event("amendment-approved", "2025-02-03"),
        "last_update_submit_date",
        "2025-03-05",
    ),
    ("eu-first-visit", in_the_eu(), Event("first-visit", "2025-02-03"), None, "2025-02-18"),
    ("eu-first-visit", in_the_eu(), Event("first-visit", "2025-02-03", "Denmark"), None, "2025-02-18"),
    ("eu-recruitment-end", in_the_eu(), Event("recruitment-ended", "2025-02-03"), None, "2025-02-18"),
    ("eu-halt", in_the_eu(), Event("halted", "2025-02-03"), None, "2025-02-18"),
    ("eu-restart", in_the_eu(), Event("restarted", "2025-02-03"), None, "2025-02-18"),
    ("eu-end", in_the_eu(), Event("ended", "2025-02-03", "Denmark"), None, "2025-02-18"),
    ("eu-summary", in_the_eu(), Event("ended", "2025-02-03"), None, "2026-02-03"),
]


@pytest.mark.parametrize(("rule", "record", "event", "shown", "by"), CLOCKS)
def test_a_clock_that_starts_at_an_event_runs_from_it(rule: str, record: Record, event: Event, shown: str | None, by: str) -> None:
    last = day(by)
    row = the(rule, record, by, events=[event])
    assert row is not None
    assert (row.state, row.by, row.since, row.event) == ("due soon", by, event.date, event)
    assert [name for name, _ in row.shown] == ([shown] if shown else [])
    assert state(rule, record, (last + datetime.timedelta(1)).isoformat(), events=[event]) == "overdue"
    assert state(rule, record, by) is None  # no event: no clock


@pytest.mark.parametrize(
    ("rule", "differs", "event"),
    [
        ("start", {"start_date": Dated("2025-02-03", "ACTUAL")}, "first-visit"),
        ("start", {"start_date": Dated("2025-01-20", "ACTUAL")}, "first-visit"),  # who is enrolled has the first visit later
        ("start", {"start_date": Dated("2025-02", "ACTUAL")}, "first-visit"),
        ("status", {"overall_status": "RECRUITING"}, "first-visit"),
        ("status", {"overall_status": "ACTIVE_NOT_RECRUITING"}, "recruitment-ended"),
        ("status", {"overall_status": "SUSPENDED"}, "halted"),
        ("status", {"overall_status": "RECRUITING"}, "restarted"),
        ("status", {"overall_status": "TERMINATED"}, "ended"),
        ("completion", {"completion_date": Dated("2025-02-03", "ACTUAL")}, "ended"),
        ("amendment", {"last_update_submit_date": "2025-02-03"}, "amendment-approved"),
    ],
)
def test_what_the_record_says_by_now_is_met(rule: str, differs: dict[str, Any], event: Any) -> None:
    assert state(rule, bound_in_the_us(**differs), "2025-06-01", events=[Event(event, "2025-02-03")]) == "met"


@pytest.mark.parametrize(
    "start", [Dated("2025-02-04", "ACTUAL"), Dated("2025-03", "ACTUAL"), Dated("2099-01", "ACTUAL"), Dated(None, "ACTUAL")]
)
def test_a_start_that_the_first_visit_contradicts_is_not_met(start: Dated) -> None:
    record = bound_in_the_us(start_date=start)
    assert state("start", record, "2025-03-05", events=[Event("first-visit", "2025-02-03")]) == "due soon"
    assert state("start", record, "2025-03-06", events=[Event("first-visit", "2025-02-03")]) == "overdue"


@pytest.mark.parametrize(("certified", "since", "planned"), [("2023-01-01", "2026-12", True), ("2026-03-04", "2026-03-04", False)])
def test_the_later_clock_says_what_it_started_at(certified: str, since: str, planned: bool) -> None:
    record = bound_in_the_us(primary_completion_date=Dated("2026-12", "ESTIMATED"), results_delayed_date=certified)
    row = the("results", record, "2026-05-01")
    assert row is not None
    assert (row.state, row.since, row.planned) == ("delayed", since, planned)


def test_an_earlier_trial_owes_its_status_alone() -> None:
    early = bound_in_the_us(
        start_date=Dated("2016-05-02", "ACTUAL"), overall_status="RECRUITING", completion_date=Dated("2026-01", "ESTIMATED")
    )
    events = [Event("ended", "2025-02-03"), Event("amendment-approved", "2025-02-03")]
    thirty = {row.rule for row in owed(early, DRUG, events, today=day("2025-02-10"))} & {"status", "start", "completion", "amendment"}
    assert thirty == {"status"}


def test_a_later_event_takes_the_place_of_an_earlier_one_in_the_status() -> None:
    events = [Event("halted", "2025-02-03"), Event("restarted", "2025-06-02")]
    record = bound_in_the_us(overall_status="SUSPENDED")

    def status_rows(record: Record) -> dict[str, str]:
        rows = owed(record, DRUG, events, today=day("2025-08-01"))
        return {row.event.kind: row.state for row in rows if row.rule == "status" and row.event}

    assert status_rows(record) == {"halted": "met", "restarted": "overdue"}
    assert status_rows(bound_in_the_us(overall_status="NOT_YET_RECRUITING")) == {"restarted": "overdue"}  # never met, and no longer owed


def test_a_halt_that_was_ended_in_its_country_no_longer_runs_towards_the_end_of_the_trial() -> None:
    halts = [Event("halted", "2025-02-03", "Denmark"), Event("halted", "2025-02-03", "Sweden"), Event("restarted", "2025-06-02", "Denmark")]
    rows = [row for row in owed(in_the_eu(), NOTHING, halts, today=day("2026-12-01")) if row.rule == "eu-halt-ends"]
    assert [row.event and row.event.country for row in rows] == ["Sweden"]


def test_recruiting_again_after_its_end_is_another_article_than_after_a_halt() -> None:
    ended = [Event("recruitment-ended", "2025-02-03"), Event("restarted", "2025-06-02")]
    halted = [Event("halted", "2025-02-03"), Event("restarted", "2025-06-02")]
    assert the("eu-recruitment-again", in_the_eu(), "2025-06-03", events=ended) is not None
    assert the("eu-restart", in_the_eu(), "2025-06-03", events=halted) is not None


def test_what_cannot_be_told_is_never_called_overdue() -> None:
    record = bound_in_the_us(status_verified_date="2020-01")
    rows = [row for row in owed(record, NOTHING, today=day("2026-01-01")) if row.law == "us"]
    assert {row.rule for row in rows} == {"results", "verify"}
    assert {(row.bound, row.state) for row in rows} == {("cannot tell", "past")}


PRECISE = st.dates(datetime.date(1990, 1, 1), datetime.date(2090, 12, 31)).map(str)
OF_ANY_PRECISION = st.one_of(PRECISE, PRECISE.map(lambda text: text[:7]), PRECISE.map(lambda text: text[:4]))
DATED = st.none() | st.builds(Dated, OF_ANY_PRECISION | st.none() | st.just("9999-12"), st.sampled_from(["ACTUAL", "ESTIMATED", None]))
STATUSES = st.sampled_from([
    "RECRUITING", "NOT_YET_RECRUITING", "ACTIVE_NOT_RECRUITING", "COMPLETED", "TERMINATED", "SUSPENDED", "WITHDRAWN", "UNKNOWN", "NEW",
    None,
])  # fmt: skip
RECORDS = st.builds(
    bound_in_the_us,
    locations=st.sampled_from([US, US + DENMARK, US + DENMARK + (Location(country="Sweden"),)]),
    overall_status=STATUSES,
    start_date=DATED,
    primary_completion_date=DATED,
    completion_date=DATED,
    status_verified_date=OF_ANY_PRECISION | st.none(),
    results_delayed_date=OF_ANY_PRECISION | st.none(),
    results_first_submit_date=OF_ANY_PRECISION | st.none(),
    secondary_ids=st.sampled_from([None, ("2024-516715-25-00",)]),
    enrollment=st.none() | st.builds(Enrollment, st.integers(0, 500) | st.none(), st.sampled_from(["ACTUAL", "ESTIMATED", None])),
)
EVENTS = st.lists(st.builds(Event, st.sampled_from(EVENT_KINDS), PRECISE, st.sampled_from([None, "Denmark", "Sweden"])), max_size=5)
TODAY = st.dates(datetime.date(1995, 1, 1), datetime.date(2095, 1, 1))


@given(RECORDS, EVENTS, TODAY)
def test_every_row_has_a_source_and_is_overdue_only_when_its_day_has_passed(
    record: Record, events: list[Event], today: datetime.date
) -> None:
    rows = owed(record, DRUG, events, today=today)
    for row in rows:
        assert row.source == BY_RULE[row.rule].source
        assert row.bound in ("applies", "cannot tell")
        left = row.days_left(today)
        if row.state in ("due", "due soon") and row.rule != "unknown":
            assert left is not None
            assert left >= 0
        if row.state in ("overdue", "past") and row.rule != "unknown":
            assert left is not None
            assert left < 0
        assert row.earliest is None or (row.by is not None and row.earliest < row.by)
        assert not (row.planned and row.state == "overdue")
    assert [URGENCY.index(row.state) for row in rows] == sorted(URGENCY.index(row.state) for row in rows)


@given(RECORDS, EVENTS, TODAY)
def test_a_day_moves_no_deadline_and_takes_nothing_back(record: Record, events: list[Event], today: datetime.date) -> None:
    """What is due stays due on its day until it is met: the calendar alone makes nothing met, and moves no day."""
    before = {row.key: row for row in owed(record, DRUG, events, today=today)}
    after = {row.key: row for row in owed(record, DRUG, events, today=today + datetime.timedelta(1))}
    for key, row in before.items():
        if row.state in ("contradiction",):
            continue
        assert after[key].by == row.by
        if row.state == "overdue":
            assert after[key].state == "overdue"
        if row.state in OPEN:
            assert after[key].state in OPEN


@given(OF_ANY_PRECISION)
def test_a_date_means_the_days_from_its_first_to_its_last(text: str) -> None:
    first, last = first_day(text), last_day(text)
    assert first is not None
    assert last is not None
    assert first <= last
    assert first.isoformat().startswith(text)
    assert last.isoformat().startswith(text)
    assert not (last + datetime.timedelta(1)).isoformat().startswith(text)
    assert not (first - datetime.timedelta(1)).isoformat().startswith(text)


@given(st.dates(datetime.date(1990, 1, 1), datetime.date(2090, 1, 1)), st.integers(0, 400))
def test_months_after_a_day_is_the_same_day_or_the_last_of_its_month(start: datetime.date, months: int) -> None:
    found = months_after(start, months)
    assert (found.year - start.year) * 12 + found.month - start.month == months
    assert found.day == start.day or (found.day < start.day and (found + datetime.timedelta(1)).day == 1)


def test_dates_beyond_the_calendar_stay_in_it() -> None:
    assert months_after(day("9999-12-31"), 12) == datetime.date.max


def test_the_rules_are_told_apart_by_their_names() -> None:
    assert len(BY_RULE) == len(RULES)
    reached = {case[0] for case in CASES} | {case[0] for case in CLOCKS} | {"eu-recruitment-again", "eu-halt-ends"}
    assert reached == set(BY_RULE)  # each rule has its cases
