from __future__ import annotations

import datetime
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_sync.notices.letter import letter
from registry_sync.trials.audit import Difference, Past, Verdict, audit
from registry_sync.trials.listing import Listing
from registry_sync.trials.record import Record
from tests.trials.records import TRIAL, records

TITLE = "Stem Cells in Patients With Xerostomia Due to Sjögren's Disease"
PAGE = "https://www.finder.example/trials/NCT06805448"
RECORD = f"https://clinicaltrials.gov/study/{TRIAL}"
TODAY = datetime.date(2026, 2, 13)
CLOSED = Verdict(
    field="overall_status",
    verdict="outdated",
    registry="ACTIVE_NOT_RECRUITING",
    listing="RECRUITING",
    since="2026-02-03",
    was="RECRUITING",
)


def written(*verdicts: Verdict, **more: Any) -> str:
    return letter(TRIAL, TITLE, PAGE, verdicts, **{"registry_url": RECORD, "today": TODAY, **more})


def criteria(*items: Difference, verdict: Any = "contradicts") -> Verdict:
    return Verdict(field="criteria", verdict=verdict, registry=[], listing=[], items=items)


def test_it_says_to_whom_which_page_which_line_what_it_should_say_and_since_when() -> None:
    assert written(CLOSED) == (
        "To: the owners of finder.example\n"
        "Address: ________________________________________\n"
        "Subject: Please correct your page on the clinical trial NCT06805448\n"
        "\n"
        "Hello,\n"
        "\n"
        "Your page on the clinical trial NCT06805448 (“Stem Cells in Patients With\n"
        "Xerostomia Due to Sjögren's Disease”) differs from the trial's record at\n"
        "ClinicalTrials.gov in 1 point:\n"
        "\n"
        "   Your page:        https://www.finder.example/trials/NCT06805448\n"
        "   The record:       https://clinicaltrials.gov/study/NCT06805448\n"
        "\n"
        "1. Recruitment status\n"
        "   Out of date since 3 February 2026, for 10 days.\n"
        "   Your page says:   Recruiting (RECRUITING)\n"
        "   It should say:    Active, not recruiting (ACTIVE_NOT_RECRUITING)\n"
        "\n"
        "People who look for a trial rely on these lines. Please bring them in line\n"
        "with the record, which is the trial team's own entry. Should it have changed\n"
        "again after 13 February 2026, the record counts.\n"
        "\n"
        "Thank you, and kind regards\n"
    )


def test_nothing_wrong_is_no_letter() -> None:
    right = [Verdict(field="sex", verdict=word) for word in ("agrees", "unstated", "incomparable")]
    assert written(*right) == written() == ""


def test_only_what_is_wrong_is_in_it() -> None:
    text = written(Verdict(field="sex", verdict="agrees", registry="ALL", listing="ALL"), CLOSED)
    assert "Sex" not in text
    assert "1. Recruitment status" in text


def test_the_owners_address_is_used_where_it_is_known() -> None:
    assert "Address: web@finder.example\n" in written(CLOSED, contact="web@finder.example")


def test_the_page_s_own_words_for_a_status_are_quoted() -> None:
    text = written(Verdict(field="overall_status", verdict="contradicts", registry="RECRUITING", listing="Non Recruiting"))
    assert "Your page says:   “Non Recruiting”\n" in text
    assert "In no version of the record that we know.\n" in text


def test_a_day_that_is_not_known_is_not_made_up() -> None:
    text = written(Verdict(field="overall_status", verdict="outdated", registry="UNKNOWN", listing="RECRUITING"))
    assert "Out of date: the record said so before.\n" in text


def test_an_age_limit_that_the_record_does_not_have_is_no_limit() -> None:
    text = written(Verdict(field="maximum_age", verdict="contradicts", registry=None, listing="75 Years"))
    assert "Your page says:   75 years\n   It should say:    no limit\n" in text


def test_criteria_are_named_line_by_line_in_their_group() -> None:
    text = written(
        criteria(
            Difference(what="changed", registry="Smoking within 6 months", listing="Smoking within 12 months", group="exclusion"),
            Difference(what="missing", registry="Able to consent", group="inclusion"),
            Difference(what="extra", listing="Speaks Danish", group="inclusion"),
            Difference(what="moved", registry="Pregnant", listing="Pregnant", group="inclusion"),
            Difference(what="changed", registry="Opioids; steroids", listing="Opioids\nsteroid", group="exclusion"),
        )
    )
    assert (
        "   Inclusion criteria:\n"
        "   - Missing on your page:\n"
        "       Able to consent\n"
        "   - Not in the record:\n"
        "       Speaks Danish\n"
        "   - Listed under inclusion; it is an exclusion criterion:\n"
        "       Pregnant\n"
        "\n"
        "   Exclusion criteria:\n"
        "   - Your page says:\n"
        "       Smoking within 12 months\n"
        "     It should say:\n"
        "       Smoking within 6 months\n"
        "   - Your page says:\n"
        "       Opioids\n"
        "       steroid\n"
        "     It should say:\n"
        "       Opioids; steroids\n"
    ) in text


def test_sites_are_named_without_their_contacts() -> None:
    site = {"facility": "North Hospital", "city": "Oslo", "country": "Norway", "contacts": [{"name": "Contact A", "phone": "555"}]}
    text = written(Verdict(field="locations", verdict="contradicts", items=(Difference(what="missing", registry=site),)))
    assert "   - Missing on your page:\n       North Hospital, Oslo, Norway\n" in text
    assert "Contact A" not in text


def test_hundreds_of_sites_are_not_all_named() -> None:
    items = tuple(Difference(what="missing", registry={"city": f"Town {n}", "country": "Norway"}) for n in range(200))
    text = written(Verdict(field="locations", verdict="outdated", items=items))
    assert text.count("Missing on your page") == 40
    assert "   - and 160 more lines\n" in text


def test_in_danish() -> None:
    text = written(CLOSED, language="da")
    assert "Emne: Ret venligst jeres side om det kliniske forsøg NCT06805448\n" in text
    assert "Forældet siden 3. februar 2026, i 10 dage.\n" in text


@pytest.mark.parametrize("page", ["http://[", "not an address", "https://user:secret@finder.example/x\r\nBcc: a@example.org"])
def test_an_odd_address_of_a_page_breaks_no_line(page: str) -> None:
    head = letter(TRIAL, None, page, [CLOSED], registry_url=RECORD, today=TODAY).split("\n\n")[0]
    assert [line.split(":")[0] for line in head.splitlines()] == ["To", "Address", "Subject"]


HOSTILE = "evil\r\nBcc: a@example.org\n\n\u202ereversed\x1b[31m\u2028\ud800"


def test_what_a_page_says_stays_on_its_line() -> None:
    text = written(
        Verdict(field="brief_title", verdict="contradicts", registry="Title", listing=HOSTILE),
        criteria(Difference(what="extra", listing=HOSTILE, group="inclusion")),
        contact=HOSTILE,
    )
    assert not any(line.startswith("Bcc") for line in text.splitlines())
    assert not {unicodedata.category(character) for character in text if character != "\n"} & {"Cc", "Cf", "Cs", "Zl"}


@given(st.lists(records, min_size=1, max_size=3), records, st.sampled_from(["en", "da"]))
def test_any_audit_can_be_written_and_fits_the_width(history: list[Record], shown: Record, language: str) -> None:
    past = [Past("2025-01-27", "2025-01-28T06:17:04Z", version) for version in history]
    verdicts = audit(Listing(shown), past)
    text = letter(TRIAL, TITLE, PAGE, verdicts, registry_url=RECORD, today=TODAY, language=language)
    assert bool(text) == any(row.verdict in ("outdated", "contradicts") for row in verdicts)
    assert all(len(line) <= 76 or len(line.split()) <= 2 for line in text.splitlines())
