"""The sites that a page lists, in whatever layout: lines, tables, a heading for each, groups below a country.

A part that is not surely the town is given as the facility's name: the audit finds the town of the registry in it, and takes another
name for no contradiction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import msgspec
from msgspec.structs import replace

from registry_sync.sources import finder_values as read
from registry_sync.sources.blocks import Block
from registry_sync.sources.folding import fold
from registry_sync.sources.labels import Words, opens_other_trials
from registry_sync.sources.page_parts import Piece, begins_about
from registry_sync.sources.place_lines import country_alone, place_of, state_behind, state_of, with_facility, without_count, without_status
from registry_sync.sources.place_tables import of_parts
from registry_sync.trials.record import Location

_COUNT_IN_LABEL = re.compile(r"(?:[(\[]\s*|^)(\d{1,5})\b")
_NO_PLACE = re.compile(
    r"[+()\d\s./-]{5,}(?:\s?(?:ext|x)\.?\s?\d+)?|\S+@\S+|.*\bhttps?://.*|www\..*|[\d.,]+\s?(?:km|mi|miles?|kilomet(?:er|re)s?)\b.*|"
    r"(?:(?:site|principal|sub|local|study)[- ])*(?:contact|phone|tel|telephone|fax|e-?mail|investigator)s?\.?\s*"
    r"(?:$|[:+\d(].*)|[\d\W]+",
    re.IGNORECASE,
)
_MOST_WORDS = 25
_MOST_LETTERS = 300
_FEWEST_IN_ADDRESS = 2
_MOST_BETWEEN = 200
_OF_A_SITE = frozenset(("facility", "city", "state", "zip", "country", "place"))


class _Line(msgspec.Struct, frozen=True):
    """A line of a list of sites, or the value beside a label of one part of a site (``column``)."""

    text: str
    block: Block
    column: str | None = None
    is_part: bool = False
    """Does it share its block with the line before?"""


class _Group(msgspec.Struct):
    """The lines of one site, the first one its head (a heading, a term, the first line of an item, a row); or one line alone."""

    lines: list[_Line]
    kind: str = ""
    country: str | None = None
    state: str | None = None

    @property
    def is_marked(self) -> bool:
        return self.kind in ("heading", "term")


def listed(found: Sequence[Piece], place: int, words: Words) -> tuple[Location, ...]:
    """The sites below, or beside, the label at this place; none where nothing of it can be read."""
    lines = list(_lines(_section(found, place, words), words))
    sites = _labelled(lines, words) or _of_lines(list(_unlabelled(lines)), found[place].block.row, words)
    stated = [site.status for site in sites]
    return tuple(sites if all(stated) else (replace(site, status=None) if site.status else site for site in sites))


def _unlabelled(lines: Sequence[_Line]) -> Iterator[_Line]:
    """The lines that say something of a site without its parts having labels."""
    for line in lines:
        if line.column in (None, "facility"):
            yield replace(line, column=None)
        elif line.column == "status":
            yield replace(line, text=f"Status: {line.text}", column=None)


def counted(label: str) -> int | None:
    """How many there are, as a label says it ("Locations (5)")."""
    said = _COUNT_IN_LABEL.search(label)
    return int(said[1]) if said else None


def _section(found: Sequence[Piece], place: int, words: Words) -> list[Piece]:
    """What stands below a label: up to one that is no part of a site's, a heading of its rank, the end of its row."""
    label = found[place].block
    above = next((piece.block.level for piece in reversed(found[max(0, place - _MOST_BETWEEN) : place]) if piece.block.level), 0)
    level = label.level  # at which a heading ends the list; of a label that is none, below which headings stand, that above it
    if not level and above and place + 1 < len(found) and found[place + 1].block.level > above:
        level = above
    kept: list[Piece] = []
    skipped = 0  # below a heading about people
    for at in range(place + 1, len(found)):
        piece = found[at]
        block = piece.block
        if block is not label:
            if (piece.meaning is not None and words.column(piece.text) in (None, "place")) or "overall" in piece.text.casefold()[:8]:
                break
            if block.kind == "heading" and (not level or block.level <= level):
                break
            if block.kind == "term" and label.kind == "term" and block.nesting <= label.nesting:
                break
            if begins_about(block) or opens_other_trials(piece.text):
                break
            if label.row and label.cells > 1 and block.row != label.row:
                break
        elif piece.meaning is not None:
            break
        if block.level and (not skipped or block.level <= skipped):
            skipped = block.level if piece.meaning is not None and words.column(piece.text) == "none" else 0
        if not skipped:
            kept.append(piece)
    return kept


def _lines(pieces: Sequence[Piece], words: Words) -> Iterator[_Line]:
    """The lines of the list; a value beside a label of a site's part with its column."""
    column: str | None = None
    for before, piece in zip([None, *pieces], pieces, strict=False):
        if piece.meaning is not None:
            column = words.column(piece.text)
            continue
        beside, column = column, None
        if beside == "facility" and before is not None and before.block.kind == "term" and "," in piece.text and place_of(piece.text):
            yield _Line(before.text, before.block)  # the facility is called so
            beside = None
        if beside is not None and (piece.joined or piece.block.kind not in ("heading", "term")):
            yield _Line(piece.text, piece.block, beside)
            continue
        if before is not None and before.block is piece.block:
            yield _Line(piece.text, piece.block, is_part=True)
            continue
        if (column := _label_alone(piece, words)) is not None:
            continue
        parts = _separated(piece.text) if piece.joined else _parts(piece, words)
        for number, text in enumerate(parts):
            label, colon, value = text.partition(":")
            named = words.column(label) if colon and value.strip() else None
            yield _Line(value.strip() if named else text, piece.block, named, is_part=number > 0)


def _label_alone(piece: Piece, words: Words) -> str | None:
    """The column of a text that is a label of a site's part, and of nothing that the page states of the trial."""
    column = words.column(piece.text) if piece.text.endswith(":") or piece.block.kind == "term" else None
    return column if column in _OF_A_SITE or column == "none" else None


def _parts(piece: Piece, words: Words) -> list[str]:
    """The runs of a line that are lines to its reader: a facility, a place, a badge. One of a comma is a part of the whole."""
    parts = list(piece.block.parts)
    if len(parts) < 2:
        return _separated(piece.text)
    badges: list[str] = []
    while len(parts) > 1 and words.status(parts[-1].strip("()[] -\u2013|")):
        badges.insert(0, parts.pop().strip("()[] -\u2013|"))
    badge = f" ({badges[-1]})" if badges else ""
    whole = len(parts) == 1 or any(part[:1] in ",;.)" or part[-1:] in ",(" for part in parts[1:]) or parts[0][-1:] in ",("
    if not whole and not any(place_of(part) or country_alone(part) for part in parts[1:]):
        whole = True
    if whole:
        *others, last = _separated(fold(" ".join(parts)).replace(" ,", ","))
        return [*others, last + badge]
    if country_alone(parts[-1]) and len(parts) > 2:
        parts = [parts[0], ", ".join(parts[1:])]
    return [*parts[:-1], parts[-1] + badge]


def _separated(text: str) -> list[str]:
    """Several places with signs between them, in one line."""
    several = [part for one in re.split(r"[;\u2022]", text) if (part := one.strip())]
    return several if len(several) > 1 and all(read.location(part) for part in several) else [text]


def _labelled(lines: Sequence[_Line], words: Words) -> list[Location]:
    """The sites of a list in which each part has its label: a label that comes again begins the next one.

    What stands without a label is the head of what follows, where that has none of its own.
    """
    named = [line for line in lines if line.column in _OF_A_SITE]
    if not named or not {"city", "country", "place"} & {line.column for line in named}:
        return []
    sites: list[Location] = []
    parts: dict[str, str] = {}
    first: str | None = named[0].column
    has_facility = any(line.column == "facility" for line in named)
    for line in lines:
        column = line.column
        if column is None and not has_facility and line.block.kind in ("heading", "term", "item"):
            column = "facility"
            first = "facility" if line is lines[0] else first
        if column is None or column == "none":
            continue
        if column == first or column in parts:
            if column == first and parts and (site := of_parts(parts, words)) is not None:
                sites.append(site)
            elif column in parts and column != first:
                continue
            parts = {} if column == first else parts
        if words.is_stated(line.text):
            parts[column] = line.text
    if parts and (site := of_parts(parts, words)) is not None:
        sites.append(site)
    return sites


def _of_lines(lines: Sequence[_Line], row: int, words: Words) -> list[Location]:
    """The sites of a list without labels."""
    lines = [line for line in lines if not _says_nothing(line, words)]
    if lines and all(country_alone(line.text) for line in lines):
        return [Location(country=country_alone(line.text)) for line in lines]
    groups = _carried(_closed(_grouped(lines, row), words), row)
    alone = [group for group in groups if len(group.lines) == 1 and not group.kind]
    if len(alone) == len(groups):
        return _flat(groups, words)
    return [site for group in groups for site in _of_group(group, words)]


def _says_nothing(line: _Line, words: Words) -> bool:
    text = line.text
    if len(text) > _MOST_LETTERS or not words.is_stated(text) or words.is_button(text):
        return True
    if len(text.split()) <= _MOST_WORDS and _NO_PLACE.fullmatch(text) is None:
        return False
    return read.location(text) is None


def _grouped(lines: Sequence[_Line], row: int) -> list[_Group]:
    """The lines parted where a heading, a term, an item or a row of a table, not the label's own one (``row``), begins."""
    groups: list[_Group] = []
    for line in lines:
        block, last = line.block, groups[-1] if groups else None
        before = last.lines[-1].block if last else None
        kind: str = block.kind if block.kind in ("heading", "term") else "item" if block.marker is not None else ""
        kind = "" if line.is_part else "row" if block.row not in (0, row) and block.cells > 1 else kind
        if last is not None and before is not None:
            same_row = kind == "row" and last.kind == "row" and last.lines[0].block.row == block.row
            inside = kind in ("", "item") and last.kind == "heading"
            defines = block.kind == "definition" and last.kind == "term"
            continues = kind == "" and last.kind == "item" and block.depth > last.lines[0].block.depth and bool(block.outline)
            if line.is_part or same_row or inside or defines or continues:
                last.lines.append(line)
                continue
        groups.append(_Group([line], kind))
    return groups


def _closed(groups: list[_Group], words: Words) -> list[_Group]:
    """Lines that end with a country, as the addresses that the countries among them close."""
    if any(group.kind or len(group.lines) > 1 for group in groups):
        return groups
    lines = [group.lines[0] for group in groups if not words.bare_status(group.lines[0].text)]
    if len(lines) < _FEWEST_IN_ADDRESS or country_alone(lines[0].text) or not country_alone(lines[-1].text):
        return groups
    addresses: list[_Group] = [_Group([], "box")]
    for line in lines:
        addresses[-1].lines.append(line)
        if country_alone(line.text):
            addresses.append(_Group([], "box"))
    return addresses[:-1]


def _carried(groups: Sequence[_Group], row: int) -> list[_Group]:
    """The groups with the country, and the state, below whose name they stand; the names alone are no sites."""
    carried: list[_Group] = []
    country: str | None = None
    state: str | None = None
    level = above = 0  # of the state's heading, and of the country's
    for group in groups:
        lines = list(group.lines)
        head = lines[0]
        if head.block.level and head.block.level <= level:
            state, level = None, 0
        if group.kind in ("box", "row"):
            carried.append(group if group.kind == "box" else _Group(lines, group.kind, country, state))
            continue
        is_sub = not head.block.level or head.block.level > above
        if not group.kind and not country and group is not groups[0]:
            carried.append(_Group(lines))
            continue
        if (named := country_alone(head.text)) and not (country and is_sub and state_of(head.text, country)):
            country, state, above = named, None, head.block.level
        elif country and (part := state_of(without_count(head.text), country)):
            state, level = part, head.block.level
        else:
            carried.append(_Group(lines, group.kind, country, state))
            continue
        below = _grouped(lines[1:], row)
        items = [one for one in below if one.kind == "item"]
        carried += [_Group(one.lines, one.kind, country, state) for one in items or below]
    return carried


def _flat(groups: Sequence[_Group], words: Words) -> list[Location]:
    """The sites of lines that nothing parts: a place each, or a facility before or behind each, with the status before or behind."""
    lines = [(group, *without_status(group.lines[0].text, words)) for group in groups]
    named = [(group, text) for group, text, _ in lines if text]
    bare = [status for _, text, status in lines if not text]
    size, at = _pairs(named)
    sites: list[Location] = []
    for first in range(0, len(named), size):
        of_one = named[first : first + size]
        group, text = of_one[at]
        site = place_of(text, country=group.country, state=group.state, is_town=size > 1)
        if site is not None:
            sites.append(with_facility(site, of_one[1 - at][1]) if size > 1 else site)
    stated = [next((status for _, _, status in lines[first : first + size] if status), None) for first in range(0, len(lines), size)]
    if bare:
        parted = len(bare) * size == len(named) and bool(lines[0][1]) != bool(lines[-1][1])
        stated = list(bare) if parted else []
    if len(stated) != len(sites):
        return sites
    return [replace(site, status=status) for site, status in zip(sites, stated, strict=True)]


def _pairs(named: Sequence[tuple[_Group, str]]) -> tuple[int, int]:
    """How many lines a site has, one or two, and which of them is the place."""
    carried = [group.country is not None for group, _ in named]
    if len(named) % 2 or (any(carried) and not all(carried)):
        return 1, 0
    if not any(carried):
        kinds = [read.location(text) is not None for _, text in named]
        if not any(kinds):
            kinds = [state_behind(text) is not None for _, text in named]
        return (2, 1) if kinds == [False, True] * (len(kinds) // 2) else (2, 0) if kinds == [True, False] * (len(kinds) // 2) else (1, 0)
    if any(one[0].country != other[0].country for one, other in zip(named[::2], named[1::2], strict=True)):
        return 1, 0
    first, second = (sum(read.is_facility(text) for _, text in named[start::2]) for start in (0, 1))
    return (2, 1) if first * 4 > len(named) and not second else (1, 0)


def _of_group(group: _Group, words: Words) -> list[Location]:
    """The sites of a group: one, with its facility at the head; of a caption those below it."""
    parted = [(*without_status(line.text, words), line) for line in group.lines]
    status = next((status for _, status, _ in parted if status), None)
    lines = [(text, line) for text, _, line in parted if text]
    if not lines:
        return []
    (head, _), *below = lines

    def place(text: str, *, is_town: bool = False) -> Location | None:
        return place_of(text, country=group.country, state=group.state, is_town=is_town)

    if not below:
        own = place(head)
        return [replace(own, status=status)] if own is not None else []
    if group.kind == "row":
        return [replace(site, status=status) for site in _of_row([text for text, _ in lines], place)]
    if group.kind == "heading" and (sum(line.block.marker is not None for _, line in below) > 1 or _is_town_only(head)):
        return list(_below_caption(head, parted[1:], place))
    where = place(", ".join(text for text, _ in below), is_town=len(below) == 1)
    where = where or next((site for text, _ in below if (site := place(text)) is not None), None)
    own = read.location(head)
    if where is None or (own is not None and own.facility is not None and not group.is_marked):
        own = place(head) or place(", ".join(text for text, _ in lines))
        return [replace(own, status=status)] if own is not None else []
    if own is not None and not group.is_marked and not read.is_facility(head):
        return [own, where] if len(below) == 1 else [replace(own, status=status)]
    return [replace(with_facility(where, head), city=where.city or (where.facility if group.country else None), status=status)]


def _is_town_only(head: str) -> bool:
    """Is this a town with its country, below which its facilities stand?"""
    site = read.location(head)
    return site is not None and site.facility is None and not read.is_facility(head)


def _below_caption(
    head: str, below: Sequence[tuple[str, str | None, _Line]], place: Callable[[str], Location | None]
) -> Iterator[Location]:
    """The sites of the lines below a heading, which may name the town of them all."""
    town = read.location(head)
    caption = place(head)
    for text, status, line in below:
        if not text:
            continue
        site = place(text)
        if site is None and town is not None:
            site = replace(town, facility=text)
        elif site is not None and caption is not None and caption.city is None and line.block.marker is not None:
            site = Location(facility=f"{text}, {head}", country=site.country)  # which may be the town
        if site is not None:
            yield replace(site, status=status)


def _of_row(cells: Sequence[str], place: Callable[[str], Location | None]) -> list[Location]:
    """The site of a row without a head: one cell may say it all, with the facility before it."""
    whole = next((at for at, text in enumerate(cells) if "," in text and read.location(text) is not None), None)
    if whole is not None and not country_alone(cells[-1]):
        site = place(cells[whole])
        return [replace(site, facility=cells[0]) if whole and not site.facility else site] if site is not None else []
    joined = (place(", ".join(cells[:taken])) for taken in range(len(cells), 1, -1))
    return [site for site in joined if site is not None][:1]
