"""What grows in the file for years slows nothing down: SQLite finds what it is asked for by an index, in transactions of a bounded size."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from db import bulletins, confirmations, dated, erasure, outbox, overview, subscriptions
from db.connection import History
from tests.db.growing import asked, scans, sorted_by_hand
from tests.db.test_outbox import NOW, OTHER, TRIAL, change, subscribe

MOMENT = datetime.datetime.fromisoformat(NOW)
WITHOUT_AN_INDEX = {
    ("version", "base"): "a version is never deleted, nor does its id change",
}
"""Child columns of foreign keys that no index begins with, and why none is needed."""


def test_whatever_another_row_refers_to_is_found_by_an_index(history: History) -> None:
    """Else each row that is deleted has SQLite read the whole table whose rows may refer to it."""
    lacking = set()
    for table in [row["name"] for row in history.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]:
        indexes = [
            [part["name"] for part in history.rows(f'PRAGMA index_info("{index["name"]}")')]
            for index in history.rows(f'PRAGMA index_list("{table}")')
            if not index["partial"]
        ]
        keys: dict[int, list[str]] = {}
        for part in history.rows(f'PRAGMA foreign_key_list("{table}")'):
            keys.setdefault(part["id"], []).append(part["from"])
        columns = history.rows(f'PRAGMA table_info("{table}")')
        indexes.append([column["name"] for column in columns if column["pk"] and column["type"] == "INTEGER"])
        lacking |= {(table, *key) for key in keys.values() if not any(index[: len(key)] == key for index in indexes)}
    assert lacking == set(WITHOUT_AN_INDEX)


def stop(history: History, *addresses: str, at: str = NOW) -> None:
    for address in addresses:
        subscriptions.stop(history, address, [], why="operator", now=at)


def counted(history: History, table: str) -> int:
    return int(history.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"])


def test_what_is_past_its_time_goes_in_small_transactions(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who writes meanwhile waits for a part of it, not for years of notices."""
    monkeypatch.setattr(erasure, "_SUBSCRIPTIONS_AT_ONCE", 2)
    monkeypatch.setattr(erasure, "_NOTICES_AT_ONCE", 3)
    addresses = [f"{letter}@example.org" for letter in "abcde"]
    for number in range(4):
        change(history, TRIAL, *((f"{number} {address}", subscribe(history, address)) for address in addresses))
    stop(history, *addresses[:4])
    with asked(history) as said:
        assert erasure.age_out(history, "2026-03-01T00:00:00Z") == 4
    assert (counted(history, "subscription"), counted(history, "notice"), counted(history, "notice_change")) == (1, 4, 4)
    assert said.count("BEGIN IMMEDIATE") > 16 / 3
    assert erasure.age_out(history, "2026-03-01T00:00:00Z") == 0


def test_notices_stay_with_what_is_left_of_their_address(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasure, "_SUBSCRIPTIONS_AT_ONCE", 1)
    old, older = subscribe(history), subscribe(history, role="coordinator")
    lasting = subscribe(history, trials=(OTHER,))
    change(history, TRIAL, ("k", old), ("l", older))
    for each in (old, older):
        subscriptions.stop_one(history, each.id, why="holder", now=NOW)
    assert erasure.age_out(history, "2026-03-01T00:00:00Z") == 2
    assert {row["subscription_id"] for row in history.rows("SELECT subscription_id FROM notice")} == {lasting.id}
    assert counted(history, "notice") == 2


# --- mails that ask for a confirmation ---


def ask(history: History, address: str, trial: str = TRIAL) -> None:
    wanted = subscriptions.Subscription(id=0, address=address, kind="email")
    row = subscriptions.add(history, wanted, [trial], consent=subscriptions.Consent("w", None, None), now=NOW)
    with history.write() as connection:
        assert confirmations.queue(connection, row["id"], MOMENT) == "queued"


def test_a_mail_that_asks_is_found_in_its_order_and_not_among_all_that_wait(history: History) -> None:
    for number in range(3):
        ask(history, f"{number}@example.org")
    with asked(history) as said:
        assert confirmations.is_due(history, MOMENT)
        assert confirmations.claim(history, 1, MOMENT) is not None
        assert confirmations.claimants(history) == {1}
        confirmations.free_claims(history, [1])
        confirmations.tidy(history, MOMENT)
    assert scans(history, said, "confirmation") == []
    assert sorted_by_hand(history, said) == []


def test_a_mail_that_another_has_claimed_meanwhile_is_left_to_it(history: History) -> None:
    ask(history, "a@example.org")
    first = confirmations.claim(history, 1, MOMENT)
    assert first is not None
    confirmations.free_claims(history, [1])
    assert confirmations.claim(history, 2, MOMENT) is not None
    confirmations.give_back(history, 1, first.id)
    assert not confirmations.park(history, 1, first.id, "no such mailbox")
    assert not confirmations.again(history, 1, first.id, NOW, "no answer")
    assert confirmations.claimants(history) == {2}
    confirmations.sent(history, first.id, NOW)
    assert not confirmations.again(history, 2, first.id, NOW, "no answer")
    assert confirmations.waiting(history) == 0


def test_what_has_to_wait_is_looked_at_once_in_a_delivery(history: History) -> None:
    """Each address has asked twice: while the others get their first mail, the second ones are passed over once."""
    for number in range(3):
        ask(history, f"{number}@example.org")
        ask(history, f"{number}@example.org", OTHER)
    found, last = [], None
    while (last := confirmations.claim(history, 1, MOMENT, last)) is not None:
        found.append((last.created_at, last.id))
        confirmations.sent(history, last.id, NOW)
    assert found == sorted(found)
    assert len(found) == 3
    assert confirmations.claim(history, 1, MOMENT) is None
    later = MOMENT + confirmations.APART
    assert confirmations.claim(history, 1, later) is not None


# --- the outbox ---


@pytest.mark.parametrize(
    "ask",
    [
        lambda history: outbox.each(history, address="a@example.org"),
        lambda history: outbox.each(history, "failed"),
        lambda history: outbox.each(history, "held"),
        lambda history: outbox.beginning_with(history, "0b7f"),
        lambda history: outbox.claimants(history),
        lambda history: outbox.free_claims(history, [1]),
        lambda history: outbox.retry(history, ["n"], NOW),
        lambda history: outbox.retry(history, [], NOW),
        lambda history: outbox.release(history, ["n"], None),
        lambda history: outbox.release(history, [], None),
        lambda history: outbox.counts(history, NOW),
        lambda history: outbox.oldest(history, NOW),
        lambda history: outbox.tried_in_vain(history),
        lambda history: outbox.kinds_due(history, NOW),
        lambda history: outbox.claim(history, 1, NOW, ["email"], 1),
        lambda history: overview.notices(history, notice="n"),
        lambda history: overview.notices(history, address="a@example.org"),
        lambda history: overview.notices(history, state="held"),
        lambda history: overview.notices(history, state="failed"),
        lambda history: bulletins.count_untold(history),
        lambda history: bulletins.newest_untold(history, None),
        lambda history: bulletins.gather(history, NOW, None),
    ],
)
def test_no_question_about_the_outbox_reads_all_that_was_ever_sent(history: History, ask: Callable[[History], Any]) -> None:
    change(history, TRIAL, ("k", subscribe(history)))
    with asked(history) as said:
        found = ask(history)
        if isinstance(found, Iterator):
            list(found)
    assert said
    assert scans(history, said, "notice") == []


def test_an_outbox_of_any_length_stands_in_memory_by_portions(history: History) -> None:
    readers = [subscribe(history, f"{number}@example.org") for number in range(1001)]
    change(history, TRIAL, *((f"k {reader.address}", reader) for reader in readers))
    with asked(history) as said:
        found = [row["address"] for row in outbox.each(history)]
    assert found == [reader.address for reader in readers]
    assert sum("json_each" in each for each in said) == 3


@pytest.mark.parametrize("state", ["pending", "held", "claimed", "sent", "failed", "cancelled"])
def test_each_state_has_its_notices(history: History, state: str) -> None:
    change(history, TRIAL, ("k", subscribe(history)), ("l", subscribe(history, "b@example.org")))
    kept = {"held": "pending"}.get(state, state)
    history.write_one("UPDATE notice SET state = ?, held = ? WHERE address = 'a@example.org'", (kept, state == "held"))
    found = [row["state"] for row in overview.notices(history, state=state)]
    assert found == [state] * overview.notice_states(history)[state]


# --- what changed ---


def test_what_changed_since_a_day_reads_no_change_of_before(history: History) -> None:
    for trial in (TRIAL, OTHER):
        change(history, trial)
    with asked(history) as said:
        for clock in ("seen", "registry"):
            assert list(dated.changes(history, since="2026-03-01T00:00:00Z", clock=clock)) == []  # type: ignore[arg-type]
            assert len(list(dated.changes(history, since="2026-02-01T00:00:00Z", clock=clock))) == 2  # type: ignore[arg-type]
    assert scans(history, said, "change") == []


@pytest.mark.parametrize("date", ["2026", "2026-02", "2026-02-15", "2026-03-01"])
def test_a_date_without_day_or_month_may_be_of_that_day(history: History, date: str) -> None:
    change(history, TRIAL)
    for table in ("change", "version"):
        history.write_one(f"UPDATE {table} SET registry_date = ?, seen_at = '2026-01-01T00:00:00Z'", (date,))
    for since, found in (("2026-02-15", 1), ("2026-03-02", int(date == "2026")), ("2027-01-01", 0)):
        assert len(list(dated.changes(history, since=f"{since}T00:00:00Z", clock="registry"))) == found


@pytest.mark.parametrize("more", [{}, {"backfilled": True}, {"clock": "registry"}])
def test_changes_of_any_number_stand_in_memory_by_portions(history: History, more: Any) -> None:
    change(history, TRIAL)
    columns = "trial, source, version_id, field, topic, operation, significance, reader_significance, seen_at"
    history.write_one(
        f"""INSERT INTO change ({columns})
            WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < 1200)
            SELECT {columns} FROM change, n""",
        (),
    )
    found = dated.changes(history, **more)
    with asked(history) as said:
        assert next(found).id == 1201
    assert sum(each.startswith("SELECT * FROM") for each in said) == 1
    assert [each.id for each in found] == list(range(1200, 0, -1))
