"""HTML -> the blocks of text that a reader sees, in reading order.

What a page means is read from its labels and its text, never from class names, so all that is kept of the markup is what
a reader sees of it: headings, list items and their nesting, terms and their definitions, rows of a table, and where one
run of text ends and the next begins.
"""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Iterator
from typing import Literal

import msgspec
from bs4 import BeautifulSoup
from bs4.element import NavigableString, PreformattedString, Tag

from registry_sync.sources.folding import fold
from registry_sync.sources.labels import is_advertisement

Kind = Literal["heading", "item", "term", "definition", "cell", "text"]

_UNSEEN = frozenset(
    ("script", "style", "noscript", "template", "title", "head", "meta", "link", "select", "datalist", "option", "textarea", "svg", "math",
     "iframe", "object", "embed", "canvas", "audio", "video", "map", "rp", "frameset")
)  # fmt: skip
_CHROME = frozenset(("nav", "footer"))
_LINE_BREAKS = frozenset(("br", "hr"))
_LISTS = frozenset(("ul", "ol", "menu", "dir"))
_KINDS: dict[str, Kind] = {"li": "item", "dt": "term", "dd": "definition", "td": "cell", "th": "cell"} | {
    f"h{level}": "heading" for level in range(1, 7)
}  # type: ignore[assignment]
_BOXES = (
    "html", "body", "div", "p", "section", "article", "main", "header", "footer", "aside", "nav", "form", "fieldset", "legend", "details",
    "summary", "figure", "figcaption", "blockquote", "pre", "address", "table", "caption", "thead", "tbody", "tfoot", "tr", "dl", "center",
    "hgroup", "search", "dialog", "label", "button",
)  # fmt: skip
_BLOCKS = frozenset(_BOXES) | _LISTS | frozenset(_KINDS)
_NESTS = frozenset(("table", "dl"))
_ROLES = {
    "table": "table", "grid": "table", "treegrid": "table", "row": "tr", "cell": "td", "gridcell": "td", "columnheader": "th",
    "rowheader": "th",
}  # fmt: skip
"""Parts of a table by what they say that they are, whatever their element (WAI-ARIA 1.2)."""
_MOST_SPANS = 20
"""Cells that reach over several rows, remembered for one table: a page made of nothing else must not be slow."""
_DEEPEST = 1 << 30
_LINE_STYLE = re.compile(r"(?:^|[;\s])white-space\s*:\s*(?:pre|break-spaces)", re.IGNORECASE)
_BODY = re.compile(r"</head\s*>\s*(?=<body[\s>])", re.IGNORECASE)
_IN_HEAD = (("<!--", "-->"), ("<script", "</script"), ("<style", "</style"), ("<title", "</title"), ("<noscript", "</noscript"))
"""What may hold the letters ``<body`` and be none."""
_STANDS_ALONE = "div|p|td|th|tr|ul|ol|li|dl|dt|dd|table|tbody|thead|section|article|main|header|form|h[1-6]|br|hr"
_BLANKS_BETWEEN = re.compile(rf"(</?(?:{_STANDS_ALONE})(?:\s[^<>]*)?>)\s+(?=</?(?:{_STANDS_ALONE})[\s>/])")
_KEEP_BLANKS = ("<pre", "<textarea", "<listing", "<xmp", "<plaintext", "white-space")
_TAG = re.compile(r"<[A-Za-z/!?]")
_HIDDEN_STYLE = re.compile(r"(?:^|[;\s])(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_WORD = re.compile(r"\w")
_DOCTYPE = "<!DOCTYPE html>"

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
_META_WITHIN = 4096
_CONTROLS = re.compile("[\x80-\x84\x86-\x9f]")
_ONE_BYTE = frozenset(("cp1252", "iso8859-15", "iso8859-2", "cp1250", "mac-roman", "cp437", "cp850", "koi8-r", "cp1251"))
"""Encodings of one byte a sign, under whose names pages in UTF-8 are served."""
_NO_PAGE_CODECS = frozenset(
    ("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "utf-7", "mbcs", "oem")
)  # codecs of Python that no page is written in; some take quadratic time


class Block(msgspec.Struct, frozen=True, gc=False):
    """One line of visible text.

    ``parts`` are its runs between inline elements (``<b>Sex</b> All`` has two). ``depth`` counts nesting in lists from 0;
    ``outline`` numbers the page's outermost lists from 1 (0: in no list). ``marker`` is set for the first block of a list
    item. ``level`` is 1 to 6 for a heading, else 0. ``row`` tells the rows of the page's tables apart (0: in no table, or in a row
    of one cell, which is a line like any other), ``cell`` is the column in that row from 0, of which there are ``cells``;
    ``nesting`` counts the tables and definition lists around it.
    ``raw`` is the text with its own line breaks, which a style sheet may have shown, or the one line of a ``pre`` with its
    indentation; empty where there is neither. ``breaks`` counts the ``br``, or in a ``pre`` the line ends, right before it.
    ``linked``: all its words are of links. ``joint``: how deep the innermost element stands that holds this block and the one before.
    """

    text: str
    kind: Kind = "text"
    parts: tuple[str, ...] = ()
    depth: int = 0
    marker: str | None = None
    level: int = 0
    row: int = 0
    cell: int = 0
    cells: int = 0
    raw: str = ""
    breaks: int = 0
    nesting: int = 0
    outline: int = 0
    linked: bool = False
    joint: int = 0

    @property
    def is_line_of_pre(self) -> bool:
        """Is this one line of a text whose line ends and indentation are shown?"""
        return bool(self.raw) and "\n" not in self.raw


def decode(body: bytes, charset: str | None) -> str:
    """The text of a page: by its byte order mark, else by ``charset`` (the header's), its ``meta`` element, or UTF-8.

    Bytes that do not fit become U+FFFD, and so do the control characters of ISO 8859, which no page means. What is UTF-8 beyond ASCII is
    hardly anything else, whatever it is called. A page that is not UTF-8 and does not say what it is, is read as Windows-1252
    (HTML Standard, section 13.2.3, determining the character encoding).
    """
    for mark, codec in _BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return body.decode(codec, errors="replace")
    declared = _META_CHARSET.search(body[:_META_WITHIN])
    stated = _known_codec(charset) or _known_codec(declared[1].decode("ascii") if declared else None, in_page=True)
    if stated and not (stated in _ONE_BYTE and _is_utf8(body)):
        return _CONTROLS.sub("\ufffd", body.decode(stated, errors="replace"))
    if body[:400].count(0) * 4 > len(body[:400]):
        return body.decode("utf-16-be" if body[0] == 0 else "utf-16-le", errors="replace")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        mostly_utf8 = body.decode("utf-8", errors="replace")
        return mostly_utf8 if mostly_utf8.count("\ufffd") * 20 < _beyond_ascii(body) else body.decode("cp1252", errors="replace")


def _is_utf8(body: bytes) -> bool:
    """Is this UTF-8 with signs beyond ASCII, or ASCII alone?"""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def html_blocks(markup: str) -> tuple[Block, ...]:
    """The visible blocks of ``markup``."""
    return tuple(_Reader(frozenset()).read(_tree(markup)))


def page_blocks(markup: str) -> tuple[tuple[Block, ...], str]:
    """The visible blocks of a page without what is a site's own on every page (``nav``, ``footer``), and the text of that."""
    if _TAG.search(markup) is None:
        markup = f"<pre>{markup.replace('<', '&lt;')}</pre>"  # plain text: its lines are all that it has
    reader = _Reader(_CHROME)
    blocks = tuple(reader.read(_tree(markup)))
    return blocks, " ".join(reader.aside)


def _tree(markup: str) -> BeautifulSoup:
    # The prefix keeps Beautiful Soup from taking a short text for a file name, or an XML declaration for XML.
    return BeautifulSoup(
        _DOCTYPE + fold_nulls(_tight(markup[_start_of_body(markup) :])), "lxml", multi_valued_attributes=None, attribute_dict_class=dict
    )


def _tight(markup: str) -> str:
    """Without the blanks between elements that begin and end blocks: nobody sees them, and each would be a node of the tree."""
    small = markup.lower()
    return markup if any(name in small for name in _KEEP_BLANKS) else _BLANKS_BETWEEN.sub(r"\1", markup)


def _start_of_body(markup: str) -> int:
    """Where what can be seen begins: behind the head, wherever it is sure that the head ends there; else at the start."""
    found = _BODY.search(markup)
    if found is None:
        return 0
    head = markup[: found.start()].lower()
    return found.end() if all(head.count(opened) == head.count(closed) for opened, closed in _IN_HEAD) else 0


def fold_nulls(text: str) -> str:
    """Without NUL and lone surrogates, at which the parser would stop."""
    return text.replace("\x00", " ").encode("utf-8", "replace").decode("utf-8")


class _Place(msgspec.Struct):
    """An element that gives its blocks a kind; ``used`` once its first block was seen."""

    kind: Kind
    depth: int
    level: int = 0
    marker: str | None = None
    used: bool = False


class _List(msgspec.Struct):
    ordered: bool
    outline: int
    number: int = 0

    def marker(self) -> str:
        self.number += 1
        return f"{self.number}." if self.ordered else "*"


class _Row(msgspec.Struct):
    """A row of a table: the columns of its own cells, and how many it has with those that reach into it from above."""

    number: int
    cells: int
    columns: Iterator[int]
    cell: int = 0


_NO_ROW = _Row(0, 0, iter(()))


class _Table(msgspec.Struct):
    """A table's columns that cells from above still fill, and for how many rows."""

    spans: dict[int, int] = msgspec.field(default_factory=dict)

    def row(self, number: int, tag: Tag) -> _Row:
        """The next row, whose cells take the columns that are free."""
        own = [child for child in tag.contents if isinstance(child, Tag) and _name(child) in ("td", "th")]
        filled = frozenset(self.spans)
        columns = list(itertools.islice((column for column in itertools.count() if column not in filled), len(own)))
        self.spans = {column: rows - 1 for column, rows in self.spans.items() if rows > 1}
        for column, cell in zip(columns, own, strict=True):
            if len(self.spans) < _MOST_SPANS and (rows := _rows_spanned(cell)) > 1:
                self.spans[column] = rows - 1
        return _Row(number, len(own) + len(filled), iter(columns))


def _name(tag: Tag) -> str:
    """What an element is: its name, or the part of a table as which it presents itself."""
    role = tag.attrs.get("role") if tag.attrs else None
    return _ROLES.get(role, tag.name) if isinstance(role, str) else tag.name


def _rows_spanned(cell: Tag) -> int:
    stated = str(cell.attrs.get("rowspan", "")).strip()
    return int(stated) if stated.isascii() and stated.isdigit() and len(stated) < 6 else 1


class _Reader(msgspec.Struct):
    """Walks a tree without recursion (a page may nest as deep as it likes) and collects its blocks."""

    chrome: frozenset[str]
    aside: list[str] = msgspec.field(default_factory=list)
    blocks: list[Block] = msgspec.field(default_factory=list)
    places: list[_Place] = msgspec.field(default_factory=list)
    lists: list[_List] = msgspec.field(default_factory=list)
    rows: list[_Row] = msgspec.field(default_factory=list)
    tables: list[_Table] = msgspec.field(default_factory=list)
    runs: list[str] = msgspec.field(default_factory=list)
    pending: list[str] = msgspec.field(default_factory=list)
    rows_seen: int = 0
    outlines_seen: int = 0
    nesting: int = 0
    lines_kept: int = 0
    breaks: int = 0
    links: int = 0
    has_words: bool = False
    shallowest: int = _DEEPEST
    joint: int = _DEEPEST

    def read(self, soup: BeautifulSoup) -> list[Block]:
        open_tags: list[tuple[Tag, str, Iterator[object]]] = [(soup, soup.name, iter(soup.contents))]
        while open_tags:
            tag, name, children = open_tags[-1]
            child = next(children, None)
            if child is None:
                open_tags.pop()
                self._leave(tag, name)
                self.shallowest = min(self.shallowest, len(open_tags))
                if self.lines_kept:
                    self.lines_kept -= _keeps_lines(tag)
            elif isinstance(child, Tag):
                if not self._is_unseen(child):
                    name = _name(child)
                    self._enter(child, name)
                    if child.attrs or child.name == "pre":
                        self.lines_kept += _keeps_lines(child)
                    open_tags.append((child, name, iter(child.contents)))
            elif isinstance(child, NavigableString) and not isinstance(child, PreformattedString):
                self._text(child)
        self._flush()
        return self.blocks

    def _text(self, text: str) -> None:
        """Text as it stands in the source; where its line ends are shown, each ends a block."""
        if not self.lines_kept:
            if self.pending or self.runs or not text.isspace():  # before a block's first word it is nothing
                self._pend(text)
            return
        first, *following = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._pend(first)
        for line in following:
            self._flush()
            self.breaks += 1
            self._pend(line)

    def _pend(self, text: str) -> None:
        if not self.pending and not self.runs:
            self.joint = min(self.joint, self.shallowest)
        if not text.isspace():
            self.shallowest = _DEEPEST
        self.pending.append(text)
        if not self.links and not self.has_words and not text.isspace():
            self.has_words = _WORD.search(text) is not None

    def _is_unseen(self, tag: Tag) -> bool:
        if tag.name in _UNSEEN or (tag.attrs and "hidden" in tag.attrs):
            return True
        if tag.name in self.chrome:
            self.aside.append(tag.get_text(" "))
            return True
        if tag.name == "aside" and self.chrome and is_advertisement(next(tag.stripped_strings, "")):
            return True
        style = tag.attrs.get("style") if tag.attrs else None
        return isinstance(style, str) and _HIDDEN_STYLE.search(style) is not None

    def _enter(self, tag: Tag, name: str) -> None:
        if name in _LINE_BREAKS:
            self._flush()
            self.breaks = self.breaks + 1 if name == "br" else 0
            return
        if name not in _BLOCKS:
            self.links += _is_link(tag)
            self._end_run()
            return
        self._end_block()
        self.nesting += name in _NESTS
        if name in _LISTS:
            self.outlines_seen += not self.lists
            self.lists.append(_List(name == "ol", self.outlines_seen))
        elif name == "table":
            self.tables.append(_Table())
        elif name == "tr":
            self.rows_seen += 1
            self.rows.append((self.tables[-1] if self.tables else _Table()).row(self.rows_seen, tag))
        elif name in _KINDS:
            self._enter_place(name)

    def _enter_place(self, name: str) -> None:
        kind = _KINDS[name]
        if kind == "item":
            depth = max(len(self.lists) - 1, 0)
            self.places.append(_Place(kind, depth, marker=self.lists[-1].marker() if self.lists else "*"))
            return
        if kind == "cell" and self.rows:
            self.rows[-1].cell = next(self.rows[-1].columns, self.rows[-1].cell)
        self.places.append(_Place(kind, self._inner_depth(), level=int(name[1]) if kind == "heading" else 0))

    def _leave(self, tag: Tag, name: str) -> None:
        if name not in _BLOCKS:
            if name not in _LINE_BREAKS:
                self.links -= _is_link(tag)
                self._end_run()
            return
        self._end_block()
        self.nesting -= name in _NESTS
        if name in _LISTS and self.lists:
            self.lists.pop()
        elif name == "table":
            self.tables.pop()
        elif name == "tr" and self.rows:
            self.rows.pop()
        elif name in _KINDS and self.places:
            self.places.pop()

    def _inner_depth(self) -> int:
        """How deep a block stands that opens here: one level below the item that it stands in."""
        if not self.places:
            return 0
        place = self.places[-1]
        return place.depth + 1 if place.kind == "item" and place.used else place.depth

    def _end_run(self) -> None:
        if self.pending:
            self.runs.append("".join(self.pending))
            self.pending.clear()

    def _end_block(self) -> None:
        self._flush()
        self.breaks = 0

    def _flush(self) -> None:
        if not self.pending and not self.runs:
            return
        self._end_run()
        whole = "".join(self.runs)
        text = fold(whole)
        if text:
            self.blocks.append(self._block(text, whole))
            self.breaks, self.joint = 0, _DEEPEST
        self.runs.clear()
        self.has_words = False

    def _block(self, text: str, whole: str) -> Block:
        place = self.places[-1] if self.places else _Place("text", 0)
        first = not place.used
        depth = self._inner_depth()
        place.used = True
        is_item = place.kind == "item"
        row = next((row for row in reversed(self.rows[-_MOST_SPANS:]) if row.cells > 1), _NO_ROW)
        in_line_of_its_own = (is_item and not first) or (place.kind == "cell" and not row.number)
        raw = whole.rstrip() if self.lines_kept else whole.strip()
        return Block(
            text=text,
            kind="text" if in_line_of_its_own else place.kind,
            parts=(text,) if len(self.runs) == 1 else tuple(part for run in self.runs if (part := fold(run))),
            depth=depth,
            marker=place.marker if is_item and first else None,
            level=place.level,
            row=row.number,
            cell=row.cell,
            cells=row.cells,
            raw=raw if self.lines_kept or "\n" in raw else "",
            breaks=self.breaks,
            nesting=self.nesting,
            outline=self.lists[0].outline if self.lists else 0,
            linked=not self.has_words and _WORD.search(text) is not None,
            joint=self.joint,
        )


def _is_link(tag: Tag) -> bool:
    return tag.name == "a" and "href" in tag.attrs


def _keeps_lines(tag: Tag) -> bool:
    """Does this element show the line ends of its text?"""
    style = tag.attrs.get("style")
    return tag.name == "pre" or (isinstance(style, str) and _LINE_STYLE.search(style) is not None)


def _known_codec(name: str | None, *, in_page: bool = False) -> str | None:
    """Python's name of an encoding that a page may be in; ``None`` for none, an unknown one or a trap."""
    if not name:
        return None
    try:
        codec = codecs.lookup(name.strip())
        "".encode(codec.name)
    except (LookupError, ValueError, TypeError, UnicodeError):
        return None
    if codec.name in _NO_PAGE_CODECS:
        return None
    if in_page and codec.name.startswith(("utf-16", "utf-32")):
        return "utf-8"  # the bytes of the meta element were readable, so it is not true
    return "cp1252" if codec.name in ("iso8859-1", "ascii") else codec.name


def _beyond_ascii(body: bytes) -> int:
    return sum(1 for byte in body if byte > 127)
