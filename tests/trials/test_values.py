"""Ids, dates, texts, decisions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_sync.errors import UsageError
from registry_sync.trials import dates
from registry_sync.trials.critical import critical_words
from registry_sync.trials.decide import Baseline, Changed, Incomplete, Unchanged, content_hash, decide
from registry_sync.trials.record import Dated, Record, from_json, to_json, trial_id
from registry_sync.trials.text import key
from tests.trials.records import criterion, record, records, site


@pytest.mark.parametrize("text", ["NCT06805448", " nct06805448 ", "Nct06805448\n"])
def test_an_id_is_taken_in_any_case_with_blanks_around(text: str) -> None:
    assert trial_id(text) == "NCT06805448"


@pytest.mark.parametrize(
    "text", ["", "NCT", "NCT0680544", "NCT068054480", "06805448", "NCT0680544x", "NCT00000000", "NCT٠٦٨٠٥٤٤٨", "NCT 06805448"]
)
def test_a_malformed_id_is_refused_with_what_an_id_is(text: str) -> None:
    with pytest.raises(UsageError, match="NCT and eight digits"):
        trial_id(text)


@given(records)
def test_a_record_survives_being_written_and_read(one: Record) -> None:
    assert from_json(to_json(one)) == one


def test_what_is_not_stated_is_left_out_and_what_is_empty_is_not() -> None:
    assert to_json(record(locations=())) == b'{"trial":"NCT06805448","locations":[]}'


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("2025-12-31", "2026-06-30", dates.Slip(days=181)),
        ("2025-12-31", "2026-06", dates.Slip(months=6)),
        ("2026-06", "2025-12", dates.Slip(months=-6)),
        ("2026", "2027-01", dates.Slip(months=12)),
        (None, "2026", None),
        ("soon", "2026", None),
    ],
)
def test_slips(before: str | None, after: str, expected: dates.Slip | None) -> None:
    assert dates.slip(before, after) == expected


@pytest.mark.parametrize("text", ["2026-13", "2026-02-30", "26-01", "2026-1-5", "", "2026-01-15T00:00"])
def test_what_is_no_registry_date(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        dates.parse(text)


@given(st.text())
def test_a_key_is_its_own_key(text: str) -> None:
    assert key(key(text)) == key(text)


def test_a_superscript_is_not_its_digit() -> None:
    assert key("10² cells") != key("102 cells")


def test_critical_words() -> None:
    assert critical_words("At least 18 years, without mild asthma (FEV1 ≥ 80 %)") == ("least", "18", "year", "without", "≥", "80", "%")


def test_first_sight_is_a_baseline() -> None:
    assert decide(None, record(), complete=True) == Baseline(record())


def test_nothing_that_a_reader_would_call_a_change_is_unchanged() -> None:
    assert isinstance(
        decide(record(locations=(site(), site("Aarhus"))), record(locations=(site("Aarhus"), site())), complete=True), Unchanged
    )


def test_the_registry_leaves_out_what_is_gone_and_a_page_what_it_does_not_say() -> None:
    before, after = record(completion_date=Dated("2026", "ESTIMATED"), sex="ALL"), record(sex="FEMALE")
    registry, page = decide(before, after, complete=True), decide(before, after, complete=False)
    assert isinstance(registry, Changed)
    assert isinstance(page, Changed)
    assert [change.field for change in registry.changes] == ["completion_date", "sex"]
    assert [change.field for change in page.changes] == ["sex"]
    assert page.carried == ("completion_date",)
    assert page.record.completion_date == before.completion_date


def test_a_page_that_shows_one_side_of_the_criteria_only_has_not_removed_the_other() -> None:
    both = (criterion("inclusion", "Adults"), criterion("exclusion", "Asthma"), criterion("exclusion", "Pregnancy"))
    one_side = record(criteria=(criterion("inclusion", "Adults over 21"),))
    page = decide(record(criteria=both), one_side, complete=False)
    assert isinstance(page, Changed)
    assert [(change.operation, change.before) for change in page.changes] == [("changed", "Adults")]
    assert page.record.criteria == (*one_side.criteria, *both[1:])  # type: ignore[misc]
    assert isinstance(decide(record(criteria=both), record(criteria=both[:1]), complete=False), Unchanged)


def test_a_record_that_lost_a_whole_part_is_not_believed() -> None:
    whole = record(brief_title="T", official_title="T", sex="ALL", minimum_age="18 Years", overall_status="RECRUITING")
    decision = decide(whole, record(brief_title="T", official_title="T", overall_status="COMPLETED"), complete=True)
    assert isinstance(decision, Incomplete)
    assert "without its eligibility" in decision.reason
    assert isinstance(decide(whole, record(brief_title="T", overall_status="RECRUITING", sex="ALL"), complete=True), Changed)


def test_the_hash_is_of_what_a_reader_can_see() -> None:
    assert content_hash(record(sex="ALL")) == content_hash(from_json(to_json(record(sex="ALL"))))
    assert content_hash(record(sex="ALL")) != content_hash(record(sex="MALE"))
