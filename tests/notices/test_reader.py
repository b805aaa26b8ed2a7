"""What a patient reads: subject and first sentences, kind by kind (the table of news)."""

from __future__ import annotations

import msgspec
import pytest

from registry_sync.notices.i18n import translator
from registry_sync.notices.story import Story, story, subject
from registry_sync.trials.record import Contact, Dated, Enrollment, Location, Record
from tests.notices.told import RECORD, SITE, TRIAL, change, closing, news, notice, record


def told(*changes, **keys) -> Story:
    return story(news(*changes, **keys), "reader", "en")


def status(was: str | None, now: str | None, *, before: Record | None = RECORD, **fields) -> Story:
    return told(change("overall_status", was, now), before=before, after=record(overall_status=now, **fields))


@pytest.mark.parametrize(
    ("before", "after", "heading", "sentence"),
    [
        ("NOT_YET_RECRUITING", "RECRUITING", "A trial you follow has started recruiting", "this trial is looking for participants."),
        (None, "RECRUITING", "A trial you follow is recruiting", "this trial is looking for participants."),
        ("ACTIVE_NOT_RECRUITING", "RECRUITING", "A trial you follow is recruiting again", "looking for participants again."),
        ("SUSPENDED", "RECRUITING", "A trial you follow is recruiting again", "looking for participants again."),
        (
            "RECRUITING",
            "ACTIVE_NOT_RECRUITING",
            "A trial you follow is no longer recruiting",
            "the trial goes on, but takes no new participants.",
        ),
        ("SUSPENDED", "ACTIVE_NOT_RECRUITING", "A trial you follow goes on without new participants", "People already in it continue."),
        (
            "RECRUITING",
            "ENROLLING_BY_INVITATION",
            "A trial you follow takes participants by invitation only",
            "It is not open to the public",
        ),
        ("RECRUITING", "SUSPENDED", "A trial you follow has paused", "recruiting has stopped for now and may start again."),
        ("RECRUITING", "TERMINATED", "A trial you follow has ended early", "the trial has stopped early and will not start again."),
        ("NOT_YET_RECRUITING", "WITHDRAWN", "A trial you follow will not take place", "was called off before anyone took part."),
        (
            "ACTIVE_NOT_RECRUITING",
            "COMPLETED",
            "A trial you follow has finished",
            "Results are not posted yet; posting can take a year or more.",
        ),
        ("RECRUITING", "UNKNOWN", "A trial you follow: information may be out of date", "This does not mean that the trial stopped."),
        ("RECRUITING", "WITHHELD", "A trial you follow: details are not shown", "(“withheld”)"),
        ("RECRUITING", "NOT_YET_RECRUITING", "A trial you follow is not recruiting yet", "gives no reason for this step."),
        ("AVAILABLE", "NO_LONGER_AVAILABLE", "Expanded access is no longer available in a record you follow", "no longer available."),
        ("RECRUITING", "SOME_NEW_TOKEN", "A trial you follow has another status", "the status is now “Some new token”."),
        ("RECRUITING", None, "A trial you follow: its status is not shown any more", "no longer says whether the trial is recruiting."),
    ],
)
def test_a_step_of_the_status(before: str | None, after: str | None, heading: str, sentence: str) -> None:
    heard = status(before, after)
    assert heard.subject == f"{heading} ({TRIAL})"
    assert sentence in heard.text


def test_the_first_sentence_names_the_source_and_its_date() -> None:
    heard = status("NOT_YET_RECRUITING", "RECRUITING")
    assert heard.sentences[0] == "The registry ClinicalTrials.gov says as of 3 February 2026: this trial is looking for participants."


def test_unknown_has_the_day_it_was_seen_since_the_registry_sets_it_without_a_date() -> None:
    heard = told(change("overall_status", "RECRUITING", "UNKNOWN", registry_date="2024-01-01"), after=record(overall_status="UNKNOWN"))
    assert heard.sentences[0].startswith("Seen at the registry ClinicalTrials.gov on 3 February 2026: the trial team has not confirmed")


def test_out_of_unknown_the_step_is_told_from_the_last_known_status() -> None:
    before = record(overall_status="UNKNOWN", last_known_status="RECRUITING")
    assert status("UNKNOWN", "ACTIVE_NOT_RECRUITING", before=before).subject == f"A trial you follow is no longer recruiting ({TRIAL})"
    assert status("UNKNOWN", "RECRUITING", before=before).subject == f"A trial you follow: its information is confirmed again ({TRIAL})"
    assert (
        status("UNKNOWN", "ACTIVE_NOT_RECRUITING", before=None).subject == f"A trial you follow goes on without new participants ({TRIAL})"
    )


def test_the_last_known_status_is_told_by_the_change_when_the_record_before_is_not_at_hand() -> None:
    heard = told(
        change("overall_status", "UNKNOWN", "ACTIVE_NOT_RECRUITING"),
        change("last_known_status", "RECRUITING", None, significance="housekeeping"),
        before=None,
    )
    assert heard.subject == f"A trial you follow is no longer recruiting ({TRIAL})"
    assert len(heard.items) == 1


@pytest.mark.parametrize("after", ["SUSPENDED", "TERMINATED", "WITHDRAWN"])
def test_the_reason_is_quoted_in_full_or_said_to_be_missing(after: str) -> None:
    given = status("RECRUITING", after, why_stopped="Slow accrual, " * 40)
    assert f"Reason given by the trial team: “{('Slow accrual, ' * 40).strip()}”." in given.text
    assert "Reason given by the trial team: none given." in status("RECRUITING", after).text
    assert ("The registry says nothing more about it." in given.sentences) == (after == "TERMINATED")


def test_open_sites_are_counted_when_a_trial_opens() -> None:
    assert "Listed sites: Copenhagen (1 of 1 open)." in status("NOT_YET_RECRUITING", "RECRUITING").text


def test_many_sites_are_counted_by_country() -> None:
    sites = tuple(
        Location(city=f"City {n}", country="Denmark" if n < 3 else "Sweden", status="RECRUITING" if n % 2 else None) for n in range(9)
    )
    heard = status("NOT_YET_RECRUITING", "RECRUITING", locations=sites)
    assert "Listed sites: Sweden (3 of 6 open) and Denmark (1 of 3 open)." in heard.text


def test_sites_that_follow_the_status_are_one_sentence_and_never_one_by_one() -> None:
    heard = story(closing().news[0], "reader", "en")
    assert [item.heading for item in heard.items] == ["What the trial is doing"]
    assert "The registry no longer shows site contacts." in heard.sentences
    assert "other change" not in heard.text


def test_the_most_significant_change_heads_the_story() -> None:
    heard = told(
        change("brief_summary", "a", "b", id=1, significance="minor", reader_significance="housekeeping"),
        change("criteria", "12 months", "6 months", id=2, group="exclusion"),
        change("overall_status", "RECRUITING", "ACTIVE_NOT_RECRUITING", id=3),
    )
    assert heard.subject.startswith("A trial you follow is no longer recruiting")
    assert [item.heading for item in heard.items] == [
        "What the trial is doing",
        "Changed rule on who may not take part",
        "Short description",
    ]
    assert heard.sentences[-1] == "2 other changes are listed below."


def test_a_status_that_went_and_came_back_is_told_both_times() -> None:
    heard = told(change("overall_status", "RECRUITING", "SUSPENDED", id=1), change("overall_status", "SUSPENDED", "RECRUITING", id=2))
    assert heard.subject == f"A trial you follow is recruiting again ({TRIAL})"
    assert len(heard.items) == 2


def test_a_changed_rule_is_not_quoted_in_the_first_sentences_and_marked_below() -> None:
    heard = told(change("criteria", "Smoke-free for 12 months", "Smoke-free for 6 months", group="exclusion"))
    assert heard.subject == f"Who may take part has changed in a trial you follow ({TRIAL})"
    assert "1 rule on who may take part has changed." in heard.text
    assert "Only the study team can say what it means for one person." in heard.text
    assert "Smoke" not in heard.text
    assert ("12", "removed") in heard.items[0].before_runs
    assert ("6", "added") in heard.items[0].after_runs


def test_a_mere_rewording_is_told_as_new_words() -> None:
    heard = told(change("criteria", "Adults of 18", "Adults aged 18", group="inclusion", reader_significance="minor", significance="minor"))
    assert heard.subject == f"A rule is worded anew in a trial you follow ({TRIAL})"


def test_a_completion_that_slips_is_told_in_words_and_as_a_plan() -> None:
    heard = told(change("completion_date", Dated("2025-12-31", "ESTIMATED"), Dated("2026-06", "ESTIMATED"), significance="minor"))
    assert heard.subject == f"New expected end date ({TRIAL})"
    assert "the expected last visit moved from 31 December 2025 to June 2026, 6 months later." in heard.text
    assert "This is a plan; it can change again." in heard.text


def test_a_date_that_became_a_fact_is_not_told_as_a_slip() -> None:
    heard = told(change("start_date", Dated("2025-01", "ESTIMATED"), Dated("2025-01-21", "ACTUAL")))
    assert "the start of the trial is given as 21 January 2025." in heard.text
    assert "later" not in heard.text


def test_a_date_without_a_type_is_told_as_neither_a_plan_nor_a_fact() -> None:
    heard = told(change("start_date", Dated("1998-04"), Dated("1998-05")))
    assert heard.subject == f"The start date is given for a trial you follow ({TRIAL})"
    assert "the start of the trial is given as May 1998." in heard.text
    assert not any(word in heard.text for word in ("plan", "fact", "expected"))


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        (Enrollment(40, "ESTIMATED"), Enrollment(60, "ESTIMATED"), "the planned number of participants is now 60; before, it was 40."),
        (None, Enrollment(60, "ESTIMATED"), "the planned number of participants is now 60."),
        (Enrollment(40, "ESTIMATED"), Enrollment(37, "ACTUAL"), "40 were planned. A count and a plan often differ."),
        (Enrollment(40, "ESTIMATED"), None, "the entry has changed here: Number of participants."),
    ],
)
def test_the_number_of_participants(before: Enrollment | None, after: Enrollment | None, sentence: str) -> None:
    assert sentence in told(change("enrollment", before, after)).text


def test_a_site_that_opens_is_told_by_its_country() -> None:
    opened = Location(facility="H", city="Aarhus", country="Denmark", status="RECRUITING")
    heard = told(change("locations", None, opened, operation="added"))
    assert heard.subject == f"A site in Denmark is now listed as recruiting ({TRIAL})"
    assert "Aarhus (Denmark) was added; it is listed as recruiting." in heard.sentences
    assert "Aarhus" not in heard.subject
    assert story(news(change("locations", None, opened, operation="added")), "reader", "da").subject.startswith(
        "Et sted i Danmark søger nu"
    )


@pytest.mark.parametrize(
    ("was", "now", "operation", "sentence"),
    [
        (None, None, "added", "Aarhus (Denmark) was added to the list."),
        ("RECRUITING", None, "removed", "Aarhus (Denmark) is no longer listed."),
        ("SUSPENDED", "RECRUITING", "changed", "Aarhus (Denmark) is now listed as recruiting."),
        ("RECRUITING", "COMPLETED", "changed", "Aarhus (Denmark) is not listed as recruiting any more."),
        ("SUSPENDED", "WITHDRAWN", "changed", "Aarhus (Denmark): the details have changed."),
    ],
)
def test_a_site_alone_is_told_by_its_city(was: str | None, now: str | None, operation: str, sentence: str) -> None:
    sites = [Location(facility="H", city="Aarhus", country="Denmark", status=token) for token in (was, now)]
    before = None if operation == "added" else sites[0]
    after = None if operation == "removed" else sites[1]
    records = [record(locations=(SITE, *([site] if site else []))) for site in (before, after)]
    heard = told(change("locations", before, after, operation=operation), before=records[0], after=records[1])
    assert heard.sentences[1:] == (sentence, "Other sites did not change.")
    others = record(locations=(*(records[1].locations or ()), Location(city="Odense", country="Denmark")))
    heard = told(change("locations", before, after, operation=operation), before=records[0], after=others)
    assert heard.sentences[1:] == (sentence,)


def test_contacts_of_a_site_are_no_change_of_the_list_of_sites() -> None:
    named = msgspec.structs.replace(SITE, contacts=(Contact(name="Contact B", phone="556"),))
    heard = told(change("locations", SITE, named), before=record(locations=(SITE,)), after=record(locations=(named,)))
    assert heard.subject == f"Contacts of a site have changed in a trial you follow ({TRIAL})"
    assert "the contacts of 1 site have changed." in heard.sentences[0]
    assert heard.sentences[1:] == ("Copenhagen (Denmark): the contacts have changed.", "Other sites did not change.")


def test_a_site_that_closes_leaves_the_list_of_sites_as_it_is() -> None:
    closed = msgspec.structs.replace(SITE, status="COMPLETED")
    open_still = Location(facility="H", city="Aarhus", country="Denmark", status="RECRUITING")
    heard = told(change("locations", SITE, closed), after=record(locations=(closed, open_still)))
    assert heard.subject == f"A site is not listed as recruiting any more ({TRIAL})"
    assert "list of sites" not in heard.text


def test_a_site_without_any_name_is_a_site() -> None:
    assert "A site was added to the list." in told(change("locations", None, {"zip": "1"}, operation="added")).sentences


def test_many_sites_are_told_as_numbers() -> None:
    opened = [Location(facility=f"H{n}", city=f"C{n}", country="Denmark", status="RECRUITING") for n in range(4)]
    heard = told(*(change("locations", None, site, id=n, operation="added") for n, site in enumerate(opened)))
    assert "Denmark: 4 sites added and 4 of them listed as recruiting." in heard.sentences


def test_sites_of_several_countries_are_a_number() -> None:
    opened = [Location(facility="H", country=country, status="RECRUITING") for country in ("Denmark", "Sweden")]
    heard = told(*(change("locations", None, site, id=n, operation="added") for n, site in enumerate(opened)))
    assert heard.subject == f"2 sites are now listed as recruiting ({TRIAL})"


def test_a_country_that_is_shut_heads_the_story_whatever_opens_elsewhere() -> None:
    closed = Location(facility="Rigshospitalet", city="Copenhagen", country="Denmark", status="COMPLETED")
    new = Location(facility="H", city="Lyon", country="France", status="RECRUITING")
    heard = told(
        change("locations", SITE, closed),
        change("locations", None, new, id=2, operation="added", significance="minor", reader_significance="minor"),
        after=record(locations=(closed, new)),
    )
    assert heard.subject == f"No site in Denmark is listed as recruiting any more ({TRIAL})"


def test_the_last_open_site_of_a_country() -> None:
    closed = Location(facility="Rigshospitalet", city="Copenhagen", country="Denmark", status="COMPLETED")
    heard = told(change("locations", SITE, closed), after=record(locations=(closed,)))
    assert heard.subject == f"No site in Denmark is listed as recruiting any more ({TRIAL})"


def test_a_hostile_country_is_only_a_name() -> None:
    site = Location(country="{trial}{0}\r\nBcc: b@example.org", status="RECRUITING")
    heard = told(change("locations", None, site, operation="added"))
    assert heard.subject == f"A site in trial0 Bcc: b@example.org is now listed as recruiting ({TRIAL})"


def test_results_are_posted() -> None:
    heard = told(
        change("has_results", None, True, id=1),
        change("results_first_post_date", None, Dated("2026-02-01", "ACTUAL"), id=2),
        after=record(has_results=True),
    )
    assert heard.subject == f"Results are posted for a trial you follow ({TRIAL})"
    assert "other change" not in heard.text
    assert told(change("has_results", True, False)).subject == f"Results are not shown any more for a trial you follow ({TRIAL})"


@pytest.mark.parametrize(
    ("state", "topic", "heading"),
    [
        ("found", "registry", "A search watched for you found a trial"),
        ("absent", "registry", "A trial you follow is not in the registry any more"),
        ("present", "registry", "A trial you follow is in the registry again"),
        ("merged", "registry", "A trial you follow now stands under another number"),
        ("fell behind", "listing", "A web page about a trial you follow is older than the registry"),
        ("agrees again", "listing", "A web page about a trial you follow agrees with the registry again"),
        ("contradicts", "listing", "A web page about a trial you follow differs from the registry"),
        ("unreadable", "listing", "News about a web page on a trial you follow"),
        ("overdue", "deadlines", "News about the registry entry of a trial you follow"),
    ],
)
def test_news_about_the_trial_as_a_whole(state: str, topic: str, heading: str) -> None:
    heard = told(change(topic, None, state, topic=topic, source="https://finder.example.org/t/1" if topic == "listing" else "ctgov"))
    assert heard.subject == f"{heading} ({TRIAL})"
    assert ("finder.example.org" in heard.sentences[0]) == (topic == "listing")


@pytest.mark.parametrize("registry_date", ["2019-03-12", None])
def test_a_trial_that_a_search_found_is_not_told_as_new_nor_with_the_date_of_its_record(registry_date: str | None) -> None:
    heard = told(change("registry", "absent", "found", topic="registry", registry_date=registry_date))
    assert heard.sentences[0].startswith("Seen at the registry ClinicalTrials.gov on 3 February 2026: ")
    assert "What the trial is doing: Recruiting (looking for participants)." in heard.sentences
    assert "2019" not in heard.text
    assert " new " not in f" {heard.text} ".lower()
    (item,) = heard.items
    assert (item.before, item.after) == (None, "found by a search")


def test_a_contact_that_was_taken_down_is_named_without_its_number() -> None:
    heard = told(
        change("central_contacts", {"name": "Contact A", "phone": "555-0100"}, {"name": "Contact A", "phone": "555-0199"}),
        change("central_contacts", {"name": "Contact B", "phone": "555-0101"}, None, id=2, operation="removed"),
    )
    shown = " ".join(f"{item.before} {item.after}" for item in heard.items)
    assert "555-0199" in shown
    assert "555-0100" not in shown
    assert "555-0101" not in shown


def test_untold_changes_are_not_told_to_readers() -> None:
    heard = told(change("has_results", None, True), change("keywords", None, "x", id=2, operation="added", reader_significance="untold"))
    assert len(heard.items) == 1


def test_several_trials_are_a_digest_whose_subject_counts_them() -> None:
    three = [news(change("has_results", None, True), trial=f"NCT0000000{n}") for n in range(1, 4)]
    assert subject(notice(*three, every="day")) == "3 trials you follow have news"
    assert subject(notice(*three, every="day", role="coordinator")) == "3 trials changed: NCT00000001, NCT00000002, NCT00000003"
    assert subject(notice(*three, every="day", language="da")) == "Der er nyt om 3 forsøg, du følger"
    assert subject(notice()) == "News about trials you follow"
    assert subject(notice(three[0], every="day")) == "Results are posted for a trial you follow (NCT00000001)"


def test_without_any_change_a_story_still_says_something() -> None:
    assert story(news(), "reader", "en").sentences == ("There is nothing new in this entry.",)


def test_the_title_is_in_the_story_and_never_in_the_subject() -> None:
    heard = status("RECRUITING", "COMPLETED")
    assert heard.title == RECORD.brief_title
    assert RECORD.brief_title not in heard.subject


def test_a_country_is_named_in_the_readers_language_wherever_a_site_stands() -> None:
    from registry_sync.notices.values import describe

    site = {"facility": "Fjord Clinic", "city": "Oslo", "country": "Norway", "status": "RECRUITING"}
    assert describe("locations", site, translator("da"), "reader").startswith("Fjord Clinic, Oslo, Norge (")
    assert describe("locations", site, translator("da"), "coordinator").startswith("Fjord Clinic, Oslo, Norway (")
    assert describe("locations", site, translator("en"), "reader").startswith("Fjord Clinic, Oslo, Norway (")
