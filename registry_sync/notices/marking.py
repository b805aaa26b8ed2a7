"""What a rewording changed, word by word: for text mail, HTML mail and terminal alike."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Literal

from registry_sync.notices.clean import ELLIPSIS

Mark = Literal["same", "removed", "added"]
Run = tuple[str, Mark]

_WORDS = re.compile(r"\s+|\w+(?:[.,'’]\w+)*|[^\w\s]")
"""White space, words and numbers ("3.0" and "1,000" are one), and single signs (so that "<" against "≤" is seen)."""

_MOST_COMPARISONS = 4_000_000
"""Words before times words after: beyond this the middle is marked whole, so that no text can make a mail take minutes."""


def marked(before: str, after: str) -> list[Run]:
    """Runs of text that stayed, went and came.

    ``same`` and ``removed`` runs joined are ``before``; ``same`` and ``added`` runs joined are ``after``. Neighbouring changed words
    with only white space between them are one run.
    """
    first, second = _WORDS.findall(before), _WORDS.findall(after)
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
    first, second = _WORDS.findall(before), _WORDS.findall(after)
    same = len("".join(first[: _common(first, second)]))
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


def _common(first: Sequence[str], second: Sequence[str]) -> int:
    """How many words the two begin with in common."""
    count = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        count += 1
    return count


def _append(runs: list[Run], words: Sequence[str], mark: Mark) -> None:
    if words:
        runs.append(("".join(words), mark))


def _append_middle(runs: list[Run], first: list[str], second: list[str]) -> None:
    if len(first) * len(second) > _MOST_COMPARISONS:
        _append(runs, first, "removed")
        _append(runs, second, "added")
        return
    for operation, a, b, c, d in SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        if operation == "equal":
            _append(runs, first[a:b], "same")
        else:
            _append(runs, first[a:b], "removed")
            _append(runs, second[c:d], "added")


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
            joined.append((text, "same"))
    _flush(joined, removed, added)
    return joined


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
        runs.append((tail, "same"))
