"""What each trial is found by: a card beside the newest version of its record, so that a search of many trials unpacks none."""

from __future__ import annotations

import json
import re
import sqlite3
import unicodedata
from collections.abc import Callable, Iterable

from db.connection import History
from registry_sync.notices.clean import one_line
from registry_sync.trials.countries import country_key
from registry_sync.trials.record import Record
from registry_sync.trials.text import caseless

_LONGEST = 8_000
"""Characters of what words are looked for in."""
_MOST = 400
"""Conditions, and countries, of one trial."""
_LONGEST_NAME = 200
_ALIASES = re.compile(rb'"nctIdAliases"\s*:\s*\[([^\]]{0,4000})\]')
_LETTERS = str.maketrans({"ø": "o", "æ": "ae", "đ": "d", "ł": "l", "œ": "oe"})


def folded(text: str) -> str:
    """A text as it is searched: without case and accents, whatever its dashes and quotes ("Sjögren’s" is found by "sjogren's")."""
    if text.isascii():
        return caseless(text)
    bare = "".join(char for char in unicodedata.normalize("NFD", caseless(text)) if not unicodedata.combining(char))
    return bare.translate(_LETTERS)


def name_of(text: str) -> str:
    """The name of a condition or a country as it is kept and looked for: clean, and not endless."""
    return one_line(text[: 2 * _LONGEST_NAME])[:_LONGEST_NAME].strip()


def put(connection: sqlite3.Connection, version_id: int, record: Record, payload: bytes) -> None:
    """Keep the card of a registry's version in the place of the one before it, inside the caller's transaction.

    ``payload``: what the registry sent, which names ids that it showed the record under before, and the record does not.
    """
    connection.execute(
        """DELETE FROM card WHERE version_id IN (
               SELECT other.id FROM version JOIN version AS other ON other.trial = version.trial AND other.source = version.source
               WHERE version.id = ?)""",
        (version_id,),
    )
    connection.execute(
        "INSERT INTO card (version_id, words, conditions, condition_keys, countries, country_keys) VALUES (?, ?, ?, ?, ?, ?)",
        (version_id, *_values(record, _aliases(payload))),
    )


def fits(history: History, version_id: int, record: Record) -> bool | None:
    """Is the card of a version the one that is made of its record, and of what was sent? ``None``: it has none. Raises Damaged."""
    row = history.connection.execute(
        "SELECT words, conditions, condition_keys, countries, country_keys FROM card WHERE version_id = ?", (version_id,)
    ).fetchone()
    if row is None:
        return None
    from db import history as versions

    return tuple(row) == _values(record, _aliases(versions.payload(history, version_id)))


def naming(history: History, alias: str) -> str | None:
    """The watched trial whose newest record the registry showed under this id before; ``None``: there is none. Raises Damaged.

    For ids under which nothing was ever seen here: each card is looked at.
    """
    from db import history as versions

    rows = history.rows(
        """SELECT version.id, version.trial FROM card JOIN version ON version.id = card.version_id JOIN watch ON watch.trial = version.trial
           WHERE instr(card.words, ?) ORDER BY version.trial""",
        (folded(alias),),
    )
    return next((row["trial"] for row in rows if alias in _aliases(versions.payload(history, row["id"]))), None)


def make_all(history: History) -> None:
    """Make the cards of all newest versions of the registry's, inside the caller's transaction. One that is damaged gets none."""
    from db import history as versions
    from registry_sync.errors import Damaged
    from registry_sync.trials.record import from_json

    for row in history.rows("SELECT id, max(number) FROM version WHERE source = 'ctgov' GROUP BY trial"):
        try:
            record = from_json(versions.record_json(history, row["id"]))
        except (Damaged, ValueError):
            continue
        try:
            payload = versions.payload(history, row["id"])
        except Damaged:
            payload = b""
        put(history.connection, row["id"], record, payload)


def _aliases(payload: bytes) -> list[str]:
    found = _ALIASES.search(payload)
    return re.findall(r"NCT\d{8}", found[1].decode("ascii", "ignore"), re.ASCII) if found else []


def _values(record: Record, former: list[str]) -> tuple[str, ...]:
    conditions = _names(record.conditions or ())
    countries = _names(site.country for site in record.locations or () if site.country)
    texts = (
        record.trial, *former, record.brief_title, record.official_title, record.acronym, *conditions, *(record.keywords or ()),
        *(each.name for each in record.interventions or ()), record.lead_sponsor, *(record.secondary_ids or ()), record.brief_summary,
    )  # fmt: skip
    words = folded(" ".join(text[:_LONGEST] for text in texts if text)[:_LONGEST])
    return words, _listed(conditions), _keys(conditions, folded), _listed(countries), _keys(countries, country_key)


def _names(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(filter(None, map(name_of, names))))[:_MOST]


def _listed(names: list[str]) -> str:
    return json.dumps(names, ensure_ascii=False)


def _keys(names: list[str], key: Callable[[str], str]) -> str:
    """Each on a line of its own, with a line end before the first one: one of them is looked for with both its ends, or in part."""
    return "".join(f"\n{key(name)}" for name in names) + "\n"
