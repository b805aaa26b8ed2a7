"""The version history's way to write a study -> the way of API v2: HTML texts become Markdown, entities become characters.

The history gives as HTML what API v2 gives as Markdown, and every other text with entities ("Phase 1&#x2F;2"). Written in one way, both
are read by one reader, so that a version of the history and a record of API v2 differ in nothing but what they say.
"""

from __future__ import annotations

import html
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec
from msgspec.structs import replace

from registry_sync.trials.record import FIELDS, Criterion, Field, Record
from registry_sync.trials.text import key

if TYPE_CHECKING:
    from registry_sync.sources.blocks import Block

Markup = Literal["markdown", "html"]
"""How the texts of a study are marked: API v2's way, or the version history's."""

_Part = TypeVar("_Part", bound=msgspec.Struct)

_MARKUP = frozenset(("brief_summary", "detailed_description", "description", "eligibility_criteria", "study_population"))
"""The fields whose type the registry calls ``markup``; another one may hold tags all the same, and is one line."""
_BLOCK_TAGS = "p|div|ul|ol|li|br|hr|h[1-6]|blockquote|pre|table|thead|tbody|tr|td|th|dl|dt|dd"
_TAGS = rf"(?:{_BLOCK_TAGS}|b|strong|i|em|u|s|sup|sub|span|a|code|small|del|ins|font)(?:\s[^<>]*)?/?>"
_TAG = re.compile(rf"</?{_TAGS}", re.IGNORECASE)
_BLOCK_TAG = re.compile(rf"</?(?:{_BLOCK_TAGS})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_NO_TAG = re.compile(rf"<(?!/?{_TAGS}|!--)", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_MARKS = re.compile(r"[*_<>\[\]`~]")
_PARTED = re.compile(r"\n[^\S\n]*(?:\n|[*+-] |\d{1,3}[.)] )")
_ITEM = re.compile(r" *(?:\*|\d+\.) ")
_INDENT = "    "
_TEXTS_KEPT = 256

_SIGNS = re.compile(r"<!--.*?-->|[\\*_`]")
_LONE_SIGN = re.compile(r"(?:(?<=\s)|^)[\u2022\u00b7\u25aa\u25e6\u2023+\u2013\u2014=-]+(?=\s|$)")
_LIST_NUMBER = re.compile(r"(?:(?<=\s)|^)\d{1,3}[.)](?=\s)")


def as_markdown(study: _Part) -> _Part:
    """A study of the version history with its texts as API v2 writes them."""
    return type(study)(**{name: _value(name, getattr(study, name)) for name in study.__struct_fields__})


def markdown(text: str) -> str:
    """HTML -> Markdown that says the same.

    A text without a tag is one paragraph; one that has several lines of a list, or paragraphs, is Markdown but for its entities.
    """
    return _markdown(text)


def in_words_of(record: Record, other: Record) -> Record:
    """``record``, with every text that says what the other's says in the other's words, so that comparing them tells the rest.

    Two ways to mark a text can lose a bullet, the number of an item in prose, an escape, or where one item ends: no such thing is a
    change between two records that are marked in two ways.
    """
    words = {
        field.name: _words_of(field, mine, theirs)
        for field in FIELDS
        if (mine := getattr(record, field.name)) is not None
        and (theirs := getattr(other, field.name)) is not None
        and mine != theirs
        and (field.kind == "prose" or field.is_list)
    }
    return replace(record, **words)


# --- HTML -> Markdown ---------------------------------------------------------------------------------------------------


def _value(name: str, value: Any) -> Any:
    if isinstance(value, str):
        return _text(name, value)
    if isinstance(value, msgspec.Struct):
        return as_markdown(value)
    return [_value(name, item) for item in value] if isinstance(value, list) else value


def _text(name: str, text: str) -> str:
    if name in _MARKUP:
        return _markdown(text)
    if "<" in text and _BLOCK_TAG.search(text):
        return " ".join(block.text for block in _blocks(text))
    return _characters(text) if "&" in text else text


@lru_cache(_TEXTS_KEPT)
def _markdown(text: str) -> str:
    if not _TAG.search(text):
        bare = _characters(text)
        return bare if _PARTED.search(bare) else _escaped(bare)
    lines: list[str] = []
    for block in _blocks(text):
        lines += _lines(block, lines[-1] if lines else "")
    return "\n".join(lines)


def _blocks(text: str) -> tuple[Block, ...]:
    """The visible blocks; a ``<`` that opens no tag of a text ("<5 years") is a character."""
    from registry_sync.sources.blocks import html_blocks  # loads the parsers of HTML

    return html_blocks(_NO_TAG.sub("&lt;", text))


def _lines(block: Block, before: str) -> list[str]:
    """The lines of one block, after the line ``before``."""
    indent = _INDENT * block.depth
    if block.marker is not None:
        apart = [""] if before and not _ITEM.match(before) else []
        return [*apart, f"{indent}{block.marker} {_escaped(block.text)}"]
    if block.kind == "heading":
        return ["", f"{indent}{'#' * block.level} {_escaped(block.text)}", ""]
    goes_on = block.breaks == 1 or not before
    return [*([] if goes_on else [""]), f"{indent}{_escaped(block.text)}"]


def _escaped(text: str) -> str:
    marked = _MARKS.sub(r"\\\g<0>", " ".join(text.split()))
    return f"\\{marked}" if marked.startswith("#") else marked


def _characters(text: str) -> str:
    """Entities resolved once: what was encoded over is for the reader of both."""
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)


# --- the same in other words ---------------------------------------------------------------------------------------------


def _words_of(field: Field, mine: Any, theirs: Any) -> Any:
    if field.kind == "prose":
        return theirs if _bare(mine) == _bare(theirs) else mine
    if field.name == "criteria":
        return theirs if _bare_criteria(mine) == _bare_criteria(theirs) else mine
    there = {_bare_item(item): item for item in theirs}
    return tuple(there.get(_bare_item(item), item) for item in mine)


def _bare(text: str) -> str:
    return _bare_line(_LIST_NUMBER.sub("", text))


def _bare_line(text: str) -> str:
    return key(_LONE_SIGN.sub("", _SIGNS.sub("", text)))


def _bare_item(item: Any) -> Any:
    """An item by what it says; whatever else it holds has to be the same."""
    if isinstance(item, str):
        return _bare(item)
    if isinstance(item, msgspec.Struct):
        return tuple(_bare_item(getattr(item, name)) for name in item.__struct_fields__)
    return tuple(map(_bare_item, item)) if isinstance(item, tuple) else item


def _bare_criteria(criteria: tuple[Criterion, ...]) -> dict[str | None, str]:
    """What each group says as a whole, wherever one item ends and the next begins."""
    groups: dict[str | None, list[str]] = {}
    for one in criteria:
        groups.setdefault(one.group, []).append(one.text)
    return {group: " ".join(_bare_line(" ".join(texts)).split()) for group, texts in groups.items()}
