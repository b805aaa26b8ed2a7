"""Lists written on one line -> the lines that they would have been: headings, numbers and bullets in the middle of a text.

A line is parted only where a reader is sure: at a heading that stands behind a whole sentence, at numbers that go on where the
line's own left off ("... consent. 16. Weight ..."), and where a heading is followed by a list. A sentence that counts from its
own first number ("(1) ..., (2) ...") stays one item. What the line's own mark is does not count, so that other bullets or numbers
never part it in another way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

import msgspec

from registry_sync.sources.markers import SURE_BULLETS, ordinals, split_marker, style_of
from registry_sync.trials.headings import Line, heading, is_part_of_study

_CRITERIA = r"(?:Criteria|Criterion|criteria|criterion|CRITERIA)"
_INNER_HEADING = re.compile(
    # "... kg. Exclusion Criteria: ..." and, where nothing follows, "... kg Exclusion Criteria"
    rf"(?<=[.;)\]])\s+(?P<after_stop>(?:[Kk]ey |[Mm]ain )?(?:[Ii]nclusion|[Ee]xclusion|INCLUSION|EXCLUSION)(?:\s+{_CRITERIA})?\s*[:\uff1a]"
    rf"|(?:(?:[Gg]roup|[Cc]ohort|[Pp]art|[Aa]rm) \w{{1,3}} )?(?:[Ii]n|[Ee]x)clusion {_CRITERIA}[.:]?$)"
    rf"|(?<=\S)\s+(?P<after_word>(?:Key |Main )?(?:(?:Inclusion|Exclusion) {_CRITERIA}|(?:INCLUSION|EXCLUSION) CRITERIA)"
    r"(?:\s*[:\uff1a]|[.]?$))"
)
_LEADS_ON = frozenset(
    "a all above additional also an and any applicable are as at be below both by complete each eligibility every following for from "
    "fulfil fulfill fulfilling fulfils full further general has have in is key main major meet meeting meets met most no not of on one "
    "or other our per protocol protocol-defined satisfy see specific study than that the their these this those to under via with".split()
)
"""After these words the name of a group is part of the sentence."""
_FIRST = re.compile(r"\s*(?<!\S)[(\uff08]?1[.)\uff09]\s")
_WORD_OF_NAME = r"(?:(?:[Pp]art|[Cc]ohort|[Aa]rm|[Gg]roup|[Pp]hase|[Ss]tudy)s?\s\w{1,3}|[^\s\d<>\u2264\u2265=%.,;:()]+)"
_NAMES_A_PART = re.compile(rf"{_WORD_OF_NAME}(?:\s{_WORD_OF_NAME}){{0,6}}\s?")
"""A few words without a number or stop before "Inclusion Criteria": they say whose."""

_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\ufeff\u2060"))
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\uff0d"), "-")

_GLYPH = f"[{re.sub('[·‧∙]', '', SURE_BULLETS)}]"
_GLYPHS = re.compile(rf"(?:(?<=\s)|(?<=[.;:,)\]\uff1b\u3002]))(?P<glyph>{_GLYPH})(?=\s|[^\W\d_])\s*")
_CIRCLED = re.compile(r"[\u2460-\u2473]")
_DASH = re.compile(r"(?<=\S)\s+-\s+(?=\S)")
_STAR = re.compile(r"(?:(?<=\S)\s+|(?<=[.;:)]))\*\s*(?=[A-Z])")

_NUMBER_INSIDE = re.compile(
    r"(?:(?<=^)|(?<=[\s;:\uff1b\u3002\uff1a\uff0c)]))"
    r"(?P<open>[(\uff08]?)(?P<value>\d{1,2}|[ivx]{1,5}|[IVX]{1,5}|[a-z]|[A-Z])(?P<close>[)\uff09]\.?|\.(?!\d)|\u3001)(?P<gap>\s*)(?=(?P<next>\S))"
)
_HINT = re.compile(
    rf"lusion|LUSION|\*|{_GLYPH}"
    r"|(?<![^\s;:(\uff08\uff1b\u3002\uff1a\uff0c)])(?:\d{1,2}|[ivxIVX]{1,5}|[A-Za-z])[)\uff09.\u3001](?![\d)])"
)
"""A line without any of these is never parted."""
_NUMBERED_THINGS = frozenset(
    "appendix annex arm attachment category chapter class cohort criteria criterion cycle day days dose edition figure grade group "
    "groups hepatitis item level line month no number nos part period phase point protein question score section stage status step "
    "study sub-study substudy subtype table than time to type version visit vitamin vol week weeks year years and or of least most "
    "between from approximately about under over above below equal one two three four five six seven eight nine ten twelve twenty "
    "thirty sixty".split()
)
"""After these words a number is theirs ("Grade 2. ..."), or spelt out once more ("two (2) years")."""
_ABBREVIATED = re.compile(r"\b(?:no|nr|vol|fig|approx|ca|vs|cf|dr|st|e\.g|i\.e)\.$", re.IGNORECASE)
_ENDS_OF_SENTENCES = tuple(".;\uff1b\u3002")
_STOPS = (*_ENDS_OF_SENTENCES, ":", "\uff1a")
_COMMAS = (",", "\uff0c")
_LOOK_BACK = 48
"""So much of what stands before a mark is looked at: a line may be as long as it likes."""
_FEW_LINES = 3
"""A text of no more lines than this, none with a mark, may be a list written on one line."""
_NEXT, _ONE_LEFT_OUT = 1, 2
"""How far a number may go beyond the one before it; an item that was taken out leaves its number missing."""


class _Mark(msgspec.Struct, frozen=True):
    """A number or bullet inside a text: where it begins, where its words do, and how it is written."""

    start: int
    end: int
    spelt: str


class _Number(msgspec.Struct, frozen=True):
    """A number or letter that looks like one of a list.

    ``stop`` is the sign before it (a full stop at the beginning of the text); ``fits``: it may stand there; ``capital``: a capital follows.
    """

    mark: _Mark
    style: str
    places: frozenset[int]
    stop: str
    fits: bool
    capital: bool


def parted(lines: Sequence[Line]) -> tuple[Line, ...]:
    """The lines, with every list that stands on one line spread over lines of its own."""
    bare = len(lines) <= _FEW_LINES and all(line.marker is None for line in lines)
    return tuple(one for line in lines for one in ([line] if line.heading else _parts(line, bare=bare)))


@lru_cache(maxsize=4096)
def _parts(line: Line, *, bare: bool) -> tuple[Line, ...]:
    """The line, or the lines that stand on it."""
    clean = line.text if line.text.isascii() else line.text.translate(_INVISIBLE)
    if _HINT.search(clean) is None:
        return (line,)
    pieces = [part for piece in _at_headings(Line(line.depth, line.marker, clean)) for part in _at_marks(piece, bare=bare)]
    return tuple(pieces) if len(pieces) > 1 else (line,)


def _with_plain_dashes(text: str) -> str:
    """The text, as long as before, with one sign for every dash."""
    return text if text.isascii() else text.translate(_DASHES)


def _before(text: str, end: int) -> str:
    """The end of what stands before a place in the text."""
    return text[max(0, end - _LOOK_BACK) : end].rstrip()


def _at_headings(line: Line) -> Iterator[Line]:
    """The line, parted before each heading inside it; what stands behind a heading stays with it."""
    start, text = 0, _with_plain_dashes(line.text)
    for found in _INNER_HEADING.finditer(text):
        is_sure = not found["after_word"] or _begins_again(text, start, found)
        if not is_sure and _goes_with_sentence(line, text[start : found.end()], found.start() - start):
            continue
        yield Line(line.depth, line.marker if not start else None, line.text[start : found.start()].rstrip())
        start = found.start("after_stop") if found["after_stop"] else found.start("after_word")
    yield line if not start else Line(line.depth, None, line.text[start:].strip())


def _begins_again(text: str, start: int, found: re.Match[str]) -> bool:
    """Does a list that has begun at its first number behind ``start`` do so again right behind the name of this group?"""
    if _FIRST.match(text, found.end()) is None or _FIRST.search(text, start, found.start()) is None:
        return False
    word = re.search(r"[\w-]+$", _before(text, found.start()))
    return word is None or word[0] == "study" or word[0].lower() not in _LEADS_ON


def _goes_with_sentence(line: Line, text: str, end: int) -> bool:
    """Are the words before the name of a group, which begins at ``end``, part of its heading ("Part C"), or of a sentence about it?"""
    before = _before(text, end)
    word = re.search(r"[\w-]+$", before)
    if before.endswith((",", "/", "&", "(", "-")) or (word is not None and word[0].lower() in _LEADS_ON):
        return True
    if end > 2 * _LOOK_BACK:
        return False
    if line.marker is None:
        return _NAMES_A_PART.fullmatch(text, 0, end) is not None
    found = heading(Line(line.depth, line.marker, text))
    return found is not None and (found.section is None or " " not in found.section or is_part_of_study(found.section))


def _at_marks(line: Line, *, bare: bool) -> Iterator[Line]:
    """The line, parted at the numbers or bullets of one list."""
    text = _with_plain_dashes(line.text)
    found = heading(line)
    rest = found.rest if found is not None and not found.sentence else ""
    behind = len(text) - len(rest) if rest and line.text.endswith(rest) else 0
    marks = _behind_heading(text, behind) if behind else _inside(text, bare=bare, is_item=line.marker is not None)
    if not marks:
        yield line
        return
    lead = line.text[: marks[0].start].strip()
    if lead:
        yield Line(line.depth, line.marker, lead)
    deeper = line.marker is not None and lead.endswith((":", "\uff1a"))
    for mark, end in zip(marks, [*(mark.start for mark in marks[1:]), len(text)], strict=True):
        if words := line.text[mark.end : end].strip():
            yield Line(line.depth + deeper, mark.spelt, words)


def _behind_heading(text: str, start: int) -> list[_Mark]:
    """The list that begins behind a heading: by its first mark, which may be its only one."""
    marker, words = split_marker(text[start:])
    if marker is None:
        return _counted(text, start, bare=False) or _bulleted(text, start) or _by_semicolons(text, start)
    first = _Mark(start, len(text) - len(words), marker)
    if style_of(marker):
        return [first, *_counted_on(text, first.end, ordinals(marker), style_of(marker), in_list=True)]
    if marker[0] == "-":
        return [first, *(_Mark(at.start(), at.end(), "-") for at in _DASH.finditer(text, first.end) if not _between_numbers(text, at))]
    if marker[0] == "*":
        return [first, *(_Mark(at.start(), at.end(), "*") for at in _STAR.finditer(text, first.end))]
    return [first, *(_Mark(at.start(), at.end(), at["glyph"]) for at in _GLYPHS.finditer(text, first.end) if at["glyph"] == marker)]


def _inside(text: str, *, bare: bool, is_item: bool) -> list[_Mark]:
    """The marks inside a text of its own; ``bare``: one that may hold the whole list; ``is_item``: one with a mark before it."""
    stars = [_Mark(at.start(), at.end(), "*") for at in _STAR.finditer(text)]
    counted = _counted(text, 0, bare=bare and not is_item) or _going_on(text, least=2 if is_item else 1)
    bullets = _bulleted(text, 0)
    enough = len(bullets) > 1 or not is_item or bool(bullets and _CIRCLED.match(bullets[0].spelt))
    return counted or (bullets if enough else []) or (stars if len(stars) > 1 else [])


def _between_numbers(text: str, at: re.Match[str]) -> bool:
    return text[at.start() - 1].isdigit() and text[at.end()].isdigit()


def _by_semicolons(text: str, start: int) -> list[_Mark]:
    """A list without any mark behind a heading: its items end with a semicolon, which stays with them."""
    depth, marks = 0, [_Mark(start, start, "")]
    for found in re.finditer(r"[()]|;\s+(?=\w)", text[start:]):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if found[0][0] == ";" and not depth:
            marks.append(_Mark(start + found.start() + 1, start + found.end(), ""))
    return marks if len(marks) > 1 else []


# --- numbers and letters ----------------------------------------------------------------------------------------------------


def _numbers(text: str, start: int) -> Iterator[_Number]:
    """What may count a list: numbers and letters with a dot or bracket, where they close no bracket and belong to no word."""
    depth, seen = 0, start
    for found in _NUMBER_INSIDE.finditer(text, start):
        for sign in re.findall("[()]", text[seen : found.start()]):
            depth = max(0, depth + (1 if sign == "(" else -1))
        seen = found.end()
        style = style_of(found[0].strip())
        if style is None or (depth and not found["open"]) or not _begins_item(found):
            continue
        before = _before(text, found.start())
        stop = "." if not before else "" if _ABBREVIATED.search(before) or before[-1] not in (*_STOPS, *_COMMAS) else before[-1]
        mark = _Mark(found.start(), found.end(), found[0].strip())
        fits = bool(stop) or _may_stand_after_word(before, found)
        yield _Number(mark, style, ordinals(mark.spelt), stop, fits, found["next"].isupper())


def _may_stand_after_word(before: str, found: re.Match[str]) -> bool:
    """May a number stand behind this word without a stop, and not belong to it?"""
    if found["open"] or (found["value"].isupper() and len(found["value"]) == 1):
        return False
    word = re.search(r"([\w-]+)[)\uff09\]%\"'\u00b2\u00b3]*$", before)
    if word is None or word[1].lower() in _NUMBERED_THINGS or (word[0][-1].isdigit() and found["value"].isdigit()):
        return False
    return found["next"].isupper() or found["close"][0] in ")\uff09"


def _begins_item(found: re.Match[str]) -> bool:
    """Is what follows the beginning of an item, and not the rest of an abbreviation ("e.g.") or of a number?"""
    following = found["next"]
    if found["gap"] or found["close"][0] in ")\uff09\u3001":
        return following.isalnum() or following in "\"'([<>\u2264\u2265\u2266\u2267\u00b1-"
    return following.isupper() and not found["value"].isupper()


def _counted_on(text: str, start: int, here: frozenset[int], style: str | None, *, in_list: bool = False) -> list[_Mark]:
    """The numbers of one style that follow on ``here``; one may have been left out where a stop shows the list."""
    marks = []
    for number in _numbers(text, start):
        there = _successors(here, number, in_list=in_list)
        if number.fits and number.style == style and there:
            marks.append(number.mark)
            here = there
    return marks


def _counted(text: str, start: int, *, bare: bool) -> list[_Mark]:
    """A list behind a heading, from its first number on: two where each stands after a stop, else three."""
    for first in _numbers(text, start):
        if 1 not in first.places or "(" in first.style or first.stop not in _STOPS:
            continue
        lead = text[: first.mark.start].strip()
        short = len(lead) < 2 * _LOOK_BACK
        if not (start or (short and (bare or (lead and heading(Line(0, None, lead)) is not None)))):
            return []
        marks = [first.mark, *_counted_on(text, first.mark.end, frozenset({1}), first.style)]
        sure = all(_before(text, mark.start)[-1:] in _STOPS for mark in marks if mark.start > start)
        return marks if len(marks) >= (2 if sure else 3) else []
    return []


def _going_on(text: str, *, least: int) -> list[_Mark]:
    """A list that began before this text or with it, so that it goes on at its second number or later.

    In a text without a mark of its own one number is enough (``least``) where a sentence ends before it and another begins, else it
    takes two: one number in an item is as likely a slip of the pen, and the item stays whole. A list that begins inside the text
    counts for itself: what follows it is not parted.
    """
    chains: dict[str, list[_Number]] = {}
    begun: set[str] = set()
    for number in _numbers(text, 0):
        chain = chains.setdefault(number.style, [])
        if 1 in number.places and not chain:
            if number.fits or "(" in number.style:
                break
            begun.add(number.style)
        elif number.fits and number.style not in begun and (not chain or _successors(chain[-1].places, number, in_list=len(chain) > 1)):
            chain.append(number)
    return next(([number.mark for number in chain] for chain in chains.values() if len(chain) >= least and _is_list(chain)), [])


def _is_list(chain: Sequence[_Number]) -> bool:
    if len(chain) == 1:
        return chain[0].stop in _ENDS_OF_SENTENCES and chain[0].capital and "A" not in chain[0].style and min(chain[0].places) > 1
    return len(chain) > 1


def _successors(here: frozenset[int], number: _Number, *, in_list: bool = False) -> frozenset[int]:
    """The places, of those that a number or letter may mean, that follow on one of ``here``."""
    most = _ONE_LEFT_OUT if number.stop or in_list else _NEXT
    return frozenset(place for place in number.places if any(0 < place - before <= most for before in here))


# --- bullets ----------------------------------------------------------------------------------------------------------------


def _bulleted(text: str, start: int) -> list[_Mark]:
    """Bullets inside a text: behind a heading, two of a kind, or one where a sentence has ended and another begins."""
    found = list(_GLYPHS.finditer(text, start))
    if not found or any(at["glyph"] == "\u2460" for at in found):
        return []  # a sentence that counts from one in circles
    lead = text[: found[0].start()].strip()
    kinds = [at["glyph"] for at in found]
    behind_heading = len(lead) < 2 * _LOOK_BACK and heading(Line(0, None, lead)) is not None
    return [
        _Mark(at.start(), at.end(), at["glyph"])
        for at in found
        if behind_heading
        or (kinds.count(at["glyph"]) > 1 and not _CIRCLED.match(at["glyph"]))
        or (_before(text, at.start()).endswith(_ENDS_OF_SENTENCES) and (_CIRCLED.match(at["glyph"]) or text[at.end()].isupper()))
    ]
