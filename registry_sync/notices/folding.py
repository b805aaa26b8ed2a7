"""Which changes of a notice are told one by one, which follow a status and are told as a number, and which comes first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from registry_sync.notices import listings
from registry_sync.notices.chains import net
from registry_sync.notices.interface import Role, TrialNews
from registry_sync.trials import presence
from registry_sync.trials.changes import Change, KeptChange
from registry_sync.trials.record import Location, plain

STATUS = "overall_status"
_FOLDABLE = frozenset({"locations", "central_contacts"})

_ORDER = (
    STATUS, "registry", "why_stopped", "criteria", "minimum_age", "maximum_age", "sex", "has_results", "expanded_access", "arms",
    "interventions", "locations", "phases", "primary_outcomes", "start_date", "completion_date", "primary_completion_date", "enrollment",
    "lead_sponsor", "responsible_party", "results_unposted", "results_first_submit_date", "results_first_post_date", "results_delayed_date",
    "study_population", "healthy_volunteers", "central_contacts", "overall_officials", "masking", "allocation", "study_type",
    "secondary_outcomes", "other_outcomes", "documents", "publications", "collaborators", "listing", "deadlines",
)  # fmt: skip
"""The kinds of news from the most to the least telling; by field, or by topic where the trial as a whole is meant."""

_WEIGHT = {"major": 0, "minor": 1, "housekeeping": 2, "untold": 3}


class Followed(NamedTuple):
    """How many sites lost, or gained, a status or contacts together with the overall status; of those that gained, how many which."""

    lost: int = 0
    gained: int = 0
    with_status: int = 0
    with_contacts: int = 0


def weight(change: Change, role: Role) -> int:
    """0 for major to 3 for untold, for this kind of recipient."""
    return _WEIGHT[change.reader_significance if role == "reader" and change.topic != "listing" else change.significance]


def rank(change: Change) -> int:
    """The place of a change's kind among the news."""
    for name in (change.field, change.topic):
        if name in _ORDER:
            return _ORDER.index(name)
    return len(_ORDER)


def told(news: TrialNews, role: Role) -> tuple[KeptChange, ...]:
    """The changes that are told one by one, the most significant first, the newest first among equals; steps of one item are one.

    Sites and contacts that came or went with the overall status are left out, and so is the last known status beside UNKNOWN; a
    reader's untold changes too. Should nothing be left, everything is told: a notice is never empty.
    """
    changes = net(news.changes)
    beside_status = any(change.field == STATUS for change in changes)
    kept = [change for change in changes if not _folded(change, beside_status=beside_status, role=role)]
    merged = any(presence.entries(change) for change in kept)  # what is not the same is understood by who knows what was merged
    order = sorted(
        kept or changes,
        key=lambda change: (not (merged and presence.is_merger(change)), weight(change, role), rank(change), _how_bad(change), -change.id),
    )
    return tuple(order)


def _is_step(change: Change) -> bool:
    """Is this a step of the status? Where two records differ since they were merged, no site followed anything."""
    return change.field == STATUS and presence.entries(change) is None


def _how_bad(change: Change) -> int:
    """The place of a listing's news among those of listings."""
    if change.topic != "listing":
        return 0
    return listings.WORST_FIRST.index(change.after) if change.after in listings.WORST_FIRST else len(listings.WORST_FIRST)


def followed(news: TrialNews) -> Followed:
    """Sites whose status or contacts left the record, or came, with the overall status; the two records decide where both are known."""
    if not any(map(_is_step, news.changes)):
        return Followed()
    if news.before is not None and news.before.locations is not None and news.record.locations is not None:
        before = _without(news.before.locations, news.changes, "removed")
        after = _without(news.record.locations, news.changes, "added")
        statuses, contacts = _shown_only_in(after, before)
        return Followed(len(set().union(*_shown_only_in(before, after))), len(statuses | contacts), len(statuses), len(contacts))
    folded = [change for change in news.changes if change.field == "locations" and _follows(change)]
    lost = sum(_shows(change.before) and not _shows(change.after) for change in folded)
    gained = [change.after for change in folded if not _shows(change.before) and _shows(change.after)]
    return Followed(lost, len(gained), sum(bool(site.get("status")) for site in gained), sum(bool(site.get("contacts")) for site in gained))


def _without(some: Sequence[Location], changes: Sequence[Change], operation: str) -> Sequence[Location]:
    """The sites without those that came, or went, as a whole: these are told for themselves."""
    theirs = [change.after if operation == "added" else change.before for change in changes
              if change.field == "locations" and change.operation == operation]  # fmt: skip
    left = list(some)
    for site in theirs:
        place = next((place for place, one in enumerate(left) if plain(one) == site), None)
        if place is not None:
            del left[place]
    return left


def _folded(change: Change, *, beside_status: bool, role: Role) -> bool:
    if role == "reader" and change.reader_significance == "untold" and change.topic != "listing":
        return True
    if not beside_status:
        return False
    return change.field == "last_known_status" or (change.field in _FOLDABLE and _follows(change))


def _follows(change: Change) -> bool:
    return change.significance == "housekeeping" and change.reader_significance == "untold"


def _shown_only_in(some: Sequence[Location], others: Sequence[Location]) -> tuple[set[int], set[int]]:
    """Which sites, by their place in the list, show a status, and which contacts, where none of the other side's does."""
    statuses = {place for place, site in enumerate(some) if site.status}
    contacts = {place for place, site in enumerate(some) if site.contacts}
    return (
        set() if any(site.status for site in others) else statuses,
        set() if any(site.contacts for site in others) else contacts,
    )


def _shows(site: Any) -> bool:
    return isinstance(site, dict) and bool(site.get("status") or site.get("contacts"))
