"""Material edits of the words of one criterion."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from tests.edits import words
from tests.edits.kinds import MATERIAL, Draft
from tests.edits.telling import Expected, Telling, reading, told

Where = Callable[[Draft, int], bool]


def anywhere(_: Draft, __: int) -> bool:
    return True


def nested(draft: Draft, place: int) -> bool:
    return draft.outline.depth(place) >= 1


def nested_twice(draft: Draft, place: int) -> bool:
    return draft.outline.depth(place) >= 2


def parent(draft: Draft, place: int) -> bool:
    """A line that has others below it."""
    return not draft.outline.is_leaf(place)


def paragraph(draft: Draft, place: int) -> bool:
    return not draft.outline.rows[place].is_item


def leads_to_and(draft: Draft, place: int) -> bool:
    """A line that says "and" or "or" to the next one."""
    return draft.outline.rows[place].text.lower().rstrip(" .;,").endswith((" and", " or"))


def rewritten(
    draft: Draft, rng: random.Random, rewrites: Sequence[words.Rewrite], where: Where, significance: str | None
) -> Sequence[Expected]:
    """Rewrite one line of the text; what must be told is that it changed, from this to that."""
    lines = draft.outline
    places = [place for place in lines.editable() if where(draft, place)]
    for place in rng.sample(places, len(places)):
        row = lines.rows[place]
        for rewrite in rng.sample(rewrites, len(rewrites)):
            new = rewrite(row.text, rng)
            if new is None or reading(new) == reading(row.text) or not draft.is_new(new, row.text) or not draft.free(row.text, new):
                continue
            old, row.text = row.text, new
            draft.spoken += [old, new]
            return [told(Telling("criteria", "changed", old, new, lines.group(place), significance))]
    return []


def _kind(name: str, *rewrites: words.Rewrite, where: Where = anywhere, significance: str | None = None) -> None:
    MATERIAL[name] = lambda draft, rng: rewritten(draft, rng, rewrites, where, significance)


_ANY_WORDS = (words.number, words.sign, words.unit, words.comparison, words.negate, words.word, words.words_appended)

_kind("number_changed", words.number, significance="major")
_kind("sign_changed", words.sign, significance="major")
_kind("unit_changed", words.unit, significance="major")
_kind("comparison_word_changed", words.comparison, significance="major")
_kind("negation_inserted", words.negate, significance="major")
_kind("negation_removed", words.affirm, significance="major")
_kind("may_to_may_not", words.may_not, significance="major")
_kind("and_to_or", words.and_or)
_kind("word_replaced", words.word)
_kind("words_appended", words.words_appended)
_kind("short_item_grown_by_two_words", words.two_words_appended)
_kind("words_put_before", words.words_put_before)
_kind("bracket_removed", words.bracket_removed)
_kind("bracket_added", words.bracket_added)
_kind("case_changed", words.case, significance="housekeeping")
_kind("nested_item_changed", *_ANY_WORDS, where=nested)
_kind("item_nested_twice_changed", *_ANY_WORDS, where=nested_twice)
_kind("item_with_nested_ones_changed", *_ANY_WORDS, where=parent)
_kind("item_changed_in_two_places", words.in_two_places, significance="major")
_kind("paragraph_changed", *_ANY_WORDS, where=paragraph)
_kind("item_before_an_and_changed", *_ANY_WORDS, where=leads_to_and)
