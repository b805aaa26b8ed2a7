"""What two entries that the registry merged do not say alike: told as a difference between two entries, never as a change of a trial."""

from __future__ import annotations

from collections.abc import Sequence

from registry_sync.notices import phrases
from registry_sync.notices.clean import as_text
from registry_sync.notices.i18n import Translator
from registry_sync.notices.reader_status import Words
from registry_sync.notices.said import STATUS, At
from registry_sync.notices.values import Style, describe
from registry_sync.trials import presence
from registry_sync.trials.changes import Change, KeptChange


def heading(label: str, t: Translator) -> str:
    """What is not the same."""
    return t.gettext("{label}: not the same in the two entries that were merged").format(label=label)


def sides(change: Change, t: Translator, style: Style) -> tuple[str, ...]:
    """What either entry says, with its number; empty for a change that is one."""
    ids = presence.entries(change)
    values = (change.before, change.after)
    return tuple(f"{trial}: {describe(change.field, value, t, style)}" for trial, value in zip(ids, values, strict=True)) if ids else ()


def heading_of_all(told: Sequence[KeptChange], t: Translator) -> str:
    """What stands above changes none of which is one of the trial; empty where one is."""
    every = all(presence.entries(change) or presence.is_merger(change) for change in told)
    return t.gettext("What the registry shows") if every and any(map(presence.entries, told)) else ""


def differing(at: At) -> list[KeptChange]:
    """Where two entries differ, the status before all else, when that, or that they were merged, heads the story; else nothing."""
    found = [change for change in at.told if presence.entries(change)]
    if not found or not (presence.entries(at.head) or presence.is_merger(at.head)):
        return []
    return sorted(found, key=lambda change: (change.field != STATUS, change.id))


def of_it(at: At) -> int:
    """How many of the told changes ``differing`` and the merger itself are."""
    return sum(presence.entries(change) is not None or presence.is_merger(change) for change in at.told)


def for_readers(change: KeptChange, t: Translator) -> Words:
    """Subject and first sentences; the subject still has its ``{trial}``."""
    old, new = presence.entries(change) or (change.trial, change.trial)
    says = t.gettext("{old} was merged into another entry, {new}.").format(old=old, new=new)
    only = t.gettext("This is a difference between two entries. It does not tell that anything has changed in the trial itself.")
    if change.field != STATUS:
        subject = t.gettext("A trial you follow was merged into an entry that does not say the same ({trial})")
        return Words(subject, says, (t.gettext("What either of the two says stands below."), only))
    before, after = (describe(STATUS, value, t, "reader") for value in (change.before, change.after))
    stand = t.gettext("{old} said last: {before}. {new} says: {after}.").format(old=old, new=new, before=before, after=after)
    return Words(t.gettext("A trial you follow was merged into an entry with another status ({trial})"), says, (stand, only))


def for_coordinators(change: KeptChange, t: Translator) -> tuple[str, tuple[str, ...]]:
    """The subject's middle and the sentences."""
    old, new = presence.entries(change) or (change.trial, change.trial)
    label = phrases.label(change.field, change.topic, t)
    says = t.gettext("{old} was merged into {new}.").format(old=old, new=new)
    only = t.gettext("This is a difference between the two records, not a change of either.")
    if change.field != STATUS:
        differs = t.gettext("{label}: not the same in the two.").format(label=label)
        return t.gettext("merged into {new}, {label} not the same").format(new=new, label=label), (says, differs, only)
    before, after = (t.gettext("not stated") if value is None else as_text(value) for value in (change.before, change.after))
    stand = t.gettext("{label}: {old} {before}, {new} {after}.").format(label=label, old=old, before=before, new=new, after=after)
    what = t.gettext("merged into {new}, which says {after} and not {before}").format(new=new, after=after, before=before)
    return what, (says, stand, only)
