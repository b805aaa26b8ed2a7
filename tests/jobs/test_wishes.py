"""A change of mind takes effect for what is not yet sent, and nothing that is still wanted gets lost by it."""

from __future__ import annotations

import datetime
from typing import Any

from db import outbox, stops, subscriptions
from jobs import wishes
from jobs.writing import WritingDesk
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.notices.route import Subscription
from tests.house import House
from tests.waiting import PATIENCE, beside

READER = "reader@example.org"
OTHER = "NCT00000001"


def begin(house: House, **subscription: Any) -> None:
    """A trial is watched and followed, and has a first version."""
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.subscribe(READER, **subscription)
    house.sync(days=0)


def suspend(house: House) -> None:
    """Recruitment is suspended; what is to be told of it waits."""
    house.registry.put(record.with_status(house.registry.study(TRIAL), "SUSPENDED", posted="2026-02-03"))
    house.sync(then_deliver=False)


def follow(house: House, *, instead: bool = False, **more: Any) -> dict[str, Any]:
    with house.history() as history:
        consent = subscriptions.Consent("w", "me", house.around.stamp())
        wanted = Subscription(id=0, address=READER, kind="email", **more)
        return wishes.follow(house.around, history, wanted, (TRIAL,), consent=consent, instead=instead)


def waiting(house: House) -> list[tuple[str, str]]:
    return [(row["every"], row["state"]) for row in house.outbox()]


def test_who_wants_it_daily_instead_gets_what_waits_with_the_day(house: House) -> None:
    begin(house)
    suspend(house)
    follow(house, instead=True, every="day")
    assert waiting(house) == [("now", "cancelled"), ("day", "pending")]
    assert house.deliver().sent == 0
    assert house.deliver(hours=24).sent == 1
    (mail,) = house.mailbox.messages
    assert "suspended" in mail.text("plain") or "paused" in mail.text("plain")


def test_who_wants_it_at_once_from_now_on_does_not_wait_for_the_week(house: House) -> None:
    begin(house, every="week")
    suspend(house)
    assert waiting(house) == [("week", "pending")]
    follow(house, every="now")
    assert waiting(house) == [("week", "cancelled"), ("now", "pending")]
    assert house.deliver().sent == 1


def test_a_second_wish_adds_and_does_not_replace(house: House) -> None:
    begin(house, topics=frozenset({"timeline"}))
    follow(house, topics=frozenset({"status"}))
    house.registry.put(record.with_completion(house.registry.study(TRIAL), "2027-03", posted="2026-02-03"))
    suspend(house)
    assert waiting(house) == [("now", "pending")]
    house.deliver()
    (mail,) = house.mailbox.messages
    assert "March 2027" in mail.text("plain")
    assert "paused" in mail.text("plain")


def test_another_language_counts_for_what_waits(house: House) -> None:
    begin(house)
    suspend(house)
    follow(house, language="da")
    house.deliver()
    assert house.mailbox.messages[0].message["Content-Language"] == "da"


def test_what_is_no_longer_wanted_of_a_notice_is_left_out(house: House) -> None:
    begin(house)
    house.registry.put(record.with_completion(house.registry.study(TRIAL), "2027-03", posted="2026-02-03"))
    suspend(house)
    follow(house, instead=True, topics=frozenset({"timeline"}))
    house.deliver()
    (mail,) = house.mailbox.messages
    assert "SUSPENDED" not in mail.text("plain")
    assert "2027" in mail.text("plain")


def test_who_stops_while_a_delivery_has_claimed_the_notice_gets_nothing(house: House) -> None:
    begin(house)
    suspend(house)
    with house.history() as delivering, house.history() as elsewhere:
        (claimed,) = outbox.claim(delivering, 1, house.around.stamp(), ["email"], 10)
        desk = WritingDesk(house.around, delivering, by=1)
        desk.begin([claimed])
        wishes.stop(house.around, elsewhere, READER, [], why="holder")
        assert desk.notice(claimed) is None


def test_what_was_written_ahead_is_not_sent_to_who_has_stopped_since(house: House) -> None:
    begin(house)
    suspend(house)
    with house.history() as delivering, house.history() as elsewhere:
        (claimed,) = outbox.claim(delivering, 1, house.around.stamp(), ["email"], 10)
        desk = WritingDesk(house.around, delivering, by=1)
        desk.begin([claimed])
        ahead = desk.ahead(claimed)
        assert ahead is not None
        assert desk.notice(claimed) is ahead
        assert desk.ahead(claimed) is not None
        wishes.stop(house.around, elsewhere, READER, [], why="holder")
        assert desk.notice(claimed) is None


def test_who_stops_while_the_mail_before_is_taken_gets_nothing(house: House) -> None:
    begin(house)
    house.subscribe("b@example.org")
    suspend(house)
    hold = house.mailbox.hang("data")
    delivery = beside(house.deliver)
    hold.wait_until_reached()
    with house.history() as history:
        wishes.stop(house.around, history, READER, [], why="holder")
        wishes.stop(house.around, history, "b@example.org", [], why="holder")
    hold.release()
    assert delivery.result(PATIENCE).sent == 1
    assert len(house.mailbox.messages) == 1
    assert sorted(row["state"] for row in house.outbox()) == ["cancelled", "sent"]


def test_a_notice_about_an_id_that_was_merged_meanwhile_is_still_sent(house: House) -> None:
    begin(house)
    suspend(house)
    house.registry.put(record.a_study(OTHER))
    house.registry.alias(TRIAL, OTHER)
    house.sync(then_deliver=False)
    house.deliver()
    assert any("suspended" in text or "paused" in text for text in (mail.text("plain") for mail in house.mailbox.messages))


def test_what_its_holder_stopped_is_started_by_its_holder_alone(house: House) -> None:
    begin(house)
    with house.history() as history:
        wishes.stop(house.around, history, READER, [], why="holder")
        assert stops.stopped(history, READER) == (house.around.stamp(), "holder")
    follow(house)
    with house.history() as history:
        assert stops.stopped(history, READER) is not None  # the operator's word does not lift it
        consent = subscriptions.Consent("w", subscriptions.HOLDER, house.around.stamp())
        wanted = Subscription(id=0, address=READER, kind="email")
        wishes.follow(house.around, history, wanted, (TRIAL,), consent=consent)
        assert stops.stopped(history, READER) is None


def test_the_day_of_a_digest_is_moved_with_the_time_zone(house: House) -> None:
    begin(house, every="day")
    suspend(house)
    (before,) = (row["next_try_at"] for row in house.outbox() if row["state"] == "pending")
    follow(house, every="day", timezone="America/New_York")
    (after,) = (row["next_try_at"] for row in house.outbox() if row["state"] == "pending")
    moved = datetime.datetime.fromisoformat(after) - datetime.datetime.fromisoformat(before)
    assert moved == datetime.timedelta(hours=5)


def test_what_moves_into_a_digest_that_waits_is_not_lost_there(house: House) -> None:
    house.registry.put(record.the_study())
    house.registry.put(record.a_study(OTHER))
    house.watch(TRIAL, OTHER)
    house.subscribe(READER, TRIAL, OTHER, every="day")
    house.sync(days=0)
    suspend(house)
    house.registry.put(record.with_status(house.registry.study(OTHER), "SUSPENDED", posted="2026-02-04"))
    house.sync(then_deliver=False)  # nobody has delivered what was due in between
    assert [row["trials"] for row in house.outbox()] == [[TRIAL], [OTHER]]
    with house.history() as history:
        consent = subscriptions.Consent("w", "me", house.around.stamp())
        wanted = Subscription(id=0, address=READER, kind="email", every="day", least="major")
        wishes.follow(house.around, history, wanted, (TRIAL, OTHER), consent=consent, instead=True)
    house.deliver(hours=30)
    (mail,) = house.mailbox.messages
    assert TRIAL in mail.text("plain")
    assert OTHER in mail.text("plain")
