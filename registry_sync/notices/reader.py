"""The reader's voice: a trial's news -> subject and first sentences for patients and advocates.

The subject never carries a condition, a title or a site, and the first sentences quote no registry text but a reason for
stopping: a mail's preview on a locked screen must not tell of a disease.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from registry_sync.notices import mergers, phrases, sites, slipped, when
from registry_sync.notices.clean import one_line, text_of
from registry_sync.notices.i18n import Translator
from registry_sync.notices.reader_status import Words, quoted_reason, status_words
from registry_sync.notices.reader_words import CRITERIA_FIELDS, DATES, EXPANDED, FIELDS, GENERIC, LISTING, REGISTRY
from registry_sync.notices.said import STATUS, At, Said, posted, seen
from registry_sync.notices.wording import moved_by
from registry_sync.trials import presence


def said(at: At, t: Translator) -> Said:
    """Subject and first sentences of one trial's news."""
    merged = mergers.differing(at)
    words = mergers.for_readers(merged[0], t) if merged else _words(at, t)
    more = len(at.told) - (mergers.of_it(at) if merged else _in_the_head(at))
    sentences = [_source(at, words.says, t), *words.means]
    if at.news.into is not None and at.head.topic != "registry" and not merged:
        sentences.insert(1, _part_of(at.news.into, t))
    if more > 0:
        sentences.append(t.ngettext("{n} other change is listed below.", "{n} other changes are listed below.", more).format(n=more))
    followed = presence.entries(merged[0]) if merged else None
    return Said(words.subject.format(trial=followed[0] if followed else at.trial), tuple(sentences))


def _source(at: At, says: str, t: Translator) -> str:
    """The first sentence: who says it, and of when it is."""
    if at.head.topic == "listing":
        return t.gettext("A web page about this trial, {page}, on {date}: {says}").format(
            page=_host(at.head.source), date=t.date(seen(at.head)), says=says
        )
    date = posted(at.head)
    if at.is_silent and (date is not None or at.is_of_the_whole):
        return t.gettext("Seen at the registry ClinicalTrials.gov on {date}: {says}").format(date=t.date(seen(at.head)), says=says)
    if date is None:
        return t.gettext("The registry ClinicalTrials.gov now says: {says}").format(says=says)
    return t.gettext("The registry ClinicalTrials.gov says as of {date}: {says}").format(date=t.date(date), says=says)


def _words(at: At, t: Translator) -> Words:
    field = at.head.field
    if field == STATUS:
        return status_words(at, t)
    if field in CRITERIA_FIELDS:
        return _criteria(at, t)
    if field in DATES:
        return _date(at, t)
    if field in _SPECIAL:
        return _SPECIAL[field](at, t)
    if at.head.topic == "listing":
        return _translated(LISTING.get(_state(at.head.after), LISTING[""]), t)
    if at.head.topic == "registry":
        return _registry(at, t)
    words = FIELDS.get(field) or FIELDS.get(at.head.topic)
    return _translated(words, t) if words is not None else _generic(at, t)


def _in_the_head(at: At) -> int:
    """How many of the told changes the first sentences already speak of."""
    if at.head.field in CRITERIA_FIELDS:
        return sum(change.field in CRITERIA_FIELDS for change in at.told)
    if at.head.field == "has_results":
        return sum(change.field in ("has_results", "results_first_post_date") for change in at.told)
    return sum(change.field == at.head.field and presence.entries(change) is None for change in at.told)


def _translated(words: Words, t: Translator) -> Words:
    return Words(t.gettext(words.subject), t.gettext(words.says), tuple(t.gettext(sentence) for sentence in words.means))


def _generic(at: At, t: Translator) -> Words:
    label = phrases.reader_label(at.head.field, at.head.topic, t)
    return Words(t.gettext(GENERIC.subject), t.gettext(GENERIC.says).format(label=label), tuple(t.gettext(s) for s in GENERIC.means))


def _criteria(at: At, t: Translator) -> Words:
    changes = [change for change in at.told if change.field in CRITERIA_FIELDS]
    n = len(changes)
    team = t.gettext("Only the study team can say what it means for one person.")
    if all(change.field == "criteria" and change.operation == "changed" and change.reader_significance != "major" for change in changes):
        return Words(
            t.gettext("A rule is worded anew in a trial you follow ({trial})"),
            t.ngettext("{n} rule on who may take part is worded anew.", "{n} rules on who may take part are worded anew.", n).format(n=n),
            (t.gettext("New words do not have to mean another rule; old and new stand below."), team),
        )
    return Words(
        t.gettext("Who may take part has changed in a trial you follow ({trial})"),
        t.ngettext("{n} rule on who may take part has changed.", "{n} rules on who may take part have changed.", n).format(n=n),
        (t.gettext("What it was and what it is now stand below, with the changed words marked."), team),
    )


def _date(at: At, t: Translator) -> Words:
    """A date that moved, became a fact, is stated for the first time, or is not stated any more."""
    words = DATES[at.head.field]
    before, after = text_of(at.head.before, "date"), text_of(at.head.after, "date")
    if not after:
        return _generic(at, t)
    filled = {"before": t.date(before), "after": t.date(after)}
    kind = text_of(at.head.after, "type")
    if kind not in phrases.ESTIMATED:  # of old entries the registry does not say whether a date is a plan
        now_a_fact = kind == phrases.ACTUAL and text_of(at.head.before, "type") in phrases.ESTIMATED
        fact = (t.gettext("This date is now a fact, no longer a plan."),) if now_a_fact else ()
        return Words(t.gettext(words.fact_subject), t.gettext(words.fact).format(**filled), fact)
    plan = (t.gettext("This is a plan; it can change again."),)
    if not before or when.shift(before, after) is None:
        return Words(t.gettext(words.plan_subject), t.gettext(words.stated).format(**filled), plan)
    says = t.gettext(words.moved).format(**filled, distance=moved_by(before, after, t))
    return Words(t.gettext(words.plan_subject), says, (*slipped.for_readers(at.news.slips.get(at.head.field), t), *plan))


def _sites(at: At, t: Translator) -> Words:
    changes = [change for change in at.told if change.field == "locations"]
    tallies = sites.by_country(changes)
    countries = [(t.country(country) or t.gettext("country not stated"), tally) for country, tally in tallies.items()]
    lines = sites.one_by_one(changes, t) or tuple(f"{country}: {sites.in_words(tally, t)}." for country, tally in countries)
    if sites.are_all(changes, at.news.before, at.news.record):
        lines = (*lines, t.gettext("Other sites did not change."))
    subject = _sites_subject(at, tallies, t)
    of_all = sites.total(tallies.values())
    if of_all.added or of_all.removed or of_all.opened:
        return Words(subject, t.gettext("the list of sites has changed."), lines)
    if of_all.closed:
        return Words(subject, t.gettext("sites are listed otherwise than before."), lines)
    n = len(changes)
    if sites.only_contacts(changes):
        says = t.ngettext("the contacts of {n} site have changed.", "the contacts of {n} sites have changed.", n)
    else:
        says = t.ngettext("the details of {n} site have changed.", "the details of {n} sites have changed.", n)
    return Words(subject, says.format(n=n), lines)


def _sites_subject(at: At, tallies: dict[str, sites.Tally], t: Translator) -> str:
    """The news of one country where there is one country, a number otherwise; never a site."""
    all_of_them = sites.total(tallies.values())
    country = next(iter(tallies), "")
    # The subject is a format still, and a country may be spelled with braces by a hostile record.
    named = t.country(country).replace("{", "").replace("}", "")[:40] if len(tallies) == 1 else ""
    shut = text_of(at.head.before, "country") if at.head.reader_significance == "major" else ""
    if shut and not named and tallies[shut].closed and sites.closed_for(shut, at.news.record):
        country, named = shut, t.country(shut).replace("{", "").replace("}", "")[:40]  # it heads the story, whatever opens elsewhere
    if named and tallies[country].closed and sites.closed_for(country, at.news.record):
        return t.gettext("No site in {country} is listed as recruiting any more ({trial})").format(country=named, trial="{trial}")
    n = all_of_them.opened
    if not n:
        return _quiet_subject(at, all_of_them, t)
    if not named:
        return t.ngettext("A site is now listed as recruiting ({trial})", "{n} sites are now listed as recruiting ({trial})", n).format(
            n=n, trial="{trial}"
        )
    text = t.ngettext(
        "A site in {country} is now listed as recruiting ({trial})", "{n} sites in {country} are now listed as recruiting ({trial})", n
    )
    return text.format(n=n, country=named, trial="{trial}")


def _quiet_subject(at: At, tally: sites.Tally, t: Translator) -> str:
    """Of sites none of which opened: what changed, the list, a status, or what is said of a site."""
    if tally.added or tally.removed:
        return t.gettext("The list of sites has changed in a trial you follow ({trial})")
    if tally.closed:
        n = tally.closed
        text = t.ngettext(
            "A site is not listed as recruiting any more ({trial})", "{n} sites are not listed as recruiting any more ({trial})", n
        )
        return text.format(n=n, trial="{trial}")
    changes = [change for change in at.told if change.field == "locations"]
    n = len(changes)
    contacts = t.ngettext(
        "Contacts of a site have changed in a trial you follow ({trial})",
        "Contacts of {n} sites have changed in a trial you follow ({trial})",
        n,
    )
    details = t.ngettext(
        "Details of a site have changed in a trial you follow ({trial})",
        "Details of {n} sites have changed in a trial you follow ({trial})",
        n,
    )
    return (contacts if sites.only_contacts(changes) else details).format(n=n, trial="{trial}")


def _enrollment(at: At, t: Translator) -> Words:
    """A plan is told as a plan, and a count is never told as a cut of the plan."""
    before, after = text_of(at.head.before, "count"), text_of(at.head.after, "count")
    if not after:
        return _generic(at, t)
    if text_of(at.head.after, "type") not in phrases.ESTIMATED:
        says = t.gettext("the number of participants is given as {after}.").format(after=after)
        is_count = text_of(at.head.after, "type") == phrases.ACTUAL
        plan = is_count and text_of(at.head.before, "type") in phrases.ESTIMATED and before
        means = t.gettext("{before} were planned. A count and a plan often differ.").format(before=before) if plan else ""
        return Words(t.gettext("The number of participants is now given for a trial you follow ({trial})"), says, (means,) if means else ())
    if before:
        says = t.gettext("the planned number of participants is now {after}; before, it was {before}.").format(after=after, before=before)
    else:
        says = t.gettext("the planned number of participants is now {after}.").format(after=after)
    means = t.gettext("This is a plan. It does not show how many people have joined.")
    return Words(t.gettext("The planned number of participants has changed in a trial you follow ({trial})"), says, (means,))


def _reason(at: At, t: Translator) -> Words:
    return Words(
        t.gettext("The reason given by a trial you follow has changed ({trial})"),
        t.gettext("the reason that the trial team gives has changed."),
        (quoted_reason(at, t),),
    )


def _results(at: At, t: Translator) -> Words:
    if at.head.after:
        return Words(
            t.gettext("Results are posted for a trial you follow ({trial})"),
            t.gettext("results are now shown, in technical form."),
            (t.gettext("They are tables for specialists and do not tell what is right for one person."),),
        )
    return Words(
        t.gettext("Results are not shown any more for a trial you follow ({trial})"),
        t.gettext("results are not shown any more."),
        (t.gettext("The registry does not say why here."),),
    )


def _expanded(at: At, t: Translator) -> Words:
    return _translated(EXPANDED.get(text_of(at.head.after, "status"), EXPANDED[""]), t)


_SPECIAL: dict[str, Callable[[At, Translator], Words]] = {
    "locations": _sites,
    "enrollment": _enrollment,
    "why_stopped": _reason,
    "has_results": _results,
    "expanded_access": _expanded,
}


def _registry(at: At, t: Translator) -> Words:
    words = _translated(REGISTRY.get(_state(at.head.after), REGISTRY[""]), t)
    if at.head.after == "found" and at.news.record.overall_status:
        standing = f"{phrases.reader_label(STATUS, STATUS, t)}: {phrases.plain(at.news.record.overall_status, t)}."
        return words._replace(means=(standing, *words.means))
    if at.news.into is None:
        return words
    return words._replace(means=(_part_of(at.news.into, t), *words.means))


def _part_of(trial: str, t: Translator) -> str:
    return t.gettext("It is part of {trial} now.").format(trial=one_line(trial))


def _state(value: Any) -> str:
    return value.replace("_", " ") if isinstance(value, str) else ""


def _host(source: str) -> str:
    try:
        return one_line(urlsplit(source).hostname or source)
    except ValueError:
        return one_line(source)
