"""Sites in numbers: what changed by country, and how many are open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from registry_sync.notices.clean import one_line, text_of
from registry_sync.notices.i18n import Translator
from registry_sync.notices.values import differing_parts
from registry_sync.trials.changes import Change
from registry_sync.trials.record import Location, Record

OPEN = "RECRUITING"
_TAKES_OR_WILL = frozenset({OPEN, "NOT_YET_RECRUITING", "ENROLLING_BY_INVITATION"})
_MOST_COUNTRIES = 6
_MOST_NAMED = 3


class Tally(msgspec.Struct):
    """Site changes of one country: sites added and no longer listed, opened and no longer open, and others.

    ``came_open`` and ``went_open``: those of the opened and closed that were added, or are no longer listed.
    """

    added: int = 0
    removed: int = 0
    opened: int = 0
    closed: int = 0
    other: int = 0
    came_open: int = 0
    went_open: int = 0


class Looking(NamedTuple):
    """How many sites look for participants by the record, and how many do not yet."""

    now: int
    not_yet: int


def looking(record: Record) -> Looking | None:
    """How many sites look for participants; ``None`` where the record does not say it.

    It does not where no site has a status, nor where the trial does not take participants, or nobody knows whether it does (UNKNOWN): what
    its sites show then is left over.
    """
    sites = record.locations or ()
    if record.overall_status not in _TAKES_OR_WILL or not any(site.status for site in sites):
        return None
    return Looking(sum(map(is_open, sites)), sum(site.status == "NOT_YET_RECRUITING" for site in sites))


def is_open(site: Location) -> bool:
    """Does a site look for participants now, by the record?"""
    return site.status == OPEN


def by_country(changes: Iterable[Change]) -> dict[str, Tally]:
    """Changes of ``locations`` counted by country, in the alphabet's order; a site without country stands under ""."""
    tallies: dict[str, Tally] = {}
    for change in changes:
        if change.field == "locations":
            country = text_of(change.after, "country") or text_of(change.before, "country")
            _count(tallies.setdefault(country, Tally()), change)
    return dict(sorted(tallies.items()))


def total(tallies: Iterable[Tally]) -> Tally:
    """All countries together."""
    every = list(tallies)
    return Tally(
        added=sum(tally.added for tally in every),
        removed=sum(tally.removed for tally in every),
        opened=sum(tally.opened for tally in every),
        closed=sum(tally.closed for tally in every),
        other=sum(tally.other for tally in every),
        came_open=sum(tally.came_open for tally in every),
        went_open=sum(tally.went_open for tally in every),
    )


def _count(tally: Tally, change: Change) -> None:
    was, now = _open(change.before), _open(change.after)
    tally.added += change.operation == "added"
    tally.removed += change.operation == "removed"
    tally.opened += now and not was
    tally.closed += was and not now
    tally.other += change.operation == "changed" and was == now
    tally.came_open += change.operation == "added" and now
    tally.went_open += change.operation == "removed" and was


def closed_for(country: str, record: Record) -> bool:
    """Is no site of this country listed as recruiting any more, while the trial recruits?"""
    sites = [site for site in record.locations or () if one_line(site.country or "").casefold() == country.casefold()]
    return record.overall_status == OPEN and not any(map(is_open, sites))


def open_sites(record: Record, t: Translator) -> str:
    """Open sites as "Listed sites: Copenhagen (1 of 1 open)": by city or by country; empty when no site has a status."""
    sites = record.locations or ()
    if not any(site.status for site in sites):
        return ""
    cities = {one_line(site.city or "") for site in sites}
    few = len(cities) <= _MOST_COUNTRIES
    places = [_named(site.city if few and site.city else None, site.country, t) for site in sites]
    listed, opened = Counter(places), Counter(place for place, site in zip(places, sites, strict=True) if is_open(site))
    shown = [place for place, _ in listed.most_common(_MOST_COUNTRIES)]
    parts = [t.gettext("{place} ({opened} of {listed} open)").format(place=p, opened=opened[p], listed=listed[p]) for p in shown]
    more = len(listed) - len(shown)
    if more:
        parts.append(t.ngettext("{n} more country", "{n} more countries", more).format(n=more))
    return t.gettext("Listed sites: {places}.").format(places=t.join(parts))


def _named(city: str | None, country: str | None, t: Translator) -> str:
    return one_line(city or t.country(country or "")) or t.gettext("place not stated")


def one_by_one(changes: Sequence[Change], t: Translator) -> tuple[str, ...]:
    """A sentence for each site, by its city, where they are few; nothing where they are many."""
    return tuple(_told(change, t) for change in changes) if len(changes) <= _MOST_NAMED else ()


def _told(change: Change, t: Translator) -> str:
    was, now = _open(change.before), _open(change.after)
    if change.operation == "added":
        text = t.gettext("{place} was added; it is listed as recruiting.") if now else t.gettext("{place} was added to the list.")
    elif change.operation == "removed":
        text = t.gettext("{place} is no longer listed.")
    elif only_contacts([change]):
        text = t.gettext("{place}: the contacts have changed.")
    elif was == now:
        text = t.gettext("{place}: the details have changed.")
    else:
        text = t.gettext("{place} is now listed as recruiting.") if now else t.gettext("{place} is not listed as recruiting any more.")
    site = change.before if change.after is None else change.after
    city, country = text_of(site, "city") or text_of(site, "state"), t.country(text_of(site, "country"))
    place = f"{city} ({country})" if city and country else city or country
    return text.format(place=place or t.gettext("A site"))


def only_contacts(changes: Sequence[Change]) -> bool:
    """Do all of these sites differ in their contacts and in nothing else?"""
    return all(change.operation == "changed" and differing_parts(change.before, change.after) == ["contacts"] for change in changes)


def are_all(changes: Sequence[Change], before: Record | None, after: Record) -> bool:
    """Do these changes hold every difference between the sites before and now? Unsure is no."""
    if before is None or before.locations is None or after.locations is None:
        return False
    first, second = Counter(before.locations), Counter(after.locations)
    differing = (first - second).total() + (second - first).total()
    return differing == sum((change.before is not None) + (change.after is not None) for change in changes)


def in_numbers(tally: Tally, t: Translator) -> str:
    """ "+3 / −1, 16 opened, 2 closed"; for coordinators."""
    parts = [f"+{tally.added} / −{tally.removed}"] if tally.added or tally.removed else []
    for template, number in ((t.gettext("{n} opened"), tally.opened), (t.gettext("{n} no longer open"), tally.closed)):
        if number:
            parts.append(template.format(n=number))
    if tally.other and not parts:
        parts.append(t.gettext("{n} changed").format(n=tally.other))
    return ", ".join(parts)


def in_words(tally: Tally, t: Translator) -> str:
    """ "1 site added, 2 sites now listed as recruiting"; for readers."""
    parts = []
    opened, closed = tally.opened - tally.came_open, tally.closed - tally.went_open
    for number, text in (
        (tally.added, t.ngettext("{n} site added", "{n} sites added", tally.added)),
        (tally.came_open, t.ngettext("{n} of them listed as recruiting", "{n} of them listed as recruiting", tally.came_open)),
        (tally.removed, t.ngettext("{n} site no longer listed", "{n} sites no longer listed", tally.removed)),
        (opened, t.ngettext("{n} site now listed as recruiting", "{n} sites now listed as recruiting", opened)),
        (closed, t.ngettext("{n} site not listed as recruiting any more", "{n} sites not listed as recruiting any more", closed)),
        (tally.other, t.ngettext("{n} site with changed details", "{n} sites with changed details", tally.other)),
    ):
        if number:
            parts.append(text.format(n=number))
    return t.join(parts)


def _open(site: Any) -> bool:
    return isinstance(site, dict) and site.get("status") == OPEN
