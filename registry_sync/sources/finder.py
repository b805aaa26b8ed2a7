"""A trial-finder page -> what it says of one trial, by its labels and visible text, never by class names.

The page is hostile until proved: it may be a maintenance page, another trial, a search form. What is not surely said
of this trial is not stated, which no one takes for a removal.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from registry_sync.errors import FetchError
from registry_sync.sources import finder_values as read
from registry_sync.sources.blocks import Block, decode, html_blocks
from registry_sync.sources.criteria_section import CriteriaSection, criteria_section
from registry_sync.sources.folding import fold
from registry_sync.sources.interface import Failed, Found, Observation, Unreadable
from registry_sync.sources.labels import AGES, FIRST_LISTED, is_cut_off, is_stated, label_meaning
from registry_sync.sources.page_parts import (
    Labelled,
    Piece,
    labelled,
    laid_out,
    leading_trial,
    own_blocks,
    pieces,
    trial_ids,
)
from registry_sync.trials.criteria import parse
from registry_sync.trials.record import Criterion, Dated, Location, Record

if TYPE_CHECKING:
    from registry_sync.sources.http import Getter

ACCEPT = "text/html,application/xhtml+xml;q=0.9,text/plain;q=0.5"
_PAGE_TYPES = frozenset(("", "text/html", "application/xhtml+xml", "text/plain", "application/xml", "text/xml"))
_NO_PAGES = (b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"\x1f\x8b", b"BM", b"RIFF", b"{", b"[")
_LISTED_BY = re.compile(r"launched by\s+(?P<name>\S.*?)(?:\s*[·•|]\s*(?P<day>[^·•|]+))?", re.IGNORECASE)
_SPONSORED_BY = re.compile(r"(?:research )?sponsored by:?\s+(?P<name>\S.*)", re.IGNORECASE)
_FEWEST_WORDS_IN_TITLE = 3
_NAME_OF_A_SITE = re.compile(r"(?:\S+\s+){0,4}(?:trials?|studies)(?:\s+(?:finder|search|database|registry|portal))?", re.IGNORECASE)
_DATE_FIELDS = ("start_date", "primary_completion_date", "completion_date", "first_submit_date")


def fetch_page(client: Getter, trial: str, url: str) -> Observation:
    """What the page at ``url`` says of ``trial`` now; a request that brings no page is Failed with the client's reason.

    After a redirect the page that came is read: what it shows decides whether it is this trial's. Lets Stopped through.
    """
    try:
        response = client.get(url, accept=ACCEPT)
    except FetchError as error:
        return Failed(trial, url, str(error))
    if response.content_type not in _PAGE_TYPES:
        return Unreadable(trial, url, f"the server sent {response.content_type} instead of a web page")
    return read_page(trial, url, response.body, response.charset)


def read_page(trial: str, url: str, body: bytes, charset: str | None) -> Found | Unreadable:
    """The record that a page's bytes give for ``trial`` (an NCT id in the registry's spelling); never raises.

    ``charset`` is the header's. Found carries the bytes as they came; Unreadable a reason in words for the operator.
    """
    if not body.strip():
        return Unreadable(trial, url, "the page is empty")
    if body.lstrip().startswith(_NO_PAGES):
        return Unreadable(trial, url, "what came is not a web page (a picture, a document, an archive or data)")
    markup = decode(body, charset)
    blocks = laid_out(html_blocks(markup, page=True))
    if not blocks:
        return Unreadable(trial, url, "the page shows no text (it may build itself with scripts)")
    own = own_blocks(blocks, trial)
    record = _record(trial, own)
    # an id may stand in the bread crumbs alone, which are a site's own on every page
    shown = trial_ids(blocks) or trial_ids(html_blocks(markup))
    reason = _doubt(trial, shown, leading_trial(blocks), record)
    return Unreadable(trial, url, reason) if reason else Found(trial, url, record, body)


def _doubt(trial: str, shown: Collection[str], leading: str | None, record: Record) -> str | None:
    """Why this page cannot be taken for this trial's; ``None``: it can."""
    if trial not in shown and shown:
        others = ", ".join(sorted(shown)[:3])
        return f"the page shows {others} and not {trial}"
    if leading not in (None, trial):
        return f"the page is about {leading}, or a list of trials, and only mentions {trial}"
    if trial not in shown and record.overall_status is None:
        return f"the page shows neither {trial} nor a recruitment status: it may be a maintenance page"
    if record == Record(trial=trial, brief_title=record.brief_title):
        return f"the page names {trial} but gives none of the fields that can be read"
    return None


def _record(trial: str, blocks: Sequence[Block]) -> Record:
    """Every field that the blocks state."""
    section = criteria_section(blocks)
    rest = section.rest if section else tuple(blocks)
    found = pieces(rest)
    rows = labelled(found)
    sponsor, submitted = _listed_by(found, rows)
    lower, upper = _ages(rows)
    values: dict[str, Any] = {
        "brief_title": _title(rest, rows),
        "lead_sponsor": _first(rows, "lead_sponsor", lambda text, _: text if read.is_name(text) else None) or sponsor,
        "overall_status": _first(rows, "overall_status", lambda text, _: read.overall_status(text)) or _bare(found, read.bare_status),
        "criteria": _criteria(section),
        "sex": _first(rows, "sex", lambda text, _: read.sex(text)),
        "minimum_age": lower,
        "maximum_age": upper,
        "healthy_volunteers": _first(rows, "healthy_volunteers", lambda text, _: read.healthy_volunteers(text)),
        "phases": _first(rows, "phases", lambda text, _: read.phases(text)) or _bare(found, read.bare_phases),
        "enrollment": _first(rows, "enrollment", read.enrollment),
        "conditions": _list(rows, "conditions", at_least=1),
        "keywords": _list(rows, "keywords", at_least=2),
        "locations": _locations(rows),
        **_dates(found, rows),
    }
    values["first_submit_date"] = values["first_submit_date"] or submitted
    return Record(trial=trial, **values)


def _criteria(section: CriteriaSection | None) -> tuple[Criterion, ...] | None:
    """The criteria; ``None`` where the page gives none or leaves them in doubt. "Not reported" is no criterion."""
    if section is None or section.doubtful:
        return None
    return tuple(one for one in parse(section.lines) if is_stated(one.text)) or None


def _first(rows: Sequence[Labelled], meaning: str, reader: Any) -> Any:
    """The first value beside a label of this meaning that ``reader`` (value, label) can read."""
    for row in rows:
        if row.meaning != meaning or row.doubtful or not row.values:
            continue
        text = row.values[0].text
        if (is_stated(text) or meaning in ("phases", "overall_status")) and (value := reader(text, row.label)) is not None:
            return value
    return None


def _bare(found: Sequence[Piece], reader: Any) -> Any:
    """The first value of the page that says what it is without a label, before its places: those have statuses of their own."""
    before: Block | None = None
    for piece in found:
        if piece.meaning == "locations":
            return None
        runs = piece.block.parts if piece.block is not before else ()  # once for each block, however many pieces it has
        before = piece.block
        for text in (piece.text, *runs):
            if piece.meaning is None and (value := reader(text)) is not None:
                return value
    return None


def _ages(rows: Sequence[Labelled]) -> tuple[str | None, str | None]:
    """The lower and upper age limit, from their own labels or from one for both."""
    lower, upper = _first(rows, AGES, lambda text, _: read.ages(text) if any(read.ages(text)) else None) or (None, None)
    return (
        _first(rows, "minimum_age", lambda text, _: read.one_age(text)) or lower,
        _first(rows, "maximum_age", lambda text, _: read.one_age(text)) or upper,
    )


def _title(blocks: Sequence[Block], rows: Sequence[Labelled]) -> str | None:
    """The brief title: beside its label, right before "Launched by", or the page's first heading of the first rank."""
    stated: str | None = _first(rows, "brief_title", lambda text, _: text if read.is_name(text) else None)
    if stated is not None:
        return stated
    for before, block in itertools.pairwise(blocks):
        if _is_listed_by(block):
            return before.text if _may_be_title(before) else None
    return next((block.text for block in blocks if block.level == 1 and _may_be_title(block)), None)


def _is_listed_by(block: Block) -> bool:
    return label_meaning(block.text) == FIRST_LISTED or block.text[:11].casefold() == "launched by"


def _may_be_title(block: Block) -> bool:
    if len(block.text.split()) < _FEWEST_WORDS_IN_TITLE or _NAME_OF_A_SITE.fullmatch(block.text):
        return False
    return read.is_name(block.text) and label_meaning(block.text) is None and not trial_ids([block])


def _listed_by(found: Sequence[Piece], rows: Sequence[Labelled]) -> tuple[str | None, str | None]:
    """The sponsor and the registry's first-submitted date of "Launched by NAME · DATE", in one block or in several."""
    for row in rows:
        if row.meaning == FIRST_LISTED and row.values and not row.doubtful:
            whole = " ".join(piece.text for piece in row.values[:1])
            day = next((day for piece in row.values[1:3] if (day := read.calendar_date(piece.text))), None)
            name, inline = _name_and_day(f"launched by {whole}")
            return name, inline or day
    for piece in found:
        if piece.meaning is None and piece.text[:11].casefold() == "launched by":
            return _name_and_day(piece.text if piece.text[11:12] == " " else " ".join(piece.block.parts))
        sponsored = _SPONSORED_BY.fullmatch(piece.text)
        if sponsored and read.is_name(sponsored["name"]):
            return sponsored["name"], None
    return None, None


def _name_and_day(text: str) -> tuple[str | None, str | None]:
    match = _LISTED_BY.fullmatch(text)
    if match is None:
        return None, None
    if not match["day"]:
        name, day = read.name_and_date(match["name"])
        return (name if read.is_name(name) else None), day
    day = read.calendar_date(match["day"])
    name = fold(match["name"] if day else text[len("launched by ") :]).strip(" ·•|")
    return (name if read.is_name(name) else None), day


def _dates(found: Sequence[Piece], rows: Sequence[Labelled]) -> dict[str, Dated | str | None]:
    """The dates that stand beside their labels without doubt; a page that puts values before its labels gives none."""
    if _values_stand_first(found):
        return dict.fromkeys(_DATE_FIELDS)
    dates: dict[str, Dated | str | None] = {
        name: _first(rows, name, read.dated) for name in ("start_date", "primary_completion_date", "completion_date")
    }
    dates["first_submit_date"] = _first(rows, "first_submit_date", lambda text, _: read.calendar_date(text))
    return dates


def _values_stand_first(found: Sequence[Piece]) -> bool:
    """Does a chain of dates and their labels begin with a date and end with a label, so that each date belongs to the next?"""
    is_date = [piece.meaning is None and not piece.joined and read.dated(piece.text, "") is not None for piece in found]
    for index, piece in enumerate(found):
        before_it = index > 0 and is_date[index - 1]
        labelled_before = index > 1 and found[index - 2].meaning is not None
        if before_it and not labelled_before and piece.meaning in _DATE_FIELDS:
            return True
    return False


def _list(rows: Sequence[Labelled], meaning: str, *, at_least: int) -> tuple[str, ...] | None:
    """The items below a label, where the page shows where each ends and says that all are there."""
    for row in rows:
        if row.meaning != meaning or row.doubtful or not row.values:
            continue
        run = _run(row.values)
        if any(is_cut_off(piece.text) for piece in row.values):
            return None
        items = read.several(tuple(piece.text for piece in run))
        if items and len(items) >= at_least:
            return items
    return None


def _run(values: Sequence[Piece]) -> tuple[Piece, ...]:
    """The pieces of one list: items, definitions or cells as long as they follow each other; of plain text only the first."""
    kind = values[0].block.kind
    if kind not in ("item", "definition", "cell") or values[0].joined:
        return (values[0],)
    end = next((index for index, piece in enumerate(values) if piece.block.kind != kind), len(values))
    return tuple(values[:end])


def _locations(rows: Sequence[Labelled]) -> tuple[Location, ...] | None:
    """The places below a label; ``None`` where there are none that can be read or the page shows only some."""
    for row in rows:
        if row.meaning != "locations":
            continue
        if any(is_cut_off(piece.text) for piece in row.values):
            return None
        sites = tuple(site for text in _site_texts(row.values) if (site := read.location(text)) is not None)
        if sites:
            return sites
    return None


def _site_texts(values: Sequence[Piece]) -> list[str]:
    """A text for each place: a block, or the cells of a table row where no cell says it all."""
    texts: list[str] = []
    cells: dict[int, list[str]] = {}
    for piece in values:
        if piece.block.row and piece.block.cells > 1 and read.location(piece.text) is None:
            cells.setdefault(piece.block.row, []).append(piece.text)
        else:
            texts.append(piece.text)
    return [*texts, *(", ".join(row) for row in cells.values())]
