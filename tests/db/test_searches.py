"""Searches, what they found, and who follows them."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest
import sqlite_utils

from db import aliases, searches, subscriptions, watches
from db.connection import APPLICATION_ID, History, open_history
from db.migrations import STEPS
from registry_sync.notices.route import Subscription
from registry_sync.sources.ctgov_search import Search, search_from
from tests.waiting import costs_its_share

DRY, DANISH = search_from(["cond=Dry mouth"]), search_from(["locn=Denmark", "cond=Dry mouth"])
FIRST, SECOND, THIRD = "NCT00000001", "NCT00000002", "NCT00000003"
NOW, LATER = "2026-02-02T06:17:00Z", "2026-02-03T06:17:00Z"
RELEASE, NEXT = "2026-02-02T05:00:00", "2026-02-03T05:00:00"
MANY = [f"NCT{number:08d}" for number in range(1, 30_001)]


def watch(history: History, search: Search) -> int:
    searches.add(history, search, NOW)
    return next(stored.id for stored in searches.pending(history, None) if stored.search == search)


def run(history: History, search_id: int, *trials: str, release: str | None = RELEASE, end: bool = True, now: str = NOW) -> list[str]:
    """What a sync does with one search."""
    with history.write() as connection:
        new = searches.found(connection, search_id, trials, now)
        if end:
            searches.finished(connection, search_id, release, len(trials), now)
    return new


def news(history: History) -> list[str]:
    return [trial for trial in watches.trials(history) if watches.news(history, trial)]


def subscribe(history: History, search: Search | None = None, *trials: str, address: str = "a@example.org", **more: str) -> int:
    wanted = Subscription(id=0, address=address, kind="email", **more)  # type: ignore[arg-type]
    consent = subscriptions.Consent("w", "me", NOW)
    row = subscriptions.add(history, wanted, trials, consent=consent, now=NOW, search=search)
    return int(row["id"])


def followers(history: History, trial: str) -> list[int]:
    return [subscription.id for subscription in subscriptions.following(history, trial)]


# --- a search and its runs ---


def test_the_same_search_is_one(history: History) -> None:
    assert searches.add(history, DRY, NOW)
    assert not searches.add(history, search_from(["COND= Dry  mouth"]), LATER)
    assert searches.every(history) == [{"query": {"cond": "Dry mouth"}, "found": None, "added_at": NOW, "looked_at": None}]


def test_a_search_is_pending_until_it_is_run_to_its_end_in_a_release(history: History) -> None:
    search_id = watch(history, DRY)
    assert searches.pending(history, RELEASE) == [searches.Stored(search_id, DRY, complete=False, release=None)]
    run(history, search_id, FIRST, end=False)
    assert not searches.pending(history, RELEASE)[0].complete
    run(history, search_id, FIRST)
    assert searches.pending(history, RELEASE) == []
    assert searches.pending(history, NEXT) == [searches.Stored(search_id, DRY, complete=True, release=RELEASE)]
    assert searches.pending(history, None) == searches.pending(history, NEXT)
    assert searches.every(history)[0]["found"] == 1


def test_a_run_without_a_known_release_settles_nothing(history: History) -> None:
    search_id = watch(history, DRY)
    run(history, search_id, FIRST, release=None)
    assert searches.pending(history, RELEASE) == [searches.Stored(search_id, DRY, complete=True, release=None)]


def test_what_is_found_until_the_first_run_ends_is_no_news_and_what_is_found_then_is(history: History) -> None:
    search_id = watch(history, DRY)
    assert run(history, search_id, FIRST, end=False) == [FIRST]
    assert run(history, search_id, FIRST, SECOND) == [SECOND]
    assert news(history) == []
    assert run(history, search_id, FIRST, SECOND, THIRD, release=NEXT) == [THIRD]
    assert news(history) == [THIRD]
    with history.write() as connection:
        watches.news_told(connection, THIRD)
    assert news(history) == []


def test_a_trial_that_leaves_a_search_stays_watched(history: History) -> None:
    search_id = watch(history, DRY)
    run(history, search_id, FIRST, SECOND)
    run(history, search_id, SECOND, release=NEXT)
    assert watches.trials(history) == [FIRST, SECOND]


def test_a_trial_that_was_watched_by_hand_is_no_news(history: History) -> None:
    search_id = watch(history, DRY)
    run(history, search_id)
    watches.add(history, [FIRST], (), NOW)
    assert run(history, search_id, FIRST, release=NEXT) == []
    assert news(history) == []


@pytest.mark.parametrize("first", [0, 1])
def test_a_new_search_that_finds_a_trial_in_the_same_sync_takes_no_news_from_an_old_one(history: History, first: int) -> None:
    old = watch(history, DRY)
    run(history, old)
    both = [old, watch(history, DANISH)]
    for search_id in (both[first], both[1 - first]):
        run(history, search_id, FIRST, release=NEXT)
    assert news(history) == [FIRST]


def test_ids_that_were_merged_count_as_what_they_are_now(history: History) -> None:
    watches.add(history, [FIRST], (), NOW)
    with history.write():
        aliases.merge(history, FIRST, SECOND, NOW)
    assert run(history, watch(history, DRY), FIRST, THIRD, SECOND) == [THIRD]
    assert watches.trials(history) == [SECOND, THIRD]


def test_a_search_removed_while_it_is_run_finds_nothing_more(history: History) -> None:
    search_id = watch(history, DRY)
    searches.remove(history, DRY)
    assert run(history, search_id, FIRST) == []
    assert watches.trials(history) == []


# --- by hand ---


def test_a_trial_removed_by_hand_is_brought_back_by_no_search_but_by_hand(history: History) -> None:
    search_id = watch(history, DRY)
    run(history, search_id, FIRST, SECOND)
    assert watches.remove(history, [FIRST]) == []
    assert run(history, search_id, FIRST, SECOND, release=NEXT) == []
    assert run(history, watch(history, DANISH), FIRST) == []
    assert watches.trials(history) == [SECOND]
    assert watches.add(history, [FIRST], (), LATER) == [FIRST]
    assert watches.trials(history) == [FIRST, SECOND]
    searches.remove(history, DRY)
    searches.remove(history, DANISH)
    assert watches.trials(history) == [FIRST]


def test_removing_a_search_keeps_what_is_watched_for_another_reason(history: History) -> None:
    run(history, watch(history, DRY), FIRST, SECOND, THIRD)
    run(history, watch(history, DANISH), SECOND)
    watches.add(history, [THIRD], (), NOW)
    assert searches.remove(history, DRY) == searches.Removed(trials=1, followers=0)
    assert watches.trials(history) == [SECOND, THIRD]
    assert searches.remove(history, DRY) is None
    assert searches.remove(history, DANISH) == searches.Removed(trials=1, followers=0)
    assert history.rows("SELECT * FROM search") == history.rows("SELECT * FROM search_trial") == []


def test_a_search_that_is_added_again_begins_anew(history: History) -> None:
    subscribe(history, DRY)
    run(history, watch(history, DRY), FIRST)
    watches.remove(history, [FIRST])
    searches.remove(history, DRY)
    assert searches.pending(history, None) == []
    search_id = watch(history, DRY)
    assert searches.pending(history, RELEASE) == [searches.Stored(search_id, DRY, complete=False, release=None)]
    assert run(history, search_id, FIRST) == [FIRST]
    assert news(history) == []


def test_a_trial_that_was_not_watched_for_a_while_is_looked_at_whole(history: History) -> None:
    search_id = watch(history, DRY)
    run(history, search_id, FIRST)
    watches.remove(history, [FIRST])
    looked = "INSERT INTO look (trial, release, due_at, glance) VALUES (?, ?, ?, x'00')"
    with history.write() as connection:
        watches.know(connection, SECOND, NOW)
        connection.execute(looked, (FIRST, RELEASE, LATER))
        connection.execute(looked, (SECOND, RELEASE, LATER))
    watches.add(history, [FIRST], (), NOW)
    run(history, search_id, SECOND, release=NEXT)
    assert history.rows("SELECT * FROM look") == []


# --- who follows a search ---


def test_a_search_is_followed_with_all_that_it_found_and_finds(history: History) -> None:
    search_id = watch(history, DRY)
    run(history, search_id, FIRST)
    mine = subscribe(history, DRY)
    run(history, search_id, SECOND, release=NEXT)
    watches.add(history, [THIRD], (), NOW)
    assert [followers(history, trial) for trial in (FIRST, SECOND, THIRD)] == [[mine], [mine], []]


def test_the_same_wish_twice_is_one_subscription_and_another_is_another(history: History) -> None:
    assert subscribe(history, DRY) == subscribe(history, DRY)
    assert len({subscribe(history, DRY), subscribe(history, DANISH), subscribe(history), subscribe(history, None, FIRST)}) == 4


def test_a_subscription_outlives_the_watch_of_its_search(history: History) -> None:
    run(history, watch(history, DRY), FIRST)
    mine = subscribe(history, DRY)
    (row,) = subscriptions.listing(history)
    assert (row["query"], row["query_is_watched"], row["trials"]) == ({"cond": "Dry mouth"}, True, [])
    assert searches.remove(history, DRY) == searches.Removed(trials=1, followers=1)
    (row,) = subscriptions.listing(history)
    assert (row["state"], row["query"], row["query_is_watched"]) == ("active", {"cond": "Dry mouth"}, False)
    watches.add(history, [FIRST], (), NOW)
    assert followers(history, FIRST) == [mine]


def test_a_search_that_is_only_followed_is_not_asked(history: History) -> None:
    subscribe(history, DRY)
    assert searches.pending(history, None) == searches.every(history) == []
    assert not searches.is_watched(history, DRY)


def test_to_stop_a_search_leaves_the_other_subscriptions(history: History) -> None:
    run(history, watch(history, DRY), FIRST, SECOND)
    subscribe(history, DRY)
    other, theirs = subscribe(history, None, FIRST), subscribe(history, DRY, address="b@example.org")
    assert subscriptions.covering_search(history, "a@example.org", [SECOND]) == DRY
    assert subscriptions.stop(history, "a@example.org", [SECOND], why="operator", now=NOW) == 0
    assert subscriptions.stop_search(history, "a@example.org", DRY, why="operator", now=NOW) == 1
    assert subscriptions.stop_search(history, "a@example.org", DRY, why="operator", now=NOW) == 0
    assert subscriptions.covering_search(history, "a@example.org", [SECOND]) is None
    assert followers(history, FIRST) == [other, theirs]


# --- an older file ---


def test_a_search_kept_before_a_search_could_be_unwatched_is_watched(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        STEPS.apply(sqlite_utils.Database(connection, execute_plugins=False), stop_before=["m0004_watched_searches"])
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("INSERT INTO search (query, added_at, release, complete_at, total) VALUES (?, ?, ?, ?, 1)",
                           (DRY.to_json(), NOW, RELEASE, NOW))  # fmt: skip
    with open_history(path) as history:
        (stored,) = searches.pending(history, NEXT)
        assert (stored.search, stored.complete, stored.release) == (DRY, True, RELEASE)
        assert searches.every(history) == [{"query": {"cond": "Dry mouth"}, "found": 1, "added_at": NOW, "looked_at": None}]


# --- thousands ---


def test_a_search_of_thirty_thousand_takes_no_more_than_its_share_of_time(history: History) -> None:
    def keep(how_many: int) -> None:
        search_id = watch(history, DRY)
        with history.write() as connection:
            for start in range(0, how_many, 1_000):
                searches.found(connection, search_id, MANY[start : min(start + 1_000, how_many)], NOW)
            searches.finished(connection, search_id, RELEASE, how_many, NOW)
        rows = searches.listing(history)
        assert (len(rows), rows[0]["found_by"], rows[-1]["trial"]) == (how_many + 1, [{"cond": "Dry mouth"}], None)
        assert len(watches.trials(history)) == how_many
        assert searches.remove(history, DRY) == searches.Removed(trials=how_many, followers=0)

    assert costs_its_share(keep, len(MANY) // 4, len(MANY))


def test_what_was_found_before_is_looked_up_for_many_at_once(history: History) -> None:
    search_id = watch(history, DRY)
    statements: list[str] = []
    with history.write() as connection:
        searches.found(connection, search_id, MANY[:1_000], NOW)
        history.connection.set_trace_callback(statements.append)
        assert searches.found(connection, search_id, MANY[:1_000], LATER) == []
        history.connection.set_trace_callback(None)
    assert len(statements) <= 10


def test_thirty_thousand_ids_by_hand_take_no_more_than_their_share_of_time(history: History) -> None:
    def keep(how_many: int) -> None:
        some = MANY[:how_many]
        assert watches.add(history, some, (), NOW) == some
        assert watches.add(history, some, (), NOW) == []
        assert watches.remove(history, some) == []
        assert watches.remove(history, some) == some

    assert costs_its_share(keep, len(MANY) // 4, len(MANY))
