"""Searches as they are typed: watched, listed, followed, removed; and ids that the registry merged."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from db import aliases
from registry_sync.demo import record
from registry_sync.demo.wire import Reply, Request
from tests.cli.conftest import Said, Terminal

FIRST, SECOND, THIRD, OTHER = "NCT00000001", "NCT00000002", "NCT00000003", "NCT00000900"
QUERY = ("--query", "cond=Sjogren", "--query", "locn=Denmark")
SPELT_OTHERWISE = ("--query", "LOCN= Denmark", "--query", "cond=Sjogren ")
READER = "reader@example.org"


def publish(terminal: Terminal, *trials: str, condition: str = "Sjogren syndrome", status: str = "RECRUITING") -> None:
    for trial in trials:
        terminal.house.registry.put(record.a_study(trial, conditions=[condition], places=[("Aarhus", "Denmark")], status=status))


def begin(terminal: Terminal) -> None:
    """A search is watched that finds two trials of three, and has been run."""
    publish(terminal, FIRST, SECOND)
    publish(terminal, OTHER, condition="Gout")
    terminal("init")
    assert terminal("watch", "add", *QUERY).code == 0
    assert terminal("sync").code == 0


def trials(terminal: Terminal) -> list[str]:
    return [row["trial"] for row in terminal("watch", "list", "--json").json if row["trial"]]


def subjects(terminal: Terminal) -> list[str]:
    return [str(mail.message["Subject"]) for mail in terminal.house.mailbox.messages]


# --- watch add ---


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["watch", "add", FIRST, *QUERY], "give each in a call of its own"),
        (["watch", "add", "--query", "cond"], "is not AREA=TEXT"),
        (["watch", "add", "--query", "cond=a", "--query", "cond=b"], "names cond a second time"),
        (["watch", "add", *QUERY, "--page", "https://example.org/1"], "--page goes with one trial"),
        (["watch", "add", FIRST, "--dry-run"], "--dry-run goes with --query"),
        (["watch", "add"], "Missing argument 'NCT...' or '--query AREA=TEXT'"),
        (["watch", "remove"], "Missing argument 'NCT...' or '--query AREA=TEXT'"),
        (["watch", "remove", FIRST, *QUERY], "give each in a call of its own"),
        (["subscribe", READER, FIRST, *QUERY], "one of the three"),
        (["subscribe", READER, "--all", *QUERY], "one of the three"),
        (["unsubscribe", READER, FIRST, *QUERY], "give each in a call of its own"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_exit_2(terminal: Terminal, arguments: list[str], expected: str) -> None:
    said = terminal(*arguments)
    assert (said.code, said.out) == (2, "")
    assert expected in said.complaint


def test_a_search_is_watched_without_asking_any_server(terminal: Terminal) -> None:
    terminal("init")
    said = terminal("watch", "add", *QUERY)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("cond=Sjogren locn=Denmark: all that this search finds is watched from now on\n")
    assert "was watched already" in terminal("watch", "add", *SPELT_OTHERWISE).out
    assert not terminal.house.registry.requests
    (row,) = terminal("watch", "list", "--json").json
    assert (row["trial"], row["query"], row["found"], row["looked_at"]) == (None, {"cond": "Sjogren", "locn": "Denmark"}, None, None)
    assert terminal("watch", "list").out == "search  cond=Sjogren locn=Denmark  not run yet\n"


def test_the_call_that_is_named_next_can_be_typed(terminal: Terminal) -> None:
    terminal("init")
    line = terminal("watch", "add", "--query", "cond=dry mouth OR it's").out.splitlines()[-1]
    words = shlex.split(line.partition("registry-sync ")[2].partition(" (")[0])
    assert words[-1] == "--dry-run"
    assert terminal(*words).out.startswith("""'cond=dry mouth OR it'"'"'s': finds 0 trials""")


def test_a_dry_run_says_what_there_is_and_what_it_costs_and_adds_nothing(terminal: Terminal) -> None:
    publish(terminal, FIRST, SECOND)
    said = terminal("watch", "add", *QUERY, "--dry-run")
    assert said.code == 0, said.err
    assert said.out.splitlines() == [
        "cond=Sjogren locn=Denmark: finds 2 trials; nothing was added",
        "the first sync will make about 2 requests for them: no waiting at 600000 requests a minute",
    ]
    assert len(terminal.house.registry.requests) == 1
    assert not (terminal.house.folder / "history.db").exists()


def test_a_dry_run_counts_the_minutes_of_waiting(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(terminal, *(f"NCT{number:08d}" for number in range(1, 252)))
    monkeypatch.setenv("REGISTRY_SYNC_HTTP_REQUESTS_PER_MINUTE", "1")
    said = terminal("watch", "add", *QUERY, "--dry-run")
    assert "finds 251 trials" in said.out
    assert "about 3 requests for them: about 2 minutes of waiting at 1 requests a minute" in said.out


def test_a_dry_run_that_the_registry_does_not_answer_is_exit_1(terminal: Terminal) -> None:
    said = terminal("watch", "add", "--query", "cond=(dry", "--dry-run")
    assert said.code == 1
    assert "does not understand the search 'cond=(dry'" in said.complaint
    terminal.house.registry.stop()
    assert terminal("watch", "add", *QUERY, "--dry-run").code == 1
    terminal.house.registry.start()


# --- what a search finds ---


def test_what_a_search_finds_is_watched_and_listed_with_it(terminal: Terminal) -> None:
    begin(terminal)
    first, second, search = terminal("watch", "list", "--json").json
    query = {"cond": "Sjogren", "locn": "Denmark"}
    assert [row["trial"] for row in (first, second)] == [FIRST, SECOND]
    assert first["found_by"] == second["found_by"] == [query]
    assert (search["query"], search["found"]) == (query, 2)
    assert search["looked_at"].endswith("Z")
    assert terminal("watch", "list").out.splitlines()[-1].startswith("search  cond=Sjogren locn=Denmark  found 2 on 20")


def test_a_trial_removed_by_hand_stays_away_until_it_is_added_by_hand(terminal: Terminal) -> None:
    begin(terminal)
    said = terminal("watch", "remove", FIRST)
    assert said.out == f"{FIRST}: not watched any more; its history is kept; no search brings it back\n"
    terminal.house.registry.release()
    assert terminal("sync").code == 0
    assert trials(terminal) == [SECOND]
    assert "watched from now on" in terminal("watch", "add", FIRST).out
    assert trials(terminal) == [FIRST, SECOND]


def test_a_search_is_removed_with_what_was_watched_for_it_alone(terminal: Terminal) -> None:
    begin(terminal)
    terminal("watch", "add", FIRST)
    said = terminal("watch", "remove", *SPELT_OTHERWISE)
    assert said.code == 0
    assert said.out == "cond=Sjogren locn=Denmark: not watched any more, nor 1 trial that was watched for it alone; their history is kept\n"
    assert trials(terminal) == [FIRST]
    assert terminal("show", SECOND, "--json").json["overall_status"] == "RECRUITING"
    again = terminal("watch", "remove", *QUERY)
    assert (again.code, "was not watched" in again.out) == (1, True)


def test_a_search_for_which_alone_nothing_was_watched_is_removed_with_nothing(terminal: Terminal) -> None:
    terminal("init")
    terminal("watch", "add", *QUERY)
    said = terminal("sync")
    assert said.err == "search cond=Sjogren locn=Denmark: no trial yet\n"
    assert terminal("watch", "remove", *QUERY).out == "cond=Sjogren locn=Denmark: not watched any more; no trial was watched for it alone\n"


def test_thousands_are_written_alike_beforehand_and_by_the_sync(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = terminal.house.registry.answer

    def counting(request: Request) -> Reply:
        reply = answer(request)
        return replace(reply, body=reply.body.replace(b'"totalCount":2', b'"totalCount":270000'))

    publish(terminal, FIRST, SECOND)
    monkeypatch.setattr(terminal.house.registry, "answer", counting)
    said = terminal("watch", "add", *QUERY, "--dry-run")
    assert "finds 270,000 trials;" in said.out
    assert "about 1,350 requests for them" in said.out
    terminal("watch", "add", *QUERY)
    first = terminal("sync").err.splitlines()[0]
    assert first == "search cond=Sjogren locn=Denmark: 270,000 trials, which may take 1,350 requests to record"


def test_many_searches_that_fail_are_summed_up_as_searches(terminal: Terminal) -> None:
    terminal("init")
    for number in range(12):
        terminal("watch", "add", "--query", f"cond=disease{number}")
    terminal.house.registry.faults.fail(503, path="/api/v2/studies", times=None)
    said = terminal("sync")
    assert said.code == 1
    assert "cond=disease3 and 8 more searches: " in said.complaint


# --- who hears of it ---


def subscribe(terminal: Terminal, *what: str) -> Said:
    said = terminal("subscribe", READER, *what, "--confirmed")
    assert said.code == 0, said.err
    return said


def test_a_follower_of_a_search_hears_of_what_it_finds_and_of_nothing_else(terminal: Terminal) -> None:
    begin(terminal)
    assert "will be told of what the search cond=Sjogren locn=Denmark finds" in subscribe(terminal, *QUERY).out
    terminal("watch", "add", OTHER)
    terminal("sync")
    assert subjects(terminal) == []
    publish(terminal, THIRD)
    publish(terminal, FIRST, status="SUSPENDED")
    publish(terminal, OTHER, condition="Gout", status="SUSPENDED")
    terminal("sync")
    assert sorted(subjects(terminal)) == [f"A search watched for you found a trial ({THIRD})", f"A trial you follow has paused ({FIRST})"]


def test_who_follows_a_trial_everything_and_a_search_hears_once(terminal: Terminal) -> None:
    begin(terminal)
    for what in ((FIRST,), ("--all",), QUERY):
        subscribe(terminal, *what)
    publish(terminal, FIRST, status="SUSPENDED")
    publish(terminal, THIRD)
    assert "2 notices queued, 2 sent" in terminal("sync").out
    assert len(subjects(terminal)) == 2


def test_a_search_that_is_not_watched_is_said(terminal: Terminal) -> None:
    terminal("init")
    said = subscribe(terminal, *QUERY)
    hint = "registry-sync watch add --query cond=Sjogren --query locn=Denmark"
    assert said.complaint == f"the search cond=Sjogren locn=Denmark is not watched, so nothing will be seen to tell: {hint}"
    assert "search cond=Sjogren locn=Denmark (not watched" in terminal("subscriptions").out
    terminal(*shlex.split(hint)[1:])
    assert subscribe(terminal, *QUERY).err == ""
    (row,) = terminal("subscriptions", "--json").json
    assert (row["query"], row["query_is_watched"]) == ({"cond": "Sjogren", "locn": "Denmark"}, True)
    assert "1 subscription follows this search" in terminal("watch", "remove", *QUERY).err
    assert "(not watched" in terminal("subscriptions").out


def test_one_trial_of_a_followed_search_cannot_be_stopped_but_the_search_can(terminal: Terminal) -> None:
    begin(terminal)
    subscribe(terminal, *QUERY)
    said = terminal("unsubscribe", READER, FIRST)
    assert said.code == 2
    assert "follows what the search cond=Sjogren locn=Denmark finds: stop that as a whole" in said.complaint
    assert terminal("unsubscribe", READER, *SPELT_OTHERWISE).code == 0
    assert terminal("unsubscribe", READER, *QUERY).code == 1
    publish(terminal, FIRST, status="SUSPENDED")
    terminal("sync")
    assert subjects(terminal) == []


def test_what_waits_for_a_search_is_not_sent_once_it_is_stopped_unless_something_else_wants_it(terminal: Terminal) -> None:
    begin(terminal)
    subscribe(terminal, *QUERY)
    subscribe(terminal, SECOND)
    publish(terminal, FIRST, SECOND, status="SUSPENDED")
    terminal("sync", "--no-deliver")
    assert terminal("unsubscribe", READER, *QUERY).code == 0
    terminal("deliver")
    assert subjects(terminal) == [f"A trial you follow has paused ({SECOND})"]


# --- ids that were merged ---


def test_an_id_that_was_merged_is_taken_as_the_one_it_is_now(terminal: Terminal) -> None:
    terminal("init")
    terminal("watch", "add", FIRST)
    with terminal.house.history() as history, history.write():
        aliases.merge(history, FIRST, SECOND, "2026-02-02T06:17:00Z")
    note = f"{FIRST} is {SECOND} now: the registry merged the two\n"
    said = terminal("subscribe", READER, FIRST, "--confirmed", "--json")
    assert (said.json["trials"], said.err) == ([SECOND], note)
    assert terminal("unsubscribe", READER, FIRST).code == 0
    assert terminal("watch", "remove", FIRST).out.startswith(f"{note}{SECOND}: not watched any more")
    assert trials(terminal) == []
