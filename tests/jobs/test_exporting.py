"""What goes out to everybody, and to the operator: of one moment, in every format, and nobody in it who was taken down."""

from __future__ import annotations

import contextlib
import csv
import importlib.util
import io
import json
import random
import re
import sqlite3
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import msgspec
import pytest

from db import absences, exports, watches
from db.connection import open_history
from jobs import exporting, formats
from jobs.exporting import Export, Scope
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.demo.story import first_listing
from registry_sync.errors import DatabaseError, Stopped, UsageError
from registry_sync.trials import who_set
from registry_sync.trials.record import FIELDS
from tests.house import House

READER = "reader.whom.nobody.knows@example.org"
GONE, LEFT, OTHER = "NCT00000001", "NCT00000002", "NCT00000003"
MARK = re.compile(rb"mark\d+x")


class People:
    """Invents people, each with a mark of its own in every word about them."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self._next = 0

    def mark(self) -> str:
        self._next += 1
        return f"mark{self._next}x"

    def person(self, role: str) -> dict[str, str]:
        return {"name": f"Contact {self.mark()}", "role": role, "phone": f"12 {self.mark()}", "email": f"{self.mark()}@example.org"}

    def into(self, study: dict[str, Any]) -> None:
        """Put some people into a study, wherever the registry names people."""
        protocol = study["protocolSection"]
        places = protocol["contactsLocationsModule"]
        if self.chance.random() < 0.8:
            places["centralContacts"] = [self.person("CONTACT") for _ in range(self.chance.randrange(3))]
        if self.chance.random() < 0.8:
            places["overallOfficials"] = [{"name": f"Contact {self.mark()}", "role": "STUDY_CHAIR", "affiliation": "A hospital"}]
        for site in places["locations"]:
            if self.chance.random() < 0.8:
                site["contacts"] = [self.person("CONTACT") for _ in range(self.chance.randrange(3))]
        if self.chance.random() < 0.5:
            party = {"type": "PRINCIPAL_INVESTIGATOR", "investigatorFullName": f"Contact {self.mark()}"}
            protocol["sponsorCollaboratorsModule"]["responsibleParty"] = party
        protocol["descriptionModule"]["briefSummary"] = f"Write to {self.mark()}@example.org, or do not."
        protocol["ipdSharingStatementModule"] = {"ipdSharing": "YES", "description": f"Ask {self.mark()}@example.org."}
        protocol["eligibilityModule"]["eligibilityCriteria"] = record.criteria_text(
            [f"Has written to <{self.mark()}@example.org>", "18 years of age"], []
        )


def live_through(house: House, people: People) -> set[str]:
    """Some weeks of several trials; the marks of whom the registry still shows in what is watched."""
    studies = {nct: record.a_study(nct) for nct in (GONE, LEFT, OTHER)} | {TRIAL: record.the_study()}
    house.listing.put(TRIAL, first_listing())
    house.watch(*studies)
    house.watch(TRIAL, pages=(house.listing.url_of(TRIAL).replace("http://", "http://user:secret-word@"),))
    house.subscribe(READER, *studies)
    house.subscribe(f"https://hooks.example.org/trials/{READER}", kind="webhook")
    for _ in range(3):
        for study in studies.values():
            people.into(study)
            house.registry.put(record.touched(study, f"{house.at:%Y-%m-%d}"))
        house.registry.release(house.at)
        house.sync(then_deliver=False)
    house.registry.remove(GONE)
    house.sync(then_deliver=False)
    house.sync(then_deliver=False)
    with house.history() as history:
        assert set(absences.every(history)) == {GONE}
        watches.remove(history, [LEFT])
    shown = [house.registry.study(nct) for nct in (TRIAL, OTHER)]
    return {mark.decode() for study in shown for mark in MARK.findall(json.dumps(study).encode())}


def octets(house: House, folder: Path, *, public: bool = True) -> dict[str, bytes]:
    """What each format holds."""
    found: dict[str, bytes] = {}
    with house.history() as history, exports.snapshot(history):
        export = Export(house.around, history, Scope(public=public))
        out = io.BytesIO()
        formats.jsonl(export, out)
        found["jsonl"] = out.getvalue()
        for what in ("trials", "changes"):
            out = io.BytesIO()
            formats.csv_table(export, what, out, bom=False)  # type: ignore[arg-type]
            found[f"csv {what}"] = out.getvalue()
            if importlib.util.find_spec("duckdb"):
                found[f"parquet {what}"] = parquet(export, what, folder / f"{what}.parquet")
        with formats.new_file(folder / "out.db", force=True, public=public, database=folder / "history.db") as path:
            formats.sqlite(export, path)
        found["sqlite"] = (folder / "out.db").read_bytes()
        assert export.troubles == []
    return found


def parquet(export: Export, what: Any, path: Path) -> bytes:
    """All that a Parquet file says: its octets are packed."""
    import duckdb

    formats.parquet(export, what, path)
    return repr(duckdb.sql(f"SELECT * FROM '{path}'").fetchall()).encode() + path.read_bytes()


@pytest.mark.parametrize("seed", range(3))
def test_nobody_whom_the_registry_has_taken_down_is_in_what_is_public(house: House, tmp_path: Path, seed: int) -> None:
    people = People(seed)
    still_shown = live_through(house, people)
    assert still_shown
    for name, held in octets(house, tmp_path).items():
        marks = {mark.decode() for mark in MARK.findall(held)}
        assert marks <= still_shown, name
        assert READER.encode() not in held, name
        assert b"secret-word" not in held, name
        assert b"hooks.example.org" not in held, name
        assert LEFT.encode() not in held, name
        assert GONE.encode() in held, name
        for word in (b"operator@", b"stop_token", b"consent_", b"subscription", b'"watch"'):
            assert word not in held, name
    own = octets(house, tmp_path, public=False)["jsonl"]
    assert not {mark.decode() for mark in MARK.findall(own)} <= still_shown


def test_the_operators_own_export_holds_it_all(house: House, tmp_path: Path) -> None:
    live_through(house, People(7))
    held = octets(house, tmp_path, public=False)
    for name in ("jsonl", "sqlite"):
        assert READER.encode() in held[name]
        assert LEFT.encode() in held[name]
        assert b"hooks.example.org/trials/***" in held[name]
    kinds = [json.loads(line)["kind"] for line in held["jsonl"].splitlines()]
    assert (kinds[0], kinds[-1]) == ("export", "end")
    last = json.loads(held["jsonl"].splitlines()[-1])["objects"]
    assert last == {kind: kinds.count(kind) for kind in last}
    assert last["subscription"] == 2


def test_records_and_changes_have_the_shapes_of_show_and_changes(house: House) -> None:
    house.registry.put(record.the_study())
    house.watch()
    house.sync()
    house.registry.put(record.with_status(record.the_study(), "SUSPENDED", posted="2026-02-05"))
    house.sync()
    objects = everything(house)
    (trial,) = [each for each in objects if each["kind"] == "trial"]
    assert trial["overall_status"] == "SUSPENDED"
    assert list(trial)[1:5] == ["trial", "source", "registry_date", "seen_at"]
    beside = {*list(trial)[:5], "absent_since", "absence"}
    assert set(trial) - beside <= {field.name for field in FIELDS}
    changed = [each for each in objects if each["kind"] == "change"]
    assert [each["id"] for each in changed] == sorted(each["id"] for each in changed)
    assert any(each["summary"] == "Recruitment status: Recruiting → Suspended" for each in changed)
    assert any(each["significance"] == "housekeeping" for each in changed)


def everything(house: House, *trials: str, **more: Any) -> list[dict[str, Any]]:
    with house.history() as history, exports.snapshot(history):
        return list(Export(house.around, history, Scope(trials, **more)).objects())


def test_of_named_trials_only_what_is_theirs_goes_out(house: House) -> None:
    live_through(house, People(3))
    objects = everything(house, OTHER)
    assert {each["trial"] for each in objects if "trial" in each} == {OTHER}
    assert {each["kind"] for each in objects} == {"export", "trial", "version", "change", "watch", "end"}


def test_what_is_written_meanwhile_waits_for_nobody_and_is_not_in_it(house: House) -> None:
    house.registry.put(record.the_study())
    house.watch()
    house.sync()
    with house.history() as history, exports.snapshot(history):
        objects = Export(house.around, history, Scope()).objects()
        begun = [next(objects), next(objects)]
        house.registry.put(record.with_status(record.the_study(), "SUSPENDED", posted="2026-02-05"))
        assert house.sync().changes
        rest = list(objects)
    assert [each["kind"] for each in begun] == ["export", "trial"]
    assert [each["kind"] for each in rest] == ["version", "watch", "end"]


def test_who_asks_to_stop_is_heard(house: House) -> None:
    house.registry.put(record.the_study())
    house.watch()
    house.sync()
    around = house.around
    stop = threading.Event()
    stop.set()
    with house.history() as history, exports.snapshot(history), pytest.raises(Stopped):
        list(Export(msgspec.structs.replace(around, stop=stop), history, Scope()).objects())


def test_a_trial_that_was_merged_goes_out_once_and_its_changes_under_the_id_they_had(house: House) -> None:
    house.registry.put(record.the_study())
    house.registry.put(record.a_study(OTHER))
    house.watch(TRIAL, OTHER)
    house.sync()
    house.registry.alias(TRIAL, OTHER)
    house.sync()
    for public in (False, True):
        objects = everything(house, public=public)
        assert [each["trial"] for each in objects if each["kind"] == "trial"] == [OTHER]
        assert {each["trial"] for each in objects if each["kind"] == "version"} == {TRIAL, OTHER}


def test_one_damaged_record_is_named_and_the_others_go_out(house: House) -> None:
    house.registry.put(record.the_study())
    house.registry.put(record.a_study(OTHER))
    house.watch(TRIAL, OTHER)
    house.sync()
    with house.history() as history:
        history.write_one("UPDATE version SET payload = x'00' WHERE trial = ?", (OTHER,))
        with exports.snapshot(history):
            export = Export(house.around, history, Scope())
            assert [trial.values["trial"] for trial in export.trials()] == [TRIAL]
    assert len(export.troubles) == 1
    assert OTHER in export.troubles[0]


def test_what_goes_out_is_never_held_as_a_whole(house: House) -> None:
    house_with_something(house)
    with house.history() as history:
        history.write_one(
            """INSERT INTO change (trial, source, version_id, field, topic, operation, "before", "after", significance, reader_significance,
                                   registry_date, seen_at)
               WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
               SELECT ?, 'ctgov', 1, 'why_stopped', 'status', 'changed', ?, json_quote('Reason ' || i), 'minor', 'minor', NULL, ? FROM n""",
            (TRIAL, json.dumps("word " * 400), "2026-02-03T06:17:00Z"),
        )
        with exports.snapshot(history):
            tracemalloc.start()
            try:
                counted = sum(each["kind"] == "change" for each in Export(house.around, history, Scope()).objects())
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
    assert counted == 4000
    assert peak < 4 * 2**20, f"{peak:,} bytes at once, of 8 million"


# --- tables ------------------------------------------------------------------------------------------------------------


def cells(house: House, what: Any = "trials") -> list[dict[str, str]]:
    with house.history() as history, exports.snapshot(history):
        out = io.BytesIO()
        formats.csv_table(Export(house.around, history, Scope()), what, out, bom=False)
    text = out.getvalue().decode()
    assert text.endswith("\r\n")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_table_of_trials_has_the_24_items_of_the_who_data_set(house: House) -> None:
    study = record.the_study()
    study["protocolSection"]["identificationModule"]["orgStudyIdInfo"] = {"id": "H-1"}
    sharing = {"ipdSharing": "NO", "description": "There are too few *participants*.", "infoTypes": ["SAP", None]}
    study["protocolSection"]["ipdSharingStatementModule"] = sharing
    house.registry.put(study)
    house.watch()
    house.sync()
    (row,) = cells(house)
    assert row["trial_identifying_number"] == TRIAL
    assert row["date_of_registration"] == "2025-01-27"
    assert row["secondary_identifying_numbers"] == "H-1\n2024-516715-25-00"
    assert row["contact_for_public_queries"] == "Contact A; contact-a@example.org"
    assert row["recruitment_status"] == "Recruiting"
    assert row["sample_size"] == "40"
    assert row["study_type"].splitlines() == [
        "INTERVENTIONAL", "Allocation: RANDOMIZED", "Model: PARALLEL", "Purpose: TREATMENT", "Phase: PHASE1, PHASE2",
    ]  # fmt: skip
    assert row["key_inclusion_and_exclusion_criteria"].startswith("Inclusion criteria:\n- Sjögren's disease")
    assert row["ipd_sharing_statement"] == "NO\nPlan: There are too few participants.\nWhat: SAP"
    assert row["ethics_review"] == ""


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"), ("+45 1234", "'+45 1234"), ("-5", "'-5"), ("@SUM(A1)", "'@SUM(A1)"), ("\tx", "'\tx"), ("\rx", "'\rx"),
        ("＝1", "'＝1"), ("a=1", "a=1"), ("'tis", "'tis"), ("", ""), ("a\0b", "ab"),
    ],
)  # fmt: skip
def test_no_cell_is_a_formula_to_a_spreadsheet(text: str, cell: str) -> None:
    assert formats.in_a_cell(text) == cell
    assert formats.from_a_cell(cell) == text.replace("\0", "")


def test_a_title_that_is_a_formula_reaches_no_spreadsheet_as_one(house: House) -> None:
    house.registry.put(record.a_study(TRIAL, title='=HYPERLINK("http://example.org","a")'))
    house.watch()
    house.sync()
    assert cells(house)[0]["public_title"] == '\'=HYPERLINK("http://example.org","a")'


def test_changes_as_a_table(house: House) -> None:
    house.registry.put(record.the_study())
    house.watch()
    house.sync()
    house.registry.put(record.with_completion(record.the_study(), "2027-01-15"))
    house.sync()
    row = next(row for row in cells(house, "changes") if row["field"] == "completion_date")
    assert list(row) == list(exporting.CHANGE)
    assert json.loads(row["after"]) == {"date": "2027-01-15", "type": "ESTIMATED"}
    assert row["backfilled"] == "no"


# --- files -------------------------------------------------------------------------------------------------------------


def test_the_ready_file_can_be_asked_and_is_no_history(house: House, tmp_path: Path) -> None:
    house.registry.put(record.the_study())
    house.watch()
    house.sync()
    octets(house, tmp_path, public=False)
    connection = sqlite3.connect(tmp_path / "out.db")
    assert connection.execute("SELECT facility, country, status FROM recruiting_sites").fetchall() == [
        ("Rigshospitalet", "Denmark", "RECRUITING")
    ]
    assert connection.execute("SELECT count(*) FROM criteria WHERE \"group\" = 'exclusion'").fetchone() == (9,)
    assert connection.execute("SELECT email FROM contacts ORDER BY location_id").fetchall() == [("contact-a@example.org",)] * 2
    assert connection.execute("SELECT completion_date, completion_date_type, enrollment FROM trials").fetchone() == (
        "2025-12-31", "ESTIMATED", 40,
    )  # fmt: skip
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    with pytest.raises(DatabaseError, match="belongs to another program"):
        open_history(tmp_path / "out.db")


def test_the_octets_of_a_private_file_are_for_its_owner(house: House, tmp_path: Path) -> None:
    with house.history():
        pass
    octets(house, tmp_path, public=False)
    assert (tmp_path / "out.db").stat().st_mode & 0o077 == 0
    assert not list(tmp_path.glob("*.unfinished*")) + list(tmp_path.glob(".*unfinished*"))


def test_a_file_that_fails_leaves_nothing_and_touches_nothing(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    target.write_text("before")
    with (
        pytest.raises(ZeroDivisionError),
        formats.new_file(target, force=True, public=True, database=tmp_path / "history.db") as path,
    ):
        path.write_text("half")
        raise ZeroDivisionError
    assert target.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir()] == ["out.csv"]


def test_who_is_faster_keeps_the_name(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    with (
        pytest.raises(UsageError, match="was made by somebody meanwhile"),
        formats.new_file(target, force=False, public=True, database=tmp_path / "history.db") as path,
    ):
        path.write_text("mine")
        target.write_text("theirs")
    assert target.read_text() == "theirs"


# --- what the documentation says of it -----------------------------------------------------------------------------------

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "export.md").read_text(encoding="utf-8")


def test_every_column_of_the_data_set_is_described_in_its_order() -> None:
    described = re.findall(r"^\| (\d*) \| `(\w+)` \| \S", PAGE, re.MULTILINE)
    assert described == [("" if column.item is None else str(column.item), column.name) for column in who_set.COLUMNS]
    assert {column.item for column in who_set.COLUMNS} - {None} == set(range(1, 25))


def test_every_table_and_view_of_the_ready_file_is_described(house: House, tmp_path: Path) -> None:
    with house.history():
        pass
    octets(house, tmp_path, public=False)
    with contextlib.closing(sqlite3.connect(tmp_path / "out.db")) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")}
    part = PAGE[PAGE.index("## A ready SQLite file") :]
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", part, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"\w+", row)} == names


def test_every_kind_of_line_is_described(house: House) -> None:
    last = everything(house_with_something(house))[-1]["objects"]
    assert re.findall(r"^\| `(\w+)` \| each", PAGE[: PAGE.index("## Tables")], re.MULTILINE) == list(last)


def house_with_something(house: House) -> House:
    house.registry.put(record.the_study())
    house.watch()
    house.sync()
    return house
