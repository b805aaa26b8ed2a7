"""A change -> the one line that mail, page, feed and terminal all show.

``summary`` is made of the change's own keys whenever it is shown, and stored nowhere. English needs no catalogue and no
Babel, so that a list of thousands of changes stays quick.
"""

from __future__ import annotations

from typing import Any

from registry_sync.notices import duties, listings, mergers, phrases, values, when
from registry_sync.notices.clean import as_text, cut, one_line
from registry_sync.notices.i18n import Translator, translator
from registry_sync.notices.marking import excerpts
from registry_sync.notices.values import describe
from registry_sync.trials.changes import Change
from registry_sync.trials.record import BY_NAME, N_

LONGEST = 300
"""Characters of a summary."""

_LONGEST_SIDE = 100
_LONGEST_NAME = 60
_TEXT_KINDS = frozenset({"text", "prose"})

CRITERION_LINES: dict[tuple[str, str | None], str] = {
    ("added", "inclusion"): N_("Inclusion criterion added: {text}"),
    ("added", "exclusion"): N_("Exclusion criterion added: {text}"),
    ("added", None): N_("Eligibility criterion added: {text}"),
    ("removed", "inclusion"): N_("Inclusion criterion removed: {text}"),
    ("removed", "exclusion"): N_("Exclusion criterion removed: {text}"),
    ("removed", None): N_("Eligibility criterion removed: {text}"),
    ("changed", "inclusion"): N_("Inclusion criterion reworded: “{before}” → “{after}”"),
    ("changed", "exclusion"): N_("Exclusion criterion reworded: “{before}” → “{after}”"),
    ("changed", None): N_("Eligibility criterion reworded: “{before}” → “{after}”"),
    ("moved", "inclusion"): N_("Criterion moved to inclusion: {text}"),
    ("moved", "exclusion"): N_("Criterion moved to exclusion: {text}"),
    ("moved", None): N_("Criterion moved: {text}"),
}

PIECES_LINES: dict[tuple[str, str | None], str] = {
    ("split", "inclusion"): N_("Inclusion criterion split: {text}"),
    ("split", "exclusion"): N_("Exclusion criterion split: {text}"),
    ("split", None): N_("Eligibility criterion split: {text}"),
    ("merged", "inclusion"): N_("Inclusion criteria merged: {text}"),
    ("merged", "exclusion"): N_("Exclusion criteria merged: {text}"),
    ("merged", None): N_("Eligibility criteria merged: {text}"),
}
"""One item became several, or several one, in the same words."""

ITEM_LINES: dict[str, tuple[str, str, str]] = {
    # added, removed, changed
    "locations": (N_("Site added: {text}"), N_("Site no longer listed: {text}"), N_("Site changed: {text}")),
    "central_contacts": (
        N_("Central contact added: {text}"), N_("Central contact no longer listed: {text}"), N_("Central contact changed: {text}"),
    ),
    "overall_officials": (
        N_("Overall official added: {text}"), N_("Overall official no longer listed: {text}"), N_("Overall official changed: {text}"),
    ),
    "arms": (N_("Arm added: {text}"), N_("Arm removed: {text}"), N_("Arm changed: {text}")),
    "interventions": (N_("Intervention added: {text}"), N_("Intervention removed: {text}"), N_("Intervention changed: {text}")),
    "primary_outcomes": (N_("Primary outcome added: {text}"), N_("Primary outcome removed: {text}"), N_("Primary outcome changed: {text}")),
    "secondary_outcomes": (
        N_("Secondary outcome added: {text}"), N_("Secondary outcome removed: {text}"), N_("Secondary outcome changed: {text}"),
    ),
    "other_outcomes": (N_("Other outcome added: {text}"), N_("Other outcome removed: {text}"), N_("Other outcome changed: {text}")),
    "results_unposted": (
        N_("Results event, not posted, added: {text}"),
        N_("Results event, not posted, removed: {text}"),
        N_("Results event, not posted, changed: {text}"),
    ),
    "documents": (N_("Study document added: {text}"), N_("Study document removed: {text}"), N_("Study document changed: {text}")),
    "publications": (N_("Publication added: {text}"), N_("Publication removed: {text}"), N_("Publication changed: {text}")),
    "secondary_ids": (N_("Secondary id added: {text}"), N_("Secondary id removed: {text}"), N_("Secondary id changed: {text}")),
    "collaborators": (N_("Collaborator added: {text}"), N_("Collaborator removed: {text}"), N_("Collaborator changed: {text}")),
    "conditions": (N_("Condition added: {text}"), N_("Condition removed: {text}"), N_("Condition changed: {text}")),
    "keywords": (N_("Keyword added: {text}"), N_("Keyword removed: {text}"), N_("Keyword changed: {text}")),
}  # fmt: skip

PART_LABELS: dict[str, str] = {
    "affiliation": N_("affiliation"),
    "citation": N_("citation"),
    "city": N_("city"),
    "contacts": N_("contacts"),
    "country": N_("country"),
    "date": N_("date"),
    "description": N_("description"),
    "email": N_("mail address"),
    "facility": N_("name"),
    "label": N_("label"),
    "measure": N_("measure"),
    "name": N_("name"),
    "phone": N_("telephone"),
    "pmid": N_("PubMed id"),
    "role": N_("role"),
    "state": N_("state"),
    "status": N_("status"),
    "time_frame": N_("time frame"),
    "type": N_("type"),
    "zip": N_("postal code"),
}


def summary(change: Change, language: str = "en") -> str:
    """The change on one line, such as "Recruitment status: Recruiting → Active, not recruiting".

    At most 300 characters, never empty, no control characters; any JSON value before and after is taken.
    """
    return cut(one_line(_line(change, translator(language))), LONGEST) or "?"


def moved_by(before: Any, after: Any, t: Translator) -> str:
    """How far a date moved, in words: "6 months later"; empty when it did not."""
    shift = when.shift(_date(before), _date(after))
    if shift is None:
        return ""
    n = abs(shift.amount)
    later = shift.amount > 0
    if shift.unit == "days":
        text = t.ngettext("{n} day later", "{n} days later", n) if later else t.ngettext("{n} day earlier", "{n} days earlier", n)
    elif shift.unit == "months":
        text = t.ngettext("{n} month later", "{n} months later", n) if later else t.ngettext("{n} month earlier", "{n} months earlier", n)
    else:
        text = t.ngettext("{n} year later", "{n} years later", n) if later else t.ngettext("{n} year earlier", "{n} years earlier", n)
    return text.format(n=n)


def _line(change: Change, t: Translator) -> str:
    if change.field == "criteria":
        return _criterion(change, t)
    field = BY_NAME.get(change.field)
    if field is not None and (field.is_list or change.operation != "changed"):
        return _item(change, t)
    label = phrases.label(change.field, change.topic, t)
    entries = mergers.sides(change, t, "summary")
    if entries:
        return f"{mergers.heading(label, t)} ({'; '.join(entries)})"
    texts = isinstance(change.before, str) and isinstance(change.after, str)
    if field is not None and texts and _is_text(change.field):
        return _reworded(label, change.before, change.after, prose=field.kind == "prose", t=t)
    if field is not None and field.kind == "dated":
        return _dated(label, change, t)
    before, after = _side(change, change.before, t), _side(change, change.after, t)
    if change.topic == listings.TOPIC and change.detail is not None:
        return listings.summary(change, t)
    if change.topic == duties.TOPIC and change.detail is not None:
        return duties.summary(change, t)
    if change.topic == "registry" and change.after == "found":
        return f"{label}: {after}"  # it may have been in the registry for years
    if before == after:
        before, after = as_text(change.before), as_text(change.after)  # an age in another spelling
    line = f"{label}: {before} → {after}"
    moved = moved_by(change.before, change.after, t) if field is not None and field.kind == "date" else ""
    return f"{line}, {moved}" if moved else line


def _criterion(change: Change, t: Translator) -> str:
    group = change.group if change.group in ("inclusion", "exclusion") else None
    line = t.gettext(CRITERION_LINES[change.operation, group])
    pieces = values.pieces(change)
    if pieces is not None and pieces.same_words:
        return t.gettext(PIECES_LINES[pieces.what, group]).format(text=" | ".join(map(as_text, pieces.items)))
    if change.operation == "changed":
        before, after = excerpts(as_text(change.before), as_text(change.after), _LONGEST_SIDE)
        return line.format(before=before, after=after) + _unseen(before, after, t)
    value = change.after if change.after is not None else change.before
    return line.format(text=as_text(value))


def _item(change: Change, t: Translator) -> str:
    fallback = (N_("{label}: added: {text}"), N_("{label}: removed: {text}"), N_("{label}: changed: {text}"))
    lines = ITEM_LINES.get(change.field, fallback)
    label = phrases.label(change.field, change.topic, t)
    if change.operation == "added":
        return t.gettext(lines[0]).format(label=label, text=_side(change, change.after, t))
    if change.operation == "removed":
        return t.gettext(lines[1]).format(label=label, text=_side(change, change.before, t))
    return t.gettext(lines[2]).format(label=label, text=_item_changed(change, t))


def _item_changed(change: Change, t: Translator) -> str:
    """What differs inside an item: its status alone, other parts by name, or both whole items."""
    parts = values.differing_parts(change.before, change.after)
    name = values.place(change.after) if change.field == "locations" else _side(change, change.after, t)
    if not parts:
        before, after = excerpts(_side(change, change.before, t), _side(change, change.after, t), _LONGEST_SIDE)
        return f"{before} → {after}"
    told = [_part(change, key, t) for key in parts]
    return f"{cut(name, _LONGEST_NAME if len(told[0]) > _LONGEST_SIDE else _LONGEST_SIDE)}: {'; '.join(told)}"


def _part(change: Change, key: str, t: Translator) -> str:
    name = t.gettext(PART_LABELS[key]) if key in PART_LABELS else one_line(key)
    if key in values.UNTOLD_PARTS:
        return name
    before, after = (values.part(value, key, t, "summary") for value in (change.before, change.after))
    before, after = excerpts(before, after, _LONGEST_SIDE)
    return f"{name}: {before} → {after}"


def _reworded(label: str, before: str, after: str, *, prose: bool, t: Translator) -> str:
    first, second = excerpts(one_line(before), one_line(after), _LONGEST_SIDE)
    line = N_("{label} reworded: “{before}” → “{after}”") if prose else N_("{label}: “{before}” → “{after}”")
    return t.gettext(line).format(label=label, before=first, after=second) + _unseen(first, second, t)


def _unseen(before: str, after: str, t: Translator) -> str:
    """A difference in signs that are not shown, such as marks of direction, is said, so that nobody looks for it."""
    unseen = t.gettext("signs that are not seen differ")
    return f" ({unseen})" if before == after else ""


def _dated(label: str, change: Change, t: Translator) -> str:
    """ "Study completion: 2025-12-31 → 2026-06-30 (estimated), 6 months later"; the type once where it stayed."""
    before, after = change.before, change.after
    alike = isinstance(before, dict) and isinstance(after, dict) and before.get("type") == after.get("type")
    first = values.dated({"date": before.get("date")}, t, "summary") if alike else _side(change, before, t)
    line = f"{label}: {first} → {_side(change, after, t)}"
    moved = moved_by(before, after, t)
    return f"{line}, {moved}" if moved else line


def _side(change: Change, value: Any, t: Translator) -> str:
    text = describe(change.field, value, t)
    if value is not None and _is_text(change.field):
        return f"“{cut(text, _LONGEST_SIDE)}”"
    return text


def _is_text(field: str) -> bool:
    return field in BY_NAME and BY_NAME[field].kind in _TEXT_KINDS and field not in values.AGES


def _date(value: Any) -> Any:
    return value.get("date") if isinstance(value, dict) else value
