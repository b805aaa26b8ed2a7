"""How often and how far a date has moved before, in both voices; and a single move with its sign, for coordinators."""

from __future__ import annotations

from registry_sync.notices import when
from registry_sync.notices.i18n import Translator
from registry_sync.notices.wording import moved_by
from registry_sync.trials.dates import RegistryDate, Slips
from registry_sync.trials.record import N_

_ORDINALS: tuple[str, ...] = (
    N_("first slip"), N_("second slip"), N_("third slip"), N_("fourth slip"), N_("fifth slip"),
    N_("sixth slip"), N_("seventh slip"), N_("eighth slip"), N_("ninth slip"), N_("tenth slip"),
)  # fmt: skip

_COARSER: dict[tuple[str, str], str] = {
    ("day", "month"): N_("Its precision fell from day to month."),
    ("day", "year"): N_("Its precision fell from day to year."),
    ("month", "year"): N_("Its precision fell from month to year."),
}


def signed(before: str, after: str, t: Translator) -> str:
    """One move: "+6 months", "−3 days"; empty when the date did not move."""
    shift = when.shift(before, after)
    return "" if shift is None else f"{_sign(shift.amount)}{_length(shift, t)}"


def in_brackets(slips: Slips | None, before: str, after: str, t: Translator) -> str:
    """Which move this is, and what it comes to: "third slip, +14 in total"; empty for the only one that is known.

    ``before`` and ``after`` are the dates of the move that is told; the total has its unit where it is another one.
    """
    shift = when.shift(before, after)
    if slips is None or shift is None:
        return ""
    if slips.put_back:
        return t.gettext("put back")
    if slips.times < 2:
        return ""
    if shift.amount > 0:
        which = t.gettext(_ORDINALS[slips.later - 1]) if 0 < slips.later <= len(_ORDINALS) else t.gettext("slip {n}").format(n=slips.later)
    else:
        which = t.gettext("moved {n} times").format(n=slips.times)
    total = when.shift(slips.first, slips.last)
    if total is None:
        return t.gettext("{which}, back at the first date").format(which=which)
    distance = f"{_sign(total.amount)}{abs(total.amount)}" if total.unit == shift.unit else signed(slips.first, slips.last, t)
    return t.gettext("{which}, {distance} in total").format(which=which, distance=distance)


def for_coordinators(slips: Slips | None, label: str, t: Translator) -> list[str]:
    """The sentences on all moves of a date that has moved more than once, or was only put back."""
    if slips is None:
        return []
    sentences = [t.gettext("This puts back the date of the version before; neither step is counted as a slip.")] if slips.put_back else []
    if slips.times > 1:
        moved = t.gettext("{label} has moved {n} times since {date}, the first version held: {first} → {last}")
        line = moved.format(label=label, n=slips.times, date=slips.since or t.gettext("no date"), first=slips.first, last=slips.last)
        total = signed(slips.first, slips.last, t)
        sentences.append(f"{line} ({total})." if total else f"{line}.")
        if slips.later and slips.earlier:
            sentences.append(t.gettext("Later: {later}; earlier: {earlier}.").format(later=slips.later, earlier=slips.earlier))
    return sentences


def for_readers(slips: Slips | None, t: Translator) -> tuple[str, ...]:
    """The same in plain words."""
    if slips is None:
        return ()
    if slips.put_back:
        return (t.gettext("This puts back the date that stood there before."),)
    if slips.times < 2:
        return ()
    month = t.date((slips.since or "")[:7])
    times = (
        t.gettext("It has moved {n} times since {month}.").format(n=slips.times, month=month)
        if month
        else t.gettext("It has moved {n} times so far.").format(n=slips.times)
    )
    distance = moved_by(slips.first, slips.last, t)
    if not distance:
        return (times, t.gettext("It is back at the date that it had at first."))
    return (times, t.gettext("In all, it is now {distance} than at first.").format(distance=distance))


def coarser(before: str, after: str, t: Translator) -> str:
    """ "Its precision fell from day to month."; empty when it did not fall."""
    first, second = when.parse(before), when.parse(after)
    if first is None or second is None:
        return ""
    text = _COARSER.get((_precision(first), _precision(second)))
    return t.gettext(text) if text else ""


def _precision(date: RegistryDate) -> str:
    return "year" if date.month is None else "month" if date.day is None else "day"


def _sign(amount: int) -> str:
    return "+" if amount > 0 else "−"


def _length(shift: when.Shift, t: Translator) -> str:
    n = abs(shift.amount)
    return {
        "days": t.ngettext("{n} day", "{n} days", n),
        "months": t.ngettext("{n} month", "{n} months", n),
        "years": t.ngettext("{n} year", "{n} years", n),
    }[shift.unit].format(n=n)
