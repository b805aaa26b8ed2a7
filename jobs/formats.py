"""An export is written: to a stream, or to a file that has its name only when it is whole."""

from __future__ import annotations

import contextlib
import csv
import errno
import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec

from db import copying
from jobs.exporting import Export, Kind, table
from registry_sync.errors import DatabaseError, MissingExtra, UsageError, install

BOM = "\ufeff"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for a formula at the beginning of a cell (OWASP, "CSV Injection"); the last ones in East Asian settings."""
_TEXT_MARK = "'"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_PRIVATE = 0o600


def jsonl(export: Export, out: IO[bytes]) -> None:
    """One JSON object a line."""
    encoder = msgspec.json.Encoder()
    for each in export.objects():
        out.write(encoder.encode(each) + b"\n")


def csv_table(export: Export, what: Kind, out: IO[bytes], *, bom: bool) -> None:
    """One table (RFC 4180, UTF-8), the names of its columns first."""
    found = table(export, what)
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    try:
        text.write(BOM if bom else "")
        writer = csv.writer(text)
        writer.writerow(found.columns)
        writer.writerows(map(_harmless, found.rows))
    finally:
        text.detach()


def _harmless(row: Sequence[Any]) -> list[Any]:
    """Cells that no spreadsheet takes for a formula, and no CSV reader stumbles over."""
    return [in_a_cell(cell) if isinstance(cell, str) else cell for cell in row]


def in_a_cell(text: str) -> str:
    """A text as it stands in a cell: behind an apostrophe where it would be a formula."""
    text = text.replace("\0", "")
    return f"{_TEXT_MARK}{text}" if text.startswith(_FORMULA) else text


def from_a_cell(text: str) -> str:
    """The text that ``in_a_cell`` put into a cell."""
    return text[1:] if text.startswith(_TEXT_MARK) and text[1:].startswith(_FORMULA) else text


def sqlite(export: Export, path: Path) -> None:
    """A ready SQLite file."""
    from db import handout

    handout.write(path, export.objects())


def parquet(export: Export, what: Kind, path: Path) -> None:
    """One table as a Parquet file: texts and whole numbers, and nulls for what is not stated. Raises MissingExtra."""
    duckdb = _duckdb()
    found = table(export, what)
    # DuckDB reads a file and not rows, so that neither of us holds the table as a whole
    between = path.with_name(f"{path.name}.rows")
    try:
        with os.fdopen(os.open(between, _NEW, _PRIVATE), "wb") as lines:
            for row in found.rows:
                lines.write(msgspec.json.encode(dict(zip(found.columns, row, strict=True))) + b"\n")
        types = {name: "BIGINT" if name in found.whole_numbers else "VARCHAR" for name in found.columns}
        columns = ", ".join(f"{_quoted(name)}: {_quoted(kind)}" for name, kind in types.items())
        read = f"read_json({_quoted(str(between))}, format = 'newline_delimited', columns = {{{columns}}}, {_LARGEST})"
        with contextlib.closing(duckdb.connect(config={"autoinstall_known_extensions": "false"})) as connection:
            connection.execute(f"COPY (SELECT * FROM {read}) TO {_quoted(str(path))} (FORMAT parquet, COMPRESSION zstd)")  # noqa: S608
    finally:
        between.unlink(missing_ok=True)


_LARGEST = f"maximum_object_size = {256 * 2**20}"
"""Bytes of one row."""


def can_write_parquet() -> None:
    """Raise MissingExtra, with the command that installs it, where Parquet files cannot be written."""
    _duckdb()


def _duckdb() -> Any:
    try:
        import duckdb
    except ImportError:
        raise MissingExtra(f"Parquet files need an optional part: {install('parquet')}", about="parquet") from None
    return duckdb


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# --- files -------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def new_file(target: Path, *, force: bool, public: bool, database: Path) -> Iterator[Path]:
    """The path of an empty file that gets its own name when the block is over, and is gone when it fails.

    Nothing is overwritten but by ``force``, and the history file never; of a link, what it leads to is. What is not ``public`` may be read
    by its owner only. Raises UsageError.
    """
    _check(target, force=force, database=database)
    target = Path(os.path.realpath(target)) if target.is_symlink() else target
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.unfinished")
    try:
        try:
            os.close(os.open(unfinished, _NEW, 0o666 if public else _PRIVATE))
        except OSError as error:
            raise UsageError(f"{target}: cannot be written: {error.strerror}", about=str(target)) from error
        try:
            mode = unfinished.stat().st_mode
            yield unfinished
            unfinished.chmod(mode)  # DuckDB makes the file anew
            _name(unfinished, target, force=force)
        except DatabaseError as error:
            if error.about != str(unfinished):
                raise
            raise UsageError(str(error).replace(error.about, str(target), 1), about=str(target)) from error
        except OSError as error:
            said = f"{target}: cannot be written: {error.strerror or error}; make room, or name another file: nothing is left there"
            raise UsageError(said, about=str(target)) from error
    finally:
        for each in (unfinished, unfinished.with_name(f"{unfinished.name}-journal")):
            with contextlib.suppress(OSError):  # of a folder that is read-only nothing is to be removed
                each.unlink()


def _check(target: Path, *, force: bool, database: Path) -> None:
    if _is_loop(target):
        raise UsageError(f"{target}: is a link that leads to itself; name another file", about=str(target))
    if target.is_dir():
        raise UsageError(f"{target}: is a folder; name a file with --output", about=str(target))
    if _is_no_plain_file(target):
        raise UsageError(f"{target}: is no plain file; for stdout leave --output away", about=str(target))
    if not target.parent.is_dir():
        raise UsageError(f"{target}: its folder does not exist; make it first", about=str(target))
    real, beside = Path(os.path.realpath(target)), Path(os.path.realpath(database)).parent
    if real.name.startswith(database.name) and real.parent == beside:
        raise UsageError(f"{target}: that is the history itself, or is named like it; name another file", about=str(target))
    if copying.belongs_to(target, database) or Path(os.path.realpath(beside / copying.FOLDER)) in real.parents:
        raise UsageError(f"{target}: is where the copies of the history are; name another file", about=str(target))
    if not force and (target.exists() or target.is_symlink()):
        raise UsageError(f"{target}: is there already; name another file, or --force to write over it", about=str(target))


def _is_loop(target: Path) -> bool:
    try:
        target.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


def _is_no_plain_file(target: Path) -> bool:
    """Is it a device or a pipe, or the file that stdout goes to by whatever name? None of them can be replaced by another file."""
    if not target.exists():
        return False
    if not target.is_file():
        return True
    for stream in (1, 2):
        with contextlib.suppress(OSError):
            if os.path.samestat(target.stat(), os.fstat(stream)):
                return True
    return False


def _name(unfinished: Path, target: Path, *, force: bool) -> None:
    if not force:
        try:
            target.hardlink_to(unfinished)  # unlike a renaming, it fails where somebody has made the file meanwhile
            return
        except FileExistsError:
            raise UsageError(f"{target}: was made by somebody meanwhile, and is left as it is", about=str(target)) from None
        except OSError:  # not every file system has links
            _check(target, force=False, database=unfinished)
    unfinished.replace(target)
