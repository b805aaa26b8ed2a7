"""What the operator is told beside incidents: notices that were refused for good, addresses that were stopped for it, a line each week."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db import incidents, outbox
from db.connection import History

if TYPE_CHECKING:
    from registry_sync.notices.operator import Bulletin, Parked, State

LATE_DAYS = 2
"""A last good sync older than that is no well-being, whatever the schedule."""
_UNREPORTED = "state = 'failed' AND state != 'sent' AND bulletin IS NULL"
_BEGAN_BEFORE = "EXISTS (SELECT 1 FROM trial WHERE known_since <= strftime('%Y-%m-%dT%H:%M:%SZ', ?1, '-7 days'))"
"""Was something watched during the whole week that ended at ``?1``?"""
_UNREPORTED_STOPS = "state = 'stopped' AND stopped_why = 'bounces' AND bulletin IS NULL"


def gather(history: History, now: str, week: str | None) -> None:
    """Make the bulletins that are due: one of all that was parked since the last one, one for the week that ended at ``week`` (UTC)."""
    with history.write() as connection:
        if connection.execute(
            f"SELECT 1 FROM notice WHERE {_UNREPORTED} UNION ALL SELECT 1 FROM subscription WHERE {_UNREPORTED_STOPS}"  # noqa: S608
        ).fetchone():
            import uuid

            identity = f"parked.{uuid.uuid4().hex}"
            connection.execute("INSERT INTO bulletin (id, kind, created_at) VALUES (?, 'parked', ?)", (identity, now))
            connection.execute(f"UPDATE notice SET bulletin = ? WHERE {_UNREPORTED}", (identity,))  # noqa: S608 - no value is in it
            connection.execute(f"UPDATE subscription SET bulletin = ? WHERE {_UNREPORTED_STOPS}", (identity,))  # noqa: S608
        if week is not None:
            connection.execute(
                f"""INSERT INTO bulletin (id, kind, created_at) SELECT 'well.' || ?1, 'well', ?1 WHERE {_BEGAN_BEFORE}
                    ON CONFLICT DO NOTHING""",
                (week,),
            )


def newest_untold(history: History, week: str | None) -> str | None:
    """When the newest of what the operator has not heard happened (UTC); ``None`` when everything was told."""
    row = history.one(
        f"""SELECT max(at) AS at FROM (
                SELECT max(created_at) AS at FROM bulletin WHERE told_at IS NULL
                UNION ALL SELECT max(coalesce(failed_at, claimed_at)) FROM notice WHERE {_UNREPORTED}
                UNION ALL SELECT max(stopped_at) FROM subscription WHERE {_UNREPORTED_STOPS}
                UNION ALL SELECT ?1 WHERE ?1 IS NOT NULL AND {_BEGAN_BEFORE}
                    AND NOT EXISTS (SELECT 1 FROM bulletin WHERE id = 'well.' || ?1))""",  # noqa: S608
        (week,),
    )
    return row["at"] if row else None


def count_untold(history: History) -> int:
    """How many mails that are, those that are not gathered yet as one."""
    row = history.one(
        f"""SELECT (SELECT count(*) FROM bulletin WHERE told_at IS NULL)
                 + EXISTS (SELECT 1 FROM notice WHERE {_UNREPORTED}) AS n"""  # noqa: S608 - no value is in it
    )
    return int(row["n"]) if row else 0


def untold(history: History) -> list[Bulletin]:
    """The bulletins that the operator has not heard, oldest first."""
    from registry_sync.notices.operator import Bulletin  # loads all that writes mails: only when one is to be written

    rows = history.rows("SELECT id, kind, created_at FROM bulletin WHERE told_at IS NULL ORDER BY created_at, id")
    return [Bulletin(**row) for row in rows]


def parked(history: History, bulletin: str) -> tuple[list[Parked], list[str]]:
    """What a bulletin tells: the notices that are still parked, and the addresses that are still stopped."""
    from registry_sync.notices.operator import Parked

    rows = history.rows(
        "SELECT id, address, last_error AS reason FROM notice WHERE bulletin = ? AND state = 'failed' ORDER BY failed_at, rowid",
        (bulletin,),
    )
    stopped = history.rows(
        "SELECT DISTINCT address FROM subscription WHERE bulletin = ? AND state = 'stopped' AND stopped_why = 'bounces' ORDER BY address",
        (bulletin,),
    )
    return [Parked(**row) for row in rows], [row["address"] for row in stopped]


def state(history: History, week: str, now: str) -> State:
    """How the service stands, for the line of the week that ended at ``week`` (UTC)."""
    from registry_sync.notices.operator import State

    numbers = history.one(
        """SELECT (SELECT count(*) FROM watch) AS trials, (SELECT count(*) FROM page) AS pages,
                  (SELECT count(*) FROM subscription WHERE state = 'active') AS subscriptions,
                  (SELECT count(*) FROM change WHERE seen_at > :since AND seen_at <= :week AND NOT backfilled
                       AND significance != 'housekeeping') AS changes,
                  (SELECT count(*) FROM notice WHERE sent_at > :since AND sent_at <= :week) AS sent,
                  (SELECT max(finished_at) FROM run WHERE job = 'sync' AND outcome IN ('done', 'partial')) AS last_sync""",
        {"week": week, "since": _week_before(week)},
    )
    assert numbers is not None  # noqa: S101 - it has one row
    counts = outbox.counts(history, now)
    return State(
        **numbers,
        waiting=counts["waiting"],
        held=counts["held"],
        parked=counts["failed"],
        troubles=tuple(row["source"] for row in incidents.open_ones(history)),
        passed=tuple(row["source"] for row in incidents.closed_since(history, _week_before(week))),
        is_late=numbers["last_sync"] is None or numbers["last_sync"] < _days_before(now, LATE_DAYS),
    )


def told(history: History, bulletin: str, now: str) -> None:
    """The operator's mail server took it."""
    with history.write() as connection:
        connection.execute("UPDATE bulletin SET told_at = ? WHERE id = ?", (now, bulletin))


def nobody_to_tell(history: History, now: str) -> None:
    """There is no operator any more who is to hear of what is untold."""
    gather(history, now, None)
    with history.write() as connection:
        connection.execute("UPDATE bulletin SET told_at = ? WHERE told_at IS NULL", (now,))


def age_out(history: History, before: str) -> int:
    """Delete what the operator was told before this time (UTC) and what names nothing that is still kept; how many."""
    with history.write() as connection:
        return connection.execute(
            """DELETE FROM bulletin WHERE told_at < ? AND id NOT IN (SELECT bulletin FROM notice WHERE bulletin IS NOT NULL
               UNION SELECT bulletin FROM subscription WHERE bulletin IS NOT NULL)""",
            (before,),
        ).rowcount


def _week_before(stamp: str) -> str:
    return _days_before(stamp, 7)


def _days_before(stamp: str, days: int) -> str:
    import datetime

    return (datetime.datetime.fromisoformat(stamp) - datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
