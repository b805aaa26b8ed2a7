"""A record as a page tells it: in plain words, clean, and cut where it would be endless."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple
from urllib.parse import quote

from db.cards import name_of
from registry_sync.notices import english, lifeline, phrases, values
from registry_sync.notices.clean import block, cut, one_line
from registry_sync.notices.i18n import Translator
from registry_sync.notices.lifeline import DATES
from registry_sync.notices.sites import Looking, looking
from registry_sync.trials.record import N_, Contact, Criterion, Location, Record, plain

LONGEST_TITLE = 300
_LONGEST_LINE = 2_000
_LONGEST_PROSE = 6_000
_MOST_CRITERIA = 400
_MOST_ITEMS = 60
_MOST_SITES = 1_000
_DEEPEST = 6

_MAY_BE_ASKED = frozenset({"RECRUITING", "NOT_YET_RECRUITING", "ENROLLING_BY_INVITATION", "AVAILABLE"})
"""Statuses of sites whose contacts are shown, which is more than those that look for participants; one without any follows the trial."""
_ENDED_EARLY = frozenset({"TERMINATED", "WITHDRAWN"})
_WHO = ("sex", "minimum_age", "maximum_age", "healthy_volunteers")
_WHAT = (
    "study_type", "phases", "interventions", "allocation", "masking", "arms", "primary_outcomes", "secondary_outcomes", "enrollment",
    "lead_sponsor", "collaborators", "overall_officials", "has_results",
)  # fmt: skip
_GROUPS: dict[str | None, str] = {
    "inclusion": N_("Who may take part (inclusion criteria)"),
    "exclusion": N_("Who may not take part (exclusion criteria)"),
    None: N_("Rules for taking part"),
}
_EMAIL = re.compile(r"[^@\s<>\"',;:()\[\]\\]{1,64}@[A-Za-z0-9.-]{1,190}")
_PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{4,24}")


class Row(NamedTuple):
    """A label and what belongs to it: one text, or several as a list."""

    label: str
    texts: Sequence[str]
    more: int = 0


class Person(NamedTuple):
    """A contact; ``mailto`` and ``tel`` are addresses for a link, empty where there is nothing to call."""

    name: str
    email: str
    mailto: str
    phone: str
    tel: str


class Site(NamedTuple):
    """A site as it stands."""

    place: str
    status: str
    may_be_asked: bool
    people: Sequence[Person]


class Country(NamedTuple):
    """The sites in a country, those that may be asked first."""

    name: str
    sites: Sequence[Site]
    to_ask: int


class Line(NamedTuple):
    """A criterion and what is listed below it."""

    text: str
    inside: list[Any]


class Group(NamedTuple):
    """Criteria under one heading: ``blocks`` are sentences (texts) and lists of ``Line``."""

    heading: str
    section: str
    blocks: list[Any]


def title(record: Record) -> str:
    """The title; the trial's number where there is none."""
    return cut(one_line(record.brief_title or record.official_title or ""), LONGEST_TITLE) or record.trial


def status(word: str | None, t: Translator) -> str:
    """A status with what it means."""
    return cut(phrases.plain(word, t), LONGEST_TITLE) if word else t.gettext("not stated")


def gone(since: str, t: Translator) -> str:
    """That the registry does not show a trial any more, since when (UTC): what its status is, nobody knows."""
    return t.gettext("The registry has not shown this trial since {day}.").format(day=day(since, t))


def dates(record: Record, today: str, t: Translator) -> list[Row]:
    """The dates that people ask for, and whether each is a plan, as of a day. What was called off has no plans, and had no visits."""
    named = ((field, plain(getattr(record, field))) for field in (*DATES, "results_first_post_date"))
    stated = ((field, lifeline.stated(field, value, record.overall_status)) for field, value in named if value is not None)
    return [_row(field, [_date(field, value, today, t)], t) for field, value in stated if not _is_off(value, record.overall_status)]


def _is_off(value: Any, status: str | None) -> bool:
    """Is it a plan of a trial that was called off?"""
    return status == lifeline.CALLED_OFF and isinstance(value, dict) and lifeline.text(value, "type") in phrases.ESTIMATED


def _date(field: str, value: Any, today: str, t: Translator) -> str:
    """A date in words; of a plan whose day has passed it is said."""
    date = value.get("date") if isinstance(value, dict) and field in DATES else None
    if not isinstance(date, str) or lifeline.text(value, "type") not in phrases.ESTIMATED or date >= today[: len(date)]:
        return _value(field, value, t)
    is_day = len(date) == len(today)
    words = t.gettext("{date} (planned; this day has passed)") if is_day else t.gettext("{date} (planned; this has passed)")
    return cut(words.format(date=t.date(one_line(date))), _LONGEST_LINE)


def next_date(headline: Mapping[str, Any], today: str, t: Translator) -> tuple[str, str] | None:
    """The first date that is still to come: its label and the date; of what is over the last one. What was ended early has no plans."""
    found = [(field, value) for field in DATES if isinstance(value := headline.get(field), dict) and isinstance(value.get("date"), str)]
    if headline.get("overall_status") == lifeline.CALLED_OFF:
        found = [(field, value) for field, value in found if field not in lifeline.VISITS]
    if headline.get("overall_status") in _ENDED_EARLY:
        found = [(field, value) for field, value in found if value.get("type") == phrases.ACTUAL]
    coming = [(field, value) for field, value in found if value["date"] >= today[: len(value["date"])]]
    chosen = min(coming, key=lambda each: str(each[1]["date"])) if coming else found[-1] if found else None
    return (phrases.reader_label(chosen[0], "", t), _date(*chosen, today, t)) if chosen else None


def who(record: Record, t: Translator) -> list[Row]:
    """Who is looked for, but for the criteria."""
    rows = [_row(field, [_value(field, value, t)], t) for field in _WHO if (value := getattr(record, field)) is not None]
    if record.study_population:
        told = cut(one_line(record.study_population), _LONGEST_LINE)
        rows.append(_row("study_population", [_in_english(told, record.study_population, t)], t))
    return rows


def what(record: Record, t: Translator) -> list[Row]:
    """What is done, by whom, with how many."""
    rows = []
    for field in _WHAT:
        value = plain(getattr(record, field))
        if value is None or value == []:
            continue
        items = value if isinstance(value, list) and field != "phases" else [value]
        rows.append(_row(field, [_value(field, item, t) for item in items[:_MOST_ITEMS]], t, len(items) - _MOST_ITEMS))
    return rows


def prose(text: str | None) -> list[str]:
    """A text in its paragraphs."""
    return [line for line in block(cut(text or "", _LONGEST_PROSE)).split("\n") if line]


def conditions(names: Iterable[str], most: int = _MOST_ITEMS) -> tuple[list[str], int]:
    """The conditions, each as it is looked for, and how many are left out."""
    found = list(filter(None, map(name_of, names)))
    return found[:most], max(0, len(found) - most)


# --- the criteria ----------------------------------------------------------------------------------------------------------


def criteria(record: Record, t: Translator) -> tuple[list[Group], int]:
    """The criteria as nested lists, and how many are left out."""
    lines = record.criteria or ()
    shown = lines[:_MOST_CRITERIA]
    groups = [
        Group(t.gettext(_GROUPS[group]), cut(one_line(section or ""), LONGEST_TITLE), _nested(of_group))
        for (group, section), of_group in groupby(shown, key=lambda line: (line.group, line.section))
    ]
    return groups, len(lines) - len(shown)


def _nested(lines: Iterable[Criterion]) -> list[Any]:
    blocks: list[Any] = []
    above: list[Line] = []
    for line in lines:
        text = cut(one_line(line.text), _LONGEST_LINE)
        if not text:
            continue
        depth = max(0, min(line.depth, len(above), _DEEPEST))
        here = above[depth - 1].inside if depth else blocks
        if line.kind == "note":
            here.append(text)
            continue
        if not here or isinstance(here[-1], str):
            here.append([])
        item = Line(text, [])
        here[-1].append(item)
        above[depth:] = [item]
    return blocks


# --- places and people -----------------------------------------------------------------------------------------------------


def countries(record: Record, t: Translator, *, with_people: bool) -> tuple[list[Country], int]:
    """The sites by country: countries with sites that may be asked first, then by name; and how many are left out.

    ``with_people``: also whom to ask there, as the record has it.
    """
    sites = record.locations or ()
    found: dict[str, list[Site]] = {}
    for site in sorted(sites[:_MOST_SITES], key=lambda each: (not _may_be_asked(each, record), each.city or "", each.facility or "")):
        name = t.country(one_line(site.country)) if site.country else t.gettext("Country not stated")
        found.setdefault(cut(name, LONGEST_TITLE), []).append(_site(site, record, t, with_people=with_people))
    listed = [Country(name, of_country, sum(each.may_be_asked for each in of_country)) for name, of_country in found.items()]
    return sorted(listed, key=lambda each: (not each.to_ask, each.name)), max(0, len(sites) - _MOST_SITES)


def people(contacts: Sequence[Contact] | None) -> list[Person]:
    """Contacts, each with what a link needs."""
    return [_person(each) for each in (contacts or ())[:_MOST_ITEMS]]


def sites(record: Record, t: Translator, *, gone: bool) -> str:
    """How many sites there are, and how many of them look for participants, as far as the record says; ``gone``: as it said last."""
    n = len(record.locations or ())
    counted = t.ngettext("{n} site", "{n} sites", n).format(n=n)
    if gone:
        last = t.gettext("as the registry said last")
        return f"{counted}, {last}"
    found = looking(record)
    said = found and (_of_one(found, t) if n == 1 else _of_several(n, found, t))
    return f"{counted}; {said}" if said else counted


def _of_one(found: Looking, t: Translator) -> str:
    if found.now:
        return t.gettext("it is looking for participants")
    return t.gettext("it is not looking for participants yet") if found.not_yet else ""


def _of_several(n: int, found: Looking, t: Translator) -> str:
    if found.now == n:
        return t.gettext("all of them are looking for participants")
    if found.not_yet == n:
        return t.gettext("none of them is looking for participants yet")
    some = t.ngettext("{n} of them is looking for participants now", "{n} of them are looking for participants now", found.now)
    said = some.format(n=found.now) if found.now else t.gettext("none of them is looking for participants now")
    more = t.ngettext("{n} is not looking for them yet", "{n} are not looking for them yet", found.not_yet).format(n=found.not_yet)
    return f"{said}, {more}" if found.not_yet else said


def _may_be_asked(site: Location, record: Record) -> bool:
    return (site.status or record.overall_status) in _MAY_BE_ASKED


def _site(site: Location, record: Record, t: Translator, *, with_people: bool) -> Site:
    to_ask = _may_be_asked(site, record)
    parts = (site.facility, site.city or site.state)
    place = cut(", ".join(one_line(each) for each in parts if each), LONGEST_TITLE) or t.gettext("a site without a name")
    words = cut(phrases.token(site.status, t), LONGEST_TITLE) if site.status else ""
    return Site(place, words, to_ask, people(site.contacts) if with_people and to_ask else ())


def _person(contact: Contact) -> Person:
    name, email, phone = (cut(one_line(each or ""), LONGEST_TITLE) for each in (contact.name, contact.email, contact.phone))
    mailto = f"mailto:{quote(email, safe='@')}" if _EMAIL.fullmatch(email) else ""
    tel = f"tel:{re.sub(r'[^+0-9]', '', phone)}" if _PHONE.fullmatch(phone) else ""
    return Person(name, email, mailto, phone, tel)


# --- small parts -----------------------------------------------------------------------------------------------------------


def _row(field: str, texts: Sequence[str], t: Translator, more: int = 0) -> Row:
    return Row(phrases.reader_label(field, "", t), texts, max(0, more))


def _value(field: str, value: Any, t: Translator) -> str:
    return _in_english(cut(values.describe(field, value, t, "reader"), _LONGEST_LINE), value, t)


def _in_english(text: str, value: Any, t: Translator) -> str:
    """The text, as HTML where what it has of the registry's own words is to be marked."""
    return english.marked(text, english.own(t, value))


def day(text: str | None, t: Translator) -> str:
    """The day of a time, or of a date, in words; empty for none."""
    return t.date(text[:10]) if text else ""
