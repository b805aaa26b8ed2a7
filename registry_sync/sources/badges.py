"""Short facts of a trial that stand in one line near its title: "Recruiting · Phase 2 · NCT01234567", or each in an element."""

from __future__ import annotations

import re

from registry_sync.sources.blocks import Block
from registry_sync.sources.finder_values import ages, bare_phases, calendar_date, phases, sex, study_type
from registry_sync.sources.labels import Words
from registry_sync.sources.registers import REGISTER_NUMBER, TRIAL_ID

MOST_LETTERS = 60
_MOST_LETTERS_OF_A_LINE = 240
_BETWEEN = re.compile(r"\s*[·•|]\s*|\s+/\s+")
_BESIDE_AN_ID = re.compile(
    r"(?:nct|trial|study|clinicaltrials\.gov|eudract|eu ct|isrctn|id|identifier|number|no|[\s:.#()])*", re.IGNORECASE
)
_DAY = re.compile(
    r"(?:last |first )?(?:updated|posted|verified|registered|added|refreshed)(?: on)?:?\s+"
    r"(?:(?P<ago>\d+ \w+ ago|today|yesterday)|(?P<day>.{6,20}))",
    re.IGNORECASE,
)
_UNSAID = frozenset(("n/a", "na"))


def facts_of(*runs: str) -> tuple[str, ...]:
    """What stands in the runs of a line, and there between its signs; one where it is not divided."""
    return tuple(fact for run in runs for fact in (_BETWEEN.split(run) if _has_sign(run) else (run,)) if any(map(str.isalnum, fact)))


def _has_sign(run: str) -> bool:
    return len(run) <= _MOST_LETTERS_OF_A_LINE and any(sign in run for sign in "·•|/")


def is_fact(text: str, words: Words) -> bool:
    """Does this say one thing of a trial: its status, phase, id, kind, sex, ages or a day, or anything beside its label?"""
    if len(text) > MOST_LETTERS:
        return False
    said = words.bare_status(text) or bare_phases(text) or phases(text) == ("NA",) or _is_id(text)
    named = said or study_type(text) or sex(text) or any(ages(text)) or calendar_date(text) or text.casefold() in _UNSAID
    return bool(named or not any(letter.isalpha() for letter in text)) or _is_day(text) or _is_labelled(text, words)


def _is_day(text: str) -> bool:
    found = _DAY.fullmatch(text)
    return found is not None and (found["ago"] is not None or calendar_date(found["day"]) is not None)


def _is_labelled(text: str, words: Words) -> bool:
    label, colon, value = text.partition(":")
    return bool(colon and value.strip()) and words.label_meaning(label) is not None and TRIAL_ID.search(value) is None


def _is_id(text: str) -> bool:
    bare = REGISTER_NUMBER.sub(" ", TRIAL_ID.sub(" ", text))
    return bare != text and _BESIDE_AN_ID.fullmatch(bare) is not None


def are_facts(block: Block, text: str, words: Words) -> bool:
    """Does this line of a block say nothing but such facts, one or several?"""
    return len(text) <= _MOST_LETTERS_OF_A_LINE and all(is_fact(fact, words) for fact in facts_of(*runs_of(block, text)))


def are_badges(block: Block, words: Words) -> bool:
    """The same of facts that have no label."""
    return ":" not in block.text and are_facts(block, block.text, words)


def runs_of(block: Block, text: str) -> tuple[str, ...]:
    """The elements of a block, or its text where it is one run."""
    return block.parts if len(block.parts) > 1 else (text,)
