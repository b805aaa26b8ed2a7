"""The folder of what is published: which of its files were made here, and which are its owner's.

The manifest names each file that was made. A folder is replaced only where nothing else is in it but what hosts of files want at its root,
which goes with it into the new one.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from registry_sync import __version__
from registry_sync.errors import UsageError

MANIFEST = "published.json"
CARRIED_OVER = ("CNAME", ".nojekyll", ".well-known")
"""What a host of files wants at the root: the site's name, no other program at work on it, and what proves whose it is."""

_BY = "registry-sync "
_OF_BEFORE = re.compile(
    r"(?:[a-z]{2}/)?(?:(?:condition/[^/]+/|status/|trials/NCT\d{8}/(?:[^/]+/)*)[\w.-]+\.html|(?:index|page-\d+)\.html"
    r"|(?:trials/NCT\d{8}/)?(?:feed|calendar)[\w.-]*\.(?:atom|ics))|api/[\w./-]+\.json|style\.css|404\.html"
)
"""What was made by a version that named no files in its manifest."""


class _Manifest(msgspec.Struct):
    by: str
    files: int
    names: list[str] | None = None


def whole(folder: Path) -> Path:
    """A folder by its whole path. Raises UsageError for one beside which there can be no other."""
    found = Path(os.path.normpath(folder.absolute()))
    if not found.name:
        raise UsageError(f"{found}: cannot be replaced; name a folder that is new or empty", about=str(found))
    return found


def check_is_ours(folder: Path) -> None:
    """Raise UsageError for a folder of which anything would be lost, were it replaced."""
    if folder.is_symlink():
        leads_to = os.path.realpath(folder)
        raise UsageError(f"{folder}: is a link, which would be lost; name what it leads to, {leads_to}", about=str(folder))
    if not folder.is_dir():
        raise UsageError(f"{folder}: is no folder", about=str(folder))
    there = _what_is_in(folder)
    manifest = _manifest(folder)
    if manifest is None:
        lost = next((name for name in there if name != MANIFEST), MANIFEST if os.path.lexists(folder / MANIFEST) else "")
    elif manifest.names is None:
        lost = _not_of_before(list(there), manifest.files)
    else:
        made = {MANIFEST, *manifest.names}
        lost = next((name for name in there if name not in made), "")
    if lost:
        shown = lost.encode("utf-8", "backslashreplace").decode()
        raise UsageError(
            f"{folder}: holds {shown}, which was not published by this program, and would be lost; name a folder that is new or empty",
            about=str(folder),
        )


def note(folder: Path, at: str, names: Sequence[str], trials: int) -> None:
    """Write the manifest, which is one of the files that it counts."""
    told = {"by": f"{_BY}{__version__}", "at": at, "files": len(names) + 1, "trials": trials, "names": sorted(names)}
    (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(told)) + b"\n")


def carry_over(old: Path, new: Path) -> None:
    """Give a new folder what its owner has put at the root of the old one, and the old one's mode and owner."""
    for name in CARRIED_OVER:
        mine = old / name
        if mine.is_dir() and not mine.is_symlink():
            shutil.copytree(mine, new / name, symlinks=True)
        elif os.path.lexists(mine):
            shutil.copy2(mine, new / name, follow_symlinks=False)
    its = old.stat()
    with contextlib.suppress(OSError):  # only root gives a folder to somebody else
        os.chown(new, its.st_uid, its.st_gid)
    new.chmod(stat.S_IMODE(its.st_mode))


def _what_is_in(folder: Path) -> Iterator[str]:
    """Each file, link and empty folder by its path within this one, but for what is carried over. Raises UsageError."""

    def fail(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # what is gone meanwhile is nobody's any more
            said = f"{error.filename}: cannot be read ({error.strerror}): what is in it could be lost"
            raise UsageError(said, about=str(folder)) from error

    for here, folders, files in os.walk(folder, onerror=fail):
        passed_over = CARRIED_OVER if Path(here) == folder else ()
        folders[:] = sorted(name for name in folders if name not in passed_over)
        within = "" if Path(here) == folder else f"{Path(here).relative_to(folder).as_posix()}/"
        links = [name for name in folders if (Path(here) / name).is_symlink()]
        yield from (within + name for name in sorted([*files, *links]) if name not in passed_over)
        if within and not files and not folders:
            yield within


def _manifest(folder: Path) -> _Manifest | None:
    try:
        found = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=_Manifest)
    except (OSError, ValueError, msgspec.MsgspecError):
        return None
    return found if found.by.startswith(_BY) else None


def _not_of_before(there: Sequence[str], files: int) -> str:
    """Where a manifest names no files: the first that is not such as were made; else, where there are not as many as it says, its own name.

    An index that somebody wrote himself cannot be told from ours by its name; but where nothing of ours is gone it is one too many.
    """
    others = [name for name in there if name != MANIFEST]
    return next((name for name in others if not _OF_BEFORE.fullmatch(name)), "" if len(others) == files else MANIFEST)
