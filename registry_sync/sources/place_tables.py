"""The tables of sites on a page, by the heads of their columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec
from msgspec.structs import replace

from registry_sync.sources.blocks import Block
from registry_sync.sources.labels import Words
from registry_sync.sources.place_lines import country_alone, place_of, status_of_site
from registry_sync.trials.record import Location

_OF_OTHERS = re.compile(
    r"\b(?:sponsors?|contacts?|investigators?|collaborators?|funding|funders?|laborator(?:y|ies)|monitors?|ethics|publications?)\b",
    re.IGNORECASE,
)


class Tabled(msgspec.Struct, frozen=True):
    """The sites of a page's tables, and its other blocks."""

    sites: tuple[Location, ...]
    rest: tuple[Block, ...]


def tabled(blocks: Sequence[Block], words: Words) -> Tabled:
    """Take the tables of sites out of a page; where they stood stays a label of places."""
    if not any(block.cells > 1 for block in blocks):
        return Tabled((), tuple(blocks))
    sites: list[Location] = []
    rest: list[Block] = []
    at = 0
    while at < len(blocks):
        head = _row(blocks, at)
        if len(head) < 2 or not _heads_sites(head, words) or _is_about_others(rest, head, words):
            rest += head
            at += len(head)
            continue
        end = _end_of_table(blocks, at + len(head), head, words)
        found = list(_of_rows(blocks[at + len(head) : end], head, _country_above(rest), words))
        if found:
            sites += found
            rest.append(Block("Locations"))
            rest += [block for block in blocks[at:end] if words.is_cut_off(block.text)]
        else:
            rest += blocks[at:end]
        at = end
    return Tabled(tuple(sites), tuple(rest))


def _row(blocks: Sequence[Block], at: int) -> list[Block]:
    """The blocks of the row that begins here; of a line that is in none that one alone."""
    if blocks[at].cells < 2:
        return [blocks[at]]
    end = at + 1
    while end < len(blocks) and blocks[end].row == blocks[at].row:
        end += 1
    return list(blocks[at:end])


def _heads_sites(row: Sequence[Block], words: Words) -> bool:
    if len({block.cell for block in row}) < len(row):
        return False
    return words.heads_sites([block.text for block in row if any(letter.isalpha() for letter in block.text)])


def _is_about_others(above: Sequence[Block], head: Sequence[Block], words: Words) -> bool:
    """Does the table stand in a part about the sponsor or its contacts, or below nothing that says what it is of?"""
    label = next((block for block in reversed(above) if block.level or words.label_meaning(block.text)), None)
    if label is not None and words.label_meaning(label.text) == "locations":
        return False
    if label is not None and _OF_OTHERS.search(label.text):
        return True
    return not any(words.column(block.text) == "facility" for block in head)


def _end_of_table(blocks: Sequence[Block], start: int, head: Sequence[Block], words: Words) -> int:
    """Where the rows below the head end; a line over all columns stands between two rows, or says that there are more."""
    end = start
    at = start
    while at < len(blocks):
        block = blocks[at]
        if block.nesting < head[0].nesting:
            break
        if block.cells > 1:
            if block.nesting == head[0].nesting and block.cells != head[0].cells:
                break
            end = at + 1
        elif words.is_cut_off(block.text):
            end = at + 1
        at += 1
    return end


def _country_above(above: Sequence[Block]) -> str | None:
    return country_alone(above[-1].text) if above else None


def _of_rows(blocks: Sequence[Block], head: Sequence[Block], country: str | None, words: Words) -> Iterator[Location]:
    columns = {block.cell: column for block in head if (column := words.column(block.text)) is not None}
    at = 0
    while at < len(blocks):
        row = _row(blocks, at)
        at += len(row)
        if row[0].cells < 2:
            country = country_alone(row[0].text) or country
            continue
        if [block.text for block in row] == [block.text for block in head]:
            continue
        parts: dict[str, str] = {}
        for block in row:
            column = columns.get(block.cell, "none")
            if column != "none" and words.is_stated(block.text):
                parts[column] = ", ".join((parts[column], block.text)) if column in parts else block.text
        country = parts.setdefault("country", country) if country else parts.get("country")
        site = of_parts(parts, words)
        if site is not None:
            yield site


def of_parts(parts: dict[str, str], words: Words) -> Location | None:
    """A site of which each part is named; the status only where it is one of the registry's."""
    country, facility = parts.get("country"), parts.get("facility")
    if facility is not None and not any(letter.isalpha() for letter in facility):
        facility = None  # a number of them
    place = parts.get("place")
    site = Location(facility=facility, city=parts.get("city"), state=parts.get("state"), zip=parts.get("zip"), country=country)
    if facility is not None and site.city is None and place is None:
        whole = place_of(facility, country=None)
        site = replace(whole, state=whole.state or site.state) if whole is not None and not country else site
    if place is not None and site.city is None:
        where = place_of(place, country=country, is_town=True)
        if where is not None:
            site = replace(
                where,
                facility=", ".join(filter(None, (facility, where.facility))) or None,
                state=site.state or where.state,
                zip=site.zip or where.zip,
            )
        elif site.facility is None:
            return None
    elif site.city is not None:
        site = _split_town(site)
    if not (site.facility or site.city or site.state):
        return None
    return replace(site, status=status_of_site(parts.get("status"), words))


def _split_town(site: Location) -> Location:
    """A town that has its state or its country behind it ("Houston, TX")."""
    town = site.city or ""
    if "," not in town:
        return site
    where = place_of(town, country=site.country, is_town=True)
    if where is None or where.city is None:
        return site
    return replace(site, city=where.city, state=site.state or where.state, zip=site.zip or where.zip, country=site.country or where.country)
