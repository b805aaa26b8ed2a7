"""A listing page beside the registry -> a verdict for each field: does it tell the truth, and if not, since when?

The registry's history, backfilled too, tells a listing that is behind from one that is wrong. Texts are compared leniently: case,
punctuation, typography, order and detail of a page are its own. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from registry_sync.trials.audit_rules import RULES, Rule, is_stated, statuses
from registry_sync.trials.garbled import mended
from registry_sync.trials.listing import UNSAID, How, Listing
from registry_sync.trials.record import Record, plain
from registry_sync.trials.verdicts import (
    Difference,
    Judgement,
    Past,
    State,
    Verdict,
    Word,
    days_behind,
    earlier,
    fell_behind,
    overall,
    wrong,
)

__all__ = ["AUDITED", "Difference", "Past", "State", "Verdict", "Word", "audit", "days_behind", "overall", "wrong"]

AUDITED: tuple[str, ...] = tuple(rule.field for rule in RULES)
"""The fields that a listing can state and that are compared, in the order of the table of fields."""

NO_LIMIT = "no limit"
"""What stands under ``listing`` for an age that has none, as the page says."""

_REASONS: dict[How, str] = {
    "not_reported": "not reported",
    "empty": "left empty",
    "cut_off": "cut off",
    "paraphrased": "paraphrased",
    "headings_lost": "headings lost",
    "run_together": "run together",
    "unclear": "unclear",
}
_REGISTERS = (
    (re.compile(r"\d{4}-5\d{5}-\d{2}(?:-\d{2})?"), "EU CT"),
    (re.compile(r"\d{4}-\d{6}-\d{2}"), "EudraCT"),
)
"""Registers whose ids do not carry their name."""


def audit(listing: Listing, past: Sequence[Past]) -> tuple[Verdict, ...]:
    """A verdict for each field of ``AUDITED`` that the registry or the listing states, in that order.

    ``past``: the registry's versions of the trial, oldest first, backfilled ones included; the last is what the registry says now.
    Without any there is nothing to compare with, and no verdict.

    A field agrees with now, or is outdated when an earlier version agrees with it; what neither does is judged by the field's rule.
    Which texts are the registry's depends on the registration: those of a page that follows another one are not compared, its facts
    are. Of a page that shows another one as well, what no version says may be the other's, and contradicts nothing.
    """
    if not past:
        return ()
    shown = mended(listing, past[-1].record)
    rows = (_verdict(rule, shown, past) for rule in RULES)
    return tuple(row for row in rows if row is not None)


def _verdict(rule: Rule, listing: Listing, past: Sequence[Past]) -> Verdict | None:
    now = past[-1].record
    how = listing.how.get(rule.field)
    in_registry, on_page = is_stated(getattr(now, rule.field)), _states(rule, listing)
    if how in UNSAID or (how is None and not on_page):
        if not in_registry or rule.if_stated:
            return None
        return _row(rule, listing, now, Judgement(verdict="unstated", reason=_REASONS[how] if how else None))
    if how == "run_together" and rule.together is not None and rule.together(now, listing.said.get(rule.field, "")):
        return _row(rule, listing, now, Judgement(verdict="agrees"))
    if how is not None:
        return _row(rule, listing, now, Judgement(verdict="incomparable", reason=_REASONS[how]))
    found = _judged(rule, listing, past)
    if found.verdict == "contradicts" and rule.registration and listing.beside:
        found = Judgement(verdict="incomparable", reason=f"follows {_registration(listing.beside[0])} as well")
    return _row(rule, listing, now, found)


def _judged(rule: Rule, listing: Listing, past: Sequence[Past]) -> Judgement:
    """The verdict on a field that the listing states."""
    now = past[-1].record
    if rule.same(now, listing):
        return Judgement(verdict="agrees")
    if rule.registration and listing.follows:
        if rule.otherwise is not None and rule.otherwise(listing, past).verdict == "agrees":
            return Judgement(verdict="agrees")
        return Judgement(verdict="incomparable", reason=f"follows {_registration(listing.follows[0])}")
    for place, record in earlier(past, rule.part):
        if rule.same(record, listing):
            was = plain(getattr(record, rule.field))
            items = rule.differences(now, listing) if rule.differences else ()
            if rule.differences and not items:
                return Judgement(verdict="agrees")  # the registry only spells it otherwise now
            return Judgement(verdict="outdated", since=fell_behind(past, place), was=was, items=items)
    if rule.otherwise is not None and is_stated(getattr(now, rule.field)):
        return rule.otherwise(listing, past)
    if is_stated(getattr(now, rule.field)):
        return Judgement(verdict="contradicts")
    return _never_stated(rule, listing, past)


def _never_stated(rule: Rule, listing: Listing, past: Sequence[Past]) -> Judgement:
    """The listing states what the registry does not state now, and no version had it so."""
    if rule.otherwise is not None and any(is_stated(getattr(version.record, rule.field)) for version in past):
        found = rule.otherwise(listing, past)
        if found.verdict == "outdated":
            return found
    if rule.silence == "contradicts":
        items = rule.differences(past[-1].record, listing) if rule.differences else ()
        return Judgement(verdict="contradicts", items=items)
    return Judgement(verdict="incomparable", reason="the registry does not say")


def _row(rule: Rule, listing: Listing, now: Record, found: Judgement) -> Verdict:
    return Verdict(
        field=rule.field,
        verdict=found.verdict,
        registry=plain(getattr(now, rule.field)),
        listing=_shown(rule, listing),
        since=found.since,
        reason=found.reason,
        was=found.was,
        items=found.items,
    )


def _states(rule: Rule, listing: Listing) -> bool:
    if rule.field == "overall_status":
        return bool(statuses(listing))
    return rule.field in listing.unlimited or is_stated(getattr(listing.record, rule.field))


def _shown(rule: Rule, listing: Listing) -> Any:
    """What the listing says: its value, or its own words where it has none that the registry would have."""
    value = getattr(listing.record, rule.field)
    if is_stated(value):
        return plain(value)
    if rule.field in listing.unlimited:
        return NO_LIMIT
    if rule.field == "overall_status" and listing.statuses and rule.field not in listing.said:
        return ", ".join(listing.statuses)
    return listing.said.get(rule.field)


def _registration(number: str) -> str:
    for form, register in _REGISTERS:
        if form.fullmatch(number):
            return f"{register} {number}"
    return number
