"""Notices, from the change to the server's yes; and what happens when a reader stops in between."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from db import history as versions
from db import incidents, outbox, subscriptions, watches
from db.connection import History
from registry_sync.notices.route import Planned, Subscription
from registry_sync.trials.changes import Change
from registry_sync.trials.record import Record

NOW, LATER = "2026-02-03T06:17:00Z", "2026-02-04T06:17:00Z"
TRIAL, OTHER = "NCT06805448", "NCT00000001"
CHANGE = Change(field="sex", topic="criteria", operation="changed", before="ALL", after="FEMALE")


def subscribe(history: History, address: str = "a@example.org", trials: tuple[str, ...] = (TRIAL,), **more: Any) -> Subscription:
    wanted = Subscription(id=0, address=address, kind=more.pop("kind", "email"), **more)
    row = subscriptions.add(history, wanted, trials, consent=subscriptions.Consent("w", "me", NOW), now=NOW)
    return subscriptions.by_id(history, row["id"])


def change(history: History, trial: str, *notices: tuple[str, Subscription]) -> int:
    """Record a change of a trial and queue these notices (key and subscription) about it; the change's id."""
    with history.write() as connection:
        watches.know(connection, trial, NOW)
        version = versions.add_version(
            history, trial=trial, source="ctgov", record=Record(trial=trial), payload=b"{}", registry_date=None, seen_at=NOW
        )
        ids = versions.add_changes(connection, version, [CHANGE], trial=trial, source="ctgov", registry_date=None, seen_at=NOW)
        for key, subscription in notices:
            outbox.queue(connection, Planned(key, subscription, (0,), datetime.datetime.now(datetime.UTC)), ids, NOW, NOW)
    return ids[0]


def states(history: History) -> dict[str, str]:
    return {row["address"]: row["state"] for row in outbox.listing(history)}


def test_a_notice_is_claimed_once(history: History) -> None:
    change(history, TRIAL, ("k", subscribe(history)))
    claimed = outbox.claim_next(history, NOW, ["email"])
    assert claimed is not None
    assert (claimed.address, claimed.attempts) == ("a@example.org", 1)
    assert outbox.claim_next(history, NOW, ["email"]) is None
    assert outbox.claim_next(history, NOW, ["webhook"]) is None
    outbox.sent(history, claimed.id, LATER)
    (row,) = outbox.listing(history)
    assert (row["state"], row["sent_at"], row["trials"]) == ("sent", LATER, [TRIAL])


def test_a_dead_process_s_claim_is_free_again(history: History) -> None:
    change(history, TRIAL, ("k", subscribe(history)))
    first = outbox.claim_next(history, NOW, ["email"])
    outbox.release_claims(history)
    second = outbox.claim_next(history, NOW, ["email"])
    assert first is not None
    assert second is not None
    assert (first.id, second.attempts) == (second.id, 2)


def test_a_failed_notice_waits_with_its_reason_and_can_be_hurried(history: History) -> None:
    change(history, TRIAL, ("k", subscribe(history)))
    claimed = outbox.claim_next(history, NOW, ["email"])
    assert claimed is not None
    outbox.again(history, claimed.id, LATER, "no answer")
    assert outbox.claim_next(history, NOW, ["email"]) is None
    assert [row["last_error"] for row in outbox.listing(history, failed_only=True)] == ["no answer"]
    assert outbox.retry(history, [], NOW) == []
    assert outbox.claim_next(history, NOW, ["email"]) is not None


def test_a_parked_notice_stays_until_it_is_retried(history: History) -> None:
    change(history, TRIAL, ("k", subscribe(history)))
    claimed = outbox.claim_next(history, NOW, ["email"])
    assert claimed is not None
    outbox.park(history, claimed.id, "no such mailbox")
    assert outbox.counts(history, LATER) == {"failed": 1, "waiting": 0, "due": 0}
    assert outbox.retry(history, [claimed.id, "nobody"], NOW) == ["nobody"]
    assert outbox.counts(history, LATER) == {"failed": 0, "waiting": 1, "due": 1}
    outbox.sent(history, claimed.id, NOW)
    assert outbox.retry(history, [claimed.id], NOW) == [claimed.id]


def test_the_key_makes_a_notice_once(history: History) -> None:
    reader = subscribe(history)
    first = change(history, TRIAL, ("day 2026-02-04 a@example.org", reader))
    second = change(history, OTHER, ("day 2026-02-04 a@example.org", reader))
    (row,) = outbox.listing(history)
    assert row["trials"] == [OTHER, TRIAL]
    assert [found.id for found in outbox.changes_of(history, row["id"])] == [first, second]


def test_the_view_of_what_waits(history: History) -> None:
    change(history, TRIAL, ("k", subscribe(history)))
    (row,) = history.rows("SELECT * FROM waiting_to_be_sent")
    assert (row["address"], row["trials"], row["changes"], row["state"]) == ("a@example.org", TRIAL, 1, "pending")


def test_who_stops_gets_nothing_that_still_waits(history: History) -> None:
    change(history, TRIAL, ("a", subscribe(history)), ("b", subscribe(history, "b@example.org")))
    assert subscriptions.stop(history, "a@example.org", [], why="operator", now=LATER) == 1
    assert states(history) == {"a@example.org": "cancelled", "b@example.org": "pending"}


def test_who_stops_one_of_two_trials_still_hears_of_the_other(history: History) -> None:
    reader = subscribe(history, trials=(TRIAL, OTHER))
    change(history, TRIAL, ("day", reader))
    change(history, OTHER, ("day", reader))
    assert subscriptions.stop(history, "a@example.org", [TRIAL], why="operator", now=LATER) == 1
    (row,) = outbox.listing(history)
    assert (row["state"], row["trials"]) == ("pending", [OTHER])
    assert [s.id for s in subscriptions.following(history, OTHER)] == [reader.id]
    assert subscriptions.following(history, TRIAL) == []


def test_what_another_subscription_of_the_address_wants_is_still_sent(history: History) -> None:
    subscribe(history, trials=())
    change(history, TRIAL, ("k", subscribe(history, role="coordinator")))
    subscriptions.stop(history, "a@example.org", [TRIAL], why="operator", now=LATER)
    assert states(history) == {"a@example.org": "pending"}


def test_a_secret_stops_one_subscription(history: History) -> None:
    reader, other = subscribe(history), subscribe(history, trials=(OTHER,))
    assert len(reader.stop_token) == 32
    assert reader.stop_token != other.stop_token
    assert subscriptions.stop_by_token(history, reader.stop_token, why="holder", now=LATER) == "a@example.org"
    assert subscriptions.stop_by_token(history, "x" * 32, why="holder", now=LATER) is None
    assert [s.id for s in subscriptions.following(history, OTHER)] == [other.id]
    assert subscriptions.stopped_by_holder(history, "a@example.org") == LATER


def test_the_same_wish_twice_is_one_subscription(history: History) -> None:
    first, second = subscribe(history), subscribe(history, language="da")
    assert (first.id, second.language) == (second.id, "da")
    assert subscribe(history, role="coordinator").id != first.id


def test_pending_ones_hear_nothing(history: History) -> None:
    wanted = Subscription(id=0, address="p@example.org", kind="email")
    row = subscriptions.add(history, wanted, [TRIAL], consent=None, now=NOW)
    assert row["state"] == "pending"
    assert subscriptions.following(history, TRIAL) == []


def test_incidents_open_count_and_close(history: History) -> None:
    with history.write() as connection:
        assert incidents.trouble(connection, "ctgov", "down", NOW)
        assert not incidents.trouble(connection, "ctgov", "still down", LATER)
    (row,) = incidents.open_ones(history)
    assert (row["times"], row["error"], row["opened_at"]) == (2, "still down", NOW)
    with history.write() as connection:
        assert incidents.well(connection, "ctgov", LATER)
        assert not incidents.well(connection, "ctgov", LATER)
    assert incidents.open_ones(history) == []


@pytest.mark.parametrize("payload", [b"", b"{}", bytes(range(256)) * 50])
def test_a_payload_comes_back_byte_for_byte(history: History, payload: bytes) -> None:
    with history.write() as connection:
        watches.know(connection, TRIAL, NOW)
        version = versions.add_version(
            history, trial=TRIAL, source="ctgov", record=Record(trial=TRIAL), payload=payload, registry_date=None, seen_at=NOW
        )
    assert versions.payload(history, version) == payload
