"""What always holds of an audit, whatever the registry said and the page shows."""

from __future__ import annotations

import datetime
import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from registry_sync.trials.audit import Past, audit, days_behind, overall
from registry_sync.trials.listing import Listing
from registry_sync.trials.record import Criterion, Dated, Enrollment, Location, Record
from tests.trials import records as arbitrary
from tests.trials.records import TRIAL, criterion, record

_PLACES = [
    Location(facility=f, city=c, country="Denmark") for f in ("North Hospital", "South Clinic") for c in ("Odense", "Viborg", "Ribe")
]
_LINES = [
    criterion(group, text)
    for group in ("inclusion", "exclusion")
    for text in ("Age of 18 years or more", "Smoking within 6 months", "Smoking within 12 months", "Opioids", "Able to consent in writing")
]


def _some(of: list[Any]) -> st.SearchStrategy[Any]:
    return st.none() | st.lists(st.sampled_from(of), min_size=1, max_size=5, unique=True).map(tuple)


_days = st.none() | st.builds(Dated, st.sampled_from(["2026-01-15", "2026-02-28", "2027-12-31"]), st.sampled_from(["ACTUAL", "ESTIMATED"]))
_records = st.builds(
    Record,
    trial=st.just(TRIAL),
    overall_status=st.sampled_from(["NOT_YET_RECRUITING", "RECRUITING", "ACTIVE_NOT_RECRUITING", "COMPLETED", "UNKNOWN"]),
    start_date=_days,
    completion_date=_days,
    criteria=_some(_LINES),
    sex=st.sampled_from([None, "ALL", "FEMALE"]),
    minimum_age=st.sampled_from([None, "18 Years", "2 Months"]),
    maximum_age=st.sampled_from([None, "75 Years"]),
    healthy_volunteers=st.sampled_from([None, True, False]),
    locations=_some(_PLACES),
    enrollment=st.none() | st.builds(Enrollment, st.sampled_from([40, 37]), st.sampled_from(["ACTUAL", "ESTIMATED"])),
    phases=st.sampled_from([None, ("PHASE1",), ("PHASE1", "PHASE2")]),
    brief_title=st.sampled_from(["Stem Cells in Patients With Xerostomia", "Stem Cells Against Dry Mouth"]),
    lead_sponsor=st.sampled_from(["Region H", "Rigshospitalet, Denmark"]),
    conditions=_some(["Xerostomia", "Sjögren's Disease", "Dry Eye"]),
    keywords=_some(["Stem Cell", "Saliva", "Gland"]),
)
_histories = st.lists(_records, min_size=1, max_size=6)


def _told_apart(field: str, value: Any) -> Any:
    """What a page can show of a value: a date without its type, sites by their places, the groups that it states."""
    if isinstance(value, Dated):
        return value.date
    if isinstance(value, Enrollment):
        return value.count
    return frozenset(value) if isinstance(value, tuple) else value


def _dated(history: list[Record]) -> tuple[Past, ...]:
    return tuple(Past(f"2025-{n + 1:02}-05", f"2025-{n + 1:02}-06T06:17:04Z", version) for n, version in enumerate(history))


@given(_histories, st.data())
def test_a_page_made_from_a_version_agrees_where_that_is_so_still_and_is_outdated_elsewhere(
    history: list[Record], data: st.DataObject
) -> None:
    made_from = data.draw(st.integers(0, len(history) - 1))
    for row in audit(Listing(history[made_from]), _dated(history)):
        values = [_told_apart(row.field, getattr(version, row.field)) for version in history]
        if values[made_from] is None:
            assert row.verdict == "unstated"
        elif values[made_from] == values[-1]:
            assert row.verdict == "agrees"
        elif row.verdict == "agrees":
            # a page that states one group of the criteria is compared in that one alone
            assert row.field == "criteria"
        else:
            last = max(n for n, value in enumerate(values) if value == values[made_from])
            assert row.verdict == "outdated"
            if row.field != "criteria":
                assert row.since == f"2025-{last + 2:02}-05"


@given(_histories)
def test_a_page_made_from_the_newest_version_is_right(history: list[Record]) -> None:
    rows = audit(Listing(history[-1]), _dated(history))
    assert {row.verdict for row in rows} <= {"agrees", "unstated"}
    assert overall(rows) == "agrees"


def _redressed(value: Any, chance: random.Random) -> Any:
    """The same in another order, another case and with other blanks."""
    if isinstance(value, str):
        return chance.choice([str.upper, str.lower, str.title])(value).replace(" ", chance.choice([" ", "  ", "\u00a0", "\n"]))
    if isinstance(value, Criterion):
        return replace(value, text=_redressed(value.text, chance))
    if isinstance(value, Location):
        return Location(*(_redressed(part, chance) if part else part for part in (value.facility, value.city, None, None, value.country)))
    if isinstance(value, tuple):
        return tuple(chance.sample([_redressed(each, chance) for each in value], len(value)))
    return value


@given(_histories, _records, st.randoms(use_true_random=False))
def test_order_case_and_blanks_change_no_verdict(history: list[Record], shown: Record, chance: random.Random) -> None:
    texts = ("criteria", "locations", "brief_title", "lead_sponsor", "conditions", "keywords")
    dressed = replace(shown, **{field: _redressed(getattr(shown, field), chance) for field in texts})
    dressed = replace(dressed, phases=tuple(reversed(shown.phases)) if shown.phases else None)
    before, after = (audit(Listing(each), _dated(history)) for each in (shown, dressed))
    assert [(row.field, row.verdict, row.since) for row in before] == [(row.field, row.verdict, row.since) for row in after]


@given(_histories, _records)
def test_every_verdict_is_one_of_five_and_only_outdated_ones_have_a_day(history: list[Record], shown: Record) -> None:
    for row in audit(Listing(shown), _dated(history)):
        assert row.verdict in ("agrees", "outdated", "contradicts", "unstated", "incomparable")
        assert (row.since is not None) <= (row.verdict == "outdated")
        assert days_behind(row, datetime.date(2020, 1, 1)) in (None, 0)


@given(st.lists(arbitrary.records, min_size=1, max_size=4), arbitrary.records)
def test_whatever_comes_is_judged_and_the_newest_version_is_never_wrong(history: list[Record], shown: Record) -> None:
    audit(Listing(shown), _dated(history))
    assert {row.verdict for row in audit(Listing(history[-1]), _dated(history))} <= {"agrees", "unstated"}


def _inclusion(*texts: str) -> tuple[Criterion, ...]:
    return tuple(criterion("inclusion", text) for text in texts)


def test_hundreds_of_versions_are_compared_without_going_on_for_ever() -> None:
    """A site's own wording of every criterion, looked for in all of them."""
    lines = [f"Criterion number {n} about the measure {n * 7} of something within {n} days" for n in range(40)]
    sites = tuple(Location(facility=f"Hospital {n}", city=f"Town {n}", country="Denmark") for n in range(200))
    history = [
        record(criteria=_inclusion(*lines[: 20 + n % 20], f"Written in version {n}"), locations=sites[: 100 + n % 100]) for n in range(300)
    ]
    shown = Listing(
        record(
            criteria=_inclusion(*(line.replace("measure", "level") for line in lines)),
            locations=tuple(replace(site, facility="Private Practice") for site in sites),
        )
    )
    versions = tuple(Past("2025-01-01", "2025-01-01T00:00:00Z", version) for version in history)
    verdicts = {row.field: row.verdict for row in audit(shown, versions)}
    assert verdicts["criteria"] == "contradicts"
