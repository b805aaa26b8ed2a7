"""Are two titles those of one trial? Sister trials have nearly the same: numbers and names must agree, and so must nearly every word."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from functools import lru_cache

_HARMLESS = frozenset(
    "a an the of in on for to and or with from by at as its their is are be who study studie trial clinical patient participant subject "
    "people individual randomized randomised controlled multicenter multicentre prospective interventional".split()
)
"""Words in which the titles of one trial may differ."""
_ONE_WORD = {
    "ii": "2", "iii": "3", "iv": "4", "syndrome": "disease", "disorder": "disease", "therapy": "treatment", "effectiveness": "efficacy",
    "versu": "vs", "v": "vs",
}  # fmt: skip
_WORD = re.compile(r"[a-z0-9]+(?:\.[0-9]+)?|[<>\u2264\u2265\u00b1%]|[^\W\d_a-z]+")
_POSSESSIVE = re.compile(r"['\u2019\u00b4`]s\b")
_SHORT_NAME = r"[^\s()]*[A-Z0-9][^\s()]*(?:\s(?:study|trial))?"
_NAME_BEHIND = re.compile(rf"\s*[(\[]{_SHORT_NAME}[)\]]\s*$")
_NAME_BEFORE = re.compile(r"^(?=\S*[A-Z0-9])[^\s:a-z]+(?:\s(?:study|trial))?:\s+")
_ACRONYM = re.compile(r"(?=(?:\S*[A-Z]){4})[A-Z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)?(?: (?:\d{1,2}|I{1,3}|IV))?")
_MOST_LETTERS_OF_AN_ACRONYM = 24
_FEWEST_WORDS = 4
_FEWEST_AKIN = 3
_MOST_LETTERS = 600


def titles_agree(one: str, other: str) -> bool:
    """Are these one title, but for case, accents, plurals, small words, and a short name that only one of them has?"""
    if len(one) > _MOST_LETTERS or len(other) > _MOST_LETTERS:
        return False
    told = _words(one), _words(other)
    if told[0] == told[1]:
        return _says_enough(told[0])
    bare = _words(_without_name(one)), _words(_without_name(other))
    one_sided = (bare[0] == told[0]) != (bare[1] == told[1])  # of two different short names neither may be left out
    return one_sided and bare[0] == bare[1] and _says_enough(bare[0])


def is_telling(title: str) -> bool:
    """Has this title words enough to be known by?"""
    return _says_enough(_words(title))


def is_acronym(text: str) -> bool:
    """Is this the short name of a trial and nothing else ("ASPREE", "SURMOUNT-1")?"""
    return len(text) <= _MOST_LETTERS_OF_AN_ACRONYM and _ACRONYM.fullmatch(text) is not None


def titles_are_akin(one: str, others: Collection[str]) -> bool:
    """Has this heading most of its words from the other titles, so that it may be one of them in words of its own?"""
    if len(one) > _MOST_LETTERS:
        return False
    mine = {word for word in _words(one) if not word.isdigit()}
    theirs = {word for other in others if len(other) <= _MOST_LETTERS for word in _words(other)}
    return len(mine & theirs) >= _FEWEST_AKIN and 2 * len(mine & theirs) > len(mine)


def is_one_of(shown: str, titles: Sequence[str]) -> bool:
    """Is this one of a trial's titles? A short name that none of them has, where one has another, is a sister's."""
    if not any(titles_agree(shown, title) for title in titles):
        return False
    theirs = {name for title in titles for name in _short_names(title)}
    return not theirs or theirs.issuperset(_short_names(shown))


def _short_names(title: str) -> frozenset[str]:
    found = [match[0].strip(" ()[]:") for form in (_NAME_BEHIND, _NAME_BEFORE) if (match := form.search(title))]
    return frozenset(re.sub(r"\s(?:study|trial)$", "", name.casefold()) for name in found)


def _says_enough(words: tuple[str, ...]) -> bool:
    """Has a title words enough to be of one trial only? "A Study of X in Healthy Volunteers" is of many."""
    return len({word for word in words if not word.isdigit()}) >= _FEWEST_WORDS


def _without_name(title: str) -> str:
    return _NAME_BEFORE.sub("", _NAME_BEHIND.sub("", title))


@lru_cache(maxsize=1024)
def _words(title: str) -> tuple[str, ...]:
    plain = unicodedata.normalize("NFKD", _POSSESSIVE.sub("", title.casefold()))
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    words = (_folded(word) for word in _WORD.findall(plain))
    return tuple(word for word in words if word not in _HARMLESS)


def _folded(word: str) -> str:
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    word = word.replace("ae", "e").replace("oe", "e").replace("isation", "ization")
    return _ONE_WORD.get(word, word)
