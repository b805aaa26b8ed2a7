"""One value of a record, or one item of a list, on one line: as a summary, for a reader, for a coordinator.

Every function takes any JSON value: a page, an older version or a newer program may hold a shape that is not expected.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from registry_sync.notices import phrases
from registry_sync.notices.clean import as_text, one_line, text_of
from registry_sync.notices.i18n import Translator
from registry_sync.trials.changes import Change
from registry_sync.trials.critical import bare_words
from registry_sync.trials.record import BY_NAME

Style = Literal["summary", "reader", "coordinator"]
"""``summary``: the registry's labels and dates; ``reader``: plain words; ``coordinator``: the registry's tokens."""

AGES = frozenset({"minimum_age", "maximum_age"})
POSTED = frozenset({"first_post_date", "results_first_post_date", "last_update_post_date"})
"""Days on which the registry posted something: one that it estimates is no plan of the trial, nor did anything but that take place."""
UNTOLD_PARTS = frozenset({"contacts", "phone", "email"})
"""Parts whose values are not repeated: a number that was taken down must not live on in public lists."""
_DATED_KINDS = frozenset({"date", "dated"})


def describe(field: str, value: Any, t: Translator, style: Style = "summary") -> str:
    """The value in words, on one line, never empty; "not stated" for ``None``."""
    if value is None:
        return t.gettext("not stated")
    kind = BY_NAME[field].kind if field in BY_NAME else None
    shape = _SHAPES.get(field)
    if shape is not None and isinstance(value, dict):
        text = shape(value, t, style)
    elif field in AGES and style != "coordinator":
        text = phrases.age(value, t)
    elif field in POSTED and style == "reader":
        text = _posted(value, t)
    elif kind in _DATED_KINDS:
        text = dated(value, t, style)
    elif isinstance(value, bool):
        text = t.gettext("yes") if value else t.gettext("no")
    elif kind == "token" or (kind is None and isinstance(value, str)):
        text = token(value, t, style)
    elif isinstance(value, list):
        text = ", ".join(token(each, t, style) if kind == "tokens" else as_text(each) for each in value)
    else:
        text = as_text(value)
    return text or t.gettext("empty")


def token(value: Any, t: Translator, style: Style) -> str:
    """A token in the style's words."""
    if style == "coordinator":
        return as_text(value)
    return phrases.plain(value, t) if style == "reader" else phrases.token(value, t)


def dated(value: Any, t: Translator, style: Style) -> str:
    """A date with its type: "2026-06-30 (estimated)", "30 June 2026 (planned)", "2026-06-30 ESTIMATED"."""
    if not isinstance(value, dict):
        return t.date(as_text(value)) if style == "reader" else as_text(value)
    day, kind = text_of(value, "date"), value.get("type")
    day = (t.date(day) if style == "reader" else day) or t.gettext("no date")
    return day if kind is None else with_type(day, kind, t, style)


def _posted(value: Any, t: Translator) -> str:
    """A day of posting: "30 June 2012", "30 June 2012 (estimated)"."""
    day = dated({**value, "type": None} if isinstance(value, dict) else value, t, "reader")
    is_estimated = text_of(value, "type") in phrases.ESTIMATED
    return with_type(day, "ESTIMATED", t, "summary") if is_estimated else day


def with_type(text: str, kind: Any, t: Translator, style: Style) -> str:
    """A date or a count, and whether it is a plan or a fact."""
    if style == "coordinator":
        return f"{text} {as_text(kind)}"
    word = phrases.date_type(kind, t) if style == "reader" else phrases.token(kind, t)
    return f"{text} ({word})" if word else text


def place(value: Any, t: Translator | None = None) -> str:
    """A site without its status: "Hospital, City, Country"; a state only where there is no city. ``t``: the country in its language."""
    city, country = text_of(value, "city") or text_of(value, "state"), text_of(value, "country")
    return ", ".join(part for part in (text_of(value, "facility"), city, t.country(country) if t else country) if part)


def person(value: Any, t: Translator, style: Style) -> str:
    """A contact or official by name and role; phone and address are left out."""
    name, role = text_of(value, "name"), value.get("role") if isinstance(value, dict) else None
    shown = token(role, t, style) if role is not None else ""
    extra = text_of(value, "affiliation")
    return ", ".join(part for part in (name, shown, extra) if part)


def reachable(value: Any, t: Translator, style: Style) -> str:
    """A contact with phone and mail address, as the registry shows it now."""
    return ", ".join(part for part in (person(value, t, style), text_of(value, "phone"), text_of(value, "email")) if part)


def _location(value: Any, t: Translator, style: Style) -> str:
    where = place(value, t if style == "reader" else None) or t.gettext("a site without a name")
    status = value.get("status")
    return f"{where} ({token(status, t, style)})" if status is not None else where


def _enrollment(value: Any, t: Translator, style: Style) -> str:
    count, kind = value.get("count"), value.get("type")
    number = t.gettext("not stated") if count is None else as_text(count)
    if style == "reader" and kind is not None:
        return _participants(number, kind, t)
    return number if kind is None else with_type(number, kind, t, style)


def _participants(number: str, kind: Any, t: Translator) -> str:
    # A planned number is never told as people who took part.
    if kind == phrases.ACTUAL:
        return t.gettext("{number} (people who took part)").format(number=number)
    return t.gettext("{number} (planned)").format(number=number)


def _outcome(value: Any, _t: Translator, _style: Style) -> str:
    frame = text_of(value, "time_frame")
    text = text_of(value, "measure") or text_of(value, "description")
    return f"{text} ({frame})" if text and frame else text or frame


def _arm(value: Any, t: Translator, style: Style) -> str:
    name, kind = text_of(value, "label") or text_of(value, "description"), value.get("type")
    return f"{name} ({token(kind, t, style)})" if kind is not None else name


def _intervention(value: Any, t: Translator, style: Style) -> str:
    name, kind = text_of(value, "name") or text_of(value, "description"), value.get("type")
    return f"{token(kind, t, style)}: {name}" if kind is not None and name else name


def _typed(*others: str) -> Callable[[Any, Translator, Style], str]:
    """A shape of a type and some texts: "Study protocol, 2024-01-02"."""

    def shape(value: Any, t: Translator, style: Style) -> str:
        kind = value.get("type")
        parts = [] if kind is None else [token(kind, t, style)]
        return ", ".join(part for part in (*parts, *(text_of(value, other) for other in others)) if part)

    return shape


def _publication(value: Any, _t: Translator, _style: Style) -> str:
    pmid, citation = text_of(value, "pmid"), text_of(value, "citation")
    return ": ".join(part for part in (f"PMID {pmid}" if pmid else "", citation) if part)


def _expanded_access(value: Any, t: Translator, style: Style) -> str:
    trial, status = text_of(value, "trial"), value.get("status")
    if status is None:
        return trial or t.gettext("available, its record is not named")
    return f"{trial} ({token(status, t, style)})" if trial else token(status, t, style)


def _responsible(value: Any, t: Translator, style: Style) -> str:
    name, kind = text_of(value, "name"), value.get("type")
    if kind is None:
        return name
    return f"{name} ({token(kind, t, style)})" if name else token(kind, t, style)


_SHAPES: dict[str, Callable[[Any, Translator, Style], str]] = {
    "locations": _location,
    "central_contacts": person,
    "overall_officials": person,
    "enrollment": _enrollment,
    "primary_outcomes": _outcome,
    "secondary_outcomes": _outcome,
    "other_outcomes": _outcome,
    "arms": _arm,
    "interventions": _intervention,
    "results_unposted": _typed("date"),
    "documents": _typed("label", "date"),
    "publications": _publication,
    "expanded_access": _expanded_access,
    "responsible_party": _responsible,
}


class Pieces(NamedTuple):
    """A criterion that was split, or several that were merged: the pieces, and whether nothing but that happened."""

    what: Literal["split", "merged"]
    items: tuple[str, ...]
    same_words: bool


def pieces(change: Change) -> Pieces | None:
    """The pieces of a criterion that was split or merged: the engine puts each on a line of its own. ``None`` for any other change."""
    if change.field != "criteria" or not isinstance(change.before, str) or not isinstance(change.after, str):
        return None
    before, after = ([line for line in side.splitlines() if line.strip()] for side in (change.before, change.after))
    if len(before) == len(after):
        return None
    whole = bare_words(change.before) == bare_words(change.after)
    return Pieces("split", tuple(after), whole) if len(after) > len(before) else Pieces("merged", tuple(before), whole)


def differing_parts(before: Any, after: Any) -> list[str]:
    """The keys of two items in which they differ, in their order."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return []
    return [key for key in {**before, **after} if before.get(key) != after.get(key)]


def part(value: Any, key: str, t: Translator, style: Style) -> str:
    """One part of an item in words: a token of the registry, or a text."""
    inner = value.get(key) if isinstance(value, dict) else None
    if inner is None:
        return t.gettext("not stated")
    if key in ("status", "type", "role"):
        return token(inner, t, style)
    return (one_line(inner) if isinstance(inner, str) else as_text(inner)) or t.gettext("empty")
