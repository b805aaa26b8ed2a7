"""How much a change matters, to a reader and to a coordinator: one table, read from the top, the first rule that fits counts.

Each rule says for which fields it is, when it holds, what it gives and why. Argue with it here; ``docs/changes.md`` shows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from registry_sync.trials import dates
from registry_sync.trials.changes import Change, Significance, compare
from registry_sync.trials.countries import country_key
from registry_sync.trials.critical import bare_words, critical_words, differ_critically
from registry_sync.trials.record import Record
from registry_sync.trials.text import key


class Step(msgspec.Struct, frozen=True):
    """A change with all that stands around it: the two records and the other changes of the step."""

    change: Change
    before: Record
    after: Record
    with_status: bool
    """The overall status changed in the same step."""
    open_countries: frozenset[str]
    """The countries with a site that recruits now."""

    @property
    def old(self) -> Any:
        """What was."""
        return self.change.before

    @property
    def new(self) -> Any:
        """What is."""
        return self.change.after


class Rule(msgspec.Struct, frozen=True):
    """One line of the table: ``reader`` and ``coordinator`` hold what each is told; ``why`` is for people who argue."""

    fields: str
    when: Callable[[Step], bool]
    reader: Significance
    coordinator: Significance
    why: str


def judged(before: Record, after: Record) -> tuple[Change, ...]:
    """What changed between two versions, each with its significance."""
    step = compare(before, after)
    with_status = any(change.field == "overall_status" for change in step)
    open_now = (
        frozenset(country_key(site.country) for site in after.locations or () if site.status == "RECRUITING") if step else frozenset()
    )
    return tuple(_judge(Step(change, before, after, with_status, open_now)) for change in step)


def judged_alone(change: Change, record: Record) -> Change:
    """A change of the trial as a whole, beside which its record is as it was."""
    return _judge(Step(change, record, record, with_status=False, open_countries=frozenset()))


def _judge(at: Step) -> Change:
    for rule in TABLE:
        if at.change.field in rule.fields.split() and rule.when(at):
            return msgspec.structs.replace(at.change, significance=rule.coordinator, reader_significance=rule.reader)
    return at.change


# --- conditions --------------------------------------------------------------------------------------------------------


def always(_: Step) -> bool:
    """Whatever it is."""
    return True


def respelled(at: Step) -> bool:
    """The same words in another case, or with other punctuation; an item that was split, or merged with others, is another item."""
    return at.change.operation == "changed" and at.old is not None and at.new is not None and _bare(at.old) == _bare(at.new)


def same_age(at: Step) -> bool:
    """The same age in another unit: 18 Years, 216 Months."""
    return None not in (_age(at.old), _age(at.new)) and _age(at.old) == _age(at.new)


def _age(text: str | None) -> tuple[str, int] | None:
    """An age in months, or in minutes where its unit is no number of months."""
    found = _AGE.fullmatch(key(text or ""))
    if found is None:
        return None
    number, unit = int(found[1]), found[2].lower()
    return ("months", number * _MONTHS[unit]) if unit in _MONTHS else ("minutes", number * _MINUTES[unit])


_AGE = re.compile(r"([0-9]{1,6}) (year|month|week|day|hour|minute)s?", re.IGNORECASE)
_MONTHS = {"year": 12, "month": 1}
_MINUTES = {"week": 7 * 24 * 60, "day": 24 * 60, "hour": 60, "minute": 1}


def becomes(*statuses: str) -> Callable[[Step], bool]:
    """It is now one of these."""
    return lambda at: at.new in statuses


def confirmed_again(at: Step) -> bool:
    """From UNKNOWN back to the status that was last known."""
    return bool(at.old == "UNKNOWN" and at.before.last_known_status == at.new)


def beside_unknown(at: Step) -> bool:
    """The last known status comes and goes with UNKNOWN."""
    return at.with_status and "UNKNOWN" in (at.before.overall_status, at.after.overall_status)


def follows_status(at: Step) -> bool:
    """Site status and contacts that appear or vanish with the overall status: the registry shows them almost only while recruiting."""
    if not at.with_status:
        return False
    if at.change.field == "central_contacts":
        return at.change.operation in ("added", "removed") and (not at.before.central_contacts or not at.after.central_contacts)
    if at.change.operation != "changed" or _differing(at) - {"status", "contacts", *_SPELLING}:
        return False
    status = at.old["status"] == at.new["status"] or at.old["status"] is None or at.new["status"] is None
    old, new = ([repr(contact) for contact in side["contacts"]] for side in (at.old, at.new))
    return status and (set(old) <= set(new) or set(new) <= set(old))


def goes_with_status(at: Step) -> bool:
    """It is not stated any more, and the status changed in the same step."""
    return at.new is None and at.with_status


def only(*parts: str) -> Callable[[Step], bool]:
    """Nothing of the item differs but these parts."""
    return lambda at: at.change.operation == "changed" and bool(_differing(at)) and _differing(at) <= set(parts)


def site_opens(at: Step) -> bool:
    """A site is listed as recruiting that was not."""
    return bool(at.new) and at.new["status"] == "RECRUITING" and not (at.old and at.old["status"] == "RECRUITING")


def last_open_site(at: Step) -> bool:
    """The last open site of a country closes while the trial stays open."""
    if at.after.overall_status != "RECRUITING" or not at.old or at.old["status"] != "RECRUITING":
        return False
    if at.new and at.new["status"] == "RECRUITING":
        return False
    return country_key(at.old["country"]) not in at.open_countries


def item_comes_or_goes(at: Step) -> bool:
    """An item is added, removed, or crosses between inclusion and exclusion."""
    return at.change.operation != "changed"


def remark(at: Step) -> bool:
    """A note that is no item comes or goes, without a number, sign, unit or negation in it."""
    if at.change.operation not in ("added", "removed"):
        return False
    text, record = (at.new, at.after) if at.old is None else (at.old, at.before)
    kinds = {criterion.kind for criterion in record.criteria or () if criterion.text == text}
    return kinds == {"note"} and not critical_words(text)


def critical(at: Step) -> bool:
    """A number, a sign of comparison, a unit or a negation differs inside an item."""
    return at.change.operation == "changed" and differ_critically(str(at.old), str(at.new))


def results_posted(at: Step) -> bool:
    """Results are posted in this step, which tells it."""
    return bool(at.after.has_results) and not at.before.has_results


def becomes_actual(at: Step) -> bool:
    """The date is a fact now, no plan."""
    return isinstance(at.new, dict) and at.new["type"] == "ACTUAL" and not (at.old and at.old["type"] == "ACTUAL")


def actual_same_date(at: Step) -> bool:
    """The planned date became a fact, and it is the same."""
    return becomes_actual(at) and bool(at.old) and (at.old["date"] == at.new["date"] or precision_only_dates(at))


def precision_only_dates(at: Step) -> bool:
    """One date is the other, said more precisely."""
    return bool(at.old and at.new) and dates.same_to_precision(at.old["date"], at.new["date"])


def precision_only(at: Step) -> bool:
    """Only the precision of the date differs; its type does not."""
    return precision_only_dates(at) and at.old["type"] == at.new["type"]


def type_only(at: Step) -> bool:
    """Only the type of the date differs."""
    return bool(at.old and at.new) and at.old["date"] == at.new["date"]


def slips_by(months: int) -> Callable[[Step], bool]:
    """The date moves by this many months or more, in either direction."""

    def holds(at: Step) -> bool:
        slip = dates.slip(*(value["date"] if value else None for value in (at.old, at.new)))
        return slip is not None and abs(slip.nearest_months) >= months

    return holds


def wait_by_three_months(at: Step) -> bool:
    """The trial has not begun, nor begins in this step, and the date moves by three months or more."""
    return at.after.overall_status in (None, "NOT_YET_RECRUITING") and slips_by(3)(at)


def enrolled(at: Step) -> bool:
    """The target became the number enrolled."""
    return bool(at.new) and at.new["type"] == "ACTUAL" and not (at.old and at.old["type"] == "ACTUAL")


def target_by_a_fifth(at: Step) -> bool:
    """The number differs by a fifth or more, or was not there before."""
    old, new = ((value or {}).get("count") for value in (at.old, at.new))
    return old is None or new is None or abs(new - old) * 5 >= max(old, 1)


def started(at: Step) -> bool:
    """The trial had begun when this changed."""
    start = at.before.start_date
    return at.before.overall_status not in (None, "NOT_YET_RECRUITING", "WITHDRAWN") or bool(start and start.type == "ACTUAL")


def merged_after_gone(at: Step) -> bool:
    """It was told as gone, and is shown under another id."""
    return bool(at.old == "absent" and at.new == "merged")


def appears_or_available(at: Step) -> bool:
    """An expanded access record appears, or is available."""
    return bool(at.new) and (not at.old or at.new["status"] == "AVAILABLE")


def ctis_number(at: Step) -> bool:
    """A new id of the EU register: a twin of this record is found."""
    return at.change.operation == "added" and bool(_CTIS.match(str(at.new)))


_CTIS = re.compile(r"^\d{4}-5\d{5}-\d{2}(-\d{2})?$")


def _bare(value: Any) -> Any:
    if isinstance(value, str):
        return [bare_words(line) for line in value.split("\n") if line.strip()]
    if isinstance(value, dict):
        return {name: _bare(inner) for name, inner in value.items()}
    return [_bare(inner) for inner in value] if isinstance(value, list) else value


def _differing(at: Step) -> set[str]:
    if not isinstance(at.old, dict) or not isinstance(at.new, dict):
        return set()
    return {name for name in at.old if _keyed(at.old[name]) != _keyed(at.new.get(name))}


def _keyed(value: Any) -> Any:
    if isinstance(value, list):
        return sorted(repr(each) for each in value)  # order is compared in no list
    return key(value) if isinstance(value, str) else value


# --- the table ---------------------------------------------------------------------------------------------------------

_SPELLING = ("facility", "city", "state", "zip", "country")
_PLACES = "locations central_contacts overall_officials"
_WORDED = (
    "why_stopped criteria minimum_age maximum_age study_population central_contacts overall_officials arms interventions documents "
    "publications brief_title official_title lead_sponsor responsible_party collaborators conditions brief_summary detailed_description"
)
_QUIET = "locations primary_outcomes secondary_outcomes other_outcomes acronym keywords secondary_ids"
_COMPLETIONS = "primary_completion_date completion_date"


TABLE: tuple[Rule, ...] = (
    Rule(_WORDED, respelled, "housekeeping", "housekeeping", "The same words."),
    Rule(_QUIET, respelled, "untold", "housekeeping", "The same words."),
    Rule("overall_status", confirmed_again, "minor", "minor", "The trial team confirmed what was known."),
    Rule("overall_status", becomes("UNKNOWN"), "minor", "major", "Silence, set by the registry after two years; the coordinator must act."),
    Rule("overall_status", becomes("NO_LONGER_AVAILABLE", "TEMPORARILY_NOT_AVAILABLE", "APPROVED_FOR_MARKETING"), "major", "minor", "A last route closes or changes."),
    Rule("overall_status", always, "major", "major", "Who can join, and whether the trial goes on."),
    Rule("why_stopped", goes_with_status, "untold", "housekeeping", "The trial goes on, and the status tells it."),
    Rule("why_stopped", always, "major", "major", "The only reason that people get."),
    Rule("last_known_status", beside_unknown, "housekeeping", "housekeeping", "It comes and goes with UNKNOWN, which is told."),
    Rule("last_known_status", always, "minor", "minor", "It says what UNKNOWN hides."),
    Rule("expanded_access", appears_or_available, "major", "major", "The last route to a treatment for some."),
    Rule("expanded_access", always, "major", "minor", "A last route closes or changes."),
    Rule("criteria", remark, "minor", "minor", "A remark or an introduction; the items stand for themselves."),
    Rule("criteria", item_comes_or_goes, "major", "major", "Who may join."),
    Rule("criteria", critical, "major", "major", "A number, sign, unit or negation decides who may join."),
    Rule("criteria", always, "minor", "minor", "Other words may matter."),
    Rule("minimum_age maximum_age", same_age, "housekeeping", "housekeeping", "The same age in another unit."),
    Rule("sex minimum_age maximum_age", always, "major", "major", "Who may join."),
    Rule("healthy_volunteers study_population", always, "minor", "minor", "Rarely concerns patients."),
    Rule(_PLACES, follows_status, "untold", "housekeeping", "The registry shows or hides them with the status; the status tells it."),
    Rule("locations", last_open_site, "major", "major", "The country is shut while the trial stays open."),
    Rule("locations", site_opens, "minor", "minor", "A place to go; major for readers of that country."),
    Rule("locations", only(*_SPELLING), "untold", "housekeeping", "The registry's own hand renames and respells."),
    Rule(_PLACES, always, "minor", "minor", "Where to go, whom to call."),
    Rule("start_date", actual_same_date, "housekeeping", "minor", "The planned start is met (42 CFR 11.64 item)."),
    Rule(_COMPLETIONS + " start_date", precision_only, "housekeeping", "housekeeping", "The same date, said otherwise: no slip."),
    Rule("start_date", becomes_actual, "minor", "minor", "The trial has begun."),
    Rule("start_date", wait_by_three_months, "major", "minor", "A longer or shorter wait."),
    Rule("start_date", always, "minor", "minor", "A plan moved a little."),
    Rule("primary_completion_date", becomes_actual, "housekeeping", "major", "Enrolment must be actual now; the results clock starts (42 CFR 11.44)."),
    Rule("primary_completion_date", slips_by(6), "untold", "major", "It moves the results clock by half a year."),
    Rule("primary_completion_date", always, "untold", "minor", "It moves the results clock."),
    Rule("completion_date", always, "minor", "minor", "A plan; the registry's UNKNOWN rule uses it."),
    Rule("first_post_date results_first_post_date", type_only, "untold", "housekeeping", "A posted date became actual."),
    Rule("results_first_post_date", always, "major", "major", "Results."),
    Rule("first_submit_date first_post_date", always, "housekeeping", "minor", "The registry's own dates seldom move."),
    Rule("enrollment", enrolled, "housekeeping", "minor", "A fact, not a cut."),
    Rule("enrollment", target_by_a_fifth, "minor", "major", "The design changed."),
    Rule("enrollment", always, "untold", "minor", "A small step of a target."),
    Rule("phases", always, "minor", "major", "Whether the law asks for results depends on it."),
    Rule("allocation masking study_type", always, "minor", "minor", "Whether there may be a placebo."),
    Rule("arms", item_comes_or_goes, "major", "major", "What people get."),
    Rule("arms interventions", always, "minor", "minor", "What people get, told otherwise (a name: 30 days, 42 CFR 11.64)."),
    Rule("primary_outcomes", started, "untold", "major", "An outcome switched after the start."),
    Rule("primary_outcomes secondary_outcomes other_outcomes", always, "untold", "minor", "What is measured."),
    Rule("has_results", always, "major", "major", "Results are posted, or taken down."),
    Rule("results_unposted", results_posted, "untold", "housekeeping", "They are posted now, which is told."),
    Rule("results_first_submit_date results_delayed_date results_unposted", always, "untold", "major", "It explains why results are not overdue."),
    Rule("documents publications", always, "minor", "minor", "A consent form, a paper."),
    Rule("lead_sponsor responsible_party", always, "minor", "major", "Who answers for the trial (30 days, 42 CFR 11.64)."),
    Rule("detailed_description", always, "housekeeping", "housekeeping", "Told otherwise; what it means stands in fields of its own."),
    Rule("brief_title official_title brief_summary", always, "housekeeping", "minor", "Told otherwise; what it means for joining stands elsewhere."),
    Rule("secondary_ids", ctis_number, "untold", "minor", "A twin of this record in the EU register."),
    Rule("acronym keywords secondary_ids", always, "untold", "housekeeping", "Labels."),
    Rule("conditions", always, "minor", "minor", "What is studied."),
    Rule("collaborators", always, "untold", "minor", "Who takes part in running it."),
    Rule("registry", merged_after_gone, "minor", "minor", "People were told that it left, and it did not."),
    Rule("registry", becomes("merged"), "housekeeping", "minor", "The record stands under another number."),
    Rule("registry", becomes("found"), "major", "major", "A trial that a followed search did not find before."),
    Rule("registry", always, "minor", "major", "The record has gone, or is back; the trial may go on all the same."),
    Rule("last_update_submit_date last_update_post_date status_verified_date", always, "untold", "housekeeping", "The registry's own dates."),
)  # fmt: skip
