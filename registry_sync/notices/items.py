"""One change as an entry of a mail: a heading, what was, what is, and which words changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from registry_sync.notices import phrases, values
from registry_sync.notices.clean import as_text, block, cut
from registry_sync.notices.i18n import Translator
from registry_sync.notices.interface import Role
from registry_sync.notices.marking import Run, marked
from registry_sync.notices.values import Style, describe
from registry_sync.notices.wording import PART_LABELS, moved_by
from registry_sync.trials.changes import Change
from registry_sync.trials.record import BY_NAME, N_

LONGEST_TEXT = 4000
"""Characters of one side of a change in a mail; the registry has the rest."""

_READER_CRITERIA: dict[tuple[str, str | None], str] = {
    ("added", "inclusion"): N_("New rule on who may take part"),
    ("added", "exclusion"): N_("New rule on who may not take part"),
    ("removed", "inclusion"): N_("A rule on who may take part is gone"),
    ("removed", "exclusion"): N_("A rule on who may not take part is gone"),
    ("changed", "inclusion"): N_("Changed rule on who may take part"),
    ("changed", "exclusion"): N_("Changed rule on who may not take part"),
    ("moved", "inclusion"): N_("This rule now says who may take part; before, it said who may not"),
    ("moved", "exclusion"): N_("This rule now says who may not take part; before, it said who may"),
    ("added", None): N_("New rule for taking part"),
    ("removed", None): N_("A rule for taking part is gone"),
    ("changed", None): N_("Changed rule for taking part"),
    ("moved", None): N_("A rule for taking part stands in another place"),
}

_CRITERIA: dict[tuple[str, str | None], str] = {
    ("added", "inclusion"): N_("Inclusion criterion added"),
    ("added", "exclusion"): N_("Exclusion criterion added"),
    ("added", None): N_("Eligibility criterion added"),
    ("removed", "inclusion"): N_("Inclusion criterion removed"),
    ("removed", "exclusion"): N_("Exclusion criterion removed"),
    ("removed", None): N_("Eligibility criterion removed"),
    ("changed", "inclusion"): N_("Inclusion criterion reworded"),
    ("changed", "exclusion"): N_("Exclusion criterion reworded"),
    ("changed", None): N_("Eligibility criterion reworded"),
    ("moved", "inclusion"): N_("Criterion moved to inclusion"),
    ("moved", "exclusion"): N_("Criterion moved to exclusion"),
    ("moved", None): N_("Criterion moved"),
}


@dataclass(frozen=True)
class Item:
    """One change. ``before`` and ``after`` are ``None`` on the side where an item of a list does not exist.

    ``runs`` holds the marked words where both sides are running text, else it is empty. ``note`` says how far a date moved.
    """

    heading: str
    before: str | None
    after: str | None
    runs: tuple[Run, ...] = ()
    note: str = ""

    @property
    def before_runs(self) -> tuple[Run, ...]:
        """What was, with the words that went marked."""
        return tuple(run for run in self.runs if run[1] != "added")

    @property
    def after_runs(self) -> tuple[Run, ...]:
        """What is, with the words that came marked."""
        return tuple(run for run in self.runs if run[1] != "removed")


def item(change: Change, role: Role, t: Translator) -> Item:
    """The entry of one change, in the recipient's voice."""
    style: Style = "reader" if role == "reader" else "coordinator"
    heading = _heading(change, role, t)
    if isinstance(change.before, str) and isinstance(change.after, str) and _is_running_text(change):
        return _reworded(heading, change.before, change.after)
    before = None if change.before is None and change.operation != "changed" else _side(change, change.before, t, style, gone=True)
    after = None if change.after is None and change.operation != "changed" else _side(change, change.after, t, style, gone=False)
    if before is not None and before == after:
        before, after = _hidden_parts(change, before, t, style)
    return Item(heading, before, after, note=moved_by(change.before, change.after, t) if _is_date(change) else "")


def _reworded(heading: str, before: str, after: str) -> Item:
    first, second = cut(block(before), LONGEST_TEXT), cut(block(after), LONGEST_TEXT)
    if first == second:
        return Item(heading, first, second)
    return Item(heading, first, second, runs=tuple(marked(first, second)))


def _heading(change: Change, role: Role, t: Translator) -> str:
    if change.field == "criteria":
        table = _READER_CRITERIA if role == "reader" else _CRITERIA
        group = change.group if change.group in ("inclusion", "exclusion") else None
        return t.gettext(table[change.operation, group])
    label = phrases.reader_label if role == "reader" else phrases.label
    name = label(change.field, change.topic, t)
    templates = {
        "added": t.gettext("{label}: added"),
        "removed": t.gettext("{label}: no longer listed"),
        "moved": t.gettext("{label}: moved"),
    }
    return templates[change.operation].format(label=name) if change.operation in templates else name


def _side(change: Change, value: Any, t: Translator, style: Style, *, gone: bool) -> str:
    """A side in words. A contact that was taken down is named without its number; what is listed now has all."""
    if change.field == "central_contacts" and isinstance(value, dict):
        text = values.person(value, t, style) if gone else values.reachable(value, t, style)
        return text or t.gettext("a contact without a name")
    if isinstance(value, str) and _is_running_text(change):
        return cut(block(value), LONGEST_TEXT) or t.gettext("empty")
    return cut(describe(change.field, value, t, style), LONGEST_TEXT)


def _hidden_parts(change: Change, shown: str, t: Translator, style: Style) -> tuple[str, str]:
    """Both sides read the same: name the parts that differ, so that nobody looks for a change that is not seen."""
    parts = [key for key in values.differing_parts(change.before, change.after) if key not in ("contacts", "phone", "email")]
    if not parts:
        names = [t.gettext(PART_LABELS[key]) for key in values.differing_parts(change.before, change.after) if key in PART_LABELS]
        return shown, f"{shown} ({t.gettext('changed: {parts}').format(parts=', '.join(names))})" if names else shown
    sides = []
    for value in (change.before, change.after):
        told = [f"{t.gettext(PART_LABELS[k]) if k in PART_LABELS else as_text(k)}: {values.part(value, k, t, style)}" for k in parts]
        sides.append(cut(f"{shown}; {'; '.join(told)}", LONGEST_TEXT))
    return sides[0], sides[1]


def _is_running_text(change: Change) -> bool:
    if change.field == "criteria":
        return True
    field = BY_NAME.get(change.field)
    return field is not None and field.kind in ("text", "prose") and change.field not in values.AGES


def _is_date(change: Change) -> bool:
    return change.field in BY_NAME and BY_NAME[change.field].kind in ("date", "dated")
