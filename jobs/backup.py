"""A verified copy of the database every night, and what is past its time away: old copies, subscriptions that were stopped long ago."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

from db import erasure
from db.connection import copy_to
from jobs.surroundings import Surroundings, as_stamp

_NAME = re.compile(r"-(\d{8}T\d{6}Z)\.db$")


def backup(around: Surroundings) -> Path:
    """Copy the history into the folder ``backups`` beside it, check the copy, remove those past their time; the new file's path."""
    folder = around.database.parent / "backups"
    folder.mkdir(exist_ok=True)
    stamp = as_stamp(around.now()).replace("-", "").replace(":", "")
    target = folder / f"{around.database.stem}-{stamp}.db"
    with around.open() as history:
        copy_to(history, target)
        days = around.settings.retention.stopped_subscriptions
        if days:
            erasure.age_out(history, as_stamp(around.now() - datetime.timedelta(days=days)))
    _remove_old(around, folder, keep=target)
    return target


def _remove_old(around: Surroundings, folder: Path, keep: Path) -> None:
    days = around.settings.retention.backups
    if not days:
        return
    oldest = around.now() - datetime.timedelta(days=days)
    for path in folder.glob(f"{around.database.stem}-*.db"):
        match = _NAME.search(path.name)
        if match and path != keep and datetime.datetime.strptime(match[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC) < oldest:
            path.unlink()
    # what was copied before the schema took a step has addresses in it, too
    for path in around.database.parent.glob(f"{around.database.name}.before-*.backup"):
        if path.stat().st_mtime < oldest.timestamp():
            path.unlink()
