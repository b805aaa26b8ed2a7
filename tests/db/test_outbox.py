"""Notices, from the change to the server's yes; and what happens when a reader stops in between."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from db import history as versions
from db import incidents, outbox, stops, subscriptions, watches, wishes
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
            due = datetime.datetime.fromisoformat(NOW)
            plan = Planned(
                key, subscription.address, subscription.kind, subscription.every, subscription.id, (0,), due, hold=subscription.hold
            )
            outbox.queue(connection, [plan], ids, NOW)
    return ids[0]


def claim_next(history: History, now: str, kinds: list[str], *, desk: int = 1) -> outbox.Waiting | None:
    """The one notice that is due the longest."""
    return next(iter(outbox.claim(history, desk, now, kinds, 1)), None)


def following(history: History, trial: str) -> list[int]:
    return [each.id for each in subscriptions.following(history, trial)]


def settle(history: History, address: str) -> None:
    """What a change of mind does to what waits."""
    now = datetime.datetime.fromisoformat(LATER)
    with history.write():
        wishes.settle(history, address, now=now, period_end=lambda every, timezone, moment: moment + datetime.timedelta(days=1))


def states(history: History) -> dict[str, str]:
    return {row["address"]: row["state"] for row in outbox.listing(history)}


def test_a_notice_is_claimed_once(history: History) -> None:
    change(history, TRIAL, ("k", subscribe(history)))
    claimed = claim_next(history, NOW, ["email"])
    assert claimed is not None
    assert (claimed.address, claimed.attempts) == ("a@example.org", 1)
    assert claim_next(history, NOW, ["email"]) is None
    assert claim_next(history, NOW, ["webhook"]) is None
    outbox.sent(history, claimed.id, LATER)
    (row,) = outbox.listing(history)
    assert (row["state"], row["sent_at"], row["trials"]) == ("sent", LATER, [TRIAL])


def test_a_dead_process_s_claim_is_free_again(history: History) -> None:
    change(history, TRIAL, ("k", subscribe(history)))
    first = claim_next(history, NOW, ["email"])
    outbox.free_claims(history, [1])
    second = claim_next(history, NOW, ["email"])
    assert first is not None
    assert second is not None
    assert (first.id, second.attempts) == (second.id, 2)


def test_a_failed_notice_waits_with_its_reason_and_can_be_hurried(history: History) -> None:
    change(history, TRIAL, ("k", subscribe(history)))
    claimed = claim_next(history, NOW, ["email"])
    assert claimed is not None
    outbox.again(history, 1, claimed.id, LATER, "no answer")
    assert claim_next(history, NOW, ["email"]) is None
    assert [row["last_error"] for row in outbox.listing(history, "failed")] == ["no answer"]
    assert outbox.retry(history, [], NOW) == []
    assert claim_next(history, NOW, ["email"]) is not None


def test_a_parked_notice_stays_until_it_is_retried(history: History) -> None:
    change(history, TRIAL, ("k", subscribe(history)))
    claimed = claim_next(history, NOW, ["email"])
    assert claimed is not None
    outbox.park(history, 1, claimed.id, "no such mailbox", NOW)
    assert outbox.counts(history, LATER) == {"failed": 1, "waiting": 0, "due": 0, "due_before": 0, "held": 0}
    assert outbox.retry(history, [claimed.id, "nobody"], NOW) == ["nobody"]
    assert outbox.counts(history, LATER) == {"failed": 0, "waiting": 1, "due": 1, "due_before": 1, "held": 0}
    outbox.sent(history, claimed.id, NOW)
    assert outbox.retry(history, [claimed.id], NOW) == [claimed.id]


def test_what_another_has_claimed_meanwhile_is_neither_cancelled_nor_parked_nor_put_off(history: History) -> None:
    change(history, TRIAL, ("k", subscribe(history)))
    first = claim_next(history, NOW, ["email"])
    assert first is not None
    outbox.free_claims(history, [1])
    assert claim_next(history, NOW, ["email"], desk=2) is not None
    assert not outbox.cancel(history, 1, first.id)
    assert not outbox.park(history, 1, first.id, "no such mailbox", NOW)
    assert not outbox.again(history, 1, first.id, LATER, "no answer")
    assert outbox.still_claimed(history, [first.id], 2) == {first.id}
    outbox.sent(history, first.id, NOW)
    assert not outbox.park(history, 2, first.id, "no such mailbox", NOW)
    assert not outbox.again(history, 2, first.id, LATER, "no answer")
    assert states(history) == {"a@example.org": "sent"}


def test_the_key_makes_a_notice_once(history: History) -> None:
    reader = subscribe(history)
    first = change(history, TRIAL, ("day 2026-02-04 a@example.org", reader))
    second = change(history, OTHER, ("day 2026-02-04 a@example.org", reader))
    (row,) = outbox.listing(history)
    assert row["trials"] == [OTHER, TRIAL]
    assert outbox.change_ids(history, [row["id"]]) == {row["id"]: (first, second)}


def test_the_view_of_what_waits(history: History) -> None:
    change(history, TRIAL, ("k", subscribe(history)))
    (row,) = history.rows("SELECT * FROM waiting_to_be_sent")
    assert (row["address"], row["trials"], row["changes"], row["state"]) == ("a@example.org", TRIAL, 1, "pending")


def test_who_stops_gets_nothing_that_still_waits(history: History) -> None:
    change(history, TRIAL, ("a", subscribe(history)), ("b", subscribe(history, "b@example.org")))
    assert subscriptions.stop(history, "a@example.org", [], why="operator", now=LATER) == 1
    settle(history, "a@example.org")
    assert states(history) == {"a@example.org": "cancelled", "b@example.org": "pending"}


def test_who_stops_one_of_two_trials_still_hears_of_the_other(history: History) -> None:
    reader = subscribe(history, trials=(TRIAL, OTHER))
    change(history, TRIAL, ("day", reader))
    change(history, OTHER, ("day", reader))
    assert subscriptions.stop(history, "a@example.org", [TRIAL], why="operator", now=LATER) == 1
    settle(history, "a@example.org")
    (row,) = outbox.listing(history)
    assert (row["state"], row["trials"]) == ("pending", [OTHER])
    assert following(history, OTHER) == [reader.id]
    assert following(history, TRIAL) == []


def test_what_another_subscription_of_the_address_wants_is_still_sent(history: History) -> None:
    subscribe(history, trials=())
    change(history, TRIAL, ("k", subscribe(history, role="coordinator")))
    subscriptions.stop(history, "a@example.org", [TRIAL], why="operator", now=LATER)
    settle(history, "a@example.org")
    assert states(history) == {"a@example.org": "pending"}


def test_a_link_stops_one_subscription_also_one_of_an_older_mail(history: History) -> None:
    reader, other = subscribe(history), subscribe(history, trials=(OTHER,))
    assert subscriptions.of_older_token(history, reader.stop_token) == reader.id
    assert subscriptions.of_older_token(history, "x" * 32) is None
    assert subscriptions.stop_one(history, reader.id, why="holder", now=LATER) == "a@example.org"
    assert subscriptions.stop_one(history, 4711, why="holder", now=LATER) is None
    assert following(history, OTHER) == [other.id]
    assert following(history, TRIAL) == []
    assert stops.stopped(history, "a@example.org") == (LATER, "holder")
    assert stops.stopped(history, "b@example.org") is None


def test_the_same_wish_twice_is_one_subscription(history: History) -> None:
    first, second = subscribe(history), subscribe(history, language="da")
    assert (first.id, second.language) == (second.id, "da")
    assert subscribe(history, role="coordinator").id != first.id


def test_pending_ones_hear_nothing(history: History) -> None:
    wanted = Subscription(id=0, address="p@example.org", kind="email")
    row = subscriptions.add(history, wanted, [TRIAL], consent=subscriptions.Consent("w", None, None), now=NOW)
    assert (row["state"], row["asked_at"], row["confirmed_at"]) == ("pending", NOW, None)
    assert following(history, TRIAL) == []


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
