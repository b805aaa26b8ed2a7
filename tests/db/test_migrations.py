"""A file of an earlier program, with rows in every table, is brought up to date: everything in it is read as it was before."""

from __future__ import annotations

import contextlib
import datetime
import json
import sqlite3
import zlib
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from db import absences, confirmations, dated, incidents, migrations, outbox, runs, slips, subscriptions, upkeep, watches
from db import history as versions
from db.connection import APPLICATION_ID, History, open_history
from registry_sync.demo import record as demo
from registry_sync.sources.ctgov_record import record_from
from registry_sync.trials.decide import content_hash
from registry_sync.trials.record import Dated, Record, to_json

TRIAL, GONE, UNSEEN = demo.TRIAL, "NCT00000001", "NCT00000002"
PAGE = "https://example.org/trials/1"
DAYS = ("2026-02-02T06:17:00Z", "2026-02-03T06:17:00Z", "2026-02-04T06:17:00Z")
POSTED = ("2025-02-03", "2026-02-03", "2026-02-04")
COMPLETIONS = ("2025-12-31", "2026-06", "2026-12")
OLD_TABLES = {
    "trial", "watch", "page", "version", "change", "subscription", "subscription_trial", "notice", "notice_change", "incident", "source",
    "run", "absence",
}  # fmt: skip


def studies() -> list[bytes]:
    return [
        json.dumps(demo.with_completion(demo.the_study(), date, posted=day)).encode() for date, day in zip(COMPLETIONS, POSTED, strict=True)
    ]


def page_record() -> Record:
    return Record(trial=TRIAL, overall_status="RECRUITING", completion_date=Dated("2025-12-31"))


def of_program(connection: sqlite3.Connection, last_step: str) -> None:
    """The schema as the program had it whose newest step this was."""
    names = [migration.name for migration in migrations.STEPS._migrations]
    later = names[names.index(last_step) + 1 :]
    migrations.STEPS.apply(Database(connection, execute_plugins=False), stop_before=later)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def insert(connection: sqlite3.Connection, table: str, **values: Any) -> None:
    names, marks = ", ".join(f'"{name}"' for name in values), ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))


def version(connection: sqlite3.Connection, number: int, source: str, record: Record, payload: bytes, posted: str | None) -> None:
    insert(
        connection, "version", trial=TRIAL, source=source, number=number, registry_date=posted, seen_at=DAYS[number - 1],
        content_hash=content_hash(to_json(record)), record=to_json(record).decode(), payload=zlib.compress(payload, 9), codec="zlib",
        carried='["sex"]' if source == PAGE else "[]",
    )  # fmt: skip


def fill(connection: sqlite3.Connection, *, with_absence: bool) -> None:
    """Rows in every table, as the program of that time wrote them."""
    for trial in (TRIAL, GONE, UNSEEN):
        insert(connection, "trial", id=trial, known_since=DAYS[0])
        insert(connection, "watch", trial=trial, added_at=DAYS[0])
    insert(connection, "page", trial=TRIAL, url=PAGE, added_at=DAYS[0])
    for number, payload in enumerate(studies(), 1):
        version(connection, number, "ctgov", record_from(payload), payload, POSTED[number - 1])
    version(connection, 1, PAGE, page_record(), b"<p>Recruiting</p>", None)
    for number in (2, 3):
        before, after = ({"date": date, "type": "ESTIMATED"} for date in COMPLETIONS[number - 2 : number])
        insert(
            connection, "change", trial=TRIAL, source="ctgov", version_id=number, field="completion_date", topic="timeline",
            operation="changed", before=json.dumps(before), after=json.dumps(after), significance="major", reader_significance="minor",
            registry_date=POSTED[number - 1], seen_at=DAYS[number - 1],
        )  # fmt: skip
    insert(
        connection, "subscription", address="a@example.org", kind="email", role="coordinator", least="minor", every="now", timezone="UTC",
        language="en", stop_token="0" * 32, state="active", created_at=DAYS[0],
    )  # fmt: skip
    insert(connection, "subscription_trial", subscription_id=1, trial=TRIAL)
    for number, state in ((1, "sent"), (2, "pending")):
        insert(
            connection, "notice", id=f"notice-{number}", key=f"key {number}", subscription_id=1, address="a@example.org", kind="email",
            state=state, next_try_at=DAYS[number], created_at=DAYS[number], sent_at=DAYS[number] if state == "sent" else None,
        )  # fmt: skip
        insert(connection, "notice_change", notice_id=f"notice-{number}", change_id=number)
    insert(connection, "incident", source="ctgov", opened_at=DAYS[0], last_at=DAYS[0], error="down", closed_at=DAYS[1])
    insert(connection, "incident", source=PAGE, opened_at=DAYS[1], last_at=DAYS[2], times=2, error="unreadable")
    insert(connection, "source", name="ctgov", looked_at=DAYS[2])
    insert(connection, "run", job="sync", started_at=DAYS[2], finished_at=DAYS[2], outcome="done")
    if with_absence:
        insert(connection, "absence", trial=GONE, since=DAYS[1], state="merged", into=TRIAL)


def rows_of(connection: sqlite3.Connection, table: str, columns: list[str]) -> list[tuple[Any, ...]]:
    names = ", ".join(f'"{name}"' for name in columns)
    return sorted(connection.execute(f"SELECT {names} FROM {table}").fetchall(), key=repr)


def columns_of(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


@pytest.fixture(params=["m0001_history", "m0002_absences"])
def old_file(request: pytest.FixtureRequest, path: Path) -> Path:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        of_program(connection, request.param)
        fill(connection, with_absence=request.param != "m0001_history")
    return path


@pytest.fixture
def old(old_file: Path) -> dict[str, tuple[list[str], list[tuple[Any, ...]]]]:
    """What each table of the old file holds: its columns and its rows."""
    with contextlib.closing(sqlite3.connect(old_file)) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")} & OLD_TABLES
        held = {table: (columns_of(connection, table), rows_of(connection, table, columns_of(connection, table))) for table in tables}
    assert all(rows for _, rows in held.values()), "every table has rows, or nothing is shown"
    return held


def test_no_value_in_any_table_is_lost_or_changed(old_file: Path, old: dict[str, Any]) -> None:
    with open_history(old_file) as history:
        for table, (columns, rows) in old.items():
            assert rows_of(history.connection, table, columns) == rows, table


def test_the_file_is_sound_afterwards(old_file: Path) -> None:
    with open_history(old_file) as history:
        assert upkeep.problem(history) is None
        assert history.rows("PRAGMA foreign_key_check") == []
        assert migrations.STEPS.pending(history.db) == []
        assert upkeep.check_kept(history) == upkeep.Kept(4, 0, ())


def test_the_copy_is_the_file_as_it_was(old_file: Path, old: dict[str, Any]) -> None:
    with open_history(old_file) as history:
        applied = [each.name for each in migrations.STEPS.applied(history.db)]
    (backup,) = old_file.parent.glob("history.db.before-*.backup")
    assert backup.name.removeprefix("history.db.before-").removesuffix(".backup") in applied
    with contextlib.closing(sqlite3.connect(backup)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        for table, (columns, rows) in old.items():
            assert columns_of(copy, table) == columns
            assert rows_of(copy, table, columns) == rows
    assert backup.stat().st_mode & 0o077 == 0


def test_a_second_opening_changes_nothing(old_file: Path) -> None:
    open_history(old_file).close()
    with contextlib.closing(sqlite3.connect(old_file)) as connection:
        before = list(connection.iterdump())
    open_history(old_file).close()
    with contextlib.closing(sqlite3.connect(old_file)) as connection:
        assert list(connection.iterdump()) == before
    assert len(list(old_file.parent.glob("*.backup"))) == 1


def test_records_and_payloads_are_read_as_before(old_file: Path) -> None:
    with open_history(old_file) as history:
        latest = versions.latest(history, TRIAL, "ctgov")
        assert latest is not None
        assert (latest.number, latest.registry_date, latest.seen_at) == (3, POSTED[2], DAYS[2])
        assert (latest.markup, latest.backfilled) == ("markdown", False)
        assert latest.record == record_from(studies()[2])
        for number, sent in enumerate(studies(), 1):
            assert versions.payload(history, number) == sent
            assert versions.by_id(history, number).record == record_from(sent)
        assert versions.latest_payload(history, TRIAL, PAGE) == b"<p>Recruiting</p>"
        assert versions.latest(history, TRIAL, PAGE) == versions.Version(4, TRIAL, PAGE, 1, None, DAYS[0], page_record())
        assert versions.latest(history, UNSEEN, "ctgov") is None


def test_the_headline_is_the_one_that_a_new_version_gets(old_file: Path) -> None:
    with open_history(old_file) as history:
        with history.write():
            for source, record, payload in (("ctgov", record_from(studies()[2]), studies()[2]), (PAGE, page_record(), b"")):
                versions.add_version(
                    history, trial=TRIAL, source=source, record=record, payload=payload, registry_date=None, seen_at=DAYS[2]
                )
        rows = history.rows("SELECT source, number, headline FROM version")
        headlines = {(row["source"], row["number"]): json.loads(row["headline"]) for row in rows}
        assert headlines["ctgov", 3] == headlines["ctgov", 4]
        assert headlines[PAGE, 1] == headlines[PAGE, 2]
        assert headlines["ctgov", 1]["completion_date"] == {"date": "2025-12-31", "type": "ESTIMATED"}


@pytest.mark.parametrize(("stated", "kept"), [("true", True), ("false", False), (None, None)])
def test_the_headline_keeps_yes_no_and_not_stated_apart(path: Path, stated: str | None, kept: bool | None) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        of_program(connection, "m0002_absences")
        fill(connection, with_absence=True)
        connection.execute("UPDATE version SET record = json_remove(record, '$.has_results')")
        if stated:
            connection.execute("UPDATE version SET record = json_set(record, '$.has_results', json(?))", (stated,))
    with open_history(path) as history:
        assert {json.loads(row["headline"])["has_results"] for row in history.rows("SELECT headline FROM version")} == {kept}


def test_the_views_show_what_they_showed(old_file: Path) -> None:
    views = ("current_status", "listings", "waiting_to_be_sent")
    with contextlib.closing(sqlite3.connect(old_file)) as connection:
        before = {view: connection.execute(f"SELECT * FROM {view}").fetchall() for view in views}
    assert all(before.values())
    with open_history(old_file) as history:
        now = {view: history.connection.execute(f"SELECT * FROM {view}").fetchall() for view in views}
        shown = {view: [row[: len(before[view][0])] for row in rows] for view, rows in now.items()}  # further columns may have come
        assert shown == before
        (status,) = history.rows("SELECT * FROM current_status WHERE trial = ?", [TRIAL])
    assert (status["brief_title"], status["overall_status"], status["completion_date"]) == (demo.TITLE, "RECRUITING", "2026-12")


def test_changes_slips_and_notices_are_read_as_before(old_file: Path) -> None:
    with open_history(old_file) as history:
        found = list(dated.changes(history, trial=TRIAL))
        assert [change.after for change in found] == [{"date": date, "type": "ESTIMATED"} for date in ("2026-12", "2026-06")]
        (moved,) = slips.of_changes(history, [2])[TRIAL].values()
        assert moved.times == 2
        assert [(row["id"], row["state"], row["trials"]) for row in outbox.listing(history)] == [
            ("notice-1", "sent", [TRIAL]),
            ("notice-2", "pending", [TRIAL]),
        ]
        (waiting,) = outbox.claim(history, 1, "2027-01-01T00:00:00Z", ["email"], 20)
        assert (waiting.id, waiting.created_at, waiting.every) == ("notice-2", DAYS[2], "now")
        assert outbox.change_ids(history, ["notice-2"]) == {"notice-2": (2,)}


def test_watches_subscriptions_absences_incidents_and_runs_are_read_as_before(old_file: Path, old: dict[str, Any]) -> None:
    with open_history(old_file) as history:
        assert set(watches.trials(history)) == {TRIAL, GONE, UNSEEN}
        assert watches.pages(history) == [(TRIAL, PAGE)]
        assert {row["typed"] for row in history.rows("SELECT typed FROM watch")} == {1}
        assert [each.address for each in subscriptions.following(history, TRIAL)] == ["a@example.org"]
        assert set(absences.every(history)) == ({GONE} if "absence" in old else set())
        assert [row["source"] for row in incidents.open_ones(history)] == [PAGE]
        last = runs.last(history, "sync")
        assert last is not None
        assert last["outcome"] == "done"


def test_the_operator_hears_of_what_is_open_only(old_file: Path) -> None:
    with open_history(old_file) as history:
        assert [(incident.source, part) for incident, part in incidents.untold(history)] == [(PAGE, "opening")]


def test_a_new_version_goes_on_from_the_old_ones(old_file: Path) -> None:
    payload = json.dumps(demo.with_completion(demo.the_study(), "2027-03", posted="2026-02-05")).encode()
    with open_history(old_file) as history:
        with history.write():
            new = versions.add_version(
                history,
                trial=TRIAL,
                source="ctgov",
                record=record_from(payload),
                payload=payload,
                registry_date="2026-02-05",
                seen_at=DAYS[2],
            )
        assert versions.by_id(history, new).number == 4
        assert versions.payload(history, new) == payload
        before = versions.before(history, versions.by_id(history, new))
        assert before is not None
        assert before.number == 3


def test_a_step_that_fails_leaves_the_file_as_it_was(old_file: Path, old: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    steps = migrations.Migrations("registry-sync")
    for migration in migrations.STEPS._migrations:
        steps(name=migration.name)(migration.fn)

    def fails(db: Database) -> None:
        db.execute("DELETE FROM notice_change")
        raise ZeroDivisionError

    steps(name="m9998_fails")(fails)
    with monkeypatch.context() as patched:
        patched.setattr(migrations, "STEPS", steps)
        with pytest.raises(ZeroDivisionError):
            open_history(old_file)
    with contextlib.closing(sqlite3.connect(old_file)) as connection:
        for table, (columns, rows) in old.items():
            assert columns_of(connection, table) == columns
            assert rows_of(connection, table, columns) == rows


def test_mails_that_asked_to_confirm_still_do(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        of_program(connection, "m0008_cards")
        insert(
            connection, "subscription", address="a@example.org", kind="email", role="reader", least="minor", every="now", timezone="UTC",
            language="en", stop_token="0" * 32, state="pending", created_at=DAYS[0],
        )  # fmt: skip
        insert(connection, "confirmation", id="c", subscription_id=1, next_try_at=DAYS[0], created_at=DAYS[0])
    with open_history(path) as history:
        now = datetime.datetime.fromisoformat(DAYS[1])
        asking = confirmations.claim(history, 1, now)
        assert asking is not None
        assert (asking.id, asking.kind, asking.subscription.address) == ("c", "confirm", "a@example.org")
        assert confirmations.accessible(history, "c", now) is None
        assert confirmations.confirm(history, "c", "w", now) == "a@example.org"


def test_every_old_table_is_in_this_test(history: History) -> None:
    """A table that a later step adds has no rows in an old file; one of the first two steps must be filled above."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        of_program(connection, "m0002_absences")
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {table for table in tables if not table.startswith(("sqlite_", "_sqlite_"))} == OLD_TABLES
