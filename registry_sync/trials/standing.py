"""How a trial-finder page stands beside the registry, from one look to the next, and what of that is news. Pure.

The first look is a baseline. After that it is news when a field falls behind or contradicts that did not before, when all fields agree
again, when the page could not be read for three runs, when it has gone for two days, and when it is back. A page that goes silent about
a field has neither agreed nor fallen behind.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec.structs import replace

from registry_sync.trials.changes import Change
from registry_sync.trials.listing import Listing
from registry_sync.trials.record import BY_NAME, plain

if TYPE_CHECKING:
    from registry_sync.trials.audit import Verdict

FIELD = "page"
TOPIC = "listing"
RUNS = 3
"""So many runs in a row must fail before anybody is told: a page may be down for an hour."""
_APART = 6
"""Hours between the two looks at a page that is not there, on two days (UTC): midnight may lie between two of one outage."""
_FEW_FIELDS = 4
"""A page that stated less than this cannot be said to have lost most of it."""

_MOST_ITEMS = 12

Word = Literal["agrees", "agrees again", "fell behind", "contradicts", "unreadable", "gone"]


class Wrong(msgspec.Struct, frozen=True):
    """A field in which the page is not right: ``verdict`` is ``outdated`` or ``contradicts``."""

    field: str
    verdict: str


class Standing(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a page stands, as it is kept.

    ``word``: as it was last told, or found by the first look; ``None`` before that. ``wrong``: the fields that were not right when it was
    last compared. ``since``: when that was first so (UTC). ``failures``: runs in a row that could not read it, the first of them at
    ``failing_since``, the last for ``reason``. ``not_there_since``: when its site first answered that there is no such page.
    ``forbidden``: its site does not want it to be asked for by programs, which was said.
    """

    word: Word | None = None
    wrong: tuple[Wrong, ...] = ()
    since: str | None = None
    failures: int = 0
    failing_since: str | None = None
    reason: str = ""
    not_there_since: str | None = None
    forbidden: bool = False


NOT_THERE = "its site answers that there is no such page"
NOT_MADE_OUT = "unreadable, so the last good version stays"
"""How the reasons begin why a page was not read, where its site answered."""

Trouble = Literal["forbidden", "not there", "not made out", "no answer"]


def trouble(stands: Standing) -> Trouble | None:
    """Of what kind it is that a page was not read when it was last asked for; ``None`` when it was."""
    if stands.forbidden:
        return "forbidden"
    if not stands.failures:
        return None
    if stands.reason.startswith(NOT_THERE):
        return "not there"
    return "not made out" if stands.reason.startswith(NOT_MADE_OUT) else "no answer"


def compared(known: Standing, verdicts: Sequence[Verdict], now: str) -> tuple[Standing, Change | None]:
    """The page was read and laid beside the registry: how it stands now, and what of that is news."""
    wrong = _wrong(known, verdicts)
    word: Word = _worst(wrong) if wrong else "agrees"
    was_told_lost = known.word in ("unreadable", "gone")
    newly = tuple(one for one in wrong if one not in known.wrong and not _explained(one, known))
    if known.word is None:
        return Standing(word=word, wrong=wrong, since=now), None
    if was_told_lost or newly or (known.wrong and not wrong):
        after: Word = word if wrong and (was_told_lost or not newly) else _worst(newly) if newly else "agrees again"
        about = wrong if was_told_lost else newly or known.wrong
        change = _change(known.word, after, fields=[_as_row(row) for row in verdicts if any(row.field == one.field for one in about)])
        return Standing(word=after, wrong=wrong, since=now), change
    return Standing(word=known.word, wrong=wrong, since=known.since), None


def not_read(known: Standing, reason: str, now: str) -> tuple[Standing, Change | None]:
    """The page could not be read: after the third run in a row that is told, once."""
    failing = replace(known, failures=known.failures + 1, failing_since=known.failing_since or now, reason=reason, forbidden=False)
    if failing.failures < RUNS or known.word in ("unreadable", "gone"):
        return failing, None
    return replace(failing, word="unreadable", since=now), _change(known.word, "unreadable", reason=reason, since=failing.failing_since)


def not_there(known: Standing, reason: str, now: str) -> tuple[Standing, Change | None]:
    """The site says that there is no such page: on a second day that is told, once."""
    failing = replace(known, failures=known.failures + 1, failing_since=known.failing_since or now, reason=reason, forbidden=False)
    if known.not_there_since is None:
        return replace(failing, not_there_since=now), None
    if known.word == "gone" or known.not_there_since[:10] >= now[:10] or _hours(known.not_there_since, now) < _APART:
        return failing, None
    return replace(failing, word="gone", since=now), _change(known.word, "gone", reason=reason, since=known.not_there_since)


def forbidden(known: Standing, reason: str) -> Standing:
    """The site does not want the page to be asked for by programs."""
    return replace(well(known), forbidden=True, reason=reason)


def well(known: Standing) -> Standing:
    """The page was read, and there is nothing to lay beside it: what was noted of failures is over."""
    return replace(known, failures=0, failing_since=None, reason="", not_there_since=None, forbidden=False)


def lost_most(before: Listing | None, now: Listing) -> str | None:
    """Why a page is not believed that states less than half of the fields that it stated: a redesign, or a page that is half loaded."""
    if before is None:
        return None
    had, has = _stated(before), _stated(now)
    lost = had - has
    if len(had) < _FEW_FIELDS or 2 * len(lost) <= len(had):
        return None
    named = ", ".join(sorted(lost)[:4]) + (", ..." if len(lost) > 4 else "")
    return f"it lost {len(lost)} of {len(had)} fields at once ({named}): it may be half loaded, or made anew"


def _stated(listing: Listing) -> frozenset[str]:
    """The fields that the page speaks of, whether or not they can be compared: one that is cut off today is not lost."""
    record = listing.record
    values = {name for name in record.__struct_fields__ if name != "trial" and getattr(record, name) is not None}
    return frozenset(values | set(listing.how) | ({"overall_status"} if listing.statuses else set()))


def _wrong(known: Standing, verdicts: Sequence[Verdict]) -> tuple[Wrong, ...]:
    found = {row.field: row.verdict for row in verdicts}
    wrong = [Wrong(field, verdict) for field, verdict in found.items() if verdict in ("outdated", "contradicts")]
    silent = [one for one in known.wrong if found.get(one.field) in ("unstated", "incomparable")]
    return (*wrong, *silent)


def _explained(one: Wrong, known: Standing) -> bool:
    """Did a field that contradicted turn out to be what the registry once said? That is the same page, better understood."""
    return one.verdict == "outdated" and Wrong(one.field, "contradicts") in known.wrong


def _worst(wrong: Sequence[Wrong]) -> Word:
    return "contradicts" if any(one.verdict == "contradicts" for one in wrong) else "fell behind"


def _as_row(row: Verdict) -> dict[str, Any]:
    """A row of the audit as it is kept with the news: of lists what differs, some of it, else what either says."""
    told: dict[str, Any] = {"field": row.field, "verdict": row.verdict, "since": row.since}
    if BY_NAME[row.field].is_list:
        return {**told, "differing": len(row.items), "items": [plain(item) for item in row.items[:_MOST_ITEMS]]}
    return {**told, "registry": row.registry, "listing": row.listing}


def _change(before: Word | None, after: Word, **detail: Any) -> Change:
    return judged(Change(field=FIELD, topic=TOPIC, operation="changed", before=before, after=after, detail=detail))


def judged(change: Change) -> Change:
    """How much a listing's news matters: to coordinators alone, and most where it is about the status (NEWS)."""
    fields = (change.detail or {}).get("fields", ())
    on_status = any(row["field"] == "overall_status" and row["verdict"] in ("outdated", "contradicts") for row in fields)
    major = on_status and change.after in ("fell behind", "contradicts")
    return replace(change, significance="major" if major else "minor", reader_significance="untold")


def _hours(since: str, now: str) -> float:
    return (datetime.datetime.fromisoformat(now) - datetime.datetime.fromisoformat(since)).total_seconds() / 3600
