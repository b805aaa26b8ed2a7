"""The watched trials that a program looks for: by words, condition, country and status; all that is asked must hold."""

from __future__ import annotations

import unicodedata
from typing import Any, NamedTuple

from db import history as versions
from db import public
from db.connection import History
from registry_sync.errors import Damaged
from registry_sync.trials.countries import country_key
from registry_sync.trials.record import from_json
from registry_sync.trials.text import caseless


class Wanted(NamedTuple):
    """What is looked for; ``None`` is anything. ``status``: the registry's token."""

    words: str | None = None
    condition: str | None = None
    country: str | None = None
    status: str | None = None


class _Facts(NamedTuple):
    conditions: str
    countries: frozenset[str]


_known: dict[int, _Facts] = {}
"""By version: what a record says that does not stand unpacked beside it. A version never changes."""


def find(history: History, wanted: Wanted) -> list[dict[str, Any]]:
    """The trials as ``db.public.trials`` has them, in its order."""
    return [row for row in public.trials(history) if _fits(history, row, wanted)]


def _fits(history: History, row: dict[str, Any], wanted: Wanted) -> bool:
    headline = row["headline"]
    if wanted.status and headline.get("overall_status") != wanted.status.upper():
        return False
    if not (wanted.words or wanted.condition or wanted.country):
        return True
    facts = _facts(history, row["version_id"])
    if wanted.country and country_key(wanted.country) not in facts.countries:
        return False
    if not all(word in facts.conditions for word in _folded(wanted.condition or "").split()):
        return False
    text = f"{row['trial'].lower()} {_folded(headline.get('brief_title') or '')} {facts.conditions}"
    return all(word in text for word in _folded(wanted.words or "").split())


def _facts(history: History, version: int | None) -> _Facts:
    if version is None:
        return _Facts("", frozenset())
    found = _known.get(version)
    if found is None:
        try:
            record = from_json(versions.record_json(history, version))
        except Damaged:
            return _Facts("", frozenset())
        countries = frozenset(country_key(site.country) for site in record.locations or () if site.country)
        found = _known[version] = _Facts(_folded("\n".join(record.conditions or ())), countries)
    return found


def _folded(text: str) -> str:
    """Without case and accents."""
    return "".join(char for char in unicodedata.normalize("NFD", caseless(text)) if not unicodedata.combining(char))
