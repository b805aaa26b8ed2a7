"""Each watched page beside the registry, by what is held: nothing is asked."""

from __future__ import annotations

import datetime
from typing import Any

import msgspec

from db import aliases, lookback, pages
from db.connection import History
from db.pages import Page
from jobs.listings import Line
from registry_sync.sources.interface import CTGOV
from registry_sync.trials.audit import Verdict, audit, days_behind
from registry_sync.trials.record import plain


class Audited(msgspec.Struct, frozen=True):
    """One page. ``verdicts`` is empty where the page was never read, or the registry's record is not held; ``title``: the registry's."""

    page: Page
    title: str | None
    verdicts: tuple[Verdict, ...]
    registry_date: str | None = None


def audited(history: History, trial: str | None = None) -> list[Audited]:
    """The pages of a trial (under any of its ids), or all that are watched."""
    ids = aliases.family(history, trial) if trial else []
    found = []
    for page in pages.every(history, ids):
        held = lookback.latest(history, page.trial, CTGOV)
        title = (held.record.brief_title or held.record.official_title) if held else None
        verdicts = audit(page.listing, Line(history, page.trial)) if page.listing is not None and held is not None else ()
        found.append(Audited(page, title, verdicts, held.registry_date if held else None))
    return found


def row_json(one: Audited, row: Verdict, today: datetime.date) -> dict[str, Any]:
    """One field of a page as ``audit --json`` has it."""
    return {
        "trial": one.page.trial,
        "page": one.page.url,
        "field": row.field,
        "registry": row.registry,
        "listing": row.listing,
        "verdict": row.verdict,
        "since": row.since,
        "days": days_behind(row, today),
        "reason": row.reason,
        "items": [plain(item) for item in row.items],
        "standing": one.page.standing.word,
        "read_at": one.page.read_at,
    }
