"""The sites of a listing beside the registry's, in the detail that the listing gives: a country, a town, or facility and status too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import msgspec
from msgspec.structs import replace

from registry_sync.trials.align import SAME_ITEM_ACROSS, likeness
from registry_sync.trials.audit_text import Words, holds, name, read
from registry_sync.trials.countries import country_key
from registry_sync.trials.listing import Listing
from registry_sync.trials.record import Location, Record, plain
from registry_sync.trials.verdicts import Difference, Judgement, Past, earlier, fell_behind

_Parts = tuple[str, ...]
_PARTS: _Parts = ("facility", "city", "state", "country")
_Shown = tuple[Words | str, ...]
_TOWNS = {
    "kobenhavn": "copenhagen", "kbh": "copenhagen", "arhus": "aarhus", "goteborg": "gothenburg", "helsingfors": "helsinki",
    "munchen": "munich", "muenchen": "munich", "koln": "cologne", "koeln": "cologne", "nurnberg": "nuremberg",
    "nuernberg": "nuremberg", "hannover": "hanover",
    "wien": "vienna", "praha": "prague", "warszawa": "warsaw", "roma": "rome", "milano": "milan", "napoli": "naples", "torino": "turin",
    "firenze": "florence", "genova": "genoa", "padova": "padua", "venezia": "venice", "lisboa": "lisbon", "sevilla": "seville",
    "bruxelles": "brussels", "brussel": "brussels", "antwerpen": "antwerp", "gent": "ghent", "geneve": "geneva", "den haag": "the hague",
    "athina": "athens", "bucuresti": "bucharest", "beograd": "belgrade", "moskva": "moscow", "kyiv": "kiev", "zurich": "zuerich",
}  # fmt: skip
"""Towns by their own names, without accents, and the name that stands for them here."""


_POSTAL_CODE = re.compile(r"\b(?:[A-Z]{1,3}-)?(?=[A-Z0-9]*\d)[A-Z0-9]{2,}\b(?:\s?[A-Z]{2}\b)?", re.IGNORECASE)
_BETWEEN = re.compile(r"[,()|]|\s[-\u2013\u2014:\u00b7]\s")
_UNKNOWN = "UNKNOWN"
_LONGEST_SIGN = 3
_SIGNS = " -\u2013\u2014"
_PART_OF = {
    country_key(part): country_key(whole)
    for part, whole in (
        ("England", "United Kingdom"), ("Scotland", "United Kingdom"), ("Wales", "United Kingdom"), ("Northern Ireland", "United Kingdom"),
        ("Georgia", "United States"),
    )
}  # fmt: skip
"""What stands at the end of a line like a country and is a part of one; Georgia where the registry has no site in the country."""


class _Place(msgspec.Struct, frozen=True):
    """A site as it is compared; ``detail``: the parts that it states (a state counts where there is no town), ``named``: its name alone.

    ``is_loose``: it may have its town in the name of its facility.
    """

    facility: Words
    city: str
    state: Words
    country: str
    named: Words
    detail: _Parts
    is_loose: bool = False

    def shown(self, detail: _Parts) -> _Shown:
        """The site in this detail."""
        return tuple(getattr(self, part) for part in detail)


@lru_cache(maxsize=16384)
def _place(facility: str, city: str, state: str, country: str) -> _Place:
    stated = zip(_PARTS, (facility, city, "" if city else state, country), strict=True)
    return _Place(
        read(facility),
        _town(city),
        read(state),
        country_key(country),
        name(facility),
        tuple(part for part, text in stated if text),
        not city and _BETWEEN.search(facility) is not None,
    )


def _keyed(site: Location) -> _Place:
    return _place(site.facility or "", site.city or "", site.state or "", site.country or "")


def _places(sites: Iterable[Location] | None) -> list[tuple[Location, _Place]]:
    return [(site, _keyed(site)) for site in sites or ()]


def _town(text: str) -> str:
    spelt = " ".join("saint" if word in ("st", "ste") else word for word in read(text))
    return _TOWNS.get(spelt, spelt)


class _Sites(msgspec.Struct, frozen=True):
    """The sites of one version, or the places of a listing, to be looked up by country and town, or by how the town's name begins."""

    every: list[tuple[Location, _Place]]
    by_town: dict[tuple[str, str], list[_Place]]
    by_beginning: dict[tuple[str, str], list[_Place]]
    countries: set[str]
    facilities: set[Words]
    states: set[Words]
    statuses: dict[_Place, set[str | None]]

    def shown(self, detail: _Parts) -> set[_Shown]:
        """All of them in this detail."""
        return {place.shown(detail) for _, place in self.every}

    def that_may_be(self, place: _Place) -> Iterable[_Place]:
        """The sites in the country and the town of a listing's place."""
        if place.country and place.city:
            return self._in(place.country, place.city)
        return (site for _, site in self.every if site.country == place.country or not place.country)

    def that_may_show(self, site: _Place) -> Iterable[_Place]:
        """The places of a listing that may be this site; they may state neither a town nor a country."""
        where = {(country, town) for country in (site.country, "") for town in (site.city, "")}
        return (place for country, town in where for place in self._in(country, town))

    def _in(self, country: str, town: str) -> Iterator[_Place]:
        yield from self.by_town.get((country, town), ())
        yield from self.by_beginning.get((country, town), ())
        for beginning in _beginnings(town):
            yield from self.by_town.get((country, beginning), ())


def _sites(places: list[tuple[Location, _Place]]) -> _Sites:
    found = _Sites(places, {}, {}, set(), set(), set(), {})
    for site, place in places:
        found.statuses.setdefault(place, set()).add(site.status)
        found.countries.add(place.country)
        found.facilities.add(place.facility)
        found.states.add(read(site.state or ""))
        found.by_town.setdefault((place.country, place.city), []).append(place)
        for beginning in _beginnings(place.city):
            found.by_beginning.setdefault((place.country, beginning), []).append(place)
    return found


def _shown_by(listing: Listing, theirs: _Sites) -> _Sites:
    """The places of a listing, each read so that its town is one of the registry's, if it can be."""
    return _sites(_places(_fitted(place, theirs) for place in listing.record.locations or ()))


def _fitted(place: Location, theirs: _Sites) -> Location:
    """The place read so that its town is one of the registry's: which part of a line is the town is not written on it.

    A facility may have commas of its own, a town its postal code before it or its state behind it. Of several readings the one that is
    a site of the registry.
    """
    if (country_key(place.country or ""), _town(place.city or "")) in theirs.by_town and _BETWEEN.search(place.facility or "") is None:
        return place
    readings = list(_readings(place, theirs))
    if len(readings) == 1:
        return readings[0]
    return next((reading for reading in readings if _is_among(_keyed(reading), theirs)), readings[0])


def _readings(place: Location, theirs: _Sites) -> Iterator[Location]:
    """The readings of a place by which its town is one of the registry's, the likeliest first; itself, if there is none."""
    country = country_key(place.country or "")
    stated = place.country
    found = 0
    if (country, _town(place.city or "")) in theirs.by_town:
        yield place
        found += 1
    texts = [text for text in (place.facility, place.city, place.state) if text]
    parts = [part.strip(_SIGNS) for text in texts for part in _BETWEEN.split(text) if part.strip(_SIGNS)]
    if country not in theirs.countries and _PART_OF.get(country) in theirs.countries:
        country = _PART_OF[country]
        stated = next(site.country for site, keyed in theirs.every if keyed.country == country)
        parts.append(place.country or "")
    for towns in (theirs.by_town, theirs.by_beginning):
        for at in reversed(range(len(parts))):
            town = _POSTAL_CODE.sub(" ", parts[at]).strip()
            if town and (country, _town(town)) in towns:
                behind = [part for part in parts[at + 1 :] if part != place.country]
                if all(read(part) in theirs.states or len(part) <= _LONGEST_SIGN for part in behind):
                    facility, state = ", ".join(parts[:at]) or None, ", ".join(parts[at + 1 :]) or None
                    yield replace(place, facility=facility, city=town, state=state, country=stated)
                else:
                    yield replace(place, facility=", ".join(parts), city=None, state=None, country=stated)
                found += 1
    if not found:
        yield from _otherwise_read(place, parts, country, theirs)


def _otherwise_read(place: Location, parts: Sequence[str], country: str, theirs: _Sites) -> Iterator[Location]:
    """What a place may be that names no town of the registry: in a town that is a country, a state, the name of a facility alone."""
    if (country, _town(place.country or "")) in theirs.by_town:
        yield replace(place, facility=", ".join(parts) or None, city=place.country, state=None)
    elif len(parts) == 1 and parts[0] == place.city and read(place.city) in theirs.states:
        yield replace(place, city=None, state=place.city)
    elif place.city and len(parts) > 1 and read(", ".join(parts)) in theirs.facilities:
        yield replace(place, facility=", ".join(parts), city=None, state=None)
    elif len(parts) > 1 and place.facility is None and _BETWEEN.search(place.city or "") is not None:
        yield replace(place, facility=", ".join(parts[:-1]), city=parts[-1], state=None)
    else:
        yield place


def _was_among(place: Location, sites: _Sites) -> bool:
    return _is_among(_keyed(_fitted(place, sites)), sites)


def _beginnings(town: str) -> list[str]:
    """Frankfurt, and Frankfurt am, of Frankfurt am Main."""
    parts = town.split(" ")
    return [" ".join(parts[:number]) for number in range(1, len(parts))]


def same(record: Record, listing: Listing) -> bool:
    """Does the listing show the sites of this version, all of them and no other, whatever their order and number?"""
    theirs = _sites(_places(record.locations))
    mine = _shown_by(listing, theirs)
    extra, missing = _unlike(theirs, mine)
    if not listing.record.locations or not record.locations or extra or missing:
        return False
    return not _recruiting_otherwise(theirs, mine, record)


def differences(record: Record, listing: Listing) -> tuple[Difference, ...]:
    """The places that no site of this version is at, and the sites at none of the listing's places."""
    theirs = _sites(_places(record.locations))
    mine = _shown_by(listing, theirs)
    extra, missing = _apart(theirs, mine)
    bare = (Location(facility=site.facility, city=site.city, state=site.state, zip=site.zip, country=site.country) for site in missing)
    return (
        *(Difference(what="extra", listing=plain(place)) for place in extra),
        *(Difference(what="missing", registry=plain(site)) for site in bare),
        *(
            Difference(what="changed", registry=plain(replace(place, status=status)), listing=plain(place))
            for place, status in _recruiting_otherwise(theirs, mine, record)
        ),
    )


def otherwise(listing: Listing, past: Sequence[Past]) -> Judgement:
    """The verdict on sites that no version had just so. Another facility in a town of the registry may be its own by another name."""
    now = _sites(_places(past[-1].record.locations))
    items = differences(past[-1].record, listing)
    mine = _shown_by(listing, now)
    strange, _ = _apart(now, mine)
    if not strange:
        if behind := [place for place, _ in _recruiting_otherwise(now, mine, past[-1].record)]:
            return _status_of_sites(behind, past, items)
        return Judgement(verdict="incomparable", reason="shows some of the sites", items=items) if items else Judgement(verdict="agrees")
    last: dict[Location, int] = {}
    ever = [now]
    seen = {keyed for _, keyed in now.every}
    for at, record in earlier(past, lambda record: record.locations):
        sites = _sites([entry for entry in _places(record.locations) if entry[1] not in seen])
        seen.update(keyed for _, keyed in sites.every)
        ever.append(sites)
        last.update({place: at for place in strange if place not in last and _was_among(place, sites)})
    if len(last) == len(set(strange)):
        return Judgement(verdict="outdated", since=fell_behind(past, min(last.values())), items=items)
    never = _places(Location(city=place.city, state=place.state, country=place.country) for place in strange if place not in last)
    has_facilities = all(place.facility for place in strange if place not in last)
    if has_facilities and all(any(_is_among(keyed, sites) for sites in ever) for _, keyed in never):
        return Judgement(verdict="incomparable", reason="names the sites otherwise", items=items)
    return Judgement(verdict="contradicts", items=items)


def _status_of_sites(behind: Sequence[Location], past: Sequence[Past], items: tuple[Difference, ...]) -> Judgement:
    """The verdict on sites whose own status is not the registry's: outdated where each had it before."""
    last: dict[Location, int] = {}
    for at, record in earlier(past, lambda record: record.locations):
        theirs = _sites(_places(record.locations))
        last.update({place: at for place in behind if place not in last and place.status in _statuses(_keyed(place), theirs)})
    if len(last) == len(set(behind)):
        return Judgement(verdict="outdated", since=fell_behind(past, min(last.values())), items=items)
    return Judgement(verdict="contradicts", items=items)


def _recruiting_otherwise(theirs: _Sites, mine: _Sites, record: Record) -> list[tuple[Location, str]]:
    """The places of a listing that have another status there than the registry gives these sites, and the registry's.

    What the page does not state, or the registry of one of them does not, is not compared; nor is the status of the whole trial.
    """
    found: list[tuple[Location, str]] = []
    for place, keyed in mine.every:
        if place.status is not None and place.status != record.overall_status:
            statuses = _statuses(keyed, theirs)
            if statuses and place.status not in statuses and not statuses & {None, _UNKNOWN}:
                found.append((place, ", ".join(sorted(status for status in statuses if status))))
    return found


def _statuses(place: _Place, theirs: _Sites) -> set[str | None]:
    """What the registry says of the sites that this place may be: of those of its very name, if there are any."""
    at = [site for site in theirs.that_may_be(place) if _at(place, site)]
    exactly = {site for site in at if site.shown(place.detail) == place.shown(place.detail)}
    return {status for site in exactly or set(at) for status in theirs.statuses[site]}


def _unlike(theirs: _Sites, mine: _Sites) -> tuple[list[tuple[Location, _Place]], list[tuple[Location, _Place]]]:
    """The places of the listing that the registry does not have letter for letter in their detail, and the sites not so shown."""
    listed = {detail: theirs.shown(detail) for detail in {place.detail for _, place in mine.every}}
    shown = {detail: {place.shown(detail) for _, place in mine.every if place.detail == detail} for detail in listed}
    extra = [entry for entry in mine.every if entry[1].shown(entry[1].detail) not in listed[entry[1].detail]]
    missing = [entry for entry in theirs.every if not any(entry[1].shown(detail) in shown[detail] for detail in listed)]
    return extra, missing


def _apart(theirs: _Sites, mine: _Sites) -> tuple[list[Location], list[Location]]:
    """What is left of these when names that are only spelled or shortened otherwise are the same; each once in the listing's detail."""
    extra, missing = _unlike(theirs, mine)
    details = [set(place.detail) for _, place in mine.every]
    common = tuple(part for part in _PARTS if details and all(part in detail for detail in details))
    once = {keyed.shown(common): (site, keyed) for site, keyed in missing}
    return (
        [place for place, keyed in extra if not _is_among(keyed, theirs)],
        [site for site, keyed in once.values() if not any(_at(place, keyed) for place in mine.that_may_show(keyed))],
    )


def _is_among(place: _Place, sites: _Sites) -> bool:
    return any(_at(place, site) for site in sites.that_may_be(place))


def _at(place: _Place, site: _Place) -> bool:
    """Is this place of a listing that site, or the town or country of it? Names of facilities are shortened, and have their town added."""
    for part in place.detail:
        if getattr(place, part) == getattr(site, part):
            continue
        if part == "city" and (place.city in _beginnings(site.city) or site.city in _beginnings(place.city)):
            continue
        if part != "facility" or not _alike(place.named, site.named):
            return False
        if place.is_loose and not holds(site.named, place.named) and not set(place.named) <= {*site.named, *site.city.split(), *site.state}:
            return False
    return True


def _alike(first: Words, second: Words) -> bool:
    return holds(first, second) or holds(second, first) or likeness(first, second) >= SAME_ITEM_ACROSS
