"""Tables of watches and subscriptions, as people and spreadsheets write them: what comes in, and what is said of the rest."""

from __future__ import annotations

import csv
import datetime
import io
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db import exports, searches, stops, subscriptions, watches
from jobs import formats, importing, sheet, wishes
from jobs.exporting import Export, Scope
from jobs.importing import Report
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.errors import CannotStart, UsageError
from tests.db.growing import asked
from tests.house import House

READER = "reader@example.org"
OTHER = "NCT00000002"


@pytest.fixture
def open_to_the_web(house: House) -> House:
    """A house whose readers can be asked to confirm."""
    house.set("web", url="https://trials.example.org")
    return house


def bring(house: House, text: str | bytes, **more: Any) -> Report:
    """Import a table of subscriptions in which nothing is wrong."""
    rows, bad = importing.read_subscriptions(text if isinstance(text, bytes) else text.encode(), "readers.csv", timezone="UTC")
    assert bad == []
    with house.history() as history:
        return importing.add_subscriptions(house.around, history, rows, **more)


def watch(house: House, text: str, **more: Any) -> Report:
    rows, bad = importing.read_watches(text.encode(), "watches.csv")
    assert bad == []
    with house.history() as history:
        return importing.add_watches(house.around, history, rows, **more)


def kept(house: House) -> list[dict[str, Any]]:
    with house.history() as history:
        return subscriptions.listing(history)


def everything(house: House) -> list[str]:
    with house.history() as history:
        return list(history.connection.iterdump())


def wrong(text: str | bytes) -> list[tuple[int, str, str]]:
    """What is wrong with which cell: line, column, problem."""
    content = text if isinstance(text, bytes) else text.encode()
    return [(fault.line, fault.column, fault.problem) for fault in importing.read_subscriptions(content, "readers.csv", timezone="UTC")[1]]


# --- readers -----------------------------------------------------------------------------------------------------------


def test_readers_are_pending_and_each_is_asked_by_a_mail_of_its_own(open_to_the_web: House) -> None:
    house = open_to_the_web
    report = bring(house, f"address,trials\n{READER},{TRIAL}\nother@example.org,all\n")
    assert (report.added, report.mails, report.not_asked) == (2, 2, [])
    assert [row["state"] for row in kept(house)] == ["pending", "pending"]
    house.deliver()
    assert sorted(mail.recipients for mail in house.mailbox.messages) == [("other@example.org",), (READER,)]
    assert all("https://trials.example.org/confirm/" in mail.text("plain") for mail in house.mailbox.messages)


@pytest.mark.parametrize("consent", [None, "the paper form"])
def test_what_an_address_has_is_read_once_however_many_of_the_rows_are_about_it(open_to_the_web: House, consent: str | None) -> None:
    """Else a list of one address is the slower the longer it is, while everybody else waits to write."""
    house = open_to_the_web
    text = "address,trials\n" + "".join(f"{READER},NCT{number:08}\n" for number in range(1, 31))
    rows, _ = importing.read_subscriptions(text.encode(), "readers.csv", timezone="UTC")
    with house.history() as history, asked(history) as said:
        assert importing.add_subscriptions(house.around, history, rows, consent=consent).added == 30
    about_it = [each for each in said if f"address = '{READER}'" in each]
    assert sum("FROM subscription " in each for each in about_it) == 1
    assert sum("FROM notice " in each for each in about_it) == 1
    assert sum("FROM confirmation" in each for each in said) < 10


def test_what_waits_is_brought_into_line_with_what_a_file_says(house: House) -> None:
    house.registry.put(record.the_study())
    house.watch(TRIAL)
    house.subscribe(READER, every="week")
    house.sync(days=0)
    house.registry.put(record.with_status(house.registry.study(TRIAL), "SUSPENDED", posted="2026-02-02"))
    house.sync(days=0, then_deliver=False)
    assert house.deliver().sent == 0
    bring(house, f"address,trials\n{READER},{OTHER}\n{READER},{TRIAL}\n", consent="the paper form")
    assert house.deliver().sent == 1


def test_the_same_file_twice_changes_nothing(open_to_the_web: House) -> None:
    house = open_to_the_web
    text = f"address,trials,every\n{READER},{TRIAL},week\nhttps://hooks.example.org/a,{TRIAL},\n{READER},{TRIAL},weekly\n"
    report = bring(house, text)
    assert (report.added, report.already, report.mails) == (2, 1, 1)
    before = everything(house)
    house.at += datetime.timedelta(days=3)
    report = bring(house, text)
    assert (report.added, report.already, report.mails) == (0, 3, 0)
    assert everything(house) == before


def test_a_dry_run_says_the_same_and_changes_nothing(open_to_the_web: House) -> None:
    house = open_to_the_web
    text = f"address,trials\n{READER},{TRIAL}\nother@example.org,all\n"
    with house.history():
        pass
    before = everything(house)
    dry = bring(house, text, dry_run=True)
    assert everything(house) == before
    assert bring(house, text) == dry


def test_an_address_is_not_flooded_however_often_it_stands_in_a_file(open_to_the_web: House) -> None:
    house = open_to_the_web
    rows = "".join(f"{READER},NCT{number:08}\n" for number in range(1, 8))
    report = bring(house, f"address,trials\n{rows}")
    assert (report.added, report.mails) == (7, 5)
    assert [(row["line"], row["why"]) for row in report.not_asked] == [(7, "enough"), (8, "enough")]
    house.at += datetime.timedelta(days=2)
    report = bring(house, f"address,trials\n{rows}")
    assert (report.already, report.mails, report.not_asked) == (7, 2, [])


def test_without_public_pages_nobody_can_be_asked_and_that_is_said(house: House) -> None:
    report = bring(house, f"address,trials\n{READER},{TRIAL}\n")
    assert (report.added, report.mails) == (1, 0)
    assert report.not_asked == [{"line": 2, "address": READER, "why": "no web.url"}]


def test_for_whom_the_operator_vouches_is_active_with_the_proof(house: House) -> None:
    text = f"address,trials\n{READER},{TRIAL}\n"
    bring(house, text)
    report = bring(house, text, consent="paper form of 2026-01-15")
    assert (report.added, report.confirmed) == (0, 1)
    (row,) = kept(house)
    assert row["state"] == "active"
    assert row["consent_wording"].startswith("operator-1: ")
    assert row["consent_wording"].endswith("; to this: paper form of 2026-01-15")
    assert row["consent_by"].startswith("operator ")


@pytest.mark.parametrize("consent", [None, "paper form"])
@pytest.mark.parametrize("why", ["holder", "operator"])
def test_who_was_stopped_stays_stopped_and_is_named(open_to_the_web: House, why: Any, consent: str | None) -> None:
    house = open_to_the_web
    house.subscribe(READER)
    with house.history() as history:
        wishes.stop(house.around, history, READER, (), why=why)
    before = everything(house)
    report = bring(house, f"address,trials\n{READER},{TRIAL}\n{READER},{OTHER}\n", consent=consent)
    assert (report.added, report.mails) == (0, 0)
    assert [(row["line"], row["address"], row["why"]) for row in report.stopped] == [(2, READER, why), (3, READER, why)]
    assert everything(house) == before


def test_who_is_stopped_in_the_file_is_stopped_here(open_to_the_web: House) -> None:
    report = bring(open_to_the_web, f"address,trials,state\n{READER},{TRIAL},stopped\n")
    assert [row["why"] for row in report.stopped] == ["in the file"]
    assert kept(open_to_the_web) == []


def test_what_is_there_is_left_as_it_is(house: House) -> None:
    house.subscribe(READER, language="da", hold=True)
    report = bring(house, f"address,trials,language,hold\n{READER},{TRIAL},en,no\n")
    assert (report.added, report.already) == (0, 1)
    (row,) = kept(house)
    assert (row["language"], row["hold"], row["state"]) == ("da", True, "active")


def test_a_trial_that_was_merged_is_followed_under_its_new_id(house: House) -> None:
    house.registry.put(record.the_study())
    house.registry.put(record.a_study(OTHER))
    house.watch(TRIAL, OTHER)
    house.sync()
    house.registry.alias(TRIAL, OTHER)
    house.sync()
    bring(house, f"address,trials\n{READER},{TRIAL}\n")
    assert kept(house)[0]["trials"] == [OTHER]


def test_what_nobody_watches_is_named(house: House) -> None:
    house.watch(TRIAL)
    report = bring(house, f"address,trials,query\n{READER},{TRIAL} {OTHER},\n{READER},,cond=dry mouth\n")
    assert report.not_watched == [OTHER, "'cond=dry mouth'"]


def test_every_wish_can_be_said(house: House) -> None:
    text = (
        "E-Mail;Trials;Query;As;Topics;Countries;Least;Every;Time zone;Language;Hold\n"
        f" Reader@Example.ORG ;{TRIAL}, {OTHER.lower()};;Coordinator;status, criteria;Korea, Republic of|Denmark, Sweden;MAJOR;Weekly;"
        "Europe/Copenhagen;Danish;TRUE\n"
    )
    bring(house, text)
    (row,) = kept(house)
    assert row | {
        "address": READER, "trials": [OTHER, TRIAL], "role": "coordinator", "topics": ["criteria", "status"],
        "countries": ["Denmark", "Korea, Republic of", "Sweden"], "least": "major", "every": "week", "timezone": "Europe/Copenhagen",
        "language": "da", "hold": True,
    } == row  # fmt: skip


@pytest.mark.parametrize(
    ("row", "column", "problem"),
    [
        ("nobody,NCT06805448,,", "e-mail", "'nobody' is no address: give a mail address"),
        (",NCT06805448,,", "e-mail", "says nothing: give a mail address"),
        ("a@example.org,NCT1,,", "trials", "'NCT1' is not a trial id"),
        ("a@example.org,,,", "trials", "say which: NCT ids, or all"),
        ("a@example.org,all,doctor,", "role", "is none of reader, coordinator"),
        ("a@example.org,all,,Mars/North", "timezone", "timezone 'Mars/North' is not known"),
        ("https://hooks.example.org/services/***,all,,", "e-mail", "its secret part is masked: export with --with-secrets"),
        ("a@example.org,all,,,more", "", "stands under no name of a column"),
    ],
)
def test_a_bad_cell_is_named_with_what_to_do(row: str, column: str, problem: str) -> None:
    ((line, called, said),) = wrong(f"e-mail,trials,role,timezone\nb@example.org,all,,\n{row}\n")
    assert (line, called) == (3, column)
    assert said.startswith(problem)


def test_a_cell_that_is_too_long_is_named() -> None:
    long = "a" * 2_000_000
    for row in (f"{long},all,", f"{READER},,{long}", f"{READER},{long},"):
        rows, (fault,) = importing.read_subscriptions(f"address,trials,query\n{row}\n".encode(), "readers.csv", timezone="UTC")
        assert rows == []
        assert len(fault.value) == 60
        assert fault.problem.startswith(("is longer than 100,000 characters", "'aaa"))
        assert len(fault.problem) < 200


def test_every_bad_cell_of_a_file_is_named_at_once() -> None:
    assert [(line, column) for line, column, _ in wrong('address,trials,every\na,"NCT1\nNCT2",daily\nb@example.org,all,hourly\n')] == [
        (2, "address"), (2, "trials"), (4, "every"),
    ]  # fmt: skip


# --- watches -----------------------------------------------------------------------------------------------------------


def test_trials_pages_and_searches_are_watched(house: House) -> None:
    text = (
        f"trial,page,query\n{TRIAL},https://Example.org:443/a https://example.org/b#top,\n{OTHER} NCT00000003,,\n"
        ",,cond=dry mouth; locn=Denmark\n,,\"'cond=dry mouth'  locn=Denmark\"\n"
    )
    report = watch(house, text)
    assert (report.rows, report.added, report.already) == (4, 3, 1)
    before = everything(house)
    assert watch(house, text).added == 0
    assert everything(house) == before
    with house.history() as history:
        assert watches.pages(history) == [(TRIAL, "https://example.org/a"), (TRIAL, "https://example.org/b")]
        assert watches.trials(history) == [OTHER, "NCT00000003", TRIAL]
        assert [row["query"] for row in searches.every(history)] == [{"cond": "dry mouth", "locn": "Denmark"}]


@pytest.mark.parametrize(
    ("row", "column", "problem"),
    [
        (f"{TRIAL} {OTHER},https://example.org/a,", "page", "pages go with one trial"),
        (f"{TRIAL},ftp://example.org/a,", "page", "'ftp://example.org/a' is not the address of a page"),
        (f"{TRIAL},,cond=a", "query", "say which: a trial, or a search"),
        (",https://example.org/a,", "trial", "say which: a trial, or a search"),
        (",,colour=red", "query", "'colour=red' is not AREA=TEXT"),
    ],
)
def test_a_bad_watch_is_named_with_what_to_do(row: str, column: str, problem: str) -> None:
    (fault,) = importing.read_watches(f"trial,page,query\n{row}\n".encode(), "watches.csv")[1]
    assert (fault.line, fault.column) == (2, column)
    assert fault.problem.startswith(problem)


# --- tables as spreadsheets write them -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"address,trials\nreader@example.org,NCT06805448\n",
        b"\xef\xbb\xbfaddress;trials\r\nreader@example.org;NCT06805448\r\n",
        b"sep=;\r\naddress;trials\r\nreader@example.org;NCT06805448\r\n",
        "\ufeffaddress\ttrials\r\nreader@example.org\tNCT06805448\r\n".encode("utf-16-le"),
        b"address,trials\rreader@example.org,NCT06805448\r",
        b",,\n\nTrials,EMAIL,,\n NCT06805448 ,reader@example.org,,\n,,,\n,\n",
        "address,trials\n\u00a0reader@example.org\u200b,'NCT06805448\n".replace("'", "").encode(),
        b'"address","trials"\n"reader@example.org","NCT06805448"',
    ],
)
def test_what_spreadsheets_do_to_a_table_is_no_mistake(content: bytes) -> None:
    rows, bad = importing.read_subscriptions(content, "readers.csv", timezone="UTC")
    assert bad == []
    assert [(row.wanted.address, row.trials) for row in rows] == [(READER, (TRIAL,))]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "readers.csv: is empty: the first line names the columns (address, trials,"),
        (b"address,colour\n", "readers.csv: no column is called 'colour' here; there are address, trials,"),
        (b"trials\nNCT06805448\n", "readers.csv: it needs a column address; there are"),
        (b"address,email\n", "readers.csv: two columns are address: leave one"),
        (b"address\nJ\xf8rgen@example.org\n", "readers.csv: is not UTF-8 (byte 9): save it as CSV in UTF-8"),
        (b"PK\x03\x04\0\0\0", "readers.csv: is no text: save it as CSV in UTF-8"),
        (b'address,trials\n"a,b\n', "readers.csv: line 2: is no row of a CSV table (unexpected end of data)"),
        (b"a" * (sheet.LARGEST + 1), "readers.csv: is larger than 16 MiB: that is no list of watches or subscriptions"),
        (b"address\n" + b"a@example.org\n" * 20_001, "readers.csv: has more than 20,000 rows: split it"),
    ],
)
def test_what_is_no_such_table_is_one_line(content: bytes, complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        importing.read_subscriptions(content, "readers.csv", timezone="UTC")
    assert str(caught.value).startswith(complaint)


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: f"address,trials\n{text}".encode("utf-8", "replace")))
@settings(max_examples=200, deadline=None)
def test_no_file_is_a_fault_of_this_program(content: bytes) -> None:
    for read in (importing.read_watches, lambda *given: importing.read_subscriptions(*given, timezone="UTC")):
        try:
            rows, bad = read(content, "a.csv")  # type: ignore[operator]
        except CannotStart:
            continue
        else:
            assert all(fault.problem for fault in bad)
            assert isinstance(rows, list)


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20), min_size=2, max_size=2), st.sampled_from(",;\t")
)
@settings(max_examples=100, deadline=None)
def test_what_stands_in_a_cell_comes_back(cells: list[str], delimiter: str) -> None:
    cells = [text.strip().strip("\ufeff\u200b\u200e\u200f\u2060").strip() for text in cells]
    if not any(cells):
        return
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows([["one", "two"], [formats.in_a_cell(text) for text in cells]])
    (row,) = sheet.read(out.getvalue().encode(), "a.csv", {"one": (), "two": ()}, needed=["one"]).rows
    assert [row["one"], row["two"]] == cells


# --- there and back ----------------------------------------------------------------------------------------------------


def out(house: House, what: Any) -> bytes:
    with house.history() as history, exports.snapshot(history):
        file = io.BytesIO()
        formats.csv_table(Export(house.around, history, Scope(secrets=True)), what, file, bom=True)
        return file.getvalue()


def test_what_was_exported_comes_in_elsewhere_pending_unless_vouched_for(open_to_the_web: House) -> None:
    house = open_to_the_web
    watch(house, f"trial,page,query\n{TRIAL},https://example.org/a,\n,,'cond=dry mouth OR Sjogren' status=RECRUITING\n")
    house.subscribe(READER, TRIAL, OTHER, role="coordinator", topics=frozenset({"status"}), countries=frozenset({"Korea, Republic of"}))
    house.subscribe("hook+1@example.org", every="day", hold=True)
    house.subscribe("https://hooks.example.org/services/T0P/S3CRET", kind="webhook")
    bring(house, "address,query\nsearch@example.org,\"'cond=dry mouth OR Sjogren' status=RECRUITING\"\n")
    house.subscribe("stopped@example.org")
    with house.history() as history:
        wishes.stop(house.around, history, "stopped@example.org", (), why="holder")
    watches_out, subscriptions_out, before = out(house, "watches"), out(house, "subscriptions"), kept(house)

    house.settings = msgspec.structs.replace(house.settings, database=str(house.folder / "elsewhere.db"))
    assert watch(house, watches_out.decode("utf-8-sig")).added == 2
    assert out(house, "watches") == watches_out
    report = bring(house, subscriptions_out)
    assert (report.added, [row["address"] for row in report.stopped]) == (4, ["stopped@example.org"])
    after = kept(house)
    assert [row["state"] for row in after] == ["pending", "pending", "active", "pending"]
    same = ("address", "kind", "role", "trials", "query", "topics", "countries", "least", "every", "timezone", "language", "hold")
    assert [[row[name] for name in same] for row in after] == [[row[name] for name in same] for row in before if row["state"] != "stopped"]
    with house.history() as history:
        assert stops.stopped(history, "stopped@example.org") is None


def test_who_follows_thousands_of_trials_comes_back_in(house: House) -> None:
    """The largest cell that an export writes is one that an import reads."""
    trials = [f"NCT{number:08}" for number in range(1, 12_001)]
    house.subscribe(READER, *trials)
    with house.history() as history, exports.snapshot(history):
        out = io.BytesIO()
        formats.csv_table(Export(house.around, history, Scope(secrets=True)), "subscriptions", out, bom=False)
    with house.history() as history, history.write() as connection:
        connection.execute("DELETE FROM subscription_trial")
        connection.execute("DELETE FROM subscription")
    assert bring(house, out.getvalue(), consent="form of 2026-02-01").added == 1
    with house.history() as history:
        assert subscriptions.listing(history)[0]["trials"] == trials


def test_the_report_is_made_of_plain_values(house: House) -> None:
    report = bring(house, f"address,trials\n{READER},{TRIAL}\n")
    assert msgspec.to_builtins(report)["rows"] == 1
