"""What cannot be delivered: addresses that refuse, notices that are stuck, and what the operator hears of it."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest

from db import buckets, erasure, outbox, stops, subscriptions
from jobs import health, wishes
from jobs.backup import backup
from jobs.surroundings import as_stamp
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.notices.route import Subscription
from tests.house import House

READER, GOOD, OPERATOR = "gone@example.org", "good@example.org", "operator@example.org"


@pytest.fixture
def followed(house: House) -> House:
    """A trial that two addresses follow, of which one does not exist; the operator hears of trouble."""
    house.set("smtp", operator=OPERATOR)
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.subscribe(READER)
    house.subscribe(GOOD)
    house.sync(days=0)
    return house


def change(house: House, number: int) -> None:
    house.registry.put(record.with_completion(house.registry.study(TRIAL), f"2027-{number:02}-15"))
    house.sync(then_deliver=False)


def to_operator(house: House) -> list[EmailMessage]:
    return [mail.message for mail in house.mailbox.messages if mail.recipients == (OPERATOR,)]


def words(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return " ".join(str(body.get_content()).split())


def state(house: House, address: str = READER) -> tuple[str, str | None]:
    with house.history() as history:
        (row,) = history.rows("SELECT state, stopped_why FROM subscription WHERE address = ?", [address])
    return row["state"], row["stopped_why"]


def states(house: House, address: str = READER) -> list[str]:
    return [row["state"] for row in house.outbox() if row["address"] == address]


def test_three_refusals_in_a_row_stop_the_address_and_the_operator_hears_which(followed: House) -> None:
    followed.mailbox.refuse_recipient(READER)
    for number in (1, 2):
        change(followed, number)
        followed.deliver()
    assert state(followed) == ("active", None)
    change(followed, 3)
    report = followed.deliver()
    assert state(followed) == ("stopped", "bounces")
    assert states(followed) == ["failed"] * 3
    assert states(followed, GOOD) == ["sent"] * 3
    assert any("3 notices in a row were refused for good; it is stopped" in problem for problem in report.problems)
    said = [str(message["Subject"]) for message in to_operator(followed)]
    assert said == ["registry-sync: 1 notice was refused"] * 3
    last = words(to_operator(followed)[-1])
    assert "1 address refused several notices in a row" in last
    assert READER in last
    assert "No such user here" in last
    change(followed, 4)
    assert followed.deliver().sent == 1


def test_a_notice_that_arrives_in_between_begins_the_count_anew(followed: House) -> None:
    for number in range(1, 7):
        if number != 3:
            followed.mailbox.refuse_recipient(READER, times=1)
        change(followed, number)
        followed.deliver()
    assert states(followed).count("failed") == 5
    assert state(followed) == ("stopped", "bounces")  # the last three


def test_the_same_notice_refused_again_and_again_is_one(followed: House) -> None:
    followed.mailbox.refuse_recipient(READER)
    change(followed, 1)
    followed.deliver()
    for _ in range(4):
        with followed.history() as history:
            history.write_one("UPDATE notice SET state = 'pending' WHERE state = 'failed'", ())
        followed.deliver(hours=1)
    assert state(followed) == ("active", None)


def test_an_address_that_is_right_again_gets_what_was_parked(followed: House) -> None:
    followed.mailbox.refuse_recipient(READER)
    for number in (1, 2, 3):
        change(followed, number)
        followed.deliver()
    followed.mailbox.behave()
    followed.at += datetime.timedelta(hours=1)
    followed.subscribe(READER)
    assert state(followed) == ("active", None)
    retry(followed)
    assert states(followed) == ["sent"] * 3


def refuse_three(house: House, before_each: Callable[[], object] = lambda: None) -> None:
    """The reader's mailbox refuses three notices, and the reader is stopped."""
    house.mailbox.refuse_recipient(READER)
    for number in (1, 2, 3):
        before_each()
        change(house, number)
        house.deliver()
    assert state(house) == ("stopped", "bounces")


def retry(house: House) -> None:
    with house.history() as history:
        assert outbox.retry(history, [], house.around.stamp()) == []
    house.deliver()


def test_what_is_parked_for_an_address_that_is_stopped_is_given_up_by_nobody_elses_mending(followed: House) -> None:
    refuse_three(followed)
    retry(followed)
    assert states(followed) == ["failed"] * 3  # not asked again, and not lost
    assert len([mail for mail in followed.mailbox.messages if mail.recipients == (READER,)]) == 0
    followed.mailbox.behave()
    followed.at += datetime.timedelta(hours=1)
    followed.subscribe(READER, TRIAL, topics=frozenset({"status"}))  # something else: what was told before is not wanted by it
    retry(followed)
    assert states(followed) == ["failed"] * 3
    followed.subscribe(READER)
    retry(followed)
    assert states(followed) == ["sent"] * 3


def test_what_was_only_delayed_when_the_address_was_stopped_waits_with_the_parked(followed: House) -> None:
    followed.mailbox.refuse_recipient(READER, "452 4.2.2 full", times=1)
    change(followed, 9)
    followed.deliver()
    (delayed,) = [row["id"] for row in followed.outbox() if row["state"] == "pending"]

    def delay() -> None:  # it has waited for long already
        later = as_stamp(followed.at + datetime.timedelta(hours=25))
        with followed.history() as history:
            history.write_one("UPDATE notice SET next_try_at = ? WHERE id = ?", (later, delayed))

    refuse_three(followed, before_each=delay)
    assert states(followed) == ["pending", *["failed"] * 3]
    followed.deliver(hours=24 * 30)
    assert states(followed) == ["failed"] * 4
    followed.mailbox.behave()
    followed.subscribe(READER)
    retry(followed)
    assert states(followed) == ["sent"] * 4


def test_who_is_stopped_for_refusals_can_be_unsubscribed_and_then_nothing_waits(followed: House) -> None:
    refuse_three(followed)
    with followed.history() as history:
        assert wishes.stop(followed.around, history, READER, [], why="operator") == 1
    assert state(followed) == ("stopped", "operator")
    assert states(followed) == ["cancelled"] * 3


def test_a_mail_server_that_refuses_everybody_is_its_own_trouble_and_nobodys_address(house: House) -> None:
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    readers = [f"r{number}@example.org" for number in range(24)]
    for reader in readers:
        house.subscribe(reader)
        house.mailbox.refuse_recipient(reader, "550 5.1.1 relaying denied")
    house.sync(days=0)
    for number in range(1, 5):
        change(house, number)
        report = house.deliver(hours=1)
        assert report.failed == 0
    assert any("recipients, which is taken for its own fault" in problem for problem in report.problems)
    with house.history() as history:
        assert history.rows("SELECT DISTINCT state FROM subscription") == [{"state": "active"}]
    house.mailbox.behave()
    assert house.deliver(hours=24).sent == 24 * 4


def test_a_refusal_of_policy_is_no_sign_that_the_address_is_gone(followed: House) -> None:
    followed.mailbox.refuse_recipient(READER, "550 5.7.1 relaying denied")
    for number in range(1, 5):
        change(followed, number)
        followed.deliver()
    assert states(followed) == ["failed"] * 4
    assert state(followed) == ("active", None)


def test_stuck_notices_are_an_incident_told_once_when_it_begins_and_once_when_it_is_over(followed: House) -> None:
    followed.mailbox.refuse_recipient(READER, "451 4.3.0 later", times=None)
    change(followed, 1)
    followed.deliver()
    assert to_operator(followed) == []
    followed.deliver(hours=7)
    followed.deliver(hours=7)
    (said,) = to_operator(followed)
    assert said["Subject"] == "registry-sync: notices are stuck"
    assert "1 not delivered, the oldest due since 2026-02-03T06:17:00Z" in words(said)
    with followed.history() as history:
        assert health.stuck_since(followed.around, history) == "2026-02-03T06:17:00Z"
    followed.mailbox.behave()
    followed.deliver(hours=24)
    first, over = to_operator(followed)
    assert over["Subject"] == "registry-sync: notices arrive again"
    assert over["In-Reply-To"] == first["Message-ID"]


def test_what_was_late_only_since_nothing_ran_is_no_trouble(followed: House) -> None:
    change(followed, 1)
    assert followed.deliver(hours=48).sent == 2
    assert to_operator(followed) == []


def test_the_weekly_line_says_that_all_is_well_once_a_week(followed: House) -> None:
    followed.sync(days=7, then_deliver=False)
    followed.set("smtp", weekly=True)
    change(followed, 1)
    followed.deliver()
    followed.mailbox.empty()
    followed.sync(days=5.5, then_deliver=False)
    followed.deliver(hours=12)
    followed.deliver(hours=1)
    (said,) = to_operator(followed)
    assert said["Subject"] == "registry-sync: all is well"
    assert "1 change seen, 2 notices sent" in words(said)
    assert "1 trial and 0 pages are watched, for 2 subscriptions." in words(said)
    followed.deliver(hours=24 * 7)
    _, second = to_operator(followed)
    assert second["Subject"] == "registry-sync: 1 thing needs you"
    assert "nothing was synced for more than two days" in words(second)


def test_a_week_that_was_over_before_anything_was_watched_is_no_news(house: House) -> None:
    house.set("smtp", operator=OPERATOR, weekly=True)
    house.at += datetime.timedelta(days=1)
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.sync(days=0)
    house.deliver()
    assert to_operator(house) == []


def test_the_weekly_line_remembers_what_was_in_trouble_and_is_well_again(followed: House) -> None:
    followed.sync(days=7, then_deliver=False)
    followed.set("smtp", weekly=True)
    with followed.history() as history:
        health.note(followed.around, history, "ctgov", "no answer")
        health.note(followed.around, history, "ctgov", None)
    followed.deliver()
    followed.mailbox.empty()
    followed.sync(days=5.5, then_deliver=False)
    followed.deliver(hours=24)
    (said,) = to_operator(followed)
    assert said["Subject"] == "registry-sync: all is well again"
    assert "ClinicalTrials.gov was in trouble, and is well again" in words(said)


def test_the_weekly_line_says_what_is_not_well(followed: House) -> None:
    followed.sync(days=7, then_deliver=False)
    followed.mailbox.refuse_recipient(READER)
    change(followed, 1)
    followed.deliver()
    followed.set("smtp", weekly=True)
    followed.mailbox.empty()
    followed.sync(days=5.5, then_deliver=False)
    followed.deliver(hours=24)
    (said,) = to_operator(followed)
    assert said["Subject"] == "registry-sync: 1 thing needs you"
    assert "1 notice is parked" in words(said)


def test_an_address_that_was_erased_is_in_no_mail_to_the_operator(followed: House) -> None:
    followed.mailbox.refuse_recipient(READER)
    followed.mailbox.refuse_recipient(OPERATOR, "451 later", times=1)
    change(followed, 1)
    followed.deliver()
    with followed.history() as history:
        erasure.erase(history, READER, followed.around.stamp())
    followed.deliver(hours=24)
    assert to_operator(followed) == []


def test_the_pace_is_shared_by_all_processes(house: House) -> None:
    with house.history() as one, house.history() as other:
        assert buckets.take(one, "smtp", 60, 1000.0, 40) == (40, 0.0)
        assert buckets.take(other, "smtp", 60, 1000.0, 40) == (20, 0.0)
        assert buckets.take(one, "smtp", 60, 1000.0, 40) == (0, pytest.approx(1.0))
        assert buckets.take(other, "smtp", 60, 1001.5, 40) == (1, 0.0)
        assert buckets.take(other, "chat", 60, 1001.5, 1) == (1, 0.0)


def test_what_is_held_waits_for_a_yes_and_bears_the_note(house: House) -> None:
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.subscribe(READER, hold=True)
    house.sync(days=0)
    change(house, 1)
    assert house.deliver(hours=100).as_json() == {"sent": 0, "retrying": 0, "failed": 0, "waiting": 0}
    with house.history() as history:
        (row,) = outbox.listing(history, "held")
        assert (row["state"], row["address"]) == ("held", READER)
        assert outbox.oldest(history, house.around.stamp()) is None
        assert outbox.retry(history, [], house.around.stamp()) == []
        assert outbox.annotate(history, row["id"], "We have asked the team.")
        assert outbox.release(history, ["nobody", row["id"]], None) == ["nobody"]
    assert house.deliver().sent == 1
    (mail,) = house.mailbox.messages
    assert mail.text("plain").startswith("A note from the sender: We have asked the team.\n\n")
    assert "We have asked the team." in mail.text("html")
    change(house, 2)
    with house.history() as history:
        (row,) = outbox.listing(history, "held")
        assert outbox.drop(history, [row["id"]]) == []
    assert house.deliver(hours=1).sent == 0
    assert states(house) == ["sent", "cancelled"]


def test_who_stops_hears_nothing_of_what_was_held(house: House) -> None:
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.subscribe(READER, hold=True)
    house.sync(days=0)
    change(house, 1)
    with house.history() as history:
        wishes.stop(house.around, history, READER, [], why="operator")
        assert outbox.listing(history, "held") == []
        assert outbox.release(history, [], None) == []
    assert house.deliver(hours=1).sent == 0


def test_subscriptions_stopped_long_ago_go_with_their_notices_and_the_stop_stays(house: House) -> None:
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.subscribe(READER)
    house.subscribe(GOOD)
    house.subscribe(GOOD, role="coordinator")
    house.sync(days=0)
    change(house, 1)
    house.deliver()
    with house.history() as history:
        wishes.stop(house.around, history, READER, [], why="holder")
        wishes.stop_one(house.around, history, 2)
    house.at += datetime.timedelta(days=29)
    backup(house.around)
    assert states(house) == ["sent"]
    house.at += datetime.timedelta(days=2)
    backup(house.around)
    assert states(house) == []
    assert states(house, GOOD) == ["sent"]  # the other subscription of this address lasts
    with house.history() as history:
        assert [row["id"] for row in history.rows("SELECT id FROM subscription")] == [3]
        assert stops.stopped(history, READER) is not None
        assert history.rows("PRAGMA foreign_key_check") == []


def test_what_was_stopped_otherwise_is_its_holders_stop_once_the_link_is_used(followed: House) -> None:
    with followed.history() as history:
        wishes.stop(followed.around, history, GOOD, [], why="operator")
        assert stops.stopped(history, GOOD) == (followed.around.stamp(), "operator")
        wishes.stop_one(followed.around, history, 2)
        assert stops.stopped(history, GOOD) == (followed.around.stamp(), "holder")
    assert state(followed, GOOD) == ("stopped", "holder")


def test_what_is_held_for_one_subscription_goes_at_once_for_another(house: House) -> None:
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.subscribe(READER, hold=True)
    house.subscribe(READER, topics=frozenset({"status"}))
    house.sync(days=0)
    house.registry.put(record.with_status(house.registry.study(TRIAL), "SUSPENDED"))
    change(house, 1)
    assert sorted(states(house)) == ["held", "pending"]
    assert house.deliver().sent == 1
    (mail,) = house.mailbox.messages
    assert "paused" in mail.text("plain")
    assert "2027" not in mail.text("plain")


def test_a_hold_that_is_taken_off_lets_go_what_is_held_and_one_put_on_holds_what_waits(house: House) -> None:
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.subscribe(READER, hold=True)
    house.sync(days=0)
    change(house, 1)
    follow(house, hold=False)
    assert states(house) == ["pending"]
    follow(house, hold=True)
    assert states(house) == ["held"]
    with house.history() as history:
        (row,) = outbox.listing(history, "held")
        assert outbox.annotate(history, row["id"], "We asked.")
    follow(house, hold=False)
    assert house.deliver().sent == 1
    assert "We asked." in house.mailbox.messages[0].text("plain")


def test_what_was_parked_is_held_once_its_address_is_subscribed_anew_with_hold(followed: House) -> None:
    refuse_three(followed)
    followed.mailbox.behave()
    follow(followed, hold=True)
    retry(followed)
    assert states(followed) == ["held"] * 3


def test_five_dead_addresses_before_many_good_ones_are_five_dead_addresses(house: House) -> None:
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    for number in range(20):
        house.subscribe(f"r{number}@example.org")
        if number < 5:
            house.mailbox.refuse_recipient(f"r{number}@example.org", f"550 5.1.1 no such user {number}")
    house.sync(days=0)
    change(house, 1)
    report = house.deliver()
    assert (report.sent, report.failed) == (15, 5)
    assert {row["last_error"][-1] for row in house.outbox() if row["state"] == "failed"} == {"0", "1", "2", "3", "4"}


def test_what_came_and_went_within_a_day_is_no_news_of_the_day(house: House) -> None:
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.subscribe(READER, every="day")
    house.sync(days=0)
    study = house.registry.study(TRIAL)
    rule = "Has smoked tobacco within 6 months before the screening visit"
    for before, after in ((rule, rule.replace("6", "12")), (rule.replace("6", "12"), rule)):
        house.registry.put(record.with_criterion(house.registry.study(TRIAL), before, after))
        house.sync(days=0.01, then_deliver=False)
    assert house.registry.study(TRIAL)["protocolSection"]["eligibilityModule"] == study["protocolSection"]["eligibilityModule"]
    assert house.deliver(hours=48).sent == 0
    assert states(house) == ["cancelled"]


def follow(house: House, **more: Any) -> None:
    """A wish as it is typed: what waits follows it."""
    with house.history() as history:
        consent = subscriptions.Consent("w", "me", house.around.stamp())
        wishes.follow(house.around, history, Subscription(id=0, address=READER, kind="email", **more), (TRIAL,), consent=consent)
