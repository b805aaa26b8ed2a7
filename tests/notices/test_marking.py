from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from registry_sync.notices.marking import excerpts, marked

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
