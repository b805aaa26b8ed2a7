"""Material edits of how many items say a thing: one split in three, three made one."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tests.edits.criteria_items import leaves, tidy_lists
from tests.edits.kinds import Draft, material
from tests.edits.outline import Row
from tests.edits.telling import Expected, Telling, WordsOf, reading, told


def _thirds(text: str) -> list[str]:
    """The members of "a, b, and c" or of three sentences, each of three words or more, none in brackets."""
    for joint in ("; ", ". ", ", "):
        parts = text.split(joint)
        whole = all(part.count("(") == part.count(")") and len(reading(part)) >= 3 and part[0].isalpha() for part in parts)
        if whole and 3 <= len(parts) <= 5:
            return parts
    return []


@material
def item_split_in_three(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    """Into items of its list, or with the later pieces below the first one."""
    lines = draft.outline
    for place in rng.sample(found := leaves(draft), len(found)):
        row, parts = lines.rows[place], _thirds(lines.rows[place].text)
        if not parts or not all(draft.is_new(part) for part in parts):
            continue
        old, group, below = row.text, lines.group(place), rng.random() < 0.5
        row.text = parts[0]
        indent = " " * (row.column + len(row.marker) + 1) if below else row.indent
        marker = "*" if below else row.marker
        lines.rows[place + 1 : place + 1] = [Row(indent, marker, " ", part) for part in parts[1:]]
        if not below and row.style[0] not in "*-+":
            lines.renumber(lines.siblings(place))
        draft.spoken += [old, *parts]
        return [told(Telling("criteria", "changed", WordsOf((old,)), WordsOf(tuple(parts)), group))]
    return []


@material
def three_items_merged(draft: Draft, rng: random.Random) -> Sequence[Expected]:
    lines, alone_there = draft.outline, set(leaves(draft))
    runs = [run for run in tidy_lists(draft) if len(run) > 3]
    triples = [run[at : at + 3] for run in runs for at in range(len(run) - 2) if set(run[at : at + 3]) <= alone_there]
    triples = [three for three in triples if all(len(reading(lines.rows[place].text)) >= 3 for place in three)]
    triples = [three for three in triples if all(row.blank or at in three for at, row in enumerate(lines.rows) if three[0] < at < three[2])]
    if not triples or draft.spoken:
        return []
    one, two, three = rng.choice(triples)
    texts = [lines.rows[place].text for place in (one, two, three)]
    new = "; ".join(text.rstrip(" .;,") for text in texts)
    group = lines.group(one)
    lines.rows[one].text = new
    for place in (three, two):
        lines.remove(place, place + 1)
    if lines.rows[one].style[0] not in "*-+":
        lines.renumber(lines.siblings(one))
    draft.spoken += [*texts, new]
    return [told(Telling("criteria", "changed", WordsOf(tuple(texts)), WordsOf((new,)), group))]
