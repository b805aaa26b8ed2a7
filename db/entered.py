"""What people entered since a backup was made, brought into the history that comes back: watches, the desk of deadlines, subscriptions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec

from db.connection import Connection
from db.duties import AGAIN, key_of

_Row = dict[str, Any]
_Line = tuple[str, str, str, str, str | None]
"""Of the log: trial, key, when, what, and more of it."""
_NOTICE_SENT = "notice sent"


class Named(msgspec.Struct, frozen=True):
    """What ``Entered`` counts, by name."""

    watches: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


class Entered(msgspec.Struct, frozen=True):
    """How much was carried over: ``watches`` (trials, pages and searches), ``desk`` (what coordinators entered), ``subscriptions``
    (made, confirmed or changed since). ``again``: trials, pages and searches that had been removed since and are watched again;
    ``left``: those that came back with the copy that is replaced and were added by nobody since, so that they are not watched. ``named``:
    of the three, which: a trial, a trial and the address of its page, or a search as JSON.
    """

    watches: int = 0
    desk: int = 0
    subscriptions: int = 0
    again: int = 0
    left: int = 0
    named: Named = Named()


def is_later(restored: Connection, replaced: Connection) -> bool:
    """Is what is replaced a later state of what comes back? It, or what it took over, has the last run of that, or that has none."""
    row = restored.execute("SELECT id, job, started_at FROM run ORDER BY id DESC LIMIT 1").fetchone()
    if row is None:
        return True
    line = "SELECT id, job, started_at FROM run UNION ALL SELECT * FROM former_run"
    known = f"SELECT 1 FROM ({line}) WHERE id = ? AND job = ? AND started_at = ?"  # noqa: S608 - no value is in it
    return replaced.execute(known, row).fetchone() is not None


def carry(restored: Connection, replaced: Connection) -> Entered:
    """Bring over what was entered in the replaced history, inside the caller's transaction. The same keys are in both.

    Its runs are noted, too: what was entered until then is in this history now, also when a newer backup comes back after this one.
    """
    runs = replaced.execute("SELECT id, job, started_at FROM run UNION SELECT * FROM former_run").fetchall()
    restored.executemany("INSERT OR IGNORE INTO former_run (id, job, started_at) VALUES (?, ?, ?)", runs)
    before, back = _watched(restored), _came_back(replaced)
    there = _watched(replaced)
    added = {name for name, at in there.items() if name not in before and not at <= back.get(name, "")}
    searches = _searches(restored, replaced, added)
    _watches(restored, replaced, added)
    desk = _desk(restored, replaced)
    people = _subscriptions(restored, replaced, searches)
    after = _watched(restored)
    new, left = sorted(after.keys() - before.keys()), sorted(there.keys() - after.keys())
    again = sorted(name for name in before if name not in there or there[name] <= back.get(name, ""))
    return Entered(len(new), desk, people, len(again), len(left), Named(tuple(new), tuple(again), tuple(left)))


def sequences(restored: Connection, replaced: Connection, *, but: Iterable[str] = ()) -> None:
    """Let ids go on behind those that the replaced history has given: what was numbered there is never numbered so again."""
    left_out = set(but)
    for name, number in replaced.execute("SELECT name, seq FROM sqlite_sequence").fetchall():
        if name in left_out:
            continue
        if not restored.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (number, name)).rowcount:
            restored.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (name, number))


LEAP = 1_000_000
"""By how much ids go on where nobody knows which were given."""


def leap(restored: Connection) -> None:
    """Let the ids of changes go on far behind those that a history that cannot be read may have given."""
    restored.execute("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'change'", (LEAP,))


def _watched(connection: Connection) -> dict[str, str]:
    """What somebody wants watched: trials, pages and searches, by the name of each when it was added (UTC)."""
    sql = """SELECT trial, added_at FROM watch WHERE typed UNION ALL SELECT trial || ' ' || url, added_at FROM page
             UNION ALL SELECT query, added_at FROM search WHERE watched"""
    return dict(connection.execute(sql).fetchall())


def _came_back(connection: Connection) -> dict[str, str]:
    """What had been removed, and is watched again in a history only since a copy came back, by its name when that was (UTC)."""
    row = connection.execute(
        "SELECT started_at, detail FROM run WHERE job = 'restore' AND outcome = 'done' ORDER BY id DESC LIMIT 1"
    ).fetchone()
    entered = ((json.loads(row[1] or "{}").get("carried_over") or {}).get("entered") or {}) if row else {}
    return dict.fromkeys(entered.get("named", {}).get("again", ()), row[0]) if row else {}


def _searches(restored: Connection, replaced: Connection, added: set[str]) -> dict[int, int]:
    """By the id of a search there its id here. One that was ``added`` begins anew: what it finds at first is no news."""
    found = {}
    for row in _rows(replaced, "SELECT * FROM search"):
        here = restored.execute("SELECT id FROM search WHERE query = ?", (row["query"],)).fetchone()
        new = row["query"] in added
        if here is None:
            restored.execute("INSERT INTO search (query, added_at, watched) VALUES (?, ?, ?)", (row["query"], row["added_at"], new))
            here = restored.execute("SELECT id FROM search WHERE query = ?", (row["query"],)).fetchone()
        elif new:
            restored.execute(
                """UPDATE search SET watched = 1, added_at = ?, release = NULL, complete_at = NULL, total = NULL, looked_at = NULL
                   WHERE id = ?""",
                (row["added_at"], here[0]),
            )
        found[row["id"]] = here[0]
    return found


def _watches(restored: Connection, replaced: Connection, added: set[str]) -> None:
    """What was added by hand since; what a search found, it finds again."""
    for row in _rows(replaced, "SELECT * FROM watch WHERE typed"):
        if row["trial"] in added:
            _know(restored, replaced, row["trial"])
            restored.execute(
                "INSERT INTO watch (trial, added_at) VALUES (?, ?) ON CONFLICT (trial) DO UPDATE SET typed = 1",
                (row["trial"], row["added_at"]),
            )
    for row in _rows(replaced, "SELECT trial, url, added_at FROM page"):
        is_watched = restored.execute("SELECT 1 FROM watch WHERE trial = ?", (row["trial"],)).fetchone()
        if is_watched and f"{row['trial']} {row['url']}" in added:
            _insert(restored, "page", row)


def _desk(restored: Connection, replaced: Connection) -> int:
    """Events, answers about laws, letters, and what was said of what is owed, with the log of it; how much of it people entered."""
    entered = 0
    for row in _rows(replaced, "SELECT * FROM event"):
        entered += _put(restored, replaced, "event", ("trial", "kind", "date", "country"), _unnumbered(row))
    for row in _rows(replaced, "SELECT * FROM letter"):
        known = _known(restored, "letter", row, ("trial", "url", "sent_on"))
        _put(restored, replaced, "letter", ("trial", "url", "sent_on"), _unnumbered(row))
        entered += known.get("fields") != row["fields"]  # when the page was right, the next sync might say, too
    answers = _rows(replaced, "SELECT * FROM law_answer")
    for row in answers:
        entered += _put(restored, replaced, "law_answer", ("trial", "law"), row)
    for trial, law in restored.execute("SELECT trial, law FROM law_answer").fetchall():
        if not any((row["trial"], row["law"]) == (trial, law) for row in answers):
            entered += restored.execute("DELETE FROM law_answer WHERE trial = ? AND law = ?", (trial, law)).rowcount
    for row in _rows(replaced, "SELECT * FROM duty"):
        known = _known(restored, "duty", row, ("trial", "key"))
        said = any(row[name] != known.get(name) for name in _SAID)
        entered += said or (row["acknowledged_at"] or "") > (known.get("acknowledged_at") or "")
        _put(restored, replaced, "duty", ("trial", "key"), {**_unnumbered(row), "told": _told(row, known)})
    _log(restored, replaced)
    return entered


_SAID = ("done_at", "done_on", "done_due", "snoozed_until", "owner")
_NEWS = ("due soon", "overdue", "met")


def _told(row: _Row, known: _Row) -> str | None:
    """What was told since, as what is to be found once more: its changes and what waited to tell them are not carried over."""
    told: str | None = row["told"]
    is_since = (told, row["due"]) != (known.get("told"), known.get("due"))
    return f"{AGAIN}{told}" if is_since and told in _NEWS else told


def _log(restored: Connection, replaced: Connection) -> None:
    """What was noted of deadlines, and what was sent of them where the notices themselves are not carried over: one line of each."""
    sql = "SELECT trial, key, at, what, detail FROM duty_log ORDER BY id"
    known = {_is_of(tuple(line)) for line in [*restored.execute(sql).fetchall(), *_sent(restored)]}
    for values in [*replaced.execute(sql).fetchall(), *_sent(replaced)]:
        if _is_of(tuple(values)) not in known:
            known.add(_is_of(tuple(values)))
            restored.execute("INSERT INTO duty_log (trial, key, at, what, detail) VALUES (?, ?, ?, ?, ?)", values)


def _is_of(line: _Line) -> tuple[str | None, ...]:
    """What two lines about one thing have alike: a notice that was sent is one, however many changes it is said to tell."""
    return (line[0], line[1], line[3]) if line[3] == _NOTICE_SENT else line


def _sent(connection: Connection) -> list[_Line]:
    """Of the news of deadlines that somebody was sent: what was told, and by which notices."""
    told: dict[int, _Line] = {}
    sent: dict[tuple[str, str], tuple[str, str, int]] = {}
    for number, trial, after, detail, notice, kind, at in connection.execute(
        """SELECT change.id, change.trial, change."after", change.detail, notice.id, notice.kind, notice.sent_at FROM notice
           JOIN notice_change ON notice_id = notice.id JOIN change ON change.id = change_id
           WHERE notice.state = 'sent' AND change.topic = 'deadlines' AND change.detail IS NOT NULL
           ORDER BY notice.sent_at, change.id"""
    ):
        about = json.loads(detail)
        day = f", by {about['by']}" if about.get("by") else ""
        told.setdefault(number, (trial, key_of(about), at, "told", f"{json.loads(after)}{day}"))
        sent[trial, notice] = (at, kind, sent.get((trial, notice), (at, kind, 0))[2] + 1)
    lines: list[_Line] = [(trial, notice, at, _NOTICE_SENT, f"{kind}, {n} changes") for (trial, notice), (at, kind, n) in sent.items()]
    return sorted([*told.values(), *lines], key=lambda line: line[2])


def _unnumbered(row: _Row) -> _Row:
    return {name: value for name, value in row.items() if name != "id"}


def _known(restored: Connection, table: str, row: _Row, keys: tuple[str, ...]) -> _Row:
    """The row with these keys, if there is one."""
    where = " AND ".join(f"{key} IS ?" for key in keys)
    found = _rows(restored, f"SELECT * FROM {table} WHERE {where}", [row[key] for key in keys])  # noqa: S608 - the names are ours
    return found[0] if found else {}


def _subscriptions(restored: Connection, replaced: Connection, searches: dict[int, int]) -> int:
    """Each subscription as its holder has it now, with its consent, what it follows, and the mails that asked for it."""
    touched = 0
    for row in _rows(replaced, "SELECT * FROM subscription ORDER BY id"):
        theirs = row.pop("id")
        mine = restored.execute("SELECT id FROM subscription WHERE stop_token = ?", (row["stop_token"],)).fetchone()
        followed = _followed(replaced, theirs, searches)
        if mine is None:
            taken = restored.execute("SELECT 1 FROM subscription WHERE id = ?", (theirs,)).fetchone()
            _insert(restored, "subscription", row if taken else {"id": theirs, **row})
            mine = restored.execute("SELECT id FROM subscription WHERE stop_token = ?", (row["stop_token"],)).fetchone()
            touched += 1
        else:
            (before,) = _rows(restored, "SELECT * FROM subscription WHERE id = ?", mine)
            changed = before != {"id": mine[0], **row} or _followed(restored, mine[0], None) != followed
            touched += changed
            if changed:
                restored.execute(f"UPDATE subscription SET {_sets(row)} WHERE id = ?", (*row.values(), *mine))  # noqa: S608
        _follow(restored, replaced, mine[0], followed)
        for asking in _rows(replaced, "SELECT * FROM confirmation WHERE subscription_id = ?", (theirs,)):
            state = "pending" if asking["state"] == "claimed" else asking["state"]
            _insert(restored, "confirmation", {**asking, "subscription_id": mine[0], "state": state, "claimed_by": None})
    return touched


_Followed = tuple[set[str], set[int]]


def _followed(connection: Connection, subscription: int, searches: dict[int, int] | None) -> _Followed:
    trials = {row[0] for row in connection.execute("SELECT trial FROM subscription_trial WHERE subscription_id = ?", (subscription,))}
    of = {row[0] for row in connection.execute("SELECT search_id FROM subscription_search WHERE subscription_id = ?", (subscription,))}
    return trials, of if searches is None else {searches[each] for each in of}


def _follow(restored: Connection, replaced: Connection, subscription: int, followed: _Followed) -> None:
    for table, column, wanted in (("subscription_trial", "trial", followed[0]), ("subscription_search", "search_id", followed[1])):
        restored.execute(f"DELETE FROM {table} WHERE subscription_id = ?", (subscription,))  # noqa: S608 - the names are ours
        for each in wanted:
            if isinstance(each, str):
                _know(restored, replaced, each)
            _insert(restored, table, {"subscription_id": subscription, column: each})


def _know(restored: Connection, replaced: Connection, trial: str) -> None:
    row = replaced.execute("SELECT id, known_since FROM trial WHERE id = ?", (trial,)).fetchone()
    restored.execute("INSERT INTO trial (id, known_since) VALUES (?, ?) ON CONFLICT DO NOTHING", row)


def _put(restored: Connection, replaced: Connection, table: str, keys: tuple[str, ...], row: _Row) -> bool:
    """Write a row in the place of the one with these keys, or as a new one; is it another one than before?"""
    where = " AND ".join(f"{key} IS ?" for key in keys)
    values = [row[key] for key in keys]
    before = _rows(restored, f"SELECT {', '.join(row)} FROM {table} WHERE {where}", values)  # noqa: S608 - the names are ours
    if before == [row]:
        return False
    _know(restored, replaced, row["trial"])
    if before:
        restored.execute(f"UPDATE {table} SET {_sets(row)} WHERE {where}", (*row.values(), *values))  # noqa: S608 - the names are ours
    else:
        _insert(restored, table, row)
    return True


def _insert(connection: Connection, table: str, row: _Row) -> int:
    names, marks = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
    sql = f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608 - the names are ours
    return connection.execute(sql, tuple(row.values())).rowcount


def _sets(row: _Row) -> str:
    return ", ".join(f'"{name}" = ?' for name in row)


def _rows(connection: Connection, sql: str, parameters: Iterable[Any] = ()) -> list[_Row]:
    cursor = connection.execute(sql, tuple(parameters))
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]
