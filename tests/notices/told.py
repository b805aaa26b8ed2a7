"""Changes, news and notices for the tests, with the defaults of one real day."""

from __future__ import annotations

from typing import Any

import msgspec

from registry_sync.notices.interface import Every, Kind, Notice, Role, TrialNews
from registry_sync.trials.changes import KeptChange
from registry_sync.trials.record import BY_NAME, Contact, Criterion, Dated, Enrollment, Location, Record, plain

TRIAL = "NCT06805448"
TITLE = "Dry Mouth Cell Therapy"
SITE = Location(
    facility="Rigshospitalet", city="Copenhagen", country="Denmark", status="RECRUITING", contacts=(Contact(name="Contact A", phone="555"),)
)
RECORD = Record(
    trial=TRIAL,
    brief_title=TITLE,
    overall_status="RECRUITING",
    start_date=Dated("2025-01-21", "ACTUAL"),
    primary_completion_date=Dated("2025-12-31", "ESTIMATED"),
    completion_date=Dated("2025-12-31", "ESTIMATED"),
    status_verified_date="2024-02",
    enrollment=Enrollment(40, "ESTIMATED"),
    conditions=("Sjögren's Disease",),
    locations=(SITE,),
    criteria=tuple(Criterion("exclusion", None, 0, "item", f"Rule {n}") for n in range(14)),
)


def record(**fields: Any) -> Record:
    """The record with some fields set otherwise."""
    return msgspec.structs.replace(RECORD, **fields)


def change(field: str, before: Any, after: Any, **keys: Any) -> KeptChange:
    """A kept change; structs become what JSON has."""
    topic = BY_NAME[field].topic if field in BY_NAME else field
    defaults = {
        "id": 1,
        "trial": TRIAL,
        "source": "ctgov",
        "topic": topic,
        "operation": "changed",
        "significance": "major",
        "reader_significance": "major",
        "registry_date": "2026-02-03",
        "seen_at": "2026-02-03T06:17:04Z",
    }
    return KeptChange(**{**defaults, "field": field, "before": plain(before), "after": plain(after), **keys})


def news(*changes: KeptChange, before: Record | None = RECORD, after: Record = RECORD, **keys: Any) -> TrialNews:
    """One trial's news."""
    defaults = {
        "trial": TRIAL,
        "url": f"https://clinicaltrials.gov/study/{TRIAL}",
        "registry_date": "2026-02-03",
        "seen_at": "2026-02-03T06:17:04Z",
    }
    return TrialNews(**{**defaults, "changes": changes, "record": after, "before": before, **keys})


def notice(
    *told: TrialNews,
    role: Role = "reader",
    language: str = "en",
    kind: Kind = "email",
    address: str = "a@example.org",
    every: Every = "now",
    **keys: Any,
) -> Notice:
    """A notice to one address."""
    defaults = {"id": "n-17", "created_at": "2026-02-03T06:17:05Z", "stop_token": None, "secret_env": None}
    return Notice(
        **{**defaults, "address": address, "kind": kind, "role": role, "language": language, "every": every, "news": told, **keys}
    )


def closing(role: Role = "reader", language: str = "en", sites: int = 52, **keys: Any) -> Notice:
    """Recruitment closes, and the status of the sites leaves the record with it."""
    before = record(locations=(SITE,) * sites)
    closed = msgspec.structs.replace(SITE, status=None, contacts=())
    after = record(overall_status="ACTIVE_NOT_RECRUITING", locations=(closed,) * sites)
    folded = [
        change("locations", SITE, closed, id=10 + number, significance="housekeeping", reader_significance="untold")
        for number in range(sites)
    ]
    return notice(
        news(change("overall_status", "RECRUITING", "ACTIVE_NOT_RECRUITING"), *folded, before=before, after=after),
        role=role,
        language=language,
        **keys,
    )
