"""The words of a criterion that decide who may join: numbers, signs of comparison, units, negations."""

from __future__ import annotations

import re
from collections import Counter

from registry_sync.trials.text import caseless, words

_COMPARISONS = frozenset(
    "least most more less greater fewer above below over under minimum maximum min max exceeding exceeds exceed older younger "
    "higher lower equal before after within until prior since between up".split()
)
_NEGATIONS = frozenset(
    "no not non nor none never neither without except excluding exclude excluded unless cannot absence absent negative positive "
    "unable unwilling only".split()
)
_OPPOSITES = (
    {"with", "without"},
    {"may", "must"},
    {"should", "must"},
    {"may", "should"},
    {"all", "any"},
    {"presence", "absence"},
    {"able", "unable"},
)
_UNITS = frozenset(
    "year month week day hour minute mg g kg ug \u03bcg mcg ng pg ml l dl \u03bcl mm cm m m2 m\u00b2 mmol \u03bcmol mol iu u unit mmhg "
    "bpm kcal cycle dose gy msec ms uln lln c f".split()
)
_NUMBER_WORDS = frozenset(
    "one two three four five six seven eight nine ten eleven twelve eighteen twenty once twice half double "
    "first second third fourth".split()
)
_SIGNS = frozenset("<>\u2264\u2265=%\u00b1+^\u2260\u00d7")
_PUNCTUATION = frozenset(".,;()'\"")
_EXCEPTION = re.compile(r"\b(?:except(?:ing|ion of|ions? are)?|excluding|exclusion of|unless|other than|apart from|but not)\b([^.;:)]*)")


def differ_critically(before: str, after: str) -> bool:
    """Does a number, a sign of comparison, a unit or a negation differ, or does a word stand where its opposite stood?"""
    if critical_words(before) != critical_words(after) or _exceptions(before) != _exceptions(after):
        return True
    old, new = Counter(words(before)), Counter(words(after))
    gone, come = set(old - new), set(new - old)
    if gone | come == {"and", "or"}:
        return True  # alone; where a list grows they only move along it
    return any(len(pair & gone) == 1 and pair & come == pair - gone for pair in _OPPOSITES)


def _exceptions(text: str) -> list[tuple[str, ...]]:
    """What is excepted: the words behind "except", "excluding", "unless", "other than", to the end of their clause."""
    return [tuple(word for word in words(clause) if word.isalnum()) for clause in _EXCEPTION.findall(caseless(text))]


def is_respelled(before: str, after: str) -> bool:
    """Do both say the same words, numbers and signs in the same order, with other case or punctuation?"""
    return _bare(before) == _bare(after)


def _bare(text: str) -> tuple[str, ...]:
    return tuple(word for word in words(text) if word not in _PUNCTUATION)


def critical_words(text: str) -> tuple[str, ...]:
    """The numbers, signs of comparison, units and negations of a text, in their order."""
    return tuple(_singular(word) for word in words(text) if _is_critical(word))


def _is_critical(word: str) -> bool:
    if word[0].isdigit() or word in _SIGNS:
        return True
    return word in _COMPARISONS or word in _NEGATIONS or word in _NUMBER_WORDS or _singular(word) in _UNITS


def _singular(word: str) -> str:
    return word[:-1] if word.endswith("s") and word[:-1] in _UNITS else word
