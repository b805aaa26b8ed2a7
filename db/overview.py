"""The outbox, the subscriptions and the trouble as the operator leafs through them: a page at a time, newest first."""

from __future__ import annotations

import json
from collections.abc import Sequence

from db.connection import History, Row

_STATE = "CASE WHEN notice.held AND notice.state = 'pending' THEN 'held' ELSE notice.state END"
_NAMED = 3
"""Trials of one notice or subscription that are named; of further ones the number is told."""


def notice_states(history: History) -> dict[str, int]:
    """How many notices there are in each state; ``held`` is one of its own."""
    return {row["state"]: row["n"] for row in history.rows(f"SELECT {_STATE} AS state, count(*) AS n FROM notice GROUP BY 1")}  # noqa: S608


_IN_STATE = {
    "held": "state != 'sent' AND state = 'pending' AND held",
    "pending": "state != 'sent' AND state = 'pending' AND NOT held",
    "sent": "state = 'sent'",
}
"""Those that are not sent are found by the index ``notice_open``, by the words of its own condition."""


def notices(
    history: History, *, state: str | None = None, address: str | None = None, notice: str | None = None, most: int = 50, skip: int = 0
) -> list[Row]:
    """Notices in this state, of this address, or this one; ``trials``: the first of those that it tells of, ``more``: how many more."""
    wanted = [_IN_STATE.get(state, "state != 'sent' AND state = :state")] if state is not None else []
    rows = history.rows(
        f"""SELECT id, address, kind, every, {_STATE} AS state, held, attempts, next_try_at, last_error, created_at, sent_at, note,
                   (SELECT json_group_array(DISTINCT change.trial) FROM notice_change JOIN change ON change.id = change_id
                    WHERE notice_id = notice.id) AS trials
            FROM notice {_where(wanted, address=address, id=notice)}
            ORDER BY created_at DESC, rowid DESC LIMIT :most OFFSET :skip""",  # noqa: S608 - no value is in it
        {"state": state, "address": address, "id": notice, "most": most, "skip": skip},
    )
    return [_with_trials({**row, "held": bool(row["held"])}) for row in rows]


def _where(wanted: Sequence[str] = (), **given: str | None) -> str:
    """What is asked for and nothing else: a question that has a way out for each value that is not given is answered without any index."""
    conditions = [*wanted, *(f"{name} = :{name}" for name, value in given.items() if value is not None)]
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def subscription_states(history: History, *, kind: str | None = None) -> dict[str, int]:
    """How many subscriptions, of all or of this kind of address, there are in each state."""
    rows = history.rows(f"SELECT state, count(*) AS n FROM subscription {_where(kind=kind)} GROUP BY state", {"kind": kind})  # noqa: S608
    return {row["state"]: row["n"] for row in rows}


def subscriptions(history: History, *, state: str | None = None, address: str | None = None, most: int = 50, skip: int = 0) -> list[Row]:
    """Subscriptions in this state, or of this address; ``trials`` and ``more`` as of notices, ``query``: the search that one follows."""
    rows = history.rows(
        f"""SELECT id, address, kind, role, every_trial, topics, countries, least, every, timezone, language, state, hold, created_at,
                  confirmed_at, consent_by, stopped_at, stopped_why,
                  (SELECT json_group_array(trial) FROM (SELECT trial FROM subscription_trial
                   WHERE subscription_id = subscription.id ORDER BY trial)) AS trials,
                  (SELECT query FROM subscription_search JOIN search ON search.id = search_id
                   WHERE subscription_id = subscription.id) AS query
           FROM subscription {_where(state=state, address=address)}
           ORDER BY id DESC LIMIT :most OFFSET :skip""",  # noqa: S608 - no value is in it
        {"state": state, "address": address, "most": most, "skip": skip},
    )
    return [
        _with_trials(
            {
                **row,
                "every_trial": bool(row["every_trial"]),
                "hold": bool(row["hold"]),
                "topics": json.loads(row["topics"]),
                "countries": json.loads(row["countries"]),
                "query": json.loads(row["query"]) if row["query"] else None,
            }
        )
        for row in rows
    ]


def incidents(history: History, since: str) -> list[Row]:
    """What is in trouble, or was since then (UTC), newest first, with what went wrong."""
    return history.rows(
        """SELECT source, opened_at, last_at, closed_at, times, error FROM incident WHERE closed_at IS NULL OR closed_at >= ?
           ORDER BY closed_at IS NOT NULL, opened_at DESC""",
        (since,),
    )


def last_runs(history: History) -> list[Row]:
    """The newest run of each job, also one that is under way; ``problems``: what it could not do."""
    rows = history.rows(
        """SELECT job, started_at, finished_at, outcome, detail FROM run WHERE id IN (SELECT max(id) FROM run GROUP BY job) ORDER BY job"""
    )
    for row in rows:
        detail = json.loads(row.pop("detail") or "{}")
        row["problems"] = [str(each) for each in detail.get("problems") or ()] if isinstance(detail, dict) else []
    return rows


def _with_trials(row: Row) -> Row:
    trials = sorted(json.loads(row["trials"]))
    return {**row, "trials": trials[:_NAMED], "more": max(0, len(trials) - _NAMED)}
