"""The correction request to the owners of a listing page: which lines are wrong, what they should say, and since when."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from textwrap import fill
from typing import Any
from urllib.parse import urlsplit

from registry_sync.notices import phrases, values
from registry_sync.notices.clean import as_text, one_line
from registry_sync.notices.i18n import Translator, translator
from registry_sync.trials.audit import Difference, Verdict, days_behind
from registry_sync.trials.record import N_

_WIDTH = 76
_MOST_ITEMS = 40
_AGES = frozenset(("minimum_age", "maximum_age"))
_GROUPS: dict[str, str] = {
    "inclusion": N_("Inclusion criteria:"),
    "exclusion": N_("Exclusion criteria:"),
}
_MOVED: dict[str | None, str] = {
    "inclusion": N_("Listed under inclusion; it is an exclusion criterion:"),
    "exclusion": N_("Listed under exclusion; it is an inclusion criterion:"),
}


def letter(
    trial: str,
    title: str | None,
    page: str,
    verdicts: Iterable[Verdict],
    *,
    registry_url: str,
    today: datetime.date,
    read_on: datetime.date | None = None,
    contact: str = "",
    language: str = "en",
) -> str:
    """The letter as plain text, with its recipient and its subject on top; empty when no field is outdated or contradicts.

    ``verdicts``: those of the page at ``page`` (a URL). ``registry_url``: the address of the trial's record. ``read_on``: when the
    page was last read. ``contact``: the address of
    the page's owners; where there is none, a line is left to fill in.
    """
    rows = [verdict for verdict in verdicts if verdict.verdict in ("outdated", "contradicts")]
    if not rows:
        return ""
    t = translator(language)
    parts = [
        _head(trial, page, one_line(contact), t),
        t.gettext("Hello,"),
        _opening(trial, one_line(title or ""), len(rows), t),
        "\n".join(
            (
                _labelled(t.gettext("Your page:"), page),
                *([_labelled(t.gettext("Read on:"), t.date(read_on.isoformat()))] if read_on else []),
                _labelled(t.gettext("The record:"), registry_url),
            )
        ),
        *(_row(number, row, today, t) for number, row in enumerate(rows, start=1)),
        t.gettext(
            "People who look for a trial rely on these lines. Please bring them in line with the record, which is the trial team's own "
            "entry. Should it have changed again after {date}, the record counts."
        ).format(date=t.date(today.isoformat())),
        t.gettext("Thank you, and kind regards"),
    ]
    return "\n\n".join(part if "\n" in part else _wrapped(part) for part in parts) + "\n"


def _head(trial: str, page: str, contact: str, t: Translator) -> str:
    to = t.gettext("To: the owners of {site}").format(site=_host(page))
    address = t.gettext("Address: {address}").format(address=contact or "_" * 40)
    subject = t.gettext("Subject: Please correct your page on the clinical trial {trial}").format(trial=trial)
    return "\n".join(map(_wrapped, (to, address, subject)))


def _host(page: str) -> str:
    try:
        host = urlsplit(one_line(page)).hostname
    except ValueError:
        host = None
    return (host or one_line(page)).removeprefix("www.")


def _opening(trial: str, title: str, lines: int, t: Translator) -> str:
    named = t.gettext("{trial} (“{title}”)").format(trial=trial, title=title) if title else trial
    return t.ngettext(
        "Your page on the clinical trial {trial} differs from the trial's record at ClinicalTrials.gov in {n} point:",
        "Your page on the clinical trial {trial} differs from the trial's record at ClinicalTrials.gov in {n} points:",
        lines,
    ).format(trial=named, n=lines)


# --- one field ---------------------------------------------------------------------------------------------------------------


def _row(number: int, row: Verdict, today: datetime.date, t: Translator) -> str:
    heading = f"{number}. {phrases.label(row.field, '', t)}"
    lines = [heading, _wrapped(_since(row, today, t), "   ")]
    if row.items:
        lines += _items(row, t)
    else:
        lines.append(_labelled(t.gettext("Your page says:"), _value(row.field, row.listing, t)))
        lines.append(_labelled(t.gettext("It should say:"), _value(row.field, row.registry, t)))
    return "\n".join(lines)


def _since(row: Verdict, today: datetime.date, t: Translator) -> str:
    if row.verdict == "contradicts" and any(item.since for item in row.items):
        return t.gettext("In part out of date, and in part in no version of the record that we know.")
    if row.verdict == "contradicts":
        return t.gettext("In no version of the record that we know.")
    days = days_behind(row, today)
    if row.since is None or days is None:
        return t.gettext("Out of date: the record said so before.")
    return t.ngettext("Out of date since {date}, for {n} day.", "Out of date since {date}, for {n} days.", days).format(
        date=t.date(row.since), n=days
    )


def _value(field: str, value: Any, t: Translator) -> str:
    if value is None and field in _AGES:
        return t.gettext("no limit")
    if field == "overall_status" and isinstance(value, str) and value in phrases.TOKENS:
        return f"{phrases.token(value, t)} ({value})"
    if field == "overall_status" and isinstance(value, str):
        return t.gettext("“{words}”").format(words=one_line(value))  # the page's own words
    return values.describe(field, value, t)


def _labelled(label: str, text: str) -> str:
    return _wrapped(one_line(text), f"   {label:<17} ", " " * 21)


# --- lists, item by item -----------------------------------------------------------------------------------------------------


def _items(row: Verdict, t: Translator) -> Iterator[str]:
    shown = row.items[:_MOST_ITEMS]
    for group in (None, *_GROUPS):
        if group and any(item.group == group for item in shown):
            yield ""
            yield f"   {t.gettext(_GROUPS[group])}"
        for item in shown:
            if item.group == group:
                yield from _item(row.field, item, t)
    more = len(row.items) - len(shown)
    if more:
        yield _wrapped(t.ngettext("and {n} more line", "and {n} more lines", more).format(n=more), "   - ", "     ")


def _item(field: str, item: Difference, t: Translator) -> Sequence[str]:
    if item.what == "changed":
        return (
            *_said(t.gettext("Your page says:"), _texts(field, item.listing, t), "   - "),
            *_said(t.gettext("It should say:"), _texts(field, item.registry, t), "     "),
        )
    if item.what == "missing":
        return _said(t.gettext("Missing on your page:"), _texts(field, item.registry, t), "   - ")
    if item.what == "moved":
        return _said(t.gettext(_MOVED.get(item.group, _MOVED["inclusion"])), _texts(field, item.listing, t), "   - ")
    return _said(t.gettext("Not in the record:"), _texts(field, item.listing, t), "   - ")


def _said(label: str, texts: Iterable[str], first: str) -> tuple[str, ...]:
    return (_wrapped(label, first, "     "), *(_wrapped(text, "       ") for text in texts))


def _texts(field: str, value: Any, t: Translator) -> list[str]:
    """An item on a line; of a criterion that is split the pieces, each on its own."""
    if field == "criteria" and isinstance(value, str):
        return [one_line(line) for line in value.split("\n") if line.strip()]
    if field == "locations":
        return [values.place(value) or t.gettext("a site without a name")]
    return [values.describe(field, value, t) if isinstance(value, dict) else as_text(value)]


def _wrapped(text: str, first: str = "", further: str | None = None) -> str:
    return fill(
        text,
        width=_WIDTH,
        initial_indent=first,
        subsequent_indent=first if further is None else further,
        break_long_words=False,
        break_on_hyphens=False,
    )
