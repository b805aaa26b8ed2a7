"""The bullets and numbers that stand before a line: which they are, and what is left without them.

A marker is taken off only where it cannot be a word of the sentence. ``2.5 mg daily``, ``18 years or older``,
``5-HT3 antagonists``, ``E. coli`` and ``U.S. citizen`` stay whole: a number too many is shown, a word too few is a lie.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

Marked = tuple[str | None, str]
"""A marker (``None``: there is none) and the text after it."""

SURE_BULLETS = "•‣⁃∙◦○●⚫⦁▪▫■□◆◇►▶➢➤➔·‧✓✔✗✘☐☑☒❑❏❖★※①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳\uf0b7\uf0a7\uf0d8\uf0fc"
"""Signs that stand before a line only as a bullet or, in a circle, as a number."""
_BULLET = re.compile(
    rf"(?P<sure>[{SURE_BULLETS}])\s*"
    r"|(?P<star>\*{1,3})(?:\s+|(?=[^\W\d_])|$)"
    r"|(?P<dash>[-–—]{1,6})(?:\s+|(?=[A-Z])|$)"
    r"|(?P<plus>\+)\s+(?=[^\W\d_])"
    r"|(?P<circle>o)\s+(?=[A-Z0-9])"
)
_ENUMERATOR = re.compile(
    r"(?P<open>[(（]?)"
    r"(?P<value>\d{1,2}\.?[a-z]|\d{1,3}(?:\.\d{1,2}){0,3}|[ivx]{1,5}|[IVX]{1,5}|[A-Za-z])"
    r"(?P<close>[)）]\.?|\.\)?|、|-(?=\s))"
    r"(?P<gap>\s*)(?=(?P<next>.?))"
)
_SINGLE = re.compile(r"([(（]?)(\d{1,3}|[ivx]{1,5}|[IVX]{1,5}|[A-Za-z])([)）]\.?|\.\)?|、|-|/)")
_ROMAN = (
    "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii", "xiv", "xv", "xvi", "xvii", "xviii", "xix", "xx",
)  # fmt: skip
_ROMAN_VALUE = {numeral: number for number, numeral in enumerate(_ROMAN, start=1)}
_WINDOW = 6
"""How many candidates of the same style before and after are asked whether a letter is part of a list."""
_MOST_MARKERS = 6
"""A line of nothing but bullets ends somewhere."""


class _Candidate(msgspec.Struct, frozen=True):
    """What may be a number or letter of a list: its style, the places that it may have, and what follows."""

    style: str
    ordinals: frozenset[int]
    spelt: str
    rest: str
    glued: bool
    is_number: bool
    is_capital: bool
    closes_with_bracket: bool
    opens_with_bracket: bool


def split_markers(texts: Sequence[str]) -> list[Marked]:
    """Each text, a line of its own, parted into its innermost marker and the rest.

    The lines are read together: a letter is a marker more surely when its neighbours stand before other lines.
    """
    stripped = [strip_bullets(text) for text in texts]
    candidates = [_candidate(rest) for _, rest in stripped]
    accepted = _accepted(candidates)
    return [
        _innermost(bullet, rest, candidate if sure else None)
        for (bullet, rest), candidate, sure in zip(stripped, candidates, accepted, strict=True)
    ]


def strip_bullets(text: str) -> Marked:
    """The last of the bullets that ``text`` begins with, and the rest."""
    bullet, position = None, 0
    for _ in range(_MOST_MARKERS):
        found = _BULLET.match(text, position)
        if found is None:
            break
        bullet, position = found.group().strip(), found.end()
    return bullet, text[position:].strip()


def _innermost(bullet: str | None, rest: str, candidate: _Candidate | None) -> Marked:
    """The marker that says most ("• 1." is "1."), and the text without any."""
    if candidate is None:
        return bullet, rest
    inner, text = strip_bullets(candidate.rest)
    return inner or candidate.spelt, text


def _candidate(text: str) -> _Candidate | None:
    """What ``text`` begins with, when it has the form of a number or letter of a list."""
    found = _ENUMERATOR.match(text)
    if found is None or bool(found["open"]) > (found["close"][0] in ")）"):
        return None
    value, close = found["value"], found["close"]
    is_number = value[-1].isdigit()
    if value[0].isdigit() and not is_number and not (close[0] in ".)）" and (found["gap"] or close[0] != ".")):
        return None  # "1a. Asthma" and "1a) Asthma", but not "1a.m"
    if "." in value and not (close.startswith((".", ")")) and found["gap"]):
        return None  # "2.5 mg" and "7.1 AST" read alike: only "7.1." with a blank is sure
    if close == "-" and not (is_number and found["next"].isupper()):
        return None  # "1- Patients" is a list, "2- to 3-fold" is not
    above = re.sub(r"\.?[a-z]$", "", value) if value[0].isdigit() and not is_number else ""
    return _Candidate(
        style=f"{found['open']}{above}{'9' if is_number else 'A' if value.isupper() else 'a'}{close}",
        ordinals=ordinals(value),
        spelt=found.group().strip(),
        rest=text[found.end() :],
        glued=not found["gap"] and bool(found["next"]),
        is_number=is_number,
        is_capital=value.isupper(),
        closes_with_bracket=close[0] in ")）",
        opens_with_bracket=bool(found["open"]),
    )


def split_marker(text: str) -> Marked:
    """One text that stands alone, parted into its innermost marker and the rest."""
    return split_markers([text])[0]


def style_of(marker: str) -> str | None:
    """What numbers of one list have in common ("9.", "(a)"); ``None`` for a bullet and for a number of several levels."""
    found = _SINGLE.fullmatch(marker)
    if found is None:
        return None
    opened, value, closed = found.groups()
    kind = "9" if value[0].isdigit() else "A" if value.isupper() else "a"
    return f"{'(' if opened else ''}{kind}{closed[0].replace('）', ')')}"


def ordinals(value: str) -> frozenset[int]:
    """The places in a list that a number, letter or Roman numeral, with or without its dots and brackets, may mean."""
    last = value.strip("().（）、-").rpartition(".")[2]
    if last.isdigit():
        return frozenset((int(last),))
    last = last.lstrip("0123456789")  # "1a"
    places = {_ROMAN_VALUE[last.lower()]} if last.lower() in _ROMAN_VALUE else set()
    if len(last) == 1:
        places.add(ord(last.lower()) - ord("a") + 1)
    return frozenset(places)


def _accepted(candidates: Sequence[_Candidate | None]) -> list[bool]:
    """Which candidates are markers, seen beside the others of their style."""
    places_by_style: dict[str, list[int]] = {}
    for place, candidate in enumerate(candidates):
        if candidate is not None:
            places_by_style.setdefault(candidate.style, []).append(place)
    sure = [False] * len(candidates)
    for places in places_by_style.values():
        row = [candidate for place in places if (candidate := candidates[place]) is not None]
        for index, place in enumerate(places):
            window = row[max(0, index - _WINDOW) : index], row[index + 1 : index + 1 + _WINDOW]
            sure[place] = _is_marker(row[index], *window)
    return sure


_GAP = 3


def _is_marker(one: _Candidate, before: Sequence[_Candidate], after: Sequence[_Candidate]) -> bool:
    """Is this a list's number or letter, and not the beginning of a sentence?"""
    begins_list = 1 in one.ordinals
    next_to = _stands_within(_GAP, one, before, after)  # an item taken out leaves its letter missing
    following = one.rest[:1]
    if one.is_number:
        if one.opens_with_bracket:
            return begins_list or next_to  # a line may begin with a reference such as "(24)"
        return not one.glued or one.closes_with_bracket or following.isupper() or (following.isalpha() and next_to)
    if not one.ordinals:
        return False
    if one.closes_with_bracket:
        return begins_list or next_to or (not one.is_capital and not one.opens_with_bracket)
    if one.is_capital:
        # "E. coli", "A. fumigatus", "U.S. citizen": a species and an abbreviation look like a letter of a list
        return not one.glued and not following.islower() and next_to
    if one.glued:
        return following.isupper() and one.rest[1:2].islower() and (begins_list or next_to)
    return begins_list or next_to


def _stands_within(distance: int, one: _Candidate, before: Sequence[_Candidate], after: Sequence[_Candidate]) -> bool:
    """Does a neighbour of the same style stand at most ``distance`` places earlier before it, or later after it?"""
    return any(0 < here - there <= distance for other in before for here in one.ordinals for there in other.ordinals) or any(
        0 < there - here <= distance for other in after for here in one.ordinals for there in other.ordinals
    )
