"""Lines that fit, cut or broken by the columns that are seen; and colours, where they are wanted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_sync.cli.common import print_json, print_json_list
from registry_sync.cli.layout import broken, fit, width
from registry_sync.demo.record import TRIAL
from tests.cli.conftest import Terminal
from tests.cli.test_looking import on_a_terminal, three_versions


@pytest.mark.parametrize(
    ("text", "further", "lines"),
    [
        ("a line that fits", "", ["a line that fits"]),
        ("a line that does not fit here", "    ", ["a line that does", "    not fit here"]),
        ("  - an item that is too long", "    ", ["  - an item that", "    is too long"]),
        ("aVeryLongWordThatHasNoBlank", "  ", ["aVeryLongWordTha", "  tHasNoBlank"]),
        ("two  columns   stay here", "", ["two  columns", "stay here"]),
        ("試験試験試験 試験試験試験", "", ["試験試験試験", "試験試験試験"]),
        ("", "    ", [""]),
    ],
)
def test_lines_are_broken_between_words(text: str, further: str, lines: list[str]) -> None:
    assert broken(text, 16, further) == lines


@given(st.text(), st.integers(40, 100), st.sampled_from(["", "    ", " " * 20]))
def test_broken_lines_fit_and_lose_no_word(text: str, columns: int, further: str) -> None:
    lines = broken(text, columns, further)
    assert all(width(line) <= columns for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(st.text(), st.integers(1, 60))
def test_what_is_cut_fits_and_says_so(text: str, columns: int) -> None:
    cut = fit(text, columns)
    assert width(cut) <= columns
    assert cut == text or cut.endswith("…")


@pytest.mark.parametrize("wish", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_who_does_not_want_colours_gets_none(terminal: Terminal, wish: dict[str, str]) -> None:
    three_versions(terminal.house)
    for words in (("show", TRIAL), ("history", TRIAL), ("diff", TRIAL), ("watch", "list")):
        assert "\x1b" not in on_a_terminal(terminal.house.folder, *words, **wish)
    assert "\x1b" in on_a_terminal(terminal.house.folder, "history", TRIAL, NO_COLOR="")


@pytest.mark.parametrize("number", [0, 1, 2, 500, 501, 1000])
def test_a_list_that_is_written_as_it_is_read_is_the_same_document(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    values = [{"id": each, "text": "one\ntwo\u2028three", "more": [{"a": []}, {}]} for each in range(number)]
    print_json(values)
    whole = capsys.readouterr().out
    print_json_list(iter(values))
    assert capsys.readouterr().out == whole
