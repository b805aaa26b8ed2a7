"""How a text is written before it is edited: real lists in forms that few of the records have, so that edits meet all of them."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.edits.kinds import COSMETIC, Draft
from tests.edits.outline import Outline, Row

_DEEPEST = 3
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def set_up(draft: Draft, rng: random.Random) -> str | None:
    """Write the draft's text in another form, as the beginning of the step; the name of the form, or ``None`` where it has no place."""
    name = rng.choice(list(_FORMS))
    if not draft.text or not draft.outline.lists() or any(row.odd for row in draft.outline.rows):
        return None
    if name in COSMETIC:
        COSMETIC[name](draft, rng)
    else:
        _WRITE[name](draft.outline, rng)
        draft.write()
        draft.set_text(draft.text)
    draft.rebase()
    return name


def _nested_by_hand(lines: Outline, rng: random.Random) -> None:
    """Flat lists become lists of up to three levels below the first."""
    for run in lines.lists():
        if any(not lines.is_leaf(place) or lines.rows[place].column for place in run):
            continue
        depth, step = 0, max(len(lines.rows[place].marker) for place in run) + rng.choice((1, 2))
        for place in run[1:]:
            depth = rng.choice(list(range(min(depth + 1, _DEEPEST) + 1)))
            lines.rows[place].indent = " " * (depth * step)
    lines.number_lists()


def _lettered(close: str) -> Callable[[Outline, random.Random], None]:
    """Lists of two to twenty-six items get letters that their author typed."""

    def write(lines: Outline, rng: random.Random) -> None:
        for run in lines.lists():
            if len(run) <= len(_LETTERS) and rng.random() < 0.7:
                for letter, place in zip(_LETTERS, run, strict=False):
                    lines.rows[place].marker = close.replace("a", letter)

    return write


def _paragraphs(lines: Outline, _: random.Random) -> None:
    """No bullets: a paragraph for each."""
    rows: list[Row] = []
    for row in lines.rows:
        if row.is_item and not row.column:
            row.marker = row.gap = ""
            rows.append(Row())
        rows.append(row)
    lines.rows = rows


_WRITE: dict[str, Callable[[Outline, random.Random], None]] = {
    "nested_by_hand": _nested_by_hand,
    "nested_by_hand_again": _nested_by_hand,
    "lettered": _lettered("a."),
    "lettered_with_brackets": _lettered("a)"),
    "lettered_in_brackets": _lettered("(a)"),
    "paragraphs": _paragraphs,
}
_FORMS = (
    *_WRITE,
    "bullets_to_numbers",
    "numbers_to_bullets",
    "bullets_to_dashes",
    "blank_lines_between_items",
    "lines_wrapped_and_indented",
    "headings_without_colon",
    "headings_of_one_word",
    "semicolons_added",
)
