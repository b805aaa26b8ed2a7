"""Whom the registry has taken down: on no page, in no answer, whatever the field in which it named them."""

from __future__ import annotations

import pytest

from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.house import House
from tests.web.conftest import Site

PAGES = [
    f"/trials/{TRIAL}{rest}" for rest in ("", "?all=1", "?lang=da", "/diff?from=1&to=2&all=1", "/at/2026-02-02", "/listings", "/versions")
]
ANSWERS = [f"/api/trials/{TRIAL}{rest}" for rest in ("/changes?housekeeping=true", "/diff?from=1&to=2", "/at/2026-02-02")]
OTHERS = ["/", "/feed.atom", f"/trials/{TRIAL}/feed.atom", "/api/trials", "/api/changes?housekeeping=true"]
PHONE = "+45 12 34 56 78"


def investigated_by(study: record.Study, name: str | None) -> record.Study:
    party = {"type": "PRINCIPAL_INVESTIGATOR", "investigatorFullName": name} if name else {"type": "SPONSOR"}
    study["protocolSection"]["sponsorCollaboratorsModule"]["responsibleParty"] = party
    return study


@pytest.fixture
def watched(house: House) -> House:
    study = investigated_by(record.the_study(), "Contact M")
    person = {"name": "Contact N", "role": "CONTACT", "phone": PHONE, "email": "contact-n@example.org"}
    study["protocolSection"]["contactsLocationsModule"]["centralContacts"] = [person]
    study["protocolSection"]["contactsLocationsModule"]["overallOfficials"] = [{"name": "Contact O", "role": "STUDY_CHAIR"}]
    house.registry.put(study)
    house.watch(TRIAL)
    house.sync(days=0)
    return house


@pytest.mark.parametrize("later", [None, "Contact P"])
def test_an_investigator_who_answers_for_it_no_more_is_named_nowhere(site: Site, watched: House, later: str | None) -> None:
    study = investigated_by(watched.registry.study(TRIAL), later)
    watched.registry.put(record.touched(study, "2026-02-03"))
    watched.sync()
    for path in (*PAGES, *ANSWERS, *OTHERS):
        answer = site.get(path)
        assert answer.status_code == 200, path
        assert "Contact M" not in answer.text, path
    changes = site.get(f"/trials/{TRIAL}").text
    assert "a name that the registry does not show any more" in changes
    assert later is None or later in changes


def test_who_is_named_in_a_record_that_the_registry_took_down_is_named_nowhere(site: Site, watched: House) -> None:
    study = investigated_by(watched.registry.study(TRIAL), "Contact P")
    study["protocolSection"]["contactsLocationsModule"]["overallOfficials"] = [{"name": "Contact Q", "role": "STUDY_CHAIR"}]
    watched.registry.put(record.touched(study, "2026-02-03"))
    watched.sync()
    assert "Contact N" in site.get(f"/api/trials/{TRIAL}").text
    assert "Contact Q" in site.get(f"/trials/{TRIAL}").text
    watched.registry.remove(TRIAL)
    watched.sync()
    watched.sync()
    assert "has not shown this trial since" in site.get(f"/trials/{TRIAL}").text
    for path in (*PAGES, *ANSWERS, *OTHERS, f"/api/trials/{TRIAL}", f"/api/trials/{TRIAL}/at/2026-12-31"):
        answer = site.get(path)
        assert answer.status_code == 200, path
        for secret in (*(f"Contact {letter}" for letter in "AMNOPQ"), PHONE, "@example.org"):
            assert secret not in answer.text, (path, secret)


OLD, NEW = "old-team@example.org", "new-team@example.org"


def test_a_mail_address_in_a_text_stands_in_the_newest_record_alone(site: Site, watched: House) -> None:
    rule = "Can be reached by mail at {}"
    for address, posted in ((OLD, "2026-02-03"), (NEW, "2026-02-04")):
        study = record.with_status(watched.registry.study(TRIAL), "SUSPENDED", posted=posted, why_stopped=f"Ask {address}, tel. {PHONE}")
        module = study["protocolSection"]["eligibilityModule"]
        criteria = module["eligibilityCriteria"]
        before = rule.format(OLD)
        module["eligibilityCriteria"] = criteria.replace(before, rule.format(address)) if before in criteria else f"{criteria}\n* {before}"
        module["studyPopulation"] = f"Those who wrote to {address}"
        watched.registry.put(study)
        watched.sync()
    looking_back = [
        f"/trials/{TRIAL}{rest}" for rest in ("/versions/2", "/versions/2?lang=da", "/diff?from=2&to=3&all=1", "/at/2026-02-03")
    ]
    for path in (*PAGES, *looking_back, *ANSWERS, f"/api/trials/{TRIAL}/diff?from=2&to=3", *OTHERS):
        answer = site.get(path)
        assert answer.status_code == 200, path
        assert OLD not in answer.text, path
    for path in looking_back:
        assert "***" in site.get(path).text, path
    diff = site.get(looking_back[2]).text
    assert NEW not in diff
    assert PHONE in diff  # within a text a number is a number
    newest = site.get(f"/trials/{TRIAL}").text
    for text in (f"Ask {NEW}", rule.format(NEW), f"Those who wrote to {NEW}"):
        assert text in newest
    changes = newest[newest.index('id="changes"') :]
    assert "***" in changes
    assert NEW not in changes
