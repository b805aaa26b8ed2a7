"""What each column of each table may hold: the table beside the schema by which `check` tells a value that would break a page.

SQLite keeps any value in any column. What a column may not be empty for, or may hold by a CHECK, the file itself says.
"""

from __future__ import annotations

import datetime
import json
import re
import zoneinfo
from collections.abc import Callable, Collection
from functools import cache, lru_cache
from typing import Any, NamedTuple, get_args

import msgspec

from registry_sync.sources.ctgov_search import AREAS
from registry_sync.trials.deadlines import BY_RULE, EVENT_KINDS, State
from registry_sync.trials.listing import Listing
from registry_sync.trials.standing import Standing

_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_LONGEST_DAY = len("2026-02-03")
_KEPT = 10_000
"""Times, and days, of which it is known that they are one: most stand in many rows."""


class Kind(NamedTuple):
    """What a value may be: of these types, and such that ``read`` does not raise; ``said`` of one that is not, beside ``is_none``."""

    is_none: str
    types: tuple[type, ...]
    read: Callable[[Any], object] = bool
    said: str | None = None

    def but(self, said: str) -> Kind:
        """The same, with what people are told of a row in which it is not."""
        return self._replace(said=said)


def _refuse(wrong: bool) -> None:
    if wrong:
        raise ValueError


@lru_cache(_KEPT)
def _stamp(text: str) -> None:
    _refuse(not _STAMP.fullmatch(text))
    datetime.datetime.fromisoformat(text)


@lru_cache(_KEPT)
def _day(text: str) -> None:
    _refuse(not _DAY.fullmatch(text))
    datetime.date.fromisoformat(text)


def _date(text: str) -> None:
    """Of the registry: of a day, a month or a year."""
    _day(text + "0000-01-01"[len(text) :] if len(text) < _LONGEST_DAY else text)


def _json(*types: type) -> Callable[[str], object]:
    return lambda text: _refuse(bool(types) and not isinstance(json.loads(text), types)) if types else json.loads(text)


def _texts(text: str) -> None:
    found = json.loads(text)
    _refuse(not isinstance(found, list) or not all(isinstance(each, str) for each in found))


def _query(text: str) -> None:
    for area, words in json.loads(text).items():
        _refuse(area not in AREAS or not isinstance(words, str))


def one_of(words: Collection[str]) -> Kind:
    """One of these words."""
    return Kind("no word that is known there", (str,), lambda text: _refuse(text not in words))


def _struct(type_: type) -> Kind:
    return Kind("nothing that can be read", (str,), lambda text: msgspec.json.decode(text, type=type_))


_STATES = (*get_args(State), "not owed")


def _told(text: str) -> None:
    """A state, and how it came to be told (see ``jobs.duties``), such as "before: due soon"."""
    _refuse(re.sub(r"^([a-z]+: )+", "", text) not in _STATES)


_zone = cache(zoneinfo.ZoneInfo)

TEXT = Kind("no text", (str,))
TRIAL = Kind("no trial's id", (str,), lambda text: _refuse(not re.fullmatch(r"NCT[0-9]{8}", text)))
STAMP = Kind("no time", (str,), _stamp)
STAMP_OR_NONE = Kind("no time", (str,), lambda text: _stamp(text or "2026-02-03T06:17:00Z"))
DAY = Kind("no day", (str,), _day)
DATE = Kind("no date", (str,), _date)
DATE_OR_NONE = Kind("no date", (str,), lambda text: _date(text or "2026"))
NUMBER = Kind("no whole number", (int,))
POSITIVE = Kind("no number from 1 on", (int,), lambda number: _refuse(number < 1))
COUNT = Kind("no number from 0 on", (int,), lambda number: _refuse(number < 0))
REAL = Kind("no number", (int, float))
FLAG = Kind("neither 0 nor 1", (int,), lambda number: _refuse(number not in (0, 1)))
OCTETS = Kind("no octets", (bytes,))
RECORD = Kind("neither a text nor octets", (str, bytes))
JSON = Kind("no JSON", (str,), _json())
OBJECT = Kind("no JSON object", (str,), _json(dict))
TEXTS = Kind("no JSON list of texts", (str,), _texts)
DUTY = Kind("no rule that is known", (str,), lambda key: _refuse(" " not in key and key not in BY_RULE))
KEY = Kind("no key", (str,), lambda text: _refuse(not re.fullmatch(r"[0-9a-f]{32,}", text)), "it is not there, or is none")
TOLD = Kind("no state that is known", (str,), _told)

_DATES = "its dates cannot be read"
_VALUES = "its values are no JSON"
_EVENT = "its kind or its day cannot be read"
_LETTER = "its days or its fields cannot be read"
_WANTS = "what it wants cannot be read"
_HEADLINE = "its headline, or what it carried over, is no JSON"
_CHANNELS = ("email", "webhook", "chat")
_RHYTHMS = ("now", "day", "week")

KINDS: dict[str, dict[str, Kind]] = {
    "_sqlite_migrations": {"id": NUMBER, "migration_set": TEXT, "name": TEXT, "applied_at": TEXT},
    "absence": {"trial": TRIAL, "since": STAMP, "state": TEXT, "into": TRIAL},
    "alias": {"old": TRIAL, "trial": TRIAL, "since": STAMP},
    "bucket": {"name": TEXT, "level": REAL, "at": REAL},
    "bulletin": {"id": TEXT, "kind": TEXT, "created_at": STAMP, "told_at": STAMP},
    "card": {
        "version_id": NUMBER, "words": TEXT, "conditions": TEXTS, "condition_keys": TEXT, "countries": TEXTS, "country_keys": TEXT,
    },
    "change": {
        "id": POSITIVE, "trial": TRIAL, "source": TEXT, "version_id": NUMBER, "field": TEXT, "topic": TEXT, "operation": TEXT,
        "before": JSON.but(_VALUES), "after": JSON.but(_VALUES), "group": TEXT, "significance": TEXT, "reader_significance": TEXT,
        "registry_date": DATE.but("it has another date than its version"), "seen_at": STAMP.but("it has another date than its version"),
        "backfilled": FLAG, "detail": JSON.but(_VALUES),
    },
    "confirmation": {
        "id": TEXT, "subscription_id": NUMBER, "state": TEXT, "attempts": COUNT, "next_try_at": STAMP, "last_error": TEXT,
        "created_at": STAMP, "sent_at": STAMP, "used_at": STAMP, "instead": FLAG, "claimed_by": NUMBER, "stopped_at": STAMP, "kind": TEXT,
        "held": FLAG,
    },
    "duty": {
        "id": POSITIVE, "trial": TRIAL, "key": DUTY, "state": one_of(_STATES), "due": DAY, "told": TOLD, "first_seen_at": STAMP,
        "acknowledged_at": STAMP, "done_at": STAMP, "done_on": DAY, "done_due": DAY, "snoozed_until": DAY, "owner": TEXT,
    },
    "duty_log": {"id": POSITIVE, "trial": TRIAL, "key": TEXT, "at": STAMP, "what": TEXT, "detail": TEXT},
    "ended_login": {"mark": TEXT, "until": STAMP},
    "event": {
        "id": POSITIVE, "trial": TRIAL, "kind": one_of(EVENT_KINDS).but(_EVENT), "date": DAY.but(_EVENT), "country": TEXT, "note": TEXT,
        "added_at": STAMP, "removed_at": STAMP,
    },
    "form": {"id": NUMBER, "kind": TEXT, "address": TEXT, "wish": OBJECT, "created_at": STAMP},
    "former_run": {"id": NUMBER, "job": TEXT, "started_at": STAMP},
    "incident": {
        "id": NUMBER, "source": TEXT, "opened_at": STAMP, "last_at": STAMP, "times": COUNT, "error": TEXT, "closed_at": STAMP,
        "opening_told_at": STAMP, "closing_told_at": STAMP,
    },
    "law_answer": {"trial": TRIAL, "law": TEXT, "applies": FLAG, "said_at": STAMP},
    "letter": {
        "id": POSITIVE, "trial": TRIAL, "url": TEXT, "sent_on": DAY.but(_LETTER), "fields": TEXTS.but(_LETTER),
        "settled_on": DAY.but(_LETTER),
    },
    "look": {"trial": TRIAL, "release": TEXT, "due_at": STAMP, "glance": OCTETS},
    "notice": {
        "id": TEXT, "key": TEXT, "subscription_id": NUMBER, "address": TEXT, "kind": one_of(_CHANNELS), "state": TEXT, "attempts": COUNT,
        "next_try_at": STAMP, "last_error": TEXT, "created_at": STAMP, "claimed_at": STAMP, "sent_at": STAMP, "claimed_by": NUMBER,
        "every": one_of(_RHYTHMS), "due_at": STAMP_OR_NONE, "failed_at": STAMP, "held": FLAG, "note": TEXT, "bulletin": TEXT,
        "verdict": one_of(("released", "dropped", "restored")),
    },
    "notice_change": {"notice_id": TEXT, "change_id": NUMBER},
    "page": {
        "id": NUMBER, "trial": TRIAL, "url": TEXT, "added_at": STAMP, "looked_at": STAMP, "read_at": STAMP,
        "listing": _struct(Listing).but("what it said when it was last read cannot be read"),
        "standing": _struct(Standing).but("how it stands beside the registry cannot be read"),
        "etag": TEXT, "last_modified": TEXT, "reader": TEXT,
    },
    "revision": {"trial": TEXT, "number": COUNT, "at": STAMP_OR_NONE, "place": TEXT},
    "robots": {"host": TEXT, "fetched_at": STAMP, "rules": JSON.but("what came of asking for its robots.txt cannot be read")},
    "run": {"id": POSITIVE, "job": TEXT, "started_at": STAMP, "finished_at": STAMP, "outcome": TEXT, "detail": OBJECT},
    "search": {
        "id": NUMBER, "query": Kind("", (str,), _query, "what it asks the registry for cannot be read"), "added_at": STAMP, "release": TEXT,
        "complete_at": STAMP, "total": COUNT, "watched": FLAG, "looked_at": STAMP,
    },
    "search_trial": {"search_id": NUMBER, "trial": TRIAL, "found_at": STAMP, "dropped": FLAG},
    "secret": {"name": TEXT, "value": KEY},
    "source": {"name": TEXT, "looked_at": STAMP},
    "sqlite_sequence": {"name": TEXT, "seq": COUNT},
    "staged": {"trial": TRIAL, "registry_version": NUMBER, "date": DATE_OR_NONE, "payload": OCTETS, "codec": TEXT},
    "stop": {"mark": TEXT, "at": STAMP, "why": TEXT},
    "subscription": {
        "id": POSITIVE, "address": TEXT, "kind": TEXT, "role": TEXT, "every_trial": FLAG, "topics": TEXTS.but(_WANTS),
        "countries": TEXTS.but(_WANTS), "least": TEXT, "every": TEXT,
        "timezone": Kind("", (str,), _zone, "its time zone is not known"), "language": TEXT, "secret_env": TEXT, "stop_token": TEXT,
        "state": TEXT, "created_at": STAMP, "consent_wording": TEXT, "consent_by": TEXT, "confirmed_at": STAMP, "stopped_at": STAMP,
        "stopped_why": TEXT, "hold": FLAG, "asked_at": STAMP, "bulletin": TEXT,
    },
    "subscription_search": {"subscription_id": NUMBER, "search_id": NUMBER},
    "subscription_trial": {"subscription_id": NUMBER, "trial": TRIAL},
    "tidied": {"trial": TRIAL, "versions": COUNT, "newest": COUNT, "oldest": DATE},
    "told_before": {"whose": TEXT, "change_id": NUMBER, "before": TEXT, "after": TEXT, "at": STAMP, "used": FLAG},
    "trial": {"id": TRIAL, "known_since": STAMP},
    "unparsed": {"trial": TRIAL, "source": TEXT, "seen_at": STAMP, "error": TEXT, "payload": OCTETS, "codec": TEXT},
    "version": {
        "id": POSITIVE, "trial": TRIAL, "source": TEXT, "number": NUMBER, "registry_date": DATE.but(_DATES), "seen_at": STAMP.but(_DATES),
        "content_hash": TEXT, "record": RECORD, "carried": TEXTS.but(_HEADLINE), "payload": OCTETS, "codec": TEXT,
        "headline": OBJECT.but(_HEADLINE), "record_codec": TEXT, "base": NUMBER,
        "markup": one_of(("markdown", "html")).but("it is not known how its texts are marked"), "backfilled": FLAG,
        "registry_version": NUMBER, "redacted_at": STAMP, "changes": COUNT, "program": TEXT,
    },
    "watch": {"trial": TRIAL, "added_at": STAMP, "typed": FLAG, "news": FLAG},
}  # fmt: skip
"""By table and column. A column may be empty where the schema lets it."""
