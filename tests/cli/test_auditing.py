"""``audit`` and ``page`` as a coordinator types them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from registry_sync.demo import record
from registry_sync.demo.listing import trial_page
from registry_sync.demo.record import TRIAL
from registry_sync.demo.story import SMOKE_FREE_AFTER, SMOKE_FREE_BEFORE, first_listing
from tests.cli.conftest import Terminal


@pytest.fixture
def page(terminal: Terminal) -> str:
    """A page that has fallen behind in status and in one criterion, and says a sex that the registry never said."""
    house = terminal.house
    house.registry.put(record.the_study())
    house.listing.put(TRIAL, first_listing())
    url = house.listing.url_of(TRIAL)
    assert terminal("watch", "add", TRIAL, "--page", url).code == 0
    assert terminal("sync").code == 0
    study = record.with_status(house.registry.study(TRIAL), "ACTIVE_NOT_RECRUITING", posted="2026-02-03")
    house.registry.put(record.with_criterion(study, SMOKE_FREE_BEFORE, SMOKE_FREE_AFTER, posted="2026-02-03"))
    house.listing.put(TRIAL, replace(first_listing(), sex="Female"))
    assert terminal("sync").code == 0
    return url


def test_the_table_says_what_is_wrong_since_when_and_what_either_says(terminal: Terminal, page: str) -> None:
    said = terminal("audit", TRIAL)
    assert said.code == 0
    assert f"{TRIAL} at {page}" in said.out
    assert "its site says that its copy is of 2025-07-01" in said.out
    lines = [line.strip() for line in said.out.splitlines()]
    status = next(number for number, line in enumerate(lines) if "Recruitment status" in line)
    assert lines[status].startswith("outdated     Recruitment status since 2026-02-03, ")
    assert lines[status + 1 : status + 3] == ["page: Recruiting", "registry: Active, not recruiting"]
    assert any(line.startswith("contradicts  Sex") for line in lines)
    assert any(line.startswith("page: ") and "6 months" in line and "12 months" in line for line in lines)
    assert any(line.startswith("incomparable Keywords (run together)") for line in lines)


def test_json_is_a_row_for_each_field(terminal: Terminal, page: str) -> None:
    rows = {row["field"]: row for row in terminal("audit", "--json").json}
    assert {row["page"] for row in rows.values()} == {page}
    status = rows["overall_status"]
    assert (status["registry"], status["listing"], status["verdict"], status["since"]) == (
        "ACTIVE_NOT_RECRUITING", "RECRUITING", "outdated", "2026-02-03",
    )  # fmt: skip
    assert status["days"] > 0
    assert (rows["sex"]["verdict"], rows["sex"]["since"]) == ("contradicts", None)
    (item,) = rows["criteria"]["items"]
    assert (item["what"], item["group"]) == ("changed", "exclusion")
    assert rows["enrollment"]["verdict"] == "unstated"
    assert rows["lead_sponsor"]["verdict"] == "agrees"


def test_the_letter_can_be_sent_as_it_is(terminal: Terminal, page: str) -> None:
    said = terminal("audit", TRIAL, "--letter")
    assert said.code == 0
    assert f"Subject: Please correct your page on the clinical trial {TRIAL}" in said.out
    assert page in said.out
    assert f"{terminal.house.registry.url}/study/{TRIAL}" in said.out
    assert "6 months" in said.out
    assert "12 months" in said.out
    assert "2026" in said.out
    assert max(len(line) for line in said.out.splitlines() if "http" not in line) <= 76


def test_no_letter_is_written_on_a_page_that_cannot_be_read(terminal: Terminal, page: str) -> None:
    terminal.house.listing.maintenance(True)
    assert terminal("sync").code == 1
    said = terminal("audit", TRIAL, "--letter")
    assert said.out == ""
    assert f"no letter on {page}: unreadable" in said.err


def test_nothing_to_correct_is_said(terminal: Terminal, page: str) -> None:
    house = terminal.house
    exclusion = tuple(text.replace(SMOKE_FREE_BEFORE, SMOKE_FREE_AFTER) for text in first_listing().exclusion)
    house.listing.put(TRIAL, replace(first_listing(), status="Active, not recruiting", exclusion=exclusion))
    assert terminal("sync").code == 0
    said = terminal("audit", "--letter")
    assert (said.code, said.out) == (0, "")
    assert "No page says anything that is to be corrected" in said.err
    assert page


def test_without_a_page_there_is_a_hint(terminal: Terminal) -> None:
    terminal.house.registry.put(record.the_study())
    terminal("watch", "add", TRIAL)
    said = terminal("audit")
    assert (said.code, said.out) == (0, "")
    assert "--page URL" in said.err
    assert terminal("audit", "--json").json == []


def test_a_page_that_was_never_read_says_why(terminal: Terminal) -> None:
    house = terminal.house
    house.registry.put(record.the_study())
    house.listing.put(TRIAL, first_listing())
    house.listing.maintenance(True)
    terminal("watch", "add", TRIAL, "--page", house.listing.url_of(TRIAL))
    assert "not looked at yet" in terminal("audit").out
    assert terminal("sync").code == 1
    said = terminal("audit")
    assert said.code == 0
    assert "maintenance page" in said.out
    assert "never read" in said.out


def test_a_trial_that_nobody_watches_is_one_line(terminal: Terminal, page: str) -> None:
    said = terminal("audit", "NCT01234567")
    assert (said.code, said.out) == (2, "")
    assert "nothing is known of this trial" in said.complaint
    assert page


# --- page --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "saved.html"
    path.write_text(trial_page(TRIAL, first_listing()), encoding="utf-8")
    return path


def test_a_saved_page_is_shown_as_it_is_read(terminal: Terminal, saved: Path) -> None:
    said = terminal("page", str(saved), "--trial", TRIAL)
    assert said.code == 0, said.err
    assert "Recruitment status: Recruiting" in said.out
    assert "Eligibility criteria: 5 inclusion, 9 exclusion" in said.out
    assert "Keywords: run together" in said.out
    assert "its copy is of: 2025-07-01" in said.out


def test_a_profile_is_tried_on_a_saved_page(terminal: Terminal, saved: Path, tmp_path: Path) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text('name = "Mine"\nhosts = ["mine.example.org"]\nparaphrases = ["criteria"]\n[labels]\n"gender" = "none"\n')
    said = terminal("page", str(saved), "--trial", TRIAL, "--profile", str(profile), "--json").json
    assert said["site"] == "Mine"
    assert said["how"]["criteria"] == "paraphrased"
    assert "sex" not in said["record"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("name = 1\n", "name: expected the site's name"),
        ('name = "Mine"\nhosts = ["mine.example.org"]\n[labels]\n"gender" = "sexe"\n', "labels"),
        ("name = \n", "expected TOML"),
        ('name = "Mine"\nhosts = ["mine.example.org"]\nsecret = 1\n', "secret: unknown key"),
    ],
)
def test_a_mistake_in_a_profile_is_one_line(terminal: Terminal, saved: Path, tmp_path: Path, content: str, says: str) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text(content, encoding="utf-8")
    said = terminal("page", str(saved), "--trial", TRIAL, "--profile", str(profile))
    assert (said.code, said.out) == (2, "")
    assert says in said.complaint
    assert str(profile) in said.complaint


@pytest.mark.parametrize("name", ["missing.html", "."])
def test_a_file_that_cannot_be_read_is_one_line(terminal: Terminal, name: str) -> None:
    said = terminal("page", name, "--trial", TRIAL)
    assert (said.code, said.out) == (2, "")
    assert name in said.complaint


def test_a_page_of_another_trial_is_said_to_be_unreadable(terminal: Terminal, saved: Path) -> None:
    said = terminal("page", str(saved), "--trial", "NCT01234567")
    assert (said.code, said.out) == (2, "")
    assert "unreadable" in said.complaint
