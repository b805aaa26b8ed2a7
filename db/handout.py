"""A SQLite file for others to ask: plain tables of what an export holds, with nothing packed, and views for what is asked most.

Its tables are described in docs/export.md. It is no history file: this program does not read it back.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from db.connection import clear_errors
from registry_sync.trials.record import FIELDS

if TYPE_CHECKING:
    import sqlite_utils

_AT_ONCE = 500
_FLAT = {"enrollment": ("count", "type"), "responsible_party": ("type", "name"), "expanded_access": ("trial", "status")}
"""The fields that are one value of several parts."""
_NAMED = ("conditions", "keywords", "collaborators", "secondary_ids")
_OUTCOMES = {"primary_outcomes": "primary", "secondary_outcomes": "secondary", "other_outcomes": "other"}
_ITEMS: dict[str, tuple[str, ...]] = {
    "criteria": ("group", "section", "depth", "kind", "text"),
    "overall_officials": ("name", "role", "affiliation"),
    "arms": ("label", "type", "description"),
    "interventions": ("type", "name", "description"),
    "documents": ("type", "date", "label"),
    "publications": ("pmid", "citation", "type"),
    "results_unposted": ("type", "date"),
}
_SITE = ("facility", "city", "state", "zip", "country", "status")
_PERSON = ("name", "role", "phone", "email")


def _scalars() -> list[str]:
    """The columns of ``trials`` that stand for fields with one value."""
    names: list[str] = []
    for field in FIELDS:
        if field.kind == "dated":
            names += [field.name, f"{field.name}_type"]
        elif field.name in _FLAT:
            names += [_part_name(field.name, part) for part in _FLAT[field.name]]
        elif not field.is_list:
            names.append(field.name)
    return names


def _part_name(field: str, part: str) -> str:
    return field if part == "count" else f"{field}_{part}"


SCALARS = _scalars()
_HEAD = ("trial", "source", "registry_date", "seen_at", "absent_since", "absence")
_NUMBERS = {"depth", "position", "number", "registry_version", "id", "days", "enrollment", "found", "location_id"}
_FLAGS = {"has_results", "healthy_volunteers", "backfilled", "typed", "hold", "query_is_watched"}

_TABLES: dict[str, tuple[str, ...]] = {
    "about": ("key", "value"),
    "trials": (*_HEAD, *SCALARS),
    **dict.fromkeys(_NAMED, ("trial", "position", "name")),
    **{name: ("trial", "position", *parts) for name, parts in _ITEMS.items()},
    "outcomes": ("trial", "kind", "position", "measure", "time_frame", "description"),
    "locations": ("id", "trial", "position", *_SITE),
    "contacts": ("trial", "location_id", "position", *_PERSON),
    "versions": ("trial", "source", "number", "registry_date", "seen_at", "overall_status", "backfilled", "registry_version"),
    "changes": (
        "id", "trial", "source", "field", "topic", "operation", "before", "after", "group", "significance", "reader_significance",
        "summary", "registry_date", "seen_at", "detail", "backfilled",
    ),
    "listings": (
        "trial", "page", "field", "registry", "listing", "verdict", "since", "days", "reason", "items", "standing", "read_at",
    ),
}  # fmt: skip
_PRIVATE: dict[str, tuple[str, ...]] = {
    "watches": ("trial", "added_at", "typed", "pages", "found_by"),
    "searches": ("query", "found", "added_at", "looked_at"),
    "subscriptions": (
        "id", "address", "channel", "role", "trials", "query", "query_is_watched", "topics", "countries", "least", "every", "timezone",
        "language", "state", "hold", "created_at", "asked_at", "confirmed_at", "consent_by", "consent_wording", "stopped_at", "stopped_why",
    ),
}  # fmt: skip
_KEYS = {"about": "key", "trials": "trial", "locations": "id", "changes": "id", "watches": "trial", "subscriptions": "id"}
_OF_KIND = {
    "version": "versions",
    "change": "changes",
    "listing": "listings",
    "watch": "watches",
    "search": "searches",
    "subscription": "subscriptions",
}
_AS_JSON = {"changes": ("before", "after")}
"""What is JSON whatever it is, so that ``json_extract`` can be used on all of a column."""

_VIEWS = {
    "recruiting_sites": """SELECT locations.trial, trials.brief_title, facility, city, state, country, locations.status
        FROM locations JOIN trials ON trials.trial = locations.trial
        WHERE coalesce(locations.status, trials.overall_status) = 'RECRUITING' AND trials.overall_status = 'RECRUITING'
        AND trials.absence IS NOT 'absent'""",
    "status_history": """SELECT trial, number, registry_date, seen_at, overall_status FROM versions
        WHERE source = 'ctgov' ORDER BY trial, number""",
    "news": """SELECT id, trial, summary, significance, registry_date, seen_at FROM changes
        WHERE NOT backfilled AND significance != 'housekeeping' ORDER BY id DESC""",
    "wrong_listings": "SELECT * FROM listings WHERE verdict IN ('outdated', 'contradicts') ORDER BY trial, page",
}


def write(path: Path, objects: Iterable[Mapping[str, Any]]) -> None:
    """Make the file at ``path``, which is there and empty, of the objects of an export (see ``jobs.exporting``)."""
    import sqlite_utils

    with clear_errors(path), contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")  # whoever is interrupted here leaves nothing under the file's own name
        connection.execute("PRAGMA synchronous = OFF")
        db = sqlite_utils.Database(connection, execute_plugins=False)
        connection.execute("BEGIN")
        desk = _Desk(db)
        for each in objects:
            desk.take(dict(each))
        desk.put_all()
        for table, columns in desk.tables.items():
            if "trial" in columns and _KEYS.get(table) != "trial":
                db.table(table).create_index(["trial"])
        for name, question in _VIEWS.items():
            db.create_view(name, question)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = DELETE")


class _Desk:
    """Takes objects, and puts their rows into the tables, some hundred at once."""

    def __init__(self, db: sqlite_utils.Database) -> None:
        self._db = db
        self._waiting: dict[str, list[dict[str, Any]]] = {}
        self._locations = 0
        self.tables: dict[str, tuple[str, ...]] = {}

    def take(self, values: dict[str, Any]) -> None:
        """One object."""
        kind = values.pop("kind")
        if kind == "export":
            self._make(_TABLES if values["public"] else {**_TABLES, **_PRIVATE})
            for key, value in values.items():
                self._put("about", {"key": key, "value": value})
        elif kind == "trial":
            self._trial(values)
        elif kind in _OF_KIND:
            self._put(_OF_KIND[kind], values)

    def put_all(self) -> None:
        """Everything that waits."""
        for table in list(self._waiting):
            self._flush(table)

    def _make(self, tables: Mapping[str, tuple[str, ...]]) -> None:
        self.tables = dict(tables)
        for name, columns in tables.items():
            types: dict[str, Any] = {column: int if column in _NUMBERS | _FLAGS else str for column in columns}
            self._db.table(name).create(types, pk=_KEYS.get(name))

    def _trial(self, values: dict[str, Any]) -> None:
        trial = values["trial"]
        self._put("trials", {**{name: values.get(name) for name in _HEAD}, **_flat(values)})
        for table in _NAMED:
            for position, name in enumerate(values.get(table) or (), 1):
                self._put(table, {"trial": trial, "position": position, "name": name})
        for table, parts in _ITEMS.items():
            for position, item in enumerate(values.get(table) or (), 1):
                self._put(table, {"trial": trial, "position": position, **{part: item.get(part) for part in parts}})
        for field, kind in _OUTCOMES.items():
            for position, item in enumerate(values.get(field) or (), 1):
                self._put("outcomes", {"trial": trial, "kind": kind, "position": position, **item})
        self._contacts(trial, None, values.get("central_contacts") or ())
        for position, site in enumerate(values.get("locations") or (), 1):
            self._locations += 1
            place = {part: site.get(part) for part in _SITE}
            self._put("locations", {"id": self._locations, "trial": trial, "position": position, **place})
            self._contacts(trial, self._locations, site.get("contacts") or ())

    def _contacts(self, trial: str, location: int | None, contacts: Iterable[Mapping[str, Any]]) -> None:
        for position, person in enumerate(contacts, 1):
            said = {part: person.get(part) for part in _PERSON}
            self._put("contacts", {"trial": trial, "location_id": location, "position": position, **said})

    def _put(self, table: str, values: Mapping[str, Any]) -> None:
        as_json = _AS_JSON.get(table, ())
        row = {name: _cell(values.get(name), always=name in as_json) for name in self.tables[table]}
        waiting = self._waiting.setdefault(table, [])
        waiting.append(row)
        if len(waiting) >= _AT_ONCE:
            self._flush(table)

    def _flush(self, table: str) -> None:
        columns = self.tables[table]
        names, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" for _ in columns)
        rows = [tuple(row[name] for name in columns) for row in self._waiting.pop(table)]
        self._db.conn.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', rows)  # noqa: S608 - the names are ours


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for field in FIELDS:
        value = values.get(field.name)
        if field.kind == "dated":
            flat |= {field.name: (value or {}).get("date"), f"{field.name}_type": (value or {}).get("type")}
        elif field.name in _FLAT:
            flat |= {_part_name(field.name, part): (value or {}).get(part) for part in _FLAT[field.name]}
        elif field.kind == "tokens":
            flat[field.name] = None if value is None else ", ".join(value)
        elif not field.is_list:
            flat[field.name] = value
    return flat


def _cell(value: Any, *, always: bool) -> Any:
    if value is None or (not always and isinstance(value, str | int)):
        return value
    return json.dumps(value, ensure_ascii=False)
