"""Weeks of changes, wishes, stops and failing servers by chance: nobody hears of a change twice, and no steady reader misses one.

``WISHES`` sets how many runs, ``SEED`` where the chance begins.
"""

from __future__ import annotations

import datetime
import os
import random
from collections import Counter

import pytest
from msgspec.structs import replace

from db import outbox, subscriptions
from jobs import wishes
from registry_sync.demo import record
from registry_sync.demo.hook import payload
from registry_sync.demo.record import TRIAL
from registry_sync.notices.route import Subscription, wants
from tests.house import House

RUNS = int(os.environ.get("WISHES", "2"))
SEED = int(os.environ.get("SEED", "6"))
STEPS = 90
OTHER = "NCT00000001"
FICKLE = ("a@example.org", "b@example.org")
STEADY = Subscription(id=0, address="/steady", kind="webhook", every="day")
PROMPT = Subscription(id=0, address="/prompt", kind="webhook", least="major")
STATUSES = ("RECRUITING", "SUSPENDED", "ACTIVE_NOT_RECRUITING", "ENROLLING_BY_INVITATION")


class Weeks:
    """One run: what happens next is a matter of chance."""

    def __init__(self, house: House, seed: int) -> None:
        self.house = house
        self.chance = random.Random(seed)
        self.day = 0
        for trial, study in ((TRIAL, record.the_study()), (OTHER, record.a_study(OTHER))):
            house.registry.put(study)
            house.watch(trial)
        for wish in (STEADY, PROMPT):
            self.follow(replace(wish, address=f"{house.hook.url}{wish.address}"), (TRIAL, OTHER))
        house.sync(days=0)

    def follow(self, wish: Subscription, trials: tuple[str, ...], *, instead: bool = False) -> None:
        with self.house.history() as history:
            consent = subscriptions.Consent("w", "me", self.house.around.stamp())
            wishes.follow(self.house.around, history, wish, trials, consent=consent, instead=instead)

    def change(self) -> None:
        """Something changes at the registry, and a sync sees it; perhaps a delivery follows."""
        chance, registry = self.chance, self.house.registry
        study = registry.study(chance.choice([TRIAL, OTHER]))
        self.day += 1
        if chance.random() < 0.5:
            registry.put(record.with_status(study, chance.choice(STATUSES)))
        else:
            date = datetime.date(2027, 1, 1) + datetime.timedelta(days=self.day)
            registry.put(record.with_completion(study, date.isoformat()))
        self.house.sync(days=chance.choice([0.02, 0.3, 1, 3]), then_deliver=chance.random() < 0.5)

    def wish(self) -> None:
        """Somebody wants something, perhaps in place of what was wanted of the same."""
        chance = self.chance
        wish = Subscription(
            id=0,
            address=chance.choice(FICKLE),
            kind="email",
            role=chance.choice(["reader", "coordinator"]),
            topics=frozenset(chance.choice([(), ("status",), ("timeline",), ("timeline", "status")])),
            least=chance.choice(["minor", "major"]),
            every=chance.choice(["now", "day", "week"]),
            timezone=chance.choice(["UTC", "Europe/Copenhagen", "America/New_York"]),
            hold=False,
        )
        self.follow(wish, chance.choice([(TRIAL,), (OTHER,), (TRIAL, OTHER), ()]), instead=chance.random() < 0.5)

    def stop(self) -> None:
        trials = self.chance.choice([[], [TRIAL], [OTHER]])
        with self.house.history() as history:
            wishes.stop(self.house.around, history, self.chance.choice(FICKLE), trials, why="operator")

    def deliver(self) -> None:
        self.house.deliver(hours=self.chance.choice([0, 1, 12]))

    def fail(self) -> None:
        mailbox, chance = self.house.mailbox, self.chance
        match chance.randrange(3):
            case 0:
                mailbox.refuse_recipient(chance.choice(FICKLE), "451 4.3.0 later", times=1)
            case 1:
                mailbox.refuse_data("452 4.2.2 full", times=1)
            case 2:
                self.house.hook.script(chance.choice([429, 503]))

    def hurry(self) -> None:
        """The operator makes everything due."""
        with self.house.history() as history:
            outbox.retry(history, [], self.house.around.stamp())
        self.house.deliver()

    def step(self) -> None:
        self.chance.choice(
            [self.change, self.change, self.change, self.wish, self.stop, self.deliver, self.deliver, self.fail, self.hurry]
        )()

    def told(self) -> Counter[tuple[str, int]]:
        """How often each address was sent each change: posts as they came, mails as they are kept."""
        with self.house.history() as history:
            rows = history.rows(
                """SELECT address, change_id FROM notice JOIN notice_change ON notice_id = notice.id
                   WHERE notice.state = 'sent' AND kind = 'email'"""
            )
        found = Counter((row["address"], row["change_id"]) for row in rows)
        posts = {post.header("webhook-id"): (post.path, payload(post)) for post in self.house.hook.posts}  # a refused one comes again
        return found + Counter((path, change["id"]) for path, told in posts.values() for change in told["changes"])


@pytest.mark.timeout(60 * RUNS)
@pytest.mark.parametrize("seed", range(SEED, SEED + RUNS))
def test_nobody_hears_twice_and_no_steady_reader_misses_anything(house: House, seed: int) -> None:
    weeks = Weeks(house, seed)
    for _ in range(STEPS):
        weeks.step()
    house.mailbox.behave()
    for _ in range(12):
        house.deliver(hours=24)
    assert {row["state"] for row in house.outbox()} <= {"sent", "cancelled"}
    told = weeks.told()
    assert set(told.values()) <= {1}
    changes = house.changes(housekeeping=True)
    assert len(changes) > STEPS // 5
    for wish in (STEADY, PROMPT):
        expected = {change.id for change in changes if wants(wish, change)}
        assert {number for address, number in told if address == wish.address} == expected
    assert len({str(mail.message["Message-ID"]) for mail in house.mailbox.messages}) == len(house.mailbox.messages)
