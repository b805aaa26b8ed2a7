"""Markdown, HTML and plain text -> lines with depth, and prose -> plain text.

The registry writes eligibility as Markdown in API v2 and as HTML in its version history, pages show it as plain text.
The same list gives the same lines here in all three, so that another form is never taken for another criterion.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from html.entities import html5
from typing import TYPE_CHECKING

import msgspec

from registry_sync.sources.folding import fold
from registry_sync.sources.inline_lists import parted
from registry_sync.sources.markers import split_markers
from registry_sync.trials.criteria import Line

if TYPE_CHECKING:
    from registry_sync.sources.blocks import Block

_ESCAPED = re.compile(r"(?<!\\)\\+([!-/:-@\[\]-`{-~])")  # the look back keeps a run of backslashes from being tried at each
_HARD_BREAK = re.compile(r"(?<!\\)\\+(?=\s|$)")
_ENTITY = re.compile(r"&(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ENCODED_AT_MOST = 3
"""How often an entity may have been encoded over ("&amp;amp;lt;"): more is no accident and would cost a pass each."""

_LIST_ITEM = re.compile(r"([*+-]|\d{1,3}[.)])\s+(?=\S)")  # CommonMark, section 5.2; no list has a thousand items, a year has four digits
_ATX_HEADING = re.compile(r"#{1,6}\s+(?=\S)")
_LIST_SEPARATOR = "<!-- -->"  # written between two lists that would otherwise run together
_GROUP_HEADING = re.compile(r"(?:key |main )?(?:inclusion|exclusion) criteria\s*:?", re.IGNORECASE)
_PARAGRAPH_BREAK = re.compile(r"\n[^\S\n]*\n\s*")
_EMPHASIS = tuple(
    # paired marks that touch the words they hold, and no others (CommonMark 0.28, 6.4); an escaped one is no mark
    re.compile(
        rf"(?<![\\\w{mark[-1]}])(?:{mark})(?![\s{mark[-1]}])(?P<words>[^{mark[-1]}\n]*?[^\s\\{mark[-1]}])(?:{mark})(?![\w{mark[-1]}])"
    )
    for mark in (r"\*\*\*", r"\*\*", "__", r"\*", "_")
)
_NESTED_AT_MOST = 3
_TAB = 4
_LEVEL = 2
"""An item belongs to the one above it when it stands this many columns further in."""


def plain_text(text: str) -> str:
    """Prose without Markdown escapes and entities; blanks folded, paragraphs parted by one empty line.

    ``\\>`` and ``\\\\>`` are ``>``, ``&gt;`` and ``&amp;gt;`` too. A backslash before a letter or digit stays.
    """
    paragraphs = (fold(_unescaped(paragraph)) for paragraph in _PARAGRAPH_BREAK.split(_newlines(text)))
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def markdown_lines(text: str) -> tuple[Line, ...]:
    """The lines of the registry's Markdown (``eligibilityCriteria`` of API v2).

    A line that goes on without an empty line between belongs to the one before, indented or not; a paragraph after an
    empty line is a line of its own, one level deeper inside an item.
    """
    return _assembled(_source_lines(text, markdown=True), lazy=True)


def plain_lines(text: str) -> tuple[Line, ...]:
    """The lines of a visible text whose bullets and numbers are part of it ("• 1. Age ...").

    Each line stands for itself, but for one that is indented under an item without a marker of its own.
    """
    return _assembled(_source_lines(text, markdown=False), lazy=False)


def html_lines(html: str) -> tuple[Line, ...]:
    """The lines of the registry's HTML (its version history): ``p``, ``ul``, ``ol``, ``li``, ``br``, ``h1`` to ``h6``."""
    from registry_sync.sources.blocks import html_blocks  # loads the parsers of HTML: API v2 sends none

    return block_lines(html_blocks(html))


def block_lines(blocks: Sequence[Block]) -> tuple[Line, ...]:
    """The lines of blocks that follow each other; a sentence that the page breaks by single ``br`` is one line."""
    lines: list[_OpenLine] = []
    wraps = any(block.breaks > 1 for block in blocks)  # items stand apart by two breaks, so one is a mere wrap
    for block, (inner, text) in zip(blocks, split_markers([block.text for block in blocks]), strict=True):
        marker = inner or block.marker
        if not text:
            continue
        if lines and block.breaks == 1 and marker is None and _is_wrapped(lines[-1], text, wraps=wraps):
            lines[-1].pieces.append(text)
        else:
            lines.append(_OpenLine(block.depth, 0, marker, block.kind == "heading", [text]))
    return parted([line.closed() for line in lines])


def _is_wrapped(before: _OpenLine, text: str, *, wraps: bool) -> bool:
    """Is ``text`` the rest of an item that a single ``br`` has cut?"""
    if before.marker is None or before.heading:
        return False
    return wraps or (text[:1].islower() and not before.pieces[-1].endswith((".", ";", ":")))


class _SourceLine(msgspec.Struct, frozen=True):
    """One line as written: its column, its list marker in Markdown, its content without escapes, what stood before."""

    column: int
    marker: str | None
    content: str
    after_blank: bool
    heading: bool


class _OpenLine(msgspec.Struct):
    """A Line that may still go on."""

    depth: int
    column: int
    marker: str | None
    heading: bool
    pieces: list[str] = msgspec.field(default_factory=list)

    def closed(self) -> Line:
        return Line(self.depth, self.marker, fold(" ".join(self.pieces)), self.heading)


class _Outline:
    """The items that enclose the place reached, by the columns where they begin."""

    def __init__(self) -> None:
        self._columns: list[int] = []

    def item(self, column: int) -> int:
        """The depth of an item at ``column``; it encloses what follows. One column to either side is still a sibling."""
        columns = self._columns
        while columns and column < columns[-1] - 1:
            columns.pop()
        if columns and column < columns[-1] + _LEVEL:
            columns[-1] = column
        else:
            columns.append(column)
        return len(columns) - 1

    def paragraph(self, column: int) -> int:
        """The depth of a paragraph at ``column``; it ends the items that it does not stand in."""
        while self._columns and column < self._columns[-1] + _LEVEL:
            self._columns.pop()
        return len(self._columns)


def _assembled(lines: Iterable[_SourceLine], *, lazy: bool) -> tuple[Line, ...]:
    """Source lines -> Lines. ``lazy``: text that is not indented may go on with the line before, too."""
    sources = list(lines)
    done: list[_OpenLine] = []
    outline = _Outline()
    for source, (inner, text) in zip(sources, split_markers([source.content for source in sources]), strict=True):
        marker = inner or source.marker
        current = done[-1] if done else None
        if source.heading:
            done.append(_OpenLine(outline.paragraph(source.column), source.column, marker, True, [text]))
        elif marker is not None:
            done.append(_OpenLine(outline.item(source.column), source.column, marker, False, [text]))
        elif current is not None and _goes_on(current, source, lazy=lazy):
            current.pieces.append(text)
        else:
            done.append(_OpenLine(outline.paragraph(source.column), source.column, None, False, [text]))
    return parted([line for opened in done if (line := opened.closed()).text])


def _goes_on(current: _OpenLine, source: _SourceLine, *, lazy: bool) -> bool:
    """Does this line, which has no marker, belong to the one before?"""
    if source.after_blank or current.heading:
        return False
    if not any(current.pieces):
        return True  # a number alone on its line: the text follows on the next
    if lazy:
        return _GROUP_HEADING.fullmatch(source.content) is None  # a heading written straight under the last item
    return current.marker is not None and source.column > current.column


def _source_lines(text: str, *, markdown: bool) -> Iterator[_SourceLine]:
    """The lines that are not empty."""
    after_blank = True
    for raw in text.splitlines():
        expanded = raw.expandtabs(_TAB) if "\t" in raw else raw
        written = expanded.strip()
        if not written or (markdown and written == _LIST_SEPARATOR):
            after_blank = True
            continue
        column = len(expanded) - len(expanded.lstrip())
        item = _LIST_ITEM.match(written) if markdown and (written[0] in "*+-" or written[0].isdecimal()) else None
        title = _ATX_HEADING.match(written) if markdown and written[0] == "#" else None
        start = item or title
        content = written[start.end() :] if start else written
        yield _SourceLine(
            column=column,
            marker=item[1] if item else None,
            content=fold(_unescaped(content) if markdown else content),
            after_blank=after_blank,
            heading=title is not None,
        )
        after_blank = False


def _plain_of_emphasis(text: str) -> str:
    for _ in range(_NESTED_AT_MOST if "*" in text or "_" in text else 0):
        plain = text
        for emphasis in _EMPHASIS:
            plain = emphasis.sub(r"\g<words>", plain)
        if plain == text:
            break
        text = plain
    return text


def _unescaped(text: str) -> str:
    """The text without Markdown's emphasis and backslashes, and with its entities resolved."""
    bare = _plain_of_emphasis(text)
    if "\\" in bare:
        bare = _HARD_BREAK.sub("", _ESCAPED.sub(r"\1", bare))
    for _ in range(_ENCODED_AT_MOST if "&" in bare else 0):
        resolved = _ENTITY.sub(_character, bare)
        if resolved == bare:
            break
        bare = resolved
    return bare


def _character(entity: re.Match[str]) -> str:
    """What an entity stands for; an unknown one stays as it is ("&notit;" is no "¬it;")."""
    name = entity[1]
    if name.startswith("#"):
        return html.unescape(entity[0])
    return html5.get(f"{name};", entity[0])


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
