"""Searches, merged ids and short cuts, as somebody at a terminal meets them."""

from __future__ import annotations

import pytest

from jobs.lock import only_one
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.cli.conftest import Terminal

OTHER = "NCT00000102"


def begin(terminal: Terminal) -> None:
    terminal.house.registry.put(record.the_study())
    terminal("watch", "add", TRIAL)
    assert terminal("sync").code == 0


def test_a_search_says_beforehand_how_many_it_is(terminal: Terminal) -> None:
    for number in range(1, 4):
        terminal.house.registry.put(record.a_study(f"NCT{number:08}"))
    assert terminal("watch", "add", "--query", "titles=study").code == 0
    said = terminal("sync", "--json")
    assert (said.code, said.json["sources"][0]["checked"]) == (0, 3)
    assert said.err == "search titles=study: 3 trials, which may take 2 requests to record\n"
    assert terminal("sync").err == ""


def test_a_trial_that_a_search_finds_later_is_told_to_who_follows_the_search(terminal: Terminal) -> None:
    terminal.house.registry.put(record.a_study("NCT00000001"))
    terminal("watch", "add", "--query", "titles=study")
    terminal("sync")
    terminal("subscribe", "reader@example.org", "--query", "titles=study", "--confirmed")
    terminal.house.registry.put(record.a_study("NCT00000002"))
    said = terminal("sync", "--json")
    assert (said.json["changes"], said.json["delivered"]) == (1, 1)
    (change,) = terminal("changes", "--json").json
    assert (change["trial"], change["topic"], change["before"], change["after"]) == ("NCT00000002", "registry", "absent", "found")
    assert (change["operation"], change["registry_date"]) == ("changed", None)


def test_a_merged_id_is_said_once_and_may_still_be_typed(terminal: Terminal) -> None:
    begin(terminal)
    study = terminal.house.registry.study(TRIAL)
    study["protocolSection"]["identificationModule"]["nctId"] = OTHER
    terminal.house.registry.put(study)
    terminal.house.registry.alias(TRIAL, OTHER)
    said = terminal("sync")
    assert said.code == 0
    assert said.err == f"{TRIAL}: ClinicalTrials.gov shows this record under {OTHER} now; it is watched under that id from now on\n"
    assert terminal("sync").err == ""
    for command in ("history", "show", "changes", "sync"):
        assert terminal(command, TRIAL).code == 0


def test_the_shut_gate_is_said_and_full_passes_it(terminal: Terminal) -> None:
    begin(terminal)
    said = terminal("sync")
    assert said.out.startswith("ClinicalTrials.gov: nothing released since the last look (")
    full = terminal("sync", "--full", "--json").json
    assert (full["sources"][0]["requests"], full["sources"][0]["checked"], full["changes"]) == (2, 1, 0)


def test_every_wrong_id_is_named_on_one_line(terminal: Terminal) -> None:
    begin(terminal)
    wrong = [f"NCT{number:08}" for number in range(900, 912)]
    terminal("watch", "add", *wrong)
    said = terminal("sync")
    assert said.code == 1
    assert all(trial in said.complaint for trial in wrong)


def test_a_trial_that_left_fails_no_sync_once_it_is_told(terminal: Terminal) -> None:
    begin(terminal)
    terminal.house.registry.remove(TRIAL)
    said = terminal("sync")
    assert (said.code, said.complaint.startswith(f"{TRIAL}: ClinicalTrials.gov does not show it any more")) == (1, True)
    with terminal.house.history() as history:
        history.connection.execute("UPDATE absence SET since = '2026-02-02T06:17:00Z'")
    left = f"{TRIAL}: has left ClinicalTrials.gov (not there since 2026-02-02); stop watching it if it is no longer of interest\n"
    said = terminal("sync")
    assert (said.code, said.err, "1 change," in said.out) == (0, left, True)
    said = terminal("sync")
    assert (said.code, said.err) == (0, "")
    said = terminal("sync", TRIAL)
    assert (said.code, said.err) == (0, left)
    assert "gone since 2026-02-02" in terminal("watch", "list").out
    said = terminal("doctor")
    assert said.code == 0
    assert f"sources: none is in trouble; 1 trial left ClinicalTrials.gov: {TRIAL} (since 2026-02-02)\n" in said.out


@pytest.mark.parametrize("held", ["sync", "deliver", "backfill"])
def test_where_another_process_holds_the_lock_json_is_a_document_all_the_same(
    terminal: Terminal, held: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.lock.MOST_DESKS", 1)
    begin(terminal)
    terminal("subscribe", "reader@example.org", TRIAL, "--confirmed")
    terminal.house.registry.put(record.with_status(terminal.house.registry.study(TRIAL), "SUSPENDED", posted="2026-02-09"))
    terminal("sync", "--no-deliver")
    with only_one(terminal.house.around.database, held):
        said = terminal(held, *([TRIAL] if held == "backfill" else []), "--json")
    assert said.code == 1
    assert f"another {'delivery' if held == 'deliver' else held} is running" in said.complaint
    if held == "sync":
        assert said.json | {"started": "", "finished": ""} == {
            "started": "",
            "finished": "",
            "sources": [],
            "changes": 0,
            "notices": 0,
            "delivered": 0,
        }
    else:
        assert said.json == ([] if held == "backfill" else {"sent": 0, "retrying": 0, "failed": 0, "waiting": 1})


def test_what_cannot_be_used_leaves_stdout_empty(terminal: Terminal) -> None:
    begin(terminal)
    said = terminal("sync", OTHER, "--json")
    assert (said.code, said.out) == (2, "")


def test_a_page_that_was_never_watched_is_no_source_to_show(terminal: Terminal) -> None:
    begin(terminal)
    page = "https://example.org/trials/1"
    said = terminal("show", TRIAL, "--source", page)
    assert (said.code, said.complaint) == (2, terminal("changes", TRIAL, "--source", page).complaint)
    assert "is no source that was ever watched" in said.complaint
    for asked in (["show", TRIAL, "--at", "2026-02-03"], ["diff", TRIAL], ["diff", TRIAL, "2026-02-03"], ["diff", TRIAL, "1"]):
        assert terminal(*asked, "--source", page).complaint == said.complaint
    terminal("watch", "add", TRIAL, "--page", page)
    assert "was not seen yet; run `registry-sync sync" in terminal("show", TRIAL, "--source", page).complaint
