"""The words of a criterion that decide who may join: numbers, signs of comparison, units, negations."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from functools import lru_cache

from registry_sync.trials.text import caseless, words

_COMPARISONS = frozenset(
    "least most more less greater fewer above below over under minimum maximum min max exceeding exceeds exceed older younger "
    "higher lower equal before after within until prior since between up".split()
)
_NEGATIONS = frozenset(
    "no not non nor none never neither without except excluding exclude excluded unless absence absent negative positive "
    "unable unwilling only minus".split()
)
_OPPOSITES = (
    {"with", "without"},
    {"may", "must"},
    {"should", "must"},
    {"may", "should"},
    {"all", "any"},
    {"presence", "absence"},
    {"able", "unable"},
    {"male", "female"},
    {"males", "females"},
    {"men", "women"},
    {"man", "woman"},
    {"either", "both"},
    {"high", "low"},
    {"increased", "decreased"},
    {"left", "right"},
    {"acute", "chronic"},
    {"daily", "weekly"},
    {"weekly", "monthly"},
    {"daily", "monthly"},
    {"longer", "shorter"},
    {"earlier", "later"},
    {"larger", "smaller"},
    {"inpatient", "outpatient"},
    {"inpatients", "outpatients"},
    {"lacks", "has"},
    {"lack", "have"},
    {"refuses", "accepts"},
    {"refuse", "accept"},
    {"partial", "complete"},
    {"sensitive", "resistant"},
    {"naive", "experienced"},
    {"na\u00efve", "experienced"},
    {"immunocompetent", "immunocompromised"},
    {"improved", "worsened"},
    {"benign", "malignant"},
)
_OPPOSING_PREFIXES = ("un", "non", "in", "im", "ir", "dis", "ab", "a")
_LONG_WORD = 5
"""Letters of a word that "a" before it turns round ("symptomatic"); shorter ones are other words ("part", "apart")."""
_UNITS = frozenset(
    "year month week day hour minute mg g kg ug \u03bcg mcg ng pg ml l dl \u03bcl mm cm m m2 m\u00b2 mmol \u03bcmol mol iu u unit mmhg "
    "bpm kcal cycle dose gy msec ms uln lln c f".split()
)
_NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen "
        "twenty".split()
    )
}
_ARABIC = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8", "ix": "9", "x": "10", "xi": "11"}
_NUMBER_WORDS = frozenset("once twice half double first second third fourth".split())
_SIGNS = frozenset("<>\u2264\u2265=%\u00b1+^\u2260\u00d7")
_PUNCTUATION = frozenset(".,;()'\"")
_DIGIT = re.compile(r"[0-9]")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_NAMED_NUMBER = re.compile(r"[a-z]+[0-9]+")
_ROMAN = re.compile(r"(?:ii|iii|vii|viii)[abc]?|(?:iv|vi|ix|xi)[abc]", re.IGNORECASE)
_ROMAN_DIGITS = frozenset("i v x iv vi ix xi ia ib ic".split())
"""Numerals that are words or abbreviations, too ("IV antibiotics"): numbers only behind what is counted in them."""
_COUNTED = frozenset(
    "stage stages grade grades class classes nyha type types phase phases part cohort group i ii iii iv or and to - / ,".split()
)
_SAME_SENSE: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), plain)
    for pattern, plain in (
        (r"\bcan(?:not|'t)\b", "can not"),
        (r"n't\b", " not"),
        (r"\band ?/ ?or\b", "andor"),
        (r"(?<=[0-9]),(?=[0-9]{3}\b)", ""),
        (r"(?<=[0-9]),(?=[0-9]{1,2}\b)", "."),
        (r"(?<=[0-9])\.0+\b(?!\.?[0-9])", ""),
        (r"\bmilli-?grams?\b", "mg"),
        (r"\bmicro-?grams?\b|\bmcg\b|\bug\b", "\u03bcg"),
        (r"\bkilo-?grams?\b|\bkgs\b", "kg"),
        (r"\byrs?\b", "years"),
        (r"(?<=[0-9]) ?x ?(?=[0-9]|uln\b|lln\b|upper\b|the upper\b)", " \u00d7 "),
        (r"\b(?:greater|more|higher|older) than or equal to\b|\bequal to or (?:greater|more|higher|older) than\b", "\u2265"),
        (r"\b(?:less|fewer|lower|younger) than or equal to\b|\bequal to or (?:less|fewer|lower|younger) than\b", "\u2264"),
        (r"\bat least\b|\bno(?:t)? (?:less|fewer) than\b", "\u2265"),
        (r"\bat most\b|\bno(?:t)? (?:more|greater) than\b", "\u2264"),
        (r"\b(?:greater|more) than\b", ">"),
        (r"\b(?:less|fewer) than\b", "<"),
        (r"(?<![0-9] )(?:^|(?<=[\s(\[<>=\u2264\u2265]))-(?=[0-9])", "minus "),
        (r"\bc([0-9]{1,2})d([0-9]{1,2})\b", r"cycle \1 day \2"),
        (r"(cycle [0-9]+ day [0-9]+) ?\(\1\)", r"\1"),
        (r"(?<!the )\bfollowing\b(?!\s*:)", "after"),
    )
)
"""Ways to write the same thing, and the plain one: a step between them is told, and decides nothing."""
_EXCEPTION = re.compile(r"\b(?:except(?:ing|ion of|ions? are)?|excluding|exclusion of|unless|other than|apart from|but not)\b([^.;:)]*)")


def differ_critically(before: str, after: str) -> bool:
    """Does a number, a sign of comparison, a unit or a negation differ, or does a word stand where its opposite stood?"""
    mine, theirs = critical_words(before), critical_words(after)
    if len(mine) != len(theirs) or not all(map(_say_the_same, mine, theirs)) or _exceptions(before) != _exceptions(after):
        return True
    if _lost_a_clause(before, after) or _lost_a_clause(after, before):
        return True
    old, new = Counter(words(_plainly(before))), Counter(words(_plainly(after)))
    gone, come = set(old - new), set(new - old)
    if gone and come and gone | come <= {"and", "or", "andor"}:
        return True  # alone; where a list grows they only move along it
    return any(len(pair & gone) == 1 and pair & come == pair - gone for pair in _OPPOSITES) or _turned_round(gone, come)


def _lost_a_clause(longer: str, shorter: str) -> bool:
    """Did one of several rules on a line go, the others being the same ("smoking; pregnancy; asthma")?"""
    had, has = ([bare_words(clause) for clause in text.split(";") if bare_words(clause)] for text in (longer, shorter))
    return len(had) > len(has) >= 1 and len(had) > 2 and all(clause in had for clause in has)


def _turned_round(gone: set[str], come: set[str]) -> bool:
    """Did a word gain or lose a prefix that turns its sense round ("controlled", "uncontrolled")?"""
    return any(
        prefix + word in there
        for here, there in ((gone, come), (come, gone))
        for word in here
        for prefix in _OPPOSING_PREFIXES
        if len(word) >= _LONG_WORD or len(prefix) > 1
    )


def _exceptions(text: str) -> list[tuple[str, ...]]:
    """What is excepted: the words behind "except", "excluding", "unless", "other than", to the end of their clause."""
    return [tuple(word for word in words(clause) if word.isalnum()) for clause in _EXCEPTION.findall(caseless(text))]


def bare_words(text: str) -> tuple[str, ...]:
    """The words, numbers and signs of a text in their order, without case and punctuation: two texts of the same ones say the same."""
    return tuple(word for word in words(text) if word not in _PUNCTUATION)


@lru_cache(maxsize=1024)
def critical_words(text: str) -> tuple[str, ...]:
    """The numbers, signs of comparison, units and negations of a text, in their order; "following surgery" is "after surgery"."""
    found, last = [], ""
    every = words(_plainly(text))
    for word, following in itertools.zip_longest(every, every[1:], fillvalue=""):
        counted = last in _COUNTED
        numeral = _ROMAN.fullmatch(word) is not None and (counted or following not in (".", ")"))  # "ii." counts a list
        if _is_critical(word) or numeral or (word in _ROMAN_DIGITS and counted):
            found.append(_NUMBERS.get(word) or _ARABIC.get(word) or _singular(word))
        last = word
    return tuple(found)


@lru_cache(maxsize=1024)
def _plainly(text: str) -> str:
    """The text without case, with one way to write what can be written in several."""
    text = caseless(text)
    for pattern, plain in _SAME_SENSE:
        text = pattern.sub(plain, text)
    return text


def _say_the_same(one: str, other: str) -> bool:
    """The same, or the same number glued to its name on one side only ("HER2", "(HER) 2")."""
    if one == other:
        return True
    bare, named = (one, other) if one.isdigit() else (other, one)
    return bare.isdigit() and _NAMED_NUMBER.fullmatch(named) is not None and named.lstrip(_LETTERS) == bare


def _is_critical(word: str) -> bool:
    if word[0].isnumeric() or word in _SIGNS:
        return True
    if word in _COMPARISONS or word in _NEGATIONS or word in _NUMBER_WORDS or word in _NUMBERS or _singular(word) in _UNITS:
        return True
    return _DIGIT.search(word) is not None


def _singular(word: str) -> str:
    return word[:-1] if word.endswith("s") and word[:-1] in _UNITS else word
