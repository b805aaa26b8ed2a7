"""The words of a criterion that decide who may join: numbers, signs of comparison, units, negations."""

from __future__ import annotations

from registry_sync.trials.text import words

_COMPARISONS = frozenset(
    "least most more less greater fewer above below over under minimum maximum min max exceeding exceeds exceed older younger "
    "higher lower equal before after within until prior since between up".split()
)
_NEGATIONS = frozenset(
    "no not non nor none never neither without with except excluding exclude excluded including unless cannot absence absent "
    "presence present negative positive unable able unwilling willing may must should and or all any only either both".split()
)
_UNITS = frozenset(
    "year month week day hour minute mg g kg ug \u03bcg mcg ng pg ml l dl \u03bcl mm cm m m2 m\u00b2 mmol \u03bcmol mol iu u unit mmhg "
    "bpm kcal cycle dose gy msec ms uln lln c f".split()
)
_NUMBER_WORDS = frozenset(
    "one two three four five six seven eight nine ten eleven twelve eighteen twenty once twice half double "
    "first second third fourth".split()
)
_SIGNS = frozenset("<>\u2264\u2265=%\u00b1+/^\u2260~\u00d7")


def critical_words(text: str) -> tuple[str, ...]:
    """The numbers, signs of comparison, units and negations of a text, in their order."""
    return tuple(_singular(word) for word in words(text) if _is_critical(word))


def _is_critical(word: str) -> bool:
    if word[0].isdigit() or word in _SIGNS:
        return True
    return word in _COMPARISONS or word in _NEGATIONS or word in _NUMBER_WORDS or _singular(word) in _UNITS


def _singular(word: str) -> str:
    return word[:-1] if word.endswith("s") and word[:-1] in _UNITS else word
