"""How the service stands, in numbers: for monitors, and for a page that says it in words. No address is in any of it."""

from __future__ import annotations

import re

from db.connection import History, Row
from registry_sync.hosts import site_of
from registry_sync.sources.interface import CTGOV

_SECRET = re.compile(
    r"""([?&;] (?: [\w.-]* (?: token | secret | passw(?:or)?d | signature | credentials? | apikey )
              | (?: [\w.-]* [_.-] )? (?: pwd | pass | auth | sig | key | session | sid ) ) =) [^&;#]*""",
    re.IGNORECASE | re.VERBOSE,
)


def totals(history: History) -> dict[str, int]:
    """How much is watched and kept."""
    row = history.one(
        """SELECT (SELECT count(*) FROM watch) AS watched_trials, (SELECT count(*) FROM search WHERE watched) AS watched_searches,
                  (SELECT count(*) FROM page) AS watched_pages, (SELECT count(*) FROM version) AS versions,
                  (SELECT count(*) FROM change) AS changes"""
    )
    assert row is not None  # noqa: S101 - it has one row
    return dict(row)


def good_checks(history: History) -> dict[str, str]:
    """By source when it was last looked at without trouble (UTC): the registry as a whole, of a site the page that was read longest ago."""
    row = history.one("SELECT looked_at FROM source WHERE name = ?", (CTGOV,))
    times = [at for at in (row["looked_at"] if row else None, last_good_sync(history)) if at]
    found = {CTGOV: max(times)} if times else {}
    for row in history.rows("SELECT url, read_at FROM page WHERE read_at IS NOT NULL"):
        site = without_secrets(site_of(row["url"]))
        found[site] = min(found.get(site, row["read_at"]), row["read_at"])
    return found


def last_runs(history: History) -> list[Row]:
    """The newest run of each job that has ended: ``job``, ``started_at``, ``finished_at``, ``outcome``."""
    return history.rows(
        """SELECT job, started_at, finished_at, outcome FROM run
           WHERE id IN (SELECT max(id) FROM run WHERE finished_at IS NOT NULL GROUP BY job) ORDER BY job"""
    )


def last_good_sync(history: History) -> str | None:
    """When the newest sync began that did its work, or all of it but some (UTC); not one in an outage of the registry."""
    row = history.one(
        """SELECT started_at FROM run WHERE job = 'sync' AND outcome IN ('done', 'partial') AND NOT EXISTS (
               SELECT 1 FROM incident WHERE source = ? AND opened_at <= finished_at AND (closed_at IS NULL OR closed_at > finished_at))
           ORDER BY id DESC LIMIT 1""",
        (CTGOV,),
    )
    return row["started_at"] if row else None


def watching_since(history: History) -> str | None:
    """Since when anything has been watched (UTC)."""
    row = history.one(
        """SELECT min(at) AS at FROM (SELECT min(added_at) AS at FROM watch
                                      UNION ALL SELECT min(added_at) FROM search WHERE watched)"""
    )
    return row["at"] if row else None


def incidents(history: History, since: str) -> list[Row]:
    """What is in trouble, or was since then (UTC), newest first, without what went wrong: that may name what is not public."""
    rows = history.rows(
        "SELECT source, opened_at, closed_at, times FROM incident WHERE closed_at IS NULL OR closed_at >= ? ORDER BY opened_at DESC",
        (since,),
    )
    return [{**row, "source": without_secrets(row["source"])} for row in rows]


def without_secrets(url: str) -> str:
    """An address without the user and the password that it may have, and without what its query calls a secret."""
    return _SECRET.sub(r"\1***", re.sub(r"^(https?://)[^/?#]*@", r"\1", url))
