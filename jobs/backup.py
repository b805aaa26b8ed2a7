"""A verified copy of the database, every night and when somebody asks, and what is past its time away."""

from __future__ import annotations

import contextlib
import datetime
import os
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import msgspec

from db import copies_kept, copying, rights, runs
from db.copies_kept import Copy
from jobs.lock import only_one
from jobs.retention import Kept, tidy
from jobs.surroundings import Surroundings
from registry_sync.errors import DatabaseError, Stopped
from registry_sync.plural import count

JOB = "backup"
PATIENCE = 600.0
"""Seconds that a backup waits for another one."""
LATE_DAYS = 3
"""A newest copy that is older is no care taken, whatever the schedule."""


class Backup(msgspec.Struct, frozen=True):
    """What came of it: the copy, its size, how many rows it holds, how many older copies went, and what retention took away."""

    file: Path
    octets: int
    rows: dict[str, int]
    removed: int
    kept: Kept

    def as_json(self) -> dict[str, Any]:
        """The shape of ``backup --json``."""
        counted = ("trial", "version", "change", "subscription", "notice")
        return {
            "file": str(self.file),
            "bytes": self.octets,
            "rows": {name: self.rows.get(name, 0) for name in counted},
            "removed": {"backups": self.removed, **self.kept.as_json()},
        }

    def said(self) -> str:
        """One line for people."""
        rows = (count(self.rows.get(name, 0), name) for name in ("trial", "version", "change", "subscription"))
        gone = {"old backup": self.removed, "stopped subscription": self.kept.subscriptions, "old run": self.kept.runs}
        taken = [count(number, name) for name, number in gone.items() if number]
        taken += [f"contacts taken down out of {count(self.kept.contacts, 'version')}"] if self.kept.contacts else []
        return f"copied to {self.file}, and verified: {', '.join(rows)}{'; removed ' if taken else ''}{', '.join(taken)}"


def backup(around: Surroundings, to: Path | None = None) -> Backup:
    """Copy the history, check the copy, and take away what is past its time: older copies, and what ``retention`` says.

    ``to``: a file, or a folder that gets a file with the time in its name; ``None``: the folder ``backups`` beside the history. The copy is
    made first, so that nothing goes before it is copied once more. Raises DatabaseError, AlreadyRunning, Stopped.
    """
    with around.open() as history, only_one(around.database, JOB, patience=PATIENCE, wait=around.pause):
        run = runs.begin(history, JOB, around.stamp())
        try:
            target = _target(around, to)
            _remove_unfinished(target)
            copying.remove_left_over(around.database)
            rows = copying.copy_to(history, target, lambda: _mind(around))
            removed = remove_old(around, keep=target)
            kept = tidy(around, history)
            done = Backup(target, target.stat().st_size, rows, removed, kept)
        except BaseException as error:
            with contextlib.suppress(DatabaseError):  # of a full disk, say
                runs.end(history, run, around.stamp(), "stopped" if isinstance(error, Stopped | KeyboardInterrupt) else "failed", {})
            raise
        runs.end(history, run, around.stamp(), "partial" if kept.faults else "done", done.as_json())
    return done


def folder_of(around: Surroundings) -> Path:
    """Where copies stand unless somebody says otherwise. Raises DatabaseError when it cannot be made."""
    folder = around.database.parent / copying.FOLDER
    hindrance = copying.in_the_way(around.database)
    if hindrance:
        raise DatabaseError(hindrance, about=str(folder))
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        rights.give(folder, around.database)
    except OSError as error:
        raise DatabaseError(f"{folder}: cannot be made ({error.strerror}); check the rights of its folder", about=str(folder)) from error
    return folder


def named_now(around: Surroundings) -> str:
    """The name of a copy that is made now."""
    return f"{around.database.stem}-{around.now().astimezone(datetime.UTC).strftime(copies_kept.STAMP)}.db"


def free_name(path: Path) -> Path:
    """This name, or where that is taken one with a number: several copies may be made within a second."""
    free, number = path, 1
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free


def _target(around: Surroundings, to: Path | None) -> Path:
    if to is None or to == around.database.parent / copying.FOLDER:
        return free_name(folder_of(around) / named_now(around))
    if to.is_dir():
        return free_name(to / named_now(around))
    if to.is_symlink():
        to = Path(os.path.realpath(to))
    if not to.parent.is_dir():
        raise DatabaseError(f"{to}: its folder does not exist; make it first", about=str(to))
    if to.exists():
        _check_may_replace(around, to)
    elif copying.belongs_to(to, around.database):
        raise DatabaseError(f"{to}: is a name that the database itself needs; name another file", about=str(to))
    return to


def _check_may_replace(around: Surroundings, to: Path) -> None:
    """A copy may take the place of an earlier one; nothing else is ever overwritten."""
    if around.database.exists() and to.samefile(around.database):
        raise DatabaseError(f"{to}: is the database itself; name another file", about=str(to))
    if not copying.is_ours(to):
        raise DatabaseError(f"{to}: is there already, and is no copy of a history; name another file", about=str(to))


def _mind(around: Surroundings) -> None:
    if around.stop.is_set():
        raise Stopped("asked to stop; no copy was made")


def remove_old(around: Surroundings, keep: Path) -> int:
    """Remove the copies that this program made of this database and that are past their time, the newest whole one never; how many.

    ``keep``: the one that was just made, and verified. One that is dated in the future is not removed, and is not taken for the newest
    while there is another: nobody knows how old it is.
    """
    days = around.settings.retention.backups
    if not days:
        return 0
    oldest = around.now() - datetime.timedelta(days=days)
    made = copies_kept.made(around.database)
    old = [copy for copy in made if copy.made_at < oldest and copy.path != keep]
    newest = _newest_whole(made, keep, copies_kept.ahead(made, around.now())) if old else None
    gone = [copy for copy in old if copy is not newest]
    for copy in gone:
        copying.remove(copy.path)
    return len(gone)


def _newest_whole(made: Sequence[Copy], keep: Path, ahead: Collection[Copy]) -> Copy | None:
    """The newest copy that is sound still; the newest of all when none is. What is dated ``ahead`` comes last."""
    whole = sorted((copy for copy in made if copy.whole), key=lambda copy: (copy not in ahead, copy.made_at), reverse=True)
    return next((copy for copy in whole if copy.path == keep or copying.is_sound(copy.path)), next(iter(whole), None))


def _remove_unfinished(target: Path) -> None:
    """Remove what an earlier backup left that was killed: this one holds the lock, so that nobody works on it."""
    own = re.compile(r".+-\d{8}T\d{6}Z\.db" + re.escape(copying.UNFINISHED))
    for path in target.parent.glob(f"*{copying.UNFINISHED}"):
        if own.fullmatch(path.name):
            copying.remove(path)
