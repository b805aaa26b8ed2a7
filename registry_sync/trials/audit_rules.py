"""How each field of a listing is compared with the registry's: one rule for each, leniently, since a false alarm costs trust."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from registry_sync.trials import audit_criteria, audit_places
from registry_sync.trials.align import SAME_ITEM, likeness
from registry_sync.trials.audit_text import Words, holds, is_cut, name, read, telling
from registry_sync.trials.listing import Listing
from registry_sync.trials.record import Dated, Enrollment, Intervention, Record, plain
from registry_sync.trials.text import key
from registry_sync.trials.verdicts import Difference, Judgement, Past, Word, earlier, fell_behind

_Same = Callable[[Record, Listing], bool]
_Otherwise = Callable[[Listing, Sequence[Past]], Judgement]
_UNKNOWN = "UNKNOWN"
_YEARS_UNTIL_UNKNOWN = 2
_LEAST_WORDS = 3
_MOST_WRONG_WORDS = 2
_LONGEST_ABBREVIATION = 5
_MOST_NAMES_IN_A_LINE = 12
_STEM = 5
"""Letters by which two words are of one kind: "diabetes", "diabetic"."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """How one field is compared.

    ``same``: does the listing say what this version says? ``looked_at``: the part of a record on which that depends (the field, where
    it is not given). ``otherwise``: the verdict when no version agrees. ``silence``: the verdict when the listing states what no
    version ever stated. ``registration``: it may differ in another registration of the trial (its texts, date and numbers).
    ``differences``: what differs from a version, item by item. ``if_stated``: there is a row only where the listing states it.
    ``together``: are these all items of a version, one after the other without a sign between them?
    """

    field: str
    same: _Same
    looked_at: Callable[[Record], Any] | None = None
    otherwise: _Otherwise | None = None
    silence: Word = "incomparable"
    registration: bool = False
    differences: Callable[[Record, Listing], tuple[Difference, ...]] | None = None
    if_stated: bool = False
    together: Callable[[Record, str], bool] | None = None

    def part(self, record: Record) -> Any:
        """What a version is told from its neighbours by."""
        return self.looked_at(record) if self.looked_at else getattr(record, self.field)


def is_stated(value: Any) -> bool:
    """Does this value of a field say anything?"""
    if isinstance(value, Dated):
        return value.date is not None
    if isinstance(value, Enrollment):
        return value.count is not None
    return value is not None and value != () and not (isinstance(value, str) and not value.strip())


# --- single values ---------------------------------------------------------------------------------------------------------


def _same_status(record: Record, listing: Listing) -> bool:
    return record.overall_status is not None and record.overall_status in statuses(listing)


def statuses(listing: Listing) -> tuple[str, ...]:
    """The registry's tokens that the listing's status may mean."""
    one = listing.record.overall_status
    return (one,) if one is not None else listing.statuses


def _other_status(listing: Listing, past: Sequence[Past]) -> Judgement:
    """UNKNOWN hides what the registry said before, though no version held may show it."""
    for place in range(len(past) - 1, -1, -1):
        record = past[place].record
        was = record.last_known_status if record.overall_status == _UNKNOWN else None
        if was is not None and was in statuses(listing):
            return Judgement(verdict="outdated", since=_became_unknown(past, place), was=was)
    return Judgement(verdict="contradicts")


def _became_unknown(past: Sequence[Past], place: int) -> str:
    """The day on which the registry gave up the status that version ``place`` hides, as far back as the versions held reach.

    The registry takes this step by itself, two years after the status was last verified; where no earlier version tells the day, it
    is that one, or the day of the completion where that came later; else the version's own.
    """
    while place and past[place - 1].record.overall_status == _UNKNOWN:
        place -= 1
    if place:
        return fell_behind(past, place - 1)
    version, seen = past[0], past[0].seen_at[:10]
    verified, completion = _day(version.record.status_verified_date), _day(version.record.completion_date)
    if verified:
        turned = max(f"{int(verified[:4]) + _YEARS_UNTIL_UNKNOWN:04}{verified[4:]}", completion)
        if (version.registry_date or "")[: len(turned)] <= turned <= seen:
            return turned
    return version.registry_date or seen


def _exactly(field: str) -> _Same:
    def same(record: Record, listing: Listing) -> bool:
        return bool(getattr(record, field) == getattr(listing.record, field))

    return same


def _same_date(field: str) -> _Same:
    """The coarser of the two decides, and no type: a plan that came true on its day is the same day."""

    def same(record: Record, listing: Listing) -> bool:
        first, second = sorted((_day(getattr(record, field)), _day(getattr(listing.record, field))), key=len)
        return bool(first) and (first == second or second.startswith(first + "-"))

    return same


def _day(value: Dated | str | None) -> str:
    return (value.date if isinstance(value, Dated) else value) or ""


def _same_age(field: str) -> _Same:
    def same(record: Record, listing: Listing) -> bool:
        first, second = getattr(record, field), getattr(listing.record, field)
        if field in listing.unlimited:
            return not is_stated(first)
        return first is not None and _age(first) == _age(second)

    return same


_AGE = re.compile(r"([0-9]{1,6}) ?(year|month|week|day|hour|minute)s?(?: old| of age)?", re.IGNORECASE)
_IN_MONTHS = {"year": 12, "month": 1}
_IN_MINUTES = {"week": 7 * 24 * 60, "day": 24 * 60, "hour": 60, "minute": 1}


def _age(text: str) -> tuple[str, int] | Words:
    """An age in months, or in minutes where its unit is no number of months."""
    found = _AGE.fullmatch(key(text))
    if found is None:
        return read(text)
    number, unit = int(found[1]), found[2].lower()
    return ("months", number * _IN_MONTHS[unit]) if unit in _IN_MONTHS else ("minutes", number * _IN_MINUTES[unit])


def _same_count(record: Record, listing: Listing) -> bool:
    first, second = record.enrollment, listing.record.enrollment
    return first is not None and second is not None and first.count == second.count


def _same_phases(record: Record, listing: Listing) -> bool:
    first, second = (set(side.phases or ()) - {"NA"} for side in (record, listing.record))
    return first == second


# --- texts -----------------------------------------------------------------------------------------------------------------


def _titles(record: Record, field: str) -> list[str]:
    """The titles that a listing may show as this one, this one first: a page shows one of the two, seldom both."""
    first, second = ("brief_title", "official_title") if field == "brief_title" else ("official_title", "brief_title")
    return [title for title in (getattr(record, first), getattr(record, second)) if title]


def _same_title(field: str) -> _Same:
    """The brief or the official title, with the acronym behind it or without."""

    def same(record: Record, listing: Listing) -> bool:
        mine, acronym = read(getattr(listing.record, field) or ""), read(record.acronym or "")
        return (bool(acronym) and mine == acronym) or any(
            mine in (title, title + acronym) or mine + acronym == title for title in map(read, _titles(record, field))
        )

    return same


def _other_title(field: str) -> _Otherwise:
    def otherwise(listing: Listing, past: Sequence[Past]) -> Judgement:
        mine = getattr(listing.record, field) or ""
        titles = _titles(past[-1].record, field)
        if any(
            telling(title) == telling(mine) or (len(read(title)) >= _LEAST_WORDS and holds(read(mine), read(title))) for title in titles
        ):
            return Judgement(verdict="agrees")
        if any(
            is_cut(mine, title) or (len(read(mine)) >= _LEAST_WORDS and read(title)[: len(read(mine))] == read(mine)) for title in titles
        ):
            return Judgement(verdict="incomparable", reason="cut off")
        if any(likeness(read(title), read(mine)) >= SAME_ITEM and not _is_retold(title, mine) for title in titles):
            return Judgement(verdict="contradicts")
        return Judgement(verdict="incomparable", reason="in words of its own")

    return otherwise


def _is_retold(title: str, mine: str) -> bool:
    """Is this a title in other words, or a shorter one? A wrong one has a word or two instead of others."""
    theirs, said = Counter(telling(title)), Counter(telling(mine))
    return not said - theirs or max((theirs - said).total(), (said - theirs).total()) > _MOST_WRONG_WORDS


def _same_sponsor(record: Record, listing: Listing) -> bool:
    return name(record.lead_sponsor or "") == name(listing.record.lead_sponsor or "")


def _other_sponsor(listing: Listing, past: Sequence[Past]) -> Judgement:
    """A country or a department behind the name, or its initials, say the same."""
    now, said = past[-1].record.lead_sponsor or "", listing.record.lead_sponsor or ""
    theirs, mine = name(now), name(said)
    initials = {"".join(word[0] for word in words if word not in ("of", "for", "the", "and")) for words in (theirs, mine)}
    if holds(theirs, mine) or holds(mine, theirs) or any(words in [(short,) for short in initials] for words in (theirs, mine)):
        return Judgement(verdict="agrees")
    if is_cut(said, now):
        return Judgement(verdict="incomparable", reason="cut off")
    alike = likeness(theirs, mine) >= SAME_ITEM
    return Judgement(verdict="incomparable", reason="spelled otherwise") if alike else Judgement(verdict="contradicts")


# --- lists of names --------------------------------------------------------------------------------------------------------


def _text(item: str | Intervention) -> str:
    return item if isinstance(item, str) else item.name or ""


def _names(record: Record, field: str) -> dict[Words, Any]:
    return {read(_text(item)): item for item in getattr(record, field) or ()}


def _same_names(field: str) -> _Same:
    def same(record: Record, listing: Listing) -> bool:
        return _names(record, field).keys() == _names(listing.record, field).keys()

    return same


def _name_differences(field: str) -> Callable[[Record, Listing], tuple[Difference, ...]]:
    def differences(record: Record, listing: Listing) -> tuple[Difference, ...]:
        theirs, mine = _names(record, field), _names(listing.record, field)
        return (
            *(Difference(what="extra", listing=plain(item)) for words, item in mine.items() if words not in theirs),
            *(Difference(what="missing", registry=plain(item)) for words, item in theirs.items() if words not in mine),
        )

    return differences


def _other_names(field: str, *, is_foreign: Callable[[Words, Sequence[Past]], bool]) -> _Otherwise:
    """A list that is shown in part cannot be compared; what the registry has dropped is outdated; sites have names of their own."""
    differing = _name_differences(field)

    def otherwise(listing: Listing, past: Sequence[Past]) -> Judgement:
        items = differing(past[-1].record, listing)
        strange = _names(listing.record, field).keys() - _names(past[-1].record, field).keys()
        if not strange:
            return Judgement(verdict="incomparable", reason="shows some of them", items=items)
        last: dict[Words, int] = {}
        for at, record in earlier(past, lambda record: getattr(record, field)):
            last.update(dict.fromkeys((strange - last.keys()) & _names(record, field).keys(), at))
        if len(last) == len(strange):
            return Judgement(verdict="outdated", since=fell_behind(past, min(last.values())), items=items)
        if any(is_foreign(words, past) for words in strange - last.keys()):
            return Judgement(verdict="contradicts", items=items)
        return Judgement(verdict="incomparable", reason="in words of its own", items=items)

    return otherwise


def _names_together(field: str) -> Callable[[Record, str], bool]:
    """A line that names all of them, in any order; a comma in it may be one of a name ("Carcinoma, Non-Small-Cell Lung")."""

    def together(record: Record, text: str) -> bool:
        said, names = read(text), tuple(_names(record, field))
        if not names or Counter(said) != Counter(word for words in names for word in words):
            return False
        return len(names) <= _MOST_NAMES_IN_A_LINE and _is_made_of(said, names)

    return together


def _is_made_of(said: Words, names: Sequence[Words]) -> bool:
    """Do these words fall into these names, each of them once?"""
    if not names:
        return not said
    return any(
        said[: len(words)] == words and _is_made_of(said[len(words) :], (*names[:at], *names[at + 1 :])) for at, words in enumerate(names)
    )


def _never(_words: Words, _past: Sequence[Past]) -> bool:
    return False


def _is_foreign(words: Words, past: Sequence[Past]) -> bool:
    """Does nothing that the record says of its subject have a word like one of these? Of an abbreviation nobody can tell."""
    mine = telling(" ".join(words))
    if all(len(word) <= _LONGEST_ABBREVIATION for word in mine):
        return False
    now = past[-1].record
    said = (
        now.brief_title,
        now.official_title,
        now.brief_summary,
        now.detailed_description,
        *(now.conditions or ()),
        *(now.keywords or ()),
    )
    known = {word[:_STEM] for text in said if text for word in telling(text)}
    return known.isdisjoint(word[:_STEM] for word in mine)


# --- the table -------------------------------------------------------------------------------------------------------------


def _dated(field: str, **more: Any) -> Rule:
    return Rule(field=field, same=_same_date(field), looked_at=lambda record: _day(getattr(record, field)), **more)


def _title(field: str) -> Rule:
    return Rule(
        field=field,
        same=_same_title(field),
        looked_at=lambda record: (record.brief_title, record.official_title, record.acronym),
        otherwise=_other_title(field),
        registration=True,
    )


def _list(field: str, is_foreign: Callable[[Words, Sequence[Past]], bool] = _never, **more: Any) -> Rule:
    return Rule(
        field=field,
        same=_same_names(field),
        otherwise=_other_names(field, is_foreign=is_foreign),
        differences=_name_differences(field),
        together=_names_together(field),
        registration=True,
        **more,
    )


RULES: tuple[Rule, ...] = (
    Rule(field="overall_status", same=_same_status, otherwise=_other_status),
    _dated("start_date"),
    _dated("primary_completion_date"),
    _dated("completion_date"),
    _dated("first_submit_date", registration=True),
    Rule(
        field="criteria",
        same=audit_criteria.same,
        otherwise=audit_criteria.otherwise,
        differences=audit_criteria.differences,
        registration=True,
    ),
    Rule(field="sex", same=_exactly("sex")),
    Rule(field="minimum_age", same=_same_age("minimum_age"), silence="contradicts"),
    Rule(field="maximum_age", same=_same_age("maximum_age"), silence="contradicts"),
    Rule(field="healthy_volunteers", same=_exactly("healthy_volunteers")),
    Rule(
        field="locations",
        same=audit_places.same,
        otherwise=audit_places.otherwise,
        differences=audit_places.differences,
        silence="contradicts",
    ),
    Rule(field="enrollment", same=_same_count, registration=True),
    Rule(field="study_type", same=_exactly("study_type")),
    Rule(field="phases", same=_same_phases, silence="contradicts"),
    _list("interventions", if_stated=True),
    _title("brief_title"),
    _title("official_title"),
    Rule(field="lead_sponsor", same=_same_sponsor, otherwise=_other_sponsor, registration=True),
    _list("conditions", _is_foreign),
    _list("keywords"),
)
"""The fields that are audited, in the order of the table of fields."""
