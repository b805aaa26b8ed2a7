"""``deadlines``, ``event`` and ``logbook`` as a coordinator types them."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex

import pytest

from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from tests.cli.conftest import Terminal


@pytest.fixture
def watched(terminal: Terminal) -> Terminal:
    terminal.house.registry.put(record.the_study())
    assert terminal("watch", "add", TRIAL).code == 0
    assert terminal("sync").code == 0
    return terminal


def test_what_is_owed_is_shown_with_its_source_and_what_shows_it(watched: Terminal) -> None:
    said = watched("deadlines")
    assert said.code == 0
    assert said.out.startswith(TRIAL)
    assert "42 CFR 11.44(a); cannot tell: the record does not say whether the FDA regulates what is studied" in " ".join(said.out.split())
    assert "primary_completion_date:" in said.out
    assert watched("deadlines", TRIAL.lower()).out == said.out
    assert watched("deadlines", "show", TRIAL).out == said.out


def test_without_anything_to_do_that_is_said(terminal: Terminal) -> None:
    assert terminal("init").code in (0, 2)
    terminal("watch", "add", TRIAL)
    said = terminal("deadlines")
    assert (said.code, said.out) == (0, "")
    assert said.err.strip() == "nothing is owed that the records and events show"
    assert json.loads(terminal("deadlines", "--json").out) == []


def test_an_event_is_entered_listed_shown_and_taken_back(watched: Terminal) -> None:
    said = watched("event", "add", TRIAL, "halted", "2026-02-01", "--country", "denmark ", "--note", "power cut")
    assert said.code == 0
    assert "CTIS: temporary halt" in said.out
    assert "Article 37(5) or 38(1)" in said.out
    assert "was entered before" in watched("event", "add", TRIAL, "halted", "2026-02-01", "--country", "Denmark").out
    (event,) = watched("event", "list", "--json").json
    assert (event["kind"], event["date"], event["country"], event["note"]) == ("halted", "2026-02-01", "Denmark", "power cut")
    assert "power cut" in watched("event", "list", TRIAL).out
    assert watched("event", "remove", str(event["id"])).code == 0
    assert watched("event", "list", "--json").json == []
    assert watched("event", "remove", str(event["id"])).code == 2


def test_done_snoozed_and_owned(watched: Terminal) -> None:
    watched("event", "add", TRIAL, "halted", "2026-02-01")

    def row(rule: str) -> dict[str, object]:
        found: dict[str, object] = next(row for row in watched("deadlines", TRIAL, "--all", "--json").json if row["rule"] == rule)
        return found

    assert watched("deadlines", "owner", TRIAL, "eu-halt halted", "Contact A").code == 0
    assert row("eu-halt")["owner"] == "Contact A"
    assert [line["rule"] for line in watched("deadlines", "--owner", "Contact A", "--json").json] == ["eu-halt"]
    assert watched("deadlines", "acknowledge", TRIAL, "eu-halt halted", "--note", "with the statistician").code == 0
    assert row("eu-halt")["acknowledged_at"]
    assert "acknowledged" in watched("deadlines").out
    assert "with the statistician" in watched("logbook", TRIAL).out
    assert watched("deadlines", "snooze", TRIAL, "eu-halt halted", "--until", "2999-01-01").code == 0
    assert "eu-halt" not in [line["rule"] for line in watched("deadlines", "--json").json]
    assert watched("deadlines", "snooze", TRIAL, "eu-halt halted").code == 0
    assert "eu-halt" in [line["rule"] for line in watched("deadlines", "--json").json]
    assert watched("deadlines", "done", TRIAL, "eu-halt halted", "--on", "2026-02-10").code == 0
    assert (row("eu-halt")["state"], row("eu-halt")["on"]) == ("met", "2026-02-10")
    assert watched("deadlines", "undone", TRIAL, "eu-halt halted").code == 0
    assert row("eu-halt")["state"] == "overdue"
    assert row("eu-halt")["applies"] == "applies"


def test_a_name_hears_of_its_own_lines_alone(watched: Terminal) -> None:
    watched("event", "add", TRIAL, "halted", "2026-02-01")
    assert watched("deadlines", "--owner", "Contact B").out == ""
    assert watched("deadlines", "--owner", "Contact B").err.strip() == "nothing that is owed is looked after by 'Contact B'"
    watched("deadlines", "owner", TRIAL, "eu-halt", "Contact A")
    watched("deadlines", "done", TRIAL, "eu-halt", "--on", "2026-02-10")
    assert watched("deadlines", "--owner", "Contact A").err.splitlines() == [
        "nothing that is open is looked after by 'Contact A'",
        "1 line met, stated, or put off: registry-sync deadlines --owner 'Contact A' --all",
    ]
    assert watched("deadlines", "--owner", "Contact A", "--all").out.startswith(TRIAL)
    assert watched("deadlines", TRIAL, "--owner", "Contact A").err.splitlines()[1].endswith(f"deadlines {TRIAL} --owner 'Contact A' --all")


def test_a_rule_by_its_whole_name_is_that_rule_where_one_event_started_it(watched: Terminal) -> None:
    watched("event", "add", TRIAL, "halted", "2026-02-01")  # eu-halt, and eu-halt-ends
    assert "eu-halt halted 2026-02-01 is done" in watched("deadlines", "done", TRIAL, "eu-halt", "--on", "2026-02-10").out
    watched("event", "add", TRIAL, "halted", "2026-02-02", "--country", "Denmark")
    said = watched("deadlines", "undone", TRIAL, "eu-halt")
    assert said.code == 2
    assert "'eu-halt halted 2026-02-01'" in said.complaint
    assert "'eu-halt halted 2026-02-02 Denmark'" in said.complaint
    assert "eu-halt-ends" not in said.complaint


def test_the_examples_of_the_help_can_be_typed(watched: Terminal) -> None:
    from registry_sync.cli.owing import COMMANDS, deadlines, event

    groups = {*COMMANDS, *deadlines.commands.values(), *event.commands.values()}
    examples = [(command.epilog or "").removeprefix("Example: registry-sync ").split(" > ")[0] for command in groups]
    order = (
        "event add",
        "event list",
        "deadlines NCT",
        "deadlines show",
        "deadlines done",
        "deadlines undone",
        "deadlines",
        "logbook",
        "event",
    )
    examples.sort(key=lambda example: (next(n for n, start in enumerate(order) if example.startswith(start)), "law" in example, example))
    assert len(examples) == len(groups)
    watched("event", "add", TRIAL, "first-visit", "2026-01-20")  # for "event remove 3" to have its number
    for example in examples:
        said = watched(*shlex.split(re.sub(r"--until \d{4}", "--until 2999", example)))
        assert said.code == 0, (example, said.err)


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (("halted", "2026-02-01"), "no law that the record shows to bind the trial asks anything after it"),
        (("amendment-approved", "2026-02-01", "--country", "Denmark"), "enter it without --country"),
    ],
)
def test_an_event_that_starts_nothing_says_so(watched: Terminal, event: tuple[str, ...], why: str) -> None:
    for law in ("us", "eu"):
        watched("deadlines", "law", TRIAL, law, "no")
    said = watched("event", "add", TRIAL, *event)
    assert said.code == 0
    assert said.err.startswith("no deadline starts at it: ")
    assert why in said.err
    watched("deadlines", "law", TRIAL, "eu", "yes")
    watched("deadlines", "law", TRIAL, "us", "by-record")
    said = watched("event", "add", TRIAL, "halted", "2026-02-02", "--country", "Denmark")
    assert said.err == ""
    assert said.out.count("event: ") == said.out.count("event: halted 2026-02-02 in Denmark") == 2  # what started at others is not shown


def test_the_end_by_a_halt_of_two_years_is_listed_with_its_day(watched: Terminal) -> None:
    watched("event", "add", TRIAL, "halted", "2022-02-01")
    said = " ".join(watched("deadlines", TRIAL).out.split())
    assert "past: CTIS: a halt of two years is the end of the trial, by 2024-02-01" in said
    assert "overdue: CTIS: end of the trial, by 2024-02-16" in said
    assert "event: halted 2022-02-01 End of the trial, by a halt of two years: 2024-02-01 id 'eu-end halted 2022-02-01'" in said
    assert "id 'eu-summary halted 2022-02-01'" in said


def test_a_coordinator_says_whether_a_law_binds_the_trial(watched: Terminal) -> None:
    rules = {row["rule"]: row["applies"] for row in watched("deadlines", "--json").json}
    assert rules["results"] == "cannot tell"
    assert watched("deadlines", "law", TRIAL, "us", "yes").code == 0
    assert {row["rule"]: row["applies"] for row in watched("deadlines", "--json").json}["results"] == "applies"
    assert watched("deadlines", "law", TRIAL, "us", "no").code == 0
    assert "results" not in [row["rule"] for row in watched("deadlines", "--all", "--json").json]
    assert watched("deadlines", "law", TRIAL, "us", "by-record").code == 0
    assert {row["rule"]: row["applies"] for row in watched("deadlines", "--json").json}["results"] == "cannot tell"


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (("deadlines", "NCT1"), "is not a trial id"),
        (("deadlines", "NCT00000009"), "nothing is known of this trial"),
        (("event", "add", TRIAL, "halted", "yesterday"), "is no day: write it as 2026-02-03"),
        (("event", "add", TRIAL, "halted", "2999-01-01"), "is yet to come"),
        (("event", "add", "NCT00000009", "halted", "2026-01-01"), "nothing is known of this trial"),
        (("deadlines", "done", TRIAL, "nothing"), "owes nothing by the name 'nothing'"),
        (("deadlines", "done", TRIAL, ""), "owes nothing by the name ''"),
        (("deadlines", "snooze", TRIAL, "results", "--until", "2020-01-01"), "is not yet to come"),
        (("deadlines", "done", TRIAL, "results", "--on", "2999-01-01"), "is yet to come"),
        (("deadlines", "undone", TRIAL, "results"), "nobody has said that results is done"),
        (("event", "add", TRIAL, "halted", "2026-02-01", "--country", "Atlantis"), "is no State of the EU or EEA"),
        (("event", "add", TRIAL, "halted", "0001-01-01"), "is the year right?"),
        (("deadlines", "--link"), "web.url is not set"),
        (("deadlines", "--ics", "--json"), "--ics and --json each say what is written"),
        (("deadlines", "--link", "--json"), "--link and --json each say what is written"),
        (("audit", "--sent"), "name the trial"),
        (("subscribe", "a@example.org", "--all", "--on", "deadlines", "--confirmed"), "it is for a coordinator"),
    ],
)
def test_what_cannot_be_done_is_one_line_that_says_why(watched: Terminal, call: tuple[str, ...], complaint: str) -> None:
    said = watched(*call)
    assert said.code == 2
    assert complaint in said.complaint


def test_nothing_is_done_before_the_event_that_it_is_owed_for(watched: Terminal) -> None:
    watched("event", "add", TRIAL, "halted", "2026-02-01")
    said = watched("deadlines", "done", TRIAL, "eu-halt", "--on", "2026-01-31")
    assert said.code == 2
    assert "2026-01-31 is before halted on 2026-02-01" in said.complaint
    assert watched("deadlines", "done", TRIAL, "eu-halt", "--on", "2026-02-01").code == 0


def test_the_logbook_is_dated_and_has_no_address_in_it(watched: Terminal) -> None:
    house = watched.house
    house.subscribe("coordinator@example.org", role="coordinator")
    house.registry.put(record.with_status(house.registry.study(TRIAL), "ACTIVE_NOT_RECRUITING", posted="2026-02-05"))
    assert watched("sync").code == 0
    watched("event", "add", TRIAL, "recruitment-ended", "2026-02-03")
    rows = watched("logbook", TRIAL, "--json").json
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    assert {"version", "change", "notice sent", "event", "state"} <= {row["what"] for row in rows}
    assert any("Recruiting → Active, not recruiting" in str(row["detail"]) for row in rows)
    as_csv = watched("logbook", TRIAL, "--csv").out
    assert [row["at"] for row in csv.DictReader(io.StringIO(as_csv))] == [row["at"] for row in rows]
    assert "coordinator@example.org" not in as_csv
    assert watched("logbook", TRIAL, "--since", "2999-01-01", "--json").json == []


def test_the_calendar_on_stdout_is_one(watched: Terminal) -> None:
    icalendar = pytest.importorskip("icalendar")
    said = watched("deadlines", "--ics")
    parsed = icalendar.Calendar.from_ical(said.out)
    assert {str(event["summary"]) for event in parsed.walk("VEVENT")} >= {f"{TRIAL}: Results at ClinicalTrials.gov"}


def test_what_is_for_everybody_has_nothing_of_it(watched: Terminal) -> None:
    watched.house.subscribe("coordinator@example.org", role="coordinator")
    assert watched("sync").code == 0
    watched("event", "add", TRIAL, "halted", "2026-02-01")
    rows = [json.loads(line) for line in watched("export").out.splitlines()]
    rows += [{"kind": "change", "topic": row["topic"]} for row in watched("changes", "--all", "--json").json]
    assert "deadlines" in {row.get("topic") for row in rows}
    public = watched("export", "--public")
    assert public.code == 0
    assert {"deadlines"} & {json.loads(line).get("topic") for line in public.out.splitlines()} == set()
    assert "eu-halt" not in public.out
