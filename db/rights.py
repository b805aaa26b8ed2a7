"""Whose files they are: what root makes beside a database belongs to whom the database belongs to, who must go on working with it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def give(path: Path, like: Path) -> None:
    """Give a file or folder that this process made to the owner of another one, where this process is root's.

    ``like``: the database, or where there is none its folder.
    """
    if os.geteuid() != 0:
        return
    with suppress(OSError):  # a file system without owners
        its = (like if like.exists() else like.parent).stat()
        os.chown(path, its.st_uid, its.st_gid)
