"""Material edits of whole criteria: added, removed, moved to the other side, split, merged."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterable, Sequence

from tests.edits import words
from tests.edits.kinds import UNLIKE, Draft, alone, material
from tests.edits.outline import Outline, Row, outline
from tests.edits.telling import Expected, Telling, WordsOf, likeness, reading, told

_NEW = (
    "Uncontrolled ringing in both ears since childhood",
    "Known intolerance of shellfish or of iodine",
    "Has moved house within the last 90 days",
    "Unwilling to keep a sleep diary",
    "Body weight above 150 kg",
    "Lives at most 2 hours from the nearest site",
    "Migraine with visual aura twice a month or more",
    "Colour blindness",
    "Frostbite",
    "Night work on three days of any week",
    "Owns neither telephone nor tablet",
    "Took part in a lottery that was organised by the sponsor's own staff, or is related to somebody who did",
)

_LETTERS_TELL = 4
"""A lettered list of this many is one still when a letter is missing; a shorter one may read as something else."""


def new_texts(draft: Draft, rng: random.Random, count: int) -> list[str]:
    """Texts that are like no line of the criteria."""
    known = [*draft.outline.texts(), *draft.spoken]
    return [text for text in rng.sample(_NEW, len(_NEW)) if all(likeness(text, other) < UNLIKE for other in known)][:count]


def _added(text: str, group: object) -> Expected:
    return told(Telling("criteria", "added", None, text, group, "major", "major"))


def _removed(text: str, group: object) -> Expected:
    return told(Telling("criteria", "removed", text, None, group, "major", "major"))


def _insert(lines: Outline, at: int, like: Row, text: str, *, spaced: bool) -> None:
    """A row beside ``like``; with an empty one between where the list is written so."""
    row = Row(like.indent, like.marker, like.gap, text)
    lines.rows[at:at] = [Row(), row] if spaced else [row]


def _is_spaced(lines: Outline, place: int) -> bool:
    """Do empty rows stand between the items of this list?"""
    run = lines.siblings(place)
    return len(run) > 1 and lines.rows[run[1] - 1].blank


def add_beside(draft: Draft, rng: random.Random, run: Sequence[int], index: int, text: str) -> Sequence[Expected]:
    """Put ``text`` behind the item at ``index`` of this list."""
    lines = draft.outline
    group, spaced = lines.group(run[index]), _is_spaced(lines, run[0])
    numbered = lines.rows[run[0]].style not in ("*", "-", "+")
    at = lines.block(run[index])
    _insert(lines, at, lines.rows[run[index]], text, spaced=spaced)
    if numbered:
        lines.renumber(lines.siblings(at + spaced))
    draft.spoken.append(text)
    return [_added(text, group)]


def tidy_lists(draft: Draft, *, depth: int | None = None) -> list[list[int]]:
    """Lists of plain items only, so that a new one is one of them."""
    lines = draft.outline
    runs = [run for run in lines.lists() if not any(lines.rows[place].odd for place in run)]
    return [run for run in runs if depth is None or min(lines.depth(run[0]), 1) == depth]


def _add(draft: Draft, rng: random.Random, *, depth: int | None, at: str) -> Sequence[Expected]:
    runs, new = tidy_lists(draft, depth=depth), new_texts(draft, rng, 1)
    if not runs or not new:
        return []
    run = rng.choice(runs)
    return add_beside(draft, rng, run, len(run) - 1 if at == "end" else rng.randrange(len(run) - 1), new[0])


@material
def item_added_at_the_end(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    return _add(draft, rng, depth=0, at="end")


@material
def item_added_in_the_middle(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    return _add(draft, rng, depth=0, at="middle")


@material
def nested_item_added(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    return _add(draft, rng, depth=1, at=rng.choice(("end", "middle")))


@material
def item_added_below_a_single_one(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    """An item that had none below it gets one."""
    lines, new = draft.outline, new_texts(draft, rng, 1)
    runs = tidy_lists(draft)
    places = [place for run in runs for place in run if lines.is_leaf(place)]
    if not places or not new:
        return []
    place = rng.choice(places)
    row, group = lines.rows[place], lines.group(place)
    below = Row(" " * (row.column + len(row.marker) + 1), "*", " ", new[0])
    lines.rows[place + 1 : place + 1] = [Row(), below] if rng.random() < 0.5 else [below]
    draft.spoken.append(new[0])
    return [_added(new[0], group)]


@material
def near_twin_added(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    """Another item that differs from one that stays by a number or a word only."""
    lines, runs = draft.outline, tidy_lists(draft)
    plain = set(lines.editable())
    places = [(run, index) for run in runs for index, place in enumerate(run) if place in plain and lines.is_leaf(place)]
    for run, index in rng.sample(places, len(places)):
        old = lines.rows[run[index]].text
        new = words.number(old, rng) or words.word(old, rng)
        if new and draft.is_new(new) and draft.free(old, new) and reading(new) != reading(old):
            draft.spoken.append(old)
            return add_beside(draft, rng, run, index, new)
    return []


@material
def group_added(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    """A record that had no exclusion criteria states two."""
    lines = draft.outline
    new = new_texts(draft, rng, 2)
    if lines.heading("inclusion") is None or lines.heading("exclusion") is not None or not lines.has_plain_headings or len(new) < 2:
        return []
    lines.rows += [Row(), Row(text="Exclusion Criteria:"), Row(), *(Row(marker="*", gap=" ", text=text) for text in new)]
    draft.spoken += new
    return [_added(text, "exclusion") for text in new]


# --- removed ------------------------------------------------------------------------------------------------------------


def leaves(draft: Draft, *, depth: int | None = None, least: int = 2) -> list[int]:
    """Items with ``least`` and more in their list that can go alone."""
    lines, plain = draft.outline, set(draft.outline.editable())
    found = [place for place in plain if lines.rows[place].is_item and lines.is_leaf(place) and len(lines.siblings(place)) >= least]
    found = [place for place in found if depth is None or min(lines.depth(place), 1) == depth]
    return sorted(place for place in found if draft.free(lines.rows[place].text) and not lines.rows[place].text.endswith(":"))


def take_out(draft: Draft, rng: random.Random, place: int) -> str:
    """Remove one leaf and, half of the time where it is numbered, count the rest anew."""
    lines = draft.outline
    text, run = lines.rows[place].text, lines.siblings(place)
    index = run.index(place)
    lines.remove(place, place + 1)
    neighbour = run[index - 1] if index else place + (lines.rows[place].blank if place < len(lines.rows) else 0)
    if len(run) > 1 and (rng.random() < 0.5 or (len(run) < _LETTERS_TELL and lines.rows[neighbour].style[0] not in "1*-+")):
        lines.renumber(lines.siblings(neighbour))
    draft.spoken.append(text)
    return text


def remove_leaf(draft: Draft, rng: random.Random, places: Sequence[int]) -> Sequence[Expected]:
    if not places:
        return []
    place = rng.choice(places)
    group = draft.outline.group(place)
    return [_removed(take_out(draft, rng, place), group)]


@material
def item_removed(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    return remove_leaf(draft, rng, leaves(draft, depth=0))


@material
def nested_item_removed(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    return remove_leaf(draft, rng, leaves(draft, depth=1))


@material
def only_nested_item_removed(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    lines = draft.outline
    return remove_leaf(draft, rng, [at for at in leaves(draft, depth=1, least=1) if len(lines.siblings(at)) == 1])


@material
def first_item_removed(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    lines = draft.outline
    return remove_leaf(draft, rng, [place for place in leaves(draft) if lines.siblings(place)[0] == place])


@material
def item_between_nested_lists_removed(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    """An item whose neighbour has others below it: the rest is grouped anew."""
    lines = draft.outline
    places = []
    for place in leaves(draft):
        run = lines.siblings(place)
        beside = [there for there in run if abs(run.index(there) - run.index(place)) == 1]
        if any(not lines.is_leaf(there) for there in beside):
            places.append(place)
    return remove_leaf(draft, rng, places)


@material
def last_of_a_group_removed(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    """All criteria of a side go, with its heading or without it."""
    lines, plain = draft.outline, set(draft.outline.editable())
    side = rng.choice(("inclusion", "exclusion"))
    body = [place for place in lines.section(side) if not lines.rows[place].blank]
    if not lines.has_plain_headings or not 1 <= len(body) <= 4 or not set(body) <= plain or lines.heading(other_side(side)) is None:
        return []
    texts = [lines.rows[place].text for place in body]
    if not draft.free(*texts):
        return []
    start = lines.heading(side)
    assert start is not None
    end = lines.section(side).stop
    del lines.rows[start + (rng.random() < 0.5) : end]
    if start < len(lines.rows) and lines.rows[start].side == side:
        lines.rows.insert(start + 1, Row())
    draft.spoken += texts
    return [_removed(text, side) for text in texts]


@material
def item_removed_with_its_nested_ones(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    lines, plain = draft.outline, set(draft.outline.editable())
    runs = [place for run in tidy_lists(draft) for place in run]
    places = []
    for place in runs:
        whole = [at for at in range(place, lines.block(place)) if not lines.rows[at].blank]
        if 2 <= len(whole) <= 6 and set(whole) <= plain and draft.free(*(lines.rows[at].text for at in whole)):
            places.append(place)
    if not places:
        return []
    place = rng.choice(places)
    group, end = lines.group(place), lines.block(place)
    texts = [row.text for row in lines.rows[place:end] if not row.blank]
    lines.remove(place, end)
    draft.spoken += texts
    return [_removed(text, group) for text in texts]


@material
def item_removed_without_its_nested_ones(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    """The nested ones take its place in the list."""
    lines, plain = draft.outline, set(draft.outline.editable())
    places = [
        place
        for run in tidy_lists(draft)
        for place in run
        if place in plain and not lines.is_leaf(place) and draft.free(lines.rows[place].text) and _holds_items_only(lines, place)
    ]
    if not places:
        return []
    place = rng.choice(places)
    group, row = lines.group(place), lines.rows[place]
    below = [there for there in lines.rows[place + 1 : lines.block(place)] if not there.blank]
    step = min(there.column for there in below) - row.column
    for there in below:
        there.indent = " " * max(0, there.column - step)
    del lines.rows[place : place + 1 + lines.rows[place + 1].blank]
    draft.spoken.append(row.text)
    return [_removed(row.text, group)]


def _holds_items_only(lines: Outline, place: int) -> bool:
    return all(row.is_item or row.blank for row in lines.rows[place + 1 : lines.block(place)])


# --- moved, split, merged -----------------------------------------------------------------------------------------------


def other_side(side: str) -> str:
    return "exclusion" if side == "inclusion" else "inclusion"


def _move(draft: Draft, rng: random.Random, depth: int) -> Sequence[Expected]:
    """To the end of a list of the other side, or between two items of it."""
    lines = draft.outline
    if not lines.has_plain_headings or lines.heading("inclusion") is None or lines.heading("exclusion") is None:
        return []
    places = [place for place in leaves(draft, depth=depth) if lines.group(place) is not None and not _ends_jointed(lines.rows[place].text)]
    if not places:
        return []
    place = rng.choice(places)
    target = other_side(str(lines.group(place)))
    if not any(lines.group(run[0]) == target for run in tidy_lists(draft, depth=0)):
        return []
    text = take_out(draft, rng, place)
    runs = [run for run in tidy_lists(draft, depth=0) if lines.group(run[0]) == target]
    run = rng.choice(runs)
    add_beside(draft, rng, run, rng.randrange(len(run)), text)
    return [told(Telling("criteria", "moved", text, text, target, "major", "major"))]


@material
def item_moved_to_the_other_side(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    return _move(draft, rng, 0)


@material
def nested_item_moved_to_the_other_side(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    return _move(draft, rng, 1)


_JOINT = re.compile(r",? and (?!/)|; (?!and |or )|\. (?=[A-Z])")


@material
def item_split_in_two(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    lines = draft.outline
    for place in rng.sample(found := leaves(draft), len(found)):
        row = lines.rows[place]
        parts = _halves(row.text, rng)
        if parts is None or not all(draft.is_new(part) for part in parts):
            continue
        old, group = row.text, lines.group(place)
        row.text = parts[0]
        _insert(lines, place + 1, row, parts[1], spaced=_is_spaced(lines, place))
        if rng.random() < 0.5 or row.style[0] not in "1*-+":
            lines.renumber(lines.siblings(place))
        draft.spoken += [old, *parts]
        return [told(Telling("criteria", "changed", WordsOf((old,)), WordsOf(parts), group))]
    return []


def _halves(text: str, rng: random.Random) -> tuple[str, str] | None:
    """The two sentences or members of an "and", each of four words or more and none in brackets."""
    found = [(text[: each.start()], text[each.end() :]) for each in _JOINT.finditer(text)]
    whole = [pair for pair in found if pair[0].count("(") == pair[0].count(")") and min(len(reading(part)) for part in pair) >= 4]
    if not whole:
        return None
    first, second = rng.choice(whole)
    return first, second[0].upper() + second[1:] if rng.random() < 0.5 else second


def _were_neighbours(draft: Draft, one: int, two: int) -> bool:
    """Before the step, too; an item between them may have gone in it."""
    before = outline((draft.before["protocolSection"].get("eligibilityModule") or {}).get("eligibilityCriteria") or "")
    texts = [row.text for row in before.rows if not row.blank]
    first, second = (draft.outline.rows[place].text for place in (one, two))
    return any((above, below) == (first, second) for above, below in itertools.pairwise(texts))


@material
def two_items_merged(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    lines, alone_there = draft.outline, set(leaves(draft))
    pairs = [(one, two) for run in lines.lists() for one, two in itertools.pairwise(run) if {one, two} <= alone_there]
    pairs = [pair for pair in pairs if all(len(reading(lines.rows[place].text)) >= 3 for place in pair) and _were_neighbours(draft, *pair)]
    if not pairs:
        return []
    one, two = rng.choice(pairs)
    first, second = lines.rows[one].text, lines.rows[two].text
    joint = rng.choice((", and ", "; ", " and ", ". "))
    new = first.rstrip(" .;,") + joint + second
    lines.rows[one].text = new
    group = lines.group(one)
    lines.remove(two, two + 1)
    if rng.random() < 0.5 or lines.rows[one].style[0] not in "1*-+":
        lines.renumber(lines.siblings(one))
    draft.spoken += [first, second, new]
    return [told(Telling("criteria", "changed", WordsOf((first, second)), WordsOf((new,)), group))]


# --- lists that say "and" -----------------------------------------------------------------------------------------------


def _with_joints(draft: Draft, rng: random.Random) -> list[int] | None:
    """Give one list "; and" or "; or" at the end of its last but one item, as the beginning of the step."""
    lines = draft.outline
    runs = [run for run in tidy_lists(draft) if set(run) <= set(leaves(draft)) and not any(map(_ends_jointed, _texts(lines, run)))]
    if not runs:
        return None
    run = rng.choice(runs)
    for place in run:
        lines.rows[place].text = lines.rows[place].text.rstrip(" .;,") + (";" if place != run[-1] else ".")
    lines.rows[run[-2]].text += rng.choice((" and", " or"))
    draft.rebase()
    return run


def _texts(lines: Outline, run: Iterable[int]) -> list[str]:
    return [lines.rows[place].text for place in run]


def _ends_jointed(text: str) -> bool:
    return text.rstrip(" .;,").lower().endswith((" and", " or"))


@alone
def item_added_and_the_and_moves(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    """ "a; b; and c." becomes "a; b; c; and d.": the "and" belongs to the list, only d is new."""
    new, run = new_texts(draft, rng, 1), _with_joints(draft, rng)
    if run is None or not new:
        return []
    lines = draft.outline
    joint = lines.rows[run[-2]].text.rsplit(" ", 1)[1]
    lines.rows[run[-2]].text = lines.rows[run[-2]].text.rsplit(" ", 1)[0]
    lines.rows[run[-1]].text = lines.rows[run[-1]].text.rstrip(".") + f"; {joint}"
    return add_beside(draft, rng, run, len(run) - 1, new[0] + ".")


@alone
def item_removed_and_the_and_moves(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    """ "a; b; and c." becomes "a; and b.": only c is gone."""
    run = _with_joints(draft, rng)
    if run is None or len(run) < 3:
        return []
    lines = draft.outline
    joint = lines.rows[run[-2]].text.rsplit(" ", 1)[1]
    lines.rows[run[-2]].text = lines.rows[run[-2]].text.rsplit(" ", 1)[0].rstrip(";") + "."
    lines.rows[run[-3]].text += f" {joint}"
    group = lines.group(run[-1])
    return [_removed(take_out(draft, rng, run[-1]), group)]


@material
def or_put_between_items(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    """ "a; b." becomes "a; or b.": one of them is enough now."""
    lines, alone_there = draft.outline, set(leaves(draft))
    runs = [run for run in tidy_lists(draft) if set(run) <= alone_there and not any(map(_ends_jointed, _texts(lines, run)))]
    if not runs:
        return []
    run = rng.choice(runs)
    row = lines.rows[run[-2]]
    old, row.text = row.text, row.text.rstrip(" .;,") + "; or"
    draft.spoken.append(old)
    return [told(Telling("criteria", "changed", old, row.text, lines.group(run[-2])))]


@alone
def and_between_items_to_or(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    """ "a; and b." becomes "a; or b.": who may join is another."""
    run = _with_joints(draft, rng)
    if run is None:
        return []
    lines = draft.outline
    row = lines.rows[run[-2]]
    old, joint = row.text, row.text.rsplit(" ", 1)[1]
    row.text = row.text.rsplit(" ", 1)[0] + (" or" if joint == "and" else " and")
    return [told(Telling("criteria", "changed", old, row.text, lines.group(run[-2]), "major"))]


@alone
def item_changed_in_a_list_that_says_and(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    """Items with an "AND" of its own line between them: one of them changes."""
    lines = draft.outline
    runs = [run for run in tidy_lists(draft, depth=0) if set(run) <= set(leaves(draft)) and len(run) <= 6]
    if not runs:
        return []
    run = rng.choice(runs)
    items = [lines.rows[place] for place in run]
    for place in reversed(run[:-1]):
        lines.rows[place + 1 : place + 1] = [Row(), Row(text="AND"), Row()]
    draft.rebase()
    for row in rng.sample(items, len(items)):
        new = words.number(row.text, rng) or words.negate(row.text, rng)
        if new and draft.is_new(new):
            old, row.text = row.text, new
            return [told(Telling("criteria", "changed", old, new, significance="major"))]
    return []
