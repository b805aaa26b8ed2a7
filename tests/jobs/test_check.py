"""Is all that is kept sound? Each kind of damage is one line that says what, where, and what to do; nothing sound is called damaged."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from db import history as versions
from db.connection import History
from jobs import check as job
from jobs.backup import backup
from jobs.check import Checked, check
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.demo.story import first_listing
from registry_sync.errors import DatabaseError, Stopped
from registry_sync.trials.record import from_json, to_json
from tests.house import House
from tests.jobs.test_duties import ended_study


@pytest.fixture
def followed(house: House) -> House:
    """Four versions, with changes of several kinds, and a notice for each."""
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.subscribe("coordinator@example.org", role="coordinator")
    house.sync()
    study = record.with_completion(record.the_study(), "2027-01-01", posted="2026-02-03")
    house.registry.put(record.with_criterion(study, "18 years of age or more", "16 years of age or more"))
    house.sync()
    house.registry.put(record.with_status(house.registry.study(TRIAL), "ACTIVE_NOT_RECRUITING", posted="2026-02-04"))
    house.sync()
    house.registry.put(record.with_completion(house.registry.study(TRIAL), "2028-01-01", posted="2026-02-05"))
    house.sync()
    return house


def checked(house: House, *, deep: bool = False) -> Checked:
    return check(house.around, deep=deep)


def spoil(house: House, sql: str, *values: object) -> None:
    """Write what the program would not."""
    with contextlib.closing(sqlite3.connect(house.folder / "history.db", isolation_level=None)) as connection:
        assert connection.execute(sql, values).rowcount > 0


def faults(house: House, *, deep: bool = False) -> list[str]:
    return [f"{fault.where}: {fault.what}" for fault in checked(house, deep=deep).faults]


@pytest.mark.parametrize("deep", [False, True])
def test_all_is_sound(followed: House, deep: bool) -> None:
    done = checked(followed, deep=deep)
    assert done.faults == []
    assert (done.older_records, done.older_changes) == (0, 0)
    assert done.numbers == {"versions": 4, "changes": len(followed.changes(housekeeping=True)), "notices": 3, "redacted": 0}


def test_nothing_is_written(followed: House) -> None:
    with followed.history() as history:
        before = list(history.connection.iterdump())
    checked(followed, deep=True)
    with followed.history() as history:
        assert list(history.connection.iterdump()) == before


def test_an_empty_history_is_sound(house: House) -> None:
    with house.history():
        pass
    assert faults(house, deep=True) == []


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE version SET payload = x'00' WHERE number = 2", "version 2 of NCT06805448 at ctgov: it does not come back"),
        ("UPDATE version SET record = substr(record, 1, 9) WHERE number = 4", "version 4 of NCT06805448 at ctgov: it does not come back"),
        ("UPDATE version SET content_hash = '0' WHERE number = 3", "version 3 of NCT06805448 at ctgov: its record is not the one that was"),
        (
            "UPDATE version SET number = 9 WHERE number = 4",
            "version 9 of NCT06805448 at ctgov: the version before it is missing (number 4)",
        ),
        ("UPDATE change SET after = '\"COMPLETED\"' WHERE field = 'overall_status'", "(overall_status) says stands in neither record"),
        ("UPDATE change SET after = '{' WHERE field = 'overall_status'", "its values are no JSON"),
        ("UPDATE change SET source = 'https://example.org/' WHERE field = 'overall_status'", "it belongs to a version of another source"),
        ("DELETE FROM notice_change", "it tells nothing: none of its changes is there"),
        ("PRAGMA user_version = 1", ""),
    ],
)
def test_damage_is_named(followed: House, sql: str, said: str) -> None:
    with contextlib.closing(sqlite3.connect(followed.folder / "history.db", isolation_level=None)) as connection:
        connection.execute(sql)
    found = faults(followed)
    assert any(said in line for line in found) if said else not found, found
    assert all("restore a backup" in fault.do for fault in checked(followed).faults)


def test_a_change_that_is_missing_is_missed(followed: House) -> None:
    with followed.history() as history:
        middle = history.rows("SELECT id, version_id FROM change WHERE version_id = (SELECT id FROM version WHERE number = 3) ORDER BY id")
    with followed.history() as history:
        history.connection.execute("DELETE FROM notice_change WHERE change_id = ?", (middle[1]["id"],))
    spoil(followed, "DELETE FROM change WHERE id = ?", middle[1]["id"])
    assert faults(followed) == [f"the changes of version 3 of {TRIAL} at ctgov: 1 of 5 missing"]


def test_changes_that_are_all_missing_are_missed(followed: House) -> None:
    with contextlib.closing(sqlite3.connect(followed.folder / "history.db", isolation_level=None)) as connection:
        connection.execute("DELETE FROM notice_change")
        connection.execute("DELETE FROM notice")
        connection.execute("DELETE FROM change")
    assert faults(followed) == [
        f"the changes of version {number} of {TRIAL} at ctgov: {changes} of {changes} missing"
        for number, changes in ((2, 5), (3, 5), (4, 3))
    ]


def test_what_leads_nowhere_is_named(followed: House) -> None:
    spoil(followed, "DELETE FROM change WHERE id = 1")  # foreign keys are off in a tool that does not turn them on
    assert any("refers to a row of change that is not there" in line for line in faults(followed))


def test_a_damaged_file_is_one_line_for_each_place(followed: House) -> None:
    path = followed.folder / "history.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'change_by_time'").fetchone()[0]
    octets = bytearray(path.read_bytes())
    octets[(root - 1) * 4096 + 8 : (root - 1) * 4096 + 60] = b"\x07" * 52
    path.write_bytes(octets)
    found = checked(followed).faults
    assert found
    assert {fault.where for fault in found} == {str(path)}


def test_what_an_older_program_told_otherwise_is_no_damage(followed: House) -> None:
    """It compared the dates as a part that went and a part that came."""
    with followed.history() as history, history.write() as connection:
        row = history.one("SELECT * FROM change WHERE field = 'completion_date' ORDER BY id DESC LIMIT 1")
        assert row is not None
        after = json.loads(row["after"])
        connection.execute("UPDATE change SET after = ? WHERE id = ?", (json.dumps({"date": after["date"], "type": None}), row["id"]))
    assert [f"{fault.what}" for fault in checked(followed).faults] == [
        "1 is another one than those between the two records, of which 1 is not kept"
    ]
    spoil(followed, "UPDATE version SET program = NULL")
    done = checked(followed)
    assert done.faults == []
    assert done.older_changes == 1


def test_what_an_older_program_read_otherwise_is_counted(followed: House) -> None:
    with followed.history() as history, history.write() as connection:
        stored = from_json(versions.record_json(history, 4))
        older = to_json(from_json(to_json(stored).replace(b"Rigshospitalet", b"Rigs hospitalet")))
        connection.execute(
            "UPDATE version SET record = ?, record_codec = 'json', content_hash = ?, program = NULL WHERE id = 4",
            (older.decode(), hashlib.sha256(older).hexdigest()),
        )
    assert checked(followed).older_records == 0
    done = checked(followed, deep=True)
    assert (done.faults, done.older_records) == ([], 1)


def test_what_was_taken_out_on_purpose_is_no_damage(followed: House) -> None:
    followed.at += datetime.timedelta(days=60)
    assert backup(followed.around).kept.contacts > 0
    done = checked(followed, deep=True)
    assert (done.faults, done.older_records, done.older_changes) == ([], 0, 0)
    assert done.numbers["redacted"] > 0


def test_a_page_that_is_watched_is_checked_too(house: House) -> None:
    url = f"{house.listing.url}/trials/{TRIAL}"
    house.registry.put(record.the_study())
    house.listing.put(TRIAL, first_listing())
    house.watch(TRIAL, pages=(url,))
    house.sync()
    house.listing.put(TRIAL, replace(first_listing(), status="Completed"))
    house.sync()
    with house.history() as history:
        assert history.rows("SELECT source FROM version WHERE source != 'ctgov'")
    assert faults(house, deep=True) == []


def test_records_that_were_joined_are_sound(house: House) -> None:
    """What differs between the two is kept under the id that was given up, beside the version of the other."""
    other = "NCT00000001"
    house.registry.put(record.the_study())
    house.registry.put(record.a_study(other, status="COMPLETED"))
    house.watch(TRIAL, other)
    house.subscribe("coordinator@example.org", TRIAL, role="coordinator")
    house.sync()
    house.registry.alias(TRIAL, other)
    house.sync()
    done = checked(house, deep=True)
    assert [change.topic for change in house.changes()] == ["status", "registry"]
    assert (done.faults, done.older_changes) == ([], 0)


def test_a_trial_that_became_another_ones_is_sound(house: House) -> None:
    """Of what differs but in status nothing is told, whatever it would weigh as a change."""
    other = "NCT00000001"
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.sync()
    house.registry.put(record.a_study(other, status="COMPLETED"))
    house.registry.alias(TRIAL, other)
    house.sync()
    assert "overall_status" in {change.field for change in house.changes()}
    with house.history() as history:
        assert history.rows("SELECT 1 FROM change WHERE field = 'brief_title' AND significance = 'housekeeping'")
    done = checked(house, deep=True)
    assert (done.faults, done.older_changes) == ([], 0)


def test_records_that_were_joined_after_the_same_change_of_one_are_sound(house: House) -> None:
    other = "NCT00000001"
    house.registry.put(record.a_study(TRIAL))
    house.registry.put(record.a_study(other))
    house.watch(TRIAL, other)
    house.sync()
    house.registry.put(record.with_status(house.registry.study(other), "COMPLETED", posted="2026-02-03"))
    house.sync()
    house.registry.alias(TRIAL, other)
    house.sync()
    done = checked(house, deep=True)
    assert (done.faults, done.older_changes) == ([], 0)


def test_a_merger_that_the_registry_undid_leaves_no_damage(house: House) -> None:
    """The version that was moved to the other id stays there, and its changes stand under the one that they were told of."""
    other = "NCT00000001"
    own = record.the_study()
    house.registry.put(own)
    house.watch(TRIAL)
    house.sync()
    house.registry.put(record.with_completion(own, "2027-01-01", posted="2026-02-03"))
    house.sync()
    study = house.registry.study(TRIAL)
    study["protocolSection"]["identificationModule"]["nctId"] = other
    house.registry.put(study)
    house.registry.alias(TRIAL, other)
    house.sync()
    assert faults(house, deep=True) == []
    house.registry._aliases.clear()
    house.registry.put(own)
    house.watch(TRIAL)
    house.sync()
    with house.history() as history:
        assert history.rows("SELECT * FROM alias") == []
        assert history.rows("SELECT 1 FROM change JOIN version ON version.id = version_id WHERE change.trial != version.trial")
    assert faults(house, deep=True) == []


@pytest.mark.parametrize("which", ["field = 'overall_status'", "trial = 'NCT06805448'"])
def test_a_change_that_is_told_of_another_trial_is_named(followed: House, which: str) -> None:
    followed.registry.put(record.a_study("NCT00000001"))
    followed.watch("NCT00000001")
    followed.sync()
    assert faults(followed) == []
    spoil(followed, f"UPDATE change SET trial = 'NCT00000001' WHERE {which}")
    with followed.history() as history:
        moved = history.rows("SELECT id FROM change WHERE trial = 'NCT00000001' ORDER BY id")
    named = [line for line in faults(followed) if line.endswith(": it belongs to a version of another trial")]
    assert named == [f"change {row['id']}: it belongs to a version of another trial" for row in moved]


def test_faults_without_end_are_counted(followed: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "MOST_NAMED", 2)
    spoil(followed, "UPDATE version SET payload = x'00'")
    done = checked(followed)
    assert len(done.faults) == 2
    assert done.as_json()["further_faults"] == done.more == 2
    assert done.as_json()["ok"] is False


def test_who_is_asked_to_stop_stops(followed: House) -> None:
    around = followed.around
    around.stop.set()
    with pytest.raises(Stopped):
        check(around)


def test_what_came_unreadable_is_looked_at(followed: House, tmp_path: Path) -> None:
    spoil(followed, "INSERT INTO unparsed VALUES (?, 'ctgov', '2026-02-03T06:17:00Z', 'not JSON', x'00', 'zlib')", TRIAL)
    assert faults(followed)[0].startswith(f"what came unreadable of {TRIAL} at ctgov: it does not come back")


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("DROP TABLE robots", "the table robots is missing"),
        ("DROP TABLE notice_change", "the table notice_change is missing"),
        ("DROP INDEX change_by_trial", "the index change_by_trial is missing"),
        ("DROP VIEW listings", "the view listings is missing"),
    ],
)
def test_what_was_dropped_is_missed(followed: House, sql: str, said: str) -> None:
    with contextlib.closing(sqlite3.connect(followed.folder / "history.db", isolation_level=None)) as connection:
        connection.execute(sql)
    assert f"{followed.folder / 'history.db'}: the file is damaged: {said}" in faults(followed)


def test_a_file_that_does_not_say_which_steps_it_took_is_one_line(followed: House) -> None:
    spoil(followed, "DELETE FROM _sqlite_migrations WHERE name = 'm0003_the_registry_in_full'")
    with pytest.raises(DatabaseError, match=r"its schema is not the one that it says it has: step m0003.* restore a backup"):
        checked(followed)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE change SET topic = 'places' WHERE field = 'overall_status'", "(overall_status) has another topic or weight"),
        ("UPDATE change SET significance = 'minor' WHERE field = 'overall_status'", "(overall_status) has another topic or weight"),
        ("UPDATE change SET reader_significance = 'untold' WHERE field = 'overall_status'", "has another topic or weight"),
        ("UPDATE change SET registry_date = '1999-01-01' WHERE field = 'overall_status'", "it has another date than its version"),
        ("UPDATE change SET seen_at = 'junk' WHERE field = 'overall_status'", "it has another date than its version"),
        ("UPDATE change SET backfilled = 1 WHERE field = 'overall_status'", "from before the installation, and it is not"),
        ("UPDATE version SET registry_date = 'soon' WHERE number = 3", "its dates cannot be read"),
        ("UPDATE version SET seen_at = 'junk' WHERE number = 3", "its dates cannot be read"),
        ("UPDATE version SET markup = 'latex' WHERE number = 3", "it is not known how its texts are marked"),
        ("UPDATE version SET headline = json_set(headline, '$.overall_status', 'X') WHERE number = 2", "its headline is not that of"),
        ("UPDATE version SET headline = '{}' WHERE number = 2", "its headline is not that of its record"),
        ("DELETE FROM card", "the card that it is found by is missing"),
        ("UPDATE card SET words = 'x'", "its card is another one's"),
        (
            "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'change'",
            "the table change: the number that the next one gets was given before",
        ),
        ("UPDATE subscription SET timezone = 'Mars/X'", "subscription 1: its time zone is not known"),
        ("UPDATE subscription SET topics = 'junk'", "subscription 1: what it wants cannot be read"),
        ("UPDATE secret SET value = '' WHERE name = 'links'", "the key links: it is not there, or is none"),
        ("DELETE FROM secret", "the key stops: it is not there, or is none"),
        ("UPDATE notice SET state = 'sent', sent_at = NULL", "it was sent, and it is not known when"),
        ("UPDATE version SET registry_date = NULL WHERE number = 3", "its date is not that of its record"),
        ("UPDATE version SET registry_date = '1999-01-01' WHERE number = 1", "its date is not that of its record"),
        ("UPDATE version SET seen_at = '2031-01-01T00:00:00Z' WHERE number = 1", "it was seen after a later one"),
        ("UPDATE change SET seen_at = '1999-01-01T00:00:00Z' WHERE id = 1", "change 1: it was not seen with its version"),
        ("UPDATE change SET seen_at = '2031-01-01T00:00:00Z' WHERE id = 1", "change 1: it was not seen with its version"),
        ("UPDATE version SET backfilled = 1 WHERE number = 3", "version 3 of NCT06805448 at ctgov: it says that it is from before the"),
        ("UPDATE version SET markup = 'html' WHERE number = 1", "its texts are marked as those of the other kind of versions are"),
        ("UPDATE version SET redacted_at = seen_at WHERE number = 4", "contacts are said to be taken out of it"),
        ("UPDATE change SET topic = 'zzz' WHERE id = 1", "change 1: its field and its topic do not go together"),
        ("UPDATE change SET significance = 'great' WHERE id = 1", "change 1: it has a weight that there is not"),
        ("UPDATE notice SET address = 'another@example.org' WHERE rowid = 1", "it is for another address than its subscription's"),
        ("DELETE FROM change WHERE id = (SELECT max(id) FROM change)", "the changes of version 4 of NCT06805448 at ctgov: 1 of 3 missing"),
        (
            """INSERT INTO change SELECT NULL, trial, source, version_id, field, topic, operation, before, after, "group", significance,
               reader_significance, registry_date, seen_at, backfilled, detail FROM change WHERE id = 1""",
            "1 more than came with it",
        ),
    ],
)
def test_what_is_derived_and_edited_is_named(followed: House, sql: str, said: str) -> None:
    spoil(followed, sql)
    assert any(said in line for line in faults(followed)), faults(followed)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE change SET field = 'completion_date' WHERE topic = 'deadlines'", "its field and its topic do not go together"),
        ("UPDATE change SET reader_significance = 'major' WHERE topic = 'deadlines'", "it has a weight that there is not"),
        ("UPDATE change SET significance = 'minor' WHERE topic = 'deadlines'", "it has a weight that there is not"),
        ("""UPDATE change SET "after" = '"zzz"' WHERE topic = 'deadlines'""", "it says what such news never says"),
        ("UPDATE OR IGNORE notice_change SET change_id = 1", "it tells a change of another trial than the one that it is about"),
        ("UPDATE notice SET subscription_id = 2", "it is for another address than its subscription's"),
    ],
)
def test_news_of_deadlines_and_notices_fit_to_what_they_are_about(house: House, sql: str, said: str) -> None:
    other = "NCT00000001"
    house.registry.put(record.a_study(other))
    house.registry.put(ended_study())
    house.watch(TRIAL, other)
    house.sync(days=0)
    house.registry.put(record.with_status(record.a_study(other), "SUSPENDED", posted="2026-02-03"))
    house.sync(days=17)
    house.subscribe("coordinator@example.org", TRIAL, role="coordinator")
    house.subscribe("reader@example.org", TRIAL)
    for days in (1, 90, 1):
        house.sync(days=days)
    assert [change.after for change in house.changes() if change.topic == "deadlines"] == ["overdue"]
    assert faults(house) == []
    spoil(house, sql)
    assert any(said in line for line in faults(house)), faults(house)


def test_a_trial_of_which_nothing_is_left_is_missed(followed: House) -> None:
    with contextlib.closing(sqlite3.connect(followed.folder / "history.db", isolation_level=None)) as connection:
        for table in ("notice_change", "notice", "change", "card", "version"):
            connection.execute(f"DELETE FROM {table}")
    assert faults(followed) == [f"{TRIAL}: no version of it is kept, and it was looked at"]


def test_a_file_that_cannot_be_written_is_looked_at_as_it_lies_there(followed: House, monkeypatch: pytest.MonkeyPatch) -> None:
    path = followed.folder / "history.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    before = path.read_bytes()

    def prepare(history: History) -> None:
        history.connection.execute("PRAGMA query_only = ON")
        history.connection.execute("CREATE TABLE song (title TEXT)")

    monkeypatch.setattr("db.connection._prepare", prepare)
    assert faults(followed) == []
    assert path.read_bytes() == before
    assert not list(followed.folder.glob("history.db-*"))
