from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_sync.notices.wording import summary
from registry_sync.trials.changes import Change
from registry_sync.trials.record import BY_NAME, FIELDS, TOPICS
from tests.notices.told import change

SITE = {"facility": "Hospital", "city": "City", "state": None, "zip": "1", "country": "Country", "status": "RECRUITING", "contacts": []}
ESTIMATED = {"date": "2025-12-31", "type": "ESTIMATED"}

CASES = [
    (change("overall_status", "RECRUITING", "ACTIVE_NOT_RECRUITING"), "Recruitment status: Recruiting → Active, not recruiting"),
    (change("overall_status", None, "SOME_NEW_TOKEN"), "Recruitment status: not stated → Some new token"),
    (
        change("completion_date", ESTIMATED, {"date": "2026-06-30", "type": "ESTIMATED"}),
        "Study completion: 2025-12-31 → 2026-06-30 (estimated), 6 months later",
    ),
    (
        change("completion_date", ESTIMATED, {"date": "2025-12-31", "type": "ACTUAL"}),
        "Study completion: 2025-12-31 (estimated) → 2025-12-31 (actual)",
    ),
    (change("completion_date", ESTIMATED, {"date": "2025-12", "type": "ESTIMATED"}), "Study completion: 2025-12-31 → 2025-12 (estimated)"),
    (change("start_date", {"date": "2025-03-04"}, {"date": "2025-03-01"}), "Study start: 2025-03-04 → 2025-03-01, 3 days earlier"),
    (change("start_date", {"date": "2025"}, {"date": "2027-03"}), "Study start: 2025 → 2027-03, 2 years later"),
    (change("first_submit_date", None, "2025-01-27"), "First submitted: not stated → 2025-01-27"),
    (
        change("criteria", "Smoke-free for 12 months", "Smoke-free for 6 months", group="exclusion"),
        "Exclusion criterion reworded: “Smoke-free for 12 months” → “Smoke-free for 6 months”",
    ),
    (change("criteria", None, "Adults", group="inclusion", operation="added"), "Inclusion criterion added: Adults"),
    (change("criteria", "Adults", None, operation="removed"), "Eligibility criterion removed: Adults"),
    (change("criteria", "Adults", "Adults", group="exclusion", operation="moved"), "Criterion moved to exclusion: Adults"),
    (change("locations", None, SITE, operation="added"), "Site added: Hospital, City, Country (Recruiting)"),
    (change("locations", SITE, None, operation="removed"), "Site no longer listed: Hospital, City, Country (Recruiting)"),
    (
        change("locations", SITE, {**SITE, "status": "COMPLETED", "zip": "2"}),
        "Site changed: Hospital, City, Country: postal code: 1 → 2; status: Recruiting → Completed",
    ),
    (
        change(
            "central_contacts",
            {"name": "Contact A", "role": "CONTACT", "phone": "1"},
            {"name": "Contact A", "role": "CONTACT", "phone": "2"},
        ),
        "Central contact changed: Contact A, Contact: telephone",
    ),
    (change("enrollment", {"count": 40, "type": "ESTIMATED"}, {"count": 37, "type": "ACTUAL"}), "Enrolment: 40 (estimated) → 37 (actual)"),
    (change("phases", ["PHASE1"], ["PHASE1", "PHASE2"]), "Phase: Phase 1 → Phase 1, Phase 2"),
    (change("has_results", False, True), "Results posted: no → yes"),
    (change("minimum_age", "18 Years", None), "Minimum age: 18 years → not stated"),
    (change("why_stopped", None, "FDA"), "Reason for stopping: not stated → “FDA”"),
    (change("brief_summary", "a b", "a c"), "Brief summary reworded: “a b” → “a c”"),
    (change("conditions", None, "Dry mouth", operation="added"), "Condition added: Dry mouth"),
    (change("interventions", None, {"type": "DRUG", "name": "X"}, operation="added"), "Intervention added: Drug: X"),
    (
        change("expanded_access", None, {"trial": "NCT00000001", "status": "AVAILABLE"}),
        "Expanded access: not stated → NCT00000001 (Available)",
    ),
    (
        change("responsible_party", {"type": "SPONSOR", "name": None}, {"type": "PRINCIPAL_INVESTIGATOR", "name": "Contact A"}),
        "Responsible party: Sponsor → Contact A (Principal investigator)",
    ),
    (change("publications", None, {"pmid": "1", "citation": "A B"}, operation="added"), "Publication added: PMID 1: A B"),
    (
        change("documents", None, {"type": "SAP", "date": "2024-01-02"}, operation="added"),
        "Study document added: Statistical analysis plan, 2024-01-02",
    ),
    (
        change("page", "agrees again", "fell_behind", topic="listing"),
        "Listing page: agrees with the registry again → is behind the registry",
    ),
    (change("record", "present", "absent", topic="registry"), "Registry record: in the registry → not in the registry"),
    (change("registry", "absent", "found", topic="registry"), "Registry record: found by a search"),
    (change("overall_status", "RECRUITING", "COMPLETED", source="https://example.org/page"), "Recruitment status: Recruiting → Completed"),
]


@pytest.mark.parametrize(("told", "line"), CASES)
def test_a_change_on_one_line(told: Change, line: str) -> None:
    assert summary(told) == line


def test_a_long_rewording_is_cut_around_the_change() -> None:
    long = "history of treatment with a medicine of this kind " * 12
    line = summary(change("criteria", f"{long}within 12 months {long}", f"{long}within 6 months {long}", group="exclusion"))
    assert len(line) <= 300
    assert "within 12 months" in line
    assert "within 6 months" in line


def test_long_items_that_differ_far_inside_are_told_apart() -> None:
    long = "a word of many " * 20
    for told in (
        change("keywords", f"{long}one", f"{long}two"),
        change("publications", {"citation": f"{long}one {long}"}, {"citation": f"{long}two {long}"}),
        change("locations", {**SITE, "facility": f"{long}one {long}"}, {**SITE, "facility": f"{long}two {long}"}),
    ):
        line = summary(told)
        assert "one" in line
        assert "two" in line
        assert len(line) <= 300


def test_a_difference_that_cannot_be_seen_is_said() -> None:
    assert summary(change("criteria", "Adults", "\u202eAdults")).endswith("“Adults” → “Adults” (signs that are not seen differ)")
    assert summary(change("brief_summary", "Adults", "\u202eAdults")).endswith("(signs that are not seen differ)")


def test_a_taken_down_number_is_not_repeated() -> None:
    gone = change(
        "central_contacts", {"name": "Contact A", "role": None, "phone": "555-0100", "email": "a@example.org"}, None, operation="removed"
    )
    assert summary(gone) == "Central contact no longer listed: Contact A"


def test_the_same_line_in_danish() -> None:
    assert summary(CASES[0][0], "da") == "Rekrutteringsstatus: Rekrutterer → Aktivt, rekrutterer ikke"
    assert summary(CASES[2][0], "da") == "Forsøgets afslutning: 2025-12-31 → 2026-06-30 (forventet), 6 måneder senere"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["RECRUITING", "2026-01", "2026-13-77", "18 Years"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=5)
            | st.sampled_from(
                ["date", "type", "facility", "city", "name", "role", "status", "count", "measure", "pmid", "contacts", "phone"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)


@given(
    field=st.sampled_from([field.name for field in FIELDS]) | st.text(max_size=10),
    topic=st.sampled_from(TOPICS),
    operation=st.sampled_from(["changed", "added", "removed", "moved"]),
    group=st.sampled_from([None, "inclusion", "exclusion"]),
    before=JSON,
    after=JSON,
    language=st.sampled_from(["en", "da"]),
)
def test_any_value_of_any_field_gives_one_clean_line(
    field: str, topic: str, operation: Any, group: str | None, before: Any, after: Any, language: str
) -> None:
    told = Change(
        field=field, topic=BY_NAME[field].topic if field in BY_NAME else topic, operation=operation, before=before, after=after, group=group
    )
    line = summary(told, language)
    assert line.strip() == line
    assert 0 < len(line) <= 300
    assert not [character for character in line if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
