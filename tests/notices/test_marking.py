from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_sync.notices.clean import one_line
from registry_sync.notices.marking import excerpts, marked
from tests.waiting import costs_its_share

TEXTS = st.text(st.sampled_from("ab 1.,<≤\n-"), max_size=60) | st.text(max_size=60)


def test_a_changed_number_is_the_only_thing_marked() -> None:
    assert marked("Smoke-free for 12 months", "Smoke-free for 6 months") == [
        ("Smoke-free for ", "same"),
        ("12", "removed"),
        ("6", "added"),
        (" months", "same"),
    ]


def test_a_changed_sign_of_comparison_is_seen() -> None:
    assert ("<", "removed") in marked("Flow < 3.0 ml/min", "Flow ≤ 3.0 ml/min")


def test_a_decimal_number_is_one_word() -> None:
    assert marked("3.0 ml", "3.5 ml")[:2] == [("3.0", "removed"), ("3.5", "added")]


def test_neighbouring_changed_words_are_one_run() -> None:
    assert marked("a big red house", "a small blue house") == [
        ("a ", "same"),
        ("big red", "removed"),
        ("small blue", "added"),
        (" house", "same"),
    ]


@given(TEXTS, TEXTS)
def test_the_runs_join_back_to_both_texts(before: str, after: str) -> None:
    runs = marked(before, after)
    assert "".join(text for text, mark in runs if mark != "added") == before
    assert "".join(text for text, mark in runs if mark != "removed") == after


def test_very_long_texts_are_marked_without_comparing_every_word_with_every_word() -> None:
    before, after = " ".join(f"a{n}" for n in range(5000)), " ".join(f"b{n}" for n in range(5000))
    assert [mark for _, mark in marked(f"same {before}", f"same {after}")] == ["same", "removed", "added"]


@pytest.mark.parametrize(
    ("before", "after", "times"),
    [("a ", " b", 1000), ("a x ", "y a ", 3000), ("a x. ", "y a. ", 3000), ("a\n", "b\na", 5000), (",,", ".,", 5_000)],
)
def test_texts_of_few_different_words_take_no_more_than_their_share_of_time(before: str, after: str, times: int) -> None:
    def mark(times: int) -> None:
        runs = marked(before * times, after * times)
        assert "".join(text for text, mark in runs if mark != "added") == before * times
        assert "".join(text for text, mark in runs if mark != "removed") == after * times

    assert costs_its_share(mark, times // 4, times)


def test_in_a_text_too_long_for_all_its_words_the_sentences_are_compared_first() -> None:
    before = " ".join(f"Rule {n} says that {n} visits are made in the clinic by the nurse." for n in range(400))
    runs = marked(before, before.replace("7 visits", "7 calls"))
    assert {text for text, mark in runs if mark == "added"} == {"calls"}
    runs = marked(before, before.replace("visits", "calls"))
    assert {text for text, mark in runs if mark == "removed"} == {"visits"}


def test_a_change_of_the_space_between_words_is_in_the_runs() -> None:
    assert marked("one\ntwo", "one two") == [("one", "same"), ("\n", "removed"), (" ", "added"), ("two", "same")]


@given(TEXTS, TEXTS)
def test_excerpts_are_no_longer_than_asked(before: str, after: str) -> None:
    assert all(len(part) <= 22 for part in excerpts(before, after, 20))


def test_an_excerpt_shows_the_change_in_a_long_text() -> None:
    long = "one two three four five " * 20
    before, after = excerpts(f"{long}12 months {long}", f"{long}6 months {long}", 80)
    assert "12 months" in before
    assert "6 months" in after
    assert before.startswith("…")
    assert before.endswith("…")


@given(TEXTS, TEXTS, st.sampled_from(["", "x" * 50, "word " * 20]))
def test_excerpts_of_different_texts_differ(before: str, after: str, both: str) -> None:
    first, second = excerpts(one_line(both + before), one_line(both + after), 40)
    assert (first == second) == (one_line(both + before) == one_line(both + after))
