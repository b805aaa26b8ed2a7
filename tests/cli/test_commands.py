"""Each command, as it is typed: what it says, its JSON, its exit code; and bad input in one clear line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest

from jobs.lock import only_one
from registry_sync.cli import cli
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.demo.story import first_listing
from tests.cli.conftest import Terminal

OTHER = "NCT00000002"


def begin(terminal: Terminal) -> None:
    house = terminal.house
    house.registry.put(record.the_study())
    terminal("init")
    terminal("watch", "add", TRIAL)
    terminal("subscribe", "reader@example.org", TRIAL, "--confirmed")
    assert terminal("sync").code == 0


def suspend(terminal: Terminal) -> None:
    house = terminal.house
    house.registry.put(record.with_status(house.registry.study(TRIAL), "SUSPENDED", posted="2026-02-03", why_stopped="New data"))


def all_commands(group: click.Group, *before: str) -> list[tuple[str, ...]]:
    found = []
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found.append((*before, name))
        if isinstance(command, click.Group):
            found += all_commands(command, *before, name)
    return found


# --- help and the command line itself ---


@pytest.mark.parametrize("command", all_commands(cli), ids=" ".join)
def test_every_command_answers_help_with_an_example(terminal: Terminal, command: tuple[str, ...]) -> None:
    said = terminal(*command, "--help")
    assert said.code == 0
    assert re.search(rf"Example: .*registry-sync.*{command[-1]}", " ".join(said.out.split()))


def test_version_and_help(terminal: Terminal) -> None:
    assert re.fullmatch(r"registry-sync, version \d+\.\d+\.\d+\n", terminal("--version").out)
    assert "Commands:" in terminal("--help").out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["synch"], "No such command 'synch'"),
        (["sync", "--fast"], "No such option"),
        (["sync", "NCT123"], "'NCT123' is not a trial id: an id is NCT and eight digits"),
        (["watch", "add"], "Missing argument 'NCT...'"),
        (["watch", "add", TRIAL, "nct1"], "'nct1' is not a trial id"),
        (["watch", "add", TRIAL, OTHER, "--page", "https://example.org/1"], "--page goes with one trial"),
        (["watch", "add", TRIAL, "--page", "example.org"], "is not the address of a page"),
        (["watch", "add", TRIAL, "--page", "https://exa mple.org"], "is not the address of a page"),
        (["subscribe", "reader@example.org"], "say which trials"),
        (["subscribe", "reader@example.org", TRIAL, "--all"], "say which trials"),
        (["subscribe", "reader", TRIAL], "reader"),
        (["subscribe", "reader@example.org", TRIAL, "--on", "weather"], "weather is no topic; there are status"),
        (["subscribe", "reader@example.org", TRIAL, "--timezone", "Mars"], "--timezone 'Mars' is not known"),
        (["subscribe", "reader@example.org", TRIAL, "--every", "year"], "'year' is not one of 'now', 'day', 'week'"),
        (
            ["subscribe", "reader@example.org", TRIAL, "--secret-env", "X"],
            "--secret-env names an environment variable, and goes with a webhook",
        ),
        (["unsubscribe"], "say whom"),
        (["--config", "missing.toml", "sync"], "there is no such settings file"),
        (["--database", "missing.db", "sync"], "there is no such database; run `registry-sync init`"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_exit_2(terminal: Terminal, arguments: list[str], expected: str) -> None:
    said = terminal(*arguments)
    assert said.code == 2
    assert expected in said.complaint
    assert said.out == ""


def test_a_malformed_id_refuses_the_good_ones_beside_it_before_anything_is_written(terminal: Terminal) -> None:
    terminal("init")
    assert terminal("watch", "add", OTHER, "NCT12").code == 2
    assert terminal("watch", "list", "--json").json == []


def test_wrong_settings_are_one_line(terminal: Terminal) -> None:
    (terminal.house.folder / "registry-sync.toml").write_text("[smtp]\nport = 0\n", encoding="utf-8")
    said = terminal("sync")
    assert said.code == 2
    assert "smtp.port: expected a port" in said.complaint


# --- init and watch ---


def test_init_writes_settings_and_database_and_never_overwrites(terminal: Terminal) -> None:
    folder = terminal.house.folder
    before = (folder / "registry-sync.toml").read_text(encoding="utf-8")
    assert "left as it is" in terminal("init").out
    assert (folder / "registry-sync.toml").read_text(encoding="utf-8") == before
    assert (folder / "history.db").exists()
    terminal("watch", "add", TRIAL)
    assert terminal("init").code == 0
    assert [row["trial"] for row in terminal("watch", "list", "--json").json] == [TRIAL]
    new = folder / "new"
    new.mkdir()
    said = terminal("--config", str(new / "own.toml"), "init")
    assert said.code == 0, said.err
    assert "REGISTRY_SYNC_SMTP_PASSWORD" in (new / "own.toml").read_text(encoding="utf-8")
    assert (new / "history.db").exists()


def test_history_outlives_the_watch(terminal: Terminal) -> None:
    begin(terminal)
    terminal("watch", "remove", TRIAL)
    assert terminal("show", TRIAL, "--json").json["overall_status"] == "RECRUITING"
    assert "nothing is watched yet" in terminal("sync").err


# --- sync, changes, show, history ---


def test_a_sync_says_what_it_did(terminal: Terminal) -> None:
    begin(terminal)
    assert "ClinicalTrials.gov: nothing released since the last look" in terminal("sync").out
    terminal.house.registry.release()
    assert "ClinicalTrials.gov: 1 looked at, 0 changed" in terminal("sync").out
    suspend(terminal)
    said = terminal("sync")
    assert said.code == 0
    assert "1 changed" in said.out
    assert "1 notice queued, 1 sent" in said.out


def test_an_unknown_id_is_exit_1_and_named(terminal: Terminal) -> None:
    begin(terminal)
    terminal("watch", "add", OTHER)
    said = terminal("sync")
    assert said.code == 1
    assert said.complaint.startswith(f"{OTHER}: ClinicalTrials.gov does not know this id")


def test_a_registry_that_is_down_is_exit_1_and_one_line(terminal: Terminal) -> None:
    begin(terminal)
    terminal.house.registry.stop()
    said = terminal("sync", "--json")
    assert said.code == 1
    assert said.json["sources"][0]["failed"][0]["trial"] == TRIAL
    assert TRIAL in said.complaint
    terminal.house.registry.start()
    assert terminal("sync").code == 0


def test_a_trial_that_is_not_watched_is_refused(terminal: Terminal) -> None:
    begin(terminal)
    said = terminal("sync", OTHER)
    assert said.code == 2
    assert f"registry-sync watch add {OTHER}" in said.complaint


def test_notices_can_be_left_in_the_outbox(terminal: Terminal) -> None:
    begin(terminal)
    suspend(terminal)
    assert terminal("sync", "--no-deliver", "--json").json["delivered"] == 0
    assert not terminal.house.mailbox.messages
    (row,) = terminal("outbox", "--json").json
    assert (row["state"], row["address"], row["trials"], row["attempts"]) == ("pending", "reader@example.org", [TRIAL], 0)
    assert terminal("deliver", "--json").json == {"sent": 1, "retrying": 0, "failed": 0, "waiting": 0}
    assert terminal("outbox", "--json").json[0]["state"] == "sent"
    assert "nothing has failed" in terminal("outbox", "--failed").err


def test_changes_as_people_and_scripts_read_them(terminal: Terminal) -> None:
    begin(terminal)
    assert "nothing has changed" in terminal("changes").err
    assert terminal("changes", "--json").json == []
    suspend(terminal)
    terminal("sync")
    rows = terminal("changes", TRIAL, "--json").json
    assert [row["field"] for row in rows] == ["why_stopped", "overall_status"]
    status = rows[-1]
    assert set(status) == {
        "id", "trial", "source", "field", "topic", "operation", "before", "after", "group", "significance", "reader_significance",
        "summary", "registry_date", "seen_at",
    }  # fmt: skip
    assert status["summary"] == "Recruitment status: Recruiting → Suspended"
    assert (status["source"], status["topic"], status["registry_date"]) == ("ctgov", "status", "2026-02-03")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", status["seen_at"])
    assert "Recruitment status: Recruiting → Suspended" in terminal("changes").out
    everything = terminal("changes", "--all", "--json").json
    assert {row["field"] for row in everything} > {"last_update_post_date", "overall_status"}
    assert len(everything) > len(rows)
    assert terminal("changes", "--since", "2999-01-01", "--json").json == []
    assert len(terminal("changes", "--since", "2000-01-01T06:00+02:00", "--json").json) == 2
    assert terminal("changes", "--since", "soon").code == 2
    assert terminal("changes", OTHER).code == 2


def test_show_sends_nothing_to_the_terminal_that_turns_a_line_round(terminal: Terminal) -> None:
    study = record.the_study()
    study["protocolSection"]["identificationModule"]["briefTitle"] = "Dry \u202emouth"
    study["protocolSection"]["eligibilityModule"]["eligibilityCriteria"] = "Part \u202eB Inclusion Criteria:\n\n* Aged \u202e18"
    terminal.house.registry.put(study)
    terminal.house.watch()
    terminal("sync")
    text = terminal("show", TRIAL).out
    assert "Dry mouth" in text
    assert "Aged 18" in text
    assert "\u202e" not in text


def test_show_gives_the_record_now_and_on_a_day(terminal: Terminal) -> None:
    begin(terminal)
    suspend(terminal)
    terminal("sync")
    now = terminal("show", TRIAL, "--json").json
    assert list(now)[:4] == ["trial", "source", "registry_date", "seen_at"]
    assert (now["overall_status"], now["why_stopped"]) == ("SUSPENDED", "New data")
    assert now["enrollment"] == {"count": 40, "type": "ESTIMATED"}
    assert len([c for c in now["criteria"] if c["group"] == "inclusion"]) == 5
    assert len([c for c in now["criteria"] if c["group"] == "exclusion"]) == 9
    assert now["lead_sponsor"] == "Rigshospitalet, Denmark"
    then = terminal("show", TRIAL, "--at", "2026-02-02", "--json").json
    assert then["overall_status"] == "RECRUITING"
    text = terminal("show", TRIAL).out
    assert "Recruitment status: Suspended" in text
    assert "Exclusion criteria:" in text
    assert terminal("show", TRIAL, "--at", "1999-01-01").code == 2
    assert terminal("show", TRIAL, "--at", "yesterday").code == 2
    assert terminal("show", OTHER).code == 2
    assert terminal("show", TRIAL, "--source", "https://example.org/nothing").code == 2


def test_history_lists_the_versions(terminal: Terminal) -> None:
    begin(terminal)
    suspend(terminal)
    terminal("sync")
    rows = terminal("history", TRIAL, "--json").json
    assert [(row["number"], row["overall_status"]) for row in rows] == [(1, "RECRUITING"), (2, "SUSPENDED")]
    assert "2026-02-03" in terminal("history", TRIAL).out


def test_a_listing_page_is_kept_apart(terminal: Terminal) -> None:
    begin(terminal)
    house = terminal.house
    house.listing.put(TRIAL, first_listing())
    page = house.listing.url_of(TRIAL)
    terminal("watch", "add", TRIAL, "--page", page)
    assert terminal("sync").code == 0
    shown = terminal("show", TRIAL, "--source", page, "--json").json
    assert (shown["source"], shown["overall_status"], shown["first_submit_date"]) == (page, "RECRUITING", "2025-01-27")
    assert "start_date" not in shown
    house.listing.maintenance(True)
    said = terminal("sync")
    assert said.code == 1
    assert f"{TRIAL} at {page}: unreadable" in said.complaint
    assert terminal("changes", "--source", page, "--json").json == []


# --- subscriptions ---


def test_a_mail_address_is_pending_until_someone_vouches(terminal: Terminal) -> None:
    begin(terminal)
    said = terminal("subscribe", "new@example.org", TRIAL)
    assert said.code == 0
    assert "pending" in said.out
    assert "--confirmed" in said.err
    suspend(terminal)
    terminal("sync")
    assert [list(mail.recipients) for mail in terminal.house.mailbox.messages] == [["reader@example.org"]]
    row = terminal("subscribe", "new@example.org", TRIAL, "--confirmed", "--json").json
    assert row["state"] == "active"
    assert row["consent_by"].startswith("operator")
    assert row["confirmed_at"]


def test_subscriptions_are_listed_and_stopped(terminal: Terminal) -> None:
    begin(terminal)
    terminal(
        "subscribe",
        "desk@example.org",
        "--all",
        "--as",
        "coordinator",
        "--on",
        "status,criteria",
        "--least",
        "major",
        "--every",
        "week",
        "--confirmed",
    )
    rows = terminal("subscriptions", "--json").json
    assert [(row["address"], row["state"], row["trials"]) for row in rows] == [
        ("reader@example.org", "active", [TRIAL]),
        ("desk@example.org", "active", "all"),
    ]
    assert rows[1]["topics"] == ["criteria", "status"]
    assert "desk@example.org" in terminal("subscriptions").out
    assert "stopped" in terminal("unsubscribe", "reader@example.org", TRIAL).out
    assert terminal("unsubscribe", "reader@example.org").code == 1
    assert terminal("unsubscribe", "desk@example.org", TRIAL).code == 2
    assert terminal("unsubscribe", "desk@example.org").code == 0
    suspend(terminal)
    assert terminal("sync", "--json").json["notices"] == 0


def test_a_trial_that_is_not_watched_is_subscribed_with_a_warning(terminal: Terminal) -> None:
    begin(terminal)
    said = terminal("subscribe", "reader@example.org", OTHER, "--confirmed")
    assert said.code == 0
    assert f"registry-sync watch add {OTHER}" in said.complaint


def test_one_mail_stops_what_its_list_unsubscribe_names(terminal: Terminal) -> None:
    begin(terminal)
    suspend(terminal)
    terminal("sync")
    (mail,) = terminal.house.mailbox.messages
    header = str(mail.message["List-Unsubscribe"])
    match = re.search(r"mailto:stop@example\.org\?subject=(\S+)>", header)
    assert match, header
    subject = match[1].replace("%20", " ")
    answer = f"From: somebody@example.org\nTo: stop@example.org\nSubject: Re: {subject}\n\nplease stop\n".encode()
    said = terminal.shell("unsubscribe", "--from-mail", stdin=answer)
    assert said.code == 0
    assert "reader@example.org: stopped" in said.out
    said = terminal("subscribe", "reader@example.org", TRIAL, "--confirmed")
    assert said.code == 2
    assert "only its holder can start it again" in said.complaint
    assert terminal.shell("unsubscribe", "--from-mail", stdin=b"Subject: hello\n\n").code == 1
    assert terminal.shell("unsubscribe", "--from-mail", stdin=b"\xff\x00garbage").code == 1


# --- delivery that fails ---


def test_a_mail_server_that_is_down_loses_nothing(terminal: Terminal) -> None:
    begin(terminal)
    terminal.house.mailbox.stop()
    suspend(terminal)
    said = terminal("sync")
    assert said.code == 1
    assert "not delivered" in said.complaint
    (row,) = terminal("outbox", "--failed", "--json").json
    assert (row["state"], row["attempts"]) == ("pending", 1)
    assert row["last_error"]
    terminal.house.mailbox.start()
    assert terminal("deliver", "--json").json == {"sent": 0, "retrying": 0, "failed": 0, "waiting": 1}
    assert terminal("outbox", "retry").code == 0
    assert terminal("deliver", "--json").json["sent"] == 1
    assert terminal("outbox", "retry", "nobody").code == 2


def test_doctor_has_a_line_for_each_part(terminal: Terminal) -> None:
    begin(terminal)
    said = terminal("doctor", "--json")
    assert said.code == 0, said.out
    assert [row["check"] for row in said.json] == [
        "settings", "database", "free room", "registry", "mail server", "kept records", "unusable records", "sources", "pages", "last sync",
        "backups", "outbox", "web pages", "operator's page",
    ]  # fmt: skip
    assert all(row["ok"] for row in said.json)
    terminal.house.mailbox.stop()
    terminal.house.registry.stop()
    said = terminal("doctor")
    assert said.code == 1
    assert [line.split(":")[0] for line in said.out.splitlines() if line.startswith("FAIL")] == ["FAIL  registry", "FAIL  mail server"]
    assert terminal("--database", "nowhere.db", "doctor").code == 2
    (terminal.house.folder / "registry-sync.toml").write_text("x = 1")
    assert terminal("doctor").code == 2


def test_doctor_names_a_variable_that_is_no_setting(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(terminal)
    monkeypatch.setenv("REGISTRY_SYNC_SMTP_WHATEVER", "x")
    row = terminal("doctor", "--json").json[0]
    assert not row["ok"]
    assert "REGISTRY_SYNC_SMTP_WHATEVER" in row["detail"]


def test_a_misspelt_password_is_not_passed_over(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(terminal)
    monkeypatch.setenv("REGISTRY_SYNC_SMTP_PASWORD", "x")
    said = terminal("sync")
    assert said.code == 2
    assert "expected REGISTRY_SYNC_SMTP_PASSWORD" in said.complaint


def test_no_command_at_all_shows_the_help(terminal: Terminal) -> None:
    said = terminal()
    assert said.code == 2
    assert "Commands:" in said.err
    assert len(said.err.splitlines()) > 20


def test_a_page_with_a_password_in_its_address_is_refused(terminal: Terminal) -> None:
    said = terminal("watch", "add", TRIAL, "--page", "https://user:s3cret@example.org/1")
    assert said.code == 2
    assert "s3cret" not in said.complaint


def test_one_outage_is_one_line_however_many_trials_it_befell(terminal: Terminal) -> None:
    begin(terminal)
    terminal("watch", "add", *(f"NCT{number:08}" for number in range(10, 40)))
    terminal.house.registry.faults.fail(500, times=None)
    said = terminal("sync")
    assert said.code == 1
    assert "NCT00000010, NCT00000011, NCT00000012, NCT00000013 and 27 more trials: " in said.complaint
    terminal.house.registry.faults.clear()


def test_a_delivery_that_is_held_up_is_named_in_the_syncs_own_report(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(terminal)
    suspend(terminal)
    monkeypatch.setattr("jobs.lock.MOST_DESKS", 1)
    with only_one(terminal.house.around.database, "deliver"):
        said = terminal("sync", "--json")
    assert said.code == 1
    assert (said.json["changes"], said.json["notices"], said.json["delivered"]) == (2, 1, 0)
    assert "another delivery is running" in said.complaint
    assert terminal("deliver", "--json").json["sent"] == 1


@pytest.mark.parametrize("date", ["2026-02-30", "2026-13-01", "20260203", "2026-W05-1", "yesterday", ""])
def test_days_that_do_not_exist_are_refused_everywhere(terminal: Terminal, date: str) -> None:
    begin(terminal)
    for command in (("changes", "--since", date), ("show", TRIAL, "--at", date)):
        said = terminal(*command)
        assert (said.code, said.out) == (2, "")
        assert repr(date) in said.complaint


def test_the_demo_leaves_the_mails_it_names(terminal: Terminal, tmp_path: Path) -> None:
    said = terminal("demo", "--folder", "demo")
    assert said.code == 0, said.err
    named = [Path(line.strip()) for line in said.out.splitlines() if line.strip().endswith((".eml", ".html"))]
    assert len(named) == 10
    assert all((tmp_path / name).stat().st_size > 1000 for name in named)
    assert [line.strip() for line in said.out.splitlines()].count("nobody is told") == 4
    assert terminal("demo", "--folder", "demo").code == 2
    rows = terminal("--database", "demo/history.db", "changes", "--json").json
    assert {row["field"] for row in rows} == {"overall_status", "primary_completion_date", "completion_date", "criteria", "page"}


def test_json_is_one_document_and_nothing_else(terminal: Terminal) -> None:
    begin(terminal)
    commands: list[Any] = [
        ["sync"],
        ["changes"],
        ["show", TRIAL],
        ["history", TRIAL],
        ["subscriptions"],
        ["watch", "list"],
        ["outbox"],
        ["deliver"],
        ["doctor"],
    ]
    for command in commands:
        json.loads(terminal(*command, "--json").out)


def test_a_chat_address_is_told_what_it_means_and_an_unusable_one_is_refused(terminal: Terminal) -> None:
    begin(terminal)
    said = terminal("subscribe", "jsons://example.org/hook", TRIAL)
    assert said.code == 0
    assert "will learn what is sent" in said.err
    said = terminal("subscribe", "nosuch://example.org/secret-token-1234567890", TRIAL)
    assert said.code == 2
    assert "no address that Apprise can use" in said.complaint
    assert "secret-token" not in said.err
