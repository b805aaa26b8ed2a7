"""Is a trial's record in the registry: found by a search, gone, back, merged into another. Pure.

A record that is not found once may be the registry's own trouble: it counts as gone when a look on another day (UTC) does not find
it either. An alias needs no second look: the registry itself says where the record went.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from registry_sync.trials.changes import Change
from registry_sync.trials.record import Record
from registry_sync.trials.significance import judged_alone

FIELD = "registry"
State = Literal["missing", "absent", "merged"]


class Absence(msgspec.Struct, frozen=True):
    """A record that did not come under its id: ``since`` when (UTC, ISO 8601), told of or not (``missing``), and where it went."""

    since: str
    state: State
    into: str | None = None


def not_found(known: Absence | None, now: str) -> tuple[Absence, str | None]:
    """The registry does not know the id: what to keep, and the word of what is told (``absent``), if anything is."""
    if known is None:
        return Absence(now, "missing"), None
    if known.state == "missing" and known.since[:10] < now[:10]:
        return Absence(known.since, "absent"), "absent"
    return known, None


def moved(known: Absence | None, into: str, now: str) -> tuple[Absence, str | None]:
    """The registry answers with another id: what to keep, and the word of what is told (``merged``), if anything is."""
    if known is not None and known.state == "merged" and known.into == into:
        return known, None
    return Absence(known.since if known else now, "merged", into), "merged"


def found(record: Record) -> Change:
    """The change that a search found a trial that it did not find before, judged."""
    return judged_alone(Change(field=FIELD, topic=FIELD, operation="changed", before="absent", after="found"), record)


def told(known: Absence | None, word: str, record: Record) -> Change | None:
    """The change to ``word`` (``present``, ``absent``, ``merged``), judged; ``None`` where it was never told that the record had gone."""
    before = "present" if known is None or known.state == "missing" else known.state
    if before == word:
        return None
    return judged_alone(Change(field=FIELD, topic=FIELD, operation="changed", before=before, after=word), record)
