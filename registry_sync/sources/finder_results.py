"""A page that shows what a search has found: several cards, or one in the frame of a search, though no heading may say so."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Sequence

from registry_sync.sources.blocks import Block
from registry_sync.sources.finder_titles import is_one_of
from registry_sync.sources.labels import Words, frames_a_search, is_criteria_heading, is_related, opens_other_trials
from registry_sync.sources.page_parts import shown_id, trial_ids

FEWEST_CARDS = 3
_FEWEST_BLOCKS_OF_A_CARD = 2
_MOST_BLOCKS_MORE = 3
_FEWEST_SIGNS = 2
_MOST_CHOSEN = 4
_MOST_WORDS_OF_A_FILTER = 6
_TITLE_ENDS = re.compile(r"\s+[|–—-]\s+|:\s")
_SEARCH = re.compile(r"\b(?:search|results?)\b", re.IGNORECASE)


def is_headed_so(blocks: Sequence[Block], window: str, trials: Collection[str], titles: Sequence[str]) -> bool:
    """Is the trial's title, or its id, that of the page, in its heading of the first rank or on its window?"""
    if any(block.level == 1 and (is_one_of(block.text, titles) or not trial_ids([block]).isdisjoint(trials)) for block in blocks):
        return True
    if any(is_one_of(part, titles) for part in (window, *_TITLE_ENDS.split(window))):
        return True
    return any(trial in window.upper() for trial in trials) and _SEARCH.search(window) is None


def is_one_of_cards(blocks: Sequence[Block], trials: Collection[str], words: Words) -> bool:
    """Does the trial's id stand in the first of several cards that are laid out alike, each with the id of another trial?

    Below a page's own content such cards may stand, too: the trial's own id is far from them then, or stands in another way.
    """
    cards: list[tuple[int, str]] = []
    for place, block in enumerate(blocks):
        if opens_other_trials(block.text) or (block.level and is_related(block.text)):
            break
        shown = shown_id(block, words)
        if shown is not None and (not cards or cards[-1][1] != shown):
            cards.append((place, shown))
    if len({shown for _, shown in cards}) < FEWEST_CARDS or cards[0][1] not in trials:
        return False
    own, *others = [after - before for (before, _), (after, _) in itertools.pairwise(cards)]
    forms = {_form(blocks[at]) for at, _ in cards}
    return len(forms) == 1 and _FEWEST_BLOCKS_OF_A_CARD <= own <= max(others) + _MOST_BLOCKS_MORE


def _form(block: Block) -> tuple[str, int, str]:
    label, colon, _ = block.text.partition(":")
    return block.kind, block.level, label if colon else ""


def is_in_a_frame(blocks: Sequence[Block], trials: Collection[str], titles: Sequence[str], words: Words) -> bool:
    """Do a count of results, filters or pages to turn stand around the trial? Its places may have theirs, and no card has criteria."""
    signs = {at: sign for at, block in enumerate(blocks) if (sign := frames_a_search(block.text)) is not None}
    if not signs:
        return False
    first = next((at for at, block in enumerate(blocks) if _is_of_trial(block, trials, titles)), None)
    if first is None or any(is_criteria_heading(block.text) for block in blocks[first:]):
        return False
    if any(at < first and sign == "count" and _SEARCH.search(blocks[at].text) for at, sign in signs.items()):
        return True
    places = next((at for at in range(first, len(blocks)) if words.label_meaning(blocks[at].text) == "locations"), len(blocks))
    above = {sign for at, sign in signs.items() if at < first}
    around = {sign for at, sign in signs.items() if at < places}
    return bool({"count", "filter"} & above) and len(around) >= _FEWEST_SIGNS


def is_a_filter(blocks: Sequence[Block], place: int) -> bool:
    """Is this line what a search was narrowed to: one of short lines with those of a search's filters above or below them?"""
    for step in (-1, 1):
        at = place + step
        while 0 <= at < len(blocks) and abs(at - place) <= _MOST_CHOSEN and _is_chosen(blocks[at]):
            if frames_a_search(blocks[at].text) == "filter":
                return step > 0 or (at > 0 and blocks[at - 1].level == 1) or _is_framed_below(blocks, place)
            at += step
    return False


def _is_framed_below(blocks: Sequence[Block], place: int) -> bool:
    below = itertools.takewhile(_is_chosen, blocks[place + 1 : place + 1 + _MOST_CHOSEN])
    return any(frames_a_search(block.text) in ("filter", "count") for block in below)


def _is_chosen(block: Block) -> bool:
    return not block.level and block.text.count(" ") < _MOST_WORDS_OF_A_FILTER


def _is_of_trial(block: Block, trials: Collection[str], titles: Sequence[str]) -> bool:
    return is_one_of(block.text, titles) or not trial_ids([block]).isdisjoint(trials)
