"""The sites of a listing beside the registry's, in the detail that the listing gives: a country, a town, or the facility too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from registry_sync.trials.align import SAME_ITEM_ACROSS, likeness
from registry_sync.trials.audit_text import Words, holds, name, read
from registry_sync.trials.countries import country_key
from registry_sync.trials.listing import Listing
from registry_sync.trials.record import Location, Record, plain
from registry_sync.trials.verdicts import Difference, Judgement, Past, earlier, fell_behind

_Parts = tuple[str, ...]
_PARTS: _Parts = ("facility", "city", "state", "country")
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


def same(record: Record, listing: Listing) -> bool:
    """Does the listing show the sites of this version, all of them and no other, whatever their order and number?"""
    theirs, mine = record.locations or (), listing.record.locations or ()
    details = {_detail(place) for place in mine}
    shown = {detail: {_projected(place, detail) for place in mine if _detail(place) == detail} for detail in details}
    listed = {detail: {_projected(site, detail) for site in theirs} for detail in details}
    if not mine or not all(shown[detail] <= listed[detail] for detail in details):
        return False
    return all(any(_projected(site, detail) in shown[detail] for detail in details) for site in theirs)


def differences(record: Record, listing: Listing) -> tuple[Difference, ...]:
    """The places that no site of this version is at, and the sites at none of the listing's places."""
    theirs, mine = record.locations or (), listing.record.locations or ()
    extra = [Difference(what="extra", listing=plain(place)) for place in mine if not any(_at(place, site) for site in theirs)]
    detail = _common(mine)
    missing = {_projected(site, detail): site for site in theirs if not any(_at(place, site) for place in mine)}
    return (*extra, *(Difference(what="missing", registry=plain(_bare(site))) for site in missing.values()))


def otherwise(listing: Listing, past: Sequence[Past]) -> Judgement:
    """The verdict on sites that no version had just so. Another facility in a town of the registry may be its own by another name."""
    theirs, mine = past[-1].record.locations or (), listing.record.locations or ()
    items = differences(past[-1].record, listing)
    strange = [place for place in mine if not any(_at(place, site) for site in theirs)]
    if not strange:
        return Judgement(verdict="incomparable", reason="shows some of the sites", items=items) if items else Judgement(verdict="agrees")
    last: dict[Location, int] = {}
    ever = list(theirs)
    for at, record in earlier(past, lambda record: record.locations):
        sites = record.locations or ()
        last.update({place: at for place in strange if place not in last and any(_at(place, site) for site in sites)})
        ever += sites
    if len(last) == len(set(strange)):
        return Judgement(verdict="outdated", since=fell_behind(past, min(last.values())), items=items)
    never = [place for place in strange if place not in last]
    if all(place.facility and any(_at(_without_facility(place), site) for site in ever) for place in never):
        return Judgement(verdict="incomparable", reason="names the sites otherwise", items=items)
    return Judgement(verdict="contradicts", items=items)


def _detail(place: Location) -> _Parts:
    """The parts that a listing's place states; the state counts where there is no town."""
    stated = tuple(part for part in _PARTS if getattr(place, part))
    return tuple(part for part in stated if part != "state") if "city" in stated else stated


def _common(places: Iterable[Location]) -> _Parts:
    details = [set(_detail(place)) for place in places]
    return tuple(part for part in _PARTS if details and all(part in detail for detail in details))


def _projected(site: Location, detail: _Parts) -> tuple[Words | str, ...]:
    return tuple(_part(site, part) for part in detail)


def _part(site: Location, part: str) -> Words | str:
    text = getattr(site, part) or ""
    if part == "country":
        return country_key(text)
    return (_town(text),) if part == "city" else read(text)


def _town(text: str) -> str:
    spelt = " ".join("saint" if word in ("st", "ste") else word for word in read(text))
    return _TOWNS.get(spelt, spelt)


def _at(place: Location, site: Location) -> bool:
    """Is this place of a listing that site, or the town or country of it? Names of facilities are shortened, and have their town added."""
    for part in _detail(place):
        mine, theirs = _part(place, part), _part(site, part)
        if mine == theirs:
            continue
        if part != "facility" and not (part == "city" and _same_town(place, site)):
            return False
        if part == "facility" and not _alike(place.facility or "", site.facility or ""):
            return False
    return True


def _same_town(place: Location, site: Location) -> bool:
    """Frankfurt, Frankfurt am Main; Copenhagen, Copenhagen O."""
    short, long = sorted((_town(place.city or ""), _town(site.city or "")), key=len)
    return bool(short) and long.startswith(short + " ")


def _alike(mine: str, theirs: str) -> bool:
    first, second = name(mine), name(theirs)
    return holds(first, second) or holds(second, first) or likeness(first, second) >= SAME_ITEM_ACROSS


def _without_facility(place: Location) -> Location:
    return Location(city=place.city, state=place.state, country=place.country)


def _bare(site: Location) -> Location:
    return Location(facility=site.facility, city=site.city, state=site.state, zip=site.zip, country=site.country)
