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


def moved(*held: str | tuple[str | None, str] | None) -> tuple[int, int, dates.Slip | None, bool]:
    """Moves later and earlier, how far in all, and whether the newest was put back; a bare date stood for a month."""
    versions = [dates.Held(*each) if isinstance(each, tuple) else dates.Held(each, f"2024-{n:02}-01") for n, each in enumerate(held, 1)]
    slips = dates.slips(versions)
    assert slips is not None
    return slips.later, slips.earlier, slips.net, slips.put_back


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (("2025-12",), (0, 0, None, False)),
        (("2025-04", "2025-10", "2025-12", "2026-06"), (3, 0, dates.Slip(months=14), False)),
        (("2025-12-31", "2026-06"), (1, 0, dates.Slip(months=6), False)),
        (("2026-06-01", "2026-06-11", "2026-06-05"), (1, 1, dates.Slip(days=4), False)),
        # the same date, unchanged, or as a fact, which the dates alone do not show
        (("2025-12-31", "2025-12-31"), (0, 0, None, False)),
        # more or less precise is no move, and the next move is measured from the newest
        (("2027-01", "2027-01-15", "2027-01", "2027"), (0, 0, None, False)),
        (("2027-01", "2027-01-15", "2027-01-20"), (1, 0, dates.Slip(days=5), False)),
        (("2027-01-10", "2027-01-15", "2027-01"), (1, 0, None, False)),
        # a version that states no date, or none that can be read, is passed over
        ((None, "2026-01", None, "soon", "2026-03"), (1, 0, dates.Slip(months=2), False)),
        # there and back: both count when it stood for long
        (("2026-01", "2026-07", "2026-01"), (1, 1, None, False)),
        # put back within a week: a slip of the pen, which counts neither way
        ((("2026-01", "2025-01-01"), ("2016-01", "2025-03-03"), ("2026-01", "2025-03-04")), (0, 0, None, True)),
        (
            (("2026-01", "2025-01-01"), ("2016-01", "2025-03-03"), ("2026-01-31", "2025-03-10"), ("2026-03", "2025-06-01")),
            (1, 0, dates.Slip(months=2), False),
        ),
        ((("2026-01", "2025-01-01"), ("2016-01", "2025-03-03"), ("2026-01", "2025-03-11")), (1, 1, None, False)),
        # mended to a third date: counted as it stood
        ((("2026-01", "2025-01-01"), ("2016-01", "2025-03-03"), ("2026-03", "2025-03-04")), (1, 1, dates.Slip(months=2), False)),
    ],
)
def test_how_often_and_how_far_a_date_has_moved(held: tuple, expected: tuple) -> None:
    assert moved(*held) == expected


def test_moves_are_told_since_the_first_version_that_states_the_date() -> None:
    slips = dates.slips([dates.Held(None, "2024-01-01"), dates.Held("2026-01", "2024-02-01"), dates.Held("2026-02", "2024-03-01")])
    assert slips == dates.Slips(first="2026-01", last="2026-02", later=1, since="2024-02-01")
    assert dates.slips([dates.Held(None), dates.Held("soon")]) is None


@given(st.lists(st.sampled_from(["2026", "2026-01", "2026-01-15", "2026-02", "2026-02-15", None]) | st.text(max_size=7)))
def test_moves_of_any_texts(held: list[str | None]) -> None:
    slips = dates.slips(dates.Held(text, f"2024-01-{n % 28 + 1:02}") for n, text in enumerate(held))
    if slips is not None:
        assert slips.times < len(held)
        assert slips.times > 0 or slips.net is None


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
    words = ("\u2265", "18", "year", "without", "fev1", "\u2265", "80", "%")
    assert critical_words("At least 18 years, without mild asthma (FEV1 \u2265 80 %)") == words
    assert critical_words("A score of -2.5, or 2 - 5 points") == ("minus", "2.5", "2", "5")


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
    written = to_json(record(sex="ALL"))
    assert content_hash(written) == content_hash(to_json(from_json(written)))
    assert content_hash(written) != content_hash(to_json(record(sex="MALE")))
