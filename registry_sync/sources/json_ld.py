"""JSON-LD in a page (``application/ld+json``) -> what it says of one trial: schema.org's MedicalTrial and its kin.

No reader sees it, and it may be older than the page: it only fills what the visible text leaves open.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from registry_sync.sources import finder_values as read
from registry_sync.sources import registers
from registry_sync.sources.finder_titles import titles_agree
from registry_sync.sources.folding import fold
from registry_sync.sources.labels import Words
from registry_sync.trials.record import Dated, Location

_TYPES = frozenset(("medicaltrial", "medicalstudy", "medicalobservationalstudy", "clinicaltrial"))
_OPENS = re.compile(r"<script\b[^<>]{0,500}application/ld\+json[^<>]{0,500}>", re.IGNORECASE)
_CLOSES = re.compile(r"</script", re.IGNORECASE)
_WRAPPING = re.compile(r"^\s*(?:<!--|//\s*<!\[CDATA\[|<!\[CDATA\[)|(?:-->|//\s*\]\]>|\]\]>)\s*$")
_TAG = re.compile(r"<[^<>]{1,200}>")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_RESULTS = frozenset(("results available", "results not available", "event scheduled", "event moved online", "event rescheduled"))
_MOST_SCRIPTS = 40
_MOST_LETTERS = 1_000_000
_MOST_NODES = 20_000
_MOST_LETTERS_OF_A_VALUE = 1_000
_KEYS_OF_AN_ID = ("value", "@id", "url", "name", "identifier", "codeValue")
_OF_A_STUDY = ("identifier", "@id", "url", "sameAs", "name", "alternateName", "headline", "mainEntityOfPage", "code")


class _Twice:
    """The value of a key that stands twice and says two things."""


class Study(msgspec.Struct, frozen=True):
    """What JSON-LD says of one study: ``ids`` as text in which they stand, ``values`` by field of the record."""

    trials: frozenset[str]
    ids: str
    names: tuple[str, ...]
    statuses: tuple[str, ...] = ()
    values: dict[str, Any] = {}


def studies(markup: str, words: Words) -> tuple[Study, ...]:
    """Every study that the page's JSON-LD describes; what is broken or too large is left out. Never raises."""
    if "ld+json" not in markup:
        return ()
    found: list[Study] = []
    for text in _scripts(markup):
        found += [_study(node, words) for node in _nodes(_parsed(text)) if _is_study(node)]
    return tuple(found)


def study_of(found: Sequence[Study], trials: frozenset[str], title: str | None) -> Study | None:
    """The one that is this trial's: by an NCT id of its own, or the only one, without any, if its name is the page's title."""
    by_id = [one for one in found if one.trials and one.trials <= trials]
    if by_id:
        return by_id[0] if len(by_id) == 1 else _together(by_id)
    if len(found) != 1 or found[0].trials:
        return None
    named = found[0].names
    agrees = title is not None and any(titles_agree(name, title) or fold(name) == fold(title) for name in named)
    return found[0] if agrees or not named else None


def _together(same: Sequence[Study]) -> Study:
    """Several descriptions of one study: what they agree on, or only one of them says."""
    values: dict[str, Any] = {}
    for name in {name for one in same for name in one.values}:
        said = [one.values[name] for one in same if name in one.values]
        if all(value == said[0] for value in said):
            values[name] = said[0]
    statuses = {one.statuses for one in same if one.statuses}
    return Study(same[0].trials, " ".join(one.ids for one in same), same[0].names, statuses.pop() if len(statuses) == 1 else (), values)


def _scripts(markup: str) -> Iterator[str]:
    at = 0
    for _ in range(_MOST_SCRIPTS):
        opened = _OPENS.search(markup, at)
        closed = _CLOSES.search(markup, opened.end()) if opened else None
        if opened is None or closed is None:
            return
        at = closed.end()
        if closed.start() - opened.end() <= _MOST_LETTERS:
            yield _WRAPPING.sub("", markup[opened.end() : closed.start()])


def _parsed(text: str) -> Any:
    for spelt in (text, html.unescape(text) if "&quot;" in text or "&#34;" in text else None):
        if spelt is not None:
            try:
                return json.loads(spelt, object_pairs_hook=_object, strict=False)
            except (ValueError, RecursionError, MemoryError):
                continue
    return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; a key that stands twice and says two things says nothing."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        found[key] = _Twice() if key in found and found[key] != value else value
    return found


def _nodes(root: Any) -> Iterator[dict[str, Any]]:
    """Every object, in the order of the text; without recursion."""
    waiting, seen = [root], 0
    while waiting and seen < _MOST_NODES:
        node, seen = waiting.pop(), seen + 1
        if isinstance(node, dict):
            yield node
            waiting += reversed(node.values())
        elif isinstance(node, list):
            waiting += reversed(node)


def _is_study(node: dict[str, Any]) -> bool:
    kinds = node.get("@type")
    return any(_last_name(kind) in _TYPES for kind in (kinds if isinstance(kinds, list) else [kinds]) if isinstance(kind, str))


def _last_name(name: str) -> str:
    """ "https://schema.org/Recruiting", "schema:Recruiting" -> "recruiting"."""
    return re.split(r"[/#:]", name.strip().rstrip("/"))[-1].casefold()


def _study(node: dict[str, Any], words: Words) -> Study:
    shown = " ".join(text for key in _OF_A_STUDY for text in _texts(node.get(key), _KEYS_OF_AN_ID))
    names = tuple(text for key in ("name", "headline") for text in _texts(node.get(key)))
    statuses = _statuses(node, words)
    return Study(
        trials=frozenset(found.upper() for found in registers.TRIAL_ID.findall(shown)),
        ids=shown,
        names=names,
        statuses=statuses,
        values={name: value for name, value in _values(node, names).items() if value is not None},
    )


def _statuses(node: dict[str, Any], words: Words) -> tuple[str, ...]:
    """The tokens that the status covers; of several that differ none."""
    said: set[tuple[str, ...]] = set()
    for key in ("status", "recruitmentStatus", "overallStatus", "eventStatus"):
        for text in _texts(node.get(key), ("name", "@id", "value")):
            spelt = _CAMEL.sub(" ", re.split(r"[/#]", text.rstrip("/"))[-1].removeprefix("schema:")).replace("_", " ").strip()
            if spelt.casefold() not in _RESULTS and (covered := words.status(spelt)):
                said.add(covered)
    return said.pop() if len(said) == 1 else ()


def _values(node: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    sponsors = tuple(dict.fromkeys(_texts(node.get("sponsor"), ("name", "legalName"))))
    conditions = tuple(dict.fromkeys(_texts(node.get("healthCondition"), ("name",)))) or tuple(
        dict.fromkeys(_texts(node.get("studySubject"), ("name",)))
    )
    people = node.get("audience") if isinstance(node.get("audience"), dict) else node.get("population")
    people = people if isinstance(people, dict) else {}
    return {
        "brief_title": names[0] if len(set(names)) == 1 else None,
        "lead_sponsor": sponsors[0] if len(sponsors) == 1 else None,
        "conditions": conditions if conditions and not (len(conditions) == 1 and "," in conditions[0]) else None,
        "phases": _one(node, ("phase", "trialPhase"), read.phases),
        "start_date": _dated(node, "startDate"),
        "completion_date": _dated(node, "endDate"),
        "sex": _one(people, ("requiredGender", "suggestedGender"), read.sex) or _one(node, ("gender", "sex"), read.sex),
        "minimum_age": _age(people.get("requiredMinAge", people.get("suggestedMinAge"))) or _one(node, ("minimumAge",), read.one_age),
        "maximum_age": _age(people.get("requiredMaxAge", people.get("suggestedMaxAge"))) or _one(node, ("maximumAge",), read.one_age),
        "locations": _locations(node),
    }


def _one(node: dict[str, Any], keys: tuple[str, ...], reader: Any) -> Any:
    said = {value for key in keys for text in _texts(node.get(key), ("name", "value")) if (value := reader(text)) is not None}
    return said.pop() if len(said) == 1 else None


def _age(value: Any) -> str | None:
    """Years, as schema.org counts ages."""
    text = str(int(value)) if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 130 else value
    return read.one_age(text) if isinstance(text, str) else None


def _dated(node: dict[str, Any], key: str) -> Dated | None:
    day = _one(node, (key,), read.calendar_date)
    return Dated(day, None) if day else None


def _locations(node: dict[str, Any]) -> tuple[Location, ...] | None:
    said = node.get("studyLocation", node.get("location"))
    sites: list[Location] = []
    for place in said if isinstance(said, list) else [said]:
        if isinstance(place, str):
            sites += [site for text in _texts(place) if (site := read.location(text)) is not None]
        elif isinstance(place, dict):
            address = place.get("address", place)
            site = _site(place, address) if isinstance(address, dict) else read.location(str(address))
            sites += [site] if site else []
    return tuple(dict.fromkeys(sites)) or None


def _site(place: dict[str, Any], address: dict[str, Any]) -> Location | None:
    def part(name: str) -> str | None:
        return next(iter(_texts(address.get(name), ("name",))), None)

    city, country = part("addressLocality"), part("addressCountry")
    if not city or not country:
        return None
    facility = next(iter(_texts(place.get("name"))), None) if address is not place else None
    return Location(facility=facility, city=city, state=part("addressRegion"), zip=part("postalCode"), country=country)


def _texts(value: Any, keys: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The texts of a value, of a list's items, or of objects by these keys: entities and tags undone."""
    found: list[str] = []
    for one in value if isinstance(value, list) else [value]:
        inner = [one.get(key) for key in keys] if isinstance(one, dict) else [one]
        for text in inner:
            if isinstance(text, dict | list):
                found += [said for key in keys for said in _strings(text, key)]
            elif isinstance(text, str) and len(text) <= _MOST_LETTERS_OF_A_VALUE:
                found.append(fold(html.unescape(_TAG.sub(" ", html.unescape(text)))))
    return tuple(text for text in found if text)


def _strings(value: Any, key: str) -> Iterator[str]:
    """The texts one step further in."""
    for one in value if isinstance(value, list) else [value]:
        text = one.get(key) if isinstance(one, dict) else one
        if isinstance(text, str) and len(text) <= _MOST_LETTERS_OF_A_VALUE:
            yield fold(html.unescape(text))
