"""Weeks in which the registry renames and merges what a search finds, by chance: no trial is lost, and none is told as found twice."""

from __future__ import annotations

import random

import pytest

from db import searches, watches
from jobs.check import check
from jobs.surroundings import as_stamp
from registry_sync.demo import record
from registry_sync.sources.ctgov_search import search_from
from tests.house import House


class World:
    """A registry whose trials are all found by one search, and every id that each of them has had."""

    def __init__(self, house: House, rng: random.Random) -> None:
        self.house = house
        self.rng = rng
        self.ids: dict[str, set[str]] = {}
        self.used = 0

    def publish(self) -> None:
        """One more trial."""
        self.used += 1
        trial = f"NCT{self.used:08}"
        self.house.registry.put(record.a_study(trial))
        self.ids[trial] = {trial}

    def rename(self) -> None:
        """A record is shown under an id that it did not have before."""
        old = self.rng.choice(list(self.ids))
        self.used += 1
        new = f"NCT{self.used:08}"
        study = self.house.registry.study(old)
        study["protocolSection"]["identificationModule"]["nctId"] = new
        self.house.registry.put(study)
        self.house.registry.alias(old, new)
        self.ids[new] = self.ids.pop(old) | {new}

    def merge(self) -> None:
        """Of two records one is left."""
        old, new = self.rng.sample(list(self.ids), 2)
        self.house.registry.alias(old, new)
        self.ids[new] |= self.ids.pop(old)

    def change(self) -> None:
        """A status changes."""
        trial = self.rng.choice(list(self.ids))
        status = self.rng.choice(["RECRUITING", "SUSPENDED", "COMPLETED"])
        self.house.registry.put(record.with_status(self.house.registry.study(trial), status, posted="2026-02-09"))

    def remove_by_hand(self) -> None:
        """Somebody does not want to hear of a trial any more."""
        with self.house.history() as history:
            watched = watches.trials(history)
            if watched:
                watches.remove(history, [self.rng.choice(watched)])

    def step(self) -> None:
        """One of these."""
        several = [self.publish, self.rename, self.change, self.remove_by_hand]
        self.rng.choice([*several, self.merge] if len(self.ids) > 2 else several)()
        self.house.registry.release()


@pytest.mark.parametrize("seed", range(6))
def test_every_trial_of_a_search_is_watched_under_its_id_of_now_and_told_as_found_once(house: House, seed: int) -> None:
    world = World(house, random.Random(seed))
    for _ in range(4):
        world.publish()
    with house.history() as history:
        searches.add(history, search_from(["titles=Study"]), as_stamp(house.at))
    house.sync(days=0)
    known = set().union(*world.ids.values())
    for _ in range(10):
        for _ in range(world.rng.randrange(1, 3)):
            world.step()
        with house.history() as history:
            before = set(watches.trials(history))
            unwanted = {row["trial"] for row in history.rows("SELECT trial FROM search_trial WHERE dropped")}
        told = {change.id for change in house.changes()}
        assert not house.sync().is_partial
        with house.history() as history:
            watched = set(watches.trials(history))
        assert watched == {trial for trial, ids in world.ids.items() if ids & before or not ids & unwanted}
        found = [change.trial for change in house.changes() if change.id not in told and change.after == "found"]
        assert len(found) == len(set(found))
        assert not any(ids & known for trial, ids in world.ids.items() if trial in found)
        known |= set().union(*world.ids.values())
        assert house.sync(days=0).changes == 0
        done = check(house.around)
        assert (done.faults, done.older_changes) == ([], 0)
