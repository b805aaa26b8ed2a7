"""Changing the words of one line: a number, a sign, a unit, a negation, other words, more or fewer of them.

Each takes a raw text and gives the edited one, or ``None`` where there is no place for it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from tests.edits.telling import reading

Rewrite = Callable[[str, random.Random], str | None]

_NUMBER = re.compile(r"(?<![\w.,])\d{1,3}(?:\.\d)?(?![.,]?\d)(?![A-Za-z])")
_SIGN = re.compile(r"(?<![-=<>])(?P<escape>\\*)(?P<sign>>=|<=|>|<|≥|≤)(?=\s*\d)")
_SIGNS = (">=", "<=", ">", "<", "≥", "≤")
_MEANT = {">=": "≥", "<=": "≤"}
_UNITS = {
    "day": "week", "days": "weeks", "week": "month", "weeks": "months", "month": "year", "months": "years", "year": "month",
    "years": "months", "hour": "minute", "hours": "days", "mg": "g", "kg": "g", "mL": "L", "ml": "l", "g": "mg", "mm": "cm", "cm": "mm",
}  # fmt: skip
_UNIT = re.compile(rf"(?<=\d )(?:{'|'.join(_UNITS)})\b(?![/²^])")
_COMPARISONS = (
    ("at least", "at most"), ("more than", "less than"), ("less than", "more than"), ("greater than", "less than"), ("older", "younger"),
    ("above", "below"), ("before", "after"), ("prior to", "after"), ("minimum", "maximum"), ("at most", "at least"), ("higher", "lower"),
)  # fmt: skip
_NEGATED = (
    ("with", "without"), ("must", "must not"), ("can", "cannot"), ("is", "is not"), ("are", "are not"), ("able", "unable"),
    ("will", "will not"), ("have", "have not"), ("has", "has not"), ("willing", "unwilling"), ("does", "does not"),
)  # fmt: skip
_AFFIRMED = (
    ("without", "with"), ("not", ""), ("cannot", "can"), ("unable", "able"), ("unwilling", "willing"), ("no", "any"), ("never", ""),
)  # fmt: skip
_OTHER_WORDS = ("documented", "suspected", "refractory", "ongoing", "bilateral", "idiopathic", "recorded", "paediatric")
_TAILS = ("as judged at screening", "in the opinion of two physicians", "at any time", "within the study centre", "of any origin")
_SHORT_TAILS = ("or fever", "at screening", "since birth")
_LIST_END = re.compile(r"(?P<body>.*?)(?P<end>[\s.;,]*(?:[;,]\s*(?:and|or|and/or)[\s.;,]*)?)$", re.DOTALL | re.IGNORECASE)


def number(text: str, rng: random.Random) -> str | None:
    found = _one_of(list(_NUMBER.finditer(text)), rng)
    if found is None:
        return None
    old = found[0]
    if "." in old:
        new = f"{float(old) + 0.5:.1f}"
    else:
        new = str(rng.choice([int(old) + 1, int(old) * 2 + 1, int(old) + 5, max(int(old) - 1, 0) if int(old) else 3]))
    return _put(text, found, new)


def sign(text: str, rng: random.Random) -> str | None:
    """A sign of comparison, in the same or the other spelling, that means another thing."""
    found = _one_of(list(_SIGN.finditer(text)), rng)
    if found is None:
        return None
    old = found["sign"]
    new = rng.choice([other for other in _SIGNS if _MEANT.get(other, other) != _MEANT.get(old, old)])
    return _put(text, found, ("\\" if new[0] in "<>" else "") + new)


def unit(text: str, rng: random.Random) -> str | None:
    found = _one_of(list(_UNIT.finditer(text)), rng)
    return None if found is None else _put(text, found, _UNITS[found[0]])


def comparison(text: str, rng: random.Random) -> str | None:
    return _swap(text, _COMPARISONS, rng)


def negate(text: str, rng: random.Random) -> str | None:
    return _swap(text, _NEGATED, rng)


def affirm(text: str, rng: random.Random) -> str | None:
    return _swap(text, _AFFIRMED, rng)


def may_not(text: str, rng: random.Random) -> str | None:
    return _swap(text, (("may", "may not"), ("should", "should not"), ("could", "could not")), rng)


def and_or(text: str, rng: random.Random) -> str | None:
    return _swap(text, (("and", "or"), ("or", "and")), rng)


def word(text: str, rng: random.Random) -> str | None:
    """One ordinary word of five or more becomes another."""
    if len(reading(text)) < 5:
        return None
    found = _one_of([each for each in re.finditer(r"(?<![\w\\&-])[a-z]{6,}(?![\w;-])", text) if each.start()], rng)
    return None if found is None else _put(text, found, rng.choice(_OTHER_WORDS))


def words_appended(text: str, rng: random.Random) -> str | None:
    return _grown(text, rng.choice(_TAILS)) if len(reading(text)) >= 6 else None


def two_words_appended(text: str, rng: random.Random) -> str | None:
    """A line of one to three words grows by two."""
    return _grown(text, rng.choice(_SHORT_TAILS)) if 1 <= len(reading(text)) <= 3 else None


def words_put_before(text: str, rng: random.Random) -> str | None:
    if len(reading(text)) < 6 or not re.match(r"[A-Z][a-z]+ ", text):
        return None
    return f"{rng.choice(('Documented or suspected', 'At screening,', 'In the past,'))} {text[0].lower()}{text[1:]}"


def bracket_removed(text: str, rng: random.Random) -> str | None:
    """What stands in brackets goes, where most of the line stays."""
    brackets = [each for each in re.finditer(r"\s\([^()]{3,}\)", text) if len(reading(each[0])) * 2 < len(reading(text))]
    found = _one_of(brackets, rng)
    return None if found is None else _put(text, found, "")


def bracket_added(text: str, rng: random.Random) -> str | None:
    found = _one_of(list(re.finditer(r"(?<=[a-z]{4})(?= [a-z]{3})", text)), rng)
    return None if found is None or len(reading(text)) < 8 else _put(text, found, " (as written in the chart)")


def in_two_places(text: str, rng: random.Random) -> str | None:
    """A number, and words at the end."""
    new = number(text, rng) if len(reading(text)) >= 8 else None
    return None if new is None else words_appended(new, rng)


def case(text: str, rng: random.Random) -> str | None:
    """The case of one word, and nothing else."""
    found = _one_of([each for each in re.finditer(r"(?<![\w\\&-])[a-z]{4,}(?![\w;-])", text) if each.start()], rng)
    return None if found is None else _put(text, found, found[0].upper())


def _one_of(found: Sequence[re.Match[str]], rng: random.Random) -> re.Match[str] | None:
    return rng.choice(found) if found else None


def _put(text: str, found: re.Match[str], new: str) -> str:
    return text[: found.start()] + new + text[found.end() :]


def _swap(text: str, pairs: Sequence[tuple[str, str]], rng: random.Random) -> str | None:
    """One of the first words of the pairs becomes the second; not the word at the end, which may belong to the list."""
    for old, new in rng.sample(pairs, len(pairs)):
        found = [
            each
            for each in re.finditer(rf"(?<![\w/-]){old}(?![\w/-])(?=.*\w)(?! not\b)", text, re.DOTALL | re.IGNORECASE)
            if _LIST_END.fullmatch(text)["body"][each.start() :]  # type: ignore[index]
        ]
        chosen = _one_of(found, rng)
        if chosen is not None:
            spelt = new.capitalize() if chosen[0][0].isupper() else new
            return _tidy(_put(text, chosen, spelt), gone=not new)
    return None


def _tidy(text: str, *, gone: bool) -> str:
    if not gone:
        return text
    text = re.sub(r"  +", " ", text).strip()
    return text[:1].upper() + text[1:]


def _grown(text: str, tail: str) -> str | None:
    parts = _LIST_END.fullmatch(text)
    if parts is None or not parts["body"] or parts["body"].endswith((":", ")")):
        return None
    return f"{parts['body']} {tail}{parts['end']}"
