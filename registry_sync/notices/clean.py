"""Registry text made safe to show on one line: fetched text is hostile until it has been here."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

ELLIPSIS = "…"
_SPACES = frozenset({"Zl", "Zp", "Zs"})
_DROPPED = frozenset({"Cf", "Cs"})
"""Invisible or unencodable: bidirectional overrides turn a sentence round, lone surrogates cannot be sent at all."""

_UNPRINTED = re.compile(r"[^\w!-~ ¡-¬®-ʯ‐-‧‰-⁞₠-⅏←-⋿]")
"""Every character but letters, digits and usual signs; among these are all that are not shown."""


def one_line(text: str) -> str:
    """The text without control characters, direction marks, noncharacters and line breaks; runs of white space become one blank."""
    return " ".join(_UNPRINTED.sub(_shown, text).split())


def block(text: str) -> str:
    """The text with its line breaks, but nothing else that is not seen."""
    return "\n".join(one_line(line) for line in text.splitlines()).strip()


def cut(text: str, limit: int) -> str:
    """At most ``limit`` characters, cut between words where that loses little, with an ellipsis."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    at = head.rfind(" ")
    if at > limit * 2 // 3:
        head = head[:at]
    return head.rstrip(" ,;:.") + ELLIPSIS


def as_text(value: Any) -> str:
    """Any JSON value on one line: texts as they are, the rest as compact JSON."""
    if isinstance(value, str):
        return one_line(value)
    try:
        return one_line(json.dumps(value, ensure_ascii=False, sort_keys=True, default=str))
    except (TypeError, ValueError, RecursionError):
        return one_line(type(value).__name__)


def text_of(item: Any, key: str) -> str:
    """A part of a list item as one line; empty when the item has no such text."""
    value = item.get(key) if isinstance(item, dict) else None
    return one_line(value) if isinstance(value, str) else "" if value is None else as_text(value)


def _shown(found: re.Match[str]) -> str:
    category = unicodedata.category(found[0])
    if category == "Cc" or category in _SPACES:
        return " "
    return "" if category in _DROPPED or _is_no_character(ord(found[0])) else found[0]


def _is_no_character(code: int) -> bool:
    """Will this never be a character (Unicode, 23.7)? XML forbids U+FFFE and U+FFFF, and others are taken for an end."""
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
