"""What a coordinator reads: tokens, dates with their type, counts, and which rule may apply."""

from __future__ import annotations

import msgspec
import pytest

from registry_sync.notices.story import Story, story
from registry_sync.trials.record import Criterion, Dated, Enrollment, Location
from tests.notices.told import SITE, TRIAL, change, closing, news, record


def told(*changes, **keys) -> Story:
    return story(news(*changes, **keys), "coordinator", "en")


def status(before: str, after: str, **fields) -> Story:
    return told(change("overall_status", before, after), after=record(overall_status=after, **fields))


def test_the_subject_has_both_tokens_and_the_date() -> None:
    assert status("RECRUITING", "ACTIVE_NOT_RECRUITING").subject == f"{TRIAL}: RECRUITING → ACTIVE_NOT_RECRUITING, posted 2026-02-03"


def test_the_first_sentence_names_the_source_and_its_date() -> None:
    first = status("RECRUITING", "ACTIVE_NOT_RECRUITING").sentences[0]
    assert first == "ClinicalTrials.gov, posted 2026-02-03: overall status RECRUITING → ACTIVE_NOT_RECRUITING."
    unposted = told(change("overall_status", "RECRUITING", "ACTIVE_NOT_RECRUITING", registry_date=None))
    assert unposted.sentences[0].startswith("ClinicalTrials.gov, seen 2026-02-03: ")
    assert unposted.subject == f"{TRIAL}: RECRUITING → ACTIVE_NOT_RECRUITING"


def test_sites_that_left_with_the_status_are_a_number() -> None:
    heard = story(closing("coordinator").news[0], "coordinator", "en")
    assert "Site status and contacts of 52 sites left the record with the status (normal)." in heard.sentences
    assert len(heard.items) == 1


def test_sites_are_counted_from_the_changes_when_the_record_before_is_not_at_hand() -> None:
    told_of = closing("coordinator", sites=3).news[0]
    heard = story(news(*told_of.changes, before=None, after=told_of.record), "coordinator", "en")
    assert "Site status and contacts of 3 sites left the record with the status (normal)." in heard.sentences


def test_sites_that_came_with_the_status_are_a_number() -> None:
    waiting = record(overall_status="NOT_YET_RECRUITING", locations=(Location(facility="H"),) * 2)
    heard = told(change("overall_status", "NOT_YET_RECRUITING", "RECRUITING"), before=waiting, after=record(locations=(SITE,) * 2))
    assert "2 sites gained a status and contacts with the overall status (normal)." in heard.sentences
    without = record(locations=(msgspec.structs.replace(SITE, contacts=()),))
    heard = told(change("overall_status", "NOT_YET_RECRUITING", "RECRUITING"), before=waiting, after=without)
    assert "1 site gained a status with the overall status (normal)." in heard.sentences
    bare = msgspec.structs.replace(SITE, status=None)
    heard = told(
        change("overall_status", "NOT_YET_RECRUITING", "RECRUITING"),
        change("locations", bare, None, id=2, significance="housekeeping", reader_significance="untold"),
        change("locations", Location(facility="H"), bare, id=3, significance="housekeeping", reader_significance="untold"),
        before=None,
    )
    assert "1 site gained a status or contacts with the overall status (normal)." in heard.sentences


@pytest.mark.parametrize(
    ("before", "after", "fields", "sentence"),
    [
        ("NOT_YET_RECRUITING", "RECRUITING", {}, "Start date 2025-01-21 ACTUAL."),
        ("ACTIVE_NOT_RECRUITING", "RECRUITING", {}, "EU trials: a restart of recruitment is to be notified within 15 days"),
        ("RECRUITING", "ACTIVE_NOT_RECRUITING", {}, "Enrolment 40 ESTIMATED, unchanged."),
        ("RECRUITING", "ACTIVE_NOT_RECRUITING", {}, "(Regulation (EU) 536/2014, Article 36); the record does not hold that day."),
        ("RECRUITING", "SUSPENDED", {"why_stopped": "FDA"}, "whyStopped: “FDA”."),
        ("RECRUITING", "SUSPENDED", {}, "the record cannot tell which."),
        ("RECRUITING", "TERMINATED", {}, "whyStopped: none given."),
        ("RECRUITING", "TERMINATED", {}, "Primary completion 2025-12-31 ESTIMATED; study completion 2025-12-31 ESTIMATED."),
        ("RECRUITING", "WITHDRAWN", {"enrollment": Enrollment(0, "ACTUAL")}, "Enrolment is 0 ACTUAL."),
        ("RECRUITING", "WITHDRAWN", {}, "Enrolment is 40 ESTIMATED, not 0 ACTUAL: check the record."),
        (
            "ACTIVE_NOT_RECRUITING",
            "COMPLETED",
            {"primary_completion_date": Dated("2024-02-29", "ACTUAL")},
            "Results under 42 CFR 11.44(a), if it applies, by 2025-02-28.",
        ),
        ("ACTIVE_NOT_RECRUITING", "COMPLETED", {"has_results": True}, "Results are posted."),
        ("RECRUITING", "ENROLLING_BY_INVITATION", {}, "Not open to the public."),
        ("RECRUITING", "ACTIVE_NOT_RECRUITING", {"enrollment": None}, "Enrolment not stated."),
    ],
)
def test_what_follows_from_a_status(before: str, after: str, fields: dict, sentence: str) -> None:
    assert sentence in status(before, after, **fields).text


def test_a_count_is_told_beside_the_plan_and_not_as_a_cut() -> None:
    heard = told(
        change("overall_status", "ACTIVE_NOT_RECRUITING", "COMPLETED"),
        change("enrollment", Enrollment(40, "ESTIMATED"), Enrollment(37, "ACTUAL"), id=2, significance="minor"),
        after=record(overall_status="COMPLETED", enrollment=Enrollment(37, "ACTUAL")),
    )
    assert "Enrolment 40 planned, 37 actual." in heard.sentences


def test_unknown_names_the_registrys_rule_with_its_two_dates() -> None:
    heard = status("RECRUITING", "UNKNOWN", completion_date=Dated("2025-11-04", "ESTIMATED"))
    assert heard.subject == f"{TRIAL}: RECRUITING → UNKNOWN by registry rule (verified 2024-02, completion 2025-11-04)"
    assert "No update was submitted: the registry set it." in heard.text


def test_out_of_unknown_the_last_known_status_is_named() -> None:
    before = record(overall_status="UNKNOWN", last_known_status="RECRUITING")
    moved = told(change("overall_status", "UNKNOWN", "ACTIVE_NOT_RECRUITING"), before=before)
    assert "The last known status before UNKNOWN was RECRUITING." in moved.sentences
    assert moved.subject.startswith(f"{TRIAL}: UNKNOWN (last known RECRUITING) → ACTIVE_NOT_RECRUITING")
    back = told(change("overall_status", "UNKNOWN", "RECRUITING"), before=before)
    assert "This is the last known status again: the record was updated and verified." in back.sentences


def test_criteria_are_counted_by_what_happened_to_them() -> None:
    heard = told(
        change("criteria", "a", "b", id=1, group="exclusion"),
        change("criteria", None, "c", id=2, group="inclusion", operation="added"),
        change("criteria", "d", None, id=3, group="inclusion", operation="removed"),
    )
    assert heard.subject == f"{TRIAL}: eligibility, 1 of 14 items reworded, 1 added, 1 removed, posted 2026-02-03"
    assert "42 CFR 11.64" in heard.text


@pytest.mark.parametrize(
    ("after", "fields", "detail"),
    [
        ("SUSPENDED", {}, "no reason given"),
        ("TERMINATED", {"why_stopped": "A disease"}, "reason given"),
        ("WITHDRAWN", {"enrollment": Enrollment(0, "ACTUAL")}, "0 enrolled"),
        ("COMPLETED", {"completion_date": Dated("2025-12-31", "ACTUAL")}, "completion 2025-12-31 ACTUAL"),
    ],
)
def test_the_subject_of_an_end_has_what_is_known_and_never_the_reason(after: str, fields: dict, detail: str) -> None:
    assert status("RECRUITING", after, **fields).subject == f"{TRIAL}: RECRUITING → {after}, posted 2026-02-03; {detail}"


def test_a_start_that_became_a_fact_is_told_with_the_opening() -> None:
    before = record(overall_status="NOT_YET_RECRUITING", start_date=Dated("2025-01", "ESTIMATED"))
    heard = told(change("overall_status", "NOT_YET_RECRUITING", "RECRUITING"), before=before)
    assert "Start date 2025-01-21 is now ACTUAL." in heard.sentences


def test_a_count_that_this_recipient_is_not_told_of_is_not_called_unchanged() -> None:
    after = record(overall_status="COMPLETED", enrollment=Enrollment(37, "ACTUAL"))
    heard = told(change("overall_status", "RECRUITING", "COMPLETED"), after=after)
    assert "Enrolment 40 planned, 37 actual." in heard.sentences
    heard = told(change("overall_status", "RECRUITING", "COMPLETED"), after=after, before=None)
    assert "Enrolment 37 ACTUAL." in heard.sentences


def test_few_reworded_items_are_quoted_with_their_number() -> None:
    after = record(criteria=(Criterion("inclusion", None, 0, "item", "Adults"), Criterion("exclusion", None, 0, "item", "Within 6 months")))
    heard = told(change("criteria", "Within 12 months", "Within 6 months", group="exclusion"), after=after)
    assert "Exclusion 1: “Within 12 months” → “Within 6 months”." in heard.sentences
    heard = told(change("criteria", "Two", "2", group=None), after=after)
    assert "Criterion: “Two” → “2”." in heard.sentences
    many = [change("criteria", f"a{n}", f"b{n}", id=n, group="inclusion") for n in range(4)]
    assert "“" not in told(*many, after=after).text


def test_sites_are_counted_by_country() -> None:
    sweden = Location(facility="S", country="Sweden", status="RECRUITING")
    heard = told(
        change("locations", None, sweden, id=1, operation="added"),
        change("locations", SITE, None, id=2, operation="removed"),
        after=record(locations=(sweden,)),
    )
    assert heard.subject == f"{TRIAL}: sites +1 / −1, 1 opened, 1 no longer open, posted 2026-02-03"
    assert heard.sentences[1:] == ("Denmark: +0 / −1, 1 no longer open; none is RECRUITING any more.", "Sweden: +1 / −0, 1 opened.")


def test_sites_that_the_registry_respelt_are_not_counted() -> None:
    respelt = msgspec.structs.replace(SITE, city="København")
    opened = Location(facility="S", country="Sweden", status="RECRUITING")
    heard = told(
        change("locations", SITE, respelt, id=1, significance="housekeeping"),
        change("locations", None, opened, id=2, operation="added", significance="minor"),
    )
    assert heard.subject == f"{TRIAL}: sites +1 / −0, 1 opened, posted 2026-02-03"
    assert "Not counted: 1 site that the registry respelt." in heard.sentences
    assert len(heard.items) == 2


def test_a_completion_that_slips_has_its_distance_types_and_precision() -> None:
    heard = told(change("completion_date", Dated("2025-12-31", "ESTIMATED"), Dated("2026-06", "ESTIMATED")))
    assert heard.subject == f"{TRIAL}: Study completion +6 months, posted 2026-02-03"
    assert "Study completion 2025-12-31 ESTIMATED → 2026-06 ESTIMATED (+6 months)." in heard.text
    assert "Its precision fell from day to month." in heard.sentences


def test_a_date_that_only_became_actual_has_no_distance() -> None:
    heard = told(change("start_date", Dated("2025-01-21", "ESTIMATED"), Dated("2025-01-21", "ACTUAL")))
    assert heard.subject == f"{TRIAL}: Study start 2025-01-21 ESTIMATED → 2025-01-21 ACTUAL, posted 2026-02-03"


def test_enrolment_has_both_counts_with_their_types() -> None:
    heard = told(change("enrollment", Enrollment(40, "ESTIMATED"), Enrollment(37, "ACTUAL")))
    assert heard.subject == f"{TRIAL}: enrolment 40 ESTIMATED → 37 ACTUAL, posted 2026-02-03"


def test_results_have_their_dates() -> None:
    after = record(has_results=True, results_first_post_date=Dated("2026-03-01", "ACTUAL"), results_first_submit_date="2026-01-05")
    heard = told(change("has_results", None, True), after=after)
    assert heard.subject == f"{TRIAL}: results first posted 2026-03-01"
    assert "First submitted 2026-01-05." in heard.sentences
    assert "The record says: RECRUITING, enrolment 40 ESTIMATED." in heard.sentences
    delayed = msgspec.structs.replace(after, results_delayed_date="2025-11-02", enrollment=None, overall_status=None)
    heard = told(change("has_results", None, True), after=delayed)
    assert "Certification of delay submitted 2025-11-02." in heard.sentences
    assert "The record says: not stated, enrolment not stated." in heard.sentences


def test_any_other_field_is_named_and_its_text_is_not_in_the_subject() -> None:
    heard = told(change("brief_title", "A disease", "Another disease"))
    assert heard.subject == f"{TRIAL}: Brief title changed, posted 2026-02-03"
    twice = told(*(change("keywords", None, f"k{n}", id=n, operation="added") for n in range(2)))
    assert twice.subject == f"{TRIAL}: Keywords: 2 changes, posted 2026-02-03"


def test_a_listing_page_is_named_with_its_state() -> None:
    heard = told(change("page", None, "fell behind", topic="listing", source="https://finder.example.org/t/1", registry_date=None))
    assert heard.subject == f"{TRIAL}: Listing page: is behind the registry"
    assert heard.sentences[0].startswith("https://finder.example.org/t/1, seen 2026-02-03: ")


def test_a_site_that_came_as_recruiting_opened_is_not_counted_as_one_that_gained_a_status() -> None:
    first, new = Location(city="Odense", country="Denmark"), Location(city="Aarhus", country="Denmark", status="RECRUITING")
    opened = msgspec.structs.replace(first, status="RECRUITING")
    heard = told(
        change("overall_status", "NOT_YET_RECRUITING", "RECRUITING"),
        change("locations", None, new, id=2, operation="added", significance="minor"),
        change("locations", first, opened, id=3, significance="housekeeping", reader_significance="untold"),
        before=record(overall_status="NOT_YET_RECRUITING", locations=(first,)),
        after=record(locations=(opened, new)),
    )
    assert "1 site gained a status with the overall status (normal)." in heard.sentences


def test_a_split_item_is_quoted_piece_by_piece() -> None:
    heard = told(change("criteria", "Stroke. Asthma.", "Stroke.\nAsthma.", group="exclusion", significance="minor"))
    assert "Exclusion criterion split: Stroke. | Asthma." in heard.sentences


def test_a_trial_that_a_search_found_has_its_status_and_the_day_it_was_seen() -> None:
    heard = told(change("registry", "absent", "found", topic="registry", registry_date="2019-03-12"))
    assert heard.subject == f"{TRIAL}: Registry record: found by a search"
    assert heard.sentences == (
        "ClinicalTrials.gov, seen 2026-02-03: Registry record: found by a search.",
        "Recruitment status: RECRUITING.",
    )
