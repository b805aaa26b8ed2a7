"""What may be read by everybody: who can be asked, and how, stands in a record as it is now, and in nothing that looks back.

What the registry has taken down, or has put in another's place, is not to live on in feeds, answers and exports of this program.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import asdict, replace

from db import lookback
from db.connection import History
from db.history import Version
from db.vitals import without_secrets
from registry_sync.notices import phrases
from registry_sync.notices.address import HIDDEN
from registry_sync.notices.compose import change_json
from registry_sync.notices.i18n import translator
from registry_sync.notices.values import differing_parts
from registry_sync.notices.wording import ITEM_LINES, PART_LABELS, summary
from registry_sync.sources.interface import CTGOV
from registry_sync.trials.changes import Change, KeptChange
from registry_sync.trials.people import PLACES as OF_PEOPLE
from registry_sync.trials.record import Record, plain

NAMING = OF_PEOPLE - {"locations"}
"""The fields with people of which the words for readers name them, too: of a site's contacts none does."""
T = TypeVar("T")
_PERSONAL = ("name", "phone", "email")
_MAIL = re.compile(r"[^\s@<>()\[\],;:\"']{1,64}@[^\s@<>()\[\],;:\"']{1,255}")


def record(history: History, version: Version, day: str | None = None) -> dict[str, Any]:
    """A record of the registry as ``show --json`` has it, now or on a ``day``; one that the registry does not show now without people."""
    found = whole(version) if lookback.is_shown(history, version) else bare(version)
    return {**found, **unknown(history, version), **presence(history, version, day)}


def unknown(history: History, version: Version) -> dict[str, str]:
    """By which day, at the latest, a record was UNKNOWN where its own date does not say it: before it, it was so or what is last known."""
    found = lookback.unknown_since(history, version)
    return {"unknown_by": found} if found else {}


def presence(history: History, version: Version, day: str | None = None) -> dict[str, str | None]:
    """Whether the registry showed a record of its own on a day, or shows it now: as ``watch list --json`` has it."""
    found = lookback.absence(history, version.trial) if version.source == CTGOV else None
    if found is None or (day is not None and day < found.since[:10]):
        return {"absent_since": None, "absence": None}
    return {"absent_since": found.since, "absence": found.state}


def bare(version: Version) -> dict[str, Any]:
    """A record as ``show --json`` has it, without people."""
    return {name: without_people(name, value) for name, value in whole(version).items()}


def whole(version: Version) -> dict[str, Any]:
    """A record as ``show --json`` has it, with all that it says."""
    values = plain(version.record)
    values.pop("trial", None)
    return {"trial": version.trial, "source": version.source, "registry_date": version.registry_date, "seen_at": version.seen_at, **values}


def as_shown(history: History, version: Version) -> Record:
    """A version as it may be read: without people when it is not the record as the registry shows it now."""
    if lookback.is_shown(history, version):
        return version.record
    sites = version.record.locations
    bare = sites and tuple(replace(site, contacts=()) for site in sites)
    return replace(version.record, central_contacts=None, overall_officials=None, responsible_party=None, locations=bare)


def looking_back(told: T) -> T:
    """A record, a change or a text of the past as it may be read: with no mail address in its texts."""
    masked: T = _without_mail(told)
    return masked


def still_names(current: Record, field: str, value: Any) -> bool:
    """Does the record as it may be read now name whom this value of a field of ``NAMING`` names, if it names anybody?"""
    listed = plain(getattr(current, field))
    if not isinstance(value, dict) or value.get("name") is None:
        return True
    return value in listed if isinstance(listed, list) else isinstance(listed, dict) and value["name"] == listed.get("name")


def change(told: KeptChange) -> dict[str, Any]:
    """A change as ``changes --json`` has it, without people."""
    return {**change_json(public(told)), "summary": in_words(told, "en")}


def difference(found: Change, after: Version) -> dict[str, Any]:
    """The same of what was compared just now: it has no id."""
    told = KeptChange(
        **asdict(found), id=0, trial=after.trial, source=after.source, registry_date=after.registry_date, seen_at=after.seen_at
    )
    return {**change(told), "id": None}


def listing(row: dict[str, Any]) -> dict[str, Any]:
    """One field of a listing page as ``audit --json`` has it, without people, and no password in the address of the page."""
    field = row["field"]
    values = {name: without_people(field, row[name]) for name in ("registry", "listing")}
    items = [
        {name: without_people(field, value) if name in ("registry", "listing") else value for name, value in item.items()}
        for item in row["items"]
    ]
    return {**row, **values, "page": without_secrets(row["page"]), "items": items}


def public(told: KeptChange) -> KeptChange:
    """A change with no people in it, and no password in the address of its page."""
    before, after = without_people(told.field, told.before), without_people(told.field, told.after)
    return replace(told, before=before, after=after, source=without_secrets(told.source), detail=_without_people(told.detail))


def in_words(told: KeptChange, language: str) -> str:
    """The change on one line. Where only a name or a number differs, it says that, and neither."""
    hidden = public(told)
    if told.field == "locations" or hidden.before != hidden.after or told.field not in OF_PEOPLE:
        return summary(told if told.field == "locations" else hidden, language)  # of a site's contacts no line says more than that
    t = translator(language)
    parts = ", ".join(t.gettext(PART_LABELS[key]) for key in differing_parts(told.before, told.after) if key in PART_LABELS)
    if told.field in ITEM_LINES:
        return t.gettext(ITEM_LINES[told.field][2]).format(text=parts)
    changed = t.gettext("changed: {parts}").format(parts=parts)
    return f"{phrases.label(told.field, told.topic, t)}: {changed}"


def without_people(field: str, value: Any) -> Any:
    """A value of this field, with ``null`` for each name, phone and mail address of a person in it, and no mail address in its texts."""
    return _without_mail(_bare(value) if field in OF_PEOPLE else value)


def _without_people(detail: Any) -> Any:
    """What a change is about, each part of it as its own field asks for."""
    if isinstance(detail, dict):
        bare = {name: _without_people(each) for name, each in detail.items()}
        return without_people(str(detail.get("field", "")), bare)
    return [_without_people(each) for each in detail] if isinstance(detail, list | tuple) else detail


def _without_mail(value: Any) -> Any:
    if isinstance(value, str):
        return _MAIL.sub(HIDDEN, value) if "@" in value else value
    if isinstance(value, dict):
        return {name: _without_mail(each) for name, each in value.items()}
    if isinstance(value, Struct):
        return replace(value, **_without_mail(asdict(value)))
    return type(value)(_without_mail(each) for each in value) if isinstance(value, list | tuple) else value


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: None if name in _PERSONAL else _bare(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_bare(each) for each in value]
    return value
