"""(what was known of a trial at a source, what is seen now) -> what to keep and what to tell. Pure."""

from __future__ import annotations

import hashlib

import msgspec

from registry_sync.trials.changes import Change, carried_over, unstated
from registry_sync.trials.record import Record
from registry_sync.trials.significance import judged


class Baseline(msgspec.Struct, frozen=True):
    """The first version: kept, and nobody is told."""

    record: Record


class Changed(msgspec.Struct, frozen=True):
    """A new version. ``carried``: the fields that a page no longer states, kept from before."""

    record: Record
    changes: tuple[Change, ...]
    carried: tuple[str, ...] = ()


class Incomplete(msgspec.Struct, frozen=True):
    """The record came without a whole part that every record has and that this one had: it is not believed."""

    reason: str


class Unchanged(msgspec.Struct, frozen=True):
    """Nothing that a reader would call a change."""


Decision = Baseline | Changed | Unchanged | Incomplete


def decide(known: Record | None, seen: Record, *, complete: bool) -> Decision:
    """What the new sight of a trial amounts to.

    ``complete``: does the source state all that it has (the registry: what it leaves out is gone), or may it be silent (a
    page: what it leaves out stays as it was)?
    """
    if known is None:
        return Baseline(seen)
    if complete and (part := _lost_part(known, seen)):
        return Incomplete(f"the record came without its {part}, which it had: it is taken for incomplete, and the last good version stays")
    record = seen if complete else carried_over(known, seen)
    changes = judged(known, record)
    if not changes:
        return Unchanged()
    carried = () if complete else tuple(name for name in unstated(seen) if getattr(record, name) is not None)
    return Changed(record, changes, carried)


_PARTS = {
    "title": ("brief_title", "official_title"),
    "eligibility": ("criteria", "sex", "minimum_age", "maximum_age", "healthy_volunteers"),
    "design": ("study_type", "phases", "allocation", "masking", "enrollment"),
    "sponsor": ("lead_sponsor", "responsible_party"),
    "dates": ("start_date", "completion_date", "first_submit_date", "last_update_submit_date"),
}
"""What no whole record is without: a half-loaded answer must not read as forty removals."""


def _lost_part(known: Record, seen: Record) -> str | None:
    for part, names in _PARTS.items():
        had = sum(getattr(known, name) is not None for name in names)
        if had >= min(2, len(names)) and all(getattr(seen, name) is None for name in names):
            return part
    return None


def content_hash(written: bytes) -> str:
    """SHA-256 over what a reader can see: a record as ``to_json`` writes it; hexadecimal."""
    return hashlib.sha256(written).hexdigest()
