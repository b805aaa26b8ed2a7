"""What is watched, as it is listed: trials that have left the registry, ids that were merged, titles that are too long."""

from __future__ import annotations

import re

import pytest

from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.cli.conftest import Terminal
from tests.cli.test_looking import on_a_terminal
from tests.house import House

OTHER = "NCT00000102"


def watched(house: House) -> None:
    house.registry.put(record.the_study())
    house.watch()
    house.sync(days=0)


def row_of(terminal: Terminal, trial: str) -> list[str]:
    (line,) = [line for line in terminal("watch", "list").out.splitlines() if line.startswith(trial)]
    return re.split(r" {2,}", line)


def test_watching_and_not_any_more(terminal: Terminal) -> None:
    terminal("init")
    page = "https://example.org/trial/1"
    assert "watched from now on" in terminal("watch", "add", TRIAL.lower(), "--page", page).out
    assert "was watched already" in terminal("watch", "add", TRIAL).out
    (row,) = terminal("watch", "list", "--json").json
    assert (row["trial"], row["pages"], row["overall_status"]) == (TRIAL, [page], None)
    assert page in terminal("watch", "list").out
    assert terminal("watch", "remove", TRIAL, "--page", page).code == 0
    assert terminal("watch", "list", "--json").json[0]["pages"] == []
    assert terminal("watch", "remove", TRIAL, "--page", page).code == 1
    assert terminal("watch", "remove", TRIAL).code == 0
    assert terminal("watch", "remove", TRIAL).code == 1
    assert "nothing is watched yet" in terminal("watch", "list").err


# --- gone ---


def test_a_trial_that_has_left_the_registry_is_not_shown_as_if_it_were_there(terminal: Terminal) -> None:
    house = terminal.house
    watched(house)
    gone = "ClinicalTrials.gov has not shown this trial since 2026-02-03"
    (row,) = terminal("watch", "list", "--json").json
    assert (row["absent_since"], row["absence"]) == (None, None)
    assert gone not in terminal("show", TRIAL).out

    study = house.registry.study(TRIAL)
    house.registry.remove(TRIAL)
    house.sync()
    (row,) = terminal("watch", "list", "--json").json
    assert (row["absent_since"], row["absence"]) == ("2026-02-03T06:17:00Z", "missing")
    assert row_of(terminal, TRIAL)[1] == "not found since 2026-02-03"
    assert terminal("show", TRIAL).out.splitlines()[2] == gone

    house.sync()
    assert row_of(terminal, TRIAL)[1] == "gone since 2026-02-03"
    assert terminal("watch", "list", "--json").json[0]["absence"] == "absent"
    shown = terminal("show", TRIAL).out
    assert shown.splitlines()[2] == gone
    assert "Timeline: 1 version, 2025-02-03 to 2026-02-03\n" in shown
    assert gone not in terminal("show", TRIAL, "--at", "2026-02-02").out
    assert gone in terminal("show", TRIAL, "--at", "2026-02-03").out

    house.registry.put(study)
    house.sync()
    assert row_of(terminal, TRIAL)[1] == "RECRUITING"
    assert gone not in terminal("show", TRIAL).out


# --- merged ---


def merged(house: House) -> None:
    """The registry leads the one trial to the other, of which a record is held as well."""
    watched(house)
    house.registry.put(record.a_study(OTHER))
    house.watch(OTHER)
    house.sync()
    house.registry.alias(TRIAL, OTHER)
    house.sync()


def ids(terminal: Terminal) -> list[str]:
    return [row["trial"] for row in terminal("watch", "list", "--json").json]


def test_an_id_that_was_merged_is_asked_for_again_when_it_is_added(terminal: Terminal) -> None:
    house = terminal.house
    merged(house)
    assert ids(terminal) == [OTHER]
    told = len(house.changes())
    said = terminal("watch", "add", TRIAL)
    assert said.out.startswith(f"{TRIAL}: watched from now on\n{TRIAL} was part of {OTHER}; the next sync asks for it again\n")
    assert ids(terminal) == [OTHER, TRIAL]
    house.sync()
    assert ids(terminal) == [OTHER]
    assert len(house.changes()) == told


def test_an_id_that_the_registry_parted_again_is_a_trial_of_its_own(terminal: Terminal) -> None:
    house = terminal.house
    merged(house)
    study = record.with_status(record.the_study(), "SUSPENDED", posted="2026-02-05")
    terminal("watch", "add", TRIAL)
    house.registry.put(study)
    house.sync()
    assert ids(terminal) == [OTHER, TRIAL]
    assert row_of(terminal, TRIAL)[1] == "SUSPENDED"
    assert terminal("show", TRIAL, "--json").json["trial"] == TRIAL


def test_an_id_that_was_merged_is_removed_as_itself_where_it_is_watched_as_itself(terminal: Terminal) -> None:
    merged(terminal.house)
    terminal("watch", "add", TRIAL)
    assert terminal("watch", "remove", TRIAL).out == f"{TRIAL}: not watched any more; its history is kept\n"
    assert ids(terminal) == [OTHER]
    said = terminal("watch", "remove", TRIAL, OTHER)
    assert said.out == (f"{TRIAL} is {OTHER} now: the registry merged the two\n{OTHER}: not watched any more; its history is kept\n")
    assert ids(terminal) == []


# --- titles ---


def test_on_a_terminal_a_long_title_is_cut(terminal: Terminal) -> None:
    study = record.the_study()
    study["protocolSection"]["identificationModule"]["briefTitle"] = "A \u202etrial of saliva " * 10
    terminal.house.registry.put(study)
    terminal.house.watch()
    terminal.house.sync(days=0)
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in on_a_terminal(terminal.house.folder, "watch", "list").splitlines()]
    assert max(map(len, lines)) == len(lines[1]) <= 80
    assert lines[1].endswith("…")
    piped = terminal("watch", "list").out
    assert piped.count("trial of saliva") == 10
    assert "\u202e" not in piped


@pytest.mark.parametrize("spelt", ["HTTP://Finder.Example.org/t", "http://finder.example.org:80/t", "http://finder.example.org/./t#part",
                                   "http://finder.example.org/x/../t", " http://finder.example.org/t? "])  # fmt: skip
def test_a_page_is_watched_once_however_its_address_is_spelt(terminal: Terminal, spelt: str) -> None:
    assert terminal("watch", "add", TRIAL, "--page", "http://finder.example.org/t").code == 0
    assert terminal("watch", "add", TRIAL, "--page", spelt).code == 0
    (row,) = terminal("watch", "list", "--json").json
    assert row["pages"] == ["http://finder.example.org/t"]
    assert terminal("watch", "remove", TRIAL, "--page", spelt).code == 0
    assert terminal("watch", "list", "--json").json[0]["pages"] == []


def test_an_address_that_is_much_too_long_is_one_line(terminal: Terminal) -> None:
    said = terminal("watch", "add", TRIAL, "--page", "http://finder.example.org/" + "x" * 3000)
    assert (said.code, said.out) == (2, "")
    assert "2000 characters" in said.complaint
