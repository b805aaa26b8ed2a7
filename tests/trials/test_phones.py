"""A telephone number of somebody who was taken down goes from every text, whatever digits stand beside it, and nothing else goes."""

from __future__ import annotations

import pytest

from registry_sync.trials import people, phones
from registry_sync.trials.people import GONE


def left(text: str, field: str) -> str:
    return people.text_without(text, people.listed({"centralContacts": [{"name": "Contact Old", "phone": field}]}))


@pytest.mark.parametrize(
    ("field", "text", "rest"),
    [
        ("+45 20 30 40 51", "20304051/20304099", "[…]/20304099"),
        ("+45 20 30 40 51", "20 30 40 51 / 20 30 40 99", "[…] / 20 30 40 99"),
        ("+45 20 30 40 51", "20 30 40 99 20 30 40 51", "20 30 40 99 […]"),
        ("+45 20 30 40 51", "24/7 20304051", "24/7 […]"),
        ("+45 20 30 40 51", "20304051 24/7", "[…] 24/7"),
        ("+45 20 30 40 51", "Site 2 20 30 40 51", "Site 2 […]"),
        ("+45 20 30 40 51", "room 245 20304051", "room 245 […]"),
        ("+45 20 30 40 51", "20304051-2", "[…]-2"),
        ("+45 20 30 40 51", "20 30 40 51/52", "[…]/52"),
        ("+45 20 30 40 51", "call +45&nbsp;20&#160;30 40\n51.", "call […]."),
        ("+45 20 30 40 51", "２０３０４０５１", "[…]"),
        ("20 30 40 51", "+45 20 30 40 51, (+45) 20304051", "[…], […]"),
        ("800-555-0199", "800-555-0199 24/7", "[…] 24/7"),
        ("800-555-0199", "800-555-0199 (7 days)", "[…] (7 days)"),
        ("800-555-0199", "800-555-0199 2024-05-01", "[…] 2024-05-01"),
        ("800-555-0199", "713-555-0100/1-800-555-0199", "713-555-0100/[…]"),
        ("800-555-0199", "call 1 (800) 555-0199 x3", "call 1 […] x3"),
        ("0041 44 555 66 77", "+41445556677 / 044 555 66 77", "[…] / […]"),
        ("0041 44 555 66 77", "044/555.66.77, +41 (0)44 5556677", "[…], […]"),
        ("+86-021-65115006-3050", "+86 21 65115006 or (021) 65115006-3050", "[…] or […]"),
        ("+4520304051", "99920304051234, 1234567820304051", "99920304051234, 1234567820304051"),
        ("+4520304051", "NCT20304051, NCT 12030405, 20304052", "NCT20304051, NCT 12030405, 20304052"),
        ("20240501", "2024-05-01, 05/01/2024, 20 24 05 01", "2024-05-01, 05/01/2024, […]"),
        ("please mail", "711, 20304051", "711, 20304051"),
    ],
)
def test_a_number_goes_whatever_stands_beside_it(field: str, text: str, rest: str) -> None:
    assert left(text, field) == rest


@pytest.mark.parametrize(
    ("field", "several"),
    [
        ("713-792-2121 or 1-800-392-1611", {"7137922121", "18003921611"}),
        ("713-792-2121; 800-392-1611", {"7137922121", "8003921611"}),
        ("713-792-2121, 800-392-1611", {"7137922121", "8003921611"}),
        ("35 45 35 45 / 20 30 40 50", {"35453545", "20304050"}),
        ("35 45 35 45 20 30 40 50", {"3545354520304050", "35453545", "20304050"}),
        ("+33 1 40 25 83 55/+33 1 40 25 80 00", {"0033140258355", "0033140258000"}),
        ("20 30 40 51/52", {"20304051", "20304052"}),
        ("0032/16337009", {"003216337009"}),
        ("+49 6221/5639539", {"0049" + "62215639539"}),
        ("044/555.66.77", {"0445556677"}),
        ("713-792-2121x12", {"7137922121"}),
        ("915504800ext2805", {"915504800"}),
        ("713-792-2121 ext. 12", {"7137922121"}),
        ("021-38804518-22113", {"0213880451822113", "02138804518"}),
        ("1-833-445-3230 (GILEAD-0)", {"18334453230"}),
        ("+81-3-6225-1111 (M-F 9-5 JST", {"0081362251111"}),
        ("（+86）138 1139 4004", {"008613811394004"}),
        ("Please email", set()),
    ],
)
def test_a_field_is_taken_apart_into_its_numbers(field: str, several: set[str]) -> None:
    assert phones.numbers(field) == several
    for number in several:
        assert left(f"call {number} first", field) == f"call {GONE} first"


def test_the_number_that_is_still_listed_stays_in_a_field_that_has_both() -> None:
    old = {"centralContacts": [{"phone": "713-792-2121 or 1-800-392-1611", "phoneExt": "7"}]}
    gone = people.listed(old) - people.listed({"centralContacts": [{"phone": "1-800-392-1611"}]})
    assert people.without(old, gone) == {"centralContacts": [{"phone": "[…] or 1-800-392-1611", "phoneExt": "7"}]}
    assert people.without(old, people.listed(old)) == {"centralContacts": [{}]}


def test_a_number_in_the_field_for_an_extension_is_one() -> None:
    gone = people.listed({"contacts": [{"phone": "86 21 6511 5006", "phoneExt": "+86 156 1190 8212"}]})
    assert people.text_without("156 1190 8212, 82120", gone) == "[…], 82120"


def test_what_a_text_still_shows_is_not_taken_down() -> None:
    gone = people.listed({"contacts": [{"phone": "+45 20 30 40 51"}, {"phone": "+45 20 30 40 99"}]})
    assert gone - people.shown({"text": "open 24/7 20304051/52"}) == people.listed({"contacts": [{"phone": "+45 20 30 40 99"}]})
