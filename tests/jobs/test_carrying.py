"""What people heard and entered since a backup was made, when it is restored."""

from __future__ import annotations

import datetime

from db import duties, outbox, searches, subscriptions, watches
from db.entered import Entered, Named
from jobs import wishes
from jobs.backup import backup
from jobs.check import check
from jobs.restore import Restored
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.sources.ctgov_search import Search
from registry_sync.trials.deadlines import Event
from tests.house import House
from tests.jobs import test_restore
from tests.jobs.test_restore import GONE, READER, SECOND, back, mails, moved, states

followed = test_restore.followed


def test_what_was_told_since_is_not_told_again(followed: House) -> None:
    """The registry is found anew to have moved on; who has read it hears nothing, who has not hears it, and what is new is told."""
    copy = backup(followed.around).file
    moved(followed, "2027-03-03")
    followed.subscribe("late@example.org")
    moved(followed, "2027-05-05")
    followed.deliver()
    before = len(mails(followed))
    done = back(followed, copy)
    assert done.carried is not None
    assert done.carried.told == 4
    followed.subscribe("later@example.org")
    followed.sync()
    assert followed.changes()[0].after["date"] == "2027-05-05"
    new = mails(followed)
    assert len(new) == before + 2  # late@ had heard of the second half of it alone
    for reader in (READER, SECOND, GONE):
        assert new.count((reader,)) == 3
    assert new.count(("later@example.org",)) == 1
    moved(followed, "2027-06-06")
    assert followed.deliver().sent == 5


def test_what_was_entered_since_is_there_when_the_right_copy_comes_back_after_the_wrong_one(followed: House) -> None:
    wrong = backup(followed.around).file
    followed.sync(days=1)
    right = backup(followed.around).file
    followed.sync(days=1)
    followed.subscribe("late@example.org")
    followed.watch("NCT00000078")
    with followed.history() as history:
        wishes.stop(followed.around, history, READER, (), why="holder")
    for copy in (wrong, right, wrong, right):
        back(followed, copy)
        with followed.history() as history:
            assert "late@example.org" in {row["address"] for row in subscriptions.listing(history)}
            assert history.one("SELECT 1 FROM watch WHERE trial = 'NCT00000078'") is not None
        assert states(followed)[READER] == "stopped"
    assert check(followed.around).faults == []


def test_what_was_removed_before_the_right_copy_is_not_watched_by_way_of_the_wrong_one(followed: House) -> None:
    other, page, search = "NCT00000001", "https://example.org/trials/NCT06805448", Search((("cond", "old"),))
    followed.watch(other)
    followed.watch(TRIAL, pages=(page,))
    with followed.history() as history:
        searches.add(history, search, "2026-02-02T06:17:00Z")
    copies = [backup(followed.around).file]
    followed.sync(days=1)
    copies.append(backup(followed.around).file)
    with followed.history() as history:
        watches.remove(history, [other])
        watches.remove_page(history, TRIAL, page)
        searches.remove(history, search)
    followed.sync(days=1)
    right = backup(followed.around).file
    gone = tuple(sorted((other, f"{TRIAL} {page}", search.to_json())))
    for wrong in (copies[:1], copies, copies[::-1], copies[:1] * 2):
        for copy in wrong:
            assert entered(back(followed, copy)).named == Named(again=gone)
        assert entered(back(followed, right)).named == Named(left=gone)
        with followed.history() as history:
            assert watches.trials(history) == [TRIAL]
            assert not history.rows("SELECT * FROM page")
            assert not history.rows("SELECT * FROM search WHERE watched")
    back(followed, copies[0])
    followed.at += datetime.timedelta(hours=1)
    with followed.history() as history:
        watches.remove(history, [other])
    followed.watch(other)  # by somebody, after all
    assert entered(back(followed, right)).named == Named((other,), left=tuple(each for each in gone if each != other))
    assert check(followed.around).faults == []


def entered(done: Restored) -> Entered:
    assert done.carried is not None
    return done.carried.entered


def test_what_was_told_is_not_told_again_after_a_second_restore_either(followed: House) -> None:
    copy = backup(followed.around).file
    moved(followed, "2027-05-05")
    followed.deliver()
    before = len(mails(followed))
    back(followed, copy)
    back(followed, copy)
    followed.sync()
    back(followed, copy)
    followed.sync()
    assert len(mails(followed)) == before
    moved(followed, "2027-01-01")
    moved(followed, "2027-05-05")
    assert followed.deliver().sent == 6  # back and forth is news


def test_what_was_told_is_not_told_again_whichever_copies_come_back_one_after_the_other(followed: House) -> None:
    """The wrong copy was taken first: what comes back then is from between two steps that its reader was told of."""
    followed.deliver()
    copies = [backup(followed.around).file]
    for date in ("2027-03-03", "2027-05-05", "2027-07-07"):
        moved(followed, date)
        followed.deliver()
        copies.append(backup(followed.around).file)
    before = len(mails(followed))
    for copy in (*copies, copies[2], copies[0], copies[2]):
        back(followed, copy)
        followed.sync(days=0.01)
        followed.deliver()
        assert followed.changes()[0].after["date"] == "2027-07-07"
    assert len(mails(followed)) == before
    moved(followed, "2027-05-05")
    moved(followed, "2027-07-07")
    assert followed.deliver().sent == 6  # back and forth is news


def test_what_comes_and_goes_meanwhile_is_told_when_it_goes_later(followed: House) -> None:
    """The backup says what the registry says again: that what was told cancels out makes nothing of what comes after it untold."""
    study = followed.registry.study(TRIAL)
    without = record.touched(study, "2026-02-10")
    without["protocolSection"]["eligibilityModule"]["eligibilityCriteria"] = record.criteria_text(("Adult",), ())
    followed.deliver()
    copy = backup(followed.around).file
    for each in (without, study):
        followed.registry.put(each)
        followed.sync()
    back(followed, copy)
    followed.sync()
    before = len(mails(followed))
    followed.registry.put(without)
    followed.sync()
    assert len(mails(followed)) == before + 3


def test_ids_only_grow(followed: House) -> None:
    copy = backup(followed.around).file
    moved(followed, "2027-05-05")
    moved(followed, "2027-06-06")
    last = followed.changes()[0].id
    for as_is in (False, True):
        back(followed, copy, as_is=as_is)
        followed.sync()
        assert followed.changes()[0].id > last
        last = followed.changes()[0].id
    for path in followed.folder.glob("history.db*"):
        path.unlink()
    back(followed, copy)
    followed.sync()
    assert followed.changes()[0].id > last


def test_what_people_entered_since_is_carried_over(followed: House) -> None:
    other, page = "NCT00000001", "https://example.org/trials/NCT06805448"
    with followed.history() as history:
        wishes.stop(followed.around, history, SECOND, [], why="operator")
        searches.add(history, Search((("cond", "old"),)), "2026-02-04T06:17:00Z")
    copy = backup(followed.around).file
    followed.at += datetime.timedelta(hours=1)
    followed.watch(other, TRIAL, pages=())
    followed.watch(TRIAL, pages=(page,))
    followed.subscribe("new@example.org", TRIAL, other, language="da")
    with followed.history() as history:
        searches.remove(history, Search((("cond", "old"),)))
        searches.add(history, Search((("cond", "new"),)), "2026-02-04T07:17:00Z")
        duties.add_event(history, TRIAL, Event("ended", "2026-02-01", "Denmark"), None, "2026-02-04T07:17:00Z")
        duties.answer(history, TRIAL, "us", True, "2026-02-04T07:17:00Z")
    done = back(followed, copy)
    assert done.carried is not None
    assert done.carried.lost == 0
    assert (done.carried.entered.watches, done.carried.entered.subscriptions, done.carried.entered.again) == (3, 1, 1)
    assert done.carried.entered.desk == 2
    with followed.history() as history:
        assert history.rows("SELECT trial FROM watch ORDER BY trial") == [{"trial": other}, {"trial": TRIAL}]
        assert history.rows("SELECT url FROM page") == [{"url": page}]
        assert len(history.rows("SELECT * FROM search WHERE watched")) == 2
        (new,) = [row for row in subscriptions.listing(history) if row["address"] == "new@example.org"]
        assert (new["state"], new["trials"], new["language"]) == ("active", [other, TRIAL], "da")
        assert len(history.rows("SELECT * FROM event")) == len(history.rows("SELECT * FROM law_answer")) == 1
        assert history.rows("SELECT what FROM duty_log ORDER BY id") == [{"what": "event"}, {"what": "answer"}]
    assert states(followed)[SECOND] == "stopped"
    assert check(followed.around).faults == []


def test_who_confirmed_since_has_confirmed(followed: House) -> None:
    with followed.history() as history, history.write() as connection:
        connection.execute("UPDATE subscription SET state = 'pending', confirmed_at = NULL WHERE address = ?", (READER,))
    copy = backup(followed.around).file
    followed.at += datetime.timedelta(hours=1)
    with followed.history() as history, history.write() as connection:
        connection.execute(
            "UPDATE subscription SET state = 'active', confirmed_at = '2026-02-04T07:17:00Z', consent_by = 'holder' WHERE address = ?",
            (READER,),
        )
    back(followed, copy)
    with followed.history() as history:
        (found,) = history.rows("SELECT state, confirmed_at, consent_by FROM subscription WHERE address = ?", (READER,))
    assert found == {"state": "active", "confirmed_at": "2026-02-04T07:17:00Z", "consent_by": "holder"}


def test_mails_that_ask_for_consent_are_held_too(followed: House) -> None:
    with followed.history() as history, history.write() as connection:
        connection.execute("UPDATE subscription SET state = 'pending', confirmed_at = NULL WHERE address = ?", (READER,))
        connection.execute(
            """INSERT INTO confirmation (id, subscription_id, next_try_at, created_at)
               SELECT 'x', id, '2026-02-04T06:17:00Z', '2026-02-04T06:17:00Z' FROM subscription WHERE address = ?""",
            (READER,),
        )
    copy = backup(followed.around).file
    for path in followed.folder.glob("history.db*"):
        path.unlink()
    assert back(followed, copy).held == 4
    followed.set("web", url="https://trials.example.org")
    followed.deliver()
    with followed.history() as history:
        assert history.rows("SELECT state, held FROM confirmation") == [{"state": "pending", "held": 1}]
        outbox.release(history, [], None)
    followed.deliver()
    with followed.history() as history:
        assert history.rows("SELECT state, held FROM confirmation") == [{"state": "sent", "held": 0}]


def test_what_is_asked_for_over_the_web_and_not_answered_yet_is_there(followed: House) -> None:
    copy = backup(followed.around).file
    row = ("manage", "web@example.org", None, "2026-02-04T07:16:50Z")
    with followed.history() as history, history.write() as connection:
        connection.execute("INSERT INTO form (kind, address, wish, created_at) VALUES (?, ?, ?, ?)", row)
    back(followed, copy)
    with followed.history() as history:
        assert [row["address"] for row in history.rows("SELECT * FROM form")] == ["web@example.org"]
