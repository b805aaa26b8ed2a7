"""Back from a backup: what it replaces is kept aside, and what was promised since the backup is still kept."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from db import carrying, copying, damage, replacing, revisions, runs
from db.carrying import Carried
from db.connection import History
from jobs.backup import folder_of, free_name, named_now
from jobs.lock import alone
from jobs.surroundings import Surroundings
from registry_sync.errors import Damaged, DatabaseError, RegistrySyncError
from registry_sync.plural import count

JOB = "restore"
_KEYS_CAME_WITH = "m0006_delivery"
"""The step of the schema from which on an installation has keys of its own."""


class Restored(msgspec.Struct, frozen=True):
    """What came of it.

    ``made_at``: when the backup was made (UTC); ``aside``: where a copy of what was replaced is, if there was anything; ``carried``: what
    was carried over from it, ``None`` where nothing was. ``unread``: why nothing could be; ``held``: notices that wait for the operator
    then. ``damaged``: the texts in it that cannot be read, a line each.
    """

    file: Path
    database: Path
    made_at: str | None
    aside: Path | None = None
    carried: Carried | None = None
    unread: str | None = None
    held: int = 0
    damaged: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The shape of ``restore --json``."""
        return {
            "file": str(self.file),
            "database": str(self.database),
            "made_at": self.made_at,
            "kept_aside": str(self.aside) if self.aside else None,
            "carried_over": msgspec.to_builtins(self.carried) if self.carried else None,
            "unread": self.unread,
            "held": self.held,
            "damaged": list(self.damaged),
        }


def restore(around: Surroundings, file: Path, *, as_is: bool = False, damaged: bool = False) -> Restored:
    """Put a backup in the place of the database, in one instant; whenever this is killed, the one or the other is there, whole.

    What was sent, stopped or erased since the backup is carried over from the database that is replaced (``as_is``: it is not). When
    that one cannot be read, what may have been sent since is held. ``damaged``: what `check` finds in the backup is no hindrance. Raises
    DatabaseError (no backup, damaged, of a newer program, disk full), AlreadyRunning when anybody is at work.
    """
    database = around.database
    with alone(database, wait=around.pause):
        taken = replacing.check_backup(file)
        _check_is_another(file, database)
        new = database.with_name(f"{database.name}.restoring{copying.UNFINISHED}")
        with copying.removed_when_it_fails(new), replacing.prepare(file, new) as history:
            if not damaged:
                _check_content(around, history, file)
            with _replaced(around, history) as (old, aside, lines):
                unread = lines[0] if old is None else None
                done = Restored(file, database, carrying.made_at(history), aside, unread=unread, damaged=() if old is None else lines)
                with _said_of_what_goes(old):
                    done = _fill_in(around, history, old, done, as_is=as_is, has_keys=_KEYS_CAME_WITH in taken)
                replacing.finish(history, as_it_is=damaged)
                replacing.replace(database, new)
    return done


def _check_content(around: Surroundings, history: History, file: Path) -> None:
    """Refuse a backup in which a version or a change is damaged, which the file as a whole does not tell."""
    from jobs.check import look_through  # loads what reads records: once the file itself is known to be sound

    found = look_through(around, history)
    if found.faults:
        first, more = found.faults[0], len(found.faults) - 1 + found.more
        where = first.where.replace(str(history.path), str(file))
        further = f", and {count(more, 'further fault')}" if more else ""
        said = f"{where}: {first.what}{further}; take another copy, or this one with --damaged: nothing was changed"
        raise DatabaseError(f"{file}: is damaged: {said}", about=str(file))


def _check_is_another(file: Path, database: Path) -> None:
    if database.exists() and file.samefile(database):
        raise DatabaseError(f"{file}: is the database itself; name a copy of it", about=str(file))
    if not database.parent.is_dir():
        raise DatabaseError(f"{database}: its folder does not exist; make it first", about=str(database))


@contextlib.contextmanager
def _said_of_what_goes(old: History | None) -> Iterator[None]:
    """Where something cannot be carried over, and a row of what is replaced is damaged, that is why. Raises Damaged."""
    try:
        yield
    except Exception as error:
        if isinstance(error, RegistrySyncError) and not isinstance(error, Damaged):
            raise
        why = damage.of(old) if old is not None else None
        if why is None or old is None:
            raise
        do = "--as-is carries nothing over, and lays all of it aside: nothing was changed"
        raise Damaged(f"{why.partition('; ')[0]}, so that not all can be carried over; {do}", about=str(old.path)) from error


@contextlib.contextmanager
def _replaced(around: Surroundings, new: History) -> Iterator[tuple[History | None, Path | None, tuple[str, ...]]]:
    """What is to be replaced, held still: the history, where its copy is, and why it cannot be read or what in it cannot be."""
    database = around.database
    if not database.exists() or not database.stat().st_size:
        yield None, None, ("there is none",)
        return
    unread = replacing.is_beyond_reading(database)
    if unread is not None:
        aside = free_name(folder_of(around) / f"{named_now(around)}.damaged")
        replacing.lay_aside(database, aside)
        yield None, aside, (unread,)
        return
    with replacing.held_still(database) as history:
        garbled = replacing.garbled(history)
        aside = free_name(folder_of(around) / f"{named_now(around)}{'.damaged' if garbled else ''}")
        copying.copy_to(history, aside, as_it_is=bool(garbled))
        replacing.mend(history, new, garbled)
        yield history, aside, tuple(map(str, garbled))


def _fill_in(around: Surroundings, history: History, old: History | None, done: Restored, *, as_is: bool, has_keys: bool) -> Restored:
    """Carry over what must not be forgotten, or hold what may have been sent; note in the new history what was done."""
    now = around.stamp()
    if as_is:
        if old is not None:
            carrying.go_on(history, old)
        done = msgspec.structs.replace(done, unread=None)
    elif old is not None:
        carried = carrying.carry_over(history, old, now, has_keys=has_keys)
        done = msgspec.structs.replace(done, carried=carried)
    else:
        done = msgspec.structs.replace(done, held=carrying.hold(history, now))
    with history.write() as connection:
        revisions.note_another_file(connection, now)
    runs.of_a_copy(history)
    runs.end(history, runs.begin(history, JOB, now), now, "done", done.as_json())
    return done
