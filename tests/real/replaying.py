"""Real days played to the real sync job, and what a plain reading of the same JSON says must come of them.

The reading knows nothing of the engine: it takes each field of INTERFACE.md's table out of the registry's JSON and folds only
what INTERFACE.md calls no change (white space, Unicode forms, escapes, the order of lists, release stamps, map coordinates).
"""

from __future__ import annotations

import datetime
import html
import json
import lzma
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from db import subscriptions
from jobs.surroundings import as_stamp
from registry_sync.notices.route import Subscription
from registry_sync.trials.changes import KeptChange
from tests.house import House

Study = dict[str, Any]
Item = tuple[Hashable, ...]


@dataclass(frozen=True)
class Day:
    """One trial as it stood at one look; ``look`` tells apart several looks on one date."""

    trial: str
    date: str
    look: int
    study: Study

    @property
    def moment(self) -> tuple[str, int]:
        return self.date, self.look


@dataclass(frozen=True)
class Step:
    """Two looks at one trial that follow each other."""

    before: Day
    after: Day


@dataclass
class Replay:
    """What the real sync job made of the days."""

    steps: list[Step]
    changes: dict[tuple[str, tuple[str, int]], list[KeptChange]]
    notices: Counter[str]
    failures: list[str] = field(default_factory=list)

    def of(self, step: Step) -> list[KeptChange]:
        """The changes that the database holds of a step."""
        return self.changes.get((step.after.trial, step.after.moment), [])

    def alarms_of_bytes(self) -> int:
        """How often the payload differs from the one before: what a watcher of bytes would have raised."""
        return sum(_bytes(step.before.study) != _bytes(step.after.study) for step in self.steps)


def read_days(path: Path) -> list[Day]:
    """The looks in their order; a second one at a trial on the same date is look 1."""
    looks: Counter[tuple[str, str]] = Counter()
    days = []
    with lzma.open(path) as lines:
        for line in lines:
            row = json.loads(line)
            days.append(Day(row["nct"], row["date"], looks[row["nct"], row["date"]], row["study"]))
            looks[row["nct"], row["date"]] += 1
    return days


def steps_of(days: list[Day]) -> list[Step]:
    """Each look with the one before it."""
    by_trial: dict[str, list[Day]] = defaultdict(list)
    for day in days:
        by_trial[day.trial].append(day)
    return [Step(before, after) for looks in by_trial.values() for before, after in pairwise(looks)]


def play(house: House, days: list[Day], subscribers: Sequence[Subscription]) -> Replay:
    """Each moment's records put into the registry, a data release, and one sync of the trials looked at."""
    by_moment: dict[tuple[str, int], list[Day]] = defaultdict(list)
    for day in days:
        by_moment[day.moment].append(day)
    with house.history() as history:
        for subscriber in subscribers:
            subscriptions.add(history, subscriber, (), consent=subscriptions.Consent("w", "me", as_stamp(house.at)), now=as_stamp(house.at))
    watched: set[str] = set()
    moments: dict[str, tuple[str, int]] = {}
    failures: list[str] = []
    for moment in sorted(by_moment):
        date, look = moment
        house.at = datetime.datetime.fromisoformat(f"{date}T06:17:00+00:00") + datetime.timedelta(minutes=look)
        for day in by_moment[moment]:
            house.registry.put(day.study)
        house.registry.release(house.at)
        trials = sorted({day.trial for day in by_moment[moment]})
        new = [trial for trial in trials if trial not in watched]
        if new:
            house.watch(*new)
            watched.update(new)
        report = house.sync(*trials, days=0, then_deliver=False)
        failures += report.failures()
        moments[report.started] = moment
    kept: dict[tuple[str, tuple[str, int]], list[KeptChange]] = defaultdict(list)
    for change in house.changes(housekeeping=True):
        if change.topic == "deadlines":
            continue  # what the day makes of a record is no difference of two
        kept[change.trial, moments[change.seen_at]].append(change)
    notices = Counter(str(row["address"]) for row in house.outbox())
    return Replay(steps_of(days), kept, notices, failures)


def _sections(study: Study) -> Study:
    """A study without what the registry derives from the rest."""
    return {name: section for name, section in study.items() if name != "derivedSection"}


def _bytes(study: Study) -> bytes:
    return json.dumps(study, ensure_ascii=False, sort_keys=True).encode()


# --- a plain reading of the registry's JSON ------------------------------------------------------------------------------

_FOLDED = {ord(sign): "-" for sign in "‐‑‒–—−"} | {ord(sign): "'" for sign in "‘’‚′"} | {ord(sign): '"' for sign in "“”„″"}  # fmt: skip
_ESCAPE = re.compile(r"\\+(?=[^\w\s])")


def said(text: str | None) -> str | None:
    """A text without what no reader sees."""
    if text is None:
        return None
    for _ in range(3):
        text = html.unescape(text)
    text = unicodedata.normalize("NFC", _ESCAPE.sub("", text)).translate(_FOLDED)
    return " ".join(text.split()) or None


def at(study: Study, path: str) -> Any:
    """The value at a path of keys, or ``None``."""
    value: Any = study
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _dated(struct: dict[str, str] | None) -> Hashable:
    return (struct["date"], {"ANTICIPATED": "ESTIMATED"}.get(kind := struct.get("type", ""), kind)) if struct else None


def _access(info: dict[str, Any] | None) -> Hashable:
    return (info.get("nctId"), info.get("statusForNctId")) if info and info.get("hasExpandedAccess") else None


def _enrolment(info: dict[str, Any] | None) -> Hashable:
    return (info["count"], info.get("type")) if info and "count" in info else None


def _party(party: dict[str, str] | None) -> Hashable:
    return tuple(said(party.get(name)) for name in ("type", "investigatorFullName", "oldNameTitle", "oldOrganization")) if party else None


def _sorted(values: list[str] | None) -> Hashable:
    return tuple(sorted(values)) if values else None


def _same(value: Any) -> Hashable:
    return value if isinstance(value, Hashable) else repr(value)


_P = "protocolSection."
_STATUS, _ELIGIBILITY, _DESIGN = _P + "statusModule.", _P + "eligibilityModule.", _P + "designModule."
_NAMES, _SPONSOR, _TOLD = _P + "identificationModule.", _P + "sponsorCollaboratorsModule.", _P + "descriptionModule."

SINGLE: dict[str, tuple[str, Callable[[Any], Hashable]]] = {
    "overall_status": (_STATUS + "overallStatus", _same),
    "why_stopped": (_STATUS + "whyStopped", said),
    "last_known_status": (_STATUS + "lastKnownStatus", _same),
    "expanded_access": (_STATUS + "expandedAccessInfo", _access),
    "start_date": (_STATUS + "startDateStruct", _dated),
    "primary_completion_date": (_STATUS + "primaryCompletionDateStruct", _dated),
    "completion_date": (_STATUS + "completionDateStruct", _dated),
    "first_submit_date": (_STATUS + "studyFirstSubmitDate", _same),
    "first_post_date": (_STATUS + "studyFirstPostDateStruct", _dated),
    "sex": (_ELIGIBILITY + "sex", _same),
    "minimum_age": (_ELIGIBILITY + "minimumAge", said),
    "maximum_age": (_ELIGIBILITY + "maximumAge", said),
    "healthy_volunteers": (_ELIGIBILITY + "healthyVolunteers", _same),
    "study_population": (_ELIGIBILITY + "studyPopulation", said),
    "enrollment": (_DESIGN + "enrollmentInfo", _enrolment),
    "study_type": (_DESIGN + "studyType", _same),
    "phases": (_DESIGN + "phases", _sorted),
    "allocation": (_DESIGN + "designInfo.allocation", _same),
    "masking": (_DESIGN + "designInfo.maskingInfo.masking", _same),
    "has_results": ("hasResults", _same),
    "results_first_submit_date": (_STATUS + "resultsFirstSubmitDate", _same),
    "results_first_post_date": (_STATUS + "resultsFirstPostDateStruct", _dated),
    "results_delayed_date": (_STATUS + "dispFirstSubmitDate", _same),
    "brief_title": (_NAMES + "briefTitle", said),
    "official_title": (_NAMES + "officialTitle", said),
    "acronym": (_NAMES + "acronym", said),
    "lead_sponsor": (_SPONSOR + "leadSponsor.name", said),
    "responsible_party": (_SPONSOR + "responsibleParty", _party),
    "brief_summary": (_TOLD + "briefSummary", said),
    "detailed_description": (_TOLD + "detailedDescription", said),
    "last_update_submit_date": (_STATUS + "lastUpdateSubmitDate", _same),
    "last_update_post_date": (_STATUS + "lastUpdatePostDateStruct", _dated),
    "status_verified_date": (_STATUS + "statusVerifiedDate", _same),
}  # fmt: skip

_OUTCOME = {"measure": "measure", "time_frame": "timeFrame", "description": "description"}
_CONTACT = ("name", "role", "phone", "email")

LISTS: dict[str, tuple[str, dict[str, str], tuple[str, ...]]] = {
    # field: path, the parts of an item (the change's name for it: the registry's), and those by which it is the same item
    "overall_officials": (
        _P + "contactsLocationsModule.overallOfficials", {"name": "name", "role": "role", "affiliation": "affiliation"}, ("name", "role")
    ),
    "arms": (_P + "armsInterventionsModule.armGroups", {"label": "label", "type": "type", "description": "description"}, ("label",)),
    "interventions": (
        _P + "armsInterventionsModule.interventions", {"type": "type", "name": "name", "description": "description"}, ("name",)
    ),
    "primary_outcomes": (_P + "outcomesModule.primaryOutcomes", _OUTCOME, ("measure",)),
    "secondary_outcomes": (_P + "outcomesModule.secondaryOutcomes", _OUTCOME, ("measure",)),
    "other_outcomes": (_P + "outcomesModule.otherOutcomes", _OUTCOME, ("measure",)),
    "results_unposted": (
        "annotationSection.annotationModule.unpostedAnnotation.unpostedEvents", {"type": "type", "date": "date"}, ("type", "date")
    ),
    "documents": (
        "documentSection.largeDocumentModule.largeDocs", {"type": "typeAbbrev", "date": "date", "label": "label"}, ("type", "label")
    ),
    "publications": (_P + "referencesModule.references", {"pmid": "pmid", "citation": "citation", "type": "type"}, ("pmid",)),
}  # fmt: skip

STRINGS: dict[str, tuple[str, str | None]] = {
    "secondary_ids": (_NAMES + "secondaryIdInfos", "id"),
    "collaborators": (_SPONSOR + "collaborators", "name"),
    "conditions": (_P + "conditionsModule.conditions", None),
    "keywords": (_P + "conditionsModule.keywords", None),
}

PLACES = ("facility", "city", "state", "zip", "country", "status")
ITEM_FIELDS = (*LISTS, *STRINGS, "locations", "central_contacts")


def items(study: Study, name: str) -> Counter[Item]:
    """The items of a list field, without order."""
    if name in STRINGS:
        path, part = STRINGS[name]
        return Counter((said(one[part] if part else one),) for one in at(study, path) or [])
    if name == "locations":
        return Counter(_site(one, _sent_contact) for one in at(study, _P + "contactsLocationsModule.locations") or [])
    if name == "central_contacts":
        return Counter(_sent_contact(one) for one in at(study, _P + "contactsLocationsModule.centralContacts") or [])
    path, parts, _ = LISTS[name]
    return Counter(tuple(said(one.get(sent)) for sent in parts.values()) for one in at(study, path) or [])


def told_item(name: str, value: Any) -> Item:
    """An item of a change in the same shape as ``items``."""
    if name in STRINGS:
        return (said(value),)
    if name == "locations":
        return _site(value, _told_contact)
    if name == "central_contacts":
        return _told_contact(value)
    return tuple(said(value[part]) for part in LISTS[name][1])


def identity(name: str, item: Item) -> Item:
    """What makes it the same item when the rest changes."""
    if name in STRINGS:
        return item
    if name == "locations":
        return tuple(item[PLACES.index(part)] for part in ("facility", "city", "zip", "country"))
    if name == "central_contacts":
        return item[:2]
    parts, same = list(LISTS[name][1]), LISTS[name][2]
    return tuple(item[parts.index(part)] for part in same)


def _site(site: dict[str, Any], contact: Callable[[dict[str, Any]], Item]) -> Item:
    people = sorted((contact(person) for person in site.get("contacts") or []), key=repr)
    return (*(said(site.get(part)) for part in PLACES), tuple(people))


def _sent_contact(person: dict[str, Any]) -> Item:
    phone, extension = said(person.get("phone")), said(person.get("phoneExt"))
    number = f"{phone} ext. {extension}" if phone and extension else phone
    return (said(person.get("name")), person.get("role"), number, said(person.get("email")))


def _told_contact(person: dict[str, Any]) -> Item:
    return tuple(said(person[part]) for part in _CONTACT)


# --- the eligibility text, as paragraphs ---------------------------------------------------------------------------------

_CRITERIA = _ELIGIBILITY + "eligibilityCriteria"
_PARAGRAPHS = re.compile(r"\n\s*\n|\n(?=\s*(?:[*+-]|\d{1,3}[.)])\s)")
_MARKER = re.compile(r"^\s*(?:[*+-]|\d{1,3}[.)])\s+")
_HEADING = re.compile(r"(?:key |main )?(?:in|ex)clusion criteria\s*:?", re.IGNORECASE)


def paragraphs(study: Study) -> Counter[str]:
    """The eligibility text without its bullets and numbers, without order; the full stop at an item's end is the list's."""
    counted: Counter[str] = Counter()
    for piece in _PARAGRAPHS.split(at(study, _CRITERIA) or ""):
        text = (said(_MARKER.sub("", piece)) or "").rstrip(" .;,")
        if text:
            counted[text.casefold() if _HEADING.fullmatch(text) else text] += 1
    return counted


def words(texts: Iterable[str]) -> Counter[str]:
    """All words and numbers of some texts."""
    return Counter(word for text in texts for word in re.findall(r"\w+", (said(text) or "").casefold()))


def word_balance(before: Counter[str], after: Counter[str]) -> dict[str, int]:
    """Which words there are more of (positive) or fewer of (negative) afterwards."""
    return {word: after[word] - before[word] for word in before.keys() | after.keys() if after[word] != before[word]}


# --- what must be told ---------------------------------------------------------------------------------------------------


def expected_fields(step: Step) -> set[str]:
    """The fields of INTERFACE.md's table whose value differs, by a plain reading."""
    old, new = step.before.study, step.after.study
    if _sections(old) == _sections(new):
        return set()
    differ = {name for name, (path, read) in SINGLE.items() if read(at(old, path)) != read(at(new, path))}
    differ |= {name for name in ITEM_FIELDS if items(old, name) != items(new, name)}
    if paragraphs(old) != paragraphs(new):
        differ.add("criteria")
    if not at(old, "hasResults") and at(new, "hasResults") and at(old, _STATUS + "resultsFirstPostDateStruct") is None:
        differ.discard("results_first_post_date")  # "has_results (its first posting is the same event)"
    return differ
