"""A trial's timeline on its page: what is known of since when, and what the picture leaves to the table."""

from __future__ import annotations

import pytest

from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.cli.conftest import Terminal
from tests.house import House
from tests.web.conftest import Site
from tests.web.reading import Page, is_sound, words

PAGE = f"/trials/{TRIAL}"
ENDED = record.a_study(TRIAL, status="TERMINATED", posted="2025-11-01", start="2012-01-01", completion="2014-01-01")


def page(site: Site, path: str = PAGE) -> Page:
    found = Page(site.get(path))
    assert found.answer.status_code == 200
    is_sound(found)
    return found


def seen(house: House, *studies: record.Study) -> None:
    house.watch(TRIAL)
    for days, study in enumerate(studies):
        house.registry.put(study)
        house.sync(days=min(days, 1))


def table(found: Page) -> list[list[str]]:
    return [[words(cell) for cell in row.find_all(["th", "td"])] for row in found.soup.select("#timeline ~ details tbody tr")]


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}/at/2026-02-02", f"{PAGE}/versions/1"])
def test_of_what_stood_when_the_first_version_came_nobody_knows_since_when(site: Site, house: House, path: str) -> None:
    seen(house, ENDED)
    found = page(site, path)
    assert "Terminated (ended early), by 1 November 2025 at the latest" in found.text
    assert "since 1 November 2025" not in found.text
    assert [row[1:3] for row in table(found)] == [["by 1 November 2025 at the latest", "Terminated"]]
    titles = [words(each) for each in found.soup.select("svg rect title")]
    assert titles == ["Terminated, by 1 November 2025 at the latest – 2 February 2026"]


def test_nor_does_the_terminal_say_so(house: House, terminal: Terminal) -> None:
    seen(terminal.house, ENDED)
    assert "by 2025-11-01 at the latest" in terminal("show", TRIAL).out


def test_of_the_registrys_own_first_version_it_is_known(site: Site, house: House) -> None:
    seen(house, record.the_study())
    assert "Recruiting (looking for participants), since 3 February 2025" in page(site).text


def test_and_of_what_came_later(site: Site, house: House) -> None:
    seen(house, ENDED, record.with_status(ENDED, "COMPLETED", posted="2026-02-03"))
    found = page(site)
    assert "Completed (finished), since 3 February 2026" in found.text
    assert [row[1] for row in table(found)] == ["by 1 November 2025 at the latest", "3 February 2026"]


# --- the picture ---


def picture_text(found: Page) -> str:
    return words(found.soup.select_one("svg[role=img]"))


def put_off(house: House, times: int, first: str = "2031-01") -> None:
    """A completion that is put off every day."""
    study = record.the_study()
    for month in range(times):
        year, rest = divmod(int(first[:4]) * 12 + int(first[5:]) - 1 + month, 12)
        posted = f"2025-{3 + month // 28:02}-{month % 28 + 1:02}"
        seen(house, record.with_completion(study, f"{year}-{rest + 1:02}", posted=posted))


def test_what_the_picture_leaves_to_the_table_it_says(site: Site, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry_sync.web.picture.MOST_ROWS", 3)
    put_off(house, 3)
    assert "not drawn" not in picture_text(page(site))
    assert "The same is in the table below." in picture_text(page(site))
    put_off(house, 5)
    found = page(site)
    assert "earlier steps are not drawn: see the table" in picture_text(found)
    assert "The newest steps of each date are drawn. The table below has more." in picture_text(found)
    assert len(table(found)) > 3


def test_a_date_beyond_the_picture_leads_out_of_it(site: Site, house: House) -> None:
    seen(house, record.the_study())
    assert not page(site).soup.select("svg .beyond")
    seen(house, record.with_completion(record.the_study(), "2199-12", posted="2025-03-01"))
    found = page(site)
    assert found.soup.select("svg[role=img] .beyond")
    assert "a date beyond the edge of the picture" in words(found.soup.select_one(".legend"))


def test_months_have_their_names(site: Site, house: House) -> None:
    seen(house, record.the_study())
    labels = [words(each) for each in page(site).soup.select("svg text.when")]
    assert "January 2025" in labels or "April 2025" in labels
    assert not [label for label in labels if "-" in label]
