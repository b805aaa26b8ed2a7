"""Who is taken down by the registry goes from everything that is kept, and everything else stays as it is."""

from __future__ import annotations

import copy
import datetime
import json
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db import contacts, dated, upkeep
from db import history as versions
from db.connection import History
from jobs.retention import tidy
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL, Study
from registry_sync.trials import people
from tests.house import House, open_house

OLD = {"name": "Contact Old", "role": "CONTACT", "phone": "+45 35 45 12 34", "phoneExt": "77", "email": "old.contact@example.org"}
NEW = {"name": "Contact New", "role": "CONTACT", "phone": "+45 35 45 99 99", "email": "new.contact@example.org"}
LEADER = {"name": "Investigator Old, MD", "role": "PRINCIPAL_INVESTIGATOR", "affiliation": "Rigshospitalet"}
SUCCESSOR = {"name": "Investigator New, MD", "role": "PRINCIPAL_INVESTIGATOR", "affiliation": "Rigshospitalet"}


def with_people(study: Study, central: Sequence[Any], site: Sequence[Any], officials: Sequence[Any], posted: str) -> Study:
    edited = record.touched(study, posted)
    places = edited["protocolSection"]["contactsLocationsModule"]
    places["centralContacts"], places["overallOfficials"] = copy.deepcopy([*central]), copy.deepcopy([*officials])
    places["locations"][0]["contacts"] = copy.deepcopy([*site])
    return edited


def everything(history: History) -> str:
    """All that is kept, unpacked: what each table holds, and what each version is made of."""
    texts = []
    for row in history.rows("SELECT id FROM version"):
        texts += [versions.payload(history, row["id"]).decode("utf-8", "replace"), versions.record_json(history, row["id"]).decode()]
    for row in history.rows("SELECT name FROM sqlite_master WHERE type = 'table'"):
        for kept in history.rows(f'SELECT * FROM "{row["name"]}"'):
            texts.append(repr([value for value in kept.values() if not isinstance(value, bytes)]))
    return "\n".join(texts)


def in_the_file(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("history.db*") if path.name.endswith((".db", "-wal")))


def age(house: House, days: float) -> Any:
    house.at += datetime.timedelta(days=days)
    with house.history() as history:
        return tidy(house.around, history)


@pytest.fixture
def followed(house: House) -> House:
    """Two versions: the people of the first one have given way to others."""
    house.watch(TRIAL)
    house.subscribe("coordinator@example.org", role="coordinator")
    study = record.the_study()
    text = study["protocolSection"]["eligibilityModule"]
    text["eligibilityCriteria"] += "\n\nAsk Contact Old, +45 3545 1234 or Old.Contact@example.org, first."
    house.registry.put(with_people(study, [OLD], [OLD], [LEADER], "2026-02-03"))
    house.sync()
    house.registry.put(with_people(record.the_study(), [NEW], [NEW], [SUCCESSOR], "2026-02-04"))
    house.sync()
    return house


def test_who_was_taken_down_goes_after_the_days_of_the_settings(followed: House) -> None:
    assert age(followed, 28).contacts == 0
    with followed.history() as history:
        assert "old.contact@example.org" in everything(history)
    assert age(followed, 3).contacts == 1
    with followed.history() as history:
        kept = everything(history)
        for part in ("old.contact@example.org", "Old.Contact@", "+45 35 45 12 34", "3545 1234", '"77"', "Investigator Old"):
            assert part not in kept
        assert kept.count("Contact Old") == 3  # in the running text: what was sent, the record, and the change that it went
        for part in ("new.contact@example.org", "+45 35 45 99 99", "Investigator New", "Rigshospitalet"):
            assert part in kept


def test_nothing_of_them_is_in_the_file(followed: House) -> None:
    before = in_the_file(followed.folder)
    assert b"35 45 12 34" in before
    assert b"Investigator Old" in before
    age(followed, 60)
    after = in_the_file(followed.folder)
    assert b"35 45 12 34" not in after
    assert b"Investigator Old" not in after
    assert b"Investigator New" in after


def test_the_history_is_still_told(followed: House) -> None:
    before = [(change.id, change.field, change.operation, change.significance) for change in followed.changes(housekeeping=True)]
    age(followed, 60)
    assert [(change.id, change.field, change.operation, change.significance) for change in followed.changes(housekeeping=True)] == before
    (official,) = (change for change in followed.changes() if change.field == "overall_officials" and change.before)
    assert official.before == {"role": "PRINCIPAL_INVESTIGATOR", "affiliation": "Rigshospitalet"}
    with followed.history() as history:
        first = versions.at(history, TRIAL, "ctgov", "2026-02-03")
        assert first is not None
        assert first.number == 1
        assert first.record.brief_title == record.TITLE
        assert [site.contacts[0].role for site in first.record.locations or ()] == ["CONTACT"]
        assert upkeep.check_kept(history).damaged == ()
        assert upkeep.problem(history) is None


def test_it_is_done_once(followed: House) -> None:
    assert age(followed, 60).contacts == 1
    with followed.history() as history:
        assert contacts.due(history, "2027-01-01") == []
        assert contacts.redacted(history) == 1
    assert age(followed, 60).contacts == 0


def test_zero_keeps_them_for_ever(followed: House) -> None:
    followed.set("retention", old_contacts=0)
    assert age(followed, 3000).contacts == 0


def test_the_registry_is_told_of_as_before(followed: House) -> None:
    """The newest version is left as it came: what comes next is compared with it."""
    age(followed, 60)
    assert followed.sync().changes == 0
    followed.registry.put(record.with_completion(followed.registry.study(TRIAL), "2027-06-01", posted="2026-04-09"))
    assert followed.sync().changes == 1
    with followed.history() as history:
        assert [row["number"] for row in history.rows("SELECT number FROM version ORDER BY id")] == [1, 2, 3]
        assert upkeep.check_kept(history).damaged == ()


def test_who_is_still_listed_elsewhere_stays(house: House) -> None:
    house.watch(TRIAL)
    house.registry.put(with_people(record.the_study(), [OLD], [], [], "2026-02-03"))
    house.sync()
    house.registry.put(with_people(record.the_study(), [], [{**OLD, "phone": "+45 1111 2222"}], [], "2026-02-04"))
    house.sync()
    age(house, 60)
    with house.history() as history:
        kept = everything(history)
    assert "Contact Old" in kept
    assert "old.contact@example.org" in kept
    assert "+45 35 45 12 34" not in kept  # the name and the address are listed still, this number is not


def test_who_comes_back_stays(house: House) -> None:
    house.watch(TRIAL)
    for day, who in enumerate(([OLD], [], [OLD]), start=3):
        house.registry.put(with_people(record.the_study(), who, [], [], f"2026-02-{day:02}"))
        house.sync()
    assert age(house, 60).contacts == 0


def test_a_new_version_is_looked_at_again(followed: House) -> None:
    age(followed, 60)
    followed.registry.put(with_people(record.the_study(), [], [], [], "2026-04-08"))
    followed.sync()
    assert age(followed, 1).contacts == 0
    assert age(followed, 60).contacts == 1
    with followed.history() as history:
        assert "new.contact@example.org" not in everything(history)


def test_what_a_page_sent_is_without_them_too(followed: House) -> None:
    url = f"{followed.listing.url}/trials/{TRIAL}"
    page = b"<html><p>Ask Contact&nbsp;Old (old.contact@example.org), +45 35 45 12 34</p><p>Contact Else</p></html>"
    with followed.history() as history, history.write():
        kept = versions.latest(history, TRIAL, "ctgov")
        assert kept is not None
        for number in (1, 2):
            versions.add_version(
                history,
                trial=TRIAL,
                source=url,
                record=kept.record,
                payload=page + str(number).encode(),
                registry_date=None,
                seen_at="2026-02-03T06:17:00Z",
            )
    age(followed, 60)
    with followed.history() as history:
        for number, row in enumerate(history.rows("SELECT id FROM version WHERE source = ? ORDER BY id", (url,)), 1):
            text = versions.payload(history, row["id"]).decode()
            assert text == f"<html><p>Ask […] ([…]), […]</p><p>Contact Else</p></html>{number}"


def test_a_version_that_does_not_come_back_is_named_and_the_others_go_on(followed: House) -> None:
    with followed.history() as history, history.write() as connection:
        connection.execute("UPDATE version SET payload = x'00' WHERE number = 1")
    kept = age(followed, 60)
    assert kept.contacts == 0
    assert len(kept.faults) == 1
    assert f"version 1 of {TRIAL} at ctgov is damaged" in kept.faults[0]


def test_a_version_that_came_meanwhile_leaves_it_for_another_night(followed: House) -> None:
    followed.at += datetime.timedelta(days=60)
    with followed.history() as history:
        planned = contacts.plan(history, TRIAL, "2026-03-01")
        assert planned.packed
        followed.registry.put(record.with_completion(followed.registry.study(TRIAL), "2027-06-01"))
        followed.sync()
        assert contacts.carry_out(history, planned, "2026-04-05T00:00:00Z") == 0
        assert "old.contact@example.org" in everything(history)


WORDS = ("Amber", "Birch", "Cedar", "Dahlia", "Elder", "Fern", "Ginkgo", "Hazel")
PEOPLE = st.lists(st.integers(0, len(WORDS) - 1), max_size=4, unique=True)
VERSIONS = st.lists(st.tuples(PEOPLE, PEOPLE, PEOPLE), min_size=2, max_size=7)


def person(number: int) -> dict[str, str]:
    chance = random.Random(number)
    word = WORDS[number]
    digits = "".join(chance.choices("0123456789", k=8))
    return {
        "name": f"Person {word}ß-Sørensen, Ph.D.",
        "role": "CONTACT",
        "phone": f"({digits[:3]}) {digits[3:]}",
        "email": f"{word}.person@example.org",
    }


@settings(max_examples=10, deadline=None)
@given(VERSIONS)
def test_nobody_who_was_taken_down_is_left_and_everything_else_is(lines: list[tuple[list[int], list[int], list[int]]]) -> None:
    with tempfile.TemporaryDirectory() as folder, open_house(Path(folder)) as house:
        house.watch(TRIAL)
        for day, (central, site, officials) in enumerate(lines, start=1):
            who = [[person(number) for number in numbers] for numbers in (central, site, officials)]
            who[2] = [{"name": each["name"], "role": "STUDY_CHAIR"} for each in who[2]]
            edited = with_people(record.the_study(), *who, f"2026-02-{day:02}")
            house.registry.put(record.with_completion(edited, f"2027-01-{day:02}"))
            house.sync()
        with house.history() as history:
            latest = versions.latest(history, TRIAL, "ctgov")
            before = [(row["number"], row["registry_date"]) for row in history.rows("SELECT * FROM version")]
            told = [(each.id, each.field, each.operation) for each in dated.changes(history, housekeeping=True)]
        age(house, 200)
        with house.history() as history:
            kept = everything(history)
            raw = in_the_file(house.folder)
            for number in range(len(WORDS)):
                one = person(number)
                is_named = any(number in numbers for numbers in lines[-1])
                is_reached = any(number in numbers for numbers in lines[-1][:2])
                assert (one["name"] in kept) <= is_named
                assert (one["email"] in kept) <= is_reached
                assert (one["phone"] in kept) <= is_reached
                assert (one["email"].encode() in raw) <= is_reached
                assert (one["name"].encode() in raw) <= is_named
            assert versions.latest(history, TRIAL, "ctgov") == latest
            assert [(row["number"], row["registry_date"]) for row in history.rows("SELECT * FROM version")] == before
            assert [(each.id, each.field, each.operation) for each in dated.changes(history, housekeeping=True)] == told
            assert upkeep.check_kept(history).damaged == ()
            for number, date in before:
                stood = versions.at(history, TRIAL, "ctgov", date)
                assert stood is not None
                assert stood.number == number
        assert age(house, 1).contacts == 0


def test_a_value_without_anybody_is_the_same_object() -> None:
    study = record.the_study()
    gone = people.People(frozenset({"somebody else"}), frozenset({"123456789"}), frozenset({"x@example.org"}))
    assert people.without(study, gone) is study


@pytest.mark.parametrize(
    ("listed", "text", "rest"),
    [
        ("zmärk@example.org".replace("ä", "a\u0308"), "Mail ZMÄRK@example.org.", "Mail […]."),
        ("zmärk@example.org", "Mail zmärk@example.org.".replace("ä", "a\u0308"), "Mail […]."),
        ("zmark@bücher.example", "'zmark@Bücher.example', *zmark@bücher.example*", "'[…]', *[…]*"),
        ("o'brien@example.org", "o'brien@example.org, brien@example.org", "[…], brien@example.org"),
        ("old@example.org", "<a href='/write?to=old@example.org&cc=x'>", "<a href='/write?to=[…]&cc=x'>"),
        ("rk@example.org", "zmärk@example.org", "zmärk@example.org"),
    ],
)
def test_an_address_is_one_however_its_letters_are_composed(listed: str, text: str, rest: str) -> None:
    gone = people.listed({"centralContacts": [{"email": listed}]})
    assert people.text_without(text, gone) == rest
    assert bool(gone - people.shown_in_text(text)) is (rest == text)


def test_numbers_that_are_no_telephone_number_stay() -> None:
    gone = people.People(frozenset(), frozenset({"12345678"}), frozenset())
    text = "NCT12345679, 2026-02-03, 1234 5678 cells"
    assert people.text_without(text, gone) == "NCT12345679, 2026-02-03, […] cells"


def test_a_change_is_without_them_whatever_its_field() -> None:
    gone = people.listed({"centralContacts": [OLD]})
    contact = {"name": "Contact Old", "role": "CONTACT", "phone": "+45 35 45 12 34 ext. 77", "email": "old.contact@example.org"}
    assert people.without_in("central_contacts", contact, gone) == {"role": "CONTACT"}
    site = {"facility": "Hospital", "contacts": [contact, {"name": "Contact New"}]}
    assert people.without_in("locations", site, gone)["contacts"] == [{"role": "CONTACT"}, {"name": "Contact New"}]
    party = {"type": "PRINCIPAL_INVESTIGATOR", "name": "contact  OLD"}
    assert people.without_in("responsible_party", party, gone) == {"type": "PRINCIPAL_INVESTIGATOR"}
    assert people.without_in("criteria", "Mail old.contact@example.org.", gone) == "Mail […]."
    assert people.without_in("keywords", "Contact Old", gone) == "Contact Old"
    assert people.without_in("criteria", None, gone) is None
    assert json.dumps(people.without({"moreInfoModule": {"pointOfContact": {"title": "Contact Old", "organization": "X"}}}, gone)) == (
        '{"moreInfoModule": {"pointOfContact": {"organization": "X"}}}'
    )


@pytest.mark.parametrize(
    ("listed", "elsewhere"),
    [
        ("Qdegree Person, MD, PhD", "Qdegree Person"),
        ("Dr. Qdegree Person", "QDEGREE PERSON, M.D."),
        ("Q. D. Person", "Q D Person"),
        ("Qdegree Person PhD", "Prof. Qdegree Person"),
        ("Person, Qdegree", "Qdegree Person, Director"),
        ("Qdegree A. Person, MD", "Qdegree Person"),
        ("Qdegree Person", "Qdegree A. B. Person"),
    ],
)
def test_a_name_is_one_with_and_without_titles(house: House, listed: str, elsewhere: str) -> None:
    """Whoever answers for the record is spelled without the degrees that the list of officials has."""
    house.watch(TRIAL)
    study = with_people(record.the_study(), [OLD], [], [{**LEADER, "name": listed}], "2026-02-03")
    party = {"type": "SPONSOR_INVESTIGATOR", "investigatorFullName": elsewhere, "oldNameTitle": elsewhere}
    study["protocolSection"]["sponsorCollaboratorsModule"]["responsibleParty"] = party
    study["annotationSection"] = {"annotationModule": {"unpostedAnnotation": {"unpostedResponsibleParty": elsewhere}}}
    house.registry.put(study)
    house.sync()
    house.registry.put(with_people(record.the_study(), [NEW], [], [SUCCESSOR], "2026-02-04"))
    house.sync()
    age(house, 60)
    with house.history() as history:
        kept = everything(history)
    assert listed not in kept
    assert elsewhere not in kept


def test_another_initial_is_another_person() -> None:
    gone = frozenset({"qdegree a person", "person"})
    assert people.but_for_initials({"qdegree b person", "qdegree person", "q person", "person", "a person"}, gone) == {"qdegree person"}


@pytest.mark.parametrize("name", ["Anh Do", "Thi Anh Do", "Jing Ma", "Person"])
def test_a_name_that_reads_like_a_degree_is_a_name(name: str) -> None:
    assert people.listed({"overallOfficials": [{"name": name}]}).names == {name.lower()}


def test_what_stands_beside_a_version_is_without_them_too(house: House) -> None:
    house.watch(TRIAL)
    study = with_people(record.the_study(), [OLD], [], [], "2026-02-03")
    study["protocolSection"]["identificationModule"]["briefTitle"] = "Ask old.contact@example.org, 35451234"
    house.registry.put(study)
    house.sync()
    house.registry.put(with_people(record.the_study(), [NEW], [], [], "2026-02-04"))
    house.sync()
    age(house, 60)
    with house.history() as history:
        kept = everything(history)
    assert "Ask […], […]" in kept
    assert "old.contact@" not in kept


@pytest.mark.parametrize("spelled", ["+45 3545 1234", "0045 35451234", "35-45-12-34", "(0045) 35.45.12.34", "035451234"])
def test_a_number_is_one_with_and_without_the_code_of_its_country(spelled: str) -> None:
    for listed in ("+45 35 45 12 34", "35451234"):
        gone = people.listed({"centralContacts": [{"phone": listed}]})
        assert people.text_without(f"Call {spelled} first", gone) in ("Call […] first", "Call ([…] first")
        assert not people.listed({"contacts": [{"phone": spelled}]}) - gone
    assert people.text_without("Call 35 45 12 35, 45 1234", gone) == "Call 35 45 12 35, 45 1234"
