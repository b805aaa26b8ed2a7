"""The watched trials as a list: what a search among them finds, what is to be seen of each, and whether anything is new since."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

import msgspec

from db import looks, revisions
from db.cards import folded, name_of
from db.connection import History, Row
from db.history import marks
from db.public import State
from registry_sync.trials.countries import country_key

MOST_WORDS = 12
_QUOTES = "\"'`\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb"
_NUMBER = re.compile(r"(?:nct)?\d+", re.ASCII)
_FORMERLY = "EXISTS (SELECT 1 FROM alias WHERE alias.trial = watch.trial AND instr(lower(alias.old), ?))"
_NEWEST = """
FROM watch LEFT JOIN version ON version.id = (
    SELECT id FROM version AS newest WHERE newest.trial = watch.trial AND newest.source = 'ctgov' ORDER BY number DESC LIMIT 1
)
LEFT JOIN card ON card.version_id = version.id
"""
_GONE = "SELECT 1 FROM absence WHERE absence.trial = watch.trial AND state = 'absent'"
_LAST_RUN = "(SELECT max(finished_at) FROM run WHERE job = 'sync' AND outcome IN ('done', 'partial'))"
_SHOWN = "source = 'ctgov' AND backfilled = 0 AND topic != 'deadlines' AND significance != 'housekeeping'"
"""What the index ``change_shown`` has, and little more."""
_LAST_CHANGE = f"""
max(coalesce((SELECT max(id) FROM change INDEXED BY change_shown WHERE change.trial = watch.trial AND {_SHOWN}), 0),
    coalesce((SELECT max((SELECT max(id) FROM change INDEXED BY change_shown WHERE change.trial = alias.old AND {_SHOWN}))
              FROM alias WHERE alias.trial = watch.trial), 0))
"""  # noqa: S608 - no value is in it
"""The newest change that the trial's page shows without being asked for more, told under the id that it has now or under a former one."""


_FIRST_SEEN = "(SELECT min(seen_at) FROM version WHERE version.trial = wanted.trial AND source = 'ctgov')"


class Wanted(msgspec.Struct, frozen=True):
    """What is looked for: all of it must hold. Empty: anything.

    ``words``: anywhere in titles, conditions, keywords, treatments, sponsor, summary and ids. ``condition``: words of the name of one
    condition, or with ``exactly`` the whole name. ``country``: one with a site now, or with ``ever`` also one in which a site is gone.
    ``status``: the registry's token; of a trial that the registry does not show any more it is not known.
    """

    words: str = ""
    condition: str = ""
    country: str = ""
    status: str = ""
    exactly: bool = False
    ever: bool = False


def stamp(history: History, trials: Sequence[str] = ()) -> State:
    """How far all that pages show has come, or with ``trials`` what is shown of these: a few look-ups, whatever is kept.

    When something was looked at is not in it: where that is shown, it is to be added (``checked``, ``db.public.state_of_pages``).
    """
    these = "SELECT value FROM json_each(:trials)"
    only = f"WHERE trial IN ({these})" if trials else ""
    row = history.one(
        f"""SELECT {revisions.columns(these) if trials else revisions.columns()},
                   (SELECT max(id) FROM version {only}) AS version, (SELECT max(id) FROM change {only}) AS change,
                   (SELECT count(*) FROM watch {only}) AS watched, (SELECT trial FROM watch ORDER BY rowid DESC LIMIT 1) AS newest,
                   (SELECT added_at FROM watch ORDER BY rowid DESC LIMIT 1) AS added_at,
                   (SELECT count(*) || ' ' || max(since) FROM alias) AS aliases,
                   (SELECT group_concat(trial || state || since) FROM absence) AS absences,
                   (SELECT group_concat(source || opened_at) FROM incident WHERE closed_at IS NULL) AS incidents,
                   (SELECT group_concat(source || seen_at) FROM unparsed {only}) AS unparsed,
                   (SELECT count(*) || ' ' || max(id) FROM page {only}) AS pages,
                   (SELECT max(seen_at) FROM version WHERE id = (SELECT max(id) FROM version {only})) AS seen_at,
                   (SELECT max(seen_at) FROM change WHERE id = (SELECT max(id) FROM change {only})) AS changed_at,
                   (SELECT max(added_at) FROM page {only}) AS page_added_at,
                   (SELECT max(since) FROM alias) AS merged_at,
                   (SELECT max(opened_at) FROM incident WHERE closed_at IS NULL) AS opened_at,
                   (SELECT max(seen_at) FROM unparsed {only}) AS unparsed_at""",  # noqa: S608 - no value is in the text
        {"trials": json.dumps(list(trials))},
    )
    assert row is not None  # noqa: S101 - a question without a table has one row
    times = [value for name, value in row.items() if name.endswith("_at")]
    return State(json.dumps(list(row.values())), max(filter(None, times), default=None))


def found(history: History, wanted: Wanted) -> list[str]:
    """The watched trials that are looked for, those that changed last first; what never changed here stands behind them.

    That is in the order in which it was first seen, what is newest first.
    """
    conditions, values = _conditions(history, wanted)
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    rows = history.rows(
        f"""SELECT trial FROM (
                SELECT watch.trial, (SELECT seen_at FROM change WHERE id = {_LAST_CHANGE}) AS changed_at {_NEWEST} {where}
            ) AS wanted
            ORDER BY coalesce(changed_at, '') DESC, CASE WHEN changed_at IS NULL THEN {_FIRST_SEEN} END DESC, trial DESC""",  # noqa: S608
        values,
    )
    return [row["trial"] for row in rows]


def _words(text: str) -> list[str]:
    """What is looked for; quotes around words are none of them."""
    return list(filter(None, (word.strip(_QUOTES) for word in folded(text).split())))[:MOST_WORDS]


def _conditions(history: History, wanted: Wanted) -> tuple[list[str], list[str]]:
    conditions, values = [], []
    for word in _words(wanted.words):
        if _NUMBER.fullmatch(word):
            conditions.append(f"(instr(card.words, ?) OR {_FORMERLY})")
            values += [word, word]
        else:
            conditions.append("instr(card.words, ?)")
            values.append(word)
    if wanted.condition and wanted.exactly:
        conditions.append("instr(card.condition_keys, ?)")
        values.append(f"\n{folded(name_of(wanted.condition))}\n")
    elif wanted.condition:
        for word in _words(wanted.condition):
            conditions.append("instr(card.condition_keys, ?)")
            values.append(word)
    if wanted.country:
        key = country_key(name_of(wanted.country))
        conditions.append("(instr(card.country_keys, ?) OR watch.trial IN (SELECT value FROM json_each(?)))")
        gone = history.until_written("countries of sites that are gone", lambda: _gone_from(history)) if wanted.ever else {}
        values += [f"\n{key}\n", json.dumps(sorted(gone.get(key, ())))]
    if wanted.status:
        conditions.append(f"json_extract(version.headline, '$.overall_status') = ? AND NOT EXISTS ({_GONE})")
        values.append(wanted.status)
    return conditions, values


def _gone_from(history: History) -> dict[str, set[str]]:
    """By the key of a country the trials that had a site there which is gone, or somewhere else now, as far as their changes tell."""
    found: dict[str, set[str]] = {}
    rows = history.rows(
        """SELECT DISTINCT coalesce(alias.trial, change.trial) AS trial, json_extract(change.before, '$.country') AS country
           FROM change LEFT JOIN alias ON alias.old = change.trial
           WHERE change.source = 'ctgov' AND change.field = 'locations' AND json_type(change.before) = 'object'"""
    )
    for row in rows:
        if isinstance(row["country"], str):
            found.setdefault(country_key(name_of(row["country"])), set()).add(row["trial"])
    return found


def cards(history: History, trials: Sequence[str]) -> list[Row]:
    """What is to be seen of each of these, in their order: ``trial``, ``headline`` (see ``db.history.HEADLINE``; empty where nothing is
    held yet), ``conditions``, ``countries``, ``changed_at``, when the last change was seen (UTC; ``None``: never any), and, as in
    ``db.watches.listing``, ``absent_since`` and ``absence``. ``unusable_since``: when the registry first sent what cannot be read."""
    rows = history.rows(
        f"""SELECT watch.trial, version.headline, card.conditions, card.countries, version.seen_at,
                   (SELECT seen_at FROM change WHERE id = {_LAST_CHANGE}) AS changed_at, absence.since AS absent_since,
                   absence.state AS absence,
                   (SELECT seen_at FROM unparsed WHERE unparsed.trial = watch.trial AND unparsed.source = 'ctgov') AS unusable_since
            {_NEWEST} LEFT JOIN absence ON absence.trial = watch.trial AND absence.state != 'merged'
            WHERE watch.trial IN ({marks(trials)})""",  # noqa: S608 - no value is in the text
        list(trials),
    )
    by_trial = {row["trial"]: row for row in rows}
    for row in rows:
        row["headline"] = json.loads(row["headline"] or "{}")
        row["conditions"], row["countries"] = (json.loads(row[name] or "[]") for name in ("conditions", "countries"))
    return [by_trial[trial] for trial in trials if trial in by_trial]


def countries(history: History) -> list[str]:
    """The countries with sites of watched trials, one name for each, in the order of their names."""
    return sorted(_names(history, "countries", country_key).values())


def conditions(history: History, most: int) -> list[str]:
    """The conditions that most of the watched trials are about, ``most`` of them, in the order of their names."""
    return sorted(list(_names(history, "conditions", folded).values())[:most], key=folded)


def condition_name(history: History, name: str) -> str | None:
    """A condition as a record names it; ``None`` when no watched trial has one of this name."""
    key = folded(name_of(name))
    row = history.one(
        "SELECT conditions FROM card JOIN version ON version.id = version_id JOIN watch ON watch.trial = version.trial "
        "WHERE instr(condition_keys, ?) LIMIT 1",
        (f"\n{key}\n",),
    )
    names = json.loads(row["conditions"]) if row else ()
    return next((each for each in names if folded(each) == key), None)


def _names(history: History, column: str, key: Callable[[str], str]) -> dict[str, str]:
    """By key the name that most records use, the most frequent first."""
    rows = history.rows(
        f"""SELECT each.value AS name, count(*) AS times FROM watch JOIN version ON version.trial = watch.trial
            JOIN card ON card.version_id = version.id JOIN json_each(card.{column}) AS each
            WHERE version.source = 'ctgov' GROUP BY each.value ORDER BY times DESC, name""",  # noqa: S608 - names of columns
    )
    names: dict[str, str] = {}
    for row in rows:
        names.setdefault(key(row["name"]), row["name"])
    return names


def trouble_since(history: History) -> str | None:
    """Since when (UTC) the registry cannot be asked; ``None``: it can."""
    row = history.one("SELECT opened_at FROM incident WHERE source = 'ctgov' AND closed_at IS NULL")
    return row["opened_at"] if row else None


class Checked(msgspec.Struct, frozen=True):
    """When it was last made sure that a record is known as the registry shows it (UTC; ``None``: never yet), and what hinders that now:
    since when the registry cannot be asked, and when it first sent what cannot be read."""

    at: str | None
    trouble_since: str | None
    unusable_since: str | None


def checked(history: History, trial: str) -> Checked:
    """The same of one trial, by the id that it has now.

    A record that is settled in the newest data release is known as of the last run; else all were when nothing failed last.
    """
    row = history.one(
        f"""SELECT (SELECT looked_at FROM source WHERE name = 'ctgov') AS all_at, {_LAST_RUN} AS run_at,
                   (SELECT release FROM look WHERE trial = :trial) AS release,
                   (SELECT opened_at FROM incident WHERE source = 'ctgov' AND closed_at IS NULL) AS trouble_since,
                   (SELECT seen_at FROM unparsed WHERE trial = :trial AND source = 'ctgov') AS unusable_since""",  # noqa: S608
        {"trial": trial},
    )
    assert row is not None  # noqa: S101 - a question without a table has one row
    newest = history.until_written("newest release", lambda: looks.newest_release(history))
    is_settled = row["release"] == newest and not row["trouble_since"] and not row["unusable_since"]
    times = (row["all_at"], row["run_at"] if is_settled else None)
    return Checked(max(filter(None, times), default=None), row["trouble_since"], row["unusable_since"])
