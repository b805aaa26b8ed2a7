"""A table that somebody wrote, mostly in a spreadsheet: its rows, cell by cell, under the names that are known here.

What spreadsheets do to CSV is no mistake of the writer's: commas, semicolons or tabs, a byte order mark or UTF-16, a line ``sep=;``,
cells and rows that are empty, an apostrophe before what would be a formula.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from jobs.formats import from_a_cell
from registry_sync.errors import UsageError

LARGEST = 16 * 2**20
"""Bytes of a file."""
MOST_ROWS = 20_000
"""They are written in one transaction, for which others wait (see ``db.connection.WAIT_FOR_OTHERS``)."""
_LISTS = ("trial", "trials")
"""Columns with cells as long as it takes: one reader may follow thousands of trials."""
_LONGEST = 100_000
"""Characters of any other cell."""
_DELIMITERS = ",;\t"
_SEP = re.compile(r"\s*\"?sep=(.)\"?\s*", re.IGNORECASE)
_UNSEEN = "\ufeff\u200b\u200e\u200f\u2060"
_SHOWN = 60


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with a cell, and what to do. ``line``: of the file, from 1; ``column``: as it is called there."""

    line: int
    column: str
    value: str
    problem: str


class Row(msgspec.Struct, frozen=True):
    """One row: by the name that is known here, what its cell says. Of a column that the file does not have: nothing."""

    line: int
    cells: dict[str, str]

    def __getitem__(self, name: str) -> str:
        return self.cells.get(name, "")


class Sheet(msgspec.Struct, frozen=True):
    """The rows, what is wrong with others, and how the file calls each column that is known here."""

    rows: tuple[Row, ...]
    faults: tuple[Fault, ...]
    called: dict[str, str]

    def fault(self, row: Row, name: str, problem: str, value: str | None = None) -> Fault:
        """What is wrong with a cell of a row."""
        return Fault(row.line, self.called.get(name, name), shown(row[name] if value is None else value), problem)


def shown(text: str) -> str:
    """A cell in a complaint: on one line, and not endless."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 3]}..."


def read(content: bytes, name: str, columns: Mapping[str, Sequence[str]], *, needed: Sequence[str]) -> Sheet:
    """The table in a file of this name. ``columns``: the names known here, each with what else it may be called; ``needed``: one of these
    must be there. Raises UsageError for what is no such table as a whole."""
    csv.field_size_limit(LARGEST)  # for the whole process; a cell may be nearly all of the file
    text, first_line = _without_sep(_decoded(content, name))
    names = {_bare(alias): known for known, aliases in columns.items() for alias in (known, *aliases)}
    delimiter = _delimiter(text, names)
    lines = _lines(text, delimiter[0], name, first_line)
    header = next((cells for _, cells in lines if any(cells)), None)
    if header is None:
        raise UsageError(f"{name}: is empty: the first line names the columns ({', '.join(columns)})", about=name)
    heads = [names.get(_bare(cell)) for cell in header]
    _check_header(header, heads, columns, name, needed)
    rows: list[Row] = []
    faults: list[Fault] = []
    for line, cells in lines:
        if not any(cells):
            continue
        if len(rows) >= MOST_ROWS:
            raise UsageError(f"{name}: has more than {MOST_ROWS:,} rows: split it", about=name)
        beyond = [cell for cell in cells[len(heads) :] if cell]
        beside = [cell for head, cell in zip(heads, cells, strict=False) if cell and head is None]
        if beyond or beside:
            faults.append(
                Fault(line, "", shown((beyond or beside)[0]), "stands under no name of a column: put it into quotes or take it out")
            )
            continue
        long = [head for head, cell in zip(heads, cells, strict=False) if head and head not in _LISTS and len(cell) > _LONGEST]
        if long:
            faults.append(Fault(line, long[0], shown(cells[heads.index(long[0])]), f"is longer than {_LONGEST:,} characters"))
            continue
        rows.append(Row(line, {head: cell for head, cell in zip(heads, cells, strict=False) if head}))
    return Sheet(tuple(rows), tuple(faults), {head: cell for head, cell in zip(heads, header, strict=True) if head})


def _decoded(content: bytes, name: str) -> str:
    if len(content) > LARGEST:
        raise UsageError(f"{name}: is larger than {LARGEST // 2**20} MiB: that is no list of watches or subscriptions", about=name)
    encoding = "utf-8-sig"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"  # what Excel calls "Unicode text"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise UsageError(f"{name}: is not UTF-8 (byte {error.start}): save it as CSV in UTF-8", about=name) from error
    if "\0" in text:
        raise UsageError(f"{name}: is no text: save it as CSV in UTF-8", about=name)
    return text


def _without_sep(text: str) -> tuple[str, int]:
    """The text without Excel's line that names the delimiter, and the number of its first line."""
    first, end, rest = text.partition("\n")
    return (rest, 2) if end and _SEP.fullmatch(first) else (text, 1)


def _delimiter(text: str, names: Mapping[str, str]) -> str:
    """What parts the cells of the line with the names of the columns: that by which most of them are known."""
    head = next((line for line in text.splitlines() if line.strip(" ,;\t\r")), "")

    def known(delimiter: str) -> int:
        return sum(_bare(cell) in names for cell in next(csv.reader([head], delimiter=delimiter), []))

    return max(_DELIMITERS, key=lambda each: (known(each), head.count(each)))


def _lines(text: str, delimiter: str, name: str, first: int) -> Iterator[tuple[int, list[str]]]:
    """Each row with the number of the line that it begins on."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = first
    try:
        for cells in reader:
            yield begins, [_cell(cell) for cell in cells]
            begins = first + reader.line_num
    except csv.Error as error:
        raise UsageError(f"{name}: line {begins}: is no row of a CSV table ({error})", about=name) from error


def _cell(text: str) -> str:
    return from_a_cell(text.strip().strip(_UNSEEN).strip())


def _bare(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def _check_header(
    header: Sequence[str], heads: Sequence[str | None], columns: Mapping[str, Sequence[str]], name: str, needed: Sequence[str]
) -> None:  # fmt: skip
    unknown = [cell for cell, head in zip(header, heads, strict=True) if cell and head is None]
    if unknown or not any(head in needed for head in heads):
        what = f"no column is called {shown(unknown[0])!r} here" if unknown else f"it needs a column {' or '.join(needed)}"
        raise UsageError(f"{name}: {what}; there are {', '.join(columns)}: the first line names them", about=name)
    twice = [head for head in heads if head and heads.count(head) > 1]
    if twice:
        raise UsageError(f"{name}: two columns are {twice[0]}: leave one", about=name)
