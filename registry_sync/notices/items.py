"""One change as an entry of a mail: a heading, what was, what is, and which words changed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from registry_sync.notices import duties, english, listings, mergers, phrases, slipped, values, windows
from registry_sync.notices.clean import as_text, block, text_of
from registry_sync.notices.i18n import Translator
from registry_sync.notices.interface import Role
from registry_sync.notices.marking import Run, marked
from registry_sync.notices.values import Style, describe
from registry_sync.notices.wording import PART_LABELS, moved_by
from registry_sync.trials.changes import Change
from registry_sync.trials.dates import Slips
from registry_sync.trials.record import BY_NAME, N_

_MARKED_ITEMS = frozenset({"arms", "interventions", "primary_outcomes", "secondary_outcomes", "other_outcomes", "publications"})
"""Items of lists that are running text for the most part: their changed words are marked, too."""

_FREE_PARTS = frozenset({"citation", "description", "label", "measure", "time_frame"})
"""Parts of an item in the trial team's own words."""

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
    ``is_cut``: the text is longer than what is shown of it. ``entries``: what each of two entries says that were merged, where that is
    not the same: neither was before the other. ``own``: words in all of these that are the registry's (see ``english``).
    """

    heading: str
    before: str | None
    after: str | None
    runs: tuple[Run, ...] = ()
    note: str = ""
    is_cut: bool = False
    entries: tuple[str, ...] = ()
    own: tuple[str, ...] = field(default=(), compare=False)

    @property
    def before_runs(self) -> tuple[Run, ...]:
        """What was, with the words that went marked."""
        return tuple(run for run in self.runs if run[1] != "added")

    @property
    def after_runs(self) -> tuple[Run, ...]:
        """What is, with the words that came marked."""
        return tuple(run for run in self.runs if run[1] != "removed")


_PIECES: dict[tuple[str, str, str | None], str] = {
    ("reader", "split", "inclusion"): N_("One rule on who may take part is now written as several"),
    ("reader", "split", "exclusion"): N_("One rule on who may not take part is now written as several"),
    ("reader", "split", None): N_("One rule for taking part is now written as several"),
    ("reader", "merged", "inclusion"): N_("Several rules on who may take part are now written as one"),
    ("reader", "merged", "exclusion"): N_("Several rules on who may not take part are now written as one"),
    ("reader", "merged", None): N_("Several rules for taking part are now written as one"),
    ("coordinator", "split", "inclusion"): N_("Inclusion criterion split"),
    ("coordinator", "split", "exclusion"): N_("Exclusion criterion split"),
    ("coordinator", "split", None): N_("Eligibility criterion split"),
    ("coordinator", "merged", "inclusion"): N_("Inclusion criteria merged"),
    ("coordinator", "merged", "exclusion"): N_("Exclusion criteria merged"),
    ("coordinator", "merged", None): N_("Eligibility criteria merged"),
}
_MOST_ROWS = 12
_BULLET = "\u2022 "


def item(change: Change, role: Role, t: Translator, slips: Slips | None = None) -> Item:
    """The entry of one change, in the recipient's voice. ``slips``: how this date has moved before, where it is to be told here."""
    return replace(_item(change, role, t, slips), own=english.own(t, change.before, change.after, change.detail))


def _item(change: Change, role: Role, t: Translator, slips: Slips | None) -> Item:
    style: Style = "reader" if role == "reader" else "coordinator"
    if change.topic == listings.TOPIC:
        return _listing(change, t, style)
    if change.topic == duties.TOPIC and change.detail is not None:
        return _duty(change, t)
    heading = _heading(change, role, t)
    entries = mergers.sides(change, t, style)
    if entries:
        return Item(mergers.heading(heading, t), None, None, entries=entries)
    before = None if change.before is None and change.operation != "changed" else _side(change, change.before, t, style, gone=True)
    after = None if change.after is None and change.operation != "changed" else _side(change, change.after, t, style, gone=False)
    if change.topic == "registry" and change.after == "found":
        before = None  # it may have been in the registry for years
    if before is None or after is None or change.before is None or change.after is None:
        return _one_sided(heading, before, after)
    if before == after and change.field in values.AGES:
        return Item(heading, as_text(change.before), as_text(change.after))  # in another spelling
    pieces = values.pieces(change)
    if pieces is not None:
        before, after = _bulleted(before), _bulleted(after)
        if pieces.same_words and max(len(before), len(after)) <= windows.MOST_SHOWN:
            return Item(heading, before, after)
    before, after = _with_hidden_parts(change, before, after, t, style)
    if _is_marked(change) or max(len(before), len(after)) > windows.LONG_TEXT:
        return _reworded(change, heading, before, after, t)
    return Item(heading, before, after, note=_moves(change, role, t, slips) if _is_date(change) else "")


def _listing(change: Change, t: Translator, style: Style) -> Item:
    """A page with its address, how it stood and how it stands, and what either says."""
    address = as_text(getattr(change, "source", ""))
    states = [None if word is None else phrases.token(as_text(word), t) for word in (change.before, change.after)]
    rows = listings.rows(change, t, style, _MOST_ROWS)
    after = "\n".join(filter(None, (states[1], *rows, address)))
    return Item(listings.name(change, t), states[0], after)


def _duty(change: Change, t: Translator) -> Item:
    """What is owed, how it stood and how it stands, by when, by which rule, and what shows it."""
    states = [None if word is None else phrases.token(as_text(word), t) for word in (change.before, change.after)]
    after = "\n".join(filter(None, (states[1], *duties.rows(change, t))))
    return Item(duties.name(change, t), states[0], after)


def _bulleted(side: str) -> str:
    """Each rule of a side on a line with a bullet, so that one is told from two."""
    return "\n".join(f"{_BULLET}{line}" for line in side.splitlines())


def _is_marked(change: Change) -> bool:
    if isinstance(change.before, str) and isinstance(change.after, str):
        return _is_running_text(change)
    return change.field in _MARKED_ITEMS and isinstance(change.before, dict) and isinstance(change.after, dict)


def _reworded(change: Change, heading: str, before: str, after: str, t: Translator) -> Item:
    if before == after:
        text, is_cut = windows.beginning(before)
        unseen = t.gettext("The two texts differ in signs that are not seen.") if change.operation == "changed" else ""
        return Item(heading, text, text, note=unseen, is_cut=is_cut)
    view = windows.around(marked(before, after))
    cut_item = Item(heading, None, None, runs=view.runs)
    first, second = ("".join(text for text, _ in side) for side in (cut_item.before_runs, cut_item.after_runs))
    return Item(heading, first or t.gettext("empty"), second or t.gettext("empty"), runs=view.runs, is_cut=view.is_cut)


def _one_sided(heading: str, before: str | None, after: str | None) -> Item:
    """What came or went as a whole; a very long one is shown from its beginning."""
    shown = [None if side is None else windows.beginning(side) for side in (before, after)]
    texts = [None if side is None else side[0] for side in shown]
    return Item(heading, texts[0], texts[1], is_cut=any(side is not None and side[1] for side in shown))


def _moves(change: Change, role: Role, t: Translator, slips: Slips | None) -> str:
    """ "6 months later", and how often the date has moved."""
    moved = moved_by(change.before, change.after, t)
    if not moved or slips is None:
        return moved
    if role == "reader":
        return " ".join((f"{moved}.", *slipped.for_readers(slips, t))) if slips.times > 1 or slips.put_back else moved
    brackets = slipped.in_brackets(slips, text_of(change.before, "date"), text_of(change.after, "date"), t)
    return f"{moved}; {brackets}" if brackets else moved


def _heading(change: Change, role: Role, t: Translator) -> str:
    if change.field == "criteria":
        table = _READER_CRITERIA if role == "reader" else _CRITERIA
        group = change.group if change.group in ("inclusion", "exclusion") else None
        pieces = values.pieces(change)
        if pieces is not None:
            return t.gettext(_PIECES[role, pieces.what, group])
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
        return block(value) or t.gettext("empty")
    return describe(change.field, value, t, style)


def _with_hidden_parts(change: Change, before: str, after: str, t: Translator, style: Style) -> tuple[str, str]:
    """Both sides with the parts that differ and are not in them, so that nobody looks for a change that is not seen."""
    differing = values.differing_parts(change.before, change.after)
    if before != after:
        parts = [key for key in differing if key in _FREE_PARTS and not _shows(change, before, after, key)]
    else:
        parts = [key for key in differing if key not in values.UNTOLD_PARTS]
    if parts:
        return _with_parts(change.before, before, parts, t, style), _with_parts(change.after, after, parts, t, style)
    names = [t.gettext(PART_LABELS[key]) for key in differing if key in PART_LABELS]
    if before != after or not names:
        return before, after
    told = t.gettext("changed: {parts}").format(parts=", ".join(names))
    return before, f"{after} ({told})"


def _shows(change: Change, before: str, after: str, key: str) -> bool:
    """Is this part's text in one of the two sides as they are shown?"""
    first, second = text_of(change.before, key), text_of(change.after, key)
    return bool((first and first in before) or (second and second in after))


def _with_parts(value: Any, shown: str, parts: list[str], t: Translator, style: Style) -> str:
    told = (f"{t.gettext(PART_LABELS[key]) if key in PART_LABELS else as_text(key)}: {values.part(value, key, t, style)}" for key in parts)
    return "; ".join((shown, *told))


def _is_running_text(change: Change) -> bool:
    if change.field == "criteria":
        return True
    known = BY_NAME.get(change.field)
    return known is not None and known.kind in ("text", "prose") and change.field not in values.AGES


def _is_date(change: Change) -> bool:
    return change.field in BY_NAME and BY_NAME[change.field].kind in ("date", "dated")
