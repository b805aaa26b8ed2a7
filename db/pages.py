"""The watched trial-finder pages: what each said when it was last read, how it stands, and what its site asks of programs."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from db.connection import History, Row
from db.history import marks
from registry_sync.sources.interface import Validators
from registry_sync.trials.listing import Listing
from registry_sync.trials.standing import Standing

_NONE = Validators()


class Page(msgspec.Struct, frozen=True):
    """A watched page. ``listing``: ``None`` until it was read; ``validators``: good for the ``reader`` that read it."""

    trial: str
    url: str
    standing: Standing = Standing()
    listing: Listing | None = None
    validators: Validators = _NONE
    reader: str = ""
    looked_at: str | None = None
    read_at: str | None = None


def every(history: History, trials: Sequence[str] = ()) -> list[Page]:
    """All of them, or those of some trials, by trial and in the order in which they were added."""
    only = f"WHERE trial IN ({marks(trials)})" if trials else ""
    return [_page(row) for row in history.rows(f"SELECT * FROM page {only} ORDER BY trial, id", list(trials))]  # noqa: S608 - question marks


def stands(connection: sqlite3.Connection, page: Page, standing: Standing, now: str) -> None:
    """Note that a page was asked for, and how it stands, inside the caller's transaction."""
    connection.execute(
        "UPDATE page SET standing = ?, looked_at = ? WHERE trial = ? AND url = ?", (_json(standing), now, page.trial, page.url)
    )


def was_read(connection: sqlite3.Connection, page: Page, listing: Listing, validators: Validators | None, reader: str, now: str) -> None:
    """Keep what a page said, inside the caller's transaction; ``reader``: what read it."""
    given = validators or _NONE
    connection.execute(
        """UPDATE page SET listing = ?, etag = ?, last_modified = ?, reader = ?, read_at = ? WHERE trial = ? AND url = ?""",
        (_json(listing), given.etag, given.last_modified, reader, now, page.trial, page.url),
    )


def was_not_modified(connection: sqlite3.Connection, page: Page, now: str) -> None:
    """Note that a page is the one that was read last, inside the caller's transaction."""
    connection.execute("UPDATE page SET read_at = ? WHERE trial = ? AND url = ?", (now, page.trial, page.url))


def robots(history: History, host: str) -> tuple[str, str] | None:
    """What came of asking a host for robots.txt, as JSON, and when that was (UTC); ``None``: it was never asked."""
    row = history.one("SELECT rules, fetched_at FROM robots WHERE host = ?", (host,))
    return (row["rules"], row["fetched_at"]) if row else None


def keep_robots(history: History, host: str, rules: str, now: str) -> None:
    """Keep what came of asking a host for robots.txt."""
    with history.write() as connection:
        connection.execute(
            """INSERT INTO robots (host, fetched_at, rules) VALUES (?, ?, ?)
               ON CONFLICT (host) DO UPDATE SET fetched_at = excluded.fetched_at, rules = excluded.rules""",
            (host, now, rules),
        )


def _page(row: Row) -> Page:
    return Page(
        trial=row["trial"],
        url=row["url"],
        standing=msgspec.json.decode(row["standing"], type=Standing),
        listing=msgspec.json.decode(row["listing"], type=Listing) if row["listing"] else None,
        validators=Validators(row["etag"], row["last_modified"]),
        reader=row["reader"] or "",
        looked_at=row["looked_at"],
        read_at=row["read_at"],
    )


def _json(value: msgspec.Struct) -> str:
    return msgspec.json.encode(value).decode()
