"""Long texts are cut around what changed, and what changed is always seen."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from registry_sync.notices import compose
from registry_sync.notices.items import Item
from registry_sync.notices.marking import Run, marked
from registry_sync.notices.story import story
from registry_sync.notices.windows import LONG_TEXT, MOST_SHOWN, around
from tests.notices.told import change, news, notice

FILLER = "The visit takes place at the hospital and lasts for about one hour. " * 12
PADDED = f"{FILLER}Smoke-free for {{}} months before the visit. {FILLER}No surgery within {{}} weeks. {FILLER}"


def shown(before: str, after: str) -> tuple[str, str]:
    runs = around(marked(before, after)).runs
    return _side(runs, "removed"), _side(runs, "added")


def _side(runs: tuple[Run, ...], mark: str) -> str:
    return "".join(text for text, each in runs if each in ("same", mark))


def entry(field: str, before, after, role: str = "reader", **keys) -> Item:
    return story(news(change(field, before, after, **keys)), role, "en").items[0]


def test_a_text_of_usual_length_is_shown_whole() -> None:
    before, after = "a " * 290 + "12 months", "a " * 290 + "6 months"
    assert len(before) <= LONG_TEXT
    assert shown(before, after) == (before, after)
    assert not around(marked(before, after)).is_cut


def test_each_change_has_its_window_with_the_sentence_around_it() -> None:
    before, after = shown(PADDED.format(12, 4), PADDED.format(6, 8))
    assert "Smoke-free for 12 months before the visit." in before
    assert "Smoke-free for 6 months before the visit." in after
    assert "No surgery within 4 weeks." in before
    assert "No surgery within 8 weeks." in after
    assert before.count("…") == after.count("…") == 3
    assert before.startswith("… The visit takes place")
    assert max(len(before), len(after)) < 800


def test_changes_that_stand_close_are_in_one_window() -> None:
    near = FILLER + "Smoke-free for {} months, and no surgery within {} weeks. " + FILLER
    before, _ = shown(near.format(12, 4), near.format(6, 8))
    assert before.count("…") == 2
    assert "Smoke-free for 12 months, and no surgery within 4 weeks." in before


def test_a_sentence_without_an_end_is_cut_at_a_blank() -> None:
    endless = "word " * 300
    before, _ = shown(f"{endless}12 months {endless}", f"{endless}6 months {endless}")
    assert "word 12 months word" in before
    assert len(before) < 520


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a" * 5000 + "b" + "a" * 5000, "a" * 5000 + "c" + "a" * 5000),
        ("a" * 10_000, "a" * 10_001),
        (FILLER * 5 + "12 months", FILLER * 5 + "6 months"),
        (" ".join(f"x{n}" for n in range(3000)), " ".join(f"y{n}" for n in range(3000))),
        ("w " * 3000, " v" * 3000),
        (FILLER, FILLER + "More. " * 900),
    ],
)
def test_however_long_the_two_sides_differ_and_stay_short(before: str, after: str) -> None:
    first, second = shown(before, after)
    assert first != second
    assert max(len(first), len(second)) < MOST_SHOWN + 2500


def test_many_changes_in_one_text_end_somewhere() -> None:
    before = " ".join(f"Rule {n} says that {n} visits are made in the clinic by the nurse." for n in range(400))
    after = before.replace("visits", "calls")
    first, second = shown(before, after)
    assert first != second
    assert len(first) < MOST_SHOWN + 700
    assert first.endswith("…")


WORDS = st.lists(st.sampled_from(["a", "b", "1", ".", "\n", "word", "x" * 700]), max_size=400).map(" ".join)


@given(WORDS, WORDS, WORDS)
@example("", "a", "")
def test_what_differs_differs_in_what_is_shown(before: str, after: str, both: str) -> None:
    for one, other in ((before, after), (before + both, after + both), (both + before, both + after)):
        first, second = shown(one, other)
        assert (first == second) == (one == other)


@pytest.mark.parametrize("field", ["criteria", "brief_summary", "detailed_description", "why_stopped"])
def test_a_long_text_in_a_mail_says_where_it_stands_whole(field: str) -> None:
    told = notice(news(change(field, PADDED.format(12, 4), PADDED.format(6, 4))))
    text = " ".join(compose.text(told).split())
    assert "Smoke-free for [-12-] months" in text
    assert "Smoke-free for {+6+} months" in text
    assert f"This text is shown in part. All of it: {told.news[0].url}" in text
    page = compose.html(told)
    assert ">12</del> months" in page
    assert page.count(f'<a href="{told.news[0].url}">') == 2


def test_without_an_address_the_registry_is_named() -> None:
    told = notice(news(change("criteria", PADDED.format(12, 4), PADDED.format(6, 4)), url="javascript:alert(1)"))
    for text in (compose.text(told), compose.html(told)):
        assert "This text is shown in part; the registry has all of it." in " ".join(text.split())
        assert "javascript" not in text


def test_the_webhook_has_the_whole_text() -> None:
    assert PADDED.format(6, 4).encode() in compose.post(notice(news(change("criteria", PADDED.format(12, 4), PADDED.format(6, 4)))))


def test_a_description_that_changed_beside_the_name_is_shown_and_marked() -> None:
    before = {"measure": "Flow", "time_frame": "1 year", "description": PADDED.format(12, 4)}
    after = {**before, "measure": "Flow of saliva", "description": PADDED.format(6, 4)}
    heard = entry("primary_outcomes", before, after)
    assert ("of saliva ", "added") in heard.after_runs
    assert ("12", "removed") in heard.before_runs
    assert heard.is_cut
    alone = entry("arms", {"label": "A", "description": "12 mg"}, {"label": "A", "description": "6 mg"}, "coordinator")
    assert (alone.before, alone.after) == ("A; description: 12 mg", "A; description: 6 mg")
    assert ("6", "added") in alone.after_runs


def test_a_long_item_that_came_or_went_is_shown_from_its_beginning() -> None:
    heard = entry("criteria", None, FILLER * 10, operation="added")
    assert heard.before is None
    assert heard.is_cut
    assert heard.after is not None
    assert heard.after.startswith("The visit takes place")
    assert MOST_SHOWN - 300 < len(heard.after) <= MOST_SHOWN + 2
    stated = entry("brief_summary", None, FILLER * 10)
    assert stated.before == "not stated"
    assert stated.is_cut


def test_a_difference_that_cannot_be_seen_is_said() -> None:
    heard = entry("criteria", "Adults", "\u202eAdults", group="inclusion")
    assert heard.note == "The two texts differ in signs that are not seen."
    assert entry("criteria", "Adults", "Adults", group="exclusion", operation="moved").note == ""
