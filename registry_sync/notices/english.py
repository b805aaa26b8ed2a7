"""Which words of a text are the registry's own: English on a page, or in a mail, of whatever language, and marked as that.

Without the mark a screen reader says them by the rules of another language (WCAG 2.2, 3.1.2).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from registry_sync.notices.clean import ELLIPSIS, block
from registry_sync.notices.i18n import ENGLISH, Translator

if TYPE_CHECKING:
    from markupsafe import Markup

    from registry_sync.notices.marking import Mark, Run

_LETTER = re.compile(r"[^\W\d_]")
_ID = re.compile(r"NCT\d{8}")
_LEAST_OF_A_CUT_TEXT = 3
"""Characters by which the beginning or the end of a text is known that was cut."""
_Span = tuple[int, int]


class Part(NamedTuple):
    """Some words, whether they came or went, and whether they are the registry's."""

    words: str
    mark: Mark
    is_own: bool


def own(t: Translator, *values: Any) -> tuple[str, ...]:
    """The registry's own words in these values; none where the page itself is English."""
    return () if t.language == ENGLISH else tuple(dict.fromkeys(line for value in values for line in _lines(value)))


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from (line for line in block(value).split("\n") if _LETTER.search(line) and not _ID.fullmatch(line))
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _lines(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _lines(each)


def marked(text: str, words: Sequence[str]) -> Markup | str:
    """The text for a page, with what it has of these words marked."""
    if not words:
        return text
    from markupsafe import Markup, escape

    span = Markup('<span lang="en">{}</span>')
    return Markup("").join(span.format(part.words) if part.is_own else escape(part.words) for part in parted([(text, "same")], words))


def parted(runs: Iterable[Run], words: Sequence[str]) -> list[Part]:
    """The runs, each cut where the registry's words begin or end."""
    runs = list(runs)
    if not words:
        return [Part(text, mark, is_own=False) for text, mark in runs]
    spans = _spans("".join(text for text, _ in runs), words)
    parts: list[Part] = []
    at = 0
    for text, mark in runs:
        edges = sorted({at, at + len(text), *(edge for span in spans for edge in span if at < edge < at + len(text))})
        for begin, end in pairwise(edges):
            parts.append(Part(text[begin - at : end - at], mark, is_own=_is_within(begin, spans)))
        at += len(text)
    return parts


def _is_within(place: int, spans: Sequence[_Span]) -> bool:
    before = bisect_right(spans, (place, len(spans) and spans[-1][1])) - 1
    return before >= 0 and spans[before][0] <= place < spans[before][1]


def _spans(text: str, words: Sequence[str]) -> list[_Span]:
    """Where these words stand in the text, in order; what stands between two without a letter belongs to them."""
    taken = bytearray(len(text))
    found: list[_Span] = []
    for each in sorted(words, key=len, reverse=True):
        for place in re.finditer(rf"(?<!\w){re.escape(each)}(?!\w)", text):
            begin, end = place.span()
            if not any(taken[begin:end]):
                taken[begin:end] = b"\1" * (end - begin)
                found.append((begin, end))
    found.sort()
    if ELLIPSIS in text:
        found = sorted([*found, *_of_cut_words(text, found, words)])
    joined: list[_Span] = []
    for begin, end in found:
        if joined and not re.search(r"\w", text[joined[-1][1] : begin]):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((begin, end))
    return joined


def _of_cut_words(text: str, found: Sequence[_Span], words: Sequence[str]) -> Iterator[_Span]:
    """What stands of words that were cut, beside the sign for that."""
    edges = [0, *(edge for span in found for edge in span), len(text)]
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        fragments = text[begin:end].split(ELLIPSIS)
        at = begin
        for number, fragment in enumerate(fragments):
            first, last = _of_a_fragment(fragment, words, after_a_cut=number > 0, before_a_cut=number < len(fragments) - 1)
            if first < last:
                yield at + first, at + last
            at += len(fragment) + len(ELLIPSIS)


def _of_a_fragment(fragment: str, words: Sequence[str], *, after_a_cut: bool, before_a_cut: bool) -> _Span:
    """What of it is the registry's: all of it, or the beginning of some words at its end, or the end of some at its beginning."""
    body = fragment.strip()
    if len(body) < _LEAST_OF_A_CUT_TEXT or not (after_a_cut or before_a_cut):
        return 0, 0
    if any(body in each for each in words):
        return 0, len(fragment)
    length = len(body)
    if before_a_cut:
        ends = (body[place:] for place in range(length - _LEAST_OF_A_CUT_TEXT + 1))
        found = next((len(end) for end in ends if any(each.startswith(end) for each in words)), 0)
        if found:
            return len(fragment.rstrip()) - found, len(fragment)
    if after_a_cut:
        begins = (body[:place] for place in range(length, _LEAST_OF_A_CUT_TEXT - 1, -1))
        found = next((len(begin) for begin in begins if any(each.endswith(begin) for each in words)), 0)
        if found:
            return 0, len(fragment) - len(fragment.lstrip()) + found
    return 0, 0
