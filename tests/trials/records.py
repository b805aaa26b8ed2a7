"""Small records for tests, and strategies that make them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from registry_sync.trials.record import (
    Arm,
    Contact,
    Criterion,
    Dated,
    Enrollment,
    Intervention,
    Location,
    Outcome,
    Record,
)

TRIAL = "NCT06805448"


def record(**fields: Any) -> Record:
    return Record(trial=TRIAL, **fields)


def criterion(group: Any, text: str, depth: int = 0, section: str | None = None, kind: Any = "item") -> Criterion:
    return Criterion(group, section, depth, kind, text)


def site(city: str = "Copenhagen", status: str | None = "RECRUITING", facility: str = "University Hospital", **more: Any) -> Location:
    return Location(facility=facility, city=city, country=more.pop("country", "Denmark"), status=status, **more)


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40)
stated = st.none() | texts
dated = st.builds(Dated, st.sampled_from(["2026", "2026-01", "2026-01-15", "2027-12-31"]), st.sampled_from([None, "ACTUAL", "ESTIMATED"]))
contacts = st.builds(Contact, stated, stated, stated, stated)
locations = st.builds(
    Location, stated, stated, stated, stated, stated, st.sampled_from([None, "RECRUITING", "COMPLETED"]), st.tuples() | st.tuples(contacts)
)
criteria = st.builds(
    Criterion, st.sampled_from([None, "inclusion", "exclusion"]), stated, st.integers(0, 3), st.sampled_from(["item", "note"]), texts
)


def lists(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | st.lists(of, max_size=5).map(tuple)


records = st.builds(
    Record,
    trial=st.just(TRIAL),
    overall_status=st.sampled_from([None, "RECRUITING", "ACTIVE_NOT_RECRUITING", "UNKNOWN", "COMPLETED"]),
    why_stopped=stated,
    start_date=st.none() | dated,
    completion_date=st.none() | dated,
    criteria=lists(criteria),
    minimum_age=stated,
    healthy_volunteers=st.none() | st.booleans(),
    locations=lists(locations),
    central_contacts=lists(contacts),
    enrollment=st.none() | st.builds(Enrollment, st.none() | st.integers(0, 10**6), st.sampled_from([None, "ACTUAL", "ESTIMATED"])),
    phases=lists(st.sampled_from(["PHASE1", "PHASE2"])),
    arms=lists(st.builds(Arm, stated, stated, stated)),
    interventions=lists(st.builds(Intervention, stated, stated, stated)),
    primary_outcomes=lists(st.builds(Outcome, stated, stated, stated)),
    keywords=lists(texts),
    brief_title=stated,
    brief_summary=stated,
)
