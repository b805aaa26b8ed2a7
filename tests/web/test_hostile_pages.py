"""Registry text is anybody's: on no page is it more than text, however long, however odd."""

from __future__ import annotations

import copy
from typing import Any
from urllib.parse import quote

import pytest

from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.notices.test_hostile import ATTACKS
from tests.web.conftest import Site
from tests.web.reading import Page, is_sound

PATHS = ("", "?all=1", "/versions", "/diff?from=1&to=2&all=1", "/at/2026-02-02", "/at/2026-02-03", "/listings")
LONGEST_PAGE = 300_000
ODD = {"turned": "\u202e" * 50 + "x", "right to left": "עברית العربية " * 20, "a long word": "Wort" * 500}
_KEPT = frozenset({"nctId", "type", "role", "class", "studyType", "interventionModel", "primaryPurpose", "allocation", "sex", "stdAges"})


def everywhere(study: Any, attack: str, key: str = "") -> Any:
    """The study with this text in the place of all its own."""
    if isinstance(study, dict):
        return {name: everywhere(value, attack, name) for name, value in study.items()}
    if isinstance(study, list):
        return [everywhere(value, attack, key) for value in study]
    is_text = isinstance(study, str) and key not in _KEPT and "date" not in key.lower() and key != "versionHolder"
    return f"{attack} {study}" if is_text else study


def hostile(attack: str) -> record.Study:
    study = everywhere(copy.deepcopy(record.the_study()), attack)
    text = "\n".join(("Inclusion Criteria:", f"* {attack}", f"    * {attack} {attack}", "", "Exclusion Criteria:", f"* {attack}"))
    study["protocolSection"]["eligibilityModule"]["eligibilityCriteria"] = text
    return study  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "attack",
    [*ATTACKS.values(), "\u202e" * 50 + "x", "עברית العربية " * 20, "Wort" * 500],
    ids=[*ATTACKS, "turned", "right to left", "a long word"],
)
def test_nothing_of_it_is_obeyed(site: Site, attack: str) -> None:
    house = site.house
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.sync(days=0)
    house.registry.put(record.touched(hostile(attack), "2026-02-03"))
    report = house.sync()
    assert not report.sources[0].failed
    for path in ("/", *(f"/trials/{TRIAL}{each}" for each in PATHS)):
        found = Page(site.get(path))
        assert found.answer.status_code == 200, path
        is_sound(found)
        assert len(found.answer.content) < LONGEST_PAGE
    for link in {each for each in Page(site.get("/")).links() if each.startswith("/condition/")}:
        found = Page(site.get(link))
        assert found.answer.status_code == 200, link
        is_sound(found)


def test_a_title_of_a_megabyte_is_cut_and_so_is_everything_else(site: Site) -> None:
    house = site.house
    study = record.the_study()
    house.registry.put(study)
    house.watch(TRIAL)
    house.sync(days=0)
    long = "<b>Very long</b> " * 60_000
    study = copy.deepcopy(study)
    study["protocolSection"]["identificationModule"] |= {"briefTitle": long, "officialTitle": f"x{long}"}
    study["protocolSection"]["descriptionModule"]["briefSummary"] = long
    study["protocolSection"]["statusModule"]["whyStopped"] = long
    study["protocolSection"]["conditionsModule"] = {"conditions": [long, "y" * 1_000_000], "keywords": [long]}
    study["protocolSection"]["eligibilityModule"]["eligibilityCriteria"] = (
        "Inclusion Criteria:\n\n" + f"* {long}\n" * 2 + "* short\n" * 2_000
    )
    site_of = study["protocolSection"]["contactsLocationsModule"]["locations"][0]
    study["protocolSection"]["contactsLocationsModule"]["locations"] = [site_of | {"facility": f"{n} {long[:2000]}"} for n in range(1_500)]
    house.registry.put(record.touched(study, "2026-02-03"))
    assert not house.sync().sources[0].failed
    for path in ("/", *(f"/trials/{TRIAL}{each}" for each in PATHS)):
        found = Page(site.get(path))
        assert found.answer.status_code == 200, path
        assert len(found.answer.content) < 1_200_000, (path, len(found.answer.content))
        is_sound(found)
    assert "and 1602 more lines" in Page(site.get(f"/trials/{TRIAL}")).text
    assert "and 500 more sites" in Page(site.get(f"/trials/{TRIAL}")).text


def test_what_a_visitor_types_is_only_text(site: Site) -> None:
    for attack in ATTACKS.values():
        for path in (f"/?q={quote(attack)}&condition={quote(attack)}&country={quote(attack)}&status={quote(attack)}&lang={quote(attack)}",):
            found = Page(site.get(path[:8000]))
            assert found.answer.status_code == 200
            is_sound(found)
        assert site.get(f"/condition/{quote(attack, safe='')}"[:8000]).status_code == 404
