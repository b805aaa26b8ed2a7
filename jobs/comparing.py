"""Any two versions of a trial, compared anew by the program as it is now."""

from __future__ import annotations

import contextlib

from db import history as versions
from db import lookback
from db.connection import History
from db.history import Version
from registry_sync.errors import BadContent
from registry_sync.sources.interface import CTGOV
from registry_sync.trials import presence
from registry_sync.trials.changes import Change
from registry_sync.trials.record import Record
from registry_sync.trials.significance import judged


def differences(history: History, before: Version, after: Version) -> tuple[Change, ...]:
    """What changed from one version to another, of whatever lines, each change with its significance.

    Of two entries that were merged, a status, a date or a number of participants is told as what either says.
    """
    if before.id == after.id:
        return ()
    pair = (before.record, after.record)  # a page's: what it had gone silent about is carried over in them, and in nothing that came
    if before.source == CTGOV:
        with contextlib.suppress(BadContent):  # what this program cannot read any more is compared as it was kept
            pair = _read(history, before, after)
    entries = lookback.entry_of(history, before), lookback.entry_of(history, after)
    found = judged(*pair)
    return found if entries[0] == entries[1] else presence.of_two_entries(found, *entries)


def _read(history: History, before: Version, after: Version) -> tuple[Record, Record]:
    """The records of two versions of the registry's, both read anew from what came. Raises BadContent."""
    from registry_sync.sources.ctgov_record import differing

    first, second = (versions.payload(history, each.id) for each in (before, after))
    pair = differing(first, second, (before.markup, after.markup))
    return (after.record, after.record) if pair is None else pair
