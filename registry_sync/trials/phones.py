"""Telephone numbers: told apart in the field of a contact, and found in running text whatever other digits stand beside them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import msgspec

_BETWEEN = r"(?:[\s().\\/\u00ad\u00b7\u200b-\u200d\u2010-\u2015\u2060\u2212\ufeff\uff08\uff09\uff0d-]|&nbsp;|&#160;)"
_RUN = re.compile(rf"\d(?:{_BETWEEN}{{0,3}}\d)*")
_TRUNK = re.compile(r"\(\s?0\s?\)|\uff080\uff09")
_NO_DIGITS = re.compile(rf"{_TRUNK.pattern}|&#160;")
_CODE_BEFORE = re.compile(
    rf"(?:\(?(?:\+{_BETWEEN}?|(?<!\d)00{_BETWEEN}?)\d{{1,3}}\)?{_BETWEEN}{{0,3}}|(?<!\d)1[-.])?(?:\(0\){_BETWEEN}{{0,3}})?[+(\uff08]*$"
)
"""The code of a country in front of a number that was listed without it."""
_KEPT = re.compile(
    r"NCT[\s:#-]{0,2}\d{8}|(?<!\d)(?:19|20)\d\d([-./])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12]\d|3[01])(?!\d)"
    r"|(?<!\d)(?:0?[1-9]|[12]\d|3[01])([-./])(?:0?[1-9]|[12]\d|3[01])\2(?:19|20)\d\d(?!\d)",
    re.IGNORECASE,
)
"""Ids of trials, and days: never part of a number."""
_FEWEST_SHARED = 7
"""Last digits in which two spellings of one number agree: the one with the code of its country, say, and the one without."""
_FEWEST = 6
_MOST = 15
"""Digits of a number with the code of its country (E.164)."""
_LONGEST_WRITTEN = 20
"""The same with the zeros that are dialled in front of the code and of the rest."""
_LONGEST_EXTENSION = 5
_LONGEST_CODE = 5
"""Digits of the code of a country with the zeros in front of it."""
_APART = re.compile(r"[;,|&\n]|[^\W\d_]+")
_EXTENSION = re.compile(
    r"(?<![^\W\d_])(?:ext(?:ension|n)?|x|poste|option|opt|tty)[.:]?\s*(?:dial\s*)?#?\s*\d{1,6}(?!\d)|#\s*\d{1,6}(?!\d)", re.IGNORECASE
)
_TWO_DIGITS = frozenset(
    """20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86
    90 91 92 93 94 95 98""".split()
)
"""Codes of countries of two digits; 1 and 7 are those of one, and all others have three (E.164)."""


def numbers(field: str) -> frozenset[str]:
    """The numbers in the field of a contact, as digits, the sign in front of a country's code as two zeros; extensions left out.

    Where it cannot be told whether two groups are one number or two, it is both.
    """
    whole = _EXTENSION.sub(";", field)
    found = {number for piece in _APART.split(whole) for number in _in_piece(piece) if len(number) >= _FEWEST}
    if not any(len(number) >= _FEWEST_SHARED for number in found):
        found = {_only_digits(whole)}
    return frozenset(filter(None, found))


def _in_piece(piece: str) -> set[str]:
    """A slash parts two numbers, or stands behind the code of a place, or before what takes the place of a number's last digits."""
    parts = [part for part in piece.split("/") if _only_digits(part)]
    lengths = [len(_only_digits(part)) for part in parts]
    if len(parts) < 2 or lengths[0] < _FEWEST_SHARED:
        return _of_groups("".join(parts))
    whole = _only_digits("".join(parts))
    if min(lengths) >= _FEWEST_SHARED:
        if whole.startswith("00") and len(whole) <= _MOST + 2 and not _only_digits(parts[1]).startswith("0"):
            return _of_groups("".join(parts))
        return {number for part in parts for number in _of_groups(part)} | ({whole} if len(whole) <= _MOST else set())
    first = _only_digits(parts[0])
    return _of_groups(parts[0]) | {first[: -len(last)] + last for last in map(_only_digits, parts[1:]) if len(last) < len(first)}


def _of_groups(text: str) -> set[str]:
    """A number; without a last group that may be its extension, too; and two numbers, where it reads as two of the same length."""
    whole = _only_digits(text)
    lengths = [len(group) for group in re.findall(r"\d+", _TRUNK.sub(" ", text))]
    found = {whole}
    if len(lengths) > 1 and lengths[-1] <= _LONGEST_EXTENSION and lengths[-2] > _FEWEST_SHARED:
        found.add(whole[: -lengths[-1]])
    if len(whole) > _MOST and any(sum(lengths[:place]) * 2 == len(whole) for place in range(len(lengths))):
        found |= {whole[: len(whole) // 2], whole[len(whole) // 2 :]}
    return found


def shown(text: str) -> frozenset[str]:
    """Every sequence of digits in a text that may be a number: whichever groups it is made of."""
    found: set[str] = set()
    for run in _runs(text):
        for place, start in enumerate(run.starts):
            for end in run.ends[place:]:
                if end - start > _LONGEST_WRITTEN:
                    break
                found.add(run.digits[start:end])
    return frozenset(each for each in found if len(each) >= _FEWEST)


def is_among(number: str, others: frozenset[str]) -> bool:
    """Is it one of these numbers, with or without the code of its country and the zeros in front?"""
    if number in others:
        return True
    index = _index(others)
    return any(form.endswith(other) or other.endswith(form) for form in _forms(number) for other in index.get(form[-_FEWEST_SHARED:], ()))


def text_without(text: str, gone: frozenset[str], mark: str) -> str:
    """A text with a mark in place of each of these numbers, however it is spelled, and whatever digits stand beside it."""
    spans: list[tuple[int, int]] = []
    for run in _runs(text):
        spans += _found(text, run, gone)
    if not spans:
        return text
    parts, last = [], 0
    for start, end in spans:
        parts += [text[last:start], mark]
        last = end
    return "".join(parts) + text[last:]


class _Run(msgspec.Struct, frozen=True):
    """Digits with nothing but separators between them, where each stands in the text, and where groups begin and end among them."""

    digits: str
    places: list[int]
    starts: list[int]
    ends: list[int]


def _runs(text: str) -> Iterator[_Run]:
    for match in _RUN.finditer(text):
        if match.end() - match.start() < _FEWEST:
            continue
        none = {place for each in _NO_DIGITS.finditer(text, max(match.start() - 1, 0), match.end() + 1) for place in range(*each.span())}
        places = [place for place in range(match.start(), match.end()) if text[place].isdecimal() and place not in none]
        if len(places) < _FEWEST:
            continue
        starts = [n for n, place in enumerate(places) if n == 0 or places[n - 1] != place - 1]
        ends = [*starts[1:], len(places)]
        yield _Run("".join(str(int(text[place])) for place in places), places, starts, ends)


def _found(text: str, run: _Run, gone: frozenset[str]) -> list[tuple[int, int]]:
    """Where in a text the numbers stand that are in a run of digits, one after the other."""
    spans: list[tuple[int, int]] = []
    index = _index(gone)
    for end in run.ends:
        begin = _begin(run, end, index.get(run.digits[max(end - _FEWEST_SHARED, 0) : end], ()))
        if begin is None and end == len(run.digits) and run.digits in gone:
            begin = 0
        if begin is None:
            continue
        first, last = run.places[begin], run.places[end - 1] + 1
        if any(kept.start() < last and first < kept.end() for kept in _KEPT.finditer(text)):
            continue
        if spans and first < spans[-1][1]:
            first = min(first, spans.pop()[0])  # the longer one of two that begin together
        before = _CODE_BEFORE.search(text, max(spans[-1][1] if spans else 0, first - _LONGEST_WRITTEN), first)
        spans.append((before.start() if before else first, last))
    return spans


def _begin(run: _Run, end: int, forms: tuple[str, ...]) -> int | None:
    """Where the longest of these numbers begins that ends here: at a group, or behind what may be the code of a country within one."""
    if not forms:
        return None
    starts = [start for start in run.starts if _FEWEST_SHARED <= end - start <= _LONGEST_WRITTEN]
    for start in starts:
        written = run.digits[start:end].lstrip("0")
        if len(written) >= _FEWEST_SHARED and any(form.endswith(written) for form in forms):
            return start
    for start in reversed([start for start in run.starts if start < end]):
        longest = max((len(form) for form in forms if run.digits[start:end].endswith(form)), default=0)
        if longest:
            return start if end - start - longest <= _LONGEST_CODE else None
    return None


@lru_cache(maxsize=4)
def _index(phones: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """All forms of these numbers by their last digits."""
    found: dict[str, set[str]] = {}
    for phone in phones:
        for form in _forms(phone):
            if len(form) >= _FEWEST_SHARED:
                found.setdefault(form[-_FEWEST_SHARED:], set()).add(form)
    return {last: tuple(forms) for last, forms in found.items()}


@lru_cache(maxsize=4096)
def _forms(number: str) -> frozenset[str]:
    """A number without zeros in front; where it has the code of a country, without that too, and with and without the zero behind it."""
    bare = number.lstrip("0")
    if len(bare) < _FEWEST_SHARED:
        return frozenset({number})
    code = _code(bare)
    rest = bare[len(code) :]
    if not (number.startswith("00") or rest.startswith("0")):
        return frozenset({bare})
    national = rest.lstrip("0")
    return frozenset({bare, code + national, code + "0" + national} | ({national} if len(national) >= _FEWEST_SHARED else set()))


def _code(digits: str) -> str:
    """The code of the country that such digits begin with."""
    return digits[: 1 if digits[0] in "17" else 2 if digits[:2] in _TWO_DIGITS else 3]


def _only_digits(text: str) -> str:
    plain = _TRUNK.sub("", text)
    digits = "".join(str(int(char)) for char in plain if char.isdecimal())
    sign = re.match(r"[\s(\uff08]*[+\uff0b]", plain)
    return f"00{digits}" if sign and digits and not digits.startswith("00") else digits
