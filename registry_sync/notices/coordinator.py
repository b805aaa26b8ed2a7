"""The coordinator's voice: a trial's news -> subject and first sentences in the registry's tokens, with dates, types and counts.

The subject carries neither condition nor title nor site here either: it is read on locked screens, too.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from registry_sync.notices import duties, listings, mergers, phrases, sites, slipped, values
from registry_sync.notices.clean import as_text, cut, text_of
from registry_sync.notices.coordinator_status import standing, status_detail, status_sentences, unknown_by_rule
from registry_sync.notices.i18n import Translator
from registry_sync.notices.marking import excerpts
from registry_sync.notices.said import STATUS, UNKNOWN, At, Said, posted, seen, status_step
from registry_sync.notices.wording import summary
from registry_sync.trials import presence
from registry_sync.trials.changes import KeptChange
from registry_sync.trials.record import BY_NAME, Record

_LONGEST_TOKEN = 30
_MOST_QUOTED = 3
_LONGEST_QUOTE = 60


def said(at: At, t: Translator) -> Said:
    """Subject and first sentences of one trial's news."""
    merged = mergers.differing(at)
    what, sentences = mergers.for_coordinators(merged[0], t) if merged else _news(at, t)
    first = _source(at, sentences[0], t)
    own = (change.field == at.head.field and presence.entries(change) is None for change in at.told)
    more = len(at.told) - (mergers.of_it(at) if merged else sum(own))
    rest = list(sentences[1:])
    if more > 0:
        rest.append(t.ngettext("{n} other change below.", "{n} other changes below.", more).format(n=more))
    followed = presence.entries(merged[0]) if merged else None
    return Said(f"{followed[0]}: {what}" if followed else _subject(at, what, t), (first, *rest))


def _subject(at: At, what: str, t: Translator) -> str:
    date = _posted(at)
    subject = f"{at.trial}: {what}"
    if date is not None and at.head.field != "has_results":
        subject = t.gettext("{trial}: {what}, posted {date}").format(trial=at.trial, what=what, date=date)
    detail = status_detail(at, t) if at.head.field == STATUS else ""
    return f"{subject}; {detail}" if detail else subject


def _source(at: At, what: str, t: Translator) -> str:
    """The first sentence: the source, its date, and what it says."""
    if at.head.topic == "listing":
        return t.gettext("{page}, seen {date}: {what}").format(page=as_text(at.head.source), date=seen(at.head), what=what)
    if at.head.topic == duties.TOPIC:
        as_of = as_text((at.head.detail or {}).get("as_of")) or seen(at.head)
        return duties.first_sentence(at.head, as_of, what, t)
    date = _posted(at)
    if date is None:
        return t.gettext("ClinicalTrials.gov, seen {date}: {what}").format(date=seen(at.head), what=what)
    return t.gettext("ClinicalTrials.gov, posted {date}: {what}").format(date=date, what=what)


def _posted(at: At) -> str | None:
    """The registry's date of the head, where the registry gave it one."""
    return None if at.is_silent else posted(at.head)


def _news(at: At, t: Translator) -> tuple[str, tuple[str, ...]]:
    """The subject's middle and the sentences, by the kind of news."""
    field = at.head.field
    if field == STATUS:
        return _status(at, t)
    if field == "criteria":
        return _criteria(at, t)
    if field == "locations":
        return _sites(at, t)
    if field == "has_results":
        return _results(at, t)
    if field in BY_NAME and BY_NAME[field].kind == "dated":
        return _date(at, t)
    if field == "enrollment":
        return _plain_step(at, t.gettext("enrolment"), t)
    return _other(at, t)


def _status(at: At, t: Translator) -> tuple[str, tuple[str, ...]]:
    before, after = (_token(value, t) for value in (at.head.before, at.head.after))
    step = status_step(at)
    if step.before == UNKNOWN and step.origin:
        before = t.gettext("{status} (last known {origin})").format(status=before, origin=_token(step.origin, t))
    what = f"{before} → {after}"
    lead = t.gettext("overall status {before} → {after}.").format(before=before, after=after)
    if at.head.after == UNKNOWN:
        what = f"{what} {unknown_by_rule(at, t)}"
    return what, (lead, *status_sentences(at, t))


def _criteria(at: At, t: Translator) -> tuple[str, tuple[str, ...]]:
    """Items counted by what happened to them: "1 of 14 items reworded"."""
    by_operation = Counter(change.operation for change in at.told if change.field == "criteria")
    items = sum(criterion.kind == "item" for criterion in at.news.record.criteria or ())
    reworded = t.ngettext("{n} of {items} item reworded", "{n} of {items} items reworded", items)
    counted = (
        (reworded if items >= by_operation["changed"] else t.gettext("{n} reworded"), by_operation["changed"]),
        (t.gettext("{n} added"), by_operation["added"]),
        (t.gettext("{n} removed"), by_operation["removed"]),
        (t.gettext("{n} moved"), by_operation["moved"]),
    )
    counts = ", ".join(template.format(n=n, items=items) for template, n in counted if n)
    what = t.gettext("eligibility, {counts}").format(counts=counts)
    amendment = t.gettext(
        "A protocol amendment that is told to participants is due in the record 30 days after the board's approval "
        "(42 CFR 11.64), where it applies."
    )
    return what, (f"{what}.", *_rewordings(at, t), amendment)


def _rewordings(at: At, t: Translator) -> list[str]:
    """The items that were reworded, where they are few: "Exclusion 7: “12 months” → “6 months”."."""
    changes = [change for change in at.told if change.field == "criteria" and change.operation == "changed"]
    if len(changes) > _MOST_QUOTED:
        return []
    names = {"inclusion": t.gettext("Inclusion {number}"), "exclusion": t.gettext("Exclusion {number}")}
    sentences = []
    for change in changes:
        if values.pieces(change) is not None:
            line = summary(change, t.language)
            sentences.append(line if line.endswith((".", "…")) else f"{line}.")
            continue
        number = _number(change, at.news.record)
        name = names.get(change.group or "", t.gettext("Criterion {number}")).format(number=number or "").strip()
        before, after = excerpts(as_text(change.before), as_text(change.after), _LONGEST_QUOTE)
        if before != after:
            sentences.append(t.gettext("{name}: “{before}” → “{after}”.").format(name=name, before=before, after=after))
    return sentences


def _number(change: KeptChange, record: Record) -> int | None:
    """Which item of its group this is, from 1; ``None`` where the record does not hold it as one item."""
    items = [criterion.text for criterion in record.criteria or () if criterion.kind == "item" and criterion.group == change.group]
    return items.index(change.after) + 1 if change.after in items else None


def _sites(at: At, t: Translator) -> tuple[str, tuple[str, ...]]:
    changes = [change for change in at.told if change.field == "locations"]
    # Respelt cities and moved postal codes are the registry's hand: they are listed below, not counted.
    counted = [change for change in changes if change.significance != "housekeeping"] or changes
    tallies = sites.by_country(counted)
    what = t.gettext("sites {numbers}").format(numbers=sites.in_numbers(sites.total(tallies.values()), t))
    lines = [_country(country, tally, at.news.record, t) for country, tally in tallies.items()]
    respelt = len(changes) - len(counted)
    if respelt:
        text = t.ngettext("Not counted: {n} site that the registry respelt.", "Not counted: {n} sites that the registry respelt.", respelt)
        lines.append(text.format(n=respelt))
    return what, (f"{what}.", *lines)


def _country(country: str, tally: sites.Tally, record: Record, t: Translator) -> str:
    named = country or t.gettext("country not stated")
    line = f"{named}: {sites.in_numbers(tally, t)}"
    if tally.closed and sites.closed_for(country, record):
        return t.gettext("{line}; none is RECRUITING any more.").format(line=line)
    return f"{line}."


def _results(at: At, t: Translator) -> tuple[str, tuple[str, ...]]:
    record = at.news.record
    date = record.results_first_post_date.date if record.results_first_post_date is not None else None
    if not at.head.after:
        what = t.gettext("results not shown any more")
        return what, (f"{what}.",)
    what = t.gettext("results first posted {date}").format(date=as_text(date)) if date else t.gettext("results first posted")
    sentences = [f"{what}."]
    if record.results_first_submit_date:
        sentences.append(t.gettext("First submitted {date}.").format(date=as_text(record.results_first_submit_date)))
    if record.results_delayed_date:
        sentences.append(t.gettext("Certification of delay submitted {date}.").format(date=as_text(record.results_delayed_date)))
    sentences.append(standing(record, t))
    return what, tuple(sentences)


def _date(at: At, t: Translator) -> tuple[str, tuple[str, ...]]:
    """A date with its shift in the subject, both values with their types in the sentence."""
    label = phrases.label(at.head.field, at.head.topic, t)
    before, after = text_of(at.head.before, "date"), text_of(at.head.after, "date")
    distance = slipped.signed(before, after, t)
    moves = at.news.slips.get(at.head.field) if distance else None
    sentences = [_step(at, label, t), *slipped.for_coordinators(moves, label, t), slipped.coarser(before, after, t)]
    if not distance:
        return _plain_subject(at, label, t), tuple(filter(None, sentences))
    brackets = slipped.in_brackets(moves, before, after, t) if text_of(at.head.after, "type") != phrases.ACTUAL else ""
    return f"{label} {distance} ({brackets})" if brackets else f"{label} {distance}", tuple(filter(None, sentences))


def _plain_step(at: At, label: str, t: Translator) -> tuple[str, tuple[str, ...]]:
    return _plain_subject(at, label, t), (_step(at, label, t),)


def _plain_subject(at: At, label: str, t: Translator) -> str:
    sides = (values.describe(at.head.field, value, t, "coordinator") for value in (at.head.before, at.head.after))
    before, after = (cut(side, _LONGEST_TOKEN) for side in sides)
    return f"{label} {before} → {after}"


def _step(at: At, label: str, t: Translator) -> str:
    before, after = (values.describe(at.head.field, value, t, "coordinator") for value in (at.head.before, at.head.after))
    distance = slipped.signed(text_of(at.head.before, "date"), text_of(at.head.after, "date"), t)
    return f"{label} {before} → {after} ({distance})." if distance else f"{label} {before} → {after}."


def _other(at: At, t: Translator) -> tuple[str, tuple[str, ...]]:
    """Any other field: its name and the number of changes in the subject, the change itself in the text."""
    label = phrases.label(at.head.field, at.head.topic, t)
    if at.head.topic in ("listing", "registry", "deadlines"):
        what = f"{label}: {cut(phrases.token(at.head.after, t), _LONGEST_TOKEN)}"
        into = [t.gettext("It is part of {trial} now.").format(trial=at.news.into)] if at.news.into else []
        status = at.news.record.overall_status if at.head.after == "found" else None
        if at.head.topic == listings.TOPIC:
            return what, (f"{what}.", *listings.sentences(at.head, t, _MOST_QUOTED))
        if at.head.topic == duties.TOPIC and at.head.detail is not None:
            return _duty(at, t)
        standing = [f"{phrases.label(STATUS, STATUS, t)}: {_token(status, t)}."] if status else []
        return what, (f"{what}.", *into, *standing)
    n = sum(change.field == at.head.field for change in at.told)
    if n > 1:
        what = t.ngettext("{label}: {n} change", "{label}: {n} changes", n).format(label=label, n=n)
        return what, (f"{what}.",)
    line = summary(at.head, t.language)
    return t.gettext("{label} changed").format(label=label), (line if line.endswith((".", "…")) else f"{line}.",)


def _duty(at: At, t: Translator) -> tuple[str, tuple[str, ...]]:
    """What is due: the state and the days that are left in the subject, the rule and what shows it in the text."""
    state, left = phrases.token(at.head.after, t), duties.left(at.head, t) if at.head.after != "met" else ""
    rule = duties.name(at.head, t)
    what = f"{rule}: {state} ({left})" if left else f"{rule}: {state}"
    return what, (f"{what}.", *duties.sentences(at.head, t))


def _token(value: Any, t: Translator) -> str:
    return t.gettext("not stated") if value is None else cut(as_text(value), _LONGEST_TOKEN)
