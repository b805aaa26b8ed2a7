"""From the outbox to the server's yes: one recipient's failure stops nobody else's, and nothing is given up in silence."""

from __future__ import annotations

import datetime
import itertools

import pytest

from db import outbox
from jobs import wishes
from jobs.deliver import GIVE_UP, deliver
from jobs.lock import only_one
from jobs.reports import DeliverReport
from jobs.waits import WAITS
from registry_sync.demo import record
from registry_sync.demo.mailbox import Stage
from registry_sync.demo.record import TRIAL
from tests.house import House
from tests.waiting import PATIENCE, beside, until

FIRST, SECOND, THIRD = "a@example.org", "b@example.org", "c@example.org"


def queue(house: House, *addresses: str) -> None:
    """A change of the trial is in the outbox of each of these."""
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    for address in addresses:
        house.subscribe(address, kind="webhook" if address.startswith("http") else "email")
    house.sync(days=0)
    house.registry.put(record.with_status(house.registry.study(TRIAL), "SUSPENDED", posted="2026-02-02"))
    house.sync(days=0, then_deliver=False)


def states(house: House) -> dict[str, str]:
    return {row["address"]: row["state"] for row in house.outbox()}


def received(house: House) -> list[str]:
    return [mail.recipients[0] for mail in house.mailbox.messages]


def test_one_connection_for_many_mails_and_one_message_for_each(house: House) -> None:
    queue(house, FIRST, SECOND, THIRD)
    assert house.deliver().sent == 3
    assert sorted(received(house)) == [FIRST, SECOND, THIRD]
    assert all(len(mail.recipients) == 1 for mail in house.mailbox.messages)
    assert len({mail.message["Message-ID"] for mail in house.mailbox.messages}) == 3
    assert house.deliver().sent == 0


def test_a_recipient_that_does_not_exist_is_parked_and_the_others_are_served(house: House) -> None:
    queue(house, FIRST, SECOND, THIRD)
    house.mailbox.refuse_recipient(SECOND, "550 5.1.1 no such mailbox")
    report = house.deliver()
    assert (report.sent, report.failed, report.retrying) == (2, 1, 0)
    assert states(house) == {FIRST: "sent", SECOND: "failed", THIRD: "sent"}
    (problem,) = report.problems
    assert "no such mailbox" in problem
    assert house.deliver(hours=100).sent == 0


def test_a_full_mailbox_is_tried_again_later_with_the_same_identity(house: House) -> None:
    queue(house, FIRST, SECOND)
    house.mailbox.refuse_recipient(SECOND, "452 4.2.2 mailbox full")
    report = house.deliver()
    assert (report.sent, report.retrying, report.waiting) == (1, 1, 1)
    assert house.deliver().sent == 0
    house.mailbox.behave()
    assert house.deliver(hours=1).sent == 1
    assert sorted(received(house)) == [FIRST, SECOND]


def test_the_waits_grow_to_a_day_and_never_end(house: House) -> None:
    queue(house, FIRST)
    house.mailbox.refuse_recipient(FIRST, "452 4.2.2 mailbox full", times=None)
    waits = []
    for _ in range(len(WAITS) + 2):
        report = house.deliver()
        assert report.retrying == 1
        (row,) = house.outbox()
        due = datetime.datetime.fromisoformat(row["next_try_at"])
        waits.append((due - house.at).total_seconds())
        house.at = due + datetime.timedelta(seconds=1)
    assert all(later > earlier * 1.5 for earlier, later in itertools.pairwise(waits[:6]))
    assert waits[-1] <= 24 * 3600
    assert waits[-1] >= 0.8 * 24 * 3600


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [("down", "cannot be reached"), ("sender", "refused the sender"), ("login", "refused the login")],
)
def test_a_server_that_takes_nothing_is_asked_once_and_everything_waits(house: House, trouble: str, expected: str) -> None:
    queue(house, FIRST, SECOND, THIRD)
    if trouble == "down":
        house.mailbox.stop()
    elif trouble == "sender":
        house.mailbox.refuse_sender("550 5.7.1 who are you", times=None)
    else:
        house.mailbox.stop()
        from registry_sync.demo.mailbox import Mailbox

        guarded = Mailbox(username="operator", password="right")
        guarded.start()
        house.mailbox = guarded
        house.set("smtp", port=guarded.port, username="operator", password="wrong-secret")
    try:
        report = house.deliver()
        assert (report.sent, report.retrying, report.failed, report.waiting) == (0, 1, 0, 3)
        (problem,) = report.problems
        assert expected in problem
        assert "wrong-secret" not in problem
        assert not received(house)
        assert set(states(house).values()) == {"pending"}
    finally:
        if trouble == "login":
            house.set("smtp", password="right")
        elif trouble == "down":
            house.mailbox.start()
        else:
            house.mailbox.behave()
    assert house.deliver(hours=1).sent == 3
    if trouble == "login":
        house.mailbox.stop()


def test_a_server_that_hangs_does_not_hold_the_outbox_for_ever(house: House) -> None:
    queue(house, FIRST)
    house.set("smtp", timeout=0.3)
    hold = house.mailbox.hang("data")
    report = house.deliver()
    hold.release()
    house.mailbox.behave()
    house.set("smtp", timeout=PATIENCE)
    assert (report.sent, report.waiting) == (0, 1)
    assert house.deliver(hours=1).sent == 1


@pytest.mark.parametrize(("answer", "state"), [(500, "pending"), (429, "pending"), (410, "failed"), (404, "failed"), ("none", "pending")])
def test_what_a_webhook_answers(house: House, answer: int | str, state: str) -> None:
    hook = f"{house.hook.url}/in"
    queue(house, hook, FIRST)
    house.hook.script(answer)  # type: ignore[arg-type]
    report = house.deliver()
    assert report.sent == 1
    assert received(house) == [FIRST]
    assert states(house)[hook] == state
    assert report.problems
    if state == "pending":
        assert house.deliver(hours=1).sent == 1
        first, second = house.hook.posts
        assert first.header("webhook-id") == second.header("webhook-id")
        assert first.body == second.body


def test_a_webhook_that_does_not_answer_is_left(house: House) -> None:
    hook = f"{house.hook.url}/in"
    queue(house, hook)
    house.set("http", timeout=0.3)
    (hold,) = house.hook.script("hang")
    report = house.deliver()
    hold.release()
    assert report.retrying == 1
    assert states(house)[hook] == "pending"


def test_a_webhook_that_says_nothing_holds_up_no_mail_and_no_other_webhook(house: House) -> None:
    queue(house, f"{house.hook.url}/silent", FIRST, f"{house.hook.url}/other", SECOND)
    (hold,) = house.hook.script("hang")
    house.set("http", timeout=3000)
    delivery = beside(house.deliver)
    hold.wait_until_reached()
    house.mailbox.wait_for(2)
    assert sorted(received(house)) == [FIRST, SECOND]
    until(lambda: [row["state"] for row in house.outbox()].count("sent") == 3)
    hold.release()
    assert delivery.result(PATIENCE).sent == 4
    assert set(states(house).values()) == {"sent"}


def test_private_addresses_are_refused_unless_the_settings_allow_them(house: House) -> None:
    queue(house, f"{house.hook.url}/in")
    house.set("webhook", allow_private=False)
    report = house.deliver()
    assert report.sent == 0
    assert not house.hook.posts
    assert "allow_private" in report.problems[0]


def test_who_stops_before_the_send_gets_nothing(house: House) -> None:
    queue(house, FIRST, SECOND)
    with house.history() as history:
        wishes.stop(house.around, history, FIRST, [], why="operator")
    assert house.deliver().sent == 1
    assert received(house) == [SECOND]
    assert states(house)[FIRST] == "cancelled"


def test_a_second_delivery_finds_nothing_left_of_what_the_first_has_claimed(house: House) -> None:
    queue(house, FIRST, SECOND)
    hold = house.mailbox.hang("data")
    around = house.around
    deliveries = [beside(lambda: deliver(around)) for _ in range(2)]
    hold.wait_until_reached()
    hold.release()
    assert sum(delivery.result(PATIENCE).sent for delivery in deliveries) == 2
    assert sorted(received(house)) == [FIRST, SECOND]


def test_the_lock_is_the_operating_systems(house: House) -> None:
    queue(house, FIRST)
    with only_one(house.around.database, "deliver"):
        pass
    assert house.deliver().sent == 1


def test_a_claim_of_a_dead_process_is_free_at_once(house: House) -> None:
    queue(house, FIRST)
    with house.history() as history:
        assert outbox.claim(history, 3, "2026-02-02T07:00:00Z", ["email"], 1)
    assert states(house) == {FIRST: "claimed"}
    house.mailbox.behave()
    assert house.deliver().sent == 1


def taken_while_it_hangs(house: House, stage: Stage) -> DeliverReport:
    """The report of a delivery that hangs for so long in its first mail that another one takes what it had claimed."""
    hold = house.mailbox.hang(stage)
    around = house.around
    report = beside(lambda: deliver(around))
    hold.wait_until_reached()
    with house.history() as history:
        outbox.free_claims(history, [1])
        assert outbox.claim(history, 2, house.around.stamp(), ["email"], 10)
    hold.release()
    return report.result(PATIENCE)


def test_what_another_delivery_has_claimed_meanwhile_is_left_to_it(house: House) -> None:
    queue(house, FIRST, SECOND)
    report = taken_while_it_hangs(house, "data")
    assert (report.sent, report.failed, report.retrying) == (1, 0, 0)
    assert states(house) == {FIRST: "sent", SECOND: "claimed"}
    assert house.deliver().sent == 1
    assert sorted(received(house)) == [FIRST, SECOND]


def test_what_is_refused_to_a_delivery_that_has_it_no_more_is_not_parked(house: House) -> None:
    queue(house, FIRST)
    house.mailbox.refuse_recipient(FIRST)
    report = taken_while_it_hangs(house, "rcpt")
    assert (report.sent, report.failed, report.retrying) == (0, 0, 0)
    assert states(house) == {FIRST: "claimed"}
    house.mailbox.behave()
    assert house.deliver().sent == 1


def test_a_copy_of_the_database_each_night_and_old_ones_away(house: House) -> None:
    from jobs.backup import backup

    queue(house, FIRST)
    first = backup(house.around).file
    house.at += datetime.timedelta(days=15)
    second = backup(house.around).file
    assert not first.exists()
    assert second.exists()
    house.set("retention", backups=0)
    house.at += datetime.timedelta(days=1000)
    backup(house.around)
    assert second.exists()


def test_posts_that_are_refused_stop_no_mails(house: House) -> None:
    hooks = [f"{house.hook.url}/{number}" for number in range(GIVE_UP)]
    queue(house, *hooks, FIRST, SECOND)
    house.hook.script(*[410] * GIVE_UP)
    house.mailbox.refuse_recipient(FIRST, "550 5.1.1 no such mailbox")
    hold = house.mailbox.hang("ehlo")
    around = house.around
    report = beside(lambda: deliver(around))
    until(lambda: [row["state"] for row in house.outbox()].count("failed") == GIVE_UP)
    hold.release()
    report.result(PATIENCE)
    assert states(house)[FIRST] == "failed"
    assert received(house) == [SECOND]
