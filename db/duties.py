"""What coordinators enter and do about what is owed, and how each of it stood when it was last looked at; all of it dated."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from db import aliases, public, watches
from db.connection import History, Row
from db.public import State
from registry_sync.trials.binding import Answers
from registry_sync.trials.changes import Change
from registry_sync.trials.deadlines import Event

DESK = """key, state, due, told, first_seen_at, acknowledged_at, done_at, done_on, done_due, snoozed_until, owner"""
FIELD = "deadline"
"""The field of their news."""
MET = "met"
"""The state that news tell of what was told as something else before."""
AGAIN = "again: "
"""Before what was told in a history that a backup has replaced since: it is found, and told to who has not heard it, once more.
Before what a delivery held back because it was put off, too."""
NOT_OWED = "not owed"
"""The state of what was owed and is not any more: what was done about it stays, should it come back."""


class KeptEvent(msgspec.Struct, frozen=True):
    """An event as it was entered."""

    id: int
    trial: str
    event: Event
    note: str | None
    added_at: str


class Duty(msgspec.Struct, frozen=True):
    """How a thing that is owed stood when it was last looked at, and what a coordinator has done about it.

    ``due`` and ``done_on``, ``snoozed_until``: days; the others UTC. ``told``: the state that its news told last, or that the first look
    found (``before: overdue``), or that a history told which was replaced since, or that not all were told before it was put off
    (``again: overdue``).
    """

    key: str
    state: str
    due: str | None
    told: str | None
    first_seen_at: str
    acknowledged_at: str | None = None
    done_at: str | None = None
    done_on: str | None = None
    done_due: str | None = None
    snoozed_until: str | None = None
    owner: str | None = None


class Letter(msgspec.Struct, frozen=True):
    """A correction that was asked of a page's owner on a day, about these fields; ``settled_on``: when none was wrong any more."""

    id: int
    trial: str
    url: str
    sent_on: str
    fields: tuple[str, ...]
    settled_on: str | None


# --- events and answers ------------------------------------------------------------------------------------------------


def add_event(history: History, trial: str, event: Event, note: str | None, now: str) -> bool:
    """Keep an event; ``False``: it is kept already."""
    with history.write() as connection:
        watches.know(connection, trial, now)
        known = connection.execute(
            "SELECT id, removed_at FROM event WHERE trial = ? AND kind = ? AND date = ? AND country IS ?",
            (trial, event.kind, event.date, event.country),
        ).fetchone()
        if known is not None and known[1] is None:
            return False
        if known is not None:
            connection.execute("UPDATE event SET removed_at = NULL, added_at = ?, note = ? WHERE id = ?", (now, note, known[0]))
        else:
            connection.execute(
                "INSERT INTO event (trial, kind, date, country, note, added_at) VALUES (?, ?, ?, ?, ?, ?)",
                (trial, event.kind, event.date, event.country, note, now),
            )
        _log(connection, trial, "", now, "event", _in_words(event))
    return True


def remove_event(history: History, event_id: int, now: str) -> KeptEvent | None:
    """Take back an event that was entered by mistake; ``None``: there is none of this number."""
    found = next((each for each in events(history) if each.id == event_id), None)
    if found is not None:
        with history.write() as connection:
            connection.execute("UPDATE event SET removed_at = ? WHERE id = ?", (now, event_id))
            _log(connection, found.trial, "", now, "event removed", _in_words(found.event))
    return found


def events(history: History, trial: str | None = None) -> list[KeptEvent]:
    """The events of a trial (under any of its ids), or all, by their days."""
    ids = aliases.family(history, trial) if trial else []
    rows = history.rows(
        f"""SELECT * FROM event WHERE removed_at IS NULL {"AND trial IN (SELECT value FROM json_each(:ids))" if trial else ""}
            ORDER BY trial, date, id""",  # noqa: S608 - the words are ours
        {"ids": json.dumps(ids)} if trial else {},
    )
    return [
        KeptEvent(row["id"], row["trial"], Event(row["kind"], row["date"], row["country"]), row["note"], row["added_at"]) for row in rows
    ]


def answer(history: History, trial: str, law: str, applies: bool | None, now: str) -> None:
    """Keep what a coordinator says of a law; ``None``: what the record shows counts again."""
    with history.write() as connection:
        watches.know(connection, trial, now)
        connection.execute("DELETE FROM law_answer WHERE trial = ? AND law = ?", (trial, law))
        if applies is not None:
            connection.execute("INSERT INTO law_answer VALUES (?, ?, ?, ?)", (trial, law, applies, now))
        said = "by the record" if applies is None else "applies" if applies else "does not apply"
        _log(connection, trial, "", now, "answer", f"{law}: {said}")


def answers(history: History, trial: str) -> Answers:
    """What a coordinator has said of the laws that may bind a trial."""
    ids = aliases.family(history, trial)
    rows = history.rows("SELECT law, applies FROM law_answer WHERE trial IN (SELECT value FROM json_each(?))", (json.dumps(ids),))
    return {row["law"]: bool(row["applies"]) for row in rows}


def _in_words(event: Event) -> str:
    return f"{event.kind} {event.date}{f' {event.country}' if event.country else ''}"


def key_of(detail: Mapping[str, Any]) -> str:
    """The key of the thing that is owed, by what its news is about: the rule, and the event that started its clock."""
    event = detail.get("event") or {}
    return " ".join(str(part) for part in (detail.get("rule"), *(event.get(name) for name in ("kind", "date", "country"))) if part)


# --- duties ------------------------------------------------------------------------------------------------------------


def duties(history: History, trial: str) -> dict[str, Duty]:
    """By key: how each thing that a trial owes stood when it was last looked at, what is no longer owed included."""
    rows = history.rows(f"SELECT {DESK} FROM duty WHERE trial = ?", (trial,))  # noqa: S608 - the columns are ours
    return {row["key"]: Duty(**row) for row in rows}


def hears(history: History) -> bool:
    """Is there anybody who may hear of what is owed: a coordinator who follows anything?"""
    return history.one("SELECT 1 FROM subscription WHERE role = 'coordinator' AND state = 'active'") is not None


def changed_since(history: History, since: str) -> list[str]:
    """The watched trials of which the registry's record became another one since then (UTC)."""
    rows = history.rows(
        """SELECT DISTINCT version.trial FROM version JOIN watch ON watch.trial = version.trial
           WHERE source = 'ctgov' AND seen_at >= ? ORDER BY 1""",
        (since,),
    )
    return [row["trial"] for row in rows]


def was_looked_at(history: History, trial: str) -> bool:
    """Has what this trial owes been looked at before?"""
    ids = json.dumps(aliases.family(history, trial))
    return history.one("SELECT 1 FROM duty_log WHERE what = 'first look' AND trial IN (SELECT value FROM json_each(?))", (ids,)) is not None


def is_looked_at(connection: sqlite3.Connection, trial: str, now: str) -> None:
    """Note the first look, inside the caller's transaction."""
    _log(connection, trial, "", now, "first look", None)


def keep(connection: sqlite3.Connection, trial: str, seen: Sequence[Duty], now: str) -> None:
    """Note how things stand now, inside the caller's transaction; what a coordinator has done about them stays."""
    before = {row[0]: row[1:] for row in connection.execute("SELECT key, state, due FROM duty WHERE trial = ?", (trial,))}
    for duty in seen:
        connection.execute(
            """INSERT INTO duty (trial, key, state, due, told, first_seen_at) VALUES (?, ?, ?, ?, ?, ?)
               ON CONFLICT (trial, key) DO UPDATE SET state = excluded.state, due = excluded.due, told = excluded.told,
                   acknowledged_at = iif(state = excluded.state AND due IS excluded.due, acknowledged_at, NULL)""",
            (trial, duty.key, duty.state, duty.due, duty.told, now),
        )
        if before.get(duty.key) != (duty.state, duty.due):
            _log(connection, trial, duty.key, now, "state", f"{duty.state}{f', by {duty.due}' if duty.due else ''}")


def forget(connection: sqlite3.Connection, trial: str, keys: Iterable[str], now: str) -> None:
    """What is not owed any more: its event was taken back, or the record no longer shows it. Should it come back, that is news again."""
    for key in keys:
        connection.execute(
            "UPDATE duty SET state = ?, told = iif(told LIKE 'before: %', told, NULL) WHERE trial = ? AND key = ?", (NOT_OWED, trial, key)
        )
        _log(connection, trial, key, now, "state", "no longer owed")


def mark(history: History, trial: str, key: str, now: str, what: str, note: str | None = None, **values: str | None) -> None:
    """Note what a coordinator does about a thing that is owed.

    ``values``: ``acknowledged_at``, ``done_at``, ``done_on``, ``done_due``, ``snoozed_until``, ``owner``.
    """
    columns = [name for name in ("acknowledged_at", "done_at", "done_due", "done_on", "snoozed_until", "owner") if name in values]
    with history.write() as connection:
        sets = ", ".join(f"{name} = ?" for name in columns)
        connection.execute(
            f"UPDATE duty SET {sets} WHERE trial = ? AND key = ?",  # noqa: S608 - the columns are ours
            (*(values[name] for name in columns), trial, key),
        )
        said = note or next((values[name] for name in reversed(columns) if values[name] and name != "acknowledged_at"), None)
        _log(connection, trial, key, now, what, said)


def hold_back(history: History, trial: str, key: str, told: str) -> None:
    """A delivery did not tell this, since the thing is put off: it is found once more when that is over."""
    history.write_one("UPDATE duty SET told = ? WHERE trial = ? AND key = ? AND told = ?", (f"{AGAIN}{told}", trial, key, told))


def newest_news(history: History, trial: str, key: str) -> int | None:
    """The id of the change that tells the newest of a thing that is owed."""
    return next((row["id"] for row in _news(history, trial, key)), None)


def _news(history: History, trial: str, key: str) -> Iterator[Row]:
    """What was found of a thing that is owed, the newest first."""
    for row in history.rows(
        """SELECT id, "after", detail FROM change WHERE trial IN (SELECT value FROM json_each(?)) AND field = ? ORDER BY id DESC""",
        (json.dumps(aliases.family(history, trial)), FIELD),
    ):
        detail = json.loads(row["detail"] or "{}")
        if key_of(detail) == key:
            yield {"id": row["id"], "after": json.loads(row["after"]), "detail": detail}


def heard(history: History, trial: str, key: str, news: Change) -> frozenset[str]:
    """Who was told this of a thing last, or has it waiting."""
    about, same = news.detail or {}, []
    for row in _news(history, trial, key):
        if row["after"] != news.after or any(row["detail"].get(name) != about.get(name) for name in ("by", "since")):
            break
        same.append(row["id"])
    told = history.rows(
        """SELECT DISTINCT address FROM notice JOIN notice_change ON notice_id = notice.id
           WHERE state != 'cancelled' AND change_id IN (SELECT value FROM json_each(?))""",
        (json.dumps(same),),
    )
    return frozenset(row["address"] for row in told)


def awaits_met(history: History, trial: str, key: str, address: str, *, change_id: int, is_whole: bool) -> bool:
    """Is what this address was told last of a thing something else than that it is met, which this change tells?

    ``is_whole``: this history has all that was told of it. One that a backup brought back need not: then what it does not know of counts as
    told, unless something waits for this address, or came to nothing, that was to be told since it was met before.
    """
    news = {row["id"]: row["after"] for row in _news(history, trial, key) if row["id"] < change_id}
    found = history.rows(
        """SELECT change_id AS id, state = 'sent' AS sent FROM notice JOIN notice_change ON notice_id = notice.id
           WHERE address = ? AND change_id IN (SELECT value FROM json_each(?))""",
        (address, json.dumps(list(news))),
    )
    last = max((row["id"] for row in found if row["sent"]), default=0)
    if last and news[last] != MET:
        return True
    met = max((each for each, after in news.items() if after == MET), default=0)
    return not is_whole and not any(row["id"] > met for row in found if not row["sent"])


def told_in_time(history: History, trial: str, latest: str) -> dict[str, tuple[str, str | None] | None]:
    """What was told last by this time (UTC), and of which last day, of each thing of which something is kept as told later than that.

    ``None``: nothing. A clock that was ahead has written what is later.
    """
    ids = json.dumps(aliases.family(history, trial))
    later = """SELECT 1 FROM change WHERE trial IN (SELECT value FROM json_each(?)) AND field = ? AND seen_at > ?"""
    if history.one(later, (ids, FIELD, latest)) is None:
        return {}
    found: dict[str, tuple[str, str | None] | None] = {}
    newest: set[str] = set()
    for row in history.rows(
        """SELECT "after", detail, seen_at FROM change WHERE trial IN (SELECT value FROM json_each(?)) AND field = ? ORDER BY id DESC""",
        (ids, FIELD),
    ):
        about = json.loads(row["detail"] or "{}")
        key = key_of(about)
        if key not in newest and row["seen_at"] > latest:
            found[key] = None
        elif found.get(key, "") is None and row["seen_at"] <= latest:
            found[key] = (json.loads(row["after"]), about.get("by"))
        newest.add(key)
    return found


def _log(connection: sqlite3.Connection, trial: str, key: str, now: str, what: str, detail: str | None) -> None:
    connection.execute("INSERT INTO duty_log (trial, key, at, what, detail) VALUES (?, ?, ?, ?, ?)", (trial, key, now, what, detail))


def steps(history: History) -> dict[tuple[str, str], int]:
    """By trial and key: how often something was noted of a thing that is owed."""
    rows = history.rows("SELECT trial, key, count(*) AS n FROM duty_log WHERE key != '' GROUP BY trial, key")
    return {(row["trial"], row["key"]): row["n"] for row in rows}


def clocks(history: History, fields: Sequence[str]) -> dict[tuple[str, str], int]:
    """By trial, under the id that it has now, and field of its record: how often it was seen to become another one."""
    rows = history.rows(
        """SELECT coalesce(alias.trial, change.trial) AS trial, field, count(*) AS n
           FROM change LEFT JOIN alias ON alias.old = change.trial
           WHERE source = 'ctgov' AND NOT backfilled AND field IN (SELECT value FROM json_each(?)) GROUP BY 1, 2""",
        (json.dumps(list(fields)),),
    )
    return {(row["trial"], row["field"]): row["n"] for row in rows}


def state(history: History) -> State:
    """How far has come what all that is owed is made of: the watched trials, and what coordinators have entered."""
    row = history.one("SELECT max(id) AS id, (SELECT at FROM duty_log ORDER BY id DESC LIMIT 1) AS at FROM duty_log")
    assert row is not None  # noqa: S101 - it has one row
    watched = public.state(history)
    return State(f"{watched.key}|{row['id']}", max(filter(None, (watched.at, row["at"])), default=None))


# --- letters -----------------------------------------------------------------------------------------------------------


def sent_letter(history: History, trial: str, url: str, fields: Sequence[str], day: str, now: str) -> None:
    """A correction was asked of a page's owner on this day."""
    with history.write() as connection:
        connection.execute(
            """INSERT INTO letter (trial, url, sent_on, fields) VALUES (?, ?, ?, ?)
               ON CONFLICT (trial, url, sent_on) DO UPDATE SET fields = excluded.fields, settled_on = NULL""",
            (trial, url, day, json.dumps(list(fields))),
        )
        _log(connection, trial, f"letter {url}", now, "letter", ", ".join(fields))


def letters(history: History, trial: str | None = None) -> list[Letter]:
    """The letters about a trial (under any of its ids), or all, the oldest first."""
    ids = aliases.family(history, trial) if trial else []
    where = "WHERE trial IN (SELECT value FROM json_each(:ids))" if trial else ""
    rows = history.rows(f"SELECT * FROM letter {where} ORDER BY sent_on, id", {"ids": json.dumps(ids)})  # noqa: S608 - the words are ours
    return [
        Letter(row["id"], row["trial"], row["url"], row["sent_on"], tuple(json.loads(row["fields"])), row["settled_on"]) for row in rows
    ]


def settled(history: History, letter: Letter, day: str, now: str) -> None:
    """None of the fields that a letter was about is wrong any more."""
    with history.write() as connection:
        connection.execute("UPDATE letter SET settled_on = ? WHERE id = ?", (day, letter.id))
        _log(connection, letter.trial, f"letter {letter.url}", now, "letter settled", None)


# --- the dated record --------------------------------------------------------------------------------------------------


def logged(history: History, trial: str, since: str = "") -> list[Row]:
    """What was seen and told of a trial (under any of its ids) and done about it, oldest first: ``at``, ``what``, ``about``, ``detail``.

    Notices are told by kind and number, without an address.
    """
    return history.rows(
        """WITH ids (id) AS (SELECT value FROM json_each(:ids)),
                line (at, what, about, detail) AS (
                    SELECT seen_at, iif(backfilled, 'version, from before', 'version'), source,
                           'number ' || number || ifnull(', registry date ' || registry_date, '')
                    FROM version WHERE trial IN (SELECT id FROM ids)
                    UNION ALL SELECT seen_at, 'change', source, id FROM change WHERE trial IN (SELECT id FROM ids) AND NOT backfilled
                    UNION ALL
                    SELECT sent_at, 'notice sent', notice.id, notice.kind || ', ' || count(*) || ' changes' FROM notice
                    JOIN notice_change ON notice_id = notice.id JOIN change ON change.id = change_id
                    WHERE change.trial IN (SELECT id FROM ids) AND notice.state = 'sent' GROUP BY notice.id
                    UNION ALL SELECT at, what, key, detail FROM duty_log WHERE trial IN (SELECT id FROM ids))
           SELECT * FROM line WHERE at >= :since
           ORDER BY at, CASE WHEN what LIKE 'version%' THEN 0 WHEN what = 'event' THEN 1 WHEN what = 'change' THEN 3
                             WHEN what = 'notice sent' THEN 4 ELSE 2 END""",
        {"ids": json.dumps(aliases.family(history, trial)), "since": since},
    )
