"""An association reads before it sends: what it has let go goes, what it has taken back does not, and no news slips in behind its back."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from db import outbox, subscriptions
from jobs import wishes
from jobs.backup import backup
from jobs.by_hand import written
from jobs.restore import restore
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.notices.route import Subscription
from tests.house import House
from tests.jobs.test_duties import COORDINATOR, ended_study
from tests.jobs.test_duties_met import verified

READER = "reader@example.org"
OTHER = "NCT00000900"
NOTE = "The team has confirmed this."


def begin(house: House, **subscription: Any) -> None:
    """Two trials are followed, and each notice is read before it goes."""
    house.registry.put(record.the_study())
    house.registry.put(record.a_study(OTHER))
    house.watch(TRIAL, OTHER)
    house.subscribe(READER, TRIAL, OTHER, **({"hold": True} | subscription))
    house.sync(days=0)


def suspend(house: House, trial: str = TRIAL) -> None:
    house.registry.put(record.with_status(house.registry.study(trial), "SUSPENDED", posted="2026-02-03"))
    house.sync(days=0.01, then_deliver=False)


def ids(house: House, state: str = "held") -> list[str]:
    return [row["id"] for row in house.outbox() if row["state"] == state]


def release(house: House, note: str | None = None) -> None:
    with house.history() as history:
        assert outbox.release(history, ids(house), note) == []


def drop(house: House) -> None:
    with house.history() as history:
        assert outbox.drop(history, ids(house)) == []


def waiting(house: House) -> list[tuple[str, list[str], str | None]]:
    """State, trials and note of what is neither sent nor cancelled."""
    return [(row["state"], row["trials"], row["note"]) for row in house.outbox() if row["state"] not in ("sent", "cancelled")]


def follow(house: House, *trials: str, instead: bool = False, address: str = READER, **more: Any) -> None:
    with house.history() as history:
        consent = subscriptions.Consent("w", "me", house.around.stamp())
        wishes.follow(
            house.around, history, Subscription(id=0, address=address, kind="email", **more), trials, consent=consent, instead=instead
        )


def texts(house: House) -> list[str]:
    return [mail.text("plain") for mail in house.mailbox.messages]


def test_what_is_taken_back_of_a_digest_stays_so_when_there_is_more_of_the_period(house: House) -> None:
    begin(house, every="day")
    suspend(house)
    drop(house)
    suspend(house, OTHER)
    assert waiting(house) == [("held", [OTHER], None)]
    release(house)
    house.deliver(hours=30)
    (text,) = texts(house)
    assert OTHER in text
    assert TRIAL not in text


@pytest.mark.parametrize(
    "change",
    [
        {"trials": (OTHER,), "least": "major"},
        {"trials": (TRIAL,), "hold": True, "language": "da", "instead": True},
        {"trials": (TRIAL, OTHER), "hold": True},
    ],
    ids=["another wish", "another language", "the same again"],
)
@pytest.mark.parametrize("every", ["now", "week"])
def test_what_was_let_go_is_not_held_again_by_a_change_of_mind(house: House, change: dict[str, Any], every: str) -> None:
    begin(house, every=every)
    suspend(house)
    release(house, NOTE)
    follow(house, *change["trials"], **{"every": every} | {name: value for name, value in change.items() if name != "trials"})
    assert waiting(house) == [("pending", [TRIAL], NOTE)]
    house.deliver(hours=24 * 8)
    (text,) = texts(house)
    assert NOTE in text


def test_what_is_let_go_before_its_period_ends_takes_in_nothing_that_nobody_has_read(house: House) -> None:
    begin(house, every="week")
    suspend(house)
    release(house, NOTE)
    suspend(house, OTHER)
    assert waiting(house) == [("pending", [TRIAL], NOTE), ("held", [OTHER], None)]
    house.deliver(hours=24 * 8)
    (text,) = texts(house)
    assert OTHER not in text


def test_what_is_let_go_at_once_takes_in_no_more_news_of_its_trial(house: House) -> None:
    begin(house)
    suspend(house)
    release(house, NOTE)
    house.registry.put(record.with_completion(house.registry.study(TRIAL), "2031-01-01"))
    house.sync(days=0.01, then_deliver=False)
    assert waiting(house) == [("pending", [TRIAL], NOTE), ("held", [TRIAL], None)]


@pytest.mark.parametrize("let_go", [False, True])
def test_the_words_above_the_news_go_with_them_to_another_rhythm(house: House, let_go: bool) -> None:
    begin(house)
    suspend(house)
    suspend(house, OTHER)
    with house.history() as history:
        for each in ids(house):
            assert outbox.annotate(history, each, f"{NOTE} {each}")
    if let_go:
        release(house)
    before = waiting(house)
    follow(house, TRIAL, OTHER, every="day", hold=True, instead=True)
    assert sorted(waiting(house)) == sorted(before)
    if not let_go:
        release(house)
    house.deliver(hours=30)
    assert len([text for text in texts(house) if NOTE in text]) == 2


def test_a_digest_that_was_let_go_moves_as_one(house: House) -> None:
    begin(house, every="week")
    suspend(house)
    suspend(house, OTHER)
    release(house, NOTE)
    follow(house, TRIAL, OTHER, every="day", hold=True, instead=True)
    assert waiting(house) == [("pending", sorted((TRIAL, OTHER)), NOTE)]


def test_what_a_restore_holds_is_not_let_go_by_a_change_of_mind(house: House, tmp_path: Path) -> None:
    begin(house, hold=False)
    suspend(house)
    copy = backup(house.around).file
    house.deliver()
    for path in house.folder.glob("history.db*"):
        if path.suffix in (".db", ".db-wal", ".db-shm") or path.name.endswith(("-wal", "-shm")):
            path.unlink()
    house.at += datetime.timedelta(hours=1)
    restore(house.around, copy)
    assert [state for state, _, _ in waiting(house)] == ["held"]
    follow(house, OTHER, least="major")
    follow(house, TRIAL, OTHER, every="day", instead=True)
    assert [state for state, _, _ in waiting(house)] == ["held"]
    house.deliver(hours=30)
    assert len(texts(house)) == 1


def test_words_above_a_deadline_are_not_lost_to_an_earlier_digest_about_it(house: House) -> None:
    house.registry.put(verified(ended_study(primary="2025-02-10"), "2026-01"))
    house.watch(TRIAL)
    house.subscribe(COORDINATOR, role="coordinator", every="week", topics=frozenset({"deadlines"}), hold=True)
    house.sync(days=0)
    for days in (1, 1, 1, 1, 1, 1, 3):
        house.sync(days=days)
    with house.history() as history:
        first, second = (outbox.known(history, each) for each in ids(house))
        assert first
        assert second
        assert "will not be sent" in written(house.around, history, first).why_not
        assert "overdue" in written(house.around, history, second).text
        assert outbox.annotate(history, second.id, NOTE)
    release(house)
    house.deliver(hours=24 * 7)
    (text,) = texts(house)
    assert "overdue" in text
    assert NOTE in text
