"""The questions that the loopback registry understands, read from a query string, and the studies that answer them.

What is asked is checked as strictly as the real API does (https://clinicaltrials.gov/data-api/api); what is searched is
plainer: words must stand in the fitting parts of the record, case and accents ignored, joined by AND (or nothing), OR, NOT and parentheses.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from typing import Any

from registry_sync.demo.pieces import DATES, PIECES, Path, Tree, cut_down, place_of, tree_of, values_at

Study = dict[str, Any]
Expression = Callable[[Set[str]], bool]
"""Do these words, of the fitting parts of a record, answer?"""

STATUSES = frozenset(
    {
        "ACTIVE_NOT_RECRUITING", "COMPLETED", "ENROLLING_BY_INVITATION", "NOT_YET_RECRUITING", "RECRUITING", "SUSPENDED", "TERMINATED",
        "WITHDRAWN", "AVAILABLE", "NO_LONGER_AVAILABLE", "TEMPORARILY_NOT_AVAILABLE", "APPROVED_FOR_MARKETING", "WITHHELD", "UNKNOWN",
    }
)  # fmt: skip

DEFAULT_PAGE = 10
LARGEST_PAGE = 1_000

_AREAS: dict[str, tuple[str, ...]] = {
    "ConditionSearch": ("Condition", "Keyword", "BriefTitle", "OfficialTitle", "ConditionMeshTerm"),
    "BasicSearch": ("ProtocolSection", "ConditionMeshTerm", "InterventionMeshTerm"),
    "LocationSearch": ("LocationFacility", "LocationCity", "LocationState", "LocationZip", "LocationCountry"),
    "InterventionSearch": ("InterventionName", "InterventionOtherName", "InterventionMeshTerm", "ArmGroupLabel", "BriefTitle"),
    "TitleSearch": ("Acronym", "BriefTitle", "OfficialTitle"),
    "OutcomeSearch": ("PrimaryOutcome", "SecondaryOutcome", "OtherOutcome"),
    "SponsorSearch": ("LeadSponsorName", "CollaboratorName", "OrgFullName"),
    "IdSearch": ("NCTId", "NCTIdAlias", "OrgStudyId", "SecondaryId", "Acronym"),
    "PatientSearch": ("Condition", "BriefTitle", "BriefSummary", "Keyword", "EligibilityCriteria", "LocationCity", "LocationCountry"),
}
_SEARCHES: dict[str, tuple[str, ...]] = {
    "query.cond": _AREAS["ConditionSearch"],
    "query.term": _AREAS["BasicSearch"],
    "query.locn": _AREAS["LocationSearch"],
    "query.intr": _AREAS["InterventionSearch"],
    "query.titles": _AREAS["TitleSearch"],
    "query.outc": _AREAS["OutcomeSearch"],
    "query.spons": _AREAS["SponsorSearch"],
    "query.lead": ("LeadSponsorName",),
    "query.id": _AREAS["IdSearch"],
    "query.patient": _AREAS["PatientSearch"],
}
_FILTERS = tuple(f"{stage}.{name}" for stage in ("filter", "postFilter") for name in ("ids", "overallStatus", "advanced"))
_FOR_ONE = frozenset({"format", "markupFormat", "fields"})
_FOR_MANY = _FOR_ONE | {*_SEARCHES, *_FILTERS, "sort", "countTotal", "pageSize", "pageToken"}
_NOT_SPOKEN = frozenset({"filter.geo", "filter.synonyms", "postFilter.geo", "postFilter.synonyms", "aggFilters", "geoDecay"})
_OF_ONE_PAGE = frozenset({"countTotal", "pageSize", "pageToken"})

_NCT_ID = re.compile(r"[Nn][Cc][Tt]0*([1-9][0-9]{0,7})")
_RANGE = re.compile(r"AREA\[\s*(\w+)\s*\]\s*RANGE\[\s*([^,\]]+?)\s*,\s*([^,\]]+?)\s*\]")
_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")


class QueryError(ValueError):
    """A question that the real API answers with 400; the message is the answer's text."""


@dataclass(frozen=True)
class DateRange:
    """``AREA[piece]RANGE[first,last]``; the dates as days, ``""`` for MIN and ``"9999"`` for MAX."""

    place: Path
    first: str
    last: str

    def holds(self, study: Study) -> bool:
        """Is one of the study's dates at this place within the range? A month counts as its first day."""
        return any(self.first <= _as_day(str(value)) <= self.last for value in values_at(study, self.place))


@dataclass(frozen=True)
class Question:
    """A checked question for a list of studies. ``signature`` is what every page of one answer has in common."""

    ids: frozenset[str] | None
    words: tuple[tuple[tuple[Path, ...], Expression], ...]
    statuses: frozenset[str] | None
    ranges: tuple[DateRange, ...]
    sort: tuple[tuple[Path, bool], ...]
    tree: Tree
    page_size: int
    count_total: bool
    page_token: str | None
    signature: tuple[tuple[str, str], ...]

    def select(self, studies: Iterable[Study]) -> list[Study]:
        """The studies that fit, sorted as asked, else in the order given. ``ids`` are not looked at."""
        found = [study for study in studies if self._fits(study)]
        for place, descending in reversed(self.sort):
            stated = [study for study in found if _sort_key(study, place) is not None]
            silent = [study for study in found if _sort_key(study, place) is None]
            found = sorted(stated, key=lambda study: _sort_key(study, place) or (0, ""), reverse=descending) + silent
        return found

    def _fits(self, study: Study) -> bool:
        if self.statuses is not None and not self.statuses & set(values_at(study, PIECES["OverallStatus"])):
            return False
        return all(span.holds(study) for span in self.ranges) and all(fit(_words_at(study, places)) for places, fit in self.words)


def nct_id(text: str) -> str:
    """An id in the registry's spelling. Raises QueryError when it is malformed."""
    match = _NCT_ID.fullmatch(text)
    if match is None:
        raise QueryError(f"Invalid NCT id: {text!r}")
    return f"NCT{int(match[1]):08d}"


def question_for_one(parameters: Iterable[tuple[str, str]]) -> Tree:
    """What to show of one study. Raises QueryError."""
    return _tree(_checked(parameters, _FOR_ONE))


def question_for_many(parameters: Iterable[tuple[str, str]]) -> Question:
    """What to list. Raises QueryError."""
    asked = _checked(parameters, _FOR_MANY)
    only_ids = next((ids for name in _SEARCHES if name in asked and (ids := _ids_alone(asked[name]))), None)
    ranges, words = _searches(asked)
    question = Question(
        ids=_ids(asked),
        words=words,
        statuses=_statuses(asked),
        ranges=ranges,
        sort=_sort(asked.get("sort")),
        tree=_tree(asked),
        page_size=_page_size(asked.get("pageSize", "")),
        count_total=_flag(asked.get("countTotal", "false")),
        page_token=asked.get("pageToken") or None,
        signature=tuple(sorted((name, value) for name, value in asked.items() if name not in _OF_ONE_PAGE)),
    )
    # The registry's rule: a query of nothing but ids finds them whatever the filters say.
    return question if only_ids is None else replace(question, ids=only_ids, words=(), statuses=None, ranges=())


def cut_to(study: Study, tree: Tree) -> Study:
    """The study with what was asked for; whole when nothing was named."""
    shown: Study = cut_down(study, tree)
    return shown


def _checked(parameters: Iterable[tuple[str, str]], known: frozenset[str]) -> dict[str, str]:
    asked: dict[str, str] = {}
    for name, value in parameters:
        if name in _NOT_SPOKEN and known is _FOR_MANY:
            raise QueryError(f"Parameter {name!r} is not spoken by this registry")
        if name not in known:
            raise QueryError(f"Unknown parameter: {name!r}")
        if name in asked:
            raise QueryError(f"Parameter {name!r} is given twice")
        asked[name] = value
    for name, only in (("format", "json"), ("markupFormat", "markdown")):
        if asked.get(name, only) != only:
            raise QueryError(f"Parameter {name!r} can only be {only!r} here")
    return asked


def _list(text: str) -> list[str]:
    return re.split(r"[|,]", text)


def _tree(asked: Mapping[str, str]) -> Tree:
    if "fields" not in asked:
        return {}
    paths: list[Path] = []
    for name in _list(asked["fields"]):
        place = place_of(name)
        if place is not None:
            paths.append(place)
        elif name in _AREAS:
            paths += [PIECES[piece] for piece in _AREAS[name]]
        else:
            raise QueryError(f"Parameter 'fields' names an unknown field: {name!r}")
    return tree_of(paths)


def _ids(asked: Mapping[str, str]) -> frozenset[str] | None:
    given = [frozenset(nct_id(part) for part in _list(asked[name])) for name in ("filter.ids", "postFilter.ids") if name in asked]
    return frozenset.intersection(*given) if given else None


def _ids_alone(query: str) -> frozenset[str] | None:
    parts = query.replace(",", " ").split()
    return frozenset(nct_id(part) for part in parts) if parts and all(_NCT_ID.fullmatch(part) for part in parts) else None


def _statuses(asked: Mapping[str, str]) -> frozenset[str] | None:
    given = [frozenset(_list(asked[name])) for name in ("filter.overallStatus", "postFilter.overallStatus") if name in asked]
    unknown = sorted(frozenset().union(*given) - STATUSES)
    if unknown:
        raise QueryError(f"Unknown status: {unknown[0]!r}")
    return frozenset.intersection(*given) if given else None


def _searches(asked: Mapping[str, str]) -> tuple[tuple[DateRange, ...], tuple[tuple[tuple[Path, ...], Expression], ...]]:
    ranges: list[DateRange] = []
    words: list[tuple[tuple[Path, ...], Expression]] = []
    for name in ("filter.advanced", "postFilter.advanced", *_SEARCHES):
        if not asked.get(name):
            continue
        found, rest = _ranges(asked[name])
        ranges += found
        if name not in _SEARCHES and rest:
            raise QueryError(f"Parameter {name!r}: only AREA[date]RANGE[first,last], joined by AND, is spoken here, not {rest!r}")
        if rest:
            words.append((tuple(PIECES[piece] for piece in _SEARCHES[name]), _expression(name, rest)))
    return tuple(ranges), tuple(words)


_TOKEN = re.compile(r'"[^"]*"|[()]|[^\s()"]+|"')


def _expression(name: str, text: str) -> Expression:
    """Words joined by OR, AND (or nothing), NOT, in this order from the loosest to the tightest. Raises QueryError."""
    tokens = _TOKEN.findall(text)[::-1]

    def either() -> Expression:
        sides = [both()]
        while tokens and tokens[-1] == "OR":
            tokens.pop()
            sides.append(both())
        return lambda words: any(side(words) for side in sides)

    def both() -> Expression:
        sides = [one()]
        while tokens and tokens[-1] not in ("OR", ")"):
            if tokens[-1] == "AND":
                tokens.pop()
            sides.append(one())
        return lambda words: all(side(words) for side in sides)

    def one() -> Expression:
        part = tokens.pop() if tokens else ""
        if part == "NOT":
            refused = one()
            return lambda words: not refused(words)
        if part == "(":
            inner = either()
            if not tokens or tokens.pop() != ")":
                raise QueryError(f"Parameter {name!r} opens a parenthesis and does not close it: {text!r}")
            return inner
        if part in ("", "OR", "AND", ")", '"'):
            raise QueryError(f"Parameter {name!r} is no expression: {text!r}")
        wanted = frozenset(_words(part))
        return lambda words: wanted <= words

    whole = either()
    if tokens:
        raise QueryError(f"Parameter {name!r} closes a parenthesis that it does not open: {text!r}")
    return whole


def _ranges(expression: str) -> tuple[list[DateRange], str]:
    ranges = [_range(*match) for match in _RANGE.findall(expression)]
    rest = " ".join(_RANGE.sub(" ", expression).split()) if ranges else expression.strip()
    return ranges, re.sub(r"\bAND\b", " ", rest).strip() if ranges else rest


def _range(piece: str, first: str, last: str) -> DateRange:
    if piece not in DATES:
        raise QueryError(f"AREA[{piece}] is no date that this registry knows")
    if not (first == "MIN" or _DATE.fullmatch(first)) or not (last == "MAX" or _DATE.fullmatch(last)):
        raise QueryError(f"RANGE[{first},{last}] is not made of dates such as 2026-01-31, MIN or MAX")
    return DateRange(PIECES[piece], "" if first == "MIN" else _as_day(first), "9999" if last == "MAX" else _as_day(last, "12", "31"))


def _as_day(text: str, month: str = "01", day: str = "01") -> str:
    return "-".join([*text.split("-"), *(month, day)[text.count("-") :]])


def _sort(text: str | None) -> tuple[tuple[Path, bool], ...]:
    if text is None:
        return ()
    parts = _list(text)
    if len(parts) > 2:
        raise QueryError("Parameter 'sort' takes two fields at most")
    return tuple(order for order in (_sort_part(part) for part in parts) if order is not None)


def _sort_part(part: str) -> tuple[Path, bool] | None:
    name, colon, direction = part.partition(":")
    if (colon and direction not in ("asc", "desc")) or (name != "@relevance" and name not in DATES | {"EnrollmentCount"}):
        raise QueryError(f"Parameter 'sort' cannot be {part!r}: a date or number field, then :asc or :desc")
    if name == "@relevance":
        return None
    return PIECES[name], direction == "desc" or (not direction and name in DATES)


def _sort_key(study: Study, place: Path) -> tuple[int, str] | None:
    value = next(values_at(study, place), None)
    if value is None:
        return None
    return (value, "") if isinstance(value, int) else (0, str(value))


def _page_size(text: str) -> int:
    if not text:
        return DEFAULT_PAGE
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise QueryError(f"Parameter 'pageSize' must be a whole number from 0, not {text!r}")
    return min(int(text), LARGEST_PAGE) or DEFAULT_PAGE


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise QueryError(f"Parameter 'countTotal' must be true or false, not {text!r}")
    return text == "true"


def _words_at(study: Study, places: tuple[Path, ...]) -> set[str]:
    return {word for place in places for value in values_at(study, place) for word in _words(str(value))}


def _words(text: str) -> list[str]:
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return re.findall(r"\w+", plain.casefold())
