"""What differs between two versions is told, item by item, and nothing else is."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_sync.trials.changes import carried_over, compare, unstated
from registry_sync.trials.record import (
    BY_NAME,
    FIELDS,
    Arm,
    Contact,
    Dated,
    Enrollment,
    Outcome,
    Record,
    from_json,
    plain,
    to_json,
)
from registry_sync.trials.significance import judged
from tests.trials.records import criterion, record, records, site


def told(before: Record, after: Record) -> list[tuple[str, str, Any, Any]]:
    return [(change.field, change.operation, change.before, change.after) for change in compare(before, after)]


# --- properties ---


@given(records)
def test_a_record_does_not_differ_from_itself(one: Record) -> None:
    assert compare(one, msgspec.structs.replace(one)) == ()
    assert compare(one, from_json(to_json(one))) == ()


@given(records, records)
def test_no_difference_one_way_is_none_the_other_way(one: Record, two: Record) -> None:
    assert (compare(one, two) == ()) == (compare(two, one) == ())


@given(records, records)
def test_every_change_is_plain_json_and_never_empty(one: Record, two: Record) -> None:
    for change in compare(one, two):
        assert json.loads(json.dumps([change.before, change.after])) == [change.before, change.after]
        assert change.before != change.after or change.operation == "moved"
        if change.operation == "added":
            assert change.before is None
        if change.operation == "removed":
            assert change.after is None
        if not BY_NAME[change.field].is_list:
            assert change.operation == "changed"


@given(records, st.randoms(use_true_random=False))
def test_order_is_compared_in_no_list(one: Record, random: Any) -> None:
    shuffled = {}
    for field in FIELDS:
        value = getattr(one, field.name)
        if isinstance(value, tuple):
            shuffled[field.name] = tuple(random.sample(value, len(value)))
    assert compare(one, msgspec.structs.replace(one, **shuffled)) == ()


@given(records, records)
def test_another_indentation_is_no_change(one: Record, two: Record) -> None:
    """The same lines in the same order, each at another depth."""
    depths = [criterion.depth for criterion in (two.criteria or ())]
    lines = one.criteria or ()
    other = tuple(msgspec.structs.replace(line, depth=depth) for line, depth in zip(lines, depths + [0] * len(lines), strict=False))
    assert compare(one, msgspec.structs.replace(one, criteria=None if one.criteria is None else other)) == ()


@given(records)
def test_unicode_forms_and_white_space_are_no_change(one: Record) -> None:
    def other(value: Any) -> Any:
        if isinstance(value, str):
            return " " + unicodedata.normalize("NFD", value).replace(" ", "\u00a0") + "\n"
        if isinstance(value, tuple):
            return tuple(other(inner) for inner in value)
        if isinstance(value, msgspec.Struct) and not isinstance(value, Dated):
            same = ("group", "kind", "status", "type")
            return type(value)(*(getattr(value, n) if n in same else other(getattr(value, n)) for n in value.__struct_fields__))
        return value

    compared_as_text = [f.name for f in FIELDS if f.kind in ("text", "prose", "strings", "items")]
    blurred = msgspec.structs.replace(one, **{name: other(getattr(one, name)) for name in compared_as_text})
    assert compare(one, blurred) == ()


@given(records, records)
def test_what_a_page_does_not_state_stays_as_it_was(one: Record, two: Record) -> None:
    after = carried_over(one, two)
    silent = set(unstated(two))
    assert not silent & {change.field for change in compare(one, after)}


# --- single values ---


@pytest.mark.parametrize("field", [f for f in FIELDS if not f.is_list], ids=lambda f: f.name)
def test_every_single_value_is_told_when_it_appears_changes_and_vanishes(field: Any) -> None:
    one, two = {
        "flag": (True, False),
        "dated": (Dated("2026-01", "ESTIMATED"), Dated("2026-02", "ESTIMATED")),
        "date": ("2026-01-01", "2026-02-01"),
        "tokens": (("PHASE1",), ("PHASE1", "PHASE2")),
    }.get(field.kind, ("ONE", "TWO"))
    if field.kind == "value":
        kind = BY_NAME[field.name]
        assert kind.name in ("enrollment", "responsible_party", "expanded_access")
        return
    if field.name == "has_results":
        assert compare(record(), record(has_results=False)) == ()  # results are posted or they are not
        return
    absent, first, second = record(), record(**{field.name: one}), record(**{field.name: two})
    assert told(absent, first) == [(field.name, "changed", None, plain(one))]
    assert told(first, second) == [(field.name, "changed", plain(one), plain(two))]
    assert told(second, absent) == [(field.name, "changed", plain(two), None)]


def test_a_month_is_not_its_first_day() -> None:
    one, two = record(completion_date=Dated("2027-01", "ESTIMATED")), record(completion_date=Dated("2027-01-01", "ESTIMATED"))
    assert len(compare(one, two)) == 1


def test_a_planned_date_that_becomes_actual_is_a_change() -> None:
    one, two = record(start_date=Dated("2025-01-21", "ESTIMATED")), record(start_date=Dated("2025-01-21", "ACTUAL"))
    assert told(one, two) == [
        ("start_date", "changed", {"date": "2025-01-21", "type": "ESTIMATED"}, {"date": "2025-01-21", "type": "ACTUAL"})
    ]


def test_enrolment_is_told_whole() -> None:
    one, two = record(enrollment=Enrollment(40, "ESTIMATED")), record(enrollment=Enrollment(37, "ACTUAL"))
    assert told(one, two) == [("enrollment", "changed", {"count": 40, "type": "ESTIMATED"}, {"count": 37, "type": "ACTUAL"})]


def test_results_and_their_first_posting_are_one_event() -> None:
    one, two = record(has_results=False), record(has_results=True, results_first_post_date=Dated("2026-03-01", "ACTUAL"))
    assert told(one, two) == [("has_results", "changed", False, True)]
    later = record(has_results=True, results_first_post_date=Dated("2026-03-02", "ACTUAL"))
    assert [name for name, *_ in told(two, later)] == ["results_first_post_date"]


# --- criteria ---


def with_criteria(*items: tuple[Any, str]) -> Record:
    return record(criteria=tuple(criterion(group, text) for group, text in items))


def test_a_reworded_criterion_is_one_change_with_its_group() -> None:
    one = with_criteria(("exclusion", "Smoking within the last 6 months"), ("exclusion", "Pregnancy"))
    two = with_criteria(("exclusion", "Smoking within the last 12 months"), ("exclusion", "Pregnancy"))
    (change,) = compare(one, two)
    assert (change.operation, change.group) == ("changed", "exclusion")
    assert (change.before, change.after) == ("Smoking within the last 6 months", "Smoking within the last 12 months")


def test_added_removed_and_moved_criteria() -> None:
    one = with_criteria(("inclusion", "Adults"), ("inclusion", "Able to swallow tablets"), ("exclusion", "Asthma"))
    two = with_criteria(("inclusion", "Adults"), ("exclusion", "Able to swallow tablets"), ("exclusion", "Known heart failure"))
    assert {(c.operation, c.before, c.after, c.group) for c in compare(one, two)} == {
        ("moved", "Able to swallow tablets", "Able to swallow tablets", "exclusion"),
        ("added", None, "Known heart failure", "exclusion"),
        ("removed", "Asthma", None, "exclusion"),
    }


def test_one_item_split_in_two_is_one_change_with_all_the_text() -> None:
    one = with_criteria(("exclusion", "Pregnant women or women who are breastfeeding a child"), ("exclusion", "Asthma"))
    two = with_criteria(("exclusion", "Pregnant women"), ("exclusion", "women who are breastfeeding a child"), ("exclusion", "Asthma"))
    assert told(one, two) == [
        (
            "criteria",
            "changed",
            "Pregnant women or women who are breastfeeding a child",
            "Pregnant women\nwomen who are breastfeeding a child",
        )
    ]
    assert len(compare(two, one)) == 1


def test_a_full_stop_at_the_end_belongs_to_the_list() -> None:
    assert compare(with_criteria(("exclusion", "Asthma;")), with_criteria(("exclusion", "Asthma."))) == ()


def test_a_sign_written_with_two_characters_is_the_same_sign() -> None:
    assert compare(with_criteria(("inclusion", "Age >= 18 and <=65")), with_criteria(("inclusion", "Age \u226518 and \u2264 65"))) == ()


def test_a_repeated_item_counts() -> None:
    one, two = with_criteria(("exclusion", "Asthma"), ("exclusion", "Asthma")), with_criteria(("exclusion", "Asthma"))
    assert told(one, two) == [("criteria", "removed", "Asthma", None)]


def test_naming_the_groups_moves_nothing() -> None:
    one, two = with_criteria((None, "Adults"), (None, "Asthma")), with_criteria(("inclusion", "Adults"), ("exclusion", "Asthma"))
    assert compare(one, two) == ()


def test_section_depth_and_kind_alone_are_no_change() -> None:
    one = record(criteria=(criterion("inclusion", "Adults", 0, "Part A", "item"),))
    two = record(criteria=(criterion("inclusion", "Adults", 2, None, "note"),))
    assert compare(one, two) == ()


def outline(*lines: tuple[Any, int, str]) -> Record:
    return record(criteria=tuple(criterion(group, text, depth) for group, depth, text in lines))


def test_an_item_split_in_three_below_its_rule_is_told_once() -> None:
    whole = "Working organs: platelets at least 100, haemoglobin at least 9, bilirubin at most 1.5"
    pieces = ("Working organs:", "platelets at least 100", "haemoglobin at least 9", "bilirubin at most 1.5")
    one = outline(("inclusion", 0, "Adults"), ("inclusion", 0, whole))
    two = outline(("inclusion", 0, "Adults"), *(("inclusion", min(n, 1), piece) for n, piece in enumerate(pieces)))
    assert told(one, two) == [("criteria", "changed", whole, "\n".join(pieces))]
    assert [change.significance for change in judged(one, two)] == ["minor"]
    assert told(two, one) == [("criteria", "changed", "\n".join(pieces), whole)]


# --- places ---


def test_sites_with_the_same_name_in_two_towns_are_two_sites() -> None:
    one = record(locations=(site("Dublin", facility="Research Site"),))
    two = record(locations=(site("Cork", facility="Research Site"),))
    assert sorted(operation for _, operation, *_ in told(one, two)) == ["added", "removed"]


def test_five_sites_of_the_same_name_in_one_town_are_a_multiset() -> None:
    dublin = [site("Dublin", facility="Research Site", zip=str(number)) for number in range(5)]
    one = record(locations=tuple(dublin))
    two = record(locations=(*tuple(reversed(dublin[:3])), site("Dublin", "COMPLETED", "Research Site", zip="3"), dublin[4]))
    assert [(operation, after["status"], after["zip"]) for _, operation, _, after in told(one, two)] == [("changed", "COMPLETED", "3")]


def test_a_site_that_the_registry_renames_is_one_change() -> None:
    one = record(locations=(site("Napoli", facility="Policlinico", country="Italy", zip="80131"),))
    two = record(locations=(site("Naples", facility="Policlinico", country="Italy", zip="80131"),))
    assert [operation for _, operation, *_ in told(one, two)] == ["changed"]


def test_a_contact_of_the_same_mailbox_is_the_same_desk() -> None:
    one = record(central_contacts=(Contact("Contact A", "CONTACT", "1", "study@example.org"),))
    two = record(central_contacts=(Contact("Contact B", "CONTACT", "2", "study@example.org"),))
    assert [operation for _, operation, *_ in told(one, two)] == ["changed"]


# --- arms, outcomes ---


def test_arms_are_matched_by_label_not_by_a_description_that_all_share() -> None:
    long = "One injection into both glands, guided by ultrasound, on the first day of the trial."
    one = record(arms=(Arm("Cells", "EXPERIMENTAL", long), Arm("Saline", "PLACEBO_COMPARATOR", long)))
    two = record(arms=(Arm("Saline", "PLACEBO_COMPARATOR", long),))
    assert [(operation, before["label"]) for _, operation, before, _ in told(one, two)] == [("removed", "Cells")]


def test_an_outcome_is_matched_by_its_measure() -> None:
    one = record(primary_outcomes=(Outcome("Saliva flow", "4 months", None), Outcome("Pain", "1 year", None)))
    two = record(primary_outcomes=(Outcome("Saliva flow", "6 months", None), Outcome("Pain", "1 year", None)))
    assert [(operation, after["time_frame"]) for _, operation, _, after in told(one, two)] == [("changed", "6 months")]
