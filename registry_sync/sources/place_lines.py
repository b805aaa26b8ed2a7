"""One line of a list of sites -> the place, the country or the state that it names, and the status at its end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from msgspec.structs import replace

from registry_sync.sources import finder_values as read
from registry_sync.sources.folding import fold
from registry_sync.sources.labels import Words
from registry_sync.sources.vocabulary import common
from registry_sync.trials.record import Location

_COUNT_BEHIND = re.compile(
    r"(?P<name>.*?\w[.)]?)\s*(?:[(\[]\s*\d{1,5}(?:\s\w+){0,2}\s*[)\]]"
    r"|[-\u2013\u2014:|\u00b7]?\s*\d{1,5}(?:\s+(?:sites?|locations?|cent(?:er|re)s?|facilit(?:y|ies)))?)"
)
_STATUS_BEHIND = re.compile(
    r"(?P<place>.*\w.*?)\s*(?:[(\[]\s*(?P<inside>[^()\[\]]{3,60})[)\]]|\s[-\u2013\u2014]\s+(?P<dash>[^\u2013\u2014]{3,60})"
    r"|[|\u00b7\u2022;]\s*(?P<bar>[^|]{3,60})|:\s+(?P<colon>[^:]{3,60}))"
)
_STATUS_BEFORE = re.compile(
    r"(?:[(\[](?P<inside>[^()\[\]]{3,60})[)\]]\s*|(?P<bare>[^|:\u2013\u2014]{3,60}?)\s*(?:[|:\u00b7\u2022]|\s[-\u2013\u2014])\s*)(?P<place>\S.*)"
)
_DEGREES = frozenset(("MD", "PA", "MA", "MS", "ND", "DC", "NP"))
"""Signs of states that stand behind the names of people, too: alone they tell no place."""
_TITLES = frozenset(
    ("md", "phd", "dr", "prof", "professor", "rn", "msc", "bsc", "mph", "mbbs", "mba", "facp", "do", "crc", "pharmd", "jr", "sr")
)
_SIGNS_BETWEEN = re.compile(r"\s*[|\u00b7()]\s*|\s+[-\u2013\u2014]\s+")
_SPELLINGS = {"United States": ("united states of america", "usa", "us", "u.s.", "u.s.a.")}
_MOST_WORDS_OF_A_TOWN = 5
_CODE = r"(?P<code>\d{5}(?:-\d{4})?|[A-Z]\d[A-Z]\s?\d[A-Z]\d)"
_CODE_AT_END = re.compile(rf"(?P<place>.*[^\s,])\s+{_CODE}")
_STATE_AT_END = re.compile(rf"(?:(?P<before>.*\S)\s*,\s*)?(?P<state>[A-Za-z][A-Za-z .]+?)(?:,?\s+{_CODE})?(?P<country>)")
_PROVINCE_AT_END = re.compile(rf"(?P<before>.*\S)\s*,\s*(?P<state>[A-Z]{{2}})(?:,?\s+{_CODE})?,\s*(?P<country>CA)")


def place_of(text: str, *, country: str | None = None, state: str | None = None, is_town: bool = False) -> Location | None:
    """A place as it is written on one line, in the country below whose name it stands.

    There a line of one part is a town only where that is sure (``is_town``).
    """
    text = text.strip(" ,;")
    if not any(letter.isalpha() for letter in text):
        return None
    for end in _ends(text):
        site = _whole(end, country)
        if site is not None:
            return _of_town(site) if is_town else site
    if country is None:
        first, *others = (part.strip() for part in _SIGNS_BETWEEN.sub(",", text.replace(":", ",")).split(","))
        is_first = others and read.is_country(first) and any(others)
        return Location(facility=", ".join(filter(None, others)), country=first) if is_first else None
    last = text.rpartition(",")[2]
    if is_town and "," not in text and not state_behind(text):
        return Location(city=text, state=state, country=country)
    site = read.location(", ".join(part for part in (text, state, country) if part))
    site = site and _expanded(site)
    if is_town and site is not None:
        return _of_town(site)
    is_sure = _may_be_town(last) if "," in text else state_behind(text) is not None
    return site if is_sure and site is not None else Location(facility=text, state=state, country=country)


def with_facility(site: Location, name: str) -> Location:
    """A place with the facility that stands beside it; what else its line says stays behind the name, since it may be the town."""
    return replace(site, facility=f"{name}, {site.facility}" if site.facility and site.city else name)


def _may_be_town(text: str) -> bool:
    words = text.split()
    if text.strip() in _DEGREES or text.replace(".", "").strip().casefold() in _TITLES:
        return False
    return 0 < len(words) <= _MOST_WORDS_OF_A_TOWN and not words[0][0].islower() and not read.is_facility(text)


def _of_town(site: Location) -> Location:
    """The same of a line that names no facility, though its town may be called like one ("State College, Pennsylvania")."""
    if site.facility is None or site.state is not None or "," in site.facility:
        return site
    return replace(site, facility=None, city=site.facility, state=site.city)


def _ends(text: str) -> Iterator[str]:
    """The line, the same with commas for the other signs between its parts, and without a remark behind it that is no status."""
    yield text
    if _SIGNS_BETWEEN.search(text) is not None:
        yield _SIGNS_BETWEEN.sub(", ", text).strip(" ,")
    if (found := _STATUS_BEHIND.fullmatch(text)) is not None:
        yield found["place"]
    if (found := _CODE_AT_END.fullmatch(text)) is not None:
        yield f"{found['place']}, {found['code']}"


def _whole(text: str, country: str | None) -> Location | None:
    """A place that names its country, or a state of one."""
    site = read.location(text)
    if site is not None and not (country and state_of(site.country or "", country)):
        return _expanded(site)
    found = state_behind(text) if country is None or country.casefold() in _states() else None
    if found is None or (country is not None and _states()[country.casefold()] is not _states()[found[1].casefold()]):
        return None
    before, home, state, code = found
    if before and "," not in before and read.is_facility(before):
        return None
    site = read.location(f"{before}, {state}, {home}") if before else Location(state=state, country=home)
    return replace(_expanded(site), zip=code or site.zip) if site is not None else None


def state_behind(text: str) -> tuple[str | None, str, str, str | None] | None:
    """What stands before the state at the end of a line, its country, the state in full, and the postal code behind it."""
    found = _PROVINCE_AT_END.fullmatch(text) or _STATE_AT_END.fullmatch(text)
    if found is None or (found["state"] in _DEGREES and not found["code"]):
        return None
    for country, states in common().states.items():
        full = states.get(found["state"]) or next((name for name in states.values() if name.casefold() == found["state"].casefold()), None)
        if full and (not found["country"] or country == "Canada") and (found["before"] or found["code"]):
            return found["before"], country, full, found["code"]
    return None


def _expanded(site: Location) -> Location:
    """A place with its state in full, and the postal code that stands behind the state as such; a state alone is no town."""
    if site.country is None or site.country.casefold() not in _states():
        return site
    states = _states()[site.country.casefold()]
    if site.state is None and site.zip is not None and (found := _STATE_AT_END.fullmatch(site.zip)) is not None:
        full = states.get(found["state"].casefold())
        site = replace(site, state=full, zip=found["code"]) if full else site
    if site.state is not None:
        found = _STATE_AT_END.fullmatch(site.state)
        if found is not None and (full := states.get(found["state"].casefold())):
            return replace(site, state=full, zip=found["code"] or site.zip)
    elif site.city is not None and site.facility is None:
        found = _STATE_AT_END.fullmatch(site.city)
        if found is not None and not found["before"] and (full := states.get(found["state"].casefold())) and full != "New York":
            return replace(site, city=None, state=full, zip=found["code"] or site.zip)
    return site


@cache
def _states() -> dict[str, dict[str, str]]:
    """By country, in its spellings in lower case: its states by sign and by name."""
    found: dict[str, dict[str, str]] = {}
    for country, states in common().states.items():
        by_name = {sign.casefold(): name for sign, name in states.items()} | {name.casefold(): name for name in states.values()}
        found |= dict.fromkeys((country.casefold(), *_SPELLINGS.get(country, ())), by_name)
    return found


def state_of(text: str, country: str) -> str | None:
    """The state of this country that a text names."""
    return _states().get(country.casefold(), {}).get(fold(text).casefold())


def country_alone(text: str) -> str | None:
    """The country of which this is the name, alone or with how many sites it has ("Denmark (3 sites)")."""
    for name in (text.strip(" :"), without_count(text)):
        if read.is_country(name):
            return fold(name)
    return None


def without_count(text: str) -> str:
    """A name without the number behind it that says how many sites there are."""
    found = _COUNT_BEHIND.fullmatch(text.strip(" :"))
    return found["name"] if found else text.strip(" :")


def without_status(text: str, words: Words) -> tuple[str, str | None]:
    """A line without the status of the site that it has at one of its ends, and that status; a status alone leaves nothing."""
    bare = text.strip("()[] -\u2013|")
    if words.bare_status(bare):
        return "", status_of_site(bare, words)
    label, colon, value = bare.partition(":")
    if colon and words.column(label) == "status":
        return "", status_of_site(value.strip(), words)
    if (found := _STATUS_BEHIND.fullmatch(text)) is not None:
        said = next(part for part in (found["inside"], found["dash"], found["bar"], found["colon"]) if part)
        if words.status(said):
            return found["place"].rstrip(" ,;|"), status_of_site(said, words)
    if (found := _STATUS_BEFORE.fullmatch(text)) is not None and words.bare_status(found["inside"] or found["bare"]):
        return found["place"], status_of_site(found["inside"] or found["bare"], words)
    return text, None


def status_of_site(text: str | None, words: Words) -> str | None:
    """The one status of the registry that this says."""
    tokens = words.status(text) if text else ()
    return tokens[0] if len(tokens) == 1 else None
