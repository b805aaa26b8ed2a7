"""Where a page begins to tell of other trials than its own, and where its criteria only speak of them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from registry_sync.sources.blocks import Block
from registry_sync.sources.labels import ELIGIBILITY_FACTS, NONE, Words, is_criteria_heading, opens_other_trials
from registry_sync.sources.registers import ANY_TRIAL_ID

_MOST_WORDS_OF_A_HEADING = 8
_MOST_BLOCKS_BACK = 400
_MOST_BLOCKS_BELOW = 12
_OF_A_PATIENT = re.compile(
    r"particip|enrol|concurrent|simultaneous|concomitant|investigational|\btreated\b|receiv|randomi[sz]ed in|within|\b(?:prior|previous)|"
    r"\d\s*(?:days?|weeks?|months?|years?|half)|\b(?:not|no|any|must|who|patients?|subjects?)\b",
    re.IGNORECASE,
)
"""How a criterion speaks of other trials: of who took part in them, and when."""


def begins_other_trials(blocks: Sequence[Block], index: int, words: Words) -> bool:
    """Does the block at ``index`` open a part about other trials?

    Within a group of criteria it does so only where other trials follow: "Other trials" is a heading of criteria, too.
    """
    block = blocks[index]
    return opens_other_trials(block.text) and not (_is_in_group(blocks, index, words) and _speaks_of_patients(blocks, index, words))


def _is_in_group(blocks: Sequence[Block], index: int, words: Words) -> bool:
    """Is a heading of criteria the last label above?"""
    level = blocks[index].level
    for block in reversed(blocks[max(0, index - _MOST_BLOCKS_BACK) : index]):
        if is_criteria_heading(block.text):
            return not (level and block.level) or block.level < level
        meaning = words.label_meaning(block.text)
        if block.kind != "item" and meaning is not None and meaning not in ELIGIBILITY_FACTS and meaning != NONE:
            return False
        if level and 0 < block.level < level:
            return False
    return False


def _speaks_of_patients(blocks: Sequence[Block], index: int, words: Words) -> bool:
    """Is this a criterion, or do criteria follow it?"""
    block, below = blocks[index], list(_below(blocks, index))
    if block.linked or any(_tells_of_trial(one, words) for one in (block, *below)):
        return False
    if not block.level and (len(block.text.split()) > _MOST_WORDS_OF_A_HEADING or block.text.endswith((".", ";"))):
        return True
    return any(_OF_A_PATIENT.search(one.text) for one in below)


def _below(blocks: Sequence[Block], index: int) -> Iterator[Block]:
    following = blocks[index + 1 : index + 1 + _MOST_BLOCKS_BELOW]
    return itertools.takewhile(lambda one: not one.level and not is_criteria_heading(one.text), following)


def _tells_of_trial(block: Block, words: Words) -> bool:
    """Is this a way to another trial: a link, an id, a status?"""
    return block.linked or ANY_TRIAL_ID.search(block.text) is not None or bool(words.bare_status(block.text))
