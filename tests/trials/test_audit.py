from __future__ import annotations

import datetime
from typing import Any

import pytest
from msgspec.structs import replace

from registry_sync.trials.audit import AUDITED, Past, Verdict, audit, days_behind, overall, wrong
from registry_sync.trials.listing import Listing
from registry_sync.trials.record import FIELDS, Criterion, Dated, Enrollment, Intervention, Location, Record
from tests.trials.records import criterion, record

DAYS = ("2025-01-27", "2025-06-10", "2025-11-03", "2026-02-03")


def past(*versions: Record, days: tuple[str | None, ...] = DAYS) -> tuple[Past, ...]:
    """Versions of the registry, oldest first, each posted on one of the days and seen on the next."""
    return tuple(Past(day, f"{day or '2026-02-04'}T06:17:04Z", version) for day, version in zip(days, versions, strict=False))


def page(**fields: Any) -> Listing:
    return Listing(record(**fields))


def verdict(listing: Listing, versions: tuple[Past, ...], field: str) -> Verdict:
    (row,) = [row for row in audit(listing, versions) if row.field == field]
    return row


def word(field: str, on_page: Any, *in_registry: Any) -> str:
    """The verdict on one value, given the registry's values of the field, oldest first."""
    versions = past(*(record(**{field: value}) for value in in_registry))
    return verdict(page(**{field: on_page}), versions, field).verdict


def inclusion(*texts: str, kind: Any = "item") -> tuple[Criterion, ...]:
    return tuple(criterion("inclusion", text, kind=kind) for text in texts)


def exclusion(*texts: str) -> tuple[Criterion, ...]:
    return tuple(criterion("exclusion", text) for text in texts)


# --- what the verdicts mean ------------------------------------------------------------------------------------------------


def test_a_page_that_still_says_recruiting_is_outdated_since_the_day_on_which_the_registry_closed() -> None:
    versions = past(
        record(overall_status="NOT_YET_RECRUITING"), record(overall_status="RECRUITING"), record(overall_status="ACTIVE_NOT_RECRUITING")
    )
    row = verdict(page(overall_status="RECRUITING"), versions, "overall_status")
    assert (row.verdict, row.since, row.was) == ("outdated", "2025-11-03", "RECRUITING")
    assert (row.registry, row.listing) == ("ACTIVE_NOT_RECRUITING", "RECRUITING")
    assert days_behind(row, datetime.date(2025, 11, 13)) == 10
    assert overall([row]) == "behind"


def test_what_the_registry_never_said_contradicts_and_has_no_day() -> None:
    row = verdict(page(overall_status="COMPLETED"), past(record(overall_status="RECRUITING")), "overall_status")
    assert (row.verdict, row.since, row.was, days_behind(row, datetime.date(2026, 1, 1))) == ("contradicts", None, None, None)
    assert overall([row]) == "contradicts"


def test_a_status_that_went_and_came_back_counts_from_the_last_time_it_went() -> None:
    versions = past(*(record(overall_status=status) for status in ("RECRUITING", "SUSPENDED", "RECRUITING", "COMPLETED")))
    assert verdict(page(overall_status="RECRUITING"), versions, "overall_status").since == "2026-02-03"
    assert verdict(page(overall_status="SUSPENDED"), versions, "overall_status").since == "2025-11-03"


def test_a_version_without_a_date_counts_from_the_day_it_was_seen() -> None:
    versions = past(record(sex="ALL"), record(sex="FEMALE"), days=("2025-01-27", None))
    assert verdict(page(sex="ALL"), versions, "sex").since == "2026-02-04"


def test_a_silent_step_of_the_registry_counts_from_the_day_it_was_seen_and_not_from_the_record_s_old_date() -> None:
    before, after = record(overall_status="RECRUITING"), record(overall_status="UNKNOWN", last_known_status="RECRUITING")
    versions = (Past("2023-11-01", "2025-01-27T06:17:04Z", before), Past("2023-11-01", "2025-12-02T06:17:04Z", after))
    assert verdict(page(overall_status="RECRUITING"), versions, "overall_status").since == "2025-12-02"


def test_two_backfilled_versions_of_one_day_count_from_the_registry_s_day() -> None:
    seen = "2026-02-03T06:17:04Z"
    versions = (Past("2025-06-10", seen, record(sex="ALL")), Past("2025-06-10", seen, record(sex="MALE")))
    assert verdict(page(sex="ALL"), versions, "sex").since == "2025-06-10"


def test_fields_of_one_side_only_are_unstated_or_left_out() -> None:
    rows = {row.field: row for row in audit(page(sex="ALL"), past(record(sex="ALL", minimum_age="18 Years")))}
    assert rows["minimum_age"].verdict == "unstated"
    assert set(rows) == {"sex", "minimum_age"}


def test_rows_come_in_the_order_of_the_table_of_fields() -> None:
    assert list(AUDITED) == [field.name for field in FIELDS if field.name in AUDITED]


def test_without_a_version_of_the_registry_there_is_nothing_to_say() -> None:
    assert audit(page(sex="ALL"), ()) == ()


def test_one_field_that_contradicts_decides_for_the_page() -> None:
    versions = past(record(overall_status="RECRUITING", sex="ALL"), record(overall_status="COMPLETED", sex="ALL"))
    rows = audit(page(overall_status="RECRUITING", sex="MALE"), versions)
    assert wrong(rows) == ("overall_status", "sex")
    assert overall(rows) == "contradicts"
    assert overall(audit(page(sex="ALL"), versions)) == "agrees"


# --- ways to say nothing ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "expected", "reason"),
    [
        ("not_reported", "unstated", "not reported"),
        ("empty", "unstated", "left empty"),
        ("cut_off", "incomparable", "cut off"),
        ("paraphrased", "incomparable", "paraphrased"),
        ("headings_lost", "incomparable", "headings lost"),
        ("run_together", "incomparable", "run together"),
        ("unclear", "incomparable", "unclear"),
    ],
)
def test_how_a_page_says_it_decides_before_what_it_says(how: Any, expected: str, reason: str) -> None:
    row = verdict(replace(page(), how={"criteria": how}), past(record(criteria=inclusion("Adults"))), "criteria")
    assert (row.verdict, row.reason) == (expected, reason)


def test_what_neither_states_has_no_row_even_where_the_page_has_its_label() -> None:
    assert audit(replace(page(), how={"keywords": "empty"}), past(record())) == ()


# --- status ----------------------------------------------------------------------------------------------------------------

CLOSED = ("NOT_YET_RECRUITING", "ACTIVE_NOT_RECRUITING", "COMPLETED", "SUSPENDED", "TERMINATED", "WITHDRAWN", "UNKNOWN")
NON_RECRUITING = Listing(record(), statuses=CLOSED, said={"overall_status": "Non Recruiting"})


@pytest.mark.parametrize("status", CLOSED)
def test_non_recruiting_agrees_with_every_status_that_it_covers(status: str) -> None:
    row = verdict(NON_RECRUITING, past(record(overall_status=status)), "overall_status")
    assert (row.verdict, row.listing) == ("agrees", "Non Recruiting")


def test_non_recruiting_contradicts_recruiting_and_is_outdated_where_the_trial_was_closed_before() -> None:
    opened = past(record(overall_status="NOT_YET_RECRUITING"), record(overall_status="RECRUITING"))
    row = verdict(NON_RECRUITING, opened, "overall_status")
    assert (row.verdict, row.since, row.was) == ("outdated", "2025-06-10", "NOT_YET_RECRUITING")
    assert verdict(NON_RECRUITING, past(record(overall_status="RECRUITING")), "overall_status").verdict == "contradicts"


def test_what_unknown_hides_was_said_before_though_no_version_shows_it() -> None:
    versions = past(record(overall_status="UNKNOWN", last_known_status="RECRUITING"))
    row = verdict(page(overall_status="RECRUITING"), versions, "overall_status")
    assert (row.verdict, row.was, row.since) == ("outdated", "RECRUITING", versions[-1].registry_date)
    assert verdict(page(overall_status="COMPLETED"), versions, "overall_status").verdict == "contradicts"


def test_unknown_counts_from_the_day_on_which_the_registry_said_so() -> None:
    versions = past(record(overall_status="RECRUITING"), record(overall_status="UNKNOWN", last_known_status="RECRUITING"))
    row = verdict(page(overall_status="RECRUITING"), versions, "overall_status")
    assert (row.verdict, row.since) == ("outdated", versions[-1].registry_date)
    hidden = record(overall_status="UNKNOWN", last_known_status="RECRUITING", status_verified_date="2022-03")
    alone = [Past("2022-03-09", "2026-02-03T06:17:04Z", hidden)]
    assert verdict(page(overall_status="RECRUITING"), alone, "overall_status").since == "2024-03"


def test_no_age_limit_is_compared_as_what_the_page_says() -> None:
    def said(*versions: str | None) -> tuple[str, object]:
        listing = replace(page(), unlimited=("maximum_age",))
        row = verdict(listing, past(*(record(maximum_age=age) for age in versions)), "maximum_age")
        return row.verdict, row.listing

    assert said(None) == ("agrees", "no limit")
    assert said("70 Years") == ("contradicts", "no limit")
    assert said(None, "70 Years") == ("outdated", "no limit")


# --- single values ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "on_page", "in_registry", "expected"),
    [
        ("completion_date", Dated("2025-12"), (Dated("2025-12-31", "ESTIMATED"),), "agrees"),
        ("completion_date", Dated("2025-12-31"), (Dated("2025-12"),), "agrees"),
        ("completion_date", Dated("2025-12-31", "ESTIMATED"), (Dated("2025-12-31", "ACTUAL"),), "agrees"),
        ("completion_date", Dated("2025-12-30"), (Dated("2025-12-31"),), "contradicts"),
        ("completion_date", Dated("2025-12"), (Dated("2025-12-31"), Dated("2026-06")), "outdated"),
        ("start_date", Dated("2025-01"), (None,), "incomparable"),
        ("first_submit_date", "2025-01-27", ("2025-01-27",), "agrees"),
        ("first_submit_date", "2025-01-28", ("2025-01-27",), "contradicts"),
        ("enrollment", Enrollment(40), (Enrollment(40, "ACTUAL"),), "agrees"),
        ("enrollment", Enrollment(40, "ESTIMATED"), (Enrollment(40, "ESTIMATED"), Enrollment(37, "ACTUAL")), "outdated"),
        ("enrollment", Enrollment(41), (Enrollment(40, "ESTIMATED"),), "contradicts"),
        ("enrollment", Enrollment(40), (None,), "incomparable"),
        ("minimum_age", "18 Years", ("18 Years",), "agrees"),
        ("minimum_age", "18 years", ("216 Months",), "agrees"),
        ("minimum_age", "18 Years", ("18 Months",), "contradicts"),
        ("maximum_age", "75 Years", (None,), "contradicts"),
        ("maximum_age", "75 Years", ("75 Years", None), "outdated"),
        ("sex", "FEMALE", ("ALL",), "contradicts"),
        ("sex", "ALL", ("FEMALE", "ALL"), "agrees"),
        ("healthy_volunteers", False, (True,), "contradicts"),
        ("healthy_volunteers", False, (True, False), "agrees"),
        ("healthy_volunteers", True, (None,), "incomparable"),
        ("study_type", "INTERVENTIONAL", ("INTERVENTIONAL",), "agrees"),
        ("phases", ("PHASE2", "PHASE1"), (("PHASE1", "PHASE2"),), "agrees"),
        ("phases", ("PHASE2",), (("PHASE1", "PHASE2"),), "contradicts"),
        ("phases", ("PHASE2",), (("PHASE2",), ("PHASE3",)), "outdated"),
        ("phases", ("NA",), (None,), "agrees"),
        ("phases", ("PHASE2",), (None,), "contradicts"),
    ],
)
def test_single_values(field: str, on_page: Any, in_registry: tuple[Any, ...], expected: str) -> None:
    assert word(field, on_page, *in_registry) == expected


# --- names and titles ------------------------------------------------------------------------------------------------------

TITLE = "Treatment With Stem Cells in Patients With Xerostomia Due to Sjögren's Disease"


@pytest.mark.parametrize(
    ("field", "on_page", "in_registry", "expected"),
    [
        ("lead_sponsor", "RIGSHOSPITALET, DENMARK", ("Rigshospitalet, Denmark",), "agrees"),
        ("lead_sponsor", "Rigshospitalet", ("Rigshospitalet, Denmark",), "agrees"),
        ("lead_sponsor", "Novo Nordisk", ("Novo Nordisk A/S",), "agrees"),
        ("lead_sponsor", "NIH", ("National Institutes of Health",), "agrees"),
        ("lead_sponsor", "Odense University Hospital", ("Rigshospitalet, Denmark",), "contradicts"),
        ("lead_sponsor", "Copenhagen Hospitals", ("Copenhagen Hospitals", "Region H"), "outdated"),
        ("brief_title", TITLE.upper(), (TITLE,), "agrees"),
        ("brief_title", "Treatment with stem cells in patients with xerostomia due to Sjogren’s disease", (TITLE,), "agrees"),
        ("brief_title", f"{TITLE} | Some Trial Finder", (TITLE,), "agrees"),
        ("brief_title", "Treatment With Stem Cells in Patients With…", (TITLE,), "incomparable"),
        ("brief_title", TITLE.replace("Xerostomia", "Keratitis"), (TITLE,), "contradicts"),
        ("brief_title", "A new chance against dry mouth", (TITLE,), "incomparable"),
        ("brief_title", TITLE, (TITLE, "Stem Cells Against Dry Mouth"), "outdated"),
        ("conditions", ("xerostomia", "SJÖGREN'S DISEASE"), (("Sjögren's Disease", "Xerostomia"),), "agrees"),
        ("conditions", ("Xerostomia",), (("Sjögren's Disease", "Xerostomia"),), "incomparable"),
        ("conditions", ("Xerostomia",), (("Xerostomia",), ("Sjögren's Disease", "Xerostomia")), "outdated"),
        ("conditions", ("Xerostomia", "Dry Eye"), (("Dry Eye",), ("Sjögren's Disease", "Xerostomia")), "outdated"),
        ("conditions", ("Diabetes",), (("Sjögren's Disease",),), "contradicts"),
        ("conditions", ("Sjogren Syndrome",), (("Sjögren's Disease",),), "incomparable"),
        ("conditions", ("COPD",), (("Chronic Obstructive Pulmonary Disease",),), "incomparable"),
        ("keywords", ("stem cell",), (("Stem Cell",),), "agrees"),
        ("keywords", ("immunology",), (("Stem Cell",),), "incomparable"),
        ("keywords", ("immunology",), (None,), "incomparable"),
        ("interventions", (Intervention(name="placebo"),), ((Intervention("DRUG", "Placebo", "Saline"),),), "agrees"),
    ],
)
def test_names(field: str, on_page: Any, in_registry: tuple[Any, ...], expected: str) -> None:
    assert word(field, on_page, *in_registry) == expected


def test_a_page_may_show_the_official_title_or_the_acronym_behind_the_brief_one() -> None:
    versions = past(record(brief_title="Stem Cells Against Dry Mouth", official_title=TITLE, acronym="DRYSTEM"))
    assert verdict(page(brief_title=TITLE), versions, "brief_title").verdict == "agrees"
    assert verdict(page(brief_title="Stem Cells Against Dry Mouth (DRYSTEM)"), versions, "brief_title").verdict == "agrees"


# --- sites -----------------------------------------------------------------------------------------------------------------

COPENHAGEN = Location(facility="Rigshospitalet", city="Copenhagen", country="Denmark", status="RECRUITING", zip="2100")
AARHUS = Location(facility="Aarhus University Hospital", city="Aarhus", country="Denmark")
LAKE = Location(facility="Example Office", city="Medical Lake", state="Washington", country="United States")
IZMIR = Location(facility="Research Site", city="Izmir", country="Turkey (Türkiye)")


def towns(*places: tuple[str, str]) -> tuple[Location, ...]:
    return tuple(Location(city=city, country=country) for city, country in places)


@pytest.mark.parametrize(
    ("on_page", "in_registry", "expected"),
    [
        (towns(("Izmir", "Turkey"), ("Copenhagen", "Denmark")), ((COPENHAGEN, IZMIR),), "agrees"),
        (towns(("København", "Denmark")), ((COPENHAGEN,),), "agrees"),
        ((Location(country="Denmark"),), ((COPENHAGEN, AARHUS),), "agrees"),
        ((Location(facility="RIGSHOSPITALET", city="Copenhagen", country="Denmark"),), ((COPENHAGEN,),), "agrees"),
        ((Location(facility="University Hospital Aarhus", city="Aarhus N", country="Denmark"),), ((AARHUS,),), "agrees"),
        (towns(("Copenhagen", "Denmark")), ((COPENHAGEN, AARHUS),), "incomparable"),
        (towns(("Copenhagen", "Denmark")), ((COPENHAGEN,), (COPENHAGEN, AARHUS)), "outdated"),
        (towns(("Copenhagen", "Denmark"), ("Aarhus", "Denmark")), ((AARHUS,), (COPENHAGEN, IZMIR)), "outdated"),
        (towns(("Copenhagen", "Denmark"), ("Oslo", "Norway")), ((COPENHAGEN,),), "contradicts"),
        (towns(("Copenhagen", "Sweden")), ((COPENHAGEN,),), "contradicts"),
        ((Location(facility="Private Practice", city="Copenhagen", country="Denmark"),), ((COPENHAGEN,),), "incomparable"),
        (towns(("Copenhagen", "Denmark")), (None,), "contradicts"),
        (towns(("Copenhagen", "Denmark")), ((COPENHAGEN,), None), "outdated"),
        (towns(("Aarhus", "Denmark")), ((AARHUS,), (Location(city="Aarhus N", country="Denmark"),)), "agrees"),
        (
            (Location(facility="University Hospital North", city="Oslo", country="Norway"),),
            (
                (Location(facility="University Hospital North", city="Oslo", country="Norway"),),
                (Location(facility="University Hospital South", city="Oslo", country="Norway"),),
            ),
            "outdated",
        ),
        ((Location(city="Rigshospitalet", state="Copenhagen", country="Denmark"),), ((COPENHAGEN,),), "agrees"),
        ((Location(city="Main Street Office", state="Copenhagen", country="Denmark"),), ((COPENHAGEN,),), "incomparable"),
        ((Location(city="Rigshospitalet", state="Oslo", country="Denmark"),), ((COPENHAGEN,),), "contradicts"),
        ((Location(facility="Medical Lake", city="Washington", country="United States"),), ((LAKE,),), "agrees"),
        ((Location(city="Medical Lake", state="Washington", country="United States"),), ((LAKE,),), "agrees"),
        ((Location(city="Rigshospitalet", state="Copenhagen", country="Denmark"),), ((COPENHAGEN,), (AARHUS,)), "outdated"),
        (towns(("York", "United States")), ((Location(city="New York", country="United States"),),), "contradicts"),
    ],
)
def test_sites(on_page: Any, in_registry: tuple[Any, ...], expected: str) -> None:
    assert word("locations", on_page, *in_registry) == expected


def test_the_sites_that_are_wrong_are_named() -> None:
    row = verdict(page(locations=towns(("Oslo", "Norway"))), past(record(locations=(COPENHAGEN,))), "locations")
    assert [(item.what, (item.listing or item.registry)["city"]) for item in row.items] == [("extra", "Oslo"), ("missing", "Copenhagen")]


# --- criteria --------------------------------------------------------------------------------------------------------------

SMOKING = "Has smoked tobacco within 6 months before the screening visit"
PREGNANT = "Pregnant, or planning a pregnancy, within the 12 months of the trial"
ADULT = "Age of 18 years or more"
DRY = "A dry mouth that has lasted for at least 3 months"


def test_bullets_case_punctuation_and_typography_are_the_page_s_own() -> None:
    theirs = inclusion("BMI ≥ 27 kg/m^2;", DRY, "Able to consent") + exclusion(SMOKING, "Opioids; and")
    mine = exclusion("Opioids", SMOKING.upper() + ".") + inclusion("able to consent", "BMI >= 27 kg/m² and", DRY)
    assert word("criteria", mine, theirs) == "agrees"


def test_an_item_that_the_page_splits_says_the_same() -> None:
    whole = "Willing to attend all visits; able to give consent in writing"
    assert word("criteria", inclusion("Willing to attend all visits", "able to give consent in writing"), inclusion(whole)) == "agrees"


def test_an_older_wording_is_outdated_and_the_line_is_named() -> None:
    versions = past(
        record(criteria=exclusion(SMOKING.replace("6 months", "12 months"), PREGNANT)), record(criteria=exclusion(SMOKING, PREGNANT))
    )
    row = verdict(page(criteria=exclusion(PREGNANT, SMOKING.replace("6 months", "12 months"))), versions, "criteria")
    assert (row.verdict, row.since) == ("outdated", "2025-06-10")
    (item,) = row.items
    assert (item.what, item.group) == ("changed", "exclusion")
    assert (item.registry, item.listing) == (SMOKING, SMOKING.replace("6 months", "12 months"))


def test_a_number_that_the_registry_never_gave_contradicts() -> None:
    row = verdict(
        page(criteria=exclusion(SMOKING.replace("6", "9"), PREGNANT)), past(record(criteria=exclusion(SMOKING, PREGNANT))), "criteria"
    )
    assert (row.verdict, row.since, [item.what for item in row.items]) == ("contradicts", None, ["changed"])


def test_numbers_that_change_places_between_two_items_are_seen() -> None:
    theirs = exclusion("Smoking within the last 6 months", "Surgery within the last 12 months")
    mine = exclusion("Smoking within the last 12 months", "Surgery within the last 6 months")
    assert word("criteria", mine, theirs) == "contradicts"


def test_a_page_between_two_versions_is_outdated_since_the_first_step_that_it_missed() -> None:
    versions = past(
        record(criteria=exclusion(SMOKING.replace("6", "12"), PREGNANT.replace("12", "4"), "Opioids")),
        record(criteria=exclusion(SMOKING, PREGNANT.replace("12", "4"), "Opioids")),
        record(criteria=exclusion(SMOKING, PREGNANT, "Opioids")),
    )
    row = verdict(page(criteria=exclusion(SMOKING.replace("6", "12"), PREGNANT, "Opioids")), versions, "criteria")
    assert (row.verdict, row.since, row.was) == ("outdated", "2025-06-10", None)
    assert [item.since for item in row.items] == ["2025-06-10"]


def test_only_the_groups_that_the_page_states_are_compared() -> None:
    assert word("criteria", inclusion(ADULT), inclusion(ADULT) + exclusion(SMOKING)) == "agrees"


def test_a_criterion_in_the_wrong_group_contradicts() -> None:
    theirs = inclusion(ADULT, DRY) + exclusion(SMOKING, PREGNANT)
    row = verdict(page(criteria=inclusion(ADULT, DRY, SMOKING) + exclusion(PREGNANT)), past(record(criteria=theirs)), "criteria")
    assert row.verdict == "contradicts"
    assert [(item.what, item.group, item.listing) for item in row.items] == [("moved", "inclusion", SMOKING)]


def test_a_criterion_too_many_or_one_too_few_contradicts() -> None:
    assert word("criteria", inclusion(ADULT, DRY, "No opioids within 3 days"), inclusion(ADULT, DRY)) == "contradicts"
    assert word("criteria", inclusion(ADULT, DRY), inclusion(ADULT, DRY, "No opioids within 3 days")) == "contradicts"


@pytest.mark.parametrize(
    ("on_page", "reason"),
    [
        (inclusion("I am grown up.", "My mouth has been dry for a season.", "I can sign."), "in words of its own"),
        (inclusion(ADULT), "shows some of the criteria"),
        (inclusion("Patients must have a dry mouth that has lasted for at least 3 months", ADULT, "Able to consent"), "reworded"),
        (inclusion("A dry mouth that has …", ADULT, "Able to consent"), "cut off"),
    ],
)
def test_what_a_site_words_or_shows_its_own_way_cannot_be_compared(on_page: Any, reason: str) -> None:
    row = verdict(page(criteria=on_page), past(record(criteria=inclusion(ADULT, DRY, "Able to consent"))), "criteria")
    assert (row.verdict, row.reason) == ("incomparable", reason)


def test_a_remark_that_the_page_leaves_out_is_no_criterion() -> None:
    remark = inclusion("Please ask the study team about anything unclear", kind="note")
    assert word("criteria", inclusion(ADULT, DRY), inclusion(ADULT, DRY) + remark) == "agrees"


# --- twins -----------------------------------------------------------------------------------------------------------------


def test_the_texts_of_another_registration_are_not_compared_and_its_facts_are() -> None:
    now = record(overall_status="COMPLETED", brief_title=TITLE, criteria=exclusion(SMOKING), sex="ALL", enrollment=Enrollment(40, "ACTUAL"))
    twin = record(overall_status="RECRUITING", brief_title=TITLE[:40], criteria=exclusion("Smoker"), sex="ALL", enrollment=Enrollment(40))
    rows = audit(
        Listing(twin, ids=("2024-516715-25-00",), follows=("2024-516715-25-00",)), past(replace(now, overall_status="RECRUITING"), now)
    )
    words = {row.field: (row.verdict, row.reason) for row in rows}
    assert words["criteria"] == words["brief_title"] == ("incomparable", "follows EU CT 2024-516715-25-00")
    assert (words["overall_status"][0], words["sex"][0], words["enrollment"][0]) == ("outdated", "agrees", "agrees")


def test_a_text_of_another_registration_that_is_the_same_agrees() -> None:
    shown, now = record(brief_title=TITLE, lead_sponsor="Rigshospitalet"), record(brief_title=TITLE, lead_sponsor="Rigshospitalet, Denmark")
    rows = audit(Listing(shown, follows=("ISRCTN12345678",)), past(now))
    assert [row.verdict for row in rows] == ["agrees", "agrees"]


def test_what_another_registration_beside_this_one_may_say_contradicts_nothing() -> None:
    before = record(overall_status="RECRUITING", enrollment=Enrollment(60), brief_title=TITLE, sex="ALL", conditions=("Asthma",))
    now = replace(before, overall_status="COMPLETED", enrollment=Enrollment(40, "ACTUAL"))
    shown = replace(now, enrollment=Enrollment(120), sex="MALE", overall_status="WITHDRAWN", conditions=("Rhinitis",))
    both = Listing(shown, ids=("2024-516715-25-00",), beside=("2024-516715-25-00",))
    words = {row.field: (row.verdict, row.reason) for row in audit(both, past(before, now))}
    assert words["enrollment"] == words["conditions"] == ("incomparable", "follows EU CT 2024-516715-25-00 as well")
    assert words["overall_status"][0] == words["sex"][0] == "contradicts"
    assert words["brief_title"][0] == "agrees"
    late = replace(both, record=before)
    assert {row.field: row.verdict for row in audit(late, past(before, now))}["enrollment"] == "outdated"
    alone = replace(both, beside=())
    assert {row.field: row.verdict for row in audit(alone, past(before, now))}["enrollment"] == "contradicts"


# --- names in one line -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conditions", "line", "expected"),
    [
        (("Carcinoma, Non-Small-Cell Lung",), "Carcinoma, Non-Small-Cell Lung", "agrees"),
        (("Carcinoma, Non-Small-Cell Lung",), "carcinoma, non-small cell lung", "agrees"),
        (("Asthma", "Carcinoma, Non-Small-Cell Lung"), "Carcinoma, Non-Small-Cell Lung, Asthma", "agrees"),
        (("Carcinoma, Non-Small-Cell Lung",), "Carcinoma, Small-Cell Lung", "incomparable"),
        (("Carcinoma, Non-Small-Cell Lung",), "Carcinoma, Non-Small-Cell Lung, Asthma", "incomparable"),
        (("Asthma", "Rhinitis"), "Asthma, Rhinitis, Asthma", "incomparable"),
        (("Asthma", "Rhinitis"), "Asthma", "incomparable"),
        (("Lung Cancer", "Skin"), "Cancer, Lung, Skin", "incomparable"),
    ],
)
def test_a_line_of_conditions_agrees_where_it_names_each_of_them_and_nothing_else(
    conditions: tuple[str, ...], line: str, expected: str
) -> None:
    shown = Listing(record(), how={"conditions": "run_together"}, said={"conditions": line})
    row = verdict(shown, past(record(conditions=conditions)), "conditions")
    assert (row.verdict, row.listing) == (expected, line)


def test_a_hundred_names_in_a_line_take_no_time() -> None:
    names = tuple(" ".join(["a"] * count) for count in range(1, 40))
    shown = Listing(record(), how={"keywords": "run_together"}, said={"keywords": ", ".join(names)})
    assert verdict(shown, past(record(keywords=names)), "keywords").verdict in ("agrees", "incomparable")


# --- one title or the other ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["brief_title", "official_title"])
@pytest.mark.parametrize("shown", ["A Study of Drops in Dry Eyes", "A Randomised Study of Exampline Drops in Adults", "DRYSTAR", "drystar"])
def test_a_title_agrees_that_is_the_brief_or_the_official_one_or_the_acronym(field: str, shown: str) -> None:
    now = record(
        brief_title="A Study of Drops in Dry Eyes", official_title="A Randomised Study of Exampline Drops in Adults", acronym="DRYSTAR"
    )
    assert verdict(page(**{field: shown}), past(now), field).verdict == "agrees"
    assert verdict(page(**{field: "WETSTAR"}), past(now), field).verdict == "incomparable"
