"""One list that a page or the registry writes in a single text, and the other on lines of their own: the same words but for the marks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from registry_sync.trials.audit_text import Words, read, read_item, unmarked
from registry_sync.trials.record import Criterion

_COUNT = r"\d{1,2}(?:\.\d{1,2}){0,2}|[a-z]|[ivx]{1,5}"
_COUNTED_IN = re.compile(rf"(?<![^\s.;:,)])[(\[]?({_COUNT})[.)\]:]+(?=\s|$|[A-Za-z<>\u2264\u2265(])", re.IGNORECASE)
"""A number or letter that may count a line."""
_BEHIND_STOP = re.compile(rf"[.;:)]\s+[(\[]?({_COUNT})[.)\]:]+\s", re.IGNORECASE)
_ENDS_WITH_COUNT = re.compile(r"[.;]\s*[(\[]?\d{1,2}[.)\]:]+$")
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x")
_FEWEST = 2
_FIRST_TO_BE_SEEN = 2
"""The first letter of a list that stands inside: the mark of the first line is gone."""


class _Reached(msgspec.Struct, frozen=True):
    """A place in the words of a text, and by kind the last number, letter or Roman numeral before it that has counted a line.

    ``counting``: it stands right before, so that the same may follow, of the list that the page has copied.
    """

    at: int
    last: Mapping[str, int]
    counting: bool = False

    def behind(self, count: str, *, is_sure: bool) -> _Reached | None:
        """The place behind this word if it follows in the count, or begins one; else it is a word of its line ("grade 3.", "class C.").

        ``is_sure``: a sentence ends right before it, so that it may also go on with a count whose beginning stands elsewhere.
        """
        places = dict(_places(count))
        if not any(self._follows(kind, place) or (is_sure and kind not in self.last) for kind, place in places.items()):
            return None
        return _Reached(self.at + 1, {**self.last, **places}, counting=True)

    def _follows(self, kind: str, place: int) -> bool:
        last = self.last.get(kind)
        if last is None:
            return kind == "number" or place <= _FIRST_TO_BE_SEEN
        return place in (1, last + 1) or (self.counting and place == last)


class _Whole(msgspec.Struct, frozen=True):
    """The words of a text that may hold several lines, and the numbers and letters in it that may count them."""

    words: Words
    counts: frozenset[str]
    sure: frozenset[str]
    ends_with_count: bool

    def past(self, said: Words, here: _Reached) -> _Reached | None:
        """The place behind these words, which stand here, or behind what may stand between two lines: an "and", a count."""
        reached: _Reached | None = here
        while reached is not None:
            if self.words[reached.at : reached.at + len(said)] == said:
                return _Reached(reached.at + len(said), reached.last)
            word = self.words[reached.at] if reached.at < len(self.words) else ""
            if word == "and" and reached is here:
                reached = _Reached(here.at + 1, here.last)
            else:
                reached = reached.behind(word, is_sure=word in self.sure) if word in self.counts else None
        return None

    def is_full(self, here: _Reached) -> bool:
        """Is there nothing more, but for the count of a line that has gone elsewhere?"""
        left = self.words[here.at :]
        return not left or (self.ends_with_count and len(left) == 1 and bool(here.last) and here.behind(left[0], is_sure=False) is not None)


def _places(count: str) -> Iterator[tuple[str, int]]:
    if count[-1].isdigit():
        yield "number", int(count.rpartition(".")[2])
    if len(count) == 1 and count.isalpha():
        yield "letter", ord(count) - ord("a") + 1
    if count in _ROMAN:
        yield "numeral", _ROMAN.index(count) + 1


def spread(wholes: Sequence[Criterion], lines: Sequence[Criterion]) -> Iterator[Criterion]:
    """Those of ``wholes`` that say word for word what several of ``lines``, one right below the other, do, and these lines.

    Numbers and letters that count them are no words, and neither are the headings of their group and sections.
    """
    for item in wholes:
        counts, sure = (frozenset(count.lower() for count in spelt.findall(item.text)) for spelt in (_COUNTED_IN, _BEHIND_STOP))
        whole = _Whole(read_item(item.text), counts, sure, _ENDS_WITH_COUNT.search(item.text) is not None)
        beside = [line for line in lines if line.group == item.group or None in (line.group, item.group)]
        for start in range(len(beside)):
            end = _end(whole, beside, start)
            if end is not None:
                yield item
                yield from beside[start:end]
                break


def _end(whole: _Whole, lines: Sequence[Criterion], start: int) -> int | None:
    """The place behind the lines that, from ``start`` on, fill the whole; ``None``: they do not."""
    reached: _Reached | None = _Reached(0, {})
    for place in range(start, len(lines)):
        reached = _past_line(whole, lines[place], reached) if reached is not None else None
        if reached is None:
            return None
        if whole.is_full(reached):
            return place + 1 if place + 1 - start >= _FEWEST else None
    return None


def _past_line(whole: _Whole, line: Criterion, here: _Reached) -> _Reached | None:
    """The place behind a line, and behind the names of its group and section where they stand there."""
    for name in ((line.group or "", "criteria"), read(line.section or "")):
        here = (whole.past(name, here) if name else None) or here
    forms = (read_item(line.text), read_item(unmarked(line.text)))
    return next((reached for said in forms if said and (reached := whole.past(said, here)) is not None), None)
