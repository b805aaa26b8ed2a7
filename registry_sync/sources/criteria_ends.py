"""Where the eligibility criteria of a page end: at its next label, beyond their part of a table, and where its ways to elsewhere begin."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from registry_sync.sources.blocks import Block
from registry_sync.sources.columns import names_group
from registry_sync.sources.finder_values import is_value_of, location
from registry_sync.sources.labels import (
    CRITERIA,
    ELIGIBILITY_FACTS,
    NONE,
    PAGE_LABELS,
    REFRESHED,
    REGISTRATION,
    Words,
    entries_of_menu,
    leads_elsewhere,
    opens_about,
)
from registry_sync.sources.markers import strip_bullets
from registry_sync.sources.other_trials import begins_other_trials
from registry_sync.sources.page_parts import begins_about, parted

_BULLETED_LINE = re.compile(r"^\s*(?:[•*●▪·]|[–-]{1,2}|\d{1,2}[.)])\s", re.MULTILINE)
_SOMETHING_ELSE = (PAGE_LABELS | {REGISTRATION, REFRESHED}) - {CRITERIA}
_FEWEST_WORDS = 3
_MOST_WORDS_OF_A_LINK = 12
_FEWEST_LINKS = 2
_FEWEST_ENTRIES = 3
_MOST_BLOCKS_AHEAD = 200


def is_item(block: Block) -> bool:
    """Is this an item of a list, of the page's own or by the bullet in its text?"""
    return block.kind == "item" or _BULLETED_LINE.match(block.text) is not None


def may_precede_heading(block: Block) -> bool:
    """Is this an item, or what introduces one?"""
    return is_item(block) or block.text.endswith(":") or names_group(block)


def end_of_criteria(blocks: Sequence[Block], start: int, words: Words) -> int:
    """The place of the first block that no longer belongs to the criteria which the block at ``start`` opens."""
    anchor = start  # the last heading: where the page leaves its place in a table, the criteria below it end
    for index in range(start + 1, len(blocks)):
        if names_group(blocks[index]):
            anchor = index
        elif not _stands_in_column(blocks, anchor, blocks[index]) and _is_beyond(blocks, index, start, anchor, words):
            return index
    return len(blocks)


def _is_beyond(blocks: Sequence[Block], index: int, start: int, anchor: int, words: Words) -> bool:
    """Does the block at ``index`` no longer belong to the criteria that begin at ``start``, and whose last heading is at ``anchor``?"""
    block = blocks[index]
    if _leads_elsewhere(blocks, index, anchor, words):
        return True
    if _heads_criteria(blocks, index, blocks[anchor], words) or _list_goes_on(blocks, index, start, anchor, words):
        return False
    return (
        _leaves_place(blocks, anchor, block)
        or _leaves_item(blocks[anchor], blocks[anchor + 1], block, words)
        or _ends_criteria(blocks[start], blocks[anchor], block, words)
        or (block.kind not in ("item", "heading") and begins_other_trials(blocks, index, words))
    )


def _stands_in_column(blocks: Sequence[Block], place: int, block: Block) -> bool:
    """Does ``block`` stand in the cell beside, or below, the one that holds the name of its group alone? All there is a criterion."""
    anchor, first = blocks[place], blocks[place + 1]
    if not anchor.row or (anchor.row, anchor.nesting) != (block.row, block.nesting) or (first.row, first.cell) == (anchor.row, anchor.cell):
        return False
    return block.cell > anchor.cell and names_group(anchor)


def _leads_elsewhere(blocks: Sequence[Block], index: int, anchor: int, words: Words) -> bool:
    """Do links, a menu or a line such as "See also: ..." begin here, behind at least one criterion?"""
    block, before = blocks[index], blocks[index - 1]
    if index - 1 <= anchor or before.linked or words.is_cut_off(block.text) or _goes_on_in_list(before, block):
        return False
    if leads_elsewhere(block.text):
        return not _criteria_follow(blocks, index, before)
    if sum(itertools.takewhile(bool, (entries_of_menu(one.text) for one in blocks[index : index + _FEWEST_ENTRIES]))) >= _FEWEST_ENTRIES:
        return True
    coming = (blocks[place] for place in range(index, len(blocks)))
    run = list(itertools.takewhile(lambda one: one.linked and not _is_long(one) and not names_group(one), coming))
    if len(run) >= _FEWEST_LINKS and not any(words.is_cut_off(one.text) for one in run):
        return not _criteria_follow(blocks, index + len(run) - 1, before)
    return False


def _goes_on_in_list(before: Block, block: Block) -> bool:
    return block.kind == "item" and bool(block.outline) and block.outline == before.outline


def _is_long(block: Block) -> bool:
    return len(block.text.split()) > _MOST_WORDS_OF_A_LINK


def _criteria_follow(blocks: Sequence[Block], index: int, before: Block) -> bool:
    """Does the list that stood before go on behind ``index``, or other items that are no links, before the next heading?"""
    for block in blocks[index + 1 : index + 1 + _MOST_BLOCKS_AHEAD]:
        if block.level or block.kind == "term" or names_group(block):
            return False
        if _goes_on_in_list(before, block) or (is_item(block) and not block.linked and is_item(before)):
            return True
    return False


def _heads_criteria(blocks: Sequence[Block], index: int, anchor: Block, words: Words) -> bool:
    """Is this label, in the list of a group, a heading of some of its criteria ("Age", then a sentence), and no field of the page?"""
    block, before = blocks[index], blocks[index - 1]
    meaning = words.label_meaning(block.text)
    if meaning is None or block.kind == "term" or not names_group(anchor):
        return False
    if block.row and (block.row, block.cell) != (anchor.row, anchor.cell):
        return False
    if block.level and not 0 < anchor.level < block.level:
        return False
    following = blocks[index + 1] if index + 1 < len(blocks) else None
    if following is None or words.label_meaning(following.text) is not None or not words.is_stated(following.text):
        return False
    bullet = strip_bullets(block.text)[0]
    if bullet and bullet == strip_bullets(before.text)[0] == strip_bullets(following.text)[0]:
        return meaning in ELIGIBILITY_FACTS or meaning == NONE
    if meaning in ELIGIBILITY_FACTS:
        introduces = is_item(following) and block.text.endswith(":")
        return (introduces or len(following.text.split()) > _FEWEST_WORDS) and not is_value_of(meaning, following.text, words)
    in_list = is_item(following) and (is_item(before) or names_group(before))
    return meaning == "conditions" and block.text.lower().startswith("medical") and in_list


def _list_goes_on(blocks: Sequence[Block], index: int, start: int, anchor: int, words: Words) -> bool:
    """Is this label, of a lower rank than the headings of the criteria, right between items of their list that are sentences?"""
    block, level = blocks[index], blocks[anchor].level or blocks[start].level
    if not level or 0 < block.level <= level or block.row or block.kind == "term" or words.label_meaning(block.text) is None:
        return False
    if not names_group(blocks[anchor]) or not may_precede_heading(blocks[index - 1]):
        return False
    below = list(itertools.takewhile(is_item, blocks[index + 1 :]))
    told = [
        one for one in below if len(one.text.split()) > _FEWEST_WORDS and location(one.text) is None and not words.label_meaning(one.text)
    ]
    return 2 * len(told) > len(below)


def _ends_criteria(opening: Block, anchor: Block, block: Block, words: Words) -> bool:
    """Does the section that ``opening`` opens, and whose last heading is ``anchor``, end before ``block``?"""
    if anchor.kind == "term" and block.kind == "term":
        return True
    if block.kind == "item":
        return False  # an item that says only "Age" is a criterion
    if block.kind == "heading":
        return not opening.level or block.level <= opening.level or words.label_meaning(block.text) is not None or opens_about(block.text)
    meaning = words.label_meaning(block.text)
    if block.marker is None and (meaning is not None or _states_something_else(block, words)):
        return True
    return begins_about(block)


def _states_something_else(block: Block, words: Words) -> bool:
    """Is this a line such as "Sponsor: Example Hospital", which is no criterion?"""
    label, colon, value = block.text.partition(":")
    return bool(colon and value.strip()) and words.label_meaning(label) in _SOMETHING_ELSE


def _leaves_place(blocks: Sequence[Block], place: int, block: Block) -> bool:
    """Does ``block`` stand beyond the part of a table or definition list that the heading at ``place`` is the label of?

    That part is the heading's own cell where its content is in it too, else the other cells of its row and what has no
    label of its own below them; for a heading that fills its row, the rows of the same shape as the next one.
    """
    anchor, first = blocks[place], blocks[place + 1]
    if block.nesting > anchor.nesting:
        return False
    if block.nesting < anchor.nesting:
        return first.nesting >= anchor.nesting
    if not anchor.row:
        return bool(block.row) and not first.row
    in_own_cell = (first.row, first.cell) == (anchor.row, anchor.cell)
    if block.row == anchor.row:
        return in_own_cell and block.cell != anchor.cell
    return in_own_cell or not block.row or block.cell == 0


def _leaves_item(anchor: Block, first: Block, block: Block, words: Words) -> bool:
    """Does ``block`` stand beside the list item that holds a heading and its list, with a label of its own ("Location: ...")?"""
    holds_list = anchor.kind == "item" and first.depth > anchor.depth
    return holds_list and block.kind == "item" and block.depth <= anchor.depth and next(parted(block, words)).meaning is not None
