"""How often and how far the dates of a trial have moved over the versions held."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable

from db import lookback
from db.connection import History
from registry_sync.trials.dates import Held, Slips, slips

_HELD = """
SELECT version.id, version.trial AS line, json_extract(version.headline, '$.' || :field || '.date') AS date,
       coalesce(version.registry_date, substr(version.seen_at, 1, 10)) AS since
FROM version JOIN version AS told ON told.id = :version AND version.trial = told.trial AND version.source = told.source
WHERE version.number <= told.number ORDER BY version.number
"""


def of_changes(history: History, changes: Iterable[int]) -> dict[str, dict[str, Slips]]:
    """By trial and field: how each date that these changes tell of has moved, from the first version held up to the newest one told.

    The versions of an entry that was merged into this one are left out: no date moved from one to the other.
    """
    told = history.rows(
        """SELECT trial, field, max(version_id) AS version FROM change
           WHERE id IN (SELECT value FROM json_each(?)) AND source = 'ctgov'
             AND field IN ('start_date', 'primary_completion_date', 'completion_date')
           GROUP BY trial, field""",
        (json.dumps(list(changes)),),
    )
    found: dict[str, dict[str, Slips]] = defaultdict(dict)
    for row in told:
        rows = history.rows(_HELD, {"field": row["field"], "version": row["version"]})
        same = lookback.of_its_entry(history, rows[0]["line"], row["version"])
        moved = slips(Held(each["date"], each["since"]) for each in rows if each["id"] in same)
        if moved is not None:
            found[row["trial"]][row["field"]] = moved
    return dict(found)
