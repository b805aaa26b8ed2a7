"""What is owed in words: which rule, by when, by which source, and what shows it. For coordinators; readers hear nothing of it."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from registry_sync.notices import phrases
from registry_sync.notices.clean import as_text, cut, one_line
from registry_sync.notices.i18n import Translator
from registry_sync.trials.changes import Change
from registry_sync.trials.deadlines import EU_END, EU_SUMMARY, Owed
from registry_sync.trials.record import N_

TOPIC = "deadlines"
_LETTER = "letter "
_LONGEST_VALUE = 120
_LONGEST_TITLE = 300
_STATUS_UNKNOWN = N_("ClinicalTrials.gov: the status Unknown")
_FROM = {
    "record": N_("This is read from the record, and is no legal advice."),
    "event": N_("This follows from an event that a coordinator entered, and is no legal advice."),
    "both": N_("This follows from an event that a coordinator entered and from the record, and is no legal advice."),
    "said": N_("This is what a coordinator has said, which no record shows, and is no legal advice."),
}
"""By what a state is seen: where it comes from."""
_BY = {
    "record": N_("By the registry's record, as of {date}: {what}"),
    "event": N_("By an event that a coordinator entered, as of {date}: {what}"),
    "both": N_("By an event that a coordinator entered and the registry's record, as of {date}: {what}"),
    "said": N_("As a coordinator says, as of {date}: {what}"),
}

WHAT: dict[str, str] = {
    "results": N_("Results at ClinicalTrials.gov"),
    "verify": N_("Record verification"),
    "register": N_("Registration beside the first participant"),
    "status": N_("Recruitment status in the record"),
    "start": N_("Actual study start in the record"),
    "completion": N_("Actual study completion in the record"),
    "amendment": N_("Update after an amendment that participants are told of"),
    "eu-first-visit": N_("CTIS: first visit of the first participant"),
    "eu-recruitment-end": N_("CTIS: end of recruitment"),
    "eu-recruitment-again": N_("CTIS: recruitment again"),
    "eu-halt": N_("CTIS: temporary halt"),
    "eu-restart": N_("CTIS: restart after a halt"),
    "eu-halt-ends": N_("CTIS: a halt of two years is the end of the trial"),
    "eu-end": N_("CTIS: end of the trial"),
    "eu-summary": N_("CTIS: results and summary for laypersons"),
    "unknown": N_("The status UNKNOWN"),
    "recruiting-after-end": N_("Open to participants after study completion"),
    "not-yet-after-start": N_("Not yet recruiting after the study start"),
    "actual-in-future": N_("An actual date that is yet to come"),
    "ended-by-plan": N_("Ended, with a date that is still planned"),
    "no-reason": N_("Stopped, and no reason given"),
    "planned-enrolment": N_("Primary completion actual, enrolment still planned"),
    "enrolled-withdrawn": N_("Withdrawn, with participants"),
}
"""By rule: what is owed, or what the record says against itself."""

SHOWN_BY: dict[str, str] = {
    "said": N_("a coordinator said so"),
    "every record": N_("every record"),
    "no study type": N_("the record does not say what kind of study it is"),
    "not interventional": N_("the study is not interventional ({shown})"),
    "before the statute": N_("primary completion on {shown}, before the law came into force"),
    "phase 1": N_("phase 1 alone ({shown})"),
    "feasibility": N_("a feasibility study of a device"),
    "not regulated": N_("the record says that the FDA does not regulate what is studied"),
    "not stated": N_("the record does not say whether the FDA regulates what is studied"),
    "site in the US": N_("regulated by the FDA, with a site in {shown}"),
    "exported": N_("regulated by the FDA, made in the US and exported"),
    "no site in the US": N_("regulated by the FDA, without a site in the US; an IND or IDE is not public"),
    "completed before the final rule": N_("primary completion {shown}, before 18 January 2017: it depends on the product's approval"),
    "EU CT number": N_("EU CT number {shown}"),
    "medicine in the EU": N_("a medicine with a site in the EU or EEA, without an EU CT number in the record"),
    "no EU CT number": N_("no EU CT number in the record"),
}
"""By the reason of a standing: what in the record shows it."""


KINDS: dict[str, str] = {
    "first-visit": N_("first visit of the first participant"),
    "recruitment-ended": N_("end of recruitment"),
    "halted": N_("temporary halt"),
    "restarted": N_("restart"),
    "ended": N_("end of the trial"),
    "amendment-approved": N_("approval of an amendment"),
}


def what(rule: str, t: Translator) -> str:
    """The name of a rule for people; of a letter, whose page it is about."""
    if rule.startswith(_LETTER):
        return t.gettext("Correction asked of {site}").format(site=_site(rule.removeprefix(_LETTER)))
    return t.gettext(WHAT[rule]) if rule in WHAT else one_line(rule)


def shown_by(reason: str, shown: str, t: Translator) -> str:
    """Why a law applies, or why that is not shown, or cannot be told."""
    return t.gettext(SHOWN_BY[reason]).format(shown=one_line(shown)) if reason in SHOWN_BY else ""


def cited(source: str, t: Translator) -> str:
    """A rule's source as it is cited in this language: the numbers, and the names of the registry's data elements, are the same in all."""
    regulation = "Regulation (EU) 536/2014, Article"
    if source.startswith(regulation):
        number = source.removeprefix(regulation).strip()
        one, _, other = number.partition(" or ")
        first, _, last = number.partition(" to ")
        if other:
            number = t.gettext("{one} or {other}").format(one=one, other=other)
        elif last:
            number = t.gettext("{first} to {last}").format(first=first, last=last)
        return t.gettext("Regulation (EU) 536/2014, Article {number}").format(number=number)
    return one_line(t.gettext(source) if source == _STATUS_UNKNOWN else source)


def _site(url: str) -> str:
    try:
        return one_line((urlsplit(url).hostname or url).removeprefix("www."))
    except ValueError:
        return one_line(url)


def name(change: Change, t: Translator) -> str:
    """ "Deadline: Results at ClinicalTrials.gov"."""
    label = phrases.label(change.field, change.topic, t)
    rule = str((change.detail or {}).get("rule", "")).split(" ")[0]
    return t.gettext("{label}: {what}").format(label=label, what=what(rule, t)) if rule in WHAT else label


def by(detail: dict[str, Any], t: Translator) -> str:
    """ "by 2025-03-01", or the days from the first to the last that a date without a day may mean."""
    last, first = detail.get("by"), detail.get("earliest")
    if not isinstance(last, str):
        return ""
    if isinstance(first, str):
        text = t.gettext("by a day from {first} to {last}").format(first=first, last=last)
    else:
        text = t.gettext("by {last}").format(last=last)
    return t.gettext("{text} (a planned date)").format(text=text) if detail.get("planned") else text


def rows(change: Change, t: Translator) -> list[str]:
    """By when, by which rule, and what shows it: a line each."""
    detail = change.detail or {}
    day, done_on = by(detail, t), detail.get("done_on")
    lines = [day[:1].upper() + day[1:]] if day else []
    if isinstance(done_on, str):
        lines.append(t.gettext("Done on {day}, as a coordinator says").format(day=one_line(done_on)))
    source = detail.get("source")
    if isinstance(source, str):
        lines.append(t.gettext("Rule: {source}").format(source=cited(source, t)))
    lines += [line for pair in detail.get("shown", ()) if (line := shown(pair, t))]
    event = detail.get("event")
    if isinstance(event, dict):
        kind = str(event.get("kind"))
        country = event.get("country")
        parts = (t.gettext(KINDS[kind]) if kind in KINDS else kind, event.get("date"), t.country(country) if country else None)
        told = ", ".join(one_line(as_text(part)) for part in parts if part)
        lines.append(t.gettext("Event: {event}").format(event=told))
        lines += deemed(str(detail.get("rule")), as_text(detail.get("since")), as_text(event.get("date")), t)
    return lines


def deemed(rule: str, since: str | None, happened: str, t: Translator) -> list[str]:
    """On which day a trial counts as ended, where that is another than the day of the event: the last of a halt's two years."""
    if rule not in (EU_END.name, EU_SUMMARY.name) or not since or since == happened:
        return []
    return [t.gettext("End of the trial, by a halt of two years: {day}").format(day=one_line(since))]


def shown(pair: Any, t: Translator) -> str:
    """A part of the record that shows it: "Study completion: 2025-12-31 ESTIMATED"."""
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        return ""
    field, value = str(pair[0]), cut(one_line(as_text(pair[1])), _LONGEST_VALUE)
    return f"{phrases.label(field, '', t)}: {value}"


def _seen_by(change: Change) -> str:
    """By what it is seen that it stands so: the record, an event that was entered, both, or what a coordinator has said."""
    detail = change.detail or {}
    event, record = bool(detail.get("event")), bool(detail.get("shown"))
    if "done_on" in detail or (event and not record and change.after == "met"):
        return "said"
    return "both" if event and record else "event" if event else "record"


def first_sentence(change: Change, as_of: str, what: str, t: Translator) -> str:
    """A coordinator's mail at its beginning: by whom it is so, and since when that is known."""
    return t.gettext(_BY[_seen_by(change)]).format(date=as_of, what=what)


def calendar(t: Translator) -> str:
    """The name of the calendar of what is owed."""
    return t.gettext("Deadlines of clinical trials")


def lines(row: Owed, t: Translator, *, title: str | None, owner: str | None) -> Iterator[str]:
    """What an event of that calendar says."""
    if title:
        yield cut(one_line(title), _LONGEST_TITLE)
    yield t.gettext("Rule: {source}").format(source=cited(row.source, t))
    if row.bound == "cannot tell":
        why = shown_by(row.reason, row.reason_shown, t)
        yield t.gettext("Whether it is owed the record cannot tell: {why}.").format(why=why)
    for pair in row.shown:
        yield shown(pair, t)
    if row.event:
        yield from deemed(row.rule, row.since, row.event.date, t)
    if row.planned:
        yield t.gettext("The day follows from a planned date; it can change.")
    if owner:
        yield t.gettext("Looked after by {name}.").format(name=one_line(owner))
    origin = "record" if not row.event else "both" if row.shown else "event"
    yield t.gettext(_FROM[origin])


def left(change: Change, t: Translator) -> str:
    """How many days there were to the last day when it was seen, or since."""
    detail = change.detail or {}
    try:
        days = (datetime.date.fromisoformat(str(detail.get("by"))) - datetime.date.fromisoformat(str(detail.get("as_of")))).days
    except ValueError:
        return ""
    if days < 0:
        return t.ngettext("{n} day ago", "{n} days ago", -days).format(n=-days)
    return t.ngettext("in {n} day", "in {n} days", days).format(n=days) if days else t.gettext("today")


def sentences(change: Change, t: Translator) -> tuple[str, ...]:
    """A coordinator's mail after its first sentence."""
    told = [line if line.endswith((".", "…")) else f"{line}." for line in rows(change, t)]
    return (*told, t.gettext(_FROM[_seen_by(change)]))


def summary(change: Change, t: Translator) -> str:
    """The news on one line: "Deadline: Results at ClinicalTrials.gov: overdue, by 2025-03-01 (42 CFR 11.44(a))"."""
    detail = change.detail or {}
    line = f"{name(change, t)}: {phrases.token(as_text(change.after), t)}"
    day, source, done_on = by(detail, t), detail.get("source"), detail.get("done_on")
    if isinstance(done_on, str):
        line = t.gettext("{line}, done on {day} as a coordinator says").format(line=line, day=one_line(done_on))
    line = f"{line}, {day}" if day else line
    return f"{line} ({cited(source, t)})" if isinstance(source, str) else line
