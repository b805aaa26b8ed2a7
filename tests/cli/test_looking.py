"""Looking back, as it is typed: ``history``, ``show --at``, ``diff`` and ``changes``, over both clocks and after a merge."""

from __future__ import annotations

import datetime
import json
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db import aliases, dated
from db import history as versions
from jobs.backfill import backfill
from jobs.comparing import differences
from registry_sync.demo import record
from registry_sync.demo.record import TRIAL, Study
from tests.cli.conftest import Terminal
from tests.db.past import A_LONG_LINE, keep, planned, statuses
from tests.house import House, open_house
from tests.waiting import PATIENCE

OLD = "NCT00000001"
SMOKED = "Has smoked tobacco within 6 months"


def watch(house: House) -> None:
    house.registry.put(record.the_study())
    house.watch()
    house.sync(days=0)


def three_versions(house: House) -> None:
    """Posted 2025-02-03 and seen on 2 February 2026; closed, posted on the 5th and seen on the 6th; UNKNOWN in silence on the 16th."""
    watch(house)
    study = record.with_status(house.registry.study(TRIAL), "ACTIVE_NOT_RECRUITING", posted="2026-02-05")
    house.registry.put(record.with_criterion(study, SMOKED, "Has smoked tobacco within 12 months"))
    house.sync(days=4)
    house.registry.put(record.with_status(house.registry.study(TRIAL), "UNKNOWN"))
    house.sync(days=10)


def long_line(house: House) -> None:
    with house.history() as history:
        statuses(history, *A_LONG_LINE)


# --- history ---


def test_history_says_how_each_version_came(terminal: Terminal) -> None:
    long_line(terminal.house)
    rows = terminal("history", TRIAL, "--json").json
    assert list(rows[0]) == [
        "number", "source", "registry_date", "seen_at", "overall_status", "changes", "trial", "backfilled", "registry_version",
    ]  # fmt: skip
    assert [(row["number"], row["backfilled"], row["registry_version"], row["changes"]) for row in rows] == [
        (1, True, 0, 0), (2, True, 1, 1), (3, False, None, 1), (4, False, None, 1), (5, False, None, 1),
    ]  # fmt: skip
    assert terminal("history", TRIAL).out == (
        f"{TRIAL} at ctgov: 5 versions; the registry's own numbers are under reg.\n"
        "no.  reg.  posted      seen        changes  how         status\n"
        "1    0     2019-03-04  2026-06-01  0        backfilled  Not yet recruiting\n"
        "2    1     2020-01     2026-06-01  1        backfilled  Recruiting\n"
        "3    -     2024-01-20  2026-02-02  1        live        Active, not recruiting\n"
        "4    -     2024-01-20  2026-02-17  1        live        Unknown status\n"
        "5    -     2026-03-02  2026-03-03  1        live        Completed\n"
    )


def test_history_of_a_trial_without_a_version(terminal: Terminal) -> None:
    terminal.house.watch()
    assert terminal("history", TRIAL, "--json").json == []
    assert "no version yet" in terminal("history", TRIAL).err


# --- show ---


def test_show_at_a_day_by_either_clock(terminal: Terminal) -> None:
    long_line(terminal.house)

    def status(*more: str) -> str:
        return str(terminal("show", TRIAL, "--json", *more).json["overall_status"])

    assert status() == "COMPLETED"
    assert status("--at", "2020-06-01") == "RECRUITING"
    assert status("--at", "2026-02-10") == "ACTIVE_NOT_RECRUITING"
    assert status("--at", "2026-03-02") == "COMPLETED"
    assert status("--at", "2026-03-02", "--clock", "seen") == "UNKNOWN"
    said = terminal("show", TRIAL, "--at", "2026-02-01", "--clock", "seen")
    assert said.code == 2
    assert said.complaint == f"{TRIAL}: no version stood on 2026-02-01: the first one held of ctgov is of 2026-02-02"
    assert terminal("show", TRIAL, "--at", "2019-03-03").complaint.endswith("is of 2019-03-04")
    assert terminal("show", TRIAL, "--clock", "sundial").code == 2


def test_show_begins_with_the_timeline_up_to_the_day_that_is_asked_for(terminal: Terminal) -> None:
    three_versions(terminal.house)
    text = terminal("show", TRIAL, "--at", "2026-02-20").out
    assert text.splitlines()[:3] == [
        f"{TRIAL}  {record.TITLE}",
        "ctgov, version 3, posted 2026-02-05, seen 2026-02-16T06:17:00Z",
        "",
    ]
    timeline, _, rest = text.partition("\nRecruitment status: ")
    assert timeline.partition("\n\n")[2] == (
        "Timeline: 3 versions, 2025-02-03 to 2026-02-20\n"
        "\n"
        "a letter: 1 week        2025-03  2025-05  2025-07 2025-09  2025-11  2026-01\n"
        "Recruitment status  " + "R" * 52 + "AA?\n"
        "\n"
        "R  2025-02-03 to 2026-02-05  12 months  Recruiting\n"
        "A  2026-02-05 to 2026-02-16  11 days    Active, not recruiting\n"
        "?  since 2026-02-16          4 days     Unknown status\n"
        "                                        last known: Active, not recruiting\n"
        "\n"
        "Study start         2025-01-21 (actual), has not moved\n"
        "Primary completion  2025-12-31 (estimated), has not moved\n"
        "Study completion    2025-12-31 (estimated), has not moved\n"
        "Enrolment           40 (estimated), has not changed\n"
    )
    assert "Exclusion criteria:" in rest
    earlier = terminal("show", TRIAL, "--at", "2026-02-04").out
    assert "Timeline: 1 version, 2025-02-03 to 2026-02-04" in earlier
    assert "Active, not" not in earlier


def found_unknown_by_the_first_look(house: House) -> None:
    """Posted in February 2025; turned to UNKNOWN in silence, nobody knows when; first seen on 2 February 2026."""
    house.registry.put(record.the_study())
    house.registry.put(record.with_status(house.registry.study(TRIAL), "UNKNOWN"))
    house.watch()
    house.sync(days=0)
    backfill(house.around, [TRIAL])


def test_what_the_first_look_found_was_so_by_then_at_the_latest(terminal: Terminal) -> None:
    found_unknown_by_the_first_look(terminal.house)
    timeline = terminal("show", TRIAL, "--at", "2026-02-20").out
    assert (
        "\nR  2025-02-03 to 2026-02-02     up to 12 months   Recruiting\n?  by 2026-02-02 at the latest  at least 18 days  Unknown status\n"
    ) in timeline
    lines = terminal("changes", "--backfilled").out.splitlines()
    assert [line[:26] for line in lines] == [f"by 2026-02-02  {TRIAL}"]
    assert "2025-02-03" not in lines[0]
    assert "since 2026-02-02" in terminal("show", TRIAL, "--at", "2026-02-20", "--clock", "seen").out


def test_a_timeline_does_not_run_ahead_of_today(terminal: Terminal) -> None:
    long_line(terminal.house)
    today = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}"
    said = terminal("show", TRIAL, "--at", "9999-12-31")
    assert said.code == 0
    assert said.err == f"9999-12-31 is still to come: this is as of today, {today}\n"
    terminal("watch", "add", TRIAL)
    assert said.out == terminal("show", TRIAL).out
    assert terminal("show", TRIAL, "--at", "2026-03-10").err == ""


def test_the_timeline_of_a_trial_that_is_no_longer_watched_ends_with_the_last_news(terminal: Terminal) -> None:
    three_versions(terminal.house)
    terminal("watch", "remove", TRIAL)
    assert "Timeline: 3 versions, 2025-02-03 to 2026-02-16" in terminal("show", TRIAL).out


# --- diff ---


def test_diff_tells_of_the_last_two_versions_unless_it_is_told_which(terminal: Terminal) -> None:
    three_versions(terminal.house)

    def fields(*which: str) -> list[str]:
        return [row["field"] for row in terminal("diff", TRIAL, *which, "--json").json]

    assert fields() == ["overall_status"]
    assert fields("2", "3") == fields("2") == fields("2026-02-05") == fields("2026-02-15", "2026-02-16") == ["overall_status"]
    assert fields("1", "2") == fields("2026-02-04", "2026-02-05") == fields("1", "2026-02-05") == ["overall_status", "criteria"]
    assert fields("2026-02-05", "2026-02-06") == []
    assert fields("2026-02-05", "2026-02-06", "--clock", "seen") == ["overall_status", "criteria"]
    (status, _) = terminal("diff", TRIAL, "1", "--json").json
    assert (status["before"], status["after"]) == ("RECRUITING", "UNKNOWN")
    assert "last_update_post_date" in fields("1", "2", "--all")


def test_diff_has_the_shape_of_changes_with_no_id(terminal: Terminal) -> None:
    three_versions(terminal.house)
    (row,) = terminal("diff", TRIAL, "--json").json
    (kept,) = terminal("changes", TRIAL, "--since", "2026-02-16", "--json").json
    assert list(row) == list(kept)
    assert row == {**kept, "id": None}


def test_diff_as_people_read_it(terminal: Terminal) -> None:
    three_versions(terminal.house)
    said = terminal("diff", TRIAL, "1", "2")
    assert said.out == (
        f"{TRIAL} at ctgov\n"
        "from version 1, posted 2025-02-03, seen 2026-02-02T06:17:00Z\n"
        "to   version 2, posted 2026-02-05, seen 2026-02-06T06:17:00Z\n"
        "\n"
        "major         Recruitment status: Recruiting → Active, not recruiting\n"
        "major         Exclusion criterion reworded\n"
        "    before: Has smoked tobacco within [-6-] months before the screening visit\n"
        "    now:    Has smoked tobacco within {+12+} months before the screening visit\n"
    )
    assert re.fullmatch(r"\d+ changes of housekeeping; --all shows them\n", said.err)


def test_diff_between_the_same_version_is_nothing(terminal: Terminal) -> None:
    three_versions(terminal.house)
    for which in (("2", "2"), ("2026-02-05", "2026-02-06"), ("2030-01-01",), ("3",)):
        said = terminal("diff", TRIAL, *which)
        assert (said.code, said.out) == (0, "")
        assert said.err.startswith("nothing differs")
        assert terminal("diff", TRIAL, *which, "--json").json == []


def test_diff_of_the_only_version_is_nothing(terminal: Terminal) -> None:
    watch(terminal.house)
    said = terminal("diff", TRIAL, "--json")
    assert (said.code, said.json) == (0, [])


@pytest.mark.parametrize(
    ("which", "complaint"),
    [
        (("3", "1"), "3 is later than 1: name the earlier one first"),
        (("2026-02-20", "2026-02-06"), "2026-02-20 is later than 2026-02-06: name the earlier one first"),
        (("2026-02-20", "2026-02-19"), "2026-02-20 is later than 2026-02-19: name the earlier one first"),
        (("3", "2026-02-06"), "3 is later than 2026-02-06: name the earlier one first"),
        (("4",), f"{TRIAL}: ctgov has no version 4: they are numbered from 1 to 3"),
        (("1", "0"), f"{TRIAL}: ctgov has no version 0: they are numbered from 1 to 3"),
        (("2025-02-02",), f"{TRIAL}: no version stood on 2025-02-02: the first one held of ctgov is of 2025-02-03"),
        (("2026-02-30",), "FROM '2026-02-30' is no date: give one such as 2026-02-03"),
        (("1", "2026-2-3"), "TO '2026-2-3' is no date: give one such as 2026-02-03"),
        (("soon",), "FROM 'soon' is neither a date such as 2026-02-03 nor a version number"),
        (("1" * 40,), f"FROM '{'1' * 40}' is neither a date such as 2026-02-03 nor a version number"),
        (("", "1"), "FROM '' is neither a date such as 2026-02-03 nor a version number"),
        (
            ("1", "2", "--source", "https://example.org/1"),
            f"{TRIAL}: 'https://example.org/1' is no source that was ever watched: give `ctgov`, or the URL of a page",
        ),
    ],
)
def test_diff_that_cannot_be_is_one_clear_line(terminal: Terminal, which: tuple[str, ...], complaint: str) -> None:
    three_versions(terminal.house)
    said = terminal("diff", TRIAL, *which)
    assert (said.code, said.out) == (2, "")
    assert said.complaint == complaint


def test_diff_of_a_long_text_shows_all_of_it(terminal: Terminal) -> None:
    watch(terminal.house)
    study = record.touched(terminal.house.registry.study(TRIAL), "2026-02-05")
    text = " ".join(f"Visit {number} takes a morning." for number in range(1, 15))
    study["protocolSection"]["descriptionModule"]["detailedDescription"] = f"{text}\n\nA \u202elast visit."
    terminal.house.registry.put(study)
    terminal.house.sync()
    said = terminal("diff", TRIAL, "--all")
    assert f"Detailed description\n    before: not stated\n    now:    {text}\n\n            A last visit.\n" in said.out
    assert "\u202e" not in said.out
    assert terminal("diff", TRIAL).err == "nothing differs but 4 changes of housekeeping; --all shows them\n"


def _with_status(status: str) -> Callable[[Study, str], Study]:
    def edit(study: Study, day: str) -> Study:
        if study["protocolSection"]["statusModule"]["overallStatus"] == status:
            return study
        return record.with_status(study, status, posted=None if status == "UNKNOWN" else day)

    return edit


def _other_words(study: Study, day: str) -> Study:
    study = record.touched(study, day)
    module = study["protocolSection"]["eligibilityModule"]
    module["eligibilityCriteria"] = module["eligibilityCriteria"].replace("1. ", f"1. Since {day}: ", 1)
    return study


def _another_country(study: Study, day: str) -> Study:
    study = record.touched(study, day)
    sites = study["protocolSection"]["contactsLocationsModule"]["locations"]
    sites.append({"facility": f"Hospital {day}", "city": "Oslo", "country": "Norway"})
    return study


EDITS: list[Callable[[Study, str], Study]] = [
    _with_status("SUSPENDED"),
    _with_status("RECRUITING"),
    _with_status("UNKNOWN"),
    _other_words,
    _another_country,
    record.touched,
    lambda study, day: record.with_completion(study, f"2028-{day[5:7]}", posted=day),
    lambda study, day: record.with_completion(study, day, primary=day, type_="ACTUAL", posted=day),
]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(st.sampled_from(EDITS), min_size=1, max_size=2), min_size=1, max_size=6), st.integers(0, 6))
def test_diff_of_neighbours_is_what_was_kept(edits: list[list[Callable[[Study, str], Study]]], before_the_installation: int) -> None:
    with tempfile.TemporaryDirectory() as folder, open_house(Path(folder)) as house:
        house.registry.put(record.the_study())
        for number, each in enumerate([*edits, []]):
            if number == min(before_the_installation, len(edits)):
                house.watch()
                house.sync(days=0)
            study = house.registry.study(TRIAL)
            for edit in each:
                study = edit(study, f"{house.at:%Y-%m-%d}")
            house.registry.put(study)
            house.at += datetime.timedelta(days=20)
            if number >= before_the_installation:
                house.sync(days=0)
        backfill(house.around, [TRIAL])
        with house.history() as history:
            kept = {change.id: change for change in dated.changes(history, housekeeping=True, backfilled=True)}
            for row in versions.versions(history, TRIAL)[1:]:
                after = version(history, row["number"])
                told = differences(history, version(history, row["number"] - 1), after)
                ids = [row["id"] for row in history.rows("SELECT id FROM change WHERE version_id = ? ORDER BY id", (after.id,))]
                assert [vars_of(change) for change in told] == [vars_of(kept[each], of=told[0]) for each in ids]


def version(history: Any, number: int) -> versions.Version:
    from db import lookback

    found = lookback.numbered(history, TRIAL, "ctgov", number)
    assert found is not None
    return found


def vars_of(change: Any, of: Any = None) -> dict[str, Any]:
    return {key: getattr(change, key) for key in (of or change).__struct_fields__}


def test_an_earlier_version_in_html_differs_in_what_it_says_alone(terminal: Terminal) -> None:
    house = terminal.house
    house.registry.put(record.the_study())
    house.registry.put(
        record.with_criterion(house.registry.study(TRIAL), SMOKED, "Has smoked tobacco within 12 months", posted="2026-01-10")
    )
    house.watch()
    house.sync(days=0)
    assert terminal("backfill", TRIAL).code == 0
    (row,) = terminal("diff", TRIAL, "2026-01-09", "2026-01-10", "--json").json
    assert (row["field"], row["operation"], row["group"]) == ("criteria", "changed", "exclusion")
    assert [(row["number"], row["backfilled"], row["registry_version"]) for row in terminal("history", TRIAL, "--json").json] == [
        (1, True, 0),
        (2, False, 1),
    ]
    assert "Timeline: 2 versions (1 backfilled), 2025-02-03 to 2026-02-10" in terminal("show", TRIAL, "--at", "2026-02-10").out


# --- changes ---


def test_changes_by_either_clock(terminal: Terminal) -> None:
    long_line(terminal.house)

    def told(*more: str) -> list[str]:
        return [
            row["after"] for row in terminal("changes", TRIAL, "--backfilled", "--json", *more).json if row["field"] == "overall_status"
        ]

    assert told() == ["COMPLETED", "UNKNOWN", "ACTIVE_NOT_RECRUITING", "RECRUITING"]
    assert told("--since", "2026-03-03") == ["COMPLETED", "RECRUITING"]
    assert told("--since", "2026-02-17", "--clock", "registry") == ["COMPLETED", "UNKNOWN"]
    lines = terminal("changes", TRIAL, "--backfilled").out.splitlines()
    assert [line[:10] for line in lines] == ["2026-03-02", "2026-02-17", "2024-01-20", "2020-01   "]


def test_a_source_that_never_was_is_refused(terminal: Terminal) -> None:
    page, other = "https://example.org/1", "https://example.org/2"
    three_versions(terminal.house)
    for command in (("changes",), ("changes", TRIAL), ("show", TRIAL), ("diff", TRIAL)):
        for source in ("nonsense", "", page):
            said = terminal(*command, "--source", source)
            assert (said.code, said.out) == (2, "")
            assert said.complaint
    assert terminal("changes", "--source", page).complaint.startswith(f"'{page}' is no source that was ever watched")
    terminal("watch", "add", TRIAL, "--page", page)
    terminal("watch", "add", OLD, "--page", other)
    assert terminal("changes", TRIAL, "--source", page, "--json").json == []
    assert terminal("changes", "--source", other, "--json").json == []
    assert terminal("changes", TRIAL, "--source", other).complaint.startswith(f"{TRIAL}: '{other}' is no source")
    with terminal.house.history() as history:
        listed = versions.latest(history, TRIAL, "ctgov")
        assert listed is not None
        keep(history, listed.record, posted=None, seen="2026-02-20", source=page)
    terminal("watch", "remove", TRIAL, "--page", page)
    assert terminal("changes", TRIAL, "--source", page, "--json").json == []


# --- ids that the registry merged ---


def test_every_command_takes_the_id_that_was_merged(terminal: Terminal) -> None:
    house = terminal.house
    with house.history() as history:
        statuses(history, ("RECRUITING", "2025-01-10", "2026-02-02", None), ("SUSPENDED", "2026-02-10", "2026-02-11", None), trial=OLD)
        statuses(history, ("RECRUITING", "2025-06-01", "2026-02-02", None), ("COMPLETED", "2026-03-05", "2026-03-06", None))
        with history.write():
            aliases.merge(history, OLD, TRIAL, "2026-03-01T06:17:00Z")
    for asked in (OLD, TRIAL):
        assert [(row["trial"], row["number"]) for row in terminal("history", asked, "--json").json] == [
            (TRIAL, 1), (TRIAL, 2), (OLD, 1), (OLD, 2),
        ]  # fmt: skip
        assert terminal("history", asked).out.count("no.") == 2
        assert terminal("show", asked, "--json").json["overall_status"] == "COMPLETED"
        assert {row["trial"] for row in terminal("changes", asked, "--json").json} == {OLD, TRIAL}
        assert f"the registry merged it with {OLD}" in terminal("show", asked).out
    assert terminal("show", OLD, "--at", "2026-02-15", "--json").json["overall_status"] == "SUSPENDED"
    (row,) = [row for row in terminal("diff", OLD, "2026-02-15", "2026-03-05", "--json").json if row["field"] == "overall_status"]
    assert (row["trial"], row["before"], row["after"]) == (TRIAL, "SUSPENDED", "COMPLETED")
    said = terminal("diff", OLD, "2026-02-15", "2026-03-05").out
    assert f"from {OLD} version 2, posted 2026-02-10" in said
    assert f"to   {TRIAL} version 2, posted 2026-03-05" in said


# --- pages ---


def test_a_page_has_a_line_of_its_own(terminal: Terminal) -> None:
    from registry_sync.trials.record import Record

    page = "https://example.org/1"
    with terminal.house.history() as history:
        for status, day in (("RECRUITING", "2026-02-02"), ("COMPLETED", "2026-02-15")):
            listed = Record(trial=TRIAL, overall_status=status, completion_date=planned("2026-12-31"))
            keep(history, listed, posted=None, seen=day, source=page)
    (row,) = terminal("diff", TRIAL, "2026-02-14", "--source", page, "--json").json
    assert (row["source"], row["before"], row["after"], row["registry_date"]) == (page, "RECRUITING", "COMPLETED", None)
    shown = terminal("show", TRIAL, "--source", page, "--at", "2026-02-20").out
    assert "\na letter: 1 day     2026-02-02    2026-02-16\nRecruitment status  RRRRRRRRRRRRRCCCCCC\n" in shown
    assert terminal("show", TRIAL, "--source", page, "--at", "2026-02-01").code == 2
    assert terminal("show", TRIAL).code == 2


# --- a terminal ---


def test_on_a_terminal_nothing_is_broken_inside_a_word_and_colours_are_shown(terminal: Terminal) -> None:
    three_versions(terminal.house)
    for words in (("show", TRIAL, "--at", "2026-02-20"), ("changes",), ("history", TRIAL), ("diff", TRIAL, "1")):
        shown = on_a_terminal(terminal.house.folder, *words)
        lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in shown.splitlines()]
        assert lines
        assert all(len(line) <= 80 for line in lines), max(lines, key=len)
        piped = terminal(*words).out
        assert "\x1b" not in piped
        assert " ".join(" ".join(lines).split()) == " ".join(piped.split())
        if words[0] == "show":
            assert "\x1b[32mRRRRR" in shown


def on_a_terminal(folder: Path, *words: str, **more: str) -> str:
    """What a command prints on stdout when that is a terminal of 80 columns."""
    import fcntl
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environ = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "NO_COLOR")} | {"TERM": "xterm"} | more
    with subprocess.Popen(
        [sys.executable, "-m", "registry_sync", *words], cwd=folder, env=environ, stdout=theirs, stderr=subprocess.DEVNULL
    ) as process:
        os.close(theirs)
        told = b""
        while True:
            try:
                read = os.read(ours, 65536)
            except OSError:  # the other end is closed (Linux)
                break
            if not read:
                break
            told += read
        os.close(ours)
        assert process.wait(PATIENCE) == 0
    return told.decode().replace("\r\n", "\n")


def test_json_of_diff_is_one_document(terminal: Terminal) -> None:
    three_versions(terminal.house)
    assert isinstance(json.loads(terminal("diff", TRIAL, "--json").out), list)
