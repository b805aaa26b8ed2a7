"""All that is held on one address, out or gone. An address beside a disease's trial is health data (GDPR, articles 9, 15, 17 and 20)."""

from __future__ import annotations

import json
from typing import Any

from db import confirmations, forms, outbox, stops, subscriptions
from db.connection import History

_SUBSCRIPTIONS_AT_ONCE = 100
_NOTICES_AT_ONCE = 1000
"""How many are aged out in one transaction at most."""


def held(history: History, address: str) -> dict[str, Any]:
    """Everything that is held on an address: its subscriptions with the proof of consent, its notices and what they told, its stop.

    ``confirmations``: the mails that asked it to confirm, and those that led to all of this; ``forms``: what was asked for a moment ago.
    """
    told: dict[str, list[dict[str, Any]]] = {}
    for row in history.rows(
        """SELECT notice_id, change.id, change.trial, change.field, change.operation FROM notice_change
           JOIN change ON change.id = change_id JOIN notice ON notice.id = notice_id WHERE notice.address = ? ORDER BY change.id""",
        (address,),
    ):
        told.setdefault(row.pop("notice_id"), []).append(row)
    stopped = stops.stopped(history, address)
    return {
        "address": address,
        "subscriptions": subscriptions.listing(history, address=address),
        "notices": [{**row, "changes": told.get(row["id"], [])} for row in outbox.listing(history, address=address)],
        "confirmations": confirmations.of_address(history, address),
        "forms": forms.of_address(history, address),
        "stop": {"at": stopped[0], "why": stopped[1]} if stopped else None,
    }


def erase(history: History, address: str, now: str) -> dict[str, int]:
    """Delete all that is held on an address but the keyed hash that keeps its stop; how many subscriptions and notices those were.

    Subscriptions that were not stopped count as stopped by their holder: who wants to be forgotten wants
    no mail.
    """
    with history.write() as connection:
        ids = [row[0] for row in connection.execute("SELECT id FROM notice WHERE address = ?", (address,))]
        for table, column in (("notice_change", "notice_id"), ("notice", "id")):
            connection.execute(f"DELETE FROM {table} WHERE {column} IN (SELECT value FROM json_each(?))", (json.dumps(ids),))  # noqa: S608
        forms.erase(connection, address)
        live = connection.execute("SELECT count(*) FROM subscription WHERE address = ? AND state != 'stopped'", (address,)).fetchone()[0]
        gone = connection.execute("DELETE FROM subscription WHERE address = ?", (address,)).rowcount
        if live:
            stops.note(connection, address, "holder", now)
    return {"subscriptions": gone, "notices": len(ids)}


def erase_at_once(history: History, address: str, now: str) -> dict[str, int]:
    """The same, and overwrite what was deleted where it stood: the file need not be written anew, and nobody need let go of it.

    What an earlier change has left in free space goes when the file is written anew.
    """
    with history.clear_errors():
        history.connection.execute("PRAGMA secure_delete = ON")
        gone = erase(history, address, now)
        history.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return gone


def age_out(history: History, before: str) -> int:
    """Delete subscriptions that were stopped, or asked for and never confirmed, before this time (UTC); how many.

    With the last one of an address go its notices. The keyed hash of a stop stays. It is done in small transactions, so that nobody who
    writes waits for long.
    """
    gone = 0
    while (more := _age_some_out(history, before)) is not None:
        gone += more
    return gone


def _age_some_out(history: History, before: str) -> int | None:
    """How many subscriptions went in one transaction, which takes a bounded number of rows; ``None``: there is no old one left."""
    old = "(state = 'stopped' AND stopped_at < :before) OR (state = 'pending' AND coalesce(asked_at, created_at) < :before)"
    with history.write() as connection:
        connection.execute("CREATE TEMP TABLE IF NOT EXISTS old (id INTEGER PRIMARY KEY, address TEXT)")
        connection.execute("DELETE FROM old")
        found = connection.execute(
            f"INSERT INTO old SELECT id, address FROM subscription WHERE {old} ORDER BY address, id LIMIT {_SUBSCRIPTIONS_AT_ONCE}",  # noqa: S608
            {"before": before},
        ).rowcount
        if not found:
            return None
        lasting = "SELECT id FROM subscription WHERE address = notice.address AND id NOT IN (SELECT id FROM old)"
        connection.execute(
            f"""UPDATE notice SET subscription_id = ({lasting} ORDER BY id LIMIT 1)
                WHERE subscription_id IN (SELECT id FROM old) AND EXISTS ({lasting})"""  # noqa: S608 - no value is in it
        )
        connection.execute(
            f"""DELETE FROM notice WHERE id IN (
                    SELECT id FROM notice WHERE subscription_id IN (SELECT id FROM old) LIMIT {_NOTICES_AT_ONCE})"""  # noqa: S608
        )
        return connection.execute(
            """DELETE FROM subscription WHERE id IN (SELECT id FROM old)
               AND NOT EXISTS (SELECT 1 FROM notice WHERE subscription_id = subscription.id)"""
        ).rowcount


def overwrite(history: History) -> None:
    """Write the file anew, so that nothing deleted is left in it. Raises DatabaseError while another process uses the file."""
    with history.clear_errors():
        history.connection.execute("VACUUM")
        history.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def settle(history: History) -> bool:
    """Write what is in the log beside the file into the file, over what was deleted; ``False`` while somebody still reads the log.

    What is deleted is overwritten where it stood (``PRAGMA secure_delete``), so that a file of any size need not be written anew.
    """
    with history.clear_errors():
        busy, *_ = history.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy
