"""Material edits of criteria that simple comparisons get wrong: twins, items that grow manifold, whole lists changed at once."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tests.edits import words
from tests.edits.criteria_items import add_beside, leaves, new_texts, other_side, remove_leaf, take_out, tidy_lists
from tests.edits.kinds import UNLIKE, Draft, alone, material
from tests.edits.outline import Row
from tests.edits.telling import Expected, Telling, likeness, reading, told

_LONG_TAIL = "that was treated with tablets or by surgery within the last two winters, as a letter of the family doctor shows"


@material
def item_grown_manifold(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    """A short item keeps its words and gets a long clause: still the same one, changed."""
    lines = draft.outline
    places = [
        at for at in leaves(draft) if 1 <= len(reading(lines.rows[at].text)) <= 5 and lines.rows[at].text.rstrip(" .;,")[-1:].isalnum()
    ]
    if not places:
        return []
    row = lines.rows[place := rng.choice(places)]
    old, row.text = row.text, f"{row.text.rstrip(' .;,')} {_LONG_TAIL}"
    draft.spoken += [old, row.text]
    return [told(Telling("criteria", "changed", old, row.text, lines.group(place)))]


@material
def item_cut_short(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    """Of a long item its first clause stays."""
    lines = draft.outline
    for place in rng.sample(found := leaves(draft), len(found)):
        row = lines.rows[place]
        head, comma, tail = row.text.partition(", ")
        whole = head.count("(") == head.count(")") and len(reading(head)) >= 4 and len(reading(tail)) >= 6
        if comma and whole and draft.is_new(head) and draft.free(row.text):
            old, row.text = row.text, head
            draft.spoken += [old, head]
            return [told(Telling("criteria", "changed", old, head, lines.group(place)))]
    return []


@material
def item_replaced(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    """Another item, with no word in common, in the place of one: one is gone and one is new."""
    lines, new = draft.outline, new_texts(draft, rng, 3)
    for place in rng.sample(found := leaves(draft), len(found)):
        row = lines.rows[place]
        fitting = [text for text in new if likeness(text, row.text) < UNLIKE / 4]
        if fitting:
            old, row.text = row.text, fitting[0]
            draft.spoken += [old, row.text]
            group = lines.group(place)
            return [
                told(Telling("criteria", "removed", old, None, group, "major")),
                told(Telling("criteria", "added", None, row.text, group, "major")),
            ]
    return []


@material
def several_items_of_a_list_changed(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    """A number in each of several neighbours, as a table of laboratory values changes."""
    lines, plain = draft.outline, set(draft.outline.editable())
    for run in rng.sample(found := lines.lists(), len(found)):
        rewritten = [(place, lines.rows[place].text, words.number(lines.rows[place].text, rng)) for place in run if place in plain]
        pairs = [(place, old, new) for place, old, new in rewritten if new and draft.is_new(new) and draft.free(old, new)]
        if len(pairs) < 2 or len({reading(new) for _, __, new in pairs}) < len(pairs) or not _each_nearest(pairs):
            continue
        for place, old, new in pairs:
            lines.rows[place].text = new
            draft.spoken += [old, new]
        return [told(Telling("criteria", "changed", old, new, lines.group(place), "major")) for place, old, new in pairs]
    return []


def _each_nearest(pairs: Sequence[tuple[int, str, str]]) -> bool:
    """Is every new text clearly nearer to its own old one than to another's?"""
    return all(
        likeness(old, new) > likeness(other, new) and likeness(old, new) > likeness(old, another)
        for at, (_, old, new) in enumerate(pairs)
        for there, (__, other, another) in enumerate(pairs)
        if at != there
    )


@material
def item_moved_and_changed(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    """To the other side with another number in it: one that moved, or one gone and one new."""
    lines = draft.outline
    if not lines.has_plain_headings:
        return []
    places = [at for at in leaves(draft) if lines.group(at) is not None and len(reading(lines.rows[at].text)) >= 8]
    for place in rng.sample(places, len(places)):
        old, side = lines.rows[place].text, str(lines.group(place))
        new = words.number(old, rng)
        if not new or not draft.is_new(new) or not any(lines.group(run[0]) == other_side(side) for run in tidy_lists(draft, depth=0)):
            continue
        take_out(draft, rng, place)
        run = rng.choice([run for run in tidy_lists(draft, depth=0) if lines.group(run[0]) == other_side(side)])
        add_beside(draft, rng, run, len(run) - 1, new)
        gone, come = Telling("criteria", "removed", old, None, side), Telling("criteria", "added", None, new, other_side(side))
        return [Expected(((Telling("criteria", "moved", old, new, other_side(side)),), (gone, come)))]
    return []


# --- twins ------------------------------------------------------------------------------------------------------------------


def _with_twin(draft: Draft, rng: random.Random) -> Row | None:
    """Begin with an item that stands twice in its list; the second of them."""
    lines = draft.outline
    places = [at for at in leaves(draft) if not lines.rows[at].odd]
    if not places:
        return None
    place = rng.choice(places)
    add_beside(draft, rng, run := lines.siblings(place), run.index(place), lines.rows[place].text)
    twin = next(row for at, row in enumerate(lines.rows) if at > place and row.text == lines.rows[place].text)
    draft.rebase()
    return twin


@alone
def one_of_two_twins_changed(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    twin = _with_twin(draft, rng)
    new = (words.number(twin.text, rng) or words.negate(twin.text, rng)) if twin else None
    if twin is None or new is None or not draft.is_new(new):
        return []
    old, twin.text = twin.text, new
    return [told(Telling("criteria", "changed", old, new, significance="major"))]


@alone
def one_of_two_twins_removed(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    twin = _with_twin(draft, rng)
    if twin is None:
        return []
    place = next(at for at, row in enumerate(draft.outline.rows) if row is twin)
    return remove_leaf(draft, rng, [place])
