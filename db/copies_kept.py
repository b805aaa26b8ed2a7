"""The copies of a history that stand beside it: which they are, since when, and which of them go by themselves."""

from __future__ import annotations

import datetime
import glob
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from db import copying

STAMP = "%Y%m%dT%H%M%SZ"
"""When a copy was made, in its name."""
_BESIDE = re.compile(r"-(?:wal|shm|journal)$")
_NEVER = datetime.datetime.max.replace(tzinfo=datetime.UTC)


class Copy(msgspec.Struct, frozen=True):
    """A copy that this program made: when, and whether it is one to go back to (``whole``), of which the newest stays however old."""

    path: Path
    made_at: datetime.datetime
    whole: bool


def made(database: Path) -> list[Copy]:
    """Every copy that this program made of a history and left beside it or in its folder of backups, by name; no other file.

    What a restore laid aside since it could not be read (``.damaged``) is told by its name alone, and so is what is left of a copy.
    """
    return sorted(_made(database), key=lambda copy: copy.path)


def _made(database: Path) -> Iterator[Copy]:
    named = re.compile(
        rf"{re.escape(database.stem)}-(?P<stamp>\d{{8}}T\d{{6}}Z)(?:-(?P<number>\d+))?\.db(?P<damaged>(?:-\d+)?\.damaged)?(?P<step>\.before-.+\.backup)?"
    )
    for path in _each(database.parent / copying.FOLDER):
        match = named.fullmatch(path.name)
        if match and (match["damaged"] or copying.is_ours(path) or not path.exists()):
            yield Copy(path, _moment(match["stamp"], match["number"]), whole=not (match["damaged"] or match["step"]))
    for path in database.parent.glob(f"{glob.escape(database.name)}.before-*.backup"):
        if copying.is_ours(path):
            yield Copy(path, datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC), whole=False)


def ahead(copies: Iterable[Copy], now: datetime.datetime) -> list[Copy]:
    """Those whose names say a time that is still to come, or none: a clock was wrong, and nobody knows how old they are."""
    return [copy for copy in copies if copy.made_at.replace(microsecond=0) > now]


def _each(folder: Path) -> set[Path]:
    """The files of a folder, each by the name of the database that it belongs to."""
    return {path.with_name(_BESIDE.sub("", path.name)) for path in folder.glob("*") if path.is_file()}


def others(database: Path) -> list[Path]:
    """Histories in the folder of backups that stay until somebody removes them: another name, or another database's."""
    ours = {copy.path for copy in made(database)}
    return sorted(path for path in _each(database.parent / copying.FOLDER) - ours if copying.is_ours(path))


def _moment(stamp: str, number: str | None) -> datetime.datetime:
    """When a copy was made, by its name, one of the same second with a higher number later; never for a name that only looks like one."""
    try:
        return datetime.datetime.strptime(stamp, STAMP).replace(tzinfo=datetime.UTC, microsecond=min(int(number or 0), 999_999))
    except ValueError:
        return _NEVER
