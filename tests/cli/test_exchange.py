"""Out and in, as an operator types it."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from db.vitals import without_secrets
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL
from registry_sync.demo.story import first_listing
from tests.cli.conftest import Terminal
from tests.waiting import PATIENCE

READER = "reader@example.org"
OTHER = "NCT00000002"


def begin(terminal: Terminal) -> None:
    """A trial that a reader follows."""
    terminal.house.registry.put(record.the_study())
    terminal("init")
    terminal("watch", "add", TRIAL)
    terminal("subscribe", READER, TRIAL, "--confirmed")
    terminal("sync")


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_everything_goes_out_as_json_lines(terminal: Terminal) -> None:
    begin(terminal)
    said = terminal("export")
    assert (said.code, said.err) == (0, "")
    kinds = [json.loads(line)["kind"] for line in said.out.splitlines()]
    assert kinds == ["export", "trial", "version", "watch", "subscription", "end"]


def test_each_line_has_the_keys_and_values_that_the_commands_show(terminal: Terminal) -> None:
    house = terminal.house
    house.listing.put(TRIAL, first_listing())
    begin(terminal)
    terminal("watch", "add", TRIAL, "--page", house.listing.url_of(TRIAL))
    house.registry.put(record.with_status(record.the_study(), "SUSPENDED", posted="2026-02-05"))
    terminal("sync")
    lines = [json.loads(line) for line in terminal("export").out.splitlines()]

    def of(kind: str, *without: str) -> list[dict[str, object]]:
        return [{name: value for name, value in line.items() if name not in ("kind", *without)} for line in lines if line["kind"] == kind]

    assert of("trial") == [terminal("show", TRIAL, "--json").json]
    assert of("change", "backfilled") == sorted(terminal("changes", "--all", "--json").json, key=lambda row: row["id"])
    assert of("listing") == terminal("audit", "--json").json
    held = [{name: value for name, value in row.items() if name != "changes"} for row in terminal("history", TRIAL, "--json").json]
    assert of("version") == held
    shown = terminal("subscriptions", "--json").json
    assert of("subscription", "channel") == [{name: row[name] for name in row if name not in ("kind", "confirmation")} for row in shown]
    assert [line["channel"] for line in lines if line["kind"] == "subscription"] == ["email"]


def test_a_trial_that_the_registry_does_not_show_any_more_is_marked_in_every_form(terminal: Terminal) -> None:
    begin(terminal)
    terminal.house.registry.remove(TRIAL)
    for _ in range(2):
        terminal.house.sync(days=1)
    (line,) = (json.loads(line) for line in terminal("export").out.splitlines() if '"kind":"trial"' in line.replace(" ", ""))
    assert (line["absence"], line["overall_status"]) == ("absent", "RECRUITING")
    (row,) = table(terminal("export", "--public", "--format", "csv", "--what", "trials").out)
    assert (row["absence"], row["absent_since"]) == ("absent", line["absent_since"])
    terminal("export", "--format", "sqlite", "--output", "out.db")
    with contextlib.closing(sqlite3.connect(terminal.house.folder / "out.db")) as out:
        assert out.execute("SELECT absence, absent_since FROM trials").fetchall() == [("absent", line["absent_since"])]
        assert out.execute("SELECT * FROM recruiting_sites").fetchall() == []


def test_of_one_trial_no_search_goes_out(terminal: Terminal) -> None:
    begin(terminal)
    terminal("watch", "add", "--query", "cond=Sjogren")
    assert [row["query"] for row in table(terminal("export", "--format", "csv", "--what", "watches").out)] == ["", "cond=Sjogren"]
    assert [row["trial"] for row in table(terminal("export", TRIAL, "--format", "csv", "--what", "watches").out)] == [TRIAL]


def test_what_is_for_everybody_names_no_reader(terminal: Terminal) -> None:
    begin(terminal)
    said = terminal("export", "--public")
    assert READER not in said.out
    assert json.loads(said.out.splitlines()[0])["public"] is True


def test_a_table_goes_to_stdout_or_into_a_file_that_is_never_written_over(terminal: Terminal) -> None:
    begin(terminal)
    (row,) = table(terminal("export", "--format", "csv").out)
    assert row["trial_identifying_number"] == TRIAL
    said = terminal("export", "--format", "csv", "--bom", "--output", "trials.csv")
    assert (said.code, said.out, said.err) == (0, "", "wrote trials.csv\n")
    file = terminal.house.folder / "trials.csv"
    assert file.read_bytes().startswith(b"\xef\xbb\xbfprimary_registry,")
    before = file.read_bytes()
    said = terminal("export", "--format", "jsonl", "--output", "trials.csv")
    assert said.code == 2
    assert said.complaint == "trials.csv: is there already; name another file, or --force to write over it"
    assert file.read_bytes() == before
    assert terminal("export", "--output", "trials.csv", "--force").code == 0
    assert file.read_bytes() != before


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--format", "sqlite"], "--format sqlite needs --output FILE"),
        (["--format", "parquet"], "--format parquet needs --output FILE"),
        (["--what", "changes"], "--what names a table, and goes with --format csv or parquet; --format jsonl holds all of them"),
        (["--bom"], "--bom goes with --format csv"),
        (["--force"], "--force goes with --output FILE"),
        (["--public", "--with-secrets"], "--with-secrets is not for everybody: leave out --public"),
        (["--public", "--format", "csv", "--what", "watches"], "--what watches is not for everybody: leave out --public"),
        (["--format", "csv", "--what", "subscriptions", TRIAL], "--what subscriptions goes without trials: it is of all of them"),
        (["--output", "."], ".: is a folder; name a file with --output"),
        (["--output", "nowhere/a.jsonl"], "nowhere/a.jsonl: its folder does not exist; make it first"),
        (
            ["--output", "history.db", "--force"],
            "history.db: that is the history itself, or is named like it; name another file",
        ),
        (["--output", "backups"], "backups: is where the copies of the history are; name another file"),
        (["--output", ""], "--output: an empty name is no file: name one"),
        ([OTHER], f"{OTHER}: nothing is known of this trial; watch it first: registry-sync watch add {OTHER}"),
        (["NCT1"], "'NCT1' is not a trial id: an id is NCT and eight digits, such as NCT06805448"),
    ],
)
def test_what_cannot_be_is_one_line_and_writes_nothing(terminal: Terminal, options: list[str], complaint: str) -> None:
    begin(terminal)
    before = sorted(terminal.house.folder.iterdir())
    said = terminal("export", *options)
    assert (said.code, said.out, said.complaint) == (2, "", complaint)
    assert sorted(terminal.house.folder.iterdir()) == before


def test_what_is_not_watched_any_more_is_not_for_everybody(terminal: Terminal) -> None:
    begin(terminal)
    terminal("watch", "remove", TRIAL)
    assert terminal("export", "--public", TRIAL).complaint == (
        f"{TRIAL}: is not watched, and --public shows what is: registry-sync watch add {TRIAL}"
    )
    assert '"kind":"trial"' not in terminal("export", "--public").out
    assert '"kind":"trial"' in terminal("export", TRIAL).out


def test_parquet_without_its_extra_is_one_line_with_what_to_install(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(terminal)
    monkeypatch.setitem(sys.modules, "duckdb", None)
    said = terminal("export", "--format", "parquet", "--output", "trials.parquet")
    assert said.code == 2
    assert said.complaint == 'Parquet files need an optional part: pip install "registry-sync[parquet]"'
    assert not (terminal.house.folder / "trials.parquet").exists()


def test_a_damaged_record_is_named_and_the_rest_goes_out(terminal: Terminal) -> None:
    begin(terminal)
    with terminal.house.history() as history:
        history.write_one("UPDATE version SET payload = x'00' WHERE trial = ?", (TRIAL,))
    said = terminal("export")
    assert said.code == 1
    assert said.complaint.startswith("left out: ")
    assert json.loads(said.out.splitlines()[-1])["objects"]["version"] == 1


def test_a_reader_of_the_output_that_goes_away_is_no_trouble(terminal: Terminal) -> None:
    begin(terminal)
    command = f"set -o pipefail; {sys.executable} -m registry_sync export | head -c 1"
    done = subprocess.run(["bash", "-c", command], cwd=terminal.house.folder, capture_output=True, check=False, timeout=PATIENCE)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"{", b"")


def test_secrets_in_addresses_are_masked_unless_they_are_asked_for(terminal: Terminal) -> None:
    begin(terminal)
    terminal("subscribe", "https://hooks.example.org/services/T0P-S3CRET/0", TRIAL)
    assert "T0P-S3CRET" not in terminal("export").out + terminal("export", "--format", "csv", "--what", "subscriptions").out
    assert "T0P-S3CRET" in terminal("export", "--with-secrets").out


# --- in ----------------------------------------------------------------------------------------------------------------


def write(terminal: Terminal, text: str, name: str = "readers.csv") -> str:
    (terminal.house.folder / name).write_text(text, encoding="utf-8")
    return name


def test_readers_come_in_and_are_asked_to_confirm(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_SYNC_WEB_URL", "https://trials.example.org")
    terminal("watch", "add", TRIAL)
    file = write(terminal, f"address,trials\n{READER},{TRIAL}\nother@example.org,all\n")
    dry = terminal("import", "--kind", "subscriptions", file, "--dry-run")
    assert (dry.code, dry.out) == (0, "2 of 2 rows would be added; 0 there already\n")
    assert terminal("subscriptions", "--json").json == []
    said = terminal("import", "--kind", "subscriptions", file)
    assert (said.code, said.out) == (0, "2 of 2 rows added; 0 there already\n")
    assert said.err == "2 mails ask to confirm: `registry-sync run` sends them, or `registry-sync deliver`, at [smtp] per_minute\n"
    assert [row["state"] for row in terminal("subscriptions", "--json").json] == ["pending", "pending"]
    assert terminal("deliver", "--json").json["sent"] == 2
    assert terminal("import", "--kind", "subscriptions", file).out == "0 of 2 rows added; 2 there already\n"


def test_nothing_of_a_file_with_a_bad_row_comes_in_unless_it_is_left_out(terminal: Terminal) -> None:
    terminal("init")
    file = write(terminal, f"address,trials,every\n{READER},{TRIAL},\nnobody,{TRIAL},hourly\n")
    said = terminal("import", "--kind", "subscriptions", file, "--json")
    assert (said.code, said.out) == (2, "")
    assert said.err.splitlines() == [
        (
            "registry-sync: readers.csv: line 3, address 'nobody': 'nobody' is no address: give a mail address, an http(s) URL, or an "
            "Apprise URL such as ntfy://topic"
        ),
        "registry-sync: readers.csv: line 3, every 'hourly': is none of now, day, week",
        "registry-sync: nothing was imported: mend these cells, or leave out their rows with --skip-bad",
    ]
    assert terminal("subscriptions", "--json").json == []
    said = terminal("import", "--kind", "subscriptions", file, "--skip-bad", "--json")
    assert said.code == 1
    assert (said.json["rows"], said.json["added"]) == (2, 1)
    assert [(fault["line"], fault["column"]) for fault in said.json["bad"]] == [(3, "address"), (3, "every")]


def test_who_vouches_says_to_what_was_consented(terminal: Terminal) -> None:
    file = write(terminal, f"address,trials\n{READER},{TRIAL}\n")
    said = terminal("import", "--kind", "subscriptions", file, "--confirmed")
    assert said.code == 2
    assert said.complaint.startswith("--confirmed goes with --consent TEXT")
    assert terminal("import", "--kind", "subscriptions", file, "--consent", "a form").code == 2
    assert terminal("import", "--kind", "subscriptions", file, "--confirmed", "--consent", "a form").code == 0
    (row,) = terminal("subscriptions", "--json").json
    assert row["state"] == "active"
    assert row["consent_wording"].endswith("; to this: a form")


def test_who_was_stopped_is_named(terminal: Terminal) -> None:
    begin(terminal)
    terminal("unsubscribe", READER)
    file = write(terminal, f"address,trials\n{READER},{TRIAL}\n")
    said = terminal("import", "--kind", "subscriptions", file)
    assert said.out == "0 of 1 row added; 0 there already; 1 stopped and left so\n"
    assert said.err.startswith(f"line 2: {READER}: stopped by you on ")


def test_watches_come_in_from_standard_input(terminal: Terminal) -> None:
    said = terminal.shell("import", "--kind", "watches", "-", stdin=f"trial;query\n{TRIAL};\n;cond=dry mouth\n".encode())
    assert said.code == 0
    assert said.out.startswith("2 of 2 rows added; 0 there already\nnext: registry-sync sync")
    assert [row["trial"] for row in terminal("watch", "list", "--json").json] == [TRIAL, None]


@pytest.mark.parametrize("content", [None, "no bytes", "no tables"])
def test_a_dry_run_says_what_would_come_of_it_where_a_history_is_to_begin(terminal: Terminal, content: str | None) -> None:
    database = terminal.house.folder / "history.db"
    lay(database, content)
    file = write(terminal, f"address,trials\n{READER},{TRIAL}\n{READER},{TRIAL}\n")
    before = database.read_bytes() if content else None
    said = terminal("import", "--kind", "subscriptions", file, "--dry-run", "--confirmed", "--consent", "a form, on file")
    assert (said.code, said.out) == (0, "1 of 2 rows would be added; 1 there already\n"), said.err
    first = f"{database} is empty: a new history would begin in it" if content else f"would create the database {database}"
    assert said.err.splitlines()[0] == first
    assert (database.read_bytes() if database.exists() else None) == before
    assert terminal("--database", "nowhere/history.db", "import", "--kind", "subscriptions", file, "--dry-run").code == 2


@pytest.mark.parametrize("content", ["no bytes", "no tables"])
@pytest.mark.parametrize(
    "command",
    [("init",), ("watch", "add", TRIAL), ("watch", "add", "--query", "cond=dry mouth"), ("subscribe", READER, TRIAL), ("import",)],
)
def test_that_a_history_begins_in_an_empty_file_is_said(terminal: Terminal, command: tuple[str, ...], content: str) -> None:
    database = terminal.house.folder / "history.db"
    lay(database, content)
    if command == ("import",):
        command = ("import", "--kind", "watches", write(terminal, f"trial\n{TRIAL}\n"))
    said = terminal(*command)
    assert said.code == 0
    assert said.err.splitlines()[0] == f"{database} was empty: a new history begins in it"
    assert f"{database} is there already" not in said.out
    assert "was empty" not in terminal(*command).err
    assert f"{database} is there already: left as it is" in terminal("init").out


def lay(database: Path, content: str | None) -> None:
    """A file in the place of the database that holds no history."""
    if content is not None:
        database.touch()
    if content == "no tables":
        with contextlib.closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")


def test_a_file_that_is_none_or_no_table_is_one_line_and_makes_no_database(terminal: Terminal) -> None:
    (terminal.house.folder / "readers.xlsx").write_bytes(b"PK\x03\x04\0\xff")
    for file, complaint in (
        ("nowhere.csv", "nowhere.csv: cannot be read: No such file or directory"),
        ("readers.xlsx", "readers.xlsx: is not UTF-8 (byte 5): save it as CSV in UTF-8"),
        ("", "an empty name is no file: name one, or - for standard input"),
    ):
        said = terminal("import", "--kind", "watches", file)
        assert (said.code, said.out, said.complaint) == (2, "", complaint)
    assert terminal("import", "--kind", "watches", "nowhere.csv", "--confirmed", "--consent", "x").code == 2
    assert not (terminal.house.folder / "history.db").exists()


def test_the_secret_of_a_bad_address_is_not_shown(terminal: Terminal) -> None:
    file = write(terminal, "address,trials\nhttps://hooks.example.org/services/T0P-S3CRET/0,NCT1\nhttps://T0P-S3CRET:x@/,all\n")
    said = terminal("import", "--kind", "subscriptions", file)
    assert said.code == 2
    assert "T0P-S3CRET" not in said.err


def test_a_line_is_stdout_and_the_settings_are_never_written_over(terminal: Terminal) -> None:
    begin(terminal)
    assert terminal("export", "--output", "-").out.startswith('{"kind"')
    settings = terminal.house.folder / "registry-sync.toml"
    before = settings.read_bytes()
    said = terminal("export", "--output", str(settings), "--force")
    assert said.code == 2
    assert "is the settings file" in said.complaint
    assert settings.read_bytes() == before


def test_what_is_no_plain_file_is_never_replaced_by_one(terminal: Terminal) -> None:
    begin(terminal)
    folder = terminal.house.folder
    os.mkfifo(folder / "pipe")
    (folder / "device").symlink_to("/dev/null")
    for name in ("pipe", "device", "/dev/null", "/dev/stdout"):
        for force in ([], ["--force"]):
            said = terminal.shell("export", "--output", name, *force)
            assert (said.code, said.out) == (2, "")
            assert said.complaint == f"{name}: is no plain file; for stdout leave --output away"
    with (folder / "out.jsonl").open("wb") as out:
        command = [sys.executable, "-m", "registry_sync", "export", "--output", "/dev/stdout", "--force"]
        done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, cwd=folder, check=False, timeout=PATIENCE)
    assert (done.returncode, done.stderr.decode()) == (2, "registry-sync: /dev/stdout: is no plain file; for stdout leave --output away\n")


def test_what_a_link_leads_to_is_written_over_and_the_link_stays(terminal: Terminal) -> None:
    begin(terminal)
    folder = terminal.house.folder
    (folder / "data").mkdir()
    (folder / "data" / "real.jsonl").write_text("before", encoding="utf-8")
    (folder / "link").symlink_to("data/real.jsonl")
    assert terminal("export", "--output", "link").code == 2
    assert terminal("export", "--output", "link", "--force").code == 0
    assert (folder / "link").is_symlink()
    assert (folder / "data" / "real.jsonl").read_text(encoding="utf-8").startswith('{"kind"')


def test_a_link_that_leads_to_itself_is_no_file(terminal: Terminal) -> None:
    begin(terminal)
    (terminal.house.folder / "loop").symlink_to("loop")
    for name in ("loop", "loop/trials.jsonl"):
        for force in ([], ["--force"]):
            said = terminal("export", "--output", name, *force)
            assert (said.code, said.complaint) == (2, f"{name}: is a link that leads to itself; name another file")
    assert (terminal.house.folder / "loop").is_symlink()


def test_nothing_is_exported_among_the_copies_of_the_history(terminal: Terminal) -> None:
    begin(terminal)
    terminal("backup")
    folder = terminal.house.folder
    (folder / "link").symlink_to("backups")
    (copy,) = (folder / "backups").iterdir()
    before = copy.read_bytes()
    for name in ("backups/trials.csv", f"backups/{copy.name}", "link/trials.csv"):
        said = terminal("export", "--output", name, "--force")
        assert (said.code, said.complaint) == (2, f"{name}: is where the copies of the history are; name another file")
    assert list((folder / "backups").iterdir()) == [copy]
    assert copy.read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_what_cannot_be_written_can_be_exported(terminal: Terminal) -> None:
    begin(terminal)
    folder = terminal.house.folder
    folder.chmod(0o500)
    try:
        said = terminal("export")
    finally:
        folder.chmod(0o700)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith('{"kind"')


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.org/t?id=1&token=abc&keyword=x", "https://example.org/t?id=1&token=***&keyword=x"),
        ("https://example.org/t?access_token=abc#x", "https://example.org/t?access_token=***#x"),
        ("https://u:p@example.org/t?author=a&api-key=b", "https://example.org/t?author=a&api-key=***"),
        ("https://example.org/t?id=1", "https://example.org/t?id=1"),
    ],
)
def test_what_is_secret_in_the_address_of_a_page_is_not_for_everybody(url: str, shown: str) -> None:
    assert without_secrets(url) == shown


@pytest.mark.parametrize("url", ["http://user:pw@example.org/x", "http://user:pw@example.org:99999/"])
def test_a_password_in_the_address_of_a_page_is_not_repeated(terminal: Terminal, url: str) -> None:
    terminal("init")
    said = terminal("watch", "add", TRIAL, "--page", url)
    assert said.code == 2
    assert "pw" not in said.err
    assert "http://***@example.org" in said.complaint
