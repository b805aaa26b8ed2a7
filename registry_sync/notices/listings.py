"""The news of a listing in words: which page, how it stands beside the registry, and field by field what either says."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from registry_sync.notices import phrases
from registry_sync.notices.clean import as_text, cut, one_line
from registry_sync.notices.i18n import Translator
from registry_sync.notices.values import Style, describe
from registry_sync.trials.changes import Change
from registry_sync.trials.record import BY_NAME

TOPIC = "listing"
WORST_FIRST = ("contradicts", "fell behind", "gone", "unreadable", "agrees again")
"""Of several listings the news that is to head a notice."""
_LONGEST_VALUE = 80
_LONGEST_REASON = 200


def site(change: Change) -> str:
    """The name of the page's site, such as ``clinconnect.io``; empty where the change does not say whose it is."""
    source = getattr(change, "source", "")
    try:
        return one_line((urlsplit(source).hostname or "").removeprefix("www."))
    except ValueError:
        return ""


def name(change: Change, t: Translator) -> str:
    """ "Listing page clinconnect.io"."""
    label = phrases.label(change.field, change.topic, t)
    return f"{label} {site(change)}".rstrip()


def rows(change: Change, t: Translator, style: Style, most: int) -> list[str]:
    """A line for each field that the news is about, ``most`` of them; for a page that cannot be read, why."""
    detail = change.detail or {}
    reason = detail.get("reason")
    if isinstance(reason, str) and reason:
        return [cut(one_line(reason), _LONGEST_REASON)]
    found = [row for row in detail.get("fields", ()) if isinstance(row, dict)]
    lines = [_row(row, change, t, style) for row in found[:most]]
    if len(found) > most:
        more = len(found) - most
        lines.append(t.ngettext("{n} more field", "{n} more fields", more).format(n=more))
    return lines


def _row(row: dict[str, Any], change: Change, t: Translator, style: Style) -> str:
    field = str(row.get("field", ""))
    label = phrases.reader_label(field, "", t) if style == "reader" else phrases.label(field, "", t)
    since = row.get("since")
    if row.get("verdict") == "agrees":
        return t.gettext("{field}: both say {value}").format(field=label, value=_value(field, row.get("registry"), t, style))
    if _is_list(field):
        n = row.get("differing")
        n = n if isinstance(n, int) and n > 0 else 1
        line = t.ngettext("{field}: {n} item differs", "{field}: {n} items differ", n).format(field=label, n=n)
    else:
        sides = (_value(field, row.get(side), t, style) for side in ("listing", "registry"))
        line = t.gettext("{field}: the page says {listing}, the registry {registry}").format(
            field=label, **dict(zip(("listing", "registry"), sides, strict=True))
        )
    return f"{line} {_since(since, change, t)}" if isinstance(since, str) and since else line


def _since(since: str, change: Change, t: Translator) -> str:
    """Since when, and how many days that is where the registry gave the day."""
    try:
        seen = datetime.date.fromisoformat(str(getattr(change, "seen_at", ""))[:10])
        days = (seen - datetime.date.fromisoformat(since)).days
    except ValueError:
        days = 0
    if days < 1:
        return t.gettext("since {date}").format(date=since)
    return t.ngettext("since {date} ({n} day)", "since {date} ({n} days)", days).format(date=since, n=days)


def _is_list(field: str) -> bool:
    return field in BY_NAME and BY_NAME[field].is_list


def _value(field: str, value: Any, t: Translator, style: Style) -> str:
    if _is_list(field):
        return t.gettext("the same")
    if field in BY_NAME and BY_NAME[field].kind in ("text", "prose") and isinstance(value, str):
        return f"“{cut(one_line(value), _LONGEST_VALUE)}”"
    return cut(one_line(describe(field, value, t, style)), _LONGEST_VALUE)


def sentences(change: Change, t: Translator, most: int) -> Sequence[str]:
    """The same as sentences of a coordinator's mail, after the first one."""
    told = [line[:1].upper() + line[1:] for line in rows(change, t, "coordinator", most)]
    return [line if line.endswith((".", "…")) else f"{line}." for line in told]


def summary(change: Change, t: Translator) -> str:
    """The news on one line: "Listing page clinconnect.io is behind the registry: Recruitment status: ..."."""
    state = phrases.token(as_text(change.after), t)
    line = t.gettext("{page} {state}").format(page=name(change, t), state=state)
    told = rows(change, t, "summary", 1)
    return f"{line}: {'; '.join(told)}" if told else line
