"""What is told to everybody of a change in which people are named."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import asdict

from jobs import kept
from registry_sync.trials.changes import KeptChange

PERSON = {"name": "Contact A", "role": "CONTACT", "phone": "12345678", "email": "contact-a@example.org"}
OFFICIAL = {"name": "Contact A", "role": "PRINCIPAL_INVESTIGATOR", "affiliation": "A hospital"}
SITE = {
    "facility": "A hospital",
    "city": "Aarhus",
    "state": None,
    "zip": None,
    "country": "Denmark",
    "status": "RECRUITING",
    "contacts": [PERSON],
}
PARTY = {"type": "PRINCIPAL_INVESTIGATOR", "name": "Contact A"}


def told(field: str, before: Any, after: Any, operation: Any = "changed", source: str = "ctgov") -> KeptChange:
    return KeptChange(
        id=1,
        trial="NCT06805448",
        source=source,
        field=field,
        topic="places",
        operation=operation,
        before=before,
        after=after,
        registry_date=None,
        seen_at="2026-02-03T06:17:00Z",
    )


@pytest.mark.parametrize(
    ("change", "says", "in_danish"),
    [
        (told("central_contacts", PERSON, {**PERSON, "phone": "1"}), "Central contact changed: telephone", "telefon"),
        (
            told("central_contacts", PERSON, {**PERSON, "name": "Contact B", "email": "b@example.org"}),
            "Central contact changed: name, mail address",
            "",
        ),
        (told("central_contacts", None, PERSON, "added"), "Central contact added: Contact", "Kontakt"),
        (told("overall_officials", OFFICIAL, None, "removed"), "Overall official no longer listed: Principal investigator, A hospital", ""),
        (told("overall_officials", OFFICIAL, {**OFFICIAL, "affiliation": "B"}), "Overall official changed:", ""),
        (told("locations", SITE, {**SITE, "contacts": []}), "Site changed: A hospital, Aarhus, Denmark: contacts", ""),
        (
            told("locations", SITE, {**SITE, "status": "COMPLETED"}),
            "Site changed: A hospital, Aarhus, Denmark: status: Recruiting → Completed",
            "",
        ),
        (told("responsible_party", PARTY, {**PARTY, "name": "Contact B"}), "Responsible party: changed: name", ""),
        (
            told("interventions", {"name": "Saline"}, {"name": "Salt water"}),
            "Intervention changed: Salt water: name: Saline → Salt water",
            "",
        ),
    ],
)
def test_what_changed_is_told_without_who(change: KeptChange, says: str, in_danish: str) -> None:
    shown = kept.change(change)
    assert shown["summary"].startswith(says)
    assert in_danish in kept.in_words(change, "da")
    assert not [
        secret for secret in ("Contact A", "Contact B", "12345678", "@example.org") if secret in str(shown) + kept.in_words(change, "da")
    ]


def test_a_page_has_no_password_in_its_address() -> None:
    change = told("page", "agrees", "gone", source="https://user:secret@example.org/trials/NCT06805448?a=b@c")
    assert kept.change(change)["source"] == "https://example.org/trials/NCT06805448?a=b@c"


def test_neither_a_text_nor_the_detail_of_a_listing_keeps_a_mail_address() -> None:
    change = told("brief_summary", "Write to <contact-a@example.org>.", "Write to nobody.")
    assert kept.change(change)["before"] == "Write to <***>."
    detail = {"fields": [{"field": "locations", "registry": [SITE], "listing": "ask contact-a@example.org"}]}
    news = KeptChange(**{**asdict(told("page", "agrees", "contradicts")), "topic": "listing", "detail": detail})
    shown = str(kept.change(news))
    assert "A hospital" in shown
    assert not [secret for secret in ("Contact A", "12345678", "@example.org") if secret in shown]
