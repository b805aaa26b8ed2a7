"""How much a change matters, to a reader and to a coordinator: the table of NEWS, line by line."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from registry_sync.trials.record import (
    BY_NAME,
    FIELDS,
    Contact,
    Dated,
    Enrollment,
    ExpandedAccess,
    Outcome,
    Record,
)
from registry_sync.trials.significance import TABLE, judged
from tests.trials.records import criterion, record, site

PLAN, FACT = "ESTIMATED", "ACTUAL"


def test_every_field_has_a_rule_and_every_rule_a_field_and_a_reason() -> None:
    named = {name for rule in TABLE for name in rule.fields.split()}
    assert named == {field.name for field in FIELDS} | {"registry"}
    assert all(rule.why.strip() for rule in TABLE)


def status(before: str, after: str, **more: Any) -> tuple[Record, Record]:
    return record(overall_status=before, **more), record(overall_status=after)


def criteria(before: str, after: str) -> tuple[Record, Record]:
    return record(criteria=(criterion("inclusion", before),)), record(criteria=(criterion("inclusion", after),))


def date(field: str, before: tuple[str, str] | None, after: tuple[str, str]) -> tuple[Record, Record]:
    return record(**{field: Dated(*before) if before else None}), record(**{field: Dated(*after)})


CASES: list[tuple[str, tuple[Record, Record], str, str]] = [
    # what it is, the two versions, to a reader, to a coordinator
    ("opens", status("NOT_YET_RECRUITING", "RECRUITING"), "major", "major"),
    ("closes", status("RECRUITING", "ACTIVE_NOT_RECRUITING"), "major", "major"),
    ("reopens", status("ACTIVE_NOT_RECRUITING", "RECRUITING"), "major", "major"),
    ("by invitation", status("RECRUITING", "ENROLLING_BY_INVITATION"), "major", "major"),
    ("pauses", status("RECRUITING", "SUSPENDED"), "major", "major"),
    ("ends early", status("RECRUITING", "TERMINATED"), "major", "major"),
    ("never happened", status("NOT_YET_RECRUITING", "WITHDRAWN"), "major", "major"),
    ("completed", status("ACTIVE_NOT_RECRUITING", "COMPLETED"), "major", "major"),
    ("silence", status("RECRUITING", "UNKNOWN"), "minor", "major"),
    ("confirmed again", status("UNKNOWN", "RECRUITING", last_known_status="RECRUITING"), "minor", "minor"),
    ("told from last known", status("UNKNOWN", "COMPLETED", last_known_status="COMPLETED"), "minor", "minor"),
    ("really different", status("UNKNOWN", "TERMINATED", last_known_status="RECRUITING"), "major", "major"),
    ("why stopped", (record(why_stopped="FDA"), record(why_stopped="Slow recruitment")), "major", "major"),
    ("a number in an item", criteria("Age 18 or older", "Age 21 or older"), "major", "major"),
    ("a sign in an item", criteria("Age ≥ 18 years at entry", "Age > 18 years at entry"), "major", "major"),
    ("a unit in an item", criteria("At least 3 months of dryness", "At least 3 weeks of dryness"), "major", "major"),
    ("a negation in an item", criteria("Asthma without treatment", "Asthma with treatment"), "major", "major"),
    ("may not", criteria("Participants may take aspirin", "Participants may not take aspirin"), "major", "major"),
    ("other words", criteria("Willing to come to every visit", "Willing to attend every visit"), "minor", "minor"),
    ("case alone", criteria("I-DxD treatment", "I-DXd treatment"), "housekeeping", "housekeeping"),
    ("age", (record(minimum_age="18 Years"), record(minimum_age="21 Years")), "major", "major"),
    ("sex", (record(sex="ALL"), record(sex="FEMALE")), "major", "major"),
    ("volunteers", (record(healthy_volunteers=False), record(healthy_volunteers=True)), "minor", "minor"),
    ("site opens", (record(locations=()), record(locations=(site("Aarhus"),))), "minor", "minor"),
    (
        "last open site of a country",
        (
            record(overall_status="RECRUITING", locations=(site("Aarhus"), site("Malmo", country="Sweden"))),
            record(overall_status="RECRUITING", locations=(site("Aarhus", "COMPLETED"), site("Malmo", country="Sweden"))),
        ),
        "major",
        "major",
    ),
    ("zip", (record(locations=(site(zip="2100"),)), record(locations=(site(zip="2200"),))), "untold", "housekeeping"),
    (
        "a site's contacts",
        (record(locations=(site(contacts=(Contact("A"),)),)), record(locations=(site(contacts=(Contact("B"),)),))),
        "minor",
        "minor",
    ),
    ("start moved a little", date("start_date", ("2026-03", PLAN), ("2026-04", PLAN)), "minor", "minor"),
    ("start moved three months", date("start_date", ("2026-03", PLAN), ("2026-06", PLAN)), "major", "minor"),
    ("start became actual", date("start_date", ("2026-03-01", PLAN), ("2026-03-01", FACT)), "housekeeping", "minor"),
    ("start became actual, more precise", date("start_date", ("2026-03", PLAN), ("2026-03-07", FACT)), "housekeeping", "minor"),
    ("start became actual, another day", date("start_date", ("2026-03", PLAN), ("2026-04-07", FACT)), "minor", "minor"),
    ("primary slips half a year", date("primary_completion_date", ("2026-01", PLAN), ("2026-07", PLAN)), "untold", "major"),
    (
        "primary slips half a year by the day",
        date("primary_completion_date", ("2025-12-31", PLAN), ("2026-06-30", PLAN)),
        "untold",
        "major",
    ),
    ("primary slips less", date("primary_completion_date", ("2026-01", PLAN), ("2026-03", PLAN)), "untold", "minor"),
    ("primary becomes actual", date("primary_completion_date", ("2026-01", PLAN), ("2026-01", FACT)), "housekeeping", "major"),
    ("completion slips", date("completion_date", ("2025-12-31", PLAN), ("2026-06", PLAN)), "minor", "minor"),
    ("completion's precision only", date("completion_date", ("2026-06", PLAN), ("2026-06-30", PLAN)), "housekeeping", "housekeeping"),
    ("posted date becomes actual", date("first_post_date", ("2025-02-03", PLAN), ("2025-02-03", FACT)), "untold", "housekeeping"),
    ("target up a fifth", (record(enrollment=Enrollment(40, PLAN)), record(enrollment=Enrollment(48, PLAN))), "minor", "major"),
    ("target up a little", (record(enrollment=Enrollment(40, PLAN)), record(enrollment=Enrollment(42, PLAN))), "untold", "minor"),
    ("enrolled", (record(enrollment=Enrollment(40, PLAN)), record(enrollment=Enrollment(37, FACT))), "housekeeping", "minor"),
    ("phase", (record(phases=("PHASE1",)), record(phases=("PHASE1", "PHASE2"))), "minor", "major"),
    (
        "primary outcome after the start",
        (
            record(overall_status="RECRUITING", primary_outcomes=(Outcome("Saliva flow", "4 months"),)),
            record(overall_status="RECRUITING", primary_outcomes=(Outcome("Saliva flow", "6 months"),)),
        ),
        "untold",
        "major",
    ),
    (
        "primary outcome before the start",
        (
            record(overall_status="NOT_YET_RECRUITING", primary_outcomes=(Outcome("Saliva flow", "4 months"),)),
            record(overall_status="NOT_YET_RECRUITING", primary_outcomes=(Outcome("Saliva flow", "6 months"),)),
        ),
        "untold",
        "minor",
    ),
    ("results", (record(has_results=False), record(has_results=True)), "major", "major"),
    ("results sent in", (record(), record(results_first_submit_date="2026-02-01")), "untold", "major"),
    ("expanded access appears", (record(), record(expanded_access=ExpandedAccess("NCT00000001", "AVAILABLE"))), "major", "major"),
    (
        "expanded access ends",
        (
            record(expanded_access=ExpandedAccess("NCT00000001", "AVAILABLE")),
            record(expanded_access=ExpandedAccess("NCT00000001", "NO_LONGER_AVAILABLE")),
        ),
        "major",
        "minor",
    ),
    ("sponsor", (record(lead_sponsor="One"), record(lead_sponsor="Two")), "minor", "major"),
    ("title", (record(brief_title="One"), record(brief_title="Two")), "housekeeping", "minor"),
    ("keyword", (record(keywords=()), record(keywords=("saliva",))), "untold", "housekeeping"),
    ("a CTIS number", (record(secondary_ids=()), record(secondary_ids=("2024-516715-25-00",))), "untold", "minor"),
    ("another id", (record(secondary_ids=()), record(secondary_ids=("ABC-1",))), "untold", "housekeeping"),
    ("an age in months", (record(minimum_age="18 Years"), record(minimum_age="216 Months")), "housekeeping", "housekeeping"),
    ("an age in days", (record(maximum_age="2 Weeks"), record(maximum_age="14 Days")), "housekeeping", "housekeeping"),
    ("an age of another unit", (record(minimum_age="18 Years"), record(minimum_age="18 Months")), "major", "major"),
    ("an age that begins to count", (record(), record(maximum_age="65 Years")), "major", "major"),
    ("verified", (record(status_verified_date="2026-01"), record(status_verified_date="2026-02")), "untold", "housekeeping"),
]


@pytest.mark.parametrize(("versions", "reader", "coordinator"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_table_of_news(versions: tuple[Record, Record], reader: str, coordinator: str) -> None:
    change, *rest = judged(*versions)
    assert {other.field for other in rest} <= {"last_known_status"}  # it leaves with UNKNOWN
    assert (change.reader_significance, change.significance) == (reader, coordinator)
    assert BY_NAME[change.field].topic == change.topic


def test_sites_and_contacts_that_leave_with_the_status_are_folded() -> None:
    contact = (Contact("Contact A", "CONTACT", "1", "a@example.org"),)
    before = record(
        overall_status="RECRUITING", locations=(site(contacts=contact), site("Aarhus", contacts=contact)), central_contacts=contact
    )
    after = record(overall_status="ACTIVE_NOT_RECRUITING", locations=(site(status=None), site("Aarhus", None)))
    changes = judged(before, after)
    folded = [change for change in changes if change.field != "overall_status"]
    assert len(folded) == 3
    assert {(change.significance, change.reader_significance) for change in folded} == {("housekeeping", "untold")}


def test_the_same_vanishing_without_a_status_change_is_news() -> None:
    before = record(overall_status="RECRUITING", locations=(site(), site("Aarhus")))
    after = record(overall_status="RECRUITING", locations=(site(), site("Aarhus", None)))
    (change,) = judged(before, after)
    assert change.significance == "minor"


def test_a_site_that_really_closes_on_the_day_the_trial_pauses_is_not_folded() -> None:
    before = record(overall_status="RECRUITING", locations=(site(), site("Aarhus")))
    after = record(overall_status="SUSPENDED", locations=(site(), site("Aarhus", "WITHDRAWN")))
    matters = {change.field: change.significance for change in judged(before, after)}
    assert matters == {"overall_status": "major", "locations": "minor"}


def test_judging_needs_nothing_but_the_records() -> None:
    one = record(overall_status="RECRUITING")
    assert judged(one, msgspec.structs.replace(one)) == ()


@pytest.mark.parametrize(
    ("before", "after", "matters"),
    [
        ("HER2+ disease of the breast", "HER2- disease of the breast", "major"),
        ("Any cancer except skin cancer and CIN", "Any cancer except skin cancer", "major"),
        ("Asthma or eczema in the last year", "Asthma and eczema in the last year", "major"),
        ("Retinal disorders or severe cataract", "Retinal disorders, severe cataract and glaucoma", "minor"),
        ("Diabetes of type 2", "Subjects with diabetes of type 2", "minor"),
        ("Treatment should start in a week", "Treatment must start in a week", "major"),
        ("A history of asthma (in the study).", "A history of asthma (in the study.)", "housekeeping"),
        ("Age 1.5 to 3", "Age 15 to 3", "major"),
        ("Cancer that is HER2 positive", "Cancer that is HER3 positive", "major"),
        ("Cancer that is HER2 positive", "Cancer that is receptor (HER) 2 positive", "minor"),
        ("Disease of stage IIIA", "Disease of stage IIIB", "major"),
        ("Disease of stage II or III", "Disease of stage II or IV", "major"),
        ("Tumour of T1c", "Tumour of T1b", "major"),
        ("Smoking now; pregnancy; other disease of the lung", "Smoking now; other disease of the lung", "major"),
        ("Smoking now; pregnancy; disease of the lung", "Smoking now; pregnancy; other disease of the lung", "minor"),
        ("More than ½ of a tablet", "More than ¼ of a tablet", "major"),
        ("Two weeks or five visits, whichever is longer", "Two weeks or five visits, whichever is shorter", "major"),
        ("Asymptomatic infection", "Symptomatic infection", "major"),
        ("A normal tracing of the heart", "An abnormal tracing of the heart", "major"),
        ("Disease that is platinum-sensitive", "Disease that is platinum-resistant", "major"),
        ("A dose of 2.0 mg or 10 milligrams", "A dose of 2 mg or 10 mg", "minor"),
        ("A value of 7,5 or more", "A value of 7.5 or more", "minor"),
        ("Heart failure of NYHA III", "Heart failure of NYHA 3", "minor"),
        ("Bilirubin up to 3 × ULN", "Bilirubin up to 3 x ULN", "minor"),
        ("Antibiotics given as needed", "IV antibiotics given as needed", "minor"),
        ("Bed rest following an operation", "Bed rest after an operation", "minor"),
        ("A scan before cycle 1 day 1", "A scan before C1D1", "minor"),
        ("A scan before cycle 1 day 1", "A scan before C1D2", "major"),
    ],
)
def test_what_decides_who_may_join(before: str, after: str, matters: str) -> None:
    (change,) = judged(*criteria(before, after))
    assert change.significance == matters


def test_an_item_that_grew_is_reworded_and_not_another_one() -> None:
    (change,) = judged(
        *criteria(
            "Any number of earlier treatments",
            "People in the first group may have had any number of earlier treatments; those in the second up to 3",
        )
    )
    assert change.operation == "changed"
