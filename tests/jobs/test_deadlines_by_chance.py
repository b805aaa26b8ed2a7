"""Months of days, slips, events, failing servers and backups by chance: no notice says of a deadline what is not so, and none is lost.

``DEADLINES`` sets how many runs, ``SEED`` where the chance begins.
"""

from __future__ import annotations

import datetime
import os
import random
from pathlib import Path
from typing import Any

import pytest

from db import duties as kept
from db import outbox
from jobs import duties
from jobs.backup import backup
from jobs.duties import MET, TOLD
from jobs.restore import restore
from registry_sync.demo.hook import payload
from registry_sync.demo.record import TRIAL
from registry_sync.notices.duties import what
from registry_sync.notices.i18n import translator
from tests.house import House
from tests.jobs.test_deadlines_told import ITEM
from tests.jobs.test_duties import COORDINATOR, ended_study, enter

RUNS = int(os.environ.get("DEADLINES", "2"))
SEED = int(os.environ.get("SEED", "6"))
STEPS = 80
EVENTS = ("halted", "recruitment-ended", "restarted", "ended", "amendment-approved")
RHYTHMS = ("now", "day", "week")


class Months:
    """One run: what happens next is a matter of chance, and what is sent is held against what is so then."""

    def __init__(self, house: House, seed: int) -> None:
        self.house = house
        self.chance = random.Random(seed)
        self.heard: dict[str, dict[str, Any]] = {f"/{every}": {} for every in RHYTHMS}
        self.last: dict[tuple[str, str], tuple[str, str | None]] = {}
        self.lines = 0
        self.copy: Path | None = None
        self.is_restored = False
        self._posts = self._mails = 0
        house.registry.put(ended_study(primary="2025-06-20"))
        house.watch(TRIAL)
        for every in RHYTHMS:
            wish: dict[str, Any] = {"role": "coordinator", "every": every, "topics": frozenset({"deadlines"})}
            house.subscribe(f"{every}.{COORDINATOR}", **wish)
            house.subscribe(f"{house.hook.url}/{every}", kind="webhook", **wish)
        with house.history() as history:
            kept.answer(history, TRIAL, "eu", True, house.around.stamp())
        house.sync(days=0)

    def change(self) -> None:
        """The record says something else."""
        chance, study, today = self.chance, self.house.registry.study(TRIAL), self.house.at.date()
        status = study["protocolSection"]["statusModule"]
        match chance.randrange(4):
            case 0:
                day = today - datetime.timedelta(days=365 - chance.randrange(-20, 120))
                status["primaryCompletionDateStruct"] = {"date": day.isoformat(), "type": chance.choice(["ACTUAL", "ACTUAL", "ESTIMATED"])}
            case 1:
                month = today - datetime.timedelta(days=chance.choice([0, 10, 340, 370]))
                status["statusVerifiedDate"] = month.isoformat()[: chance.choice([7, 10])]
            case 2:
                if status.pop("resultsFirstSubmitDate", None) is None:
                    status["resultsFirstSubmitDate"] = today.isoformat()
            case 3:
                if status.pop("dispFirstSubmitDate", None) is None:
                    day = today - datetime.timedelta(days=chance.choice([1, 1, 725, 735]))
                    status["dispFirstSubmitDate"] = day.isoformat()
        self.house.registry.put(study)

    def happen(self) -> None:
        """An event is entered, or was a mistake."""
        with self.house.history() as history:
            events = kept.events(history, TRIAL)
            if events and self.chance.random() < 0.5:
                duties.take_back(self.house.around, history, self.chance.choice(events).id)
                return
        day = self.house.at.date() - datetime.timedelta(days=self.chance.choice([0, 3, 14, 20]))
        enter(self.house, self.chance.choice(EVENTS), day.isoformat())

    def say(self) -> None:
        """A coordinator says that something is done."""
        with self.house.history() as history:
            lines = [line for line in duties.lines(self.house.around, history, TRIAL) if line.state in TOLD]
            if lines:
                line = duties.find(self.house.around, history, TRIAL, self.chance.choice(lines).owed.key)
                duties.done(self.house.around, line, history, self.house.at.date().isoformat())

    def put_off(self) -> None:
        """A coordinator puts something off, or says that a law does not apply, or does after all."""
        with self.house.history() as history:
            lines = duties.lines(self.house.around, history, TRIAL)
            if lines and self.chance.random() < 0.7:
                line = duties.find(self.house.around, history, TRIAL, self.chance.choice(lines).owed.key)
                until = (self.house.at.date() + datetime.timedelta(days=self.chance.choice([1, 2, 5]))).isoformat()
                duties.snooze(self.house.around, line, history, self.chance.choice([until, until, None]))
            else:
                duties.answer(self.house.around, history, TRIAL, "us", self.chance.random() < 0.7)

    def back(self) -> None:
        """The newest backup comes back, and another one is made."""
        if self.copy is not None and self.chance.random() < 0.5:
            self.house.at += datetime.timedelta(minutes=1)
            restore(self.house.around, self.copy)
            self.is_restored = True  # what the copy does not know of counts as told
            self.last.clear()  # what was told by then and met before the next look may go without its last word
        self.house.at += datetime.timedelta(minutes=1)
        self.copy = backup(self.house.around).file

    def fail(self) -> None:
        self.house.mailbox.refuse_recipient(f"{self.chance.choice(RHYTHMS)}.{COORDINATOR}", "451 4.3.0 later", times=1)
        self.house.hook.script(503)

    def sync(self) -> None:
        self.house.sync(days=self.chance.choice([0.1, 0.5, 1, 1, 2, 9]), then_deliver=False)
        self.deliver()

    def deliver(self) -> None:
        self.house.deliver(hours=self.chance.choice([0, 1, 13]))
        self.look()

    def step(self) -> None:
        often = [self.change, self.change, self.sync, self.sync, self.sync]
        self.chance.choice([*often, self.happen, self.say, self.put_off, self.fail, self.deliver, self.back])()

    def look(self) -> None:
        """What came since the last look is so."""
        with self.house.history() as history:
            lines = duties.lines(self.house.around, history, TRIAL)
            sent = {row["id"] for row in outbox.listing(history) if row["state"] == "sent"}  # the others were refused
        stands = {line.owed.key: line for line in lines}
        posts, mails = self.house.hook.posts, self.house.mailbox.messages
        for post in posts[self._posts :]:
            changes = payload(post)["changes"]
            keys = [kept.key_of(change["detail"]) for change in changes]
            assert len(set(keys)) == len(keys)
            for key, change in zip(keys, changes, strict=True):
                self.check(stands.get(key), change["after"], change["detail"].get("by"))
                heard = self.heard[post.path]
                assert change["after"] != "met" or key in heard or self.is_restored, (post.path, key)
                if payload(post)["id"] in sent:
                    heard[key] = self.last[post.path, key] = (change["after"], change["detail"].get("by"))
        for mail in mails[self._mails :]:
            for name, state, by in ITEM.findall(mail.text()):
                named = [line for line in lines if what(line.owed.rule, translator("en")) == name and (line.owed.by == by or not by)]
                self.check(named[0] if named else None, state, by or None)
        self._posts, self._mails = len(posts), len(mails)
        for (address, key), (_, by) in list(self.last.items()):
            line = stands.get(key)
            if line is None or (line.owed.by != by and line.state not in (*MET, "delayed")):
                del self.last[address, key]  # another deadline, or none

    def check(self, line: duties.Line | None, state: str, by: str | None) -> None:
        self.lines += 1
        assert line is not None, (state, by)
        assert not line.is_snoozed
        if state == "met":
            assert line.state in MET or (by is None and line.state not in TOLD)
        else:
            assert (line.state, line.owed.by) == (state, by)


@pytest.mark.timeout(60 * RUNS)
@pytest.mark.parametrize("seed", range(SEED, SEED + RUNS))
def test_nobody_is_told_what_is_not_so_and_everybody_what_is(house: House, seed: int) -> None:
    months = Months(house, seed)
    for _ in range(STEPS):
        months.step()
    months.copy = backup(house.around).file
    enter(house, "halted", (house.at.date() - datetime.timedelta(days=21)).isoformat())
    house.sync(days=1, then_deliver=False)
    restore(house.around, months.copy)  # before anybody was sent what was found last
    house.at = house.at.replace(hour=6)
    for _ in range(14 - house.at.weekday()):  # to a Monday
        house.sync(days=1, then_deliver=False)
        house.deliver(hours=2)
        months.look()
        house.at -= datetime.timedelta(hours=2)
    assert months.lines > STEPS // 8
    with house.history() as history:
        found = duties.lines(house.around, history, TRIAL)
        known = kept.duties(history, TRIAL)
        assert outbox.counts(history, house.around.stamp())["failed"] == 0
    for line in found:
        if line.state in TOLD and line.owed.bound == "applies" and known[line.owed.key].told == line.state:
            for address, heard in months.heard.items():
                assert heard.get(line.owed.key) == (line.state, line.owed.by), (address, line.owed.key)
    met = {line.owed.key for line in found if line.state in MET}
    assert [each for each, (state, _) in months.last.items() if each[1] in met and state in TOLD] == []
