"""What a rewording changed, word by word: for text mail, HTML mail and terminal alike."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from typing import Literal

from registry_sync.notices.clean import ELLIPSIS

Mark = Literal["same", "removed", "added"]
Run = tuple[str, Mark]
_Word = tuple[str, str]
_Compare = Callable[[list[Run], Sequence[_Word], Sequence[_Word]], None]

_WORDS = re.compile(r"(\w+(?:[.,'’]\w+)*|[^\w\s]|^(?=\s))(\s*)")
"""Words and numbers ("3.0" and "1,000" are one) and single signs (so that "<" against "≤" is seen), each with the space behind it."""

_SENTENCE_END = frozenset(".;:!?")

_MOST_PAIRS = 100_000
"""Pairs of equal words, one before and one after: beyond this sentences are compared, and beyond it again the middle is marked whole,
so that no text can make a mail take minutes (a word that stands a thousand times on both sides is a million pairs)."""


def marked(before: str, after: str) -> list[Run]:
    """Runs of text that stayed, went and came.

    ``same`` and ``removed`` runs joined are ``before``; ``same`` and ``added`` runs joined are ``after``. Neighbouring changed words
    with only white space between them are one run.
    """
    first, second = _words(before), _words(after)
    head = _common(first, second)
    tail = _common(first[head:][::-1], second[head:][::-1])
    runs: list[Run] = []
    _append(runs, first[:head], "same")
    _append_middle(runs, first[head : len(first) - tail], second[head : len(second) - tail])
    _append(runs, first[len(first) - tail :], "same")
    return _joined(runs)


def excerpts(before: str, after: str, limit: int) -> tuple[str, str]:
    """Both texts cut to about ``limit`` characters around the first difference; short ones are given whole."""
    if max(len(before), len(after)) <= limit:
        return before, after
    first, second = _words(before), _words(after)
    same = len(_text(first[: _common(first, second)]))
    inside = _common(before[same:], after[same:])
    if inside > limit // 3:  # one endless word, changed far inside
        same += inside
    start = max(0, same - limit // 3)
    if start:
        blank = before.find(" ", start, same)
        start = blank + 1 if blank >= 0 else start
    return _window(before, start, limit), _window(after, start, limit)


def _window(text: str, start: int, limit: int) -> str:
    rest = text[start:]
    if len(rest) > limit:
        blank = rest.rfind(" ", limit * 2 // 3, limit)
        rest = rest[: blank if blank > 0 else limit].rstrip() + ELLIPSIS
    return ELLIPSIS + rest.lstrip() if start and rest else rest or ELLIPSIS


def _words(text: str) -> list[_Word]:
    return [(match[1], match[2]) for match in _WORDS.finditer(text)]


def _text(words: Sequence[_Word]) -> str:
    return "".join(part for word in words for part in word)


def _common(first: Sequence[object], second: Sequence[object]) -> int:
    """How many words, or characters, the two begin with in common."""
    count = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        count += 1
    return count


def _append(runs: list[Run], words: Sequence[_Word], mark: Mark) -> None:
    if words:
        runs.append((_text(words), mark))


def _append_same(runs: list[Run], first: Sequence[_Word], second: Sequence[_Word]) -> None:
    """The same words, with the space behind them as it was and as it is."""
    for (word, was), (_, now) in zip(first, second, strict=True):
        runs.append((word + was if was == now else word, "same"))
        if was != now:
            runs += [(was, "removed"), (now, "added")]


def _append_changed(runs: list[Run], first: Sequence[_Word], second: Sequence[_Word]) -> None:
    _append(runs, first, "removed")
    _append(runs, second, "added")


def _append_middle(runs: list[Run], first: Sequence[_Word], second: Sequence[_Word]) -> None:
    if _pairs(first, second) <= _MOST_PAIRS:
        _append_differences(runs, first, second, _append_changed)
    else:  # sentences first; then the words of those that differ
        _append_differences(runs, _sentences(first), _sentences(second), _append_sentences)


def _append_sentences(runs: list[Run], first: Sequence[_Word], second: Sequence[_Word]) -> None:
    """Sentences that differ, word by word; where that is too much and they are as many, each with the one in its place."""
    words = _words(_text(first)), _words(_text(second))
    if len(first) != len(second) or _pairs(*words) <= _MOST_PAIRS:
        _append_differences(runs, *words, _append_changed)
        return
    for one, other in zip(first, second, strict=True):
        _append_differences(runs, _words(_text([one])), _words(_text([other])), _append_changed)


def _append_differences(runs: list[Run], first: Sequence[_Word], second: Sequence[_Word], changed: _Compare) -> None:
    if _pairs(first, second) > _MOST_PAIRS:
        _append_changed(runs, first, second)
        return
    matcher = SequenceMatcher(None, [word for word, _ in first], [word for word, _ in second], autojunk=False)
    for operation, a, b, c, d in matcher.get_opcodes():
        if operation == "equal":
            _append_same(runs, first[a:b], second[c:d])
        else:
            changed(runs, first[a:b], second[c:d])


def _pairs(first: Sequence[_Word], second: Sequence[_Word]) -> int:
    """How many pairs of equal words a comparison has to look at."""
    counts = Counter(word for word, _ in second)
    return sum(counts[word] for word, _ in first)


def _sentences(words: Sequence[_Word]) -> list[_Word]:
    """The words as sentences, each up to its end or the end of its line, as if it were one word."""
    sentences: list[_Word] = []
    begun = ""
    for word, space in words:
        if word in _SENTENCE_END or "\n" in space:
            sentences.append((begun + word, space))
            begun = ""
        else:
            begun += word + space
    return [*sentences, (begun, "")] if begun else sentences


def _joined(runs: list[Run]) -> list[Run]:
    """The runs with changed neighbours put together, white space between them included on both sides."""
    joined: list[Run] = []
    removed = added = ""
    for index, (text, mark) in enumerate(runs):
        last = index == len(runs) - 1
        if mark == "removed":
            removed += text
        elif mark == "added":
            added += text
        elif text.isspace() and (removed or added) and not last:
            removed, added = removed + text, added + text
        else:
            _flush(joined, removed, added)
            removed = added = ""
            _join(joined, text)
    _flush(joined, removed, added)
    return joined


def _join(runs: list[Run], text: str) -> None:
    """Write what stayed, as one run with what stayed before it."""
    if runs and runs[-1][1] == "same":
        runs[-1] = (runs[-1][0] + text, "same")
    elif text:
        runs.append((text, "same"))


def _flush(runs: list[Run], removed: str, added: str) -> None:
    """Write a changed stretch; what both sides end with (a blank before the next same word) stays the same."""
    tail = ""
    while removed and added and removed[-1] == added[-1] and removed[-1].isspace():
        tail = removed[-1] + tail
        removed, added = removed[:-1], added[:-1]
    if removed:
        runs.append((removed, "removed"))
    if added:
        runs.append((added, "added"))
    if tail:
        _join(runs, tail)
