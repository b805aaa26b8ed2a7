"""The OpenAPI 3.1 description of what programs may ask; ``docs/openapi.json`` is a copy. Tests hold both against what is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import msgspec

from db.history import HEADLINE
from registry_sync import __version__
from registry_sync.sources.ctgov_search import STATUSES
from registry_sync.trials.record import BY_NAME, TOPICS, Record
from registry_sync.trials.standing import Word
from registry_sync.trials.verdicts import Word as VerdictWord
from registry_sync.web import api, asked

_REF = "#/components/schemas/{name}"
_TEXT = {"type": "string"}
_NUMBER = {"type": "integer", "minimum": 0}
_FLAG = {"type": "boolean"}
_ID = {"type": "string", "pattern": "^NCT[0-9]{8}$"}
_TIME = {"type": "string", "format": "date-time", "description": "UTC"}
_DATE = {"type": "string", "pattern": r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$", "description": "in the registry's own precision"}
_DAY = {"type": "string", "format": "date"}
_WORDS = {"type": "string", "maxLength": asked.LONGEST}
_EMPTY = {"type": "string", "maxLength": 0}
"""The same as not given, as forms send it."""
_MOMENT = {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}, _EMPTY]}
_SIDE = {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "pattern": "^[0-9]{1,9}$"}, _EMPTY]}
_COUNT = {"type": "integer", "minimum": 0, "maximum": 10**15 - 1}
_PRESENCE: dict[str, Any] = {
    "absent_since": {
        "anyOf": [_TIME, {"type": "null"}],
        "description": "From when on the registry has not shown the trial; null while it does. All else is what it said last.",
    },
    "absence": {
        "enum": ["missing", "absent", None],
        "description": "`missing`: not found, and not confirmed yet by a look on another day; `absent`: gone",
    },
}
_ANY: dict[str, Any] = {}

Schema = dict[str, Any]


def document(base: str = "") -> Schema:
    """The whole description; ``base``: the public address of the site."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "registry-sync",
            "version": __version__,
            "summary": "Watched trials of ClinicalTrials.gov, and what changed in them",
            "description": (
                "For reading only. Every answer has an ETag: send it back as If-None-Match and get 304 for as long as nothing has changed. "
                "Names, phones and mail addresses of people stand in a record as it is now alone, and in nothing that looks back."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base or "/"}],
        "paths": _paths(),
        "components": {"schemas": _schemas()},
    }


# --- what may be asked -------------------------------------------------------------------------------------------------


def _paths() -> Schema:
    nct = _parameter("trial", _ID, "The trial's id; one that was merged leads to the record that it was merged into", place="path")
    date = _parameter("date", _DAY, "A day (UTC)", place="path")
    since = _parameter("since", _MOMENT, "What was seen on this day, or at this time, or later (UTC)", example="2026-02-01")
    backfilled = _parameter("backfilled", _FLAG, "Also what was loaded from before the installation")
    housekeeping = _parameter("housekeeping", _FLAG, "Also the registry's own dates and what merely follows from a status")
    side = "A version's number, or a day: what stood at its end (UTC), by the registry's dates"
    condition = _parameter(
        "condition", _WORDS, "What the watched searches for this condition found; without such a search the trials that name it"
    )
    search = _parameter("search", _list(_TEXT), "What one watched search found: AREA=TEXT, given once for each of its areas")
    topics = _parameter("topic", _list({"enum": list(TOPICS)}), "Only these topics")
    return {
        "/api/trials": _get(
            "trials",
            "The watched trials, what changed last first",
            _ref("TrialPage"),
            _parameter("q", _WORDS, "Words, all of which stand in titles, conditions, keywords, treatments, sponsor, summary or ids"),
            _parameter("condition", _WORDS, "Words, all of which the conditions have"),
            _parameter("country", _WORDS, "A country with a site of the trial"),
            _parameter("status", _WORDS, f"The registry's token, of what it still shows: {', '.join(STATUSES)}"),
            _parameter("limit", {"type": "integer", "minimum": 1, "maximum": api.MOST_TRIALS, "default": 50}, "Trials of one answer"),
            _parameter("offset", {**_COUNT, "default": 0}, "Trials to pass over"),
        ),
        "/api/trials/{trial}": _get("trial", "A trial's record as last seen", _ref("SeenRecord"), nct),
        "/api/trials/{trial}/changes": _get(
            "trialChanges", "What changed in a trial, newest first", _list(_ref("Change")), nct, since, backfilled, housekeeping
        ),
        "/api/trials/{trial}/versions": _get("trialVersions", "The versions held, line by line, oldest first", _list(_ref("Version")), nct),
        "/api/trials/{trial}/diff": _get(
            "trialDiff",
            "What changed from one version to another; between the last two where none is named",
            _list(_ref("Change")),
            nct,
            _parameter("from", _SIDE, f"{side}; without it the version before the other one"),
            _parameter("to", _SIDE, f"{side}; without it the last one"),
            housekeeping,
        ),
        "/api/trials/{trial}/at/{date}": _get(
            "trialAt", "The record as it stood at the end of a day, by the registry's dates", _ref("SeenRecord"), nct, date
        ),
        "/api/trials/{trial}/listings": _get(
            "trialListings", "Each listing page beside the registry, field by field", _list(_ref("Verdict")), nct
        ),
        "/api/changes": _get(
            "changes",
            "What changed in all that is watched, oldest first; ids only grow: ask on with the last one",
            _ref("ChangePage"),
            _parameter("after_id", {**_COUNT, "default": 0}, "Only changes with a greater id"),
            since,
            topics,
            condition,
            search,
            backfilled,
            housekeeping,
            _parameter("limit", {"type": "integer", "minimum": 1, "maximum": api.MOST, "default": 100}, "Changes of one answer"),
        ),
        "/api/searches": _get("searches", "The watched searches", _list(_ref("Search"))),
        "/api/openapi.json": _get("openapi", "This description", {"type": "object"}),
    }


def _get(name: str, says: str, schema: Schema, *parameters: Schema) -> Schema:
    headers = {
        "ETag": {"schema": _TEXT, "description": "Weak: another one after every change"},
        "Last-Modified": {"schema": _TEXT, "description": "When the newest came"},
        "Access-Control-Allow-Origin": {"schema": {"const": "*"}},
    }
    fails = {"400": "It is not understood", "404": "There is nothing under this address", "405": "It can be read only"}
    fails |= {"408": "What was sent with it did not come in time", "413": "More was sent with it than is taken"}
    fails |= {"414": "The address is longer than any", "431": "The head is larger than is taken"}
    fails |= {"500": "A fault of the service", "503": "Not available just now"}
    known = {name: headers[name] for name in ("ETag", "Last-Modified")}
    answers: Schema = {"200": {"description": says, "headers": headers, "content": {"application/json": {"schema": schema}}}}
    answers["304"] = {"description": "Nothing has changed since", "headers": known}
    for status, why in fails.items():
        answers[status] = {"description": why, "content": {"application/problem+json": {"schema": _ref("Problem")}}}
    tag = _parameter("If-None-Match", _TEXT, "The ETag of the answer that is held", place="header")
    return {"get": {"operationId": name, "summary": says, "parameters": [*parameters, tag], "responses": answers}}


def _parameter(name: str, schema: Schema, says: str, *, place: str = "query", example: str | None = None) -> Schema:
    return {
        "name": name,
        "in": place,
        "description": says,
        "required": place == "path",
        "schema": schema,
        **({"example": example} if example else {}),
    }


# --- what is answered --------------------------------------------------------------------------------------------------


def _schemas() -> dict[str, Schema]:
    _, components = msgspec.json.schema_components([Record], ref_template=_REF)
    made = {name: _object(_stated(schema["properties"], name), required=()) for name, schema in components.items()}
    record = made.pop("Record")["properties"]
    seen = {"source": _TEXT, "registry_date": _or_none(_DATE), "seen_at": _TIME}
    stated = {name: schema for name, schema in record.items() if name != "trial"}
    unknown = "There where the registry made it UNKNOWN without a date: it was so by this day at the latest, and perhaps not before it"
    more = {"unknown_by": {**_DAY, "description": unknown}, **_PRESENCE}
    records = _object({"trial": _ID, **seen, **stated, **more}, ("trial", *seen, *_PRESENCE))
    headline = {name: _or_none(record[name]) for name in HEADLINE}
    return {
        "SeenRecord": {**records, "description": "A field that the registry does not give is absent, which is not the same as empty"},
        **made,
        "Trial": _object(
            {
                "trial": _ID,
                **headline,
                "conditions": _list(_TEXT),
                "countries": _list(_TEXT),
                "changed_at": _or_none(_TIME),
                **_PRESENCE,
            }
        ),
        "TrialPage": _object({"total": _NUMBER, "trials": _list(_ref("Trial")), "next": _or_none(_TEXT)}),
        "Change": _change(),
        "ChangePage": _object({"changes": _list(_ref("Change")), "last_id": _NUMBER, "next": _or_none(_TEXT)}),
        "Version": _object(
            {
                "number": _NUMBER,
                "source": _TEXT,
                "registry_date": _or_none(_DATE),
                "seen_at": _TIME,
                "overall_status": _or_none(_TEXT),
                "changes": _NUMBER,
                "trial": _ID,
                "backfilled": _FLAG,
                "registry_version": _or_none(_NUMBER),
            }
        ),
        "Verdict": _verdict(),
        "Search": _object(
            {
                "query": {"type": "object", "additionalProperties": _TEXT},
                "found": _or_none(_NUMBER),
                "added_at": _TIME,
                "looked_at": _or_none(_TIME),
            }
        ),
        "Problem": {
            "description": "RFC 9457",
            **_object({"type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT}),
        },
    }


def _change() -> Schema:
    significance = {"enum": ["major", "minor", "housekeeping"]}
    properties = {
        "id": {**_or_none(_NUMBER), "description": "null where two versions were compared just now"},
        "trial": _ID,
        "source": {**_TEXT, "description": "`ctgov`, or a page's address"},
        "field": {"enum": [*BY_NAME, "registry", "page", "deadline"]},
        "topic": {"enum": list(TOPICS)},
        "operation": {"enum": ["changed", "added", "removed", "moved"]},
        "before": {"description": "In the shape that the field has in a record, one item of a list"},
        "after": {"description": "The same"},
        "group": {"enum": ["inclusion", "exclusion", None]},
        "significance": significance,
        "reader_significance": {"enum": [*significance["enum"], "untold"]},
        "summary": {**_TEXT, "description": "In English, made of the rest"},
        "registry_date": _or_none(_DATE),
        "seen_at": _TIME,
        "detail": {
            "type": "object",
            "description": "Of a listing's news: what it is about; of two merged records that differ: their ids (`entries`)",
        },
    }
    return _object(properties, [name for name in properties if name != "detail"])


def _verdict() -> Schema:
    return _object(
        {
            "trial": _ID,
            "page": _TEXT,
            "field": {"enum": list(BY_NAME)},
            "registry": _ANY,
            "listing": _ANY,
            "verdict": {"enum": list(get_args(VerdictWord))},
            "since": _or_none(_DATE),
            "days": _or_none({"type": "integer"}),
            "reason": _or_none(_TEXT),
            "items": _list({"type": "object"}),
            "standing": {"enum": [*get_args(Word), None]},
            "read_at": _or_none(_TIME),
        }
    )


def _stated(properties: Mapping[str, Schema], name: str) -> dict[str, Schema]:
    """A record leaves out what is not stated; its parts have ``null`` there."""
    found = {}
    for key, schema in properties.items():
        bare = {inner: value for inner, value in schema.items() if inner != "default"}
        found[key] = bare["anyOf"][0] if name == "Record" and "anyOf" in bare else bare
    return found


def _object(properties: Mapping[str, Schema], required: Sequence[str] | None = None) -> Schema:
    needed = list(properties if required is None else required)
    return {"type": "object", "properties": dict(properties), "required": needed, "additionalProperties": False}


def _list(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def _or_none(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _ref(name: str) -> Schema:
    return {"$ref": _REF.format(name=name)}
